/* Moves of elements of one size, to and from offset tables in bytes. Set before
 * including, unset afterwards:
 *   ES_U  an unsigned type of that size (or a struct); ES_S  the suffix of the names
 *   ES_LANES  elements of a vector, where blocks are to be transposed in registers
 *   when the source runs along the other axis than the destination; else 0 */

/* Offsets are one element apart. */
static inline bool ES_GLUE(neighbours, ES_S)(const int64_t *offset, int64_t n) {
  for (int64_t i = 1; i < n; i++)
    if (offset[i] - offset[i - 1] != (int64_t)sizeof(ES_U)) return false;
  return true;
}

/* ---- one way or the other along both ------------------------------------------ */

static inline void ES_GLUE(pack_row, ES_S)(ES_U *dst, int width, const char *src,
                                           const int64_t *cols, int n) {
  for (int j = 0; j < n; j++) memcpy(dst + j, src + cols[j], sizeof *dst);
  if (n < width) memset(dst + n, 0, (size_t)(width - n) * sizeof *dst);
}

static inline void ES_GLUE(pack_run, ES_S)(ES_U *dst, int width, const char *src, int n) {
  memcpy(dst, src, (size_t)n * sizeof *dst);
  if (n < width) memset(dst + n, 0, (size_t)(width - n) * sizeof *dst);
}

static inline void ES_GLUE(scatter_runs, ES_S)(char *dst, const int64_t *rows, int m, int n,
                                               const ES_U *src, int width) {
  for (int i = 0; i < m; i++)
    memcpy(dst + rows[i], src + (int64_t)i * width, (size_t)n * sizeof *src);
}

static inline void ES_GLUE(scatter_each, ES_S)(char *dst, const int64_t *rows, int m,
                                               const int64_t *cols, int n, const ES_U *src,
                                               int width) {
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++)
      memcpy(dst + rows[i] + cols[j], src + (int64_t)i * width + j, sizeof *src);
}

/* ---- across ------------------------------------------------------------------- */

#if ES_LANES
typedef ES_U ES_GLUE(units, ES_S) __attribute__((vector_size(ES_V), aligned(sizeof(ES_U)), may_alias));

#if ES_LANES == 16
#define ES_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ES_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif ES_LANES == 8
#define ES_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define ES_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif ES_LANES == 4
#define ES_LOW 0, 4, 1, 5
#define ES_HIGH 2, 6, 3, 7
#else
#define ES_LOW 0, 2
#define ES_HIGH 1, 3
#endif

/* v[i][j] becomes v[j][i]: log2(lanes) perfect shuffles of the rows. */
static inline __attribute__((always_inline)) void ES_GLUE(transpose,
                                                          ES_S)(ES_GLUE(units, ES_S) v[ES_LANES]) {
  ES_UNROLL
  for (int step = 1; step < ES_LANES; step *= 2) {
    ES_GLUE(units, ES_S) t[ES_LANES];
    ES_UNROLL
    for (int i = 0; i < ES_LANES / 2; i++) {
      t[2 * i] = __builtin_shufflevector(v[i], v[i + ES_LANES / 2], ES_LOW);
      t[2 * i + 1] = __builtin_shufflevector(v[i], v[i + ES_LANES / 2], ES_HIGH);
    }
    ES_UNROLL
    for (int i = 0; i < ES_LANES; i++) v[i] = t[i];
  }
}

/* ES_LANES rows of the panel from columns whose elements are neighbours. Goes from
 * the last columns to the first: a vector may end past its row, and is mended by
 * the next row's first columns, which are written later. */
static void ES_GLUE(pack_block, ES_S)(ES_U *dst, int width, const char *src, const int64_t *cols,
                                      int n) {
  typedef ES_GLUE(units, ES_S) vec;
  for (int j = (width - 1) / ES_LANES * ES_LANES; j >= 0; j -= ES_LANES) {
    vec v[ES_LANES];
    ES_UNROLL
    for (int i = 0; i < ES_LANES; i++)
      v[i] = j + i < n ? *(const vec *)(src + cols[j + i]) : (vec){0};
    ES_GLUE(transpose, ES_S)(v);
    ES_UNROLL
    for (int i = 0; i < ES_LANES; i++) *(vec *)(dst + i * width + j) = v[i];
  }
}

/* n elements of a vector, n <= lanes. */
static inline void ES_GLUE(put, ES_S)(char *dst, ES_GLUE(units, ES_S) v, int n) {
  enum { HALF = ES_LANES / 2 };
  if (n == ES_LANES) {
    *(ES_GLUE(units, ES_S) *)dst = v;
    return;
  }
  ES_U part[ES_LANES];
  memcpy(part, &v, sizeof v);
  if (n >= HALF) { /* two halves that overlap */
    memcpy(dst, part, HALF * sizeof *part);
    memcpy(dst + (size_t)(n - HALF) * sizeof *part, part + n - HALF, HALF * sizeof *part);
    return;
  }
  for (int i = 0; i < n; i++) memcpy(dst + (size_t)i * sizeof *part, part + i, sizeof *part);
}

/* Rows are neighbours in memory; width is a multiple of the lanes. */
static void ES_GLUE(scatter_across, ES_S)(char *dst, int m, const int64_t *cols, int n,
                                          const ES_U *src, int width) {
  typedef ES_GLUE(units, ES_S) vec;
  for (int i = 0; i < m; i += ES_LANES)
    for (int j = 0; j < n; j += ES_LANES) {
      vec v[ES_LANES];
      ES_UNROLL
      for (int r = 0; r < ES_LANES; r++)
        v[r] = i + r < m ? *(const vec *)(src + (int64_t)(i + r) * width + j) : (vec){0};
      ES_GLUE(transpose, ES_S)(v);
      int high = m - i < ES_LANES ? m - i : ES_LANES;
      ES_UNROLL
      for (int c = 0; c < ES_LANES; c++)
        if (j + c < n)
          ES_GLUE(put, ES_S)(dst + (size_t)i * sizeof(ES_U) + cols[j + c], v[c], high);
    }
}
#undef ES_LOW
#undef ES_HIGH
#endif

/* ---- the two entries ------------------------------------------------------------ */

static void ES_GLUE(pack, ES_S)(void *to, int width, const char *src, const int64_t *cols, int n,
                                const int64_t *ks, int64_t k) {
  ES_U *dst = to;
  if (ES_GLUE(neighbours, ES_S)(cols, n)) {
    for (int64_t p = 0; p < k; p++, dst += width)
      ES_GLUE(pack_run, ES_S)(dst, width, src + cols[0] + ks[p], n);
    return;
  }
  int64_t p = 0;
  while (p < k) {
#if ES_LANES
    if (k - p >= ES_LANES && ES_GLUE(neighbours, ES_S)(ks + p, ES_LANES)) {
      ES_GLUE(pack_block, ES_S)(dst + p * width, width, src + ks[p], cols, n);
      p += ES_LANES;
      continue;
    }
#endif
    ES_GLUE(pack_row, ES_S)(dst + p * width, width, src + ks[p], cols, n);
    p++;
  }
}

static void ES_GLUE(scatter, ES_S)(char *dst, const int64_t *rows, int m, const int64_t *cols,
                                   int n, const void *from, int width) {
  const ES_U *src = from;
  if (ES_GLUE(neighbours, ES_S)(cols, n))
    ES_GLUE(scatter_runs, ES_S)(dst + cols[0], rows, m, n, src, width);
#if ES_LANES
  else if (ES_GLUE(neighbours, ES_S)(rows, m))
    ES_GLUE(scatter_across, ES_S)(dst + rows[0], m, cols, n, src, width);
#endif
  else
    ES_GLUE(scatter_each, ES_S)(dst, rows, m, cols, n, src, width);
}

#undef ES_U
#undef ES_S
#undef ES_LANES
