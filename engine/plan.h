/* A plan: numbers only. Steps in order, workspace, kernel pointers. Immutable. */
#ifndef ES_ENGINE_PLAN_H
#define ES_ENGINE_PLAN_H

#include <stdatomic.h>

#include "base/dtype.h"
#include "engine/strategy.h"

/* An array that a run touches: inputs, then outputs, then what the plan owns. */
typedef struct es_plan_slot {
  es_dtype dtype;
  int rank;
  int64_t *shape, *strides;
  bool c_order;            /* what strides NULL stands for */
  uint8_t unaligned;       /* bits that no address of an element has */
  int64_t count;           /* elements */
  const void *constant;    /* one element in the plan's arena, read by broadcast; else NULL */
  bool varies;             /* from run to run: not of what depends on constants alone */
  bool kept;               /* a constant operand, or folded: runs read values, not their own */
  const void *values;      /* kept: element (0, …) in the plan's arena; NULL where nobody reads */
  size_t workspace_offset; /* intermediates: where in the workspace */
  int first_step, last_step; /* that touch it while it is there, and nothing has its place */
} es_plan_slot;

/* A double, because sums over slots may pass 2^63. */
static inline double es_plan_slot_bytes(const es_plan_slot *slot) {
  return (double)slot->count * (double)es_dtype_size(slot->dtype);
}

typedef struct es_plan_view {
  int operand;
  int64_t offset; /* from element 0 of the operand */
  int64_t *strides;
} es_plan_view;

/* Steps that together compute one value: the boxes of a nest, the sides of a pad. */
typedef struct es_plan_group {
  const char *text;           /* "b c h w kh kw, o c kh kw -> b o h w", for print-outs */
  const char *points_formula; /* "b·o·h·w·c·kh·kw"; NULL where a step is no part of the text */
  const char *bytes_formula; /* "4·b·c·(h+kh-1)·w + 4·o·c·kh + 4·b·o·h·w", the output last */
  double points;
  int n_in, rank;        /* operands; names of the formula */
  const int64_t *extent; /* [rank] of these */
  int n_steps;
  bool alternative;         /* of a detour: run only where an intermediate overflows */
  bool statement;           /* of a program, elementwise and the like: text is its own words */
  const es_problem *folded; /* of constants alone: what was run when the plan was made, and is no
                               step of it; else NULL */
} es_plan_group;

/* Integers are exact or an error, but an intermediate of pairs may pass 2^63 where
 * the result would not. Steps [begin, alternative) are the pairs, of which those
 * before `last` write intermediates, or pieces of a sum; where one of these overflows, the run
 * goes on with [alternative, end): the whole nest at once, in wide arithmetic. */
typedef struct es_plan_detour {
  int begin, last, alternative, end;
} es_plan_detour;

/* Steps [begin, end) run once for every piece of labels that were cut to keep within the
 * limit of memory, or within the caches. The last label is fastest. Pieces of reduced labels, which
 * follow those of the output, add up: the first of them ends with [last, again), the others with
 * [again, end) instead. */
typedef struct es_plan_loop {
  int begin, last, again, end;
  bool near;       /* within the caches: steps find there what earlier ones of a round read */
  int n;           /* labels */
  int64_t *pieces; /* [n] */
  int64_t inner;   /* pieces that add up: the product over the reduced labels */
  int n_slots;
  int *slot;        /* [n_slots] inputs and outputs that the labels walk */
  int64_t *step;    /* [n][n_slots] bytes from piece to piece */
  const char *text; /* "k, in 4 pieces" for print-outs */
} es_plan_loop;

enum { ES_PLAN_MOST_CUT = 24 }; /* labels of a loop */

struct es_plan {
  atomic_int_fast64_t count;
  es_ctx *ctx; /* held: the arena's memory is its */
  es_arena arena;
  int n_in, n_out, n_slots;
  es_plan_slot *slot;
  const char **in_name; /* [n_in] what a program calls its inputs; else NULL */
  int n_steps, n_groups;
  es_step *step;        /* [n_steps], group after group */
  es_plan_group *group; /* [n_groups] */
  int n_detours;
  es_plan_detour *detour; /* [n_detours], ascending and disjoint */
  int n_loops;            /* ascending and disjoint; a detour may hold one */
  es_plan_loop *loop;
  size_t *step_workspace; /* [n_steps] offset of each step's own workspace */
  size_t base_offset;     /* of the slots' addresses in the workspace, if they are many */
  size_t workspace;
  double flops, bytes;
  double naive; /* multiply-adds of every part as one nest over all its labels */
  /* Every output is its operand seen through other strides: the tensor door then
   * copies nothing. The steps copy, for those who bring their own output. */
  bool is_view;
  es_plan_view *view; /* [n_out], NULL unless is_view */
  bool alone;         /* runs on the calling thread */
  int64_t *same;      /* [n_in] es_options.same, where it decided anything; else NULL */
  /* Integers that may pass their type: out is then written before the error. */
  bool may_overflow;
  es_span *out_span; /* [n_out] terms in the text, to blame for their size */
};

/* Slots whose addresses a run keeps on its stack; above, in the workspace. */
enum { ES_PLAN_STACK_SLOTS = 32 };

/* Operand index of a plan (then its outputs) with these data. */
static inline es_array es_plan_array(const es_plan *plan, int index, const void *data) {
  const es_plan_slot *slot = &plan->slot[index];
  return (es_array){(void *)(uintptr_t)data, slot->dtype, slot->rank, slot->shape, slot->strides};
}
/* How often a run comes by a step. */
double es_plan_repetitions(const es_plan *plan, int step);

#endif
