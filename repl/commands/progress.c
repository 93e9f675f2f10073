#include "repl/commands/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 30 }; /* of the bar at most */

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

/* Bytes of the line: what is left of the terminal's width becomes the bar; on a narrow
 * one the text is cut, since a line that wraps could not be wiped. */
static int columns(void) {
  struct winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

/* The last second's share of work would flicker; the mean rate does not. */
static void draw(double done, double total, double seconds) {
  char text[100], bar[WIDTH + 4] = "";
  double share = done < total ? done / total : 1, rate = done / seconds;
  int len = snprintf(text, sizeof text, "%3.0f%%  %.0f s left  %.3g GFLOP/s  %.3g of %.3g GFLOP",
                     100 * share, rate > 0 ? (total - done) / rate : 0, 2e-9 * rate, 2e-9 * done,
                     2e-9 * total);
  int room = columns() - 3, width = room - len - 3; /* ^C may be echoed behind it */
  if (width > WIDTH) width = WIDTH;
  if (width >= 5) {
    int full = (int)(share * width);
    bar[0] = '[';
    memset(bar + 1, '#', (size_t)full);
    memset(bar + 1 + full, '.', (size_t)(width - full));
    memcpy(bar + 1 + width, "] ", 2); /* its NUL is there already */
  }
  fprintf(stderr, "\r\033[K%.*s%.*s", WIDTH + 3, bar, room, text);
}

void sc_progress_report(void *user, double done, double total) {
  sc_progress *p = user;
  int64_t t = now(), before = atomic_load(&p->drawn);
  if (!p->enabled || t - p->started < 1000000000 || t - before < 100000000 || !(total > 0)) return;
  /* Whoever moves the time forward draws. */
  if (atomic_compare_exchange_strong(&p->drawn, &before, t))
    draw(done, total, 1e-9 * (double)(t - p->started));
}
