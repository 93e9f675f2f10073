/* What standard output is: how wide, and whether colours are wanted there. */
#ifndef SC_TERMINAL_H
#define SC_TERMINAL_H

#include <stdbool.h>

/* Of the terminal now; else what COLUMNS and LINES say; else 80 and 24. */
int sc_terminal_columns(void);
int sc_terminal_rows(void);
/* A terminal that is not dumb, and NO_COLOR is not set. */
bool sc_terminal_color(void);
/* 256, or all of them where COLORTERM says so. */
int sc_terminal_colors(void);

#endif
