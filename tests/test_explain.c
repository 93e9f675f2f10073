/* Plans explained: every pair with its sizes, costs and times, in four formats. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/stage.h"
#include "support/check.h"

static es_plan *plan_as(es_ctx *ctx, es_kind kind, const char *text, int n,
                        const int64_t (*shape)[3]) {
  es_array in[32];
  es_error error;
  for (int i = 0; i < n; i++) {
    int rank = 0;
    while (rank < 3 && shape[i][rank]) rank++;
    in[i] = (es_array){NULL, ES_F32, rank, shape[i], NULL};
  }
  es_expr *expr = es_expr_parse(ctx, kind, text, strlen(text), ES_READ_AUTO, &error);
  es_plan *plan = expr ? es_plan_make(ctx, expr, in, n, NULL, NULL, &error) : NULL;
  cr_assert(plan, "%s", error.message);
  es_expr_release(expr);
  return plan;
}

static es_plan *plan_of(es_ctx *ctx, const char *text, int n, const int64_t (*shape)[3]) {
  return plan_as(ctx, ES_KIND_EINSUM, text, n, shape);
}

static char *explained(const es_plan *plan, es_explain_format format, const double *seconds) {
  size_t len = es_plan_explain(plan, format, seconds, NULL, 0);
  char *text = malloc(len + 1);
  cr_assert_eq(es_plan_explain(plan, format, seconds, text, len + 1), len);
  cr_assert_eq(strlen(text), len);
  return text;
}

static const int64_t chain[][3] = {{6, 50}, {50, 7}, {7, 40}, {40, 5}};
static const char chain_text[] = "a b, b c, c d, d e -> a e";

Test(explain, sides_of_a_pair) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_plan *plan = plan_of(ctx, "b i k, b k j -> b i j", 2,
                          (const int64_t[][3]){{2, 3, 5}, {2, 5, 7}});
  es_stage s = es_stage_of(plan, 0, NULL);
  cr_assert(s.m == 3 && s.n == 7 && s.k == 5 && s.batch == 2, "m %g n %g k %g batch %g", s.m, s.n,
            s.k, s.batch);
  cr_assert_eq(s.flops, 210);
  cr_assert(s.measured < 0 && s.predicted > 0);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(explain, a_chain_names_its_pairs_and_what_they_save) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_plan *plan = plan_of(ctx, chain_text, 4, chain);
  double sum = 0;
  int stages = 0;
  for (int g = 0; g < plan->n_groups; g++) {
    es_stage s = es_stage_of(plan, g, NULL);
    sum += s.flops;
    stages += es_stage_shown(plan, g);
    cr_assert_eq(s.m * s.n * s.k * s.batch, s.group->points, "'%s'", s.group->text);
  }
  cr_assert_eq(stages, 3);
  cr_assert_eq(sum, es_plan_flops(plan));
  cr_assert_eq(plan->naive, 3. * 6 * 50 * 7 * 40 * 5);
  char *text = explained(plan, ES_EXPLAIN_TEXT, NULL);
  cr_assert(strstr(text, "all at once 1.26e+06"), "%s", text);
  cr_assert(strstr(text, "a 6, c 7, b 50"), "%s", text);
  free(text);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(explain, a_timed_run_gives_the_same_values_and_times) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_tensor *in[4], *want;
  es_array array[4];
  for (int i = 0; i < 4; i++) {
    in[i] = check_data(ctx, ES_F32, 2, chain[i], (unsigned)i);
    array[i] = (es_array){(void *)(uintptr_t)es_data(in[i]), ES_F32, 2, es_shape(in[i]), NULL};
  }
  CHECK_OK(ctx, want = es_einsum(ctx, chain_text, in, 4, NULL));
  es_plan *plan = plan_of(ctx, chain_text, 4, chain);
  double *seconds = calloc((size_t)es_plan_steps(plan), sizeof *seconds);
  void *workspace = aligned_alloc(64, (es_plan_workspace(plan) + 64) / 64 * 64);
  float result[30];
  es_array out = es_plan_array(plan, plan->n_in, result);
  es_error error;
  cr_assert_eq(es_run_timed(ctx, plan, array, 4, &out, 1, workspace, seconds, &error), ES_OK);
  cr_assert_arr_eq(result, es_data(want), sizeof result);
  for (int i = 0; i < es_plan_steps(plan); i++) cr_assert(seconds[i] > 0, "step %d", i);
  char *text = explained(plan, ES_EXPLAIN_JSON, seconds);
  cr_assert(strstr(text, "\"measured_seconds\":"), "%s", text);
  free(text);
  free(seconds);
  free(workspace);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* Brackets and quotes close, and nothing but one value stands there. */
static void check_json(const char *text) {
  char open[64];
  int depth = 0;
  bool quoted = false;
  for (const char *c = text; *c && *c != '\n'; c++) {
    if (quoted) {
      if (*c == '\\') c++;
      quoted = *c != '"';
      continue;
    }
    quoted = *c == '"';
    if (*c == '{' || *c == '[') open[depth++] = *c;
    if (*c == '}' || *c == ']') cr_assert(depth && open[--depth] == *c - 2, "%s", text);
    cr_assert(depth || !c[1] || c[1] == '\n', "%s", text);
  }
  cr_assert(!quoted && depth == 0, "%s", text);
}

static int count(const char *text, const char *word) {
  int n = 0;
  for (; (text = strstr(text, word)); text++) n++;
  return n;
}

Test(explain, formats_are_well_formed) {
  static const struct {
    const char *text;
    int n;
    int64_t shape[6][3];
    int stages;
  } cases[] = {
      {"a b, b c, c d, d e -> a e", 4, {{6, 50}, {50, 7}, {7, 40}, {40, 5}}, 3},
      {"a b -> b a", 1, {{3, 4}}, 1},
      {"a, a, a -> a", 3, {{5}, {5}, {5}}, 1},
      {"->", 1, {{0}}, 1},
      {"θ b, b -> θ", 2, {{3, 4}, {4}}, 1},
      {"c (h+k-1)?0, o c k -> o h", 2, {{3, 20}, {4, 3, 3}}, 1},
      {"(h+k-1)?edge, k -> h", 2, {{20}, {3}}, 1},
  };
  es_ctx *ctx = es_ctx_create(NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    es_plan *plan = plan_of(ctx, cases[i].text, cases[i].n, cases[i].shape);
    char *json = explained(plan, ES_EXPLAIN_JSON, NULL),
         *dot = explained(plan, ES_EXPLAIN_DOT, NULL);
    char *svg = explained(plan, ES_EXPLAIN_SVG, NULL);
    check_json(json);
    cr_assert_eq(count(json, "\"strategy\""), cases[i].stages, "%s", json);
    cr_assert_eq(count(dot, "shape=box, style=filled"), cases[i].stages, "%s", dot);
    cr_assert_eq(count(svg, "<rect"), count(svg, "/>") - count(svg, "<path"), "%s", svg);
    cr_assert_eq(count(svg, "<text"), count(svg, "</text>"), "%s", svg);
    free(json);
    free(dot);
    free(svg);
    es_plan_release(plan);
  }
  es_ctx_destroy(ctx);
}

/* The picture of many operands is as wide as that of a few, and as high as it has stages; what its
 * boxes cannot hold on one line stands on two. */
Test(explain, pictures_of_many_operands_stay_narrow) {
  enum { FEW = 3, MANY = 30 };
  es_ctx *ctx = es_ctx_create(NULL);
  double width[2], height[2];
  for (int many = 0; many < 2; many++) {
    char text[2048] = "";
    int64_t shape[MANY][3] = {{0}};
    int n = many ? MANY : FEW;
    for (int i = 0; i < n; i++) {
      size_t len = strlen(text);
      snprintf(text + len, sizeof text - len, "%slabel_of_axis_%d label_of_axis_%d", i ? ", " : "",
               i, i + 1);
      shape[i][0] = 2 + i % 3;
      shape[i][1] = 2 + (i + 1) % 3;
    }
    snprintf(text + strlen(text), 64, " -> label_of_axis_0 label_of_axis_%d", n);
    es_plan *plan = plan_of(ctx, text, n, shape);
    char *svg = explained(plan, ES_EXPLAIN_SVG, NULL);
    cr_assert_eq(sscanf(svg, "<svg %*s width='%lf' height='%lf'", &width[many], &height[many]), 2,
                 "%.200s", svg);
    cr_assert_eq(count(svg, "label_of_axis_1, ") > 0, true, "%s", svg);
    cr_assert_eq(count(svg, "<title>"), 0, "%s", svg);
    cr_assert_eq(count(svg, "<text"), 1 + 3 * n + 4 * (n - 1), "%s", svg);
    cr_assert_eq(count(svg, ">operand "), n);
    free(svg);
    es_plan_release(plan);
  }
  cr_assert(width[1] <= 1.3 * width[0], "%g, of few operands %g", width[1], width[0]);
  cr_assert(height[1] <= 100 * MANY, "%g", height[1]);
  es_ctx_destroy(ctx);
}

/* Operands go by the names of the program; one that a statement reads twice has one box. */
Test(explain, programs_name_their_operands) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_plan *plan = plan_as(ctx, ES_KIND_PROGRAM,
                          "h = image: b c, weights: o c -> b o\nrelu(h + bias) * bias", 3,
                          (const int64_t[][3]){{2, 3}, {4, 3}, {4}});
  char *dot = explained(plan, ES_EXPLAIN_DOT, NULL), *svg = explained(plan, ES_EXPLAIN_SVG, NULL);
  static const char *const names[] = {"image", "weights", "bias"};
  for (int i = 0; i < 3; i++) {
    char label[64];
    snprintf(label, sizeof label, "operand%d [shape=box, style=rounded, label=\"%s\\nf32 (", i,
             names[i]);
    cr_assert_eq(count(dot, label), 1, "%s in %s", label, dot);
    snprintf(label, sizeof label, ">%s</text>", names[i]);
    cr_assert_eq(count(svg, label), 1, "%s in %s", label, svg);
  }
  cr_assert_eq(count(svg, "operand"), 0, "%s", svg);
  free(dot);
  free(svg);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* What depends on constants alone is there in every format, as work that no run does. */
Test(explain, what_constants_come_to_is_shown_as_done) {
  static const char text[] = "b c, c d, d e, e f -> b f";
  static const int64_t shape[][2] = {{500, 40}, {40, 30}, {30, 50}, {50, 60}};
  static const bool constant[] = {false, true, true, true};
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[4];
  for (int i = 0; i < 4; i++) {
    es_tensor *data = check_data(ctx, ES_F32, 2, shape[i], (unsigned)i);
    in[i] = (es_array){(void *)(uintptr_t)es_data(data), ES_F32, 2, shape[i], NULL};
  }
  es_error error;
  es_options options = {.constant = constant};
  es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  es_plan *plan = es_plan_make(ctx, expr, in, 4, NULL, &options, &error);
  cr_assert(plan, "%s", error.message);
  cr_assert_eq(es_plan_steps(plan), 1);
  char *words = explained(plan, ES_EXPLAIN_TEXT, NULL),
       *json = explained(plan, ES_EXPLAIN_JSON, NULL), *dot = explained(plan, ES_EXPLAIN_DOT, NULL),
       *svg = explained(plan, ES_EXPLAIN_SVG, NULL), formula[64];
  cr_assert(strstr(words, "\nconstant: operand 1, operand 2, operand 3\n"), "%s", words);
  cr_assert_eq(count(words, "of constants: computed once"), 2, "%s", words);
  cr_assert_eq(count(words, "predicted"), 1, "%s", words);
  check_json(json);
  cr_assert(strstr(json, "\"constants\":[1,2,3]"), "%s", json);
  cr_assert_eq(count(json, "\"constant\":true"), 2, "%s", json);
  cr_assert_eq(count(json, "\"strategy\""), 1, "%s", json);
  cr_assert_eq(count(dot, "computed once"), 2, "%s", dot);
  cr_assert_eq(count(dot, " -> stage"), 6, "%s", dot);
  cr_assert_eq(count(svg, "computed once"), 2, "%s", svg);
  cr_assert_eq(count(svg, "<path"), 6, "%s", svg);
  es_plan_formula(plan, formula, sizeof formula);
  cr_assert_str_eq(formula, "b·f·c");
  cr_assert_eq(es_plan_flops(plan), 500. * 40 * 60);
  free(words);
  free(json);
  free(dot);
  free(svg);
  es_plan_release(plan);
  es_expr_release(expr);
  es_ctx_destroy(ctx);
}
