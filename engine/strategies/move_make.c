/* Choosing blocks: which axes a block spans, and the order of the loops around it. */
#include <stdlib.h>

#include "base/checked.h"
#include "engine/strategies/move.h"

typedef struct axis {
  int64_t extent, out, in; /* strides in bytes */
  bool taken;
} axis;

typedef struct maker {
  es_arena *arena;
  es_move *move;
  int rank;
  axis axis[ES_MAX_RANK]; /* smallest output stride first */
} maker;

/* ---- sides of a block ----------------------------------------------------------- */

/* Bytes of a side of a block, some lines; of a block, which stays in the first-level
 * cache, and the most that it may have; of a run. */
enum { SPAN = 256, BLOCK = 16 << 10, MOST = ES_MOVE_ROOM - 64, RUN = 8 << 10 };
/* Elements of a row that begins between lines: its ends share lines with its neighbours,
 * and longer rows pay less for it. */
enum { LONG_ROW = 256 };

static bool side_init(maker *k, es_move_side *s) {
  *s = (es_move_side){.n = 1, .last = 1, .pieces = 1, .loop = -1, .outer = -1};
  s->out = ES_NEW_N(k->arena, int64_t, 1);
  s->in = ES_NEW_N(k->arena, int64_t, 1);
  return s->out && s->in;
}

/* How much of an axis a side takes that wants `room` indices more: all of it, or even
 * pieces of whole tiles. */
static int64_t piece_of(int64_t extent, int64_t room) {
  if (extent <= room + room / 2) return extent;
  int64_t pieces = (extent + room - 1) / room, piece = (extent + pieces - 1) / pieces;
  return piece >= 16 ? (piece + 15) / 16 * 16 : piece;
}

static bool take(maker *k, es_move_side *s, int a, int64_t piece) {
  axis *x = &k->axis[a];
  int64_t n = s->n * piece;
  int64_t *out = ES_NEW_N(k->arena, int64_t, n), *in = ES_NEW_N(k->arena, int64_t, n);
  if (!out || !in) return false;
  for (int64_t i = 0; i < n; i++) {
    out[i] = s->out[i % s->n] + i / s->n * x->out;
    in[i] = s->in[i % s->n] + i / s->n * x->in;
  }
  int64_t pieces = (x->extent + piece - 1) / piece;
  x->taken = true;
  s->out = out, s->in = in;
  s->last = s->n * (x->extent - (pieces - 1) * piece);
  s->n = n;
  s->pieces = pieces;
  if (pieces == 1) return true;
  s->loop = k->move->n_loops++;
  k->move->loop[s->loop] = (es_move_loop){pieces, x->out * piece, x->in * piece};
  return true;
}

/* The axis not taken that continues a dense run of this many bytes, or -1. */
static int next_out(const maker *k, int64_t run) {
  for (int a = 0; a < k->rank; a++)
    if (!k->axis[a].taken && k->axis[a].out == run) return a;
  return -1;
}
static int next_in(const maker *k, int64_t run) {
  for (int a = 0; a < k->rank; a++)
    if (!k->axis[a].taken && k->axis[a].in == run) return a;
  return -1;
}

/* The side grows along the output (or the input) while that stays dense, not into the
 * axis `stop`, to about `most` indices and never more than `cap`. */
static bool grow(maker *k, es_move_side *s, bool along_out, int stop, int64_t most, int64_t cap) {
  while (s->loop < 0 && 2 * s->n <= most) {
    int64_t run = s->n * k->move->size;
    int a = along_out ? next_out(k, run) : next_in(k, run);
    if (a < 0 || a == stop) break;
    int64_t room = most / s->n, piece = piece_of(k->axis[a].extent, room);
    if (!take(k, s, a, piece * s->n > cap ? room : piece)) return false;
  }
  return true;
}

/* ---- ways -------------------------------------------------------------------------- */

/* Runs that are dense on both sides: long ones in pieces, short ones several at a time. */
static bool make_rows(maker *k) {
  es_move *v = k->move;
  axis *x = &k->axis[0];
  int64_t bytes = x->extent * v->size;
  v->way = ES_MOVE_ROWS;
  x->taken = true;
  v->m = (es_move_side){.n = bytes, .last = bytes, .pieces = 1, .loop = -1, .outer = -1};
  v->dense = bytes <= RUN;
  if (!v->dense) {
    int64_t pieces = (bytes + RUN - 1) / RUN;
    v->m.n = RUN, v->m.last = bytes - (pieces - 1) * RUN, v->m.pieces = pieces;
    v->m.loop = v->n_loops++;
    v->loop[v->m.loop] = (es_move_loop){pieces, RUN, RUN};
    return true;
  }
  int64_t most = RUN / bytes < 128 ? RUN / bytes : 128;
  for (int a = 1; a < k->rank && v->n.loop < 0 && 2 * v->n.n <= most; a++) {
    if (k->axis[a].out != bytes * v->n.n) {
      if (v->n.n > 1) break;
      v->dense = false;
    }
    if (!take(k, &v->n, a, piece_of(k->axis[a].extent, most / v->n.n))) return false;
  }
  return true;
}

static bool interleaves(int64_t k) { return k == 2 || k == 3 || k == 4 || k == 8; }

/* Whether every row of the output begins on a line if the first one does. */
static bool on_lines(const maker *k) {
  for (int a = 1; a < k->rank; a++)
    if (k->axis[a].out % 64) return false;
  return true;
}

static bool make_tiles(maker *k, int d) {
  es_move *v = k->move;
  const int64_t size = v->size;
  int64_t span = SPAN / size > 32 ? SPAN / size : 32;
  int64_t rows = on_lines(k) ? span : LONG_ROW;
  bool vectors = v->kernels->zip[v->log2_size] != NULL;
  v->way = ES_MOVE_TILES;
  /* Few rows that lie side by side in the input, along an axis dense in the output. */
  int64_t few = k->axis[d].extent;
  if (vectors && interleaves(few) && k->axis[0].in == few * size && k->axis[0].extent >= 16) {
    v->way = ES_MOVE_UNZIP;
    int64_t room = RUN / 2 / few / size;
    return take(k, &v->m, d, few) && take(k, &v->n, 0, piece_of(k->axis[0].extent, room));
  }
  if (!grow(k, &v->n, true, d, rows, 2 * rows)) return false;
  int64_t run = v->n.n * size;
  v->dense = v->n.loop < 0 && k->axis[d].out == run;
  if (v->dense && vectors && interleaves(v->n.n) && k->axis[d].extent >= 16) {
    v->way = ES_MOVE_ZIP;
    return take(k, &v->m, d, piece_of(k->axis[d].extent, RUN / run));
  }
  int64_t most = BLOCK / run < span ? BLOCK / run : span;
  if (most < 64 / size) most = 64 / size;
  if (!grow(k, &v->m, false, -1, most, MOST / run)) return false;
  for (int64_t i = 0; i < v->m.n; i++) v->dense &= v->m.out[i] == i * run;
  return true;
}

static bool make_points(maker *k) {
  es_move *v = k->move;
  int best = k->rank > 1 ? 1 : -1;
  v->way = ES_MOVE_POINTS;
  for (int a = 1; a < k->rank; a++)
    if (llabs(k->axis[a].in) < llabs(k->axis[best].in)) best = a;
  if (best >= 0 && llabs(k->axis[best].in) >= llabs(k->axis[0].in)) best = 1;
  v->steps = (es_move_steps){.out_j = k->axis[0].out, .in_j = k->axis[0].in};
  if (!take(k, &v->n, 0, piece_of(k->axis[0].extent, 512))) return false;
  if (best < 0) return true;
  v->steps.out_i = k->axis[best].out, v->steps.in_i = k->axis[best].in;
  return take(k, &v->m, best, piece_of(k->axis[best].extent, 32));
}

/* ---- the whole ------------------------------------------------------------------------ */

static bool read_axes(maker *k, const es_problem *p, int64_t size) {
  bool fits = es_mul_i64(p->out.offset, size, &k->move->out_at) &&
              es_mul_i64(p->in[0].offset, size, &k->move->in_at);
  for (int a = p->rank - 1; a >= 0; a--) {
    axis *x = &k->axis[k->rank++];
    *x = (axis){.extent = p->extent[a]};
    fits = fits && es_mul_i64(p->out.stride[a], size, &x->out) &&
           es_mul_i64(p->in[0].stride[a], size, &x->in);
  }
  return fits;
}

/* A short run that both sides share is moved as one element. */
static void join_elements(maker *k) {
  es_move *v = k->move;
  axis *x = &k->axis[0];
  int64_t run = k->rank ? x->extent * v->size : 0;
  if (!k->rank || x->out != v->size || x->in != v->size) return;
  if (run > 16 || (run & (run - 1))) return;
  v->size = run;
  k->rank--;
  for (int a = 0; a < k->rank; a++) k->axis[a] = k->axis[a + 1];
}

static bool choose(maker *k) {
  es_move *v = k->move;
  axis *x = &k->axis[0];
  if (k->rank == 0) {
    *x = (axis){1, v->size, v->size, false};
    k->rank = 1;
  }
  while ((int64_t)1 << v->log2_size < v->size) v->log2_size++;
  if (x->out != v->size) return make_points(k);
  if (x->in == v->size) return make_rows(k);
  int d = next_in(k, v->size);
  return d < 0 ? make_points(k) : make_tiles(k, d);
}

bool es_move_make(es_arena *arena, const es_problem *p, const es_kernels *kernels, es_move *v) {
  maker k = {.arena = arena, .move = v};
  *v = (es_move){.kernels = kernels->move, .size = (int64_t)es_dtype_size(p->out.dtype)};
  v->past = es_problem_outgrows_caches(p);
  v->loop = ES_NEW_N(arena, es_move_loop, p->rank + 4);
  if (!v->loop || !side_init(&k, &v->m) || !side_init(&k, &v->n)) return false;
  if (!read_axes(&k, p, v->size)) return false;
  if (es_problem_points(p) == 0) return true;
  join_elements(&k);
  if (!choose(&k)) return false;
  for (int a = 0; a < k.rank; a++)
    if (!k.axis[a].taken)
      v->loop[v->n_loops++] = (es_move_loop){k.axis[a].extent, k.axis[a].out, k.axis[a].in};
  es_move_order(v);
  v->blocks = 1;
  for (int i = 0; i < v->n_loops; i++) v->blocks *= v->loop[i].count;
  return true;
}
