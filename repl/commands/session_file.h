/* Sessions as files: a .npz archive of the tensors, which NumPy reads too, with one
 * entry of text that makes the other variables. */
#ifndef SC_SESSION_FILE_H
#define SC_SESSION_FILE_H

#include "repl/commands/runner.h"

/* False after an error, which was reported. */
bool sc_session_save(sc_runner *r, const sc_source *source, const char *path);
/* A saved session, any other archive, whose arrays become variables, or a script. */
bool sc_session_load(sc_runner *r, const sc_source *source, const char *path);

#endif
