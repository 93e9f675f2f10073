/* Windows in steps of two: the rows of x that the taps of a row of outputs see are taken apart,
 * odd elements from even ones, so that neighbouring outputs read neighbours. */
#include <string.h>

#include "engine/kernels/move.h"
#include "engine/strategies/window.h"

/* Elements of x that any output reads through the tap, as bounds of their offsets. */
static void read_by(const es_window_roles *roles, const es_window_piece *piece, int64_t tap,
                    int64_t size, int64_t *low, int64_t *high) {
  const int64_t at = piece->x_at[tap] / size;
  int64_t first = INT64_MAX, last = INT64_MIN;
  if (roles->from < roles->to) first = roles->from, last = roles->to - 1;
  for (int e = 0; e < roles->n_edges; e++)
    for (int64_t j = 0; j < roles->edge[e].n; j++) {
      int64_t column = roles->edge[e].start + j;
      if (!(piece->lanes[e * piece->taps + tap] >> j & 1)) continue;
      first = column < first ? column : first;
      last = column > last ? column : last;
    }
  if (first > last) return;
  *low = at + 2 * first < *low ? at + 2 * first : *low;
  *high = at + 2 * last > *high ? at + 2 * last : *high;
}

/* Taps from `from` on that see the same row: those that lie within a vector of it. */
static int64_t taps_of_row(const es_window_piece *piece, int64_t from, int64_t reach,
                           int64_t *least) {
  int64_t low = piece->x_at[from], high = low, t = from;
  for (; t < piece->taps; t++) {
    int64_t at = piece->x_at[t];
    if ((at > high ? at : high) - (at < low ? at : low) >= reach) break;
    low = at < low ? at : low;
    high = at > high ? at : high;
  }
  *least = low;
  return t - from;
}

bool es_window_apart_make(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                          es_window_piece *piece) {
  const int64_t size = (int64_t)es_dtype_size(p->out.dtype), reach = roles->lanes * size;
  const int64_t half = (p->extent[roles->along] + roles->lanes) * size;
  es_window_apart *a = &piece->apart;
  a->row = ES_NEW_N(arena, es_window_apart_row, piece->taps);
  a->x_at = ES_NEW_N(arena, int64_t, piece->taps);
  if (!a->row || !a->x_at) return false;
  for (int64_t t = 0, some, least; t < piece->taps; t += some) {
    int64_t low = INT64_MAX, high = INT64_MIN;
    some = taps_of_row(piece, t, reach, &least);
    for (int64_t i = t; i < t + some; i++) {
      int64_t at = (piece->x_at[i] - least) / size;
      a->x_at[i] = a->bytes + at % 2 * half + at / 2 * size;
      read_by(roles, piece, i, size, &low, &high);
    }
    if (low <= high) {
      int64_t at = low - least / size;
      a->row[a->rows++] =
          (es_window_apart_row){.x = low * size,
                                .n = high - low + 1,
                                .at = {a->bytes + at % 2 * half + at / 2 * size,
                                       a->bytes + (at + 1) % 2 * half + (at + 1) / 2 * size}};
    }
    a->bytes += 2 * half;
  }
  return true;
}

void es_window_apart_run(const es_window_apart *a, const es_kernels *kernels, size_t size,
                         const char *x, char *to) {
  const int log = __builtin_ctzl(size);
  for (int64_t i = 0; i < a->rows; i++) {
    const es_window_apart_row *r = &a->row[i];
    kernels->move->unzip[log](to, r->at, x + r->x, 2, r->n / 2);
    if (r->n % 2)
      memcpy(to + r->at[0] + r->n / 2 * (int64_t)size, x + r->x + (r->n - 1) * (int64_t)size, size);
  }
}
