/* One case: verified, then timed beside what is installed, interleaved in one run. */
#ifndef EINSTRIDE_BENCH_MEASURE_H
#define EINSTRIDE_BENCH_MEASURE_H

#include "bench/own.h"
#include "bench/peer.h"
#include "bench/report.h"

/* What the driver was asked for. */
typedef struct bench_options {
  const char *suite, *only, *json, *sweep;
  bool quick, why;
  int threads[2], n_threads;
  double seconds; /* budget of a contender and case */
  bench_force force;
} bench_options;

/* False after a message: the case cannot be run. */
bool bench_run_case(const bench_case *c, int threads, const bench_peer *const *peers, int n_peers,
                    const bench_options *opt, bench_row *r);

#endif
