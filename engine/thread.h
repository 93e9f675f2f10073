/* A small pool. Static ranges: which thread runs a task never changes a bit of
 * the result, because tasks never share an output element. */
#ifndef ES_ENGINE_THREAD_H
#define ES_ENGINE_THREAD_H

#include "base/alloc.h"

typedef struct es_pool es_pool;

/* threads >= 1, the caller's included. When the system refuses threads the pool
 * has fewer; NULL only when memory is out. Workers are pinned to the processors
 * the process may use, sleep when idle, and spin briefly after work. The
 * caller's own thread is never pinned: workers keep off the processor it is on. */
es_pool *es_pool_create(const es_allocator *allocator, int threads);
void es_pool_destroy(es_pool *pool);      /* NULL is allowed */
int es_pool_threads(const es_pool *pool); /* NULL: 1 */
/* Runs task(arg, index, worker) for index 0 .. count-1 and returns when all are done.
 * worker is 0 .. threads-1, and no two tasks of one call run at once with the same
 * one. Neighbouring indices go to one worker; a worker that has finished its range
 * takes from the others'. pool NULL, or a call from inside a task: in a loop on the
 * calling thread (then worker is that thread's own). */
void es_pool_run(es_pool *pool, int64_t count, void (*task)(void *arg, int64_t index, int worker),
                 void *arg);
/* By so many workers at most: worker is less than that. */
void es_pool_run_by(es_pool *pool, int workers, int64_t count,
                    void (*task)(void *arg, int64_t index, int worker), void *arg);

#endif
