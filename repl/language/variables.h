/* The variables of a session, and those of the session it shadows. */
#ifndef SC_VARIABLES_H
#define SC_VARIABLES_H

#include "repl/language/session.h"

sc_value *sc_variable_get(sc_session *s, const char *name); /* NULL: there is none, or an error */
sc_value *sc_last_get(sc_session *s);                       /* _; NULL */
bool sc_variable_drop(sc_session *s, const char *name);     /* false: there is none */
void sc_variable_set(sc_session *s, const char *name, sc_value *v);
/* Whether the elements of a tensor are those of a value that was there before it, and still is. */
bool sc_is_view(const sc_session *s, const sc_value *v);

#endif
