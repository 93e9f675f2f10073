/* Planning without running, for functions and for the prompt. */
#ifndef SC_PLAN_H
#define SC_PLAN_H

#include "repl/session.h"

/* NULL after an error. sizes may be NULL. The caller releases the plan. */
es_plan *sc_plan_make(sc_session *s, sc_span where, const char *text, const es_array *in, int64_t n,
                      const es_axis_size *sizes);
/* The stages of a text that letters name, as a string. in may be NULL for 't', 'a'. */
sc_value *sc_dump(sc_session *s, sc_span where, const char *text, const es_array *in, int64_t n,
                  const es_axis_size *sizes, const char *letters);

#endif
