/* The rivals: what is installed beside einstride. */
#ifndef EINSTRIDE_BENCH_PEER_H
#define EINSTRIDE_BENCH_PEER_H

#include "bench/suite.h"

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

#endif
