/* Linear forms over labels: offset + sum stride[i] * index(label[i]). */
#ifndef ES_ENGINE_WALK_H
#define ES_ENGINE_WALK_H

#include "engine/bind/bound.h"

/* The entry of label, or -1. */
int es_walk_find(const es_walk *w, int32_t label);
/* How far a step along label moves: 0 where it does not stand in w. */
int64_t es_walk_stride(const es_walk *w, int32_t label);
/* Range over the extents by label; false when it does not fit 64 bits. *empty:
 * some label has no index. */
bool es_walk_range(const es_walk *w, const es_label *label, int64_t *low, int64_t *high,
                   bool *empty);
/* A copy with room for more entries. NULL arrays when memory is out. */
bool es_walk_copy(es_arena *arena, const es_walk *w, int room, es_walk *out);
/* w with label replaced by the form value, in new arrays; w itself where label
 * does not stand in it. ES_E_NOMEM or ES_E_OVERFLOW; no error is filled. */
es_status es_walk_substitute(es_arena *arena, const es_walk *w, int32_t label, const es_walk *value,
                             es_walk *out);

#endif
