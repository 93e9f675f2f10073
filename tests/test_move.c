/* Moves long enough to be written past the caches, against plain loops: every kernel and
 * tail, rows on lines and between them, on every vector width and number of threads. The
 * bytes around the output must stay as they were. */
#include <criterion/criterion.h>
#include <einstride.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_AXES = 5, GUARD = 192 };

/* The first axis is made longer until the output has more than 4 MiB. */
typedef struct move_case {
  const char *text;
  int rank;
  int64_t shape[MAX_AXES];
  es_axis_size sizes[4];
} move_case;

static const move_case cases[] = {
    {"a b -> b a", 2, {1, 1027}, {{NULL, 0}}},
    {"a b -> b a", 2, {64, 1088}, {{NULL, 0}}},
    {"a b c -> c b a", 3, {96, 5, 220}, {{NULL, 0}}},
    {"a b c d -> b d a c", 4, {7, 12, 75, 33}, {{NULL, 0}}},
    {"a b c d -> d b c a", 4, {5, 8, 3, 77}, {{NULL, 0}}},
    {"b c p -> b p c", 3, {3, 130, 49}, {{NULL, 0}}},
    {"x s y -> y s x", 3, {4, 3001, 4}, {{NULL, 0}}},
    {"b k a -> b a k", 3, {3, 2, 1001}, {{NULL, 0}}},
    {"b k a -> b a k", 3, {3, 3, 1001}, {{NULL, 0}}},
    {"b k a -> b a k", 3, {3, 4, 1001}, {{NULL, 0}}},
    {"b k a -> b a k", 3, {3, 5, 1001}, {{NULL, 0}}},
    {"b k a -> b a k", 3, {3, 8, 1001}, {{NULL, 0}}},
    {"b a k -> b k a", 3, {3, 1001, 2}, {{NULL, 0}}},
    {"b a k -> b k a", 3, {3, 1001, 3}, {{NULL, 0}}},
    {"b a k -> b k a", 3, {3, 1001, 4}, {{NULL, 0}}},
    {"b a k -> b k a", 3, {3, 1001, 6}, {{NULL, 0}}},
    {"b a k -> b k a", 3, {3, 1001, 8}, {{NULL, 0}}},
    {"b (h r) (w q) -> b r q h w", 3, {2, 114, 118}, {{"r", 2}, {"q", 2}}},
    {"b r q h w -> b (h r) (w q)", 5, {2, 3, 2, 57, 59}, {{NULL, 0}}},
    {"b (h p) (w q) c -> b (h w) (p q c)", 4, {1, 48, 64, 3}, {{"p", 8}, {"q", 16}}},
    {"a b c -> b a c", 3, {9, 40, 3}, {{NULL, 0}}},
    {"a b c -> b a c", 3, {9, 40, 21}, {{NULL, 0}}},
    {"a b c -> b a c", 3, {2, 3, 9001}, {{NULL, 0}}},
    {"a b -> a 3 b 2", 2, {5, 301}, {{NULL, 0}}},
    {"a b -> (a b)", 2, {5, 3001}, {{NULL, 0}}},
};

static char *bytes_for(int64_t n) {
  char *p = aligned_alloc(64, (size_t)(n + 2 * GUARD + 63) / 64 * 64);
  cr_assert(p != NULL);
  return p;
}

static int64_t product(int rank, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  return n;
}

static es_plan *plan_for(es_ctx *ctx, const move_case *c, const es_array *in,
                         const es_options *options) {
  es_error error;
  es_plan *plan = NULL;
  es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, c->text, strlen(c->text), ES_READ_AUTO,
                                &error);
  if (expr) plan = es_plan_make(ctx, expr, in, 1, NULL, options, &error);
  es_expr_release(expr);
  cr_assert(plan != NULL, "%s: %s", c->text, error.message);
  return plan;
}

static void run_plan(es_ctx *ctx, es_plan *plan, const es_array *in, es_dtype dtype, void *data) {
  es_error error;
  es_array out = {data, dtype, es_plan_rank(plan), es_plan_shape(plan), NULL};
  size_t workspace = es_plan_workspace(plan);
  void *memory = workspace ? aligned_alloc(64, (workspace + 63) / 64 * 64) : NULL;
  cr_assert_eq(es_run(ctx, plan, in, 1, &out, memory, &error), ES_OK);
  free(memory);
}

/* The result at some bytes past a line, with the bytes around it checked. */
static void check_run(const move_case *c, es_isa isa, int threads, const es_array *in,
                      const char *expected, int64_t bytes, int64_t past) {
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = threads, .isa = isa});
  if (!ctx) return; /* not on this processor */
  es_plan *plan = plan_for(ctx, c, in, &(es_options){.sizes = c->sizes});
  char *memory = bytes_for(bytes);
  memset(memory, 0x5a, (size_t)(bytes + 2 * GUARD));
  run_plan(ctx, plan, in, in->dtype, memory + past);
  cr_assert_eq(memcmp(memory + past, expected, (size_t)bytes), 0, "%s, width %d, %d threads",
               c->text, (int)isa, threads);
  for (int64_t i = 0; i < past; i++) cr_assert_eq(memory[i], 0x5a);
  for (int64_t i = past + bytes; i < bytes + 2 * GUARD; i++) cr_assert_eq(memory[i], 0x5a);
  free(memory);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

static void check_case(const move_case *c, es_dtype dtype, int64_t size) {
  int64_t shape[MAX_AXES];
  memcpy(shape, c->shape, sizeof shape);
  while (product(c->rank, shape) * size <= 4 << 20) shape[0] += 1 + shape[0] / 16;
  int64_t count = product(c->rank, shape);
  char *data = bytes_for(count * size);
  for (int64_t i = 0; i < count * size; i++)
    data[i] = (char)(((uint64_t)i * 2654435761u >> 13 & 0x2f) | 0x10); /* finite in every type */
  es_array in = {data, dtype, c->rank, shape, NULL};
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
  es_plan *plan = plan_for(ctx, c, &in, &(es_options){.sizes = c->sizes, .strategy = "loops"});
  int64_t bytes = product(es_plan_rank(plan), es_plan_shape(plan)) * size;
  char *expected = bytes_for(bytes);
  run_plan(ctx, plan, &in, dtype, expected);
  static const es_isa widths[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  for (int i = 0; i < 3; i++)
    check_run(c, widths[i], 1 + i, &in, expected, bytes, i * 4 * size % 64);
  check_run(c, ES_ISA_AUTO, 2, &in, expected, bytes, size);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
  free(expected);
  free(data);
}

/* All cases with elements of four bytes; of the others every fourth, from `first` on:
 * test_strategies has all of them, short. */
static void check_all(es_dtype dtype, int64_t size, size_t first) {
  for (size_t i = first; i < sizeof cases / sizeof *cases; i += size == 4 ? 1 : 4)
    check_case(&cases[i], dtype, size);
}

Test(move, bytes) { check_all(ES_U8, 1, 0); }
Test(move, two_bytes) { check_all(ES_I16, 2, 1); }
Test(move, four_bytes) { check_all(ES_I32, 4, 0); }
Test(move, eight_bytes) { check_all(ES_I64, 8, 2); }
Test(move, sixteen_bytes) { check_all(ES_C128, 16, 3); }

/* Views assigned to views, joined and copied: the same moves, without a plan. */
Test(move, assigning_between_views) {
  es_ctx *ctx = es_ctx_create(NULL);
  const int64_t shape[] = {40, 50, 60}, turned[] = {60, 50, 40};
  es_tensor *x = es_randn(ctx, ES_F32, 3, shape), *y = es_zeros(ctx, ES_F32, 3, turned);
  cr_assert(x && y);
  cr_assert_eq(es_assign(ctx, es_flip(ctx, y, 1), es_permute(ctx, x, (int[]){2, 1, 0})), ES_OK);
  const float *from = es_data(x), *to = es_data(y);
  for (int i = 0; i < 40; i++)
    for (int j = 0; j < 50; j++)
      for (int k = 0; k < 60; k++)
        cr_assert_eq(from[(i * 50 + j) * 60 + k], to[(k * 50 + 49 - j) * 40 + i]);
  es_tensor *both = es_stack(ctx, (es_tensor *[]){x, x}, 2, 3);
  cr_assert(both != NULL);
  const float *pairs = es_data(both);
  for (int i = 0; i < 2 * 40 * 50 * 60; i++) cr_assert_eq(pairs[i], from[i / 2]);
  es_ctx_destroy(ctx);
}
