/* Random expressions of the whole grammar against the oracle, on exact integers: what the
 * planner chooses, then every strategy that applies, on every vector width, with 1, 2, 3
 * and 7 threads, compared to the bit.
 *
 *   differential [COUNT] [SEED]             compares COUNT expressions
 *   differential --write FILE COUNT [SEED]  writes expressions with results, a line of JSON
 *                                           each, for tests/suites/differential.py */
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "tests/suites/suite.h"
#include "tests/support/expressions.h"

enum { ISAS = 3, THREADS = 4, MOST_POINTS = 4000, MOST_POINTS_LONG = 200000 };
static const es_isa isas[ISAS] = {ES_ISA_V64, ES_ISA_V32, ES_ISA_V16};
static const int thread_counts[THREADS] = {1, 2, 3, 7};

typedef struct trial {
  es_ctx *ctx[ISAS][THREADS]; /* NULL: not on this processor */
  expr_maker maker;
  expr_meaning meaning;
  expr_tally tally; /* of the planner's choice */
  long long runs;
} trial;

/* A crash tells what it was about. */
static const expr_maker *current;
static void crashed(int signal) {
  (void)signal;
  fprintf(stderr, "crashed on '%s':", current->text);
  for (int i = 0; i < current->n_in; i++) {
    fprintf(stderr, " %s(", es_dtype_name(current->dtype[i]));
    for (int a = 0; a < current->in[i].rank; a++)
      fprintf(stderr, "%s%lld", a ? ", " : "", (long long)current->in[i].shape[a]);
    fputs(")", stderr);
  }
  for (int i = 0; current->sizes[i].name; i++)
    fprintf(stderr, " %s=%lld", current->sizes[i].name, (long long)current->sizes[i].size);
  fprintf(stderr, ", strategy %s\n", current->strategy ? current->strategy : "chosen");
  _exit(1);
}

static void make_contexts(trial *t) {
  for (int i = 0; i < ISAS; i++)
    for (int k = 0; k < THREADS; k++) {
      es_ctx *ctx = es_ctx_create(&(es_config){.threads = thread_counts[k]});
      REQUIRE(ctx, "no memory for a context");
      if (es_set_isa(ctx, isas[i]) != ES_OK) es_ctx_destroy(ctx), ctx = NULL;
      t->ctx[i][k] = ctx;
    }
}

/* The widest there is, with one thread; operands live there. */
static es_ctx *home_of(const trial *t) {
  for (int i = 0; i < ISAS; i++)
    if (t->ctx[i][0]) return t->ctx[i][0];
  return NULL;
}

static bool next(trial *t) {
  while (!expr_make(&t->maker)) continue;
  double most = expr_roll(&t->maker, 20) ? MOST_POINTS : MOST_POINTS_LONG;
  bool understood = expr_understand(&t->maker, most, &t->meaning, &t->tally);
  REQUIRE(!t->tally.why[0], "%s", t->tally.why);
  return understood;
}

/* False: the strategy does not apply. */
static bool run(trial *t, es_ctx *ctx, es_tensor *const *in, const char *strategy, expr_tally *y) {
  t->maker.strategy = strategy;
  es_scope_push(ctx);
  es_tensor *got = expr_run(ctx, &t->maker, in);
  bool applies = !(strategy && es_ctx_error(ctx)->status == ES_E_UNSUPPORTED);
  if (applies)
    REQUIRE(expr_judge(ctx, &t->maker, &t->meaning, got, y),
            "strategy %s, width %d, %d threads: %s", strategy ? strategy : "chosen",
            (int)es_isa_used(ctx), es_threads(ctx), y->why);
  es_clear_error(ctx);
  es_scope_pop(ctx);
  return applies;
}

static void everywhere(trial *t, es_tensor *const *in, const char *strategy) {
  static expr_tally unused;
  for (int i = 0; i < ISAS; i++)
    for (int k = 0; k < THREADS && t->ctx[i][k]; k++) {
      if (!run(t, t->ctx[i][k], in, strategy, &unused)) break;
      t->runs++;
    }
}

static void one(trial *t) {
  if (next(t)) {
    es_ctx *home = home_of(t);
    es_tensor *in[EXPR_OPERANDS];
    es_scope_push(home);
    expr_operands(home, &t->maker, in);
    run(t, home, in, NULL, &t->tally);
    everywhere(t, in, NULL);
    for (int s = 0; es_strategy_name(s); s++) everywhere(t, in, es_strategy_name(s));
    es_scope_pop(home);
  }
  expr_forget(&t->meaning);
}

/* ---- lines for other programs ------------------------------------------------------------ */

static void write_list(FILE *f, const char *name, int64_t n, const int64_t *whole,
                       const double *values) {
  fprintf(f, "\"%s\": [", name);
  for (int64_t i = 0; i < n; i++) {
    if (i) fputs(", ", f);
    if (whole)
      fprintf(f, "%lld", (long long)whole[i]);
    else if (isnan(values[i]))
      fputs("NaN", f);
    else
      fprintf(f, "%.17g", values[i]);
  }
  fputs("]", f);
}

static void write_line(FILE *f, es_ctx *ctx, const expr_maker *m, const es_tensor *got) {
  static double values[EXPR_VALUES];
  es_read(ctx, got, ES_F64, values, es_size(got));
  fprintf(f, "{\"text\": \"%s\", \"letters\": %s, \"type\": \"%s\", \"sizes\": {", m->text,
          m->letters ? "true" : "false", es_dtype_name(es_dtype_of(got)));
  for (int i = 0; m->sizes[i].name; i++)
    fprintf(f, "%s\"%s\": %lld", i ? ", " : "", m->sizes[i].name, (long long)m->sizes[i].size);
  fputs("}, \"in\": [", f);
  for (int i = 0; i < m->n_in; i++) {
    int64_t count = 1;
    for (int a = 0; a < m->in[i].rank; a++) count *= m->in[i].shape[a];
    fputs(i ? ", {" : "{", f);
    write_list(f, "shape", m->in[i].rank, m->in[i].shape, NULL);
    fputs(", ", f);
    write_list(f, "values", count, NULL, m->values[i]);
    fputs("}", f);
  }
  fputs("], ", f);
  write_list(f, "shape", es_rank(got), es_shape(got), NULL);
  fputs(", ", f);
  write_list(f, "values", es_size(got), NULL, values);
  fputs("}\n", f);
}

/* Of those that have a result; errors are the oracle's affair. */
static bool write_one(trial *t, FILE *f) {
  es_ctx *ctx = home_of(t);
  es_scope_push(ctx);
  t->maker.strategy = NULL;
  es_tensor *got = next(t) && t->meaning.exact ? expr_compute(ctx, &t->maker) : NULL;
  if (got) write_line(f, ctx, &t->maker, got);
  es_clear_error(ctx);
  es_scope_pop(ctx);
  expr_forget(&t->meaning);
  return got;
}

static void write_lines(trial *t, const char *path, long long count) {
  FILE *f = fopen(path, "w");
  REQUIRE(f, "%s cannot be written", path);
  for (long long n = 0; n < count;) n += write_one(t, f);
  REQUIRE(fclose(f) == 0, "%s cannot be written", path);
}

int main(int argc, char **argv) {
  bool writes = argc > 2 && !strcmp(argv[1], "--write");
  int arg = writes ? 3 : 1;
  long long wanted = suite_count(argc, argv, arg, 2500);
  trial *t = calloc(1, sizeof *t);
  REQUIRE(t, "no memory");
  make_contexts(t);
  current = &t->maker;
  signal(SIGSEGV, crashed);
  t->maker.state = (uint64_t)suite_count(argc, argv, arg + 1, 20261121);
  double start = suite_seconds();
  if (writes) write_lines(t, argv[2], wanted);
  while (!writes && t->tally.compared < wanted) one(t);
  const expr_tally *y = &t->tally;
  if (!writes)
    printf("%lld expressions compared in %lld runs, %lld elements each time; %lld leave their "
           "axis, %lld empty, %lld overflow, %lld skipped; %.0f s\n",
           (long long)y->compared, t->runs, (long long)y->elements, (long long)y->leaves,
           (long long)y->empty, (long long)y->overflow, (long long)y->skipped,
           suite_seconds() - start);
  for (int i = 0; i < ISAS; i++)
    for (int k = 0; k < THREADS; k++) es_ctx_destroy(t->ctx[i][k]);
  free(t);
  return 0;
}
