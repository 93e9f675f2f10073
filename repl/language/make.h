/* Values made while a statement runs.
 *
 * Ownership: they belong to the session's pool and are released at the end of the statement;
 * whoever keeps one longer retains it. So functions take and return plain pointers, and an
 * error path frees nothing. */
#ifndef SC_MAKE_H
#define SC_MAKE_H

#include "repl/language/session.h"

sc_value *sc_none(sc_session *s);
sc_value *sc_bool(sc_session *s, bool b);
sc_value *sc_int(sc_session *s, int64_t i);
sc_value *sc_float(sc_session *s, double f);
sc_value *sc_string(sc_session *s, const char *text, size_t len);
sc_value *sc_dtype(sc_session *s, es_dtype dtype);
sc_value *sc_plain(sc_session *s, sc_kind kind); /* a new value, all fields zero */
/* Takes what items point to, not the array. NULL when nested too deep. */
sc_value *sc_sequence(sc_session *s, sc_kind kind, int64_t n, sc_value *const *items);
sc_value *sc_shape_tuple(sc_session *s, int rank, const int64_t *shape);
/* A tensor that the library made in the current scope. */
sc_value *sc_tensor(sc_session *s, es_tensor *tensor, sc_flavour flavour);
/* The same, or the engine's error. */
sc_value *sc_result(sc_session *s, sc_span where, es_tensor *tensor, sc_flavour flavour);

#endif
