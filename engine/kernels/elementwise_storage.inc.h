/* Loads and stores of one storage type. Set before including, unset afterwards:
 *   S         suffix of the storage type, as es_dtype_name spells it; b8 for bool,
 *             which stdbool.h defines as a macro
 *   S_T       its C type in memory
 *   S_KIND    0 bool and integers, 1 f16, bf16, f32, 2 f64, 3 c64, 4 c128
 *   S_GET(x)  widens S_T to a C arithmetic type, exactly; default x
 *   S_RUN(out, in, n), S_NARROW  widens neighbours to float, narrows them from float, as many
 *             as it likes; returns how many
 *   S_FROM_I64(v), S_FROM_F32(v), S_FROM_F64(v), S_FROM_C(v)
 *             narrow with one rounding; default a C cast
 *   S_MIN, S_MAX, S_LIMIT  only for integers: smallest and largest value, and one
 *             past the largest as a double
 *   S_OF_COMPLEX  1 where a complex value can be stored; default 0 */

#ifndef S_GET
#define S_GET(x) (x)
#endif
#ifndef S_FROM_I64
#define S_FROM_I64(v) ((S_T)(v))
#endif
#ifndef S_FROM_F32
#define S_FROM_F32(v) ((S_T)(v))
#endif
#ifndef S_FROM_F64
#define S_FROM_F64(v) ((S_T)(v))
#endif
#ifndef S_FROM_C
#define S_FROM_C(v) ((S_T)(v))
#endif

#ifndef S_OF_COMPLEX
#define S_OF_COMPLEX 0
#endif

#define K i64
#define K_T int64_t
#define K_MASK int64_t
#define K_FROM S_FROM_I64
#define K_LOADS (S_KIND == 0)
#define K_STORES 1
#define K_INTEGER 1
#include "engine/kernels/elementwise_convert.inc.h"

#define K f32
#define K_T float
#define K_MASK int32_t
#define K_FROM S_FROM_F32
#define K_LOADS (S_KIND <= 1)
#define K_STORES 1
#define K_INTEGER 0
#include "engine/kernels/elementwise_convert.inc.h"

#define K f64
#define K_T double
#define K_MASK int64_t
#define K_FROM S_FROM_F64
#define K_LOADS (S_KIND <= 2)
#define K_STORES 1
#define K_INTEGER 0
#include "engine/kernels/elementwise_convert.inc.h"

#define K c64
#define K_T complex_float
#define K_MASK int64_t
#define K_FROM S_FROM_C
#define K_LOADS (S_KIND <= 1 || S_KIND == 3)
#define K_STORES S_OF_COMPLEX
#define K_INTEGER 0
#include "engine/kernels/elementwise_convert.inc.h"

#define K c128
#define K_T complex_double
#define K_MASK int64_t
#define K_FROM S_FROM_C
#define K_LOADS 1
#define K_STORES S_OF_COMPLEX
#define K_INTEGER 0
#include "engine/kernels/elementwise_convert.inc.h"

#undef S
#undef S_T
#undef S_KIND
#undef S_GET
#undef S_RUN
#undef S_NARROW
#undef S_FROM_I64
#undef S_FROM_F32
#undef S_FROM_F64
#undef S_FROM_C
#undef S_MIN
#undef S_LIMIT
#undef S_MAX
#undef S_OF_COMPLEX
