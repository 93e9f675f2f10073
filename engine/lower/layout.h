/* The workspace of a plan. */
#ifndef ES_ENGINE_LAYOUT_H
#define ES_ENGINE_LAYOUT_H

#include "engine/lower/builder.h"

/* Offsets of intermediates and of the steps' own workspace: memory is used again
 * once the last reader of an intermediate has run. */
es_status es_builder_layout(es_builder *b);

#endif
