#include "bench/why.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/machine.h"

static double best_of_few(bench_own *own) {
  double best = INFINITY, end = bench_now() + 0.1;
  int times = (int)(1e-4 / fmax(bench_own_run(own, 1), 1e-8)) + 1;
  for (int i = 0; i < 2 || (i < 50 && bench_now() < end); i++)
    best = fmin(best, bench_own_run(own, times) / times);
  return best;
}

static void try_strategy(const char *name, const bench_row *r, const bench_force *force) {
  const double patience = 2e8; /* points that the plain loops may walk */
  fflush(stdout);
  if (!strcmp(name, "loops") && r->flops > patience) return;
  bench_unpin();
  bench_own *own = bench_own_prepare(
      r->c, r->threads, &(bench_force){.strategy = name, .isa = force->isa, .quiet = true});
  if (!own) return;
  bench_own_run(own, 1);
  bench_pin();
  double seconds = best_of_few(own);
  printf("  %-10s %10.4g %s, %.2f of the time taken%s\n", name, bench_value(r, seconds),
         bench_unit_name(r->c->unit), seconds / r->best, seconds < 0.9 * r->best ? "  FASTER" : "");
  bench_own_finish(own);
}

void bench_print_why(const bench_own *own, const bench_row *r, const bench_force *force) {
  static char text[1 << 16];
  if (!bench_own_plan(own)) return;
  bench_own_costs(own, text, sizeof text);
  printf("%s  measured %.4g s\n", text, r->best);
  if (force->strategy) return;
  const char *name;
  for (int i = 0; (name = es_strategy_name(i)); i++) try_strategy(name, r, force);
}
