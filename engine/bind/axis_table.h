/* The axis table: every label of an expression, and how each term sees it. */
#ifndef ES_ENGINE_AXIS_TABLE_H
#define ES_ENGINE_AXIS_TABLE_H

#include "base/arena.h"
#include "base/error.h"
#include "lexer/ast.h"

typedef enum es_node_kind {
  ES_NODE_LABEL,  /* one label */
  ES_NODE_GROUP,  /* (a b): row-major product of the children; () is 1 */
  ES_NODE_AFFINE, /* (2*ho+kh-1) */
  ES_NODE_CONCAT  /* (x ^ y): the children side by side */
} es_node_kind;

/* constant + sum coef[i] * index(label[i]); labels are distinct. */
typedef struct es_affine {
  int64_t constant;
  int n;
  int32_t *label;
  int64_t *coef;
  es_fill fill;
} es_affine;

/* An item of a term after the ellipses were written out. Every node has a size:
 * extent[var] of es_sizes. A label is its own variable, other nodes have one to
 * themselves, numbered after the labels. */
typedef struct es_node es_node;
struct es_node {
  es_node_kind kind;
  int32_t var;
  es_span span;
  int n; /* GROUP, CONCAT */
  es_node *child;
  es_affine *affine; /* AFFINE */
};

typedef struct es_axis_term {
  int n; /* the rank of the operand */
  es_node *node;
  es_span span;
} es_axis_term;

typedef struct es_axis_label {
  const char *name; /* "h", "3", "_", "...[0]" */
  es_span span;     /* first place in the text; length 0 when none shows it */
  int64_t fixed;    /* a number in the text; else -1 */
  int64_t given;    /* a size by the caller; else -1 */
  bool stretches;   /* from an ellipsis: size 1 meets any size */
} es_axis_label;

typedef enum es_name_role {
  ES_NAME_AXIS,
  ES_NAME_ELLIPSIS,
  ES_NAME_PARAM /* a number the caller gives; an axis nowhere */
} es_name_role;

typedef struct es_axis_name {
  es_name_role role;
  int32_t label;   /* AXIS; -1 before it is met */
  unsigned places; /* es_place bits */
  bool given;
  int64_t value; /* given by the caller */
  int uses;      /* occurrences in input terms */
} es_axis_name;

/* Where and how a name stands in the text. */
typedef enum es_place {
  ES_PLACE_IN = 1,      /* in some input term, as an axis */
  ES_PLACE_OUT = 2,     /* in some output term, as an axis */
  ES_PLACE_PLAIN = 4,   /* outside affine indices */
  ES_PLACE_SCALED = 8,  /* 2*h: certainly an axis */
  ES_PLACE_MINUS = 16,  /* -h in an affine index */
  ES_PLACE_PLUS = 32,   /* h in an affine index */
  ES_PLACE_FACTOR = 64, /* s of s*h: certainly a parameter */
  ES_PLACE_ELLIPSIS = 128,
  ES_PLACE_OFFSET = 256 /* beside a negative axis: (h-kh+K-1) */
} es_place;

typedef struct es_axes {
  const es_pattern *pattern;
  int n_labels;
  int n_vars; /* labels, then the other nodes; variables between the two are unused */
  int first_node_var;
  es_axis_label *label;
  es_axis_name *name; /* [pattern->n_names] */
  int n_in, n_out;
  es_axis_term *in, *out;
  bool implicit; /* the output was not written */
} es_axes;

#endif
