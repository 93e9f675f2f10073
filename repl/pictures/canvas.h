/* Drawings in character cells, written as text for a terminal or as SVG. One layout serves
 * both: a line runs through the middles of cells, and lines that meet in a cell join. */
#ifndef SC_CANVAS_H
#define SC_CANVAS_H

#include "repl/text/buffer.h"

/* Colours: 0, 1, … are places of the palette of labels. */
enum { SC_INK = -1, SC_FAINT = -2 };

typedef enum sc_align { SC_LEFT, SC_CENTRE, SC_RIGHT } sc_align;

typedef enum sc_mark_kind { SC_MARK_TINT, SC_MARK_LINE, SC_MARK_DOT, SC_MARK_TEXT } sc_mark_kind;

/* The last cell belongs to a mark. */
typedef struct sc_mark {
  sc_mark_kind kind;
  int x0, y0, x1, y1;
  int ink;
  sc_align align;
  bool ruled; /* TINT: up to the rulings above and below */
  char *text;
} sc_mark;

typedef struct sc_canvas {
  sc_mark *mark;
  size_t n, cap;
  int width, height; /* cells */
} sc_canvas;

/* Horizontal or vertical. */
void sc_draw_line(sc_canvas *c, int x0, int y0, int x1, int y1, int ink);
void sc_draw_box(sc_canvas *c, int x0, int y0, int x1, int y1, int ink);
/* A table: columns of cell_width cells between rulings; rows one cell high, between rulings
 * too where ruled. */
void sc_draw_table(sc_canvas *c, int x, int y, int columns, int rows, int cell_width, bool ruled);
/* A coloured ground behind the text of a table's cell; a terminal shows none. */
void sc_draw_tint(sc_canvas *c, int x0, int x1, int y, bool ruled, int ink);
void sc_draw_dot(sc_canvas *c, int x, int y, int ink);
void sc_draw_text(sc_canvas *c, int x, int y, int ink, sc_align align, const char *fmt, ...)
    ES_PRINTF(6, 7);

/* No line is longer than columns; what is cut ends in ⋯. 0: no limit. */
void sc_canvas_text(sc_buffer *out, const sc_canvas *c, int columns, bool color);
void sc_canvas_svg(sc_buffer *out, const sc_canvas *c, const char *title);
void sc_canvas_free(sc_canvas *c);

/* Text with what XML asks to be written otherwise. */
void sc_put_xml(sc_buffer *out, const char *text);

#endif
