/* One operand moved as bits: permutations, slices, windows, repeats. */
#include "base/text.h"
#include "engine/ctx.h"
#include "engine/strategies/move.h"
#include "engine/strategies/strategies.h"
#include "engine/strategy.h"

static es_status task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  const es_problem *p = step->problem;
  es_move_run(step->data, args->base[p->out.slot], args->base[p->in[0].slot], from, to);
  return ES_OK;
}

static es_status run(const es_step *step, const es_run_args *args) {
  const es_move *v = step->data;
  return es_step_split(step, args, v->blocks, task);
}

static void print(const es_step *step, char *buf, size_t cap) {
  static const char *const name[] = {"rows", "transposed tiles", "columns zipped",
                                     "columns unzipped", "elements"};
  const es_move *v = step->data;
  bool rows = v->way == ES_MOVE_ROWS;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "copy %s, %lld times %lldx%lld of %lld bytes%s", name[v->way],
                 (long long)v->blocks, (long long)(rows ? v->n.n : v->m.n),
                 (long long)(rows ? 1 : v->n.n), (long long)(rows ? v->m.n : v->size),
                 v->past ? ", past the caches" : "");
}

static bool applicable(const es_problem *p, const es_plan_env *env) {
  if (!env->kernels->move || p->n_in != 1 || p->rank != p->n_out || p->n_constraints) return false;
  if (p->in[0].dtype != p->out.dtype || p->rank > ES_MAX_RANK) return false;
  if (p->alpha != 1 || p->beta != 0) return false;
  if (p->reduce == ES_REDUCE_MEAN && (p->mean_count != 1 || p->compute == ES_I64)) return false;
  /* Truth values stay as they are, other values would become 0 or 1. */
  bool truth = p->reduce == ES_REDUCE_ANY || p->reduce == ES_REDUCE_ALL ||
               p->combine == ES_INNER_AND || p->combine == ES_INNER_OR;
  return !truth || p->out.dtype == ES_BOOL;
}

/* Memory moves at some 20 GB/s; rows shorter than a line pay for the call, elements one by
 * one for each. */
static double cost(const es_problem *p, const es_plan_env *env) {
  (void)env;
  int j = p->rank - 1;
  bool out_dense = j >= 0 && p->out.stride[j] == 1, in_dense = false;
  for (int a = 0; a < p->rank; a++) in_dense |= p->in[0].stride[a] == 1;
  double points = es_problem_points(p), n = j < 0 ? 1 : (double)p->extent[j];
  double size = (double)es_dtype_size(p->out.dtype), seconds = 40e-9 + points * size * 0.1e-9;
  if (points == 0) return 40e-9;
  if (!out_dense || !in_dense) return seconds + points * 0.7e-9 + points / n * 2e-9;
  return p->in[0].stride[j] == 1 ? seconds + points / n * 4e-9 : seconds + points * 0.1e-9;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  es_move *v = ES_NEW(env->arena, es_move);
  if (!v || !es_move_make(env->arena, p, env->kernels, v)) return ES_E_NOMEM;
  step->run = run;
  step->data = v;
  return ES_OK;
}

const es_strategy es_strategy_copy = {
    .name = "copy", .applicable = applicable, .cost = cost, .make = make, .print = print};
