#include "engine/lower/layout.h"

#include <string.h>

#include "engine/lower/fit.h"

typedef struct block { /* a live piece of the workspace */
  uint64_t begin, end;
  int last_step; /* that reads it */
} block;

typedef struct layout {
  block *live; /* ascending begin */
  int n;
  uint64_t high; /* bytes of the workspace so far */
} layout;

static void expire(layout *l, int step) {
  int kept = 0;
  for (int i = 0; i < l->n; i++)
    if (l->live[i].last_step >= step) l->live[kept++] = l->live[i];
  l->n = kept;
}

/* First gap that holds bytes. False when the sum wraps. What passes the address space alone is
 * refused at the end, when it is known how much there is of it. */
static bool place(layout *l, uint64_t bytes, int last_step, size_t *offset) {
  uint64_t size, end, at = 0;
  if (__builtin_add_overflow(bytes, (uint64_t)ES_ALIGN - 1, &size)) return false;
  size = size / ES_ALIGN * ES_ALIGN;
  int i = 0;
  while (i < l->n && l->live[i].begin - at < size) at = l->live[i++].end;
  if (__builtin_add_overflow(at, size, &end)) return false;
  memmove(l->live + i + 1, l->live + i, sizeof *l->live * (size_t)(l->n - i));
  l->live[i] = (block){at, end, last_step};
  l->n++;
  if (end > l->high) l->high = end;
  *offset = (size_t)at;
  return true;
}

/* [n_slots] the last step that touches each. */
static int *last_uses(const es_builder *b) {
  const es_plan *plan = b->plan;
  int *last = ES_NEW_N(b->scratch, int, plan->n_slots);
  if (!last) return NULL;
  for (int s = 0; s < plan->n_steps; s++) {
    const es_problem *p = plan->step[s].problem;
    last[p->out.slot] = s;
    for (int i = 0; i < p->n_in; i++) last[p->in[i].slot] = s;
  }
  for (int l = 0; l < plan->n_loops; l++) /* what was there before is read in every round */
    for (int k = 0; k < plan->loop[l].n_slots; k++) {
      int slot = plan->loop[l].slot[k];
      if (last[slot] < plan->loop[l].end) last[slot] = plan->loop[l].end - 1;
    }
  return last;
}

static bool same_walk(const es_problem *p, const es_side *side) {
  for (int a = 0; a < p->rank; a++)
    if (p->extent[a] > 1 && side->stride[a] != p->out.stride[a]) return false;
  return side->offset == p->out.offset;
}

/* A slot that dies in a step which may write over it, and lies as its result would; -1: none. What
 * else the step reads of that slot it must read in the same order. */
static int written_over(const es_plan *plan, int step, const int *last, const bool *placed) {
  const es_problem *p = plan->step[step].problem;
  const es_plan_slot *out = &plan->slot[p->out.slot];
  if (!plan->step[step].writes_over) return -1;
  for (int i = 0; i < p->n_in; i++) {
    int dies = p->in[i].slot;
    const es_plan_slot *slot = &plan->slot[dies];
    bool fits = placed[dies] && last[dies] == step && slot->count > 0 &&
                slot->count == out->count &&
                es_dtype_size(slot->dtype) == es_dtype_size(out->dtype);
    for (int k = 0; k < p->n_in && fits; k++)
      fits = p->in[k].slot != dies || same_walk(p, &p->in[k]);
    if (fits) return dies;
  }
  return -1;
}

/* Its block is that of the result from now on. */
static void take_over(layout *l, es_plan *plan, int dies, int out, int step, int last_step) {
  plan->slot[out].workspace_offset = plan->slot[dies].workspace_offset;
  plan->slot[dies].last_step = step - 1;
  for (int i = 0; i < l->n; i++)
    if (l->live[i].begin == plan->slot[dies].workspace_offset) l->live[i].last_step = last_step;
}

es_status es_builder_layout(es_builder *b) {
  es_plan *plan = b->plan;
  int *last = last_uses(b);
  bool *placed = ES_NEW_N(b->scratch, bool, plan->n_slots);
  layout l = {.live = ES_NEW_N(b->scratch, block, plan->n_slots + 2)};
  plan->step_workspace = ES_NEW_N(&plan->arena, size_t, plan->n_steps);
  if (!last || !placed || !l.live || !plan->step_workspace) return es_fail_nomem(b->error);
  bool fits = true;
  if (plan->n_slots > ES_PLAN_STACK_SLOTS)
    fits = place(&l, sizeof(void *) * (size_t)plan->n_slots, plan->n_steps, &plan->base_offset);
  for (int s = 0; s < plan->n_steps && fits; s++) {
    expire(&l, s);
    int out = plan->step[s].problem->out.slot;
    es_plan_slot *slot = &plan->slot[out];
    if (out >= plan->n_in + plan->n_out && !placed[out]) {
      int dies = written_over(plan, s, last, placed);
      uint64_t bytes = (uint64_t)slot->count * es_dtype_size(slot->dtype);
      if (dies >= 0)
        take_over(&l, plan, dies, out, s, last[out]);
      else
        fits = place(&l, bytes, last[out], &slot->workspace_offset);
      placed[out] = true;
      slot->first_step = s;
      slot->last_step = last[out];
    }
    if (fits && plan->step[s].workspace)
      fits = place(&l, plan->step[s].workspace, s, &plan->step_workspace[s]);
  }
  if (fits && l.high) ES_TRY(es_builder_admit(b, l.high));
  if (!fits || l.high > ES_MOST_BYTES) /* the latter: in a context of shapes alone */
    return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                   "the intermediates of this expression pass the address space");
  plan->workspace = (size_t)l.high;
  return ES_OK;
}
