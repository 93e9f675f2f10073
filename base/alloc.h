/* The one door to memory of the library. */
#ifndef ES_BASE_ALLOC_H
#define ES_BASE_ALLOC_H

#include <stdint.h>

#include "einstride.h"

/* Blocks are aligned to this many bytes: a cache line and the widest vector. */
enum { ES_ALIGN = 64 };

/* Bytes of the largest block: differences of addresses count them. */
#define ES_MOST_BYTES ((int64_t)PTRDIFF_MAX)

/* malloc and free, aligned to ES_ALIGN; user is not used. */
es_allocator es_allocator_default(void);

static inline void *es_alloc(const es_allocator *a, size_t size) {
  return a->realloc(a->user, NULL, 0, size ? size : 1);
}
static inline void es_free(const es_allocator *a, void *ptr, size_t size) {
  if (ptr) a->realloc(a->user, ptr, size ? size : 1, 0);
}

#endif
