/* Plans for any text and any shapes: sizes up to 2^63 - 1, strides of all sorts. A plan
 * is sound or there is an error; it prints itself; it refuses operands that are not what
 * it was made for, before it looks at any data: there are none here. */
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { MOST = 5, RANK = 6, SIZES = 4 };

typedef struct call {
  es_kind kind;
  int64_t n;
  es_array in[MOST], out;
  int64_t shape[MOST][RANK], strides[MOST][RANK];
  es_axis_size sizes[SIZES + 1];
  int64_t out_shape[RANK];
  es_options options;
} call;

static void read_array(fuzz_bytes *b, es_array *a, int64_t *shape, int64_t *strides) {
  int how = fuzz_byte(b);
  *a = (es_array){NULL, (es_dtype)(how % ES_DTYPE_COUNT), fuzz_below(b, RANK + 1), shape, NULL};
  for (int i = 0; i < a->rank; i++) shape[i] = fuzz_size(b);
  if (how < 4 * ES_DTYPE_COUNT) return;
  a->strides = strides;
  for (int i = 0; i < a->rank; i++) {
    strides[i] = fuzz_size(b);
    if (how & 1) strides[i] = (int64_t)(0 - (uint64_t)strides[i]); /* that of INT64_MIN, too */
  }
}

static void read_call(fuzz_bytes *b, call *c) {
  static const char *const names[] = {"a", "b", "c", "h", "w", "kh", "x", "K"};
  static const es_kind kinds[] = {ES_KIND_EINSUM, ES_KIND_EINSUM, ES_KIND_REARRANGE, ES_KIND_REDUCE,
                                  ES_KIND_REPEAT};
  int how = fuzz_byte(b), what = fuzz_byte(b);
  memset(c, 0, sizeof *c);
  c->kind = kinds[how % 5];
  c->n = fuzz_below(b, MOST + 1);
  for (int64_t i = 0; i < c->n; i++) read_array(b, &c->in[i], c->shape[i], c->strides[i]);
  int given = fuzz_below(b, SIZES + 1);
  for (int i = 0; i < given; i++)
    c->sizes[i] = (es_axis_size){names[fuzz_below(b, 8)], fuzz_size(b)};
  c->options.sizes = c->sizes;
  c->options.reading = (es_reading)(what % 3);
  c->options.broadcast = (es_broadcast)(what / 3 % 3);
  c->options.reducer = (es_reducer)(how / 5 % ES_REDUCER_COUNT);
  c->options.wrap = what & 128;
  if (what & 64) c->options.strategy = es_strategy_name(what % 8);
  if (how >= 200) {
    c->options.out_shape = c->out_shape;
    c->options.out_rank = fuzz_below(b, RANK + 1);
    for (int i = 0; i < c->options.out_rank; i++) c->out_shape[i] = fuzz_size(b) - 1;
  }
}

/* Elements of the result fit into 63 bits, also where one extent is 0; everything prints. */
static void check_plan(const es_plan *plan) {
  int64_t count = 1;
  for (int i = 0; i < es_plan_rank(plan); i++) {
    int64_t n = es_plan_shape(plan)[i];
    REQUIRE(n >= 0, "axis %d is %lld", i, (long long)n);
    if (n) REQUIRE(!__builtin_mul_overflow(count, n, &count), "more than 2^63 - 1 elements");
  }
  REQUIRE(es_plan_workspace(plan) % 64 == 0, "%zu bytes", es_plan_workspace(plan));
  REQUIRE(es_plan_flops(plan) >= 0 && es_plan_bytes(plan) >= 0, "costs");
  FUZZ_CHECK_PRINT(es_plan_print(plan, buf, cap));
  FUZZ_CHECK_PRINT(es_plan_formula(plan, buf, cap));
  FUZZ_CHECK_PRINT(es_plan_bytes_formula(plan, buf, cap));
  FUZZ_CHECK_PRINT(es_plan_peak(plan, NULL, buf, cap));
  FUZZ_CHECK_PRINT(es_plan_explain(plan, ES_EXPLAIN_TEXT, NULL, buf, cap));
  FUZZ_CHECK_PRINT(es_plan_explain(plan, ES_EXPLAIN_JSON, NULL, buf, cap));
}

/* One field of one array, or the count, is another than the plan's. */
static void run_mismatched(const es_plan *plan, const call *c, fuzz_bytes *b) {
  es_array in[MOST + 1],
      out = {NULL, es_plan_dtype(plan), es_plan_rank(plan), es_plan_shape(plan), NULL};
  int64_t other[ES_MAX_RANK], n = c->n, which = fuzz_below(b, MOST) % (c->n + 1);
  memcpy(in, c->in, sizeof c->in);
  es_array *a = which == c->n ? &out : &in[which];
  int field = fuzz_below(b, 4);
  if (field == 0) {
    n--;
  } else if (field == 1) {
    a->dtype = (es_dtype)((a->dtype + 1) % ES_DTYPE_COUNT);
  } else if (field == 2 || a->rank == 0) {
    a->rank += a->rank < RANK ? 1 : -1;
    for (int i = 0; i < ES_MAX_RANK; i++) other[i] = 1;
    a->shape = other, a->strides = NULL;
  } else {
    int axis = fuzz_byte(b) % a->rank;
    memcpy(other, a->shape, (size_t)a->rank * sizeof *other);
    other[axis] = other[axis] ? other[axis] - 1 : 1;
    a->shape = other;
  }
  es_error error = {.status = ES_OK};
  _Alignas(64) char none[64];
  es_status status = es_run(NULL, plan, in, n, &out, none, &error);
  REQUIRE(status != ES_OK, "field %d of operand %lld is wrong", field, (long long)which);
  fuzz_check_error(&error, NULL, 0);
}

static es_plan *make(es_ctx *ctx, const call *c, const char *text, size_t len, es_error *error) {
  es_expr *expr = es_expr_parse(ctx, c->kind, text, len, c->options.reading, error);
  if (!expr) return NULL;
  es_plan *plan = es_plan_make(ctx, expr, c->in, c->n, NULL, &c->options, error);
  es_expr_release(expr);
  return plan;
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  fuzz_bytes b = {bytes, len};
  call c;
  fuzz_heap heap;
  uint8_t failure = fuzz_byte(&b);
  fuzz_heap_open(&heap, 0);
  /* Plans have no data: the limit is that of what planning itself asks for. */
  es_ctx *ctx = fuzz_context(&heap, failure & 1 ? 1 << 26 : 1 << 20, &b);
  read_call(&b, &c);
  const char *text = (const char *)b.at;
  es_error error = {.status = ES_OK};
  fuzz_heap_fail(&heap, failure);
  es_plan *plan = make(ctx, &c, text, b.left, &error);
  fuzz_heap_obey(&heap);
  if (!plan && error.status == ES_E_NOMEM && heap.struck) {
    error.status = ES_OK;
    plan = make(ctx, &c, text, b.left, &error);
  }
  REQUIRE(plan || error.status != ES_OK, "neither a plan nor an error");
  if (plan) {
    check_plan(plan);
    fuzz_bytes tail = {b.at, b.left};
    run_mismatched(plan, &c, &tail);
    es_plan_release(plan);
  } else {
    fuzz_check_error(&error, text, b.left);
  }
  es_ctx_destroy(ctx);
  fuzz_heap_close(&heap);
}
