#include "support/bound_eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bind/axes.h"
#include "engine/bind/bind.h"

/* ---- cases ------------------------------------------------------------------------ */

static void read_shapes(bound_case *c, const char *shapes) {
  while (*shapes) {
    es_array *a = &c->in[c->n];
    *a = (es_array){.dtype = ES_F64, .shape = c->shape[c->n]};
    if (*shapes == '-') shapes++;
    while (*shapes && *shapes != ' ') {
      char *end;
      c->shape[c->n][a->rank++] = strtoll(shapes, &end, 10);
      shapes = *end == ',' ? end + 1 : end;
    }
    while (*shapes == ' ') shapes++;
    c->n++;
  }
}

static int64_t count_of(int rank, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  return n;
}

static void fill_data(bound_case *c) {
  for (int i = 0; i < c->n; i++) {
    int64_t count = count_of(c->in[i].rank, c->in[i].shape);
    c->data[i] = malloc((size_t)(count + 1) * sizeof(double));
    for (int64_t k = 0; k < count; k++) c->data[i][k] = (double)((k * 7 + i * 3) % 11 + 1);
  }
}

void bound_open(bound_case *c, es_kind kind, const char *text, const char *shapes,
                const char *sizes, const es_options *options) {
  memset(c, 0, sizeof *c);
  es_allocator a = es_allocator_default();
  es_arena_init(&c->arena, &a);
  read_shapes(c, shapes);
  es_axis_size list[16] = {{0}};
  char copy[512];
  snprintf(copy, sizeof copy, "%s", sizes);
  int n = 0;
  for (char *at = strtok(copy, " "); at; at = strtok(NULL, " ")) {
    char *equals = strchr(at, '=');
    *equals = 0;
    list[n++] = (es_axis_size){at, strtoll(equals + 1, NULL, 10)};
  }
  es_options o = options ? *options : (es_options){0};
  o.sizes = list;
  c->status = es_parse(&c->arena, kind, text, strlen(text), o.reading, &c->pattern, &c->error);
  if (c->status == ES_OK)
    c->status = es_bind(&c->arena, c->pattern, c->in, c->n, NULL, &o, &c->bound, &c->error);
  if (c->status == ES_OK) fill_data(c);
}

void bound_close(bound_case *c) {
  for (int i = 0; i < c->n; i++) free(c->data[i]);
  es_arena_free(&c->arena);
}

/* ---- values ------------------------------------------------------------------------- */

static double identity(es_reducer r) {
  switch (r) {
  case ES_REDUCE_PROD:
  case ES_REDUCE_ALL: return 1;
  case ES_REDUCE_MAX: return -INFINITY;
  case ES_REDUCE_MIN: return INFINITY;
  default: return 0;
  }
}

static double reduce(es_reducer r, double a, double b) {
  switch (r) {
  case ES_REDUCE_PROD: return a * b;
  case ES_REDUCE_MAX: return a > b ? a : b;
  case ES_REDUCE_MIN: return a < b ? a : b;
  case ES_REDUCE_ANY: return a != 0 || b != 0;
  case ES_REDUCE_ALL: return a != 0 && b != 0;
  default: return a + b;
  }
}

static double combine(es_inner inner, double a, double b) {
  return inner == ES_INNER_ADD ? a + b : inner == ES_INNER_MAX ? (a > b ? a : b) : a * b;
}

static int64_t source_index(const es_fill *f, int64_t i, int64_t n) {
  if (f->kind == ES_FILL_EDGE) return i < 0 ? 0 : n - 1;
  if (f->kind == ES_FILL_WRAP) return ((i % n) + n) % n;
  if (n == 1) return 0;
  int64_t period = 2 * (n - 1), m = ((i % period) + period) % period;
  return m < n ? m : period - m;
}

static bool next(int n, const int64_t *extent, int64_t *index) {
  for (int i = n; i-- > 0;) {
    if (++index[i] < extent[i]) return true;
    index[i] = 0;
  }
  return false;
}

/* ---- by parts -------------------------------------------------------------------------- */

static double *pad(const es_padded *p, const double *from) {
  int64_t extent[64], index[64] = {0}, at = 0;
  for (int i = 0; i < p->rank; i++) extent[i] = p->low[i] + p->extent[i] + p->high[i];
  int64_t count = count_of(p->rank, extent);
  double *out = malloc((size_t)(count + 1) * sizeof *out);
  if (count) do {
      int64_t offset = 0;
      double value = NAN;
      for (int i = 0; i < p->rank; i++) {
        int64_t k = index[i] - p->low[i];
        bool inside = k >= 0 && k < p->extent[i];
        if (!inside && p->fill[i].kind == ES_FILL_NUMBER) value = p->fill[i].value;
        offset += p->stride[i] * (inside || p->fill[i].kind == ES_FILL_NUMBER
                                      ? k
                                      : source_index(&p->fill[i], k, p->extent[i]));
      }
      out[at++] = isnan(value) ? from[offset] : value;
    } while (next(p->rank, extent, index));
  return out;
}

typedef struct part_run {
  const es_bound *bound;
  const es_part *part;
  const double *const *data;
  int n, n_out;
  int32_t label[256];
  int64_t extent[256];
  int64_t value[4096]; /* by label */
} part_run;

static void see(part_run *r, const int32_t *label, int n) {
  for (int i = 0; i < n; i++) {
    bool known = false;
    for (int k = 0; k < r->n; k++) known |= r->label[k] == label[i];
    if (known) continue;
    r->extent[r->n] = r->bound->label[label[i]].extent;
    r->label[r->n++] = label[i];
  }
}

static int64_t at(const part_run *r, int64_t offset, int n, const int32_t *label,
                  const int64_t *coef) {
  for (int i = 0; i < n; i++) offset += coef[i] * r->value[label[i]];
  return offset;
}

static bool present(const part_run *r) {
  for (int i = 0; i < r->part->n_constraints; i++) {
    const es_label_constraint *c = &r->part->constraint[i];
    int64_t v = at(r, c->base, c->n, c->label, c->coef);
    if (v < 0 || v >= c->extent) return false;
  }
  return true;
}

static double element(part_run *r) {
  double sum = identity(r->bound->reduce);
  int64_t index[256] = {0};
  for (int i = r->n_out; i < r->n; i++)
    if (r->extent[i] == 0) return sum;
  do {
    for (int i = r->n_out; i < r->n; i++) r->value[r->label[i]] = index[i];
    if (!present(r)) continue;
    double v = 0;
    for (int i = 0; i < r->part->n_in; i++) {
      const es_walk *w = &r->part->in_walk[i];
      double x = r->data[r->part->in[i]][at(r, w->offset, w->n, w->label, w->stride)];
      v = i ? combine(r->bound->combine, v, x) : x;
    }
    sum = reduce(r->bound->reduce, sum, v);
  } while (next(r->n - r->n_out, r->extent + r->n_out, index + r->n_out));
  return r->bound->reduce == ES_REDUCE_MEAN ? sum / r->part->mean_count : sum;
}

static void run_part(const bound_case *c, const es_part *p, const double *const *data, double *out,
                     bool *written) {
  part_run r = {.bound = c->bound, .part = p, .data = data};
  see(&r, p->out_walk.label, p->out_walk.n);
  r.n_out = r.n;
  for (int i = 0; i < p->n_in; i++) see(&r, p->in_walk[i].label, p->in_walk[i].n);
  int known = r.n;
  for (int i = 0; i < p->n_constraints; i++) see(&r, p->constraint[i].label, p->constraint[i].n);
  if (r.n != known) abort(); /* a constraint with a label that nothing walks */
  int64_t index[256] = {0};
  for (int i = 0; i < r.n_out; i++)
    if (r.extent[i] == 0) return;
  do {
    for (int i = 0; i < r.n_out; i++) r.value[r.label[i]] = index[i];
    const es_walk *w = &p->out_walk;
    int64_t to = at(&r, w->offset, w->n, w->label, w->stride);
    out[to] = written[to] ? NAN : element(&r);
    written[to] = true;
  } while (next(r.n_out, r.extent, index));
}

double *bound_by_parts(const bound_case *c, int output, int64_t *count) {
  const es_output *o = &c->bound->out[output];
  *count = count_of(o->rank, o->shape);
  double *out = malloc((size_t)(*count + 1) * sizeof *out), *padded[8] = {0};
  bool *written = calloc((size_t)(*count + 1), 1);
  const double *data[8];
  for (int64_t i = 0; i < *count; i++) out[i] = o->fill_first ? identity(c->bound->reduce) : NAN;
  for (int i = 0; i < c->n; i++) {
    if (c->bound->padded[i]) padded[i] = pad(c->bound->padded[i], c->data[i]);
    data[i] = padded[i] ? padded[i] : c->data[i];
  }
  for (int i = 0; i < c->bound->n_parts; i++)
    if (c->bound->part[i].output == output) run_part(c, &c->bound->part[i], data, out, written);
  for (int i = 0; i < c->n; i++) free(padded[i]);
  free(written);
  return out;
}

/* ---- by meaning ---------------------------------------------------------------------------- */

/* Index of the node at the label values; false where the point is absent. *value
 * is set where a fill number is read instead of an element. */
static bool index_of(const es_bound *b, const es_node *node, const int64_t *value, int64_t *index,
                     double *number) {
  if (node->kind == ES_NODE_LABEL) {
    *index = value[node->var];
    return true;
  }
  if (node->kind == ES_NODE_GROUP) {
    *index = 0;
    for (int i = 0; i < node->n; i++) {
      int64_t k;
      if (!index_of(b, &node->child[i], value, &k, number)) return false;
      *index = *index * b->size[node->child[i].var] + k;
    }
    return true;
  }
  const es_affine *a = node->affine;
  int64_t k = a->constant, n = b->size[node->var];
  for (int i = 0; i < a->n; i++) k += a->coef[i] * value[a->label[i]];
  *index = k;
  if (k >= 0 && k < n) return true;
  if (a->fill.kind == ES_FILL_NONE || (a->fill.kind == ES_FILL_NUMBER && a->fill.value == 0))
    return false;
  if (a->fill.kind == ES_FILL_NUMBER) {
    *number = a->fill.value;
    *index = 0;
  } else {
    *index = source_index(&a->fill, k, n);
  }
  return true;
}

static bool offset_of(const es_bound *b, const es_axis_term *t, const int64_t *shape,
                      const int64_t *value, int64_t *offset, double *number) {
  *offset = 0;
  for (int i = 0; i < t->n; i++) {
    int64_t k;
    if (!index_of(b, &t->node[i], value, &k, number)) return false;
    if (t->node[i].kind == ES_NODE_LABEL && shape[i] == 1) k = 0; /* stretched */
    *offset = *offset * shape[i] + k;
  }
  return true;
}

double *bound_by_meaning(const bound_case *c, int64_t *count) {
  const es_bound *b = c->bound;
  const es_output *o = &b->out[0];
  *count = count_of(o->rank, o->shape);
  double *out = malloc((size_t)(*count + 1) * sizeof *out);
  for (int64_t i = 0; i < *count; i++) out[i] = identity(b->reduce);
  int64_t index[256] = {0}, extent[256];
  int n = b->axes->n_labels;
  for (int i = 0; i < n; i++) {
    extent[i] = b->size[i];
    if (extent[i] == 0) return out;
  }
  do {
    int64_t offset, to;
    double v = 0, none;
    bool there = offset_of(b, &b->axes->out[0], o->shape, index, &to, &none);
    for (int i = 0; i < c->n && there; i++) {
      double number = NAN;
      there = offset_of(b, &b->axes->in[i], c->in[i].shape, index, &offset, &number);
      if (!there) break;
      double x = isnan(number) ? c->data[i][offset] : number;
      v = i ? combine(b->combine, v, x) : x;
    }
    if (there) out[to] = reduce(b->reduce, out[to], v);
  } while (next(n, extent, index));
  return out;
}
