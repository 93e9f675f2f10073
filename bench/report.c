#include "bench/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/limits.h"

const char *bench_unit_name(bench_unit unit) {
  static const char *const names[] = {"GFLOP/s", "GB/s", "ns", "us"};
  return names[unit];
}

double bench_value(const bench_row *r, double seconds) {
  switch (r->c->unit) {
  case UNIT_GFLOPS: return r->flops / seconds * 1e-9;
  case UNIT_GBS: return (r->read + r->written) / seconds * 1e-9;
  case UNIT_NS: return seconds * 1e9;
  case UNIT_US: break;
  }
  return seconds * 1e6;
}

bool bench_reaches_goal(const bench_row *r) {
  return !r->wrong && (!r->peer || r->ratio >= r->c->goal) &&
         (r->limit_seconds == 0 || r->share >= r->c->share_goal);
}

/* ---- text ------------------------------------------------------------------------ */

const size_t bench_level_bytes[N_LEVELS] = {32 << 10, 1 << 20, 16 << 20, 256 << 20};

bench_machine bench_measure_machine(int threads) {
  bench_machine m = {.threads = threads};
  for (int r = 0; r < 5; r++) {
    m.fma = fmax(m.fma, bench_probe_run(PROBE_MULTIPLY_ADD, ES_F32, 0, threads));
    for (int i = 0; i < N_LEVELS; i++)
      if (r < 2 || bench_level_bytes[i] < 64 << 20)
        m.copy[i] = fmax(m.copy[i],
                         bench_probe_run(PROBE_COPY, ES_F32, bench_level_bytes[i], threads));
  }
  printf("%d thread%s: multiply-adds in f32 %.0f GFLOP/s; copies of", threads,
         threads > 1 ? "s" : "", m.fma * 1e-9);
  for (int i = 0; i < N_LEVELS; i++)
    printf("%s %zu KiB %.0f GB/s", i ? "," : "", bench_level_bytes[i] >> 10, m.copy[i] * 1e-9);
  printf("\n");
  return m;
}

void bench_print_head(void) {
  printf("%-32s %s %9s %9s %-7s %6s %7s  %-18s %9s %6s %5s\n", "case", "T", "best", "median",
         "unit", "share", "limit", "best rival", "best", "ratio", "goal");
}

void bench_print_row(const bench_row *r) {
  printf("%-32s %d %9.4g %9.4g %-7s", r->c->name, r->threads, bench_value(r, r->best),
         bench_value(r, r->median), bench_unit_name(r->c->unit));
  if (r->limit_seconds > 0)
    printf(" %4.0f %% %7.4g%s", 100 * r->share, bench_value(r, r->limit_seconds),
           r->memory_bound ? "m" : " ");
  else
    printf(" %6s %7s ", "-", "-");
  if (r->peer)
    printf(" %-18s %9.4g %6.2f", r->peer, bench_value(r, r->peer_best), r->ratio);
  else
    printf(" %-18s %9s %6s", "-", "-", "-");
  if (r->c->goal > 0)
    printf(" %5.4g", r->c->goal);
  else
    printf(" %5s", "-");
  printf("  %s%s",
         r->wrong                ? "WRONG"
         : bench_reaches_goal(r) ? "ok"
                                 : "LOSS",
         r->verified ? "" : " (not verified)");
  const char *between = "   ";
  for (int i = 1; i < r->n; i++) {
    if (r->all[i].name == r->peer) continue;
    printf("%s%s %.4g", between, r->all[i].name, bench_value(r, r->all[i].best));
    between = ", ";
  }
  printf("\n");
  fflush(stdout);
}

static void print_suite(const bench_row *rows, int n, const char *suite, int threads) {
  double ratios = 0, shares = 0;
  int peers = 0, limits = 0, losses = 0, wrong = 0;
  for (int i = 0; i < n; i++) {
    const bench_row *r = &rows[i];
    if (strcmp(r->c->suite, suite) || r->threads != threads) continue;
    losses += !bench_reaches_goal(r);
    wrong += r->wrong;
    if (r->peer) ratios += log(r->ratio), peers++;
    if (r->limit_seconds > 0) shares += log(r->share), limits++;
  }
  printf("%-12s %d", suite, threads);
  if (peers) printf("   ratio to the best rival %5.2f over %d", exp(ratios / peers), peers);
  if (limits) printf(", share of the limit %3.0f %%", 100 * exp(shares / limits));
  printf(", missed goals %d%s\n", losses, wrong ? ", WRONG RESULTS" : "");
}

void bench_print_summary(const bench_row *rows, int n) {
  if (n) printf("\ngeometric means\n");
  const char *suite = "";
  int threads = 0;
  for (int i = 0; i < n; i++) { /* rows of a suite and thread count follow one another */
    if (!strcmp(suite, rows[i].c->suite) && threads == rows[i].threads) continue;
    suite = rows[i].c->suite, threads = rows[i].threads;
    print_suite(rows, n, suite, threads);
  }
}

/* ---- JSON ------------------------------------------------------------------------- */

/* A number, or null where there is none. */
static void put(FILE *f, const char *key, bool given, double value) {
  if (given && isfinite(value))
    fprintf(f, ",\"%s\":%.6g", key, value);
  else
    fprintf(f, ",\"%s\":null", key);
}

static void put_row(FILE *f, const bench_row *r) {
  bool limit = r->limit_seconds > 0, peer = r->peer != NULL;
  fprintf(f, "{\"name\":\"%s\",\"suite\":\"%s\",\"threads\":%d", r->c->name, r->c->suite,
          r->threads);
  put(f, "value", true, bench_value(r, r->best));
  fprintf(f, ",\"unit\":\"%s\"", bench_unit_name(r->c->unit));
  put(f, "limit", limit, bench_value(r, r->limit_seconds));
  put(f, "share_of_limit", limit, r->share);
  if (peer)
    fprintf(f, ",\"peer\":\"%s\"", r->peer);
  else
    fprintf(f, ",\"peer\":null");
  put(f, "peer_value", peer, bench_value(r, r->peer_best));
  put(f, "ratio", peer, r->ratio);
  put(f, "goal", r->c->goal > 0, r->c->goal);
  fprintf(f, ",\"ok\":%s", bench_reaches_goal(r) ? "true" : "false");
  put(f, "goal_share", r->c->share_goal > 0, r->c->share_goal);
  put(f, "median", true, bench_value(r, r->median));
  put(f, "peer_median", peer, bench_value(r, r->peer_median));
  put(f, "seconds", true, r->best);
  put(f, "flops", r->flops > 0, r->flops);
  put(f, "bytes", true, r->read + r->written);
  fprintf(f, ",\"verified\":%s,\"wrong\":%s,\"peers\":{", r->verified ? "true" : "false",
          r->wrong ? "true" : "false");
  for (int i = 1; i < r->n; i++)
    fprintf(f, "%s\"%s\":%.6g", i > 1 ? "," : "", r->all[i].name, bench_value(r, r->all[i].best));
  fprintf(f, "}}");
}

/* Name of the processor, "" where Linux does not say. */
static void processor_name(char *name, size_t cap) {
  FILE *f = fopen("/proc/cpuinfo", "r");
  char line[256];
  *name = 0;
  while (f && !*name && fgets(line, sizeof line, f)) {
    char *colon = strstr(line, ": ");
    if (strncmp(line, "model name", 10) || !colon) continue;
    snprintf(name, cap, "%s", colon + 2);
    name[strcspn(name, "\n\"\\")] = 0;
  }
  if (f) fclose(f);
}

static void put_machine(FILE *f, const bench_machine *machine, int n) {
  char name[128], date[32];
  time_t now = time(NULL);
  strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
  processor_name(name, sizeof name);
  fprintf(f,
          "{\"processor\":\"%s\",\"processors\":%ld,\"date\":\"%s\",\"einstride\":\"%s\","
          "\"compiler\":\"%s\",\"limits\":[",
          name, sysconf(_SC_NPROCESSORS_ONLN), date, es_version(), __VERSION__);
  for (int i = 0; i < n; i++) {
    fprintf(f, "%s{\"threads\":%d,\"fma_gflops\":%.4g,\"copies\":[", i ? "," : "",
            machine[i].threads, machine[i].fma * 1e-9);
    for (int l = 0; l < N_LEVELS; l++)
      fprintf(f, "%s{\"bytes\":%zu,\"gbs\":%.4g}", l ? "," : "", bench_level_bytes[l],
              machine[i].copy[l] * 1e-9);
    fprintf(f, "]}");
  }
  fprintf(f, "]}");
}

bool bench_write_json(const char *path, const bench_row *rows, int n, const bench_machine *machine,
                      int n_machine, bool quick) {
  FILE *f = fopen(path, "w");
  if (!f) return false;
  fprintf(f, "{\"machine\":");
  put_machine(f, machine, n_machine);
  fprintf(f, ",\n\"quick\":%s,\n\"rows\":[", quick ? "true" : "false");
  for (int i = 0; i < n; i++) {
    fprintf(f, "%s\n", i ? "," : "");
    put_row(f, &rows[i]);
  }
  fputs("\n]}\n", f);
  return fclose(f) == 0;
}
