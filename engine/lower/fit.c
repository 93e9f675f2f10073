#include "engine/lower/fit.h"

#include <math.h>

#include "base/checked.h"
#include "engine/order/path_known.h"

/* ---- attempts ----------------------------------------------------------------------------- */

/* The first plan that succeeds leaves its pool behind. */
void es_fit_settle(es_fit *fit, const es_ctx *ctx) {
  es_known_free(fit->known);
  fit->known = NULL;
  int64_t now = es_memory_now(ctx);
  fit->least += now - fit->now;
  fit->now = now;
}

void es_fit_end(es_fit *fit) { es_known_free(fit->known); }

/* ---- room --------------------------------------------------------------------------------- */

/* Room that steps need for themselves, packed panels above all, and for the gaps between
 * intermediates: as a rule, and at worst, for so many operands that making a plan twice takes too
 * long. */
static const double STEP_SHARE = 1.0 / 8, MOST_STEP_SHARE = 1.0 / 3;
enum { MANY = 300 };

static double step_share(int operands) { return operands > MANY ? MOST_STEP_SHARE : STEP_SHARE; }

static double results_of(const es_plan *plan) {
  double results = 0;
  for (int i = plan->n_in; i < plan->n_in + plan->n_out; i++)
    results += es_plan_slot_bytes(&plan->slot[i]);
  return results;
}

/* Bytes in use once the plan is made: not those that making it takes. */
static int64_t used(const es_builder *b) { return b->fit->now + (int64_t)b->plan->arena.total; }

/* Of the plan's own memory, what a step takes at least. */
static const double STEP_BYTES = 6.5 * 1024;

/* The same, the intermediates that later steps read, and the steps between so many operands where
 * they are many. */
static double taken(const es_builder *b, int operands) {
  const es_plan *plan = b->plan;
  double bytes = (double)used(b) + b->live + (operands > ES_FIT_FEW ? STEP_BYTES * operands : 0);
  for (int i = b->first_slot; i < plan->n_slots; i++)
    if (i >= plan->n_in + plan->n_out && !plan->slot[i].constant)
      bytes += es_plan_slot_bytes(&plan->slot[i]);
  return bytes;
}

/* Whether results count: not where they alone would not fit. */
static bool counts(const es_fit *fit, double results) {
  return fit->whole || results < (double)fit->limit - (double)fit->now;
}

double es_builder_room(const es_builder *b, int operands) {
  double results = results_of(b->plan), room = (double)b->fit->limit - taken(b, operands);
  if (counts(b->fit, results)) room -= results;
  return room > 0 ? room * (1 - step_share(operands)) * b->fit->share : 0;
}

/* ---- whether it fits --------------------------------------------------------------------- */

/* Cutting a little less each time keeps fast kernels, which need room of their own; of many
 * operands a good deal, because making a plan takes long. */
static const double LEAST_SHARE = 1.0 / 1024;
enum { SOME = 50 };

static double next_share(const es_fit *fit, double room, double bytes) {
  if (fit->share == 0) return -1;
  double part = (fit->operands > SOME ? 0.6 : 0.9) * room / bytes;
  double share = fit->operands > ES_FIT_FEW ? fit->share * fmin(part, 0.5)
                                            : fmin(fit->share / 4, part);
  return share < LEAST_SHARE ? 0 : share;
}

es_status es_builder_give_up(es_builder *b) {
  b->fit->share = 0;
  b->fit->least = INT64_MAX;
  return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                 "no order of this expression was found whose intermediates fit into memory");
}

es_status es_builder_seek_least(es_builder *b) {
  if (b->fit->share > 0 && b->fit->operands) return es_builder_give_up(b);
  b->fit->share = 0;
  return ES_OK;
}

es_status es_fit_refuse(const es_fit *fit, int64_t limit, bool exact, es_error *error) {
  return es_fail(error, ES_E_LIMIT, "M1", ES_NOWHERE,
                 "the intermediates and results of this expression need %lld bytes, in the order "
                 "and the pieces that take least; %lld are in use and the memory limit is %lld "
                 "bytes; a limit of %lld would do%s (%s)",
                 (long long)(fit->least - fit->now), (long long)fit->now, (long long)limit,
                 (long long)fit->least, exact ? "" : ", maybe less",
                 es_ctx_how_to_get((double)fit->least));
}

es_status es_builder_admit(es_builder *b, uint64_t high) {
  es_fit *fit = b->fit;
  int64_t bytes = high > INT64_MAX ? INT64_MAX : (int64_t)high, now = used(b);
  if (!fit->operands)
    return es_ctx_admit_bytes(b->ctx, bytes, "the workspace of this expression", b->error);
  double results = results_of(b->plan), room = (double)fit->limit - (double)now;
  bool all = counts(fit, results);
  if (results > 0x1p62 || !es_add_i64(bytes, (int64_t)results, &fit->need) ||
      !es_add_i64(fit->need, now, &fit->need))
    fit->need = INT64_MAX;
  if (all ? fit->need <= fit->limit : (double)bytes <= room) return ES_OK;
  fit->least = fit->need;
  fit->share = next_share(fit, room - (all ? results : 0), (double)bytes);
  return es_fit_refuse(fit, fit->limit, false, b->error);
}
