/* softmax, layer_norm and their like in a program: rows are normalised as a whole, in f32
 * or f64; other types are converted before and, narrow floats, back. */
#include "engine/program_normalise.h"

#include <string.h>

#include "base/view.h"
#include "engine/lower/lower_output.h"
#include "engine/normalise.h"
#include "engine/program_names.h"
#include "engine/program_pointwise.h"

/* x in another type and in C order, as an intermediate. */
static es_status convert(es_compiler *c, const es_value_node *n, const es_value_of *x,
                         es_dtype dtype, es_value_of *to) {
  *to = (es_value_of){.state = ES_VALUE_ARRAY};
  ES_TRY(es_compiler_describe(c, dtype, x->rank, x->shape, to));
  to->axis = x->axis;
  ES_TRY(es_builder_intermediate(c->b, dtype, x->rank, x->shape, &to->slot));
  ES_TRY(es_compiler_group(c, n, (double)c->b->plan->slot[to->slot].count));
  ES_TRY(es_compiler_touch(c, x));
  ES_TRY(es_compiler_touch(c, to));
  es_side from = {.slot = x->slot, .dtype = x->dtype, .offset = x->offset, .stride = x->strides};
  return es_builder_map(c->b, &from, to->slot, 1, 0, false);
}

/* A weight or bias: one axis as long as the rows. Slot -1: there is none. */
static es_status row_operand(es_compiler *c, const es_value_node *n, int index, es_dtype dtype,
                             int64_t extent, es_value_of *operand) {
  *operand = (es_value_of){.slot = -1};
  if (index >= n->n_in) return ES_OK;
  const es_value_of *v = &c->value[n->in[index]];
  if (v->state == ES_VALUE_SCALAR || v->rank != 1 || v->shape[0] != extent)
    return es_compiler_fail(c, n, ES_E_EXTENT,
                            "operand %d of %s must have one axis of %lld, as long as the last of "
                            "the first operand",
                            index, es_value_name(n), (long long)extent);
  *operand = *v;
  bool dense = v->dtype == dtype && (extent < 2 || v->strides[0] == 1);
  return dense ? ES_OK : convert(c, n, v, dtype, operand);
}

static es_status find_axis(es_compiler *c, const es_value_node *n, const es_value_of *x,
                           int *axis) {
  bool dim = n->op == ES_FUNCTION_SOFTMAX || n->op == ES_FUNCTION_LOG_SOFTMAX;
  *axis = dim ? (int)n->number : -1;
  if (*axis < 0) *axis += x->rank;
  if (*axis >= 0 && *axis < x->rank) return ES_OK;
  return es_compiler_fail(c, n, ES_E_RANK, "%s along axis %d of an array with %d axes",
                          es_value_name(n), dim ? (int)n->number : -1, x->rank);
}

/* The rows of the first operand, with the weight and the bias behind it. */
static es_status add_step(es_compiler *c, const es_value_node *n, const es_value_of operand[3],
                          int axis, const es_value_of *out) {
  static const es_normalise op[] = {ES_NORMALISE_SOFTMAX, ES_NORMALISE_LOG_SOFTMAX,
                                    ES_NORMALISE_MOMENTS, ES_NORMALISE_RMS};
  es_builder *b = c->b;
  const es_value_of *x = &operand[0];
  es_normalise_operand at[3];
  es_problem *p = es_problem_new(&b->plan->arena, x->rank, 3, 0);
  if (!p) return es_fail_nomem(b->error);
  p->n_in = 0;
  for (int i = 0; i < 3; i++) {
    at[i] = (es_normalise_operand){operand[i].slot, operand[i].offset};
    if (operand[i].slot < 0) continue;
    es_side *side = &p->in[p->n_in++];
    side->slot = operand[i].slot;
    side->offset = operand[i].offset;
    side->dtype = x->dtype;
    for (int a = 0; a < x->rank; a++) side->stride[a] = i == 0 ? x->strides[a] : a == axis;
  }
  p->n_out = p->out_rank = x->rank;
  p->alpha = p->mean_count = 1;
  p->compute = x->dtype;
  p->out.slot = out->slot;
  p->out.dtype = x->dtype;
  p->out_shape = p->extent;
  p->out_strides = p->out.stride;
  es_view view = {.dtype = x->dtype, .rank = x->rank};
  for (int a = 0; a < x->rank; a++) {
    p->extent[a] = view.shape[a] = x->shape[a];
    p->out.stride[a] = out->strides[a];
    view.strides[a] = x->strides[a];
  }
  es_step step;
  ES_TRY(es_compiler_group(c, n, (double)b->plan->slot[out->slot].count));
  if (b->plan->slot[out->slot].count == 0) return ES_OK;
  double eps = n->number; /* of softmax it is the axis, and nobody reads it */
  if (es_normalise_step(&b->env, op[n->op - ES_FUNCTION_SOFTMAX], &view, axis, at, eps, p, &step) !=
      ES_OK)
    return es_fail_nomem(b->error);
  for (int i = 0; i < 3; i++)
    if (operand[i].slot >= 0) ES_TRY(es_compiler_touch(c, &operand[i]));
  ES_TRY(es_compiler_touch(c, out));
  return es_builder_step(b, &step);
}

es_status es_compile_normalise(es_compiler *c, int32_t node) {
  const es_value_node *n = &c->program->node[node];
  es_value_of *v = &c->value[node];
  for (int i = 0; i < n->n_in; i++)
    if (c->value[n->in[i]].state == ES_VALUE_PENDING && c->live[n->in[i]])
      ES_TRY(es_compile_pending(c, n->in[i]));
  es_value_of x = c->value[n->in[0]];
  int axis;
  if (x.state == ES_VALUE_SCALAR || es_dtype_class(x.dtype) == ES_CLASS_COMPLEX)
    return es_compiler_fail(c, n, ES_E_DTYPE, "%s needs an array of real numbers",
                            es_value_name(n));
  ES_TRY(find_axis(c, n, &x, &axis));
  bool narrow = x.dtype == ES_F16 || x.dtype == ES_BF16;
  es_dtype type = x.dtype == ES_F64                        ? ES_F64
                  : x.dtype == ES_I32 || x.dtype == ES_I64 ? ES_F64
                                                           : ES_F32;
  ES_TRY(es_compiler_blame(
      c, n, es_compiler_place(c, node, narrow ? x.dtype : type, x.rank, x.shape, v)));
  es_compiler_tie(c, &x, v);
  if (!c->live[node]) return ES_OK;
  es_value_of operand[3] = {x};
  ES_TRY(row_operand(c, n, 1, type, x.shape[axis], &operand[1]));
  ES_TRY(row_operand(c, n, 2, type, x.shape[axis], &operand[2]));
  bool dense = axis == x.rank - 1 || es_view_contiguous(x.rank, x.shape, x.strides);
  if (x.dtype != type || !dense) ES_TRY(convert(c, n, &x, type, &operand[0]));
  for (int i = 1; i < 3; i++)
    if (operand[i].slot >= 0) es_axis_tie(&c->axes, operand[i].axis[0], x.axis[axis]);
  if (!narrow) return add_step(c, n, operand, axis, v);
  es_value_of wide = *v;
  ES_TRY(es_compiler_describe(c, type, x.rank, x.shape, &wide));
  wide.axis = v->axis;
  ES_TRY(es_builder_intermediate(c->b, type, x.rank, x.shape, &wide.slot));
  ES_TRY(add_step(c, n, operand, axis, &wide));
  ES_TRY(es_compiler_touch(c, &wide));
  ES_TRY(es_compiler_touch(c, v));
  es_side from = {.slot = wide.slot, .dtype = type, .stride = wide.strides};
  return es_builder_map(c->b, &from, v->slot, 1, 0, false);
}
