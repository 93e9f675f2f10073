#include "engine/bind/axis_rules.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "engine/bind/axis_words.h"

typedef struct rules {
  const es_axes *axes;
  es_kind kind;
  const es_term **last_term; /* [n_names] where a name stood last */
  es_span *last_span;
  const es_item *ellipsis[2]; /* the first anonymous one of each side */
  es_error *error;
} rules;

static const char *kind_name(es_kind kind) {
  static const char *const names[] = {"einsum", "rearrange", "reduce",     "repeat",
                                      "pack",   "unpack",    "parse_shape"};
  return names[kind];
}

static const char *kind_rule(es_kind kind) {
  return kind == ES_KIND_REARRANGE ? "S1" : kind == ES_KIND_REDUCE ? "S3" : "S4";
}

/* ---- items ---------------------------------------------------------------------- */

static es_status check_number(const rules *r, const es_item *item, bool left) {
  if (item->value == 1) return ES_OK;
  if (r->kind == ES_KIND_REARRANGE)
    return es_fail(r->error, ES_E_NAME, "S2", item->span,
                   "rearrange takes no number but 1, found %lld: %s", (long long)item->value,
                   left ? "use reduce to take the axis away, or name it"
                        : "use repeat for a new axis");
  if (r->kind == ES_KIND_REPEAT && left)
    return es_fail(r->error, ES_E_NAME, "S4", item->span,
                   "repeat keeps every axis of the left, so %lld cannot vanish: name the axis, or "
                   "use reduce",
                   (long long)item->value);
  return ES_OK;
}

static es_status check_any(const rules *r, const es_item *item) {
  if (r->kind != ES_KIND_REARRANGE && r->kind != ES_KIND_REPEAT) return ES_OK;
  return es_fail(r->error, ES_E_NAME, kind_rule(r->kind), item->span,
                 "'_' stands on the left only, and %s keeps every axis: name it, or use reduce",
                 kind_name(r->kind));
}

static es_status check_name(rules *r, const es_term *t, es_name_id id, es_span span) {
  const es_axis_name *name = &r->axes->name[id];
  if (name->role != ES_NAME_AXIS || r->kind == ES_KIND_EINSUM) return ES_OK;
  if (r->last_term[id] == t)
    return es_fail2(r->error, ES_E_NAME, kind_rule(r->kind), span, r->last_span[id],
                    "'%s' stands twice in one term: %s takes each name once, einsum reads a "
                    "repeat as a diagonal",
                    r->axes->pattern->names[id], kind_name(r->kind));
  r->last_term[id] = t;
  r->last_span[id] = span;
  return ES_OK;
}

static es_status check_ellipsis(rules *r, const es_item *item, bool left, int depth) {
  if (left && depth)
    return es_fail(r->error, ES_E_NAME, "S5", item->span,
                   "an ellipsis inside parentheses may stand on the right only");
  if (item->name == ES_NO_NAME && !r->ellipsis[!left]) r->ellipsis[!left] = item;
  return ES_OK;
}

static es_status check_items(rules *r, const es_term *t, const es_item *items, int n, bool left,
                             int depth) {
  for (int i = 0; i < n; i++) {
    const es_item *item = &items[i];
    switch (item->kind) {
    case ES_ITEM_NAME: ES_TRY(check_name(r, t, item->name, item->span)); break;
    case ES_ITEM_ANY: ES_TRY(check_any(r, item)); break;
    case ES_ITEM_INT: ES_TRY(check_number(r, item, left)); break;
    case ES_ITEM_ELLIPSIS: ES_TRY(check_ellipsis(r, item, left, depth)); break;
    case ES_ITEM_GROUP:
    case ES_ITEM_CONCAT: ES_TRY(check_items(r, t, item->items, item->n, left, depth + 1)); break;
    case ES_ITEM_STAR: /* has no terms */
    case ES_ITEM_AFFINE:
    default:
      for (int k = 0; k < item->n; k++)
        if (item->terms[k].name != ES_NO_NAME)
          ES_TRY(check_name(r, t, item->terms[k].name, item->terms[k].name_span));
      break;
    }
  }
  return ES_OK;
}

/* ---- names on one side ------------------------------------------------------------ */

/* The first axis of the output that no input names. */
static es_name_id lone_output(const es_axes *axes) {
  for (es_name_id id = 0; id < axes->pattern->n_names; id++) {
    const es_axis_name *name = &axes->name[id];
    if (name->role == ES_NAME_AXIS && !(name->places & ES_PLACE_IN)) return id;
  }
  return ES_NO_NAME;
}

/* S1. The likely repair first: a misspelling, then another name for the same axis,
 * then the function that does drop or add axes. */
static es_status one_sided(const rules *r, es_name_id id) {
  const es_axes *axes = r->axes;
  const es_pattern *p = axes->pattern;
  bool left = axes->name[id].places & ES_PLACE_IN;
  const char *name = p->names[id], *side = left ? "left" : "right";
  const char *near = es_names_nearest(axes, name, left ? ES_PLACE_OUT : ES_PLACE_IN);
  if (near)
    return es_fail(r->error, ES_E_NAME, "S1", p->name_spans[id],
                   "'%s' stands on the %s only: did you mean '%s'?", name, side, near);
  es_name_id other = left ? lone_output(axes) : ES_NO_NAME; /* names on the left come first */
  if (other != ES_NO_NAME)
    return es_fail2(r->error, ES_E_NAME, "S1", p->name_spans[id], p->name_spans[other],
                    "'%s' stands on the left only and '%s' on the right only: write the same name "
                    "on both sides",
                    name, p->names[other]);
  return es_fail(r->error, ES_E_NAME, "S1", p->name_spans[id],
                 "'%s' stands on the %s only, and rearrange %s: use %s", name, side,
                 left ? "keeps every axis" : "makes no new axis", left ? "reduce" : "repeat");
}

static es_status unknown_output(const rules *r, es_name_id id) {
  const es_axes *axes = r->axes;
  const es_pattern *p = axes->pattern;
  const char *name = p->names[id], *near = es_names_nearest(axes, name, ES_PLACE_IN);
  if (r->kind == ES_KIND_REPEAT)
    return es_fail(r->error, ES_E_NAME, "S4", p->name_spans[id],
                   "the new axis '%s' has no size: give %s=...%s%s%s", name, name,
                   near ? ", or did you mean '" : "", near ? near : "", near ? "'?" : "");
  return es_fail(r->error, ES_E_NAME, r->kind == ES_KIND_REDUCE ? "S3" : "S11", p->name_spans[id],
                 "'%s' stands in the output but in no input%s%s%s%s%s%s", name,
                 near                        ? ": did you mean '"
                 : r->kind == ES_KIND_REDUCE ? ": use repeat for a new axis"
                                             : "",
                 near ? near : "", near ? "'?" : "",
                 !near && r->kind == ES_KIND_EINSUM ? ": a new axis needs a size, " : "",
                 !near && r->kind == ES_KIND_EINSUM ? name : "",
                 !near && r->kind == ES_KIND_EINSUM ? "=..." : "");
}

static es_status vanished(const rules *r, es_name_id id) {
  const es_axes *axes = r->axes;
  const char *name = axes->pattern->names[id];
  const char *near = es_names_nearest(axes, name, ES_PLACE_OUT);
  return es_fail(r->error, ES_E_NAME, "S4", axes->pattern->name_spans[id],
                 "'%s' stands on the left only, and repeat keeps every axis: %s%s%s", name,
                 near ? "did you mean '" : "use reduce", near ? near : "", near ? "'?" : "");
}

static es_status check_sides(const rules *r, es_name_id id) {
  const es_axis_name *name = &r->axes->name[id];
  bool in = name->places & ES_PLACE_IN, out = name->places & ES_PLACE_OUT;
  if (name->role != ES_NAME_AXIS || in == out || r->axes->implicit) return ES_OK;
  if (r->kind == ES_KIND_REARRANGE) return one_sided(r, id);
  if (in) return r->kind == ES_KIND_REPEAT ? vanished(r, id) : ES_OK;
  if (r->kind == ES_KIND_REDUCE || !name->given) return unknown_output(r, id);
  return ES_OK;
}

static es_status check_ellipsis_sides(const rules *r, bool in, bool out, es_span span,
                                      const char *name) {
  if (in == out || r->axes->implicit) return ES_OK;
  if (out)
    return es_fail(r->error, ES_E_NAME, "S5", span,
                   "the ellipsis '%s...' stands on the right only: the left must hold it too",
                   name);
  if (r->kind != ES_KIND_REARRANGE && r->kind != ES_KIND_REPEAT) return ES_OK;
  return es_fail(
      r->error, ES_E_NAME, kind_rule(r->kind), span,
      "the ellipsis '%s...' stands on the left only, and %s keeps every axis: use reduce", name,
      kind_name(r->kind));
}

es_status es_names_check(es_arena *arena, const es_axes *axes, es_error *error) {
  const es_pattern *p = axes->pattern;
  rules r = {.axes = axes, .kind = p->kind, .error = error};
  r.last_term = ES_NEW_N(arena, const es_term *, p->n_names);
  r.last_span = ES_NEW_N(arena, es_span, p->n_names);
  if (!r.last_term || !r.last_span) return es_fail_nomem(error);
  for (int i = 0; i < p->n_in; i++)
    ES_TRY(check_items(&r, &p->in[i], p->in[i].items, p->in[i].n, true, 0));
  for (int i = 0; i < p->n_out; i++)
    ES_TRY(check_items(&r, &p->out[i], p->out[i].items, p->out[i].n, false, 0));
  for (es_name_id id = 0; id < p->n_names; id++) {
    ES_TRY(check_sides(&r, id));
    if (axes->name[id].role == ES_NAME_ELLIPSIS)
      ES_TRY(check_ellipsis_sides(&r, axes->name[id].places & ES_PLACE_IN,
                                  axes->name[id].places & ES_PLACE_OUT, p->name_spans[id],
                                  p->names[id]));
  }
  const es_item *any = r.ellipsis[0] ? r.ellipsis[0] : r.ellipsis[1];
  return check_ellipsis_sides(&r, r.ellipsis[0], r.ellipsis[1], any ? any->span : ES_NOWHERE, "");
}

/* ---- S6 -------------------------------------------------------------------------------- */

static int64_t code_points(const char *name) {
  int64_t n = 0;
  for (; *name; name++) n += ((unsigned char)*name & 0xc0) != 0x80;
  return n;
}

/* In NAMES 'bhwc' is one axis; the reader may have meant four. */
static bool letters_would_fit(const es_axes *axes, const es_term *t, int rank, es_text *spaced) {
  int64_t letters = 0;
  for (int i = 0; i < t->n; i++) {
    if (t->items[i].kind != ES_ITEM_NAME) return false;
    const char *name = axes->pattern->names[t->items[i].name];
    letters += code_points(name);
    for (const char *c = name; *c; c++) {
      if (((unsigned char)*c & 0xc0) != 0x80 && spaced->len) es_text_puts(spaced, " ");
      es_text_put(spaced, c, 1);
    }
  }
  return letters == rank; /* the terms are not: that is the error */
}

/* In LETTERS 'foo' is three axes; the reader may have meant one. */
static bool names_would_fit(const es_axes *axes, const es_array *in, int64_t n) {
  const es_pattern *p = axes->pattern;
  for (int64_t i = 0; i < n; i++) {
    for (int k = 0; k < p->in[i].n; k++)
      if (p->in[i].items[k].kind != ES_ITEM_NAME) return false;
    if (in[i].rank != (p->in[i].n > 0)) return false;
  }
  return true;
}

es_status es_axes_rank_error(const es_axes *axes, const es_array *in, int64_t n, int operand,
                             int named, bool at_least, es_error *error) {
  const es_pattern *p = axes->pattern;
  const es_term *t = &p->in[operand];
  char letters[160], hint[256];
  es_text spaced = es_text_init(letters, sizeof letters), h = es_text_init(hint, sizeof hint);
  if (p->reading == ES_READ_NAMES && letters_would_fit(axes, t, in[operand].rank, &spaced) &&
      spaced.len < sizeof letters)
    es_text_printf(&h, ". If each letter is an axis, write '%s'", letters);
  if (p->reading == ES_READ_LETTERS && names_would_fit(axes, in, n))
    es_text_printf(&h, ". If each word is one axis, ask for the names reading (ES_READ_NAMES)");
  int rank = in[operand].rank;
  return es_blame(
      error, operand,
      es_fail(error, ES_E_RANK, "S6", t->span,
              "operand %d has %d %s, shape %s, but its term '%s' asks for %s%d%s", operand, rank,
              rank == 1 ? "axis" : "axes", es_words_shape(rank, in[operand].shape).text,
              es_words_span(p, t->span).text, at_least ? "at least " : "", named, hint));
}
