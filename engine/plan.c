#include "engine/plan.h"

#include <string.h>

#include "base/checked.h"
#include "engine/expr.h"
#include "engine/limits.h"
#include "engine/lower/builder.h"
#include "engine/program.h"
#include "engine/tensor/view.h"

/* ---- is the output a view of the input? ------------------------------------- */

/* The stride along output axis `axis` in the input: the labels that make up the
 * axis, innermost first, must also nest in the input. False where only a copy can. */
static bool axis_stride(const es_bound *bound, const es_part *part, int axis,
                        const int64_t *input_stride, int64_t *stride) {
  const es_output *out = &bound->out[part->output];
  int64_t covered = 1, step = 0;
  *stride = out->strides[axis];
  while (covered < out->shape[axis]) {
    int found = -1;
    for (int i = 0; i < part->out_walk.n; i++)
      if (bound->label[part->out_walk.label[i]].extent > 1 &&
          part->out_walk.stride[i] == covered * out->strides[axis])
        found = i;
    if (found < 0) return false;
    if (covered == 1)
      *stride = step = input_stride[found];
    else if (input_stride[found] != step)
      return false;
    int64_t extent = bound->label[part->out_walk.label[found]].extent;
    covered *= extent;
    if (!es_mul_i64(step, extent, &step)) return false;
  }
  return covered == out->shape[axis];
}

/* The one part of an output that only moves elements; NULL otherwise. */
static const es_part *pure_move(const es_bound *bound, int output) {
  const es_part *part = NULL;
  for (int i = 0; i < bound->n_parts; i++) {
    if (bound->part[i].output != output) continue;
    if (part) return NULL;
    part = &bound->part[i];
  }
  if (!part || part->n_in != 1 || part->n_constraints || part->out_walk.offset) return NULL;
  const es_output *out = &bound->out[output];
  bool same = out->dtype == bound->dtype[part->in[0]] && bound->alpha == 1 && bound->beta == 0;
  if (!same || out->fill_first || bound->padded[part->in[0]]) return NULL;
  /* 'and' and 'or' of one operand are its truth. */
  bool logical = bound->combine == ES_INNER_AND || bound->combine == ES_INNER_OR;
  if (logical && out->dtype != ES_BOOL) return NULL;
  return bound->reduce != ES_REDUCE_MEAN || part->mean_count == 1 ? part : NULL;
}

/* [out_walk.n] strides of the output's labels in the input. False when a label with
 * more than one value is reduced. */
static bool input_strides(const es_bound *bound, const es_part *part, int64_t *stride) {
  const es_walk *from = &part->in_walk[0], *to = &part->out_walk;
  for (int j = 0; j < from->n; j++) {
    int at = 0;
    while (at < to->n && to->label[at] != from->label[j]) at++;
    if (at < to->n)
      stride[at] = from->stride[j];
    else if (bound->label[from->label[j]].extent != 1)
      return false;
  }
  return true;
}

/* An empty output is no view: it has no element to share. */
bool es_plan_find_view(es_arena *scratch, const es_bound *bound, int output, es_plan_view *view) {
  const es_part *part = pure_move(bound, output);
  const es_output *out = &bound->out[output];
  int64_t points = 1, count;
  if (!part) return false;
  for (int i = 0; i < part->out_walk.n; i++)
    if (!es_mul_i64(points, bound->label[part->out_walk.label[i]].extent, &points)) return false;
  if (!es_count_i64(out->rank, out->shape, &count) || count == 0 || count != points) return false;
  int64_t *in_stride = ES_NEW_N(scratch, int64_t, part->out_walk.n);
  if (!in_stride || !input_strides(bound, part, in_stride)) return false;
  for (int a = 0; a < out->rank; a++)
    if (!axis_stride(bound, part, a, in_stride, &view->strides[a])) return false;
  view->operand = part->in[0];
  view->offset = part->in_walk[0].offset;
  return true;
}

/* ---- building ------------------------------------------------------------------ */

static es_status copy_ints(es_arena *arena, int n, const int64_t *from, int64_t **to) {
  *to = ES_NEW_N(arena, int64_t, n);
  if (!*to) return ES_E_NOMEM;
  if (n) memcpy(*to, from, sizeof *from * (size_t)n);
  return ES_OK;
}

es_status es_builder_outer_slot(es_builder *b, int index, es_dtype dtype, int rank,
                                const int64_t *shape, const int64_t *strides) {
  es_plan_slot *slot = &b->plan->slot[index];
  es_arena *arena = &b->plan->arena;
  slot->dtype = dtype;
  slot->rank = rank;
  if (!es_count_i64(rank, shape, &slot->count))
    return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                   "an array has more than 2^63 - 1 elements");
  if (copy_ints(arena, rank, shape, &slot->shape) ||
      copy_ints(arena, rank, strides, &slot->strides))
    return es_fail_nomem(b->error);
  int64_t bytes = es_dtype_bytes(dtype), c_order[ES_MAX_RANK];
  slot->unaligned = (uint8_t)((bytes < 8 ? bytes : 8) - 1); /* complex: aligned like its parts */
  slot->c_order = es_view_c_strides(rank, shape, c_order) &&
                  (!rank || !memcmp(strides, c_order, (size_t)rank * sizeof *strides));
  return ES_OK;
}

es_status es_builder_begin(es_builder *b, const es_array *in, int n_in, int n_out) {
  es_plan *plan = b->plan;
  plan->n_in = n_in;
  plan->n_out = n_out;
  plan->n_slots = b->cap_slots = b->first_slot = n_in + n_out;
  plan->slot = ES_NEW_N(&plan->arena, es_plan_slot, plan->n_slots);
  if (!plan->slot) return es_fail_nomem(b->error);
  for (int i = n_in; i < plan->n_slots; i++) plan->slot[i].varies = true;
  for (int i = 0; i < n_in; i++) {
    int64_t c_order[ES_MAX_RANK];
    const int64_t *strides = in[i].strides;
    if (!strides) {
      if (!es_view_c_strides(in[i].rank, in[i].shape, c_order))
        return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                       "operand %d has more than 2^63 - 1 elements", i);
      strides = c_order;
    }
    ES_TRY(es_builder_outer_slot(b, i, in[i].dtype, in[i].rank, in[i].shape, strides));
    plan->slot[i].varies = !b->constant || !b->constant[i] || !in[i].data;
  }
  return ES_OK;
}

static es_status set_views(es_builder *b) {
  const es_bound *bound = b->bound;
  es_plan *plan = b->plan;
  es_plan_view *view = ES_NEW_N(&plan->arena, es_plan_view, bound->n_out);
  plan->out_span = ES_NEW_N(&plan->arena, es_span, bound->n_out);
  if (!view || !plan->out_span) return es_fail_nomem(b->error);
  bool all = true;
  for (int i = 0; i < bound->n_out; i++) {
    view[i].strides = ES_NEW_N(&plan->arena, int64_t, bound->out[i].rank);
    if (!view[i].strides) return es_fail_nomem(b->error);
    all = all && es_plan_find_view(b->scratch, bound, i, &view[i]);
    if (i < bound->pattern->n_out) plan->out_span[i] = bound->pattern->out[i].span;
  }
  plan->is_view = all;
  plan->view = all ? view : NULL;
  return ES_OK;
}

double es_plan_repetitions(const es_plan *plan, int step) {
  for (int l = 0; l < plan->n_loops; l++) {
    const es_plan_loop *loop = &plan->loop[l];
    if (step < loop->begin || step >= loop->end) continue;
    double all = 1, first;
    for (int i = 0; i < loop->n; i++) all *= (double)loop->pieces[i];
    first = all / (double)loop->inner;
    return step < loop->last ? all : step < loop->again ? first : all - first;
  }
  return 1;
}

static void set_totals(es_plan *plan) {
  const es_step *step = plan->step;
  for (int g = 0; g < plan->n_groups; g++)
    for (int s = 0; s < plan->group[g].n_steps; s++, step++) {
      if (plan->group[g].alternative) continue;
      double times = es_plan_repetitions(plan, (int)(step - plan->step));
      plan->flops += times * step->flops;
      plan->bytes += times * step->bytes;
    }
}

es_status es_builder_operands(es_builder *b) {
  b->operand_slot = ES_NEW_N(b->scratch, int32_t, b->bound->n_in);
  b->operand_offset = ES_NEW_N(b->scratch, int64_t, b->bound->n_in);
  b->output_slot = ES_NEW_N(b->scratch, int32_t, b->bound->n_out);
  bool ok = b->operand_slot && b->operand_offset && b->output_slot;
  return ok ? ES_OK : es_fail_nomem(b->error);
}

es_status es_builder_expression(es_builder *b) {
  const es_bound *bound = b->bound;
  b->axis_of = ES_NEW_N(b->scratch, int32_t, bound->n_labels);
  b->extent = ES_NEW_N(b->scratch, int64_t, bound->n_labels);
  if (!b->axis_of || !b->extent) return es_fail_nomem(b->error);
  for (int l = 0; l < bound->n_labels; l++) {
    b->axis_of[l] = -1;
    b->extent[l] = bound->label[l].extent;
  }
  b->auxiliary = true;
  for (int i = 0; i < bound->n_in; i++)
    if (bound->padded[i]) ES_TRY(es_builder_pad(b, i));
  b->auxiliary = false;
  for (int i = 0; i < bound->n_out; i++) {
    ES_TRY(es_builder_output(b, i));
    if (es_dtype_class(bound->out[i].dtype) == ES_CLASS_INT && !bound->wrap)
      b->plan->may_overflow = true;
  }
  return ES_OK;
}

static bool same_array(const es_plan_slot *a, const es_plan_slot *b) {
  size_t bytes = (size_t)a->rank * sizeof *a->shape;
  return a->dtype == b->dtype && a->rank == b->rank &&
         (!bytes || (!memcmp(a->shape, b->shape, bytes) && !memcmp(a->strides, b->strides, bytes)));
}

/* es_options.same: each names itself or an earlier one that does, of the same description. */
static es_status check_same(es_builder *b, const es_array *in, int n) {
  const es_plan_slot *slot = b->plan->slot;
  for (int i = 0; i < n; i++) {
    int64_t first = b->same[i];
    bool sound = first >= 0 && first <= i && b->same[first] == first;
    if (sound && same_array(&slot[i], &slot[first]) &&
        (!in[i].data || !in[first].data || in[i].data == in[first].data))
      continue;
    es_fail(b->error, ES_E_VALUE, "", ES_NOWHERE,
            "es_options.same[%d] is %lld, which is not the first operand with the array of "
            "operand %d: that has its type, shape, strides and data",
            i, (long long)first, i);
    return es_blame(b->error, i, ES_E_VALUE);
  }
  return ES_OK;
}

static es_status build_bound(es_builder *b, const es_array *in, const void *of) {
  const es_bound *bound = of;
  b->bound = bound;
  ES_TRY(es_builder_begin(b, in, bound->n_in, bound->n_out));
  ES_TRY(es_builder_operands(b));
  if (b->same) ES_TRY(check_same(b, in, bound->n_in));
  for (int i = 0; i < bound->n_in; i++) b->operand_slot[i] = i;
  for (int i = 0; i < bound->n_out; i++) {
    const es_output *out = &bound->out[i];
    b->output_slot[i] = bound->n_in + i;
    ES_TRY(es_builder_outer_slot(b, b->output_slot[i], out->dtype, out->rank, out->shape,
                                 out->strides));
  }
  ES_TRY(es_builder_expression(b));
  return set_views(b);
}

static double predicted(const es_plan *plan) {
  double seconds = 0;
  for (int s = 0; s < plan->n_steps; s++) seconds += plan->step[s].predicted;
  return seconds;
}

/* Against the limits of the context: ranks from outside, and the work. */
static es_status admit(const es_ctx *ctx, const es_plan *plan, es_error *error) {
  for (int i = 0; i < plan->n_in + plan->n_out; i++)
    ES_TRY(es_ctx_admit_rank(ctx, plan->slot[i].rank, error));
  return es_ctx_admit_operations(ctx, plan->flops, error);
}

static es_status assemble(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                          const es_array *in, const es_options *options, es_fit *fit, es_plan **out,
                          es_error *error) {
  es_plan *plan = es_alloc(&ctx->allocator, sizeof *plan);
  if (!plan) return es_fail_nomem(error);
  *plan = (es_plan){.ctx = ctx, .alone = options && options->alone};
  int threads = plan->alone ? 1 : ctx->config.threads;
  es_ctx_hold(ctx);
  atomic_init(&plan->count, 1);
  es_arena_init(&plan->arena, &ctx->allocator);
  es_arena scratch;
  es_arena_init(&scratch, &ctx->allocator);
  es_builder b = {.ctx = ctx, .plan = plan, .scratch = &scratch, .error = error};
  b.env = (es_plan_env){&plan->arena, ctx->kernels, threads};
  b.effort = options && options->effort > 0 ? options->effort : 1;
  b.order_seed = options ? options->order_seed : 0;
  b.forced = options && options->strategy ? options->strategy : ctx->forced_strategy;
  b.constant = options ? options->constant : NULL;
  b.same = options ? options->same : NULL;
  b.fit = fit;
  es_status status = assembly(&b, in, of);
  if (status == ES_OK && b.constant) status = es_builder_fold(&b, in);
  if (status == ES_OK) status = es_builder_layout(&b);
  es_arena_free(&scratch);
  set_totals(plan);
  if (status == ES_OK) status = admit(ctx, plan, error);
  if (status == ES_OK && threads > 1 && predicted(plan) > ES_STEP_PIECE)
    es_ctx_pool(ctx); /* now, because a run allocates nothing; without it one thread runs */
  if (status != ES_OK) {
    es_plan_release(plan);
    return status;
  }
  *out = plan;
  return ES_OK;
}

/* Within fit->limit, in more pieces where a plan does not fit. fit->least: what would do for the
 * last attempt, 0 where the failure is another. */
static es_status assemble_within(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                                 const es_array *in, const es_options *options, es_fit *fit,
                                 es_plan **out, es_error *error) {
  es_status status = ES_E_LIMIT;
  for (double share = 1; share >= 0 && status == ES_E_LIMIT; share = fit->share) {
    *fit = (es_fit){.limit = fit->limit, .whole = fit->whole, .share = share};
    status = assemble(ctx, assembly, of, in, options, fit, out, error);
    if (!fit->least) break;
  }
  return status;
}

/* The least limit that would do: fit->least does, the limit does not. */
static es_status find_least(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                            const es_array *in, const es_options *options, es_fit *fit,
                            es_error *error) {
  int64_t fails = ctx->config.max_bytes, now = es_memory_now(ctx);
  if (fails < now) fails = now;
  while (fit->least - fails > 1) {
    es_fit trial = {.limit = fails + (fit->least - fails) / 2, .whole = true};
    es_plan *plan;
    if (assemble_within(ctx, assembly, of, in, options, &trial, &plan, error) == ES_OK) {
      es_plan_release(plan);
      fit->least = trial.limit;
    } else if (trial.least) {
      fails = trial.limit;
    } else {
      return error ? error->status : ES_E_LIMIT;
    }
  }
  return es_fit_refuse(fit, now, ctx->config.max_bytes, error);
}

es_status es_plan_assemble(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                           const es_array *in, const es_options *options, es_plan **out,
                           es_error *error) {
  es_fit fit = {.limit = ctx->config.max_bytes};
  es_status status = assemble_within(ctx, assembly, of, in, options, &fit, out, error);
  bool folds = options && options->constant; /* which takes long, and memory of its own */
  if (status != ES_E_LIMIT || !fit.least || folds || fit.operands > ES_FIT_FEW) return status;
  return find_least(ctx, assembly, of, in, options, &fit, error);
}

es_status es_plan_build(es_ctx *ctx, const es_bound *bound, const es_array *in,
                        const es_options *options, es_plan **plan, es_error *error) {
  return es_plan_assemble(ctx, build_bound, bound, in, options, plan, error);
}

static es_status bind_and_build(es_ctx *ctx, const es_pattern *pattern, const es_array *in,
                                int64_t n, const es_array *out, const es_options *options,
                                es_plan **plan, es_error *error) {
  es_arena arena;
  es_arena_init(&arena, &ctx->allocator);
  es_bound *bound;
  es_status status = es_bind(&arena, pattern, in, n, out, options, &bound, error);
  if (status == ES_OK) status = es_plan_build(ctx, bound, in, options, plan, error);
  es_arena_free(&arena);
  return status;
}

es_status es_plan_from_text(es_ctx *ctx, es_kind kind, const char *text, size_t len,
                            const es_array *in, int64_t n, const es_array *out,
                            const es_options *options, es_plan **plan, es_error *error) {
  es_arena arena;
  es_arena_init(&arena, &ctx->allocator);
  es_pattern *pattern;
  es_graph *program;
  es_reading reading = options ? options->reading : ES_READ_AUTO;
  es_status status;
  if (kind == ES_KIND_PROGRAM) {
    status = es_ctx_parse_program(ctx, &arena, text, len, reading, &program, error);
    if (status == ES_OK) status = es_program_plan(ctx, program, in, n, options, plan, error);
  } else {
    status = es_ctx_parse(ctx, &arena, kind, text, len, reading, &pattern, error);
    if (status == ES_OK) status = bind_and_build(ctx, pattern, in, n, out, options, plan, error);
  }
  es_arena_free(&arena);
  return status;
}

/* ---- the plan door ----------------------------------------------------------------- */

es_plan *es_plan_make(es_ctx *ctx, const es_expr *expr, const es_array *in, int64_t n,
                      const es_array *out, const es_options *options, es_error *error) {
  if (!ctx || !expr || (n > 0 && !in)) {
    es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
            "es_plan_make needs a context, an expression and its operands, got NULL");
    return NULL;
  }
  es_plan *plan = NULL;
  if (expr->program && out) {
    es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
            "the outputs of a program are in C order: es_plan_make takes no out for it");
    return NULL;
  }
  es_status status = expr->program
                         ? es_program_plan(ctx, expr->program, in, n, options, &plan, error)
                         : bind_and_build(ctx, expr->pattern, in, n, out, options, &plan, error);
  return status == ES_OK ? plan : NULL;
}

es_plan *es_plan_retain(es_plan *plan) {
  if (plan) atomic_fetch_add_explicit(&plan->count, 1, memory_order_relaxed);
  return plan;
}

void es_plan_release(es_plan *plan) {
  if (!plan || atomic_fetch_sub_explicit(&plan->count, 1, memory_order_acq_rel) != 1) return;
  es_ctx *ctx = plan->ctx;
  es_arena_free(&plan->arena);
  es_free(&ctx->allocator, plan, sizeof *plan);
  es_ctx_drop(ctx);
}

es_dtype es_plan_dtype(const es_plan *plan) { return plan->slot[plan->n_in].dtype; }
int es_plan_rank(const es_plan *plan) { return plan->slot[plan->n_in].rank; }
const int64_t *es_plan_shape(const es_plan *plan) { return plan->slot[plan->n_in].shape; }
int64_t es_plan_outputs(const es_plan *plan) { return plan->n_out; }
es_array es_plan_output(const es_plan *plan, int64_t index) {
  if (index < 0 || index >= plan->n_out) return (es_array){.dtype = ES_DTYPE_AUTO};
  return es_plan_array(plan, plan->n_in + (int)index, NULL);
}
size_t es_plan_workspace(const es_plan *plan) { return plan->workspace; }
double es_plan_flops(const es_plan *plan) { return plan->flops; }
double es_plan_bytes(const es_plan *plan) { return plan->bytes; }
