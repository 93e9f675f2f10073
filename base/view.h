/* Views. ONE function makes a view and proves that it stays in its storage. */
#ifndef ES_BASE_VIEW_H
#define ES_BASE_VIEW_H

#include "base/error.h"

typedef struct es_view {
  es_dtype dtype;
  int rank;
  int64_t offset; /* of element (0, …), from the start of the storage */
  int64_t shape[ES_MAX_RANK];
  int64_t strides[ES_MAX_RANK];
  bool writable; /* only if the storage is and the map is provably injective */
} es_view;

/* The only constructor. storage_length: elements that may be touched. Fails for
 * rank over ES_MAX_RANK, negative extents, products that wrap, and any index that
 * would leave 0 .. storage_length-1, negative strides included. strides NULL: C
 * order. What nothing is read through is brought into range, so that arithmetic on
 * a made view cannot wrap: a view without elements (its shape must still be sound)
 * gets offset 0 and C strides; an axis of extent 1 whose |stride| exceeds
 * storage_length gets stride 0. */
es_status es_view_make(es_dtype dtype, int64_t storage_length, int64_t offset, int rank,
                       const int64_t *shape, const int64_t *strides, bool storage_writable,
                       es_view *out, es_error *error);
/* A known type, 0 … ES_MAX_RANK axes, a shape for them, no negative extent. */
es_status es_view_check_shape(es_dtype dtype, int rank, const int64_t *shape, es_error *error);
/* Sufficient and cheap: sorted by |stride|, each stride exceeds the reach of the
 * smaller ones. Axes of extent 1 do not count. Where that fails, an exact test is
 * tried for small views. */
bool es_view_injective(int rank, const int64_t *shape, const int64_t *strides);
bool es_view_contiguous(int rank, const int64_t *shape, const int64_t *strides);
/* C-order strides. False when the size wraps. */
bool es_view_c_strides(int rank, const int64_t *shape, int64_t *strides);
/* Strides that give the same elements, in C order, under another shape; false where
 * only a copy can, or the sizes differ. */
bool es_view_reshape_strides(int rank, const int64_t *shape, const int64_t *strides, int new_rank,
                             const int64_t *new_shape, int64_t *new_strides);
/* First and last element touched, relative to element 0; false when empty. */
bool es_view_reach(int rank, const int64_t *shape, const int64_t *strides, int64_t *low,
                   int64_t *high);
/* Arrays of one type, shape and strides, which both must give; whatever their data. */
bool es_view_alike(const es_array *a, const es_array *b);
/* Whether two walks may touch one byte. a and b are the addresses of element (0, …):
 * the offsets of the views are not added. True when in doubt. */
bool es_view_may_overlap(const void *a, const es_view *va, const void *b, const es_view *vb);

/* axis of a tensor with rank axes, negative from the end, into *out. */
es_status es_axis_resolve(int axis, int rank, int *out, es_error *error);
/* size, step, dilation >= 1 and pads >= 0: every window parameter from outside
 * passes here. axis_name names the axis in the message ("axis 2", "height"). */
es_status es_window_check(const char *axis_name, int64_t size, int64_t step, int64_t dilation,
                          int64_t pad_low, int64_t pad_high, es_error *error);
/* floor((extent + pad_low + pad_high - dilation (size - 1) - 1) / step) + 1, the
 * windows of checked parameters that fit; 0 when the first does not. False when a
 * sum leaves int64. */
bool es_window_count(int64_t extent, int64_t size, int64_t step, int64_t dilation, int64_t pad_low,
                     int64_t pad_high, int64_t *count);

#endif
