/* A good tree over many operands: greedy trees with noise, the best of which are
 * mended by solving piece after piece exactly (Gray and Kourtis 2021, as above). */
#include <math.h>
#include <string.h>

#include "engine/order/path_tree.h"

enum {
  BEST = 3,            /* greedy trees that are mended */
  PIECE = 8,           /* values of a piece that is solved */
  MOST_WORDS = 1 << 20 /* of label sets of a tree; above it stays as it is */
};

/* Splits looked at: some nanoseconds each. As long as the contraction itself is
 * expected to take, between two limits. */
static const double WORK_LEAST = 1e5, WORK_EACH = 600, WORK_MOST = 6e5;

/* Multiply-adds that nobody will wait for, whatever a better order saves: a search for one
 * would only delay the refusal. */
static const double HOPELESS = 1e36;

typedef struct tree {
  const es_network *net;
  int words;
  double *extent;  /* [n_labels] */
  es_merge *merge; /* [n - 1] */
  uint64_t *kept;  /* [2n - 1][words] labels of a value that something outside needs */
  double *size;    /* [2n - 1] elements */
  double *cost;    /* [2n - 1] of the merge that makes the value */
  double total;
} tree;

typedef struct mender {
  es_arena *arena;
  const es_network *net;
  tree tree;
  es_small small;
  es_subsets subsets;
  int leaf[PIECE];  /* the values of the piece */
  int inner[PIECE]; /* the merges between them, the root first */
  int n_leaves, n_inner, next_inner;
  int class_of[2 << PIECE]; /* by the values that hold a label, and the outside */
  uint32_t seen[2 << PIECE];
  uint32_t pieces;
  int *label_class; /* [n_labels] in the piece */
  int *order;       /* [n - 1] merges, the dearest first */
  double work, limit;
} mender;

/* ---- the tree ------------------------------------------------------------------ */

static bool tree_init(es_arena *arena, const es_network *net, tree *t) {
  size_t values = 2 * (size_t)net->n;
  *t = (tree){.net = net, .words = (net->n_labels + 63) / 64};
  t->extent = ES_NEW_N(arena, double, net->n_labels);
  t->merge = ES_NEW_N(arena, es_merge, net->n);
  t->kept = ES_NEW_N(arena, uint64_t, values * (size_t)t->words);
  t->size = ES_NEW_N(arena, double, values);
  t->cost = ES_NEW_N(arena, double, values);
  if (!t->extent || !t->merge || !t->kept || !t->size || !t->cost) return false;
  for (int l = 0; l < net->n_labels; l++) t->extent[l] = (double)net->extent[l];
  return true;
}

static uint64_t *kept(const tree *t, int v) { return t->kept + (size_t)v * (size_t)t->words; }

static double points(const tree *t, const uint64_t *a, const uint64_t *b) {
  return es_set_points(t->words, t->extent, a, b);
}

static void price(tree *t, int v) {
  const es_merge *m = &t->merge[v - t->net->n];
  t->size[v] = points(t, kept(t, v), kept(t, v));
  t->cost[v] = es_merge_cost(t->net, points(t, kept(t, m->a), kept(t, m->b)),
                             t->size[m->a] + t->size[m->b] + t->size[v]);
}

/* The sets and costs of merges that use earlier values alone. */
static bool tree_fill(es_arena *arena, tree *t) {
  const es_network *net = t->net;
  int *holders = ES_NEW_N(arena, int, net->n_labels);
  if (!holders) return false;
  memset(t->kept, 0, sizeof *t->kept * 2 * (size_t)net->n * (size_t)t->words);
  for (int i = 0; i <= net->n; i++) {
    const es_label_set *set = i < net->n ? &net->operand[i] : &net->out;
    for (int j = 0; j < set->n; j++) holders[set->label[j]]++;
  }
  for (int v = 0; v < net->n; v++) {
    const es_label_set *set = &net->operand[v];
    for (int j = 0; j < set->n; j++) /* what v alone holds is reduced before */
      if (holders[set->label[j]] > 1)
        kept(t, v)[set->label[j] / 64] |= UINT64_C(1) << set->label[j] % 64;
    t->size[v] = points(t, kept(t, v), kept(t, v));
  }
  t->total = 0;
  for (int v = net->n; v < 2 * net->n - 1; v++) {
    const uint64_t *a = kept(t, t->merge[v - net->n].a), *b = kept(t, t->merge[v - net->n].b);
    for (int w = 0; w < t->words; w++) {
      for (uint64_t both = a[w] & b[w]; both; both &= both - 1)
        holders[w * 64 + __builtin_ctzll(both)]--;
      for (uint64_t any = a[w] | b[w]; any; any &= any - 1)
        if (holders[w * 64 + __builtin_ctzll(any)] > 1) kept(t, v)[w] |= any & -any;
    }
    price(t, v);
    t->total += t->cost[v];
  }
  return true;
}

/* ---- one piece ------------------------------------------------------------------- */

/* The merges above the piece's values: the dearest value is opened next. */
static double cut_piece(mender *m, int root) {
  const tree *t = &m->tree;
  int n = m->net->n;
  m->n_leaves = m->n_inner = 0;
  m->leaf[m->n_leaves++] = root;
  double cost = 0;
  while (m->n_leaves < PIECE) {
    int at = -1;
    for (int i = 0; i < m->n_leaves; i++)
      if (m->leaf[i] >= n && (at < 0 || t->cost[m->leaf[i]] > t->cost[m->leaf[at]])) at = i;
    if (at < 0) break;
    int v = m->leaf[at];
    m->inner[m->n_inner++] = v;
    cost += t->cost[v];
    m->leaf[at] = t->merge[v - n].a;
    m->leaf[m->n_leaves++] = t->merge[v - n].b;
  }
  return cost;
}

static uint32_t holders_of(const mender *m, int root, int word, uint64_t bit) {
  const tree *t = &m->tree;
  uint32_t who = (kept(t, root)[word] & bit) ? 1u << m->n_leaves : 0;
  for (int i = 0; i < m->n_leaves; i++)
    who |= (uint32_t)((kept(t, m->leaf[i])[word] & bit) != 0) << i;
  return who;
}

/* Writes the piece as a small network. False: too many classes of labels. */
static bool describe_piece(mender *m, int root) {
  const tree *t = &m->tree;
  es_small *s = &m->small;
  s->n = m->n_leaves;
  s->n_classes = 0;
  memset(s->operand, 0, sizeof s->operand);
  memset(s->out, 0, sizeof s->out);
  m->pieces++;
  for (int w = 0; w < t->words; w++) {
    uint64_t any = 0;
    for (int i = 0; i < m->n_leaves; i++) any |= kept(t, m->leaf[i])[w];
    for (; any; any &= any - 1) {
      uint32_t who = holders_of(m, root, w, any & -any);
      int label = w * 64 + __builtin_ctzll(any);
      if (m->seen[who] != m->pieces) {
        m->seen[who] = m->pieces;
        m->class_of[who] = es_small_class(s, who);
        if (m->class_of[who] < 0) return false;
      }
      m->label_class[label] = m->class_of[who];
      s->extent[m->class_of[who]] *= t->extent[label];
    }
  }
  s->words = (s->n_classes + 63) / 64;
  return true;
}

/* Rewrites the merges of the piece; the root stays the root. Depth is at most PIECE. */
static int write_piece(mender *m, int subset) {
  if (!(subset & (subset - 1))) return m->leaf[__builtin_ctz((unsigned)subset)];
  tree *t = &m->tree;
  int v = m->inner[m->next_inner++];
  int a = write_piece(m, m->subsets.split[subset]);
  int b = write_piece(m, subset ^ m->subsets.split[subset]);
  t->merge[v - m->net->n] = (es_merge){a, b};
  const uint64_t *classes = m->subsets.kept + subset * m->small.words;
  for (int w = 0; w < t->words; w++) {
    uint64_t set = 0;
    for (uint64_t any = kept(t, a)[w] | kept(t, b)[w]; any; any &= any - 1) {
      int c = m->label_class[w * 64 + __builtin_ctzll(any)];
      if (classes[c / 64] >> c % 64 & 1) set |= any & -any;
    }
    kept(t, v)[w] = set;
  }
  price(t, v);
  return v;
}

static bool mend_piece(mender *m, int root) {
  double cost = cut_piece(m, root);
  m->work += 4 * m->tree.words * m->n_leaves;
  if (m->n_leaves < 3 || !describe_piece(m, root)) return false;
  if (!es_small_solve(&m->small, &m->subsets, cost * (1 - 1e-9), &m->work)) return false;
  m->next_inner = 0;
  write_piece(m, (1 << m->n_leaves) - 1);
  m->tree.total += m->subsets.cost[(1 << m->n_leaves) - 1] - cost;
  return true;
}

/* ---- the whole ------------------------------------------------------------------- */

static void sort_by_cost(mender *m) {
  int n = m->net->n, count = n - 1;
  const double *cost = m->tree.cost;
  for (int i = 0; i < count; i++) m->order[i] = n + i;
  for (int gap = count / 2; gap; gap /= 2)
    for (int i = gap; i < count; i++) {
      int v = m->order[i], at = i;
      for (; at >= gap && cost[m->order[at - gap]] < cost[v]; at -= gap)
        m->order[at] = m->order[at - gap];
      m->order[at] = v;
    }
}

static void mend(mender *m, double limit) {
  bool better = true;
  while (better && m->work < limit) {
    better = false;
    sort_by_cost(m);
    for (int i = 0; i < m->net->n - 1 && m->work < limit; i++) better |= mend_piece(m, m->order[i]);
  }
}

/* The best trees so far, the best first, and room for one more. */
typedef struct ranking {
  int n;
  es_merge *merge[BEST + 1];
  double cost[BEST + 1];
} ranking;

static void rank(ranking *r, double cost) {
  int at = r->n;
  es_merge *merge = r->merge[at];
  for (; at && r->cost[at - 1] > cost; at--) {
    r->cost[at] = r->cost[at - 1];
    r->merge[at] = r->merge[at - 1];
  }
  r->cost[at] = cost;
  r->merge[at] = merge;
  if (r->n < BEST) r->n++;
}

/* The rounds of one seed draw from streams that those of another do not meet. */
static es_greedy greedy_rule(int round, uint64_t order_seed) {
  static const double penalty[] = {1, 0.7, 1.4, 0.5, 2, 0.35};
  static const double temperature[] = {0.01, 0.1, 0.3, 1};
  if (round == 0) return (es_greedy){.by_age = true, .penalty = 1};
  if (round == 1) return (es_greedy){.penalty = 1};
  if (round == 2) return (es_greedy){.by_points = true, .penalty = 1};
  return (es_greedy){.penalty = penalty[round % 6],
                     .temperature = temperature[round / 6 % 4],
                     .seed = order_seed * 0x9E3779B97F4A7C15u + (uint64_t)round};
}

static bool greedy_round(mender *m, int round, ranking *r) {
  es_greedy rule = greedy_rule(round, m->net->seed);
  double cost, bound = r->n == 0 ? INFINITY : r->n < BEST ? 8 * r->cost[0] : r->cost[BEST - 1];
  if (!es_merge_greedy(m->arena, m->net, &rule, bound, r->merge[r->n], &cost, &m->work))
    return false;
  if (cost <= bound) rank(r, cost);
  return true;
}

static bool global_round(mender *m, int round, ranking *r) {
  bool ok = round % 2 ? es_merge_halve(m->arena, m->net, round / 2, r->merge[r->n], &m->work)
                      : es_merge_sweep(m->arena, m->net, round / 2, r->merge[r->n], &m->work);
  if (!ok) return false;
  memcpy(m->tree.merge, r->merge[r->n], sizeof(es_merge) * (size_t)(m->net->n - 1));
  if (!tree_fill(m->arena, &m->tree)) return false;
  rank(r, m->tree.total);
  return true;
}

static bool mender_init(es_arena *arena, const es_network *net, mender *m) {
  m->small.net = net;
  m->label_class = ES_NEW_N(arena, int, net->n_labels);
  m->order = ES_NEW_N(arena, int, net->n);
  return m->label_class && m->order && tree_init(arena, net, &m->tree) &&
         es_subsets_init(arena, PIECE, ES_SMALL_CLASSES / 64, &m->subsets);
}

/* Mends each of the best trees; the best of these is the answer. */
static bool mend_best(mender *m, const ranking *r, double limit, es_merge *merge) {
  size_t bytes = sizeof *merge * (size_t)(m->net->n - 1);
  double best = INFINITY, from = m->work;
  for (int i = 0; i < r->n; i++) {
    memcpy(m->tree.merge, r->merge[i], bytes);
    if (!tree_fill(m->arena, &m->tree)) return false;
    mend(m, from + (limit - from) * (i + 1) / r->n);
    if (m->tree.total >= best) continue;
    best = m->tree.total;
    memcpy(merge, m->tree.merge, bytes);
  }
  return true;
}

static bool search(mender *m, double effort, bool mends, es_merge *merge) {
  ranking r = {0};
  for (int i = 0; i <= BEST; i++)
    if (!(r.merge[i] = ES_NEW_N(m->arena, es_merge, m->net->n))) return false;
  if (!greedy_round(m, 0, &r)) return false;
  double limit = effort * fmax(fmax(WORK_LEAST, WORK_EACH * m->net->n), fmin(WORK_MOST, r.cost[0]));
  if (r.cost[0] > HOPELESS) mends = false;
  int least = r.cost[0] > HOPELESS ? 1 : 3;
  for (int round = 1; round < least || (least > 1 && m->work < limit / 2); round++)
    if (!greedy_round(m, round, &r) || (mends && !global_round(m, round, &r))) return false;
  if (mends) return mend_best(m, &r, limit, merge);
  memcpy(merge, r.merge[0], sizeof *merge * (size_t)(m->net->n - 1));
  return true;
}

es_status es_merge_search(es_arena *arena, const es_network *net, double effort, es_merge *merge,
                          es_error *error) {
  mender *m = ES_NEW(arena, mender);
  bool mends = 2 * (int64_t)net->n * ((net->n_labels + 63) / 64) <= MOST_WORDS;
  if (!m) return es_fail_nomem(error);
  m->arena = arena;
  m->net = net;
  bool ok = (!mends || mender_init(arena, net, m)) && search(m, effort, mends, merge);
  return ok ? ES_OK : es_fail_nomem(error);
}
