/* What a plan does, stage by stage: as text, JSON, and a graph in the language of Graphviz. */
#include <string.h>

#include "engine/explain_svg.h"
#include "engine/stage.h"

/* ---- text -------------------------------------------------------------------------------- */

static void put_seconds(es_text *t, double seconds) {
  if (seconds < 999.5e-9)
    es_text_printf(t, "%.3g ns", seconds * 1e9);
  else if (seconds < 999.5e-6)
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
    es_text_printf(t, "in pieces to keep within the %s: %s\n",
                   plan->loop[l].near ? "caches" : "memory limit", plan->loop[l].text);
}

static void put_sizes(es_text *t, const es_stage *s) {
  size_t begin = t->len;
  es_stage_sizes(t, s->group);
  if (t->len > begin) es_text_puts(t, "\n  ");
  if (s->group->n_in == 2)
    es_text_printf(t, "m %.4g, n %.4g, k %.4g, batch %.4g\n  ", s->m, s->n, s->k, s->batch);
}

/* What it takes, and what runs it. */
static void put_work(es_text *t, const es_stage *s) {
  if (s->group->statement)
    es_text_printf(t, "%.4g elements", s->group->points);
  else
    es_text_printf(t, "%.4g multiply-adds", s->flops);
  es_text_printf(t, ", %.4g bytes, predicted ", s->bytes);
  put_seconds(t, s->predicted);
  if (s->measured >= 0) {
    es_text_puts(t, ", measured ");
    put_seconds(t, s->measured);
  }
  es_text_puts(t, "\n  ");
  put_kernel(t, s->step);
  if (s->group->n_steps > 1) es_text_printf(t, ", and %d boxes more", s->group->n_steps - 1);
}

static void put_constants(es_text *t, const es_plan *plan) {
  bool any = false;
  for (int i = 0; i < plan->n_in; i++) {
    if (!plan->slot[i].kept) continue;
    es_text_puts(t, any ? ", " : "constant: ");
    es_stage_operand(t, plan, i);
    any = true;
  }
  if (any) es_text_puts(t, "\n");
}

static void put_text(es_text *t, const es_plan *plan, const double *seconds) {
  put_totals(t, plan);
  put_constants(t, plan);
  if (plan->is_view) es_text_puts(t, "a view of its operand: nothing is computed\n");
  for (int g = 0; g < plan->n_groups; g++) {
    if (!es_stage_drawn(plan, g)) continue;
    es_stage s = es_stage_of(plan, g, seconds);
    es_text_printf(t, "\n%s\n  ", s.group->text);
    put_sizes(t, &s);
    if (s.group->folded)
      es_text_puts(t, "of constants: computed once, when the plan was made");
    else
      put_work(t, &s);
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
  es_stage_size of = {.rest = s->group->points_formula};
  for (const char *comma = ""; es_stage_next_size(s->group, &of); comma = ",") {
    es_text_puts(t, comma);
    put_quoted(t, of.name, of.len);
    es_text_printf(t, ":%lld", (long long)of.size);
  }
  es_text_puts(t, "}");
  if (s->group->n_in == 2)
    es_text_printf(t, ",\"m\":%.17g,\"n\":%.17g,\"k\":%.17g,\"batch\":%.17g", s->m, s->n, s->k,
                   s->batch);
  if (s->group->statement) es_text_printf(t, ",\"elements\":%.17g", s->group->points);
  if (s->group->folded) {
    es_text_puts(t, ",\"constant\":true}");
    return;
  }
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
                 "\"workspace\":%zu,\"view\":%s,\"constants\":[",
                 plan->flops, plan->naive, plan->bytes, plan->workspace,
                 plan->is_view ? "true" : "false");
  bool first = true;
  for (int i = 0; i < plan->n_in; i++) {
    if (!plan->slot[i].kept) continue;
    es_text_printf(t, "%s%d", first ? "" : ",", i);
    first = false;
  }
  es_text_puts(t, "],\"stages\":[");
  first = true;
  for (int g = 0; g < plan->n_groups; g++) {
    if (!es_stage_drawn(plan, g)) continue;
    es_stage s = es_stage_of(plan, g, seconds);
    if (!first) es_text_puts(t, ",");
    first = false;
    put_json_stage(t, &s);
  }
  es_text_puts(t, "]}\n");
}

/* ---- Graphviz ------------------------------------------------------------------------------- */

static void put_dot_operand(es_text *t, const es_plan *plan, int i) {
  const es_plan_slot *slot = &plan->slot[i];
  es_text_printf(t, "  operand%d [shape=box, style=rounded, label=\"", i);
  es_stage_operand(t, plan, i);
  es_text_printf(t, "\\n%s%s ", slot->kept ? "constant " : "", es_dtype_name(slot->dtype));
  es_text_shape(t, slot->rank, slot->shape);
  es_text_puts(t, "\"];\n");
}

static void put_dot_stage(es_text *t, int index, const es_stage *s, double share) {
  es_text_printf(t, "  stage%d [shape=box, ", index);
  if (s->group->folded)
    es_text_puts(t, "style=\"filled,dashed\", fillcolor=\"#eef3f7\"");
  else
    es_text_printf(t, "style=filled, fillcolor=\"0.09 %.2f 1\"", 0.05 + 0.5 * share);
  es_text_printf(t, ", label=\"%s\\n", s->group->text);
  size_t begin = t->len;
  es_stage_sizes(t, s->group);
  if (t->len > begin) es_text_puts(t, "\\n");
  if (s->group->folded) {
    es_text_puts(t, "of constants, computed once");
  } else {
    es_text_printf(t, "%.4g %s, %s, ", s->group->statement ? s->group->points : s->flops,
                   s->group->statement ? "elements" : "multiply-adds", s->step->strategy->name);
    if (s->measured < 0) es_text_puts(t, "~");
    put_seconds(t, s->measured < 0 ? s->predicted : s->measured);
  }
  es_text_puts(t, "\"];\n");
}

/* From what a stage reads. */
static void put_dot_edges(es_text *t, const es_plan *plan, int index, const es_stage *s) {
  for (int i = 0; i < s->problem->n_in; i++) {
    int from = es_stage_writing(plan, s->problem->in[i].slot, index);
    bool operand = from < 0;
    if (operand) from = s->problem->in[i].slot;
    if (operand && from >= plan->n_in) continue; /* a padded copy, a number */
    es_text_printf(t, "  %s%d -> stage%d [label=\" ", operand ? "operand" : "stage", from, index);
    es_stage_term(t, s->group, i);
    es_text_puts(t, "\"];\n");
  }
}

static void put_dot(es_text *t, const es_plan *plan, const double *seconds) {
  es_text_puts(t, "digraph plan {\n"
                  "  graph [fontname=\"sans-serif\", labelloc=t, ranksep=0.4, label=\"");
  es_text_printf(t, "%.4g multiply-adds", plan->flops);
  if (plan->naive > plan->flops) es_text_printf(t, ", %.4g all at once", plan->naive);
  es_text_puts(t, "\"];\n"
                  "  node [fontname=\"sans-serif\", fontsize=11, color=\"#5b6b7c\"];\n"
                  "  edge [fontname=\"sans-serif\", fontsize=10, color=\"#8a97a6\", "
                  "arrowsize=0.6];\n");
  for (int i = 0; i < plan->n_in; i++) put_dot_operand(t, plan, i);
  for (int g = 0; g < plan->n_groups; g++) {
    if (!es_stage_drawn(plan, g)) continue;
    es_stage s = es_stage_of(plan, g, seconds);
    put_dot_stage(t, g, &s, plan->flops > 0 ? s.flops / plan->flops : 0);
    put_dot_edges(t, plan, g, &s);
  }
  es_text_puts(t, "}\n");
}

/* ---- the door ------------------------------------------------------------------------------ */

int es_plan_steps(const es_plan *plan) { return plan ? plan->n_steps : 0; }

size_t es_plan_explain(const es_plan *plan, es_explain_format format, const double *seconds,
                       char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  if (!plan) return t.len;
  switch (format) {
  case ES_EXPLAIN_JSON: put_json(&t, plan, seconds); break;
  case ES_EXPLAIN_DOT: put_dot(&t, plan, seconds); break;
  case ES_EXPLAIN_SVG: es_explain_svg(&t, plan, seconds); break;
  case ES_EXPLAIN_TEXT: put_text(&t, plan, seconds); break;
  }
  return t.len;
}
