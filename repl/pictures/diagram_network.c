/* The tensor network of an expression. Boxes stand in a row; labels of the result leave them
 * upward, summed labels downward. A label of several operands runs along a lane of its own;
 * lanes nest, so that lines of one pair do not cross and no line runs through a word. */
#include <stdlib.h>
#include <string.h>

#include "repl/pictures/diagram.h"

enum { BOXES = 24, PORTS = 64, GAP = 4, PITCH = 4 };

typedef struct port {
  int label, x;
  bool first; /* the label is in no operand to the left */
} port;

typedef struct box {
  const es_outline_term *term;
  port above[PORTS], below[PORTS];
  int n_above, n_below;
  int x0, x1;
} box;

typedef struct network {
  sc_drawing *d;
  box box[BOXES];
  int n;
  bool sized;                 /* some size is known */
  int up[PORTS], down[PORTS]; /* labels with a lane, the nearest to the boxes first */
  int n_up, n_down;
} network;

static int uses(const network *w, int label, int *first) {
  int n = 0;
  for (int i = w->n - 1; i >= 0; i--)
    if (sc_term_holds(w->box[i].term, label)) {
      *first = i;
      n++;
    }
  return n;
}

/* Ports of lines that come from the left stand left of those that begin here, and among
 * them the line that began last stands first: lanes nest. */
static void find_ports(network *w, int index) {
  const es_outline *o = w->d->outline;
  box *b = &w->box[index];
  for (int begins = 0; begins < 2; begins++)
    for (int i = 0; i < o->n_labels; i++) {
      int label = begins ? i : o->n_labels - 1 - i, first = -1;
      if (!sc_term_holds(b->term, label)) continue;
      uses(w, label, &first);
      if ((first == index) != begins) continue;
      if (o->label[label].reduced)
        b->below[b->n_below++] = (port){label, 0, begins};
      else
        b->above[b->n_above++] = (port){label, 0, begins};
    }
}

/* Columns of a port: room for the word above it where it has one. */
static int port_room(const network *w, const port *p, bool above) {
  char text[ES_MAX_NAME + 32];
  return above && p->first ? sc_label_text(w->d->outline, p->label, text) + 2 : 3;
}

static int row_width(const network *w, const port *p, int n, bool above) {
  int width = 0;
  for (int i = 0; i < n; i++) width += port_room(w, &p[i], above);
  return width;
}

static void place_row(const network *w, port *p, int n, bool above, int x0, int x1) {
  int x = x0 + 1 + (x1 - x0 - 1 - row_width(w, p, n, above)) / 2;
  for (int i = 0; i < n; i++) {
    int room = port_room(w, &p[i], above);
    p[i].x = x + (room - 1) / 2;
    x += room;
  }
}

static int widest(int a, int b) { return a > b ? a : b; }

static void place_boxes(network *w, int *width) {
  int x = 0;
  for (int i = 0; i < w->n; i++) {
    box *b = &w->box[i];
    char shape[256];
    sc_shape_text(b->term, shape, sizeof shape);
    int inner = (int)sc_columns(w->d->text + b->term->offset, (size_t)b->term->length) + 2;
    inner = widest(inner, (int)sc_columns(shape, strlen(shape)) + 2);
    inner = widest(inner, row_width(w, b->above, b->n_above, true));
    inner = widest(inner, row_width(w, b->below, b->n_below, false));
    b->x0 = x;
    b->x1 = x + inner + 1;
    place_row(w, b->above, b->n_above, true, b->x0, b->x1);
    place_row(w, b->below, b->n_below, false, b->x0, b->x1);
    x = b->x1 + 1 + GAP;
  }
  *width = x - GAP;
}

/* Lanes in the order of where their lines begin, from the right: the nearest first. */
static void find_lanes(network *w) {
  for (int i = w->n - 1; i >= 0; i--) {
    const box *b = &w->box[i];
    for (int k = b->n_below - 1; k >= 0; k--)
      if (b->below[k].first) w->down[w->n_down++] = b->below[k].label;
    for (int k = b->n_above - 1; k >= 0; k--) {
      int first;
      if (b->above[k].first && uses(w, b->above[k].label, &first) > 1)
        w->up[w->n_up++] = b->above[k].label;
    }
  }
}

static int lane_of(const int *lanes, int n, int label) {
  for (int i = 0; i < n; i++)
    if (lanes[i] == label) return i + 1;
  return 0;
}

/* Columns of the ports of a label, from the left; returns their number. */
static int ports_of(const network *w, int label, bool above, int *x) {
  int n = 0;
  for (int b = 0; b < w->n; b++) {
    const port *p = above ? w->box[b].above : w->box[b].below;
    for (int k = 0; k < (above ? w->box[b].n_above : w->box[b].n_below); k++)
      if (p[k].label == label) x[n++] = p[k].x;
  }
  return n;
}

/* A line along row y that the ports join from row edge; dots where three or more meet. The
 * line leaves out word columns after its second cell. */
static void draw_lane(network *w, int label, const int *x, int n, int y, int edge, int word) {
  sc_canvas *c = &w->d->canvas;
  int ink = w->d->ink[label];
  for (int i = 0; i < n; i++) sc_draw_line(c, x[i], edge, x[i], y, ink);
  for (int i = 1; i + 1 < n; i++) sc_draw_dot(c, x[i], y, ink);
  if (n > 1 && word) sc_draw_line(c, x[0], y, x[0] + 1, y, ink);
  if (n > 1) sc_draw_line(c, word ? x[0] + word + 2 : x[0], y, x[n - 1], y, ink);
}

static void draw_below(network *w, int edge) {
  sc_canvas *c = &w->d->canvas;
  for (int i = 0; i < w->n_down; i++) {
    int label = w->down[i], y = edge + 1 + i, x[BOXES] = {0};
    int n = ports_of(w, label, false, x);
    char text[ES_MAX_NAME + 32];
    draw_lane(w, label, x, n, y, edge, sc_label_text(w->d->outline, label, text) + 2);
    if (n == 1) sc_draw_line(c, x[0], y, x[0] + 1, y, w->d->ink[label]);
    sc_draw_text(c, x[0] + 2, y, w->d->ink[label], SC_LEFT, n == 1 ? " %s summed" : " %s ", text);
  }
}

static void draw_above(network *w, int words, int edge) {
  sc_canvas *c = &w->d->canvas;
  const es_outline *o = w->d->outline;
  for (int label = 0; label < o->n_labels; label++) {
    int x[BOXES] = {0}, n = ports_of(w, label, true, x);
    int y = edge - lane_of(w->up, w->n_up, label);
    char text[ES_MAX_NAME + 32];
    if (!n) continue;
    sc_label_text(o, label, text);
    draw_lane(w, label, x, n, y, edge, 0);
    sc_draw_line(c, x[0], words + 1, x[0], edge, w->d->ink[label]);
    sc_draw_text(c, x[0], words, w->d->ink[label], SC_CENTRE, "%s", text);
    if (n > 1) sc_draw_dot(c, x[0], y, w->d->ink[label]);
  }
}

static void draw_boxes(network *w, int y) {
  sc_canvas *c = &w->d->canvas;
  for (int i = 0; i < w->n; i++) {
    const box *b = &w->box[i];
    char shape[256];
    int middle = (b->x0 + b->x1) / 2;
    int columns = (int)sc_columns(w->d->text + b->term->offset, (size_t)b->term->length);
    sc_draw_box(c, b->x0, y, b->x1, y + (w->sized ? 3 : 2), SC_INK);
    sc_draw_pattern(w->d, middle - (columns - 1) / 2, y + 1, b->term->offset, b->term->length);
    sc_shape_text(b->term, shape, sizeof shape);
    if (w->sized) sc_draw_text(c, middle, y + 2, SC_FAINT, SC_CENTRE, "%s", shape);
  }
}

/* "-> b o h w    2×4×6×6", and what is new in it. */
static void draw_result(network *w, int y) {
  const es_outline *o = w->d->outline;
  sc_canvas *c = &w->d->canvas;
  for (int t = o->n_in; t < o->n_in + o->n_out; t++, y++) {
    const es_outline_term *out = &o->term[t];
    char shape[256];
    int x = 3;
    sc_draw_text(c, 0, y, SC_INK, SC_LEFT, "->");
    if (out->length)
      x += sc_draw_pattern(w->d, x, y, out->offset, out->length);
    else /* not written: its labels in order */
      for (int i = 0; i < out->rank; i++) {
        char name[ES_MAX_NAME + 8];
        const char *shown = sc_label_name(o, out->axis[i].label[0], name);
        sc_draw_text(c, x, y, w->d->ink[out->axis[i].label[0]], SC_LEFT, "%s", shown);
        x += (int)sc_columns(shown, strlen(shown)) + 1;
      }
    sc_shape_text(out, shape, sizeof shape);
    if (w->sized || !out->rank)
      sc_draw_text(c, out->rank ? x + 3 : x, y, SC_FAINT, SC_LEFT, "%s", shape);
  }
  w->d->row = y;
}

/* For a narrow terminal: a row for each label, a column for each operand and the result. */
static void draw_table(network *w) {
  sc_drawing *d = w->d;
  const es_outline *o = d->outline;
  sc_canvas *c = &d->canvas;
  int wide = 0, x0;
  char text[ES_MAX_NAME + 32];
  for (int i = 0; i < w->n; i++) {
    const es_outline_term *term = w->box[i].term;
    char shape[256];
    sc_shape_text(term, shape, sizeof shape);
    sc_draw_text(c, 0, d->row, SC_INK, SC_LEFT, "%d", i);
    int x = 4 + sc_draw_pattern(d, 4, d->row++, term->offset, term->length);
    if (w->sized) sc_draw_text(c, x + 2, d->row - 1, SC_FAINT, SC_LEFT, "%s", shape);
  }
  draw_result(w, d->row);
  d->row++;
  for (int i = 0; i < o->n_labels; i++) wide = widest(wide, sc_label_text(o, i, text));
  x0 = wide + 3;
  for (int i = 0; i < w->n; i++)
    sc_draw_text(c, x0 + i * PITCH, d->row, SC_FAINT, SC_CENTRE, "%d", i);
  sc_draw_text(c, x0 + w->n * PITCH, d->row++, SC_FAINT, SC_CENTRE, "->");
  for (int i = 0; i < o->n_labels; i++, d->row++) {
    int first = -1, last = -1;
    sc_label_text(o, i, text);
    sc_draw_text(c, 0, d->row, d->ink[i], SC_LEFT, "%s", text);
    for (int t = 0; t <= w->n; t++) {
      bool held = t < w->n ? sc_term_holds(w->box[t].term, i) : !o->label[i].reduced;
      if (!held) continue;
      sc_draw_dot(c, x0 + t * PITCH, d->row, d->ink[i]);
      if (first < 0) first = t;
      last = t;
    }
    if (last > first)
      sc_draw_line(c, x0 + first * PITCH, d->row, x0 + last * PITCH, d->row, d->ink[i]);
  }
}

/* For many operands: what each holds, and for each label who holds it. */
static void draw_list(network *w) {
  enum { MOST = 64 };
  sc_drawing *d = w->d;
  int wide = 0;
  char text[ES_MAX_NAME + 32];
  const es_outline *o = d->outline;
  sc_canvas *c = &d->canvas;
  for (int i = 0; i < o->n_in && i < MOST; i++) {
    const es_outline_term *term = &o->term[i];
    char shape[256];
    sc_shape_text(term, shape, sizeof shape);
    sc_draw_text(c, 4, d->row, SC_FAINT, SC_RIGHT, "%d", i);
    int x = 7 + sc_draw_pattern(d, 7, d->row, term->offset, term->length);
    if (w->sized) sc_draw_text(c, x + 2, d->row, SC_FAINT, SC_LEFT, "%s", shape);
    d->row++;
  }
  if (o->n_in > MOST)
    sc_draw_text(c, 7, d->row++, SC_FAINT, SC_LEFT, "⋯ %d more operands", o->n_in - MOST);
  draw_result(w, d->row);
  d->row++;
  for (int i = 0; i < o->n_labels && i < MOST; i++) wide = widest(wide, sc_label_text(o, i, text));
  for (int i = 0; i < o->n_labels && i < MOST; i++) {
    sc_buffer holders = {0};
    sc_label_text(o, i, text);
    for (int t = 0; t < o->n_in; t++)
      if (sc_term_holds(&o->term[t], i)) sc_printf(&holders, holders.len ? ", %d" : "%d", t);
    if (!o->label[i].reduced) sc_puts(&holders, holders.len ? ", ->" : "->");
    sc_draw_text(c, 0, d->row, d->ink[i], SC_LEFT, "%s", text);
    sc_draw_text(c, wide + 3, d->row++, SC_INK, SC_LEFT, "%s", sc_text(&holders));
    sc_buffer_free(&holders);
  }
  if (o->n_labels > MOST)
    sc_draw_text(c, 0, d->row++, SC_FAINT, SC_LEFT, "⋯ %d more labels", o->n_labels - MOST);
}

static void draw_boxes_and_lines(network *w) {
  bool legs = false;
  for (int i = 0; i < w->n; i++) legs |= w->box[i].n_above > 0;
  int words = w->d->row, boxes = words + (legs ? 2 + w->n_up : 0);
  int below = boxes + (w->sized ? 3 : 2);
  draw_boxes(w, boxes);
  draw_above(w, words, boxes);
  draw_below(w, below);
  draw_result(w, below + w->n_down + 2);
}

void sc_draw_network(sc_drawing *d) {
  const es_outline *o = d->outline;
  network *w = sc_alloc(sizeof *w);
  bool many = o->n_in > BOXES || o->n_labels > PORTS;
  int width = 0;
  w->d = d;
  for (int i = 0; i < o->n_labels; i++)
    w->sized |= o->label[i].size >= 0 && strcspn(o->label[i].name, "0123456789") > 0;
  if (!many) {
    w->n = o->n_in;
    for (int i = 0; i < w->n; i++) w->box[i].term = &o->term[i];
    for (int i = 0; i < w->n; i++) find_ports(w, i);
    find_lanes(w);
    place_boxes(w, &width);
  }
  if (many || (d->columns && width > d->columns && (w->n + 5) * PITCH > d->columns))
    draw_list(w);
  else if (d->columns && width > d->columns)
    draw_table(w);
  else
    draw_boxes_and_lines(w);
  free(w);
}
