/* The colours of a line while it is typed. */
#ifndef SC_HIGHLIGHT_H
#define SC_HIGHLIGHT_H

#include "repl/terminal/scan.h"
#include "repl/text/palette.h"

/* Is the string token a pattern? Then how it is read. */
bool sc_is_pattern(const sc_scan *s, const char *text, int token, es_kind *kind,
                   es_reading *reading);
/* Fills style[len] (repl/terminal/screen.h). point: the cursor, whose bracket's partner shows. */
void sc_highlight(const sc_palette *p, const char *text, size_t len, size_t point,
                  unsigned char *style);

#endif
