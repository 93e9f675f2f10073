/* Converting, copying, assigning, reading: one way from a view to another. */
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/planner.h"
#include "engine/strategy.h"
#include "engine/tensor/rows.h"

/* The rows between: the elements themselves when the types agree. */
static es_dtype row_type(es_dtype from, es_dtype to) {
  return from == to ? from : es_dtype_compute(from);
}

/* Whether some value of from does not fit to. */
static bool may_not_fit(es_dtype from, es_dtype to) {
  if (es_dtype_class(to) != ES_CLASS_INT) return false;
  if (es_dtype_class(from) == ES_CLASS_FLOAT) return true;
  int64_t low, high, to_low, to_high;
  es_dtype_int_range(from, &low, &high);
  es_dtype_int_range(to, &to_low, &to_high);
  return low < to_low || high > to_high;
}

static es_status check_types(es_dtype from, es_dtype to, es_error *error) {
  if (!es_dtype_valid(to))
    return es_fail(error, ES_E_DTYPE, "D1", ES_NOWHERE, "%d is not an element type", (int)to);
  if (es_dtype_class(from) == ES_CLASS_COMPLEX && es_dtype_class(to) < ES_CLASS_COMPLEX &&
      to != ES_BOOL)
    return es_fail(error, ES_E_DTYPE, "D1", ES_NOWHERE,
                   "%s does not convert to %s: take the real part first", es_dtype_name(from),
                   es_dtype_name(to));
  return ES_OK;
}

typedef struct transfer {
  es_rows from, to;
  bool check_only;
} transfer;

static int64_t transfer_row(void *arg, int64_t first, int64_t n) {
  const transfer *t = arg;
  es_row_buffer row, narrow;
  if (t->check_only)
    return t->to.store(narrow.bytes, 1, es_rows_read(&t->from, first, n, row.bytes), n);
  void *place = es_rows_place(&t->to, first, row.bytes);
  return es_rows_write(&t->to, first, n, es_rows_read(&t->from, first, n, place));
}

static es_status fail_fit(const es_tensor *x, es_dtype to, int64_t at, es_error *error) {
  char where[200], value[80];
  es_row_buffer row;
  es_rows rows;
  int64_t low, high;
  es_rows_of(&rows, x, x->view.dtype);
  es_scalar_text(es_scalar_load(x->view.dtype, es_rows_read(&rows, at, 1, row.bytes)), value,
                 sizeof value);
  es_position_text(x->view.rank, x->view.shape, at, where, sizeof where);
  es_dtype_int_range(to, &low, &high);
  return es_fail(error, ES_E_OVERFLOW, "", ES_NOWHERE, "%s at %s does not fit %s (%lld … %lld)",
                 value, where, es_dtype_name(to), (long long)low, (long long)high);
}

/* Whether every element of x fits dtype; the error names the first that does not. */
static es_status check_fit(es_ctx *ctx, const es_tensor *x, es_dtype dtype, es_error *error) {
  if (!may_not_fit(x->view.dtype, dtype)) return ES_OK;
  transfer t = {.check_only = true};
  es_dtype between = row_type(x->view.dtype, dtype);
  es_rows_of(&t.from, x, between);
  t.to.store = ctx->kernels->elementwise->store[between][dtype];
  int64_t count = es_size(x);
  if (between == dtype) return ES_OK;
  int64_t done = es_rows_run(ctx, count, transfer_row, &t);
  if (done == count) return ES_OK;
  return done == ES_ROWS_CANCELLED ? es_ctx_stopped(ctx, error) : fail_fit(x, dtype, done, error);
}

/* Elements that stay what they are, many of them: a nest of its own, as in a plan. */
static es_status move_elements(es_ctx *ctx, es_arena *arena, const es_view *x, const void *x_data,
                               es_array to, es_error *error) {
  es_problem *p = es_problem_new(arena, x->rank, 1, 0);
  if (!p) return es_fail_nomem(error);
  p->in[0].dtype = p->out.dtype = x->dtype;
  p->compute = es_dtype_compute(x->dtype);
  p->out.slot = 1;
  for (int a = 0; a < x->rank; a++) {
    p->extent[a] = x->shape[a];
    p->in[0].stride[a] = x->strides[a];
    p->out.stride[a] = to.strides[a];
  }
  es_plan_env env = {.arena = arena, .kernels = ctx->kernels};
  es_step step;
  ES_TRY(es_step_make(p, &env, "copy", &step, error));
  void *base[] = {(void *)(uintptr_t)x_data, to.data}; /* the first is only read */
  es_run_args args = {.base = base, .pool = es_ctx_pool(ctx), .ctx = ctx, .error = error};
  return step.run(&step, &args);
}

/* By rows: the count of elements, or the place of the first that does not fit, or
 * ES_ROWS_CANCELLED. */
static int64_t convert(es_ctx *ctx, const es_view *x, const void *x_data, es_array to,
                       int64_t count) {
  transfer t = {.check_only = false};
  es_dtype between = row_type(x->dtype, to.dtype);
  es_rows_init(&t.from, ctx->kernels, x_data, x->dtype, x->rank, x->shape, x->strides, between);
  es_rows_init(&t.to, ctx->kernels, to.data, to.dtype, to.rank, to.shape, to.strides, between);
  es_rows_to(&t.to, ctx->kernels);
  return es_rows_run(ctx, count, transfer_row, &t);
}

es_status es_rows_copy(es_ctx *ctx, const es_view *x, const void *x_data, es_array to,
                       es_error *error) {
  int64_t count = 0;
  es_count_i64(x->rank, x->shape, &count);
  if (x->dtype == to.dtype && count > ES_ROW && !ctx->config.shapes_only) {
    es_arena arena;
    es_arena_init(&arena, &ctx->allocator);
    es_status status = move_elements(ctx, &arena, x, x_data, to, error);
    es_arena_free(&arena);
    return status;
  }
  return convert(ctx, x, x_data, to, count) == count ? ES_OK : es_ctx_stopped(ctx, error);
}

/* What is new may be filled in part before a value turns out not to fit. */
static es_status convert_new(es_ctx *ctx, const es_tensor *x, es_tensor *y, es_error *error) {
  if (!may_not_fit(x->view.dtype, y->view.dtype))
    return es_rows_copy(ctx, &x->view, es_tensor_at(x), es_tensor_array(y), error);
  int64_t count = es_size(x);
  int64_t done = convert(ctx, &x->view, es_tensor_at(x), es_tensor_array(y), count);
  if (done == count) return ES_OK;
  return done == ES_ROWS_CANCELLED ? es_ctx_stopped(ctx, error)
                                   : fail_fit(x, y->view.dtype, done, error);
}

es_tensor *es_cast(es_ctx *ctx, const es_tensor *x, es_dtype dtype) {
  es_error error;
  if (!ctx) return NULL;
  if (!x) {
    es_ctx_fail_null(ctx, "es_cast");
    return NULL;
  }
  if (check_types(x->view.dtype, dtype, &error) != ES_OK) return es_ctx_fail_tensor(ctx, &error);
  es_tensor *y = es_tensor_new(ctx, dtype, x->view.rank, x->view.shape, false);
  if (!y) return NULL;
  if (convert_new(ctx, x, y, &error) == ES_OK) return y;
  es_scope_disown(ctx, y);
  return es_ctx_fail_tensor(ctx, &error);
}

es_tensor *es_copy(es_ctx *ctx, const es_tensor *x) {
  return es_cast(ctx, x, x ? x->view.dtype : ES_F32);
}

es_tensor *es_constant(es_ctx *ctx, const es_tensor *x) {
  es_tensor *y = es_copy(ctx, x);
  if (!y) return NULL;
  y->storage->writable = y->view.writable = false;
  y->storage->constant = ++ctx->constants;
  return y;
}

es_tensor *es_contiguous(es_ctx *ctx, const es_tensor *x) {
  if (ctx && x && es_is_contiguous(x)) return es_tensor_alias(ctx, x);
  return es_copy(ctx, x);
}

es_status es_read(es_ctx *ctx, const es_tensor *t, es_dtype dtype, void *out, int64_t count) {
  if (!ctx || !t) return es_ctx_fail_null(ctx, "es_read");
  es_error error = {.status = ES_OK};
  int64_t strides[ES_MAX_RANK];
  es_status status = check_types(t->view.dtype, dtype, &error);
  if (status == ES_OK && count != es_size(t))
    status = es_fail(&error, ES_E_VALUE, "", ES_NOWHERE,
                     "es_read: the tensor has %lld elements, not %lld", (long long)es_size(t),
                     (long long)count);
  if (status == ES_OK && count && !out)
    status = es_fail(&error, ES_E_VALUE, "", ES_NOWHERE, "es_read: out is NULL");
  if (status == ES_OK && ctx->config.shapes_only)
    status = es_fail(&error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
                     "a context of shapes alone has no elements to read");
  if (status == ES_OK) status = check_fit(ctx, t, dtype, &error);
  if (status == ES_OK) {
    es_view_c_strides(t->view.rank, t->view.shape, strides);
    es_array to = {out, dtype, t->view.rank, t->view.shape, strides};
    status = es_rows_copy(ctx, &t->view, es_tensor_at(t), to, &error);
  }
  return status == ES_OK ? ES_OK : es_ctx_fail(ctx, &error, NULL, 0);
}

/* ---- assigning ------------------------------------------------------------------- */

/* src stretched to the shape of dst. */
static es_status stretch(const es_view *src, const es_view *dst, es_view *out, es_error *error) {
  int lead = dst->rank - src->rank;
  *out = *dst;
  out->dtype = src->dtype;
  for (int i = 0; i < dst->rank; i++) {
    int64_t extent = i < lead ? 1 : src->shape[i - lead];
    if (lead < 0 || (extent != 1 && extent != dst->shape[i])) break;
    out->strides[i] = extent == 1 ? 0 : src->strides[i - lead];
    if (i == dst->rank - 1) return ES_OK;
  }
  if (dst->rank == 0 && lead == 0) return ES_OK;
  char from[200], to[200];
  es_text f = es_text_init(from, sizeof from), t = es_text_init(to, sizeof to);
  es_text_shape(&f, src->rank, src->shape);
  es_text_shape(&t, dst->rank, dst->shape);
  return es_fail(error, ES_E_EXTENT, "", ES_NOWHERE, "shape %s cannot be broadcast to %s", from,
                 to);
}

static es_status assign(es_ctx *ctx, es_tensor *dst, const es_tensor *src, es_error *error) {
  es_view view;
  if (!dst->view.writable)
    return es_fail(error, ES_E_READONLY, "", ES_NOWHERE,
                   dst->storage->writable
                       ? "es_assign: the destination is a view that visits elements "
                         "more than once, hence read-only"
                       : "es_assign: the destination is read-only");
  ES_TRY(check_types(src->view.dtype, dst->view.dtype, error));
  ES_TRY(stretch(&src->view, &dst->view, &view, error));
  ES_TRY(check_fit(ctx, src, dst->view.dtype, error));
  return es_rows_copy(ctx, &view, es_tensor_at(src), es_tensor_array(dst), error);
}

es_status es_assign(es_ctx *ctx, es_tensor *dst, const es_tensor *src) {
  if (!ctx || !dst || !src) return es_ctx_fail_null(ctx, "es_assign");
  es_error error = {.status = ES_OK};
  if (!es_view_may_overlap(es_tensor_at(dst), &dst->view, es_tensor_at(src), &src->view)) {
    assign(ctx, dst, src, &error);
    return es_ctx_fail(ctx, &error, NULL, 0);
  }
  /* As if src had been copied first: it is. */
  ES_TRY(es_scope_push(ctx));
  es_tensor *copy = es_copy(ctx, src);
  es_status status = ctx->error.status;
  if (copy) {
    status = assign(ctx, dst, copy, &error);
    es_ctx_fail(ctx, &error, NULL, 0);
  }
  es_scope_pop(ctx);
  return status;
}
