#include "engine/program_names.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "engine/bind/axis_table.h"

/* ---- what axes are called ------------------------------------------------------------------- */

es_status es_compiler_name_input(es_compiler *c, const char *name, const es_value_of *value) {
  for (int a = 0; a < value->rank; a++) {
    char buf[128];
    es_text t = es_text_init(buf, sizeof buf);
    es_text_printf(&t, "%s.shape[%d]", name, a);
    if (t.len >= sizeof buf) continue;
    const char *own = es_arena_copy_text(c->b->scratch, buf, t.len);
    if (!own) return es_fail_nomem(c->b->error);
    es_axis_call(&c->axes, value->axis[a], ES_AXIS_OF_INPUT, own);
  }
  return ES_OK;
}

/* "h", "3"; false for those of ellipses and of indices, and for _. */
static bool put_node(es_text *t, const es_axes *axes, const es_node *node) {
  if (node->kind == ES_NODE_AFFINE) return false;
  if (node->kind == ES_NODE_LABEL) {
    const char *name = axes->label[node->var].name;
    if (strstr(name, "...") || !strcmp(name, "_")) return false;
    es_text_puts(t, name);
    return true;
  }
  bool sum = node->kind == ES_NODE_CONCAT;
  if (!node->n) es_text_puts(t, "1");
  if (sum) es_text_puts(t, "(");
  for (int i = 0; i < node->n; i++) {
    if (i) es_text_puts(t, sum ? "+" : "·");
    if (!put_node(t, axes, &node->child[i])) return false;
  }
  if (sum) es_text_puts(t, ")");
  return true;
}

/* of_label: [labels] an axis that is that label, -1: none yet. */
static es_status name_term(es_compiler *c, const es_bound *bound, const es_axis_term *term,
                           const es_value_of *value, int32_t *of_label) {
  for (int a = 0; a < term->n && a < value->rank; a++) {
    const es_node *node = &term->node[a];
    if (bound->size[node->var] != value->shape[a]) continue; /* of an ellipsis, stretched */
    char buf[128];
    es_text t = es_text_init(buf, sizeof buf);
    if (node->kind == ES_NODE_LABEL) {
      int32_t *first = &of_label[node->var];
      if (*first >= 0) es_axis_tie(&c->axes, *first, value->axis[a]);
      if (*first < 0) *first = value->axis[a];
    }
    if (!put_node(&t, bound->axes, node) || t.len >= sizeof buf) continue;
    bool number = node->kind == ES_NODE_LABEL && bound->axes->label[node->var].fixed >= 0;
    const char *name = es_arena_copy_text(c->b->scratch, buf, t.len);
    if (!name) return es_fail_nomem(c->b->error);
    es_axis_call(&c->axes, value->axis[a], number ? ES_AXIS_NUMBER : ES_AXIS_NAMED, name);
  }
  return ES_OK;
}

es_status es_compiler_name_pattern(es_compiler *c, const es_value_node *node, const es_bound *bound,
                                   const es_value_of *out) {
  const es_axes *axes = bound->axes;
  int32_t *of_label = ES_NEW_N(c->b->scratch, int32_t, axes->n_labels);
  if (!of_label) return es_fail_nomem(c->b->error);
  for (int l = 0; l < axes->n_labels; l++) of_label[l] = -1;
  for (int i = 0; i < axes->n_in; i++)
    ES_TRY(name_term(c, bound, &axes->in[i], &c->value[node->in[i]], of_label));
  for (int i = 0; i < axes->n_out; i++)
    ES_TRY(name_term(c, bound, &axes->out[i], &out[i], of_label));
  return ES_OK;
}

/* A 1 that stands in a pattern may be there to be broadcast. */
static bool is_number(es_compiler *c, int32_t axis) {
  return es_axis_class_of(&c->axes, axis)->origin == ES_AXIS_NUMBER;
}

void es_compiler_tie(es_compiler *c, const es_value_of *value, const es_value_of *out) {
  int lead = out->rank - value->rank;
  for (int a = 0; a < value->rank; a++) {
    int32_t own = value->axis[a], other = out->axis[lead + a];
    if (value->shape[a] != out->shape[lead + a]) continue;
    if (value->shape[a] == 1 && (is_number(c, own) || is_number(c, other))) continue;
    es_axis_tie(&c->axes, own, other);
  }
}

/* ---- what steps read and write ----------------------------------------------------------------
 */

es_status es_compiler_touch(es_compiler *c, const es_value_of *value) {
  es_touch *all = es_arena_grow(c->b->scratch, c->touch, c->n_touches, &c->touch_room, sizeof *all);
  if (!all) return es_fail_nomem(c->b->error);
  c->touch = all;
  all[c->n_touches++] = (es_touch){c->b->plan->n_groups - 1, *value};
  return ES_OK;
}

/* "4·b·h"; the number of bytes where an axis has no name, or elements are seen more than once. */
static void put_value(es_text *t, es_compiler *c, const es_value_of *v) {
  double size = (double)es_dtype_size(v->dtype), walked = 1, reach = 1;
  bool named = true;
  es_text_puts(t, t->len ? " + " : "");
  const es_text begin = *t;
  es_text_printf(t, "%.0f", size);
  for (int a = 0; a < v->rank && named; a++) {
    if (v->strides[a] == 0 && v->shape[a] > 1) continue;
    const es_axis_class *axis = es_axis_class_of(&c->axes, v->axis[a]);
    named = axis->origin != ES_AXIS_NAMELESS;
    if (named) es_text_printf(t, "·%s", axis->name);
  }
  for (int a = 0; a < v->rank; a++) {
    if (v->strides[a] == 0 || v->shape[a] == 0) continue;
    walked *= (double)v->shape[a];
    reach += fabs((double)v->strides[a]) * (double)(v->shape[a] - 1);
  }
  if (named && walked <= reach) return;
  *t = begin;
  es_text_printf(t, "%.0f", size * fmin(walked, reach));
}

/* The touches from first on that are of one group; returns how many. */
static int put_group(es_text *t, es_compiler *c, int first) {
  int n = 0;
  while (first + n < c->n_touches && c->touch[first + n].group == c->touch[first].group)
    put_value(t, c, &c->touch[first + n++].value);
  return n;
}

es_status es_compiler_write_formulas(es_compiler *c) {
  es_plan *plan = c->b->plan;
  for (int i = 0; i < c->n_touches;) {
    char buf[512];
    es_text t = es_text_init(buf, sizeof buf);
    int n = put_group(&t, c, i);
    size_t len = t.len;
    char *formula = es_arena_array(&plan->arena, len + 1, 1);
    if (!formula) return es_fail_nomem(c->b->error);
    t = es_text_init(formula, len + 1);
    put_group(&t, c, i);
    plan->group[c->touch[i].group].bytes_formula = formula;
    i += n;
  }
  return ES_OK;
}
