/* New tensors. Element types follow the library of the name space; without one,
 * whole numbers are i64 and others f32. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/functions.h"

static sc_value *ramp(sc_args *a) {
  int64_t shape[ES_MAX_RANK];
  int rank;
  es_dtype dtype;
  if (!sc_given_sizes(a, 0, shape, &rank) || !sc_arg_dtype(a, 1, ES_I64, &dtype)) return NULL;
  return sc_return(a, es_ramp(a->s->es, dtype, rank, shape));
}

static sc_value *arange(sc_args *a) {
  double start, stop, step;
  bool whole = true;
  es_dtype dtype;
  for (int i = 0; i < 3; i++) whole &= !a->value[i] || a->value[i]->kind != SC_FLOAT;
  es_dtype otherwise = whole ? sc_default_int(a->flavour) : sc_default_float(a->flavour);
  if (!sc_arg_float(a, 0, 0, &start) || !sc_arg_float(a, 1, 0, &stop) ||
      !sc_arg_float(a, 2, 1, &step) || !sc_arg_dtype(a, 3, otherwise, &dtype))
    return NULL;
  if (!a->value[1]) {
    stop = start;
    start = 0;
  }
  return sc_return(a, es_arange(a->s->es, dtype, start, stop, step));
}

enum { ZEROS, ONES, EMPTY };

static sc_value *filled(sc_args *a) {
  int64_t shape[ES_MAX_RANK];
  int rank;
  es_dtype dtype;
  if (a->value[1] && a->value[1]->kind == SC_INT)
    return sc_fail(a->s, ES_E_DTYPE, a->at[1],
                   "NumPy's %s takes the shape as one tuple: %s((2, 3))", a->function->name,
                   a->function->name);
  if (!sc_given_sizes(a, 0, shape, &rank) ||
      !sc_arg_dtype(a, 1, sc_default_float(a->flavour), &dtype))
    return NULL;
  return sc_return(a, a->function->code == ONES ? es_full(a->s->es, dtype, rank, shape, 1)
                                                : es_zeros(a->s->es, dtype, rank, shape));
}

static sc_value *full(sc_args *a) {
  int64_t shape[ES_MAX_RANK];
  int rank;
  double value;
  es_dtype dtype, otherwise = sc_default_float(a->flavour);
  if (a->value[1]->kind == SC_INT) otherwise = sc_default_int(a->flavour);
  if (a->value[1]->kind == SC_BOOL) otherwise = ES_BOOL;
  if (!sc_arg_sizes(a, 0, shape, &rank) || !sc_arg_float(a, 1, 0, &value) ||
      !sc_arg_dtype(a, 2, otherwise, &dtype))
    return NULL;
  return sc_return(a, es_full(a->s->es, dtype, rank, shape, value));
}

/* code: the value; 2 for full_like, whose second parameter it is */
static sc_value *like(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  int dtype_at = a->function->code == 2 ? 2 : 1;
  double value = a->function->code;
  es_dtype dtype;
  if (!x || !sc_arg_dtype(a, dtype_at, es_dtype_of(x), &dtype)) return NULL;
  if (dtype_at == 2 && !sc_arg_float(a, 1, 0, &value)) return NULL;
  return sc_return(a, es_full(a->s->es, dtype, es_rank(x), es_shape(x), value));
}

static sc_value *eye(sc_args *a) {
  int64_t rows, columns;
  es_dtype dtype;
  if (!sc_arg_int(a, 0, 0, &rows) || !sc_arg_int(a, 1, rows, &columns) ||
      !sc_arg_dtype(a, 2, sc_default_float(a->flavour), &dtype))
    return NULL;
  return sc_return(a, es_eye(a->s->es, dtype, rows, columns));
}

static sc_value *linspace(sc_args *a) {
  double start, stop;
  int64_t count;
  es_dtype dtype;
  if (!sc_arg_float(a, 0, 0, &start) || !sc_arg_float(a, 1, 0, &stop) ||
      !sc_arg_int(a, 2, 50, &count) || !sc_arg_dtype(a, 3, sc_default_float(a->flavour), &dtype))
    return NULL;
  return sc_return(a, es_linspace(a->s->es, dtype, start, stop, count));
}

static sc_value *tensor(sc_args *a) {
  es_dtype dtype;
  if (!sc_arg_dtype(a, 1, ES_DTYPE_AUTO, &dtype)) return NULL;
  es_tensor *t = sc_to_tensor(a->s, a->at[0], a->value[0], a->flavour, dtype);
  if (t && a->value[0]->kind == SC_TENSOR) t = es_copy(a->s->es, t);
  return t ? sc_result(a->s, a->span, t, a->flavour) : a->s->fault.set ? NULL : sc_return(a, NULL);
}

enum { UNIFORM, NORMAL };

static es_tensor *random_of(sc_args *a, es_dtype dtype, int rank, const int64_t *shape) {
  return a->function->code == NORMAL ? es_randn(a->s->es, dtype, rank, shape)
                                     : es_rand(a->s->es, dtype, rank, shape);
}

static sc_value *random_shape(sc_args *a) {
  int64_t shape[ES_MAX_RANK];
  int rank;
  es_dtype dtype;
  if (!sc_given_sizes(a, 0, shape, &rank) ||
      !sc_arg_dtype(a, 1, sc_default_float(a->flavour), &dtype))
    return NULL;
  return sc_return(a, random_of(a, dtype, rank, shape));
}

/* np.random.normal(mean, deviation, size), .uniform(low, high, size);
 * jax.random's take a key and a shape. */
static sc_value *random_scaled(sc_args *a) {
  int64_t shape[ES_MAX_RANK];
  int rank = 0, shape_at = a->flavour == SC_JAX ? 1 : 2;
  bool normal = a->function->code == NORMAL;
  double first = 0, second = 1;
  if (a->value[shape_at] && !sc_arg_sizes(a, shape_at, shape, &rank)) return NULL;
  if (a->flavour != SC_JAX && (!sc_arg_float(a, 0, 0, &first) || !sc_arg_float(a, 1, 1, &second)))
    return NULL;
  es_tensor *t = random_of(a, sc_default_float(a->flavour), rank, shape);
  double scale = normal ? second : second - first;
  if (t && scale != 1) t = es_binary_scalar(a->s->es, ES_MUL, t, scale, false, false);
  if (t && first != 0) t = es_binary_scalar(a->s->es, ES_ADD, t, first, false, false);
  return sc_return(a, t);
}

static sc_value *random_key(sc_args *a) { return a->value[0]; }

static sc_value *random_seed(sc_args *a) {
  int64_t seed;
  if (!sc_arg_int(a, 0, 0, &seed)) return NULL;
  a->s->seed = (uint64_t)seed;
  es_set_seed(a->s->es, a->s->seed);
  return sc_none(a->s);
}

#define COUNTING (SC_IN_NUMPY | SC_IN_JAX | SC_IN_TORCH | SC_IN_MXNET)
#define BY_TUPLE (SC_IN_NUMPY | SC_IN_JAX | SC_IN_MXNET)
#define BY_SIZES (SC_IN_BARE | SC_IN_TORCH)

const sc_function sc_functions_create[] = {
    {"arange", SC_IN_BARE, "shape* dtype?", ramp, 0,
     "arange(2, 3): 0, 1, 2, … in that shape, i64. np.arange(2, 3), torch.arange and range(2, 3) "
     "count from 2 to 3 instead."},
    {"arange", COUNTING, "start stop|end? step? dtype?", arange, 0,
     "start, start + step, … below stop; one argument counts from 0."},
    {"range", SC_IN_BARE, "start stop? step?", arange, 0,
     "The integers from start up to, not including, stop, as a tensor."},
    {"zeros", BY_TUPLE, "shape dtype?", filled, ZEROS, "All zeros."},
    {"zeros", BY_SIZES, "shape* dtype?", filled, ZEROS, "All zeros: zeros(2, 3) or zeros((2, 3))."},
    {"ones", BY_TUPLE, "shape dtype?", filled, ONES, "All ones."},
    {"ones", BY_SIZES, "shape* dtype?", filled, ONES, "All ones: ones(2, 3) or ones((2, 3))."},
    {"empty", BY_TUPLE, "shape dtype?", filled, EMPTY, "A tensor to be filled; it holds zeros."},
    {"empty", BY_SIZES, "shape* dtype?", filled, EMPTY, "A tensor to be filled; it holds zeros."},
    {"full", SC_IN_BARE | SC_IN_ARRAYS, "shape|size fill_value|val dtype?", full, 0,
     "full((2, 3), 7): every element is that number."},
    {"zeros_like", SC_IN_BARE | SC_IN_ARRAYS, "x dtype?", like, 0, "Zeros in the shape of x."},
    {"ones_like", SC_IN_BARE | SC_IN_ARRAYS, "x dtype?", like, 1, "Ones in the shape of x."},
    {"full_like", SC_IN_BARE | SC_IN_ARRAYS, "x fill_value dtype?", like, 2,
     "One number in the shape of x."},
    {"eye", SC_IN_BARE | SC_IN_ARRAYS, "n|N m|M? dtype?", eye, 0, "Ones on the diagonal."},
    {"linspace", SC_IN_BARE | SC_IN_ARRAYS, "start stop|end num|steps? dtype?", linspace, 0,
     "num numbers from start to stop, both included."},
    {"tensor", SC_IN_BARE | SC_IN_TORCH, "data dtype?", tensor, 0,
     "tensor([[1, 2], [3, 4]]): numbers in nested lists, or a copy of a tensor."},
    {"array", SC_IN_BARE | SC_IN_NUMPY | SC_IN_JAX | SC_IN_MXNET, "data|object dtype?", tensor, 0,
     "The same as tensor."},
    {"asarray", SC_IN_BARE | SC_IN_NUMPY | SC_IN_JAX, "data dtype?", tensor, 0,
     "The same as tensor."},
    {"rand", BY_SIZES | SC_IN_RANDOM, "shape* dtype?", random_shape, UNIFORM,
     "Uniform on [0, 1); the seed is einstride's --seed."},
    {"randn", BY_SIZES | SC_IN_RANDOM, "shape* dtype?", random_shape, NORMAL,
     "Normal with mean 0 and deviation 1; the seed is einstride's --seed."},
    {"normal", SC_IN_RANDOM, "loc|key? scale|shape? size?", random_scaled, NORMAL,
     "Normal numbers: normal(mean, deviation, shape)."},
    {"uniform", SC_IN_RANDOM, "low|key? high|shape? size?", random_scaled, UNIFORM,
     "Uniform numbers: uniform(low, high, shape)."},
    {"PRNGKey", SC_IN_RANDOM, "seed", random_key, 0, "JAX's key; the seed here is --seed."},
    {"seed", SC_IN_RANDOM, "seed?", random_seed, 0, "Numbers from here on are those of seed N."},
    {"manual_seed", SC_IN_TORCH, "seed?", random_seed, 0,
     "Numbers from here on are those of seed N."},
    {NULL, 0, NULL, NULL, 0, NULL}};
