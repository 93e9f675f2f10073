/* The searches behind es_path_pairwise: binary trees over the operands. */
#ifndef ES_ENGINE_PATH_TREE_H
#define ES_ENGINE_PATH_TREE_H

#include "engine/order/network.h"

/* Merge k joins values a and b into value n + k; n - 1 merges make a tree, whose
 * root is value 2n - 2. A value may be made of ones with higher numbers. */
typedef struct es_merge {
  int a, b;
} es_merge;

/* A value as a merge finds it: elements over the labels that something else needs, and the
 * product of those that nothing else does, 1 but for operands. */
typedef struct es_extents {
  double size, lone;
} es_extents;

/* How two values are contracted: which one is summed over its own labels before, and the
 * multiply-adds and elements touched of all that, those of its workspace included. */
typedef struct es_pair {
  bool sums_a, sums_b;
  double points, elements;
} es_pair;

/* Elements touched of the workspace that the contraction of two values needs besides its result: a
 * product that uses elements of both again packs the smaller one, and reads the copy. */
static inline double es_packed_elements(double points, double a, double b) {
  return points > a && points > b ? 2 * (a < b ? a : b) : 0;
}

/* Summing a value first takes as many points as it has elements, and an intermediate; that pays
 * where carrying its own labels through the pair takes more. points: over the labels of both
 * that something else needs, out: elements of the result. */
static inline es_pair es_pair_of(const es_network *net, double points, es_extents a, es_extents b,
                                 double out) {
  es_pair pair = {.elements = out};
  if (a.lone > 1 || b.lone > 1) {
    double whole_a = a.size * a.lone, whole_b = b.size * b.lone;
    pair.sums_a = whole_a + 2 * net->element_bytes * a.size + points * b.lone <
                  points * a.lone * b.lone;
    double carried = pair.sums_a ? points : points * a.lone;
    pair.sums_b = whole_b + 2 * net->element_bytes * b.size + carried < carried * b.lone;
    if (pair.sums_a) pair.points += whole_a, pair.elements += whole_a + a.size, a.lone = 1;
    if (pair.sums_b) pair.points += whole_b, pair.elements += whole_b + b.size, b.lone = 1;
  }
  double whole_a = a.size * a.lone, whole_b = b.size * b.lone, walked = points * a.lone * b.lone;
  pair.points += walked;
  pair.elements += whole_a + whole_b + es_packed_elements(walked, whole_a, whole_b);
  if (net->room > 0 && out > net->room) {
    double pieces = out / net->room;
    pair.points *= pieces, pair.elements *= pieces;
  }
  return pair;
}

/* What it costs, in multiply-adds: its points, and the elements it touches. */
static inline double es_pair_cost(const es_network *net, es_pair pair) {
  return pair.points + net->element_bytes * pair.elements;
}

/* Less by more than what rounding may do. */
#define ES_LESS (1 - 1e-9)

/* ---- path_exact.c ---- */

/* Up to so many operands the best of all trees is found; up to so many the best of those
 * that merge only what shares a label; above, a good one is searched for. */
enum { ES_PATH_ALL = 10, ES_PATH_EXACT = 14 };
/* Classes of labels at most: those that always travel together. */
enum { ES_SMALL_CLASSES = 256 };

/* A network of a few values, or a part of one: what its values hold as bit sets over
 * classes of labels, in words of 64. */
typedef struct es_small {
  const es_network *net; /* for the cost alone */
  int n, n_classes, words;
  bool strangers; /* also merge values that share no label */
  double extent[ES_SMALL_CLASSES];
  double lone[ES_PATH_EXACT]; /* product of the labels that a value alone holds, in no class */
  uint64_t operand[ES_PATH_EXACT][ES_SMALL_CLASSES / 64], out[ES_SMALL_CLASSES / 64];
} es_small;

/* Tables over all subsets of at most n values. */
typedef struct es_subsets {
  uint64_t *held; /* [2^n][words] labels of any member */
  uint64_t *kept; /* [2^n][words] those that the output or a value outside needs */
  double *size;   /* [2^n] elements of the subset's value */
  double *cost;   /* [2^n] of the best tree, infinite where there is none */
  int *split;     /* [2^n] one side of the last merge of that tree */
} es_subsets;

bool es_subsets_init(es_arena *arena, int n, int words, es_subsets *t);
/* Finds the cheapest tree below bound by dynamic programming over the subsets: 3^n / 2
 * splits. False: there is none. *work grows by the splits looked at. */
bool es_small_solve(const es_small *s, es_subsets *t, double bound, double *work);
/* A class, of extent 1 as yet, of labels that the values of the mask who hold; bit n is the
 * output. Returns its number, or -1: too many. */
int es_small_class(es_small *s, uint32_t who);
/* A whole network of n <= ES_PATH_EXACT operands. *found is false where operands share
 * nothing with the others, or too many labels. */
es_status es_merge_exact(es_arena *arena, const es_network *net, es_merge *merge, bool *found,
                         es_error *error);
/* Of the tree that a solution holds, in the terms of s->net. */
es_pair es_subsets_pair(const es_small *s, const es_subsets *t, int subset);

/* ---- path_greedy.c ---- */

/* Of all pairs that share a label the one with the lowest score is merged next:
 * the elements of the result over penalty, less penalty times those it replaces. With a
 * temperature, the logarithm of that and noise. */
typedef struct es_greedy {
  bool by_points; /* the points of the merge instead: cheap work first */
  bool by_age; /* of equal scores the values that are there for longest, not the cheapest merge */
  double penalty, temperature;
  uint64_t seed;
} es_greedy;

/* Near-linear in the labels held. *work grows by the pairs looked at. A tree that gets
 * dearer than bound is given up: *cost is then above it. False: no memory. */
bool es_merge_greedy(es_arena *arena, const es_network *net, const es_greedy *rule, double bound,
                     es_merge *merge, double *cost, double *work);

/* ---- path_sweep.c ---- */

/* Who holds each label. */
typedef struct es_holders {
  int *first, *holder; /* of label l: holder[first[l] .. first[l + 1]), ascending */
  double *weight;      /* [n_labels] bits of its extent; 0 where too many hold it to look at */
} es_holders;

bool es_holders_init(es_arena *arena, const es_network *net, es_holders *h);
/* One value takes up operand after operand, the one that least adds to its labels. round
 * picks a start. Every merge uses lower values. False: no memory. */
bool es_merge_sweep(es_arena *arena, const es_network *net, int round, es_merge *merge,
                    double *work);

/* ---- path_halve.c ---- */

/* Halves the operands again and again where few labels are cut. round picks a start and
 * how unequal the halves may be. Every merge uses lower values. False: no memory. */
bool es_merge_halve(es_arena *arena, const es_network *net, int round, es_merge *merge,
                    double *work);

/* ---- path_mend.c ---- */

/* A tree that is being mended. */
typedef struct es_mender es_mender;

/* Whether the network is small enough; others stay as they are. */
bool es_mender_takes(const es_network *net);
es_mender *es_mender_new(es_arena *arena, const es_network *net); /* NULL: no memory */
/* Takes a tree whose merges use lower values. The extents are read anew: they may have changed. */
void es_mender_load(es_mender *m, const es_merge *merge);
void es_mender_store(es_mender *m, es_merge *merge); /* as it is loaded */
double es_mender_cost(const es_mender *m);
double es_mender_largest(const es_mender *m); /* elements of an intermediate */
/* Solves piece after piece exactly until *work passes the limit, or none gets cheaper: true. */
bool es_mender_mend(es_mender *m, double limit, double *work);
/* Of trees that cost about the same the one with the fewest multiply-adds. */
void es_mender_lean(es_mender *m, double limit, double *work);

/* ---- path_anneal.c ---- */

/* Rotates merges at random, also to dearer ones, fewer and fewer of these, until *work passes the
 * limit. The best tree on the way, whose cost is returned, goes into best[n - 1], as it is loaded;
 * infinite: none was found. heat: how much dearer it may get at first, 1 as a rule. The tree of m
 * is lost. */
double es_mender_anneal(es_mender *m, double heat, uint64_t seed, double limit, es_merge *best,
                        double *work);

/* ---- path_search.c ---- */

/* The best trees at each power of two of effort, where they got better: for a larger effort
 * the same ones, and more. */
enum { ES_RUNGS = 30 };
typedef struct es_orders {
  int n;
  struct {
    es_merge *merge; /* [n - 1] using lower values: the leanest of those that cost about as much */
    double cost, effort; /* that found it */
    double largest;      /* elements of its largest intermediate; 0: not known */
  } order[ES_RUNGS];
} es_orders;

/* For two operands and more: at least one, the cheapest not always the last. effort multiplies
 * the work spent, about 2 to 20 ms for 1. The same for the same network and effort on every
 * machine. */
es_status es_orders_find(es_arena *arena, const es_network *net, double effort, es_orders *found,
                         es_error *error);

int es_orders_best(const es_orders *found); /* the cheapest of them, of at least one */

#endif
