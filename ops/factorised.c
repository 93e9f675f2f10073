#include "base/error.h"
#include "ops/calls.h"

/* input (batch…, c, h, w) under a window of kh x kw, times factors. */
static es_tensor *factorised(es_ctx *ctx, es_op_id id, es_tensor *const *in, int64_t n, int64_t kh,
                             int64_t kw, const es_window *window) {
  const es_tensor *input = in[0];
  if (!es_ops_rank_at_least(ctx, es_op_at(id)->name, "input", input, 3)) return NULL;
  int64_t k[2] = {kh, kw};
  es_ops_axis axes[2];
  if (es_ops_window(ctx, es_op_at(id)->name, window, 2, es_shape(input) + es_rank(input) - 2, k,
                    axes))
    return NULL;
  es_ops_sizes sizes = {0};
  es_ops_put_window(&sizes, 2, axes);
  es_ops_put_outputs(&sizes, 2, axes);
  return es_einsum(ctx, es_ops_expression(id), in, n, sizes.item);
}

/* Extent of axis of t, for factors whose rank was checked. */
static int64_t extent(const es_tensor *t, int axis) { return es_shape(t)[axis]; }

static bool has_rank(es_ctx *ctx, es_op_id id, const char *argument, const es_tensor *t, int rank) {
  if (!t) return false;
  if (es_rank(t) == rank) return true;
  es_ops_fail(ctx, ES_E_RANK, "%s: %s needs %d axes, found %d", es_op_at(id)->name, argument, rank,
              es_rank(t));
  return false;
}

es_tensor *es_depthwise_separable_conv2d(es_ctx *ctx, const es_tensor *input,
                                         const es_tensor *depthwise, const es_tensor *pointwise,
                                         const es_window *window) {
  const es_op_id id = ES_OP_depthwise_separable_conv2d;
  if (!has_rank(ctx, id, "depthwise", depthwise, 3) ||
      !has_rank(ctx, id, "pointwise", pointwise, 2))
    return NULL;
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)depthwise, (es_tensor *)pointwise};
  return factorised(ctx, id, in, 3, extent(depthwise, 1), extent(depthwise, 2), window);
}

es_tensor *es_spatially_separable_conv2d(es_ctx *ctx, const es_tensor *input,
                                         const es_tensor *vertical, const es_tensor *horizontal,
                                         const es_window *window) {
  const es_op_id id = ES_OP_spatially_separable_conv2d;
  if (!has_rank(ctx, id, "vertical", vertical, 3) ||
      !has_rank(ctx, id, "horizontal", horizontal, 3))
    return NULL;
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)vertical, (es_tensor *)horizontal};
  return factorised(ctx, id, in, 3, extent(vertical, 2), extent(horizontal, 2), window);
}

es_tensor *es_flattened_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *lateral,
                               const es_tensor *vertical, const es_tensor *horizontal,
                               const es_window *window) {
  const es_op_id id = ES_OP_flattened_conv2d;
  if (!has_rank(ctx, id, "lateral", lateral, 2) || !has_rank(ctx, id, "vertical", vertical, 2) ||
      !has_rank(ctx, id, "horizontal", horizontal, 2))
    return NULL;
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)lateral, (es_tensor *)vertical,
                     (es_tensor *)horizontal};
  return factorised(ctx, id, in, 4, extent(vertical, 1), extent(horizontal, 1), window);
}

es_tensor *es_cp_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *factor_o,
                        const es_tensor *factor_c, const es_tensor *factor_h,
                        const es_tensor *factor_w, const es_window *window) {
  const es_op_id id = ES_OP_cp_conv2d;
  if (!has_rank(ctx, id, "factor_h", factor_h, 2) || !has_rank(ctx, id, "factor_w", factor_w, 2))
    return NULL;
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)factor_o, (es_tensor *)factor_c,
                     (es_tensor *)factor_h, (es_tensor *)factor_w};
  return factorised(ctx, id, in, 5, extent(factor_h, 0), extent(factor_w, 0), window);
}

es_tensor *es_tucker_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *core,
                            const es_tensor *factor_o, const es_tensor *factor_c,
                            const es_window *window) {
  const es_op_id id = ES_OP_tucker_conv2d;
  if (!has_rank(ctx, id, "core", core, 4)) return NULL;
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)core, (es_tensor *)factor_o,
                     (es_tensor *)factor_c};
  return factorised(ctx, id, in, 4, extent(core, 2), extent(core, 3), window);
}

static es_tensor *pointwise(es_ctx *ctx, es_op_id id, const es_tensor *input,
                            const es_tensor *weight, int64_t groups) {
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)weight};
  return es_einsum(ctx, es_ops_expression(id), in, 2, ES_SIZES({"g", groups}));
}

es_tensor *es_pointwise_group_conv(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                                   int64_t groups) {
  return pointwise(ctx, ES_OP_pointwise_group_conv, input, weight, groups);
}

es_tensor *es_shuffled_pointwise_group_conv(es_ctx *ctx, const es_tensor *input,
                                            const es_tensor *weight, int64_t groups) {
  return pointwise(ctx, ES_OP_shuffled_pointwise_group_conv, input, weight, groups);
}
