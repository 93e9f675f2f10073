#include "repl/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WIDTH = 30 };

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void sc_progress_begin(sc_progress *p) {
  p->started = now();
  atomic_store(&p->drawn, 0);
}

void sc_progress_end(sc_progress *p) {
  if (p->enabled && atomic_load(&p->drawn)) fputs("\r\033[K", stderr);
}

/* The last second's share of work would flicker; the mean rate does not. */
static void draw(double done, double total, double seconds) {
  char bar[WIDTH + 1];
  double share = done < total ? done / total : 1;
  int full = (int)(share * WIDTH);
  memset(bar, '.', WIDTH);
  memset(bar, '#', (size_t)full);
  bar[WIDTH] = '\0';
  double rate = done / seconds;
  fprintf(stderr, "\r\033[K[%s] %3.0f%%  %.3g of %.3g GFLOP  %.3g GFLOP/s  %.0f s left", bar,
          100 * share, 2e-9 * done, 2e-9 * total, 2e-9 * rate,
          rate > 0 ? (total - done) / rate : 0);
}

void sc_progress_report(void *user, double done, double total) {
  sc_progress *p = user;
  int64_t t = now(), before = atomic_load(&p->drawn);
  if (!p->enabled || t - p->started < 1000000000 || t - before < 100000000 || !(total > 0)) return;
  /* Whoever moves the time forward draws. */
  if (atomic_compare_exchange_strong(&p->drawn, &before, t))
    draw(done, total, 1e-9 * (double)(t - p->started));
}
