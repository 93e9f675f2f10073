#include "engine/lower/builder.h"

#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/boxes.h"
#include "engine/limits.h"
#include "engine/planner.h"
#include "engine/tensor/view.h"

/* More boxes than this and the constraint stays inside one nest. A padded window
 * of k taps has about k boxes an axis: 7x7 makes 49, 3x3x3 makes 27. */
enum { MAX_BOXES = 1024 };

static es_status new_slot(es_builder *b, es_plan_slot **slot, int *index) {
  es_plan *plan = b->plan;
  es_plan_slot *slots = es_arena_grow(&plan->arena, plan->slot, plan->n_slots, &b->cap_slots,
                                      sizeof *slots);
  if (!slots) return es_fail_nomem(b->error);
  plan->slot = slots;
  *index = plan->n_slots++;
  *slot = &plan->slot[*index];
  **slot = (es_plan_slot){.last_step = -1};
  return ES_OK;
}

es_status es_builder_intermediate(es_builder *b, es_dtype dtype, int rank, const int64_t *shape,
                                  int *index) {
  if (!b->estimated) ES_TRY(es_ctx_admit(b->ctx, rank, shape, dtype, b->error));
  es_plan_slot *slot = NULL;
  ES_TRY(new_slot(b, &slot, index));
  slot->dtype = dtype;
  slot->rank = rank;
  slot->shape = ES_NEW_N(&b->plan->arena, int64_t, rank);
  slot->strides = ES_NEW_N(&b->plan->arena, int64_t, rank);
  if (!slot->shape || !slot->strides) return es_fail_nomem(b->error);
  if (rank) memcpy(slot->shape, shape, sizeof *shape * (size_t)rank);
  es_view_c_strides(rank, shape, slot->strides); /* admitted: the size is sound */
  es_count_i64(rank, shape, &slot->count);
  return ES_OK;
}

es_status es_builder_constant(es_builder *b, es_dtype dtype, es_scalar value, int *index) {
  void *element = es_arena_aligned(&b->plan->arena, ES_ALIGN);
  if (!element) return es_fail_nomem(b->error);
  if (!es_scalar_store(dtype, element, value)) {
    char number[32];
    es_format_double(value.cls == ES_CLASS_FLOAT ? value.re : (double)value.i, false, number);
    return es_fail(b->error, ES_E_DTYPE, "D1", ES_NOWHERE,
                   "the fill value %s is no value of type %s: cast the operand first", number,
                   es_dtype_name(dtype));
  }
  es_plan_slot *slot = NULL;
  ES_TRY(new_slot(b, &slot, index));
  slot->dtype = dtype;
  slot->count = 1;
  slot->constant = element;
  return ES_OK;
}

es_status es_builder_group(es_builder *b, const char *text, const char *formula, double points) {
  es_plan *plan = b->plan;
  es_plan_group *groups = es_arena_grow(&plan->arena, plan->group, plan->n_groups, &b->cap_groups,
                                        sizeof *groups);
  if (!groups) return es_fail_nomem(b->error);
  plan->group = groups;
  plan->group[plan->n_groups++] =
      (es_plan_group){.text = text, .points_formula = formula, .points = points};
  return ES_OK;
}

/* A forced strategy is about the expression: what moves operands out of the way may
 * run as it likes, unless the reference is asked for. */
static const char *forced_strategy(const es_builder *b) {
  bool loops = b->forced && strcmp(b->forced, "loops") == 0;
  return b->auxiliary && !loops ? NULL : b->forced;
}

es_status es_builder_step(es_builder *b, const es_step *step) {
  es_plan *plan = b->plan;
  es_step *steps = es_arena_grow(&plan->arena, plan->step, plan->n_steps, &b->cap_steps,
                                 sizeof *steps);
  if (!steps) return es_fail_nomem(b->error);
  plan->step = steps;
  plan->step[plan->n_steps++] = *step;
  plan->group[plan->n_groups - 1].n_steps++;
  const es_problem *p = step->problem;
  bool *varies = &plan->slot[p->out.slot].varies;
  *varies |= b->pieces;
  for (int i = 0; i < p->n_in; i++) *varies |= plan->slot[p->in[i].slot].varies;
  return ES_OK;
}

/* One box. es_step_make copies the problem into the plan. */
static es_status add_step(es_builder *b, const es_problem *box) {
  es_step step;
  ES_TRY(es_step_make(box, &b->env, forced_strategy(b), &step, b->error));
  return es_builder_step(b, &step);
}

es_status es_builder_nest(es_builder *b, es_problem *p) {
  const char *wrong = es_problem_check(p);
  if (wrong) return es_fail(b->error, ES_E_INTERNAL, "", ES_NOWHERE, "unsound nest: %s", wrong);
  es_problem_canonicalise(p);
  es_problem_trim(p);
  if (p->n_constraints == 0 || es_step_takes_whole(p, &b->env, forced_strategy(b)))
    return add_step(b, p);
  es_problem **box;
  int n_boxes;
  es_status status = ES_OK;
  if (!es_problem_boxes(b->scratch, p, MAX_BOXES, &n_boxes, &box, &status))
    return status == ES_OK ? add_step(b, p) : es_fail_nomem(b->error);
  for (int i = 0; i < n_boxes; i++) ES_TRY(add_step(b, box[i]));
  return ES_OK;
}

/* ---- workspace ------------------------------------------------------------- */

typedef struct block { /* a live piece of the workspace */
  size_t begin, end;
  int last_step; /* that reads it */
} block;

typedef struct layout {
  block *live; /* ascending begin */
  int n;
  size_t high; /* bytes of the workspace so far */
} layout;

static void expire(layout *l, int step) {
  int kept = 0;
  for (int i = 0; i < l->n; i++)
    if (l->live[i].last_step >= step) l->live[kept++] = l->live[i];
  l->n = kept;
}

/* First gap that holds bytes. False when the sum wraps. */
static bool place(layout *l, size_t bytes, int last_step, size_t *offset) {
  size_t size, end, at = 0;
  if (__builtin_add_overflow(bytes, (size_t)ES_ALIGN - 1, &size)) return false;
  size = size / ES_ALIGN * ES_ALIGN;
  int i = 0;
  while (i < l->n && l->live[i].begin - at < size) at = l->live[i++].end;
  if (__builtin_add_overflow(at, size, &end)) return false;
  memmove(l->live + i + 1, l->live + i, sizeof *l->live * (size_t)(l->n - i));
  l->live[i] = (block){at, end, last_step};
  l->n++;
  if (end > l->high) l->high = end;
  *offset = at;
  return true;
}

/* [n_slots] the last step that touches each, and whether an earlier one did. */
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
      size_t bytes = (size_t)slot->count * es_dtype_size(slot->dtype);
      fits = place(&l, bytes, last[out], &slot->workspace_offset);
      placed[out] = true;
      slot->first_step = s;
      slot->last_step = last[out];
    }
    if (fits && plan->step[s].workspace)
      fits = place(&l, plan->step[s].workspace, s, &plan->step_workspace[s]);
  }
  if (!fits)
    return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                   "the intermediates of this expression pass the address space");
  plan->workspace = l.high;
  return l.high ? es_builder_admit(b, l.high) : ES_OK;
}
