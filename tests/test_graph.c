/* What a program is once it is read: its inputs and results, its graph in print, the numbers
 * that are computed before anything runs; and what it refuses. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

static es_expr *parse(es_ctx *es, es_kind kind, const char *text) {
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, kind, text, strlen(text), ES_READ_AUTO, &error);
  cr_assert_not_null(expr, "%s: %s", text, error.message);
  return expr;
}

Test(graph, names_its_inputs_and_results) {
  es_ctx *es = es_ctx_create(NULL);
  es_expr *p = parse(es, ES_KIND_PROGRAM, "a = x + y; b = y: i j -> j i; b, a");
  cr_assert_eq(es_expr_inputs(p), 2);
  cr_assert_str_eq(es_expr_input(p, 0), "x");
  cr_assert_str_eq(es_expr_input(p, 1), "y");
  cr_assert_eq(es_expr_outputs(p), 2);
  cr_assert_str_eq(es_expr_output(p, 0), "b");
  cr_assert_str_eq(es_expr_output(p, 1), "a");
  for (int side = -1; side <= 2; side += 3) {
    cr_assert_null(es_expr_input(p, side));
    cr_assert_null(es_expr_output(p, side));
  }
  es_expr_release(p);
  /* one expression has operands, which have no names */
  es_expr *e = parse(es, ES_KIND_EINSUM, "i j, j k -> i k");
  cr_assert_eq(es_expr_inputs(e), 2);
  cr_assert_eq(es_expr_outputs(e), 1);
  cr_assert_null(es_expr_input(e, 0));
  cr_assert_null(es_expr_output(e, 0));
  es_expr_release(e);
  e = parse(es, ES_KIND_EINSUM, "ij,jk");
  cr_assert_eq(es_expr_outputs(e), 1);
  es_expr_release(e);
  char text[4] = "abc";
  cr_assert_eq(es_expr_inputs(NULL), 0);
  cr_assert_eq(es_expr_outputs(NULL), 0);
  cr_assert_null(es_expr_input(NULL, 0));
  cr_assert_null(es_expr_output(NULL, 0));
  cr_assert_eq(es_expr_print(NULL, text, sizeof text), 0);
  cr_assert_str_eq(text, "");
  cr_assert_eq(es_expr_print(NULL, NULL, 0), 0);
  es_error error = {0};
  cr_assert_null(es_expr_parse(NULL, ES_KIND_EINSUM, "i", 1, ES_READ_AUTO, &error));
  cr_assert_null(es_expr_parse(es, ES_KIND_EINSUM, NULL, 0, ES_READ_AUTO, &error));
  cr_assert_eq(error.status, ES_E_VALUE);
  es_ctx_destroy(es);
}

static const char source[] = "k = 2\nu, v = x: (a ^ b) c -> a c, b c\n"
                             "y = softmax(u * 0.5 + [v: k c -> k c] / a)";

Test(graph, prints_one_value_a_line) {
  es_ctx *es = es_ctx_create(NULL);
  es_expr *p = parse(es, ES_KIND_PROGRAM, source);
  size_t len = es_expr_print(p, NULL, 0);
  char *text = malloc(len + 1), *part = malloc(len + 1);
  cr_assert_eq(es_expr_print(p, text, len + 1), len);
  cr_assert_eq(strlen(text), len);
  cr_assert(strstr(text, " = input x\n"), "%s", text);
  cr_assert(strstr(text, " -> a c, b c of %"), "%s", text);
  cr_assert(strstr(text, " = output 1 of %"), "%s", text);
  cr_assert(strstr(text, " = size a\n"), "%s", text);
  cr_assert(strstr(text, " = 0.5\n"), "%s", text);
  cr_assert(strstr(text, " = softmax %"), "%s", text);
  cr_assert(strstr(text, "\ny: %"), "%s", text);
  /* cut off at any length it is the same text, ended */
  for (size_t cap = 1; cap <= len; cap++) {
    cr_assert_eq(es_expr_print(p, part, cap), len);
    cr_assert_eq(strlen(part), cap - 1);
    cr_assert_eq(strncmp(part, text, cap - 1), 0);
  }
  es_error error = {0};
  size_t dumped = es_dump(es, ES_KIND_PROGRAM, source, NULL, 0, NULL, "a", part, len + 1, &error);
  cr_assert_eq(dumped, len, "%s", error.message);
  cr_assert_str_eq(part, text);
  free(text), free(part);
  es_expr_release(p);
  es_ctx_destroy(es);
}

Test(graph, dump_shows_problems_and_steps) {
  es_ctx *es = es_ctx_create(NULL);
  es_error error = {0};
  const es_array in[] = {{.dtype = ES_F32, .rank = 2, .shape = (int64_t[]){4, 3}}};
  static char all[1 << 15], one[1 << 15];
  const es_options options = {.reading = ES_READ_AUTO, .sizes = ES_SIZES({"a", 2})};
  size_t len = es_dump(es, ES_KIND_PROGRAM, source, in, 1, &options, "aps", all, sizeof all,
                       &error);
  cr_assert_gt(len, 0, "%s", error.message);
  size_t sum = 0;
  for (const char *letter = "aps"; *letter; letter++) {
    char letters[2] = {*letter, 0};
    size_t n = es_dump(es, ES_KIND_PROGRAM, source, in, 1, &options, letters, one, sizeof one,
                       &error);
    cr_assert_gt(n, 0, "%s: %s", letters, error.message);
    cr_assert_eq(strncmp(all + sum, one, n), 0, "stage %s", letters);
    sum += n;
  }
  cr_assert_eq(sum, len);
  cr_assert_eq(es_dump(es, ES_KIND_PROGRAM, "y =", in, 1, NULL, "a", one, sizeof one, &error), 0);
  cr_assert_eq(error.status, ES_E_SYNTAX);
  cr_assert_eq(es_dump(es, ES_KIND_PROGRAM, source, in, 0, NULL, "p", one, sizeof one, &error), 0);
  cr_assert_eq(error.status, ES_E_COUNT);
  cr_assert_eq(es_dump(NULL, ES_KIND_PROGRAM, source, in, 0, NULL, "p", one, 8, &error), 0);
  cr_assert_eq(es_dump(es, ES_KIND_PROGRAM, NULL, in, 0, NULL, "p", one, 8, &error), 0);
  cr_assert_eq(es_dump(es, ES_KIND_PROGRAM, source, NULL, 1, NULL, "p", one, 8, &error), 0);
  cr_assert_eq(error.status, ES_E_VALUE);
  es_ctx_destroy(es);
}

/* Numbers alone are computed once, in double; whole ones stay whole, and keep an integer array
 * one of integers. */
Test(graph, numbers_are_computed_before_the_run) {
  static const struct {
    const char *text;
    double value;
    es_dtype of_i32;
  } rows[] = {
      {"2 + 3", 5, ES_I32},
      {"2 - 3", -1, ES_I32},
      {"2 * 3", 6, ES_I32},
      {"6 / 3", 2, ES_F64},
      {"2 ** 3", 8, ES_I32},
      {"2 ** -1", 0.5, ES_F64},
      {"2 ** 0.5", 1.4142135623730951, ES_F64},
      {"maximum(2, 3)", 3, ES_I32},
      {"minimum(2, 3)", 2, ES_I32},
      {"-(2)", -2, ES_I32},
      {"abs(2 - 5)", 3, ES_I32},
      {"square(3)", 9, ES_I32},
      {"sqrt(9)", 3, ES_F64},
      {"rsqrt(4)", 0.5, ES_F64},
      {"reciprocal(4)", 0.25, ES_F64},
      {"exp(0)", 1, ES_F64},
      {"log(1)", 0, ES_F64},
      {"relu(-3)", 0, ES_I32},
  };
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_full(es, ES_I32, ES_SHAPE(2), 7);
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    char text[64] = "x + ";
    strcat(text, rows[r].text);
    es_tensor *out[1];
    cr_assert_eq(es_program(es, text, NULL, ES_IN(x), NULL, out, 1), ES_OK, "%s: %s", text,
                 es_error_text(es));
    CHECK_EQUAL(es, out[0], (2), 7 + rows[r].value, 7 + rows[r].value);
    bool whole = rows[r].of_i32 == ES_I32;
    cr_assert_eq(es_dtype_of(out[0]) == ES_I32, whole, "%s: %s", text,
                 es_dtype_name(es_dtype_of(out[0])));
  }
  es_ctx_destroy(es);
}

Test(graph, refuses) {
  static const struct {
    const char *text, *says;
    es_status status;
  } rows[] = {
      {"x + sin(1)", "of numbers alone is not computed in programs", ES_E_DTYPE},
      {"x + remainder(5, 3)", "of numbers alone is not computed in programs", ES_E_DTYPE},
      {"x + where(1, 2, 3)", "numbers", ES_E_DTYPE},
      {"where(x, 2, 3)", "has only numbers to choose from", ES_E_DTYPE},
      {"softmax(3) + x", "needs an array", ES_E_DTYPE},
      {"x + 9007199254740993", "a whole number here is less than 2^53", ES_E_SYNTAX},
      {"x + (9007199254740991 + 2)", "this whole number is not less than 2^53", ES_E_OVERFLOW},
      {"x + q_", "an underscore stands only inside a name", ES_E_SYNTAX},
      {"softmax(x, dim=y)", "expected a number", ES_E_SYNTAX},
      {"softmax(x, dim=0.5)", "whole", ES_E_SYNTAX},
      {"softmax(z)", "needs an array of real numbers", ES_E_DTYPE},
      {"softmax(x, dam=1)", "there is no keyword 'dam' here; there is dim", ES_E_NAME},
      {"exp(x, dim=1)", "there is no keyword 'dim' here", ES_E_NAME},
      {"exp()", "expected more operands before this, found the end", ES_E_SYNTAX},
      {"exp(x y)", "expected ',' or ')', found 'y'", ES_E_SYNTAX},
      {"softmax(x, dim=1 2)", "expected ')', found '2'", ES_E_SYNTAX},
      {"y = -", "expected a value", ES_E_SYNTAX},
      {"y = x ** ", "expected a value", ES_E_SYNTAX},
      {"y = x\n_y", "an underscore stands only inside a name", ES_E_SYNTAX},
      {"x: (a ^ b) c -> a c, b c", "1 name for 2 values", ES_E_COUNT},
      {"y = x: a, 3 -> a", "expected the name of an operand and ':', as in 'x: b c', found '3'",
       ES_E_SYNTAX},
      {"y = x: (a, b) -> a", "'(' is not closed", ES_E_SYNTAX},
      {"y = x: a b -", "'-' outside a parenthesis", ES_E_SYNTAX},
      {"y = []", "expected the name of an operand", ES_E_SYNTAX},
      {"y = x ,", "expected the end of the statement, found ','", ES_E_SYNTAX},
  };
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_zeros(es, ES_F32, ES_SHAPE(2, 3)), *z = es_zeros(es, ES_C64, ES_SHAPE(2, 3));
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    es_tensor *out[1] = {x};
    bool complex = strchr(rows[r].text, 'z') && !strchr(rows[r].text, '\n');
    es_status status = es_program(es, rows[r].text, NULL, (es_tensor *const[]){complex ? z : x}, 1,
                                  NULL, out, 1);
    cr_assert_null(out[0], "%s", rows[r].text);
    cr_assert(strstr(es_error_text(es), rows[r].says), "%s: %s", rows[r].text, es_error_text(es));
    cr_assert_eq(status, rows[r].status, "%s: %s", rows[r].text, es_error_text(es));
    es_clear_error(es);
  }
  es_tensor *out[1];
  cr_assert_eq(es_program(es, "k = 2; y = x * k", NULL, ES_IN(x), ES_SIZES({"k", 3}), out, 1),
               ES_E_EXTENT);
  cr_assert(strstr(es_error_text(es), "'k' is given as 3, and is 2 in the program"), "%s",
            es_error_text(es));
  es_clear_error(es);
  char deep[300] = "";
  for (int i = 0; i < 70; i++) strcat(deep, "(");
  strcat(deep, "x");
  cr_assert_eq(es_program(es, deep, NULL, ES_IN(x), NULL, out, 1), ES_E_SYNTAX);
  cr_assert(strstr(es_error_text(es), "brackets nest at most 64 deep"), "%s", es_error_text(es));
  es_clear_error(es);
  static const char *const openings[] = {"exp(", "-", "x ** "};
  for (int k = 0; k < 3; k++) {
    *deep = 0;
    for (int i = 0; i < 59; i++) strcat(deep, "-");
    for (int i = 0; i < 10; i++) strcat(deep, openings[k]);
    strcat(deep, "x");
    cr_assert_eq(es_program(es, deep, NULL, ES_IN(x), NULL, out, 1), ES_E_SYNTAX);
    cr_assert(strstr(es_error_text(es), "brackets nest at most 64 deep"), "%s", es_error_text(es));
    es_clear_error(es);
  }
  char name[100];
  memset(name, 'q', 80);
  strcpy(name + 80, "(x)");
  cr_assert_eq(es_program(es, name, NULL, ES_IN(x), NULL, out, 1), ES_E_NAME);
  cr_assert(strstr(es_error_text(es), "there is no function 'qqqq"), "%s", es_error_text(es));
  es_clear_error(es);
  char *long_text = malloc(ES_MAX_TEXT + 8);
  memset(long_text, ' ', ES_MAX_TEXT + 4);
  strcpy(long_text + ES_MAX_TEXT, "x+1");
  cr_assert_eq(es_program(es, long_text, NULL, ES_IN(x), NULL, out, 1), ES_E_LIMIT);
  cr_assert(strstr(es_error_text(es), "the text has 65539 bytes"), "%s", es_error_text(es));
  es_clear_error(es);
  free(long_text);
  char digits[700] = "x + ";
  memset(digits + 4, '1', 600);
  digits[604] = '\0';
  cr_assert_eq(es_program(es, digits, NULL, ES_IN(x), NULL, out, 1), ES_E_SYNTAX);
  cr_assert(strstr(es_error_text(es), "a whole number here is less than 2^53"));
  es_clear_error(es);
  memset(name, 'q', 80);
  strcpy(name + 80, " + 1");
  es_program(es, name, NULL, ES_IN(x), NULL, out, 1);
  cr_assert(strstr(es_error_text(es), "at most 64 bytes"), "%s", es_error_text(es));
  es_clear_error(es);
  /* what belongs to one expression */
  es_error error = {0};
  es_expr *p = parse(es, ES_KIND_PROGRAM, "y = x + 1");
  const es_array in[] = {{.dtype = ES_F32, .rank = 1, .shape = (int64_t[]){3}}};
  const es_options options[] = {{.reducer = ES_REDUCE_MAX},
                                {.has_scale = true, .alpha = 2},
                                {.has_out_dtype = true, .out_dtype = ES_F64},
                                {.out_shape = (int64_t[]){3}, .out_rank = 1}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    cr_assert_null(es_plan_make(es, p, in, 1, NULL, &options[i], &error));
    cr_assert_eq(error.status, ES_E_VALUE);
    cr_assert(strstr(error.message, "belong to one expression"), "%s", error.message);
  }
  cr_assert_null(es_plan_make(es, p, in, 0, NULL, NULL, &error));
  cr_assert(strstr(error.message, "has 1 inputs, 0 were given; the first is 'x'"), "%s",
            error.message);
  es_expr_release(p);
  es_ctx_destroy(es);
}

/* Where lines end, what stands between words, and what ends the text. */
Test(graph, blanks_comments_and_ends) {
  static const struct {
    const char *text;
    int n;
  } rows[] = {
      {"y = x + 1\ny;", 1},
      {"y = x + 1\ny ; ;\n", 1},
      {"y = x + 1\ny\n", 1},
      {"y = x + 1; z = x\ny, z\n", 2},
      {"y = x + 1; z = x\ny,\n  z # both\n", 2},
      {"y,\nz = x: (i ^ k) j -> i j, k j; k = 1; y = x + 1; y, z", 2},
      {"k = 1\nk = 1\ny = x + k", 1},
      {"half = 1.5\ny = x + (half - 0.5)", 1},
      {"y\t=\tx\r\n\t+\t1", 0},
      {"y\t=\tx +\r\n\t1 # more\r\n", 1},
      {"y = [x:\ta\r\n b -> a b] + 1", 1},
      {"y = [x: a b # rows\n -> a b] + 1 # end", 1},
      {"y = 1 + [x: a b \xe2\x86\x92 a b]", 1},
      {"y = relu(x + 1,)", 1},
      {"y = maximum(softmax(dim=-1, x), x + 1)", 1},
      {"q = x + 1; y = q: a b -> a b # comment at the end", 1},
  };
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F64, ES_SHAPE(2, 3)), *next = es_arange(es, ES_F64, 1, 7, 1);
  next = es_reshape(es, next, ES_SHAPE(2, 3));
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    es_tensor *out[2] = {NULL, NULL};
    int n = rows[r].n ? rows[r].n : 1;
    es_status status = es_program(es, rows[r].text, NULL, ES_IN(x), NULL, out, n);
    cr_assert_eq(status == ES_OK, rows[r].n > 0, "%s: %s", rows[r].text, es_error_text(es));
    es_clear_error(es);
    if (rows[r].n && es_rank(out[0]) == 2) CHECK_SAME(es, out[0], next);
  }
  es_expr *p = parse(es, ES_KIND_PROGRAM, "y = x + 1; z = x * 2; z, y");
  char text[200];
  es_expr_print(p, text, sizeof text);
  cr_assert(strstr(text, "z: %") && strstr(text, ", y: %"), "%s", text);
  es_expr_release(p);
  es_ctx_destroy(es);
}
