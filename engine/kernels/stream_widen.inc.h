/* Sums of f32 in f64. */

enum { WIDE = ES_V / sizeof(double) };
typedef float narrow_vec __attribute__((vector_size(ES_V / 2), aligned(4), may_alias));

INLINE row_vec_f64 widened(const float *at) {
  return __builtin_convertvector(*(const narrow_vec *)at, row_vec_f64);
}

INLINE void widen_columns(int nv, double *acc, const float *a, const es_steps *s) {
  row_vec_f64 r[4];
  UNROLL for (int v = 0; v < nv; v++) r[v] = vec_load_f64(acc + v * WIDE);
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const float *row = a + k1 * s->a1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, row += s->a0) {
      UNROLL for (int v = 0; v < nv; v++) r[v] += widened(row + v * WIDE);
    }
  }
  UNROLL for (int v = 0; v < nv; v++) vec_store_f64(acc + v * WIDE, r[v]);
}

static void rows_widen(void *acc_, void *low, const void *a_, int64_t n, const es_steps *s) {
  (void)low;
  double *acc = acc_;
  const float *a = a_;
  int64_t i = 0;
  for (; i + 4 * WIDE <= n; i += 4 * WIDE) widen_columns(4, acc + i, a + i, s);
  for (; i + WIDE <= n; i += WIDE) widen_columns(1, acc + i, a + i, s);
  for (; i < n; i++)
    for (int64_t k1 = 0; k1 < s->n1; k1++)
      for (int64_t k0 = 0; k0 < s->n0; k0++) acc[i] += (double)a[k1 * s->a1 + k0 * s->a0 + i];
}

static void run_widen(void *acc_, void *low, const void *a_, int64_t n) {
  (void)low;
  double *acc = acc_, lanes[WIDE];
  const float *a = a_;
  row_vec_f64 r[4] = {{0}, {0}, {0}, {0}};
  int64_t i = 0;
  for (; i + 4 * WIDE <= n; i += 4 * WIDE) {
    UNROLL for (int v = 0; v < 4; v++) r[v] += widened(a + i + v * WIDE);
  }
  if (i > 0) {
    vec_store_f64(lanes, (r[0] + r[1]) + (r[2] + r[3]));
    for (int j = 0; j < WIDE; j++) *acc += lanes[j];
  }
  for (; i < n; i++) *acc += (double)a[i];
}
