/* Reductions over axes by number, argmax, concat and stack, against plain loops. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "einstride.h"

static es_ctx *ctx;
static void setup(void) { ctx = es_ctx_create(&(es_config){.threads = 1}); }
static void teardown(void) { es_ctx_destroy(ctx); }
TestSuite(axes, .init = setup, .fini = teardown);

static void check_fails(const es_tensor *t, es_status status, const char *message) {
  cr_assert_null(t);
  cr_assert_eq(es_ctx_error(ctx)->status, status, "%s", es_error_text(ctx));
  cr_assert_str_eq(es_ctx_error(ctx)->message, message);
  es_clear_error(ctx);
}

static double fold(es_reducer r, const double *v, int n) {
  double sum = 0, prod = 1, high = v[0], low = v[0], any = 0, all = 1, e = 0;
  for (int i = 0; i < n; i++) {
    sum += v[i];
    prod *= v[i];
    high = fmax(high, v[i]);
    low = fmin(low, v[i]);
    any = any != 0 || v[i] != 0;
    all = all != 0 && v[i] != 0;
    e += exp(v[i]);
  }
  const double results[] = {0, sum, prod, high, low, sum / n, any, all, log(e)};
  return results[r];
}

/* Each subset of three axes, each reducer, three types, keepdims or not, over a
 * transposed view. */
Test(axes, every_subset) {
  static const es_dtype types[] = {ES_F64, ES_I32, ES_BOOL};
  const int64_t shape[] = {3, 2, 4};
  for (int d = 0; d < 3; d++) {
    es_tensor *base = es_cast(
        ctx, es_binary_scalar(ctx, ES_MOD, es_ramp(ctx, ES_I32, ES_SHAPE(4, 2, 3)), 5, true, false),
        types[d]);
    es_tensor *x = es_transpose(ctx, base, 0, 2);
    double v[24];
    es_read(ctx, x, ES_F64, v, 24);
    for (int r = ES_REDUCE_SUM; r < ES_REDUCER_COUNT; r++)
      for (int set = 0; set < 8; set++)
        for (int keep = 0; keep < 2; keep++) {
          int axes[3], n = 0, kept = 0;
          int64_t out[3];
          for (int i = 0; i < 3; i++) {
            if (set >> i & 1) axes[n++] = i % 2 ? i : i - 3;
            if (!(set >> i & 1) || keep) out[kept++] = set >> i & 1 ? 1 : shape[i];
          }
          if (n == 0) continue;
          es_scope_push(ctx);
          es_tensor *y = es_reduce_axes(ctx, (es_reducer)r, x, axes, n, keep);
          cr_assert(y, "%s", es_error_text(ctx));
          cr_assert_eq(es_rank(y), kept);
          for (int i = 0; i < kept; i++) cr_assert_eq(es_shape(y)[i], out[i]);
          double got[24];
          int64_t count = es_size(y);
          es_read(ctx, y, ES_F64, got, count);
          for (int64_t o = 0; o < count; o++) {
            double taken[24];
            int m = 0;
            for (int p = 0; p < 24; p++) {
              int index[3] = {p / 8, p / 4 % 2, p % 4};
              int64_t at = 0;
              for (int i = 0; i < 3; i++)
                if (!(set >> i & 1)) at = at * shape[i] + index[i];
              if (at == o) taken[m++] = v[p];
            }
            double want = fold((es_reducer)r, taken, m);
            cr_assert(fabs(got[o] - want) <= 1e-12 * fabs(want), "%s set %d: %g, not %g",
                      es_reducer_name((es_reducer)r), set, got[o], want);
          }
          es_scope_pop(ctx);
        }
  }
}

Test(axes, types_and_errors) {
  es_tensor *b = es_full(ctx, ES_BOOL, ES_SHAPE(300), 1),
            *i = es_full(ctx, ES_I8, ES_SHAPE(300), 100);
  es_tensor *sum = es_reduce_axes(ctx, ES_REDUCE_SUM, b, NULL, 0, false);
  cr_assert(es_dtype_of(sum) == ES_I64 && es_rank(sum) == 0 &&
            *(const int64_t *)es_data(sum) == 300);
  sum = es_reduce_axes(ctx, ES_REDUCE_SUM, i, NULL, 0, true);
  cr_assert(es_dtype_of(sum) == ES_I64 && es_rank(sum) == 1 &&
            *(const int64_t *)es_data(sum) == 30000);
  cr_assert_eq(es_dtype_of(es_reduce_axes(ctx, ES_REDUCE_MEAN, i, NULL, 0, false)), ES_F64);
  cr_assert_eq(es_dtype_of(es_reduce_axes(ctx, ES_REDUCE_ANY, i, NULL, 0, false)), ES_BOOL);
  check_fails(es_reduce_axes(ctx, ES_REDUCE_SUM, i, (int[]){1}, 1, false), ES_E_RANGE,
              "axis 1 is out of range for a tensor with 1 axis (-1 … 0)");
  check_fails(es_reduce_axes(ctx, ES_REDUCE_SUM, i, (int[]){0, -1}, 2, false), ES_E_VALUE,
              "axis 0 is named twice");
  es_tensor *none = es_zeros(ctx, ES_F32, ES_SHAPE(2, 0));
  cr_assert_null(es_reduce_axes(ctx, ES_REDUCE_MAX, none, (int[]){1}, 1, false));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_EMPTY);
  es_clear_error(ctx);
  const float *zero = es_data(es_reduce_axes(ctx, ES_REDUCE_SUM, none, (int[]){1}, 1, false));
  cr_assert(zero[0] == 0 && zero[1] == 0);
  for (int r = 0; r < ES_REDUCER_COUNT; r++) cr_assert(strlen(es_reducer_name((es_reducer)r)) >= 3);
  cr_assert_str_eq(es_reducer_name((es_reducer)99), "?");
}

/* ---- argmax ------------------------------------------------------------------------- */

Test(axes, argmax_against_loops) {
  uint64_t state = 5;
  for (int round = 0; round < 300; round++) {
    int64_t rows = 1 + round % 4, columns = 1 + round * 7 % 1300;
    es_scope_push(ctx);
    es_tensor *x = es_zeros(ctx, round % 2 ? ES_F32 : ES_F64, ES_SHAPE(rows, columns));
    for (int64_t k = 0; k < rows * columns; k++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      double v = (double)(state >> 60) - 8; /* many ties */
      if (state >> 40 & 1023 && round % 3) v = v < 0 ? -0.0 : v;
      if ((state >> 20 & 2047) == 0) v = NAN;
      if (round % 2)
        ((float *)es_data_mut(x))[k] = (float)v;
      else
        ((double *)es_data_mut(x))[k] = v;
    }
    double *v = es_data_mut(es_cast(ctx, x, ES_F64));
    for (int least = 0; least < 2; least++) {
      es_tensor *y = (least ? es_argmin : es_argmax)(ctx, x, 1, false);
      es_tensor *t = (least ? es_argmin : es_argmax)(ctx, es_transpose(ctx, x, 0, 1), -2, true);
      es_tensor *flat = (least ? es_argmin : es_argmax)(ctx, x, ES_NO_AXIS, false);
      cr_assert(es_rank(y) == 1 && es_rank(t) == 2 && es_rank(flat) == 0 &&
                es_dtype_of(y) == ES_I64);
      int64_t whole = 0;
      for (int64_t r = 0; r < rows; r++) {
        int64_t best = 0;
        for (int64_t c = 0; c < columns; c++) {
          double a = v[r * columns + c], b = v[r * columns + best], w = v[whole];
          if (!isnan(b) && (isnan(a) || (least ? a < b : a > b))) best = c;
          if (!isnan(w) && (isnan(a) || (least ? a < w : a > w))) whole = r * columns + c;
        }
        cr_assert_eq(((const int64_t *)es_data(y))[r], best);
        cr_assert_eq(((const int64_t *)es_data(t))[r], best);
      }
      cr_assert_eq(*(const int64_t *)es_data(flat), whole);
    }
    es_scope_pop(ctx);
  }
}

Test(axes, argmax_of_integers_and_nothing) {
  const int64_t v[] = {INT64_MAX - 1, INT64_MAX, INT64_MIN, INT64_MAX};
  es_tensor *x = es_from_data(ctx, ES_I64, ES_SHAPE(4), v);
  cr_assert_eq(*(const int64_t *)es_data(es_argmax(ctx, x, 0, false)), 1,
               "a double could not tell them apart");
  cr_assert_eq(*(const int64_t *)es_data(es_argmin(ctx, x, 0, false)), 2);
  es_tensor *kept = es_argmax(ctx, es_reshape(ctx, x, ES_SHAPE(2, 2)), ES_NO_AXIS, true);
  cr_assert(es_rank(kept) == 2 && es_shape(kept)[0] == 1 && es_shape(kept)[1] == 1);
  check_fails(es_argmax(ctx, es_zeros(ctx, ES_F32, ES_SHAPE(2, 0)), 1, false), ES_E_EMPTY,
              "argmax over an axis of size 0 has no value");
  cr_assert_eq(es_size(es_argmax(ctx, es_zeros(ctx, ES_F32, ES_SHAPE(2, 0)), 0, false)), 0);
  check_fails(es_argmin(ctx, es_zeros(ctx, ES_C64, ES_SHAPE(2)), 0, false), ES_E_DTYPE,
              "argmin has no rule for c64: complex numbers have no order");
  check_fails(es_argmin(ctx, x, 1, false), ES_E_RANGE,
              "axis 1 is out of range for a tensor with 1 axis (-1 … 0)");
}

/* ---- joining --------------------------------------------------------------------------- */

static void check(const es_tensor *t, es_dtype dtype, int rank, const int64_t *shape,
                  const double *want, int line) {
  double got[64];
  cr_assert(t, "line %d: %s", line, es_error_text(ctx));
  cr_assert(es_dtype_of(t) == dtype && es_rank(t) == rank, "line %d", line);
  for (int i = 0; i < rank; i++) cr_assert_eq(es_shape(t)[i], shape[i], "line %d", line);
  es_read(ctx, t, ES_F64, got, es_size(t));
  for (int64_t i = 0; i < es_size(t); i++)
    cr_assert(got[i] == want[i], "line %d: element %lld is %g", line, (long long)i, got[i]);
}
#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})
#define CHECK(t, dtype, rank, shape, ...)                                                          \
  check(t, dtype, rank, shape, (const double[]){__VA_ARGS__}, __LINE__)

Test(axes, concat) {
  es_tensor *a = es_ramp(ctx, ES_I32, ES_SHAPE(2, 2)),
            *b = es_transpose(ctx, es_ramp(ctx, ES_F32, ES_SHAPE(2, 1)), 0, 1);
  CHECK(es_concat(ctx, ES_IN(a, b, a), 0), ES_F64, 2, SHAPE(5, 2), 0, 1, 2, 3, 0, 1, 0, 1, 2, 3);
  CHECK(es_concat(ctx, ES_IN(a, a), -1), ES_I32, 2, SHAPE(2, 4), 0, 1, 0, 1, 2, 3, 2, 3);
  CHECK(es_concat(ctx, ES_IN(b), 1), ES_F32, 2, SHAPE(1, 2), 0, 1);
  CHECK(es_concat(ctx, ES_IN(a, es_zeros(ctx, ES_I32, ES_SHAPE(0, 2))), 0), ES_I32, 2, SHAPE(2, 2),
        0, 1, 2, 3);
  check_fails(es_concat(ctx, ES_IN(a, b), 1), ES_E_EXTENT,
              "concat: tensor 1 has shape (1, 2), tensor 0 has (2, 2): they differ in axis 0");
  check_fails(es_concat(ctx, ES_IN(a, es_select(ctx, a, 0, 0)), 1), ES_E_RANK,
              "concat: tensor 1 has shape (2,), tensor 0 has (2, 2): they differ");
  check_fails(es_concat(ctx, NULL, 0, 0), ES_E_COUNT, "concat needs at least one tensor");
  check_fails(es_concat(ctx, ES_IN(a, NULL), 0), ES_E_VALUE,
              "concat: a tensor was expected, but the argument is NULL");
  check_fails(es_concat(ctx, ES_IN(a), 2), ES_E_RANGE,
              "axis 2 is out of range for a tensor with 2 axes (-2 … 1)");
  es_tensor *one = es_zeros(ctx, ES_U8, ES_SHAPE(1, 0));
  es_tensor *huge = es_broadcast_to(ctx, one, ES_SHAPE((int64_t)1 << 62, 0));
  check_fails(es_concat(ctx, ES_IN(huge, huge), 0), ES_E_OVERFLOW,
              "concat: the sizes along axis 0 add up past 2^63 - 1");
  /* Nothing to place, at offsets that are no int64. */
  es_tensor *empty = es_zeros(ctx, ES_F32, ES_SHAPE(2, 0, (int64_t)1 << 60));
  es_tensor *more = es_concat(ctx, ES_IN(empty, empty), 0);
  cr_assert(more && es_size(more) == 0 && es_shape(more)[0] == 4);
}

Test(axes, stack) {
  es_tensor *a = es_ramp(ctx, ES_I8, ES_SHAPE(3)),
            *b = es_flip(ctx, es_ramp(ctx, ES_U8, ES_SHAPE(3)), 0);
  CHECK(es_stack(ctx, ES_IN(a, b), 0), ES_I16, 2, SHAPE(2, 3), 0, 1, 2, 2, 1, 0);
  CHECK(es_stack(ctx, ES_IN(a, b), -1), ES_I16, 2, SHAPE(3, 2), 0, 2, 1, 1, 2, 0);
  CHECK(es_stack(ctx, ES_IN(es_full(ctx, ES_F32, 0, NULL, 4)), 0), ES_F32, 1, SHAPE(1), 4);
  check_fails(es_stack(ctx, ES_IN(a, es_ramp(ctx, ES_I8, ES_SHAPE(4))), 0), ES_E_EXTENT,
              "stack: tensor 1 has shape (4,), tensor 0 has (3,): they differ in axis 0");
  check_fails(es_stack(ctx, ES_IN(a), 2), ES_E_RANGE,
              "axis 2 is out of range for a tensor with 2 axes (-2 … 1)");
  int64_t ones[ES_MAX_RANK];
  for (int i = 0; i < ES_MAX_RANK; i++) ones[i] = 1;
  check_fails(es_stack(ctx, ES_IN(es_zeros(ctx, ES_U8, ES_MAX_RANK, ones)), 0), ES_E_RANK,
              "stack: a tensor has 0 … 64 axes, not 65");
}
