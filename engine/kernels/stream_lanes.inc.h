/* Rows of T, at least one vector long, in vectors of LANE_BYTES. Names end in
 * LANE_NAME. LANE_ORDERED: the processor orders these vectors in few instructions. Where a row is
 * no multiple of the vector, the last vector reaches back: the lanes it shares with its neighbour
 * get the same value twice. */

#define VEC ES_JOIN(row_vec, LANE_NAME)
#define LOOSE ES_JOIN(row_loose, LANE_NAME)
#define BITS ES_JOIN(row_bits, LANE_NAME)

typedef T VEC __attribute__((vector_size(LANE_BYTES)));
typedef T LOOSE __attribute__((vector_size(LANE_BYTES), aligned(sizeof(T)), may_alias));
typedef T_BITS BITS __attribute__((vector_size(LANE_BYTES)));
enum { ES_JOIN(COUNT, LANE_NAME) = LANE_BYTES / sizeof(T) };

ES_INLINE VEC ES_JOIN(vec_load, LANE_NAME)(const T *at) { return *(const LOOSE *)at; }
ES_INLINE void ES_JOIN(vec_store, LANE_NAME)(T *at, VEC v) { *(LOOSE *)at = v; }
ES_INLINE VEC ES_JOIN(vec_splat, LANE_NAME)(T x) { return x - (VEC){0}; }

ES_INLINE VEC ES_JOIN(vec_select, LANE_NAME)(BITS mask, VEC yes, VEC no) {
  return (VEC)((mask & (BITS)yes) | (~mask & (BITS)no));
}

#if T_REAL
ES_INLINE VEC ES_JOIN(vec_add, LANE_NAME)(VEC a, VEC b) { return a + b; }
ES_INLINE VEC ES_JOIN(vec_multiply, LANE_NAME)(VEC a, VEC b) { return a * b; }
ES_INLINE VEC ES_JOIN(vec_fused, LANE_NAME)(VEC a, VEC b, VEC c) { return a * b + c; }
/* Equal numbers differ at most in the sign of zero: of those, max takes the bits
 * that both have, min the bits that either has. */
#if LANE_ORDERED
ES_INLINE VEC ES_JOIN(vec_larger, LANE_NAME)(VEC a, VEC b) {
  return ES_JOIN(wide_larger, T_NAME)(a, b);
}
ES_INLINE VEC ES_JOIN(vec_smaller, LANE_NAME)(VEC a, VEC b) {
  return ES_JOIN(wide_smaller, T_NAME)(a, b);
}
#else
ES_INLINE VEC ES_JOIN(vec_larger, LANE_NAME)(VEC a, VEC b) {
  VEC r = ES_JOIN(vec_select, LANE_NAME)((BITS)(a > b), a, b);
  r = ES_JOIN(vec_select, LANE_NAME)((BITS)(a == b), (VEC)((BITS)a & (BITS)b), r);
  return ES_JOIN(vec_select, LANE_NAME)((BITS)(a != a), a, r);
}
ES_INLINE VEC ES_JOIN(vec_smaller, LANE_NAME)(VEC a, VEC b) {
  VEC r = ES_JOIN(vec_select, LANE_NAME)((BITS)(a < b), a, b);
  r = ES_JOIN(vec_select, LANE_NAME)((BITS)(a == b), (VEC)((BITS)a | (BITS)b), r);
  return ES_JOIN(vec_select, LANE_NAME)((BITS)(a != a), a, r);
}
#endif
#else
typedef uint64_t ES_JOIN(row_unsigned, LANE_NAME) __attribute__((vector_size(LANE_BYTES)));
ES_INLINE VEC ES_JOIN(vec_add, LANE_NAME)(VEC a, VEC b) {
  return (VEC)((ES_JOIN(row_unsigned, LANE_NAME))a + (ES_JOIN(row_unsigned, LANE_NAME))b);
}
ES_INLINE VEC ES_JOIN(vec_multiply, LANE_NAME)(VEC a, VEC b) {
  return (VEC)((ES_JOIN(row_unsigned, LANE_NAME))a * (ES_JOIN(row_unsigned, LANE_NAME))b);
}
ES_INLINE VEC ES_JOIN(vec_fused, LANE_NAME)(VEC a, VEC b, VEC c) {
  return ES_JOIN(vec_add, LANE_NAME)(ES_JOIN(vec_multiply, LANE_NAME)(a, b), c);
}
ES_INLINE VEC ES_JOIN(vec_larger, LANE_NAME)(VEC a, VEC b) {
  return ES_JOIN(vec_select, LANE_NAME)((BITS)(a > b), a, b);
}
ES_INLINE VEC ES_JOIN(vec_smaller, LANE_NAME)(VEC a, VEC b) {
  return ES_JOIN(vec_select, LANE_NAME)((BITS)(a < b), a, b);
}
#endif

ES_INLINE VEC ES_JOIN(vec_from_truth, LANE_NAME)(BITS mask) {
  return ES_JOIN(vec_select, LANE_NAME)(mask, ES_JOIN(vec_splat, LANE_NAME)(1),
                                        ES_JOIN(vec_splat, LANE_NAME)(0));
}

/* op as in es_inner. */
ES_INLINE VEC ES_JOIN(vec_combine, LANE_NAME)(int op, VEC a, VEC b) {
  switch (op) {
  case 0: return ES_JOIN(vec_multiply, LANE_NAME)(a, b);
  case 1: return ES_JOIN(vec_add, LANE_NAME)(a, b);
  case 2: return ES_JOIN(vec_larger, LANE_NAME)(a, b);
  case 3: return ES_JOIN(vec_smaller, LANE_NAME)(a, b);
  case 4: return ES_JOIN(vec_from_truth, LANE_NAME)((BITS)(a != 0) & (BITS)(b != 0));
  default: return ES_JOIN(vec_from_truth, LANE_NAME)((BITS)(a != 0) | (BITS)(b != 0));
  }
}

ES_INLINE VEC ES_JOIN(vec_fold, LANE_NAME)(es_fold op, VEC acc, VEC *low, VEC x) {
  switch (op) {
  case ES_FOLD_PROD: return ES_JOIN(vec_multiply, LANE_NAME)(acc, x);
  case ES_FOLD_MAX: return ES_JOIN(vec_larger, LANE_NAME)(acc, x);
  case ES_FOLD_MIN: return ES_JOIN(vec_smaller, LANE_NAME)(acc, x);
  case ES_FOLD_SUM2: { /* Knuth's two-sum: acc + x = sum + what goes into low */
    VEC sum = acc + x, part = sum - acc;
    *low += (acc - (sum - part)) + (x - part);
    return sum;
  }
  default: return ES_JOIN(vec_add, LANE_NAME)(acc, x);
  }
}

ES_INLINE VEC ES_JOIN(vec_pick, LANE_NAME)(const T *at, int64_t step) {
  return step ? ES_JOIN(vec_load, LANE_NAME)(at) : ES_JOIN(vec_splat, LANE_NAME)(*at);
}

ES_INLINE void ES_JOIN(combine_lanes, LANE_NAME)(int op, T *out, const T *a, int64_t sa, const T *b,
                                                 int64_t sb, int64_t n) {
  const int64_t count = ES_JOIN(COUNT, LANE_NAME), tail = n - count;
  VEC last = ES_JOIN(vec_combine, LANE_NAME)(op, ES_JOIN(vec_pick, LANE_NAME)(a + tail * sa, sa),
                                             ES_JOIN(vec_pick, LANE_NAME)(b + tail * sb, sb));
  for (int64_t i = 0; i < tail; i += count) ES_JOIN(vec_store, LANE_NAME)
  (out + i, ES_JOIN(vec_combine, LANE_NAME)(op, ES_JOIN(vec_pick, LANE_NAME)(a + i * sa, sa),
                                            ES_JOIN(vec_pick, LANE_NAME)(b + i * sb, sb)));
  ES_JOIN(vec_store, LANE_NAME)(out + tail, last);
}

/* A group of nv vectors of a row: the last one stands last elements after the first,
 * at its own place or reaching back from the end of the row; it starts from init,
 * because what it shares with its neighbour may have been stored already. */
ES_INLINE void ES_JOIN(fold_group, LANE_NAME)(es_fold op, int nv, T *acc, T *low, const T *a,
                                              int64_t last, VEC init, VEC init_low,
                                              const es_steps *s) {
  const int64_t count = ES_JOIN(COUNT, LANE_NAME);
  const int64_t ahead = rows_ahead(s);
  VEC r[8], l[8];
  ES_UNROLL for (int v = 0; v < nv - 1; v++) {
    r[v] = ES_JOIN(vec_load, LANE_NAME)(acc + v * count);
    l[v] = ES_JOIN(vec_load, LANE_NAME)(low + v * count);
  }
  r[nv - 1] = init, l[nv - 1] = init_low;
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const T *x = a + k1 * s->a1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, x += s->a0) {
      ES_UNROLL for (int v = 0; v < nv; v++) {
        const T *at = x + (v < nv - 1 ? v * count : last);
        __builtin_prefetch(at + ahead);
        r[v] = ES_JOIN(vec_fold, LANE_NAME)(op, r[v], &l[v], ES_JOIN(vec_load, LANE_NAME)(at));
      }
    }
  }
  ES_UNROLL for (int v = 0; v < nv; v++) {
    ES_JOIN(vec_store, LANE_NAME)(acc + (v < nv - 1 ? v * count : last), r[v]);
    if (op == ES_FOLD_SUM2)
      ES_JOIN(vec_store, LANE_NAME)(low + (v < nv - 1 ? v * count : last), l[v]);
  }
}

ES_INLINE void ES_JOIN(rows_lanes, LANE_NAME)(es_fold op, T *acc, T *low, const T *a, int64_t n,
                                              const es_steps *s) {
  const int64_t count = ES_JOIN(COUNT, LANE_NAME);
  if (op != ES_FOLD_SUM2) low = acc; /* read, never written */
  VEC init = ES_JOIN(vec_load, LANE_NAME)(acc + n - count);
  VEC init_low = ES_JOIN(vec_load, LANE_NAME)(low + n - count);
  for (int64_t i = 0, nv; i < n; i += nv * count) {
    int64_t left = (n - i + count - 1) / count;
    nv = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    bool end = left == nv;
    int64_t last = end ? n - count - i : (nv - 1) * count;
    VEC start = end ? init : ES_JOIN(vec_load, LANE_NAME)(acc + i + last);
    VEC start_low = end ? init_low : ES_JOIN(vec_load, LANE_NAME)(low + i + last);
    if (nv == 8)
      ES_JOIN(fold_group, LANE_NAME)(op, 8, acc + i, low + i, a + i, last, start, start_low, s);
    else if (nv == 4)
      ES_JOIN(fold_group, LANE_NAME)(op, 4, acc + i, low + i, a + i, last, start, start_low, s);
    else if (nv == 2)
      ES_JOIN(fold_group, LANE_NAME)(op, 2, acc + i, low + i, a + i, last, start, start_low, s);
    else
      ES_JOIN(fold_group, LANE_NAME)(op, 1, acc + i, low + i, a + i, last, start, start_low, s);
  }
}

/* The same for acc += a * b; step 1: b is a row too, 0: one value a row. */
ES_INLINE void ES_JOIN(mad_group, LANE_NAME)(int nv, T *acc, const T *a, const T *b, int64_t step,
                                             int64_t last, VEC init, const es_steps *s) {
  const int64_t count = ES_JOIN(COUNT, LANE_NAME);
  VEC r[8];
  ES_UNROLL for (int v = 0; v < nv - 1; v++) r[v] = ES_JOIN(vec_load, LANE_NAME)(acc + v * count);
  r[nv - 1] = init;
  for (int64_t k1 = 0; k1 < s->n1; k1++) {
    const T *x = a + k1 * s->a1, *y = b + k1 * s->b1;
    for (int64_t k0 = 0; k0 < s->n0; k0++, x += s->a0, y += s->b0) {
      ES_UNROLL for (int v = 0; v < nv; v++) {
        int64_t at = v < nv - 1 ? v * count : last;
        r[v] = ES_JOIN(vec_fused, LANE_NAME)(ES_JOIN(vec_load, LANE_NAME)(x + at),
                                             ES_JOIN(vec_pick, LANE_NAME)(y + at * step, step),
                                             r[v]);
      }
    }
  }
  ES_UNROLL for (int v = 0; v < nv; v++)
      ES_JOIN(vec_store, LANE_NAME)(acc + (v < nv - 1 ? v * count : last), r[v]);
}

ES_INLINE void ES_JOIN(mad_lanes, LANE_NAME)(T *acc, const T *a, const T *b, int64_t step,
                                             int64_t n, const es_steps *s) {
  const int64_t count = ES_JOIN(COUNT, LANE_NAME);
  VEC init = ES_JOIN(vec_load, LANE_NAME)(acc + n - count);
  for (int64_t i = 0, nv; i < n; i += nv * count) {
    int64_t left = (n - i + count - 1) / count;
    nv = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    bool end = left == nv;
    int64_t last = end ? n - count - i : (nv - 1) * count;
    VEC start = end ? init : ES_JOIN(vec_load, LANE_NAME)(acc + i + last);
    if (nv == 8)
      ES_JOIN(mad_group, LANE_NAME)(8, acc + i, a + i, b + i * step, step, last, start, s);
    else if (nv == 4)
      ES_JOIN(mad_group, LANE_NAME)(4, acc + i, a + i, b + i * step, step, last, start, s);
    else if (nv == 2)
      ES_JOIN(mad_group, LANE_NAME)(2, acc + i, a + i, b + i * step, step, last, start, s);
    else
      ES_JOIN(mad_group, LANE_NAME)(1, acc + i, a + i, b + i * step, step, last, start, s);
  }
}

#undef VEC
#undef LOOSE
#undef BITS
#undef LANE_BYTES
#undef LANE_NAME
#undef LANE_ORDERED
