/* --json: one object a line. */
#ifndef SC_JSON_H
#define SC_JSON_H

#include "repl/language/session.h"

/* {"ok":true,…,"time_s":…}\n. False when a tensor could not be read: s->fault. */
bool sc_json_value(sc_buffer *out, sc_session *s, const sc_value *v, double seconds);
/* {"ok":true,"value":"…"}\n */
void sc_json_text(sc_buffer *out, const char *text, size_t len);
/* {"ok":false,…}\n. text is what offset and length point into. */
void sc_json_fault(sc_buffer *out, const es_error *error, const char *text, size_t len,
                   int64_t offset, int64_t length);

#endif
