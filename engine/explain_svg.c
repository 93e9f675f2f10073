/* A plan as a picture: operands above, one box a stage below the middle of what it reads,
 * the result at the bottom. Of many operands: one row a stage in the order they run, the operands
 * that it reads left of it, lines from earlier stages on its right. The thicker a line, the more
 * elements it carries; the darker a box, the larger its share of the multiply-adds; grey is what
 * was computed of constants when the plan was made. */
#include "engine/explain_svg.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "engine/explain_layout.h"

/* ---- drawing --------------------------------------------------------------------------- */

/* At most so many code points, with what XML asks to be written otherwise. False: there are more.
 */
static bool put_label(es_text *t, const char *text, size_t len, int letters) {
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

/* Code points of this size that fit into a box. */
static int letters_of(const es_layout *l, int size) { return l->letters * ES_TEXT_LARGE / size; }

/* The first len bytes of a text; what is too long for its box is told as a whole where the pointer
 * rests on it. */
static void put_part(es_text *t, const es_layout *l, es_spot at, int down, int size,
                     const char *color, const char *text, size_t len) {
  es_text_printf(t, "<text x='%.1f' y='%.1f' font-size='%d' fill='%s' text-anchor='middle'>", at.x,
                 at.y + down, size, color);
  if (!put_label(t, text, len, letters_of(l, size))) {
    es_text_puts(t, "…<title>");
    put_label(t, text, len, INT_MAX);
    es_text_puts(t, "</title>");
  }
  es_text_puts(t, "</text>\n");
}

static void put_line(es_text *t, const es_layout *l, es_spot at, int down, int size,
                     const char *color, const char *text) {
  put_part(t, l, at, down, size, color, text, strlen(text));
}

/* Bytes of a text that go on its first line: it breaks at the last space that fits. */
static size_t first_line(const char *text, int letters) {
  size_t len = strlen(text), at = 0;
  for (size_t i = 0, n = 0; i < len && n <= (size_t)letters; n++) {
    uint32_t code;
    int bytes = es_utf8_decode(text + i, len - i, &code);
    if (text[i] == ' ') at = i;
    i += bytes > 0 ? (size_t)bytes : 1;
    if (i >= len) return len;
  }
  return at ? at : len;
}

/* What a stage does, on two lines where it is long. Returns how far those below move down. */
static int put_words(es_text *t, const es_layout *l, es_spot at, const char *words) {
  static const char *const color = "#1c2733";
  if (first_line(words, l->letters) == strlen(words)) {
    put_line(t, l, at, 18, ES_TEXT_LARGE, color, words);
    return 0;
  }
  size_t first = first_line(words, letters_of(l, ES_TEXT_SMALL));
  put_part(t, l, at, 14, ES_TEXT_SMALL, color, words, first);
  if (words[first]) put_line(t, l, at, 27, ES_TEXT_SMALL, color, words + first + 1);
  return 5;
}

static void put_box(es_text *t, double width, es_spot at, const char *fill, const char *edge,
                    int round) {
  es_text_printf(t,
                 "<rect x='%.1f' y='%.1f' width='%.1f' height='%d' rx='%d' fill='%s' "
                 "stroke='%s'/>\n",
                 at.x - width / 2, at.y, width, ES_BOX_HEIGHT, round, fill, edge);
}

/* From the lower edge of one box to the upper edge of another; in rows from the left to the right,
 * and from one row to a later one around the right. */
static void put_edge(es_text *t, const es_layout *l, es_spot from, es_spot to, double elements) {
  double x[4] = {from.x, from.x, to.x, to.x}, y[4] = {from.y + ES_BOX_HEIGHT, 0, 0, to.y};
  y[1] = y[2] = (y[0] + y[3]) / 2;
  if (l->rows) {
    bool along = from.y == to.y;
    double shift = along ? 0 : 10,
           out = along ? 0 : es_layout_bend((to.y - from.y) / (ES_BOX_HEIGHT + ES_BOX_GAP));
    x[0] = from.x + (along ? l->operand_width : l->width) / 2;
    x[3] = along ? to.x - l->width / 2 : x[0];
    x[1] = x[0] + out;
    x[2] = x[3] + out;
    y[0] = y[1] = from.y + ES_BOX_HEIGHT / 2.0 + shift;
    y[2] = y[3] = to.y + ES_BOX_HEIGHT / 2.0 - shift;
    if (along && x[3] - x[0] > ES_BOX_GAP + 1) { /* below the boxes between the two */
      y[0] = y[3] = from.y + ES_BOX_HEIGHT - 6;
      y[1] = y[2] = y[0] + ES_BOX_GAP + 6;
    }
  }
  es_text_printf(t,
                 "<path d='M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f' fill='none' "
                 "stroke='#8a97a6' stroke-width='%.1f'/>\n",
                 x[0], y[0], x[1], y[1], x[2], y[2], x[3], y[3],
                 1 + fmin(7, fmax(0, log10(fmax(elements, 1)) - 1)));
}

static double elements_of(const es_layout *l, int stage, int input) {
  const es_problem *p = es_layout_problem(l, stage);
  return es_problem_side_bytes(p, &p->in[input]) / (double)es_dtype_size(p->in[input].dtype);
}

static void draw_operand(es_text *t, const es_layout *l, int stage, int input) {
  int slot = es_layout_problem(l, stage)->in[input].slot;
  char line[128];
  es_text text = es_text_init(line, sizeof line);
  es_spot at = l->operand[stage][input];
  put_edge(t, l, at, l->stage[stage], elements_of(l, stage, input));
  put_box(t, l->operand_width, at, "#ffffff", "#5b6b7c", 14);
  if (slot < l->plan->n_in)
    es_stage_operand(&text, l->plan, slot);
  else
    es_text_puts(&text, "padded operand");
  bool termless = !l->plan->group[stage].points_formula;
  put_line(t, l, at, termless ? 28 : 18, l->plan->in_name ? ES_TEXT_LARGE : ES_TEXT_SMALL,
           "#5b6b7c", line);
  text = es_text_init(line, sizeof line);
  if (!termless) es_stage_term(&text, &l->plan->group[stage], input);
  if (!termless) put_line(t, l, at, 36, ES_TEXT_LARGE, "#1c2733", line);
  text = es_text_init(line, sizeof line);
  if (l->plan->slot[slot].kept) es_text_puts(&text, "constant ");
  es_text_puts(&text, es_dtype_name(l->plan->slot[slot].dtype));
  es_text_puts(&text, " ");
  es_text_shape(&text, l->plan->slot[slot].rank, l->plan->slot[slot].shape);
  put_line(t, l, at, termless ? 46 : 53, ES_TEXT_SMALL, "#5b6b7c", line);
}

static void put_time(es_text *t, const es_stage *s) {
  bool seen = s->measured >= 0;
  double seconds = seen ? s->measured : s->predicted;
  int unit = seconds < 999.5e-9 ? 0 : seconds < 999.5e-6 ? 1 : seconds < 0.9995 ? 2 : 3;
  static const char *const name[] = {"ns", "µs", "ms", "s"};
  static const double scale[] = {1e9, 1e6, 1e3, 1};
  es_text_printf(t, "%s%.3g %s", seen ? "" : "~", seconds * scale[unit], name[unit]);
}

static void draw_stage(es_text *t, const es_layout *l, int stage, const double *seconds) {
  static const char *const fills[] = {"#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59"};
  es_stage s = es_stage_of(l->plan, stage, seconds);
  es_spot at = l->stage[stage];
  char line[256];
  for (int i = 0; i < es_layout_inputs(l, stage); i++) {
    int from = es_layout_writer(l, stage, i);
    if (from >= 0) put_edge(t, l, l->stage[from], at, elements_of(l, stage, i));
  }
  double share = l->plan->flops > 0 ? s.flops / l->plan->flops : 0;
  put_box(t, l->width, at, s.group->folded ? "#eef3f7" : fills[(int)fmin(4, share * 5)],
          s.group->folded ? "#5b6b7c" : "#7f4f24", 3);
  int down = put_words(t, l, at, s.group->text);
  es_text text = es_text_init(line, sizeof line);
  if (s.group->points_formula)
    es_stage_sizes(&text, s.group);
  else
    es_text_shape(&text, es_layout_problem(l, stage)->out_rank,
                  es_layout_problem(l, stage)->out_shape);
  put_line(t, l, at, 35 + down, ES_TEXT_SMALL, "#3c4a58", line);
  text = es_text_init(line, sizeof line);
  if (s.group->folded) {
    es_text_puts(&text, "of constants, computed once");
  } else {
    if (s.group->points_formula) es_text_printf(&text, "%.3g points, ", s.flops);
    es_text_printf(&text, "%s, ", s.step->strategy->name);
    put_time(&text, &s);
  }
  put_line(t, l, at, 52 + down, ES_TEXT_SMALL, "#3c4a58", line);
}

static void draw_all(es_text *t, const es_layout *l, const double *seconds) {
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_drawn(l->plan, g)) continue;
    for (int i = 0; i < es_layout_inputs(l, g); i++)
      if (es_layout_operand(l, g, i)) draw_operand(t, l, g, i);
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
      ES_BOX_MARGIN + 6, line);
}

void es_explain_svg(es_text *t, const es_plan *plan, const double *seconds) {
  es_layout l;
  es_layout_make(&l, plan);
  es_spot size = es_layout_extent(&l);
  es_text_printf(t,
                 "<svg xmlns='http://www.w3.org/2000/svg' width='%.0f' height='%.0f' "
                 "viewBox='0 0 %.0f %.0f' font-family='DejaVu Sans, Verdana, sans-serif'>\n"
                 "<rect width='100%%' height='100%%' fill='#ffffff'/>\n",
                 size.x, size.y, size.x, size.y);
  put_title(t, plan, size.x / 2);
  if (plan->n_groups <= ES_BOX_MOST)
    draw_all(t, &l, seconds);
  else
    put_line(t, &l, (es_spot){size.x / 2, ES_BOX_MARGIN + 20}, 20, 12, "#5b6b7c",
             "too many stages for a picture");
  es_text_puts(t, "</svg>\n");
}
