/* The kernels of one vector width. */
#include "engine/kernels/kernels.h"
#include "engine/kernels/width.h"

extern const es_gemm_kernels ES_WIDE(es_gemm_kernels);
extern const es_stream_kernels ES_WIDE(es_stream_kernels);
extern const es_move_kernels ES_WIDE(es_move_kernels);
extern const es_elementwise_kernels ES_WIDE(es_elementwise_kernels);
extern const es_window_kernels ES_WIDE(es_window_kernels);
extern const es_direct_kernels ES_WIDE(es_direct_kernels);
extern const es_normalise_kernels ES_WIDE(es_normalise_kernels);

#define ES_TABLES                                                                                  \
  .isa = (es_isa)ES_V, .gemm = &ES_WIDE(es_gemm_kernels), .stream = &ES_WIDE(es_stream_kernels),   \
  .move = &ES_WIDE(es_move_kernels), .elementwise = &ES_WIDE(es_elementwise_kernels),              \
  .window = &ES_WIDE(es_window_kernels), .direct = &ES_WIDE(es_direct_kernels),                    \
  .normalise = &ES_WIDE(es_normalise_kernels)

const es_kernels ES_WIDE(es_kernels) = {ES_TABLES};
#if ES_V == 64
const es_kernels es_kernels_v64_dot = {ES_TABLES, .dot = true};
const es_kernels es_kernels_v64_pairs = {ES_TABLES, .dot = true, .pairs = true};
#endif
