/* Literals: the bytes of a token to a value. */
#ifndef SC_LITERAL_H
#define SC_LITERAL_H

#include "repl/language/syntax.h"

/* Digits with '_' between, or 0x…; false when the value exceeds int64. */
bool sc_literal_int(const char *text, size_t len, int64_t *value);
double sc_literal_float(const char *text, size_t len);

/* Takes prefix and quotes off and resolves escapes, into out, which holds at
 * least len + 1 bytes. Returns the bytes written; NULL in *problem, or what is
 * wrong with an escape. */
size_t sc_literal_string(const char *text, size_t len, char *out, const char **problem);

#endif
