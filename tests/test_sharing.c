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
