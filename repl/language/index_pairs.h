/* Places along several axes that belong together. */
#ifndef SC_LANGUAGE_INDEX_PAIRS_H
#define SC_LANGUAGE_INDEX_PAIRS_H

#include "repl/language/index_items.h"

/* x[[0, 1], [2, 3]]: as in NumPy, places are broadcast together and taken one by
 * one; their axes stand where the first does, or in front where others lie between them. */
es_tensor *sc_pairs(sc_session *s, es_tensor *t, const sc_items *items, sc_span where);
bool sc_assign_pairs(sc_session *s, es_tensor *t, const sc_items *items, es_tensor *v,
                     sc_span where);

#endif
