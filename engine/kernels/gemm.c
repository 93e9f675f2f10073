/* The contraction kernels of one vector width: ES_V bytes. Register tiles leave
 * room for the vectors of Y and one broadcast of X: with 32 registers (AVX-512)
 * 14 x 2 accumulators, with 16 registers 6 x 2, and 4 x 2 where a product needs a
 * register of its own because there is no fused multiply-add. */
#include <stdatomic.h>
#include <string.h>

#include "engine/kernels/gemm.h"
#include "engine/kernels/width.h"

#if ES_V == 64
#define ES_HEIGHTS(X) X(1) X(2) X(4) X(6) X(8) X(10) X(12) X(14)
#define ES_COMPLEX_HEIGHTS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#elif ES_V == 32
#define ES_HEIGHTS(X) X(1) X(2) X(3) X(4) X(6)
#define ES_COMPLEX_HEIGHTS(X) X(1) X(2)
#else
#define ES_HEIGHTS(X) X(1) X(2) X(4)
#define ES_COMPLEX_HEIGHTS(X) X(1) X(2)
#endif

/* Steps of k before which lines are asked for together: shorter stretches cost more than 1 %
 * of the arithmetic, and longer ones hold up its loads. */
enum { STRETCH = 64 };

/* Offsets of the rows of a tile that are bytes apart. */
#define ES_GEMM_NEAR(bytes)                                                                        \
  {                                                                                                \
    0, 1 * (bytes), 2 * (bytes), 3 * (bytes), 4 * (bytes), 5 * (bytes), 6 * (bytes), 7 * (bytes),  \
        8 * (bytes), 9 * (bytes), 10 * (bytes), 11 * (bytes), 12 * (bytes), 13 * (bytes)           \
  }

/* Rows equally far apart are reached from the first one, and from this one on from it: with
 * fewer beginnings their distances take more registers than there are. */
enum { MIDDLE = 7 };

#define ES_T float
#define ES_S f32
#include "engine/kernels/gemm_tile.inc.h"
#define ES_T double
#define ES_S f64
#include "engine/kernels/gemm_tile.inc.h"
#define ES_T uint64_t
#define ES_S i64
#include "engine/kernels/gemm_tile.inc.h"
#define ES_T float
#define ES_S c64
#include "engine/kernels/gemm_complex.inc.h"
#define ES_T double
#define ES_S c128
#include "engine/kernels/gemm_complex.inc.h"

#if ES_V == 64 && defined(__AVX512BW__)
#define ES_HAS_DOT
#include <immintrin.h>

/* Sums of products of short integers, several a lane, wrap modulo 2^32, so that they are exact
 * wherever the result is. */
#define ES_T uint32_t
#define ES_S i16
#define ES_TARGET __attribute__((target("avx512vnni")))
#define ES_MULTIPLY_ADD(acc, a, b)                                                                 \
  (lanes_i16)(_mm512_dpwssd_epi32((__m512i)(acc), (__m512i)(b), _mm512_set1_epi32((int32_t)(a))))
#define ES_START(i) (uint32_t) t->start[i]
#include "engine/kernels/gemm_tile.inc.h"
#define ES_T uint32_t
#define ES_S i8
#define ES_TARGET __attribute__((target("avx512vnni")))
#define ES_MULTIPLY_ADD(acc, a, b)                                                                 \
  (lanes_i8)(_mm512_dpbusd_epi32((__m512i)(acc), (__m512i)(b), _mm512_set1_epi32((int32_t)(a))))
#define ES_START(i) (uint32_t) t->start[i]
#include "engine/kernels/gemm_tile.inc.h"

#define ES_S i16
#define ES_GROUP 2
#define ES_PLACE(t) (t)
#define ES_SOURCES(X) X(ES_U8) X(ES_I8) X(ES_I16) X(ES_I32) X(ES_I64)
#include "engine/kernels/gemm_groups.inc.h"
#define ES_S i8
#define ES_GROUP 4
#define ES_PLACE(t) (t)
#define ES_SOURCES(X) X(ES_U8) X(ES_I8)
#include "engine/kernels/gemm_groups.inc.h"

/* The instruction adds the product of the high halves first, then that of the low ones, each as
 * one fused multiply-add: with the first term in the high half the sum is in the order of k. */
#define ES_S bf16
#define ES_GROUP 2
#define ES_PLACE(t) (1 - (t))
#define ES_SOURCES(X) X(ES_BF16)
#include "engine/kernels/gemm_groups.inc.h"
#define ES_T float
#define ES_S bf16
#define ES_TARGET __attribute__((target("avx512bf16")))
#define ES_MULTIPLY_ADD(acc, a, b)                                                                 \
  (lanes_bf16)(_mm512_dpbf16_ps((__m512)(acc), (__m512bh)(b), (__m512bh)_mm512_set1_ps(a)))
#include "engine/kernels/gemm_tile.inc.h"

static void turn_bf16(char *groups, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    uint32_t group;
    memcpy(&group, groups + i * 4, sizeof group);
    group = group << 16 | group >> 16;
    memcpy(groups + i * 4, &group, sizeof group);
  }
}

/* A lane a row: 16 rows are read, of which height count. */
static __attribute__((target("avx512vnni"))) void sum_i8(int32_t *sums, const char *x,
                                                         int64_t steps, int height) {
  __m512i total = _mm512_loadu_si512(sums), ones = _mm512_set1_epi8(1);
  for (int64_t p = 0; p < steps; p++)
    total = _mm512_dpbusd_epi32(total, ones, _mm512_loadu_si512(x + p * height * 4));
  _mm512_storeu_si512(sums, total);
}

static void shift_i8(char *terms, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i++) terms[i] = (char)(terms[i] ^ 0x80);
}
#endif

#if ES_V == 64
#include <immintrin.h>
#define ES_T float
#define ES_S f32
#define ES_BITS epi32
#define ES_LANES 16
#define ES_MASK __mmask16
#include "engine/kernels/gemm_narrow.inc.h"
#define ES_T double
#define ES_S f64
#define ES_BITS epi64
#define ES_LANES 8
#define ES_MASK __mmask8
#include "engine/kernels/gemm_narrow.inc.h"
#define ES_T uint64_t
#define ES_S i64
#define ES_BITS epi64
#define ES_LANES 8
#define ES_MASK __mmask8
#include "engine/kernels/gemm_narrow.inc.h"
#endif

#if ES_V == 64
#define ES_FEW_HEIGHTS(X) X(1) X(2) X(3) X(4)
#define ES_T float
#define ES_S f32
#include "engine/kernels/gemm_few.inc.h"
#define ES_T double
#define ES_S f64
#include "engine/kernels/gemm_few.inc.h"
#endif

#define ES_U uint8_t
#define ES_S u8
#define ES_LANES 0
#include "engine/kernels/gemm_move.inc.h"
#define ES_U uint16_t
#define ES_S u16
#define ES_LANES 0
#include "engine/kernels/gemm_move.inc.h"
#define ES_U uint32_t
#define ES_S u32
#define ES_LANES (ES_V / 4)
#include "engine/kernels/gemm_move.inc.h"
#define ES_U uint64_t
#define ES_S u64
#define ES_LANES (ES_V / 8)
#include "engine/kernels/gemm_move.inc.h"
typedef struct u128 {
  uint64_t part[2];
} u128;
#define ES_U u128
#define ES_S u128
#define ES_LANES 0
#include "engine/kernels/gemm_move.inc.h"

#define ES_KERNELS(S, h)                                                                           \
  {{ES_JOIN(any_##h##x1, S), ES_JOIN(unit_##h##x1, S), [ES_GEMM_EVEN] = ES_JOIN(even_##h##x1, S)}, \
   {ES_JOIN(any_##h##x2, S),                                                                       \
    ES_JOIN(unit_##h##x2, S), [ES_GEMM_EVEN] = ES_JOIN(even_##h##x2, S)}},
#define ES_COUNT(h) +1
#define ES_HEIGHT(h) h,
#define ES_KERNELS_F32(h) ES_KERNELS(f32, h)
#define ES_KERNELS_F64(h) ES_KERNELS(f64, h)
#define ES_KERNELS_I64(h) ES_KERNELS(i64, h)
#define ES_KERNELS_GROUPS(S, h)                                                                    \
  {{NULL, ES_JOIN(unit_##h##x1, S), [ES_GEMM_EVEN] = ES_JOIN(even_##h##x1, S)},                    \
   {NULL, ES_JOIN(unit_##h##x2, S), [ES_GEMM_EVEN] = ES_JOIN(even_##h##x2, S)}},
#define ES_KERNELS_I16(h) ES_KERNELS_GROUPS(i16, h)
#define ES_KERNELS_I8(h) ES_KERNELS_GROUPS(i8, h)
#define ES_KERNELS_BF16(h) ES_KERNELS_GROUPS(bf16, h)
#define ES_COMPLEX(S, hv)                                                                          \
  {                                                                                                \
    ES_JOIN(any_##hv, S), ES_JOIN(unit_##hv, S), ES_JOIN(any_exchanged_##hv, S),                   \
        ES_JOIN(unit_exchanged_##hv, S)                                                            \
  }
#define ES_KERNELS_C64(h) {ES_COMPLEX(c64, h##x1), ES_COMPLEX(c64, h##x2)},
#define ES_KERNELS_C128(h) {ES_COMPLEX(c128, h##x1), ES_COMPLEX(c128, h##x2)},
#define ES_TYPE(T, heights, kernels)                                                               \
  {                                                                                                \
    ES_V / (int)sizeof(T), 0 heights(ES_COUNT), {heights(ES_HEIGHT)}, { heights(kernels) }         \
  }

#define ES_NARROW_F32(h) ES_JOIN(narrow_##h, f32),
#define ES_NARROW_F64(h) ES_JOIN(narrow_##h, f64),
#define ES_NARROW_I64(h) ES_JOIN(narrow_##h, i64),
#define ES_FEW_F32(h) ES_JOIN(few_##h, f32),
#define ES_FEW_F64(h) ES_JOIN(few_##h, f64),

/* ---- extremes ------------------------------------------------------------------- */

#define ES_ITSELF(v) (v)
#define ES_MAGNITUDE(v) ((v)&0x7fff)
#define ES_BELOW(v) (ES_MAGNITUDE(v) - 1)

/* A loop of its own for neighbours, which are taken by vectors. */
#define ES_EXTREMES(S, T, LOW, HIGH)                                                               \
  static inline void widen_##S(T *low, T *high, T value) {                                         \
    const T below = (T)LOW(value), above = (T)HIGH(value);                                         \
    *low = below < *low ? below : *low;                                                            \
    *high = above > *high ? above : *high;                                                         \
  }                                                                                                \
  static void extremes_##S(const char *src, int64_t step, int64_t n, int64_t *least,               \
                           int64_t *most) {                                                        \
    typedef T value __attribute__((may_alias));                                                    \
    const value *at = (const void *)src;                                                           \
    T low = (T)LOW(at[0]), high = (T)HIGH(at[0]);                                                  \
    if (step == 1)                                                                                 \
      for (int64_t i = 0; i < n; i++) widen_##S(&low, &high, at[i]);                               \
    else                                                                                           \
      for (int64_t i = 0; i < n; i++) widen_##S(&low, &high, at[i * step]);                        \
    if (low < *least) *least = low;                                                                \
    if (high > *most) *most = high;                                                                \
  }
ES_EXTREMES(u8, uint8_t, ES_ITSELF, ES_ITSELF)
ES_EXTREMES(i8, int8_t, ES_ITSELF, ES_ITSELF)
ES_EXTREMES(i16, int16_t, ES_ITSELF, ES_ITSELF)
ES_EXTREMES(i32, int32_t, ES_ITSELF, ES_ITSELF)
ES_EXTREMES(i64, int64_t, ES_ITSELF, ES_ITSELF)
ES_EXTREMES(bf16, uint16_t, ES_BELOW, ES_MAGNITUDE)

extern const es_gemm_kernels ES_WIDE(es_gemm_kernels);
const es_gemm_kernels ES_WIDE(es_gemm_kernels) = {
    .type = {[ES_GEMM_F32] = ES_TYPE(float, ES_HEIGHTS, ES_KERNELS_F32),
             [ES_GEMM_F64] = ES_TYPE(double, ES_HEIGHTS, ES_KERNELS_F64),
             [ES_GEMM_I64] = ES_TYPE(uint64_t, ES_HEIGHTS, ES_KERNELS_I64),
#ifdef ES_HAS_DOT
             [ES_GEMM_I16] = ES_TYPE(int32_t, ES_HEIGHTS, ES_KERNELS_I16),
             [ES_GEMM_I8] = ES_TYPE(int32_t, ES_HEIGHTS, ES_KERNELS_I8),
             [ES_GEMM_BF16] = ES_TYPE(float, ES_HEIGHTS, ES_KERNELS_BF16),
#endif
             [ES_GEMM_C64] = ES_TYPE(float, ES_COMPLEX_HEIGHTS, ES_KERNELS_C64),
             [ES_GEMM_C128] = ES_TYPE(double, ES_COMPLEX_HEIGHTS, ES_KERNELS_C128)},
#ifdef ES_HAS_DOT
    .groups = {{.pack = pack_i16},
               {.pack = pack_i8, .sum = sum_i8, .shift = shift_i8},
               {.pack = pack_bf16, .turn = turn_bf16}},
#endif
#if ES_V == 64
    .narrow = {[ES_GEMM_F32] = {ES_HEIGHTS(ES_NARROW_F32)},
               [ES_GEMM_F64] = {ES_HEIGHTS(ES_NARROW_F64)},
               [ES_GEMM_I64] = {ES_HEIGHTS(ES_NARROW_I64)}},
    .few = {[ES_GEMM_F32] = {ES_FEW_HEIGHTS(ES_FEW_F32)},
            [ES_GEMM_F64] = {ES_FEW_HEIGHTS(ES_FEW_F64)}},
#endif
    .moves = {{pack_u8, NULL, scatter_u8},
              {pack_u16, NULL, scatter_u16},
              {pack_u32, spread_u32, scatter_u32},
              {pack_u64, spread_u64, scatter_u64},
              {pack_u128, NULL, scatter_u128}},
    .extremes = {[ES_BOOL] = extremes_u8,
                 [ES_U8] = extremes_u8,
                 [ES_I8] = extremes_i8,
                 [ES_I16] = extremes_i16,
                 [ES_I32] = extremes_i32,
                 [ES_I64] = extremes_i64,
                 [ES_BF16] = extremes_bf16},
    .split = {split_c64, split_c128},
    .join = {join_c64, join_c128},
};
