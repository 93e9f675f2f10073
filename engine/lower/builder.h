/* A plan under construction: slots, groups and steps are appended, then the
 * workspace is laid out. */
#ifndef ES_ENGINE_BUILDER_H
#define ES_ENGINE_BUILDER_H

#include "engine/ctx.h"
#include "engine/plan.h"

/* How a plan is to fit into the limit of memory, and what came of it. Orders are estimated, the
 * layout of the workspace decides. */
typedef struct es_fit {
  int64_t limit;
  bool whole;    /* count the results whatever they take, else only where they fit: larger ones are
                    the caller's own, or refused later */
  double share;  /* of the room that intermediates may take, 0: cut whatever frees memory;
                    afterwards of the next attempt, -1: there is none */
  int operands;  /* of the largest search for an order; 0: there was none */
  bool over;     /* all is cut, and the estimate passes the limit */
  int64_t least; /* the limit that would do for this plan, which does not fit; else 0 */
} es_fit;

enum { ES_FIT_FEW = 8 }; /* operands whose orders are found in no time */

typedef struct es_builder es_builder;
struct es_builder {
  es_ctx *ctx;
  es_plan *plan;
  es_arena *scratch; /* of the building alone: paths, problems before they are split */
  const es_bound *bound;
  es_plan_env env;
  const char *forced;   /* strategy, or NULL */
  const bool *constant; /* [n_in of the plan] es_options.constant */
  const int64_t *same;  /* [n_in of the bound] es_options.same, or NULL */
  double effort;        /* of the search for an order */
  uint64_t order_seed;
  es_fit *fit;    /* into the limit of memory */
  bool estimated; /* the memory of what is added now: the layout will tell whether it fits */
  bool pieces;    /* the steps now added run in pieces, or may be passed over */
  bool auxiliary; /* the steps now added pad or fill: they are no part of the expression */
  int cap_slots, cap_steps, cap_groups, cap_detours, cap_loops;
  int64_t *extent;         /* [labels of the bound] what of a label one step walks */
  int32_t *axis_of;        /* [labels of the bound] -1 between uses */
  int32_t *operand_slot;   /* [n_in of the bound]: the operand, or its padded copy */
  int64_t *operand_offset; /* [n_in of the bound] of its element (0, …) in the slot */
  int32_t *output_slot;    /* [n_out of the bound] */
  double live;             /* bytes of intermediates before first_slot that later steps read */
  int first_slot;          /* of those the steps of this bound may add */
  es_error *error;
};

/* A new intermediate in C order; refused when it passes the memory limit. */
es_status es_builder_intermediate(es_builder *b, es_dtype dtype, int rank, const int64_t *shape,
                                  int *slot);
/* One element that every index reads. */
es_status es_builder_constant(es_builder *b, es_dtype dtype, es_scalar value, int *slot);
/* Opens the group that later steps belong to. Both texts live in the plan's arena;
 * formula is NULL for steps that are no part of the expression. */
es_status es_builder_group(es_builder *b, const char *text, const char *formula, double points);
/* Appends the steps of a problem: canonical, split into boxes where constraints
 * allow, each by the cheapest strategy. p lives in scratch and is consumed. */
es_status es_builder_nest(es_builder *b, es_problem *p);
/* Computes once what depends on constant operands alone, whose data values[n_in] are (NULL
 * of others), and lets steps keep packed copies of what they read (constant.c). */
es_status es_builder_fold(es_builder *b, const es_array *in);
/* Offsets of intermediates and of the steps' own workspace: memory is used again
 * once the last reader of an intermediate has run. */
es_status es_builder_layout(es_builder *b);

/* The padded copy of operand i (pad.c). */
es_status es_builder_pad(es_builder *b, int operand);
/* Where in the plan the steps of a sliced part lie, and what of its labels they keep
 * (slice.c). Nothing to do where all is kept. */
es_status es_builder_loop(es_builder *b, const es_part *part, int begin, int last, int again);
/* What intermediates may still take of the context's memory. */
double es_builder_room(const es_builder *b);
/* Whether a workspace of so many bytes fits. Where an order was searched for, the results count
 * too, unless they are the caller's own: with the limit that would do the whole call works. */
es_status es_builder_admit(es_builder *b, size_t bytes);
/* Words what does not fit into a limit, of which now bytes are in use. */
es_status es_fit_refuse(const es_fit *fit, int64_t now, int64_t limit, es_error *error);
/* Slots of a plan of n_in operands and n_out outputs; describes the former (plan.c). */
es_status es_builder_begin(es_builder *b, const es_array *in, int n_in, int n_out);
/* Room for the slots of the operands and outputs of b->bound, all of them 0. */
es_status es_builder_operands(es_builder *b);
/* All steps of b->bound, whose operands and outputs have their slots (plan.c). */
es_status es_builder_expression(es_builder *b);
/* Describes slot index, an input or an output of the plan (plan.c). */
es_status es_builder_outer_slot(es_builder *b, int index, es_dtype dtype, int rank,
                                const int64_t *shape, const int64_t *strides);
/* One step made by hand, its problem (which tells what it reads and writes) in the
 * plan's arena, as the last of the group now open. */
es_status es_builder_step(es_builder *b, const es_step *step);
/* to = alpha * from + beta * to, element by element of to's shape (lower_output.c). */
es_status es_builder_map(es_builder *b, const es_side *from, int to, double alpha, double beta,
                         bool wrap);
/* All steps of one part of an output (lower.c). */
es_status es_builder_part(es_builder *b, const es_part *part);
/* All of an output: gaps between its parts get the identity of the reducer
 * (lower_output.c). */
es_status es_builder_output(es_builder *b, int output);

#endif
