/* The rules on names and ranks that need no sizes, by kind: S1-S6 and S11. */
#ifndef ES_ENGINE_AXIS_RULES_H
#define ES_ENGINE_AXIS_RULES_H

#include "engine/bind/axis_table.h"

/* S1-S5 and S11, by kind: the rules that need no ranks. */
es_status es_names_check(es_arena *arena, const es_axes *axes, es_error *error);
/* S6 for an operand whose rank its term cannot have. */
es_status es_axes_rank_error(const es_axes *axes, const es_array *in, int64_t n, int operand,
                             int named, bool at_least, es_error *error);

#endif
