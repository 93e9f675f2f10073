/* The context: memory accounting, limits, scopes, the sticky error, settings. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/ctx.h"
#include "support/alloc.h"

static es_ctx *counted(test_alloc *a) {
  test_alloc_init(a);
  es_ctx *ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(a)});
  cr_assert(ctx);
  return ctx;
}

Test(ctx, version) {
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", ES_VERSION_MAJOR, ES_VERSION_MINOR, ES_VERSION_PATCH);
  cr_assert_str_eq(es_version(), text);
  cr_assert_str_eq(ES_VERSION_STRING, text);
}

Test(ctx, defaults_are_resolved) {
  es_ctx *ctx = es_ctx_create(NULL);
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  cr_assert_eq(es_threads(ctx), CPU_COUNT(&set));
  cr_assert(es_isa_used(ctx) == ES_ISA_V16 || es_isa_used(ctx) == ES_ISA_V32 ||
            es_isa_used(ctx) == ES_ISA_V64);
  cr_assert(ctx->config.max_bytes > 1 << 20);
  cr_assert_eq(ctx->config.max_cached_plans, 1024);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_OK);
  cr_assert_str_eq(es_error_text(ctx), "");
  es_ctx_destroy(ctx);
}

Test(ctx, null_is_harmless) {
  es_ctx_destroy(NULL);
  es_release(NULL);
  cr_assert_null(es_retain(NULL));
  cr_assert_null(es_zeros(NULL, ES_F32, 0, NULL));
  cr_assert_null(es_unary(NULL, ES_EXP, NULL));
  cr_assert_null(es_transpose(NULL, NULL, 0, 1));
  cr_assert_neq(es_ctx_error(NULL)->status, ES_OK);
  cr_assert_neq(es_scope_push(NULL), ES_OK);
  es_scope_pop(NULL);
  es_clear_error(NULL);
  cr_assert_eq(es_memory_now(NULL), 0);
  cr_assert_eq(es_rank(NULL), 0);
  cr_assert_eq(es_size(NULL), 0);
  cr_assert_null(es_data(NULL));
}

/* ---- memory ------------------------------------------------------------------- */

Test(ctx, accounting_is_what_the_allocator_sees) {
  test_alloc a;
  es_ctx *ctx = counted(&a);
  int64_t before = es_memory_now(ctx);
  cr_assert_eq(before, a.bytes);
  es_tensor *x = es_zeros(ctx, ES_F64, ES_SHAPE(100, 100));
  cr_assert(x);
  cr_assert_eq(es_memory_now(ctx), a.bytes);
  cr_assert(es_memory_now(ctx) >= before + 80000);
  cr_assert(es_memory_now(ctx) <= before + 80000 + 4096);
  es_transpose(ctx, x, 0, 1);
  cr_assert_eq(es_memory_now(ctx), a.bytes);
  es_ctx_destroy(ctx);
  cr_assert_eq(a.blocks, 0);
  cr_assert_eq(a.bytes, 0);
  cr_assert_eq(a.defects, 0);
}

Test(ctx, peak_and_reset) {
  es_ctx *ctx = es_ctx_create(NULL);
  int64_t before = es_memory_now(ctx);
  es_scope_push(ctx);
  es_zeros(ctx, ES_U8, ES_SHAPE(1000000));
  es_scope_pop(ctx);
  cr_assert(es_memory_now(ctx) < before + 10000);
  cr_assert(es_memory_peak(ctx) >= before + 1000000);
  es_memory_reset_peak(ctx);
  cr_assert_eq(es_memory_peak(ctx), es_memory_now(ctx));
  es_ctx_destroy(ctx);
}

Test(ctx, the_limit_refuses_before_allocating) {
  test_alloc a;
  es_ctx *ctx = counted(&a);
  cr_assert_eq(es_set_max_bytes(ctx, 1 << 20), ES_OK);
  int64_t calls = a.calls, fits = ((1 << 20) - es_memory_now(ctx)) / 2;
  cr_assert_null(es_zeros(ctx, ES_F32, ES_SHAPE(1024, 1024)));
  cr_assert_eq(a.calls, calls, "an allocation was tried");
  const es_error *e = es_ctx_error(ctx);
  cr_assert_eq(e->status, ES_E_LIMIT);
  cr_assert_str_eq(e->rule, "M1");
  cr_assert(strstr(e->message, "(1024, 1024)") && strstr(e->message, "f32"), "%s", e->message);
  cr_assert(strstr(e->message, "4194304") && strstr(e->message, "1048576"), "%s", e->message);
  es_clear_error(ctx);
  cr_assert(es_zeros(ctx, ES_U8, ES_SHAPE(fits)));
  cr_assert_eq(es_set_max_bytes(ctx, 0), ES_OK);
  cr_assert(es_zeros(ctx, ES_F32, ES_SHAPE(1024, 1024)));
  es_ctx_destroy(ctx);
  cr_assert_eq(a.blocks, 0);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Test(ctx, a_thousand_absurd_requests) {
  test_alloc a;
  es_ctx *ctx = counted(&a);
  int64_t blocks = a.blocks;
  double longest = 0;
  for (int i = 0; i < 1000; i++) {
    int64_t shape[] = {((int64_t)1 << 40) + i, ((int64_t)1 << (i % 60)), 3};
    double start = seconds();
    cr_assert_null(es_full(ctx, ES_C128, 3, shape, 1));
    double taken = seconds() - start;
    if (taken > longest) longest = taken;
    cr_assert_eq(es_ctx_error(ctx)->status, ES_E_LIMIT, "%s", es_error_text(ctx));
    es_clear_error(ctx);
  }
  cr_assert_eq(a.blocks, blocks);
  cr_assert(longest < 0.05, "refusing took %g s", longest); /* 1 ms on a quiet machine */
  es_ctx_destroy(ctx);
}

Test(ctx, bad_shapes_and_types) {
  es_ctx *ctx = es_ctx_create(NULL);
  int64_t shape[ES_MAX_RANK + 1] = {2, -1};
  static const struct {
    es_dtype dtype;
    int rank;
    es_status status;
  } rows[] = {{ES_F32, 2, ES_E_EXTENT},
              {ES_F32, -1, ES_E_RANK},
              {ES_F32, ES_MAX_RANK + 1, ES_E_RANK},
              {(es_dtype)12, 1, ES_E_DTYPE},
              {ES_DTYPE_AUTO, 1, ES_E_DTYPE}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cr_assert_null(es_zeros(ctx, rows[i].dtype, rows[i].rank, shape));
    cr_assert_eq(es_ctx_error(ctx)->status, rows[i].status);
    es_clear_error(ctx);
  }
  es_ctx_destroy(ctx);
}

Test(ctx, scratch_grows_and_stays) {
  es_ctx *ctx = es_ctx_create(NULL);
  void *small = es_ctx_scratch(ctx, 100);
  cr_assert(small);
  cr_assert_eq((uintptr_t)small % ES_ALIGN, 0);
  cr_assert_eq(es_ctx_scratch(ctx, 50), small);
  cr_assert(es_ctx_scratch(ctx, 100000));
  es_set_max_bytes(ctx, 200000);
  cr_assert_null(es_ctx_scratch(ctx, 1000000));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_LIMIT);
  cr_assert(es_ctx_scratch(ctx, 1000));
  es_ctx_destroy(ctx);
}

/* ---- scopes -------------------------------------------------------------------- */

Test(ctx, scopes_release_what_they_hold) {
  test_alloc a;
  es_ctx *ctx = counted(&a);
  es_zeros(ctx, ES_F32, ES_SHAPE(10));
  es_scope_push(ctx);
  es_scope_push(ctx);
  es_zeros(ctx, ES_U8, ES_SHAPE(50000));
  int64_t inner = a.bytes;
  es_scope_pop(ctx);
  cr_assert(a.bytes <= inner - 50000);
  es_scope_pop(ctx);
  es_scope_pop(ctx); /* the outermost stays open */
  cr_assert(es_zeros(ctx, ES_F32, ES_SHAPE(3)));
  es_ctx_destroy(ctx);
  cr_assert_eq(a.blocks, 0);
  cr_assert_eq(a.defects, 0);
}

Test(ctx, pop_keep_moves_one_tensor_out) {
  test_alloc a;
  es_ctx *ctx = counted(&a);
  es_scope_push(ctx);
  es_zeros(ctx, ES_F32, ES_SHAPE(3));
  es_tensor *kept = es_ramp(ctx, ES_F32, ES_SHAPE(5));
  es_zeros(ctx, ES_F32, ES_SHAPE(3));
  cr_assert_eq(es_scope_pop_keep(ctx, kept), kept);
  cr_assert_eq(((const float *)es_data(kept))[4], 4);
  /* A tensor of an outer scope needs no moving; NULL passes through. */
  es_scope_push(ctx);
  cr_assert_eq(es_scope_pop_keep(ctx, kept), kept);
  es_scope_push(ctx);
  cr_assert_null(es_scope_pop_keep(ctx, NULL));
  cr_assert_eq(((const float *)es_data(kept))[4], 4);
  es_ctx_destroy(ctx);
  cr_assert_eq(a.blocks, 0);
}

Test(ctx, a_view_keeps_its_storage) {
  test_alloc a;
  es_ctx *ctx = counted(&a);
  es_scope_push(ctx);
  es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(10));
  es_tensor *tail = es_scope_pop_keep(ctx, es_slice(ctx, x, 0, -2, ES_ALL, 1));
  cr_assert_eq(((const float *)es_data(tail))[1], 9);
  cr_assert(!es_is_view(tail), "the other handle is gone");
  es_ctx_destroy(ctx);
  cr_assert_eq(a.blocks, 0);
}

Test(ctx, retained_tensors_outlive_the_context) {
  test_alloc a;
  es_ctx *ctx = counted(&a);
  es_tensor *x = es_retain(es_ramp(ctx, ES_I32, ES_SHAPE(4)));
  es_tensor *y = es_retain(es_retain(es_flip(ctx, x, 0)));
  es_zeros(ctx, ES_F32, ES_SHAPE(100));
  es_ctx_destroy(ctx);
  cr_assert_eq(((const int32_t *)es_data(x))[3], 3);
  es_release(x);
  es_release(y);
  cr_assert_eq(*(const int32_t *)es_data(y), 3);
  es_release(y);
  cr_assert_eq(a.blocks, 0);
  cr_assert_eq(a.defects, 0);
}

static uint64_t state = 88172645463325252u;
static unsigned roll(unsigned n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state % n);
}

/* Random orders of making, viewing, keeping and releasing. */
Test(ctx, random_lives) {
  for (int round = 0; round < 300; round++) {
    test_alloc a;
    es_ctx *ctx = counted(&a);
    es_tensor *held[8] = {NULL};
    int depth = 0;
    for (int step = 0; step < 60; step++) {
      unsigned k = roll(8), other = roll(8);
      switch (roll(7)) {
      case 0: es_scope_push(ctx), depth++; break;
      case 1:
        if (depth) es_scope_pop(ctx), depth--;
        break;
      case 2:
        if (depth) es_scope_pop_keep(ctx, held[k]), depth--;
        break;
      case 3: es_release(held[k]), held[k] = NULL; break;
      case 4: es_release(held[k]), held[k] = es_retain(es_ramp(ctx, ES_I32, ES_SHAPE(3, 4))); break;
      default:
        if (!held[other]) break;
        es_release(k == other ? NULL : held[k]);
        {
          es_tensor *view = es_retain(es_transpose(ctx, held[other], 0, 1));
          if (k == other) es_release(held[k]);
          held[k] = view;
        }
      }
      for (int i = 0; i < 8; i++) {
        int32_t corner[12];
        if (!held[i]) continue;
        cr_assert_eq(es_read(ctx, held[i], ES_I32, corner, 12), ES_OK);
        cr_assert_eq(corner[11], 11);
      }
    }
    es_ctx_destroy(ctx);
    for (int i = 0; i < 8; i++) es_release(held[i]);
    cr_assert_eq(a.blocks, 0, "round %d leaks", round);
    cr_assert_eq(a.defects, 0);
  }
}

/* ---- the sticky error ------------------------------------------------------------- */

Test(ctx, the_first_error_sticks) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_tensor *x = es_zeros(ctx, ES_F32, ES_SHAPE(2, 3));
  es_tensor *y = es_transpose(ctx, x, 0, 7); /* fails */
  es_tensor *z = es_unary(ctx, ES_EXP, es_reshape(ctx, y, ES_SHAPE(6)));
  cr_assert_null(y);
  cr_assert_null(z);
  cr_assert_null(es_select(ctx, x, 0, 99));
  const es_error *e = es_ctx_error(ctx);
  cr_assert_eq(e->status, ES_E_RANGE);
  cr_assert_str_eq(e->message, "axis 7 is out of range for a tensor with 2 axes (-2 … 1)");
  cr_assert_str_eq(es_error_text(ctx),
                   "axis 7 is out of range for a tensor with 2 axes (-2 … 1)\n");
  es_clear_error(ctx);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_OK);
  cr_assert_null(es_select(ctx, x, 0, 99));
  cr_assert_str_eq(es_error_text(ctx), "index 99 is out of range for axis 0 of size 2 (-2 … 1)\n");
  es_ctx_destroy(ctx);
}

Test(ctx, a_null_tensor_is_named_when_no_error_explains_it) {
  es_ctx *ctx = es_ctx_create(NULL);
  cr_assert_null(es_transpose(ctx, NULL, 0, 1));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_VALUE);
  cr_assert_str_eq(es_ctx_error(ctx)->message,
                   "es_transpose: a tensor was expected, but the argument is NULL");
  es_ctx_destroy(ctx);
}

Test(ctx, the_text_of_the_error_is_kept) {
  es_ctx *ctx = es_ctx_create(NULL);
  char text[] = "a b -> c";
  es_error e;
  es_fail(&e, ES_E_NAME, "S11", (es_span){7, 1}, "no input has an axis '%s'", "c");
  cr_assert_eq(es_ctx_fail(ctx, &e, text, strlen(text)), ES_E_NAME);
  text[7] = 'z';
  cr_assert_str_eq(es_error_text(ctx), "no input has an axis 'c'\n  a b -> c\n         ^\n");
  es_ctx_destroy(ctx);
}

/* ---- settings ------------------------------------------------------------------------ */

Test(ctx, settings) {
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 3, .isa = ES_ISA_V16, .max_bytes = 12345678});
  cr_assert_eq(es_threads(ctx), 3);
  cr_assert_eq(es_isa_used(ctx), ES_ISA_V16);
  cr_assert_eq(ctx->config.max_bytes, 12345678);
  cr_assert_eq(es_set_threads(ctx, 0), ES_E_VALUE);
  cr_assert_eq(es_set_threads(ctx, 5), ES_OK);
  cr_assert_eq(es_threads(ctx), 5);
  cr_assert_eq(es_set_isa(ctx, (es_isa)17), ES_E_VALUE);
  cr_assert_eq(es_set_isa(ctx, ES_ISA_AUTO), ES_OK);
  cr_assert_eq(es_set_max_bytes(ctx, -1), ES_E_VALUE);
  es_clear_error(ctx);
  cr_assert_eq(es_set_strategy(ctx, "loops"), ES_OK);
  cr_assert_eq(es_set_strategy(ctx, NULL), ES_OK);
  cr_assert_eq(es_set_strategy(ctx, "magic\n"), ES_E_VALUE);
  cr_assert(strstr(es_ctx_error(ctx)->message, "'magic\\x0a'") &&
                strstr(es_ctx_error(ctx)->message, "loops"),
            "%s", es_ctx_error(ctx)->message);
  es_ctx_destroy(ctx);
}

Test(ctx, what_cannot_be_met_sticks) {
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = -2});
  cr_assert(ctx);
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_VALUE);
  cr_assert(es_threads(ctx) >= 1);
  es_ctx_destroy(ctx);
}

Test(ctx, the_same_results_with_any_number_of_threads) {
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
  es_tensor *x = es_randn(ctx, ES_F32, ES_SHAPE(300, 1000));
  es_tensor *one = es_unary(ctx, ES_TANH, x);
  for (int threads = 2; threads <= 5; threads++) {
    cr_assert_eq(es_set_threads(ctx, threads), ES_OK);
    es_tensor *many = es_unary(ctx, ES_TANH, x);
    cr_assert_eq(memcmp(es_data(one), es_data(many), 300000 * sizeof(float)), 0);
  }
  es_ctx_destroy(ctx);
}

static bool stop(void *user) {
  int *left = user;
  return --*left < 0;
}

Test(ctx, elementwise_work_can_be_cancelled) {
  int left = 1;
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1, .cancel = stop, .user = &left});
  es_tensor *x = es_zeros(ctx, ES_F32, ES_SHAPE(1 << 20));
  cr_assert_null(es_unary(ctx, ES_EXP, x));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_CANCELLED);
  left = 1000;
  es_clear_error(ctx);
  cr_assert(es_unary(ctx, ES_EXP, x));
  es_ctx_destroy(ctx);
}
