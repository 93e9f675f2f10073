/* Affine indices and fills. */
#include "lexer/parser.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

/* first '*' second, where second is a number or another '*' follows. */
static es_status bad_product(es_parser *p, es_token first, es_token second) {
  bool turned = first.kind == ES_TOKEN_NAME && second.kind == ES_TOKEN_INT;
  es_span span = es_span_join(first.span, second.span);
  if (turned)
    return es_fail(p->error, ES_E_SYNTAX, "L7", span, "'%s': the factor comes first: %s*%s",
                   es_parser_quote(p, span), es_parser_quote(p, second.span),
                   es_parser_quote(p, first.span));
  return es_fail(p->error, ES_E_SYNTAX, "L7", span,
                 "'%s': an index takes one factor times one name, as in 2*h",
                 es_parser_quote(p, span));
}

/* [coef '*'] NAME | INT | PARAM, with the sign already read. */
static es_status product(es_parser *p, int64_t sign) {
  es_lin_term t = {.coef = sign, .param = ES_NO_NAME, .name = ES_NO_NAME, .span = p->now.span};
  es_token first = p->now;
  int64_t value;
  if (first.kind == ES_TOKEN_NUMBER) return es_parser_fraction(p);
  if (first.kind == ES_TOKEN_INT) {
    ES_TRY(es_parser_whole_number(p, &value));
    t.coef = sign * value;
  } else if (first.kind != ES_TOKEN_NAME || es_parser_is_any(p, first)) {
    if (es_parser_ends_term(first.kind)) return es_parser_not_closed(p);
    return es_parser_unexpected(p, "a name or a whole number");
  }
  es_parser_advance(p);
  es_token named = first;
  if (p->now.kind == ES_TOKEN_STAR) {
    if (first.kind == ES_TOKEN_NAME) ES_TRY(es_parser_name(p, first, &t.param));
    es_parser_advance(p);
    named = p->now;
    if (named.kind == ES_TOKEN_INT) return bad_product(p, first, named);
    if (es_parser_ends_term(named.kind)) return es_parser_not_closed(p);
    if (named.kind != ES_TOKEN_NAME || es_parser_is_any(p, named))
      return es_parser_unexpected(p, "a name after '*'");
    t.span = es_span_join(first.span, named.span);
    es_parser_advance(p);
    if (p->now.kind == ES_TOKEN_STAR) return bad_product(p, first, p->now);
  }
  if (named.kind == ES_TOKEN_NAME) {
    ES_TRY(es_parser_name(p, named, &t.name));
    t.name_span = named.span;
  }
  es_lin_term *at = es_parser_push(p, &p->products);
  if (!at) return es_fail_nomem(p->error);
  *at = t;
  return ES_OK;
}

static bool is_sum_sign(es_token_kind kind) {
  return kind == ES_TOKEN_PLUS || kind == ES_TOKEN_MINUS;
}

/* Everything up to ')', which is left to the caller. */
es_status es_parser_affine(es_parser *p, es_item *item) {
  item->kind = ES_ITEM_AFFINE;
  int base = p->products.n;
  int64_t sign = 1;
  if (p->now.kind == ES_TOKEN_MINUS) sign = -1, es_parser_advance(p);
  ES_TRY(product(p, sign));
  while (is_sum_sign(p->now.kind)) {
    sign = p->now.kind == ES_TOKEN_PLUS ? 1 : -1;
    es_parser_advance(p);
    ES_TRY(product(p, sign));
  }
  item->terms = es_parser_take(p, &p->products, base, &item->n);
  return item->terms ? ES_OK : es_fail_nomem(p->error);
}

/* '?' fill behind a parenthesis. */
es_status es_parser_fill(es_parser *p, es_item *item) {
  es_span question = p->now.span;
  es_parser_advance(p);
  es_fill f = {.kind = ES_FILL_NUMBER};
  bool minus = p->now.kind == ES_TOKEN_MINUS;
  if (minus) es_parser_advance(p);
  es_span word = p->now.span;
  const char *text = p->pattern->text + word.offset;
  bool is_word = !minus && p->now.kind == ES_TOKEN_NAME;
  if (p->now.kind == ES_TOKEN_INT || p->now.kind == ES_TOKEN_NUMBER) {
    ES_TRY(es_parser_no_glued_name(p));
    if (!es_parse_double(text, (size_t)word.length, &f.value) || isinf(f.value))
      return es_fail(p->error, ES_E_LIMIT, "L6", word, "the number %s does not fit a double",
                     es_parser_quote(p, word));
    if (minus) f.value = -f.value;
  } else if (is_word && word.length == 4 && !memcmp(text, "edge", 4)) {
    f.kind = ES_FILL_EDGE;
  } else if (is_word && word.length == 4 && !memcmp(text, "wrap", 4)) {
    f.kind = ES_FILL_WRAP;
  } else if (is_word && word.length == 7 && !memcmp(text, "reflect", 7)) {
    f.kind = ES_FILL_REFLECT;
  } else {
    return es_parser_unexpected(p, "a number, edge, wrap or reflect after '?'");
  }
  f.span = es_span_join(question, word);
  es_parser_advance(p);
  if (p->output)
    return es_fail(p->error, ES_E_SYNTAX, "L7", f.span,
                   "a fill on an output: only reads can leave their axis; drop '%s'",
                   es_parser_quote(p, f.span));
  bool one_name = item->kind == ES_ITEM_GROUP && item->n == 1 &&
                  item->items[0].kind == ES_ITEM_NAME;
  if (item->kind != ES_ITEM_AFFINE && !one_name)
    return es_fail2(
        p->error, ES_E_SYNTAX, "L7", f.span, item->span,
        "a fill behind '%s', which reads every element once; it belongs to an index such "
        "as (h+k-1)?0",
        es_parser_quote(p, item->span));
  item->fill = f;
  item->span = es_span_join(item->span, f.span);
  return ES_OK;
}
