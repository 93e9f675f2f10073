/* Sequences of calls in any order: tensors are made, seen, combined, retained, released;
 * scopes open and close; plans outlive their context; half of the arguments are wrong. What
 * an error leaves behind is what was there before; in the end no memory is held, and each
 * release callback was called once. */
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { SLOTS = 8, PLANS = 2, DEPTH = 6, RANK = 4, CALLS = 64, LIMIT = 1 << 20, WRAPPED = 64 };

typedef struct slot {
  es_tensor *t;
  int depth;     /* of the scope that owns the handle; -1: none does any more */
  bool retained; /* a count of our own, too */
} slot;

typedef struct state {
  fuzz_bytes b;
  fuzz_heap heap;
  es_ctx *ctx;
  int depth;
  slot slots[SLOTS];
  es_plan *plans[PLANS];
  es_expr *exprs[PLANS];
  int wrapped, released;
  double memory[WRAPPED];
} state;

static const char *const patterns[] = {
    "i j, j k -> i k",
    "ij,jk->ik",
    "i j -> j i",
    "i j -> (i j)",
    "(i j) -> i j",
    "i j -> i | max",
    "i i -> i",
    "i -> i i",
    "(h+kh-1)?0 (w+kw), kh kw -> h w",
    "(2*h+kh) -> h kh",
    "i, j -> (i+j)",
    "i j, k j -> (i ^ k) j",
    "i ... -> ... i",
    "i j, j k, k l -> i l",
    "b i k, b k j -> b i j",
    "i j -> i j 2",
    "i, i -> | (max, +)",
    "i j k -> | mean",
    "i j ->",
    "i (j",
};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

/* ---- slots ---------------------------------------------------------------------------------- */

static es_tensor *any(state *s) { return s->slots[fuzz_below(&s->b, SLOTS)].t; }

static void empty_slot(slot *x) {
  if (x->retained) es_release(x->t);
  *x = (slot){NULL, 0, false};
}

/* The same handle may sit in two slots: es_contiguous and others return their argument. */
static void keep(state *s, es_tensor *t) {
  slot *x = &s->slots[fuzz_below(&s->b, SLOTS)];
  int depth = s->depth;
  if (!t) return;
  for (int i = 0; i < SLOTS; i++)
    if (s->slots[i].t == t) depth = s->slots[i].depth;
  bool retained = fuzz_below(&s->b, 3) == 0 || depth != s->depth;
  if (retained) es_retain(t);
  empty_slot(x);
  *x = (slot){t, depth, retained};
}

/* The innermost scope is gone, and with it the handles that only it held. */
static void forget(state *s, const es_tensor *saved) {
  for (int i = 0; i < SLOTS; i++) {
    slot *x = &s->slots[i];
    if (x->depth < s->depth || !x->t) continue;
    if (x->t == saved)
      x->depth = s->depth ? s->depth - 1 : 0;
    else if (x->retained)
      x->depth = -1;
    else
      *x = (slot){NULL, 0, false};
  }
}

static int read_shape(state *s, int64_t *shape) {
  int rank = fuzz_below(&s->b, RANK + 1);
  for (int i = 0; i < rank; i++) {
    int n = fuzz_byte(&s->b);
    shape[i] = n < 250 ? n % 6 : n < 253 ? fuzz_size(&s->b) : -1;
  }
  return rank;
}

static es_dtype read_dtype(state *s) { return (es_dtype)fuzz_below(&s->b, ES_DTYPE_COUNT); }
static int read_axis(state *s) { return fuzz_below(&s->b, 8) - 3; }

/* ---- calls ------------------------------------------------------------------------------------
 */

static void count_release(void *user) { ++*(int *)user; }

static es_tensor *make(state *s) {
  int64_t shape[RANK], strides[RANK];
  int how = fuzz_below(&s->b, 9);
  es_dtype d = read_dtype(s);
  int rank = read_shape(s, shape);
  switch (how) {
  case 0: return es_zeros(s->ctx, d, rank, shape);
  case 1: return es_full(s->ctx, d, rank, shape, fuzz_below(&s->b, 200));
  case 2: return es_ramp(s->ctx, d, rank, shape);
  case 3: return es_arange(s->ctx, d, 0, fuzz_below(&s->b, 9), fuzz_below(&s->b, 3));
  case 4: return es_linspace(s->ctx, d, 0, 1, fuzz_below(&s->b, 9));
  case 5: return es_eye(s->ctx, d, fuzz_below(&s->b, 5), fuzz_below(&s->b, 5));
  case 6: return es_rand(s->ctx, d, rank, shape);
  default: /* memory of ours; all of it may be read */
    for (int i = 0; i < rank; i++) strides[i] = fuzz_below(&s->b, 16) - 6;
    s->wrapped++;
    return es_wrap(s->ctx, ES_F64, s->memory, WRAPPED, fuzz_below(&s->b, WRAPPED), rank, shape,
                   how == 7 ? strides : NULL, fuzz_below(&s->b, 2), count_release, &s->released);
  }
}

static es_tensor *view(state *s) {
  int64_t shape[RANK], strides[RANK];
  const es_tensor *x = any(s);
  int how = fuzz_below(&s->b, 11), axis = read_axis(s), rank;
  switch (how) {
  case 0: return es_transpose(s->ctx, x, axis, read_axis(s));
  case 1: return es_slice(s->ctx, x, axis, fuzz_below(&s->b, 4), ES_ALL, read_axis(s));
  case 2: return es_select(s->ctx, x, axis, read_axis(s));
  case 3: return es_unsqueeze(s->ctx, x, axis);
  case 4: return es_squeeze_all(s->ctx, x);
  case 5: return es_diagonal(s->ctx, x, read_axis(s), axis, read_axis(s));
  case 6: return es_flip(s->ctx, x, axis);
  case 7: return es_flatten(s->ctx, x, axis, read_axis(s));
  case 8: rank = read_shape(s, shape); return es_reshape(s->ctx, x, rank, shape);
  case 9: rank = read_shape(s, shape); return es_broadcast_to(s->ctx, x, rank, shape);
  default:
    rank = read_shape(s, shape);
    for (int i = 0; i < rank; i++) strides[i] = fuzz_below(&s->b, 16) - 6;
    return es_as_strided(s->ctx, x, rank, shape, strides, read_axis(s));
  }
}

static es_tensor *compute(state *s) {
  es_tensor *x = any(s), *y = any(s);
  int axis = read_axis(s), how = fuzz_below(&s->b, 12), op = fuzz_byte(&s->b);
  switch (how) {
  case 0: return es_copy(s->ctx, x);
  case 1: return es_contiguous(s->ctx, x);
  case 2: return es_cast(s->ctx, x, read_dtype(s));
  case 3: return es_unary(s->ctx, (es_unary_op)(op % ES_UNARY_COUNT), x);
  case 4: return es_binary(s->ctx, (es_binary_op)(op % ES_BINARY_COUNT), x, y);
  case 5:
    return es_binary_scalar(s->ctx, (es_binary_op)(op % ES_BINARY_COUNT), x, axis, op & 1, op & 2);
  case 6: return es_where(s->ctx, any(s), x, y);
  case 7:
    return es_reduce_axes(s->ctx, (es_reducer)(op % ES_REDUCER_COUNT), x, &axis, op & 1, op & 2);
  case 8: return es_argmax(s->ctx, x, axis, op & 1);
  case 9: return es_concat(s->ctx, ES_IN(x, y), axis);
  case 10: return es_stack(s->ctx, ES_IN(x, y), axis);
  default: es_assign(s->ctx, x, y); return NULL;
  }
}

static es_tensor *evaluate(state *s) {
  const char *text = patterns[fuzz_below(&s->b, PATTERNS)];
  int how = fuzz_byte(&s->b);
  es_tensor *in[3];
  for (int i = 0; i < 3; i++) in[i] = any(s);
  int n = how % 4;
  es_axis_size sizes[] = {{"i", 1 + how % 3}, {NULL, 0}};
  es_options options = {.sizes = how & 32 ? sizes : NULL, .has_scale = how & 64, .alpha = 2};
  options.beta = how & 128 ? 1 : 0;
  if (how & 4) return es_rearrange(s->ctx, text, in[0], options.sizes);
  if (how & 8) return es_einsum_into(s->ctx, text, in, n, &options, any(s));
  return es_einsum(s->ctx, text, in, n, options.sizes);
}

static es_array described(const es_tensor *t) {
  return (es_array){(void *)(uintptr_t)es_data(t), es_dtype_of(t), es_rank(t), es_shape(t),
                    es_strides(t)};
}

static void plan(state *s) {
  int k = fuzz_below(&s->b, PLANS), n = fuzz_below(&s->b, 4);
  const char *text = patterns[fuzz_below(&s->b, PATTERNS)];
  es_array in[4];
  es_error error = {.status = ES_OK};
  es_tensor *x;
  es_expr_release(s->exprs[k]);
  es_plan_release(s->plans[k]);
  s->plans[k] = NULL;
  s->exprs[k] = es_expr_parse(s->ctx, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  if (!s->exprs[k]) return;
  for (int i = 0; i < n; i++) {
    if (!(x = any(s))) return;
    in[i] = described(x);
  }
  s->plans[k] = es_plan_make(s->ctx, s->exprs[k], in, n, NULL, NULL, &error);
  if (!s->plans[k]) fuzz_check_error(&error, text, strlen(text));
}

/* A plan on whatever tensors there are; most do not fit. */
static es_tensor *run(state *s) {
  const es_plan *p = s->plans[fuzz_below(&s->b, PLANS)];
  int n = fuzz_below(&s->b, 4);
  es_array in[4];
  if (!p) return NULL;
  es_tensor *out = es_empty(s->ctx, es_plan_dtype(p), es_plan_rank(p), es_plan_shape(p)), *x;
  if (!out) return NULL;
  es_array to = described(out);
  for (int i = 0; i < n; i++) {
    if (!(x = any(s))) return NULL;
    in[i] = described(x);
  }
  size_t bytes = es_plan_workspace(p);
  void *space = bytes ? aligned_alloc(64, bytes) : NULL;
  REQUIRE(!bytes || space, "no workspace of %zu bytes", bytes);
  es_error error;
  es_status status = es_run(s->ctx, p, in, n, &to, space, &error);
  free(space);
  if (status == ES_OK) return out;
  fuzz_check_error(&error, NULL, 0);
  return NULL;
}

static void manage(state *s) {
  slot *x = &s->slots[fuzz_below(&s->b, SLOTS)];
  int how = fuzz_below(&s->b, 6);
  bool keeps = how == 2 && x->t && x->depth == s->depth;
  switch (how) {
  case 0: empty_slot(x); break;
  case 1:
  case 2:
    if (keeps)
      REQUIRE(es_scope_pop_keep(s->ctx, x->t) == x->t || s->heap.struck, "%s",
              es_error_text(s->ctx));
    else
      es_scope_pop(s->ctx);
    /* Under a lack of memory the handle may not have moved: it is let go of. */
    forget(s, keeps && !s->heap.struck ? x->t : NULL);
    if (s->depth) s->depth--;
    break;
  case 3:
  case 4:
    if (s->depth < DEPTH && es_scope_push(s->ctx) == ES_OK) s->depth++;
    break;
  default: es_clear_error(s->ctx);
  }
}

static void call(state *s) {
  switch (fuzz_below(&s->b, 10)) {
  case 0:
  case 1: keep(s, make(s)); break;
  case 2:
  case 3: keep(s, view(s)); break;
  case 4: keep(s, compute(s)); break;
  case 5:
  case 6: keep(s, evaluate(s)); break;
  case 7: plan(s); break;
  case 8: keep(s, run(s)); break;
  default: manage(s);
  }
  const es_error *error = es_ctx_error(s->ctx);
  if (error->status == ES_OK) return;
  fuzz_check_error(error, NULL, 0);
  REQUIRE(*es_error_text(s->ctx), "an error without a text");
  es_clear_error(s->ctx);
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  static state s;
  s = (state){.b = {bytes, len}};
  fuzz_heap_open(&s.heap, 0);
  uint8_t failure = fuzz_byte(&s.b);
  s.ctx = fuzz_context(&s.heap, LIMIT, &s.b);
  for (int i = 0; i < WRAPPED; i++) s.memory[i] = i;
  fuzz_heap_fail(&s.heap, failure);
  for (int i = 0; i < CALLS && s.b.left; i++) call(&s);
  fuzz_heap_obey(&s.heap);
  /* In either order: handles and plans may outlive their context. */
  if (failure & 1) es_ctx_destroy(s.ctx);
  for (int i = 0; i < SLOTS; i++) empty_slot(&s.slots[i]);
  for (int i = 0; i < PLANS; i++) es_plan_release(s.plans[i]), es_expr_release(s.exprs[i]);
  if (!(failure & 1)) es_ctx_destroy(s.ctx);
  REQUIRE(s.released == s.wrapped, "%d of %d were released", s.released, s.wrapped);
  fuzz_heap_close(&s.heap);
}
