#include "engine/strategies/move.h"

#include <string.h>

/* ---- where a block is ------------------------------------------------------------- */

typedef struct place {
  int64_t index[ES_MAX_RANK + 4], out, in;
} place;

static void seek(const es_move *v, place *at, int64_t block) {
  at->out = v->out_at, at->in = v->in_at;
  for (int i = 0; i < v->n_loops; i++) {
    at->index[i] = block % v->loop[i].count;
    block /= v->loop[i].count;
    at->out += at->index[i] * v->loop[i].out;
    at->in += at->index[i] * v->loop[i].in;
  }
}

static inline void step(const es_move *v, place *at) {
  for (int i = 0; i < v->n_loops; i++) {
    const es_move_loop *l = &v->loop[i];
    at->out += l->out, at->in += l->in;
    if (++at->index[i] < l->count) return;
    at->out -= l->count * l->out, at->in -= l->count * l->in;
    at->index[i] = 0;
  }
}

static inline int64_t length(const es_move *v, const es_move_side *s, const place *at) {
  if (s->loop < 0) return s->n;
  int64_t piece = at->index[s->loop];
  if (s->outer >= 0) piece += at->index[s->outer] * v->loop[s->loop].count;
  return piece < s->pieces - 1 ? s->n : piece == s->pieces - 1 ? s->last : 0;
}

/* ---- moving a block ------------------------------------------------------------------ */

/* row: where each row of the block begins, from out. */
static inline void move_block(const es_move *v, char *out, const int64_t *row, const char *in,
                              int64_t m, int64_t n, int64_t ahead) {
  const es_move_kernels *k = v->kernels;
  switch (v->way) {
  case ES_MOVE_ROWS: k->rows(out, row, in, v->n.in, n, m); break;
  case ES_MOVE_TILES: k->tiles[v->log2_size](out, row, in, v->n.in, m, n, ahead); break;
  case ES_MOVE_ZIP: k->zip[v->log2_size](out, in, v->n.in, (int)n, m); break;
  case ES_MOVE_UNZIP: k->unzip[v->log2_size](out, row, in, (int)m, n); break;
  case ES_MOVE_POINTS: k->points[v->log2_size](out, in, &v->steps, m, n); break;
  }
}

static const int64_t *rows_of(const es_move *v) {
  return v->way == ES_MOVE_ROWS ? v->n.out : v->m.out;
}

static void run_in_cache(const es_move *v, char *out, const char *in, int64_t from, int64_t to) {
  const int64_t *row = rows_of(v);
  place at;
  seek(v, &at, from);
  for (int64_t block = from; block < to; block++) {
    int64_t m = length(v, &v->m, &at), n = length(v, &v->n, &at);
    if (m && n) move_block(v, out + at.out, row, in + at.in, m, n, 0);
    step(v, &at);
  }
}

/* ---- past the caches -------------------------------------------------------------------- */

enum { LINE = 64, ROOM = ES_MOVE_ROOM, BATCH = 1 << 10, PART = 2048 };

/* Output that is being put together: bytes[begin, end) belong at line + begin. Whole
 * lines leave in batches, what is left of the last one waits for the next block. */
typedef struct writer {
  const es_move_kernels *kernels;
  char *line; /* of the output, aligned */
  char *bytes;
  int64_t begin, end, room;
} writer;

static void writer_init(writer *w, const es_move_kernels *kernels, char *bytes, int64_t room) {
  *w = (writer){.kernels = kernels, .bytes = bytes, .room = room};
}

static void flush(writer *w, bool all) {
  int64_t whole = all ? w->end : w->end / LINE * LINE;
  if (whole <= w->begin) return;
  w->kernels->stream(w->line + w->begin, w->bytes + w->begin, whole - w->begin);
  memcpy(w->bytes, w->bytes + whole, (size_t)(w->end - whole));
  w->line += whole;
  w->end -= whole;
  w->begin = 0;
}

/* Room for the next bytes, which belong at out. */
static char *writer_room(writer *w, char *out, int64_t bytes) {
  if (w->end != w->begin && out != w->line + w->end) flush(w, true);
  if (w->end + bytes > w->room) flush(w, false);
  if (w->end == w->begin) {
    w->begin = w->end = (int64_t)((uintptr_t)out % LINE);
    w->line = out - w->begin;
  }
  w->end += bytes;
  return w->bytes + w->end - bytes;
}

/* The runs of a block, a few at a time; those in their places of the next block are asked for. */
static void move_runs(const es_move *v, char *out, const int64_t *row, const char *in,
                      const char *next, int64_t bytes, int64_t n) {
  enum { FEW = 4 };
  for (int64_t j = 0; j < n; j += FEW) {
    const int64_t few = n - j < FEW ? n - j : FEW;
    for (int64_t i = j; i < j + few; i++) es_move_ask(next + v->n.in[i], bytes);
    v->kernels->rows(out, row + j, in, v->n.in + j, few, bytes);
  }
}

/* Blocks that are runs of the output, one after the other. */
static void run_dense(const es_move *v, char *out, const char *in, int64_t from, int64_t to) {
  const int64_t *row = rows_of(v), size = v->way == ES_MOVE_ROWS ? 1 : v->size;
  _Alignas(LINE) char bytes[ROOM];
  writer w;
  writer_init(&w, v->kernels, bytes, ROOM);
  place at;
  seek(v, &at, from);
  for (int64_t block = from; block < to; block++) {
    int64_t m = length(v, &v->m, &at), n = length(v, &v->n, &at);
    char *room = writer_room(&w, out + at.out, m * n * size);
    int64_t in_at = at.in;
    step(v, &at);
    if (v->way == ES_MOVE_ROWS)
      move_runs(v, room, row, in + in_at, in + at.in, m, n);
    else
      move_block(v, room, row, in + in_at, m, n, at.in - in_at);
    if (w.end >= BATCH) flush(&w, false);
  }
  flush(&w, true);
}

/* Blocks of rows, each put together and then sent away. */
static void run_rows(const es_move *v, char *out, const char *in, int64_t from, int64_t to) {
  _Alignas(LINE) char bytes[ROOM];
  int64_t pitch = v->n.n * v->size, near[ROOM / LINE];
  for (int64_t i = 0; i < v->m.n; i++) near[i] = i * pitch;
  place at;
  seek(v, &at, from);
  for (int64_t block = from; block < to; block++) {
    int64_t m = length(v, &v->m, &at), n = length(v, &v->n, &at), out_at = at.out, in_at = at.in;
    step(v, &at);
    if (!m || !n) continue;
    move_block(v, bytes, near, in + in_at, m, n, at.in - in_at);
    for (int64_t i = 0; i < m; i++)
      v->kernels->stream(out + out_at + v->m.out[i], bytes + near[i], n * v->size);
  }
}

/* A few rows that grow side by side, k of them in each block. */
static void run_unzip(const es_move *v, char *out, const char *in, int64_t from, int64_t to) {
  _Alignas(LINE) char bytes[ROOM];
  writer all[ES_MOVE_FEW];
  int64_t near[ES_MOVE_FEW];
  int k = (int)v->m.n, rows = k * v->fan, room = ROOM / rows / LINE * LINE;
  for (int i = 0; i < rows; i++) writer_init(&all[i], v->kernels, bytes + i * room, room);
  place at;
  seek(v, &at, from);
  for (int64_t block = from; block < to; block++, step(v, &at)) {
    writer *w = v->fan > 1 ? all + k * at.index[0] : all;
    int64_t n = length(v, &v->n, &at);
    for (int i = 0; i < k; i++)
      near[i] = writer_room(&w[i], out + at.out + v->m.out[i], n * v->size) - bytes;
    move_block(v, bytes, near, in + at.in, k, n, 0);
    for (int i = 0; i < k; i++)
      if (w[i].end >= BATCH) flush(&w[i], false);
  }
  for (int i = 0; i < rows; i++) flush(&all[i], true);
}

/* Rows that need no putting together, asked for ahead. */
static void run_streams(const es_move *v, char *out, const char *in, int64_t from, int64_t to) {
  place at;
  seek(v, &at, from);
  for (int64_t block = from; block < to; block++) {
    int64_t m = length(v, &v->m, &at), n = length(v, &v->n, &at);
    for (int64_t j = 0; j < n; j++)
      for (int64_t b = 0; b < m; b += PART) {
        const char *part = in + at.in + v->n.in[j] + b;
        const int64_t bytes = m - b < PART ? m - b : PART;
        es_move_ask(part + ES_MOVE_AHEAD, bytes);
        v->kernels->stream(out + at.out + v->n.out[j] + b, part, bytes);
      }
    step(v, &at);
  }
}

void es_move_run(const es_move *v, char *out, const char *in, int64_t from, int64_t to) {
  if (!v->past)
    run_in_cache(v, out, in, from, to);
  else if (v->way == ES_MOVE_ROWS && v->m.n >= 16 * LINE)
    run_streams(v, out, in, from, to);
  else if (v->way == ES_MOVE_UNZIP)
    run_unzip(v, out, in, from, to);
  else if (v->dense)
    run_dense(v, out, in, from, to);
  else if (v->way == ES_MOVE_TILES && v->n.n * v->size >= 2 * LINE)
    run_rows(v, out, in, from, to);
  else
    run_in_cache(v, out, in, from, to);
  if (v->past) v->kernels->finish();
}
