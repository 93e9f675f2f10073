/* The library's allocator for C libraries whose free() is not told the size. */
#ifndef ES_IO_SIZED_H
#define ES_IO_SIZED_H

#include "base/alloc.h"

/* The size stands in front of the block, which stays aligned to ES_ALIGN. */
static inline void *es_sized_alloc(const es_allocator *allocator, size_t size) {
  if (size > SIZE_MAX - ES_ALIGN) return NULL;
  size_t *block = es_alloc(allocator, size + ES_ALIGN);
  if (!block) return NULL;
  *block = size + ES_ALIGN;
  return (char *)block + ES_ALIGN;
}

static inline void es_sized_free(const es_allocator *allocator, void *ptr) {
  if (!ptr) return;
  size_t *block = (size_t *)((char *)ptr - ES_ALIGN);
  es_free(allocator, block, *block);
}

#endif
