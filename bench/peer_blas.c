/* OpenBLAS and BLIS by their C interface, loaded at run time: nothing is linked,
 * and both can be there. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

typedef void (*sgemm)(int order, int transa, int transb, int m, int n, int k, float alpha,
                      const float *a, int lda, const float *b, int ldb, float beta, float *c,
                      int ldc);

enum { ROW_MAJOR = 101, NO_TRANS = 111 };

typedef struct blas {
  void *library;
  sgemm gemm;
  int m, n, k;
  const float *a, *b;
  float *c;
} blas;

static blas openblas, blis;

static bool load(blas *x, const char *file, const char *set_threads, int threads) {
  x->library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!x->library) return false;
  *(void **)&x->gemm = dlsym(x->library, "cblas_sgemm");
  void *set = dlsym(x->library, set_threads);
  if (!x->gemm || !set) return false;
  /* bli_thread_set_num_threads takes a 64-bit integer, OpenBLAS an int: on the ABIs
   * we run on, a long serves both. */
  void (*call)(long);
  *(void **)&call = set;
  call(threads);
  return true;
}

static bool prepare(blas *x, const bench_case *c, float *const *in, int64_t out_elements) {
  if (sscanf(c->blas, "%d %d %d", &x->m, &x->n, &x->k) != 3) return false;
  x->a = in[0], x->b = in[1];
  x->c = malloc((size_t)out_elements * sizeof *x->c);
  return x->c && (int64_t)x->m * x->n == out_elements;
}

static double run(blas *x, int times) {
  double t = bench_now();
  for (int i = 0; i < times; i++)
    x->gemm(ROW_MAJOR, NO_TRANS, NO_TRANS, x->m, x->n, x->k, 1, x->a, x->k, x->b, x->n, 0, x->c,
            x->n);
  return bench_now() - t;
}

static void finish(blas *x) {
  free(x->c);
  x->c = NULL;
}

static bool openblas_open(int threads) {
  return load(&openblas, "libopenblas.so.0", "openblas_set_num_threads", threads);
}
static bool openblas_prepare(const bench_case *c, float *const *in, int64_t n) {
  return prepare(&openblas, c, in, n);
}
static double openblas_run(int times) { return run(&openblas, times); }
static double openblas_checksum(void) {
  return bench_checksum(openblas.c, (int64_t)openblas.m * openblas.n);
}
static void openblas_finish(void) { finish(&openblas); }

static bool blis_open(int threads) {
  return load(&blis, "libblis.so.4", "bli_thread_set_num_threads", threads);
}
static bool blis_prepare(const bench_case *c, float *const *in, int64_t n) {
  return prepare(&blis, c, in, n);
}
static double blis_run(int times) { return run(&blis, times); }
static double blis_checksum(void) { return bench_checksum(blis.c, (int64_t)blis.m * blis.n); }
static void blis_finish(void) { finish(&blis); }

/* Their thread pools do not survive dlclose: left to the end of the process. */
static void leave(void) {}

const bench_peer bench_openblas = {"OpenBLAS",   openblas_open,     openblas_prepare,
                                   openblas_run, openblas_checksum, openblas_finish,
                                   leave};
const bench_peer bench_blis = {"BLIS",        blis_open,   blis_prepare, blis_run,
                               blis_checksum, blis_finish, leave};
