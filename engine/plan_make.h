/* From a text, or what it was bound to, to a plan. */
#ifndef ES_ENGINE_PLAN_MAKE_H
#define ES_ENGINE_PLAN_MAKE_H

#include "engine/bind/bound.h"
#include "engine/plan.h"

/* Bound -> steps: pads, pairwise path, boxes, strategies, workspace layout.
 * in is what was bound. Nothing of the bound or its pattern is needed afterwards. */
es_status es_plan_build(es_ctx *ctx, const es_bound *bound, const es_array *in,
                        const es_options *options, es_plan **plan, es_error *error);
/* Parse, bind and build in one go, for the tensor door. out NULL or that of the
 * only output. */
es_status es_plan_from_text(es_ctx *ctx, es_kind kind, const char *text, size_t len,
                            const es_array *in, int64_t n, const es_array *out,
                            const es_options *options, es_plan **plan, es_error *error);

#endif
