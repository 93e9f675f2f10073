/* einstride itself, run as a case says. */
#ifndef EINSTRIDE_BENCH_OWN_H
#define EINSTRIDE_BENCH_OWN_H

#include "bench/suite.h"

typedef struct bench_own bench_own;
typedef struct bench_force {
  const char *strategy; /* NULL: the planner chooses */
  es_isa isa;
  bool quiet; /* no message where that does not apply */
} bench_force;
/* NULL after a message on stderr. */
bench_own *bench_own_prepare(const bench_case *c, int threads, const bench_force *force);
double bench_own_run(bench_own *o, int times); /* seconds for all of them */
const void *bench_own_result(bench_own *o);    /* C order; until the next call */
void *const *bench_own_inputs(const bench_own *o);
int64_t bench_own_elements(const bench_own *o);    /* of the result */
double bench_own_flops(const bench_own *o);        /* real operations; 0: unknown */
const es_plan *bench_own_plan(const bench_own *o); /* NULL for calls */
/* The plan, and the predicted seconds of its steps. */
void bench_own_costs(const bench_own *o, char *buf, size_t cap);
void bench_own_finish(bench_own *o);

#endif
