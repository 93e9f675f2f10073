/* Reductions over axes by number. Sums and their like are the notation's: the axes
 * get names and es_reduce does the rest. An index of the largest is no reduction of
 * the engine's kind, and is computed here. */
#include "base/checked.h"
#include "base/text.h"
#include "engine/limits.h"
#include "engine/tensor/rows.h"

/* Which axes go. */
static es_status mark_axes(int rank, const int *axes, int n_axes, bool *reduced, es_error *error) {
  for (int i = 0; i < rank; i++) reduced[i] = !axes && n_axes == 0;
  if (n_axes < 0 || (n_axes && !axes))
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "a list of %d axes%s", n_axes,
                   axes ? "" : " that is NULL");
  for (int i = 0; i < n_axes; i++) {
    int axis;
    ES_TRY(es_axis_resolve(axes[i], rank, &axis, error));
    if (reduced[axis])
      return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "axis %d is named twice", axis);
    reduced[axis] = true;
  }
  return ES_OK;
}

/* The shape with the axes removed, or of size 1. Returns the rank. */
static int reduced_shape(const es_view *x, const bool *reduced, bool keepdims, int64_t *shape) {
  int rank = 0;
  for (int i = 0; i < x->rank; i++) {
    if (reduced[i] && !keepdims) continue;
    shape[rank++] = reduced[i] ? 1 : x->shape[i];
  }
  return rank;
}

/* " axis7", without the time that printf takes. */
static void put_axis(es_text *t, int axis) {
  const char digits[2] = {(char)('0' + axis / 10), (char)('0' + axis % 10)};
  es_text_puts(t, " axis");
  es_text_put(t, axis < 10 ? digits + 1 : digits, axis < 10 ? 1 : 2);
}

es_tensor *es_reduce_axes(es_ctx *ctx, es_reducer r, const es_tensor *x, const int *axes,
                          int n_axes, bool keepdims) {
  if (!ctx) return NULL;
  if (!x) {
    es_ctx_fail_null(ctx, "es_reduce_axes");
    return NULL;
  }
  es_error error;
  bool reduced[ES_MAX_RANK];
  if (mark_axes(x->view.rank, axes, n_axes, reduced, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  char pattern[ES_MAX_RANK * 2 * sizeof "axis00 " + 8];
  es_text t = es_text_init(pattern, sizeof pattern);
  for (int i = 0; i < x->view.rank; i++) put_axis(&t, i);
  es_text_puts(&t, "->");
  for (int i = 0; i < x->view.rank; i++) {
    if (!reduced[i])
      put_axis(&t, i);
    else if (keepdims)
      es_text_puts(&t, " 1");
  }
  return es_reduce(ctx, pattern, r, x, NULL);
}

/* ---- the index of an extreme --------------------------------------------------------- */

typedef struct search {
  es_rows from; /* the searched axis last: element o * length + i */
  int64_t length;
  bool least;
  int64_t *out;
  es_ctx *ctx; /* asked for cancel */
} search;

/* Whether to stop: asked once in so many elements, however they fall into rows. */
static bool stops(const search *s, int64_t from, int64_t n) {
  enum { SOME = 1 << 16 };
  return from / SOME != (from + n) / SOME && es_ctx_cancelled(s->ctx);
}

/* -1: cancelled. */
static int64_t best_real(const search *s, int64_t output) {
  es_row_buffer row;
  double best = 0;
  int64_t at = 0;
  for (int64_t first = 0; first < s->length; first += ES_ROW) {
    int64_t n = s->length - first < ES_ROW ? s->length - first : ES_ROW;
    if (stops(s, output * s->length + first, n)) return -1;
    const double *v = es_rows_read(&s->from, output * s->length + first, n, row.bytes);
    for (int64_t i = 0; i < n; i++) {
      if (v[i] != v[i]) return first + i;
      if (first + i == 0 || (s->least ? v[i] < best : v[i] > best)) {
        best = v[i];
        at = first + i;
      }
    }
  }
  return at;
}

static int64_t best_integer(const search *s, int64_t output) {
  es_row_buffer row;
  int64_t best = 0, at = 0;
  for (int64_t first = 0; first < s->length; first += ES_ROW) {
    int64_t n = s->length - first < ES_ROW ? s->length - first : ES_ROW;
    if (stops(s, output * s->length + first, n)) return -1;
    const int64_t *v = es_rows_read(&s->from, output * s->length + first, n, row.bytes);
    for (int64_t i = 0; i < n; i++) {
      if (first + i == 0 || (s->least ? v[i] < best : v[i] > best)) {
        best = v[i];
        at = first + i;
      }
    }
  }
  return at;
}

static int64_t search_row(void *arg, int64_t first, int64_t n) {
  const search *s = arg;
  bool integer = s->from.compute == ES_I64;
  for (int64_t o = first; o < first + n; o++) {
    s->out[o] = integer ? best_integer(s, o) : best_real(s, o);
    if (s->out[o] < 0) return o - first;
  }
  return n;
}

/* Axes of x with the reduced ones moved to the end, in order. */
static void searched_last(const es_view *x, const bool *reduced, int64_t *shape, int64_t *strides) {
  int n = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < x->rank; i++) {
      if (reduced[i] != (pass == 1)) continue;
      shape[n] = x->shape[i];
      strides[n++] = x->strides[i];
    }
}

static es_tensor *arg_extreme(es_ctx *ctx, const char *what, const es_tensor *x, int axis,
                              bool keepdims, bool least) {
  if (!ctx) return NULL;
  if (!x) {
    es_ctx_fail_null(ctx, what);
    return NULL;
  }
  es_error error;
  bool reduced[ES_MAX_RANK];
  bool all = axis == ES_NO_AXIS;
  if (mark_axes(x->view.rank, all ? NULL : &axis, all ? 0 : 1, reduced, &error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &error);
  if (es_dtype_class(x->view.dtype) == ES_CLASS_COMPLEX) {
    es_ctx_failf(ctx, ES_E_DTYPE, "%s has no rule for %s: complex numbers have no order", what,
                 es_dtype_name(x->view.dtype));
    return NULL;
  }
  search s = {.length = 1, .least = least, .ctx = ctx};
  for (int i = 0; i < x->view.rank; i++)
    if (reduced[i]) s.length *= x->view.shape[i]; /* at most es_size(x) when that is not 0 */
  if (es_ctx_admit_operations(ctx, (double)es_size(x), &error))
    return es_ctx_fail_tensor(ctx, &error);
  int64_t shape[ES_MAX_RANK], strides[ES_MAX_RANK];
  es_tensor *y = es_tensor_new(ctx, ES_I64, reduced_shape(&x->view, reduced, keepdims, shape),
                               shape, false);
  if (!y) return NULL;
  if (s.length == 0 && es_size(y) > 0) {
    es_scope_disown(ctx, y);
    es_fail(&error, ES_E_EMPTY, "S15", ES_NOWHERE, "%s over an axis of size 0 has no value", what);
    return es_ctx_fail_tensor(ctx, &error);
  }
  searched_last(&x->view, reduced, shape, strides);
  es_rows_init(&s.from, ctx->kernels, es_tensor_at(x), x->view.dtype, x->view.rank, shape, strides,
               x->view.dtype <= ES_I64 ? ES_I64 : ES_F64);
  s.out = es_tensor_at(y);
  if (es_rows_run(ctx, es_size(y), search_row, &s) == es_size(y)) return y;
  es_scope_disown(ctx, y);
  es_ctx_fail_stopped(ctx);
  return NULL;
}

es_tensor *es_argmax(es_ctx *ctx, const es_tensor *x, int axis, bool keepdims) {
  return arg_extreme(ctx, "argmax", x, axis, keepdims, false);
}

es_tensor *es_argmin(es_ctx *ctx, const es_tensor *x, int axis, bool keepdims) {
  return arg_extreme(ctx, "argmin", x, axis, keepdims, true);
}
