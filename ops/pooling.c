#include "base/error.h"
#include "engine/ctx.h"
#include "ops/calls.h"

static es_tensor *run(es_ctx *ctx, const char *text, es_reducer reducer, const es_tensor *input,
                      int n_axes, const es_ops_axis *axes) {
  es_ops_sizes sizes = {0};
  es_ops_put_window(&sizes, n_axes, axes);
  es_ops_put_outputs(&sizes, n_axes, axes);
  es_ops_put_kernels(&sizes, n_axes, axes);
  es_options options = {.sizes = sizes.item, .reducer = reducer};
  es_tensor *in[] = {(es_tensor *)input};
  return es_einsum_into(ctx, text, in, 1, &options, NULL);
}

/* How many elements of a padded input each window holds: with exclude, of the
 * input alone. The windows that ceil_mode adds hold fewer than the kernel. */
static es_tensor *window_counts(es_ctx *ctx, const es_window *window, int n_axes,
                                const es_ops_axis *axes) {
  int64_t n[3];
  es_ops_axis counted[3];
  for (int i = 0; i < n_axes; i++) {
    counted[i] = axes[i];
    if (!window->exclude_padding) {
      counted[i].n += axes[i].low + axes[i].high;
      counted[i].low = counted[i].high = 0;
    }
    n[i] = counted[i].n;
  }
  static const char *const text[3] = {
      "(sw*wo+dw*kw-pw)?0 -> wo", "(sh*ho+dh*kh-ph)?0 (sw*wo+dw*kw-pw)?0 -> ho wo",
      "(st*to+dt*kt-pt)?0 (sh*ho+dh*kh-ph)?0 (sw*wo+dw*kw-pw)?0 -> to ho wo"};
  es_tensor *ones = es_full(ctx, ES_F32, n_axes, n, 1);
  return ones ? run(ctx, text[n_axes - 1], ES_REDUCE_SUM, ones, n_axes, counted) : NULL;
}

static bool check_padding(es_ctx *ctx, const char *op, int n_axes, const es_ops_axis *axes) {
  for (int i = 0; i < n_axes; i++) {
    int64_t most = axes[i].low > axes[i].high ? axes[i].low : axes[i].high;
    if (2 * most <= axes[i].d * (axes[i].k - 1) + 1) continue;
    es_ops_fail(ctx, ES_E_VALUE,
                "%s: padding may be at most half the window, so that none is empty; on spatial "
                "axis %d it is "
                "%lld with a window of %lld",
                op, i, (long long)most, (long long)(axes[i].d * (axes[i].k - 1) + 1));
    return false;
  }
  return true;
}

static es_tensor *pool(es_ctx *ctx, es_op_id id, int n_axes, const es_tensor *input,
                       const int64_t *kernel_size, const es_window *window) {
  const char *op = es_op_at(id)->name;
  if (!es_ops_rank_at_least(ctx, op, "input", input, n_axes)) return NULL;
  es_window w = window ? *window : (es_window){0};
  if (!w.stride[0] && kernel_size)
    for (int i = 0; i < n_axes; i++) w.stride[i] = kernel_size[i];
  es_ops_axis axes[3];
  const int64_t *n = es_shape(input) + es_rank(input) - n_axes;
  if (es_ops_window(ctx, op, &w, n_axes, n, kernel_size, axes) ||
      !check_padding(ctx, op, n_axes, axes))
    return NULL;
  bool mean = id == ES_OP_avg_pool1d || id == ES_OP_avg_pool2d || id == ES_OP_avg_pool3d;
  if (!mean || !(w.exclude_padding || w.ceil_mode))
    return run(ctx, es_ops_expression(id), ES_REDUCE_NONE, input, n_axes, axes);
  /* mean * window / elements counted: the expression stays the one of the table. */
  if (es_scope_push(ctx)) return NULL;
  double window_elements = 1;
  for (int i = 0; i < n_axes; i++) window_elements *= (double)axes[i].k;
  es_tensor *means = run(ctx, es_ops_expression(id), ES_REDUCE_NONE, input, n_axes, axes);
  es_tensor *counts = window_counts(ctx, &w, n_axes, axes);
  es_tensor *scale = counts ? es_binary_scalar(ctx, ES_DIV, counts, window_elements, false, true)
                            : NULL;
  es_tensor *scaled = means && scale ? es_binary(ctx, ES_MUL, means, scale) : NULL;
  return es_scope_pop_keep(ctx, scaled ? es_cast(ctx, scaled, es_dtype_of(means)) : NULL);
}

es_tensor *es_max_pool1d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                         const es_window *window) {
  return pool(ctx, ES_OP_max_pool1d, 1, input, kernel_size, window);
}

es_tensor *es_max_pool2d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                         const es_window *window) {
  return pool(ctx, ES_OP_max_pool2d, 2, input, kernel_size, window);
}

es_tensor *es_max_pool3d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                         const es_window *window) {
  return pool(ctx, ES_OP_max_pool3d, 3, input, kernel_size, window);
}

es_tensor *es_avg_pool1d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                         const es_window *window) {
  return pool(ctx, ES_OP_avg_pool1d, 1, input, kernel_size, window);
}

es_tensor *es_avg_pool2d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                         const es_window *window) {
  return pool(ctx, ES_OP_avg_pool2d, 2, input, kernel_size, window);
}

es_tensor *es_avg_pool3d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                         const es_window *window) {
  return pool(ctx, ES_OP_avg_pool3d, 3, input, kernel_size, window);
}

es_tensor *es_global_avg_pool2d(es_ctx *ctx, const es_tensor *input) {
  es_tensor *in[] = {(es_tensor *)input};
  return es_einsum(ctx, es_ops_expression(ES_OP_global_avg_pool2d), in, 1, NULL);
}

es_tensor *es_global_max_pool2d(es_ctx *ctx, const es_tensor *input) {
  es_tensor *in[] = {(es_tensor *)input};
  return es_einsum(ctx, es_ops_expression(ES_OP_global_max_pool2d), in, 1, NULL);
}

es_tensor *es_ops_call_pool(es_ctx *ctx, es_ops_pool function, int n_axes, const es_value *input,
                            const es_value *kernel_size, const es_value *stride,
                            const es_value *padding, const es_value *dilation,
                            const es_value *ceil_mode, const es_value *count_include_pad) {
  int64_t kernel[3];
  es_ops_spread(kernel_size, n_axes, kernel);
  es_window w = es_ops_window_of(stride, padding, dilation, NULL);
  w.ceil_mode = ceil_mode->i != 0;
  w.exclude_padding = count_include_pad && !count_include_pad->i;
  return function(ctx, input->tensor, kernel, &w);
}
