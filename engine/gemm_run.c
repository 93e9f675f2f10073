/* Contraction: a plan run. Tasks are blocks of rows and columns of C; each packs
 * what it needs into its worker's own memory. */
#include <stdatomic.h>

#include "engine/ctx.h"
#include "engine/gemm.h"

enum {
  PAIRS = 16,  /* rows of complex numbers split into planes at a time */
  ROW = 256,   /* bytes of a tile's row at most: two vectors, real and imaginary parts */
  GROUP_ROWS = ES_GEMM_GROUP * ES_GEMM_ROWS, /* complex tiles have half as many */
};

typedef struct run {
  const es_gemm_plan *g;
  const es_run_args *args;
  const es_gemm_type *type;
  const char *x, *y; /* first elements */
  char *c;
  atomic_bool stop, overflow;
} run;

/* A worker's part of the workspace. */
typedef struct worker {
  int64_t *y_held;  /* index of the Y block in y_block, -1 for none; kept between tasks */
  int x_height[2];  /* for which the two tables of x_steps stand */
  char *y_block, *x_tiles, *c_tiles, *convert;
  uint8_t *in_place; /* per panel: Y_IN_PLACE, C_IN_PLACE */
  int64_t *x_rows, *c_rows, *y_cols, *c_cols, *x_k, *y_k, *x_steps;
} worker;

enum { Y_IN_PLACE = 1, C_IN_PLACE = 2 };

/* The block a task works on. */
typedef struct block {
  const char *x, *y;
  char *c;
  int64_t batch, n_block;
  int64_t m, n;                     /* rows and columns of the block */
  const int64_t *x_rows, *c_rows;   /* [m] */
  const int64_t *y_cols, *c_cols;   /* [n] */
  int64_t k0, k;                    /* of the block of k at hand */
  const int64_t *x_k, *y_k;         /* [k] */
} block;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static size_t element(const run *r) { return es_dtype_size(r->g->compute); }

static const es_gemm_moves *moves_of(const run *r, size_t bytes) {
  return &r->g->kernels->gemm->moves[__builtin_ctzl(bytes)];
}

static char *workspace_of(const run *r, int index) {
  return (char *)r->args->workspace + r->g->room.total * (size_t)index;
}

static worker worker_of(const run *r, int index) {
  const es_gemm_room *room = &r->g->room;
  char *at = workspace_of(r, index);
  return (worker){.y_held = (int64_t *)at,
                  .y_block = at + room->y_block,
                  .x_tiles = at + room->x_tiles,
                  .c_tiles = at + room->c_tiles,
                  .convert = at + room->convert,
                  .in_place = (uint8_t *)at + room->in_place,
                  .x_rows = (int64_t *)(at + room->x_rows),
                  .c_rows = (int64_t *)(at + room->c_rows),
                  .y_cols = (int64_t *)(at + room->y_cols),
                  .c_cols = (int64_t *)(at + room->c_cols),
                  .x_k = (int64_t *)(at + room->x_k),
                  .y_k = (int64_t *)(at + room->y_k),
                  .x_steps = (int64_t *)(at + room->x_steps)};
}

static const int64_t *offsets(const es_gemm_axes *axes, es_gemm_side side, int64_t from,
                              int64_t count, int64_t *scratch) {
  if (axes->table[side]) return axes->table[side] + from;
  es_gemm_offsets(axes, side, from, count, scratch);
  return scratch;
}

/* ---- packing ------------------------------------------------------------------- */

/* The common distance of n offsets, in elements of size bytes; 0 if there is none. */
static int64_t spacing(const int64_t *offset, int64_t n, size_t size) {
  if (n < 2) return 1;
  int64_t step = offset[1] - offset[0];
  for (int64_t i = 2; i < n; i++)
    if (offset[i] - offset[i - 1] != step) return 0;
  return step / (int64_t)size;
}

/* dst[p][j], width elements a row, of the compute type (pairs when complex), from
 * another storage type; k <= ES_GEMM_CONVERT. */
static void convert_block(const run *r, const worker *w, char *dst, int width, const char *src,
                          es_dtype dtype, const int64_t *cols, int n, const int64_t *ks,
                          int64_t k) {
  es_load_row load = r->g->kernels->elementwise->load[r->g->compute][dtype];
  size_t each = element(r), size = es_dtype_size(dtype);
  int64_t step = spacing(cols, n, size), k_step = step ? 0 : spacing(ks, k, size);
  if (step || !k_step) {
    for (int64_t p = 0; p < k; p++, dst += (size_t)width * each) {
      if (step)
        load(dst, src + cols[0] + ks[p], step, n);
      else
        for (int j = 0; j < n; j++) load(dst + (size_t)j * each, src + cols[j] + ks[p], 1, 1);
      memset(dst + (size_t)n * each, 0, (size_t)(width - n) * each);
    }
    return;
  }
  int64_t at_j[ES_GEMM_COLUMNS], at_k[ES_GEMM_CONVERT];
  for (int j = 0; j < n; j++) {
    at_j[j] = (int64_t)(each * ES_GEMM_CONVERT) * j;
    load(w->convert + at_j[j], src + cols[j] + ks[0], k_step, k);
  }
  for (int64_t p = 0; p < k; p++) at_k[p] = (int64_t)each * p;
  moves_of(r, each)->pack(dst, width, w->convert, at_j, n, at_k, k);
}

/* dst[p][j] for all p < k, pairs when complex. */
static void pack(const run *r, const worker *w, char *dst, int width, const char *src,
                 const es_gemm_operand *from, const int64_t *cols, int n, const int64_t *ks,
                 int64_t k) {
  if (from->native) {
    moves_of(r, element(r))->pack(dst, width, src, cols, n, ks, k);
    return;
  }
  for (int64_t p = 0; p < k; p += ES_GEMM_CONVERT)
    convert_block(r, w, dst + (size_t)(p * width) * element(r), width, src, from->dtype, cols, n,
                  ks + p, smaller(ES_GEMM_CONVERT, k - p));
}

static void pack_panel(const run *r, const worker *w, char *dst, int width, const block *b,
                       const int64_t *cols, int n) {
  if (r->g->kind < ES_GEMM_C64) {
    pack(r, w, dst, width, b->y, &r->g->y, cols, n, b->y_k, b->k);
    return;
  }
  /* Pairs, a few rows of k at a time, then planes. */
  _Alignas(ES_ALIGN) char pairs[(PAIRS + 1) * ROW];
  size_t row = (size_t)width * element(r);
  for (int64_t p = 0; p < b->k; p += PAIRS) {
    int64_t rows = smaller(PAIRS, b->k - p);
    pack(r, w, pairs, width, b->y, &r->g->y, cols, n, b->y_k + p, rows);
    r->g->kernels->gemm->split[r->g->kind == ES_GEMM_C128](dst + (size_t)p * row, pairs, rows,
                                                           width);
  }
}

static int panel_width(const run *r, int64_t n) {
  return n > r->type->lanes ? r->g->nr : r->type->lanes;
}

/* Which panels are read, and which are written, where they lie: full ones whose
 * columns are neighbours. */
static void find_in_place(const run *r, const worker *w, const block *b) {
  const es_gemm_plan *g = r->g;
  bool y = g->y_direct, c = g->group == 1 && g->n_kb == 1 && g->kind < ES_GEMM_C64;
  size_t each = element(r);
  for (int64_t j = 0; j < b->n; j += g->nr) {
    int64_t n = smaller(g->nr, b->n - j);
    bool full = n == panel_width(r, n);
    w->in_place[j / g->nr] =
        (uint8_t)((y && full && spacing(b->y_cols + j, n, each) == 1 ? Y_IN_PLACE : 0) |
                  (c && full && spacing(b->c_cols + j, n, each) == 1 ? C_IN_PLACE : 0));
  }
}

static void pack_y(const run *r, const worker *w, const block *b) {
  const es_gemm_plan *g = r->g;
  for (int64_t j = 0; j < b->n; j += g->nr) {
    int64_t n = smaller(g->nr, b->n - j);
    if (w->in_place[j / g->nr] & Y_IN_PLACE) continue;
    pack_panel(r, w, w->y_block + (size_t)(j * g->kc) * element(r), panel_width(r, n), b,
               b->y_cols + j, (int)n);
  }
}

/* ---- storing ------------------------------------------------------------------- */

static void scale_f32(float *t, const float *old, int64_t n, const es_problem *p) {
  float alpha = (float)p->alpha, beta = (float)p->beta, count = (float)p->mean_count;
  if (p->reduce == ES_REDUCE_MEAN)
    for (int64_t i = 0; i < n; i++) t[i] /= count;
  if (p->alpha != 1)
    for (int64_t i = 0; i < n; i++) t[i] *= alpha;
  if (p->beta != 0)
    for (int64_t i = 0; i < n; i++) t[i] += beta * old[i];
}

static void scale_f64(double *t, const double *old, int64_t n, const es_problem *p) {
  if (p->reduce == ES_REDUCE_MEAN)
    for (int64_t i = 0; i < n; i++) t[i] /= p->mean_count;
  if (p->alpha != 1)
    for (int64_t i = 0; i < n; i++) t[i] *= p->alpha;
  if (p->beta != 0)
    for (int64_t i = 0; i < n; i++) t[i] += p->beta * old[i];
}

static void wrap_i64(int64_t *t, int64_t n, es_dtype dtype) {
  int unused = 64 - 8 * (int)es_dtype_size(dtype);
  if (dtype == ES_BOOL) return;
  for (int64_t i = 0; i < n; i++) {
    uint64_t low = (uint64_t)t[i] << unused;
    t[i] = dtype == ES_U8 ? (int64_t)(low >> unused) : (int64_t)low >> unused;
  }
}

/* One row of n finished values to dst, dst elements step apart. */
static void finish_row(run *r, char *dst, int64_t step, char *row, int64_t n) {
  const es_gemm_plan *g = r->g;
  const es_problem *p = g->problem;
  const es_elementwise_kernels *e = g->kernels->elementwise;
  _Alignas(ES_ALIGN) char old[GROUP_ROWS * 8];
  int64_t parts = g->kind >= ES_GEMM_C64 ? 2 : 1;
  if (p->beta != 0) e->load[g->compute][p->out.dtype](old, dst, step, n);
  if (g->kind == ES_GEMM_F32 || g->kind == ES_GEMM_C64)
    scale_f32((float *)row, (const float *)old, n * parts, p);
  else if (g->kind != ES_GEMM_I64)
    scale_f64((double *)row, (const double *)old, n * parts, p);
  else if (p->wrap)
    wrap_i64((int64_t *)row, n, p->out.dtype);
  if (e->store[g->compute][p->out.dtype](dst, step, row, n) != n)
    atomic_store_explicit(&r->overflow, true, memory_order_relaxed);
}

/* tile[i][j], width a row, whose rows are neighbours in C: turned over first, so that
 * C is written along its rows. */
static void finish_across(run *r, const char *tile, int width, const block *b,
                          const int64_t *rows, int m, const int64_t *cols, int n) {
  _Alignas(ES_ALIGN) char turned[GROUP_ROWS * ROW / 2];
  int64_t to_row[GROUP_ROWS], to_col[ES_GEMM_COLUMNS], each = (int64_t)element(r);
  for (int i = 0; i < m; i++) to_row[i] = i * each;
  for (int j = 0; j < n; j++) to_col[j] = j * m * each;
  moves_of(r, element(r))->scatter(turned, to_row, m, to_col, n, tile, width);
  for (int j = 0; j < n; j++) finish_row(r, b->c + rows[0] + cols[j], 1, turned + to_col[j], m);
}

/* tile[i][j] of the compute type, width a row, to C. */
static void store(run *r, char *tile, int width, const block *b, int64_t i0, int m, int64_t j0,
                  int n) {
  const es_gemm_plan *g = r->g;
  const int64_t *rows = b->c_rows + i0, *cols = b->c_cols + j0;
  _Alignas(ES_ALIGN) char pairs[GROUP_ROWS / 2 * ROW];
  if (g->kind >= ES_GEMM_C64) {
    g->kernels->gemm->join[g->kind == ES_GEMM_C128](pairs, tile, m, width);
    tile = pairs;
  }
  size_t each = element(r), size = es_dtype_size(g->problem->out.dtype);
  if (g->plain_store) {
    moves_of(r, each)->scatter(b->c, rows, m, cols, n, tile, width);
    return;
  }
  int64_t step = spacing(cols, n, size);
  if (step != 1 && spacing(rows, m, size) == 1) {
    finish_across(r, tile, width, b, rows, m, cols, n);
    return;
  }
  for (int i = 0; i < m; i++) {
    char *row = tile + (size_t)(i * width) * each;
    if (step)
      finish_row(r, b->c + rows[i] + cols[0], step, row, n);
    else
      for (int j = 0; j < n; j++)
        finish_row(r, b->c + rows[i] + cols[j], 1, row + (size_t)j * each, 1);
  }
}

/* ---- tiles ---------------------------------------------------------------------- */

static int height_index(const es_gemm_type *type, int64_t rows) {
  int i = 0;
  while (i + 1 < type->n_heights && type->height[i] < rows) i++;
  return i;
}

/* Height for tiles of m rows: as few tiles as can be, of equal height. */
static int64_t even_height(const es_gemm_type *type, int64_t m) {
  int64_t most = type->height[type->n_heights - 1];
  int64_t tiles = (m + most - 1) / most;
  return type->height[height_index(type, (m + tiles - 1) / tiles)];
}

/* X of one tile, as the kernel shall see it. */
typedef struct rows {
  const char *x;
  const int64_t *xk;
  int64_t row[ES_GEMM_ROWS];
  es_gemm_form form;
  int height_index, height, valid;
  int64_t first; /* in the block */
  int64_t ahead;
} rows;

/* Offsets of the rows of a packed tile: of the usual height, or of the last one's. */
static const int64_t *steps(const run *r, worker *w, int height, bool usual) {
  int64_t *at = w->x_steps + (usual ? 0 : r->g->kc), step = height * (int64_t)element(r);
  if (w->x_height[usual] != height)
    for (int64_t p = 0; p < r->g->kc; p++) at[p] = p * step;
  w->x_height[usual] = height;
  return at;
}

static void packed_rows(const run *r, worker *w, const block *b, char *to, bool usual, rows *t) {
  pack(r, w, to, t->height, b->x, &r->g->x, b->x_rows + t->first, t->valid, b->x_k, b->k);
  t->x = to;
  t->xk = steps(r, w, t->height, usual);
  t->form = ES_GEMM_UNIT_ROWS;
}

static void direct_rows(const run *r, const block *b, rows *t) {
  const int64_t *at = b->x_rows + t->first;
  bool full = t->valid == t->height;
  t->xk = b->x_k;
  t->form = full && spacing(at, t->valid, element(r)) == 1 ? ES_GEMM_UNIT_ROWS : ES_GEMM_ANY_ROWS;
  t->x = b->x + at[0];
  t->ahead = t->height * (int64_t)element(r);
  for (int q = 0; q < t->height; q++) t->row[q] = at[q < t->valid ? q : t->valid - 1] - at[0];
}

static void run_chains(es_gemm_kernel kernel, es_gemm_tile t, int64_t k, int64_t chain) {
  for (;;) {
    t.k = smaller(k, chain);
    kernel(&t);
    if ((k -= t.k) <= 0) return;
    t.xk += t.k;
    t.y += t.k * t.y_step;
    t.add = true;
  }
}

/* Asks for the lines of C that a panel will be stored to, while it is computed. What
 * is stored across touches a line, and often a page, for every column. */
static void fetch_c(const block *b, int64_t i, int m, int64_t j, int64_t n) {
  const char *low = b->c + b->c_rows[i], *high = b->c + b->c_rows[i + m - 1];
  for (int64_t q = j; q < j + n; q++) {
    __builtin_prefetch(low + b->c_cols[q], 1);
    __builtin_prefetch(high + b->c_cols[q], 1);
  }
}

/* A group of tiles against the panel at column j. */
static void panel(run *r, const worker *w, const block *b, const rows *t, int tiles, int m,
                  int64_t j) {
  const es_gemm_plan *g = r->g;
  int64_t n = smaller(g->nr, b->n - j), each = (int64_t)element(r), c_row[ES_GEMM_ROWS];
  int width = panel_width(r, n);
  uint8_t in_place = w->in_place[j / g->nr];
  bool last = b->k0 + b->k == g->k.count, held = g->n_kb > 1;
  int group_rows = 0;
  for (int q = 0; q < tiles; q++) group_rows += t[q].height;
  char *c = w->c_tiles + (held ? (t->first * g->nb + j * group_rows) * each : 0), *to = c;
  bool c_in_place = (in_place & C_IN_PLACE) && t->valid == t->height;
  if (last && !c_in_place) fetch_c(b, t->first, m, j, n);
  es_gemm_tile tile = {.c_rows = c_row, .add = b->k0 > 0};
  for (int q = 0; q < ES_GEMM_ROWS; q++) c_row[q] = q * width * each;
  for (int q = 0; q < tiles; to += t[q++].height * width * each) {
    tile.x = t[q].x, tile.xk = t[q].xk, tile.rows = t[q].row, tile.ahead = t[q].ahead;
    tile.y = w->y_block + j * g->kc * each;
    tile.y_step = width * each;
    if (in_place & Y_IN_PLACE) {
      tile.y = b->y + b->y_cols[j] + (b->k ? b->y_k[0] : 0);
      tile.y_step = g->k.n ? g->k.stride[ES_GEMM_Y][g->k.n - 1] : 0;
    }
    tile.c = c_in_place ? b->c + b->c_cols[j] : to;
    if (c_in_place) tile.c_rows = b->c_rows + t->first;
    es_gemm_kernel kernel = r->type->kernel[t[q].height_index][width > r->type->lanes][t[q].form];
    run_chains(kernel, tile, b->k, g->chain);
  }
  if (last && !c_in_place) store(r, c, width, b, t->first, m, j, (int)n);
}

/* Tiles of height rows, from row i on, at most a group of them. Returns their rows. */
static int tile_group(run *r, worker *w, const block *b, int64_t i, int64_t height) {
  const es_gemm_plan *g = r->g;
  rows t[ES_GEMM_GROUP];
  int tiles = 0, m = 0;
  for (; tiles < g->group && i + m < b->m; m += t[tiles++].valid) {
    rows *q = &t[tiles];
    q->first = i + m;
    q->ahead = 0;
    q->valid = (int)smaller(height, b->m - q->first);
    q->height_index = height_index(r->type, q->valid);
    q->height = r->type->height[q->height_index];
    if (g->x_packed)
      packed_rows(r, w, b, w->x_tiles + (size_t)(tiles * height * g->kc) * element(r),
                  q->height == height, q);
    else
      direct_rows(r, b, q);
  }
  for (int64_t j = 0; j < b->n; j += g->nr) panel(r, w, b, t, tiles, m, j);
  return m;
}

static void k_block(run *r, worker *w, block *b, int64_t index) {
  const es_gemm_plan *g = r->g;
  b->k0 = index * g->kc;
  b->k = smaller(g->kc, g->k.count - b->k0);
  b->x_k = offsets(&g->k, ES_GEMM_X, b->k0, b->k, w->x_k);
  b->y_k = offsets(&g->k, ES_GEMM_Y, b->k0, b->k, w->y_k);
  int64_t held = (b->batch * g->n_nb + b->n_block) * g->n_kb + index;
  if (*w->y_held != held) pack_y(r, w, b);
  *w->y_held = held;
  int64_t height = even_height(r->type, b->m);
  for (int64_t i = 0; i < b->m;) i += tile_group(r, w, b, i, height);
}

static void task(void *arg, int64_t index, int worker_index) {
  run *r = arg;
  const es_gemm_plan *g = r->g;
  if (atomic_load_explicit(&r->stop, memory_order_relaxed)) return;
  worker w = worker_of(r, worker_index);
  int64_t m_block = index % g->n_mb, rest = index / g->n_mb, offset;
  block b = {.n_block = rest % g->n_nb, .batch = rest / g->n_nb};
  b.x = r->x + *offsets(&g->batch, ES_GEMM_X, b.batch, 1, &offset);
  b.y = r->y + *offsets(&g->batch, ES_GEMM_Y, b.batch, 1, &offset);
  b.c = r->c + *offsets(&g->batch, ES_GEMM_C, b.batch, 1, &offset);
  int64_t m0 = m_block * g->mb, n0 = b.n_block * g->nb;
  b.m = smaller(g->mb, g->m.count - m0);
  b.n = smaller(g->nb, g->n.count - n0);
  b.x_rows = offsets(&g->m, ES_GEMM_X, m0, b.m, w.x_rows);
  b.c_rows = offsets(&g->m, ES_GEMM_C, m0, b.m, w.c_rows);
  b.y_cols = offsets(&g->n, ES_GEMM_Y, n0, b.n, w.y_cols);
  b.c_cols = offsets(&g->n, ES_GEMM_C, n0, b.n, w.c_cols);
  find_in_place(r, &w, &b);
  for (int64_t i = 0; i < g->n_kb; i++) {
    if (es_ctx_cancelled(r->args->ctx)) {
      atomic_store_explicit(&r->stop, true, memory_order_relaxed);
      return;
    }
    k_block(r, &w, &b, i);
  }
}

static const char *first(const es_run_args *args, const es_side *side) {
  return (const char *)args->base[side->slot] +
         side->offset * (int64_t)es_dtype_size(side->dtype);
}

es_status es_gemm_plan_run(const es_gemm_plan *g, const es_run_args *args) {
  const es_problem *p = g->problem;
  if (g->batch.count == 0 || g->m.count == 0 || g->n.count == 0) return ES_OK;
  run r = {.g = g, .args = args, .type = &g->kernels->gemm->type[g->kind]};
  r.x = first(args, &p->in[g->x.in]);
  r.y = first(args, &p->in[g->y.in]);
  r.c = (char *)args->base[p->out.slot] + p->out.offset * (int64_t)es_dtype_size(p->out.dtype);
  for (int i = 0; i < g->threads; i++)
    *worker_of(&r, i).y_held = -1;
  /* The workspace is for g->threads workers; a larger pool is another context's. */
  es_pool *pool = es_pool_threads(args->pool) <= g->threads ? args->pool : NULL;
  es_pool_run(pool, g->batch.count * g->n_nb * g->n_mb, task, &r);
  return r.stop ? ES_E_CANCELLED : r.overflow ? ES_E_OVERFLOW : ES_OK;
}
