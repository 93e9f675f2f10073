/* A caller's floating-point environment, however hostile: it changes no bit of any result,
 * not even through the threads that are started in it, and comes back unchanged. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "einstride/layers.h"
#include "support/check.h"

#if defined(__SSE__)
#include <xmmintrin.h>
enum { FTZ = 0x8000, DAZ = 0x0040, UPWARD = 0x4000, TOWARD_ZERO = 0x6000, DEFAULT = 0x1f80 };
enum { CONTROL = 0xffc0 };

/* Of the x87, on which 32-bit code runs long double and the C library: upward, to 53 bits. */
#if defined(__i386__)
enum { X87 = 0x0a7f, X87_DEFAULT = 0x037f };
static void set_x87(uint16_t word) { __asm__ volatile("fldcw %0" : : "m"(word)); }
static uint16_t get_x87(void) {
  uint16_t word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  return word;
}
#else
enum { X87, X87_DEFAULT = X87 }; /* left as it is */
static void set_x87(uint16_t word) { (void)word; }
static uint16_t get_x87(void) { return X87; }
#endif

enum {
  CONTRACTION,
  WINDOW,
  REDUCTION,
  LONG_DOUBLE,
  SOFTMAX,
  NORM,
  ATTENTION,
  ELEMENTWISE,
  LIBRARY,
  CAST,
  RANDOM,
  WORKS
};

/* Subnormal numbers, thirds, and large differences. */
static es_tensor *operand(es_ctx *ctx) {
  static float values[300 * 300];
  for (int i = 0; i < 300 * 300; i++)
    values[i] = i % 3 == 0 ? 0x1p-130f * (float)(i % 97) : (float)(i % 101) / 3 - 16;
  return es_from_data(ctx, ES_F32, 2, (const int64_t[]){300, 300}, values);
}

static es_tensor *work(es_ctx *ctx, int which, es_tensor *x) {
  switch (which) {
  case CONTRACTION: return es_einsum(ctx, "i k, j k -> i j", ES_IN(x, x), NULL);
  case WINDOW:
    return es_einsum(ctx, "(h+a-1)?0 (w+b-1)?0, (a b) w -> h w",
                     ES_IN(x, es_slice(ctx, x, 0, 0, 9, 1)), ES_SIZES({"a", 3}, {"b", 3}));
  case REDUCTION: return es_reduce(ctx, "i j -> j", ES_REDUCE_MEAN, x, NULL);
  case LONG_DOUBLE:
    es_set_strategy(ctx, "loops");
    return es_reduce(ctx, "i j -> j", ES_REDUCE_LOGSUMEXP, es_cast(ctx, x, ES_F64), NULL);
  case LIBRARY: return es_unary(ctx, ES_TANH, es_cast(ctx, x, ES_F64));
  case SOFTMAX: return es_softmax(ctx, x, -1);
  case NORM: return es_layer_norm(ctx, x, 1, NULL, NULL, 1e-5);
  case ATTENTION: return es_scaled_dot_product_attention(ctx, x, x, x, NULL, true, 0, false);
  case ELEMENTWISE: return es_binary_scalar(ctx, ES_MUL, x, 0.7, false, false);
  case CAST: return es_cast(ctx, es_cast(ctx, x, ES_F64), ES_F16);
  default: return es_randn(ctx, ES_F32, 2, (const int64_t[]){300, 300});
  }
}

Test(environment, changes_nothing_and_comes_back) {
  static const unsigned modes[] = {FTZ | DAZ, UPWARD, TOWARD_ZERO | FTZ | DAZ, DAZ};
  for (int which = 0; which < WORKS; which++)
    for (int threads = 1; threads <= 3; threads += 2) {
      es_ctx *calm = es_ctx_create(&(es_config){.threads = threads});
      es_tensor *want = work(calm, which, operand(calm));
      CHECK_OK(calm, want);
      for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        unsigned mode = DEFAULT | modes[m];
        es_ctx *ctx = es_ctx_create(&(es_config){.threads = threads});
        es_tensor *x = operand(ctx); /* before: these are the test's own divisions */
        _mm_setcsr(mode), set_x87(X87);
        es_tensor *y = work(ctx, which, x); /* the threads start here */
        unsigned after = _mm_getcsr(), x87 = get_x87();
        _mm_setcsr(DEFAULT), set_x87(X87_DEFAULT);
        CHECK_OK(ctx, y);
        cr_assert_eq(after & CONTROL, mode & CONTROL, "work %d changed the mode", which);
        cr_assert_eq(x87, X87, "work %d changed the x87", which);
        size_t bytes = (size_t)es_size(y) * es_dtype_size(es_dtype_of(y));
        cr_assert(!memcmp(es_data(y), es_data(want), bytes), "work %d, mode %x, %d threads: bits",
                  which, mode, threads);
        es_ctx_destroy(ctx);
      }
      es_ctx_destroy(calm);
    }
}
#endif
