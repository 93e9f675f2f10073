/* Python's own functions, methods that give numbers or types. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/functions.h"
#include "repl/print/print.h"

static sc_value *len(sc_args *a) {
  const sc_value *v = a->value[0];
  if (v->kind == SC_TENSOR && es_rank(v->tensor)) return sc_int(a->s, es_shape(v->tensor)[0]);
  if (sc_is_sequence(v)) return sc_int(a->s, v->n);
  if (v->kind == SC_DICT) return sc_int(a->s, v->n / 2);
  if (v->kind == SC_STRING) return sc_int(a->s, (int64_t)v->len);
  return sc_fail(a->s, ES_E_DTYPE, a->at[0], "%s has no length",
                 v->kind == SC_TENSOR ? "a tensor without axes" : sc_kind_name(v->kind));
}

enum { TO_INT, TO_FLOAT, TO_BOOL };

static sc_value *number(sc_args *a) {
  double f;
  int64_t i;
  bool b;
  switch (a->function->code) {
  case TO_BOOL: return sc_truth(a->s, a->value[0], a->at[0], &b) ? sc_bool(a->s, b) : NULL;
  case TO_FLOAT: return sc_arg_float(a, 0, 0, &f) ? sc_float(a->s, f) : NULL;
  default: break;
  }
  if (a->value[0]->kind != SC_FLOAT &&
      !(a->value[0]->kind == SC_TENSOR && es_dtype_of(a->value[0]->tensor) > ES_I64))
    return sc_arg_int(a, 0, 0, &i) ? sc_int(a->s, i) : NULL;
  if (!sc_arg_float(a, 0, 0, &f)) return NULL;
  if (!(f > -9.2e18 && f < 9.2e18))
    return sc_fail(a->s, ES_E_OVERFLOW, a->at[0], "this number does not fit a 64-bit integer");
  return sc_int(a->s, (int64_t)f);
}

/* The items of a sequence, of a tensor along its first axis, or the keys of a dict. */
static bool items_of(sc_args *a, sc_value *v, sc_span where, sc_value ***items, int64_t *n) {
  bool rows = v->kind == SC_TENSOR && es_rank(v->tensor);
  if (!rows && !sc_is_sequence(v) && v->kind != SC_DICT) {
    sc_fail(a->s, ES_E_DTYPE, where, "%s has no items", sc_kind_name(v->kind));
    return false;
  }
  *n = rows ? es_shape(v->tensor)[0] : v->kind == SC_DICT ? v->n / 2 : v->n;
  *items = sc_scratch(a->s, (size_t)*n * sizeof **items);
  for (int64_t i = 0; i < *n; i++) {
    if (!rows) {
      (*items)[i] = v->items[v->kind == SC_DICT ? 2 * i : i];
      continue;
    }
    sc_value *at = sc_int(a->s, i);
    if (!((*items)[i] = sc_index(a->s, v, at, where))) return false;
  }
  return true;
}

static sc_value *sequence(sc_args *a) {
  sc_value **items;
  int64_t n;
  if (!a->value[0]) return sc_sequence(a->s, (sc_kind)a->function->code, 0, NULL);
  if (!items_of(a, a->value[0], a->at[0], &items, &n)) return NULL;
  return sc_sequence(a->s, (sc_kind)a->function->code, n, items);
}

static sc_value *zip(sc_args *a) {
  int64_t n = 0;
  sc_value ***columns = sc_scratch(a->s, (size_t)a->n_rest * sizeof *columns);
  for (int64_t k = 0; k < a->n_rest; k++) {
    int64_t count;
    if (!items_of(a, a->rest[k], a->rest_at[k], &columns[k], &count)) return NULL;
    n = k && n < count ? n : count;
  }
  sc_value **rows = sc_scratch(a->s, (size_t)n * sizeof *rows);
  sc_value **row = sc_scratch(a->s, (size_t)a->n_rest * sizeof *row);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t k = 0; k < a->n_rest; k++) row[k] = columns[k][i];
    if (!(rows[i] = sc_sequence(a->s, SC_TUPLE, a->n_rest, row))) return NULL;
  }
  return sc_sequence(a->s, SC_LIST, n, rows);
}

static sc_value *dict(sc_args *a) {
  int64_t n = 0, count = 0;
  sc_value **items = NULL, **pairs;
  const sc_value *from = a->value[0];
  if (from && from->kind == SC_DICT) return a->value[0];
  if (from && !items_of(a, a->value[0], a->at[0], &items, &count)) return NULL;
  pairs = sc_scratch(a->s, (size_t)(count + a->n_extra) * 2 * sizeof *pairs);
  for (int64_t i = 0; i < count; i++) {
    if (!sc_is_sequence(items[i]) || items[i]->n != 2 || items[i]->items[0]->kind != SC_STRING)
      return sc_fail(a->s, ES_E_DTYPE, a->at[0], "a dict is made of pairs (name, value)");
    pairs[n++] = items[i]->items[0];
    pairs[n++] = items[i]->items[1];
  }
  for (int64_t i = 0; i < a->n_extra; i++) {
    pairs[n++] = sc_string(a->s, a->extra_names[i], strlen(a->extra_names[i]));
    pairs[n++] = a->extra[i];
  }
  return sc_sequence(a->s, SC_DICT, n, pairs);
}

enum { KEYS, VALUES, ITEMS };

static sc_value *dict_part(sc_args *a) {
  const sc_value *v = a->value[0];
  int64_t n = v->n / 2;
  sc_value **items = sc_scratch(a->s, (size_t)n * sizeof *items);
  for (int64_t i = 0; i < n; i++) {
    items[i] = a->function->code == ITEMS ? sc_sequence(a->s, SC_TUPLE, 2, v->items + 2 * i)
                                          : v->items[2 * i + (a->function->code == VALUES)];
    if (!items[i]) return NULL;
  }
  return sc_sequence(a->s, SC_LIST, n, items);
}

/* ---- of tensors ------------------------------------------------------------------- */

static sc_value *numel(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  return x ? sc_int(a->s, es_size(x)) : NULL;
}

static sc_value *item(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x) return NULL;
  if (es_size(x) != 1)
    return sc_fail(a->s, ES_E_RANK, a->span, "item needs a tensor with one element, found %lld",
                   (long long)es_size(x));
  es_dtype dtype = es_dtype_of(x);
  int64_t i = 0;
  double f = 0;
  if (dtype >= ES_C64)
    return sc_fail(a->s, ES_E_UNSUPPORTED, a->span,
                   "complex numbers stay tensors; use .real and "
                   ".imag");
  bool whole = dtype <= ES_I64;
  if (es_read(a->s->es, x, whole ? ES_I64 : ES_F64, whole ? (void *)&i : (void *)&f, 1) != ES_OK)
    return sc_fail_engine(a->s, a->span);
  return dtype == ES_BOOL ? sc_bool(a->s, i != 0) : whole ? sc_int(a->s, i) : sc_float(a->s, f);
}

/* Recursion over the axes of a tensor: at most ES_MAX_RANK. */
static sc_value *to_list(sc_args *a, sc_value *v) {
  sc_call call = {.span = a->span};
  if (!es_rank(v->tensor)) return sc_method_call(a->s, v, "item", &call);
  sc_value **items;
  int64_t n;
  if (!items_of(a, v, a->span, &items, &n)) return NULL;
  for (int64_t i = 0; i < n; i++)
    if (!(items[i] = to_list(a, items[i]))) return NULL;
  return sc_sequence(a->s, SC_LIST, n, items);
}

static sc_value *tolist(sc_args *a) {
  if (es_size(a->value[0]->tensor) > 100000)
    return sc_fail(a->s, ES_E_LIMIT, a->span,
                   "a list of %lld elements is too long; keep the tensor",
                   (long long)es_size(a->value[0]->tensor));
  return to_list(a, a->value[0]);
}

static sc_value *size(sc_args *a) {
  es_tensor *x = a->value[0]->tensor;
  int axis;
  const int64_t *all = a->function->code ? es_strides(x) : es_shape(x);
  if (!a->value[1]) return sc_shape_tuple(a->s, es_rank(x), all);
  if (!sc_arg_axis(a, 1, 0, &axis)) return NULL;
  int at = axis < 0 ? axis + es_rank(x) : axis;
  if (at < 0 || at >= es_rank(x))
    return sc_fail(a->s, ES_E_RANGE, a->at[1], "axis %d is outside a tensor with %d axes", axis,
                   es_rank(x));
  return sc_int(a->s, all[at]);
}

static sc_value *shape(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  return x ? sc_shape_tuple(a->s, es_rank(x), es_shape(x)) : NULL;
}

static sc_value *rank(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  return x ? sc_int(a->s, es_rank(x)) : NULL;
}

static sc_value *astype(sc_args *a) {
  es_dtype dtype;
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x) return NULL;
  if (a->value[1]->kind == SC_STRING && es_dtype_from_name(a->value[1]->text) == ES_DTYPE_AUTO &&
      a->function->code == 1)
    return a->value[0]; /* x.to('cuda'): there is one device */
  if (!sc_arg_dtype(a, 1, ES_DTYPE_AUTO, &dtype)) return NULL;
  return sc_result(a->s, a->span, es_cast(a->s->es, x, dtype), a->flavour);
}

static sc_value *cast(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x) return NULL;
  return sc_result(a->s, a->span, es_cast(a->s->es, x, (es_dtype)a->function->code), a->flavour);
}

enum { COPY, CONTIGUOUS, ITSELF, CONSTANT };

static sc_value *copy(sc_args *a) {
  es_tensor *x = sc_arg_tensor(a, 0);
  if (!x) return NULL;
  if (a->function->code == COPY) x = es_copy(a->s->es, x);
  if (a->function->code == CONSTANT) x = es_constant(a->s->es, x);
  if (x && a->function->code == CONTIGUOUS) x = es_contiguous(a->s->es, x);
  return sc_result(a->s, a->span, x, a->flavour);
}

const sc_function sc_functions_basic[] = {
    {"len", SC_IN_BARE, "x", len, 0, "Items of a sequence; entries of a tensor's first axis."},
    {"int", SC_IN_BARE, "x", number, TO_INT, "An integer; also the type i64."},
    {"float", SC_IN_BARE, "x", number, TO_FLOAT, "A float; also the type f64."},
    {"bool", SC_IN_BARE, "x", number, TO_BOOL, "True or False; also the type bool."},
    {"tuple", SC_IN_BARE, "items?", sequence, SC_TUPLE, "A tuple of the items."},
    {"list", SC_IN_BARE, "items?", sequence, SC_LIST, "A list of the items."},
    {"zip", SC_IN_BARE, "sequences*", zip, 0, "A list of tuples, one from each sequence."},
    {"dict", SC_IN_BARE, "pairs? **", dict, 0, "dict(a=1) or dict([('a', 1)]): values by name."},
    {"keys", SC_IN_DICT, "dict", dict_part, KEYS, "The names of a dict."},
    {"values", SC_IN_DICT, "dict", dict_part, VALUES, "The values of a dict."},
    {"items", SC_IN_DICT, "dict", dict_part, ITEMS, "The pairs of a dict."},
    {"item", SC_IN_METHOD, "x", item, 0, "The one element as a number."},
    {"tolist", SC_IN_METHOD, "x", tolist, 0, "Nested lists of numbers."},
    {"numel", SC_IN_METHOD | SC_IN_TORCH, "x|input", numel, 0, "How many elements: x.size."},
    {"size", SC_IN_METHOD, "x dim|axis?", size, 0, "x.size(0): PyTorch's; x.size counts elements."},
    {"stride", SC_IN_METHOD, "x dim|axis?", size, 1, "PyTorch's x.strides, in elements."},
    {"dim", SC_IN_METHOD, "x", rank, 0, "How many axes."},
    {"ndim", SC_IN_BARE | SC_IN_NUMPY | SC_IN_JAX, "x", rank, 0, "How many axes."},
    {"shape", SC_IN_NUMPY | SC_IN_JAX, "x", shape, 0, "The shape as a tuple."},
    {"astype", SC_IN_METHOD, "x dtype", astype, 0,
     "Another element type. What does not fit is an error that names the position."},
    {"to", SC_IN_METHOD, "x dtype|device", astype, 1, "PyTorch's astype."},
    {"type", SC_IN_METHOD, "x dtype", astype, 0, "PyTorch's astype."},
    {"float", SC_IN_METHOD, "x", cast, ES_F32, "As f32."},
    {"double", SC_IN_METHOD, "x", cast, ES_F64, "As f64."},
    {"half", SC_IN_METHOD, "x", cast, ES_F16, "As f16."},
    {"bfloat16", SC_IN_METHOD, "x", cast, ES_BF16, "As bf16."},
    {"int", SC_IN_METHOD, "x", cast, ES_I32, "As i32."},
    {"long", SC_IN_METHOD, "x", cast, ES_I64, "As i64."},
    {"bool", SC_IN_METHOD, "x", cast, ES_BOOL, "As bool."},
    {"copy", SC_IN_METHOD | SC_IN_BARE | SC_IN_ARRAYS, "x", copy, COPY, "A copy in C order."},
    {"constant", SC_IN_BARE, "x", copy, CONSTANT,
     "A copy that never changes, such as a weight: what depends on constants alone is computed "
     "once, "
     "and weights stay packed."},
    {"clone", SC_IN_METHOD | SC_IN_TORCH, "x", copy, COPY, "As copy."},
    {"contiguous", SC_IN_METHOD, "x", copy, CONTIGUOUS, "x, copied if it is not in C order."},
    {"numpy", SC_IN_METHOD, "x", copy, ITSELF, "x itself."},
    {"asnumpy", SC_IN_METHOD, "x", copy, ITSELF, "x itself."},
    {"detach", SC_IN_METHOD, "x", copy, ITSELF, "x itself: nothing is recorded."},
    {"from_numpy", SC_IN_TORCH, "x", copy, ITSELF, "x itself."},
    {"cpu", SC_IN_METHOD, "x", copy, ITSELF, "x itself."},
    {"cuda", SC_IN_METHOD, "x", copy, ITSELF, "x itself: the processor computes."},
    {NULL, 0, NULL, NULL, 0, NULL}};
