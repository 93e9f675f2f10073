#define ES_V 16
#include "engine/kernels/elementwise.inc.h"
#include "engine/kernels/gemm.inc.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/move.inc.h"
#include "engine/kernels/normalise.inc.h"
#include "engine/kernels/stream.inc.h"
#include "engine/kernels/window.inc.h"

const es_kernels es_kernels_v16 = {
    .isa = ES_ISA_V16,
    .gemm = &gemm_kernels,
    .stream = &stream,
    .move = &move_kernels,
    .elementwise = &elementwise_kernels,
    .normalise = &normalise_kernels,
    .window = &window_kernels,
};
