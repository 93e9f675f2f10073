/* The input of the prompt on a terminal: rows of text with colours, a hint behind them,
 * redrawn row by row where they changed. Long lines wrap as the terminal itself would
 * wrap them, so that they are copied and resized as one line. */
#ifndef SC_SCREEN_H
#define SC_SCREEN_H

#include "repl/text/buffer.h"

/* Of each byte of the text; labels from SC_STYLE_LABEL on, by their colour. */
enum {
  SC_STYLE_PLAIN,
  SC_STYLE_STRING,
  SC_STYLE_COMMENT,
  SC_STYLE_LABEL,
  SC_STYLE_PARTNER = 128 /* a flag: the other half of the bracket at the cursor */
};

typedef struct sc_screen_row {
  sc_buffer text; /* with its escape sequences */
  int columns;
  bool soft; /* goes on in the next row */
} sc_screen_row;

typedef struct sc_screen {
  int width, height;  /* of the terminal */
  sc_screen_row *row; /* as they stand on it, from the prompt's */
  int n, cap;
  int cursor, column; /* where the terminal's cursor is */
  int first;          /* the first row shown, when there are more than the terminal has */
  bool redraw;        /* the rows are not what they were: the width changed */
} sc_screen;

typedef struct sc_screen_view {
  const char *prompt, *more; /* before the first line and the others */
  const char *text;
  size_t len, point;          /* of the cursor, in bytes */
  const unsigned char *style; /* [len] */
  const char *hint;           /* one line; "" for none */
  bool error;                 /* the hint is one */
  bool color;
} sc_screen_view;

/* Writes to out what brings the terminal from the last view to this one. */
void sc_screen_draw(sc_screen *s, const sc_screen_view *view, sc_buffer *out);
/* The cursor to a new line below all rows, which are no longer the screen's. */
void sc_screen_leave(sc_screen *s, sc_buffer *out);
/* What was drawn is gone: the cursor is at the start of an empty row. */
void sc_screen_forget(sc_screen *s);
/* The terminal has another size. */
void sc_screen_resize(sc_screen *s, int width, int height);
void sc_screen_free(sc_screen *s);

#endif
