#include "engine/bind/bind.h"

#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/text.h"
#include "base/view.h"
#include "engine/bind/axes.h"
#include "engine/bind/binder.h"

/* ---- arrays ---------------------------------------------------------------------- */

static es_status bad_array(const es_array *a, int operand, const char *what, es_error *error) {
  int rank = a->rank < 0 || a->rank > ES_MAX_RANK || !a->shape ? 0 : a->rank;
  char who[32] = "out";
  if (operand >= 0) {
    es_text t = es_text_init(who, sizeof who);
    es_text_printf(&t, "operand %d", operand);
  }
  return es_blame(error, operand,
                  es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "%s, shape %s: %s", who,
                          es_words_shape(rank, a->shape).text, what));
}

/* Every product of extents, and every offset an index can reach, fits 64 bits as
 * bytes: nothing computed from them later can wrap. strides gets the array's. */
static es_status check_array(const es_array *a, int operand, int64_t *strides, es_error *error) {
  if (!es_dtype_valid(a->dtype)) return bad_array(a, operand, "not an element type", error);
  if (a->rank < 0 || a->rank > ES_MAX_RANK)
    return bad_array(a, operand, "the rank is not 0 to 64", error);
  if (a->rank && !a->shape) return bad_array(a, operand, "no shape is given", error);
  int64_t size = (int64_t)es_dtype_size(a->dtype), all, low = 0, high = 0;
  for (int i = 0; i < a->rank; i++)
    if (a->shape[i] < 0) return bad_array(a, operand, "an extent is negative", error);
  if (!es_bytes_i64(a->rank, a->shape, size, &all))
    return es_blame(error, operand,
                    es_fail(error, ES_E_OVERFLOW, "M1", ES_NOWHERE,
                            "the bytes of shape %s, type %s, do not fit 64 bits",
                            es_words_shape(a->rank, a->shape).text, es_dtype_name(a->dtype)));
  if (!a->strides) {
    es_view_c_strides(a->rank, a->shape, strides);
    return ES_OK;
  }
  for (int i = 0; i < a->rank; i++) {
    strides[i] = a->strides[i];
    /* Those of an empty array lead nowhere, but each is multiplied by the size of an element. */
    int64_t steps = all ? a->shape[i] - 1 : 1, *end = strides[i] < 0 ? &low : &high, bytes;
    if (!es_mad_i64(*end, strides[i], steps, end) || !es_mul_i64(*end, size, &bytes))
      return bad_array(a, operand, "the strides reach beyond 64 bits", error);
  }
  return ES_OK;
}

static es_status take_inputs(es_binder *b) {
  es_bound *r = b->bound;
  b->operand = ES_NEW_N(b->arena, es_bind_operand, r->n_in);
  r->dtype = ES_NEW_N(b->arena, es_dtype, r->n_in);
  r->padded = ES_NEW_N(b->arena, es_padded *, r->n_in);
  b->used = ES_NEW_N(b->arena, bool, r->n_in);
  if (!b->operand || !r->dtype || !r->padded || !b->used) return es_fail_nomem(b->error);
  for (int i = 0; i < r->n_in; i++) {
    const es_array *a = &b->in[i];
    int64_t strides[ES_MAX_RANK];
    ES_TRY(check_array(a, i, strides, b->error));
    r->dtype[i] = a->dtype;
    int64_t *copy = ES_NEW_N(b->arena, int64_t, a->rank);
    if (!copy) return es_fail_nomem(b->error);
    memcpy(copy, strides, (size_t)a->rank * sizeof *copy);
    b->operand[i].stride = copy;
  }
  return ES_OK;
}

/* ---- labels ------------------------------------------------------------------------ */

static es_status take_labels(es_binder *b) {
  const es_axes *axes = b->axes;
  es_bound *r = b->bound;
  int n = axes->n_labels;
  r->label = ES_NEW_N(b->arena, es_label, n);
  b->slot = ES_NEW_N(b->arena, int32_t, n);
  b->alive = ES_NEW_N(b->arena, uint32_t, n);
  b->work.label = ES_NEW_N(b->arena, int32_t, n);
  b->work.stride = ES_NEW_N(b->arena, int64_t, n);
  b->choice = ES_NEW_N(b->arena, int32_t, axes->n_vars);
  b->before = ES_NEW_N(b->arena, int64_t *, axes->n_vars);
  if (!r->label || !b->slot || !b->alive || !b->work.label || !b->work.stride || !b->choice ||
      !b->before)
    return es_fail_nomem(b->error);
  r->axes = axes;
  r->size = b->sizes.extent;
  r->n_labels = b->label_room = n;
  for (int i = 0; i < n; i++) {
    r->label[i] = (es_label){axes->label[i].name, b->sizes.extent[i], ES_ROLE_REDUCED};
    b->slot[i] = -1;
  }
  return ES_OK;
}

/* ---- outputs ------------------------------------------------------------------------- */

/* Axis sizes the caller sets for each output: by its array, else by out_shape. */
static es_status wanted_shapes(es_binder *b, const es_array *out, const es_options *options,
                               const int64_t ***wanted) {
  const es_axes *axes = b->axes;
  *wanted = ES_NEW_N(b->arena, const int64_t *, axes->n_out);
  if (!*wanted) return es_fail_nomem(b->error);
  const int64_t *shape = options ? options->out_shape : NULL;
  if (shape && options->out_rank != axes->out[0].n)
    return es_fail(b->error, ES_E_RANK, "S6", axes->out[0].span,
                   "out_shape has %d axes, the output has %d", options->out_rank, axes->out[0].n);
  for (int i = 0; shape && i < options->out_rank; i++)
    if (shape[i] < -1)
      return es_fail(b->error, ES_E_VALUE, "S10", axes->out[0].node[i].span,
                     "out_shape gives axis %d the size %lld: a size is 0 or more, or -1 for what "
                     "the pattern says",
                     i, (long long)shape[i]);
  (*wanted)[0] = shape;
  for (int i = 0; out && i < axes->n_out; i++) {
    int64_t strides[ES_MAX_RANK];
    ES_TRY(check_array(&out[i], -1, strides, b->error));
    if (out[i].rank != axes->out[i].n)
      return es_fail(b->error, ES_E_RANK, "S6", axes->out[i].span,
                     "out has %d axes, shape %s, the pattern gives %d", out[i].rank,
                     es_words_shape(out[i].rank, out[i].shape).text, axes->out[i].n);
    (*wanted)[i] = out[i].shape;
  }
  return ES_OK;
}

static es_status check_shape(es_binder *b, int output, const int64_t *wanted, const char *who) {
  const es_output *o = &b->bound->out[output];
  for (int i = 0; wanted && i < o->rank; i++)
    if (wanted[i] >= 0 && wanted[i] != o->shape[i])
      return es_fail(b->error, ES_E_EXTENT, "S7", b->axes->out[output].node[i].span,
                     "%s has %lld at axis %d, the pattern gives %lld: shape %s", who,
                     (long long)wanted[i], i, (long long)o->shape[i],
                     es_words_shape(o->rank, o->shape).text);
  return ES_OK;
}

static es_status take_output(es_binder *b, int i, const es_array *array) {
  const es_axis_term *t = &b->axes->out[i];
  es_output *o = &b->bound->out[i];
  o->rank = t->n;
  o->span = t->span;
  o->shape = ES_NEW_N(b->arena, int64_t, t->n);
  o->strides = ES_NEW_N(b->arena, int64_t, t->n);
  o->label = ES_NEW_N(b->arena, const char *, t->n);
  if (!o->shape || !o->strides || !o->label) return es_fail_nomem(b->error);
  for (int k = 0; k < t->n; k++) {
    const es_node *node = &t->node[k];
    o->shape[k] = b->sizes.extent[node->var];
    o->label[k] = node->kind == ES_NODE_LABEL && b->axes->label[node->var].fixed < 0
                      ? b->axes->label[node->var].name
                      : "";
  }
  int64_t most; /* of any element type */
  if (!es_bytes_i64(o->rank, o->shape, 16, &most))
    return es_fail(b->error, ES_E_OVERFLOW, "M1", t->span,
                   "the output would have shape %s, whose bytes do not fit 64 bits",
                   es_words_shape(o->rank, o->shape).text);
  if (array && array->strides) /* wanted_shapes() has checked them */
    memcpy(o->strides, array->strides, (size_t)o->rank * sizeof *o->strides);
  else
    es_view_c_strides(o->rank, o->shape, o->strides);
  if (!array) return ES_OK;
  ES_TRY(check_shape(b, i, array->shape, "out"));
  if (!es_view_injective(o->rank, o->shape, o->strides))
    return es_fail(b->error, ES_E_READONLY, "", t->span,
                   "out visits an element twice (shape %s, strides %s): write to a plain array",
                   es_words_shape(o->rank, o->shape).text,
                   es_words_shape(o->rank, o->strides).text);
  return ES_OK;
}

static es_status take_outputs(es_binder *b, const es_array *out, const int64_t *out_shape) {
  es_bound *r = b->bound;
  r->n_out = b->axes->n_out;
  r->out = ES_NEW_N(b->arena, es_output, r->n_out);
  if (!r->out) return es_fail_nomem(b->error);
  for (int i = 0; i < r->n_out; i++) ES_TRY(take_output(b, i, out ? &out[i] : NULL));
  return check_shape(b, 0, out_shape, "out_shape");
}

/* ---- the whole ------------------------------------------------------------------------- */

static es_status check_kind(const es_pattern *p, es_error *error) {
  if (p->kind != ES_KIND_PACK && p->kind != ES_KIND_UNPACK && p->kind != ES_KIND_SHAPE)
    return ES_OK;
  return es_fail(error, ES_E_VALUE, "", (es_span){0, (int64_t)p->len},
                 "a pattern of pack, unpack or parse_shape has no plan: call es_pack, es_unpack or "
                 "es_parse_shape");
}

static es_status choose_broadcast(es_binder *b, const es_options *options) {
  es_broadcast how = options ? options->broadcast : ES_BROADCAST_AUTO;
  if (how != ES_BROADCAST_AUTO && how != ES_BROADCAST_STRICT && how != ES_BROADCAST_STRETCH)
    return es_fail(b->error, ES_E_VALUE, "", ES_NOWHERE, "%d is not a way to broadcast", (int)how);
  b->stretch = how == ES_BROADCAST_AUTO ? b->bound->pattern->reading == ES_READ_LETTERS
                                        : how == ES_BROADCAST_STRETCH;
  return ES_OK;
}

es_status es_bind(es_arena *arena, const es_pattern *pattern, const es_array *in, int64_t n,
                  const es_array *out, const es_options *options, es_bound **bound,
                  es_error *error) {
  *bound = NULL;
  ES_TRY(check_kind(pattern, error));
  es_bound *r = ES_NEW(arena, es_bound);
  if (!r) return es_fail_nomem(error);
  es_binder b = {.arena = arena, .bound = r, .in = in, .error = error};
  r->pattern = pattern;
  r->n_in = pattern->n_in;
  es_axes *axes;
  const int64_t **wanted;
  ES_TRY(choose_broadcast(&b, options));
  if (n == pattern->n_in) ES_TRY(take_inputs(&b));
  ES_TRY(es_axes_build(arena, pattern, in, n, options ? options->sizes : NULL, &axes, error));
  b.axes = axes;
  ES_TRY(wanted_shapes(&b, out, options, &wanted));
  ES_TRY(es_sizes_solve(arena, axes, in, b.stretch, wanted, &b.sizes, error));
  ES_TRY(take_labels(&b));
  ES_TRY(es_bind_operands(&b));
  ES_TRY(take_outputs(&b, out, options ? options->out_shape : NULL));
  ES_TRY(es_bind_types(&b, options, out));
  ES_TRY(es_bind_parts(&b));
  ES_TRY(es_bind_check_parts(&b));
  *bound = r;
  return ES_OK;
}
