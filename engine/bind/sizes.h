/* The sizes of all labels: one system over every operand and the given sizes. */
#ifndef ES_ENGINE_SIZES_H
#define ES_ENGINE_SIZES_H

#include "engine/bind/axes.h"

/* Where a size comes from, to word a clash. */
typedef enum es_size_source {
  ES_SIZE_UNKNOWN = 0,
  ES_SIZE_TEXT,  /* a number in the pattern */
  ES_SIZE_GIVEN, /* by the caller */
  ES_SIZE_AXIS,  /* an axis of an operand */
  ES_SIZE_SOLVED /* follows from a group or an affine index */
} es_size_source;

typedef struct es_size_origin {
  es_size_source source;
  int operand, axis; /* AXIS, SOLVED */
  es_span span;
} es_size_origin;

typedef struct es_sizes {
  int64_t *extent;        /* [axes->n_vars]; all known after es_sizes_solve */
  es_size_origin *origin; /* [axes->n_vars] */
} es_sizes;

/* Solves in rounds: plain names first, then any group with exactly one unknown, an
 * affine index only where no group can, until nothing changes. stretch: a label of
 * size 1 meets any other size, as in NumPy. out_shape: NULL, or per output term
 * the shape of its array (NULL, or -1 where the pattern decides): only affine
 * axes take it. S7-S10, S12, M1. */
es_status es_sizes_solve(es_arena *arena, const es_axes *axes, const es_array *in, bool stretch,
                         const int64_t *const *out_shape, es_sizes *sizes, es_error *error);

/* Range of an affine index over the extents of its labels. False when it does not
 * fit 64 bits. *empty: some label has size 0, nothing is read. */
bool es_affine_range(const es_affine *a, const int64_t *extent, int64_t *low, int64_t *high,
                     bool *empty);

/* Steps that stand in files of their own. */
/* Largest size of the unknown label of an input index over length elements
 * (as many positions as keep every read inside,
 * or, with a fill, inside the axis padded alike on both ends). */
es_status es_affine_solve(const es_axes *axes, const es_sizes *sizes, const es_node *node,
                          int64_t length, int operand, int axis, int32_t *label, int64_t *size,
                          es_error *error);
/* Size of the target of an affine index on the output: the mirror of that rule. */
bool es_affine_target(const es_affine *a, const int64_t *extent, int64_t *length);

#endif
