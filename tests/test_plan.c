/* Plans as data: their steps, workspace, limits, print-outs. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/ctx.h"
#include "engine/plan.h"
#include "engine/plan_make.h"
#include "support/alloc.h"
#include "support/check.h"
#include "support/speed.h"

static es_plan *try_plan(es_ctx *ctx, const char *text, const es_array *in, int64_t n,
                         const es_options *options, es_error *error) {
  es_plan *plan = NULL;
  es_plan_from_text(ctx, ES_KIND_EINSUM, text, strlen(text), in, n, NULL, options, &plan, error);
  return plan;
}

static es_plan *plan_of(es_ctx *ctx, const char *text, const es_array *in, int64_t n) {
  es_error error;
  es_plan *plan = try_plan(ctx, text, in, n, NULL, &error);
  cr_assert(plan, "%s", error.message);
  return plan;
}

#define SHAPE(...)                                                                                 \
  (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) { __VA_ARGS__ }

static es_array of(es_dtype dtype, int rank, int64_t *shape) {
  return (es_array){NULL, dtype, rank, shape, NULL};
}

/* ---- steps ------------------------------------------------------------------------ */

Test(plan, depthwise_runs_before_pointwise) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[3] = {of(ES_F32, SHAPE(1, 16, 12, 12)), of(ES_F32, SHAPE(16, 3, 3)),
                    of(ES_F32, SHAPE(24, 16))};
  const char *texts[] = {"b c (h+kh-1)?0 (w+kw-1)?0, c kh kw, o c -> b o h w",
                         "o c, c kh kw, b c (h+kh-1)?0 (w+kw-1)?0 -> b o h w"};
  for (int t = 0; t < 2; t++) {
    es_array order[3] = {in[t ? 2 : 0], in[1], in[t ? 0 : 2]};
    es_plan *plan = plan_of(ctx, texts[t], order, 3);
    cr_assert_eq(plan->n_groups, 2);
    /* First 3x3 a channel, then 1x1 across channels. */
    cr_assert_eq(plan->group[0].points, 16 * 144 * 9);
    cr_assert_eq(plan->group[1].points, 24 * 16 * 144);
    /* One intermediate, of the size of the image: nothing is unfolded. */
    cr_assert_eq(plan->n_slots, 5);
    cr_assert_eq(plan->slot[4].count, 16 * 144);
    es_plan_release(plan);
  }
  es_ctx_destroy(ctx);
}

/* Neither time nor memory of a plan grows with extents, and no product of them wraps: any one of
 * i, j, k is huge, of views that visit one element, of memory that nobody has, or of nothing. */
Test(plan, any_extents_are_planned_soon) {
  static const char *const texts[] = {"i j, j k -> i k", "i j, k j -> k i", "j i, k j -> i k",
                                      "i j, j k -> k", "i k, j k -> i j"};
  static const es_dtype dtypes[] = {ES_F32, ES_C128, ES_I8, ES_F16};
  const int64_t still[2] = {0, 0};
  es_ctx *ctx = es_ctx_create(&(es_config){.max_bytes = (int64_t)1 << 62, .max_cached_plans = -1});
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
    for (int bits = 10; bits <= 58; bits += 6)
      for (int which = 0; which < 24; which++) {
        int64_t size[3] = {3, 5, which >= 12 ? 0 : 7}, shape[2][2];
        size[which % 3] = ((int64_t)1 << bits) + 1;
        for (int i = 0; i < 4; i++)
          shape[i / 2][i % 2] = size[texts[t][i / 2 * 5 + i % 2 * 2] - 'i'];
        es_array in[2] = {of(dtypes[which / 3 % 4], 2, shape[0]),
                          of(dtypes[which / 3 % 4], 2, shape[1])};
        in[0].strides = in[1].strides = still;
        es_error error;
        es_memory_reset_peak(ctx);
        int64_t before = es_memory_now(ctx);
        clock_t start = clock();
        es_plan *plan = try_plan(ctx, texts[t], in, 2, NULL, &error);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        cr_assert(plan || error.status == ES_E_LIMIT || error.status == ES_E_OVERFLOW, "%s",
                  error.message);
        cr_assert(seconds < 0.05 * TEST_SLACK, "%s, 2^%d: %g s", texts[t], bits, seconds);
        cr_assert_lt(es_memory_peak(ctx) - before, 4 << 20, "%s, 2^%d", texts[t], bits);
        es_plan_release(plan);
      }
  es_ctx_destroy(ctx);
}

/* A contraction without rows has a cost, too. */
Test(plan, nothing_times_something) {
  es_ctx *ctx = es_ctx_create(NULL);
  for (int64_t m = 0; m < 2; m++)
    for (int64_t k = 0; k < 2; k++) {
      es_array in[2] = {of(ES_F32, SHAPE(m, k)), of(ES_F32, SHAPE(k, 40))};
      es_plan *plan = plan_of(ctx, "i j, j k -> i k", in, 2);
      cr_assert(isfinite(plan->step[0].predicted) && plan->step[0].predicted >= 0);
      es_plan_release(plan);
    }
  es_ctx_destroy(ctx);
}

Test(plan, padding_splits_into_boxes_without_constraints) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[2] = {of(ES_F32, SHAPE(2, 32, 8, 8)), of(ES_F32, SHAPE(3, 32, 3, 3))};
  es_plan *plan = plan_of(ctx, "b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w", in, 2);
  cr_assert_eq(plan->n_groups, 1);
  cr_assert_eq(plan->group[0].n_steps, 9, "3 x 3 boxes: border, interior, border");
  double outputs = 0;
  for (int s = 0; s < plan->n_steps; s++) {
    cr_assert_eq(plan->step[s].problem->n_constraints, 0);
    outputs += es_problem_outputs(plan->step[s].problem);
  }
  cr_assert_eq(outputs, 2 * 3 * 8 * 8, "the boxes cover the output once");
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* Intermediates alive at once never share a byte; memory is used again afterwards. */
Test(plan, the_workspace_is_shared_by_what_never_lives_together) {
  es_ctx *ctx = es_ctx_create(NULL);
  enum { N = 24, SIDE = 32 };
  char text[N * 24] = "";
  es_array in[N];
  int64_t shape[2] = {SIDE, SIDE};
  for (int i = 0; i < N; i++) {
    in[i] = of(ES_F32, 2, shape);
    sprintf(text + strlen(text), "%sa%d a%d", i ? ", " : "", i, i + 1);
  }
  sprintf(text + strlen(text), " -> a0 a%d", N);
  es_plan *plan = plan_of(ctx, text, in, N);
  int last[3 * N] = {0}, first[3 * N];
  for (int s = 0; s < plan->n_slots; s++) first[s] = -1;
  size_t total = 0;
  for (int s = 0; s < plan->n_steps; s++) {
    const es_problem *p = plan->step[s].problem;
    if (first[p->out.slot] < 0) first[p->out.slot] = s;
    last[p->out.slot] = s;
    for (int i = 0; i < p->n_in; i++) last[p->in[i].slot] = s;
  }
  for (int a = N + 1; a < plan->n_slots; a++) {
    size_t a_begin = plan->slot[a].workspace_offset,
           a_end = a_begin + (size_t)plan->slot[a].count * 4;
    cr_assert_leq(a_end, plan->workspace);
    total += a_end - a_begin;
    for (int b = N + 1; b < a; b++) {
      if (last[a] < first[b] || last[b] < first[a]) continue;
      size_t b_begin = plan->slot[b].workspace_offset,
             b_end = b_begin + (size_t)plan->slot[b].count * 4;
      cr_assert(a_end <= b_begin || b_end <= a_begin, "slots %d and %d", b, a);
    }
    for (int s = first[a]; s <= last[a]; s++) {
      size_t own = plan->step_workspace[s], own_end = own + (size_t)plan->step[s].workspace;
      cr_assert(own == own_end || a_end <= own || own_end <= a_begin, "slot %d, step %d", a, s);
    }
  }
  cr_assert_eq(total, (size_t)(N - 2) * SIDE * SIDE * 4);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(plan, two_operands_are_one_nest_and_more_make_pairs) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array m = of(ES_F32, SHAPE(8, 8)), in[4] = {m, m, m, m};
  struct {
    const char *text;
    int n, groups;
  } rows[] = {
      {"a b, b c -> a c", 2, 1},
      {"a b, b c, c d -> a d", 3, 2},
      {"a b, b c, c d, d e -> a e", 4, 3},
      {"a b, b c, c d -> a d | (max,+)", 3, 2},
      {"a b, b c, c d -> a d | max", 3, 1}, /* max of products: no semiring */
      {"a b, b c, c d -> a d | mean", 3, 1},
      {"a b, a b, a b -> a b", 3, 1}, /* pairs would only write intermediates */
      {"a b, a b, a b -> a", 3, 1},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    es_plan *plan = plan_of(ctx, rows[r].text, in, rows[r].n);
    cr_assert_eq(plan->n_groups, rows[r].groups, "%s: %d groups", rows[r].text, plan->n_groups);
    es_plan_release(plan);
  }
  es_ctx_destroy(ctx);
}

/* An intermediate lies as the larger one of what makes it and what it meets: "b a" here, though
 * what it is made of has a first. */
Test(plan, an_intermediate_lies_as_the_large_value_that_it_meets) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[3] = {of(ES_F32, SHAPE(40, 32, 64)), of(ES_F32, SHAPE(64, 8)),
                    of(ES_F32, SHAPE(8, 32))};
  es_plan *plan = plan_of(ctx, "c b a, a d, d b -> c", in, 3);
  cr_assert_eq(plan->n_groups, 2);
  cr_assert_str_eq(plan->group[0].text, "a d, d b -> b a");
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* ---- limits -------------------------------------------------------------------------- */

Test(plan, intermediates_over_the_limit_are_refused_before_they_exist) {
  es_config config = {.max_bytes = 1 << 22};
  es_ctx *ctx = es_ctx_create(&config);
  /* Whatever the order, an outer product of 10^8 elements is in the way; exact integers that
   * are added to what is there are not cut. */
  es_array in[3] = {of(ES_I64, SHAPE(10000, 2)), of(ES_I64, SHAPE(10000, 2)),
                    of(ES_I64, SHAPE(10000, 10000))};
  es_error error;
  int64_t before = es_memory_now(ctx);
  es_memory_reset_peak(ctx);
  es_plan *plan = try_plan(ctx, "a i, b i, (c) d -> a b c", (es_array[]){in[0], in[1], in[2]}, 3,
                           &(es_options){.has_scale = true, .alpha = 1, .beta = 1}, &error);
  cr_assert_eq(plan, NULL);
  cr_assert_eq(error.status, ES_E_LIMIT);
  cr_assert(strstr(error.message, "need 80008"), "%s", error.message);
  cr_assert_eq(es_memory_now(ctx), before);
  cr_assert_lt(es_memory_peak(ctx) - before, 1 << 20);
  es_ctx_destroy(ctx);
}

/* ---- what it costs --------------------------------------------------------------------- */

Test(plan, a_padded_convolution_needs_under_a_mebibyte) {
  es_config config = {.threads = 1};
  es_ctx *ctx = es_ctx_create(&config);
  es_tensor *x = check_data(ctx, ES_F32, ES_SHAPE(1, 64, 56, 56), 1);
  es_tensor *w = check_data(ctx, ES_F32, ES_SHAPE(64, 64, 3, 3), 2);
  int64_t before = es_memory_now(ctx);
  es_memory_reset_peak(ctx);
  es_tensor *y = es_einsum(ctx, "b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w", ES_IN(x, w),
                           NULL);
  CHECK_OK(ctx, y);
  int64_t beyond = es_memory_peak(ctx) - before - 64 * 56 * 56 * (int64_t)sizeof(float);
  cr_assert_lt(beyond, 1 << 20, "%d bytes beyond the result", (int)beyond);
  es_ctx_destroy(ctx);
}

/* Of this process: what else the machine does is no matter. */
static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Test(plan, a_thousand_operands_within_50_ms) {
  es_ctx *ctx = es_ctx_create(NULL);
  enum { N = 1000 };
  char *text = malloc(N * 24), *at = text;
  static int64_t shape[N][2];
  static es_array in[N];
  for (int i = 0; i < N; i++) {
    shape[i][0] = 2 + i * 7 % 23;
    shape[i][1] = 2 + (i + 1) * 7 % 23;
    in[i] = of(ES_F32, 2, shape[i]);
    at += sprintf(at, "%sa%d a%d", i ? ", " : "", i, i + 1);
  }
  sprintf(at, " -> a0 a%d", N);
  double best = INFINITY; /* of five: other work on the machine only ever adds time */
  for (int round = 0; round < 5; round++) {
    double start = seconds();
    es_plan *plan = plan_of(ctx, text, in, N);
    double took = seconds() - start;
    if (took < best) best = took;
    es_plan_release(plan);
  }
  cr_assert_lt(best, 0.05 * TEST_SLACK, "%g s", best);
  free(text);
  es_ctx_destroy(ctx);
}

/* A cached call may not parse, bind or plan: those take ten times as long. */
Test(plan, a_cached_call_is_much_cheaper_than_a_new_one) {
  es_config config = {.threads = 1};
  es_ctx *ctx = es_ctx_create(&config);
  es_tensor *a = check_ramp(ctx, ES_F32, ES_SHAPE(4, 4)),
            *out = check_ramp(ctx, ES_F32, ES_SHAPE(4, 4));
  es_array in[2] = {of(ES_F32, SHAPE(4, 4)), of(ES_F32, SHAPE(4, 4))};
  double fresh = INFINITY, cached = INFINITY;
  for (int round = 0; round < 200; round++) {
    double start = seconds();
    es_plan_release(plan_of(ctx, "i j, j k -> i k", in, 2));
    double middle = seconds();
    es_einsum_into(ctx, "i j, j k -> i k", ES_IN(a, a), NULL, out);
    double end = seconds();
    if (middle - start < fresh) fresh = middle - start;
    if (round && end - middle < cached) cached = end - middle;
  }
  cr_assert_lt(cached, fresh / 2, "%g s cached, %g s new", cached, fresh);
  cr_assert_lt(cached, 5e-6 * TEST_SLACK, "%g s", cached);
  es_ctx_destroy(ctx);
}

/* ---- moves past a border ------------------------------------------------------------------ */

/* Each position of a window moves what it sees of the image; element by element it took 70 times as
 * long. */
Test(plan, unfolded_windows_are_moved_by_rows) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in = of(ES_F32, SHAPE(8, 64, 56, 56));
  static char text[1 << 16];
  const char *unfold = "b c (ho+kh-1)?0 (wo+kw-1)?0 -> b (c kh kw) (ho wo)";
  es_options options = {.sizes = ES_SIZES({"kh", 3}, {"kw", 3})};
  es_error error = {0};
  es_plan *plan = try_plan(ctx, unfold, &in, 1, &options, &error);
  cr_assert(plan, "%s", error.message);
  cr_assert_lt(es_plan_print(plan, text, sizeof text), sizeof text);
  cr_assert_null(strstr(text, "(loops"), "%s", text);
  cr_assert_leq(es_plan_steps(plan),
                25); /* 9 in the middle, 8 with zeros above or below, 8 beside */
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* ---- print-outs --------------------------------------------------------------------------- */

Test(plan, prints_one_nested_line_a_step) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[3] = {of(ES_F32, SHAPE(4, 6)), of(ES_F32, SHAPE(6, 5)), of(ES_F32, SHAPE(5, 3))};
  es_plan *plan = plan_of(ctx, "a b, b c, c d -> a d", in, 3);
  char text[4096];
  size_t len = es_plan_print(plan, text, sizeof text);
  cr_assert_lt(len, sizeof text);
  cr_assert_eq(len, strlen(text));
  cr_assert_eq(strncmp(text, "(plan f32 (4, 3), ", 18), 0, "%s", text);
  cr_assert(strstr(text, "b c, c d -> "), "%s", text);
  int depth = 0, lines = 0;
  for (const char *c = text; *c; c++) {
    depth += (*c == '(') - (*c == ')');
    cr_assert_geq(depth, 0);
    lines += *c == '\n';
  }
  cr_assert_eq(depth, 0, "%s", text);
  cr_assert_eq(lines, 1 + plan->n_groups + plan->n_steps);
  for (size_t cap = 0; cap < len; cap += 7) {
    char *part = malloc(cap + 1);
    cr_assert_eq(es_plan_print(plan, part, cap), len);
    if (cap) cr_assert_eq(strlen(part), cap - 1);
    free(part);
  }
  cr_assert_eq(es_plan_print(plan, NULL, 0), len);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(plan, dump_shows_each_stage_alone_and_all_in_order) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[2] = {of(ES_F32, SHAPE(4, 6)), of(ES_F32, SHAPE(3, 6))};
  es_error error;
  static char all[1 << 16], one[1 << 16];
  size_t len = es_dump(ctx, ES_KIND_EINSUM, "a b, c b -> a c", in, 2, NULL, "taxvps", all,
                       sizeof all, &error);
  cr_assert_gt(len, 0, "%s", error.message);
  cr_assert_lt(len, sizeof all);
  size_t sum = 0;
  for (const char *letter = "taxvps"; *letter; letter++) {
    char letters[2] = {*letter, 0};
    size_t n = es_dump(ctx, ES_KIND_EINSUM, "a b, c b -> a c", in, 2, NULL, letters, one,
                       sizeof one, &error);
    cr_assert_gt(n, 0, "%s: %s", letters, error.message);
    cr_assert_eq(strncmp(all + sum, one, n), 0, "stage %s", letters);
    sum += n;
  }
  cr_assert_eq(sum, len);
  cr_assert_eq(es_dump(ctx, ES_KIND_EINSUM, "a b, c b -> a c", in, 2, NULL, NULL, NULL, 0, &error),
               len);
  cr_assert_gt(
      es_dump(ctx, ES_KIND_EINSUM, "a b, c b -> a c", in, 2, NULL, "c", one, sizeof one, &error),
      0);
  cr_assert_not_null(strstr(one, "step 0 predicted"));
  cr_assert_not_null(strstr(one, "loops"), "what else applies: %s", one);
  size_t texts = es_dump(ctx, ES_KIND_EINSUM, "a b, c b -> a c", NULL, 0, NULL, "ta", one,
                         sizeof one, &error);
  cr_assert_eq(strncmp(all, one, texts), 0);
  cr_assert_eq(
      es_dump(ctx, ES_KIND_EINSUM, "a b, c b -> a c", in, 2, NULL, "q", one, sizeof one, &error),
      0);
  cr_assert_eq(error.status, ES_E_VALUE);
  cr_assert_eq(
      es_dump(ctx, ES_KIND_EINSUM, "a b, c b -> a c", in, 1, NULL, "s", one, sizeof one, &error),
      0);
  cr_assert_eq(error.status, ES_E_COUNT);
  es_ctx_destroy(ctx);
}

/* ---- memory failures ------------------------------------------------------------------------ */

Test(plan, every_failed_allocation_is_an_error_and_leaks_nothing) {
  const char *texts[] = {
      "b c (h+kh-1)?0 w, c kh, o c -> b o h w",    "b c (h+kh-1)?edge w, c kh, o c -> b o h w",
      "b c (h+kh-2)?3 w, c kh, o c -> b o h w",    "b c h w, c kh, o c -> b o (2*h+kh) w",
      "b c (h+kh-2)?wrap w, c kh, o c -> (b o) h", "b c h w, b q, o c -> b (q ^ c) h w o",
  };
  for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
    test_alloc a;
    test_alloc_init(&a);
    es_config config = {.allocator = test_alloc_hooks(&a), .threads = 1};
    es_ctx *ctx = es_ctx_create(&config);
    es_array in[3] = {of(ES_I32, SHAPE(2, 3, 5, 4)), of(ES_I32, SHAPE(t == 5 ? 2 : 3, 3)),
                      of(ES_I32, SHAPE(2, 3))};
    es_error error;
    es_plan *plan = NULL;
    int64_t blocks = a.blocks, bytes = es_memory_now(ctx);
    int failures = 0;
    for (;; failures++) {
      test_alloc_fail(&a, failures + 1, failures % 2);
      plan = try_plan(ctx, texts[t], in, 3, NULL, &error);
      test_alloc_obey(&a);
      if (plan) break;
      cr_assert_eq(error.status, ES_E_NOMEM, "%s: %s", texts[t], error.message);
      cr_assert_eq(a.blocks, blocks, "%s: allocation %d leaks", texts[t], failures);
      cr_assert_eq(es_memory_now(ctx), bytes);
    }
    cr_assert_geq(failures, 5);
    es_plan_release(plan);
    es_ctx_destroy(ctx);
    cr_assert_eq(a.blocks, 0);
    cr_assert_eq(a.defects, 0);
  }
}
