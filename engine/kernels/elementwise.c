/* The elementwise kernels of one vector width. */
#include <complex.h>
#undef I
#include <math.h>
#include <string.h>

#include "engine/kernels/elementwise.h"
#include "engine/kernels/width.h"

typedef float _Complex complex_float;
typedef double _Complex complex_double;

/* A loop over an operation given by name: inlined, the name is a constant. */

/* ---- loads and stores ---------------------------------------------------------- */

#define S b8
#define S_T uint8_t
#define S_KIND 0
#define S_OF_COMPLEX 1
#define S_GET(x) ((x) != 0)
#define S_FROM_I64(v) ((v) != 0)
#define S_FROM_F32(v) ((v) != 0)
#define S_FROM_F64(v) ((v) != 0)
#define S_FROM_C(v) ((v) != 0)
#include "engine/kernels/elementwise_storage.inc.h"

#define S u8
#define S_T uint8_t
#define S_KIND 0
#define S_MIN 0
#define S_MAX UINT8_MAX
#define S_LIMIT 0x1p8
#define S_FROM_F32(v) ((S_T)(int32_t)(v)) /* as vectors convert */
#define S_FROM_F64(v) ((S_T)(int32_t)(v))
#include "engine/kernels/elementwise_storage.inc.h"

#define S i8
#define S_T int8_t
#define S_KIND 0
#define S_MIN INT8_MIN
#define S_MAX INT8_MAX
#define S_LIMIT 0x1p7
#define S_FROM_F32(v) ((S_T)(int32_t)(v))
#define S_FROM_F64(v) ((S_T)(int32_t)(v))
#include "engine/kernels/elementwise_storage.inc.h"

#define S i16
#define S_T int16_t
#define S_KIND 0
#define S_MIN INT16_MIN
#define S_MAX INT16_MAX
#define S_LIMIT 0x1p15
#define S_FROM_F32(v) ((S_T)(int32_t)(v))
#define S_FROM_F64(v) ((S_T)(int32_t)(v))
#include "engine/kernels/elementwise_storage.inc.h"

#define S i32
#define S_T int32_t
#define S_KIND 0
#define S_MIN INT32_MIN
#define S_MAX INT32_MAX
#define S_LIMIT 0x1p31
#include "engine/kernels/elementwise_storage.inc.h"

#define S i64
#define S_T int64_t
#define S_KIND 0
#define S_MIN INT64_MIN
#define S_MAX INT64_MAX
#define S_LIMIT 0x1p63
#include "engine/kernels/elementwise_storage.inc.h"

#if defined(__F16C__) && ES_V >= 32
#include <immintrin.h>
static inline int64_t widen_halves(float *out, const uint16_t *in, int64_t n) {
  int64_t i = 0;
#if ES_V == 64
  for (; i + 16 <= n; i += 16)
    _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(in + i))));
#endif
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(in + i))));
  return i;
}
/* NaN as es_f32_to_f16 writes it, without what the float carried. */
static inline int64_t narrow_halves(uint16_t *out, const float *in, int64_t n) {
  int64_t i = 0;
#if ES_V == 64
  for (; i + 16 <= n; i += 16) {
    __m256i half = _mm512_cvtps_ph(_mm512_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT);
    __m256i nan = _mm256_cmpgt_epi16(_mm256_and_si256(half, _mm256_set1_epi16(0x7fff)),
                                     _mm256_set1_epi16(0x7c00));
    half = _mm256_andnot_si256(_mm256_and_si256(nan, _mm256_set1_epi16(0x1ff)), half);
    _mm256_storeu_si256((void *)(out + i), half);
  }
#endif
  for (; i + 8 <= n; i += 8) {
    __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT);
    __m128i nan = _mm_cmpgt_epi16(_mm_and_si128(half, _mm_set1_epi16(0x7fff)),
                                  _mm_set1_epi16(0x7c00));
    half = _mm_andnot_si128(_mm_and_si128(nan, _mm_set1_epi16(0x1ff)), half);
    _mm_storeu_si128((void *)(out + i), half);
  }
  return i;
}
#define S_RUN widen_halves
#define S_NARROW narrow_halves
#endif
#define S f16
#define S_T uint16_t
#define S_KIND 1
#define S_GET(x) es_f16_to_f32(x)
#define S_FROM_I64(v) es_f64_to_f16((double)(v)) /* exact below 2^53, inf long before */
#define S_FROM_F32(v) es_f32_to_f16(v)
#define S_FROM_F64(v) es_f64_to_f16(v)
#include "engine/kernels/elementwise_storage.inc.h"

#define S bf16
#define S_T uint16_t
#define S_KIND 1
#define S_GET(x) es_bf16_to_f32(x)
#define S_FROM_I64(v) es_i64_to_bf16(v)
#define S_FROM_F32(v) es_f32_to_bf16(v)
#define S_FROM_F64(v) es_f64_to_bf16(v)
#include "engine/kernels/elementwise_storage.inc.h"

#define S f32
#define S_T float
#define S_KIND 1
#include "engine/kernels/elementwise_storage.inc.h"

#define S f64
#define S_T double
#define S_KIND 2
#include "engine/kernels/elementwise_storage.inc.h"

#define S c64
#define S_T complex_float
#define S_KIND 3
#define S_OF_COMPLEX 1
#include "engine/kernels/elementwise_storage.inc.h"

#define S c128
#define S_T complex_double
#define S_KIND 4
#define S_OF_COMPLEX 1
#include "engine/kernels/elementwise_storage.inc.h"

/* ---- arithmetic -------------------------------------------------------------- */

#include "engine/kernels/elementwise_integer.inc.h"

#include "engine/kernels/math.inc.h"

#define SAME_FN(fn) fn
#define FLOAT_FN(fn) fn##f

#define R f32
#define R_T float
#define R_BITS uint32_t
#define R_FN FLOAT_FN
#include "engine/kernels/elementwise_real.inc.h"

#define R f64
#define R_T double
#define R_BITS uint64_t
#define R_FN SAME_FN
#include "engine/kernels/elementwise_real.inc.h"

#define R c64
#define R_T float
#define R_FN FLOAT_FN
#include "engine/kernels/elementwise_complex.inc.h"

#define R c128
#define R_T double
#define R_FN SAME_FN
#include "engine/kernels/elementwise_complex.inc.h"

/* Rows for the table: X(kind of loop, operation, where the operation is spelt). */
#define INTEGER1(X)                                                                                \
  X(map1, NEG, NEG)                                                                                \
  X(map1, ABS, ABS)                                                                                \
  X(map1, SIGN, SIGN)                                                                              \
  X(map1, SQUARE, SQUARE)                                                                          \
  X(map1, FLOOR, same)                                                                             \
  X(map1, CEIL, same)                                                                              \
  X(map1, ROUND, same)                                                                             \
  X(map1, TRUNC, same)                                                                             \
  X(map1, CONJ, same)                                                                              \
  X(map1, REAL, same)                                                                              \
  X(map1, IMAG, IMAG)                                                                              \
  X(test1, NOT, NOT) X(test1, ISNAN, never) X(test1, ISINF, never) X(test1, ISFINITE, always)

/* clang-format off */
#define REAL1(X) \
  X(map1, NEG, NEG) X(map1, ABS, ABS) X(map1, SIGN, SIGN) X(map1, SQUARE, SQUARE) \
  X(map1, SQRT, SQRT) X(map1, RSQRT, RSQRT) X(map1, RECIPROCAL, RECIPROCAL) \
  X(map1, EXPM1, EXPM1) X(map1, LOG1P, LOG1P) X(map1, LOG2, LOG2) X(map1, LOG10, LOG10) \
  X(map1, SIN, SIN) X(map1, COS, COS) X(map1, TAN, TAN) X(map1, FLOOR, FLOOR) \
  X(map1, CEIL, CEIL) X(map1, ROUND, ROUND) X(map1, TRUNC, TRUNC) X(map1, CONJ, CONJ) \
  X(map1, REAL, REAL) X(map1, IMAG, IMAG) X(test1, NOT, NOT) X(test1, ISNAN, ISNAN) \
  X(test1, ISINF, ISINF) X(test1, ISFINITE, ISFINITE) X(vector1, EXP, math_exp)
/* clang-format on */
#define F32_1(X)                                                                                   \
  REAL1(X) X(vector1, LOG, math_log) X(vector1, TANH, math_tanh) X(vector1, ERF, math_erf)
#define F64_1(X) REAL1(X) X(map1, LOG, LOG) X(map1, TANH, TANH) X(map1, ERF, ERF)

#define ACTIVATION_F32(X)                                                                          \
  X(vector1, SIGMOID, math_sigmoid)                                                                \
  X(vector1, SILU, math_silu) X(vector1, GELU, math_gelu) X(vector1, GELU_TANH, math_gelu_tanh)
#define ACTIVATION_F64(X)                                                                          \
  X(map1, SIGMOID, SIGMOID)                                                                        \
  X(map1, SILU, SILU) X(map1, GELU, GELU) X(map1, GELU_TANH, GELU_TANH)
#define ACTIVATION_COMPLEX(X) X(map1, SIGMOID, SIGMOID) X(map1, SILU, SILU)

/* clang-format off */
#define COMPLEX1(X) \
  X(part1, ABS, ABS) X(part1, REAL, REAL) X(part1, IMAG, IMAG) X(map1, NEG, NEG) \
  X(map1, SIGN, SIGN) X(map1, SQUARE, SQUARE) X(map1, SQRT, SQRT) X(map1, RSQRT, RSQRT) \
  X(map1, RECIPROCAL, RECIPROCAL) X(map1, EXP, EXP) X(map1, EXPM1, EXPM1) X(map1, LOG, LOG) \
  X(map1, LOG1P, LOG1P) X(map1, LOG2, LOG2) X(map1, LOG10, LOG10) X(map1, SIN, SIN) \
  X(map1, COS, COS) X(map1, TAN, TAN) X(map1, TANH, TANH) X(map1, CONJ, CONJ) \
  X(test1, NOT, NOT) X(test1, ISNAN, ISNAN) X(test1, ISINF, ISINF) \
  X(test1, ISFINITE, ISFINITE)
/* clang-format on */

#define RING2(X)                                                                                   \
  X(map2, ADD, ADD)                                                                                \
  X(map2, SUB, SUB)                                                                                \
  X(map2, MUL, MUL)                                                                                \
  X(map2, POW, POW)                                                                                \
  X(test2, EQ, EQ) X(test2, NE, NE) X(test2, AND, AND) X(test2, OR, OR) X(test2, XOR, XOR)

#define INTEGER2(X)                                                                                \
  RING2(X)                                                                                         \
  X(map2, FLOORDIV, FLOORDIV)                                                                      \
  X(map2, MOD, MOD)                                                                                \
  X(map2, MAXIMUM, MAXIMUM)                                                                        \
  X(map2, MINIMUM, MINIMUM) X(test2, LT, LT) X(test2, LE, LE) X(test2, GT, GT) X(test2, GE, GE)

#define REAL2(X) INTEGER2(X) X(map2, DIV, DIV) X(map2, ATAN2, ATAN2)
#define COMPLEX2(X) RING2(X) X(map2, DIV, DIV)

#define ROW1(loop, name, op, r)                                                                    \
  static int64_t row1_##name##_##r(void *o, const void *a, int64_t n) {                            \
    return loop##_##r(o, a, n, op##_##r);                                                          \
  }
#define ROW2(loop, name, op, r)                                                                    \
  static int64_t row2_##name##_##r(void *o, const void *a, const void *b, int64_t n) {             \
    return loop##_##r(o, a, b, n, op##_##r);                                                       \
  }
#define X(loop, name, op) ROW1(loop, name, op, i64)
INTEGER1(X)
#undef X
#define X(loop, name, op) ROW1(loop, name, op, f32)
F32_1(X)
ACTIVATION_F32(X)
#undef X
#define X(loop, name, op) ROW1(loop, name, op, f64)
F64_1(X)
ACTIVATION_F64(X)
#undef X
#define X(loop, name, op) ROW1(loop, name, op, c64) ROW1(loop, name, op, c128)
COMPLEX1(X)
ACTIVATION_COMPLEX(X)
#undef X
#define X(loop, name, op) ROW2(loop, name, op, i64)
INTEGER2(X)
#undef X
#define X(loop, name, op) ROW2(loop, name, op, f32) ROW2(loop, name, op, f64)
REAL2(X)
#undef X
#define X(loop, name, op) ROW2(loop, name, op, c64) ROW2(loop, name, op, c128)
COMPLEX2(X)
#undef X

/* ---- the table --------------------------------------------------------------- */

#define INTEGERS(X) X(BOOL, b8) X(U8, u8) X(I8, i8) X(I16, i16) X(I32, i32) X(I64, i64)
#define SHORT_REALS(X) INTEGERS(X) X(F16, f16) X(BF16, bf16) X(F32, f32)
#define REALS(X) SHORT_REALS(X) X(F64, f64)
#define EVERY(X) REALS(X) X(C64, c64) X(C128, c128)

extern const es_elementwise_kernels ES_WIDE(es_elementwise_kernels);
const es_elementwise_kernels ES_WIDE(es_elementwise_kernels) = {
    .load =
        {
#define X(D, s) [ES_##D] = load_i64_##s,
            [ES_I64] = {INTEGERS(X)},
#undef X
#define X(D, s) [ES_##D] = load_f32_##s,
            [ES_F32] = {SHORT_REALS(X)},
#undef X
#define X(D, s) [ES_##D] = load_f64_##s,
            [ES_F64] = {REALS(X)},
#undef X
#define X(D, s) [ES_##D] = load_c64_##s,
            [ES_C64] = {SHORT_REALS(X) X(C64, c64)},
#undef X
#define X(D, s) [ES_##D] = load_c128_##s,
            [ES_C128] = {EVERY(X)},
#undef X
        },
    .store =
        {
#define X(D, s) [ES_##D] = store_i64_##s,
            [ES_I64] = {EVERY(X)},
#undef X
#define X(D, s) [ES_##D] = store_f32_##s,
            [ES_F32] = {EVERY(X)},
#undef X
#define X(D, s) [ES_##D] = store_f64_##s,
            [ES_F64] = {EVERY(X)},
#undef X
            [ES_C64] =
                {[ES_BOOL] = store_c64_b8, [ES_C64] = store_c64_c64, [ES_C128] = store_c64_c128},
            [ES_C128] =
                {[ES_BOOL] = store_c128_b8, [ES_C64] = store_c128_c64, [ES_C128] = store_c128_c128},
        },
    .unary =
        {
#define X(loop, name, op) [ES_##name] = row1_##name##_i64,
            [ES_I64] = {INTEGER1(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row1_##name##_f32,
            [ES_F32] = {F32_1(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row1_##name##_f64,
            [ES_F64] = {F64_1(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row1_##name##_c64,
            [ES_C64] = {COMPLEX1(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row1_##name##_c128,
            [ES_C128] = {COMPLEX1(X)},
#undef X
        },
    .activation =
        {
#define X(loop, name, op) [ES_ACTIVATION_##name] = row1_##name##_f32,
            [ES_F32] = {ACTIVATION_F32(X)},
#undef X
#define X(loop, name, op) [ES_ACTIVATION_##name] = row1_##name##_f64,
            [ES_F64] = {ACTIVATION_F64(X)},
#undef X
#define X(loop, name, op) [ES_ACTIVATION_##name] = row1_##name##_c64,
            [ES_C64] = {ACTIVATION_COMPLEX(X)},
#undef X
#define X(loop, name, op) [ES_ACTIVATION_##name] = row1_##name##_c128,
            [ES_C128] = {ACTIVATION_COMPLEX(X)},
#undef X
        },
    .binary =
        {
#define X(loop, name, op) [ES_##name] = row2_##name##_i64,
            [ES_I64] = {INTEGER2(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row2_##name##_f32,
            [ES_F32] = {REAL2(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row2_##name##_f64,
            [ES_F64] = {REAL2(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row2_##name##_c64,
            [ES_C64] = {COMPLEX2(X)},
#undef X
#define X(loop, name, op) [ES_##name] = row2_##name##_c128,
            [ES_C128] = {COMPLEX2(X)},
#undef X
        },
};

#undef INTEGERS
#undef SHORT_REALS
#undef REALS
#undef EVERY
#undef INTEGER1
#undef REAL1
#undef F32_1
#undef F64_1
#undef ACTIVATION_F32
#undef ACTIVATION_F64
#undef ACTIVATION_COMPLEX
#undef COMPLEX1
#undef RING2
#undef INTEGER2
#undef REAL2
#undef COMPLEX2
#undef ROW1
#undef ROW2
