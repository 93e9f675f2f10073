#include "base/checked.h"
#include "base/error.h"
#include "ops/calls.h"

/* Spatial extents are the last n_axes of a shape. */
static const int64_t *spatial(const es_tensor *t, int n_axes) {
  return es_shape(t) + es_rank(t) - n_axes;
}

static int64_t groups_of(const es_window *window) {
  return window && window->groups ? window->groups : 1;
}

/* channels = groups * channels of one group, on both sides of a weight. */
static bool channels_agree(es_ctx *ctx, const char *op, int64_t groups, int64_t input_channels,
                           int64_t weight_in, int64_t weight_out) {
  if (groups < 1) {
    es_ops_fail(ctx, ES_E_VALUE, "%s: groups must be at least 1, found %lld", op,
                (long long)groups);
    return false;
  }
  if (input_channels % groups || input_channels / groups != weight_in) {
    int64_t asked;
    bool counted = es_mul_i64(groups, weight_in, &asked);
    es_ops_fail(
        ctx, ES_E_EXTENT,
        "%s: input channels must be groups * channels of the weight: the input has %lld, groups "
        "is %lld and the weight has %lld (axis 1), which asks for %s%lld",
        op, (long long)input_channels, (long long)groups, (long long)weight_in,
        counted ? "" : "more than ", (long long)(counted ? asked : INT64_MAX));
    return false;
  }
  if (weight_out % groups) {
    es_ops_fail(ctx, ES_E_EXTENT, "%s: %lld output channels are not a multiple of groups = %lld",
                op, (long long)weight_out, (long long)groups);
    return false;
  }
  return true;
}

/* (batch…, channels, spatial…) */
static void result_shape(const es_tensor *input, int n_axes, int64_t channels,
                         const int64_t *extent, int64_t *shape) {
  int batch = es_rank(input) - n_axes - 1;
  for (int i = 0; i < batch; i++) shape[i] = es_shape(input)[i];
  shape[batch] = channels;
  for (int i = 0; i < n_axes; i++) shape[batch + 1 + i] = extent[i];
}

static es_tensor *convolve(es_ctx *ctx, es_op_id id, int n_axes, const es_tensor *input,
                           const es_tensor *weight, const es_tensor *bias,
                           const es_window *window) {
  const char *op = es_op_at(id)->name;
  if (!es_ops_rank_at_least(ctx, op, "input", input, n_axes + 1) ||
      !es_ops_rank_at_least(ctx, op, "weight", weight, n_axes + 2))
    return NULL;
  int64_t groups = groups_of(window), out_channels = es_shape(weight)[0];
  if (!channels_agree(ctx, op, groups, es_shape(input)[es_rank(input) - n_axes - 1],
                      es_shape(weight)[1], out_channels))
    return NULL;
  es_ops_axis axes[3];
  if (es_ops_window(ctx, op, window, n_axes, spatial(input, n_axes), spatial(weight, n_axes), axes))
    return NULL;
  es_ops_sizes sizes = {0};
  es_ops_put(&sizes, "g", groups);
  es_ops_put_window(&sizes, n_axes, axes);
  es_ops_put_outputs(&sizes, n_axes, axes);
  int64_t extent[3], shape[ES_MAX_RANK];
  for (int i = 0; i < n_axes; i++) extent[i] = axes[i].out;
  result_shape(input, n_axes, out_channels, extent, shape);
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)weight};
  return es_ops_einsum_bias(ctx, id, in, 2, &sizes, bias, es_rank(input), bias ? shape : NULL,
                            es_rank(input) - n_axes - 1);
}

es_tensor *es_conv1d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                     const es_tensor *bias, const es_window *window) {
  return convolve(ctx, ES_OP_conv1d, 1, input, weight, bias, window);
}

es_tensor *es_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                     const es_tensor *bias, const es_window *window) {
  return convolve(ctx, ES_OP_conv2d, 2, input, weight, bias, window);
}

es_tensor *es_conv3d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                     const es_tensor *bias, const es_window *window) {
  return convolve(ctx, ES_OP_conv3d, 3, input, weight, bias, window);
}

/* ---- transposed ------------------------------------------------------------------- */

/* (n-1)s - low - high + d(k-1) + output_padding + 1 */
static es_status transposed_extents(es_ctx *ctx, const char *op, const es_window *window,
                                    int n_axes, const int64_t *n, const int64_t *k,
                                    es_ops_axis *axes, int64_t *extent) {
  /* As a convolution of its own output, whose extents are not known yet: a long
   * enough stand-in lets the window be resolved and validated. */
  int64_t stand_in[3] = {INT64_MAX / 8, INT64_MAX / 8, INT64_MAX / 8};
  ES_TRY(es_ops_window(ctx, op, window, n_axes, stand_in, k, axes));
  for (int i = 0; i < n_axes; i++) {
    es_ops_axis *a = &axes[i];
    int64_t extra = window ? window->output_padding[i] : 0;
    if (window && window->mode == ES_PAD_SAME)
      return es_ops_fail(ctx, ES_E_VALUE, "%s: padding must be numbers, found 'same'", op);
    if (extra < 0 || (extra >= a->s && extra >= a->d))
      return es_ops_fail(
          ctx, ES_E_VALUE,
          "%s: output_padding must be smaller than stride or dilation; on spatial axis %d it "
          "is %lld with stride %lld and dilation %lld",
          op, i, (long long)extra, (long long)a->s, (long long)a->d);
    if (n[i] > (INT64_C(1) << 31))
      return es_ops_fail(ctx, ES_E_OVERFLOW, "%s: spatial axis %d of %lld is too long", op, i,
                         (long long)n[i]);
    a->n = n[i];
    extent[i] = (n[i] - 1) * a->s - a->low - a->high + a->d * (a->k - 1) + extra + 1;
    if (n[i] == 0 || extent[i] < 1)
      return es_ops_fail(
          ctx, ES_E_EXTENT,
          "%s: spatial axis %d would have %lld elements: padding (%lld, %lld) takes all of them",
          op, i, (long long)(n[i] ? extent[i] : 0), (long long)a->low, (long long)a->high);
  }
  return ES_OK;
}

static es_tensor *convolve_transposed(es_ctx *ctx, es_op_id id, int n_axes, const es_tensor *input,
                                      const es_tensor *weight, const es_tensor *bias,
                                      const es_window *window) {
  const char *op = es_op_at(id)->name;
  if (!es_ops_rank_at_least(ctx, op, "input", input, n_axes + 1) ||
      !es_ops_rank_at_least(ctx, op, "weight", weight, n_axes + 2))
    return NULL;
  int64_t groups = groups_of(window), channels = es_shape(input)[es_rank(input) - n_axes - 1];
  if (groups < 1 || channels % groups || es_shape(weight)[0] != channels) {
    es_ops_fail(
        ctx, ES_E_EXTENT,
        "%s: the weight (axis 0: %lld) needs one row for each of the %lld input channels, a "
        "multiple of groups = %lld",
        op, (long long)es_shape(weight)[0], (long long)channels, (long long)groups);
    return NULL;
  }
  es_ops_axis axes[3];
  int64_t extent[3], shape[ES_MAX_RANK], out_channels;
  if (transposed_extents(ctx, op, window, n_axes, spatial(input, n_axes), spatial(weight, n_axes),
                         axes, extent))
    return NULL;
  if (__builtin_mul_overflow(groups, es_shape(weight)[1], &out_channels)) {
    es_ops_fail(ctx, ES_E_OVERFLOW, "%s: groups * weight channels is more than an int64 holds", op);
    return NULL;
  }
  result_shape(input, n_axes, out_channels, extent, shape);
  es_ops_sizes sizes = {0};
  es_ops_put(&sizes, "g", groups);
  es_ops_put_window(&sizes, n_axes, axes);
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)weight};
  return es_ops_einsum_bias(ctx, id, in, 2, &sizes, bias, es_rank(input), shape,
                            es_rank(input) - n_axes - 1);
}

es_tensor *es_conv_transpose1d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                               const es_tensor *bias, const es_window *window) {
  return convolve_transposed(ctx, ES_OP_conv_transpose1d, 1, input, weight, bias, window);
}

es_tensor *es_conv_transpose2d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                               const es_tensor *bias, const es_window *window) {
  return convolve_transposed(ctx, ES_OP_conv_transpose2d, 2, input, weight, bias, window);
}

es_tensor *es_conv_transpose3d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                               const es_tensor *bias, const es_window *window) {
  return convolve_transposed(ctx, ES_OP_conv_transpose3d, 3, input, weight, bias, window);
}

/* ---- gradients ---------------------------------------------------------------------- */

es_tensor *es_conv2d_weight(es_ctx *ctx, const es_tensor *input, const int64_t kernel_size[2],
                            const es_tensor *grad_output, const es_window *window) {
  const char *op = "conv2d_weight";
  if (!es_ops_rank_at_least(ctx, op, "input", input, 4) ||
      !es_ops_rank_at_least(ctx, op, "grad_output", grad_output, 4))
    return NULL;
  es_ops_axis axes[2];
  if (es_ops_window(ctx, op, window, 2, spatial(input, 2), kernel_size, axes)) return NULL;
  es_ops_sizes sizes = {0};
  es_ops_put(&sizes, "g", groups_of(window));
  es_ops_put_window(&sizes, 2, axes);
  es_ops_put_outputs(&sizes, 2, axes);
  es_ops_put_kernels(&sizes, 2, axes);
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)grad_output};
  return es_einsum(ctx, es_ops_expression(ES_OP_conv2d_weight), in, 2, sizes.item);
}

es_tensor *es_conv2d_input(es_ctx *ctx, const int64_t *input_shape, const es_tensor *weight,
                           const es_tensor *grad_output, const es_window *window) {
  const char *op = "conv2d_input";
  if (!es_ops_rank_at_least(ctx, op, "weight", weight, 4) ||
      !es_ops_rank_at_least(ctx, op, "grad_output", grad_output, 4))
    return NULL;
  if (!input_shape) {
    es_ops_fail(ctx, ES_E_VALUE, "%s: input_shape is NULL", op);
    return NULL;
  }
  es_ops_axis axes[2];
  if (es_ops_window(ctx, op, window, 2, input_shape + 2, spatial(weight, 2), axes)) return NULL;
  es_ops_sizes sizes = {0};
  es_ops_put(&sizes, "g", groups_of(window));
  es_ops_put_window(&sizes, 2, axes);
  es_tensor *in[] = {(es_tensor *)grad_output, (es_tensor *)weight};
  return es_ops_einsum_bias(ctx, ES_OP_conv2d_input, in, 2, &sizes, NULL, 4, input_shape, 1);
}

/* ---- from script arguments ------------------------------------------------------------ */

es_window es_ops_transpose_window_of(const es_value *stride, const es_value *padding,
                                     const es_value *output_padding, const es_value *groups,
                                     const es_value *dilation, int n_axes) {
  es_window w = es_ops_window_of(stride, padding, dilation, groups);
  es_ops_spread(output_padding, n_axes, w.output_padding);
  return w;
}

es_tensor *es_ops_call_conv2d_weight(es_ctx *ctx, const es_value *a) {
  int64_t kernel[2];
  es_ops_spread(&a[1], 2, kernel);
  es_window w = es_ops_window_of(&a[3], &a[4], &a[5], &a[6]);
  return es_conv2d_weight(ctx, a[0].tensor, kernel, a[2].tensor, &w);
}

es_tensor *es_ops_call_conv2d_input(es_ctx *ctx, const es_value *a) {
  if (a[0].n != 4) {
    es_ops_fail(ctx, ES_E_VALUE,
                "conv2d_input: input_size takes 4 extents (b, c, h, w), %d were given", a[0].n);
    return NULL;
  }
  es_window w = es_ops_window_of(&a[3], &a[4], &a[5], &a[6]);
  return es_conv2d_input(ctx, a[0].ints, a[1].tensor, a[2].tensor, &w);
}
