/* In which order to contract the operands of a nest: names of no tensor, only
 * sets of labels and their extents. The answer is a list of steps as data. */
#ifndef ES_ENGINE_PATH_H
#define ES_ENGINE_PATH_H

#include "base/arena.h"
#include "base/error.h"

/* Distinct labels, ascending. */
typedef struct es_label_set {
  int n;
  const int32_t *label;
} es_label_set;

/* A hypergraph: a label may be held by any number of operands, and by the output. */
typedef struct es_network {
  int n_labels;
  const int64_t *extent;       /* [n_labels], >= 2 each: smaller ones decide nothing */
  int n;                       /* operands */
  const es_label_set *operand; /* [n] */
  es_label_set out;
  double element_bytes; /* of an intermediate, what a touched element costs */
  uint64_t seed;        /* of trees drawn at random */
} es_network;

/* Values are numbered: 0 .. n-1 the operands, n + k the result of step k. */
typedef struct es_path_step {
  int n_in;
  int *in;           /* [n_in], ascending; each value is used exactly once */
  es_label_set keep; /* labels of the result; the others are reduced here */
} es_path_step;

/* Steps in the order to run them: a subtree is finished before the next starts,
 * so few intermediates live at a time. The last step yields the output. */
typedef struct es_path {
  int n_steps;
  es_path_step *step;
  double points; /* multiply-adds of all steps */
} es_path;

/* Up to so many operands the best of all trees is found; up to so many the best of those
 * that merge only what shares a label; above, a good one is searched for. */
enum { ES_PATH_ALL = 10, ES_PATH_EXACT = 14 };
/* Operands that the row-wise strategies take in one nest. */
enum { ES_PATH_FUSE = 8 };

/* effort: how much longer than usual to search, 1 as a rule.
 * Pairs of operands, a label that one operand alone holds being reduced before
 * the pair where that pays; one step over all where pairs gain nothing. Cost: points + bytes of
 * operands and results. Depends on labels, extents and the seed alone, so the order of summation
 * does too. */
es_status es_path_pairwise(es_arena *arena, const es_network *net, double effort, es_path **path,
                           es_error *error);
typedef struct es_slicing_rules {
  double limit;         /* bytes that intermediates may take at a time */
  double element_bytes; /* of an intermediate */
  int most;             /* labels that may be cut */
  const bool *may_cut;  /* [n_labels] */
} es_slicing_rules;

/* The same within a limit of memory. Labels are cut where no order fits, as few as will
 * do: kept[l] (out, [n_labels]) divides the extent of l, and the path is to be run for
 * every combination of pieces. *least: bytes that its intermediates take, above the limit
 * when no cut brings them under it: then all is cut that frees anything. */
es_status es_path_within(es_arena *arena, const es_network *net, double effort,
                         const es_slicing_rules *rules, es_path **path, int64_t *kept,
                         double *least, es_error *error);
/* One step over all operands, for semirings that do not distribute. */
es_status es_path_whole(es_arena *arena, const es_network *net, es_path **path, es_error *error);

#endif
