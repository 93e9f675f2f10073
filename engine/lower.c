/* From parts of a bound to nests: labels become axes, sparse walks dense strides,
 * a path over the operands intermediates. The last place that sees names, for the
 * print-out of the plan. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/builder.h"
#include "engine/path.h"

typedef struct operand { /* of a nest: an input, a padded copy or an intermediate */
  int slot;
  es_walk walk;
} operand;

typedef struct nest { /* one step of a path */
  int n_in;
  const operand **in;
  operand out;
  int output; /* index of the output array written; -1: an intermediate */
} nest;

/* ---- one nest -------------------------------------------------------------- */

static void put_walk(es_text *t, const es_bound *bound, const es_walk *walk) {
  for (int i = 0; i < walk->n; i++) {
    if (i) es_text_puts(t, " ");
    es_text_puts(t, bound->label[walk->label[i]].name);
  }
}

static void put_nest(es_text *t, const es_bound *bound, const nest *n) {
  for (int i = 0; i < n->n_in; i++) {
    if (i) es_text_puts(t, ", ");
    put_walk(t, bound, &n->in[i]->walk);
  }
  es_text_puts(t, " -> ");
  put_walk(t, bound, &n->out.walk);
}

static const char *describe(es_builder *b, const nest *n) {
  es_text t = es_text_init(NULL, 0);
  put_nest(&t, b->bound, n);
  char *text = es_arena_array(&b->plan->arena, t.len + 1, 1);
  if (!text) return NULL;
  t = es_text_init(text, t.len + 1);
  put_nest(&t, b->bound, n);
  return text;
}

static void put_formula(es_text *t, const es_bound *bound, int rank, const int32_t *label) {
  for (int a = 0; a < rank; a++) {
    if (a) es_text_puts(t, "·");
    es_text_puts(t, bound->label[label[a]].name);
  }
}

/* The points of a nest over these labels: their product. Nothing for one point. */
static const char *points_formula(es_builder *b, int rank, const int32_t *label) {
  es_text t = es_text_init(NULL, 0);
  put_formula(&t, b->bound, rank, label);
  char *text = es_arena_array(&b->plan->arena, t.len + 1, 1);
  if (!text) return NULL;
  t = es_text_init(text, t.len + 1);
  put_formula(&t, b->bound, rank, label);
  return rank ? text : "1";
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

/* A constraint speaks of a nest that has all its labels; a label of extent 1 only
 * ever adds 0. */
static bool applies(const es_builder *b, const es_label_constraint *c) {
  for (int i = 0; i < c->n; i++)
    if (c->coef[i] != 0 && b->bound->label[c->label[i]].extent != 1 && b->axis_of[c->label[i]] < 0)
      return false;
  return true;
}

static void set_side(const es_builder *b, es_side *side, const operand *o) {
  side->slot = o->slot;
  side->dtype = b->plan->slot[o->slot].dtype;
  side->offset = o->walk.offset;
  for (int i = 0; i < o->walk.n; i++)
    side->stride[b->axis_of[o->walk.label[i]]] += o->walk.stride[i];
}

static void set_constraints(const es_builder *b, const es_part *part, es_problem *p) {
  int n = 0;
  for (int i = 0; i < part->n_constraints; i++) {
    const es_label_constraint *c = &part->constraint[i];
    if (!applies(b, c)) continue;
    es_constraint *to = &p->constraint[n++];
    to->base = c->base;
    to->extent = c->extent;
    for (int j = 0; j < c->n; j++)
      if (b->axis_of[c->label[j]] >= 0) to->coef[b->axis_of[c->label[j]]] += c->coef[j];
  }
}

static void set_arithmetic(const es_builder *b, const es_part *part, const nest *n, bool reduces,
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
  p->beta = last && !bound->out[n->output].fill_first ? bound->beta : 0;
  p->out_rank = out->rank;
  p->out_shape = out->shape;
  p->out_strides = out->strides;
}

static es_status add_nest(es_builder *b, const es_part *part, const nest *n) {
  int most = n->out.walk.n, constraints = 0;
  for (int i = 0; i < n->n_in; i++) most += n->in[i]->walk.n;
  int32_t *label = ES_NEW_N(b->scratch, int32_t, most);
  const char *text = describe(b, n);
  if (!label || !text) return es_fail_nomem(b->error);
  int n_out = number_axes(b, &n->out.walk, 0, label), rank = n_out;
  for (int i = 0; i < n->n_in; i++) rank = number_axes(b, &n->in[i]->walk, rank, label);
  sort_reduced(b, n_out, rank, label);
  for (int i = 0; i < part->n_constraints; i++) constraints += applies(b, &part->constraint[i]);
  es_problem *p = es_problem_new(b->scratch, rank, n->n_in, constraints);
  if (p) {
    p->n_out = n_out;
    for (int a = 0; a < rank; a++) p->extent[a] = b->bound->label[label[a]].extent;
    for (int i = 0; i < n->n_in; i++) set_side(b, &p->in[i], n->in[i]);
    set_side(b, &p->out, &n->out);
    set_constraints(b, part, p);
    set_arithmetic(b, part, n, rank > n_out, p);
  }
  for (int a = 0; a < rank; a++) b->axis_of[label[a]] = -1;
  const char *formula = points_formula(b, rank, label);
  if (!p || !formula) return es_fail_nomem(b->error);
  ES_TRY(es_builder_group(b, text, formula, es_problem_points(p)));
  return es_builder_nest(b, p);
}

/* ---- intermediates ----------------------------------------------------------- */

static int64_t stride_in(const es_walk *walk, int32_t label) {
  for (int i = 0; i < walk->n; i++)
    if (walk->label[i] == label) return walk->stride[i] < 0 ? -walk->stride[i] : walk->stride[i];
  return -1;
}

/* Appends the kept labels of a walk that are not listed yet, largest stride first. */
static int list_kept(const es_walk *walk, const int32_t *keep, int n_keep, int32_t *list, int n) {
  int first = n;
  for (int i = 0; i < n_keep; i++) {
    int64_t stride = stride_in(walk, keep[i]);
    if (stride < 0) continue;
    int at = n;
    while (at > first && stride_in(walk, list[at - 1]) < stride) at--;
    memmove(list + at + 1, list + at, sizeof *list * (size_t)(n - at));
    list[at] = keep[i];
    n++;
  }
  return n;
}

static double elements(const es_builder *b, const es_walk *walk) {
  double n = 1;
  for (int i = 0; i < walk->n; i++) n *= (double)b->bound->label[walk->label[i]].extent;
  return n;
}

/* The axes of an intermediate: those of its largest operand innermost and in that
 * operand's order, so that its unit stride stays a unit stride. */
static es_status new_intermediate(es_builder *b, nest *n, const int32_t *keep, int n_keep) {
  const es_walk *large = &n->in[0]->walk, *small = NULL;
  if (n->n_in == 2) {
    bool second = elements(b, &n->in[1]->walk) > elements(b, large);
    large = &n->in[second]->walk;
    small = &n->in[!second]->walk;
  }
  int32_t *others = ES_NEW_N(b->scratch, int32_t, n_keep),
          *list = ES_NEW_N(b->scratch, int32_t, n_keep);
  int64_t *shape = ES_NEW_N(b->scratch, int64_t, n_keep);
  if (!others || !list || !shape) return es_fail_nomem(b->error);
  int n_others = 0, listed = 0;
  for (int i = 0; i < n_keep; i++)
    if (stride_in(large, keep[i]) < 0) others[n_others++] = keep[i];
  if (small) listed = list_kept(small, others, n_others, list, 0);
  listed = list_kept(large, keep, n_keep, list, listed);
  for (int i = 0; i < listed; i++) shape[i] = b->bound->label[list[i]].extent;
  const es_bound *bound = b->bound;
  bool truth = bound->reduce == ES_REDUCE_ANY && bound->combine == ES_INNER_AND;
  ES_TRY(es_builder_intermediate(b, truth ? ES_BOOL : bound->compute, listed, shape, &n->out.slot));
  n->out.walk = (es_walk){0, listed, list, b->plan->slot[n->out.slot].strides};
  n->output = -1;
  return ES_OK;
}

/* ---- one part ------------------------------------------------------------------ */

/* Whether combine distributes over reduce: only then may operands be contracted
 * in pairs and labels reduced early. */
static bool distributes(const es_bound *bound) {
  switch (bound->reduce) {
  case ES_REDUCE_NONE: return true; /* nothing is reduced; combine is associative */
  case ES_REDUCE_SUM: return bound->combine == ES_INNER_MUL;
  case ES_REDUCE_MAX:
  case ES_REDUCE_MIN:
  case ES_REDUCE_LOGSUMEXP: return bound->combine == ES_INNER_ADD;
  case ES_REDUCE_ANY: return bound->combine == ES_INNER_AND;
  default: return false;
  }
}

/* Every constraint must come from one operand that walks all its labels: they then
 * stay alive until that operand is contracted, under the constraint. max and min
 * have no value for an absent point of an intermediate. */
static bool constraints_allow_pairs(es_builder *b, const es_part *part) {
  if (part->n_constraints &&
      (b->bound->reduce == ES_REDUCE_MAX || b->bound->reduce == ES_REDUCE_MIN))
    return false;
  for (int i = 0; i < part->n_constraints; i++) {
    bool owned = false;
    for (int k = 0; k < part->n_in && !owned; k++) {
      const es_walk *walk = &part->in_walk[k];
      for (int j = 0; j < walk->n; j++) b->axis_of[walk->label[j]] = j;
      owned = applies(b, &part->constraint[i]);
      for (int j = 0; j < walk->n; j++) b->axis_of[walk->label[j]] = -1;
    }
    if (!owned) return false;
  }
  return true;
}

/* Path labels: those of the part with at least two values, ascending. */
typedef struct numbering {
  int n;
  int32_t *label;  /* [n] of the bound */
  int64_t *extent; /* [n] */
} numbering;

static int compare_labels(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* The set of a walk in path labels, which b->axis_of holds. */
static bool label_set(const es_builder *b, const es_walk *walk, es_label_set *set) {
  int32_t *label = ES_NEW_N(b->scratch, int32_t, walk->n);
  if (!label) return false;
  int n = 0;
  for (int i = 0; i < walk->n; i++)
    if (b->axis_of[walk->label[i]] >= 0) label[n++] = b->axis_of[walk->label[i]];
  qsort(label, (size_t)n, sizeof *label, compare_labels);
  *set = (es_label_set){n, label};
  return true;
}

static bool number_labels(es_builder *b, const es_part *part, numbering *names) {
  int most = 0;
  for (int k = 0; k < part->n_in; k++) most += part->in_walk[k].n;
  names->label = ES_NEW_N(b->scratch, int32_t, most);
  names->extent = ES_NEW_N(b->scratch, int64_t, most);
  if (!names->label || !names->extent) return false;
  names->n = 0;
  for (int k = 0; k < part->n_in; k++)
    for (int j = 0; j < part->in_walk[k].n; j++) {
      int32_t l = part->in_walk[k].label[j];
      if (b->bound->label[l].extent < 2 || b->axis_of[l] >= 0) continue;
      b->axis_of[l] = 0;
      names->label[names->n++] = l;
    }
  qsort(names->label, (size_t)names->n, sizeof *names->label, compare_labels);
  for (int i = 0; i < names->n; i++) {
    names->extent[i] = b->bound->label[names->label[i]].extent;
    b->axis_of[names->label[i]] = i;
  }
  return true;
}

static es_status find_path(es_builder *b, const es_part *part, numbering *names, es_path **path) {
  es_label_set *sets = ES_NEW_N(b->scratch, es_label_set, part->n_in);
  es_network net = {.n = part->n_in, .operand = sets};
  net.element_bytes = (double)es_dtype_size(b->bound->compute);
  bool ok = number_labels(b, part, names) && sets && label_set(b, &part->out_walk, &net.out);
  for (int k = 0; k < part->n_in && ok; k++) ok = label_set(b, &part->in_walk[k], &sets[k]);
  for (int i = 0; i < names->n; i++) b->axis_of[names->label[i]] = -1;
  if (!ok) return es_fail_nomem(b->error);
  net.n_labels = names->n;
  net.extent = names->extent;
  return es_path_pairwise(b->scratch, &net, b->effort, path, b->error);
}

static bool any_empty(const es_bound *bound, const es_part *part) {
  for (int k = 0; k < part->n_in; k++)
    for (int j = 0; j < part->in_walk[k].n; j++)
      if (bound->label[part->in_walk[k].label[j]].extent == 0) return true;
  return false;
}

/* *last_begin: the first step of the nest that writes the output. */
static es_status run_path(es_builder *b, const es_part *part, const numbering *names,
                          const es_path *path, operand *values, int *last_begin) {
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    const operand *in[ES_PATH_FUSE];
    nest n = {.n_in = step->n_in, .in = in};
    for (int i = 0; i < step->n_in; i++) in[i] = &values[step->in[i]];
    if (k == path->n_steps - 1) {
      n.out = (operand){b->plan->n_in + part->output, part->out_walk};
      n.output = part->output;
    } else {
      int32_t *keep = ES_NEW_N(b->scratch, int32_t, step->keep.n);
      if (!keep) return es_fail_nomem(b->error);
      for (int i = 0; i < step->keep.n; i++) keep[i] = names->label[step->keep.label[i]];
      ES_TRY(new_intermediate(b, &n, keep, step->keep.n));
    }
    if (k == path->n_steps - 1) *last_begin = b->plan->n_steps;
    ES_TRY(add_nest(b, part, &n));
    values[part->n_in + k] = n.out;
  }
  return ES_OK;
}

/* All operands in one nest, whatever the semiring. */
static es_status add_whole(es_builder *b, const es_part *part, const operand *values) {
  const operand **in = es_arena_array(b->scratch, (size_t)part->n_in, sizeof *in);
  if (!in) return es_fail_nomem(b->error);
  for (int k = 0; k < part->n_in; k++) in[k] = &values[k];
  nest whole = {.n_in = part->n_in,
                .in = in,
                .out = {b->plan->n_in + part->output, part->out_walk},
                .output = part->output};
  return add_nest(b, part, &whole);
}

static es_status add_pairs(es_builder *b, const es_part *part, operand *values) {
  const es_bound *bound = b->bound;
  es_plan *plan = b->plan;
  numbering names = {0};
  es_path *path = NULL;
  es_plan_detour d = {.begin = plan->n_steps};
  ES_TRY(find_path(b, part, &names, &path));
  ES_TRY(run_path(b, part, &names, path, values, &d.last));
  bool exact = bound->compute == ES_I64 && !bound->wrap && bound->combine != ES_INNER_AND;
  if (!exact || path->n_steps == 1) return ES_OK;
  d.alternative = plan->n_steps;
  ES_TRY(add_whole(b, part, values));
  plan->group[plan->n_groups - 1].alternative = true;
  d.end = plan->n_steps;
  es_plan_detour *detours = es_arena_grow(&plan->arena, plan->detour, plan->n_detours,
                                          &b->cap_detours, sizeof *detours);
  if (!detours) return es_fail_nomem(b->error);
  plan->detour = detours;
  plan->detour[plan->n_detours++] = d;
  return ES_OK;
}

es_status es_builder_part(es_builder *b, const es_part *part) {
  /* A pair each, a step alone for each operand. */
  operand *values = ES_NEW_N(b->scratch, operand, 3 * (size_t)part->n_in);
  if (!values) return es_fail_nomem(b->error);
  for (int k = 0; k < part->n_in; k++)
    values[k] = (operand){b->operand_slot[part->in[k]], part->in_walk[k]};
  bool pairs = part->n_in >= 2 && distributes(b->bound) && !any_empty(b->bound, part) &&
               constraints_allow_pairs(b, part);
  return pairs ? add_pairs(b, part, values) : add_whole(b, part, values);
}
