/* A plan under construction: slots, groups and steps are appended, then the
 * workspace is laid out (layout.h). */
#ifndef ES_ENGINE_BUILDER_H
#define ES_ENGINE_BUILDER_H

#include "engine/bind/bound.h"
#include "engine/ctx.h"
#include "engine/plan.h"

/* How a plan is to fit into the limit of memory, and what came of it. Orders are estimated, the
 * layout of the workspace decides. */
typedef struct es_fit {
  int64_t limit;
  int64_t now;   /* bytes in use before */
  bool whole;    /* count the results whatever they take, else only where they fit: larger ones are
                    the caller's own, or refused later */
  double share;  /* of the room that intermediates may take, 0: cut whatever frees memory, and so
                    regardless of the limit; afterwards of the next attempt, -1: there is none */
  int operands;  /* of the largest search for an order; 0: there was none */
  int64_t need;  /* the limit that would do for this plan */
  int64_t least; /* the same where it does not fit; else 0 */
  int steps;     /* made in all attempts, some 10 us each */
  struct es_known *known; /* orders that were found in all attempts, or NULL */
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
  bool rounds;    /* all parts of an output run in pieces, together */
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

/* Slots of a plan of n_in operands and n_out outputs; describes the former. */
es_status es_builder_begin(es_builder *b, const es_array *in, int n_in, int n_out);
/* Describes slot index, an input or an output of the plan. */
es_status es_builder_outer_slot(es_builder *b, int index, es_dtype dtype, int rank,
                                const int64_t *shape, const int64_t *strides);
/* A new intermediate in C order; refused when it passes the memory limit. */
es_status es_builder_intermediate(es_builder *b, es_dtype dtype, int rank, const int64_t *shape,
                                  int *slot);
/* One element that every index reads. */
es_status es_builder_constant(es_builder *b, es_dtype dtype, es_scalar value, int *slot);
/* Opens the group that later steps belong to. Both texts live in the plan's arena;
 * formula is NULL for steps that are no part of the expression. */
es_status es_builder_group(es_builder *b, const char *text, const char *formula, double points);
/* One step made by hand, its problem (which tells what it reads and writes) in the
 * plan's arena, as the last of the group now open. */
es_status es_builder_step(es_builder *b, const es_step *step);
/* Appends the steps of a problem: canonical, split into boxes where constraints
 * allow, each by the cheapest strategy. p lives in scratch and is consumed. */
es_status es_builder_nest(es_builder *b, es_problem *p);

#endif
