/* Cancel and progress inside of a step: whatever the strategy, no step works for long
 * between two questions. */
#include <criterion/criterion.h>
#include <math.h>
#include <time.h>

#include "einstride.h"
#include "support/speed.h"

/* Builds for other ends than speed may take as long as they like. */
static const double allowed = TEST_SLACK == 1 ? 0.05 : INFINITY;

/* Processor time, so that a busy machine does not count. */
static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct watch {
  double last, longest; /* question, and pause between two */
  int asked, stop_at;   /* the question that is answered with yes; 0: none */
  int told;             /* reports of progress */
  double done, total;
} watch;

static bool ask(void *user) {
  watch *w = user;
  double now = seconds();
  w->longest = fmax(w->longest, now - w->last);
  w->last = now;
  return ++w->asked == w->stop_at;
}

static void tell(void *user, double done, double total) {
  watch *w = user;
  cr_assert_geq(done, w->done, "progress never goes back");
  cr_assert_leq(done, total);
  w->told++;
  w->done = done;
  w->total = total;
}

/* Each some tens of milliseconds, in one step or a few. */
static const struct {
  const char *text;
  es_dtype dtype;
  es_isa isa;
  int rank[2];
  int64_t shape[2][4];
} cases[] = {
    {"i k, k j -> i j", ES_F32, ES_ISA_AUTO, {2, 2}, {{1000, 1000}, {1000, 1000}}},
    {"i k, k j -> i j", ES_F32, ES_ISA_AUTO, {2, 2}, {{100000, 96}, {96, 64}}},
    {"i k, k j -> i j", ES_F32, ES_ISA_V16, {2, 2}, {{700, 700}, {700, 700}}},
    {"i k, k j -> i j", ES_I64, ES_ISA_V16, {2, 2}, {{500, 500}, {500, 500}}},
    {"i k, k j -> i j", ES_C128, ES_ISA_V32, {2, 2}, {{500, 400}, {400, 500}}},
    {"i k, k j -> i j", ES_F32, ES_ISA_AUTO, {2, 2}, {{8, 1000000}, {1000000, 8}}},
    {"b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w",
     ES_F32,
     ES_ISA_AUTO,
     {4, 4},
     {{2, 128, 56, 56}, {128, 128, 3, 3}}},
    {"b c (h+kh-1)?0 (w+kw-1)?0, c kh kw -> b c h w",
     ES_F32,
     ES_ISA_V16,
     {4, 3},
     {{2, 256, 56, 56}, {256, 3, 3}}},
    {"i k, k -> i", ES_F32, ES_ISA_V16, {2, 1}, {{20, 1000000}, {1000000}}},
    {"i k -> i", ES_F32, ES_ISA_V16, {2, 0}, {{20, 1000000}}},
    {"i k -> k", ES_F32, ES_ISA_V16, {2, 0}, {{20, 1000000}}},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct scene {
  es_ctx *es;
  es_tensor *in[2];
  int64_t n;
} scene;

static scene set(int i, watch *w) {
  scene s = {.n = cases[i].rank[1] ? 2 : 1};
  *w = (watch){.last = seconds()}; /* it is asked while the operands are made, too */
  s.es = es_ctx_create(&(es_config){.threads = 1, .cancel = ask, .progress = tell, .user = w});
  /* Not every processor has every width. */
  if (es_set_isa(s.es, cases[i].isa) != ES_OK) es_clear_error(s.es);
  for (int k = 0; k < s.n; k++)
    s.in[k] = es_full(s.es, cases[i].dtype, cases[i].rank[k], cases[i].shape[k],
                      cases[i].dtype == ES_I64 ? 1e9 : 1); /* 64 bits must be computed with */
  *w = (watch){.last = seconds()};
  return s;
}

static es_tensor *run(const scene *s, int i) {
  es_options options = {.reducer = ES_REDUCE_SUM, .wrap = cases[i].dtype == ES_I64};
  return es_einsum_into(s->es, cases[i].text, s->in, s->n, &options, NULL);
}

Test(cancel, is_asked_for_often) {
  for (int i = 0; i < CASES; i++) {
    watch w;
    scene s = set(i, &w);
    cr_assert(run(&s, i), "%s", es_error_text(s.es));
    ask(&w); /* the end of the run counts too */
    cr_assert_lt(w.longest, allowed, "case %d, %s: %g s between questions", i, cases[i].text,
                 w.longest);
    cr_assert_gt(w.asked, 2);
    cr_assert_eq(w.done, w.total);
    es_ctx_destroy(s.es);
  }
}

Test(cancel, ends_the_run_at_once) {
  for (int i = 0; i < CASES; i++) {
    watch w;
    scene s = set(i, &w);
    w.stop_at = 2;
    cr_assert_null(run(&s, i));
    cr_assert_eq(es_ctx_error(s.es)->status, ES_E_CANCELLED, "case %d", i);
    cr_assert_lt(seconds() - w.last, allowed, "case %d", i);
    es_clear_error(s.es);
    w.stop_at = 0;
    cr_assert(run(&s, i), "the context works on: %s", es_error_text(s.es));
    es_ctx_destroy(s.es);
  }
}

/* Elapsed time decides when to tell: a run that takes this long has been told of. */
Test(cancel, progress_is_told_within_a_step) {
  static const int64_t shape[] = {900, 900};
  watch w = {0};
  es_ctx *es = es_ctx_create(&(es_config){.threads = 1, .progress = tell, .user = &w});
  es_set_isa(es, ES_ISA_V16);
  es_tensor *x = es_full(es, ES_F64, 2, shape, 1);
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  cr_assert(es_einsum(es, "i k, k j -> i j", ES_IN(x, x), NULL));
  clock_gettime(CLOCK_MONOTONIC, &to);
  double took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
  cr_assert_eq(w.done, w.total);
  if (took > 0.2) cr_assert_gt(w.told, 1, "%g s without a word", took);
  cr_assert_leq(w.told, 1 + (int)(took / 0.05));
  es_ctx_destroy(es);
}
