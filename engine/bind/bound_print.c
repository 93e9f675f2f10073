/* The axis table and the views as text. */
#include <string.h>

#include "base/text.h"
#include "engine/bind/affine.h"
#include "engine/bind/axes.h"
#include "engine/bind/bound.h"
#include "engine/bind/sizes.h"

/* ---- the axis table -------------------------------------------------------------- */

static void print_labels(const es_bound *r, es_text *t) {
  for (int i = 0; i < r->n_labels; i++)
    es_text_printf(t, "%s  %lld  %s\n", r->label[i].name, (long long)r->label[i].extent,
                   r->label[i].role == ES_ROLE_OUT ? "output" : "reduced");
}

static const char *outside(const es_fill *f) {
  switch (f->kind) {
  case ES_FILL_EDGE: return "the edge";
  case ES_FILL_WRAP: return "wrapped round";
  case ES_FILL_REFLECT: return "reflected";
  case ES_FILL_NUMBER: return f->value == 0 ? "absent" : "a number";
  case ES_FILL_NONE:
  default: return "dropped"; /* only writes may leave their axis without a fill */
  }
}

/* The range an affine index covers, and what of its axis it leaves alone. */
static void print_affine(const es_bound *r, es_text *t, const es_node *node, bool input) {
  int64_t low, high, extent = r->size[node->var];
  bool empty;
  if (!es_affine_range(node->affine, r->size, &low, &high, &empty)) return;
  if (empty) {
    es_text_printf(t, ": %s nothing", input ? "reads" : "writes");
    return;
  }
  es_text_printf(t, ": %s %lld..%lld", input ? "reads" : "writes", (long long)low, (long long)high);
  if (low < 0 || high >= extent) es_text_printf(t, ", outside %s", outside(&node->affine->fill));
  if (high < extent - 1)
    es_text_printf(t, ", the last %lld unused", (long long)(extent - 1 - high));
}

static void print_node(const es_bound *r, es_text *t, const es_node *node, bool input) {
  switch (node->kind) {
  case ES_NODE_LABEL: es_text_puts(t, r->label[node->var].name); break;
  case ES_NODE_AFFINE:
    es_text_put(t, r->pattern->text + node->span.offset, (size_t)node->span.length);
    print_affine(r, t, node, input);
    break;
  case ES_NODE_GROUP:
  case ES_NODE_CONCAT:
  default:
    es_text_puts(t, "(");
    for (int i = 0; i < node->n; i++) {
      if (i) es_text_puts(t, node->kind == ES_NODE_CONCAT ? " ^ " : " ");
      print_node(r, t, &node->child[i], input);
    }
    es_text_puts(t, ")");
    break;
  }
}

static void print_term(const es_bound *r, es_text *t, const es_axis_term *term, bool input,
                       int which) {
  es_text_printf(t, "%s %d\n", input ? "operand" : "output", which);
  for (int i = 0; i < term->n; i++) {
    es_text_printf(t, "  axis %d  %lld  ", i, (long long)r->size[term->node[i].var]);
    print_node(r, t, &term->node[i], input);
    es_text_puts(t, "\n");
  }
}

static void print_axes(const es_bound *r, es_text *t) {
  print_labels(r, t);
  for (int i = 0; i < r->axes->n_in; i++) print_term(r, t, &r->axes->in[i], true, i);
  for (int i = 0; i < r->axes->n_out; i++) print_term(r, t, &r->axes->out[i], false, i);
}

/* ---- the views --------------------------------------------------------------------- */

static void print_walk(const es_bound *r, es_text *t, const es_walk *w) {
  es_text_printf(t, "%lld", (long long)w->offset);
  for (int i = 0; i < w->n; i++)
    es_text_printf(t, " %+lld*%s", (long long)w->stride[i], r->label[w->label[i]].name);
}

static void print_part(const es_bound *r, es_text *t, const es_part *p) {
  for (int k = 0; k < p->n_in; k++) {
    es_text_printf(t, "  operand %d%s at ", p->in[k], r->padded[p->in[k]] ? " padded" : "");
    print_walk(r, t, &p->in_walk[k]);
    es_text_puts(t, "\n");
  }
  for (int k = 0; k < p->n_constraints; k++) {
    const es_label_constraint *c = &p->constraint[k];
    es_text_puts(t, "  where 0 <= ");
    print_walk(r, t, &(es_walk){c->base, c->n, c->label, c->coef});
    es_text_printf(t, " < %lld\n", (long long)c->extent);
  }
}

static void print_padded(const es_bound *r, es_text *t, int operand) {
  const es_padded *p = r->padded[operand];
  if (!p) return;
  es_text_printf(t, "operand %d is padded:", operand);
  for (int i = 0; i < p->rank; i++)
    es_text_printf(t, " %lld+%lld+%lld", (long long)p->low[i], (long long)p->extent[i],
                   (long long)p->high[i]);
  es_text_puts(t, "\n");
}

static void print_views(const es_bound *r, es_text *t) {
  for (int i = 0; i < r->n_in; i++) print_padded(r, t, i);
  for (int i = 0; i < r->n_out; i++) {
    const es_output *o = &r->out[i];
    es_text_printf(t, "output %d is %s ", i, es_dtype_name(o->dtype));
    es_text_shape(t, o->rank, o->shape);
    es_text_puts(t, o->fill_first ? ", filled first\n" : "\n");
  }
  for (int i = 0; i < r->n_parts; i++) {
    const es_part *p = &r->part[i];
    es_text_printf(t, "output %d at ", p->output);
    print_walk(r, t, &p->out_walk);
    es_text_printf(t, " is %s of\n", es_reducer_name(r->reduce));
    print_part(r, t, p);
  }
}

size_t es_bound_print(const es_bound *bound, const char *letters, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  if (strchr(letters, 'x')) print_axes(bound, &t);
  if (strchr(letters, 'v')) print_views(bound, &t);
  return t.len;
}
