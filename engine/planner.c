#include "engine/planner.h"

#include <string.h>

#include "base/text.h"
#include "engine/strategies/strategies.h"

const es_strategy *const es_strategies[] = {
    &es_strategy_copy,   &es_strategy_map,  &es_strategy_reduce, &es_strategy_window,
    &es_strategy_direct, &es_strategy_gemm, &es_strategy_loops,  NULL,
};

const char *es_strategy_name(int index) {
  for (int i = 0; es_strategies[i]; i++)
    if (i == index) return es_strategies[i]->name;
  return NULL;
}

es_status es_strategy_find(const char *asked, const es_strategy **strategy, es_error *error) {
  for (int i = 0; es_strategies[i]; i++)
    if (!strcmp(es_strategies[i]->name, asked)) return *strategy = es_strategies[i], ES_OK;
  char buf[256];
  es_text t = es_text_init(buf, sizeof buf);
  for (int i = 0; es_strategies[i]; i++)
    es_text_printf(&t, "%s%s", i ? ", " : "", es_strategies[i]->name);
  char name[64];
  es_text n = es_text_init(name, sizeof name);
  es_text_escape(&n, asked, strlen(asked));
  return es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
                 "there is no strategy called '%s'; the strategies are %s", name, buf);
}

/* A product of real numbers in which one operand has no output axis of its own: depthwise
 * windows, matrix times vector, dots. Each element is used once or nearly so, and a tile of
 * the contraction would be mostly padding; streaming was measured 1.5 to 5 times faster. */
static bool streams(const es_problem *p, const es_plan_env *env) {
  bool own[2] = {false, false};
  if (p->n_in != 2 || (p->compute != ES_F32 && p->compute != ES_F64)) return false;
  for (int a = 0; a < p->n_out; a++)
    for (int i = 0; i < 2; i++) own[i] |= p->in[i].stride[a] != 0 && p->in[1 - i].stride[a] == 0;
  return !(own[0] && own[1]) &&
         (es_strategy_reduce.applicable(p, env) || es_strategy_window.applicable(p, env));
}

/* So few points that beginning rows takes longer than a padded tile, where one reads and
 * writes in place. Both sum in the same order: the bits do not tell which. */
static bool few(const es_problem *p, const es_plan_env *env) {
  bool plain = p->in[0].dtype == p->compute && p->in[1].dtype == p->compute &&
               p->out.dtype == p->compute && p->reduce == ES_REDUCE_SUM && p->alpha == 1 &&
               p->beta == 0;
  return plain && es_problem_outputs(p) <= 16 && es_problem_taps(p) <= 64 &&
         es_problem_points(p) <= 512 && es_strategy_gemm.applicable(p, env);
}

/* Sums of products of real numbers are taken in chains by all strategies but loops: which of
 * them applies may depend on the layout, and the bits must not. */
static bool sums_in_chains(const es_problem *p) {
  return p->n_in == 2 && p->reduce == ES_REDUCE_SUM &&
         (p->compute == ES_F32 || p->compute == ES_F64);
}

/* A strategy, the threads that it runs on, and the seconds that takes. */
typedef struct choice {
  const es_strategy *strategy;
  int threads;
  double seconds;
} choice;

/* On one thread where it is over before another one is awake. */
static choice weigh(const es_strategy *s, const es_problem *p, const es_plan_env *env) {
  const double seconds = s->cost(p, env);
  if (env->threads == 1 || seconds * env->threads >= 2 * ES_STEP_PIECE)
    return (choice){s, env->threads, seconds};
  const es_plan_env alone = {env->arena, env->kernels, 1};
  return (choice){s, 1, s->cost(p, &alone)};
}

static choice cheapest(const es_problem *p, const es_plan_env *env) {
  choice best = {0};
  const es_strategy *skip = NULL;
  if (streams(p, env)) skip = few(p, env) ? &es_strategy_reduce : &es_strategy_gemm;
  for (int i = 0; es_strategies[i]; i++) {
    const es_strategy *s = es_strategies[i];
    if (s == skip || !s->applicable(p, env)) continue;
    if (s == &es_strategy_loops && best.strategy && sums_in_chains(p)) continue;
    const choice next = weigh(s, p, env);
    if (!best.strategy || next.seconds < best.seconds) best = next;
  }
  return best;
}

static es_status choose(const es_problem *p, const es_plan_env *env, const char *forced,
                        choice *chosen, es_error *error) {
  const es_strategy *s = NULL;
  if (forced) ES_TRY(es_strategy_find(forced, &s, error));
  if (!forced || es_problem_points(p) == 0) return *chosen = cheapest(p, env), ES_OK;
  if (!s->applicable(p, env))
    return es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
                   "the strategy '%s' was asked for but cannot run this expression; leave the "
                   "strategy open, or ask for 'loops', which runs everything",
                   forced);
  *chosen = weigh(s, p, env);
  return ES_OK;
}

bool es_step_takes_whole(const es_problem *p, const es_plan_env *env, const char *forced) {
  for (int i = 0; es_strategies[i]; i++) {
    const es_strategy *s = es_strategies[i];
    bool wanted = s != &es_strategy_loops && (!forced || !strcmp(forced, s->name));
    if (wanted && s->applicable(p, env)) return true;
  }
  return false;
}

static es_status check_identity(const es_problem *p, es_error *error) {
  bool ordered = p->reduce == ES_REDUCE_MAX || p->reduce == ES_REDUCE_MIN;
  if (!ordered || es_problem_taps(p) != 0 || es_problem_outputs(p) == 0) return ES_OK;
  return es_fail(error, ES_E_EMPTY, "S15", ES_NOWHERE,
                 "%s of nothing has no value: the reduced axes leave no element for some part of "
                 "the output; make the axis or the window at least one element long there",
                 es_reducer_name(p->reduce));
}

es_status es_step_make(const es_problem *p, const es_plan_env *env, const char *forced,
                       es_step *step, es_error *error) {
  const char *wrong = es_problem_check(p);
  if (wrong) return es_fail(error, ES_E_INTERNAL, "", ES_NOWHERE, "unsound nest: %s", wrong);
  ES_TRY(check_identity(p, error));
  es_problem *canonical = es_problem_copy(env->arena, p);
  if (!canonical) return es_fail_nomem(error);
  es_problem_canonicalise(canonical);
  choice chosen;
  ES_TRY(choose(canonical, env, forced, &chosen, error));
  *step = (es_step){.strategy = chosen.strategy,
                    .problem = canonical,
                    .predicted = chosen.seconds,
                    .alone = chosen.threads < env->threads};
  step->flops = es_problem_points(canonical);
  step->bytes = es_problem_bytes(canonical);
  const es_plan_env cut = {env->arena, env->kernels, chosen.threads};
  es_status status = chosen.strategy->make(canonical, &cut, step);
  return status == ES_E_NOMEM ? es_fail_nomem(error) : status;
}
