/* Contraction: a plan run. Tasks are blocks of rows and columns of C; each packs
 * what it needs into its worker's own memory. */
#include <stdatomic.h>

#include "engine/ctx.h"
#include "engine/gemm.h"

enum {
  CONVERT = 64, /* rows of k converted at a time */
  PAIRS = 16,   /* rows of complex numbers split into planes at a time */
  ROW = 256,    /* bytes of a tile's row at most: two vectors, real and imaginary parts */
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
  int64_t y_held;   /* index of the Y block in y_block, -1 for none */
  int64_t x_height; /* for which x_steps stands */
  char *y_block, *x_tile, *c_tiles, *convert;
  int64_t *x_rows, *c_rows, *y_cols, *c_cols, *x_k, *y_k, *x_steps;
} worker;

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

static char *take(char **at, size_t bytes) {
  char *p = *at;
  *at += (bytes + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN;
  return p;
}

/* Must agree with set_workspace. */
static worker worker_of(const run *r, int index) {
  const es_gemm_plan *g = r->g;
  size_t each = element(r);
  char *at = (char *)r->args->workspace + g->worker_bytes * (size_t)index;
  worker w;
  w.y_held = ((int64_t *)at)[0], w.x_height = 0;
  at += ES_ALIGN;
  w.y_block = take(&at, ((size_t)g->kc * (size_t)g->nb + ES_ALIGN) * each);
  w.x_tile = take(&at, ((size_t)g->kc * ES_GEMM_ROWS + ES_ALIGN) * each);
  size_t tile_rows = g->n_kb > 1 ? (size_t)g->mb + ES_GEMM_ROWS : ES_GEMM_ROWS;
  w.c_tiles = take(&at, tile_rows * (size_t)(g->n_kb > 1 ? g->nb : g->nr) * each);
  w.convert = take(&at, (size_t)g->nr * CONVERT * each);
  w.x_rows = (int64_t *)take(&at, (size_t)g->mb * 8);
  w.c_rows = (int64_t *)take(&at, (size_t)g->mb * 8);
  w.y_cols = (int64_t *)take(&at, (size_t)g->nb * 8);
  w.c_cols = (int64_t *)take(&at, (size_t)g->nb * 8);
  w.x_k = (int64_t *)take(&at, (size_t)g->kc * 8);
  w.y_k = (int64_t *)take(&at, (size_t)g->kc * 8);
  w.x_steps = (int64_t *)take(&at, (size_t)g->kc * 8);
  return w;
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
 * another storage type; k <= CONVERT. */
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
  int64_t at_j[ES_GEMM_COLUMNS], at_k[CONVERT];
  for (int j = 0; j < n; j++) {
    at_j[j] = (int64_t)(each * CONVERT) * j;
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
  for (int64_t p = 0; p < k; p += CONVERT)
    convert_block(r, w, dst + (size_t)(p * width) * element(r), width, src, from->dtype, cols, n,
                  ks + p, smaller(CONVERT, k - p));
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

/* A panel can be read where it lies if it is full and its columns are neighbours. */
static bool reads_in_place(const run *r, const int64_t *cols, int64_t n) {
  return r->g->y_direct && n == panel_width(r, n) &&
         cols[n - 1] - cols[0] == (n - 1) * (int64_t)element(r) &&
         spacing(cols, n, element(r)) == 1;
}

static void pack_y(const run *r, worker *w, const block *b) {
  const es_gemm_plan *g = r->g;
  for (int64_t j = 0; j < b->n; j += g->nr) {
    int64_t n = smaller(g->nr, b->n - j);
    if (reads_in_place(r, b->y_cols + j, n)) continue;
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
  _Alignas(ES_ALIGN) char old[ROW];
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

/* tile[i][j] of the compute type, width a row, to C. */
static void store(run *r, char *tile, int width, const block *b, int64_t i0, int m, int64_t j0,
                  int n) {
  const es_gemm_plan *g = r->g;
  const int64_t *rows = b->c_rows + i0, *cols = b->c_cols + j0;
  _Alignas(ES_ALIGN) char pairs[ES_GEMM_ROWS * ROW];
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
  int64_t ahead;
} rows;

static void packed_rows(const run *r, worker *w, const block *b, int64_t i, rows *t) {
  size_t each = element(r);
  if (w->x_height != t->height)
    for (int64_t p = 0; p < r->g->kc; p++) w->x_steps[p] = p * t->height * (int64_t)each;
  w->x_height = t->height;
  pack(r, w, w->x_tile, t->height, b->x, &r->g->x, b->x_rows + i, t->valid, b->x_k, b->k);
  t->x = w->x_tile;
  t->xk = w->x_steps;
  t->form = ES_GEMM_UNIT_ROWS;
}

static void direct_rows(const run *r, const block *b, int64_t i, rows *t) {
  const int64_t *at = b->x_rows + i;
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

/* Rows i … of the block against all its panels. */
static void tile_row(run *r, worker *w, const block *b, const rows *t, int64_t i) {
  const es_gemm_plan *g = r->g;
  size_t each = element(r);
  bool once = g->n_kb == 1, last = b->k0 + b->k == g->k.count;
  for (int64_t j = 0; j < b->n; j += g->nr) {
    int64_t n = smaller(g->nr, b->n - j);
    int width = panel_width(r, n);
    int64_t c_row[ES_GEMM_ROWS];
    es_gemm_tile tile = {.x = t->x, .xk = t->xk, .rows = t->row, .ahead = t->ahead,
                         .c_rows = c_row, .add = b->k0 > 0};
    if (reads_in_place(r, b->y_cols + j, n)) {
      tile.y = b->y + b->y_cols[j] + (b->k ? b->y_k[0] : 0);
      tile.y_step = g->k.n ? g->k.stride[ES_GEMM_Y][g->k.n - 1] : 0;
    } else {
      tile.y = w->y_block + (size_t)(j * g->kc) * each;
      tile.y_step = width * (int64_t)each;
    }
    bool in_place = once && g->plain_store && g->kind < ES_GEMM_C64 && t->valid == t->height &&
                    n == width && spacing(b->c_cols + j, n, each) == 1;
    if (in_place) {
      tile.c = b->c + b->c_cols[j];
      tile.c_rows = b->c_rows + i;
    } else {
      tile.c = w->c_tiles + (once ? 0 : (size_t)(i * g->nb + j * t->height) * each);
      for (int q = 0; q < t->height; q++) c_row[q] = q * width * (int64_t)each;
    }
    run_chains(r->type->kernel[t->height_index][width > r->type->lanes][t->form], tile, b->k,
               g->chain);
    if (last && !in_place) store(r, tile.c, width, b, i, t->valid, j, (int)n);
  }
}

static void k_block(run *r, worker *w, block *b, int64_t index) {
  const es_gemm_plan *g = r->g;
  b->k0 = index * g->kc;
  b->k = smaller(g->kc, g->k.count - b->k0);
  b->x_k = offsets(&g->k, ES_GEMM_X, b->k0, b->k, w->x_k);
  b->y_k = offsets(&g->k, ES_GEMM_Y, b->k0, b->k, w->y_k);
  int64_t held = (b->batch * g->n_nb + b->n_block) * g->n_kb + index;
  if (w->y_held != held) pack_y(r, w, b);
  w->y_held = held;
  int64_t height = even_height(r->type, b->m);
  for (int64_t i = 0; i < b->m; i += height) {
    rows t = {.valid = (int)smaller(height, b->m - i)};
    t.height_index = height_index(r->type, t.valid);
    t.height = r->type->height[t.height_index];
    if (g->x_packed)
      packed_rows(r, w, b, i, &t);
    else
      direct_rows(r, b, i, &t);
    tile_row(r, w, b, &t, i);
  }
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
  for (int64_t i = 0; i < g->n_kb; i++) {
    if (es_ctx_cancelled(r->args->ctx)) {
      atomic_store_explicit(&r->stop, true, memory_order_relaxed);
      return;
    }
    k_block(r, &w, &b, i);
  }
  *(int64_t *)((char *)r->args->workspace + g->worker_bytes * (size_t)worker_index) = w.y_held;
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
    *(int64_t *)((char *)args->workspace + g->worker_bytes * (size_t)i) = -1;
  /* The workspace is for g->threads workers; a larger pool is another context's. */
  es_pool *pool = es_pool_threads(args->pool) <= g->threads ? args->pool : NULL;
  es_pool_run(pool, g->batch.count * g->n_nb * g->n_mb, task, &r);
  return r.stop ? ES_E_CANCELLED : r.overflow ? ES_E_OVERFLOW : ES_OK;
}
