/* The axes of an expression as labels and sums, for callers. */
#include <string.h>

#include "base/checked.h"
#include "base/view.h"
#include "engine/bind/affine.h"
#include "engine/bind/axes.h"
#include "engine/bind/sizes.h"
#include "engine/ctx.h"
#include "engine/limits.h"

typedef struct owned {
  es_outline outline; /* first: what callers hold */
  es_arena arena;     /* holds this struct too */
} owned;

typedef struct maker {
  es_arena *arena;
  const es_axes *axes;
  int64_t *extent; /* [axes->n_vars]; -1: not known */
  es_error *error;
} maker;

/* ---- sizes without operands ------------------------------------------------------------- */

/* From the labels upward. Recursion is bounded by the nesting of the text. */
static void size_node(maker *m, const es_node *node) {
  int64_t size = node->kind == ES_NODE_CONCAT ? 0 : 1;
  for (int i = 0; i < node->n; i++) {
    size_node(m, &node->child[i]);
    int64_t part = m->extent[node->child[i].var];
    bool fits = part >= 0 && size >= 0 &&
                (node->kind == ES_NODE_CONCAT ? es_add_i64(size, part, &size)
                                              : es_mul_i64(size, part, &size));
    if (!fits) size = -1;
  }
  if (node->kind == ES_NODE_GROUP || node->kind == ES_NODE_CONCAT) m->extent[node->var] = size;
  if (node->kind != ES_NODE_AFFINE) return;
  for (int i = 0; i < node->affine->n; i++)
    if (m->extent[node->affine->label[i]] < 0) return;
  if (es_affine_target(node->affine, m->extent, &size)) m->extent[node->var] = size > 0 ? size : 0;
}

static void size_from_text(maker *m, int n_names) {
  for (int i = 0; i < m->axes->n_labels; i++) m->extent[i] = m->axes->label[i].fixed;
  for (int i = 0; i < n_names; i++) {
    const es_axis_name *name = &m->axes->name[i];
    if (name->role == ES_NAME_AXIS && name->given && name->label >= 0)
      m->extent[name->label] = name->value;
  }
  for (int t = 0; t < m->axes->n_in; t++)
    for (int i = 0; i < m->axes->in[t].n; i++) size_node(m, &m->axes->in[t].node[i]);
  for (int t = 0; t < m->axes->n_out; t++)
    for (int i = 0; i < m->axes->out[t].n; i++) size_node(m, &m->axes->out[t].node[i]);
}

/* ---- axes as sums --------------------------------------------------------------------- */

static int count_labels(const es_node *node) {
  if (node->kind == ES_NODE_LABEL) return 1;
  if (node->kind == ES_NODE_AFFINE) return node->affine->n;
  int n = 0;
  for (int i = 0; i < node->n; i++) n += count_labels(&node->child[i]);
  return n;
}

typedef struct sum {
  int n;
  int32_t *label;
  int64_t *coef;
  int64_t constant;
  const es_fill *fill;
} sum;

/* coef 0 where factor is not known, or does not fit. */
static void add_term(sum *s, int32_t label, int64_t coef, int64_t factor) {
  int64_t product;
  s->label[s->n] = label;
  s->coef[s->n++] = factor && es_mul_i64(coef, factor, &product) ? product : 0;
}

/* Adds factor times the node. The position inside a group that joins parts is no sum: its
 * factors stay unknown. */
static void add_node(const maker *m, sum *s, const es_node *node, int64_t factor) {
  if (node->kind == ES_NODE_LABEL) add_term(s, node->var, 1, factor);
  if (node->kind == ES_NODE_AFFINE) {
    const es_affine *a = node->affine;
    int64_t shift;
    for (int i = 0; i < a->n; i++) add_term(s, a->label[i], a->coef[i], factor);
    if (es_mul_i64(a->constant, factor, &shift)) s->constant += shift;
    if (a->fill.kind != ES_FILL_NONE) s->fill = &a->fill;
  }
  for (int i = node->n - 1; i >= 0; i--) {
    bool joined = node->kind == ES_NODE_CONCAT;
    int64_t size = m->extent[node->child[i].var];
    add_node(m, s, &node->child[i], joined ? 0 : factor);
    if (!joined && (size < 0 || !es_mul_i64(factor, size, &factor))) factor = 0;
  }
}

/* Of a group the last axis was met first: in the order of the text again. */
static void reverse(sum *s) {
  for (int i = 0, j = s->n - 1; i < j; i++, j--) {
    int32_t label = s->label[i];
    int64_t coef = s->coef[i];
    s->label[i] = s->label[j];
    s->coef[i] = s->coef[j];
    s->label[j] = label;
    s->coef[j] = coef;
  }
}

/* Recursion is bounded by the nesting of the text. */
static es_status make_axis(maker *m, const es_node *node, es_outline_axis *axis) {
  *axis = (es_outline_axis){
      .size = m->extent[node->var], .offset = node->span.offset, .length = node->span.length};
  if (node->kind == ES_NODE_CONCAT) {
    es_outline_axis *part = ES_NEW_N(m->arena, es_outline_axis, node->n);
    if (!part) return es_fail_nomem(m->error);
    axis->n_parts = node->n;
    axis->part = part;
    for (int i = 0; i < node->n; i++) ES_TRY(make_axis(m, &node->child[i], &part[i]));
    return ES_OK;
  }
  int n = count_labels(node);
  sum s = {.label = ES_NEW_N(m->arena, int32_t, n), .coef = ES_NEW_N(m->arena, int64_t, n)};
  if (!s.label || !s.coef) return es_fail_nomem(m->error);
  add_node(m, &s, node, 1);
  if (node->kind == ES_NODE_GROUP) reverse(&s);
  axis->n = s.n;
  axis->label = s.label;
  axis->coef = s.coef;
  axis->constant = s.constant;
  axis->affine = node->kind == ES_NODE_AFFINE;
  if (s.fill) {
    axis->fill = es_arena_copy_text(m->arena, m->axes->pattern->text + s.fill->span.offset,
                                    (size_t)s.fill->span.length);
    if (!axis->fill) return es_fail_nomem(m->error);
  }
  return ES_OK;
}

static es_status make_term(maker *m, const es_axis_term *from, es_outline_term *term) {
  es_outline_axis *axis = ES_NEW_N(m->arena, es_outline_axis, from->n);
  if (!axis) return es_fail_nomem(m->error);
  *term = (es_outline_term){from->n, axis, from->span.offset, from->span.length};
  for (int i = 0; i < from->n; i++) ES_TRY(make_axis(m, &from->node[i], &axis[i]));
  return ES_OK;
}

/* ---- the whole ------------------------------------------------------------------------- */

static void mark_used(const es_outline_axis *axis, es_outline_label *label) {
  for (int i = 0; i < axis->n; i++) label[axis->label[i]].reduced = false;
  for (int i = 0; i < axis->n_parts; i++) mark_used(&axis->part[i], label);
}

static es_status make_outline(maker *m, es_outline *o) {
  const es_axes *axes = m->axes;
  es_outline_term *term = ES_NEW_N(m->arena, es_outline_term, axes->n_in + axes->n_out);
  es_outline_label *label = ES_NEW_N(m->arena, es_outline_label, axes->n_labels);
  if (!term || !label) return es_fail_nomem(m->error);
  *o = (es_outline){axes->n_in, axes->n_out, axes->n_labels, term, label, axes->pattern->reducer};
  for (int i = 0; i < axes->n_labels; i++) {
    const char *name = axes->label[i].name;
    name = es_arena_copy_text(m->arena, name, strlen(name));
    if (!name) return es_fail_nomem(m->error);
    label[i] = (es_outline_label){name, m->extent[i], true};
  }
  for (int i = 0; i < axes->n_in; i++) ES_TRY(make_term(m, &axes->in[i], &term[i]));
  for (int i = 0; i < axes->n_out; i++) {
    es_outline_term *out = &term[axes->n_in + i];
    ES_TRY(make_term(m, &axes->out[i], out));
    for (int k = 0; k < out->rank; k++) mark_used(&out->axis[k], label);
  }
  return ES_OK;
}

/* Operands of which only the rank is known: that of their terms as written. */
static es_array *stand_ins(es_arena *arena, const es_pattern *pattern, const int64_t *shape) {
  es_array *in = ES_NEW_N(arena, es_array, pattern->n_in);
  for (int i = 0; in && i < pattern->n_in; i++)
    in[i] = (es_array){.dtype = ES_F32, .rank = pattern->in[i].n, .shape = shape};
  return in;
}

static es_status outline_of(const es_ctx *ctx, es_arena *arena, es_kind kind, const char *text,
                            const es_array *in, int64_t n, const es_axis_size *sizes,
                            es_outline *outline, es_error *error) {
  static const int64_t unknown[ES_MAX_RANK]; /* never read: ranks alone are looked at */
  es_pattern *pattern;
  es_axes *axes;
  bool bare = !in;
  if (kind == ES_KIND_PACK || kind == ES_KIND_UNPACK || kind == ES_KIND_SHAPE)
    return es_fail(error, ES_E_UNSUPPORTED, "", ES_NOWHERE,
                   "an outline is of einsum, rearrange, reduce and repeat");
  ES_TRY(es_ctx_parse(ctx, arena, kind, text, strlen(text), ES_READ_AUTO, &pattern, error));
  if (bare) {
    n = pattern->n_in;
    in = stand_ins(arena, pattern, unknown);
    if (!in) return es_fail_nomem(error);
  }
  ES_TRY(es_axes_build(arena, pattern, in, n, sizes, &axes, error));
  maker m = {arena, axes, NULL, error};
  if (bare) {
    m.extent = ES_NEW_N(arena, int64_t, axes->n_vars);
    if (!m.extent) return es_fail_nomem(error);
    for (int i = 0; i < axes->n_vars; i++) m.extent[i] = -1;
    size_from_text(&m, pattern->n_names);
  } else {
    es_sizes solved;
    const int64_t **open = ES_NEW_N(arena, const int64_t *, axes->n_out); /* no output is given */
    if (!open) return es_fail_nomem(error);
    ES_TRY(
        es_sizes_solve(arena, axes, in, pattern->reading == ES_READ_LETTERS, open, &solved, error));
    m.extent = solved.extent;
  }
  return make_outline(&m, outline);
}

const es_outline *es_outline_make(es_ctx *ctx, es_kind kind, const char *text, const es_array *in,
                                  int64_t n, const es_axis_size *sizes, es_error *error) {
  if (!ctx || !text || (n > 0 && !in)) {
    es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
            "es_outline_make needs a context, a text and as many operands as it is told of, got "
            "NULL");
    return NULL;
  }
  for (int64_t i = 0; i < n; i++)
    if (es_view_check_shape(ES_F32, in[i].rank, in[i].shape, error)) {
      es_blame(error, (int)i, ES_E_VALUE);
      return NULL;
    }
  es_arena arena;
  es_arena_init(&arena, &ctx->allocator);
  owned *made = ES_NEW(&arena, owned);
  es_status status = made ? outline_of(ctx, &arena, kind, text, in, n, sizes, &made->outline, error)
                          : es_fail_nomem(error);
  if (status != ES_OK) {
    es_arena_free(&arena);
    return NULL;
  }
  made->arena = arena;
  return &made->outline;
}

void es_outline_free(const es_outline *outline) {
  if (!outline) return;
  es_arena arena = ((const owned *)outline)->arena; /* a copy: it holds itself */
  es_arena_free(&arena);
}
