/* Greedy merging: of all pairs that share a label, take the best by a rule; the
 * better tree of two rules wins. Each label keeps its holders in a linked list, and
 * only neighbours in a list are candidates, so the work is near-linear in the labels
 * held, hyper-edges included. */
#include <string.h>

#include "engine/path_tree.h"

/* Holders looked at on either side of a holder in a label's list. */
enum { REACH = 2 };

typedef struct held { /* one label of one value, a link of the label's list */
  int32_t label;
  int value;
  int prev, next; /* held ids, -1 at the ends */
} held;

/* Neither rule is good everywhere: the first (opt_einsum's) keeps intermediates
 * small, the second does the cheap work first. */
typedef enum rule {
  LEAST_MEMORY, /* elements of the result less those of the two it replaces */
  LEAST_POINTS
} rule;

typedef struct candidate {
  double score, then;
  int a, b;
} candidate;

typedef struct search {
  es_arena *arena;
  const es_network *net;
  rule rule;
  double total; /* points of the merges so far */
  held *held;
  int *first_held; /* [2n - 1]: the first of the value's links, ascending labels */
  int n_held, cap_held;
  es_label_set *set; /* [2n - 1] */
  double *size;      /* [2n - 1] elements */
  bool *merged;      /* [2n - 1] no longer alive */
  int *holders;      /* [n_labels] alive, +1 when the output holds it */
  candidate *heap;
  int n_heap, cap_heap;
} search;

static bool before(const candidate *x, const candidate *y) {
  if (x->score != y->score) return x->score < y->score;
  if (x->then != y->then) return x->then < y->then;
  if (x->a != y->a) return x->a < y->a;
  return x->b < y->b;
}

static bool push(search *s, candidate c) {
  candidate *heap = es_arena_grow(s->arena, s->heap, s->n_heap, &s->cap_heap, sizeof *heap);
  if (!heap) return false;
  s->heap = heap;
  int at = s->n_heap++;
  for (; at && before(&c, &s->heap[(at - 1) / 2]); at = (at - 1) / 2)
    s->heap[at] = s->heap[(at - 1) / 2];
  s->heap[at] = c;
  return true;
}

static candidate pop(search *s) {
  candidate top = s->heap[0], last = s->heap[--s->n_heap];
  int at = 0;
  for (int child; (child = 2 * at + 1) < s->n_heap; at = child) {
    if (child + 1 < s->n_heap && before(&s->heap[child + 1], &s->heap[child])) child++;
    if (!before(&s->heap[child], &last)) break;
    s->heap[at] = s->heap[child];
  }
  s->heap[at] = last;
  return top;
}

/* Labels of a merge of a and b into out[]; *points is the product over their
 * union, *size the one over the result. */
static int merged_labels(const search *s, int a, int b, int32_t *out, double *points,
                         double *size) {
  es_label_set x = s->set[a], y = s->set[b];
  int i = 0, j = 0, n = 0;
  *points = *size = 1;
  while (i < x.n || j < y.n) {
    bool from_x = i < x.n && (j >= y.n || x.label[i] <= y.label[j]);
    bool from_y = j < y.n && (i >= x.n || y.label[j] <= x.label[i]);
    int32_t label = from_x ? x.label[i] : y.label[j];
    i += from_x;
    j += from_y;
    *points *= (double)s->net->extent[label];
    if (s->holders[label] <= from_x + from_y) continue;
    *size *= (double)s->net->extent[label];
    if (out) out[n] = label;
    n++;
  }
  return n;
}

static bool consider(search *s, int a, int b) {
  if (a == b) return true;
  if (a > b) {
    int t = a;
    a = b;
    b = t;
  }
  candidate c = {.a = a, .b = b};
  double points, size;
  merged_labels(s, a, b, NULL, &points, &size);
  double memory = size - s->size[a] - s->size[b];
  c.score = s->rule == LEAST_MEMORY ? memory : points;
  c.then = s->rule == LEAST_MEMORY ? points : memory;
  return push(s, c);
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
  double points;
  int n = merged_labels(s, a, b, label, &points, &s->size[v]);
  s->set[v] = (es_label_set){n, label};
  s->total += points;
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
  s->holders = ES_NEW_N(s->arena, int, net->n_labels);
  if (!last || !s->first_held || !s->set || !s->size || !s->merged || !s->holders) return false;
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
  s->n_heap = 0;
  for (int v = 0; v < n + made; v++)
    if (!s->merged[v] && !push(s, (candidate){s->size[v], 0, v, v})) return false;
  while (made < n - 1) {
    int a = pop(s).a, b = pop(s).a, v = n + made;
    if (!merge_values(s, a, b, v)) return false;
    merge[made++] = (es_merge){a < b ? a : b, a < b ? b : a};
    if (!push(s, (candidate){s->size[v], 0, v, v})) return false;
  }
  return true;
}

static bool run(search *s, es_merge *merge) {
  if (!init(s)) return false;
  int n = s->net->n, made = 0;
  for (int v = 0; v < n; v++)
    if (!consider_neighbours(s, v, false)) return false;
  while (s->n_heap) {
    candidate c = pop(s);
    if (s->merged[c.a] || s->merged[c.b]) continue;
    int v = n + made;
    if (!merge_values(s, c.a, c.b, v)) return false;
    merge[made++] = (es_merge){c.a, c.b};
    if (!consider_neighbours(s, v, true)) return false;
  }
  return outer_products(s, merge, made);
}

es_status es_merge_greedy(es_arena *arena, const es_network *net, es_merge *merge,
                          es_error *error) {
  es_merge *other = ES_NEW_N(arena, es_merge, net->n);
  search by_memory = {.arena = arena, .net = net, .rule = LEAST_MEMORY};
  search by_points = {.arena = arena, .net = net, .rule = LEAST_POINTS};
  if (!other || !run(&by_memory, merge) || !run(&by_points, other)) return es_fail_nomem(error);
  if (by_points.total < by_memory.total) memcpy(merge, other, sizeof *merge * (size_t)(net->n - 1));
  return ES_OK;
}
