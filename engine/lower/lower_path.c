/* The steps of one part of an output: a path over its operands, intermediates between
 * them. */
#include <stdlib.h>
#include <string.h>

#include "engine/bind/walk.h"
#include "engine/lower/fit.h"
#include "engine/lower/loop.h"
#include "engine/lower/nest.h"
#include "engine/order/path.h"
#include "engine/order/path_known.h"

/* ---- intermediates ----------------------------------------------------------- */

/* Notes where the labels of a walk stand in it, in b->axis_of. */
static void mark(es_builder *b, const es_walk *walk) {
  for (int i = walk->n - 1; i >= 0; i--) b->axis_of[walk->label[i]] = i;
}

static void unmark(es_builder *b, const es_walk *walk) {
  for (int i = 0; i < walk->n; i++) b->axis_of[walk->label[i]] = -1;
}

/* How far apart the indices of label are in the walk that is marked, or -1. */
static int64_t stride_in(const es_builder *b, const es_walk *walk, int32_t label) {
  int i = b->axis_of[label];
  return i < 0 ? -1 : llabs(walk->stride[i]);
}

/* Puts the kept labels of a walk that are not listed yet before those that are, at the end of
 * list[n_keep], largest stride first. Returns how many. */
static int list_before(es_builder *b, const es_walk *walk, const int32_t *keep, int n_keep,
                       int32_t *list, int listed) {
  int32_t *end = list + n_keep - listed, *first = end;
  mark(b, walk);
  for (int i = 0; i < listed; i++)
    if (b->axis_of[end[i]] >= 0) b->axis_of[end[i]] = -1;
  for (int i = 0; i < n_keep; i++) {
    int64_t stride = stride_in(b, walk, keep[i]);
    if (stride < 0) continue;
    int32_t *at = --first;
    for (; at + 1 < end && stride_in(b, walk, at[1]) > stride; at++) at[0] = at[1];
    *at = keep[i];
  }
  unmark(b, walk);
  return (int)(end - first);
}

static double elements(const es_builder *b, const es_walk *walk) {
  double n = 1;
  for (int i = 0; i < walk->n; i++) n *= (double)b->extent[walk->label[i]];
  return n;
}

/* The axes of an intermediate: those of the largest of the values it is made of, and the one that
 * it meets next, innermost and in that one's order, so that its unit stride stays a unit stride. */
static es_status new_intermediate(es_builder *b, es_nest *n, const es_operand *next,
                                  const int32_t *keep, int n_keep) {
  const es_walk *by_size[3];
  int n_walks = 0, listed = 0;
  for (int i = 0; i < n->n_in + (next != NULL); i++) {
    const es_walk *walk = i < n->n_in ? &n->in[i]->walk : &next->walk;
    int at = n_walks++;
    for (; at && elements(b, by_size[at - 1]) < elements(b, walk); at--)
      by_size[at] = by_size[at - 1];
    by_size[at] = walk;
  }
  int32_t *list = ES_NEW_N(b->scratch, int32_t, n_keep);
  int64_t *shape = ES_NEW_N(b->scratch, int64_t, n_keep);
  if (!list || !shape) return es_fail_nomem(b->error);
  for (int i = 0; i < n_walks; i++)
    listed += list_before(b, by_size[i], keep, n_keep, list, listed);
  memmove(list, list + n_keep - listed, sizeof *list * (size_t)listed);
  for (int i = 0; i < listed; i++) shape[i] = b->extent[list[i]];
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
      mark(b, walk);
      owned = es_builder_applies(b, &part->constraint[i]);
      unmark(b, walk);
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

/* ---- the path ------------------------------------------------------------------- */

static bool exact_integers(const es_bound *bound) {
  return bound->compute == ES_I64 && !bound->wrap && bound->combine != ES_INNER_AND;
}

/* Whether pieces of a reduced label can be added up in the output itself. Integers are exact,
 * or wrap, piece by piece as in one. */
static bool adds_up(const es_bound *bound, int output) {
  bool real = es_dtype_class(bound->compute) >= ES_CLASS_FLOAT;
  bool whole = es_dtype_class(bound->out[output].dtype) == ES_CLASS_INT && bound->alpha == 1;
  return bound->reduce == ES_REDUCE_SUM && bound->combine == ES_INNER_MUL &&
         (real ? bound->out[output].dtype == bound->compute : whole);
}

/* A piece moves a slot once: along labels where operands in one slot move differently there
 * are no pieces. */
static void keep_whole(const es_builder *b, const es_part *part, const numbering *names,
                       bool *may_cut) {
  for (int k = 1; k < part->n_in; k++) {
    int first = 0;
    while (b->operand_slot[part->in[first]] != b->operand_slot[part->in[k]]) first++;
    for (int i = 0; i < names->n && first < k; i++)
      if (es_walk_stride(&part->in_walk[first], names->label[i]) !=
          es_walk_stride(&part->in_walk[k], names->label[i]))
        may_cut[i] = false;
  }
}

/* Labels of which a step may see a part: no constraint speaks of them. Integers that leave
 * their type are computed anew as a whole, which must not find the pieces in out. */
static void list_cuttable(const es_builder *b, const es_part *part, const numbering *names,
                          bool *may_cut) {
  const es_bound *bound = b->bound;
  bool any = !exact_integers(bound) || bound->beta == 0;
  for (int i = 0; i < names->n; i++) {
    int32_t label = names->label[i];
    may_cut[i] = any && (es_walk_find(&part->out_walk, label) >= 0 || adds_up(bound, part->output));
    if (es_part_constrains(part, label)) may_cut[i] = false;
  }
  keep_whole(b, part, names, may_cut);
}

/* Bytes of intermediates for each operand that are next to nothing beside the plan's own. */
static const double ENOUGH = 48;

/* The path, and in b->extent what of each label one run of it walks. */
static es_status find_path(es_builder *b, const es_part *part, numbering *names, double room,
                           es_path **path) {
  es_label_set *sets = ES_NEW_N(b->scratch, es_label_set, part->n_in);
  es_network net = {.n = part->n_in, .operand = sets, .seed = b->order_seed};
  net.element_bytes = (double)es_dtype_size(b->bound->compute);
  bool ok = number_labels(b, part, names) && sets && label_set(b, &part->out_walk, &net.out);
  for (int k = 0; k < part->n_in && ok; k++) ok = label_set(b, &part->in_walk[k], &sets[k]);
  for (int i = 0; i < names->n; i++) b->axis_of[names->label[i]] = -1;
  if (!ok) return es_fail_nomem(b->error);
  net.n_labels = names->n;
  net.extent = names->extent;
  if (part->n_in < 3) return es_path_pairwise(b->scratch, &net, b->effort, path, b->error);
  bool *may_cut = ES_NEW_N(b->scratch, bool, names->n);
  int64_t *kept = ES_NEW_N(b->scratch, int64_t, names->n);
  if (room == 0) ES_TRY(es_builder_seek_least(b));
  if (part->n_in > b->fit->operands) b->fit->operands = part->n_in;
  if (!b->fit->known) b->fit->known = es_known_new(&b->ctx->allocator);
  if (!may_cut || !kept || !b->fit->known) return es_fail_nomem(b->error);
  list_cuttable(b, part, names, may_cut);
  es_slicing_rules rules = {.limit = room,
                            .enough = ENOUGH * part->n_in,
                            .again = b->fit->share < 1,
                            .element_bytes = net.element_bytes,
                            .most = ES_PLAN_MOST_CUT,
                            .may_cut = may_cut};
  double least;
  b->fit->steps += (1 << (part->n_in < ES_FIT_FEW ? part->n_in : ES_FIT_FEW)) / 4; /* the search */
  ES_TRY(es_path_within(b->scratch, &net, b->effort, &rules, b->fit->known, path, kept, &least,
                        b->error));
  if (room > 0 && least > room) return es_builder_give_up(b);
  if (room == 0 && least > 0x1p62)
    return es_fail(b->error, ES_E_LIMIT, "M1", ES_NOWHERE,
                   "the intermediates of this expression take more bytes at a time than 64 bits "
                   "count, in every order that was found, cut into pieces or not");
  for (int i = 0; i < names->n; i++) b->extent[names->label[i]] = kept[i];
  return ES_OK;
}

static bool any_empty(const es_bound *bound, const es_part *part) {
  for (int k = 0; k < part->n_in; k++)
    for (int j = 0; j < part->in_walk[k].n; j++)
      if (bound->label[part->in_walk[k].label[j]].extent == 0) return true;
  return false;
}

/* What the result of a step is contracted with, where that is known by then; else NULL. */
static const es_operand *partner(const es_path *path, int n_in, int k, const es_operand *values) {
  int value = n_in + k;
  for (int j = k + 1; j < path->n_steps; j++) {
    const es_path_step *step = &path->step[j];
    if (step->in[step->n_in - 1] != value && step->in[0] != value) continue;
    int other = step->in[step->in[0] == value ? step->n_in - 1 : 0];
    return other < value ? &values[other] : NULL;
  }
  return NULL;
}

static es_status run_step(es_builder *b, const es_part *part, const numbering *names,
                          const es_path *path, int k, es_operand *values, es_nest *n) {
  const es_path_step *step = &path->step[k];
  const es_operand **in = ES_NEW_N(b->scratch, const es_operand *, step->n_in);
  if (!in) return es_fail_nomem(b->error);
  n->n_in = step->n_in;
  n->in = in;
  for (int i = 0; i < step->n_in; i++) in[i] = &values[step->in[i]];
  if (n->output >= 0) {
    n->out = (es_operand){b->output_slot[part->output], part->out_walk};
  } else {
    int32_t *keep = ES_NEW_N(b->scratch, int32_t, step->keep.n);
    if (!keep) return es_fail_nomem(b->error);
    for (int i = 0; i < step->keep.n; i++) keep[i] = names->label[step->keep.label[i]];
    ES_TRY(new_intermediate(b, n, partner(path, part->n_in, k, values), keep, step->keep.n));
  }
  return es_builder_add_nest(b, part, n);
}

/* Whether a label that the output does not hold runs in pieces. */
static bool cuts_reduced(const es_builder *b, const es_part *part, const numbering *names) {
  for (int i = 0; i < names->n; i++)
    if (b->extent[names->label[i]] != names->extent[i] &&
        es_walk_find(&part->out_walk, names->label[i]) < 0)
      return true;
  return false;
}

static bool cuts(const es_builder *b, const numbering *names) {
  for (int i = 0; i < names->n; i++)
    if (b->extent[names->label[i]] != names->extent[i]) return true;
  return false;
}

/* The plan now holds only for operands that are as es_options.same said. */
static es_status note_same(es_builder *b) {
  es_plan *plan = b->plan;
  if (!plan->same && !(plan->same = ES_NEW_N(&plan->arena, int64_t, plan->n_in)))
    return es_fail_nomem(b->error);
  memcpy(plan->same, b->same, sizeof *plan->same * (size_t)plan->n_in);
  return ES_OK;
}

/* *last: the first step of the nest that writes the output; *adds: in pieces, which add up. */
static es_status run_path(es_builder *b, const es_part *part, const numbering *names, double room,
                          const es_path *path, es_operand *values, int *last, bool *adds) {
  int begin = b->plan->n_steps, end = path->n_steps - 1;
  es_shared shared;
  ES_TRY(es_builder_share(b, part, path, names->label, room, &shared));
  if (shared.first && b->same) ES_TRY(note_same(b));
  b->estimated = part->n_in > 2;
  b->pieces = cuts(b, names) || (exact_integers(b->bound) && end > 0);
  for (int k = 0; k < end; k++) {
    es_operand *value = &values[part->n_in + k];
    if (shared.first && shared.first[k] >= 0) {
      ES_TRY(es_shared_value(b, &shared, k, values, value));
      continue;
    }
    es_nest n = {.output = -1};
    ES_TRY(run_step(b, part, names, path, k, values, &n));
    *value = n.out;
  }
  *last = b->plan->n_steps;
  es_nest n = {.output = part->output};
  ES_TRY(run_step(b, part, names, path, end, values, &n));
  int again = b->plan->n_steps;
  n.adds = *adds = cuts_reduced(b, part, names);
  if (n.adds) ES_TRY(run_step(b, part, names, path, end, values, &n));
  b->pieces = b->estimated = false;
  return b->rounds ? ES_OK : es_builder_loop(b, part, begin, *last, again);
}

/* All operands in one nest, whatever the semiring. */
static es_status add_whole(es_builder *b, const es_part *part, const es_operand *values) {
  const es_operand **in = es_arena_array(b->scratch, (size_t)part->n_in, sizeof *in);
  if (!in) return es_fail_nomem(b->error);
  for (int k = 0; k < part->n_in; k++) in[k] = &values[k];
  es_nest whole = {.n_in = part->n_in,
                   .in = in,
                   .out = {b->output_slot[part->output], part->out_walk},
                   .output = part->output};
  return es_builder_add_nest(b, part, &whole);
}

static es_status add_pairs(es_builder *b, const es_part *part, es_operand *values) {
  const es_bound *bound = b->bound;
  es_plan *plan = b->plan;
  numbering names = {0};
  es_path *path = NULL;
  es_plan_detour d = {.begin = plan->n_steps};
  double room = es_builder_room(b, part->n_in);
  ES_TRY(find_path(b, part, &names, room, &path));
  bool adds;
  ES_TRY(run_path(b, part, &names, room, path, values, &d.last, &adds));
  if (!exact_integers(bound) || path->n_steps == 1) return ES_OK;
  d.alternative = plan->n_steps;
  if (adds) d.last = d.alternative;
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

/* Multiply-adds of one nest over all labels. */
static double naive(es_builder *b, const es_part *part) {
  double points = part->n_in > 2 ? part->n_in - 1 : 1;
  for (int pass = 0; pass < 2; pass++) /* the second takes the marks off */
    for (int k = 0; k < part->n_in; k++)
      for (int j = 0; j < part->in_walk[k].n; j++) {
        int32_t l = part->in_walk[k].label[j];
        if (pass == 0 && b->axis_of[l] < 0) points *= (double)b->bound->label[l].extent;
        b->axis_of[l] = pass ? -1 : 0;
      }
  return points;
}

es_status es_builder_part(es_builder *b, const es_part *part) {
  /* A pair each, a step alone for each operand. */
  es_operand *values = ES_NEW_N(b->scratch, es_operand, 3 * (size_t)part->n_in);
  if (!values) return es_fail_nomem(b->error);
  for (int k = 0; k < part->n_in; k++) {
    values[k] = (es_operand){b->operand_slot[part->in[k]], part->in_walk[k]};
    values[k].walk.offset += b->operand_offset[part->in[k]];
  }
  b->plan->naive += naive(b, part);
  bool pairs = part->n_in >= 2 && distributes(b->bound) && !any_empty(b->bound, part) &&
               constraints_allow_pairs(b, part);
  return pairs ? add_pairs(b, part, values) : add_whole(b, part, values);
}
