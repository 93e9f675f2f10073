/* ?name: of the tables of functions, layers and commands, and of the texts of repl/help/. */
#ifndef SC_HELP_H
#define SC_HELP_H

#include "repl/commands/runner.h"

/* Prints what there is about a name, a symbol, a .command or a topic. False after an error. */
bool sc_describe(sc_runner *r, const sc_source *source, const char *name);
/* '.help', '.help name', '.functions'. */
bool sc_command_help(sc_runner *r, const sc_source *source, char *rest);
bool sc_command_functions(sc_runner *r, const sc_source *source, char *rest);

#endif
