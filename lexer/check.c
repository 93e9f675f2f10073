/* What each kind allows: arrows, number of terms, kinds of items. */
#include "lexer/parser.h"

/* Whether a '^' stands among the items, groups included; nesting is bounded. */
static bool joins(const es_item *items, int n) {
  for (int i = 0; i < n; i++) {
    if (items[i].kind == ES_ITEM_CONCAT) return true;
    if (items[i].kind == ES_ITEM_GROUP && joins(items[i].items, items[i].n)) return true;
  }
  return false;
}

static bool any_joins(const es_term *terms, int n) {
  for (int i = 0; i < n; i++)
    if (joins(terms[i].items, terms[i].n)) return true;
  return false;
}

static const char *kind_name(es_kind kind) {
  static const char *const names[] = {"einsum", "rearrange", "reduce",     "repeat",
                                      "pack",   "unpack",    "parse_shape"};
  return names[kind];
}

static es_span whole(const es_pattern *p) { return (es_span){0, (int64_t)p->len}; }

/* The extra terms of a side, its commas included. */
static es_span beyond_first(const es_term *terms, int n) {
  es_span span = es_span_join(terms[1].span, terms[n - 1].span);
  return span.length ? span : terms[0].span;
}

static es_status check_arrow(const es_pattern *p, es_error *error) {
  const char *name = kind_name(p->kind);
  switch (p->kind) {
  case ES_KIND_EINSUM: return ES_OK;
  case ES_KIND_REARRANGE:
  case ES_KIND_REDUCE:
  case ES_KIND_REPEAT:
    if (p->has_arrow) return ES_OK;
    return es_fail(error, ES_E_SYNTAX, "L5", whole(p),
                   "no '->': %s needs one, between the input and the output", name);
  default:
    if (!p->has_arrow) return ES_OK;
    return es_fail(error, ES_E_SYNTAX, "L5", p->arrow, "'->' in a pattern of %s, which is one term",
                   name);
  }
}

static es_status check_terms(const es_pattern *p, es_error *error) {
  const char *name = kind_name(p->kind);
  if (p->n_out > 1 && !any_joins(p->in, p->n_in))
    return es_fail(
        error, ES_E_SYNTAX, "L7", beyond_first(p->out, p->n_out),
        "%d outputs, and no input that is split: several outputs need an input with '^', as "
        "in 'b (x ^ y) -> b x, b y'",
        p->n_out);
  if (p->n_in == 1 || p->kind == ES_KIND_EINSUM) return ES_OK;
  if (p->has_arrow && any_joins(p->out, p->n_out)) return ES_OK;
  return es_fail(error, ES_E_SYNTAX, "L7", beyond_first(p->in, p->n_in),
                 p->has_arrow
                     ? "%d inputs: %s takes one, or several that the output joins with '^', as "
                       "in 'b x, b y -> b (x ^ y)'"
                     : "%d terms: a pattern of %s is one",
                 p->n_in, name);
}

static es_status check_reducer(const es_pattern *p, es_error *error) {
  if (p->reducer == ES_REDUCE_NONE || p->kind == ES_KIND_EINSUM || p->kind == ES_KIND_REDUCE)
    return ES_OK;
  return es_fail(error, ES_E_SYNTAX, "L7", p->reducer_span,
                 "a reducer in %s, which reduces nothing; use reduce or einsum",
                 kind_name(p->kind));
}

/* pack and unpack: names and exactly one '*'. */
static es_status check_pack(const es_pattern *p, es_error *error) {
  const es_term *term = &p->in[0];
  const es_item *star = NULL;
  es_quote q;
  for (int i = 0; i < term->n; i++) {
    const es_item *item = &term->items[i];
    if (item->kind == ES_ITEM_STAR && star)
      return es_fail2(error, ES_E_SYNTAX, "S14", item->span, star->span,
                      "a second '*': %s packs one run of axes", kind_name(p->kind));
    if (item->kind == ES_ITEM_STAR) star = item;
    if (item->kind != ES_ITEM_STAR && item->kind != ES_ITEM_NAME)
      return es_fail(error, ES_E_SYNTAX, "L7", item->span,
                     "'%s' in a pattern of %s, which takes names and one '*'",
                     es_parse_quote(&q, p->text, item->span), kind_name(p->kind));
  }
  if (star) return ES_OK;
  return es_fail(error, ES_E_SYNTAX, "S14", whole(p),
                 "no '*': %s needs one, where the packed axes stand, as in 'b * c'",
                 kind_name(p->kind));
}

static es_status check_shape(const es_pattern *p, es_error *error) {
  es_quote q;
  for (int i = 0; i < p->in[0].n; i++) {
    const es_item *item = &p->in[0].items[i];
    bool whole_axis = item->kind == ES_ITEM_NAME || item->kind == ES_ITEM_ANY ||
                      item->kind == ES_ITEM_INT || item->kind == ES_ITEM_ELLIPSIS;
    if (!whole_axis)
      return es_fail(
          error, ES_E_SYNTAX, "L7", item->span,
          "'%s' in a pattern of parse_shape, which names whole axes: names, '_', numbers and "
          "'...'",
          es_parse_quote(&q, p->text, item->span));
  }
  return ES_OK;
}

es_status es_parse_check(const es_pattern *p, es_error *error) {
  ES_TRY(check_arrow(p, error));
  ES_TRY(check_terms(p, error));
  ES_TRY(check_reducer(p, error));
  if (p->kind == ES_KIND_PACK || p->kind == ES_KIND_UNPACK) return check_pack(p, error);
  return p->kind == ES_KIND_SHAPE ? check_shape(p, error) : ES_OK;
}
