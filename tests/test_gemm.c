/* Contractions against sums in long double and in 128-bit integers: every variant
 * (sides exchanged, X packed or not, Y in place or not), every ISA, every edge of
 * the tiles and blocks. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/boxes.h"
#include "engine/ctx.h"
#include "engine/planner.h"
#include "engine/strategies/gemm_values.h"
#include "engine/strategies/strategies.h"
#include "support/guard.h"

enum { AXES = 8 };
enum { A = 1, B = 2, C = 4 }; /* an axis belongs to these; reduced without C */

/* An axis, outermost first in the nest. Where it lies in each array's memory is
 * given by order: the axis with the highest number is innermost there; of equals,
 * the last one. */
typedef struct axis {
  int64_t extent;
  int in;            /* A, B, C */
  int order[3];      /* in a, b, c */
  int64_t factor[3]; /* of the stride: 0 counts as 1; negative walks backwards, 2 leaves gaps */
} axis;

typedef struct array {
  es_dtype dtype;
  void *data;
  int64_t length; /* elements */
  guard memory;
} array;

typedef struct sum {
  long double re, im, size; /* size: the same sum of absolute values */
  es_i128 i;
} sum;

typedef struct instance {
  es_arena arena;
  es_problem *p;
  array array[3]; /* a, b, c */
  sum *expected;  /* of every output element, once asked for */
} instance;

/* The last element ends at a page that must not be touched. */
static void guard_array(array *a) {
  a->memory = guard_make((size_t)a->length * es_dtype_size(a->dtype), true);
  a->data = a->memory.data;
  cr_assert(a->data);
}
static void unguard_array(array *a) {
  cr_assert(guard_check(&a->memory));
  guard_free(&a->memory);
}

static uint64_t random_state = 88172645463325252u;
static uint64_t random_bits(void) {
  random_state ^= random_state << 13, random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}
/* A multiple of 1/8 in [-2, 2): f16 and bf16 hold it; sums are not exact in f32
 * once scaled by thirds. */
static double random_value(void) { return ((double)(random_bits() >> 40 & 31) - 16) / 8; }

static void fill(array *a, double scale) {
  for (int64_t i = 0; i < a->length; i++) {
    bool fraction = a->dtype >= ES_F16;
    double re = random_value() * (fraction ? scale : 4), im = random_value() * scale;
    es_class cls = es_dtype_class(a->dtype);
    int64_t whole = cls == ES_CLASS_BOOL ? re > 0
                    : a->dtype == ES_U8  ? (int64_t)fabs(re)
                                         : (int64_t)re;
    es_scalar_store(a->dtype, (char *)a->data + i * (int64_t)es_dtype_size(a->dtype),
                    (es_scalar){cls, whole, re, im});
  }
}

/* Strides of one array: innermost axis first. Returns elements needed, none behind the last one,
 * and where element 0 of the walk lies. */
static int64_t lay_out(const axis *axes, int n, int which, int64_t *stride, int64_t *offset) {
  int64_t step = 1, low = 0, length = 1;
  bool done[AXES] = {false};
  for (int turn = 0; turn < n; turn++) {
    int next = -1;
    for (int a = 0; a < n; a++)
      if ((axes[a].in >> which & 1) && !done[a] &&
          (next < 0 || axes[a].order[which] >= axes[next].order[which]))
        next = a;
    if (next < 0) break;
    done[next] = true;
    int64_t factor = axes[next].factor[which] ? axes[next].factor[which] : 1;
    stride[next] = step * factor;
    int64_t reach = (axes[next].extent ? axes[next].extent - 1 : 0) * stride[next];
    if (reach < 0) low += reach;
    length += llabs(reach);
    step *= llabs(factor) * (axes[next].extent ? axes[next].extent : 1);
  }
  *offset = -low;
  return length;
}

/* Output axes must come first. */
static instance make(const axis *axes, int n, es_dtype a, es_dtype b, es_dtype c,
                     es_dtype compute) {
  instance x = {.array = {{.dtype = a}, {.dtype = b}, {.dtype = c}}};
  es_allocator allocator = es_allocator_default();
  es_arena_init(&x.arena, &allocator);
  x.p = es_problem_new(&x.arena, n, 2, 0);
  es_problem *p = x.p;
  es_side *side[3] = {&p->in[0], &p->in[1], &p->out};
  p->n_out = 0;
  for (int i = 0; i < n; i++) {
    p->extent[i] = axes[i].extent;
    p->n_out += axes[i].in >> 2;
  }
  for (int s = 0; s < 3; s++) {
    side[s]->dtype = x.array[s].dtype;
    side[s]->slot = s;
    x.array[s].length = lay_out(axes, n, s, side[s]->stride, &side[s]->offset);
    guard_array(&x.array[s]);
    fill(&x.array[s], 1.0 / 3);
  }
  p->combine = ES_INNER_MUL;
  p->reduce = ES_REDUCE_SUM;
  p->compute = compute;
  p->out_rank = 1;
  int64_t *shape = ES_NEW_N(&x.arena, int64_t, 2);
  shape[0] = x.array[2].length, shape[1] = 1;
  p->out_shape = shape;
  p->out_strides = shape + 1;
  return x;
}

static void release(instance *x) {
  for (int s = 0; s < 3; s++) unguard_array(&x->array[s]);
  free(x->expected);
  es_arena_free(&x->arena);
}

/* ---- the reference ------------------------------------------------------------- */

static es_scalar element(const array *a, int64_t at) {
  return es_scalar_load(a->dtype, (const char *)a->data + at * (int64_t)es_dtype_size(a->dtype));
}

static sum reference(const instance *x, const int64_t *index) {
  const es_problem *p = x->p;
  sum total = {0};
  int64_t at[AXES], a0 = p->in[0].offset, b0 = p->in[1].offset;
  for (int i = 0; i < p->rank; i++) {
    at[i] = i < p->n_out ? index[i] : 0;
    if (i >= p->n_out && p->extent[i] == 0) return total;
    a0 += at[i] * p->in[0].stride[i];
    b0 += at[i] * p->in[1].stride[i];
  }
  for (;;) {
    bool present = true;
    for (int c = 0; c < p->n_constraints; c++) {
      int64_t where = p->constraint[c].base;
      for (int i = 0; i < p->rank; i++) where += p->constraint[c].coef[i] * at[i];
      present &= where >= 0 && where < p->constraint[c].extent;
    }
    const es_scalar nothing = {ES_CLASS_FLOAT, 0, 0, 0};
    es_scalar a = present ? element(&x->array[0], a0) : nothing;
    es_scalar b = present ? element(&x->array[1], b0) : nothing;
    bool whole = a.cls <= ES_CLASS_INT && b.cls <= ES_CLASS_INT;
    if (a.cls <= ES_CLASS_INT) a.re = (double)a.i;
    if (b.cls <= ES_CLASS_INT) b.re = (double)b.i;
    /* Modulo 2^128: the sums that must be exact are far smaller. */
    total.i = (es_i128)((es_u128)total.i + (es_u128)((es_i128)a.i * b.i));
    if (!whole) {
      total.re += (long double)a.re * b.re - (long double)a.im * b.im;
      total.im += (long double)a.re * b.im + (long double)a.im * b.re;
      total.size += (fabsl(a.re) + fabsl(a.im)) * (fabsl(b.re) + fabsl(b.im));
    }
    int i = p->rank - 1;
    for (; i >= p->n_out; i--) {
      a0 += p->in[0].stride[i], b0 += p->in[1].stride[i];
      if (++at[i] < p->extent[i]) break;
      a0 -= at[i] * p->in[0].stride[i], b0 -= at[i] * p->in[1].stride[i];
      at[i] = 0;
    }
    if (i < p->n_out) return total;
  }
}

static double unit(es_dtype d) {
  switch (d) {
  case ES_F16: return 0x1p-11;
  case ES_BF16: return 0x1p-8;
  case ES_F32:
  case ES_C64: return 0x1p-24;
  default: return 0x1p-53;
  }
}

/* A chain of n multiply-adds errs by at most n u times the sum of absolute values
 * (Higham, Accuracy and Stability, 3.1); a sum in chains by the length of a chain
 * plus the number of chains; two more for scaling and storing. Without fused
 * multiply-adds each product rounds too, and complex products are two. */
static double bound(const es_problem *p, double taps, double size, double value) {
  double chain = (double)es_gemm_chain((int64_t)taps), chains = ceil(taps / chain);
  double steps = 2 * (chain + chains) + 4;
  return steps * unit(p->compute) * size + 2 * unit(p->out.dtype) * fabs(value) +
         (p->out.dtype == ES_F16 ? 0x1p-24 : 0);
}

static bool next_index(const es_problem *p, int64_t *index) {
  for (int i = p->n_out - 1; i >= 0; i--) {
    if (++index[i] < p->extent[i]) return true;
    index[i] = 0;
  }
  return false;
}

static const sum *expected(instance *x) {
  if (x->expected) return x->expected;
  int64_t index[AXES] = {0}, i = 0;
  x->expected = malloc((size_t)es_problem_outputs(x->p) * sizeof(sum));
  do x->expected[i++] = reference(x, index);
  while (next_index(x->p, index));
  return x->expected;
}

static void check(instance *x, const char *what) {
  const es_problem *p = x->p;
  int64_t index[AXES] = {0};
  double taps = es_problem_taps(p);
  if (es_problem_outputs(p) == 0) return;
  const sum *next = expected(x);
  do {
    int64_t at = p->out.offset;
    for (int i = 0; i < p->n_out; i++) at += index[i] * p->out.stride[i];
    es_scalar got = element(&x->array[2], at);
    sum want = *next++;
    if (p->compute == ES_I64) {
      cr_assert_eq(got.i, (int64_t)want.i, "%s: at %lld: %lld, expected %lld", what, (long long)at,
                   (long long)got.i, (long long)want.i);
      continue;
    }
    double limit = bound(p, taps, (double)want.size, (double)want.re);
    double error = (double)fmaxl(fabsl(got.re - want.re), fabsl(got.im - want.im));
    cr_assert(error <= limit, "%s: at %lld: %.17g, expected %.17Lg, off by %g > %g", what,
              (long long)at, got.re, want.re, error, limit);
  } while (next_index(p, index));
}

/* ---- running ------------------------------------------------------------------- */

static void spoil(const array *c) {
  memset(c->data, 0xff, (size_t)c->length * es_dtype_size(c->dtype));
}

static void *aligned(size_t bytes) {
  return aligned_alloc(64, (bytes + 63) / 64 * 64 + (bytes ? 0 : 64));
}

static es_status run_plan(instance *x, const es_gemm_plan *plan, es_pool *pool) {
  size_t bytes = (size_t)es_gemm_plan_workspace(plan);
  void *workspace = aligned(bytes), *base[3];
  memset(workspace, 0xff, bytes); /* NaN: nothing may be read before it is written */
  for (int s = 0; s < 3; s++) base[s] = x->array[s].data;
  es_run_args args = {.base = base, .workspace = workspace, .pool = pool};
  es_status status = es_gemm_plan_run(plan, &args);
  free(workspace);
  return status;
}

/* Every way that is possible, each checked. */
static void check_variants(instance *x, const es_kernels *kernels, es_gemm_kind kind,
                           const char *what) {
  es_plan_env env = {.arena = &x->arena, .kernels = kernels, .threads = 1};
  int ran = 0;
  for (int v = 0; v < ES_GEMM_VARIANTS; v++) {
    es_gemm_plan plan;
    if (!es_gemm_plan_variant(x->p, &env, kind, v, &plan)) continue;
    ran++;
    cr_assert(es_gemm_axes_make(&x->arena, &plan));
    spoil(&x->array[2]);
    cr_assert_eq(run_plan(x, &plan, NULL), ES_OK);
    char label[160];
    snprintf(label, sizeof label, "%s, variant %d, ISA %d", what, v, (int)kernels->isa);
    check(x, label);
  }
  cr_assert(ran > 0, "%s", what);
}

static const es_isa isas[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
#define FOR_ISAS(kernels)                                                                          \
  for (size_t isa_ = 0; isa_ < 3; isa_++)                                                          \
    for (const es_kernels *kernels = es_kernels_select(isas[isa_]); kernels; kernels = NULL)

/* c[m n] = a[m k] b[k n]; layout: bit 0 a is k-major, 1 b is n-major, 2 c is n-major. */
static instance matrices(int64_t m, int64_t n, int64_t k, int layout, es_dtype dtype) {
  int ta = layout & 1, tb = layout >> 1 & 1, tc = layout >> 2 & 1;
  axis axes[] = {{m, A | C, {ta ? 2 : 0, 0, tc ? 2 : 0}, {0}},
                 {n, B | C, {0, tb ? 0 : 2, tc ? 0 : 2}, {0}},
                 {k, A | B, {ta ? 0 : 2, tb ? 2 : 0, 0}, {0}}};
  return make(axes, 3, dtype, dtype, dtype, es_dtype_compute(dtype));
}

static void check_matrices(int64_t m, int64_t n, int64_t k, int layout, es_dtype dtype) {
  instance x = matrices(m, n, k, layout, dtype);
  char what[120];
  snprintf(what, sizeof what, "%s %lldx%lldx%lld layout %d", es_dtype_name(dtype), (long long)m,
           (long long)n, (long long)k, layout);
  FOR_ISAS(kernels)
  check_variants(&x, kernels, es_gemm_kind_of(es_dtype_compute(dtype)), what);
  release(&x);
}

Test(gemm, every_edge_of_the_tile) {
  for (int64_t m = 1; m <= 40; m++)
    for (int64_t n = 1; n <= 40; n++) check_matrices(m, n, 3, (int)(random_bits() & 7), ES_F32);
}

Test(gemm, every_layout_and_type) {
  static const es_dtype types[] = {ES_F32, ES_F64, ES_I64, ES_C64, ES_C128};
  static const int64_t sizes[] = {1, 2, 5, 8, 17, 33};
  for (int t = 0; t < 5; t++)
    for (int layout = 0; layout < 8; layout++)
      for (int m = 0; m < 6; m++)
        for (int n = 0; n < 6; n++) check_matrices(sizes[m], sizes[n], 19, layout, types[t]);
}

Test(gemm, every_edge_of_the_chains_and_blocks) {
  static const int64_t ks[] = {0,   1,   2,   7,   255,  256,  257,  511,
                               512, 513, 768, 769, 1023, 1024, 1025, 2050};
  for (size_t i = 0; i < sizeof ks / sizeof *ks; i++)
    for (int layout = 0; layout < 8; layout += 3) check_matrices(15, 35, ks[i], layout, ES_F32);
  check_matrices(17, 19, 1025, 0, ES_F64);
  check_matrices(17, 19, 1025, 1, ES_C64);
  check_matrices(17, 19, 1025, 2, ES_C128);
  check_matrices(17, 19, 1025, 3, ES_I64);
}

Test(gemm, more_than_one_block_of_rows_and_columns) {
  check_matrices(4099, 3, 2, 0, ES_F32);
  check_matrices(3, 4099, 5, 2, ES_F32);
  check_matrices(5, 300, 1024, 0, ES_F32);
  check_matrices(19, 600, 600, 7, ES_F32);
}

Test(gemm, empty_axes) {
  for (int layout = 0; layout < 8; layout++) {
    check_matrices(0, 5, 3, layout, ES_F32);
    check_matrices(5, 0, 3, layout, ES_F32);
    check_matrices(5, 3, 0, layout, ES_F32);
    check_matrices(0, 0, 0, layout, ES_F32);
  }
}

/* ---- strides, several axes ---------------------------------------------------------- */

static void check_axes(const axis *axes, int n, es_dtype dtype, const char *what) {
  instance x = make(axes, n, dtype, dtype, dtype, es_dtype_compute(dtype));
  FOR_ISAS(kernels)
  check_variants(&x, kernels, es_gemm_kind_of(es_dtype_compute(dtype)), what);
  release(&x);
}

/* Every other element, in runs of all lengths: nothing behind the last one is read. */
Test(gemm, columns_two_apart) {
  static const es_dtype types[] = {ES_F32, ES_F64, ES_I64, ES_C64, ES_BF16};
  for (int t = 0; t < 5; t++)
    for (int64_t n = 1; n <= 40; n++)
      for (int64_t runs = 1; runs <= 3; runs += 2) {
        axis axes[] = {{17, A | C, {0, 0, 0}, {0}},
                       {runs, B | C, {0, 1, 1}, {0, 2, 0}},
                       {n, B | C, {0, 2, 2}, {0, 2, 0}},
                       {20, A | B, {1, 0, 0}, {0}}};
        check_axes(axes, 4, types[t], "two apart");
      }
}

Test(gemm, gaps_and_backward_walks) {
  static const int64_t factors[] = {1, 2, -1, -3};
  for (int f = 0; f < 4 * 4 * 4; f++) {
    int64_t p = factors[f & 3], q = factors[f >> 2 & 3], r = factors[f >> 4];
    axis axes[] = {{17, A | C, {0, 0, 0}, {p, 0, q}},
                   {37, B | C, {0, 2, 2}, {0, q, r}},
                   {18, A | B, {2, 0, 0}, {q, r, 0}}};
    check_axes(axes, 3, ES_F32, "gaps");
  }
}

Test(gemm, two_axes_each_and_a_batch) {
  for (int o = 0; o < 64; o++) {
    int a = o & 3, b = o >> 2 & 3, c = o >> 4;
    axis axes[] = {{2, A | B | C, {0, b == 1 ? 7 : 0, c == 1 ? 7 : 0}, {0}},
                   {3, A | C, {1, 0, 1}, {0}},
                   {4, B | C, {0, b == 2 ? 7 : 1, 2}, {0}},
                   {7, A | C, {a == 1 ? 7 : 2, 0, c == 2 ? 7 : 3}, {0}},
                   {9, B | C, {0, 2, c == 3 ? 7 : 4}, {0}},
                   {5, A | B, {a == 2 ? 7 : 5, b == 3 ? 7 : 5, 0}, {0}},
                   {6, A | B, {a == 3 ? 7 : 6, 6, 0}, {0}}};
    check_axes(axes, 7, ES_F32, "two axes each");
  }
}

Test(gemm, an_axis_one_side_does_not_see) {
  axis reduced[] = {{9, A | C, {0, 0, 0}, {0}},
                    {35, B | C, {0, 0, 1}, {0}},
                    {5, A | B, {1, 1, 0}, {0}},
                    {3, A, {2, 0, 0}, {0}},
                    {2, B, {0, 2, 0}, {0}}};
  check_axes(reduced, 5, ES_F32, "reduced axes seen by one operand");
  axis repeated[] = {{4, C, {0, 0, 0}, {0}},
                     {9, A | C, {1, 0, 1}, {0}},
                     {20, B | C, {0, 1, 2}, {0}},
                     {5, A | B, {2, 2, 0}, {0}}};
  check_axes(repeated, 4, ES_F32, "an output axis no operand sees");
}

/* C runs along one axis of n, the vector side along another. */
Test(gemm, columns_run_along_different_axes) {
  static const int64_t sizes[][3] = {{16, 33, 5}, {20, 24, 7},   {36, 40, 3},
                                     {48, 84, 2}, {17, 64, 600}, {48, 84, 30}};
  for (int s = 0; s < 6; s++)
    for (int t = 0; t < 3; t++) {
      static const es_dtype types[] = {ES_F32, ES_F64, ES_I64};
      axis axes[] = {{sizes[s][0], B | C, {0, 2, 0}, {0}},
                     {3, B | C, {0, 0, 1}, {0}},
                     {9, A | C, {1, 0, 2}, {0}},
                     {sizes[s][1], B | C, {0, 0, 3}, {0}},
                     {sizes[s][2], A | B, {2, 1, 0}, {0}}};
      check_axes(axes, 5, types[t], "columns along two axes");
      axes[0].order[2] = 4; /* C along the same as b */
      check_axes(axes, 5, types[t], "columns along one axis");
    }
}

/* The vector side runs along the first axis of k: several blocks of k are packed together, as
 * many as use its lines up, and what is left at either end by element. */
Test(gemm, lines_along_an_outer_axis_of_k) {
  static const int64_t sizes[][4] = {{116, 35, 40, 15}, {9, 70, 33, 7}, {12, 33, 16, 90}};
  bool ahead = false;
  for (int s = 0; s < 3; s++)
    for (int across = 0; across < 2; across++)
      for (int t = 0; t < 2; t++) {
        axis axes[] = {{sizes[s][0], A | C, {0, 0, across}, {0}},
                       {sizes[s][1], B | C, {0, 0, 0}, {0}},
                       {2, A | B, {1, 3, 0}, {0}},
                       {sizes[s][2], A | B, {2, 4, 0}, {0}},
                       {sizes[s][3], A | B, {3, 2, 0}, {0}}};
        es_dtype type = t ? ES_F64 : ES_F32;
        check_axes(axes, 5, type, "lines along an outer axis of k");
        instance x = make(axes, 5, type, type, type, type);
        FOR_ISAS(kernels) {
          es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
          es_gemm_plan plan;
          cr_assert(es_gemm_plan_variant(x.p, &env, es_gemm_kind_of(type), 2, &plan));
          cr_assert_eq(plan.y_inner, sizes[s][3]);
          ahead |= plan.ahead > 1 && plan.ahead < plan.n_kb;
        }
        release(&x);
      }
  cr_assert(ahead, "no plan packs some of its blocks of k ahead");
}

/* Few rows: the vector side is read where it lies, and results are turned over to C, which runs
 * along another axis; the larger one is written past the caches. */
Test(gemm, results_turned_over) {
  static const int64_t sizes[][5] = {
      {2, 48, 84, 24, 36}, {3, 17, 32, 3, 20}, {1, 100, 48, 20, 50}, {64, 128, 128, 4, 4}};
  for (int s = 0; s < 4; s++)
    for (int t = 0; t < 2; t++) {
      es_dtype type = t ? ES_F64 : ES_F32;
      axis axes[] = {{sizes[s][1], B | C, {0, 2, 0}, {0}},
                     {sizes[s][0], B | C, {0, 0, 1}, {0}},
                     {sizes[s][3], A | C, {0, 0, 2}, {0}},
                     {sizes[s][2], B | C, {0, -1, 3}, {0}},
                     {sizes[s][4], A | B, {1, 1, 0}, {0}}};
      instance x = make(axes, 5, type, type, type, type);
      FOR_ISAS(kernels) {
        es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
        for (int v = 4; v < 8; v += 2) { /* Y in place; X too, or packed */
          es_gemm_plan plan;
          cr_assert(es_gemm_plan_variant(x.p, &env, es_gemm_kind_of(type), v, &plan),
                    "size %d type %d variant %d lanes %d", s, t, v,
                    kernels->gemm->type[es_gemm_kind_of(type)].lanes);
          cr_assert(plan.v >= 0 && plan.stream_c == (s == 3) && es_gemm_axes_make(&x.arena, &plan));
          spoil(&x.array[2]);
          cr_assert_eq(run_plan(&x, &plan, NULL), ES_OK);
          check(&x, "results turned over");
        }
      }
      release(&x);
    }
}

/* Few rows, columns in runs that do not adjoin: read in place, by panels that overlap. */
Test(gemm, few_rows_and_runs_of_columns) {
  static const int64_t runs[] = {3, 4, 7, 8, 13, 15, 16, 17, 24, 26, 31, 32, 33, 47, 48, 54, 70};
  static const int64_t rows[] = {1, 3, 4, 9, 14};
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
    for (int m = 0; m < 5; m++)
      for (int across = 0; across < 2; across++) {
        axis axes[] = {{rows[m], A | C, {0, 0, across ? 3 : 0}, {0}},
                       {3, B | C, {0, 0, 1}, {0}},
                       {runs[i], B | C, {0, 2, 2}, {0}},
                       {5, A | B, {1, 1, 0}, {0}}};
        check_axes(axes, 4, i & 1 ? ES_F32 : ES_F64, "runs of columns");
      }
}

/* Few rows against a Y in place, by many vectors of columns: full ones, the last ones of a run that
 * overlap or are packed, several chains. Every way has the same bits. */
static void check_few(instance *x, const es_kernels *kernels, int *few) {
  const size_t bytes = (size_t)x->array[2].length * es_dtype_size(x->array[2].dtype);
  es_plan_env env = {.arena = &x->arena, .kernels = kernels, .threads = 1};
  void *one = NULL;
  for (int v = 0; v < ES_GEMM_VARIANTS; v++) {
    es_gemm_plan plan;
    if (!es_gemm_plan_variant(x->p, &env, es_gemm_kind_of(x->p->compute), v, &plan)) continue;
    cr_assert(es_gemm_axes_make(&x->arena, &plan));
    spoil(&x->array[2]);
    cr_assert_eq(run_plan(x, &plan, NULL), ES_OK);
    check(x, "few rows");
    *few += plan.few;
    if (!one) one = memcpy(malloc(bytes), x->array[2].data, bytes);
    cr_assert_arr_eq(one, x->array[2].data, bytes, "variant %d", v);
  }
  free(one);
}

Test(gemm, few_rows_and_many_columns) {
  static const int64_t ns[] = {1, 16, 129, 200, 231, 500}, ks[] = {0, 1, 33, 257, 1100, 2500};
  FOR_ISAS(kernels) {
    int few = 0;
    for (int64_t m = 1; m <= 5; m++)
      for (int i = 0; i < 6; i++) {
        int64_t n = ns[i], k = ks[(i + m) % 6], layout = i & 1 ? 4 : 0;
        instance x = matrices(m, n, k, (int)layout, m & 1 ? ES_F32 : ES_F64);
        check_few(&x, kernels, &few);
        release(&x);
        /* Runs of 31 columns, with gaps between them. */
        axis axes[] = {{m, A | C, {0, 0, 0}, {0}},
                       {7, B | C, {0, 2, 2}, {0, 1, 0}},
                       {31, B | C, {0, 3, 3}, {0, 1, 0}},
                       {40, A | B, {1, 1, 0}, {0}}};
        instance y = make(axes, 4, ES_F32, ES_F32, ES_F32, ES_F32);
        check_few(&y, kernels, &few);
        release(&y);
      }
    cr_assert_eq(few > 0, kernels->gemm->few[ES_GEMM_F32][0] != NULL);
  }
}

/* Of 500 columns that are read where they lie, 20 are no whole panel: only these are packed. */
Test(gemm, room_for_the_panels_that_are_packed) {
  FOR_ISAS(kernels) {
    instance x = matrices(10, 500, 300, 0, ES_F32);
    es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
    int in_place = 0;
    for (int v = 0; v < ES_GEMM_VARIANTS; v++) {
      es_gemm_plan plan;
      if (!es_gemm_plan_variant(x.p, &env, ES_GEMM_F32, v, &plan) || !plan.y_direct) continue;
      cr_assert(es_gemm_axes_make(&x.arena, &plan));
      cr_assert_lt(es_gemm_plan_workspace(&plan), 500 * 300 * sizeof(float) / 3, "variant %d", v);
      in_place++;
    }
    cr_assert_gt(in_place, 0);
    release(&x);
  }
}

/* Panels packed just before they are used, and the next ones asked for meanwhile. */
Test(gemm, a_large_operand_used_once) {
  for (int layout = 0; layout < 8; layout++) check_matrices(23, 5003, 61, layout, ES_F32);
  check_matrices(30, 2500, 1100, 2, ES_F32);
}

/* A result larger than the caches, written past them in runs of 24 columns, whose rows follow
 * each other or leave gaps. */
Test(gemm, a_large_result) {
  axis axes[] = {{96, A | C, {0}, {0}},
                 {92, B | C, {0}, {0}},
                 {20, A | C, {0}, {0}},
                 {24, B | C, {0}, {0}},
                 {3, A | B, {0}, {0}}};
  for (int gap = 0; gap < 2; gap++) {
    axes[2].factor[2] = 1 + gap;
    instance x = make(axes, 5, ES_F32, ES_F32, ES_F32, ES_F32);
    FOR_ISAS(kernels) {
      es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
      es_gemm_plan plan;
      cr_assert(es_gemm_plan_variant(x.p, &env, ES_GEMM_F32, 0, &plan));
      cr_assert(plan.stream_c && es_gemm_axes_make(&x.arena, &plan));
      spoil(&x.array[2]);
      cr_assert_eq(run_plan(&x, &plan, NULL), ES_OK);
      check(&x, "a large result");
    }
    release(&x);
  }
}

/* A convolution: two axes of the nest walk one axis of memory. */
static instance convolution(int64_t c, int64_t o, int64_t size, int64_t tap, int64_t step) {
  axis axes[] = {{o, B | C, {0, 0, 0}, {0}},    {size, A | C, {0, 0, 1}, {0}},
                 {size, A | C, {0, 0, 2}, {0}}, {c, A | B, {0, 1, 0}, {0}},
                 {tap, A | B, {0, 2, 0}, {0}},  {tap, A | B, {0, 3, 0}, {0}}};
  instance x = make(axes, 6, ES_F32, ES_F32, ES_F32, ES_F32);
  int64_t side = (size - 1) * step + tap, *s = x.p->in[0].stride;
  s[0] = 0, s[1] = side * step, s[2] = step, s[3] = side * side, s[4] = side, s[5] = 1;
  unguard_array(&x.array[0]);
  x.array[0].length = c * side * side;
  guard_array(&x.array[0]);
  fill(&x.array[0], 1.0 / 3);
  return x;
}

Test(gemm, convolution_from_overlapping_windows) {
  static const int64_t sizes[] = {1, 3, 7, 14, 17};
  for (int s = 0; s < 5; s++)
    for (int64_t step = 1; step <= 2; step++) {
      instance x = convolution(5, 36, sizes[s], 3, step);
      FOR_ISAS(kernels)
      check_variants(&x, kernels, ES_GEMM_F32, "convolution");
      release(&x);
    }
}

static const struct {
  int64_t c, o, size, tap, step, pad, dilation;
} layers[] = {{3, 9, 1, 3, 1, 1, 1},    {3, 36, 2, 3, 1, 1, 1},   {5, 36, 7, 3, 1, 1, 1},
              {2, 33, 14, 3, 2, 1, 1},  {3, 20, 9, 7, 2, 3, 1},   {4, 40, 17, 3, 1, 4, 4},
              {2, 8, 5, 5, 1, 4, 1},    {30, 16, 16, 3, 1, 1, 1}, {2, 8, 3, 2, 1, 9, 1},
              {3, 16, 14, 3, 1, 1, 1},  {2, 12, 15, 3, 1, 1, 1},  {2, 9, 28, 3, 1, 1, 1},
              {64, 48, 14, 3, 1, 1, 1}, {65, 33, 15, 3, 1, 1, 1}, {7, 9, 28, 2, 1, 1, 1},
              {600, 40, 2, 3, 1, 1, 1}, {33, 70, 6, 5, 1, 2, 1},  {300, 8, 5, 4, 2, 3, 1}};

static void border_of_nan(instance *x, int64_t around) {
  array *image = &x->array[0];
  for (int64_t i = 0; i < around; i++)
    for (int end = 0; end < 2; end++) {
      const int64_t at = end ? image->length - 1 - i : i;
      if (image->dtype == ES_F32) ((float *)image->data)[at] = NAN;
      if (image->dtype == ES_BF16) ((uint16_t *)image->data)[at] = 0x7fc0;
    }
}

/* Padding: taps outside the image are absent. The image is stored without a border,
 * and its surroundings hold NaN. */
static instance padded(int64_t c, int64_t o, int64_t size, int64_t tap, int64_t step, int64_t pad,
                       int64_t dilation, es_dtype dtype, es_dtype result) {
  int64_t out = (size + 2 * pad - dilation * (tap - 1) - 1) / step + 1;
  axis axes[] = {{2, A | C, {0, 0, 0}, {0}},   {o, B | C, {0, 0, 1}, {0}},
                 {out, A | C, {0, 0, 2}, {0}}, {out, A | C, {0, 0, 3}, {0}},
                 {c, A | B, {0, 1, 0}, {0}},   {tap, A | B, {0, 2, 0}, {0}},
                 {tap, A | B, {0, 3, 0}, {0}}};
  instance x = make(axes, 7, dtype, dtype, result, es_dtype_compute(dtype));
  es_problem *p = es_problem_new(&x.arena, 7, 2, 2);
  es_problem fresh = *p;
  *p = *x.p;
  p->n_constraints = 2;
  p->constraint = fresh.constraint;
  int64_t around = pad * size + pad, *s = p->in[0].stride;
  s[0] = c * size * size, s[1] = 0, s[2] = step * size, s[3] = step;
  s[4] = size * size, s[5] = dilation * size, s[6] = dilation;
  for (int i = 0; i < 2; i++) {
    p->constraint[i].base = -pad;
    p->constraint[i].extent = size;
    p->constraint[i].coef[2 + i] = step;
    p->constraint[i].coef[5 + i] = dilation;
  }
  unguard_array(&x.array[0]);
  x.array[0].length = 2 * c * size * size + 2 * around;
  guard_array(&x.array[0]);
  fill(&x.array[0], 1.0 / 3);
  p->in[0].offset = 0; /* the first tap lies pad rows and columns before the image */
  x.p = p;
  border_of_nan(&x, around);
  return x;
}

Test(gemm, padded_convolution_in_boxes) {
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    for (int t = 0; t < 4; t++) {
      static const es_dtype types[] = {ES_F32, ES_BF16, ES_I8, ES_I16};
      static const es_gemm_kind kinds[] = {ES_GEMM_F32, ES_GEMM_F32, ES_GEMM_I8, ES_GEMM_I16};
      instance x = padded(layers[i].c, layers[i].o, layers[i].size, layers[i].tap, layers[i].step,
                          layers[i].pad, layers[i].dilation, types[t], t < 2 ? types[t] : ES_I32);
      FOR_ISAS(kernels)
      if (t < 2 || kernels->dot) check_variants(&x, kernels, kinds[t], "padded convolution");
      release(&x);
    }
}

/* ---- types in memory ----------------------------------------------------------------- */

Test(gemm, storage_types) {
  static const struct {
    es_dtype a, b, c, compute;
  } rows[] = {
      {ES_F16, ES_F16, ES_F16, ES_F32},    {ES_BF16, ES_BF16, ES_BF16, ES_F32},
      {ES_F16, ES_F32, ES_F32, ES_F32},    {ES_BF16, ES_F32, ES_F64, ES_F32},
      {ES_I8, ES_F32, ES_F32, ES_F32},     {ES_F32, ES_F64, ES_F64, ES_F64},
      {ES_F64, ES_F64, ES_F32, ES_F64},    {ES_I32, ES_F64, ES_F16, ES_F64},
      {ES_F32, ES_C64, ES_C64, ES_C64},    {ES_C64, ES_F16, ES_C128, ES_C64},
      {ES_C64, ES_C128, ES_C128, ES_C128}, {ES_I64, ES_C128, ES_C128, ES_C128},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int layout = 0; layout < 4; layout++) {
      axis axes[] = {{17, A | C, {layout & 1 ? 2 : 0, 0, 0}, {layout == 3 ? 2 : 1, 0, 1}},
                     {39, B | C, {0, layout & 2 ? 0 : 2, layout == 1 ? -1 : 1}, {0, 1, 2}},
                     {70, A | B, {1, 1, 0}, {1, layout == 3 ? 3 : 1, 0}}};
      if (layout == 1) axes[1].order[2] = 0, axes[0].order[2] = 1;
      instance x = make(axes, 3, rows[i].a, rows[i].b, rows[i].c, rows[i].compute);
      FOR_ISAS(kernels)
      check_variants(&x, kernels, es_gemm_kind_of(rows[i].compute), es_dtype_name(rows[i].a));
      release(&x);
    }
}

/* A tile has more rows than panels that are read in place have columns, where runs are a vector. */
Test(gemm, converted_rows_beside_short_runs) {
  for (int64_t n = 1; n <= 4; n++)
    for (int64_t k = 1; k <= 9; k++) {
      axis axes[] = {{4, A | C, {0, 0, 0}, {2, 0, 0}},
                     {3, B | C, {0, 1, 1}, {0, 3, 0}},
                     {n, B | C, {0, 2, 2}, {0}},
                     {k, A | B, {1, 0, 0}, {0}}};
      instance x = make(axes, 4, ES_I32, ES_F64, ES_F64, ES_F64);
      FOR_ISAS(kernels) check_variants(&x, kernels, ES_GEMM_F64, "short runs");
      release(&x);
    }
}

Test(gemm, alpha_beta_and_mean) {
  static const es_dtype types[] = {ES_F32, ES_F64, ES_C64, ES_BF16};
  for (int t = 0; t < 4; t++) FOR_ISAS(kernels) {
      instance x = matrices(9, 21, 6, t, types[t]);
      x.p->alpha = 0.5, x.p->beta = -2;
      x.p->reduce = ES_REDUCE_MEAN;
      x.p->mean_count = 8; /* powers of two: exact whatever the order */
      size_t bytes = (size_t)x.array[2].length * es_dtype_size(types[t]);
      array before = x.array[2];
      before.data = malloc(bytes);
      memcpy(before.data, x.array[2].data, bytes);
      es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
      es_gemm_plan plan;
      es_gemm_plan_choose(x.p, &env, es_gemm_kind_of(x.p->compute), &plan);
      cr_assert(es_gemm_axes_make(&x.arena, &plan));
      cr_assert_eq(run_plan(&x, &plan, NULL), ES_OK);
      int64_t index[AXES] = {0};
      do {
        int64_t at = index[0] * x.p->out.stride[0] + index[1] * x.p->out.stride[1];
        double old = element(&before, at).re, got = element(&x.array[2], at).re;
        sum s = reference(&x, index);
        double want = (double)s.re / 16 - 2 * old;
        double limit = bound(x.p, 6, (double)s.size + 2 * fabs(old), want);
        cr_assert(fabs(got - want) <= limit, "%s: %g, expected %g", es_dtype_name(types[t]), got,
                  want);
      } while (next_index(x.p, index));
      free(before.data);
      release(&x);
    }
}

/* ---- integers ---------------------------------------------------------------------- */

static es_status run_step(instance *x, const es_kernels *kernels, es_error *error) {
  es_plan_env env = {.arena = &x->arena, .kernels = kernels, .threads = 1};
  es_step step;
  *error = (es_error){0};
  cr_assert_eq(es_step_make(x->p, &env, "gemm", &step, error), ES_OK, "%s", error->message);
  void *base[3], *workspace = aligned((size_t)step.workspace);
  for (int s = 0; s < 3; s++) base[s] = x->array[s].data;
  es_run_args args = {.base = base, .workspace = workspace, .error = error};
  es_status status = step.run(&step, &args);
  free(workspace);
  return status;
}

Test(gemm, integers_to_the_bit) {
  static const es_dtype types[] = {ES_BOOL, ES_U8, ES_I8, ES_I16, ES_I32, ES_I64};
  static const int64_t ks[] = {1, 200, 300, 1100};
  for (int a = 0; a < 6; a++)
    for (int b = 0; b < 6; b++)
      for (int k = 0; k < 4; k++) FOR_ISAS(kernels) {
          axis axes[] = {{7, A | C, {k & 1 ? 2 : 0, 0, 0}, {0}},
                         {18, B | C, {0, k & 2 ? 0 : 2, 1}, {0}},
                         {ks[k], A | B, {1, 1, 0}, {0}}};
          instance x = make(axes, 3, types[a], types[b], ES_I64, ES_I64);
          es_error error;
          cr_assert_eq(run_step(&x, kernels, &error), ES_OK, "%s", error.message);
          check(&x, "integers");
          release(&x);
        }
}

/* Groups of terms, over the whole range of the bytes. */
static void check_groups(int64_t m, int64_t n, int64_t k, int layout, es_dtype a, es_dtype b,
                         es_dtype c, es_gemm_kind kind) {
  int ta = layout & 1, tb = layout >> 1 & 1, tc = layout >> 2 & 1;
  axis axes[] = {{m, A | C, {ta ? 2 : 0, 0, tc ? 2 : 0}, {0}},
                 {n, B | C, {0, tb ? 0 : 2, tc ? 0 : 2}, {layout == 5 ? 2 : 1, 0, 1}},
                 {k, A | B, {ta ? 0 : 2, tb ? 2 : 0, 0}, {layout == 6 ? -1 : 1, 1, 0}}};
  instance x = make(axes, 3, a, b, c, ES_I64);
  for (int s = 0; s < 2; s++)
    for (int64_t i = 0; i < x.array[s].length; i++)
      if (x.array[s].dtype < ES_I16) ((uint8_t *)x.array[s].data)[i] = (uint8_t)random_bits();
  char what[120];
  snprintf(what, sizeof what, "%s x %s, %lldx%lldx%lld layout %d", es_dtype_name(a),
           es_dtype_name(b), (long long)m, (long long)n, (long long)k, layout);
  check_variants(&x, es_kernels_select(ES_ISA_V64), kind, what);
  release(&x);
}

Test(gemm, groups_of_short_integers) {
  static const es_dtype types[] = {ES_U8, ES_I8, ES_I16, ES_I32, ES_I64};
  static const int64_t ks[] = {0, 1, 2, 3, 4, 5, 7, 63, 64, 66, 201};
  const es_kernels *kernels = es_kernels_select(ES_ISA_V64);
  if (!kernels || !kernels->dot) return;
  for (int a = 0; a < 5; a++)
    for (int b = 0; b < 5; b++)
      for (int layout = 0; layout < 8; layout++)
        for (int k = (a + b) & 1; k < 11; k += 2) {
          int64_t m = 1 + (int64_t)(random_bits() % 40), n = 1 + (int64_t)(random_bits() % 70);
          es_dtype c = k % 3 ? ES_I32 : ES_I64;
          check_groups(m, n, ks[k], layout, types[a], types[b], c, ES_GEMM_I16);
          if (a < 2 && b < 2 && a + b > 0)
            check_groups(m, n, ks[k], layout, types[a], types[b], c, ES_GEMM_I8);
        }
  for (int layout = 0; layout < 4; layout++) { /* more than one block of k */
    check_groups(17, 40, 4500, layout, ES_I8, ES_I8, ES_I32, ES_GEMM_I8);
    check_groups(30, 20, 2100, layout, ES_I8, ES_U8, ES_I32, ES_GEMM_I16);
  }
}

/* The largest sums that their types allow; one term more is left to wider arithmetic. */
Test(gemm, sums_of_bytes_up_to_the_limit) {
  static const int64_t ks[] = {131071, 131072};
  for (int i = 0; i < 2; i++) FOR_ISAS(kernels) {
      instance x = matrices(2, 3, ks[i], 2, ES_I8);
      x.array[2].dtype = x.p->out.dtype = ES_I64;
      unguard_array(&x.array[2]);
      guard_array(&x.array[2]);
      for (int s = 0; s < 2; s++) memset(x.array[s].data, 0x80, (size_t)x.array[s].length);
      es_error error;
      cr_assert_eq(run_step(&x, kernels, &error), ES_OK, "%s", error.message);
      check(&x, "largest sums");
      release(&x);
    }
}

/* Values that decide which arithmetic is exact: the largest product of the first
 * row is just below and just above each limit. */
Test(gemm, integers_near_every_limit) {
  static const int64_t big[] = {1 << 11, 1 << 12,   1 << 15,    (1 << 15) + 1, 1 << 25,
                                1 << 26, 1LL << 30, 3037000499, INT32_MAX};
  for (size_t i = 0; i < sizeof big / sizeof *big; i++) FOR_ISAS(kernels) {
      instance x = matrices(5, 40, 3, (int)i & 7, ES_I64);
      int64_t *a = x.array[0].data, *b = x.array[1].data;
      for (int64_t q = 0; q < x.array[0].length; q++) a[q] = q % 3 ? q % 5 : big[i] - q % 2;
      for (int64_t q = 0; q < x.array[1].length; q++) b[q] = q % 4 ? -q % 7 : 1 - big[i] / 2;
      es_error error;
      cr_assert_eq(run_step(&x, kernels, &error), ES_OK, "%s", error.message);
      check(&x, "near a limit");
      release(&x);
    }
}

/* One large value, wherever it lies under the windows, decides the arithmetic for all. */
Test(gemm, a_large_integer_anywhere_is_seen) {
  static const char *const texts[] = {
      "c (h+kh) (w+kw), o c kh kw -> o h w",     "c (2*h+kh) (2*w+kw), o c kh kw -> o h w",
      "c (3*h+kh) (w+2*kw), o c kh kw -> o h w", "c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> o h w",
      "c (5*h+kh) (4*w+kw), o c kh kw -> o h w", "c (h-kh+2) (w-kw+2), o c kh kw -> o h w"};
  enum { SIDE = 8, COUNT = 2 * SIDE * SIDE };
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (int at = 0; at < 2 * COUNT; at++) {
      es_scope_push(ctx);
      es_tensor *x = es_full(ctx, ES_I64, ES_SHAPE(2, SIDE, SIDE), 1);
      es_tensor *w = es_full(ctx, ES_I64, ES_SHAPE(3, 2, 3, 3), (double)((1 << 26) + 1));
      ((int64_t *)es_data_mut(x))[at % COUNT] = (1 << 29) + 1;
      if (at >= COUNT) x = es_flip(ctx, x, 2);
      es_tensor *got[2];
      for (int plain = 0; plain < 2; plain++) {
        es_set_strategy(ctx, plain ? "loops" : "gemm");
        got[plain] = es_einsum(ctx, texts[i], (es_tensor *[]){x, w}, 2, NULL);
        cr_assert(got[plain], "%s: %s", texts[i], es_error_text(ctx));
      }
      cr_assert_eq(memcmp(es_data(got[0]), es_data(got[1]), (size_t)es_size(got[0]) * 8), 0,
                   "%s, at %d", texts[i], at);
      es_scope_pop(ctx);
    }
  es_ctx_destroy(ctx);
}

/* Terms that leave 64 bits while the sum does not. */
Test(gemm, integer_terms_cancel_beyond_64_bits) {
  instance x = matrices(2, 2, 2, 0, ES_I64);
  int64_t *a = x.array[0].data, *b = x.array[1].data;
  a[0] = INT64_MAX, a[1] = INT64_MAX, a[2] = 1, a[3] = 2;
  b[0] = 1000, b[1] = 3, b[2] = -1000, b[3] = 4;
  b[1] = -4;
  es_error error;
  cr_assert_eq(run_step(&x, es_kernels_select(ES_ISA_AUTO), &error), ES_OK, "%s", error.message);
  check(&x, "cancelling terms");
  release(&x);
}

Test(gemm, overflow_names_the_position) {
  instance x = matrices(3, 4, 5, 0, ES_I8);
  int8_t *a = x.array[0].data, *b = x.array[1].data;
  memset(a, 1, (size_t)x.array[0].length);
  memset(b, 1, (size_t)x.array[1].length);
  memset(a + 10, 30, 5); /* row 2: sums of 150 */
  es_error error;
  cr_assert_eq(run_step(&x, es_kernels_select(ES_ISA_AUTO), &error), ES_E_OVERFLOW);
  cr_assert(strstr(error.message, "150") && strstr(error.message, "(8,)"), "%s", error.message);
  release(&x);
}

Test(gemm, wrap_keeps_the_low_bits) {
  static const es_dtype types[] = {ES_U8, ES_I8, ES_I16, ES_I32, ES_I64};
  for (int t = 0; t < 5; t++) FOR_ISAS(kernels) {
      instance x = matrices(6, 20, 9, t, types[t]);
      x.p->wrap = true;
      size_t size = es_dtype_size(types[t]);
      for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < (size_t)x.array[s].length * size; i++)
          ((unsigned char *)x.array[s].data)[i] = (unsigned char)random_bits();
      es_error error;
      cr_assert_eq(run_step(&x, kernels, &error), ES_OK, "%s", error.message);
      int64_t index[AXES] = {0};
      do {
        int64_t at = index[0] * x.p->out.stride[0] + index[1] * x.p->out.stride[1];
        es_i128 total = reference(&x, index).i; /* 9 terms below 2^126 fit */
        int64_t want = (int64_t)total;
        if (types[t] == ES_U8) want = (uint8_t)total;
        if (types[t] == ES_I8) want = (int8_t)total;
        if (types[t] == ES_I16) want = (int16_t)total;
        if (types[t] == ES_I32) want = (int32_t)total;
        cr_assert_eq(element(&x.array[2], at).i, want);
      } while (next_index(x.p, index));
      release(&x);
    }
}

Test(gemm, pairs_of_booleans) {
  FOR_ISAS(kernels) {
    instance x = matrices(9, 40, 11, 2, ES_BOOL);
    x.p->reduce = ES_REDUCE_ANY;
    x.p->combine = ES_INNER_AND;
    for (int s = 0; s < 2; s++)
      for (int64_t i = 0; i < x.array[s].length; i++)
        ((uint8_t *)x.array[s].data)[i] = random_bits() % 4 == 0;
    es_error error;
    cr_assert_eq(run_step(&x, kernels, &error), ES_OK, "%s", error.message);
    int64_t index[AXES] = {0};
    do {
      int64_t at = index[0] * x.p->out.stride[0] + index[1] * x.p->out.stride[1];
      cr_assert_eq(element(&x.array[2], at).i, reference(&x, index).i > 0);
    } while (next_index(x.p, index));
    release(&x);
  }
}

/* Terms of one sign, where errors cannot hide behind cancellation: within 8 units of
 * rounding, as promised beside es_gemm_chain. */
Test(gemm, chains_keep_the_error_small) {
  static const int64_t ks[] = {32,  33,  48,   64,   128,  129,   192,  256,
                               384, 512, 1000, 1025, 4096, 16384, 65536};
  for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
    instance x = matrices(8, 16, ks[i], 0, ES_F32);
    for (int s = 0; s < 2; s++)
      for (int64_t q = 0; q < x.array[s].length; q++)
        ((float *)x.array[s].data)[q] = (float)(random_bits() >> 40) * 0x1p-24f;
    es_error error;
    cr_assert_eq(run_step(&x, es_kernels_select(ES_ISA_AUTO), &error), ES_OK);
    const sum *want = expected(&x);
    for (int64_t q = 0; q < x.array[2].length; q++) {
      double units = fabs((double)(((float *)x.array[2].data)[q] - want[q].re)) * 0x1p24;
      cr_assert(units <= 8 * (double)want[q].re, "k %lld: %g units", (long long)ks[i],
                units / (double)want[q].re);
    }
    release(&x);
  }
}

/* ---- the same bits --------------------------------------------------------------------- */

static void run_threads(instance *x, int threads, es_pool *pool) {
  es_plan_env env = {
      .arena = &x->arena, .kernels = es_kernels_select(ES_ISA_AUTO), .threads = threads};
  es_gemm_plan plan;
  es_gemm_plan_choose(x->p, &env, es_gemm_kind_of(x->p->compute), &plan);
  cr_assert(es_gemm_axes_make(&x->arena, &plan));
  spoil(&x->array[2]);
  cr_assert_eq(run_plan(x, &plan, pool), ES_OK);
}

Test(gemm, same_bits_for_any_threads) {
  static const int64_t sizes[][3] = {{150, 170, 300}, {700, 33, 90}, {40, 900, 1100}};
  es_allocator allocator = es_allocator_default();
  for (int s = 0; s < 3; s++) {
    instance x = matrices(sizes[s][0], sizes[s][1], sizes[s][2], s, ES_F32);
    size_t bytes = (size_t)x.array[2].length * 4;
    void *one = malloc(bytes);
    run_threads(&x, 1, NULL);
    memcpy(one, x.array[2].data, bytes);
    for (int threads = 2; threads <= 5; threads++) {
      es_pool *pool = es_pool_create(&allocator, threads);
      run_threads(&x, threads, pool);
      cr_assert_arr_eq(one, x.array[2].data, bytes, "%d threads", threads);
      es_pool_destroy(pool);
    }
    free(one);
    release(&x);
  }
}

/* Each element alone, each layout, each way to run them: the bits of the whole. */
static void check_same_bits(es_dtype dtype) {
  enum { M = 17, N = 37, K = 600 };
  const size_t size = es_dtype_size(dtype);
  instance x = matrices(M, N, K, 0, dtype);
  char *whole = malloc(M * N * size), *c = x.array[2].data;
  FOR_ISAS(kernels) {
    es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
    for (int v = 0; v < ES_GEMM_VARIANTS; v++) {
      es_gemm_plan plan;
      if (!es_gemm_plan_variant(x.p, &env, es_gemm_kind_of(dtype), v, &plan)) continue;
      cr_assert(es_gemm_axes_make(&x.arena, &plan));
      cr_assert_eq(run_plan(&x, &plan, NULL), ES_OK);
      if (v == 0) memcpy(whole, c, M * N * size);
      cr_assert_arr_eq(whole, c, M * N * size, "variant %d", v);
    }
    for (int layout = 1; layout < 8; layout++) {
      instance y = matrices(M, N, K, layout, dtype);
      const char *a = x.array[0].data, *b = x.array[1].data;
      char *ya = y.array[0].data, *yb = y.array[1].data;
      const int64_t *sa = y.p->in[0].stride, *sb = y.p->in[1].stride, *sc = y.p->out.stride;
      for (int64_t k = 0; k < K; k++) {
        for (int64_t i = 0; i < M; i++)
          memcpy(ya + (i * sa[0] + k * sa[2]) * size, a + (i * K + k) * size, size);
        for (int64_t j = 0; j < N; j++)
          memcpy(yb + (j * sb[1] + k * sb[2]) * size, b + (k * N + j) * size, size);
      }
      es_error error;
      cr_assert_eq(run_step(&y, kernels, &error), ES_OK);
      const char *yc = y.array[2].data;
      for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j < N; j++)
          cr_assert_eq(
              memcmp(whole + (i * N + j) * size, yc + (i * sc[0] + j * sc[1]) * size, size), 0,
              "%s layout %d at (%d, %d)", es_dtype_name(dtype), layout, (int)i, (int)j);
      release(&y);
    }
    for (int i = 0; i < M; i++)
      for (int j = 0; j < N; j += 5) {
        es_problem *all = x.p, *one = es_problem_copy(&x.arena, all);
        one->extent[0] = one->extent[1] = 1;
        one->in[0].offset += i * K;
        one->in[1].offset += j;
        one->out.offset += i * N + j;
        x.p = one;
        memset(c + (i * N + j) * size, 0xff, size);
        es_error error;
        cr_assert_eq(run_step(&x, kernels, &error), ES_OK);
        x.p = all;
        cr_assert_eq(memcmp(whole + (i * N + j) * size, c + (i * N + j) * size, size), 0,
                     "%s (%d, %d) alone", es_dtype_name(dtype), i, j);
      }
  }
  free(whole);
  release(&x);
}

/* Boxes that take blocks of a long k in turn, their chains open between them: the bits of each
 * box alone, for any number of threads, however the sides are treated. */
static void check_turns(instance *x, es_gemm_kind kind) {
  const size_t bytes = (size_t)x->array[2].length * es_dtype_size(x->array[2].dtype);
  es_allocator allocator = es_allocator_default();
  void *alone = malloc(bytes);
  FOR_ISAS(kernels) {
    es_problem *whole = x->p, **box;
    int n_boxes, turns = 0;
    es_status status;
    es_error error;
    spoil(&x->array[2]);
    cr_assert(es_problem_boxes(&x->arena, whole, 64, &n_boxes, &box, &status));
    for (int i = 0; i < n_boxes; i++) {
      x->p = box[i];
      cr_assert_eq(run_step(x, kernels, &error), ES_OK);
    }
    x->p = whole;
    memcpy(alone, x->array[2].data, bytes);
    for (int threads = 1; threads <= 4; threads++)
      for (int v = 0; v < ES_GEMM_VARIANTS; v++) {
        es_plan_env env = {.arena = &x->arena, .kernels = kernels, .threads = threads};
        es_gemm_plan plan;
        if (!es_gemm_plan_variant(x->p, &env, kind, v, &plan)) continue;
        cr_assert(es_gemm_axes_make(&x->arena, &plan));
        turns += plan.in_turn;
        es_pool *pool = es_pool_create(&allocator, threads);
        spoil(&x->array[2]);
        cr_assert_eq(run_plan(x, &plan, pool), ES_OK);
        es_pool_destroy(pool);
        cr_assert_arr_eq(alone, x->array[2].data, bytes, "variant %d, %d threads", v, threads);
      }
    cr_assert(turns > 0);
  }
  free(alone);
}

Test(gemm, boxes_take_blocks_in_turn) {
  static const struct {
    int64_t c, o, size, tap, step, pad;
    es_dtype dtype;
  } rows[] = {{3700, 8, 2, 3, 1, 1, ES_F32},   /* k 33,300 */
              {2100, 70, 3, 3, 2, 1, ES_F32},  /* k 18,900, of which corners see 8,400 */
              {17000, 9, 1, 1, 1, 2, ES_F64},  /* boxes of no tap */
              {4200, 17, 2, 2, 1, 2, ES_BF16}, /* converted, so X is packed */
              {700, 40, 5, 5, 1, 2, ES_I32}};  /* integers, in f64 or 64 bits */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    instance x = padded(rows[i].c, rows[i].o, rows[i].size, rows[i].tap, rows[i].step, rows[i].pad,
                        1, rows[i].dtype, rows[i].dtype);
    check_turns(&x, es_gemm_kind_of(x.p->compute));
    release(&x);
  }
}

Test(gemm, same_bits_alone_and_in_any_layout) {
  static const es_dtype types[] = {ES_F32, ES_F64, ES_C64, ES_C128};
  for (int t = 0; t < 4; t++) check_same_bits(types[t]);
}

Test(gemm, small_batches) {
  static const int64_t batches[] = {1, 3, 256, 257, 5000};
  es_allocator allocator = es_allocator_default();
  es_pool *pool = es_pool_create(&allocator, 3);
  for (int b = 0; b < 5; b++) FOR_ISAS(kernels) {
      axis axes[] = {{batches[b], A | B | C, {0, 0, 0}, {0}},
                     {5, A | C, {1, 0, 1}, {0}},
                     {7, B | C, {0, 2, 2}, {0}},
                     {6, A | B, {2, 1, 0}, {0}}};
      instance x = make(axes, 4, ES_F32, ES_F32, ES_F32, ES_F32);
      es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 3};
      es_gemm_plan plan;
      es_gemm_plan_choose(x.p, &env, ES_GEMM_F32, &plan);
      cr_assert(es_gemm_axes_make(&x.arena, &plan));
      es_status status;
      cr_assert(es_gemm_small_make(&x.arena, &plan, &status));
      void *base[3];
      for (int s = 0; s < 3; s++) base[s] = x.array[s].data;
      spoil(&x.array[2]);
      cr_assert_eq(es_gemm_run_small(&plan, &(es_run_args){.base = base, .pool = pool}), ES_OK);
      check(&x, "small batches");
      release(&x);
    }
  es_pool_destroy(pool);
}

/* Rows of C stand apart: what lies between them must stay as it was. */
static void narrow_columns(const es_kernels *kernels, es_dtype dtype, int64_t m, int64_t n,
                           int64_t k) {
  axis axes[] = {
      {m, A | C, {1, 0, 0}, {0, 0, 2}}, {n, B | C, {0, 1, 1}, {0}}, {k, A | B, {2, 0, 0}, {0}}};
  instance x = make(axes, 3, dtype, dtype, dtype, dtype);
  es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
  es_gemm_plan plan;
  es_status status;
  /* Operand a by element, read in place; b by vector, packed if it must be. */
  cr_assert(es_gemm_plan_variant(x.p, &env, es_gemm_kind_of(dtype), 0, &plan));
  cr_assert(es_gemm_axes_make(&x.arena, &plan));
  cr_assert(es_gemm_small_make(&x.arena, &plan, &status));
  cr_assert_eq(plan.narrow != NULL, kernels->isa == ES_ISA_V64, "%lld columns", (long long)n);
  size_t size = es_dtype_size(dtype);
  char *c = x.array[2].data;
  memset(c, 0x5a, (size_t)x.array[2].length * size);
  void *base[3] = {x.array[0].data, x.array[1].data, c};
  cr_assert_eq(es_gemm_run_small(&plan, &(es_run_args){.base = base}), ES_OK);
  check(&x, "narrow columns");
  for (int64_t i = 0; i + 1 < m; i++)
    for (size_t b = (size_t)(2 * i + 1) * (size_t)n * size;
         b < (size_t)(2 * i + 2) * (size_t)n * size; b++)
      cr_assert_eq(c[b], 0x5a, "%lldx%lldx%lld: byte %zu", (long long)m, (long long)n, (long long)k,
                   b);
  release(&x);
}

Test(gemm, narrow_columns) {
  static const es_dtype dtypes[] = {ES_F32, ES_F64, ES_I64};
  for (int d = 0; d < 3; d++) FOR_ISAS(kernels) {
      int64_t most = 2 * (int64_t)kernels->isa / (int64_t)es_dtype_size(dtypes[d]);
      for (int64_t n = 1; n <= most; n++)
        for (int64_t m = 1; m <= 17; m += m < 5 ? 1 : 4)
          narrow_columns(kernels, dtypes[d], m, n, n % 2 ? 5 : 1);
    }
}

/* Small plans of several panels and chains: the same bits as by the general machinery. */
static void several_panels(const es_kernels *kernels, es_dtype dtype, int64_t m, int64_t n,
                           int64_t k, int layout) {
  instance x = matrices(m, n, k, layout, dtype);
  es_plan_env env = {.arena = &x.arena, .kernels = kernels, .threads = 1};
  size_t bytes = (size_t)x.array[2].length * es_dtype_size(dtype);
  void *whole = malloc(bytes), *base[3];
  for (int v = 0; v < ES_GEMM_VARIANTS; v++) {
    es_gemm_plan plan;
    es_status status;
    if (!es_gemm_plan_variant(x.p, &env, es_gemm_kind_of(dtype), v, &plan)) continue;
    cr_assert(es_gemm_axes_make(&x.arena, &plan));
    bool small = es_gemm_small_make(&x.arena, &plan, &status);
    cr_assert_eq(small, !(v & 2) && m <= 128 && n <= 128 && k <= 192, "%lldx%lldx%lld",
                 (long long)m, (long long)n, (long long)k);
    if (!small) continue;
    spoil(&x.array[2]);
    cr_assert_eq(run_plan(&x, &plan, NULL), ES_OK);
    memcpy(whole, x.array[2].data, bytes);
    spoil(&x.array[2]);
    for (int s = 0; s < 3; s++) base[s] = x.array[s].data;
    cr_assert_eq(es_gemm_run_small(&plan, &(es_run_args){.base = base}), ES_OK);
    cr_assert_eq(memcmp(whole, x.array[2].data, bytes), 0,
                 "%s %lldx%lldx%lld layout %d variant %d ISA %d", es_dtype_name(dtype),
                 (long long)m, (long long)n, (long long)k, layout, v, (int)kernels->isa);
  }
  free(whole);
  release(&x);
}

Test(gemm, small_plans_of_several_panels) {
  static const es_dtype dtypes[] = {ES_F32, ES_F64, ES_I64};
  static const int64_t sizes[] = {1, 13, 31, 33, 48, 65, 127, 128, 129},
                       ks[] = {0, 1, 40, 131, 192, 193};
  for (int d = 0; d < 3; d++) FOR_ISAS(kernels) {
      for (int m = 0; m < 9; m++)
        for (int n = 0; n < 9; n++)
          several_panels(kernels, dtypes[d], sizes[m], sizes[n], ks[(m + n) % 6], (m * 3 + n) % 8);
    }
}

/* ---- pairs of bf16 ------------------------------------------------------------------- */

/* Random bits with the exponent in [low, low + some), at times a zero of either sign. */
static void fill_bf16(array *a, int low, int some) {
  uint16_t *to = a->data;
  for (int64_t i = 0; a->dtype == ES_BF16 && i < a->length; i++) {
    const uint64_t bits = random_bits();
    const int exponent = 127 + low + (int)((bits >> 32) % (uint64_t)some);
    to[i] = (uint16_t)((bits & 0x807f) | (unsigned)exponent << 7);
    if (bits >> 60 == 0) to[i] &= 0x8000;
  }
}

static void *copy_of(const array *a) {
  const size_t bytes = (size_t)a->length * es_dtype_size(a->dtype);
  return memcpy(malloc(bytes + !bytes), a->data, bytes);
}

/* Every way to take pairs, by some threads, against f32. */
static void check_pairs(instance *x, const char *what) {
  const size_t bytes = (size_t)x->array[2].length * es_dtype_size(x->array[2].dtype);
  const es_allocator allocator = es_allocator_default();
  void *old = copy_of(&x->array[2]), *single = NULL;
  int ran = 0;
  for (int threads = 1; threads <= 3; threads += 2) {
    es_plan_env env = {.arena = &x->arena, .kernels = &es_kernels_v64_pairs, .threads = threads};
    es_pool *pool = es_pool_create(&allocator, threads);
    for (int v = -1; v < ES_GEMM_VARIANTS; v++) {
      es_gemm_plan plan;
      es_gemm_kind kind = v < 0 ? ES_GEMM_F32 : ES_GEMM_BF16;
      if (v < 0 ? !es_gemm_plan_choose(x->p, &env, kind, &plan)
                : !es_gemm_plan_variant(x->p, &env, kind, v, &plan))
        continue;
      cr_assert(es_gemm_axes_make(&x->arena, &plan));
      memcpy(x->array[2].data, old, bytes);
      cr_assert_eq(run_plan(x, &plan, pool), ES_OK);
      if (!single) single = copy_of(&x->array[2]);
      cr_assert_arr_eq(single, x->array[2].data, bytes, "%s, variant %d, %d threads", what, v,
                       threads);
      ran += v >= 0;
    }
    es_pool_destroy(pool);
  }
  cr_assert(ran > 0, "%s", what);
  free(single);
  free(old);
}

static bool has_pairs(void) {
  const es_kernels *kernels = es_kernels_select(ES_ISA_V64);
  return kernels && kernels->pairs;
}

static void check_shape_of_pairs(int64_t m, int64_t n, int64_t k, int layout, es_dtype out) {
  int ta = layout & 1, tb = layout >> 1 & 1, tc = layout >> 2 & 1;
  axis axes[] = {{m, A | C, {ta ? 2 : 0, 0, tc ? 2 : 0}, {0}},
                 {n, B | C, {0, tb ? 0 : 2, tc ? 0 : 2}, {1, layout == 5 ? 2 : 1, 1}},
                 {k, A | B, {ta ? 0 : 2, tb ? 2 : 0, 0}, {layout == 6 ? -1 : 1, 1, 1}}};
  instance x = make(axes, 3, ES_BF16, ES_BF16, out, ES_F32);
  char what[120];
  snprintf(what, sizeof what, "%s %lldx%lldx%lld layout %d", es_dtype_name(out), (long long)m,
           (long long)n, (long long)k, layout);
  for (int s = 0; s < 2; s++) fill_bf16(&x.array[s], -8, 16);
  if (layout == 3) x.p->alpha = 0.3, x.p->beta = -0.7;
  if (layout == 4) x.p->reduce = ES_REDUCE_MEAN, x.p->mean_count = 7;
  check_pairs(&x, what);
  release(&x);
}

Test(gemm, pairs_of_bf16_have_the_bits_of_f32) {
  static const int64_t ks[] = {0,   1,   2,   3,   15,  16,   17,   63,   64,   65,   127,
                               128, 129, 130, 255, 257, 1007, 1025, 2049, 3001, 4097, 20001};
  static const es_dtype out[] = {ES_BF16, ES_F32, ES_F16};
  if (!has_pairs()) return;
  for (int64_t m = 1; m <= 30; m++)
    for (int64_t n = 1; n <= 34; n += 1 + m % 3)
      check_shape_of_pairs(m, n, 5, (int)(random_bits() & 7), out[n % 2]);
  for (int layout = 0; layout < 8; layout++)
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
      int64_t m = 1 + (int64_t)(random_bits() % 40), n = 1 + (int64_t)(random_bits() % 70);
      check_shape_of_pairs(m, n, ks[i], layout, out[(i + (size_t)layout) % 3]);
    }
  for (int layout = 0; layout < 8; layout++) { /* more than one block of k, rows and columns */
    check_shape_of_pairs(140, 70, 3001, layout, out[layout % 2]);
    check_shape_of_pairs(300, 1100, 129, layout, out[1 - layout % 2]);
  }
}

Test(gemm, pairs_of_bf16_in_batches_and_of_several_axes) {
  if (!has_pairs()) return;
  for (int out = 0; out < 2; out++)
    for (int inner = 0; inner < 3; inner++) { /* which axis is innermost in a and b */
      axis axes[] = {{3, A | B | C, {inner == 0 ? 9 : 0, inner == 0 ? 9 : 0, 0}, {0}},
                     {5, A | C, {1, 0, 1}, {0}},
                     {6, A | C, {inner == 1 ? 9 : 4, 0, 3}, {1, 0, 2}},
                     {18, B | C, {0, inner == 1 ? 9 : 3, 2}, {0, -1, 1}},
                     {7, A | B, {5, 2, 0}, {0}},
                     {11, A | B, {inner == 2 ? 9 : 2, inner == 2 ? 9 : 1, 0}, {-1, 1, 0}}};
      instance x = make(axes, 6, ES_BF16, ES_BF16, out ? ES_F32 : ES_BF16, ES_F32);
      for (int s = 0; s < 2; s++) fill_bf16(&x.array[s], -8, 16);
      check_pairs(&x, "several axes");
      release(&x);
    }
}

/* Windows: terms of k are neighbours, and so are columns, or rows, down to a last one alone. */
Test(gemm, pairs_of_bf16_of_windows) {
  static const int64_t ks[] = {16, 40, 131};
  if (!has_pairs()) return;
  for (int64_t n = 1; n <= 66; n += n < 34 ? 1 : 8)
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
      axis axes[] = {{9, A | C, {0}, {0}}, {n, B | C, {0}, {0}}, {ks[i], A | B, {1, 0, 0}, {0}}};
      instance x = make(axes, 3, ES_BF16, ES_BF16, ES_F32, ES_F32);
      x.p->in[1].stride[1] = x.p->in[1].stride[2] = 1;
      unguard_array(&x.array[1]);
      x.array[1].length = n + ks[i] - 1;
      guard_array(&x.array[1]);
      for (int s = 0; s < 2; s++) fill_bf16(&x.array[s], -8, 16);
      check_pairs(&x, "windows");
      release(&x);
    }
}

/* Absent terms: pairs of which one or both are, in chains that end where those of f32 do. */
Test(gemm, pairs_of_bf16_of_padded_windows) {
  if (!has_pairs()) return;
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    for (int out = 0; out < 2; out++) {
      instance x = padded(layers[i].c, layers[i].o, layers[i].size, layers[i].tap, layers[i].step,
                          layers[i].pad, layers[i].dilation, ES_BF16, out ? ES_F32 : ES_BF16);
      for (int s = 0; s < 2; s++) fill_bf16(&x.array[s], -8, 16);
      border_of_nan(&x, layers[i].pad * layers[i].size + layers[i].pad);
      check_pairs(&x, "padded windows");
      release(&x);
    }
}

static bool is_run_by_pairs(instance *x) {
  es_plan_env env = {.arena = &x->arena, .kernels = &es_kernels_v64_pairs, .threads = 1};
  es_step step;
  es_error error;
  char text[200];
  cr_assert_eq(es_step_make(x->p, &env, "gemm", &step, &error), ES_OK);
  step.strategy->print(&step, text, sizeof text);
  return strstr(text, "pairs");
}

/* The strategy's result on a processor with pairs, or on one without. */
static void *run_with_pairs(instance *x, const void *old, bool pairs) {
  es_error error;
  cr_assert(is_run_by_pairs(x));
  memcpy(x->array[2].data, old, (size_t)x->array[2].length * es_dtype_size(x->array[2].dtype));
  cr_assert_eq(run_step(x, pairs ? &es_kernels_v64_pairs : &es_kernels_v64_dot, &error), ES_OK);
  return copy_of(&x->array[2]);
}

/* Sums below the normal numbers, which the instruction takes as zero: at the least exponents that
 * cannot make them, just below, far below, and of one element of each operand in turn. */
Test(gemm, pairs_of_bf16_keep_what_is_not_normal) {
  static const struct {
    int a, b, one; /* least exponents; of one element of a (-1: none) */
  } rows[] = {{-60, -52, -1},  {-60, -53, -1}, {-112, 0, -1},  {-113, 0, -1}, {-126, 14, -1},
              {-126, 13, -1},  {-127, 60, -1}, {60, -127, -1}, {0, 0, -127},  {0, -40, -73},
              {0, -126, -126}, {14, -126, -1}, {100, 24, -1},  {0, 0, -1}};
  if (!has_pairs()) return;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int layout = 0; layout < 8; layout++) {
      instance x = matrices(150, 140, 330, layout, ES_BF16);
      x.p->beta = layout & 1;
      fill_bf16(&x.array[0], rows[i].a, 2);
      fill_bf16(&x.array[1], rows[i].b, 2);
      uint16_t *a = x.array[0].data;
      if (rows[i].one != -1) a[x.array[0].length - 1] = (uint16_t)(((rows[i].one + 127) << 7) | 1);
      for (int64_t q = 0; q < x.array[2].length; q++) ((uint16_t *)x.array[2].data)[q] = 0x0001;
      void *old = copy_of(&x.array[2]);
      void *single = run_with_pairs(&x, old, false), *pairs = run_with_pairs(&x, old, true);
      cr_assert_arr_eq(single, pairs, (size_t)x.array[2].length * 2, "row %d, layout %d", (int)i,
                       layout);
      free(single), free(pairs), free(old);
      release(&x);
    }
}

/* No number but zeros, infinities and NaNs that stay what they are. */
Test(gemm, pairs_of_bf16_of_special_values) {
  if (!has_pairs()) return;
  for (int which = 0; which < 4; which++) {
    instance x = matrices(150, 140, 301, 0, ES_BF16);
    for (int s = 0; s < 2; s++) fill_bf16(&x.array[s], -3, 6);
    uint16_t *a = x.array[0].data, *b = x.array[1].data;
    if (which == 0) memset(a, 0, (size_t)x.array[0].length * 2);
    if (which == 1) a[7] = 0x7f80, b[140 * 300] = 0xff80; /* the last row of an odd k */
    if (which == 2)
      for (int64_t q = 0; q < x.array[0].length; q++) a[q] = 0x8000;
    if (which == 3) fill_bf16(&x.array[0], 120, 7), fill_bf16(&x.array[1], 4, 3); /* overflows */
    void *old = copy_of(&x.array[2]);
    uint16_t *single = run_with_pairs(&x, old, false), *pairs = run_with_pairs(&x, old, true);
    for (int64_t q = 0; q < x.array[2].length; q++) {
      bool nan = (single[q] & 0x7fff) > 0x7f80 && (pairs[q] & 0x7fff) > 0x7f80;
      cr_assert(nan || single[q] == pairs[q], "%d at %d: %x, expected %x", which, (int)q, pairs[q],
                single[q]);
    }
    free(single), free(pairs), free(old);
    release(&x);
  }
}

/* Zeros stand for the terms that are absent, whose products with these are none; what lies around
 * the image is not looked at. */
Test(gemm, pairs_of_bf16_of_padded_windows_of_special_values) {
  static const uint16_t infinity = 0x7f80, nan = 0xffc0, least = 0x0001;
  static const struct {
    int side;
    uint16_t value;
  } rows[] = {{0, infinity}, {1, infinity}, {1, nan}, {0, nan}, {0, least}, {1, least}};
  if (!has_pairs()) return;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int at = 0; at < 3; at++) {
      instance x = padded(64, 64, 20, 3, 1, 1, 1, ES_BF16, ES_F32);
      for (int s = 0; s < 2; s++) fill_bf16(&x.array[s], -3, 6);
      border_of_nan(&x, 21);
      const array *a = &x.array[rows[i].side];
      const int64_t first = rows[i].side ? 0 : 21, last = a->length - 1 - first;
      ((uint16_t *)a->data)[at == 0 ? first : at == 1 ? last : a->length / 2] = rows[i].value;
      void *old = copy_of(&x.array[2]);
      float *single = run_with_pairs(&x, old, false), *pairs = run_with_pairs(&x, old, true);
      for (int64_t q = 0; q < x.array[2].length; q++)
        cr_assert((isnan(single[q]) && isnan(pairs[q])) ||
                      memcmp(&single[q], &pairs[q], sizeof(float)) == 0,
                  "%x of operand %d at %d: %g, expected %g", rows[i].value, rows[i].side, (int)q,
                  (double)pairs[q], (double)single[q]);
      free(single), free(pairs), free(old);
      release(&x);
    }
}

/* ---- values ---------------------------------------------------------------------------- */

/* As es_gemm_extremes, of one element. */
static void widen_by(es_gemm_extremes *seen, const array *a, int64_t at) {
  const size_t each = es_dtype_size(a->dtype);
  int64_t low = es_scalar_load(a->dtype, (char *)a->data + at * (int64_t)each).i, high = low;
  if (a->dtype == ES_BF16) {
    high = ((uint16_t *)a->data)[at] & 0x7fff;
    low = high ? high - 1 : UINT16_MAX;
  }
  if (low < seen->least) seen->least = low;
  if (high > seen->most) seen->most = high;
}

/* Of the elements that the points of p read, one after the other. */
static void expect_extremes(const instance *x, es_gemm_extremes seen[2]) {
  const es_problem *p = x->p;
  int64_t at[AXES] = {0};
  for (int i = 0; i < 2; i++)
    seen[i] = (es_gemm_extremes){x->array[i].dtype == ES_BF16 ? UINT16_MAX : 0, 0};
  for (int a = 0; a >= 0;) {
    bool absent = false;
    for (int c = 0; c < p->n_constraints; c++) {
      int64_t place = p->constraint[c].base;
      for (int i = 0; i < p->rank; i++) place += p->constraint[c].coef[i] * at[i];
      absent = absent || place < 0 || place >= p->constraint[c].extent;
    }
    for (int i = absent; i < 2; i++) {
      int64_t offset = p->in[i].offset;
      for (int b = 0; b < p->rank; b++) offset += p->in[i].stride[b] * at[b];
      widen_by(&seen[i], &x->array[i], offset);
    }
    for (a = p->rank - 1; a >= 0 && ++at[a] == p->extent[a]; a--) at[a] = 0;
  }
}

/* Constraints are those of operand 0. */
static void check_extremes(instance *x) {
  es_allocator allocator = es_allocator_default();
  es_gemm_extremes want[2], seen[2];
  es_gemm_values *values = es_gemm_values_make(&x->arena, x->p, 0);
  void *base[] = {x->array[0].data, x->array[1].data, x->array[2].data};
  cr_assert(values);
  expect_extremes(x, want);
  for (int threads = 1; threads <= 3; threads++) {
    es_pool *pool = es_pool_create(&allocator, threads);
    es_run_args args = {.base = base, .pool = pool};
    FOR_ISAS(kernels) {
      es_gemm_values_look(values, kernels, threads, &args, seen);
      for (int i = 0; i < 2; i++) {
        cr_assert_eq(seen[i].least, want[i].least, "operand %d of %s, %d threads: %lld, not %lld",
                     i, es_dtype_name(x->array[i].dtype), threads, (long long)seen[i].least,
                     (long long)want[i].least);
        cr_assert_eq(seen[i].most, want[i].most, "operand %d of %s, %d threads: %lld, not %lld", i,
                     es_dtype_name(x->array[i].dtype), threads, (long long)seen[i].most,
                     (long long)want[i].most);
      }
    }
    es_pool_destroy(pool);
  }
}

/* Both signs, and magnitudes that rise along the array or fall: the extremes are at one end, where
 * a look may stop early, or look further than it should. */
static void fill_rising(array *a, bool falling) {
  for (int64_t i = 0; i < a->length; i++) {
    const int64_t up = falling ? a->length - 1 - i : i, bits = (int64_t)es_dtype_size(a->dtype) * 8;
    const int64_t most = bits == 64 ? INT64_MAX : ((int64_t)1 << (bits - (a->dtype != ES_U8))) - 1;
    const int64_t size = (int64_t)((double)most * (double)up / (double)a->length);
    if (a->dtype == ES_BF16)
      ((uint16_t *)a->data)[i] = (uint16_t)(size | (i % 2) << 15);
    else
      es_scalar_store(a->dtype, (char *)a->data + i * (int64_t)es_dtype_size(a->dtype),
                      (es_scalar){ES_CLASS_INT, a->dtype != ES_U8 && i % 2 ? -size : size, 0, 0});
  }
}

/* Windows of three in steps of two over one axis: only the first one, which begins outside, sees
 * element 0. */
static instance line(int64_t size, es_dtype dtype) {
  axis axes[] = {{2, B | C, {0}, {0}}, {size / 2, A | C, {0}, {0}}, {3, A | B, {0}, {0}}};
  instance x = make(axes, 3, dtype, dtype, ES_I64, ES_I64);
  es_problem *p = es_problem_new(&x.arena, 3, 2, 1);
  es_constraint *constraint = p->constraint;
  *p = *x.p;
  p->n_constraints = 1;
  p->constraint = constraint;
  *constraint = (es_constraint){.base = -1, .extent = size, .coef = constraint->coef};
  constraint->coef[1] = 2, constraint->coef[2] = 1;
  p->in[0].stride[1] = 2, p->in[0].stride[2] = 1, p->in[0].offset = -1;
  unguard_array(&x.array[0]);
  x.array[0].length = size;
  guard_array(&x.array[0]);
  x.p = p;
  return x;
}

Test(gemm, extremes_of_all_values_and_no_others) {
  static const es_dtype types[] = {ES_U8, ES_I8, ES_I16, ES_I32, ES_I64, ES_BF16};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++)
    for (int falling = 0; falling < 2; falling++) {
      axis gaps[] = {{7, A | C, {1, 0, 0}, {-3}},
                     {5, B | C, {0, 0, 1}, {0, 2}},
                     {90, A | B, {0, 1, 0}, {2, -1}}};
      axis apart[] = {{2, A | C, {0}, {0}}, {40000, A | B, {1, 1, 0}, {2, -3}}};
      instance some[] = {matrices(2, 1, 70000, 1, types[t]),
                         matrices(7, 9, 33, 2, types[t]),
                         make(gaps, 3, types[t], types[t], ES_I64, ES_I64),
                         make(apart, 2, types[t], types[t], ES_I64, ES_I64),
                         line(20, types[t]),
                         padded(3, 2, 9, 3, 1, 1, 1, types[t], ES_I64),
                         padded(2, 3, 10, 3, 2, 1, 1, types[t], ES_I64),
                         padded(1, 2, 4, 3, 3, 2, 2, types[t], ES_I64)};
      for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        for (int s = 0; s < 2; s++) fill_rising(&some[i].array[s], falling ^ s);
        check_extremes(&some[i]);
        release(&some[i]);
      }
    }
}

/* Wherever a look is cut for several threads. */
Test(gemm, extremes_anywhere) {
  instance x = matrices(1, 1, 70000, 0, ES_I8);
  es_gemm_values *values = es_gemm_values_make(&x.arena, x.p, 0);
  void *base[] = {x.array[0].data, x.array[1].data, x.array[2].data};
  es_run_args args = {.base = base};
  int8_t *a = x.array[0].data;
  cr_assert(values);
  memset(a, 0, (size_t)x.array[0].length);
  for (int64_t i = 0; i < x.array[0].length; i++) {
    es_gemm_extremes seen[2];
    a[i] = i & 1 ? -7 : 7;
    es_gemm_values_look(values, es_kernels_select(ES_ISA_AUTO), 1, &args, seen);
    cr_assert_eq(seen[0].most - seen[0].least, 7, "at %lld", (long long)i);
    a[i] = 0;
  }
  release(&x);
}

/* ---- threads ------------------------------------------------------------------------------ */

static es_step step_on(const instance *x, es_arena *arena, int threads) {
  es_plan_env env = {.arena = arena, .kernels = es_kernels_select(ES_ISA_AUTO), .threads = threads};
  es_step step;
  es_error error = {0};
  cr_assert_eq(es_step_make(x->p, &env, NULL, &step, &error), ES_OK);
  return step;
}

/* What is over before another thread is awake is priced, and planned, for one; the fastest of the
 * rest is the one of the threads that it runs on. */
Test(gemm, short_steps_run_alone) {
  for (int n = 4; n <= 256; n += 4) {
    instance x = matrices(n, n, n, 0, n % 8 ? ES_F32 : ES_F64);
    const es_step one = step_on(&x, &x.arena, 1), two = step_on(&x, &x.arena, 2);
    cr_assert(!one.alone);
    if (n <= 16) cr_assert(two.alone, "%d", n);
    if (n >= 192) cr_assert(!two.alone, "%d", n);
    if (two.alone) {
      cr_assert_str_eq(two.strategy->name, one.strategy->name, "%d", n);
      cr_assert_eq(two.predicted, one.predicted, "%d", n);
      cr_assert_eq(two.workspace, one.workspace, "%d", n);
    } else {
      cr_assert_lt(two.predicted, one.predicted, "%d", n);
    }
    release(&x);
  }
}

/* ---- cancel -------------------------------------------------------------------------- */

static bool always(void *user) {
  ++*(int *)user;
  return true;
}

Test(gemm, cancel_stops_the_run) {
  int asked = 0;
  es_ctx ctx = {.config = {.cancel = always, .user = &asked}};
  instance x = matrices(100, 100, 100, 0, ES_F32);
  es_plan_env env = {.arena = &x.arena, .kernels = es_kernels_select(ES_ISA_AUTO), .threads = 1};
  es_step step;
  es_error error = {0};
  cr_assert_eq(es_step_make(x.p, &env, "gemm", &step, &error), ES_OK);
  void *base[3], *workspace = aligned((size_t)step.workspace);
  for (int s = 0; s < 3; s++) base[s] = x.array[s].data;
  es_run_args args = {.base = base, .workspace = workspace, .ctx = &ctx, .error = &error};
  cr_assert_eq(step.run(&step, &args), ES_E_CANCELLED);
  cr_assert_eq(error.status, ES_E_CANCELLED);
  cr_assert_eq(asked, 1);
  free(workspace);
  release(&x);
}
