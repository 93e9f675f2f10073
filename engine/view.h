/* Views. ONE function makes a view and proves that it stays in its storage. */
#ifndef ES_ENGINE_VIEW_H
#define ES_ENGINE_VIEW_H

#include "base/error.h"

typedef struct es_view {
  es_dtype dtype;
  int rank;
  int64_t offset;  /* of element (0, …), from the start of the storage */
  int64_t shape[ES_MAX_RANK];
  int64_t strides[ES_MAX_RANK];
  bool writable;   /* only if the storage is and the map is provably injective */
} es_view;

/* The only constructor. storage_length: elements that may be touched. Fails for
 * rank over ES_MAX_RANK, negative extents, products that wrap, and any index that
 * would leave 0 .. storage_length-1, negative strides included. A view without
 * elements must still have a sound shape. */
es_status es_view_make(es_dtype dtype, int64_t storage_length, int64_t offset, int rank,
                       const int64_t *shape, const int64_t *strides, bool storage_writable,
                       es_view *out, es_error *error);
/* Sufficient and cheap: sorted by |stride|, each stride exceeds the reach of the
 * smaller ones. Axes of extent 1 do not count. Where that fails, an exact test is
 * tried for small views. */
bool es_view_injective(int rank, const int64_t *shape, const int64_t *strides);
bool es_view_contiguous(int rank, const int64_t *shape, const int64_t *strides);
/* C-order strides. False when the size wraps. */
bool es_view_c_strides(int rank, const int64_t *shape, int64_t *strides);
/* Strides that give the same elements, in C order, under another shape with the
 * same size; false where only a copy can. */
bool es_view_reshape_strides(int rank, const int64_t *shape, const int64_t *strides, int new_rank,
                             const int64_t *new_shape, int64_t *new_strides);
/* First and last element touched, relative to element 0; false when empty. */
bool es_view_reach(int rank, const int64_t *shape, const int64_t *strides, int64_t *low,
                   int64_t *high);
/* Whether two walks may touch one byte. True when in doubt. */
bool es_view_may_overlap(const void *a, const es_view *va, const void *b, const es_view *vb);

#endif
