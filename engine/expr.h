/* Expressions: a parsed pattern or program, counted, immutable, free of shapes. */
#ifndef ES_ENGINE_EXPR_H
#define ES_ENGINE_EXPR_H

#include <stdatomic.h>

#include "engine/ctx.h"
#include "lexer/program.h"

struct es_expr {
  atomic_int_fast64_t count;
  es_ctx *ctx; /* kept alive for its allocator */
  es_arena arena;
  es_pattern *pattern; /* NULL of a program */
  es_graph *program;   /* NULL of a pattern */
};

#endif
