/* Operands that never change: the same bits as without, computed once, owned by the plan. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc.h"
#include "support/check.h"

static es_array described(const es_tensor *t) {
  return (es_array){(void *)(uintptr_t)es_data(t), es_dtype_of(t), es_rank(t), es_shape(t),
                    es_strides(t)};
}

static es_plan *plan_of(es_ctx *es, es_kind kind, const char *text, const es_array *in, int64_t n,
                        const bool *constant) {
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, kind, text, strlen(text), ES_READ_AUTO, &error);
  cr_assert(expr != NULL, "%s", error.message);
  es_options options = {.constant = constant};
  es_plan *plan = es_plan_make(es, expr, in, n, NULL, &options, &error);
  cr_assert(plan != NULL, "%s", error.message);
  es_expr_release(expr);
  return plan;
}

/* The result of a plan; operands that are constant are not even described. */
static void run(es_ctx *es, const es_plan *plan, const es_array *in, int64_t n,
                const bool *constant, void *result) {
  es_array given[8] = {{0}};
  for (int64_t i = 0; i < n; i++)
    if (!constant[i]) given[i] = in[i];
  es_array out = es_plan_output(plan, 0);
  out.data = result;
  void *workspace = aligned_alloc(64, es_plan_workspace(plan) + 64);
  es_error error = {0};
  cr_assert_eq(es_run(es, plan, given, n, &out, workspace, &error), ES_OK, "%s", error.message);
  free(workspace);
}

/* Every choice of constants, in layouts that differ, gives the bits of none. */
static void check_all(es_ctx *es, const char *text, es_dtype type, int n,
                      const int64_t (*shapes)[5]) {
  es_tensor *x[4];
  es_array in[4];
  for (int layout = 0; layout < CHECK_LAYOUTS; layout++) {
    for (int i = 0; i < n; i++) {
      int rank = (int)shapes[i][0];
      x[i] = check_layout(es, check_data(es, type, rank, shapes[i] + 1, (unsigned)i + 3), layout);
      in[i] = described(x[i]);
    }
    es_tensor *y = es_einsum(es, text, x, n, NULL);
    CHECK_OK(es, y);
    size_t bytes = (size_t)es_size(y) * es_dtype_size(es_dtype_of(y));
    for (int set = 1; set < 1 << n; set++) {
      bool constant[4];
      for (int i = 0; i < n; i++) constant[i] = set >> i & 1;
      es_plan *plan = plan_of(es, ES_KIND_EINSUM, text, in, n, constant);
      void *result = malloc(bytes);
      run(es, plan, in, n, constant, result);
      cr_assert_eq(memcmp(result, es_data(y), bytes), 0, "%s in %s, layout %d, constants %d", text,
                   es_dtype_name(type), layout, set);
      free(result);
      es_plan_release(plan);
    }
  }
}

#define SHAPE5(...)                                                                                \
  { sizeof((int64_t[]){__VA_ARGS__}) / 8, __VA_ARGS__ }

Test(constant, same_bits_whatever_is_constant) {
  es_ctx *es = es_ctx_create(NULL);
  static const es_dtype types[] = {ES_F32, ES_F64, ES_BF16, ES_C64, ES_I32, ES_I64, ES_I8};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    bool small = types[t] == ES_I8;
    const int64_t product[][5] = {SHAPE5(150, small ? 3 : 260), SHAPE5(small ? 3 : 260, 140)};
    check_all(es, "m k, k n -> m n", types[t], 2, product);
    const int64_t image[][5] = {SHAPE5(2, 3, 9, 11), SHAPE5(40, 3, 3, 3)};
    if (!small)
      check_all(es, "b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w", types[t], 2, image);
    const int64_t edge[][5] = {SHAPE5(2, 3, 9, 11), SHAPE5(5, 3, 3)};
    if (!small) check_all(es, "b c (h+kh-1)?edge w, o c kh -> b o h w", types[t], 2, edge);
    const int64_t chain[][5] = {SHAPE5(5, 6), SHAPE5(6, 7), SHAPE5(7, 8), SHAPE5(8, 4)};
    if (!small) check_all(es, "a b, b c, c d, d e -> a e", types[t], 4, chain);
  }
  es_ctx_destroy(es);
}

/* A pair of constants is contracted once: the plan's cost is that of the rest. */
Test(constant, what_depends_on_constants_alone_is_computed_once) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(4, 60)),
            *a = es_randn(es, ES_F32, ES_SHAPE(60, 300)),
            *b = es_randn(es, ES_F32, ES_SHAPE(300, 60));
  es_array in[] = {described(x), described(a), described(b)};
  const char *text = "h = relu(a); w = h: i k, b: k j -> i j; x: m i, w: i j -> m j";
  es_plan *plan = plan_of(es, ES_KIND_PROGRAM, text, (es_array[]){in[1], in[2], in[0]}, 3,
                          (bool[]){true, true, false});
  cr_assert_eq(es_plan_flops(plan), 4. * 60 * 60);
  float y[4 * 60];
  run(es, plan, (es_array[]){in[1], in[2], in[0]}, 3, (bool[]){true, true, false}, y);
  es_tensor *w = es_einsum(es, "i k, k j -> i j", ES_IN(es_relu(es, a), b), NULL);
  es_tensor *z = es_einsum(es, "m i, i j -> m j", ES_IN(x, w), NULL);
  cr_assert_eq(memcmp(y, es_data(z), sizeof y), 0);
  es_plan_release(plan);
  es_ctx_destroy(es);
}

static es_plan *plan_of_integers(es_ctx *es, const es_array *in, const bool *constant,
                                 es_dtype out) {
  static const char text[] = "m k, k n -> m n";
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  es_options options = {.constant = constant, .has_out_dtype = true, .out_dtype = out};
  es_plan *plan = es_plan_make(es, expr, in, 2, NULL, &options, &error);
  cr_assert(plan != NULL, "%s", error.message);
  es_expr_release(expr);
  return plan;
}

/* Small integers whose kind is known from their types are packed once; what passes the type of
 * the result is computed anew from what is not, for the same message. */
Test(constant, integer_weights_are_packed_once) {
  enum { M = 33, K = 300, N = 170 };
  es_ctx *es = es_ctx_create(&(es_config){.threads = 1});
  static int8_t x[M * K], w[K * N];
  static int32_t sum[2][M * N];
  static int8_t narrow[M * N];
  int64_t x_shape[] = {M, K}, w_shape[] = {K, N};
  for (int i = 0; i < M * K; i++) x[i] = (int8_t)(i * 37 % 255 - 127);
  for (int i = 0; i < K * N; i++) w[i] = (int8_t)(i * 91 % 255 - 127);
  es_array in[] = {{x, ES_I8, 2, x_shape, NULL}, {w, ES_I8, 2, w_shape, NULL}};
  char message[2][1024], print[4096];
  for (int held = 0; held < 2; held++) {
    const bool constant[] = {false, held == 1};
    es_plan *plan = plan_of_integers(es, in, constant, ES_I32);
    es_plan_print(plan, print, sizeof print);
    cr_assert_eq(strstr(print, "packed once") != NULL, held == 1, "%s", print);
    run(es, plan, in, 2, constant, sum[held]);
    es_plan_release(plan);
    plan = plan_of_integers(es, in, constant, ES_I8);
    es_array out = es_plan_output(plan, 0), given[] = {in[0], held ? (es_array){0} : in[1]};
    void *workspace = aligned_alloc(64, es_plan_workspace(plan) / 64 * 64 + 128);
    es_error error = {0};
    out.data = narrow;
    cr_assert_eq(es_run(es, plan, given, 2, &out, workspace, &error), ES_E_OVERFLOW);
    snprintf(message[held], sizeof *message, "%s", error.message);
    free(workspace);
    es_plan_release(plan);
  }
  cr_assert_eq(memcmp(sum[0], sum[1], sizeof *sum), 0);
  cr_assert_str_eq(message[0], message[1]);
  es_ctx_destroy(es);
}

/* The plan owns what it needs: the caller's memory may go, and change, afterwards. */
Test(constant, the_plan_owns_its_constants) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(200, 300)),
            *w = es_randn(es, ES_F32, ES_SHAPE(300, 150));
  es_tensor *y = es_einsum(es, "m k, k n -> m n", ES_IN(x, w), NULL);
  es_array in[] = {described(x), described(w)};
  const bool constant[] = {false, true};
  es_plan *plan = plan_of(es, ES_KIND_EINSUM, "m k, k n -> m n", in, 2, constant);
  memset(es_data_mut(w), 0, 300 * 150 * 4);
  float *z = malloc(200 * 150 * 4);
  run(es, plan, in, 2, constant, z);
  cr_assert_eq(memcmp(z, es_data(y), 200 * 150 * 4), 0);
  free(z);
  es_plan_release(plan);
  es_ctx_destroy(es);
}

/* Constant tensors through the tensor door and a layer; another one is no hit of the cache. */
Test(constant, tensors) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(2, 16, 9, 9)),
            *w = es_randn(es, ES_F32, ES_SHAPE(64, 16, 3, 3)),
            *bias = es_randn(es, ES_F32, ES_SHAPE(64));
  es_tensor *c = es_constant(es, w);
  cr_assert_not(es_is_writable(c));
  cr_assert(es_is_constant(c) && !es_is_constant(NULL));
  cr_assert_null(es_data_mut(es_transpose(es, c, 0, 1)));
  es_window window = {.padding = {1}};
  for (int i = 0; i < 3; i++)
    CHECK_SAME(es, es_conv2d(es, x, c, bias, &window), es_conv2d(es, x, w, bias, &window));
  for (int i = 0; i < 20; i++) { /* memory of a released constant is used again */
    cr_assert_eq(es_scope_push(es), ES_OK);
    es_tensor *v = es_randn(es, ES_F32, ES_SHAPE(190, 200));
    es_tensor *r = es_reshape(es, x, 2, (int64_t[]){-1, 162}), *k = es_constant(es, v);
    k = es_slice(es, k, 0, i, i + 162, 1);
    CHECK_SAME(es, es_einsum(es, "i k, k j -> i j", ES_IN(r, k), NULL),
               es_einsum(es, "i k, k j -> i j", ES_IN(r, es_slice(es, v, 0, i, i + 162, 1)), NULL));
    es_scope_pop(es);
  }
  es_ctx_destroy(es);
}

/* ---- shared by threads --------------------------------------------------------------------- */

typedef struct job {
  const es_plan *plan;
  es_array in[2];
  float *out;
} job;

static void *run_job(void *arg) {
  job *j = arg;
  void *workspace = aligned_alloc(64, es_plan_workspace(j->plan));
  es_array out = es_plan_output(j->plan, 0);
  out.data = j->out;
  for (int i = 0; i < 20; i++)
    if (es_run(NULL, j->plan, j->in, 2, &out, workspace, NULL) != ES_OK) j->out[0] = -12345;
  free(workspace);
  return NULL;
}

Test(constant, threads_share_packed_weights) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(1, 32, 7, 7)),
            *w = es_randn(es, ES_F32, ES_SHAPE(48, 32, 3, 3));
  es_array in[] = {described(x), described(w)};
  es_plan *plan = plan_of(es, ES_KIND_EINSUM, "b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w", in,
                          2, (bool[]){false, true});
  enum { THREADS = 12, BYTES = 48 * 49 * 4 };
  pthread_t thread[THREADS];
  job jobs[THREADS];
  for (int i = 0; i < THREADS; i++) {
    jobs[i] = (job){plan, {in[0], in[1]}, malloc(BYTES)};
    cr_assert_eq(pthread_create(&thread[i], NULL, run_job, &jobs[i]), 0);
  }
  es_tensor *y = es_conv2d(es, x, w, NULL, &(es_window){.padding = {1}});
  for (int i = 0; i < THREADS; i++) {
    pthread_join(thread[i], NULL);
    cr_assert_eq(memcmp(jobs[i].out, es_data(y), BYTES), 0);
    free(jobs[i].out);
  }
  es_plan_release(plan);
  es_ctx_destroy(es);
}

/* Whatever the limit: a plan is made within it or refused, and the tensor door computes in
 * every run what cannot be kept. */
Test(constant, within_the_memory_limit) {
  es_ctx *es = es_ctx_create(&(es_config){.threads = 1});
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(40, 300)),
            *w = es_constant(es, es_randn(es, ES_F32, ES_SHAPE(300, 500))),
            *v = es_constant(es, es_randn(es, ES_F32, ES_SHAPE(500, 400)));
  const char *text = "m k, k n, n o -> m o";
  es_array in[] = {described(x), described(w), described(v)};
  es_options options = {.constant = (bool[]){false, true, true}};
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  es_tensor *y = es_einsum(es, text, ES_IN(x, w, v), NULL);
  CHECK_OK(es, y);
  double *want = check_values(es, y); /* in pieces, sums add up in another order */
  int refused = 0, made = 0, read = 0;
  enum { STEP = 100 << 10, TABLES = 96 << 10 }; /* tables of a plan are not held against it */
  for (int64_t room = STEP; room < 32 * STEP; room += STEP) {
    int64_t limit = es_memory_now(es) + room;
    cr_assert_eq(es_set_max_bytes(es, limit), ES_OK);
    limit = es_memory_now(es) + room; /* the cache is empty now */
    cr_assert_eq(es_set_max_bytes(es, limit), ES_OK);
    es_memory_reset_peak(es);
    es_plan *plan = es_plan_make(es, expr, in, 3, NULL, &options, &error);
    cr_assert_leq(es_memory_peak(es), limit + TABLES, "room %lld", (long long)room);
    if (plan)
      made++;
    else {
      cr_assert_eq(error.status, ES_E_LIMIT, "%s", error.message);
      refused++;
    }
    es_plan_release(plan);
    cr_assert_eq(es_scope_push(es), ES_OK);
    es_tensor *z = es_einsum(es, text, ES_IN(x, w, v), NULL);
    if (!plan && z) read++;
    if (z) check_close(es, z, es_rank(y), es_shape(y), want, 1e-5, 1e-3, __FILE__, __LINE__);
    if (!z) cr_assert_eq(es_ctx_error(es)->status, ES_E_LIMIT, "%s", es_ctx_error(es)->message);
    es_clear_error(es);
    es_scope_pop(es);
  }
  cr_assert(refused > 2 && made > 2 && read > 2, "%d refused, %d made, %d read", refused, made,
            read);
  free(want);
  es_expr_release(expr);
  es_ctx_destroy(es);
}

Test(constant, every_allocation_may_fail) {
  test_alloc a;
  test_alloc_init(&a);
  es_ctx *es = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&a), .threads = 1});
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(150, 200)),
            *w = es_randn(es, ES_F32, ES_SHAPE(200, 160)),
            *v = es_randn(es, ES_F32, ES_SHAPE(160, 160));
  const char *text = "m k, k n, n o -> m o";
  es_array in[] = {described(x), described(w), described(v)};
  const bool constant[] = {false, true, true};
  es_options options = {.constant = constant};
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  int64_t failed = 0, blocks = a.blocks;
  for (int64_t k = 1;; k++) {
    test_alloc_fail(&a, k, k % 2);
    es_plan *plan = es_plan_make(es, expr, in, 3, NULL, &options, &error);
    test_alloc_obey(&a);
    es_plan_release(plan);
    if (plan) break;
    failed++;
    cr_assert_eq(error.status, ES_E_NOMEM, "%s", error.message);
    cr_assert_eq(a.blocks, blocks);
  }
  cr_assert_gt(failed, 4);
  es_expr_release(expr);
  es_ctx_destroy(es);
  cr_assert_eq(a.blocks, 0);
}
