/* The window kernels of one vector width: compiled once for each width by the build, which sets
 * ES_V, the bytes of a vector. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kernels/width.h"
#include "engine/kernels/window.h"
#if ES_V == 64
#include <immintrin.h>
#endif

enum { LINE_BYTES = 64 };

/* For loops over a few registers: left rolled, these would live in memory. */

/* Every other element of 2 N - 1 that two vectors hold, the second one reaching back to
 * the last of the first. */
#define EVERY_OTHER_2 0, 3
#define EVERY_OTHER_4 0, 2, 5, 7
#define EVERY_OTHER_8 0, 2, 4, 6, 9, 11, 13, 15
#define EVERY_OTHER_16 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31

/* The lanes of a vector with gaps between them, as two vectors of N see them. */
#if ES_V == 64
ES_INLINE uint32_t spread(uint64_t lanes) { return _pdep_u32((uint32_t)lanes, 0x55555555); }

ES_INLINE __m512 some_f32(__mmask16 lanes, const float *at) {
  return _mm512_maskz_loadu_ps(lanes, at);
}
ES_INLINE __m512d some_f64(__mmask8 lanes, const double *at) {
  return _mm512_maskz_loadu_pd(lanes, at);
}
ES_INLINE __m256 some_wide(__mmask8 lanes, const float *at) {
  return _mm256_maskz_loadu_ps(lanes, at);
}
ES_INLINE void keep_f32(float *at, __mmask16 lanes, __m512 v) {
  _mm512_mask_storeu_ps(at, lanes, v);
}
ES_INLINE void keep_f64(double *at, __mmask8 lanes, __m512d v) {
  _mm512_mask_storeu_pd(at, lanes, v);
}
ES_INLINE void keep_wide(float *at, __mmask8 lanes, __m256 v) {
  _mm256_mask_storeu_ps(at, lanes, v);
}
/* Half vectors, which cross lines half as often: of the lower lanes, or of the upper ones. These
 * are a register first: stored by what extracts them, lanes left out could fault. */
ES_INLINE void keep_half_f64(double *at, __mmask8 lanes, __m512d v, const int half) {
  __m256d some = half ? _mm512_extractf64x4_pd(v, 1) : _mm512_castpd512_pd256(v);
  __asm__("" : "+v"(some));
  _mm256_mask_storeu_pd(at, lanes, some);
}
ES_INLINE void keep_half_f32(float *at, __mmask8 lanes, __m512 v, const int half) {
  __m256d some = half ? _mm512_extractf64x4_pd((__m512d)v, 1) : _mm512_castpd512_pd256((__m512d)v);
  __asm__("" : "+v"(some));
  _mm256_mask_storeu_ps(at, lanes, (__m256)some);
}
ES_INLINE __m512 blend_f32(__mmask16 lanes, __m512 yes, __m512 no) {
  return _mm512_mask_mov_ps(no, lanes, yes);
}
ES_INLINE __m512d blend_f64(__mmask8 lanes, __m512d yes, __m512d no) {
  return _mm512_mask_mov_pd(no, lanes, yes);
}
ES_INLINE __m512 fuse_f32(__mmask16 lanes, __m512 a, __m512 b, __m512 acc) {
  return _mm512_mask3_fmadd_ps(a, b, acc, lanes);
}
ES_INLINE __m512d fuse_f64(__mmask8 lanes, __m512d a, __m512d b, __m512d acc) {
  return _mm512_mask3_fmadd_pd(a, b, acc, lanes);
}
/* Elements a lane from the pair of vectors, the second one's after the first one's. */
ES_INLINE __m512 strip_pick_f32(__m512 low, __m512i pick, __m512 high) {
  return _mm512_permutex2var_ps(low, pick, high);
}
ES_INLINE __m512d strip_pick_f64(__m512d low, __m512i pick, __m512d high) {
  return _mm512_permutex2var_pd(low, pick, high);
}
/* Index at in these lanes, of the second vector in the upper ones, and else elsewhere. */
ES_INLINE __m512i indices_after_f32(__mmask16 lanes, __mmask16 upper, int at, int other) {
  const __m512i base = _mm512_maskz_set1_epi32(upper, 16);
  return _mm512_mask_add_epi32(_mm512_set1_epi32(other), lanes, base, _mm512_set1_epi32(at));
}
ES_INLINE __m512i indices_after_f64(__mmask8 lanes, __mmask8 upper, int at, int other) {
  const __m512i base = _mm512_maskz_set1_epi64(upper, 8);
  return _mm512_mask_add_epi64(_mm512_set1_epi64(other), lanes, base, _mm512_set1_epi64(at));
}
/* Only these lanes; zeros elsewhere. */
ES_INLINE __m512 strip_pick_some_f32(__mmask16 some, __m512 low, __m512i pick, __m512 high) {
  return _mm512_maskz_permutex2var_ps(some, low, pick, high);
}
ES_INLINE __m512d strip_pick_some_f64(__mmask8 some, __m512d low, __m512i pick, __m512d high) {
  return _mm512_maskz_permutex2var_pd(some, low, pick, high);
}
ES_INLINE __m512i indices_f32(const uint8_t *at) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)at));
}
ES_INLINE __m512i indices_f64(const uint8_t *at) {
  return _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)at));
}
/* Rows of x of a plane, that a strip reads. */
typedef struct strip_rows {
  const char *x;
  int64_t at, offset; /* of the next one, which may not be there; in bytes */
  int64_t reads, x_row;
  int64_t x_next;     /* from the first vector to the second */
  int64_t next_plane; /* to the same place in the next plane */
  uint64_t loads[2];
  bool whole;               /* vectors can be loaded as wholes */
  const es_window_end *end; /* the next one; NULL: sums are one chain */
} strip_rows;

#define fuse_wide fuse_f64
#define blend_wide blend_f64
#define MASK_f32 __mmask16
#define MASK_f64 __mmask8
#define MASK_wide __mmask8
#endif

/* What the blocks of a stretch of columns do with it: a chain of its taps; and what is asked for
 * meanwhile, which the next chain or the next stretch reads. */
typedef struct window_chain {
  bool add; /* to what out holds */
  const char *ahead;
  const int64_t *ahead_at; /* [taps] */
  char *kept;              /* room for x as vectors, tap by tap; NULL: x is read where it lies */
} window_chain;

/* What a block does with x: the first shares may leave it where all others find it together,
 * while the rows of x are often a page apart, or far enough for their lines to drive each other
 * out. */
typedef enum window_keep { READ, READ_AND_KEEP, READ_KEPT } window_keep;

enum {
  PAGE_BYTES = 4096,
  PAGES = 80,       /* which the first-level translation buffer holds, of 96, beside others */
  SET_BYTES = 4096, /* lines so far apart share a set of the first-level cache */
  WAYS = 8          /* that x may take of them, of 12 */
};

/* Distance to the same place in the next plane, where that is worth asking for: of a plane of some
 * pages, read a few lines of every row at a time, the processor's own prefetch brings too little.
 * Else 0. */
static int64_t asked_for(int64_t plane) { return llabs(plane) >= PAGE_BYTES ? plane : 0; }

/* Whether a chain's x is worth keeping: stretches of bytes that begin within lines, lie on more
 * pages than are translated at once, or meet in a few sets of the cache. */
static bool scattered(const es_window_tile *t, int64_t taps, int64_t bytes) {
  const int64_t step = taps > 1 ? llabs(t->x_at[1] - t->x_at[0]) : 0;
  if (((uintptr_t)(t->x + t->x_at[0]) | (uintptr_t)step) % LINE_BYTES) return true;
  if (step >= PAGE_BYTES && taps > PAGES) return true;
  int64_t apart = step & -step; /* all begin in one of SET_BYTES / apart places */
  if (apart > SET_BYTES) apart = SET_BYTES;
  return apart > bytes && taps * apart > WAYS * SET_BYTES;
}

#define T float
#define T_BITS int32_t
#define E float
#define NAME f32
#define STRIPS
#if ES_V == 64
#define EVERY_OTHER EVERY_OTHER_16
#elif ES_V == 32
#define EVERY_OTHER EVERY_OTHER_8
#else
#define EVERY_OTHER EVERY_OTHER_4
#endif
#include "engine/kernels/window_rows.inc.h"
#undef EVERY_OTHER

#if ES_V == 64
#define EVERY_OTHER EVERY_OTHER_8
#elif ES_V == 32
#define EVERY_OTHER EVERY_OTHER_4
#else
#define EVERY_OTHER EVERY_OTHER_2
#endif
#define T double
#define T_BITS int64_t
#define E double
#define NAME f64
#include "engine/kernels/window_rows.inc.h"
#undef STRIPS
#define T double
#define T_BITS int64_t
#define E float
#define NAME wide
#include "engine/kernels/window_rows.inc.h"
#undef EVERY_OTHER

/* The functions of the table, by type, operation and distance of neighbours. */
#define ES_WINDOWS(X)                                                                              \
  X(f32, F32, SCALE, 1)                                                                            \
  X(f32, F32, SCALE, 2)                                                                            \
  X(f32, F32, PRODUCT, 1)                                                                          \
  X(f32, F32, MAX, 1)                                                                              \
  X(f32, F32, MAX, 2)                                                                              \
  X(f32, F32, MIN, 1)                                                                              \
  X(f32, F32, MIN, 2)                                                                              \
  X(f64, F64, SCALE, 1)                                                                            \
  X(f64, F64, SCALE, 2)                                                                            \
  X(f64, F64, PRODUCT, 1)                                                                          \
  X(f64, F64, MAX, 1)                                                                              \
  X(f64, F64, MAX, 2)                                                                              \
  X(f64, F64, MIN, 1)                                                                              \
  X(f64, F64, MIN, 2)                                                                              \
  X(wide, WIDE, SUM, 1)                                                                            \
  X(wide, WIDE, SUM, 2)
#define X(name, type, op, step)                                                                    \
  static void name##_full_##op##_##step(const es_window_tile *t) {                                 \
    ES_JOIN(window_full, name)(t, ES_WINDOW_##op, step);                                           \
  }                                                                                                \
  static void name##_edge_##op##_##step(const es_window_tile *t) {                                 \
    ES_JOIN(window_edge, name)(t, ES_WINDOW_##op, step);                                           \
  }
ES_WINDOWS(X)
#undef X

#define ES_FALLS(X)                                                                                \
  X(f32, F32, 2)                                                                                   \
  X(f32, F32, 3)                                                                                   \
  X(f32, F32, 4)                                                                                   \
  X(f32, F32, 5)                                                                                   \
  X(f32, F32, 7) X(f64, F64, 2) X(f64, F64, 3) X(f64, F64, 4) X(f64, F64, 5) X(f64, F64, 7)
/* Square ones of 3 have their taps unrolled. */
#define X(name, type, nh)                                                                          \
  static void name##_full_fall_##nh(const es_window_fall *t) {                                     \
    if (nh == 3 && t->taps == 3)                                                                   \
      ES_JOIN(fall_full, name)(t, nh, 3);                                                          \
    else                                                                                           \
      ES_JOIN(fall_full, name)(t, nh, 0);                                                          \
  }                                                                                                \
  static void name##_edge_fall_##nh(const es_window_fall *t) {                                     \
    if (nh == 3 && t->taps == 3)                                                                   \
      ES_JOIN(fall_edge, name)(t, nh, 3);                                                          \
    else                                                                                           \
      ES_JOIN(fall_edge, name)(t, nh, 0);                                                          \
  }
ES_FALLS(X)
#undef X
#if ES_V == 64
#define X(name, type, nh)                                                                          \
  static void name##_strip_1_##nh(const es_window_fall *t) { ES_JOIN(strip, name)(t, nh, 1); }     \
  static void name##_strip_2_##nh(const es_window_fall *t) { ES_JOIN(strip, name)(t, nh, 2); }
ES_FALLS(X)
#undef X
#endif

extern const es_window_kernels ES_WIDE(es_window_kernels);
const es_window_kernels ES_WIDE(es_window_kernels) = {
    .lanes = {[ES_WINDOW_F32] = ES_V / 4, [ES_WINDOW_F64] = ES_V / 8, [ES_WINDOW_WIDE] = ES_V / 8},
#define X(name, type, op, step)                                                                    \
  .full[ES_WINDOW_##type][ES_WINDOW_##op][step - 1] = name##_full_##op##_##step,                   \
                                                 .edge[ES_WINDOW_##type][ES_WINDOW_##op]           \
                                                      [step - 1] = name##_edge_##op##_##step,
    ES_WINDOWS(X)
#undef X
#define X(name, type, nh)                                                                          \
  .full_fall[ES_WINDOW_##type][nh] = name##_full_fall_##nh,                                        \
  .edge_fall[ES_WINDOW_##type][nh] = name##_edge_fall_##nh,
        ES_FALLS(X)
#undef X
#if ES_V == 64
#define X(name, type, nh)                                                                          \
  .strip[ES_WINDOW_##type][0][nh] = name##_strip_1_##nh,                                           \
  .strip[ES_WINDOW_##type][1][nh] = name##_strip_2_##nh,
            ES_FALLS(X)
#undef X
#endif
};

#undef ES_WINDOWS
#undef ES_FALLS
