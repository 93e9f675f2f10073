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
#include <stdlib.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/boxes.h"
#include "engine/strategies/gemm.h"
#include "engine/strategies/strategies.h"

enum {
  KINDS = 5,       /* that integers may be computed in */
  WORTH_A_LOOK = 8 /* times the seconds of a look at the values */
};

/* Where every element of an operand, or of the part of it that a box sees, lies, each once if they
 * can be told apart by strides: rows along its shortest one. */
typedef struct scan {
  int operand;
  int64_t begin; /* bytes from its base */
  es_gemm_axes outer;
  int64_t row, step; /* elements of a row, and their distance */
} scan;

typedef struct contraction {
  bool measure; /* the plan is chosen by the operands' values */
  int n_scans;
  scan *scan;      /* [n_scans] */
  es_step checked; /* the loops */
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

/* The smallest and largest of many values, a lane of a row each; each turn goes to the
 * other half, which holds earlier extremes. */
typedef struct extremes {
  _Alignas(ES_ALIGN) int64_t low[2][ES_ROW];
  _Alignas(ES_ALIGN) int64_t high[2][ES_ROW];
  int turn;
  /* Of bf16, the bits of magnitudes: the least but zero (0: none was seen), and the greatest. */
  uint16_t least, most;
} extremes;

static void look_at(extremes *x, const es_kernels *kernels, es_dtype dtype, const char *at,
                    int64_t step, int64_t n) {
  _Alignas(ES_ALIGN) int64_t row[ES_ROW];
  const es_elementwise_kernels *e = kernels->elementwise;
  int64_t bytes = step * (int64_t)es_dtype_size(dtype);
  for (int64_t from = 0; from < n; from += ES_ROW, x->turn = !x->turn) {
    int64_t some = n - from < ES_ROW ? n - from : ES_ROW;
    e->load[ES_I64][dtype](row, at + from * bytes, step, some);
    e->binary[ES_I64][ES_MINIMUM](x->low[!x->turn], x->low[x->turn], row, some);
    e->binary[ES_I64][ES_MAXIMUM](x->high[!x->turn], x->high[x->turn], row, some);
  }
}

static void look_at_magnitudes(extremes *x, const es_kernels *kernels, es_dtype dtype,
                               const char *at, int64_t step, int64_t n) {
  uint16_t least, most;
  kernels->gemm->groups[ES_GEMM_BF16 - ES_GEMM_I16].magnitudes(at, step, n, &least, &most);
  (void)dtype;
  if (least && (!x->least || least < x->least)) x->least = least;
  if (most > x->most) x->most = most;
}

/* Every row of an operand, to look. */
static void look_through(const es_step *step, const es_run_args *args, int operand,
                         void (*look)(extremes *, const es_kernels *, es_dtype, const char *,
                                      int64_t, int64_t),
                         extremes *x) {
  const contraction *c = step->data;
  const es_side *side = &step->problem->in[operand];
  int64_t at[64];
  for (const scan *s = c->scan; s < c->scan + c->n_scans; s++) {
    if (s->operand != operand) continue;
    const char *base = (const char *)args->base[side->slot] + s->begin;
    for (int64_t i = 0; i < s->outer.count; i += 64) {
      int64_t some = s->outer.count - i < 64 ? s->outer.count - i : 64;
      es_gemm_offsets(&s->outer, ES_GEMM_X, i, some, at);
      for (int64_t r = 0; r < some; r++)
        look(x, c->plan[0].kernels, side->dtype, base + at[r], s->step, s->row);
    }
  }
}

static double values_reach(const es_step *step, const es_run_args *args, int operand) {
  int64_t low = 0, high = 0;
  extremes x = {0};
  look_through(step, args, operand, look_at, &x);
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < ES_ROW; j++) {
      low = x.low[i][j] < low ? x.low[i][j] : low;
      high = x.high[i][j] > high ? x.high[i][j] : high;
    }
  return fmax(-(double)low, (double)high);
}

/* Whether pairs of bf16 have the bits of f32. No number below the normal ones may occur: the
 * instruction takes these as zero. Of 8 bits each, all products are multiples of 2^-14 times the
 * least powers of two of both operands; so are all sums, however they are rounded. And where terms
 * of X may be absent, of which zeros are made, Y must be finite. */
static bool pairs_are_exact(const es_step *step, const es_run_args *args) {
  enum { BIAS = 127, NORMAL = -126, BELOW = 14, NONE = 255, INFINITE = 0x7f80 };
  const contraction *c = step->data;
  int exponent[2];
  for (int i = 0; i < 2; i++) {
    extremes x = {0};
    look_through(step, args, i, look_at_magnitudes, &x);
    exponent[i] = (x.least ? x.least >> 7 : NONE) - BIAS;
    if (exponent[i] < NORMAL) return false;
    if (step->problem->n_constraints && i == c->plan[0].y.in && x.most >= INFINITE) return false;
  }
  return exponent[0] + exponent[1] - BELOW >= NORMAL;
}

/* The fastest plan that is exact for these values; NULL: none. */
static const es_gemm_plan *exact_plan(const es_step *step, const es_run_args *args) {
  const contraction *c = step->data;
  if (!c->measure) return &c->plan[0];
  if (c->plan[0].kind == ES_GEMM_BF16) return &c->plan[!pairs_are_exact(step, args)];
  double reach[2] = {values_reach(step, args, 0), values_reach(step, args, 1)};
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
                 : c->measure            ? " or wider"
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

/* Seconds to look at all values: of integers, or as fast as memory for the exponents of bf16. */
static double scan_seconds(const es_problem *p) {
  const double rate = p->compute == ES_I64 ? 1e10 : 3e10;
  return (es_problem_side_bytes(p, &p->in[0]) + es_problem_side_bytes(p, &p->in[1])) / rate;
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
         pairs.seconds + scan_seconds(p) < single.seconds;
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
      plan.seconds < WORTH_A_LOOK * scan_seconds(p))
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
  return plan.seconds + (measure ? scan_seconds(p) : 0);
}

typedef struct walk_axis {
  int64_t extent, stride; /* elements */
} walk_axis;

/* The axes that move an operand, the shortest stride first. */
static int moving_axes(const es_problem *p, const es_side *side, walk_axis *axis) {
  int n = 0;
  for (int a = 0; a < p->rank; a++) {
    if (!side->stride[a] || p->extent[a] == 1) continue;
    int at = n++;
    for (; at > 0 && llabs(axis[at - 1].stride) > llabs(side->stride[a]); at--)
      axis[at] = axis[at - 1];
    axis[at] = (walk_axis){p->extent[a], side->stride[a]};
  }
  return n;
}

/* Makes one axis of two where the steps of the longer one leave no gap between the runs of the
 * shorter: they overlap, as windows do, or touch. The same elements, each once. */
static bool join_axes(walk_axis *shorter, const walk_axis *longer) {
  int64_t ratio = longer->stride / shorter->stride, extent;
  if (longer->stride % shorter->stride || ratio < 1 || ratio > shorter->extent) return false;
  if (!es_mul_i64(ratio, longer->extent - 1, &extent)) return false;
  return es_add_i64(extent, shorter->extent, &shorter->extent);
}

/* Of p, or of a box of it. */
static bool make_scan(es_arena *arena, const es_problem *p, int operand, scan *s) {
  const es_side *side = &p->in[operand];
  walk_axis axis[ES_GEMM_MAX_AXES];
  *s = (scan){.operand = operand, .begin = es_side_begin(side), .row = 1, .step = 1};
  s->outer.extent = ES_NEW_N(arena, int64_t, p->rank);
  s->outer.stride[ES_GEMM_X] = ES_NEW_N(arena, int64_t, p->rank);
  if (!s->outer.extent || !s->outer.stride[ES_GEMM_X]) return false;
  if (es_problem_points(p) == 0) return true; /* a box without taps may begin anywhere */
  s->outer.count = 1;
  for (int i = 0, n = moving_axes(p, side, axis); i < n;) {
    walk_axis joined = axis[i++];
    while (i < n && join_axes(&joined, &axis[i])) i++;
    if (s->row == 1) { /* the first */
      s->row = joined.extent;
      s->step = joined.stride;
      continue;
    }
    s->outer.extent[s->outer.n] = joined.extent;
    s->outer.stride[ES_GEMM_X][s->outer.n++] = joined.stride * (int64_t)es_dtype_size(side->dtype);
    s->outer.count *= joined.extent;
  }
  return true;
}

/* Under constraints the nest walks past X, whose elements the boxes see. */
static bool make_scans(es_arena *arena, const es_problem *p, contraction *c) {
  es_arena scratch;
  es_arena_init(&scratch, &arena->allocator);
  es_problem **box = NULL;
  const int x = c->plan[0].x.in;
  int n = 1;
  es_status status;
  bool done = !p->n_constraints || es_problem_boxes(&scratch, p, ES_GEMM_BOXES, &n, &box, &status);
  c->scan = ES_NEW_N(arena, scan, n + 1);
  done = done && c->scan && make_scan(arena, p, 1 - x, &c->scan[c->n_scans++]);
  for (int i = 0; done && i < n; i++)
    done = make_scan(arena, box ? box[i] : p, x, &c->scan[c->n_scans++]);
  es_arena_free(&scratch);
  return done;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  es_gemm_kind kind[KINDS];
  bool measure;
  int n_plans = kinds_for(p, env, kind, &measure);
  contraction *c = es_arena_array(env->arena, 1, sizeof *c + sizeof *c->plan * (size_t)n_plans);
  if (!c) return ES_E_NOMEM;
  c->measure = measure;
  c->n_plans = n_plans;
  step->workspace = 0;
  for (int i = 0; i < c->n_plans; i++) {
    if (!plan_for(p, env, kind[i], c->measure, &c->plan[i])) return ES_E_NOMEM;
    if (!es_gemm_axes_make(env->arena, &c->plan[i])) return ES_E_NOMEM;
    uint64_t bytes = es_gemm_plan_workspace(&c->plan[i]);
    if (bytes > step->workspace) step->workspace = bytes;
  }
  if (c->measure && !make_scans(env->arena, p, c)) return ES_E_NOMEM;
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
