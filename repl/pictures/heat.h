/* Numbers as colours: panels of the last two axes, one for each place on the axes before. */
#ifndef SC_HEAT_H
#define SC_HEAT_H

#include "repl/language/session.h"

typedef struct sc_rgb {
  unsigned char r, g, b;
} sc_rgb;

typedef struct sc_heat {
  es_dtype dtype;
  int64_t height, width; /* of a panel as drawn */
  int64_t panels, all_panels;
  int64_t rows, columns; /* of the tensor; each cell is the mean of what it covers */
  int leading;           /* axes before the last two, and their sizes */
  int64_t shape[ES_MAX_RANK];
  const char *axes; /* names of the tensor's axes, a tab between; NULL. Borrowed */
  double *cell;     /* [panels][height][width] */
  double low, high; /* of the finite elements; low > high: there are none */
  bool diverging;   /* both signs: white is 0 */
  int64_t n_nan, n_inf, n_minus_inf;
} sc_heat;

/* At most most_panels panels of at most height by width cells. False after an error. */
bool sc_heat_make(sc_session *s, sc_span where, es_tensor *t, int64_t most_panels, int64_t height,
                  int64_t width, sc_heat *heat);
void sc_heat_free(sc_heat *heat);
sc_rgb sc_heat_color(const sc_heat *heat, double v);
/* Place of a finite value on the scale, 0 to 1. */
double sc_heat_place(const sc_heat *heat, double v);
/* Four digits, whole numbers in full. */
void sc_heat_number(double v, char text[32]);
/* "[1, 0]", "[b 1, c 0]" where axes have names, the place of a panel; "" when it is the only one.
 */
void sc_heat_title(const sc_heat *heat, int64_t panel, char *text, size_t cap);

/* For a terminal of so many columns and colours: 0 draws with characters, 256 with those
 * of its palette, more with colours as they are. */
void sc_heat_text(sc_buffer *out, const sc_heat *heat, int columns, int colors);
void sc_heat_svg(sc_buffer *out, const sc_heat *heat, const char *title);
/* u8 (h, w, 3), about side pixels long. NULL: the engine's error. */
es_tensor *sc_heat_picture(es_ctx *es, const sc_heat *heat, int side);

#endif
