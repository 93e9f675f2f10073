/* Strides: how each node of a term walks the memory of its array. */
#include <string.h>

#include "base/checked.h"
#include "engine/bind/affine.h"
#include "engine/bind/binder.h"
#include "engine/bind/walk.h"

static es_words words(const es_binder *b, es_span span) {
  return es_words_span(es_bind_pattern(b), span);
}

/* ---- affine indices on an input ---------------------------------------------- */

typedef enum reach { INSIDE, LEAVES, NOTHING_READ, PAST_64_BITS } reach;

static reach affine_reach(const es_binder *b, const es_node *node, int64_t *low, int64_t *high) {
  bool empty;
  if (!es_affine_range(node->affine, b->sizes.extent, low, high, &empty)) return PAST_64_BITS;
  return empty ? NOTHING_READ : *low < 0 || *high >= b->sizes.extent[node->var] ? LEAVES : INSIDE;
}

static bool reads_beside(const es_fill *f) {
  return f->kind != ES_FILL_NONE && !(f->kind == ES_FILL_NUMBER && f->value == 0);
}

static es_status leaves_axis(es_binder *b, int operand, const es_node *node, int64_t low,
                             int64_t high) {
  const es_size_origin *from = &b->sizes.origin[node->var];
  return es_blame(b->error, operand,
                  es_fail(b->error, ES_E_RANGE, "S13", node->span,
                          "'%s' reads elements %lld to %lld of axis %d of operand %d, which has "
                          "%lld: add '?0' to read nothing there, or give smaller sizes",
                          words(b, node->span).text, (long long)low, (long long)high, from->axis,
                          operand, (long long)b->sizes.extent[node->var]));
}

/* S13 for reads no fill covers, and the fills that need an element to copy. */
static es_status check_reads(es_binder *b, int operand, const es_node *node, bool in_concat,
                             bool *pads) {
  for (int i = 0; i < node->n; i++)
    ES_TRY(
        check_reads(b, operand, &node->child[i], in_concat || node->kind == ES_NODE_CONCAT, pads));
  if (node->kind != ES_NODE_AFFINE) return ES_OK;
  const es_fill *fill = &node->affine->fill;
  int64_t low, high, extent = b->sizes.extent[node->var];
  reach r = affine_reach(b, node, &low, &high);
  if (r == PAST_64_BITS) return es_bind_overflow(b, node->span);
  if (r != LEAVES) return ES_OK;
  if (fill->kind == ES_FILL_NONE) return leaves_axis(b, operand, node, low, high);
  if (!reads_beside(fill)) return ES_OK;
  if (in_concat)
    return es_fail2(b->error, ES_E_UNSUPPORTED, "S13", fill->span, node->span,
                    "a fill other than '?0' inside '^' is not available: pad the parts apart");
  *pads = true;
  if (fill->kind == ES_FILL_NUMBER || extent > 0) return ES_OK;
  return es_blame(
      b->error, operand,
      es_fail2(b->error, ES_E_RANGE, "S13", fill->span, node->span,
               "'%s' reads elements %lld to %lld of an empty axis, which has no element "
               "to fill with",
               words(b, node->span).text, (long long)low, (long long)high));
}

/* ---- memory axes ------------------------------------------------------------- */

static bool holds_padding(const es_binder *b, const es_node *node) {
  for (int i = 0; i < node->n; i++)
    if (holds_padding(b, &node->child[i])) return true;
  int64_t low, high;
  return node->kind == ES_NODE_AFFINE && reads_beside(&node->affine->fill) &&
         affine_reach(b, node, &low, &high) == LEAVES;
}

/* A group around a padded index is split, so that its part has an axis of its own. */
static int count_axes(const es_binder *b, const es_node *node) {
  if (node->kind != ES_NODE_GROUP || !holds_padding(b, node)) return 1;
  int n = 0;
  for (int i = 0; i < node->n; i++) n += count_axes(b, &node->child[i]);
  return n;
}

static bool split_axes(const es_binder *b, const es_node *node, int64_t stride,
                       es_bind_axis **end) {
  if (node->kind != ES_NODE_GROUP || !holds_padding(b, node)) {
    *--*end = (es_bind_axis){node, stride, 0};
    return true;
  }
  for (int i = node->n; i-- > 0;) {
    if (!split_axes(b, &node->child[i], stride, end)) return false;
    if (!es_mul_i64(stride, b->sizes.extent[node->child[i].var], &stride)) return false;
  }
  return true;
}

static es_status padded_extent(es_binder *b, es_bind_axis *axis, es_padded *p, int i,
                               int64_t *total) {
  const es_node *node = axis->node;
  p->extent[i] = b->sizes.extent[node->var];
  p->stride[i] = axis->stride;
  if (holds_padding(b, node)) {
    int64_t low, high;
    affine_reach(b, node, &low, &high);
    p->low[i] = low < 0 ? -low : 0;
    p->high[i] = high >= p->extent[i] ? high - p->extent[i] + 1 : 0;
    p->fill[i] = node->affine->fill;
  }
  axis->low = p->low[i];
  bool fits = es_add_i64(p->extent[i], p->low[i], total);
  fits &= es_add_i64(*total, p->high[i], total);
  return fits ? ES_OK : es_bind_overflow(b, node->span);
}

/* Source, margins, and the C order strides of the padded copy. */
static es_status make_padded(es_binder *b, int operand) {
  es_bind_operand *o = &b->operand[operand];
  es_padded *p = ES_NEW(b->arena, es_padded);
  if (!p) return es_fail_nomem(b->error);
  p->rank = o->n;
  p->extent = ES_NEW_N(b->arena, int64_t, o->n);
  p->stride = ES_NEW_N(b->arena, int64_t, o->n);
  p->low = ES_NEW_N(b->arena, int64_t, o->n);
  p->high = ES_NEW_N(b->arena, int64_t, o->n);
  p->fill = ES_NEW_N(b->arena, es_fill, o->n);
  if (!p->extent || !p->stride || !p->low || !p->high || !p->fill) return es_fail_nomem(b->error);
  int64_t stride = 1, total;
  for (int i = o->n; i-- > 0;) {
    ES_TRY(padded_extent(b, &o->axis[i], p, i, &total));
    o->axis[i].stride = stride;
    if (!es_mul_i64(stride, total ? total : 1, &stride))
      return es_blame(b->error, operand, es_bind_overflow(b, o->axis[i].node->span));
  }
  b->bound->padded[operand] = p;
  return ES_OK;
}

static es_status bind_operand(es_binder *b, int operand) {
  const es_axis_term *t = &b->axes->in[operand];
  es_bind_operand *o = &b->operand[operand];
  bool pads = false;
  for (int i = 0; i < t->n; i++) ES_TRY(check_reads(b, operand, &t->node[i], false, &pads));
  int n = 0;
  for (int i = 0; i < t->n; i++) n += pads ? count_axes(b, &t->node[i]) : 1;
  o->n = n;
  o->axis = ES_NEW_N(b->arena, es_bind_axis, n);
  if (!o->axis) return es_fail_nomem(b->error);
  es_bind_axis *end = o->axis + n;
  for (int i = t->n; i-- > 0;) {
    const es_node *node = &t->node[i];
    /* A label of another size here can only be a stretched 1. */
    bool stretched = node->kind == ES_NODE_LABEL &&
                     b->in[operand].shape[i] != b->sizes.extent[node->var];
    int64_t stride = stretched ? 0 : o->stride[i];
    if (!pads)
      *--end = (es_bind_axis){node, stride, 0};
    else if (!split_axes(b, node, stride, &end))
      return es_bind_overflow(b, node->span);
  }
  return pads ? make_padded(b, operand) : ES_OK;
}

es_status es_bind_operands(es_binder *b) {
  for (int i = 0; i < b->axes->n_in; i++) ES_TRY(bind_operand(b, i));
  return ES_OK;
}

/* ---- walks -------------------------------------------------------------------------- */

static bool add(es_binder *b, int32_t label, int64_t stride, bool *repeats) {
  es_walk *w = &b->work;
  if (b->slot[label] < 0) {
    b->slot[label] = w->n;
    w->label[w->n] = label;
    w->stride[w->n++] = stride;
    return true;
  }
  if (repeats && b->sizes.extent[label] > 1) *repeats = true;
  int64_t *at = &w->stride[b->slot[label]];
  return es_add_i64(*at, stride, at);
}

static bool add_affine(es_binder *b, const es_affine *a, int64_t stride, int64_t low) {
  int64_t start, coef;
  bool fits = es_add_i64(a->constant, low, &start);
  fits &= es_mad_i64(b->work.offset, stride, start, &b->work.offset);
  for (int i = 0; i < a->n; i++) {
    fits &= es_mul_i64(a->coef[i], stride, &coef);
    fits &= add(b, a->label[i], coef, NULL);
  }
  return fits;
}

/* Elements of the alternatives before the one taken; summed on first use. */
static bool before_choice(es_binder *b, const es_node *node, int64_t *elements) {
  int64_t **before = &b->before[node->var];
  if (!*before) {
    *before = ES_NEW_N(b->arena, int64_t, node->n + 1);
    if (!*before) return false;
    for (int i = 0; i < node->n; i++) /* the sum was checked: it is the axis */
      (*before)[i + 1] = (*before)[i] + b->sizes.extent[node->child[i].var];
  }
  *elements = (*before)[b->choice[node->var]];
  return true;
}

typedef struct walker {
  es_draft *draft; /* where affine output axes go; NULL on an input */
  int64_t low;
  bool *repeats;
} walker;

static es_status walk_node(es_binder *b, const es_node *node, int64_t stride, const walker *how) {
  bool fits = true;
  switch (node->kind) {
  case ES_NODE_LABEL: fits = add(b, node->var, stride, how->repeats); break;
  case ES_NODE_GROUP:
    for (int i = node->n; fits && i-- > 0;) {
      ES_TRY(walk_node(b, &node->child[i], stride, how));
      fits = es_mul_i64(stride, b->sizes.extent[node->child[i].var], &stride);
    }
    break;
  case ES_NODE_AFFINE: {
    es_draft *d = how->draft;
    if (!d) {
      fits = add_affine(b, node->affine, stride, how->low);
      break;
    }
    const es_affine *a = node->affine;
    es_walk index = {a->constant, a->n, a->label, a->coef};
    d->scatter[d->n_scatter++] = (es_scatter_axis){index, stride, b->sizes.extent[node->var],
                                                   node->span};
    break;
  }
  case ES_NODE_CONCAT:
  default: {
    int64_t elements;
    if (!before_choice(b, node, &elements)) return es_fail_nomem(b->error);
    fits = es_mad_i64(b->work.offset, stride, elements, &b->work.offset);
    if (fits) ES_TRY(walk_node(b, &node->child[b->choice[node->var]], stride, how));
    break;
  }
  }
  return fits ? ES_OK : es_bind_overflow(b, node->span);
}

static es_status finish_walk(es_binder *b, es_walk *out) {
  for (int i = 0; i < b->work.n; i++) b->slot[b->work.label[i]] = -1;
  return es_walk_copy(b->arena, &b->work, 0, out) ? ES_OK : es_fail_nomem(b->error);
}

/* ---- constraints ---------------------------------------------------------------------- */

static es_status add_constraint(es_binder *b, const es_node *node, es_part *part, int *room) {
  es_label_constraint *list = es_arena_grow(b->arena, part->constraint, part->n_constraints, room,
                                            sizeof *list);
  if (!list) return es_fail_nomem(b->error);
  part->constraint = list;
  const es_affine *a = node->affine;
  part->constraint[part->n_constraints++] =
      (es_label_constraint){a->constant, b->sizes.extent[node->var], a->n, a->label, a->coef};
  return ES_OK;
}

static es_status constrain(es_binder *b, const es_node *node, es_part *part, int *room) {
  if (node->kind == ES_NODE_CONCAT)
    return constrain(b, &node->child[b->choice[node->var]], part, room);
  for (int i = 0; i < node->n; i++) ES_TRY(constrain(b, &node->child[i], part, room));
  if (node->kind != ES_NODE_AFFINE || node->affine->fill.kind == ES_FILL_NONE) return ES_OK;
  if (reads_beside(&node->affine->fill)) return ES_OK;
  int64_t low, high;
  return affine_reach(b, node, &low, &high) == LEAVES ? add_constraint(b, node, part, room) : ES_OK;
}

es_status es_bind_input_walk(es_binder *b, int operand, es_walk *walk, es_part *part,
                             int *constraint_room) {
  const es_bind_operand *o = &b->operand[operand];
  b->work.n = 0;
  b->work.offset = 0;
  for (int i = 0; i < o->n; i++) {
    walker how = {NULL, o->axis[i].low, NULL};
    ES_TRY(walk_node(b, o->axis[i].node, o->axis[i].stride, &how));
    ES_TRY(constrain(b, o->axis[i].node, part, constraint_room));
  }
  return finish_walk(b, walk);
}

/* Affine indices of the alternatives taken. */
static int count_affine(const es_binder *b, const es_node *node) {
  if (node->kind == ES_NODE_CONCAT) return count_affine(b, &node->child[b->choice[node->var]]);
  int count = node->kind == ES_NODE_AFFINE;
  for (int i = 0; i < node->n; i++) count += count_affine(b, &node->child[i]);
  return count;
}

es_status es_bind_output_walk(es_binder *b, int output, es_draft *draft, bool *repeats) {
  const es_axis_term *t = &b->axes->out[output];
  const es_output *o = &b->bound->out[output];
  int affine = 0;
  for (int i = 0; i < t->n; i++) affine += count_affine(b, &t->node[i]);
  draft->n_scatter = 0;
  draft->scatter = ES_NEW_N(b->arena, es_scatter_axis, affine);
  if (!draft->scatter) return es_fail_nomem(b->error);
  b->work.n = 0;
  b->work.offset = 0;
  walker how = {draft, 0, repeats};
  for (int i = 0; i < t->n; i++) ES_TRY(walk_node(b, &t->node[i], o->strides[i], &how));
  return finish_walk(b, &draft->part.out_walk);
}
