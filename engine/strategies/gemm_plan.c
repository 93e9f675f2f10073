/* Contraction: which side is the vector side, and what is packed. */
#include "engine/strategies/gemm.h"

enum {
  TERMS_OF_BOXES = 1 << 20, /* of k, in the tables of all boxes */
  COLUMNS_OF_BOXES = 8,
};

/* Whether most panels of n lie in memory as they are: their columns are neighbours. */
static bool panels_in_place(const es_gemm_plan *g, const es_side *side) {
  const es_problem *p = g->problem;
  if (g->overlap) return true;
  int a = es_gemm_last_axis(p, g->x.in, ES_GEMM_N);
  return a >= 0 && side->stride[a] == 1 &&
         (p->extent[a] == g->n.count || p->extent[a] >= 4 * g->nr);
}

es_gemm_kind es_gemm_kind_of(es_dtype compute) {
  switch (compute) {
  case ES_F32: return ES_GEMM_F32;
  case ES_F64: return ES_GEMM_F64;
  case ES_C64: return ES_GEMM_C64;
  case ES_C128: return ES_GEMM_C128;
  default: return ES_GEMM_I64;
  }
}

static es_dtype dtype_of(es_gemm_kind kind) {
  static const es_dtype dtype[ES_GEMM_KINDS] = {
      [ES_GEMM_F32] = ES_F32, [ES_GEMM_F64] = ES_F64,  [ES_GEMM_I64] = ES_I64,
      [ES_GEMM_I16] = ES_I32, [ES_GEMM_I8] = ES_I32,   [ES_GEMM_BF16] = ES_F32,
      [ES_GEMM_C64] = ES_C64, [ES_GEMM_C128] = ES_C128};
  return dtype[kind];
}

/* A plan with operand x by element, but for how its sides are treated. */
static es_gemm_plan candidate(const es_problem *p, const es_plan_env *env, es_gemm_kind kind, int x,
                              int n_boxes) {
  es_gemm_plan g = {.problem = p,
                    .kernels = env->kernels,
                    .kind = kind,
                    .compute = dtype_of(kind),
                    .each = es_dtype_size(dtype_of(kind)),
                    .terms = es_gemm_group_terms(kind),
                    .shifted = kind == ES_GEMM_I8 && p->in[1 - x].dtype == ES_I8,
                    .n_boxes = n_boxes,
                    .threads = env->threads};
  bool alone = g.terms == 1; /* else every operand is packed into groups */
  g.x = (es_gemm_operand){x, p->in[x].dtype, alone && p->in[x].dtype == g.compute};
  g.y = (es_gemm_operand){1 - x, p->in[1 - x].dtype, alone && p->in[1 - x].dtype == g.compute};
  g.nr = ES_GEMM_VECTORS * env->kernels->gemm->type[kind].lanes;
  g.plain_store = p->out.dtype == g.compute && p->alpha == 1 && p->beta == 0 &&
                  p->reduce != ES_REDUCE_MEAN;
  g.along_c = es_gemm_runs_along(p, x, &p->out, ES_GEMM_N);
  int64_t count[ES_GEMM_GROUPS];
  es_gemm_counts(p, x, count);
  g.bytes[ES_GEMM_X] = es_problem_side_bytes(p, &p->in[x]);
  g.bytes[ES_GEMM_Y] = es_problem_side_bytes(p, &p->in[1 - x]);
  g.bytes[ES_GEMM_C] = es_problem_side_bytes(p, &p->out);
  g.batch.count = count[ES_GEMM_BATCH];
  g.m_count = count[ES_GEMM_M];
  g.n.count = count[ES_GEMM_N];
  g.k.count = count[ES_GEMM_K];
  es_gemm_cut(&g);
  return g;
}

/* Whether tiles come to elements of X that others have seen before, as windows do. */
static bool sees_again(const es_gemm_plan *g) {
  const double seen = (double)g->m_count * (double)g->k.count * (double)g->batch.count;
  return g->bytes[ES_GEMM_X] < seen * (double)es_dtype_size(g->x.dtype);
}

/* Panels up to which rows of X that are read in place are worth asking for: with more, few of
 * their loads wait for memory. */
enum { FETCHING_PANELS = 8 };

static void treat_sides(es_gemm_plan *g, int variant) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  g->x_packed = variant & 2;
  g->y_direct = variant & 4;
  g->few = es_gemm_takes_few(g);
  if (g->few && g->n_kb > 1) { /* nothing is packed that blocks of k would keep near */
    g->kc = g->k.count;
    g->n_kb = 1;
    g->add_c = false;
  }
  g->keep_x = g->x_packed && g->stretch < g->pb;
  const es_problem *p = g->problem;
  int most = type->height[type->n_heights - 1];
  int64_t tiles = es_ceil_div(g->m_count, most);
  if (g->keep_x) es_gemm_keep_rows(g, most);
  bool few = g->m_count <= ES_GEMM_SMALL && g->n.count <= ES_GEMM_SMALL &&
             g->k.count <= ES_GEMM_SMALL_K; /* as gemm_small.c takes them */
  g->hold_y = p->in[g->y.in].fixed && !few && !g->y_direct;
  g->stream_y = !g->y_direct && !g->hold_y && !es_gemm_is_dot(g->kind) && !p->n_constraints &&
                g->ahead == 1 && tiles <= ES_GEMM_STREAM_TILES &&
                g->bytes[ES_GEMM_Y] > ES_GEMM_Y_BLOCK;
  g->fetch_x = g->bytes[ES_GEMM_X] > ES_GEMM_Y_BLOCK &&
               (g->x_packed || g->n_panels <= (sees_again(g) ? 2 : FETCHING_PANELS));
  g->group = g->stream_y ? tiles > 0 ? (int)tiles : 1 : es_gemm_group_size(g, most);
}

/* Under constraints every box takes its own part of k from panels that hold all of it. Boxes are
 * worth it where they share panels; a few columns are better served box by box. */
static bool possible(const es_gemm_plan *g) {
  const es_problem *p = g->problem;
  if (!g->x.native && !g->x_packed) return false;
  if (g->kind == ES_GEMM_I8 && g->x.dtype != ES_I8) return false;
  if (g->terms > 1 && p->n_constraints && g->k.count > TERMS_OF_BOXES / g->n_boxes) return false;
  int64_t panel = es_gemm_steps(g, g->kc) * g->nr * (int64_t)g->each;
  if (p->n_constraints && (panel > ES_GEMM_PANEL || g->n.count < COLUMNS_OF_BOXES)) return false;
  if (g->overlap) return g->y_direct;
  return !g->y_direct ||
         (g->y.native && g->kind < ES_GEMM_C64 && panels_in_place(g, &p->in[g->y.in]));
}

/* The best of the variants in which x is read by element, of all or of one (-1: all).
 * Only where *found must it beat *plan. */
static void choose_sides(const es_problem *p, const es_plan_env *env, es_gemm_kind kind, int x,
                         int only, es_gemm_plan *plan, bool *found) {
  es_status status;
  int n_boxes = es_gemm_count_boxes(&env->arena->allocator, p, x, &status);
  if (!n_boxes) return;
  es_gemm_plan g = candidate(p, env, kind, x, n_boxes);
  es_gemm_outlook o = es_gemm_look(&g);
  const es_gemm_plan uncut = g;
  for (int i = x; i < ES_GEMM_VARIANTS; i += 2) {
    if (only >= 0 && i != only) continue;
    g.mb = uncut.mb, g.n_mb = uncut.n_mb;
    g.kc = uncut.kc, g.n_kb = uncut.n_kb, g.add_c = uncut.add_c;
    treat_sides(&g, i);
    if (!possible(&g)) continue;
    g.seconds = es_gemm_predict(&g, &o);
    if (*found && g.seconds >= plan->seconds) continue;
    *plan = g;
    *found = true;
  }
}

bool es_gemm_plan_variant(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                          int variant, es_gemm_plan *plan) {
  bool found = false;
  choose_sides(p, env, kind, variant & 1, variant, plan, &found);
  return found;
}

bool es_gemm_plan_choose(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                         es_gemm_plan *plan) {
  bool found = false;
  for (int x = 0; x < 2; x++) choose_sides(p, env, kind, x, -1, plan, &found);
  return found;
}
