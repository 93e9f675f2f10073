#define ES_V 64
#include "engine/kernels/kernels.h"
#include "engine/kernels/elementwise.inc.h"

const es_kernels es_kernels_v64 = {
    .isa = ES_ISA_V64,
    .elementwise = &elementwise_kernels,
};
