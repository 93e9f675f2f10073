/* x[…]: views of tensors, items of sequences; and x[…] = v. */
#include <stdlib.h>
#include <string.h>

#include "repl/language/index_pairs.h"

/* Whether an integer stands apart from the item that takes places, so that NumPy pairs them. */
static bool apart(const sc_items *all) {
  for (int64_t i = 0; i < all->n; i++) {
    const sc_value *v = all->item[i];
    bool single = v->kind == SC_INT || (v->kind == SC_TENSOR && !sc_is_places(v));
    for (int64_t k = i < all->at ? i : all->at; single && k < (i < all->at ? all->at : i); k++)
      if (!sc_uses_axis(all->item[k]) || all->item[k]->kind == SC_SLICE) return true;
  }
  return false;
}

static bool read_items(sc_session *s, const es_tensor *t, sc_value **index, sc_items *out,
                       sc_span where) {
  bool tuple = (*index)->kind == SC_TUPLE;
  int dots = 0, several = 0;
  *out = (sc_items){tuple ? (*index)->items : index, tuple ? (*index)->n : 1, .at = -1};
  for (int64_t i = 0; i < out->n; i++) {
    dots += out->item[i]->kind == SC_ELLIPSIS;
    out->used += sc_uses_axis(out->item[i]);
    if (!sc_is_places(out->item[i])) continue;
    several++;
    out->at = i;
  }
  out->skipped = es_rank(t) - out->used;
  if (dots > 1) return sc_fail(s, ES_E_RANK, where, "an index may hold one ..., found %d", dots);
  if (out->skipped < 0)
    return sc_fail(s, ES_E_RANK, where, "%d indices for a tensor with %d %s", out->used, es_rank(t),
                   es_rank(t) == 1 ? "axis" : "axes");
  if (!dots) out->skipped = 0;
  out->paired = several > 1 || (several && apart(out));
  return true;
}

static es_tensor *tensor_index(sc_session *s, es_tensor *t, sc_value *index, sc_span where) {
  sc_items all;
  if (!read_items(s, t, &index, &all, where)) return NULL;
  return all.paired ? sc_pairs(s, t, &all, where) : sc_apply_items(s, t, &all, where);
}

/* ---- masks ------------------------------------------------------------------------------ */

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
  uint8_t *chosen = sc_alloc((uint64_t)n + 1);
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

/* x[mask] = v with one entry of v for each true: block by block into a copy. */
static bool assign_entries(sc_session *s, es_tensor *t, const es_tensor *mask, es_tensor *v,
                           sc_span where) {
  es_tensor *part = masked(s, t, mask, where); /* for its shape */
  if (part) v = es_broadcast_to(s->es, v, es_rank(part), es_shape(part));
  es_tensor *from = part && v ? es_contiguous(s->es, v) : NULL;
  es_tensor *whole = from ? es_copy(s->es, t) : NULL;
  int64_t n = es_size(mask), rows = part ? es_shape(part)[0] : 0;
  size_t block = rows ? (size_t)(es_size(part) / rows) * es_dtype_size(es_dtype_of(t)) : 0;
  uint8_t *chosen = sc_alloc((uint64_t)n + 1);
  bool ok = whole && es_read(s->es, mask, ES_BOOL, chosen, n) == ES_OK;
  const char *entry = ok ? es_data(from) : NULL;
  for (int64_t i = 0; ok && i < n; i++)
    if (chosen[i]) {
      memcpy((char *)es_data_mut(whole) + (size_t)i * block, entry, block);
      entry += block;
    }
  ok = ok && es_assign(s->es, t, whole) == ES_OK;
  free(chosen);
  if (!ok) sc_fail_engine(s, where);
  return ok;
}

/* x[mask] = v: v broadcast to the shape of x[mask], whose first axis counts what is true. */
static bool assign_masked(sc_session *s, es_tensor *t, es_tensor *mask, es_tensor *v,
                          sc_span where) {
  if (!mask_fits(s, t, mask, where)) return false;
  int entries = v ? es_rank(v) - (es_rank(t) - es_rank(mask)) : 0; /* axes of v before the rest's */
  bool same = true;                                                /* for all that is true */
  for (int i = 0; i < entries; i++) same &= es_shape(v)[i] == 1;
  if (!same) {
    v = es_cast(s->es, v, es_dtype_of(t));
    return v ? assign_entries(s, t, mask, v, where) : (sc_fail_engine(s, where), false);
  }
  for (; v && entries > 0; entries--) v = es_squeeze(s->es, v, 0);
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
  if (!sc_slice_bounds(s, slice, where, b)) return NULL;
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
  char *text = sc_scratch(s, (uint64_t)count + 1);
  sc_value **items = sc_scratch(s, (uint64_t)count * sizeof *items);
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
    es_tensor *t = sc_is_mask(index) ? masked(s, object->tensor, index->tensor, where)
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
  if (sc_is_mask(index)) {
    es_tensor *source = sc_to_tensor(s, where, v, object->flavour, ES_DTYPE_AUTO);
    return source && assign_masked(s, object->tensor, index->tensor, source, where);
  }
  sc_items all;
  es_tensor *source = sc_to_tensor(s, where, v, object->flavour, ES_DTYPE_AUTO);
  if (!source || !read_items(s, object->tensor, &index, &all, where)) return false;
  if (all.at >= 0) return sc_assign_pairs(s, object->tensor, &all, source, where);
  es_tensor *target = sc_apply_items(s, object->tensor, &all, where);
  if (!target) return false;
  if (es_assign(s->es, target, source) == ES_OK) return true;
  sc_fail_engine(s, where);
  return false;
}
