/* The contraction of two operands: sums of products, by register tiles.
 *
 * Integers are exact: they run in f32, f64 or 64-bit arithmetic where the bounds of
 * the operands (of their types, else of their values, which are then read first)
 * prove that no sum can leave it, and are handed to the loops otherwise, as is every
 * result that does not fit the output, so that the loops word the error.
 *
 * bf16 is widened to f32, or multiplied by pairs where the processor is faster at these and the
 * values, which are then read first, prove that the bits are the same. */
#include <math.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/strategies/gemm_values.h"
#include "engine/strategies/strategies.h"

enum {
  KINDS = 5,       /* that integers may be computed in */
  WORTH_A_LOOK = 8 /* times the seconds of a look at the values */
};

typedef struct contraction {
  es_gemm_values *values; /* by which the plan is chosen; NULL: there is one */
  es_step checked;        /* the loops */
  int n_plans;
  es_gemm_plan plan[]; /* [n_plans] by falling speed */
} contraction;

/* ---- bounds of integers ---------------------------------------------------------- */

/* Largest magnitude up to which every integer is exact; a little less, so that
 * rounding in the bound itself does not matter. */
static double exact_below(es_gemm_kind kind) {
  static const double below[ES_GEMM_KINDS] = {[ES_GEMM_F32] = 0x1p24,
                                              [ES_GEMM_F64] = 0x1p53,
                                              [ES_GEMM_I64] = 0x1p63,
                                              [ES_GEMM_I16] = 0x1p31,
                                              [ES_GEMM_I8] = 0x1p31};
  return below[kind] * (1 - 1e-9);
}

static double dtype_reach(es_dtype dtype) {
  int64_t low, high;
  es_dtype_int_range(dtype, &low, &high);
  return fmax(-(double)low, (double)high);
}

/* Whether no sum of products of values up to reach can leave the kind's arithmetic. */
static bool is_exact(const es_problem *p, es_gemm_kind kind, const double reach[2]) {
  for (int i = 0; i < 2; i++)
    if (kind == ES_GEMM_I16 && p->in[i].dtype > ES_I16 && reach[i] > INT16_MAX) return false;
  return reach[0] * reach[1] * es_problem_taps(p) < exact_below(kind);
}

/* Whether pairs of bf16 have the bits of f32. No number below the normal ones may occur: the
 * instruction takes these as zero. Of 8 bits each, all products are multiples of 2^-14 times the
 * least powers of two of both operands; so are all sums, however they are rounded. And where terms
 * of X may be absent, of which zeros are made, Y must be finite. */
static bool pairs_are_exact(const es_step *step, const es_gemm_extremes seen[2]) {
  enum { BIAS = 127, NORMAL = -126, BELOW = 14, INFINITE = 0x7f80 };
  const contraction *c = step->data;
  int64_t exponent[2];
  for (int i = 0; i < 2; i++) {
    exponent[i] = ((seen[i].least + 1) >> 7) - BIAS;
    if (exponent[i] < NORMAL) return false;
    if (step->problem->n_constraints && i == c->plan[0].y.in && seen[i].most >= INFINITE)
      return false;
  }
  return exponent[0] + exponent[1] - BELOW >= NORMAL;
}

/* The fastest plan that is exact for these values; NULL: none. */
static const es_gemm_plan *exact_plan(const es_step *step, const es_run_args *args) {
  const contraction *c = step->data;
  es_gemm_extremes seen[2];
  double reach[2];
  if (!c->values) return &c->plan[0];
  es_gemm_values_look(c->values, c->plan[0].kernels, c->plan[0].threads, args, seen);
  if (c->plan[0].kind == ES_GEMM_BF16) return &c->plan[!pairs_are_exact(step, seen)];
  for (int i = 0; i < 2; i++) reach[i] = fmax(-(double)seen[i].least, (double)seen[i].most);
  for (int i = 0; i < c->n_plans; i++)
    if (is_exact(step->problem, c->plan[i].kind, reach)) return &c->plan[i];
  return NULL;
}

/* ---- the strategy ----------------------------------------------------------------- */

static es_status run(const es_step *step, const es_run_args *args) {
  const contraction *c = step->data;
  const es_gemm_plan *plan = exact_plan(step, args);
  es_status status = plan ? es_gemm_plan_run(plan, args) : ES_E_OVERFLOW;
  if (status == ES_E_CANCELLED) return es_step_cancelled(args);
  return status == ES_E_OVERFLOW ? c->checked.run(&c->checked, args) : status;
}

static es_status run_small(const es_step *step, const es_run_args *args) {
  const contraction *c = step->data;
  es_status status = es_gemm_run_small(&c->plan[0], args);
  return status == ES_OK ? ES_OK : es_step_cancelled(args);
}

static void print(const es_step *step, char *buf, size_t cap) {
  const contraction *c = step->data;
  es_text t = es_text_init(buf, cap);
  const es_gemm_plan *g = &c->plan[0];
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  es_text_printf(&t, "gemm %s%s m %lld n %lld k %lld", es_dtype_name(g->compute),
                 g->kind == ES_GEMM_BF16 ? " by pairs of bf16"
                 : c->values             ? " or wider"
                                         : "",
                 (long long)g->m_count, (long long)g->n.count, (long long)g->k.count);
  if (g->batch.count > 1) es_text_printf(&t, " batch %lld", (long long)g->batch.count);
  if (g->n_boxes > 1)
    es_text_printf(&t, " in %d boxes%s", g->n_boxes, g->in_turn ? " by turns" : "");
  es_text_printf(&t, "; tile %dx%d, operand %d by element, %s, operand %d by vector, %s",
                 type->height[type->n_heights - 1], g->nr, g->x.in,
                 g->x_packed ? "packed" : "in place", g->y.in,
                 g->y_direct ? "in place"
                 : g->hold_y ? "packed once"
                             : "packed");
  if (g->u >= 0) es_text_printf(&t, ", by %lldx%lld", (long long)g->u_part, (long long)g->n_part);
  if (g->v >= 0)
    es_text_printf(&t, ", turned by %lldx%lld", (long long)g->run, (long long)g->v_part);
  es_text_printf(&t, "; blocks %lldx%lldx%lld", (long long)g->mb, (long long)(g->pb * g->nr),
                 (long long)g->kc);
}

/* Points are counted, a few times over, and taps in bytes of packed panels, a row of one each. */
static bool counts_fit(const es_problem *p) {
  enum { ROW = 1 << 16 };
  int64_t points = 16, taps = ROW;
  for (int a = 0; a < p->rank; a++) {
    if (p->extent[a] && !es_mul_i64(points, p->extent[a], &points)) return false;
    if (a >= p->n_out && p->extent[a] && !es_mul_i64(taps, p->extent[a], &taps)) return false;
  }
  return true;
}

/* Sums of products in the type of the arithmetic, stored once. */
static bool sums_products(const es_problem *p, const es_plan_env *env) {
  const es_elementwise_kernels *e = env->kernels->elementwise;
  if (p->combine != ES_INNER_MUL) return false;
  if (p->reduce != ES_REDUCE_SUM && p->reduce != ES_REDUCE_MEAN && p->reduce != ES_REDUCE_NONE)
    return false;
  bool integral = es_dtype_class(p->out.dtype) <= ES_CLASS_INT;
  bool scaled = p->alpha != 1 || p->beta != 0;
  if (p->compute == ES_I64) return integral && !scaled && p->reduce != ES_REDUCE_MEAN;
  if (integral && (scaled || p->wrap)) return false;
  if (p->beta != 0 && !e->load[p->compute][p->out.dtype]) return false;
  return e->store[p->compute][p->out.dtype] && e->load[p->compute][p->in[0].dtype] &&
         e->load[p->compute][p->in[1].dtype];
}

/* Whether any pair is both true: counted in f32, where a count never returns to 0. */
static bool finds_pairs(const es_problem *p) {
  return p->combine == ES_INNER_AND && p->reduce == ES_REDUCE_ANY && p->compute == ES_I64 &&
         p->in[0].dtype == ES_BOOL && p->in[1].dtype == ES_BOOL && p->out.dtype == ES_BOOL &&
         p->alpha == 1 && p->beta == 0;
}

/* Whether the kind is here for operands of these types, if their values fit its terms. */
static bool is_available(const es_problem *p, const es_plan_env *env, es_gemm_kind kind) {
  es_dtype a = p->in[0].dtype, b = p->in[1].dtype;
  es_gemm_plan plan;
  if (es_gemm_group_terms(kind) == 1) return true;
  if (!env->kernels->dot || a == ES_BOOL || b == ES_BOOL) return false;
  if (kind == ES_GEMM_I8 && (a > ES_I8 || b > ES_I8 || (a == ES_U8 && b == ES_U8))) return false;
  return es_gemm_plan_choose(p, env, kind, &plan);
}

/* Seconds to look at all values: as fast as memory. */
static double look_seconds(const es_problem *p) {
  return (es_problem_side_bytes(p, &p->in[0]) + es_problem_side_bytes(p, &p->in[1])) / 3e10;
}

/* The plan for a kind. Which of several runs is decided at each run: none of them holds a packed
 * side then. */
static bool plan_for(const es_problem *p, const es_plan_env *env, es_gemm_kind kind, bool measure,
                     es_gemm_plan *plan) {
  es_side in[2] = {p->in[0], p->in[1]};
  es_problem open = *p;
  open.in = in;
  in[0].fixed = in[1].fixed = false;
  bool found = es_gemm_plan_choose(measure ? &open : p, env, kind, plan);
  plan->problem = p;
  return found;
}

/* Whether pairs of bf16 are here, and faster with a look at all values than f32. */
static bool takes_pairs(const es_problem *p, const es_plan_env *env) {
  es_gemm_plan pairs, single;
  if (!env->kernels->pairs || p->compute != ES_F32) return false;
  if (p->in[0].dtype != ES_BF16 || p->in[1].dtype != ES_BF16) return false;
  return plan_for(p, env, ES_GEMM_BF16, true, &pairs) &&
         plan_for(p, env, ES_GEMM_F32, false, &single) &&
         pairs.seconds + look_seconds(p) < single.seconds;
}

/* The kinds that may turn out exact, by falling speed, up to the first that is sure to.
 * Measured: which of them is decided by the operands' values, at each run. */
static int kinds_for(const es_problem *p, const es_plan_env *env, es_gemm_kind kind[KINDS],
                     bool *measure) {
  static const es_gemm_kind all[KINDS] = {ES_GEMM_I8, ES_GEMM_I16, ES_GEMM_F32, ES_GEMM_F64,
                                          ES_GEMM_I64};
  double reach[2] = {dtype_reach(p->in[0].dtype), dtype_reach(p->in[1].dtype)};
  int n = 0;
  bool sure = false;
  *measure = false;
  kind[0] = finds_pairs(p) ? ES_GEMM_F32 : es_gemm_kind_of(p->compute);
  if (takes_pairs(p, env)) {
    kind[0] = ES_GEMM_BF16, kind[1] = ES_GEMM_F32;
    *measure = true;
    return 2;
  }
  if (p->compute != ES_I64 || finds_pairs(p) || p->wrap) return 1;
  for (int i = 0; i < KINDS && !sure; i++) {
    if (!is_available(p, env, all[i])) continue;
    kind[n++] = all[i];
    sure = all[i] != ES_GEMM_I64 && is_exact(p, all[i], reach);
  }
  es_gemm_plan plan;
  if (sure && n > 1 && plan_for(p, env, kind[n - 1], true, &plan) &&
      plan.seconds < WORTH_A_LOOK * look_seconds(p))
    kind[0] = kind[n - 1], n = 1;
  *measure = n > 1;
  return n;
}

static bool applicable(const es_problem *p, const es_plan_env *env) {
  if (p->n_in != 2 || p->rank > ES_GEMM_MAX_AXES || !counts_fit(p)) return false;
  if (!sums_products(p, env) && !finds_pairs(p)) return false;
  if (!p->n_constraints) return true; /* packing both sides is always possible */
  es_gemm_kind kind[KINDS];
  bool measure;
  es_gemm_plan plan;
  int n = kinds_for(p, env, kind, &measure);
  /* The loops, which take what no plan is exact for, know no box. */
  return (!measure || kind[0] == ES_GEMM_BF16) && es_gemm_plan_choose(p, env, kind[n - 1], &plan);
}

static double cost(const es_problem *p, const es_plan_env *env) {
  es_gemm_kind kind[KINDS];
  bool measure;
  es_gemm_plan plan;
  int n = kinds_for(p, env, kind, &measure);
  plan_for(p, env, kind[n > 1 && kind[0] != ES_GEMM_BF16], measure, &plan); /* the likely one */
  return plan.seconds + (measure ? look_seconds(p) : 0);
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  es_gemm_kind kind[KINDS];
  bool measure;
  int n_plans = kinds_for(p, env, kind, &measure);
  contraction *c = es_arena_array(env->arena, 1, sizeof *c + sizeof *c->plan * (size_t)n_plans);
  if (!c) return ES_E_NOMEM;
  c->n_plans = n_plans;
  step->workspace = 0;
  for (int i = 0; i < c->n_plans; i++) {
    if (!plan_for(p, env, kind[i], measure, &c->plan[i])) return ES_E_NOMEM;
    if (!es_gemm_axes_make(env->arena, &c->plan[i])) return ES_E_NOMEM;
    uint64_t bytes = es_gemm_plan_workspace(&c->plan[i]);
    if (bytes > step->workspace) step->workspace = bytes;
  }
  if (measure && !(c->values = es_gemm_values_make(env->arena, p, c->plan[0].x.in)))
    return ES_E_NOMEM;
  c->checked = (es_step){.strategy = &es_strategy_loops, .problem = p};
  ES_TRY(es_strategy_loops.make(p, env, &c->checked));
  if (c->checked.workspace > step->workspace) step->workspace = c->checked.workspace;
  step->data = c;
  es_status status = ES_OK;
  bool small = c->n_plans == 1 && es_gemm_small_make(env->arena, &c->plan[0], &status);
  step->run = small ? run_small : run;
  if (!small && c->plan[0].hold_y) step->hold_bytes = es_gemm_hold_bytes(&c->plan[0]);
  return status;
}

static es_status hold(es_step *step, const es_plan_env *env, void *const *base) {
  if (!step->hold_bytes) return ES_OK;
  contraction *c = step->data;
  es_gemm_plan *g = &c->plan[0];
  ES_TRY(es_gemm_hold(env->arena, g,
                      (const char *)base[step->problem->in[g->y.in].slot] + g->first[ES_GEMM_Y]));
  /* Results that pass their type are computed anew, from what is not packed. */
  if (es_dtype_class(step->problem->out.dtype) >= ES_CLASS_FLOAT) step->held = 1 + g->y.in;
  return ES_OK;
}

const es_strategy es_strategy_gemm = {.name = "gemm",
                                      .applicable = applicable,
                                      .cost = cost,
                                      .make = make,
                                      .print = print,
                                      .hold = hold};
