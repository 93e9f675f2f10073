/* How long parsing and planning take as networks grow: about as they do, also where nothing fits
 * into memory. Bounds are generous: processor time of a busy machine. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "einstride.h"

enum { MOST = 1000, HELD = 8, ROUNDS = 3 };

/* Times as long for twice the operands. Values of a tangle hold labels in proportion to its
 * operands, so that writing them all down takes the square. */
static const double LINEAR = 2.3, SQUARE = 4.6;

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
  for (int attempt = 0; attempt < 3; attempt++) { /* others use the machine too */
    half = seconds(make, MOST / 2, extent, limit);
    whole = seconds(make, MOST, extent, limit);
    if (whole <= most * half) break;
  }
  cr_assert(whole <= most * half, "%s: %.1f ms for %d operands, %.1f ms for %d", name, 1e3 * half,
            MOST / 2, 1e3 * whole, MOST);
  cr_assert(whole < 0.5, "%s: %.0f ms for %d operands", name, 1e3 * whole, MOST);
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
