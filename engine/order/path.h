/* In which order to contract the operands of a nest: names of no tensor, only
 * sets of labels and their extents. The answer is a list of steps as data. */
#ifndef ES_ENGINE_PATH_H
#define ES_ENGINE_PATH_H

#include "engine/order/network.h"

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

/* Operands that the row-wise strategies take in one nest. */
enum { ES_PATH_FUSE = 8 };

/* effort: how much longer than usual to search, 1 as a rule.
 * Pairs of operands, a label that one operand alone holds being reduced before
 * the pair where that pays; one step over all where pairs gain nothing. Cost: points + bytes of
 * operands and results. Depends on labels, extents and the seed alone, so the order of summation
 * does too. */
es_status es_path_pairwise(es_arena *arena, const es_network *net, double effort, es_path **path,
                           es_error *error);
/* The steps of one tree (path_tree.h), or one step where that is as good. */
struct es_merge;
es_status es_path_of(es_arena *arena, const es_network *net, const struct es_merge *merge,
                     es_path **path, es_error *error);
struct es_known; /* path_known.h */
typedef struct es_slicing_rules {
  double limit;         /* bytes that intermediates may take at a time; 0: the least there is */
  double enough;        /* bytes of them; fewer make no difference */
  bool again;           /* another attempt, after one with a larger limit: a shorter one */
  double element_bytes; /* of an intermediate */
  int most;             /* labels that may be cut */
  const bool *may_cut;  /* [n_labels] */
} es_slicing_rules;

/* The same within a limit of memory, of the orders known or found now. Labels are cut where no
 * order fits, as few as will do: kept[l] (out, [n_labels]) divides the extent of l, and the path is
 * to be run for every combination of pieces. *least: bytes that its intermediates take, above the
 * limit when no cut brings them under it. */
es_status es_path_within(es_arena *arena, const es_network *net, double effort,
                         const es_slicing_rules *rules, struct es_known *known, es_path **path,
                         int64_t *kept, double *least, es_error *error);
/* One step over all operands, for semirings that do not distribute. */
es_status es_path_whole(es_arena *arena, const es_network *net, es_path **path, es_error *error);

#endif
