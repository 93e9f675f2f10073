/* Random small expressions of the whole grammar, evaluated by the engine and by the
 * oracle, compared to the bit. Numbers come from a seed, or first from given bytes,
 * so that a fuzzer steers them. */
#ifndef TESTS_SUPPORT_EXPRESSIONS_H
#define TESTS_SUPPORT_EXPRESSIONS_H

#include "tests/support/oracle.h"

enum { EXPR_NAMES = 6, EXPR_OPERANDS = 3, EXPR_VALUES = 1 << 14 };

/* How a name has been written so far, for the rule that tells parameters (section
 * 'Parameters' of the manual): a size is given only where it changes nothing. */
typedef struct expr_label {
  int64_t size;
  bool in_input, in_output, plain_input, plain, scaled, negative, beside_negative;
} expr_label;

typedef struct expr_maker {
  const uint8_t *bytes; /* [left] dice thrown already; then state decides */
  size_t left;
  uint64_t state;
  char text[1024];
  size_t n;
  expr_label label[EXPR_NAMES];
  int n_in;
  es_dtype dtype[EXPR_OPERANDS];
  oracle_array in[EXPR_OPERANDS];
  double values[EXPR_OPERANDS][EXPR_VALUES];
  int ellipsis_rank;
  int64_t ellipsis[ORACLE_ELLIPSIS];
  bool has_s, has_p;  /* parameters: s = 2 a factor, p = 1 subtracted */
  bool letters;       /* the reading */
  bool dots;          /* some input has an ellipsis */
  bool diagonal_gaps; /* elements of the output that no point writes may exist */
  bool output_index;
  es_axis_size sizes[EXPR_NAMES + 3];
  const char *strategy; /* NULL: the planner chooses */
} expr_maker;

typedef struct expr_tally {
  int compared, leaves, empty, overflow, skipped, elements;
  char why[512]; /* what differed */
} expr_tally;

unsigned expr_roll(expr_maker *m, unsigned sides); /* 0 … sides - 1 */
/* An expression and its operands. False: none that can be compared; make another. */
bool expr_make(expr_maker *m);
/* What the engine makes of it: tensors of the current scope; NULL: the error sticks. */
es_tensor *expr_compute(es_ctx *ctx, const expr_maker *m);
/* Engine against oracle. False: t->why says where they differ. max_points: above, the
 * expression is skipped. */
bool expr_compare(es_ctx *ctx, expr_maker *m, double max_points, expr_tally *t);

#endif
