/* How long parsing and planning take: about as networks grow, and never longer than 50 ms, also
 * where nothing fits into memory. A busy machine is slower than that by its own measure: bounds are
 * ratios of processor times, or generous. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "einstride.h"
#include "engine/plan_make.h"
#include "support/speed.h"

enum { MOST = 1000, HELD = 8, ROUNDS = 3 };

/* Times as long for twice the operands. Values of a tangle hold labels in proportion to its
 * operands, so that writing them all down takes the square. */
static const double LINEAR = 2.8, SQUARE = 5.6;

typedef struct net {
  int n, n_labels, held[MOST], label[MOST][HELD];
  char *text;
  es_array in[MOST];
  int64_t shape[MOST][HELD];
} net;

static void join(net *w, int a, int b) {
  w->label[a][w->held[a]++] = w->n_labels;
  w->label[b][w->held[b]++] = w->n_labels++;
}

static void chain(net *w) {
  for (int i = 0; i + 1 < w->n; i++) join(w, i, i + 1);
}

static void lattice(net *w) {
  int side = (int)sqrt(w->n);
  for (int i = 0; i < w->n; i++) {
    if ((i + 1) % side && i + 1 < w->n) join(w, i, i + 1);
    if (i + side < w->n) join(w, i, i + side);
  }
}

/* Three neighbours each, far away: every order is beyond all memory. */
static void tangle(net *w) {
  uint64_t state = 7;
  for (int i = 0; i < w->n; i++) join(w, i, (i + 1) % w->n);
  for (int i = 0; i < w->n; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    int other = (int)((state >> 33) % (uint64_t)w->n);
    if (other != i && w->held[i] < HELD && w->held[other] < HELD) join(w, i, other);
  }
}

static void star(net *w) { /* one label that all hold */
  for (int i = 0; i < w->n; i++) w->label[i][w->held[i]++] = 0;
  w->n_labels = 1;
  for (int i = 0; i + 1 < w->n; i += 2) join(w, i, i + 1);
}

static void write_text(net *w, int64_t extent) {
  char *at = w->text = malloc((size_t)w->n * HELD * 8 + 16);
  for (int i = 0; i < w->n; i++) {
    at += sprintf(at, i ? "," : "");
    for (int k = 0; k < w->held[i]; k++) {
      at += sprintf(at, " x%d", w->label[i][k]);
      w->shape[i][k] = extent;
    }
    w->in[i] = (es_array){NULL, ES_F32, w->held[i], w->shape[i], NULL};
  }
  sprintf(at, " ->");
}

/* Seconds of the processor for parsing and planning, the least of some rounds. */
static double seconds(void (*make)(net *w), int n, int64_t extent, int64_t limit) {
  net *w = calloc(1, sizeof *w);
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1, .max_bytes = limit});
  double best = INFINITY;
  w->n = n;
  make(w);
  write_text(w, extent);
  for (int round = 0; round < ROUNDS; round++) {
    es_error error = {0};
    clock_t start = clock();
    es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, w->text, strlen(w->text), ES_READ_NAMES,
                                  &error);
    es_plan *plan = expr ? es_plan_make(ctx, expr, w->in, n, NULL, NULL, &error) : NULL;
    best = fmin(best, (double)(clock() - start) / CLOCKS_PER_SEC);
    cr_assert(plan || error.status == ES_E_LIMIT, "%s", error.message);
    es_plan_release(plan);
    es_expr_release(expr);
  }
  free(w->text);
  free(w);
  es_ctx_destroy(ctx);
  return best;
}

static void check_growth(const char *name, void (*make)(net *w), int64_t extent, int64_t limit,
                         double most) {
  double half = 0, whole = 0;
  if (TEST_SLACK > 1) most *= 1.3; /* what is watched byte by byte leaves the caches sooner */
  for (int attempt = 0; attempt < 3; attempt++) { /* others use the machine too */
    half = seconds(make, MOST / 2, extent, limit);
    whole = seconds(make, MOST, extent, limit);
    if (whole <= most * half) break;
  }
  cr_assert(whole <= most * half, "%s: %.1f ms for %d operands, %.1f ms for %d", name, 1e3 * half,
            MOST / 2, 1e3 * whole, MOST);
  cr_assert(whole < 0.5 * TEST_SLACK, "%s: %.0f ms for %d operands", name, 1e3 * whole, MOST);
}

Test(search_time, grows_as_the_network) {
  check_growth("chain", chain, 16, 0, LINEAR);
  check_growth("lattice", lattice, 2, 0, LINEAR);
  check_growth("star", star, 4, 0, LINEAR);
}

Test(search_time, grows_as_the_network_that_does_not_fit) {
  check_growth("chain", chain, 64, 1 << 20, LINEAR);
  check_growth("lattice", lattice, 2, 1 << 24, LINEAR);
  check_growth("tangle", tangle, 2, 1 << 30, SQUARE);
  check_growth("tangle of large labels", tangle, 100, 1 << 30, SQUARE);
}

/* A chain of 1,000 operands took 33 ms where these took 37 and 70; 78 and 240 before orders were
 * kept from one attempt to the next, and mended, not searched for anew, between cuts. */
static void check_against_chain(const char *name, void (*make)(net *w), int n, int64_t limit,
                                double most) {
  double ratio = INFINITY;
  for (int attempt = 0; attempt < 4 && ratio > most; attempt++)
    ratio = seconds(make, n, 2, limit) / seconds(chain, MOST, 16, 0);
  cr_assert(ratio <= most, "%s takes %.2f times as long as a chain", name, ratio);
}

Test(search_time, cuts_take_no_longer_than_orders) {
  check_against_chain("tangle", tangle, 300, (int64_t)1 << 40, 1.8);
  check_against_chain("tangle in little memory", tangle, 300, 1 << 24, 2);
  check_against_chain("lattice in little memory", lattice, MOST, 1 << 26, 4);
}

/* Plans are small whatever the sizes are. */
Test(search_time, sizes_take_no_time) {
  int64_t shape[2][3] = {{100000, 100000, 3}, {1000, 3}};
  es_array in[2] = {{NULL, ES_F32, 3, shape[0], NULL}, {NULL, ES_F32, 2, shape[1], NULL}};
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1, .max_bytes = (int64_t)1 << 50});
  static const char *const text[] = {"h w c, o c -> o h w", "h w c, o c -> h w o"};
  for (int i = 0; i < 2; i++) {
    es_error error;
    es_plan *plan = NULL;
    es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, text[i], strlen(text[i]), ES_READ_NAMES,
                                  &error);
    es_memory_reset_peak(ctx);
    plan = es_plan_make(ctx, expr, in, 2, NULL, NULL, &error);
    cr_assert(plan, "%s", error.message);
    cr_assert_leq(es_memory_peak(ctx), 1 << 20, "'%s'", text[i]);
    es_plan_release(plan);
    es_expr_release(expr);
  }
  es_ctx_destroy(ctx);
}

/* What is refused without a search: some microseconds, a millisecond on a busy machine. */
Test(search_time, refusals_take_no_time) {
  static const struct {
    const char *text;
    int64_t a, b;
  } row[] = {{"i j, j k -> i k", 3, 4}, /* sizes that do not agree */
             {"i j, j k -> i m", 3, 3}, /* a label from nowhere */
             {"i j, j k -> i (", 3, 3}, /* no expression */
             {"i j, j k -> i j k l", 1 << 30, 3} /* a result larger than memory */};
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1, .max_bytes = 1 << 24});
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    enum { TIMES = 20 };
    int64_t a[2] = {row[i].a, row[i].a}, b[2] = {row[i].b, row[i].b};
    es_array in[2] = {{NULL, ES_F32, 2, a, NULL}, {NULL, ES_F32, 2, b, NULL}};
    clock_t start = clock();
    for (int k = 0; k < TIMES; k++) {
      es_error error;
      es_plan *plan = NULL;
      es_plan_from_text(ctx, ES_KIND_EINSUM, row[i].text, strlen(row[i].text), in, 2, NULL, NULL,
                        &plan, &error);
      cr_assert_null(plan, "'%s'", row[i].text);
    }
    double each = (double)(clock() - start) / CLOCKS_PER_SEC / TIMES;
    cr_assert(each < 1e-3, "'%s': %.3f ms", row[i].text, 1e3 * each);
  }
  es_ctx_destroy(ctx);
}
