/* A tree whose merges may change, and what each of its values holds: for those who mend it. */
#ifndef ES_ENGINE_PATH_MENDER_H
#define ES_ENGINE_PATH_MENDER_H

#include "engine/order/path_tree.h"

enum { ES_PIECE = 8 }; /* values of a piece that is solved */

struct es_mender {
  const es_network *net;
  es_network by_points; /* the same, but an element touched costs nothing */
  int words;
  double *extent;  /* [n_labels] */
  es_merge *merge; /* [n - 1] */
  uint64_t *kept;  /* [2n - 1][words] labels of a value that something outside needs */
  double *size;    /* [2n - 1] elements over these */
  double *lone;    /* [2n - 1] product of the labels that nothing outside needs */
  double *cost;    /* [2n - 1] of the merge that makes the value */
  double total;
  double may_cost; /* what the tree may come to cost where points get fewer */
  es_small small;
  es_subsets subsets;
  int leaf[ES_PIECE];  /* the values of the piece */
  int inner[ES_PIECE]; /* the merges between them, the root first */
  int n_leaves, n_inner, next_inner;
  int class_of[2 << ES_PIECE]; /* by the values that hold a label, and the outside */
  uint32_t seen[2 << ES_PIECE];
  uint32_t pieces;
  int *label_class; /* [n_labels] in the piece */
  int *holders;     /* [n_labels] of the values that are not merged yet, and the output */
  int *order;       /* [n - 1] merges, the dearest first */
  int *stack;       /* [2n] */
  int *number;      /* [2n - 1] of a value in a list whose merges use lower ones */
  uint64_t *turned; /* [words] what the value of a rotation would hold */
  double work;
};

static inline uint64_t *es_mender_kept(const es_mender *m, int v) {
  return m->kept + (size_t)v * (size_t)m->words;
}

static inline double es_mender_points(const es_mender *m, const uint64_t *a, const uint64_t *b) {
  return es_set_points(m->words, m->extent, a, b);
}

#endif
