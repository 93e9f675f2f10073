/* An index card: every element of the inputs is numbered, and every place of the outputs says
 * which numbers land there. Colours follow the first axis of one input, or tell several apart. */
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

/* The axes of a term as one term of the other side meets them: of (x ^ y) one part. */
typedef struct route {
  const es_outline_term *term;
  const es_outline_axis *axis[ES_MAX_RANK];
  int64_t before[ES_MAX_RANK]; /* entries of the parts before it */
} route;

static bool part_is_of(const es_outline_axis *part, const es_outline_term *other) {
  for (int i = 0; i < part->n; i++)
    if (!sc_term_holds(other, part->label[i])) return false;
  return part->n > 0 && !part->n_parts;
}

/* False: nothing of the term comes from the other one, or goes there. */
static bool find_route(const es_outline_term *term, const es_outline_term *other, route *r) {
  *r = (route){.term = term};
  for (int i = 0; i < term->rank; i++) {
    const es_outline_axis *axis = r->axis[i] = &term->axis[i];
    if (!axis->n_parts) continue;
    int part = 0;
    while (part < axis->n_parts && !part_is_of(&axis->part[part], other))
      r->before[i] += axis->part[part++].size;
    if (part == axis->n_parts) return false;
    r->axis[i] = &axis->part[part];
  }
  return true;
}

/* Where a fill lets an index read that lies outside of 0 … size-1; -1: nowhere. */
static int64_t filled(const char *fill, int64_t at, int64_t size) {
  if (!fill || size < 1) return -1;
  if (!strcmp(fill, "?edge")) return at < 0 ? 0 : size - 1;
  if (!strcmp(fill, "?wrap")) return (at % size + size) % size;
  if (strcmp(fill, "?reflect") != 0) return -1;
  int64_t period = size > 1 ? 2 * (size - 1) : 1;
  at = (at % period + period) % period;
  return at < size ? at : period - at;
}

/* The element of a term at a point; -1 where an index leaves its axis, with the number that is
 * read instead, or NULL. */
static int64_t element_at(const route *r, const int64_t *point, const char **number) {
  int64_t at = 0;
  for (int i = 0; i < r->term->rank; i++) {
    const es_outline_axis *axis = r->axis[i];
    int64_t place = axis->constant, size = r->term->axis[i].size;
    for (int k = 0; k < axis->n; k++) place += axis->coef[k] * point[axis->label[k]];
    if (place < 0 || place >= axis->size) place = filled(axis->fill, place, axis->size);
    if (place < 0 && axis->fill && strcmp(axis->fill, "?0") != 0) *number = axis->fill + 1;
    if (place < 0) return -1;
    at = at * size + r->before[i] + place;
  }
  return at;
}

static bool route_holds(const route *r, int label) {
  for (int i = 0; i < r->term->rank; i++)
    if (sc_axis_holds(r->axis[i], label)) return true;
  return false;
}

/* The next point of the labels that two routes have. */
static bool next_point(const es_outline *o, const route *in, const route *out, int64_t *point) {
  for (int i = o->n_labels - 1; i >= 0; i--) {
    if (!route_holds(in, i) && !route_holds(out, i)) continue;
    if (++point[i] < o->label[i].size) return true;
    point[i] = 0;
  }
  return false;
}

static const char *joint(es_reducer r) {
  return r == ES_REDUCE_NONE || r == ES_REDUCE_SUM || r == ES_REDUCE_MEAN ? "+" : " ";
}

static void append(char **cell, const char *joint, const char *word) {
  size_t len = *cell ? strlen(*cell) : 0, room = len + strlen(word) + 2;
  *cell = sc_grow(*cell, room);
  snprintf(*cell + len, room - len, "%s%s", len ? joint : "", word);
}

/* Numbers from base on. */
static void number_cells(side *in, int64_t base, bool alone, int ink) {
  int64_t first = 1; /* the first axis longer than 1 */
  for (int i = in->term->rank - 1; i >= 0; i--)
    if (in->term->axis[i].size != 1) first = in->term->axis[i].size;
  for (int64_t i = 0; i < in->size; i++) {
    char word[24];
    snprintf(word, sizeof word, "%lld", (long long)(base + i));
    append(&in->cell[i], "", word);
    in->ink[i] = alone ? (int)(i / (in->size / first)) : ink;
  }
}

static void fill_cells(const es_outline *o, const side *in, side *out) {
  route from, to;
  if (!find_route(in->term, out->term, &from) || !find_route(out->term, in->term, &to)) return;
  int64_t *point = sc_alloc((size_t)(o->n_labels + 1) * sizeof *point);
  for (int i = 0; i < o->n_labels; i++)
    if ((route_holds(&from, i) || route_holds(&to, i)) && !o->label[i].size) {
      free(point);
      return;
    }
  do {
    const char *number = NULL;
    int64_t source = element_at(&from, point, &number), place = element_at(&to, point, &number);
    if (place < 0 || (source < 0 && !number)) continue;
    int ink = source < 0 ? SC_FAINT : in->ink[source];
    out->ink[place] = out->cell[place] && out->ink[place] != ink ? SC_INK : ink;
    char value[ES_MAX_NAME + 2]; /* =7: the number, not element 7 */
    snprintf(value, sizeof value, "=%s", number ? number : "");
    append(&out->cell[place], joint(o->reducer), source < 0 ? value : in->cell[source]);
  } while (next_point(o, &from, &to, point));
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

static bool has_parts(const es_outline_term *term) {
  for (int i = 0; i < term->rank; i++)
    if (term->axis[i].n_parts) return true;
  return false;
}

bool sc_card_possible(const es_outline *o) {
  route r;
  if (o->n_in == 1 && o->n_out == 1) return !has_parts(&o->term[0]) && !has_parts(&o->term[1]);
  if (o->n_in != 1 && o->n_out != 1) return false;
  const es_outline_term *whole = o->n_in == 1 ? &o->term[0] : &o->term[o->n_in];
  const es_outline_term *piece = o->n_in == 1 ? &o->term[1] : &o->term[0];
  if (!has_parts(whole)) return false;
  for (int i = 0; i < o->n_in + o->n_out - 1; i++)
    if (has_parts(&piece[i]) || !find_route(whole, &piece[i], &r)) return false;
  return true;
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

/* "2·w + h, 0": the places of a route. */
static void put_places(sc_buffer *out, const es_outline *o, const route *r) {
  for (int i = 0; i < r->term->rank; i++) {
    const es_outline_axis *axis = r->axis[i];
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
    int64_t constant = axis->constant + r->before[i];
    if (any && constant)
      sc_printf(out, " %c %lld", constant < 0 ? '-' : '+', (long long)llabs(constant));
    else if (!any)
      sc_printf(out, "%lld", (long long)constant);
  }
}

/* "operand", or "operand 1" where there are several. */
static void put_side_name(sc_buffer *out, const char *name, int index, int n) {
  sc_puts(out, name);
  if (n > 1) sc_printf(out, " %d", index);
  sc_puts(out, "[");
}

/* "result[2·w + h] = operand[h, w]", a line for each operand or result. */
static void draw_formula(sc_drawing *d, int in, int out) {
  const es_outline *o = d->outline;
  const es_outline_term *source = &o->term[in], *target = &o->term[o->n_in + out];
  sc_buffer line = {0};
  route from, to;
  bool adds = false, reduced = false;
  find_route(source, target, &from);
  find_route(target, source, &to);
  for (int i = 0; i < target->rank; i++) adds |= target->axis[i].affine;
  for (int i = 0; i < o->n_labels; i++)
    reduced |= o->label[i].reduced && o->label[i].size != 1 && route_holds(&from, i);
  const char *how = o->reducer == ES_REDUCE_NONE ? "sum" : es_reducer_name(o->reducer);
  put_side_name(&line, "result", out, o->n_out);
  put_places(&line, o, &to);
  sc_printf(&line, "] %s %s%s", adds ? "+=" : "=", reduced ? how : "", reduced ? " of " : "");
  put_side_name(&line, "operand", in, o->n_in);
  put_places(&line, o, &from);
  sc_puts(&line, "]");
  sc_draw_words(d, 0, SC_INK, sc_text(&line));
  sc_buffer_free(&line);
}

/* The sides of a card one below the other; returns the columns used, and moves *y below. */
static int draw_sides(sc_drawing *d, const side *s, int n, int x, int *y, int room) {
  int used = 0;
  for (int i = 0; i < n; i++) {
    int columns = draw_side(d, &s[i], x, y, room);
    if (columns > used) used = columns;
  }
  return used;
}

static int tables_width(const side *s, int n) {
  int most = 0;
  for (int i = 0; i < n; i++)
    if (table_width(&s[i]) > most) most = table_width(&s[i]);
  return most;
}

static void draw_tables(sc_drawing *d, const side *in, const side *out) {
  const es_outline *o = d->outline;
  int room = d->columns ? d->columns : 100;
  int wide = tables_width(in, o->n_in), wanted = tables_width(out, o->n_out);
  bool beside = wide + 6 + wanted <= room;
  int left = d->row, right = d->row;
  int x = draw_sides(d, in, o->n_in, 0, &left, beside ? room - 6 - wanted : room);
  if (beside && x + 6 + wanted <= room) {
    sc_draw_text(&d->canvas, x + 1, d->row + 2, SC_INK, SC_LEFT, "──▶");
    draw_sides(d, out, o->n_out, x + 6, &right, room - x - 6);
  } else {
    sc_draw_text(&d->canvas, 0, left, SC_INK, SC_LEFT, "  ▼");
    right = left + 1;
    draw_sides(d, out, o->n_out, 0, &right, room);
  }
  d->row = (left > right ? left : right) + 1;
}

void sc_draw_card(sc_drawing *d) {
  const es_outline *o = d->outline;
  side *in = sc_alloc((size_t)(o->n_in + o->n_out) * sizeof *in), *out = in + o->n_in;
  int64_t numbered = 0;
  for (int i = 0; i < o->n_in + o->n_out; i++) open_side(&in[i], &o->term[i]);
  for (int i = 0; i < o->n_in; i++) {
    number_cells(&in[i], numbered, o->n_in == 1, i);
    numbered += in[i].size;
  }
  for (int i = 0; i < o->n_in; i++)
    for (int k = 0; k < o->n_out; k++) fill_cells(o, &in[i], &out[k]);
  for (int i = 0; i < o->n_in + o->n_out; i++) measure(&in[i]);
  draw_tables(d, in, out);
  for (int i = 0; i < o->n_in; i++)
    for (int k = 0; k < o->n_out; k++) draw_formula(d, i, k);
  for (int i = 0; i < o->n_in + o->n_out; i++) close_side(&in[i]);
  free(in);
}
