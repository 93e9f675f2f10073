/* From the graph of a program to the steps of one plan. */
#ifndef ES_ENGINE_PROGRAM_H
#define ES_ENGINE_PROGRAM_H

#include "engine/plan.h"
#include "lexer/program.h"

/* The plan of a program over in[0..n), in the order of program->in. */
es_status es_program_plan(es_ctx *ctx, const es_graph *program, const es_array *in, int64_t n,
                          const es_options *options, es_plan **plan, es_error *error);

#endif
