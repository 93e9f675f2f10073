/* Cost as a formula: what seed 004 leaves open for each convolution. */
#include <string.h>

#include "support/check.h"

static void formula_of(es_ctx *es, const char *text, const es_array *in, int64_t n,
                       const es_axis_size *sizes, char *buf, size_t cap) {
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  es_plan *plan = expr ? es_plan_make(es, expr, in, n, NULL, &(es_options){.sizes = sizes}, &error)
                       : NULL;
  cr_assert(plan != NULL, "%s", error.message);
  cr_assert_lt(es_plan_formula(plan, buf, cap), cap);
  es_plan_release(plan);
  es_expr_release(expr);
}

#define SHAPE(...)                                                                                 \
  {                                                                                                \
    NULL, ES_F32, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__},    \
        NULL                                                                                       \
  }

Test(seeds, seed_004_complexity_and_ratio) {
  es_ctx *es = es_ctx_create(NULL);
  char regular[128], separable[128], grouped[128], whole[128], ratio[128];
  const es_array three[] = {SHAPE(2, 12, 12, 8), SHAPE(3, 3, 8), SHAPE(8, 16)},
                 two[] = {SHAPE(2, 12, 12, 8), SHAPE(3, 3, 8, 16)};
  const es_array group[] = {SHAPE(2, 12, 12, 8), SHAPE(3, 3, 2, 4, 8)};
  formula_of(es, "b (W k) (H l) c, k l c C -> b W H C", two, 2, NULL, regular, sizeof regular);
  formula_of(es, "b (W k) (H l) c, k l c, c C -> b W H C", three, 3, NULL, separable,
             sizeof separable);
  cr_assert_str_eq(regular, "b·W·H·C·k·l·c");
  es_formula_ratio(separable, regular, ratio, sizeof ratio);
  cr_assert_str_eq(ratio, "1/C + 1/(k·l)", "%s over %s", separable, regular);
  formula_of(es, "b (W k) (H l) (g s), k l g s S -> b W H (g S)", group, 2, NULL, grouped,
             sizeof grouped);
  formula_of(es, "b (W k) (H l) (g s), k l (g s) (q S) -> b W H (q S)", two, 2,
             ES_SIZES({"g", 2}, {"q", 2}), whole, sizeof whole);
  es_formula_ratio(grouped, whole, ratio, sizeof ratio);
  cr_assert_str_eq(ratio, "1/q");
  es_ctx_destroy(es);
}

Test(cost, ratios_of_formulas) {
  static const char *const rows[][3] = {{"a·b", "a·b", "1"},
                                        {"a·b·c", "b", "a·c"},
                                        {"a", "a·b", "1/b"},
                                        {"a + b", "a·b", "1/b + 1/a"},
                                        {"a·c + b·c", "a·c + d·c", "(a + b)/(a + d)"},
                                        {"a·b", "a·c + a·d", "b/(c + d)"},
                                        {"2·a", "a", "2"},
                                        {"1", "a·b", "1/(a·b)"},
                                        {"a·a", "a", "a"},
                                        {"0", "a", "0/a"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char found[64];
    cr_assert_eq(es_formula_ratio(rows[i][0], rows[i][1], found, sizeof found), strlen(rows[i][2]),
                 "%s / %s gives %s", rows[i][0], rows[i][1], found);
    cr_assert_str_eq(found, rows[i][2]);
  }
  static const char *const bad[] = {"", "a·", "·a", "a +  + b", "a·b + "};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_eq(es_formula_ratio(bad[i], "a", NULL, 0), 0, "'%s' is no formula", bad[i]);
}

Test(cost, views_cost_nothing) {
  es_ctx *es = es_ctx_create(NULL);
  char text[64];
  const es_array x[] = {SHAPE(2, 3)};
  formula_of(es, "i j -> j i", x, 1, NULL, text, sizeof text);
  cr_assert(!strcmp(text, "0") || !strcmp(text, "j·i"), "%s", text);
  es_ctx_destroy(es);
}

Test(cost, largest_intermediate) {
  es_ctx *es = es_ctx_create(NULL);
  const es_array in[] = {SHAPE(2, 3, 4), SHAPE(50, 4), SHAPE(50)};
  es_error error = {0};
  const char *text = "t = x: a b c, y: d c -> a b d\nu = t: a b d, z: d -> a b\nrelu(u)";
  es_expr *expr = es_expr_parse(es, ES_KIND_PROGRAM, text, strlen(text), ES_READ_AUTO, &error);
  es_plan *plan = es_plan_make(es, expr, in, 3, NULL, NULL, &error);
  cr_assert(plan != NULL, "%s", error.message);
  char formula[64];
  double bytes;
  es_plan_formula(plan, formula, sizeof formula);
  cr_assert_str_eq(formula, "a·b·d·c + a·b·d");
  es_plan_largest(plan, &bytes, formula, sizeof formula);
  cr_assert_str_eq(formula, "a·b·d");
  cr_assert_eq(bytes, 2 * 3 * 50 * 4);
  es_plan_release(plan);
  es_expr_release(expr);
  char ratio[64];
  cr_assert_gt(es_formula_ratio("a·b·d·c + a·b·d", "a·b·c·d", ratio, sizeof ratio), 0);
  cr_assert_str_eq(ratio, "1 + 1/c");
  es_ctx_destroy(es);
}
