/* The tree of a pattern. Text and spans, no shapes. Immutable once parsed. */
#ifndef ES_LEXER_AST_H
#define ES_LEXER_AST_H

#include "base/arena.h"
#include "base/error.h"

/* Names are interned: equal names have equal ids. */
typedef int32_t es_name_id;
enum { ES_NO_NAME = -1 };

typedef enum es_item_kind {
  ES_ITEM_NAME,     /* h */
  ES_ITEM_ANY,      /* _ : an axis of its own, never bound to another */
  ES_ITEM_INT,      /* 3 : an axis of its own with that size */
  ES_ITEM_ELLIPSIS, /* ... or name... */
  ES_ITEM_GROUP,    /* (a b), () when empty (a unit axis); nests */
  ES_ITEM_AFFINE,   /* (2*ho+kh-1) */
  ES_ITEM_CONCAT,   /* (x ^ y) */
  ES_ITEM_STAR      /* * of pack and unpack */
} es_item_kind;

typedef enum es_fill_kind {
  ES_FILL_NONE = 0, /* no '?' */
  ES_FILL_NUMBER,   /* ?0 is absent from the reduction; other numbers are read */
  ES_FILL_EDGE,
  ES_FILL_WRAP,
  ES_FILL_REFLECT
} es_fill_kind;

typedef struct es_fill {
  es_fill_kind kind;
  double value; /* NUMBER */
  es_span span; /* from '?' on */
} es_fill;

/* coef * param * name. A term without a name is a constant (or a parameter). A
 * bare name may still turn out to be a parameter: only the axes stage knows. */
typedef struct es_lin_term {
  int64_t coef;     /* with its sign; never 0 unless the text says 0 */
  es_name_id param; /* the PARAM before '*', or ES_NO_NAME */
  es_name_id name;  /* ES_NO_NAME: constant */
  es_span span;     /* of the product, without its sign */
  es_span name_span;
} es_lin_term;

typedef struct es_item es_item;
struct es_item {
  es_item_kind kind;
  es_span span;       /* parentheses and fill included */
  es_name_id name;    /* NAME; named ELLIPSIS, else ES_NO_NAME */
  int64_t value;      /* INT */
  es_fill fill;       /* AFFINE; a GROUP of one name may carry one too: (h)?0 */
  int n;              /* GROUP, CONCAT: parts; AFFINE: terms */
  es_item *items;     /* GROUP, CONCAT */
  es_lin_term *terms; /* AFFINE */
};

typedef struct es_term {
  es_span span; /* length 0 for an empty term; offset is where it would stand */
  int n;
  es_item *items;
} es_term;

typedef enum es_inner {
  ES_INNER_MUL = 0, /* values of the operands are multiplied at a point */
  ES_INNER_ADD,
  ES_INNER_MAX,
  ES_INNER_MIN,
  ES_INNER_AND,
  ES_INNER_OR
} es_inner;

typedef struct es_pattern {
  const char *text; /* copied into the arena, NUL-terminated */
  size_t len;
  es_kind kind;
  es_reading reading; /* LETTERS or NAMES, never AUTO */
  bool reading_given; /* by the caller, or by kind: not by the text */
  bool has_arrow;
  es_span arrow;
  int n_in, n_out; /* terms; n_out is 0 without an arrow */
  es_term *in, *out;
  es_reducer reducer; /* NONE: the text names none */
  es_inner inner;
  bool inner_given;
  es_span reducer_span;
  int n_names;
  const char **names;  /* by id, NUL-terminated */
  es_span *name_spans; /* first place of each */
} es_pattern;

/* Parses text[0..len) into arena. On failure fills *error; *out is then NULL.
 * Checks all that needs neither shapes nor the meaning of a name: L1-L7 and the
 * shape of pack patterns (S14). Time and memory are linear in len. */
es_status es_parse(es_arena *arena, es_kind kind, const char *text, size_t len, es_reading reading,
                   es_pattern **out, es_error *error);
/* The canonical text: one blank between axes, ", " between terms, " -> ". In the
 * reading of the pattern. Contract of es_error_render. */
size_t es_pattern_print(const es_pattern *pattern, char *buf, size_t cap);
/* Tree as indented text, spans included ('a' of es_dump); token list ('t'). */
size_t es_pattern_dump(const es_pattern *pattern, char *buf, size_t cap);
size_t es_tokens_dump(const char *text, size_t len, char *buf, size_t cap);
bool es_pattern_equal(const es_pattern *a, const es_pattern *b); /* spans aside */

#endif
