/* A context as its user makes it, sets it and ends it: the one place that knows its parts,
 * and which settings its plans were made for. */
#include <sched.h>
#include <unistd.h>

#include "base/checked.h"
#include "engine/cache.h"
#include "engine/ctx.h"
#include "engine/planner.h"
#include "engine/tensor/tensor.h"

enum { MAX_THREADS = 4096 };

const char *es_version(void) { return ES_VERSION_STRING; }

/* ---- how plans run ------------------------------------------------------------- */

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
  const es_strategy *strategy = NULL;
  es_error error;
  if (name && es_strategy_find(name, &strategy, &error) != ES_OK)
    return es_ctx_fail(ctx, &error, NULL, 0);
  es_cache_destroy(ctx);
  ctx->forced_strategy = strategy ? strategy->name : NULL;
  return ES_OK;
}

/* ---- what is allowed ------------------------------------------------------------ */

static int64_t default_max_bytes(void) {
  int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE), bytes;
  if (pages <= 0 || page <= 0 || !es_mul_i64(pages, page, &bytes)) return ES_MOST_BYTES;
  return bytes / 4 * 3;
}

/* What is within a limit can be asked for: as a size_t it is the same number. Shapes alone take no
 * memory. */
static int64_t addressable(const es_ctx *ctx, int64_t bytes) {
  return bytes < ES_MOST_BYTES || ctx->config.shapes_only ? bytes : ES_MOST_BYTES;
}

int64_t es_max_bytes(const es_ctx *ctx) { return ctx ? ctx->config.max_bytes : 0; }

es_status es_set_max_bytes(es_ctx *ctx, int64_t bytes) {
  if (!ctx) return ES_E_VALUE;
  if (bytes < 0)
    return es_ctx_failf(ctx, ES_E_VALUE,
                        "the memory limit must be positive, or 0 for the default, not %lld",
                        (long long)bytes);
  ctx->config.max_bytes = addressable(ctx, bytes ? bytes : default_max_bytes());
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

/* ---- life ------------------------------------------------------------------------ */

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
  es_ctx *ctx = es_ctx_new(config);
  if (!ctx) return NULL;
  resolve_config(ctx);
  if (es_scope_push(ctx) != ES_OK) {
    es_ctx_drop(ctx);
    return NULL;
  }
  return ctx;
}

void es_ctx_destroy(es_ctx *ctx) {
  if (!ctx) return;
  while (ctx->scope) es_scope_end(ctx);
  es_handles_free(ctx);
  es_cache_destroy(ctx);
  es_ctx_close(ctx);
}
