/* A tree from above: the operands are cut in two parts that share as little as possible,
 * and each part again. Where networks are large and like a sheet, this finds what a
 * greedy tree, which sees neighbours alone, does not. The parts are mended by moving
 * single operands: Fiduccia and Mattheyses, A linear-time heuristic for improving
 * network partitions, DAC 1982. */
#include <math.h>

#include "engine/order/path_heap.h"
#include "engine/order/path_tree.h"

enum { PASSES = 4 };

typedef struct halver {
  const es_network *net;
  es_holders holders;
  int *order;      /* [n] operands; a part is a stretch of it */
  int *part;       /* [n] number of the part an operand was last in */
  uint8_t *side;   /* [n] of the cut */
  bool *locked;    /* [n] moved in this pass, or seen by the walk */
  double *gain;    /* [n] weight no longer cut when it moves */
  int (*count)[2]; /* [n_labels] holders on each side */
  int *list;       /* [n] walk of the part, then moves of a pass */
  es_heap heap;
  int parts;
  double work;
} halver;

/* The part under the knife: order[from .. to). */
typedef struct part {
  int number, from, to, least; /* operands on either side */
} part;

/* ---- reading the network ---------------------------------------------------------- */

static bool init(es_arena *arena, const es_network *net, halver *h) {
  size_t n = (size_t)net->n, labels = (size_t)net->n_labels;
  h->net = net;
  h->heap.arena = arena;
  h->order = ES_NEW_N(arena, int, n);
  h->part = ES_NEW_N(arena, int, n);
  h->side = ES_NEW_N(arena, uint8_t, n);
  h->locked = ES_NEW_N(arena, bool, n);
  h->gain = ES_NEW_N(arena, double, n);
  h->count = es_arena_array(arena, labels, sizeof *h->count);
  h->list = ES_NEW_N(arena, int, n);
  if (!h->order || !h->part || !h->side || !h->locked || !h->gain || !h->count || !h->list)
    return false;
  for (int i = 0; i < net->n; i++) h->order[i] = i;
  return es_holders_init(arena, net, &h->holders);
}

/* ---- a first cut: operands by their distance from one at the rim ---------------------- */

static void walk_from(halver *h, const part *p, int start) {
  int n = 0, seen = 0;
  for (int i = p->from; i < p->to; i++) h->locked[h->order[i]] = false;
  h->list[n++] = start;
  h->locked[start] = true;
  for (int next = p->from; seen < p->to - p->from; seen++) {
    while (seen == n) { /* what hangs together is through */
      int v = h->order[next++];
      if (!h->locked[v]) h->locked[h->list[n++] = v] = true;
    }
    const es_label_set *set = &h->net->operand[h->list[seen]];
    for (int j = 0; j < set->n; j++) {
      int l = set->label[j];
      if (h->holders.weight[l] == 0) continue;
      for (int k = h->holders.first[l]; k < h->holders.first[l + 1]; k++) {
        int v = h->holders.holder[k];
        if (h->part[v] != p->number || h->locked[v]) continue;
        h->locked[h->list[n++] = v] = true;
      }
    }
  }
  h->work += 2 * n;
}

/* ---- moves ---------------------------------------------------------------------------- */

static double gain_of(const halver *h, int v) {
  const es_label_set *set = &h->net->operand[v];
  int from = h->side[v];
  double gain = 0;
  for (int j = 0; j < set->n; j++) {
    const int *count = h->count[set->label[j]];
    if (count[from] == 1) gain += h->holders.weight[set->label[j]];
    if (count[!from] == 0) gain -= h->holders.weight[set->label[j]];
  }
  return gain;
}

static bool offer(halver *h, int v) {
  h->work += 4;
  return es_heap_push(&h->heap, (es_candidate){.score = -h->gain[v], .a = v});
}

static bool start_pass(halver *h, const part *p) {
  for (int i = p->from; i < p->to; i++) {
    const es_label_set *set = &h->net->operand[h->order[i]];
    for (int j = 0; j < set->n; j++) h->count[set->label[j]][0] = h->count[set->label[j]][1] = 0;
  }
  for (int i = p->from; i < p->to; i++) {
    const es_label_set *set = &h->net->operand[h->order[i]];
    for (int j = 0; j < set->n; j++) h->count[set->label[j]][h->side[h->order[i]]]++;
  }
  h->heap.n = 0;
  for (int i = p->from; i < p->to; i++) {
    int v = h->order[i];
    h->locked[v] = false;
    h->gain[v] = gain_of(h, v);
    if (!offer(h, v)) return false;
  }
  return true;
}

static bool move(halver *h, const part *p, int v) {
  const es_label_set *set = &h->net->operand[v];
  int from = h->side[v];
  h->side[v] = !from;
  h->locked[v] = true;
  for (int j = 0; j < set->n; j++) {
    h->count[set->label[j]][from]--;
    h->count[set->label[j]][!from]++;
  }
  for (int j = 0; j < set->n; j++) {
    int l = set->label[j];
    if (h->holders.weight[l] == 0) continue;
    for (int k = h->holders.first[l]; k < h->holders.first[l + 1]; k++) {
      int u = h->holders.holder[k];
      if (h->part[u] != p->number || h->locked[u]) continue;
      double gain = gain_of(h, u);
      if (gain == h->gain[u]) continue;
      h->gain[u] = gain;
      if (!offer(h, u)) return false;
    }
  }
  return true;
}

/* Moves each operand once, the best first, and takes back what did not pay in the end.
 * *better: whether something did. False: no memory. */
static bool pass(halver *h, const part *p, bool *better) {
  if (!start_pass(h, p)) return false;
  int size[2] = {0, 0}, moves = 0, keep = 0;
  for (int i = p->from; i < p->to; i++) size[h->side[h->order[i]]]++;
  double sum = 0, best = 1e-9;
  while (h->heap.n) {
    es_candidate c = es_heap_pop(&h->heap);
    if (h->locked[c.a] || -c.score != h->gain[c.a] || size[h->side[c.a]] <= p->least) continue;
    size[h->side[c.a]]--;
    size[!h->side[c.a]]++;
    sum += h->gain[c.a];
    if (!move(h, p, c.a)) return false;
    h->list[moves++] = c.a;
    if (sum <= best) continue;
    best = sum;
    keep = moves;
  }
  while (moves > keep) {
    int v = h->list[--moves];
    h->side[v] = !h->side[v];
  }
  *better = keep > 0;
  return true;
}

/* Cuts a part; side 0 comes first in its stretch. *middle: where side 1 begins. */
static bool cut(halver *h, part p, int round, int *middle) {
  static const double shares[] = {0.45, 0.3, 0.15};
  int n = p.to - p.from;
  p.number = ++h->parts;
  p.least = (int)(shares[round % 3] * n);
  if (p.least < 1) p.least = 1;
  for (int i = p.from; i < p.to; i++) h->part[h->order[i]] = p.number;
  walk_from(h, &p, h->order[p.from + round % n]);
  walk_from(h, &p, h->list[n - 1]);
  for (int i = 0; i < n; i++) h->side[h->list[i]] = i >= n / 2;
  bool better = n > 2;
  for (int i = 0; i < PASSES && better; i++)
    if (!pass(h, &p, &better)) return false;
  int zeros = 0, ones = 0;
  for (int i = p.from; i < p.to; i++) {
    int v = h->order[i];
    if (h->side[v])
      h->list[ones++] = v;
    else
      h->order[p.from + zeros++] = v;
  }
  *middle = p.from + zeros;
  for (int i = 0; i < ones; i++) h->order[*middle + i] = h->list[i];
  return true;
}

/* ---- the tree ----------------------------------------------------------------------- */

typedef struct node { /* a part, and the value it becomes */
  int from, to, value;
} node;

static bool halve(es_arena *arena, halver *h, int round, es_merge *merge) {
  int n = h->net->n, top = 0, next = 2 * n - 2;
  node *stack = ES_NEW_N(arena, node, n);
  if (!stack) return false;
  stack[top++] = (node){0, n, next--};
  while (top) {
    node at = stack[--top];
    int middle;
    if (!cut(h, (part){.from = at.from, .to = at.to}, round, &middle)) return false;
    node half[2] = {{at.from, middle, 0}, {middle, at.to, 0}};
    for (int i = 0; i < 2; i++) {
      bool single = half[i].to - half[i].from == 1;
      half[i].value = single ? h->order[half[i].from] : next--;
      if (!single) stack[top++] = half[i];
    }
    merge[at.value - n] = (es_merge){half[0].value, half[1].value};
  }
  return true;
}

bool es_merge_halve(es_arena *arena, const es_network *net, int round, es_merge *merge,
                    double *work) {
  es_arena own;
  es_arena_init(&own, &arena->allocator);
  halver h = {.work = 0};
  bool ok = init(&own, net, &h) && halve(&own, &h, round, merge);
  *work += h.work;
  es_arena_free(&own);
  return ok;
}
