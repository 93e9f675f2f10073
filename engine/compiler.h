/* What the files share that turn a program into a plan: what is known of its values, and the
 * steps in the making. */
#ifndef ES_ENGINE_COMPILER_H
#define ES_ENGINE_COMPILER_H

#include "engine/axis_classes.h"
#include "engine/lower/builder.h"
#include "lexer/program.h"

/* What is known of a node once its statement was read. */
typedef enum es_value_state {
  ES_VALUE_UNREAD,
  ES_VALUE_SCALAR, /* a number: it has no type of its own */
  ES_VALUE_ARRAY,  /* in a slot */
  ES_VALUE_PENDING /* elementwise, and not computed: it may become part of another step */
} es_value_state;

typedef struct es_value_of {
  es_value_state state;
  double number; /* SCALAR */
  bool integral;
  es_dtype dtype; /* ARRAY, PENDING */
  int rank;
  int64_t *shape, *strides; /* [rank] */
  const int32_t *axis;      /* [rank] its number among es_compiler.axes */
  int slot;                 /* ARRAY; -1: of a value that nothing needs */
  int64_t offset;           /* of element (0, …) in the slot */
  int ops, rows;            /* PENDING: operations and rows that computing it takes */
} es_value_of;

/* What an elementwise step reads or writes. */
typedef struct es_touch {
  int group;
  es_value_of value;
} es_touch;

/* The size an axis has throughout the program. */
typedef struct es_known_size {
  bool known, given, used;
  int64_t size;
  int32_t node; /* that fixed it; -1: the caller or the text */
} es_known_size;

typedef struct es_compiler {
  es_builder *b;
  const es_graph *program;
  const es_options *options;
  es_value_of *value;  /* [nodes] */
  es_value_of **parts; /* [nodes] of a pattern with several outputs, else NULL */
  bool *live;          /* [nodes] some result depends on it */
  int32_t *last_use;   /* [nodes] latest node that reads it; the number of nodes: a result */
  int32_t *result;     /* [nodes] first result it is, or -1 */
  es_names names;
  es_known_size *size; /* [size_room] by name */
  int size_room;
  es_axis_classes axes;
  es_touch *touch; /* [n_touches] group after group, what it writes last */
  int n_touches, touch_room;
} es_compiler;

/* Describes a new array of this shape in C order: the slot of a result where the node is
 * one, else an intermediate. */
es_status es_compiler_place(es_compiler *c, int32_t node, es_dtype dtype, int rank,
                            const int64_t *shape, es_value_of *value);
/* Sets dtype, rank, and a shape of its own in C order, with new axes. */
es_status es_compiler_describe(es_compiler *c, es_dtype dtype, int rank, const int64_t *shape,
                               es_value_of *value);
/* The words of a node that the steps to come compute. */
es_status es_compiler_group(es_compiler *c, const es_value_node *node, double points);
/* es_fail about a node, with the place in the text. */
es_status es_compiler_fail(es_compiler *c, const es_value_node *node, es_status status,
                           const char *fmt, ...) ES_PRINTF(4, 5);
/* The same for an error that is worded already. */
es_status es_compiler_blame(es_compiler *c, const es_value_node *node, es_status status);

#endif
