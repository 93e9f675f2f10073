/* What a network is simplified to before an order is searched for, as it shows in the plan: each of
 * these fails where its simplification is left out. Operands given twice: test_networks.c. */
#include <stdio.h>
#include <string.h>

#include "engine/order/path_tree.h"
#include "engine/plan_make.h"
#include "support/check.h"

enum { MOST = 20 };

/* Labels have this size, but for u, which has one element. */
static es_plan *plan_of(es_ctx *ctx, const char *text, int64_t size) {
  es_array in[MOST];
  int64_t shape[MOST][8];
  int n = 0;
  const char *end = strstr(text, " ->");
  in[0] = (es_array){NULL, ES_F32, 0, shape[0], NULL};
  for (const char *at = text; at < end; at++) {
    if (*at == ',')
      n++, in[n] = (es_array){NULL, ES_F32, 0, shape[n], NULL};
    else if (*at != ' ' && (at == text || at[-1] == ' '))
      shape[n][in[n].rank++] = *at == 'u' ? 1 : size;
  }
  es_plan *plan = NULL;
  es_error error = {0};
  es_plan_from_text(ctx, ES_KIND_EINSUM, text, strlen(text), in, n + 1, NULL, NULL, &plan, &error);
  cr_assert(plan, "'%s': %s", text, error.message);
  return plan;
}

static void check(es_ctx *ctx, const char *text, int64_t size, int steps, double flops) {
  es_plan *plan = plan_of(ctx, text, size);
  cr_assert_eq(es_plan_steps(plan), steps, "'%s' in %d steps", text, es_plan_steps(plan));
  cr_assert_float_eq(es_plan_flops(plan), flops, 0, "'%s': %g", text, es_plan_flops(plan));
  es_plan_release(plan);
}

Test(simplify, labels_of_one_operand_are_summed_first_where_that_pays) {
  es_ctx *ctx = es_ctx_create(NULL);
  check(ctx, "i j, j k l -> i k", 8, 2, 2 * 512);
  check(ctx, "i j, j k l m -> i k", 8, 2, 4096 + 512);
  check(ctx, "i l j, j k m -> i k", 8, 3, 3 * 512);
  check(ctx, "i j, j k l, k m -> i m", 8, 3, 3 * 512);
  check(ctx, "i j, j l -> i", 2, 1, 8); /* an intermediate would cost more */
  char chain[MOST * 16] = "";           /* too many operands for the exact search */
  for (int i = 0; i < MOST; i++)
    sprintf(chain + strlen(chain), "%sx%d x%d y%d", i ? ", " : "", i, i + 1, i);
  sprintf(chain + strlen(chain), " -> x0 x%d", MOST);
  check(ctx, chain, 8, MOST + MOST - 1, (MOST + MOST - 1) * 512);
  es_ctx_destroy(ctx);
}

Test(simplify, a_label_twice_in_an_operand_is_its_diagonal) {
  es_ctx *ctx = es_ctx_create(NULL);
  check(ctx, "i i, i j -> j", 8, 1, 64);
  es_plan *plan = plan_of(ctx, "i i j, j k, k i -> i", 8);
  cr_assert_eq(es_plan_flops(plan), 512 + 64, "%g", es_plan_flops(plan));
  /* j k, k i -> i j, then the diagonal: 64 elements of each, and 8 of the result. */
  cr_assert_eq(es_plan_bytes(plan), 4 * (3 * 64 + 2 * 64 + 8), "%g", es_plan_bytes(plan));
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(simplify, labels_that_travel_together_are_one_axis) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_plan *plan = plan_of(ctx, "a b c d, c d e f -> a b e f", 4);
  cr_assert_eq(plan->n_steps, 1);
  cr_assert_eq(plan->step[0].problem->rank, 3, "%d axes", plan->step[0].problem->rank);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* 14 operands, 3 labels between each two of them: more than the exact search has bits for. */
Test(simplify, parallel_bonds_are_one_label_of_the_exact_search) {
  enum { N = ES_PATH_EXACT, BONDS = 3, LABELS = N * (N - 1) / 2 * BONDS };
  cr_assert_gt((int)LABELS, ES_SMALL_CLASSES);
  es_allocator allocator = es_allocator_default();
  es_arena arena;
  es_arena_init(&arena, &allocator);
  int64_t extent[LABELS];
  int32_t label[N][(N - 1) * BONDS];
  es_label_set sets[N] = {{0, NULL}};
  int n = 0;
  for (int a = 0; a < N; a++)
    for (int b = a + 1; b < N; b++)
      for (int k = 0; k < BONDS; k++, n++) {
        extent[n] = 2;
        label[a][sets[a].n++] = label[b][sets[b].n++] = n;
      }
  for (int a = 0; a < N; a++) sets[a].label = label[a];
  es_network net = {
      .n_labels = LABELS, .extent = extent, .n = N, .operand = sets, .element_bytes = 4};
  es_merge merge[N];
  bool found = false;
  es_error error;
  cr_assert_eq(es_merge_exact(&arena, &net, merge, &found, &error), ES_OK);
  cr_assert(found);
  es_arena_free(&arena);
}

/* They neither grow intermediates nor join what shares nothing else. */
Test(simplify, axes_of_one_element_are_no_labels) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_plan *plan = plan_of(ctx, "a u b, b u c, c u d -> a u d", 8);
  int intermediates = 0;
  for (int s = plan->n_in + plan->n_out; s < plan->n_slots; s++, intermediates++)
    cr_assert_eq(plan->slot[s].rank, 2, "%d axes", plan->slot[s].rank);
  cr_assert_eq(intermediates, 1);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}
