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
 * that would do: some milliseconds. */
enum { PLAN_STEPS = 8, LEAST_STEPS = 3000 };

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
  if (status == ES_OK && threads > 1 && predicted(plan) > ES_STEP_PIECE)
    es_ctx_pool(ctx); /* now, because a run allocates nothing; without it one thread runs */
  if (status != ES_OK) {
    es_plan_release(plan);
    return status;
  }
  *out = plan;
  return ES_OK;
}

/* Within fit->limit, in more pieces where a plan does not fit. fit->least: what would do for the
 * last attempt, 0 where the failure is another. */
static es_status assemble_within(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                                 const es_array *in, const es_options *options, es_fit *fit,
                                 es_plan **out, es_error *error) {
  es_status status;
  double share = 1;
  do {
    *fit = (es_fit){.limit = fit->limit,
                    .now = fit->now,
                    .whole = fit->whole,
                    .share = share,
                    .steps = fit->steps,
                    .known = fit->known};
    status = assemble(ctx, assembly, of, in, options, fit, out, error);
    share = fit->share;
  } while (status == ES_E_LIMIT && fit->least && share >= 0);
  return status;
}

/* The least limit that would do, or nearly: fit->least does, the limit does not. */
static es_status find_least(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                            const es_array *in, const es_options *options, es_fit *fit,
                            es_error *error) {
  int64_t fails = ctx->config.max_bytes;
  if (fails < fit->now) fails = fit->now;
  while (fit->least - fails > 1 && fit->steps < LEAST_STEPS) {
    es_fit trial = {.limit = fails + (fit->least - fails) / 2,
                    .now = fit->now,
                    .whole = true,
                    .known = fit->known};
    es_plan *plan;
    es_status status = assemble_within(ctx, assembly, of, in, options, &trial, &plan, error);
    fit->steps += trial.steps;
    fit->known = trial.known;
    if (status == ES_OK) {
      es_plan_release(plan);
      fit->least = trial.limit;
    } else if (trial.least) {
      fails = trial.limit;
    } else {
      return error ? error->status : ES_E_LIMIT;
    }
  }
  bool exact = fit->least - fails <= 1;
  es_fit_settle(fit, ctx);
  return es_fit_refuse(fit, ctx->config.max_bytes, exact, error);
}

es_status es_plan_assemble(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                           const es_array *in, const es_options *options, es_plan **out,
                           es_error *error) {
  es_fit fit = {.limit = ctx->config.max_bytes, .now = es_memory_now(ctx)};
  es_status status = assemble_within(ctx, assembly, of, in, options, &fit, out, error);
  bool folds = options && options->constant; /* which takes long, and memory of its own */
  if (status == ES_E_LIMIT && fit.least && !folds && fit.operands <= ES_FIT_FEW)
    status = find_least(ctx, assembly, of, in, options, &fit, error);
  es_fit_end(&fit);
  return status;
}
