/* Elementwise operations. Each resolves types as NumPy does, widens rows of its
 * operands to a compute type, applies a kernel there, and stores rows of the result
 * type. What departs from NumPy: integers are exact or an error (ADD, SUB, MUL, NEG,
 * ABS, SQUARE, POW and MIN // -1 that do not fit: ES_E_OVERFLOW; division by zero
 * and negative powers: ES_E_VALUE); RECIPROCAL of integers is real, as DIV is;
 * complex numbers have no order. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/tensor/elementwise.h"
#include "engine/tensor/rows.h"

static const char *const unary_names[] = {
#define ES_X(name, text) text,
    ES_UNARY_LIST(ES_X)
#undef ES_X
};
static const char *const binary_names[] = {
#define ES_X(name, text) text,
    ES_BINARY_LIST(ES_X)
#undef ES_X
};

/* ---- types ------------------------------------------------------------------------ */

/* Where NumPy would go to f16, whose 11 bits lose digits, f32 is taken. */
static es_dtype floating(es_dtype d) { return d <= ES_I16 ? ES_F32 : d <= ES_I64 ? ES_F64 : d; }

static es_dtype part_of(es_dtype d) { return d == ES_C64 ? ES_F32 : d == ES_C128 ? ES_F64 : d; }

static es_signature same(es_dtype d) { return (es_signature){d, es_dtype_compute(d), d}; }
static es_signature truth(es_dtype d) { return (es_signature){d, ES_BOOL, ES_BOOL}; }
static es_signature part(es_dtype d) {
  return (es_signature){d, part_of(es_dtype_compute(d)), part_of(d)};
}

bool es_unary_types(es_unary_op op, es_dtype d, es_signature *s) {
  switch (op) {
  case ES_NOT:
  case ES_ISNAN:
  case ES_ISINF:
  case ES_ISFINITE: *s = truth(d); break;
  case ES_REAL:
  case ES_IMAG:
  case ES_ABS: *s = part(d); break;
  case ES_SQUARE: *s = same(d == ES_BOOL ? ES_I8 : d); break;
  case ES_NEG:
  case ES_SIGN: *s = same(d); return d != ES_BOOL;
  case ES_FLOOR:
  case ES_CEIL:
  case ES_ROUND:
  case ES_TRUNC:
  case ES_CONJ: *s = same(d); break;
  default: *s = same(floating(d)); break;
  }
  return true;
}

bool es_binary_types(es_binary_op op, es_dtype d, es_signature *s) {
  switch (op) {
  case ES_EQ:
  case ES_NE:
  case ES_LT:
  case ES_LE:
  case ES_GT:
  case ES_GE:
  case ES_AND:
  case ES_OR:
  case ES_XOR: *s = truth(d); break;
  case ES_DIV: *s = same(d <= ES_I64 ? ES_F64 : d); break;
  case ES_ATAN2: *s = same(floating(d)); break;
  case ES_FLOORDIV:
  case ES_MOD:
  case ES_POW: *s = same(d == ES_BOOL ? ES_I8 : d); break;
  case ES_SUB: *s = same(d); return d != ES_BOOL;
  default: *s = same(d); break;
  }
  return true;
}

es_signature es_activation_types(es_dtype d) { return same(floating(d)); }

/* NumPy 2's weak scalars: only the kind of the scalar counts, not its size. */
void es_scalar_types(es_dtype array, bool integral, es_dtype *common, es_dtype *scalar) {
  bool integers = array <= ES_I64;
  *common = integers && !integral ? ES_F64 : array;
  if (*common == ES_BOOL) *common = ES_I64;
  *scalar = integers && integral ? ES_I64 : *common;
}

/* ---- the work ------------------------------------------------------------------------- */

typedef struct work {
  es_rows a, b, c, to;
  es_unary_row unary;
  es_binary_row binary;
} work;

static int64_t unary_row(void *arg, int64_t first, int64_t n) {
  const work *w = arg;
  es_row_buffer a, out;
  void *place = es_rows_place(&w->to, first, out.bytes);
  int64_t done = w->unary(place, es_rows_read(&w->a, first, n, a.bytes), n);
  int64_t stored = es_rows_write(&w->to, first, done, place);
  return stored < done ? stored : done;
}

static int64_t binary_row(void *arg, int64_t first, int64_t n) {
  const work *w = arg;
  es_row_buffer a, b, out;
  void *place = es_rows_place(&w->to, first, out.bytes);
  int64_t done = w->binary(place, es_rows_read(&w->a, first, n, a.bytes),
                           es_rows_read(&w->b, first, n, b.bytes), n);
  int64_t stored = es_rows_write(&w->to, first, done, place);
  return stored < done ? stored : done;
}

static es_tensor *run(es_ctx *ctx, es_tensor *y, es_rows_task task, work *w, int64_t *done) {
  *done = es_rows_run(ctx, es_size(y), task, w);
  if (*done == es_size(y)) return y;
  if (*done == ES_ROWS_CANCELLED) es_ctx_fail_stopped(ctx);
  return NULL;
}

/* ---- broadcasting ----------------------------------------------------------------------- */

es_status es_rows_broadcast(const char *what, int n, const es_array *in, int *rank, int64_t *shape,
                            es_error *error) {
  *rank = 0;
  for (int k = 0; k < n; k++)
    if (in[k].rank > *rank) *rank = in[k].rank;
  for (int i = 0; i < *rank; i++) {
    int owner = 0; /* the operand that gave shape[i] */
    shape[i] = 1;
    for (int k = 0; k < n; k++) {
      int at = i - (*rank - in[k].rank);
      int64_t extent = at < 0 ? 1 : in[k].shape[at];
      if (extent == 1 || extent == shape[i]) continue;
      if (shape[i] == 1) {
        shape[i] = extent;
        owner = k;
        continue;
      }
      char first[160], second[160];
      es_text f = es_text_init(first, sizeof first), s = es_text_init(second, sizeof second);
      es_text_shape(&f, in[owner].rank, in[owner].shape);
      es_text_shape(&s, in[k].rank, in[k].shape);
      return es_blame(error, k,
                      es_fail(error, ES_E_EXTENT, "", ES_NOWHERE,
                              "%s: shapes %s and %s do not broadcast: axis %d has %lld in "
                              "operand %d and %lld in operand %d",
                              what, first, second, i - *rank, (long long)shape[i], owner,
                              (long long)extent, k));
    }
  }
  return ES_OK;
}

/* Rows of an operand stretched to a shape. */
static void stretched_rows(es_rows *rows, const es_ctx *ctx, const es_array *a, int rank,
                           const int64_t *shape, es_dtype compute) {
  int64_t strides[ES_MAX_RANK];
  int lead = rank - a->rank;
  for (int i = 0; i < rank; i++)
    strides[i] = i < lead || a->shape[i - lead] == 1 ? 0 : a->strides[i - lead];
  es_rows_init(rows, ctx->kernels, a->data, a->dtype, rank, shape, strides, compute);
}

/* ---- errors ------------------------------------------------------------------------------- */

static const char *wider(es_dtype d) {
  return d == ES_BOOL || d == ES_U8 || d == ES_I8 ? "i16"
         : d == ES_I16                            ? "i32"
         : d == ES_I32                            ? "i64"
                                                  : NULL;
}

static void value_text(const es_rows *rows, int64_t at, es_scalar *value, char *buf, size_t cap) {
  es_row_buffer row;
  *value = es_scalar_load(rows->compute, es_rows_read(rows, at, 1, row.bytes));
  es_scalar_text(*value, buf, cap);
}

/* Why integers had no result at position at. b NULL: a unary operation. */
static void fail_at(es_ctx *ctx, const char *what, const es_rows *a, const es_rows *b,
                    bool is_power, es_dtype out, int rank, const int64_t *shape, int64_t at) {
  char where[200], left[80], right[80] = "", advice[48] = "";
  es_scalar x, y = {.i = 1};
  es_position_text(rank, shape, at, where, sizeof where);
  value_text(a, at, &x, left, sizeof left);
  if (b) value_text(b, at, &y, right, sizeof right);
  const char *comma = b ? ", " : "";
  if (b && y.i == 0 && !is_power)
    es_ctx_failf(ctx, ES_E_VALUE, "%s(%s, %s) at %s: an integer divided by zero has no value", what,
                 left, right, where);
  else if (b && y.i < 0 && is_power)
    es_ctx_failf(
        ctx, ES_E_VALUE,
        "%s(%s, %s) at %s: a negative power of an integer is not an integer; cast to f64 first",
        what, left, right, where);
  else {
    es_text t = es_text_init(advice, sizeof advice);
    es_text_printf(&t, "; cast to %s first", wider(out) ? wider(out) : "f64");
    es_ctx_failf(ctx, ES_E_OVERFLOW, "%s(%s%s%s) at %s does not fit %s%s", what, left, comma, right,
                 where, es_dtype_name(out), advice);
  }
}

static es_tensor *fail_rule(es_ctx *ctx, const char *what, const char *types, bool is_bool) {
  es_ctx_failf(ctx, ES_E_DTYPE, "%s has no rule for %s%s", what, types,
               is_bool ? "; use a logical operation or cast first" : "");
  return NULL;
}

/* ---- the public functions ---------------------------------------------------------------- */

static es_tensor *unary(es_ctx *ctx, const char *what, es_unary_row kernel, const es_signature *s,
                        const es_tensor *x) {
  es_dtype dtype = x->view.dtype;
  if (!kernel) return fail_rule(ctx, what, es_dtype_name(dtype), dtype == ES_BOOL);
  work w; /* kilobytes: only what is used is set */
  w.unary = kernel;
  es_tensor *y = es_tensor_new(ctx, s->out, x->view.rank, x->view.shape, false);
  if (!y) return NULL;
  int64_t done;
  es_rows_init(&w.a, ctx->kernels, es_tensor_at(x), dtype, x->view.rank, x->view.shape,
               x->view.strides, es_dtype_compute(s->in));
  es_rows_of(&w.to, y, s->rows);
  es_rows_to(&w.to, ctx->kernels);
  if (run(ctx, y, unary_row, &w, &done)) return y;
  es_scope_disown(ctx, y);
  if (done >= 0) fail_at(ctx, what, &w.a, NULL, false, s->out, x->view.rank, x->view.shape, done);
  return NULL;
}

es_tensor *es_unary(es_ctx *ctx, es_unary_op op, const es_tensor *x) {
  if (!ctx) return NULL;
  if ((int)op < 0 || op >= ES_UNARY_COUNT) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_unary: there is no operation %d", (int)op);
    return NULL;
  }
  if (!x) {
    es_ctx_fail_null(ctx, unary_names[op]);
    return NULL;
  }
  es_signature s;
  bool allowed = es_unary_types(op, x->view.dtype, &s);
  es_unary_row kernel = ctx->kernels->elementwise->unary[es_dtype_compute(s.in)][op];
  return unary(ctx, unary_names[op], allowed ? kernel : NULL, &s, x);
}

es_tensor *es_activate(es_ctx *ctx, es_activation op, const es_tensor *x) {
  static const char *const names[] = {"sigmoid", "silu", "gelu", "gelu"};
  if (!ctx || !x) return es_ctx_fail_null(ctx, names[op]), NULL;
  es_signature s = es_activation_types(x->view.dtype);
  return unary(ctx, names[op], ctx->kernels->elementwise->activation[es_dtype_compute(s.in)][op],
               &s, x);
}

/* a op b, with types as if both were of type dtype. */
static es_tensor *binary(es_ctx *ctx, es_binary_op op, es_array a, es_array b, es_dtype dtype) {
  const char *what = binary_names[op];
  es_error error;
  es_signature s;
  bool allowed = es_binary_types(op, dtype, &s);
  work w;
  w.binary = ctx->kernels->elementwise->binary[es_dtype_compute(s.in)][op];
  if (!allowed || !w.binary) {
    char types[40];
    es_text t = es_text_init(types, sizeof types);
    es_text_printf(&t, "%s and %s", es_dtype_name(a.dtype), es_dtype_name(b.dtype));
    return fail_rule(ctx, what, types, dtype == ES_BOOL);
  }
  int rank;
  int64_t shape[ES_MAX_RANK];
  if (es_rows_broadcast(what, 2, (es_array[]){a, b}, &rank, shape, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  es_tensor *y = es_tensor_new(ctx, s.out, rank, shape, false);
  if (!y) return NULL;
  int64_t done;
  stretched_rows(&w.a, ctx, &a, rank, shape, es_dtype_compute(s.in));
  stretched_rows(&w.b, ctx, &b, rank, shape, es_dtype_compute(s.in));
  es_rows_of(&w.to, y, s.rows);
  es_rows_to(&w.to, ctx->kernels);
  if (run(ctx, y, binary_row, &w, &done)) return y;
  es_scope_disown(ctx, y);
  if (done >= 0) fail_at(ctx, what, &w.a, &w.b, op == ES_POW, s.out, rank, shape, done);
  return NULL;
}

static bool known_binary(es_ctx *ctx, es_binary_op op) {
  if ((int)op >= 0 && op < ES_BINARY_COUNT) return true;
  es_ctx_failf(ctx, ES_E_VALUE, "es_binary: there is no operation %d", (int)op);
  return false;
}

es_tensor *es_binary(es_ctx *ctx, es_binary_op op, const es_tensor *a, const es_tensor *b) {
  if (!ctx || !known_binary(ctx, op)) return NULL;
  if (!a || !b) {
    es_ctx_fail_null(ctx, binary_names[op]);
    return NULL;
  }
  return binary(ctx, op, es_tensor_array(a), es_tensor_array(b),
                es_dtype_promote(a->view.dtype, b->view.dtype));
}

es_tensor *es_binary_scalar(es_ctx *ctx, es_binary_op op, const es_tensor *a, double b,
                            bool b_is_integer, bool scalar_first) {
  if (!ctx || !known_binary(ctx, op)) return NULL;
  if (!a) {
    es_ctx_fail_null(ctx, binary_names[op]);
    return NULL;
  }
  if (b_is_integer && !(b >= -0x1p63 && b < 0x1p63 && b == trunc(b))) {
    es_ctx_failf(ctx, ES_E_VALUE, "%s: the integer scalar is not an integer of 64 bits",
                 binary_names[op]);
    return NULL;
  }
  es_dtype dtype, type;
  es_scalar_types(a->view.dtype, b_is_integer, &dtype, &type);
  char value[16];
  es_array scalar = {value, type, 0, NULL, NULL};
  es_scalar v = b_is_integer ? (es_scalar){.cls = ES_CLASS_INT, .i = (int64_t)b}
                             : (es_scalar){.cls = ES_CLASS_FLOAT, .re = b};
  es_scalar_store(scalar.dtype, value, v);
  es_array array = es_tensor_array(a);
  return binary(ctx, op, scalar_first ? scalar : array, scalar_first ? array : scalar, dtype);
}

/* ---- selection ------------------------------------------------------------------------------ */

static inline __attribute__((always_inline)) void choose_sized(char *out, const uint8_t *condition,
                                                               const char *a, const char *b,
                                                               int64_t n, size_t size) {
  for (int64_t i = 0; i < n; i++) {
    size_t at = (size_t)i * size;
    uint64_t x[2], y[2]; /* both are loaded, so that no branch decides */
    memcpy(x, a + at, size);
    memcpy(y, b + at, size);
    uint64_t mask = -(uint64_t)(condition[i] != 0);
    for (size_t w = 0; w < (size + 7) / 8; w++) x[w] = (x[w] & mask) | (y[w] & ~mask);
    memcpy(out + at, x, size);
  }
}

void es_rows_choose(size_t size, void *out, const uint8_t *condition, const void *a, const void *b,
                    int64_t n) {
  switch (size) { /* a constant size makes each memcpy one load and one store */
  case 1: choose_sized(out, condition, a, b, n, 1); break;
  case 2: choose_sized(out, condition, a, b, n, 2); break;
  case 4: choose_sized(out, condition, a, b, n, 4); break;
  case 8: choose_sized(out, condition, a, b, n, 8); break;
  default: choose_sized(out, condition, a, b, n, 16); break;
  }
}

static int64_t where_row(void *arg, int64_t first, int64_t n) {
  const work *w = arg;
  es_row_buffer a, b, c, out;
  void *place = es_rows_place(&w->to, first, out.bytes);
  const void *condition = es_rows_read(&w->c, first, n, c.bytes);
  es_rows_choose(es_dtype_size(w->to.compute), place, condition,
                 es_rows_read(&w->a, first, n, a.bytes), es_rows_read(&w->b, first, n, b.bytes), n);
  return es_rows_write(&w->to, first, n, place);
}

es_tensor *es_where(es_ctx *ctx, const es_tensor *condition, const es_tensor *a,
                    const es_tensor *b) {
  if (!ctx) return NULL;
  if (!condition || !a || !b) {
    es_ctx_fail_null(ctx, "es_where");
    return NULL;
  }
  es_error error;
  es_dtype dtype = es_dtype_promote(a->view.dtype, b->view.dtype);
  /* Rows between: the elements themselves when both are of the result's type. */
  es_dtype rows = a->view.dtype == b->view.dtype ? dtype : es_dtype_compute(dtype);
  es_array in[3] = {es_tensor_array(condition), es_tensor_array(a), es_tensor_array(b)};
  int rank;
  int64_t shape[ES_MAX_RANK], done;
  if (es_rows_broadcast("where", 3, in, &rank, shape, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  es_tensor *y = es_tensor_new(ctx, dtype, rank, shape, false);
  es_tensor *cast = y && in[0].dtype != ES_BOOL ? es_cast(ctx, condition, ES_BOOL) : NULL;
  if (!y) return NULL;
  if (cast) {
    in[0] = es_tensor_array(cast);
  } else if (in[0].dtype != ES_BOOL) {
    es_scope_disown(ctx, y);
    return NULL;
  }
  work w;
  stretched_rows(&w.c, ctx, &in[0], rank, shape, ES_BOOL);
  stretched_rows(&w.a, ctx, &in[1], rank, shape, rows);
  stretched_rows(&w.b, ctx, &in[2], rank, shape, rows);
  es_rows_of(&w.to, y, rows);
  es_rows_to(&w.to, ctx->kernels);
  bool whole = run(ctx, y, where_row, &w, &done) != NULL;
  if (cast) es_scope_disown(ctx, cast);
  if (whole) return y;
  es_scope_disown(ctx, y);
  return NULL;
}
