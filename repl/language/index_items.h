/* The items of an index of a tensor. */
#ifndef SC_LANGUAGE_INDEX_ITEMS_H
#define SC_LANGUAGE_INDEX_ITEMS_H

#include "repl/language/functions.h"

/* The items of an index; one that is no tuple is an index of one item. */
typedef struct sc_items {
  sc_value **item;
  int64_t n;
  int used, skipped; /* axes that items use; axes that '...' stands for */
  int64_t at;        /* of the last one that takes several places; -1 */
  bool paired;       /* several take places, or one beside an integer that stands apart from it */
} sc_items;

/* Along one axis. */
typedef struct sc_places {
  int64_t n, *at;
} sc_places;

/* A list, or a tensor with axes: the places along an axis, of which several are taken. */
bool sc_is_places(const sc_value *v);
/* [True, False, …] and masks with one axis take the places where they are true. */
bool sc_read_places(sc_session *s, const sc_value *item, int64_t extent, sc_places *out,
                    sc_span where);
/* The part of t that the items name: a view, unless places are taken. */
es_tensor *sc_apply_items(sc_session *s, es_tensor *t, const sc_items *items, sc_span where);

/* start, stop, step of a SLICE; ES_ALL where absent. */
bool sc_slice_bounds(sc_session *s, const sc_value *slice, sc_span where, int64_t out[3]);
bool sc_is_mask(const sc_value *v);
bool sc_uses_axis(const sc_value *item);

#endif
