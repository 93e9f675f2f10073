#include "engine/assemble.h"

#include "engine/constant.h"
#include "engine/limits.h"
#include "engine/lower/fit.h"
#include "engine/lower/layout.h"

static void set_totals(es_plan *plan) {
  const es_step *step = plan->step;
  for (int g = 0; g < plan->n_groups; g++)
    for (int s = 0; s < plan->group[g].n_steps; s++, step++) {
      if (plan->group[g].alternative) continue;
      double times = es_plan_repetitions(plan, (int)(step - plan->step));
      plan->flops += times * step->flops;
      plan->bytes += times * step->bytes;
    }
}

static double predicted(const es_plan *plan) {
  double seconds = 0;
  for (int s = 0; s < plan->n_steps; s++) seconds += plan->step[s].predicted;
  return seconds;
}

/* Against the limits of the context: ranks from outside, and the work. */
static es_status admit(const es_ctx *ctx, const es_plan *plan, es_error *error) {
  for (int i = 0; i < plan->n_in + plan->n_out; i++)
    ES_TRY(es_ctx_admit_rank(ctx, plan->slot[i].rank, error));
  return es_ctx_admit_operations(ctx, plan->flops, error);
}

/* What making a plan takes besides its steps, and how many to make in search of the least limit
 * that would do, and for each operand: some milliseconds, up to a second or two for 1,000 operands.
 */
enum { PLAN_STEPS = 8, LEAST_STEPS = 3000, LEAST_EACH = 60 };

/* Operands up to which a few more attempts take no longer than the search for an order. */
enum { SEVERAL = 100 };

static es_status assemble(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                          const es_array *in, const es_options *options, es_fit *fit, es_plan **out,
                          es_error *error) {
  es_plan *plan = es_alloc(&ctx->allocator, sizeof *plan);
  if (!plan) return es_fail_nomem(error);
  *plan = (es_plan){.ctx = ctx, .alone = options && options->alone};
  int threads = plan->alone ? 1 : ctx->config.threads;
  es_ctx_hold(ctx);
  atomic_init(&plan->count, 1);
  es_arena_init(&plan->arena, &ctx->allocator);
  es_arena scratch;
  es_arena_init(&scratch, &ctx->allocator);
  es_builder b = {.ctx = ctx, .plan = plan, .scratch = &scratch, .error = error};
  b.env = (es_plan_env){&plan->arena, ctx->kernels, threads};
  b.effort = options && options->effort > 0 ? options->effort : 1;
  b.order_seed = options ? options->order_seed : 0;
  b.forced = options && options->strategy ? options->strategy : ctx->forced_strategy;
  b.constant = options && !ctx->config.shapes_only ? options->constant : NULL;
  b.same = options ? options->same : NULL;
  b.fit = fit;
  es_status status = assembly(&b, in, of);
  if (status == ES_OK && b.constant) status = es_builder_fold(&b, in);
  if (status == ES_OK) status = es_builder_layout(&b);
  es_arena_free(&scratch);
  fit->steps += plan->n_steps + PLAN_STEPS;
  set_totals(plan);
  if (status == ES_OK) status = admit(ctx, plan, error);
  if (status == ES_OK && threads > 1 && predicted(plan) * threads >= 2 * ES_STEP_PIECE)
    es_ctx_pool(ctx); /* now, because a run allocates nothing; without it one thread runs */
  if (status != ES_OK) {
    es_plan_release(plan);
    return status;
  }
  *out = plan;
  return ES_OK;
}

/* What a plan is made of. */
typedef struct subject {
  es_ctx *ctx;
  es_plan_assembly assembly;
  const void *of;
  const es_array *in;
  const es_options *options;
} subject;

/* A plan whose intermediates take this share of the room within fit->limit. */
static es_status attempt(const subject *s, es_fit *fit, double share, es_plan **out,
                         es_error *error) {
  *fit = (es_fit){.limit = fit->limit,
                  .now = fit->now,
                  .whole = fit->whole,
                  .share = share,
                  .steps = fit->steps,
                  .known = fit->known};
  return assemble(s->ctx, s->assembly, s->of, s->in, s->options, fit, out, error);
}

/* Another attempt may fit. */
static bool goes_on(const es_fit *fit, es_status status) {
  return status == ES_E_LIMIT && fit->least && fit->share >= 0;
}

/* Of several operands: the plan that takes least, whatever the limit, and then, where that fits,
 * one in fewer pieces for its place. */
static es_status assemble_several(const subject *s, es_fit *fit, es_plan **out, es_error *error) {
  double share = fit->share;
  ES_TRY(attempt(s, fit, 0, out, error));
  int more = 1 + SEVERAL / (2 * fit->operands);
  es_plan *other;
  es_error ignored;
  while (more-- && share > 0) {
    es_status status = attempt(s, fit, share, &other, &ignored);
    share = fit->share;
    if (status == ES_OK && other->flops < (*out)->flops) {
      es_plan_release(*out);
      *out = other;
    } else if (status == ES_OK) {
      es_plan_release(other);
    }
    if (!goes_on(fit, status)) break;
  }
  return ES_OK;
}

/* Of many the other way round: that takes long. */
static es_status assemble_many(const subject *s, es_fit *fit, es_plan **out, es_error *error) {
  if (fit->share > 0) {
    es_status status = attempt(s, fit, fit->share, out, error);
    if (!goes_on(fit, status)) return status;
  }
  return attempt(s, fit, 0, out, error);
}

/* Within fit->limit, in more pieces where a plan does not fit. fit->least: what would do for the
 * last attempt, 0 where the failure is another. */
static es_status assemble_within(const subject *s, es_fit *fit, es_plan **out, es_error *error) {
  es_status status = attempt(s, fit, 1, out, error);
  while (goes_on(fit, status) && fit->operands <= ES_FIT_FEW)
    status = attempt(s, fit, fit->share, out, error);
  if (!goes_on(fit, status)) return status;
  return fit->operands <= SEVERAL ? assemble_several(s, fit, out, error)
                                  : assemble_many(s, fit, out, error);
}

/* Whether a plan is made within a limit; fit->least is then that limit. */
static bool does_with(const subject *s, es_fit *fit, int64_t limit, es_fit *trial,
                      es_error *error) {
  es_plan *plan;
  *trial = (es_fit){.limit = limit, .now = fit->now, .whole = true, .known = fit->known};
  es_status status = fit->operands <= ES_FIT_FEW ? assemble_within(s, trial, &plan, error)
                                                 : attempt(s, trial, 1, &plan, error);
  if (fit->operands > SEVERAL && goes_on(trial, status) && trial->share > 0)
    status = attempt(s, trial, trial->share, &plan, error);
  fit->steps += trial->steps;
  fit->known = trial->known;
  if (status != ES_OK) return false;
  es_plan_release(plan);
  fit->least = limit;
  return true;
}

/* The least limit that would do: fit->least does, with a byte less there is no plan. *exact: that
 * was seen, and is as a rule at once; where less does by chance, as it may with many operands, what
 * the plan found takes is tried, and then halves of what is between. */
static es_status seek_least(const subject *s, es_fit *fit, bool *exact, es_error *error) {
  int64_t fails = s->ctx->config.max_bytes, limit = fit->least - 1;
  if (fails < fit->now) fails = fit->now;
  const int most = fit->steps + LEAST_STEPS + LEAST_EACH * fit->operands;
  for (bool first = true; fit->least - fails > 1 && fit->steps < most; first = false) {
    es_fit trial;
    const bool does = does_with(s, fit, limit, &trial, error);
    if (!does && !trial.least) return error ? error->status : ES_E_LIMIT;
    if (!does) fails = limit;
    const bool next = does && first && trial.need > fails && trial.need < limit;
    limit = next ? trial.need : fails + (fit->least - fails) / 2;
  }
  *exact = fit->least - fails <= 1;
  return ES_OK;
}

static es_status refuse(const subject *s, es_fit *fit, es_error *error) {
  bool exact = false;
  ES_TRY(seek_least(s, fit, &exact, error));
  es_fit_settle(fit, s->ctx);
  return es_fit_refuse(fit, s->ctx->config.max_bytes, exact, error);
}

es_status es_plan_assemble(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                           const es_array *in, const es_options *options, es_plan **out,
                           es_error *error) {
  subject s = {ctx, assembly, of, in, options};
  es_fit fit = {.limit = ctx->config.max_bytes, .now = es_memory_now(ctx)};
  es_status status = assemble_within(&s, &fit, out, error);
  bool folds = options && options->constant; /* which takes long, and memory of its own */
  if (status == ES_E_LIMIT && fit.least && fit.least < INT64_MAX && fit.operands && !folds)
    status = refuse(&s, &fit, error);
  es_fit_end(&fit);
  return status;
}
