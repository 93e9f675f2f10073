#include "engine/plan_make.h"

#include <string.h>

#include "base/view.h"
#include "engine/assemble.h"
#include "engine/bind/bind.h"
#include "engine/expr.h"
#include "engine/limits.h"
#include "engine/lower/find_view.h"
#include "engine/lower/lower.h"
#include "engine/program.h"

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

/* es_options.same: each names itself or an earlier one that does, of the same description. */
static es_status check_same(es_builder *b, const es_array *in, int n) {
  for (int i = 0; i < n; i++) {
    int64_t first = b->same[i];
    bool sound = first >= 0 && first <= i && b->same[first] == first;
    es_array a = es_plan_array(b->plan, i, NULL);
    es_array of = es_plan_array(b->plan, sound ? (int)first : i, NULL);
    if (sound && es_view_alike(&a, &of) &&
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
    if (status == ES_OK && out && pattern->has_arrow && pattern->n_out > 1)
      status =
          es_fail(error, ES_E_COUNT, "", pattern->out[1].span,
                  "the pattern has %d outputs, and one out was given; es_split returns several",
                  pattern->n_out);
    if (status == ES_OK) status = bind_and_build(ctx, pattern, in, n, out, options, plan, error);
  }
  es_arena_free(&arena);
  return status;
}

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
