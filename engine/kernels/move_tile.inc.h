/* Tiles transposed in registers. Set before including, unset afterwards: E, E_NAME;
 * E_Q, the rows i of a tile; E_ROUNDS = log2 E_Q; E_LANES, its columns j: E_Q, or twice as
 * many, which lie in the two halves of a register, and nothing crosses between these. */

#define L_NAME ES_JOIN(E_NAME, E_LANES)
typedef E ES_JOIN(square, L_NAME) __attribute__((vector_size(E_LANES * sizeof(E))));
typedef E ES_JOIN(at, L_NAME)
    __attribute__((vector_size(E_LANES * sizeof(E)), aligned(1), may_alias));
typedef E ES_JOIN(part, L_NAME)
    __attribute__((vector_size(E_Q * sizeof(E)), aligned(1), may_alias));

/* Each round zips row q with row q + Q/2, which moves one bit of the row number into the
 * lane number. */
ES_INLINE void ES_JOIN(tile, L_NAME)(char *out, const int64_t *row, const char *in,
                                     const int64_t *column) {
  ES_JOIN(square, L_NAME) r[E_Q], t[E_Q];
  ES_UNROLL for (int q = 0; q < E_Q; q++) {
#if E_LANES == E_Q
    r[q] = *(const ES_JOIN(part, L_NAME) *)(in + column[q]);
#else
    r[q] = __builtin_shufflevector(*(const ES_JOIN(part, L_NAME) *)(in + column[q]),
                                   *(const ES_JOIN(part, L_NAME) *)(in + column[q + E_Q]),
                                   LIST(SAME, E_LANES, 0));
#endif
  }
  ES_UNROLL for (int round = 0; round < E_ROUNDS; round++) {
    ES_UNROLL for (int q = 0; q < E_Q / 2; q++) {
      t[2 * q] = __builtin_shufflevector(r[q], r[q + E_Q / 2], LIST(ZIP_HALVES, E_LANES, 0));
      t[2 * q + 1] = __builtin_shufflevector(r[q], r[q + E_Q / 2], LIST(ZIP_HALVES, E_LANES, 1));
    }
    ES_UNROLL for (int q = 0; q < E_Q; q++) r[q] = t[q];
  }
  ES_UNROLL for (int q = 0; q < E_Q; q++) * (ES_JOIN(at, L_NAME) *)(out + row[q]) = r[q];
}

/* Needs m >= E_Q and n >= E_LANES. The last tile of a row or column is moved back to end
 * at the edge: what it shares with its neighbour is written twice with the same bits.
 * Tiles go along the input's lines, which so are read out while they are near. */
static void ES_JOIN(cover, L_NAME)(char *out, const int64_t *row, const char *in,
                                   const int64_t *column, int64_t m, int64_t n, int64_t ahead) {
  const int64_t bytes = sizeof(E);
  for (int64_t j = 0; j < n; j += E_LANES) {
    if (j + E_LANES > n) j = n - E_LANES;
    if (ahead)
      for (int64_t k = j; k < j + E_LANES; k++)
        for (int64_t at = 0; at < m * bytes; at += ES_LINE)
          __builtin_prefetch(in + column[k] + at + ahead);
    for (int64_t i = 0; i < m; i += E_Q) {
      if (i + E_Q > m) i = m - E_Q;
      ES_JOIN(tile, L_NAME)(out + j * bytes, row + i, in + i * bytes, column + j);
    }
  }
}

#undef L_NAME
#undef E_Q
#undef E_LANES
#undef E_ROUNDS
