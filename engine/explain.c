/* What a plan does, stage by stage: as text, JSON, and a graph in the language of Graphviz. */
#include "engine/explain.h"

#include <string.h>

/* ---- reading a stage back ----------------------------------------------------------- */

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

bool es_stage_shown(const es_plan *plan, int index) {
  const es_plan_group *g = &plan->group[index];
  return !g->alternative && (g->points_formula || g->statement) && g->n_steps > 0;
}

int es_stage_writing(const es_plan *plan, int slot, int before) {
  int found = -1;
  const es_step *step = plan->step;
  for (int g = 0; g < before; step += plan->group[g++].n_steps)
    if (es_stage_shown(plan, g) && step->problem->out.slot == slot) found = g;
  return found;
}

/* The next name that is one; a number written for an axis says its size itself. */
static bool next_size(const es_plan_group *group, const char **formula, int *axis, word *name,
                      int64_t *size) {
  while (*axis < group->rank && next_name(formula, name)) {
    *size = group->extent[(*axis)++];
    if (*name->at < '0' || *name->at > '9') return true;
  }
  return false;
}

void es_stage_sizes(es_text *t, const es_plan_group *group) {
  const char *formula = group->points_formula;
  word name;
  int64_t size;
  size_t begin = t->len;
  for (int a = 0; formula && next_size(group, &formula, &a, &name, &size);)
    es_text_printf(t, "%s%.*s %lld", t->len > begin ? ", " : "", (int)name.len, name.at,
                   (long long)size);
}

void es_stage_term(es_text *t, const es_plan_group *group, int operand) {
  word term = term_of(group->text, operand);
  if (group->statement) return;
  es_text_put(t, term.at, term.len);
}

/* ---- text -------------------------------------------------------------------------------- */

static void put_seconds(es_text *t, double seconds) {
  if (seconds < 1e-6)
    es_text_printf(t, "%.3g ns", seconds * 1e9);
  else if (seconds < 1e-3)
    es_text_printf(t, "%.3g us", seconds * 1e6);
  else
    es_text_printf(t, "%.3g %s", seconds < 1 ? seconds * 1e3 : seconds, seconds < 1 ? "ms" : "s");
}

static void put_kernel(es_text *t, const es_step *step) {
  char line[512];
  step->strategy->print(step, line, sizeof line);
  es_text_puts(t, line);
}

static void put_totals(es_text *t, const es_plan *plan) {
  es_text_printf(t, "%.4g multiply-adds", plan->flops);
  if (plan->naive > plan->flops)
    es_text_printf(t, " (all at once %.4g: %.3g times as many)", plan->naive,
                   plan->naive / plan->flops);
  es_text_printf(t, ", %.4g bytes moved, workspace %zu bytes\n", plan->bytes, plan->workspace);
  for (int l = 0; l < plan->n_loops; l++)
    es_text_printf(t, "in pieces to keep within the memory limit: %s\n", plan->loop[l].text);
}

static void put_text(es_text *t, const es_plan *plan, const double *seconds) {
  put_totals(t, plan);
  if (plan->is_view) es_text_puts(t, "a view of its operand: nothing is computed\n");
  for (int g = 0; g < plan->n_groups; g++) {
    if (!es_stage_shown(plan, g)) continue;
    es_stage s = es_stage_of(plan, g, seconds);
    es_text_printf(t, "\n%s\n  ", s.group->text);
    size_t begin = t->len;
    es_stage_sizes(t, s.group);
    if (t->len > begin) es_text_puts(t, "\n  ");
    if (s.group->n_in == 2)
      es_text_printf(t, "m %.4g, n %.4g, k %.4g, batch %.4g\n  ", s.m, s.n, s.k, s.batch);
    if (s.group->statement)
      es_text_printf(t, "%.4g elements", s.group->points);
    else
      es_text_printf(t, "%.4g multiply-adds", s.flops);
    es_text_printf(t, ", %.4g bytes, predicted ", s.bytes);
    put_seconds(t, s.predicted);
    if (s.measured >= 0) {
      es_text_puts(t, ", measured ");
      put_seconds(t, s.measured);
    }
    es_text_puts(t, "\n  ");
    put_kernel(t, s.step);
    if (s.group->n_steps > 1) es_text_printf(t, ", and %d boxes more", s.group->n_steps - 1);
    es_text_puts(t, "\n");
  }
}

/* ---- JSON --------------------------------------------------------------------------------- */

/* Names and kernels hold no control characters. */
static void put_quoted(es_text *t, const char *text, size_t len) {
  es_text_puts(t, "\"");
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '"' || text[i] == '\\') es_text_puts(t, "\\");
    es_text_put(t, &text[i], 1);
  }
  es_text_puts(t, "\"");
}

static void put_json_stage(es_text *t, const es_stage *s) {
  char line[512];
  es_text_puts(t, "{\"text\":");
  put_quoted(t, s->group->text, strlen(s->group->text));
  es_text_puts(t, ",\"sizes\":{");
  const char *formula = s->group->points_formula;
  word name;
  int64_t size;
  const char *comma = "";
  for (int a = 0; formula && next_size(s->group, &formula, &a, &name, &size); comma = ",") {
    es_text_puts(t, comma);
    put_quoted(t, name.at, name.len);
    es_text_printf(t, ":%lld", (long long)size);
  }
  es_text_puts(t, "}");
  if (s->group->n_in == 2)
    es_text_printf(t, ",\"m\":%.17g,\"n\":%.17g,\"k\":%.17g,\"batch\":%.17g", s->m, s->n, s->k,
                   s->batch);
  if (s->group->statement) es_text_printf(t, ",\"elements\":%.17g", s->group->points);
  es_text_printf(t, ",\"multiply_adds\":%.17g,\"bytes\":%.17g,\"boxes\":%d,\"strategy\":", s->flops,
                 s->bytes, s->group->n_steps);
  put_quoted(t, s->step->strategy->name, strlen(s->step->strategy->name));
  s->step->strategy->print(s->step, line, sizeof line);
  es_text_puts(t, ",\"kernel\":");
  put_quoted(t, line, strlen(line));
  es_text_printf(t, ",\"predicted_seconds\":%.9g", s->predicted);
  if (s->measured >= 0) es_text_printf(t, ",\"measured_seconds\":%.9g", s->measured);
  es_text_puts(t, "}");
}

static void put_json(es_text *t, const es_plan *plan, const double *seconds) {
  es_text_printf(t,
                 "{\"multiply_adds\":%.17g,\"multiply_adds_all_at_once\":%.17g,\"bytes\":%.17g,"
                 "\"workspace\":%zu,\"view\":%s,\"stages\":[",
                 plan->flops, plan->naive, plan->bytes, plan->workspace,
                 plan->is_view ? "true" : "false");
  bool first = true;
  for (int g = 0; g < plan->n_groups; g++) {
    if (!es_stage_shown(plan, g)) continue;
    es_stage s = es_stage_of(plan, g, seconds);
    if (!first) es_text_puts(t, ",");
    first = false;
    put_json_stage(t, &s);
  }
  es_text_puts(t, "]}\n");
}

/* ---- Graphviz ------------------------------------------------------------------------------- */

static void put_dot(es_text *t, const es_plan *plan, const double *seconds) {
  es_text_puts(t, "digraph plan {\n  rankdir=BT;\n  node [fontname=\"sans-serif\"];\n");
  for (int i = 0; i < plan->n_in; i++) {
    es_text_printf(t, "  operand%d [shape=box, style=rounded, label=\"operand %d\\n", i, i);
    es_text_shape(t, plan->slot[i].rank, plan->slot[i].shape);
    es_text_puts(t, "\"];\n");
  }
  for (int g = 0; g < plan->n_groups; g++) {
    if (!es_stage_shown(plan, g)) continue;
    es_stage s = es_stage_of(plan, g, seconds);
    es_text_printf(t, "  stage%d [shape=box, label=\"%s\\n%.4g %s\"];\n", g, s.group->text,
                   s.group->statement ? s.group->points : s.flops,
                   s.group->statement ? "elements" : "multiply-adds");
    for (int i = 0; i < s.step->problem->n_in; i++) {
      int from = es_stage_writing(plan, s.step->problem->in[i].slot, g);
      bool operand = from < 0;
      if (operand) from = s.step->problem->in[i].slot;
      if (operand && from >= plan->n_in) continue; /* a padded copy, a number */
      es_text_printf(t, "  %s%d -> stage%d [label=\"", operand ? "operand" : "stage", from, g);
      es_stage_term(t, s.group, i);
      es_text_puts(t, "\"];\n");
    }
  }
  es_text_puts(t, "}\n");
}

/* ---- the door ---------------------------------------------------------------------------------
 */

int es_plan_steps(const es_plan *plan) { return plan->n_steps; }

size_t es_plan_explain(const es_plan *plan, es_explain_format format, const double *seconds,
                       char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  switch (format) {
  case ES_EXPLAIN_JSON: put_json(&t, plan, seconds); break;
  case ES_EXPLAIN_DOT: put_dot(&t, plan, seconds); break;
  case ES_EXPLAIN_SVG: es_explain_svg(&t, plan, seconds); break;
  case ES_EXPLAIN_TEXT: put_text(&t, plan, seconds); break;
  }
  return t.len;
}
