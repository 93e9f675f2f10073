/* One nest: labels become axes, sparse walks dense strides. The last place that sees
 * names, for the print-out of the plan. */
#include "engine/lower/nest.h"

#include "base/text.h"

/* ---- one nest -------------------------------------------------------------- */

static void put_walk(es_text *t, const es_bound *bound, const es_walk *walk) {
  for (int i = 0; i < walk->n; i++) {
    if (i) es_text_puts(t, " ");
    es_text_puts(t, bound->label[walk->label[i]].name);
  }
}

static bool put_nest(es_text *t, es_builder *b, const void *of) {
  const es_nest *n = of;
  for (int i = 0; i < n->n_in; i++) {
    if (i) es_text_puts(t, ", ");
    put_walk(t, b->bound, &n->in[i]->walk);
  }
  es_text_puts(t, " -> ");
  put_walk(t, b->bound, &n->out.walk);
  return true;
}

/* The points of a nest over these labels: their product. */
static bool put_points(es_text *t, es_builder *b, const void *of) {
  const es_label_set *set = of;
  for (int i = 0; i < set->n; i++) {
    if (i) es_text_puts(t, "·");
    es_text_puts(t, b->bound->label[set->label[i]].name);
  }
  if (!set->n) es_text_puts(t, "1");
  return true;
}

/* Gives axes to the labels of a walk that have none yet. */
static int number_axes(es_builder *b, const es_walk *walk, int rank, int32_t *label) {
  for (int i = 0; i < walk->n; i++) {
    int32_t l = walk->label[i];
    if (b->axis_of[l] >= 0) continue;
    b->axis_of[l] = rank;
    label[rank++] = l;
  }
  return rank;
}

/* Reduced axes in the order of the labels: the order of summation is the text's,
 * whatever the layouts. Insertion sort: few, and nearly sorted. */
static void sort_reduced(es_builder *b, int n_out, int rank, int32_t *label) {
  for (int i = n_out + 1; i < rank; i++)
    for (int j = i; j > n_out && label[j - 1] > label[j]; j--) {
      int32_t t = label[j];
      label[j] = label[j - 1];
      label[j - 1] = t;
    }
  for (int i = n_out; i < rank; i++) b->axis_of[label[i]] = i;
}

bool es_part_constrains(const es_part *part, int32_t label) {
  for (int i = 0; i < part->n_constraints; i++)
    for (int j = 0; j < part->constraint[i].n; j++)
      if (part->constraint[i].label[j] == label) return true;
  return false;
}

/* A label of extent 1 only ever adds 0. */
bool es_builder_applies(const es_builder *b, const es_label_constraint *c) {
  for (int i = 0; i < c->n; i++)
    if (c->coef[i] != 0 && b->bound->label[c->label[i]].extent != 1 && b->axis_of[c->label[i]] < 0)
      return false;
  return true;
}

static void set_side(const es_builder *b, es_side *side, const es_operand *o) {
  side->slot = o->slot;
  side->dtype = b->plan->slot[o->slot].dtype;
  side->fixed = !b->plan->slot[o->slot].varies && !b->pieces && !b->rounds;
  side->offset = o->walk.offset;
  for (int i = 0; i < o->walk.n; i++)
    side->stride[b->axis_of[o->walk.label[i]]] += o->walk.stride[i];
}

static void set_constraints(const es_builder *b, const es_part *part, es_problem *p) {
  int n = 0;
  for (int i = 0; i < part->n_constraints; i++) {
    const es_label_constraint *c = &part->constraint[i];
    if (!es_builder_applies(b, c)) continue;
    es_constraint *to = &p->constraint[n++];
    to->base = c->base;
    to->extent = c->extent;
    for (int j = 0; j < c->n; j++)
      if (b->axis_of[c->label[j]] >= 0) to->coef[b->axis_of[c->label[j]]] += c->coef[j];
  }
}

static void set_stays(const es_builder *b, const es_operand *o, const es_problem *p,
                      es_side *side) {
  for (int i = 0; i < o->walk.n; i++) {
    const int axis = b->axis_of[o->walk.label[i]];
    for (int c = 0; c < p->n_constraints; c++)
      side->stays |= !side->stride[axis] && p->constraint[c].coef[axis];
  }
}

static void set_arithmetic(const es_builder *b, const es_part *part, const es_nest *n, bool reduces,
                           es_problem *p) {
  const es_bound *bound = b->bound;
  bool last = n->output >= 0;
  const es_plan_slot *out = &b->plan->slot[n->out.slot];
  p->combine = bound->combine;
  p->reduce = last || reduces ? bound->reduce : ES_REDUCE_NONE;
  p->compute = bound->compute;
  p->wrap = bound->wrap;
  p->mean_count = last ? part->mean_count : 1;
  p->alpha = last ? bound->alpha : 1;
  p->beta = n->adds ? 1 : last && !bound->out[n->output].fill_first ? bound->beta : 0;
  p->out_rank = out->rank;
  p->out_shape = out->shape;
  p->out_strides = out->strides;
}

es_status es_builder_add_nest(es_builder *b, const es_part *part, const es_nest *n) {
  int most = n->out.walk.n, constraints = 0;
  for (int i = 0; i < n->n_in; i++) most += n->in[i]->walk.n;
  int32_t *label = ES_NEW_N(b->scratch, int32_t, most);
  const char *text = es_builder_text(b, put_nest, n);
  if (!label || !text) return es_fail_nomem(b->error);
  int n_out = number_axes(b, &n->out.walk, 0, label), rank = n_out;
  for (int i = 0; i < n->n_in; i++) rank = number_axes(b, &n->in[i]->walk, rank, label);
  sort_reduced(b, n_out, rank, label);
  for (int i = 0; i < part->n_constraints; i++)
    constraints += es_builder_applies(b, &part->constraint[i]);
  es_problem *p = es_problem_new(b->scratch, rank, n->n_in, constraints);
  if (p) {
    p->n_out = n_out;
    for (int a = 0; a < rank; a++) p->extent[a] = b->extent[label[a]];
    for (int i = 0; i < n->n_in; i++) set_side(b, &p->in[i], n->in[i]);
    set_side(b, &p->out, &n->out);
    set_constraints(b, part, p);
    for (int i = 0; i < n->n_in; i++) set_stays(b, n->in[i], p, &p->in[i]);
    set_arithmetic(b, part, n, rank > n_out, p);
  }
  for (int a = 0; a < rank; a++) b->axis_of[label[a]] = -1;
  /* What is added up in pieces was counted with the first. */
  const es_label_set walked = {rank, label};
  const char *formula = n->adds ? NULL : es_builder_text(b, put_points, &walked);
  const char *bytes = n->adds ? NULL : es_builder_bytes_formula(b, n);
  if (!p || (!n->adds && (!formula || !bytes))) return es_fail_nomem(b->error);
  ES_TRY(es_builder_group(b, text, formula, es_problem_points(p)));
  es_plan_group *group = &b->plan->group[b->plan->n_groups - 1];
  int64_t *extent = ES_NEW_N(&b->plan->arena, int64_t, rank);
  if (!extent) return es_fail_nomem(b->error);
  for (int a = 0; a < rank; a++) extent[a] = b->extent[label[a]];
  group->n_in = n->n_in;
  group->bytes_formula = bytes;
  group->rank = rank;
  group->extent = extent;
  return es_builder_nest(b, p);
}
