/* The bounded cache of plans of a context. The key is everything a plan depends
 * on; what the context decides (ISA, threads, a forced strategy) empties the cache
 * when it changes. The least recently used plan goes first; a plan in use lives on
 * by its count. */
#ifndef ES_ENGINE_CACHE_H
#define ES_ENGINE_CACHE_H

#include "engine/ctx.h"
#include "engine/plan.h"

/* The plan for text bound to in[0..n) and out (NULL, or one array): from the cache,
 * or made and kept. Returns a counted plan. constant: NULL, or [n] a number for each
 * operand whose elements never change, 0 for the others; options->constant agrees. */
es_status es_cache_plan(es_ctx *ctx, es_kind kind, const char *text, size_t len, const es_array *in,
                        int64_t n, const int64_t *constant, const es_array *out,
                        const es_options *options, es_plan **plan, es_error *error);
/* Forgets every plan. */
void es_cache_destroy(es_ctx *ctx);

#endif
