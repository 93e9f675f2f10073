/* Where scripts come from: files and standard input. */
#ifndef SC_INPUT_H
#define SC_INPUT_H

#include "repl/commands/runner.h"

#define SC_MAX_FILE (64 << 20) /* bytes of a script */

/* Runs a whole file. False after an error. */
bool sc_run_file(sc_runner *r, const char *path);
/* Runs standard input statement by statement as lines arrive. */
bool sc_run_stream(sc_runner *r, FILE *in);

#endif
