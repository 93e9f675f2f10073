#include "engine/plan.h"

#include "engine/ctx.h"

es_plan *es_plan_retain(es_plan *plan) {
  if (plan) atomic_fetch_add_explicit(&plan->count, 1, memory_order_relaxed);
  return plan;
}

void es_plan_release(es_plan *plan) {
  if (!plan || atomic_fetch_sub_explicit(&plan->count, 1, memory_order_acq_rel) != 1) return;
  es_ctx *ctx = plan->ctx;
  es_arena_free(&plan->arena);
  es_free(&ctx->allocator, plan, sizeof *plan);
  es_ctx_drop(ctx);
}

es_dtype es_plan_dtype(const es_plan *plan) {
  return plan ? plan->slot[plan->n_in].dtype : ES_DTYPE_AUTO;
}
int es_plan_rank(const es_plan *plan) { return plan ? plan->slot[plan->n_in].rank : 0; }
const int64_t *es_plan_shape(const es_plan *plan) {
  return plan ? plan->slot[plan->n_in].shape : NULL;
}
int64_t es_plan_outputs(const es_plan *plan) { return plan ? plan->n_out : 0; }
es_array es_plan_output(const es_plan *plan, int64_t index) {
  if (!plan || index < 0 || index >= plan->n_out) return (es_array){.dtype = ES_DTYPE_AUTO};
  return es_plan_array(plan, plan->n_in + (int)index, NULL);
}
size_t es_plan_workspace(const es_plan *plan) { return plan ? plan->workspace : 0; }
double es_plan_flops(const es_plan *plan) { return plan ? plan->flops : 0; }
double es_plan_bytes(const es_plan *plan) { return plan ? plan->bytes : 0; }

double es_plan_repetitions(const es_plan *plan, int step) {
  for (int l = 0; l < plan->n_loops; l++) {
    const es_plan_loop *loop = &plan->loop[l];
    if (step < loop->begin || step >= loop->end) continue;
    double all = 1, first;
    for (int i = 0; i < loop->n; i++) all *= (double)loop->pieces[i];
    first = all / (double)loop->inner;
    return step < loop->last ? all : step < loop->again ? first : all - first;
  }
  return 1;
}
