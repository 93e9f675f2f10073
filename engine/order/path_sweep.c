/* A tree that is a line: where a network is like a strip, contracting it from one end to
 * the other keeps one value whose labels are the width of the strip. */
#include <math.h>

#include "engine/order/path_heap.h"
#include "engine/order/path_tree.h"

enum { CROWD = 64 }; /* a label of more operands than this leads nowhere */

/* ---- who holds a label ------------------------------------------------------------- */

bool es_holders_init(es_arena *arena, const es_network *net, es_holders *h) {
  int total = 0;
  h->first = ES_NEW_N(arena, int, net->n_labels + 2);
  h->weight = ES_NEW_N(arena, double, net->n_labels);
  if (!h->first || !h->weight) return false;
  for (int i = 0; i < net->n; i++)
    for (int j = 0; j < net->operand[i].n; j++, total++) h->first[net->operand[i].label[j] + 2]++;
  for (int l = 2; l <= net->n_labels; l++) h->first[l] += h->first[l - 1];
  h->holder = ES_NEW_N(arena, int, total);
  if (!h->holder) return false;
  for (int i = 0; i < net->n; i++)
    for (int j = 0; j < net->operand[i].n; j++)
      h->holder[h->first[net->operand[i].label[j] + 1]++] = i;
  for (int l = 0; l < net->n_labels; l++)
    if (h->first[l + 1] - h->first[l] <= CROWD) h->weight[l] = log2((double)net->extent[l]);
  return true;
}

/* ---- the walk ------------------------------------------------------------------------ */

typedef struct sweep {
  const es_network *net;
  es_holders holders;
  int *outside; /* [n_labels] holders not taken up, and the output */
  int *inside;  /* [n_labels] holders taken up */
  bool *taken;  /* [n] */
  double *adds; /* [n] bits that the value grows by; NAN: not yet seen */
  int *order;   /* [n] as they are taken up */
  es_heap heap;
  double work;
} sweep;

static double adds(const sweep *s, int v) {
  const es_label_set *set = &s->net->operand[v];
  double sum = 0;
  for (int j = 0; j < set->n; j++) {
    int l = set->label[j];
    if (s->inside[l] == 0 && s->outside[l] > 1) sum += s->holders.weight[l];
    if (s->inside[l] > 0 && s->outside[l] == 1) sum -= s->holders.weight[l];
  }
  return sum;
}

/* Of equals the one seen last: the walk goes on along the rim. */
static bool offer(sweep *s, int v) {
  double now = adds(s, v);
  if (now == s->adds[v]) return true;
  s->adds[v] = now;
  s->work += 4;
  return es_heap_push(&s->heap, (es_candidate){now, -s->work, v, v});
}

static bool take(sweep *s, int v) {
  const es_label_set *set = &s->net->operand[v];
  s->taken[v] = true;
  for (int j = 0; j < set->n; j++) {
    s->inside[set->label[j]]++;
    s->outside[set->label[j]]--;
  }
  for (int j = 0; j < set->n; j++) {
    int l = set->label[j];
    if (s->holders.weight[l] == 0) continue;
    for (int k = s->holders.first[l]; k < s->holders.first[l + 1]; k++)
      if (!s->taken[s->holders.holder[k]] && !offer(s, s->holders.holder[k])) return false;
  }
  return true;
}

static void forget(sweep *s) {
  const es_network *net = s->net;
  for (int l = 0; l < net->n_labels; l++) {
    s->inside[l] = 0;
    s->outside[l] = s->holders.first[l + 1] - s->holders.first[l];
  }
  for (int j = 0; j < net->out.n; j++) s->outside[net->out.label[j]]++;
  for (int v = 0; v < net->n; v++) {
    s->taken[v] = false;
    s->adds[v] = NAN;
  }
  s->heap.n = 0;
}

static bool walk_from(sweep *s, int start) {
  forget(s);
  int n = 0, next = 0, v = start;
  while (true) {
    s->order[n++] = v;
    if (!take(s, v)) return false;
    if (n == s->net->n) return true;
    es_candidate c = {.a = -1};
    while (s->heap.n && (c.a < 0 || s->taken[c.a] || c.score != s->adds[c.a]))
      c = es_heap_pop(&s->heap);
    bool found = c.a >= 0 && !s->taken[c.a] && c.score == s->adds[c.a];
    while (!found && s->taken[next]) next++; /* what hangs together is through */
    v = found ? c.a : next;
  }
}

static bool init(es_arena *arena, const es_network *net, sweep *s) {
  *s = (sweep){.net = net, .heap = {.arena = arena}};
  s->outside = ES_NEW_N(arena, int, net->n_labels);
  s->inside = ES_NEW_N(arena, int, net->n_labels);
  s->taken = ES_NEW_N(arena, bool, net->n);
  s->adds = ES_NEW_N(arena, double, net->n);
  s->order = ES_NEW_N(arena, int, net->n);
  return s->outside && s->inside && s->taken && s->adds && s->order &&
         es_holders_init(arena, net, &s->holders);
}

bool es_merge_sweep(es_arena *arena, const es_network *net, int round, es_merge *merge,
                    double *work) {
  es_arena own;
  es_arena_init(&own, &arena->allocator);
  sweep s;
  int n = net->n;
  bool ok = init(&own, net, &s) && walk_from(&s, round * 7 % n) && walk_from(&s, s.order[n - 1]);
  for (int i = 1; ok && i < n; i++)
    merge[i - 1] = (es_merge){i == 1 ? s.order[0] : n + i - 2, s.order[i]};
  *work += s.work;
  es_arena_free(&own);
  return ok;
}
