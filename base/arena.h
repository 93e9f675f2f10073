/* Memory that lives and dies together: an AST, an axis table, a plan. */
#ifndef ES_BASE_ARENA_H
#define ES_BASE_ARENA_H

#include "base/alloc.h"

typedef struct es_arena_block es_arena_block;

typedef struct es_arena {
  es_allocator allocator;
  es_arena_block *blocks; /* newest first */
  size_t used, cleared;   /* in the newest block */
  size_t total;           /* bytes asked of the allocator */
} es_arena;

void es_arena_init(es_arena *arena, const es_allocator *allocator);
void es_arena_free(es_arena *arena);
/* count * size bytes, zeroed and 16-aligned. NULL when the product passes the address space or the
 * allocator refuses. Never NULL for count 0. Counts have 64 bits where addresses have 32, too. */
void *es_arena_array(es_arena *arena, uint64_t count, size_t size);
void *es_arena_aligned(es_arena *arena, uint64_t bytes); /* the same, ES_ALIGN-aligned */
/* As es_arena_array, for what is written at once and whole: not zeroed. */
void *es_arena_room(es_arena *arena, uint64_t count, size_t size);
/* An array with room for one more element: old itself while used < *cap, else a
 * copy of it with *cap doubled. NULL: no memory; old and *cap are as before. */
void *es_arena_grow(es_arena *arena, void *old, int used, int *cap, size_t size);
char *es_arena_copy_text(es_arena *arena, const char *text, size_t len);

#define ES_NEW(arena, type) ((type *)es_arena_array((arena), 1, sizeof(type)))
#define ES_NEW_N(arena, type, n) ((type *)es_arena_array((arena), (uint64_t)(n), sizeof(type)))
#define ES_ROOM_N(arena, type, n) ((type *)es_arena_room((arena), (uint64_t)(n), sizeof(type)))

#endif
