/* The terminal behind standard output: how large, how many colours. */
#ifndef SC_TERMINAL_H
#define SC_TERMINAL_H

/* Of the terminal now; else what COLUMNS and LINES say; else 80 and 24. */
int sc_terminal_columns(void);
int sc_terminal_rows(void);
/* 256, or all of them where COLORTERM says so. */
int sc_terminal_colors(void);

#endif
