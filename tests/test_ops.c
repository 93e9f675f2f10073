/* Layers beyond the seeds, and the table they come from. Expected numbers are
 * written by hand or computed by plain loops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

Test(ops, table_is_complete) {
  cr_assert(es_op_count() > 40);
  for (int i = 0; i < es_op_count(); i++) {
    const es_op *op = es_op_at(i);
    cr_assert_eq(es_op_find(op->name), op);
    cr_assert(*op->expression && *op->summary && *op->formula && *op->example, "%s", op->name);
    cr_assert(strstr(op->example, op->name), "the example of %s does not call it", op->name);
    for (int p = 0; p < op->n_params; p++) cr_assert(*op->params[p].name);
  }
  cr_assert(es_op_find("no_such_layer") == NULL && es_op_at(-1) == NULL &&
            es_op_at(es_op_count()) == NULL);
}

Test(ops, call_by_name_fills_defaults_and_checks) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(1, 1, 3, 3)),
            *w = es_full(es, ES_F32, ES_SHAPE(1, 1, 2, 2), 1);
  const es_op *op = es_op_find("conv2d");
  es_value args[7] = {{.type = ES_PARAM_TENSOR, .tensor = x},
                      {.type = ES_PARAM_TENSOR, .tensor = w}};
  CHECK_EQUAL(es, es_op_call(es, op, args), (1, 1, 2, 2), 8, 12, 20, 24);
  int64_t two = 2, zero = 0, four[4] = {1, 1, 1, 1};
  args[3] = (es_value){.type = ES_PARAM_INTS, .n = 1, .ints = &two};
  CHECK_EQUAL(es, es_op_call(es, op, args), (1, 1, 1, 1), 8);
  args[3].ints = &zero;
  cr_assert(es_op_call(es, op, args) == NULL);
  cr_assert(strstr(es_error_text(es), "stride must be at least 1, found 0"), "%s",
            es_error_text(es));
  es_clear_error(es);
  args[3] = (es_value){.type = ES_PARAM_INTS, .n = 4, .ints = four};
  cr_assert(es_op_call(es, op, args) == NULL && strstr(es_error_text(es), "takes one number or 2"));
  es_clear_error(es);
  args[3] = (es_value){.type = ES_PARAM_TEXT, .text = "x"};
  cr_assert(es_op_call(es, op, args) == NULL &&
            strstr(es_error_text(es), "'stride' must be an integer"));
  es_clear_error(es);
  cr_assert(es_op_call(es, op, (es_value[7]){{0}}) == NULL &&
            strstr(es_error_text(es), "'input' (a tensor) is missing"));
  es_ctx_destroy(es);
}

Test(ops, conv_same_valid_and_pairs) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(1, 1, 5)),
            *w = es_full(es, ES_F32, ES_SHAPE(1, 1, 4), 1);
  /* 'same' with an even kernel: one more on the high side, as PyTorch. */
  CHECK_EQUAL(es, es_conv1d(es, x, w, NULL, &(es_window){.mode = ES_PAD_SAME}), (1, 1, 5), 3, 6, 10,
              9, 7);
  CHECK_EQUAL(es, es_conv1d(es, x, w, NULL, &(es_window){.mode = ES_PAD_VALID}), (1, 1, 2), 6, 10);
  es_window causal = {.padding = {3}, .padding_high = {0}, .has_high = true, .padding_each = true};
  CHECK_EQUAL(es, es_conv1d(es, x, w, NULL, &causal), (1, 1, 5), 0, 1, 3, 6, 10);
  cr_assert(es_conv1d(es, x, w, NULL, &(es_window){.mode = ES_PAD_SAME, .stride = {2}}) == NULL);
  cr_assert(strstr(es_error_text(es), "needs stride 1"), "%s", es_error_text(es));
  es_clear_error(es);
  cr_assert(es_conv1d(es, x, w, NULL, &(es_window){.dilation = {2}}) == NULL);
  cr_assert(strstr(es_error_text(es), "window of 7") &&
                strstr(es_error_text(es), "padded input of 5"),
            "%s", es_error_text(es));
  es_ctx_destroy(es);
}

/* An infinite weight on a border tap gives no NaN: a pad is absent, not zero. */
Test(ops, padding_is_absent) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_full(es, ES_F32, ES_SHAPE(1, 1, 3), 1);
  const float taps[] = {INFINITY, 1, 1};
  es_tensor *w = es_from_data(es, ES_F32, ES_SHAPE(1, 1, 3), taps);
  CHECK_EQUAL(es, es_conv1d(es, x, w, NULL, &(es_window){.padding = {1}}), (1, 1, 3), 2, INFINITY,
              INFINITY);
  es_ctx_destroy(es);
}

Test(ops, conv3d) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_I32, ES_SHAPE(2, 2, 4, 5, 6), 1),
            *w = check_data(es, ES_I32, ES_SHAPE(3, 2, 2, 3, 2), 2);
  es_tensor *y = es_conv3d(es, x, w, NULL, &(es_window){.stride = {1, 2, 3}, .padding = {1}});
  /* A sum over the time taps of 2-D convolutions of shifted frames. */
  es_tensor *frames = es_rearrange(es, "b c t h w -> t b c h w", x, NULL), *sum[5];
  for (int t = 0; t < 5; t++) {
    sum[t] = NULL;
    for (int k = 0; k < 2; k++) {
      int at = t + k - 1;
      if (at < 0 || at >= 4) continue;
      es_tensor *part = es_conv2d(es, es_select(es, frames, 0, at), es_select(es, w, 2, k), NULL,
                                  &(es_window){.stride = {2, 3}, .padding = {1}});
      sum[t] = sum[t] ? es_binary(es, ES_ADD, sum[t], part) : part;
    }
  }
  CHECK_SAME(es, es_rearrange(es, "b o t h w -> t b o h w", y, NULL), es_stack(es, sum, 5, 0));
  es_ctx_destroy(es);
}

Test(ops, unbatched_and_many_batch_axes) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 3, 2, 5, 5), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(4, 2, 3, 3), 2);
  es_tensor *bias = check_data(es, ES_F32, ES_SHAPE(4), 3);
  es_tensor *y = es_conv2d(es, x, w, bias, NULL);
  es_tensor *one = es_conv2d(es, es_select(es, es_select(es, x, 0, 1), 0, 2), w, bias, NULL);
  CHECK_SAME(es, es_select(es, es_select(es, y, 0, 1), 0, 2), one);
  es_ctx_destroy(es);
}

Test(ops, pooling) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(1, 1, 4, 4));
  const int64_t k2[] = {2, 2}, k3[] = {3, 3};
  CHECK_EQUAL(es, es_max_pool2d(es, x, k2, NULL), (1, 1, 2, 2), 5, 7, 13, 15);
  CHECK_EQUAL(es, es_avg_pool2d(es, x, k2, NULL), (1, 1, 2, 2), 2.5, 4.5, 10.5, 12.5);
  es_window pad = {.stride = {2}, .padding = {1}};
  CHECK_EQUAL(es, es_max_pool2d(es, es_unary(es, ES_NEG, x), k3, &pad), (1, 1, 2, 2), 0, -1, -4,
              -5);
  es_tensor *counted = es_avg_pool2d(es, x, k3, &pad);
  const double sums[] = {0 + 1 + 4 + 5, 1 + 2 + 3 + 5 + 6 + 7, 4 + 5 + 8 + 9 + 12 + 13,
                         5 + 6 + 7 + 9 + 10 + 11 + 13 + 14 + 15};
  const double whole[] = {sums[0] / 9, sums[1] / 9, sums[2] / 9, sums[3] / 9};
  const double inside[] = {sums[0] / 4, sums[1] / 6, sums[2] / 6, sums[3] / 9};
  /* A mean of f32 values: one rounding of the sum, one of the quotient, two of the rescaling. */
  check_close(es, counted, 4, (const int64_t[]){1, 1, 2, 2}, whole, 4 * 0x1p-24, 0, __FILE__,
              __LINE__);
  pad.exclude_padding = true;
  check_close(es, es_avg_pool2d(es, x, k3, &pad), 4, (const int64_t[]){1, 1, 2, 2}, inside,
              6 * 0x1p-24, 0, __FILE__, __LINE__);
  es_ctx_destroy(es);
}

Test(ops, pooling_ceil_mode_and_limits) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(1, 1, 5));
  const int64_t k2[] = {2};
  CHECK_EQUAL(es, es_max_pool1d(es, x, k2, NULL), (1, 1, 2), 1, 3);
  CHECK_EQUAL(es, es_max_pool1d(es, x, k2, &(es_window){.ceil_mode = true}), (1, 1, 3), 1, 3, 4);
  CHECK_EQUAL(es, es_avg_pool1d(es, x, k2, &(es_window){.ceil_mode = true}), (1, 1, 3), 0.5, 2.5,
              4);
  cr_assert(es_max_pool1d(es, x, k2, &(es_window){.padding = {2}}) == NULL);
  cr_assert(strstr(es_error_text(es), "at most half the window"), "%s", es_error_text(es));
  es_clear_error(es);
  es_tensor *volume = es_ramp(es, ES_F32, ES_SHAPE(1, 2, 2, 2));
  CHECK_EQUAL(es, es_max_pool3d(es, volume, (const int64_t[]){2, 2, 2}, NULL), (1, 1, 1, 1), 7);
  CHECK_EQUAL(es, es_avg_pool3d(es, volume, (const int64_t[]){2, 2, 2}, NULL), (1, 1, 1, 1), 3.5);
  CHECK_EQUAL(es, es_global_avg_pool2d(es, volume), (1, 2, 1, 1), 1.5, 5.5);
  CHECK_EQUAL(es, es_global_max_pool2d(es, volume), (1, 2, 1, 1), 3, 7);
  es_ctx_destroy(es);
}

Test(ops, layouts) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_I32, ES_SHAPE(1, 4, 1, 2));
  CHECK_EQUAL(es, es_pixel_shuffle(es, x, 2), (1, 1, 2, 4), 0, 2, 1, 3, 4, 6, 5, 7);
  CHECK_SAME(es, es_pixel_unshuffle(es, es_pixel_shuffle(es, x, 2), 2), x);
  CHECK_EQUAL(es, es_channel_shuffle(es, x, 2), (1, 4, 1, 2), 0, 1, 4, 5, 2, 3, 6, 7);
  CHECK_EQUAL(es, es_upsample_nearest2d(es, es_select(es, x, 1, 0), 2), (1, 2, 4), 0, 0, 1, 1, 0, 0,
              1, 1);
  es_tensor *deep = es_ramp(es, ES_I32, ES_SHAPE(1, 8, 1, 1));
  CHECK_EQUAL(es, es_depth_to_space(es, deep, 2), (1, 2, 2, 2), 0, 2, 4, 6, 1, 3, 5, 7);
  CHECK_SAME(es, es_space_to_depth(es, es_depth_to_space(es, deep, 2), 2), deep);
  cr_assert(es_pixel_shuffle(es, x, 3) == NULL && es_ctx_error(es)->status == ES_E_EXTENT, "%s",
            es_error_text(es));
  es_clear_error(es);
  es_tensor *image = check_data(es, ES_F32, ES_SHAPE(2, 3, 4, 6), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(5, 3, 2, 2), 2);
  es_tensor *bias = check_data(es, ES_F32, ES_SHAPE(5), 3);
  es_tensor *conv = es_conv2d(es, image, w, bias, &(es_window){.stride = {2}});
  CHECK_SAME(es, es_patch_embed(es, image, w, bias),
             es_rearrange(es, "b o h w -> b (h w) o", conv, NULL));
  es_ctx_destroy(es);
}

Test(ops, products) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *a = es_ramp(es, ES_I64, ES_SHAPE(3)), *b = es_ramp(es, ES_I64, ES_SHAPE(2));
  CHECK_EQUAL(es, es_outer(es, a, b), (3, 2), 0, 0, 0, 1, 0, 2);
  CHECK_EQUAL(es, es_dot(es, a, a), (), 5);
  CHECK_EQUAL(es, es_trace(es, es_ramp(es, ES_I64, ES_SHAPE(2, 2, 2))), (2), 3, 11);
  es_tensor *w = es_ramp(es, ES_I64, ES_SHAPE(2, 3, 2));
  CHECK_EQUAL(es, es_bilinear(es, a, b, w, NULL), (2), 1 * 3 + 2 * 5, 1 * 9 + 2 * 11);
  CHECK_EQUAL(es, es_bilinear(es, a, b, w, b), (2), 13, 32);
  es_ctx_destroy(es);
}

static double ref_relu(double x) { return x > 0 ? x : 0; }
static double ref_leaky(double x) { return x > 0 ? x : 0.1 * x; }
static double ref_elu(double x) { return x > 0 ? x : 1.5 * expm1(x); }
static double ref_gelu(double x) { return x * 0.5 * (1 + erf(x / sqrt(2))); }
static double ref_gelu_tanh(double x) {
  return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x)));
}
static double ref_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double ref_silu(double x) { return x / (1 + exp(-x)); }
static double ref_softplus(double x) { return x > 30 ? x : log1p(exp(x)); }

Test(ops, activations) {
  static double (*const reference[])(double) = {ref_relu,      ref_leaky,   ref_elu,  ref_gelu,
                                                ref_gelu_tanh, ref_sigmoid, ref_silu, ref_softplus};
  static const double at[] = {-100, -30, -5, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 3, 30, 100};
  enum { N = sizeof at / sizeof *at };
  es_ctx *es = es_ctx_create(NULL);
  for (int single = 0; single < 2; single++) {
    es_tensor *x = es_cast(es, es_from_data(es, ES_F64, ES_SHAPE(N), at), single ? ES_F32 : ES_F64);
    es_tensor *y[] = {es_relu(es, x),        es_leaky_relu(es, x, 0.1), es_elu(es, x, 1.5),
                      es_gelu(es, x, false), es_gelu(es, x, true),      es_sigmoid(es, x),
                      es_silu(es, x),        es_softplus(es, x)};
    for (int f = 0; f < 8; f++) {
      double expected[N];
      for (int i = 0; i < N; i++) expected[i] = reference[f](single ? (double)(float)at[i] : at[i]);
      /* A handful of roundings; 1 + erf cancels near -5, so an absolute term. */
      double u = single ? 0x1p-24 : 0x1p-53;
      check_close(es, y[f], 1, (const int64_t[]){N}, expected, 16 * u, 16 * u, __FILE__, __LINE__);
    }
  }
  const float nan_one[] = {NAN, 1};
  es_tensor *y = es_relu(es, es_from_data(es, ES_F32, ES_SHAPE(2), nan_one));
  CHECK_EQUAL(es, y, (2), NAN, 1);
  es_ctx_destroy(es);
}

Test(ops, softmax_is_stable_and_sums_to_one) {
  es_ctx *es = es_ctx_create(NULL);
  const double rows[] = {1000, 1001, 1002, -1000, -1000, -1000};
  es_tensor *x = es_from_data(es, ES_F64, ES_SHAPE(2, 3), rows);
  double e = exp(-1.0), f = exp(-2.0), sum = 1 + e + f;
  const double expected[] = {f / sum, e / sum, 1 / sum, 1 / 3.0, 1 / 3.0, 1 / 3.0};
  check_close(es, es_softmax(es, x, -1), 2, (const int64_t[]){2, 3}, expected, 1e-14, 0, __FILE__,
              __LINE__);
  double logs[6];
  for (int i = 0; i < 6; i++) logs[i] = log(expected[i]);
  check_close(es, es_log_softmax(es, x, 1), 2, (const int64_t[]){2, 3}, logs, 1e-13, 1e-13,
              __FILE__, __LINE__);
  es_tensor *columns = es_softmax(es, es_transpose(es, x, 0, 1), 0);
  CHECK_SAME(es, es_transpose(es, columns, 0, 1), es_softmax(es, x, 1));
  cr_assert_eq(es_dtype_of(es_softmax(es, es_cast(es, x, ES_BF16), -1)), ES_BF16);
  cr_assert_eq(es_size(es_softmax(es, es_zeros(es, ES_F32, ES_SHAPE(2, 0)), -1)), 0);
  es_ctx_destroy(es);
}

/* Mean and variance of each row by loops in double. */
static void normalised(const double *x, int64_t rows, int64_t n, double eps, double *y) {
  for (int64_t r = 0; r < rows; r++, x += n, y += n) {
    double mean = 0, var = 0;
    for (int64_t i = 0; i < n; i++) mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean) / (double)n;
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) / sqrt(var + eps);
  }
}

Test(ops, norms) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F64, ES_SHAPE(2, 4, 3, 5), 1);
  double *xv = check_values(es, x), expected[120];
  normalised(xv, 8, 15, 1e-5, expected);
  check_close(es, es_layer_norm(es, x, 2, NULL, NULL, 1e-5), 4, es_shape(x), expected, 1e-12, 1e-12,
              __FILE__, __LINE__);
  normalised(xv, 4, 30, 1e-5, expected);
  check_close(es, es_group_norm(es, x, 2, NULL, NULL, 1e-5), 4, es_shape(x), expected, 1e-12, 1e-12,
              __FILE__, __LINE__);
  es_tensor *w = check_data(es, ES_F64, ES_SHAPE(4), 2),
            *b = check_data(es, ES_F64, ES_SHAPE(4), 3);
  double *wv = check_values(es, w), *bv = check_values(es, b);
  for (int i = 0; i < 120; i++) expected[i] = expected[i] * wv[i / 15 % 4] + bv[i / 15 % 4];
  check_close(es, es_group_norm(es, x, 2, w, b, 1e-5), 4, es_shape(x), expected, 1e-12, 1e-12,
              __FILE__, __LINE__);
  es_tensor *var = es_full(es, ES_F64, ES_SHAPE(4), 4);
  for (int i = 0; i < 120; i++) expected[i] = (xv[i] - wv[i / 15 % 4]) / 2;
  check_close(es, es_batch_norm(es, x, w, var, NULL, NULL, 0), 4, es_shape(x), expected, 1e-12,
              1e-12, __FILE__, __LINE__);
  for (int r = 0; r < 24; r++) {
    double square = 0;
    for (int i = 0; i < 5; i++) square += xv[r * 5 + i] * xv[r * 5 + i] / 5;
    for (int i = 0; i < 5; i++) expected[r * 5 + i] = xv[r * 5 + i] / sqrt(square + 1e-6);
  }
  check_close(es, es_rms_norm(es, x, 1, NULL, 1e-6), 4, es_shape(x), expected, 1e-12, 1e-12,
              __FILE__, __LINE__);
  cr_assert(es_group_norm(es, x, 3, NULL, NULL, 1e-5) == NULL &&
            strstr(es_error_text(es), "not a multiple"));
  free(xv), free(wv), free(bv);
  es_ctx_destroy(es);
}

Test(ops, squeeze_excite) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F64, ES_SHAPE(1, 2, 1, 2)),
            *w1 = es_full(es, ES_F64, ES_SHAPE(1, 2), 1), *w2 = es_ramp(es, ES_F64, ES_SHAPE(2, 1));
  /* Means 0.5 and 2.5, squeezed 3, gates sigmoid(0) and sigmoid(3). */
  double g = 1 / (1 + exp(-3.0));
  const double expected[] = {0, 0.5, 2 * g, 3 * g};
  check_close(es, es_squeeze_excite(es, x, w1, w2), 4, (const int64_t[]){1, 2, 1, 2}, expected,
              1e-14, 0, __FILE__, __LINE__);
  es_ctx_destroy(es);
}

/* A failed input makes every layer do nothing; the first error stays. */
Test(ops, errors_stick_through_layers) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(1, 2, 4, 4)),
            *w = es_ramp(es, ES_F32, ES_SHAPE(3, 5, 3, 3));
  es_tensor *y = es_softmax(
      es, es_relu(es, es_layer_norm(es, es_conv2d(es, x, w, NULL, NULL), 1, NULL, NULL, 1e-5)), -1);
  cr_assert(y == NULL);
  y = es_max_pool2d(es, es_pixel_shuffle(es, es_gelu(es, y, false), 2), (const int64_t[]){2, 2},
                    NULL);
  cr_assert(y == NULL && strstr(es_error_text(es), "conv2d"), "%s", es_error_text(es));
  es_ctx_destroy(es);
}
