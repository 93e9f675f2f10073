/* A plan: numbers only. Steps in order, workspace, kernel pointers. Immutable. */
#ifndef ES_ENGINE_PLAN_H
#define ES_ENGINE_PLAN_H

#include <stdatomic.h>

#include "engine/bound.h"
#include "engine/strategy.h"

typedef struct es_plan_slot { /* inputs, then outputs, then intermediates */
  es_dtype dtype;
  int rank;
  int64_t *shape, *strides;
  size_t workspace_offset; /* intermediates: where in the workspace */
} es_plan_slot;

struct es_plan {
  atomic_int_fast64_t count;
  es_arena arena;
  int n_in, n_out, n_slots;
  es_plan_slot *slot;
  int n_steps;
  es_step *step;
  size_t *step_workspace;  /* [n_steps] offset of each step's own workspace */
  size_t workspace;
  double flops, bytes;
  /* A single-operand result that needs no arithmetic: the output is a view of
   * input 0 (offset relative to it); the tensor door then copies nothing. */
  bool is_view;
  int64_t view_offset;
  int64_t *view_strides; /* [rank of output 0] */
  const char **out_label;  /* names of output 0's axes, for print-outs */
};

/* Bound -> steps: pads, pairwise path, boxes, strategies, workspace layout. */
es_status es_plan_build(es_ctx *ctx, const es_bound *bound, const es_options *options,
                        es_plan **plan, es_error *error);
/* es_run for any number of outputs. */
es_status es_plan_execute(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                          const es_array *out, int64_t n_out, void *workspace, es_error *error);

/* Expressions, counted. */
struct es_expr {
  atomic_int_fast64_t count;
  es_arena arena;
  es_pattern *pattern;
};

/* The bounded cache of the context: by kind, text and options -> expr; by expr,
 * dtypes, shapes and strides -> plan. Returns a counted plan. */
es_status es_cache_plan(es_ctx *ctx, es_kind kind, const char *text, const es_array *in, int64_t n,
                        const es_array *out, const es_options *options, es_plan **plan,
                        es_error *error);
void es_cache_destroy(es_ctx *ctx);

#endif
