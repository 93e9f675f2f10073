/* Running a plan. The only place where arrays meet the numbers a plan was made
 * for; every descriptor is compared before the first load. */
#include "engine/exec.h"

#include "base/clock.h"
#include "base/fpenv.h"
#include "base/text.h"
#include "engine/ctx.h"

/* ---- the check ---------------------------------------------------------------- */

static inline bool same_strides(const es_plan_slot *slot, const es_array *a) {
  if (!a->strides) return slot->c_order;
  for (int i = 0; i < slot->rank; i++)
    if (a->strides[i] != slot->strides[i]) return false;
  return true;
}

static inline bool same_shape(const es_plan_slot *slot, const es_array *a) {
  for (int i = 0; i < slot->rank; i++)
    if (a->shape[i] != slot->shape[i]) return false;
  return true;
}

static inline bool matches(const es_plan_slot *slot, const es_array *a) {
  return a->dtype == slot->dtype && a->rank == slot->rank &&
         (slot->rank == 0 || (a->shape && same_shape(slot, a) && same_strides(slot, a))) &&
         ((a->data && !((uintptr_t)a->data & slot->unaligned)) || slot->count == 0);
}

static void put_ints(es_text *t, int rank, const int64_t *values) {
  if (values || rank == 0)
    es_text_shape(t, rank, values);
  else
    es_text_puts(t, "NULL");
}

/* Words the difference that matches() found. */
static es_status mismatch(const es_plan *plan, int index, const es_array *a, es_error *error) {
  const es_plan_slot *slot = &plan->slot[index];
  char who[40], text[400];
  es_text w = es_text_init(who, sizeof who), t = es_text_init(text, sizeof text);
  bool input = index < plan->n_in;
  es_text_printf(&w, "%s %d", input ? "operand" : "output", input ? index : index - plan->n_in);
  es_status status = ES_E_EXTENT;
  if (a->dtype != slot->dtype) {
    status = ES_E_DTYPE;
    es_text_printf(&t, "the plan was made for type %s, not %s", es_dtype_name(slot->dtype),
                   es_dtype_name(a->dtype));
  } else if (a->rank != slot->rank) {
    status = ES_E_RANK;
    es_text_printf(&t, "the plan was made for %d axes, not %d", slot->rank, a->rank);
  } else if (slot->rank && (!a->shape || !same_shape(slot, a))) {
    es_text_puts(&t, "the plan was made for shape ");
    put_ints(&t, slot->rank, slot->shape);
    es_text_puts(&t, ", not ");
    put_ints(&t, a->rank, a->shape);
  } else if (slot->rank && !same_strides(slot, a)) {
    es_text_puts(&t, "the plan was made for strides ");
    put_ints(&t, slot->rank, slot->strides);
    es_text_puts(&t, ", not ");
    es_text_puts(&t, a->strides ? "" : "those of C order");
    if (a->strides) put_ints(&t, a->rank, a->strides);
  } else {
    status = ES_E_VALUE;
    es_text_puts(&t, a->data ? "its data are not aligned to its elements" : "its data are NULL");
  }
  es_fail(error, status, "", ES_NOWHERE, "%s: %s", who, text);
  return es_blame(error, input ? index : -1, status);
}

/* Operands that the plan takes for one array are one. */
static es_status check_same(const es_plan *plan, const es_array *in, es_error *error) {
  for (int i = 0; i < plan->n_in; i++) {
    int first = (int)plan->same[i];
    if (in[i].data == in[first].data || plan->slot[i].kept || plan->slot[first].kept) continue;
    es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
            "operand %d: the plan was made for the array that operand %d is (es_options.same), not "
            "for another",
            i, first);
    return es_blame(error, i, ES_E_VALUE);
  }
  return ES_OK;
}

static es_status check(const es_plan *plan, const es_array *in, int64_t n, const es_array *out,
                       int64_t n_out, const void *workspace, es_error *error) {
  if (n != plan->n_in || n_out != plan->n_out || (n && !in) || (n_out && !out))
    return es_fail(error, ES_E_COUNT, "", ES_NOWHERE,
                   "the plan has %d operands and %d outputs, the call %lld and %lld", plan->n_in,
                   plan->n_out, (long long)(in ? n : 0), (long long)(out ? n_out : 0));
  for (int i = 0; i < plan->n_in; i++)
    if (!plan->slot[i].kept && !matches(&plan->slot[i], &in[i]))
      return mismatch(plan, i, &in[i], error);
  if (plan->same) ES_TRY(check_same(plan, in, error));
  for (int i = 0; i < plan->n_out; i++)
    if (!matches(&plan->slot[plan->n_in + i], &out[i]))
      return mismatch(plan, plan->n_in + i, &out[i], error);
  if (plan->workspace && (!workspace || (uintptr_t)workspace % ES_ALIGN))
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
                   "the plan needs a workspace of %zu bytes aligned to %d", plan->workspace,
                   ES_ALIGN);
  return ES_OK;
}

/* ---- the walk ------------------------------------------------------------------- */

static void set_addresses(const es_plan *plan, const es_array *in, const es_array *out,
                          char *workspace, void **base) {
  for (int i = 0; i < plan->n_in; i++) /* only read: the cast serves the common table */
    base[i] = plan->slot[i].kept ? (void *)(uintptr_t)plan->slot[i].values : in[i].data;
  for (int i = 0; i < plan->n_out; i++) base[plan->n_in + i] = out[i].data;
  for (int i = plan->n_in + plan->n_out; i < plan->n_slots; i++) {
    const es_plan_slot *slot = &plan->slot[i];
    if (slot->constant)
      base[i] = (void *)(uintptr_t)slot->constant;
    else if (slot->kept)
      base[i] = (void *)(uintptr_t)slot->values;
    else
      base[i] = workspace ? workspace + slot->workspace_offset : NULL;
  }
}

typedef struct walk {
  const es_plan *plan;
  es_run_args args;
  void **base; /* args.base, which loops move */
  char *workspace;
  int at;   /* step to run; after a failure the one that failed */
  int loop; /* the next one */
  es_run_watch watch;
  double *seconds; /* [n_steps] to add to, or NULL */
} walk;

static void report(walk *w) {
  const es_config *config = &w->args.ctx->config;
  w->watch.done += w->watch.step;
  if (config->progress) config->progress(config->user, w->watch.done, w->watch.total);
}

static es_status run_steps(walk *w, int end) {
  for (; w->at < end; w->at++) {
    const es_step *step = &w->plan->step[w->at];
    w->args.workspace = step->workspace ? w->workspace + w->plan->step_workspace[w->at] : NULL;
    w->watch.step = step->flops;
    double start = w->seconds ? es_clock_seconds() : 0;
    ES_TRY(step->run(step, &w->args));
    if (w->seconds) w->seconds[w->at] += es_clock_seconds() - start;
    if (w->args.ctx) report(w);
  }
  return ES_OK;
}

static void move_slots(walk *w, const es_plan_loop *loop, int label, int64_t pieces) {
  for (int k = 0; k < loop->n_slots; k++) {
    char *at = w->base[loop->slot[k]];
    if (at) w->base[loop->slot[k]] = at + pieces * loop->step[label * loop->n_slots + k];
  }
  w->args.moved += pieces * loop->step[(label + 1) * loop->n_slots - 1];
}

/* The round after this one; false after the last, when all slots are where they were. */
static bool next_round(walk *w, const es_plan_loop *loop, int64_t *index) {
  for (int i = loop->n - 1; i >= 0; i--) {
    if (++index[i] < loop->pieces[i]) return move_slots(w, loop, i, 1), true;
    move_slots(w, loop, i, 1 - loop->pieces[i]);
    index[i] = 0;
  }
  return false;
}

static es_status run_round(walk *w, const es_plan_loop *loop, bool again) {
  w->at = loop->begin;
  ES_TRY(run_steps(w, loop->last));
  if (again) w->at = loop->again;
  return run_steps(w, again ? loop->end : loop->again);
}

/* Slots are where they were afterwards, whatever happens. */
static es_status run_loop(walk *w, const es_plan_loop *loop) {
  int64_t index[ES_PLAN_MOST_CUT] = {0}, inner = 0;
  do {
    es_status status = run_round(w, loop, inner > 0);
    if (status != ES_OK) {
      for (int i = 0; i < loop->n; i++) move_slots(w, loop, i, -index[i]);
      return status;
    }
    inner = inner + 1 < loop->inner ? inner + 1 : 0;
  } while (next_round(w, loop, index));
  w->at = loop->end;
  return ES_OK;
}

/* Steps up to end, and the loops among them. */
static es_status run_until(walk *w, int end) {
  const es_plan *plan = w->plan;
  while (w->loop < plan->n_loops && plan->loop[w->loop].begin < end) {
    const es_plan_loop *loop = &plan->loop[w->loop++];
    ES_TRY(run_steps(w, loop->begin));
    ES_TRY(run_loop(w, loop));
  }
  return run_steps(w, end);
}

static es_status run_detour(walk *w, const es_plan_detour *detour) {
  es_status status = run_until(w, detour->alternative);
  if (status == ES_E_OVERFLOW && w->at < detour->last) {
    w->at = detour->alternative;
    status = run_until(w, detour->end);
  }
  if (status == ES_OK) w->at = detour->end;
  return status;
}

static es_status run_all(walk *w) {
  const es_plan *plan = w->plan;
  for (int d = 0; d < plan->n_detours; d++) { /* ascending */
    ES_TRY(run_until(w, plan->detour[d].begin));
    ES_TRY(run_detour(w, &plan->detour[d]));
  }
  return run_until(w, plan->n_steps);
}

static inline es_status execute(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                                const es_array *out, int64_t n_out, void *workspace,
                                double *seconds, es_error *error) {
  ES_TRY(check(plan, in, n, out, n_out, workspace, error));
  void *stack[ES_PLAN_STACK_SLOTS];
  char *bytes = workspace;
  void **base = plan->n_slots <= ES_PLAN_STACK_SLOTS ? stack : (void **)(bytes + plan->base_offset);
  set_addresses(plan, in, out, bytes, base);
  es_error local;
  /* The pool was made with the plan: making one here would allocate. */
  walk w; /* field by field: cleared as a whole it would take longer than a small step */
  w.plan = plan;
  w.args = (es_run_args){.base = base,
                         .pool = ctx && !plan->alone ? ctx->pool : NULL,
                         .ctx = ctx,
                         .error = error ? error : &local,
                         .watch = ctx ? &w.watch : NULL};
  w.base = base;
  w.workspace = bytes;
  w.seconds = seconds;
  w.at = w.loop = 0;
  w.watch.done = w.watch.step = 0;
  w.watch.total = plan->flops;
  w.watch.told = 0;
  atomic_init(&w.watch.stop, false);
  es_fpenv environment = es_fpenv_enter();
  es_status status = run_all(&w);
  es_fpenv_leave(environment);
  return status;
}

es_status es_plan_execute(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                          const es_array *out, int64_t n_out, void *workspace, es_error *error) {
  return execute(ctx, plan, in, n, out, n_out, workspace, NULL, error);
}

es_status es_run_timed(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                       const es_array *out, int64_t n_out, void *workspace, double *seconds,
                       es_error *error) {
  if (!plan || !seconds)
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
                   "es_run_timed needs a plan and room for its seconds, got NULL");
  return execute(ctx, plan, in, n, out, n_out, workspace, seconds, error);
}

es_status es_run_all(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                     const es_array *out, int64_t n_out, void *workspace, es_error *error) {
  if (!plan) return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "es_run_all needs a plan, got NULL");
  return es_plan_execute(ctx, plan, in, n, out, n_out, workspace, error);
}

es_status es_run(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                 const es_array *out, void *workspace, es_error *error) {
  if (!plan) return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "es_run needs a plan, got NULL");
  return es_plan_execute(ctx, plan, in, n, out, out ? 1 : 0, workspace, error);
}
