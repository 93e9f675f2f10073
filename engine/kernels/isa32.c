#define ES_V 32
#include "engine/kernels/elementwise.inc.h"
#include "engine/kernels/gemm.inc.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/move.inc.h"
#include "engine/kernels/normalise.inc.h"
#include "engine/kernels/stream.inc.h"
#include "engine/kernels/window.inc.h"

const es_kernels es_kernels_v32 = {
    .isa = ES_ISA_V32,
    .gemm = &gemm_kernels,
    .stream = &stream,
    .move = &move_kernels,
    .elementwise = &elementwise_kernels,
    .normalise = &normalise_kernels,
    .window = &window_kernels,
};
