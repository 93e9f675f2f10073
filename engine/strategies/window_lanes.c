/* Windows: which outputs of a border have which taps, and where their chains of the sum end. */
#include <stdlib.h>
#include <string.h>

#include "base/wide.h"
#include "engine/strategies/gemm.h"
#include "engine/strategies/window.h"

uint64_t es_window_lanes(const es_problem *p, const es_window_roles *roles, int64_t start,
                         int64_t n, const int64_t *tap) {
  uint64_t lanes = UINT64_MAX >> (64 - n);
  for (int i = 0; i < p->n_constraints; i++) {
    const es_constraint *c = &p->constraint[i];
    if (!es_window_cuts_columns(c, roles)) continue;
    es_i128 step = c->coef[roles->along], at = c->base + step * start;
    for (int a = p->n_out; a < p->rank; a++) at += (es_i128)c->coef[a] * tap[a - p->n_out];
    for (int64_t j = 0; j < n; j++, at += step)
      if (at < 0 || at >= c->extent) lanes &= ~((uint64_t)1 << j);
  }
  return lanes;
}

void es_window_next_tap(const es_problem *p, const int64_t *extent, int64_t *tap) {
  for (int a = p->rank - 1; a >= p->n_out && ++tap[a - p->n_out] == extent[a]; a--)
    tap[a - p->n_out] = 0;
}

/* So many taps on, the same outputs of a row have them: constraints on columns do not look at
 * the axes further out. */
static int64_t lanes_repeat(const es_problem *p, const es_window_roles *roles,
                            const int64_t *extent) {
  int64_t period = 1;
  int first = p->rank;
  for (int i = 0; i < p->n_constraints; i++)
    for (int a = p->n_out; a < first && es_window_cuts_columns(&p->constraint[i], roles); a++)
      if (p->constraint[i].coef[a]) first = a;
  for (int a = first; a < p->rank; a++) period *= extent[a];
  return period;
}

/* Sets of the n outputs of an edge that have the same taps. Returns how many. */
static int alike(const uint64_t *lanes, int64_t taps, int64_t n, uint64_t set[64]) {
  int count = 1;
  set[0] = UINT64_MAX >> (64 - n);
  for (int64_t t = 0; t < taps; t++)
    for (int q = 0, some = count; q < some; q++) {
      uint64_t here = set[q] & lanes[t];
      if (!here || here == set[q]) continue;
      set[count++] = set[q] & ~here;
      set[q] = here;
    }
  return count;
}

/* Outputs that have the same taps, some in each period, and where their chain ends next. */
typedef struct chains {
  uint64_t outputs;
  int64_t each, present, chain; /* taps: in a period, in all, in a chain */
  int64_t done, end;            /* taps of chains that have ended; INT64_MAX: all have */
} chains;

static void end_next(chains *c, const uint64_t *lanes, int64_t period) {
  int64_t more = c->present - c->done < c->chain ? c->present - c->done : c->chain;
  c->done += more;
  c->end = INT64_MAX;
  if (more == 0) return;
  int64_t t = (c->done - 1) / c->each * period, left = (c->done - 1) % c->each;
  while (!(lanes[t] & c->outputs) || left-- > 0) t++;
  c->end = t;
}

/* Where the chains of the outputs of an edge end; one without taps has the sum of none, at once.
 * The last tap is a stop in any case. */
static void end_chains(const uint64_t *lanes, int64_t taps, int64_t period, int64_t n,
                       int64_t *stops, uint64_t *ends) {
  uint64_t set[64];
  chains list[64];
  int sets = alike(lanes, period, n, set);
  for (int q = 0; q < sets; q++) {
    chains *c = &list[q];
    *c = (chains){.outputs = set[q]};
    for (int64_t t = 0; t < period; t++) c->each += (lanes[t] & set[q]) != 0;
    c->present = c->each * (taps / period);
    c->chain = es_gemm_chain(c->present);
    if (c->present) end_next(c, lanes, period);
  }
  for (int64_t stop = 0, t = -1; t + 1 < taps; stop++) {
    t = taps - 1;
    for (int q = 0; q < sets; q++) t = list[q].end < t ? list[q].end : t;
    stops[stop] = t;
    ends[stop] = 0;
    for (int q = 0; q < sets; q++) {
      if (list[q].end != t) continue;
      ends[stop] |= list[q].outputs;
      end_next(&list[q], lanes, period);
    }
  }
}

bool es_window_end_chains(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                          const int64_t *extent, es_window_piece *piece) {
  if (piece->chain >= piece->taps || !roles->n_edges) return true;
  const int64_t period = lanes_repeat(p, roles, extent);
  piece->stops = ES_NEW_N(arena, int64_t, piece->taps * roles->n_edges);
  piece->ends = ES_NEW_N(arena, uint64_t, piece->taps * roles->n_edges);
  if (!piece->stops || !piece->ends) return false;
  for (int e = 0; e < roles->n_edges; e++) {
    int64_t at = e * piece->taps;
    end_chains(piece->lanes + at, piece->taps, period, roles->edge[e].n, piece->stops + at,
               piece->ends + at);
  }
  return true;
}

void es_window_fill_lanes(const es_problem *p, const es_window_roles *roles, int e,
                          const int64_t *extent, int64_t taps, uint64_t *lanes) {
  int64_t tap[ES_MAX_RANK] = {0}, period = lanes_repeat(p, roles, extent);
  for (int64_t t = 0; t < period && t < taps; t++, es_window_next_tap(p, extent, tap))
    lanes[t] = es_window_lanes(p, roles, roles->edge[e].start, roles->edge[e].n, tap);
  for (int64_t t = period; t < taps; t *= 2)
    memcpy(lanes + t, lanes, (size_t)(taps - t < t ? taps - t : t) * sizeof *lanes);
}

/* ---- down the rows ------------------------------------------------------------------- */

/* Of the outputs of a set, each with the first of its taps rows. */
typedef struct fall_set {
  uint64_t outputs;
  int64_t each;          /* taps of a row */
  const uint64_t *lanes; /* of the taps of a row */
} fall_set;

/* Where the chains of a set end in output row out. ends NULL: they are but counted. */
static int64_t end_row(const es_window_fall_plan *f, const fall_set *set, int64_t out,
                       es_window_end *ends) {
  const int64_t top = f->down * out + f->base, low = top < 0 ? -top : 0;
  const int64_t rows = (f->extent - top < f->tap_rows ? f->extent - top : f->tap_rows) - low;
  const int64_t present = set->each * rows, chain = es_gemm_chain(present);
  int64_t n = 0;
  for (int64_t done = chain; done < present; done += chain, n++) {
    if (!ends) continue;
    int64_t tap = 0, before = (done - 1) % set->each;
    while (!(set->lanes[tap] & set->outputs) || before-- > 0) tap++;
    ends[n] = (es_window_end){top + low + (done - 1) / set->each, tap, out, set->outputs, 0};
  }
  return n;
}

static int by_place(const void *a, const void *b) {
  const es_window_end *p = a, *q = b;
  const int64_t apart = p->row != q->row   ? p->row - q->row
                        : p->tap != q->tap ? p->tap - q->tap
                                           : p->out - q->out;
  return (apart > 0) - (apart < 0);
}

/* One end for all sets of the same place. Returns how many are left. */
static int64_t unite(es_window_end *ends, int64_t count) {
  int64_t n = 0, first = 0;
  for (int64_t i = 0; i < count; i++) {
    if (n && !by_place(&ends[i], &ends[n - 1])) {
      ends[n - 1].lanes |= ends[i].lanes;
      continue;
    }
    if (!n || ends[i].row != ends[n - 1].row) first = n;
    ends[n++] = ends[i];
    ends[first].taps |= (uint64_t)1 << ends[i].tap;
  }
  return n;
}

bool es_window_fall_ends(es_arena *arena, const es_window_fall_plan *fall, int64_t rows,
                         const uint64_t *lanes, int64_t n, int twice, es_window_ends *ends) {
  uint64_t outputs[64];
  fall_set set[64];
  const int64_t taps = fall->row.taps;
  const int sets = alike(lanes, taps, n, outputs);
  int64_t count = 0, all = taps * fall->tap_rows;
  *ends = (es_window_ends){0};
  if (es_gemm_chain(all) >= all) return true;
  for (int q = 0; q < sets; q++) {
    set[q] = (fall_set){.outputs = outputs[q], .lanes = lanes};
    for (int64_t t = 0; t < taps; t++) set[q].each += (lanes[t] & outputs[q]) != 0;
    for (int64_t out = 0; out < rows; out++) count += end_row(fall, &set[q], out, NULL);
  }
  if (!count) return true;
  es_window_end *list = ES_NEW_N(arena, es_window_end, count + 1);
  if (!list) return false;
  count = 0;
  for (int q = 0; q < sets; q++)
    for (int64_t out = 0; out < rows; out++) count += end_row(fall, &set[q], out, list + count);
  for (int64_t i = 0; i < count && twice; i++) list[i].lanes |= list[i].lanes << twice;
  qsort(list, (size_t)count, sizeof *list, by_place);
  count = unite(list, count);
  list[count].row = INT64_MAX;
  *ends = (es_window_ends){count, list};
  return true;
}
