#include "bench/machine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__linux__)
static cpu_set_t allowed; /* of this process, before anyone pinned anything */

void bench_list_processors(char *text, size_t cap) {
  size_t n = 0;
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int cpu = 0; cpu < CPU_SETSIZE && n + 8 < cap; cpu++)
    if (CPU_ISSET(cpu, &allowed))
      n += (size_t)snprintf(text + n, cap - n, "%s%d", n ? "," : "", cpu);
}

void bench_read_processors(const char *text) {
  CPU_ZERO(&allowed);
  for (char *end; *text; text = *end == ',' ? end + 1 : end) {
    long cpu = strtol(text, &end, 10);
    if (end == text || cpu < 0 || cpu >= CPU_SETSIZE) break;
    CPU_SET((int)cpu, &allowed);
  }
  if (CPU_COUNT(&allowed) == 0) sched_getaffinity(0, sizeof allowed, &allowed);
}

void bench_unpin(void) { sched_setaffinity(0, sizeof allowed, &allowed); }

void bench_pin(void) {
  cpu_set_t first;
  CPU_ZERO(&first);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&first) == 0; cpu++)
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &first);
  sched_setaffinity(0, sizeof first, &first);
}
#else
void bench_list_processors(char *text, size_t cap) { snprintf(text, cap, "all"); }
void bench_read_processors(const char *text) { (void)text; }
void bench_unpin(void) {}
void bench_pin(void) {}
#endif
