/* Axes of values that have one size, and what to call them. */
#ifndef ES_ENGINE_AXIS_CLASSES_H
#define ES_ENGINE_AXIS_CLASSES_H

#include "base/arena.h"

/* Where the name of an axis comes from; a later one is better. */
typedef enum es_axis_origin {
  ES_AXIS_NAMELESS,
  ES_AXIS_OF_INPUT, /* x.shape[0] */
  ES_AXIS_NUMBER,   /* a size that stands in a pattern */
  ES_AXIS_NAMED     /* by a pattern */
} es_axis_origin;

typedef struct es_axis_class {
  int32_t up; /* itself, or an axis of the same size */
  es_axis_origin origin;
  const char *name;
} es_axis_class;

typedef struct es_axis_classes {
  es_arena *arena;
  int n, room;
  es_axis_class *axis; /* [n] */
} es_axis_classes;

/* The numbers of so many new axes, each alone; NULL: no memory. */
int32_t *es_axis_new(es_axis_classes *k, int n);
/* What axis is called, with all that are tied to it; of two names the first of the better origin
 * stays. name must live as long as k. */
void es_axis_call(es_axis_classes *k, int32_t axis, es_axis_origin origin, const char *name);
/* These two are one size. */
void es_axis_tie(es_axis_classes *k, int32_t a, int32_t b);
const es_axis_class *es_axis_class_of(es_axis_classes *k, int32_t axis);

#endif
