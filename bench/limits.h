/* What this machine can do. */
#ifndef EINSTRIDE_BENCH_LIMITS_H
#define EINSTRIDE_BENCH_LIMITS_H

#include <stddef.h>

#include "einstride.h"

/* Measured beside every row. MULTIPLY_ADD is counted in
 * FLOP, the others in bytes, a copy's both ways. */
typedef enum bench_probe { PROBE_MULTIPLY_ADD, PROBE_READ, PROBE_WRITE, PROBE_COPY } bench_probe;
/* FLOP or bytes a second of one short run on all threads together. bytes: of memory
 * that the run touches, all threads together; unused by MULTIPLY_ADD, which looks at
 * the type. 0 where the machine has no such instruction. */
double bench_probe_run(bench_probe probe, es_dtype type, size_t bytes, int threads);

#endif
