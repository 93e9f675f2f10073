/* The axis table and the views as text. */
#include <string.h>

#include "base/text.h"
#include "engine/bound.h"

static void print_walk(const es_bound *r, es_text *t, const es_walk *w) {
  es_text_printf(t, "offset %lld", (long long)w->offset);
  for (int i = 0; i < w->n; i++)
    es_text_printf(t, " %s:%lld", r->label[w->label[i]].name, (long long)w->stride[i]);
  es_text_puts(t, "\n");
}

static void print_labels(const es_bound *r, es_text *t) {
  for (int i = 0; i < r->n_labels; i++)
    es_text_printf(t, "%s %lld\n", r->label[i].name, (long long)r->label[i].extent);
}

static void print_views(const es_bound *r, es_text *t) {
  for (int i = 0; i < r->n_parts; i++) {
    const es_part *p = &r->part[i];
    es_text_printf(t, "part %d of output %d\n", i, p->output);
    for (int k = 0; k < p->n_in; k++) {
      es_text_printf(t, "  operand %d: ", p->in[k]);
      print_walk(r, t, &p->in_walk[k]);
    }
    es_text_puts(t, "  output: ");
    print_walk(r, t, &p->out_walk);
  }
}

size_t es_bound_print(const es_bound *r, const char *letters, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  if (strchr(letters, 'x')) print_labels(r, &t);
  if (strchr(letters, 'v')) print_views(r, &t);
  return t.len;
}
