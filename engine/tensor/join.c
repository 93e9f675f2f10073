/* Concatenation and stacking: each tensor is written into its part of the result,
 * converted to the promoted type. */
#include "base/checked.h"
#include "base/text.h"
#include "engine/tensor/rows.h"

static es_status check_list(es_ctx *ctx, const char *what, es_tensor *const *xs, int64_t n) {
  if (n < 1) return es_ctx_failf(ctx, ES_E_COUNT, "%s needs at least one tensor", what);
  for (int64_t k = 0; k < n; k++)
    if (!xs || !xs[k]) return es_ctx_fail_null(ctx, what);
  return ES_OK;
}

/* Same axes as the first tensor, but for one (-1: but for none). */
static es_status check_shapes(const char *what, es_tensor *const *xs, int64_t n, int except,
                              es_error *error) {
  const es_view *first = &xs[0]->view;
  for (int64_t k = 1; k < n; k++) {
    const es_view *x = &xs[k]->view;
    int i = 0;
    while (x->rank == first->rank && i < x->rank && (i == except || x->shape[i] == first->shape[i]))
      i++;
    if (x->rank == first->rank && i == x->rank) continue;
    char a[160], b[160], where[24] = "";
    es_text ta = es_text_init(a, sizeof a), tb = es_text_init(b, sizeof b);
    es_text_shape(&ta, first->rank, first->shape);
    es_text_shape(&tb, x->rank, x->shape);
    es_text tw = es_text_init(where, sizeof where);
    if (x->rank == first->rank) es_text_printf(&tw, " in axis %d", i);
    return es_blame(error, (int)k,
                    es_fail(error, x->rank == first->rank ? ES_E_EXTENT : ES_E_RANK, "", ES_NOWHERE,
                            "%s: tensor %lld has shape %s, tensor 0 has %s: they differ%s", what,
                            (long long)k, b, a, where));
  }
  return ES_OK;
}

static es_dtype promoted(es_tensor *const *xs, int64_t n) {
  es_dtype dtype = xs[0]->view.dtype;
  for (int64_t k = 1; k < n; k++) dtype = es_dtype_promote(dtype, xs[k]->view.dtype);
  return dtype;
}

/* Writes x into y from index at of an axis on. x may lack that axis (stacking). */
static es_status place(es_ctx *ctx, es_tensor *y, const es_tensor *x, int axis, int64_t at,
                       es_error *error) {
  int64_t strides[ES_MAX_RANK];
  bool stacking = x->view.rank < y->view.rank;
  for (int i = 0; i < x->view.rank; i++) strides[i] = y->view.strides[i + (stacking && i >= axis)];
  int64_t size = (int64_t)es_dtype_size(y->view.dtype);
  char *data = (char *)es_tensor_at(y) + at * y->view.strides[axis] * size;
  es_array to = {data, y->view.dtype, x->view.rank, x->view.shape, strides};
  return es_rows_copy(ctx, &x->view, es_tensor_at(x), to, error);
}

static es_tensor *join(es_ctx *ctx, es_tensor *const *xs, int64_t n, int axis, int rank,
                       const int64_t *shape) {
  es_tensor *y = es_tensor_new(ctx, promoted(xs, n), rank, shape, false);
  if (!y) return NULL;
  es_error error;
  int64_t at = 0;
  /* Nothing is placed in an empty tensor, whose strides may be too large to multiply. */
  for (int64_t k = 0; k < n && es_size(y) > 0; k++) {
    if (place(ctx, y, xs[k], axis, at, &error) != ES_OK) {
      es_scope_disown(ctx, y);
      return es_ctx_fail_tensor(ctx, &error);
    }
    at += xs[k]->view.rank < rank ? 1 : xs[k]->view.shape[axis];
  }
  return y;
}

es_tensor *es_concat(es_ctx *ctx, es_tensor *const *xs, int64_t n, int axis) {
  if (!ctx || check_list(ctx, "concat", xs, n) != ES_OK) return NULL;
  es_error error;
  int at, rank = xs[0]->view.rank;
  if (es_axis_resolve(axis, rank, &at, &error) != ES_OK ||
      check_shapes("concat", xs, n, at, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  int64_t shape[ES_MAX_RANK], total = 0;
  for (int i = 0; i < rank; i++) shape[i] = xs[0]->view.shape[i];
  for (int64_t k = 0; k < n; k++)
    if (!es_add_i64(total, xs[k]->view.shape[at], &total)) {
      es_ctx_failf(ctx, ES_E_OVERFLOW, "concat: the sizes along axis %d add up past 2^63 - 1", at);
      return NULL;
    }
  shape[at] = total;
  return join(ctx, xs, n, at, rank, shape);
}

es_tensor *es_stack(es_ctx *ctx, es_tensor *const *xs, int64_t n, int axis) {
  if (!ctx || check_list(ctx, "stack", xs, n) != ES_OK) return NULL;
  es_error error;
  int at, rank = xs[0]->view.rank + 1;
  if (es_axis_resolve(axis, rank, &at, &error) != ES_OK ||
      check_shapes("stack", xs, n, -1, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  if (rank > ES_MAX_RANK) {
    es_ctx_failf(ctx, ES_E_RANK, "stack: a tensor has 0 … %d axes, not %d", ES_MAX_RANK, rank);
    return NULL;
  }
  int64_t shape[ES_MAX_RANK];
  for (int i = 0; i < rank; i++) shape[i] = i == at ? n : xs[0]->view.shape[i - (i > at)];
  return join(ctx, xs, n, at, rank, shape);
}
