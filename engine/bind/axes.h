/* The axis table: every label of an expression, and how each term sees it. Knows
 * names, ranks and the sizes the caller gave; solves nothing. */
#ifndef ES_ENGINE_AXES_H
#define ES_ENGINE_AXES_H

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

/* Reads the pattern against the ranks of the operands: counts (S11), names (S1 to
 * S5, S10), ranks (S6). Of in, rank and shape are read. */
es_status es_axes_build(es_arena *arena, const es_pattern *pattern, const es_array *in, int64_t n,
                        const es_axis_size *sizes, es_axes **axes, es_error *error);

/* ---- the steps of es_axes_build that stand in files of their own ---------- */

/* Places of every name, the sizes given, and with both what is a parameter. */
es_status es_names_read(es_arena *arena, es_axes *axes, const es_axis_size *sizes, es_error *error);
/* S1-S5 and S11, by kind: the rules that need no ranks. */
es_status es_names_check(es_arena *arena, const es_axes *axes, es_error *error);
/* S6 for an operand whose rank its term cannot have. */
es_status es_axes_rank_error(const es_axes *axes, const es_array *in, int64_t n, int operand,
                             int named, bool at_least, es_error *error);

/* ---- words for errors ------------------------------------------------------- */

/* A piece of the pattern as the user wrote it, escaped and cut to fit. */
typedef struct es_words {
  char text[96];
} es_words;
es_words es_words_span(const es_pattern *pattern, es_span span);
es_words es_words_text(const char *text);
typedef struct es_words_of_shape {
  char text[160];
} es_words_of_shape;
es_words_of_shape es_words_shape(int rank, const int64_t *shape);
/* The name nearest to name among those with all of the places; NULL when none is
 * near enough to be what was meant. */
const char *es_names_nearest(const es_axes *axes, const char *name, unsigned places);

#endif
