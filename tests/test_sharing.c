/* Expressions and plans belong to no thread: several make, run, print and release the same
 * ones at once, each in a context of its own, and the last to go frees them. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"

enum { THREADS = 4, ROUNDS = 20, M = 6, K = 7, N = 40 };

static const char text[] = "i j, j k -> i k";
static const int64_t x_shape[2] = {M, K}, y_shape[2] = {K, N}, z_shape[2] = {M, N};

typedef struct shared {
  es_expr *expr;
  es_plan *plan;
  int32_t x[M * K], y[K * N], want[M * N];
  pthread_barrier_t start;
} shared;

typedef struct worker {
  shared *all;
  es_ctx *ctx; /* its own */
  bool right;
} worker;

static es_array matrix(const int32_t *data, const int64_t *shape) {
  return (es_array){(void *)(uintptr_t)data, ES_I32, 2, shape, NULL};
}

static bool run(es_ctx *ctx, const es_plan *plan, const shared *all) {
  int32_t z[M * N];
  es_error error;
  es_array in[2] = {matrix(all->x, x_shape), matrix(all->y, y_shape)}, out = matrix(z, z_shape);
  size_t bytes = es_plan_workspace(plan);
  void *space = bytes ? aligned_alloc(64, bytes) : NULL;
  es_status status = es_run(ctx, plan, in, 2, &out, space, &error);
  free(space);
  return status == ES_OK && !memcmp(z, all->want, sizeof z);
}

/* The plan that all share, and one of its own of the expression that all share. */
static bool one_round(worker *w, int round) {
  char line[256];
  shared *all = w->all;
  es_error error;
  es_expr *expr = es_expr_retain(all->expr);
  es_plan *plan = es_plan_retain(all->plan);
  es_array in[2] = {matrix(NULL, x_shape), matrix(NULL, y_shape)};
  es_plan *own = es_plan_make(w->ctx, expr, in, 2, NULL, NULL, &error);
  bool right = own && run(round % 2 ? w->ctx : NULL, plan, all) && run(w->ctx, own, all) &&
               es_plan_print(plan, line, sizeof line) && es_expr_print(expr, line, sizeof line) &&
               !strcmp(line, text);
  es_plan_release(own);
  es_plan_release(plan);
  es_expr_release(expr);
  return right;
}

static void *work(void *user) {
  worker *w = user;
  w->right = true;
  pthread_barrier_wait(&w->all->start);
  for (int round = 0; round < ROUNDS; round++) w->right &= one_round(w, round);
  es_plan_release(w->all->plan); /* a count for each */
  es_expr_release(w->all->expr);
  return NULL;
}

static void fill(shared *all) {
  for (int i = 0; i < M * K; i++) all->x[i] = i % 11 - 5;
  for (int i = 0; i < K * N; i++) all->y[i] = i % 13 - 6;
  for (int i = 0; i < M * N; i++) {
    all->want[i] = 0;
    for (int j = 0; j < K; j++) all->want[i] += all->x[i / N * K + j] * all->y[j * N + i % N];
  }
}

Test(sharing, one_plan_many_threads) {
  static shared all;
  worker workers[THREADS];
  pthread_t threads[THREADS];
  test_alloc alloc;
  es_error error;
  test_alloc_init(&alloc);
  fill(&all);
  es_config config = {.allocator = test_alloc_hooks(&alloc), .threads = 2};
  es_ctx *maker = es_ctx_create(&config);
  es_array in[2] = {matrix(NULL, x_shape), matrix(NULL, y_shape)};
  all.expr = es_expr_parse(maker, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  all.plan = es_plan_make(maker, all.expr, in, 2, NULL, NULL, &error);
  cr_assert(all.plan, "%s", error.message);
  pthread_barrier_init(&all.start, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (worker){.all = &all, .ctx = es_ctx_create(&config)};
    es_expr_retain(all.expr);
    es_plan_retain(all.plan);
    cr_assert_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  /* The context that made them goes first. */
  es_expr_release(all.expr);
  es_plan_release(all.plan);
  es_ctx_destroy(maker);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    cr_assert(workers[i].right, "thread %d", i);
    es_ctx_destroy(workers[i].ctx);
  }
  cr_assert_eq(alloc.blocks, 0, "%lld blocks are left", (long long)alloc.blocks);
  cr_assert_eq(alloc.defects, 0);
}

/* ---- one context, many threads ----------------------------------------------------------------
 */

enum { TURNS = 400 };

/* A context and a tensor in it that go from hand to hand: who holds the lock at its turn negates
 * the tensor, by a plan the first turn has cached, and leaves an error for the next to find. */
typedef struct baton {
  pthread_mutex_t lock;
  pthread_cond_t passed;
  int turn;
  es_ctx *ctx;
  es_tensor *value;
  bool right;
} baton;

typedef struct runner {
  baton *b;
  int number;
} runner;

static bool take_turn(baton *b) {
  int16_t got[6];
  bool right = (b->turn == 0) == (es_ctx_error(b->ctx)->status == ES_OK);
  es_clear_error(b->ctx);
  es_scope_push(b->ctx);
  es_tensor *sum = es_einsum(b->ctx, "i j, -> i j",
                             ES_IN(b->value, es_full(b->ctx, ES_I16, 0, NULL, -1)), NULL);
  right &= sum != NULL && es_read(b->ctx, sum, ES_I16, got, 6) == ES_OK;
  for (int i = 0; right && i < 6; i++) right = got[i] == (b->turn % 2 ? i : -i);
  sum = es_scope_pop_keep(b->ctx, sum);
  b->value = sum;
  es_einsum(b->ctx, "i j -> k", ES_IN(sum), NULL);
  return right && sum != NULL;
}

static void *take_turns(void *user) {
  runner *r = user;
  baton *b = r->b;
  pthread_mutex_lock(&b->lock);
  while (b->turn < TURNS) {
    if (b->turn % THREADS == r->number) {
      b->right &= take_turn(b);
      b->turn++;
      pthread_cond_broadcast(&b->passed);
    } else {
      pthread_cond_wait(&b->passed, &b->lock);
    }
  }
  pthread_mutex_unlock(&b->lock);
  return NULL;
}

Test(sharing, one_context_from_thread_to_thread) {
  test_alloc alloc;
  test_alloc_init(&alloc);
  baton b = {.lock = PTHREAD_MUTEX_INITIALIZER, .passed = PTHREAD_COND_INITIALIZER, .right = true};
  b.ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&alloc), .threads = 2});
  b.value = es_ramp(b.ctx, ES_I16, ES_SHAPE(2, 3));
  runner runners[THREADS];
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    runners[i] = (runner){&b, i};
    cr_assert_eq(pthread_create(&threads[i], NULL, take_turns, &runners[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  cr_assert_eq(b.turn, TURNS);
  cr_assert(b.right);
  es_ctx_destroy(b.ctx);
  cr_assert_eq(alloc.blocks, 0, "%lld blocks are left", (long long)alloc.blocks);
}
