/* Contraction: the workspace of a plan. */
#include "engine/strategies/gemm.h"

static uint64_t place(es_gemm_room *room, uint64_t bytes) {
  uint64_t at = room->total;
  room->total += (bytes + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN;
  return at;
}

/* Rows of tiles in a lot at most: of each block of rows those of a tile more. */
static uint64_t lot_rows(const es_gemm_plan *g) {
  const int64_t blocks = es_ceil_div(g->n_boxes + g->n_mb, g->lots);
  const int64_t rows = blocks * g->mb < g->m_count ? blocks * g->mb : g->m_count;
  return (uint64_t)(rows + blocks * ES_GEMM_ROWS);
}

/* Columns of a panel of Y, or rows of a tile of X, that are converted at once. */
static uint64_t across_converted(const es_gemm_plan *g) {
  uint64_t cols = g->y.native ? 0 : (uint64_t)g->nr, rows = g->x.native ? 0 : ES_GEMM_ROWS;
  return cols > rows ? cols : rows;
}

/* A packed block ends with room for the vector that its last row may run over. */
void es_gemm_set_room(es_gemm_plan *g) {
  uint64_t each = g->each, kc = (uint64_t)g->kc, steps = (uint64_t)es_gemm_steps(g, g->kc),
           mb = (uint64_t)g->mb, nb = (uint64_t)(g->pb * g->nr), nr = (uint64_t)g->nr,
           index = sizeof(int64_t);
  uint64_t group_rows = (uint64_t)g->group * ES_GEMM_ROWS;
  uint64_t tile_rows = (uint64_t)ES_GEMM_ACROSS * ES_GEMM_ROWS;
  es_gemm_room *room = &g->room;
  room->total = ES_ALIGN; /* which Y block the worker holds */
  uint64_t kept = (uint64_t)es_gemm_kept(g) * nr, packed = g->stream_y ? kept : nb;
  g->held_block = (int64_t)((steps * packed * each + 2 * ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN);
  room->y_block = place(
      room, g->hold_y || g->overlap ? 0 : (uint64_t)g->ahead * steps * kept * each + ES_ALIGN);
  uint64_t x_tiles = steps * group_rows * each + ES_GEMM_GROUP * ES_ALIGN;
  if (g->keep_x) x_tiles = (mb + ES_GEMM_ROWS) * (steps * each + ES_ALIGN);
  room->x_tiles = place(room, g->x_packed ? x_tiles : 0);
  uint64_t rows = g->in_turn ? lot_rows(g) : mb + group_rows;
  uint64_t c_tiles = (g->n_kb > 1 ? rows * nb : tile_rows * nr) * each;
  if (g->v >= 0)
    c_tiles = (uint64_t)es_gemm_unit(g) * (uint64_t)(g->m_count + ES_GEMM_ROWS) * nr * each;
  if (g->add_c) c_tiles = tile_rows * nr * each + ES_ALIGN; /* C is fetched as Y is packed */
  room->c_tiles = place(room, c_tiles);
  room->open = place(room, g->in_turn ? c_tiles : 0);
  room->convert = place(room, across_converted(g) * ES_GEMM_CONVERT * each);
  room->x_rows = place(room, mb * index);
  room->c_rows = place(room, mb * index);
  room->y_cols = place(room, nb * index);
  room->c_cols = place(room, nb * index);
  room->x_k = place(room, kc * index);
  room->y_k = place(room, (uint64_t)g->ahead * kc * index);
  room->y_packed = place(room, kc * index);
  room->y_narrow = place(room, kc * index);
  room->x_steps = place(room, g->x_packed ? 2 * kc * index : 0);
}

uint64_t es_gemm_plan_workspace(const es_gemm_plan *plan) {
  return plan->room.total * (uint64_t)plan->threads;
}
