#include "engine/stage.h"

#include <string.h>

typedef struct word {
  const char *at;
  size_t len;
} word;

/* The next name of a points formula, "b·c·kh". False: no more. */
static bool next_name(const char **formula, word *name) {
  static const char dot[] = "·";
  if (!**formula) return false;
  const char *end = strstr(*formula, dot);
  *name = (word){*formula, end ? (size_t)(end - *formula) : strlen(*formula)};
  *formula = end ? end + sizeof dot - 1 : *formula + name->len;
  return true;
}

/* Term number index of "a b, c -> d"; the output is the one after the last operand. */
static word term_of(const char *text, int index) {
  const char *arrow = strstr(text, " -> "), *at = text;
  for (; at && index > 0; index--) {
    const char *comma = strstr(at, ", ");
    bool more = comma && comma < arrow;
    at = more ? comma + 2 : at < arrow ? arrow + 4 : NULL;
  }
  if (!at) return (word){text, 0};
  const char *comma = strstr(at, ", "), *end = at >= arrow ? at + strlen(at) : arrow;
  if (at < arrow && comma && comma < arrow) end = comma;
  return (word){at, end > at ? (size_t)(end - at) : 0};
}

static bool holds(word term, word name) {
  for (const char *at = term.at, *end = term.at + term.len; at < end;) {
    const char *space = memchr(at, ' ', (size_t)(end - at));
    size_t len = space ? (size_t)(space - at) : (size_t)(end - at);
    if (len == name.len && !memcmp(at, name.at, len)) return true;
    at += len + 1;
  }
  return false;
}

static void count_sides(es_stage *s) {
  const es_plan_group *g = s->group;
  s->m = s->n = s->k = s->batch = 1;
  if (!g->points_formula || g->n_in != 2) return;
  word first = term_of(g->text, 0), second = term_of(g->text, 1), out = term_of(g->text, 2), name;
  const char *formula = g->points_formula;
  for (int a = 0; a < g->rank && next_name(&formula, &name); a++) {
    bool in_first = holds(first, name), in_second = holds(second, name);
    double *side = !holds(out, name)       ? &s->k
                   : in_first && in_second ? &s->batch
                   : in_second             ? &s->n
                                           : &s->m;
    *side *= (double)g->extent[a];
  }
}

es_stage es_stage_of(const es_plan *plan, int index, const double *seconds) {
  es_stage s = {.group = &plan->group[index], .step = plan->step, .measured = seconds ? 0 : -1};
  for (int g = 0; g < index; g++) s.step += plan->group[g].n_steps;
  s.problem = s.group->folded ? s.group->folded : s.step->problem;
  count_sides(&s);
  for (int i = 0; i < s.group->n_steps; i++) {
    double times = es_plan_repetitions(plan, (int)(s.step - plan->step) + i);
    s.flops += times * s.step[i].flops;
    s.bytes += times * s.step[i].bytes;
    s.predicted += times * s.step[i].predicted;
    if (seconds) s.measured += seconds[s.step - plan->step + i];
  }
  return s;
}

/* A nest or a statement, not an alternative. */
static bool is_stage(const es_plan_group *g) {
  return !g->alternative && (g->points_formula || g->statement);
}

bool es_stage_shown(const es_plan *plan, int index) {
  const es_plan_group *g = &plan->group[index];
  return is_stage(g) && g->n_steps > 0;
}

bool es_stage_drawn(const es_plan *plan, int index) {
  const es_plan_group *g = &plan->group[index];
  return is_stage(g) && (g->n_steps > 0 || g->folded);
}

int es_stage_writing(const es_plan *plan, int slot, int before) {
  int found = -1;
  const es_step *step = plan->step;
  for (int g = 0; g < before; step += plan->group[g++].n_steps) {
    const es_problem *folded = plan->group[g].folded;
    if (es_stage_drawn(plan, g) && (folded ? folded : step->problem)->out.slot == slot) found = g;
  }
  return found;
}

bool es_stage_next_size(const es_plan_group *group, es_stage_size *s) {
  word name;
  while (s->axis < group->rank && s->rest && next_name(&s->rest, &name)) {
    s->size = group->extent[s->axis++];
    s->name = name.at;
    s->len = name.len;
    if (*name.at < '0' || *name.at > '9') return true;
  }
  return false;
}

void es_stage_sizes(es_text *t, const es_plan_group *group) {
  es_stage_size s = {.rest = group->points_formula};
  size_t begin = t->len;
  while (es_stage_next_size(group, &s))
    es_text_printf(t, "%s%.*s %lld", t->len > begin ? ", " : "", (int)s.len, s.name,
                   (long long)s.size);
}

void es_stage_operand(es_text *t, const es_plan *plan, int operand) {
  if (plan->in_name)
    es_text_puts(t, plan->in_name[operand]);
  else
    es_text_printf(t, "operand %d", operand);
}

void es_stage_term(es_text *t, const es_plan_group *group, int operand) {
  word term = term_of(group->text, operand);
  if (group->statement) return;
  es_text_put(t, term.at, term.len);
}
