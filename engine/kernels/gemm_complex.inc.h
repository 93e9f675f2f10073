/* Register tiles of one complex type: X as pairs, Y and C as planes of real and
 * imaginary parts. Set before including, unset afterwards:
 *   ES_T  the type of a part; ES_S  the suffix of the names
 * An imaginary part is the sum of re(first) im(second) and then im(first) re(second), of the
 * operands in the order of the text: exchanged, X is the second. */

typedef ES_T ES_JOIN(lanes, ES_S)
    __attribute__((vector_size(ES_V), aligned(sizeof(ES_T)), may_alias));

static inline __attribute__((always_inline)) void
ES_JOIN(tile, ES_S)(const es_gemm_tile *t, const int height, const int vectors, const int form) {
  typedef ES_JOIN(lanes, ES_S) vec;
  const bool unit = form & ES_GEMM_UNIT_ROWS, exchanged = form & ES_GEMM_EXCHANGED;
  const char *x = t->x, *y = t->y;
  const int64_t *xk = t->xk, *yk = t->yk, *rows = t->rows;
  const int64_t k = t->k;
  const char *const *fetch = t->fetch ? t->fetch : &t->x;
  const int pace = t->fetch ? t->pace : 63;
  vec re[ES_GEMM_ROWS / 2][ES_GEMM_VECTORS], im[ES_GEMM_ROWS / 2][ES_GEMM_VECTORS];
  int64_t p = 0;
  bool add = t->add;
  do {
    const int64_t end = k - p < t->chain ? k : p + t->chain;
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      ES_UNROLL
      for (int v = 0; v < vectors; v++) re[i][v] = im[i][v] = (vec){0};
    }
    for (; p < end; p++) {
      const char *at = x + xk[p], *from = y + yk[p];
      vec b_re[ES_GEMM_VECTORS], b_im[ES_GEMM_VECTORS];
      if (unit) __builtin_prefetch(fetch[p >> pace], 0, 2);
      ES_UNROLL
      for (int v = 0; v < vectors; v++) {
        b_re[v] = ((const vec *)from)[v];
        b_im[v] = ((const vec *)from)[vectors + v];
      }
      ES_UNROLL
      for (int i = 0; i < height; i++) {
        ES_T a[2];
        memcpy(a, at + (unit ? i * (int64_t)sizeof a : rows[i]), sizeof a);
        ES_UNROLL
        for (int v = 0; v < vectors; v++) {
          re[i][v] += a[0] * b_re[v];
          im[i][v] += exchanged ? a[1] * b_re[v] : a[0] * b_im[v];
          re[i][v] -= a[1] * b_im[v];
          im[i][v] += exchanged ? a[0] * b_im[v] : a[1] * b_re[v];
        }
        if (!unit) atomic_signal_fence(memory_order_seq_cst);
      }
    }
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      vec *c = (vec *)(t->c + t->c_rows[i]);
      ES_UNROLL
      for (int v = 0; v < vectors; v++) {
        if (add) re[i][v] += c[v];
        if (add) im[i][v] += c[vectors + v];
        c[v] = re[i][v];
        c[vectors + v] = im[i][v];
      }
    }
    add = true;
  } while (p < k);
}

#define ES_FORMS(name, form, h)                                                                    \
  static void ES_JOIN(name##_##h##x1, ES_S)(const es_gemm_tile *t) {                               \
    ES_JOIN(tile, ES_S)(t, h, 1, form);                                                            \
  }                                                                                                \
  static void ES_JOIN(name##_##h##x2, ES_S)(const es_gemm_tile *t) {                               \
    ES_JOIN(tile, ES_S)(t, h, 2, form);                                                            \
  }
#define ES_X(h)                                                                                    \
  ES_FORMS(any, ES_GEMM_ANY_ROWS, h)                                                               \
  ES_FORMS(unit, ES_GEMM_UNIT_ROWS, h)                                                             \
  ES_FORMS(any_exchanged, ES_GEMM_ANY_ROWS | ES_GEMM_EXCHANGED, h)                                 \
  ES_FORMS(unit_exchanged, ES_GEMM_UNIT_ROWS | ES_GEMM_EXCHANGED, h)
ES_COMPLEX_HEIGHTS(ES_X)
#undef ES_X
#undef ES_FORMS

static void ES_JOIN(split, ES_S)(void *planes, const void *pairs, int64_t k, int columns) {
  ES_T *restrict to = planes;
  const ES_T *restrict from = pairs;
  for (int64_t p = 0; p < k; p++, to += 2 * columns, from += 2 * columns)
    for (int j = 0; j < columns; j++) {
      to[j] = from[2 * j];
      to[columns + j] = from[2 * j + 1];
    }
}

static void ES_JOIN(join, ES_S)(void *pairs, const void *planes, int64_t k, int columns) {
  ES_T *restrict to = pairs;
  const ES_T *restrict from = planes;
  for (int64_t p = 0; p < k; p++, to += 2 * columns, from += 2 * columns)
    for (int j = 0; j < columns; j++) {
      to[2 * j] = from[j];
      to[2 * j + 1] = from[columns + j];
    }
}

#undef ES_T
#undef ES_S
