#include "repl/language/arena.h"

#include <stdlib.h>

#include "repl/text/buffer.h"

typedef struct sc_chunk {
  struct sc_chunk *next;
  size_t used, size;
  max_align_t bytes[];
} sc_chunk;

void *sc_arena_alloc(sc_arena *arena, uint64_t bytes) {
  bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  sc_chunk *chunk = arena->chunks;
  if (!chunk || chunk->size - chunk->used < bytes) {
    uint64_t size = bytes > 4096 ? bytes : 4096;
    chunk = sc_alloc(sizeof *chunk + size);
    chunk->size = (size_t)size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
  }
  void *block = (char *)chunk->bytes + chunk->used;
  chunk->used += (size_t)bytes;
  return block;
}

void sc_arena_free(sc_arena *arena) {
  while (arena->chunks) {
    sc_chunk *next = arena->chunks->next;
    free(arena->chunks);
    arena->chunks = next;
  }
}
