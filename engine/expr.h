/* Expressions: a parsed pattern, counted, immutable, free of shapes. */
#ifndef ES_ENGINE_EXPR_H
#define ES_ENGINE_EXPR_H

#include <stdatomic.h>

#include "engine/ctx.h"
#include "lexer/ast.h"

struct es_expr {
  atomic_int_fast64_t count;
  es_ctx *ctx; /* kept alive for its allocator */
  es_arena arena;
  es_pattern *pattern;
};

#endif
