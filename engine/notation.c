/* The tensor door of the notation: text and tensors in, tensors out. */
#include <string.h>

#include "base/text.h"
#include "engine/cache.h"
#include "engine/exec.h"
#include "engine/limits.h"
#include "engine/tensor/tensor.h"
#include "lexer/program.h"

/* One call: operands described once, room for a few on the stack. */
enum { STACK_OPERANDS = 8 };

typedef struct call {
  es_ctx *ctx;
  es_kind kind;
  const char *text;
  size_t len;
  es_tensor *const *in;
  int64_t n;
  const es_options *options;
  es_array *array;        /* [n] */
  int64_t *constant;      /* NULL, or [n]: es_storage.constant */
  es_options own;         /* options, where there are constants or equal operands */
  struct operands *stack; /* room for a few; more are allocated */
} call;

/* Operands as the call describes them. */
typedef struct operands {
  es_array array[STACK_OPERANDS];
  int64_t constant[STACK_OPERANDS];
  int64_t same[STACK_OPERANDS];
  bool is_constant[STACK_OPERANDS];
} operands;

static call call_of(es_ctx *ctx, es_kind kind, const char *text, es_tensor *const *in, int64_t n,
                    const es_options *options) {
  return (call){.ctx = ctx, .kind = kind, .text = text, .in = in, .n = n, .options = options};
}

static es_status fail(const call *c, const es_error *error) {
  return es_ctx_fail(c->ctx, error, c->text, c->len);
}

static const char *function_name(es_kind kind) {
  switch (kind) {
  case ES_KIND_REARRANGE: return "es_rearrange";
  case ES_KIND_REDUCE: return "es_reduce";
  case ES_KIND_REPEAT: return "es_repeat";
  case ES_KIND_PROGRAM: return "es_program";
  default: return "es_einsum";
  }
}

/* Bytes of arrays, numbers and flags of more operands than the stack has room for. */
static size_t operand_bytes(int64_t n) {
  return (size_t)n * (sizeof(es_array) + 2 * sizeof(int64_t) + sizeof(bool));
}

/* Options of this call, which hold what is found out about its operands. */
static es_options *own_options(call *c) {
  if (c->options && c->options != &c->own) c->own = *c->options;
  c->options = &c->own;
  return &c->own;
}

/* Constants among the operands are folded into the plan. */
static void find_constants(call *c, int64_t *constant, bool *is_constant) {
  bool any = false;
  for (int64_t i = 0; i < c->n; i++) any |= c->in[i]->storage->constant != 0;
  if (!any || c->ctx->config.shapes_only) return;
  for (int64_t i = 0; i < c->n; i++)
    is_constant[i] = (constant[i] = c->in[i]->storage->constant) != 0;
  own_options(c)->constant = is_constant;
  c->constant = constant;
}

static bool same_array(const call *c, int64_t i, int64_t j) {
  const es_tensor *x = c->in[i], *y = c->in[j];
  return x == y || (x->storage == y->storage && x->view.offset == y->view.offset &&
                    es_view_alike(&c->array[i], &c->array[j]));
}

/* Operands given more than once: what they are contracted to can be shared. Two operands have
 * one step, and a program names its inputs once. */
static void find_same(call *c, int64_t *same) {
  bool any = false;
  if (c->n < 3 || c->kind != ES_KIND_EINSUM) return;
  for (int64_t i = 0; i < c->n; i++) {
    same[i] = 0;
    while (same[i] < i && !same_array(c, same[i], i)) same[i]++;
    any |= same[i] < i;
  }
  if (any) own_options(c)->same = same;
}

/* False: an operand or the text is NULL, or memory is out; the error is recorded. */
static bool begin(call *c, operands *stack) {
  es_error error;
  c->array = stack->array;
  c->stack = stack;
  if (!c->ctx) return false;
  bool missing = !c->text || c->n < 0 || (c->n && !c->in);
  c->len = missing ? 0 : strlen(c->text);
  /* Each operand but one takes a byte of the text: a wild number is told before it is believed. */
  if (!missing && (uint64_t)c->n > c->len + 1) {
    es_fail(&error, ES_E_COUNT, "S11", ES_NOWHERE,
            "%lld operands were given, more than a text of %zu bytes can name", (long long)c->n,
            c->len);
    fail(c, &error);
    return false;
  }
  for (int64_t i = 0; i < c->n && !missing; i++) missing = !c->in[i];
  if (missing) {
    es_ctx_fail_null(c->ctx, function_name(c->kind));
    return false;
  }
  int64_t *constant = stack->constant, *same = stack->same;
  bool *is_constant = stack->is_constant;
  if (c->n > STACK_OPERANDS) {
    bool fits = c->n < INT32_MAX;
    c->array = fits ? es_alloc(&c->ctx->allocator, operand_bytes(c->n)) : NULL;
    if (!c->array) {
      es_fail_nomem(&error);
      fail(c, &error);
      return false;
    }
    constant = (int64_t *)(c->array + c->n);
    same = constant + c->n;
    is_constant = (bool *)(same + c->n);
  }
  for (int64_t i = 0; i < c->n; i++) c->array[i] = es_tensor_array(c->in[i]);
  find_constants(c, constant, is_constant);
  find_same(c, same);
  return true;
}

static void end(call *c) {
  if (c->array != c->stack->array) es_free(&c->ctx->allocator, c->array, operand_bytes(c->n));
}

static es_plan *plan_for(const call *c, const es_array *out) {
  es_plan *plan;
  es_error error;
  if (es_cache_plan(c->ctx, c->kind, c->text, c->len, c->array, c->n, c->constant, out, c->options,
                    &plan, &error) == ES_OK)
    return plan;
  fail(c, &error);
  return NULL;
}

static es_status execute(const call *c, const es_plan *plan, const es_array *out, int64_t n_out) {
  es_error error;
  void *workspace = NULL;
  if (c->ctx->config.shapes_only) return ES_OK;
  if (plan->workspace && !(workspace = es_ctx_scratch(c->ctx, plan->workspace))) return ES_E_NOMEM;
  es_status status = es_plan_execute(c->ctx, plan, c->array, c->n, out, n_out, workspace, &error);
  return status == ES_OK ? ES_OK : fail(c, &error);
}

/* A result, in the current scope. A size over the limit is blamed on its term. */
static es_tensor *new_output(const call *c, const es_plan *plan, int output) {
  const es_plan_slot *slot = &plan->slot[plan->n_in + output];
  bool clean = c->ctx->error.status == ES_OK;
  es_tensor *t = es_tensor_new(c->ctx, slot->dtype, slot->rank, slot->shape, false);
  if (t || !clean) return t;
  es_error error = c->ctx->error;
  error.offset = plan->out_span[output].offset;
  error.length = plan->out_span[output].length;
  es_clear_error(c->ctx);
  fail(c, &error);
  return NULL;
}

static es_tensor *view_output(const call *c, const es_plan *plan, int output) {
  const es_plan_slot *slot = &plan->slot[plan->n_in + output];
  const es_plan_view *view = &plan->view[output];
  const es_tensor *x = c->in[view->operand];
  return es_tensor_view(c->ctx, x, slot->rank, slot->shape, view->strides,
                        x->view.offset + view->offset);
}

static es_tensor *one_output(const call *c, const es_plan *plan) {
  es_error error;
  if (plan->n_out != 1) {
    es_fail(&error, ES_E_COUNT, "", plan->out_span[1],
            "the pattern has %d outputs; es_split returns several", plan->n_out);
    fail(c, &error);
    return NULL;
  }
  if (plan->is_view) return view_output(c, plan, 0);
  es_tensor *t = new_output(c, plan, 0);
  if (!t) return NULL;
  es_array out = es_tensor_array(t);
  if (execute(c, plan, &out, 1) == ES_OK) return t;
  es_scope_disown(c->ctx, t);
  return NULL;
}

static es_tensor *run(es_ctx *ctx, es_kind kind, const char *text, es_tensor *const *in, int64_t n,
                      const es_options *options) {
  operands stack;
  call c = call_of(ctx, kind, text, in, n, options);
  if (!begin(&c, &stack)) return NULL;
  es_plan *plan = plan_for(&c, NULL);
  es_tensor *result = plan ? one_output(&c, plan) : NULL;
  es_plan_release(plan);
  end(&c);
  return result;
}

/* ---- into an array of the caller's ---------------------------------------------- */

static bool overlaps_input(const call *c, const es_tensor *out) {
  for (int64_t i = 0; i < c->n; i++)
    if (es_view_may_overlap(es_tensor_at(out), &out->view, es_tensor_at(c->in[i]), &c->in[i]->view))
      return true;
  return false;
}

static es_status run_straight(const call *c, const es_tensor *out) {
  es_array array = es_tensor_array(out);
  es_plan *plan = plan_for(c, &array);
  if (!plan) return c->ctx->error.status;
  es_status status = execute(c, plan, &array, 1);
  es_plan_release(plan);
  return status;
}

/* The result is made beside out and copied when it is whole: out keeps its elements
 * until then, so an input may overlap it and an overflow leaves it alone. */
static es_status run_aside(const call *c, es_tensor *out) {
  ES_TRY(es_scope_push(c->ctx));
  bool reads_out = c->options && c->options->has_scale && c->options->beta != 0;
  es_tensor *aside = reads_out ? es_copy(c->ctx, out)
                               : es_tensor_new(c->ctx, out->view.dtype, out->view.rank,
                                               out->view.shape, false);
  es_status status = aside ? run_straight(c, aside) : ES_E_NOMEM;
  if (status == ES_OK) status = es_assign(c->ctx, out, aside);
  es_scope_pop(c->ctx);
  return status;
}

es_tensor *es_einsum_into(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n,
                          const es_options *options, es_tensor *out) {
  if (!out && ctx && options && options->has_scale && options->beta != 0) {
    es_ctx_failf(ctx, ES_E_VALUE, "es_einsum_into: beta %g has no out to read; give one, or beta 0",
                 options->beta);
    return NULL;
  }
  if (!out) return run(ctx, ES_KIND_EINSUM, text, in, n, options);
  operands stack;
  call c = call_of(ctx, ES_KIND_EINSUM, text, in, n, options);
  if (!begin(&c, &stack)) return NULL;
  es_error error;
  es_status status;
  bool may_overflow = es_dtype_class(out->view.dtype) == ES_CLASS_INT &&
                      !(options && options->wrap);
  if (!out->view.writable) {
    status = es_fail(&error, ES_E_READONLY, "", ES_NOWHERE,
                     "es_einsum_into: out is a read-only view: it visits an element twice, or its "
                     "memory was given as read-only");
    fail(&c, &error);
  } else if (may_overflow || overlaps_input(&c, out)) {
    status = run_aside(&c, out);
  } else {
    status = run_straight(&c, out);
  }
  end(&c);
  return status == ES_OK ? out : NULL;
}

/* ---- the plain doors ----------------------------------------------------------------- */

/* Without sizes there are no options: a shorter key to look the plan up by. */
static es_tensor *run_sized(es_ctx *ctx, es_kind kind, const char *text, es_tensor *const *in,
                            int64_t n, const es_axis_size *sizes) {
  es_options options = {.sizes = sizes};
  return run(ctx, kind, text, in, n, sizes ? &options : NULL);
}

es_tensor *es_einsum(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n,
                     const es_axis_size *sizes) {
  return run_sized(ctx, ES_KIND_EINSUM, text, in, n, sizes);
}

/* Inputs are never written: the casts serve the common list of operands. */
es_tensor *es_rearrange(es_ctx *ctx, const char *text, const es_tensor *x,
                        const es_axis_size *sizes) {
  es_tensor *in[] = {(es_tensor *)(uintptr_t)x};
  return run_sized(ctx, ES_KIND_REARRANGE, text, in, 1, sizes);
}

es_tensor *es_reduce(es_ctx *ctx, const char *text, es_reducer reducer, const es_tensor *x,
                     const es_axis_size *sizes) {
  es_options options = {.reducer = reducer, .sizes = sizes};
  es_tensor *in[] = {(es_tensor *)(uintptr_t)x};
  return run(ctx, ES_KIND_REDUCE, text, in, 1, &options);
}

es_tensor *es_repeat(es_ctx *ctx, const char *text, const es_tensor *x, const es_axis_size *sizes) {
  es_tensor *in[] = {(es_tensor *)(uintptr_t)x};
  return run_sized(ctx, ES_KIND_REPEAT, text, in, 1, sizes);
}

/* ---- several outputs -------------------------------------------------------------------- */

static es_status fill_outputs(const call *c, const es_plan *plan, es_tensor **out,
                              es_array *array) {
  for (int i = 0; i < plan->n_out; i++) {
    out[i] = plan->is_view ? view_output(c, plan, i) : new_output(c, plan, i);
    if (!out[i]) return c->ctx->error.status;
    array[i] = es_tensor_array(out[i]);
  }
  return plan->is_view ? ES_OK : execute(c, plan, array, plan->n_out);
}

static es_status split(const call *c, const es_plan *plan, es_tensor **out, int64_t n_out) {
  es_error error;
  if (plan->n_out != n_out) {
    es_fail(&error, ES_E_COUNT, "S11", ES_NOWHERE, "the %s has %d outputs, the call room for %lld",
            c->kind == ES_KIND_PROGRAM ? "program" : "pattern", plan->n_out, (long long)n_out);
    return fail(c, &error);
  }
  size_t bytes = (size_t)n_out * sizeof(es_array);
  es_array *array = es_alloc(&c->ctx->allocator, bytes);
  if (!array) {
    es_fail_nomem(&error);
    return fail(c, &error);
  }
  es_status status = fill_outputs(c, plan, out, array);
  es_free(&c->ctx->allocator, array, bytes);
  if (status == ES_OK) return ES_OK;
  for (int64_t i = n_out; i-- > 0;) {
    if (out[i]) es_scope_disown(c->ctx, out[i]);
    out[i] = NULL;
  }
  return status;
}

static es_status run_outputs(es_ctx *ctx, es_kind kind, const char *text, es_tensor *const *in,
                             int64_t n, const es_axis_size *sizes, es_tensor **out, int64_t n_out) {
  es_options options = {.sizes = sizes};
  operands stack;
  call c = call_of(ctx, kind, text, in, n, &options);
  for (int64_t i = 0; i < n_out; i++) out[i] = NULL;
  if (!begin(&c, &stack)) return ctx->error.status;
  es_plan *plan = plan_for(&c, NULL);
  es_status status = plan ? split(&c, plan, out, n_out) : ctx->error.status;
  es_plan_release(plan);
  end(&c);
  return status;
}

es_status es_split(es_ctx *ctx, const char *text, es_tensor *const *in, int64_t n,
                   const es_axis_size *sizes, es_tensor **out, int64_t n_out) {
  if (!ctx || !out || n_out < 0) return es_ctx_fail_null(ctx, "es_split");
  return run_outputs(ctx, ES_KIND_EINSUM, text, in, n, sizes, out, n_out);
}

/* ---- programs --------------------------------------------------------------------------- */

static es_status no_input(const es_graph *p, const char *name, es_error *error) {
  char list[400], given[80];
  es_text t = es_text_init(list, sizeof list), g = es_text_init(given, sizeof given);
  for (int i = 0; i < p->n_in; i++)
    es_text_printf(&t, "%s%s", i ? ", " : "", p->node[p->in[i]].name);
  es_text_escape(&g, name, strlen(name));
  return es_fail(error, ES_E_NAME, "S11", ES_NOWHERE,
                 "the program has no input '%s'; its inputs are: %s", given, list);
}

/* The tensors in the order of the program's inputs. */
static es_status sort_inputs(const es_ctx *ctx, es_arena *arena, const char *text,
                             const char *const *names, es_tensor *const *in, int64_t n,
                             es_tensor ***sorted, int *n_in, es_error *error) {
  es_graph *p;
  ES_TRY(es_ctx_parse_program(ctx, arena, text, strlen(text), ES_READ_AUTO, &p, error));
  *sorted = ES_NEW_N(arena, es_tensor *, p->n_in);
  if (!*sorted) return es_fail_nomem(error);
  *n_in = p->n_in;
  for (int64_t k = 0; k < n; k++) {
    int i = 0;
    while (i < p->n_in && (!names[k] || strcmp(p->node[p->in[i]].name, names[k]) != 0)) i++;
    if (i == p->n_in) return no_input(p, names[k] ? names[k] : "", error);
    (*sorted)[i] = in[k];
  }
  for (int i = 0; i < p->n_in; i++) {
    if ((*sorted)[i]) continue;
    const es_value_node *node = &p->node[p->in[i]];
    es_fail(error, ES_E_COUNT, "S11", ES_NOWHERE,
            "'%s' is an input, since no statement before gives it a value, and was not given",
            node->name);
    return es_program_blame(p, node, error, ES_E_COUNT);
  }
  return ES_OK;
}

es_status es_program(es_ctx *ctx, const char *text, const char *const *names, es_tensor *const *in,
                     int64_t n, const es_axis_size *sizes, es_tensor **out, int64_t n_out) {
  if (!ctx || !out || n_out < 0 || !text || n < 0 || (n && !in))
    return es_ctx_fail_null(ctx, "es_program");
  for (int64_t i = 0; i < n; i++)
    if (!in[i]) return es_ctx_fail_null(ctx, "es_program");
  if (!names) return run_outputs(ctx, ES_KIND_PROGRAM, text, in, n, sizes, out, n_out);
  es_arena arena;
  es_error error;
  es_tensor **sorted;
  int n_in = 0;
  es_arena_init(&arena, &ctx->allocator);
  for (int64_t i = 0; i < n_out; i++) out[i] = NULL;
  es_status status = sort_inputs(ctx, &arena, text, names, in, n, &sorted, &n_in, &error);
  if (status == ES_OK)
    status = run_outputs(ctx, ES_KIND_PROGRAM, text, sorted, n_in, sizes, out, n_out);
  else
    es_ctx_fail(ctx, &error, text, strlen(text));
  es_arena_free(&arena);
  return status;
}
