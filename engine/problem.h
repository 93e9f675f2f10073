/* The problem: a strided loop nest. Numbers only; no names, no text.
 *
 *   for every output point o (axes 0 .. n_out-1)
 *     out[o] = reduce over r (axes n_out .. rank-1) of
 *                combine(in[0][o, r], in[1][o, r], …)
 *
 * where in[i][p] is the element at offset + sum_a p[a] * stride[a]. A point that
 * breaks a constraint is absent from the reduction (it is not a zero that gets
 * multiplied). A matrix product is a nest with an m, an n and a k axis; a
 * transpose one with one operand and no reduced axis; in a convolution two axes
 * hold strides over the same memory axis. */
#ifndef ES_ENGINE_PROBLEM_H
#define ES_ENGINE_PROBLEM_H

#include "base/arena.h"
#include "base/error.h"
#include "lexer/ast.h" /* es_inner */

typedef struct es_side { /* an operand, or the output, as the nest sees it */
  es_dtype dtype;
  int slot;   /* which array: index into es_run_args.base */
  bool fixed; /* its elements are known when the plan is made, and stay as they are */
  /* It stays where it is along an axis of a constraint, for two strides cancel or it is broadcast:
   * where the constraint fails it may lie outside of its array nevertheless. */
  bool stays;
  int64_t offset;  /* elements */
  int64_t *stride; /* [rank]; of the output 0 on reduced axes */
} es_side;

/* 0 <= base + sum_a coef[a] * p[a] < extent, or the point is absent. */
typedef struct es_constraint {
  int64_t base, extent;
  int64_t *coef; /* [rank] */
} es_constraint;

typedef struct es_problem {
  int rank, n_out; /* axes; the first n_out are the output's */
  int64_t *extent; /* [rank] */
  int n_in;
  es_side *in; /* [n_in] */
  es_side out;
  int n_constraints;
  es_constraint *constraint;
  es_inner combine;
  es_reducer reduce; /* NONE only when rank == n_out */
  es_dtype compute;  /* I64, F32, F64, C64, C128 */
  bool wrap;         /* integers modulo 2^bits; else exact or an error */
  /* Points behind one output element for mean, absent ones included. */
  double mean_count;
  double alpha, beta; /* out = alpha * nest + beta * out; beta 0 never reads out */
  /* Shape of the whole output array, to name a position in an error. */
  int out_rank;
  const int64_t *out_shape;   /* [out_rank] */
  const int64_t *out_strides; /* [out_rank] */
} es_problem;

es_problem *es_problem_new(es_arena *arena, int rank, int n_in, int n_constraints);
es_problem *es_problem_copy(es_arena *arena, const es_problem *p); /* deep */
/* Drops axes of extent 1; turns output axes so that the output's strides are
 * positive and sorts them, largest stride first; merges neighbours that every side
 * and constraint walks alike. Reduced axes keep their order, because it is the
 * order of summation and must not depend on a layout; only where order cannot
 * matter (integers, max, min, any, all) are they sorted by the first operand's
 * strides. In place. */
void es_problem_canonicalise(es_problem *p);
/* Multiply-adds (points), saturating. */
double es_problem_points(const es_problem *p);
/* Products of the extents of the output's and of the reduced axes. */
double es_problem_outputs(const es_problem *p);
double es_problem_taps(const es_problem *p);
/* Bytes from the array to where the walk begins, modulo 2^64: where padding comes first, that place
 * may be past 64 bits; those of boxes without it are not. */
static inline int64_t es_side_begin(const es_side *side) {
  return (int64_t)((uint64_t)side->offset * es_dtype_size(side->dtype));
}
/* Bytes of the distinct elements a side walks over: what must move at least. */
double es_problem_side_bytes(const es_problem *p, const es_side *side);
/* The same of all sides together. */
double es_problem_bytes(const es_problem *p);
/* The output is so large that its lines are best written past the caches. */
bool es_problem_outgrows_caches(const es_problem *p);
/* Whether a reordering of the reduction gives the same bits. */
bool es_problem_any_order(const es_problem *p);
/* "(3, 0, 7)": the position in the output array of the element at this offset
 * from the start of the array. */
void es_problem_position(const es_problem *p, int64_t offset, char *buf, size_t cap);
/* Invariants: extents >= 0, output strides 0 on reduced axes, … for tests and
 * for the border between stages. NULL when sound, else what is wrong. */
const char *es_problem_check(const es_problem *p);
size_t es_problem_print(const es_problem *p, char *buf, size_t cap);

#endif
