/* Outputs that need no steps. */
#ifndef ES_ENGINE_FIND_VIEW_H
#define ES_ENGINE_FIND_VIEW_H

#include "engine/bind/bound.h"
#include "engine/plan.h"

/* Whether an output is one operand seen through other strides; view->strides has room. */
bool es_plan_find_view(es_arena *scratch, const es_bound *bound, int output, es_plan_view *view);

#endif
