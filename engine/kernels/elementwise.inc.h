/* The elementwise kernels of one vector width. */
#include "engine/kernels/elementwise.h"

typedef float _Complex complex_float;
typedef double _Complex complex_double;

#define ES_JOIN4_(a, b, c, d) a##b##c##d
#define ES_JOIN4(a, b, c, d) ES_JOIN4_(a, b, c, d)

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
#include "engine/kernels/elementwise_storage.inc.h"

#define S i8
#define S_T int8_t
#define S_KIND 0
#define S_MIN INT8_MIN
#define S_MAX INT8_MAX
#define S_LIMIT 0x1p7
#include "engine/kernels/elementwise_storage.inc.h"

#define S i16
#define S_T int16_t
#define S_KIND 0
#define S_MIN INT16_MIN
#define S_MAX INT16_MAX
#define S_LIMIT 0x1p15
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

/* ---- the table --------------------------------------------------------------- */

#define INTEGERS(X) X(BOOL, b8) X(U8, u8) X(I8, i8) X(I16, i16) X(I32, i32) X(I64, i64)
#define SHORT_REALS(X) INTEGERS(X) X(F16, f16) X(BF16, bf16) X(F32, f32)
#define REALS(X) SHORT_REALS(X) X(F64, f64)
#define EVERY(X) REALS(X) X(C64, c64) X(C128, c128)

static const es_elementwise_kernels elementwise_kernels = {
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
            [ES_C64] = {[ES_BOOL] = store_c64_b8, [ES_C64] = store_c64_c64, [ES_C128] = store_c64_c128},
            [ES_C128] = {[ES_BOOL] = store_c128_b8,
                         [ES_C64] = store_c128_c64,
                         [ES_C128] = store_c128_c128},
        },
};

#undef INTEGERS
#undef SHORT_REALS
#undef REALS
#undef EVERY
