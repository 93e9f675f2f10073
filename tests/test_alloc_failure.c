/* Every allocation of every scenario fails, once and from then on: the call reports
 * NOMEM, its arguments are unchanged, nothing leaks, and a retry succeeds. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "einstride/layers.h"
#include "support/alloc.h"

/* What scenarios work on: made before anything fails, compared afterwards. */
enum { ARGS = 8 };
typedef struct args {
  es_ctx *ctx;
  es_tensor *x[ARGS]; /* f32 (2,4,5,6); f32 (3,4,3,3); f32 (4,4); i32 (3,4); c64 (3,4); f16 (2,3,4);
                         a transposed view of (4,4); bool (3,4) */
} args;

static void make_args(args *a, es_ctx *ctx) {
  a->ctx = ctx;
  a->x[0] = es_ramp(ctx, ES_F32, ES_SHAPE(2, 4, 5, 6));
  a->x[1] = es_ramp(ctx, ES_F32, ES_SHAPE(3, 4, 3, 3));
  a->x[2] = es_ramp(ctx, ES_F32, ES_SHAPE(4, 4));
  a->x[3] = es_ramp(ctx, ES_I32, ES_SHAPE(3, 4));
  a->x[4] = es_ramp(ctx, ES_C64, ES_SHAPE(3, 4));
  a->x[5] = es_ramp(ctx, ES_F16, ES_SHAPE(2, 3, 4));
  a->x[6] = es_transpose(ctx, a->x[2], 0, 1);
  a->x[7] = es_cast(ctx, a->x[3], ES_BOOL);
  for (int i = 0; i < ARGS; i++) cr_assert(a->x[i], "%s", es_error_text(ctx));
}

static uint64_t checksum(const args *a) {
  uint64_t sum = 1469598103934665603u; /* FNV-1a */
  for (int i = 0; i < ARGS; i++) {
    const unsigned char *bytes = es_data(a->x[i]);
    size_t n = (size_t)es_size(a->x[i]) * es_dtype_size(es_dtype_of(a->x[i]));
    for (size_t k = 0; k < n; k++) sum = (sum ^ bytes[k]) * 1099511628211u;
    for (int k = 0; k < es_rank(a->x[i]); k++)
      sum = (sum ^ (uint64_t)es_shape(a->x[i])[k]) * 1099511628211u;
  }
  return sum;
}

/* ---- scenarios: variant v of a family; true on success ----------------------------- */

static const int64_t shape34[] = {3, 4};

static bool creating(const args *a, int v) {
  es_dtype d = (es_dtype)(v % ES_DTYPE_COUNT);
  switch (v / ES_DTYPE_COUNT) {
  case 0: return es_empty(a->ctx, d, 2, shape34);
  case 1: return es_zeros(a->ctx, d, 2, shape34);
  case 2: return es_full(a->ctx, d, 2, shape34, 1);
  case 3: return es_ramp(a->ctx, d, 2, shape34);
  case 4: return es_arange(a->ctx, d, 0, 5, 1);
  case 5: return es_linspace(a->ctx, d, 0, 1, 5);
  case 6: return es_eye(a->ctx, d, 3, 4);
  case 7: return es_from_data(a->ctx, d, 1, (int64_t[]){2}, "0123456789abcdef0123456789abcde");
  case 8: return es_rand(a->ctx, d < ES_F16 ? ES_F32 : d, 2, shape34);
  default: return es_randn(a->ctx, d < ES_F16 ? ES_F64 : d, 2, shape34);
  }
}

static int released;
static void release(void *user) {
  (void)user;
  released++;
}

static bool wrapping(const args *a, int v) {
  static float memory[12];
  released = 0;
  es_tensor *t = es_wrap(a->ctx, ES_F32, memory, 12, 0, 2, shape34, NULL, v != 0, release, NULL);
  cr_assert_eq(released, t ? 0 : 1, "released %d times", released);
  return t;
}

static bool viewing(const args *a, int v) {
  es_ctx *c = a->ctx;
  es_tensor *x = a->x[2];
  switch (v) {
  case 0: return es_permute(c, a->x[0], (int[]){3, 1, 0, 2});
  case 1: return es_transpose(c, x, 0, 1);
  case 2: return es_reshape(c, x, ES_SHAPE(2, -1));
  case 3: return es_reshape(c, a->x[6], ES_SHAPE(16)); /* copies */
  case 4: return es_flatten(c, x, 0, -1);
  case 5: return es_slice(c, x, 0, 1, ES_ALL, 2);
  case 6: return es_select(c, x, 1, -1);
  case 7: return es_unsqueeze(c, x, 0);
  case 8: return es_squeeze_all(c, x);
  case 9: return es_diagonal(c, x, 1, 0, 1);
  case 10: return es_broadcast_to(c, x, ES_SHAPE(3, 4, 4));
  case 11: return es_unfold_axis(c, x, 1, 2, 1, 2);
  case 12: return es_flip(c, x, 0);
  default: return es_as_strided(c, x, ES_SHAPE(2, 2), (const int64_t[]){5, 5}, 0);
  }
}

static bool converting(const args *a, int v) {
  es_tensor *x = a->x[2 + v / ES_DTYPE_COUNT]; /* values that fit every type */
  es_dtype d = (es_dtype)(v % ES_DTYPE_COUNT);
  if (es_dtype_of(x) == ES_C64 && d < ES_C64) d = ES_C128;
  return es_cast(a->ctx, x, d);
}

static bool copying(const args *a, int v) {
  double out[240];
  switch (v) {
  case 0: return es_copy(a->ctx, a->x[6]);
  case 1: return es_contiguous(a->ctx, a->x[6]);
  case 2: return es_contiguous(a->ctx, a->x[2]);
  default: return es_read(a->ctx, a->x[0], ES_F64, out, 240) == ES_OK;
  }
}

/* Assigns into a tensor made here, so that the arguments stay as they are; onto
 * itself, transposed, in the second variant. */
static bool assigning(const args *a, int v) {
  es_tensor *to = es_zeros(a->ctx, ES_F64, ES_SHAPE(4, 4));
  return to && es_assign(a->ctx, to, v ? es_transpose(a->ctx, to, 0, 1) : a->x[2]) == ES_OK;
}

static bool unary(const args *a, int v) {
  es_unary_op op = (es_unary_op)(v / 2);
  bool complex_too = op != ES_ERF && op != ES_FLOOR && op != ES_CEIL && op != ES_ROUND &&
                     op != ES_TRUNC;
  return es_unary(a->ctx, op, v % 2 && complex_too ? a->x[4] : a->x[6]);
}

static bool binary(const args *a, int v) {
  es_binary_op op = (es_binary_op)(v / 3);
  if (v % 3 == 0) return es_binary(a->ctx, op, a->x[6], a->x[2]);
  if (v % 3 == 1) return es_binary_scalar(a->ctx, op, a->x[2], 2, true, false);
  return es_where(a->ctx, v % 2 ? a->x[7] : a->x[3], a->x[3], es_select(a->ctx, a->x[6], 0, 0));
}

static bool reducing(const args *a, int v) {
  es_reducer r = (es_reducer)(ES_REDUCE_SUM + v / 3);
  if (v % 3 == 0) return es_reduce_axes(a->ctx, r, a->x[0], NULL, 0, false);
  if (v % 3 == 1) return es_reduce_axes(a->ctx, r, a->x[6], (int[]){-1}, 1, true);
  return es_argmax(a->ctx, a->x[v % 2], v % 2 ? ES_NO_AXIS : 1, true);
}

static bool joining(const args *a, int v) {
  es_tensor *pair[] = {a->x[3], a->x[4]};
  return v < 2 ? es_concat(a->ctx, pair, 2, v) : es_stack(a->ctx, pair, 2, v - 3);
}

/* One pattern and the numbers of its operands. */
static const struct {
  es_kind kind;
  const char *text;
  int n, in[3];
} patterns[] = {
    {ES_KIND_EINSUM, "ij,jk->ik", 2, {2, 6}},
    {ES_KIND_EINSUM, "ij,jk,kl->il", 3, {2, 6, 2}},
    {ES_KIND_EINSUM, "i j, i j ->", 2, {3, 4}},
    {ES_KIND_EINSUM, "i i -> i", 1, {2}},
    {ES_KIND_EINSUM, "i j -> j i", 1, {3}},
    {ES_KIND_EINSUM, "b c (h+kh) (w+kw), o c kh kw -> b o h w", 2, {0, 1}},
    {ES_KIND_EINSUM, "b c (h+kh-1)?0 (w+kw-1)?0, o c kh kw -> b o h w", 2, {0, 1}},
    {ES_KIND_EINSUM, "b c (h+kh-1)?edge (w+kw-1)?wrap, o c kh kw -> b o h w", 2, {0, 1}},
    {ES_KIND_EINSUM, "b c (h+kh-1)?2.5 (w+kw-1)?reflect, o c kh kw -> b o h w", 2, {0, 1}},
    {ES_KIND_EINSUM, "o c kh kw, b c h w -> b o (h+kh) (w+kw)", 2, {1, 0}},
    {ES_KIND_EINSUM, "i, j -> (i+j)", 2, {-1, -1}},
    {ES_KIND_EINSUM, "i j, k j -> (i ^ k) j", 2, {3, 2}},
    {ES_KIND_EINSUM, "i -> i i", 1, {-1}},
    {ES_KIND_EINSUM, "i j, j k -> i k | (max,+)", 2, {3, 2}},
    {ES_KIND_EINSUM, "a b c, b c -> a", 2, {5, 3}},
    {ES_KIND_REARRANGE, "b c h w -> w (b c) h", 1, {0}},
    {ES_KIND_REARRANGE, "b c h w -> b (h w) c", 1, {0}},
    {ES_KIND_REARRANGE, "i j -> (j i)", 1, {6}},
    {ES_KIND_REDUCE, "b c h w -> b c | max", 1, {0}},
    {ES_KIND_REDUCE, "b c (h 5) (w 2) -> b c h w | mean", 1, {0}},
    {ES_KIND_REDUCE, "a b c -> b | logsumexp", 1, {5}},
    {ES_KIND_REPEAT, "i j -> i 3 j 2", 1, {3}},
};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

static int operands(const args *a, int v, es_tensor **in) {
  for (int i = 0; i < patterns[v].n; i++) {
    int k = patterns[v].in[i];
    in[i] = k < 0 ? es_select(a->ctx, a->x[2], 0, 1) : a->x[k];
  }
  return patterns[v].n;
}

static bool notation(const args *a, int v) {
  es_tensor *in[3];
  int n = operands(a, v, in);
  const char *text = patterns[v].text;
  switch (patterns[v].kind) {
  case ES_KIND_EINSUM: return es_einsum(a->ctx, text, in, n, NULL);
  case ES_KIND_REARRANGE: return es_rearrange(a->ctx, text, in[0], NULL);
  case ES_KIND_REDUCE: return es_reduce(a->ctx, text, ES_REDUCE_NONE, in[0], NULL);
  default: return es_repeat(a->ctx, text, in[0], NULL);
  }
}

static es_array described(const es_tensor *t) {
  return (es_array){(void *)(uintptr_t)es_data(t), es_dtype_of(t), es_rank(t), es_shape(t),
                    es_strides(t)};
}

/* The plan door: errors arrive by value, and es_run itself must not allocate. */
static bool planning(const args *a, int v) {
  es_tensor *in[3];
  es_array arrays[3];
  int n = operands(a, v, in);
  for (int i = 0; i < n; i++) {
    if (!in[i]) return false;
    arrays[i] = described(in[i]);
  }
  es_error error = {.status = ES_OK};
  es_expr *expr = es_expr_parse(a->ctx, patterns[v].kind, patterns[v].text,
                                strlen(patterns[v].text), ES_READ_AUTO, &error);
  es_plan *plan = expr ? es_plan_make(a->ctx, expr, arrays, n, NULL, NULL, &error) : NULL;
  es_expr_release(expr);
  if (!plan) {
    cr_assert_eq(error.status, ES_E_NOMEM, "%s: %s", patterns[v].text, error.message);
    return false;
  }
  es_tensor *out = es_empty(a->ctx, es_plan_dtype(plan), es_plan_rank(plan), es_plan_shape(plan));
  es_tensor *space = es_empty(a->ctx, ES_U8, ES_SHAPE((int64_t)es_plan_workspace(plan)));
  es_status status = ES_E_NOMEM;
  if (out && space) {
    es_array to = described(out);
    status = es_run(a->ctx, plan, arrays, n, &to, es_data_mut(space), &error);
    cr_assert_eq(status, ES_OK, "%s: %s", patterns[v].text, error.message);
  }
  es_plan_release(plan);
  return status == ES_OK;
}

static bool packing(const args *a, int v) {
  int64_t shapes[2 * ES_MAX_RANK];
  int ranks[2];
  es_tensor *in[] = {a->x[3], es_select(a->ctx, a->x[3], 1, 0)}, *out[2];
  if (!in[1]) return false;
  es_tensor *packed = es_pack(a->ctx, "i *", in, 2, shapes, ranks);
  if (!packed || v == 0) return packed;
  if (es_unpack(a->ctx, "i *", packed, shapes, ranks, 2, out) == ES_OK) return true;
  cr_assert(!out[0] && !out[1], "half a result");
  return false;
}

static bool splitting(const args *a, int v) {
  (void)v;
  es_tensor *in[] = {a->x[3]}, *out[2];
  if (es_split(a->ctx, "i (j ^ k) -> i j, i k", in, 1, ES_SIZES({"j", 1}), out, 2) == ES_OK)
    return true;
  cr_assert(!out[0] && !out[1], "half a result");
  return false;
}

static bool scoping(const args *a, int v) {
  if (es_scope_push(a->ctx) != ES_OK) return false;
  es_tensor *t = es_binary(a->ctx, ES_ADD, a->x[3], a->x[3]);
  if (v == 0) {
    es_scope_pop(a->ctx);
    return t;
  }
  t = es_scope_pop_keep(a->ctx, es_unary(a->ctx, ES_NEG, t));
  return t && es_size(t) == 12;
}

/* Layers, as programs call them: several expressions in one function. */
static bool layering(const args *a, int v) {
  es_ctx *c = a->ctx;
  const es_window window = {.padding = {1}, .stride = {2}};
  switch (v) {
  case 0: return es_conv2d(c, a->x[0], a->x[1], NULL, &window);
  case 1: return es_unfold(c, a->x[0], (const int64_t[]){2, 3}, &window);
  case 2: return es_max_pool2d(c, a->x[0], (const int64_t[]){2, 2}, NULL);
  case 3: return es_softmax(c, a->x[2], -1);
  case 4: return es_relu(c, a->x[3]);
  case 5: return es_gelu(c, a->x[6], true);
  case 6: return es_pad(c, a->x[0], (const int64_t[]){1, 2}, 2, "reflect", 0);
  default: return es_linear(c, a->x[5], a->x[2], NULL);
  }
}

#define SCENARIOS(X)                                                                               \
  X(creating, 10 * ES_DTYPE_COUNT)                                                                 \
  X(wrapping, 2)                                                                                   \
  X(viewing, 14)                                                                                   \
  X(converting, 6 * ES_DTYPE_COUNT)                                                                \
  X(copying, 4)                                                                                    \
  X(assigning, 2)                                                                                  \
  X(unary, 2 * ES_UNARY_COUNT)                                                                     \
  X(binary, 3 * ES_BINARY_COUNT)                                                                   \
  X(reducing, 3 * (ES_REDUCER_COUNT - 1))                                                          \
  X(joining, 4)                                                                                    \
  X(notation, PATTERNS)                                                                            \
  X(planning, PATTERNS) X(packing, 2) X(splitting, 1) X(scoping, 2) X(layering, 8)

/* ---- the trial --------------------------------------------------------------------------- */

typedef bool (*scenario)(const args *a, int variant);

/* One run in which the k-th allocation fails. False when it was never reached. */
static bool trial(scenario run, const char *name, int variant, int64_t k, bool after) {
  test_alloc alloc;
  args a;
  test_alloc_init(&alloc);
  es_ctx *ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&alloc), .threads = 1});
  make_args(&a, ctx);
  uint64_t before = checksum(&a);
  test_alloc_fail(&alloc, k, after);
  bool success = run(&a, variant);
  test_alloc_obey(&alloc);
  bool injected = alloc.failed > 0;
  es_status status = es_ctx_error(ctx)->status;
  if (!injected) cr_assert(success, "%s %d fails by itself: %s", name, variant, es_error_text(ctx));
  /* Some memory can be done without: a cache, a text of an error. */
  if (!success)
    cr_assert(status == ES_E_NOMEM || status == ES_OK, "%s %d, allocation %lld: %s", name, variant,
              (long long)k, es_error_text(ctx));
  cr_assert_eq(checksum(&a), before, "%s %d, allocation %lld changed an argument", name, variant,
               (long long)k);
  es_clear_error(ctx);
  cr_assert(run(&a, variant), "%s %d, allocation %lld: the retry fails: %s", name, variant,
            (long long)k, es_error_text(ctx));
  es_ctx_destroy(ctx);
  cr_assert_eq(alloc.blocks, 0, "%s %d, allocation %lld leaks %lld blocks", name, variant,
               (long long)k, (long long)alloc.blocks);
  cr_assert_eq(alloc.defects, 0, "%s %d, allocation %lld: sizes or guards are wrong", name, variant,
               (long long)k);
  return injected;
}

static void every_allocation(scenario run, const char *name, int variants) {
  int64_t injected = 0;
  for (int v = 0; v < variants; v++)
    for (int after = 0; after < 2; after++)
      for (int64_t k = 1; trial(run, name, v, k, after); k++) injected++;
  cr_log_info("%s: %lld allocations failed in %d scenarios", name, (long long)injected, variants);
  cr_assert(injected >= 2 * variants, "%s: only %lld failures", name, (long long)injected);
}

#define ES_X(name, variants)                                                                       \
  Test(alloc_failure, name, .timeout = 120) { every_allocation(name, #name, variants); }
SCENARIOS(ES_X)
#undef ES_X

Test(alloc_failure, creating_a_context) {
  for (int after = 0; after < 2; after++)
    for (int64_t k = 1; k < 10; k++) {
      test_alloc alloc;
      test_alloc_init(&alloc);
      test_alloc_fail(&alloc, k, after);
      es_ctx *ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&alloc)});
      cr_assert_eq(ctx == NULL, alloc.failed > 0);
      test_alloc_obey(&alloc);
      es_ctx_destroy(ctx);
      cr_assert_eq(alloc.blocks, 0);
      cr_assert_eq(alloc.defects, 0);
    }
}

/* The sentence of an error survives without memory for its text. */
Test(alloc_failure, reporting_an_error) {
  for (int64_t k = 1; k < 12; k++) {
    test_alloc alloc;
    args a;
    test_alloc_init(&alloc);
    es_ctx *ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&alloc), .threads = 1});
    make_args(&a, ctx);
    test_alloc_fail(&alloc, k, true);
    cr_assert_null(es_einsum(ctx, "i j, j k -> i z", ES_IN(a.x[2], a.x[2]), NULL));
    es_status status = es_ctx_error(ctx)->status;
    cr_assert(status == ES_E_NAME || status == ES_E_NOMEM, "%s", es_error_text(ctx));
    cr_assert(strlen(es_error_text(ctx)) > 10);
    test_alloc_obey(&alloc);
    es_ctx_destroy(ctx);
    cr_assert_eq(alloc.blocks, 0);
  }
}
