/* Operands that never change. */
#ifndef ES_ENGINE_CONSTANT_H
#define ES_ENGINE_CONSTANT_H

#include "engine/lower/builder.h"

/* Computes once what depends on constant operands alone, whose data are in[n_in] (NULL
 * of others), and lets steps keep packed copies of what they read. */
es_status es_builder_fold(es_builder *b, const es_array *in);

#endif
