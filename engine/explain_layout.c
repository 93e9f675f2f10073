#include "engine/explain_layout.h"

#include <math.h>
#include <string.h>

enum { ABREAST = 7 };           /* operands that stand in a row */
enum { SHORT = 38, LONG = 72 }; /* code points of a line in a stage's box, at least and at most */
enum { NARROW = 16 };           /* in an operand's, at least */

static const double LETTER = 7.2; /* width of one, of large text */

const es_problem *es_layout_problem(const es_layout *l, int stage) {
  return es_stage_of(l->plan, stage, NULL).problem;
}

int es_layout_inputs(const es_layout *l, int stage) {
  int n = es_layout_problem(l, stage)->n_in;
  return n < ES_BOX_INPUTS ? n : ES_BOX_INPUTS;
}

int es_layout_writer(const es_layout *l, int stage, int input) {
  return es_stage_writing(l->plan, es_layout_problem(l, stage)->in[input].slot, stage);
}

static bool is_number(const es_layout *l, int slot) {
  return slot >= l->plan->n_in + l->plan->n_out && l->plan->slot[slot].constant;
}

bool es_layout_operand(const es_layout *l, int stage, int input) {
  const es_problem *p = es_layout_problem(l, stage);
  if (is_number(l, p->in[input].slot) || es_layout_writer(l, stage, input) >= 0) return false;
  for (int i = 0; i < input && l->plan->group[stage].statement; i++)
    if (p->in[i].slot == p->in[input].slot) return false;
  return true;
}

static bool is_read(const es_layout *l, int stage) {
  for (int g = stage + 1; g < l->plan->n_groups; g++)
    for (int i = 0; es_stage_drawn(l->plan, g) && i < es_layout_inputs(l, g); i++)
      if (es_layout_writer(l, g, i) == stage) return true;
  return false;
}

/* ---- where things stand ---------------------------------------------------------------- */

static double row(int level) {
  return ES_BOX_MARGIN + 34 + level * (double)(ES_BOX_HEIGHT + ES_BOX_DROP);
}

static void set_levels(es_layout *l) {
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_drawn(l->plan, g)) continue;
    l->level[g] = 1;
    for (int i = 0; i < es_layout_inputs(l, g); i++) {
      int from = es_layout_writer(l, g, i);
      if (from >= 0 && l->level[from] >= l->level[g]) l->level[g] = l->level[from] + 1;
    }
    if (l->level[g] >= l->levels) l->levels = l->level[g] + 1;
  }
}

/* A box that one at x would overlap; NULL for none. */
static const es_spot *in_the_way(const es_layout *l, double x, double y) {
  for (int g = 0; g < l->plan->n_groups; g++)
    for (int i = -1; i < ES_BOX_INPUTS; i++) {
      const es_spot *s = i < 0 ? &l->stage[g] : &l->operand[g][i];
      if (s->y == y && fabs(s->x - x) < l->width + ES_BOX_GAP - 1) return s;
    }
  return NULL;
}

/* To the right of what stands there already. */
static es_spot stand(es_layout *l, double x, double y) {
  for (const es_spot *s; (s = in_the_way(l, x, y)) != NULL;) x = s->x + l->width + ES_BOX_GAP;
  l->right = fmax(l->right, x);
  return (es_spot){x, y};
}

static double next_leaf(es_layout *l) {
  return ES_BOX_MARGIN + l->width / 2 + l->leaves++ * (l->width + ES_BOX_GAP);
}

static void stand_below(es_layout *l, int stage) {
  double sum = 0;
  int n = 0;
  for (int i = 0; i < es_layout_inputs(l, stage); i++) {
    int from = es_layout_writer(l, stage, i);
    if (from < 0 && !es_layout_operand(l, stage, i)) continue;
    sum += from < 0 ? l->operand[stage][i].x : l->stage[from].x;
    n++;
  }
  l->stage[stage] = stand(l, n ? sum / n : next_leaf(l), row(l->level[stage]));
}

/* The tree above a result, inputs in order, operands from left to right. What was placed already
 * stays where it is. */
static void place(es_layout *l, int root) {
  int stack[ES_BOX_MOST], next[ES_BOX_MOST], top = 0;
  stack[0] = root;
  next[0] = 0;
  while (top >= 0) {
    int g = stack[top], i = next[top]++;
    if (i == es_layout_inputs(l, g)) {
      stand_below(l, g);
      top--;
      continue;
    }
    int from = es_layout_writer(l, g, i);
    if (from < 0 && es_layout_operand(l, g, i)) {
      l->operand[g][i] = stand(l, next_leaf(l), row(l->level[g] - 1));
    } else if (from >= 0 && l->stage[from].y == 0) {
      stack[++top] = from;
      next[top] = 0;
    }
  }
}

/* Operands of a stage. */
static int operands(const es_layout *l, int stage) {
  int n = 0;
  for (int i = 0; i < es_layout_inputs(l, stage); i++) n += es_layout_operand(l, stage, i);
  return n;
}

static void widen(int *letters, int length, int most) {
  if (length > *letters) *letters = length < most ? length : most;
}

/* Letters that the operands of a stage want. */
static void widen_operands(const es_layout *l, int stage, int *letters) {
  char line[128];
  for (int i = 0; i < es_layout_inputs(l, stage); i++) {
    if (!es_layout_operand(l, stage, i)) continue;
    int slot = es_layout_problem(l, stage)->in[i].slot;
    for (int row = 0; row < 3; row++) {
      es_text t = es_text_init(line, sizeof line);
      if (row == 0 && slot < l->plan->n_in) es_stage_operand(&t, l->plan, slot);
      if (row == 1) es_stage_term(&t, &l->plan->group[stage], i);
      if (row == 2) es_text_shape(&t, l->plan->slot[slot].rank, l->plan->slot[slot].shape);
      widen(letters, (int)t.len, l->letters);
    }
  }
}

/* Boxes are as wide as the longest text in one wants, within limits. */
static void measure(es_layout *l) {
  int all = 0, letters = NARROW;
  l->letters = SHORT;
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_drawn(l->plan, g)) continue;
    widen(&l->letters, (int)strlen(l->plan->group[g].text), LONG);
    all += operands(l, g);
  }
  for (int g = 0; g < l->plan->n_groups; g++)
    if (es_stage_drawn(l->plan, g)) widen_operands(l, g, &letters);
  l->rows = all > ABREAST;
  l->width = l->letters * LETTER;
  l->operand_width = l->rows ? (letters + 2) * LETTER : l->width; /* and a margin */
}

static void place_rows(es_layout *l) {
  int columns = 0, at = 0;
  const double step = l->operand_width + ES_BOX_GAP;
  for (int g = 0; g < l->plan->n_groups; g++)
    if (es_stage_drawn(l->plan, g) && operands(l, g) > columns) columns = operands(l, g);
  l->right = ES_BOX_MARGIN + columns * step + l->width / 2;
  for (int g = 0; g < l->plan->n_groups; g++) {
    if (!es_stage_drawn(l->plan, g)) continue;
    l->stage[g] = (es_spot){l->right, row(0) + at++ * (double)(ES_BOX_HEIGHT + ES_BOX_GAP)};
    double x = l->right - l->width / 2 + l->operand_width / 2 - operands(l, g) * step;
    for (int i = 0; i < es_layout_inputs(l, g); i++)
      if (es_layout_operand(l, g, i)) {
        l->operand[g][i] = (es_spot){x, l->stage[g].y};
        x += step;
      }
  }
  l->levels = at;
}

static void place_tree(es_layout *l) {
  set_levels(l);
  for (int g = 0; g < l->plan->n_groups; g++)
    if (es_stage_drawn(l->plan, g) && !is_read(l, g)) place(l, g);
}

double es_layout_bend(double rows) { return fmin(40 + 12 * rows, 260); }

es_spot es_layout_extent(const es_layout *l) {
  if (l->rows)
    return (es_spot){l->right + l->width / 2 + 0.75 * es_layout_bend(l->levels) + ES_BOX_MARGIN,
                     row(0) + l->levels * (double)(ES_BOX_HEIGHT + ES_BOX_GAP) - ES_BOX_GAP +
                         ES_BOX_MARGIN};
  double width = 2 * ES_BOX_MARGIN + (l->leaves > 1 ? l->leaves : 2) * (l->width + ES_BOX_GAP) -
                 ES_BOX_GAP;
  return (es_spot){fmax(width, l->right + l->width / 2 + ES_BOX_MARGIN),
                   row(l->levels) - ES_BOX_DROP + ES_BOX_MARGIN};
}

void es_layout_make(es_layout *l, const es_plan *plan) {
  *l = (es_layout){.plan = plan, .levels = 1, .letters = LONG, .width = LONG * LETTER};
  if (plan->n_groups > ES_BOX_MOST) return;
  measure(l);
  if (l->rows)
    place_rows(l);
  else
    place_tree(l);
}
