#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "engine/ctx.h"
#include "ops/calls.h"

/* r and q are the two sides of a block. */
static es_tensor *block(es_ctx *ctx, es_op_id id, const es_tensor *input, int64_t factor) {
  return es_rearrange(ctx, es_ops_expression(id), input, ES_SIZES({"r", factor}, {"q", factor}));
}

es_tensor *es_pixel_shuffle(es_ctx *ctx, const es_tensor *input, int64_t upscale_factor) {
  return block(ctx, ES_OP_pixel_shuffle, input, upscale_factor);
}

es_tensor *es_pixel_unshuffle(es_ctx *ctx, const es_tensor *input, int64_t downscale_factor) {
  return block(ctx, ES_OP_pixel_unshuffle, input, downscale_factor);
}

es_tensor *es_space_to_depth(es_ctx *ctx, const es_tensor *input, int64_t block_size) {
  return block(ctx, ES_OP_space_to_depth, input, block_size);
}

es_tensor *es_depth_to_space(es_ctx *ctx, const es_tensor *input, int64_t block_size) {
  return block(ctx, ES_OP_depth_to_space, input, block_size);
}

es_tensor *es_channel_shuffle(es_ctx *ctx, const es_tensor *input, int64_t groups) {
  return es_rearrange(ctx, es_ops_expression(ES_OP_channel_shuffle), input,
                      ES_SIZES({"g", groups}));
}

es_tensor *es_upsample_nearest2d(es_ctx *ctx, const es_tensor *input, int64_t scale_factor) {
  return es_repeat(ctx, es_ops_expression(ES_OP_upsample_nearest2d), input,
                   ES_SIZES({"r", scale_factor}, {"q", scale_factor}));
}

es_tensor *es_patch_embed(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                          const es_tensor *bias) {
  if (!es_ops_rank_at_least(ctx, "patch_embed", "input", input, 3) ||
      !es_ops_rank_at_least(ctx, "patch_embed", "weight", weight, 4))
    return NULL;
  int rank = es_rank(input);
  const int64_t *image = es_shape(input), *kernel = es_shape(weight);
  int64_t shape[ES_MAX_RANK];
  for (int i = 0; i < rank - 3; i++) shape[i] = image[i];
  bool even = kernel[2] > 0 && kernel[3] > 0;
  if (bias && (!even || !es_mul_i64(image[rank - 2] / kernel[2], image[rank - 1] / kernel[3],
                                    &shape[rank - 3]))) {
    es_ops_fail(ctx, ES_E_EXTENT, "patch_embed: the weight has patches of %lld x %lld",
                (long long)kernel[2], (long long)kernel[3]);
    return NULL;
  }
  shape[rank - 2] = kernel[0];
  es_tensor *in[] = {(es_tensor *)input, (es_tensor *)weight};
  return es_ops_einsum_bias(ctx, ES_OP_patch_embed, in, 2, NULL, bias, rank - 1,
                            bias ? shape : NULL, rank - 2);
}

/* ---- pad ---------------------------------------------------------------------------- */

enum pad_mode { PAD_EDGE, PAD_WRAP, PAD_REFLECT, PAD_CONSTANT };

/* Each mode's fill word, as it stands in the three expressions of the table. */
static const char *const mode_text[] = {"... (n-p)?edge -> ... n", "... (n-p)?wrap -> ... n",
                                        "... (n-p)?reflect -> ... n"};

static int find_mode(const char *mode) {
  static const char *const names[] = {"replicate", "circular", "reflect", "constant"};
  for (int i = 0; mode && i < 4; i++)
    if (!strcmp(mode, names[i])) return i;
  return -1;
}

/* Cuts what negative pads ask for. */
static es_tensor *crop(es_ctx *ctx, es_tensor *x, int axis, int64_t low, int64_t high) {
  int64_t n = es_shape(x)[axis];
  int64_t from = low < 0 ? -low : 0, to = high < 0 ? n + high : n;
  if (from > n || to < from) {
    es_ops_fail(ctx, ES_E_EXTENT, "pad: axis %d of %lld elements cannot lose %lld and %lld", axis,
                (long long)n, (long long)(low < 0 ? -low : 0), (long long)(high < 0 ? -high : 0));
    return NULL;
  }
  return from || to < n ? es_slice(ctx, x, axis, from, to, 1) : x;
}

static bool padded_extent(es_ctx *ctx, int64_t extent, int64_t low, int64_t high, int axis,
                          int64_t *padded) {
  if (es_add_i64(extent, low, padded) && es_add_i64(*padded, high, padded)) return true;
  es_ops_fail(ctx, ES_E_OVERFLOW, "pad: axis %d would be longer than an int64 holds", axis);
  return false;
}

/* One axis, by the notation: the axis goes last, is read past its ends, goes back. */
static es_tensor *pad_by_reading(es_ctx *ctx, es_tensor *x, int axis, int64_t low, int64_t high,
                                 int mode) {
  int64_t n;
  if (!padded_extent(ctx, es_shape(x)[axis], low, high, axis, &n)) return NULL;
  es_tensor *last = es_transpose(ctx, x, axis, -1);
  es_tensor *in[] = {last};
  es_tensor *y = es_einsum(ctx, mode_text[mode], in, 1, ES_SIZES({"n", n}, {"p", low}));
  return es_transpose(ctx, y, axis, -1);
}

/* All axes at once: a result full of value, the input assigned into its middle. */
static es_tensor *pad_by_value(es_ctx *ctx, const es_tensor *x, const int64_t *low,
                               const int64_t *high, double value) {
  int rank = es_rank(x);
  int64_t shape[ES_MAX_RANK];
  for (int i = 0; i < rank; i++)
    if (!padded_extent(ctx, es_shape(x)[i], low[i], high[i], i, &shape[i])) return NULL;
  es_tensor *out = es_full(ctx, es_dtype_of(x), rank, shape, value), *middle = out;
  for (int i = 0; middle && i < rank; i++)
    middle = es_slice(ctx, middle, i, low[i], low[i] + es_shape(x)[i], 1);
  return middle && !es_assign(ctx, middle, x) ? out : NULL;
}

static es_tensor *pad_all(es_ctx *ctx, const es_tensor *input, const int64_t *pad, int n_axes,
                          int mode, double value) {
  int rank = es_rank(input);
  int64_t low[ES_MAX_RANK] = {0}, high[ES_MAX_RANK] = {0};
  es_tensor *x = (es_tensor *)input;
  for (int i = 0; x && i < n_axes; i++) {
    int axis = rank - 1 - i;
    x = crop(ctx, x, axis, pad[2 * i], pad[2 * i + 1]);
    low[axis] = pad[2 * i] > 0 ? pad[2 * i] : 0;
    high[axis] = pad[2 * i + 1] > 0 ? pad[2 * i + 1] : 0;
    if (x && mode != PAD_CONSTANT && (low[axis] || high[axis]))
      x = pad_by_reading(ctx, x, axis, low[axis], high[axis], mode);
  }
  if (!x || mode != PAD_CONSTANT) return x ? es_contiguous(ctx, x) : NULL;
  return pad_by_value(ctx, x, low, high, value);
}

es_tensor *es_pad(es_ctx *ctx, const es_tensor *input, const int64_t *pad, int n_pad,
                  const char *mode, double value) {
  if (!input) return es_ctx_fail_null(ctx, "pad"), NULL;
  int found = find_mode(mode);
  if (found < 0) {
    es_ops_fail(ctx, ES_E_VALUE,
                "pad: mode must be constant, reflect, replicate or circular, found '%s'",
                mode ? mode : "NULL");
    return NULL;
  }
  if (n_pad && !pad) {
    es_ops_fail(ctx, ES_E_VALUE, "pad: the list of %d numbers is NULL", n_pad);
    return NULL;
  }
  if (n_pad < 0 || n_pad % 2 || n_pad / 2 > es_rank(input)) {
    es_ops_fail(ctx, ES_E_VALUE,
                "pad: expected a (low, high) pair for each of at most %d axes, found %d numbers",
                es_rank(input), n_pad);
    return NULL;
  }
  for (int i = 0; i < n_pad; i++)
    if (pad[i] > INT64_MAX / 4 || pad[i] < -INT64_MAX / 4) {
      es_ops_fail(ctx, ES_E_OVERFLOW, "pad: %lld is more than any tensor holds", (long long)pad[i]);
      return NULL;
    }
  if (es_scope_push(ctx)) return NULL;
  return es_scope_pop_keep(ctx, pad_all(ctx, input, pad, n_pad / 2, found, value));
}
