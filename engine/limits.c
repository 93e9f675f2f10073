#include "engine/limits.h"

#include <stdio.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/text.h"
#include "base/view.h"

/* ---- texts ------------------------------------------------------------------------ */

static es_status admit_length(const es_ctx *ctx, size_t len, es_error *error) {
  int most = ctx->config.limits.text;
  if (len <= (size_t)most) return ES_OK;
  return es_fail(error, ES_E_LIMIT, "L6", (es_span){most, 1},
                 "the text has %zu bytes; the limit is %d bytes", len, most);
}

/* Brackets of a text that is known to be sound; comments hold none that count. */
static es_status admit_nesting(const es_ctx *ctx, const char *text, size_t len, es_error *error) {
  int depth = 0, most = ctx->config.limits.nesting;
  for (size_t i = 0; most < ES_MAX_NESTING && i < len; i++) {
    if (text[i] == '#')
      while (i + 1 < len && text[i + 1] != '\n') i++;
    if (text[i] == ')' || text[i] == ']') depth--;
    if (text[i] != '(' && text[i] != '[') continue;
    if (++depth > most)
      return es_fail(error, ES_E_LIMIT, "L3", (es_span){(int64_t)i, 1},
                     "brackets are nested more than %d deep, the limit of this context", most);
  }
  return ES_OK;
}

static es_status admit_operands(const es_ctx *ctx, int n, es_span place, es_error *error) {
  int most = ctx->config.limits.operands;
  if (n <= most) return ES_OK;
  return es_fail(error, ES_E_LIMIT, "L6", place, "%d operands, and the limit of this context is %d",
                 n, most);
}

static es_status admit_pattern(const es_ctx *ctx, const es_pattern *p, es_error *error) {
  const es_term *first_over = p->n_in > ctx->config.limits.operands
                                  ? &p->in[ctx->config.limits.operands]
                                  : &p->in[0];
  return admit_operands(ctx, p->n_in, first_over->span, error);
}

es_status es_ctx_parse(const es_ctx *ctx, es_arena *arena, es_kind kind, const char *text,
                       size_t len, es_reading reading, es_pattern **out, es_error *error) {
  if (kind < ES_KIND_EINSUM || kind >= ES_KIND_PROGRAM)
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "%d is no kind of pattern", (int)kind);
  ES_TRY(admit_length(ctx, len, error));
  ES_TRY(es_parse(arena, kind, text, len, reading, out, error));
  ES_TRY(admit_nesting(ctx, text, len, error));
  return admit_pattern(ctx, *out, error);
}

es_status es_ctx_parse_program(const es_ctx *ctx, es_arena *arena, const char *text, size_t len,
                               es_reading reading, es_graph **out, es_error *error) {
  ES_TRY(admit_length(ctx, len, error));
  ES_TRY(es_program_parse(arena, text, len, reading, out, error));
  ES_TRY(admit_nesting(ctx, text, len, error));
  for (int i = 0; i < (*out)->n; i++) {
    const es_value_node *node = &(*out)->node[i];
    if (node->kind == ES_VALUE_PATTERN) ES_TRY(admit_operands(ctx, node->n_in, node->span, error));
  }
  return admit_operands(ctx, (*out)->n_in, ES_NOWHERE, error);
}

/* ---- tensors ----------------------------------------------------------------------- */

es_status es_ctx_admit_rank(const es_ctx *ctx, int rank, es_error *error) {
  int most = ctx->config.limits.rank;
  if (rank <= most || rank > ES_MAX_RANK) return ES_OK; /* that is no tensor anywhere */
  return es_fail(error, ES_E_LIMIT, "", ES_NOWHERE,
                 "a tensor of %d axes; the limit of this context is %d (es_set_limits)", rank,
                 most);
}

/* ---- operations and memory ------------------------------------------------------------ */

es_status es_ctx_admit_operations(const es_ctx *ctx, double operations, es_error *error) {
  double limit = ctx->config.max_operations;
  if (!(limit > 0) || operations <= limit) return ES_OK;
  return es_fail(error, ES_E_LIMIT, "M2", ES_NOWHERE,
                 "the expression takes %.4g multiply-adds; the limit is %.4g "
                 "(es_set_max_operations raises it)",
                 operations, limit);
}

/* Words what es_ctx_admit() has refused. */
static es_status refuse_tensor(es_ctx *ctx, int rank, const int64_t *shape, es_dtype dtype,
                               es_error *error) {
  int64_t count, bytes;
  char text[200], what[280];
  es_text t = es_text_init(text, sizeof text);
  if (!es_count_i64(rank, shape, &count) ||
      !es_mul_i64(count, (int64_t)es_dtype_size(dtype), &bytes)) {
    es_text_shape(&t, rank, shape);
    return es_fail(
        error, ES_E_LIMIT, "M1", ES_NOWHERE,
        "a tensor of shape %s and type %s has more than 2^63 - 1 bytes; the memory limit is "
        "%lld bytes",
        text, es_dtype_name(dtype), (long long)ctx->config.max_bytes);
  }
  es_text_shape(&t, rank, shape);
  snprintf(what, sizeof what, "a tensor of shape %s and type %s", text, es_dtype_name(dtype));
  return es_ctx_admit_bytes(ctx, bytes, what, error);
}

es_status es_ctx_admit(es_ctx *ctx, int rank, const int64_t *shape, es_dtype dtype,
                       es_error *error) {
  int64_t count, bytes, now = es_memory_now(ctx), limit = ctx->config.max_bytes;
  ES_TRY(es_view_check_shape(dtype, rank, shape, error));
  ES_TRY(es_ctx_admit_rank(ctx, rank, error));
  bool fits = es_count_i64(rank, shape, &count) &&
              es_mul_i64(count, es_dtype_bytes(dtype), &bytes) && now <= limit &&
              bytes <= limit - now;
  return fits ? ES_OK : refuse_tensor(ctx, rank, shape, dtype, error);
}
