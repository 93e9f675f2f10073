/* NumPy's array2string, with what PyTorch and NumPy 1.13 do differently. */
#include "repl/print/print_elements.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/print/fit.h"
#include "repl/text/number.h"

enum { DECIMALS = 8 };

typedef struct grid {
  const sc_style *style;
  int rank;
  int64_t shape[ES_MAX_RANK]; /* of what is shown */
  int64_t gap[ES_MAX_RANK];   /* so many entries, a gap, the others; -1: no gap */
  es_dtype dtype;
  int64_t count;
  double *floats; /* pairs for complex types */
  int64_t *ints;
  char **cells;
} grid;

/* ---- the elements shown --------------------------------------------------------- */

/* The entries that fit. Copies little: the first axis cut is the first. NULL when the engine
 * fails. */
static es_tensor *shown(const sc_session *s, es_tensor *t, const sc_fit *f, grid *g) {
  for (int axis = 0; axis < g->rank && t; axis++) {
    int64_t n = es_shape(t)[axis], head = g->gap[axis] = sc_fit_gap(f, axis);
    if (head < 0) continue;
    es_tensor *first = es_slice(s->es, t, axis, 0, head, 1);
    es_tensor *last = first ? es_slice(s->es, t, axis, n - (f->shown[axis] - head), ES_ALL, 1)
                            : NULL;
    t = last ? es_concat(s->es, ES_IN(first, last), axis) : NULL;
  }
  return t;
}

static bool read_elements(const sc_session *s, es_tensor *t, grid *g) {
  bool complex = g->dtype >= ES_C64;
  uint64_t n = (uint64_t)g->count;
  if (g->dtype <= ES_I64) {
    g->ints = sc_alloc(n * sizeof *g->ints);
    return es_read(s->es, t, ES_I64, g->ints, g->count) == ES_OK;
  }
  g->floats = sc_alloc(n * (complex ? 2 : 1) * sizeof *g->floats);
  return es_read(s->es, t, complex ? ES_C128 : ES_F64, g->floats, g->count) == ES_OK;
}

/* ---- cells ------------------------------------------------------------------------ */

typedef struct columns {
  bool scientific;
  int left, right; /* before and after the point */
} columns;

/* Fraction digits of v written without exponent, at most DECIMALS. */
static int fraction_digits(double v, es_dtype dtype) {
  int exponent, digits = sc_number_digits(v, dtype, &exponent);
  int n = digits - 1 - exponent;
  if (n <= DECIMALS) return n < 0 ? 0 : n;
  char text[SC_NUMBER_BYTES];
  int len = snprintf(text, sizeof text, "%.*f", DECIMALS, v);
  for (n = DECIMALS; n > 0 && text[--len] == '0';) n--;
  return n;
}

static int scientific_digits(double v, es_dtype dtype) {
  int exponent, digits = sc_number_digits(v, dtype, &exponent);
  return digits - 1 > DECIMALS ? DECIMALS : digits - 1;
}

static columns measure(const grid *g, const double *values, int64_t n) {
  columns c = {0};
  double largest = 0, smallest = INFINITY;
  bool whole = true, special = false;
  for (int64_t i = 0; i < n; i++) {
    double v = fabs(values[i]);
    special |= !isfinite(v);
    if (!isfinite(v) || v == 0) continue;
    largest = fmax(largest, v);
    smallest = fmin(smallest, v);
    whole &= v == ceil(v);
  }
  if (largest > 0)
    c.scientific = g->style->fixed && whole
                       ? largest / smallest > 1000 || largest > 1e8
                       : largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000;
  for (int64_t i = 0; i < n; i++) {
    char text[SC_NUMBER_BYTES];
    if (!isfinite(values[i])) continue;
    int right = c.scientific ? scientific_digits(values[i], g->dtype)
                             : fraction_digits(values[i], g->dtype);
    if (right > c.right) c.right = right;
    int left = snprintf(text, sizeof text, c.scientific ? "%.*e" : "%.*f", right, values[i]);
    left = (int)strcspn(text, ".e");
    if (g->style->legacy) left = 1 + left - (text[0] == '-');
    if (left > c.left) c.left = left;
  }
  if (g->style->fixed) c.right = whole && !c.scientific ? 0 : 4;
  int room = c.left + 1 + c.right; /* "nan", "-inf" */
  if (special && room < 4) c.left += 4 - room;
  return c;
}

static void put_float(sc_buffer *b, const columns *c, const grid *g, double v) {
  char text[SC_NUMBER_BYTES];
  if (!isfinite(v)) {
    snprintf(text, sizeof text, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
    sc_printf(b, "%*s", c->left + 1 + c->right, text);
    return;
  }
  int right = c->scientific || g->style->fixed ? c->right : fraction_digits(v, g->dtype);
  snprintf(text, sizeof text, c->scientific ? "%.*e" : "%.*f", right, v);
  int left = (int)strcspn(text, ".e");
  if (left < c->left) sc_fill(b, ' ', (size_t)(c->left - left));
  if (strchr(text, '.')) {
    sc_puts(b, text);
  } else { /* "3" is shown as "3." */
    sc_put(b, text, (size_t)left);
    sc_puts(b, ".");
    sc_puts(b, text + left);
  }
  if (!c->scientific) sc_fill(b, ' ', (size_t)(c->right - right));
}

static void fill_floats(grid *g) {
  columns c = measure(g, g->floats, g->count);
  for (int64_t i = 0; i < g->count; i++) {
    sc_buffer b = {0};
    put_float(&b, &c, g, g->floats[i]);
    g->cells[i] = b.bytes;
  }
}

static void fill_complex(grid *g) {
  double *parts[2] = {sc_alloc((uint64_t)g->count * sizeof(double)),
                      sc_alloc((uint64_t)g->count * sizeof(double))};
  for (int64_t i = 0; i < 2 * g->count; i++) parts[i % 2][i / 2] = g->floats[i];
  columns real = measure(g, parts[0], g->count), imag = measure(g, parts[1], g->count);
  imag.left = 1;
  for (int64_t i = 0; i < g->count; i++) {
    sc_buffer b = {0};
    put_float(&b, &real, g, parts[0][i]);
    if (!signbit(parts[1][i])) sc_puts(&b, "+");
    put_float(&b, &imag, g, parts[1][i]);
    sc_puts(&b, "j");
    g->cells[i] = b.bytes;
  }
  free(parts[0]);
  free(parts[1]);
}

static void fill_ints(grid *g) {
  int width = 0;
  for (int64_t i = 0; i < g->count; i++) {
    char text[32];
    int n = g->dtype == ES_BOOL ? g->ints[i] ? 4 : 5
                                : snprintf(text, sizeof text, "%lld", (long long)g->ints[i]);
    if (n > width) width = n;
  }
  for (int64_t i = 0; i < g->count; i++) {
    sc_buffer b = {0};
    if (g->dtype == ES_BOOL)
      sc_printf(&b, "%*s", width, g->ints[i] ? "True" : "False");
    else
      sc_printf(&b, "%*lld", width, (long long)g->ints[i]);
    g->cells[i] = b.bytes;
  }
}

/* ---- lines --------------------------------------------------------------------------- */

typedef struct layout {
  const grid *g;
  sc_buffer *out;
  size_t width;
  int64_t next; /* cell */
} layout;

static void put_word(layout *l, size_t *line, const char *word, size_t indent, bool last) {
  size_t len = sc_columns(word, strlen(word));
  if (*line > indent && *line + len + 1 > l->width) {
    sc_buffer *b = l->out;
    while (b->len && b->bytes[b->len - 1] == ' ') b->len--;
    sc_puts(b, "\n");
    sc_fill(b, ' ', indent);
    *line = indent;
  }
  sc_puts(l->out, word);
  const char *separator = last ? "" : l->g->style->comma ? ", " : " ";
  sc_puts(l->out, separator);
  *line += len + strlen(separator);
}

static void put_row(layout *l, size_t indent) {
  const grid *g = l->g;
  int64_t n = g->shape[g->rank - 1];
  size_t line = indent;
  for (int64_t i = 0; i < n; i++) {
    if (i == g->gap[g->rank - 1]) put_word(l, &line, g->style->gap, indent, false);
    put_word(l, &line, g->cells[l->next++], indent, i + 1 == n);
  }
}

/* Recursion over axes: at most ES_MAX_RANK. */
static void put_axis(layout *l, int axis, size_t indent) {
  const grid *g = l->g;
  sc_puts(l->out, "[");
  if (axis == g->rank - 1) {
    put_row(l, indent + 1);
  } else {
    for (int64_t i = 0; i < g->shape[axis]; i++) {
      bool gap = i == g->gap[axis];
      for (int part = gap ? 0 : 1; part < 2; part++) {
        if (i || part == 0) {
          sc_puts(l->out, g->style->comma ? "," : "");
          sc_fill(l->out, '\n', (size_t)(g->rank - 1 - axis));
          sc_fill(l->out, ' ', indent + 1);
        }
        if (part)
          put_axis(l, axis + 1, indent + 1);
        else
          sc_puts(l->out, g->style->gap);
      }
    }
  }
  sc_puts(l->out, "]");
}

/* Reads and formats the entries that fit. False after an error of the engine. */
static bool fill(const sc_session *s, es_tensor *t, const sc_fit *f, grid *g) {
  t = shown(s, t, f, g);
  if (!t) return false;
  memcpy(g->shape, es_shape(t), (size_t)g->rank * sizeof *g->shape);
  g->count = es_size(t);
  if (!read_elements(s, t, g)) return false;
  g->cells = sc_alloc((uint64_t)g->count * sizeof *g->cells);
  if (g->dtype >= ES_C64)
    fill_complex(g);
  else if (g->dtype <= ES_I64)
    fill_ints(g);
  else
    fill_floats(g);
  return true;
}

static void empty(grid *g) {
  for (int64_t i = 0; g->cells && i < g->count; i++) free(g->cells[i]);
  free(g->cells);
  free(g->ints);
  free(g->floats);
  g->cells = NULL;
  g->ints = NULL;
  g->floats = NULL;
}

static int64_t widest(const grid *g) {
  size_t most = 1;
  for (int64_t i = 0; i < g->count; i++) {
    size_t cell = sc_columns(g->cells[i], strlen(g->cells[i]));
    if (cell > most) most = cell;
  }
  return (int64_t)most;
}

/* Fewer cells may be wider ones: 0.125 instead of 1.2e-01. So a few rounds may be needed. */
static bool fill_terminal(const sc_session *s, es_tensor *t, sc_fit *f, grid *g, size_t indent) {
  enum { ROUNDS = 4 };
  int64_t lines = (int64_t)s->height, separator = g->style->comma ? 2 : 1;
  int64_t room = (int64_t)s->width - (int64_t)indent - 2 * g->rank + separator;
  sc_fit_lines(f, lines, room);
  bool ok = fill(s, t, f, g);
  for (int i = 0; i < ROUNDS && ok && sc_fit_columns(f, lines, room, widest(g) + separator); i++) {
    empty(g);
    ok = fill(s, t, f, g);
  }
  return ok;
}

void sc_print_elements(sc_buffer *out, const sc_session *s, es_tensor *t, const sc_style *style,
                       size_t indent) {
  grid g = {.style = style, .rank = es_rank(t), .dtype = es_dtype_of(t)};
  sc_fit fit = {.rank = g.rank, .shape = es_shape(t)};
  if (es_size(t) && !s->height) sc_fit_numpy(&fit);
  if (!es_size(t)) {
    sc_puts(out, "[]");
  } else if (!(s->height ? fill_terminal(s, t, &fit, &g, indent) : fill(s, t, &fit, &g))) {
    sc_puts(out, "(the elements cannot be read)");
    es_clear_error(s->es);
  } else {
    layout l = {&g, out, s->width, 0};
    if (g.rank)
      put_axis(&l, 0, indent);
    else
      sc_puts(out, g.cells[0] + strspn(g.cells[0], " "));
  }
  empty(&g);
}
