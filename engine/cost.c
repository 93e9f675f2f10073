/* Cost as a formula in the names of a text. */
#include <stdio.h>
#include <string.h>

#include "engine/formula.h"
#include "engine/stage.h"

static const char dot[] = "·";

size_t es_plan_formula(const es_plan *plan, char *buf, size_t cap) {
  if (!plan) return es_text_init(buf, cap).len;
  es_sum_text sum;
  es_sum_text_init(&sum, buf, cap);
  for (int g = 0; g < plan->n_groups; g++) {
    const es_plan_group *group = &plan->group[g];
    if (group->points_formula && !group->alternative && !group->folded)
      es_sum_text_add(&sum, group->points_formula);
  }
  return es_sum_text_end(&sum);
}

/* The bytes of what a group writes, the last term of its formula; NULL: it has none. */
static const char *written(const es_plan_group *group) {
  const char *formula = group->bytes_formula;
  for (const char *plus; formula && (plus = strstr(formula, " + ")); formula = plus + 3) continue;
  return formula;
}

/* The elements of a statement's result: its bytes without those of an element. */
static void put_statement(es_text *t, const es_plan_group *group, const es_plan_slot *out) {
  const char *bytes = written(group), *names = bytes ? strstr(bytes, dot) : NULL;
  if (names)
    es_text_puts(t, names + sizeof dot - 1);
  else
    es_text_printf(t, "%lld", (long long)out->count);
}

/* The names of a pattern's output as a product. */
static void put_output(es_text *t, const es_plan_group *group) {
  const char *arrow = strstr(group->text, " -> "), *at = arrow ? arrow + 4 : "";
  if (!*at) es_text_puts(t, "1");
  for (; *at; at++)
    if (*at == ' ')
      es_text_puts(t, dot);
    else
      es_text_put(t, at, 1);
}

size_t es_plan_largest(const es_plan *plan, double *bytes, char *buf, size_t cap) {
  if (bytes) *bytes = 0;
  if (!plan) return es_text_init(buf, cap).len;
  const es_plan_group *largest = NULL;
  const es_plan_slot *slot = NULL;
  double most = 0;
  const es_step *step = plan->step;
  for (int g = 0; g < plan->n_groups; step += plan->group[g++].n_steps) {
    int out = es_stage_shown(plan, g) ? step->problem->out.slot : 0;
    if (out < plan->n_in + plan->n_out || es_plan_slot_bytes(&plan->slot[out]) <= most) continue;
    largest = &plan->group[g];
    slot = &plan->slot[out];
    most = es_plan_slot_bytes(slot);
  }
  es_text t = es_text_init(buf, cap);
  if (largest && largest->statement)
    put_statement(&t, largest, slot);
  else if (largest)
    put_output(&t, largest);
  else
    es_text_puts(&t, "0");
  if (bytes) *bytes = most;
  return t.len;
}

/* Bytes of steps without names, at the end of a sum. */
static size_t end_with(es_sum_text *sum, double nameless) {
  char number[32];
  snprintf(number, sizeof number, "%.0f", nameless);
  if (nameless > 0) es_sum_text_add(sum, number);
  return es_sum_text_end(sum);
}

size_t es_plan_bytes_formula(const es_plan *plan, char *buf, size_t cap) {
  if (!plan) return es_text_init(buf, cap).len;
  es_sum_text sum;
  es_sum_text_init(&sum, buf, cap);
  double nameless = 0; /* elementwise steps of a program, padded copies */
  int step = 0;
  for (int g = 0; g < plan->n_groups; step += plan->group[g++].n_steps) {
    const es_plan_group *group = &plan->group[g];
    if (group->alternative || !group->n_steps) continue;
    if (group->bytes_formula) es_sum_text_add(&sum, group->bytes_formula);
    for (int s = step; s < step + group->n_steps && !group->n_in && !group->bytes_formula; s++)
      nameless += es_plan_repetitions(plan, s) * plan->step[s].bytes;
  }
  return end_with(&sum, nameless);
}

/* ---- the peak ------------------------------------------------------------------- */

static bool is_live(const es_plan *plan, int index, int step) {
  const es_plan_slot *slot = &plan->slot[index];
  return index >= plan->n_in + plan->n_out && !slot->constant && !slot->kept &&
         slot->first_step <= step && step <= slot->last_step;
}

/* The step while which intermediates take most. */
static int step_of_peak(const es_plan *plan, double *most) {
  int at = 0;
  *most = 0;
  for (int s = 0; s < plan->n_steps; s++) {
    double bytes = 0;
    for (int i = plan->n_in + plan->n_out; i < plan->n_slots; i++)
      if (is_live(plan, i, s)) bytes += es_plan_slot_bytes(&plan->slot[i]);
    if (bytes <= *most) continue;
    *most = bytes;
    at = s;
  }
  return at;
}

/* The bytes of what the step writes, in names; NULL where it has none, or where names say
 * more than a run holds at a time: in pieces. */
static const char *output_formula(const es_plan *plan, int step) {
  int g = 0;
  for (int end = 0; g < plan->n_groups; g++)
    if (step < (end += plan->group[g].n_steps)) break;
  for (int l = 0; l < plan->n_loops; l++)
    if (step >= plan->loop[l].begin && step < plan->loop[l].end) return NULL;
  return g < plan->n_groups ? written(&plan->group[g]) : NULL;
}

size_t es_plan_peak(const es_plan *plan, double *bytes, char *buf, size_t cap) {
  if (bytes) *bytes = 0;
  if (!plan) return es_text_init(buf, cap).len;
  es_sum_text sum;
  es_sum_text_init(&sum, buf, cap);
  double most, nameless = 0;
  int peak = step_of_peak(plan, &most);
  for (int i = plan->n_in + plan->n_out; i < plan->n_slots; i++) {
    if (!is_live(plan, i, peak)) continue;
    const char *formula = output_formula(plan, plan->slot[i].first_step);
    if (formula)
      es_sum_text_add(&sum, formula);
    else
      nameless += es_plan_slot_bytes(&plan->slot[i]);
  }
  if (bytes) *bytes = most;
  return end_with(&sum, nameless);
}
