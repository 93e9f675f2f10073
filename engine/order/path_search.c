/* Good trees over many operands: greedy ones with noise, sweeps and halvings, the best of which
 * are mended. One course of work for every effort, which only says where it ends: so more of it
 * never finds less. */
#include <math.h>
#include <string.h>

#include "engine/order/path_tree.h"

enum { BEST = 3 }; /* trees that are mended */

/* In units of some 10 ns: twice as many as the contraction has multiply-adds, between two limits
 * the upper of which may grow with the operands, and less where the first trees took long
 * (WORK_ALL). MAKING: for what the searches that make trees count. */
static const double WORK_LEAST = 8e5, WORK_EACH = 2000, WORK_MOST = 1.5e6, WORK_ALL = 2.8e6,
                    MAKING = 4;

/* Parts of the work between two limits that go into making trees, and into mending them; the best
 * is annealed with nearly all of the rest. */
static const double MAKE = 0.2, MEND = 0.15, ANNEAL = 0.9;

/* Efforts are powers of two, this one and above. */
static const double LEAST_EFFORT = 0x1p-7;

/* Multiply-adds that nobody will wait for, whatever a better order saves: a search for one
 * would only delay the refusal. */
static const double HOPELESS = 1e36;

typedef struct ranked {
  es_merge *merge;
  double cost; /* when it was made */
  bool mended; /* to the end */
} ranked;

typedef struct search {
  es_arena *arena;
  const es_network *net;
  es_mender *mender; /* NULL: too large, trees stay as they are */
  es_merge *made;    /* [n - 1] scratch */
  int n, round;
  ranked rank[BEST + 1]; /* the best first, and room for one more */
  es_merge *best;        /* [n - 1] of all, once they are mended */
  double best_cost;
  double work;
  double round_work; /* of the last tree that was made */
} search;

static size_t tree_bytes(const search *s) { return sizeof(es_merge) * (size_t)(s->net->n - 1); }

static void note(search *s, const es_merge *merge, double cost) {
  if (cost >= s->best_cost) return;
  s->best_cost = cost;
  memcpy(s->best, merge, tree_bytes(s));
}

static void rank(search *s, double cost) {
  int at = s->n;
  ranked new = {s->rank[at].merge, cost, false};
  for (; at && s->rank[at - 1].cost > cost; at--) s->rank[at] = s->rank[at - 1];
  s->rank[at] = new;
  if (s->n < BEST) s->n++;
}

/* ---- trees that are made -------------------------------------------------------------- */

/* The seed of a stream of random numbers; those of another order_seed do not meet it. */
static uint64_t stream(uint64_t order_seed, uint64_t number) {
  return order_seed * 0x9E3779B97F4A7C15u + number;
}

static es_greedy greedy_rule(int round, uint64_t order_seed) {
  static const double penalty[] = {1, 0.7, 1.4, 0.5, 2, 0.35};
  static const double temperature[] = {0.01, 0.1, 0.3, 1};
  if (round == 0) return (es_greedy){.by_age = true, .penalty = 1};
  if (round == 1) return (es_greedy){.penalty = 1};
  if (round == 2) return (es_greedy){.by_points = true, .penalty = 1};
  return (es_greedy){.penalty = penalty[round % 6],
                     .temperature = temperature[round / 6 % 4],
                     .seed = stream(order_seed, (uint64_t)round)};
}

static bool greedy_round(search *s) {
  es_greedy rule = greedy_rule(s->round, s->net->seed);
  double cost, bound = s->n == 0     ? INFINITY
                       : s->n < BEST ? 8 * s->rank[0].cost
                                     : s->rank[BEST - 1].cost;
  es_merge *merge = s->rank[s->n].merge;
  double work = 0;
  if (!es_merge_greedy(s->arena, s->net, &rule, bound, merge, &cost, &work)) return false;
  s->work += MAKING * work;
  if (cost > bound) return true;
  if (!s->mender) note(s, merge, cost);
  rank(s, cost);
  return true;
}

static bool global_round(search *s) {
  es_merge *merge = s->rank[s->n].merge;
  int turn = s->round / 2;
  double work = 0;
  bool ok = s->round % 2 ? es_merge_halve(s->arena, s->net, turn, merge, &work)
                         : es_merge_sweep(s->arena, s->net, turn, merge, &work);
  if (!ok) return false;
  s->work += MAKING * work;
  es_mender_load(s->mender, merge);
  rank(s, es_mender_cost(s->mender));
  return true;
}

static bool make_one(search *s) {
  double before = s->work;
  bool ok = greedy_round(s) && (!s->mender || s->round == 0 || global_round(s));
  s->round++;
  s->round_work = s->work - before;
  return ok;
}

/* ---- and mended ------------------------------------------------------------------------ */

static void mend_best(search *s, double limit) {
  for (int i = 0; i < s->n; i++) {
    ranked *r = &s->rank[i];
    if (r->mended) continue;
    es_mender_load(s->mender, r->merge);
    r->mended = es_mender_mend(s->mender, limit, &s->work);
    es_mender_store(s->mender, r->merge);
    note(s, r->merge, es_mender_cost(s->mender));
  }
}

/* ---- the best one annealed --------------------------------------------------------------- */

static void anneal_best(search *s, double limit, uint64_t turn) {
  double cool = s->work + ANNEAL * (limit - s->work);
  es_mender_load(s->mender, s->best);
  if (isinf(es_mender_anneal(s->mender, 1, stream(s->net->seed, turn), cool, s->made, &s->work)))
    return;
  es_mender_load(s->mender, s->made);
  es_mender_mend(s->mender, limit, &s->work);
  es_mender_store(s->mender, s->made);
  note(s, s->made, es_mender_cost(s->mender));
}

/* ---- the whole ------------------------------------------------------------------- */

/* Appends a tree, with fewer multiply-adds where it costs about the same then. False: no memory. */
static bool append(es_arena *arena, es_mender *m, const es_network *net, const es_merge *merge,
                   double effort, double work, es_orders *found) {
  double done = 0;
  es_merge *lean = ES_NEW_N(arena, es_merge, net->n);
  if (!lean) return false;
  es_mender_load(m, merge);
  es_mender_lean(m, work, &done);
  es_mender_store(m, lean);
  found->order[found->n].merge = lean;
  found->order[found->n].cost = es_mender_cost(m);
  found->order[found->n].largest = es_mender_largest(m);
  found->order[found->n++].effort = effort;
  return true;
}

static bool init(search *s, bool mends) {
  s->best_cost = INFINITY;
  s->best = ES_NEW_N(s->arena, es_merge, s->net->n);
  s->made = ES_NEW_N(s->arena, es_merge, s->net->n);
  for (int i = 0; i <= BEST; i++)
    if (!(s->rank[i].merge = ES_NEW_N(s->arena, es_merge, s->net->n))) return false;
  return s->best && s->made && (!mends || (s->mender = es_mender_new(s->arena, s->net)));
}

/* One that nobody will wait for, or of a network too large to mend. */
static bool append_raw(search *s, es_orders *found) {
  found->order[found->n].merge = s->best;
  found->order[found->n].cost = s->best_cost;
  found->order[found->n++].effort = LEAST_EFFORT;
  return true;
}

static bool advance(search *s, double limit, uint64_t turn) {
  double begin = s->work, span = limit - begin;
  if (span <= 0) return true;
  while (s->work + s->round_work / 2 < begin + MAKE * span)
    if (!make_one(s)) return false;
  mend_best(s, begin + (MAKE + MEND) * span);
  anneal_best(s, limit, turn);
  return true;
}

static bool climb(search *s, double unit, double effort, es_orders *found) {
  double last = INFINITY;
  for (int doubled = 0; doubled == 0 || ldexp(LEAST_EFFORT, doubled) <= effort; doubled++) {
    const double rung = ldexp(LEAST_EFFORT, doubled), limit = rung * unit;
    if (!advance(s, limit, (uint64_t)doubled)) return false;
    if (s->best_cost >= last || found->n == ES_RUNGS) continue;
    last = s->best_cost;
    if (!append(s->arena, s->mender, s->net, s->best, rung, limit / 8, found)) return false;
  }
  return true;
}

static bool run(search *s, double effort, es_orders *found) {
  if (!make_one(s)) return false;
  double first = s->rank[0].cost;
  double unit = fmax(fmax(WORK_LEAST, WORK_EACH * s->net->n), fmin(WORK_MOST, 2 * first));
  if (first > HOPELESS) return note(s, s->rank[0].merge, first), append_raw(s, found);
  while (s->round < 3 || (!s->mender && s->work < effort * unit))
    if (!make_one(s)) return false;
  unit = fmin(unit, fmax(WORK_LEAST, WORK_ALL - s->work));
  s->work = 0; /* these are for every effort */
  return s->mender ? climb(s, unit, effort, found) : append_raw(s, found);
}

static es_status search_orders(es_arena *arena, const es_network *net, double effort,
                               es_orders *found, es_error *error) {
  search s = {.arena = arena, .net = net};
  return init(&s, es_mender_takes(net)) && run(&s, effort, found) ? ES_OK : es_fail_nomem(error);
}

/* The best of all trees, or of those that merge what shares a label: 0.3 ms for 10 operands, 4 ms
 * for 14. */
static es_status exact_order(es_arena *arena, const es_network *net, es_merge *merge, bool *exact,
                             es_orders *found, es_error *error) {
  ES_TRY(es_merge_exact(arena, net, merge, exact, error));
  if (!*exact) return ES_OK;
  es_mender *m = es_mender_new(arena, net);
  bool ok = m && append(arena, m, net, merge, LEAST_EFFORT, WORK_LEAST, found);
  return ok ? ES_OK : es_fail_nomem(error);
}

static es_status find(es_arena *own, const es_network *net, double effort, es_orders *found,
                      es_error *error) {
  bool exact = false, all = net->n <= ES_PATH_ALL;
  es_merge *merge = ES_NEW_N(own, es_merge, net->n);
  if (!merge) return es_fail_nomem(error);
  if (all || (net->n <= ES_PATH_EXACT && effort >= 2 * LEAST_EFFORT))
    ES_TRY(exact_order(own, net, merge, &exact, found, error));
  if (exact && all) return ES_OK;
  return search_orders(own, net, exact ? LEAST_EFFORT : effort, found, error);
}

static es_status only_order(es_arena *arena, es_orders *found, es_error *error) {
  es_merge *merge = ES_NEW(arena, es_merge);
  if (!merge) return es_fail_nomem(error);
  *merge = (es_merge){0, 1};
  found->order[found->n++].merge = merge;
  return ES_OK;
}

static bool keep(es_arena *arena, const es_network *net, es_merge **merge) {
  es_merge *copy = ES_NEW_N(arena, es_merge, net->n);
  if (copy) memcpy(copy, *merge, sizeof *copy * (size_t)(net->n - 1));
  *merge = copy;
  return copy;
}

/* The memory of the search is given back before what is found is tried. */
es_status es_orders_find(es_arena *arena, const es_network *net, double effort, es_orders *found,
                         es_error *error) {
  if (net->n == 2) return only_order(arena, found, error);
  es_arena own;
  es_arena_init(&own, &arena->allocator);
  es_status status = find(&own, net, effort, found, error);
  bool ok = true;
  for (int i = 0; i < found->n && status == ES_OK; i++)
    ok = ok && keep(arena, net, &found->order[i].merge);
  es_arena_free(&own);
  return status != ES_OK || ok ? status : es_fail_nomem(error);
}

int es_orders_best(const es_orders *found) {
  int best = 0;
  for (int i = 1; i < found->n; i++)
    if (found->order[i].cost < found->order[best].cost) best = i;
  return best;
}
