/* Moves of elements of one size. Set before including, unset afterwards: E the
 * unsigned type (which may alias any other), E_NAME, E_LANES, and E_ROUNDS = log2 E_LANES. */

typedef E JOIN(lanes, E_NAME) __attribute__((vector_size(E_LANES * sizeof(E))));
typedef E JOIN(loose, E_NAME)
    __attribute__((vector_size(E_LANES * sizeof(E)), aligned(sizeof(E)), may_alias));

/* Row i of the result is column i of r. Each round zips row i with row i + N/2,
 * which moves one bit of the row number into the lane number. */
INLINE void JOIN(registers, E_NAME)(JOIN(lanes, E_NAME) * r) {
  JOIN(lanes, E_NAME) t[E_LANES];
  UNROLL for (int round = 0; round < E_ROUNDS; round++) {
    UNROLL for (int i = 0; i < E_LANES / 2; i++) {
      t[2 * i] = __builtin_shufflevector(r[i], r[i + E_LANES / 2], JOIN(ZIP_LO, E_LANES));
      t[2 * i + 1] = __builtin_shufflevector(r[i], r[i + E_LANES / 2], JOIN(ZIP_HI, E_LANES));
    }
    UNROLL for (int i = 0; i < E_LANES; i++) r[i] = t[i];
  }
}

INLINE void JOIN(tile, E_NAME)(E *out, int64_t out_step, const E *in, int64_t in_step) {
  JOIN(lanes, E_NAME) r[E_LANES];
  UNROLL for (int j = 0; j < E_LANES; j++) r[j] = *(const JOIN(loose, E_NAME) *)(in + j * in_step);
  JOIN(registers, E_NAME)(r);
  UNROLL for (int i = 0; i < E_LANES; i++) * (JOIN(loose, E_NAME) *)(out + i * out_step) = r[i];
}

/* The last tile of a row or column is moved back to end at the edge: what it shares
 * with its neighbour is written twice with the same bits. */
static void JOIN(transpose, E_NAME)(void *out_, int64_t out_step, const void *in_, int64_t in_step,
                                    int64_t r, int64_t c) {
  E *out = out_;
  const E *in = in_;
  const int64_t n = E_LANES;
  if (r < n || c < n) {
    for (int64_t i = 0; i < r; i++)
      for (int64_t j = 0; j < c; j++) out[i * out_step + j] = in[j * in_step + i];
    return;
  }
  for (int64_t i = 0; i < r; i += n) {
    if (i + n > r) i = r - n;
    for (int64_t j = 0; j < c; j += n) {
      if (j + n > c) j = c - n;
      JOIN(tile, E_NAME)(out + i * out_step + j, out_step, in + j * in_step + i, in_step);
    }
  }
}

/* Small constant steps let the compiler take whole vectors apart. */
INLINE void JOIN(gather_step, E_NAME)(E *out, const E *in, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = in[i * step];
}
static void JOIN(gather, E_NAME)(void *out, const void *in, int64_t step, int64_t n) {
  if (step == 2)
    JOIN(gather_step, E_NAME)(out, in, 2, n);
  else if (step == 3)
    JOIN(gather_step, E_NAME)(out, in, 3, n);
  else if (step == 4)
    JOIN(gather_step, E_NAME)(out, in, 4, n);
  else
    JOIN(gather_step, E_NAME)(out, in, step, n);
}

#undef E
#undef E_NAME
#undef E_LANES
#undef E_ROUNDS
