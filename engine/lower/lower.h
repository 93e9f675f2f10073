/* From a bound to the steps of a plan. */
#ifndef ES_ENGINE_LOWER_H
#define ES_ENGINE_LOWER_H

#include "engine/lower/builder.h"

/* Room for the slots of the operands and outputs of b->bound, all of them 0. */
es_status es_builder_operands(es_builder *b);
/* All steps of b->bound, whose operands and outputs have their slots. */
es_status es_builder_expression(es_builder *b);

#endif
