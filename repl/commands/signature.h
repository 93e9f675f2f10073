/* How functions and layers are called: "conv2d(input, weight, bias=None, …)". */
#ifndef SC_SIGNATURE_H
#define SC_SIGNATURE_H

#include "repl/language/functions.h"

/* Of a value that is a function or a layer; nothing for others. */
void sc_put_signature(sc_buffer *out, const sc_value *v);
/* Of what a dotted name means in the session, or of a method; nothing for others. */
void sc_put_signature_of(sc_buffer *out, sc_session *s, const char *name);
/* Of "x axis|dim? keepdims?": "x, axis=, keepdims=". */
void sc_put_row_signature(sc_buffer *out, const sc_function *f);
void sc_put_layer_signature(sc_buffer *out, const es_op *op);
/* The function or layer that a dotted name means; false: neither. */
bool sc_callee_find(sc_session *s, const char *name, const sc_function **f, const es_op **op);

#endif
