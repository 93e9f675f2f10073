/* Contraction: what a way to run it costs, in cycles, from strides and extents alone. */
#include <math.h>
#include <stdlib.h>

#include "engine/strategies/gemm.h"

enum { X_NEAR = 32 << 10 }; /* bytes of X that stay in the first-level cache */

/* Cycles. Where the kernel itself reads a moving side, its arithmetic hides most of it. */
enum { PAGE_MOVE = 7, PAGE_MOVE_HIDDEN = 3, FAR_ROW = 50, FAR_LINE = 8, FAR_PACKED = 4 };

/* Lines that a walk along the last axis of a group touches anew, of every element. */
static double lines_of(const es_problem *p, int x, const es_side *side, es_gemm_group group) {
  int a = es_gemm_last_axis(p, x, group);
  if (a < 0) return 1;
  return fmin(fabs((double)side->stride[a] * (double)es_dtype_size(side->dtype)) / 64, 1);
}

/* How often the address moves to another page while k runs through once. Up to the
 * 64 that the first-level translation buffer holds beside other things it is free. */
static double page_moves(const es_problem *p, const es_side *side) {
  double moves = 1, bytes = (double)es_dtype_size(side->dtype);
  for (int a = p->n_out; a < p->rank; a++) {
    double step = fabs((double)side->stride[a]) * bytes, extent = (double)p->extent[a];
    moves *= step >= 2048 ? extent : fmax(1, extent * step / 4096);
  }
  return moves <= 64 ? 0 : moves;
}

/* Cycles a multiply-add step of a tile takes: two vector multiply-adds, two loads a
 * cycle, and a latency of four that few accumulators do not hide. */
static double step_cycles(int height, int vectors) {
  return fmax(fmax(height * vectors / 2.0, (height + vectors) / 2.0), 4);
}

static double compute_cycles(const es_gemm_plan *g, double m, double k) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int most = type->height[type->n_heights - 1];
  double tiles = fmax(1, ceil(m / most)); /* m is 0 where an extent is */
  int height = type->height[es_gemm_height_index(type, (int64_t)ceil(m / tiles))];
  double runs = g->run_panels ? (double)(g->n_panels / g->run_panels) : 0;
  int64_t full = g->run / g->nr, rest = g->run % g->nr;
  double step = (double)full * step_cycles(height, g->nr / type->lanes);
  if (rest > 0) step += step_cycles(height, rest > type->lanes ? 2 : 1);
  double parts = g->kind >= ES_GEMM_C64 ? 4 : g->kind == ES_GEMM_I64 ? 6 : 1;
  bool small = m <= 128 && g->n.count <= 128 && k <= 192; /* nearly: see gemm_small.c */
  double begin = small ? 30 : 100;
  return tiles * (runs * ceil(k / g->terms) * step * parts + begin * (double)g->n_panels);
}

/* Cycles an element takes to be packed: contiguous runs, blocks transposed in
 * registers, or one by one, which may be as many lines from beyond the second-level cache. */
static double pack_cycles(const es_gemm_plan *g, es_gemm_side side, bool across, bool along) {
  const es_gemm_operand *from = side == ES_GEMM_X ? &g->x : &g->y;
  es_gemm_group group = side == ES_GEMM_X ? ES_GEMM_M : ES_GEMM_N;
  double c = across ? 0.25 : along ? 0.5 : 1.5;
  if (!across && !along && g->bytes[side] > ES_GEMM_Y_BLOCK)
    c += FAR_PACKED * lines_of(g->problem, g->x.in, &g->problem->in[from->in], group);
  return from->native ? c : c + (g->terms > 1 ? 0.25 : 0.75);
}

/* The same for storing: as it is computed, turned over in registers, one by one. */
static double store_cycles(const es_gemm_plan *g, bool rows, bool cols) {
  double c = g->v >= 0 ? 1 : cols ? 0.1 : rows ? 1 : 2;
  return g->plain_store ? c : c + 1;
}

/* Of an element in memory of X that comes from beyond the second-level cache to be packed, or for
 * one or two panels. */
static const double FAR_ELEMENT = 0.6;

/* To begin a run of neighbours, where boxes cut windows into short ones. */
static const double RUN_BEGINS = 8;

/* Cycles to pack an element of X. */
static double pack_x_cycles(const es_gemm_plan *g, const es_problem *p, bool across, bool along) {
  double each = pack_cycles(g, ES_GEMM_X, across, along);
  int a = es_gemm_last_axis(p, g->x.in, ES_GEMM_M);
  if (across && p->n_constraints && a >= 0)
    each += RUN_BEGINS / g->terms / fmax(1, (double)p->extent[a]);
  return each;
}

/* Whether the lines of X that a tile reads in place, one for each k of a block, stay in the
 * first-level cache until the next panel: of 64 sets of 12, of which lines a power of two apart
 * use few. */
static bool lines_stay(const es_gemm_plan *g, const es_side *x) {
  const es_problem *p = g->problem;
  int64_t step = 0, sets = 64;
  for (int a = p->rank - 1; a >= p->n_out && !step; a--)
    step = llabs(x->stride[a]) * (int64_t)es_dtype_size(x->dtype) / ES_ALIGN;
  while (sets > 1 && step % 2 == 0) sets /= 2, step /= 2;
  return g->kc <= 8 * sets;
}

static double x_cycles(const es_gemm_plan *g, const es_problem *p, double tiles, double panels) {
  const es_side *x = &p->in[g->x.in];
  bool across = g->m_last >= 0 || es_gemm_runs_along(p, g->x.in, x, ES_GEMM_M);
  bool along = es_gemm_runs_along(p, g->x.in, x, ES_GEMM_K);
  double elements = (double)g->m_count * (double)g->k.count, far = 0;
  double moves = along ? 0 : tiles * page_moves(p, x);
  double bytes = g->bytes[ES_GEMM_X];
  if (bytes > ES_GEMM_Y_BLOCK && (g->x_packed || panels <= 2)) /* windows come to them again */
    far = fmin(elements, bytes / (double)es_dtype_size(x->dtype)) * FAR_ELEMENT;
  int64_t stretches = g->keep_x ? 1 : es_ceil_div(g->pb, (g->stretch > 0 ? g->stretch : 1));
  if (g->x_packed)
    return (double)(g->n_nb * stretches) *
           (elements * pack_x_cycles(g, p, across, along) + moves * PAGE_MOVE + far);
  moves *= PAGE_MOVE_HIDDEN;
  if (!across && !along) moves += elements * lines_of(p, g->x.in, x, ES_GEMM_M);
  if (across && !lines_stay(g, x)) { /* windows come to the same lines again */
    double distinct = bytes / (double)es_dtype_size(x->dtype) / (double)g->batch.count;
    moves += tiles * (double)g->k.count * FAR_LINE * fmin(1, distinct / fmax(1, elements));
  }
  double step = fabs((double)es_gemm_row_step(g, x)) * (double)es_dtype_size(x->dtype);
  if (along && step >= 2048) {
    /* Rows a multiple of a page apart share the lines of one set; rows of a large operand
     * each begin where nothing was fetched ahead. */
    if (fmod(step, 4096) == 0 && tiles > 1) moves += elements / 2;
    if (bytes > ES_GEMM_Y_BLOCK) moves += (double)g->m_count * FAR_ROW / panels;
  }
  return moves * panels + far;
}

static double y_cycles(const es_gemm_plan *g, const es_problem *p, double tiles, double panels) {
  const es_side *y = &p->in[g->y.in];
  int x = g->x.in;
  double elements = (double)g->n.count * (double)g->k.count;
  double moves = panels * page_moves(p, y);
  if (g->y_direct) return tiles * (moves * PAGE_MOVE_HIDDEN + 0.03 * elements);
  bool across = g->u < 0 && (g->n_last >= 0 || es_gemm_runs_along(p, x, y, ES_GEMM_N));
  bool along = g->u >= 0 || g->y_inner > 0 || es_gemm_runs_along(p, x, y, ES_GEMM_K);
  return elements * pack_cycles(g, ES_GEMM_Y, across, along) + (across ? moves * PAGE_MOVE : 0);
}

/* Few rows: sums enough to hide the latency, and pages that many columns share. */
static double few_cycles(const es_gemm_plan *g, const es_problem *p) {
  const int lanes = g->kernels->gemm->type[g->kind].lanes;
  const double m = (double)g->m_count, k = (double)g->k.count, wide = ES_GEMM_FEW_VECTORS;
  const double runs = (double)g->n.count / fmax(1, (double)g->run);
  const double calls = runs * (double)es_ceil_div(g->run, lanes) / wide;
  const double step = fmax(m * wide, m + 2 * wide) / 2;
  return calls * (k * step + 60 + page_moves(p, &p->in[g->y.in]) * PAGE_MOVE_HIDDEN);
}

/* Where rows lie anywhere, their addresses take registers and loads: beside one vector of columns
 * these are much of the work, if the rows are not in the first-level cache. */
static double in_place(const es_gemm_plan *g) {
  double bytes = g->bytes[ES_GEMM_X] / (double)g->batch.count;
  return g->run <= g->nr / 2 && bytes > X_NEAR ? 0.4 : 0.02;
}

es_gemm_outlook es_gemm_look(es_gemm_plan *g) {
  const es_problem *p = g->problem;
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  double m = (double)g->m_count, n = (double)g->n.count;
  double tiles = ceil(m / type->height[type->n_heights - 1]), panels = (double)g->n_panels;
  bool rows = !g->along_c && es_gemm_runs_along(p, g->x.in, &p->out, ES_GEMM_M);
  double compute = compute_cycles(g, m, (double)g->k.count);
  es_gemm_outlook o = {.batch = (double)g->batch.count,
                       .compute = compute,
                       .few = few_cycles(g, p),
                       .common = compute + m * n * store_cycles(g, rows, g->along_c) + 100,
                       .bytes = g->bytes[ES_GEMM_X] + g->bytes[ES_GEMM_Y] +
                                2 * g->bytes[ES_GEMM_C]};
  for (int i = 0; i < 2; i++) {
    g->x_packed = g->y_direct = i;
    g->keep_x = i && g->stretch < g->pb;
    o.x[i] = x_cycles(g, p, tiles, panels) + (i ? 0 : compute * in_place(g));
    o.y[i] = y_cycles(g, p, tiles, panels);
  }
  return o;
}

/* At 3 GHz; an estimate for choosing, not a promise. */
double es_gemm_predict(const es_gemm_plan *g, const es_gemm_outlook *o) {
  bool again = !g->y_direct && (g->n_kb > 1 || g->stretch < g->pb); /* for each block of rows */
  double y = g->hold_y ? 0 : o->y[g->y_direct] * (again ? (double)es_gemm_lots(g) : 1);
  double cycles = o->common + o->x[g->x_packed] + (g->few ? o->few - o->compute : y);
  double tasks = o->batch * (double)(g->n_nb * es_gemm_lots(g));
  double threads = fmin(g->threads, fmax(1, tasks));
  double compute = o->batch * cycles / 3e9 / threads, memory = o->bytes / 2e10;
  return 2e-8 + fmax(compute, memory) + fmin(compute, memory) / 4; /* they overlap in part */
}
