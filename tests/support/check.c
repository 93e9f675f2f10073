#include "support/check.h"

#include <math.h>
#include <stdlib.h>

es_tensor *check_data(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape, unsigned seed) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  double *values = malloc((size_t)(n ? n : 1) * sizeof *values);
  unsigned state = seed * 2654435761u + 12345u;
  for (int64_t i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    values[i] = (double)(state >> 16 & 7) - (dtype == ES_U8 || dtype == ES_BOOL ? 0 : 3);
  }
  es_tensor *t = es_from_data(ctx, ES_F64, rank, shape, values);
  free(values);
  return es_cast(ctx, t, dtype);
}

es_tensor *check_ramp(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape) {
  return es_ramp(ctx, dtype, rank, shape);
}

static es_tensor *with_gaps(es_ctx *ctx, es_tensor *x) {
  int rank = es_rank(x);
  int64_t larger[ES_MAX_RANK];
  for (int i = 0; i < rank; i++) larger[i] = es_shape(x)[i] * 2 + 1;
  es_tensor *view = es_full(ctx, es_dtype_of(x), rank, larger, 7);
  for (int i = 0; i < rank; i++) view = es_slice(ctx, view, i, 1, 2 * es_shape(x)[i] + 1, 2);
  return view && es_assign(ctx, view, x) == ES_OK ? view : NULL;
}

static es_tensor *backwards(es_ctx *ctx, es_tensor *x) {
  es_tensor *view = es_zeros(ctx, es_dtype_of(x), es_rank(x), es_shape(x));
  for (int i = 0; i < es_rank(x); i++) view = es_flip(ctx, view, i);
  return view && es_assign(ctx, view, x) == ES_OK ? view : NULL;
}

static es_tensor *permuted(es_ctx *ctx, es_tensor *x) {
  int rank = es_rank(x), order[ES_MAX_RANK];
  int64_t shape[ES_MAX_RANK];
  for (int i = 0; i < rank; i++) order[i] = rank - 1 - i, shape[i] = es_shape(x)[rank - 1 - i];
  es_tensor *view = es_permute(ctx, es_zeros(ctx, es_dtype_of(x), rank, shape), order);
  return view && es_assign(ctx, view, x) == ES_OK ? view : NULL;
}

es_tensor *check_layout(es_ctx *ctx, es_tensor *x, int layout) {
  return layout == 1   ? with_gaps(ctx, x)
         : layout == 2 ? backwards(ctx, x)
         : layout == 3 ? permuted(ctx, x)
                       : x;
}

double *check_values(es_ctx *ctx, const es_tensor *t) {
  double *values = malloc((size_t)(es_size(t) + 1) * sizeof *values);
  cr_assert(es_read(ctx, t, ES_F64, values, es_size(t)) == ES_OK, "%s", es_error_text(ctx));
  return values;
}

void check_shape(es_ctx *ctx, const es_tensor *t, int rank, const int64_t *shape, const char *file,
                 int line) {
  cr_assert(t != NULL, "%s:%d: %s", file, line, es_error_text(ctx));
  cr_assert(es_rank(t) == rank, "%s:%d: expected %d axes, found %d", file, line, rank, es_rank(t));
  for (int i = 0; i < rank; i++)
    cr_assert(es_shape(t)[i] == shape[i], "%s:%d: axis %d: expected %lld, found %lld", file, line,
              i, (long long)shape[i], (long long)es_shape(t)[i]);
}

void check_close(es_ctx *ctx, const es_tensor *t, int rank, const int64_t *shape,
                 const double *expected, double relative, double absolute, const char *file,
                 int line) {
  check_shape(ctx, t, rank, shape, file, line);
  double *found = check_values(ctx, t);
  for (int64_t i = 0; i < es_size(t); i++) {
    bool same = found[i] == expected[i] || (isnan(found[i]) && isnan(expected[i])) ||
                fabs(found[i] - expected[i]) <= absolute + relative * fabs(expected[i]);
    cr_assert(same, "%s:%d: element %lld: expected %.17g, found %.17g", file, line, (long long)i,
              expected[i], found[i]);
  }
  free(found);
}

void check_equal(es_ctx *ctx, const es_tensor *t, int rank, const int64_t *shape,
                 const double *expected, const char *file, int line) {
  check_close(ctx, t, rank, shape, expected, 0, 0, file, line);
}

void check_same(es_ctx *ctx, const es_tensor *a, const es_tensor *b, const char *file, int line) {
  cr_assert(a && b, "%s:%d: %s", file, line, es_error_text(ctx));
  double *expected = check_values(ctx, b);
  check_equal(ctx, a, es_rank(b), es_shape(b), expected, file, line);
  free(expected);
}

int64_t check_out(int64_t n, int64_t k, int64_t s, int64_t d, int64_t p) {
  return (n + 2 * p - d * (k - 1) - 1) / s + 1;
}

static double conv_at(const check_conv *p, const double *x, const double *weight, int64_t b,
                      int64_t o, int64_t ho, int64_t wo) {
  int64_t cg = p->c / p->groups, group = o / (p->o / p->groups);
  double sum = 0;
  for (int64_t c = 0; c < cg; c++)
    for (int64_t i = 0; i < p->kh; i++)
      for (int64_t j = 0; j < p->kw; j++) {
        int64_t h = ho * p->sh + i * p->dh - p->ph, w = wo * p->sw + j * p->dw - p->pw;
        if (h < 0 || h >= p->h || w < 0 || w >= p->w) continue;
        sum += x[((b * p->c + group * cg + c) * p->h + h) * p->w + w] *
               weight[((o * cg + c) * p->kh + i) * p->kw + j];
      }
  return sum;
}

double *check_conv2d(const check_conv *p, const double *x, const double *weight,
                     const double *bias) {
  int64_t ho = check_out(p->h, p->kh, p->sh, p->dh, p->ph),
          wo = check_out(p->w, p->kw, p->sw, p->dw, p->pw);
  double *y = malloc((size_t)(p->b * p->o * ho * wo + 1) * sizeof *y), *at = y;
  for (int64_t b = 0; b < p->b; b++)
    for (int64_t o = 0; o < p->o; o++)
      for (int64_t i = 0; i < ho; i++)
        for (int64_t j = 0; j < wo; j++)
          *at++ = conv_at(p, x, weight, b, o, i, j) + (bias ? bias[o] : 0);
  return y;
}
