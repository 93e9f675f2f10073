/* Attention by blocks against loops in double: sizes around the blocks, masks, shared
 * heads, element types; and what it promises of bits and of memory. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

/* softmax(q k^T scale + mask) v over heads of (m, d), (n, d), (n, e), (m, n). */
typedef struct shape {
  int64_t heads, m, n, d, e;
} shape;

/* One row; score has room for n. */
static void expect_row(const shape *s, const double *q, const double *k, const double *v,
                       const double *mask, int64_t seen, double scale, double *score, double *y) {
  double most = -INFINITY, sum = 0;
  for (int64_t j = 0; j < s->n; j++) {
    double dot = 0;
    for (int64_t c = 0; c < s->d; c++) dot += q[c] * k[j * s->d + c];
    score[j] = j < seen ? dot * scale + (mask ? mask[j] : 0) : -INFINITY;
    most = fmax(most, score[j]);
  }
  for (int64_t j = 0; j < s->n; j++) {
    score[j] = most == -INFINITY ? 0 : exp(score[j] - most);
    sum += score[j];
  }
  for (int64_t c = 0; c < s->e; c++) {
    y[c] = 0;
    for (int64_t j = 0; j < s->n; j++) y[c] += score[j] / (sum > 0 ? sum : 1) * v[j * s->e + c];
  }
}

static double *values_over(es_ctx *es, const es_tensor *t, const shape *s, int64_t rows,
                           int64_t columns) {
  if (!t) return NULL;
  return check_values(es, es_broadcast_to(es, t, 3, (const int64_t[]){s->heads, rows, columns}));
}

/* mask is added; q, k, v and mask may have fewer heads. */
static void compare(es_ctx *es, const shape *s, const es_tensor *q, const es_tensor *k,
                    const es_tensor *v, const es_tensor *mask, bool causal, const es_tensor *y,
                    double bound, int line) {
  double *qv = values_over(es, q, s, s->m, s->d), *kv = values_over(es, k, s, s->n, s->d);
  double *vv = values_over(es, v, s, s->n, s->e), *mv = values_over(es, mask, s, s->m, s->n);
  double *expected = calloc((size_t)(s->heads * s->m * s->e + 1), sizeof *expected);
  double *score = calloc((size_t)s->n + 1, sizeof *score);
  for (int64_t i = 0; i < s->heads * s->m; i++) {
    int64_t h = i / s->m, row = i % s->m;
    expect_row(s, qv + i * s->d, kv + h * s->n * s->d, vv + h * s->n * s->e,
               mv ? mv + i * s->n : NULL, causal ? row + 1 : s->n, 1 / sqrt((double)s->d), score,
               expected + i * s->e);
  }
  check_close(es, y, 3, (const int64_t[]){s->heads, s->m, s->e}, expected, bound, bound, __FILE__,
              line);
  free(qv), free(kv), free(vv), free(mv), free(expected), free(score);
}

static es_tensor *normal(es_ctx *es, es_dtype dtype, int64_t a, int64_t b, int64_t c) {
  return es_randn(es, dtype, 3, (const int64_t[]){a, b, c});
}

/* true where (i * 7 + j * 3) % 5 is not 0; all of row `never` is false. */
static es_tensor *bool_mask(es_ctx *es, int64_t heads, int64_t m, int64_t n, int64_t never) {
  es_tensor *t = es_empty(es, ES_BOOL, 3, (const int64_t[]){heads, m, n});
  uint8_t *at = es_data_mut(t);
  for (int64_t i = 0; i < heads * m * n; i++)
    at[i] = i / n % m != never && (i / n * 7 + i % n * 3) % 5 != 0;
  return t;
}

/* A mask to add that means the same. */
static es_tensor *as_added(es_ctx *es, const es_tensor *mask) {
  es_tensor *zero = es_full(es, ES_F64, 0, NULL, 0),
            *never = es_full(es, ES_F64, 0, NULL, -INFINITY);
  return es_where(es, mask, zero, never);
}

/* Sums of at most 300 products of numbers around 1, then a convex sum: the error of
 * scores, some 20 units of rounding, is that of the weights. */
static double bound_of(es_dtype dtype) { return dtype == ES_F32 ? 2e-5 : 1e-13; }

static void compare_sizes(es_ctx *es, es_dtype dtype, const shape *s) {
  es_scope_push(es);
  es_tensor *q = normal(es, dtype, s->heads, s->m, s->d),
            *k = normal(es, dtype, s->heads, s->n, s->d);
  es_tensor *v = normal(es, dtype, s->heads, s->n, s->e);
  es_tensor *mask = bool_mask(es, 1, s->m, s->n, 2), *added = as_added(es, mask);
  double bound = bound_of(dtype);
  for (int causal = 0; causal < 2; causal++) {
    es_tensor *y = es_scaled_dot_product_attention(es, q, k, v, NULL, causal, 0, false);
    CHECK_OK(es, y);
    cr_assert_eq(es_dtype_of(y), dtype);
    compare(es, s, q, k, v, NULL, causal, y, bound, __LINE__);
    y = es_scaled_dot_product_attention(es, q, k, v, mask, causal, 0, false);
    compare(es, s, q, k, v, added, causal, y, bound, __LINE__);
    y = es_scaled_dot_product_attention(es, q, k, v, es_cast(es, added, dtype), causal, 0, false);
    compare(es, s, q, k, v, added, causal, y, bound, __LINE__);
  }
  es_scope_pop(es);
}

Test(attention, sizes_around_the_blocks) {
  static const shape shapes[] = {
      {1, 1, 1, 1, 1},      {2, 3, 1, 4, 2},     {1, 1, 130, 3, 5},   {2, 17, 16, 8, 33},
      {1, 128, 128, 2, 4},  {1, 127, 129, 4, 3}, {2, 129, 127, 4, 1}, {1, 130, 257, 8, 8},
      {1, 257, 300, 5, 17}, {3, 20, 40, 64, 64},
  };
  for (int isa = ES_ISA_V16; isa <= ES_ISA_V64; isa *= 2) {
    es_ctx *es = es_ctx_create(NULL);
    if (es_set_isa(es, (es_isa)isa) == ES_OK)
      for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        compare_sizes(es, ES_F32, &shapes[i]);
        compare_sizes(es, ES_F64, &shapes[i]);
      }
    es_ctx_destroy(es);
  }
}

Test(attention, nothing_to_see) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *q = normal(es, ES_F32, 2, 3, 4), *none = normal(es, ES_F32, 2, 0, 4);
  es_tensor *y = es_scaled_dot_product_attention(es, q, none, none, NULL, false, 0, false);
  check_same(es, y, es_zeros(es, ES_F32, 3, (const int64_t[]){2, 3, 4}), __FILE__, __LINE__);
  y = es_scaled_dot_product_attention(es, none, q, q, NULL, true, 0, false);
  check_shape(es, y, 3, (const int64_t[]){2, 0, 4}, __FILE__, __LINE__);
  /* No features: all scores are 0, the mean of the values. */
  es_tensor *v = es_ramp(es, ES_F32, 3, (const int64_t[]){1, 4, 2});
  y = es_scaled_dot_product_attention(es, normal(es, ES_F32, 1, 2, 0), normal(es, ES_F32, 1, 4, 0),
                                      v, NULL, false, 0, false);
  CHECK_EQUAL(es, y, (1, 2, 2), 3, 4, 3, 4);
  es_ctx_destroy(es);
}

/* What one operand shares with the other, a mask with more axes, strided operands. */
Test(attention, shared_heads_and_layouts) {
  es_ctx *es = es_ctx_create(NULL);
  const shape s = {6, 140, 133, 8, 12};
  es_tensor *q = normal(es, ES_F64, 6, s.m, s.d), *k = normal(es, ES_F64, 2, s.n, s.d);
  es_tensor *v = normal(es, ES_F64, 2, s.n, s.e);
  es_tensor *kk = es_repeat(es, "n j d -> (n g) j d", k, ES_SIZES({"g", 3}));
  es_tensor *vv = es_repeat(es, "n j d -> (n g) j d", v, ES_SIZES({"g", 3}));
  es_tensor *mask = bool_mask(es, 6, s.m, s.n, -1);
  for (int layout = 0; layout < CHECK_LAYOUTS; layout++) {
    es_tensor *y = es_scaled_dot_product_attention(
        es, check_layout(es, q, layout), check_layout(es, k, layout), check_layout(es, v, layout),
        check_layout(es, mask, layout), true, 0, true);
    CHECK_OK(es, y);
    compare(es, &s, q, kk, vv, as_added(es, mask), true, y, 1e-13, __LINE__);
  }
  /* One query and one key for all heads of the mask. */
  es_tensor *q1 = normal(es, ES_F64, 1, s.m, s.d), *k1 = normal(es, ES_F64, 1, s.n, s.d);
  es_tensor *y = es_scaled_dot_product_attention(es, q1, k1, vv, mask, false, 0, false);
  compare(es, &s, q1, k1, vv, as_added(es, mask), false, y, 1e-13, __LINE__);
  /* One query and one key, with and without a mask, for all heads of the values. */
  es_tensor *one = bool_mask(es, 1, s.m, s.n, -1);
  y = es_scaled_dot_product_attention(es, q1, k1, vv, one, false, 0, false);
  compare(es, &s, q1, k1, vv, as_added(es, one), false, y, 1e-13, __LINE__);
  y = es_scaled_dot_product_attention(es, es_squeeze(es, q1, 0), es_squeeze(es, k1, 0), vv, NULL,
                                      true, 0, false);
  compare(es, &s, q1, k1, vv, NULL, true, y, 1e-13, __LINE__);
  es_ctx_destroy(es);
}

Test(attention, element_types) {
  es_ctx *es = es_ctx_create(NULL);
  const shape s = {2, 5, 7, 4, 3};
  static const struct {
    es_dtype q, k, v, y;
    double bound;
  } cases[] = {{ES_F16, ES_F16, ES_F16, ES_F16, 4e-3},  {ES_BF16, ES_BF16, ES_BF16, ES_BF16, 4e-2},
               {ES_I32, ES_I32, ES_I32, ES_F64, 1e-13}, {ES_F32, ES_F32, ES_F64, ES_F64, 1e-5},
               {ES_F32, ES_F64, ES_F32, ES_F64, 1e-5},  {ES_BOOL, ES_I8, ES_F32, ES_F64, 1e-5}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    es_tensor *q = check_data(es, cases[i].q, ES_SHAPE(2, 5, 4), 1);
    es_tensor *k = check_data(es, cases[i].k, ES_SHAPE(2, 7, 4), 2);
    es_tensor *v = check_data(es, cases[i].v, ES_SHAPE(2, 7, 3), 3);
    es_tensor *y = es_scaled_dot_product_attention(es, q, k, v, NULL, false, 0, false);
    CHECK_OK(es, y);
    cr_assert_eq(es_dtype_of(y), cases[i].y, "case %zu: %s", i, es_dtype_name(es_dtype_of(y)));
    compare(es, &s, q, k, v, NULL, false, y, cases[i].bound, __LINE__);
  }
  /* Complex values under real weights. */
  es_tensor *q = normal(es, ES_F64, 2, 5, 4), *k = normal(es, ES_F64, 2, 7, 4);
  es_tensor *v = normal(es, ES_C128, 2, 7, 3);
  es_tensor *y = es_scaled_dot_product_attention(es, q, k, v, NULL, false, 0, false);
  CHECK_OK(es, y);
  compare(es, &s, q, k, es_unary(es, ES_REAL, v), NULL, false, es_unary(es, ES_REAL, y), 1e-13,
          __LINE__);
  compare(es, &s, q, k, es_unary(es, ES_IMAG, v), NULL, false, es_unary(es, ES_IMAG, y), 1e-13,
          __LINE__);
  cr_assert_null(es_scaled_dot_product_attention(es, v, v, v, NULL, false, 0, false));
  cr_assert_eq(es_ctx_error(es)->status, ES_E_DTYPE);
  es_ctx_destroy(es);
}

/* NaN and infinities arrive where the formula says. */
Test(attention, special_values) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *q = es_full(es, ES_F32, 2, (const int64_t[]){3, 1}, 1);
  es_tensor *k = es_zeros(es, ES_F32, 2, (const int64_t[]){200, 1});
  es_tensor *v = es_full(es, ES_F32, 2, (const int64_t[]){200, 1}, 2);
  ((float *)es_data_mut(k))[150] = NAN;
  es_tensor *y = es_scaled_dot_product_attention(es, q, k, v, NULL, false, 0, false);
  for (int i = 0; i < 3; i++) cr_assert(isnan(((const float *)es_data(y))[i]));
  /* Unseen, it does not count. */
  y = es_scaled_dot_product_attention(es, q, k, v, NULL, true, 0, false);
  CHECK_EQUAL(es, y, (3, 1), 2, 2, 2);
  ((float *)es_data_mut(k))[150] = -INFINITY;
  y = es_scaled_dot_product_attention(es, q, k, v, NULL, false, 0, false);
  CHECK_EQUAL(es, y, (3, 1), 2, 2, 2);
  es_ctx_destroy(es);
}

static void check_bits(const es_tensor *a, const es_tensor *b, size_t bytes, const char *what) {
  cr_assert_not_null(a);
  cr_assert_not_null(b);
  cr_assert_eq(memcmp(es_data(a), es_data(b), bytes), 0, "%s", what);
}

/* The same bits for any number of threads, for a row in any block, for a head alone. */
Test(attention, bits) {
  const int64_t m = 300, n = 270, d = 24;
  es_ctx *es = es_ctx_create(&(es_config){.threads = 1, .seed = 5});
  es_tensor *q = normal(es, ES_F32, 3, m, d), *k = normal(es, ES_F32, 3, n, d);
  es_tensor *v = normal(es, ES_F32, 3, n, d);
  es_tensor *one = es_scaled_dot_product_attention(es, q, k, v, NULL, true, 0, false);
  for (int threads = 2; threads < 5; threads++) {
    cr_assert_eq(es_set_threads(es, threads), ES_OK);
    es_tensor *more = es_scaled_dot_product_attention(es, q, k, v, NULL, true, 0, false);
    check_bits(one, more, (size_t)(3 * m * d) * sizeof(float), "threads");
  }
  es_tensor *all = es_scaled_dot_product_attention(es, q, k, v, NULL, false, 0, false);
  for (int64_t h = 0; h < 3; h++) {
    es_tensor *row = es_slice(es, es_select(es, q, 0, h), 0, 131, 132, 1);
    es_tensor *alone = es_scaled_dot_product_attention(
        es, row, es_select(es, k, 0, h), es_select(es, v, 0, h), NULL, false, 0, false);
    es_tensor *same = es_copy(es, es_slice(es, es_select(es, all, 0, h), 0, 131, 132, 1));
    check_bits(alone, same, (size_t)d * sizeof(float), "a row alone");
  }
  es_ctx_destroy(es);
}

/* Memory beyond the result grows with the tokens at most: here 16 MiB of scores. */
Test(attention, memory) {
  es_ctx *es = es_ctx_create(&(es_config){.threads = 2});
  es_tensor *q = normal(es, ES_F32, 1, 2048, 8);
  es_memory_reset_peak(es);
  int64_t before = es_memory_now(es);
  CHECK_OK(es, es_scaled_dot_product_attention(es, q, q, q, NULL, false, 0, false));
  cr_assert_lt(es_memory_peak(es) - before, 2 << 20);
  es_ctx_destroy(es);
}

static bool stop(void *user) {
  (void)user;
  return true;
}

Test(attention, refusals) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *q = normal(es, ES_F32, 2, 3, 4), *k = normal(es, ES_F32, 2, 5, 4);
  es_tensor *mask = bool_mask(es, 1, 2, 5, -1);
  cr_assert_null(es_scaled_dot_product_attention(es, q, k, q, NULL, false, 0, false));
  cr_assert_eq(es_ctx_error(es)->status, ES_E_EXTENT, "%s", es_error_text(es));
  es_clear_error(es);
  cr_assert_null(es_scaled_dot_product_attention(es, q, k, k, mask, false, 0, false));
  cr_assert_eq(es_ctx_error(es)->status, ES_E_EXTENT, "%s", es_error_text(es));
  es_ctx_destroy(es);
  es = es_ctx_create(&(es_config){.cancel = stop});
  q = es_zeros(es, ES_F32, 2, (const int64_t[]){3, 4});
  cr_assert_null(es_scaled_dot_product_attention(es, q, q, q, NULL, false, 0, false));
  cr_assert_eq(es_ctx_error(es)->status, ES_E_CANCELLED, "%s", es_error_text(es));
  es_ctx_destroy(es);
}
