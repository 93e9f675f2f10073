/* What the rows of the tables call to turn script arguments into C's. */
#ifndef ES_OPS_CALLS_H
#define ES_OPS_CALLS_H

#include "ops/ops.h"

es_window es_ops_transpose_window_of(const es_value *stride, const es_value *padding,
                                     const es_value *output_padding, const es_value *groups,
                                     const es_value *dilation, int n_axes);
es_tensor *es_ops_call_conv2d_weight(es_ctx *ctx, const es_value *a);
es_tensor *es_ops_call_conv2d_input(es_ctx *ctx, const es_value *a);
es_tensor *es_ops_call_unfold(es_ctx *ctx, const es_value *a);
es_tensor *es_ops_call_fold(es_ctx *ctx, const es_value *a);

es_tensor *es_ops_call_gelu(es_ctx *ctx, const es_value *a);

typedef es_tensor *(*es_ops_pool)(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                                  const es_window *window);
/* kernel_size, stride (None: the kernel), padding, dilation (NULL: none), ceil_mode,
 * count_include_pad (NULL: true). */
es_tensor *es_ops_call_pool(es_ctx *ctx, es_ops_pool pool, int n_axes, const es_value *input,
                            const es_value *kernel_size, const es_value *stride,
                            const es_value *padding, const es_value *dilation,
                            const es_value *ceil_mode, const es_value *count_include_pad);
/* Axes of normalized_shape, which must be the last extents of input; -1 on error. */
int es_ops_normalized_axes(es_ctx *ctx, const char *op, const es_tensor *input,
                           const es_value *normalized_shape);
es_tensor *es_ops_call_layer_norm(es_ctx *ctx, const es_value *a);
es_tensor *es_ops_call_rms_norm(es_ctx *ctx, const es_value *a);

#endif
