/* Plans as functions show them. */
#ifndef SC_EXPLAIN_H
#define SC_EXPLAIN_H

#include "repl/language/functions.h"

/* The steps of a plan, each line behind indent. seconds: what each took, or NULL. */
void sc_put_plan(sc_buffer *out, const es_plan *plan, es_explain_format format,
                 const double *seconds, const char *indent);

#endif
