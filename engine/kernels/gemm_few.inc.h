/* Few rows of one real type by many vectors of columns, where Y lies: what a plain tile of so few
 * rows would wait for, its own sums and a page for each k, is shared by ES_GEMM_FEW_VECTORS of
 * them. Set before including, unset afterwards: ES_T, ES_S as in gemm_tile.inc.h, whose vectors
 * these are. Needs 32 registers. */

static inline __attribute__((always_inline)) void ES_JOIN(few, ES_S)(const es_gemm_few_tile *t,
                                                                     const int height) {
  typedef ES_JOIN(lanes, ES_S) vec;
  const int64_t *xk = t->xk, *yk = t->yk, k = t->k, *next = t->next;
  int64_t col[ES_GEMM_FEW_VECTORS], p = 0;
  vec acc[ES_GEMM_FEW_ROWS][ES_GEMM_FEW_VECTORS];
  bool add = false;
  int turn = 0;
  ES_UNROLL
  for (int v = 0; v < ES_GEMM_FEW_VECTORS; v++) col[v] = t->cols[v];
  do {
    const int64_t end = k - p < t->chain ? k : p + t->chain;
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      ES_UNROLL
      for (int v = 0; v < ES_GEMM_FEW_VECTORS; v++) acc[i][v] = (vec){0};
    }
    for (; p < end; p++) {
      const ES_T *x = (const ES_T *)(t->x + xk[p]);
      const char *y = t->y + yk[p];
      vec a[ES_GEMM_FEW_ROWS];
      if (next) { /* neighbouring k are often the same lines */
        __builtin_prefetch(y + next[turn], 0, 2);
        __builtin_prefetch(y + next[turn + 1], 0, 2);
        turn = turn + 2 == ES_GEMM_FEW_VECTORS ? 0 : turn + 2;
      }
      ES_UNROLL
      for (int i = 0; i < height; i++) a[i] = x[i] - (vec){0};
      ES_UNROLL
      for (int v = 0; v < ES_GEMM_FEW_VECTORS; v++) {
        const vec b = *(const vec *)(y + col[v]);
        atomic_signal_fence(memory_order_seq_cst); /* b is read once. No instruction. */
        ES_UNROLL
        for (int i = 0; i < height; i++) acc[i][v] += a[i] * b;
      }
    }
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      vec *c = (vec *)t->c + i * ES_GEMM_FEW_VECTORS;
      ES_UNROLL
      for (int v = 0; v < ES_GEMM_FEW_VECTORS; v++) {
        if (add) acc[i][v] += c[v];
        c[v] = acc[i][v];
      }
    }
    add = true;
  } while (p < k);
}

#define ES_X(h)                                                                                    \
  static void ES_JOIN(few_##h, ES_S)(const es_gemm_few_tile *t) { ES_JOIN(few, ES_S)(t, h); }
ES_FEW_HEIGHTS(ES_X)
#undef ES_X
#undef ES_T
#undef ES_S
