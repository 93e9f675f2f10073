/* Simulated annealing of a tree by rotations: ((c d) b) becomes ((c b) d), which changes what one
 * value holds and what two merges cost. Kalachev, Panteleev, Yung, Multi-tensor contraction for
 * XEB verification of quantum circuits, arXiv:2108.05665 (2021). */
#include <math.h>

#include "engine/order/path_mender.h"

/* Logarithms to base two of how many times dearer two merges may get by one rotation, on average:
 * at first and in the end. */
static const double HOT = 1, COLD = 0.02;

/* A product over the labels of two values, in units of some 10 ns: besides, for a word of a set,
 * and for a label that a value holds on average. */
static const double PRODUCT = 1, WORD = 0.3, HELD = 0.4;

/* Of getting dearer; merges that are drawn at one temperature. */
enum { CHANCES = 64, DRAWS = 1024 };

typedef struct random_bits {
  uint64_t state;
} random_bits;

/* SplitMix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014. */
static uint64_t draw(random_bits *r) {
  uint64_t z = r->state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/* Three values below v: a = (c, d) and b become a = (c, b) and d. */
typedef struct turn {
  int v, a, b, c, d;
} turn;

/* False: both values that v is made of are operands. */
static bool choose(const es_mender *m, uint64_t bits, turn *t) {
  int n = m->net->n;
  t->v = n + (int)((bits >> 32) * (uint64_t)(n - 1) >> 32);
  es_merge above = m->merge[t->v - n];
  bool second = bits & 1;
  if ((second ? above.b : above.a) < n) second = !second;
  t->a = second ? above.b : above.a;
  t->b = second ? above.a : above.b;
  if (t->a < n) return false;
  es_merge below = m->merge[t->a - n];
  t->c = bits & 2 ? below.b : below.a;
  t->d = bits & 2 ? below.a : below.b;
  return true;
}

static es_extents extents(const es_mender *m, int v) {
  return (es_extents){m->size[v], m->lone[v]};
}

static double product_work(const es_mender *m) {
  double held = 0;
  for (const uint64_t *w = m->kept; w < es_mender_kept(m, 2 * m->net->n - 1); w++)
    for (uint64_t bits = *w; bits; bits &= bits - 1) held++;
  return PRODUCT + WORD * m->words + HELD * held / (2 * m->net->n);
}

/* Rotates, unless the two merges cost more than so many times what they did then. product: what
 * one takes. */
static void rotate(es_mender *m, const turn *t, double most, double product) {
  const uint64_t *b = es_mender_kept(m, t->b), *c = es_mender_kept(m, t->c),
                 *d = es_mender_kept(m, t->d), *v = es_mender_kept(m, t->v);
  double before = m->cost[t->a] + m->cost[t->v];
  double points = es_mender_points(m, b, c), may = before * most;
  m->work += product;
  if (points > may) return;
  for (int w = 0; w < m->words; w++) m->turned[w] = (b[w] | c[w]) & (d[w] | v[w]);
  double size = es_mender_points(m, m->turned, m->turned);
  double below = es_pair_cost(m->net,
                              es_pair_of(m->net, points, extents(m, t->c), extents(m, t->b), size));
  m->work += product;
  if (below > may) return;
  points = es_mender_points(m, m->turned, d);
  es_pair pair = es_pair_of(m->net, points, (es_extents){size, 1}, extents(m, t->d), m->size[t->v]);
  double above = es_pair_cost(m->net, pair);
  m->work += product;
  if (above + below > may) return;
  m->merge[t->a - m->net->n] = (es_merge){t->c, t->b};
  m->merge[t->v - m->net->n] = (es_merge){t->a, t->d};
  for (int w = 0; w < m->words; w++) es_mender_kept(m, t->a)[w] = m->turned[w];
  m->size[t->a] = size;
  m->cost[t->a] = below;
  m->cost[t->v] = above;
}

/* One draw for each merge, on average. chance: how many times dearer, [CHANCES]. */
static void sweep(es_mender *m, random_bits *r, const double *chance, double product) {
  turn t;
  for (int i = 1; i < m->net->n; i++) {
    uint64_t bits = draw(r);
    if (choose(m, bits, &t)) rotate(m, &t, chance[bits >> 2 & (CHANCES - 1)], product);
  }
  m->work += m->net->n;
  m->total = 0; /* anew: differences of dear trees leave nothing of a cheap one */
  for (int v = m->net->n; v < 2 * m->net->n - 1; v++) m->total += m->cost[v];
}

double es_mender_anneal(es_mender *m, double heat, uint64_t seed, double limit, es_merge *best,
                        double *work) {
  double begin = *work, lowest = INFINITY, chance[CHANCES];
  random_bits r = {seed};
  m->work = begin;
  while (m->net->n > 2 && m->work < limit) {
    double t = heat * HOT * pow(COLD / HOT, (m->work - begin) / (limit - begin));
    for (int i = 0; i < CHANCES; i++) chance[i] = pow((i + 0.5) / CHANCES, -t);
    double product = product_work(m);
    for (int drawn = 0; drawn < DRAWS; drawn += m->net->n) {
      sweep(m, &r, chance, product);
      if (m->total >= lowest) continue;
      lowest = m->total;
      es_mender_store(m, best);
      m->work += m->net->n;
    }
  }
  *work = m->work;
  return lowest;
}
