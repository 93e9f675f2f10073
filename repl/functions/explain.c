/* explain(…): the way of a pattern from its text to the steps that run, each stage in the
 * names of the text. */
#include "repl/functions/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/functions/deliver.h"
#include "repl/functions/plan.h"
#include "repl/functions/program.h"
#include "repl/functions/tables.h"
#include "repl/pictures/diagram.h"

/* ---- what is said of the text --------------------------------------------------------- */

static void put_heading(sc_canvas *c, int *row, int number, const char *title) {
  if (number > 1) ++*row;
  sc_draw_text(c, 0, *row, SC_INK, SC_LEFT, "%d  %s", number, title);
  ++*row;
}

/* The tokens, as the lexer cuts them, kinds left out. */
static void put_tokens(sc_args *a, const sc_question *q, sc_canvas *c, int *row) {
  sc_value *dump = sc_dump(a->s, a->span, q->text, NULL, 0, q->sizes, "t");
  enum { WIDTH = 90 };
  sc_buffer line = {0};
  for (const char *at = dump ? dump->text : NULL; at && *at; at++) {
    long offset, length; /* "_ NAME   12+2 kh": the place and length in the text */
    if (sscanf(at + 2, "%*s %ld+%ld", &offset, &length) == 2 && length > 0) {
      if (line.len + (size_t)length > WIDTH && line.len) {
        sc_draw_text(c, 3, (*row)++, SC_INK, SC_LEFT, "%s", sc_text(&line));
        line.len = 0;
      }
      sc_printf(&line, "%s%.*s", line.len ? " " : "", (int)length, q->text + offset);
    }
    at = strchr(at, '\n');
    if (!at) break;
  }
  sc_draw_text(c, 3, (*row)++, SC_INK, SC_LEFT, "%s", sc_text(&line));
  sc_buffer_free(&line);
}

/* ---- labels and strides ------------------------------------------------------------------ */

/* Arrays that have a column each; of more the few are listed that a label moves in, in about so
 * many cells. */
enum { COLUMNS = 8, LIST = 60 };

/* How far one step along a label moves in an operand, in elements; false: it has no part. */
static bool stride_of(const es_outline_axis *axis, int64_t stride, int label, int64_t *sum) {
  bool found = false;
  for (int i = 0; i < axis->n; i++)
    if (axis->label[i] == label) {
      *sum += axis->coef[i] * stride;
      found = true;
    }
  for (int i = 0; i < axis->n_parts; i++) found |= stride_of(&axis->part[i], stride, label, sum);
  return found;
}

/* Strides of a term: of the operand as it lies, of the result in C order. */
static void strides_of(const es_outline_term *term, const es_array *in, int64_t *stride) {
  int64_t step = 1;
  for (int i = term->rank - 1; i >= 0; i--) {
    stride[i] = in && in->strides ? in->strides[i] : step;
    step *= term->axis[i].size;
  }
}

/* How far one step along a label moves in the array of a term; false: it has no part there. */
static bool moves(const es_outline *o, const sc_question *q, int term, int label, int64_t *sum) {
  const es_outline_term *t = &o->term[term];
  int64_t stride[ES_MAX_RANK];
  bool found = false;
  *sum = 0;
  strides_of(t, term < o->n_in ? &q->in[term] : NULL, stride);
  for (int i = 0; i < t->rank; i++) found |= stride_of(&t->axis[i], stride[i], label, sum);
  return found;
}

/* The element that the array of a term is read from first. */
static int64_t start_of(const es_outline *o, const sc_question *q, int term) {
  const es_outline_term *t = &o->term[term];
  int64_t stride[ES_MAX_RANK], start = 0;
  strides_of(t, term < o->n_in ? &q->in[term] : NULL, stride);
  for (int i = 0; i < t->rank; i++) start += t->axis[i].constant * stride[i];
  return start;
}

static void name_array(sc_buffer *b, const es_outline *o, int term) {
  if (term < o->n_in)
    sc_printf(b, "operand %d", term);
  else
    sc_printf(b, "result");
}

/* Returns the column after it; *shifted where the array is not read from its first element. */
static int put_column(sc_canvas *c, const es_outline *o, const sc_question *q, int term, int x,
                      int row, const int *ink, bool *shifted) {
  int64_t sum, start = start_of(o, q, term);
  int right = x + 12;
  sc_buffer head = {0};
  name_array(&head, o, term);
  sc_draw_text(c, right, row, SC_FAINT, SC_RIGHT, "%s", sc_text(&head));
  sc_buffer_free(&head);
  for (int label = 0; label < o->n_labels; label++) {
    if (moves(o, q, term, label, &sum))
      sc_draw_text(c, right, row + 1 + label, ink[label], SC_RIGHT, "%lld", (long long)sum);
    else
      sc_draw_text(c, right, row + 1 + label, SC_FAINT, SC_RIGHT, "·");
  }
  if (start)
    sc_draw_text(c, right, row + 1 + o->n_labels, SC_FAINT, SC_RIGHT, "from %lld",
                 (long long)start);
  *shifted |= start != 0;
  return right + 1;
}

/* "operand 3: 12, operand 4: 1", as many as fit: of label, or with -1 where arrays are read from.
 */
static void put_list(sc_canvas *c, const es_outline *o, const sc_question *q, int label, int x,
                     int row, int ink) {
  sc_buffer line = {0};
  for (int t = 0, most = o->n_in + o->n_out; t < most; t++) {
    int64_t value = start_of(o, q, t);
    if (label < 0 ? value == 0 : !moves(o, q, t, label, &value)) continue;
    if (line.len) sc_printf(&line, ", ");
    if (line.len > LIST) {
      sc_printf(&line, "…");
      break;
    }
    name_array(&line, o, t);
    sc_printf(&line, "%s%lld", label < 0 ? " from " : ": ", (long long)value);
  }
  sc_draw_text(c, x, row, ink, SC_LEFT, "%s", sc_text(&line));
  sc_buffer_free(&line);
}

static void put_labels(sc_canvas *c, const es_outline *o, const sc_question *q, const int *ink,
                       int *row) {
  int name_width = 5, x;
  bool shifted = false;
  char name[ES_MAX_NAME + 8];
  for (int i = 0; i < o->n_labels; i++) {
    const char *shown = sc_label_name(o, i, name);
    int columns = (int)sc_columns(shown, strlen(shown));
    if (columns > name_width) name_width = columns;
  }
  x = 3 + name_width;
  sc_draw_text(c, 3, *row, SC_FAINT, SC_LEFT, "label");
  sc_draw_text(c, x + 9, *row, SC_FAINT, SC_RIGHT, "size");
  sc_draw_text(c, x + 12, *row, SC_FAINT, SC_LEFT, "role");
  for (int i = 0; i < o->n_labels; i++) {
    int y = *row + 1 + i;
    sc_draw_text(c, 3, y, ink[i], SC_LEFT, "%s", sc_label_name(o, i, name));
    sc_draw_text(c, x + 9, y, ink[i], SC_RIGHT, "%lld", (long long)o->label[i].size);
    sc_draw_text(c, x + 12, y, o->label[i].reduced ? SC_FAINT : SC_INK, SC_LEFT, "%s",
                 o->label[i].reduced ? "reduced" : "kept");
  }
  x += 19;
  const int arrays = o->n_in + o->n_out;
  if (arrays <= COLUMNS) {
    for (int t = 0; t < arrays; t++) x = put_column(c, o, q, t, x, *row, ink, &shifted);
  } else {
    for (int t = 0; t < arrays; t++) shifted |= start_of(o, q, t) != 0;
    for (int i = 0; i < o->n_labels; i++) put_list(c, o, q, i, x + 2, *row + 1 + i, ink[i]);
    if (shifted) put_list(c, o, q, -1, x + 2, *row + 1 + o->n_labels, SC_FAINT);
  }
  *row += 1 + o->n_labels + shifted;
}

/* "0 <= h + kh - 1 < 8 on axis 2 of operand 0, else nothing is read" */
static void put_conditions(sc_canvas *c, const es_outline *o, const char *text, int *row) {
  for (int t = 0; t < o->n_in; t++)
    for (int i = 0; i < o->term[t].rank; i++) {
      const es_outline_axis *axis = &o->term[t].axis[i];
      if (!axis->fill) continue;
      sc_draw_text(c, 3, (*row)++, SC_FAINT, SC_LEFT,
                   "%.*s outside of 0 to %lld, axis %d of operand %d: %s", (int)axis->length,
                   text + axis->offset, (long long)axis->size - 1, i, t,
                   strcmp(axis->fill, "?0") ? "filled" : "nothing is read");
    }
}

/* ---- what it takes -------------------------------------------------------------------------- */

/* Seconds of each step at their best; NULL without an error when an operand is only a shape. */
static double *measure(sc_args *a, const sc_question *q, const es_plan *plan) {
  enum { RUNS = 5 };
  static const double LONG = 0.02; /* seconds: no more runs after that */
  es_ctx *es = a->s->es;
  if (a->s->shapes_only) return NULL;
  for (int64_t i = 0; i < q->n; i++)
    if (!q->in[i].data) return NULL;
  const int64_t bytes = (int64_t)es_plan_workspace(plan), n_out = es_plan_outputs(plan);
  es_array *result = sc_scratch(a->s, (size_t)n_out * sizeof *result);
  for (int64_t i = 0; i < n_out; i++) {
    es_array like = es_plan_output(plan, i);
    es_tensor *out = es_empty(es, like.dtype, like.rank, like.shape);
    if (!out) return sc_fail_engine(a->s, a->span);
    result[i] = like;
    result[i].data = es_data_mut(out);
  }
  es_tensor *work = es_empty(es, ES_U8, 1, &bytes);
  if (!work) return sc_fail_engine(a->s, a->span);
  size_t n = (size_t)es_plan_steps(plan) + 1;
  double *seconds = sc_scratch(a->s, n * sizeof *seconds), spent = 0;
  double *once = sc_scratch(a->s, n * sizeof *once);
  for (int run = 0; run < RUNS && spent < LONG; run++) { /* the first one meets cold memory */
    es_error error = {0};
    memset(once, 0, n * sizeof *once);
    if (es_run_timed(es, plan, q->in, q->n, result, n_out, bytes ? es_data_mut(work) : NULL, once,
                     &error) != ES_OK)
      return sc_fail_error(a->s, a->span, &error);
    for (size_t i = 0; i < n; i++) {
      spent += once[i];
      if (run == 0 || once[i] < seconds[i]) seconds[i] = once[i];
    }
  }
  return seconds;
}

void sc_put_plan(sc_buffer *out, const es_plan *plan, es_explain_format format,
                 const double *seconds, const char *indent) {
  size_t len = es_plan_explain(plan, format, seconds, NULL, 0);
  char *text = sc_alloc(len + 1);
  es_plan_explain(plan, format, seconds, text, len + 1);
  for (char *at = text; *at;) {
    size_t n = strcspn(at, "\n");
    if (n) sc_puts(out, indent);
    sc_put(out, at, n);
    at += n;
    if (*at) sc_put(out, at++, 1);
  }
  free(text);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static bool walk(sc_args *a, const sc_question *q, const es_plan *plan, const double *seconds,
                 bool color, sc_buffer *out) {
  if (sc_is_program(q->text)) { /* no table of labels and strides speaks of all its statements */
    sc_put_plan(out, plan, ES_EXPLAIN_TEXT, seconds, "");
    return true;
  }
  es_error error = {0};
  const es_outline *o = es_outline_make(a->s->es, ES_KIND_EINSUM, q->text, q->in, q->n, q->sizes,
                                        &error);
  if (!o) {
    sc_fail_error(a->s, a->span, &error);
    return false;
  }
  sc_canvas c = {0};
  int row = 0, *ink = sc_scratch(a->s, (size_t)o->n_labels * sizeof *ink);
  if (color) sc_palette_keep(&a->s->palette, q->text, strlen(q->text));
  sc_ink_labels(ink, o, color ? &a->s->palette : NULL);
  put_heading(&c, &row, 1, "tokens");
  put_tokens(a, q, &c, &row);
  put_heading(&c, &row, 2,
              "labels, and how far one step along each moves in every array (elements)");
  put_labels(&c, o, q, ink, &row);
  put_conditions(&c, o, q->text, &row);
  put_heading(&c, &row, 3, "steps");
  sc_canvas_text(out, &c, 0, color);
  sc_canvas_free(&c);
  es_outline_free(o);
  sc_put_plan(out, plan, ES_EXPLAIN_TEXT, seconds, "   ");
  return !a->s->fault.set;
}

static sc_value *stages(sc_args *a, const sc_question *q, const char *letters) {
  for (const char *c = letters; *c; c++)
    if (!strchr("taxvps", *c))
      return sc_fail(
          a->s, ES_E_VALUE, a->at[2],
          "stages are letters of t (tokens), a (tree), x (axes), v (views), p (problem), "
          "s (plan), found '%.40s'",
          letters);
  return sc_dump(a->s, a->span, q->text, q->n ? q->in : NULL, q->n, q->sizes, letters);
}

static sc_value *explain(sc_args *a) {
  static const char *const names[] = {"text", "json", "dot", "svg", "color"};
  enum { COLOR = 4, FORMATS };
  sc_question q;
  const char *letters, *format, *path;
  int chosen = 0;
  if (!sc_read_question(a, &q) || !sc_arg_text(a, 2, &letters) || !sc_arg_text(a, 3, &format) ||
      !sc_arg_text(a, 4, &path))
    return NULL;
  if (letters) return stages(a, &q, letters);
  if (!format) format = path ? "svg" : "text";
  while (chosen < FORMATS && strcmp(format, names[chosen]) != 0) chosen++;
  if (chosen == FORMATS)
    return sc_fail(a->s, ES_E_VALUE, a->at[3],
                   "format is 'text', 'color', 'json', 'dot' or 'svg', found '%.40s'", format);
  es_plan *plan = sc_plan_make(a->s, a->span, &q);
  if (!plan) return NULL;
  sc_buffer out = {0};
  double *seconds = q.n ? measure(a, &q, plan) : NULL;
  bool ok = !a->s->fault.set;
  if (ok && (chosen == ES_EXPLAIN_TEXT || chosen == COLOR))
    ok = walk(a, &q, plan, seconds, chosen == COLOR, &out);
  else if (ok)
    sc_put_plan(&out, plan, (es_explain_format)chosen, seconds, "");
  es_plan_release(plan);
  if (ok) return sc_deliver(a, &out, path);
  sc_buffer_free(&out);
  return NULL;
}

const sc_function sc_functions_explain[] = {
    {"explain", SC_IN_BARE, "pattern operands* stages? format? file? **", explain, 0,
     "The way of a pattern: tokens, labels with their strides, steps with sizes, costs, kernels "
     "and "
     "times (tensors are run, shapes are not). format='json', 'dot' or 'svg' gives the steps; "
     "stages='xvps' what each stage prints itself."},
    {NULL, 0, NULL, NULL, 0, NULL}};
