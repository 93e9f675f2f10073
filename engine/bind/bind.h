/* From a pattern and the shapes of its operands to what it means for them. */
#ifndef ES_ENGINE_BIND_H
#define ES_ENGINE_BIND_H

#include "engine/bind/bound.h"

/* Axes, sizes, views: everything of NOTATION sections 3 and 4 that needs shapes.
 * in[i].data is not read. out_arrays may be NULL (C order results). The bound
 * lives in arena and points into pattern. */
es_status es_bind(es_arena *arena, const es_pattern *pattern, const es_array *in, int64_t n,
                  const es_array *out, const es_options *options, es_bound **bound,
                  es_error *error);

#endif
