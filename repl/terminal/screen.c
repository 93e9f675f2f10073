#include "repl/terminal/screen.h"

#include <stdlib.h>
#include <string.h>

#include "repl/text/palette.h"

/* ---- rows -------------------------------------------------------------------------- */

typedef struct composer {
  sc_screen_row *row;
  int n, cap;
  int width, column;
  unsigned char style; /* that is on */
  bool color;
  int cursor_row, cursor_column;
} composer;

static sc_buffer *now(composer *c) { return &c->row[c->n - 1].text; }

static void new_row(composer *c) {
  if (c->n == c->cap) {
    int cap = c->cap ? 2 * c->cap : 8;
    c->row = sc_grow(c->row, (size_t)cap * sizeof *c->row);
    memset(c->row + c->cap, 0, (size_t)(cap - c->cap) * sizeof *c->row);
    c->cap = cap;
  }
  c->row[c->n].text.len = 0;
  c->row[c->n].columns = 0;
  c->row[c->n++].soft = false;
  c->column = 0;
}

static void set_style(composer *c, unsigned char style) {
  if (style == c->style) return;
  int kind = style & ~SC_STYLE_PARTNER;
  if (c->style != SC_STYLE_PLAIN) sc_puts(now(c), "\033[0m");
  if (style & SC_STYLE_PARTNER) sc_puts(now(c), "\033[1;4m");
  if (kind == SC_STYLE_COMMENT) sc_puts(now(c), c->color ? "\033[90m" : "\033[2m");
  if (kind == SC_STYLE_STRING && c->color) sc_puts(now(c), "\033[32m");
  if (kind >= SC_STYLE_LABEL && c->color) sc_puts(now(c), sc_palette_color(kind - SC_STYLE_LABEL));
  c->style = style;
}

static void end_row(composer *c, bool soft) {
  set_style(c, SC_STYLE_PLAIN);
  c->row[c->n - 1].columns = c->column;
  c->row[c->n - 1].soft = soft;
  new_row(c);
}

static void put_character(composer *c, const char *bytes, size_t n, unsigned char style) {
  char control[2] = {'^', (char)(*bytes ^ 0x40)};
  bool upper = n == 2 && *bytes == '\xc2' && (unsigned char)bytes[1] < 0xa0; /* U+0080 … */
  if (*bytes == '\t')
    bytes = " ";
  else if ((unsigned char)*bytes < 0x20 || *bytes == 0x7f)
    bytes = control, n = 2;
  else if (upper || (n == 1 && (unsigned char)*bytes >= 0x80))
    bytes = "?", n = 1;
  int width = (int)sc_columns(bytes, n);
  if (c->column + width > c->width) end_row(c, true);
  set_style(c, style);
  sc_put(now(c), bytes, n);
  c->column += width;
}

static size_t character(const char *text, size_t len) {
  uint32_t code;
  int n = sc_utf8(text, len, &code);
  return n ? (size_t)n : 1;
}

static void put_plain(composer *c, const char *text, unsigned char style) {
  size_t len = strlen(text);
  for (size_t i = 0, n; i < len; i += n) {
    n = character(text + i, len - i);
    if (text[i] != 1 && text[i] != 2) put_character(c, text + i, n, style); /* readline's marks */
  }
}

static void put_cursor(composer *c) {
  if (c->column == c->width) end_row(c, true);
  c->cursor_row = c->n - 1;
  c->cursor_column = c->column;
}

static void put_text(composer *c, const sc_screen_view *v) {
  for (size_t i = 0, n; i < v->len; i += n) {
    n = character(v->text + i, v->len - i);
    if (i == v->point && c->column + (int)sc_columns(v->text + i, n) > c->width) end_row(c, true);
    if (i == v->point) put_cursor(c);
    if (v->text[i] == '\n') {
      end_row(c, false);
      put_plain(c, v->more, SC_STYLE_COMMENT);
    } else {
      put_character(c, v->text + i, n, v->style[i]);
    }
  }
  if (v->point >= v->len) put_cursor(c);
}

/* Behind the text where it fits, else in a row of its own, cut at the edge. */
static void put_hint(composer *c, const sc_screen_view *v) {
  enum { GAP = 3 };
  size_t len = strlen(v->hint), columns = sc_columns(v->hint, len);
  if (!len) return;
  if ((size_t)(c->column + GAP) + columns < (size_t)c->width)
    put_plain(c, "   ", SC_STYLE_PLAIN);
  else
    end_row(c, false);
  set_style(c, SC_STYLE_COMMENT);
  if (v->error && v->color) sc_puts(now(c), "\033[31;2m");
  for (size_t i = 0, n; i < len; i += n) {
    n = character(v->hint + i, len - i);
    if (c->column + 2 + (int)sc_columns(v->hint + i, n) > c->width && i + n < len) {
      put_character(c, "…", strlen("…"), SC_STYLE_COMMENT);
      break;
    }
    put_character(c, v->hint + i, n, SC_STYLE_COMMENT);
  }
  set_style(c, SC_STYLE_PLAIN);
}

static composer compose(const sc_screen *s, const sc_screen_view *v) {
  composer c = {.width = s->width, .color = v->color};
  new_row(&c);
  put_plain(&c, v->prompt, SC_STYLE_PLAIN);
  put_text(&c, v);
  put_hint(&c, v);
  set_style(&c, SC_STYLE_PLAIN);
  c.row[c.n - 1].columns = c.column;
  return c;
}

/* ---- the terminal --------------------------------------------------------------------- */

static void move_rows(sc_buffer *out, int from, int to) {
  if (to < from) sc_printf(out, "\033[%dA", from - to);
  if (to > from) sc_printf(out, "\033[%dB", to - from);
  sc_puts(out, "\r");
}

static bool same_row(const sc_screen_row *a, const sc_screen_row *b) {
  return a->soft == b->soft && a->text.len == b->text.len &&
         !memcmp(sc_text(&a->text), sc_text(&b->text), a->text.len);
}

static void free_rows(sc_screen_row *row, int cap) {
  for (int i = 0; i < cap; i++) sc_buffer_free(&row[i].text);
  free(row);
}

/* The rows that fit: those around the cursor. */
static int choose_first(const sc_screen *s, const composer *c) {
  int first = s->first;
  if (c->n <= s->height) return 0;
  if (c->cursor_row < first) first = c->cursor_row;
  if (c->cursor_row >= first + s->height) first = c->cursor_row - s->height + 1;
  return first > c->n - s->height ? c->n - s->height : first;
}

/* Writes a row from its start, and moves to the start of the next unless it is the last
 * one. A row that goes on is wrapped by the terminal: a blank beyond its end does it. A
 * full row is not cleared behind its end, where the cursor still stands on its last
 * character; and one that goes on another (continues) not from its start, since a
 * terminal would take it for a line of its own. */
static void write_row(sc_buffer *out, const sc_screen_row *row, int width, bool continues,
                      bool last) {
  sc_put(out, sc_text(&row->text), row->text.len);
  if (!row->columns && continues) sc_puts(out, " ");
  if (row->columns < width) sc_puts(out, "\033[K");
  if (!last) sc_puts(out, row->soft ? " \r" : "\r\n");
}

void sc_screen_draw(sc_screen *s, const sc_screen_view *view, sc_buffer *out) {
  composer c = compose(s, view);
  int first = choose_first(s, &c), shown = c.n - first < s->height ? c.n - first : s->height;
  int before = s->n - s->first < s->height ? s->n - s->first : s->height;
  bool all = first != s->first || s->redraw, touched = false;
  sc_puts(out, "\033[?25l");
  move_rows(out, s->cursor - s->first, 0);
  for (int i = 0; i < shown; i++) {
    const sc_screen_row *row = &c.row[first + i];
    bool last = i == shown - 1;
    bool same = !all && !touched && i < before && same_row(row, &s->row[first + i]);
    if (!same)
      write_row(out, row, c.width, first + i > 0 && row[-1].soft, last);
    else if (!last)
      sc_puts(out, i + 1 < before ? "\033[B\r" : "\r\n");
    touched = !same && row->soft; /* the blank of the wrap stands in the next row */
  }
  bool below = before > shown || s->redraw; /* rows that are no longer used */
  if (below) sc_puts(out, "\n\r\033[J");
  move_rows(out, shown - !below, c.cursor_row - first);
  if (c.cursor_column) sc_printf(out, "\033[%dC", c.cursor_column);
  sc_puts(out, "\033[?25h");
  free_rows(s->row, s->cap);
  s->row = c.row;
  s->n = c.n;
  s->cap = c.cap;
  s->cursor = c.cursor_row;
  s->column = c.cursor_column;
  s->first = first;
  s->redraw = false;
}

void sc_screen_leave(sc_screen *s, sc_buffer *out) {
  int shown = s->n - s->first < s->height ? s->n - s->first : s->height;
  if (shown) move_rows(out, s->cursor - s->first, shown - 1);
  sc_puts(out, "\r\n");
  sc_screen_forget(s);
}

void sc_screen_forget(sc_screen *s) { s->n = s->cursor = s->first = 0; }

/* A terminal that wraps anew keeps lines whole: the cursor is as many rows down as the
 * columns before it take at the new width. All rows are then drawn again. */
void sc_screen_resize(sc_screen *s, int width, int height) {
  int rows = 0, line = 0;
  s->height = height;
  if (width == s->width) return;
  for (int i = s->first; i < s->cursor; i++) {
    line += s->row[i].columns;
    if (s->row[i].soft) continue;
    rows += line ? (line - 1) / width + 1 : 1;
    line = 0;
  }
  rows += (line + s->column) / width;
  s->width = width;
  s->first = 0;
  s->n = s->cursor = rows;
  s->redraw = true;
}

void sc_screen_free(sc_screen *s) {
  free_rows(s->row, s->cap);
  *s = (sc_screen){0};
}
