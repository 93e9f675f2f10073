/* The public view functions: each computes shape, strides and offset, and hands
 * them to es_view_make by way of es_tensor_view. Sums of strides and offsets that
 * stay inside a made view cannot wrap; everything else is checked. */
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/ctx.h"
#include "engine/tensor/tensor.h"

/* What is to become of a view: starts as the view of x itself. */
typedef struct draft {
  int rank;
  int64_t offset;
  int64_t shape[ES_MAX_RANK + 2], strides[ES_MAX_RANK + 2];
  es_error error;
} draft;

static bool draft_of(draft *d, es_ctx *ctx, const es_tensor *x, const char *function) {
  if (!ctx) return false;
  if (!x) {
    es_ctx_fail_null(ctx, function);
    return false;
  }
  d->rank = x->view.rank;
  d->offset = x->view.offset;
  memcpy(d->shape, x->view.shape, (size_t)d->rank * sizeof *d->shape);
  memcpy(d->strides, x->view.strides, (size_t)d->rank * sizeof *d->strides);
  return true;
}

static es_tensor *finish(es_ctx *ctx, const es_tensor *x, const draft *d) {
  return es_tensor_view(ctx, x, d->rank, d->shape, d->strides, d->offset);
}

static void remove_axis(draft *d, int axis) {
  d->rank--;
  for (int i = axis; i < d->rank; i++) {
    d->shape[i] = d->shape[i + 1];
    d->strides[i] = d->strides[i + 1];
  }
}

static void insert_axis(draft *d, int axis, int64_t extent, int64_t stride) {
  for (int i = d->rank++; i > axis; i--) {
    d->shape[i] = d->shape[i - 1];
    d->strides[i] = d->strides[i - 1];
  }
  d->shape[axis] = extent;
  d->strides[axis] = stride;
}

static bool resolve(es_ctx *ctx, draft *d, int axis, int *out) {
  if (es_axis_resolve(axis, d->rank, out, &d->error) == ES_OK) return true;
  es_ctx_fail(ctx, &d->error, NULL, 0);
  return false;
}

/* ---- axes in another order --------------------------------------------------- */

es_tensor *es_permute(es_ctx *ctx, const es_tensor *x, const int *axes) {
  draft d;
  if (!draft_of(&d, ctx, x, "es_permute")) return NULL;
  int from[ES_MAX_RANK]; /* 1 + the place an axis was given at; 0: not yet */
  memset(from, 0, sizeof from);
  if (d.rank && !axes) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_permute: the list of %d axes is NULL", d.rank);
    return NULL;
  }
  for (int i = 0; i < d.rank; i++) {
    int axis;
    if (!resolve(ctx, &d, axes[i], &axis)) return NULL;
    if (from[axis]) {
      es_ctx_failf(ctx, ES_E_VALUE, "es_permute: axis %d is named twice, at places %d and %d", axis,
                   from[axis] - 1, i);
      return NULL;
    }
    from[axis] = i + 1;
    d.shape[i] = x->view.shape[axis];
    d.strides[i] = x->view.strides[axis];
  }
  return finish(ctx, x, &d);
}

es_tensor *es_transpose(es_ctx *ctx, const es_tensor *x, int axis0, int axis1) {
  draft d;
  int a, b;
  if (!draft_of(&d, ctx, x, "es_transpose")) return NULL;
  if (!resolve(ctx, &d, axis0, &a) || !resolve(ctx, &d, axis1, &b)) return NULL;
  d.shape[a] = x->view.shape[b];
  d.strides[a] = x->view.strides[b];
  d.shape[b] = x->view.shape[a];
  d.strides[b] = x->view.strides[a];
  return finish(ctx, x, &d);
}

/* ---- other axes over the same elements ------------------------------------------ */

/* shape with its -1 replaced; false where size elements cannot have it. */
static bool solve_shape(int64_t size, int rank, const int64_t *shape, int64_t *out) {
  int open = -1;
  int64_t product;
  if (rank < 0 || rank > ES_MAX_RANK || (rank && !shape)) return false;
  for (int i = 0; i < rank; i++) {
    if (shape[i] < -1 || (shape[i] == -1 && open >= 0)) return false;
    if (shape[i] == -1) open = i;
    out[i] = shape[i] == -1 ? 1 : shape[i];
  }
  if (!es_count_i64(rank, out, &product)) return false;
  if (open < 0) return product == size;
  if (product == 0 || size % product != 0) return false;
  out[open] = size / product;
  return true;
}

/* Words what solve_shape() has refused. */
static es_status refuse_shape(int rank, const int64_t *shape, const es_tensor *x, es_error *error) {
  int open = 0;
  bool empty = false;
  char old_text[200], new_text[200];
  es_text o = es_text_init(old_text, sizeof old_text), n = es_text_init(new_text, sizeof new_text);
  if (rank < 0 || rank > ES_MAX_RANK)
    return es_fail(error, ES_E_RANK, "", ES_NOWHERE, "a tensor has 0 … %d axes, not %d",
                   ES_MAX_RANK, rank);
  if (rank && !shape)
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "the shape of %d axes is NULL", rank);
  es_text_shape(&o, x->view.rank, x->view.shape);
  es_text_shape(&n, rank, shape);
  for (int i = 0; i < rank; i++) {
    open += shape[i] == -1;
    empty |= shape[i] == 0;
    if (shape[i] < -1 || open > 1)
      return es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
                     shape[i] == -1
                         ? "reshape to %s: only one size can be -1"
                         : "reshape to %s: a size is 0 or more, or -1 for the one to infer",
                     new_text);
  }
  if (open && empty && es_size(x) == 0)
    return es_fail(error, ES_E_UNDETERMINED, "S9", ES_NOWHERE,
                   "reshape of %s to %s: beside a size of 0 the size -1 could be any", old_text,
                   new_text);
  return es_fail(error, ES_E_EXTENT, "", ES_NOWHERE,
                 "reshape of %s to %s: %lld elements do not fill that shape", old_text, new_text,
                 (long long)es_size(x));
}

es_tensor *es_reshape(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape) {
  draft d;
  if (!draft_of(&d, ctx, x, "es_reshape")) return NULL;
  if (!solve_shape(es_size(x), rank, shape, d.shape)) {
    refuse_shape(rank, shape, x, &d.error);
    return es_ctx_fail_tensor(ctx, &d.error);
  }
  d.rank = rank;
  if (es_view_reshape_strides(x->view.rank, x->view.shape, x->view.strides, rank, d.shape,
                              d.strides))
    return finish(ctx, x, &d);
  es_tensor *copy = es_copy(ctx, x);
  if (copy) /* as many elements: it succeeds; if not, the copy would keep the shape it has */
    (void)es_view_make(x->view.dtype, es_tensor_length(copy), 0, rank, d.shape, NULL, true,
                       &copy->view, &d.error);
  return copy;
}

es_tensor *es_flatten(es_ctx *ctx, const es_tensor *x, int first_axis, int last_axis) {
  draft d;
  if (!draft_of(&d, ctx, x, "es_flatten")) return NULL;
  if (d.rank == 0) insert_axis(&d, 0, 1, 1); /* a scalar flattens to one element */
  int first, last;
  if (!resolve(ctx, &d, first_axis, &first) || !resolve(ctx, &d, last_axis, &last)) return NULL;
  if (first > last) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_flatten: the first axis, %d, comes after the last, %d", first,
                 last);
    return NULL;
  }
  int64_t merged = 1;
  es_count_i64(last - first + 1, d.shape + first, &merged);
  while (last-- > first) remove_axis(&d, first);
  d.shape[first] = merged;
  return es_reshape(ctx, x, d.rank, d.shape);
}

es_tensor *es_unsqueeze(es_ctx *ctx, const es_tensor *x, int axis) {
  draft d;
  if (!draft_of(&d, ctx, x, "es_unsqueeze")) return NULL;
  int at;
  if (es_axis_resolve(axis, d.rank + 1, &at, &d.error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &d.error);
  /* The stride C order would give, so that a contiguous tensor still looks so. */
  insert_axis(&d, at, 1, at < d.rank ? 0 : 1);
  if (at + 1 < d.rank && !es_mul_i64(d.shape[at + 1], d.strides[at + 1], &d.strides[at]))
    d.strides[at] = 0;
  return finish(ctx, x, &d);
}

es_tensor *es_squeeze(es_ctx *ctx, const es_tensor *x, int axis) {
  draft d;
  int at;
  if (!draft_of(&d, ctx, x, "es_squeeze") || !resolve(ctx, &d, axis, &at)) return NULL;
  if (d.shape[at] != 1) {
    es_ctx_failf(ctx, ES_E_EXTENT, "es_squeeze: axis %d has size %lld; only size 1 can be dropped",
                 at, (long long)d.shape[at]);
    return NULL;
  }
  remove_axis(&d, at);
  return finish(ctx, x, &d);
}

es_tensor *es_squeeze_all(es_ctx *ctx, const es_tensor *x) {
  draft d;
  if (!draft_of(&d, ctx, x, "es_squeeze_all")) return NULL;
  for (int i = d.rank - 1; i >= 0; i--)
    if (d.shape[i] == 1) remove_axis(&d, i);
  return finish(ctx, x, &d);
}

/* ---- parts ------------------------------------------------------------------------ */

static int64_t clamp(int64_t at, int64_t low, int64_t high) {
  return at < low ? low : at > high ? high : at;
}

es_tensor *es_slice(es_ctx *ctx, const es_tensor *x, int axis, int64_t start, int64_t stop,
                    int64_t step) {
  draft d;
  int at;
  if (!draft_of(&d, ctx, x, "es_slice") || !resolve(ctx, &d, axis, &at)) return NULL;
  if (step == ES_ALL) step = 1;
  if (step == 0) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_slice: the step along axis %d is 0", at);
    return NULL;
  }
  /* Python's rule: bounds count from the end when negative, then are clamped to
   * the positions a walk in this direction can start from or stop before. */
  int64_t extent = d.shape[at], low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;
  if (start == ES_ALL)
    start = step < 0 ? high : low;
  else
    start = clamp(start < 0 ? start + extent : start, low, high);
  if (stop == ES_ALL)
    stop = step < 0 ? low : high;
  else
    stop = clamp(stop < 0 ? stop + extent : stop, low, high);
  int64_t room = step < 0 ? start - stop : stop - start;
  uint64_t stride = step < 0 ? -(uint64_t)step : (uint64_t)step;
  int64_t count = room > 0 ? (int64_t)(((uint64_t)room - 1) / stride) + 1 : 0;
  if (count > 0) d.offset += start * d.strides[at];
  if (count > 1) d.strides[at] *= step;
  d.shape[at] = count;
  return finish(ctx, x, &d);
}

es_tensor *es_select(es_ctx *ctx, const es_tensor *x, int axis, int64_t index) {
  draft d;
  int at;
  if (!draft_of(&d, ctx, x, "es_select") || !resolve(ctx, &d, axis, &at)) return NULL;
  int64_t extent = d.shape[at];
  if (index < -extent || index >= extent) {
    if (extent)
      es_ctx_failf(
          ctx, ES_E_RANGE, "index %lld is out of range for axis %d of size %lld (-%lld … %lld)",
          (long long)index, at, (long long)extent, (long long)extent, (long long)extent - 1);
    else
      es_ctx_failf(ctx, ES_E_RANGE, "index %lld is out of range: axis %d has size 0",
                   (long long)index, at);
    return NULL;
  }
  d.offset += (index < 0 ? index + extent : index) * d.strides[at];
  remove_axis(&d, at);
  return finish(ctx, x, &d);
}

es_tensor *es_diagonal(es_ctx *ctx, const es_tensor *x, int64_t offset, int axis0, int axis1) {
  draft d;
  int a, b;
  if (!draft_of(&d, ctx, x, "es_diagonal")) return NULL;
  if (!resolve(ctx, &d, axis0, &a) || !resolve(ctx, &d, axis1, &b)) return NULL;
  if (a == b) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_diagonal: a diagonal needs two axes; both are %d", a);
    return NULL;
  }
  int64_t rows = d.shape[a], columns = d.shape[b], stride = 0;
  /* An offset past the edge leaves nothing; also keeps -offset in range. */
  offset = clamp(offset, -rows, columns);
  int64_t across = offset > 0 ? offset : 0, down = offset < 0 ? -offset : 0;
  int64_t length = rows - down < columns - across ? rows - down : columns - across;
  if (length > 0) d.offset += down * d.strides[a] + across * d.strides[b];
  if (length > 1) stride = d.strides[a] + d.strides[b];
  remove_axis(&d, a > b ? a : b);
  remove_axis(&d, a > b ? b : a);
  insert_axis(&d, d.rank, length, stride);
  return finish(ctx, x, &d);
}

es_tensor *es_flip(es_ctx *ctx, const es_tensor *x, int axis) {
  return es_slice(ctx, x, axis, ES_ALL, ES_ALL, -1);
}

/* ---- elements seen more than once --------------------------------------------------- */

es_tensor *es_broadcast_to(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape) {
  draft d;
  if (!draft_of(&d, ctx, x, "es_broadcast_to")) return NULL;
  char from[200], to[200];
  es_text f = es_text_init(from, sizeof from), t = es_text_init(to, sizeof to);
  es_text_shape(&f, d.rank, d.shape);
  if (rank < d.rank || rank > ES_MAX_RANK) {
    es_ctx_failf(ctx, ES_E_RANK, "a tensor of shape %s cannot be broadcast to %d axes (%d … %d)",
                 from, rank, d.rank, ES_MAX_RANK);
    return NULL;
  }
  if (rank && !shape) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_broadcast_to: the shape of %d axes is NULL", rank);
    return NULL;
  }
  while (d.rank < rank) insert_axis(&d, 0, 1, 0);
  for (int i = 0; i < rank; i++) {
    if (d.shape[i] == shape[i]) continue;
    if (d.shape[i] != 1) {
      es_text_shape(&t, rank, shape);
      es_ctx_failf(
          ctx, ES_E_EXTENT,
          "shape %s cannot be broadcast to %s: axis %d of the latter is %lld where the former "
          "has %lld",
          from, to, i, (long long)shape[i], (long long)d.shape[i]);
      return NULL;
    }
    d.shape[i] = shape[i];
    d.strides[i] = 0;
  }
  return finish(ctx, x, &d);
}

es_tensor *es_unfold_axis(es_ctx *ctx, const es_tensor *x, int axis, int64_t size, int64_t step,
                          int64_t dilation) {
  draft d;
  int at;
  if (!draft_of(&d, ctx, x, "es_unfold_axis") || !resolve(ctx, &d, axis, &at)) return NULL;
  char name[24] = "axis ";
  es_text n = es_text_init(name, sizeof name);
  es_text_printf(&n, "axis %d", at);
  if (es_window_check(name, size, step, dilation, 0, 0, &d.error) != ES_OK)
    return es_ctx_fail_tensor(ctx, &d.error);
  int64_t windows = 0, stride = d.strides[at];
  if (!es_window_count(d.shape[at], size, step, dilation, 0, 0, &windows) || windows == 0) {
    es_ctx_failf(ctx, ES_E_EXTENT,
                 "a window of %lld elements, each %lld apart, does not fit %s of size %lld",
                 (long long)size, (long long)dilation, name, (long long)d.shape[at]);
    return NULL;
  }
  d.shape[at] = windows;
  if (windows > 1) d.strides[at] = stride * step;
  insert_axis(&d, d.rank, size, size > 1 ? stride * dilation : stride);
  return finish(ctx, x, &d);
}

es_tensor *es_as_strided(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape,
                         const int64_t *strides, int64_t offset) {
  draft d;
  if (!draft_of(&d, ctx, x, "es_as_strided")) return NULL;
  if (!es_add_i64(d.offset, offset, &d.offset)) {
    es_ctx_failf(ctx, ES_E_RANGE, "es_as_strided: an offset of %lld leaves the storage",
                 (long long)offset);
    return NULL;
  }
  return es_tensor_view(ctx, x, rank, shape, strides, d.offset);
}
