/* The parts of the prompt that need no terminal: pasted text, hints, completion. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "repl/functions/all.h"
#include "repl/language/eval.h"
#include "repl/language/variables.h"
#include "repl/terminal/complete.h"
#include "repl/terminal/hint.h"
#include "repl/terminal/paste.h"

/* ---- pasted text ----------------------------------------------------------------------- */

Test(paste, prompts_and_output_are_left_out) {
  static const struct {
    const char *pasted, *kept;
  } rows[] = {
      {"$ einstride --threads 1\n>>> 1 + 1\n2\n", "1 + 1"},
      {"$ x = (1,\n... 2)\n$ x\n(1, 2)\n", "x = (1,\n2)\nx"},
      {"x = 1\ny = 2\n\n", "x = 1\ny = 2"},
      {">>> x = (1,\n... 2)\n>>> x\n(1, 2)\n", "x = (1,\n2)\nx"},
      {"In [3]: x = 1\n   ...: y = 2\n\nIn [4]: x\nOut[4]: 1\n\nIn [5]: y", "x = 1\ny = 2\n\nx\ny"},
      {"In [3]:\nx = 1\ny\nOut[3]: 2\n", "\nx = 1\ny"},
      {"x[..., 0]\n... + 1", "x[..., 0]\n... + 1"},
      {"a\r\nb\rc", "a\nb\nc"},
      {"\tx\033[31m = 1\a", "  x[31m = 1"},
      {">>>", ""},
      {"", ""},
      {"In [x]: 1", "In [x]: 1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    sc_buffer out = {0};
    sc_paste_clean(rows[i].pasted, strlen(rows[i].pasted), &out);
    cr_assert_str_eq(sc_text(&out), rows[i].kept);
    sc_buffer_free(&out);
  }
}

/* ---- a session to ask about --------------------------------------------------------------- */

static sc_session session;
static sc_hint hint;

static void run(const char *text) {
  sc_parser parser;
  sc_arena arena = {0};
  sc_outcome outcome;
  sc_parser_start(&parser, &arena, text, strlen(text));
  for (sc_node *node; (node = sc_parse_statement(&parser)) != NULL;) {
    cr_assert(sc_statement_begin(&session));
    cr_assert(sc_run_statement(&session, node, &outcome), "%s", session.fault.error.message);
    sc_statement_end(&session);
  }
  sc_arena_free(&arena);
}

static void set_up(void) {
  cr_assert(sc_session_open(&session, sc_all_functions,
                            &(es_config){.threads = 1, .max_bytes = 1 << 26}));
  run("x = einsum('b c h w -> b c h w', zeros(2, 3, 8, 8)); w = ones(4, 3, 3, 3)");
  run("n = 3; pair = (x, 'a'); image = zeros(4, 6)");
}

static void tear_down(void) {
  sc_hint_close(&hint);
  sc_session_close(&session);
}

/* ---- hints ----------------------------------------------------------------------------------- */

Test(hint, says_what_a_line_gives, .init = set_up, .fini = tear_down) {
  static const struct {
    const char *line, *hint;
    bool error;
  } rows[] = {
      {"einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', x, w)", "f32[b:2 o:4 h:6 w:6]", false},
      {"y = einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', x, w", "f32[b:2 o:4 h:6 w:6]", false},
      {"a = x + 1; a[0", "f32[3 8 8]", false},
      {"relu(x)", "f32[b:2 c:3 h:8 w:8]", false},
      {"n * 4", "12", false},
      {"12", "", false},
      {"x.shape", "(2, 3, 8, 8)", false},
      {"pair", "(f32[b:2 c:3 h:8 w:8], 'a')", false},
      {"zeros(1000, 1000, 1000)", "needs 4000000000 bytes", true},
      {"einsum('b c -> b', x)", "operand 0 has 4 axes", true},
      {"einsum('b c -> b', x", "einsum(operands", false}, /* not finished: how it is called */
      {"conv2d(x, ", "conv2d(input, weight, bias=None", false},
      {"nosuchname", "", false}, /* may still become a name */
      {"nosuchname + 1", "the name 'nosuchname' is not defined", true},
      {"x.sum().item()", "", false}, /* needs values */
      {"save('/nonexistent/x.npy', x)", "", false},
      {"print(x)", "", false},
      {"x[0] = 7", "", false},
      {"1 +", "", false},
      {"# x", "", false},
      {".vars", "the variables", false},
      {".set ", "limits, threads", false},
      {".set precise o", "einsum adds up in f64 and rounds once: on or off", false},
      {"x.cumsum ", "write einsum('(i-j)?0, j -> i'", true},
      {"np.sort(x) ", "write save('x.npy', x)", true},
      {"x[0] += 1", "", false},
      {"n += 1", "4", false},
      {"{'a': x, 'b': 1} ", "{'a': f32[b:2 c:3 h:8 w:8], 'b': 1}", false},
      {"'unclosed", "", false},
      {"\"\xff\"", "", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    sc_buffer out = {0};
    bool error = sc_hint_of(&hint, &session, rows[i].line, strlen(rows[i].line), &out);
    const char *found = sc_text(&out), *wanted = rows[i].hint;
    cr_assert(*wanted ? !strncmp(found, wanted, strlen(wanted)) || strstr(found, wanted) : !*found,
              "'%s' hints at '%s'", rows[i].line, found);
    cr_assert_eq(error, rows[i].error, "'%s' hints at '%s'", rows[i].line, found);
    sc_buffer_free(&out);
  }
  /* The session is what it was: hints assign and print nothing. */
  cr_assert_null(sc_variable_get(&session, "y"));
  cr_assert_null(sc_variable_get(&session, "a"));
}

static double seconds_of_hint(const char *line) {
  struct timespec a, b;
  sc_buffer out = {0};
  clock_gettime(CLOCK_MONOTONIC, &a);
  sc_hint_of(&hint, &session, line, strlen(line), &out);
  clock_gettime(CLOCK_MONOTONIC, &b);
  cr_assert(out.len, "no hint for '%s'", line);
  sc_buffer_free(&out);
  return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* 1 ms; wide for sanitizers and machines with other work. */
static const double KEY = 0.001 * 20;

Test(hint, costs_less_than_a_key, .init = set_up, .fini = tear_down) {
  static const char line[] =
      "y = relu(einsum('b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w', x, w) * 0.5 + 1); "
      "z = rearrange(y, 'b (g o) h w -> b (o g) h w', g=2); conv2d(z, ones(8, 4, 3, 3), "
      "padding=1), "
      "z.mean(axis=(2, 3)), softmax(z, dim=1)";
  double best = 1;
  for (int i = 0; i < 50; i++) best = fmin(best, seconds_of_hint(line));
  printf("a hint for %zu bytes of script: %.3f ms\n", sizeof line - 1, 1e3 * best);
  cr_assert_lt(best, KEY);
}

/* A ring of tensors with a leg each: no key waits for a search of the best order. */
Test(hint, costs_little_for_many_operands, .init = set_up, .fini = tear_down) {
  for (int n = 6; n <= 30; n += 4) {
    double best = 1;
    for (int i = 0; i < 10; i++) { /* other sizes: no plan is remembered */
      char line[4096] = "einsum('";
      for (int k = 0; k < n; k++)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%sr%d r%d p%d", k ? ", " : "", k,
                 (k + 1) % n, k);
      snprintf(line + strlen(line), sizeof line - strlen(line), " -> p0'");
      for (int k = 0; k < n; k++)
        snprintf(line + strlen(line), sizeof line - strlen(line), ", zeros(%d, %d, 2)", 2 + i,
                 2 + i);
      strcat(line, ")");
      best = fmin(best, seconds_of_hint(line));
    }
    printf("a hint for %d operands: %.3f ms\n", n, 1e3 * best);
    cr_assert_lt(best, KEY);
  }
}

/* ---- completion --------------------------------------------------------------------------------
 */

static bool offered(const sc_candidates *c, const char *name) {
  for (int i = 0; i < c->n; i++)
    if (!strcmp(c->text[i], name)) return true;
  return false;
}

Test(complete, offers_what_can_stand_there, .init = set_up, .fini = tear_down) {
  static const struct {
    const char *before, *offers, *hides;
    char after;
  } rows[] = {
      {"ima", "image", "x", 0},
      {"rearr", "rearrange", NULL, '('},
      {"np.eins", "np.einsum", NULL, '('},
      {"x.resh", "x.reshape", NULL, '('},
      {"x.sha", "x.shape", NULL, 0},
      {"torch.nn.func", "torch.nn.functional", NULL, 0},
      {"conv2d(x, w, str", "stride=", NULL, 0},
      {"einsum('batch chan -> ch", "chan", "ch", 0},
      {"rearrange(x, 'b (gr c) -> b gr c', gr", "gr=", NULL, 0},
      {".sa", ".save", "save", 0},
      {"?conv2d_w", "?conv2d_weight", NULL, 0},
      {"?win", "?windows", NULL, 0},
      {".help conv", "conv2d", NULL, 0},
      {".set pre", "precise", "prod", 0},
      {".set max-", "max-mem", NULL, 0},
      {".set precise o", "on", "ones", 0},
      {".set threads ", NULL, "on", 0},
      {".time ", "off", "x", 0},
      {".isa v", "v32", NULL, 0},
      {".save se", "session", NULL, 0},
      {".show ima", "image", NULL, 0},
      {".show image --s", "--svg", NULL, 0},
      {".show image --", "--png", "image", 0},
      {".diagram 'batch c -> ba", "batch", NULL, 0},
      {".plan 'a -> a', ima", "image", NULL, 0},
      {"import num", "numpy", NULL, 0},
      {"import ", "torch.nn", "image", 0},
      {"from einops import re", "rearrange", "relu", 0},
      {"x[n", "n", NULL, 0},
      {"'text ima", NULL, "image", 0},
      {"# ima", NULL, "image", 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *text = rows[i].before;
    sc_candidates found;
    size_t len = strlen(text), start = sc_word_start(text, len);
    sc_complete(&session, text, start, len, &found);
    if (rows[i].offers)
      cr_assert(offered(&found, rows[i].offers), "%s offers no %s", text, rows[i].offers);
    if (rows[i].hides)
      cr_assert(!offered(&found, rows[i].hides), "%s offers %s", text, rows[i].hides);
    if (found.n == 1) cr_assert_eq(found.after, rows[i].after, "%s", text);
    for (int k = 1; k < found.n; k++) cr_assert_lt(strcmp(found.text[k - 1], found.text[k]), 0);
    sc_candidates_free(&found);
  }
  static const char *const files[][2] = {
      {"x = np.load('", "some/fi"},   {".load ", "some/fi"},
      {".save session ", "fi"},       {".export c ", "some-fi.c"},
      {".show x[0] --png ", "a/b-c"}, {".explain 'a b -> a', x --svg ", ""}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char text[64];
    sc_candidates found;
    size_t start = strlen(files[i][0]);
    int len = snprintf(text, sizeof text, "%s%s", files[i][0], files[i][1]);
    cr_assert_eq(sc_word_start(text, (size_t)len), start, "%s", text);
    sc_complete(&session, text, start, (size_t)len, &found);
    cr_assert(found.files && found.n == 0, "%s", text);
    sc_candidates_free(&found);
  }
}
