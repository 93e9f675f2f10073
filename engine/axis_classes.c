#include "engine/axis_classes.h"

int32_t *es_axis_new(es_axis_classes *k, int n) {
  int32_t *axis = ES_NEW_N(k->arena, int32_t, n);
  for (int i = 0; axis && i < n; i++) {
    es_axis_class *all = es_arena_grow(k->arena, k->axis, k->n, &k->room, sizeof *all);
    if (!all) return NULL;
    k->axis = all;
    axis[i] = k->n++;
    all[axis[i]] = (es_axis_class){.up = axis[i]};
  }
  return axis;
}

static es_axis_class *root(es_axis_classes *k, int32_t axis) {
  es_axis_class *all = k->axis;
  while (all[axis].up != axis) axis = all[axis].up = all[all[axis].up].up;
  return &all[axis];
}

void es_axis_call(es_axis_classes *k, int32_t axis, es_axis_origin origin, const char *name) {
  es_axis_class *c = root(k, axis);
  if (origin <= c->origin) return;
  c->origin = origin;
  c->name = name;
}

void es_axis_tie(es_axis_classes *k, int32_t a, int32_t b) {
  es_axis_class *first = root(k, a), *second = root(k, b);
  if (first == second) return;
  es_axis_class *kept = first->up < second->up ? first : second,
                *other = kept == first ? second : first;
  es_axis_call(k, kept->up, other->origin, other->name);
  other->up = kept->up;
}

const es_axis_class *es_axis_class_of(es_axis_classes *k, int32_t axis) { return root(k, axis); }
