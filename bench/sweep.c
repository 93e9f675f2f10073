/* Square products of every small size, then of sizes around the multiples at which cache
 * lines collide: what the curves over n are drawn from. */
#include "bench/sweep.h"

#include <stdio.h>

static void describe(bench_case *c, int n) {
  *c = (bench_case){.suite = "sweep", .n = 2, .out = ES_F32, .rank = {2, 2}};
  c->shape[0][0] = c->shape[0][1] = c->shape[1][0] = c->shape[1][1] = n;
  c->type[0] = c->type[1] = ES_F32;
  snprintf(c->name, sizeof c->name, "n=%d", n);
  snprintf(c->text, sizeof c->text, "i k, k j -> i j");
  snprintf(c->blas, sizeof c->blas, "%d %d %d", n, n, n);
}

static int next(int n) {
  if (n < 200) return n + 1;
  if (n == 200) return 223;
  int step = n < 512 ? 32 : n < 1024 ? 64 : 128, at = n / step * step;
  /* at - 1, at, at + 1: a power of two and its neighbours */
  if (n == at) return n + 1;
  return n == at + 1 ? at + step - 1 : at + step;
}

bool bench_sweep(const char *path, const bench_peer *const *peers, int n_peers,
                 const bench_options *opt) {
  static bench_case cases[512];
  static bench_row rows[512];
  const bench_peer *products[2];
  int n_products = 0, count = 0;
  for (int i = 0; i < n_peers && n_products < 2; i++)
    if (peers[i] == &bench_openblas || peers[i] == &bench_blis) products[n_products++] = peers[i];
  bench_machine machine = bench_measure_machine(opt->threads[0]);
  bench_print_head();
  for (int n = 1; n <= 2049 && count < 512; n = next(n)) {
    describe(&cases[count], n);
    count += bench_run_case(&cases[count], opt->threads[0], products, n_products, opt,
                            &rows[count]);
  }
  return bench_write_json(path, rows, count, &machine, 1, false);
}
