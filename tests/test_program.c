/* Programs: against the same statements one by one through the tensor door, to the bit;
 * what is shared, what is freed, what an error says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lexer/program.h"
#include "support/alloc.h"
#include "support/check.h"

static es_tensor *run_one(es_ctx *es, const char *text, const char *const *names,
                          es_tensor *const *in, int64_t n, const es_axis_size *sizes) {
  es_tensor *out[1];
  es_program(es, text, names, in, n, sizes, out, 1);
  return out[0];
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__})

static void same_bits(es_ctx *es, const es_tensor *a, const es_tensor *b) {
  CHECK_OK(es, a);
  CHECK_OK(es, b);
  cr_assert_eq(es_dtype_of(a), es_dtype_of(b));
  cr_assert_eq(es_rank(a), es_rank(b));
  cr_assert_eq(memcmp(es_shape(a), es_shape(b), (size_t)es_rank(a) * sizeof(int64_t)), 0);
  b = es_contiguous(es, b);
  cr_assert_eq(memcmp(es_data(a), es_data(b), (size_t)es_size(a) * es_dtype_size(es_dtype_of(a))),
               0, "other bits, of %s", es_dtype_name(es_dtype_of(a)));
}

/* ---- whole networks ------------------------------------------------------------------ */

static const char cnn[] = "# a small CNN\n"
                          "h = x: b c (i+ki-1)?0 (j+kj-1)?0, w: o c ki kj -> b o i j\n"
                          "h = relu(h + [bias: o -> o 1 1])\n"
                          "pi = 2; pj = 2\n"
                          "h = h: b o (i2 pi) (j2 pj) -> b o i2 j2 | max\n"
                          "y = h: b o i2 j2,   # flattened by the labels\n"
                          "    v: m (o i2 j2) -> b m\n"
                          "softmax(y / m ** 0.5)\n";

Test(program, small_cnn) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(2, 3, 8, 10)),
            *w = es_randn(es, ES_F32, ES_SHAPE(4, 3, 3, 3)),
            *bias = es_randn(es, ES_F32, ES_SHAPE(4)), *v = es_randn(es, ES_F32, ES_SHAPE(5, 80));
  es_tensor *y = run_one(es, cnn, NAMES("v", "x", "bias", "w"), ES_IN(v, x, bias, w), NULL);
  es_tensor *h = es_conv2d(es, x, w, NULL, &(es_window){.padding = {1}});
  h = es_relu(es, es_binary(es, ES_ADD, h, es_reshape(es, bias, 3, (int64_t[]){4, 1, 1})));
  h = es_einsum(es, "b o (i2 pi) (j2 pj) -> b o i2 j2 | max", ES_IN(h),
                ES_SIZES({"pi", 2}, {"pj", 2}));
  h = es_einsum(es, "b o i2 j2, m (o i2 j2) -> b m", ES_IN(h, v), NULL);
  double root = 2.23606797749979;
  same_bits(es, y, es_softmax(es, es_binary_scalar(es, ES_DIV, h, root, false, false), -1));
  es_ctx_destroy(es);
}

static const char block[] = "n = 2\n"
                            "z = layer_norm(x, g, a)\n"
                            "q = z: b t c, wq: (n d) c -> b n t d\n"
                            "k = z: b s c, wk: (n d) c -> b n s d\n"
                            "v = z: b s c, wv: (n d) c -> b n s d\n"
                            "p = softmax([q: b n t d, k: b n s d -> b n t s] * d ** -0.5)\n"
                            "y = x + [p: b n t s, v: b n s d, wo: o (n d) -> b t o]\n"
                            "m = gelu([y: b t c, w1: f c -> b t f])\n"
                            "y + [m: b t f, w2: o f -> b t o]";

Test(program, transformer_block) {
  es_ctx *es = es_ctx_create(NULL);
  enum { C = 8 };
  es_tensor *x = es_randn(es, ES_F32, ES_SHAPE(2, 5, C)), *g = es_randn(es, ES_F32, ES_SHAPE(C)),
            *a = es_randn(es, ES_F32, ES_SHAPE(C)), *w[4],
            *w1 = es_randn(es, ES_F32, ES_SHAPE(6, C)), *w2 = es_randn(es, ES_F32, ES_SHAPE(C, 6));
  for (int i = 0; i < 4; i++) w[i] = es_randn(es, ES_F32, ES_SHAPE(C, C));
  es_tensor *y = run_one(es, block, NAMES("x", "g", "a", "wq", "wk", "wv", "wo", "w1", "w2"),
                         ES_IN(x, g, a, w[0], w[1], w[2], w[3], w1, w2), NULL);
  const es_axis_size *two = ES_SIZES({"n", 2});
  es_tensor *z = es_layer_norm(es, x, 1, g, a, 1e-5), *p[3];
  for (int i = 0; i < 3; i++)
    p[i] = es_einsum(es, "b t c, (n d) c -> b n t d", ES_IN(z, w[i]), two);
  es_tensor *s = es_einsum(es, "b n t d, b n s d -> b n t s", ES_IN(p[0], p[1]), NULL);
  s = es_softmax(es, es_binary_scalar(es, ES_MUL, s, 0.5, false, false), -1);
  s = es_einsum(es, "b n t s, b n s d, o (n d) -> b t o", ES_IN(s, p[2], w[3]), NULL);
  s = es_binary(es, ES_ADD, x, s);
  es_tensor *m = es_gelu(es, es_einsum(es, "b t c, f c -> b t f", ES_IN(s, w1), NULL), false);
  m = es_einsum(es, "b t f, o f -> b t o", ES_IN(m, w2), NULL);
  same_bits(es, y, es_binary(es, ES_ADD, s, m));
  es_ctx_destroy(es);
}

/* ---- arithmetic ------------------------------------------------------------------------ */

/* Each in a type where it rounds, or is exact: the fused pass rounds as often. */
Test(program, arithmetic_is_that_of_the_tensor_door) {
  es_ctx *es = es_ctx_create(NULL);
  static const es_dtype types[] = {ES_F32, ES_F64, ES_F16, ES_BF16, ES_I32, ES_I8, ES_C64};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    es_tensor *x = check_data(es, types[t], ES_SHAPE(3, 4, 700), 1),
              *y = check_data(es, types[t], ES_SHAPE(4, 1), 2);
    bool narrow = types[t] == ES_I8;
    es_tensor *r = run_one(es, narrow ? "x + y - 1" : "(x + y) * (x - 2 * y) - x * x", NULL,
                           ES_IN(x, y), NULL);
    es_tensor *sum = es_binary(es, ES_ADD, x, y);
    if (narrow) {
      same_bits(es, r, es_binary_scalar(es, ES_SUB, sum, 1, true, false));
      continue;
    }
    es_tensor *diff = es_binary(es, ES_SUB, x, es_binary_scalar(es, ES_MUL, y, 2, true, true));
    same_bits(es, r,
              es_binary(es, ES_SUB, es_binary(es, ES_MUL, sum, diff), es_binary(es, ES_MUL, x, x)));
  }
  es_tensor *x = check_data(es, ES_I32, ES_SHAPE(5, 9), 3),
            *y = check_data(es, ES_F32, ES_SHAPE(9), 4);
  es_tensor *positive = es_binary_scalar(es, ES_GT, x, 0, true, false);
  same_bits(es, run_one(es, "where(greater(x, 0), y, -y)", NULL, ES_IN(x, y), NULL),
            es_where(es, positive, y, es_unary(es, ES_NEG, y)));
  same_bits(es, run_one(es, "where(x, x, y)", NULL, ES_IN(x, y), NULL), es_where(es, x, x, y));
  same_bits(es, run_one(es, "sigmoid(x / 3) * silu(y)", NULL, ES_IN(x, y), NULL),
            es_binary(es, ES_MUL, es_sigmoid(es, es_binary_scalar(es, ES_DIV, x, 3, true, false)),
                      es_silu(es, y)));
  es_tensor *h = es_cast(es, x, ES_F16);
  same_bits(es, run_one(es, "softmax(h, dim=0)", NULL, ES_IN(h), NULL), es_softmax(es, h, 0));
  same_bits(es,
            run_one(es, "rms_norm(x, y, eps=0.5)", NULL, ES_IN(es_cast(es, x, ES_F32), y), NULL),
            es_rms_norm(es, es_cast(es, x, ES_F32), 1, y, 0.5));
  es_ctx_destroy(es);
}

/* More operations, rows and operands than one pass holds. */
Test(program, long_and_deep_expressions) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_I64, ES_SHAPE(7, 11), 5);
  char text[4000] = "x", deep[4000] = "";
  es_tensor *sum = x, *nest = x;
  for (int i = 1; i <= 100; i++) {
    snprintf(text + strlen(text), 30, " + x * %d", i % 7);
    sum = es_binary(es, ES_ADD, sum, es_binary_scalar(es, ES_MUL, x, i % 7, true, false));
  }
  same_bits(es, run_one(es, text, NULL, ES_IN(x), NULL), sum);
  for (int i = 1; i <= 50; i++) snprintf(deep + strlen(deep), 30, "x - %d * (", i % 3);
  strcat(deep, "x");
  for (int i = 1; i <= 50; i++) strcat(deep, ")");
  for (int i = 50; i >= 1; i--)
    nest = es_binary(es, ES_SUB, x, es_binary_scalar(es, ES_MUL, nest, i % 3, true, true));
  same_bits(es, run_one(es, deep, NULL, ES_IN(x), NULL), nest);
  es_ctx_destroy(es);
}

/* ---- names, sizes, results ---------------------------------------------------------------- */

Test(program, results_views_and_names) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_I32, ES_SHAPE(4, 6), 6), *out[3];
  /* an input, a view, and the parts of a split; the same value twice */
  cr_assert_eq(es_program(es, "t = x: i j -> j i; u, v = t: (a ^ b) c -> a c, b c; t, u, t", NULL,
                          ES_IN(x), ES_SIZES({"a", 2}), out, 3),
               ES_OK, "%s", es_error_text(es));
  es_tensor *t = es_transpose(es, x, 0, 1);
  same_bits(es, out[0], t);
  same_bits(es, out[1], es_slice(es, t, 0, 0, 2, 1));
  same_bits(es, out[2], t);
  same_bits(es, run_one(es, "y = x", NULL, ES_IN(x), NULL), x);
  /* i from the first statement decides j + i in the second */
  same_bits(es,
            run_one(es, "s = x: i j -> i; x: i (k l) -> k l", NULL, ES_IN(x), ES_SIZES({"k", 2})),
            es_einsum(es, "i (k l) -> k l", ES_IN(x), ES_SIZES({"k", 2})));
  /* the second output alone is wanted */
  same_bits(es,
            run_one(es, "y = x + 1; u, v = y: i (a ^ b) -> i a, i b; v", NULL, ES_IN(x),
                    ES_SIZES({"a", 2})),
            es_slice(es, es_binary_scalar(es, ES_ADD, x, 1, true, false), 1, 2, 6, 1));
  es_ctx_destroy(es);
}

static es_plan *plan_of(es_ctx *es, const char *text, const es_array *in, int64_t n,
                        const es_options *options) {
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, ES_KIND_PROGRAM, text, strlen(text), ES_READ_AUTO, &error);
  cr_assert(expr != NULL, "%s", error.message);
  es_plan *plan = es_plan_make(es, expr, in, n, NULL, options, &error);
  cr_assert(plan != NULL, "%s", error.message);
  es_expr_release(expr);
  return plan;
}

#define ARRAY(...)                                                                                 \
  {                                                                                                \
    NULL, ES_F32, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__},    \
        NULL                                                                                       \
  }

/* What two statements have in common is computed once, wherever it stands. */
Test(program, shares_what_is_equal) {
  es_ctx *es = es_ctx_create(NULL);
  const es_array in[] = {ARRAY(30, 30), ARRAY(30, 30)};
  es_plan *one = plan_of(es, "x: i j, y: j k -> i k", in, 2, NULL);
  es_plan *two =
      plan_of(es,
              "a = x: i j, y: j k -> i k\nb = relu(a + 1)\nc = x: i  j, y: j k -> i k # the same\n"
              "unused = b: i k, y: k l -> i l\n"
              "b * relu([x: i j, y: j k -> i k] + 1) + c",
              in, 2, NULL);
  cr_assert_eq(es_plan_flops(one), es_plan_flops(two));
  es_plan_release(one);
  es_plan_release(two);
  es_ctx_destroy(es);
}

/* A chain of 40 layers holds two values at a time, and runs without an allocation. */
Test(program, memory_is_used_again) {
  test_alloc a;
  test_alloc_init(&a);
  es_ctx *es = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&a), .threads = 2});
  enum { N = 64, BYTES = N * N * 4 };
  char text[4000] = "h = x\n";
  for (int i = 0; i < 40; i++)
    strcat(text, i % 2 ? "h = h: i j, w: j i -> i j\n" : "h = relu(h - 1) + h\n");
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(N, N), 7);
  es_array arrays[] = {ARRAY(N, N), ARRAY(N, N)}, out = ARRAY(N, N);
  es_plan *plan = plan_of(es, text, arrays, 2, NULL);
  cr_assert_leq(es_plan_workspace(plan), 2 * BYTES + (256 << 10)); /* panels of the contractions */
  void *workspace = aligned_alloc(64, es_plan_workspace(plan));
  es_tensor *y = es_zeros(es, ES_F32, ES_SHAPE(N, N));
  arrays[0].data = arrays[1].data = es_data_mut(x);
  out.data = es_data_mut(y);
  int64_t before = a.calls;
  es_error error;
  for (int i = 0; i < 3; i++)
    cr_assert_eq(es_run(es, plan, arrays, 2, &out, workspace, &error), ES_OK, "%s", error.message);
  cr_assert_eq(a.calls, before);
  free(workspace);
  es_plan_release(plan);
  es_ctx_destroy(es);
}

/* An elementwise step writes over an operand that nothing reads later, in the order it reads it.
 * Where every value is a result, nothing is written over: the bits are the same. */
Test(program, dying_operands_are_written_over) {
  enum { N = 80, BYTES = N * N * 4 };
  static const struct {
    const char *text, *values;
    double peak; /* values at a time */
  } row[] = {
      {"h = x: i j, y: j k -> i k\nt = relu(h - 1)\nu = t * g + t\nz = exp(-u) * u\n", "h, t, u",
       1},
      {"h = x: i j, y: j k -> i k\nt = h: i j -> j i\nu = exp(-h) + t\nz = u * u\n", "h, u", 2},
      {"h = x: i j, y: j k -> i k\nt = exp(-h)\nz = t * t + h\n", "h, t", 2},
      {"h = x: i j, y: j k -> i k\nt = greater(h, g)\nz = where(t, t, 2) + t\n", "h, t", 1.25},
      {"h = x: i j, y: j k -> i k\nt = [h: i j -> 2 i j] * 2\nz = t - t * t\n", "h, t", 3},
  };
  es_ctx *es = es_ctx_create(&(es_config){.threads = 2});
  es_tensor *in[] = {check_data(es, ES_F32, ES_SHAPE(N, N), 7),
                     check_data(es, ES_F32, ES_SHAPE(N, N), 8), es_randn(es, ES_F32, ES_SHAPE(N))};
  const es_array arrays[] = {ARRAY(N, N), ARRAY(N, N), ARRAY(N)};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    char one[300], all[300];
    int64_t n = 2 + (strchr(row[i].text, 'g') != NULL);
    snprintf(one, sizeof one, "%sz", row[i].text);
    snprintf(all, sizeof all, "%sz, %s", row[i].text, row[i].values);
    es_plan *plan = plan_of(es, one, arrays, n, NULL);
    double peak;
    es_plan_peak(plan, &peak, NULL, 0);
    cr_assert_float_eq(peak, row[i].peak * BYTES, 0, "%s: %g of %d bytes", one, peak / BYTES,
                       BYTES);
    es_tensor *alone[1], *kept[4];
    cr_assert_eq(es_program(es, one, NULL, in, n, NULL, alone, 1), ES_OK, "%s", es_error_text(es));
    int results = 2 + (int)(strlen(row[i].values) / 3);
    cr_assert_eq(es_program(es, all, NULL, in, n, NULL, kept, results), ES_OK, "%s",
                 es_error_text(es));
    same_bits(es, alone[0], kept[0]);
    es_plan_release(plan);
  }
  es_ctx_destroy(es);
}

/* An integer that passes its type is looked for once more in the operands, which are still there.
 */
Test(program, integers_are_not_written_over) {
  enum { N = 2000 };
  static int64_t data[2][N];
  for (int i = 0; i < 2 * N; i++) data[i / N][i % N] = INT64_C(1) << (i == 2 * N - 1 ? 40 : 18);
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_from_data(es, ES_I64, ES_SHAPE(2, N), data), *out[1];
  cr_assert_eq(es_program(es, "h = 4 * x\nt = h - x\nu = h * h + t * t\ny = u: i j -> i | max",
                          NULL, &x, 1, NULL, out, 1),
               ES_E_OVERFLOW);
  cr_assert(strstr(es_error_text(es), "(1, 1999)"), "%s", es_error_text(es));
  es_ctx_destroy(es);
}

/* Many threads run one plan, each in its own workspace, without a context. */
typedef struct job {
  const es_plan *plan;
  const es_array *in;
  float out[2 * 5];
} job;

static void *run_job(void *arg) {
  job *j = arg;
  es_error error;
  void *workspace = aligned_alloc(64, es_plan_workspace(j->plan));
  es_array out = ARRAY(2, 5);
  out.data = j->out;
  for (int i = 0; i < 50; i++)
    if (es_run(NULL, j->plan, j->in, 4, &out, workspace, &error) != ES_OK) j->out[0] = -1;
  free(workspace);
  return NULL;
}

Test(program, threads_share_a_plan) {
  es_ctx *es = es_ctx_create(NULL);
  es_array in[] = {ARRAY(2, 3, 8, 10), ARRAY(4, 3, 3, 3), ARRAY(4), ARRAY(5, 80)};
  for (int i = 0; i < 4; i++)
    in[i].data = es_data_mut(es_randn(es, ES_F32, in[i].rank, in[i].shape));
  es_plan *plan = plan_of(es, cnn, in, 4, NULL);
  enum { THREADS = 8 };
  pthread_t thread[THREADS];
  job jobs[THREADS];
  for (int i = 0; i < THREADS; i++) {
    jobs[i] = (job){plan, in, {0}};
    cr_assert_eq(pthread_create(&thread[i], NULL, run_job, &jobs[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  for (int i = 1; i < THREADS; i++)
    cr_assert_eq(memcmp(jobs[i].out, jobs[0].out, sizeof jobs[0].out), 0);
  cr_assert_gt(jobs[0].out[0], 0);
  es_plan_release(plan);
  es_ctx_destroy(es);
}

/* ---- errors ---------------------------------------------------------------------------------- */

Test(program, errors_name_statement_line_and_column) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_zeros(es, ES_F32, ES_SHAPE(2, 3)), *i = es_full(es, ES_I8, ES_SHAPE(2, 3), 100);
  static const struct {
    const char *text, *says;
    es_status status;
  } rows[] = {
      {"", "expected a statement", ES_E_SYNTAX},
      {"y = x +", "in the statement of 'y', line 1, column 7", ES_E_SYNTAX},
      {"y = x: a b -> a\nz = x: a b -> c d\n", "in the statement of 'z', line 2", ES_E_NAME},
      {"y = a b -> a", "expected", ES_E_SYNTAX},
      {"y = x: a b, c -> a", "expected the name of an operand", ES_E_SYNTAX},
      {"y = x: a (b -> a", "in the statement of 'y', line 1", ES_E_SYNTAX},
      {"y = [x: a b -> a", "expected ']'", ES_E_SYNTAX},
      {"y = x ? 2", "end of the statement", ES_E_SYNTAX},
      {"y = conv2d(x)", "no function 'conv2d'", ES_E_NAME},
      {"y = softmax(x, axis=0)", "no keyword 'axis' here; there is dim", ES_E_NAME},
      {"y = where(x)", "more operands", ES_E_SYNTAX},
      {"y = exp(x, x)", "no more operands", ES_E_SYNTAX},
      {"y, z = x: a b -> a", "2 names for 1 value", ES_E_COUNT},
      {"k = 2; k = 3", "one for the whole program", ES_E_SYNTAX},
      {"y = x\nq", "no statement gives this name a value", ES_E_SYNTAX},
      {"x + 1\nx + 2", "a line without '=' gives the results", ES_E_SYNTAX},
      {"k = 2", "is a number, not an array", ES_E_DTYPE},
      {"y = [x: a b -> b a] + x", "do not broadcast", ES_E_EXTENT},
      {"y = x: a b -> a\n\n  z = x: b a -> a", "in the statement of 'z', line 3", ES_E_EXTENT},
      {"y = x: a b -> a; z = x: b a -> a", "above, 'b' is 3 (by 'y'), 'a' is 2 (by 'y')",
       ES_E_EXTENT},
      {"y = softmax(x, dim=2)", "along axis 2 of an array with 2 axes", ES_E_RANK},
      {"y = layer_norm(x, x)", "must have one axis of 3", ES_E_EXTENT},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    es_tensor *out[1] = {x};
    int64_t n = strchr(rows[r].text, 'x') ? 1 : 0;
    es_status status = es_program(es, rows[r].text, NULL, (es_tensor *const[]){x}, n, NULL, out, 1);
    cr_assert_null(out[0]);
    cr_assert(strstr(es_error_text(es), rows[r].says), "%s: %s", rows[r].text, es_error_text(es));
    cr_assert_eq(status, rows[r].status, "%s: %s", rows[r].text, es_error_text(es));
    es_clear_error(es);
  }
  es_tensor *out[1];
  cr_assert_eq(es_program(es, "y = i + i", NULL, ES_IN(i), NULL, out, 1), ES_E_OVERFLOW);
  cr_assert_not_null(strstr(es_error_text(es), "add at (0, 0)"), "%s", es_error_text(es));
  es_clear_error(es);
  cr_assert_eq(es_program(es, "y = x + z", NAMES("x"), ES_IN(x), NULL, out, 1), ES_E_COUNT);
  cr_assert_not_null(strstr(es_error_text(es), "'z' is an input"));
  es_clear_error(es);
  cr_assert_eq(es_program(es, "y = x + 1", NAMES("w"), ES_IN(x), NULL, out, 1), ES_E_NAME);
  cr_assert_not_null(strstr(es_error_text(es), "its inputs are: x"));
  es_clear_error(es);
  cr_assert_eq(es_program(es, "y = x + 1", NULL, ES_IN(x), ES_SIZES({"k", 1}), out, 1), ES_E_NAME);
  es_ctx_destroy(es);
}

/* The line at fault is shown, not the whole text. */
Test(program, errors_show_their_line) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_zeros(es, ES_F32, ES_SHAPE(2, 3)), *out[1];
  es_program(es, "y = x + 1\nz = y: a b c -> a\nz + 1", NULL, ES_IN(x), NULL, out, 1);
  const char *text = es_error_text(es);
  cr_assert_not_null(strstr(text, "\n  z = y: a b c -> a\n         ^"), "%s", text);
  es_ctx_destroy(es);
}

/* ---- memory fails ------------------------------------------------------------------------------
 */

Test(program, every_allocation_may_fail) {
  test_alloc a;
  test_alloc_init(&a);
  es_ctx *es = es_ctx_create(
      &(es_config){.allocator = test_alloc_hooks(&a), .threads = 1, .max_cached_plans = -1});
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 3, 8, 10), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(4, 3, 3, 3), 2),
            *bias = check_data(es, ES_F32, ES_SHAPE(4), 3),
            *v = check_data(es, ES_F32, ES_SHAPE(5, 80), 4);
  int64_t k = 1, failed = 0;
  for (bool done = false; !done; k++) {
    es_tensor *out[1];
    cr_assert_eq(es_scope_push(es), ES_OK);
    test_alloc_fail(&a, k, k % 2);
    es_status status = es_program(es, cnn, NAMES("x", "w", "bias", "v"), ES_IN(x, w, bias, v), NULL,
                                  out, 1);
    test_alloc_obey(&a);
    done = status == ES_OK;
    failed += !done;
    cr_assert(done ? out[0] != NULL : status == ES_E_NOMEM && !out[0], "%s", es_error_text(es));
    es_clear_error(es);
    es_scope_pop(es);
  }
  cr_assert_gt(failed, 5);
  cr_assert_eq(a.defects, 0);
  es_ctx_destroy(es);
  cr_assert_eq(a.blocks, 0);
}

/* ---- random programs
 * ------------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252u;

static int pick(int n) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (int)(state % (uint64_t)n);
}

enum { VALUES = 24 };

/* One more statement over the values so far, all of them i x j or j x i matrices of small
 * integers kept small; written to text, and done through the tensor door. */
static es_tensor *statement(es_ctx *es, char *text, es_tensor **v, int n) {
  int a = pick(n), b = pick(n);
  const char *pair[] = {"i j", "j i"};
  bool ta = es_shape(v[a])[0] != 3, tb = es_shape(v[b])[0] != 3;
  text += strlen(text);
  switch (pick(6)) {
  case 0: /* a product, brought back to small numbers */
    sprintf(text, "v%d = minimum(maximum([v%d: %s, v%d: %s -> i j], -9), 9)\n", n, a, pair[ta], b,
            pair[tb]);
    char pattern[64];
    snprintf(pattern, sizeof pattern, "%s, %s -> i j", pair[ta], pair[tb]);
    es_tensor *p = es_einsum(es, pattern, ES_IN(v[a], v[b]), NULL);
    p = es_binary_scalar(es, ES_MAXIMUM, p, -9, true, false);
    return es_binary_scalar(es, ES_MINIMUM, p, 9, true, false);
  case 1:
    if (ta)
      sprintf(text, "v%d = v%d: j i -> i j\n", n, a);
    else
      sprintf(text, "v%d = v%d: i j -> j i\n", n, a);
    return es_transpose(es, v[a], 0, 1);
  case 2:
    if (pick(2)) {
      sprintf(text, "v%d = relu(-v%d)\n", n, a);
      return es_relu(es, es_unary(es, ES_NEG, v[a]));
    }
    sprintf(text, "v%d = remainder(v%d - [v%d: %s -> ], 7)\n", n, a, b, pair[tb]);
    es_tensor *s = es_einsum(es, tb ? "j i ->" : "i j ->", ES_IN(v[b]), NULL);
    return es_binary_scalar(es, ES_MOD, es_binary(es, ES_SUB, v[a], s), 7, true, false);
  case 3:
    if (ta != tb) b = a;
    sprintf(text, "v%d = where(less(v%d, v%d), v%d, -v%d)\n", n, a, b, a, b);
    return es_where(es, es_binary(es, ES_LT, v[a], v[b]), v[a], es_unary(es, ES_NEG, v[b]));
  case 4:
    if (ta)
      sprintf(text, "v%d = v%d: j i -> j 1 | max\nv%d = remainder(v%d + v%d, 5)\n", n, a, n, n, a);
    else
      sprintf(text, "v%d = v%d: i j -> i 1 | max\nv%d = remainder(v%d + v%d, 5)\n", n, a, n, n, a);
    es_tensor *m = es_einsum(es, ta ? "j i -> j 1 | max" : "i j -> i 1 | max", ES_IN(v[a]), NULL);
    return es_binary_scalar(es, ES_MOD, es_binary(es, ES_ADD, m, v[a]), 5, true, false);
  default:
    if (ta != tb) b = a;
    sprintf(text, "v%d = remainder(v%d * v%d + 3 * v%d, 11)\n", n, a, b, a);
    return es_binary_scalar(es, ES_MOD,
                            es_binary(es, ES_ADD, es_binary(es, ES_MUL, v[a], v[b]),
                                      es_binary_scalar(es, ES_MUL, v[a], 3, true, true)),
                            11, true, false);
  }
}

Test(program, random_programs_agree_with_their_statements) {
  es_ctx *es = es_ctx_create(NULL);
  static const es_dtype types[] = {ES_I64, ES_I32, ES_F32, ES_F64};
  for (int round = 0; round < 400; round++) {
    cr_assert_eq(es_scope_push(es), ES_OK);
    char text[8000] = "v0 = x\nv1 = y\n";
    es_dtype type = types[pick(4)];
    es_tensor *v[VALUES] = {check_data(es, type, ES_SHAPE(3, 5), (unsigned)pick(99)),
                            check_data(es, type, ES_SHAPE(5, 3), (unsigned)pick(99))};
    int n = 2, count = 3 + pick(VALUES - 4);
    for (; n < count; n++) v[n] = statement(es, text, v, n);
    int wanted[3] = {n - 1, pick(n), pick(n)};
    char last[64];
    snprintf(last, sizeof last, "v%d, v%d, v%d", wanted[0], wanted[1], wanted[2]);
    strcat(text, last);
    es_tensor *out[3];
    es_status status = es_program(es, text, NAMES("x", "y"), ES_IN(v[0], v[1]), NULL, out, 3);
    cr_assert_eq(status, ES_OK, "%s\n%s", es_error_text(es), text);
    for (int i = 0; i < 3; i++) same_bits(es, out[i], v[wanted[i]]);
    es_scope_pop(es);
  }
  es_ctx_destroy(es);
}

/* Whoever does not ask why learns of a failure all the same. */
Test(program, fails_without_an_error_to_fill) {
  static const char *const bad[] = {"h = x: i (j -> i",
                                    "y = nope(x)",
                                    "y = x / 0 +",
                                    "a, b = x",
                                    "y = softmax(x, n=1)",
                                    "y = [x: i ->",
                                    "y = softmax(x, dim=0.5)",
                                    "_y = x",
                                    ""};
  es_ctx *ctx = es_ctx_create(NULL);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    cr_assert_null(es_expr_parse(ctx, ES_KIND_PROGRAM, bad[i], strlen(bad[i]), ES_READ_AUTO, NULL),
                   "'%s'", bad[i]);
  static const char text[] = "y = x: i j, w: j k -> i k\nz = y + w";
  const int64_t shape[] = {2, 3}, other[] = {3, 4};
  const es_array in[] = {{.dtype = ES_F32, .rank = 2, .shape = shape},
                         {.dtype = ES_F32, .rank = 2, .shape = other},
                         {.dtype = ES_F32, .rank = 2, .shape = shape}};
  es_expr *e = es_expr_parse(ctx, ES_KIND_PROGRAM, text, strlen(text), ES_READ_AUTO, NULL);
  cr_assert(e);
  for (int64_t n = -1; n <= 3; n++)
    cr_assert_null(es_plan_make(ctx, e, in, n, NULL, NULL, NULL), "%lld operands", (long long)n);
  es_expr_release(e);
  es_ctx_destroy(ctx);
}

/* A statement goes on to the next line where a bracket is open. */
Test(program, lines_end_no_bracket) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_F32, ES_SHAPE(6));
  es_tensor *whole = run_one(es, "y = (x + 2) * maximum(x, 3)", NAMES("x"), ES_IN(x), NULL);
  same_bits(es, run_one(es, "y = (x\n +\r\n 2\n)\n\n", NAMES("x"), ES_IN(x), NULL),
            run_one(es, "y = x + 2", NAMES("x"), ES_IN(x), NULL));
  same_bits(
      es, run_one(es, "y = (x +\n\t2) * maximum(\nx, # the larger\n3)", NAMES("x"), ES_IN(x), NULL),
      whole);
  cr_assert_null(run_one(es, "y = x\n+ 2", NAMES("x"), ES_IN(x), NULL));
  es_ctx_destroy(es);
}

/* Equal values are one node and unequal ones are not, also where so many are kept that unlike
 * ones share each place of the table that finds them. */
Test(program, equal_values_are_one_node) {
  enum { N = 130, FORMS = 7 };
  static const char *const forms[FORMS] = {"x%d",  "x%d+x0", "[x%d: i ->]", "[x%d: i, x0: i -> i]",
                                           "%d.5", "x0*%d",  "x0*%d.0"};
  static char text[2 * N * FORMS * 32];
  size_t len = 0;
  es_allocator allocator = es_allocator_default();
  for (int times = 0; times < 2; times++) {
    for (int i = 0; i < N * FORMS; i++) {
      text[len++] = 'y', text[len++] = '=';
      len += (size_t)snprintf(text + len, 30, forms[i % FORMS], i / FORMS);
      text[len++] = '\n';
    }
    es_arena arena;
    es_graph *program;
    es_error error;
    es_arena_init(&arena, &allocator);
    cr_assert_eq(es_program_parse(&arena, text, len, ES_READ_AUTO, &program, &error), ES_OK, "%s",
                 error.message);
    cr_assert_eq(program->n, N * (FORMS + 2), "%d nodes", program->n); /* each number is one */
    es_arena_free(&arena);
  }
}

/* A formula with the sizes that bytes_in_names gives its names. */
static double value_of(const char *formula) {
  static const struct {
    const char *name;
    double size;
  } sizes[] = {{"b", 2},          {"c", 3},          {"o", 4},
               {"x.shape[0]", 2}, {"x.shape[1]", 3}, {"g.shape[0]", 4}};
  double sum = 0;
  char copy[256], *plus, *rest = copy;
  snprintf(copy, sizeof copy, "%s", formula);
  do {
    double product = 1;
    plus = strstr(rest, " + ");
    if (plus) *plus = 0;
    for (char *dot; rest; rest = dot ? dot + strlen("·") : NULL) {
      double factor = strtod(rest, NULL);
      dot = strstr(rest, "·");
      if (dot) *dot = 0;
      for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!strcmp(rest, sizes[i].name)) factor = sizes[i].size;
      cr_assert_gt(factor, 0, "%s in %s", rest, formula);
      product *= factor;
    }
    sum += product;
    rest = plus ? plus + strlen(" + ") : NULL;
  } while (rest);
  return sum;
}

/* What elementwise steps, and those by rows, read and write is told in names: of a pattern before
 * or behind them, else of the input whose axis it is; the 4 bytes are the 0 of relu. */
Test(program, bytes_in_names) {
  static const struct {
    const char *text, *bytes, *peak, *largest;
  } row[] = {
      {"h = relu([x: b c, w: o c -> b o])\ny = h: b o -> b | max",
       "4·b·c + 4·o·c + 16·b·o + 4·b + 4", "4·b·o", "b·o"},
      {"h = x: b c, w: o c -> b o\ny = softmax(h) * h + h", "4·b·c + 4·o·c + 28·b·o", "8·b·o",
       "b·o"},
      {"h = x: b c, w: o c -> b o\ny = layer_norm(h, g)", "4·b·c + 4·o·c + 12·b·o + 4·o", "4·b·o",
       "b·o"},
      {"y = relu(x)", "8·x.shape[0]·x.shape[1] + 4", "0", "0"},
      {"t = relu(x)\ny = t: b c, w: o c -> b o", "12·b·c + 4·o·c + 4·b·o + 4", "4·b·c", "b·c"},
      {"u = x: b c -> (c b)\ny = u + u", "16·b·c", "4·c·b", "b·c"},
      {"y = [x: b c -> b c 1] * g", "4·b·c + 4·g.shape[0] + 4·b·c·g.shape[0]", "0", "0"},
      {"t = [x: b c -> b c 1] * g\ny = t: b c o -> c | max", "4·b·c + 4·o + 8·b·c·o + 4·c",
       "4·b·c·o", "b·c·o"},
      {"y = [x: b c -> b] * [g: o -> o 1]", "4·b·c + 8·b + 4·o + 4·o·b", "4·b", "b"},
  };
  es_ctx *es = es_ctx_create(NULL);
  const es_array in[] = {ARRAY(2, 3), ARRAY(4, 3), ARRAY(4)}, *const g = in + 2;
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    bool weighs = strstr(row[i].text, "w:"), scales = strchr(row[i].text, 'g');
    const es_array some[] = {in[0], weighs ? in[1] : *g, *g};
    int64_t n = 1 + weighs + scales;
    es_plan *plan = plan_of(es, row[i].text, some, n, NULL);
    char text[256];
    es_plan_bytes_formula(plan, text, sizeof text);
    cr_assert_str_eq(text, row[i].bytes, "%s: %s", row[i].text, text);
    cr_assert_float_eq(value_of(text), es_plan_bytes(plan), 0, "%s: %s", row[i].text, text);
    double bytes;
    es_plan_peak(plan, &bytes, text, sizeof text);
    cr_assert_str_eq(text, row[i].peak, "%s: %s", row[i].text, text);
    if (bytes > 0) cr_assert_float_eq(value_of(text), bytes, 0, "%s: %s", row[i].text, text);
    es_plan_largest(plan, NULL, text, sizeof text);
    cr_assert_str_eq(text, row[i].largest, "%s: %s", row[i].text, text);
    es_plan_release(plan);
  }
  es_ctx_destroy(es);
}
