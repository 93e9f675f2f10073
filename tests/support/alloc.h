/* An allocator for tests: counts, fails on request, and finds leaks, wrong sizes
 * and writes past the end of a block. Safe to call from any thread. */
#ifndef TESTS_SUPPORT_ALLOC_H
#define TESTS_SUPPORT_ALLOC_H

#include <pthread.h>

#include "einstride.h"

typedef struct test_alloc {
  pthread_mutex_t lock;
  int64_t calls;         /* allocations asked for so far */
  int64_t fail_at;       /* the number of the call that fails, counted from 1; 0: none */
  bool fail_after;       /* and all calls after it */
  int64_t failed;        /* calls that were refused */
  int64_t blocks, bytes; /* alive */
  int64_t defects;       /* wrong old_size, unknown or damaged block */
} test_alloc;

void test_alloc_init(test_alloc *a);
es_allocator test_alloc_hooks(test_alloc *a); /* for es_config.allocator */
/* The k-th allocation from now on fails, k >= 1; all later ones too if after. */
void test_alloc_fail(test_alloc *a, int64_t k, bool after);
void test_alloc_obey(test_alloc *a); /* nothing fails any more */

#endif
