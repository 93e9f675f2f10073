/* Every function there is, for a session to be told. */
#ifndef SC_ALL_H
#define SC_ALL_H

#include "repl/language/functions.h"

/* All of them, ended by NULL. */
extern const sc_function *const sc_all_functions[];

#endif
