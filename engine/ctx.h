/* The context: memory accounting, the sticky error, workspace and threads. What else it holds,
 * the stages that made it know: scopes engine/tensor/tensor.c, plans engine/cache.c. */
#ifndef ES_ENGINE_CTX_H
#define ES_ENGINE_CTX_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/error.h"
#include "engine/kernels/kernels.h"
#include "engine/thread.h"

typedef struct es_plan_cache es_plan_cache;
typedef struct es_scope es_scope;

struct es_ctx {
  es_config config;       /* every field resolved: no zero stands for a default */
  es_allocator allocator; /* counts, then calls config.allocator */
  /* The caller's (after es_ctx_destroy: that of all handles and storages together),
   * and one for each expression and plan, which threads share. The allocator above
   * works until the last of them is gone. */
  atomic_int_fast64_t count;
  int64_t objects; /* live handles and storages */
  atomic_int_fast64_t bytes_now, bytes_peak;
  es_scope *scope, *spare_scope; /* the innermost; NULL or one kept for the next push */
  es_tensor *spare;              /* released handles, kept for the next ones; linked by next */
  int spares;
  double deadline;  /* of es_clock_seconds; 0: none */
  bool closed;      /* es_ctx_destroy was called: nothing is kept any more */
  es_error error;   /* sticky; status OK when none */
  char *error_text; /* the pattern text of the error, owned; NULL */
  size_t error_text_len;
  char *rendered; /* by es_error_text */
  size_t rendered_size;
  es_pool *pool; /* made on first use; NULL with one thread */
  const es_kernels *kernels;
  const char *forced_strategy;
  es_plan_cache *cache;
  void *scratch; /* workspace kept between calls, grown as needed */
  size_t scratch_bytes;
  uint64_t random_counter;
  int64_t constants; /* made so far */
};

/* A context that counts its memory, its settings as they were given; NULL: no memory. */
es_ctx *es_ctx_new(const es_config *config);
/* Ends one without scopes, spare handles and cached plans: nothing is kept from now on. Its
 * memory goes with the last of what the caller still holds. */
void es_ctx_close(es_ctx *ctx);
/* One more, or one less, of ctx->count, from any thread. What outlives
 * es_ctx_destroy holds the context; only its memory accounting is of use then. */
void es_ctx_hold(es_ctx *ctx);
void es_ctx_drop(es_ctx *ctx);
/* The same for ctx->objects. */
static inline void es_ctx_hold_object(es_ctx *ctx) { ctx->objects++; }
static inline void es_ctx_drop_object(es_ctx *ctx) {
  if (--ctx->objects == 0 && ctx->closed) es_ctx_drop(ctx);
}

/* Records *error if none sticks yet, with a copy of the text it speaks of (which
 * may be NULL). Always returns error->status. */
es_status es_ctx_fail(es_ctx *ctx, const es_error *error, const char *text, size_t len);
/* A failure without a text. */
es_status es_ctx_failf(es_ctx *ctx, es_status status, const char *fmt, ...) ES_PRINTF(3, 4);
/* A tensor argument is NULL: an earlier call failed, whose error is kept, or the
 * caller passed it, which becomes the error. Returns the sticky status. */
es_status es_ctx_fail_null(es_ctx *ctx, const char *function);
/* Records the error for functions that return a handle; always NULL. */
es_tensor *es_ctx_fail_tensor(es_ctx *ctx, const es_error *error);
/* Workspace of at least bytes, 64-aligned; kept for the next call. NULL: error set. */
void *es_ctx_scratch(es_ctx *ctx, uint64_t bytes);

/* Refuses, before it is asked for, memory that would pass the limit; what says what it is for. */
es_status es_ctx_admit_bytes(es_ctx *ctx, int64_t bytes, const char *what, es_error *error);
/* How to get a limit of so many bytes: the end of such a message. */
const char *es_ctx_how_to_get(double limit);
es_pool *es_ctx_pool(es_ctx *ctx);
static inline bool es_ctx_is_late(const es_ctx *ctx) {
  return ctx->deadline > 0 && es_clock_seconds() > ctx->deadline;
}
/* Whether work is to stop: the callback says so, or time is up. */
static inline bool es_ctx_cancelled(const es_ctx *ctx) {
  return ctx &&
         ((ctx->config.cancel && ctx->config.cancel(ctx->config.user)) || es_ctx_is_late(ctx));
}
/* Words why work was stopped: ES_E_CANCELLED, or ES_E_LIMIT when time is up. ctx may be NULL. */
es_status es_ctx_stopped(const es_ctx *ctx, es_error *error);
/* The same for the sticky error. */
es_status es_ctx_fail_stopped(es_ctx *ctx);

#endif
