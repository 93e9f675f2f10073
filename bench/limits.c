/* Limits of the machine: a loop of independent fused multiply-adds, and a copy. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

typedef float v16 __attribute__((vector_size(64)));

/* 24 accumulators hide the latency of two FMA ports. Never called without AVX-512. */
#if defined(__x86_64__)
__attribute__((target("avx512f,fma"), noinline)) static float fma_512(long turns) {
  v16 acc[24];
  for (int i = 0; i < 24; i++) acc[i] = (v16){(float)i};
  v16 a = (v16){1.0f} + 0.5f, b = (v16){1e-6f};
  for (long t = 0; t < turns; t++) {
    __asm__ volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 24
    for (int i = 0; i < 24; i++) acc[i] += a * b;
  }
  float sum = 0;
  for (int i = 0; i < 24; i++) sum += acc[i][0];
  return sum;
}
typedef float v8 __attribute__((vector_size(32)));
__attribute__((target("avx2,fma"), noinline)) static float fma_256(long turns) {
  v8 acc[12];
  for (int i = 0; i < 12; i++) acc[i] = (v8){(float)i};
  v8 a = (v8){1.0f} + 0.5f, b = (v8){1e-6f};
  for (long t = 0; t < turns; t++) {
    __asm__ volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) acc[i] += a * b;
  }
  float sum = 0;
  for (int i = 0; i < 12; i++) sum += acc[i][0];
  return sum;
}
#endif

static volatile float sink;

static double fma_rate(void) {
  double best = 0;
  for (int r = 0; r < 8; r++) {
    const long turns = 400000;
    double t = bench_now(), flops = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
      sink = fma_512(turns), flops = 24.0 * 32 * (double)turns;
    else if (__builtin_cpu_supports("fma"))
      sink = fma_256(turns), flops = 12.0 * 16 * (double)turns;
#endif
    double rate = flops / (bench_now() - t);
    if (rate > best) best = rate;
  }
  return best;
}

static double copy_rate(void) {
  const size_t bytes = (size_t)64 << 20;
  char *a = malloc(bytes), *b = malloc(bytes);
  double best = 0;
  if (a && b) {
    memset(a, 1, bytes), memset(b, 2, bytes);
    for (int r = 0; r < 8; r++) {
      double t = bench_now();
      memcpy(b, a, bytes);
      double rate = 2.0 * (double)bytes / (bench_now() - t);
      if (rate > best) best = rate;
    }
  }
  free(a), free(b);
  return best;
}

static void *measure(void *limits) {
  bench_limits *l = limits;
  l->fma = fma_rate();
  l->copy = copy_rate();
  return NULL;
}

bench_limits bench_measure_limits(int threads) {
  enum { MOST = 64 };
  bench_limits each[MOST] = {{0, 0}}, sum = {0, 0};
  pthread_t thread[MOST];
  if (threads > MOST) threads = MOST;
  int started = 0;
  while (started < threads - 1 &&
         !pthread_create(&thread[started], NULL, measure, &each[started + 1]))
    started++;
  measure(&each[0]);
  for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
  for (int i = 0; i <= started; i++) sum.fma += each[i].fma, sum.copy += each[i].copy;
  return sum;
}
