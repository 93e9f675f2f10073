/* Sums of f32 in f64. */

enum { WIDE = ES_V / sizeof(double) };
typedef float narrow_vec __attribute__((vector_size(ES_V / 2), aligned(4), may_alias));

/* GCC 12 takes __builtin_convertvector apart into halves and glues them together. */
ES_INLINE row_vec_f64 widened(const float *at) {
#if AVX512
  return (row_vec_f64)_mm512_cvtps_pd(_mm256_loadu_ps(at));
#elif AVX2
  return (row_vec_f64)_mm256_cvtps_pd(_mm_loadu_ps(at));
#else
  return __builtin_convertvector(*(const narrow_vec *)at, row_vec_f64);
#endif
}

ES_INLINE void widen_columns(int nv, double *acc, const float *a, const es_steps *s) {
  row_vec_f64 r[8];
  const int64_t ahead = rows_ahead(s);
  ES_UNROLL for (int v = 0; v < nv; v++) r[v] = vec_load_f64(acc + v * WIDE);
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const float *row = a + k1 * s->a1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, row += s->a0) {
      ES_UNROLL for (int v = 0; v < nv; v++) {
        if (v % 2 == 0) __builtin_prefetch(row + v * WIDE + ahead);
        r[v] += widened(row + v * WIDE);
      }
    }
  }
  ES_UNROLL for (int v = 0; v < nv; v++) vec_store_f64(acc + v * WIDE, r[v]);
}

static void rows_widen(void *acc_, void *low, const void *a_, int64_t n, const es_steps *s) {
  (void)low;
  double *acc = acc_;
  const float *a = a_;
  int64_t i = 0;
  for (; i + 8 * WIDE <= n; i += 8 * WIDE) widen_columns(8, acc + i, a + i, s);
  for (; i + 2 * WIDE <= n; i += 2 * WIDE) widen_columns(2, acc + i, a + i, s);
  for (; i + WIDE <= n; i += WIDE) widen_columns(1, acc + i, a + i, s);
  for (; i < n; i++)
    for (int64_t k1 = 0; k1 < s->n1; k1++)
      for (int64_t k0 = 0; k0 < s->n0; k0++) acc[i] += (double)a[k1 * s->a1 + k0 * s->a0 + i];
}

#define T double
#define T_NAME f64
#define T_LANES LANES_8
#define T_TRANSPOSE registers_b8
#define RUN_NAME widen
#define RUN_T float
#define RUN_LOAD widened
#define RUN_WIDE wide_f64
#include "engine/kernels/stream_runs.inc.h"
static void runs_sum_widen(void *acc, void *low, const void *a, int64_t n, int64_t rows,
                           int64_t step) {
  (void)low;
  runs_widen(ES_FOLD_SUM, 0, acc, NULL, a, n, rows, step);
}
#undef T
#undef T_NAME
#undef T_LANES
#undef T_TRANSPOSE
