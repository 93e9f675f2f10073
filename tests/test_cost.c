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
                                        {"4·a·b", "8·b", "a/2"},
                                        {"6·a", "4·b", "3·a/(2·b)"},
                                        {"4·a + 8·b", "4·a + 4·c", "(a + 2·b)/(a + c)"},
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

/* Bytes name every operand and output once a step; windows by what they reach. relu reads its 0
 * besides its operand. */
Test(cost, bytes_and_peak) {
  es_ctx *es = es_ctx_create(NULL);
  const es_array conv[] = {SHAPE(2, 3, 11, 12), SHAPE(5, 3, 3, 3)}, product[] = {SHAPE(7, 8)},
                 chain[] = {SHAPE(20, 30), SHAPE(30, 40), SHAPE(40, 50), SHAPE(50, 3)};
  const struct {
    es_kind kind;
    const char *text;
    const es_array *in;
    int64_t n;
    const char *bytes, *peak;
    double counted, most; /* of bytes where no tap is padded; of the peak */
  } row[] = {
      {ES_KIND_EINSUM, "b c (2*h+k) (w+l), o c k l -> b o h w", conv, 2,
       "4·b·c·(2*h+k-2)·(w+l-1) + 4·o·c·k·l + 4·b·o·h·w", "0",
       4 * (2 * 3 * 11 * 12 + 5 * 3 * 3 * 3 + 2 * 5 * 5 * 10), 0},
      {ES_KIND_EINSUM, "(a b) c ->", product, 1, "4·a·b·c + 4", "0", 4 * 7 * 8 + 4, 0},
      {ES_KIND_EINSUM, "b c (h+k-1)?0 (w+l-1)?0, o c k l -> b o h w", conv, 2,
       "4·b·c·(h+k-1)·(w+l-1) + 4·o·c·k·l + 4·b·o·h·w", "0", 0, 0},
      {ES_KIND_EINSUM, "a b, b c, c d, d e -> a e", chain, 4, NULL, NULL, 0, 0},
      {ES_KIND_PROGRAM, "t = x: a b, y: b c -> a c\nu = relu(t)\nu: a c, z: c d -> a d", chain, 3,
       "4·a·b + 4·b·c + 16·a·c + 4·c·d + 4·a·d + 4", "4·a·c", 0, 20 * 40 * 4},
  };
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char text[256];
    es_error error = {0};
    es_expr *expr = es_expr_parse(es, row[i].kind, row[i].text, strlen(row[i].text), ES_READ_AUTO,
                                  &error);
    es_options options = {.sizes = row[i].in == product ? ES_SIZES({"a", 7}) : NULL};
    es_plan *plan = es_plan_make(es, expr, row[i].in, row[i].n, NULL, &options, &error);
    cr_assert(plan != NULL, "%s", error.message);
    double most;
    cr_assert_lt(es_plan_bytes_formula(plan, text, sizeof text), sizeof text);
    if (row[i].bytes) cr_assert_str_eq(text, row[i].bytes);
    if (row[i].counted > 0) cr_assert_eq(es_plan_bytes(plan), row[i].counted);
    cr_assert_lt(es_plan_peak(plan, &most, text, sizeof text), sizeof text);
    if (row[i].peak) cr_assert_str_eq(text, row[i].peak);
    if (row[i].most > 0) cr_assert_eq(most, row[i].most, "%s", text);
    cr_assert_leq(most, (double)es_plan_workspace(plan));
    es_plan_release(plan);
    es_expr_release(expr);
  }
  es_ctx_destroy(es);
}
