/* Contraction: a side that never changes is packed when the plan is made, block by block
 * as a run would. */
#include "base/checked.h"
#include "engine/strategies/gemm_block.h"

/* The columns of one block, as es_gemm_plan_run() cuts them. */
static es_gemm_block block_of(const es_gemm_plan *g, const char *y, const es_gemm_worker *w,
                              int64_t batch, int64_t n_block) {
  es_gemm_block b = {.batch = batch, .n_block = n_block};
  int64_t offset;
  b.y = y + *es_gemm_table(&g->batch, ES_GEMM_Y, batch, 1, &offset);
  b.first_panel = n_block * g->pb;
  b.panels = es_gemm_smaller(g->pb, g->n_panels - b.first_panel);
  b.first_col = es_gemm_panel_start(g, b.first_panel);
  int64_t last = b.first_panel + b.panels - 1;
  int64_t n = es_gemm_panel_start(g, last) - b.first_col + es_gemm_panel_columns(g, last);
  b.y_cols = es_gemm_table(&g->n, ES_GEMM_Y, b.first_col, n, w->y_cols);
  return b;
}

static int64_t blocks_of(const es_gemm_plan *g) { return g->batch.count * g->n_nb * g->n_kb; }

int64_t es_gemm_hold_bytes(const es_gemm_plan *g) {
  int64_t bytes;
  bool fits = es_mul_i64(blocks_of(g), g->held_block, &bytes) &&
              es_add_i64(bytes, (int64_t)g->room.total, &bytes);
  return fits ? bytes : INT64_MAX;
}

es_status es_gemm_hold(es_arena *arena, es_gemm_plan *g, const char *y) {
  int64_t blocks = blocks_of(g);
  const size_t room = (size_t)g->room.total; /* es_gemm_hold_bytes() is within the limit */
  void *workspace = es_alloc(&arena->allocator, room);
  g->held = es_arena_aligned(arena, (uint64_t)blocks * (uint64_t)g->held_block);
  if (!workspace || !g->held) {
    es_free(&arena->allocator, workspace, room);
    return ES_E_NOMEM;
  }
  es_gemm_run r = {.g = g, .type = &g->kernels->gemm->type[g->kind]};
  es_gemm_worker w = es_gemm_worker_of(g, workspace, 0);
  w.y_block = g->held;
  for (int64_t i = 0; i < blocks && g->m_count && g->n.count; i++, w.y_block += g->held_block) {
    int64_t k0 = i % g->n_kb * g->kc;
    es_gemm_block b = block_of(g, y, &w, i / g->n_kb / g->n_nb, i / g->n_kb % g->n_nb);
    es_gemm_pack_y(&r, &w, &b, 0, b.panels, k0, es_gemm_smaller(g->kc, g->k.count - k0));
  }
  es_free(&arena->allocator, workspace, room);
  return ES_OK;
}
