/* Running a command by its name. */
#ifndef SC_COMMAND_H
#define SC_COMMAND_H

#include "repl/commands/runner.h"

/* '.command' or '?name' at a place of the text. False after an error. */
bool sc_run_command(sc_runner *r, const sc_source *source, sc_span where);

#endif
