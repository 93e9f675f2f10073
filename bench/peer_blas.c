/* OpenBLAS and BLIS by their C interface, loaded at run time: nothing is linked,
 * and both can be there. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/data.h"
#include "bench/machine.h"
#include "bench/peer.h"

/* The four matrix products of BLAS; alpha and beta by value for real types, by address
 * for complex ones. */
typedef void (*sgemm)(int order, int transa, int transb, int m, int n, int k, float alpha,
                      const void *a, int lda, const void *b, int ldb, float beta, void *c, int ldc);
typedef void (*dgemm)(int order, int transa, int transb, int m, int n, int k, double alpha,
                      const void *a, int lda, const void *b, int ldb, double beta, void *c,
                      int ldc);
typedef void (*zgemm)(int order, int transa, int transb, int m, int n, int k, const void *alpha,
                      const void *a, int lda, const void *b, int ldb, const void *beta, void *c,
                      int ldc);

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };

typedef struct blas {
  void *library;
  sgemm s;
  dgemm d;
  zgemm c, z;
  int m, n, k, trans_a, trans_b;
  es_dtype type;
  const void *a, *b;
  void *result;
} blas;

static blas openblas, blis;

static bool load(blas *x, const char *file, const char *set_threads, int threads) {
  x->library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!x->library) return false;
  *(void **)&x->s = dlsym(x->library, "cblas_sgemm");
  *(void **)&x->d = dlsym(x->library, "cblas_dgemm");
  *(void **)&x->c = dlsym(x->library, "cblas_cgemm");
  *(void **)&x->z = dlsym(x->library, "cblas_zgemm");
  void *set = dlsym(x->library, set_threads);
  if (!x->s || !x->d || !x->c || !x->z || !set) return false;
  /* bli_thread_set_num_threads takes a 64-bit integer, OpenBLAS an int: on the ABIs
   * we run on, a long serves both. */
  void (*call)(long);
  *(void **)&call = set;
  call(threads);
  return true;
}

/* "m n k", then "tn" and the like: t for an operand that lies transposed. */
static bool prepare(blas *x, const bench_case *c, void *const *in, int64_t out_elements) {
  char trans[4] = "nn";
  if (sscanf(c->blas, "%d %d %d %3s", &x->m, &x->n, &x->k, trans) < 3) return false;
  x->type = c->type[0];
  if (x->type != ES_F32 && x->type != ES_F64 && x->type != ES_C64 && x->type != ES_C128)
    return false;
  x->trans_a = trans[0] == 't' ? TRANS : NO_TRANS;
  x->trans_b = trans[1] == 't' ? TRANS : NO_TRANS;
  x->a = in[0], x->b = in[1];
  if ((int64_t)x->m * x->n != out_elements) return false;
  x->result = bench_alloc((size_t)out_elements * es_dtype_size(x->type));
  return x->result != NULL;
}

static void multiply(const blas *x) {
  static const float one_c[2] = {1, 0}, zero_c[2] = {0, 0};
  static const double one_z[2] = {1, 0}, zero_z[2] = {0, 0};
  int lda = x->trans_a == TRANS ? x->m : x->k, ldb = x->trans_b == TRANS ? x->k : x->n;
  switch (x->type) {
  case ES_F32:
    x->s(ROW_MAJOR, x->trans_a, x->trans_b, x->m, x->n, x->k, 1, x->a, lda, x->b, ldb, 0, x->result,
         x->n);
    break;
  case ES_F64:
    x->d(ROW_MAJOR, x->trans_a, x->trans_b, x->m, x->n, x->k, 1, x->a, lda, x->b, ldb, 0, x->result,
         x->n);
    break;
  case ES_C64:
    x->c(ROW_MAJOR, x->trans_a, x->trans_b, x->m, x->n, x->k, one_c, x->a, lda, x->b, ldb, zero_c,
         x->result, x->n);
    break;
  default:
    x->z(ROW_MAJOR, x->trans_a, x->trans_b, x->m, x->n, x->k, one_z, x->a, lda, x->b, ldb, zero_z,
         x->result, x->n);
  }
}

static double run(blas *x, int times) {
  double t = bench_now();
  for (int i = 0; i < times; i++) multiply(x);
  return bench_now() - t;
}

static void finish(blas *x) {
  free(x->result);
  x->result = NULL;
}

static bool openblas_open(int threads) {
  return load(&openblas, "libopenblas.so.0", "openblas_set_num_threads", threads);
}
static double openblas_prepare(const bench_case *c, void *const *in, int64_t n) {
  return prepare(&openblas, c, in, n) ? run(&openblas, 1) : -1;
}
static double openblas_run(int times) { return run(&openblas, times); }
static const void *openblas_result(void) { return openblas.result; }
static void openblas_finish(void) { finish(&openblas); }

static bool blis_open(int threads) {
  return load(&blis, "libblis.so.4", "bli_thread_set_num_threads", threads);
}
static double blis_prepare(const bench_case *c, void *const *in, int64_t n) {
  return prepare(&blis, c, in, n) ? run(&blis, 1) : -1;
}
static double blis_run(int times) { return run(&blis, times); }
static const void *blis_result(void) { return blis.result; }
static void blis_finish(void) { finish(&blis); }

/* Their thread pools do not survive dlclose: left to the end of the process. */
static void leave(void) {}

const bench_peer bench_openblas = {"OpenBLAS",   openblas_open,   openblas_prepare,
                                   openblas_run, openblas_result, openblas_finish,
                                   leave};
const bench_peer bench_blis = {"BLIS",      blis_open,   blis_prepare, blis_run,
                               blis_result, blis_finish, leave};
