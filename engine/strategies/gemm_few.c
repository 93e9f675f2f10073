/* Contraction: few rows against columns that are read where they lie, more of them at a time than
 * a tile has: two vectors of four sums each would wait for one another. */
#include "engine/strategies/gemm_block.h"

enum { MOST_K = 1 << 14 }; /* of which rows are packed, and offsets listed, at once */

bool es_gemm_takes_few(const es_gemm_plan *g) {
  const bool small = g->n.count <= ES_GEMM_SMALL && g->k.count <= ES_GEMM_SMALL_K;
  return !small && g->x_packed && g->y_direct && g->v < 0 && !g->problem->n_constraints &&
         g->m_count > 0 && g->m_count <= ES_GEMM_FEW_ROWS && g->k.count <= MOST_K &&
         g->kernels->gemm->few[g->kind][g->m_count - 1];
}

/* cols[ES_GEMM_FEW_VECTORS]: of panels from at on, as many as are read in place and fit; the last
 * one again and again. Returns how many panels these are. */
static int64_t list_columns(const es_gemm_run *r, const es_gemm_block *b, int64_t at,
                            int64_t *cols) {
  const int lanes = r->type->lanes;
  int n = 0;
  int64_t q = at;
  for (; q < b->to; q++) {
    const es_gemm_panel to = es_gemm_panel_of(r->g, b, q);
    const int held = to.width / lanes;
    if (!(to.in_place & ES_GEMM_Y_HERE) || n + held > ES_GEMM_FEW_VECTORS) break;
    for (int v = 0; v < held; v++) cols[n++] = b->y_cols[to.j] + v * lanes * (int64_t)r->g->each;
  }
  for (; n > 0 && n < ES_GEMM_FEW_VECTORS; n++) cols[n] = cols[n - 1];
  return q - at;
}

int64_t es_gemm_run_few(es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                        const char *x, const int64_t *xk, int64_t at) {
  const es_gemm_plan *g = r->g;
  const int m = (int)b->m, lanes = r->type->lanes;
  es_gemm_few_tile tile = {.k = b->k,
                           .chain = b->box->chain,
                           .x = x,
                           .xk = xk,
                           .y = b->y + b->box->base[ES_GEMM_Y],
                           .yk = b->y_k,
                           .c = w->c_tiles};
  const int64_t panels = list_columns(r, b, at, tile.cols);
  if (!panels) return 0;
  int64_t next[ES_GEMM_FEW_VECTORS];
  if (g->bytes[ES_GEMM_Y] > ES_GEMM_Y_BLOCK && list_columns(r, b, at + panels, next))
    tile.next = next;
  g->kernels->gemm->few[g->kind][m - 1](&tile);
  char *sums = w->c_tiles;
  for (int64_t q = at; q < at + panels; q++) {
    const es_gemm_panel to = es_gemm_panel_of(g, b, q);
    es_gemm_store(r, sums, ES_GEMM_FEW_VECTORS * lanes, b, 0, m, to.j, to.n);
    sums += to.width * (int64_t)g->each;
  }
  return panels;
}
