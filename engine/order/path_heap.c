#include "engine/order/path_heap.h"

static bool before(const es_candidate *x, const es_candidate *y) {
  if (x->score != y->score) return x->score < y->score;
  if (x->then != y->then) return x->then < y->then;
  if (x->a != y->a) return x->a < y->a;
  return x->b < y->b;
}

bool es_heap_push(es_heap *heap, es_candidate c) {
  es_candidate *item = es_arena_grow(heap->arena, heap->item, heap->n, &heap->cap, sizeof *item);
  if (!item) return false;
  heap->item = item;
  int at = heap->n++;
  for (; at && before(&c, &item[(at - 1) / 2]); at = (at - 1) / 2) item[at] = item[(at - 1) / 2];
  item[at] = c;
  return true;
}

es_candidate es_heap_pop(es_heap *heap) {
  es_candidate *item = heap->item, top = item[0], last = item[--heap->n];
  int at = 0;
  for (int child; (child = 2 * at + 1) < heap->n; at = child) {
    if (child + 1 < heap->n && before(&item[child + 1], &item[child])) child++;
    if (!before(&item[child], &last)) break;
    item[at] = item[child];
  }
  item[at] = last;
  return top;
}
