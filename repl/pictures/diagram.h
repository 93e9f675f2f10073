/* Pictures of an expression on a canvas: the network of its operands, index cards, and how
 * a window walks. */
#ifndef SC_DIAGRAM_H
#define SC_DIAGRAM_H

#include "einstride.h"
#include "repl/pictures/canvas.h"
#include "repl/text/palette.h"

typedef struct sc_drawing {
  sc_canvas canvas;
  int *ink;         /* of each label */
  const char *text; /* of the pattern */
  const es_outline *outline;
  int row;     /* the next free row */
  int columns; /* of the terminal; 0: no limit */
} sc_drawing;

/* Operands as boxes, labels as lines between them, the labels of the result as open ends; where
 * they are too wide a table, where they are many a list. */
void sc_draw_network(sc_drawing *d);
/* Which element of an input lands where in an output. All sizes must be known and small. */
bool sc_card_possible(const es_outline *o); /* one input and one output, or parts of one by ^ */
void sc_draw_card(sc_drawing *d);
/* One picture for each index with a window, (2*h+kh-1)?0. */
void sc_draw_windows(sc_drawing *d);

/* The labels of a window: the one that walks and the one that counts taps. */
typedef struct sc_window {
  const es_outline_axis *axis;
  int operand; /* -1: of the output */
  int place;   /* of the axis */
  int walker, tap;
} sc_window;
/* Window number index of the outline; false: there are no more. */
bool sc_window_at(const es_outline *o, int index, sc_window *window);

/* Colours of the labels: those of a session, so that they agree with what was typed; NULL: in
 * their order. */
void sc_ink_labels(int *ink, const es_outline *o, const sc_palette *palette);
/* "h", "…", "…1" */
const char *sc_label_name(const es_outline *o, int label, char name[ES_MAX_NAME + 8]);
/* "h 56", "h" where the size is not known; returns its columns. */
int sc_label_text(const es_outline *o, int label, char text[ES_MAX_NAME + 32]);
bool sc_axis_holds(const es_outline_axis *axis, int label);
bool sc_term_holds(const es_outline_term *term, int label);
/* A piece of the pattern's text, names in the colours of their labels; returns its columns. */
int sc_draw_pattern(sc_drawing *d, int x, int y, int64_t offset, int64_t length);
/* A sentence from column x on, broken between words at the width; the row moves below it. */
void sc_draw_words(sc_drawing *d, int x, int ink, const char *text);
/* Writes "2×3×8", with ? for what is not known; "scalar". */
void sc_shape_text(const es_outline_term *term, char *text, size_t cap);

#endif
