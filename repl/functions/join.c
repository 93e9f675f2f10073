/* Tensors put together, repeated and padded. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/functions.h"

enum { CONCAT, STACK };

static sc_value *join(sc_args *a) {
  int axis;
  int64_t n;
  es_tensor **in = sc_scratch(a->s, ES_MAX_OPERANDS * sizeof *in);
  if (a->n_rest == 2 && !a->value[1] && a->rest[1]->kind == SC_INT) { /* concat((x, y), 1) */
    a->value[1] = a->rest[1];
    a->at[1] = a->rest_at[1];
    a->n_rest = 1;
  }
  if (!sc_rest_tensors(a, in, ES_MAX_OPERANDS, &n) || !sc_arg_axis(a, 1, 0, &axis)) return NULL;
  return sc_return(a, a->function->code == STACK ? es_stack(a->s->es, in, n, axis)
                                                 : es_concat(a->s->es, in, n, axis));
}

sc_value *sc_repeat_entries(sc_args *a, es_tensor *x, int64_t times, int axis) {
  es_ctx *es = a->s->es;
  if (axis == ES_NO_AXIS) {
    x = es_reshape(es, x, 1, (int64_t[]){-1});
    axis = 0;
  }
  if (!x) return sc_return(a, NULL);
  int rank = es_rank(x), at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank || rank + 1 > ES_MAX_RANK || times < 0)
    return sc_fail(a->s, ES_E_RANGE, a->span,
                   "%lld copies along axis %d of a tensor with %d axes "
                   "are not possible",
                   (long long)times, axis, rank);
  int64_t wide[ES_MAX_RANK], shape[ES_MAX_RANK];
  for (int i = 0; i <= rank; i++)
    wide[i] = i <= at ? es_shape(x)[i] : i == at + 1 ? times : es_shape(x)[i - 1];
  memcpy(shape, es_shape(x), (size_t)rank * sizeof *shape);
  if (__builtin_mul_overflow(shape[at], times, &shape[at]))
    return sc_fail(a->s, ES_E_OVERFLOW, a->span, "%lld copies of %lld entries exceed any size",
                   (long long)times, (long long)es_shape(x)[at]);
  x = es_unsqueeze(es, x, at + 1);
  x = x ? es_broadcast_to(es, x, rank + 1, wide) : NULL;
  return sc_return(a, x ? es_reshape(es, x, rank, shape) : NULL);
}

/* Every axis n is read as (r, n) with a stretched r, then merged. */
static sc_value *tile_axes(sc_args *a, es_tensor *x, const int64_t *reps, int n_reps) {
  es_ctx *es = a->s->es;
  int rank = es_rank(x) > n_reps ? es_rank(x) : n_reps;
  if (2 * rank > ES_MAX_RANK)
    return sc_fail(a->s, ES_E_LIMIT, a->span, "tile works on at most %d axes", ES_MAX_RANK / 2);
  int64_t shape[ES_MAX_RANK], apart[ES_MAX_RANK], wide[ES_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    int from = es_rank(x) - rank + i, rep = n_reps - rank + i;
    int64_t n = from >= 0 ? es_shape(x)[from] : 1, r = rep >= 0 ? reps[rep] : 1;
    if (r < 0 || __builtin_mul_overflow(n, r, &shape[i]))
      return sc_fail(a->s, ES_E_VALUE, a->span, "%lld copies of %lld entries are not possible",
                     (long long)r, (long long)n);
    apart[2 * i] = 1;
    wide[2 * i] = r;
    apart[2 * i + 1] = wide[2 * i + 1] = n;
  }
  x = es_reshape(es, x, 2 * rank, apart);
  x = x ? es_broadcast_to(es, x, 2 * rank, wide) : NULL;
  return sc_return(a, x ? es_reshape(es, x, rank, shape) : NULL);
}

static sc_value *tile(sc_args *a) {
  int64_t reps[ES_MAX_RANK];
  int n;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x) return NULL;
  if (a->value[2] ? !sc_arg_sizes(a, 2, reps, &n) : !sc_rest_sizes(a, reps, &n)) return NULL;
  return tile_axes(a, x, reps, n);
}

/* x.repeat(…): PyTorch's tiles, NumPy's repeats entries. */
static sc_value *repeat_method(sc_args *a) {
  int axis;
  int64_t times;
  if (a->flavour == SC_TORCH) return tile(a);
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_axis(a, 3, ES_NO_AXIS, &axis)) return NULL;
  if (a->n_rest == 2 && !a->value[3] && a->rest[1]->kind == SC_INT) {
    axis = (int)a->rest[1]->i;
    a->n_rest = 1;
  }
  if (a->n_rest != 1)
    return sc_fail(a->s, ES_E_COUNT, a->span,
                   "x.repeat(n, axis) repeats entries; for copies of the "
                   "whole write tile(x, (2, 3))");
  if (!sc_to_int(a->s, a->rest_at[0], a->rest[0], "repeats", &times)) return NULL;
  return sc_repeat_entries(a, x, times, axis);
}

static sc_value *roll(sc_args *a) {
  int64_t shifts[ES_MAX_RANK];
  int axes[ES_MAX_RANK], n, n_axes;
  es_ctx *es = a->s->es;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x || !sc_arg_sizes(a, 1, shifts, &n) || !sc_arg_axes(a, 2, axes, &n_axes)) return NULL;
  es_tensor *t = x;
  if (!a->value[2]) {
    t = es_reshape(es, x, 1, (int64_t[]){-1});
    axes[0] = 0;
    n_axes = 1;
  }
  for (int i = 0; i < n_axes && t; i++) {
    int axis = axes[i] < 0 ? axes[i] + es_rank(t) : axes[i];
    int64_t extent = axis >= 0 && axis < es_rank(t) ? es_shape(t)[axis] : 0;
    int64_t shift = shifts[i < n ? i : n - 1];
    if (!extent) continue;
    shift = (shift % extent + extent) % extent;
    es_tensor *tail = es_slice(es, t, axis, extent - shift, ES_ALL, 1);
    es_tensor *head = tail ? es_slice(es, t, axis, 0, extent - shift, 1) : NULL;
    t = head ? es_concat(es, ES_IN(tail, head), axis) : NULL;
  }
  if (t && !a->value[2]) t = es_reshape(es, t, es_rank(x), es_shape(x));
  return sc_return(a, t);
}

/* NumPy's pad_width, first axis first, to PyTorch's list, last axis first. */
static sc_value *pad(sc_args *a) {
  static const char *const modes[][2] = {{"constant", "constant"},
                                         {"edge", "replicate"},
                                         {"reflect", "reflect"},
                                         {"wrap", "circular"}};
  es_tensor *x = sc_arg_tensor(a, 0);
  const char *name, *mode = NULL;
  double value;
  if (!x || !sc_arg_text(a, 2, &name) || !sc_arg_float(a, 3, 0, &value)) return NULL;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(name ? name : "constant", modes[i][0])) mode = modes[i][1];
  if (!mode)
    return sc_fail(a->s, ES_E_VALUE, a->at[2],
                   "'%.40s' is no mode of np.pad here; there are "
                   "constant, edge, reflect, wrap",
                   name);
  int rank = es_rank(x);
  const sc_value *width = a->value[1];
  int64_t pads[2 * ES_MAX_RANK], one[ES_MAX_RANK];
  bool each = sc_is_sequence(width) && width->n && sc_is_sequence(width->items[0]);
  if (each && width->n != rank && width->n != 1)
    return sc_fail(a->s, ES_E_COUNT, a->at[1], "%lld pairs of pads for a tensor with %d axes",
                   (long long)width->n, rank);
  for (int i = 0; i < rank; i++) {
    const sc_value *pair = each ? width->items[width->n == 1 ? 0 : i] : width;
    int n;
    if (!sc_to_sizes(a->s, a->at[1], pair, "a pad", one, &n)) return NULL;
    if (n < 1 || n > 2)
      return sc_fail(a->s, ES_E_COUNT, a->at[1],
                     "a pad is a number or (low, high), found %d numbers", n);
    pads[2 * (rank - 1 - i)] = one[0];
    pads[2 * (rank - 1 - i) + 1] = one[n - 1];
  }
  return sc_return(a, es_pad(a->s->es, x, pads, 2 * rank, mode, value));
}

#define FUNCTIONS (SC_IN_BARE | SC_IN_ARRAYS)

const sc_function sc_functions_join[] = {
    {"concat", FUNCTIONS, "tensors* axis|dim?", join, CONCAT,
     "concat([x, y], axis=1): tensors one after the other along an axis."},
    {"concatenate", FUNCTIONS, "tensors* axis|dim?", join, CONCAT, "As concat."},
    {"cat", FUNCTIONS, "tensors* axis|dim?", join, CONCAT, "As concat."},
    {"stack", FUNCTIONS, "tensors* axis|dim?", join, STACK, "Tensors along a new axis."},
    {"tile", FUNCTIONS | SC_IN_METHOD, "x reps_* reps|dims?", tile, 0,
     "tile(x, (1, 2)): the whole, side by side: 'c g -> c (f g)'."},
    {"repeat", SC_IN_METHOD, "x repeats* sizes? axis|dim?", repeat_method, 0,
     "NumPy's x.repeat(2, axis=0) repeats entries; PyTorch's x.repeat(2, 3) tiles."},
    {"roll", FUNCTIONS | SC_IN_METHOD, "x shift|shifts axis|dim|dims?", roll, 0,
     "Entries moved along an axis, the last ones to the front."},
    {"pad", SC_IN_NUMPY | SC_IN_JAX, "x|array pad_width mode? constant_values?", pad, 0,
     "np.pad(x, ((1, 1), (2, 0))): pairs from the first axis on. Bare pad and F.pad count from the "
     "last axis, as PyTorch does."},
    {NULL, 0, NULL, NULL, 0, NULL}};
