#include "repl/print/fit.h"

#include <string.h>

void sc_fit_numpy(sc_fit *f) {
  enum { LONGEST = 1000, EDGES = 6 };
  int64_t size = 1;
  bool longer = false;
  for (int i = 0; i < f->rank && !longer; i++)
    longer = f->shape[i] > LONGEST / size, size *= f->shape[i];
  for (int i = 0; i < f->rank; i++)
    f->shown[i] = longer && f->shape[i] > EDGES ? EDGES : f->shape[i];
}

/* Blocks of an axis stand apart by as many blank lines as they have axes, less one. */
static int64_t count_lines(const sc_fit *f) {
  int64_t lines = 1;
  for (int axis = f->rank - 2; axis >= 0; axis--) {
    int64_t n = f->shown[axis], gap = n < f->shape[axis];
    lines = n * lines + gap + (n + gap - 1) * (f->rank - 2 - axis);
  }
  return lines;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

void sc_fit_lines(sc_fit *f, int64_t lines, int64_t columns) {
  enum { LEAST = 2 };
  int last = f->rank - 1;
  if (lines < LEAST) lines = LEAST;
  /* An entry takes two columns at least, and a line if it is no number. */
  for (int i = 0; i < last; i++) f->shown[i] = least(f->shape[i], lines);
  if (f->rank) f->shown[last] = least(f->shape[last], columns / 2 * (last ? 1 : lines) + 1);
  while (count_lines(f) > lines) { /* the longest axis gives way */
    int axis = 0;
    for (int i = 1; i < last; i++)
      if (f->shown[i] > f->shown[axis]) axis = i;
    if (f->shown[axis] <= LEAST) return;
    f->shown[axis]--;
  }
}

bool sc_fit_columns(sc_fit *f, int64_t lines, int64_t columns, int64_t cell) {
  enum { LEAST = 2, GAP = 4 }; /* columns of a gap, with its separator */
  if (!f->rank) return false;
  int64_t *shown = &f->shown[f->rank - 1], n = f->shape[f->rank - 1];
  int64_t in_line = columns / cell, all = f->rank > 1 ? in_line : in_line * lines;
  if (*shown == n && n <= all) return false;
  int64_t room = f->rank > 1 ? (columns - GAP) / cell : all - (GAP + cell - 1) / cell;
  if (room < LEAST) room = LEAST;
  if (*shown <= room) return false;
  *shown = room;
  return true;
}
