#include "tests/support/oracle.h"

#include <math.h>
#include <stdlib.h>

/* One axis of an operand or the output: an item, or an axis of the ellipsis. */
typedef struct axis {
  const es_item *item;
  const int64_t *ellipsis;
} axis;

typedef struct term {
  int n;
  axis axis[ORACLE_RANK];
} term;

/* A label is known by the address of what makes it one: a name's spelling, the
 * item of a number or '_', the size of an ellipsis axis. */
typedef struct walk {
  const es_pattern *p;
  const oracle_facts *facts;
  int part; /* of the joined axis of the output */
  int n;
  const void *label[ORACLE_LABELS];
  int64_t size[ORACLE_LABELS], index[ORACLE_LABELS];
} walk;

static term expand(const es_term *t, const oracle_facts *facts, int rank) {
  term out = {0};
  for (int i = 0; i < t->n; i++) {
    if (t->items[i].kind != ES_ITEM_ELLIPSIS) {
      out.axis[out.n++] = (axis){&t->items[i], NULL};
      continue;
    }
    int k = rank - (t->n - 1); /* the rest of the rank; from the right, as NumPy does */
    for (int j = facts->ellipsis_rank - k; j < facts->ellipsis_rank; j++)
      out.axis[out.n++] = (axis){NULL, &facts->ellipsis[j]};
  }
  return out;
}

static int64_t coefficient(const walk *w, const es_lin_term *t) {
  return t->coef * (t->param == ES_NO_NAME ? 1 : w->facts->size[t->param]);
}

/* Of all products with the name of terms[i], at the first of them; 0 at the others. */
static int64_t total_coefficient(const walk *w, const es_item *item, int i) {
  int64_t c = 0;
  for (int k = 0; k < item->n; k++) {
    bool same = k == i ||
                (item->terms[k].name == item->terms[i].name && item->terms[k].name != ES_NO_NAME);
    if (same && k < i) return 0;
    if (same) c += coefficient(w, &item->terms[k]);
  }
  return c;
}

static bool is_constant(const walk *w, const es_lin_term *t) {
  return t->name == ES_NO_NAME || w->facts->param[t->name];
}

static int64_t item_size(const walk *w, const es_item *item) {
  int64_t size = item->kind == ES_ITEM_CONCAT ? 0 : 1;
  if (item->kind == ES_ITEM_NAME) return w->facts->size[item->name];
  if (item->kind == ES_ITEM_INT) return item->value;
  for (int i = 0; item->kind == ES_ITEM_GROUP && i < item->n; i++)
    size *= item_size(w, &item->items[i]);
  for (int i = 0; item->kind == ES_ITEM_CONCAT && i < item->n; i++)
    size += item_size(w, &item->items[i]);
  if (item->kind != ES_ITEM_AFFINE) return size;
  int64_t low = 0, high = 0; /* of an output: the windows' span, less the padding at both ends */
  for (int i = 0; i < item->n; i++) {
    int64_t c = total_coefficient(w, item, i);
    bool constant = is_constant(w, &item->terms[i]);
    es_name_id name = item->terms[i].name;
    int64_t value = name == ES_NO_NAME ? 1 : w->facts->size[name] - !constant;
    if (constant || c < 0) low += c * value;
    if (constant || c > 0) high += c * value;
  }
  size = high + 1 + (low < 0 ? low : 0);
  return size < 0 ? 0 : size;
}

static int64_t axis_size(const walk *w, axis a) {
  return a.item ? item_size(w, a.item) : *a.ellipsis;
}

int oracle_shape(const es_pattern *p, const oracle_facts *facts, int which, int64_t *shape) {
  walk w = {.p = p, .facts = facts};
  const es_term *out = &p->out[which];
  bool dots = false;
  for (int i = 0; i < out->n; i++) dots |= out->items[i].kind == ES_ITEM_ELLIPSIS;
  term t = expand(out, facts, dots ? out->n - 1 + facts->ellipsis_rank : out->n);
  for (int i = 0; i < t.n; i++) shape[i] = axis_size(&w, t.axis[i]);
  return t.n;
}

/* ---- labels ---------------------------------------------------------------------- */

static int find_label(const walk *w, const void *label) {
  int i = 0;
  while (i < w->n && w->label[i] != label) i++;
  return i;
}

static void add_label(walk *w, const void *label, int64_t size) {
  int i = find_label(w, label);
  if (i == w->n) w->label[w->n++] = label, w->size[i] = size;
}

static bool holds(const es_item *item, es_name_id name) {
  if (item->kind == ES_ITEM_NAME) return item->name == name;
  for (int i = 0; i < item->n; i++)
    if (item->kind == ES_ITEM_AFFINE ? item->terms[i].name == name : holds(&item->items[i], name))
      return true;
  return false;
}

static bool term_holds(const es_term *t, es_name_id name) {
  for (int i = 0; i < t->n; i++)
    if (t->items[i].kind != ES_ITEM_CONCAT && holds(&t->items[i], name)) return true;
  return false;
}

static const es_item *joined(const es_term *t) {
  for (int i = 0; i < t->n; i++)
    if (t->items[i].kind == ES_ITEM_CONCAT) return &t->items[i];
  return NULL;
}

/* The part of a '^' that counts here: of the output by turn, of an input the one
 * whose name lives in this output. */
static int chosen(const walk *w, const es_item *item, const es_term *out) {
  if (item == joined(out)) return w->part;
  int c = 0;
  while (c + 1 < item->n && !term_holds(out, item->items[c].name)) c++;
  return c;
}

static void add_item(walk *w, const es_item *item, const es_term *out) {
  switch (item->kind) {
  case ES_ITEM_NAME: add_label(w, w->p->names[item->name], w->facts->size[item->name]); break;
  case ES_ITEM_GROUP:
    for (int i = 0; i < item->n; i++) add_item(w, &item->items[i], out);
    break;
  case ES_ITEM_CONCAT: add_item(w, &item->items[chosen(w, item, out)], out); break;
  case ES_ITEM_AFFINE:
    for (int i = 0; i < item->n; i++)
      if (!is_constant(w, &item->terms[i]))
        add_label(w, w->p->names[item->terms[i].name], w->facts->size[item->terms[i].name]);
    break;
  default: add_label(w, item, item_size(w, item));
  }
}

/* ---- positions --------------------------------------------------------------------- */

static int64_t index_of(const walk *w, const void *label) { return w->index[find_label(w, label)]; }

static int64_t position(const walk *w, const es_item *item, const es_term *out) {
  int64_t at = 0;
  switch (item->kind) {
  case ES_ITEM_NAME: return index_of(w, w->p->names[item->name]);
  case ES_ITEM_GROUP:
    for (int i = 0; i < item->n; i++)
      at = at * item_size(w, &item->items[i]) + position(w, &item->items[i], out);
    return at;
  case ES_ITEM_CONCAT: {
    int c = chosen(w, item, out);
    for (int i = 0; i < c; i++) at += item_size(w, &item->items[i]);
    return at + position(w, &item->items[c], out);
  }
  case ES_ITEM_AFFINE:
    for (int i = 0; i < item->n; i++) {
      const es_lin_term *t = &item->terms[i];
      int64_t value = t->name == ES_NO_NAME ? 1
                      : is_constant(w, t)   ? w->facts->size[t->name]
                                            : index_of(w, w->p->names[t->name]);
      at += coefficient(w, t) * value;
    }
    return at;
  default: return index_of(w, item);
  }
}

typedef enum sight { SEEN, FILLED, ABSENT, LEFT } sight;

/* Where a fill sends a position outside [0, n). */
static sight refill(const es_fill *fill, int64_t n, int64_t *at) {
  switch (fill->kind) {
  case ES_FILL_NONE: return LEFT;
  case ES_FILL_NUMBER: return fill->value == 0 ? ABSENT : FILLED;
  case ES_FILL_EDGE: *at = *at < 0 ? 0 : n - 1; break;
  case ES_FILL_WRAP: *at = (*at % n + n) % n; break;
  case ES_FILL_REFLECT: {
    int64_t period = n > 1 ? 2 * (n - 1) : 1;
    *at = (*at % period + period) % period;
    if (*at >= n) *at = period - *at;
    break;
  }
  }
  return SEEN;
}

/* An absent axis decides over a filled one: the point is not there at all. */
static sight read(const walk *w, const term *t, const oracle_array *in, const es_term *out,
                  double *value) {
  int64_t offset = 0;
  sight all = SEEN;
  for (int i = 0; i < t->n; i++) {
    int64_t n = in->shape[i];
    const es_item *item = t->axis[i].item;
    int64_t at = item ? position(w, item, out) : index_of(w, t->axis[i].ellipsis);
    if (n == 1 && (!item || item->kind == ES_ITEM_NAME)) at = 0; /* stretched */
    if (at < 0 || at >= n) {
      sight s = refill(&item->fill, n, &at);
      if (s == FILLED) *value = item->fill.value;
      if (s > all) all = s;
    }
    offset = offset * n + at;
  }
  if (all == SEEN) *value = in->value[offset];
  return all;
}

/* ---- arithmetic ---------------------------------------------------------------------- */

static double combine(es_inner inner, double a, double b) {
  switch (inner) {
  case ES_INNER_MUL: return a * b;
  case ES_INNER_ADD: return a + b;
  case ES_INNER_MAX: return a > b ? a : b;
  case ES_INNER_MIN: return a < b ? a : b;
  case ES_INNER_AND: return a != 0 && b != 0;
  case ES_INNER_OR: return a != 0 || b != 0;
  }
  return 0;
}

static double reduce(es_reducer r, double acc, double v) {
  switch (r) {
  case ES_REDUCE_PROD: return acc * v;
  case ES_REDUCE_MAX: return acc > v ? acc : v;
  case ES_REDUCE_MIN: return acc < v ? acc : v;
  case ES_REDUCE_ANY: return acc != 0 || v != 0;
  case ES_REDUCE_ALL: return acc != 0 && v != 0;
  case ES_REDUCE_LOGSUMEXP:
    if (acc == -INFINITY) return v;
    return fmax(acc, v) + log1p(exp(-fabs(acc - v)));
  default: return acc + v;
  }
}

static double identity(es_reducer r) {
  return r == ES_REDUCE_PROD || r == ES_REDUCE_ALL        ? 1
         : r == ES_REDUCE_MAX || r == ES_REDUCE_LOGSUMEXP ? -INFINITY
         : r == ES_REDUCE_MIN                             ? INFINITY
                                                          : 0;
}

/* ---- the walk ------------------------------------------------------------------------- */

typedef struct target {
  es_reducer reducer;
  oracle_array *out;
  term term;
  int64_t *points; /* absent ones counted, for mean */
} target;

static oracle_result one_point(const walk *w, const es_term *out, target *to, const term *in,
                               const bool *used, const oracle_array *arrays) {
  int64_t offset = 0;
  bool outside = false, absent = false, first = true;
  for (int i = 0; i < to->term.n; i++) {
    axis a = to->term.axis[i];
    int64_t at = a.item ? position(w, a.item, out) : index_of(w, a.ellipsis);
    outside |= at < 0 || at >= to->out->shape[i];
    offset = offset * to->out->shape[i] + at;
  }
  /* 'and' and 'or' of one operand are its truth: 0 or 1. */
  bool logic = w->p->inner == ES_INNER_AND || w->p->inner == ES_INNER_OR;
  double value = 1;
  for (int i = 0; i < w->p->n_in; i++) {
    double v = 0;
    sight s = used[i] ? read(w, &in[i], &arrays[i], out, &v) : SEEN;
    if (s == LEFT) return ORACLE_LEAVES;
    absent |= s == ABSENT;
    if (used[i])
      value = first ? (logic ? v != 0 : v) : combine(w->p->inner, value, v), first = false;
  }
  if (outside) return ORACLE_OK;
  to->points[offset]++;
  if (!absent) to->out->value[offset] = reduce(to->reducer, to->out->value[offset], value);
  return ORACLE_OK;
}

static bool step(walk *w) {
  int i = w->n;
  while (i-- > 0) {
    if (++w->index[i] < w->size[i]) return true;
    w->index[i] = 0;
  }
  return false;
}

static oracle_result one_part(walk *w, const es_term *out, target *to, const oracle_array *arrays) {
  term in[ORACLE_OPERANDS];
  bool used[ORACLE_OPERANDS], empty = false;
  const es_item *join = joined(out);
  for (int i = 0; i < w->p->n_in; i++) {
    in[i] = expand(&w->p->in[i], w->facts, arrays[i].rank);
    used[i] = true;
    for (int c = 0; join && c < join->n; c++)
      if (c != w->part && term_holds(&w->p->in[i], join->items[c].name)) used[i] = false;
    for (int a = 0; used[i] && a < in[i].n; a++) {
      axis x = in[i].axis[a];
      if (x.item)
        add_item(w, x.item, out);
      else
        add_label(w, x.ellipsis, *x.ellipsis);
    }
  }
  for (int a = 0; a < to->term.n; a++) {
    axis x = to->term.axis[a];
    if (x.item)
      add_item(w, x.item, out);
    else
      add_label(w, x.ellipsis, *x.ellipsis);
  }
  for (int i = 0; i < w->n; i++) empty |= w->size[i] == 0;
  if (empty) return ORACLE_OK;
  do {
    oracle_result r = one_point(w, out, to, in, used, arrays);
    if (r != ORACLE_OK) return r;
  } while (step(w));
  return ORACLE_OK;
}

oracle_result oracle_eval(const es_pattern *p, const oracle_facts *facts, es_reducer reducer,
                          int which, const oracle_array *in, oracle_array *out) {
  const es_term *term_out = &p->out[which];
  target to = {.reducer = p->reducer != ES_REDUCE_NONE ? p->reducer : reducer, .out = out};
  if (to.reducer == ES_REDUCE_NONE) to.reducer = ES_REDUCE_SUM;
  out->rank = oracle_shape(p, facts, which, out->shape);
  to.term = expand(term_out, facts, out->rank);
  int64_t count = 1;
  for (int i = 0; i < out->rank; i++) count *= out->shape[i];
  to.points = calloc((size_t)count + 1, sizeof *to.points);
  for (int64_t i = 0; i < count; i++) out->value[i] = identity(to.reducer);
  const es_item *join = joined(term_out);
  oracle_result result = ORACLE_OK;
  for (int part = 0; part < (join ? join->n : 1) && result == ORACLE_OK; part++) {
    walk w = {.p = p, .facts = facts, .part = part};
    result = one_part(&w, term_out, &to, in);
  }
  bool extreme = to.reducer == ES_REDUCE_MAX || to.reducer == ES_REDUCE_MIN;
  for (int64_t i = 0; i < count && result == ORACLE_OK; i++) {
    if (extreme && isinf(out->value[i])) result = ORACLE_EMPTY;
    if (to.reducer == ES_REDUCE_MEAN) out->value[i] /= (double)to.points[i];
  }
  free(to.points);
  return result;
}
