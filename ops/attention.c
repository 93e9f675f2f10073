#include <math.h>
#include <string.h>

#include "base/error.h"
#include "engine/cache.h"
#include "engine/tensor/rows.h"
#include "ops/attention_blocks.h"
#include "ops/calls.h"

/* The two contractions: they tell shapes and types, and refuse what does not fit. With
 * grouped queries, g query heads share one of n key and value heads. */
typedef struct contractions {
  const char *scores, *values;
} contractions;

static const contractions plain = {"... i d, ... j d -> ... i j", "... i j, ... j e -> ... i e"};
static const contractions grouped = {"... (n g) i d, ... n j d -> ... (n g) i j",
                                     "... (n g) i j, ... n j e -> ... (n g) i e"};

typedef struct shaped {
  es_dtype dtype;
  int rank;
  int64_t shape[ES_MAX_RANK];
} shaped;

static es_array array_of(const shaped *s) {
  return (es_array){.dtype = s->dtype, .rank = s->rank, .shape = s->shape};
}

/* What the contraction would give. False: the error is recorded. */
static bool contracted(es_ctx *ctx, const char *text, es_array a, es_array b, shaped *out) {
  es_plan *plan;
  es_error error;
  es_array in[2] = {a, b};
  if (es_cache_plan(ctx, ES_KIND_EINSUM, text, strlen(text), in, 2, NULL, NULL, NULL, &plan,
                    &error)) {
    es_ctx_fail(ctx, &error, text, strlen(text));
    return false;
  }
  out->dtype = es_plan_dtype(plan);
  out->rank = es_plan_rank(plan);
  memcpy(out->shape, es_plan_shape(plan), sizeof *out->shape * (size_t)out->rank);
  es_plan_release(plan);
  return true;
}

/* The scores under a mask, which may stretch them. */
static bool masked(es_ctx *ctx, const es_tensor *mask, shaped *scores) {
  es_error error;
  shaped before = *scores;
  es_array in[2] = {array_of(&before), es_tensor_array(mask)};
  const char *what = in[1].dtype == ES_BOOL ? "where" : "add";
  if (!es_rows_broadcast(what, 2, in, &scores->rank, scores->shape, &error)) return true;
  es_ctx_fail(ctx, &error, NULL, 0);
  return false;
}

/* The real type of the arithmetic. */
static bool typed(es_ctx *ctx, const shaped *scores, const shaped *out, es_dtype *real) {
  *real = out->dtype == ES_C64 ? ES_F32 : out->dtype == ES_C128 ? ES_F64 : out->dtype;
  if (es_dtype_class(scores->dtype) != ES_CLASS_COMPLEX) return true;
  es_ops_fail(ctx, ES_E_DTYPE, "scaled_dot_product_attention: scores of type %s have no largest",
              es_dtype_name(scores->dtype));
  return false;
}

/* ---- operands of one batch shape ------------------------------------------------------- */

static es_tensor *converted(es_ctx *ctx, const es_tensor *t, es_dtype dtype) {
  return es_dtype_of(t) == dtype ? (es_tensor *)t : es_cast(ctx, t, dtype);
}

/* t with the batch axes of to, rows, and its own columns. */
static es_tensor *spread(es_ctx *ctx, const es_tensor *t, const shaped *to, int64_t rows) {
  if (!t) return NULL;
  shaped s = *to;
  s.shape[s.rank - 2] = rows;
  s.shape[s.rank - 1] = es_shape(t)[es_rank(t) - 1];
  return es_broadcast_to(ctx, t, s.rank, s.shape);
}

/* Query heads (n g) as two axes, n and g. */
static es_tensor *split_heads(es_ctx *ctx, es_tensor *t, int64_t n) {
  return t ? es_rearrange(ctx, "... (n g) i j -> ... n g i j", t, ES_SIZES({"n", n})) : NULL;
}

/* Complex numbers as pairs of columns. t, in C order, must outlive them. */
static es_tensor *pairs(es_ctx *ctx, es_tensor *t, es_dtype real) {
  if (!t || es_dtype_of(t) == real) return t;
  int rank = es_rank(t);
  int64_t shape[ES_MAX_RANK];
  memcpy(shape, es_shape(t), sizeof *shape * (size_t)rank);
  shape[rank - 1] *= 2; /* no overflow: the elements exist */
  return es_tensor_wrap(ctx, real, t->storage->data, 2 * es_tensor_length(t), 2 * t->view.offset,
                        rank, shape, NULL, t->view.writable, NULL, NULL);
}

static es_tensor *attend(es_ctx *ctx, bool enable_gqa, es_tensor *q, es_tensor *k, es_tensor *v,
                         const es_tensor *mask, bool is_causal, double scale) {
  const contractions *c = enable_gqa ? &grouped : &plain;
  shaped scores, out;
  es_dtype real;
  if (!contracted(ctx, c->scores, es_tensor_array(q), es_tensor_array(k), &scores) ||
      (mask && !masked(ctx, mask, &scores)) ||
      !contracted(ctx, c->values, array_of(&scores), es_tensor_array(v), &out) ||
      !typed(ctx, &scores, &out, &real))
    return NULL;
  int64_t i = scores.shape[scores.rank - 2], j = scores.shape[scores.rank - 1];
  es_tensor *y = es_empty(ctx, out.dtype, out.rank, out.shape), *m = NULL;
  es_attention a = {.out = pairs(ctx, y, real), .is_causal = is_causal, .scale = scale};
  q = spread(ctx, converted(ctx, q, real), &scores, i);
  k = converted(ctx, k, real);
  v = converted(ctx, v, out.dtype);
  if (out.dtype != real) v = pairs(ctx, es_contiguous(ctx, v), real);
  if (mask) m = es_dtype_of(mask) == ES_BOOL ? (es_tensor *)mask : converted(ctx, mask, real);
  if (m) m = es_broadcast_to(ctx, m, scores.rank, scores.shape);
  if (enable_gqa && v && a.out) {
    int64_t n = es_shape(v)[es_rank(v) - 3];
    q = split_heads(ctx, q, n);
    if (m) m = split_heads(ctx, m, n);
    a.out = split_heads(ctx, a.out, n);
    k = k ? es_unsqueeze(ctx, k, -3) : NULL;
    v = es_unsqueeze(ctx, v, -3);
  }
  if (!q || !k || !v || !a.out || (mask && !m)) return NULL;
  shaped heads = {.rank = es_rank(a.out)}; /* of the values, too, that scores may lack */
  memcpy(heads.shape, es_shape(a.out), sizeof *heads.shape * (size_t)heads.rank);
  a.query = spread(ctx, q, &heads, i);
  a.mask = spread(ctx, m, &heads, i);
  a.key = spread(ctx, k, &heads, j);
  a.value = spread(ctx, v, &heads, j);
  bool whole = a.query && a.key && a.value && (!m || a.mask);
  return whole && es_attention_run(ctx, &a) == ES_OK ? y : NULL;
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
  if (q && es_dtype_class(es_dtype_of(q)) <= ES_CLASS_INT) q = es_cast(ctx, q, ES_F64);
  es_tensor *y = q && k && v ? attend(ctx, enable_gqa, q, k, v, attn_mask, is_causal, scale) : NULL;
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
