/* Register tiles of one real type. Set before including, unset afterwards:
 *   ES_T  the type; ES_S  the suffix of the names
 *   ES_TARGET  attribute of the functions, for instructions beyond those of the width; or none
 *   ES_MULTIPLY_ADD(acc, a, b)  where a and b are bits of several terms: acc + their products, for
 *     an X that is packed; else not set
 *   ES_START(i)  what chains of row i begin with, of a kind that has one chain; else not set */

#ifdef ES_MULTIPLY_ADD
#define ES_PACKED_ONLY
#else
#define ES_MULTIPLY_ADD(acc, a, b) ((acc) + (a) * (b))
#define ES_TARGET
#endif
#ifndef ES_START
#define ES_START(i) 0
#endif

typedef ES_T ES_JOIN(lanes, ES_S)
    __attribute__((vector_size(ES_V), aligned(sizeof(ES_T)), may_alias));

#ifndef ES_GEMM_ROW_REGISTERS
/* How many row offsets are held in registers; the rest are read again at each k.
 * Measured: with more, gcc 12 keeps offsets in vector registers and clang 14 spills
 * accumulators; a read is free beside the multiply-adds. */
#if defined(__clang__)
#define ES_GEMM_ROW_REGISTERS 6
#else
#define ES_GEMM_ROW_REGISTERS 7
#endif
#endif

/* height x (vectors * lanes). After inlining all loops but the one over k are
 * unrolled and acc lives in registers. */
static inline __attribute__((always_inline)) ES_TARGET void
ES_JOIN(tile, ES_S)(const es_gemm_tile *t, const int height, const int vectors,
                    const es_gemm_form form) {
  typedef ES_JOIN(lanes, ES_S) vec;
  const bool unit = form == ES_GEMM_UNIT_ROWS, even = form == ES_GEMM_EVEN;
  const char *x = t->x, *y = t->y;
  char *c = t->c;
  const int64_t *xk = t->xk, *yk = t->yk, *rows = t->rows;
  const int64_t k = t->k, x_row = t->x_row, x_step = t->x_step, y_step = t->y_step;
  const char *const *fetch = t->fetch ? t->fetch : &t->x;
  const int pace = t->fetch ? t->pace : 63;
  const int64_t *const c_rows = t->c_rows;
  const int64_t chain = t->chain;
  vec acc[ES_GEMM_ROWS][ES_GEMM_VECTORS];
  /* What chains of this call add up to waits here, not in C, which may be far away. */
  _Alignas(ES_V) vec sums[ES_GEMM_ROWS][ES_GEMM_VECTORS];
  static const int64_t near[ES_GEMM_ROWS] = ES_GEMM_NEAR(sizeof sums[0]);
  int64_t row[ES_GEMM_ROWS], panels = t->panels;
  ES_UNROLL
  for (int i = 0; i < height; i++)
    row[i] = unit ? i * (int64_t)sizeof(ES_T) : even ? 0 : i < ES_GEMM_ROW_REGISTERS ? rows[i] : 0;
  do {
    int64_t p = 0, end = chain - t->before;
    bool add = t->add;
    const char *from = c; /* the sums of chains before */
    const int64_t *from_rows = c_rows;
    /* The ends of vectors: where one begins in the line before, that is the end of another. */
    for (int i = 0; i < height && t->fetch_c; i++) {
      ES_UNROLL
      for (int v = 0; v < vectors; v++)
        __builtin_prefetch(c + c_rows[i] + (v + 1) * ES_V - 1, 0, 2);
    }
    do {
      if (end > k) end = k;
      ES_UNROLL
      for (int i = 0; i < height; i++) {
        ES_UNROLL
        for (int v = 0; v < vectors; v++) acc[i][v] = (vec){0} + ES_START(i);
      }
      if (p == 0 && t->before) {
        ES_UNROLL
        for (int i = 0; i < height; i++) {
          ES_UNROLL
          for (int v = 0; v < vectors; v++) acc[i][v] = ((const vec *)t->open)[i * vectors + v];
        }
      }
      do {
        int64_t stop = end;
        if (form == ES_GEMM_ANY_ROWS && t->fetch) {
          stop = end - p < STRETCH ? end : p + STRETCH;
          for (int64_t q = p >> pace; q < (stop + (1 << pace) - 1) >> pace; q++)
            __builtin_prefetch(fetch[q], 0, 2);
        }
        /* Of no steps there is no table. */
        const char *at = p < stop ? x + xk[p] : x, *by = p < stop ? y + yk[p] : y, *middle;
        for (; p < stop; p++, at += x_step, by += y_step) {
          vec b[ES_GEMM_VECTORS];
          if (!even) at = x + xk[p], by = y + yk[p];
          if (!unit) __asm__("" : "+r"(at)); /* else every row takes a register of its own */
          middle = even && height > MIDDLE ? at + MIDDLE * x_row : at;
          if (even) __asm__("" : "+r"(middle));
          if (form != ES_GEMM_ANY_ROWS) __builtin_prefetch(fetch[p >> pace], 0, 2);
          ES_UNROLL
          for (int v = 0; v < vectors; v++) b[v] = ((const vec *)by)[v];
          ES_UNROLL
          for (int i = 0; i < height; i++) {
            ES_T a;
            if (even)
              memcpy(&a, i < MIDDLE ? at + i * x_row : middle + (i - MIDDLE) * x_row, sizeof a);
            else
              memcpy(&a, at + (unit || i < ES_GEMM_ROW_REGISTERS ? row[i] : rows[i]), sizeof a);
            ES_UNROLL
            for (int v = 0; v < vectors; v++) acc[i][v] = ES_MULTIPLY_ADD(acc[i][v], a, b[v]);
            /* Keeps the compiler from gathering all broadcasts first, for which there
             * are no registers. No instruction. */
            if (!unit) atomic_signal_fence(memory_order_seq_cst);
          }
        }
      } while (form == ES_GEMM_ANY_ROWS && p < end);
      if (t->leave && p == k) {
        ES_UNROLL
        for (int i = 0; i < height; i++) {
          ES_UNROLL
          for (int v = 0; v < vectors; v++) ((vec *)t->open)[i * vectors + v] = acc[i][v];
        }
        return;
      }
      const bool last = p + (t->leave ? chain : 1) > k;
      char *to = last ? c : (char *)sums;
      const int64_t *to_rows = last ? c_rows : near;
      ES_UNROLL
      for (int i = 0; i < height; i++) {
        const vec *sum = (const vec *)(from + from_rows[i]);
        vec *at = (vec *)(to + to_rows[i]);
        ES_UNROLL
        for (int v = 0; v < vectors; v++) {
          if (add) acc[i][v] += sum[v];
          at[v] = acc[i][v];
        }
      }
      add = true;
      from = to, from_rows = to_rows;
      end = p + chain;
    } while (p < k);
    fetch += k >> pace;
    y += t->y_next;
    c += t->c_next;
  } while (--panels > 0);
}

#define ES_TILE(name, h, vectors, form)                                                            \
  static ES_TARGET void ES_JOIN(name, ES_S)(const es_gemm_tile *t) {                               \
    ES_JOIN(tile, ES_S)(t, h, vectors, form);                                                      \
  }
#ifndef ES_PACKED_ONLY
#define ES_X(h)                                                                                    \
  ES_TILE(any_##h##x1, h, 1, ES_GEMM_ANY_ROWS)                                                     \
  ES_TILE(any_##h##x2, h, 2, ES_GEMM_ANY_ROWS)
ES_HEIGHTS(ES_X)
#undef ES_X
#endif
#define ES_X(h)                                                                                    \
  ES_TILE(unit_##h##x1, h, 1, ES_GEMM_UNIT_ROWS)                                                   \
  ES_TILE(unit_##h##x2, h, 2, ES_GEMM_UNIT_ROWS)                                                   \
  ES_TILE(even_##h##x1, h, 1, ES_GEMM_EVEN)                                                        \
  ES_TILE(even_##h##x2, h, 2, ES_GEMM_EVEN)
ES_HEIGHTS(ES_X)
#undef ES_X
#undef ES_TILE
#undef ES_T
#undef ES_S
#undef ES_TARGET
#undef ES_MULTIPLY_ADD
#undef ES_PACKED_ONLY
#undef ES_START
