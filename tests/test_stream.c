/* Kernels that stream, at every vector width: folds of runs, elementary functions. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "einstride.h"
#include "engine/kernels/elementwise.h"
#include "engine/kernels/stream.h"

static const es_isa widths[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
enum { WIDTHS = sizeof widths / sizeof *widths };

static uint32_t random_bits(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* ---- runs ------------------------------------------------------------------------------- */

static double one_fold(es_fold fold, double acc, double x) {
  switch (fold) {
  case ES_FOLD_PROD: return acc * x;
  case ES_FOLD_MAX: return x > acc ? x : acc;
  case ES_FOLD_MIN: return x < acc ? x : acc;
  default: return acc + x;
  }
}

static void put(es_dtype type, void *at, int64_t i, double x) {
  if (type == ES_I64)
    ((int64_t *)at)[i] = (int64_t)x;
  else if (type == ES_F32)
    ((float *)at)[i] = (float)x;
  else
    ((double *)at)[i] = x;
}
static double get(es_dtype type, const void *at, int64_t i) {
  return type == ES_I64   ? (double)((const int64_t *)at)[i]
         : type == ES_F32 ? (double)((const float *)at)[i]
                          : ((const double *)at)[i];
}

/* rows runs of n small integers, step apart, in memory that ends with the last; type: of
 * the accumulators, from: of the elements. */
static void check_runs(es_fold_runs runs, es_fold fold, es_dtype type, es_dtype from, int64_t n,
                       int64_t rows, int64_t step) {
  int64_t size = (int64_t)es_dtype_size(from), last = (rows - 1) * step + n;
  char *a = malloc((size_t)(last * size)), acc[8 * 64], low[8 * 64] = {0}, alone[8], none[8] = {0};
  double want[64];
  uint32_t state = (uint32_t)(n * 977 + rows);
  for (int64_t i = 0; i < last; i++) {
    int value = (int)(random_bits(&state) % 7) - 3;
    put(from, a, i, fold == ES_FOLD_PROD ? 1 - 2 * (value & 1) : value);
  }
  for (int64_t r = 0; r < rows; r++) {
    put(type, acc, r, want[r] = 1);
    for (int64_t i = 0; i < n; i++) want[r] = one_fold(fold, want[r], get(from, a, r * step + i));
  }
  runs(acc, low, a, n, rows, step);
  for (int64_t r = 0; r < rows; r++) {
    cr_assert_eq(get(type, acc, r), want[r], "fold %d type %d n %d rows %d: %g, not %g", fold, type,
                 (int)n, (int)rows, get(type, acc, r), want[r]);
    put(type, alone, 0, 1);
    runs(alone, none, a + r * step * size, n, 1, 0);
    cr_assert_eq(get(type, alone, 0), want[r]);
  }
  free(a);
}

Test(stream, runs_of_every_length) {
  static const int64_t rows[] = {1, 2, 7, 8, 16, 19};
  static const es_dtype types[] = {ES_I64, ES_F32, ES_F64};
  for (int w = 0; w < WIDTHS; w++) {
    const es_kernels *kernels = es_kernels_select(widths[w]);
    if (!kernels) continue;
    for (int64_t n = 1; n < 300; n += n < 40 ? 1 : 37)
      for (int q = 0; q < 6; q++)
        for (int64_t step = n; step < n + 4; step += 3) {
          for (int t = 0; t < 3; t++)
            for (int fold = 0; fold < ES_FOLDS; fold++) {
              es_fold_runs runs = kernels->stream->fold_runs[fold][types[t]];
              if (runs) check_runs(runs, (es_fold)fold, types[t], types[t], n, rows[q], step);
            }
          check_runs(kernels->stream->widen_runs, ES_FOLD_SUM, ES_F64, ES_F32, n, rows[q], step);
        }
  }
}

/* A run has the same bits alone and among others, whose lanes are folded side by side. */
Test(stream, a_run_has_the_bits_it_has_among_others) {
  enum { ROWS = 19, LONGEST = 300 };
  static double a[ROWS * LONGEST];
  static float b[ROWS * LONGEST];
  uint32_t state = 1;
  for (int i = 0; i < ROWS * LONGEST; i++) {
    a[i] = (double)random_bits(&state) * 0x1p-20 - 7;
    b[i] = (float)a[i];
  }
  for (int w = 0; w < WIDTHS; w++) {
    const es_kernels *kernels = es_kernels_select(widths[w]);
    if (!kernels) continue;
    for (int64_t n = 1; n <= LONGEST; n += 13) {
      double acc[ROWS] = {0}, low[ROWS] = {0}, wide[ROWS] = {0};
      kernels->stream->fold_runs[ES_FOLD_SUM2][ES_F64](acc, low, a, n, ROWS, LONGEST);
      kernels->stream->widen_runs(wide, NULL, b, n, ROWS, LONGEST);
      for (int r = 0; r < ROWS; r++) {
        double one[2] = {0}, other = 0;
        kernels->stream->fold_runs[ES_FOLD_SUM2][ES_F64](&one[0], &one[1], a + r * LONGEST, n, 1,
                                                         0);
        kernels->stream->widen_runs(&other, NULL, b + r * LONGEST, n, 1, 0);
        cr_assert_eq(one[0], acc[r]);
        cr_assert_eq(one[1], low[r]);
        cr_assert_eq(other, wide[r]);
      }
    }
  }
}

/* Sums of products of n small integers, which are exact, so that a column or a lane in another's
 * place shows. ahead: as from memory. */
static void check_chains(const es_stream_kernels *kernels, es_dtype type, bool one_b, int count,
                         int64_t n, int64_t ahead) {
  enum { MOST = 32, STEP = 73 };
  static char value[2][MOST * STEP * 8];
  const void *in[2][MOST] = {{0}};
  char sum[8 * MOST];
  uint32_t state = 9;
  for (int l = 0; l < count; l++) {
    put(type, sum, l, l);
    for (int i = 0; i < 2; i++) {
      in[i][l] = value[i] + l * STEP * (int64_t)es_dtype_size(type);
      for (int64_t k = 0; k < STEP; k++)
        put(type, value[i], l * STEP + k, (double)(random_bits(&state) % 31) - 15);
    }
  }
  kernels->mad_chains[type](sum, in[0], in[1], one_b, count, n, ahead);
  for (int64_t l = 0; l < count; l++) {
    double want = (double)l;
    for (int64_t k = 0; k < n; k++)
      want += get(type, value[0], l * STEP + k) * get(type, value[1], (one_b ? 0 : l * STEP) + k);
    cr_assert_eq(get(type, sum, l), want, "type %d n %d lane %d of %d", type, (int)n, (int)l,
                 count);
  }
}

Test(stream, chains_side_by_side) {
  static const es_dtype types[] = {ES_F32, ES_F64};
  for (int w = 0; w < WIDTHS; w++) {
    const es_kernels *kernels = es_kernels_select(widths[w]);
    if (!kernels) continue;
    for (int t = 0; t < 2; t++)
      for (int64_t n = 0; n <= 70; n++) {
        const int lanes = kernels->stream->lanes[types[t]];
        for (int one_b = 0; one_b < 2; one_b++)
          for (int64_t ahead = 0; ahead <= 64; ahead += 64)
            check_chains(kernels->stream, types[t], one_b, lanes, n, ahead);
        check_chains(kernels->stream, types[t], true, ES_CHAINS_TWICE * lanes, n, 0);
      }
  }
}

/* NaN wins wherever it stands, and -0 < +0, in runs of every length. */
Test(stream, extremes_of_runs) {
  enum { ROWS = 17, N = 150 };
  static float a[ROWS * N];
  for (int w = 0; w < WIDTHS; w++) {
    const es_kernels *kernels = es_kernels_select(widths[w]);
    if (!kernels) continue;
    for (int64_t n = 1; n <= N; n += n < 20 ? 1 : 43)
      for (int64_t at = 0; at < n; at++)
        for (int rows = 1; rows <= ROWS; rows += ROWS - 1) {
          float high[ROWS], low[ROWS];
          for (int r = 0; r < ROWS; r++) {
            for (int64_t i = 0; i < n; i++) a[r * n + i] = r % 2 ? -0.0f : 0.0f;
            a[r * n + at] = r % 3 == 0 ? NAN : r % 2 ? 0.0f : -0.0f;
            high[r] = -INFINITY, low[r] = INFINITY;
          }
          kernels->stream->fold_runs[ES_FOLD_MAX][ES_F32](high, NULL, a, n, rows, n);
          kernels->stream->fold_runs[ES_FOLD_MIN][ES_F32](low, NULL, a, n, rows, n);
          for (int r = 0; r < rows; r++) {
            if (r % 3 == 0) {
              cr_assert(isnan(high[r]) && isnan(low[r]), "width %d n %d at %d", w, (int)n, (int)at);
              continue;
            }
            bool plus = r % 2 || n > 1, minus = !(r % 2) || n > 1;
            cr_assert(high[r] == 0 && !signbit(high[r]) == plus, "max, n %d row %d", (int)n, r);
            cr_assert(low[r] == 0 && !!signbit(low[r]) == minus, "min, n %d row %d", (int)n, r);
          }
        }
  }
}

/* ---- elementary functions ---------------------------------------------------------------- */

static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double silu(double x) { return x * sigmoid(x); }
static double gelu(double x) { return 0.5 * x * (1 + erf(x * sqrt(0.5))); }
static double gelu_tanh(double x) {
  return x * sigmoid(2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x));
}

/* Units in the last place of f32 between got and want; special values agree or not. */
static double distance(float got, double want) {
  float nearest = (float)want;
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : INFINITY;
  if (isinf(nearest) || isinf(got) || want == 0)
    return got == nearest && !signbit(got) == !signbit(nearest) ? 0 : INFINITY;
  int exponent;
  frexp(want, &exponent);
  return fabs((double)got - want) / ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

/* All exponents and signs by sampled bit patterns; the largest errors of all arguments are
 * given with the functions. Where x times a small factor is rounded near the smallest
 * number, or 1 + erf cancels, the bound is absolute. */
Test(stream, functions_are_rounded_well) {
  static const struct {
    bool activation;
    int op;
    double (*f)(double);
    double ulp, absolute;
  } rows[] = {{false, ES_EXP, exp, 0.95, 0},
              {false, ES_LOG, log, 0.95, 0},
              {false, ES_TANH, tanh, 1, 0},
              {false, ES_ERF, erf, 1.3, 0},
              {true, ES_ACTIVATION_SIGMOID, sigmoid, 2.1, 0},
              {true, ES_ACTIVATION_SILU, silu, 2.6, 1e-42},
              {true, ES_ACTIVATION_GELU, gelu, 4, 3e-7},
              {true, ES_ACTIVATION_GELU_TANH, gelu_tanh, 4, 3e-7}};
  enum { N = 509 };
  float x[N], y[N], one;
  for (int w = 0; w < WIDTHS; w++) {
    const es_kernels *kernels = es_kernels_select(widths[w]);
    if (!kernels) continue;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
      es_unary_row f = rows[r].activation ? kernels->elementwise->activation[ES_F32][rows[r].op]
                                          : kernels->elementwise->unary[ES_F32][rows[r].op];
      for (uint64_t bits = 0; bits < 1ull << 32;) {
        for (int i = 0; i < N; i++, bits += 38113) {
          uint32_t low = (uint32_t)bits;
          memcpy(&x[i], &low, sizeof low);
        }
        cr_assert_eq(f(y, x, N), N);
        for (int i = 0; i < N; i++) {
          double want = rows[r].f((double)x[i]);
          cr_assert(distance(y[i], want) <= rows[r].ulp ||
                        fabs((double)y[i] - want) <= rows[r].absolute * fmax(1, fabs(want)),
                    "width %d row %zu at %a: %a, not %a", w, r, (double)x[i], (double)y[i], want);
        }
        f(&one, &x[bits % N], 1); /* an element's bits do not depend on its place */
        cr_assert(!memcmp(&one, &y[bits % N], sizeof one) || isnan(one));
      }
    }
  }
}

Test(stream, exp_of_doubles) {
  enum { N = 100003 };
  static double x[N], y[N];
  for (int w = 0; w < WIDTHS; w++) {
    const es_kernels *kernels = es_kernels_select(widths[w]);
    if (!kernels) continue;
    for (int i = 0; i < N; i++) x[i] = -750 + 1465.0 * i / N;
    x[0] = NAN, x[1] = INFINITY, x[2] = -INFINITY, x[3] = 0, x[4] = -0.0, x[5] = 709.78;
    cr_assert_eq(kernels->elementwise->unary[ES_F64][ES_EXP](y, x, N), N);
    for (int i = 0; i < N; i++) {
      double want = exp(x[i]); /* of the C library: within one unit */
      bool same = y[i] == want || (isnan(y[i]) && isnan(want));
      cr_assert(same || fabs(y[i] - want) <= 2 * 0x1p-52 * want + 0x1p-1074,
                "%d: exp(%a) is %a, not %a", w, x[i], y[i], want);
    }
  }
}

/* ---- a single result by several threads ------------------------------------------------------ */

Test(stream, single_results_have_the_same_bits_on_any_number_of_threads) {
  static const char *const texts[] = {"i -> | sum", "i -> | max", "i -> | mean", "i, i -> "};
  static const es_dtype types[] = {ES_F32, ES_F64, ES_I64};
  enum { N = 600001 };
  double first[12] = {0};
  for (int threads = 1; threads <= 3; threads++) {
    es_ctx *es = es_ctx_create(&(es_config){.threads = threads});
    for (int t = 0; t < 3; t++) {
      es_tensor *x = es_empty(es, types[t], ES_SHAPE(N));
      uint32_t state = 5;
      for (int64_t i = 0; i < N; i++)
        put(types[t], es_data_mut(x), i,
            types[t] == ES_I64 ? random_bits(&state) % 1000 : random_bits(&state) * 0x1p-22 - 1.5);
      for (int k = 0; k < 4; k++) {
        double got, sum = 0;
        es_tensor *in[] = {x, x}, *y = es_einsum(es, texts[k], in, k == 3 ? 2 : 1, NULL);
        cr_assert_not_null(y, "%s", es_error_text(es));
        cr_assert_eq(es_read(es, y, ES_F64, &got, 1), ES_OK);
        if (threads == 1) first[t * 4 + k] = got;
        cr_assert_eq(got, first[t * 4 + k], "%s by %d threads", texts[k], threads);
        for (int64_t i = 0; i < N; i++) {
          double v = get(types[t], es_data(x), i);
          sum = k == 1 ? fmax(sum, v) : sum + (k == 3 ? v * v : v);
        }
        if (k == 2) sum /= N;
        /* Products of f32 are added up in f32, else only the result is rounded. */
        double bound = k == 3 && types[t] == ES_F32 ? 2e-6 : types[t] == ES_F32 ? 2e-7 : 1e-11;
        cr_assert_float_eq(got, sum, bound * (1 + fabs(sum)), "%s of type %d: %.17g, not %.17g",
                           texts[k], types[t], got, sum);
      }
    }
    es_ctx_destroy(es);
  }
}

/* ---- operands that rows cross ---------------------------------------------------------------- */

/* Whole numbers whose products fit any type; no zeros, whose signs depend on the
 * strategy. */
static es_tensor *small_values(es_ctx *es, es_dtype type, int rank, const int64_t *shape) {
  static const double values[] = {-3, -2, -1, 1, 2, 3};
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  double *value = malloc(sizeof *value * (size_t)n);
  uint32_t state = 7;
  for (int64_t i = 0; i < n; i++) value[i] = values[random_bits(&state) % 6];
  es_tensor *x = es_from_data(es, ES_F64, rank, shape, value), *y = es_cast(es, x, type);
  cr_assert_not_null(y, "%s", es_error_text(es));
  free(value);
  return y;
}

/* Turned over by blocks, or element by element: the same values, whatever the types, the tail of a
 * block and the number of threads. */
Test(stream, operands_that_rows_cross_are_turned_over) {
  static const char *const texts[] = {"a b, b a -> a b", "b a, b a -> a b", "n a b, b a -> n a b",
                                      "a b, n b a -> n a b", "a b, b a, b a, b a -> a b"};
  static const int64_t extents[][2] = {{4, 17}, {5, 5}, {16, 33}, {67, 513}, {70, 1030}};
  static const es_dtype types[] = {ES_I8, ES_I32, ES_BF16, ES_F32, ES_F64, ES_C64, ES_C128};
  static double value[2][2 * 3 * 70 * 1030];
  for (int threads = 1; threads <= 3; threads += 2) {
    es_ctx *es = es_ctx_create(&(es_config){.threads = threads});
    for (int d = 0; d < 7; d++)
      for (int e = 0; e < 5; e++)
        for (int t = 0; t < 5; t++) {
          const int64_t a = extents[e][0], b = extents[e][1], n = t < 4 ? 2 : 4;
          es_tensor *ab = small_values(es, types[d], 2, (int64_t[]){a, b}),
                    *ba = small_values(es, types[t % 2 ? d : d / 2], 2, (int64_t[]){b, a}),
                    *nab = small_values(es, types[d], 3, (int64_t[]){3, a, b}),
                    *nba = small_values(es, types[d], 3, (int64_t[]){3, b, a});
          es_tensor *in[][4] = {{ab, ba}, {ba, ba}, {nab, ba}, {ab, nba}, {ab, ba, ba, ba}};
          const es_options map = {.strategy = "map"}, loops = {.strategy = "loops"};
          es_tensor *got = es_einsum_into(es, texts[t], in[t], n, &map, NULL),
                    *want = es_einsum_into(es, texts[t], in[t], n, &loops, NULL);
          cr_assert(got && want, "%s", es_error_text(es));
          cr_assert_eq(es_dtype_of(got), es_dtype_of(want));
          const int64_t count = es_size(got);
          cr_assert_eq(es_read(es, got, ES_C128, value[0], count), ES_OK);
          cr_assert_eq(es_read(es, want, ES_C128, value[1], count), ES_OK);
          for (int64_t i = 0; i < 2 * count; i++)
            cr_assert(value[0][i] == value[1][i], "%s of type %d, %d x %d", texts[t], types[d],
                      (int)a, (int)b);
        }
    es_ctx_destroy(es);
  }
}
