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

/* Whether output i of rows of n may miss taps. */
static inline bool at_end(int i, int n, bool pair) {
  int ends = pair ? ES_DIRECT_PAIR_ENDS : ES_DIRECT_ENDS;
  return i % n < ends || i % n >= n - ends;
}

/* height outputs, or two rows of half as many, by vectors; step elements of x from one to the
 * next. After inlining all loops but the one over taps are unrolled and acc lives in registers. */
ES_INLINE void run(const es_direct_tile *t, const int height, const int vectors, const int step,
                   const bool pair) {
  const char *x = t->x, *w = t->w, *ahead = t->ahead;
  const int64_t *x_at = t->x_at, *w_at = t->w_at, *stop = t->stops, *fetch = t->fetch;
  const uint64_t *lanes = t->lanes, *ends = t->ends;
  const int64_t x_row = t->x_row, steps = t->steps, before = t->before;
  const int pace = t->pace, row = pair ? height / 2 : height;
  const int64_t size = (int64_t)sizeof(float);
  int64_t p = 0;
  vec acc[ES_DIRECT_MOST][ES_DIRECT_VECTORS], *open = (vec *)t->open, *sum = (vec *)t->sum;
  ES_UNROLL
  for (int i = 0; i < height; i++) {
    ES_UNROLL
    for (int v = 0; v < vectors; v++) {
      acc[i][v] = before ? open[i * vectors + v] : (vec){0};
      if (!before) sum[i * vectors + v] = -(vec){0}; /* x + -0 is x, for all x */
    }
  }
  while (*stop < before) stop++, ends++;
  while (p < steps) {
    const int64_t next = *stop + 1 - before, last = next < steps ? next : steps;
    for (; p < last; p++) {
      const char *at = x + x_at[p], *below = at + x_row;
      const vec *by = (const vec *)(w + w_at[p]);
      const uint64_t has = lanes[p];
      vec b[ES_DIRECT_VECTORS];
      __builtin_prefetch(ahead + fetch[p >> pace], 0, 2);
      __builtin_prefetch(x + x_at[p + ES_DIRECT_AHEAD] + (row - 1) * step * size, 0, 3);
      if (step > 1) __builtin_prefetch(x + x_at[p + ES_DIRECT_AHEAD], 0, 3);
      ES_UNROLL
      for (int v = 0; v < vectors; v++) b[v] = by[v];
      ES_UNROLL
      for (int i = 0; i < height; i++) {
        float a;
        if (at_end(i, row, pair) && !(has >> i & 1)) continue;
        memcpy(&a, (i < row ? at : below) + i % row * step * size, sizeof a);
        ES_UNROLL
        for (int v = 0; v < vectors; v++) acc[i][v] += a * b[v];
        /* Keeps the compiler from gathering all elements first, for which there are no
         * registers. No instruction. */
        atomic_signal_fence(memory_order_seq_cst);
      }
    }
    if (p < next) break;
    const uint64_t ended = *ends++;
    stop++;
    ES_UNROLL
    for (int i = 0; i < height; i++) {
      if (!(ended >> i & 1)) continue;
      ES_UNROLL
      for (int v = 0; v < vectors; v++) {
        sum[i * vectors + v] += acc[i][v];
        acc[i][v] = (vec){0};
      }
    }
  }
  if (t->last) return;
  ES_UNROLL
  for (int i = 0; i < height; i++) {
    ES_UNROLL
    for (int v = 0; v < vectors; v++) open[i * vectors + v] = acc[i][v];
  }
}

#define ES_HEIGHTS(X) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define X(h)                                                                                       \
  static void tile_##h##_1_1(const es_direct_tile *t) { run(t, h, 1, 1, false); }                  \
  static void tile_##h##_2_1(const es_direct_tile *t) { run(t, h, 2, 1, false); }                  \
  static void tile_##h##_1_2(const es_direct_tile *t) { run(t, h, 1, 2, false); }                  \
  static void tile_##h##_2_2(const es_direct_tile *t) { run(t, h, 2, 2, false); }
ES_HEIGHTS(X)
#undef X
static void pair_1_1(const es_direct_tile *t) { run(t, 2 * ES_DIRECT_LEAST, 1, 1, true); }
static void pair_2_1(const es_direct_tile *t) { run(t, 2 * ES_DIRECT_LEAST, 2, 1, true); }
static void pair_1_2(const es_direct_tile *t) { run(t, 2 * ES_DIRECT_LEAST, 1, 2, true); }
static void pair_2_2(const es_direct_tile *t) { run(t, 2 * ES_DIRECT_LEAST, 2, 2, true); }

/* ---- packing ------------------------------------------------------------------- */

/* Four taps of 16 channels: channels i, i + 4, i + 8 and i + 12 share a vector, so that the
 * loads put the quarters in place, and half as many shuffles are left as between whole rows. */
ES_INLINE void turn_quarter(float *dst, int64_t width, const char *src, int64_t channel) {
  __m512 quad[4];
  ES_UNROLL
  for (int i = 0; i < 4; i++) {
    const char *at = src + i * channel;
    quad[i] = _mm512_castps128_ps512(_mm_loadu_ps((const float *)at));
    quad[i] = _mm512_insertf32x4(quad[i], _mm_loadu_ps((const float *)(at + 4 * channel)), 1);
    quad[i] = _mm512_insertf32x4(quad[i], _mm_loadu_ps((const float *)(at + 8 * channel)), 2);
    quad[i] = _mm512_insertf32x4(quad[i], _mm_loadu_ps((const float *)(at + 12 * channel)), 3);
  }
  const __m512d a = (__m512d)_mm512_unpacklo_ps(quad[0], quad[1]);
  const __m512d b = (__m512d)_mm512_unpackhi_ps(quad[0], quad[1]);
  const __m512d c = (__m512d)_mm512_unpacklo_ps(quad[2], quad[3]);
  const __m512d d = (__m512d)_mm512_unpackhi_ps(quad[2], quad[3]);
  _mm512_storeu_ps(dst, (__m512)_mm512_unpacklo_pd(a, c));
  _mm512_storeu_ps(dst + width, (__m512)_mm512_unpackhi_pd(a, c));
  _mm512_storeu_ps(dst + 2 * width, (__m512)_mm512_unpacklo_pd(b, d));
  _mm512_storeu_ps(dst + 3 * width, (__m512)_mm512_unpackhi_pd(b, d));
}

static void pack(float *dst, int64_t width, const char *src, int64_t channel, int64_t channels,
                 int64_t taps) {
  const int64_t size = (int64_t)sizeof *dst;
  for (int64_t c = 0; c < channels; c += LANES)
    for (int64_t t = 0; t < taps; t += LANES) {
      if (t + LANES > taps) t = taps - LANES; /* some taps twice */
      const char *from = src + c * channel + t * size;
      ES_UNROLL
      for (int i = 0; i < LANES; i += 4)
        turn_quarter(dst + (t + i) * width + c, width, from + i * size, channel);
    }
}

const es_direct_kernels ES_WIDE(es_direct_kernels) = {
    .lanes = LANES,
    .pack = pack,
#define X(h)                                                                                       \
  .tile[0][0][h] = tile_##h##_1_1, .tile[0][1][h] = tile_##h##_2_1,                                \
  .tile[1][0][h] = tile_##h##_1_2, .tile[1][1][h] = tile_##h##_2_2,
    ES_HEIGHTS(X)
#undef X
        .pair = {{pair_1_1, pair_2_1}, {pair_1_2, pair_2_2}},
};
#undef ES_HEIGHTS
#else
const es_direct_kernels ES_WIDE(es_direct_kernels) = {.lanes = 0};
#endif
