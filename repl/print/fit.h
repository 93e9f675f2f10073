/* How many entries of each axis are shown, so that a tensor fits the terminal. */
#ifndef SC_FIT_H
#define SC_FIT_H

#include "einstride.h"

/* Of an axis with fewer entries shown than it has: the first half of them, a gap, the last. */
typedef struct sc_fit {
  int rank;
  const int64_t *shape;
  int64_t shown[ES_MAX_RANK];
} sc_fit;

/* NumPy's rule: all up to 1000 elements, else three at each end of an axis. */
void sc_fit_numpy(sc_fit *f);
/* All axes but the last, to that many lines; of the last as many as could fit into columns. */
void sc_fit_lines(sc_fit *f, int64_t lines, int64_t columns);
/* The last axis, to cells that are so many columns wide, with their separator. A vector takes
 * several lines, the rows of other tensors one. False: it fitted already. */
bool sc_fit_columns(sc_fit *f, int64_t lines, int64_t columns, int64_t cell);

/* How many entries stand before the gap; -1: there is none. */
static inline int64_t sc_fit_gap(const sc_fit *f, int axis) {
  return f->shown[axis] < f->shape[axis] ? (f->shown[axis] + 1) / 2 : -1;
}

#endif
