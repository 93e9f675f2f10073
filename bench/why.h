/* Why a row is as fast as it is. */
#ifndef EINSTRIDE_BENCH_WHY_H
#define EINSTRIDE_BENCH_WHY_H

#include "bench/own.h"
#include "bench/report.h"

/* The plan of a row, and, unless one was forced, what other strategies would have taken. */
void bench_print_why(const bench_own *own, const bench_row *r, const bench_force *force);

#endif
