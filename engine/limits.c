/* What a context allows: memory, operations, time, and of texts and tensors less than the
 * language does. All is checked before anything is allocated for it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/cache.h"
#include "engine/ctx.h"

/* ---- settings --------------------------------------------------------------- */

static int64_t default_max_bytes(void) {
  int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE), bytes;
  if (pages <= 0 || page <= 0 || !es_mul_i64(pages, page, &bytes)) return INT64_MAX;
  return bytes / 4 * 3;
}

int64_t es_max_bytes(const es_ctx *ctx) { return ctx ? ctx->config.max_bytes : 0; }

es_status es_set_max_bytes(es_ctx *ctx, int64_t bytes) {
  if (!ctx) return ES_E_VALUE;
  if (bytes < 0)
    return es_ctx_failf(ctx, ES_E_VALUE,
                        "the memory limit must be positive, or 0 for the default, not %lld",
                        (long long)bytes);
  ctx->config.max_bytes = bytes ? bytes : default_max_bytes();
  es_cache_destroy(ctx); /* plans cut their labels to keep within the limit */
  return ES_OK;
}

es_status es_set_max_operations(es_ctx *ctx, double operations) {
  if (!ctx) return ES_E_VALUE;
  ctx->config.max_operations = 0;
  if (!(operations >= 0))
    return es_ctx_failf(ctx, ES_E_VALUE,
                        "the limit of operations must be positive, or 0 for none, not %g",
                        operations);
  ctx->config.max_operations = operations;
  es_cache_destroy(ctx); /* plans are held against the limit when they are made */
  return ES_OK;
}

es_status es_set_max_seconds(es_ctx *ctx, double seconds) {
  if (!ctx) return ES_E_VALUE;
  ctx->config.max_seconds = ctx->deadline = 0;
  if (!(seconds >= 0))
    return es_ctx_failf(ctx, ES_E_VALUE,
                        "the limit of time must be positive seconds, or 0 for none, not %g",
                        seconds);
  ctx->config.max_seconds = seconds;
  if (seconds > 0) ctx->deadline = es_clock_seconds() + seconds;
  return ES_OK;
}

/* asked 0: most, which is the language's. */
static es_status set_limit(es_ctx *ctx, const char *what, int64_t asked, int most, int *limit) {
  *limit = most;
  if (asked < 0 || asked > most)
    return es_ctx_failf(ctx, ES_E_VALUE, "the limit of %s must be 1 … %d, or 0 for that, not %lld",
                        what, most, (long long)asked);
  if (asked) *limit = (int)asked;
  return ES_OK;
}

es_status es_set_limits(es_ctx *ctx, const es_limits *limits) {
  if (!ctx) return ES_E_VALUE;
  es_limits asked = limits ? *limits : (es_limits){0}, set;
  es_cache_destroy(ctx); /* texts of its plans have passed the old ones */
  ES_TRY(set_limit(ctx, "bytes in a text", asked.text, ES_MAX_TEXT, &set.text));
  ES_TRY(set_limit(ctx, "nested brackets", asked.nesting, ES_MAX_NESTING, &set.nesting));
  ES_TRY(set_limit(ctx, "operands", asked.operands, ES_MAX_OPERANDS, &set.operands));
  ES_TRY(set_limit(ctx, "axes", asked.rank, ES_MAX_RANK, &set.rank));
  ctx->config.limits = set;
  return ES_OK;
}

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

/* ---- memory and operations ------------------------------------------------------------ */

es_status es_ctx_admit_operations(const es_ctx *ctx, double operations, es_error *error) {
  double limit = ctx->config.max_operations;
  if (!(limit > 0) || operations <= limit) return ES_OK;
  return es_fail(error, ES_E_LIMIT, "M2", ES_NOWHERE,
                 "the expression takes %.4g multiply-adds; the limit is %.4g "
                 "(es_set_max_operations raises it)",
                 operations, limit);
}

es_status es_ctx_admit_bytes(es_ctx *ctx, int64_t bytes, const char *what, es_error *error) {
  int64_t now = es_memory_now(ctx), limit = ctx->config.max_bytes;
  if (now <= limit && bytes <= limit - now) return ES_OK;
  return es_fail(error, ES_E_LIMIT, "M1", ES_NOWHERE,
                 "%s needs %lld bytes; %lld are in use and the memory limit is %lld bytes "
                 "(es_set_max_bytes raises it)",
                 what, (long long)bytes, (long long)now, (long long)limit);
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
