/* Pasted text: cells and transcripts of other programs lose their prompts. */
#ifndef SC_PASTE_H
#define SC_PASTE_H

#include "repl/text/buffer.h"

/* Appends what of text is input: without "In [3]:", ">>>", "...", without the output
 * between them, line ends as '\n', no control bytes, no blank lines at its end. */
void sc_paste_clean(const char *text, size_t len, sc_buffer *out);

#endif
