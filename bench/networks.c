/* Orders of contraction: for every network on standard input, the multiply-adds of the
 * order that is found, the bytes that it touches, both "inf" where none fits into memory, and the
 * seconds that parsing and planning take, of the processor. A network is a line
 * "NAME TEXT | SHAPE, SHAPE, …", a shape "2x3x4" or "scalar"; bench/networks.py makes them
 * and compares. Uses the public headers only.
 *
 * usage: einstride-networks [EFFORT [BYTES]] <NETWORKS      BYTES: the limit of memory */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "einstride.h"

enum { OPERANDS = ES_MAX_OPERANDS, ROUNDS = 3 };

typedef struct network {
  char *name, *text;
  int n;
  es_array in[OPERANDS];
  int64_t shape[OPERANDS][ES_MAX_RANK];
} network;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int read_shape(char *text, int64_t *shape) {
  int rank = 0;
  if (strstr(text, "scalar")) return 0;
  for (char *one; rank < ES_MAX_RANK && (one = strsep(&text, "x"));)
    shape[rank++] = strtoll(one, NULL, 10);
  return rank;
}

/* False: no such line. The line is cut up in place. */
static bool read_network(char *line, network *w) {
  char *bar = strchr(line, '|'), *space = strchr(line, ' ');
  if (!bar || !space || space > bar) return false;
  *bar = *space = 0;
  w->name = line;
  w->text = space + 1;
  w->n = 0;
  char *rest = bar + 1;
  for (char *one; w->n < OPERANDS && (one = strsep(&rest, ",\n"));) {
    if (!*one) continue;
    int rank = read_shape(one, w->shape[w->n]);
    w->in[w->n] = (es_array){NULL, ES_F32, rank, w->shape[w->n], NULL};
    w->n++;
  }
  return w->n > 0;
}

static bool measure(es_ctx *ctx, const network *w, double effort) {
  es_error error = {0};
  es_options options = {.reading = ES_READ_NAMES, .effort = effort};
  double best = 0, points = 0, bytes = 0;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now();
    es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, w->text, strlen(w->text), ES_READ_NAMES,
                                  &error);
    es_plan *plan = expr ? es_plan_make(ctx, expr, w->in, w->n, NULL, &options, &error) : NULL;
    double took = now() - start;
    if (round == 0 || took < best) best = took;
    if (!plan && round == 0) fprintf(stderr, "%s: %s\n", w->name, error.message);
    if (!plan && error.status != ES_E_LIMIT) {
      es_expr_release(expr);
      return false;
    }
    points = plan ? es_plan_flops(plan) : INFINITY;
    bytes = plan ? es_plan_bytes(plan) : INFINITY;
    es_plan_release(plan);
    es_expr_release(expr);
  }
  printf("%s %d %.10g %.10g %.6g\n", w->name, w->n, points, bytes, best);
  return true;
}

int main(int argc, char **argv) {
  double effort = argc > 1 ? strtod(argv[1], NULL) : 1;
  es_config config = {.threads = 1, .max_bytes = argc > 2 ? strtoll(argv[2], NULL, 10) : 0};
  es_ctx *ctx = es_ctx_create(&config);
  network *w = malloc(sizeof *w);
  char *line = NULL;
  size_t cap = 0;
  bool ok = ctx && w;
  while (ok && getline(&line, &cap, stdin) > 0)
    if (read_network(line, w)) ok &= measure(ctx, w, effort);
  free(line);
  free(w);
  es_ctx_destroy(ctx);
  return ok ? 0 : 1;
}
