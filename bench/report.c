/* What a run says: a line a case, a summary, JSON. */
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"

static bool reaches_goal(const bench_row *r) {
  return !r->wrong && (!r->peer || r->ratio >= r->c->goal) && r->share >= r->c->share_goal;
}

void bench_print_row(const bench_row *r, const bench_contender *x, int n) {
  const char *unit = r->c->bytes ? "GB/s" : "GFLOP/s";
  printf("%-34s %dT %8.1f %-7s (median %.1f) %4.0f %% of limit", r->c->name, r->threads,
         r->work / r->best * 1e-9, unit, r->work / r->median * 1e-9, 100 * r->share);
  for (int i = 1; i < n; i++) printf("  %s %.1f", x[i].peer->name, r->work / x[i].sample[0] * 1e-9);
  if (r->peer) printf("  ratio %.2f", r->ratio);
  printf("%s\n", reaches_goal(r) ? "" : "  LOSS");
  fflush(stdout);
}

static void print_json_row(FILE *f, const bench_row *r, bool first) {
  double scale = 1e-9;
  fprintf(f,
          "%s\n{\"name\":\"%s\",\"suite\":\"%s\",\"threads\":%d,\"value\":%.6g,\"median\":%.6g,"
          "\"unit\":\"%s\",\"limit\":%.6g,\"share_of_limit\":%.4g",
          first ? "" : ",", r->c->name, r->c->suite, r->threads, r->work / r->best * scale,
          r->work / r->median * scale, r->c->bytes ? "GB/s" : "GFLOP/s", r->limit * scale,
          r->share);
  if (r->peer)
    fprintf(f, ",\"peer\":\"%s\",\"peer_value\":%.6g,\"ratio\":%.4g", r->peer,
            r->work / r->peer_best * scale, r->ratio);
  else
    fprintf(f, ",\"peer\":null,\"peer_value\":null,\"ratio\":null");
  if (r->c->goal > 0)
    fprintf(f, ",\"goal\":%.4g", r->c->goal);
  else
    fprintf(f, ",\"goal\":null");
  fprintf(f, ",\"ok\":%s}", reaches_goal(r) ? "true" : "false");
}

bool bench_write_json(const char *path, const bench_row *rows, int n,
                      const bench_limits limits[2]) {
  FILE *f = fopen(path, "w");
  if (!f) return false;
  char date[32];
  time_t now = time(NULL);
  strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
  fprintf(f,
          "{\"machine\":{\"processors\":%ld,\"date\":\"%s\",\"einstride\":\"%s\",\"fma_gflops\":[%."
          "4g,%.4g],\"copy_gbs\":[%.4g,%.4g]},\n\"rows\":[",
          sysconf(_SC_NPROCESSORS_ONLN), date, es_version(), limits[0].fma * 1e-9,
          limits[1].fma * 1e-9, limits[0].copy * 1e-9, limits[1].copy * 1e-9);
  for (int i = 0; i < n; i++) print_json_row(f, &rows[i], i == 0);
  fputs("\n]}\n", f);
  return fclose(f) == 0;
}

void bench_print_summary(const bench_row *rows, int n, const bench_case *cases, int n_cases) {
  for (int threads = 1; threads <= 64; threads *= 2) {
    const char *done = "";
    for (int i = 0; i < n_cases; i++) {
      if (!strcmp(done, cases[i].suite)) continue;
      done = cases[i].suite;
      double log_sum = 0;
      int count = 0, losses = 0;
      for (int k = 0; k < n; k++) {
        if (strcmp(rows[k].c->suite, done) || rows[k].threads != threads) continue;
        losses += !reaches_goal(&rows[k]);
        if (rows[k].peer) log_sum += log(rows[k].ratio), count++;
      }
      if (count)
        printf("%-12s %dT  geometric mean of ratios %.2f over %d, %d missed goals\n", done, threads,
               exp(log_sum / count), count, losses);
    }
  }
}
