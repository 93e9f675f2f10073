/* The examples of the notation from text to numbers, against plain loops. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

static es_ctx *ctx;
static void setup(void) { ctx = es_ctx_create(NULL); }
static void teardown(void) { es_ctx_destroy(ctx); }
TestSuite(notation, .init = setup, .fini = teardown);

#define AT2(a, n1, i, j) a[(i) * (n1) + (j)]
#define AT4(a, n1, n2, n3, i, j, k, l) a[(((i) * (n1) + (j)) * (n2) + (k)) * (n3) + (l)]

static void expect_shape(const es_tensor *t, int rank, const int64_t *shape) {
  CHECK_OK(ctx, t);
  cr_assert_eq(es_rank(t), rank);
  for (int i = 0; i < rank; i++)
    cr_assert_eq(es_shape(t)[i], shape[i], "axis %d: %d", i, (int)es_shape(t)[i]);
}

static void expect_values(const es_tensor *t, const double *expected, int64_t n) {
  CHECK_OK(ctx, t);
  cr_assert_eq(es_size(t), n);
  double *got = check_values(ctx, t);
  for (int64_t i = 0; i < n; i++)
    cr_assert(got[i] == expected[i] || (isnan(got[i]) && isnan(expected[i])),
              "element %d: %g, not %g", (int)i, got[i], expected[i]);
  free(got);
}

Test(notation, pointwise_convolution) {
  enum { B = 2, C = 3, H = 4, W = 5, O = 6 };
  es_tensor *x = check_data(ctx, ES_F32, ES_SHAPE(B, C, H, W), 1),
            *w = check_data(ctx, ES_F32, ES_SHAPE(O, C), 2);
  double *xv = check_values(ctx, x), *wv = check_values(ctx, w), y[B * O * H * W] = {0};
  for (int b = 0; b < B; b++)
    for (int o = 0; o < O; o++)
      for (int h = 0; h < H; h++)
        for (int v = 0; v < W; v++)
          for (int c = 0; c < C; c++)
            AT4(y, O, H, W, b, o, h, v) += AT4(xv, C, H, W, b, c, h, v) * AT2(wv, C, o, c);
  es_tensor *t = es_einsum(ctx, "b c h w, o c -> b o h w", ES_IN(x, w), NULL);
  expect_shape(t, 4, (int64_t[]){B, O, H, W});
  expect_values(t, y, B * O * H * W);
  free(xv);
  free(wv);
}

Test(notation, strided_and_padded_convolution) {
  check_conv p = {.b = 2,
                  .c = 3,
                  .h = 9,
                  .w = 8,
                  .o = 4,
                  .kh = 3,
                  .kw = 3,
                  .sh = 2,
                  .sw = 2,
                  .dh = 1,
                  .dw = 1,
                  .ph = 1,
                  .pw = 1,
                  .groups = 1};
  es_tensor *x = check_data(ctx, ES_F32, ES_SHAPE(2, 3, 9, 8), 1);
  es_tensor *w = check_data(ctx, ES_F32, ES_SHAPE(4, 3, 3, 3), 2);
  double *xv = check_values(ctx, x), *wv = check_values(ctx, w),
         *y = check_conv2d(&p, xv, wv, NULL);
  es_tensor *t = es_einsum(ctx, "b c (2*ho+kh-1)?0 (2*wo+kw-1)?0, o c kh kw -> b o ho wo",
                           ES_IN(x, w), NULL);
  expect_shape(t, 4, (int64_t[]){2, 4, 5, 4});
  expect_values(t, y, 2 * 4 * 5 * 4);
  free(xv);
  free(wv);
  free(y);
}

Test(notation, grouped_convolution) {
  check_conv p = {.b = 2,
                  .c = 6,
                  .h = 6,
                  .w = 7,
                  .o = 4,
                  .kh = 2,
                  .kw = 3,
                  .sh = 1,
                  .sw = 1,
                  .dh = 1,
                  .dw = 1,
                  .groups = 2};
  es_tensor *x = check_data(ctx, ES_F32, ES_SHAPE(2, 6, 6, 7), 1);
  es_tensor *w = check_data(ctx, ES_F32, ES_SHAPE(4, 3, 2, 3), 2);
  double *xv = check_values(ctx, x), *wv = check_values(ctx, w),
         *y = check_conv2d(&p, xv, wv, NULL);
  es_tensor *t = es_einsum(ctx, "b (g c) (h+kh) (w+kw), (g o) c kh kw -> b (g o) h w", ES_IN(x, w),
                           ES_SIZES({"g", 2}));
  expect_shape(t, 4, (int64_t[]){2, 4, 5, 5});
  expect_values(t, y, 2 * 4 * 5 * 5);
  free(xv);
  free(wv);
  free(y);
}

Test(notation, pooling_by_an_affine_index) {
  es_tensor *x = check_data(ctx, ES_F32, ES_SHAPE(1, 2, 4, 6), 3);
  double *v = check_values(ctx, x), y[2 * 2 * 3];
  for (int c = 0; c < 2; c++)
    for (int h = 0; h < 2; h++)
      for (int w = 0; w < 3; w++) {
        double m = -INFINITY;
        for (int k = 0; k < 4; k++)
          m = fmax(m, AT4(v, 2, 4, 6, 0, c, 2 * h + k / 2, 2 * w + k % 2));
        y[(c * 2 + h) * 3 + w] = m;
      }
  const es_axis_size sizes[] = {{"kh", 2}, {"kw", 2}, {NULL, 0}};
  expect_values(es_einsum(ctx, "b c (2*h+kh) (2*w+kw) -> b c h w | max", ES_IN(x), sizes), y, 12);
  free(v);
}

Test(notation, named_ellipsis) {
  es_tensor *x = check_data(ctx, ES_F64, ES_SHAPE(2, 3, 4), 1),
            *w = check_data(ctx, ES_F64, ES_SHAPE(5, 4), 2);
  es_tensor *named = es_einsum(ctx, "batch... d, k d -> batch... k", ES_IN(x, w), NULL);
  expect_shape(named, 3, (int64_t[]){2, 3, 5});
  CHECK_SAME(ctx, named, es_einsum(ctx, "a b d, k d -> a b k", ES_IN(x, w), NULL));
}

Test(notation, concatenation_and_split) {
  es_tensor *x = check_ramp(ctx, ES_I32, ES_SHAPE(2, 2, 3)),
            *y = check_data(ctx, ES_I32, ES_SHAPE(2, 4, 3), 5);
  es_tensor *joined = es_einsum(ctx, "b x c, b y c -> b (x ^ y) c", ES_IN(x, y), NULL);
  expect_shape(joined, 3, (int64_t[]){2, 6, 3});
  es_tensor *out[2];
  es_status status = es_split(ctx, "b (x ^ y) c -> b x c, b y c", ES_IN(joined), ES_SIZES({"x", 2}),
                              out, 2);
  cr_assert_eq(status, ES_OK, "%s", es_error_text(ctx));
  CHECK_SAME(ctx, out[0], x);
  CHECK_SAME(ctx, out[1], y);
  cr_assert(es_is_view(out[0]), "a slice needs no copy");
  cr_assert_eq(es_data(out[0]), es_data(joined));
  /* A failure leaves no handles behind. */
  status = es_split(ctx, "b (x ^ y) c -> b x c, b y c", ES_IN(joined), ES_SIZES({"x", 7}), out, 2);
  cr_assert_neq(status, ES_OK);
  cr_assert_eq(out[0], NULL);
  cr_assert_eq(out[1], NULL);
  es_clear_error(ctx);
  status = es_split(ctx, "b (x ^ y) c -> b x c, b y c", ES_IN(joined), ES_SIZES({"x", 2}), out, 1);
  cr_assert_eq(status, ES_E_COUNT);
  es_clear_error(ctx);
  cr_assert_eq(es_einsum(ctx, "b (x ^ y) c -> b x c, b y c", ES_IN(joined), ES_SIZES({"x", 2})),
               NULL);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_COUNT);
}

Test(notation, diagonals) {
  es_tensor *x = check_ramp(ctx, ES_F32, ES_SHAPE(2, 3, 3));
  es_tensor *d = es_einsum(ctx, "b i i -> b i", ES_IN(x), NULL);
  expect_values(d, (const double[]){0, 4, 8, 9, 13, 17}, 6);
  cr_assert(es_is_view(d), "a diagonal is a view");
  expect_values(es_einsum(ctx, "b i i -> b", ES_IN(x), NULL), (const double[]){12, 39}, 2);
  es_tensor *v = check_ramp(ctx, ES_F32, ES_SHAPE(3));
  expect_values(es_einsum(ctx, "i -> i i", ES_IN(v), NULL),
                (const double[]){0, 0, 0, 0, 1, 0, 0, 0, 2}, 9);
}

Test(notation, affine_outputs_add_into_the_target) {
  es_tensor *a = check_data(ctx, ES_F64, ES_SHAPE(5), 1),
            *b = check_data(ctx, ES_F64, ES_SHAPE(4), 2);
  double *av = check_values(ctx, a), *bv = check_values(ctx, b);
  for (int stride = 1; stride <= 6; stride++) {
    double y[40] = {0};
    int n = 4 * stride + 3 + 1;
    for (int i = 0; i < 5; i++)
      for (int j = 0; j < 4; j++) y[stride * i + j] += av[i] * bv[j];
    char text[40];
    snprintf(text, sizeof text, "i, j -> (%d*i+j)", stride);
    es_tensor *t = es_einsum(ctx, text, ES_IN(a, b), NULL);
    CHECK_OK(ctx, t);
    expect_shape(t, 1, (int64_t[]){n});
    expect_values(t, y, n);
  }
  free(av);
  free(bv);
}

Test(notation, fills_read_the_value_named) {
  es_tensor *x = check_ramp(ctx, ES_F32, ES_SHAPE(4));
  const es_axis_size i12[] = {{"i", 12}, {NULL, 0}};
  struct {
    const char *text;
    double y[12];
  } rows[] = {
      {"(i-4)?7 -> i", {7, 7, 7, 7, 0, 1, 2, 3, 7, 7, 7, 7}},
      {"(i-4)?edge -> i", {0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3}},
      {"(i-4)?wrap -> i", {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    expect_values(es_einsum(ctx, rows[r].text, ES_IN(x), i12), rows[r].y, 12);
  expect_values(es_einsum(ctx, "(i-3)?reflect -> i", ES_IN(x), ES_SIZES({"i", 10})),
                (const double[]){3, 2, 1, 0, 1, 2, 3, 2, 1, 0}, 10);
  /* Corners: the later axis decides, as in numpy.pad. */
  es_tensor *m = check_ramp(ctx, ES_F32, ES_SHAPE(2, 2));
  const es_axis_size both[] = {{"i", 4}, {"j", 4}, {NULL, 0}};
  expect_values(es_einsum(ctx, "(i-1)?8 (j-1)?9 -> i j", ES_IN(m), both),
                (const double[]){9, 8, 8, 9, 9, 0, 1, 9, 9, 2, 3, 9, 9, 8, 8, 9}, 16);
  expect_values(es_einsum(ctx, "(i-1)?edge (j-1)?wrap -> i j", ES_IN(m), both),
                (const double[]){1, 0, 1, 0, 1, 0, 1, 0, 3, 2, 3, 2, 3, 2, 3, 2}, 16);
  /* A padded position is absent: no NaN from an infinite weight. */
  es_tensor *w = es_full(ctx, ES_F32, ES_SHAPE(3), INFINITY);
  es_tensor *ones = es_full(ctx, ES_F32, ES_SHAPE(4), 1);
  expect_values(es_einsum(ctx, "(i+k-1)?0, k -> i", ES_IN(ones, w), NULL),
                (const double[]){INFINITY, INFINITY, INFINITY, INFINITY}, 4);
}

/* Also where the constraint meets an intermediate: w touches x's taps first. */
Test(notation, absent_points_stay_absent_through_intermediates) {
  es_tensor *x = es_full(ctx, ES_F32, ES_SHAPE(5), 1),
            *u = es_full(ctx, ES_F32, ES_SHAPE(3), INFINITY);
  es_tensor *v = es_full(ctx, ES_F32, ES_SHAPE(5, 3), 1);
  es_tensor *t = es_einsum(ctx, "(i+k-1)?0, k, i k -> i", ES_IN(x, u, v), NULL);
  expect_values(t, (const double[]){INFINITY, INFINITY, INFINITY, INFINITY, INFINITY}, 5);
}

Test(notation, other_semirings) {
  es_tensor *a = check_data(ctx, ES_F64, ES_SHAPE(3, 4), 1),
            *b = check_data(ctx, ES_F64, ES_SHAPE(4, 5), 2);
  es_tensor *c = check_data(ctx, ES_F64, ES_SHAPE(5, 2), 3);
  double *av = check_values(ctx, a), *bv = check_values(ctx, b), *cv = check_values(ctx, c), y[6];
  for (int i = 0; i < 3; i++)
    for (int l = 0; l < 2; l++) {
      y[i * 2 + l] = -INFINITY;
      for (int j = 0; j < 4; j++)
        for (int k = 0; k < 5; k++)
          y[i * 2 + l] = fmax(y[i * 2 + l], AT2(av, 4, i, j) + AT2(bv, 5, j, k) + AT2(cv, 2, k, l));
    }
  expect_values(es_einsum(ctx, "i j, j k, k l -> i l | (max,+)", ES_IN(a, b, c), NULL), y, 6);
  for (int i = 0; i < 6; i++) y[i] = 1;
  for (int i = 0; i < 3; i++)
    for (int l = 0; l < 2; l++)
      for (int j = 0; j < 4; j++)
        for (int k = 0; k < 5; k++)
          y[i * 2 + l] *= AT2(av, 4, i, j) + AT2(bv, 5, j, k) + AT2(cv, 2, k, l);
  /* prod does not distribute over +: one nest over all three. */
  expect_values(es_einsum(ctx, "i j, j k, k l -> i l | (prod,+)", ES_IN(a, b, c), NULL), y, 6);
  free(av);
  free(bv);
  free(cv);
}

Test(notation, three_operands_of_mixed_types) {
  es_tensor *a = check_data(ctx, ES_I8, ES_SHAPE(3, 4), 1),
            *b = check_data(ctx, ES_F32, ES_SHAPE(4, 5), 2);
  es_tensor *c = check_data(ctx, ES_F16, ES_SHAPE(5, 2), 3);
  es_tensor *t = es_einsum(ctx, "ij,jk,kl->il", ES_IN(a, b, c), NULL);
  CHECK_OK(ctx, t);
  cr_assert_eq(es_dtype_of(t), ES_F32);
  es_tensor *wide = es_einsum(
      ctx, "ij,jk,kl->il",
      ES_IN(es_cast(ctx, a, ES_F64), es_cast(ctx, b, ES_F64), es_cast(ctx, c, ES_F64)), NULL);
  CHECK_SAME(ctx, t, wide);
  es_tensor *truth = es_einsum(ctx, "ij,jk,kl->il",
                               ES_IN(es_cast(ctx, a, ES_BOOL),
                                     es_cast(ctx, es_cast(ctx, b, ES_I32), ES_BOOL),
                                     es_cast(ctx, c, ES_BOOL)),
                               NULL);
  CHECK_OK(ctx, truth);
  cr_assert_eq(es_dtype_of(truth), ES_BOOL);
}

/* ---- rearrange, reduce, repeat ---------------------------------------------------- */

Test(notation, rearrangements_are_views_where_strides_allow) {
  es_tensor *x = check_ramp(ctx, ES_F32, ES_SHAPE(2, 6, 4));
  struct {
    const char *text;
    bool view;
  } rows[] = {
      {"a b c -> c a b", true},          {"a b c -> a (b c)", true},
      {"a b c -> (a b c)", true},        {"a b c -> (b a) c", false},
      {"a (b d) c -> a b d c", true},    {"a (b d) c -> d (a b) c", true},
      {"a b c -> a 1 b c", true},        {"a b c -> b (a c)", false},
      {"a (b d) c -> (d b) a c", false}, {"a (b d) c -> d a (b) c", true},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    es_tensor *t = es_rearrange(ctx, rows[r].text, x,
                                strchr(rows[r].text, 'd') ? ES_SIZES({"d", 2}) : NULL);
    CHECK_OK(ctx, t);
    bool shares = (const char *)es_data(t) >= (const char *)es_data(x) &&
                  (const char *)es_data(t) < (const char *)es_data(x) + 48 * sizeof(float);
    cr_assert_eq(shares, rows[r].view, "%s", rows[r].text);
    cr_assert_eq(es_size(t), 48);
  }
  es_tensor *unfold = es_einsum(ctx, "(i+k) -> i k", ES_IN(check_ramp(ctx, ES_F32, ES_SHAPE(5))),
                                ES_SIZES({"k", 2}));
  expect_values(unfold, (const double[]){0, 1, 1, 2, 2, 3, 3, 4}, 8);
  cr_assert_not(es_is_writable(unfold), "an element stands at two places");
  es_tensor *transposed = es_rearrange(ctx, "a b c -> c b a", x, NULL);
  cr_assert(es_is_writable(transposed));
}

Test(notation, space_to_depth_and_back) {
  es_tensor *x = check_data(ctx, ES_I16, ES_SHAPE(2, 3, 4, 6), 1);
  es_tensor *deep = es_rearrange(ctx, "b c (h p) (w q) -> b (c p q) h w", x,
                                 ES_SIZES({"p", 2}, {"q", 3}));
  expect_shape(deep, 4, (int64_t[]){2, 18, 2, 2});
  es_tensor *back = es_rearrange(ctx, "b (c p q) h w -> b c (h p) (w q)", deep,
                                 ES_SIZES({"p", 2}, {"q", 3}));
  CHECK_SAME(ctx, back, x);
}

Test(notation, reduce_and_repeat) {
  es_tensor *x = check_ramp(ctx, ES_U8, ES_SHAPE(2, 3));
  es_tensor *sum = es_reduce(ctx, "a b -> a", ES_REDUCE_SUM, x, NULL);
  expect_values(sum, (const double[]){3, 12}, 2);
  cr_assert_eq(es_dtype_of(sum), ES_I64);
  es_tensor *mean = es_reduce(ctx, "a b -> ", ES_REDUCE_MEAN, x, NULL);
  expect_values(mean, (const double[]){2.5}, 1);
  cr_assert_eq(es_dtype_of(mean), ES_F64);
  es_tensor *twice = es_repeat(ctx, "a b -> a (b r)", x, ES_SIZES({"r", 2}));
  expect_values(twice, (const double[]){0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}, 12);
  es_tensor *fan = es_repeat(ctx, "a b -> r a b", x, ES_SIZES({"r", 2}));
  expect_values(fan, (const double[]){0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5}, 12);
  es_tensor *empty = es_empty(ctx, ES_F32, ES_SHAPE(0, 2));
  expect_values(es_reduce(ctx, "a b -> b", ES_REDUCE_SUM, empty, NULL), (const double[]){0, 0}, 2);
  expect_values(es_reduce(ctx, "a b -> b", ES_REDUCE_PROD, empty, NULL), (const double[]){1, 1}, 2);
  expect_values(es_reduce(ctx, "a b -> b", ES_REDUCE_MEAN, empty, NULL), (const double[]){NAN, NAN},
                2);
  cr_assert_eq(es_reduce(ctx, "a b -> b", ES_REDUCE_MAX, empty, NULL), NULL);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S15");
}

/* ---- into an array of the caller's --------------------------------------------------- */

/* y = x[shift ..] + 2 y for every way the two can lie over each other. */
Test(notation, out_over_an_input_at_every_shift) {
  enum { N = 6, LENGTH = 20 };
  const es_dtype types[] = {ES_F32, ES_I32};
  for (size_t d = 0; d < 2; d++)
    for (int x_step = 1; x_step <= 2; x_step++)
      for (int y_step = -2; y_step <= 2; y_step++)
        for (int at = 0; at + N * 2 <= LENGTH && y_step; at++) {
          es_scope_push(ctx);
          es_tensor *base = check_ramp(ctx, types[d], ES_SHAPE(LENGTH));
          es_tensor *x = es_as_strided(ctx, base, ES_SHAPE(N), (int64_t[]){x_step}, 3);
          int first = y_step > 0 ? at : at - y_step * (N - 1);
          es_tensor *y = es_as_strided(ctx, base, ES_SHAPE(N), (int64_t[]){y_step}, first);
          CHECK_OK(ctx, y);
          double *xv = check_values(ctx, x), *yv = check_values(ctx, y), want[N];
          for (int i = 0; i < N; i++) want[i] = 3 * xv[N - 1 - i] + 2 * yv[i];
          /* The reversed index makes every other order of work visible. */
          es_options options = {
              .has_scale = true, .alpha = 3, .beta = 2, .sizes = ES_SIZES({"i", N})};
          es_tensor *r = es_einsum_into(ctx, "(5-i) -> i", ES_IN(x), &options, y);
          cr_assert_eq(r, y, "%s", es_error_text(ctx));
          expect_values(y, want, N);
          free(xv);
          free(yv);
          es_scope_pop(ctx);
        }
}

Test(notation, into_keeps_dtype_and_strides_of_out) {
  es_tensor *x = check_data(ctx, ES_F32, ES_SHAPE(3, 4), 1),
            *w = check_data(ctx, ES_F32, ES_SHAPE(4, 2), 2);
  es_tensor *block = es_full(ctx, ES_F64, ES_SHAPE(2, 5), NAN);
  es_tensor *out = es_transpose(ctx, es_slice(ctx, block, 1, 1, 4, 1), 0, 1); /* (3, 2) */
  es_options options = {0};
  cr_assert_eq(es_einsum_into(ctx, "i j, j k -> i k", ES_IN(x, w), &options, out), out, "%s",
               es_error_text(ctx));
  CHECK_SAME(ctx, out, es_einsum(ctx, "i j, j k -> i k", ES_IN(x, w), NULL));
  double *v = check_values(ctx, block);
  for (int r = 0; r < 2; r++)
    cr_assert(isnan(v[r * 5]) && isnan(v[r * 5 + 4]), "only out is written");
  free(v);
  cr_assert_eq(es_einsum_into(ctx, "i j, j k -> i k", ES_IN(x, w), &options,
                              es_broadcast_to(ctx, x, 3, (int64_t[]){2, 3, 4})),
               NULL);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_READONLY);
}

Test(notation, an_overflow_leaves_out_unchanged) {
  es_tensor *x = es_full(ctx, ES_I32, ES_SHAPE(3, 2), 50000),
            *out = check_ramp(ctx, ES_I32, ES_SHAPE(3));
  es_options options = {0};
  cr_assert_eq(es_einsum_into(ctx, "i j, i j -> i", ES_IN(x, x), &options, out), NULL);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_OVERFLOW);
  cr_assert(strstr(es_error_text(ctx), "(0,)"), "%s", es_error_text(ctx));
  cr_assert(strstr(es_error_text(ctx), "i64"), "%s", es_error_text(ctx));
  expect_values(out, (const double[]){0, 1, 2}, 3);
  es_clear_error(ctx);
  options.wrap = true;
  cr_assert_eq(es_einsum_into(ctx, "i j, i j -> i", ES_IN(x, x), &options, out), out);
  double wrapped = (double)(int32_t)(uint32_t)(UINT64_C(5000000000));
  expect_values(out, (const double[]){wrapped, wrapped, wrapped}, 3);
  int64_t before = es_memory_now(ctx);
  cr_assert_eq(es_einsum(ctx, "i j, i j -> i", ES_IN(x, x), NULL), NULL);
  es_clear_error(ctx);
  for (int i = 0; i < 10; i++) {
    es_einsum(ctx, "i j, i j -> i", ES_IN(x, x), NULL);
    es_clear_error(ctx);
  }
  /* One plan was kept; no result was. */
  cr_assert_lt(es_memory_now(ctx) - before, 16384);
}

/* ---- the sticky error --------------------------------------------------------------- */

Test(notation, errors_stick_and_null_does_nothing) {
  es_tensor *x = check_ramp(ctx, ES_F32, ES_SHAPE(2, 3));
  es_tensor *bad = es_einsum(ctx, "i j k -> i", ES_IN(x), NULL);
  cr_assert_eq(bad, NULL);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S6");
  cr_assert(strstr(es_error_text(ctx), "i j k"), "the text is shown: %s", es_error_text(ctx));
  cr_assert_eq(es_rearrange(ctx, "a b -> b a", bad, NULL), NULL);
  cr_assert_eq(es_reduce(ctx, "a b -> a", ES_REDUCE_SUM, bad, NULL), NULL);
  cr_assert_eq(es_repeat(ctx, "a b -> a b 2", bad, NULL), NULL);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S6", "the first failure is kept");
  /* Good operands still run. */
  cr_assert_neq(es_einsum(ctx, "i j -> j", ES_IN(x), NULL), NULL);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S6");
  es_clear_error(ctx);
  cr_assert_eq(es_einsum(ctx, "i j -> j", ES_IN(bad), NULL), NULL);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_VALUE);
  es_clear_error(ctx);
  cr_assert_eq(es_einsum(ctx, NULL, ES_IN(x), NULL), NULL);
  cr_assert_eq(es_einsum(NULL, "i->", ES_IN(x), NULL), NULL);
}

Test(notation, results_over_the_limit_are_refused_at_their_place) {
  es_set_max_bytes(ctx, 1 << 20);
  es_tensor *x = check_ramp(ctx, ES_F32, ES_SHAPE(1000));
  int64_t before = es_memory_now(ctx);
  es_tensor *t = es_einsum(ctx, "i, j -> i j", ES_IN(x, x), NULL);
  cr_assert_eq(t, NULL);
  const es_error *e = es_ctx_error(ctx);
  cr_assert_eq(e->status, ES_E_LIMIT);
  cr_assert_str_eq(e->rule, "M1");
  cr_assert(strstr(e->message, "(1000, 1000)") && strstr(e->message, "4000000"), "%s", e->message);
  cr_assert_eq(e->offset, 8);
  cr_assert_eq(e->length, 3);
  cr_assert_lt(es_memory_now(ctx) - before, 1 << 18, "a plan may stay, an array of 4 MB not");
}

/* ---- pack, unpack, parse_shape -------------------------------------------------------- */

Test(notation, pack_and_unpack) {
  es_tensor *a = check_ramp(ctx, ES_F32, ES_SHAPE(2, 3, 4)),
            *b = check_data(ctx, ES_F32, ES_SHAPE(2, 4), 1);
  es_tensor *c = check_data(ctx, ES_F32, ES_SHAPE(2, 2, 3, 4), 2);
  int64_t shapes[3 * ES_MAX_RANK];
  int ranks[3];
  es_tensor *packed = es_pack(ctx, "b * c", ES_IN(a, b, c), shapes, ranks);
  expect_shape(packed, 3, (int64_t[]){2, 3 + 1 + 6, 4});
  cr_assert_eq(ranks[0], 1);
  cr_assert_eq(shapes[0], 3);
  cr_assert_eq(ranks[1], 0);
  cr_assert_eq(ranks[2], 2);
  cr_assert_eq(shapes[2 * ES_MAX_RANK], 2);
  cr_assert_eq(shapes[2 * ES_MAX_RANK + 1], 3);
  es_tensor *out[3];
  cr_assert_eq(es_unpack(ctx, "b * c", packed, shapes, ranks, 3, out), ES_OK, "%s",
               es_error_text(ctx));
  CHECK_SAME(ctx, out[0], a);
  CHECK_SAME(ctx, out[1], b);
  CHECK_SAME(ctx, out[2], c);
  shapes[2 * ES_MAX_RANK + 1] = -1;
  cr_assert_eq(es_unpack(ctx, "b * c", packed, shapes, ranks, 3, out), ES_OK, "%s",
               es_error_text(ctx));
  CHECK_SAME(ctx, out[2], c);
  shapes[0] = -1;
  cr_assert_neq(es_unpack(ctx, "b * c", packed, shapes, ranks, 3, out), ES_OK);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S14");
  cr_assert(!out[0] && !out[1] && !out[2]);
  es_clear_error(ctx);
  shapes[0] = 4;
  shapes[2 * ES_MAX_RANK + 1] = 3;
  cr_assert_eq(es_unpack(ctx, "b * c", packed, shapes, ranks, 3, out), ES_E_EXTENT);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S14");
  es_clear_error(ctx);
  cr_assert_eq(
      es_pack(ctx, "b * d", ES_IN(a, check_ramp(ctx, ES_F32, ES_SHAPE(2, 5))), shapes, ranks),
      NULL);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S7");
  es_clear_error(ctx);
  cr_assert_eq(es_pack(ctx, "b * d", ES_IN(a, check_ramp(ctx, ES_F32, ES_SHAPE(2))), shapes, ranks),
               NULL);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S6");
}

Test(notation, parse_shape) {
  es_tensor *x = check_ramp(ctx, ES_F32, ES_SHAPE(2, 3, 4, 5));
  const char *names[4];
  int64_t values[4];
  cr_assert_eq(es_parse_shape(ctx, "batch _ 4 w", x, names, values, 4), 2, "%s",
               es_error_text(ctx));
  cr_assert_str_eq(names[0], "batch");
  cr_assert_str_eq(names[1], "w");
  cr_assert_eq(values[0], 2);
  cr_assert_eq(values[1], 5);
  cr_assert_eq(es_parse_shape(ctx, "b ... w", x, names, values, 1), 2,
               "the count is that of the whole");
  cr_assert_str_eq(names[0], "b");
  cr_assert_eq(es_parse_shape(ctx, "b c h", x, names, values, 4), -1);
  cr_assert_str_eq(es_ctx_error(ctx)->rule, "S6");
  es_clear_error(ctx);
  cr_assert_eq(es_parse_shape(ctx, "b 4 h w", x, names, values, 4), -1);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_EXTENT);
}

/* What a new result holds is nobody's to read. */
Test(notation, beta_needs_an_out) {
  es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(3));
  es_options options = {.has_scale = true, .alpha = 1, .beta = 1};
  cr_assert_null(es_einsum_into(ctx, "i -> i", ES_IN(x), &options, NULL));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_VALUE, "%s", es_error_text(ctx));
  es_clear_error(ctx);
  options.beta = 0;
  cr_assert_not_null(es_einsum_into(ctx, "i -> i", ES_IN(x), &options, NULL));
}
