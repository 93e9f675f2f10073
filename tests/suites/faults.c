/* Every allocation of many scenarios fails, alone and with all that follow it. Whatever is
 * refused: arguments stay as they were, a result is right or there is none, the error is
 * ES_E_NOMEM, nothing leaks, and the same call succeeds as soon as there is memory.
 *
 *   faults [EACH]   takes every EACH-th scenario; 1, the whole, by default */
#include <glob.h>

#include "einstride/io.h"
#include "einstride/layers.h"
#include "repl/commands/run.h"
#include "repl/commands/table.h"
#include "repl/functions/all.h"
#include "tests/suites/suite.h"
#include "tests/support/alloc.h"
#include "tests/support/cases.h"
#include "tests/support/expressions.h"
#include "tests/support/files.h"

enum { REPORT = 1 << 16 };

/* How the context is used besides. */
typedef enum use { COLD, WARM, LOOPS, THREADS, TIGHT, USES } use;
static const char *const use_names[USES] = {"cold", "warm", "loops", "2 threads", "little memory"};

typedef struct scene {
  const char *name; /* for messages */
  const void *subject;
  es_ctx *ctx;
  use use;
  case_run run; /* its operands and results are those of any scenario */
  int n_in, n_out;
} scene;

typedef enum outcome { RIGHT, WRONG, REFUSED } outcome;

typedef struct kind {
  void (*prepare)(scene *s); /* memory is there */
  void (*act)(scene *s);     /* allocations fail */
  bool (*right)(scene *s);   /* memory is there again; else s->run.report */
} kind;

static struct { long long scenarios, failures; } tally;

/* ---- rows of cases, through the tensor door ------------------------------------------------ */

static void prepare_row(scene *s) {
  s->run.row = s->subject;
  cases_operands(&s->run);
  s->n_in = s->run.row->n_in;
  s->n_out = s->run.row->n_out;
}
static bool told_right;
static void act_row(scene *s) {
  memset(s->run.out, 0, sizeof s->run.out);
  told_right = cases_call(&s->run);
}
static bool right_row(scene *s) { return told_right && cases_judge(&s->run, s->name); }
static const kind row_kind = {prepare_row, act_row, right_row};

/* ---- the same through the plan door, with all a plan can tell ---------------------------------
 */

static char plan_text[1 << 15];
static es_error plan_error;
static bool plan_made;

static void explain(const es_plan *plan) {
  es_plan_print(plan, plan_text, sizeof plan_text);
  es_plan_formula(plan, plan_text, sizeof plan_text);
  for (int f = ES_EXPLAIN_TEXT; f <= ES_EXPLAIN_SVG; f++)
    es_plan_explain(plan, (es_explain_format)f, NULL, plan_text, sizeof plan_text);
}

static void act_plan(scene *s) {
  const case_row *row = s->subject;
  es_array in[CASE_MAX_TENSORS];
  es_options options = row->options;
  options.sizes = row->sizes;
  for (int i = 0; i < row->n_in; i++) in[i] = cases_described(s->run.in[i]);
  plan_error = (es_error){.status = ES_OK};
  size_t len = strlen(row->text);
  es_expr *expr = es_expr_parse(s->ctx, row->kind, row->text, len, row->options.reading,
                                &plan_error);
  es_plan *plan = expr ? es_plan_make(s->ctx, expr, in, row->n_in, NULL, &options, &plan_error)
                       : NULL;
  if (expr) es_expr_print(expr, plan_text, sizeof plan_text);
  if (plan) explain(plan);
  plan_made = plan;
  es_error unused;
  es_dump(s->ctx, row->kind, row->text, in, row->n_in, &options, NULL, plan_text, sizeof plan_text,
          &unused);
  es_plan_release(plan);
  es_expr_release(expr);
}
static bool right_plan(scene *s) {
  if (plan_made || ((const case_row *)s->subject)->error) return true;
  snprintf(s->run.report, s->run.cap, "%s", plan_error.message);
  return false;
}
static void prepare_plan(scene *s) {
  prepare_row(s);
  s->n_out = 0;
}
static const kind plan_kind = {prepare_plan, act_plan, right_plan};

/* ---- random expressions ------------------------------------------------------------------------
 */

typedef struct random_expression {
  expr_maker maker;
  expr_meaning meaning;
} random_expression;

static void prepare_random(scene *s) {
  const random_expression *e = s->subject;
  expr_operands(s->ctx, &e->maker, s->run.in);
  s->n_in = e->maker.n_in;
  s->n_out = 1;
}
static void act_random(scene *s) {
  const random_expression *e = s->subject;
  s->run.out[0] = expr_run(s->ctx, &e->maker, s->run.in);
}
static bool right_random(scene *s) {
  const random_expression *e = s->subject;
  static expr_tally t;
  bool right = expr_judge(s->ctx, &e->maker, &e->meaning, s->run.out[0], &t);
  if (!right) snprintf(s->run.report, s->run.cap, "%s", t.why);
  return right;
}
static const kind random_kind = {prepare_random, act_random, right_random};

/* ---- the examples of all layers, as scripts
 * ------------------------------------------------------ */

static es_status script_status;
static char script_text[4096];

static void prepare_script(scene *s) {
  const es_op *op = s->subject;
  size_t n = 0;
  for (const char *at = op->example; *at && n + 1 < sizeof script_text; at++)
    script_text[n++] = *at == ';' ? '\n' : *at;
  script_text[n] = 0;
  s->n_in = s->n_out = 0;
}
/* The session has a context of its own, over the same allocator. */
static es_config script_config;
static void act_script(scene *s) {
  sc_runner r = {.commands = sc_all_commands, .json = true}; /* then errors go to stdout too */
  script_status = ES_E_NOMEM;
  if (!sc_session_open(&r.session, sc_all_functions, &script_config)) return;
  r.session.out = stdout;
  sc_source source = {
      .name = "<faults>", .text = script_text, .len = strlen(script_text), .first_line = 1};
  sc_run(&r, &source);
  script_status = r.status;
  sc_runner_close(&r);
  (void)s;
}
static bool right_script(scene *s) {
  if (script_status == ES_OK) return true;
  snprintf(s->run.report, s->run.cap, "%s", es_status_name(script_status));
  return false;
}
static const kind script_kind = {prepare_script, act_script, right_script};

/* ---- files
 * ---------------------------------------------------------------------------------------- */

static const char *const file_names[] = {
    "x.npy", "memory",
#ifdef ES_HAVE_ZLIB
    "x.npz", "stored.npz",
#endif
#ifdef ES_HAVE_PNG
    "x.png",
#endif
};
enum { FILES = sizeof file_names / sizeof *file_names };

static void prepare_file(scene *s) {
  static const int64_t shape[] = {5, 7};
  s->run.in[0] = es_ramp(s->ctx, ES_U8, 2, shape);
  s->n_in = s->n_out = 1;
}
static void act_file(scene *s) {
  static char bytes[4096];
  const char *name = s->subject, *entry = "x", *names[2];
  const char *path = test_scratch(name);
  es_tensor **out = s->run.out;
  out[0] = NULL;
  if (strstr(name, ".npz")) {
    bool compress = name[0] == 'x';
    if (es_save_npz(s->ctx, path, &entry, s->run.in, 1, compress) == ES_OK)
      es_load_npz(s->ctx, path, names, out, 1);
  } else if (strchr(name, '.')) {
    if (es_save(s->ctx, path, s->run.in[0]) == ES_OK) out[0] = es_load(s->ctx, path);
  } else {
    size_t n = es_npy_write(s->ctx, s->run.in[0], bytes, sizeof bytes);
    if (n) out[0] = es_npy_read(s->ctx, bytes, n);
  }
}
static bool right_file(scene *s) {
  const es_tensor *t = s->run.out[0];
  bool right = t && es_size(t) == 35 && !memcmp(es_data(t), es_data(s->run.in[0]), 35);
  if (!right) snprintf(s->run.report, s->run.cap, "%s", es_error_text(s->ctx));
  return right;
}
static const kind file_kind = {prepare_file, act_file, right_file};

/* ---- one trial
 * ---------------------------------------------------------------------------------------- */

static uint64_t checksum(const scene *s) {
  uint64_t sum = 1469598103934665603u; /* FNV-1a */
  for (int i = 0; i < s->n_in; i++) {
    const es_tensor *t = s->run.in[i];
    const unsigned char *bytes = es_data(t);
    size_t n = (size_t)es_size(t) * es_dtype_size(es_dtype_of(t));
    /* Transposed operands are dense too. */
    for (size_t k = 0; k < n; k++) sum = (sum ^ bytes[k]) * 1099511628211u;
    for (int k = 0; k < es_rank(t); k++) sum = (sum ^ (uint64_t)es_shape(t)[k]) * 1099511628211u;
  }
  return sum;
}

static bool no_result(const scene *s) {
  for (int i = 0; i < s->n_out; i++)
    if (s->run.out[i]) return false;
  return true;
}

/* Right, or refused for want of memory and without a result. An error that the row is
 * about keeps its sentence, but may go without the text that it speaks of. */
static outcome judge(const kind *k, scene *s, bool injected) {
  es_status status = es_ctx_error(s->ctx)->status;
  const case_row *row = k == &row_kind ? s->subject : NULL;
  if (injected && row && row->error && status != ES_OK)
    return !strncmp(es_ctx_error(s->ctx)->rule, row->rule, sizeof row->rule) ? RIGHT : REFUSED;
  bool refused = status == ES_E_NOMEM || (k == &plan_kind && plan_error.status == ES_E_NOMEM) ||
                 (k == &script_kind && script_status == ES_E_NOMEM);
  if (injected && refused) {
    snprintf(s->run.report, s->run.cap, "a result beside an error");
    return no_result(s) ? REFUSED : WRONG;
  }
  return k->right(s) ? RIGHT : WRONG;
}

static es_ctx *open_context(test_alloc *alloc, use how) {
  es_config config = {.allocator = test_alloc_hooks(alloc),
                      .threads = how == THREADS ? 2 : 1,
                      .max_bytes = how == TIGHT ? 1 << 20 : 1 << 30};
  script_config = config;
  es_ctx *ctx = es_ctx_create(&config);
  REQUIRE(ctx, "no memory for a context");
  if (how == LOOPS) es_set_strategy(ctx, "loops");
  return ctx;
}

static void act(const kind *k, scene *s) {
  es_clear_error(s->ctx);
  memset(s->run.out, 0, sizeof s->run.out);
  k->act(s);
}

/* False: the scenario makes fewer than nth allocations. */
static bool trial(const kind *k, scene *s, int64_t nth, bool after) {
  static char report[REPORT];
  test_alloc alloc;
  test_alloc_init(&alloc);
  s->ctx = open_context(&alloc, s->use);
  s->run = (case_run){.ctx = s->ctx, .report = report, .cap = sizeof report};
  k->prepare(s);
  REQUIRE(es_ctx_error(s->ctx)->status == ES_OK, "%s: operands: %s", s->name,
          es_error_text(s->ctx));
  uint64_t before = checksum(s);
  if (s->use == WARM) act(k, s);
  test_alloc_fail(&alloc, nth, after);
  act(k, s);
  test_alloc_obey(&alloc);
  bool injected = alloc.failed > 0;
#define WHERE "'%s', %s, allocation %lld%s: "
#define AT s->name, use_names[s->use], (long long)nth, after ? " and on" : ""
  REQUIRE(judge(k, s, injected) != WRONG, WHERE "%s", AT, report);
  REQUIRE(checksum(s) == before, WHERE "an argument changed", AT);
  act(k, s);
  REQUIRE(judge(k, s, false) == RIGHT, WHERE "the retry: %s", AT, report);
  es_ctx_destroy(s->ctx);
  REQUIRE(alloc.blocks == 0, WHERE "%lld blocks leak", AT, (long long)alloc.blocks);
  REQUIRE(alloc.defects == 0, WHERE "sizes or guards are wrong", AT);
  tally.failures += alloc.failed > 0;
  return injected;
}

static int each = 1, next;

static void scenario(const kind *k, const char *name, const void *subject, use how) {
  if (next++ % each) return;
  scene s = {.name = name, .subject = subject, .use = how};
  for (int after = 0; after < 2; after++)
    for (int64_t nth = 1; trial(k, &s, nth, after); nth++) continue;
  tally.scenarios++;
}

/* ---- all of them
 * ------------------------------------------------------------------------------------------ */

static bool planned(const case_row *row) {
  return row->n_out <= 1 && row->kind < ES_KIND_PACK && !row->error;
}

static void rows_of(const char *path) {
  case_file file;
  REQUIRE(cases_read(path, &file), "%s is no case file", path);
  for (int i = 0; i < file.n; i++) {
    const case_row *row = &file.rows[i];
    bool called = row->kind != ES_KIND_REARRANGE || row->n_in == 1; /* joins have no call */
    for (use u = COLD; called && u <= LOOPS; u++)
      if (u != LOOPS || (!row->error && row->n_out && !row->out[0].view))
        scenario(&row_kind, row->text, row, u);
    if (called && i % 4 == 0) scenario(&row_kind, row->text, row, THREADS);
    if (planned(row)) scenario(&plan_kind, row->text, row, COLD);
  }
  es_arena_free(&file.arena);
}

static void all_rows(void) {
  glob_t paths;
  REQUIRE(glob(ES_SOURCE_DIR "/tests/cases/*.test", 0, NULL, &paths) == 0, "no cases");
  for (size_t i = 0; i < paths.gl_pathc; i++) rows_of(paths.gl_pathv[i]);
  globfree(&paths);
  rows_of(ES_SOURCE_DIR "/docs/GRAMMAR.md");
}

static void random_ones(int count) {
  static random_expression e;
  static expr_tally t;
  e.maker.state = 5;
  while (count > 0) {
    while (!expr_make(&e.maker)) continue;
    e.maker.strategy = NULL;
    if (expr_understand(&e.maker, 4000, &e.meaning, &t)) {
      scenario(&random_kind, e.maker.text, &e, count % 2 ? COLD : TIGHT);
      count--;
    }
    expr_forget(&e.meaning);
  }
}

int main(int argc, char **argv) {
  each = (int)suite_count(argc, argv, 1, 1);
  REQUIRE(each > 0, "every which scenario?");
  /* Scripts print what they compute, or why not. */
  REQUIRE(freopen("/dev/null", "w", stdout), "no /dev/null");
  double start = suite_seconds();
  all_rows();
  random_ones(400);
  for (use u = COLD; u < USES; u++)
    for (size_t i = 0; i < FILES; i++) scenario(&file_kind, file_names[i], file_names[i], u);
  for (int i = 0; i < es_op_count(); i++)
    scenario(&script_kind, es_op_at(i)->name, es_op_at(i), i % 2 ? COLD : THREADS);
  fprintf(stderr, "%lld scenarios, %lld allocations failed; %.0f s\n", tally.scenarios,
          tally.failures, suite_seconds() - start);
  return 0;
}
