/* A plan as a picture: operands above, one box a stage below the middle of what it reads,
 * the result at the bottom. Of many operands: one row a stage in the order they run, the operands
 * that it reads left of it, lines from earlier stages on its right. The thicker a line, the more
 * elements it carries; the darker a box, the larger its share of the multiply-adds. */
#include "engine/explain_svg.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "engine/stage.h"

enum { HEIGHT = 62, GAP = 22, DROP = 46, MARGIN = 24 };
enum { MOST = 128, INPUTS = 8 }; /* stages that are drawn, and inputs of one */
enum { ABREAST = 7 };            /* operands that stand in a row */
enum { SHORT = 38, LONG = 72 };  /* code points of a line in a box, at least and at most */

static const double LETTER = 7.2; /* width of one, of text of this size */

typedef struct spot {
  double x, y; /* middle of the upper edge */
} spot;

typedef struct layout {
  const es_plan *plan;
  int level[MOST];
  spot stage[MOST], operand[MOST][INPUTS]; /* y 0: not placed */
  int leaves, levels;
  double right; /* the middle of the rightmost box */
  int letters;  /* of a line in a box */
  double width; /* of a box */
  bool rows;    /* one for each stage */
} layout;

static const es_problem *problem(const layout *l, int stage) {
  return es_stage_of(l->plan, stage, NULL).step->problem;
}

static int inputs(const layout *l, int stage) {
  int n = problem(l, stage)->n_in;
  return n < INPUTS ? n : INPUTS;
}

/* The stage that writes what another reads; -1: it is an operand. */
static int writer(const layout *l, int stage, int input) {
  return es_stage_writing(l->plan, problem(l, stage)->in[input].slot, stage);
}

/* A number of the text, which is no box. */
static bool is_number(const layout *l, int stage, int input) {
  int slot = problem(l, stage)->in[input].slot;
  return slot >= l->plan->n_in + l->plan->n_out && l->plan->slot[slot].constant;
}

static bool is_read(const layout *l, int stage) {
  for (int g = stage + 1; g < l->plan->n_groups; g++)
    for (int i = 0; es_stage_shown(l->plan, g) && i < inputs(l, g); i++)
      if (writer(l, g, i) == stage) return true;
  return false;
}

/* ---- where things stand ---------------------------------------------------------------- */

static double row(int level) { return MARGIN + 34 + level * (double)(HEIGHT + DROP); }

static void set_levels(layout *l) {
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_shown(l->plan, g)) continue;
    l->level[g] = 1;
    for (int i = 0; i < inputs(l, g); i++) {
      int from = writer(l, g, i);
      if (from >= 0 && l->level[from] >= l->level[g]) l->level[g] = l->level[from] + 1;
    }
    if (l->level[g] >= l->levels) l->levels = l->level[g] + 1;
  }
}

/* A box that one at x would overlap; NULL for none. */
static const spot *in_the_way(const layout *l, double x, double y) {
  for (int g = 0; g < l->plan->n_groups; g++)
    for (int i = -1; i < INPUTS; i++) {
      const spot *s = i < 0 ? &l->stage[g] : &l->operand[g][i];
      if (s->y == y && fabs(s->x - x) < l->width + GAP - 1) return s;
    }
  return NULL;
}

/* To the right of what stands there already. */
static spot stand(layout *l, double x, double y) {
  for (const spot *s; (s = in_the_way(l, x, y)) != NULL;) x = s->x + l->width + GAP;
  l->right = fmax(l->right, x);
  return (spot){x, y};
}

static double next_leaf(layout *l) {
  return MARGIN + l->width / 2 + l->leaves++ * (l->width + GAP);
}

static void stand_below(layout *l, int stage) {
  double sum = 0;
  int n = 0;
  for (int i = 0; i < inputs(l, stage); i++) {
    int from = writer(l, stage, i);
    if (from < 0 && is_number(l, stage, i)) continue;
    sum += from < 0 ? l->operand[stage][i].x : l->stage[from].x;
    n++;
  }
  l->stage[stage] = stand(l, n ? sum / n : next_leaf(l), row(l->level[stage]));
}

/* The tree above a result, inputs in order, operands from left to right. What was placed already
 * stays where it is. */
static void place(layout *l, int root) {
  int stack[MOST], next[MOST], top = 0;
  stack[0] = root;
  next[0] = 0;
  while (top >= 0) {
    int g = stack[top], i = next[top]++;
    if (i == inputs(l, g)) {
      stand_below(l, g);
      top--;
      continue;
    }
    int from = writer(l, g, i);
    if (from < 0 && !is_number(l, g, i)) {
      l->operand[g][i] = stand(l, next_leaf(l), row(l->level[g] - 1));
    } else if (from >= 0 && l->stage[from].y == 0) {
      stack[++top] = from;
      next[top] = 0;
    }
  }
}

/* Operands of a stage. */
static int operands(const layout *l, int stage) {
  int n = 0;
  for (int i = 0; i < inputs(l, stage); i++)
    n += writer(l, stage, i) < 0 && !is_number(l, stage, i);
  return n;
}

/* Boxes are as wide as the longest text of a stage wants, within limits. */
static void measure(layout *l) {
  int all = 0;
  l->letters = SHORT;
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_shown(l->plan, g)) continue;
    int length = (int)strlen(l->plan->group[g].text);
    if (length > l->letters) l->letters = length < LONG ? length : LONG;
    all += operands(l, g);
  }
  l->width = l->letters * LETTER;
  l->rows = all > ABREAST;
}

static void place_rows(layout *l) {
  int columns = 0, at = 0;
  for (int g = 0; g < l->plan->n_groups; g++)
    if (es_stage_shown(l->plan, g) && operands(l, g) > columns) columns = operands(l, g);
  l->right = MARGIN + l->width / 2 + columns * (l->width + GAP);
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_shown(l->plan, g)) continue;
    l->stage[g] = (spot){l->right, row(0) + at++ * (double)(HEIGHT + GAP)};
    int left = operands(l, g);
    for (int i = 0; i < inputs(l, g); i++)
      if (writer(l, g, i) < 0 && !is_number(l, g, i))
        l->operand[g][i] = (spot){l->right - left-- * (l->width + GAP), l->stage[g].y};
  }
  l->levels = at;
}

static void place_tree(layout *l) {
  set_levels(l);
  for (int g = 0; g < l->plan->n_groups; g++)
    if (es_stage_shown(l->plan, g) && !is_read(l, g)) place(l, g);
}

/* ---- drawing --------------------------------------------------------------------------- */

/* At most so many code points, with what XML asks to be written otherwise. False: there are more.
 */
static bool put_label(es_text *t, const char *text, int letters) {
  size_t len = strlen(text);
  for (size_t i = 0, n = 0; i < len; n++) {
    uint32_t code;
    int bytes = es_utf8_decode(text + i, len - i, &code);
    if (bytes == 0) break;
    if (n == (size_t)letters) return false;
    if (code == '<' || code == '>' || code == '&')
      es_text_puts(t, code == '<' ? "&lt;" : code == '>' ? "&gt;" : "&amp;");
    else
      es_text_put(t, text + i, (size_t)bytes);
    i += (size_t)bytes;
  }
  return true;
}

/* What is too long for its box is told as a whole where the pointer rests on it. */
static void put_line(es_text *t, const layout *l, spot at, int down, int size, const char *color,
                     const char *text) {
  es_text_printf(t, "<text x='%.1f' y='%.1f' font-size='%d' fill='%s' text-anchor='middle'>", at.x,
                 at.y + down, size, color);
  if (!put_label(t, text, l->letters)) {
    es_text_puts(t, "…<title>");
    put_label(t, text, INT_MAX);
    es_text_puts(t, "</title>");
  }
  es_text_puts(t, "</text>\n");
}

static void put_box(es_text *t, const layout *l, spot at, const char *fill, const char *edge,
                    int round) {
  es_text_printf(t,
                 "<rect x='%.1f' y='%.1f' width='%.1f' height='%d' rx='%d' fill='%s' "
                 "stroke='%s'/>\n",
                 at.x - l->width / 2, at.y, l->width, HEIGHT, round, fill, edge);
}

/* How far a line between two rows bends to the right. */
static double bend(double rows) { return fmin(40 + 12 * rows, 260); }

/* From the lower edge of one box to the upper edge of another; in rows from the left to the right,
 * and from one row to a later one around the right. */
static void put_edge(es_text *t, const layout *l, spot from, spot to, double elements) {
  double x[4] = {from.x, from.x, to.x, to.x}, y[4] = {from.y + HEIGHT, 0, 0, to.y};
  y[1] = y[2] = (y[0] + y[3]) / 2;
  if (l->rows) {
    bool along = from.y == to.y;
    double shift = along ? 0 : 10, out = along ? 0 : bend((to.y - from.y) / (HEIGHT + GAP));
    x[0] = from.x + l->width / 2;
    x[3] = along ? to.x - l->width / 2 : x[0];
    x[1] = x[0] + out;
    x[2] = x[3] + out;
    y[0] = y[1] = from.y + HEIGHT / 2.0 + shift;
    y[2] = y[3] = to.y + HEIGHT / 2.0 - shift;
  }
  es_text_printf(t,
                 "<path d='M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f' fill='none' "
                 "stroke='#8a97a6' stroke-width='%.1f'/>\n",
                 x[0], y[0], x[1], y[1], x[2], y[2], x[3], y[3],
                 1 + fmin(7, fmax(0, log10(fmax(elements, 1)) - 1)));
}

static double elements_of(const layout *l, int stage, int input) {
  const es_problem *p = problem(l, stage);
  return es_problem_side_bytes(p, &p->in[input]) / (double)es_dtype_size(p->in[input].dtype);
}

static void draw_operand(es_text *t, const layout *l, int stage, int input) {
  int slot = problem(l, stage)->in[input].slot;
  char line[128];
  es_text first = es_text_init(line, sizeof line);
  spot at = l->operand[stage][input];
  put_edge(t, l, at, l->stage[stage], elements_of(l, stage, input));
  put_box(t, l, at, "#ffffff", "#5b6b7c", 14);
  if (slot < l->plan->n_in)
    es_text_printf(&first, "operand %d", slot);
  else
    es_text_puts(&first, "padded operand");
  put_line(t, l, at, 18, 11, "#5b6b7c", line);
  first = es_text_init(line, sizeof line);
  if (l->plan->group[stage].points_formula) es_stage_term(&first, &l->plan->group[stage], input);
  put_line(t, l, at, 36, 13, "#1c2733", line);
  first = es_text_init(line, sizeof line);
  es_text_puts(&first, es_dtype_name(l->plan->slot[slot].dtype));
  es_text_puts(&first, " ");
  es_text_shape(&first, l->plan->slot[slot].rank, l->plan->slot[slot].shape);
  put_line(t, l, at, 53, 11, "#5b6b7c", line);
}

static void put_time(es_text *t, const es_stage *s) {
  bool seen = s->measured >= 0;
  double seconds = seen ? s->measured : s->predicted;
  int unit = seconds < 1e-6 ? 0 : seconds < 1e-3 ? 1 : seconds < 1 ? 2 : 3;
  static const char *const name[] = {"ns", "µs", "ms", "s"};
  static const double scale[] = {1e9, 1e6, 1e3, 1};
  es_text_printf(t, "%s%.3g %s", seen ? "" : "~", seconds * scale[unit], name[unit]);
}

static void draw_stage(es_text *t, const layout *l, int stage, const double *seconds) {
  static const char *const fills[] = {"#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59"};
  es_stage s = es_stage_of(l->plan, stage, seconds);
  spot at = l->stage[stage];
  char line[256];
  for (int i = 0; i < inputs(l, stage); i++) {
    int from = writer(l, stage, i);
    if (from >= 0) put_edge(t, l, l->stage[from], at, elements_of(l, stage, i));
  }
  double share = l->plan->flops > 0 ? s.flops / l->plan->flops : 0;
  put_box(t, l, at, fills[(int)fmin(4, share * 5)], "#7f4f24", 3);
  put_line(t, l, at, 18, 13, "#1c2733", s.group->text);
  es_text text = es_text_init(line, sizeof line);
  if (s.group->points_formula)
    es_stage_sizes(&text, s.group);
  else
    es_text_shape(&text, problem(l, stage)->out_rank, problem(l, stage)->out_shape);
  put_line(t, l, at, 35, 11, "#3c4a58", line);
  text = es_text_init(line, sizeof line);
  if (s.group->points_formula) es_text_printf(&text, "%.3g points, ", s.flops);
  es_text_printf(&text, "%s, ", s.step->strategy->name);
  put_time(&text, &s);
  put_line(t, l, at, 52, 11, "#3c4a58", line);
}

static void draw_all(es_text *t, const layout *l, const double *seconds) {
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_shown(l->plan, g)) continue;
    for (int i = 0; i < inputs(l, g); i++)
      if (writer(l, g, i) < 0 && !is_number(l, g, i)) draw_operand(t, l, g, i);
    draw_stage(t, l, g, seconds);
  }
}

static void put_title(es_text *t, const es_plan *plan, double x) {
  char line[200];
  es_text text = es_text_init(line, sizeof line);
  es_text_printf(&text, "%.3g multiply-adds", plan->flops);
  if (plan->naive > plan->flops) es_text_printf(&text, ", %.3g all at once", plan->naive);
  double kib = (double)plan->workspace / 1024;
  es_text_printf(&text, "; workspace %.3g %s", kib < 1024 ? kib : kib / 1024,
                 kib < 1024 ? "KiB" : "MiB");
  es_text_printf(
      t, "<text x='%.1f' y='%d' font-size='14' fill='#1c2733' text-anchor='middle'>%s</text>\n", x,
      MARGIN + 6, line);
}

/* Width and height of the whole. */
static spot extent_of(const layout *l) {
  if (l->rows)
    return (spot){l->right + l->width / 2 + 0.75 * bend(l->levels) + MARGIN,
                  row(0) + l->levels * (double)(HEIGHT + GAP) - GAP + MARGIN};
  double width = 2 * MARGIN + (l->leaves > 1 ? l->leaves : 2) * (l->width + GAP) - GAP;
  return (spot){fmax(width, l->right + l->width / 2 + MARGIN), row(l->levels) - DROP + MARGIN};
}

void es_explain_svg(es_text *t, const es_plan *plan, const double *seconds) {
  layout l = {.plan = plan, .levels = 1, .letters = LONG, .width = LONG * LETTER};
  bool fits = plan->n_groups <= MOST;
  if (fits) {
    measure(&l);
    if (l.rows)
      place_rows(&l);
    else
      place_tree(&l);
  }
  spot size = extent_of(&l);
  es_text_printf(t,
                 "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' "
                 "viewBox='0 0 %.0f %.0f' font-family='DejaVu Sans, Verdana, sans-serif'>\n"
                 "<rect width='100%%' height='100%%' fill='#ffffff'/>\n",
                 size.x, size.y, size.x, size.y);
  put_title(t, plan, size.x / 2);
  if (fits)
    draw_all(t, &l, seconds);
  else
    put_line(t, &l, (spot){size.x / 2, MARGIN + 20}, 20, 12, "#5b6b7c",
             "too many stages for a picture");
  es_text_puts(t, "</svg>\n");
}
