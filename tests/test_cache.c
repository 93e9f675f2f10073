/* The cache of plans: the same plan for the same call, another for any difference,
 * bounded, and never in the way of a plan in use. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/cache.h"
#include "support/alloc.h"

static const int64_t shape_of[2] = {2, 3};

static es_plan *look_up(es_ctx *ctx, const char *text, const es_array *in, int64_t n,
                        const es_array *out, const es_options *options) {
  es_plan *plan = NULL;
  es_error error;
  es_status status = es_cache_plan(ctx, ES_KIND_EINSUM, text, strlen(text), in, n, NULL, out,
                                   options, &plan, &error);
  cr_assert_eq(status, ES_OK, "%s", error.message);
  return plan;
}

/* The plan is in the cache as long as the cache is: its address identifies it. */
static const es_plan *id(es_ctx *ctx, const char *text, const es_array *in, int64_t n,
                         const es_array *out, const es_options *options) {
  es_plan *plan = look_up(ctx, text, in, n, out, options);
  es_plan_release(plan);
  return plan;
}

Test(cache, the_key_is_everything_a_plan_depends_on) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in = {NULL, ES_F32, 2, shape_of, NULL};
  const es_plan *plan[16];
  int n = 0;
  plan[n++] = id(ctx, "a b -> a", &in, 1, NULL, NULL);
  plan[n++] = id(ctx, "a b -> b", &in, 1, NULL, NULL);
  plan[n++] = id(ctx, "a b  -> a", &in, 1, NULL, NULL);
  es_array other = in;
  other.dtype = ES_F64;
  plan[n++] = id(ctx, "a b -> a", &other, 1, NULL, NULL);
  int64_t shape[2] = {2, 4}, strides[2] = {1, 2}, out_shape[1] = {2}, out_strides[1] = {3};
  other = in;
  other.shape = shape;
  plan[n++] = id(ctx, "a b -> a", &other, 1, NULL, NULL);
  other = in;
  other.strides = strides;
  plan[n++] = id(ctx, "a b -> a", &other, 1, NULL, NULL);
  es_array out = {NULL, ES_F32, 1, out_shape, NULL};
  plan[n++] = id(ctx, "a b -> a", &in, 1, &out, NULL);
  out.strides = out_strides;
  plan[n++] = id(ctx, "a b -> a", &in, 1, &out, NULL);
  es_options options[] = {
      {.reducer = ES_REDUCE_MAX},
      {.reading = ES_READ_NAMES},
      {.broadcast = ES_BROADCAST_STRETCH},
      {.has_out_dtype = true, .out_dtype = ES_F64},
      {.has_scale = true, .alpha = 2},
      {.has_scale = true, .alpha = 2, .beta = 1},
      {.strategy = "loops"},
      {.sizes = (const es_axis_size[]){{"a", 2}, {NULL, 0}}},
  };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    plan[n++] = id(ctx, "a b -> a", &in, 1, NULL, &options[i]);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) cr_assert_neq(plan[i], plan[j], "keys %d and %d are one", j, i);
  cr_assert_eq(id(ctx, "a b -> a", &in, 1, NULL, NULL), plan[0]);
  cr_assert_eq(id(ctx, "a b -> a", &in, 1, NULL, &options[7]), plan[n - 1]);
  es_ctx_destroy(ctx);
}

Test(cache, the_least_recently_used_plan_goes_first) {
  es_config config = {.max_cached_plans = 4};
  es_ctx *ctx = es_ctx_create(&config);
  es_array in = {NULL, ES_F32, 2, shape_of, NULL};
  char text[8][16];
  es_plan *plan[8];
  for (int i = 0; i < 4; i++) {
    snprintf(text[i], sizeof text[i], "a%d b -> a%d", i, i);
    plan[i] = look_up(ctx, text[i], &in, 1, NULL, NULL);
  }
  es_plan_release(look_up(ctx, text[0], &in, 1, NULL, NULL)); /* 0 is the newest now */
  es_plan_release(look_up(ctx, "x y -> x", &in, 1, NULL, NULL));
  cr_assert_eq(id(ctx, text[0], &in, 1, NULL, NULL), plan[0]);
  cr_assert_eq(id(ctx, text[2], &in, 1, NULL, NULL), plan[2]);
  cr_assert_eq(id(ctx, text[3], &in, 1, NULL, NULL), plan[3]);
  /* The evicted plan is still the holder's, and another is made when it is asked for. */
  cr_assert_neq(id(ctx, text[1], &in, 1, NULL, NULL), plan[1]);
  cr_assert_eq(es_plan_rank(plan[1]), 1);
  cr_assert_eq(es_plan_shape(plan[1])[0], 2);
  for (int i = 0; i < 4; i++) es_plan_release(plan[i]);
  es_ctx_destroy(ctx);
}

Test(cache, thousands_of_texts_stay_within_the_bound) {
  es_config config = {.max_cached_plans = 100};
  es_ctx *ctx = es_ctx_create(&config);
  es_array in = {NULL, ES_F32, 2, shape_of, NULL};
  int64_t full = 0;
  for (int i = 0; i < 2000; i++) {
    char text[40];
    snprintf(text, sizeof text, "a%d b%d -> b%d", i, i, i);
    es_plan_release(look_up(ctx, text, &in, 1, NULL, NULL));
    if (i == 299) full = es_memory_now(ctx);
  }
  /* Names grow by two bytes: the memory of as many plans does not. */
  cr_assert_lt(es_memory_now(ctx), full + full / 4);
  es_ctx_destroy(ctx);
}

/* Plans hold offset tables as long as the axes: their memory counts, not only they. */
Test(cache, large_plans_do_not_fill_the_memory) {
  es_config config = {.max_bytes = 8 << 20};
  es_ctx *ctx = es_ctx_create(&config);
  int64_t before = es_memory_now(ctx);
  for (int i = 0; i < 200; i++) {
    int64_t shape[2] = {4000 + i, 3}, other[2] = {3, 1000};
    es_array in[2] = {{NULL, ES_F32, 2, shape, NULL}, {NULL, ES_F32, 2, other, NULL}};
    es_plan_release(look_up(ctx, "a b, b c -> c a", in, 2, NULL, NULL));
    cr_assert_lt(es_memory_now(ctx) - before, config.max_bytes / 16 + 65536);
  }
  es_ctx_destroy(ctx);
}

Test(cache, none_on_request_and_none_after_a_setting_changes) {
  es_config config = {.max_cached_plans = -1};
  es_ctx *ctx = es_ctx_create(&config);
  es_array in = {NULL, ES_F32, 2, shape_of, NULL};
  es_plan *a = look_up(ctx, "a b -> a", &in, 1, NULL, NULL);
  es_plan *b = look_up(ctx, "a b -> a", &in, 1, NULL, NULL);
  cr_assert_neq(a, b);
  es_plan_release(a);
  es_plan_release(b);
  es_ctx_destroy(ctx);
  ctx = es_ctx_create(NULL);
  a = look_up(ctx, "a b -> a", &in, 1, NULL, NULL);
  cr_assert_eq(es_set_strategy(ctx, "loops"), ES_OK);
  b = look_up(ctx, "a b -> a", &in, 1, NULL, NULL);
  cr_assert_neq(a, b);
  cr_assert_str_eq(b->step[0].strategy->name, "loops");
  es_plan_release(a);
  es_plan_release(b);
  es_ctx_destroy(ctx);
}

Test(cache, failures_are_not_kept_and_name_their_rule_each_time) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in = {NULL, ES_F32, 2, shape_of, NULL};
  for (int round = 0; round < 3; round++) {
    es_plan *plan = NULL;
    es_error error = {.status = ES_OK};
    const char *text = "a b c -> a";
    cr_assert_eq(es_cache_plan(ctx, ES_KIND_EINSUM, text, strlen(text), &in, 1, NULL, NULL, NULL,
                               &plan, &error),
                 ES_E_RANK);
    cr_assert_eq(plan, NULL);
    cr_assert_str_eq(error.rule, "S6");
  }
  es_ctx_destroy(ctx);
}

/* Operands by the hundred make a key that does not fit the stack. */
Test(cache, large_keys) {
  es_ctx *ctx = es_ctx_create(NULL);
  enum { N = 200 };
  static char text[N * 16];
  int64_t shape[2] = {2, 2};
  es_array in[N];
  for (int i = 0; i < N; i++) {
    in[i] = (es_array){NULL, ES_F32, 2, shape, NULL};
    sprintf(text + strlen(text), "%sa%d a%d", i ? ", " : "", i, i + 1);
  }
  strcat(text, " -> a0");
  es_plan *plan = look_up(ctx, text, in, N, NULL, NULL);
  cr_assert_eq(id(ctx, text, in, N, NULL, NULL), plan);
  in[N - 1].dtype = ES_F64;
  cr_assert_neq(id(ctx, text, in, N, NULL, NULL), plan);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* ---- memory ------------------------------------------------------------------------- */

/* Allocations that a call makes whose result goes with its scope. */
static int64_t cost_of(test_alloc *a, es_ctx *ctx, bool rearranges, const char *text,
                       es_tensor *const *in, int64_t n) {
  int64_t before = a->calls;
  cr_assert_eq(es_scope_push(ctx), ES_OK);
  es_tensor *y = rearranges ? es_rearrange(ctx, text, in[0], NULL)
                            : es_einsum(ctx, text, in, n, NULL);
  cr_assert(y, "%s", es_error_text(ctx));
  es_scope_pop(ctx);
  return a->calls - before;
}

Test(cache, a_call_with_a_kept_plan_allocates_its_result) {
  test_alloc a;
  test_alloc_init(&a);
  es_ctx *ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&a), .threads = 1});
  es_tensor *x = es_zeros(ctx, ES_F32, ES_SHAPE(4, 4)), *in[2] = {x, x};
  static const struct {
    const char *text;
    int64_t n, first, again; /* allocations: at most, exactly */
    bool rearranges;
  } cases[] = {
      /* The first of all also makes the cache, a scope, a handle and the workspace. */
      {"ij,jk->ik", 2, 16, 1, false},
      {"ij,jk->ki", 2, 11, 1, false},
      {"i j, i j ->", 2, 11, 1, false},
      {"i j -> i", 1, 11, 1, false},
      {"(a+b)?0 j, b k -> a j k", 2, 24, 1, false},
      {"i j -> j i", 1, 9, 0, true}, /* a view */
      {"i j -> (i j)", 1, 9, 0, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t first = cost_of(&a, ctx, cases[i].rearranges, cases[i].text, in, cases[i].n);
    cr_assert_leq(first, cases[i].first, "%s: %lld allocations at first", cases[i].text,
                  (long long)first);
    int64_t again = cost_of(&a, ctx, cases[i].rearranges, cases[i].text, in, cases[i].n);
    cr_assert_eq(again, cases[i].again, "%s: %lld allocations", cases[i].text, (long long)again);
  }
  es_ctx_destroy(ctx);
  cr_assert_eq(a.blocks, 0);
  cr_assert_eq(a.defects, 0);
}
