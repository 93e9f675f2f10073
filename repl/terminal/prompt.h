/* Statements that are typed. */
#ifndef SC_PROMPT_H
#define SC_PROMPT_H

#include "repl/commands/runner.h"

/* The prompt, until the end of input or .quit. */
void sc_run_prompt(sc_runner *r);

#endif
