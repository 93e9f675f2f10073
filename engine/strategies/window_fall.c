/* Windows down the rows: where a row of x can be read once for all outputs that see it, and
 * the strips that rows are cut in. */
#include <string.h>

#include "base/checked.h"
#include "engine/strategies/window.h"

bool es_window_falls(const es_problem *p, const es_window_roles *roles, es_window_fall_plan *fall) {
  int first = p->n_out, row = roles->row; /* the outermost reduced axis */
  if (roles->op != ES_WINDOW_SCALE || row < 0) return false;
  const es_side *x = &p->in[roles->x];
  int64_t taps = p->extent[first], size = (int64_t)es_dtype_size(x->dtype);
  int64_t tap_row = x->stride[first], down = x->stride[row] == tap_row ? 1 : 2;
  if (x->stride[row] != down * tap_row) return false;
  *fall = (es_window_fall_plan){.down = down,
                                .tap_rows = taps,
                                .extent = down * (p->extent[row] - 1) + taps,
                                .x_row = tap_row * size,
                                .w_row = p->in[roles->w].stride[first] * size};
  bool cut = false;
  for (int i = 0; i < p->n_constraints; i++) {
    const es_constraint *c = &p->constraint[i];
    if (c->coef[roles->along]) { /* of the outputs in a row: the same for all rows of taps */
      if (c->coef[first] || c->coef[row]) return false;
      continue;
    }
    if (cut) return false;
    for (int a = 0; a < p->rank; a++)
      if (c->coef[a] != (a == row ? down : a == first)) return false;
    cut = true;
    fall->base = c->base;
    fall->extent = c->extent;
  }
  /* No output row without taps. */
  return fall->base > -taps && fall->base + down * (p->extent[row] - 1) < fall->extent;
}

static void shape_of_row(const es_problem *p, int64_t *extent) {
  for (int a = 0; a < p->rank; a++) extent[a] = a == p->n_out ? 1 : p->extent[a];
}

/* Where chains end in full vectors and edges. */
static bool edge_ends(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                      es_window_fall_plan *fall) {
  const int64_t taps = fall->row.taps, rows = p->extent[roles->row];
  uint64_t *one = ES_NEW_N(arena, uint64_t, taps);
  fall->edge_ends = ES_NEW_N(arena, es_window_ends, roles->n_edges);
  if (!one || !fall->edge_ends) return false;
  for (int64_t t = 0; t < taps; t++) one[t] = 1;
  for (int e = 0; e < roles->n_edges; e++)
    if (!es_window_fall_ends(arena, fall, rows, fall->row.lanes + e * taps, roles->edge[e].n, 0,
                             &fall->edge_ends[e]))
      return false;
  return es_window_fall_ends(arena, fall, rows, one, 1, 0, &fall->ends);
}

bool es_window_fall_row(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                        es_window_fall_plan *fall) {
  es_problem shape = *p;
  int64_t extent[ES_MAX_RANK];
  shape_of_row(p, extent);
  shape.extent = extent;
  if (!es_window_piece_make(arena, p, roles, &shape, &fall->row)) return false;
  const int64_t size = (int64_t)es_dtype_size(p->out.dtype), taps = fall->row.taps;
  fall->w_dense = fall->w_row == taps * size;
  for (int64_t t = 0; t < taps; t++) fall->w_dense &= fall->row.w_at[t] == t * size;
  return edge_ends(arena, p, roles, fall);
}

/* ---- strips ------------------------------------------------------------------------- */

enum { MOST_STRIPS = 1024 };

/* The elements from *low to *high are what the taps of a strip see. */
static void see(const es_problem *p, const es_window_roles *roles, const es_window_fall_plan *fall,
                es_window_strip *strip, int64_t *low, int64_t *high) {
  int64_t extent[ES_MAX_RANK], tap[ES_MAX_RANK] = {0};
  int64_t size = (int64_t)es_dtype_size(p->out.dtype);
  shape_of_row(p, extent);
  *low = INT64_MAX;
  *high = INT64_MIN;
  for (int64_t t = 0; t < fall->row.taps; t++, es_window_next_tap(p, extent, tap)) {
    const uint64_t lanes = es_window_lanes(p, roles, strip->start, strip->n, tap);
    strip->lanes[t] = lanes;
    if (!lanes) continue;
    const int64_t first = strip->start * roles->step + fall->row.x_at[t] / size;
    const int64_t from = first + __builtin_ctzll(lanes) * roles->step,
                  to = first + (63 - __builtin_clzll(lanes)) * roles->step;
    if (from < *low) *low = from;
    if (to > *high) *high = to;
  }
}

/* False: the strip is too wide for its vectors. */
static bool fill_strip(const es_problem *p, const es_window_roles *roles,
                       const es_window_fall_plan *fall, es_window_strip *strip) {
  const int64_t lanes = roles->lanes, room = fall->pair ? lanes : 2 * lanes;
  int64_t low, high, size = (int64_t)es_dtype_size(p->out.dtype);
  see(p, roles, fall, strip, &low, &high);
  if (low > high || high - low >= room) return false;
  strip->x = low;
  strip->loads[0] = strip->loads[1] = 0;
  for (int64_t t = 0; t < fall->row.taps; t++) {
    uint8_t *pick = strip->pick + t * lanes;
    for (int64_t j = 0; j < strip->n; j++) {
      bool present = strip->lanes[t] >> j & 1;
      int64_t at = (strip->start + j) * roles->step + fall->row.x_at[t] / size;
      pick[j] = (uint8_t)(present ? at - low : 0);
      if (present) strip->loads[pick[j] / lanes] |= (uint64_t)1 << pick[j] % lanes;
      if (fall->pair) pick[lanes / 2 + j] = (uint8_t)(pick[j] + lanes);
    }
    if (fall->pair) strip->lanes[t] |= strip->lanes[t] << lanes / 2;
  }
  if (fall->pair) strip->loads[1] = strip->loads[0];
  return true;
}

static es_window_strip *new_strips(es_arena *arena, const es_window_roles *roles, int64_t taps,
                                   int64_t n) {
  es_window_strip *strip = ES_NEW_N(arena, es_window_strip, n);
  uint8_t *pick = ES_NEW_N(arena, uint8_t, n * taps * roles->lanes);
  uint64_t *lanes = ES_NEW_N(arena, uint64_t, n * taps);
  if (!strip || !pick || !lanes) return NULL;
  for (int64_t i = 0; i < n; i++) {
    strip[i].pick = pick + i * taps * roles->lanes;
    strip[i].lanes = lanes + i * taps;
  }
  return strip;
}

/* Strips of n outputs; none where they do not fit. False: out of memory. */
static bool cut_strips(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                       es_window_fall_plan *fall, int64_t n) {
  const int64_t columns = p->extent[roles->along], count = (columns - 1) / n + 1;
  if (count > MOST_STRIPS) return true;
  n = (columns - 1) / count + 1;
  es_window_strip *strip = new_strips(arena, roles, fall->row.taps, count);
  if (!strip) return false;
  for (int64_t i = 0; i < count; i++) {
    strip[i].start = i * n < columns - n ? i * n : columns - n;
    strip[i].n = n;
    if (!fill_strip(p, roles, fall, &strip[i])) return true;
  }
  /* Those between the borders are alike. */
  const size_t bytes = (size_t)fall->row.taps * sizeof *strip->lanes;
  for (int64_t i = 0; i < count; i++)
    if (i > 0 && memcmp(strip[i].lanes, strip[i - 1].lanes, bytes) == 0)
      strip[i].ends = strip[i - 1].ends;
    else if (!es_window_fall_ends(arena, fall, p->extent[roles->row], strip[i].lanes, n,
                                  fall->pair ? (int)roles->lanes / 2 : 0, &strip[i].ends))
      return false;
  fall->strip = strip;
  fall->n_strips = count;
  return true;
}

int64_t es_window_beyond(const es_problem *p, const es_window_roles *roles,
                         const es_window_fall_plan *fall, int64_t x_plane) {
  const int64_t size = (int64_t)es_dtype_size(p->out.dtype), lanes = roles->lanes;
  int64_t low = INT64_MAX, high = INT64_MIN;
  for (int64_t i = 0; i < fall->n_strips; i++) {
    const es_window_strip *s = &fall->strip[i];
    const int vector = !fall->pair && s->loads[1];
    const int64_t last = s->x + vector * lanes + 63 - __builtin_clzll(s->loads[vector]);
    low = s->x < low ? s->x : low;
    high = last > high ? last : high;
  }
  const bool dense = fall->x_row == (high - low + 1) * size &&
                     x_plane == fall->extent * fall->x_row;
  return dense ? es_ceil_div(2 * lanes * size, x_plane) : INT64_MAX;
}

bool es_window_strips(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                      es_window_fall_plan *fall) {
  const int64_t columns = p->extent[roles->along], taps = fall->row.taps, lanes = roles->lanes;
  const int64_t most = fall->pair ? lanes / 2 : lanes;
  const int64_t size = (int64_t)es_dtype_size(p->out.dtype);
  int64_t first = 0, last = 0; /* of the taps of an output, in elements */
  fall->n_strips = 0;
  if (taps > ES_WINDOW_STRIP || (fall->pair && columns > most)) return true;
  /* A whole row sees less than its outputs would without borders. */
  if (columns <= most && !cut_strips(arena, p, roles, fall, columns)) return false;
  if (fall->n_strips || fall->pair) return true;
  for (int64_t t = 0; t < taps; t++) {
    int64_t at = fall->row.x_at[t] / size;
    first = at < first ? at : first;
    last = at > last ? at : last;
  }
  if (last - first >= 2 * lanes) return true;
  int64_t n = (2 * lanes - 1 - (last - first)) / roles->step + 1;
  return cut_strips(arena, p, roles, fall, n < lanes ? n : lanes);
}
