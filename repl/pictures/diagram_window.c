/* How a window walks over its axis: a column for each element, a row for each step, and in
 * a row the taps that fall on an element. */
#include <stdio.h>
#include <string.h>

#include "repl/pictures/diagram.h"

enum { STEPS = 8, LEAST_COLUMNS = 6 };

/* ---- which indices are windows ------------------------------------------------------ */

/* The result's label walks; of an index on the output the one that also is elsewhere. */
static bool read_window(const es_outline *o, const es_outline_axis *axis, bool output,
                        sc_window *window) {
  int walker = -1;
  if (!axis->affine || axis->n < 2) return false;
  for (int i = 0; i < axis->n; i++) {
    if (!axis->coef[i]) return false;
    bool walks = output ? axis->coef[i] > 1 : !o->label[axis->label[i]].reduced;
    if (walks && walker < 0) walker = i;
  }
  if (walker < 0) walker = 0;
  window->axis = axis;
  window->walker = axis->label[walker];
  window->tap = axis->label[walker == 0 ? 1 : 0];
  return true;
}

bool sc_window_at(const es_outline *o, int index, sc_window *window) {
  for (int t = 0; t < o->n_in + o->n_out; t++)
    for (int i = 0; i < o->term[t].rank; i++) {
      bool output = t >= o->n_in;
      if (!read_window(o, &o->term[t].axis[i], output, window)) continue;
      window->operand = output ? -1 : t;
      window->place = i;
      if (index-- == 0) return true;
    }
  return false;
}

/* ---- the picture --------------------------------------------------------------------- */

typedef struct walk {
  sc_drawing *d;
  const sc_window *w;
  int64_t length, steps, taps; /* of the axis, the walker, the tap */
  int64_t step, spacing;       /* elements between windows, and between taps */
  int64_t low, high;           /* elements read, pads included */
  int shown;                   /* columns */
  int cell, x, y;
} walk;

static int64_t coef_of(const es_outline_axis *axis, int label) {
  for (int i = 0; i < axis->n; i++)
    if (axis->label[i] == label) return axis->coef[i];
  return 0;
}

static void measure(walk *k) {
  const es_outline *o = k->d->outline;
  const es_outline_axis *axis = k->w->axis;
  k->length = axis->size;
  k->steps = o->label[k->w->walker].size;
  k->taps = o->label[k->w->tap].size;
  k->step = coef_of(axis, k->w->walker);
  k->spacing = coef_of(axis, k->w->tap);
  bool reads = k->steps > 0 && k->taps > 0;
  k->low = k->high = reads ? axis->constant : 0;
  int64_t walked = k->step * (k->steps - 1), span = k->spacing * (k->taps - 1);
  if (reads) {
    k->low += (walked < 0 ? walked : 0) + (span < 0 ? span : 0);
    k->high += (walked > 0 ? walked : 0) + (span > 0 ? span : 0);
  }
  if (k->low > 0) k->low = 0;
  if (k->high < k->length - 1) k->high = k->length - 1;
  char text[32];
  int widest = snprintf(text, sizeof text, "%lld", (long long)k->high);
  k->cell = widest < 2 ? 3 : widest + 1;
}

/* "stride 2, dilation 1, 3 taps; 1 element outside is absent; the last 2 are not read" */
static void put_facts(const walk *k) {
  const es_outline_axis *axis = k->w->axis;
  int64_t before = k->low < 0 ? -k->low : 0;
  int64_t after = k->high >= k->length ? k->high - k->length + 1 : 0;
  int64_t last = axis->constant + k->step * (k->steps - 1) + k->spacing * (k->taps - 1);
  sc_buffer line = {0};
  sc_printf(&line, "stride %lld, dilation %lld, padding %lld before and %lld after",
            (long long)k->step, (long long)k->spacing, (long long)before, (long long)after);
  if (axis->fill && (before || after))
    sc_printf(&line, " (%s%s)", axis->fill, strcmp(axis->fill, "?0") ? "" : ": read as nothing");
  bool plain = k->w->operand >= 0 && axis->n == 2 && k->step > 0 && k->spacing > 0;
  if (plain && k->taps > 0 && last < k->length - 1)
    sc_printf(&line, ", the last %lld not read", (long long)(k->length - 1 - last));
  sc_draw_words(k->d, 0, SC_FAINT, sc_text(&line));
  sc_buffer_free(&line);
}

/* The element that a read outside of the axis meets; -1: a number, or nothing. */
static int64_t element_met(const walk *k, int64_t at) {
  const char *fill = k->w->axis->fill;
  int64_t n = k->length, period = 2 * (n - 1);
  if (!fill || n < 1) return -1;
  if (!strcmp(fill, "?edge")) return at < 0 ? 0 : n - 1;
  if (!strcmp(fill, "?wrap")) return (at % n + n) % n;
  if (strcmp(fill, "?reflect") != 0) return -1;
  int64_t phase = period ? (at % period + period) % period : 0;
  return phase < n ? phase : period - phase;
}

static void put_heads(const walk *k) {
  sc_canvas *c = &k->d->canvas;
  for (int i = 0; i < k->shown; i++) {
    int64_t element = k->low + i;
    int x = k->x + 1 + i * (k->cell + 1) + (k->cell - 1) / 2;
    bool pad = element < 0 || element >= k->length;
    int64_t met = pad ? element_met(k, element) : element;
    if (met < 0)
      sc_draw_text(c, x, k->y, SC_FAINT, SC_CENTRE, "·");
    else if (pad)
      sc_draw_text(c, x, k->y, SC_FAINT, SC_CENTRE, "(%lld)", (long long)met);
    else
      sc_draw_text(c, x, k->y, SC_INK, SC_CENTRE, "%lld", (long long)element);
  }
}

static void put_step(const walk *k, int64_t step, int row) {
  sc_canvas *c = &k->d->canvas;
  int y = k->y + 2 + row, ink = k->d->ink[k->w->tap];
  char name[ES_MAX_NAME + 8];
  sc_draw_text(c, k->x - 2, y, k->d->ink[k->w->walker], SC_RIGHT, "%s %lld",
               sc_label_name(k->d->outline, k->w->walker, name), (long long)step);
  int64_t first = k->w->axis->constant + k->step * step;
  for (int i = 0; i < k->shown; i++) {
    int64_t element = k->low + i, tap = (element - first) / k->spacing;
    if (tap < 0 || tap >= k->taps || first + tap * k->spacing != element) continue;
    int x = k->x + 1 + i * (k->cell + 1);
    bool pad = element < 0 || element >= k->length;
    if (!pad) sc_draw_tint(c, x, x + k->cell - 1, y, false, ink);
    sc_draw_text(c, x + (k->cell - 1) / 2, y, pad ? SC_FAINT : ink, SC_CENTRE,
                 pad ? "(%lld)" : "%lld", (long long)tap);
  }
}

static void put_title(const walk *k) {
  sc_drawing *d = k->d;
  const es_outline_axis *axis = k->w->axis;
  char name[ES_MAX_NAME + 8], other[ES_MAX_NAME + 8];
  int x = sc_draw_pattern(d, 0, d->row, axis->offset, axis->length);
  sc_buffer line = {0};
  if (k->w->operand < 0)
    sc_printf(&line, "adds into axis %d of the result, %lld long", k->w->place,
              (long long)k->length);
  else
    sc_printf(&line, "reads axis %d of operand %d, %lld long: the taps %s of every %s", k->w->place,
              k->w->operand, (long long)k->length, sc_label_name(d->outline, k->w->tap, name),
              sc_label_name(d->outline, k->w->walker, other));
  sc_draw_words(d, x + 2, SC_INK, sc_text(&line));
  sc_buffer_free(&line);
}

static void draw_walk(walk *k) {
  sc_drawing *d = k->d;
  char name[ES_MAX_NAME + 8];
  const char *walker = sc_label_name(d->outline, k->w->walker, name);
  measure(k);
  put_title(k);
  put_facts(k);
  k->x = (int)sc_columns(walker, strlen(walker)) + 4;
  k->y = d->row;
  int64_t all = k->high - k->low + 1, room = all;
  if (d->columns) room = (d->columns - k->x - 2) / (k->cell + 1);
  if (room < LEAST_COLUMNS) room = LEAST_COLUMNS;
  if (room > 40) room = 40;
  k->shown = (int)(all < room ? all : room);
  int rows = (int)(k->steps <= STEPS + 1 ? k->steps : STEPS); /* one left out saves no line */
  put_heads(k);
  if (rows > 0) sc_draw_table(&d->canvas, k->x, k->y + 1, k->shown, rows, k->cell, false);
  for (int i = 0; i < rows; i++) put_step(k, i, i);
  d->row = k->y + 3 + rows;
  if (rows < k->steps || k->shown < all) {
    sc_draw_text(&d->canvas, k->x, d->row++, SC_FAINT, SC_LEFT, "⋯ %lld steps, %lld elements",
                 (long long)k->steps, (long long)k->length);
  }
}

void sc_draw_windows(sc_drawing *d) {
  sc_window window;
  for (int i = 0; sc_window_at(d->outline, i, &window); i++) {
    walk k = {.d = d, .w = &window};
    bool same = false; /* a square window is drawn once */
    sc_window before;
    for (int j = 0; j < i && sc_window_at(d->outline, j, &before); j++) {
      walk first = {.d = d, .w = &before};
      measure(&first);
      measure(&k);
      same |= first.length == k.length && first.steps == k.steps && first.taps == k.taps &&
              first.step == k.step && first.spacing == k.spacing &&
              before.axis->constant == window.axis->constant &&
              (before.operand < 0) == (window.operand < 0);
    }
    if (same) continue;
    d->row++;
    draw_walk(&k);
  }
}
