/* The nests of a plan, read back for print-outs. */
#ifndef ES_ENGINE_STAGE_H
#define ES_ENGINE_STAGE_H

#include "base/text.h"
#include "engine/plan.h"

/* One nest of a plan, read back from its text and extents. */
typedef struct es_stage {
  const es_plan_group *group;
  const es_step *step;       /* [group->n_steps] */
  const es_problem *problem; /* of the first; of what is folded, the one that was run */
  double m, n, k, batch; /* of a pair: labels of the first, of the second, of neither, of both */
  double flops, bytes, predicted;
  double measured; /* seconds, negative: not measured */
} es_stage;

/* Stage number index. seconds: of each step, or NULL. */
es_stage es_stage_of(const es_plan *plan, int index, const double *seconds);
/* The last stage before `before` whose result slot is, -1: it is an operand. */
int es_stage_writing(const es_plan *plan, int slot, int before);
/* Whether a stage is a part of every run: a nest or a statement, not an alternative, not a
 * repetition, not what moves an operand out of the way. */
bool es_stage_shown(const es_plan *plan, int index);
/* The same, or of constants alone and computed when the plan was made: a part of the picture. */
bool es_stage_drawn(const es_plan *plan, int index);
/* A name of a stage and its size, none for a statement. */
typedef struct es_stage_size {
  const char *name;
  size_t len;
  int64_t size;
  const char *rest; /* begins as group->points_formula, the others as 0 */
  int axis;
} es_stage_size;
/* The next one; a number written for an axis says its size itself. False after the last. */
bool es_stage_next_size(const es_plan_group *group, es_stage_size *s);
/* "b 8, c 64"; nothing of a statement */
void es_stage_sizes(es_text *t, const es_plan_group *group);
/* "x" of a program, else "operand 0". */
void es_stage_operand(es_text *t, const es_plan *plan, int operand);
/* The term of an operand in the text of a stage; nothing of a statement. */
void es_stage_term(es_text *t, const es_plan_group *group, int operand);

#endif
