/* An index card: every element of the input is numbered, and every place of the output says
 * which numbers land there. Colours follow the first axis of the input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/pictures/diagram.h"

typedef struct side {
  const es_outline_term *term;
  int64_t size;
  char **cell; /* words of each element, in C order */
  int *ink;
  int width; /* of a cell */
} side;

/* ---- what lands where ------------------------------------------------------------------ */

/* The element of a term at a point; -1 where an index leaves its axis. */
static int64_t element_at(const es_outline_term *term, const int64_t *point) {
  int64_t at = 0;
  for (int i = 0; i < term->rank; i++) {
    const es_outline_axis *axis = &term->axis[i];
    int64_t place = axis->constant;
    for (int k = 0; k < axis->n; k++) place += axis->coef[k] * point[axis->label[k]];
    if (place < 0 || place >= axis->size) return -1;
    at = at * axis->size + place;
  }
  return at;
}

static bool next_point(const es_outline *o, int64_t *point) {
  for (int i = o->n_labels - 1; i >= 0; i--) {
    if (++point[i] < o->label[i].size) return true;
    point[i] = 0;
  }
  return false;
}

static const char *joint(es_reducer r) {
  return r == ES_REDUCE_NONE || r == ES_REDUCE_SUM || r == ES_REDUCE_MEAN ? "+" : " ";
}

static void append(char **cell, const char *joint, int64_t number) {
  size_t len = *cell ? strlen(*cell) : 0;
  *cell = sc_grow(*cell, len + 24);
  snprintf(*cell + len, 24, "%s%lld", len ? joint : "", (long long)number);
}

static void fill_cells(const es_outline *o, side *in, side *out) {
  int64_t *point = sc_alloc((size_t)(o->n_labels + 1) * sizeof *point);
  int64_t first = 1; /* the first axis longer than 1 */
  for (int i = in->term->rank - 1; i >= 0; i--)
    if (in->term->axis[i].size != 1) first = in->term->axis[i].size;
  for (int64_t i = 0; i < in->size; i++) {
    append(&in->cell[i], "", i);
    in->ink[i] = (int)(i / (in->size / first));
  }
  do {
    int64_t from = element_at(in->term, point), to = element_at(out->term, point);
    if (from < 0 || to < 0) continue;
    out->ink[to] = out->cell[to] && out->ink[to] != in->ink[from] ? SC_INK : in->ink[from];
    append(&out->cell[to], joint(o->reducer), from);
  } while (next_point(o, point));
  free(point);
}

static void open_side(side *s, const es_outline_term *term) {
  s->term = term;
  s->size = 1;
  for (int i = 0; i < term->rank; i++) s->size *= term->axis[i].size;
  s->cell = sc_alloc((size_t)s->size * sizeof *s->cell);
  s->ink = sc_alloc((size_t)s->size * sizeof *s->ink);
}

static void close_side(side *s) {
  for (int64_t i = 0; i < s->size; i++) free(s->cell[i]);
  free(s->cell);
  free(s->ink);
}

/* ---- tables ---------------------------------------------------------------------------- */

/* The size of the axis that is nth from the end among those longer than 1. */
static int64_t long_axis(const es_outline_term *t, int nth) {
  for (int i = t->rank - 1; i >= 0; i--)
    if (t->axis[i].size != 1 && nth-- == 0) return t->axis[i].size;
  return 1;
}
static int64_t columns_of(const es_outline_term *t) { return long_axis(t, 0); }
static int64_t rows_of(const es_outline_term *t) { return long_axis(t, 1); }

static void measure(side *s) {
  s->width = 3;
  for (int64_t i = 0; i < s->size; i++) {
    int columns = s->cell[i] ? (int)strlen(s->cell[i]) + 2 : 1;
    if (columns > s->width) s->width = columns;
  }
}

static int table_width(const side *s) { return (int)columns_of(s->term) * (s->width + 1) + 1; }

/* One table of the last two axes that are longer than 1, elements from first on. */
static void draw_table(sc_canvas *c, const side *s, int64_t first, int x, int y) {
  int columns = (int)columns_of(s->term), rows = (int)rows_of(s->term);
  sc_draw_table(c, x, y, columns, rows, s->width, true);
  for (int i = 0; i < rows * columns; i++) {
    int left = x + 1 + i % columns * (s->width + 1), row = y + 1 + 2 * (i / columns);
    const char *word = s->cell[first + i];
    if (word && s->ink[first + i] >= 0)
      sc_draw_tint(c, left, left + s->width - 1, row, true, s->ink[first + i]);
    sc_draw_text(c, left + (s->width - 1) / 2, row, word ? s->ink[first + i] : SC_FAINT, SC_CENTRE,
                 "%s", word ? word : "·");
  }
}

/* The tables of a side: those of the axis before these two beside each other while there is
 * room. Returns the width used; *y moves below. */
static int draw_side(sc_drawing *d, const side *s, int x, int *y, int room) {
  int64_t per_table = rows_of(s->term) * columns_of(s->term);
  int one = table_width(s) + 2, across = room / one, used = 0;
  if (across < 1) across = 1;
  int64_t tables = per_table ? s->size / per_table : 0;
  int64_t inner = long_axis(s->term, 2);
  if (inner < across) across = (int)inner;
  char shape[256];
  int columns = (int)sc_columns(d->text + s->term->offset, (size_t)s->term->length);
  sc_draw_text(&d->canvas, x, *y, SC_INK, SC_LEFT, "%.*s", (int)s->term->length,
               d->text + s->term->offset);
  sc_shape_text(s->term, shape, sizeof shape);
  sc_draw_text(&d->canvas, x + columns + (columns ? 2 : 0), *y, SC_FAINT, SC_LEFT, "%s", shape);
  used = columns + 3 + (int)sc_columns(shape, strlen(shape));
  ++*y;
  for (int64_t t = 0; t < tables; t += across) {
    for (int i = 0; i < across && t + i < tables; i++) {
      draw_table(&d->canvas, s, (t + i) * per_table, x + i * one, *y);
      if ((i + 1) * one > used) used = (i + 1) * one;
    }
    *y += 2 * (int)rows_of(s->term) + 1;
  }
  return used;
}

/* "result[2·w + h] = operand[h, w]" */
static void put_places(sc_buffer *out, const es_outline *o, const es_outline_term *term) {
  for (int i = 0; i < term->rank; i++) {
    const es_outline_axis *axis = &term->axis[i];
    if (i) sc_puts(out, ", ");
    bool any = false;
    for (int k = 0; k < axis->n; k++) {
      int64_t coef = axis->coef[k];
      char name[ES_MAX_NAME + 8];
      sc_puts(out, coef < 0 ? (any ? " - " : "-") : any ? " + " : "");
      if (coef != 1 && coef != -1) sc_printf(out, "%lld·", (long long)(coef < 0 ? -coef : coef));
      const es_outline_label *label = &o->label[axis->label[k]];
      if (*label->name < '0' || *label->name > '9')
        sc_puts(out, sc_label_name(o, axis->label[k], name));
      else if (label->size == 1) /* a number names no index */
        sc_puts(out, "0");
      else
        sc_printf(out, "0…%lld", (long long)label->size - 1);
      any = true;
    }
    int64_t constant = axis->constant;
    if (any && constant)
      sc_printf(out, " %c %lld", constant < 0 ? '-' : '+', (long long)llabs(constant));
    else if (!any)
      sc_printf(out, "%lld", (long long)constant);
  }
}

static void draw_formula(sc_drawing *d) {
  const es_outline *o = d->outline;
  sc_buffer line = {0};
  bool adds = false, reduced = false;
  for (int i = 0; i < o->term[1].rank; i++) adds |= o->term[1].axis[i].affine;
  for (int i = 0; i < o->n_labels; i++) reduced |= o->label[i].reduced && o->label[i].size != 1;
  const char *how = o->reducer == ES_REDUCE_NONE ? "sum" : es_reducer_name(o->reducer);
  sc_puts(&line, "result[");
  put_places(&line, o, &o->term[1]);
  sc_printf(&line, "] %s %s%soperand[", adds ? "+=" : "=", reduced ? how : "",
            reduced ? " of " : "");
  put_places(&line, o, &o->term[0]);
  sc_puts(&line, "]");
  sc_draw_words(d, 0, SC_INK, sc_text(&line));
  sc_buffer_free(&line);
}

void sc_draw_card(sc_drawing *d) {
  side in = {0}, out = {0};
  open_side(&in, &d->outline->term[0]);
  open_side(&out, &d->outline->term[1]);
  if (in.size) fill_cells(d->outline, &in, &out);
  measure(&in);
  measure(&out);
  int room = d->columns ? d->columns : 100;
  int half = table_width(&in) + 6 + table_width(&out) <= room ? room : 0;
  int left = d->row, right = d->row;
  int x = draw_side(d, &in, 0, &left, half ? room - 6 - table_width(&out) : room);
  if (half && x + 6 + table_width(&out) <= room) {
    sc_draw_text(&d->canvas, x + 1, d->row + 2, SC_INK, SC_LEFT, "──▶");
    draw_side(d, &out, x + 6, &right, room - x - 6);
  } else {
    sc_draw_text(&d->canvas, 0, left, SC_INK, SC_LEFT, "  ▼");
    right = left + 1;
    draw_side(d, &out, 0, &right, room);
  }
  d->row = (left > right ? left : right) + 1;
  draw_formula(d);
  close_side(&in);
  close_side(&out);
}
