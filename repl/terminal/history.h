/* What was typed before, one entry a statement, in the user's folder of states. */
#ifndef SC_HISTORY_H
#define SC_HISTORY_H

#include "repl/text/buffer.h"

/* $XDG_STATE_HOME/einstride/history, or below ~/.local/state; its folders are made.
 * NULL without a home. The caller frees it. */
char *sc_history_path(void);
/* Calls add for each entry of the file, oldest first; a long file is cut. */
void sc_history_read(const char *path, void (*add)(const char *entry));
/* Appends an entry; the file is for its owner alone. Failures are silent. */
void sc_history_append(const char *path, const char *entry);

#endif
