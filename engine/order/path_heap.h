/* What a search may do next, the best first. */
#ifndef ES_ENGINE_PATH_HEAP_H
#define ES_ENGINE_PATH_HEAP_H

#include "base/arena.h"

/* Of equal scores the one with the lower then, a, b: the order is total. */
typedef struct es_candidate {
  double score, then;
  int a, b;
} es_candidate;

typedef struct es_heap {
  es_arena *arena;
  es_candidate *item;
  int n, cap;
} es_heap;

bool es_heap_push(es_heap *heap, es_candidate c); /* false: no memory */
es_candidate es_heap_pop(es_heap *heap);          /* the lowest; n > 0 */

#endif
