/* Seed 002: col2im, the question how to put unrolled windows back. */
#include <stdlib.h>

#include "support/check.h"

static es_tensor *unrolled(es_ctx *es) {
  return es_unfold(es, es_ramp(es, ES_F32, ES_SHAPE(1, 2, 3, 3)), (const int64_t[]){2, 2}, NULL);
}

Test(seeds, seed_002_unfold_as_printed) {
  es_ctx *es = es_ctx_create(NULL);
  CHECK_EQUAL(es, unrolled(es), (1, 8, 4), 0, 1, 3, 4, 1, 2, 4, 5, 3, 4, 6, 7, 4, 5, 7, 8, 9, 10,
              12, 13, 10, 11, 13, 14, 12, 13, 15, 16, 13, 14, 16, 17);
  es_ctx_destroy(es);
}

Test(seeds, seed_002_four_masked_folds_as_printed) {
  static const double printed[4][18] = {
      {0, 1, 0, 3, 4, 0, 0, 0, 0, 9, 10, 0, 12, 13, 0, 0, 0, 0},
      {0, 1, 2, 0, 4, 5, 0, 0, 0, 0, 10, 11, 0, 13, 14, 0, 0, 0},
      {0, 0, 0, 3, 4, 0, 6, 7, 0, 0, 0, 0, 12, 13, 0, 15, 16, 0},
      {0, 0, 0, 0, 4, 5, 0, 7, 8, 0, 0, 0, 0, 13, 14, 0, 16, 17},
  };
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *u = unrolled(es), *cols = es_arange(es, ES_I64, 0, 4, 1),
            *zero = es_full(es, ES_F32, 0, NULL, 0);
  for (int col = 0; col < 4; col++) {
    es_tensor *masked = es_where(es, es_binary_scalar(es, ES_EQ, cols, col, true, false), u, zero);
    es_tensor *y = es_fold(es, masked, (const int64_t[]){3, 3}, (const int64_t[]){2, 2}, NULL);
    check_equal(es, y, 4, (const int64_t[]){1, 2, 3, 3}, printed[col], __FILE__, __LINE__);
  }
  es_ctx_destroy(es);
}

Test(seeds, seed_002_overlap_count) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *ones = es_full(es, ES_F32, ES_SHAPE(1, 1, 5, 5), 1);
  es_tensor *y = es_fold(es, es_unfold(es, ones, (const int64_t[]){3, 3}, NULL),
                         (const int64_t[]){5, 5}, (const int64_t[]){3, 3}, NULL);
  CHECK_EQUAL(es, y, (1, 1, 5, 5), 1, 2, 3, 2, 1, 2, 4, 6, 4, 2, 3, 6, 9, 6, 3, 2, 4, 6, 4, 2, 1, 2,
              3, 2, 1);
  es_ctx_destroy(es);
}

/* <unfold x, v> = <x, fold v>, exactly, in integers. */
static void check_adjoint(es_ctx *es, int64_t h, int64_t w, const es_window *window,
                          const int64_t *k, int64_t ho, int64_t wo) {
  es_scope_push(es);
  es_tensor *x = check_data(es, ES_I64, ES_SHAPE(2, 3, h, w), 1);
  es_tensor *v = check_data(es, ES_I64, ES_SHAPE(2, 3 * k[0] * k[1], ho * wo), 2);
  es_tensor *u = es_unfold(es, x, k, window),
            *f = es_fold(es, v, (const int64_t[]){h, w}, k, window);
  es_tensor *left = es_einsum(es, "b c n, b c n ->", ES_IN(u, v), NULL);
  CHECK_SAME(es, left, es_einsum(es, "b c h w, b c h w ->", ES_IN(x, f), NULL));
  es_scope_pop(es);
}

Test(seeds, seed_002_fold_is_the_adjoint_of_unfold) {
  es_ctx *es = es_ctx_create(NULL);
  for (int64_t s = 1; s <= 3; s++)
    for (int64_t d = 1; d <= 3; d++)
      for (int64_t p = 0; p <= 2; p++)
        for (int64_t kh = 1; kh <= 3; kh++) {
          const int64_t k[2] = {kh, 2}, h = 7, w = 8;
          es_window window = {
              .stride = {s, 4 - s}, .dilation = {d, 1}, .padding = {p, 1}, .padding_each = true};
          check_adjoint(es, h, w, &window, k, check_out(h, kh, s, d, p),
                        check_out(w, 2, 4 - s, 1, 1));
        }
  es_ctx_destroy(es);
}

/* The string of the notation, sizes in the text, h and w given by out_shape. */
Test(seeds, seed_002_fold_string) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 3, 3, 4, 3, 3), 1), *in[] = {x};
  const int64_t shape[] = {2, 3, 6, 8};
  es_tensor *y = es_einsum_into(es, "b c ho wo kh kw -> b c (2*ho+kh-1) (2*wo+kw-1)", in, 1,
                                &(es_options){.out_shape = shape, .out_rank = 4}, NULL);
  es_tensor *columns = es_rearrange(es, "b c ho wo kh kw -> b (c kh kw) (ho wo)", x, NULL);
  CHECK_SAME(es, y,
             es_fold(es, columns, (const int64_t[]){6, 8}, (const int64_t[]){3, 3},
                     &(es_window){.stride = {2}, .padding = {1}}));
  es_ctx_destroy(es);
}

/* A transposed convolution adds x[..] w[..] at s*h + d*kh - p: plain loops. */
static double *transposed_loops(int64_t c, int64_t o, int64_t n, int64_t k, int64_t s, int64_t d,
                                int64_t p, int64_t out, const double *x, const double *w) {
  double *y = calloc((size_t)(o * out), sizeof *y);
  for (int64_t ic = 0; ic < c; ic++)
    for (int64_t io = 0; io < o; io++)
      for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) {
          int64_t at = s * i + d * j - p;
          if (at >= 0 && at < out) y[io * out + at] += x[ic * n + i] * w[(ic * o + io) * k + j];
        }
  return y;
}

Test(seeds, seed_002_conv_transpose) {
  es_ctx *es = es_ctx_create(NULL);
  for (int64_t n = 1; n <= 4; n++)
    for (int64_t k = 1; k <= 4; k++)
      for (int64_t s = 1; s <= 3; s++)
        for (int64_t d = 1; d <= 2; d++)
          for (int64_t p = 0; p <= 1; p++) {
            int64_t extra = s > 1 ? 1 : 0, out = (n - 1) * s - 2 * p + d * (k - 1) + extra + 1;
            if (out < 1) continue;
            es_scope_push(es);
            es_tensor *x = check_data(es, ES_F32, ES_SHAPE(1, 2, n), 1),
                      *w = check_data(es, ES_F32, ES_SHAPE(2, 3, k), 2);
            double *xv = check_values(es, x), *wv = check_values(es, w);
            double *y = transposed_loops(2, 3, n, k, s, d, p, out, xv, wv);
            es_window window = {
                .stride = {s}, .dilation = {d}, .padding = {p}, .output_padding = {extra}};
            check_equal(es, es_conv_transpose1d(es, x, w, NULL, &window), 3,
                        (const int64_t[]){1, 3, out}, y, __FILE__, __LINE__);
            free(y), free(xv), free(wv);
            es_scope_pop(es);
          }
  es_ctx_destroy(es);
}

/* conv2d_input and conv2d_weight are the adjoints of conv2d in its two operands. */
Test(seeds, seed_002_gradients_are_adjoints) {
  es_ctx *es = es_ctx_create(NULL);
  for (int64_t s = 1; s <= 2; s++)
    for (int64_t groups = 1; groups <= 2; groups++) {
      es_tensor *x = check_data(es, ES_I64, ES_SHAPE(2, 4, 6, 7), 1),
                *w = check_data(es, ES_I64, ES_SHAPE(6, 4 / groups, 3, 2), 2);
      es_window window = {.stride = {s}, .padding = {1}, .groups = groups};
      es_tensor *y = es_conv2d(es, x, w, NULL, &window);
      CHECK_OK(es, y);
      es_tensor *dy = check_data(es, ES_I64, 4, es_shape(y), 3);
      es_tensor *dx = es_conv2d_input(es, es_shape(x), w, dy, &window);
      es_tensor *dw = es_conv2d_weight(es, x, (const int64_t[]){3, 2}, dy, &window);
      es_tensor *left = es_einsum(es, "abcd,abcd->", ES_IN(y, dy), NULL);
      CHECK_SAME(es, es_einsum(es, "abcd,abcd->", ES_IN(x, dx), NULL), left);
      CHECK_SAME(es, es_einsum(es, "abcd,abcd->", ES_IN(w, dw), NULL), left);
    }
  es_ctx_destroy(es);
}
