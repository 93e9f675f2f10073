/* A position in some axes of a nest, in row-major order, with the element offsets
 * of its sides there. The axes are shared; a cursor lives on a task's stack. */
#ifndef ES_ENGINE_CURSOR_H
#define ES_ENGINE_CURSOR_H

#include "engine/problem.h"

/* Sides a cursor can carry: the output and eight operands. */
enum { ES_CURSOR_SIDES = 9 };

typedef struct es_axes {
  int n, n_sides;
  int64_t *extent; /* [n] */
  int64_t *stride; /* [n][n_sides] */
  int64_t count;   /* positions */
} es_axes;

typedef struct es_cursor {
  int64_t index[ES_MAX_RANK];
  int64_t at[ES_CURSOR_SIDES];
} es_cursor;

/* The listed axes of p; side 0 is the output, side 1+i operand i. Needs
 * n <= ES_MAX_RANK and n_in < ES_CURSOR_SIDES. False: out of memory, or
 * more positions than 64 bits count. */
bool es_axes_make(es_arena *arena, const es_problem *p, const int *axis, int n, es_axes *axes);
/* The same for axes from, … to - 1 but one; but -1: for all of them. */
bool es_axes_between(es_arena *arena, const es_problem *p, int from, int to, int but,
                     es_axes *axes);
/* Position number i, with at[] relative to position 0. */
void es_cursor_seek(const es_axes *axes, es_cursor *c, int64_t i);

/* The offsets of all positions in n axes, times scale, in row-major order; nothing where an
 * extent is 0. */
void es_offsets_fill(int n, const int64_t *extent, const int64_t *stride, int64_t scale,
                     int64_t *table);

/* Moves m positions on along axis a, which must not pass its end by more than
 * reaching it, and carries. After the last position it wraps to the first. */
static inline void es_cursor_move(const es_axes *axes, es_cursor *c, int a, int64_t m) {
  const int sides = axes->n_sides;
  for (; a >= 0; a--, m = 1) {
    const int64_t *stride = axes->stride + (int64_t)a * sides;
    c->index[a] += m;
    bool carry = c->index[a] == axes->extent[a];
    if (carry) {
      c->index[a] = 0;
      m -= axes->extent[a];
    }
    for (int s = 0; s < sides; s++) c->at[s] += m * stride[s];
    if (!carry) return;
  }
}
static inline void es_cursor_next(const es_axes *axes, es_cursor *c) {
  es_cursor_move(axes, c, axes->n - 1, 1);
}

#endif
