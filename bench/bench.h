/* The benchmark: verify, then time einstride beside what is installed, interleaved
 * in one run. A suite is a text file of cases; a contender is one way to run a
 * case. Uses the public headers only. */
#ifndef EINSTRIDE_BENCH_H
#define EINSTRIDE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "einstride.h"

enum { MAX_OPERANDS = 8, MAX_RANK = 12, MAX_CASES = 256, MAX_CONTENDERS = 8, MAX_SAMPLES = 400 };

typedef struct bench_case {
  char name[64];
  char suite[32];
  char text[256]; /* einstride's expression */
  int n;          /* operands */
  int rank[MAX_OPERANDS];
  int64_t shape[MAX_OPERANDS][MAX_RANK];
  char sizes[64];  /* "g=2 k=3" */
  char blas[64];   /* "m n k": row-major C = A B; empty: not a plain product */
  char dnnl[96];   /* "conv stride=1 pad=1 dilation=0 groups=1" or "matmul" */
  char numpy[256]; /* Python expressions of the operands a, b, c, … */
  char torch[256];
  bool bytes;        /* GB/s of bytes moved once; else GFLOP/s */
  bool quick;        /* part of --quick */
  double goal;       /* ratio to the best peer; 0: none */
  double share_goal; /* share of the limit; 0: none */
} bench_case;

/* Reads a suite; returns the number of cases, -1 after a message on stderr. */
int bench_read_suite(const char *path, bench_case *cases, int cap);

/* Small integers, the same in every contender: products and sums are exact in
 * f32, so results are compared exactly, by checksum. bench_fill(seed) for operand
 * number seed. */
void bench_fill(float *x, int64_t n, int seed);
double bench_checksum(const float *y, int64_t n);

double bench_now(void); /* seconds */

/* What this machine can do, measured in the same run. */
typedef struct bench_limits {
  double fma;  /* f32 FLOP/s of `threads` threads */
  double copy; /* bytes/s read and written of a copy of the size that matters here */
} bench_limits;
bench_limits bench_measure_limits(int threads);

/* A rival. open and prepare return false where it is absent or a case is not its. */
typedef struct bench_peer {
  const char *name;
  bool (*open)(int threads);
  bool (*prepare)(const bench_case *c, float *const *in, int64_t out_elements);
  double (*run)(int times); /* seconds for all of them */
  double (*checksum)(void);
  void (*finish)(void); /* ends prepare */
  void (*close)(void);
} bench_peer;

typedef struct bench_contender {
  const bench_peer *peer; /* NULL: einstride */
  int times;              /* runs a sample: short calls are timed in bulk */
  int n;
  double sample[MAX_SAMPLES]; /* seconds, sorted in the end */
} bench_contender;

typedef struct bench_row {
  const bench_case *c;
  int threads;
  double best, median; /* einstride, seconds */
  double work;         /* FLOP or bytes */
  double limit;        /* of the machine, in work a second */
  const char *peer;    /* the best one */
  double peer_best, peer_median;
  double ratio, share;
  bool wrong;
} bench_row;

void bench_print_row(const bench_row *r, const bench_contender *x, int n);
void bench_print_summary(const bench_row *rows, int n, const bench_case *cases, int n_cases);
/* False when the file cannot be written. */
bool bench_write_json(const char *path, const bench_row *rows, int n, const bench_limits limits[2]);

extern const bench_peer bench_openblas, bench_blis, bench_dnnl_plain, bench_dnnl_best, bench_numpy,
    bench_torch;

#endif
