/* Affine output axes: every t of an axis gathers the points with index t. */
#ifndef ES_ENGINE_SCATTER_H
#define ES_ENGINE_SCATTER_H

#include "engine/bind/binder.h"

/* Turns a draft with affine output axes into parts that write disjoint elements,
 * labels of the output on one side, reduced ones on the other. *gaps: some
 * element of the target is written by no part. The parts are appended to
 * b->bound->part. */
es_status es_scatter_expand(es_binder *b, const es_draft *draft, bool *gaps);

#endif
