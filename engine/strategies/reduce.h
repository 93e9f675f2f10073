/* The reduction strategy's two forms. Both compute a row of outputs, at most ES_ROW
 * long, over all reduced points: columns takes the reduced points one by one and
 * whole rows of outputs at each, runs takes the outputs one by one and runs of
 * reduced points for each. */
#ifndef ES_ENGINE_REDUCE_H
#define ES_ENGINE_REDUCE_H

#include "engine/ctx.h"
#include "engine/strategies/stream.h"

typedef struct es_reduction {
  es_stream s;
  es_fold fold;
  /* Sums of products of two operands: each output is summed as the matrix product
   * sums it, in chains of this many multiply-adds, whatever the form. */
  bool product;
  int64_t chain;
  bool log_sum_exp;
  bool runs;     /* the form */
  bool in_place; /* results are computed where they belong */
  bool split;    /* a single output by parts of the reduced points */
  bool far;      /* operands are more than caches hold */
  bool asks;     /* one row takes so long that cancel is asked for on the way */
  es_axes outer; /* output axes but the one rows run along */
  es_axes taps;  /* reduced axes, in the order of summation */
  int64_t n, piece, pieces;
  bool whole[2];   /* the reduced points of a factor lie side by side, in the right type */
  double identity; /* of the reducer, for an output without reduced points */
} es_reduction;

/* A single output over many reduced points, by several threads: parts of the points
 * are folded apart, into what the workspace holds, then taken together in order. The
 * bits are those of the other functions. */
bool es_reduce_parts_apply(const es_reduction *r);
int64_t es_reduce_parts(const es_reduction *r);
uint64_t es_reduce_parts_bytes(const es_reduction *r);
void es_reduce_parts_run(const es_reduction *r, const es_run_args *args, int64_t from, int64_t to);
/* acc and low, which hold the neutral element, get the result. */
void es_reduce_parts_join(const es_reduction *r, const es_run_args *args, void *acc, void *low);

/* The row in work is given up, its result worthless. */
static inline bool es_reduce_stops(const es_reduction *r, const es_run_args *args) {
  return r->asks && es_step_stops(args);
}

/* row[0..n) = value, of type. */
void es_reduce_set(es_dtype type, void *row, double value, int64_t n);
/* acc and low = the neutral element of the fold, n times; low only where it is used. */
void es_reduce_neutral(const es_reduction *r, es_fold fold, void *acc, void *low, int64_t n);
/* acc[0..n) = the folds behind n neighbouring outputs; at[i]: element offset of
 * operand i at the first. low: the rounded-off parts where the fold is SUM2. shift:
 * NULL, or [n]: exp(x - shift) is folded. Both hold the neutral element before. */
void es_reduce_columns(const es_reduction *r, const es_run_args *args, es_fold fold,
                       const int64_t *at, int64_t n, void *acc, void *low, const double *shift);
void es_reduce_runs(const es_reduction *r, const es_run_args *args, es_fold fold, const int64_t *at,
                    int64_t n, void *acc, void *low, const double *shift);
/* Sums of products; acc need not be set before. */
void es_reduce_product_columns(const es_reduction *r, const es_run_args *args, const int64_t *at,
                               int64_t n, void *acc);
void es_reduce_product_runs(const es_reduction *r, const es_run_args *args, const int64_t *at,
                            int64_t n, void *acc);

#endif
