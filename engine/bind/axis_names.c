#include "engine/bind/axis_names.h"

#include <stdlib.h>
#include <string.h>

#include "engine/bind/axis_words.h"

/* ---- places --------------------------------------------------------------- */

static void visit_lin(es_axes *axes, const es_item *item, unsigned side) {
  for (int i = 0; i < item->n; i++) {
    const es_lin_term *t = &item->terms[i];
    if (t->param != ES_NO_NAME) axes->name[t->param].places |= ES_PLACE_FACTOR;
    if (t->name == ES_NO_NAME) continue;
    es_axis_name *name = &axes->name[t->name];
    name->places |= side;
    if (side == ES_PLACE_IN) name->uses++;
    if (t->param != ES_NO_NAME || (t->coef != 1 && t->coef != -1))
      name->places |= ES_PLACE_SCALED;
    else
      name->places |= t->coef < 0 ? ES_PLACE_MINUS : ES_PLACE_PLUS;
  }
}

/* Nesting is at most ES_MAX_NESTING: the parser's promise. */
static void visit_items(es_axes *axes, const es_item *items, int n, unsigned side) {
  for (int i = 0; i < n; i++) {
    const es_item *item = &items[i];
    if (item->kind == ES_ITEM_AFFINE) visit_lin(axes, item, side);
    if (item->kind == ES_ITEM_GROUP || item->kind == ES_ITEM_CONCAT)
      visit_items(axes, item->items, item->n, side);
    if (item->name == ES_NO_NAME) continue;
    if (item->kind == ES_ITEM_NAME) {
      axes->name[item->name].places |= side | ES_PLACE_PLAIN;
      if (side == ES_PLACE_IN) axes->name[item->name].uses++;
    } else { /* an ellipsis: nothing else has a name */
      axes->name[item->name].places |= side | ES_PLACE_ELLIPSIS;
    }
  }
}

/* ---- given sizes ------------------------------------------------------------ */

typedef struct entry {
  const char *name;
  es_name_id id;
} entry;

static int by_name(const void *a, const void *b) {
  return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static es_status unused_size(const es_axes *axes, const char *name, es_error *error) {
  const char *near = es_names_nearest(axes, name, 0);
  return es_fail(error, ES_E_NAME, "S10", ES_NOWHERE,
                 "a size is given for '%s', which the pattern does not use%s%s%s",
                 es_words_text(name).text, near ? ": did you mean '" : "", near ? near : "",
                 near ? "'?" : "");
}

static es_status take_size(es_axes *axes, es_name_id id, int64_t size, es_error *error) {
  const es_pattern *p = axes->pattern;
  es_axis_name *name = &axes->name[id];
  if (name->given && name->value != size)
    return es_fail(error, ES_E_EXTENT, "S10", p->name_spans[id],
                   "two sizes are given for '%s': %lld and %lld", p->names[id],
                   (long long)name->value, (long long)size);
  name->given = true;
  name->value = size;
  return ES_OK;
}

static es_status read_sizes(es_arena *arena, es_axes *axes, const es_axis_size *sizes,
                            es_error *error) {
  if (!sizes || !sizes->name) return ES_OK;
  const es_pattern *p = axes->pattern;
  entry *table = ES_NEW_N(arena, entry, p->n_names);
  if (!table) return es_fail_nomem(error);
  for (int i = 0; i < p->n_names; i++) table[i] = (entry){p->names[i], i};
  qsort(table, (size_t)p->n_names, sizeof *table, by_name);
  for (const es_axis_size *s = sizes; s->name; s++) {
    const entry *found = bsearch(&(entry){s->name, 0}, table, (size_t)p->n_names, sizeof *table,
                                 by_name);
    if (!found) return unused_size(axes, s->name, error);
    ES_TRY(take_size(axes, found->id, s->size, error));
  }
  return ES_OK;
}

/* ---- roles -------------------------------------------------------------------- */

static bool surely_axis(const es_axis_name *name) {
  return !name->given || name->places & (ES_PLACE_PLAIN | ES_PLACE_SCALED);
}

/* Marks the bare names that stand in one affine index with a negative axis. */
static void mark_offsets(es_axes *axes, const es_item *items, int n) {
  for (int i = 0; i < n; i++) {
    const es_item *item = &items[i];
    if (item->kind == ES_ITEM_GROUP || item->kind == ES_ITEM_CONCAT)
      mark_offsets(axes, item->items, item->n);
    if (item->kind != ES_ITEM_AFFINE) continue;
    bool negative = false;
    for (int k = 0; k < item->n; k++) {
      const es_lin_term *t = &item->terms[k];
      negative |= t->coef < 0 && t->name != ES_NO_NAME && surely_axis(&axes->name[t->name]);
    }
    for (int k = 0; negative && k < item->n; k++)
      if (item->terms[k].name != ES_NO_NAME)
        axes->name[item->terms[k].name].places |= ES_PLACE_OFFSET;
  }
}

/* A name whose value is given and that stands bare in affine indices only could be
 * read as a parameter or as a window axis. It is a parameter where it is
 * subtracted, (2*h+kh-p), or makes up for an axis that is: (h-kh+K-1). Otherwise
 * it is an axis, as kh of the pooling (2*h+kh) is. */
static es_name_role role_of(const es_axis_name *name) {
  if (name->places & ES_PLACE_ELLIPSIS) return ES_NAME_ELLIPSIS;
  if (name->places & ES_PLACE_FACTOR) return ES_NAME_PARAM;
  if (surely_axis(name)) return ES_NAME_AXIS;
  return name->places & (ES_PLACE_MINUS | ES_PLACE_OFFSET) ? ES_NAME_PARAM : ES_NAME_AXIS;
}

static es_status check_role(const es_axes *axes, es_name_id id, es_error *error) {
  const es_pattern *p = axes->pattern;
  const es_axis_name *name = &axes->name[id];
  es_span at = p->name_spans[id];
  const unsigned axis = ES_PLACE_PLAIN | ES_PLACE_SCALED;
  if (name->role == ES_NAME_ELLIPSIS) {
    if (name->places & (axis | ES_PLACE_PLUS | ES_PLACE_MINUS | ES_PLACE_FACTOR))
      return es_fail(error, ES_E_NAME, "S5", at,
                     "'%s' is an ellipsis, '%s...', and an axis in one pattern: rename one",
                     p->names[id], p->names[id]);
    if (name->given)
      return es_fail(error, ES_E_NAME, "S10", at,
                     "a size is given for '%s', which stands for several axes: '%s...'",
                     p->names[id], p->names[id]);
  }
  if (name->role == ES_NAME_PARAM && name->places & axis)
    return es_fail(error, ES_E_NAME, "S9", at,
                   "'%s' is a factor, '%s*', and an axis in one pattern: rename one", p->names[id],
                   p->names[id]);
  if (name->role == ES_NAME_PARAM && !name->given)
    return es_fail(error, ES_E_UNDETERMINED, "S9", at, "the factor '%s' has no value: give %s=...",
                   p->names[id], p->names[id]);
  if (name->role == ES_NAME_AXIS && name->given && name->value < 0)
    return es_fail(error, ES_E_VALUE, "S10", at,
                   "the size given for '%s' is %lld: a size is 0 or more", p->names[id],
                   (long long)name->value);
  return ES_OK;
}

es_status es_names_read(es_arena *arena, es_axes *axes, const es_axis_size *sizes,
                        es_error *error) {
  const es_pattern *p = axes->pattern;
  axes->name = ES_NEW_N(arena, es_axis_name, p->n_names);
  if (!axes->name) return es_fail_nomem(error);
  for (int i = 0; i < p->n_in; i++) visit_items(axes, p->in[i].items, p->in[i].n, ES_PLACE_IN);
  for (int i = 0; i < p->n_out; i++) visit_items(axes, p->out[i].items, p->out[i].n, ES_PLACE_OUT);
  ES_TRY(read_sizes(arena, axes, sizes, error));
  for (int i = 0; i < p->n_in; i++) mark_offsets(axes, p->in[i].items, p->in[i].n);
  for (int i = 0; i < p->n_out; i++) mark_offsets(axes, p->out[i].items, p->out[i].n);
  for (es_name_id id = 0; id < p->n_names; id++) {
    axes->name[id].label = -1;
    axes->name[id].role = role_of(&axes->name[id]);
    ES_TRY(check_role(axes, id, error));
  }
  return ES_OK;
}
