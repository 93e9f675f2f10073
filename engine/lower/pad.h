/* Operands that are read outside their memory. */
#ifndef ES_ENGINE_PAD_H
#define ES_ENGINE_PAD_H

#include "engine/lower/builder.h"

/* The padded copy of operand i, which takes its place. */
es_status es_builder_pad(es_builder *b, int operand);

#endif
