/* The table of commands, which .help prints and completion reads. */
#ifndef SC_TABLE_H
#define SC_TABLE_H

#include "repl/commands/runner.h"

/* Ended by a row without a name. */
extern const sc_command sc_all_commands[];

#endif
