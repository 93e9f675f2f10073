/* The table of the strategies, and the choice among them. */
#ifndef ES_ENGINE_PLANNER_H
#define ES_ENGINE_PLANNER_H

#include "engine/strategy.h"

extern const es_strategy *const es_strategies[]; /* ended by NULL; loops is last */
/* The one of that name; VALUE where there is none: the error lists them. */
es_status es_strategy_find(const char *asked, const es_strategy **strategy, es_error *error);

/* The cheapest strategy that applies to the canonical form of p (a copy is made in
 * the plan's arena), or the one forced by name. A nest without points, which only
 * writes the reducer's identity, is never subject to force. EMPTY (S15): max or
 * min of nothing. */
es_status es_step_make(const es_problem *p, const es_plan_env *env, const char *forced,
                       es_step *step, es_error *error);

/* Whether some strategy but the loops (the one forced, if not NULL) takes the nest
 * with its constraints as they stand, so that it need not be split into boxes. */
bool es_step_takes_whole(const es_problem *p, const es_plan_env *env, const char *forced);

#endif
