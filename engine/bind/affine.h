/* Window arithmetic: the one place that knows how an affine index, the length it
 * reads and the sizes of its labels belong together. */
#ifndef ES_ENGINE_AFFINE_H
#define ES_ENGINE_AFFINE_H

#include "engine/bind/axis_table.h"

/* Range of an affine index over the extents of its labels. False when it does not
 * fit 64 bits. *empty: some label has size 0, nothing is read. */
bool es_affine_range(const es_affine *a, const int64_t *extent, int64_t *low, int64_t *high,
                     bool *empty);
/* Largest size of the label with a negative extent in an input index over length elements: as
 * many positions as keep every read inside, or, with a fill, inside the axis padded alike on
 * both ends. *label -1: no length bounds it. */
es_status es_affine_solve(const es_axes *axes, const int64_t *extent, const es_node *node,
                          int64_t length, int operand, int axis, int32_t *label, int64_t *size,
                          es_error *error);
/* Size of the target of an affine index on the output: the mirror of that rule. */
bool es_affine_target(const es_affine *a, const int64_t *extent, int64_t *length);

#endif
