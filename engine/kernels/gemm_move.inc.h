/* Moves of elements of one size, to and from offset tables in bytes. Set before
 * including, unset afterwards:
 *   ES_U  an unsigned type of that size (or a struct); ES_S  the suffix of the names
 *   ES_LANES  elements of a vector, where blocks are to be transposed in registers
 *   when the source runs along the other axis than the destination; else 0 */

#ifndef ES_AHEAD
#define ES_AHEAD 256 /* bytes: columns are more streams than the hardware follows */
#define ES_LINE 64   /* bytes of a cache line */
#endif

/* How many of the n offsets from the first on are so many elements apart. */
static inline int ES_JOIN(stretch, ES_S)(const int64_t *offset, int n, int apart) {
  int length = 1;
  while (length < n && offset[length] - offset[length - 1] == apart * (int64_t)sizeof(ES_U))
    length++;
  return length;
}

/* Offsets are one element apart. */
static inline bool ES_JOIN(neighbours, ES_S)(const int64_t *offset, int n) {
  return ES_JOIN(stretch, ES_S)(offset, n, 1) >= n;
}

/* ---- one way or the other along both ------------------------------------------ */

static inline void ES_JOIN(pack_row, ES_S)(ES_U *dst, int width, const char *src,
                                           const int64_t *cols, int n) {
  for (int j = 0; j < n; j++) memcpy(dst + j, src + cols[j], sizeof *dst);
  if (n < width) memset(dst + n, 0, (size_t)(width - n) * sizeof *dst);
}

/* A run of n elements: whole vectors, then halves of halves. */
static inline void ES_JOIN(copy, ES_S)(char *dst, const char *src, int n) {
  int bytes = n * (int)sizeof(ES_U), at = 0;
  for (; at + ES_V <= bytes; at += ES_V) memcpy(dst + at, src + at, ES_V);
  ES_UNROLL
  for (int piece = ES_V / 2; piece >= (int)sizeof(ES_U); piece /= 2) {
    if (!(bytes & piece)) continue;
    memcpy(dst + at, src + at, (size_t)piece);
    at += piece;
  }
}

/* By whole vectors: what follows is written later. */
static inline void ES_JOIN(clear, ES_S)(ES_U *dst, int width) {
  int bytes = width * (int)sizeof(ES_U);
  for (int at = 0; at < bytes; at += ES_V) memset((char *)dst + at, 0, ES_V);
}

static inline void ES_JOIN(pack_run, ES_S)(ES_U *dst, int width, const char *src, int n) {
  if (n < width) ES_JOIN(clear, ES_S)(dst, width);
  ES_JOIN(copy, ES_S)((char *)dst, src, n);
}

static inline void ES_JOIN(scatter_runs, ES_S)(char *dst, const int64_t *rows, int m, int n,
                                               const ES_U *src, int width) {
  for (int i = 0; i < m; i++)
    ES_JOIN(copy, ES_S)(dst + rows[i], (const char *)(src + (int64_t)i * width), n);
}

/* One by one, along whichever takes the shorter steps: the other way every store would be
 * to another page. */
static inline void ES_JOIN(scatter_each, ES_S)(char *dst, const int64_t *rows, int m,
                                               const int64_t *cols, int n, const ES_U *src,
                                               int width) {
  bool down = m > 1 && n > 1 && rows[1] - rows[0] < cols[1] - cols[0];
  int outer = down ? n : m, inner = down ? m : n;
  const int64_t *far = down ? cols : rows, *near = down ? rows : cols;
  int64_t far_step = down ? 1 : width, near_step = down ? width : 1;
  for (int i = 0; i < outer; i++)
    for (int j = 0; j < inner; j++)
      memcpy(dst + far[i] + near[j], src + i * far_step + j * near_step, sizeof *src);
}

/* ---- across ------------------------------------------------------------------- */

#if ES_LANES
typedef ES_U ES_JOIN(units, ES_S) __attribute__((vector_size(ES_V), aligned(1), may_alias));

#if ES_LANES == 16
#define ES_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ES_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define ES_FIRST 0, 1, 2, 3, 4, 5, 6, 7
#define ES_LAST 8, 9, 10, 11, 12, 13, 14, 15
#define ES_EVEN 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31
#define ES_EVEN_OF_HALF 0, 2, 4, 6, 9, 11, 13, 15
#elif ES_LANES == 8
#define ES_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define ES_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#define ES_FIRST 0, 1, 2, 3
#define ES_LAST 4, 5, 6, 7
#define ES_EVEN 0, 2, 4, 6, 9, 11, 13, 15
#define ES_EVEN_OF_HALF 0, 2, 5, 7
#elif ES_LANES == 4
#define ES_LOW 0, 4, 1, 5
#define ES_HIGH 2, 6, 3, 7
#define ES_FIRST 0, 1
#define ES_LAST 2, 3
#define ES_EVEN 0, 2, 5, 7
#define ES_EVEN_OF_HALF 0, 3
#else
#define ES_LOW 0, 2
#define ES_HIGH 1, 3
#define ES_FIRST 0
#define ES_LAST 1
#define ES_EVEN 0, 3
#define ES_EVEN_OF_HALF 0
#endif

/* v[i][j] becomes v[j][i]: log2(lanes) perfect shuffles of the rows. */
static inline __attribute__((always_inline)) void ES_JOIN(transpose,
                                                          ES_S)(ES_JOIN(units, ES_S) v[ES_LANES]) {
  ES_UNROLL
  for (int step = 1; step < ES_LANES; step *= 2) {
    ES_JOIN(units, ES_S) t[ES_LANES];
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
static void ES_JOIN(pack_block, ES_S)(ES_U *dst, int width, const char *src, const int64_t *cols,
                                      int n) {
  typedef ES_JOIN(units, ES_S) vec;
  for (int j = (width - 1) / ES_LANES * ES_LANES; j >= 0; j -= ES_LANES) {
    vec v[ES_LANES];
    ES_UNROLL
    for (int i = 0; i < ES_LANES; i++) {
      v[i] = (vec){0};
      if (j + i >= n) continue;
      v[i] = *(const vec *)(src + cols[j + i]);
      __builtin_prefetch(src + cols[j + i] + ES_AHEAD);
    }
    ES_JOIN(transpose, ES_S)(v);
    ES_UNROLL
    for (int i = 0; i < ES_LANES; i++) *(vec *)(dst + i * width + j) = v[i];
  }
}

/* Blocks of ES_LANES columns and ES_LANES panels; the last block of panels begins
 * early enough to be whole. */
static void ES_JOIN(spread, ES_S)(void *to, int64_t between, int count, int width, const char *src,
                                  const int64_t *cols, int n, const int64_t *ks, int64_t k) {
  typedef ES_JOIN(units, ES_S) vec;
  ES_U *dst = to;
  for (int64_t p = 0; p < k; p++, dst += width)
    for (int j = 0; j < width; j += ES_LANES)
      for (int next = 0; next < count; next += ES_LANES) {
        int u = next + ES_LANES <= count ? next : count - ES_LANES;
        vec v[ES_LANES];
        ES_UNROLL
        for (int i = 0; i < ES_LANES; i++) {
          v[i] = (vec){0};
          if (j + i < n)
            v[i] = *(const vec *)(src + cols[j + i] + ks[p] + u * (int64_t)sizeof *dst);
        }
        ES_JOIN(transpose, ES_S)(v);
        ES_UNROLL
        for (int i = 0; i < ES_LANES; i++) *(vec *)(dst + (u + i) * between + j) = v[i];
      }
}

/* Columns of lanes rows of src to memory, where rows are neighbours: row r of the
 * block is src row (r < half ? r : r - half + second), and goes to its place. With
 * second less than half the middle is written twice, which is cheaper than parts of
 * a vector. */
static inline __attribute__((always_inline)) void
ES_JOIN(scatter_block, ES_S)(char *dst, const int64_t *cols, int n, const ES_U *src, int width,
                             const int second) {
  typedef ES_JOIN(units, ES_S) vec;
  enum { HALF = ES_LANES / 2 };
  typedef ES_U half __attribute__((vector_size(ES_V / 2), aligned(1), may_alias));
  vec v[ES_LANES];
  ES_UNROLL
  for (int r = 0; r < ES_LANES; r++)
    v[r] = *(const vec *)(src + (r < HALF ? r : r - HALF + second) * (int64_t)width);
  ES_JOIN(transpose, ES_S)(v);
  ES_UNROLL
  for (int c = 0; c < ES_LANES; c++) {
    if (c >= n) return;
    half low = __builtin_shufflevector(v[c], v[c], ES_FIRST);
    half high = __builtin_shufflevector(v[c], v[c], ES_LAST);
    *(half *)(dst + cols[c]) = low;
    *(half *)(dst + cols[c] + second * (int64_t)sizeof(ES_U)) = high;
  }
}

/* m rows that are neighbours in memory; width is a multiple of the lanes. */
static void ES_JOIN(scatter_across, ES_S)(char *dst, const int64_t *rows, int m,
                                          const int64_t *cols, int n, const ES_U *src, int width) {
  enum { HALF = ES_LANES / 2 };
  for (int i = 0; i < m; i += ES_LANES) {
    int high = m - i < ES_LANES ? m - i : ES_LANES;
    const ES_U *from = src + (int64_t)i * width;
    for (int j = 0; j < n; j += ES_LANES)
      if (high >= HALF)
        ES_JOIN(scatter_block, ES_S)(dst + rows[i], cols + j, n - j, from + j, width, high - HALF);
      else
        ES_JOIN(scatter_each, ES_S)(dst, rows + i, high, cols + j, n - j, from + j, width);
  }
}

/* ---- every other element --------------------------------------------------------- */

/* The first of every two elements, n of them, from two vectors of which the second begins an
 * element early: nothing behind the last one is read. The last vector begins early enough to be
 * whole. */
static inline void ES_JOIN(copy_even, ES_S)(ES_U *dst, const char *src, int n) {
  typedef ES_JOIN(units, ES_S) vec;
  typedef ES_U half __attribute__((vector_size(ES_V / 2), aligned(1), may_alias));
  enum { HALF = ES_LANES / 2, STEP = 2 * sizeof(ES_U) };
  if (n >= ES_LANES)
    for (int at = 0; at < n; at += ES_LANES) {
      const int j = at + ES_LANES <= n ? at : n - ES_LANES;
      const char *low = src + j * STEP, *high = low + ES_V - sizeof(ES_U);
      *(vec *)(dst + j) = __builtin_shufflevector(*(const vec *)low, *(const vec *)high, ES_EVEN);
    }
  else if (n >= HALF)
    for (int at = 0; at < n; at += HALF) {
      const int j = at + HALF <= n ? at : n - HALF;
      const char *low = src + j * STEP, *high = low + ES_V / 2 - sizeof(ES_U);
      *(half *)(dst + j) = __builtin_shufflevector(*(const half *)low, *(const half *)high,
                                                   ES_EVEN_OF_HALF);
    }
  else
    for (int j = 0; j < n; j++) memcpy(dst + j, src + j * STEP, sizeof *dst);
}

/* Columns in stretches of every other element, as of windows in steps of two. The lines of the
 * panel beside this one are asked for, once where rows share them. */
static void ES_JOIN(pack_even, ES_S)(ES_U *dst, int width, const char *src, const int64_t *cols,
                                     int n, const int64_t *ks, int64_t k) {
  const char *beside = src + cols[n - 1] + 2 * (int64_t)sizeof *dst;
  for (int64_t p = 0; p < k; p++) {
    if (n < width) ES_JOIN(clear, ES_S)(dst + p * width, width);
    if (p > 0 && ks[p] / ES_LINE == ks[p - 1] / ES_LINE) continue;
    for (int64_t at = 0; at < 2 * n * (int64_t)sizeof *dst; at += ES_LINE)
      __builtin_prefetch(beside + ks[p] + at);
  }
  for (int j = 0, some; j < n; j += some) {
    some = ES_JOIN(stretch, ES_S)(cols + j, n - j, 2);
    for (int64_t p = 0; p < k; p++)
      ES_JOIN(copy_even, ES_S)(dst + p * width + j, src + cols[j] + ks[p], some);
  }
}
#undef ES_LOW
#undef ES_HIGH
#undef ES_FIRST
#undef ES_LAST
#undef ES_EVEN
#undef ES_EVEN_OF_HALF
#endif

/* ---- the entries ---------------------------------------------------------------- */

/* Columns in stretches, as where a row of an image ends inside the panel. */
static void ES_JOIN(pack_stretches, ES_S)(ES_U *dst, int width, const char *src,
                                          const int64_t *cols, int n, const int64_t *ks,
                                          int64_t k) {
  for (int64_t p = 0; p < k && n < width; p++) ES_JOIN(clear, ES_S)(dst + p * width, width);
  for (int j = 0, some; j < n; j += some) {
    some = ES_JOIN(stretch, ES_S)(cols + j, n - j, 1);
    for (int64_t p = 0; p < k; p++)
      ES_JOIN(copy, ES_S)((char *)(dst + p * width + j), src + cols[j] + ks[p], some);
  }
}

static void ES_JOIN(pack, ES_S)(void *to, int width, const char *src, const int64_t *cols, int n,
                                const int64_t *ks, int64_t k) {
  ES_U *dst = to;
  if (ES_JOIN(neighbours, ES_S)(cols, n)) {
    const int64_t next = n * (int64_t)sizeof *dst; /* the panel beside this one, packed after it */
    for (int64_t p = 0; p < k; p++, dst += width) {
      const char *row = src + cols[0] + ks[p];
      for (int64_t ahead = next; ahead < 2 * next; ahead += ES_LINE)
        __builtin_prefetch(row + ahead);
      ES_JOIN(pack_run, ES_S)(dst, width, row, n);
    }
    return;
  }
  if (ES_JOIN(neighbours, ES_S)(cols, 4 <= n ? 4 : n)) {
    ES_JOIN(pack_stretches, ES_S)(dst, width, src, cols, n, ks, k);
    return;
  }
#if ES_LANES
  if (n > 4 && ES_JOIN(stretch, ES_S)(cols, 5, 2) >= 4) {
    ES_JOIN(pack_even, ES_S)(dst, width, src, cols, n, ks, k);
    return;
  }
#endif
  int64_t p = 0;
  while (p < k) {
#if ES_LANES
    if (k - p >= ES_LANES && ES_JOIN(neighbours, ES_S)(ks + p, ES_LANES)) {
      ES_JOIN(pack_block, ES_S)(dst + p * width, width, src + ks[p], cols, n);
      p += ES_LANES;
      continue;
    }
#endif
    ES_JOIN(pack_row, ES_S)(dst + p * width, width, src + ks[p], cols, n);
    p++;
  }
}

static void ES_JOIN(scatter, ES_S)(char *dst, const int64_t *rows, int m, const int64_t *cols,
                                   int n, const void *from, int width) {
  const ES_U *src = from;
  if (n > 1 && ES_JOIN(neighbours, ES_S)(cols, 2)) { /* along its rows, in stretches */
    for (int j = 0, some; j < n; j += some) {
      some = ES_JOIN(stretch, ES_S)(cols + j, n - j, 1);
      ES_JOIN(scatter_runs, ES_S)(dst + cols[j], rows, m, some, src + j, width);
    }
    return;
  }
#if ES_LANES
  for (int i = 0, some; i < m; i += some) {
    some = ES_JOIN(stretch, ES_S)(rows + i, m - i, 1);
    const ES_U *at = src + (int64_t)i * width;
    if (some >= ES_LANES / 2) {
      ES_JOIN(scatter_across, ES_S)(dst, rows + i, some, cols, n, at, width);
      continue;
    }
    for (int more; i + some < m; some += more) {
      more = ES_JOIN(stretch, ES_S)(rows + i + some, m - i - some, 1);
      if (more >= ES_LANES / 2) break;
    }
    ES_JOIN(scatter_each, ES_S)(dst, rows + i, some, cols, n, at, width);
  }
#else
  ES_JOIN(scatter_each, ES_S)(dst, rows, m, cols, n, src, width);
#endif
}

#undef ES_U
#undef ES_S
#undef ES_LANES
