/* What a line would give, while it is typed: types, shapes, names of axes, or the
 * first words of its error. The line runs in a session of shapes alone that sees the
 * variables of another: nothing is computed, nothing large is allocated. */
#ifndef SC_HINT_H
#define SC_HINT_H

#include "repl/language/session.h"

typedef struct sc_hint {
  sc_session session;
  bool open;
} sc_hint;

/* Appends the hint for text to out, nothing when there is none; true: it is an error. */
bool sc_hint_of(sc_hint *hint, const sc_session *of, const char *text, size_t len, sc_buffer *out);
void sc_hint_close(sc_hint *hint);

#endif
