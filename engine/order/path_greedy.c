/* Greedy merging: of all pairs that share a label, take the one that scores best. Each
 * label keeps its holders in a linked list, and only neighbours in a list are
 * candidates, so the work is near-linear in the labels held, hyper-edges included.
 * Scores with a penalty and noise: Gray and Kourtis, Hyper-optimized tensor network
 * contraction, Quantum 5, 410 (2021). */
#include <math.h>

#include "base/random.h"
#include "engine/order/path_heap.h"
#include "engine/order/path_tree.h"

/* Holders looked at on either side of a holder in a label's list. */
enum { REACH = 2 };

typedef struct held { /* one label of one value, a link of the label's list */
  int32_t label;
  int value;
  int prev, next; /* held ids, -1 at the ends */
} held;

typedef struct search {
  es_arena *arena;
  const es_network *net;
  const es_greedy *rule;
  uint64_t drawn; /* random numbers so far */
  double total;   /* cost of the merges so far */
  held *held;
  int *first_held; /* [2n - 1]: the first of the value's links, ascending labels */
  int n_held, cap_held;
  es_label_set *set; /* [2n - 1] */
  double *size;      /* [2n - 1] elements */
  bool *merged;      /* [2n - 1] no longer alive */
  int *paired;       /* [2n - 1] the value it was looked at with last, or 0 */
  int *holders;      /* [n_labels] alive, +1 when the output holds it */
  es_heap heap;
  double work, bound;
} search;

/* What a merge of a and b makes: its labels go into out[], which may be NULL. */
typedef struct merged {
  int n;               /* labels of the result */
  int shared;          /* of both */
  double points, size; /* over the labels of either, and over those of the result */
} merged;

static merged merge_of(const search *s, int a, int b, int32_t *out) {
  es_label_set x = s->set[a], y = s->set[b];
  merged m = {.points = 1, .size = 1};
  for (int i = 0, j = 0; i < x.n || j < y.n;) {
    bool from_x = i < x.n && (j >= y.n || x.label[i] <= y.label[j]);
    bool from_y = j < y.n && (i >= x.n || y.label[j] <= x.label[i]);
    int32_t label = from_x ? x.label[i] : y.label[j];
    double extent = (double)s->net->extent[label];
    i += from_x;
    j += from_y;
    m.points *= extent;
    m.shared += from_x && from_y;
    if (s->holders[label] <= from_x + from_y) continue;
    m.size *= extent;
    if (out) out[m.n] = label;
    m.n++;
  }
  return m;
}

static double noise(search *s) {
  double u = es_random_uniform(s->rule->seed, s->drawn++, 24);
  return log2(-log2(u + 0x1p-25)); /* of Gumbel's distribution, turned over */
}

/* A pair is as likely as all its labels, each on its own, would make it: the least of so many
 * draws is one, less the logarithm of their number. */
static double score(search *s, const merged *m, double replaced) {
  const es_greedy *rule = s->rule;
  double x = m->size / rule->penalty - replaced * rule->penalty;
  if (rule->temperature == 0) return x;
  return (x < 0 ? -log2(1 - x) : log2(1 + x)) +
         rule->temperature * (noise(s) - log2((double)m->shared));
}

/* Values that share many labels meet at each of them: once is enough. */
static bool consider(search *s, int a, int b) {
  if (a == b) return true;
  s->work += 4 + 0.25 * (s->set[a].n + s->set[b].n);
  if (s->paired[b] == a + 1) return true;
  s->paired[b] = a + 1;
  es_candidate c = {.a = a < b ? a : b, .b = a < b ? b : a};
  merged m = merge_of(s, c.a, c.b, NULL);
  double by_memory = score(s, &m, s->size[a] + s->size[b]);
  c.score = s->rule->by_points ? m.points : by_memory;
  c.then = s->rule->by_points ? by_memory : s->rule->by_age ? c.b : m.points;
  return es_heap_push(&s->heap, c);
}

/* Pairs v with its neighbours in the list of each of its labels. */
static bool consider_neighbours(search *s, int v, bool both_sides) {
  for (int i = 0; i < s->set[v].n; i++) {
    const held *link = &s->held[s->first_held[v] + i];
    int next = link->next, prev = both_sides ? link->prev : -1;
    for (int k = 0; k < REACH; k++) {
      if (next >= 0 && !consider(s, v, s->held[next].value)) return false;
      if (prev >= 0 && !consider(s, v, s->held[prev].value)) return false;
      next = next >= 0 ? s->held[next].next : -1;
      prev = prev >= 0 ? s->held[prev].prev : -1;
    }
  }
  return true;
}

static int new_held(search *s, int count) {
  for (int i = 0; i < count; i++, s->n_held++) {
    held *more = es_arena_grow(s->arena, s->held, s->n_held, &s->cap_held, sizeof *more);
    if (!more) return -1;
    s->held = more;
  }
  return s->n_held - count;
}

static void unlink_held(search *s, int id) {
  const held *h = &s->held[id];
  if (h->prev >= 0) s->held[h->prev].next = h->next;
  if (h->next >= 0) s->held[h->next].prev = h->prev;
}

/* The links of a's and b's labels become links of v, or leave their lists. */
static bool relink(search *s, int a, int b, int v) {
  int first = new_held(s, s->set[v].n);
  if (first < 0) return false;
  s->first_held[v] = first;
  int from[2] = {a, b}, at[2] = {0, 0};
  int kept = 0;
  while (at[0] < s->set[a].n || at[1] < s->set[b].n) {
    int32_t label = INT32_MAX;
    for (int k = 0; k < 2; k++)
      if (at[k] < s->set[from[k]].n && s->set[from[k]].label[at[k]] < label)
        label = s->set[from[k]].label[at[k]];
    bool keep = kept < s->set[v].n && s->set[v].label[kept] == label;
    bool taken = false;
    for (int k = 0; k < 2; k++) {
      if (at[k] >= s->set[from[k]].n || s->set[from[k]].label[at[k]] != label) continue;
      int id = s->first_held[from[k]] + at[k]++;
      s->holders[label]--;
      if (!keep || taken) {
        unlink_held(s, id);
        continue;
      }
      held *mine = &s->held[first + kept];
      *mine = (held){label, v, s->held[id].prev, s->held[id].next};
      if (mine->prev >= 0) s->held[mine->prev].next = first + kept;
      if (mine->next >= 0) s->held[mine->next].prev = first + kept;
      taken = true;
    }
    if (keep) {
      s->holders[label]++;
      kept++;
    }
  }
  return true;
}

static bool merge_values(search *s, int a, int b, int v) {
  int32_t *label = ES_NEW_N(s->arena, int32_t, s->set[a].n + s->set[b].n);
  if (!label) return false;
  merged m = merge_of(s, a, b, label);
  s->set[v] = (es_label_set){m.n, label};
  s->size[v] = m.size;
  s->total += es_pair_cost(s->net, es_pair_of(s->net, m.points, (es_extents){s->size[a], 1},
                                              (es_extents){s->size[b], 1}, m.size));
  s->merged[a] = s->merged[b] = true;
  return relink(s, a, b, v);
}

static bool init(search *s) {
  const es_network *net = s->net;
  int *last = ES_NEW_N(s->arena, int, net->n_labels);
  s->first_held = ES_NEW_N(s->arena, int, 2 * net->n);
  s->set = ES_NEW_N(s->arena, es_label_set, 2 * net->n);
  s->size = ES_NEW_N(s->arena, double, 2 * net->n);
  s->merged = ES_NEW_N(s->arena, bool, 2 * net->n);
  s->paired = ES_NEW_N(s->arena, int, 2 * net->n);
  s->holders = ES_NEW_N(s->arena, int, net->n_labels);
  if (!last || !s->paired || !s->first_held || !s->set || !s->size || !s->merged || !s->holders)
    return false;
  for (int l = 0; l < net->n_labels; l++) last[l] = -1;
  for (int j = 0; j < net->out.n; j++) s->holders[net->out.label[j]]++;
  for (int v = 0; v < net->n; v++) {
    s->set[v] = net->operand[v];
    s->size[v] = es_label_points(net, net->operand[v]);
    s->first_held[v] = new_held(s, net->operand[v].n);
    if (s->first_held[v] < 0) return false;
    for (int j = 0; j < net->operand[v].n; j++) {
      int32_t label = net->operand[v].label[j];
      int id = s->first_held[v] + j;
      s->held[id] = (held){label, v, last[label], -1};
      if (last[label] >= 0) s->held[last[label]].next = id;
      last[label] = id;
      s->holders[label]++;
    }
  }
  return true;
}

/* What shares no label any more is joined smallest first. */
static bool outer_products(search *s, es_merge *merge, int made) {
  int n = s->net->n;
  s->heap.n = 0;
  for (int v = 0; v < n + made; v++)
    if (!s->merged[v] && !es_heap_push(&s->heap, (es_candidate){s->size[v], 0, v, v})) return false;
  while (made < n - 1) {
    int a = es_heap_pop(&s->heap).a, b = es_heap_pop(&s->heap).a, v = n + made;
    if (!merge_values(s, a, b, v)) return false;
    merge[made++] = (es_merge){a < b ? a : b, a < b ? b : a};
    if (!es_heap_push(&s->heap, (es_candidate){s->size[v], 0, v, v})) return false;
  }
  return true;
}

/* Ends early, with a total above the bound, where a tree gets that dear. */
static bool run(search *s, es_merge *merge) {
  if (!init(s)) return false;
  int n = s->net->n, made = 0;
  for (int v = 0; v < n; v++)
    if (!consider_neighbours(s, v, false)) return false;
  while (s->heap.n && s->total <= s->bound) {
    es_candidate c = es_heap_pop(&s->heap);
    if (s->merged[c.a] || s->merged[c.b]) continue;
    int v = n + made;
    if (!merge_values(s, c.a, c.b, v)) return false;
    merge[made++] = (es_merge){c.a, c.b};
    if (!consider_neighbours(s, v, true)) return false;
  }
  return s->total > s->bound || outer_products(s, merge, made);
}

bool es_merge_greedy(es_arena *arena, const es_network *net, const es_greedy *rule, double bound,
                     es_merge *merge, double *cost, double *work) {
  es_arena own; /* the lists grow and are left behind */
  es_arena_init(&own, &arena->allocator);
  search s = {.arena = &own, .net = net, .rule = rule, .bound = bound, .heap = {.arena = &own}};
  bool ok = run(&s, merge);
  *cost = s.total;
  *work += s.work;
  es_arena_free(&own);
  return ok;
}
