/* Cases. A suite is a text file of them (suites/README.md). */
#ifndef EINSTRIDE_BENCH_SUITE_H
#define EINSTRIDE_BENCH_SUITE_H

#include <stdbool.h>
#include <stddef.h>

#include "einstride.h"

enum { MAX_OPERANDS = 8, MAX_RANK = 12, MAX_CASES = 640 };

/* How einstride is called: a plan and its run; a text, found in the cache of plans;
 * a text never seen, parsed and planned but not run; a function by its name. */
typedef enum bench_door { DOOR_PLAN, DOOR_STRING, DOOR_FIRST, DOOR_CALL } bench_door;

typedef enum bench_unit { UNIT_GFLOPS, UNIT_GBS, UNIT_NS, UNIT_US } bench_unit;

typedef struct bench_case {
  char name[64];
  char suite[32];
  char text[256]; /* einstride's expression */
  char call[128]; /* or a function: "softmax dim=-1" */
  bench_door door;
  int n; /* operands */
  int rank[MAX_OPERANDS];
  int64_t shape[MAX_OPERANDS][MAX_RANK];
  es_dtype type[MAX_OPERANDS];
  es_dtype out;                /* ES_DTYPE_AUTO: the promoted operand type */
  bool constant[MAX_OPERANDS]; /* operands that einstride is told never change */
  char sizes[64];              /* "g=2 k=3" */
  char blas[64];               /* "m n k [tn]": row-major C = A B; empty: not a plain product */
  char dnnl[96];               /* "conv stride=1 pad=1 dilation=1 groups=1 [nhwc]" or "matmul" */
  char numpy[256];             /* Python expressions of the operands a, b, c, … */
  char torch[256];
  char einops[256];
  double flops; /* where no plan counts them; 0: unknown */
  bench_unit unit;
  double tolerance;  /* of each element, relative to 1 + |element|; 0: exact */
  bool quick;        /* part of --quick */
  double goal;       /* ratio to the best peer; 0: none */
  double share_goal; /* share of the limit; 0: none */
  /* What the best library that is no package reached once, on one thread and on two: shares of the
   * multiply-add peak; 0: nothing is known. */
  double recorded[2];
} bench_case;

/* Reads a suite; returns the number of cases, -1 after a message on stderr. */
int bench_read_suite(const char *path, bench_case *cases, int cap);
es_dtype bench_out_type(const bench_case *c);

#endif
