/* Operands and results in memory. */
#ifndef EINSTRIDE_BENCH_DATA_H
#define EINSTRIDE_BENCH_DATA_H

#include <stddef.h>

#include "einstride.h"

/* Small integers: products and sums are exact in every type, so results are compared
 * exactly. The seed is the number of the operand. */
void bench_fill(void *x, es_dtype type, int64_t n, int seed);
/* Index of the first element of x that differs from y, -1 if none does. */
int64_t bench_compare(const void *x, const void *y, es_dtype type, int64_t n, double tolerance);
double bench_element(const void *x, es_dtype type, int64_t i); /* real part */
/* 64-aligned, in large pages where there are such; free() frees it. */
void *bench_alloc(size_t bytes);
int64_t bench_elements(int rank, const int64_t *shape);

#endif
