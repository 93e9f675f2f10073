/* Statement by statement: patterns are bound and lowered as they are everywhere, and every
 * value gets the slot that its readers read. */
#include "engine/program.h"

#include <string.h>

#include "base/view.h"
#include "engine/assemble.h"
#include "engine/bind/bind.h"
#include "engine/limits.h"
#include "engine/lower/find_view.h"
#include "engine/lower/lower.h"
#include "engine/lower/lower_output.h"
#include "engine/program_names.h"
#include "engine/program_normalise.h"
#include "engine/program_pointwise.h"
#include "engine/program_sizes.h"

/* ---- patterns ------------------------------------------------------------------------------ */

/* Bytes of intermediates that statements from here on read. */
static double live_bytes(const es_compiler *c, int32_t node) {
  double bytes = 0;
  const es_plan *plan = c->b->plan;
  for (int32_t i = 0; i < node; i++) {
    const es_value_of *v = &c->value[i];
    if (v->state != ES_VALUE_ARRAY || v->slot < plan->n_in + plan->n_out || c->last_use[i] < node)
      continue;
    bytes += es_plan_slot_bytes(&plan->slot[v->slot]);
  }
  return bytes;
}

static es_status describe_operands(es_compiler *c, const es_value_node *node, es_array **arrays) {
  *arrays = ES_NEW_N(c->b->scratch, es_array, node->n_in);
  if (!*arrays) return es_fail_nomem(c->b->error);
  for (int i = 0; i < node->n_in; i++) {
    if (c->value[node->in[i]].state == ES_VALUE_PENDING && c->live[node->in[i]])
      ES_TRY(es_compile_pending(c, node->in[i]));
    const es_value_of *v = &c->value[node->in[i]];
    if (v->state == ES_VALUE_SCALAR)
      return es_compiler_fail(c, node, ES_E_DTYPE,
                              "operand %d of the pattern is a number, which has no type; use it in "
                              "arithmetic instead",
                              i);
    (*arrays)[i] = (es_array){NULL, v->dtype, v->rank, v->shape, v->strides};
  }
  return ES_OK;
}

/* Where output k of a pattern goes: the node that stands for it. */
static int32_t node_of_output(const es_compiler *c, int32_t node, int k) {
  for (int32_t i = k ? node + 1 : c->program->n; i < c->program->n; i++) {
    const es_value_node *other = &c->program->node[i];
    if (other->kind == ES_VALUE_OUTPUT && other->in[0] == node && other->op == k) return i;
  }
  return node;
}

static es_status view_output(es_compiler *c, const es_value_node *node, const es_bound *bound,
                             int k, const es_plan_view *view, es_value_of *v) {
  const es_value_of *x = &c->value[node->in[view->operand]];
  v->state = ES_VALUE_ARRAY;
  v->slot = x->slot;
  v->offset = x->offset + view->offset;
  ES_TRY(es_compiler_describe(c, bound->out[k].dtype, bound->out[k].rank, bound->out[k].shape, v));
  if (v->rank) memcpy(v->strides, view->strides, (size_t)v->rank * sizeof *v->strides);
  return ES_OK;
}

/* All outputs as views: then there is nothing to compute. */
static es_status find_views(es_compiler *c, const es_bound *bound, es_plan_view **view) {
  es_arena *scratch = c->b->scratch;
  es_plan_view *views = ES_NEW_N(scratch, es_plan_view, bound->n_out);
  if (!views) return es_fail_nomem(c->b->error);
  *view = views;
  for (int k = 0; k < bound->n_out; k++) {
    views[k].strides = ES_NEW_N(scratch, int64_t, bound->out[k].rank);
    if (!views[k].strides) return es_fail_nomem(c->b->error);
    if (!es_plan_find_view(scratch, bound, k, &views[k])) *view = NULL;
  }
  return ES_OK;
}

static es_status lower_pattern(es_compiler *c, int32_t node, const es_bound *bound) {
  es_builder *b = c->b;
  const es_value_node *n = &c->program->node[node];
  es_value_of *out = c->parts[node] ? c->parts[node] : &c->value[node];
  es_plan_view *view = NULL;
  ES_TRY(find_views(c, bound, &view));
  for (int k = 0; view && k < bound->n_out; k++)
    ES_TRY(view_output(c, n, bound, k, &view[k], &out[k]));
  if (view) return ES_OK;
  b->bound = bound;
  b->same = NULL; /* equal operands have one slot */
  b->live = live_bytes(c, node);
  b->first_slot = b->plan->n_slots;
  ES_TRY(es_builder_operands(b));
  for (int k = 0; k < bound->n_out; k++) {
    const es_output *o = &bound->out[k];
    ES_TRY(es_compiler_place(c, node_of_output(c, node, k), o->dtype, o->rank, o->shape, &out[k]));
    if (out[k].slot < 0 && c->live[node]) /* another output is wanted */
      ES_TRY(es_builder_intermediate(b, o->dtype, o->rank, o->shape, &out[k].slot));
    b->output_slot[k] = out[k].slot;
  }
  if (!c->live[node]) return ES_OK;
  for (int i = 0; i < n->n_in; i++) {
    b->operand_slot[i] = c->value[n->in[i]].slot;
    b->operand_offset[i] = c->value[n->in[i]].offset;
  }
  return es_builder_expression(b);
}

static es_status compile_pattern(es_compiler *c, int32_t node) {
  const es_value_node *n = &c->program->node[node];
  es_array *in;
  es_axis_size *sizes;
  es_bound *bound;
  es_options options = c->options ? *c->options : (es_options){0};
  ES_TRY(describe_operands(c, n, &in));
  ES_TRY(es_compiler_list_sizes(c, n->pattern, &sizes));
  options.sizes = sizes;
  es_status status = es_bind(c->b->scratch, n->pattern, in, n->n_in, NULL, &options, &bound,
                             c->b->error);
  if (status != ES_OK) return es_compiler_blame_sizes(c, n, status);
  ES_TRY(es_compiler_note_sizes(c, bound, node));
  if (bound->n_out > 1) {
    c->parts[node] = ES_NEW_N(c->b->scratch, es_value_of, bound->n_out);
    if (!c->parts[node]) return es_fail_nomem(c->b->error);
  }
  status = lower_pattern(c, node, bound);
  if (status != ES_OK) return es_compiler_blame(c, n, status);
  ES_TRY(es_compiler_name_pattern(c, n, bound, c->parts[node] ? c->parts[node] : &c->value[node]));
  if (c->parts[node]) c->value[node] = c->parts[node][0];
  return ES_OK;
}

/* ---- the other nodes ---------------------------------------------------------------------- */

static es_status compile_size(es_compiler *c, const es_value_node *n, es_value_of *v) {
  es_known_size *s = NULL;
  ES_TRY(es_compiler_find_size(c, n->name, &s));
  if (!s->known)
    return es_compiler_fail(c, n, ES_E_UNDETERMINED, "the size of '%s' is not known here", n->name);
  *v = (es_value_of){.state = ES_VALUE_SCALAR, .number = (double)s->size, .integral = true};
  return ES_OK;
}

static es_status compile_node(es_compiler *c, int32_t node) {
  const es_value_node *n = &c->program->node[node];
  es_value_of *v = &c->value[node];
  switch (n->kind) {
  case ES_VALUE_INPUT: return ES_OK; /* described before */
  case ES_VALUE_SIZE: return compile_size(c, n, v);
  case ES_VALUE_NUMBER:
    *v = (es_value_of){.state = ES_VALUE_SCALAR, .number = n->number, .integral = n->integral};
    return ES_OK;
  case ES_VALUE_PATTERN: return compile_pattern(c, node);
  case ES_VALUE_OUTPUT: *v = c->parts[n->in[0]][n->op]; return ES_OK;
  default:
    return es_value_elementwise(n) ? es_compile_pointwise(c, node) : es_compile_normalise(c, node);
  }
}

/* A result that no step writes by itself: an input, a view, or another result. */
static es_status copy_result(es_compiler *c, int result) {
  es_builder *b = c->b;
  int32_t node = c->program->out[result];
  const es_value_node *n = &c->program->node[node];
  const es_value_of *v = &c->value[node];
  int slot = c->program->n_in + result;
  if (v->state == ES_VALUE_SCALAR)
    return es_compiler_fail(c, n, ES_E_DTYPE, "the result '%s' is a number, not an array",
                            c->program->out_name[result]);
  if (v->slot == slot) return ES_OK;
  int64_t *strides = ES_NEW_N(b->scratch, int64_t, v->rank);
  if (!strides) return es_fail_nomem(b->error);
  ES_TRY(es_ctx_admit(b->ctx, v->rank, v->shape, v->dtype, b->error));
  es_view_c_strides(v->rank, v->shape, strides);
  ES_TRY(es_builder_outer_slot(b, slot, v->dtype, v->rank, v->shape, strides));
  ES_TRY(es_compiler_group(c, n, (double)b->plan->slot[slot].count));
  es_value_of out = *v;
  out.strides = strides;
  ES_TRY(es_compiler_touch(c, v));
  ES_TRY(es_compiler_touch(c, &out));
  es_side from = {.slot = v->slot, .dtype = v->dtype, .offset = v->offset, .stride = v->strides};
  return es_builder_map(b, &from, slot, 1, 0, true);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static es_status describe_inputs(es_compiler *c, const es_array *in) {
  for (int i = 0; i < c->program->n_in; i++) {
    es_value_of *v = &c->value[c->program->in[i]];
    *v = (es_value_of){.state = ES_VALUE_ARRAY, .slot = i};
    ES_TRY(es_view_check_shape(in[i].dtype, in[i].rank, in[i].shape, c->b->error));
    ES_TRY(es_compiler_describe(c, in[i].dtype, in[i].rank, in[i].shape, v));
    if (in[i].strides && v->rank)
      memcpy(v->strides, in[i].strides, (size_t)v->rank * sizeof *v->strides);
    ES_TRY(es_compiler_name_input(c, c->program->node[c->program->in[i]].name, v));
  }
  return ES_OK;
}

static bool find_lives(es_compiler *c) {
  const es_graph *p = c->program;
  c->value = ES_NEW_N(c->b->scratch, es_value_of, p->n);
  c->parts = ES_NEW_N(c->b->scratch, es_value_of *, p->n);
  c->live = ES_NEW_N(c->b->scratch, bool, p->n);
  c->last_use = ES_NEW_N(c->b->scratch, int32_t, p->n);
  c->result = ES_NEW_N(c->b->scratch, int32_t, p->n);
  if (!c->value || !c->parts || !c->live || !c->last_use || !c->result) return false;
  for (int32_t i = 0; i < p->n; i++) c->result[i] = -1;
  for (int r = p->n_out; r-- > 0;) {
    c->live[p->out[r]] = true;
    c->last_use[p->out[r]] = p->n;
    c->result[p->out[r]] = r;
  }
  for (int32_t i = p->n; i-- > 0;)
    for (int k = 0; c->live[i] && k < p->node[i].n_in; k++) {
      int32_t from = p->node[i].in[k];
      c->live[from] = true;
      if (c->last_use[from] < i) c->last_use[from] = i;
    }
  return true;
}

typedef struct request {
  const es_graph *program;
  const es_options *options;
} request;

/* What print-outs and errors tell of the text. */
static es_status note_text(es_builder *b, const es_graph *p) {
  es_plan *plan = b->plan;
  plan->out_span = ES_NEW_N(&plan->arena, es_span, p->n_out);
  plan->in_name = ES_NEW_N(&plan->arena, const char *, p->n_in);
  if (!plan->out_span || !plan->in_name) return es_fail_nomem(b->error);
  for (int r = 0; r < p->n_out; r++) plan->out_span[r] = p->node[p->out[r]].span;
  for (int i = 0; i < p->n_in; i++) {
    const char *name = p->node[p->in[i]].name;
    plan->in_name[i] = es_arena_copy_text(&plan->arena, name, strlen(name));
    if (!plan->in_name[i]) return es_fail_nomem(b->error);
  }
  return ES_OK;
}

static es_status assemble(es_builder *b, const es_array *in, const void *of) {
  const request *q = of;
  const es_graph *p = q->program;
  es_compiler c = {.b = b,
                   .program = p,
                   .options = q->options,
                   .names = {.arena = b->scratch},
                   .axes = {.arena = b->scratch}};
  if (!find_lives(&c)) return es_fail_nomem(b->error);
  ES_TRY(es_builder_begin(b, in, p->n_in, p->n_out));
  ES_TRY(describe_inputs(&c, in));
  ES_TRY(es_compiler_take_sizes(&c, p->size, false));
  ES_TRY(es_compiler_take_sizes(&c, q->options ? q->options->sizes : NULL, true));
  for (int32_t i = 0; i < p->n; i++) ES_TRY(compile_node(&c, i));
  ES_TRY(es_compiler_check_sizes(&c));
  for (int r = 0; r < p->n_out; r++) {
    if (c.value[p->out[r]].state == ES_VALUE_PENDING) ES_TRY(es_compile_pending(&c, p->out[r]));
    ES_TRY(copy_result(&c, r));
  }
  ES_TRY(es_compiler_write_formulas(&c));
  return note_text(b, p);
}

es_status es_program_plan(es_ctx *ctx, const es_graph *program, const es_array *in, int64_t n,
                          const es_options *options, es_plan **plan, es_error *error) {
  if (n != program->n_in)
    return es_fail(error, ES_E_COUNT, "S11", ES_NOWHERE,
                   "the program has %d inputs, %lld were given; the first is '%s'", program->n_in,
                   (long long)n, program->n_in ? program->node[program->in[0]].name : "");
  if (options && (options->out_shape || options->has_out_dtype || options->has_scale ||
                  options->reducer != ES_REDUCE_NONE))
    return es_fail(
        error, ES_E_VALUE, "", ES_NOWHERE,
        "output shape, output type, scale and reducer belong to one expression, not to a "
        "program");
  request q = {program, options};
  return es_plan_assemble(ctx, assemble, &q, in, options, plan, error);
}
