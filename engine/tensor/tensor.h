/* Counted storage and handles. They belong to one thread at a time, as their context
 * does: the counts are plain integers. A storage that the library allocated is one block:
 * this header, padded to ES_ALIGN, then the elements. */
#ifndef ES_ENGINE_TENSOR_H
#define ES_ENGINE_TENSOR_H

#include "base/dtype.h"
#include "base/view.h"

typedef struct es_storage {
  int64_t count;
  es_ctx *ctx; /* lives on: it counts its objects */
  void *data;
  int64_t bytes; /* that may be touched */
  bool writable;
  int64_t constant;            /* a number of its own in the context; 0: elements may change */
  bool own;                    /* the elements lie behind this header */
  void (*release)(void *user); /* external memory; else NULL */
  void *user;
} es_storage;

struct es_tensor {
  int64_t count;
  es_ctx *ctx;         /* lives on: it counts its objects */
  es_storage *storage; /* held */
  es_view view;
  es_tensor *next; /* in its scope's list; a scope holds one count */
};

/* New storage, zero = cleared. Checks the memory limit before it asks. */
es_tensor *es_tensor_new(es_ctx *ctx, es_dtype dtype, int rank, const int64_t *shape, bool zero);
/* The caller's memory as storage, as es_wrap describes it. */
es_tensor *es_tensor_wrap(es_ctx *ctx, es_dtype dtype, void *data, int64_t length, int64_t offset,
                          int rank, const int64_t *shape, const int64_t *strides, bool writable,
                          void (*release)(void *user), void *user);
/* Elements that the storage of t holds. */
static inline int64_t es_tensor_length(const es_tensor *t) {
  return t->storage->bytes / es_dtype_bytes(t->view.dtype);
}
/* A handle on the storage of x through es_view_make; offset counts from the start
 * of the storage. NULL: error recorded in ctx. */
es_tensor *es_tensor_view(es_ctx *ctx, const es_tensor *x, int rank, const int64_t *shape,
                          const int64_t *strides, int64_t offset);
static inline void *es_tensor_at(const es_tensor *t) {
  return (char *)t->storage->data + t->view.offset * es_dtype_bytes(t->view.dtype);
}
/* Borrowed description. */
static inline es_array es_tensor_array(const es_tensor *t) {
  return (es_array){es_tensor_at(t), t->view.dtype, t->view.rank, t->view.shape, t->view.strides};
}
/* An alias of x in the current scope: same storage and view, own handle. */
es_tensor *es_tensor_alias(es_ctx *ctx, const es_tensor *x);

/* ---- scopes -------------------------------------------------------------------- */

/* Releases the innermost scope and what it holds. */
void es_scope_end(es_ctx *ctx);
/* Frees the handles and the scope kept for later. */
void es_handles_free(es_ctx *ctx);
/* Gives t, whose only count is the caller's, to the innermost scope. */
void es_scope_own(es_ctx *ctx, es_tensor *t);
/* Releases t, the newest tensor of the innermost scope. */
void es_scope_disown(es_ctx *ctx, es_tensor *t);

#endif
