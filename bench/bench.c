/* The benchmark: verify, then time einstride beside what is installed. Uses the public headers
 * only. Here the driver: options, suites, rivals; measure.c runs one case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/machine.h"
#include "bench/measure.h"
#include "bench/sweep.h"

/* Packaged OpenBLAS and BLIS choose their oldest kernels on processors they do not
 * know: against those, and NumPy and PyTorch above them, any ratio flatters. Threads
 * that are not bound share a processor half of the time; threads that spin for long
 * after their work steal it from the next contender. Libraries read all this when they
 * are loaded, hence the fresh start. */
static void let_rivals_be_at_their_best(char **argv) {
  const char *started = getenv("EINSTRIDE_BENCH");
  if (started) {
    bench_read_processors(started);
    return;
  }
  char processors[4096] = "";
  bench_list_processors(processors, sizeof processors);
  setenv("EINSTRIDE_BENCH", processors, 1);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
    setenv("BLIS_ARCH_TYPE", "0", 1);
  }
#endif
  unsetenv("OPENBLAS_L2_SIZE"); /* some systems set them to the least there is */
  setenv("OMP_PROC_BIND", "true", 0);
  setenv("OMP_PLACES", "cores", 0);
  setenv("GOMP_SPINCOUNT", "20000", 0);       /* about a millisecond */
  setenv("OPENBLAS_THREAD_TIMEOUT", "21", 0); /* 2^21 cycles, the same */
  /* Memory given back to the system comes again as pages to be cleared, which is not what
   * is compared: everyone keeps theirs. */
  setenv("MALLOC_MMAP_MAX_", "0", 0);
  setenv("MALLOC_TRIM_THRESHOLD_", "1000000000000", 0);
  execv("/proc/self/exe", argv);
}

/* ---- options ------------------------------------------------------------------------ */

static const char usage[] =
    "einstride-bench [OPTION…]\n"
    "  --suite NAME     one of the files in bench/suites; all by default\n"
    "  --only TEXT      cases whose name holds TEXT\n"
    "  --quick          the main cases, on one and two threads in under 90 s\n"
    "  --threads N      only N threads; 1 and 2 by default\n"
    "  --seconds S      budget of each contender and case; 0.4 by default, 0.02 with --quick\n"
    "  --json FILE      writes the rows\n"
    "  --sweep FILE     times square products of all small sizes instead, into FILE (JSON)\n"
    "  --strategy NAME  forces one strategy of the planner\n"
    "  --isa BITS       forces the kernels for vectors of 16, 32 or 64 bytes\n"
    "  --why            prints each plan, and what other strategies would have taken\n"
    "A trailing m at a limit: memory sets it. Exit code 1: a result was wrong, or a case failed.\n";

static bool read_flag(const char *arg, bench_options *o) {
  if (!strcmp(arg, "--quick")) return o->quick = true;
  if (!strcmp(arg, "--why")) return o->why = true;
  return false;
}

static bool read_value(const char *arg, const char *value, bench_options *o) {
  const struct {
    const char *name;
    const char **to;
  } texts[] = {{"--suite", &o->suite},
               {"--only", &o->only},
               {"--json", &o->json},
               {"--sweep", &o->sweep},
               {"--strategy", &o->force.strategy}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!strcmp(arg, texts[i].name)) return *texts[i].to = value, true;
  if (!strcmp(arg, "--seconds")) return (o->seconds = strtod(value, NULL)) > 0;
  if (!strcmp(arg, "--isa")) return (o->force.isa = (es_isa)strtol(value, NULL, 10)) > 0;
  if (strcmp(arg, "--threads")) return false;
  o->n_threads = 1;
  return (o->threads[0] = (int)strtol(value, NULL, 10)) > 0;
}

static bool read_options(int argc, char **argv, bench_options *o) {
  *o = (bench_options){.threads = {1, 2}, .n_threads = 2};
  for (int i = 1; i < argc; i++) {
    if (read_flag(argv[i], o)) continue;
    if (i + 1 == argc || !read_value(argv[i], argv[i + 1], o)) return false;
    i++;
  }
  if (o->seconds <= 0) o->seconds = o->quick ? 0.02 : 0.4;
  return true;
}

/* ---- the whole ---------------------------------------------------------------------- */

static int read_suites(const bench_options *o, bench_case *cases) {
  static const char *const names[] = {"matmul",    "contract", "conv",   "depthwise",
                                      "gradient",  "move",     "reduce", "map",
                                      "attention", "types",    "small"};
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

static bool wanted(const bench_options *o, const bench_case *c) {
  return (!o->quick || c->quick) && (!o->only || strstr(c->name, o->only));
}

static const bench_peer *const all_peers[] = {&bench_openblas,  &bench_blis,  &bench_dnnl_plain,
                                              &bench_dnnl_best, &bench_numpy, &bench_torch,
                                              &bench_einops};
enum { N_PEERS = sizeof all_peers / sizeof *all_peers };

static int open_peers(int threads, const bench_peer **peers) {
  int n = 0;
  bench_unpin();
  printf("beside");
  for (int i = 0; i < N_PEERS; i++) {
    bool here = all_peers[i]->open(threads);
    printf("%s %s%s", i ? "," : "", all_peers[i]->name, here ? "" : " (absent)");
    if (here) peers[n++] = all_peers[i];
  }
  printf("\n");
  return n;
}

/* Rows made. *failed counts cases that cannot be run though nothing was forced on them. */
static int run_cases(const bench_options *o, const bench_case *cases, int n_cases, int threads,
                     bench_row *rows, int *failed) {
  const bench_peer *peers[N_PEERS];
  int n_peers = open_peers(threads, peers), n = 0;
  bench_print_head();
  for (int i = 0; i < n_cases; i++) {
    if (!wanted(o, &cases[i])) continue;
    bool done = bench_run_case(&cases[i], threads, peers, n_peers, o, &rows[n]);
    n += done;
    *failed += !done && !o->force.strategy;
  }
  for (int i = 0; i < N_PEERS; i++) all_peers[i]->close();
  return n;
}

static int sweep(const bench_options *o) {
  const bench_peer *peers[N_PEERS];
  int n_peers = open_peers(o->threads[0], peers);
  bool good = bench_sweep(o->sweep, peers, n_peers, o);
  for (int i = 0; i < N_PEERS; i++) all_peers[i]->close();
  return good ? 0 : 1;
}

int main(int argc, char **argv) {
  static bench_case cases[MAX_CASES];
  static bench_row rows[2 * MAX_CASES];
  bench_options o;
  bench_machine machine[2];
  if (!read_options(argc, argv, &o)) return fputs(usage, stderr), 2;
  let_rivals_be_at_their_best(argv);
  bench_unpin();
  if (o.sweep) return sweep(&o);
  int n_cases = read_suites(&o, cases), n = 0, bad = 0;
  if (n_cases <= 0) return fputs("no cases\n", stderr), 2;
  for (int t = 0; t < o.n_threads; t++) {
    machine[t] = bench_measure_machine(o.threads[t]);
    n += run_cases(&o, cases, n_cases, o.threads[t], rows + n, &bad);
  }
  bench_print_summary(rows, n);
  if (o.json && !bench_write_json(o.json, rows, n, machine, o.n_threads, o.quick))
    return fprintf(stderr, "%s: cannot be written\n", o.json), 1;
  for (int i = 0; i < n; i++) bad += rows[i].wrong;
  return bad ? 1 : 0;
}
