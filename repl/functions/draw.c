/* Pictures as functions: of an expression, of numbers. Each gives text, or writes a file. */
#include <stdlib.h>
#include <string.h>

#include "einstride/io.h"
#include "repl/functions/deliver.h"
#include "repl/functions/explain.h"
#include "repl/functions/plan.h"
#include "repl/functions/program.h"
#include "repl/functions/tables.h"
#include "repl/pictures/diagram.h"
#include "repl/pictures/heat.h"
#include "repl/text/terminal.h"

/* ---- diagram ---------------------------------------------------------------------------- */

enum { CARD_CELLS = 64, CARD_POINTS = 4096 };

static const es_outline *outline_of(sc_args *a, const sc_question *q, const es_axis_size *sizes,
                                    bool bare) {
  es_error error = {0};
  a->s->pattern = q->text;
  a->s->pattern_len = strlen(q->text);
  const es_outline *o = es_outline_make(a->s->es, ES_KIND_EINSUM, q->text, bare ? NULL : q->in,
                                        bare ? 0 : q->n, sizes, &error);
  if (!o) sc_fail_error(a->s, a->span, &error);
  a->s->pattern = NULL;
  return o;
}

static bool is_given(const sc_question *q, const char *name) {
  for (int64_t i = 0; i < q->n_sizes; i++)
    if (!strcmp(q->sizes[i].name, name)) return true;
  return false;
}

static bool in_window(const es_outline *o, int label) {
  for (int t = 0; t < o->n_in + o->n_out; t++)
    for (int i = 0; i < o->term[t].rank; i++)
      if (o->term[t].axis[i].affine && sc_axis_holds(&o->term[t].axis[i], label)) return true;
  return false;
}

/* An axis of its own in every term that has it. */
static bool is_plain(const es_outline *o, int label) {
  for (int t = 0; t < o->n_in + o->n_out; t++)
    for (int i = 0; i < o->term[t].rank; i++) {
      const es_outline_axis *axis = &o->term[t].axis[i];
      if (sc_axis_holds(axis, label) && (axis->n != 1 || axis->affine)) return false;
    }
  return true;
}

/* An outline with sizes small enough to be drawn one by one: those given, else 3 for windows
 * and the last label, 2 for others, plain for those that stand alone. NULL without an error
 * where an axis has no name to size it by. */
static const es_outline *small_outline(sc_args *a, const sc_question *q, const es_outline *o,
                                       int64_t plain) {
  es_axis_size *sizes = sc_scratch(a->s, (size_t)(q->n_sizes + o->n_labels + 1) * sizeof *sizes);
  int64_t n = q->n_sizes;
  memcpy(sizes, q->sizes, (size_t)n * sizeof *sizes);
  for (int i = 0; i < o->n_labels; i++) {
    const char *name = o->label[i].name;
    if (strstr(name, "...") || !strcmp(name, "_")) return NULL;
    if (is_given(q, name) || (*name >= '0' && *name <= '9')) continue;
    int64_t size = o->label[i].size, small = in_window(o, i) || i + 1 == o->n_labels ? 3 : 2;
    if (plain < small && is_plain(o, i)) small = plain;
    sizes[n++] = (es_axis_size){name, size >= 0 && size < small ? size : small};
  }
  return outline_of(a, q, sizes, true);
}

static bool axis_known(const es_outline *o, const es_outline_axis *axis) {
  if (axis->size < 0) return false;
  for (int k = 0; k < axis->n; k++)
    if (!axis->coef[k] || o->label[axis->label[k]].size < 0) return false;
  for (int k = 0; k < axis->n_parts; k++)
    if (!axis_known(o, &axis->part[k])) return false;
  return true;
}

static bool all_known(const es_outline *o) {
  for (int t = 0; t < o->n_in + o->n_out; t++)
    for (int i = 0; i < o->term[t].rank; i++)
      if (!axis_known(o, &o->term[t].axis[i])) return false;
  return true;
}

/* Few enough elements to draw each. */
static bool fits_a_card(const es_outline *o) {
  if (!sc_card_possible(o) || !all_known(o)) return false;
  double points = 1;
  for (int i = 0; i < o->n_labels; i++) points *= (double)o->label[i].size;
  for (int t = 0; t < o->n_in + o->n_out; t++) {
    double cells = 1;
    for (int i = 0; i < o->term[t].rank; i++) cells *= (double)o->term[t].axis[i].size;
    if (cells > CARD_CELLS) return false;
  }
  return points <= CARD_POINTS;
}

static void put_note(sc_drawing *d, const es_outline *small) {
  sc_buffer note = {0};
  sc_puts(&note, "sizes chosen for the picture: ");
  bool any = false;
  for (int i = 0; i < small->n_labels; i++) {
    char text[ES_MAX_NAME + 32];
    if (small->label[i].name[0] >= '0' && small->label[i].name[0] <= '9') continue;
    sc_label_text(small, i, text);
    sc_printf(&note, "%s%s", any ? ", " : "", text);
    any = true;
  }
  sc_draw_words(d, 0, SC_FAINT, sc_text(&note));
  sc_buffer_free(&note);
}

/* A card of one operand, else the network; then the windows. */
static bool draw_all(sc_args *a, const sc_question *q, sc_drawing *d, const es_outline *o) {
  sc_window window;
  bool known = all_known(o), windows = sc_window_at(o, 0, &window);
  bool card = sc_card_possible(o);
  const es_outline *small = NULL;
  if ((card && !fits_a_card(o)) || (windows && !known)) small = small_outline(a, q, o, 3);
  if (card && small && !fits_a_card(small)) { /* once more, with 1 where nothing happens */
    es_outline_free(small);
    small = small_outline(a, q, o, 1);
  }
  if (small && known && !fits_a_card(small)) { /* then as it is */
    es_outline_free(small);
    small = NULL;
  }
  if (a->s->fault.set) return false;
  d->outline = card && small ? small : o;
  card = fits_a_card(d->outline);
  if (card)
    sc_draw_card(d);
  else
    sc_draw_network(d);
  if (windows) {
    if (small && !known) d->outline = small;
    if (all_known(d->outline)) sc_draw_windows(d);
  }
  if (small && d->outline == small) put_note(d, small);
  es_outline_free(small);
  return true;
}

/* Of several patterns: the steps they become, and what flows between them. */
static sc_value *diagram_of_program(sc_args *a, const sc_question *q, bool svg, const char *path) {
  es_plan *plan = sc_plan_make(a->s, a->span, q);
  sc_buffer out = {0};
  if (!plan) return NULL;
  sc_put_plan(&out, plan, svg ? ES_EXPLAIN_SVG : ES_EXPLAIN_TEXT, NULL, "");
  es_plan_release(plan);
  return sc_deliver(a, &out, path);
}

static sc_value *diagram(sc_args *a) {
  sc_question q;
  const char *format, *path;
  if (!sc_read_question(a, &q) || !sc_arg_text(a, 2, &format) || !sc_arg_text(a, 3, &path))
    return NULL;
  if (!format) format = path ? "svg" : "text";
  bool svg = !strcmp(format, "svg"), color = !strcmp(format, "color");
  if (!svg && !color && strcmp(format, "text") != 0)
    return sc_fail(a->s, ES_E_VALUE, a->at[2], "format is 'text', 'color' or 'svg', found '%.40s'",
                   format);
  if (sc_is_program(q.text)) return diagram_of_program(a, &q, svg, path);
  const es_outline *o = outline_of(a, &q, q.sizes, !q.n);
  if (!o) return NULL;
  sc_drawing d = {.text = q.text, .outline = o, .columns = svg ? 0 : sc_terminal_columns()};
  sc_buffer out = {0};
  if (color) sc_palette_keep(&a->s->palette, q.text, strlen(q.text));
  d.ink = sc_scratch(a->s, (size_t)o->n_labels * sizeof *d.ink);
  sc_ink_labels(d.ink, o, color ? &a->s->palette : NULL);
  bool ok = draw_all(a, &q, &d, o);
  if (ok && svg)
    sc_canvas_svg(&out, &d.canvas, q.text);
  else if (ok)
    sc_canvas_text(&out, &d.canvas, d.columns, color);
  sc_canvas_free(&d.canvas);
  es_outline_free(o);
  return ok ? sc_deliver(a, &out, path) : NULL;
}

/* ---- show ------------------------------------------------------------------------------ */

static bool ends_in(const char *path, const char *ending) {
  size_t n = strlen(path), m = strlen(ending);
  return n >= m && !strcmp(path + n - m, ending);
}

static sc_value *save_picture(sc_args *a, const sc_heat *h, const char *path) {
  es_tensor *picture = sc_heat_picture(a->s->es, h, 512);
  if (!picture || es_save(a->s->es, path, picture) != ES_OK) return sc_fail_engine(a->s, a->span);
  return sc_none(a->s);
}

static sc_value *show(sc_args *a) {
  enum { PANELS = 64, CELLS = 128, PIXELS = 512 };
  const char *format, *path;
  es_tensor *t = sc_arg_tensor(a, 0);
  if (!t || !sc_arg_text(a, 1, &format) || !sc_arg_text(a, 2, &path)) return NULL;
  if (!format) format = !path ? "text" : ends_in(path, ".png") ? "png" : "svg";
  bool svg = !strcmp(format, "svg"), png = !strcmp(format, "png"), color = !strcmp(format, "color");
  if (!svg && !png && !color && strcmp(format, "text") != 0)
    return sc_fail(a->s, ES_E_VALUE, a->at[1],
                   "format is 'text', 'color', 'svg' or 'png', found '%.40s'", format);
  if (a->s->shapes_only) return path ? sc_none(a->s) : sc_string(a->s, "", 0); /* no numbers */
  if (png && !path)
    return sc_fail(a->s, ES_E_VALUE, a->span, "a PNG needs a file: show(x, file='x.png')");
  if (png && !ends_in(path, ".png"))
    return sc_fail(a->s, ES_E_VALUE, a->span, "a PNG is written to a name that ends in .png");
  int columns = sc_terminal_columns(), rows = sc_terminal_rows() - 3;
  if (rows < 8) rows = 8;
  bool file = svg || png;
  sc_heat h;
  sc_buffer out = {0};
  int64_t down = png ? PIXELS : svg ? CELLS : color ? 2 * rows : rows;
  int64_t across = png ? PIXELS : svg ? CELLS : color ? columns : columns / 2;
  if (!sc_heat_make(a->s, a->span, t, file ? PANELS : PANELS / 4, down, across, &h)) return NULL;
  sc_value *result = NULL;
  if (a->value[0]->kind == SC_TENSOR) h.axes = a->value[0]->axes;
  if (svg)
    sc_heat_svg(&out, &h, "heat map");
  else if (png)
    result = save_picture(a, &h, path);
  else
    sc_heat_text(&out, &h, columns, color ? sc_terminal_colors() : 0);
  sc_heat_free(&h);
  return png ? result : sc_deliver(a, &out, path);
}

const sc_function sc_functions_draw[] = {
    {"diagram", SC_IN_BARE, "pattern operands* format? file? **", diagram, 0,
     "The tensor network of a pattern; of one operand a card that says what lands where; of "
     "windows how they walk. Operands are tensors, shapes, or left out."},
    {"show", SC_IN_BARE, "x format? file?", show, 0,
     "A heat map of the last two axes, one for each place on the axes before. file='x.png' or "
     "'x.svg' writes it."},
    {NULL, 0, NULL, NULL, 0, NULL}};
