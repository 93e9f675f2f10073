/* What the parts of a running contraction share: the blocks it works on, and what gemm_run.c,
 * gemm_pack.c, gemm_fetch.c and gemm_store.c do with them. */
#ifndef ES_ENGINE_GEMM_BLOCK_H
#define ES_ENGINE_GEMM_BLOCK_H

#include <stdatomic.h>

#include "engine/strategies/gemm.h"

enum {
  ES_GEMM_FETCH = 1024,    /* lines asked for during one panel */
  ES_GEMM_ROW_BYTES = 256, /* of a tile at most: two vectors, real and imaginary parts */
  /* Rows stored at once; of complex tiles, which have half as many, at most half. */
  ES_GEMM_GROUP_ROWS = ES_GEMM_ACROSS * ES_GEMM_ROWS
};

typedef struct es_gemm_run {
  const es_gemm_plan *g;
  const es_run_args *args;
  const es_gemm_type *type;
  const char *x, *y;
  char *c;
  atomic_bool stop, overflow;
  atomic_int_fast64_t points; /* done */
} es_gemm_run;

/* A worker's part of the workspace. */
typedef struct es_gemm_worker {
  int index;
  int64_t points;  /* done since cancel was asked for */
  int64_t *y_held; /* index of the Y block in y_block, -1 for none; kept between tasks */
  int x_height[2]; /* for which the two tables of x_steps stand */
  char *y_block, *x_tiles, *c_tiles, *open, *convert;
  int64_t *x_rows, *c_rows, *y_cols, *c_cols, *x_k, *y_k, *y_packed, *y_narrow, *x_steps;
} es_gemm_worker;

/* The rows and columns a task works on, and its block of k. Offsets in bytes from x,
 * y, c. */
typedef struct es_gemm_block {
  const char *x, *y;
  char *c;
  const es_gemm_box *box;
  int64_t batch, n_block;
  int64_t m;
  int64_t first_panel, panels, first_col;
  int64_t from, to;               /* of the panels: the stretch that is used up now */
  int64_t alike;                  /* the first of them, whole, that tiles take one by one: */
  int64_t y_next, c_next;         /* each so many bytes after the one before */
  int height;                     /* of its tiles */
  const int64_t *x_rows, *c_rows; /* [m] */
  const int64_t *y_cols, *c_cols; /* of all its panels' columns */
  int64_t k0, k;                  /* the block of the box's k */
  int64_t first_k;                /* of a plan in_turn: the row of a whole panel it begins at */
  int64_t sums;                   /* bytes from c_tiles, and open, where its own begin */
  const int64_t *x_k, *y_k;       /* [k] */
  int64_t x_step, y_step, packed_step; /* of these, of y_packed[1], bytes; 0: not even */
  const int64_t *y_packed[2];          /* [k] in a panel of one vector, of two */
  int64_t tile_rows[2][ES_GEMM_ROWS];  /* of C in a tile of one vector, of two */
} es_gemm_block;

static inline int64_t es_gemm_smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static inline const es_gemm_moves *es_gemm_moves_of(const es_gemm_run *r) {
  return &r->g->kernels->gemm->moves[__builtin_ctzl(r->g->each)];
}

static inline const es_gemm_groups *es_gemm_groups_of(const es_gemm_run *r) {
  return &r->g->kernels->gemm->groups[r->g->kind - ES_GEMM_I16];
}

static inline const int64_t *es_gemm_table(const es_gemm_axes *axes, es_gemm_side side,
                                           int64_t from, int64_t count, int64_t *scratch) {
  if (axes->table[side]) return axes->table[side] + from;
  es_gemm_offsets(axes, side, from, count, scratch);
  return scratch;
}

/* A panel of a block. */
typedef struct es_gemm_panel {
  int64_t at; /* in the block: where it is packed, counted in panels */
  int64_t j;  /* its first column in the tables of the block */
  int n, width;
  uint8_t in_place;
} es_gemm_panel;

static inline es_gemm_panel es_gemm_panel_of(const es_gemm_plan *g, const es_gemm_block *b,
                                             int64_t at) {
  int64_t panel = b->first_panel + at, n = es_gemm_panel_columns(g, panel);
  return (es_gemm_panel){.at = at,
                         .j = es_gemm_panel_start(g, panel) - b->first_col,
                         .n = (int)n,
                         .width = es_gemm_width(g, n),
                         .in_place = es_gemm_in_place(g, panel)};
}
static inline char *es_gemm_packed_at(const es_gemm_plan *g, const es_gemm_worker *w, int64_t at) {
  if (!g->hold_y) at %= es_gemm_kept(g);
  return w->y_block + at * g->nr * g->ahead * es_gemm_steps(g, g->kc) * (int64_t)g->each;
}

/* Bytes from the results of one panel to those of the next, where these are turned over. */
static inline int64_t es_gemm_turned_step(const es_gemm_plan *g) {
  return (g->m_count + ES_GEMM_ROWS) * g->nr * (int64_t)g->each;
}

/* Worker index's part of a workspace. */
es_gemm_worker es_gemm_worker_of(const es_gemm_plan *g, void *workspace, int index);
/* dst[p][i] = src[rows[i] + ks[p]] for p < k, i < m, in the compute type (pairs when
 * complex; groups of terms where the plan has them), zero for m <= i < width. dst has room for a
 * vector past its end. */
void es_gemm_pack(const es_gemm_run *r, const es_gemm_worker *w, char *dst, int width,
                  const char *src, const es_gemm_operand *from, const int64_t *rows, int m,
                  const int64_t *ks, int64_t k);
/* Those of the block's panels from, … to - 1 that are not read in place, for k rows from k0;
 * both are whole units. */
void es_gemm_pack_y(const es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                    int64_t from, int64_t to, int64_t k0, int64_t k);
/* Lists into list[ES_GEMM_FETCH] the lines that follow panels at, … at + some - 1: of C for the
 * next panel against rows i, … i + m - 1, of the panels of Y packed next, and a share of the next
 * rows of X. Returns how many. */
int64_t es_gemm_fetch(const es_gemm_run *r, const es_gemm_block *b, int64_t i, int m, int64_t at,
                      int64_t some, const char **list);
/* Few rows, packed at x, against panels from at on. Returns how many panels; 0: that one is not in
 * place. */
int64_t es_gemm_run_few(es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                        const char *x, const int64_t *xk, int64_t at);
/* tile[i][j] of the compute type (planes when complex), width a row, scaled, converted
 * and written to rows i0 … and columns j0 … of C. */
void es_gemm_store(es_gemm_run *r, char *tile, int width, const es_gemm_block *b, int64_t i0, int m,
                   int64_t j0, int n);

/* The results of m rows from i0 on and of a unit of panels from `first` on, all in c_tiles, to
 * C, which runs along v. */
void es_gemm_store_turned(const es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                          int64_t i0, int m, int64_t first);

#endif
