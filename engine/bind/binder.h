/* What the files of the bind stage share: a bound in the making, and what each of them adds
 * to it. Only bind*.c and scatter.c. */
#ifndef ES_ENGINE_BINDER_H
#define ES_ENGINE_BINDER_H

#include "engine/bind/axis_words.h"
#include "engine/bind/bound.h"
#include "engine/bind/sizes.h"

/* One memory axis of an operand as its nodes see it. Of a padded operand these
 * are the axes of the padded copy. */
typedef struct es_bind_axis {
  const es_node *node;
  int64_t stride;
  int64_t low; /* elements the padded copy has before the axis */
} es_bind_axis;

typedef struct es_bind_operand {
  int n;
  es_bind_axis *axis;
  const int64_t *stride; /* of the array, by its own axes */
} es_bind_operand;

/* An affine axis of the output whose labels still have to be exchanged for
 * output labels: index offset + sum stride*label of an axis of extent elements
 * that lie stride apart. */
typedef struct es_scatter_axis {
  es_walk index;
  int64_t stride, extent;
  es_span span;
} es_scatter_axis;

/* A part in the making. */
typedef struct es_draft {
  es_part part;
  int n_scatter;
  es_scatter_axis *scatter;
} es_draft;

typedef struct es_binder {
  es_arena *arena;
  es_bound *bound;
  const es_axes *axes;
  es_sizes sizes;
  const es_array *in;
  es_bind_operand *operand; /* [n_in] */
  bool stretch;
  int label_room, part_room; /* of bound->label and bound->part */
  /* Scratch of the walk being built: entry of each label in it, -1 between. */
  int32_t *slot;
  es_walk work;
  int32_t *choice;  /* [n_vars] the alternative taken of each '^' */
  int64_t **before; /* [n_vars] of each '^': elements before each alternative */
  uint32_t *alive;  /* [labels] stamp of the part that holds the label */
  uint32_t stamp;
  bool *used;      /* [n_in] by some part */
  int64_t n_walks; /* operands of all parts together */
  es_error *error;
} es_binder;

/* ---- binder.c: what is appended ------------------------------------------- */

/* A label made by the stage itself. Its number in *label. */
es_status es_bind_new_label(es_binder *b, const char *name, int64_t extent, int32_t *label);
/* Appends a finished part. */
es_status es_bind_add_part(es_binder *b, const es_part *part);
/* Fails: positions that 64 bits do not count. */
es_status es_bind_overflow(es_binder *b, es_span span);
static inline const es_pattern *es_bind_pattern(const es_binder *b) { return b->axes->pattern; }

/* ---- bind_walk.c: memory axes and walks ---------------------------------- */

/* Strides by node, padded copies, reads that leave an axis (S13). */
es_status es_bind_operands(es_binder *b);
/* The walk of an operand, and the constraints of its '?0' axes appended. */
es_status es_bind_input_walk(es_binder *b, int operand, es_walk *walk, es_part *part,
                             int *constraint_room);
/* The walk of an output over its plain axes; affine ones go to draft->scatter. */
es_status es_bind_output_walk(es_binder *b, int output, es_draft *draft, bool *repeats);

/* ---- bind_choose.c: '^' ------------------------------------------------------ */

typedef struct es_chooser es_chooser;
es_status es_chooser_make(es_binder *b, es_chooser **chooser);
/* Starts an output with the first alternative of each of its '^'. */
es_status es_chooser_output(es_chooser *chooser, int output);
/* Goes to the next combination of alternatives; false after the last. */
bool es_chooser_next(es_chooser *chooser);
/* The operands of the part, ascending, valid until the next call; the alternatives
 * of their own '^' are then set in b->choice. */
es_status es_chooser_operands(es_chooser *chooser, const int32_t **operands, int *n);

/* ---- bind_parts.c ------------------------------------------------------------ */

/* All parts of all outputs: one for each choice of '^', affine outputs expanded. */
es_status es_bind_parts(es_binder *b);

/* ---- bind_types.c -------------------------------------------------------------- */

/* Reducer, combine, dtypes, alpha and beta, by kind, pattern and options. */
es_status es_bind_types(es_binder *b, const es_options *options, const es_array *out);

/* ---- bind_check.c ---------------------------------------------------------------- */

/* What holds of finished parts: S15, rearrange reduces nothing, mean_count. */
es_status es_bind_check_parts(es_binder *b);

#endif
