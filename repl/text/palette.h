/* One colour a label, the same wherever it stands: in what is typed, in all operands
 * of a pattern, in the head of a printed tensor. */
#ifndef SC_PALETTE_H
#define SC_PALETTE_H

#include "repl/text/buffer.h"

typedef struct sc_palette {
  char (*name)[ES_MAX_NAME + 1]; /* in the order they came */
  int n, cap;
} sc_palette;

/* The place of a label in the palette, n for one that is not there. */
int sc_palette_find(const sc_palette *p, const char *name, size_t len);
/* Keeps the labels of a text that was run. */
void sc_palette_keep(sc_palette *p, const char *text, size_t len);
void sc_palette_free(sc_palette *p);
enum { SC_PALETTE_COLORS = 12 }; /* that can be told apart */
/* The escape sequence of a place; the 13th label has the colour of the first. */
const char *sc_palette_color(int place);

/* Writes a label, or the labels of a group, each in its colour; NULL: plain. */
void sc_put_label(sc_buffer *out, const sc_palette *p, const char *name, size_t len);

/* The names of the axes of a pattern's one output, a tab between, empty for axes without
 * one; NULL when the text is no pattern or writes no output. The caller frees it. */
char *sc_output_axes(es_ctx *es, es_kind kind, const char *text, size_t len, es_reading reading,
                     int rank);
/* The same for a layer: an affine axis has none. */
char *sc_layer_axes(es_ctx *es, const char *expression, int rank);

#endif
