/* Conversion, copies and assignment, each element against es_scalar_*. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dtype.h"
#include "einstride.h"

static es_ctx *ctx;
static void setup(void) { ctx = es_ctx_create(&(es_config){.threads = 1}); }
static void teardown(void) { es_ctx_destroy(ctx); }
TestSuite(cast, .init = setup, .fini = teardown);

static const double probes[] = {0,
                                -0.0,
                                0.5,
                                -0.5,
                                1,
                                -1,
                                1.5,
                                127,
                                127.99,
                                128,
                                -128,
                                -128.9,
                                -129,
                                255,
                                255.9,
                                256,
                                32767.5,
                                -32768.5,
                                65504,
                                65519.9,
                                65520,
                                70000,
                                1e-8,
                                6e-8,
                                2147483647.5,
                                -2147483648.5,
                                1e10,
                                1e15,
                                0x1p53,
                                0x1p62,
                                -0x1p63,
                                0x1p63,
                                1e20,
                                1e39,
                                1e-45,
                                3.1415926535897931,
                                NAN,
                                INFINITY,
                                -INFINITY};
enum { PROBES = sizeof probes / sizeof *probes };

/* Every pair of types, every probe: the row kernels of every vector width agree
 * with the conversion of single elements, refusals included. */
Test(cast, every_pair_against_single_elements) {
  static const es_isa widths[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  for (size_t w = 0; w < 3; w++) {
    if (es_set_isa(ctx, widths[w]) != ES_OK) {
      es_clear_error(ctx);
      continue;
    }
    for (int from = 0; from < ES_DTYPE_COUNT; from++)
      for (int to = 0; to < ES_DTYPE_COUNT; to++)
        for (int p = 0; p < PROBES; p++) {
          char in[16] = {0}, want[16] = {0};
          es_scalar v = {.cls = ES_CLASS_FLOAT, .re = probes[p]};
          if (!es_scalar_store((es_dtype)from, in, v)) continue;
          bool fits = es_scalar_store((es_dtype)to, want, es_scalar_load((es_dtype)from, in));
          es_scope_push(ctx);
          es_tensor *x = es_from_data(ctx, (es_dtype)from, ES_SHAPE(1), in),
                    *y = es_cast(ctx, x, (es_dtype)to);
          cr_assert_eq(y != NULL, fits, "%g: %s to %s", probes[p], es_dtype_name((es_dtype)from),
                       es_dtype_name((es_dtype)to));
          if (y && from != to && !isnan(probes[p]))
            cr_assert_eq(memcmp(es_data(y), want, es_dtype_size((es_dtype)to)), 0, "%g: %s to %s",
                         probes[p], es_dtype_name((es_dtype)from), es_dtype_name((es_dtype)to));
          if (y && isnan(probes[p]) && to != ES_BOOL) {
            double back[2];
            es_read(ctx, to >= ES_C64 ? es_unary(ctx, ES_REAL, y) : y, ES_F64, back, 1);
            cr_assert(isnan(back[0]) || from <= ES_I64);
          }
          if (!y)
            cr_assert(es_ctx_error(ctx)->status == ES_E_OVERFLOW ||
                      es_ctx_error(ctx)->status == ES_E_DTYPE);
          es_clear_error(ctx);
          es_scope_pop(ctx);
        }
  }
}

/* Copying without conversion keeps every bit, of NaNs too. */
Test(cast, same_type_keeps_bits) {
  for (int d = 0; d < ES_DTYPE_COUNT; d++) {
    unsigned char bytes[16 * 6];
    for (size_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (unsigned char)(d == ES_BOOL ? i & 1 : 0xf0 + i * 7);
    es_tensor *x = es_from_data(ctx, (es_dtype)d, ES_SHAPE(2, 3), bytes);
    es_tensor *twice = es_copy(ctx,
                               es_transpose(ctx, es_copy(ctx, es_transpose(ctx, x, 0, 1)), 0, 1));
    cr_assert_eq(memcmp(es_data(twice), bytes, 6 * es_dtype_size((es_dtype)d)), 0);
  }
}

Test(cast, overflow_names_value_position_and_range) {
  es_tensor *x = es_full(ctx, ES_F32, ES_SHAPE(4, 3, 8), 1);
  ((float *)es_data_mut(x))[3 * 24 + 7] = 300.5f;
  cr_assert_null(es_cast(ctx, x, ES_I8));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_OVERFLOW);
  cr_assert_str_eq(es_ctx_error(ctx)->message, "300.5 at (3, 0, 7) does not fit i8 (-128 … 127)");
  es_clear_error(ctx);
  cr_assert_null(es_cast(ctx, es_transpose(ctx, x, 0, 2), ES_U8));
  cr_assert_str_eq(es_ctx_error(ctx)->message, "300.5 at (7, 0, 3) does not fit u8 (0 … 255)");
  es_clear_error(ctx);
  cr_assert_null(es_cast(ctx, es_zeros(ctx, ES_C64, ES_SHAPE(2)), ES_F32));
  cr_assert_str_eq(es_ctx_error(ctx)->message,
                   "c64 does not convert to f32: take the real part first");
  es_clear_error(ctx);
  cr_assert_null(es_cast(ctx, x, (es_dtype)50));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_DTYPE);
}

/* The first bad element, wherever it stands and however many threads look. */
Test(cast, the_first_of_many_is_named) {
  enum { N = 300000 };
  for (int threads = 1; threads <= 4; threads += 3) {
    es_set_threads(ctx, threads);
    for (int64_t at = 5; at < N; at = at * 3 + 1) {
      char want[64];
      es_scope_push(ctx);
      es_tensor *x = es_zeros(ctx, ES_I32, ES_SHAPE(N));
      int32_t *v = es_data_mut(x);
      for (int64_t i = at; i < N; i += 1 + i / 7) v[i] = -1;
      cr_assert_null(es_cast(ctx, x, ES_U8));
      snprintf(want, sizeof want, "-1 at (%lld,) does not fit u8 (0 … 255)", (long long)at);
      cr_assert_str_eq(es_ctx_error(ctx)->message, want);
      es_clear_error(ctx);
      es_scope_pop(ctx);
    }
  }
}

/* ---- reading ------------------------------------------------------------------------ */

Test(cast, read) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 3));
  double out[6] = {0};
  cr_assert_eq(es_read(ctx, es_flip(ctx, x, 1), ES_F64, out, 6), ES_OK);
  for (int i = 0; i < 6; i++) cr_assert(out[i] == (i < 3 ? 2 - i : 8 - i));
  cr_assert_eq(es_read(ctx, x, ES_F64, out, 5), ES_E_VALUE);
  cr_assert_str_eq(es_ctx_error(ctx)->message, "es_read: the tensor has 6 elements, not 5");
  es_clear_error(ctx);
  int8_t small[2] = {7, 7};
  cr_assert_eq(es_read(ctx, es_full(ctx, ES_F32, ES_SHAPE(2), 1000), ES_I8, small, 2),
               ES_E_OVERFLOW);
  cr_assert(small[0] == 7 && small[1] == 7, "a failed read wrote");
  es_clear_error(ctx);
  cr_assert_eq(es_read(ctx, es_zeros(ctx, ES_F32, ES_SHAPE(0)), ES_I8, NULL, 0), ES_OK);
}

/* ---- assigning ----------------------------------------------------------------------- */

static void check(const es_tensor *t, const double *want, int line) {
  double got[64];
  int64_t n = es_size(t);
  cr_assert_eq(es_read(ctx, t, ES_F64, got, n), ES_OK);
  for (int64_t i = 0; i < n; i++)
    cr_assert(got[i] == want[i], "line %d: element %lld is %g, not %g", line, (long long)i, got[i],
              want[i]);
}
#define CHECK(t, ...) check(t, (const double[]){__VA_ARGS__}, __LINE__)

Test(cast, assign_converts_and_broadcasts) {
  es_tensor *x = es_zeros(ctx, ES_I16, ES_SHAPE(2, 3)), *row = es_ramp(ctx, ES_F32, ES_SHAPE(3));
  cr_assert_eq(es_assign(ctx, x, row), ES_OK);
  CHECK(x, 0, 1, 2, 0, 1, 2);
  cr_assert_eq(es_assign(ctx, es_transpose(ctx, x, 0, 1), es_full(ctx, ES_F64, 0, NULL, 7.9)),
               ES_OK);
  CHECK(x, 7, 7, 7, 7, 7, 7);
  cr_assert_eq(
      es_assign(ctx, es_slice(ctx, x, 1, ES_ALL, ES_ALL, -2), es_ramp(ctx, ES_U8, ES_SHAPE(2, 2))),
      ES_OK);
  CHECK(x, 1, 7, 0, 3, 7, 2);
  cr_assert_eq(es_assign(ctx, x, es_full(ctx, ES_F32, ES_SHAPE(2, 1), 1e6)), ES_E_OVERFLOW);
  CHECK(x, 1, 7, 0, 3, 7, 2);
  es_clear_error(ctx);
  cr_assert_eq(es_assign(ctx, x, es_ramp(ctx, ES_I8, ES_SHAPE(2))), ES_E_EXTENT);
  cr_assert_str_eq(es_ctx_error(ctx)->message, "shape (2,) cannot be broadcast to (2, 3)");
  es_clear_error(ctx);
  cr_assert_eq(es_assign(ctx, x, es_ramp(ctx, ES_I8, ES_SHAPE(1, 2, 3))), ES_E_EXTENT);
  es_clear_error(ctx);
  cr_assert_eq(es_assign(ctx, es_broadcast_to(ctx, x, ES_SHAPE(2, 2, 3)), x), ES_E_READONLY);
  cr_assert_eq(es_assign(ctx, es_select(ctx, x, 0, 0), es_ramp(ctx, ES_C64, ES_SHAPE(3))),
               ES_E_DTYPE);
  CHECK(x, 1, 7, 0, 3, 7, 2);
  cr_assert_eq(es_assign(ctx, NULL, x), es_ctx_error(ctx)->status);
}

/* Every shift of an output view over an input view: as if copied first. */
Test(cast, assign_where_they_overlap) {
  enum { N = 12, LEN = 4 };
  for (int from = 0; from <= N - LEN; from++)
    for (int to = 0; to <= N - LEN; to++)
      for (int flags = 0; flags < 8; flags++) {
        double want[N];
        int step = flags & 1 ? 2 : 1;
        if (from + step * (LEN - 1) >= N || to + LEN > N) continue;
        es_scope_push(ctx);
        es_tensor *x = es_ramp(ctx, flags & 4 ? ES_I32 : ES_F64, ES_SHAPE(N));
        es_tensor *src = es_slice(ctx, x, 0, from, from + step * (LEN - 1) + 1, step);
        es_tensor *dst = es_slice(ctx, x, 0, to, to + LEN, 1);
        if (flags & 2) dst = es_flip(ctx, dst, 0);
        for (int i = 0; i < N; i++) want[i] = i;
        for (int i = 0; i < LEN; i++) want[flags & 2 ? to + LEN - 1 - i : to + i] = from + step * i;
        cr_assert_eq(es_assign(ctx, dst, src), ES_OK);
        check(x, want, __LINE__);
        es_scope_pop(ctx);
      }
  es_tensor *square = es_ramp(ctx, ES_F32, ES_SHAPE(3, 3));
  cr_assert_eq(es_assign(ctx, square, es_transpose(ctx, square, 0, 1)), ES_OK);
  CHECK(square, 0, 3, 6, 1, 4, 7, 2, 5, 8);
  /* Other element sizes over the same bytes. */
  static int32_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  es_tensor *narrow = es_wrap(ctx, ES_I32, bytes, 8, 0, 1, (const int64_t[]){4}, NULL, true, NULL,
                              NULL);
  es_tensor *wide = es_wrap(ctx, ES_I64, bytes, 4, 0, 1, (const int64_t[]){4}, NULL, true, NULL,
                            NULL);
  cr_assert_eq(es_assign(ctx, wide, narrow), ES_OK);
  CHECK(wide, 1, 2, 3, 4);
}

/* Long rows, odd strides, many axes: the walk over rows against element offsets. */
Test(cast, walks_of_any_shape) {
  uint64_t state = 99;
  for (int round = 0; round < 400; round++) {
    int64_t shape[4], strides[4], offset = 0, length = 1, count = 1;
    int rank = 1 + round % 4;
    for (int i = 0; i < rank; i++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      shape[i] = 1 + (int64_t)(state >> 33) % (rank == 1 ? 3000 : rank == 2 ? 60 : 9);
      strides[i] = (int64_t)(state >> 50) % 11 - 5;
      count *= shape[i];
      length += (shape[i] - 1) * llabs(strides[i]);
      if (strides[i] < 0) offset -= (shape[i] - 1) * strides[i];
    }
    es_scope_push(ctx);
    es_tensor *x = es_as_strided(ctx, es_ramp(ctx, ES_I32, 1, &length), rank, shape, strides,
                                 offset);
    cr_assert(x, "%s", es_error_text(ctx));
    static const es_dtype types[] = {ES_I32, ES_I64, ES_F64, ES_C128, ES_F32};
    es_dtype type = types[round % 5];
    es_tensor *y = es_unary(ctx, ES_REAL, es_cast(ctx, x, type));
    double *got = malloc((size_t)count * sizeof *got);
    cr_assert_eq(es_read(ctx, y, ES_F64, got, count), ES_OK);
    for (int64_t i = 0; i < count; i++) {
      int64_t at = offset, rest = i;
      for (int k = rank - 1; k >= 0; k--) {
        at += rest % shape[k] * strides[k];
        rest /= shape[k];
      }
      cr_assert(got[i] == (double)at, "round %d, element %lld", round, (long long)i);
    }
    free(got);
    es_scope_pop(ctx);
  }
}

/* Written past the caches, from places that begin and end between lines; neighbours stay. */
Test(cast, results_larger_than_caches) {
  enum { N = 1200003, FROM = 5 };
  for (int threads = 1; threads <= 2; threads++) {
    es_set_threads(ctx, threads);
    es_scope_push(ctx);
    es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(N));
    const double *wide = es_data(es_cast(ctx, x, ES_F64));
    const float *sum = es_data(es_binary(ctx, ES_ADD, x, x));
    for (int64_t i = 0; i < N; i++)
      cr_assert(wide[i] == (double)i && sum[i] == 2 * (float)i, "element %lld", (long long)i);
    es_tensor *to = es_full(ctx, ES_I32, ES_SHAPE(N + 2 * FROM), 7);
    cr_assert_eq(es_assign(ctx, es_slice(ctx, to, 0, FROM, FROM + N, 1), x), ES_OK);
    const int32_t *got = es_data(to);
    for (int64_t i = 0; i < N + 2 * FROM; i++)
      cr_assert_eq(got[i], i < FROM || i >= FROM + N ? 7 : i - FROM, "element %lld", (long long)i);
    es_scope_pop(ctx);
  }
}
