/* Square products of all small sizes. */
#ifndef EINSTRIDE_BENCH_SWEEP_H
#define EINSTRIDE_BENCH_SWEEP_H

#include "bench/measure.h"

/* Square products n = 1, 2, 3, … into a JSON file of their own. */
bool bench_sweep(const char *path, const bench_peer *const *peers, int n_peers,
                 const bench_options *opt);

#endif
