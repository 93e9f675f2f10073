/* Counted storage and handles. */
#ifndef ES_ENGINE_TENSOR_H
#define ES_ENGINE_TENSOR_H

#include <stdatomic.h>

#include "engine/view.h"

typedef struct es_storage {
  atomic_int_fast64_t count;
  es_ctx *ctx;      /* for accounting; NULL once the context is gone */
  es_allocator allocator;
  void *data;
  int64_t bytes;    /* that may be touched */
  bool writable;
  void (*release)(void *user); /* external memory; else NULL */
  void *user;
} es_storage;

struct es_tensor {
  atomic_int_fast64_t count;
  es_ctx *ctx;
  es_storage *storage;
  es_view view;
  es_tensor *next; /* in its scope's list; a scope holds one count */
};

/* New storage, zero = cleared. Checks the memory limit before it asks. */
es_tensor *es_tensor_new(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape, bool zero);
/* A handle on the storage of x through a view made by es_view_make from x's. */
es_tensor *es_tensor_view(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape,
                          const int64_t *strides, int64_t offset);
static inline void *es_tensor_at(const es_tensor *t) {
  return (char *)t->storage->data + t->view.offset * (int64_t)es_dtype_size(t->view.dtype);
}
es_array es_tensor_array(const es_tensor *t); /* borrowed description */
/* An alias of x in the current scope: same storage and view, own handle. */
es_tensor *es_tensor_alias(es_ctx *ctx, const es_tensor *x);

#endif
