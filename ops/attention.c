#include <math.h>

#include "base/error.h"
#include "ops/calls.h"

/* Where allowed is false the score becomes -inf. */
static es_tensor *mask_scores(es_ctx *ctx, es_tensor *scores, const es_tensor *allowed) {
  es_tensor *never = es_full(ctx, es_dtype_of(scores), 0, NULL, -INFINITY);
  return never && allowed ? es_where(ctx, allowed, scores, never) : NULL;
}

/* True where token j may be seen from token i: j <= i. */
static es_tensor *causal_mask(es_ctx *ctx, int64_t rows, int64_t columns) {
  es_tensor *i = es_ramp(ctx, ES_I64, 2, (int64_t[]){rows, 1});
  es_tensor *j = es_ramp(ctx, ES_I64, 2, (int64_t[]){1, columns});
  return i && j ? es_binary(ctx, ES_GE, i, j) : NULL;
}

/* softmax over the last axis in which a row of -inf gives zeros. */
static es_tensor *masked_softmax(es_ctx *ctx, es_tensor *scores) {
  int last = -1;
  if (es_size(scores) == 0) return scores;
  es_tensor *most = es_reduce_axes(ctx, ES_REDUCE_MAX, scores, &last, 1, true);
  es_tensor *finite = most ? es_binary_scalar(ctx, ES_GT, most, -INFINITY, false, false) : NULL;
  es_tensor *is_nan = most ? es_unary(ctx, ES_ISNAN, most) : NULL;
  es_tensor *keep = finite && is_nan ? es_binary(ctx, ES_OR, finite, is_nan) : NULL;
  es_tensor *zero = most ? es_full(ctx, es_dtype_of(most), 0, NULL, 0) : NULL;
  es_tensor *shift = keep && zero ? es_where(ctx, keep, most, zero) : NULL;
  es_tensor *shifted = shift ? es_binary(ctx, ES_SUB, scores, shift) : NULL;
  es_tensor *e = shifted ? es_unary(ctx, ES_EXP, shifted) : NULL;
  es_tensor *sum = e ? es_reduce_axes(ctx, ES_REDUCE_SUM, e, &last, 1, true) : NULL;
  es_tensor *one = sum ? es_full(ctx, es_dtype_of(sum), 0, NULL, 1) : NULL;
  es_tensor *divisor = one ? es_where(ctx, keep, sum, one) : NULL;
  return divisor ? es_binary(ctx, ES_DIV, e, divisor) : NULL;
}

static es_tensor *apply_mask(es_ctx *ctx, es_tensor *scores, const es_tensor *mask) {
  if (es_dtype_of(mask) == ES_BOOL) return mask_scores(ctx, scores, mask);
  es_tensor *sum = es_binary(ctx, ES_ADD, scores, mask);
  return sum ? es_cast(ctx, sum, es_dtype_of(scores)) : NULL;
}

/* The two contractions. With grouped queries, g query heads share one of n key
 * and value heads: a split of the head axis, no copy. */
typedef struct contractions {
  const char *scores, *values;
} contractions;

static const contractions plain = {"... i d, ... j d -> ... i j", "... i j, ... j e -> ... i e"};
static const contractions grouped = {"... (n g) i d, ... n j d -> ... (n g) i j",
                                     "... (n g) i j, ... n j e -> ... (n g) i e"};

static es_tensor *attend(es_ctx *ctx, const contractions *c, es_tensor *q, es_tensor *k,
                         es_tensor *v, const es_tensor *mask, bool is_causal, double scale) {
  es_tensor *scaled = es_ops_scalar(ctx, ES_MUL, q, scale);
  es_tensor *scores = scaled ? es_ops_pair(ctx, c->scores, scaled, k, NULL) : NULL;
  if (scores && is_causal) {
    const int64_t *shape = es_shape(scores) + es_rank(scores) - 2;
    es_tensor *allowed = causal_mask(ctx, shape[0], shape[1]);
    scores = allowed ? mask_scores(ctx, scores, allowed) : NULL;
  }
  if (scores && mask) scores = apply_mask(ctx, scores, mask);
  es_tensor *weights = scores ? masked_softmax(ctx, scores) : NULL;
  return weights ? es_ops_pair(ctx, c->values, weights, v, NULL) : NULL;
}

es_tensor *es_scaled_dot_product_attention(es_ctx *ctx, const es_tensor *query,
                                           const es_tensor *key, const es_tensor *value,
                                           const es_tensor *attn_mask, bool is_causal, double scale,
                                           bool enable_gqa) {
  const char *op = "scaled_dot_product_attention";
  int least = enable_gqa ? 3 : 2;
  if (!es_ops_rank_at_least(ctx, op, "query", query, least) ||
      !es_ops_rank_at_least(ctx, op, "key", key, least) ||
      !es_ops_rank_at_least(ctx, op, "value", value, least) || es_scope_push(ctx))
    return NULL;
  int64_t d = es_shape(query)[es_rank(query) - 1];
  if (scale == 0) scale = 1 / sqrt((double)(d ? d : 1));
  es_tensor *q = es_ops_widen(ctx, query), *k = es_ops_widen(ctx, key),
            *v = es_ops_widen(ctx, value);
  const contractions *c = enable_gqa ? &grouped : &plain;
  es_tensor *y = q && k && v ? attend(ctx, c, q, k, v, attn_mask, is_causal, scale) : NULL;
  return es_ops_leave(ctx, query, y);
}

/* Projections of the input as (q, k, v) of (b, n, t, d) each, in one contraction. */
static es_tensor *project(es_ctx *ctx, const es_tensor *input, int64_t num_heads,
                          const es_tensor *weight, const es_tensor *bias) {
  const es_axis_size *sizes = ES_SIZES({"x", 3}, {"n", num_heads});
  es_tensor *y = es_ops_pair(ctx, "b t c, (x n d) c -> x b n t d", input, weight, sizes);
  if (!y || !bias) return y;
  es_tensor *b = es_rearrange(ctx, "(x n d) -> x 1 n 1 d", bias, sizes);
  return b ? es_binary(ctx, ES_ADD, y, b) : NULL;
}

es_tensor *es_multi_head_attention(es_ctx *ctx, const es_tensor *input, int64_t num_heads,
                                   const es_tensor *in_proj_weight, const es_tensor *in_proj_bias,
                                   const es_tensor *out_proj_weight, const es_tensor *out_proj_bias,
                                   const es_tensor *attn_mask, bool is_causal) {
  if (!input || !in_proj_weight || !out_proj_weight || es_scope_push(ctx)) return NULL;
  es_tensor *qkv = project(ctx, input, num_heads, in_proj_weight, in_proj_bias);
  es_tensor *part[3] = {NULL, NULL, NULL};
  for (int i = 0; qkv && i < 3; i++) part[i] = es_select(ctx, qkv, 0, i);
  es_tensor *heads = part[0] && part[1] && part[2]
                         ? es_scaled_dot_product_attention(ctx, part[0], part[1], part[2],
                                                           attn_mask, is_causal, 0, false)
                         : NULL;
  es_tensor *y = heads ? es_ops_pair(ctx, "b n t d, o (n d) -> b t o", heads, out_proj_weight, NULL)
                       : NULL;
  if (y && out_proj_bias) y = es_binary(ctx, ES_ADD, y, out_proj_bias);
  return es_scope_pop_keep(ctx, y);
}

es_tensor *es_squeeze_excite(es_ctx *ctx, const es_tensor *input, const es_tensor *w1,
                             const es_tensor *w2) {
  if (!input || !w1 || !w2 || es_scope_push(ctx)) return NULL;
  es_tensor *pooled = es_reduce(ctx, "b c h w -> b c", ES_REDUCE_MEAN, input, NULL);
  es_tensor *squeezed = pooled ? es_ops_pair(ctx, "b c, r c -> b r", pooled, w1, NULL) : NULL;
  es_tensor *active = es_relu(ctx, squeezed);
  es_tensor *excited = active ? es_ops_pair(ctx, "b r, c r -> b c", active, w2, NULL) : NULL;
  es_tensor *gate = es_sigmoid(ctx, excited);
  return es_scope_pop_keep(
      ctx,
      gate ? es_ops_pair(ctx, es_ops_expression(ES_OP_squeeze_excite), input, gate, NULL) : NULL);
}
