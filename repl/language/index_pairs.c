/* Places along several axes that belong together: x[[0, 1], [2, 3]], as NumPy pairs them. */
#include "repl/language/index_pairs.h"

#include <string.h>

typedef struct pairing {
  const sc_items *items;
  sc_places *places; /* [items] of those that take places; at NULL of the others */
  int rank;          /* axes that they are broadcast to */
  int64_t shape[ES_MAX_RANK], count;
  int front; /* axes of the result before these */
} pairing;

static bool is_single(const sc_value *v) {
  return v->kind == SC_INT || (v->kind == SC_TENSOR && es_rank(v->tensor) == 0);
}

static int places_rank(const sc_value *item) {
  bool axes = item->kind == SC_TENSOR && es_dtype_of(item->tensor) != ES_BOOL;
  return axes ? es_rank(item->tensor) : 1;
}

static int64_t places_extent(const pairing *p, int64_t i, int axis) {
  const sc_value *item = p->items->item[i];
  return places_rank(item) == 1 ? p->places[i].n : es_shape(item->tensor)[axis];
}

static bool broadcast(sc_session *s, pairing *p, sc_span where) {
  for (int64_t i = 0; i < p->items->n; i++) {
    int rank = p->places[i].at ? places_rank(p->items->item[i]) : 0;
    if (rank > p->rank) p->rank = rank;
  }
  for (int a = 0; a < p->rank; a++) p->shape[a] = 1;
  for (int64_t i = 0; i < p->items->n; i++) {
    int rank = p->places[i].at ? places_rank(p->items->item[i]) : 0;
    for (int a = 0; a < rank; a++) {
      int64_t extent = places_extent(p, i, a), *all = &p->shape[p->rank - rank + a];
      if (extent != 1 && *all != 1 && extent != *all)
        return sc_fail(s, ES_E_EXTENT, where,
                       "places are taken in pairs, as in NumPy, and %lld of them do not pair with "
                       "%lld; x[a][:, b] takes all of a with all of b",
                       (long long)extent, (long long)*all);
      if (*all == 1) *all = extent;
    }
  }
  p->count = 1;
  for (int a = 0; a < p->rank; a++) p->count *= p->shape[a];
  return true;
}

/* Whether nothing but places and integers stands between the first of them and the last. */
static bool together(const sc_items *items, int64_t *first) {
  int64_t last = -1;
  *first = -1;
  for (int64_t i = 0; i < items->n; i++) {
    if (!sc_is_places(items->item[i]) && !is_single(items->item[i])) continue;
    if (*first < 0) *first = i;
    last = i;
  }
  for (int64_t i = *first; i < last; i++)
    if (!sc_is_places(items->item[i]) && !is_single(items->item[i])) return false;
  return true;
}

static bool read_pairs(sc_session *s, const es_tensor *t, const sc_items *items, pairing *p,
                       sc_span where) {
  int axis = 0;
  *p = (pairing){.items = items};
  p->places = sc_scratch(s, (size_t)items->n * sizeof *p->places);
  for (int64_t i = 0; i < items->n; i++) {
    const sc_value *item = items->item[i];
    if (item->kind == SC_TENSOR && es_dtype_of(item->tensor) == ES_BOOL &&
        es_rank(item->tensor) > 1)
      return sc_fail(s, ES_E_UNSUPPORTED, where,
                     "a mask with %d axes stands alone, x[mask]; beside other indices it has one",
                     es_rank(item->tensor));
    if (sc_is_places(item) && !sc_read_places(s, item, es_shape(t)[axis], &p->places[i], where))
      return false;
    axis += item->kind == SC_ELLIPSIS ? items->skipped : item->kind != SC_NONE;
  }
  int64_t first;
  for (int64_t i = 0; together(items, &first) && i < first; i++)
    p->front += items->item[i]->kind == SC_ELLIPSIS ? items->skipped : 1;
  return broadcast(s, p, where);
}

/* The index at [axis] of pair number k. */
static int64_t coordinate(const pairing *p, int64_t k, int axis) {
  for (int a = p->rank - 1; a > axis; a--) k /= p->shape[a];
  return k % p->shape[axis];
}

/* The part of t that pair number k names. */
static es_tensor *one_pair(sc_session *s, es_tensor *t, const pairing *p, int64_t k,
                           sc_span where) {
  sc_items single = *p->items;
  single.item = sc_scratch(s, (size_t)single.n * sizeof *single.item);
  memcpy(single.item, p->items->item, (size_t)single.n * sizeof *single.item);
  for (int64_t i = 0; i < single.n; i++) {
    if (!p->places[i].at) continue;
    int rank = places_rank(single.item[i]);
    int64_t at = 0;
    for (int a = 0; a < rank; a++) {
      int64_t extent = places_extent(p, i, a), c = coordinate(p, k, p->rank - rank + a);
      at = at * extent + (extent == 1 ? 0 : c);
    }
    single.item[i] = sc_int(s, p->places[i].at[at]);
  }
  return sc_apply_items(s, t, &single, where);
}

/* The result's shape: the axes of one part, and between them those of the pairs. */
static bool result_shape(sc_session *s, const pairing *p, int rank, const int64_t *part,
                         int64_t *shape, sc_span where) {
  if (rank + p->rank > ES_MAX_RANK)
    return sc_fail(s, ES_E_LIMIT, where, "the result has %d axes, at most %d are possible",
                   rank + p->rank, ES_MAX_RANK);
  for (int a = 0; a < rank; a++) shape[a < p->front ? a : a + p->rank] = part[a];
  for (int a = 0; a < p->rank; a++) shape[p->front + a] = p->shape[a];
  return true;
}

/* What no pair takes has no elements. Its other axes are those of the part that slices take in
 * the place of the places. */
static es_tensor *no_pair(sc_session *s, es_tensor *t, const pairing *p, sc_span where) {
  sc_value *none = sc_none(s), *bound[3] = {none, none, none};
  sc_value *slice = sc_sequence(s, SC_SLICE, 3, bound);
  sc_items whole = *p->items;
  whole.item = sc_scratch(s, (size_t)whole.n * sizeof *whole.item);
  for (int64_t i = 0; i < whole.n; i++) whole.item[i] = p->places[i].at ? slice : p->items->item[i];
  es_tensor *part = slice ? sc_apply_items(s, t, &whole, where) : NULL;
  if (!part) return NULL;
  int64_t others[ES_MAX_RANK], shape[ES_MAX_RANK];
  int n = 0, axis = 0;
  for (int64_t i = 0; i < whole.n; i++) {
    int here = whole.item[i]->kind == SC_ELLIPSIS ? whole.skipped : !is_single(whole.item[i]);
    for (; here > 0; here--, axis++)
      if (!p->places[i].at) others[n++] = es_shape(part)[axis];
  }
  for (; axis < es_rank(part); axis++) others[n++] = es_shape(part)[axis];
  if (!result_shape(s, p, n, others, shape, where)) return NULL;
  return es_empty(s->es, es_dtype_of(t), n + p->rank, shape);
}

static es_tensor *take(sc_session *s, es_tensor *t, const pairing *p, sc_span where) {
  if (!p->count) return no_pair(s, t, p, where);
  es_tensor **part = sc_scratch(s, (size_t)p->count * sizeof *part);
  for (int64_t k = 0; k < p->count; k++)
    if (!(part[k] = one_pair(s, t, p, k, where))) return NULL;
  int64_t shape[ES_MAX_RANK];
  int rank = es_rank(part[0]);
  if (!result_shape(s, p, rank, es_shape(part[0]), shape, where)) return NULL;
  es_tensor *all = es_stack(s->es, part, p->count, p->front);
  return p->rank == 1 ? all : es_reshape(s->es, all, rank + p->rank, shape);
}

es_tensor *sc_pairs(sc_session *s, es_tensor *t, const sc_items *items, sc_span where) {
  pairing p;
  if (!read_pairs(s, t, items, &p, where)) return NULL;
  es_tensor *made = take(s, t, &p, where);
  return made ? made : sc_fail_engine(s, where); /* keeps an earlier message */
}

bool sc_assign_pairs(sc_session *s, es_tensor *t, const sc_items *items, es_tensor *v,
                     sc_span where) {
  pairing p;
  if (!read_pairs(s, t, items, &p, where)) return false;
  es_tensor *whole = take(s, t, &p, where); /* for its shape */
  if (whole && es_rank(v) <= es_rank(whole))
    v = es_broadcast_to(s->es, v, es_rank(whole), es_shape(whole));
  bool ok = whole && v;
  for (int64_t k = 0; k < p.count && ok; k++) {
    es_tensor *to = one_pair(s, t, &p, k, where), *from = v;
    for (int a = 0; a < p.rank && from; a++)
      from = es_select(s->es, from, p.front, coordinate(&p, k, a));
    ok = to && from && es_assign(s->es, to, from) == ES_OK;
  }
  if (!ok) sc_fail_engine(s, where);
  return ok;
}
