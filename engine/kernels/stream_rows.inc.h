/* Rows of one real type. Set before including, unset afterwards: T, T_BITS (the
 * signed integer of the same size), T_NAME, T_REAL (1 for floating point), T_SUMS (1
 * where sums and products are folded in T), T_LANES and T_TRANSPOSE. */

/* One element at a time, for rows shorter than a vector. Integers are added and
 * multiplied modulo 2^64; the caller has shown that nothing is lost. */
#if T_REAL
ES_INLINE T ES_JOIN(one_add, T_NAME)(T a, T b) { return a + b; }
ES_INLINE T ES_JOIN(one_multiply, T_NAME)(T a, T b) { return a * b; }
ES_INLINE T ES_JOIN(one_fused, T_NAME)(T a, T b, T c) { return a * b + c; }
ES_INLINE T ES_JOIN(one_larger, T_NAME)(T a, T b) {
  if (isnan(a) || isnan(b)) return isnan(a) ? a : b;
  return a > b || (a == b && signbit(b)) ? a : b;
}
ES_INLINE T ES_JOIN(one_smaller, T_NAME)(T a, T b) {
  if (isnan(a) || isnan(b)) return isnan(a) ? a : b;
  return a < b || (a == b && signbit(a)) ? a : b;
}
#else
ES_INLINE T ES_JOIN(one_add, T_NAME)(T a, T b) { return (T)((uint64_t)a + (uint64_t)b); }
ES_INLINE T ES_JOIN(one_multiply, T_NAME)(T a, T b) { return (T)((uint64_t)a * (uint64_t)b); }
ES_INLINE T ES_JOIN(one_fused, T_NAME)(T a, T b, T c) {
  return (T)((uint64_t)a * (uint64_t)b + (uint64_t)c);
}
ES_INLINE T ES_JOIN(one_larger, T_NAME)(T a, T b) { return a > b ? a : b; }
ES_INLINE T ES_JOIN(one_smaller, T_NAME)(T a, T b) { return a < b ? a : b; }
#endif

#define LANE_BYTES ES_V
#define LANE_NAME T_NAME
#define LANE_ORDERED (T_REAL && (AVX512 || AVX2))
#include "engine/kernels/stream_lanes.inc.h"

#if ES_V > 16
#define LANE_BYTES 16
#define LANE_NAME ES_JOIN(short, T_NAME)
#include "engine/kernels/stream_lanes.inc.h"
#endif

/* ---- one element at a time ------------------------------------------------- */

ES_INLINE T ES_JOIN(one_combine, T_NAME)(int op, T a, T b) {
  switch (op) {
  case 0: return ES_JOIN(one_multiply, T_NAME)(a, b);
  case 1: return ES_JOIN(one_add, T_NAME)(a, b);
  case 2: return ES_JOIN(one_larger, T_NAME)(a, b);
  case 3: return ES_JOIN(one_smaller, T_NAME)(a, b);
  case 4: return (T)(a != 0 && b != 0);
  default: return (T)(a != 0 || b != 0);
  }
}

ES_INLINE T ES_JOIN(one_fold, T_NAME)(es_fold op, T acc, T *low, T x) {
  switch (op) {
  case ES_FOLD_PROD: return ES_JOIN(one_multiply, T_NAME)(acc, x);
  case ES_FOLD_MAX: return ES_JOIN(one_larger, T_NAME)(acc, x);
  case ES_FOLD_MIN: return ES_JOIN(one_smaller, T_NAME)(acc, x);
  case ES_FOLD_SUM2: {
    T sum = acc + x, part = sum - acc;
    *low += (acc - (sum - part)) + (x - part);
    return sum;
  }
  default: return ES_JOIN(one_add, T_NAME)(acc, x);
  }
}

/* ---- rows: pick the width ------------------------------------------------------- */

ES_INLINE void ES_JOIN(combine, T_NAME)(int op, T *out, const T *a, int64_t sa, const T *b,
                                        int64_t sb, int64_t n) {
  if (n >= T_LANES)
    ES_JOIN(combine_lanes, T_NAME)(op, out, a, sa, b, sb, n);
  else
    for (int64_t i = 0; i < n; i++) out[i] = ES_JOIN(one_combine, T_NAME)(op, a[i * sa], b[i * sb]);
}

ES_INLINE void ES_JOIN(rows, T_NAME)(es_fold op, T *acc, T *low, const T *a, int64_t n,
                                     const es_steps *s) {
  if (n >= T_LANES) {
    ES_JOIN(rows_lanes, T_NAME)(op, acc, low, a, n, s);
    return;
  }
#if ES_V > 16
  if (n >= (int64_t)(16 / sizeof(T))) {
    ES_JOIN(rows_lanes, ES_JOIN(short, T_NAME))(op, acc, low, a, n, s);
    return;
  }
#endif
  T unused = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t k1 = 0; k1 < s->n1; k1++)
      for (int64_t k0 = 0; k0 < s->n0; k0++)
        acc[i] = ES_JOIN(one_fold, T_NAME)(op, acc[i], op == ES_FOLD_SUM2 ? &low[i] : &unused,
                                           a[k1 * s->a1 + k0 * s->a0 + i]);
}

/* step: 1 where b is a row, 0 where it is one value for the whole row of a. */
ES_INLINE void ES_JOIN(mad, T_NAME)(T *acc, const T *a, const T *b, int64_t step, int64_t n,
                                    const es_steps *s) {
  if (n >= T_LANES) {
    ES_JOIN(mad_lanes, T_NAME)(acc, a, b, step, n, s);
    return;
  }
#if ES_V > 16
  if (n >= (int64_t)(16 / sizeof(T))) {
    ES_JOIN(mad_lanes, ES_JOIN(short, T_NAME))(acc, a, b, step, n, s);
    return;
  }
#endif
  for (int64_t i = 0; i < n; i++)
    for (int64_t k1 = 0; k1 < s->n1; k1++)
      for (int64_t k0 = 0; k0 < s->n0; k0++)
        acc[i] = ES_JOIN(one_fused, T_NAME)(a[k1 * s->a1 + k0 * s->a0 + i],
                                            b[k1 * s->b1 + k0 * s->b0 + i * step], acc[i]);
}

/* ---- runs: one result each ---------------------------------------------------- */

#define RUN_NAME T_NAME
#define RUN_T T
#define RUN_LOAD ES_JOIN(vec_load, T_NAME)
#define RUN_WIDE ES_JOIN(wide, T_NAME)
#include "engine/kernels/stream_runs.inc.h"

#if T_REAL
/* Column k + j of T_LANES runs, one a lane, to x[j]. */
ES_INLINE void ES_JOIN(columns, T_NAME)(const void *const *a, int64_t k, int64_t ahead,
                                        ES_JOIN(row_vec, T_NAME) * x) {
  if (ahead) {
    ES_UNROLL for (int i = 0; i < T_LANES; i++)
        __builtin_prefetch((const char *)((const T *)a[i] + k) + ahead);
  }
#if AVX512
  ES_JOIN(wide_columns, T_NAME)(a, k, ahead != 0, (void *)x);
#else
  ES_UNROLL for (int i = 0; i < T_LANES; i++) x[i] = ES_JOIN(vec_load, T_NAME)((const T *)a[i] + k);
  T_TRANSPOSE((void *)x);
#endif
}

/* Columns k to n, fewer than T_LANES. */
ES_INLINE ES_JOIN(row_vec, T_NAME)
    ES_JOIN(chains_rest, T_NAME)(ES_JOIN(row_vec, T_NAME) acc, const void *const *a,
                                 const void *const *b, bool one_b, int64_t k, int64_t n) {
#if AVX512
  T rest[2][T_LANES * T_LANES];
  const void *run[2][T_LANES];
  ES_JOIN(row_vec, T_NAME) x[T_LANES], y[T_LANES];
  for (int i = 0; i < T_LANES; i++) {
    run[0][i] = rest[0] + i * T_LANES, run[1][i] = rest[1] + i * T_LANES;
    ES_JOIN(vec_store, T_NAME)
    (rest[0] + i * T_LANES,
     ES_JOIN(wide_part, T_NAME)((const T *)a[i] + k, n - k, (ES_JOIN(wide, T_NAME)){0}));
    ES_JOIN(vec_store, T_NAME)
    (rest[1] + i * T_LANES, ES_JOIN(wide_part, T_NAME)((const T *)b[one_b ? 0 : i] + k, n - k,
                                                       (ES_JOIN(wide, T_NAME)){0}));
  }
  ES_JOIN(wide_columns, T_NAME)(run[0], 0, false, (void *)x);
  ES_JOIN(wide_columns, T_NAME)(run[1], 0, false, (void *)y);
  for (int64_t i = 0; i < n - k; i++) acc = ES_JOIN(vec_fused, T_NAME)(x[i], y[i], acc);
#else
  T x[T_LANES], y[T_LANES];
  for (; k < n; k++) {
    for (int i = 0; i < T_LANES; i++) {
      x[i] = ((const T *)a[i])[k];
      y[i] = ((const T *)b[one_b ? 0 : i])[k];
    }
    acc = ES_JOIN(vec_fused, T_NAME)(ES_JOIN(vec_load, T_NAME)(x), ES_JOIN(vec_load, T_NAME)(y),
                                     acc);
  }
#endif
  return acc;
}

/* T_LANES columns from k on. */
ES_INLINE ES_JOIN(row_vec, T_NAME)
    ES_JOIN(chains_columns, T_NAME)(ES_JOIN(row_vec, T_NAME) acc, const void *const *a,
                                    const void *const *b, bool one_b, int64_t k, int64_t ahead) {
  ES_JOIN(row_vec, T_NAME) x[T_LANES], y[T_LANES];
  ES_JOIN(columns, T_NAME)(a, k, ahead, x);
  if (!one_b) ES_JOIN(columns, T_NAME)(b, k, ahead, y);
  ES_UNROLL for (int i = 0; i < T_LANES; i++) acc = ES_JOIN(vec_fused, T_NAME)(
      x[i], one_b ? ES_JOIN(vec_splat, T_NAME)(((const T *)b[0])[k + i]) : y[i], acc);
  return acc;
}

/* T_LANES chains, or twice as many in turn: the products of one fill the time in which the other
 * waits for its sum. */
ES_INLINE void ES_JOIN(chains, T_NAME)(T *out, const void *const *a, const void *const *b,
                                       bool one_b, bool two, int64_t n, int64_t ahead) {
  const void *const *a2 = a + T_LANES, *const *b2 = one_b ? b : b + T_LANES;
  ES_JOIN(row_vec, T_NAME) acc = ES_JOIN(vec_load, T_NAME)(out), acc2 = acc;
  if (two) acc2 = ES_JOIN(vec_load, T_NAME)(out + T_LANES);
  int64_t k = 0;
  for (; k + T_LANES <= n; k += T_LANES) {
    acc = ES_JOIN(chains_columns, T_NAME)(acc, a, b, one_b, k, ahead);
    if (two) acc2 = ES_JOIN(chains_columns, T_NAME)(acc2, a2, b2, one_b, k, ahead);
  }
  if (k < n) {
    acc = ES_JOIN(chains_rest, T_NAME)(acc, a, b, one_b, k, n);
    if (two) acc2 = ES_JOIN(chains_rest, T_NAME)(acc2, a2, b2, one_b, k, n);
  }
  ES_JOIN(vec_store, T_NAME)(out, acc);
  if (two) ES_JOIN(vec_store, T_NAME)(out + T_LANES, acc2);
}

static void ES_JOIN(mad_chains, T_NAME)(void *out, const void *const *a, const void *const *b,
                                        bool one_b, int64_t count, int64_t n, int64_t ahead) {
  if (ahead && one_b)
    ES_JOIN(chains, T_NAME)(out, a, b, true, false, n, ahead);
  else if (ahead)
    ES_JOIN(chains, T_NAME)(out, a, b, false, false, n, ahead);
  else if (!one_b)
    ES_JOIN(chains, T_NAME)(out, a, b, false, false, n, 0);
  else if (count <= T_LANES)
    ES_JOIN(chains, T_NAME)(out, a, b, true, false, n, 0);
  else
    ES_JOIN(chains, T_NAME)(out, a, b, true, true, n, 0);
}
#endif

/* ---- the table's functions --------------------------------------------------------- */

#define NAME row_multiply
#define OP 0
#include "engine/kernels/stream_combine.inc.h"
#define NAME row_add
#define OP 1
#include "engine/kernels/stream_combine.inc.h"
#define NAME row_larger
#define OP 2
#include "engine/kernels/stream_combine.inc.h"
#define NAME row_smaller
#define OP 3
#include "engine/kernels/stream_combine.inc.h"
#define NAME row_both
#define OP 4
#include "engine/kernels/stream_combine.inc.h"
#define NAME row_either
#define OP 5
#include "engine/kernels/stream_combine.inc.h"

/* f32 is summed and multiplied up in f64. */
#if T_SUMS
#define NAME sum
#define OP ES_FOLD_SUM
#define NEUTRAL 0
#include "engine/kernels/stream_fold.inc.h"
#define NAME prod
#define OP ES_FOLD_PROD
#define NEUTRAL 1
#include "engine/kernels/stream_fold.inc.h"
#endif
#if T_SUMS && T_REAL
#define NAME sum2
#define OP ES_FOLD_SUM2
#define NEUTRAL 0
#include "engine/kernels/stream_fold.inc.h"
#endif
#define NAME max
#define OP ES_FOLD_MAX
#define NEUTRAL (T_REAL ? (T)-INFINITY : (T)INT64_MIN)
#include "engine/kernels/stream_fold.inc.h"
#define NAME min
#define OP ES_FOLD_MIN
#define NEUTRAL (T_REAL ? (T)INFINITY : (T)INT64_MAX)
#include "engine/kernels/stream_fold.inc.h"

static void ES_JOIN(mad_rows, T_NAME)(void *acc, const void *a, const void *b, int64_t n,
                                      const es_steps *steps) {
  ES_JOIN(mad, T_NAME)(acc, a, b, 1, n, steps);
}
static void ES_JOIN(mad_scalar, T_NAME)(void *acc, const void *a, const void *b, int64_t n,
                                        const es_steps *steps) {
  ES_JOIN(mad, T_NAME)(acc, a, b, 0, n, steps);
}
static void ES_JOIN(row_truth, T_NAME)(void *row, int64_t n) {
  T *x = row;
  for (int64_t i = 0; i < n; i++) x[i] = (T)(x[i] != 0);
}

#undef T
#undef T_BITS
#undef T_NAME
#undef T_REAL
#undef T_SUMS
#undef T_LANES
#undef T_TRANSPOSE
