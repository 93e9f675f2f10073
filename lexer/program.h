/* A program: named statements in one text, read into a graph of values. Equal values
 * are one node. Text and spans, no shapes; immutable once parsed. */
#ifndef ES_LEXER_PROGRAM_H
#define ES_LEXER_PROGRAM_H

#include "lexer/ast.h"
#include "lexer/names.h"

typedef enum es_value_kind {
  ES_VALUE_INPUT,
  ES_VALUE_NUMBER,
  ES_VALUE_SIZE,    /* the size of an axis, as a number */
  ES_VALUE_PATTERN, /* x: b c, w: c o -> b o; its first output */
  ES_VALUE_OUTPUT,  /* another output of a pattern */
  ES_VALUE_UNARY,
  ES_VALUE_BINARY,
  ES_VALUE_FUNCTION
} es_value_kind;

/* Functions beside those of ES_UNARY_LIST and ES_BINARY_LIST.
 * X(NAME, name in a program, least and most operands, keyword or NULL, its default) */
/* clang-format off */
#define ES_FUNCTION_LIST(X) \
  X(SIGMOID, "sigmoid", 1, 1, NULL, 0) \
  X(SILU, "silu", 1, 1, NULL, 0) \
  X(GELU, "gelu", 1, 1, NULL, 0) \
  X(WHERE, "where", 3, 3, NULL, 0) \
  X(SOFTMAX, "softmax", 1, 1, "dim", -1) \
  X(LOG_SOFTMAX, "log_softmax", 1, 1, "dim", -1) \
  X(LAYER_NORM, "layer_norm", 1, 3, "eps", 1e-5) \
  X(RMS_NORM, "rms_norm", 1, 2, "eps", 1e-5)
/* clang-format on */

typedef enum es_function {
#define ES_X(name, ...) ES_FUNCTION_##name,
  ES_FUNCTION_LIST(ES_X)
#undef ES_X
      ES_FUNCTION_COUNT
} es_function;

typedef struct es_value_node {
  es_value_kind kind;
  int op;      /* UNARY, BINARY, FUNCTION: which; OUTPUT: which output of in[0] */
  int n_in;    /* operands: earlier nodes */
  int32_t *in; /* [n_in] */
  const char *name;
  double number; /* NUMBER; the keyword of a FUNCTION */
  bool integral; /* NUMBER */
  es_pattern *pattern;
  es_span span;       /* where it stands first; places in the pattern count from there */
  const char *target; /* what the statement around it names; "" for none */
  int uses;           /* by other nodes and as results */
  int elementwise;    /* those by UNARY, BINARY and elementwise FUNCTIONs */
  int32_t next;       /* of the same bucket */
} es_value_node;

typedef struct es_graph {
  const char *text; /* in the arena, NUL-terminated */
  size_t len;
  int n, n_in, n_out;
  es_value_node *node;   /* [n] operands before those who use them */
  int32_t *in, *out;     /* [n_in], in order of appearance; [n_out] the results */
  const char **out_name; /* [n_out] */
  int n_sizes;           /* statements NAME = INT */
  es_axis_size *size;    /* [n_sizes + 1], ended by {NULL, 0} */
} es_graph;

/* Parses text[0..len) into arena. On failure fills *error. */
es_status es_program_parse(es_arena *arena, const char *text, size_t len, es_reading reading,
                           es_graph **out, es_error *error);
/* Makes an error about a node's own text one about the program: places count from its
 * start, the message tells statement, line and column. Returns status; error may be NULL. */
es_status es_program_blame(const es_graph *program, const es_value_node *node, es_error *error,
                           es_status status);
/* The same for an error whose places already count from the start of the text. */
es_status es_program_place(const char *text, const char *target, es_error *error, es_status status);
/* Whether the node is computed element by element. */
bool es_value_elementwise(const es_value_node *node);
const char *es_value_name(const es_value_node *node); /* "add", "relu": of its operation */
/* Statement by statement as parsed: contract of es_error_render. */
size_t es_program_print(const es_graph *program, char *buf, size_t cap);

#endif
