/* Random small expressions of the whole grammar, evaluated by the engine and by the
 * oracle, compared to the bit. Numbers come from a seed, or first from given bytes,
 * so that a fuzzer steers them. */
#ifndef TESTS_SUPPORT_EXPRESSIONS_H
#define TESTS_SUPPORT_EXPRESSIONS_H

#include "base/arena.h"
#include "tests/support/oracle.h"

enum { EXPR_NAMES = 6, EXPR_OPERANDS = 3, EXPR_VALUES = 1 << 15 };

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
  int64_t most; /* elements of an operand, and of the result; 0: EXPR_VALUES */
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
  double unnamed;                     /* product of the axes without a name */
  es_axis_size sizes[EXPR_NAMES + 3]; /* some must be given, some may */
  const char *strategy;               /* NULL: the planner chooses */
} expr_maker;

typedef struct expr_tally {
  int64_t compared, leaves, empty, overflow, skipped, elements;
  char why[512]; /* what differed */
} expr_tally;

/* What the oracle says of one. */
typedef struct expr_meaning {
  es_arena arena;
  es_pattern *pattern;
  es_dtype dtype; /* of the result, by the rules of promotion */
  oracle_result result;
  bool exact; /* the result fits its type and the doubles of the oracle */
  int64_t count;
  oracle_array want;
  double values[EXPR_VALUES];
} expr_meaning;

unsigned expr_roll(expr_maker *m, unsigned sides); /* 0 … sides - 1 */
/* An expression and its operands. False: none that can be compared; make another. */
bool expr_make(expr_maker *m);
int64_t expr_most(const expr_maker *m); /* elements that an array may have */
/* Of the nest over all labels. least 1: of those on the way to it too, where one is empty. */
double expr_points(const expr_maker *m, double least);

/* False: skipped, for it has more points than max_points or is not defined throughout; or
 * does not parse, which t->why tells. expr_forget either way. */
bool expr_understand(expr_maker *m, double max_points, expr_meaning *e, expr_tally *t);
void expr_forget(expr_meaning *e);
/* Its operands, in the current scope; and what the engine makes of them, by m->strategy.
 * NULL: the error sticks. */
void expr_operands(es_ctx *ctx, const expr_maker *m, es_tensor **in);
es_tensor *expr_run(es_ctx *ctx, const expr_maker *m, es_tensor *const *in);
es_tensor *expr_compute(es_ctx *ctx, const expr_maker *m); /* both */
/* Whether a result, or the error that sticks, is what it must be. False: t->why. */
bool expr_judge(es_ctx *ctx, const expr_maker *m, const expr_meaning *e, const es_tensor *got,
                expr_tally *t);
/* All of it in a scope of its own. False: t->why says where they differ. max_points: above,
 * the expression is skipped. */
bool expr_compare(es_ctx *ctx, expr_maker *m, double max_points, expr_tally *t);

#endif
