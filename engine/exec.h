/* Running a plan. */
#ifndef ES_ENGINE_EXEC_H
#define ES_ENGINE_EXEC_H

#include "engine/plan.h"

/* es_run for any number of outputs. */
es_status es_plan_execute(es_ctx *ctx, const es_plan *plan, const es_array *in, int64_t n,
                          const es_array *out, int64_t n_out, void *workspace, es_error *error);

#endif
