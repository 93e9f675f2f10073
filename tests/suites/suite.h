/* Suites: checks that take how much to do. ctest runs a part in seconds, `./dev` the whole.
 * A suite is one program that ends at the first thing that is wrong. */
#ifndef TESTS_SUITES_SUITE_H
#define TESTS_SUITES_SUITE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUIRE(condition, ...)                                                                    \
  do {                                                                                             \
    if (condition) break;                                                                          \
    fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                \
    fprintf(stderr, __VA_ARGS__);                                                                  \
    fputc('\n', stderr);                                                                           \
    exit(1);                                                                                       \
  } while (0)

/* Argument i as a count, or what stands for it. */
static inline long long suite_count(int argc, char **argv, int i, long long otherwise) {
  if (i >= argc) return otherwise;
  char *end;
  long long n = strtoll(argv[i], &end, 10);
  REQUIRE(end != argv[i] && !*end && n >= 0, "'%s' is no count", argv[i]);
  return n;
}

static inline double suite_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Resident memory of this process in bytes; 0 where the system does not tell. */
static inline long long suite_resident(void) {
  long long whole = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%lld %lld", &whole, &resident) != 2) resident = 0;
  if (f) fclose(f);
  return resident * 4096;
}

#endif
