#include "base/arena.h"

#include <stdbool.h>
#include <string.h>

struct es_arena_block {
  es_arena_block *next;
  size_t size; /* of the whole block, header included */
};

enum { HEADER = ES_ALIGN, FIRST_BLOCK = 4096, MOST_BLOCK = 1 << 20, UNIT = 16, CLEAR = 1024 };

void es_arena_init(es_arena *arena, const es_allocator *allocator) {
  *arena = (es_arena){.allocator = *allocator};
}

void es_arena_free(es_arena *arena) {
  for (es_arena_block *block = arena->blocks; block;) {
    es_arena_block *next = block->next;
    es_free(&arena->allocator, block, block->size);
    block = next;
  }
  arena->blocks = NULL;
  arena->used = arena->cleared = arena->total = 0;
}

static size_t round_up(size_t bytes, size_t align) { return (bytes + align - 1) & ~(align - 1); }

static es_arena_block *new_block(es_arena *arena, size_t size) {
  es_arena_block *block = es_alloc(&arena->allocator, size);
  if (!block) return NULL;
  *block = (es_arena_block){NULL, size};
  arena->total += size;
  return block;
}

/* A piece as large as a block gets one to itself, behind the one that is being filled. */
static void *take_alone(es_arena *arena, size_t bytes) {
  es_arena_block *block = new_block(arena, bytes + HEADER);
  if (!block) return NULL;
  block->next = arena->blocks->next;
  arena->blocks->next = block;
  return (char *)block + HEADER;
}

/* Most pieces are a few words, for which a call of memset takes longer than the rest: what comes
 * next is cleared with them. */
static void clear(es_arena *arena) {
  es_arena_block *block = arena->blocks;
  size_t left = block->size - arena->used, end = arena->used + (left < CLEAR ? left : CLEAR);
  memset((char *)block + arena->cleared, 0, end - arena->cleared);
  arena->cleared = end;
}

/* Every piece is a multiple of UNIT long; align is a power of two, HEADER at most. */
static inline void *take(es_arena *arena, uint64_t asked, size_t align, bool zeroed) {
  if (asked > SIZE_MAX / 4) return NULL;
  size_t bytes = round_up((size_t)asked, UNIT);
  size_t at = round_up(arena->used, align);
  if (!arena->blocks || at + bytes > arena->blocks->size) {
    /* Doubling keeps the number of blocks logarithmic in the arena's size. */
    size_t size = arena->blocks ? arena->blocks->size * 2 : FIRST_BLOCK;
    if (size > MOST_BLOCK) size = MOST_BLOCK;
    if (arena->blocks && size < bytes + HEADER) {
      void *piece = take_alone(arena, bytes);
      return piece && zeroed ? memset(piece, 0, bytes) : piece;
    }
    es_arena_block *block = new_block(arena, size < bytes + HEADER ? bytes + HEADER : size);
    if (!block) return NULL;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->cleared = at = HEADER;
  }
  arena->used = at + bytes;
  if (arena->used > arena->cleared) {
    if (zeroed)
      clear(arena);
    else
      arena->cleared = arena->used;
  }
  return (char *)arena->blocks + at;
}

static inline void *take_array(es_arena *arena, uint64_t count, size_t size, bool zeroed) {
  uint64_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  return take(arena, bytes ? bytes : 1, UNIT, zeroed);
}

void *es_arena_array(es_arena *arena, uint64_t count, size_t size) {
  return take_array(arena, count, size, true);
}

void *es_arena_room(es_arena *arena, uint64_t count, size_t size) {
  return take_array(arena, count, size, false);
}

void *es_arena_aligned(es_arena *arena, uint64_t bytes) {
  return take(arena, bytes ? bytes : 1, ES_ALIGN, true);
}

void *es_arena_grow(es_arena *arena, void *old, int used, int *cap, size_t size) {
  enum { FIRST = 8 };
  if (used < *cap) return old;
  int wanted = *cap ? 2 * *cap : FIRST;
  void *grown = es_arena_array(arena, (size_t)wanted, size);
  if (!grown) return NULL;
  if (used) memcpy(grown, old, (size_t)used * size);
  *cap = wanted;
  return grown;
}

char *es_arena_copy_text(es_arena *arena, const char *text, size_t len) {
  char *copy = es_arena_array(arena, len + 1, 1);
  if (copy) memcpy(copy, text, len);
  return copy;
}
