/* Reductions over axes, under NumPy's and PyTorch's names. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/functions.h"

/* max(3, 4) and the like over plain numbers, as Python has them. */
static bool only_numbers(const sc_call *call) {
  for (int64_t i = 0; i < call->n; i++)
    if (!sc_is_number(call->values[i])) return false;
  return call->n > 1 && !call->n_named;
}

static sc_value *extreme_number(sc_args *a, sc_token_kind better) {
  sc_value *best = a->call->values[0];
  for (int64_t i = 1; i < a->call->n; i++) {
    const sc_value *found = sc_binary(a->s, better, a->call->values[i], best, a->span);
    if (!found) return NULL;
    if (found->i) best = a->call->values[i];
  }
  return best;
}

/* sum((1, 2)) is the number 3, not a tensor. */
static sc_value *plain_number(sc_args *a, sc_value *v) {
  if (!v || !sc_is_sequence(a->value[0]) || a->flavour || es_rank(v->tensor)) return v;
  for (int64_t i = 0; i < a->value[0]->n; i++)
    if (!sc_is_number(a->value[0]->items[i])) return v;
  sc_call call = {.span = a->span};
  return sc_method_call(a->s, v, "item", &call);
}

static sc_value *reduce(sc_args *a) {
  int axes[ES_MAX_RANK], n;
  bool keep;
  es_dtype dtype;
  es_reducer reducer = (es_reducer)a->function->code;
  bool extreme = reducer == ES_REDUCE_MAX || reducer == ES_REDUCE_MIN;
  if (extreme && !a->flavour && only_numbers(a->call))
    return extreme_number(a, reducer == ES_REDUCE_MAX ? SC_T_GT : SC_T_LT);
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axes(a, 1, axes, &n) || !sc_arg_bool(a, 2, false, &keep) ||
      !sc_arg_dtype(a, 3, ES_DTYPE_AUTO, &dtype))
    return NULL;
  if (dtype != ES_DTYPE_AUTO && !(x = es_cast(a->s->es, x, dtype))) return sc_return(a, NULL);
  es_tensor *t = es_reduce_axes(a->s->es, reducer, x, a->value[1] ? axes : NULL, n, keep);
  /* PyTorch's max and min along one axis give the places too. */
  if (t && extreme && a->flavour == SC_TORCH && a->value[1] && n == 1 &&
      strncmp(a->function->name, "am", 2) != 0) {
    es_tensor *at = reducer == ES_REDUCE_MAX ? es_argmax(a->s->es, x, axes[0], keep)
                                             : es_argmin(a->s->es, x, axes[0], keep);
    sc_value *pair[2] = {sc_return(a, t), sc_return(a, at)};
    return pair[0] && pair[1] ? sc_sequence(a->s, SC_TUPLE, 2, pair) : NULL;
  }
  return plain_number(a, sc_return(a, t));
}

enum { ARGMAX, ARGMIN };

static sc_value *arg_extreme(sc_args *a) {
  int axis;
  bool keep;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axis(a, 1, ES_NO_AXIS, &axis) || !sc_arg_bool(a, 2, false, &keep)) return NULL;
  return sc_return(a, a->function->code == ARGMAX ? es_argmax(a->s->es, x, axis, keep)
                                                  : es_argmin(a->s->es, x, axis, keep));
}

enum { VARIANCE, DEVIATION };

/* Two passes: mean, then the mean square distance from it. */
static sc_value *variance(sc_args *a) {
  int axes[ES_MAX_RANK], n;
  int64_t ddof;
  bool keep;
  es_ctx *es = a->s->es;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axes(a, 1, axes, &n) || !sc_arg_bool(a, 2, false, &keep) ||
      !sc_arg_int(a, 3, a->flavour == SC_TORCH, &ddof))
    return NULL;
  const int *which = a->value[1] ? axes : NULL;
  es_tensor *mean = es_reduce_axes(es, ES_REDUCE_MEAN, x, which, n, true);
  es_tensor *distance = mean ? es_binary(es, ES_SUB, x, mean) : NULL;
  es_tensor *square = distance ? es_unary(es, ES_SQUARE, distance) : NULL;
  es_tensor *t = square ? es_reduce_axes(es, ES_REDUCE_SUM, square, which, n, keep) : NULL;
  if (!t) return sc_return(a, NULL);
  double count = es_size(mean) ? (double)es_size(x) / (double)es_size(mean) : 0;
  t = es_binary_scalar(es, ES_DIV, t, count - (double)ddof, false, false);
  if (t && a->function->code == DEVIATION) t = es_unary(es, ES_SQRT, t);
  return sc_return(a, t);
}

#define ROWS (SC_IN_METHOD | SC_IN_BARE | SC_IN_ARRAYS)
#define PARAMS "x|input axis|dim? keepdims|keepdim? dtype?"

const sc_function sc_functions_reduce[] = {
    {"sum", ROWS, PARAMS, reduce, ES_REDUCE_SUM,
     "Sum over one axis, several or all. Integers and booleans give i64 (i32 in JAX)."},
    {"prod", ROWS, PARAMS, reduce, ES_REDUCE_PROD, "Product over axes."},
    {"mean", ROWS, PARAMS, reduce, ES_REDUCE_MEAN, "Mean over axes; of integers f64."},
    {"max", ROWS, PARAMS, reduce, ES_REDUCE_MAX, "Largest element over axes; NaN wins."},
    {"min", ROWS, PARAMS, reduce, ES_REDUCE_MIN, "Smallest element over axes; NaN wins."},
    {"amax", ROWS, PARAMS, reduce, ES_REDUCE_MAX, "As max."},
    {"amin", ROWS, PARAMS, reduce, ES_REDUCE_MIN, "As min."},
    {"any", ROWS, PARAMS, reduce, ES_REDUCE_ANY, "True where any element is."},
    {"all", ROWS, PARAMS, reduce, ES_REDUCE_ALL, "True where all elements are."},
    {"logsumexp", ROWS, PARAMS, reduce, ES_REDUCE_LOGSUMEXP, "log(sum(exp(x))) without overflow."},
    {"argmax", ROWS, "x|input axis|dim? keepdims|keepdim?", arg_extreme, ARGMAX,
     "Place of the first largest element."},
    {"argmin", ROWS, "x|input axis|dim? keepdims|keepdim?", arg_extreme, ARGMIN,
     "Place of the first smallest element."},
    {"var", ROWS, "x|input axis|dim? keepdims|keepdim? ddof|correction?", variance, VARIANCE,
     "Mean square distance from the mean; PyTorch divides by n - 1."},
    {"std", ROWS, "x|input axis|dim? keepdims|keepdim? ddof|correction?", variance, DEVIATION,
     "Square root of var."},
    {NULL, 0, NULL, NULL, 0, NULL}};
