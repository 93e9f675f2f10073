/* The one clock: time that only goes forward. */
#ifndef ES_BASE_CLOCK_H
#define ES_BASE_CLOCK_H

#include <time.h>

/* Seconds since some moment; 0 where the system has no such clock. */
static inline double es_clock_seconds(void) {
  struct timespec t;
  return clock_gettime(CLOCK_MONOTONIC, &t) ? 0 : (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
