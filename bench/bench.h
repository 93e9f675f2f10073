/* The benchmark: verify, then time einstride beside what is installed, interleaved
 * in one run. A suite is a text file of cases (suites/README.md); a contender is one
 * way to run a case. Uses the public headers only. */
#ifndef EINSTRIDE_BENCH_H
#define EINSTRIDE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "einstride.h"

enum { MAX_OPERANDS = 8, MAX_RANK = 12, MAX_CASES = 640, MAX_CONTENDERS = 12, MAX_SAMPLES = 400 };

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
} bench_case;

/* Reads a suite; returns the number of cases, -1 after a message on stderr. */
int bench_read_suite(const char *path, bench_case *cases, int cap);
es_dtype bench_out_type(const bench_case *c);

double bench_now(void); /* seconds */

/* ---- data ---------------------------------------------------------------------- */

/* Small integers: products and sums are exact in every type, so results are compared
 * exactly. The seed is the number of the operand. */
void bench_fill(void *x, es_dtype type, int64_t n, int seed);
/* Index of the first element of x that differs from y, -1 if none does. */
int64_t bench_compare(const void *x, const void *y, es_dtype type, int64_t n, double tolerance);
double bench_element(const void *x, es_dtype type, int64_t i); /* real part */
/* 64-aligned, in large pages where there are such; free() frees it. */
void *bench_alloc(size_t bytes);
int64_t bench_elements(int rank, const int64_t *shape);

/* ---- limits -------------------------------------------------------------------- */

/* What this machine can do, measured beside every row. MULTIPLY_ADD is counted in
 * FLOP, the others in bytes, a copy's both ways. */
typedef enum bench_probe { PROBE_MULTIPLY_ADD, PROBE_READ, PROBE_WRITE, PROBE_COPY } bench_probe;
/* FLOP or bytes a second of one short run on all threads together. bytes: of memory
 * that the run touches, all threads together; unused by MULTIPLY_ADD, which looks at
 * the type. 0 where the machine has no such instruction. */
double bench_probe_run(bench_probe probe, es_dtype type, size_t bytes, int threads);

/* ---- processors ---------------------------------------------------------------- */

/* Main runs on the first processor that the process may use; while libraries start
 * their threads it must be free again, or these inherit its one processor. */
void bench_pin(void);
void bench_unpin(void);

/* ---- contenders ---------------------------------------------------------------- */

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

/* A rival. open returns false where it is absent. prepare makes its operands and runs
 * once; it returns the seconds of that run, -1 for a case that is not its. */
typedef struct bench_peer {
  const char *name;
  bool (*open)(int threads);
  double (*prepare)(const bench_case *c, void *const *in, int64_t out_elements);
  double (*run)(int times);    /* seconds for all of them */
  const void *(*result)(void); /* of the last run, C order, in the type of the case */
  void (*finish)(void);        /* ends prepare */
  void (*close)(void);
} bench_peer;
extern const bench_peer bench_openblas, bench_blis, bench_dnnl_plain, bench_dnnl_best, bench_numpy,
    bench_torch, bench_einops;

/* ---- rows ---------------------------------------------------------------------- */

typedef struct bench_contender {
  const bench_peer *peer; /* NULL: einstride */
  int times;              /* runs a sample: short calls are timed in bulk */
  bool slow;              /* several times behind: not sampled any more */
  double first;           /* seconds of the run that was verified */
  int n;
  double sample[MAX_SAMPLES]; /* seconds, sorted in the end */
} bench_contender;

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
  bool memory_bound;           /* by which of its limits */
  const char *peer;            /* the best one */
  double peer_best, peer_median;
  double ratio, share;
  bool wrong, verified;
  int n; /* contenders, einstride first */
  bench_result all[MAX_CONTENDERS];
} bench_row;

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
/* The plan of a row, and what other strategies would have taken. */
void bench_print_why(const bench_own *own, const bench_row *r, const bench_options *opt);
/* Square products n = 1, 2, 3, … into a JSON file of their own. */
bool bench_sweep(const char *path, const bench_peer *const *peers, int n_peers,
                 const bench_options *opt);

/* ---- report -------------------------------------------------------------------- */

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
