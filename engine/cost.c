/* Cost as a formula in the names of a text: sums of products, and their quotient. */
#include <string.h>

#include "base/text.h"
#include "engine/plan.h"

size_t es_plan_formula(const es_plan *plan, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  for (int g = 0; g < plan->n_groups; g++) {
    const es_plan_group *group = &plan->group[g];
    if (!group->points_formula || group->alternative) continue;
    es_text_printf(&t, "%s%s", t.len ? " + " : "", group->points_formula);
  }
  if (!t.len) es_text_puts(&t, "0"); /* a view: no step at all */
  return t.len;
}

/* The names of a group's output as a product. */
static void put_output(es_text *t, const char *group) {
  const char *arrow = strstr(group, " -> ");
  const char *at = arrow ? arrow + 4 : "";
  if (!*at) es_text_puts(t, "1");
  for (; *at; at++)
    if (*at == ' ')
      es_text_puts(t, "·");
    else
      es_text_put(t, at, 1);
}

size_t es_plan_largest(const es_plan *plan, double *bytes, char *buf, size_t cap) {
  const char *largest = NULL;
  double most = 0;
  const es_step *step = plan->step;
  for (int g = 0; g < plan->n_groups; step += plan->group[g++].n_steps) {
    const es_plan_group *group = &plan->group[g];
    if (!group->points_formula || group->alternative || !group->n_steps) continue;
    int out = step->problem->out.slot;
    const es_plan_slot *slot = &plan->slot[out];
    double size = es_plan_slot_bytes(slot);
    if (out < plan->n_in + plan->n_out || size <= most) continue;
    most = size;
    largest = group->text;
  }
  es_text t = es_text_init(buf, cap);
  if (largest)
    put_output(&t, largest);
  else
    es_text_puts(&t, "0");
  if (bytes) *bytes = most;
  return t.len;
}

size_t es_plan_bytes_formula(const es_plan *plan, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  double nameless = 0; /* elementwise steps of a program, padded copies */
  int step = 0;
  for (int g = 0; g < plan->n_groups; step += plan->group[g++].n_steps) {
    const es_plan_group *group = &plan->group[g];
    if (group->alternative || !group->n_steps) continue;
    if (group->bytes_formula) es_text_printf(&t, "%s%s", t.len ? " + " : "", group->bytes_formula);
    for (int s = step; s < step + group->n_steps && !group->n_in; s++)
      nameless += es_plan_repetitions(plan, s) * plan->step[s].bytes;
  }
  if (nameless > 0 || !t.len) es_text_printf(&t, "%s%.0f", t.len ? " + " : "", nameless);
  return t.len;
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
  const char *formula = g < plan->n_groups ? plan->group[g].bytes_formula : NULL;
  for (int l = 0; l < plan->n_loops; l++)
    if (step >= plan->loop[l].begin && step < plan->loop[l].end) return NULL;
  if (!formula) return NULL;
  for (const char *plus; (plus = strstr(formula, " + ")); formula = plus + 3) continue;
  return formula;
}

size_t es_plan_peak(const es_plan *plan, double *bytes, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  double most, nameless = 0;
  int peak = step_of_peak(plan, &most);
  for (int i = plan->n_in + plan->n_out; i < plan->n_slots; i++) {
    if (!is_live(plan, i, peak)) continue;
    const char *formula = output_formula(plan, plan->slot[i].first_step);
    if (formula)
      es_text_printf(&t, "%s%s", t.len ? " + " : "", formula);
    else
      nameless += es_plan_slot_bytes(&plan->slot[i]);
  }
  if (nameless > 0 || !t.len) es_text_printf(&t, "%s%.0f", t.len ? " + " : "", nameless);
  if (bytes) *bytes = most;
  return t.len;
}

/* ---- sums of products --------------------------------------------------------- */

enum { MAX_TERMS = 32, MAX_FACTORS = 64 };

typedef struct factor { /* a name or a number, in the text it was read from */
  const char *text;
  size_t len;
} factor;

typedef struct product {
  int n;
  factor factor[MAX_FACTORS];
} product;

typedef struct sum {
  int n;
  product term[MAX_TERMS];
} sum;

static bool same(const factor *a, const factor *b) {
  return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* "·" between factors, " + " between terms; a factor 1 says nothing. */
static bool read_sum(const char *text, sum *s) {
  static const char dot[] = "·", plus[] = " + ";
  *s = (sum){.n = 0};
  for (bool more = true; more;) {
    if (s->n == MAX_TERMS) return false;
    product *p = &s->term[s->n++];
    p->n = 0;
    for (bool inside = true; inside;) {
      const char *next_dot = strstr(text, dot), *next_plus = strstr(text, plus);
      more = next_plus != NULL;
      inside = next_dot && (!more || next_dot < next_plus);
      const char *end = inside ? next_dot : more ? next_plus : text + strlen(text);
      factor f = {text, (size_t)(end - text)};
      if (!f.len || p->n == MAX_FACTORS) return false;
      if (f.len != 1 || *f.text != '1') p->factor[p->n++] = f;
      text = end + (inside ? sizeof dot - 1 : more ? sizeof plus - 1 : 0);
    }
  }
  return true;
}

static int find(const product *p, const factor *f) {
  for (int i = 0; i < p->n; i++)
    if (same(&p->factor[i], f)) return i;
  return -1;
}

static void drop(product *p, int at) {
  memmove(&p->factor[at], &p->factor[at + 1], (size_t)(--p->n - at) * sizeof *p->factor);
}

static bool all_hold(const sum *s, const factor *f) {
  for (int i = 0; i < s->n; i++)
    if (find(&s->term[i], f) < 0) return false;
  return true;
}

static void drop_everywhere(sum *s, const factor *f) {
  for (int i = 0; i < s->n; i++) drop(&s->term[i], find(&s->term[i], f));
}

static void put_product(es_text *t, const product *p) {
  if (!p->n) es_text_puts(t, "1");
  for (int i = 0; i < p->n; i++)
    es_text_printf(t, "%s%.*s", i ? "·" : "", (int)p->factor[i].len, p->factor[i].text);
}

static void put_sum(es_text *t, const sum *s) {
  for (int i = 0; i < s->n; i++) {
    if (i) es_text_puts(t, " + ");
    put_product(t, &s->term[i]);
  }
}

static void put_quotient(es_text *t, product over, product under) {
  for (int i = 0; i < over.n;) {
    int at = find(&under, &over.factor[i]);
    if (at < 0) {
      i++;
    } else {
      drop(&under, at);
      drop(&over, i);
    }
  }
  put_product(t, &over);
  if (!under.n) return;
  es_text_puts(t, under.n > 1 ? "/(" : "/");
  put_product(t, &under);
  if (under.n > 1) es_text_puts(t, ")");
}

size_t es_formula_ratio(const char *numerator, const char *denominator, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  sum over, under;
  if (!numerator || !denominator) return 0;
  if (!read_sum(numerator, &over) || !read_sum(denominator, &under)) return 0;
  if (under.n == 1) { /* term by term: each cancels what it can */
    for (int i = 0; i < over.n; i++) {
      if (i) es_text_puts(&t, " + ");
      put_quotient(&t, over.term[i], under.term[0]);
    }
    return t.len;
  }
  for (int i = 0; i < under.term[0].n;) { /* what every term on both sides holds */
    factor f = under.term[0].factor[i];
    bool common = all_hold(&over, &f) && all_hold(&under, &f);
    if (common) {
      drop_everywhere(&over, &f);
      drop_everywhere(&under, &f);
    }
    i += !common;
  }
  es_text_puts(&t, over.n > 1 ? "(" : "");
  put_sum(&t, &over);
  es_text_puts(&t, over.n > 1 ? ")/(" : "/(");
  put_sum(&t, &under);
  es_text_puts(&t, ")");
  return t.len;
}
