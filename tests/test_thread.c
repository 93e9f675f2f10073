/* The pool: every index once, workers never shared, nesting, any number of threads. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/thread.h"

enum { MOST = 10000, THREADS = 9 };

typedef struct tally {
  es_pool *pool;
  int workers; /* that may take part, or 0: all */
  atomic_int hits[MOST];
  atomic_int inside[THREADS]; /* tasks running as this worker */
  atomic_int bad;
  int64_t nested;
} tally;

static void count_task(void *arg, int64_t index, int worker) {
  tally *t = arg;
  int workers = t->workers ? t->workers : es_pool_threads(t->pool);
  if (worker < 0 || worker >= workers || atomic_fetch_add(&t->inside[worker], 1)) t->bad++;
  t->hits[index]++;
  atomic_fetch_sub(&t->inside[worker], 1);
}

static void check_once(const tally *t, int64_t count, int each) {
  for (int64_t i = 0; i < MOST; i++)
    cr_assert_eq(t->hits[i], i < count ? each : 0, "index %lld of %lld: %d times", (long long)i,
                 (long long)count, t->hits[i]);
  cr_assert_eq(t->bad, 0);
}

Test(thread, every_index_once) {
  static const int64_t counts[] = {0, 1, 2, 3, 7, 8, 9, 100, MOST};
  es_allocator a = es_allocator_default();
  for (int threads = 1; threads <= THREADS; threads++) {
    es_pool *pool = es_pool_create(&a, threads);
    cr_assert(pool);
    cr_assert(es_pool_threads(pool) >= 1 && es_pool_threads(pool) <= threads);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
      tally *t = calloc(1, sizeof *t);
      t->pool = pool;
      es_pool_run(pool, counts[c], count_task, t);
      check_once(t, counts[c], 1);
      free(t);
    }
    es_pool_destroy(pool);
  }
}

Test(thread, no_more_workers_than_asked_for) {
  es_allocator a = es_allocator_default();
  es_pool *pool = es_pool_create(&a, 4);
  for (int workers = 1; workers <= THREADS; workers++) {
    tally *t = calloc(1, sizeof *t);
    t->pool = pool;
    t->workers = workers;
    for (int round = 0; round < 200; round++) es_pool_run_by(pool, workers, 100, count_task, t);
    check_once(t, 100, 200);
    free(t);
  }
  es_pool_destroy(pool);
}

Test(thread, no_pool_is_the_caller) {
  tally *t = calloc(1, sizeof *t);
  es_pool_run(NULL, 100, count_task, t);
  check_once(t, 100, 1);
  cr_assert_eq(es_pool_threads(NULL), 1);
  es_pool_destroy(NULL);
  free(t);
}

Test(thread, short_jobs_in_a_row) {
  es_allocator a = es_allocator_default();
  es_pool *pool = es_pool_create(&a, 3);
  tally *t = calloc(1, sizeof *t);
  t->pool = pool;
  for (int round = 0; round < 20000; round++) es_pool_run(pool, 4, count_task, t);
  check_once(t, 4, 20000);
  free(t);
  es_pool_destroy(pool);
}

/* A task may call the pool again: it runs inline, under its own worker's number. */
static void inner_task(void *arg, int64_t index, int worker) {
  tally *t = arg;
  if (atomic_load(&t->inside[worker]) != 1) t->bad++;
  t->hits[index]++;
}

static void outer_task(void *arg, int64_t index, int worker) {
  tally *t = arg;
  (void)index;
  if (atomic_fetch_add(&t->inside[worker], 1)) t->bad++;
  es_pool_run(t->pool, t->nested, inner_task, t);
  atomic_fetch_sub(&t->inside[worker], 1);
}

Test(thread, nested_runs_inline) {
  es_allocator a = es_allocator_default();
  es_pool *pool = es_pool_create(&a, 4);
  tally *t = calloc(1, sizeof *t);
  t->pool = pool;
  t->nested = 50;
  es_pool_run(pool, 200, outer_task, t);
  check_once(t, 50, 200);
  free(t);
  es_pool_destroy(pool);
}

static void *refuse(void *user, void *ptr, size_t old_size, size_t new_size) {
  (void)user, (void)ptr, (void)old_size, (void)new_size;
  return NULL;
}

Test(thread, out_of_memory_is_null) {
  es_allocator none = {refuse, NULL};
  cr_assert_null(es_pool_create(&none, 4));
}

#if defined(__linux__)
/* The caller's own affinity is not the pool's to change. */
Test(thread, caller_stays_unpinned) {
  cpu_set_t before, after;
  sched_getaffinity(0, sizeof before, &before);
  es_allocator a = es_allocator_default();
  es_pool *pool = es_pool_create(&a, 2);
  tally *t = calloc(1, sizeof *t);
  t->pool = pool;
  es_pool_run(pool, 100, count_task, t);
  sched_getaffinity(0, sizeof after, &after);
  cr_assert(CPU_EQUAL(&before, &after));
  free(t);
  es_pool_destroy(pool);
}
#endif
