/* What a context allows: memory, operations, and of texts and tensors less than the language
 * does. All is checked before anything is allocated for it. */
#ifndef ES_ENGINE_LIMITS_H
#define ES_ENGINE_LIMITS_H

#include "engine/ctx.h"
#include "lexer/program.h"

/* es_parse and es_program_parse of a text that keeps to the limits of the context. */
es_status es_ctx_parse(const es_ctx *ctx, es_arena *arena, es_kind kind, const char *text,
                       size_t len, es_reading reading, es_pattern **out, es_error *error);
es_status es_ctx_parse_program(const es_ctx *ctx, es_arena *arena, const char *text, size_t len,
                               es_reading reading, es_graph **out, es_error *error);
es_status es_ctx_admit_rank(const es_ctx *ctx, int rank, es_error *error);
es_status es_ctx_admit_operations(const es_ctx *ctx, double operations, es_error *error);
/* Refuses, before allocating, what would pass the memory limit: names shape,
 * bytes and limit. Also the check of a rank, extents and dtype from outside. */
es_status es_ctx_admit(es_ctx *ctx, int rank, const int64_t *shape, es_dtype dtype,
                       es_error *error);

#endif
