/* Editing on a terminal: GNU readline's keys and buffers, this program's screen. */
#ifndef SC_EDITOR_H
#define SC_EDITOR_H

#include "repl/commands/runner.h"

/* False: the terminal cannot be drawn on, or the program was built without readline. */
bool sc_editor_open(sc_runner *r);
/* One statement, or several that were pasted, without the last line's end. False at
 * the end of input. */
bool sc_editor_read(sc_buffer *text);
void sc_editor_close(void);

#endif
