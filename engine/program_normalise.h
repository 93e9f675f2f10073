/* Functions of a program that normalise rows. */
#ifndef ES_ENGINE_PROGRAM_NORMALISE_H
#define ES_ENGINE_PROGRAM_NORMALISE_H

#include "engine/compiler.h"

/* The steps of a FUNCTION that is not elementwise. */
es_status es_compile_normalise(es_compiler *c, int32_t node);

#endif
