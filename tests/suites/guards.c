/* No byte outside of an operand, a result, a workspace is read or written: operands and
 * results lie exactly between forbidden pages, at the end and at the start of theirs, and so
 * does all memory of the context. Every kernel is met on every vector width with every tail
 * of a vector; the bits are those of the same call on memory like any other.
 *
 *   guards [EACH]   takes every EACH-th call; 1, the whole, by default */
#include "base/dtype.h"
#include "einstride/layers.h"
#include "tests/suites/suite.h"
#include "tests/support/expressions.h"
#include "tests/support/guard.h"

enum { ISAS = 3, MOST = 3 };
static const es_isa isas[ISAS] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};

static es_ctx *plain[ISAS], *guarded[ISAS]; /* NULL: not on this processor */
static _Atomic int64_t damaged;
static int each = 1;
static long long turn, calls;

/* ---- values ---------------------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252u;

static void fill(es_dtype dtype, char *data, int64_t n) {
  bool has_sign = dtype != ES_BOOL && dtype != ES_U8;
  for (int64_t i = 0; i < n; i++) {
    random_state ^= random_state << 13, random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    int64_t v = (int64_t)(random_state >> 40 & 3) - (has_sign ? 1 : 0);
    if (dtype == ES_BOOL) v &= 1;
    es_scalar s = {es_dtype_class(dtype), v, (double)v * 0.75, 0.5};
    if (dtype < ES_F16) s.re = (double)v;
    es_scalar_store(dtype, data + (size_t)i * es_dtype_size(dtype), s);
  }
}

typedef struct operand {
  guard memory;
  es_tensor *plain, *guarded;
} operand;

static int64_t product(int rank, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  return n;
}

static es_tensor *wrap(es_ctx *ctx, const guard *g, es_dtype dtype, int rank,
                       const int64_t *shape) {
  int64_t length = (int64_t)(g->bytes / es_dtype_size(dtype));
  return es_wrap(ctx, dtype, g->data, length, 0, rank, shape, NULL, true, NULL, NULL);
}

static operand make_operand(int isa, es_dtype dtype, int rank, const int64_t *shape, bool at_end) {
  int64_t n = product(rank, shape);
  operand o = {.memory = guard_make((size_t)n * es_dtype_size(dtype), at_end)};
  REQUIRE(o.memory.data, "no memory");
  fill(dtype, o.memory.data, n);
  o.guarded = wrap(guarded[isa], &o.memory, dtype, rank, shape);
  o.plain = es_copy(plain[isa], wrap(plain[isa], &o.memory, dtype, rank, shape));
  return o;
}

/* ---- one call ---------------------------------------------------------------------------------
 */

/* What is called: any function of up to three operands. */
typedef struct job {
  const char *name;
  es_tensor *(*run)(es_ctx *ctx, es_tensor *const *in, const struct job *j, es_tensor *out);
  const char *text;
  es_reducer reducer;
  const es_axis_size *sizes;
  int which; /* operation, type, … */
  bool into; /* takes out */
} job;

static bool same_bits(const es_tensor *a, const es_tensor *b) {
  return es_size(a) == es_size(b) && es_is_contiguous(a) && es_is_contiguous(b) &&
         !memcmp(es_data(a), es_data(b), (size_t)es_size(a) * es_dtype_size(es_dtype_of(a)));
}

static void compare(int isa, const job *j, const es_tensor *want, es_tensor *const *in,
                    bool at_end) {
  es_ctx *ctx = guarded[isa];
  guard memory = {.data = NULL};
  es_tensor *out = NULL;
  if (j->into) {
    memory = guard_make((size_t)es_size(want) * es_dtype_size(es_dtype_of(want)), at_end);
    out = wrap(ctx, &memory, es_dtype_of(want), es_rank(want), es_shape(want));
  }
  es_tensor *got = j->run(ctx, in, j, out);
  REQUIRE(got, "%s: %s", j->name, es_error_text(ctx));
  if (!j->into) got = es_contiguous(ctx, got);
  REQUIRE(same_bits(want, got), "'%s' (%s), %s, width %d: other bits beside the end of memory",
          j->text ? j->text : "", j->name, es_dtype_name(es_dtype_of(in[0])), (int)isas[isa]);
  REQUIRE(!memory.pages || guard_check(&memory), "'%s': bytes around the result changed", j->name);
  guard_free(&memory);
}

typedef struct shape {
  int rank;
  int64_t extent[5];
} shape;

static void call(int isa, const job *j, es_dtype dtype, int n, const shape *s, bool at_end) {
  if (turn++ % each) return;
  operand o[MOST];
  es_tensor *in[MOST] = {NULL}, *in_plain[MOST] = {NULL};
  es_scope_push(plain[isa]);
  es_scope_push(guarded[isa]);
  for (int i = 0; i < n; i++) {
    o[i] = make_operand(isa, dtype, s[i].rank, s[i].extent, at_end);
    in[i] = o[i].guarded, in_plain[i] = o[i].plain;
  }
  es_tensor *want = j->run(plain[isa], in_plain, j, NULL);
  want = want ? es_contiguous(plain[isa], want) : NULL;
  if (want) { /* else a type without this operation, or an integer that does not fit */
    compare(isa, j, want, in, at_end);
    calls++;
  }
  es_clear_error(plain[isa]);
  es_scope_pop(guarded[isa]);
  es_scope_pop(plain[isa]);
  for (int i = 0; i < n; i++) {
    REQUIRE(guard_check(&o[i].memory), "'%s': bytes around an operand changed", j->name);
    guard_free(&o[i].memory);
  }
}

static void everywhere(const job *j, es_dtype dtype, int n, const shape *s) {
  for (int i = 0; i < ISAS; i++)
    for (int end = 0; plain[i] && end < 2; end++) call(i, j, dtype, n, s, end);
}

/* ---- expressions
 * --------------------------------------------------------------------------------- */

static es_tensor *run_text(es_ctx *ctx, es_tensor *const *in, const job *j, es_tensor *out) {
  es_options options = {.reducer = j->reducer, .sizes = j->sizes};
  int n = 1;
  for (const char *c = j->text; *c && *c != '-'; c++) n += *c == ',';
  return es_einsum_into(ctx, j->text, in, n, &options, out);
}

/* m and n are the extents that vary; in the shapes -1 and -2 stand for them. */
enum { M = -1, N = -2, M2 = -3, N2 = -4 };
static const struct {
  const char *text;
  es_reducer reducer;
  int n;
  shape in[2];
  es_axis_size size[3];
} texts[] = {
    {"i k, k j -> i j", 0, 2, {{2, {M, N}}, {2, {N, M}}}, {{0}}},
    {"i k, k j -> i j", 0, 2, {{2, {3, M}}, {2, {M, N}}}, {{0}}},
    {"i k, j k -> i j", 0, 2, {{2, {M, 7}}, {2, {N, 7}}}, {{0}}},
    {"k i, k j -> j i", 0, 2, {{2, {9, M}}, {2, {9, N}}}, {{0}}},
    {"b i k, b k j -> b i j", 0, 2, {{3, {2, M, 5}}, {3, {2, 5, N}}}, {{0}}},
    {"i k, k -> i", 0, 2, {{2, {M, N}}, {1, {N}}}, {{0}}},
    {"k i, k -> i", 0, 2, {{2, {M, N}}, {1, {M}}}, {{0}}},
    {"k, k ->", 0, 2, {{1, {M}}, {1, {M}}}, {{0}}},
    {"i, j -> i j", 0, 2, {{1, {M}}, {1, {N}}}, {{0}}},
    {"i j, i j -> i j", 0, 2, {{2, {M, N}}, {2, {M, N}}}, {{0}}},
    {"i j, j -> i j | (sum, +)", 0, 2, {{2, {M, N}}, {1, {N}}}, {{0}}},
    {"i j, i -> i j | (max, max)", 0, 2, {{2, {M, N}}, {1, {M}}}, {{0}}},
    {"i k, k j -> i j | (max, +)", 0, 2, {{2, {M, 5}}, {2, {5, N}}}, {{0}}},
    {"i j -> i", ES_REDUCE_SUM, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> i", ES_REDUCE_MAX, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> i", ES_REDUCE_MIN, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> i", ES_REDUCE_PROD, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> i", ES_REDUCE_MEAN, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> i", ES_REDUCE_ANY, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> i", ES_REDUCE_LOGSUMEXP, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> j", ES_REDUCE_SUM, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> j", ES_REDUCE_MAX, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> j", ES_REDUCE_MEAN, 1, {{2, {M, N}}}, {{0}}},
    {"i j k -> j", ES_REDUCE_SUM, 1, {{3, {3, M, N}}}, {{0}}},
    {"i j -> j i", 0, 1, {{2, {M, N}}}, {{0}}},
    {"i j k -> k j i", 0, 1, {{3, {3, M, N}}}, {{0}}},
    {"i j k -> i k j", 0, 1, {{3, {2, M, N}}}, {{0}}},
    {"i j c -> c i j", 0, 1, {{3, {M, N, 2}}}, {{0}}},
    {"i j c -> c i j", 0, 1, {{3, {M, N, 3}}}, {{0}}},
    {"i j c -> c i j", 0, 1, {{3, {M, N, 4}}}, {{0}}},
    {"i j c -> c i j", 0, 1, {{3, {M, N, 8}}}, {{0}}},
    {"c i j -> i j c", 0, 1, {{3, {2, M, N}}}, {{0}}},
    {"c i j -> i j c", 0, 1, {{3, {3, M, N}}}, {{0}}},
    {"c i j -> i j c", 0, 1, {{3, {4, M, N}}}, {{0}}},
    {"c i j -> i j c", 0, 1, {{3, {8, M, N}}}, {{0}}},
    {"i j -> i 3 j", 0, 1, {{2, {M, N}}}, {{0}}},
    {"(2*i) (3*j) -> i j", 0, 1, {{2, {M2, N}}}, {{0}}},
    {"i j -> (2*i) j", 0, 1, {{2, {M, N}}}, {{0}}},
    {"i j -> (i+j)", 0, 1, {{2, {M, N}}}, {{0}}},
    {"i i -> i", 0, 1, {{2, {M, M}}}, {{0}}},
    {"(i-1)?edge (j-2)?reflect -> i j", 0, 1, {{2, {M, N}}}, {{0}}},
    {"(i-1)?wrap (j-2)?3 -> i j", 0, 1, {{2, {M, N}}}, {{0}}},
    {"i (j+k-1)?0, k -> i j", 0, 2, {{2, {M, N}}, {1, {3}}}, {{0}}},
    {"(k-1)?0 j, k i -> i j", 0, 2, {{2, {M, N}}, {2, {M, 5}}}, {{0}}},
    {"(k+2)?0 j, k i -> i j", 0, 2, {{2, {M, N}}, {2, {M, 5}}}, {{0}}},
    {"c (h+a-1)?0 (w+b-1)?0, c a b -> c h w", 0, 2, {{3, {2, M, N}}, {3, {2, 3, 3}}}, {{0}}},
    {"c (2*h+a-1)?0 (2*w+b-1)?0, c a b -> c h w", 0, 2, {{3, {2, M, N}}, {3, {2, 3, 3}}}, {{0}}},
    {"c (h+a-2)?0 (w+b-2)?0, c a b -> c h w", 0, 2, {{3, {2, M, N}}, {3, {2, 5, 5}}}, {{0}}},
    {"(h+a-1)?0 (w+b-1)?0 c, a b c -> h w c", 0, 2, {{3, {3, M, N}}, {3, {3, 3, N}}}, {{0}}},
    {"c (h+a-1)?0 (w+b-1)?0, o c a b -> o h w", 0, 2, {{3, {3, M, N}}, {4, {5, 3, 3, 3}}}, {{0}}},
    {"c (2*h+a) (2*w+b), o c a b -> o h w", 0, 2, {{3, {3, M2, N2}}, {4, {5, 3, 2, 2}}}, {{0}}},
    {"c (h+a-1)?0 (w+b-1)?0 -> c h w", ES_REDUCE_MAX, 1, {{3, {2, M, N}}}, {{"a", 3}, {"b", 3}}},
    {"c (2*h+a) (2*w+b) -> c h w", ES_REDUCE_MAX, 1, {{3, {2, M2, N2}}}, {{"a", 2}, {"b", 2}}},
    {"c (2*h+a) (2*w+b) -> c h w", ES_REDUCE_MEAN, 1, {{3, {2, M2, N2}}}, {{"a", 2}, {"b", 2}}},
    {"c (h+a-1)?0 (w+b-1)?0 -> c h w", ES_REDUCE_SUM, 1, {{3, {2, M, N}}}, {{"a", 3}, {"b", 3}}},
};
enum { TEXTS = sizeof texts / sizeof *texts };

static const int64_t extents[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65};
enum { EXTENTS = sizeof extents / sizeof *extents };

static void all_texts(void) {
  for (int t = 0; t < TEXTS; t++)
    for (es_dtype dtype = ES_BOOL; dtype < ES_DTYPE_COUNT; dtype++)
      for (int a = 0; a < EXTENTS; a++)
        for (int b = 0; b < EXTENTS; b++) {
          int64_t stand[] = {0, extents[a], extents[b], 2 * extents[a], 2 * extents[b]};
          shape s[2] = {texts[t].in[0], texts[t].in[1]};
          for (int i = 0; i < 2; i++)
            for (int k = 0; k < s[i].rank; k++)
              if (s[i].extent[k] < 0) s[i].extent[k] = stand[-s[i].extent[k]];
          job j = {"einsum", run_text, texts[t].text, texts[t].reducer, texts[t].size, 0, true};
          everywhere(&j, dtype, texts[t].n, s);
        }
}

/* ---- functions
 * ------------------------------------------------------------------------------------ */

static es_tensor *run_unary(es_ctx *ctx, es_tensor *const *in, const job *j, es_tensor *out) {
  (void)out;
  return es_unary(ctx, (es_unary_op)j->which, in[0]);
}
static es_tensor *run_binary(es_ctx *ctx, es_tensor *const *in, const job *j, es_tensor *out) {
  (void)out;
  return es_binary(ctx, (es_binary_op)j->which, in[0], in[1]);
}
static es_tensor *run_scalar(es_ctx *ctx, es_tensor *const *in, const job *j, es_tensor *out) {
  (void)out;
  return es_binary_scalar(ctx, (es_binary_op)j->which, in[0], 2, true, false);
}
static es_tensor *run_cast(es_ctx *ctx, es_tensor *const *in, const job *j, es_tensor *out) {
  (void)out;
  return es_cast(ctx, in[0], (es_dtype)j->which);
}

/* Of one or two operands of the same shape (m, n). */
enum {
  WHERE,
  ADD_ROW,
  CONCAT,
  STACK,
  CONTIGUOUS,
  FLIPPED,
  EVERY_OTHER,
  ARGMAX,
  SOFTMAX,
  SOFTMAX_0,
  LOG_SOFTMAX,
  LAYER_NORM,
  RMS_NORM,
  RELU,
  GELU,
  GELU_TANH,
  SILU,
  SIGMOID,
  SOFTPLUS,
  ATTENTION,
  LINEAR,
  OTHERS
};

static es_tensor *layer(es_ctx *ctx, es_tensor *a, es_tensor *b, int which) {
  switch (which) {
  case SOFTMAX: return es_softmax(ctx, a, -1);
  case SOFTMAX_0: return es_softmax(ctx, a, 0);
  case LOG_SOFTMAX: return es_log_softmax(ctx, a, 1);
  case LAYER_NORM: return es_layer_norm(ctx, a, 1, NULL, NULL, 1e-5);
  case RMS_NORM: return es_rms_norm(ctx, a, 1, NULL, 1e-5);
  case RELU: return es_relu(ctx, a);
  case GELU: return es_gelu(ctx, a, false);
  case GELU_TANH: return es_gelu(ctx, a, true);
  case SILU: return es_silu(ctx, a);
  case SIGMOID: return es_sigmoid(ctx, a);
  case SOFTPLUS: return es_softplus(ctx, a);
  case ATTENTION: return es_scaled_dot_product_attention(ctx, a, b, b, NULL, false, 0, false);
  default: return es_linear(ctx, a, b, NULL);
  }
}

static es_tensor *run_other(es_ctx *ctx, es_tensor *const *in, const job *j, es_tensor *out) {
  (void)out;
  es_tensor *a = in[0], *b = in[1];
  switch (j->which) {
  case WHERE: return es_where(ctx, es_binary(ctx, ES_GT, a, b), a, b);
  case ADD_ROW: return es_binary(ctx, ES_ADD, a, es_select(ctx, b, 0, 0));
  case CONCAT: return es_concat(ctx, in, 2, 1);
  case STACK: return es_stack(ctx, in, 2, 2);
  case CONTIGUOUS: return es_copy(ctx, es_transpose(ctx, a, 0, 1));
  case FLIPPED: return es_unary(ctx, ES_NEG, es_flip(ctx, a, 1));
  case EVERY_OTHER: return es_unary(ctx, ES_NEG, es_slice(ctx, a, 1, ES_ALL, ES_ALL, 2));
  case ARGMAX: return es_argmax(ctx, a, 1, false);
  default: return layer(ctx, a, b, j->which);
  }
}

static void function(es_tensor *(*run)(es_ctx *, es_tensor *const *, const job *, es_tensor *),
                     const char *name, int n, int which) {
  for (es_dtype dtype = ES_BOOL; dtype < ES_DTYPE_COUNT; dtype++)
    for (int a = 0; a < EXTENTS; a++) {
      shape s[2] = {{2, {3, extents[a]}}, {2, {3, extents[a]}}};
      everywhere(&(job){.name = name, .run = run, .which = which}, dtype, n, s);
      s[0].extent[0] = s[1].extent[0] = extents[EXTENTS - 1 - a];
      everywhere(&(job){.name = name, .run = run, .which = which}, dtype, n, s);
    }
}

static void all_functions(void) {
  for (int op = 0; op < ES_UNARY_COUNT; op++) function(run_unary, "unary", 1, op);
  for (int op = 0; op < ES_BINARY_COUNT; op++) {
    function(run_binary, "binary", 2, op);
    function(run_scalar, "binary with a scalar", 1, op);
  }
  for (int to = 0; to < ES_DTYPE_COUNT; to++) function(run_cast, "cast", 1, to);
  for (int which = 0; which < OTHERS; which++) function(run_other, "another", 2, which);
}

/* More queries and keys than a block of attention has. */
static void attention_blocks(void) {
  static const int64_t lengths[] = {127, 128, 129, 257};
  for (int q = 0; q < 4; q++)
    for (int k = 0; k < 4; k++) {
      shape s[2] = {{2, {lengths[q], 19}}, {2, {lengths[k], 19}}};
      for (es_dtype dtype = ES_F32; dtype <= ES_F64; dtype++)
        everywhere(&(job){.name = "attention", .run = run_other, .which = ATTENTION}, dtype, 2, s);
    }
}

/* ---- random expressions
 * -------------------------------------------------------------------------- */

static void random_expression(int isa, expr_maker *m, const expr_meaning *e, bool at_end) {
  static expr_tally t;
  guard memory[EXPR_OPERANDS];
  es_tensor *in[EXPR_OPERANDS];
  es_ctx *ctx = guarded[isa];
  es_scope_push(ctx);
  for (int i = 0; i < m->n_in; i++) {
    int64_t count = product(m->in[i].rank, m->in[i].shape);
    memory[i] = guard_make((size_t)count * es_dtype_size(m->dtype[i]), at_end);
    for (int64_t k = 0; k < count; k++)
      es_scalar_store(
          m->dtype[i], memory[i].data + (size_t)k * es_dtype_size(m->dtype[i]),
          (es_scalar){es_dtype_class(m->dtype[i]), (int64_t)m->values[i][k], m->values[i][k], 0});
    in[i] = wrap(ctx, &memory[i], m->dtype[i], m->in[i].rank, m->in[i].shape);
  }
  m->strategy = NULL;
  REQUIRE(expr_judge(ctx, m, e, expr_run(ctx, m, in), &t), "width %d: %s", (int)isas[isa], t.why);
  es_clear_error(ctx);
  es_scope_pop(ctx);
  for (int i = 0; i < m->n_in; i++) {
    REQUIRE(guard_check(&memory[i]), "'%s': bytes around an operand changed", m->text);
    guard_free(&memory[i]);
  }
  calls++;
}

static void random_expressions(long long count) {
  static expr_maker m = {.state = 3};
  static expr_meaning e;
  static expr_tally t;
  while (count > 0) {
    while (!expr_make(&m)) continue;
    if (expr_understand(&m, 4000, &e, &t)) {
      for (int i = 0; i < ISAS; i++)
        for (int end = 0; plain[i] && end < 2; end++) random_expression(i, &m, &e, end);
      count--;
    }
    expr_forget(&e);
  }
}

int main(int argc, char **argv) {
  each = (int)suite_count(argc, argv, 1, 1);
  REQUIRE(each > 0, "every which call?");
  double start = suite_seconds();
  for (int i = 0; i < ISAS; i++) {
    es_config config = {.threads = 1, .max_cached_plans = -1, .isa = isas[i]};
    plain[i] = es_ctx_create(&config);
    config.allocator = guard_allocator(&damaged);
    guarded[i] = es_ctx_create(&config);
    REQUIRE(plain[i] && guarded[i], "no memory for a context");
    if (es_isa_used(plain[i]) == isas[i]) continue;
    es_ctx_destroy(plain[i]), es_ctx_destroy(guarded[i]);
    plain[i] = NULL;
  }
  all_texts();
  all_functions();
  attention_blocks();
  random_expressions(100000 / each);
  for (int i = 0; i < ISAS; i++)
    if (plain[i]) es_ctx_destroy(plain[i]), es_ctx_destroy(guarded[i]);
  REQUIRE(damaged == 0, "%lld blocks of the context were written beside", (long long)damaged);
  printf("%lld calls between forbidden pages; %.0f s\n", calls, suite_seconds() - start);
  return 0;
}
