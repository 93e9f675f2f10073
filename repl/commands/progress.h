/* A bar on a terminal for work of more than a second. */
#ifndef SC_PROGRESS_H
#define SC_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One statement's work. Times are monotonic nanoseconds. */
typedef struct sc_progress {
  bool enabled; /* standard error is a terminal */
  int64_t started;
  _Atomic int64_t drawn; /* 0: nothing is on the screen */
} sc_progress;

void sc_progress_begin(sc_progress *p);
void sc_progress_end(sc_progress *p); /* wipes the bar */
/* es_config.progress; user is an sc_progress. May be called from any thread. */
void sc_progress_report(void *user, double done, double total);

#endif
