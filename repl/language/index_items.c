/* The items of an index of a tensor, one after the other. */
#include "repl/language/index_items.h"

#include <string.h>

/* start, stop, step of a SLICE; ES_ALL where absent. */
bool sc_slice_bounds(sc_session *s, const sc_value *slice, sc_span where, int64_t out[3]) {
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

bool sc_is_mask(const sc_value *v) {
  return v->kind == SC_TENSOR && es_dtype_of(v->tensor) == ES_BOOL && es_rank(v->tensor) > 0;
}

bool sc_is_places(const sc_value *v) {
  return v->kind == SC_LIST || (v->kind == SC_TENSOR && es_rank(v->tensor) > 0);
}

static bool fail_mask(sc_session *s, sc_span where, int64_t n, int64_t extent) {
  sc_fail(s, ES_E_EXTENT, where, "a mask of %lld entries does not fit an axis of %lld",
          (long long)n, (long long)extent);
  return false;
}

bool sc_read_places(sc_session *s, const sc_value *item, int64_t extent, sc_places *out,
                    sc_span where) {
  bool list = item->kind == SC_LIST, mask = !list && sc_is_mask(item);
  int64_t n = list ? item->n : es_size(item->tensor), truths = 0;
  int64_t *at = out->at = sc_scratch(s, (uint64_t)n * sizeof *at);
  for (int64_t i = 0; list && i < n; i++) {
    truths += item->items[i]->kind == SC_BOOL;
    if (!sc_to_int(s, where, item->items[i], "an index", &at[i])) return false;
  }
  mask |= truths > 0 && truths == n;
  if (mask && n != extent) return fail_mask(s, where, n, extent);
  if (!list && es_dtype_of(item->tensor) > ES_I64)
    return sc_fail(s, ES_E_DTYPE, where, "an index is of integers or booleans, found %s",
                   es_dtype_name(es_dtype_of(item->tensor)));
  if (!list && es_read(s->es, item->tensor, ES_I64, at, n) != ES_OK)
    return sc_fail_engine(s, where);
  out->n = n;
  if (!mask) return true;
  out->n = 0;
  for (int64_t i = 0; i < n; i++)
    if (at[i]) at[out->n++] = i;
  return true;
}

/* The entries at those places along axis, put together again. */
static es_tensor *pick(sc_session *s, es_tensor *t, const sc_value *item, int axis, sc_span where) {
  sc_places p;
  if (!sc_read_places(s, item, es_shape(t)[axis], &p, where)) return NULL;
  if (!p.n) return es_slice(s->es, t, axis, 0, 0, 1);
  es_tensor **parts = sc_scratch(s, (uint64_t)p.n * sizeof *parts);
  for (int64_t i = 0; i < p.n; i++)
    if (!(parts[i] = es_select(s->es, t, axis, p.at[i]))) return NULL;
  es_tensor *made = es_stack(s->es, parts, p.n, axis);
  if (!made || item->kind == SC_LIST || sc_is_mask(item) || es_rank(item->tensor) == 1) return made;
  /* x[ids]: the axes of ids stand in the place of the axis. */
  int64_t shape[2 * ES_MAX_RANK];
  int lead = es_rank(item->tensor), rank = es_rank(made) - 1 + lead;
  if (rank > ES_MAX_RANK)
    return sc_fail(s, ES_E_LIMIT, where, "the result has %d axes, at most %d are possible", rank,
                   ES_MAX_RANK);
  for (int i = 0; i < rank; i++)
    shape[i] = i < axis          ? es_shape(made)[i]
               : i < axis + lead ? es_shape(item->tensor)[i - axis]
                                 : es_shape(made)[i - lead + 1];
  return es_reshape(s->es, made, rank, shape);
}

/* Applies one item of an index that stands before or at axis. */
static es_tensor *apply(sc_session *s, es_tensor *t, const sc_value *item, int axis,
                        sc_span where) {
  int64_t at;
  switch (item->kind) {
  case SC_NONE: return es_unsqueeze(s->es, t, axis);
  case SC_SLICE: {
    int64_t b[3];
    if (!sc_slice_bounds(s, item, where, b)) return NULL;
    return es_slice(s->es, t, axis, b[0], b[1], b[2] == ES_ALL ? 1 : b[2]);
  }
  case SC_LIST: return pick(s, t, item, axis, where);
  case SC_INT: return es_select(s->es, t, axis, item->i);
  case SC_TENSOR:
    if (sc_is_mask(item) && es_rank(item->tensor) > 1)
      return sc_fail(s, ES_E_UNSUPPORTED, where,
                     "a mask with %d axes stands alone, x[mask]; beside other indices it has one",
                     es_rank(item->tensor));
    if (es_rank(item->tensor) > 0) return pick(s, t, item, axis, where);
    if (es_dtype_of(item->tensor) != ES_BOOL)
      return sc_to_int(s, where, item, "an index", &at) ? es_select(s->es, t, axis, at) : NULL;
    /* fall through */
  default:
    return sc_fail(s, ES_E_DTYPE, where,
                   "an index may hold integers, slices, None, ..., and a list or tensor of "
                   "integers or booleans, found %s",
                   sc_kind_name(item->kind));
  }
}

bool sc_uses_axis(const sc_value *item) {
  return item->kind != SC_NONE && item->kind != SC_ELLIPSIS;
}

/* From the end, so that axes keep the numbers an error would name. */
es_tensor *sc_apply_items(sc_session *s, es_tensor *t, const sc_items *all, sc_span where) {
  int axis = all->used + all->skipped;
  for (int64_t i = all->n; i-- > 0 && t;) {
    if (all->item[i]->kind == SC_ELLIPSIS) {
      axis -= all->skipped;
      continue;
    }
    if (sc_uses_axis(all->item[i])) axis--;
    t = apply(s, t, all->item[i], axis, where);
  }
  if (!t) sc_fail_engine(s, where); /* keeps an earlier message */
  return t;
}
