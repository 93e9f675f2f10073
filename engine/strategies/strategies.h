/* The strategies, for the table. One file each, always in the same order: run, print,
 * applicable, cost, make, and its row. */
#ifndef ES_ENGINE_STRATEGIES_H
#define ES_ENGINE_STRATEGIES_H

#include "engine/strategy.h"

extern const es_strategy es_strategy_copy, es_strategy_map, es_strategy_reduce, es_strategy_window,
    es_strategy_direct, es_strategy_gemm, es_strategy_loops;

/* The plain loops, for a step of another strategy that cannot be exact, or to word
 * an overflow that it has met. Needs this workspace. */
es_status es_loops_run(const es_step *step, const es_run_args *args);
uint64_t es_loops_workspace(const es_problem *p);

#endif
