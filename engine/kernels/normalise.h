/* Kernels that normalise a row as a whole: softmax, layer normalisation and
 * their like. Rows are of f32 or f64 (the table's index), unit stride, any
 * alignment and length >= 1. Sums are taken in f64. The order depends on the
 * length alone. */
#ifndef ES_ENGINE_KERNELS_NORMALISE_H
#define ES_ENGINE_KERNELS_NORMALISE_H

#include "engine/kernels/kernels.h"

/* weight, bias: NULL, or [n]. shift, scale, offset are numbers of the row. */
typedef struct es_normalise_args {
  const void *weight, *bias;
  double shift, scale, offset, eps;
} es_normalise_args;

/* out may be x. */
typedef void (*es_normalise_row)(void *out, const void *x, int64_t n,
                                 const es_normalise_args *args);

/* count columns of n <= ES_NORMALISE_SHORT elements: element k of column c is
 * x[k * step + c], and out likewise; out may be x. weight and bias are by k. */
enum { ES_NORMALISE_SHORT = 64 };
typedef void (*es_normalise_columns)(void *out, int64_t out_step, const void *x, int64_t step,
                                     int64_t n, int64_t count, const es_normalise_args *args);

typedef enum es_normalise {
  ES_NORMALISE_SOFTMAX,     /* e / sum(e), e = exp(x - max) */
  ES_NORMALISE_LOG_SOFTMAX, /* x - max - log(sum(e)) */
  ES_NORMALISE_MOMENTS,     /* (x - mean) / sqrt(var + eps) * weight + bias */
  ES_NORMALISE_RMS,         /* x / sqrt(mean(x^2) + eps) * weight + bias */
  ES_NORMALISE_AFFINE,      /* (x - shift) * scale + offset */
  ES_NORMALISES
} es_normalise;

struct es_normalise_kernels {
  /* Rows of more than ES_NORMALISE_SHORT elements (AFFINE: of any number). */
  es_normalise_row row[ES_NORMALISES][ES_DTYPE_COUNT];
  es_normalise_columns columns[ES_NORMALISES][ES_DTYPE_COUNT]; /* but AFFINE */
};

#endif
