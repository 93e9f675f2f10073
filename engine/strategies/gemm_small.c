/* Contraction: a few panels of a few rows, once or for a batch, where the general machinery
 * would take longer than the arithmetic. The same kernels, the same order, no workspace. */
#include <stdlib.h>

#include "engine/ctx.h"
#include "engine/strategies/gemm_block.h"

enum {
  SMALL_SPAN = 1 << 18,            /* bytes of Y: pages that the translation buffer holds */
  SOME = 256,                      /* batches of a task at most */
  SOME_POINTS = 1 << 18,           /* multiply-adds of a task: some microseconds */
  SHARED_POINTS = 1 << 19,         /* multiply-adds that are worth a second thread */
  BEGIN_POINTS = 1024,             /* what beginning a product takes, in multiply-adds */
  PANEL_ROW = ES_GEMM_VECTORS * 64 /* bytes of one k of a panel at most */
};

/* ---- making them ---------------------------------------------------------------- */

static bool is_small(const es_gemm_plan *g) {
  bool plain = g->kind < ES_GEMM_C64 && g->plain_store && !g->x_packed && g->y.native;
  bool alone = !g->problem->n_constraints && g->n_nb == 1 && g->n_mb == 1;
  bool streamed = g->stream_c && g->n_panels > 1;
  return plain && alone && !streamed && g->m_count > 0 && g->m_count <= ES_GEMM_SMALL &&
         g->n.count > 0 && g->n.count <= ES_GEMM_SMALL && g->k.count <= ES_GEMM_SMALL_K;
}

static bool neighbours(const es_gemm_plan *g, es_gemm_side side) {
  return es_gemm_spacing(g->n.table[side], g->n.count, g->each) == 1;
}

/* Whether Y may be read where it lies, for each tile anew. */
static bool is_near(const es_gemm_plan *g) {
  const int64_t *at = g->box->k.table[ES_GEMM_Y];
  if (g->n_panels == 1 || g->y_direct || g->k.count < 2) return true;
  return llabs(at[g->k.count - 1] - at[0]) <= SMALL_SPAN;
}

/* offset[height]: those of the last rows, the last one again and again. */
static int64_t *repeat_last(es_arena *arena, const int64_t *row, int valid, int height) {
  int64_t *offset = ES_NEW_N(arena, int64_t, height);
  for (int q = 0; offset && q < height; q++) offset[q] = row[q < valid ? q : valid - 1];
  return offset;
}

static bool make_narrow(es_arena *arena, es_gemm_plan *g, const es_gemm_narrow *kernel) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  const es_gemm_box *box = g->box;
  es_gemm_narrow_tiles *t = ES_NEW(arena, es_gemm_narrow_tiles);
  if (!t) return false;
  int height = box->height, whole = (int)(g->m_count / height) * height;
  int valid = (int)g->m_count - whole, index = es_gemm_height_index(type, valid);
  t->height = height;
  t->kernel = kernel[es_gemm_height_index(type, height)];
  t->whole = (es_gemm_tile){.k = box->k.count,
                            .chain = box->chain,
                            .xk = box->k.table[ES_GEMM_X],
                            .yk = box->k.table[ES_GEMM_Y],
                            .x_row = es_gemm_spacing(box->m.table[ES_GEMM_X], g->m_count, 1),
                            .x_step = es_gemm_spacing(box->k.table[ES_GEMM_X], g->k.count, 1),
                            .y_step = es_gemm_spacing(box->k.table[ES_GEMM_Y], g->k.count, 1)};
  if (!t->whole.x_step || !t->whole.y_step) t->whole.x_row = 0;
  g->narrow = t;
  if (!valid) return true;
  t->rest_kernel = kernel[index];
  t->rest_even = type->height[index] == valid;
  const int64_t *x = box->m.table[ES_GEMM_X] + whole, *c = box->m.table[ES_GEMM_C] + whole;
  t->rest_x_rows = repeat_last(arena, x, valid, type->height[index]);
  t->rest_c_rows = repeat_last(arena, c, valid, type->height[index]);
  return t->rest_x_rows && t->rest_c_rows;
}

bool es_gemm_small_make(es_arena *arena, es_gemm_plan *g, es_status *status) {
  const es_gemm_narrow *kernel = g->kernels->gemm->narrow[g->kind];
  *status = ES_OK;
  if (!is_small(g)) return false;
  bool narrow = kernel[0] && neighbours(g, ES_GEMM_Y) && neighbours(g, ES_GEMM_C) && is_near(g);
  if (narrow && !make_narrow(arena, g, kernel)) *status = ES_E_NOMEM;
  return *status == ES_OK;
}

/* ---- running them --------------------------------------------------------------- */

/* What all batches share. */
typedef struct small {
  const es_gemm_plan *g;
  const es_ctx *ctx;
  const char *x, *y;
  char *c;
  int64_t some; /* batches of a task */
  atomic_bool stop;
} small;

/* The tile is handed on, not copied: a copy would wait for the stores to it. */
static void narrow_panel(const es_gemm_plan *g, es_gemm_tile *tile, const char *x, int columns) {
  const es_gemm_narrow_tiles *t = g->narrow;
  int64_t i = 0;
  tile->x = x;
  tile->x_row = t->whole.x_row;
  tile->rows = g->box->m.table[ES_GEMM_X];
  tile->c_rows = g->box->m.table[ES_GEMM_C];
  for (; i + t->height <= g->m_count; i += t->height) {
    t->kernel(tile, columns);
    tile->x += t->height * tile->x_row;
    tile->rows += t->height;
    tile->c_rows += t->height;
  }
  if (i == g->m_count) return;
  if (!t->rest_even) tile->x_row = 0, tile->x = x;
  tile->rows = t->rest_x_rows;
  tile->c_rows = t->rest_c_rows;
  t->rest_kernel(tile, columns);
}

static void run_narrow(const es_gemm_plan *g, const char *x, const char *y, char *c) {
  es_gemm_tile tile = g->narrow->whole;
  tile.y = y + *g->n.table[ES_GEMM_Y];
  tile.c = c + *g->n.table[ES_GEMM_C];
  int64_t panel = g->nr * (int64_t)g->each;
  for (int64_t left = g->n.count; left > 0; left -= g->nr, tile.y += panel, tile.c += panel)
    narrow_panel(g, &tile, x, (int)es_gemm_smaller(left, g->nr));
}

/* tile: what all panels share. */
static void packed_panel(const es_gemm_plan *g, es_gemm_tile tile, int64_t at, char *c) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  const es_gemm_moves *moves = &g->kernels->gemm->moves[__builtin_ctzl(g->each)];
  const es_gemm_box *box = g->box;
  _Alignas(ES_ALIGN) char panel[ES_GEMM_SMALL_K * PANEL_ROW + ES_ALIGN],
      result[ES_GEMM_ROWS * PANEL_ROW];
  int64_t first = es_gemm_panel_start(g, at), row[ES_GEMM_ROWS], c_row[ES_GEMM_ROWS];
  const int64_t *y_cols = g->n.table[ES_GEMM_Y] + first, *c_cols = g->n.table[ES_GEMM_C] + first;
  int m = (int)g->m_count, n = (int)es_gemm_panel_columns(g, at), width = es_gemm_width(g, n);
  bool wide = n > type->lanes;
  if (g->in_place[at] & ES_GEMM_Y_HERE) {
    tile.y += *y_cols;
  } else {
    moves->pack(panel, width, tile.y, y_cols, n, tile.yk, tile.k);
    tile.y = panel;
    tile.yk = wide ? box->k.table[ES_GEMM_PACKED] : box->narrow;
  }
  for (int q = 0; q < box->height; q++) c_row[q] = q * width * (int64_t)g->each;
  for (int i = 0; i < m; i += box->height) {
    int valid = m - i < box->height ? m - i : box->height;
    int index = es_gemm_height_index(type, valid), height = type->height[index];
    bool full = valid == height, here = full && (g->in_place[at] & ES_GEMM_C_HERE);
    tile.rows = box->m.table[ES_GEMM_X] + i;
    if (!full) {
      for (int q = 0; q < height; q++) row[q] = tile.rows[q < valid ? q : valid - 1];
      tile.rows = row;
    }
    tile.c = here ? c + *c_cols : result;
    tile.c_rows = here ? box->m.table[ES_GEMM_C] + i : c_row;
    type->kernel[index][wide][es_gemm_form_of(g, ES_GEMM_ANY_ROWS)](&tile);
    if (!here) moves->scatter(c, box->m.table[ES_GEMM_C] + i, valid, c_cols, n, result, width);
  }
}

static void run_packed(const es_gemm_plan *g, const char *x, const char *y, char *c) {
  const es_gemm_box *box = g->box;
  es_gemm_tile tile = {.k = box->k.count,
                       .chain = box->chain,
                       .x = x,
                       .xk = box->k.table[ES_GEMM_X],
                       .y = y,
                       .yk = box->k.table[ES_GEMM_Y]};
  for (int64_t at = 0; at < g->n_panels; at++) packed_panel(g, tile, at, c);
}

static inline void run_one(const es_gemm_plan *g, const char *x, const char *y, char *c) {
  (g->narrow ? run_narrow : run_packed)(g, x, y, c);
}

static void run_some(void *arg, int64_t index, int worker) {
  small *s = arg;
  const es_gemm_axes *batch = &s->g->batch;
  int64_t scratch[ES_GEMM_SIDES][SOME], from = index * s->some;
  int64_t n = es_gemm_smaller(batch->count - from, s->some);
  const int64_t *x = es_gemm_table(batch, ES_GEMM_X, from, n, scratch[ES_GEMM_X]);
  const int64_t *y = es_gemm_table(batch, ES_GEMM_Y, from, n, scratch[ES_GEMM_Y]);
  const int64_t *c = es_gemm_table(batch, ES_GEMM_C, from, n, scratch[ES_GEMM_C]);
  (void)worker;
  if (es_ctx_cancelled(s->ctx)) s->stop = true;
  for (int64_t i = 0; i < n && !s->stop; i++) run_one(s->g, s->x + x[i], s->y + y[i], s->c + c[i]);
}

es_status es_gemm_run_small(const es_gemm_plan *g, const es_run_args *args) {
  const es_problem *p = g->problem;
  small s = {.g = g,
             .ctx = args->ctx,
             .x = (const char *)args->base[p->in[g->x.in].slot] + g->first[ES_GEMM_X],
             .y = (const char *)args->base[p->in[g->y.in].slot] + g->first[ES_GEMM_Y],
             .c = (char *)args->base[p->out.slot] + g->first[ES_GEMM_C]};
  if (g->batch.count == 1) {
    if (es_ctx_cancelled(s.ctx)) return ES_E_CANCELLED;
    run_one(g, s.x, s.y, s.c);
    return ES_OK;
  }
  int64_t points = g->m_count * g->n.count * g->k.count + BEGIN_POINTS;
  s.some = es_gemm_smaller(SOME, 1 + SOME_POINTS / points);
  bool shared = g->batch.count > SHARED_POINTS / points;
  es_pool_run_by(args->pool, shared ? es_pool_threads(args->pool) : 1,
                 (g->batch.count + s.some - 1) / s.some, run_some, &s);
  return s.stop ? ES_E_CANCELLED : ES_OK;
}
