/* The sizes of all labels: one system over every operand and the given sizes. */
#ifndef ES_ENGINE_SIZES_H
#define ES_ENGINE_SIZES_H

#include "engine/bind/axis_table.h"

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
 * size 1 meets any other size, as in NumPy. out_shape: per output term the
 * shape of its array (NULL, or -1 where the pattern decides): only affine axes
 * take it. S7-S10, S12, M1. */
es_status es_sizes_solve(es_arena *arena, const es_axes *axes, const es_array *in, bool stretch,
                         const int64_t *const *out_shape, es_sizes *sizes, es_error *error);

#endif
