/* Tokens and trees as indented text, for people. */
#include <inttypes.h>

#include "base/text.h"
#include "lexer/parser.h"

/* " 4+7 '(h+k)?0'": place and text. */
static void put_place(es_text *t, const char *text, es_span span) {
  es_text_printf(t, " %" PRId64 "+%" PRId64, span.offset, span.length);
  es_quote q;
  if (span.length) es_text_printf(t, " %s", es_parse_quote(&q, text, span));
  es_text_puts(t, "\n");
}

size_t es_tokens_dump(const char *text, size_t len, char *buf, size_t cap) {
  static const char *const names[] = {
#define ES_X(name, words) #name,
      ES_TOKEN_LIST(ES_X)
#undef ES_X
  };
  es_text t = es_text_init(buf, cap);
  es_lexer lexer = {text, len, 0};
  es_token token;
  do {
    token = es_lexer_next(&lexer);
    es_text_printf(&t, "%c %-14s", token.spaced ? '_' : ' ', names[token.kind]);
    put_place(&t, text, token.span);
  } while (token.kind != ES_TOKEN_END);
  return t.len;
}

static void indent(es_text *t, int depth) { es_text_printf(t, "%*s", 2 * depth, ""); }

static void dump_items(es_text *t, const es_pattern *p, const es_item *items, int n, int depth) {
  static const char *const names[] = {"name",  "any",    "int",    "ellipsis",
                                      "group", "affine", "concat", "star"};
  for (int i = 0; i < n; i++) {
    const es_item *item = &items[i];
    indent(t, depth);
    es_text_puts(t, names[item->kind]);
    if (item->name != ES_NO_NAME)
      es_text_printf(t, " %s#%d", p->names[item->name], (int)item->name);
    put_place(t, p->text, item->span);
    if (item->kind == ES_ITEM_GROUP || item->kind == ES_ITEM_CONCAT)
      dump_items(t, p, item->items, item->n, depth + 1);
    for (int k = 0; item->kind == ES_ITEM_AFFINE && k < item->n; k++) {
      const es_lin_term *term = &item->terms[k];
      indent(t, depth + 1);
      es_text_printf(t, "product %" PRId64, term->coef);
      if (term->param != ES_NO_NAME) es_text_printf(t, " * %s", p->names[term->param]);
      if (term->name != ES_NO_NAME)
        es_text_printf(t, " * %s#%d", p->names[term->name], (int)term->name);
      put_place(t, p->text, term->span);
    }
    if (item->fill.kind != ES_FILL_NONE) {
      indent(t, depth + 1);
      es_text_puts(t, "fill");
      put_place(t, p->text, item->fill.span);
    }
  }
}

static void dump_terms(es_text *t, const es_pattern *p, const char *side, const es_term *terms,
                       int n) {
  for (int i = 0; i < n; i++) {
    es_text_printf(t, "  %s %d", side, i);
    put_place(t, p->text, terms[i].span);
    dump_items(t, p, terms[i].items, terms[i].n, 2);
  }
}

size_t es_pattern_dump(const es_pattern *p, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "pattern %s%s\n", p->reading == ES_READ_LETTERS ? "LETTERS" : "NAMES",
                 p->reading_given ? " (given)" : "");
  dump_terms(&t, p, "in", p->in, p->n_in);
  dump_terms(&t, p, "out", p->out, p->n_out);
  if (p->reducer != ES_REDUCE_NONE) {
    es_text_printf(&t, "  reducer %s", es_reducer_name(p->reducer));
    put_place(&t, p->text, p->reducer_span);
  }
  return t.len;
}
