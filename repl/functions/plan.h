/* Planning without running, for functions and for the prompt. */
#ifndef SC_PLAN_H
#define SC_PLAN_H

#include "repl/language/functions.h"

/* f(pattern, operands…, h=3): operands are tensors, or shapes of f32 in C order. */
typedef struct sc_question {
  const char *text;
  es_array *in;   /* data NULL: of a shape */
  bool *constant; /* [n] of es_options; NULL: none is */
  int64_t n;
  es_axis_size *sizes; /* ends with {NULL, 0} */
  int64_t n_sizes;
} sc_question;
bool sc_read_question(sc_args *a, sc_question *q);

/* NULL after an error. The caller releases the plan. */
es_plan *sc_plan_make(sc_session *s, sc_span where, const sc_question *q);
/* The stages of a text that letters name, as a string. in may be NULL for 't', 'a'. */
sc_value *sc_dump(sc_session *s, sc_span where, const char *text, const es_array *in, int64_t n,
                  const es_axis_size *sizes, const char *letters);

#endif
