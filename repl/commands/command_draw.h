/* .diagram, .show, .explain: functions of the language, with options for files. */
#ifndef SC_COMMAND_DRAW_H
#define SC_COMMAND_DRAW_H

#include "repl/commands/runner.h"

bool sc_command_diagram(sc_runner *r, const sc_source *source, char *rest);
bool sc_command_show(sc_runner *r, const sc_source *source, char *rest);
bool sc_command_explain(sc_runner *r, const sc_source *source, char *rest);

#endif
