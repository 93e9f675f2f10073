/* The cheapest tree over a few values, by dynamic programming over subsets. */
#include <math.h>
#include <stdlib.h>

#include "engine/order/path_tree.h"

/* ---- sets of classes ------------------------------------------------------------ */

static double points(const es_small *s, const uint64_t *a, const uint64_t *b) {
  return es_set_points(s->words, s->extent, a, b);
}

static bool meet(const es_small *s, const uint64_t *a, const uint64_t *b) {
  for (int w = 0; w < s->words; w++)
    if (a[w] & b[w]) return true;
  return false;
}

static void fill_sets(const es_small *s, es_subsets *t) {
  int words = s->words, all = (1 << s->n) - 1;
  for (int w = 0; w < words; w++) t->held[w] = t->kept[w] = 0;
  for (int subset = 1; subset <= all; subset++) {
    int rest = subset & (subset - 1), lowest = __builtin_ctz((unsigned)subset);
    for (int w = 0; w < words; w++)
      t->held[subset * words + w] = t->held[rest * words + w] | s->operand[lowest][w];
  }
  for (int subset = 1; subset <= all; subset++) {
    uint64_t *kept = t->kept + subset * words;
    for (int w = 0; w < words; w++)
      kept[w] = t->held[subset * words + w] & (t->held[(all ^ subset) * words + w] | s->out[w]);
    t->size[subset] = points(s, kept, kept);
  }
}

/* What a split takes, and a subset, in units of some 10 ns. */
static double unit_of(const es_small *s) { return 0.5 + s->n_classes / 6.0; }

/* ---- the search ------------------------------------------------------------------- */

bool es_subsets_init(es_arena *arena, int n, int words, es_subsets *t) {
  size_t subsets = (size_t)1 << n;
  t->held = ES_NEW_N(arena, uint64_t, subsets * (size_t)words);
  t->kept = ES_NEW_N(arena, uint64_t, subsets * (size_t)words);
  t->size = ES_NEW_N(arena, double, subsets);
  t->cost = ES_NEW_N(arena, double, subsets);
  t->split = ES_NEW_N(arena, int, subsets);
  return t->held && t->kept && t->size && t->cost && t->split;
}

/* A subset as a value. */
static es_extents extents(const es_small *s, const es_subsets *t, int subset) {
  bool one = !(subset & (subset - 1));
  return (es_extents){t->size[subset], one ? s->lone[__builtin_ctz((unsigned)subset)] : 1};
}

/* The merge that makes a subset of a and the rest. */
static es_pair pair_of(const es_small *s, const es_subsets *t, int a, int b) {
  const uint64_t *x = t->kept + a * s->words, *y = t->kept + b * s->words;
  return es_pair_of(s->net, points(s, x, y), extents(s, t, a), extents(s, t, b), t->size[a | b]);
}

static void best_split(const es_small *s, es_subsets *t, int subset, double bound, double *work) {
  int lowest = subset & -subset, words = s->words, others = subset ^ lowest;
  double best = bound;
  int looked = 0, uneven = 0, size = __builtin_popcount((unsigned)subset);
  t->split[subset] = 0;
  /* a holds the lowest member, so that each split is seen once. */
  for (int b = others; b; b = (b - 1) & others) {
    int a = subset ^ b;
    double least = t->cost[a] + t->cost[b];
    if (least >= best) continue;
    const uint64_t *x = t->kept + a * words, *y = t->kept + b * words;
    if (!s->strangers && !meet(s, x, y)) continue;
    looked++;
    double cost = least + es_pair_cost(s->net, pair_of(s, t, a, b));
    /* Of equal ones the most even: "ab, bc, cd, de" may then share what equal halves compute. */
    int more = abs(2 * __builtin_popcount((unsigned)a) - size);
    if (cost > best || (cost == best && more >= uneven)) continue;
    best = cost;
    uneven = more;
    t->split[subset] = a;
  }
  *work += unit_of(s) * looked + 0.1 * (double)((1 << __builtin_popcount((unsigned)others)) - 1);
  t->cost[subset] = t->split[subset] ? best : INFINITY;
}

bool es_small_solve(const es_small *s, es_subsets *t, double bound, double *work) {
  int all = (1 << s->n) - 1;
  fill_sets(s, t);
  *work += unit_of(s) * (all + 1);
  for (int subset = 1; subset <= all; subset++) {
    if (subset & (subset - 1))
      best_split(s, t, subset, bound, work);
    else
      t->cost[subset] = 0;
  }
  return t->cost[all] < bound;
}

/* Depth is at most n. */
es_pair es_subsets_pair(const es_small *s, const es_subsets *t, int subset) {
  if (!(subset & (subset - 1))) return (es_pair){0};
  int a = t->split[subset], b = subset ^ a;
  es_pair sum = pair_of(s, t, a, b), x = es_subsets_pair(s, t, a), y = es_subsets_pair(s, t, b);
  sum.points += x.points + y.points;
  sum.elements += x.elements + y.elements;
  return sum;
}

/* ---- a whole network ----------------------------------------------------------------- */

int es_small_class(es_small *s, uint32_t who) {
  int c = s->n_classes;
  if (c == ES_SMALL_CLASSES) return -1;
  s->extent[c] = 1;
  for (int i = 0; i <= s->n; i++)
    if (who >> i & 1) (i < s->n ? s->operand[i] : s->out)[c / 64] |= UINT64_C(1) << c % 64;
  return s->n_classes++;
}

/* Labels that the same operands hold, and the output or not, are of one class. A label
 * that one operand alone holds is of none. False: too many classes. */
static bool small_from(const es_network *net, es_small *s) {
  uint32_t holders[ES_SMALL_CLASSES];
  int at[ES_PATH_EXACT + 1] = {0};
  *s = (es_small){.net = net, .n = net->n};
  for (int i = 0; i < net->n; i++) s->lone[i] = 1;
  for (int32_t label = 0; label < net->n_labels; label++) {
    uint32_t who = 0;
    for (int i = 0; i <= net->n; i++) {
      const es_label_set *set = i < net->n ? &net->operand[i] : &net->out;
      bool held = at[i] < set->n && set->label[at[i]] == label;
      at[i] += held;
      who |= (uint32_t)held << i;
    }
    if (!(who & (who - 1))) {
      if (who && who < 1u << net->n) s->lone[__builtin_ctz(who)] *= (double)net->extent[label];
      continue;
    }
    int c = 0;
    while (c < s->n_classes && holders[c] != who) c++;
    if (c == s->n_classes && es_small_class(s, who) < 0) return false;
    holders[c] = who;
    s->extent[c] *= (double)net->extent[label];
  }
  s->words = (s->n_classes + 63) / 64;
  return true;
}

/* Depth is at most n. Returns the number of the subset's value. */
static int write_merges(const es_subsets *t, int n, int subset, es_merge *merge, int *n_merges) {
  if (!(subset & (subset - 1))) return __builtin_ctz((unsigned)subset);
  int a = write_merges(t, n, t->split[subset], merge, n_merges);
  int b = write_merges(t, n, subset ^ t->split[subset], merge, n_merges);
  merge[*n_merges] = (es_merge){a, b};
  return n + (*n_merges)++;
}

es_status es_merge_exact(es_arena *arena, const es_network *net, es_merge *merge, bool *found,
                         es_error *error) {
  es_small *s = ES_NEW(arena, es_small);
  es_subsets t;
  double work = 0;
  if (!s) return es_fail_nomem(error);
  *found = small_from(net, s);
  if (!*found) return ES_OK;
  s->strangers = net->n <= ES_PATH_ALL;
  if (!es_subsets_init(arena, net->n, s->words, &t)) return es_fail_nomem(error);
  *found = es_small_solve(s, &t, INFINITY, &work);
  int n_merges = 0;
  if (*found) write_merges(&t, net->n, (1 << net->n) - 1, merge, &n_merges);
  return ES_OK;
}
