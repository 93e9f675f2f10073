/* Tensors as text: brackets, aligned columns, wrapped lines, cut when long. */
#ifndef SC_PRINT_H
#define SC_PRINT_H

#include "repl/language/session.h"

/* What an expression statement shows: of a tensor a line of facts, then the
 * elements as its library's repr. */
void sc_show(sc_buffer *out, sc_session *s, const sc_value *v);
/* "f32[b:8 o:64 56]"; with a palette its names are coloured. */
void sc_put_type(sc_buffer *out, const sc_palette *palette, const sc_value *v);
/* Python's text of a value; of a tensor, as its library prints it. */
void sc_print_value(sc_buffer *out, const sc_session *s, const sc_value *v, bool quoted);
/* repr: as the value of an expression; else as print writes it. */
void sc_print_tensor(sc_buffer *out, const sc_session *s, const sc_value *v, bool repr);
/* One line: tensors by their types, long sequences cut. */
void sc_put_brief(sc_buffer *out, const sc_session *s, const sc_value *v);
void sc_put_bytes(sc_buffer *out, double bytes); /* "64 MiB" */

#endif
