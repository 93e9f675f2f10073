/* Every strategy that applies, on every vector width and number of threads, against
 * the loops. Operands hold small integers, so that sums are exact in every type and
 * most results must agree to the bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
    void *workspace = check(es_alloc(&heap, step.workspace));
    es_run_args args = {base, workspace, pool, NULL, error};
    step.predicted *= 1e4; /* many pieces, however small the nest */
    status = step.run(&step, &args);
    es_free(&heap, workspace, step.workspace);
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
