/* Constraints become boxes. Each constraint that matters ties at most one output
 * axis to at most one reduced axis, so the taps present at an output point are a
 * product of intervals, one per reduced axis, and the interval of reduced axis r
 * is the intersection of what each output axis allows. Along one output axis the
 * positions with the same intervals form segments; boxes are the products of
 * segments. */
#include "engine/boxes.h"

#include <string.h>

#include "base/checked.h"
#include "base/wide.h"

typedef struct tie { /* one constraint: base + co * o + cr * r in [0, extent) */
  int out, reduced;  /* axes, -1 for none */
  int64_t base, extent, co, cr;
} tie;

typedef struct segment {
  int64_t start, extent;
  bool absent;
} segment;

typedef struct splitter {
  es_arena *arena;
  const es_problem *p;
  int limit;
  int n_ties;
  tie *ties;
  int *n_segments;    /* [n_out] */
  segment **segments; /* [n_out] */
  bool never;         /* a constraint that no point satisfies */
} splitter;

typedef struct interval {
  int64_t low, high; /* high excluded; may be below low */
} interval;

static int64_t clamp(es_i128 x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : (int64_t)x;
}

/* Positions x in [0, n) with 0 <= base + c * x < extent. Both ends are monotone
 * functions of base, also where nothing is left. */
static interval within(es_i128 base, es_i128 c, int64_t extent, int64_t n) {
  if (c == 0)
    return base < 0 ? (interval){0, 0} : base < extent ? (interval){0, n} : (interval){n, n};
  if (c < 0) { /* the mirrored condition: 0 <= extent - 1 - base + |c| x < extent */
    base = extent - 1 - base;
    c = -c;
  }
  es_i128 low = es_i128_floor_div(-base + c - 1, c),
          high = es_i128_floor_div(extent - 1 - base, c) + 1;
  return (interval){clamp(low, 0, n), clamp(high, 0, n)};
}

typedef enum verdict { ALWAYS, NEVER, SOMETIMES } verdict;

/* Bounds of the linear form over the whole nest (which has points). */
static verdict judge(const es_problem *p, const es_constraint *c) {
  es_i128 low = c->base, high = c->base;
  for (int a = 0; a < p->rank; a++) {
    es_i128 reach = (es_i128)c->coef[a] * (p->extent[a] - 1);
    if (reach < 0)
      low += reach;
    else
      high += reach;
  }
  if (low >= 0 && high < c->extent) return ALWAYS;
  return high < 0 || low >= c->extent ? NEVER : SOMETIMES;
}

/* False when the constraint ties two axes of one kind. */
static bool make_tie(const es_problem *p, const es_constraint *c, tie *t) {
  *t = (tie){.out = -1, .reduced = -1, .base = c->base, .extent = c->extent};
  for (int a = 0; a < p->rank; a++) {
    if (c->coef[a] == 0 || p->extent[a] == 1) continue;
    int *axis = a < p->n_out ? &t->out : &t->reduced;
    if (*axis >= 0) return false;
    *axis = a;
    *(a < p->n_out ? &t->co : &t->cr) = c->coef[a];
  }
  return true;
}

/* What tie t leaves of its reduced axis (of a point, where it has none) when its
 * output axis stands at position o. */
static interval taps(const splitter *s, const tie *t, int64_t o) {
  int64_t n = t->reduced < 0 ? 1 : s->p->extent[t->reduced];
  return within((es_i128)t->base + (es_i128)t->co * o, t->cr, t->extent, n);
}

static bool same_taps(const splitter *s, int axis, int64_t a, int64_t b) {
  for (int i = 0; i < s->n_ties; i++) {
    if (s->ties[i].out != axis) continue;
    interval x = taps(s, &s->ties[i], a), y = taps(s, &s->ties[i], b);
    if (x.low != y.low || x.high != y.high) return false;
  }
  return true;
}

static bool absent_at(const splitter *s, int axis, int64_t o) {
  for (int i = 0; i < s->n_ties; i++) {
    if (s->ties[i].out != axis) continue;
    interval x = taps(s, &s->ties[i], o);
    if (x.low >= x.high) return true;
  }
  return false;
}

/* One past the last position with the taps of start. The ends of every interval
 * are monotone along the axis, so equality can be bisected. */
static int64_t run_end(const splitter *s, int axis, int64_t start) {
  int64_t same = start, other = s->p->extent[axis];
  while (other - same > 1) {
    int64_t middle = same + (other - same) / 2;
    if (same_taps(s, axis, start, middle))
      same = middle;
    else
      other = middle;
  }
  return other;
}

/* Runs of positions that are looked at, absent ones among them: an axis may have 2^60. */
enum { MOST_RUNS = 1 << 15 };

/* False: out of memory (*status), more than limit segments or too many runs. */
static bool split_axis(splitter *s, int axis, es_status *status) {
  int cap = 4, n = 0;
  segment *list = ES_NEW_N(s->arena, segment, cap);
  if (!list) return *status = ES_E_NOMEM, false;
  int runs = 0;
  for (int64_t start = 0; start < s->p->extent[axis];) {
    if (runs++ == MOST_RUNS) return false;
    int64_t end = run_end(s, axis, start);
    bool absent = absent_at(s, axis, start);
    if (n > 0 && absent && list[n - 1].absent) {
      list[n - 1].extent += end - start;
    } else {
      if (n == s->limit) return false;
      if (n == cap) {
        segment *more = ES_NEW_N(s->arena, segment, cap * 2);
        if (!more) return *status = ES_E_NOMEM, false;
        memcpy(more, list, (size_t)n * sizeof *list);
        list = more;
        cap *= 2;
      }
      list[n++] = (segment){start, end - start, absent};
    }
    start = end;
  }
  s->segments[axis] = list;
  s->n_segments[axis] = n;
  return true;
}

/* Modulo 2^64: padding may stand for places past 64 bits, those of what is left fit again. */
static void advance(es_side *side, int axis, int64_t steps) {
  side->offset = (int64_t)((uint64_t)side->offset + (uint64_t)steps * (uint64_t)side->stride[axis]);
}

static void shift(es_problem *box, int axis, int64_t start, int64_t extent) {
  box->extent[axis] = extent;
  advance(&box->out, axis, start);
  for (int i = 0; i < box->n_in; i++) advance(&box->in[i], axis, start);
}

/* Only the positions from start on, in the constraints too. */
static void keep_part(es_problem *p, int axis, int64_t start, int64_t extent) {
  shift(p, axis, start, extent);
  for (int k = 0; k < p->n_constraints; k++)
    p->constraint[k].base += start * p->constraint[k].coef[axis];
}

int es_problem_tied_axis(const es_problem *p, int64_t most) {
  int found = -1;
  for (int i = 0; i < p->n_constraints; i++) {
    const int64_t *coef = p->constraint[i].coef;
    int first = -1;
    for (int a = 0; a < p->n_out; a++) {
      if (!coef[a] || p->extent[a] <= 1) continue;
      if (first < 0) {
        first = a;
        continue;
      }
      int shorter = p->extent[a] < p->extent[first] ? a : first;
      if (found < 0 || p->extent[shorter] < p->extent[found]) found = shorter;
    }
  }
  return found >= 0 && p->extent[found] <= most ? found : -1;
}

es_problem *es_problem_at(es_arena *arena, const es_problem *p, int axis, int64_t position) {
  es_problem *part = es_problem_copy(arena, p);
  if (part) keep_part(part, axis, position, 1);
  return part;
}

/* The one axis that the constraint depends on, if it is reduced; else -1. */
static int only_reduced_axis(const es_problem *p, const es_constraint *c) {
  int axis = -1;
  for (int a = 0; a < p->rank; a++) {
    if (!c->coef[a]) continue;
    if (axis >= 0 || a < p->n_out) return -1;
    axis = a;
  }
  return axis;
}

void es_problem_trim(es_problem *p) {
  int n = p->n_constraints, kept = 0;
  for (int i = 0; i < n; i++) {
    const es_constraint c = p->constraint[i];
    const int axis = only_reduced_axis(p, &c);
    interval in = {0, 0};
    if (axis >= 0) in = within(c.base, c.coef[axis], c.extent, p->extent[axis]);
    if (in.low >= in.high) { /* of several axes, or without a point: left to the boxes */
      p->constraint[kept++] = c;
      continue;
    }
    keep_part(p, axis, in.low, in.high - in.low);
  }
  p->n_constraints = kept;
}

/* A box without taps: one reduced axis of extent 0, so that the identity of the
 * reducer is written (of a sum where there is no reducer). */
static es_problem *emptied(es_arena *arena, const es_problem *box) {
  es_problem *p = es_problem_new(arena, box->n_out + 1, box->n_in, 0);
  if (!p) return NULL;
  es_problem fresh = *p;
  *p = *box;
  p->rank = box->n_out + 1;
  p->extent = fresh.extent;
  p->in = fresh.in;
  p->out.stride = fresh.out.stride;
  for (int a = 0; a < box->n_out; a++) {
    p->extent[a] = box->extent[a];
    p->out.stride[a] = box->out.stride[a];
  }
  for (int i = 0; i < box->n_in; i++) {
    int64_t *stride = fresh.in[i].stride;
    p->in[i] = box->in[i];
    p->in[i].stride = stride;
    for (int a = 0; a < box->n_out; a++) stride[a] = box->in[i].stride[a];
  }
  if (p->reduce == ES_REDUCE_NONE) p->reduce = ES_REDUCE_SUM;
  return p;
}

/* The box whose segment along each output axis is pick[axis]. */
static es_problem *make_box(const splitter *s, const int *pick) {
  const es_problem *p = s->p;
  es_problem *box = es_problem_copy(s->arena, p);
  if (!box) return NULL;
  box->n_constraints = 0;
  bool empty = s->never;
  for (int a = 0; a < p->n_out; a++) {
    const segment *g = &s->segments[a][pick[a]];
    shift(box, a, g->start, g->extent);
    empty |= g->absent;
  }
  for (int r = p->n_out; r < p->rank; r++) {
    interval all = {0, p->extent[r]};
    for (int i = 0; i < s->n_ties; i++) {
      const tie *t = &s->ties[i];
      if (t->reduced != r) continue;
      interval x = taps(s, t, t->out < 0 ? 0 : s->segments[t->out][pick[t->out]].start);
      if (x.low > all.low) all.low = x.low;
      if (x.high < all.high) all.high = x.high;
    }
    if (all.low >= all.high) empty = true;
    if (!empty) shift(box, r, all.low, all.high - all.low);
  }
  return empty ? emptied(s->arena, box) : box;
}

/* Sorts the constraints out: a verdict on the whole nest, or ties. */
static bool collect(splitter *s) {
  const es_problem *p = s->p;
  for (int i = 0; i < p->n_constraints; i++) s->never |= judge(p, &p->constraint[i]) == NEVER;
  if (s->never) return true;
  for (int i = 0; i < p->n_constraints; i++) {
    if (judge(p, &p->constraint[i]) == ALWAYS) continue;
    if (!make_tie(p, &p->constraint[i], &s->ties[s->n_ties++])) return false;
  }
  return true;
}

/* The products of segments; 0: more than limit. */
static int64_t count_boxes(const splitter *s) {
  int64_t count = 1;
  for (int a = 0; a < s->p->n_out; a++)
    if (!es_mul_i64(count, s->n_segments[a], &count) || count > s->limit) return 0;
  return count;
}

static bool make_boxes(const splitter *s, int64_t count, es_problem **list) {
  int n_out = s->p->n_out, *pick = ES_NEW_N(s->arena, int, n_out);
  if (!pick) return false;
  for (int64_t i = 0; i < count; i++) {
    if (!(list[i] = make_box(s, pick))) return false;
    for (int a = n_out - 1; a >= 0 && ++pick[a] == s->n_segments[a]; a--) pick[a] = 0;
  }
  return true;
}

/* Cuts every output axis into segments. False as es_problem_boxes(). */
static bool split_axes(splitter *s, es_arena *arena, const es_problem *p, int limit,
                       es_status *status) {
  *s = (splitter){.arena = arena, .p = p, .limit = limit};
  s->ties = ES_NEW_N(arena, tie, p->n_constraints);
  s->n_segments = ES_NEW_N(arena, int, p->n_out);
  s->segments = ES_NEW_N(arena, segment *, p->n_out);
  if (!s->ties || !s->n_segments || !s->segments) return *status = ES_E_NOMEM, false;
  if (es_problem_taps(p) != 0 && !collect(s)) return false;
  for (int a = 0; a < p->n_out; a++)
    if (!split_axis(s, a, status)) return false;
  return true;
}

bool es_problem_boxes(es_arena *arena, const es_problem *p, int limit, int *n_boxes,
                      es_problem ***boxes, es_status *status) {
  *status = ES_OK;
  *n_boxes = 0;
  *boxes = NULL;
  if (es_problem_outputs(p) == 0) return true;
  splitter s;
  if (!split_axes(&s, arena, p, limit, status)) return false;
  int64_t count = count_boxes(&s);
  if (count == 0) return false;
  es_problem **list = ES_NEW_N(arena, es_problem *, count);
  if (!list || !make_boxes(&s, count, list)) return *status = ES_E_NOMEM, false;
  *n_boxes = (int)count;
  *boxes = list;
  return true;
}

int es_problem_count_boxes(const es_allocator *allocator, const es_problem *p, int limit,
                           es_status *status) {
  *status = ES_OK;
  if (es_problem_outputs(p) == 0) return 0;
  es_arena arena;
  splitter s;
  es_arena_init(&arena, allocator);
  int64_t count = split_axes(&s, &arena, p, limit, status) ? count_boxes(&s) : 0;
  es_arena_free(&arena);
  return (int)count;
}
