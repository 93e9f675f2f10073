/* Rows of T, at least one vector long, in vectors of LANE_BYTES. Names end in
 * LANE_NAME. Where a row is no multiple of the vector, the last vector reaches back:
 * it is computed first and stored last, so that the lanes it shares with its
 * neighbour get the same value twice. */

#define VEC JOIN(row_vec, LANE_NAME)
#define LOOSE JOIN(row_loose, LANE_NAME)
#define BITS JOIN(row_bits, LANE_NAME)

typedef T VEC __attribute__((vector_size(LANE_BYTES)));
typedef T LOOSE __attribute__((vector_size(LANE_BYTES), aligned(sizeof(T)), may_alias));
typedef T_BITS BITS __attribute__((vector_size(LANE_BYTES)));
enum { JOIN(COUNT, LANE_NAME) = LANE_BYTES / sizeof(T) };

INLINE VEC JOIN(vec_load, LANE_NAME)(const T *at) { return *(const LOOSE *)at; }
INLINE void JOIN(vec_store, LANE_NAME)(T *at, VEC v) { *(LOOSE *)at = v; }
INLINE VEC JOIN(vec_splat, LANE_NAME)(T x) { return x - (VEC){0}; }

INLINE VEC JOIN(vec_select, LANE_NAME)(BITS mask, VEC yes, VEC no) {
  return (VEC)((mask & (BITS)yes) | (~mask & (BITS)no));
}

#if T_REAL
INLINE VEC JOIN(vec_add, LANE_NAME)(VEC a, VEC b) { return a + b; }
INLINE VEC JOIN(vec_multiply, LANE_NAME)(VEC a, VEC b) { return a * b; }
INLINE VEC JOIN(vec_fused, LANE_NAME)(VEC a, VEC b, VEC c) { return a * b + c; }
/* Equal numbers differ at most in the sign of zero: of those, max takes the bits
 * that both have, min the bits that either has. */
INLINE VEC JOIN(vec_larger, LANE_NAME)(VEC a, VEC b) {
  VEC r = JOIN(vec_select, LANE_NAME)((BITS)(a > b), a, b);
  r = JOIN(vec_select, LANE_NAME)((BITS)(a == b), (VEC)((BITS)a & (BITS)b), r);
  return JOIN(vec_select, LANE_NAME)((BITS)(a != a), a, r);
}
INLINE VEC JOIN(vec_smaller, LANE_NAME)(VEC a, VEC b) {
  VEC r = JOIN(vec_select, LANE_NAME)((BITS)(a < b), a, b);
  r = JOIN(vec_select, LANE_NAME)((BITS)(a == b), (VEC)((BITS)a | (BITS)b), r);
  return JOIN(vec_select, LANE_NAME)((BITS)(a != a), a, r);
}
#else
typedef uint64_t JOIN(row_unsigned, LANE_NAME) __attribute__((vector_size(LANE_BYTES)));
INLINE VEC JOIN(vec_add, LANE_NAME)(VEC a, VEC b) {
  return (VEC)((JOIN(row_unsigned, LANE_NAME))a + (JOIN(row_unsigned, LANE_NAME))b);
}
INLINE VEC JOIN(vec_multiply, LANE_NAME)(VEC a, VEC b) {
  return (VEC)((JOIN(row_unsigned, LANE_NAME))a * (JOIN(row_unsigned, LANE_NAME))b);
}
INLINE VEC JOIN(vec_fused, LANE_NAME)(VEC a, VEC b, VEC c) {
  return JOIN(vec_add, LANE_NAME)(JOIN(vec_multiply, LANE_NAME)(a, b), c);
}
INLINE VEC JOIN(vec_larger, LANE_NAME)(VEC a, VEC b) {
  return JOIN(vec_select, LANE_NAME)((BITS)(a > b), a, b);
}
INLINE VEC JOIN(vec_smaller, LANE_NAME)(VEC a, VEC b) {
  return JOIN(vec_select, LANE_NAME)((BITS)(a < b), a, b);
}
#endif

INLINE VEC JOIN(vec_from_truth, LANE_NAME)(BITS mask) {
  return JOIN(vec_select, LANE_NAME)(mask, JOIN(vec_splat, LANE_NAME)(1), JOIN(vec_splat, LANE_NAME)(0));
}

/* op as in es_inner. */
INLINE VEC JOIN(vec_combine, LANE_NAME)(int op, VEC a, VEC b) {
  switch (op) {
  case 0: return JOIN(vec_multiply, LANE_NAME)(a, b);
  case 1: return JOIN(vec_add, LANE_NAME)(a, b);
  case 2: return JOIN(vec_larger, LANE_NAME)(a, b);
  case 3: return JOIN(vec_smaller, LANE_NAME)(a, b);
  case 4: return JOIN(vec_from_truth, LANE_NAME)((BITS)(a != 0) & (BITS)(b != 0));
  default: return JOIN(vec_from_truth, LANE_NAME)((BITS)(a != 0) | (BITS)(b != 0));
  }
}

INLINE VEC JOIN(vec_fold, LANE_NAME)(es_fold op, VEC acc, VEC *low, VEC x) {
  switch (op) {
  case ES_FOLD_PROD: return JOIN(vec_multiply, LANE_NAME)(acc, x);
  case ES_FOLD_MAX: return JOIN(vec_larger, LANE_NAME)(acc, x);
  case ES_FOLD_MIN: return JOIN(vec_smaller, LANE_NAME)(acc, x);
  case ES_FOLD_SUM2: { /* Knuth's two-sum: acc + x = sum + what goes into low */
    VEC sum = acc + x, part = sum - acc;
    *low += (acc - (sum - part)) + (x - part);
    return sum;
  }
  default: return JOIN(vec_add, LANE_NAME)(acc, x);
  }
}

INLINE VEC JOIN(vec_pick, LANE_NAME)(const T *at, int64_t step) {
  return step ? JOIN(vec_load, LANE_NAME)(at) : JOIN(vec_splat, LANE_NAME)(*at);
}

INLINE void JOIN(combine_lanes, LANE_NAME)(int op, T *out, const T *a, int64_t sa, const T *b,
                                           int64_t sb, int64_t n) {
  const int64_t count = JOIN(COUNT, LANE_NAME), tail = n - count;
  VEC last = JOIN(vec_combine, LANE_NAME)(op, JOIN(vec_pick, LANE_NAME)(a + tail * sa, sa),
                                          JOIN(vec_pick, LANE_NAME)(b + tail * sb, sb));
  for (int64_t i = 0; i < tail; i += count)
    JOIN(vec_store, LANE_NAME)
  (out + i, JOIN(vec_combine, LANE_NAME)(op, JOIN(vec_pick, LANE_NAME)(a + i * sa, sa),
                                         JOIN(vec_pick, LANE_NAME)(b + i * sb, sb)));
  JOIN(vec_store, LANE_NAME)(out + tail, last);
}

/* nv vectors of accumulators over all rows. */
INLINE void JOIN(fold_group, LANE_NAME)(es_fold op, int nv, VEC *acc, VEC *low, const T *a,
                                        const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const T *row = a + k1 * s->a1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, row += s->a0) {
      UNROLL for (int v = 0; v < nv; v++) acc[v] =
          JOIN(vec_fold, LANE_NAME)(op, acc[v], &low[v], JOIN(vec_load, LANE_NAME)(row + v * count));
    }
  }
}

INLINE void JOIN(fold_columns, LANE_NAME)(es_fold op, int nv, T *acc, T *low, const T *a,
                                          const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  VEC r[4], l[4];
  UNROLL for (int v = 0; v < nv; v++) {
    r[v] = JOIN(vec_load, LANE_NAME)(acc + v * count);
    l[v] = JOIN(vec_load, LANE_NAME)(low + v * count);
  }
  JOIN(fold_group, LANE_NAME)(op, nv, r, l, a, s);
  UNROLL for (int v = 0; v < nv; v++) {
    JOIN(vec_store, LANE_NAME)(acc + v * count, r[v]);
    if (op == ES_FOLD_SUM2) JOIN(vec_store, LANE_NAME)(low + v * count, l[v]);
  }
}

INLINE void JOIN(rows_lanes, LANE_NAME)(es_fold op, T *acc, T *low, const T *a, int64_t n,
                                        const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME), tail = n - count;
  if (op != ES_FOLD_SUM2) low = acc; /* read, never written */
  VEC last = JOIN(vec_load, LANE_NAME)(acc + tail), last_low = JOIN(vec_load, LANE_NAME)(low + tail);
  if (n % count) JOIN(fold_group, LANE_NAME)(op, 1, &last, &last_low, a + tail, s);
  int64_t i = 0;
  for (; i + 4 * count <= n; i += 4 * count)
    JOIN(fold_columns, LANE_NAME)(op, 4, acc + i, low + i, a + i, s);
  for (; i + count <= n; i += count)
    JOIN(fold_columns, LANE_NAME)(op, 1, acc + i, low + i, a + i, s);
  if (n % count == 0) return;
  JOIN(vec_store, LANE_NAME)(acc + tail, last);
  if (op == ES_FOLD_SUM2) JOIN(vec_store, LANE_NAME)(low + tail, last_low);
}

/* acc[v] += a * b over all rows; step 1: b is a row too, 0: one value a row. */
INLINE void JOIN(mad_group, LANE_NAME)(int nv, VEC *acc, const T *a, const T *b, int64_t step,
                                       const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const T *x = a + k1 * s->a1, *y = b + k1 * s->b1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, x += s->a0, y += s->b0) {
      UNROLL for (int v = 0; v < nv; v++) acc[v] =
          JOIN(vec_fused, LANE_NAME)(JOIN(vec_load, LANE_NAME)(x + v * count),
                                 JOIN(vec_pick, LANE_NAME)(y + v * count * step, step), acc[v]);
    }
  }
}

INLINE void JOIN(mad_columns, LANE_NAME)(int nv, T *acc, const T *a, const T *b, int64_t step,
                                         const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  VEC r[8];
  UNROLL for (int v = 0; v < nv; v++) r[v] = JOIN(vec_load, LANE_NAME)(acc + v * count);
  JOIN(mad_group, LANE_NAME)(nv, r, a, b, step, s);
  UNROLL for (int v = 0; v < nv; v++) JOIN(vec_store, LANE_NAME)(acc + v * count, r[v]);
}

INLINE void JOIN(mad_lanes, LANE_NAME)(T *acc, const T *a, const T *b, int64_t step, int64_t n,
                                       const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME), tail = n - count;
  VEC last = JOIN(vec_load, LANE_NAME)(acc + tail);
  int64_t i = 0;
  if (n % count) JOIN(mad_group, LANE_NAME)(1, &last, a + tail, b + tail * step, step, s);
  for (; i + 8 * count <= n; i += 8 * count)
    JOIN(mad_columns, LANE_NAME)(8, acc + i, a + i, b + i * step, step, s);
  for (; i + 4 * count <= n; i += 4 * count)
    JOIN(mad_columns, LANE_NAME)(4, acc + i, a + i, b + i * step, step, s);
  for (; i + count <= n; i += count)
    JOIN(mad_columns, LANE_NAME)(1, acc + i, a + i, b + i * step, step, s);
  if (n % count) JOIN(vec_store, LANE_NAME)(acc + tail, last);
}

#undef VEC
#undef LOOSE
#undef BITS
#undef LANE_BYTES
#undef LANE_NAME
