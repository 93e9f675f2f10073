#include "engine/ctx.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/cache.h"
#include "engine/strategy.h"

enum { MAX_THREADS = 4096 };

const char *es_version(void) { return ES_VERSION_STRING; }

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

static int usable_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than cpu_set_t holds */
  return online > 0 && online <= MAX_THREADS ? (int)online : 1;
}

/* Settings that cannot be met stick as an error, so that a program learns of them
 * where it looks; the context works with the default instead. */
static void resolve_config(es_ctx *ctx) {
  es_config *c = &ctx->config;
  int threads = c->threads;
  int64_t max_bytes = c->max_bytes;
  es_limits limits = c->limits;
  es_isa isa = c->isa;
  ctx->kernels = es_kernels_select(ES_ISA_AUTO);
  c->isa = ctx->kernels->isa;
  c->threads = usable_processors();
  es_set_max_bytes(ctx, 0);
  es_set_limits(ctx, NULL);
  if (!c->max_cached_plans) c->max_cached_plans = 1024;
  if (threads) es_set_threads(ctx, threads);
  if (max_bytes) es_set_max_bytes(ctx, max_bytes);
  es_set_limits(ctx, &limits);
  if (c->max_operations != 0) es_set_max_operations(ctx, c->max_operations);
  if (c->max_seconds != 0) es_set_max_seconds(ctx, c->max_seconds);
  if (isa != ES_ISA_AUTO) es_set_isa(ctx, isa);
}

es_ctx *es_ctx_create(const es_config *config) {
  es_config c = config ? *config : (es_config){0};
  if (!c.allocator.realloc) c.allocator = es_allocator_default();
  es_ctx *ctx = es_alloc(&c.allocator, sizeof *ctx);
  if (!ctx) return NULL;
  memset(ctx, 0, sizeof *ctx);
  ctx->config = c;
  ctx->allocator = (es_allocator){counting_realloc, ctx};
  atomic_init(&ctx->count, 1);
  note_bytes(ctx, (int64_t)sizeof *ctx);
  resolve_config(ctx);
  if (es_scope_push(ctx) != ES_OK) {
    es_ctx_drop(ctx);
    return NULL;
  }
  return ctx;
}

static void free_error_texts(es_ctx *ctx) {
  es_free(&ctx->allocator, ctx->error_text, ctx->error_text_len + 1);
  es_free(&ctx->allocator, ctx->rendered, ctx->rendered_size);
  ctx->error_text = ctx->rendered = NULL;
  ctx->error_text_len = ctx->rendered_size = 0;
}

void es_ctx_destroy(es_ctx *ctx) {
  if (!ctx) return;
  while (ctx->scope) es_scope_end(ctx);
  es_handles_free(ctx);
  es_cache_destroy(ctx);
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

/* ---- settings --------------------------------------------------------------- */

int es_threads(const es_ctx *ctx) { return ctx ? ctx->config.threads : 0; }

es_status es_set_threads(es_ctx *ctx, int threads) {
  if (!ctx) return ES_E_VALUE;
  if (threads < 1 || threads > MAX_THREADS)
    return es_ctx_failf(ctx, ES_E_VALUE, "threads must be 1 … %d, not %d", MAX_THREADS, threads);
  if (threads == ctx->config.threads) return ES_OK;
  es_pool_destroy(ctx->pool);
  ctx->pool = NULL;
  es_cache_destroy(ctx); /* plans are made for a number of threads */
  ctx->config.threads = threads;
  return ES_OK;
}

es_isa es_isa_used(const es_ctx *ctx) { return ctx ? ctx->kernels->isa : ES_ISA_AUTO; }

es_status es_set_isa(es_ctx *ctx, es_isa isa) {
  if (!ctx) return ES_E_VALUE;
  if (isa != ES_ISA_AUTO && isa != ES_ISA_V16 && isa != ES_ISA_V32 && isa != ES_ISA_V64)
    return es_ctx_failf(ctx, ES_E_VALUE,
                        "the vector width must be 16, 32 or 64 bytes, or 0, not %d", (int)isa);
  const es_kernels *kernels = es_kernels_select(isa);
  if (!kernels)
    return es_ctx_failf(ctx, ES_E_UNSUPPORTED,
                        "this processor has no %d-byte vectors; its widest are %d bytes", (int)isa,
                        (int)es_kernels_select(ES_ISA_AUTO)->isa);
  if (kernels != ctx->kernels) es_cache_destroy(ctx); /* plans hold kernels */
  ctx->kernels = kernels;
  ctx->config.isa = kernels->isa;
  return ES_OK;
}

void es_set_seed(es_ctx *ctx, uint64_t seed) {
  if (!ctx) return;
  ctx->config.seed = seed;
  ctx->random_counter = 0;
}

es_status es_set_strategy(es_ctx *ctx, const char *name) {
  if (!ctx) return ES_E_VALUE;
  const es_strategy *const *s = es_strategies;
  if (name)
    while (*s && strcmp((*s)->name, name) != 0) s++;
  if (name && !*s) {
    char quoted[64], known[256];
    es_text q = es_text_init(quoted, sizeof quoted), k = es_text_init(known, sizeof known);
    es_text_escape(&q, name, strlen(name));
    for (s = es_strategies; *s; s++) es_text_printf(&k, "%s%s", k.len ? ", " : "", (*s)->name);
    return es_ctx_failf(ctx, ES_E_VALUE, "there is no strategy '%s'; there are: %s", quoted, known);
  }
  es_cache_destroy(ctx);
  ctx->forced_strategy = name ? (*s)->name : NULL;
  return ES_OK;
}

/* ---- workspace ------------------------------------------------------------------ */

void *es_ctx_scratch(es_ctx *ctx, size_t bytes) {
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
  ctx->scratch = es_alloc(&ctx->allocator, bytes);
  if (!ctx->scratch) {
    es_fail_nomem(&error);
    es_ctx_fail(ctx, &error, NULL, 0);
    return NULL;
  }
  ctx->scratch_bytes = bytes;
  return ctx->scratch;
}

es_pool *es_ctx_pool(es_ctx *ctx) {
  if (!ctx->pool && ctx->config.threads > 1)
    ctx->pool = es_pool_create(&ctx->allocator, ctx->config.threads);
  return ctx->pool;
}
