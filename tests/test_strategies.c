/* Every strategy that applies, on every vector width and number of threads, against
 * the loops. Operands hold small integers, so that sums are exact in every type and
 * most results must agree to the bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/planner.h"
#include "engine/strategy.h"

enum { MAX_IN = 3, MAX_AXES = 6 };

typedef struct rng {
  uint64_t state;
} rng;

static uint32_t next(rng *r) {
  r->state = r->state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(r->state >> 33);
}
static int below(rng *r, int n) { return (int)(next(r) % (uint32_t)n); }
static bool one_in(rng *r, int n) { return below(r, n) == 0; }

/* A nest with the memory that it walks over, each array exactly as long as needed. */
typedef struct scene {
  es_arena arena;
  es_problem *p;
  int n_slots; /* operands, then the output */
  size_t bytes[MAX_IN + 1];
  char *memory[MAX_IN + 1];
  char *before; /* the output as it was */
} scene;

static void *check(void *p) {
  cr_assert(p != NULL);
  return p;
}

/* ---- random nests ------------------------------------------------------------- */

static int64_t some_extent(rng *r) {
  static const int64_t extents[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 70};
  if (one_in(r, 40)) return 0;
  return extents[below(r, sizeof extents / sizeof *extents)];
}

/* Strides of an array whose axes nest, in a random order, some reversed, some gaps. */
static void nested_strides(rng *r, int n, const int64_t *extent, int64_t *stride) {
  int order[MAX_AXES];
  for (int i = 0; i < n; i++) order[i] = i;
  for (int i = n - 1; i > 0; i--) {
    int j = below(r, i + 1), t = order[i];
    order[i] = order[j], order[j] = t;
  }
  if (one_in(r, 2))
    for (int i = 0; i < n; i++) order[i] = i;
  int64_t step = one_in(r, 5) ? 2 : 1;
  for (int i = n - 1; i >= 0; i--) {
    int a = order[i];
    stride[a] = one_in(r, 8) ? -step : step;
    step *= extent[a] > 0 ? extent[a] : 1;
    if (one_in(r, 8)) step += 3;
  }
}

/* Sets the offset so that the walk starts at the beginning of its memory; returns the
 * elements of the memory. */
static int64_t place(const es_problem *p, es_side *side) {
  int64_t low = 0, high = 0;
  for (int a = 0; a < p->rank; a++) {
    int64_t reach = p->extent[a] > 0 ? (p->extent[a] - 1) * side->stride[a] : 0;
    if (reach < 0)
      low += reach;
    else
      high += reach;
  }
  side->offset = -low;
  return high - low + 1;
}

static void fill(rng *r, es_dtype dtype, int64_t n, char *to, int most) {
  int64_t low, high;
  es_dtype_int_range(dtype, &low, &high);
  for (int64_t i = 0; i < n; i++) {
    int64_t v = below(r, 2 * most + 1) - most;
    if (low == 0 && v < 0 && dtype <= ES_I64) v = -v;
    es_scalar s = {.cls = ES_CLASS_COMPLEX, .i = v, .re = (double)v, .im = below(r, 3) - 1};
    if (dtype < ES_C64) s.cls = dtype < ES_F16 ? ES_CLASS_INT : ES_CLASS_FLOAT;
    cr_assert(es_scalar_store(dtype, to + i * (int64_t)es_dtype_size(dtype), s));
  }
}

static es_dtype promoted(const es_problem *p) {
  es_dtype d = p->in[0].dtype;
  for (int i = 1; i < p->n_in; i++) d = es_dtype_promote(d, p->in[i].dtype);
  return d;
}

static void choose_types(rng *r, es_problem *p) {
  es_dtype first = (es_dtype)below(r, ES_DTYPE_COUNT);
  for (int i = 0; i < p->n_in; i++)
    p->in[i].dtype = one_in(r, 3) ? (es_dtype)below(r, ES_DTYPE_COUNT) : first;
  es_dtype d = promoted(p);
  p->compute = es_dtype_compute(d);
  p->out.dtype = d;
  if (p->reduce == ES_REDUCE_ANY || p->reduce == ES_REDUCE_ALL) p->out.dtype = ES_BOOL;
  if (d <= ES_I64) {
    if (p->reduce == ES_REDUCE_MEAN || p->reduce == ES_REDUCE_LOGSUMEXP) p->out.dtype = ES_F64;
    if (p->reduce == ES_REDUCE_SUM || p->reduce == ES_REDUCE_PROD) p->out.dtype = ES_I64;
    if (p->reduce == ES_REDUCE_NONE && p->combine <= ES_INNER_ADD) p->out.dtype = ES_I64;
    p->wrap = one_in(r, 4);
    if (p->wrap && p->out.dtype == ES_I64 && one_in(r, 2)) p->out.dtype = ES_I8;
  } else if (one_in(r, 6)) {
    p->alpha = 2;
    p->beta = one_in(r, 2) ? 3 : 0;
  }
}

static bool scene_make(scene *s, rng *r) {
  es_allocator heap = es_allocator_default();
  es_arena_init(&s->arena, &heap);
  int n_out = below(r, 4), n_reduced = below(r, 3), n_in = 1 + below(r, MAX_IN);
  es_problem *p = check(es_problem_new(&s->arena, n_out + n_reduced, n_in, 0));
  s->p = p;
  p->n_out = n_out;
  double points = 1;
  for (int a = 0; a < p->rank; a++) {
    p->extent[a] = some_extent(r);
    points *= (double)p->extent[a];
  }
  if (points > 20000) return false;
  p->reduce = (es_reducer)(n_reduced ? 1 + below(r, ES_REDUCER_COUNT - 1) : one_in(r, 3) ? 1 : 0);
  p->combine = one_in(r, 2) ? ES_INNER_MUL : (es_inner)below(r, 6);
  p->mean_count = es_problem_taps(p);
  choose_types(r, p);
  p->out.slot = n_in;
  nested_strides(r, n_out, p->extent, p->out.stride);
  for (int i = 0; i < n_in; i++) {
    p->in[i].slot = i;
    nested_strides(r, p->rank, p->extent, p->in[i].stride);
    for (int a = 0; a < p->rank; a++) { /* some axes missing, some windows overlap */
      if (one_in(r, 4)) p->in[i].stride[a] = 0;
      if (one_in(r, 12)) p->in[i].stride[a] = 1;
    }
  }
  if (es_problem_check(p)) return false; /* complex numbers have no order */
  for (int i = 0; i <= n_in; i++) {
    es_side *side = i < n_in ? &p->in[i] : &p->out;
    int64_t n = place(p, side);
    s->bytes[i] = (size_t)n * es_dtype_size(side->dtype);
    s->memory[i] = check(malloc(s->bytes[i]));
    fill(r, side->dtype, n, s->memory[i], p->reduce == ES_REDUCE_PROD ? 1 : 3);
  }
  s->before = check(malloc(s->bytes[n_in]));
  memcpy(s->before, s->memory[n_in], s->bytes[n_in]);
  s->n_slots = n_in + 1;
  p->out_rank = n_out;
  p->out_shape = p->extent;
  p->out_strides = p->out.stride;
  return true;
}

static void scene_free(scene *s) {
  for (int i = 0; i < s->n_slots; i++) free(s->memory[i]);
  free(s->before);
  es_arena_free(&s->arena);
  *s = (scene){0};
}

/* ---- running -------------------------------------------------------------------- */

static es_status run(const scene *s, const char *name, es_isa isa, es_pool *pool, char *out,
                     char *printed, es_error *error) {
  es_allocator heap = es_allocator_default();
  es_arena arena;
  es_arena_init(&arena, &heap);
  es_plan_env env = {&arena, es_kernels_select(isa), es_pool_threads(pool)};
  es_step step;
  es_status status = es_step_make(s->p, &env, name, &step, error);
  if (status == ES_OK) {
    step.strategy->print(&step, printed, 256);
    memcpy(out, s->before, s->bytes[s->n_slots - 1]);
    void *base[MAX_IN + 1];
    for (int i = 0; i < s->n_slots; i++) base[i] = s->memory[i];
    base[s->n_slots - 1] = out;
    void *workspace = check(es_alloc(&heap, (size_t)step.workspace));
    es_run_args args = {.base = base, .workspace = workspace, .pool = pool, .error = error};
    step.predicted *= 1e4; /* many pieces, however small the nest */
    status = step.run(&step, &args);
    es_free(&heap, workspace, (size_t)step.workspace);
  }
  es_arena_free(&arena);
  return status;
}

/* u of the narrowest type a result passed through. */
static double tolerance(const es_problem *p) {
  if (p->reduce != ES_REDUCE_MEAN && p->reduce != ES_REDUCE_LOGSUMEXP) return 0;
  switch (p->out.dtype) {
  case ES_BF16: return 0x1p-7;
  case ES_F16: return 0x1p-9;
  case ES_F32:
  case ES_C64: return 0x1p-21;
  default: return 0x1p-48;
  }
}

static bool close_enough(double a, double b, double tolerance) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  return a == b || fabs(a - b) <= tolerance * (fabs(a) + 1);
}

static void compare(const scene *s, const char *want, const char *got, const char *what) {
  const es_problem *p = s->p;
  size_t size = es_dtype_size(p->out.dtype);
  for (size_t at = 0; at < s->bytes[s->n_slots - 1]; at += size) {
    es_scalar a = es_scalar_load(p->out.dtype, want + at),
              b = es_scalar_load(p->out.dtype, got + at);
    bool same = a.i == b.i && close_enough(a.re, b.re, tolerance(p)) &&
                close_enough(a.im, b.im, tolerance(p));
    if (same) continue;
    char text[2048];
    es_problem_print(p, text, sizeof text);
    cr_assert(same, "%s: element %zu is %g%+gi (%lld), loops say %g%+gi (%lld)\n%s", what,
              at / size, b.re, b.im, (long long)b.i, a.re, a.im, (long long)a.i, text);
  }
}

/* Runs seen by strategy, and of reduce by form: a test that never reaches a path would
 * prove nothing about it. */
typedef struct tally {
  int runs[16], columns, chains;
} tally;

static void try_everything(const scene *s, es_pool **pools, tally *seen) {
  static const es_isa isas[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  size_t bytes = s->bytes[s->n_slots - 1];
  char *want = check(malloc(bytes)), *got = check(malloc(bytes));
  char printed[256];
  es_error error;
  es_status expected = run(s, "loops", ES_ISA_V16, NULL, want, printed, &error);
  for (int i = 0; es_strategies[i] && expected != ES_E_EMPTY; i++) {
    const char *name = es_strategies[i]->name;
    if (!strcmp(name, "loops")) continue;
    for (int v = 0; v < 3; v++)
      for (int threads = 1; threads <= 3; threads++) {
        char what[64];
        if (!es_kernels_select(isas[v])) continue;
        es_status status = run(s, name, isas[v], pools[threads], got, printed, &error);
        if (status == ES_E_UNSUPPORTED) continue;
        snprintf(what, sizeof what, "%s v%d, %d threads", name, (int)isas[v], threads);
        cr_assert_eq(status, expected, "%s: %s", what, es_status_name(status));
        if (status == ES_OK) compare(s, want, got, what);
        seen->runs[i]++;
        seen->columns += strstr(printed, "by columns") != NULL;
        seen->chains += strstr(printed, "by runs") != NULL;
      }
  }
  free(want);
  free(got);
}

Test(strategies, agree_with_the_loops) {
  es_allocator heap = es_allocator_default();
  es_pool *pools[4] = {NULL, NULL, check(es_pool_create(&heap, 2)),
                       check(es_pool_create(&heap, 3))};
  tally seen = {0};
  rng r = {20240607};
  const char *more = getenv("NEST_SCENES");
  int scenes = more ? atoi(more) : 3000;
  for (int i = 0; i < scenes;) {
    scene s = {0};
    if (scene_make(&s, &r)) {
      try_everything(&s, pools, &seen);
      i++;
    }
    scene_free(&s);
  }
  for (int i = 0; es_strategies[i]; i++)
    cr_assert(seen.runs[i] > 300 || !strcmp(es_strategies[i]->name, "loops"), "%s ran %d times",
              es_strategies[i]->name, seen.runs[i]);
  cr_assert(seen.columns > 300 && seen.chains > 300, "%d %d", seen.columns, seen.chains);
  for (int i = 2; i < 4; i++) es_pool_destroy(pools[i]);
}

/* ---- what holds beyond agreement ------------------------------------------------- */

/* A nest of n_out output axes and one reduced axis over operands in C order, filled by
 * the caller. */
static es_problem *simple(scene *s, es_dtype dtype, es_reducer reduce, int n_in, int rank,
                          int n_out, const int64_t *extent, const int64_t (*strides)[MAX_AXES]) {
  es_allocator heap = es_allocator_default();
  es_arena_init(&s->arena, &heap);
  es_problem *p = s->p = check(es_problem_new(&s->arena, rank, n_in, 0));
  p->n_out = n_out;
  p->reduce = reduce;
  p->compute = es_dtype_compute(dtype);
  p->out.slot = n_in;
  p->out.dtype = dtype;
  int64_t step = 1;
  for (int a = rank - 1; a >= 0; a--) {
    p->extent[a] = extent[a];
    if (a < n_out) p->out.stride[a] = step, step *= extent[a];
    for (int i = 0; i < n_in; i++) p->in[i].stride[a] = strides[i][a];
  }
  for (int i = 0; i <= n_in; i++) {
    es_side *side = i < n_in ? &p->in[i] : &p->out;
    side->slot = i;
    side->dtype = dtype;
    s->bytes[i] = (size_t)place(p, side) * es_dtype_size(dtype);
    s->memory[i] = check(calloc(1, s->bytes[i]));
  }
  s->before = check(calloc(1, s->bytes[n_in]));
  s->n_slots = n_in + 1;
  p->out_rank = n_out;
  p->out_shape = p->extent;
  p->out_strides = p->out.stride;
  return p;
}

static double unit(rng *r) { return (double)next(r) * 0x1p-31; }

static void fill_real(rng *r, scene *s) {
  for (int i = 0; i + 1 < s->n_slots; i++)
    for (size_t j = 0; j < s->bytes[i] / es_dtype_size(s->p->compute); j++) {
      if (s->p->compute == ES_F32)
        ((float *)s->memory[i])[j] = (float)(unit(r) - 0.25);
      else
        ((double *)s->memory[i])[j] = unit(r) - 0.25;
    }
}

/* A row of a matrix product has the same bits alone (reduce) and among others (gemm),
 * in any layout: m k, k n with either operand transposed. */
Test(strategies, a_row_has_the_bits_it_has_in_a_batch) {
  static const int64_t sizes[][3] = {{1, 1, 9},    {1, 7, 300},  {3, 40, 256}, {20, 33, 257},
                                     {2, 3, 5000}, {17, 2, 513}, {5, 64, 2}};
  static const es_isa isas[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  rng r = {5};
  for (int dtype = ES_F32; dtype <= ES_F64; dtype++)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      for (int layout = 0; layout < 4; layout++) {
        int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        int64_t strides[2][MAX_AXES] = {{layout & 1 ? 1 : k, 0, layout & 1 ? m : 1},
                                        {0, layout & 2 ? k : 1, layout & 2 ? 1 : n}};
        scene s = {0};
        simple(&s, (es_dtype)dtype, ES_REDUCE_SUM, 2, 3, 2, (int64_t[]){m, n, k}, strides);
        fill_real(&r, &s);
        char *want = check(malloc(s.bytes[2])), *got = check(malloc(s.bytes[2])), text[256];
        for (int v = 0; v < 3; v++) {
          es_error error;
          if (!es_kernels_select(isas[v])) continue;
          es_status status = run(&s, "gemm", isas[v], NULL, want, text, &error);
          cr_assert_eq(status, ES_OK, "%s", error.message);
          status = run(&s, "reduce", isas[v], NULL, got, text, &error);
          cr_assert_eq(status, ES_OK, "%s", error.message);
          cr_assert(!memcmp(want, got, s.bytes[2]), "%s v%d, %d x %d x %d, layout %d: %s",
                    es_dtype_name((es_dtype)dtype), (int)isas[v], (int)m, (int)n, (int)k, layout,
                    text);
        }
        free(want);
        free(got);
        scene_free(&s);
      }
}

/* Sums of one operand are as good as rounded once: f32 is summed in f64, f64 with what
 * each addition rounds off. Data of one sign, where errors pile up. */
Test(strategies, sums_are_rounded_once) {
  static const es_isa isas[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  enum { K = 65536, M = 5 };
  rng r = {11};
  for (int dtype = ES_F32; dtype <= ES_F64; dtype++)
    for (int columns = 0; columns < 2; columns++) {
      scene s = {0};
      int64_t strides[1][MAX_AXES] = {{columns ? 1 : K, columns ? M : 1}};
      simple(&s, (es_dtype)dtype, ES_REDUCE_SUM, 1, 2, 1, (int64_t[]){M, K}, strides);
      long double exact[M] = {0};
      for (int64_t i = 0; i < M; i++)
        for (int64_t k = 0; k < K; k++) {
          int64_t at = i * strides[0][0] + k * strides[0][1];
          double x = unit(&r) + 0.5;
          if (dtype == ES_F32)
            x = (double)(((float *)s.memory[0])[at] = (float)x);
          else
            ((double *)s.memory[0])[at] = x;
          exact[i] += (long double)x;
        }
      char got[M * 8], text[256];
      for (int v = 0; v < 3; v++) {
        es_error error;
        if (!es_kernels_select(isas[v])) continue;
        cr_assert_eq(run(&s, "reduce", isas[v], NULL, got, text, &error), ES_OK);
        for (int i = 0; i < M; i++) {
          double sum =
              es_scalar_load((es_dtype)dtype, got + (size_t)i * es_dtype_size((es_dtype)dtype)).re;
          double u = dtype == ES_F32 ? 0x1p-24 : 0x1p-53;
          double off = fabs((double)((long double)sum - exact[i]) / (double)exact[i]);
          cr_assert(off <= 1.01 * u, "%s: off by %g u", text, off / u);
        }
      }
      scene_free(&s);
    }
}

/* NaN wins wherever it stands, and -0 is below +0: every position of every length. */
Test(strategies, max_and_min_see_nan_and_signed_zero) {
  static const es_isa isas[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  for (int64_t n = 2; n < 140; n += n < 70 ? 1 : 23)
    for (int columns = 0; columns < 2; columns++)
      for (int v = 0; v < 3; v++)
        for (int largest = 0; largest < 2; largest++) {
          scene s = {0};
          if (!es_kernels_select(isas[v])) continue;
          int64_t rows = columns ? n : 1, taps = columns ? 3 : n;
          int64_t strides[1][MAX_AXES] = {{columns ? 1 : 0, columns ? n : 1}};
          simple(&s, ES_F32, largest ? ES_REDUCE_MAX : ES_REDUCE_MIN, 1, 2, 1,
                 (int64_t[]){rows, taps}, strides);
          float *x = (float *)s.memory[0], *got = check(malloc(s.bytes[1]));
          char text[256];
          es_error error;
          for (int64_t i = 0; i < rows * taps; i++) x[i] = largest ? -0.0f : 0.0f;
          for (int64_t i = 0; i < rows * taps; i++) {
            int64_t o = columns ? i % n : 0;
            x[i] = largest ? 0.0f : -0.0f;
            cr_assert_eq(run(&s, "reduce", isas[v], NULL, (char *)got, text, &error), ES_OK);
            cr_assert(got[o] == 0 && (signbit(got[o]) == 0) == largest, "%s: zero at %d of %d",
                      text, (int)i, (int)n);
            x[i] = NAN;
            cr_assert_eq(run(&s, "reduce", isas[v], NULL, (char *)got, text, &error), ES_OK);
            cr_assert(isnan(got[o]), "%s: NaN at %d of %d", text, (int)i, (int)n);
            x[i] = largest ? -0.0f : 0.0f;
          }
          free(got);
          scene_free(&s);
        }
}

/* i8 x i8 into i8, i64 sums beyond 2^63: the position, the value and the way out. */
Test(strategies, overflow_names_the_position) {
  static const char *const names[] = {"loops", "reduce"};
  for (int i = 0; i < 2; i++) {
    scene s = {0};
    int64_t strides[1][MAX_AXES] = {{3, 1}};
    es_problem *p = simple(&s, ES_I8, ES_REDUCE_SUM, 1, 2, 1, (int64_t[]){4, 3}, strides);
    char got[64], text[256];
    es_error error;
    memset(s.memory[0], 40, 9);
    memset(s.memory[0] + 6, 43, 3); /* 129 */
    cr_assert_eq(run(&s, names[i], ES_ISA_AUTO, NULL, got, text, &error), ES_E_OVERFLOW);
    cr_assert(strstr(error.message, "(2,)") && strstr(error.message, "129") &&
                  strstr(error.message, "i8") && strstr(error.message, "i16"),
              "%s", error.message);
    p->wrap = true;
    cr_assert_eq(run(&s, names[i], ES_ISA_AUTO, NULL, got, text, &error), ES_OK);
    cr_assert_eq(((int8_t *)got)[2], -127);
    scene_free(&s);
    simple(&s, ES_I64, ES_REDUCE_SUM, 1, 2, 1, (int64_t[]){4, 3}, strides);
    for (int k = 0; k < 12; k++) ((int64_t *)s.memory[0])[k] = k % 3 == 1 ? -INT64_MAX : INT64_MAX;
    /* On the way the sum leaves 64 bits; at its end it fits. */
    cr_assert_eq(run(&s, names[i], ES_ISA_AUTO, NULL, got, text, &error), ES_OK);
    cr_assert_eq(((int64_t *)got)[3], INT64_MAX);
    ((int64_t *)s.memory[0])[4] = 1;
    cr_assert_eq(run(&s, names[i], ES_ISA_AUTO, NULL, got, text, &error), ES_E_OVERFLOW);
    cr_assert(strstr(error.message, "(1,)") && strstr(error.message, "18446744073709551615") &&
                  strstr(error.message, "f64"),
              "%s", error.message);
    scene_free(&s);
  }
}

Test(strategies, are_forced_by_name_or_refused) {
  scene s = {0};
  int64_t strides[1][MAX_AXES] = {{3, 1}};
  simple(&s, ES_F32, ES_REDUCE_SUM, 1, 2, 1, (int64_t[]){4, 3}, strides);
  char got[64], text[256];
  es_error error;
  cr_assert_eq(run(&s, "copy", ES_ISA_AUTO, NULL, got, text, &error), ES_E_UNSUPPORTED);
  cr_assert_eq(run(&s, "magic", ES_ISA_AUTO, NULL, got, text, &error), ES_E_VALUE);
  cr_assert(strstr(error.message, "copy, map, reduce, window, direct, gemm, loops"), "%s",
            error.message);
  cr_assert_eq(run(&s, NULL, ES_ISA_AUTO, NULL, got, text, &error), ES_OK);
  cr_assert(!strncmp(text, "reduce", 6), "%s", text);
  s.p->reduce = ES_REDUCE_MAX;
  s.p->extent[1] = 0;
  cr_assert_eq(run(&s, NULL, ES_ISA_AUTO, NULL, got, text, &error), ES_E_EMPTY);
  cr_assert_str_eq(error.rule, "S15");
  scene_free(&s);
}

/* Matrix product where both sides are reused, streaming where one is not. */
Test(strategies, the_choice_follows_reuse) {
  static const struct {
    const char *name;
    int n_in, n_out;
    int64_t extent[3], strides[2][MAX_AXES];
  } cases[] = {
      {"gemm", 2, 2, {96, 96, 200}, {{200, 0, 1}, {0, 200, 1}}},
      {"window", 2, 2, {96, 96, 200}, {{200, 0, 1}, {0, 1, 96}}}, /* rows: nothing packed */
      {"reduce", 2, 1, {64, 256}, {{256, 1}, {0, 1}}},            /* matrix times vector */
      {"reduce", 2, 1, {64, 256}, {{1, 64}, {0, 1}}},             /* the matrix transposed */
      {"window", 2, 2, {64, 50, 3}, {{52, 1, 1}, {3, 0, 1}}},     /* depthwise */
      {"reduce", 2, 0, {5000}, {{1}, {1}}},                       /* dot */
      {"gemm", 2, 0, {50}, {{1}, {1}}},                           /* a short one */
      {"gemm", 2, 1, {6, 50}, {{50, 1}, {0, 1}}},                 /* a few of them */
      {"reduce", 1, 1, {64, 256}, {{256, 1}}},                    /* sums */
      {"map", 2, 2, {64, 64}, {{64, 1}, {0, 1}}},                 /* broadcast */
      {"copy", 1, 2, {64, 65}, {{1, 64}}},                        /* transpose */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    scene s = {0};
    int rank = 0;
    while (rank < 3 && cases[i].extent[rank]) rank++;
    es_reducer reduce = rank > cases[i].n_out ? ES_REDUCE_SUM : ES_REDUCE_NONE;
    simple(&s, ES_F32, reduce, cases[i].n_in, rank, cases[i].n_out, cases[i].extent,
           cases[i].strides);
    char *got = check(malloc(s.bytes[cases[i].n_in])), text[256];
    es_error error;
    cr_assert_eq(run(&s, NULL, ES_ISA_AUTO, NULL, got, text, &error), ES_OK);
    cr_assert(!strncmp(text, cases[i].name, strlen(cases[i].name)), "case %d: %s", (int)i, text);
    free(got);
    scene_free(&s);
  }
}
