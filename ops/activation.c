#include <string.h>

#include "base/error.h"
#include "engine/ctx.h"
#include "engine/normalise.h"
#include "engine/tensor/rows.h"
#include "ops/calls.h"

/* Opens a scope for temporaries and widens 16-bit floats; es_ops_leave closes it. */
static es_tensor *enter(es_ctx *ctx, const es_tensor *input) {
  if (es_scope_push(ctx)) return NULL;
  es_tensor *x = es_ops_widen(ctx, input);
  if (!x) es_scope_pop(ctx);
  return x;
}

es_tensor *es_relu(es_ctx *ctx, const es_tensor *input) {
  return es_binary_scalar(ctx, ES_MAXIMUM, input, 0, true, false);
}

static es_tensor *positive_or(es_ctx *ctx, const es_tensor *x, const es_tensor *otherwise) {
  es_tensor *positive = es_binary_scalar(ctx, ES_GT, x, 0, true, false);
  return positive && otherwise ? es_where(ctx, positive, x, otherwise) : NULL;
}

es_tensor *es_leaky_relu(es_ctx *ctx, const es_tensor *input, double negative_slope) {
  es_tensor *x = enter(ctx, input);
  return x ? es_ops_leave(ctx, input,
                          positive_or(ctx, x, es_ops_scalar(ctx, ES_MUL, x, negative_slope)))
           : NULL;
}

es_tensor *es_elu(es_ctx *ctx, const es_tensor *input, double alpha) {
  es_tensor *x = enter(ctx, input);
  if (!x) return NULL;
  es_tensor *e = es_unary(ctx, ES_EXPM1, x);
  return es_ops_leave(ctx, input,
                      positive_or(ctx, x, e ? es_ops_scalar(ctx, ES_MUL, e, alpha) : NULL));
}

es_tensor *es_gelu(es_ctx *ctx, const es_tensor *input, bool tanh_approximation) {
  return es_activate(ctx, tanh_approximation ? ES_ACTIVATION_GELU_TANH : ES_ACTIVATION_GELU, input);
}

es_tensor *es_sigmoid(es_ctx *ctx, const es_tensor *input) {
  return es_activate(ctx, ES_ACTIVATION_SIGMOID, input);
}

es_tensor *es_silu(es_ctx *ctx, const es_tensor *input) {
  return es_activate(ctx, ES_ACTIVATION_SILU, input);
}

es_tensor *es_softplus(es_ctx *ctx, const es_tensor *input) {
  es_tensor *x = enter(ctx, input);
  if (!x) return NULL;
  es_tensor *magnitude = es_unary(ctx, ES_ABS, x);
  es_tensor *negative = magnitude ? es_unary(ctx, ES_NEG, magnitude) : NULL;
  es_tensor *e = negative ? es_unary(ctx, ES_EXP, negative) : NULL;
  es_tensor *tail = e ? es_unary(ctx, ES_LOG1P, e) : NULL;
  es_tensor *ramp = es_relu(ctx, x);
  return es_ops_leave(ctx, input, tail && ramp ? es_binary(ctx, ES_ADD, ramp, tail) : NULL);
}

/* ---- along an axis ------------------------------------------------------------------ */

static es_tensor *along(es_ctx *ctx, es_normalise op, const es_tensor *input, int dim) {
  es_error error;
  int axis;
  if (!input) return es_ctx_fail_null(ctx, "softmax"), NULL;
  if (es_size(input) == 0) return es_copy(ctx, input);
  if (es_axis_resolve(dim, es_rank(input), &axis, &error)) return es_ctx_fail_tensor(ctx, &error);
  if (es_scope_push(ctx)) return NULL;
  es_tensor *x = es_ops_real(ctx, op == ES_NORMALISE_SOFTMAX ? "softmax" : "log_softmax", input);
  return es_ops_leave(ctx, input, x ? es_normalise_axes(ctx, op, x, axis, 1, NULL, NULL, 0) : NULL);
}

es_tensor *es_softmax(es_ctx *ctx, const es_tensor *input, int dim) {
  return along(ctx, ES_NORMALISE_SOFTMAX, input, dim);
}

es_tensor *es_log_softmax(es_ctx *ctx, const es_tensor *input, int dim) {
  return along(ctx, ES_NORMALISE_LOG_SOFTMAX, input, dim);
}

es_tensor *es_ops_call_gelu(es_ctx *ctx, const es_value *a) {
  bool tanh = !strcmp(a[1].text, "tanh");
  if (!tanh && strcmp(a[1].text, "none")) {
    es_ops_fail(ctx, ES_E_VALUE, "gelu: approximate must be 'none' or 'tanh', found '%s'",
                a[1].text);
    return NULL;
  }
  return es_gelu(ctx, a[0].tensor, tanh);
}
