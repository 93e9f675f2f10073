/* Operands that never change: what depends on them alone is computed when the plan is
 * made, and steps keep packed copies of what they read. */
#include "engine/constant.h"

#include <string.h>

#include "base/checked.h"
#include "base/fpenv.h"
#include "base/view.h"

/* Elements of slot i while the plan is made: of constants the caller's, of what is folded
 * scratch memory. */
typedef struct folding {
  es_builder *b;
  void **base;     /* [n_slots] */
  char *workspace; /* for the largest step that is folded */
  int *before;     /* [n_steps + 1] steps folded before each */
} folding;

static bool folds(const es_plan *plan, int step) {
  int out = plan->step[step].problem->out.slot;
  return out >= plan->n_in + plan->n_out && !plan->slot[out].varies;
}

/* Packs what the step always reads, in memory that is asked for first. */
static es_status hold(const folding *f, es_step *step, const es_plan_env *env) {
  const es_builder *b = f->b;
  if (!step->hold_bytes) return ES_OK;
  ES_TRY(
      es_ctx_admit_bytes(b->ctx, step->hold_bytes, "the packed constants of this plan", b->error));
  return step->strategy->hold(step, env, f->base) == ES_OK ? ES_OK : es_fail_nomem(b->error);
}

static es_status run_step(folding *f, int index) {
  es_builder *b = f->b;
  es_plan *plan = b->plan;
  es_step *step = &plan->step[index];
  const es_plan_slot *slot = &plan->slot[step->problem->out.slot];
  void **out = &f->base[step->problem->out.slot];
  int64_t bytes;
  if (!*out) {
    if (!es_mul_i64(slot->count, es_dtype_bytes(slot->dtype), &bytes))
      return es_fail_nomem(b->error);
    ES_TRY(es_ctx_admit_bytes(b->ctx, bytes, "what is computed of constants", b->error));
    if (!(*out = es_arena_aligned(b->scratch, (uint64_t)bytes))) return es_fail_nomem(b->error);
  }
  es_plan_env env = b->env;
  env.arena = b->scratch; /* nothing of this step outlives the planning */
  ES_TRY(hold(f, step, &env));
  es_error local;
  es_run_args args = {.base = f->base,
                      .workspace = f->workspace,
                      .ctx = b->ctx,
                      .error = b->error ? b->error : &local};
  return step->run(step, &args);
}

static es_status run_steps(folding *f) {
  es_plan *plan = f->b->plan;
  uint64_t workspace = 0;
  for (int s = 0; s < plan->n_steps; s++)
    if (folds(plan, s) && plan->step[s].workspace > workspace) workspace = plan->step[s].workspace;
  if (workspace > 0)
    ES_TRY(es_ctx_admit_bytes(f->b->ctx, (int64_t)workspace, "what is computed of constants",
                              f->b->error));
  f->workspace = es_arena_aligned(f->b->scratch, workspace);
  if (!f->workspace) return es_fail_nomem(f->b->error);
  es_fpenv environment = es_fpenv_enter();
  es_status status = ES_OK;
  for (int s = 0; s < plan->n_steps && status == ES_OK; s++)
    if (folds(plan, s)) status = run_step(f, s);
  es_fpenv_leave(environment);
  return status;
}

/* Takes the folded steps out of the plan. */
static void drop_steps(folding *f) {
  es_plan *plan = f->b->plan;
  int kept = 0, step = 0;
  for (int g = 0; g < plan->n_groups; g++) {
    int n = plan->group[g].n_steps;
    if (n && folds(plan, step)) plan->group[g].folded = plan->step[step].problem;
    for (int s = 0; s < n; s++, step++) {
      f->before[step] = step - kept;
      bool folded = folds(plan, step);
      plan->group[g].n_steps -= folded;
      if (!folded) plan->step[kept++] = plan->step[step];
    }
  }
  f->before[step] = step - kept;
  plan->n_steps = kept;
  for (int l = 0; l < plan->n_loops; l++) {
    es_plan_loop *loop = &plan->loop[l];
    int *at[] = {&loop->begin, &loop->last, &loop->again, &loop->end};
    for (int i = 0; i < 4; i++) *at[i] -= f->before[*at[i]];
  }
  for (int d = 0; d < plan->n_detours; d++) {
    es_plan_detour *detour = &plan->detour[d];
    int *at[] = {&detour->begin, &detour->last, &detour->alternative, &detour->end};
    for (int i = 0; i < 4; i++) *at[i] -= f->before[*at[i]];
  }
}

/* Memory of the plan's own for the values of a slot that steps still read. */
static es_status keep(folding *f, int index, es_plan_slot *slot) {
  es_builder *b = f->b;
  int64_t low = 0, high = 0, size = es_dtype_bytes(slot->dtype), bytes;
  if (!es_view_reach(slot->rank, slot->shape, slot->strides, &low, &high)) return ES_OK;
  if (!es_mul_i64(high - low + 1, size, &bytes)) return es_fail_nomem(b->error);
  ES_TRY(es_ctx_admit_bytes(b->ctx, bytes, "the constants of this plan", b->error));
  char *copy = es_arena_aligned(&b->plan->arena, (uint64_t)bytes);
  if (!copy) return es_fail_nomem(b->error);
  memcpy(copy, (const char *)f->base[index] + low * size, (size_t)bytes);
  slot->values = copy - low * size;
  return ES_OK;
}

static es_status keep_values(folding *f) {
  es_plan *plan = f->b->plan;
  bool *read = ES_NEW_N(f->b->scratch, bool, plan->n_slots);
  if (!read) return es_fail_nomem(f->b->error);
  for (int s = 0; s < plan->n_steps; s++) {
    const es_step *step = &plan->step[s];
    for (int i = 0; i < step->problem->n_in; i++)
      if (step->held != i + 1) read[step->problem->in[i].slot] = true;
  }
  for (int i = 0; i < plan->n_slots; i++) {
    es_plan_slot *slot = &plan->slot[i];
    if (!f->base[i]) continue;
    slot->kept = true;
    if (read[i]) ES_TRY(keep(f, i, slot));
  }
  return ES_OK;
}

es_status es_builder_fold(es_builder *b, const es_array *in) {
  es_plan *plan = b->plan;
  folding f = {.b = b,
               .base = ES_NEW_N(b->scratch, void *, plan->n_slots),
               .before = ES_NEW_N(b->scratch, int, plan->n_steps + 1)};
  if (!f.base || !f.before) return es_fail_nomem(b->error);
  for (int i = 0; i < plan->n_in; i++)
    if (!plan->slot[i].varies) f.base[i] = in[i].data;
  for (int i = plan->n_in + plan->n_out; i < plan->n_slots; i++)
    if (plan->slot[i].constant) f.base[i] = (void *)(uintptr_t)plan->slot[i].constant;
  ES_TRY(run_steps(&f));
  drop_steps(&f);
  for (int s = 0; s < plan->n_steps; s++) ES_TRY(hold(&f, &plan->step[s], &b->env));
  for (int i = plan->n_in + plan->n_out; i < plan->n_slots; i++)
    if (plan->slot[i].constant) f.base[i] = NULL;
  return keep_values(&f);
}
