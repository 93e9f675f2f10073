/* Contraction: packing, and conversion to the type of the arithmetic on the way. */
#include "engine/strategies/gemm_block.h"

enum { PAIRS = 16 }; /* rows of complex numbers split into planes at a time */

/* From another storage type; k <= ES_GEMM_CONVERT. Rows are converted where they are
 * neighbours; columns, and then packed, where those are; else what is equally spaced;
 * else elements. */
static void convert_block(const es_gemm_run *r, const es_gemm_worker *w, char *dst, int width,
                          const char *src, es_dtype dtype, const int64_t *rows, int m,
                          const int64_t *ks, int64_t k) {
  es_load_row load = r->g->kernels->elementwise->load[r->g->compute][dtype];
  size_t each = r->g->each, size = es_dtype_size(dtype);
  int64_t step = es_gemm_spacing(rows, m, size), k_step = es_gemm_spacing(ks, k, size);
  if (step == 1 || !k_step || (step && k_step != 1)) {
    for (int64_t p = 0; p < k; p++, dst += (size_t)width * each) {
      if (step)
        load(dst, src + rows[0] + ks[p], step, m);
      else
        for (int i = 0; i < m; i++) load(dst + (size_t)i * each, src + rows[i] + ks[p], 1, 1);
      memset(dst + (size_t)m * each, 0, (size_t)(width - m) * each);
    }
    return;
  }
  int64_t at_i[ES_GEMM_COLUMNS], at_k[ES_GEMM_CONVERT];
  for (int i = 0; i < m; i++) {
    at_i[i] = (int64_t)(each * ES_GEMM_CONVERT) * i;
    load(w->convert + at_i[i], src + rows[i] + ks[0], k_step, k);
  }
  for (int64_t p = 0; p < k; p++) at_k[p] = (int64_t)each * p;
  es_gemm_moves_of(r)->pack(dst, width, w->convert, at_i, m, at_k, k);
}

/* How many of the groups from the first on lie in memory as they are packed: their terms
 * are neighbours of the packed size. */
static int64_t whole_groups(const int64_t *ks, int64_t k, int terms, int64_t size, int64_t *group) {
  int64_t n = 0;
  for (int64_t p = 0; p + terms <= k; p += terms, n++) {
    if (ks[p] == ES_GEMM_ABSENT) return n;
    for (int t = 1; t < terms; t++)
      if (ks[p + t] != ks[p] + t * size) return n;
    group[n] = ks[p];
  }
  return n;
}

/* Groups of terms; k <= ES_GEMM_CONVERT. */
static void pack_groups(const es_gemm_run *r, char *dst, int width, const char *src, es_dtype dtype,
                        const int64_t *rows, int m, const int64_t *ks, int64_t k) {
  int64_t group[ES_GEMM_CONVERT], size = (int64_t)es_dtype_size(dtype), n = 0;
  int terms = r->g->terms;
  bool across = m > 1 && rows[1] - rows[0] == size;
  if (!across && (size_t)(size * terms) == r->g->each) n = whole_groups(ks, k, terms, size, group);
  if (n) es_gemm_moves_of(r)->pack(dst, width, src, rows, m, group, n);
  if (r->g->kind == ES_GEMM_BF16) es_gemm_groups_of(r)->turn(dst, n * width);
  if (n * terms < k)
    es_gemm_groups_of(r)->pack(dst + (size_t)(n * width) * r->g->each, width, src, dtype, rows, m,
                               ks + n * terms, k - n * terms);
}

void es_gemm_pack(const es_gemm_run *r, const es_gemm_worker *w, char *dst, int width,
                  const char *src, const es_gemm_operand *from, const int64_t *rows, int m,
                  const int64_t *ks, int64_t k) {
  if (r->g->terms > 1) {
    for (int64_t p = 0; p < k; p += ES_GEMM_CONVERT)
      pack_groups(r, dst + (size_t)(p / r->g->terms * width) * r->g->each, width, src, from->dtype,
                  rows, m, ks + p, es_gemm_smaller(ES_GEMM_CONVERT, k - p));
    return;
  }
  if (from->native) {
    es_gemm_moves_of(r)->pack(dst, width, src, rows, m, ks, k);
    return;
  }
  for (int64_t p = 0; p < k; p += ES_GEMM_CONVERT)
    convert_block(r, w, dst + (size_t)(p * width) * r->g->each, width, src, from->dtype, rows, m,
                  ks + p, es_gemm_smaller(ES_GEMM_CONVERT, k - p));
}

/* Pairs, a few rows of k at a time, then planes. */
static void pack_planes(const es_gemm_run *r, const es_gemm_worker *w, char *dst, int width,
                        const char *src, const int64_t *cols, int n, const int64_t *ks, int64_t k) {
  _Alignas(ES_ALIGN) char pairs[(PAIRS + 1) * ES_GEMM_ROW_BYTES];
  bool wide = r->g->kind == ES_GEMM_C128;
  for (int64_t p = 0; p < k; p += PAIRS) {
    int64_t rows = es_gemm_smaller(PAIRS, k - p);
    es_gemm_pack(r, w, pairs, width, src, &r->g->y, cols, n, ks + p, rows);
    r->g->kernels->gemm->split[wide](dst + (size_t)(p * width) * r->g->each, pairs, rows, width);
  }
}

/* Rows of k from k0 on: y_run of them y_inner apart lie side by side. */
static void pack_lines(const es_gemm_run *r, char *dst, int width, const char *src,
                       const int64_t *cols, int n, const int64_t *ks, int64_t k0, int64_t k) {
  const es_gemm_plan *g = r->g;
  const es_gemm_moves *moves = es_gemm_moves_of(r);
  int64_t inner = g->y_inner, row = width * (int64_t)g->each, some;
  for (int64_t p = 0; p < k; p += some) {
    int64_t at = (k0 + p) % inner, left = g->y_run - (k0 + p) / inner % g->y_run;
    int64_t count = at ? 0 : es_gemm_smaller(left, (k - p) / inner);
    some = es_gemm_smaller(inner - at, k - p);
    if (count < r->type->lanes) {
      moves->pack(dst + p * row, width, src, cols, n, ks + p, some);
      continue;
    }
    moves->spread(dst + p * row, inner * width, (int)count, width, src, cols, n, ks + p, inner);
    some = count * inner;
  }
}

static void pack_panel(const es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                       int64_t at, const int64_t *ks, int64_t k0, int64_t p, int64_t k) {
  const es_gemm_plan *g = r->g;
  es_gemm_panel q = es_gemm_panel_of(g, b, at);
  if (q.in_place & ES_GEMM_Y_HERE) return;
  char *dst = es_gemm_packed_at(g, w, at) + (size_t)(p / g->terms * q.width) * g->each;
  if (g->y_inner)
    pack_lines(r, dst, q.width, b->y, b->y_cols + q.j, q.n, ks + p, k0 + p, k);
  else if (g->kind < ES_GEMM_C64)
    es_gemm_pack(r, w, dst, q.width, b->y, &g->y, b->y_cols + q.j, q.n, ks + p, k);
  else
    pack_planes(r, w, dst, q.width, b->y, b->y_cols + q.j, q.n, ks + p, k);
  if (g->shifted)
    es_gemm_groups_of(r)->shift(dst, es_gemm_steps(g, k) * q.width * (int64_t)g->each);
}

/* The panels of u_part runs, which differ only in u, along which Y runs. */
static void spread_runs(const es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                        int64_t at, const int64_t *ks, int64_t k) {
  const es_gemm_plan *g = r->g;
  int64_t between = g->run_panels * g->nr * g->kc;
  for (int64_t i = at; i < at + g->run_panels; i++) {
    es_gemm_panel q = es_gemm_panel_of(g, b, i);
    es_gemm_moves_of(r)->spread(es_gemm_packed_at(g, w, i), between, (int)g->u_part, q.width, b->y,
                                b->y_cols + q.j, q.n, ks, k);
  }
}

/* Where Y runs along its columns, or steps along them within a line, a few rows of k of all panels,
 * then the next few: these are pages that all panels share. */
void es_gemm_pack_y(const es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                    int64_t from, int64_t to, int64_t k0, int64_t k) {
  const es_gemm_plan *g = r->g;
  const int64_t *ks = es_gemm_table(&g->k, ES_GEMM_Y, k0, k, w->y_k);
  if (g->u >= 0) { /* blocks hold whole groups of u_part runs */
    for (int64_t at = from; at < to; at += es_gemm_unit(g)) spread_runs(r, w, b, at, ks, k);
    return;
  }
  int64_t step = es_gemm_panel_of(g, b, 0).n > 1 ? b->y_cols[1] - b->y_cols[0] : ES_ALIGN;
  bool along = step > 0 && step < ES_ALIGN && !g->y_inner;
  int64_t some = along ? ES_GEMM_CONVERT : k;
  for (int64_t p = 0; p < k; p += some)
    for (int64_t at = from; at < to; at++)
      pack_panel(r, w, b, at, ks, k0, p, es_gemm_smaller(some, k - p));
}
