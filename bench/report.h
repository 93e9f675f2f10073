/* What a run says: a line a case, a summary, JSON. */
#ifndef EINSTRIDE_BENCH_REPORT_H
#define EINSTRIDE_BENCH_REPORT_H

#include "bench/suite.h"

enum { MAX_CONTENDERS = 12 };

typedef struct bench_result {
  const char *name;
  double best; /* seconds */
} bench_result;

typedef struct bench_row {
  const bench_case *c;
  int threads;
  double best, median;         /* einstride, seconds */
  double flops, read, written; /* work; bytes of operands and result */
  double limit_seconds;        /* what the machine needs; 0: no limit known */
  double peak;                 /* multiply-adds of the element type, operations a second */
  bool memory_bound;           /* by which of its limits */
  const char *peer;            /* the best one */
  double peer_best, peer_median;
  double ratio, share;
  bool wrong, verified;
  int n; /* contenders, einstride first */
  bench_result all[MAX_CONTENDERS];
} bench_row;

/* A duration of row r in the unit of its case. */
double bench_value(const bench_row *r, double seconds);
const char *bench_unit_name(bench_unit unit);
bool bench_reaches_goal(const bench_row *r);
void bench_print_head(void);
void bench_print_row(const bench_row *r);
void bench_print_summary(const bench_row *rows, int n);
/* Peaks and copy rates of the machine, for the heading and the roofs of the plots. */
enum { N_LEVELS = 4 };
extern const size_t bench_level_bytes[N_LEVELS]; /* in L1, in L2, in L3, beyond */
typedef struct bench_machine {
  int threads;
  double fma, copy[N_LEVELS];
} bench_machine;
bench_machine bench_measure_machine(int threads);
/* False when the file cannot be written. */
bool bench_write_json(const char *path, const bench_row *rows, int n, const bench_machine *machine,
                      int n_machine, bool quick);

#endif
