#include "engine/strategy.h"

#include <math.h>

#include "base/clock.h"
#include "base/text.h"
#include "engine/ctx.h"

/* ---- running in pieces -------------------------------------------------------- */

typedef struct split {
  const es_step *step;
  const es_run_args *args;
  es_step_task task;
  int64_t units, pieces;
  atomic_int status;
  atomic_int_fast64_t done; /* pieces */
} split;

static void tell(const es_run_args *args, double part) {
  const double between = 0.05;
  es_run_watch *p = args->watch;
  double now = es_clock_seconds();
  if (p->told == 0) p->told = now;
  if (now - p->told < between) return;
  p->told = now;
  const es_config *config = &args->ctx->config;
  config->progress(config->user, p->done + p->step * part, p->total);
}

bool es_step_stops(const es_run_args *args) {
  es_run_watch *w = args->watch;
  if (w && atomic_load_explicit(&w->stop, memory_order_relaxed)) return true;
  bool stop = es_ctx_cancelled(args->ctx);
  if (w && stop) atomic_store_explicit(&w->stop, true, memory_order_relaxed);
  return stop;
}

bool es_step_pause(const es_run_args *args, int worker, double part) {
  if (worker == 0 && args->watch && args->ctx->config.progress) tell(args, part);
  return es_step_stops(args);
}

static void run_piece(void *arg, int64_t i, int worker) {
  split *s = arg;
  if (atomic_load_explicit(&s->status, memory_order_relaxed) != ES_OK) return;
  int64_t each = s->units / s->pieces, more = s->units % s->pieces;
  int64_t from = each * i + (i < more ? i : more), to = from + each + (i < more);
  int64_t done = atomic_fetch_add_explicit(&s->done, 1, memory_order_relaxed);
  bool stop = es_step_pause(s->args, worker, (double)done / (double)s->pieces);
  es_status status = stop ? ES_E_CANCELLED : s->task(s->step, s->args, from, to);
  if (status != ES_OK) atomic_store_explicit(&s->status, (int)status, memory_order_relaxed);
}

/* A piece is long against handing it out (about a microsecond, to a thread that is awake),
 * short against the 50 ms within which a cancel must be noticed; and there are some for each
 * thread, so that none waits long for the last one. */
static int64_t pieces_of(const es_step *step, const es_pool *pool, int64_t units) {
  const double shortest = ES_STEP_PIECE, longest = 1e-3;
  const int threads = es_pool_threads(pool), each = 16;
  double work = step->predicted * threads;
  double pieces = fmin(work / shortest, fmax(threads * each, work / longest));
  return step->alone || pieces < 1 ? 1 : pieces < (double)units ? (int64_t)pieces : units;
}

es_status es_step_split(const es_step *step, const es_run_args *args, int64_t units,
                        es_step_task task) {
  int64_t pieces = pieces_of(step, args->pool, units);
  if (units == 0) return ES_OK;
  if (pieces == 1) {
    es_status status = es_step_stops(args) ? ES_E_CANCELLED : task(step, args, 0, units);
    return status == ES_E_CANCELLED ? es_step_cancelled(args) : status;
  }
  split s = {.step = step, .args = args, .task = task, .units = units, .pieces = pieces};
  atomic_init(&s.status, ES_OK);
  atomic_init(&s.done, 0);
  es_pool_run(args->pool, pieces, run_piece, &s);
  es_status status = (es_status)atomic_load(&s.status);
  return status == ES_E_CANCELLED ? es_step_cancelled(args) : status;
}

/* ---- wording ------------------------------------------------------------------- */

/* Decimal text of a 128-bit integer; buf holds 48 bytes. */
static const char *decimal(es_i128 value, char *buf) {
  char *at = buf + 47;
  es_u128 rest = value < 0 ? -(es_u128)value : (es_u128)value, digit;
  *at = '\0';
  do {
    rest = es_u128_divide(rest, 10, &digit);
    *--at = (char)('0' + (int)digit);
  } while (rest != 0);
  if (value < 0) *--at = '-';
  return at;
}

static const char *wide_enough(es_i128 value) {
  static const es_dtype wider[] = {ES_I16, ES_I32, ES_I64};
  for (size_t i = 0; i < sizeof wider / sizeof *wider; i++) {
    int64_t low, high;
    es_dtype_int_range(wider[i], &low, &high);
    if (value >= low && value <= high) return es_dtype_name(wider[i]);
  }
  return es_dtype_name(ES_F64);
}

es_status es_step_overflow(const es_problem *p, int64_t offset, es_i128 value, es_error *error) {
  char at[512], digits[48];
  es_problem_position(p, offset, at, sizeof at);
  return es_fail(
      error, ES_E_OVERFLOW, "", ES_NOWHERE,
      "the result at %s is %s, which %s cannot hold; ask for %s as the output type, or for "
      "'wrap' to keep the low bits",
      at, decimal(value, digits), es_dtype_name(p->out.dtype), wide_enough(value));
}

es_status es_step_overflow_wide(const es_problem *p, int64_t offset, es_error *error) {
  char at[512];
  es_problem_position(p, offset, at, sizeof at);
  return es_fail(error, ES_E_OVERFLOW, "", ES_NOWHERE,
                 "the result at %s leaves 128 bits, which %s cannot hold; convert the operands to "
                 "f64, or ask for 'wrap' to keep the low bits",
                 at, es_dtype_name(p->out.dtype));
}

es_status es_step_overflow_real(const es_problem *p, int64_t offset, double value,
                                es_error *error) {
  char at[512], digits[32];
  es_problem_position(p, offset, at, sizeof at);
  es_format_double(value, false, digits);
  return es_fail(error, ES_E_OVERFLOW, "", ES_NOWHERE,
                 "the result at %s is %s, which %s cannot hold; ask for f64 as the output type", at,
                 digits, es_dtype_name(p->out.dtype));
}

es_status es_step_empty(const es_problem *p, int64_t offset, es_error *error) {
  char at[512];
  es_problem_position(p, offset, at, sizeof at);
  return es_fail(error, ES_E_EMPTY, "S15", ES_NOWHERE,
                 "%s of nothing has no value: no element is present behind the result at %s",
                 es_reducer_name(p->reduce), at);
}

es_status es_step_cancelled(const es_run_args *args) {
  return es_ctx_stopped(args->ctx, args->error);
}
