/* Runs statements. */
#ifndef SC_EVAL_H
#define SC_EVAL_H

#include "repl/language/session.h"

/* What a statement left behind. value is NULL for assignments and imports; it
 * lives until sc_statement_end. */
typedef struct sc_outcome {
  sc_value *value;
  bool silent; /* ended by ';' */
} sc_outcome;

/* False after an error: session->fault. Call between sc_statement_begin and _end. */
bool sc_run_statement(sc_session *s, const sc_node *statement, sc_outcome *out);
sc_value *sc_eval(sc_session *s, const sc_node *node);

#endif
