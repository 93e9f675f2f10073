/* Recursive descent over the tokens; the grammar is section 'Grammar' of
 * docs/GRAMMAR.md. Depth is bounded by ES_MAX_NESTING. Here: terms, the reading and the
 * whole. */
#include "lexer/parser.h"

/* ---- terms ------------------------------------------------------------------------ */

static es_status term(es_parser *p) {
  int base = p->items.n, axes = 0;
  es_term t = {.span = {p->now.span.offset, 0}};
  p->ellipsis = ES_NOWHERE;
  while (!es_parser_ends_term(p->now.kind)) {
    ES_TRY(es_parser_axis(p));
    es_item *last = (es_item *)p->items.at + p->items.n - 1;
    axes = p->items.n - base - (p->ellipsis.length > 0);
    t.span = es_span_join(t.span, last->span);
    if (axes > ES_MAX_RANK)
      return es_fail(p->error, ES_E_LIMIT, "L6", last->span,
                     "a term of more than %d axes; a tensor has at most %d", ES_MAX_RANK,
                     ES_MAX_RANK);
  }
  t.items = es_parser_take(p, &p->items, base, &t.n);
  es_term *at = es_parser_push(p, &p->terms);
  if (!t.items || !at) return es_fail_nomem(p->error);
  *at = t;
  return ES_OK;
}

static es_status terms(es_parser *p, es_term **list, int *n) {
  for (;;) {
    ES_TRY(term(p));
    if (p->terms.n > ES_MAX_OPERANDS)
      return es_fail(p->error, ES_E_LIMIT, "L6", p->now.span, "more than %d operands",
                     ES_MAX_OPERANDS);
    if (p->now.kind != ES_TOKEN_COMMA) break;
    es_parser_advance(p);
  }
  *list = es_parser_take(p, &p->terms, 0, n);
  return *list ? ES_OK : es_fail_nomem(p->error);
}

/* ---- the whole --------------------------------------------------------------------- */

/* Only the text before '|' decides; see section 'Which reading'. */
es_reading es_parse_reading(const char *text, size_t len) {
  es_lexer lexer = {text, len, 0};
  es_token_kind before = ES_TOKEN_END;
  for (;;) {
    es_token t = es_lexer_next(&lexer);
    switch (t.kind) {
    case ES_TOKEN_END:
    case ES_TOKEN_PIPE: return ES_READ_LETTERS;
    case ES_TOKEN_ELLIPSIS:
    case ES_TOKEN_ARROW:
    case ES_TOKEN_COMMA: break;
    case ES_TOKEN_NAME:
      if (before == ES_TOKEN_NAME) return ES_READ_NAMES;
      for (int64_t i = 0; i < t.span.length; i++) {
        char c = text[t.span.offset + i];
        if (c == '_' || (c >= '0' && c <= '9')) return ES_READ_NAMES;
      }
      break;
    default: return ES_READ_NAMES;
    }
    before = t.kind;
  }
}

static es_status pattern(es_parser *p) {
  es_pattern *out = p->pattern;
  p->now = es_lexer_next(&p->lexer);
  p->next = es_lexer_next(&p->lexer);
  ES_TRY(terms(p, &out->in, &out->n_in));
  if (p->now.kind == ES_TOKEN_ARROW) {
    out->has_arrow = p->output = true;
    out->arrow = p->now.span;
    es_parser_advance(p);
    ES_TRY(terms(p, &out->out, &out->n_out));
  }
  if (p->now.kind == ES_TOKEN_ARROW)
    return es_fail2(p->error, ES_E_SYNTAX, "L5", p->now.span, out->arrow,
                    "a second '->': a pattern has one, between inputs and output");
  if (p->now.kind == ES_TOKEN_PIPE) ES_TRY(es_parser_reducer(p));
  out->n_names = p->names.n;
  out->names = p->names.text;
  out->name_spans = p->names.first;
  return es_parse_check(out, p->error);
}

es_status es_parse(es_arena *arena, es_kind kind, const char *text, size_t len, es_reading reading,
                   es_pattern **out, es_error *error) {
  *out = NULL;
  if (len > ES_MAX_TEXT)
    return es_fail(error, ES_E_LIMIT, "L6", (es_span){ES_MAX_TEXT, 1},
                   "the text has %zu bytes; a pattern has at most %d", len, ES_MAX_TEXT);
  es_pattern *made = ES_NEW(arena, es_pattern);
  const char *copy = es_arena_copy_text(arena, text, len);
  if (!made || !copy) return es_fail_nomem(error);
  made->text = copy;
  made->len = len;
  made->kind = kind;
  made->reading_given = reading != ES_READ_AUTO || kind != ES_KIND_EINSUM;
  made->reading = reading != ES_READ_AUTO  ? reading
                  : kind != ES_KIND_EINSUM ? ES_READ_NAMES
                                           : es_parse_reading(copy, len);
  es_parser p = {.pattern = made,
                 .arena = arena,
                 .error = error,
                 .lexer = {copy, len, 0},
                 .names = {.arena = arena},
                 .items = {.size = sizeof(es_item)},
                 .products = {.size = sizeof(es_lin_term)},
                 .terms = {.size = sizeof(es_term)}};
  ES_TRY(pattern(&p));
  *out = made;
  return ES_OK;
}
