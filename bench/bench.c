/* The driver. For each case and thread count: verify every contender by checksum,
 * then time them in turn until the budget is spent; best and median; ratios. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void bench_fill(float *x, int64_t n, int seed) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t h = ((uint32_t)i + (uint32_t)seed * 7919u) * 2654435761u;
    h ^= h >> 15;
    h *= 2246822519u;
    x[i] = (float)(h >> 20 & 7) - 3;
  }
}

double bench_checksum(const float *y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)y[i] * (double)(i % 31 - 15);
  return sum;
}

typedef struct options {
  const char *suite, *only, *json;
  bool quick, why;
  int threads[2], n_threads;
  double seconds; /* budget of a contender and case */
} options;

/* ---- einstride as a contender ------------------------------------------------------ */

typedef struct own {
  es_ctx *ctx;
  es_expr *expr;
  es_plan *plan;
  es_array in[MAX_OPERANDS], out;
  float *data[MAX_OPERANDS], *result;
  void *workspace;
  int64_t strides[ES_MAX_RANK], out_elements;
  es_axis_size sizes[8];
  char size_text[64];
} own;

static void *aligned(size_t bytes) { return aligned_alloc(64, (bytes + 127) / 64 * 64); }

static int64_t elements(int rank, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  return n;
}

/* "g=2 k=3" into name and size; the text is cut up in place. */
static void read_sizes(own *o, const char *text) {
  snprintf(o->size_text, sizeof o->size_text, "%s", text);
  int n = 0;
  char *rest = o->size_text;
  for (char *one; n < 7 && (one = strsep(&rest, " "));) {
    char *equals = strchr(one, '=');
    if (!equals) continue;
    *equals = 0;
    o->sizes[n++] = (es_axis_size){one, strtoll(equals + 1, NULL, 10)};
  }
  o->sizes[n] = (es_axis_size){NULL, 0};
}

static bool own_prepare(own *o, const bench_case *c, int threads) {
  es_error error = {0};
  o->ctx = es_ctx_create(&(es_config){.threads = threads});
  for (int i = 0; i < c->n; i++) {
    int64_t n = elements(c->rank[i], c->shape[i]);
    o->data[i] = aligned((size_t)n * sizeof(float));
    bench_fill(o->data[i], n, i + 1);
    o->in[i] = (es_array){o->data[i], ES_F32, c->rank[i], c->shape[i], NULL};
  }
  read_sizes(o, c->sizes);
  o->expr = es_expr_parse(o->ctx, ES_KIND_EINSUM, c->text, strlen(c->text), ES_READ_AUTO, &error);
  if (o->expr)
    o->plan = es_plan_make(o->ctx, o->expr, o->in, c->n, NULL, &(es_options){.sizes = o->sizes},
                           &error);
  if (!o->plan) {
    char text[1024];
    es_error_render(&error, c->text, strlen(c->text), text, sizeof text);
    fprintf(stderr, "%s: %s", c->name, text);
    return false;
  }
  o->out_elements = elements(es_plan_rank(o->plan), es_plan_shape(o->plan));
  o->result = aligned((size_t)o->out_elements * sizeof(float));
  memset(o->result, 0, (size_t)o->out_elements * sizeof(float));
  o->out = (es_array){o->result, ES_F32, es_plan_rank(o->plan), es_plan_shape(o->plan), NULL};
  size_t workspace = es_plan_workspace(o->plan);
  o->workspace = workspace ? aligned(workspace) : NULL;
  return true;
}

static double own_run(own *o, int64_t n, int times) {
  es_error error;
  double t = bench_now();
  for (int i = 0; i < times; i++)
    if (es_run(o->ctx, o->plan, o->in, n, &o->out, o->workspace, &error)) {
      fprintf(stderr, "%s\n", error.message);
      return 1e30;
    }
  return bench_now() - t;
}

static void own_finish(own *o) {
  for (int i = 0; i < MAX_OPERANDS; i++) free(o->data[i]);
  free(o->result);
  free(o->workspace);
  es_plan_release(o->plan);
  es_expr_release(o->expr);
  es_ctx_destroy(o->ctx);
  *o = (own){0};
}

/* ---- one case ------------------------------------------------------------------------ */

static double run_contender(const bench_contender *x, own *o, const bench_case *c, int times) {
  return x->peer ? x->peer->run(times) : own_run(o, c->n, times);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void sample_all(bench_contender *x, int n, own *o, const bench_case *c, double seconds) {
  for (int i = 0; i < n; i++) {
    run_contender(&x[i], o, c, 1); /* warm-up: pages, caches, code made on first use */
    double once = run_contender(&x[i], o, c, 1);
    x[i].times = once < 2e-4 ? (int)(2e-4 / (once > 1e-8 ? once : 1e-8)) + 1 : 1;
  }
  double end = bench_now() + seconds * n;
  for (int r = 0; r < MAX_SAMPLES && (r < 5 || bench_now() < end); r++)
    for (int i = 0; i < n; i++)
      x[i].sample[x[i].n++] = run_contender(&x[i], o, c, x[i].times) / x[i].times;
  for (int i = 0; i < n; i++) qsort(x[i].sample, (size_t)x[i].n, sizeof(double), compare);
}

static int gather(bench_contender *x, const bench_peer *const *peers, int n_peers,
                  const bench_case *c, own *o, bench_row *r) {
  int n = 1;
  double expected = bench_checksum(o->result, o->out_elements);
  for (int i = 0; i < n_peers; i++) {
    if (!peers[i]->prepare(c, o->data, o->out_elements)) continue;
    peers[i]->run(1);
    double found = peers[i]->checksum();
    if (found != expected) {
      printf("  %s differs: checksum %.17g, einstride %.17g\n", peers[i]->name, found, expected);
      r->wrong = true;
    }
    x[n++] = (bench_contender){.peer = peers[i]};
  }
  return n;
}

static void compute_row(bench_row *r, const bench_contender *x, int n, const bench_limits *limits) {
  r->best = x[0].sample[0];
  r->median = x[0].sample[x[0].n / 2];
  r->limit = r->c->bytes ? limits->copy : limits->fma;
  r->share = r->work / r->best / r->limit;
  for (int i = 1; i < n; i++) {
    if (r->peer && x[i].sample[0] >= r->peer_best) continue;
    r->peer = x[i].peer->name;
    r->peer_best = x[i].sample[0];
    r->peer_median = x[i].sample[x[i].n / 2];
  }
  r->ratio = r->peer ? r->peer_best / r->best : 0;
}

static bool run_case(const bench_case *c, int threads, const bench_limits *limits,
                     const bench_peer *const *peers, int n_peers, const options *opt,
                     bench_row *r) {
  own o = {0};
  *r = (bench_row){.c = c, .threads = threads};
  if (!own_prepare(&o, c, threads)) return own_finish(&o), false;
  own_run(&o, c->n, 1);
  r->work = c->bytes ? es_plan_bytes(o.plan) : 2 * es_plan_flops(o.plan);
  static bench_contender x[MAX_CONTENDERS];
  memset(x, 0, sizeof x);
  int n = gather(x, peers, n_peers, c, &o, r);
  sample_all(x, n, &o, c, opt->seconds);
  compute_row(r, x, n, limits);
  bench_print_row(r, x, n);
  if (opt->why) {
    static char text[16384];
    es_plan_print(o.plan, text, sizeof text);
    puts(text);
  }
  for (int i = 1; i < n; i++) x[i].peer->finish();
  own_finish(&o);
  return true;
}

/* ---- the whole -------------------------------------------------------------------------- */

static const char usage[] =
    "einstride-bench [--suite NAME] [--only TEXT] [--quick] [--threads N] [--seconds S] [--json "
    "FILE] [--why]\n"
    "  --suite NAME   one of the files in bench/suites; all by default\n"
    "  --only TEXT    cases whose name holds TEXT\n"
    "  --quick        the main cases, in under 90 s\n"
    "  --threads N    only N threads; 1 and 2 by default\n"
    "  --seconds S    budget of each contender and case; 0.4 by default, 0.1 with --quick\n"
    "  --json FILE    writes the rows\n"
    "  --why          prints each plan\n";

static bool read_options(int argc, char **argv, options *o) {
  *o = (options){.threads = {1, 2}, .n_threads = 2};
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    bool takes = true;
    if (!strcmp(argv[i], "--quick"))
      takes = false, o->quick = true;
    else if (!strcmp(argv[i], "--why"))
      takes = false, o->why = true;
    else if (!value)
      return false;
    else if (!strcmp(argv[i], "--suite"))
      o->suite = value;
    else if (!strcmp(argv[i], "--only"))
      o->only = value;
    else if (!strcmp(argv[i], "--json"))
      o->json = value;
    else if (!strcmp(argv[i], "--seconds"))
      o->seconds = strtod(value, NULL);
    else if (!strcmp(argv[i], "--threads"))
      o->threads[0] = (int)strtol(value, NULL, 10), o->n_threads = 1;
    else
      return false;
    i += takes;
  }
  if (o->seconds <= 0) o->seconds = o->quick ? 0.1 : 0.4;
  return o->threads[0] >= 1;
}

static int read_suites(const options *o, bench_case *cases) {
  static const char *const names[] = {"matmul", "conv", "contract", "move", "reduce", "small"};
  int n = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (o->suite && strcmp(o->suite, names[i])) continue;
    char path[512];
    snprintf(path, sizeof path, BENCH_DIR "/suites/%s.txt", names[i]);
    int more = bench_read_suite(path, cases + n, MAX_CASES - n);
    if (more < 0) return -1;
    n += more;
  }
  return n;
}

static bool wanted(const options *o, const bench_case *c) {
  return (!o->quick || c->quick) && (!o->only || strstr(c->name, o->only));
}

/* Packaged OpenBLAS and BLIS choose their oldest kernels on processors they do not
 * know: against those, and NumPy and PyTorch above them, any ratio flatters. */
static void let_rivals_know_the_processor(void) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx512f")) return;
  setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
  setenv("BLIS_ARCH_TYPE", "0", 0);
#endif
}

int main(int argc, char **argv) {
  options opt;
  if (!read_options(argc, argv, &opt)) return fputs(usage, stderr), 2;
  let_rivals_know_the_processor();
  static bench_case cases[MAX_CASES];
  static bench_row rows[2 * MAX_CASES];
  int n_cases = read_suites(&opt, cases), n_rows = 0;
  if (n_cases <= 0) return fputs("no cases\n", stderr), 2;
  static const bench_peer *const all[] = {&bench_openblas,  &bench_blis,  &bench_dnnl_plain,
                                          &bench_dnnl_best, &bench_numpy, &bench_torch};
  bench_limits limits[2] = {{0, 0}, {0, 0}};
  for (int t = 0; t < opt.n_threads; t++) {
    const bench_peer *peers[MAX_CONTENDERS];
    int n_peers = 0;
    limits[t] = bench_measure_limits(opt.threads[t]);
    printf("%d thread%s: FMA %.1f GFLOP/s, copy %.1f GB/s; beside", opt.threads[t],
           opt.threads[t] > 1 ? "s" : "", limits[t].fma * 1e-9, limits[t].copy * 1e-9);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
      bool here = all[i]->open(opt.threads[t]);
      printf(" %s%s", all[i]->name, here ? "" : " (absent)");
      if (here) peers[n_peers++] = all[i];
    }
    printf("\n");
    for (int i = 0; i < n_cases; i++)
      if (wanted(&opt, &cases[i]) &&
          run_case(&cases[i], opt.threads[t], &limits[t], peers, n_peers, &opt, &rows[n_rows]))
        n_rows++;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) all[i]->close();
  }
  bench_print_summary(rows, n_rows, cases, n_cases);
  if (opt.json && !bench_write_json(opt.json, rows, n_rows, limits))
    return fprintf(stderr, "%s: cannot be written\n", opt.json), 1;
  for (int i = 0; i < n_rows; i++)
    if (rows[i].wrong) return 1;
  return 0;
}
