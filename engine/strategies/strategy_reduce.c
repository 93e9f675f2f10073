/* Reductions in which no element is used often: sums along an axis, dot products,
 * matrix times vector, (max, +) of anything. */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "engine/ctx.h"
#include "engine/strategies/gemm.h"
#include "engine/strategies/reduce.h"
#include "engine/strategies/strategies.h"

static void fold_row(const es_reduction *r, const es_run_args *args, es_fold fold,
                     const int64_t *at, int64_t n, void *acc, void *low, const double *shift) {
  es_reduce_neutral(r, fold, acc, low, n);
  (r->runs ? es_reduce_runs : es_reduce_columns)(r, args, fold, at, n, acc, low, shift);
}

/* The parts that were rounded off come back, but for infinities: theirs are NaN. */
static void add_low(const es_stream *s, double *acc, const double *low, int64_t n) {
  for (int64_t i = 0; i < n * s->size / 8; i++)
    if (isfinite(acc[i])) acc[i] += low[i];
}

/* log sum exp x = m + log sum exp(x - m), m the largest x: nothing overflows. Where m
 * is infinite or NaN it is the result. */
static void log_sum_exp(const es_reduction *r, const es_run_args *args, const int64_t *at,
                        int64_t n, double *acc) {
  double shift[ES_ROW], largest[ES_ROW];
  fold_row(r, args, ES_FOLD_MAX, at, n, acc, acc, NULL);
  for (int64_t i = 0; i < n; i++) {
    largest[i] = acc[i];
    shift[i] = isfinite(largest[i]) ? largest[i] : 0;
  }
  fold_row(r, args, ES_FOLD_SUM, at, n, acc, acc, shift);
  for (int64_t i = 0; i < n; i++)
    acc[i] = isfinite(largest[i]) ? largest[i] + log(acc[i]) : largest[i];
}

static void reduce_row(const es_reduction *r, const es_run_args *args, const int64_t *at, int64_t n,
                       void *acc) {
  if (r->taps.count == 0) {
    es_reduce_set(r->s.type, acc, r->identity, n);
  } else if (r->product) {
    (r->runs ? es_reduce_product_runs : es_reduce_product_columns)(r, args, at, n, acc);
  } else if (r->log_sum_exp) {
    log_sum_exp(r, args, at, n, acc);
  } else {
    es_stream_row low;
    fold_row(r, args, r->fold, at, n, acc, &low, NULL);
    if (r->fold == ES_FOLD_SUM2) add_low(&r->s, acc, low.f64, n);
  }
}

/* Unit i is piece i % pieces of the row of outputs i / pieces. */
static es_status task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  const es_reduction *r = step->data;
  const es_stream *s = &r->s;
  es_stream_row acc;
  es_cursor c;
  int64_t at[ES_CURSOR_SIDES], piece = from % r->pieces;
  es_cursor_seek(&r->outer, &c, from / r->pieces);
  for (int64_t unit = from; unit < to; unit++) {
    int64_t start = piece * r->piece, n = r->n - start < r->piece ? r->n - start : r->piece;
    for (int i = 0; i < s->n_in; i++) at[i] = c.at[1 + i] + start * s->in[i].step;
    int64_t out_at = c.at[0] + start * s->out.step;
    if (r->in_place) {
      char *out = args->base[s->out.slot];
      reduce_row(r, args, at, n, out + (s->out.offset + out_at) * s->out.size);
    } else {
      reduce_row(r, args, at, n, &acc);
      if (!es_stream_finish(s, step->problem, args, &acc, out_at, n)) return ES_E_OVERFLOW;
    }
    if (es_reduce_stops(r, args)) return ES_E_CANCELLED;
    if (++piece == r->pieces) {
      piece = 0;
      es_cursor_next(&r->outer, &c);
    }
  }
  return ES_OK;
}

static es_status part_task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  const es_reduction *r = step->data;
  es_reduce_parts_run(r, args, from, to);
  return es_reduce_stops(r, args) ? ES_E_CANCELLED : ES_OK;
}

static es_status run_parts(const es_step *step, const es_run_args *args) {
  const es_reduction *r = step->data;
  es_stream_row acc, low;
  ES_TRY(es_step_split(step, args, es_reduce_parts(r), part_task));
  es_reduce_neutral(r, r->fold, &acc, &low, 1);
  es_reduce_parts_join(r, args, &acc, &low);
  if (!r->product && r->fold == ES_FOLD_SUM2) add_low(&r->s, acc.f64, low.f64, 1);
  return es_stream_finish(&r->s, step->problem, args, &acc, 0, 1) ? ES_OK : ES_E_OVERFLOW;
}

static es_status run(const es_step *step, const es_run_args *args) {
  const es_reduction *r = step->data;
  if (r->s.scan && !es_stream_exact_by_value(step->problem, r->s.kernels, args))
    return es_loops_run(step, args);
  es_status status = r->split ? run_parts(step, args)
                              : es_step_split(step, args, r->outer.count * r->pieces, task);
  return status == ES_E_OVERFLOW ? es_loops_run(step, args) : status;
}

static void print(const es_step *step, char *buf, size_t cap) {
  const es_reduction *r = step->data;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "reduce %s by %s, %lld outputs in rows of %lld over %lld points",
                 es_dtype_name(r->s.type), r->runs ? "runs" : "columns",
                 (long long)(r->outer.count * r->n), (long long)r->n, (long long)r->taps.count);
}

/* ---- which form ------------------------------------------------------------------ */

static bool is_product(const es_problem *p) {
  return p->n_in == 2 && p->combine == ES_INNER_MUL &&
         (p->reduce == ES_REDUCE_SUM || p->reduce == ES_REDUCE_MEAN);
}

static es_fold fold_of(const es_problem *p) {
  switch (p->reduce) {
  case ES_REDUCE_PROD: return ES_FOLD_PROD;
  case ES_REDUCE_MAX:
  case ES_REDUCE_ANY: return ES_FOLD_MAX;
  case ES_REDUCE_MIN:
  case ES_REDUCE_ALL: return ES_FOLD_MIN;
  case ES_REDUCE_LOGSUMEXP: return ES_FOLD_SUM;
  default: return p->compute == ES_F64 || p->compute == ES_C128 ? ES_FOLD_SUM2 : ES_FOLD_SUM;
  }
}

static bool applicable(const es_problem *p, const es_plan_env *env) {
  if (p->rank == p->n_out || !es_stream_applicable(p, env->kernels)) return false;
  es_dtype type = es_stream_type(p);
  const es_stream_kernels *k = env->kernels->stream;
  return is_product(p) ? k->mad_rows[type] != NULL : k->fold_rows[fold_of(p)][type] != NULL;
}

/* Runs of products need chains side by side; integers may be added in any order. */
static bool can_run(const es_problem *p, const es_kernels *kernels) {
  es_dtype type = es_stream_type(p);
  return !is_product(p) || type == ES_I64 || kernels->stream->mad_chains[type];
}

/* Nanoseconds to bring an element of an operand to the arithmetic, for a walk with this
 * step: dense, one for the whole row, or gathered. All these numbers were measured at
 * 64-byte vectors in cache and hold to within a factor of two. */
static double fetch_ns(const es_side *side, int64_t step, es_dtype type) {
  if (step == 0) return 0.01;
  bool as_it_is = side->dtype == type || (side->dtype == ES_F32 && type == ES_F64);
  double move = step == 1 ? 0.01 * (double)es_dtype_size(type) : llabs(step) <= 4 ? 0.3 : 1;
  return move + (as_it_is ? 0 : 0.2);
}

static const double log_sum_exp_ns = 1; /* an exp and a second pass */

/* Nanoseconds an output takes in each form: what beginning a row or run costs, and what
 * every reduced point costs. */
static double columns_ns(const es_problem *p, int axis) {
  es_dtype type = es_stream_type(p);
  double n = axis < 0 ? 1 : fmin((double)p->extent[axis], ES_ROW),
         each = 1.4 / n; /* one chain's latency */
  bool direct = is_product(p) || p->n_in == 1;
  for (int i = 0; i < p->n_in; i++) {
    int64_t step = axis < 0 ? 1 : p->in[i].stride[axis];
    each += fetch_ns(&p->in[i], step, type);
    direct &= step == 1 || (step == 0 && is_product(p));
    direct &= p->in[i].dtype == type || (p->in[i].dtype == ES_F32 && type == ES_F64);
  }
  if (p->reduce == ES_REDUCE_LOGSUMEXP) each = 2 * each + log_sum_exp_ns, direct = false;
  return 25 / n + es_problem_taps(p) * (each + (direct ? 0 : 20 / n));
}

/* The same value for all outputs: read once for many chains. */
static bool shared(const es_problem *p, const es_side *side) {
  for (int a = 0; a < p->n_out; a++)
    if (side->stride[a] != 0) return false;
  return p->n_out > 0;
}

static double runs_ns(const es_problem *p) {
  es_dtype type = es_stream_type(p);
  int last = p->rank - 1;
  double taps = es_problem_taps(p), length = fmax((double)p->extent[last], 1), each = 0;
  for (int i = 0; i < p->n_in; i++) {
    if (is_product(p) && shared(p, &p->in[i])) continue;
    each += fetch_ns(&p->in[i], p->in[i].stride[last], type);
    if (is_product(p)) each += 0.03 * (double)es_dtype_size(type); /* transposed in registers */
  }
  if (p->reduce == ES_REDUCE_LOGSUMEXP) each = 2 * each + log_sum_exp_ns;
  /* Chains of several runs are copied together for every output. */
  if (is_product(p) && type != ES_I64)
    return 4 + taps / length * (taps == length ? 4 : 50) + taps * each;
  /* Single runs of one operand are folded side by side. */
  double begin = p->n_in == 1 && taps == length ? 3 : 15 + taps / length * (p->n_in == 1 ? 8 : 20);
  return begin + taps * each;
}

/* The output axis rows run along: the best for columns. -1: a single output. */
static int row_axis(const es_problem *p) {
  int best = p->n_out - 1;
  for (int a = 0; a < p->n_out; a++)
    if (p->extent[a] > 0 && columns_ns(p, a) < 0.5 * columns_ns(p, best)) best = a;
  return best;
}

static bool prefers_runs(const es_problem *p, const es_kernels *kernels) {
  return can_run(p, kernels) && runs_ns(p) < columns_ns(p, row_axis(p));
}

static double cost(const es_problem *p, const es_plan_env *env) {
  double each = columns_ns(p, row_axis(p)), bytes = 2 * es_problem_side_bytes(p, &p->out);
  if (can_run(p, env->kernels)) each = fmin(each, runs_ns(p));
  for (int i = 0; i < p->n_in; i++) bytes += es_problem_side_bytes(p, &p->in[i]);
  double threads = fmin(env->threads, fmax(1, es_problem_outputs(p) / 64));
  /* Memory delivers some 20 GB/s; the two overlap in part. */
  double compute = 60e-9 + es_problem_outputs(p) * each * 1e-9 / threads, memory = bytes / 2e10;
  return fmax(compute, memory) + fmin(compute, memory) / 4;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  es_reduction *r = ES_NEW(env->arena, es_reduction);
  if (!r) return ES_E_NOMEM;
  int axis = row_axis(p);
  if (!es_axes_between(env->arena, p, 0, p->n_out, axis, &r->outer) ||
      !es_axes_between(env->arena, p, p->n_out, p->rank, -1, &r->taps))
    return ES_E_NOMEM;
  es_stream_init(&r->s, p, env->kernels, axis);
  if (axis < 0)
    for (int i = 0; i < p->n_in; i++) r->s.in[i].step = 0;
  r->fold = fold_of(p);
  r->in_place = r->s.plain && p->out.dtype == r->s.type && r->s.out.step == 1;
  r->log_sum_exp = p->reduce == ES_REDUCE_LOGSUMEXP;
  r->runs = prefers_runs(p, env->kernels);
  r->product = is_product(p) && !(r->runs && r->s.type == ES_I64);
  r->identity = p->reduce == ES_REDUCE_LOGSUMEXP                            ? -INFINITY
                : p->reduce == ES_REDUCE_PROD || p->reduce == ES_REDUCE_ALL ? 1
                                                                            : 0;
  for (int i = 0; i < 2 && i < p->n_in; i++)
    r->whole[i] = r->taps.n == 1 && r->taps.stride[1 + i] == 1 && p->in[i].dtype == r->s.type;
  r->chain = es_gemm_chain(r->taps.count); /* as the matrix product cuts them */
  double bytes = 0;
  for (int i = 0; i < p->n_in; i++) bytes += es_problem_side_bytes(p, &p->in[i]);
  r->far = bytes >= 32 << 20;
  r->n = axis < 0 ? 1 : p->extent[axis];
  /* Pieces for every thread, of whole cache lines of outputs. */
  r->piece = ES_ROW;
  while (r->piece > 64 && r->n <= r->piece && r->outer.count < 2 * env->threads) r->piece /= 2;
  r->pieces = (r->n + r->piece - 1) / r->piece;
  r->split = env->threads > 1 && p->n_out == 0 && r->runs && es_reduce_parts_apply(r);
  r->asks = (double)r->taps.count * (double)r->piece > 1e7;
  step->run = run;
  step->data = r;
  step->workspace = es_loops_workspace(p);
  if (r->split && es_reduce_parts_bytes(r) > step->workspace)
    step->workspace = es_reduce_parts_bytes(r);
  return ES_OK;
}

const es_strategy es_strategy_reduce = {
    .name = "reduce", .applicable = applicable, .cost = cost, .make = make, .print = print};
