#include <string.h>

#include "base/error.h"
#include "ops/calls.h"

/* Opens a scope for temporaries and widens 16-bit floats; es_ops_leave closes it. */
static es_tensor *enter(es_ctx *ctx, const es_tensor *input) {
  if (!input || es_scope_push(ctx)) return NULL;
  es_tensor *x = es_ops_widen(ctx, input);
  if (!x) es_scope_pop(ctx);
  return x;
}

es_tensor *es_relu(es_ctx *ctx, const es_tensor *input) {
  if (!input) return NULL;
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

/* sqrt(2/pi) * (x + 0.044715 x^3): the argument of the tanh form. */
static es_tensor *tanh_argument(es_ctx *ctx, es_tensor *x) {
  es_tensor *square = es_unary(ctx, ES_SQUARE, x);
  es_tensor *cube = square ? es_binary(ctx, ES_MUL, square, x) : NULL;
  es_tensor *scaled = cube ? es_ops_scalar(ctx, ES_MUL, cube, 0.044715) : NULL;
  es_tensor *sum = scaled ? es_binary(ctx, ES_ADD, x, scaled) : NULL;
  return sum ? es_ops_scalar(ctx, ES_MUL, sum, 0.79788456080286535588) : NULL;
}

es_tensor *es_gelu(es_ctx *ctx, const es_tensor *input, bool tanh_approximation) {
  es_tensor *x = enter(ctx, input);
  if (!x) return NULL;
  es_tensor *t = tanh_approximation ? tanh_argument(ctx, x)
                                    : es_ops_scalar(ctx, ES_MUL, x, 0.70710678118654752440);
  es_tensor *g = t ? es_unary(ctx, tanh_approximation ? ES_TANH : ES_ERF, t) : NULL;
  es_tensor *factor = g ? es_ops_scalar(ctx, ES_ADD, g, 1) : NULL;
  es_tensor *half = es_ops_scalar(ctx, ES_MUL, x, 0.5);
  return es_ops_leave(ctx, input, factor && half ? es_binary(ctx, ES_MUL, half, factor) : NULL);
}

/* 1 + exp(-x) */
static es_tensor *logistic_denominator(es_ctx *ctx, es_tensor *x) {
  es_tensor *negative = es_unary(ctx, ES_NEG, x);
  es_tensor *e = negative ? es_unary(ctx, ES_EXP, negative) : NULL;
  return e ? es_ops_scalar(ctx, ES_ADD, e, 1) : NULL;
}

es_tensor *es_sigmoid(es_ctx *ctx, const es_tensor *input) {
  es_tensor *x = enter(ctx, input);
  if (!x) return NULL;
  es_tensor *d = logistic_denominator(ctx, x);
  return es_ops_leave(ctx, input, d ? es_unary(ctx, ES_RECIPROCAL, d) : NULL);
}

es_tensor *es_silu(es_ctx *ctx, const es_tensor *input) {
  es_tensor *x = enter(ctx, input);
  if (!x) return NULL;
  es_tensor *d = logistic_denominator(ctx, x);
  return es_ops_leave(ctx, input, d ? es_binary(ctx, ES_DIV, x, d) : NULL);
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

static es_tensor *shifted(es_ctx *ctx, es_tensor *x, int dim) {
  es_tensor *most = es_reduce_axes(ctx, ES_REDUCE_MAX, x, &dim, 1, true);
  return most ? es_binary(ctx, ES_SUB, x, most) : NULL;
}

es_tensor *es_softmax(es_ctx *ctx, const es_tensor *input, int dim) {
  if (input && es_size(input) == 0) return es_copy(ctx, input);
  es_tensor *x = enter(ctx, input);
  if (!x) return NULL;
  es_tensor *s = shifted(ctx, x, dim);
  es_tensor *e = s ? es_unary(ctx, ES_EXP, s) : NULL;
  es_tensor *sum = e ? es_reduce_axes(ctx, ES_REDUCE_SUM, e, &dim, 1, true) : NULL;
  return es_ops_leave(ctx, input, sum ? es_binary(ctx, ES_DIV, e, sum) : NULL);
}

es_tensor *es_log_softmax(es_ctx *ctx, const es_tensor *input, int dim) {
  if (input && es_size(input) == 0) return es_copy(ctx, input);
  es_tensor *x = enter(ctx, input);
  if (!x) return NULL;
  es_tensor *s = shifted(ctx, x, dim);
  es_tensor *e = s ? es_unary(ctx, ES_EXP, s) : NULL;
  es_tensor *sum = e ? es_reduce_axes(ctx, ES_REDUCE_SUM, e, &dim, 1, true) : NULL;
  es_tensor *log = sum ? es_unary(ctx, ES_LOG, sum) : NULL;
  return es_ops_leave(ctx, input, log ? es_binary(ctx, ES_SUB, s, log) : NULL);
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
