#include "base/error.h"
#include "engine/normalise.h"
#include "ops/calls.h"

/* y = x * weight + bias; either may be NULL. */
static es_tensor *scale_shift(es_ctx *ctx, es_tensor *x, const es_tensor *weight,
                              const es_tensor *bias) {
  if (x && weight) x = es_binary(ctx, ES_MUL, x, weight);
  if (x && bias) x = es_binary(ctx, ES_ADD, x, bias);
  return x;
}

/* Whether t has an element for each of a row of x, as the kernels take it. */
static bool is_row(const es_tensor *t, const es_tensor *x, int n_axes) {
  if (!t) return true;
  int skipped = es_rank(x) - n_axes;
  if (es_dtype_of(t) != es_dtype_of(x) || es_rank(t) != n_axes || !es_is_contiguous(t))
    return false;
  for (int i = 0; i < n_axes; i++)
    if (es_shape(t)[i] != es_shape(x)[skipped + i]) return false;
  return true;
}

static es_tensor *over_last_axes(es_ctx *ctx, es_normalise op, const char *name,
                                 const es_tensor *input, int n_axes, const es_tensor *weight,
                                 const es_tensor *bias, double eps) {
  if (es_scope_push(ctx)) return NULL;
  es_tensor *x = es_ops_real(ctx, name, input), *y = NULL;
  bool rows = x && is_row(weight, x, n_axes) && is_row(bias, x, n_axes);
  if (x)
    y = es_normalise_axes(ctx, op, x, es_rank(x) - n_axes, n_axes, rows ? weight : NULL,
                          rows ? bias : NULL, eps);
  return es_ops_leave(ctx, input, rows ? y : scale_shift(ctx, y, weight, bias));
}

static bool last_axes(es_ctx *ctx, const char *op, const es_tensor *x, int n_axes) {
  if (n_axes < 1 || n_axes > es_rank(x)) {
    es_ops_fail(ctx, ES_E_RANK, "%s: normalises over 1 to %d last axes, %d were asked for", op,
                es_rank(x), n_axes);
    return false;
  }
  return true;
}

es_tensor *es_layer_norm(es_ctx *ctx, const es_tensor *input, int n_axes, const es_tensor *weight,
                         const es_tensor *bias, double eps) {
  if (!input || !last_axes(ctx, "layer_norm", input, n_axes)) return NULL;
  return over_last_axes(ctx, ES_NORMALISE_MOMENTS, "layer_norm", input, n_axes, weight, bias, eps);
}

es_tensor *es_rms_norm(es_ctx *ctx, const es_tensor *input, int n_axes, const es_tensor *weight,
                       double eps) {
  if (!input || !last_axes(ctx, "rms_norm", input, n_axes)) return NULL;
  return over_last_axes(ctx, ES_NORMALISE_RMS, "rms_norm", input, n_axes, weight, NULL, eps);
}

/* (c) -> (c, 1, …, 1): a number a channel, against (b, c, …). */
static es_tensor *per_channel(es_ctx *ctx, const char *op, const char *argument, const es_tensor *t,
                              const es_tensor *input) {
  int64_t shape[ES_MAX_RANK];
  int rank = es_rank(input) - 1;
  if (es_rank(t) != 1 || es_shape(t)[0] != es_shape(input)[1]) {
    es_ops_fail(ctx, ES_E_EXTENT,
                "%s: %s must hold one number for each of the %lld channels (axis 1)", op, argument,
                (long long)es_shape(input)[1]);
    return NULL;
  }
  for (int i = 0; i < rank; i++) shape[i] = i ? 1 : es_shape(t)[0];
  return es_reshape(ctx, t, rank, shape);
}

/* The same as a row of dtype in C order. */
static es_tensor *channel_numbers(es_ctx *ctx, const char *op, const char *argument,
                                  const es_tensor *t, const es_tensor *input, es_dtype dtype) {
  if (!per_channel(ctx, op, argument, t, input)) return NULL;
  return es_contiguous(ctx, es_dtype_of(t) == dtype ? t : es_cast(ctx, t, dtype));
}

static es_tensor *channel_scale_shift(es_ctx *ctx, const char *op, es_tensor *y,
                                      const es_tensor *input, const es_tensor *weight,
                                      const es_tensor *bias) {
  if (!y) return NULL;
  es_tensor *w = weight ? per_channel(ctx, op, "weight", weight, input) : NULL;
  es_tensor *b = bias ? per_channel(ctx, op, "bias", bias, input) : NULL;
  if ((weight && !w) || (bias && !b)) return NULL;
  return scale_shift(ctx, y, w, b);
}

es_tensor *es_group_norm(es_ctx *ctx, const es_tensor *input, int64_t num_groups,
                         const es_tensor *weight, const es_tensor *bias, double eps) {
  if (!es_ops_rank_at_least(ctx, "group_norm", "input", input, 2) || es_scope_push(ctx))
    return NULL;
  const int64_t *shape = es_shape(input);
  es_tensor *y = NULL;
  if (num_groups < 1 || shape[1] % num_groups) {
    es_ops_fail(ctx, ES_E_EXTENT,
                "group_norm: %lld channels (axis 1) are not a multiple of num_groups = %lld",
                (long long)shape[1], (long long)num_groups);
  } else {
    es_tensor *x = es_ops_widen(ctx, input);
    es_tensor *rows = x ? es_reshape(ctx, x, 3,
                                     (int64_t[]){shape[0], num_groups, es_size(input) ? -1 : 0})
                        : NULL;
    es_tensor *flat = rows ? es_layer_norm(ctx, rows, 1, NULL, NULL, eps) : NULL;
    y = flat ? es_reshape(ctx, flat, es_rank(input), shape) : NULL;
  }
  return es_ops_leave(ctx, input, channel_scale_shift(ctx, "group_norm", y, input, weight, bias));
}

es_tensor *es_batch_norm(es_ctx *ctx, const es_tensor *input, const es_tensor *running_mean,
                         const es_tensor *running_var, const es_tensor *weight,
                         const es_tensor *bias, double eps) {
  const char *op = "batch_norm";
  if (!es_ops_rank_at_least(ctx, op, "input", input, 2) || !running_mean || !running_var ||
      es_scope_push(ctx))
    return NULL;
  es_tensor *x = es_ops_real(ctx, op, input);
  es_dtype dtype = x ? es_dtype_of(x) : ES_F32;
  es_tensor *mean = x ? channel_numbers(ctx, op, "running_mean", running_mean, input, dtype) : NULL;
  es_tensor *var = mean ? channel_numbers(ctx, op, "running_var", running_var, input, dtype) : NULL;
  es_tensor *safe = var ? es_ops_scalar(ctx, ES_ADD, var, eps) : NULL;
  es_tensor *scale = safe ? es_unary(ctx, ES_RSQRT, safe) : NULL;
  es_tensor *w = weight ? channel_numbers(ctx, op, "weight", weight, input, dtype) : NULL;
  es_tensor *b = bias ? channel_numbers(ctx, op, "bias", bias, input, dtype) : NULL;
  if (scale && w) scale = es_binary(ctx, ES_MUL, scale, w);
  es_tensor *y = NULL;
  if (scale && (w || !weight) && (b || !bias)) {
    if (es_rank(x) > 2) {
      y = es_normalise_channels(ctx, x, mean, scale, b);
    } else {
      y = es_binary(ctx, ES_SUB, x, mean); /* channels lie side by side */
      y = scale_shift(ctx, y, scale, b);
    }
  }
  return es_ops_leave(ctx, input, y);
}

/* ---- from script arguments --------------------------------------------------------------- */

int es_ops_normalized_axes(es_ctx *ctx, const char *op, const es_tensor *input,
                           const es_value *normalized_shape) {
  int n = normalized_shape->n, rank = es_rank(input);
  bool fits = n >= 1 && n <= rank;
  for (int i = 0; fits && i < n; i++)
    fits = normalized_shape->ints[i] == es_shape(input)[rank - n + i];
  if (fits) return n;
  es_ops_fail(ctx, ES_E_EXTENT,
              "%s: normalized_shape must be the last extents of the input (last axis: %lld)", op,
              (long long)(rank ? es_shape(input)[rank - 1] : 0));
  return -1;
}

es_tensor *es_ops_call_layer_norm(es_ctx *ctx, const es_value *a) {
  int n_axes = es_ops_normalized_axes(ctx, "layer_norm", a[0].tensor, &a[1]);
  return n_axes < 0 ? NULL
                    : es_layer_norm(ctx, a[0].tensor, n_axes, a[2].tensor, a[3].tensor, a[4].f);
}

es_tensor *es_ops_call_rms_norm(es_ctx *ctx, const es_value *a) {
  int n_axes = es_ops_normalized_axes(ctx, "rms_norm", a[0].tensor, &a[1]);
  return n_axes < 0 ? NULL : es_rms_norm(ctx, a[0].tensor, n_axes, a[2].tensor, a[3].f);
}
