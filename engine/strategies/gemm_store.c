/* Contraction: what happens to a finished tile: mean, alpha and beta, the type of the
 * output, its place. */
#include "engine/kernels/move.h"
#include "engine/strategies/gemm_block.h"

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

static char *widened(const char *sums, int64_t n, int64_t *wide) {
  for (int64_t i = 0; i < n; i++) {
    int32_t sum;
    memcpy(&sum, sums + i * (int64_t)sizeof sum, sizeof sum);
    wide[i] = sum;
  }
  return (char *)wide;
}

/* n finished values, in the compute type, to dst, whose elements are step apart. */
static void finish(es_gemm_run *r, char *dst, int64_t step, char *values, int64_t n) {
  const es_gemm_plan *g = r->g;
  const es_problem *p = g->problem;
  const es_elementwise_kernels *e = g->kernels->elementwise;
  _Alignas(ES_ALIGN) char old[ES_GEMM_GROUP_ROWS * 8];
  int64_t wide[ES_GEMM_GROUP_ROWS];
  int64_t parts = g->kind >= ES_GEMM_C64 ? 2 : 1;
  es_dtype type = g->compute;
  if (es_gemm_is_dot(g->kind)) { /* not scaled */
    values = widened(values, n, wide);
    type = ES_I64;
  }
  if (p->beta != 0) e->load[g->compute][p->out.dtype](old, dst, step, n);
  if (type == ES_F32 || type == ES_C64)
    scale_f32((float *)values, (const float *)old, n * parts, p);
  else if (type != ES_I64)
    scale_f64((double *)values, (const double *)old, n * parts, p);
  else if (p->wrap)
    wrap_i64((int64_t *)values, n, p->out.dtype);
  if (e->store[type][p->out.dtype](dst, step, values, n) != n)
    atomic_store_explicit(&r->overflow, true, memory_order_relaxed);
}

/* Rows that are neighbours in C: the tile is turned over first, and C written along
 * them. */
static void finish_across(es_gemm_run *r, const char *tile, int width, char *c, int m,
                          const int64_t *cols, int n) {
  _Alignas(ES_ALIGN) char turned[ES_GEMM_GROUP_ROWS * ES_GEMM_ROW_BYTES / 2];
  int64_t to_row[ES_GEMM_GROUP_ROWS], to_col[ES_GEMM_COLUMNS];
  for (int i = 0; i < m; i++) to_row[i] = i * (int64_t)r->g->each;
  for (int j = 0; j < n; j++) to_col[j] = j * m * (int64_t)r->g->each;
  es_gemm_moves_of(r)->scatter(turned, to_row, m, to_col, n, tile, width);
  for (int j = 0; j < n; j++) finish(r, c + cols[j], 1, turned + to_col[j], m);
}

static void finish_along(es_gemm_run *r, char *row, char *c, const int64_t *cols, int n,
                         int64_t step) {
  if (step)
    finish(r, c + cols[0], step, row, n);
  else
    for (int j = 0; j < n; j++) finish(r, c + cols[j], 1, row + (size_t)j * r->g->each, 1);
}

/* Rows of n values that follow each other, to columns that are neighbours in C. Not for sums of
 * bytes, which are widened, nor where beta asks for what C holds. */
static void finish_rows(es_gemm_run *r, char *tile, char *c, const int64_t *rows, int m, int n) {
  _Alignas(ES_ALIGN) char done[ES_GEMM_GROUP_ROWS * ES_GEMM_ROW_BYTES];
  const int bytes = n * (int)es_dtype_size(r->g->problem->out.dtype);
  const int room = (int)sizeof done / bytes; /* of real tiles to a complex output, for fewer */
  for (int i = 0; i < m; i += room) {
    const int some = m - i < room ? m - i : room;
    finish(r, done, 1, tile + (size_t)i * n * r->g->each, (int64_t)some * n);
    for (int q = 0; q < some; q++) memcpy(c + rows[i + q], done + (size_t)q * bytes, bytes);
  }
}

/* How many of the m offsets from the first on are size bytes apart. */
static int run_length(const int64_t *offset, int m, size_t size) {
  int n = 1;
  while (n < m && offset[n] - offset[n - 1] == (int64_t)size) n++;
  return n;
}

/* m rows of bytes each, step apart, to dst + rows[i], past the caches. Rows that follow each
 * other there are joined, so that whole lines are written. */
static void stream_rows(es_gemm_run *r, char *dst, const int64_t *rows, int m, const char *tile,
                        int64_t bytes, int64_t step) {
  _Alignas(ES_ALIGN) char joined[ES_GEMM_GROUP_ROWS * ES_GEMM_ROW_BYTES];
  for (int i = 0, some; i < m; i += some) {
    for (some = 1; i + some < m && rows[i + some] - rows[i] == some * bytes;) some++;
    for (int q = 0; some > 1 && q < some; q++)
      memcpy(joined + q * bytes, tile + (i + q) * step, (size_t)bytes);
    r->g->kernels->move->stream(dst + rows[i], some > 1 ? joined : tile + i * step, some * bytes);
  }
}

void es_gemm_store(es_gemm_run *r, char *tile, int width, const es_gemm_block *b, int64_t i0, int m,
                   int64_t j0, int n) {
  const es_gemm_plan *g = r->g;
  const int64_t *rows = b->c_rows + i0, *cols = b->c_cols + j0;
  _Alignas(ES_ALIGN) char pairs[ES_GEMM_GROUP_ROWS / 2 * ES_GEMM_ROW_BYTES];
  if (g->kind >= ES_GEMM_C64) {
    g->kernels->gemm->join[g->kind == ES_GEMM_C128](pairs, tile, m, width);
    tile = pairs;
  }
  if (g->stream_c) {
    stream_rows(r, b->c + cols[0], rows, m, tile, n * (int64_t)g->each, width * (int64_t)g->each);
    return;
  }
  if (g->plain_store) {
    es_gemm_moves_of(r)->scatter(b->c, rows, m, cols, n, tile, width);
    return;
  }
  size_t size = es_dtype_size(g->problem->out.dtype);
  int64_t step = es_gemm_spacing(cols, n, size);
  if (step == 1 && n == width && g->problem->beta == 0 && !es_gemm_is_dot(g->kind)) {
    finish_rows(r, tile, b->c + cols[0], rows, m, n);
    return;
  }
  for (int i = 0, run; i < m; i += run) {
    char *row = tile + (size_t)(i * width) * r->g->each;
    run = step == 1 ? 1 : run_length(rows + i, m - i, size);
    if (run > 1)
      finish_across(r, row, width, b->c + rows[i], run, cols, n);
    else
      finish_along(r, row, b->c + rows[i], cols, n, step);
  }
}

void es_gemm_store_turned(const es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                          int64_t i0, int m, int64_t first) {
  const es_gemm_plan *g = r->g;
  const es_gemm_moves *moves = es_gemm_moves_of(r);
  _Alignas(ES_ALIGN) char turned[ES_GEMM_TURNED * ES_GEMM_ROW_BYTES / 2];
  int64_t along[ES_GEMM_TURNED], col[ES_GEMM_COLUMNS], each = (int64_t)g->each;
  int64_t step = es_gemm_turned_step(g), run = g->v_part * each;
  int v_part = (int)g->v_part, pitch = (int)(g->run_panels * step / each);
  for (int v = 0; v < v_part; v++) along[v] = v * each;
  for (int j = 0; j < ES_GEMM_COLUMNS; j++) col[j] = j * run;
  for (int64_t q = 0; q < g->run_panels; q++) {
    es_gemm_panel to = es_gemm_panel_of(g, b, first + q);
    const int64_t *cols = b->c_cols + to.j;
    for (int i = 0; i < m; i++) {
      const char *tile = w->c_tiles + q * step + i * to.width * each;
      char *c = b->c + b->c_rows[i0 + i];
      if (!g->stream_c) {
        moves->scatter(c, along, v_part, cols, to.n, tile, pitch);
        continue;
      }
      moves->scatter(turned, along, v_part, col, to.n, tile, pitch);
      for (int j = 0; j < to.n; j++) g->kernels->move->stream(c + cols[j], turned + col[j], run);
    }
  }
}
