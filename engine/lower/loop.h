/* Loops of a plan: labels that were cut. */
#ifndef ES_ENGINE_LOOP_H
#define ES_ENGINE_LOOP_H

#include "engine/lower/builder.h"

/* Where in the plan the steps of a sliced part lie, and what of its labels they keep. Nothing
 * to do where all is kept. */
es_status es_builder_loop(es_builder *b, const es_part *part, int begin, int last, int again);

#endif
