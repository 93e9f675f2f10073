/* A plan as a picture. */
#ifndef ES_ENGINE_EXPLAIN_SVG_H
#define ES_ENGINE_EXPLAIN_SVG_H

#include "base/text.h"
#include "engine/plan.h"

/* seconds: of each step, or NULL. */
void es_explain_svg(es_text *t, const es_plan *plan, const double *seconds);

#endif
