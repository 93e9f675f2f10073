/* Register tiles of one real type whose columns are neighbours in Y and in C but do not
 * fill their last vector: that one is loaded and stored under a mask, so that nothing is
 * packed or scattered around a tile of a few columns. Set before including, unset
 * afterwards: ES_T, ES_S as in gemm_tile.inc.h, whose vectors these are; ES_BITS, the bits
 * of ES_T; ES_LANES, how many a vector holds; ES_MASK, a bit for each. Needs AVX-512. */

static inline __attribute__((always_inline)) void
ES_JOIN(narrow, ES_S)(const es_gemm_tile *t, const int height, const int vectors, const bool even,
                      int columns) {
  typedef ES_JOIN(lanes, ES_S) vec;
  const int64_t last = (vectors - 1) * ES_V;
  const unsigned held = (unsigned)(columns - (vectors - 1) * ES_LANES);
  const ES_MASK mask = (ES_MASK)((1u << held) - 1);
  const char *x = t->x, *y = t->y;
  const int64_t *xk = t->xk, *yk = t->yk, *rows = t->rows;
  const int64_t k = t->k, x_row = t->x_row, x_step = t->x_step, y_step = t->y_step;
  char *const c_first = t->c;
  const int64_t *const c_rows = t->c_rows;
  vec acc[ES_GEMM_ROWS][ES_GEMM_VECTORS];
  _Alignas(ES_V) vec sums[ES_GEMM_ROWS][ES_GEMM_VECTORS]; /* as in gemm_tile.inc.h */
  int64_t row[ES_GEMM_ROWS], p = 0;
  bool add = false;
  ES_UNROLL
  for (int i = 0; i < height; i++) row[i] = !even && i < ES_GEMM_ROW_REGISTERS ? rows[i] : 0;
  do {
    const int64_t end = k - p < t->chain ? k : p + t->chain;
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      ES_UNROLL
      for (int v = 0; v < vectors; v++) acc[i][v] = (vec){0};
    }
    /* Of no steps there is no table. */
    const char *at = p < end ? x + xk[p] : x, *from = p < end ? y + yk[p] : y, *middle;
    for (; p < end; p++, at += x_step, from += y_step) {
      if (!even) at = x + xk[p], from = y + yk[p];
      __asm__("" : "+r"(at)); /* as in gemm_tile.inc.h */
      middle = even && height > MIDDLE ? at + MIDDLE * x_row : at;
      __asm__("" : "+r"(middle));
      vec b[ES_GEMM_VECTORS];
      ES_UNROLL
      for (int v = 0; v < vectors - 1; v++) b[v] = ((const vec *)from)[v];
      b[vectors - 1] = (vec)ES_JOIN(_mm512_maskz_loadu, ES_BITS)(mask, from + last);
      ES_UNROLL
      for (int i = 0; i < height; i++) {
        ES_T a;
        if (even)
          memcpy(&a, i < MIDDLE ? at + i * x_row : middle + (i - MIDDLE) * x_row, sizeof a);
        else
          memcpy(&a, at + (i < ES_GEMM_ROW_REGISTERS ? row[i] : rows[i]), sizeof a);
        ES_UNROLL
        for (int v = 0; v < vectors; v++) acc[i][v] += a * b[v];
        atomic_signal_fence(memory_order_seq_cst); /* as in gemm_tile.inc.h */
      }
    }
    ES_UNROLL
    for (int i = 0; i < height && add; i++) {
      ES_UNROLL
      for (int v = 0; v < vectors; v++) acc[i][v] += sums[i][v];
    }
    add = true;
    if (p < k) {
      ES_UNROLL
      for (int i = 0; i < height; i++) {
        ES_UNROLL
        for (int v = 0; v < vectors; v++) sums[i][v] = acc[i][v];
      }
      continue;
    }
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      char *c = c_first + c_rows[i];
      ES_UNROLL
      for (int v = 0; v < vectors - 1; v++) ((vec *)c)[v] = acc[i][v];
      ES_JOIN(_mm512_mask_storeu, ES_BITS)(c + last, mask, (__m512i)acc[i][vectors - 1]);
    }
  } while (p < k);
}

#define ES_X(h)                                                                                    \
  static void ES_JOIN(narrow_##h, ES_S)(const es_gemm_tile *t, int columns) {                      \
    if (columns <= ES_LANES) {                                                                     \
      if (t->x_row)                                                                                \
        ES_JOIN(narrow, ES_S)(t, h, 1, true, columns);                                             \
      else                                                                                         \
        ES_JOIN(narrow, ES_S)(t, h, 1, false, columns);                                            \
    } else if (t->x_row)                                                                           \
      ES_JOIN(narrow, ES_S)(t, h, 2, true, columns);                                               \
    else                                                                                           \
      ES_JOIN(narrow, ES_S)(t, h, 2, false, columns);                                              \
  }
ES_HEIGHTS(ES_X)
#undef ES_X
#undef ES_T
#undef ES_S
#undef ES_BITS
#undef ES_LANES
#undef ES_MASK
