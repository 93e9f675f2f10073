/* Elements of one size as bits: squares of registers transposed, strided elements
 * gathered. Set before including, unset afterwards: E the unsigned type (which may alias
 * any other), E_NAME, E_LANES, and E_ROUNDS = log2 E_LANES. */

typedef E ES_JOIN(lanes, E_NAME) __attribute__((vector_size(E_LANES * sizeof(E))));

/* Row i of the result is column i of r. Each round zips row i with row i + N/2,
 * which moves one bit of the row number into the lane number. */
ES_INLINE void ES_JOIN(registers, E_NAME)(ES_JOIN(lanes, E_NAME) * r) {
  ES_JOIN(lanes, E_NAME) t[E_LANES];
  ES_UNROLL for (int round = 0; round < E_ROUNDS; round++) {
    ES_UNROLL for (int i = 0; i < E_LANES / 2; i++) {
      t[2 * i] = __builtin_shufflevector(r[i], r[i + E_LANES / 2], ES_JOIN(ZIP_LO, E_LANES));
      t[2 * i + 1] = __builtin_shufflevector(r[i], r[i + E_LANES / 2], ES_JOIN(ZIP_HI, E_LANES));
    }
    ES_UNROLL for (int i = 0; i < E_LANES; i++) r[i] = t[i];
  }
}

/* Small constant steps let the compiler take whole vectors apart. */
ES_INLINE void ES_JOIN(gather_step, E_NAME)(E *out, const E *in, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = in[i * step];
}
static void ES_JOIN(gather, E_NAME)(void *out, const void *in, int64_t step, int64_t n) {
  if (step == 2)
    ES_JOIN(gather_step, E_NAME)(out, in, 2, n);
  else if (step == 3)
    ES_JOIN(gather_step, E_NAME)(out, in, 3, n);
  else if (step == 4)
    ES_JOIN(gather_step, E_NAME)(out, in, 4, n);
  else
    ES_JOIN(gather_step, E_NAME)(out, in, step, n);
}

#undef E
#undef E_NAME
#undef E_LANES
#undef E_ROUNDS
