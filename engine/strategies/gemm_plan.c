/* Contraction: which side is the vector side, what is packed, and how it is blocked
 * for the caches. */
#include <math.h>
#include <stdlib.h>

#include "engine/strategies/gemm.h"

enum {
  Y_BLOCK_MOST = 4 << 20,    /* bytes of a Y block where k cannot be cut */
  X_NEAR = 32 << 10,         /* bytes of X that stay in the first-level cache */
  X_GROUP = 16 << 10,        /* bytes of X that a group of tiles keeps in the first-level cache */
  GROUPS_OF_BOXES = 1 << 16, /* terms of k of which each box keeps a table */
  COLUMNS_OF_BOXES = 8,
  KC_MOST = 1024,       /* longest block of k */
  Y_AHEAD = 16 << 20,   /* bytes of Y that are packed at once, for several blocks of k */
  PANELS_AHEAD = 4,     /* fewest of them */
  PANEL = 48 << 10,     /* bytes of a panel of Y, which leave room for X in the first-level cache */
  X_KEPT = 4 << 20,     /* bytes of packed X that are kept */
  MB_MOST = 4096,       /* rows of one task */
  PB_MOST = 512,        /* panels of one task, of whose columns it has tables */
  FETCH_C = 128 << 10,  /* bytes of C that have left the nearer caches when it is written */
  STREAM_C = 16 << 20,  /* bytes of C that do not stay in the caches */
  STREAM_TILES = 8,     /* tiles of rows that use a panel of Y up at once */
  TASK_POINTS = 1 << 20 /* multiply-adds below which a task is not split for threads */
};

/* ---- what a choice costs -------------------------------------------------------- */

/* Whether neighbours in memory lie along a group of axes, for a vector's length. */
static bool runs_along(const es_problem *p, int x, const es_side *side, es_gemm_group group) {
  for (int a = p->rank - 1; a >= 0; a--)
    if (es_gemm_group_of(p, x, a) == group && (side->stride[a] != 0 || group != ES_GEMM_K))
      return side->stride[a] == 1 && p->extent[a] >= 4;
  return false;
}

/* Cycles. Where the kernel itself reads a moving X, its arithmetic hides most of it. */
enum { PAGE_MOVE = 7, PAGE_MOVE_HIDDEN = 3, FAR_ROW = 50, FAR_LINE = 8, FAR_PACKED = 4 };

/* Lines that a walk along the last axis of a group touches anew, of every element. */
static double lines_of(const es_problem *p, int x, const es_side *side, es_gemm_group group) {
  int a = es_gemm_last_axis(p, x, group);
  if (a < 0) return 1;
  return fmin(fabs((double)side->stride[a] * (double)es_dtype_size(side->dtype)) / 64, 1);
}

/* Whether most panels of n lie in memory as they are: their columns are neighbours. */
static bool panels_in_place(const es_gemm_plan *g, const es_side *side) {
  const es_problem *p = g->problem;
  if (g->overlap) return true;
  int a = es_gemm_last_axis(p, g->x.in, ES_GEMM_N);
  return a >= 0 && side->stride[a] == 1 &&
         (p->extent[a] == g->n.count || p->extent[a] >= 4 * g->nr);
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
  return from->native ? c : c + 0.75;
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

static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

/* Cycles to pack an element of X. */
static double pack_x_cycles(const es_gemm_plan *g, const es_problem *p, bool across, bool along) {
  double each = pack_cycles(g, ES_GEMM_X, across, along);
  int a = es_gemm_last_axis(p, g->x.in, ES_GEMM_M);
  if (across && p->n_constraints && a >= 0) each += RUN_BEGINS / fmax(1, (double)p->extent[a]);
  return each;
}

/* Rows of packed X that are kept for all stretches of Y. */
static int64_t rows_kept(const es_gemm_plan *g) {
  return X_KEPT / at_least(es_gemm_steps(g, g->kc) * (int64_t)g->each, 1);
}

/* Distance of the rows of a tile in X or C. */
static int64_t row_step(const es_gemm_plan *g, const es_side *side) {
  int a = g->m_last < 0 ? es_gemm_last_axis(g->problem, g->x.in, ES_GEMM_M) : g->m_last;
  return a < 0 ? 0 : side->stride[a];
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
  bool across = g->m_last >= 0 || runs_along(p, g->x.in, x, ES_GEMM_M);
  bool along = runs_along(p, g->x.in, x, ES_GEMM_K);
  double elements = (double)g->m_count * (double)g->k.count, far = 0;
  double moves = along ? 0 : tiles * page_moves(p, x);
  double bytes = g->bytes[ES_GEMM_X];
  if (bytes > ES_GEMM_Y_BLOCK && (g->x_packed || panels <= 2)) /* windows come to them again */
    far = fmin(elements, bytes / (double)es_dtype_size(x->dtype)) * FAR_ELEMENT;
  int64_t stretches = g->keep_x ? 1 : es_ceil_div(g->pb, at_least(g->stretch, 1));
  if (g->x_packed)
    return (double)(g->n_nb * stretches) *
           (elements * pack_x_cycles(g, p, across, along) + moves * PAGE_MOVE + far);
  moves *= PAGE_MOVE_HIDDEN;
  if (!across && !along) moves += elements * lines_of(p, g->x.in, x, ES_GEMM_M);
  if (across && !lines_stay(g, x)) { /* windows come to the same lines again */
    double distinct = bytes / (double)es_dtype_size(x->dtype) / (double)g->batch.count;
    moves += tiles * (double)g->k.count * FAR_LINE * fmin(1, distinct / fmax(1, elements));
  }
  double step = fabs((double)row_step(g, x)) * (double)es_dtype_size(x->dtype);
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
  double moves = panels * page_moves(p, y) * PAGE_MOVE;
  if (g->y_direct) return tiles * (moves + 0.03 * elements);
  bool across = g->u < 0 && (g->n_last >= 0 || runs_along(p, x, y, ES_GEMM_N));
  bool along = g->u >= 0 || g->y_inner > 0 || runs_along(p, x, y, ES_GEMM_K);
  return elements * pack_cycles(g, ES_GEMM_Y, across, along) + (across ? moves : 0);
}

/* Where rows lie anywhere, their addresses take registers and loads: beside one vector of columns
 * these are much of the work, if the rows are not in the first-level cache. */
static double in_place(const es_gemm_plan *g) {
  double bytes = g->bytes[ES_GEMM_X] / (double)g->batch.count;
  return g->run <= g->nr / 2 && bytes > X_NEAR ? 0.4 : 0.02;
}

/* Cycles for one batch and bytes for all, of every way to treat the two sides. look() leaves g
 * with one of them. */
typedef struct outlook {
  double common, x[2], y[2]; /* x: in place, packed; y: packed, in place */
  double bytes, batch;
} outlook;

static outlook look(es_gemm_plan *g) {
  const es_problem *p = g->problem;
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  double m = (double)g->m_count, n = (double)g->n.count;
  double tiles = ceil(m / type->height[type->n_heights - 1]), panels = (double)g->n_panels;
  bool rows = !g->along_c && runs_along(p, g->x.in, &p->out, ES_GEMM_M);
  double compute = compute_cycles(g, m, (double)g->k.count);
  outlook o = {.batch = (double)g->batch.count,
               .common = compute + m * n * store_cycles(g, rows, g->along_c) + 100,
               .bytes = g->bytes[ES_GEMM_X] + g->bytes[ES_GEMM_Y] + 2 * g->bytes[ES_GEMM_C]};
  for (int i = 0; i < 2; i++) {
    g->x_packed = g->y_direct = i;
    g->keep_x = i && g->stretch < g->pb;
    o.x[i] = x_cycles(g, p, tiles, panels) + (i ? 0 : compute * in_place(g));
    o.y[i] = y_cycles(g, p, tiles, panels);
  }
  return o;
}

/* At 3 GHz; an estimate for choosing, not a promise. */
static double predict(const es_gemm_plan *g, const outlook *o) {
  bool again = !g->y_direct && (g->n_kb > 1 || g->stretch < g->pb); /* for each block of rows */
  double y = g->hold_y ? 0 : o->y[g->y_direct] * (again ? (double)g->n_mb : 1);
  double cycles = o->common + o->x[g->x_packed] + y;
  double threads = fmin(g->threads, fmax(1, o->batch * (double)(g->n_nb * g->n_mb)));
  double compute = o->batch * cycles / 3e9 / threads, memory = o->bytes / 2e10;
  return 2e-8 + fmax(compute, memory) + fmin(compute, memory) / 4; /* they overlap in part */
}

/* ---- blocks ------------------------------------------------------------------- */

/* Equal blocks of at most most each, in whole units. */
static int64_t block(int64_t count, int64_t most, int64_t unit, int64_t *n_blocks) {
  if (count <= most) return *n_blocks = 1, at_least(es_ceil_div(count, unit), 1) * unit;
  *n_blocks = at_least(es_ceil_div(count, at_least(most, unit)), 1);
  int64_t each = es_ceil_div(es_ceil_div(count, *n_blocks), unit) * unit;
  each = at_least(each, unit);
  *n_blocks = at_least(es_ceil_div(count, each), 1);
  return each;
}

/* Cuts blocks until every thread has several, as long as they are worth it. Columns
 * first: X is then read again, but Y is not packed again. */
static void share_out(es_gemm_plan *g, int most) {
  double points = (double)g->m_count * (double)g->n.count * (double)g->k.count;
  double tasks = fmin(4 * g->threads, points * (double)g->batch.count / TASK_POINTS);
  while ((double)(g->batch.count * g->n_nb * g->n_mb) < tasks) {
    int64_t before = g->n_nb * g->n_mb;
    if (g->pb > 4 || (g->pb > 1 && g->mb <= 4 * most))
      g->pb = block(g->n_panels, g->pb / 2, es_gemm_unit(g), &g->n_nb);
    else if (g->mb > most)
      g->mb = block(g->m_count, g->mb / 2, most, &g->n_mb);
    if (g->n_nb * g->n_mb == before) return;
  }
}

/* Tiles stored across go together, few enough that their results stay in the
 * first-level cache. Tiles stored along go together where their rows follow each other
 * in C: as many as leave their X in that cache. */
static int group_size(const es_gemm_plan *g, int most) {
  if (g->v >= 0) return (int)es_ceil_div(g->m_count, most);
  if (!g->along_c) return ES_GEMM_ACROSS;
  int64_t tile = es_gemm_steps(g, g->kc) * most * (int64_t)g->each;
  int64_t fit = row_step(g, &g->problem->out) <= 2 * g->nr ? X_GROUP / at_least(tile, 1) : 1;
  return (int)(fit > ES_GEMM_GROUP ? ES_GEMM_GROUP : at_least(fit, 1));
}

/* Columns that are neighbours in C: the last axes of n. */
static int64_t columns_in_c(const es_gemm_plan *g) {
  const es_problem *p = g->problem;
  int64_t run = 1;
  for (int a = p->n_out - 1; a >= 0; a--) {
    if (es_gemm_group_of(p, g->x.in, a) != ES_GEMM_N) continue;
    if (p->out.stride[a] != run) break;
    run *= p->extent[a];
  }
  return run;
}

/* Whether C is better written past the caches: it is larger than they are, is written once,
 * and in whole lines; then panels end where these runs of C do. */
static void choose_stream(es_gemm_plan *g) {
  double bytes = (double)g->batch.count * (double)g->m_count * (double)g->n.count * (double)g->each;
  g->fetch_c = bytes > FETCH_C && g->v < 0;
  g->stream_c = bytes >= STREAM_C && g->v >= 0;
  int64_t run = g->u >= 0 ? g->run : columns_in_c(g), padded = es_ceil_div(run, g->nr) * g->nr;
  if (!g->plain_store || g->terms > 1 || !g->along_c || g->n_kb > 1 || g->kind >= ES_GEMM_C64)
    return;
  if (bytes < STREAM_C || run * (int64_t)g->each < ES_ALIGN || padded > run * 3 / 2) return;
  if (g->overlap || (g->n_last >= 0 && g->u < 0)) return;
  g->stream_c = true;
  g->fetch_c = false;
  g->run = run;
}

/* Where many rows use it, blocks of k are so short that a strip of X stays in the first-level
 * cache while a panel of Y passes. The sums wait in C where a tile can go on from what that
 * holds, else beside it. */
static void choose_short(es_gemm_plan *g, int most) {
  int64_t row = g->nr * (int64_t)g->each;
  if (g->terms > 1 || g->problem->n_constraints || g->m_count <= STREAM_TILES * most) return;
  bool along = g->plain_store && g->along_c && g->kind < ES_GEMM_C64;
  if (!along && g->k.count <= 2 * PANEL / row) return; /* to wait beside it costs more */
  g->kc = block(g->k.count, PANEL / row, es_gemm_chain(g->k.count), &g->n_kb);
  g->add_c = along && g->n_kb > 1;
}

/* Where Y runs along an axis of k that is not its last, rows of k that lie far apart share
 * lines: so many blocks of k are packed together that whole lines are used up. */
static void choose_ahead(es_gemm_plan *g) {
  const es_problem *p = g->problem;
  const es_side *y = &p->in[g->y.in];
  int lanes = g->kernels->gemm->type[g->kind].lanes;
  g->ahead = 1;
  if (g->terms > 1 || g->kind >= ES_GEMM_C64 || !g->y.native || y->fixed || p->n_constraints)
    return;
  if (g->overlap || g->n_last >= 0 || runs_along(p, g->x.in, y, ES_GEMM_N)) return;
  int64_t inner = 1;
  int a = p->rank - 1;
  while (a >= p->n_out && y->stride[a] != 1) inner *= p->extent[a--];
  if (a < p->n_out || inner <= 1 || p->extent[a] < lanes) return;
  int64_t ahead = es_ceil_div((lanes + 1) * inner, g->kc);
  if (ahead > g->n_kb) ahead = g->n_kb;
  int64_t fit = Y_AHEAD / (ahead * g->kc * g->nr * (int64_t)g->each);
  if (ahead * g->kc < lanes * inner || (ahead > 1 && fit < PANELS_AHEAD)) return;
  g->y_run = p->extent[a];
  g->y_inner = inner;
  g->ahead = ahead;
  if (ahead == 1) return;
  if (fit > g->stretch) fit = g->stretch;
  g->pb = block(g->n_panels, fit, 1, &g->n_nb);
}

/* Panels of a block that fit the second-level cache. */
static void choose_stretch(es_gemm_plan *g) {
  int64_t fit = ES_GEMM_Y_BLOCK / (int64_t)g->each / es_gemm_steps(g, g->kc) / g->nr, n;
  g->stretch = block(g->pb, fit, es_gemm_unit(g), &n);
}

static void choose_blocks(es_gemm_plan *g) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int most = type->height[type->n_heights - 1];
  int64_t k = g->k.count, chain = es_gemm_chain(k);
  int64_t most_k = g->problem->n_constraints ? k : KC_MOST / chain * chain;
  if (g->terms > 1)
    g->kc = block(k, KC_MOST * g->terms, g->terms, &g->n_kb);
  else
    g->kc = block(k, most_k, chain, &g->n_kb);
  es_gemm_order(g);
  choose_short(g, most);
  choose_stream(g);
  g->run_panels = es_ceil_div(g->run, g->nr);
  g->n_panels = g->run ? g->n.count / g->run * g->run_panels : 0;
  g->pb = block(g->n_panels, PB_MOST, es_gemm_unit(g), &g->n_nb);
  choose_stretch(g);
  /* One stretch a task where sums wait for the next block of k, and where boxes are tasks of their
   * own, few rows each, that follow each other and use the same packed Y. */
  if ((g->n_kb > 1 && !g->add_c) || g->problem->n_constraints)
    g->pb = block(g->n_panels, g->stretch, es_gemm_unit(g), &g->n_nb);
  choose_ahead(g);
  g->mb = block(g->m_count, MB_MOST, most, &g->n_mb);
  if (g->threads > 1) share_out(g, most);
  choose_stretch(g);
}

/* ---- the choice --------------------------------------------------------------- */

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
      [ES_GEMM_F32] = ES_F32,  [ES_GEMM_F64] = ES_F64, [ES_GEMM_I64] = ES_I64,
      [ES_GEMM_I16] = ES_I32,  [ES_GEMM_I8] = ES_I32,  [ES_GEMM_C64] = ES_C64,
      [ES_GEMM_C128] = ES_C128};
  return dtype[kind];
}

/* A plan with operand x by element, but for how its sides are treated. */
static es_gemm_plan candidate(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                              int x) {
  es_gemm_plan g = {.problem = p,
                    .kernels = env->kernels,
                    .kind = kind,
                    .compute = dtype_of(kind),
                    .each = es_dtype_size(dtype_of(kind)),
                    .terms = es_gemm_group_terms(kind),
                    .shifted = kind == ES_GEMM_I8 && p->in[1 - x].dtype == ES_I8,
                    .threads = env->threads};
  bool alone = g.terms == 1; /* else every operand is packed into groups */
  g.x = (es_gemm_operand){x, p->in[x].dtype, alone && p->in[x].dtype == g.compute};
  g.y = (es_gemm_operand){1 - x, p->in[1 - x].dtype, alone && p->in[1 - x].dtype == g.compute};
  g.nr = ES_GEMM_VECTORS * env->kernels->gemm->type[kind].lanes;
  g.plain_store = p->out.dtype == g.compute && p->alpha == 1 && p->beta == 0 &&
                  p->reduce != ES_REDUCE_MEAN;
  g.along_c = runs_along(p, x, &p->out, ES_GEMM_N);
  int64_t count[ES_GEMM_GROUPS];
  es_gemm_counts(p, x, count);
  g.bytes[ES_GEMM_X] = es_problem_side_bytes(p, &p->in[x]);
  g.bytes[ES_GEMM_Y] = es_problem_side_bytes(p, &p->in[1 - x]);
  g.bytes[ES_GEMM_C] = es_problem_side_bytes(p, &p->out);
  g.batch.count = count[ES_GEMM_BATCH];
  g.m_count = count[ES_GEMM_M];
  g.n.count = count[ES_GEMM_N];
  g.k.count = count[ES_GEMM_K];
  choose_blocks(&g);
  return g;
}

static void treat_sides(es_gemm_plan *g, int variant) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  g->x_packed = variant & 2;
  g->y_direct = variant & 4;
  g->keep_x = g->x_packed && g->stretch < g->pb;
  const es_problem *p = g->problem;
  int most = type->height[type->n_heights - 1];
  int64_t tiles = es_ceil_div(g->m_count, most), kept = rows_kept(g);
  if (g->keep_x && kept < g->mb) g->mb = block(g->m_count, kept, most, &g->n_mb);
  bool real = g->terms == 1 && g->kind != ES_GEMM_I64 &&
              es_dtype_class(p->out.dtype) >= ES_CLASS_FLOAT;
  bool few = g->m_count <= ES_GEMM_SMALL && g->n.count <= ES_GEMM_SMALL &&
             g->k.count <= ES_GEMM_SMALL_K; /* as gemm_small.c takes them */
  g->hold_y = p->in[g->y.in].fixed && real && !few && !g->y_direct;
  g->stream_y = !g->y_direct && !g->hold_y && g->terms == 1 && !p->n_constraints && g->ahead == 1 &&
                tiles <= STREAM_TILES && g->bytes[ES_GEMM_Y] > ES_GEMM_Y_BLOCK;
  g->fetch_x = g->terms == 1 && (g->x_packed || g->n_panels <= 2) &&
               g->bytes[ES_GEMM_X] > ES_GEMM_Y_BLOCK;
  g->group = g->stream_y ? (int)at_least(tiles, 1) : group_size(g, most);
}

/* Under constraints every box takes its own part of k from the panels, so these hold
 * all of k. Boxes are worth it where they share panels; a few columns are better
 * served box by box. */
static bool possible(const es_gemm_plan *g) {
  const es_problem *p = g->problem;
  if (!g->x.native && !g->x_packed) return false;
  if (g->kind == ES_GEMM_I8 && g->x.dtype != ES_I8) return false;
  if (g->terms > 1 && p->n_constraints && g->k.count > GROUPS_OF_BOXES) return false;
  int64_t panel = es_gemm_steps(g, g->kc) * g->nr * (int64_t)g->each;
  if (p->n_constraints && (panel > Y_BLOCK_MOST || g->n.count < COLUMNS_OF_BOXES)) return false;
  if (g->overlap) return g->y_direct;
  return !g->y_direct ||
         (g->y.native && g->kind < ES_GEMM_C64 && panels_in_place(g, &p->in[g->y.in]));
}

static size_t place(es_gemm_room *room, size_t bytes) {
  size_t at = room->total;
  room->total += (bytes + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN;
  return at;
}

/* A packed block ends with room for the vector that its last row may run over. */
static void set_room(es_gemm_plan *g) {
  size_t each = g->each, kc = (size_t)g->kc, steps = (size_t)es_gemm_steps(g, g->kc),
         mb = (size_t)g->mb, nb = (size_t)(g->pb * g->nr), nr = (size_t)g->nr,
         index = sizeof(int64_t);
  size_t group_rows = (size_t)g->group * ES_GEMM_ROWS;
  size_t tile_rows = (size_t)ES_GEMM_ACROSS * ES_GEMM_ROWS;
  es_gemm_room *room = &g->room;
  room->total = ES_ALIGN; /* which Y block the worker holds */
  size_t in_use = (size_t)(g->stream_y ? es_gemm_unit(g) : g->stretch) * nr;
  size_t packed = g->stream_y ? in_use : nb;
  g->held_block = (int64_t)((steps * packed * each + 2 * ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN);
  room->y_block = place(
      room, g->hold_y || g->overlap ? 0 : (size_t)g->ahead * steps * in_use * each + ES_ALIGN);
  size_t x_tiles = steps * group_rows * each + ES_GEMM_GROUP * ES_ALIGN;
  if (g->keep_x) x_tiles = (mb + ES_GEMM_ROWS) * (steps * each + ES_ALIGN);
  room->x_tiles = place(room, g->x_packed ? x_tiles : 0);
  size_t c_tiles = (g->n_kb > 1 ? (mb + group_rows) * nb : tile_rows * nr) * each;
  if (g->v >= 0)
    c_tiles = (size_t)es_gemm_unit(g) * (size_t)(g->m_count + ES_GEMM_ROWS) * nr * each;
  if (g->add_c) c_tiles = tile_rows * nr * each + ES_ALIGN; /* C is fetched as Y is packed */
  room->c_tiles = place(room, c_tiles);
  room->convert = place(room, nr * ES_GEMM_CONVERT * each);
  room->x_rows = place(room, mb * index);
  room->c_rows = place(room, mb * index);
  room->y_cols = place(room, nb * index);
  room->c_cols = place(room, nb * index);
  room->x_k = place(room, kc * index);
  room->y_k = place(room, (size_t)g->ahead * kc * index);
  room->y_packed = place(room, kc * index);
  room->y_narrow = place(room, kc * index);
  room->x_steps = place(room, g->x_packed ? 2 * kc * index : 0);
}

/* The best of the variants in which x is read by element, of all or of one (-1: all).
 * Only where *found must it beat *plan. */
static void choose_sides(const es_problem *p, const es_plan_env *env, es_gemm_kind kind, int x,
                         int only, es_gemm_plan *plan, bool *found) {
  es_gemm_plan g = candidate(p, env, kind, x);
  outlook o = look(&g);
  int64_t mb = g.mb, n_mb = g.n_mb;
  for (int i = x; i < ES_GEMM_VARIANTS; i += 2) {
    if (only >= 0 && i != only) continue;
    g.mb = mb, g.n_mb = n_mb;
    treat_sides(&g, i);
    if (!possible(&g)) continue;
    g.seconds = predict(&g, &o);
    if (*found && g.seconds >= plan->seconds) continue;
    *plan = g;
    *found = true;
  }
}

bool es_gemm_plan_variant(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                          int variant, es_gemm_plan *plan) {
  bool found = false;
  es_status status;
  if (es_gemm_boxes_possible(&env->arena->allocator, p, variant & 1, &status))
    choose_sides(p, env, kind, variant & 1, variant, plan, &found);
  if (found) set_room(plan);
  return found;
}

bool es_gemm_plan_choose(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                         es_gemm_plan *plan) {
  bool found = false;
  es_status status;
  for (int x = 0; x < 2; x++)
    if (es_gemm_boxes_possible(&env->arena->allocator, p, x, &status))
      choose_sides(p, env, kind, x, -1, plan, &found);
  if (found) set_room(plan);
  return found;
}

size_t es_gemm_plan_workspace(const es_gemm_plan *plan) {
  return plan->room.total * (size_t)plan->threads;
}
