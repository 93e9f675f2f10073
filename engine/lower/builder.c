#include "engine/lower/builder.h"

#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "base/view.h"
#include "engine/boxes.h"
#include "engine/limits.h"
#include "engine/planner.h"

enum {
  /* More boxes than this and the constraint stays inside one nest. A padded window
   * of k taps has about k boxes an axis: 7x7 makes 49, 3x3x3 makes 27. */
  MAX_BOXES = 1024,
  /* Of a nest that moves elements past a border, as of the taps of unfolded windows. */
  MAX_SLICES = 64
};

static es_status copy_ints(es_arena *arena, int n, const int64_t *from, int64_t **to) {
  *to = ES_NEW_N(arena, int64_t, n);
  if (!*to) return ES_E_NOMEM;
  if (n) memcpy(*to, from, sizeof *from * (size_t)n);
  return ES_OK;
}

es_status es_builder_outer_slot(es_builder *b, int index, es_dtype dtype, int rank,
                                const int64_t *shape, const int64_t *strides) {
  es_plan_slot *slot = &b->plan->slot[index];
  es_arena *arena = &b->plan->arena;
  slot->dtype = dtype;
  slot->rank = rank;
  if (!es_count_i64(rank, shape, &slot->count))
    return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                   "an array has more than 2^63 - 1 elements");
  if (copy_ints(arena, rank, shape, &slot->shape) ||
      copy_ints(arena, rank, strides, &slot->strides))
    return es_fail_nomem(b->error);
  int64_t bytes = es_dtype_bytes(dtype), c_order[ES_MAX_RANK];
  slot->unaligned = (uint8_t)((bytes < 8 ? bytes : 8) - 1); /* complex: aligned like its parts */
  slot->c_order = es_view_c_strides(rank, shape, c_order) &&
                  (!rank || !memcmp(strides, c_order, (size_t)rank * sizeof *strides));
  return ES_OK;
}

es_status es_builder_begin(es_builder *b, const es_array *in, int n_in, int n_out) {
  es_plan *plan = b->plan;
  plan->n_in = n_in;
  plan->n_out = n_out;
  plan->n_slots = b->cap_slots = b->first_slot = n_in + n_out;
  plan->slot = ES_NEW_N(&plan->arena, es_plan_slot, plan->n_slots);
  if (!plan->slot) return es_fail_nomem(b->error);
  for (int i = n_in; i < plan->n_slots; i++) plan->slot[i].varies = true;
  for (int i = 0; i < n_in; i++) {
    int64_t c_order[ES_MAX_RANK];
    const int64_t *strides = in[i].strides;
    if (!strides) {
      if (!es_view_c_strides(in[i].rank, in[i].shape, c_order))
        return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                       "operand %d has more than 2^63 - 1 elements", i);
      strides = c_order;
    }
    ES_TRY(es_builder_outer_slot(b, i, in[i].dtype, in[i].rank, in[i].shape, strides));
    plan->slot[i].varies = !b->constant || !b->constant[i] || !in[i].data;
  }
  return ES_OK;
}

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

static es_status add_boxes(es_builder *b, es_problem *p, int64_t slices);

/* A nest without points to sum, one position of an axis at a time: what is left are boxes. */
static es_status add_slices(es_builder *b, const es_problem *p, int axis, int64_t slices) {
  for (int64_t at = 0; at < p->extent[axis]; at++) {
    es_problem *part = es_problem_at(b->scratch, p, axis, at);
    if (!part) return es_fail_nomem(b->error);
    ES_TRY(add_boxes(b, part, slices));
  }
  return ES_OK;
}

/* slices: how many more the nest may be cut into. */
static es_status add_boxes(es_builder *b, es_problem *p, int64_t slices) {
  es_problem_canonicalise(p);
  es_problem_trim(p);
  if (p->n_constraints == 0 || es_step_takes_whole(p, &b->env, forced_strategy(b)))
    return add_step(b, p);
  int axis = p->rank == p->n_out ? es_problem_tied_axis(p, slices) : -1;
  if (axis >= 0) return add_slices(b, p, axis, slices / p->extent[axis]);
  es_problem **box;
  int n_boxes;
  es_status status = ES_OK;
  if (!es_problem_boxes(b->scratch, p, MAX_BOXES, &n_boxes, &box, &status))
    return status == ES_OK ? add_step(b, p) : es_fail_nomem(b->error);
  for (int i = 0; i < n_boxes; i++) ES_TRY(add_step(b, box[i]));
  return ES_OK;
}

es_status es_builder_nest(es_builder *b, es_problem *p) {
  const char *wrong = es_problem_check(p);
  if (wrong) return es_fail(b->error, ES_E_INTERNAL, "", ES_NOWHERE, "unsound nest: %s", wrong);
  return add_boxes(b, p, MAX_SLICES);
}
