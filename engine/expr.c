#include "engine/expr.h"

#include "engine/limits.h"

es_expr *es_expr_parse(es_ctx *ctx, es_kind kind, const char *text, size_t len, es_reading reading,
                       es_error *error) {
  if (!ctx || !text) {
    es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
            "es_expr_parse needs a context and a text, got NULL");
    return NULL;
  }
  es_expr *expr = es_alloc(&ctx->allocator, sizeof *expr);
  if (!expr) {
    es_fail_nomem(error);
    return NULL;
  }
  *expr = (es_expr){.ctx = ctx};
  es_ctx_hold(ctx);
  atomic_init(&expr->count, 1);
  es_arena_init(&expr->arena, &ctx->allocator);
  es_status status =
      kind == ES_KIND_PROGRAM
          ? es_ctx_parse_program(ctx, &expr->arena, text, len, reading, &expr->program, error)
          : es_ctx_parse(ctx, &expr->arena, kind, text, len, reading, &expr->pattern, error);
  if (status != ES_OK) {
    es_expr_release(expr);
    return NULL;
  }
  return expr;
}

es_expr *es_expr_retain(es_expr *expr) {
  if (expr) atomic_fetch_add_explicit(&expr->count, 1, memory_order_relaxed);
  return expr;
}

void es_expr_release(es_expr *expr) {
  if (!expr || atomic_fetch_sub_explicit(&expr->count, 1, memory_order_acq_rel) != 1) return;
  es_ctx *ctx = expr->ctx;
  es_arena_free(&expr->arena);
  es_free(&ctx->allocator, expr, sizeof *expr);
  es_ctx_drop(ctx);
}

int64_t es_expr_inputs(const es_expr *expr) {
  return !expr ? 0 : expr->program ? expr->program->n_in : expr->pattern->n_in;
}

const char *es_expr_input(const es_expr *expr, int64_t index) {
  const es_graph *p = expr ? expr->program : NULL;
  return p && index >= 0 && index < p->n_in ? p->node[p->in[index]].name : NULL;
}

int64_t es_expr_outputs(const es_expr *expr) {
  if (!expr) return 0;
  if (expr->program) return expr->program->n_out;
  return expr->pattern->has_arrow ? expr->pattern->n_out : 1;
}

const char *es_expr_output(const es_expr *expr, int64_t index) {
  const es_graph *p = expr ? expr->program : NULL;
  return p && index >= 0 && index < p->n_out ? p->out_name[index] : NULL;
}

size_t es_expr_print(const es_expr *expr, char *buf, size_t cap) {
  if (expr && expr->program) return es_program_print(expr->program, buf, cap);
  if (expr) return es_pattern_print(expr->pattern, buf, cap);
  if (cap) buf[0] = '\0';
  return 0;
}
