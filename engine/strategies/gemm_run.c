/* Contraction: a plan run. Tasks are blocks of rows and columns of C; each packs
 * what it needs into its worker's own memory. */
#include "engine/strategies/gemm_block.h"

#include "engine/ctx.h"
#include "engine/kernels/move.h"

typedef es_gemm_run run;
typedef es_gemm_worker worker;
typedef es_gemm_block block;

es_gemm_worker es_gemm_worker_of(const es_gemm_plan *g, void *workspace, int index) {
  const es_gemm_room *room = &g->room;
  char *at = (char *)workspace + room->total * (uint64_t)index;
  return (worker){.index = index,
                  .y_held = (int64_t *)at,
                  .y_block = at + room->y_block,
                  .x_tiles = at + room->x_tiles,
                  .c_tiles = at + room->c_tiles,
                  .open = at + room->open,
                  .convert = at + room->convert,
                  .x_rows = (int64_t *)(at + room->x_rows),
                  .c_rows = (int64_t *)(at + room->c_rows),
                  .y_cols = (int64_t *)(at + room->y_cols),
                  .c_cols = (int64_t *)(at + room->c_cols),
                  .x_k = (int64_t *)(at + room->x_k),
                  .y_k = (int64_t *)(at + room->y_k),
                  .y_packed = (int64_t *)(at + room->y_packed),
                  .y_narrow = (int64_t *)(at + room->y_narrow),
                  .x_steps = (int64_t *)(at + room->x_steps)};
}

/* ---- rows of X ------------------------------------------------------------------ */

/* X of one tile, as the kernel shall see it. */
typedef struct rows {
  const char *x;
  const int64_t *xk;
  int64_t row[ES_GEMM_ROWS];
  int64_t x_row, x_step; /* where these and xk are even; else one of them is 0 */
  es_gemm_form form;
  int height_index, height, valid;
  int64_t first;     /* in the block */
  int32_t start[16]; /* of the sums, where Y is shifted */
} rows;

/* Offsets of the rows of a packed tile: of the usual height, or of the last one's. */
static const int64_t *steps(const run *r, worker *w, int height, bool usual) {
  int64_t *at = w->x_steps + (usual ? 0 : r->g->kc), step = height * (int64_t)r->g->each;
  if (w->x_height[usual] != height)
    for (int64_t p = 0; p < r->g->kc; p++) at[p] = p * step;
  w->x_height[usual] = height;
  return at;
}

/* A few rows of k of all tiles, then the next few: where X runs along its rows, these
 * are pages that all tiles share. What is kept was packed for the first stretch. */
static void pack_rows(const run *r, worker *w, const block *b, rows *t, int tiles) {
  size_t each = r->g->each;
  int64_t steps_of_block = es_gemm_steps(r->g, r->g->kc),
          tile = b->height * steps_of_block * each + ES_ALIGN;
  char *to[ES_GEMM_GROUP], *at = w->x_tiles + (r->g->keep_x ? t->first / b->height * tile : 0);
  for (int q = 0; q < tiles; q++) {
    t[q].x = to[q] = at;
    t[q].xk = steps(r, w, t[q].height, t[q].height == b->height);
    t[q].form = ES_GEMM_UNIT_ROWS;
    t[q].x_row = (int64_t)each;
    t[q].x_step = t[q].height * t[q].x_row;
    at += tile; /* a vector past its end */
  }
  if (r->g->keep_x && b->from > 0) return;
  for (int64_t p = 0; p < b->k; p += ES_GEMM_CONVERT)
    for (int q = 0; q < tiles; q++)
      es_gemm_pack(r, w, to[q] + (size_t)(p / r->g->terms * t[q].height) * each, t[q].height, b->x,
                   &r->g->x, b->x_rows + t[q].first, t[q].valid, b->x_k + p,
                   es_gemm_smaller(ES_GEMM_CONVERT, b->k - p));
}

/* The sum over k of x (y + 128), less what the 128 adds. */
static void start_sums(const run *r, const block *b, rows *t) {
  const es_gemm_groups *groups = es_gemm_groups_of(r);
  memset(t->start, 0, sizeof t->start);
  if (!r->g->shifted) return;
  groups->sum(t->start, t->x, es_gemm_steps(r->g, b->k), t->height);
  for (int i = 0; i < t->height; i++) t->start[i] *= -128;
}

static void direct_rows(const run *r, const block *b, rows *t) {
  const int64_t *at = b->x_rows + t->first;
  t->x_row = t->valid == t->height ? es_gemm_spacing(at, t->valid, 1) : 0;
  t->x_step = b->x_step;
  bool unit = t->height == 1 || t->x_row == (int64_t)r->g->each;
  t->form = unit ? ES_GEMM_UNIT_ROWS : ES_GEMM_ANY_ROWS;
  t->xk = b->x_k;
  t->x = b->x + at[0];
  for (int q = 0; q < t->height; q++) t->row[q] = at[q < t->valid ? q : t->valid - 1] - at[0];
}

/* ---- tiles ---------------------------------------------------------------------- */

static void point_at_y(const run *r, const worker *w, const block *b, const es_gemm_panel *to,
                       es_gemm_tile *tile) {
  if (to->in_place & ES_GEMM_Y_HERE) {
    tile->y = b->y + b->box->base[ES_GEMM_Y] + b->y_cols[to->j];
    tile->yk = b->y_k;
    tile->y_step = b->y_step;
    return;
  }
  bool wide = to->width > r->type->lanes;
  tile->y = es_gemm_packed_at(r->g, w, to->at);
  if (!r->g->in_turn) tile->y += b->box->packed / (wide ? 1 : 2);
  if (r->g->ahead > 1)
    tile->y += b->k0 % (r->g->ahead * r->g->kc) * to->width * (int64_t)r->g->each;
  tile->yk = b->y_packed[wide];
  tile->y_step = b->packed_step / (wide ? 1 : 2);
}

/* Spreads the lines to fetch over the steps of k of a panel's tiles. */
typedef struct fetching {
  const char *list[2 * ES_GEMM_FETCH];
  int pace;
  bool any;
} fetching;

static void spread_fetching(fetching *f, int64_t lines, int64_t steps) {
  f->any = lines > 0;
  f->pace = 0;
  if (!f->any) return;
  while ((steps - 1) >> f->pace > 0 && ((steps - 1) >> (f->pace + 1)) + 1 >= lines) f->pace++;
  for (int64_t i = lines; i <= (steps - 1) >> f->pace; i++) f->list[i] = f->list[lines - 1];
}

/* Tiles that are stored at once, against a panel; tile points at its Y. The tile is handed
 * on, not copied: a copy would wait for every store of the tile before. */
static void run_tiles(run *r, const worker *w, const block *b, const rows *t, int tiles,
                      const es_gemm_panel *to, es_gemm_tile *tile) {
  const es_gemm_plan *g = r->g;
  int64_t row = to->width * (int64_t)g->each;
  bool last = b->k0 + b->k == b->box->k.count;
  int m = 0, height = 0;
  for (int q = 0; q < tiles; q++) m += t[q].valid, height += t[q].height;
  char *c = w->c_tiles;
  if (g->n_kb > 1 && !g->add_c)
    c += b->sums + (t->first * g->pb + to->at * height) * g->nr * (int64_t)g->each;
  if (g->v >= 0) c += to->at % es_gemm_unit(g) * es_gemm_turned_step(g);
  bool c_in_place = (to->in_place & ES_GEMM_C_HERE) && m == height;
  bool wide = to->width > r->type->lanes;
  tile->c = c_in_place ? b->c + b->c_cols[to->j] : c;
  tile->open = w->open + (c - w->c_tiles);
  tile->fetch_c = (g->fetch_c && c_in_place) || (g->n_kb > 1 && !g->add_c && b->k0 > 0);
  tile->c_rows = c_in_place ? b->c_rows + t->first : b->tile_rows[wide];
  if (g->add_c && b->k0 > 0 && !c_in_place)
    es_gemm_moves_of(r)->pack(c, to->width, b->c, b->c_cols + to->j, to->n, b->c_rows + t->first,
                              m);
  for (int q = 0; q < tiles; q++) {
    tile->x = t[q].x, tile->xk = t[q].xk, tile->rows = t[q].row;
    tile->x_row = t[q].x_row, tile->x_step = t[q].x_step;
    tile->start = t[q].start;
    const es_gemm_kernel *form = r->type->kernel[t[q].height_index][wide];
    bool even = form[ES_GEMM_EVEN] && tile->x_row && tile->x_step && tile->y_step;
    form[even ? ES_GEMM_EVEN : es_gemm_form_of(g, t[q].form)](tile);
    if (tile->fetch) tile->fetch += tile->k >> tile->pace;
    tile->open += t[q].height * row;
    if (c_in_place)
      tile->c_rows += t[q].height;
    else
      tile->c += t[q].height * row;
  }
  if ((last || g->add_c) && !c_in_place && g->v < 0)
    es_gemm_store(r, c, to->width, b, t->first, m, to->j, to->n);
}

/* A group of tiles, of m rows, against the panels from at on that are taken together. Returns
 * how many. */
static int64_t panel(run *r, const worker *w, const block *b, const rows *t, int tiles, int m,
                     int64_t at) {
  const es_gemm_plan *g = r->g;
  es_gemm_panel to = es_gemm_panel_of(g, b, at);
  int64_t steps = es_gemm_steps(g, b->k);
  bool together = tiles == 1 && t->valid == t->height && at - b->from < b->alike;
  int64_t some = together ? b->alike - (at - b->from) : 1;
  fetching ahead;
  int64_t lines = es_gemm_fetch(r, b, t->first, m, at, some, ahead.list);
  spread_fetching(&ahead, lines, tiles * some * steps);
  es_gemm_tile tile = {.k = steps,
                       .chain = es_gemm_steps(g, b->box->chain),
                       .add = b->k0 > 0,
                       .panels = some,
                       .y_next = b->y_next,
                       .c_next = b->c_next,
                       .fetch = ahead.any ? ahead.list : NULL,
                       .pace = ahead.pace};
  if (g->in_turn) {
    tile.add = b->k0 >= tile.chain;
    tile.before = b->k0 % tile.chain;
    tile.leave = b->k0 + b->k < b->box->k.count && (b->k0 + b->k) % tile.chain;
  }
  int at_once = g->v >= 0 ? tiles : g->along_c && !g->stream_c ? 1 : ES_GEMM_ACROSS;
  point_at_y(r, w, b, &to, &tile);
  for (int q = 0; q < tiles; q += at_once)
    run_tiles(r, w, b, t + q, (int)es_gemm_smaller(at_once, tiles - q), &to, &tile);
  return some;
}

/* Rows of a tile from row i on. With one vector a row, offsets of rows cost as much as
 * multiply-adds: tiles then end where neighbours do, if that leaves half their rows and
 * whole tiles, which alone may stand before others. */
static int tile_rows(const run *r, const block *b, int64_t i) {
  const es_gemm_plan *g = r->g;
  int most = (int)es_gemm_smaller(b->height, b->m - i), n = 1;
  if (g->x_packed || g->n_kb > 1 || g->run > r->type->lanes) return most;
  const int64_t *at = b->x_rows + i;
  while (n < most && at[n] - at[n - 1] == (int64_t)g->each) n++;
  bool whole = r->type->height[es_gemm_height_index(r->type, n)] == n;
  return whole && 2 * n >= most ? n : most;
}

/* Tiles from row i on, at most a group of them. Returns their rows. */
static int tile_group(run *r, worker *w, const block *b, int64_t i) {
  const es_gemm_plan *g = r->g;
  rows t[ES_GEMM_GROUP];
  int tiles = 0, m = 0;
  for (; tiles < g->group && i + m < b->m; m += t[tiles++].valid) {
    rows *q = &t[tiles];
    q->first = i + m;
    q->valid = tile_rows(r, b, q->first);
    q->height_index = es_gemm_height_index(r->type, q->valid);
    q->height = r->type->height[q->height_index];
    if (!g->x_packed) direct_rows(r, b, q);
  }
  if (g->x_packed) pack_rows(r, w, b, t, tiles);
  for (int q = 0; q < tiles && es_gemm_is_dot(g->kind); q++) start_sums(r, b, &t[q]);
  for (int64_t at = b->from, some; at < b->to; at += some) {
    if (g->few && (some = es_gemm_run_few(r, w, b, t->x, t->xk, at)) > 0) continue;
    if (g->stream_y && at % es_gemm_unit(g) == 0)
      es_gemm_pack_y(r, w, b, at, at + es_gemm_unit(g), b->k0, b->k);
    some = panel(r, w, b, t, tiles, m, at);
    if (g->v >= 0 && (at + 1) % es_gemm_unit(g) == 0)
      es_gemm_store_turned(r, w, b, t->first, m, at + 1 - es_gemm_unit(g));
  }
  return m;
}

/* ---- blocks --------------------------------------------------------------------- */

/* What of the packed rows, which begin with first_k, the box sees. */
static void point_in_turn(const es_gemm_plan *g, worker *w, block *b) {
  const int64_t begin = b->first_k * g->nr * (int64_t)g->each - b->box->packed;
  const int64_t *at = es_gemm_table(&b->box->k, ES_GEMM_PACKED, b->k0, b->k, w->y_packed);
  for (int64_t p = 0; p < b->k; p++) {
    w->y_packed[p] = at[p] - begin;
    w->y_narrow[p] = w->y_packed[p] / 2;
  }
  b->y_packed[0] = w->y_narrow;
  b->y_packed[1] = w->y_packed;
}

static void table_k(const run *r, worker *w, block *b) {
  const es_gemm_plan *g = r->g;
  const es_gemm_axes *k = &b->box->k;
  b->x_k = es_gemm_table(k, ES_GEMM_X, b->k0, b->k, w->x_k);
  if (g->y_direct || g->stream_y) b->y_k = es_gemm_table(k, ES_GEMM_Y, b->k0, b->k, w->y_k);
  if (g->in_turn) {
    point_in_turn(g, w, b);
    return;
  }
  /* A packed block begins with its own first k. */
  b->y_packed[1] = es_gemm_table(k, ES_GEMM_PACKED, 0, b->k, w->y_packed);
  b->y_packed[0] = b->box->narrow ? b->box->narrow : w->y_narrow;
  if (b->box->narrow || es_gemm_width(g, (g->run - 1) % g->nr + 1) == g->nr) return;
  for (int64_t p = 0; p < b->k; p++) w->y_narrow[p] = b->y_packed[1][p] / 2;
}

static void point_at_k(const run *r, worker *w, block *b) {
  table_k(r, w, b);
  b->x_step = es_gemm_spacing(b->x_k, b->k, 1);
  b->y_step = b->y_k ? es_gemm_spacing(b->y_k, b->k, 1) : 0;
  b->packed_step = es_gemm_spacing(b->y_packed[1], es_gemm_steps(r->g, b->k), 1);
}

static bool stopped(run *r, worker *w) {
  int64_t done = atomic_fetch_add_explicit(&r->points, w->points, memory_order_relaxed);
  w->points = 0;
  if (es_step_pause(r->args, w->index, (double)done / es_problem_points(r->g->problem)))
    atomic_store_explicit(&r->stop, true, memory_order_relaxed);
  return atomic_load_explicit(&r->stop, memory_order_relaxed);
}

/* Finds the panels at the beginning of a stretch that are alike: full ones, written where they
 * lie. A kernel takes these one after the other, without coming back for each. */
static void find_alike(const run *r, const worker *w, block *b) {
  const es_gemm_plan *g = r->g;
  es_gemm_tile tile;
  b->alike = 0;
  if (g->stream_y || g->v >= 0 || g->few) return;
  if (g->kind >= ES_GEMM_C64) return;
  const uint8_t in_place = es_gemm_panel_of(g, b, b->from).in_place;
  if (!(in_place & ES_GEMM_C_HERE)) return;
  const char *y = NULL;
  for (int64_t c = 0; b->from + b->alike < b->to; b->alike++) {
    const es_gemm_panel panel = es_gemm_panel_of(g, b, b->from + b->alike);
    if (panel.in_place != in_place || panel.n < g->nr) return;
    point_at_y(r, w, b, &panel, &tile);
    const int64_t y_next = y ? tile.y - y : 0, c_next = b->c_cols[panel.j] - c;
    if (b->alike == 1) b->y_next = y_next, b->c_next = c_next;
    if (b->alike > 1 && (y_next != b->y_next || c_next != b->c_next)) return;
    y = tile.y, c = b->c_cols[panel.j];
  }
}

/* All rows against the panels of a stretch. False when the run is to stop. */
static bool use_stretch(run *r, worker *w, block *b) {
  const es_gemm_plan *g = r->g;
  find_alike(r, w, b);
  int64_t first = b->first_panel + b->from, last = b->first_panel + b->to - 1;
  int64_t columns = es_gemm_panel_start(g, last) - es_gemm_panel_start(g, first) +
                    es_gemm_panel_columns(g, last);
  for (int64_t i = 0; i < b->m;) {
    int m = tile_group(r, w, b, i);
    i += m;
    w->points += m * columns * b->k;
    if (w->points >= ES_STEP_ASK && stopped(r, w)) return false;
  }
  return true;
}

/* The part of the box's k that block index holds; false: none that is left to do. */
static bool cut_in_turn(const es_gemm_plan *g, block *b, int64_t index) {
  const int64_t *before = b->box->before;
  b->first_k = index * g->kc;
  b->k0 = before[index];
  b->k = before[index + 1] - b->k0;
  return b->k > 0 || (b->box->k.count == 0 && index == 0);
}

/* Stretch by stretch: what of Y is packed stays in the second-level cache until it is used
 * up. False when the run is to stop. */
static bool k_block(run *r, worker *w, block *b, int64_t index) {
  const es_gemm_plan *g = r->g;
  b->k0 = index * g->kc;
  b->k = es_gemm_smaller(g->kc, b->box->k.count - b->k0);
  if (g->in_turn && !cut_in_turn(g, b, index)) return true;
  int64_t first = index - index % g->ahead,
          held = (b->batch * g->n_nb + b->n_block) * g->n_kb + first;
  bool packed = g->hold_y || g->stream_y || (*w->y_held == held && es_gemm_in_use(g) >= b->panels);
  if (g->hold_y) w->y_block = g->held + held * g->held_block;
  *w->y_held = held;
  point_at_k(r, w, b);
  bool more = true;
  for (b->from = 0; b->from < b->panels && more; b->from = b->to) {
    b->to = g->stream_y ? b->panels : es_gemm_smaller(b->from + g->stretch, b->panels);
    if (!packed && b->from % es_gemm_in_use(g) == 0)
      es_gemm_pack_y(r, w, b, b->from, es_gemm_smaller(b->from + es_gemm_in_use(g), b->panels),
                     first * g->kc, es_gemm_smaller(g->ahead * g->kc, g->k.count - first * g->kc));
    more = use_stretch(r, w, b);
  }
  return more;
}

/* Block m_block of the rows of all boxes, counted through. */
static void choose_rows(const run *r, worker *w, block *b, int64_t m_block) {
  const es_gemm_plan *g = r->g;
  int64_t offset;
  for (b->box = g->box; m_block >= b->box->n_mb; b->box++) m_block -= b->box->n_mb;
  b->height = m_block + 1 < b->box->n_mb ? b->box->height : b->box->last_height;
  b->x = r->x + b->box->base[ES_GEMM_X] +
         *es_gemm_table(&g->batch, ES_GEMM_X, b->batch, 1, &offset);
  b->c = r->c + b->box->base[ES_GEMM_C] +
         *es_gemm_table(&g->batch, ES_GEMM_C, b->batch, 1, &offset);
  int64_t m0 = m_block * g->mb;
  b->m = es_gemm_smaller(g->mb, b->box->m.count - m0);
  b->x_rows = es_gemm_table(&b->box->m, ES_GEMM_X, m0, b->m, w->x_rows);
  b->c_rows = es_gemm_table(&b->box->m, ES_GEMM_C, m0, b->m, w->c_rows);
}

/* Blocks of rows from … to - 1: one after the other at each block of k. */
static void run_blocks(run *r, worker *w, block *b, int64_t from, int64_t to) {
  const es_gemm_plan *g = r->g;
  bool more = !stopped(r, w);
  for (int64_t i = 0; i < g->n_kb && more; i++) {
    b->sums = 0;
    for (int64_t q = from; q < to && more; q++) {
      if (to - from > 1 || i == 0) choose_rows(r, w, b, q);
      more = k_block(r, w, b, i);
      b->sums += (b->m + ES_GEMM_ROWS) * g->pb * g->nr * (int64_t)g->each;
    }
  }
}

static void task(void *arg, int64_t index, int worker_index) {
  run *r = arg;
  const es_gemm_plan *g = r->g;
  worker w = es_gemm_worker_of(g, r->args->workspace, worker_index);
  const int64_t lots = es_gemm_lots(g);
  int64_t lot = index, rest = 0, offset;
  block b = {.box = g->box};
  if (index) { /* the only task there is needs no division */
    lot = index % lots, rest = index / lots;
    b.n_block = rest % g->n_nb, b.batch = rest / g->n_nb;
  }
  if (r->y) b.y = r->y + *es_gemm_table(&g->batch, ES_GEMM_Y, b.batch, 1, &offset); /* not held */
  b.first_panel = b.n_block * g->pb;
  b.panels = es_gemm_smaller(g->pb, g->n_panels - b.first_panel);
  b.first_col = es_gemm_panel_start(g, b.first_panel);
  int64_t n = es_gemm_panel_start(g, b.first_panel + b.panels - 1) - b.first_col +
              es_gemm_panel_columns(g, b.first_panel + b.panels - 1);
  if (!g->hold_y) b.y_cols = es_gemm_table(&g->n, ES_GEMM_Y, b.first_col, n, w.y_cols);
  b.c_cols = es_gemm_table(&g->n, ES_GEMM_C, b.first_col, n, w.c_cols);
  for (int q = 0; q < ES_GEMM_ROWS; q++)
    for (int v = 0; v < 2; v++)
      b.tile_rows[v][q] = q * (v ? g->nr : r->type->lanes) * (int64_t)g->each;
  run_blocks(r, &w, &b, g->in_turn ? g->n_mb * lot / lots : lot,
             g->in_turn ? g->n_mb * (lot + 1) / lots : lot + 1);
  atomic_fetch_add_explicit(&r->points, w.points, memory_order_relaxed);
  if (g->stream_c) g->kernels->move->finish();
}

es_status es_gemm_plan_run(const es_gemm_plan *g, const es_run_args *args) {
  const es_problem *p = g->problem;
  if (g->batch.count == 0 || g->m_count == 0 || g->n.count == 0) return ES_OK;
  run r = {.g = g,
           .args = args,
           .type = &g->kernels->gemm->type[g->kind],
           .x = es_run_at(args, p->in[g->x.in].slot, g->first[ES_GEMM_X]),
           .y = es_run_at(args, p->in[g->y.in].slot, g->first[ES_GEMM_Y]),
           .c = es_run_at(args, p->out.slot, g->first[ES_GEMM_C])};
  for (int i = 0; i < g->threads; i++)
    *(int64_t *)((char *)args->workspace + g->room.total * (uint64_t)i) = -1; /* y_held */
  /* The workspace is for g->threads workers; a larger pool is another context's. */
  es_pool_run_by(args->pool, g->threads, g->batch.count * g->n_nb * es_gemm_lots(g), task, &r);
  return r.stop ? ES_E_CANCELLED : r.overflow ? ES_E_OVERFLOW : ES_OK;
}
