/* Rows of T, at least one vector long, in vectors of LANE_BYTES. Names end in
 * LANE_NAME. LANE_ORDERED: the processor orders these vectors in few instructions. Where a row is
 * no multiple of the vector, the last vector reaches back: the lanes it shares with its neighbour
 * get the same value twice. */

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
#if LANE_ORDERED
INLINE VEC JOIN(vec_larger, LANE_NAME)(VEC a, VEC b) { return JOIN(wide_larger, T_NAME)(a, b); }
INLINE VEC JOIN(vec_smaller, LANE_NAME)(VEC a, VEC b) { return JOIN(wide_smaller, T_NAME)(a, b); }
#else
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
#endif
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
  return JOIN(vec_select, LANE_NAME)(mask, JOIN(vec_splat, LANE_NAME)(1),
                                     JOIN(vec_splat, LANE_NAME)(0));
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
  for (int64_t i = 0; i < tail; i += count) JOIN(vec_store, LANE_NAME)
  (out + i, JOIN(vec_combine, LANE_NAME)(op, JOIN(vec_pick, LANE_NAME)(a + i * sa, sa),
                                         JOIN(vec_pick, LANE_NAME)(b + i * sb, sb)));
  JOIN(vec_store, LANE_NAME)(out + tail, last);
}

/* A group of nv vectors of a row: the last one stands last elements after the first,
 * at its own place or reaching back from the end of the row; it starts from init,
 * because what it shares with its neighbour may have been stored already. */
INLINE void JOIN(fold_group, LANE_NAME)(es_fold op, int nv, T *acc, T *low, const T *a,
                                        int64_t last, VEC init, VEC init_low, const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  const int64_t ahead = rows_ahead(s);
  VEC r[8], l[8];
  UNROLL for (int v = 0; v < nv - 1; v++) {
    r[v] = JOIN(vec_load, LANE_NAME)(acc + v * count);
    l[v] = JOIN(vec_load, LANE_NAME)(low + v * count);
  }
  r[nv - 1] = init, l[nv - 1] = init_low;
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const T *x = a + k1 * s->a1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, x += s->a0) {
      UNROLL for (int v = 0; v < nv; v++) {
        const T *at = x + (v < nv - 1 ? v * count : last);
        __builtin_prefetch(at + ahead);
        r[v] = JOIN(vec_fold, LANE_NAME)(op, r[v], &l[v], JOIN(vec_load, LANE_NAME)(at));
      }
    }
  }
  UNROLL for (int v = 0; v < nv; v++) {
    JOIN(vec_store, LANE_NAME)(acc + (v < nv - 1 ? v * count : last), r[v]);
    if (op == ES_FOLD_SUM2) JOIN(vec_store, LANE_NAME)(low + (v < nv - 1 ? v * count : last), l[v]);
  }
}

INLINE void JOIN(rows_lanes, LANE_NAME)(es_fold op, T *acc, T *low, const T *a, int64_t n,
                                        const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  if (op != ES_FOLD_SUM2) low = acc; /* read, never written */
  VEC init = JOIN(vec_load, LANE_NAME)(acc + n - count);
  VEC init_low = JOIN(vec_load, LANE_NAME)(low + n - count);
  for (int64_t i = 0, nv; i < n; i += nv * count) {
    int64_t left = (n - i + count - 1) / count;
    nv = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    bool end = left == nv;
    int64_t last = end ? n - count - i : (nv - 1) * count;
    VEC start = end ? init : JOIN(vec_load, LANE_NAME)(acc + i + last);
    VEC start_low = end ? init_low : JOIN(vec_load, LANE_NAME)(low + i + last);
    if (nv == 8)
      JOIN(fold_group, LANE_NAME)(op, 8, acc + i, low + i, a + i, last, start, start_low, s);
    else if (nv == 4)
      JOIN(fold_group, LANE_NAME)(op, 4, acc + i, low + i, a + i, last, start, start_low, s);
    else if (nv == 2)
      JOIN(fold_group, LANE_NAME)(op, 2, acc + i, low + i, a + i, last, start, start_low, s);
    else
      JOIN(fold_group, LANE_NAME)(op, 1, acc + i, low + i, a + i, last, start, start_low, s);
  }
}

/* The same for acc += a * b; step 1: b is a row too, 0: one value a row. */
INLINE void JOIN(mad_group, LANE_NAME)(int nv, T *acc, const T *a, const T *b, int64_t step,
                                       int64_t last, VEC init, const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  VEC r[8];
  UNROLL for (int v = 0; v < nv - 1; v++) r[v] = JOIN(vec_load, LANE_NAME)(acc + v * count);
  r[nv - 1] = init;
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const T *x = a + k1 * s->a1, *y = b + k1 * s->b1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, x += s->a0, y += s->b0) {
      UNROLL for (int v = 0; v < nv; v++) {
        int64_t at = v < nv - 1 ? v * count : last;
        r[v] = JOIN(vec_fused, LANE_NAME)(JOIN(vec_load, LANE_NAME)(x + at),
                                          JOIN(vec_pick, LANE_NAME)(y + at * step, step), r[v]);
      }
    }
  }
  UNROLL for (int v = 0; v < nv; v++)
      JOIN(vec_store, LANE_NAME)(acc + (v < nv - 1 ? v * count : last), r[v]);
}

INLINE void JOIN(mad_lanes, LANE_NAME)(T *acc, const T *a, const T *b, int64_t step, int64_t n,
                                       const es_steps *s) {
  const int64_t count = JOIN(COUNT, LANE_NAME);
  VEC init = JOIN(vec_load, LANE_NAME)(acc + n - count);
  for (int64_t i = 0, nv; i < n; i += nv * count) {
    int64_t left = (n - i + count - 1) / count;
    nv = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    bool end = left == nv;
    int64_t last = end ? n - count - i : (nv - 1) * count;
    VEC start = end ? init : JOIN(vec_load, LANE_NAME)(acc + i + last);
    if (nv == 8)
      JOIN(mad_group, LANE_NAME)(8, acc + i, a + i, b + i * step, step, last, start, s);
    else if (nv == 4)
      JOIN(mad_group, LANE_NAME)(4, acc + i, a + i, b + i * step, step, last, start, s);
    else if (nv == 2)
      JOIN(mad_group, LANE_NAME)(2, acc + i, a + i, b + i * step, step, last, start, s);
    else
      JOIN(mad_group, LANE_NAME)(1, acc + i, a + i, b + i * step, step, last, start, s);
  }
}

#undef VEC
#undef LOOSE
#undef BITS
#undef LANE_BYTES
#undef LANE_NAME
#undef LANE_ORDERED
