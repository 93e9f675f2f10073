/* The canonical text of a pattern, and equality. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "lexer/parser.h"

/* ---- canonical text ---------------------------------------------------------- */

static void print_items(es_text *t, const es_pattern *p, const es_item *items, int n,
                        const char *between);

/* A product alone in its parenthesis must not print as (h), a group, or (0), a
 * size; the text was (1*h) or (-0). */
static void print_product(es_text *t, const es_pattern *p, const es_lin_term *term, bool first,
                          bool alone) {
  bool plain = alone && term->param == ES_NO_NAME;
  bool negative = term->coef < 0 || (plain && term->name == ES_NO_NAME);
  uint64_t size = term->coef < 0 ? 0 - (uint64_t)term->coef : (uint64_t)term->coef;
  es_text_puts(t, negative ? "-" : first ? "" : "+");
  bool factor = term->name == ES_NO_NAME || size != 1 || (plain && !negative);
  if (factor) es_text_printf(t, "%" PRIu64, size);
  if (term->param != ES_NO_NAME) es_text_puts(t, p->names[term->param]);
  if (term->name != ES_NO_NAME)
    es_text_printf(t, "%s%s", factor || term->param != ES_NO_NAME ? "*" : "", p->names[term->name]);
}

static void print_fill(es_text *t, const es_fill *fill) {
  char number[32];
  switch (fill->kind) {
  case ES_FILL_NUMBER:
    es_format_double(fill->value, false, number);
    es_text_printf(t, "?%s", number);
    break;
  case ES_FILL_EDGE: es_text_puts(t, "?edge"); break;
  case ES_FILL_WRAP: es_text_puts(t, "?wrap"); break;
  case ES_FILL_REFLECT: es_text_puts(t, "?reflect"); break;
  case ES_FILL_NONE:
  default: break;
  }
}

static void print_item(es_text *t, const es_pattern *p, const es_item *item) {
  switch (item->kind) {
  case ES_ITEM_NAME: es_text_puts(t, p->names[item->name]); break;
  case ES_ITEM_ANY: es_text_puts(t, "_"); break;
  case ES_ITEM_INT: es_text_printf(t, "%" PRId64, item->value); break;
  case ES_ITEM_STAR: es_text_puts(t, "*"); break;
  case ES_ITEM_ELLIPSIS:
    es_text_printf(t, "%s...", item->name == ES_NO_NAME ? "" : p->names[item->name]);
    break;
  case ES_ITEM_GROUP:
  case ES_ITEM_CONCAT:
    es_text_puts(t, "(");
    print_items(t, p, item->items, item->n, item->kind == ES_ITEM_GROUP ? " " : " ^ ");
    es_text_puts(t, ")");
    break;
  case ES_ITEM_AFFINE:
  default:
    es_text_puts(t, "(");
    for (int i = 0; i < item->n; i++) print_product(t, p, &item->terms[i], i == 0, item->n == 1);
    es_text_puts(t, ")");
    break;
  }
  print_fill(t, &item->fill);
}

static void print_items(es_text *t, const es_pattern *p, const es_item *items, int n,
                        const char *between) {
  for (int i = 0; i < n; i++) {
    if (i) es_text_puts(t, between);
    print_item(t, p, &items[i]);
  }
}

static void print_terms(es_text *t, const es_pattern *p, const es_term *terms, int n) {
  for (int i = 0; i < n; i++) {
    if (i) es_text_puts(t, terms[i].n ? ", " : ",");
    print_items(t, p, terms[i].items, terms[i].n, p->reading == ES_READ_LETTERS ? "" : " ");
  }
}

static const char *inner_text(es_inner inner) {
  static const char *const text[] = {"*", "+", "max", "min", "and", "or"};
  return text[inner];
}

static void print_reducer(es_text *t, const es_pattern *p) {
  const char *outer = es_reducer_name(p->reducer);
  if (p->inner_given)
    es_text_printf(t, "| (%s, %s)", outer, inner_text(p->inner));
  else
    es_text_printf(t, "| %s", outer);
}

size_t es_pattern_print(const es_pattern *p, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  print_terms(&t, p, p->in, p->n_in);
  if (p->has_arrow) {
    es_text_puts(&t, t.len ? " ->" : "->");
    if (p->n_out > 1 || p->out[0].n) es_text_puts(&t, " ");
    print_terms(&t, p, p->out, p->n_out);
  }
  if (p->reducer != ES_REDUCE_NONE) {
    if (t.len) es_text_puts(&t, " ");
    print_reducer(&t, p);
  }
  return t.len;
}

/* ---- equality ------------------------------------------------------------------ */

/* Ids are given in order of appearance, so equal trees have equal ids; only the
 * spellings are left to compare, once (es_pattern_equal). */
static bool equal_item(const es_item *x, const es_item *y) {
  if (x->kind != y->kind || x->name != y->name || x->value != y->value || x->n != y->n)
    return false;
  if (x->fill.kind != y->fill.kind || x->fill.value != y->fill.value) return false;
  for (int i = 0; i < x->n; i++) {
    if (x->kind != ES_ITEM_AFFINE) {
      if (!equal_item(&x->items[i], &y->items[i])) return false;
      continue;
    }
    const es_lin_term *u = &x->terms[i], *v = &y->terms[i];
    if (u->coef != v->coef || u->param != v->param || u->name != v->name) return false;
  }
  return true;
}

static bool equal_terms(const es_term *x, const es_term *y, int n) {
  for (int i = 0; i < n; i++) {
    if (x[i].n != y[i].n) return false;
    for (int k = 0; k < x[i].n; k++)
      if (!equal_item(&x[i].items[k], &y[i].items[k])) return false;
  }
  return true;
}

bool es_pattern_equal(const es_pattern *a, const es_pattern *b) {
  if (a->kind != b->kind || a->reading != b->reading || a->has_arrow != b->has_arrow) return false;
  if (a->reducer != b->reducer || a->inner != b->inner || a->inner_given != b->inner_given)
    return false;
  if (a->n_in != b->n_in || a->n_out != b->n_out || a->n_names != b->n_names) return false;
  for (int i = 0; i < a->n_names; i++)
    if (strcmp(a->names[i], b->names[i]) != 0) return false;
  return equal_terms(a->in, b->in, a->n_in) && equal_terms(a->out, b->out, a->n_out);
}
