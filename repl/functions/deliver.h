/* What a function that makes a text does with it. */
#ifndef SC_DELIVER_H
#define SC_DELIVER_H

#include "repl/language/functions.h"

/* The text as the call's value; or, with path, None after it was written there. Frees text. */
sc_value *sc_deliver(sc_args *a, sc_buffer *text, const char *path);

#endif
