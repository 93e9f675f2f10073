/* Direct convolution of f32 for one vector width: compiled once for each by the build, which sets
 * ES_V, the bytes of a vector. A tile of 14 x 2 vectors needs the 32 registers of AVX-512. */
#include "engine/kernels/direct.h"

#include <stdatomic.h>
#include <string.h>

#include "engine/kernels/width.h"

extern const es_direct_kernels ES_WIDE(es_direct_kernels);

#if ES_V == 64
#include <immintrin.h>

enum { LANES = ES_V / sizeof(float) };
typedef float vec __attribute__((vector_size(ES_V), aligned(sizeof(float)), may_alias));

typedef __m512 held; /* a register */

/* Whether the i-th of n may miss taps. */
static inline bool at_end(int i, int n) { return i < ES_DIRECT_ENDS || i >= n - ES_DIRECT_ENDS; }

/* abreast neighbours, over and over. */
ES_INLINE held repeat(const char *at, int abreast) {
  double two;
  if (abreast == 4) return _mm512_broadcast_f32x4(_mm_loadu_ps((const float *)at));
  memcpy(&two, at, sizeof two);
  return (held)_mm512_set1_pd(two);
}

/* Those of these bits, in their lanes. */
ES_INLINE held repeat_some(const char *at, int abreast, uint64_t bits) {
  if (abreast == 4)
    return _mm512_broadcast_f32x4(_mm_maskz_loadu_ps((__mmask8)bits, (const float *)at));
  float one;
  memcpy(&one, at + (bits - 1) * sizeof one, sizeof one);
  return _mm512_set1_ps(one);
}

/* The lanes of a vector that the bits of abreast outputs stand for. */
ES_INLINE __mmask16 lanes_of(uint64_t bits, int abreast) {
  return (__mmask16)(bits * (0xffff / ((1u << abreast) - 1)));
}

/* Adds to the sums of one position of all rows what a tap gives them. Left out are outputs whose
 * bits are missing. */
ES_INLINE void add_tap(vec acc[][ES_DIRECT_VECTORS], const char *const *line, int64_t offset,
                       const vec *b, const int rows, const int vectors, const int abreast,
                       uint64_t bits) {
  const bool some = abreast > 1 && bits != ((uint64_t)1 << abreast) - 1;
  ES_UNROLL
  for (int r = 0; r < rows; r++) {
    if (abreast == 1) {
      float a;
      memcpy(&a, line[r] + offset, sizeof a);
      ES_UNROLL
      for (int v = 0; v < vectors; v++) acc[r][v] += a * b[v];
    } else if (some) {
      const held a = repeat_some(line[r] + offset, abreast, bits);
      acc[r][0] = (vec)_mm512_mask3_fmadd_ps(a, (held)b[0], (held)acc[r][0],
                                             lanes_of(bits, abreast));
    } else {
      acc[r][0] += (vec)repeat(line[r] + offset, abreast) * b[0];
    }
    /* Keeps the compiler from gathering all elements first, for which there are no registers. No
     * instruction. */
    atomic_signal_fence(memory_order_seq_cst);
  }
}

/* Ends the chain of the outputs of these bits. */
ES_INLINE void end_chain(vec *sum, vec *acc, int abreast, uint64_t bits) {
  if (abreast == 1) {
    *sum += *acc;
    *acc = (vec){0};
    return;
  }
  const __mmask16 lanes = lanes_of(bits, abreast);
  *sum = (vec)_mm512_mask_add_ps((held)*sum, lanes, (held)*sum, (held)*acc);
  *acc = (vec)_mm512_maskz_mov_ps((__mmask16)~lanes, (held)*acc);
}

/* Rows of height vectors of outputs, abreast each, by vectors of channels; step elements of x from
 * one output to the next. After inlining all loops but the one over taps are unrolled and acc
 * lives in registers. */
ES_INLINE void run(const es_direct_tile *t, const int height, const int rows, const int vectors,
                   const int abreast, const int step) {
  const char *x = t->x, *w = t->w, *ahead = t->ahead;
  const int64_t *x_at = t->x_at, *w_at = t->w_at, *stop = t->stops, *fetch = t->fetch;
  const uint64_t *lanes = t->lanes, *ends = t->ends, all = ((uint64_t)1 << abreast) - 1;
  const int64_t x_row = t->x_row, steps = t->steps, before = t->before;
  const int pace = t->pace;
  const int64_t next_x = abreast * step * (int64_t)sizeof(float);
  int64_t p = 0;
  vec acc[ES_DIRECT_MOST][ES_DIRECT_ROWS][ES_DIRECT_VECTORS], *open = (vec *)t->open,
                                                              *sum = (vec *)t->sum;
#define EACH                                                                                       \
  ES_UNROLL                                                                                        \
  for (int r = 0; r < rows; r++) ES_UNROLL                                                         \
  for (int v = 0; v < vectors; v++)
#define AT ((r * height + i) * vectors + v)
  ES_UNROLL
  for (int i = 0; i < height; i++) EACH {
      acc[i][r][v] = before ? open[AT] : (vec){0};
      if (!before && stop) sum[AT] = -(vec){0}; /* x + -0 is x, for all x */
    }
  while (stop && *stop < before) stop++, ends++;
  while (p < steps) {
    const int64_t next = stop ? *stop + 1 - before : INT64_MAX, last = next < steps ? next : steps;
    for (; p < last; p++) {
      const char *at = x + x_at[p], *line[ES_DIRECT_ROWS];
      const vec *by = (const vec *)(w + w_at[p]);
      const uint64_t has = lanes[p];
      vec b[ES_DIRECT_VECTORS];
      __builtin_prefetch(ahead + fetch[p >> pace], 0, 2);
      __builtin_prefetch(x + x_at[p + ES_DIRECT_AHEAD] + (height - 1) * next_x, 0, 3);
      if (step > 1) __builtin_prefetch(x + x_at[p + ES_DIRECT_AHEAD], 0, 3);
      ES_UNROLL
      for (int r = 0; r < rows; r++) {
        line[r] = at + r * x_row;
        __asm__("" : "+r"(line[r])); /* a register, from which all of the row is near */
      }
      ES_UNROLL
      for (int v = 0; v < vectors; v++) b[v] = by[v];
      ES_UNROLL
      for (int i = 0; i < height; i++) {
        const uint64_t bits = at_end(i, height) ? has >> i * abreast & all : all;
        if (__builtin_expect(bits == all, true)) /* most taps, and elsewhere they cost two jumps */
          add_tap(acc[i], line, i * next_x, b, rows, vectors, abreast, all);
        else if (abreast > 1 && bits)
          add_tap(acc[i], line, i * next_x, b, rows, vectors, abreast, bits);
      }
    }
    if (p < next) break;
    const uint64_t ended = *ends++;
    stop++;
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      const uint64_t bits = ended >> i * abreast & all;
      if (!bits) continue;
      EACH end_chain(&sum[AT], &acc[i][r][v], abreast, bits);
    }
  }
  if (t->last && stop) return;
  if (t->last) open = sum;
  ES_UNROLL
  for (int i = 0; i < height; i++) EACH open[AT] = acc[i][r][v];
#undef EACH
#undef AT
}

/* Heights and rows of tiles of one vector of channels, and of two. */
/* clang-format off */
#define ES_TILES_1(X)                                                                              \
  X(7, 1) X(7, 2) X(7, 3) X(7, 4) X(8, 1) X(8, 2) X(8, 3) X(9, 1) X(9, 2) X(9, 3)                  \
  X(10, 1) X(10, 2) X(11, 1) X(11, 2) X(12, 1) X(12, 2) X(13, 1) X(13, 2) X(14, 1) X(14, 2)
/* clang-format on */
#define ES_TILES_2(X) X(7, 1) X(7, 2) X(8, 1) X(9, 1) X(10, 1) X(11, 1) X(12, 1) X(13, 1) X(14, 1)
#define X(h, r)                                                                                    \
  static void tile_##h##_##r##_1_1(const es_direct_tile *t) { run(t, h, r, 1, 1, 1); }             \
  static void tile_##h##_##r##_1_2(const es_direct_tile *t) { run(t, h, r, 1, 1, 2); }             \
  static void abreast_##h##_##r##_2(const es_direct_tile *t) { run(t, h, r, 1, 2, 1); }            \
  static void abreast_##h##_##r##_4(const es_direct_tile *t) { run(t, h, r, 1, 4, 1); }
ES_TILES_1(X)
#undef X
#define X(h, r)                                                                                    \
  static void tile_##h##_##r##_2_1(const es_direct_tile *t) { run(t, h, r, 2, 1, 1); }             \
  static void tile_##h##_##r##_2_2(const es_direct_tile *t) { run(t, h, r, 2, 1, 2); }
ES_TILES_2(X)
#undef X

/* ---- packing and storing ---------------------------------------------------------- */

/* Quarters of four rows that are pitch bytes apart. */
ES_INLINE held quarters(const char *at, int64_t pitch) {
  held v = _mm512_castps128_ps512(_mm_loadu_ps((const float *)at));
  v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(at + pitch)), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(at + 2 * pitch)), 2);
  return _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(at + 3 * pitch)), 3);
}

/* Four columns of elements of LANES rows. Rows i, i + 4, i + 8 and i + 12 share a vector, so that
 * the loads put the quarters in place, and half as many shuffles are left as between whole rows. */
ES_INLINE void turn_quarter(held column[4], const char *const row[4], int64_t four) {
  held quad[4];
  ES_UNROLL
  for (int i = 0; i < 4; i++) quad[i] = quarters(row[i], four);
  const __m512d a = (__m512d)_mm512_unpacklo_ps(quad[0], quad[1]);
  const __m512d b = (__m512d)_mm512_unpackhi_ps(quad[0], quad[1]);
  const __m512d c = (__m512d)_mm512_unpacklo_ps(quad[2], quad[3]);
  const __m512d d = (__m512d)_mm512_unpackhi_ps(quad[2], quad[3]);
  column[0] = (held)_mm512_unpacklo_pd(a, c);
  column[1] = (held)_mm512_unpackhi_pd(a, c);
  column[2] = (held)_mm512_unpacklo_pd(b, d);
  column[3] = (held)_mm512_unpackhi_pd(b, d);
}

static void pack(float *dst, int64_t width, const char *src, int64_t channel, int64_t lanes,
                 int64_t taps, int abreast) {
  const int64_t size = (int64_t)sizeof *dst;
  for (int64_t c = 0; c < lanes; c += LANES)
    for (int64_t t = 0; t < taps; t += LANES) {
      if (t + LANES > taps) t = taps - LANES; /* some taps twice */
      const char *from = src + c / abreast * channel + t * size;
      for (int64_t i = 0; i < LANES; i += 4, from += 4 * size) {
        const char *const row[4] = {from, from + 1 / abreast * channel,
                                    from + 2 / abreast * channel, from + 3 / abreast * channel};
        held tap[4];
        turn_quarter(tap, row, 4 / abreast * channel);
        ES_UNROLL
        for (int j = 0; j < 4; j++) _mm512_storeu_ps(dst + (t + i + j) * width + c, (held)tap[j]);
      }
    }
}

/* LANES outputs of the channels of a quarter of a vector, abreast: returns how many these are. */
ES_INLINE int turn_abreast(held out[4], const char *src, int64_t pitch, int abreast) {
  if (abreast == 1) {
    const char *const row[4] = {src, src + pitch, src + 2 * pitch, src + 3 * pitch};
    turn_quarter(out, row, 4 * pitch);
  } else if (abreast == 2) {
    const __m512d even = (__m512d)quarters(src, 2 * pitch);
    const __m512d odd = (__m512d)quarters(src + pitch, 2 * pitch);
    out[0] = (held)_mm512_unpacklo_pd(even, odd);
    out[1] = (held)_mm512_unpackhi_pd(even, odd);
  } else {
    out[0] = quarters(src, pitch);
  }
  return 4 / abreast;
}

ES_INLINE void store_abreast(char *dst, int64_t channel, int64_t channels, const float *src,
                             int64_t width, int64_t n, int abreast) {
  const int64_t size = (int64_t)sizeof *src;
  for (int64_t i = 0; i < n; i += LANES) {
    if (n >= LANES && i + LANES > n) /* some outputs twice */
      i = (n - LANES + abreast - 1) / abreast * abreast;
    const __mmask16 kept = (__mmask16)(n - i < LANES ? (1 << (n - i)) - 1 : -1);
    const char *from = (const char *)(src + i / abreast * width);
    char *to = dst + i * size;
    for (int64_t c = 0; c < channels; from += 4 * size) {
      held out[4];
      const int some = turn_abreast(out, from, width * size, abreast);
      ES_UNROLL
      for (int j = 0; j < some; j++, c++, to += channel)
        if (c < channels) _mm512_mask_storeu_ps(to, kept, out[j]);
    }
  }
}

static void store(char *dst, int64_t channel, int64_t channels, const float *src, int64_t width,
                  int64_t n, int abreast) {
  if (abreast == 1)
    store_abreast(dst, channel, channels, src, width, n, 1);
  else if (abreast == 2)
    store_abreast(dst, channel, channels, src, width, n, 2);
  else
    store_abreast(dst, channel, channels, src, width, n, 4);
}

const es_direct_kernels ES_WIDE(es_direct_kernels) = {.lanes = LANES,
                                                      .pack = pack,
                                                      .store = store,
#define X(h, r)                                                                                    \
  .tile[0][0][r - 1][h] = tile_##h##_##r##_1_1, .tile[1][0][r - 1][h] = tile_##h##_##r##_1_2,      \
                  .abreast[0][r - 1][h] = abreast_##h##_##r##_2,                                   \
                  .abreast[2][r - 1][h] = abreast_##h##_##r##_4,
                                                      ES_TILES_1(X)
#undef X
#define X(h, r)                                                                                    \
  .tile[0][1][r - 1][h] = tile_##h##_##r##_2_1, .tile[1][1][r - 1][h] = tile_##h##_##r##_2_2,
                                                          ES_TILES_2(X)
#undef X
};
#undef ES_TILES_1
#undef ES_TILES_2
#else
const es_direct_kernels ES_WIDE(es_direct_kernels) = {.lanes = 0};
#endif
