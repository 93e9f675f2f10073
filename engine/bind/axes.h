/* From a pattern to its axis table. Knows names, ranks and the sizes the caller gave; solves
 * nothing. */
#ifndef ES_ENGINE_AXES_H
#define ES_ENGINE_AXES_H

#include "engine/bind/axis_table.h"

/* Reads the pattern against the ranks of the operands: counts (S11), names (S1 to
 * S5, S10), ranks (S6). Of in, rank and shape are read. */
es_status es_axes_build(es_arena *arena, const es_pattern *pattern, const es_array *in, int64_t n,
                        const es_axis_size *sizes, es_axes **axes, es_error *error);

#endif
