/* Kernels: pointers, strides, counts. One const table per vector width: the build compiles
 * every file here but select.c once for each, with ES_V, the bytes of a vector; parts that
 * several types share are templates (*.inc.h). Kernels take only base. */
#ifndef ES_ENGINE_KERNELS_H
#define ES_ENGINE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

typedef struct es_gemm_kernels es_gemm_kernels;               /* gemm.h */
typedef struct es_stream_kernels es_stream_kernels;           /* stream.h */
typedef struct es_move_kernels es_move_kernels;               /* move.h */
typedef struct es_elementwise_kernels es_elementwise_kernels; /* elementwise.h */
typedef struct es_normalise_kernels es_normalise_kernels;     /* normalise.h */
typedef struct es_window_kernels es_window_kernels;           /* window.h */
typedef struct es_direct_kernels es_direct_kernels;           /* direct.h */

typedef struct es_kernels {
  es_isa isa;
  const es_gemm_kernels *gemm;
  const es_stream_kernels *stream;
  const es_move_kernels *move;
  const es_elementwise_kernels *elementwise;
  const es_window_kernels *window;
  const es_direct_kernels *direct;
  bool dot;   /* sums of products of 8- and 16-bit integers (AVX512-VNNI) run here */
  bool pairs; /* sums of products of pairs of bf16 (AVX512-BF16) run here, and fast */
  const es_normalise_kernels *normalise;
} es_kernels;

extern const es_kernels es_kernels_v16, es_kernels_v32, es_kernels_v64, es_kernels_v64_dot,
    es_kernels_v64_pairs;

/* The table for an ISA; AUTO: the widest that the processor has, asked of its feature bits, but
 * for pairs, whose bit does not tell how fast they are. NULL: not on this processor. */
const es_kernels *es_kernels_select(es_isa isa);

#endif
