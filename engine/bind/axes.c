#include "engine/bind/axes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "engine/bind/axis_names.h"
#include "engine/bind/axis_rules.h"
#include "engine/bind/axis_words.h"

/* An ellipsis, by name id; the anonymous one comes after all names. */
typedef struct ellipsis {
  int rank;            /* the largest over the operands; -1: not known yet */
  int32_t first_label; /* of rank labels; -1: not made yet */
  const es_item *last; /* the item met last */
  const es_term *term; /* where that stands */
} ellipsis;

typedef struct builder {
  es_arena *arena;
  es_axes *axes;
  const es_array *in;
  ellipsis *ellipsis; /* [n_names + 1] */
  int *term_rank;     /* rank of the k-th top-level ellipsis of the inputs, in text order */
  int *term_first;    /* [n_in] where a term's ellipses start in term_rank */
  int32_t *slot;      /* [labels] scratch of add_affine, -1 between calls */
  es_error *error;
} builder;

static es_status build_items(builder *b, const es_item *items, int n, const int *rank,
                             es_node *out);

static ellipsis *ellipsis_of(builder *b, const es_item *item) {
  int id = item->name == ES_NO_NAME ? b->axes->pattern->n_names : item->name;
  return &b->ellipsis[id];
}

static const char *ellipsis_name(const builder *b, const es_item *item) {
  return item->name == ES_NO_NAME ? "" : b->axes->pattern->names[item->name];
}

/* ---- ranks of ellipses ------------------------------------------------------ */

static int count_ellipses(const es_term *t) {
  int n = 0;
  for (int i = 0; i < t->n; i++) n += t->items[i].kind == ES_ITEM_ELLIPSIS;
  return n;
}

static void set_rank(builder *b, const es_item *item, int rank, int *term_rank) {
  ellipsis *e = ellipsis_of(b, item);
  *term_rank = rank;
  if (rank > e->rank) e->rank = rank;
}

/* A term with several ellipses: all but one must be known from other terms. */
static es_status several_ellipses(builder *b, int operand, bool *done) {
  const es_term *t = &b->axes->pattern->in[operand];
  int *rank = b->term_rank + b->term_first[operand], named = t->n - count_ellipses(t);
  int unknown = -1, k = 0;
  int64_t taken = named;
  *done = false;
  for (int i = 0; i < t->n; i++) {
    if (t->items[i].kind != ES_ITEM_ELLIPSIS) continue;
    int known = ellipsis_of(b, &t->items[i])->rank;
    if (known < 0 && unknown >= 0) return ES_OK;
    if (known < 0)
      unknown = i;
    else
      taken += known;
    rank[k++] = known;
  }
  *done = true;
  int64_t left = b->in[operand].rank - taken;
  if (left < 0 || (left > 0 && unknown < 0))
    return es_axes_rank_error(b->axes, b->in, b->axes->n_in, operand, (int)taken, unknown >= 0,
                              b->error);
  for (int i = 0, at = 0; i < t->n; i++) {
    if (t->items[i].kind != ES_ITEM_ELLIPSIS) continue;
    if (i == unknown) set_rank(b, &t->items[i], (int)left, &rank[at]);
    at++;
  }
  return ES_OK;
}

static es_status twice_in_term(builder *b, const es_term *t) {
  for (int i = 0; i < t->n; i++) {
    if (t->items[i].kind != ES_ITEM_ELLIPSIS) continue;
    ellipsis *e = ellipsis_of(b, &t->items[i]);
    if (e->term == t)
      return es_fail2(b->error, ES_E_SYNTAX, "L2", t->items[i].span, e->last->span,
                      "the ellipsis '%s...' stands twice in one term",
                      ellipsis_name(b, &t->items[i]));
    e->last = &t->items[i];
    e->term = t;
  }
  return ES_OK;
}

static es_status unsettled(builder *b, int operand) {
  const es_term *t = &b->axes->pattern->in[operand];
  return es_blame(b->error, operand,
                  es_fail(b->error, ES_E_UNDETERMINED, "S9", t->span,
                          "how many axes each ellipsis of '%s' stands for does not follow from the "
                          "ranks: use the ellipses alone in other terms, or write the axes out",
                          es_words_span(b->axes->pattern, t->span).text));
}

static es_status solve_ranks(builder *b) {
  const es_pattern *p = b->axes->pattern;
  int total = 0, pending = 0;
  for (int i = 0; i < p->n_in; i++) total += count_ellipses(&p->in[i]);
  b->term_rank = ES_NEW_N(b->arena, int, total);
  b->term_first = ES_NEW_N(b->arena, int, p->n_in);
  int *open = ES_NEW_N(b->arena, int, p->n_in);
  if (!b->term_rank || !b->term_first || !open) return es_fail_nomem(b->error);
  for (int i = 0, at = 0; i < p->n_in; i++) {
    const es_term *t = &p->in[i];
    int n = count_ellipses(t), named = t->n - n;
    b->term_first[i] = at;
    if (n > 1) {
      ES_TRY(twice_in_term(b, t));
      open[pending++] = i;
    } else if (b->in[i].rank < named || (n == 0 && b->in[i].rank != named)) {
      return es_axes_rank_error(b->axes, b->in, p->n_in, i, named, n > 0, b->error);
    } else if (n == 1) {
      const es_item *item = t->items;
      while (item->kind != ES_ITEM_ELLIPSIS) item++;
      set_rank(b, item, b->in[i].rank - named, &b->term_rank[at]);
    }
    at += n;
  }
  while (pending) {
    int left = 0;
    for (int k = 0; k < pending; k++) {
      bool done;
      ES_TRY(several_ellipses(b, open[k], &done));
      if (!done) open[left++] = open[k];
    }
    if (left == pending) return unsettled(b, open[0]);
    pending = left;
  }
  return ES_OK;
}

/* ---- labels and nodes --------------------------------------------------------- */

static int32_t add_label(builder *b, const char *name, es_span span, int64_t fixed) {
  es_axes *axes = b->axes;
  axes->label[axes->n_labels] = (es_axis_label){name, span, fixed, -1, false};
  return axes->n_labels++;
}

static int32_t label_of_name(builder *b, es_name_id id) {
  es_axis_name *name = &b->axes->name[id];
  const es_pattern *p = b->axes->pattern;
  if (name->label >= 0) return name->label;
  name->label = add_label(b, p->names[id], p->name_spans[id], -1);
  if (name->given) b->axes->label[name->label].given = name->value;
  return name->label;
}

static es_node label_node(int32_t label, es_span span) {
  return (es_node){.kind = ES_NODE_LABEL, .var = label, .span = span};
}

static es_status ellipsis_labels(builder *b, const es_item *item, ellipsis *e) {
  e->first_label = b->axes->n_labels;
  for (int i = 0; i < e->rank; i++) {
    char text[ES_MAX_NAME + 24];
    int len = snprintf(text, sizeof text, "%s...[%d]", ellipsis_name(b, item), i);
    char *name = es_arena_copy_text(b->arena, text, (size_t)len);
    if (!name) return es_fail_nomem(b->error);
    int32_t label = add_label(b, name, item->span, -1);
    b->axes->label[label].stretches = true;
  }
  return ES_OK;
}

/* Ellipses of smaller rank meet the larger ones at the right, as NumPy aligns. */
static es_status build_ellipsis(builder *b, const es_item *item, int rank, es_node *out) {
  ellipsis *e = ellipsis_of(b, item);
  if (e->first_label < 0) ES_TRY(ellipsis_labels(b, item, e));
  for (int i = 0; i < rank; i++)
    out[i] = label_node(e->first_label + e->rank - rank + i, item->span);
  return ES_OK;
}

static es_status build_int(builder *b, const es_item *item, es_node *out) {
  char text[24];
  int len = snprintf(text, sizeof text, "%lld", (long long)item->value);
  char *name = es_arena_copy_text(b->arena, text, (size_t)len);
  if (!name) return es_fail_nomem(b->error);
  *out = label_node(add_label(b, name, item->span, item->value), item->span);
  return ES_OK;
}

static es_status affine_overflow(builder *b, es_span span) {
  return es_fail(b->error, ES_E_OVERFLOW, "M1", span, "the factors of '%s' do not fit 64 bits",
                 es_words_span(b->axes->pattern, span).text);
}

/* Adds coef * index(label), merging what names the same label. */
static bool add_affine(builder *b, es_affine *a, int32_t label, int64_t coef) {
  if (b->slot[label] < 0) {
    b->slot[label] = a->n;
    a->label[a->n] = label;
    a->coef[a->n++] = coef;
    return true;
  }
  int64_t *at = &a->coef[b->slot[label]];
  return es_add_i64(*at, coef, at) && *at != INT64_MIN;
}

static es_status build_lin(builder *b, const es_item *item, es_affine *a) {
  for (int i = 0; i < item->n; i++) {
    const es_lin_term *t = &item->terms[i];
    int64_t coef, param = t->param == ES_NO_NAME ? 1 : b->axes->name[t->param].value;
    bool fits = es_mul_i64(t->coef, param, &coef);
    const es_axis_name *name = t->name == ES_NO_NAME ? NULL : &b->axes->name[t->name];
    if (!name)
      fits &= es_add_i64(a->constant, coef, &a->constant);
    else if (name->role == ES_NAME_PARAM)
      fits &= es_mad_i64(a->constant, coef, name->value, &a->constant);
    else
      fits &= add_affine(b, a, label_of_name(b, t->name), coef);
    /* INT64_MIN has no negative: with it gone, -coef is safe everywhere. */
    if (!fits || coef == INT64_MIN || a->constant == INT64_MIN) return affine_overflow(b, t->span);
  }
  for (int i = 0; i < a->n; i++) b->slot[a->label[i]] = -1;
  return ES_OK;
}

static es_status build_affine(builder *b, const es_item *item, es_node *out) {
  int room = item->kind == ES_ITEM_AFFINE ? item->n : 1;
  es_affine *a = ES_NEW(b->arena, es_affine);
  if (!a) return es_fail_nomem(b->error);
  a->label = ES_NEW_N(b->arena, int32_t, room);
  a->coef = ES_NEW_N(b->arena, int64_t, room);
  if (!a->label || !a->coef) return es_fail_nomem(b->error);
  a->fill = item->fill;
  *out =
      (es_node){.kind = ES_NODE_AFFINE, .var = b->axes->n_vars++, .span = item->span, .affine = a};
  if (item->kind == ES_ITEM_AFFINE) return build_lin(b, item, a);
  a->n = 1; /* a group of one name */
  a->label[0] = label_of_name(b, item->items[0].name);
  a->coef[0] = 1;
  return ES_OK;
}

static int64_t expanded(builder *b, const es_item *items, int n) {
  int64_t count = 0;
  for (int i = 0; i < n; i++)
    count += items[i].kind == ES_ITEM_ELLIPSIS ? ellipsis_of(b, &items[i])->rank : 1;
  return count;
}

static es_status build_group(builder *b, const es_item *item, es_node *out) {
  if (item->fill.kind != ES_FILL_NONE) return build_affine(b, item, out); /* (h)?0 */
  if (item->kind == ES_ITEM_GROUP && item->n == 1 && item->items[0].kind != ES_ITEM_ELLIPSIS)
    return build_items(b, item->items, 1, NULL, out); /* (h) is h */
  int n = (int)expanded(b, item->items, item->n);
  es_node_kind kind = item->kind == ES_ITEM_CONCAT ? ES_NODE_CONCAT : ES_NODE_GROUP;
  *out = (es_node){.kind = kind, .var = b->axes->n_vars++, .span = item->span, .n = n};
  out->child = ES_NEW_N(b->arena, es_node, n);
  if (!out->child) return es_fail_nomem(b->error);
  return build_items(b, item->items, item->n, NULL, out->child);
}

/* rank: of each ellipsis among the items; NULL takes the full rank of each. */
static es_status build_items(builder *b, const es_item *items, int n, const int *rank,
                             es_node *out) {
  for (int i = 0; i < n; i++) {
    const es_item *item = &items[i];
    int took = 1;
    switch (item->kind) {
    case ES_ITEM_NAME: *out = label_node(label_of_name(b, item->name), item->span); break;
    case ES_ITEM_ANY: *out = label_node(add_label(b, "_", item->span, -1), item->span); break;
    case ES_ITEM_INT: ES_TRY(build_int(b, item, out)); break;
    case ES_ITEM_ELLIPSIS:
      took = rank ? *rank++ : ellipsis_of(b, item)->rank;
      ES_TRY(build_ellipsis(b, item, took, out));
      break;
    case ES_ITEM_GROUP:
    case ES_ITEM_CONCAT: ES_TRY(build_group(b, item, out)); break;
    case ES_ITEM_STAR: /* of pack and unpack, which are not bound: no terms */
    case ES_ITEM_AFFINE:
    default: ES_TRY(build_affine(b, item, out)); break;
    }
    out += took;
  }
  return ES_OK;
}

/* ---- terms ------------------------------------------------------------------------ */

static es_status too_many_axes(builder *b, es_span span, int64_t rank) {
  return es_fail(b->error, ES_E_LIMIT, "M1", span, "the output would have %lld axes: at most %d",
                 (long long)rank, ES_MAX_RANK);
}

static es_status build_term(builder *b, const es_term *t, int64_t rank, const int *ranks,
                            es_axis_term *out) {
  *out = (es_axis_term){.n = (int)rank, .span = t->span};
  out->node = ES_NEW_N(b->arena, es_node, rank);
  if (!out->node) return es_fail_nomem(b->error);
  return build_items(b, t->items, t->n, ranks, out->node);
}

static int by_code_point(const void *a, const void *b) {
  const es_axis_label *const *x = a, *const *y = b;
  return strcmp((*x)->name, (*y)->name); /* the order of valid UTF-8 bytes */
}

/* NumPy's rule: ellipses first, then the labels that occur exactly once. */
static es_status implicit_output(builder *b) {
  es_axes *axes = b->axes;
  const es_pattern *p = axes->pattern;
  const es_axis_label **list = ES_NEW_N(b->arena, const es_axis_label *, axes->n_labels);
  if (!list) return es_fail_nomem(b->error);
  int n = 0;
  for (int i = 0; i < axes->n_labels; i++)
    if (axes->label[i].stretches) list[n++] = &axes->label[i];
  int ellipses = n;
  for (int i = 0; i < p->n_names; i++)
    if (axes->name[i].label >= 0 && axes->name[i].uses == 1)
      list[n++] = &axes->label[axes->name[i].label];
  if (p->reading == ES_READ_LETTERS)
    qsort(list + ellipses, (size_t)(n - ellipses), sizeof *list, by_code_point);
  if (n > ES_MAX_RANK) return too_many_axes(b, ES_NOWHERE, n);
  axes->out[0].n = n;
  axes->out[0].node = ES_NEW_N(b->arena, es_node, n);
  if (!axes->out[0].node) return es_fail_nomem(b->error);
  for (int i = 0; i < n; i++)
    axes->out[0].node[i] = label_node((int32_t)(list[i] - axes->label), list[i]->span);
  return ES_OK;
}

/* Upper bounds: labels that are not names, and nodes that are not labels. */
static void count_items(builder *b, const es_item *items, int n, int64_t *labels) {
  for (int i = 0; i < n; i++) {
    *labels += items[i].kind == ES_ITEM_ANY || items[i].kind == ES_ITEM_INT;
    if (items[i].kind == ES_ITEM_GROUP || items[i].kind == ES_ITEM_CONCAT)
      count_items(b, items[i].items, items[i].n, labels);
  }
}

static es_status make_room(builder *b) {
  es_axes *axes = b->axes;
  const es_pattern *p = axes->pattern;
  int64_t labels = p->n_names;
  for (int i = 0; i <= p->n_names; i++) labels += b->ellipsis[i].rank > 0 ? b->ellipsis[i].rank : 0;
  for (int i = 0; i < p->n_in; i++) count_items(b, p->in[i].items, p->in[i].n, &labels);
  for (int i = 0; i < p->n_out; i++) count_items(b, p->out[i].items, p->out[i].n, &labels);
  axes->label = ES_NEW_N(b->arena, es_axis_label, labels);
  b->slot = ES_NEW_N(b->arena, int32_t, labels);
  if (!axes->label || !b->slot) return es_fail_nomem(b->error);
  for (int64_t i = 0; i < labels; i++) b->slot[i] = -1;
  axes->first_node_var = axes->n_vars = (int)labels;
  return ES_OK;
}

static es_status build_terms(builder *b) {
  es_axes *axes = b->axes;
  const es_pattern *p = axes->pattern;
  for (int i = 0; i < axes->n_in; i++)
    ES_TRY(build_term(b, &p->in[i], b->in[i].rank, b->term_rank + b->term_first[i], &axes->in[i]));
  if (axes->implicit) return implicit_output(b);
  for (int i = 0; i < axes->n_out; i++) {
    int64_t rank = expanded(b, p->out[i].items, p->out[i].n);
    if (rank > ES_MAX_RANK) return too_many_axes(b, p->out[i].span, rank);
    ES_TRY(build_term(b, &p->out[i], rank, NULL, &axes->out[i]));
  }
  return ES_OK;
}

es_status es_axes_build(es_arena *arena, const es_pattern *pattern, const es_array *in, int64_t n,
                        const es_axis_size *sizes, es_axes **out, es_error *error) {
  es_axes *axes = ES_NEW(arena, es_axes);
  builder b = {.arena = arena, .axes = axes, .in = in, .error = error};
  b.ellipsis = ES_NEW_N(arena, ellipsis, pattern->n_names + 1);
  if (!axes || !b.ellipsis) return es_fail_nomem(error);
  if (n != pattern->n_in)
    return es_fail(error, ES_E_COUNT, "S11", (es_span){0, (int64_t)pattern->len},
                   "the text has %d term%s, %lld operand%s given", pattern->n_in,
                   pattern->n_in == 1 ? "" : "s", (long long)n, n == 1 ? " was" : "s were");
  axes->pattern = pattern;
  axes->n_in = pattern->n_in;
  axes->implicit = !pattern->has_arrow;
  axes->n_out = axes->implicit ? 1 : pattern->n_out;
  axes->in = ES_NEW_N(arena, es_axis_term, axes->n_in);
  axes->out = ES_NEW_N(arena, es_axis_term, axes->n_out);
  if (!axes->in || !axes->out) return es_fail_nomem(error);
  for (int i = 0; i <= pattern->n_names; i++) b.ellipsis[i] = (ellipsis){-1, -1, NULL, NULL};
  ES_TRY(es_names_read(arena, axes, sizes, error));
  ES_TRY(solve_ranks(&b)); /* first: 'bhwc' for four axes is better explained by ranks */
  ES_TRY(es_names_check(arena, axes, error));
  ES_TRY(make_room(&b));
  ES_TRY(build_terms(&b));
  *out = axes;
  return ES_OK;
}
