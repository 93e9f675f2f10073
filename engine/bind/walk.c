#include "engine/bind/walk.h"

#include <string.h>

#include "base/checked.h"

int es_walk_find(const es_walk *w, int32_t label) {
  for (int i = 0; i < w->n; i++)
    if (w->label[i] == label) return i;
  return -1;
}

int64_t es_walk_stride(const es_walk *w, int32_t label) {
  int i = es_walk_find(w, label);
  return i < 0 ? 0 : w->stride[i];
}

bool es_walk_range(const es_walk *w, const es_label *label, int64_t *low, int64_t *high,
                   bool *empty) {
  *empty = false;
  *low = *high = w->offset;
  for (int i = 0; i < w->n; i++) {
    int64_t n = label[w->label[i]].extent, *end = w->stride[i] < 0 ? low : high;
    if (n == 0)
      *empty = true;
    else if (!es_mad_i64(*end, w->stride[i], n - 1, end))
      return false;
  }
  return true;
}

bool es_walk_copy(es_arena *arena, const es_walk *w, int room, es_walk *out) {
  es_walk copy = {.offset = w->offset, .n = w->n};
  copy.label = ES_NEW_N(arena, int32_t, w->n + room);
  copy.stride = ES_NEW_N(arena, int64_t, w->n + room);
  if (!copy.label || !copy.stride) return false;
  memcpy(copy.label, w->label, (size_t)w->n * sizeof *copy.label);
  memcpy(copy.stride, w->stride, (size_t)w->n * sizeof *copy.stride);
  *out = copy;
  return true;
}

es_status es_walk_substitute(es_arena *arena, const es_walk *w, int32_t label, const es_walk *value,
                             es_walk *out) {
  int at = es_walk_find(w, label);
  if (at < 0) {
    *out = *w;
    return ES_OK;
  }
  es_walk r;
  if (!es_walk_copy(arena, w, value->n, &r)) return ES_E_NOMEM;
  int64_t stride = w->stride[at];
  r.n--;
  memmove(r.label + at, r.label + at + 1, (size_t)(r.n - at) * sizeof *r.label);
  memmove(r.stride + at, r.stride + at + 1, (size_t)(r.n - at) * sizeof *r.stride);
  if (!es_mad_i64(r.offset, stride, value->offset, &r.offset)) return ES_E_OVERFLOW;
  const es_walk rest = r; /* without what is appended: the labels of value are distinct */
  for (int i = 0; i < value->n; i++) {
    int k = es_walk_find(&rest, value->label[i]);
    if (k < 0) {
      k = r.n++;
      r.label[k] = value->label[i];
      r.stride[k] = 0;
    }
    if (!es_mad_i64(r.stride[k], stride, value->stride[i], &r.stride[k]) ||
        r.stride[k] == INT64_MIN) /* has no negative */
      return ES_E_OVERFLOW;
  }
  *out = r;
  return ES_OK;
}
