#include "base/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/text.h"

bool es_view_c_strides(int rank, const int64_t *shape, int64_t *strides) {
  int64_t stride = 1;
  for (int i = rank - 1; i >= 0; i--) {
    strides[i] = stride;
    if (shape[i] && !es_mul_i64(stride, shape[i], &stride)) return false;
  }
  return true;
}

bool es_view_contiguous(int rank, const int64_t *shape, const int64_t *strides) {
  int64_t expected = 1;
  bool dense = true;
  for (int i = rank - 1; i >= 0; i--) {
    if (shape[i] == 0) return true;
    if (shape[i] == 1) continue;
    if (strides[i] != expected)
      dense = false;
    else if (!es_mul_i64(expected, shape[i], &expected))
      return false;
  }
  return dense;
}

/* Sums of the negative and of the positive parts of the walk; false when a sum
 * leaves int64. No extent is zero. */
static bool reach(int rank, const int64_t *shape, const int64_t *strides, int64_t *low,
                  int64_t *high) {
  *low = *high = 0;
  for (int i = 0; i < rank; i++) {
    int64_t *end = strides[i] < 0 ? low : high;
    if (!es_mad_i64(*end, shape[i] - 1, strides[i], end)) return false;
  }
  return true;
}

bool es_view_reach(int rank, const int64_t *shape, const int64_t *strides, int64_t *low,
                   int64_t *high) {
  for (int i = 0; i < rank; i++)
    if (!shape[i]) return false;
  return reach(rank, shape, strides, low, high);
}

/* ---- the constructor -------------------------------------------------------- */

/* Words what es_view_check_shape() has found. */
static es_status refuse_shape(es_dtype dtype, int rank, const int64_t *shape, es_error *error) {
  if (!es_dtype_valid(dtype))
    return es_fail(error, ES_E_DTYPE, "D1", ES_NOWHERE, "%d is not an element type", (int)dtype);
  if ((unsigned)rank > ES_MAX_RANK)
    return es_fail(error, ES_E_RANK, "", ES_NOWHERE, "a tensor has 0 … %d axes, not %d",
                   ES_MAX_RANK, rank);
  if (!shape)
    return es_fail(error, ES_E_VALUE, "", ES_NOWHERE, "the shape of %d axes is NULL", rank);
  int axis = 0;
  while (shape[axis] >= 0) axis++;
  return es_fail(error, ES_E_EXTENT, "", ES_NOWHERE, "axis %d has size %lld; a size is 0 or more",
                 axis, (long long)shape[axis]);
}

es_status es_view_check_shape(es_dtype dtype, int rank, const int64_t *shape, es_error *error) {
  bool sound = es_dtype_valid(dtype) && rank >= 0 && rank <= ES_MAX_RANK && (shape || !rank);
  for (int i = 0; sound && i < rank; i++) sound = shape[i] >= 0;
  return sound ? ES_OK : refuse_shape(dtype, rank, shape, error);
}

static es_status refuse_count(int rank, const int64_t *shape, es_error *error) {
  char text[256];
  es_text t = es_text_init(text, sizeof text);
  es_text_shape(&t, rank, shape);
  return es_fail(error, ES_E_OVERFLOW, "M1", ES_NOWHERE,
                 "a view of shape %s has more than 2^63 - 1 elements", text);
}

static es_status check_shape(es_dtype dtype, int rank, const int64_t *shape, int64_t *count,
                             es_error *error) {
  ES_TRY(es_view_check_shape(dtype, rank, shape, error));
  return es_count_i64(rank, shape, count) ? ES_OK : refuse_count(rank, shape, error);
}

/* First and last element touched; false when they leave int64. */
static bool ends(int64_t offset, int rank, const int64_t *shape, const int64_t *strides,
                 int64_t *first, int64_t *last) {
  int64_t low, high;
  return reach(rank, shape, strides, &low, &high) && es_add_i64(offset, low, first) &&
         es_add_i64(offset, high, last);
}

static es_status refuse_reach(int64_t length, int64_t offset, int rank, const int64_t *shape,
                              const int64_t *strides, es_error *error) {
  int64_t first, last;
  bool fits = ends(offset, rank, shape, strides, &first, &last);
  char shape_text[160], strides_text[160];
  es_text s = es_text_init(shape_text, sizeof shape_text);
  es_text d = es_text_init(strides_text, sizeof strides_text);
  es_text_shape(&s, rank, shape);
  es_text_shape(&d, rank, strides);
  if (!fits)
    return es_fail(
        error, ES_E_RANGE, "", ES_NOWHERE,
        "a view of shape %s with strides %s at offset %lld reaches past 2^63 - 1 elements",
        shape_text, strides_text, (long long)offset);
  return es_fail(
      error, ES_E_RANGE, "", ES_NOWHERE,
      "a view of shape %s with strides %s at offset %lld touches elements %lld … %lld of a "
      "storage of %lld",
      shape_text, strides_text, (long long)offset, (long long)first, (long long)last,
      (long long)length);
}

static bool reaches_inside(int64_t length, int64_t offset, int rank, const int64_t *shape,
                           const int64_t *strides) {
  int64_t first, last;
  return ends(offset, rank, shape, strides, &first, &last) && first >= 0 && last < length;
}

static bool same(int rank, const int64_t *a, const int64_t *b) {
  return !memcmp(a, b, (size_t)rank * sizeof *a);
}

es_status es_view_make(es_dtype dtype, int64_t storage_length, int64_t offset, int rank,
                       const int64_t *shape, const int64_t *strides, bool storage_writable,
                       es_view *out, es_error *error) {
  int64_t count, c_strides[ES_MAX_RANK];
  ES_TRY(check_shape(dtype, rank, shape, &count, error));
  es_view_c_strides(rank, shape, c_strides); /* fits: count does */
  bool dense = count == 0 || !strides || same(rank, strides, c_strides);
  if (dense) strides = c_strides;
  if (count == 0) offset = 0;
  bool inside = count == 0 ||
                (dense ? offset >= 0 && count <= storage_length - offset
                       : reaches_inside(storage_length, offset, rank, shape, strides));
  if (!inside) return refuse_reach(storage_length, offset, rank, shape, strides, error);
  bool writable = storage_writable && (dense || es_view_injective(rank, shape, strides));
  out->dtype = dtype;
  out->rank = rank;
  out->offset = offset;
  out->writable = writable;
  for (int i = 0; i < rank; i++) {
    bool idle = count && shape[i] == 1 &&
                (strides[i] > storage_length || strides[i] < -storage_length);
    out->shape[i] = shape[i];
    out->strides[i] = idle ? 0 : strides[i];
  }
  return ES_OK;
}

/* ---- injectivity ------------------------------------------------------------ */

typedef struct loop {
  int64_t extent, stride; /* |stride| */
} loop;

static void sort_by_stride(loop *a, int n) {
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && a[j].stride < a[j - 1].stride; j--) {
      loop swapped = a[j];
      a[j] = a[j - 1];
      a[j - 1] = swapped;
    }
}

/* Marks every element of a walk over at most 2^15 places; false at a second visit.
 * total is the reach: the largest place. */
static bool visits_once(const loop *a, int n, int64_t total) {
  enum { PLACES = 1 << 15 };
  if (total >= PLACES) return false;
  uint64_t seen[PLACES / 64];
  memset(seen, 0, ((size_t)total / 64 + 1) * sizeof *seen);
  int64_t index[ES_MAX_RANK] = {0}, place = 0;
  for (;;) {
    uint64_t bit = (uint64_t)1 << (place & 63);
    if (seen[place >> 6] & bit) return false;
    seen[place >> 6] |= bit;
    int k = 0;
    for (; k < n; k++) {
      place += a[k].stride;
      if (++index[k] < a[k].extent) break;
      place -= a[k].stride * a[k].extent;
      index[k] = 0;
    }
    if (k == n) return true;
  }
}

bool es_view_injective(int rank, const int64_t *shape, const int64_t *strides) {
  loop a[ES_MAX_RANK];
  int n = 0;
  for (int i = 0; i < rank; i++) {
    if (shape[i] == 0) return true;
    if (shape[i] == 1) continue;
    if (strides[i] == INT64_MIN) return false; /* has no absolute value */
    a[n++] = (loop){shape[i], llabs(strides[i])};
  }
  sort_by_stride(a, n);
  int64_t total = 0;
  bool nested = true;
  for (int i = 0; i < n; i++) {
    nested = nested && a[i].stride > total;
    if (!es_mad_i64(total, a[i].extent - 1, a[i].stride, &total)) return false;
  }
  return nested || visits_once(a, n, total);
}

/* ---- reshape ------------------------------------------------------------------ */

/* Both shapes are cut into the shortest runs of axes with equal products; a run of
 * old axes that walk as one splits freely, any other needs a copy. (NumPy's
 * _attempt_nocopy_reshape.) */
bool es_view_reshape_strides(int rank, const int64_t *shape, const int64_t *strides, int new_rank,
                             const int64_t *new_shape, int64_t *new_strides) {
  int64_t extent[ES_MAX_RANK], stride[ES_MAX_RANK];
  int n = 0;
  for (int i = 0; i < rank; i++) {
    if (shape[i] == 0) return es_view_c_strides(new_rank, new_shape, new_strides);
    if (shape[i] == 1) continue;
    extent[n] = shape[i];
    stride[n++] = strides[i];
  }
  int from = 0, to = 0;
  int64_t last = 1; /* what an axis of extent 1 at the end steps over */
  while (from < n && to < new_rank) {
    int from_end = from + 1, to_end = to + 1;
    int64_t old_run = extent[from], new_run = new_shape[to];
    while (old_run != new_run) {
      if (new_run < old_run) {
        if (to_end == new_rank) return false;
        new_run *= new_shape[to_end++];
      } else {
        if (from_end == n) return false;
        old_run *= extent[from_end++];
      }
    }
    for (int k = from; k + 1 < from_end; k++)
      if (stride[k] != stride[k + 1] * extent[k + 1]) return false;
    new_strides[to_end - 1] = stride[from_end - 1];
    for (int k = to_end - 1; k > to; k--) new_strides[k - 1] = new_strides[k] * new_shape[k];
    last = stride[from_end - 1];
    from = from_end;
    to = to_end;
  }
  for (; to < new_rank; to++) {
    if (new_shape[to] != 1) return false;
    new_strides[to] = last;
  }
  return from == n;
}

/* ---- overlap -------------------------------------------------------------------- */

static int64_t stride_gcd(const es_view *v, int64_t g) {
  for (int i = 0; i < v->rank; i++)
    if (v->shape[i] > 1) g = es_gcd(llabs(v->strides[i]), g);
  return g;
}

bool es_view_may_overlap(const void *a, const es_view *va, const void *b, const es_view *vb) {
  int64_t a_low, a_high, b_low, b_high;
  if (!es_view_reach(va->rank, va->shape, va->strides, &a_low, &a_high)) return false;
  if (!es_view_reach(vb->rank, vb->shape, vb->strides, &b_low, &b_high)) return false;
  int64_t size = (int64_t)es_dtype_size(va->dtype), b_size = (int64_t)es_dtype_size(vb->dtype);
  uintptr_t a_first = (uintptr_t)a + (uintptr_t)(a_low * size);
  uintptr_t a_end = (uintptr_t)a + (uintptr_t)((a_high + 1) * size);
  uintptr_t b_first = (uintptr_t)b + (uintptr_t)(b_low * b_size);
  uintptr_t b_end = (uintptr_t)b + (uintptr_t)((b_high + 1) * b_size);
  if (a_end <= b_first || b_end <= a_first) return false;
  /* Elements of one size, a whole number of them apart: two walks whose steps are
   * all multiples of g meet only if their starts differ by a multiple of g. */
  int64_t apart = (intptr_t)((uintptr_t)a - (uintptr_t)b);
  if (size != b_size || apart % size) return true;
  int64_t g = stride_gcd(vb, stride_gcd(va, 0));
  return g ? apart / size % g == 0 : apart == 0;
}

/* ---- parameters from outside ------------------------------------------------------ */

es_status es_axis_resolve(int axis, int rank, int *out, es_error *error) {
  if (axis >= -rank && axis < rank) {
    *out = axis < 0 ? axis + rank : axis;
    return ES_OK;
  }
  if (rank == 0)
    return es_fail(error, ES_E_RANGE, "", ES_NOWHERE,
                   "axis %d is out of range: a tensor with 0 axes has none", axis);
  return es_fail(error, ES_E_RANGE, "", ES_NOWHERE,
                 "axis %d is out of range for a tensor with %d %s (-%d … %d)", axis, rank,
                 rank == 1 ? "axis" : "axes", rank, rank - 1);
}

es_status es_window_check(const char *axis_name, int64_t size, int64_t step, int64_t dilation,
                          int64_t pad_low, int64_t pad_high, es_error *error) {
  const struct {
    const char *what;
    int64_t value, least;
  } rules[] = {{"window size", size, 1},
               {"stride", step, 1},
               {"dilation", dilation, 1},
               {"padding", pad_low, 0},
               {"padding", pad_high, 0}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
    if (rules[i].value < rules[i].least)
      return es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
                     "the %s along %s must be at least %d, not %lld", rules[i].what, axis_name,
                     (int)rules[i].least, (long long)rules[i].value);
  return ES_OK;
}

bool es_window_count(int64_t extent, int64_t size, int64_t step, int64_t dilation, int64_t pad_low,
                     int64_t pad_high, int64_t *count) {
  int64_t room, span;
  if (!es_mul_i64(dilation, size - 1, &span) || !es_add_i64(extent, pad_low, &room) ||
      !es_add_i64(room, pad_high, &room))
    return false;
  *count = room > span ? (room - span - 1) / step + 1 : 0;
  return true;
}

bool es_view_alike(const es_array *a, const es_array *b) {
  size_t bytes = (size_t)a->rank * sizeof *a->shape;
  return a->dtype == b->dtype && a->rank == b->rank &&
         (!bytes || (!memcmp(a->shape, b->shape, bytes) && !memcmp(a->strides, b->strides, bytes)));
}
