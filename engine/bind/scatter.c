/* The sum into an affine output axis, t = k + sum c_i * l_i, turned round: every t
 * gathers its points, so that parts own their elements and order is fixed.
 *
 * One label a with factor s is solved for. For t = |s|*q + r, a is a whole number
 * exactly when the other labels bring t - k to a multiple of s. At most one of
 * them, b with factor d, may disturb that; with g = gcd(s, d) it then runs through
 * b0 + (|s|/g)*j, and each b0 below |s|/g belongs to one residue r: one part, in
 * which q is an output label, j a reduced one, and
 *   a = +-(q + (r - k - d*b0)/|s| - (d/g)*j - ...),   0 <= a < its extent.
 * This is the gather form of col2im: s the stride, d the dilation. */
#include "engine/bind/scatter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "engine/bind/walk.h"

/* More residues than this are slower than one part with a test on every point. */
enum { MAX_RESIDUES = 1024, MAX_DRAFTS = 4096 };

typedef struct draft { /* a part, and the indices of its axes still to come */
  es_part part;
  es_walk *index; /* [n_scatter] */
} draft;

typedef struct scatter {
  es_binder *b;
  const es_scatter_axis *axis; /* [n] */
  int n, at;                   /* axis[at] is being expanded */
  draft *done;                 /* drafts expanded up to and with axis[at] */
  int n_done, room;
  int64_t residues; /* allowed for each draft */
  bool gaps;
} scatter;

/* The labels of the index that the output does not hold yet, with more than one
 * value: the ones that make t hit an element more than once. */
typedef struct free_labels {
  int n;
  int *entry; /* into the index */
} free_labels;

static int64_t extent_of(const scatter *s, int32_t label) {
  return s->b->bound->label[label].extent;
}

static es_status failed(const scatter *s, es_status status) {
  if (status == ES_E_NOMEM) return es_fail_nomem(s->b->error);
  return status == ES_OK ? ES_OK : es_bind_overflow(s->b, s->axis[s->at].span);
}

/* ---- drafts ------------------------------------------------------------------------ */

static es_status copy_draft(const scatter *s, const draft *from, draft *to) {
  es_arena *arena = s->b->arena;
  const es_part *p = &from->part;
  *to = *from;
  to->index = ES_NEW_N(arena, es_walk, s->n);
  to->part.in_walk = ES_NEW_N(arena, es_walk, p->n_in);
  /* One more for the constraint that solving for a label adds. */
  to->part.constraint = ES_NEW_N(arena, es_label_constraint, p->n_constraints + 1);
  if (!to->index || !to->part.in_walk || !to->part.constraint) return es_fail_nomem(s->b->error);
  memcpy(to->index, from->index, (size_t)s->n * sizeof *to->index);
  memcpy(to->part.in_walk, p->in_walk, (size_t)p->n_in * sizeof *p->in_walk);
  if (p->n_constraints)
    memcpy(to->part.constraint, p->constraint, (size_t)p->n_constraints * sizeof *p->constraint);
  return ES_OK;
}

static es_status keep(scatter *s, const draft *d) {
  draft *list = es_arena_grow(s->b->arena, s->done, s->n_done, &s->room, sizeof *list);
  if (!list) return es_fail_nomem(s->b->error);
  s->done = list;
  s->done[s->n_done++] = *d;
  return ES_OK;
}

/* label := value, in one walk. */
static es_status replace(const scatter *s, es_walk *w, int32_t label, const es_walk *value) {
  return failed(s, es_walk_substitute(s->b->arena, w, label, value, w));
}

/* label := value, in everything the draft walks. */
static es_status substitute(const scatter *s, draft *d, int32_t label, const es_walk *value) {
  es_part *p = &d->part;
  for (int i = 0; i < p->n_in; i++) ES_TRY(replace(s, &p->in_walk[i], label, value));
  for (int i = 0; i < p->n_constraints; i++) {
    es_label_constraint *c = &p->constraint[i];
    es_walk w = {c->base, c->n, c->label, c->coef};
    ES_TRY(replace(s, &w, label, value));
    *c = (es_label_constraint){w.offset, c->extent, w.n, w.label, w.stride};
  }
  for (int i = s->at + 1; i < s->n; i++) ES_TRY(replace(s, &d->index[i], label, value));
  return ES_OK;
}

/* 0 <= w < extent, where that is not so anyway. */
static es_status constrain(const scatter *s, draft *d, const es_walk *w, int64_t extent) {
  int64_t low, high;
  bool empty;
  if (!es_walk_range(w, s->b->bound->label, &low, &high, &empty)) return failed(s, ES_E_OVERFLOW);
  if (low < 0 || high >= extent)
    d->part.constraint[d->part.n_constraints++] = (es_label_constraint){w->offset, extent, w->n,
                                                                        w->label, w->stride};
  return ES_OK;
}

/* A label for positions of the axis, or of each step-th of a label. */
static es_status new_label(const scatter *s, es_words of, int64_t step, int64_t extent,
                           int32_t *label) {
  char text[sizeof of.text + 24];
  int len = step == 1 ? snprintf(text, sizeof text, "%s", of.text)
                      : snprintf(text, sizeof text, "%s/%lld", of.text, (long long)step);
  char *name = es_arena_copy_text(s->b->arena, text, (size_t)len);
  if (!name) return es_fail_nomem(s->b->error);
  return es_bind_new_label(s->b, name, extent, label);
}

/* The output is written at positions first + step*label of the axis. */
static es_status write_along(const scatter *s, draft *d, int32_t label, int64_t step,
                             int64_t first) {
  es_walk *w = &d->part.out_walk;
  int64_t stride = s->axis[s->at].stride;
  if (!es_walk_copy(s->b->arena, w, 1, w)) return es_fail_nomem(s->b->error);
  int at = es_walk_find(w, label);
  if (at < 0) {
    at = w->n++;
    w->label[at] = label;
    w->stride[at] = 0;
  }
  bool fits = es_mad_i64(w->offset, stride, first, &w->offset);
  fits &= es_mad_i64(w->stride[at], stride, step, &w->stride[at]);
  return failed(s, fits ? ES_OK : ES_E_OVERFLOW);
}

/* ---- at most one free label: nothing meets, a strided write --------------------------- */

/* Every index lands inside: the labels write where they point. */
static es_status write_directly(scatter *s, const draft *from) {
  const es_scatter_axis *x = &s->axis[s->at];
  const es_walk *w = &from->index[s->at];
  draft d = *from;
  d.part.out_walk.offset += x->stride * w->offset; /* a place in the array: it fits */
  for (int i = 0; i < w->n; i++)
    if (w->stride[i]) ES_TRY(write_along(s, &d, w->label[i], w->stride[i], 0));
  return keep(s, &d);
}

/* t = k + c*v alone: only the v that land inside. False: none does. k is not INT64_MIN. */
static bool landing(const es_walk *w, int entry, int64_t extent, int64_t n, int64_t *low,
                    int64_t *count) {
  int64_t k = w->offset, c = w->stride[entry], room, high;
  if (!es_sub_i64(extent - 1, k, &room)) return false;
  *low = c > 0 ? -es_floor_div(k, c) : -es_floor_div(room, -c);
  high = c > 0 ? es_floor_div(room, c) : es_floor_div(k, -c);
  if (*low < 0) *low = 0;
  if (high > n - 1) high = n - 1;
  *count = high - *low + 1;
  return *count > 0;
}

static es_status write_trimmed(scatter *s, const draft *from, int entry, int64_t low,
                               int64_t count) {
  const es_walk *w = &from->index[s->at];
  int32_t old = w->label[entry], label;
  es_words name = es_words_text(s->b->bound->label[old].name);
  draft d;
  ES_TRY(copy_draft(s, from, &d));
  ES_TRY(new_label(s, name, 1, count, &label));
  es_walk value = {low, 1, &label, (int64_t[]){1}};
  ES_TRY(substitute(s, &d, old, &value));
  int64_t first = w->offset + w->stride[entry] * low; /* in the range of the index, which fits */
  ES_TRY(write_along(s, &d, label, w->stride[entry], first));
  return keep(s, &d);
}

/* ---- any index at all -------------------------------------------------------------------- */

/* Every t is visited, and of all points those with index t: 0 <= t - index < 1. */
static es_status test_every_point(scatter *s, const draft *from) {
  const es_scatter_axis *x = &s->axis[s->at];
  const es_walk *w = &from->index[s->at];
  draft d;
  int32_t label;
  ES_TRY(copy_draft(s, from, &d));
  ES_TRY(new_label(s, es_words_span(es_bind_pattern(s->b), x->span), 1, x->extent, &label));
  es_walk left;
  if (!es_walk_copy(s->b->arena, w, 1, &left)) return es_fail_nomem(s->b->error);
  left.offset = -w->offset;
  for (int i = 0; i < left.n; i++) left.stride[i] = -left.stride[i];
  left.label[left.n] = label;
  left.stride[left.n++] = 1;
  ES_TRY(constrain(s, &d, &left, 1));
  ES_TRY(write_along(s, &d, label, 1, 0));
  return keep(s, &d);
}

/* ---- solving for one label ------------------------------------------------------------------ */

/* How the index is solved for entry a. */
typedef struct solution {
  int a, b;       /* entries; b -1: no other label disturbs the residue */
  int64_t s;      /* |factor of a| */
  int64_t period; /* of b: |s| / gcd(s, factor of b) */
} solution;

static bool solvable(const scatter *s, const es_walk *w, int a, solution *how) {
  int64_t step = w->stride[a] < 0 ? -w->stride[a] : w->stride[a];
  *how = (solution){a, -1, step, 1};
  for (int i = 0; i < w->n; i++) {
    if (i == a || w->stride[i] % step == 0 || extent_of(s, w->label[i]) == 1) continue;
    if (how->b >= 0) return false;
    how->b = i;
    how->period = step / es_gcd(step, llabs(w->stride[i] % step));
  }
  return how->period <= s->residues;
}

/* Points visited are (points of all labels) * extent / (n_a * s): the larger n_a * s
 * the better. False: no label can be solved for. */
static bool choose_solution(const scatter *s, const draft *d, const free_labels *f,
                            solution *best) {
  const es_walk *w = &d->index[s->at];
  double gain = 0;
  for (int i = 0; i < f->n; i++) {
    int at = f->entry[i];
    double g = fabs((double)w->stride[at]) * (double)extent_of(s, w->label[at]);
    solution how;
    if (g <= gain || !solvable(s, w, at, &how)) continue;
    /* A label of the output cannot be exchanged for its steps. */
    if (how.b >= 0 && es_walk_find(&d->part.out_walk, w->label[how.b]) >= 0) continue;
    gain = g;
    *best = how;
  }
  return gain > 0;
}

/* The part of residue r, where b starts at b0: see the head of this file. */
static es_status solve_residue(scatter *s, const draft *from, const solution *how, int64_t b0) {
  const es_scatter_axis *x = &s->axis[s->at];
  const es_binder *b = s->b;
  const es_walk *w = &from->index[s->at];
  int64_t base = w->offset, n_a = extent_of(s, w->label[how->a]);
  if (how->b >= 0) base += w->stride[how->b] * b0; /* in the range of the index, which fits */
  int64_t quotient = es_floor_div(base, how->s), r = base - quotient * how->s;
  if (r >= x->extent) return ES_OK;
  int32_t q, j = -1;
  draft d;
  ES_TRY(copy_draft(s, from, &d));
  ES_TRY(new_label(s, es_words_span(es_bind_pattern(b), x->span), how->s,
                   (x->extent - 1 - r) / how->s + 1, &q));
  es_walk a; /* the other labels, over s, then q */
  if (!es_walk_copy(b->arena, w, 1, &a)) return es_fail_nomem(b->error);
  int sign = w->stride[how->a] < 0 ? -1 : 1;
  a.offset = -sign * quotient;
  a.n = 0;
  for (int i = 0; i < w->n; i++) {
    /* Labels of extent 1 add nothing, whatever their factor. */
    if (i == how->a || (i != how->b && w->stride[i] % how->s)) continue;
    a.label[a.n] = w->label[i];
    a.stride[a.n] = -sign * (w->stride[i] / (how->s / (i == how->b ? how->period : 1)));
    if (i == how->b) {
      int64_t steps = (extent_of(s, w->label[i]) - 1 - b0) / how->period + 1;
      ES_TRY(
          new_label(s, es_words_text(b->bound->label[w->label[i]].name), how->period, steps, &j));
      a.label[a.n] = j;
    }
    a.n++;
  }
  a.label[a.n] = q;
  a.stride[a.n++] = sign;
  if (j >= 0) {
    es_walk value = {b0, 1, &j, (int64_t[]){how->period}};
    ES_TRY(substitute(s, &d, w->label[how->b], &value));
  }
  ES_TRY(substitute(s, &d, w->label[how->a], &a));
  ES_TRY(constrain(s, &d, &a, n_a));
  ES_TRY(write_along(s, &d, q, how->s, r));
  return keep(s, &d);
}

static es_status solve_residues(scatter *s, const draft *from, const solution *how) {
  const es_scatter_axis *x = &s->axis[s->at];
  int before = s->n_done;
  int64_t n = how->b < 0 ? 1 : extent_of(s, from->index[s->at].label[how->b]);
  for (int64_t b0 = 0; b0 < how->period && b0 < n; b0++) ES_TRY(solve_residue(s, from, how, b0));
  int64_t classes = how->s < x->extent ? how->s : x->extent;
  if (s->n_done == before) return test_every_point(s, from); /* a part at least */
  if (s->n_done - before < classes) s->gaps = true;
  return ES_OK;
}

/* ---- one axis of one draft --------------------------------------------------------------------
 */

static es_status free_in(const scatter *s, const draft *d, free_labels *f, bool *shared) {
  const es_walk *w = &d->index[s->at];
  f->n = 0;
  f->entry = ES_NEW_N(s->b->arena, int, w->n);
  if (!f->entry) return es_fail_nomem(s->b->error);
  for (int i = 0; i < w->n; i++) {
    if (w->stride[i] == 0 || extent_of(s, w->label[i]) == 1) continue;
    if (es_walk_find(&d->part.out_walk, w->label[i]) >= 0)
      *shared = true;
    else
      f->entry[f->n++] = i;
  }
  return ES_OK;
}

static es_status expand(scatter *s, const draft *d) {
  const es_scatter_axis *x = &s->axis[s->at];
  const es_walk *w = &d->index[s->at];
  free_labels f;
  bool shared = false, empty;
  int64_t low, high, count;
  ES_TRY(free_in(s, d, &f, &shared));
  if (!es_walk_range(w, s->b->bound->label, &low, &high, &empty) || low == INT64_MIN)
    return failed(s, ES_E_OVERFLOW);
  if (empty || x->extent == 0) return test_every_point(s, d);
  bool inside = low >= 0 && high < x->extent;
  int64_t n = f.n == 1 ? extent_of(s, w->label[f.entry[0]]) : 1;
  bool unit = f.n == 0 || w->stride[f.entry[0]] == 1 || w->stride[f.entry[0]] == -1;
  if (f.n <= 1 && inside) {
    if (shared || !unit || n != x->extent) s->gaps = true;
    return write_directly(s, d);
  }
  if (f.n == 1 && !shared && landing(w, f.entry[0], x->extent, n, &low, &count)) {
    if (!unit || count != x->extent) s->gaps = true;
    return write_trimmed(s, d, f.entry[0], low, count);
  }
  solution how = {0};
  if (f.n && choose_solution(s, d, &f, &how)) return solve_residues(s, d, &how);
  return test_every_point(s, d);
}

es_status es_scatter_expand(es_binder *b, const es_draft *from, bool *gaps) {
  scatter s = {.b = b, .axis = from->scatter, .n = from->n_scatter};
  draft first = {.part = from->part, .index = ES_NEW_N(b->arena, es_walk, s.n)};
  if (!first.index) return es_fail_nomem(b->error);
  for (int i = 0; i < s.n; i++) first.index[i] = from->scatter[i].index;
  draft *list = &first;
  int n = 1;
  for (s.at = 0; s.at < s.n; s.at++) {
    s.done = NULL;
    s.n_done = s.room = 0;
    s.residues = MAX_DRAFTS / n < MAX_RESIDUES ? MAX_DRAFTS / n : MAX_RESIDUES;
    for (int i = 0; i < n; i++) ES_TRY(expand(&s, &list[i]));
    list = s.done;
    n = s.n_done;
  }
  for (int i = 0; i < n; i++) ES_TRY(es_bind_add_part(b, &list[i].part));
  *gaps = s.gaps;
  return ES_OK;
}
