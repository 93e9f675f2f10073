/* How a nest that only moves elements runs: blocks, each a kernel's, in an order of
 * loops. All strides are in bytes. */
#ifndef ES_ENGINE_MOVE_H
#define ES_ENGINE_MOVE_H

#include "engine/kernels/move.h"
#include "engine/strategy.h"

/* ROWS: both sides are dense along one axis, m bytes of it times n rows.
 * TILES: the input is dense along m, the output along n.
 * ZIP: so too, and the n columns, few, stand side by side in one run of the output.
 * UNZIP: the m rows, few, stand so in the input.
 * POINTS: a side is dense nowhere. */
typedef enum es_move_way {
  ES_MOVE_ROWS,
  ES_MOVE_TILES,
  ES_MOVE_ZIP,
  ES_MOVE_UNZIP,
  ES_MOVE_POINTS
} es_move_way;

/* Indices of a block along one of its two sides, out of one or more axes. Where the
 * last axis was cut, a loop goes over the pieces, or two: pieces past the end are empty. */
typedef struct es_move_side {
  int64_t n, last, pieces; /* indices of a block; of the last one */
  int loop, outer;         /* over pieces, or -1 */
  int64_t *out, *in;       /* [n] bytes from the first index */
} es_move_side;

/* Rows that a run of UNZIP may keep growing; bytes of output put together at a time. */
enum { ES_MOVE_FEW = 8, ES_MOVE_ROOM = 32 << 10 };

typedef struct es_move_loop {
  int64_t count, out, in;
} es_move_loop;

typedef struct es_move {
  const es_move_kernels *kernels;
  es_move_way way;
  int log2_size;
  int64_t size;          /* bytes of an element, perhaps several of the nest's as one */
  bool dense;            /* a block is one run of the output */
  bool past;             /* the output outgrows the caches: it is written past them */
  int64_t in_at, out_at; /* bytes to the first block */
  es_move_side m, n;
  es_move_steps steps; /* POINTS */
  int fan;             /* UNZIP: rounds of the innermost loop, each of which has rows of its own */
  int n_loops;
  es_move_loop *loop; /* innermost first */
  int64_t blocks;
} es_move;

/* From a canonical problem with one operand of the output's type. False: no memory. */
bool es_move_make(es_arena *arena, const es_problem *p, const es_kernels *kernels, es_move *move);
/* Puts the loops in an order in which few pages are entered anew. */
void es_move_order(es_move *move);
/* The blocks [from, to). */
void es_move_run(const es_move *move, char *out, const char *in, int64_t from, int64_t to);

#endif
