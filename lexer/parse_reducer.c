/* What stands behind '|'. */
#include "lexer/parser.h"

#include <string.h>

static bool is_word(const es_parser *p, es_token t, const char *word) {
  size_t len = strlen(word);
  return t.kind == ES_TOKEN_NAME && (size_t)t.span.length == len &&
         !memcmp(p->pattern->text + t.span.offset, word, len);
}

static es_status outer(es_parser *p) {
  es_pattern *pattern = p->pattern;
  for (es_reducer r = ES_REDUCE_SUM; r < ES_REDUCER_COUNT; r++)
    if (is_word(p, p->now, es_reducer_name(r))) pattern->reducer = r;
  if (p->now.kind == ES_TOKEN_PLUS) pattern->reducer = ES_REDUCE_SUM;
  if (p->now.kind == ES_TOKEN_STAR) pattern->reducer = ES_REDUCE_PROD;
  if (is_word(p, p->now, "or")) pattern->reducer = ES_REDUCE_ANY;
  if (is_word(p, p->now, "and")) pattern->reducer = ES_REDUCE_ALL;
  if (pattern->reducer == ES_REDUCE_NONE)
    return es_parser_unexpected(p, "a reducer: sum, prod, max, min, mean, any, all or logsumexp");
  es_parser_advance(p);
  return ES_OK;
}

static es_status inner(es_parser *p) {
  static const struct {
    es_token_kind kind;
    const char *word;
    es_inner inner;
  } table[] = {{ES_TOKEN_STAR, "", ES_INNER_MUL},    {ES_TOKEN_PLUS, "", ES_INNER_ADD},
               {ES_TOKEN_NAME, "max", ES_INNER_MAX}, {ES_TOKEN_NAME, "min", ES_INNER_MIN},
               {ES_TOKEN_NAME, "and", ES_INNER_AND}, {ES_TOKEN_NAME, "or", ES_INNER_OR}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (p->now.kind == table[i].kind &&
        (p->now.kind != ES_TOKEN_NAME || is_word(p, p->now, table[i].word))) {
      p->pattern->inner = table[i].inner;
      p->pattern->inner_given = true;
      es_parser_advance(p);
      return ES_OK;
    }
  return es_parser_unexpected(p, "what joins the operands: +, *, max, min, and, or");
}

/* '|' NAME or '|' '(' outer ',' inner ')' */
es_status es_parser_reducer(es_parser *p) {
  es_span start = p->now.span, end;
  es_parser_advance(p);
  end = p->now.span;
  if (p->now.kind != ES_TOKEN_OPEN) {
    ES_TRY(outer(p));
  } else {
    es_span open = p->now.span;
    es_parser_advance(p);
    ES_TRY(outer(p));
    if (p->now.kind != ES_TOKEN_COMMA) return es_parser_unexpected(p, "',' as in (max, +)");
    es_parser_advance(p);
    ES_TRY(inner(p));
    if (p->now.kind == ES_TOKEN_END)
      return es_fail(p->error, ES_E_SYNTAX, "L3", open,
                     "'(' is never closed: ')' is missing at the end of the text");
    if (p->now.kind != ES_TOKEN_CLOSE) return es_parser_unexpected(p, "')' after (outer, inner");
    end = p->now.span;
    es_parser_advance(p);
  }
  p->pattern->reducer_span = es_span_join(start, end);
  if (p->now.kind != ES_TOKEN_END)
    return es_parser_unexpected(p, "the end of the text after the one reducer");
  return ES_OK;
}
