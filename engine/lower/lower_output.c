#include "engine/lower/lower_output.h"

#include <math.h>

#include "engine/lower/nest.h"

static es_scalar identity(es_reducer reduce) {
  switch (reduce) {
  case ES_REDUCE_PROD:
  case ES_REDUCE_ALL: return (es_scalar){.cls = ES_CLASS_INT, .i = 1};
  case ES_REDUCE_MEAN: return (es_scalar){.cls = ES_CLASS_FLOAT, .re = NAN};
  case ES_REDUCE_LOGSUMEXP: return (es_scalar){.cls = ES_CLASS_FLOAT, .re = -INFINITY};
  default: return (es_scalar){.cls = ES_CLASS_INT};
  }
}

es_status es_builder_map(es_builder *b, const es_side *from, int to, double alpha, double beta,
                         bool wrap) {
  const es_plan_slot *out_slot = &b->plan->slot[to];
  es_problem *p = es_problem_new(b->scratch, out_slot->rank, 1, 0);
  if (!p) return es_fail_nomem(b->error);
  for (int a = 0; a < out_slot->rank; a++) {
    p->extent[a] = out_slot->shape[a];
    p->in[0].stride[a] = from->stride ? from->stride[a] : 0;
    p->out.stride[a] = out_slot->strides[a];
  }
  p->in[0].slot = from->slot;
  p->in[0].dtype = from->dtype;
  p->in[0].offset = from->offset;
  p->out.slot = to;
  p->out.dtype = out_slot->dtype;
  p->compute = es_dtype_compute(out_slot->dtype);
  p->wrap = wrap;
  p->mean_count = 1;
  p->alpha = alpha;
  p->beta = beta;
  p->out_rank = out_slot->rank;
  p->out_shape = out_slot->shape;
  p->out_strides = out_slot->strides;
  b->auxiliary = true;
  es_status status = es_builder_nest(b, p);
  b->auxiliary = false;
  return status;
}

static es_status add_map(es_builder *b, int from, int to, double alpha, double beta) {
  const es_plan_slot *slot = &b->plan->slot[from];
  es_side side = {
      .slot = from, .dtype = slot->dtype, .stride = slot->constant ? NULL : slot->strides};
  return es_builder_map(b, &side, to, alpha, beta, b->bound->wrap);
}

es_status es_builder_output(es_builder *b, int output) {
  const es_bound *bound = b->bound;
  const es_output *out = &bound->out[output];
  int slot = b->output_slot[output], saved = -1;
  double points = (double)b->plan->slot[slot].count;
  /* Gaps and parts would need different betas: keep beta * out aside. */
  if (out->fill_first && bound->beta != 0) {
    es_dtype dtype = es_dtype_compute(out->dtype);
    ES_TRY(es_builder_intermediate(b, dtype, out->rank, out->shape, &saved));
    ES_TRY(es_builder_group(b, "beta out, set aside", NULL, points));
    ES_TRY(add_map(b, slot, saved, bound->beta, 0));
  }
  if (out->fill_first) {
    int constant;
    ES_TRY(es_builder_constant(b, out->dtype, identity(bound->reduce), &constant));
    ES_TRY(es_builder_group(b, "fill", NULL, points));
    ES_TRY(add_map(b, constant, slot, bound->alpha, 0));
  }
  for (int i = 0; i < bound->n_parts; i++)
    if (bound->part[i].output == output) ES_TRY(es_builder_part(b, &bound->part[i]));
  if (saved < 0) return ES_OK;
  ES_TRY(es_builder_group(b, "+ beta out", NULL, points));
  return add_map(b, saved, slot, 1, 1);
}
