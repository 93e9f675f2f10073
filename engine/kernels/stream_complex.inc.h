/* Rows of complex numbers, real and imaginary parts side by side. Set before
 * including, unset afterwards: T the type of a part, T_NAME, T_PARTS (the name of
 * the real rows), T_SUMS as for real rows. Sums are sums of parts. */

static void ES_JOIN(row_multiply, T_NAME)(void *out_, const void *a_, int64_t sa, const void *b_,
                                          int64_t sb, int64_t n) {
  T *out = out_;
  const T *a = a_, *b = b_;
  for (int64_t i = 0; i < n; i++, a += 2 * sa, b += 2 * sb) {
    T re = a[0] * b[0] - a[1] * b[1], im = a[0] * b[1] + a[1] * b[0];
    out[2 * i] = re, out[2 * i + 1] = im;
  }
}

static void ES_JOIN(row_add, T_NAME)(void *out_, const void *a_, int64_t sa, const void *b_,
                                     int64_t sb, int64_t n) {
  T *out = out_;
  const T *a = a_, *b = b_;
  if (sa && sb) {
    ES_JOIN(row_add, T_PARTS)(out, a, 1, b, 1, 2 * n);
    return;
  }
  for (int64_t i = 0; i < n; i++, a += 2 * sa, b += 2 * sb) {
    T re = a[0] + b[0], im = a[1] + b[1];
    out[2 * i] = re, out[2 * i + 1] = im;
  }
}

#if T_SUMS
ES_INLINE es_steps ES_JOIN(part_steps, T_NAME)(const es_steps *s) {
  return (es_steps){s->n1, s->n0, 2 * s->a1, 2 * s->a0, 2 * s->b1, 2 * s->b0};
}

static void ES_JOIN(rows_sum, T_NAME)(void *acc, void *low, const void *a, int64_t n,
                                      const es_steps *steps) {
  es_steps parts = ES_JOIN(part_steps, T_NAME)(steps);
  ES_JOIN(rows_sum, T_PARTS)(acc, low, a, 2 * n, &parts);
}
static void ES_JOIN(rows_sum2, T_NAME)(void *acc, void *low, const void *a, int64_t n,
                                       const es_steps *steps) {
  es_steps parts = ES_JOIN(part_steps, T_NAME)(steps);
  ES_JOIN(rows_sum2, T_PARTS)(acc, low, a, 2 * n, &parts);
}

static void ES_JOIN(rows_prod, T_NAME)(void *acc_, void *low, const void *a_, int64_t n,
                                       const es_steps *s) {
  (void)low;
  T *acc = acc_;
  const T *a = a_;
  for (int64_t k1 = 0; k1 < s->n1; k1++)
    for (int64_t k0 = 0; k0 < s->n0; k0++)
      ES_JOIN(row_multiply, T_NAME)(acc, acc, 1, a + 2 * (k1 * s->a1 + k0 * s->a0), 1, n);
}

/* A run is columns of parts, re, im, re, im, …, each folded down the run, then added:
 * eight vectors of them, which the real rows fold at once. */
ES_INLINE void ES_JOIN(run_parts, T_NAME)(bool exact, T *acc, T *low, const T *a, int64_t n) {
  enum { COLUMNS = 8 * LANES_8 };
  T sums[COLUMNS] = {0}, lows[COLUMNS] = {0};
  es_steps down = {1, n / (COLUMNS / 2), 0, COLUMNS, 0, 0}, one = {1, 1, 0, 0, 0, 0};
  if (down.n0 > 0) {
    if (exact)
      ES_JOIN(rows_sum2, T_PARTS)(sums, lows, a, COLUMNS, &down);
    else
      ES_JOIN(rows_sum, T_PARTS)(sums, lows, a, COLUMNS, &down);
  }
  int64_t done = down.n0 * (COLUMNS / 2);
  for (int64_t i = 0; i < COLUMNS / 2 + n - done; i++) {
    const T *x = i < COLUMNS / 2 ? sums + 2 * i : a + 2 * (done + i - COLUMNS / 2);
    if (exact)
      ES_JOIN(rows_sum2, T_PARTS)(acc, low, x, 2, &one);
    else
      ES_JOIN(rows_sum, T_PARTS)(acc, low, x, 2, &one);
    if (exact && i < COLUMNS / 2) low[0] += lows[2 * i], low[1] += lows[2 * i + 1];
  }
}
ES_INLINE void ES_JOIN(runs_parts, T_NAME)(bool exact, T *acc, T *low, const T *a, int64_t n,
                                           int64_t rows, int64_t step) {
  for (int64_t r = 0; r < rows; r++)
    ES_JOIN(run_parts, T_NAME)(exact, acc + 2 * r, exact ? low + 2 * r : NULL, a + 2 * r * step, n);
}
static void ES_JOIN(runs_sum, T_NAME)(void *acc, void *low, const void *a, int64_t n, int64_t rows,
                                      int64_t step) {
  ES_JOIN(runs_parts, T_NAME)(false, acc, low, a, n, rows, step);
}
static void ES_JOIN(runs_sum2, T_NAME)(void *acc, void *low, const void *a, int64_t n, int64_t rows,
                                       int64_t step) {
  ES_JOIN(runs_parts, T_NAME)(true, acc, low, a, n, rows, step);
}
static void ES_JOIN(runs_prod, T_NAME)(void *acc, void *low, const void *a, int64_t n, int64_t rows,
                                       int64_t step) {
  es_steps down = {1, n, 0, 1, 0, 0};
  for (int64_t r = 0; r < rows; r++)
    ES_JOIN(rows_prod, T_NAME)((T *)acc + 2 * r, low, (const T *)a + 2 * r * step, 1, &down);
}
#endif

ES_INLINE void ES_JOIN(mad, T_NAME)(T *acc, const T *a, const T *b, int64_t step, int64_t n,
                                    const es_steps *s) {
  for (int64_t k1 = 0; k1 < s->n1; k1++)
    for (int64_t k0 = 0; k0 < s->n0; k0++) {
      const T *x = a + 2 * (k1 * s->a1 + k0 * s->a0), *y = b + 2 * (k1 * s->b1 + k0 * s->b0);
      for (int64_t i = 0; i < n; i++) {
        T re = y[2 * i * step], im = y[2 * i * step + 1];
        acc[2 * i] += x[2 * i] * re - x[2 * i + 1] * im;
        acc[2 * i + 1] += x[2 * i] * im + x[2 * i + 1] * re;
      }
    }
}
static void ES_JOIN(mad_rows, T_NAME)(void *acc, const void *a, const void *b, int64_t n,
                                      const es_steps *steps) {
  ES_JOIN(mad, T_NAME)(acc, a, b, 1, n, steps);
}
static void ES_JOIN(mad_scalar, T_NAME)(void *acc, const void *a, const void *b, int64_t n,
                                        const es_steps *steps) {
  ES_JOIN(mad, T_NAME)(acc, a, b, 0, n, steps);
}

#undef T
#undef T_NAME
#undef T_PARTS
#undef T_SUMS
