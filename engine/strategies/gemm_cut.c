/* Contraction: how it is cut into blocks for the caches, and into tasks for threads. */
#include <math.h>

#include "engine/strategies/gemm.h"

enum {
  X_GROUP = 16 << 10, /* bytes of X that a group of tiles keeps in the first-level cache */
  KC_MOST = 1024,     /* longest block of k */
  Y_AHEAD = 16 << 20, /* bytes of Y that are packed at once, for several blocks of k */
  PANELS_AHEAD = 4,   /* fewest of them */
  TURN_LEAST = 512,   /* rows of k, of which boxes take in turn */
  TURN_MOST = 2048,
  SUMS = 1 << 20,      /* bytes of sums that stay near beside the block */
  SUMS_LEAST = 256,    /* rows they are of at least */
  PANEL = 48 << 10,    /* bytes of a panel of Y, which leave room for X in the first-level cache */
  X_KEPT = 4 << 20,    /* bytes of packed X that are kept */
  MB_MOST = 4096,      /* rows of one task */
  PB_MOST = 512,       /* panels of one task, of whose columns it has tables */
  FETCH_C = 128 << 10, /* bytes of C that have left the nearer caches when it is written */
  STREAM_C = 16 << 20, /* bytes of C that do not stay in the caches */
  TASK_POINTS = 1 << 20, /* multiply-adds below which a task is not split for threads */
  TASK_LEAST = 3 << 17   /* of f32, below which there is not even a task for each thread */
};

static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

/* Equal blocks of at most most each, in whole units. */
static int64_t block(int64_t count, int64_t most, int64_t unit, int64_t *n_blocks) {
  if (count <= most) return *n_blocks = 1, at_least(es_ceil_div(count, unit), 1) * unit;
  *n_blocks = at_least(es_ceil_div(count, at_least(most, unit)), 1);
  int64_t each = es_ceil_div(es_ceil_div(count, *n_blocks), unit) * unit;
  each = at_least(each, unit);
  *n_blocks = at_least(es_ceil_div(count, each), 1);
  return each;
}

/* Fewer rows, where packed X is kept for all stretches of Y. */
void es_gemm_keep_rows(es_gemm_plan *g, int most) {
  const int64_t kept = X_KEPT / at_least(es_gemm_steps(g, g->kc) * (int64_t)g->each, 1);
  if (kept < g->mb) g->mb = block(g->m_count, kept, most, &g->n_mb);
}

/* A few tasks, all as long, are a multiple of the threads: else some wait for the last ones. */
static void deal_columns(es_gemm_plan *g) {
  const int64_t of_rows = g->batch.count * g->n_mb, tasks = of_rows * g->n_nb;
  if (tasks % g->threads == 0 || tasks > 4 * g->threads) return;
  int64_t wanted = g->n_nb + 1;
  while (wanted * of_rows % g->threads) wanted++;
  if (wanted <= g->n_panels)
    g->pb = block(g->n_panels, es_ceil_div(g->n_panels, wanted), es_gemm_unit(g), &g->n_nb);
}

/* Whether tasks are better cut along the columns than along the rows: X is then read again, but Y
 * is not packed again, which is little only where Y is small beside X. Where X is packed, too, what
 * is longer is cut; and rows a little longer, where each thread has columns of its own, whose
 * packed form it keeps for the next rows, or where a half of the columns would be a panel more than
 * the other. */
static bool cuts_columns(const es_gemm_plan *g, int most) {
  enum { SMALL = 8, KEPT = 4, UNEVEN = 6, UNEVEN_PACKED = 16 };
  if (g->pb <= 1) return false;
  const bool own = g->batch.count * g->n_nb >= g->threads;
  const bool small = SMALL * g->bytes[ES_GEMM_Y] < g->bytes[ES_GEMM_X];
  const bool again = small || (g->n_kb > 1 && !g->add_c);
  const bool uneven = g->pb % 2 && g->pb < (g->x.native ? UNEVEN : UNEVEN_PACKED);
  if (g->x.native)
    return (g->pb > 4 && !(uneven && !own)) || g->mb <= 4 * most || (!own && !again && !uneven);
  const bool kept = own && g->pb <= g->stretch;
  return g->pb * g->nr >= (kept || uneven ? KEPT : 1) * g->mb;
}

/* How many tasks there should be: several for every thread, as long as they are worth it; or one,
 * where another block of rows packs Y again, or every task X and all tasks are as long, or where
 * there is little to do. */
static double tasks_wanted(const es_gemm_plan *g) {
  const double points = (double)g->m_count * (double)g->n.count * (double)g->k.count *
                        (double)g->batch.count;
  const bool alike = g->batch.count == 1 && !g->problem->n_constraints;
  const bool again = (g->n_kb > 1 && !g->add_c) || (!g->x.native && alike);
  const double each = fmax(1, (double)g->each / 4), least = points * each / TASK_LEAST;
  return fmin((again ? 1 : 4) * g->threads, fmax(points / TASK_POINTS, fmin(g->threads, least)));
}

static void share_out(es_gemm_plan *g, int most) {
  const double tasks = tasks_wanted(g);
  while ((double)(g->batch.count * g->n_nb * g->n_mb) < tasks) {
    int64_t before = g->n_nb * g->n_mb;
    if (cuts_columns(g, most))
      g->pb = block(g->n_panels, g->pb / 2, es_gemm_unit(g), &g->n_nb);
    else if (g->mb > most && !g->in_turn)
      g->mb = block(g->m_count, g->mb / 2, most, &g->n_mb);
    if (g->n_nb * g->n_mb == before) break;
  }
  if (tasks > 1) deal_columns(g);
  if (tasks > 1) g->lots = es_ceil_div(g->threads, at_least(g->batch.count * g->n_nb, 1));
}

/* In turn: rows whose sums stay near are a lot of their own, for which Y is packed again. */
static void cut_lots(es_gemm_plan *g, int most) {
  if (!g->in_turn) return;
  const int64_t row = at_least(g->pb * g->nr * (int64_t)g->each, 1);
  g->mb = block(g->m_count, at_least(SUMS / row, SUMS_LEAST), most, &g->n_mb);
  g->lots = at_least(g->lots, g->n_mb);
}

/* Tiles stored across go together, few enough that their results stay in the
 * first-level cache. Tiles stored along go together where their rows follow each other
 * in C: as many as leave their X in that cache. */
int es_gemm_group_size(const es_gemm_plan *g, int most) {
  if (g->v >= 0) return (int)es_ceil_div(g->m_count, most);
  if (!g->along_c) return ES_GEMM_ACROSS;
  int64_t tile = es_gemm_steps(g, g->kc) * most * (int64_t)g->each;
  int64_t fit = es_gemm_row_step(g, &g->problem->out) <= 2 * g->nr ? X_GROUP / at_least(tile, 1)
                                                                   : 1;
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
  if (!g->plain_store || es_gemm_is_dot(g->kind) || !g->along_c || g->n_kb > 1 ||
      g->kind >= ES_GEMM_C64)
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
  const int64_t fit = PANEL / (g->nr * (int64_t)g->each) * g->terms;
  if (es_gemm_is_dot(g->kind) || g->problem->n_constraints ||
      g->m_count <= ES_GEMM_STREAM_TILES * most)
    return;
  bool along = g->plain_store && g->along_c && g->kind < ES_GEMM_C64;
  if (!along && g->k.count <= 2 * fit) return; /* to wait beside it costs more */
  g->kc = block(g->k.count, fit, es_gemm_chain(g->k.count), &g->n_kb);
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
  if (g->overlap || g->n_last >= 0 || es_gemm_runs_along(p, g->x.in, y, ES_GEMM_N)) return;
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
  g->pb = block(g->n_panels, fit, 1, &g->n_nb);
}

/* Constraints cut each box's chains of k at places of its own, so that blocks of k end within
 * them. Where a panel of all of k is too large, chains wait open beside their sums while the other
 * boxes take from the block; sooner where all sums stay near. */
static void choose_turns(es_gemm_plan *g) {
  const int64_t row = g->nr * (int64_t)g->each, panels = es_ceil_div(g->n.count, g->nr);
  const bool near = g->m_count * g->n.count * (int64_t)g->each <= SUMS;
  g->lots = 1;
  g->in_turn = g->problem->n_constraints && g->terms == 1 && g->kind < ES_GEMM_C64 &&
               g->k.count > ES_GEMM_PANEL / (near ? 2 : 1) / row;
  if (!g->in_turn) return;
  const int64_t fit = ES_GEMM_Y_BLOCK / at_least(panels * row, 1);
  g->kc = block(g->k.count, fit > TURN_MOST ? TURN_MOST : at_least(fit, TURN_LEAST), 1, &g->n_kb);
}

/* Panels of a block that fit the second-level cache. */
static void choose_stretch(es_gemm_plan *g) {
  int64_t fit = ES_GEMM_Y_BLOCK / (int64_t)g->each / es_gemm_steps(g, g->kc) / g->nr, n;
  g->stretch = block(g->pb, fit, es_gemm_unit(g), &n);
}

void es_gemm_cut(es_gemm_plan *g) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int most = type->height[type->n_heights - 1];
  int64_t k = g->k.count, chain = es_gemm_chain(k);
  int64_t most_k = g->problem->n_constraints ? k : KC_MOST / chain * chain;
  if (es_gemm_is_dot(g->kind))
    g->kc = block(k, KC_MOST * g->terms, g->terms, &g->n_kb);
  else
    g->kc = block(k, most_k, chain, &g->n_kb);
  choose_turns(g);
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
  cut_lots(g, most);
  choose_stretch(g);
}
