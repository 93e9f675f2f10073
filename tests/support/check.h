/* What tests of values share: a context a test, small integer data in any type,
 * and comparisons that say where two tensors differ. */
#ifndef ES_TEST_CHECK_H
#define ES_TEST_CHECK_H

#include <criterion/criterion.h>

#include "einstride.h"
#include "einstride/layers.h"

/* Fails the test with the sticky error of the context. */
#define CHECK_OK(ctx, t) cr_assert((t) != NULL, "%s:%d: %s", __FILE__, __LINE__, es_error_text(ctx))

/* Small integers, both signs, from a multiplicative sequence: exact in every type,
 * with products and sums of a few thousand exact in f32. */
es_tensor *check_data(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape, unsigned seed);
es_tensor *check_ramp(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape);

/* The same values and shape as x, walked through other strides: in a larger array
 * with gaps, backwards along every axis, or (first axis of extent > 1) permuted in
 * memory. layout 0 is x itself. */
enum { CHECK_LAYOUTS = 4 };
es_tensor *check_layout(es_ctx *ctx, es_tensor *x, int layout);

/* Elements as double, C order; the caller frees. */
double *check_values(es_ctx *ctx, const es_tensor *t);
void check_shape(es_ctx *ctx, const es_tensor *t, int rank, const int64_t *shape, const char *file,
                 int line);
/* Exact, after conversion to double. */
void check_equal(es_ctx *ctx, const es_tensor *t, int rank, const int64_t *shape,
                 const double *expected, const char *file, int line);
/* |difference| <= absolute + relative * |expected|. */
void check_close(es_ctx *ctx, const es_tensor *t, int rank, const int64_t *shape,
                 const double *expected, double relative, double absolute, const char *file,
                 int line);
/* Two tensors with the same shape and values. */
void check_same(es_ctx *ctx, const es_tensor *a, const es_tensor *b, const char *file, int line);

#define CHECK_EQUAL(ctx, t, shape_, ...)                                                           \
  do {                                                                                             \
    const int64_t check_s_[] = {CHECK_UNPACK shape_};                                              \
    check_equal(ctx, t, (int)(sizeof check_s_ / sizeof *check_s_), check_s_,                       \
                (const double[]){__VA_ARGS__}, __FILE__, __LINE__);                                \
  } while (0)
#define CHECK_UNPACK(...) __VA_ARGS__
#define CHECK_SAME(ctx, a, b) check_same(ctx, a, b, __FILE__, __LINE__)

/* Plain loops, on doubles: the meaning of conv2d (1-D: h = kh = 1). */
typedef struct check_conv {
  int64_t b, c, h, w, o, kh, kw;
  int64_t sh, sw, dh, dw, ph, pw, groups;
} check_conv;
int64_t check_out(int64_t n, int64_t k, int64_t s, int64_t d, int64_t p);
/* x (b, c, h, w), weight (o, c/groups, kh, kw), bias (o) or NULL; the caller frees. */
double *check_conv2d(const check_conv *p, const double *x, const double *weight,
                     const double *bias);

#endif
