/* The context: memory accounting, scopes, the sticky error, the pool, the cache. */
#ifndef ES_ENGINE_CTX_H
#define ES_ENGINE_CTX_H

#include "base/arena.h"
#include "base/error.h"
#include "engine/kernels/kernels.h"
#include "engine/thread.h"
#include "engine/tensor.h"

typedef struct es_plan_cache es_plan_cache;
typedef struct es_scope es_scope;

struct es_ctx {
  es_config config;       /* every field resolved: no zero stands for a default */
  es_allocator allocator; /* counts, then calls config.allocator */
  atomic_int_fast64_t count; /* the caller's, and one for each live storage and expr */
  atomic_int_fast64_t bytes_now, bytes_peak;
  es_scope *scope;
  es_error error;         /* sticky; status OK when none */
  char *error_text;       /* the pattern text of the error, owned; NULL */
  size_t error_text_len;
  char *rendered;         /* by es_error_text */
  es_pool *pool;          /* made on first use; NULL with one thread */
  const es_kernels *kernels;
  const char *forced_strategy;
  es_plan_cache *cache;
  void *scratch;          /* workspace kept between calls, grown as needed */
  size_t scratch_bytes;
  uint64_t random_counter;
};

/* Records *error if none sticks yet, with a copy of the text it speaks of (which
 * may be NULL). Always returns error->status. */
es_status es_ctx_fail(es_ctx *ctx, const es_error *error, const char *text, size_t len);
/* A failure without a text. */
es_status es_ctx_failf(es_ctx *ctx, es_status status, const char *fmt, ...) ES_PRINTF(3, 4);
/* Workspace of at least bytes, 64-aligned; kept for the next call. NULL: error set. */
void *es_ctx_scratch(es_ctx *ctx, size_t bytes);
/* Refuses, before allocating, what would pass the memory limit: names shape,
 * bytes and limit. */
es_status es_ctx_admit(es_ctx *ctx, int rank, const int64_t *shape, es_dtype dtype, es_error *error);
es_pool *es_ctx_pool(es_ctx *ctx);
static inline bool es_ctx_cancelled(const es_ctx *ctx) {
  return ctx && ctx->config.cancel && ctx->config.cancel(ctx->config.user);
}

#endif
