#include <stdarg.h>
#include <stdio.h>

#include "engine/ctx.h"
#include "ops/ops.h"

es_status es_ops_fail(es_ctx *ctx, es_status status, const char *fmt, ...) {
  char message[sizeof((es_error *)0)->message];
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  return es_ctx_failf(ctx, status, "%s", message);
}

bool es_ops_rank_at_least(es_ctx *ctx, const char *op, const char *argument, const es_tensor *t,
                          int rank) {
  if (!t) return es_ctx_fail_null(ctx, op), false;
  if (es_rank(t) >= rank) return true;
  es_ops_fail(ctx, ES_E_RANK, "%s: %s needs at least %d axes, found %d", op, argument, rank,
              es_rank(t));
  return false;
}

static bool is_narrow(es_dtype dtype) { return dtype == ES_F16 || dtype == ES_BF16; }

es_tensor *es_ops_widen(es_ctx *ctx, const es_tensor *x) {
  if (!x) return es_ctx_fail_null(ctx, "the layer"), NULL;
  return is_narrow(es_dtype_of(x)) ? es_cast(ctx, x, ES_F32) : (es_tensor *)x;
}

es_tensor *es_ops_real(es_ctx *ctx, const char *op, const es_tensor *x) {
  if (!x) return es_ctx_fail_null(ctx, op), NULL;
  es_dtype dtype = es_dtype_of(x);
  if (es_dtype_class(dtype) == ES_CLASS_COMPLEX) {
    es_ops_fail(ctx, ES_E_DTYPE, "%s has no rule for %s", op, es_dtype_name(dtype));
    return NULL;
  }
  if (dtype == ES_F32 || dtype == ES_F64) return (es_tensor *)x;
  return es_cast(ctx, x, is_narrow(dtype) || dtype <= ES_I16 ? ES_F32 : ES_F64);
}

es_tensor *es_ops_leave(es_ctx *ctx, const es_tensor *input, es_tensor *y) {
  es_dtype dtype = es_dtype_of(input);
  return es_scope_pop_keep(ctx, y && is_narrow(dtype) ? es_cast(ctx, y, dtype) : y);
}

es_tensor *es_ops_pair(es_ctx *ctx, const char *text, const es_tensor *a, const es_tensor *b,
                       const es_axis_size *sizes) {
  es_tensor *in[] = {(es_tensor *)a, (es_tensor *)b};
  return es_einsum(ctx, text, in, 2, sizes);
}

es_tensor *es_ops_scalar(es_ctx *ctx, es_binary_op op, const es_tensor *a, double b) {
  return es_binary_scalar(ctx, op, a, b, false, false);
}

/* Promoted type of the operands and the bias. */
static es_dtype result_dtype(es_tensor *const *in, int64_t n, const es_tensor *bias) {
  es_dtype dtype = es_dtype_of(in[0]);
  for (int64_t i = 1; i < n; i++) dtype = es_dtype_promote(dtype, es_dtype_of(in[i]));
  return bias ? es_dtype_promote(dtype, es_dtype_of(bias)) : dtype;
}

/* bias along channel_axis of a result of that shape, in memory of its own. */
static es_tensor *spread_bias(es_ctx *ctx, const es_tensor *bias, es_dtype dtype, int rank,
                              const int64_t *shape, int channel_axis) {
  if (es_rank(bias) != 1 || es_shape(bias)[0] != shape[channel_axis]) {
    es_ops_fail(ctx, ES_E_EXTENT,
                "the bias must have one axis of %lld, one number a channel; it has %d axes of %lld "
                "elements",
                (long long)shape[channel_axis], es_rank(bias), (long long)es_size(bias));
    return NULL;
  }
  int64_t column[ES_MAX_RANK];
  for (int i = 0; i < rank; i++) column[i] = i == channel_axis ? shape[i] : 1;
  es_tensor *out = es_empty(ctx, dtype, rank, shape);
  es_tensor *view = es_reshape(ctx, bias, rank, column);
  if (!out || !view || es_assign(ctx, out, view)) return NULL;
  return out;
}

es_tensor *es_ops_einsum_bias(es_ctx *ctx, es_op_id id, es_tensor *const *in, int64_t n,
                              const es_ops_sizes *sizes, const es_tensor *bias, int rank,
                              const int64_t *out_shape, int channel_axis) {
  for (int64_t i = 0; i < n; i++)
    if (!in[i]) return NULL;
  es_options options = {
      .sizes = sizes ? sizes->item : NULL, .out_shape = out_shape, .out_rank = rank};
  if (!bias) {
    if (!out_shape) options.out_rank = 0;
    return es_einsum_into(ctx, es_ops_expression(id), in, n, &options, NULL);
  }
  es_tensor *out = spread_bias(ctx, bias, result_dtype(in, n, bias), rank, out_shape, channel_axis);
  if (!out) return NULL;
  options.has_scale = true;
  options.alpha = options.beta = 1;
  return es_einsum_into(ctx, es_ops_expression(id), in, n, &options, out);
}
