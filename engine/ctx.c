#include "engine/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- accounting ---------------------------------------------------------- */

static void note_bytes(es_ctx *ctx, int64_t change) {
  int64_t now = atomic_fetch_add_explicit(&ctx->bytes_now, change, memory_order_relaxed) + change;
  int_fast64_t peak = atomic_load_explicit(&ctx->bytes_peak, memory_order_relaxed);
  while (now > peak &&
         !atomic_compare_exchange_weak_explicit(&ctx->bytes_peak, &peak, now, memory_order_relaxed,
                                                memory_order_relaxed))
    ;
}

static void *counting_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
  es_ctx *ctx = user;
  es_allocator *below = &ctx->config.allocator;
  void *block = below->realloc(below->user, ptr, old_size, new_size);
  if (block || !new_size) note_bytes(ctx, (int64_t)new_size - (int64_t)old_size);
  return block;
}

int64_t es_memory_now(const es_ctx *ctx) {
  return ctx ? atomic_load_explicit(&ctx->bytes_now, memory_order_relaxed) : 0;
}

int64_t es_memory_peak(const es_ctx *ctx) {
  return ctx ? atomic_load_explicit(&ctx->bytes_peak, memory_order_relaxed) : 0;
}

void es_memory_reset_peak(es_ctx *ctx) {
  if (ctx) atomic_store_explicit(&ctx->bytes_peak, es_memory_now(ctx), memory_order_relaxed);
}

/* ---- life ---------------------------------------------------------------- */

es_ctx *es_ctx_new(const es_config *config) {
  es_config c = config ? *config : (es_config){0};
  if (!c.allocator.realloc) c.allocator = es_allocator_default();
  es_ctx *ctx = es_alloc(&c.allocator, sizeof *ctx);
  if (!ctx) return NULL;
  memset(ctx, 0, sizeof *ctx);
  ctx->config = c;
  ctx->allocator = (es_allocator){counting_realloc, ctx};
  atomic_init(&ctx->count, 1);
  note_bytes(ctx, (int64_t)sizeof *ctx);
  return ctx;
}

static void free_error_texts(es_ctx *ctx) {
  es_free(&ctx->allocator, ctx->error_text, ctx->error_text_len + 1);
  es_free(&ctx->allocator, ctx->rendered, ctx->rendered_size);
  ctx->error_text = ctx->rendered = NULL;
  ctx->error_text_len = ctx->rendered_size = 0;
}

void es_ctx_close(es_ctx *ctx) {
  es_pool_destroy(ctx->pool);
  ctx->pool = NULL;
  es_free(&ctx->allocator, ctx->scratch, ctx->scratch_bytes);
  ctx->scratch = NULL;
  ctx->scratch_bytes = 0;
  free_error_texts(ctx);
  ctx->closed = true;
  if (ctx->objects == 0) es_ctx_drop(ctx);
}

void es_ctx_hold(es_ctx *ctx) { atomic_fetch_add_explicit(&ctx->count, 1, memory_order_relaxed); }

void es_ctx_drop(es_ctx *ctx) {
  if (atomic_fetch_sub_explicit(&ctx->count, 1, memory_order_acq_rel) != 1) return;
  es_allocator below = ctx->config.allocator;
  es_free(&below, ctx, sizeof *ctx);
}

/* ---- the sticky error ------------------------------------------------------ */

es_status es_ctx_fail(es_ctx *ctx, const es_error *error, const char *text, size_t len) {
  es_status status = error->status;
  if (!ctx || ctx->error.status != ES_OK || status == ES_OK) return status;
  ctx->error = *error;
  if (!text) return status;
  /* Without memory for the text the sentence alone must do. */
  ctx->error_text = es_alloc(&ctx->allocator, len + 1);
  if (!ctx->error_text) return status;
  memcpy(ctx->error_text, text, len);
  ctx->error_text[len] = 0;
  ctx->error_text_len = len;
  return status;
}

es_status es_ctx_failf(es_ctx *ctx, es_status status, const char *fmt, ...) {
  char message[sizeof(((es_error *)0)->message)];
  va_list args;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  es_error error;
  es_fail(&error, status, "", ES_NOWHERE, "%s", message);
  return es_ctx_fail(ctx, &error, NULL, 0);
}

es_status es_ctx_fail_null(es_ctx *ctx, const char *function) {
  if (!ctx) return ES_E_VALUE;
  es_ctx_failf(ctx, ES_E_VALUE, "%s: a tensor was expected, but the argument is NULL", function);
  return ctx->error.status;
}

es_tensor *es_ctx_fail_tensor(es_ctx *ctx, const es_error *error) {
  es_ctx_fail(ctx, error, NULL, 0);
  return NULL;
}

es_status es_ctx_stopped(const es_ctx *ctx, es_error *error) {
  if (ctx && es_ctx_is_late(ctx))
    return es_fail(error, ES_E_LIMIT, "", ES_NOWHERE,
                   "the time limit of %g seconds has passed (es_set_max_seconds gives more)",
                   ctx->config.max_seconds);
  return es_fail(error, ES_E_CANCELLED, "", ES_NOWHERE, "the cancel callback asked to stop");
}

es_status es_ctx_fail_stopped(es_ctx *ctx) {
  es_error error;
  es_ctx_stopped(ctx, &error);
  return es_ctx_fail(ctx, &error, NULL, 0);
}

const es_error *es_ctx_error(const es_ctx *ctx) {
  static const es_error no_context = {
      .status = ES_E_NOMEM, .operand = -1, .message = "there is no context: es_ctx_create failed"};
  return ctx ? &ctx->error : &no_context;
}

const char *es_error_text(es_ctx *ctx) {
  if (!ctx) return es_ctx_error(NULL)->message;
  if (ctx->error.status == ES_OK) return "";
  if (ctx->rendered) return ctx->rendered;
  size_t size = es_error_render(&ctx->error, ctx->error_text, ctx->error_text_len, NULL, 0) + 1;
  ctx->rendered = es_alloc(&ctx->allocator, size);
  if (!ctx->rendered) return ctx->error.message;
  ctx->rendered_size = size;
  es_error_render(&ctx->error, ctx->error_text, ctx->error_text_len, ctx->rendered, size);
  return ctx->rendered;
}

void es_clear_error(es_ctx *ctx) {
  if (!ctx) return;
  free_error_texts(ctx);
  ctx->error = (es_error){.operand = -1};
}

/* ---- workspace and threads ------------------------------------------------------ */

const char *es_ctx_how_to_get(double limit) {
  return limit <= (double)ES_MOST_BYTES ? "es_set_max_bytes raises it"
                                        : "addresses reach no further";
}

es_status es_ctx_admit_bytes(es_ctx *ctx, int64_t bytes, const char *what, es_error *error) {
  int64_t now = es_memory_now(ctx), limit = ctx->config.max_bytes;
  if (now <= limit && bytes <= limit - now) return ES_OK;
  return es_fail(error, ES_E_LIMIT, "M1", ES_NOWHERE,
                 "%s needs %lld bytes; %lld are in use and the memory limit is %lld bytes "
                 "(%s)",
                 what, (long long)bytes, (long long)now, (long long)limit,
                 es_ctx_how_to_get((double)now + (double)bytes));
}

void *es_ctx_scratch(es_ctx *ctx, uint64_t bytes) {
  if (bytes <= ctx->scratch_bytes) return ctx->scratch;
  es_error error;
  es_free(&ctx->allocator, ctx->scratch, ctx->scratch_bytes);
  ctx->scratch = NULL;
  ctx->scratch_bytes = 0;
  int64_t asked = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
  if (es_ctx_admit_bytes(ctx, asked, "the workspace of this expression", &error) != ES_OK) {
    es_ctx_fail(ctx, &error, NULL, 0);
    return NULL;
  }
  ctx->scratch = es_alloc(&ctx->allocator, (size_t)bytes);
  if (!ctx->scratch) {
    es_fail_nomem(&error);
    es_ctx_fail(ctx, &error, NULL, 0);
    return NULL;
  }
  ctx->scratch_bytes = (size_t)bytes;
  return ctx->scratch;
}

es_pool *es_ctx_pool(es_ctx *ctx) {
  if (!ctx->pool && ctx->config.threads > 1)
    ctx->pool = es_pool_create(&ctx->allocator, ctx->config.threads);
  return ctx->pool;
}
