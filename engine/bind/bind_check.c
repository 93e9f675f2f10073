/* What must hold of finished parts. */
#include "engine/bind/binder.h"
#include "engine/bind/walk.h"

/* ---- labels that are reduced ------------------------------------------------------- */

typedef struct reduced {
  int n;
  int32_t *label;
} reduced;

static void see(es_binder *b, uint32_t *seen, const int32_t *label, int n, reduced *out) {
  for (int i = 0; i < n; i++) {
    if (seen[label[i]] == b->stamp) continue;
    seen[label[i]] = b->stamp;
    if (out) out->label[out->n++] = label[i];
  }
}

/* Labels of the operands of a part that its output does not hold. Those of its constraints are
 * among them: an operand walks every label of an index that reads, and of one that writes. */
static void collect_reduced(es_binder *b, uint32_t *seen, const es_part *p, reduced *out) {
  b->stamp++;
  out->n = 0;
  see(b, seen, p->out_walk.label, p->out_walk.n, NULL);
  for (int i = 0; i < p->n_in; i++) see(b, seen, p->in_walk[i].label, p->in_walk[i].n, out);
}

static es_span label_span(const es_binder *b, int32_t label) {
  return label < b->axes->n_labels ? b->axes->label[label].span : ES_NOWHERE;
}

/* ---- rearrange and repeat move elements ------------------------------------------------ */

static es_status check_moves(es_binder *b, const es_part *p, const reduced *r) {
  es_kind kind = es_bind_pattern(b)->kind;
  if (kind != ES_KIND_REARRANGE && kind != ES_KIND_REPEAT) return ES_OK;
  const char *name = kind == ES_KIND_REARRANGE ? "rearrange" : "repeat";
  if (p->n_in != 1)
    return es_fail(b->error, ES_E_COUNT, "S11", b->axes->out[p->output].span,
                   "%s takes its elements from one operand, here from %d: use einsum", name,
                   p->n_in);
  for (int i = 0; i < r->n; i++)
    if (b->bound->label[r->label[i]].extent != 1)
      return es_fail(b->error, ES_E_NAME, kind == ES_KIND_REARRANGE ? "S1" : "S4",
                     b->axes->out[p->output].span,
                     "several elements would meet in one: %s only moves them, use reduce or einsum",
                     name);
  return ES_OK;
}

/* ---- max and min need a point for every element (S15) ------------------------------------ */

static es_status empty_reduction(es_binder *b, int32_t label) {
  const es_bound *r = b->bound;
  return es_fail(b->error, ES_E_EMPTY, "S15", label_span(b, label),
                 "%s over the axis '%s', which is empty: it has no value for nothing",
                 es_reducer_name(r->reduce), r->label[label].name);
}

static bool output_empty(const es_bound *r, const es_part *p) {
  for (int i = 0; i < p->out_walk.n; i++)
    if (r->label[p->out_walk.label[i]].extent == 0) return true;
  return false;
}

/* Splits a constraint into the values its output labels and its reduced labels add. */
typedef struct window {
  es_walk start, taps;
} window;

static es_status split_constraint(es_binder *b, const es_part *p, const es_label_constraint *c,
                                  window *w) {
  es_walk all = {c->base, c->n, c->label, c->coef};
  if (!es_walk_copy(b->arena, &all, 0, &w->start) || !es_walk_copy(b->arena, &all, 0, &w->taps))
    return es_fail_nomem(b->error);
  w->start.n = w->taps.n = 0;
  w->taps.offset = 0;
  for (int i = 0; i < c->n; i++) {
    es_walk *to = es_walk_find(&p->out_walk, c->label[i]) >= 0 ? &w->start : &w->taps;
    to->label[to->n] = c->label[i];
    to->stride[to->n++] = c->coef[i];
  }
  return ES_OK;
}

enum { MAX_TRIED = 1 << 20 };

/* Whether every position has a tap inside 0 .. extent-1. Exact where one label on
 * each side tells all; otherwise, and past MAX_TRIED, true: the run reports it. */
static bool covered(const es_bound *r, const window *w, int64_t extent) {
  int64_t low, high, tap_low, tap_high;
  bool none; /* no label has extent 0: neither the output nor what is reduced is empty */
  bool fits = es_walk_range(&w->start, r->label, &low, &high, &none);
  fits &= es_walk_range(&w->taps, r->label, &tap_low, &tap_high, &none);
  if (!fits) return true;
  if (low + tap_high < 0 || high + tap_low >= extent) return false;
  if (w->start.n > 1 || w->taps.n != 1) return true;
  int64_t d = w->taps.stride[0];
  int64_t n = w->start.n ? r->label[w->start.label[0]].extent : 1;
  if (d < 0) d = -d;
  if (d <= extent || n > MAX_TRIED) return true; /* taps cannot step over the axis */
  for (int64_t i = 0; i < n; i++) {
    /* Taps lie whole steps of d from at, the first below extent, the last not below 0: see above.
     * Where the last is not below extent either, one is inside if the rest of at is. */
    int64_t at = w->start.offset + (w->start.n ? i * w->start.stride[0] : 0), rest = at % d;
    if (rest < 0) rest += d;
    if (at + tap_high >= extent && rest >= extent) return false;
  }
  return true;
}

static es_status wholly_outside(es_binder *b, const es_label_constraint *c) {
  const char *reducer = es_reducer_name(b->bound->reduce);
  if (!c->n) /* an index of numbers alone */
    return es_fail(b->error, ES_E_EMPTY, "S15", ES_NOWHERE,
                   "%s over a window that lies wholly in the padding: it has no value for nothing",
                   reducer);
  return es_fail(
      b->error, ES_E_EMPTY, "S15", label_span(b, c->label[0]),
      "%s over a window that lies wholly in the padding, along '%s': it has no value for "
      "nothing",
      reducer, b->bound->label[c->label[0]].name);
}

static es_status check_empty(es_binder *b, const es_part *p, const reduced *r) {
  const es_bound *bound = b->bound;
  if (bound->reduce != ES_REDUCE_MAX && bound->reduce != ES_REDUCE_MIN) return ES_OK;
  if (output_empty(bound, p)) return ES_OK;
  for (int i = 0; i < r->n; i++)
    if (bound->label[r->label[i]].extent == 0) return empty_reduction(b, r->label[i]);
  for (int i = 0; i < p->n_constraints; i++) {
    window w;
    ES_TRY(split_constraint(b, p, &p->constraint[i], &w));
    if (covered(bound, &w, p->constraint[i].extent)) continue;
    return wholly_outside(b, &p->constraint[i]);
  }
  return ES_OK;
}

static es_status check_gaps(es_binder *b) {
  const es_bound *r = b->bound;
  if (r->reduce != ES_REDUCE_MAX && r->reduce != ES_REDUCE_MIN) return ES_OK;
  for (int i = 0; i < r->n_out; i++)
    if (r->out[i].fill_first)
      return es_fail(
          b->error, ES_E_EMPTY, "S15", b->axes->out[i].span,
          "%s leaves elements of the output without a point, and has no value for nothing",
          es_reducer_name(r->reduce));
  return ES_OK;
}

es_status es_bind_check_parts(es_binder *b) {
  es_bound *r = b->bound;
  uint32_t *seen = ES_NEW_N(b->arena, uint32_t, r->n_labels);
  reduced list = {.label = ES_NEW_N(b->arena, int32_t, r->n_labels)};
  if (!seen || !list.label) return es_fail_nomem(b->error);
  for (int i = 0; i < r->n_parts; i++) {
    es_part *p = &r->part[i];
    collect_reduced(b, seen, p, &list);
    ES_TRY(check_moves(b, p, &list));
    ES_TRY(check_empty(b, p, &list));
    p->mean_count = 1;
    for (int k = 0; k < p->out_walk.n; k++) r->label[p->out_walk.label[k]].role = ES_ROLE_OUT;
    for (int k = 0; k < list.n; k++) p->mean_count *= (double)r->label[list.label[k]].extent;
  }
  return check_gaps(b);
}
