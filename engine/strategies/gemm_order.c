/* Contraction: the order of axes within rows and columns. */
#include "engine/strategies/gemm.h"

enum {
  /* An operand whose elements meet more than this many of the other's is used so often
   * that C, not the operand, decides the order. */
  FEW = 256,
  TURNED_ROWS = 56,
  TURNED_COLUMNS = 128,     /* of Y, neighbours that are read together */
  TURNED_BYTES = 512 << 10, /* of results that wait in the second-level cache */
};

/* The last axis of the group along which the side runs, -1 for none. */
static int unit_axis(const es_gemm_plan *g, const es_side *side, es_gemm_group group,
                     int64_t least) {
  const es_problem *p = g->problem;
  for (int a = p->n_out - 1; a >= 0; a--)
    if (es_gemm_group_of(p, g->x.in, a) == group && side->stride[a] == 1 && p->extent[a] >= least)
      return a;
  return -1;
}

/* The parts of u and n_last, divisors of their extents, whose panels fit the Y block,
 * and that waste least: lanes of the last panel of a run, and bytes of lines. */
static bool choose_parts(es_gemm_plan *g, int64_t y_block) {
  const es_problem *p = g->problem;
  int64_t u_extent = p->extent[g->u], n_extent = p->extent[g->n_last];
  double best = 0;
  for (int64_t u = g->kernels->gemm->type[g->kind].lanes; u <= 64 && u <= u_extent; u++) {
    if (u_extent % u) continue;
    for (int64_t n = 1; n <= 512 && n <= n_extent; n++) {
      int64_t padded = (n + g->nr - 1) / g->nr * g->nr;
      bool fits = u * padded * g->kc * (int64_t)g->each <= y_block;
      if (n_extent % n || (!fits && (padded > g->nr || best != 0))) continue;
      double waste = (double)padded / (double)n + 2.0 / (double)u + 1.0 / (double)n;
      if (best != 0 && waste >= best) continue;
      best = waste;
      g->u_part = u;
      g->n_part = n;
    }
  }
  return best != 0;
}

/* Runs that are read in place, by panels that overlap. */
static void overlap_panels(es_gemm_plan *g, int64_t run) {
  int lanes = g->kernels->gemm->type[g->kind].lanes;
  g->overlap = true;
  g->run = run;
  if (run < g->nr) g->nr = lanes;
}

/* Few rows use what is packed too seldom. Where Y runs along the last axis of n, its lines
 * are read in place, by panels that overlap: columns computed twice cost less, up to a
 * third, and results stored twice are the same. */
static bool choose_overlap(es_gemm_plan *g) {
  const es_problem *p = g->problem;
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int last = es_gemm_last_axis(p, g->x.in, ES_GEMM_N);
  if (last < 0 || p->in[g->y.in].stride[last] != 1 || p->beta != 0 || g->terms > 1) return false;
  if (!g->y.native || g->kind >= ES_GEMM_C64) return false;
  int64_t run = p->extent[last], lanes = type->lanes, padded = (run + lanes - 1) / lanes * lanes;
  bool few = g->m_count <= type->height[type->n_heights - 1];
  if (!few || run == g->n.count || run < lanes) return false;
  if (4 * run < 3 * padded) return false;
  overlap_panels(g, run);
  return true;
}

/* The largest divisor of n from least to most; 0: there is none. */
static int64_t divisor(int64_t n, int64_t least, int64_t most) {
  for (int64_t d = most < n ? most : n; d >= least; d--)
    if (n % d == 0) return d;
  return 0;
}

/* Few rows, less than k: what is stored is less than what is read. Where Y and C run along
 * different axes of n, panels that overlap read Y in place, and the results of several, which
 * are neighbours in C, are turned over. */
static bool choose_turned(es_gemm_plan *g) {
  const es_problem *p = g->problem;
  const es_side *y = &p->in[g->y.in];
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int unit = unit_axis(g, y, ES_GEMM_N, type->lanes),
      last = es_gemm_last_axis(p, g->x.in, ES_GEMM_N);
  if (unit < 0 || unit == last || !g->along_c || !g->plain_store || p->n_constraints) return false;
  if (g->terms > 1 || g->kind >= ES_GEMM_C64 || !g->y.native || g->n_kb > 1) return false;
  if (!g->m_count || g->m_count > TURNED_ROWS || g->m_count > g->k.count) return false;
  int64_t run = divisor(p->extent[unit], type->lanes, TURNED_COLUMNS);
  if (!run) return false;
  int64_t panels = es_ceil_div(run, g->nr);
  int64_t fit = TURNED_BYTES / (panels * g->m_count * g->nr * (int64_t)g->each);
  g->v_part = divisor(p->extent[last], type->lanes, fit < ES_GEMM_TURNED ? fit : ES_GEMM_TURNED);
  if (!g->v_part) return false;
  g->n_last = unit;
  g->v = last;
  overlap_panels(g, run);
  return true;
}

void es_gemm_order(es_gemm_plan *g) {
  const es_problem *p = g->problem;
  const es_side *x = &p->in[g->x.in], *y = &p->in[g->y.in];
  g->m_last = g->n_last = g->u = g->v = -1;
  g->run = g->n.count;
  if (choose_overlap(g) || choose_turned(g)) return;
  if (g->along_c && g->n.count <= FEW) g->m_last = unit_axis(g, x, ES_GEMM_M, 4);
  if (g->m_count > FEW) return;
  int unit = unit_axis(g, y, ES_GEMM_N, g->kernels->gemm->type[g->kind].lanes);
  if (unit < 0 || unit == es_gemm_last_axis(p, g->x.in, ES_GEMM_N)) return;
  g->n_last = unit;
  if (!g->along_c || g->kind >= ES_GEMM_C64 || !g->y.native) return;
  g->u = unit;
  g->n_last = es_gemm_last_axis(p, g->x.in, ES_GEMM_N);
  if (choose_parts(g, ES_GEMM_Y_BLOCK))
    g->run = g->n_part;
  else
    g->u = g->n_last = -1;
}
