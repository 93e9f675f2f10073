#define ES_V 64
#include "engine/kernels/kernels.h"

const es_kernels es_kernels_v64 = {
    .isa = ES_ISA_V64,
};
