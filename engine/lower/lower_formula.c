/* Bytes as a formula in the names of labels. Labels whose windows overlap share elements:
 * (2*h+k-2) of them, not h·k. */
#include <stdlib.h>

#include "base/text.h"
#include "engine/lower/nest.h"

/* Whether entry i comes before entry j: nearer, or as near and shorter. */
static bool before(const es_builder *b, const es_walk *walk, int i, int j) {
  int64_t at = llabs(walk->stride[i]), other = llabs(walk->stride[j]);
  return at < other || (at == other && b->extent[walk->label[i]] < b->extent[walk->label[j]]);
}

/* [walk->n] the entries that move, by ascending distance; *n of them. */
static int *by_distance(es_builder *b, const es_walk *walk, int *n) {
  int *order = ES_NEW_N(b->scratch, int, walk->n);
  *n = 0;
  for (int i = walk->n - 1; order && i >= 0; i--) { /* most come in falling order */
    if (walk->stride[i] == 0) continue;
    int at = (*n)++;
    for (; at > 0 && !before(b, walk, order[at - 1], i); at--) order[at] = order[at - 1];
    order[at] = i;
  }
  return order;
}

/* The step of the axis along which a label of this stride walks. */
static int64_t axis_step(const es_plan_slot *slot, int64_t stride) {
  int64_t step = 0;
  for (int a = 0; a < slot->rank; a++) {
    int64_t own = llabs(slot->strides[a]);
    if (slot->shape[a] > 1 && own <= llabs(stride) && own > step) step = own;
  }
  return step;
}

/* The number of entries from order[0] on that walk one window: each begins among the elements
 * of the same axis that those before it reach. */
static int window_of(const es_builder *b, const es_operand *o, const int *order, int n) {
  const es_walk *walk = &o->walk;
  const es_plan_slot *slot = &b->plan->slot[o->slot];
  if (walk->stride == slot->strides) return 1; /* an intermediate: a label each axis */
  int64_t step = llabs(walk->stride[order[0]]), axis = axis_step(slot, step);
  double reach = (double)b->extent[walk->label[order[0]]];
  for (int i = 1; i < n; i++) {
    int64_t stride = llabs(walk->stride[order[i]]);
    if (stride % step || axis_step(slot, stride) != axis) return i;
    double ratio = (double)(stride / step);
    if (ratio >= reach) return i;
    reach += ratio * (double)(b->extent[walk->label[order[i]]] - 1);
  }
  return n;
}

/* Most are one digit, for which printf takes longer than all the rest. */
static void put_number(es_text *t, uint64_t value) {
  if (value < 10)
    es_text_put(t, &"0123456789"[value], 1);
  else
    es_text_printf(t, "%llu", (unsigned long long)value);
}

/* "h", "(2*h+k-2)": the elements of n entries that walk one window. */
static void put_window(es_text *t, const es_builder *b, const es_walk *walk, const int *order,
                       int n) {
  uint64_t step = (uint64_t)llabs(walk->stride[order[0]]), least = 0;
  if (n > 1) es_text_puts(t, "(");
  for (int i = n - 1; i >= 0; i--) {
    uint64_t ratio = (uint64_t)llabs(walk->stride[order[i]]) / step;
    least += ratio;
    if (ratio > 1) {
      put_number(t, ratio);
      es_text_puts(t, "*");
    }
    es_text_puts(t, b->bound->label[walk->label[order[i]]].name);
    if (i) es_text_puts(t, "+");
  }
  if (n == 1) return;
  es_text_puts(t, "-");
  put_number(t, least - 1);
  es_text_puts(t, ")");
}

static bool put_operand(es_text *t, es_builder *b, const es_operand *o) {
  int n;
  size_t size = es_dtype_size(b->plan->slot[o->slot].dtype);
  int *order = by_distance(b, &o->walk, &n);
  if (!order) return false;
  if (size > 1 || !n) put_number(t, (uint64_t)size);
  if (size > 1 && n) es_text_puts(t, "·");
  int *begin = ES_NEW_N(b->scratch, int, n), windows = 0;
  if (!begin) return false;
  for (int next = 0; next < n; next += window_of(b, o, order + next, n - next))
    begin[windows++] = next;
  for (int w = windows, end = n; w-- > 0; end = begin[w]) { /* largest distance first */
    put_window(t, b, &o->walk, order + begin[w], end - begin[w]);
    if (w) es_text_puts(t, "·");
  }
  return true;
}

static bool put_bytes(es_text *t, es_builder *b, const void *of) {
  const es_nest *n = of;
  for (int i = 0; i < n->n_in; i++) {
    if (!put_operand(t, b, n->in[i])) return false;
    es_text_puts(t, " + ");
  }
  return put_operand(t, b, &n->out);
}

const char *es_builder_text(es_builder *b, es_builder_put *put, const void *of) {
  char shortly[1024]; /* nearly always enough, and first calls are counted in microseconds */
  es_text t = es_text_init(shortly, sizeof shortly);
  if (!put(&t, b, of)) return NULL;
  if (t.len < sizeof shortly) return es_arena_copy_text(&b->plan->arena, shortly, t.len);
  char *text = es_arena_array(&b->plan->arena, t.len + 1, 1);
  if (!text) return NULL;
  t = es_text_init(text, t.len + 1);
  return put(&t, b, of) ? text : NULL;
}

const char *es_builder_bytes_formula(es_builder *b, const es_nest *n) {
  return es_builder_text(b, put_bytes, n);
}
