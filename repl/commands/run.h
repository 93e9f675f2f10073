/* Texts through a session: statements out of them, values and errors to the
 * streams. */
#ifndef SC_RUN_H
#define SC_RUN_H

#include "repl/commands/runner.h"

/* Statements and commands. False after an error, unless keep_going. */
bool sc_run(sc_runner *r, const sc_source *source);
/* Runs a text that a command makes: before, the first len bytes of its rest, after. An error in the
 * rest is shown where it was typed. */
bool sc_run_around(sc_runner *r, const sc_source *command, const char *before, size_t len,
                   const char *after);

#endif
