/* Values to what the library takes. */
#include <stdlib.h>
#include <string.h>

#include "repl/language/functions.h"

es_dtype sc_default_int(sc_flavour flavour) {
  return flavour == SC_JAX ? ES_I32 : flavour == SC_MXNET ? ES_F32 : ES_I64;
}

es_dtype sc_default_float(sc_flavour flavour) { return flavour == SC_NUMPY ? ES_F64 : ES_F32; }

bool sc_truth(sc_session *s, const sc_value *v, sc_span where, bool *out) {
  switch (v->kind) {
  case SC_NONE: *out = false; return true;
  case SC_BOOL:
  case SC_INT: *out = v->i != 0; return true;
  case SC_FLOAT: *out = v->f != 0; return true;
  case SC_STRING: *out = v->len > 0; return true;
  case SC_TUPLE:
  case SC_LIST:
  case SC_DICT: *out = v->n > 0; return true;
  case SC_TENSOR: {
    double number;
    if (es_size(v->tensor) != 1) {
      sc_fail(s, ES_E_RANK, where,
              "the truth of a tensor with %lld elements is not defined; use "
              "any() or all(), and & | ~ for each element",
              (long long)es_size(v->tensor));
      return false;
    }
    if (es_read(s->es, v->tensor, ES_F64, &number, 1) != ES_OK) {
      sc_fail_engine(s, where);
      return false;
    }
    *out = number != 0;
    return true;
  }
  default: *out = true; return true;
  }
}

bool sc_to_int(sc_session *s, sc_span where, const sc_value *v, const char *what, int64_t *out) {
  if (v->kind == SC_INT || v->kind == SC_BOOL) {
    *out = v->i;
    return true;
  }
  if (v->kind == SC_TENSOR && es_size(v->tensor) == 1 && es_dtype_of(v->tensor) <= ES_I64) {
    if (es_read(s->es, v->tensor, ES_I64, out, 1) == ES_OK) return true;
    sc_fail_engine(s, where);
    return false;
  }
  sc_fail(s, ES_E_DTYPE, where, "%s must be an integer, found %s", what, sc_kind_name(v->kind));
  return false;
}

bool sc_to_sizes(sc_session *s, sc_span where, const sc_value *v, const char *what, int64_t *sizes,
                 int *n) {
  if (!sc_is_sequence(v)) {
    *n = 1;
    return sc_to_int(s, where, v, what, sizes);
  }
  if (v->n > ES_MAX_RANK) {
    sc_fail(s, ES_E_LIMIT, where, "%s has %lld entries, at most %d are possible", what,
            (long long)v->n, ES_MAX_RANK);
    return false;
  }
  *n = (int)v->n;
  for (int i = 0; i < *n; i++)
    if (!sc_to_int(s, where, v->items[i], what, &sizes[i])) return false;
  return true;
}

bool sc_to_dtype(sc_session *s, sc_span where, const sc_value *v, sc_flavour flavour,
                 es_dtype *out) {
  *out = ES_DTYPE_AUTO;
  if (v->kind == SC_DTYPE) *out = v->dtype;
  if (v->kind == SC_STRING) *out = es_dtype_from_name(v->text);
  if (v->kind == SC_FUNCTION && v->function) { /* Python's int, float, bool */
    const char *name = v->function->name;
    *out = !strcmp(name, "int")     ? sc_default_int(flavour == SC_MXNET ? SC_PLAIN : flavour)
           : !strcmp(name, "float") ? flavour == SC_PLAIN ? ES_F64 : sc_default_float(flavour)
           : !strcmp(name, "bool") ? ES_BOOL
                                    : ES_DTYPE_AUTO;
  }
  if (*out != ES_DTYPE_AUTO) return true;
  if (v->kind == SC_STRING)
    sc_fail(s, ES_E_DTYPE, where,
            "'%.40s' names no element type; there are bool u8 i8 i16 i32 "
            "i64 f16 bf16 f32 f64 c64 c128 and NumPy's names of them",
            v->text);
  else
    sc_fail(s, ES_E_DTYPE, where, "expected an element type, found %s", sc_kind_name(v->kind));
  return false;
}

/* ---- nested lists ------------------------------------------------------------- */

typedef struct nest {
  sc_session *s;
  sc_span where;
  int rank;
  int64_t shape[ES_MAX_RANK];
  sc_kind widest; /* BOOL, INT or FLOAT */
  int64_t count, cap;
  double *floats;
  int64_t *ints;
} nest;

static bool nest_shape(nest *n, const sc_value *v) {
  for (; sc_is_sequence(v); v = v->items[0]) {
    if (n->rank == ES_MAX_RANK) {
      sc_fail(n->s, ES_E_LIMIT, n->where, "a tensor has at most %d axes", ES_MAX_RANK);
      return false;
    }
    n->shape[n->rank++] = v->n;
    if (!v->n) break;
  }
  return true;
}

static bool nest_number(nest *n, const sc_value *v) {
  if (!sc_is_number(v)) {
    sc_fail(n->s, ES_E_DTYPE, n->where, "a tensor is made of numbers, found %s among them",
            sc_kind_name(v->kind));
    return false;
  }
  if (n->count == n->cap) {
    n->cap = n->cap ? 2 * n->cap : 64;
    n->floats = sc_grow(n->floats, (size_t)n->cap * sizeof *n->floats);
    n->ints = sc_grow(n->ints, (size_t)n->cap * sizeof *n->ints);
  }
  if (v->kind > n->widest) n->widest = v->kind;
  n->floats[n->count] = sc_as_double(v);
  n->ints[n->count++] = v->kind == SC_FLOAT ? 0 : v->i;
  return true;
}

/* Recursion is bounded by the depth of values. */
static bool nest_fill(nest *n, const sc_value *v, int axis) {
  if (axis == n->rank && !sc_is_sequence(v)) return nest_number(n, v);
  if (axis == n->rank || !sc_is_sequence(v) || v->n != n->shape[axis]) {
    if (axis < n->rank && sc_is_sequence(v))
      sc_fail(n->s, ES_E_EXTENT, n->where,
              "the nested lists are ragged: a list of %lld where the first of that level has %lld",
              (long long)v->n, (long long)n->shape[axis]);
    else
      sc_fail(n->s, ES_E_EXTENT, n->where, "the nested lists are ragged: %s where others have %s",
              sc_kind_name(v->kind), axis < n->rank ? "a list" : "a number");
    return false;
  }
  for (int64_t i = 0; i < v->n; i++)
    if (!nest_fill(n, v->items[i], axis + 1)) return false;
  return true;
}

static es_tensor *nest_tensor(nest *n, sc_flavour flavour, es_dtype dtype) {
  es_ctx *es = n->s->es;
  bool whole = n->widest != SC_FLOAT && n->count > 0;
  es_tensor *wide = whole ? es_from_data(es, ES_I64, n->rank, n->shape, n->ints)
                          : es_from_data(es, ES_F64, n->rank, n->shape, n->floats);
  if (dtype == ES_DTYPE_AUTO)
    dtype = !whole                 ? sc_default_float(flavour)
            : n->widest == SC_BOOL ? ES_BOOL
                                   : sc_default_int(flavour);
  return wide && es_dtype_of(wide) != dtype ? es_cast(es, wide, dtype) : wide;
}

static es_tensor *stack_tensors(sc_session *s, sc_span where, const sc_value *v) {
  es_tensor **tensors = sc_scratch(s, (size_t)v->n * sizeof *tensors);
  for (int64_t i = 0; i < v->n; i++) {
    tensors[i] = sc_to_tensor(s, where, v->items[i], SC_PLAIN, ES_DTYPE_AUTO);
    if (!tensors[i]) return NULL;
  }
  return es_stack(s->es, tensors, v->n, 0);
}

es_tensor *sc_to_tensor(sc_session *s, sc_span where, const sc_value *v, sc_flavour flavour,
                        es_dtype dtype) {
  es_tensor *made = NULL;
  if (v->kind == SC_TENSOR) {
    made = v->tensor;
    if (dtype != ES_DTYPE_AUTO && es_dtype_of(made) != dtype) made = es_cast(s->es, made, dtype);
  } else if (sc_is_sequence(v) && v->n && v->items[0]->kind == SC_TENSOR) {
    made = stack_tensors(s, where, v);
    if (made && dtype != ES_DTYPE_AUTO) made = es_cast(s->es, made, dtype);
  } else if (sc_is_number(v) || sc_is_sequence(v)) {
    nest n = {.s = s, .where = where, .widest = SC_BOOL};
    if (nest_shape(&n, v) && nest_fill(&n, v, 0)) made = nest_tensor(&n, flavour, dtype);
    free(n.floats);
    free(n.ints);
  } else {
    return sc_fail(s, ES_E_DTYPE, where, "expected a tensor, found %s", sc_kind_name(v->kind));
  }
  if (!made && !s->fault.set) sc_fail_engine(s, where);
  return made;
}

/* ---- arguments --------------------------------------------------------------------- */

static const char *param_text(const sc_args *a, int i, char buf[64]) {
  if (!sc_param_name(a->function->params, i, buf, 64)) buf[0] = '\0';
  return buf;
}

bool sc_arg_int(sc_args *a, int i, int64_t otherwise, int64_t *out) {
  char name[64];
  *out = otherwise;
  return !a->value[i] || sc_to_int(a->s, a->at[i], a->value[i], param_text(a, i, name), out);
}

bool sc_arg_bool(sc_args *a, int i, bool otherwise, bool *out) {
  *out = otherwise;
  return !a->value[i] || sc_truth(a->s, a->value[i], a->at[i], out);
}

bool sc_arg_float(sc_args *a, int i, double otherwise, double *out) {
  const sc_value *v = a->value[i];
  *out = otherwise;
  if (!v) return true;
  if (sc_is_number(v)) {
    *out = sc_as_double(v);
    return true;
  }
  if (v->kind == SC_TENSOR && es_size(v->tensor) == 1 && es_dtype_of(v->tensor) < ES_C64) {
    if (es_read(a->s->es, v->tensor, ES_F64, out, 1) == ES_OK) return true;
    sc_fail_engine(a->s, a->at[i]);
    return false;
  }
  char name[64];
  sc_fail(a->s, ES_E_DTYPE, a->at[i], "%s must be a number, found %s", param_text(a, i, name),
          sc_kind_name(v->kind));
  return false;
}

bool sc_arg_dtype(sc_args *a, int i, es_dtype otherwise, es_dtype *out) {
  *out = otherwise;
  return !a->value[i] || sc_to_dtype(a->s, a->at[i], a->value[i], a->flavour, out);
}

bool sc_arg_text(sc_args *a, int i, const char **out) {
  *out = NULL;
  if (!a->value[i]) return true;
  if (a->value[i]->kind == SC_STRING) {
    *out = a->value[i]->text;
    if (strlen(*out) == a->value[i]->len) return true;
    sc_fail(a->s, ES_E_SYNTAX, a->at[i], "a NUL byte has no place in this text");
    return false;
  }
  char name[64];
  sc_fail(a->s, ES_E_DTYPE, a->at[i], "%s must be a string, found %s", param_text(a, i, name),
          sc_kind_name(a->value[i]->kind));
  return false;
}

static bool narrow_axis(sc_args *a, int i, int64_t axis, int *out) {
  *out = (int)axis;
  if (axis > -2 * ES_MAX_RANK && axis < 2 * ES_MAX_RANK) return true;
  sc_fail(a->s, ES_E_RANGE, a->at[i], "%lld is no axis: a tensor has at most %d", (long long)axis,
          ES_MAX_RANK);
  return false;
}

bool sc_arg_axes(sc_args *a, int i, int *axes, int *n) {
  int64_t wide[ES_MAX_RANK];
  *n = 0;
  if (!a->value[i]) return true;
  if (!sc_to_sizes(a->s, a->at[i], a->value[i], "an axis", wide, n)) return false;
  for (int k = 0; k < *n; k++)
    if (!narrow_axis(a, i, wide[k], &axes[k])) return false;
  return true;
}

bool sc_arg_axis(sc_args *a, int i, int otherwise, int *out) {
  int64_t axis;
  *out = otherwise;
  if (!a->value[i]) return true;
  return sc_to_int(a->s, a->at[i], a->value[i], "an axis", &axis) && narrow_axis(a, i, axis, out);
}

bool sc_arg_sizes(sc_args *a, int i, int64_t *sizes, int *n) {
  char name[64];
  return sc_to_sizes(a->s, a->at[i], a->value[i], param_text(a, i, name), sizes, n);
}

bool sc_rest_sizes(sc_args *a, int64_t *sizes, int *n) {
  *n = 0;
  if (a->n_rest == 1) return sc_to_sizes(a->s, a->rest_at[0], a->rest[0], "a size", sizes, n);
  if (a->n_rest > ES_MAX_RANK) {
    sc_fail(a->s, ES_E_LIMIT, a->span, "a tensor has at most %d axes, found %lld sizes",
            ES_MAX_RANK, (long long)a->n_rest);
    return false;
  }
  for (; *n < a->n_rest; (*n)++)
    if (!sc_to_int(a->s, a->rest_at[*n], a->rest[*n], "a size", &sizes[*n])) return false;
  return true;
}

bool sc_given_sizes(sc_args *a, int i, int64_t *sizes, int *n) {
  return a->value[i] ? sc_arg_sizes(a, i, sizes, n) : sc_rest_sizes(a, sizes, n);
}

es_tensor *sc_arg_tensor(sc_args *a, int i) {
  return sc_to_tensor(a->s, a->at[i], a->value[i], a->flavour, ES_DTYPE_AUTO);
}

bool sc_rest_tensors(sc_args *a, es_tensor **tensors, int64_t cap, int64_t *n) {
  sc_value **items = a->rest;
  int64_t count = a->n_rest;
  bool list = count == 1 && sc_is_sequence(items[0]) &&
              (!items[0]->n || items[0]->items[0]->kind == SC_TENSOR ||
               sc_is_sequence(items[0]->items[0]));
  if (list) {
    count = items[0]->n;
    items = items[0]->items;
  }
  if (count > cap) {
    sc_fail(a->s, ES_E_LIMIT, a->span, "%lld operands, at most %lld are possible", (long long)count,
            (long long)cap);
    return false;
  }
  for (*n = 0; *n < count; (*n)++) {
    sc_span where = list ? a->rest_at[0] : a->rest_at[*n];
    tensors[*n] = sc_to_tensor(a->s, where, items[*n], a->flavour, ES_DTYPE_AUTO);
    if (!tensors[*n]) return false;
  }
  return true;
}

static bool given(const sc_value *v, es_dtype dtype) {
  if (v->kind == SC_TENSOR) return es_dtype_of(v->tensor) == dtype;
  if (sc_is_sequence(v)) /* depth is bounded */
    for (int64_t i = 0; i < v->n; i++)
      if (given(v->items[i], dtype)) return true;
  return false;
}

sc_value *sc_return(sc_args *a, es_tensor *tensor) {
  if (!tensor) return sc_fail_engine(a->s, a->span);
  es_dtype wide = es_dtype_of(tensor), narrow = wide;
  if (a->flavour == SC_JAX && wide == ES_I64) narrow = ES_I32;
  if (a->flavour > SC_NUMPY && wide == ES_F64) narrow = ES_F32;
  if (a->flavour > SC_NUMPY && wide == ES_C128) narrow = ES_C64;
  bool keep = narrow == wide;
  for (int64_t i = 0; i < a->call->n && !keep; i++) keep = given(a->call->values[i], wide);
  for (int64_t i = 0; i < a->call->n_named && !keep; i++)
    keep = given(a->call->named[i], wide) || a->call->named[i]->kind == SC_DTYPE;
  if (!keep) tensor = es_cast(a->s->es, tensor, narrow);
  return sc_result(a->s, a->span, tensor, a->flavour);
}
