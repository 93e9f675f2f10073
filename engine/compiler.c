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
  v->axis = es_axis_new(&c->axes, rank);
  if (!v->shape || !v->strides || !v->axis) return es_fail_nomem(c->b->error);
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
