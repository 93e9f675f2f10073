/* Memory that is given back as a whole. */
#ifndef SC_ARENA_H
#define SC_ARENA_H

#include <stdint.h>

/* Starts as zeros. */
typedef struct sc_arena {
  struct sc_chunk *chunks;
} sc_arena;
void *sc_arena_alloc(sc_arena *arena, uint64_t bytes);
void sc_arena_free(sc_arena *arena);

#endif
