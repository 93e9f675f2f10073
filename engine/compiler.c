#include "engine/compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/view.h"
#include "engine/limits.h"

/* ---- errors ------------------------------------------------------------------------- */

es_status es_compiler_blame(es_compiler *c, const es_value_node *node, es_status status) {
  es_error *error = c->b->error;
  if (!error || status == ES_OK || status == ES_E_NOMEM) return status;
  int operand = error->operand;
  error->operand = -1;
  if (operand >= 0 && operand < node->n_in)
    for (int i = 0; i < c->program->n_in; i++)
      if (c->program->in[i] == node->in[operand]) error->operand = i;
  return es_program_blame(c->program, node, error, status);
}

es_status es_compiler_fail(es_compiler *c, const es_value_node *node, es_status status,
                           const char *fmt, ...) {
  char message[400];
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  es_fail(c->b->error, status, "", ES_NOWHERE, "%s", message);
  return es_compiler_blame(c, node, status);
}

/* ---- values --------------------------------------------------------------------------- */

es_status es_compiler_describe(es_compiler *c, es_dtype dtype, int rank, const int64_t *shape,
                               es_value_of *v) {
  v->dtype = dtype;
  v->rank = rank;
  v->shape = ES_NEW_N(c->b->scratch, int64_t, rank);
  v->strides = ES_NEW_N(c->b->scratch, int64_t, rank);
  if (!v->shape || !v->strides) return es_fail_nomem(c->b->error);
  if (rank) memcpy(v->shape, shape, (size_t)rank * sizeof *shape);
  if (!es_view_c_strides(rank, shape, v->strides))
    return es_fail(c->b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                   "an array has more than 2^63 - 1 elements");
  return ES_OK;
}

es_status es_compiler_place(es_compiler *c, int32_t node, es_dtype dtype, int rank,
                            const int64_t *shape, es_value_of *v) {
  es_builder *b = c->b;
  v->state = ES_VALUE_ARRAY;
  v->slot = -1;
  v->offset = 0;
  ES_TRY(es_compiler_describe(c, dtype, rank, shape, v));
  if (!c->live[node]) return ES_OK;
  if (c->result[node] < 0) return es_builder_intermediate(b, dtype, rank, shape, &v->slot);
  ES_TRY(es_ctx_admit(b->ctx, rank, shape, dtype, b->error));
  v->slot = c->program->n_in + c->result[node];
  return es_builder_outer_slot(b, v->slot, dtype, rank, v->shape, v->strides);
}

es_status es_compiler_group(es_compiler *c, const es_value_node *node, double points) {
  es_arena *arena = &c->b->plan->arena;
  char *text = es_arena_copy_text(arena, c->program->text + node->span.offset,
                                  (size_t)node->span.length);
  if (!text) return es_fail_nomem(c->b->error);
  for (char *at = text; *at; at++)
    if (*at == '\n' || *at == '\t' || *at == '\r') *at = ' ';
  ES_TRY(es_builder_group(c->b, text, NULL, points));
  c->b->plan->group[c->b->plan->n_groups - 1].statement = true;
  return ES_OK;
}

/* ---- names of axes -------------------------------------------------------------------------- */

es_status es_compiler_label(es_compiler *c, const es_output *output, int slot) {
  es_arena *arena = &c->b->plan->arena;
  const char **label = ES_NEW_N(arena, const char *, output->rank);
  if (!label) return es_fail_nomem(c->b->error);
  for (int a = 0; a < output->rank; a++) {
    if (!*output->label[a]) return ES_OK;
    label[a] = es_arena_copy_text(arena, output->label[a], strlen(output->label[a]));
    if (!label[a]) return es_fail_nomem(c->b->error);
  }
  c->b->plan->slot[slot].label = label;
  return ES_OK;
}

/* False: some axis has no name, or the side sees another number of elements than they say. */
static bool put_side(es_text *t, const es_plan *plan, const es_problem *p, const es_side *side) {
  const es_plan_slot *slot = &plan->slot[side->slot];
  es_text_printf(t, "%s%zu", t->len ? " + " : "", es_dtype_size(slot->dtype));
  if (slot->constant) return true;
  if (!slot->label || es_problem_side_bytes(p, side) != es_plan_slot_bytes(slot)) return false;
  for (int a = 0; a < slot->rank; a++) es_text_printf(t, "·%s", slot->label[a]);
  return true;
}

es_status es_compiler_words(es_compiler *c, const es_problem *p) {
  es_plan *plan = c->b->plan;
  es_plan_slot *out = &plan->slot[p->out.slot];
  for (int i = 0; i < p->n_in && !out->label; i++) {
    const es_plan_slot *in = &plan->slot[p->in[i].slot];
    bool same = in->rank == out->rank;
    for (int a = 0; a < out->rank && same; a++) same = in->shape[a] == out->shape[a];
    if (same) out->label = in->label;
  }
  char words[512];
  es_text t = es_text_init(words, sizeof words);
  bool named = true;
  for (int i = 0; i < p->n_in && named; i++) named = put_side(&t, plan, p, &p->in[i]);
  if (!named || !put_side(&t, plan, p, &p->out) || t.len >= sizeof words) return ES_OK;
  const char *copy = es_arena_copy_text(&plan->arena, words, t.len);
  if (!copy) return es_fail_nomem(c->b->error);
  plan->group[plan->n_groups - 1].bytes_formula = copy;
  return ES_OK;
}
