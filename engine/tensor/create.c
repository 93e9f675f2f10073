/* Tensors from nothing, from numbers and from the caller's memory. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/random.h"
#include "engine/tensor/rows.h"

es_tensor *es_empty(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape) {
  return es_tensor_new(ctx, dtype, rank, shape, false);
}

es_tensor *es_zeros(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape) {
  return es_tensor_new(ctx, dtype, rank, shape, true);
}

/* ---- values that follow from positions ------------------------------------------- */

typedef struct series series;
struct series {
  /* Values of positions first .. first+n-1, in C order. */
  void (*row)(const series *s, int64_t first, int64_t n, es_row_buffer *row);
  es_dtype compute; /* of the values: I64 or F64 */
  double start, step;
  int64_t count;
  double last; /* of position count-1, where it is not left to rounding */
  uint64_t seed, counter;
  int bits;
  es_rows to;
};

static int64_t series_row(void *arg, int64_t first, int64_t n) {
  const series *s = arg;
  es_row_buffer row;
  s->row(s, first, n, &row);
  return es_rows_write(&s->to, first, n, row.bytes);
}

/* Fills the new tensor t (NULL: its making failed); part is its type, or that of
 * the two parts of a complex number when both are drawn. */
static es_tensor *fill(es_ctx *ctx, const char *what, es_tensor *t, es_dtype part, series *s) {
  if (!t) return NULL;
  int64_t parts = part == t->view.dtype ? 1 : 2, count = es_size(t) * parts, one = 1;
  es_rows_init(&s->to, ctx->kernels, es_tensor_at(t), part, 1, &count, &one, s->compute);
  es_rows_to(&s->to, ctx->kernels);
  int64_t done = es_rows_run(ctx, count, series_row, s);
  if (done == count) return t;
  char where[200];
  es_position_text(t->view.rank, t->view.shape, done / parts, where, sizeof where);
  es_scope_disown(ctx, t);
  if (done == ES_ROWS_CANCELLED)
    es_ctx_fail_stopped(ctx);
  else
    es_ctx_failf(ctx, ES_E_OVERFLOW, "%s: the value at %s does not fit %s", what, where,
                 es_dtype_name(part));
  return NULL;
}

static void positions(const series *s, int64_t first, int64_t n, es_row_buffer *row) {
  (void)s;
  for (int64_t i = 0; i < n; i++) row->i64[i] = first + i;
}

static void constant(const series *s, int64_t first, int64_t n, es_row_buffer *row) {
  (void)first;
  for (int64_t i = 0; i < n; i++) row->f64[i] = s->start;
}

static void steps(const series *s, int64_t first, int64_t n, es_row_buffer *row) {
  for (int64_t i = 0; i < n; i++) row->f64[i] = s->start + (double)(first + i) * s->step;
}

static void steps_to_last(const series *s, int64_t first, int64_t n, es_row_buffer *row) {
  steps(s, first, n, row);
  if (first + n == s->count) row->f64[n - 1] = s->last;
}

es_tensor *es_full(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape, double value) {
  series s = {.row = constant, .compute = ES_F64, .start = value};
  return fill(ctx, "es_full", es_empty(ctx, dtype, rank, shape), dtype, &s);
}

es_tensor *es_ramp(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape) {
  series s = {.row = positions, .compute = ES_I64};
  return fill(ctx, "es_ramp", es_empty(ctx, dtype, rank, shape), dtype, &s);
}

/* The number of start + i step below stop, without asking rounding for it. */
static bool arange_count(double start, double stop, double step, int64_t *count) {
  double n = ceil((stop - start) / step);
  if (!(n < 0x1p62)) return false;
  *count = n > 0 ? (int64_t)n : 0;
  while (*count > 0) {
    double last = start + (double)(*count - 1) * step;
    if (step > 0 ? last < stop : last > stop) break;
    --*count;
  }
  return true;
}

es_tensor *es_arange(es_ctx *ctx, es_dtype dtype, double start, double stop, double step) {
  if (!ctx) return NULL;
  if (!isfinite(start) || !isfinite(stop) || !isfinite(step) || step == 0) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_arange: start, stop and step must be finite and step not 0");
    return NULL;
  }
  series s = {.row = steps, .compute = ES_F64, .start = start, .step = step};
  if (!arange_count(start, stop, step, &s.count)) {
    es_ctx_failf(ctx, ES_E_LIMIT, "es_arange: the range holds more than 2^62 numbers");
    return NULL;
  }
  return fill(ctx, "es_arange", es_empty(ctx, dtype, 1, &s.count), dtype, &s);
}

es_tensor *es_linspace(es_ctx *ctx, es_dtype dtype, double start, double stop, int64_t count) {
  series s = {
      .row = steps_to_last, .compute = ES_F64, .start = start, .count = count, .last = stop};
  if (count > 1) s.step = (stop - start) / (double)(count - 1);
  if (count == 1) s.last = start;
  return fill(ctx, "es_linspace", es_empty(ctx, dtype, 1, &count), dtype, &s);
}

es_tensor *es_eye(es_ctx *ctx, es_dtype dtype, int64_t rows, int64_t columns) {
  es_tensor *t = es_zeros(ctx, dtype, 2, (int64_t[]){rows, columns});
  if (!t) return NULL;
  const es_scalar one = {.cls = ES_CLASS_INT, .i = 1};
  char *at = es_tensor_at(t);
  size_t step = ((size_t)columns + 1) * es_dtype_size(dtype);
  for (int64_t i = 0; t->storage->own && i < rows && i < columns; i++)
    es_scalar_store(dtype, at + (size_t)i * step, one);
  return t;
}

/* ---- random numbers ---------------------------------------------------------------- */

static void uniform(const series *s, int64_t first, int64_t n, es_row_buffer *row) {
  for (int64_t i = 0; i < n; i++)
    row->f64[i] = es_random_uniform(s->seed, s->counter + (uint64_t)(first + i), s->bits);
}

static void normal(const series *s, int64_t first, int64_t n, es_row_buffer *row) {
  for (int64_t i = 0; i < n; i++)
    row->f64[i] = es_random_normal(s->seed, s->counter + (uint64_t)(first + i));
}

static int significant_bits(es_dtype dtype) {
  return dtype == ES_F16 ? 11 : dtype == ES_BF16 ? 8 : dtype == ES_F32 ? 24 : 53;
}

static es_tensor *random_tensor(es_ctx *ctx, const char *what, es_dtype dtype, int rank,
                                const int64_t *shape, series *s) {
  if (!ctx) return NULL;
  if (es_dtype_valid(dtype) && es_dtype_class(dtype) < ES_CLASS_FLOAT) {
    es_ctx_failf(ctx, ES_E_DTYPE,
                 "%s: random numbers are real or complex, not %s; es_cast converts them", what,
                 es_dtype_name(dtype));
    return NULL;
  }
  bool pairs = dtype == ES_C64 || dtype == ES_C128;
  es_dtype part = dtype == ES_C64 ? ES_F32 : dtype == ES_C128 ? ES_F64 : dtype;
  s->compute = ES_F64;
  s->seed = ctx->config.seed;
  s->counter = ctx->random_counter;
  s->bits = significant_bits(part);
  es_tensor *t = fill(ctx, what, es_empty(ctx, dtype, rank, shape), part, s);
  if (t) ctx->random_counter += (uint64_t)es_size(t) * (pairs ? 2 : 1);
  return t;
}

es_tensor *es_rand(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape) {
  series s = {.row = uniform};
  return random_tensor(ctx, "es_rand", dtype, rank, shape, &s);
}

es_tensor *es_randn(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape) {
  series s = {.row = normal};
  return random_tensor(ctx, "es_randn", dtype, rank, shape, &s);
}

/* ---- from memory --------------------------------------------------------------------- */

es_tensor *es_from_data(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape,
                        const void *data) {
  if (!ctx) return NULL;
  es_tensor *t = es_empty(ctx, dtype, rank, shape);
  if (!t || !t->storage->bytes) return t;
  if (!data) {
    es_scope_disown(ctx, t);
    es_ctx_failf(ctx, ES_E_VALUE, "es_from_data: data is NULL");
    return NULL;
  }
  if (t->storage->own) memcpy(es_tensor_at(t), data, (size_t)t->storage->bytes);
  return t;
}

es_tensor *es_wrap(es_ctx *ctx, es_dtype dtype, void *data, int64_t length, int64_t offset,
                   int rank, const int64_t *shape, const int64_t *strides, bool writable,
                   void (*release)(void *user), void *user) {
  if (ctx)
    return es_tensor_wrap(ctx, dtype, data, length, offset, rank, shape, strides, writable, release,
                          user);
  if (release) release(user);
  return NULL;
}
