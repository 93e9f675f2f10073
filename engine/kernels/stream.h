/* Kernels of the strategies that stream: memory is touched once, or nearly so.
 * A row is a run of elements of one arithmetic type (I64, F32, F64, C64, C128),
 * unit stride. No pointer needs alignment beyond its element's. Tables are indexed
 * by es_dtype and hold NULL where a type has no such operation. */
#ifndef ES_ENGINE_KERNELS_STREAM_H
#define ES_ENGINE_KERNELS_STREAM_H

#include <stdbool.h>

#include "engine/kernels/kernels.h"

/* Order of es_inner: multiply, add, max, min, and, or. */
enum { ES_COMBINES = 6 };

/* SUM2 adds without error: what each addition rounds off is added up on the side. */
typedef enum es_fold {
  ES_FOLD_SUM,
  ES_FOLD_SUM2,
  ES_FOLD_PROD,
  ES_FOLD_MAX, /* NaN wins, -0 < +0 */
  ES_FOLD_MIN,
  ES_FOLDS
} es_fold;

/* Rows of a reduction: n1 times n0 of them, steps in elements of a and of b. */
typedef struct es_steps {
  int64_t n1, n0, a1, a0, b1, b0;
} es_steps;

/* out[i] = combine(a[i], b[i]); sa and sb are 1, or 0 for one value throughout.
 * out may be a or b. */
typedef void (*es_combine_row)(void *out, const void *a, int64_t sa, const void *b, int64_t sb,
                               int64_t n);
/* acc[i] = fold(acc[i], a[k][i]) for all rows k in order. low: the rounded-off
 * parts of SUM2, else unused. */
typedef void (*es_fold_rows)(void *acc, void *low, const void *a, int64_t n, const es_steps *steps);
/* acc[i] += a[k][i] * b[k][i] (row), or * b[k] (scalar), one rounding each where
 * the processor has fused multiply-add, k in order. */
typedef void (*es_mad_rows)(void *acc, const void *a, const void *b, int64_t n,
                            const es_steps *steps);
/* acc[r] = fold(acc[r], a[r * step + 0..n)) for r < rows, each in a fixed order that
 * depends on n alone. */
typedef void (*es_fold_runs)(void *acc, void *low, const void *a, int64_t n, int64_t rows,
                             int64_t step);
/* out[i] += a[i][k] * b[i][k] for k < n in order, for i < lanes: several independent chains
 * advance side by side. one_b: b[0] serves all. ahead: bytes by which each chain is fetched ahead
 * where they come from memory; else 0. With one_b in caches count, of chains in use, may be up to
 * ES_CHAINS_TWICE times lanes, all of which are read and written if it is more than lanes. */
typedef void (*es_mad_chains)(void *out, const void *const *a, const void *const *b, bool one_b,
                              int64_t count, int64_t n, int64_t ahead);
enum { ES_CHAINS_TWICE = 2 };

/* out[i] = in[i * step]; steps of 2 to 4 take whole vectors apart. */
typedef void (*es_gather_row)(void *out, const void *in, int64_t step, int64_t n);

struct es_stream_kernels {
  es_combine_row combine[ES_COMBINES][ES_DTYPE_COUNT];
  void (*truth[ES_DTYPE_COUNT])(void *row, int64_t n); /* x != 0, as 0 or 1 */
  es_fold_rows fold_rows[ES_FOLDS][ES_DTYPE_COUNT];
  es_fold_runs fold_runs[ES_FOLDS][ES_DTYPE_COUNT];
  /* f32 in, f64 accumulators. */
  es_fold_rows widen_rows;
  es_fold_runs widen_runs;
  es_mad_rows mad_rows[ES_DTYPE_COUNT], mad_scalar[ES_DTYPE_COUNT];
  es_mad_chains mad_chains[ES_DTYPE_COUNT];
  int lanes[ES_DTYPE_COUNT]; /* chains of mad_chains */
  es_gather_row gather[5];   /* by log2 of the element's bytes */
};

#endif
