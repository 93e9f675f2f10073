/* The table of layers and what its families share. */
#ifndef ES_OPS_OPS_H
#define ES_OPS_OPS_H

#include "einstride/layers.h"

/* One id a row of ops/all.def. */
typedef enum es_op_id {
#define ES_OP(name, ...) ES_OP_##name,
#include "ops/all.def"
#undef ES_OP
  ES_OP_COUNT
} es_op_id;

/* The expression of a row: the text that runs is the text that is documented. */
const char *es_ops_expression(es_op_id id);

/* A list of sizes being filled. Names must outlive the call. */
typedef struct es_ops_sizes {
  es_axis_size item[24];
  int n;
} es_ops_sizes;
void es_ops_put(es_ops_sizes *sizes, const char *name, int64_t size);

/* One spatial axis of a window, every default resolved. */
typedef struct es_ops_axis {
  int64_t n, k, s, d; /* input extent, kernel, stride, dilation */
  int64_t low, high;  /* padding */
  int64_t out;
} es_ops_axis;

/* Resolves and validates a window over n_axes (1..3) axes. n[] input extents, k[]
 * kernel extents. Sets .out to the output extent of a convolution or pooling. On
 * failure the context has the error, which names op. */
es_status es_ops_window(es_ctx *ctx, const char *op, const es_window *window, int n_axes,
                        const int64_t *n, const int64_t *k, es_ops_axis *axes);
/* s_, d_, p_ of each axis for "(sh*ho+dh*kh-ph)" and the like: names end in t, h, w. */
void es_ops_put_window(es_ops_sizes *sizes, int n_axes, const es_ops_axis *axes);
void es_ops_put_outputs(es_ops_sizes *sizes, int n_axes, const es_ops_axis *axes); /* to ho wo */
void es_ops_put_kernels(es_ops_sizes *sizes, int n_axes, const es_ops_axis *axes); /* kt kh kw */

/* Expression id over in[0..n), into a result that starts out from bias along
 * channel_axis when bias is not NULL. out_shape is needed then; else may be NULL. */
es_tensor *es_ops_einsum_bias(es_ctx *ctx, es_op_id id, es_tensor *const *in, int64_t n,
                              const es_ops_sizes *sizes, const es_tensor *bias, int rank,
                              const int64_t *out_shape, int channel_axis);

/* False, with an error that names op and argument, when t has fewer axes. NULL:
 * false without an error, as every call does. */
bool es_ops_rank_at_least(es_ctx *ctx, const char *op, const char *argument, const es_tensor *t,
                          int rank);
es_status es_ops_fail(es_ctx *ctx, es_status status, const char *fmt, ...) ES_PRINTF(3, 4);

/* From the arguments of a script to the options of C. */
es_window es_ops_window_of(const es_value *stride, const es_value *padding,
                           const es_value *dilation, const es_value *groups);
/* es_value INTS of one or n entries, spread to n entries. */
void es_ops_spread(const es_value *value, int n, int64_t *out);

/* Arithmetic of 16-bit floats happens in f32: x itself, or a cast of it. */
es_tensor *es_ops_widen(es_ctx *ctx, const es_tensor *x);
/* x as f32 or f64: itself, or a cast of it; integers as EXP takes them. Complex numbers
 * have no such. */
es_tensor *es_ops_real(es_ctx *ctx, const char *op, const es_tensor *x);
/* Ends the scope of a layer's temporaries and keeps y, in the 16-bit type of input
 * where that was widened. y NULL: NULL. */
es_tensor *es_ops_leave(es_ctx *ctx, const es_tensor *input, es_tensor *y);
/* es_einsum of two operands. */
es_tensor *es_ops_pair(es_ctx *ctx, const char *text, const es_tensor *a, const es_tensor *b,
                       const es_axis_size *sizes);
es_tensor *es_ops_scalar(es_ctx *ctx, es_binary_op op, const es_tensor *a, double b);

#endif
