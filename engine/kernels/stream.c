/* The streaming kernels of one vector width: compiled once for each width by the build, which
 * sets ES_V, the bytes of a vector. */
#include <math.h>
#include <stdatomic.h>

#include "engine/kernels/stream.h"
#include "engine/kernels/width.h"

#if ES_V == 64 && defined(__AVX512DQ__)
#include <immintrin.h>
#define AVX512 1
#elif ES_V == 32 && defined(__AVX2__)
#include <immintrin.h>
#define AVX2 1
#endif

/* Lanes of two vectors of N taken alternately: the first halves, the second halves. */
#define ZIP_LO_2 0, 2
#define ZIP_HI_2 1, 3
#define ZIP_LO_4 0, 4, 1, 5
#define ZIP_HI_4 2, 6, 3, 7
#define ZIP_LO_8 0, 8, 1, 9, 2, 10, 3, 11
#define ZIP_HI_8 4, 12, 5, 13, 6, 14, 7, 15
#define ZIP_LO_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ZIP_HI_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

#define EVEN_2 0, 0
#define ODD_2 1, 1
#define EVEN_4 0, 2, 0, 2
#define ODD_4 1, 3, 1, 3
#define EVEN_8 0, 2, 4, 6, 0, 2, 4, 6
#define ODD_8 1, 3, 5, 7, 1, 3, 5, 7
#define EVEN_16 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_16 1, 3, 5, 7, 9, 11, 13, 15, 1, 3, 5, 7, 9, 11, 13, 15

/* Bytes by which a run is fetched ahead: the processor's own prefetch stops at the end of
 * a page, and is not far enough ahead of a core that has nothing else to do. */
enum { RUN_AHEAD = 8192 };
/* Elements from a row to the one of the next block of rows, if that goes on alike. */
ES_INLINE int64_t rows_ahead(const es_steps *s) {
  return s->n1 > 1 ? s->n1 * s->a1 : s->n0 * s->a0;
}

#if AVX512 || AVX2
#include "engine/kernels/stream_x86.inc.h"
#endif

#define E bits8
#define E_NAME b1
#define E_LANES 16
#define E_ROUNDS 4
#include "engine/kernels/stream_transpose.inc.h"

#define E bits16
#define E_NAME b2
#define E_LANES 8
#define E_ROUNDS 3
#include "engine/kernels/stream_transpose.inc.h"

#define E bits32
#define E_NAME b4
#define E_LANES LANES_4
#define E_ROUNDS (LANES_4 == 16 ? 4 : LANES_4 == 8 ? 3 : 2)
#include "engine/kernels/stream_transpose.inc.h"

#define E bits64
#define E_NAME b8
#define E_LANES LANES_8
#define E_ROUNDS (LANES_8 == 8 ? 3 : LANES_8 == 4 ? 2 : 1)
#include "engine/kernels/stream_transpose.inc.h"

/* One c128. */
typedef struct bits128 {
  uint64_t half[2];
} __attribute__((may_alias)) bits128;

static void gather_b16(void *out, const void *in, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; i++) ((bits128 *)out)[i] = ((const bits128 *)in)[i * step];
}

#define T float
#define T_BITS int32_t
#define T_NAME f32
#define T_SUMS 0
#define T_REAL 1
#define T_LANES LANES_4
#define T_TRANSPOSE registers_b4
#include "engine/kernels/stream_rows.inc.h"

#define T double
#define T_BITS int64_t
#define T_NAME f64
#define T_SUMS 1
#define T_REAL 1
#define T_LANES LANES_8
#define T_TRANSPOSE registers_b8
#include "engine/kernels/stream_rows.inc.h"

#define T int64_t
#define T_BITS int64_t
#define T_NAME i64
#define T_SUMS 1
#define T_REAL 0
#define T_LANES LANES_8
#define T_TRANSPOSE registers_b8
#include "engine/kernels/stream_rows.inc.h"

#include "engine/kernels/stream_widen.inc.h"

#define T float
#define T_NAME c64
#define T_SUMS 0
#define T_PARTS f32
#include "engine/kernels/stream_complex.inc.h"

#define T double
#define T_NAME c128
#define T_SUMS 1
#define T_PARTS f64
#include "engine/kernels/stream_complex.inc.h"

extern const es_stream_kernels ES_WIDE(es_stream_kernels);
const es_stream_kernels ES_WIDE(es_stream_kernels) = {
    .combine =
        {
            {[ES_I64] = row_multiply_i64,
             [ES_F32] = row_multiply_f32,
             [ES_F64] = row_multiply_f64,
             [ES_C64] = row_multiply_c64,
             [ES_C128] = row_multiply_c128},
            {[ES_I64] = row_add_i64,
             [ES_F32] = row_add_f32,
             [ES_F64] = row_add_f64,
             [ES_C64] = row_add_c64,
             [ES_C128] = row_add_c128},
            {[ES_I64] = row_larger_i64, [ES_F32] = row_larger_f32, [ES_F64] = row_larger_f64},
            {[ES_I64] = row_smaller_i64, [ES_F32] = row_smaller_f32, [ES_F64] = row_smaller_f64},
            {[ES_I64] = row_both_i64, [ES_F32] = row_both_f32, [ES_F64] = row_both_f64},
            {[ES_I64] = row_either_i64, [ES_F32] = row_either_f32, [ES_F64] = row_either_f64},
        },
    .truth = {[ES_I64] = row_truth_i64, [ES_F32] = row_truth_f32, [ES_F64] = row_truth_f64},
    .fold_rows =
        {
            {[ES_I64] = rows_sum_i64, [ES_F64] = rows_sum_f64, [ES_C128] = rows_sum_c128},
            {[ES_F64] = rows_sum2_f64, [ES_C128] = rows_sum2_c128},
            {[ES_I64] = rows_prod_i64, [ES_F64] = rows_prod_f64, [ES_C128] = rows_prod_c128},
            {[ES_I64] = rows_max_i64, [ES_F32] = rows_max_f32, [ES_F64] = rows_max_f64},
            {[ES_I64] = rows_min_i64, [ES_F32] = rows_min_f32, [ES_F64] = rows_min_f64},
        },
    .fold_runs =
        {
            {[ES_I64] = runs_sum_i64, [ES_F64] = runs_sum_f64, [ES_C128] = runs_sum_c128},
            {[ES_F64] = runs_sum2_f64, [ES_C128] = runs_sum2_c128},
            {[ES_I64] = runs_prod_i64, [ES_F64] = runs_prod_f64, [ES_C128] = runs_prod_c128},
            {[ES_I64] = runs_max_i64, [ES_F32] = runs_max_f32, [ES_F64] = runs_max_f64},
            {[ES_I64] = runs_min_i64, [ES_F32] = runs_min_f32, [ES_F64] = runs_min_f64},
        },
    .widen_rows = rows_widen,
    .widen_runs = runs_sum_widen,
    .mad_rows = {[ES_I64] = mad_rows_i64,
                 [ES_F32] = mad_rows_f32,
                 [ES_F64] = mad_rows_f64,
                 [ES_C64] = mad_rows_c64,
                 [ES_C128] = mad_rows_c128},
    .mad_scalar = {[ES_I64] = mad_scalar_i64,
                   [ES_F32] = mad_scalar_f32,
                   [ES_F64] = mad_scalar_f64,
                   [ES_C64] = mad_scalar_c64,
                   [ES_C128] = mad_scalar_c128},
    .mad_chains = {[ES_F32] = mad_chains_f32, [ES_F64] = mad_chains_f64},
    .lanes = {[ES_F32] = LANES_4, [ES_F64] = LANES_8},
    .gather = {gather_b1, gather_b2, gather_b4, gather_b8, gather_b16},
};

#undef AVX512
#undef AVX2
