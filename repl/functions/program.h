/* What stands behind the names of a program at the prompt. */
#ifndef SC_PROGRAM_H
#define SC_PROGRAM_H

#include "repl/language/functions.h"

/* A text is a program where it has a character that no pattern has. */
bool sc_is_program(const char *text);
/* The program of a text, which is remembered for error messages; NULL after an error. The
 * caller releases it. */
es_expr *sc_program_parse(sc_session *s, sc_span where, const char *text);
/* The value of input i: the keyword of its name, else the variable. NULL after an error. */
sc_value *sc_program_input(sc_args *a, const es_expr *program, int64_t i, sc_span *where);
/* Keywords that name no input, as sizes; NULL after an error. */
es_axis_size *sc_program_sizes(sc_args *a, const es_expr *program);

#endif
