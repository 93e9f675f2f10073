/* One output: its parts, the gaps between them, and beta. */
#ifndef ES_ENGINE_LOWER_OUTPUT_H
#define ES_ENGINE_LOWER_OUTPUT_H

#include "engine/lower/builder.h"

/* to = alpha * from + beta * to, element by element of to's shape. */
es_status es_builder_map(es_builder *b, const es_side *from, int to, double alpha, double beta,
                         bool wrap);
/* All of an output: gaps between its parts get the identity of the reducer. */
es_status es_builder_output(es_builder *b, int output);

#endif
