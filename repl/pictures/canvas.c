#include "repl/pictures/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/text/palette.h"

/* ---- drawing ------------------------------------------------------------------------ */

static sc_mark *add(sc_canvas *c, sc_mark mark) {
  if (c->n == c->cap) {
    c->cap = c->cap ? 2 * c->cap : 64;
    c->mark = sc_grow(c->mark, c->cap * sizeof *c->mark);
  }
  if (mark.x1 >= c->width) c->width = mark.x1 + 1;
  if (mark.y1 >= c->height) c->height = mark.y1 + 1;
  c->mark[c->n] = mark;
  return &c->mark[c->n++];
}

static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }

void sc_draw_line(sc_canvas *c, int x0, int y0, int x1, int y1, int ink) {
  add(c, (sc_mark){SC_MARK_LINE, least(x0, x1), least(y0, y1), most(x0, x1), most(y0, y1), ink,
                   SC_LEFT, false, NULL});
}

void sc_draw_box(sc_canvas *c, int x0, int y0, int x1, int y1, int ink) {
  sc_draw_line(c, x0, y0, x1, y0, ink);
  sc_draw_line(c, x0, y1, x1, y1, ink);
  sc_draw_line(c, x0, y0, x0, y1, ink);
  sc_draw_line(c, x1, y0, x1, y1, ink);
}

void sc_draw_table(sc_canvas *c, int x, int y, int columns, int rows, int cell_width, bool ruled) {
  int right = x + columns * (cell_width + 1);
  int bottom = y + (ruled ? 2 * rows : rows + 1);
  for (int i = 1; ruled && i < rows; i++) sc_draw_line(c, x, y + 2 * i, right, y + 2 * i, SC_FAINT);
  for (int i = 0; i <= columns; i++)
    sc_draw_line(c, x + i * (cell_width + 1), y, x + i * (cell_width + 1), bottom, SC_FAINT);
  sc_draw_line(c, x, y, right, y, SC_FAINT);
  sc_draw_line(c, x, bottom, right, bottom, SC_FAINT);
}

void sc_draw_tint(sc_canvas *c, int x0, int x1, int y, bool ruled, int ink) {
  add(c, (sc_mark){SC_MARK_TINT, x0, y, x1, y, ink, SC_LEFT, ruled, NULL});
}

void sc_draw_dot(sc_canvas *c, int x, int y, int ink) {
  add(c, (sc_mark){SC_MARK_DOT, x, y, x, y, ink, SC_LEFT, false, NULL});
}

void sc_draw_text(sc_canvas *c, int x, int y, int ink, sc_align align, const char *fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  int columns = (int)sc_columns(text, strlen(text));
  int start = align == SC_LEFT ? x : align == SC_RIGHT ? x - columns + 1 : x - (columns - 1) / 2;
  char *kept = sc_copy_text(text, strlen(text));
  add(c,
      (sc_mark){SC_MARK_TEXT, start, y, start + most(columns, 1) - 1, y, ink, align, false, kept});
}

void sc_canvas_free(sc_canvas *c) {
  for (size_t i = 0; i < c->n; i++) free(c->mark[i].text);
  free(c->mark);
  *c = (sc_canvas){0};
}

/* ---- colours --------------------------------------------------------------------------- */

/* The hues of the terminal's palette, darker, for white paper. */
static const char *web(int ink) {
  static const char *const colors[SC_PALETTE_COLORS] = {"#0b6bcb", "#c4530b", "#12805c", "#b3267f",
                                                        "#8a6500", "#0b7f8c", "#b92b27", "#6a4fd0",
                                                        "#4d7c0f", "#c22368", "#7a5230", "#3c7480"};
  return ink == SC_INK ? "#1c2733" : ink == SC_FAINT ? "#6b7885" : colors[ink % SC_PALETTE_COLORS];
}

/* ---- text -------------------------------------------------------------------------------- */

enum { UP = 1, RIGHT = 2, DOWN = 4, LEFT = 8 };

static const char *const joints[] = {" ", "│", "─", "└", "│", "│", "┌", "├",
                                     "─", "┘", "─", "┴", "┐", "┤", "┬", "┼"};

typedef struct cell {
  char glyph[8]; /* "": empty; "\1": covered by the wide glyph before */
  unsigned lines;
  int ink;
} cell;

typedef struct raster {
  cell *cells; /* one more than the area: what lies outside of it */
  int width, height;
} raster;

static cell *at(const raster *r, int x, int y) {
  bool inside = x >= 0 && y >= 0 && x < r->width && y < r->height;
  return &r->cells[(size_t)(inside ? y : r->height) * (size_t)r->width + (size_t)(inside ? x : 0)];
}

static void rule(const raster *r, const sc_mark *m) {
  bool across = m->y0 == m->y1 && m->x0 != m->x1;
  int n = across ? m->x1 - m->x0 : m->y1 - m->y0;
  for (int i = 0; i <= n; i++) {
    cell *c = across ? at(r, m->x0 + i, m->y0) : at(r, m->x0, m->y0 + i);
    if (i > 0) c->lines |= across ? LEFT : UP;
    if (i < n) c->lines |= across ? RIGHT : DOWN;
    c->ink = m->ink;
  }
}

static void write_text(const raster *r, const sc_mark *m) {
  int x = m->x0;
  for (size_t i = 0, len = strlen(m->text); i < len;) {
    uint32_t code;
    int bytes = sc_utf8(m->text + i, len - i, &code);
    if (bytes == 0) break;
    int columns = (int)sc_columns(m->text + i, (size_t)bytes);
    cell *c = at(r, columns ? x : x - 1, m->y0);
    size_t used = columns ? 0 : strlen(c->glyph); /* combining: behind its letter */
    if (used + (size_t)bytes < sizeof c->glyph) {
      memcpy(c->glyph + used, m->text + i, (size_t)bytes);
      c->glyph[used + (size_t)bytes] = '\0';
      c->ink = m->ink;
    }
    if (columns == 2) strcpy(at(r, x + 1, m->y0)->glyph, "\1");
    x += columns;
    i += (size_t)bytes;
  }
}

static void put_row(sc_buffer *out, const raster *r, int y, int columns, bool color) {
  int last = r->width - 1, ink = SC_INK;
  while (last >= 0 && !at(r, last, y)->glyph[0] && !at(r, last, y)->lines) last--;
  bool cut = columns > 0 && last >= columns;
  if (cut) last = columns - 2;
  for (int x = 0; x <= last; x++) {
    const cell *c = at(r, x, y);
    if (c->glyph[0] == '\1') continue;
    bool shown = c->glyph[0] || c->lines;
    if (color && shown && c->ink != ink) {
      sc_puts(out, c->ink == SC_INK     ? "\033[0m"
                   : c->ink == SC_FAINT ? "\033[90m"
                                        : sc_palette_color(c->ink));
      ink = c->ink;
    }
    sc_puts(out, c->glyph[0] ? c->glyph : joints[c->lines]);
  }
  if (ink != SC_INK) sc_puts(out, "\033[0m");
  sc_puts(out, cut ? "⋯\n" : "\n");
}

void sc_canvas_text(sc_buffer *out, const sc_canvas *c, int columns, bool color) {
  raster r = {NULL, c->width, c->height};
  r.cells = sc_alloc(((size_t)r.width * (size_t)r.height + 1) * sizeof *r.cells);
  for (size_t i = 0; i < c->n; i++)
    if (c->mark[i].kind == SC_MARK_LINE) rule(&r, &c->mark[i]);
  for (size_t i = 0; i < c->n; i++) {
    const sc_mark *m = &c->mark[i];
    if (m->kind == SC_MARK_DOT) {
      strcpy(at(&r, m->x0, m->y0)->glyph, "●");
      at(&r, m->x0, m->y0)->ink = m->ink;
    }
    if (m->kind == SC_MARK_TEXT) write_text(&r, m);
  }
  for (int y = 0; y < r.height; y++) put_row(out, &r, y, columns, color);
  free(r.cells);
}

/* ---- SVG ---------------------------------------------------------------------------------- */

enum { CELL_HEIGHT = 18, MARGIN = 14, FONT = 14 };
/* What DejaVu Sans Mono and Menlo advance at that size. */
static const double CELL_WIDTH = 8.43;

void sc_put_xml(sc_buffer *out, const char *text) {
  for (; *text; text++) {
    if (*text == '<')
      sc_puts(out, "&lt;");
    else if (*text == '>')
      sc_puts(out, "&gt;");
    else if (*text == '&')
      sc_puts(out, "&amp;");
    else
      sc_put(out, text, 1);
  }
}

static double middle_x(int x) { return MARGIN + (x + 0.5) * CELL_WIDTH; }
static double middle_y(int y) { return MARGIN + (y + 0.5) * CELL_HEIGHT; }

static void put_text_mark(sc_buffer *out, const sc_mark *m) {
  static const char *const anchors[] = {"start", "middle", "end"};
  double x = m->align == SC_LEFT    ? MARGIN + m->x0 * CELL_WIDTH
             : m->align == SC_RIGHT ? MARGIN + (m->x1 + 1) * CELL_WIDTH
                                    : (middle_x(m->x0) + middle_x(m->x1)) / 2;
  sc_printf(out, "<text x='%.1f' y='%.1f' fill='%s' text-anchor='%s' xml:space='preserve'>", x,
            middle_y(m->y0) + FONT * 0.35, web(m->ink), anchors[m->align]);
  sc_put_xml(out, m->text);
  sc_puts(out, "</text>\n");
}

static void put_mark(sc_buffer *out, const sc_mark *m) {
  switch (m->kind) {
  case SC_MARK_TINT:
    sc_printf(
        out, "<rect x='%.1f' y='%.1f' width='%.1f' height='%d' fill='%s' fill-opacity='.14'/>\n",
        middle_x(m->x0 - 1), m->ruled ? middle_y(m->y0 - 1) : middle_y(m->y0) - CELL_HEIGHT / 2,
        (m->x1 - m->x0 + 2) * CELL_WIDTH, (m->ruled ? 2 : 1) * CELL_HEIGHT, web(m->ink));
    break;
  case SC_MARK_LINE:
    sc_printf(out,
              "<path d='M%.1f %.1fL%.1f %.1f' stroke='%s' stroke-width='%s' "
              "stroke-linecap='round'/>\n",
              middle_x(m->x0), middle_y(m->y0), middle_x(m->x1), middle_y(m->y1), web(m->ink),
              m->ink >= 0 ? "2" : "1.2");
    break;
  case SC_MARK_DOT:
    sc_printf(out, "<circle cx='%.1f' cy='%.1f' r='4.5' fill='%s'/>\n", middle_x(m->x0),
              middle_y(m->y0), web(m->ink));
    break;
  case SC_MARK_TEXT: put_text_mark(out, m); break;
  }
}

void sc_canvas_svg(sc_buffer *out, const sc_canvas *c, const char *title) {
  int width = 2 * MARGIN + (int)(c->width * CELL_WIDTH),
      height = 2 * MARGIN + c->height * CELL_HEIGHT;
  sc_printf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' "
            "font-family='DejaVu Sans Mono, Menlo, Consolas, monospace' font-size='%d'>\n<title>",
            width, height, width, height, FONT);
  sc_put_xml(out, title);
  sc_puts(out, "</title>\n<rect width='100%' height='100%' rx='6' fill='#ffffff'/>\n");
  for (sc_mark_kind kind = SC_MARK_TINT; kind <= SC_MARK_TEXT; kind++)
    for (size_t i = 0; i < c->n; i++)
      if (c->mark[i].kind == kind) put_mark(out, &c->mark[i]);
  sc_puts(out, "</svg>\n");
}
