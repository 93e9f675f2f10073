#include "engine/normalise.h"

#include "base/checked.h"
#include "base/fpenv.h"
#include "base/text.h"
#include "base/view.h"
#include "engine/kernels/move.h"
#include "engine/tensor/rows.h"

/* x as (outer, n, inner): rows of n. Long rows are wanted dense and short ones
 * side by side, whatever x's layout, so that it changes no bit; where they lie
 * otherwise, a strip of them at a time is transposed into scratch memory,
 * normalised there and transposed back. */
typedef struct job {
  es_ctx *ctx;
  es_normalise_row row;
  es_normalise_columns columns; /* or NULL: the rows are long */
  es_move_tiles transpose;
  es_rows from;
  const char *x; /* in C order, when inner > 1 */
  char *y, *scratch;
  int64_t outer, n, inner, size;
  int64_t strip, strips, each; /* rows of a strip, strips of inner, rows of a task */
  int64_t tasks, bytes;        /* of scratch memory */
  es_normalise_args args;
  const es_tensor *shift, *scale, *bias; /* a number a channel, or NULL */
  int64_t channels;
  atomic_bool cancelled;
} job;

static double number(const es_tensor *t, int64_t i) {
  const void *at = es_tensor_at(t);
  return t->view.dtype == ES_F32 ? (double)((const float *)at)[i] : ((const double *)at)[i];
}

static void dense_rows(const job *j, int64_t first, int64_t count) {
  for (int64_t r = first; r < first + count; r++) {
    char *out = j->y + r * j->n * j->size;
    const void *x = es_rows_read(&j->from, r * j->n, j->n, out);
    es_normalise_args args = j->args;
    if (j->scale) {
      args.shift = j->shift ? number(j->shift, r % j->channels) : 0;
      args.scale = number(j->scale, r % j->channels);
      args.offset = j->bias ? number(j->bias, r % j->channels) : 0;
    }
    j->row(out, x, j->n, &args);
  }
}

enum { DOWN = 64, ACROSS = 128 }; /* rows and columns of x transposed at a time */

static void offsets(int64_t *at, int64_t n, int64_t step) {
  for (int64_t i = 0; i < n; i++) at[i] = i * step;
}

static void strip_of_rows(const job *j, int64_t outer, int64_t first, int64_t count,
                          char *scratch) {
  int64_t at = (outer * j->n * j->inner + first) * j->size, step = j->inner * j->size;
  int64_t down[DOWN], across[ACROSS], row = j->n * j->size;
  offsets(down, DOWN, step);
  offsets(across, count, row);
  for (int64_t k = 0; k < j->n; k += DOWN)
    j->transpose(scratch + k * j->size, across, j->x + at + k * step, down, count,
                 j->n - k < DOWN ? j->n - k : DOWN, DOWN * step);
  for (int64_t r = 0; r < count; r++) j->row(scratch + r * row, scratch + r * row, j->n, &j->args);
  for (int64_t k = 0; k < j->n; k += DOWN)
    j->transpose(j->y + at + k * step, down, scratch + k * j->size, across,
                 j->n - k < DOWN ? j->n - k : DOWN, count, 0);
}

/* Short rows that lie side by side: where they are. */
static void strip_of_columns(const job *j, int64_t outer, int64_t first, int64_t count) {
  int64_t at = (outer * j->n * j->inner + first) * j->size;
  j->columns(j->y + at, j->inner, j->x + at, j->inner, j->n, count, &j->args);
}

/* Short dense rows. */
static void short_rows(const job *j, int64_t first, int64_t count, char *scratch) {
  int64_t down[ACROSS], across[DOWN], row = j->n * j->size;
  offsets(down, ACROSS, row);
  offsets(across, j->n, ACROSS * j->size);
  for (int64_t r = first; r < first + count; r += ACROSS) {
    int64_t m = first + count - r < ACROSS ? first + count - r : ACROSS;
    char *out = j->y + r * row;
    const char *x = es_rows_read(&j->from, r * j->n, m * j->n, out);
    j->transpose(scratch, across, x, down, j->n, m, ACROSS * row);
    j->columns(scratch, ACROSS, scratch, ACROSS, j->n, m, &j->args);
    j->transpose(out, down, scratch, across, m, j->n, 0);
  }
}

static void run_task(void *arg, int64_t index, int worker) {
  job *j = arg;
  if (atomic_load(&j->cancelled) || es_ctx_cancelled(j->ctx)) {
    atomic_store(&j->cancelled, true);
    return;
  }
  if (j->inner == 1) {
    int64_t first = index * j->each, left = j->outer - first;
    int64_t count = left < j->each ? left : j->each;
    if (j->columns)
      short_rows(j, first, count, j->scratch + worker * ACROSS * j->n * j->size);
    else
      dense_rows(j, first, count);
    return;
  }
  int64_t first = index % j->strips * j->strip, left = j->inner - first;
  int64_t count = left < j->strip ? left : j->strip;
  if (j->columns)
    strip_of_columns(j, index / j->strips, first, count);
  else
    strip_of_rows(j, index / j->strips, first, count,
                  j->scratch + worker * j->strip * j->n * j->size);
}

/* Rows of a strip: whole cache lines of x, while the strip stays in the second
 * cache. */
static int64_t strip_rows(const job *j) {
  int64_t room = (256 << 10) / (j->n * j->size), least = 64 / j->size;
  int64_t rows = room < least ? least : room > ACROSS ? ACROSS : room / least * least;
  return rows;
}

/* Sizes and kernels; tasks and scratch memory for so many threads. False: too much of it. */
static bool prepare(job *j, const es_kernels *kernels, es_normalise op, const es_view *v, int axis,
                    int n_axes, int threads) {
  j->size = (int64_t)es_dtype_size(v->dtype);
  j->transpose = kernels->move->tiles[v->dtype == ES_F32 ? 2 : 3];
  j->outer = j->n = j->inner = 1;
  for (int a = 0; a < v->rank; a++)
    *(a < axis ? &j->outer : a < axis + n_axes ? &j->n : &j->inner) *= v->shape[a];
  j->row = kernels->normalise->row[op][v->dtype];
  if (j->n <= ES_NORMALISE_SHORT) j->columns = kernels->normalise->columns[op][v->dtype];
  atomic_init(&j->cancelled, false);
  if (j->inner == 1) {
    j->each = (1 << 16) / j->n + 1;
    j->tasks = (j->outer - 1) / j->each + 1;
    if (j->columns) j->bytes = ACROSS * j->n * j->size * threads;
    return true;
  }
  j->strip = j->columns ? (1 << 15) / j->n : strip_rows(j);
  if (j->strip > j->inner) j->strip = j->inner;
  j->strips = (j->inner - 1) / j->strip + 1;
  j->tasks = j->outer * j->strips;
  return j->columns || es_mul_i64(j->strip * j->n * j->size, threads, &j->bytes);
}

static bool run(job *j) {
  if (j->ctx->config.shapes_only) return true;
  es_pool *pool = es_ctx_pool(j->ctx);
  if (j->bytes) {
    es_error error;
    es_status status = es_ctx_admit_bytes(j->ctx, j->bytes, "normalising in strips", &error);
    if (status == ES_OK) j->scratch = es_alloc(&j->ctx->allocator, (size_t)j->bytes);
    if (!j->scratch) {
      if (status == ES_OK) es_fail_nomem(&error);
      es_ctx_fail(j->ctx, &error, NULL, 0);
      return false;
    }
  }
  es_fpenv environment = es_fpenv_enter();
  es_pool_run(j->tasks > 1 ? pool : NULL, j->tasks, run_task, j);
  es_fpenv_leave(environment);
  es_free(&j->ctx->allocator, j->scratch, (size_t)j->bytes);
  if (!atomic_load(&j->cancelled)) return true;
  es_ctx_fail_stopped(j->ctx);
  return false;
}

static es_tensor *normalise(es_ctx *ctx, job *j, es_normalise op, const es_tensor *x, int axis,
                            int n_axes) {
  const es_view *v = &x->view;
  es_tensor *y = es_tensor_new(ctx, v->dtype, v->rank, v->shape, false);
  if (!y || es_size(y) == 0) return y;
  j->ctx = ctx;
  int threads = es_pool_threads(es_ctx_pool(ctx));
  bool fits = prepare(j, ctx->kernels, op, v, axis, n_axes, threads);
  es_tensor *dense = NULL;
  bool copies = j->inner > 1 && !es_view_contiguous(v->rank, v->shape, v->strides);
  if (copies) dense = es_copy(ctx, x);
  if (j->inner > 1 && (dense || !copies)) j->x = es_tensor_at(copies ? dense : x);
  es_rows_of(&j->from, x, v->dtype);
  j->y = es_tensor_at(y);
  bool done = fits && (dense || !copies) && run(j);
  if (dense) es_scope_disown(ctx, dense);
  if (done) return y;
  es_scope_disown(ctx, y);
  return NULL;
}

es_tensor *es_normalise_axes(es_ctx *ctx, es_normalise op, const es_tensor *x, int axis, int n_axes,
                             const es_tensor *weight, const es_tensor *bias, double eps) {
  job j = {.args = {.weight = weight ? es_tensor_at(weight) : NULL,
                    .bias = bias ? es_tensor_at(bias) : NULL,
                    .eps = eps}};
  return normalise(ctx, &j, op, x, axis, n_axes);
}

es_tensor *es_normalise_channels(es_ctx *ctx, const es_tensor *x, const es_tensor *shift,
                                 const es_tensor *scale, const es_tensor *bias) {
  job j = {.shift = shift, .scale = scale, .bias = bias, .channels = x->view.shape[1]};
  return normalise(ctx, &j, ES_NORMALISE_AFFINE, x, 2, x->view.rank - 2);
}

/* ---- as a step of a plan ---------------------------------------------------------- */

typedef struct step_data {
  job job;
  es_normalise_operand x, weight, bias;
  int out, threads;
} step_data;

static char *address(const es_run_args *args, const es_normalise_operand *o, int64_t size) {
  return o->slot < 0 ? NULL : (char *)args->base[o->slot] + o->offset * size;
}

static es_status run_step(const es_step *step, const es_run_args *args) {
  const step_data *d = step->data;
  job j = d->job;
  j.ctx = args->ctx;
  j.x = address(args, &d->x, j.size);
  j.from.data = (char *)(uintptr_t)j.x;
  j.args.weight = address(args, &d->weight, j.size);
  j.args.bias = address(args, &d->bias, j.size);
  j.y = args->base[d->out];
  j.scratch = args->workspace;
  /* The workspace is for so many workers; a larger pool is another context's. */
  es_pool *pool = es_pool_threads(args->pool) <= d->threads ? args->pool : NULL;
  es_pool_run(j.tasks > 1 ? pool : NULL, j.tasks, run_task, &j);
  return atomic_load(&j.cancelled) ? es_step_cancelled(args) : ES_OK;
}

static void print_step(const es_step *step, char *buf, size_t cap) {
  const step_data *d = step->data;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "normalise %lld rows of %lld", (long long)(d->job.outer * d->job.inner),
                 (long long)d->job.n);
}

static const es_strategy strategy = {.name = "normalise", .print = print_step};

es_status es_normalise_step(const es_plan_env *env, es_normalise op, const es_view *x, int axis,
                            const es_normalise_operand operand[3], double eps,
                            const es_problem *problem, es_step *step) {
  step_data *d = ES_NEW(env->arena, step_data);
  if (!d) return ES_E_NOMEM;
  d->x = operand[0];
  d->weight = operand[1];
  d->bias = operand[2];
  d->out = problem->out.slot;
  d->threads = env->threads;
  d->job.args.eps = eps;
  if (!prepare(&d->job, env->kernels, op, x, axis, 1, env->threads)) return ES_E_NOMEM;
  es_rows_init(&d->job.from, env->kernels, NULL, x->dtype, x->rank, x->shape, x->strides, x->dtype);
  *step = (es_step){.strategy = &strategy, .run = run_step, .problem = problem, .data = d};
  step->workspace = (uint64_t)d->job.bytes;
  double count = (double)d->job.outer * (double)d->job.n * (double)d->job.inner;
  step->bytes = es_problem_bytes(problem);
  step->predicted = 100e-9 + count * 1e-9;
  return ES_OK;
}
