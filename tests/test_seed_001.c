/* Seed 001: layers written as rearrange, multiply and sum. Each layer is run as the
 * document writes it (unfold, rearrange, multiply, sum) and as one string, and both
 * are compared with plain loops. Small integers: every sum is exact in every type. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

static const es_dtype dtypes[] = {ES_F32, ES_F64, ES_I32};
enum { DTYPES = 3 };

Test(seeds, seed_001_linear) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(2, 3)), *w = es_ramp(es, ES_F32, ES_SHAPE(4, 3));
  es_tensor *y = es_linear(es, x, w, NULL);
  CHECK_EQUAL(es, y, (2, 4), 5, 14, 23, 32, 14, 50, 86, 122);
  CHECK_SAME(es, es_einsum(es, "bi,oi->bo", ES_IN(x, w), NULL), y);
  es_tensor *column = es_rearrange(es, "b i -> b i 1", x, NULL),
            *row = es_rearrange(es, "o i -> 1 i o", w, NULL);
  CHECK_SAME(
      es,
      es_reduce_axes(es, ES_REDUCE_SUM, es_binary(es, ES_MUL, column, row), (int[]){1}, 1, false),
      y);
  es_tensor *bias = es_ramp(es, ES_F32, ES_SHAPE(4));
  CHECK_EQUAL(es, es_linear(es, x, w, bias), (2, 4), 5, 15, 25, 35, 14, 51, 88, 125);
  es_ctx_destroy(es);
}

/* The document's own rearrange renames axes, which is rule S1. */
Test(seeds, seed_001_renaming_is_an_error) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(2, 3));
  cr_assert(es_rearrange(es, "b c_in -> b i 1", x, NULL) == NULL);
  cr_assert_eq(es_ctx_error(es)->status, ES_E_NAME, "%s", es_error_text(es));
  cr_assert(strstr(es_error_text(es), "c_in") || strstr(es_error_text(es), "'i'"), "%s",
            es_error_text(es));
  es_ctx_destroy(es);
}

static void compare_conv(es_ctx *es, const check_conv *p, es_dtype dtype, int layout) {
  es_scope_push(es);
  const int64_t xs[] = {p->b, p->c, p->h, p->w}, ws[] = {p->o, p->c / p->groups, p->kh, p->kw};
  es_tensor *x = check_data(es, dtype, 4, xs, 1), *w = check_data(es, dtype, 4, ws, 2);
  es_tensor *bias = check_data(es, dtype, 1, &p->o, 3);
  double *xv = check_values(es, x), *wv = check_values(es, w), *bv = check_values(es, bias);
  double *expected = check_conv2d(p, xv, wv, bv);
  const int64_t ys[] = {p->b, p->o, check_out(p->h, p->kh, p->sh, p->dh, p->ph),
                        check_out(p->w, p->kw, p->sw, p->dw, p->pw)};
  es_window window = {.stride = {p->sh, p->sw},
                      .dilation = {p->dh, p->dw},
                      .padding = {p->ph, p->pw},
                      .padding_each = true,
                      .groups = p->groups};
  es_tensor *y = es_conv2d(es, check_layout(es, x, layout), check_layout(es, w, layout), bias,
                           &window);
  check_equal(es, y, 4, ys, expected, __FILE__, __LINE__);
  cr_assert_eq(es_dtype_of(y), dtype);
  free(expected), free(xv), free(wv), free(bv);
  es_scope_pop(es);
}

static const check_conv conv2d_cases[] = {
    /* b c h w o kh kw sh sw dh dw ph pw groups */
    {1, 1, 5, 5, 1, 3, 3, 1, 1, 1, 1, 0, 0, 1},  {2, 3, 6, 7, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {1, 2, 7, 8, 3, 3, 2, 2, 3, 1, 1, 1, 0, 1},  {2, 2, 9, 8, 2, 3, 3, 1, 1, 2, 3, 2, 3, 1},
    {1, 4, 6, 6, 6, 2, 2, 3, 3, 1, 1, 0, 0, 2},  {1, 4, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1, 4},
    {3, 6, 8, 7, 9, 3, 3, 2, 2, 2, 1, 2, 1, 3},  {0, 2, 5, 5, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {1, 3, 1, 9, 2, 1, 4, 1, 2, 1, 2, 0, 3, 1},  {1, 2, 3, 3, 2, 5, 5, 1, 1, 1, 1, 2, 2, 1},
    {2, 8, 4, 4, 40, 1, 1, 1, 1, 1, 1, 0, 0, 1}, {1, 16, 14, 14, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1},
};

Test(seeds, seed_001_conv2d) {
  es_ctx *es = es_ctx_create(NULL);
  for (size_t i = 0; i < sizeof conv2d_cases / sizeof *conv2d_cases; i++)
    for (int d = 0; d < DTYPES; d++)
      for (int layout = 0; layout < CHECK_LAYOUTS; layout++)
        compare_conv(es, &conv2d_cases[i], dtypes[d], layout);
  es_ctx_destroy(es);
}

/* Every output extent that PyTorch's rule gives, stride beyond kernel included. */
Test(seeds, seed_001_conv1d_stride_dilation_padding) {
  es_ctx *es = es_ctx_create(NULL);
  for (int64_t n = 1; n <= 9; n++)
    for (int64_t k = 1; k <= 3; k++)
      for (int64_t s = 1; s <= 4; s++)
        for (int64_t d = 1; d <= 3; d++)
          for (int64_t p = 0; p <= 2; p++) {
            if (n + 2 * p < d * (k - 1) + 1) continue;
            check_conv c = {2, 2, 1, n, 3, 1, k, 1, s, 1, d, 0, p, 1};
            compare_conv(es, &c, dtypes[(n + k + s) % DTYPES], (int)((d + p) % CHECK_LAYOUTS));
          }
  es_ctx_destroy(es);
}

/* (2*n+3*k-1)?0 with the numbers in the text, against the layer. */
Test(seeds, seed_001_conv1d_dilated) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 3, 11), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(4, 3, 3), 2);
  es_tensor *y = es_einsum(es, "b c (2*n+3*k-1)?0, o c k -> b o n", ES_IN(x, w), NULL);
  CHECK_SAME(
      es, y,
      es_conv1d(es, x, w, NULL, &(es_window){.stride = {2}, .dilation = {3}, .padding = {1}}));
  es_ctx_destroy(es);
}

/* unfolded_X[..., ::dilation] computes n_out for the window it was given: only a
 * window of d(k-1)+1 gives the convolution; one of d*k loses an output. */
Test(seeds, seed_001_dilation_belongs_in_the_stride) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(1, 2, 9), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(3, 2, 3), 2);
  es_tensor *y = es_conv1d(es, x, w, NULL, &(es_window){.dilation = {2}});
  for (int64_t size = 5; size <= 6; size++) {
    es_tensor *u = es_slice(es, es_unfold_axis(es, x, 2, size, 1, 1), 3, ES_ALL, ES_ALL, 2);
    es_tensor *z = es_einsum(es, "b c n k, o c k -> b o n", ES_IN(u, w), NULL);
    CHECK_OK(es, z);
    cr_assert_eq(es_shape(z)[2], size == 5 ? 5 : 4);
    if (size == 5) CHECK_SAME(es, z, y);
  }
  es_tensor *direct = es_unfold_axis(es, x, 2, 3, 1, 2);
  cr_assert(es_is_view(direct) && es_strides(direct)[3] == 2 && es_strides(direct)[2] == 1);
  CHECK_SAME(es, es_einsum(es, "b c n k, o c k -> b o n", ES_IN(direct, w), NULL), y);
  es_ctx_destroy(es);
}

Test(seeds, seed_001_conv1d_unfold_multiply_sum) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 3, 8), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(4, 3, 3), 2);
  es_tensor *u = es_rearrange(es, "b c n k -> b 1 c n k", es_unfold_axis(es, x, 2, 3, 2, 1), NULL);
  es_tensor *v = es_rearrange(es, "o c k -> 1 o c 1 k", w, NULL);
  es_tensor *y = es_reduce_axes(es, ES_REDUCE_SUM, es_binary(es, ES_MUL, u, v), (int[]){2, 4}, 2,
                                false);
  CHECK_SAME(es, y, es_einsum(es, "b c (2*n+k), o c k -> b o n", ES_IN(x, w), NULL));
  CHECK_SAME(es, y, es_conv1d(es, x, w, NULL, &(es_window){.stride = {2}}));
  es_ctx_destroy(es);
}

Test(seeds, seed_001_conv1d_grouped) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 6, 7), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(4, 3, 3), 2);
  const es_axis_size *g = ES_SIZES({"groups", 2});
  es_tensor *u = es_rearrange(es, "b (groups c) n k -> b groups 1 c n k",
                              es_unfold_axis(es, x, 2, 3, 1, 1), g);
  es_tensor *v = es_rearrange(es, "(groups o) c k -> 1 groups o c 1 k", w, g);
  es_tensor *sum = es_reduce_axes(es, ES_REDUCE_SUM, es_binary(es, ES_MUL, u, v), (int[]){3, 5}, 2,
                                  false);
  es_tensor *y = es_rearrange(es, "b groups o n -> b (groups o) n", sum, NULL);
  CHECK_SAME(
      es, y,
      es_einsum(es, "b (g c) (n+k), (g o) c k -> b (g o) n", ES_IN(x, w), ES_SIZES({"g", 2})));
  CHECK_SAME(es, y, es_conv1d(es, x, w, NULL, &(es_window){.groups = 2}));
  es_ctx_destroy(es);
}

Test(seeds, seed_001_conv2d_unfold_multiply_sum) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_I32, ES_SHAPE(2, 3, 6, 7), 1),
            *w = check_data(es, ES_I32, ES_SHAPE(4, 3, 3, 2), 2);
  es_tensor *windows = es_unfold_axis(es, es_unfold_axis(es, x, 2, 3, 2, 1), 3, 2, 2, 1);
  es_tensor *u = es_rearrange(es, "b c h w kh kw -> b 1 c h w kh kw", windows, NULL);
  es_tensor *v = es_rearrange(es, "o c kh kw -> 1 o c 1 1 kh kw", w, NULL);
  es_tensor *y = es_reduce_axes(es, ES_REDUCE_SUM, es_binary(es, ES_MUL, u, v), (int[]){2, 5, 6}, 3,
                                false);
  es_tensor *z = es_conv2d(es, x, w, NULL, &(es_window){.stride = {2}});
  CHECK_SAME(es, es_cast(es, y, ES_F64), es_cast(es, z, ES_F64));
  CHECK_SAME(es, es_einsum(es, "b c ho wo kh kw, o c kh kw -> b o ho wo", ES_IN(windows, w), NULL),
             z);
  es_ctx_destroy(es);
}

Test(seeds, seed_001_conv2d_grouped) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 4, 5, 6), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(6, 2, 3, 3), 2);
  es_tensor *y = es_conv2d(es, x, w, NULL, &(es_window){.groups = 2});
  CHECK_SAME(es,
             es_einsum(es, "b (g c) (ho+kh) (wo+kw), (g o) c kh kw -> b (g o) ho wo", ES_IN(x, w),
                       ES_SIZES({"g", 2})),
             y);
  const es_axis_size *g = ES_SIZES({"g", 2});
  es_tensor *u = es_rearrange(es, "b (g c) ho wo kh kw -> b g c ho wo kh kw",
                              es_unfold_axis(es, es_unfold_axis(es, x, 2, 3, 1, 1), 3, 3, 1, 1), g);
  es_tensor *v = es_rearrange(es, "(g o) c kh kw -> g o c kh kw", w, g);
  es_tensor *z = es_einsum(es, "b g c ho wo kh kw, g o c kh kw -> b g o ho wo", ES_IN(u, v), NULL);
  CHECK_SAME(es, es_rearrange(es, "b g o ho wo -> b (g o) ho wo", z, NULL), y);
  es_ctx_destroy(es);
}

Test(seeds, seed_001_channels_must_agree) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(1, 6, 4, 4)),
            *w = es_ramp(es, ES_F32, ES_SHAPE(4, 2, 3, 3));
  cr_assert(es_conv2d(es, x, w, NULL, &(es_window){.groups = 2}) == NULL);
  cr_assert(strstr(es_error_text(es), "6") && strstr(es_error_text(es), "4"), "%s",
            es_error_text(es));
  es_ctx_destroy(es);
}

/* (left, right, top, bottom): the last axis first. */
Test(seeds, seed_001_pad_order) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_binary_scalar(es, ES_ADD, es_ramp(es, ES_I64, ES_SHAPE(2, 2)), 1, true, false);
  CHECK_EQUAL(es, es_pad(es, x, (const int64_t[]){1, 2, 0, 1}, 4, "constant", 0), (3, 5), 0, 1, 2,
              0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0);
  CHECK_EQUAL(es, es_pad(es, x, (const int64_t[]){1, 1}, 2, "replicate", 0), (2, 4), 1, 1, 2, 2, 3,
              3, 4, 4);
  CHECK_EQUAL(es, es_pad(es, x, (const int64_t[]){1, 1}, 2, "circular", 0), (2, 4), 2, 1, 2, 1, 4,
              3, 4, 3);
  CHECK_EQUAL(es, es_pad(es, x, (const int64_t[]){1, 1}, 2, "reflect", 0), (2, 4), 2, 1, 2, 1, 4, 3,
              4, 3);
  CHECK_EQUAL(es, es_pad(es, x, (const int64_t[]){-1, 1}, 2, "constant", 9), (2, 2), 2, 9, 4, 9);
  es_ctx_destroy(es);
}

Test(seeds, seed_001_matmul_bmm_mm) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *a = check_data(es, ES_F32, ES_SHAPE(2, 3, 4), 1),
            *b = check_data(es, ES_F32, ES_SHAPE(2, 4, 5), 2);
  es_tensor *u = es_rearrange(es, "... m n -> ... m n 1", a, NULL),
            *v = es_rearrange(es, "... n p -> ... 1 n p", b, NULL);
  es_tensor *y = es_reduce_axes(es, ES_REDUCE_SUM, es_binary(es, ES_MUL, u, v), (int[]){-2}, 1,
                                false);
  CHECK_SAME(es, es_matmul(es, a, b), y);
  CHECK_SAME(es, es_bmm(es, a, b), y);
  CHECK_SAME(es, es_einsum(es, "...ij,...jk->...ik", ES_IN(a, b), NULL), y);
  es_tensor *a0 = es_select(es, a, 0, 1), *b0 = es_select(es, b, 0, 1);
  CHECK_SAME(es, es_mm(es, a0, b0), es_select(es, y, 0, 1));
  es_tensor *row = es_select(es, a0, 0, 2), *column = es_select(es, b0, 1, 3);
  CHECK_SAME(es, es_matmul(es, row, b0), es_select(es, es_select(es, y, 0, 1), 0, 2));
  CHECK_SAME(es, es_matmul(es, row, column), es_dot(es, row, column));
  es_ctx_destroy(es);
}

Test(seeds, seed_001_rearranges_are_views) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(2, 6, 3, 4));
  es_tensor *split = es_rearrange(es, "b (c1 c2) h w -> b c1 c2 h w", x, ES_SIZES({"c1", 2}));
  es_tensor *merged = es_rearrange(es, "b c1 c2 h w -> b (c1 c2) h w", split, NULL);
  es_tensor *moved = es_rearrange(es, "b c h w -> b w h c", x, NULL);
  es_tensor *unit = es_rearrange(es, "b i -> b i 1", es_ramp(es, ES_F32, ES_SHAPE(2, 3)), NULL);
  es_tensor *gone = es_rearrange(es, "b i 1 -> b i", unit, NULL);
  es_tensor *views[] = {split, merged, moved, unit, gone};
  for (int i = 0; i < 5; i++) {
    CHECK_OK(es, views[i]);
    cr_assert(es_is_view(views[i]), "rearrange %d copied", i);
  }
  CHECK_SAME(es, merged, x);
  CHECK_SAME(es, moved, es_permute(es, x, (int[]){0, 3, 2, 1}));
  cr_assert_eq(es_data(moved), es_data(x));
  es_ctx_destroy(es);
}

/* ConvTranspose2d(2, stride 2, groups) is a 1x1 convolution and PixelShuffle(2). */
Test(seeds, seed_001_conv_transpose_as_pixel_shuffle) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 8, 3, 4), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(8, 3, 2, 2), 2);
  const es_axis_size *g = ES_SIZES({"g", 4});
  es_tensor *y = es_conv_transpose2d(es, x, w, NULL, &(es_window){.stride = {2}, .groups = 4});
  CHECK_SAME(es, es_einsum(es, "b (g c) h w, (g c) o r q -> b (g o) (h r) (w q)", ES_IN(x, w), g),
             y);
  es_tensor *w1 = es_rearrange(es, "(g c) o r q -> (g o r q) c 1 1", w, g);
  es_tensor *z = es_conv2d(es, x, w1, NULL, &(es_window){.groups = 4});
  CHECK_SAME(es, es_pixel_shuffle(es, z, 2), y);
  es_ctx_destroy(es);
}

/* ---- attention: against loops in double --------------------------------------------- */

/* softmax(q k^T / sqrt d + mask) v for one head; allowed[i*n+j] or NULL. */
static void attention_loops(int64_t m, int64_t n, int64_t d, const double *q, const double *k,
                            const double *v, const bool *allowed, double *y) {
  double *score = malloc((size_t)n * sizeof *score);
  for (int64_t i = 0; i < m; i++) {
    double most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < n; j++) {
      score[j] = 0;
      for (int64_t c = 0; c < d; c++) score[j] += q[i * d + c] * k[j * d + c] / sqrt((double)d);
      if (allowed && !allowed[i * n + j]) score[j] = -INFINITY;
      if (score[j] > most) most = score[j];
    }
    for (int64_t j = 0; j < n; j++) sum += score[j] = most == -INFINITY ? 0 : exp(score[j] - most);
    for (int64_t c = 0; c < d; c++) {
      y[i * d + c] = 0;
      for (int64_t j = 0; j < n; j++) y[i * d + c] += sum > 0 ? score[j] / sum * v[j * d + c] : 0;
    }
  }
  free(score);
}

enum { M = 5, N = 5, D = 4 };

static void compare_attention(es_ctx *es, const bool *allowed, bool causal, bool pass_mask) {
  es_tensor *q = check_data(es, ES_F64, ES_SHAPE(1, 2, M, D), 1),
            *k = check_data(es, ES_F64, ES_SHAPE(1, 2, N, D), 2);
  es_tensor *v = check_data(es, ES_F64, ES_SHAPE(1, 2, N, D), 3);
  double *qv = check_values(es, q), *kv = check_values(es, k), *vv = check_values(es, v),
         y[2 * M * D];
  for (int h = 0; h < 2; h++)
    attention_loops(M, N, D, qv + h * M * D, kv + h * N * D, vv + h * N * D, allowed,
                    y + h * M * D);
  es_tensor *mask = pass_mask ? es_from_data(es, ES_BOOL, 2, (const int64_t[]){M, N}, allowed)
                              : NULL;
  es_tensor *z = es_scaled_dot_product_attention(es, q, k, v, mask, causal, 0, false);
  /* Each element is a convex sum of N values up to 4: a few ulps of exp and sums. */
  check_close(es, z, 4, (const int64_t[]){1, 2, M, D}, y, 1e-13, 1e-13, __FILE__, __LINE__);
  free(qv), free(kv), free(vv);
}

Test(seeds, seed_001_attention) {
  es_ctx *es = es_ctx_create(NULL);
  bool causal[M * N], masked[M * N];
  for (int i = 0; i < M * N; i++) causal[i] = i % N <= i / N, masked[i] = i / N != 2 && i % 3 != 1;
  compare_attention(es, NULL, false, false);
  compare_attention(es, causal, true, false);
  compare_attention(es, masked, false, true); /* row 2 may attend nowhere: zeros */
  es_ctx_destroy(es);
}

Test(seeds, seed_001_attention_grouped_query) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *q = check_data(es, ES_F64, ES_SHAPE(2, 6, 3, 4), 1),
            *k = check_data(es, ES_F64, ES_SHAPE(2, 2, 5, 4), 2);
  es_tensor *v = check_data(es, ES_F64, ES_SHAPE(2, 2, 5, 4), 3);
  es_tensor *y = es_scaled_dot_product_attention(es, q, k, v, NULL, false, 0, true);
  es_tensor *kk = es_repeat(es, "b n j d -> b (n g) j d", k, ES_SIZES({"g", 3}));
  es_tensor *vv = es_repeat(es, "b n j d -> b (n g) j d", v, ES_SIZES({"g", 3}));
  es_tensor *z = es_scaled_dot_product_attention(es, q, kk, vv, NULL, false, 0, false);
  double *expected = check_values(es, z);
  check_close(es, y, 4, es_shape(z), expected, 1e-14, 1e-14, __FILE__, __LINE__);
  free(expected);
  es_ctx_destroy(es);
}

Test(seeds, seed_001_multihead_attention) {
  es_ctx *es = es_ctx_create(NULL);
  const int64_t b = 2, t = 4, c = 6, n = 2;
  es_tensor *x = check_data(es, ES_F64, ES_SHAPE(b, t, c), 1),
            *w = check_data(es, ES_F64, ES_SHAPE(3 * c, c), 2);
  es_tensor *bias = check_data(es, ES_F64, ES_SHAPE(3 * c), 3),
            *wo = check_data(es, ES_F64, ES_SHAPE(5, c), 4);
  es_tensor *bo = check_data(es, ES_F64, ES_SHAPE(5), 5);
  es_tensor *y = es_multi_head_attention(es, x, n, w, bias, wo, bo, NULL, true);
  /* The document's steps, one at a time. */
  es_tensor *p = es_linear(es, x, w, bias), *part[3];
  for (int i = 0; i < 3; i++)
    part[i] = es_rearrange(es, "b t (n d) -> b n t d", es_slice(es, p, 2, i * c, (i + 1) * c, 1),
                           ES_SIZES({"n", n}));
  es_tensor *a = es_scaled_dot_product_attention(es, part[0], part[1], part[2], NULL, true, 0,
                                                 false);
  es_tensor *z = es_linear(es, es_rearrange(es, "b n t d -> b t (n d)", a, NULL), wo, bo);
  CHECK_OK(es, z);
  double *expected = check_values(es, z);
  check_close(es, y, 3, (const int64_t[]){b, t, 5}, expected, 1e-12, 1e-12, __FILE__, __LINE__);
  free(expected);
  es_ctx_destroy(es);
}
