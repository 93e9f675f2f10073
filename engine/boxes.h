/* Nests with constraints as nests without. */
#ifndef ES_ENGINE_BOXES_H
#define ES_ENGINE_BOXES_H

#include "engine/problem.h"

/* Constraints of one reduced axis alone become its range. In place. */
void es_problem_trim(es_problem *p);
/* Splits the output into boxes on which every constraint always holds, each with
 * the range of taps that falls inside as a plain nest; boxes without taps are
 * returned with a reduced extent of 0. False when a constraint is too general
 * (the loops strategy then keeps it), or more than limit boxes would be needed.
 * Boxes are new problems in the arena. NOMEM through *status. */
bool es_problem_boxes(es_arena *arena, const es_problem *p, int limit, int *n_boxes,
                      es_problem ***boxes, es_status *status);
/* Of two output axes that one constraint ties together, which boxes cannot cut: the shorter, if it
 * has at most so many positions. -1: there is none. */
int es_problem_tied_axis(const es_problem *p, int64_t most);
/* p at one position of an output axis. NULL: no memory. */
es_problem *es_problem_at(es_arena *arena, const es_problem *p, int axis, int64_t position);
/* How many they would be; 0 where es_problem_boxes() would say false, or there are no points. */
int es_problem_count_boxes(const es_allocator *allocator, const es_problem *p, int limit,
                           es_status *status);

#endif
