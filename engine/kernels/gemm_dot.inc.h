/* Register tiles that sum several products of short integers a lane (AVX512-VNNI). Both sides
 * are packed: X [steps][height] and Y [steps][columns] of groups of 32 bits, as gemm_groups.inc.h
 * makes them. Sums wrap modulo 2^32, so that they are exact wherever the result is. Set before
 * including, unset afterwards:
 *   ES_S      the suffix of the names
 *   ES_STEP(acc, y, x)  acc + the products of the groups of y and x */

#define ES_DOT_INLINE static inline __attribute__((always_inline, target("avx512vnni")))
#define ES_DOT static __attribute__((target("avx512vnni")))

ES_DOT_INLINE void ES_JOIN(tile, ES_S)(const es_gemm_tile *t, const int height, const int vectors) {
  const char *x = t->x, *y = t->y;
  const int64_t *xk = t->xk, *yk = t->yk;
  const int64_t k = t->k;
  __m512i acc[ES_GEMM_ROWS][ES_GEMM_VECTORS];
  ES_UNROLL
  for (int i = 0; i < height; i++) {
    ES_UNROLL
    for (int v = 0; v < vectors; v++) acc[i][v] = _mm512_set1_epi32(t->start[i]);
  }
  for (int64_t p = 0; p < k; p++) {
    const char *at = x + xk[p], *from = y + yk[p];
    __m512i b[ES_GEMM_VECTORS];
    ES_UNROLL
    for (int v = 0; v < vectors; v++) b[v] = _mm512_loadu_si512(from + v * ES_V);
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      int32_t group;
      memcpy(&group, at + i * (int64_t)sizeof group, sizeof group);
      __m512i a = _mm512_set1_epi32(group);
      ES_UNROLL
      for (int v = 0; v < vectors; v++) acc[i][v] = ES_STEP(acc[i][v], b[v], a);
    }
  }
  ES_UNROLL
  for (int i = 0; i < height; i++) {
    char *c = t->c + t->c_rows[i];
    ES_UNROLL
    for (int v = 0; v < vectors; v++) {
      if (t->add) acc[i][v] = _mm512_add_epi32(acc[i][v], _mm512_loadu_si512(c + v * ES_V));
      _mm512_storeu_si512(c + v * ES_V, acc[i][v]);
    }
  }
}

#define ES_X(h)                                                                                    \
  ES_DOT void ES_JOIN(unit_##h##x1, ES_S)(const es_gemm_tile *t) { ES_JOIN(tile, ES_S)(t, h, 1); } \
  ES_DOT void ES_JOIN(unit_##h##x2, ES_S)(const es_gemm_tile *t) { ES_JOIN(tile, ES_S)(t, h, 2); }
ES_HEIGHTS(ES_X)
#undef ES_X

#undef ES_DOT_INLINE
#undef ES_DOT
#undef ES_S
#undef ES_STEP
