#define ES_V 64
#include "engine/kernels/elementwise.inc.h"
#include "engine/kernels/gemm.inc.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/move.inc.h"
#include "engine/kernels/normalise.inc.h"
#include "engine/kernels/stream.inc.h"
#include "engine/kernels/window.inc.h"

#define ES_TABLES                                                                                  \
  .isa = ES_ISA_V64, .gemm = &gemm_kernels, .stream = &stream, .move = &move_kernels,              \
  .elementwise = &elementwise_kernels, .normalise = &normalise_kernels, .window = &window_kernels

const es_kernels es_kernels_v64 = {ES_TABLES};
const es_kernels es_kernels_v64_dot = {ES_TABLES, .dot = true};
