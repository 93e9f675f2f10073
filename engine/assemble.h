/* Making a plan, whatever it is made of. */
#ifndef ES_ENGINE_ASSEMBLE_H
#define ES_ENGINE_ASSEMBLE_H

#include "engine/lower/builder.h"

/* Adds the steps of what it is handed. */
typedef es_status (*es_plan_assembly)(es_builder *b, const es_array *in, const void *of);
/* Runs the assembly, computes what constants decide and lays out the workspace; within the
 * limits of the context, in more pieces where the plan does not fit. */
es_status es_plan_assemble(es_ctx *ctx, es_plan_assembly assembly, const void *of,
                           const es_array *in, const es_options *options, es_plan **plan,
                           es_error *error);

#endif
