/* Equal steps of a path: equal operands, of which equal labels are reduced in the same order.
 * The first is run, the others read its result under their own names. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/lower/nest.h"

/* A value of the path, up to the names of its labels. */
typedef struct kind {
  int number;     /* equal values have equal numbers */
  int n;          /* labels */
  int32_t *label; /* [n] the ones of equal values correspond, place by place */
} kind;

/* What decides the result of a step, the names of its labels apart. */
typedef struct recipe {
  uint64_t hash;
  int n;
  int32_t *word; /* [n] */
} recipe;

typedef struct sharing {
  es_builder *b;
  const es_part *part;
  const es_path *path;
  const int32_t *name; /* of the path's labels in the bound */
  kind *kind;          /* [operands + steps] */
  recipe *recipe;      /* [steps] */
  bool *fixed;         /* [labels of the bound] cut, or of a constraint: no other stands for it */
  int32_t *local;      /* [labels of the bound] place in the recipe being written, or -1 */
  int *first;          /* [steps] */
} sharing;

/* ---- operands ------------------------------------------------------------------------ */

/* The slot whose array operand k is. */
static int array_of(const es_builder *b, const es_part *part, int k) {
  int operand = part->in[k];
  bool same = b->same && !b->bound->padded[operand];
  return b->operand_slot[same ? (int)b->same[operand] : operand];
}

static bool wide(const es_builder *b, int32_t label) { return b->bound->label[label].extent > 1; }

/* Whether two walks step alike over labels of the same extents. */
static bool same_walk(const es_builder *b, const es_walk *x, const es_walk *y) {
  if (x->offset != y->offset) return false;
  int i = 0, j = 0;
  for (;; i++, j++) {
    while (i < x->n && !wide(b, x->label[i])) i++;
    while (j < y->n && !wide(b, y->label[j])) j++;
    if (i == x->n || j == y->n) return i == x->n && j == y->n;
    if (x->stride[i] != y->stride[j] || b->extent[x->label[i]] != b->extent[y->label[j]])
      return false;
  }
}

static bool same_operand(const es_builder *b, const es_part *part, int i, int k) {
  return array_of(b, part, i) == array_of(b, part, k) &&
         b->operand_offset[part->in[i]] == b->operand_offset[part->in[k]] &&
         same_walk(b, &part->in_walk[i], &part->in_walk[k]);
}

/* False: memory is out. *any: two operands are equal. */
static bool number_operands(sharing *s, bool *any) {
  const es_builder *b = s->b;
  *any = false;
  for (int k = 0; k < s->part->n_in; k++) {
    const es_walk *walk = &s->part->in_walk[k];
    kind *v = &s->kind[k];
    v->number = 0;
    while (v->number < k && !same_operand(b, s->part, v->number, k)) v->number++;
    *any |= v->number < k;
    if (!(v->label = ES_NEW_N(b->scratch, int32_t, walk->n))) return false;
    for (int j = 0; j < walk->n; j++)
      if (wide(b, walk->label[j])) v->label[v->n++] = walk->label[j];
  }
  return true;
}

static void find_fixed(sharing *s) {
  const es_builder *b = s->b;
  for (int32_t l = 0; l < b->bound->n_labels; l++) {
    s->fixed[l] = b->extent[l] != b->bound->label[l].extent;
    s->local[l] = -1;
  }
  for (int c = 0; c < s->part->n_constraints; c++)
    for (int j = 0; j < s->part->constraint[c].n; j++)
      s->fixed[s->part->constraint[c].label[j]] = true;
}

/* ---- steps ----------------------------------------------------------------------------- */

/* The labels of the operands in the order of their first appearance; returns how many. */
static int number_labels(sharing *s, const kind *const *in, int n_in, int32_t *label) {
  int n = 0;
  for (int i = 0; i < n_in; i++)
    for (int j = 0; j < in[i]->n; j++) {
      int32_t l = in[i]->label[j];
      if (s->local[l] >= 0) continue;
      s->local[l] = n;
      label[n++] = l;
    }
  return n;
}

static bool keeps(const sharing *s, const es_path_step *step, int32_t label) {
  for (int i = 0; i < step->keep.n; i++)
    if (s->name[step->keep.label[i]] == label) return true;
  return false;
}

static int compare_labels(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* Operands, how their labels meet, the labels that no other stands for, and those that are
 * reduced, in the order of summation. kept: the labels of the result. */
static void write_recipe(sharing *s, const es_path_step *step, const kind *const *in, recipe *r,
                         kind *kept) {
  int32_t *label = kept->label, *reduced = r->word;
  int n = number_labels(s, in, step->n_in, label), n_reduced = 0;
  for (int i = 0; i < n; i++)
    if (!keeps(s, step, label[i])) reduced[n_reduced++] = label[i];
  qsort(reduced, (size_t)n_reduced, sizeof *reduced, compare_labels);
  for (int i = 0; i < n_reduced; i++) reduced[i] = s->local[reduced[i]];
  r->n = n_reduced;
  for (int i = 0; i < step->n_in; i++) {
    r->word[r->n++] = -1 - in[i]->number;
    for (int j = 0; j < in[i]->n; j++) r->word[r->n++] = s->local[in[i]->label[j]];
  }
  kept->n = 0;
  for (int i = 0; i < n; i++) {
    int32_t l = label[i];
    r->word[r->n++] = s->fixed[l] ? l : -1;
    s->local[l] = -1;
    if (keeps(s, step, l)) label[kept->n++] = l;
  }
  r->hash = 0xcbf29ce484222325u;
  for (int i = 0; i < r->n; i++) r->hash = (r->hash ^ (uint32_t)r->word[i]) * 0x100000001b3u;
}

static bool new_recipe(const sharing *s, const kind *const *in, int n_in, recipe *r, kind *kept) {
  int n = 0;
  for (int i = 0; i < n_in; i++) n += in[i]->n;
  r->word = ES_NEW_N(s->b->scratch, int32_t, 3 * (size_t)n + (size_t)n_in);
  kept->label = ES_NEW_N(s->b->scratch, int32_t, n);
  return r->word && kept->label;
}

static bool less(const recipe *a, const recipe *b) {
  if (a->n != b->n) return a->n < b->n;
  return memcmp(a->word, b->word, sizeof *a->word * (size_t)a->n) < 0;
}

/* Operands in the order of their numbers; where these are equal, in the one with the smaller
 * recipe: a product does not know which came first. */
static bool describe_step(sharing *s, int k) {
  const es_path_step *step = &s->path->step[k];
  const kind *in[2] = {&s->kind[step->in[0]], &s->kind[step->in[step->n_in - 1]]};
  kind *kept = &s->kind[s->part->n_in + k], other = {0};
  recipe *r = &s->recipe[k], turned;
  if (step->n_in == 2 && in[0]->number > in[1]->number) {
    const kind *t = in[0];
    in[0] = in[1];
    in[1] = t;
  }
  if (!new_recipe(s, in, step->n_in, r, kept)) return false;
  write_recipe(s, step, in, r, kept);
  if (step->n_in < 2 || in[0]->number != in[1]->number) return true;
  const kind *swapped[2] = {in[1], in[0]};
  if (!new_recipe(s, swapped, 2, &turned, &other)) return false;
  write_recipe(s, step, swapped, &turned, &other);
  if (!less(&turned, r)) return true;
  *r = turned;
  *kept = other;
  return true;
}

static bool same_recipe(const recipe *a, const recipe *b) {
  return a->hash == b->hash && a->n == b->n &&
         !memcmp(a->word, b->word, sizeof *a->word * (size_t)a->n);
}

/* The last step writes the output, whatever was computed before. */
static bool match_steps(sharing *s, bool *any) {
  *any = false;
  for (int k = 0; k < s->path->n_steps - 1; k++) {
    if (!describe_step(s, k)) return false;
    int first = 0;
    while (first < k && !same_recipe(&s->recipe[first], &s->recipe[k])) first++;
    s->first[k] = first < k ? first : -1;
    s->kind[s->part->n_in + k].number = s->part->n_in + first;
    *any |= first < k;
  }
  return true;
}

/* ---- memory ------------------------------------------------------------------------------ */

/* Bytes of the intermediates that live at the same time, at most: shared ones live longer. */
static double peak(const sharing *s, int *last_use) {
  int n = s->part->n_in, end = s->path->n_steps;
  double live = 0, most = 0;
  double *bytes = ES_NEW_N(s->b->scratch, double, end);
  if (!bytes) return INFINITY;
  for (int k = 0; k < end; k++)
    for (int i = 0; i < s->path->step[k].n_in; i++) {
      int v = s->path->step[k].in[i] - n;
      if (v >= 0) last_use[s->first[v] < 0 ? v : s->first[v]] = k;
    }
  for (int k = 0; k < end; k++) {
    const kind *v = &s->kind[n + k];
    if (k < end - 1 && s->first[k] < 0) {
      bytes[k] = (double)es_dtype_size(s->b->bound->compute);
      for (int i = 0; i < v->n; i++) bytes[k] *= (double)s->b->extent[v->label[i]];
    }
    live += bytes[k];
    most = fmax(most, live);
    for (int i = 0; i < s->path->step[k].n_in; i++) {
      int from = s->path->step[k].in[i] - n;
      if (from >= 0 && s->first[from] >= 0) from = s->first[from];
      if (from < 0 || last_use[from] != k) continue;
      live -= bytes[from];
      bytes[from] = 0; /* both operands may be it */
    }
  }
  return most;
}

/* ---- the whole ----------------------------------------------------------------------------- */

es_status es_builder_share(es_builder *b, const es_part *part, const es_path *path,
                           const int32_t *name, double room, es_shared *shared) {
  size_t labels = (size_t)b->bound->n_labels, steps = (size_t)path->n_steps;
  sharing s = {.b = b, .part = part, .path = path, .name = name};
  bool any;
  *shared = (es_shared){0};
  s.kind = ES_NEW_N(b->scratch, kind, (size_t)part->n_in + steps);
  if (!s.kind || !number_operands(&s, &any)) return es_fail_nomem(b->error);
  if (!any) return ES_OK;
  s.recipe = ES_NEW_N(b->scratch, recipe, steps);
  s.fixed = ES_NEW_N(b->scratch, bool, labels);
  s.local = ES_NEW_N(b->scratch, int32_t, labels);
  s.first = ES_NEW_N(b->scratch, int, steps);
  int *last_use = ES_NEW_N(b->scratch, int, steps);
  if (!s.recipe || !s.fixed || !s.local || !s.first || !last_use) return es_fail_nomem(b->error);
  find_fixed(&s);
  if (!match_steps(&s, &any)) return es_fail_nomem(b->error);
  if (any && peak(&s, last_use) <= room) *shared = (es_shared){s.first, part->n_in, s.kind};
  return ES_OK;
}

es_status es_shared_value(es_builder *b, const es_shared *shared, int step,
                          const es_operand *values, es_operand *out) {
  const kind *kinds = shared->kind, *from = &kinds[shared->n_in + shared->first[step]],
             *to = &kinds[shared->n_in + step];
  const es_operand *value = &values[shared->n_in + shared->first[step]];
  int32_t *label = ES_NEW_N(b->scratch, int32_t, value->walk.n);
  if (!label) return es_fail_nomem(b->error);
  for (int i = 0; i < value->walk.n; i++) {
    int at = 0;
    while (from->label[at] != value->walk.label[i]) at++;
    label[i] = to->label[at];
  }
  *out = *value;
  out->walk.label = label;
  return ES_OK;
}
