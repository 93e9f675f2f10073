/* One output: its parts, the gaps between them, and beta. */
#include <math.h>

#include "engine/builder.h"

static es_scalar identity(es_reducer reduce) {
  switch (reduce) {
  case ES_REDUCE_PROD:
  case ES_REDUCE_ALL: return (es_scalar){.cls = ES_CLASS_INT, .i = 1};
  case ES_REDUCE_MEAN: return (es_scalar){.cls = ES_CLASS_FLOAT, .re = NAN};
  case ES_REDUCE_LOGSUMEXP: return (es_scalar){.cls = ES_CLASS_FLOAT, .re = -INFINITY};
  default: return (es_scalar){.cls = ES_CLASS_INT};
  }
}

/* to = alpha * from + beta * to, element by element of output o's shape. */
static es_status add_map(es_builder *b, int output, int from, int to, double alpha, double beta) {
  const es_output *out = &b->bound->out[output];
  const es_plan_slot *in_slot = &b->plan->slot[from], *out_slot = &b->plan->slot[to];
  es_problem *p = es_problem_new(b->scratch, out->rank, 1, 0);
  if (!p) return es_fail_nomem(b->error);
  for (int a = 0; a < out->rank; a++) {
    p->extent[a] = out->shape[a];
    p->in[0].stride[a] = in_slot->constant ? 0 : in_slot->strides[a];
    p->out.stride[a] = out_slot->strides[a];
  }
  p->in[0].slot = from;
  p->in[0].dtype = in_slot->dtype;
  p->out.slot = to;
  p->out.dtype = out_slot->dtype;
  p->compute = es_dtype_compute(out_slot->dtype);
  p->wrap = b->bound->wrap;
  p->mean_count = 1;
  p->alpha = alpha;
  p->beta = beta;
  p->out_rank = out->rank;
  p->out_shape = out_slot->shape;
  p->out_strides = out_slot->strides;
  b->auxiliary = true;
  es_status status = es_builder_nest(b, p);
  b->auxiliary = false;
  return status;
}

es_status es_builder_output(es_builder *b, int output) {
  const es_bound *bound = b->bound;
  const es_output *out = &bound->out[output];
  int slot = b->plan->n_in + output, saved = -1;
  double points = (double)b->plan->slot[slot].count;
  /* Gaps and parts would need different betas: keep beta * out aside. */
  if (out->fill_first && bound->beta != 0) {
    es_dtype dtype = es_dtype_compute(out->dtype);
    ES_TRY(es_builder_intermediate(b, dtype, out->rank, out->shape, &saved));
    ES_TRY(es_builder_group(b, "beta out, set aside", NULL, points));
    ES_TRY(add_map(b, output, slot, saved, bound->beta, 0));
  }
  if (out->fill_first) {
    int constant;
    ES_TRY(es_builder_constant(b, out->dtype, identity(bound->reduce), &constant));
    ES_TRY(es_builder_group(b, "fill", NULL, points));
    ES_TRY(add_map(b, output, constant, slot, bound->alpha, 0));
  }
  for (int i = 0; i < bound->n_parts; i++)
    if (bound->part[i].output == output) ES_TRY(es_builder_part(b, &bound->part[i]));
  if (saved < 0) return ES_OK;
  ES_TRY(es_builder_group(b, "+ beta out", NULL, points));
  return add_map(b, output, saved, slot, 1, 1);
}
