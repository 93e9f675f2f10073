/* Square tiles transposed in registers. Set before including, unset afterwards: E the
 * unsigned type (may alias any other), E_NAME, E_LANES, and E_ROUNDS = log2 E_LANES. */

#define L_NAME JOIN(E_NAME, E_LANES)
typedef E JOIN(square, L_NAME) __attribute__((vector_size(E_LANES * sizeof(E))));
typedef E JOIN(at, L_NAME) __attribute__((vector_size(E_LANES * sizeof(E)), aligned(1), may_alias));

/* Each round zips row i with row i + N/2, which moves one bit of the row number into
 * the lane number. */
INLINE void JOIN(tile, L_NAME)(char *out, const int64_t *row, const char *in,
                               const int64_t *column) {
  JOIN(square, L_NAME) r[E_LANES], t[E_LANES];
  UNROLL for (int j = 0; j < E_LANES; j++) r[j] = *(const JOIN(at, L_NAME) *)(in + column[j]);
  UNROLL for (int round = 0; round < E_ROUNDS; round++) {
    UNROLL for (int i = 0; i < E_LANES / 2; i++) {
      t[2 * i] = __builtin_shufflevector(r[i], r[i + E_LANES / 2], LIST(ZIP, E_LANES, 0));
      t[2 * i + 1] = __builtin_shufflevector(r[i], r[i + E_LANES / 2], LIST(ZIP, E_LANES, 1));
    }
    UNROLL for (int i = 0; i < E_LANES; i++) r[i] = t[i];
  }
  UNROLL for (int i = 0; i < E_LANES; i++) * (JOIN(at, L_NAME) *)(out + row[i]) = r[i];
}

/* Needs m >= E_LANES and n >= E_LANES. The last tile of a row or column is moved back
 * to end at the edge: what it shares with its neighbour is written twice with the same
 * bits. Tiles go along the input's lines, which so are read out while they are near. */
static void JOIN(cover, L_NAME)(char *out, const int64_t *row, const char *in,
                                const int64_t *column, int64_t m, int64_t n, int64_t ahead) {
  const int64_t lanes = E_LANES, bytes = sizeof(E);
  for (int64_t j = 0; j < n; j += lanes) {
    if (j + lanes > n) j = n - lanes;
    for (int64_t i = 0; i < m; i += lanes) {
      if (i + lanes > m) i = m - lanes;
      const char *from = in + i * bytes;
      if (i * bytes % ES_LINE == 0)
        UNROLL for (int k = 0; k < E_LANES; k++) __builtin_prefetch(from + column[j + k] + ahead);
      JOIN(tile, L_NAME)(out + j * bytes, row + i, from, column + j);
    }
  }
}

#undef L_NAME
#undef E_LANES
#undef E_ROUNDS
