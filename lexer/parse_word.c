/* Names and numbers of a pattern. */
#include "base/checked.h"
#include "lexer/parser.h"

es_status es_parser_intern(es_parser *p, es_span span, es_name_id *id) {
  const char *text = p->pattern->text + span.offset;
  if (span.length > ES_MAX_NAME)
    return es_fail(p->error, ES_E_LIMIT, "L6", span,
                   "the name '%s' has %lld bytes; a name has at most %d", es_parser_quote(p, span),
                   (long long)span.length, ES_MAX_NAME);
  *id = es_names_intern(&p->names, text, (size_t)span.length, span);
  return *id == ES_NO_NAME ? es_fail_nomem(p->error) : ES_OK;
}

bool es_parser_is_any(const es_parser *p, es_token t) {
  return t.span.length == 1 && p->pattern->text[t.span.offset] == '_';
}

/* The token as a NAME of section 2. */
es_status es_parser_name(es_parser *p, es_token t, es_name_id *id) {
  const char *text = p->pattern->text + t.span.offset;
  bool leading = text[0] == '_', trailing = text[t.span.length - 1] == '_';
  if (leading || trailing)
    return es_fail(p->error, ES_E_SYNTAX, "L4", t.span,
                   "the name '%s' %s with '_'; an underscore stands only inside a name",
                   es_parser_quote(p, t.span), leading ? "starts" : "ends");
  return es_parser_intern(p, t.span, id);
}

/* A digit glued to the name after it is one bad word to its reader. */
es_status es_parser_no_glued_name(es_parser *p) {
  if (p->next.kind != ES_TOKEN_NAME || p->next.spaced) return ES_OK;
  es_span word = es_span_join(p->now.span, p->next.span);
  return es_fail(p->error, ES_E_SYNTAX, "L4", word,
                 "the name '%s' starts with a digit; a name starts with a letter%s",
                 es_parser_quote(p, word),
                 p->depth ? ", and a factor is written with '*': (2*h)" : "");
}

es_status es_parser_whole_number(es_parser *p, int64_t *value) {
  const char *digits = p->pattern->text + p->now.span.offset;
  *value = 0;
  for (int64_t i = 0; i < p->now.span.length; i++)
    if (!es_mul_i64(*value, 10, value) || !es_add_i64(*value, digits[i] - '0', value))
      return es_fail(p->error, ES_E_LIMIT, "L6", p->now.span,
                     "the number %s does not fit 64 bits; the largest is 9223372036854775807",
                     es_parser_quote(p, p->now.span));
  return es_parser_no_glued_name(p);
}

es_status es_parser_fraction(es_parser *p) {
  ES_TRY(es_parser_no_glued_name(p));
  return es_fail(
      p->error, ES_E_SYNTAX, "L4", p->now.span,
      "'%s' is no whole number; sizes and factors are whole, and a name starts with a letter",
      es_parser_quote(p, p->now.span));
}
