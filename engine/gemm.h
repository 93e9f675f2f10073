/* The contraction as a plan of its own: C[m, n] = sum over k of X[m, k] · Y[k, n]
 * for every batch index, where m, n, k and batch may each be several axes with any
 * strides. Immutable once made; what a run changes lies in the workspace. */
#ifndef ES_ENGINE_GEMM_H
#define ES_ENGINE_GEMM_H

#include "engine/kernels/elementwise.h"
#include "engine/kernels/gemm.h"
#include "engine/strategy.h"

enum {
  ES_GEMM_MAX_AXES = 128, /* of one nest; more are left to the loops */
  /* Multiply-adds of one summation chain at most. The sum of k terms is taken in
   * ceil(k / 256) equal chains, each from zero, added up in order: less rounding
   * than one long chain, and the same for every blocking. */
  ES_GEMM_CHAIN = 256,
  ES_GEMM_VARIANTS = 8,
  ES_GEMM_GROUP = 4, /* most tiles of a group */
  ES_GEMM_CONVERT = 64, /* rows of k converted from another type at a time */
};

typedef enum es_gemm_side { ES_GEMM_X, ES_GEMM_Y, ES_GEMM_C, ES_GEMM_SIDES } es_gemm_side;

/* The axes that make up one of batch, m, n, k, the last one fastest. */
typedef struct es_gemm_axes {
  int n;
  int64_t count;                   /* points: the product of the extents */
  int64_t *extent;                 /* [n] */
  int64_t *stride[ES_GEMM_SIDES];  /* [n] bytes */
  int64_t *table[ES_GEMM_SIDES];   /* offsets of all points, bytes; NULL: too many */
} es_gemm_axes;

typedef struct es_gemm_operand {
  int in;         /* which operand of the problem */
  es_dtype dtype; /* in memory */
  bool native;    /* that is the type of the arithmetic */
} es_gemm_operand;

/* Where a worker's part of the workspace keeps what, in bytes from its start. */
typedef struct es_gemm_room {
  size_t y_block, x_tiles, c_tiles, convert, in_place;
  size_t x_rows, c_rows, y_cols, c_cols, x_k, y_k, x_steps;
  size_t total;
} es_gemm_room;

typedef struct es_gemm_plan {
  const es_problem *problem;
  const es_kernels *kernels;
  es_gemm_kind kind;
  es_dtype compute;               /* the kind as an element type */
  es_gemm_operand x, y;           /* broadcast side, vector side */
  es_gemm_axes batch, m, n, k;
  bool x_packed, y_direct;        /* else X is read where it lies, and Y is packed */
  bool plain_store;               /* C has the compute type, alpha 1, beta 0, no mean */
  int nr;                         /* columns of a full panel */
  int group;                      /* tiles of rows computed before their panel is stored */
  int64_t chain, kc, mb, nb;      /* blocks of k, rows and columns */
  int64_t n_kb, n_mb, n_nb;
  int threads;
  es_gemm_room room;              /* for each thread */
  double seconds;                 /* predicted */
} es_gemm_plan;

/* The kind whose arithmetic that of the problem is; integers: I64. */
es_gemm_kind es_gemm_kind_of(es_dtype compute);
/* One way to run the nest: bit 0 of variant exchanges the sides, bit 1 packs X, bit 2
 * reads Y where it lies. False where that is not possible. Blocks, workspace and
 * predicted seconds are set, the axes only counted. */
bool es_gemm_plan_variant(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                          int variant, es_gemm_plan *plan);
/* The variant predicted to be fastest. */
void es_gemm_plan_choose(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                         es_gemm_plan *plan);
/* Makes a chosen plan fit to run. False: out of memory. */
bool es_gemm_plan_finish(es_arena *arena, es_gemm_plan *plan);
size_t es_gemm_plan_workspace(const es_gemm_plan *plan);
/* OK, CANCELLED, or OVERFLOW without a message: some value did not fit the type of
 * the output, which then holds unspecified values. */
es_status es_gemm_plan_run(const es_gemm_plan *plan, const es_run_args *args);
/* out[i] = offset of point from + i, i < count. */
void es_gemm_offsets(const es_gemm_axes *axes, es_gemm_side side, int64_t from, int64_t count,
                     int64_t *out);

#endif
