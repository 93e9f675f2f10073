#include "engine/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/fpenv.h"

/* Polls before a thread sleeps: some tens of microseconds, the gap between the
 * steps of a plan, and about what waking a sleeper costs. */
enum { SPINS = 2000, MAX_THREADS = 1024 };

/* The part of the index range dealt to one worker. Others may take from it. */
typedef struct range {
  _Alignas(ES_ALIGN) atomic_int_fast64_t next;
  int64_t end;
} range;

typedef struct worker {
  es_pool *pool;
  pthread_t thread;
  int index; /* 1 .. threads-1 */
} worker;

struct es_pool {
  es_allocator allocator;
  size_t bytes; /* of the whole block: pool, ranges, workers */
  int threads;  /* running, the caller's included */
  range *ranges;
  worker *workers; /* [threads], 0 unused: it is the caller */
  atomic_bool busy;

  void (*task)(void *arg, int64_t index, int worker);
  void *arg;
  int crew; /* workers of the job, the caller included */

  pthread_mutex_t mutex;
  pthread_cond_t work, idle;
  atomic_uint_fast64_t generation; /* grows with every job */
  atomic_int active;               /* workers inside the job */
  bool open, stop;                 /* under mutex: may a worker still enter the job */

  bool pinned;
  int caller_cpu; /* when the workers were pinned last */
#if defined(__linux__)
  cpu_set_t allowed;
#endif
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/* ---- processors ------------------------------------------------------------ */

#if defined(__linux__)
static bool may_pin(es_pool *pool, int threads) {
  return !sched_getaffinity(0, sizeof pool->allowed, &pool->allowed) &&
         CPU_COUNT(&pool->allowed) >= threads;
}

/* Gives each worker a processor of its own, none of them the caller's. Costs one
 * read of the processor's number unless the caller has moved. */
static void pin_workers(es_pool *pool) {
  int here = sched_getcpu();
  if (!pool->pinned || here == pool->caller_cpu) return;
  pool->caller_cpu = here;
  int cpu = -1;
  for (int i = 1; i < pool->threads; i++) {
    do cpu++;
    while (cpu < CPU_SETSIZE && (!CPU_ISSET(cpu, &pool->allowed) || cpu == here));
    if (cpu >= CPU_SETSIZE) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    pthread_setaffinity_np(pool->workers[i].thread, sizeof one, &one);
  }
}
#else
static bool may_pin(es_pool *pool, int threads) {
  (void)pool, (void)threads;
  return false;
}
static void pin_workers(es_pool *pool) { (void)pool; }
#endif

/* ---- the work ---------------------------------------------------------------- */

/* Own range first, then what the others have left. */
static void work(es_pool *pool, int index) {
  for (int turn = 0; turn < pool->crew; turn++) {
    range *r = &pool->ranges[(index + turn) % pool->crew];
    int64_t i;
    while ((i = atomic_fetch_add_explicit(&r->next, 1, memory_order_relaxed)) < r->end)
      pool->task(pool->arg, i, index);
  }
}

static void spin_until_job(es_pool *pool, uint_fast64_t seen) {
  for (int i = 0; pool->pinned && i < SPINS; i++) {
    if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) return;
    relax();
  }
}

static void *worker_main(void *arg) {
  worker *self = arg;
  es_pool *pool = self->pool;
  uint_fast64_t seen = 0;
  (void)es_fpenv_enter(); /* a thread is born with the environment of its maker */
  for (;;) {
    spin_until_job(pool, seen);
    pthread_mutex_lock(&pool->mutex);
    while (pool->generation == seen && !pool->stop) pthread_cond_wait(&pool->work, &pool->mutex);
    bool stop = pool->stop, enter = pool->open && !stop && self->index < pool->crew;
    seen = pool->generation;
    if (enter) pool->active++;
    pthread_mutex_unlock(&pool->mutex);
    if (stop) return NULL;
    if (!enter) continue; /* the others were faster, or enough */
    work(pool, self->index);
    pthread_mutex_lock(&pool->mutex);
    if (--pool->active == 0) pthread_cond_signal(&pool->idle);
    pthread_mutex_unlock(&pool->mutex);
  }
}

/* ---- the border -------------------------------------------------------------- */

static void start_workers(es_pool *pool, int threads) {
  sigset_t all, before; /* signals belong to the caller's threads */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (int i = 1; i < threads; i++) {
    pool->workers[i] = (worker){.pool = pool, .index = i};
    if (pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i])) break;
    pool->threads++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

es_pool *es_pool_create(const es_allocator *allocator, int threads) {
  if (threads < 1) threads = 1;
  if (threads > MAX_THREADS) threads = MAX_THREADS;
  size_t head = (sizeof(es_pool) + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN;
  size_t bytes = head + (size_t)threads * (sizeof(range) + sizeof(worker));
  es_pool *pool = es_alloc(allocator, bytes);
  if (!pool) return NULL;
  range *ranges = (range *)((char *)pool + head);
  *pool = (es_pool){.allocator = *allocator,
                    .bytes = bytes,
                    .threads = 1,
                    .ranges = ranges,
                    .workers = (worker *)(ranges + threads),
                    .caller_cpu = -1};
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->idle, NULL);
  pool->pinned = may_pin(pool, threads);
  start_workers(pool, threads);
  return pool;
}

void es_pool_destroy(es_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->mutex);
  pool->stop = true;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 1; i < pool->threads; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->work);
  pthread_cond_destroy(&pool->idle);
  pthread_mutex_destroy(&pool->mutex);
  es_allocator allocator = pool->allocator;
  es_free(&allocator, pool, pool->bytes);
}

int es_pool_threads(const es_pool *pool) { return pool ? pool->threads : 1; }

/* Which worker the calling thread is; 0 for any thread that is none. */
static int self_index(const es_pool *pool) {
  pthread_t self = pthread_self();
  for (int i = 1; pool && i < pool->threads; i++)
    if (pthread_equal(self, pool->workers[i].thread)) return i;
  return 0;
}

static void deal(es_pool *pool, int64_t count) {
  int64_t share = count / pool->crew, rest = count % pool->crew, at = 0;
  for (int i = 0; i < pool->crew; i++) {
    atomic_store_explicit(&pool->ranges[i].next, at, memory_order_relaxed);
    at += share + (i < rest);
    pool->ranges[i].end = at;
  }
}

static void open_job(es_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  pool->open = true;
  pool->generation++;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->mutex);
}

/* A worker that wakes too late finds the job closed: a short job never waits for
 * a sleeper. */
static void close_job(es_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  pool->open = false;
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 0; pool->pinned && i < SPINS && pool->active; i++) relax();
  pthread_mutex_lock(&pool->mutex);
  while (pool->active) pthread_cond_wait(&pool->idle, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}

void es_pool_run_by(es_pool *pool, int workers, int64_t count,
                    void (*task)(void *arg, int64_t index, int worker), void *arg) {
  if (workers > es_pool_threads(pool)) workers = es_pool_threads(pool);
  if (workers == 1 || count <= 1 || atomic_exchange(&pool->busy, true)) {
    int self = self_index(pool);
    for (int64_t i = 0; i < count; i++) task(arg, i, self < workers ? self : 0);
    return;
  }
  pool->task = task;
  pool->arg = arg;
  pool->crew = workers;
  deal(pool, count);
  pin_workers(pool);
  open_job(pool);
  work(pool, 0);
  close_job(pool);
  atomic_store(&pool->busy, false);
}

void es_pool_run(es_pool *pool, int64_t count, void (*task)(void *arg, int64_t index, int worker),
                 void *arg) {
  es_pool_run_by(pool, es_pool_threads(pool), count, task, arg);
}
