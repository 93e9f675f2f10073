/* Orders of contraction: sound whatever the network, optimal where the optimum is
 * known, quick where networks are large. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/order/path.h"
#include "engine/order/path_known.h"
#include "support/speed.h"

typedef struct net {
  es_arena arena;
  es_network net;
  es_label_set *sets;
} net;

static void net_init(net *t, int n, int n_labels) {
  es_allocator a = es_allocator_default();
  es_arena_init(&t->arena, &a);
  int64_t *extent = ES_NEW_N(&t->arena, int64_t, n_labels);
  for (int i = 0; i < n_labels; i++) extent[i] = 2;
  t->sets = ES_NEW_N(&t->arena, es_label_set, n);
  t->net = (es_network){
      .n_labels = n_labels, .extent = extent, .n = n, .operand = t->sets, .element_bytes = 4};
}

static es_label_set set_of(net *t, int n, const int *labels) {
  int32_t *copy = ES_NEW_N(&t->arena, int32_t, n);
  for (int i = 0; i < n; i++) copy[i] = labels[i];
  return (es_label_set){n, copy};
}

#define LABELS(...)                                                                                \
  (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]) { __VA_ARGS__ }

static void set_extent(net *t, int label, int64_t extent) {
  ((int64_t *)(uintptr_t)t->net.extent)[label] = extent;
}

/* Follows the steps on label sets: every value used once, no label reduced while
 * another value or the output holds it, the output's labels at the end. */
static void check_sound(const net *t, const es_path *path) {
  int n = t->net.n, total = n + path->n_steps;
  es_label_set *value = calloc((size_t)total, sizeof *value);
  bool *used = calloc((size_t)total, 1);
  int *holders = calloc((size_t)t->net.n_labels + 1, sizeof *holders);
  for (int i = 0; i < n; i++) {
    value[i] = t->net.operand[i];
    for (int j = 0; j < value[i].n; j++) holders[value[i].label[j]]++;
  }
  for (int j = 0; j < t->net.out.n; j++) holders[t->net.out.label[j]]++;
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *s = &path->step[k];
    for (int i = 0; i < s->n_in; i++) {
      int v = s->in[i];
      cr_assert(v >= 0 && v < n + k && !used[v], "step %d reads value %d", k, v);
      used[v] = true;
      for (int j = 0; j < value[v].n; j++) holders[value[v].label[j]]--;
    }
    for (int i = 0; i < s->n_in; i++) {
      es_label_set in = value[s->in[i]];
      for (int j = 0; j < in.n; j++) {
        bool kept = false;
        for (int l = 0; l < s->keep.n; l++) kept |= s->keep.label[l] == in.label[j];
        cr_assert(kept || holders[in.label[j]] == 0, "label %d is reduced too early", in.label[j]);
        cr_assert(!kept || holders[in.label[j]] > 0 || s->n_in == n, "label %d is kept for nothing",
                  in.label[j]);
      }
    }
    for (int l = 1; l < s->keep.n; l++) cr_assert(s->keep.label[l - 1] < s->keep.label[l]);
    value[n + k] = s->keep;
    for (int l = 0; l < s->keep.n; l++) holders[s->keep.label[l]]++;
  }
  for (int v = 0; v < total - 1; v++) cr_assert(used[v], "value %d is never used", v);
  free(value);
  free(used);
  free(holders);
}

static es_path *find(net *t) {
  es_path *path = NULL;
  es_error error;
  cr_assert_eq(es_path_pairwise(&t->arena, &t->net, 1, &path, &error), ES_OK);
  check_sound(t, path);
  return path;
}

static uint64_t state = 1;
static int random_below(int n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (int)((state >> 33) % (uint64_t)n);
}

Test(path, random_networks_are_sound) {
  for (int round = 0; round < 400; round++) {
    net t;
    int n = 1 + random_below(20), labels = 1 + random_below(80);
    net_init(&t, n, labels);
    for (int l = 0; l < labels; l++) set_extent(&t, l, 2 + random_below(7));
    for (int i = 0; i <= n; i++) {
      int list[80], count = 0;
      for (int l = 0; l < labels; l++)
        if (random_below(i == n ? 6 : 4) == 0) list[count++] = l;
      if (i < n)
        t.sets[i] = set_of(&t, count, list);
      else
        t.net.out = set_of(&t, count, list);
    }
    find(&t);
    es_path *whole;
    es_error error;
    cr_assert_eq(es_path_whole(&t.arena, &t.net, &whole, &error), ES_OK);
    check_sound(&t, whole);
    cr_assert_eq(whole->n_steps, 1);
    es_arena_free(&t.arena);
  }
}

static void chain(net *t, int n, const int64_t *dims) {
  net_init(t, n, n + 1);
  for (int i = 0; i <= n; i++) set_extent(t, i, dims[i]);
  for (int i = 0; i < n; i++) t->sets[i] = set_of(t, LABELS(i, i + 1));
  t->net.out = set_of(t, LABELS(0, n));
}

/* The textbook's O(n^3) recurrence, with this search's cost of a product. */
static double chain_optimum(int n, const int64_t *d, double element_bytes) {
  double best[32][32] = {{0}};
  for (int len = 2; len <= n; len++)
    for (int i = 0; i + len <= n; i++) {
      int j = i + len;
      best[i][j - 1] = INFINITY;
      for (int k = i + 1; k < j; k++) {
        double a = (double)d[i], b = (double)d[k], c = (double)d[j];
        double cost = best[i][k - 1] + best[k][j - 1] + a * b * c +
                      element_bytes * (a * b + b * c + a * c);
        if (cost < best[i][j - 1]) best[i][j - 1] = cost;
      }
    }
  return best[0][n - 1];
}

static double path_cost(const net *t, const es_path *path) {
  es_label_set value[256];
  double cost = 0;
  for (int i = 0; i < t->net.n; i++) value[i] = t->net.operand[i];
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *s = &path->step[k];
    cr_assert(s->n_in == 1 || s->n_in == 2);
    int32_t both[512];
    es_label_set a = value[s->in[0]], b = value[s->in[s->n_in - 1]];
    cost += es_label_points(&t->net, (es_label_set){es_label_union(a, b, both), both});
    cost += t->net.element_bytes *
            (es_label_points(&t->net, a) + es_label_points(&t->net, s->keep));
    if (s->n_in == 2) cost += t->net.element_bytes * es_label_points(&t->net, b);
    value[t->net.n + k] = s->keep;
  }
  return cost;
}

/* Every value but the root is joined once, and all of it hangs together. */
static void check_tree(int n, const es_merge *merge) {
  bool *joined = calloc((size_t)(2 * n), 1), *reached = calloc((size_t)(2 * n), 1);
  for (int k = 0; k < n - 1; k++) {
    int in[2] = {merge[k].a, merge[k].b};
    for (int i = 0; i < 2; i++) {
      cr_assert(in[i] >= 0 && in[i] < 2 * n - 2 && !joined[in[i]], "value %d", in[i]);
      joined[in[i]] = true;
    }
  }
  int *stack = calloc((size_t)(2 * n), sizeof *stack), top = 0, seen = 0;
  stack[top++] = 2 * n - 2;
  while (top) {
    int v = stack[--top];
    seen++;
    if (v < n) continue;
    cr_assert(!reached[v], "a circle through value %d", v);
    reached[v] = true;
    stack[top++] = merge[v - n].a;
    stack[top++] = merge[v - n].b;
  }
  cr_assert_eq(seen, 2 * n - 1);
  free(joined);
  free(reached);
  free(stack);
}

/* n operands in a ring, as many chords, extents 2 to 4, one label open. */
static void ring_with_chords(net *t, int n) {
  net_init(t, n, 2 * n + 1);
  int(*held)[64] = calloc((size_t)n, sizeof *held), *count = calloc((size_t)n, sizeof *count);
  for (int l = 0; l < 2 * n; l++) {
    int a = l % n, b = l < n ? (l + 1) % n : (a + 2 + random_below(n - 3)) % n;
    set_extent(t, l, 2 + random_below(3));
    held[a][count[a]++] = l;
    held[b][count[b]++] = l;
  }
  held[0][count[0]++] = 2 * n;
  for (int i = 0; i < n; i++) {
    for (int x = 1; x < count[i]; x++)
      for (int y = x; y && held[i][y - 1] > held[i][y]; y--) {
        int s = held[i][y];
        held[i][y] = held[i][y - 1];
        held[i][y - 1] = s;
      }
    t->sets[i] = set_of(t, count[i], held[i]);
  }
  t->net.out = set_of(t, LABELS(2 * n));
  free(held);
  free(count);
}

Test(path, chains_of_matrices_are_optimal) {
  for (int round = 0; round < 100; round++) {
    int n = 3 + random_below(ES_PATH_EXACT - 2);
    int64_t dims[ES_PATH_EXACT + 1];
    for (int i = 0; i <= n; i++) dims[i] = 2 + random_below(60);
    net t;
    chain(&t, n, dims);
    es_path *path = find(&t);
    double got = path_cost(&t, path), best = chain_optimum(n, dims, t.net.element_bytes);
    /* Outer products may be better; what fewer multiply-adds cost is bounded. */
    cr_assert(got <= best * 1.02 + 40 * n, "n %d: %g, the textbook %g", n, got, best);
    cr_assert(path->points <= chain_optimum(n, dims, t.net.element_bytes), "n %d", n);
    es_arena_free(&t.arena);
  }
}

/* Chains long enough that not all trees are tried, against the textbook. */
Test(path, searched_chains_are_near_the_optimum) {
  double sum = 0;
  for (int round = 0; round < 10; round++) {
    int n = ES_PATH_EXACT + 6;
    int64_t dims[ES_PATH_EXACT + 7];
    for (int i = 0; i <= n; i++) dims[i] = 2 + random_below(60);
    net t;
    chain(&t, n, dims);
    double got = path_cost(&t, find(&t)), best = chain_optimum(n, dims, t.net.element_bytes);
    cr_assert(got < 1.2 * best, "%g, the textbook %g", got, best);
    sum += got / best;
    es_arena_free(&t.arena);
  }
  cr_assert(sum / 10 < 1.01, "%g times the best cost on average", sum / 10);
}

/* Every search alone gives a tree; what is found never costs more than a greedy one. */
Test(path, the_search_is_never_worse_than_greed) {
  for (int round = 0; round < 8; round++) {
    net t;
    int n = ES_PATH_EXACT + 1 + random_below(40);
    ring_with_chords(&t, n);
    double cost[3], work = 0;
    es_merge *merge = ES_NEW_N(&t.arena, es_merge, n);
    es_orders found = {0}, again = {0};
    es_error error;
    es_greedy plain = {.penalty = 1};
    cr_assert(es_merge_greedy(&t.arena, &t.net, &plain, INFINITY, merge, &cost[0], &work));
    check_tree(n, merge);
    cr_assert(es_merge_halve(&t.arena, &t.net, round, merge, &work));
    check_tree(n, merge);
    cr_assert(es_merge_sweep(&t.arena, &t.net, round, merge, &work));
    check_tree(n, merge);
    cr_assert_eq(es_orders_find(&t.arena, &t.net, 1, &found, &error), ES_OK);
    cr_assert_eq(es_orders_find(&t.arena, &t.net, 1, &again, &error), ES_OK);
    cr_assert_eq(found.n, again.n, "the search has its moods");
    for (int i = 0; i < found.n; i++) {
      check_tree(n, found.order[i].merge);
      cr_assert_arr_eq(found.order[i].merge, again.order[i].merge, sizeof *merge * (size_t)(n - 1),
                       "the search has its moods");
    }
    cost[1] = path_cost(&t, find(&t));
    cr_assert(cost[1] <= cost[0] * (1 + 1e-9), "%g, greedily %g", cost[1], cost[0]);
    es_arena_free(&t.arena);
  }
}

/* Any labels in any operands: hyper-edges, labels that one holds alone, strangers. */
static void tangle(net *t, int n, int labels) {
  net_init(t, n, labels);
  for (int l = 0; l < labels; l++) set_extent(t, l, 2 + random_below(7));
  for (int i = 0; i <= n; i++) {
    int list[256], count = 0;
    for (int l = 0; l < labels; l++)
      if (random_below(i == n ? 20 : n / 3) == 0) list[count++] = l;
    *(i < n ? &t->sets[i] : &t->net.out) = set_of(t, count, list);
  }
}

/* What a product packs is written and read once more; a matrix times a vector packs nothing. */
Test(path, the_workspace_of_a_product_is_part_of_its_cost) {
  const es_network bytes = {.element_bytes = 4};
  const es_extents matrix = {6 * 10, 1}, small = {10 * 3, 1}, vector = {10, 1}, summed = {10, 2};
  es_pair product = es_pair_of(&bytes, 6 * 10 * 3, matrix, small, 6 * 3);
  cr_assert_float_eq(product.elements, 60 + 30 + 18 + 2 * 30, 0);
  cr_assert_float_eq(es_pair_cost(&bytes, product), 180 + 4 * product.elements, 0);
  es_pair times = es_pair_of(&bytes, 6 * 10, matrix, vector, 6);
  cr_assert_float_eq(times.elements, 60 + 10 + 6, 0);
  es_pair alone = es_pair_of(&bytes, 6 * 10, matrix, summed, 6);
  cr_assert_not(alone.sums_b);
  cr_assert_float_eq(alone.elements, 60 + 20 + 6 + 2 * 20, 0);
}

/* An annealed tree is one, costs what is told, and less than the greedy one that it came from.
 * Where large values cost more, the largest mostly gets smaller: the draws are random. */
Test(path, annealed_trees_are_sound_and_cheaper) {
  double gain = 0;
  int smaller = 0, larger = 0;
  for (int round = 0; round < 24; round++) {
    net t;
    int n = 20 + random_below(40);
    if (round % 2)
      tangle(&t, 10 + random_below(10), 40);
    else
      ring_with_chords(&t, n);
    n = t.net.n;
    es_merge *merge = ES_NEW_N(&t.arena, es_merge, n), *best = ES_NEW_N(&t.arena, es_merge, n);
    double greedy, largest[2], work = 0;
    cr_assert(es_merge_greedy(&t.arena, &t.net, &(es_greedy){.penalty = 1}, INFINITY, merge,
                              &greedy, &work));
    es_mender *m = es_mender_new(&t.arena, &t.net);
    es_mender_load(m, merge);
    greedy = es_mender_cost(m);
    for (int narrow = 0; narrow < 2; narrow++) {
      if (narrow) t.net.room = largest[0] / 8;
      work = 0;
      es_mender_load(m, merge);
      double cost = es_mender_anneal(m, 1, (uint64_t)round, 3e5, best, &work);
      cr_assert(work >= 3e5 && work < 5e5, "%g", work);
      check_tree(n, best);
      es_mender_load(m, best);
      cr_assert_float_eq(es_mender_cost(m) / cost, 1, 1e-9);
      if (!narrow) gain += log2(greedy / cost);
      t.net.room = 0;
      es_path *path;
      es_error error;
      cr_assert_eq(es_path_of(&t.arena, &t.net, best, &path, &error), ES_OK);
      check_sound(&t, path);
      largest[narrow] = 0;
      for (int k = 0; k < path->n_steps - 1; k++)
        largest[narrow] = fmax(largest[narrow], es_label_points(&t.net, path->step[k].keep));
    }
    smaller += largest[1] < largest[0];
    larger += largest[1] > largest[0];
    es_arena_free(&t.arena);
  }
  cr_assert(gain > 48, "2^%g times as cheap", gain / 24);
  cr_assert(smaller >= 8 && smaller > 2 * larger, "%d smaller, %d larger", smaller, larger);
}

/* In a sixteenth of the memory that the cheapest order takes another one is found, or pieces that
 * repeat little. */
Test(path, little_memory_costs_little) {
  double sum = 0;
  enum { ROUNDS = 6 };
  for (int round = 0; round < ROUNDS; round++) {
    net t;
    ring_with_chords(&t, 40);
    bool may_cut[96];
    int64_t kept[96];
    double cost[2], least = 0;
    for (int l = 0; l < t.net.n_labels; l++) may_cut[l] = true;
    for (int tight = 0; tight < 2; tight++) {
      es_slicing_rules rules = {tight ? least / 16 : INFINITY, 0,  3,
                                t.net.element_bytes,           24, may_cut};
      es_known *known = es_known_new(&t.arena.allocator);
      es_path *path;
      es_error error;
      cr_assert_eq(es_path_within(&t.arena, &t.net, 1, &rules, known, &path, kept, &least, &error),
                   ES_OK);
      cr_assert_leq(least, rules.limit);
      net piece = t;
      piece.net.extent = kept;
      cost[tight] = path_cost(&piece, path);
      for (int l = 0; l < t.net.n_labels; l++) cost[tight] *= (double)(t.net.extent[l] / kept[l]);
      es_known_free(known);
    }
    sum += log2(cost[1] / cost[0]);
    es_arena_free(&t.arena);
  }
  cr_assert(sum / ROUNDS < 1, "2^%g times the cost", sum / ROUNDS);
}

/* More effort never finds a dearer order, in memory without end and in little. */
static void climb(net *t, double share) {
  static const double effort[] = {0.001, 0.02, 0.1, 0.3, 0.6, 1.2};
  bool may_cut[256];
  int64_t kept[256];
  es_slicing_rules rules = {INFINITY, 0, false, t->net.element_bytes, 24, may_cut};
  double last = INFINITY, least;
  for (int l = 0; l < t->net.n_labels; l++) may_cut[l] = true;
  for (size_t i = 0; i < sizeof effort / sizeof *effort; i++) {
    es_path *path;
    es_error error;
    es_known *known = es_known_new(&t->arena.allocator);
    cr_assert_eq(
        es_path_within(&t->arena, &t->net, effort[i], &rules, known, &path, kept, &least, &error),
        ES_OK);
    es_known_free(known);
    if (least > rules.limit) continue;
    net piece = *t;
    piece.net.extent = kept;
    double cost = path_cost(&piece, path);
    for (int l = 0; l < t->net.n_labels; l++) cost *= (double)(t->net.extent[l] / kept[l]);
    cr_assert(cost <= last * (1 + 1e-9), "%g at effort %g, %g with less", cost, effort[i], last);
    last = cost;
    if (i == 0 && share < 1) rules.limit = share * least, last = INFINITY;
  }
}

Test(path, more_effort_never_finds_a_dearer_order) {
  for (int round = 0; round < 8; round++) {
    net t;
    int n = ES_PATH_ALL + 1 + random_below(16);
    if (round % 2)
      tangle(&t, n, 2 * n);
    else
      ring_with_chords(&t, n);
    t.net.seed = (uint64_t)round;
    climb(&t, 1);
    climb(&t, 0.05);
    es_arena_free(&t.arena);
  }
}

Test(path, a_network_that_is_known_is_not_searched_again) {
  net t[2], like;
  es_error error;
  const es_orders *found[2], *again;
  for (int i = 0; i < 2; i++) tangle(&t[i], 12, 24);
  like = t[0];
  like.net.element_bytes *= 2;
  es_known *known = es_known_new(&t[0].arena.allocator);
  for (int i = 0; i < 2; i++)
    cr_assert_eq(es_known_orders(known, &t[i].net, 1, &found[i], &error), ES_OK);
  for (int i = 0; i < 2; i++) {
    cr_assert_eq(es_known_orders(known, &t[i].net, 1, &again, &error), ES_OK);
    cr_assert(again == found[i]);
  }
  cr_assert_eq(es_known_orders(known, &t[0].net, 2, &again, &error), ES_OK);
  cr_assert(again != found[0], "another effort");
  cr_assert_eq(es_known_orders(known, &like.net, 1, &again, &error), ES_OK);
  cr_assert(again != found[0], "another cost");
  es_known_free(known);
  for (int i = 0; i < 2; i++) es_arena_free(&t[i].arena);
}

Test(path, a_label_of_one_operand_is_summed_first) {
  net t; /* "i j, j k l -> i k": l is the second operand's alone */
  net_init(&t, 2, 4);
  for (int l = 0; l < 4; l++) set_extent(&t, l, 32);
  t.sets[0] = set_of(&t, LABELS(0, 1));
  t.sets[1] = set_of(&t, LABELS(1, 2, 3));
  t.net.out = set_of(&t, LABELS(0, 2));
  es_path *path = find(&t);
  cr_assert_eq(path->n_steps, 2);
  cr_assert_eq(path->step[0].n_in, 1);
  cr_assert_eq(path->step[0].in[0], 1);
  es_arena_free(&t.arena);
  /* "a b, a b c -> a": nothing is saved by summing c first. */
  net_init(&t, 2, 3);
  t.sets[0] = set_of(&t, LABELS(0, 1));
  t.sets[1] = set_of(&t, LABELS(0, 1, 2));
  t.net.out = set_of(&t, LABELS(0));
  cr_assert_eq(find(&t)->n_steps, 1);
  es_arena_free(&t.arena);
}

/* Of this process: what else the machine does is no matter. */
static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Best of three: other work on the machine only ever adds time. */
static double time_of(net *t) {
  double best = INFINITY;
  for (int round = 0; round < 3; round++) {
    es_arena arena = t->arena;
    es_allocator a = es_allocator_default();
    es_arena_init(&t->arena, &a);
    double start = seconds();
    find(t);
    double took = seconds() - start;
    if (took < best) best = took;
    es_arena_free(&t->arena);
    t->arena = arena;
  }
  return best;
}

Test(path, a_thousand_operands_in_a_chain) {
  net t;
  int64_t dims[1001];
  for (int i = 0; i <= 1000; i++) dims[i] = 2 + random_below(30);
  chain(&t, 1000, dims);
  double took = time_of(&t);
  cr_assert(took < 0.05 * TEST_SLACK, "%g s", took);
  es_arena_free(&t.arena);
}

Test(path, hyper_edges_stars_and_strangers_are_quick) {
  for (int family = 0; family < 4; family++) {
    net t;
    enum { N = 2000 };
    net_init(&t, N, N + 1);
    for (int i = 0; i < N; i++) switch (family) {
      case 0: t.sets[i] = set_of(&t, LABELS(i, N)); break; /* one label in all */
      case 1: t.sets[i] = set_of(&t, LABELS(N)); break;    /* nothing else */
      case 2: t.sets[i] = set_of(&t, LABELS(i)); break;    /* nothing shared */
      default: t.sets[i] = set_of(&t, LABELS(i / 2, N / 2 + i / 3)); break;
      }
    double took = time_of(&t);
    cr_assert(took < 0.1 * TEST_SLACK, "family %d: %g s", family, took);
    es_arena_free(&t.arena);
  }
}
