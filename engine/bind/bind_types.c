/* Reducer, combination and element types: what the values are, not where. */
#include <math.h>

#include "base/dtype.h"
#include "engine/bind/binder.h"

static bool takes_operations(es_kind kind) {
  return kind == ES_KIND_EINSUM || kind == ES_KIND_REDUCE;
}

static es_status choose_reducer(es_binder *b, const es_options *options) {
  const es_pattern *p = es_bind_pattern(b);
  es_reducer asked = options ? options->reducer : ES_REDUCE_NONE;
  if (asked < 0 || asked >= ES_REDUCER_COUNT)
    return es_fail(b->error, ES_E_VALUE, "", ES_NOWHERE, "%d is not a reducer", (int)asked);
  if (p->reducer != ES_REDUCE_NONE && asked != ES_REDUCE_NONE && p->reducer != asked)
    return es_fail(b->error, ES_E_VALUE, "", p->reducer_span,
                   "the text reduces by %s, the call by %s: name one", es_reducer_name(p->reducer),
                   es_reducer_name(asked));
  es_reducer r = p->reducer != ES_REDUCE_NONE ? p->reducer : asked;
  if (!takes_operations(p->kind) && r != ES_REDUCE_NONE)
    return es_fail(b->error, ES_E_VALUE, "", p->reducer_span,
                   "rearrange and repeat move elements and take no reducer, found %s: use reduce",
                   es_reducer_name(r));
  if (p->kind == ES_KIND_REDUCE && r == ES_REDUCE_NONE)
    return es_fail(b->error, ES_E_VALUE, "", ES_NOWHERE,
                   "reduce needs a reducer: sum, prod, max, min, mean, any, all or logsumexp");
  b->bound->reduce = r;
  b->bound->combine = p->inner_given ? p->inner : ES_INNER_MUL;
  return ES_OK;
}

/* On bool, einsum is the (or, and) semiring, as in NumPy; a reducer that the
 * caller names counts instead. */
static void fill_reducer(es_binder *b, es_dtype promoted) {
  es_bound *r = b->bound;
  bool named = r->reduce != ES_REDUCE_NONE;
  if (named) return;
  bool logical = promoted == ES_BOOL && es_bind_pattern(b)->kind == ES_KIND_EINSUM;
  r->reduce = logical ? ES_REDUCE_ANY : ES_REDUCE_SUM;
  if (logical) r->combine = ES_INNER_AND; /* a text that names it names a reducer, too */
}

static const char *inner_name(es_inner inner) {
  static const char *const names[] = {"*", "+", "max", "min", "and", "or"};
  return names[inner];
}

static es_status check_complex(es_binder *b, es_dtype promoted, bool named) {
  const es_pattern *p = es_bind_pattern(b);
  const es_bound *r = b->bound;
  if (es_dtype_class(promoted) != ES_CLASS_COMPLEX) return ES_OK;
  bool ordered = r->reduce != ES_REDUCE_SUM && r->reduce != ES_REDUCE_PROD &&
                 r->reduce != ES_REDUCE_MEAN;
  if (named && ordered)
    return es_fail(b->error, ES_E_DTYPE, "D1", p->reducer_span,
                   "%s has no meaning for %s, which has no order: reduce its real part, imaginary "
                   "part or absolute value",
                   es_reducer_name(r->reduce), es_dtype_name(promoted));
  if (r->combine == ES_INNER_MUL || r->combine == ES_INNER_ADD) return ES_OK;
  return es_fail(b->error, ES_E_DTYPE, "D1", p->reducer_span,
                 "'%s' has no meaning for %s: combine complex values by * or +",
                 inner_name(r->combine), es_dtype_name(promoted));
}

static es_dtype natural_type(const es_bound *r, const es_pattern *p, es_dtype promoted,
                             bool named) {
  bool exact = es_dtype_class(promoted) <= ES_CLASS_INT;
  bool widens = p->kind == ES_KIND_REDUCE || (named && promoted == ES_BOOL);
  switch (r->reduce) {
  case ES_REDUCE_SUM:
  case ES_REDUCE_PROD: return exact && widens ? ES_I64 : promoted;
  case ES_REDUCE_MEAN:
  case ES_REDUCE_LOGSUMEXP: return exact ? ES_F64 : promoted;
  case ES_REDUCE_ANY:
  case ES_REDUCE_ALL: return ES_BOOL;
  default: return promoted;
  }
}

static es_status no_rule(es_binder *b, es_dtype from, es_dtype to) {
  return es_fail(b->error, ES_E_DTYPE, "D1", ES_NOWHERE,
                 "a result of type %s has no rule to become %s: ask for another output type "
                 "(out_dtype), or cast the result",
                 es_dtype_name(from), es_dtype_name(to));
}

/* Integers may narrow (the store checks each value), floats may round; a result
 * never loses its fraction, its imaginary part, or becomes a truth value. */
static bool may_store(es_dtype from, es_dtype to) {
  es_class f = es_dtype_class(from), t = es_dtype_class(to);
  return t == ES_CLASS_BOOL ? f == ES_CLASS_BOOL : f <= t;
}

static es_status choose_output(es_binder *b, const es_options *options, const es_array *out,
                               es_dtype natural, es_dtype *dtype) {
  *dtype = natural;
  bool asked = options && options->has_out_dtype && options->out_dtype != ES_DTYPE_AUTO;
  if (asked) *dtype = options->out_dtype;
  if (!es_dtype_valid(*dtype))
    return es_fail(b->error, ES_E_VALUE, "", ES_NOWHERE, "%d is not an element type", (int)*dtype);
  if (out && asked && out->dtype != *dtype)
    return es_fail(b->error, ES_E_VALUE, "", ES_NOWHERE,
                   "out holds %s, but the output type asked for is %s", es_dtype_name(out->dtype),
                   es_dtype_name(*dtype));
  if (out) *dtype = out->dtype;
  return may_store(natural, *dtype) ? ES_OK : no_rule(b, natural, *dtype);
}

static es_status check_scale(es_binder *b, const es_options *options) {
  es_bound *r = b->bound;
  r->alpha = options && options->has_scale ? options->alpha : 1;
  r->beta = options && options->has_scale ? options->beta : 0;
  if (r->alpha == 1 && r->beta == 0) return ES_OK;
  es_dtype type = r->out[0].dtype;
  es_class cls = es_dtype_class(type);
  if (cls == ES_CLASS_BOOL)
    return es_fail(b->error, ES_E_DTYPE, "D1", ES_NOWHERE,
                   "alpha %g and beta %g have no rule for bool: ask for another output type",
                   r->alpha, r->beta);
  const double limit = 0x1p63;
  bool whole = r->alpha == floor(r->alpha) && r->beta == floor(r->beta) && fabs(r->alpha) < limit &&
               fabs(r->beta) < limit;
  if (cls == ES_CLASS_INT && !whole)
    return es_fail(b->error, ES_E_VALUE, "D1", ES_NOWHERE,
                   "alpha %g and beta %g must be whole numbers for %s: ask for a floating-point "
                   "output type",
                   r->alpha, r->beta, es_dtype_name(type));
  return ES_OK;
}

static es_status check_fills(es_binder *b) {
  for (int i = 0; i < b->bound->n_in; i++) {
    const es_padded *p = b->bound->padded[i];
    es_dtype type = b->in[i].dtype;
    if (!p || es_dtype_class(type) > ES_CLASS_INT) continue;
    int64_t low, high;
    es_dtype_int_range(type, &low, &high);
    for (int k = 0; k < p->rank; k++) {
      double v = p->fill[k].value;
      if (p->fill[k].kind != ES_FILL_NUMBER) continue;
      /* (double)INT64_MAX is 2^63, one too many: hence < high + 1. */
      if (v == floor(v) && v >= (double)low && v < (double)high + 1) continue;
      return es_blame(b->error, i,
                      es_fail(b->error, ES_E_DTYPE, "D1", p->fill[k].span,
                              "the fill %g is no value of operand %d, which holds %s", v, i,
                              es_dtype_name(type)));
    }
  }
  return ES_OK;
}

es_status es_bind_types(es_binder *b, const es_options *options, const es_array *out) {
  es_bound *r = b->bound;
  es_dtype promoted = r->dtype[0];
  for (int i = 1; i < r->n_in; i++) promoted = es_dtype_promote(promoted, r->dtype[i]);
  ES_TRY(choose_reducer(b, options));
  bool named = r->reduce != ES_REDUCE_NONE;
  fill_reducer(b, promoted);
  ES_TRY(check_complex(b, promoted, named));
  es_dtype natural = natural_type(r, es_bind_pattern(b), promoted, named);
  for (int i = 0; i < r->n_out; i++)
    ES_TRY(choose_output(b, options, out ? &out[i] : NULL, natural, &r->out[i].dtype));
  r->wrap = options && options->wrap;
  if (r->wrap && es_dtype_class(promoted) > ES_CLASS_INT)
    return es_fail(b->error, ES_E_DTYPE, "D1", ES_NOWHERE,
                   "wrap is for integers, the operands have type %s", es_dtype_name(promoted));
  es_dtype wide = r->out[0].dtype;
  bool same_class = es_dtype_class(wide) == es_dtype_class(promoted);
  bool from_log = r->reduce == ES_REDUCE_LOGSUMEXP && es_dtype_class(promoted) <= ES_CLASS_INT;
  r->compute = es_dtype_compute(from_log     ? ES_F64
                                : same_class ? es_dtype_promote(promoted, wide)
                                             : promoted);
  bool complex = es_dtype_class(r->compute) == ES_CLASS_COMPLEX;
  if (options && options->precise && r->compute != ES_I64) r->compute = complex ? ES_C128 : ES_F64;
  ES_TRY(check_scale(b, options));
  return check_fills(b);
}
