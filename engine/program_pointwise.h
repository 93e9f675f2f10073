/* Elementwise operations of a program, as few passes over memory as can be. */
#ifndef ES_ENGINE_PROGRAM_POINTWISE_H
#define ES_ENGINE_PROGRAM_POINTWISE_H

#include "engine/compiler.h"

/* A UNARY, BINARY or elementwise FUNCTION: what it will be, when it is computed. */
es_status es_compile_pointwise(es_compiler *c, int32_t node);
/* Computes a value that is PENDING. */
es_status es_compile_pending(es_compiler *c, int32_t node);

#endif
