#include "base/error.h"
#include "ops/calls.h"

/* Shape of input with its last axis replaced by that of the weight's first. */
static void with_outputs(const es_tensor *input, const es_tensor *weight, int64_t *shape) {
  int rank = es_rank(input);
  for (int i = 0; i < rank - 1; i++) shape[i] = es_shape(input)[i];
  shape[rank - 1] = es_shape(weight)[0];
}

es_tensor *es_linear(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                     const es_tensor *bias) {
  if (!es_ops_rank_at_least(ctx, "linear", "input", input, 1) ||
      !es_ops_rank_at_least(ctx, "linear", "weight", weight, 2))
    return NULL;
  int64_t shape[ES_MAX_RANK];
  with_outputs(input, weight, shape);
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)weight};
  return es_ops_einsum_bias(ctx, ES_OP_linear, in, 2, NULL, bias, es_rank(input),
                            bias ? shape : NULL, es_rank(input) - 1);
}

es_tensor *es_bilinear(es_ctx *ctx, const es_tensor *input1, const es_tensor *input2,
                       const es_tensor *weight, const es_tensor *bias) {
  if (!es_ops_rank_at_least(ctx, "bilinear", "input1", input1, 1) ||
      !es_ops_rank_at_least(ctx, "bilinear", "weight", weight, 3))
    return NULL;
  int64_t shape[ES_MAX_RANK];
  with_outputs(input1, weight, shape);
  es_tensor *in[] = {(es_tensor *)input1, (es_tensor *)input2, (es_tensor *)weight};
  return es_ops_einsum_bias(ctx, ES_OP_bilinear, in, 3, NULL, bias, es_rank(input1),
                            bias ? shape : NULL, es_rank(input1) - 1);
}

es_tensor *es_matmul(es_ctx *ctx, const es_tensor *a, const es_tensor *b) {
  if (!es_ops_rank_at_least(ctx, "matmul", "input", a, 1) ||
      !es_ops_rank_at_least(ctx, "matmul", "other", b, 1))
    return NULL;
  bool row = es_rank(a) == 1, column = es_rank(b) == 1;
  if (row && column) return es_dot(ctx, a, b);
  const char *text = row      ? "n, ... n p -> ... p"
                     : column ? "... m n, n -> ... m"
                              : es_ops_expression(ES_OP_matmul);
  return es_ops_pair(ctx, text, a, b, NULL);
}

es_tensor *es_mm(es_ctx *ctx, const es_tensor *a, const es_tensor *b) {
  return es_ops_pair(ctx, es_ops_expression(ES_OP_mm), a, b, NULL);
}

es_tensor *es_bmm(es_ctx *ctx, const es_tensor *a, const es_tensor *b) {
  return es_ops_pair(ctx, es_ops_expression(ES_OP_bmm), a, b, NULL);
}

es_tensor *es_dot(es_ctx *ctx, const es_tensor *a, const es_tensor *b) {
  return es_ops_pair(ctx, es_ops_expression(ES_OP_dot), a, b, NULL);
}

es_tensor *es_outer(es_ctx *ctx, const es_tensor *a, const es_tensor *b) {
  return es_ops_pair(ctx, es_ops_expression(ES_OP_outer), a, b, NULL);
}

es_tensor *es_trace(es_ctx *ctx, const es_tensor *input) {
  es_tensor *in[] = {(es_tensor *)input};
  return es_einsum(ctx, es_ops_expression(ES_OP_trace), in, 1, NULL);
}
