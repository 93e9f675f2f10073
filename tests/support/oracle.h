/* The meaning of a pattern, spelled out: all values of all labels are tried. Knows
 * the tree (lexer/ast.h) and nothing of the engine. Small arrays only. */
#ifndef TESTS_SUPPORT_ORACLE_H
#define TESTS_SUPPORT_ORACLE_H

#include "lexer/ast.h"

enum { ORACLE_RANK = 16, ORACLE_LABELS = 48, ORACLE_OPERANDS = 8, ORACLE_ELLIPSIS = 4 };

/* C order. */
typedef struct oracle_array {
  int rank;
  int64_t shape[ORACLE_RANK];
  double *value;
} oracle_array;

/* What names stand for; the oracle solves no sizes. */
typedef struct oracle_facts {
  int64_t size[ORACLE_LABELS]; /* by name id: of the axis, or the value of the parameter */
  bool param[ORACLE_LABELS];
  int ellipsis_rank; /* of the anonymous one, which is the only kind here */
  int64_t ellipsis[ORACLE_ELLIPSIS];
} oracle_facts;

typedef enum oracle_result {
  ORACLE_OK,
  ORACLE_LEAVES, /* a read leaves its axis, and no fill says what it sees */
  ORACLE_EMPTY   /* max or min over nothing */
} oracle_result;

/* The shape of output number which; returns its rank. */
int oracle_shape(const es_pattern *p, const oracle_facts *facts, int which, int64_t *shape);
/* Output number which of in[0..n_in). reducer where the text names none.
 * out->value has room for the product of oracle_shape; out->shape is filled. */
oracle_result oracle_eval(const es_pattern *p, const oracle_facts *facts, es_reducer reducer,
                          int which, const oracle_array *in, oracle_array *out);

#endif
