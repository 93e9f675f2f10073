/* What the values of a contraction's operands are like, seen before it runs: whether fast
 * arithmetic is exact for them. */
#ifndef ES_ENGINE_GEMM_VALUES_H
#define ES_ENGINE_GEMM_VALUES_H

#include "engine/strategies/gemm.h"

/* Of integers, both 0 where there are none. Of bf16, as bits, the magnitudes: the least but zero,
 * less one (UINT16_MAX: there are only zeros), and the greatest. */
typedef struct es_gemm_extremes {
  int64_t least, most;
} es_gemm_extremes;

typedef struct es_gemm_values es_gemm_values;

/* Where the values of p's operands lie. Those of operand x, whose terms may be absent, are the ones
 * that the boxes of p see. NULL: out of memory. */
es_gemm_values *es_gemm_values_make(es_arena *arena, const es_problem *p, int x);
/* Looks at every value of both operands, on up to so many threads. */
void es_gemm_values_look(const es_gemm_values *v, const es_kernels *kernels, int threads,
                         const es_run_args *args, es_gemm_extremes seen[2]);

#endif
