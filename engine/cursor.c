#include "engine/cursor.h"

#include "base/checked.h"

bool es_axes_make(es_arena *arena, const es_problem *p, const int *axis, int n, es_axes *axes) {
  *axes = (es_axes){.n = n, .n_sides = 1 + p->n_in, .count = 1};
  axes->extent = ES_NEW_N(arena, int64_t, n);
  axes->stride = ES_NEW_N(arena, int64_t, n * axes->n_sides);
  if (!axes->extent || !axes->stride) return false;
  for (int a = 0; a < n; a++) {
    int64_t *stride = axes->stride + (int64_t)a * axes->n_sides;
    axes->extent[a] = p->extent[axis[a]];
    stride[0] = p->out.stride[axis[a]];
    for (int i = 0; i < p->n_in; i++) stride[1 + i] = p->in[i].stride[axis[a]];
  }
  return es_count_i64(n, axes->extent, &axes->count);
}

bool es_axes_between(es_arena *arena, const es_problem *p, int from, int to, int but,
                     es_axes *axes) {
  int list[ES_MAX_RANK], n = 0;
  for (int a = from; a < to; a++)
    if (a != but) list[n++] = a;
  return es_axes_make(arena, p, list, n, axes);
}

void es_cursor_seek(const es_axes *axes, es_cursor *c, int64_t i) {
  for (int s = 0; s < axes->n_sides; s++) c->at[s] = 0;
  for (int a = 0; a < axes->n; a++) c->index[a] = 0;
  for (int a = axes->n - 1; a >= 0 && i > 0; a--) {
    c->index[a] = i % axes->extent[a];
    i /= axes->extent[a];
    for (int s = 0; s < axes->n_sides; s++)
      c->at[s] += c->index[a] * axes->stride[(int64_t)a * axes->n_sides + s];
  }
}

static void moved(int64_t *restrict to, const int64_t *restrict from, int64_t n, uint64_t by) {
  for (int64_t i = 0; i < n; i++) to[i] = (int64_t)((uint64_t)from[i] + by);
}

/* Those of the inner axes again, for each step of an outer one. Modulo 2^64, as es_side_begin():
 * padding may stand for places that do not fit. */
void es_offsets_fill(int n, const int64_t *extent, const int64_t *stride, int64_t scale,
                     int64_t *table) {
  int64_t inner = n > 0 ? extent[n - 1] : 1;
  const uint64_t each = (uint64_t)scale, step = n > 0 ? (uint64_t)stride[n - 1] * each : 0;
  for (int a = 0; a < n; a++)
    if (extent[a] == 0) return;
  for (int64_t i = 0; i < inner; i++) table[i] = (int64_t)((uint64_t)i * step);
  for (int a = n - 2; a >= 0; inner *= extent[a--])
    for (int64_t q = 1; q < extent[a]; q++)
      moved(table + q * inner, table, inner, (uint64_t)q * (uint64_t)stride[a] * each);
}
