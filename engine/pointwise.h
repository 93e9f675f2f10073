/* A step that computes an expression of elementwise operations in one pass: rows of its
 * operands go through all of them while they are in the first-level cache. */
#ifndef ES_ENGINE_POINTWISE_H
#define ES_ENGINE_POINTWISE_H

#include "engine/strategy.h"
#include "engine/tensor/rows.h"

/* A row of operands read from memory, or the result of an operation on earlier rows. */
typedef struct es_pointwise_op {
  const char *name; /* "add", for errors; "" of operands */
  int side;         /* operand to read, or -1 */
  es_unary_row unary;
  es_binary_row binary; /* neither: a condition chooses among two rows */
  int n_in;
  int in[3];           /* earlier rows */
  es_load_row load[3]; /* makes them what the operation takes; NULL: they are */
  es_store_row store;  /* rounds to the result's type; NULL: it is */
  es_dtype taken[3];   /* types that load makes */
  es_dtype rows, out;  /* type the operation writes; of the result */
  int row;             /* buffer the result goes to */
} es_pointwise_op;

/* Rows in use at a time, those that convert included; more, and intermediates are
 * written to memory. */
enum { ES_POINTWISE_ROWS = 8, ES_POINTWISE_OPS = 32, ES_POINTWISE_SIDES = 16 };

typedef struct es_pointwise {
  int n, n_sides;
  es_pointwise_op op[ES_POINTWISE_OPS]; /* the last one is the result */
  struct es_pointwise_side {
    int slot;
    int64_t offset;
    es_rows rows;
  } side[ES_POINTWISE_SIDES];
  struct es_pointwise_side to;
  int64_t count; /* elements */
  int64_t row;   /* elements of a row: all buffers fit their room */
  int64_t bytes; /* of a buffer */
  int rank;      /* of the result, to name a position */
  int64_t *shape;
} es_pointwise;

/* The step of v, whose last operation, sides, count and shape are set; problem tells
 * slots and extents. v and problem live in the plan's arena. */
void es_pointwise_step(es_pointwise *v, const es_problem *problem, es_step *step);

#endif
