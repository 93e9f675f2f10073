/* A tree over many operands, mended piece by piece: the merges above a few values are solved
 * exactly (Gray and Kourtis, Hyper-optimized tensor network contraction, Quantum 5, 410 (2021)). */
#include <math.h>
#include <string.h>

#include "engine/order/path_mender.h"

enum { MOST_WORDS = 1 << 20 }; /* of the label sets of a tree */

static uint64_t *kept(const es_mender *m, int v) { return es_mender_kept(m, v); }

static double points(const es_mender *m, const uint64_t *a, const uint64_t *b) {
  return es_mender_points(m, a, b);
}

/* ---- the tree ------------------------------------------------------------------ */

bool es_mender_takes(const es_network *net) {
  return 2 * (int64_t)net->n * ((net->n_labels + 63) / 64) <= MOST_WORDS;
}

es_mender *es_mender_new(es_arena *arena, const es_network *net) {
  size_t values = 2 * (size_t)net->n;
  es_mender *m = ES_NEW(arena, es_mender);
  if (!m) return NULL;
  m->net = net;
  m->by_points = *net;
  m->by_points.element_bytes = 0;
  m->words = (net->n_labels + 63) / 64;
  m->extent = ES_NEW_N(arena, double, net->n_labels);
  m->merge = ES_NEW_N(arena, es_merge, net->n);
  m->kept = ES_NEW_N(arena, uint64_t, values * (size_t)m->words);
  m->size = ES_NEW_N(arena, double, values);
  m->lone = ES_NEW_N(arena, double, values);
  m->cost = ES_NEW_N(arena, double, values);
  m->label_class = ES_NEW_N(arena, int, net->n_labels);
  m->holders = ES_NEW_N(arena, int, net->n_labels);
  m->order = ES_NEW_N(arena, int, net->n);
  m->stack = ES_NEW_N(arena, int, values);
  m->number = ES_NEW_N(arena, int, values);
  m->turned = ES_NEW_N(arena, uint64_t, m->words);
  bool ok = m->extent && m->merge && m->kept && m->size && m->lone && m->cost && m->label_class &&
            m->holders && m->order && m->stack && m->number && m->turned &&
            es_subsets_init(arena, ES_PIECE, ES_SMALL_CLASSES / 64, &m->subsets);
  return ok ? m : NULL;
}

/* The merge that makes a value, whose size is known, and which walks so many points. */
static es_pair pair_of(const es_mender *m, int v, double walked) {
  int a = m->merge[v - m->net->n].a, b = m->merge[v - m->net->n].b;
  return es_pair_of(m->net, walked, (es_extents){m->size[a], m->lone[a]},
                    (es_extents){m->size[b], m->lone[b]}, m->size[v]);
}

static double walked_by(const es_mender *m, int v) {
  const es_merge *merge = &m->merge[v - m->net->n];
  return points(m, kept(m, merge->a), kept(m, merge->b));
}

static void price(es_mender *m, int v) {
  m->size[v] = points(m, kept(m, v), kept(m, v));
  m->cost[v] = es_pair_cost(m->net, pair_of(m, v, walked_by(m, v)));
}

/* What something else needs of each operand, and what nothing does. */
static void load_operands(es_mender *m) {
  memset(m->kept, 0, sizeof *m->kept * (size_t)m->net->n * (size_t)m->words);
  for (int v = 0; v < m->net->n; v++) {
    const es_label_set *set = &m->net->operand[v];
    m->size[v] = m->lone[v] = 1;
    for (int j = 0; j < set->n; j++) {
      int l = set->label[j];
      if (m->holders[l] < 2) {
        m->lone[v] *= m->extent[l];
        continue;
      }
      m->size[v] *= m->extent[l];
      kept(m, v)[l / 64] |= UINT64_C(1) << l % 64;
    }
  }
}

/* One pass over the labels of both values: what the merge walks, keeps and costs. */
static void load_merge(es_mender *m, int v) {
  const es_merge *merge = &m->merge[v - m->net->n];
  const uint64_t *a = kept(m, merge->a), *b = kept(m, merge->b);
  double walked = 1, size = 1;
  for (int w = 0; w < m->words; w++) {
    uint64_t both = a[w] & b[w], set = 0;
    for (uint64_t any = a[w] | b[w]; any; any &= any - 1) {
      int label = w * 64 + __builtin_ctzll(any);
      walked *= m->extent[label];
      m->holders[label] -= (both & any & -any) != 0;
      if (m->holders[label] < 2) continue;
      size *= m->extent[label];
      set |= any & -any;
    }
    kept(m, v)[w] = set;
  }
  m->size[v] = size;
  m->lone[v] = 1;
  m->cost[v] = es_pair_cost(m->net, pair_of(m, v, walked));
}

void es_mender_load(es_mender *m, const es_merge *merge) {
  const es_network *net = m->net;
  for (int l = 0; l < net->n_labels; l++) m->extent[l] = (double)net->extent[l];
  memset(m->holders, 0, sizeof *m->holders * (size_t)net->n_labels);
  memcpy(m->merge, merge, sizeof *merge * (size_t)(net->n - 1));
  for (int i = 0; i <= net->n; i++) {
    const es_label_set *set = i < net->n ? &net->operand[i] : &net->out;
    for (int j = 0; j < set->n; j++) m->holders[set->label[j]]++;
  }
  load_operands(m);
  m->total = 0;
  for (int v = net->n; v < 2 * net->n - 1; v++) {
    load_merge(m, v);
    m->total += m->cost[v];
  }
}

double es_mender_cost(const es_mender *m) { return m->total; }

double es_mender_largest(const es_mender *m) {
  double largest = 0;
  for (int v = m->net->n; v < 2 * m->net->n - 2; v++) largest = fmax(largest, m->size[v]);
  return largest;
}

/* Post-order without recursion: a tree may be as deep as n. */
void es_mender_store(es_mender *m, es_merge *merge) {
  int n = m->net->n, top = 0, made = 0;
  for (int v = 0; v < 2 * n - 1; v++) m->number[v] = v < n ? v : -1;
  m->stack[top++] = 2 * n - 2;
  while (top) {
    int v = m->stack[top - 1], a = m->merge[v - n].a, b = m->merge[v - n].b;
    if (m->number[a] < 0) {
      m->stack[top++] = a;
    } else if (m->number[b] < 0) {
      m->stack[top++] = b;
    } else {
      merge[made] = (es_merge){m->number[a], m->number[b]};
      m->number[v] = n + made++;
      top--;
    }
  }
}

/* ---- one piece ------------------------------------------------------------------- */

/* The merges above the piece's values: the dearest value is opened next. */
static double cut_piece(es_mender *m, int root) {
  int n = m->net->n;
  m->n_leaves = m->n_inner = 0;
  m->leaf[m->n_leaves++] = root;
  double cost = 0;
  while (m->n_leaves < ES_PIECE) {
    int at = -1;
    for (int i = 0; i < m->n_leaves; i++)
      if (m->leaf[i] >= n && (at < 0 || m->cost[m->leaf[i]] > m->cost[m->leaf[at]])) at = i;
    if (at < 0) break;
    int v = m->leaf[at];
    m->inner[m->n_inner++] = v;
    cost += m->cost[v];
    m->leaf[at] = m->merge[v - n].a;
    m->leaf[m->n_leaves++] = m->merge[v - n].b;
  }
  return cost;
}

static uint32_t holders_of(const es_mender *m, int root, int word, uint64_t bit) {
  uint32_t who = (kept(m, root)[word] & bit) ? 1u << m->n_leaves : 0;
  for (int i = 0; i < m->n_leaves; i++)
    who |= (uint32_t)((kept(m, m->leaf[i])[word] & bit) != 0) << i;
  return who;
}

/* Writes the piece as a small network. False: too many classes of labels. */
static bool describe_piece(es_mender *m, int root) {
  es_small *s = &m->small;
  s->n = m->n_leaves;
  s->n_classes = 0;
  memset(s->operand, 0, sizeof s->operand);
  memset(s->out, 0, sizeof s->out);
  m->pieces++;
  for (int i = 0; i < s->n; i++) s->lone[i] = m->lone[m->leaf[i]];
  for (int w = 0; w < m->words; w++) {
    uint64_t any = 0;
    for (int i = 0; i < m->n_leaves; i++) any |= kept(m, m->leaf[i])[w];
    for (; any; any &= any - 1) {
      uint32_t who = holders_of(m, root, w, any & -any);
      int label = w * 64 + __builtin_ctzll(any);
      if (m->seen[who] != m->pieces) {
        m->seen[who] = m->pieces;
        m->class_of[who] = es_small_class(s, who);
        if (m->class_of[who] < 0) return false;
      }
      m->label_class[label] = m->class_of[who];
      s->extent[m->class_of[who]] *= m->extent[label];
    }
  }
  s->words = (s->n_classes + 63) / 64;
  return true;
}

/* Rewrites the merges of the piece; the root stays the root. Depth is at most ES_PIECE. */
static int write_piece(es_mender *m, int subset) {
  if (!(subset & (subset - 1))) return m->leaf[__builtin_ctz((unsigned)subset)];
  int v = m->inner[m->next_inner++];
  int a = write_piece(m, m->subsets.split[subset]);
  int b = write_piece(m, subset ^ m->subsets.split[subset]);
  m->merge[v - m->net->n] = (es_merge){a, b};
  const uint64_t *classes = m->subsets.kept + subset * m->small.words;
  for (int w = 0; w < m->words; w++) {
    uint64_t set = 0;
    for (uint64_t any = kept(m, a)[w] | kept(m, b)[w]; any; any &= any - 1) {
      int c = m->label_class[w * 64 + __builtin_ctzll(any)];
      if (classes[c / 64] >> c % 64 & 1) set |= any & -any;
    }
    kept(m, v)[w] = set;
  }
  price(m, v);
  return v;
}

/* Solves a piece for the costs of net below bound. Where that costs no more than may_cost, and
 * has at most may_points, it takes the place of the old one, which cost `before`. */
static bool renew_piece(es_mender *m, const es_network *net, double bound, double before,
                        double may_cost, double may_points) {
  int all = (1 << m->n_leaves) - 1;
  m->small.net = net;
  if (!es_small_solve(&m->small, &m->subsets, bound, &m->work)) return false;
  m->small.net = m->net;
  es_pair pair = es_subsets_pair(&m->small, &m->subsets, all);
  double cost = es_pair_cost(m->net, pair);
  if (cost > may_cost || pair.points > may_points) return false;
  m->next_inner = 0;
  write_piece(m, all);
  m->total += cost - before;
  return true;
}

/* The piece below root and what it costs. False: too few values, or too many classes of labels. */
static bool open_piece(es_mender *m, int root, double *cost) {
  *cost = cut_piece(m, root);
  m->work += 4 * m->words * m->n_leaves;
  return m->n_leaves >= 3 && describe_piece(m, root);
}

static bool mend_piece(es_mender *m, int root) {
  double cost;
  return open_piece(m, root, &cost) && renew_piece(m, m->net, cost * ES_LESS, cost, cost, INFINITY);
}

static double points_of_piece(const es_mender *m) {
  double sum = 0;
  for (int i = 0; i < m->n_inner; i++)
    sum += pair_of(m, m->inner[i], walked_by(m, m->inner[i])).points;
  return sum;
}

/* What is summed before depends on the bytes too, so the points are counted once more. */
static bool lean_piece(es_mender *m, int root) {
  double cost;
  if (!open_piece(m, root, &cost)) return false;
  double fewer = points_of_piece(m) * ES_LESS;
  return renew_piece(m, &m->by_points, fewer, cost, cost + m->may_cost - m->total, fewer);
}

/* ---- all of them --------------------------------------------------------------------- */

/* Returns how many pieces are worth a look: the root's is the whole of a small tree. */
static int sort_by_cost(es_mender *m) {
  int n = m->net->n, count = n - 1;
  m->order[0] = 2 * n - 2;
  if (n <= ES_PIECE) return 1;
  const double *cost = m->cost;
  for (int i = 0; i < count; i++) m->order[i] = n + i;
  for (int gap = count / 2; gap; gap /= 2)
    for (int i = gap; i < count; i++) {
      int v = m->order[i], at = i;
      for (; at >= gap && cost[m->order[at - gap]] < cost[v]; at -= gap)
        m->order[at] = m->order[at - gap];
      m->order[at] = v;
    }
  return count;
}

/* Piece after piece until none gets better, or the limit of work is reached. */
static void renew_all(es_mender *m, double limit, double *work,
                      bool (*renew)(es_mender *m, int root)) {
  bool better = true;
  m->work = *work;
  while (better && m->work < limit) {
    int n = sort_by_cost(m);
    better = false;
    for (int i = 0; i < n && m->work < limit; i++) better |= renew(m, m->order[i]);
  }
  *work = m->work;
}

bool es_mender_mend(es_mender *m, double limit, double *work) {
  renew_all(m, limit, work, mend_piece);
  return m->work < limit;
}

/* What is known of the time that orders take: a part of the cost, and of what a step takes
 * besides, in multiply-adds. */
static const double ALIKE = 0.02, STEP = 2000;

void es_mender_lean(es_mender *m, double limit, double *work) {
  m->may_cost = m->total + ALIKE * (m->total + STEP * (m->net->n - 1));
  renew_all(m, limit, work, lean_piece);
}
