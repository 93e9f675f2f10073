/* What the pictures of an expression share. */
#include "repl/pictures/diagram.h"

#include <stdio.h>
#include <string.h>

const char *sc_label_name(const es_outline *o, int label, char name[ES_MAX_NAME + 8]) {
  const char *given = o->label[label].name, *dots = strstr(given, "...");
  if (!dots) return given;
  int count = 0;
  for (int i = 0; i < o->n_labels; i++)
    count += !strncmp(o->label[i].name, given, (size_t)(dots - given) + 3);
  int digits = (int)strcspn(dots + 3 + (dots[3] == '['), "]");
  snprintf(name, ES_MAX_NAME + 8, "%.*s…%.*s", (int)(dots - given), given, count > 1 ? digits : 0,
           dots + 3 + (dots[3] == '['));
  return name;
}

int sc_label_text(const es_outline *o, int label, char text[ES_MAX_NAME + 32]) {
  char name[ES_MAX_NAME + 8];
  const char *shown = sc_label_name(o, label, name);
  int64_t size = o->label[label].size;
  if (size < 0 || (*shown >= '0' && *shown <= '9'))
    snprintf(text, ES_MAX_NAME + 32, "%s", shown);
  else
    snprintf(text, ES_MAX_NAME + 32, "%s %lld", shown, (long long)size);
  return (int)sc_columns(text, strlen(text));
}

void sc_ink_labels(int *ink, const es_outline *o, const sc_palette *palette) {
  for (int i = 0; i < o->n_labels; i++) {
    const char *name = o->label[i].name;
    ink[i] = palette ? sc_palette_find(palette, name, strlen(name)) : i;
  }
}

bool sc_axis_holds(const es_outline_axis *axis, int label) {
  for (int i = 0; i < axis->n; i++)
    if (axis->label[i] == label) return true;
  for (int i = 0; i < axis->n_parts; i++)
    if (sc_axis_holds(&axis->part[i], label)) return true;
  return false;
}

bool sc_term_holds(const es_outline_term *term, int label) {
  for (int i = 0; i < term->rank; i++)
    if (sc_axis_holds(&term->axis[i], label)) return true;
  return false;
}

void sc_shape_text(const es_outline_term *term, char *text, size_t cap) {
  size_t len = 0;
  snprintf(text, cap, "scalar");
  for (int i = 0; i < term->rank && len + 24 < cap; i++) {
    int64_t size = term->axis[i].size;
    if (i) len += (size_t)snprintf(text + len, cap - len, "×");
    len += (size_t)(size < 0 ? snprintf(text + len, cap - len, "?")
                             : snprintf(text + len, cap - len, "%lld", (long long)size));
  }
}

/* ---- the text of a pattern in colours --------------------------------------------------- */

/* Bytes of the name at the start of text[0..len), 0 for none. A letter of a text without
 * blanks is a name of its own: then only a whole axis can be one. */
static size_t name_length(const char *text, size_t len) {
  size_t n = 0;
  while (n < len &&
         (text[n] == '_' || (unsigned char)text[n] >= 0x80 || (text[n] >= '0' && text[n] <= '9') ||
          ((text[n] | 0x20) >= 'a' && (text[n] | 0x20) <= 'z')))
    n++;
  return n;
}

static int ink_of(const sc_drawing *d, const char *name, size_t len) {
  const es_outline *o = d->outline;
  for (int i = 0; i < o->n_labels; i++)
    if (strlen(o->label[i].name) == len && !memcmp(o->label[i].name, name, len)) return d->ink[i];
  return SC_INK;
}

/* The end of the axis that begins at offset in some term; -1: none does. */
static int64_t axis_end(const es_outline *o, int64_t offset) {
  for (int t = 0; t < o->n_in + o->n_out; t++)
    for (int i = 0; i < o->term[t].rank; i++) {
      const es_outline_axis *axis = &o->term[t].axis[i];
      if (axis->offset == offset && axis->length > 0) return offset + axis->length;
    }
  return -1;
}

int sc_draw_pattern(sc_drawing *d, int x, int y, int64_t offset, int64_t length) {
  int start = x;
  for (int64_t at = offset, end = offset + length, stop = -1; at < end;) {
    if (at >= stop) stop = axis_end(d->outline, at);
    int64_t limit = stop > at && stop <= end ? stop : end;
    size_t n = name_length(d->text + at, (size_t)(limit - at));
    int ink = n ? ink_of(d, d->text + at, n) : SC_INK;
    if (!n) do
        n++;
      while (at + (int64_t)n < limit && !name_length(d->text + at + n, 1) &&
             axis_end(d->outline, at + (int64_t)n) < 0);
    sc_draw_text(&d->canvas, x, y, ink, SC_LEFT, "%.*s", (int)n, d->text + at);
    x += (int)sc_columns(d->text + at, n);
    at += (int64_t)n;
  }
  return x - start;
}

void sc_draw_words(sc_drawing *d, int x, int ink, const char *text) {
  while (*text) {
    const char *end = text, *next = text; /* of the line, and of the word after it */
    for (int column = x; *next; column += 1) {
      size_t n = strcspn(next, " ");
      column += (int)sc_columns(next, n);
      if (d->columns && end > text && column > d->columns) break;
      end = next + n;
      next = end + (*end == ' ');
    }
    sc_draw_text(&d->canvas, x, d->row++, ink, SC_LEFT, "%.*s", (int)(end - text), text);
    text = next;
    x = 2;
  }
}
