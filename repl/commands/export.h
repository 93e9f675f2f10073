/* A session as a C program over the public headers. */
#ifndef SC_EXPORT_H
#define SC_EXPORT_H

#include "repl/commands/runner.h"

/* '.export c [FILE]', rest from 'c' on. False when a statement has no C form; it stands
 * in the program as a comment that says why. */
bool sc_export(sc_runner *r, const sc_source *source, char *rest);

#endif
