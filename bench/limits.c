/* What the machine can do: independent multiply-adds in registers, and memory read,
 * written or copied by plain loops. The functions keep the compiler's choice of
 * instructions out of it: vectors of the widest kind, each with its own target. */
#include "bench/limits.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bench/data.h"
#include "bench/machine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define WIDE __attribute__((target("avx512f"), noinline))
#define NARROW __attribute__((target("avx2,fma"), noinline))
#endif

/* ---- multiply-adds ------------------------------------------------------------------ */

#if defined(__x86_64__)
/* Twelve accumulators hide the latency of two ports. Each function returns operations. */
enum { CHAINS = 12, TURNS = 100000 };

/* One probe: its vectors, its target, and the statement of one multiply-add. The loop of
 * turns is the caller's, so that this stays a list of instructions. */
typedef float f32x16 __attribute__((vector_size(64)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));
typedef double f64x4 __attribute__((vector_size(32)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef int64_t i64x8 __attribute__((vector_size(64)));
typedef int32_t i32x8 __attribute__((vector_size(32)));

#define PROBE_NAME multiply_add_f32_64
#define PROBE_TARGET WIDE
#define PROBE_VECTOR f32x16
#define PROBE_STEP(acc, a, b) acc += a * b
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_f64_64
#define PROBE_TARGET WIDE
#define PROBE_VECTOR f64x8
#define PROBE_STEP(acc, a, b) acc += a * b
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_i32_64
#define PROBE_TARGET WIDE
#define PROBE_VECTOR i32x16
#define PROBE_STEP(acc, a, b) acc += a * b
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_i64_64
#define PROBE_TARGET __attribute__((target("avx512f,avx512dq"), noinline))
#define PROBE_VECTOR i64x8
#define PROBE_STEP(acc, a, b) acc += a * b
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_i16_64
#define PROBE_TARGET __attribute__((target("avx512f,avx512vnni"), noinline))
#define PROBE_VECTOR i32x16
#define PROBE_STEP(acc, a, b)                                                                      \
  acc = (i32x16)_mm512_dpwssd_epi32((__m512i)acc, (__m512i)a, (__m512i)b)
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_i8_64
#define PROBE_TARGET __attribute__((target("avx512f,avx512vnni"), noinline))
#define PROBE_VECTOR i32x16
#define PROBE_STEP(acc, a, b)                                                                      \
  acc = (i32x16)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)a, (__m512i)b)
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_bf16_64
#define PROBE_TARGET __attribute__((target("avx512f,avx512bf16"), noinline))
#define PROBE_VECTOR f32x16
#define PROBE_STEP(acc, a, b)                                                                      \
  acc = (f32x16)_mm512_dpbf16_ps((__m512)acc, (__m512bh)(__m512)a, (__m512bh)(__m512)b)
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_f32_32
#define PROBE_TARGET NARROW
#define PROBE_VECTOR f32x8
#define PROBE_STEP(acc, a, b) acc += a * b
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_f64_32
#define PROBE_TARGET NARROW
#define PROBE_VECTOR f64x4
#define PROBE_STEP(acc, a, b) acc += a * b
#include "bench/limits_fma.inc.h"

#define PROBE_NAME multiply_add_i32_32
#define PROBE_TARGET NARROW
#define PROBE_VECTOR i32x8
#define PROBE_STEP(acc, a, b) acc += a * b
#include "bench/limits_fma.inc.h"
#endif

/* Operations of one run; 0: no such instruction here. */
static double multiply_adds(es_dtype type) {
#if defined(__x86_64__)
  const double runs = (double)CHAINS * TURNS * 2;
  bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  bool narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool dots = __builtin_cpu_supports("avx512vnni");
  if (type == ES_I8 && dots) return multiply_add_i8_64(), runs * 64;
  if (type == ES_I16 && dots) return multiply_add_i16_64(), runs * 32;
  if (type == ES_BF16 && __builtin_cpu_supports("avx512bf16"))
    return multiply_add_bf16_64(), runs * 32;
  if (type == ES_F32 && wide) return multiply_add_f32_64(), runs * 16;
  if (type == ES_F32 && narrow) return multiply_add_f32_32(), runs * 8;
  if (type == ES_F64 && wide) return multiply_add_f64_64(), runs * 8;
  if (type == ES_F64 && narrow) return multiply_add_f64_32(), runs * 4;
  if (type == ES_I32 && wide) return multiply_add_i32_64(), runs * 16;
  if (type == ES_I32 && narrow) return multiply_add_i32_32(), runs * 8;
  if (type == ES_I64 && wide) return multiply_add_i64_64(), runs * 8;
#endif
  (void)type;
  return 0;
}

static double multiply_add_rate(es_dtype type) {
  double t = bench_now(), operations = multiply_adds(type);
  return operations / (bench_now() - t);
}

/* The better of the instruction for the type and of widening its elements first, which
 * costs nothing that a large product would notice. */
static double best_rate(es_dtype type) {
  switch (type) {
  case ES_C64: return multiply_add_rate(ES_F32);
  case ES_C128: return multiply_add_rate(ES_F64);
  case ES_BF16: return fmax(multiply_add_rate(ES_BF16), multiply_add_rate(ES_F32));
  case ES_U8: type = ES_I8; /* fall through */
  case ES_I8:
  case ES_I16: return fmax(multiply_add_rate(type), multiply_add_rate(ES_I32));
  default: return multiply_add_rate(type);
  }
}

/* ---- memory -------------------------------------------------------------------------- */

typedef long long v8 __attribute__((vector_size(64), aligned(64), may_alias));

#if defined(__x86_64__)
#define FASTEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FASTEST __attribute__((noinline))
#endif

FASTEST static long long read_all(const char *from, size_t bytes) {
  const v8 *p = (const v8 *)from;
  v8 a = {0}, b = a, c = a, d = a;
  for (size_t i = 0; i + 4 <= bytes / sizeof *p; i += 4)
    a |= p[i], b |= p[i + 1], c |= p[i + 2], d |= p[i + 3];
  a |= b | c | d;
  return a[0] | a[1] | a[2] | a[3] | a[4] | a[5] | a[6] | a[7];
}

FASTEST static void write_all(char *to, size_t bytes) {
  v8 *p = (v8 *)to, value = {1, 2, 3, 4, 5, 6, 7, 8};
  for (size_t i = 0; i + 4 <= bytes / sizeof *p; i += 4) {
    p[i] = value, p[i + 1] = value, p[i + 2] = value, p[i + 3] = value;
    __asm__ volatile("" : : "r"(p) : "memory"); /* stores, not a call of memset */
  }
}

FASTEST static void copy_all(char *to, const char *from, size_t bytes) {
  v8 *p = (v8 *)to;
  const v8 *q = (const v8 *)from;
  for (size_t i = 0; i + 2 <= bytes / sizeof *p; i += 2) {
    p[i] = q[i], p[i + 1] = q[i + 1];
    __asm__ volatile("" : : "r"(p) : "memory"); /* not a call of memcpy */
  }
}

#if defined(__x86_64__)
WIDE static void write_past(char *to, size_t bytes) {
  __m512i *p = (__m512i *)(void *)to, value = _mm512_set1_epi32(7);
  for (size_t i = 0; i < bytes / sizeof *p; i++) _mm512_stream_si512(p + i, value);
  _mm_sfence();
}

WIDE static void copy_past(char *to, const char *from, size_t bytes) {
  __m512i *p = (__m512i *)(void *)to;
  const __m512i *q = (const __m512i *)(const void *)from;
  for (size_t i = 0; i < bytes / sizeof *p; i++)
    _mm512_stream_si512(p + i, _mm512_load_si512(q + i));
  _mm_sfence();
}
static bool can_pass(void) { return __builtin_cpu_supports("avx512f"); }
#else
static void write_past(char *to, size_t bytes) { write_all(to, bytes); }
static void copy_past(char *to, const char *from, size_t bytes) { memcpy(to, from, bytes); }
static bool can_pass(void) { return false; }
#endif

/* The memory of one thread, kept from probe to probe. */
typedef struct area {
  char *data;
  size_t bytes;
} area;

static volatile long long sink;

static bool reserve(area *a, size_t bytes) {
  if (a->bytes >= bytes) return true;
  free(a->data);
  a->data = bench_alloc(bytes);
  a->bytes = a->data ? bytes : 0;
  if (a->data) memset(a->data, 1, bytes);
  return a->data != NULL;
}

/* The ways to store: by a plain loop, past the caches, as the C library does. */
enum { PLAIN, PAST, LIBRARY, WAYS };

/* Once over `bytes` of memory, half of them each way for a copy. */
static void pass(bench_probe probe, char *data, size_t bytes, int way) {
  size_t half = bytes / 2 / 64 * 64;
  if (probe == PROBE_READ) sink = read_all(data, bytes);
  if (probe == PROBE_WRITE && way == PLAIN) write_all(data, bytes);
  if (probe == PROBE_WRITE && way == PAST) write_past(data, bytes);
  if (probe == PROBE_WRITE && way == LIBRARY) memset(data, 3, bytes);
  if (probe == PROBE_COPY && way == PLAIN) copy_all(data, data + half, half);
  if (probe == PROBE_COPY && way == PAST) copy_past(data, data + half, half);
  if (probe == PROBE_COPY && way == LIBRARY) memcpy(data, data + half, half);
}

/* The best way, over enough passes for the clock. */
static double memory_rate(bench_probe probe, area *a, size_t bytes) {
  const size_t whole = bytes / 256 * 256 + 256;
  if (!reserve(a, whole)) return 0;
  size_t passes = ((size_t)2 << 20) / whole + 1;
  double best = 0;
  for (int way = 0; way < (probe == PROBE_READ ? 1 : WAYS); way++) {
    if (way == PAST && !can_pass()) continue;
    if (passes > 1) pass(probe, a->data, whole, way);
    double t = bench_now();
    for (size_t i = 0; i < passes; i++) pass(probe, a->data, whole, way);
    double rate = (double)passes * (double)whole / (bench_now() - t);
    if (rate > best) best = rate;
  }
  return best;
}

/* ---- threads --------------------------------------------------------------------------- */

enum { MOST = 64 };

typedef struct job {
  bench_probe probe;
  es_dtype type;
  size_t bytes; /* of one thread */
  int threads, cpu;
  atomic_int *ready;
  area *area;
  double rate;
} job;

static void *work(void *arg) {
  job *j = arg;
  if (j->probe != PROBE_MULTIPLY_ADD) reserve(j->area, j->bytes + 512);
  atomic_fetch_add(j->ready, 1);
  while (atomic_load(j->ready) < j->threads) {
  }
  if (j->probe != PROBE_MULTIPLY_ADD) {
    j->rate = memory_rate(j->probe, j->area, j->bytes);
    return NULL;
  }
  j->rate = best_rate(j->type);
  return NULL;
}

double bench_probe_run(bench_probe probe, es_dtype type, size_t bytes, int threads) {
  static area areas[MOST];
  job jobs[MOST];
  pthread_t thread[MOST];
  atomic_int ready = 0;
  if (threads > MOST) threads = MOST;
  cpu_set_t allowed, other;
  bench_unpin();
  sched_getaffinity(0, sizeof allowed, &allowed);
  bench_pin();
  int cpu = -1;
  for (int i = 0; i < threads; i++) {
    do cpu = (cpu + 1) % CPU_SETSIZE;
    while (!CPU_ISSET(cpu, &allowed));
    jobs[i] = (job){probe, type, bytes / (size_t)threads, threads, cpu, &ready, &areas[i], 0};
  }
  for (int i = 1; i < threads; i++) {
    if (pthread_create(&thread[i], NULL, work, &jobs[i])) return 0;
    CPU_ZERO(&other);
    CPU_SET(jobs[i].cpu, &other);
    pthread_setaffinity_np(thread[i], sizeof other, &other);
  }
  work(&jobs[0]);
  double sum = jobs[0].rate;
  for (int i = 1; i < threads; i++) pthread_join(thread[i], NULL), sum += jobs[i].rate;
  return sum;
}
