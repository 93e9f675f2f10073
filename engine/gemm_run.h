/* What the parts of a running contraction share: gemm_run.c, gemm_pack.c, gemm_store.c. */
#ifndef ES_ENGINE_GEMM_RUN_H
#define ES_ENGINE_GEMM_RUN_H

#include <stdatomic.h>

#include "engine/gemm.h"

enum {
  ES_GEMM_ROW_BYTES = 256, /* of a tile at most: two vectors, real and imaginary parts */
  /* Rows of a group; of complex tiles, which have half as many, at most half. */
  ES_GEMM_GROUP_ROWS = ES_GEMM_GROUP * ES_GEMM_ROWS
};

typedef struct es_gemm_run {
  const es_gemm_plan *g;
  const es_run_args *args;
  const es_gemm_type *type;
  const char *x, *y;
  char *c;
  atomic_bool stop, overflow;
} es_gemm_run;

/* A worker's part of the workspace. */
typedef struct es_gemm_worker {
  int64_t *y_held; /* index of the Y block in y_block, -1 for none; kept between tasks */
  int x_height[2]; /* for which the two tables of x_steps stand */
  char *y_block, *x_tiles, *c_tiles, *convert;
  int64_t *x_rows, *c_rows, *y_cols, *c_cols, *x_k, *y_k, *y_packed, *y_narrow, *x_steps;
} es_gemm_worker;

/* The rows and columns a task works on, and its block of k. Offsets in bytes from x,
 * y, c. */
typedef struct es_gemm_block {
  const char *x, *y;
  char *c;
  const es_gemm_box *box;
  int64_t batch, n_block;
  int64_t m, n;
  int height;                     /* of its tiles */
  const uint8_t *in_place;        /* per panel */
  const int64_t *x_rows, *c_rows; /* [m] */
  const int64_t *y_cols, *c_cols; /* [n] */
  int64_t k0, k;                  /* the block of the box's k */
  const int64_t *x_k, *y_k;       /* [k] */
  const int64_t *y_packed[2];     /* [k] in a panel of one vector, of two */
} es_gemm_block;

static inline int64_t es_gemm_smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static inline const es_gemm_moves *es_gemm_moves_of(const es_gemm_run *r) {
  return &r->g->kernels->gemm->moves[__builtin_ctzl(r->g->each)];
}

static inline const int64_t *es_gemm_table(const es_gemm_axes *axes, es_gemm_side side,
                                           int64_t from, int64_t count, int64_t *scratch) {
  if (axes->table[side]) return axes->table[side] + from;
  es_gemm_offsets(axes, side, from, count, scratch);
  return scratch;
}

/* dst[p][i] = src[rows[i] + ks[p]] for p < k, i < m, in the compute type (pairs when
 * complex), zero for m <= i < width. dst has room for a vector past its end. */
void es_gemm_pack(const es_gemm_run *r, const es_gemm_worker *w, char *dst, int width,
                  const char *src, const es_gemm_operand *from, const int64_t *rows, int m,
                  const int64_t *ks, int64_t k);
/* All panels of the block that are not read in place, for the k of the block. */
void es_gemm_pack_y(const es_gemm_run *r, const es_gemm_worker *w, const es_gemm_block *b,
                    int64_t k0, int64_t k);
/* tile[i][j] of the compute type (planes when complex), width a row, scaled, converted
 * and written to rows i0 … and columns j0 … of C. */
void es_gemm_store(es_gemm_run *r, char *tile, int width, const es_gemm_block *b, int64_t i0, int m,
                   int64_t j0, int n);

#endif
