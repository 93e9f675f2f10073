/* x[…]: views of tensors, items of sequences; and x[…] = v. */
#include <stdlib.h>
#include <string.h>

#include "repl/language/functions.h"

/* start, stop, step of a SLICE; ES_ALL where absent. */
static bool bounds(sc_session *s, const sc_value *slice, sc_span where, int64_t out[3]) {
  for (int i = 0; i < 3; i++) {
    out[i] = ES_ALL;
    if (slice->items[i]->kind == SC_NONE) continue;
    if (!sc_to_int(s, where, slice->items[i], "a bound of a slice", &out[i])) return false;
    if (out[i] == ES_ALL) out[i]++; /* as far from any index */
  }
  if (out[2] == 0) {
    sc_fail(s, ES_E_VALUE, where, "the step of a slice is 0; it must be positive or negative");
    return false;
  }
  return true;
}

/* ---- tensors -------------------------------------------------------------------- */

/* The entries at a list of positions along axis, put together again. */
static es_tensor *pick(sc_session *s, es_tensor *t, const sc_value *list, int axis, sc_span where) {
  es_tensor **parts = sc_scratch(s, (size_t)(list->n + 1) * sizeof *parts);
  if (!list->n) return es_slice(s->es, t, axis, 0, 0, 1);
  for (int64_t i = 0; i < list->n; i++) {
    int64_t at;
    if (!sc_to_int(s, where, list->items[i], "an index", &at)) return NULL;
    parts[i] = es_select(s->es, t, axis, at);
    if (!parts[i]) return NULL;
  }
  return es_stack(s->es, parts, list->n, axis);
}

/* Applies one item of an index that stands before or at axis. */
static es_tensor *apply(sc_session *s, es_tensor *t, const sc_value *item, int axis,
                        sc_span where) {
  switch (item->kind) {
  case SC_NONE: return es_unsqueeze(s->es, t, axis);
  case SC_SLICE: {
    int64_t b[3];
    if (!bounds(s, item, where, b)) return NULL;
    return es_slice(s->es, t, axis, b[0], b[1], b[2] == ES_ALL ? 1 : b[2]);
  }
  case SC_LIST: return pick(s, t, item, axis, where);
  case SC_INT: return es_select(s->es, t, axis, item->i);
  case SC_TENSOR:
    if (es_rank(item->tensor) == 0 && es_dtype_of(item->tensor) != ES_BOOL) {
      int64_t at;
      return sc_to_int(s, where, item, "an index", &at) ? es_select(s->es, t, axis, at) : NULL;
    }
    return sc_fail(s, ES_E_UNSUPPORTED, where,
                   "an index may hold integers, slices, None, ... and "
                   "lists of integers; a mask stands alone: x[mask]");
  default:
    return sc_fail(s, ES_E_DTYPE, where,
                   "an index may hold integers, slices, None, ... and lists "
                   "of integers, found %s",
                   sc_kind_name(item->kind));
  }
}

static bool uses_axis(const sc_value *item) {
  return item->kind != SC_NONE && item->kind != SC_ELLIPSIS;
}

static es_tensor *tensor_index(sc_session *s, es_tensor *t, sc_value *index, sc_span where) {
  sc_value **items = index->kind == SC_TUPLE ? index->items : &index;
  int64_t n = index->kind == SC_TUPLE ? index->n : 1, used = 0, dots = 0, lists = 0;
  for (int64_t i = 0; i < n; i++) {
    dots += items[i]->kind == SC_ELLIPSIS;
    used += uses_axis(items[i]);
    lists += items[i]->kind == SC_LIST;
  }
  if (lists > 1)
    return sc_fail(s, ES_E_UNSUPPORTED, where,
                   "an index may hold one list of integers, found %d: "
                   "NumPy would pair them",
                   (int)lists);
  if (dots > 1)
    return sc_fail(s, ES_E_RANK, where, "an index may hold one ..., found %d", (int)dots);
  if (used > es_rank(t))
    return sc_fail(s, ES_E_RANK, where, "%lld indices for a tensor with %d %s", (long long)used,
                   es_rank(t), es_rank(t) == 1 ? "axis" : "axes");
  /* From the end, so that axes keep the numbers an error would name. */
  int axis = dots ? es_rank(t) : (int)used, skipped = es_rank(t) - (int)used;
  for (int64_t i = n; i-- > 0 && t;) {
    if (items[i]->kind == SC_ELLIPSIS) {
      axis -= skipped;
      continue;
    }
    if (uses_axis(items[i])) axis--;
    t = apply(s, t, items[i], axis, where);
  }
  if (!t) sc_fail_engine(s, where); /* keeps an earlier message */
  return t;
}

/* ---- masks ------------------------------------------------------------------------------ */

static bool is_mask(const sc_value *v) {
  return v->kind == SC_TENSOR && es_dtype_of(v->tensor) == ES_BOOL && es_rank(v->tensor) > 0;
}

static bool mask_fits(sc_session *s, const es_tensor *t, const es_tensor *mask, sc_span where) {
  bool fits = es_rank(mask) <= es_rank(t);
  for (int i = 0; fits && i < es_rank(mask); i++) fits = es_shape(mask)[i] == es_shape(t)[i];
  if (fits) return true;
  sc_buffer have = {0}, need = {0};
  sc_put_shape(&have, es_rank(mask), es_shape(mask));
  sc_put_shape(&need, es_rank(t), es_shape(t));
  sc_fail(s, ES_E_EXTENT, where, "a mask of shape %s does not fit the first axes of %s",
          sc_text(&have), sc_text(&need));
  sc_buffer_free(&have);
  sc_buffer_free(&need);
  return false;
}

/* x[mask]: the entries of the axes of the mask where it is true, as one axis. */
static es_tensor *masked(sc_session *s, es_tensor *t, const es_tensor *mask, sc_span where) {
  if (!mask_fits(s, t, mask, where)) return NULL;
  int rank = es_rank(t), lead = es_rank(mask);
  int64_t n = es_size(mask), kept = 0, shape[ES_MAX_RANK] = {0};
  size_t block = es_dtype_size(es_dtype_of(t));
  for (int i = lead; i < rank; i++) block *= (size_t)es_shape(t)[i]; /* a part of what exists */
  uint8_t *chosen = sc_alloc((size_t)n + 1);
  es_tensor *dense = es_contiguous(s->es, t), *made = NULL;
  if (dense && es_read(s->es, mask, ES_BOOL, chosen, n) == ES_OK) {
    for (int64_t i = 0; i < n; i++) kept += chosen[i] != 0;
    shape[0] = kept;
    for (int i = lead; i < rank; i++) shape[i - lead + 1] = es_shape(t)[i];
    made = es_empty(s->es, es_dtype_of(t), rank - lead + 1, shape);
    char *to = made ? es_data_mut(made) : NULL;
    const char *from = es_data(dense);
    for (int64_t i = 0; to && i < n; i++)
      if (chosen[i]) {
        memcpy(to, from + (size_t)i * block, block);
        to += block;
      }
  }
  free(chosen);
  return made ? made : sc_fail_engine(s, where);
}

/* x[mask] = v: v where the mask is true, for all of the axes behind those of the mask. */
static bool assign_masked(sc_session *s, es_tensor *t, es_tensor *mask, es_tensor *v,
                          sc_span where) {
  if (!mask_fits(s, t, mask, where)) return false;
  while (mask && es_rank(mask) < es_rank(t)) mask = es_unsqueeze(s->es, mask, es_rank(mask));
  v = v ? es_cast(s->es, v, es_dtype_of(t)) : NULL;
  es_tensor *whole = mask && v ? es_where(s->es, mask, v, t) : NULL;
  if (whole && es_assign(s->es, t, whole) == ES_OK) return true;
  sc_fail_engine(s, where);
  return false;
}

/* ---- sequences -------------------------------------------------------------------- */

static sc_value *slice_items(sc_session *s, const sc_value *v, int64_t n, const sc_value *slice,
                             sc_span where) {
  int64_t b[3];
  if (!bounds(s, slice, where, b)) return NULL;
  int64_t step = b[2] == ES_ALL ? 1 : b[2];
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  for (int i = 0; i < 2; i++) {
    if (b[i] == ES_ALL)
      b[i] = (i == 0) == (step > 0) ? low : high;
    else {
      if (b[i] < 0) b[i] += n;
      b[i] = b[i] < low ? low : b[i] > high ? high : b[i];
    }
  }
  int64_t count = step > 0      ? b[1] > b[0] ? (b[1] - b[0] - 1) / step + 1 : 0
                  : b[0] > b[1] ? (b[0] - b[1] - 1) / -step + 1
                                : 0;
  char *text = sc_scratch(s, (size_t)count + 1);
  sc_value **items = sc_scratch(s, (size_t)count * sizeof *items);
  for (int64_t i = 0; i < count; i++) {
    int64_t at = b[0] + i * step;
    if (v->kind == SC_STRING)
      text[i] = v->text[at];
    else
      items[i] = v->items[at];
  }
  return v->kind == SC_STRING ? sc_string(s, text, (size_t)count)
                              : sc_sequence(s, v->kind, count, items);
}

static sc_value *sequence_index(sc_session *s, const sc_value *v, sc_value *index, sc_span where) {
  int64_t n = v->kind == SC_STRING ? (int64_t)v->len : v->n, at;
  if (index->kind == SC_SLICE) return slice_items(s, v, n, index, where);
  if (!sc_to_int(s, where, index, "an index", &at)) return NULL;
  if (at < -n || at >= n)
    return sc_fail(s, ES_E_RANGE, where, "index %lld is outside %s of %lld", (long long)at,
                   sc_kind_name(v->kind), (long long)n);
  if (at < 0) at += n;
  return v->kind == SC_STRING ? sc_string(s, v->text + at, 1) : v->items[at];
}

sc_value *sc_index(sc_session *s, sc_value *object, sc_value *index, sc_span where) {
  if (object->kind == SC_TENSOR) {
    es_tensor *t = is_mask(index) ? masked(s, object->tensor, index->tensor, where)
                                  : tensor_index(s, object->tensor, index, where);
    return t ? sc_tensor(s, t, object->flavour) : NULL;
  }
  if (sc_is_sequence(object) || object->kind == SC_STRING)
    return sequence_index(s, object, index, where);
  if (object->kind == SC_DICT && index->kind == SC_STRING) {
    sc_value *found = sc_dict_get(object, index->text);
    return found ? found : sc_fail(s, ES_E_NAME, where, "the dict has no key '%.64s'", index->text);
  }
  return sc_fail(s, ES_E_DTYPE, where, "%s cannot be indexed%s", sc_kind_name(object->kind),
                 object->kind == SC_DICT ? " by anything but its names" : "");
}

bool sc_index_assign(sc_session *s, sc_value *object, sc_value *index, sc_value *v, sc_span where) {
  if (object->kind != SC_TENSOR) {
    sc_fail(s, ES_E_DTYPE, where, "only parts of tensors can be assigned to, found %s",
            sc_kind_name(object->kind));
    return false;
  }
  if (is_mask(index)) {
    es_tensor *source = sc_to_tensor(s, where, v, object->flavour, ES_DTYPE_AUTO);
    return source && assign_masked(s, object->tensor, index->tensor, source, where);
  }
  es_tensor *target = tensor_index(s, object->tensor, index, where);
  es_tensor *source = target ? sc_to_tensor(s, where, v, object->flavour, ES_DTYPE_AUTO) : NULL;
  if (!source) return false;
  if (es_assign(s->es, target, source) == ES_OK) return true;
  sc_fail_engine(s, where);
  return false;
}
