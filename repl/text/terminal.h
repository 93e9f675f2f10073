/* The terminal behind standard output: how large, how many colours. */
#ifndef SC_TERMINAL_H
#define SC_TERMINAL_H

#include <stdbool.h>

/* Of the terminal now; false: standard output is none. */
bool sc_terminal_size(int *columns, int *rows);
/* The same; else what COLUMNS and LINES say; else 80 and 24. */
int sc_terminal_columns(void);
int sc_terminal_rows(void);
/* 256, or all of them where COLORTERM says so. */
int sc_terminal_colors(void);

#endif
