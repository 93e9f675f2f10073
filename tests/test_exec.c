/* Running plans: nothing is read before every descriptor was compared, nothing is
 * allocated, integers are exact or an error. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "engine/ctx.h"
#include "engine/plan.h"

static es_plan *plan_of(es_ctx *ctx, const char *text, const es_array *in, int64_t n,
                        const es_array *out, const es_options *options) {
  es_error error;
  es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  cr_assert(expr, "%s", error.message);
  es_plan *plan = es_plan_make(ctx, expr, in, n, out, options, &error);
  cr_assert(plan, "%s", error.message);
  es_expr_release(expr);
  return plan;
}

static void *workspace_of(const es_plan *plan) {
  size_t bytes = (es_plan_workspace(plan) + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN;
  return bytes ? aligned_alloc(ES_ALIGN, bytes) : NULL;
}

/* One run with a workspace of its own. */
static es_status run(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                     const es_array *out, es_error *error) {
  void *workspace = workspace_of(plan);
  es_status status = es_run(ctx, plan, in, n, out, workspace, error);
  free(workspace);
  return status;
}

/* ---- the check ---------------------------------------------------------------- */

/* "i j, j k, k l -> i l": a plan with a workspace, on memory that must not be
 * touched: every load or store would end the process. */
typedef struct bound_call {
  es_array in[3], out[1];
  int64_t shape[4][2], strides[4][2];
  int64_t n;
  void *workspace;
} bound_call;

static void *forbidden;

static bound_call good_call(void) {
  static const int64_t shape[4][2] = {{2, 3}, {3, 4}, {4, 5}, {2, 5}};
  bound_call c = {.n = 3, .workspace = forbidden};
  for (int i = 0; i < 4; i++) {
    memcpy(c.shape[i], shape[i], sizeof shape[i]);
    c.strides[i][0] = shape[i][1];
    c.strides[i][1] = 1;
  }
  return c;
}

static void point(bound_call *c) {
  for (int i = 0; i < 4; i++) {
    es_array *a = i < 3 ? &c->in[i] : &c->out[0];
    *a = (es_array){forbidden, ES_F32, 2, c->shape[i], c->strides[i]};
  }
}

static void expect_error(es_ctx *ctx, const es_plan *plan, const bound_call *c, es_status status,
                         const char *what) {
  es_error error = {.status = ES_OK};
  es_status got = es_run(ctx, plan, c->in, c->n, c->out, c->workspace, &error);
  cr_assert_eq(got, status, "%s: %s", what, es_status_name(got));
  cr_assert_eq(error.status, status);
  cr_assert(error.message[0]);
  got = es_run(NULL, plan, c->in, c->n, c->out, c->workspace, NULL);
  cr_assert_eq(got, status, "%s, without a context or an error", what);
}

Test(exec, one_changed_field_is_refused_before_any_load) {
  forbidden = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  cr_assert(forbidden != MAP_FAILED);
  es_ctx *ctx = es_ctx_create(NULL);
  bound_call c = good_call();
  point(&c);
  es_plan *plan = plan_of(ctx, "i j, j k, k l -> i l", c.in, 3, NULL, NULL);
  cr_assert_gt(es_plan_workspace(plan), 0);
  for (int i = 0; i < 4; i++) {
    for (int axis = 0; axis < 2; axis++)
      for (int change = -1; change <= 1; change += 2) {
        c = good_call();
        point(&c);
        c.shape[i][axis] += change;
        expect_error(ctx, plan, &c, ES_E_EXTENT, "extent");
        c = good_call();
        point(&c);
        c.strides[i][axis] += change;
        expect_error(ctx, plan, &c, ES_E_EXTENT, "stride");
      }
    for (int d = -1; d < ES_DTYPE_COUNT; d++) {
      if (d == ES_F32) continue;
      c = good_call();
      point(&c);
      (i < 3 ? &c.in[i] : &c.out[0])->dtype = (es_dtype)d;
      expect_error(ctx, plan, &c, ES_E_DTYPE, "dtype");
    }
    for (int rank = -1; rank < 5; rank++) {
      if (rank == 2) continue;
      c = good_call();
      point(&c);
      (i < 3 ? &c.in[i] : &c.out[0])->rank = rank;
      expect_error(ctx, plan, &c, ES_E_RANK, "rank");
    }
    c = good_call();
    point(&c);
    (i < 3 ? &c.in[i] : &c.out[0])->data = NULL;
    expect_error(ctx, plan, &c, ES_E_VALUE, "NULL data");
    (i < 3 ? &c.in[i] : &c.out[0])->data = (char *)forbidden + 2;
    expect_error(ctx, plan, &c, ES_E_VALUE, "unaligned data");
    c = good_call();
    point(&c);
    (i < 3 ? &c.in[i] : &c.out[0])->shape = NULL;
    expect_error(ctx, plan, &c, ES_E_EXTENT, "NULL shape");
  }
  for (int64_t n = -1; n < 6; n++) {
    if (n == 3) continue;
    c = good_call();
    point(&c);
    c.n = n;
    expect_error(ctx, plan, &c, ES_E_COUNT, "count");
  }
  c = good_call();
  point(&c);
  c.workspace = NULL;
  expect_error(ctx, plan, &c, ES_E_VALUE, "no workspace");
  c.workspace = (char *)forbidden + 8;
  expect_error(ctx, plan, &c, ES_E_VALUE, "unaligned workspace");
  es_error error;
  cr_assert_eq(es_run(ctx, plan, c.in, 3, NULL, forbidden, &error), ES_E_COUNT);
  cr_assert_eq(es_run(ctx, NULL, c.in, 3, c.out, forbidden, &error), ES_E_VALUE);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(exec, null_strides_mean_c_order) {
  es_ctx *ctx = es_ctx_create(NULL);
  float x[6] = {1, 2, 3, 4, 5, 6}, y[6];
  int64_t shape[2] = {2, 3}, out_shape[2] = {3, 2}, strides[2] = {3, 1}, other[2] = {1, 2};
  es_array in = {x, ES_F32, 2, shape, NULL}, out = {y, ES_F32, 2, out_shape, NULL};
  es_plan *plan = plan_of(ctx, "i j -> j i", &in, 1, NULL, NULL);
  es_error error;
  cr_assert_eq(run(ctx, plan, &in, 1, &out, &error), ES_OK);
  const float expected[6] = {1, 4, 2, 5, 3, 6};
  cr_assert_arr_eq(y, expected, sizeof y);
  in.strides = strides;
  cr_assert_eq(run(ctx, plan, &in, 1, &out, &error), ES_OK);
  in.strides = other;
  cr_assert_eq(run(ctx, plan, &in, 1, &out, &error), ES_E_EXTENT);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

/* ---- the run --------------------------------------------------------------------- */

typedef struct counter {
  es_allocator below;
  int calls;
} counter;

static void *counting(void *user, void *ptr, size_t old_size, size_t new_size) {
  counter *c = user;
  c->calls++;
  return c->below.realloc(c->below.user, ptr, old_size, new_size);
}

static void check_allocations(int threads) {
  counter c = {es_allocator_default(), 0};
  es_config config = {.allocator = {counting, &c}, .threads = threads};
  es_ctx *ctx = es_ctx_create(&config);
  float a[6] = {1, 2, 3, 4, 5, 6}, b[12], d[8], out[4];
  for (int i = 0; i < 12; i++) b[i] = (float)i;
  for (int i = 0; i < 8; i++) d[i] = (float)(i - 3);
  int64_t sa[2] = {2, 3}, sb[2] = {3, 4}, sd[2] = {4, 2}, so[2] = {2, 2};
  es_array in[3] = {{a, ES_F32, 2, sa, NULL}, {b, ES_F32, 2, sb, NULL}, {d, ES_F32, 2, sd, NULL}};
  es_array o = {out, ES_F32, 2, so, NULL};
  es_plan *plan = plan_of(ctx, "ij,jk,kl->il", in, 3, NULL, NULL);
  void *workspace = workspace_of(plan);
  es_error error;
  int before = c.calls;
  for (int i = 0; i < 10; i++) cr_assert_eq(es_run(ctx, plan, in, 3, &o, workspace, &error), ES_OK);
  cr_assert_eq(c.calls, before);
  for (int i = 0; i < 2; i++)
    for (int l = 0; l < 2; l++) {
      float sum = 0;
      for (int j = 0; j < 3; j++)
        for (int k = 0; k < 4; k++) sum += a[i * 3 + j] * b[j * 4 + k] * d[k * 2 + l];
      cr_assert_eq(out[i * 2 + l], sum);
    }
  free(workspace);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(exec, running_allocates_nothing) {
  check_allocations(1);
  check_allocations(2);
}

/* A chain of 2x2 matrices long enough that the slots' addresses go to the workspace. */
Test(exec, more_slots_than_the_stack_holds) {
  enum { N = 40 };
  es_ctx *ctx = es_ctx_create(NULL);
  char text[N * 24] = "";
  static double data[N][4];
  int64_t shape[2] = {2, 2};
  es_array in[N];
  for (int i = 0; i < N; i++) {
    for (int k = 0; k < 4; k++) data[i][k] = (i + k) % 3 - 1;
    in[i] = (es_array){data[i], ES_F64, 2, shape, NULL};
    sprintf(text + strlen(text), "%sa%d a%d", i ? ", " : "", i, i + 1);
  }
  sprintf(text + strlen(text), " -> a0 a%d", N);
  es_plan *plan = plan_of(ctx, text, in, N, NULL, NULL);
  cr_assert_gt(plan->n_slots, ES_PLAN_STACK_SLOTS);
  double out[4], product[4] = {1, 0, 0, 1};
  es_array o = {out, ES_F64, 2, shape, NULL};
  es_error error;
  cr_assert_eq(run(ctx, plan, in, N, &o, &error), ES_OK);
  for (int i = 0; i < N; i++) {
    double next[4];
    for (int r = 0; r < 2; r++)
      for (int c = 0; c < 2; c++)
        next[r * 2 + c] = product[r * 2] * data[i][c] + product[r * 2 + 1] * data[i][2 + c];
    memcpy(product, next, sizeof next);
  }
  for (int k = 0; k < 4; k++) cr_assert_eq(out[k], product[k]);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(exec, beta_zero_never_reads_out) {
  es_ctx *ctx = es_ctx_create(NULL);
  double x[4] = {1, 2, 3, 4}, y[2];
  int64_t shape[2] = {2, 2}, out_shape[1] = {2};
  es_array in = {x, ES_F64, 2, shape, NULL}, out = {y, ES_F64, 1, out_shape, NULL};
  for (int round = 0; round < 2; round++) {
    es_options options = {.has_scale = true, .alpha = 3, .beta = round ? 2 : 0};
    es_plan *plan = plan_of(ctx, "i j -> i", &in, 1, &out, &options);
    es_error error;
    y[0] = y[1] = round ? 10 : NAN;
    cr_assert_eq(run(ctx, plan, &in, 1, &out, &error), ES_OK);
    cr_assert_eq(y[0], round ? 29 : 9);
    cr_assert_eq(y[1], round ? 41 : 21);
    es_plan_release(plan);
  }
  es_ctx_destroy(ctx);
}

/* Gaps of a written diagonal take alpha * 0 + beta * out. */
Test(exec, beta_scales_the_gaps_too) {
  es_ctx *ctx = es_ctx_create(NULL);
  double x[2] = {5, 6}, y[4];
  int64_t shape[1] = {2}, out_shape[2] = {2, 2};
  es_array in = {x, ES_F64, 1, shape, NULL}, out = {y, ES_F64, 2, out_shape, NULL};
  for (int round = 0; round < 2; round++) {
    es_options options = {.has_scale = true, .alpha = 3, .beta = round ? 2 : 0};
    es_plan *plan = plan_of(ctx, "i -> i i", &in, 1, &out, &options);
    es_error error;
    for (int k = 0; k < 4; k++) y[k] = round ? 10 : NAN;
    cr_assert_eq(run(ctx, plan, &in, 1, &out, &error), ES_OK);
    const double plain[4] = {15, 0, 0, 18}, scaled[4] = {35, 20, 20, 38};
    for (int k = 0; k < 4; k++) cr_assert_eq(y[k], round ? scaled[k] : plain[k], "%d: %g", k, y[k]);
    es_plan_release(plan);
  }
  es_ctx_destroy(ctx);
}

Test(exec, an_overflow_of_an_intermediate_is_none_of_the_result) {
  es_ctx *ctx = es_ctx_create(NULL);
  int64_t big = (INT64_C(1) << 40) + 1;
  /* a b and b c both hold 2^80; a b c is 0. */
  int64_t a[4] = {big, big, big, big}, b[4] = {big, 0, 0, -big}, c[4] = {big, big, big, big}, y[4];
  int64_t shape[2] = {2, 2};
  es_array in[3] = {
      {a, ES_I64, 2, shape, NULL}, {b, ES_I64, 2, shape, NULL}, {c, ES_I64, 2, shape, NULL}};
  es_array out = {y, ES_I64, 2, shape, NULL};
  es_error error;
  es_plan *plan = plan_of(ctx, "i j, j k, k l -> i l", in, 3, NULL, NULL);
  cr_assert_eq(plan->n_detours, 1);
  cr_assert_eq(run(ctx, plan, in, 3, &out, &error), ES_OK);
  for (int i = 0; i < 4; i++) cr_assert_eq(y[i], 0);
  b[3] = big;
  cr_assert_eq(run(ctx, plan, in, 3, &out, &error), ES_E_OVERFLOW);
  cr_assert(strstr(error.message, "(0, 0)"), "%s", error.message);
  es_plan_release(plan);
  es_options wrap = {.wrap = true};
  plan = plan_of(ctx, "i j, j k, k l -> i l", in, 3, NULL, &wrap);
  cr_assert_eq(run(ctx, plan, in, 3, &out, &error), ES_OK);
  uint64_t u = (uint64_t)big;
  for (int i = 0; i < 4; i++) cr_assert_eq((uint64_t)y[i], 2 * u * u * u);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

Test(exec, plans_outlive_their_context) {
  es_ctx *ctx = es_ctx_create(NULL);
  float x[4] = {1, 2, 3, 4}, y[2];
  int64_t shape[2] = {2, 2}, out_shape[1] = {2};
  es_array in = {x, ES_F32, 2, shape, NULL}, out = {y, ES_F32, 1, out_shape, NULL};
  es_plan *plan = plan_of(ctx, "i j -> j", &in, 1, NULL, NULL);
  es_ctx_destroy(ctx);
  es_error error;
  cr_assert_eq(run(NULL, plan, &in, 1, &out, &error), ES_OK);
  cr_assert_eq(y[0], 4);
  cr_assert_eq(y[1], 6);
  cr_assert_eq(es_plan_retain(plan), plan);
  es_plan_release(plan);
  es_plan_release(plan);
  es_plan_release(NULL);
}

/* ---- what surrounds it ---------------------------------------------------------------- */

/* 1 + 2^-30 … in f32 rounds to 1, unless the caller's mode got through. */
Test(exec, the_callers_rounding_mode_neither_matters_nor_changes) {
  es_ctx *ctx = es_ctx_create(NULL);
  float x[3] = {1, 0x1p-30f, 0x1p-30f}, w[3] = {1, 1, 0x1p-100f}, y, tiny[1] = {0x1p-80f}, small;
  int64_t shape[1] = {3}, one[1] = {1};
  es_array in[2] = {{x, ES_F32, 1, shape, NULL}, {w, ES_F32, 1, shape, NULL}},
           out = {&y, ES_F32, 0, NULL, NULL};
  es_array square[2] = {{tiny, ES_F32, 1, one, NULL}, {tiny, ES_F32, 1, one, NULL}};
  es_array out1 = {&small, ES_F32, 0, NULL, NULL};
  es_plan *plan = plan_of(ctx, "i, i ->", in, 2, NULL, NULL);
  es_plan *product = plan_of(ctx, "i, i ->", square, 2, NULL, NULL);
  es_error error;
  const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  for (int m = 0; m < 4; m++) {
    fesetround(modes[m]);
    es_status a = run(ctx, plan, in, 2, &out, &error),
              b = run(ctx, product, square, 2, &out1, &error);
    int after = fegetround();
    fesetround(FE_TONEAREST);
    cr_assert(a == ES_OK && b == ES_OK);
    cr_assert_eq(after, modes[m]);
    cr_assert_eq(y, 1, "mode %d", m);
    cr_assert_eq(small, 0, "mode %d", m);
  }
  es_plan_release(plan);
  es_plan_release(product);
  es_ctx_destroy(ctx);
}

typedef struct reported {
  int calls;
  double done, total;
} reported;

static void note(void *user, double done, double total) {
  reported *r = user;
  cr_assert_geq(done, r->done, "progress never goes back");
  *r = (reported){r->calls + 1, done, total};
}

Test(exec, progress_ends_at_the_total) {
  reported r = {0};
  es_config config = {.progress = note, .user = &r, .threads = 1};
  es_ctx *ctx = es_ctx_create(&config);
  float x[64] = {0}, y[64];
  int64_t shape[2] = {8, 8};
  es_array a = {x, ES_F32, 2, shape, NULL}, in[3] = {a, a, a}, out = {y, ES_F32, 2, shape, NULL};
  es_plan *plan = plan_of(ctx, "i j, j k, k l -> i l", in, 3, NULL, NULL);
  es_error error;
  cr_assert_eq(run(ctx, plan, in, 3, &out, &error), ES_OK);
  cr_assert_geq(r.calls, 2);
  cr_assert_eq(r.done, r.total);
  cr_assert_eq(r.total, es_plan_flops(plan));
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}

static bool stop(void *user) {
  *(int *)user += 1;
  return true;
}

Test(exec, a_cancelled_run_says_so) {
  int asked = 0;
  es_config config = {.cancel = stop, .user = &asked, .threads = 1};
  es_ctx *ctx = es_ctx_create(&config);
  enum { N = 256 };
  int64_t shape[2] = {N, N};
  float *x = calloc(N * N, sizeof *x), *y = calloc(N * N, sizeof *y);
  es_array in[2] = {{x, ES_F32, 2, shape, NULL}, {x, ES_F32, 2, shape, NULL}};
  es_array out = {y, ES_F32, 2, shape, NULL};
  es_plan *plan = plan_of(ctx, "i j, j k -> i k", in, 2, NULL, NULL);
  es_error error;
  cr_assert_eq(run(ctx, plan, in, 2, &out, &error), ES_E_CANCELLED);
  cr_assert_eq(error.status, ES_E_CANCELLED);
  cr_assert_gt(asked, 0);
  free(x);
  free(y);
  es_plan_release(plan);
  es_ctx_destroy(ctx);
}
