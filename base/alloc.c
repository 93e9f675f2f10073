#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *default_realloc(void *user, void *ptr, size_t old_size, size_t new_size) {
  (void)user;
  if (!new_size) {
    free(ptr);
    return NULL;
  }
  if (new_size > SIZE_MAX - ES_ALIGN) return NULL;
  void *block = aligned_alloc(ES_ALIGN, (new_size + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN);
  if (block && ptr) {
    memcpy(block, ptr, old_size < new_size ? old_size : new_size);
    free(ptr);
  }
  return block;
}

es_allocator es_allocator_default(void) {
  return (es_allocator){default_realloc, NULL};
}
