/* How far results lie from the truth: the worst |error| / (u G) over many data, u the unit
 * roundoff of the type, G the same expression on absolute values, the truth in twice the bits of
 * long double (in once those where it takes an exponential). Prints a table and holds it to bounds.
 *
 *   numerics [K [SUMS]]   reductions up to K terms (layers: to 4,608), then SUMS sums of each of
 *                         some lengths; 65,536 and 100,000, the whole, by default */
#include <float.h>
#include <math.h>

#include "einstride/layers.h"
#include "tests/suites/suite.h"

enum { ISAS = 3, MOST_ROWS = 24, MOST_COLUMNS = 40, SAMPLES = 12 };
static const es_isa isas[ISAS] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
static es_ctx *contexts[ISAS];

typedef enum data { UNIT, SIGNED, WIDE, CANCELLING, SPECIAL, DATA } data;
static const char *const data_names[DATA] = {"[0,1]", "[-1,1]", "wide", "cancelling", "special"};

static uint64_t random_state = 88172645463325252u;
static double uniform(void) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (double)(random_state >> 11) * 0x1p-53;
}
static int roll(int sides) { return (int)(uniform() * sides); }

/* Special: zeros of both signs, the smallest normal and subnormal numbers, large ones whose
 * products still fit. */
static double value(data d, es_dtype dtype) {
  bool single = dtype == ES_F32;
  const double special[] = {
      0,        -0.0,   single ? 0x1p-149 : 0x1p-1074, single ? 0x1p-126 : 0x1p-1022, -0x1p-60, 1,
      0x1.8p50, -0x1p50};
  switch (d) {
  case UNIT: return uniform();
  case WIDE: return ldexp(2 * uniform() - 1, roll(61) - 30);
  case SPECIAL: return roll(2) ? special[roll(8)] : 2 * uniform() - 1;
  default: return 2 * uniform() - 1;
  }
}

/* ---- sums of products ----------------------------------------------------------------------- */

/* Output (i, j) is the sum over p < k of a[at_a] * b[at_b]; b NULL: of a alone. */
typedef struct extents {
  int64_t m, n, k;
} extents;
typedef struct sum_kind {
  const char *name, *text;
  int64_t m, n; /* most rows and columns */
  int rank_a, rank_b, rank_out;
  void (*shapes)(extents s, int64_t *a, int64_t *b);
  int64_t (*at_a)(extents s, int64_t i, int64_t j, int64_t p);
  int64_t (*at_b)(extents s, int64_t i, int64_t j, int64_t p);
  es_reducer reducer;
  double bound[2]; /* f32, f64 */
} sum_kind;

#define AT(name, expression)                                                                       \
  static int64_t name(extents s, int64_t i, int64_t j, int64_t p) {                                \
    (void)s, (void)i, (void)j, (void)p;                                                            \
    return expression;                                                                             \
  }
#define SHAPES(name, a0, a1, a2, b0, b1, b2)                                                       \
  static void name(extents s, int64_t *a, int64_t *b) {                                            \
    (void)s;                                                                                       \
    a[0] = a0, a[1] = a1, a[2] = a2, b[0] = b0, b[1] = b1, b[2] = b2;                              \
  }
AT(row_major, i *s.k + p)
AT(column_major, p *s.m + i)
AT(right, p *s.n + j)
AT(right_turned, j *s.k + p)
AT(vector, p)
AT(window, (p / 3) * (s.n + 2) + j + p % 3)
AT(own_window, i *(s.n + s.k - 1) + j + p)
SHAPES(shape_matmul, s.m, s.k, 0, s.k, s.n, 0)
SHAPES(shape_turned, s.m, s.k, 0, s.n, s.k, 0)
SHAPES(shape_left_turned, s.k, s.m, 0, s.k, s.n, 0)
SHAPES(shape_gemv, s.m, s.k, 0, s.k, 0, 0)
SHAPES(shape_gemv_turned, s.k, s.m, 0, s.k, 0, 0)
SHAPES(shape_dot, s.k, 0, 0, s.k, 0, 0)
SHAPES(shape_conv, s.m, s.k / 3, 3, s.k / 3, s.n + 2, 0)
SHAPES(shape_depthwise, s.m, s.k, 0, s.m, s.n + s.k - 1, 0)

/* Chains of multiply-adds that are added up err by a few units, by 1.1 to 1.6 in the mean square on
 * data of one sign; of 100,000 sums too none errs by more than this (count_large). f64 accumulators
 * err by the one rounding of the result; sums of f64 keep aside what they round off. */
enum { OF_CHAINS = 8 };
static const double RMS_OF_CHAINS = 1.7;
#define CHAINS                                                                                     \
  { OF_CHAINS, OF_CHAINS }
#define ONCE                                                                                       \
  { 1.01, 1.01 }
static const sum_kind kinds[] = {
    {"matmul", "i k, k j -> i j", 24, 40, 2, 2, 2, shape_matmul, row_major, right, 0, CHAINS},
    {"matmul, B turned", "i k, j k -> i j", 24, 40, 2, 2, 2, shape_turned, row_major, right_turned,
     0, CHAINS},
    {"matmul, A turned", "k i, k j -> i j", 24, 40, 2, 2, 2, shape_left_turned, column_major, right,
     0, CHAINS},
    {"matmul, 3 rows", "i k, k j -> i j", 3, 5, 2, 2, 2, shape_matmul, row_major, right, 0, CHAINS},
    {"matrix, vector", "i k, k -> i", 24, 1, 2, 1, 1, shape_gemv, row_major, vector, 0, CHAINS},
    {"turned, vector", "k i, k -> i", 24, 1, 2, 1, 1, shape_gemv_turned, column_major, vector, 0,
     CHAINS},
    {"dot", "k, k ->", 1, 1, 1, 1, 0, shape_dot, vector, vector, 0, CHAINS},
    {"convolution", "o c k, c (w+k) -> o w", 6, 33, 3, 2, 2, shape_conv, row_major, window, 0,
     CHAINS},
    {"depthwise", "c k, c (w+k) -> c w", 3, 33, 2, 2, 2, shape_depthwise, row_major, own_window, 0,
     CHAINS},
    {"sum of rows", "i k -> i", 24, 1, 2, 0, 1, shape_gemv, row_major, NULL, ES_REDUCE_SUM, ONCE},
    {"sum of columns", "k i -> i", 24, 1, 2, 0, 1, shape_gemv_turned, column_major, NULL,
     ES_REDUCE_SUM, ONCE},
    {"sum of all", "k ->", 1, 1, 1, 0, 0, shape_dot, vector, NULL, ES_REDUCE_SUM, ONCE},
    {"mean of rows",
     "i k -> i",
     24,
     1,
     2,
     0,
     1,
     shape_gemv,
     row_major,
     NULL,
     ES_REDUCE_MEAN,
     {1.01, 2.01}},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Elements of a as doubles; of f32 they fit f32. */
typedef struct problem {
  const sum_kind *kind;
  extents size;
  es_dtype dtype;
  int64_t a_shape[3], b_shape[3], a_count, b_count;
  double *a, *b;
} problem;

static int64_t product(int rank, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  return n;
}

static double rounded(double v, es_dtype dtype) { return dtype == ES_F32 ? (double)(float)v : v; }

/* Terms of the second half undo those of the first but for the last bits. */
static void make_cancelling(problem *p) {
  for (int64_t i = 0; i < p->b_count; i++) p->b[i] = 1;
  for (int64_t i = 0; i < p->size.m; i++)
    for (int64_t t = p->size.k / 2; t < 2 * (p->size.k / 2); t++) {
      double before = p->a[p->kind->at_a(p->size, i, 0, t - p->size.k / 2)];
      p->a[p->kind->at_a(p->size, i, 0, t)] = rounded(-before * (1 + 0x1p-20 * uniform()),
                                                      p->dtype);
    }
}

static problem make_problem(const sum_kind *kind, es_dtype dtype, data d, int64_t k) {
  problem p = {.kind = kind, .dtype = dtype, .size = {kind->m, kind->n, k}};
  if (kind->at_b == window) p.size.k = k = (k + 2) / 3 * 3;
  kind->shapes(p.size, p.a_shape, p.b_shape);
  p.a_count = product(kind->rank_a, p.a_shape), p.b_count = product(kind->rank_b, p.b_shape);
  p.a = malloc((size_t)p.a_count * sizeof *p.a), p.b = malloc((size_t)p.b_count * sizeof *p.b);
  REQUIRE(p.a && p.b, "no memory");
  for (int64_t i = 0; i < p.a_count; i++) p.a[i] = rounded(value(d, dtype), dtype);
  for (int64_t i = 0; i < p.b_count; i++) p.b[i] = rounded(value(d, dtype), dtype);
  if (d == CANCELLING) make_cancelling(&p);
  return p;
}

/* high + low, low at most half a unit in the last place of high. */
typedef struct pair {
  long double high, low;
} pair;
typedef struct truth {
  pair value;
  double size; /* the same of absolute values */
} truth;

/* What high + x rounds off is added to low (Knuth, The Art of Computer Programming 2, 4.2.2). */
static void add_to(pair *sum, long double x) {
  long double high = sum->high + x, part = high - sum->high;
  long double low = sum->low + ((sum->high - (high - part)) + (x - part));
  sum->high = high + low;
  sum->low = low - (sum->high - high);
}

/* a * b in products that are exact: of numbers of 24 and of 28 bits. */
static void add_product(pair *sum, double a, double b) {
  const long double a_high = (float)a, a_low = a - (double)(float)a;
  const long double b_high = (float)b, b_low = b - (double)(float)b;
  add_to(sum, a_high * b_high);
  add_to(sum, a_high * b_low);
  add_to(sum, a_low * b_high);
  add_to(sum, a_low * b_low);
}

static truth truth_at(const problem *p, int64_t i, int64_t j) {
  pair sum = {0, 0};
  long double all = 0;
  for (int64_t t = 0; t < p->size.k; t++) {
    double a = p->a[p->kind->at_a(p->size, i, j, t)];
    double b = p->kind->at_b ? p->b[p->kind->at_b(p->size, i, j, t)] : 1;
    add_product(&sum, a, b);
    all += fabsl((long double)a * b);
  }
  if (p->kind->reducer == ES_REDUCE_MEAN) {
    const long double k = (long double)p->size.k, high = sum.high / k;
    sum.low = (fmal(-high, k, sum.high) + sum.low) / k;
    sum.high = high;
    all /= k;
  }
  return (truth){sum, (double)all};
}

/* In units of u G. What subnormal results and terms round off has no part in u. */
static double units(double got, truth want, es_dtype dtype, int64_t k) {
  double u = dtype == ES_F32 ? 0x1p-24 : 0x1p-53;
  double tiny = dtype == ES_F32 ? 0x1p-150 : 0x1p-1074;
  pair off = {got, 0};
  add_to(&off, -want.value.high);
  add_to(&off, -want.value.low);
  double error = (double)fabsl(off.high) - (double)(k + 1) * tiny;
  return error <= 0 ? 0 : error / (u * want.size);
}

static es_tensor *operand(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape,
                          double *values, int64_t count) {
  return es_cast(ctx, es_wrap(ctx, ES_F64, values, count, 0, rank, shape, NULL, false, NULL, NULL),
                 dtype);
}

static double *results(const problem *p, es_ctx *ctx, bool precise) {
  int64_t count = p->size.m * p->size.n;
  double *out = malloc((size_t)count * sizeof *out);
  es_scope_push(ctx);
  es_options options = {.reducer = p->kind->reducer, .precise = precise};
  es_tensor *in[2] = {operand(ctx, p->dtype, p->kind->rank_a, p->a_shape, p->a, p->a_count)};
  if (p->kind->at_b) in[1] = operand(ctx, p->dtype, p->kind->rank_b, p->b_shape, p->b, p->b_count);
  es_tensor *y = es_einsum_into(ctx, p->kind->text, in, p->kind->at_b ? 2 : 1, &options, NULL);
  REQUIRE(y, "%s: %s", p->kind->name, es_error_text(ctx));
  REQUIRE(es_read(ctx, y, ES_F64, out, count) == ES_OK, "%s", es_error_text(ctx));
  es_scope_pop(ctx);
  return out;
}

/* ---- the table ----------------------------------------------------------------------------------
 */

typedef struct row {
  const char *name;
  double worst[3][DATA], bound[3]; /* f32, f64, precise f32 */
} row;

static void note(row *r, int column, data d, double ratio) {
  const double bound = r->bound[column];
  REQUIRE(ratio <= bound, "%s on %s data, column %d: %.3g u, more than %.3g", r->name,
          data_names[d], column, ratio, bound);
  if (ratio > r->worst[column][d]) r->worst[column][d] = ratio;
}

static void measure(row *r, const sum_kind *kind, int t, data d, int64_t k) {
  es_dtype dtype = t ? ES_F64 : ES_F32;
  problem p = make_problem(kind, dtype, d, k);
  double *got[ISAS], *precise[ISAS];
  for (int i = 0; i < ISAS; i++) {
    got[i] = contexts[i] ? results(&p, contexts[i], false) : NULL;
    precise[i] = contexts[i] && !t ? results(&p, contexts[i], true) : NULL;
  }
  for (int s = 0; s < SAMPLES; s++) {
    int64_t i = roll((int)p.size.m), j = roll((int)p.size.n);
    truth want = truth_at(&p, i, j);
    int64_t at = i * p.size.n + j;
    for (int v = 0; v < ISAS; v++) {
      if (got[v]) note(r, t, d, units(got[v][at], want, dtype, p.size.k));
      if (precise[v]) note(r, 2, d, units(precise[v][at], want, dtype, p.size.k));
    }
    if (p.size.m * p.size.n == 1) break;
  }
  for (int i = 0; i < ISAS; i++) free(got[i]), free(precise[i]);
  free(p.a);
  free(p.b);
}

static const int64_t lengths[] = {1,   2,   3,   7,    16,   31,   64,   65,   96,    127,  128,
                                  129, 255, 576, 1000, 1024, 1025, 2304, 4608, 16384, 65536};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* Data of one sign are the hard case: more of them. */
static row products(const sum_kind *kind, int64_t most) {
  row r = {.name = kind->name, .bound = {kind->bound[0], kind->bound[1], 1.01}};
  for (int l = 0; l < LENGTHS && lengths[l] <= most; l++)
    for (data d = UNIT; d < DATA; d++)
      for (int times = d == UNIT ? 4 : 1; times--;)
        for (int t = 0; t < 2; t++) measure(&r, kind, t, d, lengths[l]);
  return r;
}

/* ---- of many sums ---------------------------------------------------------------------------- */

/* Where chains are longest or fewest for their sum, and powers of two. */
static const int64_t many_lengths[] = {16,  24,  32,   33,   40,   48,   64,  80,
                                       96,  128, 160,  192,  240,  256,  288, 384,
                                       512, 768, 1000, 1024, 2048, 4096, 8192};
enum { MANY_LENGTHS = sizeof many_lengths / sizeof *many_lengths };

/* What the worst of few does not tell: sums, or as many terms as in so many of 1,024, of all vector
 * widths in turn. */
static void count_large(data d, int64_t k, int64_t sums) {
  double worst = 0, squares = 0;
  int64_t done = 0, large = 0;
  if (k > 1024) sums = sums * 1024 / k;
  for (int v = 0; done < sums; v = (v + 1) % ISAS) {
    if (!contexts[v]) continue;
    problem p = make_problem(&kinds[0], ES_F32, d, k);
    double *got = results(&p, contexts[v], false);
    for (int64_t at = 0; at < p.size.m * p.size.n; at++, done++) {
      double ratio = units(got[at], truth_at(&p, at / p.size.n, at % p.size.n), ES_F32, k);
      worst = fmax(worst, ratio);
      squares += ratio * ratio;
      large += ratio > OF_CHAINS;
    }
    free(got), free(p.a), free(p.b);
  }
  const double rms = sqrt(squares / (double)done);
  printf("%-10s %5lld terms: %7lld sums, worst %5.2f, rms %4.2f, %lld above %d\n", data_names[d],
         (long long)k, (long long)done, worst, rms, (long long)large, OF_CHAINS);
  fflush(stdout);
  REQUIRE(!large && rms <= RMS_OF_CHAINS, "more than expected");
}

/* ---- rows that layers normalise
 * ------------------------------------------------------------------- */

/* Rows of f32 are summed in f64; rows of f64 too, in lanes of a vector: the narrower it is,
 * the longer they are. Attention adds up blocks of 128 keys in its own type. */
enum { SOFTMAX, LOGSUMEXP, LAYER_NORM, RMS_NORM, ATTENTION, LAYERS };
static const struct {
  const char *name;
  double bound[2];
} layers[LAYERS] = {{"softmax", {4, 16}},
                    {"logsumexp", {3, 4}},
                    {"layer norm", {4, 16}},
                    {"rms norm", {4, 16}},
                    {"attention", {40, 40}}};

typedef struct wide_truth {
  long double value, size;
} wide_truth;

static wide_truth softmax_at(const double *x, int64_t k, int64_t i) {
  long double most = -INFINITY, sum = 0;
  for (int64_t p = 0; p < k; p++) most = fmaxl(most, x[p]);
  for (int64_t p = 0; p < k; p++) sum += expl(x[p] - most);
  long double y = expl(x[i] - most) / sum;
  return (wide_truth){y, y * (1 + fabsl(x[i] - most))}; /* x - most is rounded too */
}
static wide_truth logsumexp_of(const double *x, int64_t k) {
  long double most = -INFINITY, sum = 0;
  for (int64_t p = 0; p < k; p++) most = fmaxl(most, x[p]);
  for (int64_t p = 0; p < k; p++) sum += expl(x[p] - most);
  return (wide_truth){most + logl(sum), fabsl(most) + logl(sum) + 1};
}
static wide_truth norm_at(const double *x, int64_t k, int64_t i, bool rms) {
  long double mean = 0, size = 0, square = 0;
  for (int64_t p = 0; !rms && p < k; p++) mean += x[p], size += fabsl(x[p]);
  mean /= (long double)k, size /= (long double)k;
  for (int64_t p = 0; p < k; p++) square += (x[p] - mean) * (x[p] - mean);
  long double scale = 1 / sqrtl(square / (long double)k + 1e-5L);
  return (wide_truth){(x[i] - mean) * scale, (fabsl((long double)x[i]) + size) * scale};
}

/* Scores err by u times their own size in absolute values, and so do the weights. */
enum { DEPTH = 24 };
static wide_truth attention_at(const double *q, const double *x, int64_t k, int64_t e) {
  long double *s = malloc((size_t)k * sizeof *s), *g = malloc((size_t)k * sizeof *g);
  long double most = -INFINITY, sum = 0, value = 0, size = 0, scale = 1 / sqrtl(DEPTH);
  for (int64_t p = 0; p < k; p++) {
    s[p] = g[p] = 0;
    for (int d = 0; d < DEPTH; d++) {
      long double term = (long double)q[d] * x[p * DEPTH + d] * scale;
      s[p] += term, g[p] += fabsl(term);
    }
    most = fmaxl(most, s[p]);
  }
  for (int64_t p = 0; p < k; p++) sum += expl(s[p] - most);
  for (int64_t p = 0; p < k; p++) {
    long double w = expl(s[p] - most) / sum;
    value += w * x[p * DEPTH + e];
    size += w * fabsl((long double)x[p * DEPTH + e]) * (1 + g[p]);
  }
  free(s), free(g);
  return (wide_truth){value, size};
}

static es_tensor *layer(es_ctx *ctx, int which, es_tensor *x, es_tensor *q) {
  switch (which) {
  case SOFTMAX: return es_softmax(ctx, x, -1);
  case LOGSUMEXP: return es_reduce_axes(ctx, ES_REDUCE_LOGSUMEXP, x, (int[]){1}, 1, false);
  case LAYER_NORM: return es_layer_norm(ctx, x, 1, NULL, NULL, 1e-5);
  case RMS_NORM: return es_rms_norm(ctx, x, 1, NULL, 1e-5);
  default: return es_scaled_dot_product_attention(ctx, q, x, x, NULL, false, 0, false);
  }
}

static wide_truth layer_at(int which, const double *x, const double *q, int64_t k, int64_t r,
                           int64_t i) {
  const double *own = x + r * k;
  switch (which) {
  case SOFTMAX: return softmax_at(own, k, i);
  case LOGSUMEXP: return logsumexp_of(own, k);
  case LAYER_NORM: return norm_at(own, k, i, false);
  case RMS_NORM: return norm_at(own, k, i, true);
  default: return attention_at(q + r * DEPTH, x, k, i);
  }
}

static void measure_layer(row *r, int which, int t, data d, int64_t k) {
  es_dtype dtype = t ? ES_F64 : ES_F32;
  bool attends = which == ATTENTION;
  int64_t rows = 3, x_shape[] = {attends ? k : rows, attends ? DEPTH : k}, q_shape[] = {3, DEPTH};
  int64_t count = x_shape[0] * x_shape[1], width = attends ? DEPTH : which == LOGSUMEXP ? 1 : k;
  double *x = malloc((size_t)count * sizeof *x), q[3 * DEPTH],
         *got = malloc(sizeof *got * 3 * (size_t)width);
  REQUIRE(x && got, "no memory");
  for (int64_t i = 0; i < count; i++) x[i] = rounded(value(d, dtype), dtype);
  for (int i = 0; i < 3 * DEPTH; i++) q[i] = rounded(value(d, dtype), dtype);
  double u = t ? 0x1p-53 : 0x1p-24, tiny = t ? DBL_MIN : FLT_MIN;
  for (int v = 0; v < ISAS && contexts[v]; v++) {
    es_ctx *ctx = contexts[v];
    es_scope_push(ctx);
    es_tensor *y = layer(ctx, which, operand(ctx, dtype, 2, x_shape, x, count),
                         operand(ctx, dtype, 2, q_shape, q, 3 * DEPTH));
    REQUIRE(y && es_read(ctx, y, ES_F64, got, 3 * width) == ES_OK, "%s", es_error_text(ctx));
    es_scope_pop(ctx);
    for (int s = 0; s < 4; s++) {
      int64_t at = roll(3), i = roll((int)width);
      wide_truth want = layer_at(which, x, q, k, at, i);
      long double error = fabsl(got[at * width + i] - want.value) - tiny * (long double)k;
      note(r, t, d, error <= 0 ? 0 : (double)(error / (u * want.size)));
    }
  }
  free(x), free(got);
}

static row normalised(int which, int64_t most) {
  row r = {.name = layers[which].name, .bound = {layers[which].bound[0], layers[which].bound[1]}};
  for (int l = 0; l < LENGTHS && lengths[l] <= most && lengths[l] <= 4608; l++)
    for (data d = UNIT; d <= SIGNED; d++)
      for (int t = 0; t < 2; t++)
        for (int times = 0; times < 3; times++) measure_layer(&r, which, t, d, lengths[l]);
  return r;
}

static void print_row(const row *r) {
  static const char *const columns[] = {"f32", "f64", "f32 precise"};
  for (int c = 0; c < 3; c++) {
    if (r->bound[c] == 0) continue;
    printf("%-18s %-10s", c ? "" : r->name, columns[c]);
    for (data d = UNIT; d < DATA; d++) printf(" %10.3f", r->worst[c][d]);
    printf("   %.3g\n", r->bound[c]);
  }
  fflush(stdout);
}

int main(int argc, char **argv) {
  int64_t most = suite_count(argc, argv, 1, 65536);
  int64_t sums = suite_count(argc, argv, 2, 100000);
  double start = suite_seconds();
  for (int i = 0; i < ISAS; i++) {
    contexts[i] = es_ctx_create(&(es_config){.threads = 1});
    REQUIRE(contexts[i], "no memory");
    if (es_set_isa(contexts[i], isas[i]) != ES_OK) es_ctx_destroy(contexts[i]), contexts[i] = NULL;
  }
  printf("%-29s", "|error| / (u G)");
  for (data d = UNIT; d < DATA; d++) printf(" %10s", data_names[d]);
  printf("   bound\n");
  for (int i = 0; i < KINDS + LAYERS; i++) {
    row r = i < KINDS ? products(&kinds[i], most) : normalised(i - KINDS, most);
    print_row(&r);
  }
  for (data d = UNIT; d <= WIDE; d += WIDE - UNIT)
    for (int i = 0; i < MANY_LENGTHS && many_lengths[i] <= most; i++)
      count_large(d, many_lengths[i], sums);
  for (int i = 0; i < ISAS; i++) es_ctx_destroy(contexts[i]);
  printf("%.0f s\n", suite_seconds() - start);
  return 0;
}
