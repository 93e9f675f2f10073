/* Direct convolution: layers of many channels, channels first. */
#include "base/checked.h"
#include "base/text.h"
#include "engine/kernels/gemm.h"
#include "engine/strategies/direct.h"
#include "engine/strategies/strategies.h"

enum { MOVE_F32 = 2 }; /* moves of elements of 4 bytes */

typedef struct run_state {
  const es_run_args *args;
  const es_direct_plan *d;
  atomic_bool stop;
  atomic_int_fast64_t done; /* units */
} run_state;

/* A panel of weights and the rows it is used for. */
typedef struct job {
  const es_direct_plan *d;
  const char *x, *w; /* of the nest's first point; of the panel's first channel */
  char *out;
  char *panel, *packed; /* of weights; the block of it */
  char *open, *sums;
  int n, vectors; /* channels */
  int64_t block;
  const char *ahead;        /* of the block that is packed next */
  const char *next_w;       /* of the panel after this one; NULL: there is none */
  int64_t next_job;         /* bytes from x to that of the next panel; 0: it stays, or is near */
  int64_t next_x;           /* bytes from the rows of x at hand to those taken after them; or 0 */
  int64_t first, rows, row; /* the chunk; where it has come to */
} job;

/* ---- running ----------------------------------------------------------------------- */

/* A block of the weights of n channels from w on. */
static void pack(const es_direct_plan *d, char *packed, const char *w, int n, int64_t block) {
  const int64_t from = es_direct_block(d, block), taps = es_direct_block(d, block + 1) - from;
  const int64_t lanes = d->roles.lanes, all = n * d->abreast;
  if (d->along && all % lanes == 0 && taps >= lanes)
    d->kernels->direct->pack((float *)packed, d->width, w + d->w_at[from], d->w_channel[d->abreast],
                             all, taps, (int)d->abreast);
  else
    d->kernels->gemm->moves[MOVE_F32].pack(packed, (int)d->width, w, d->w_channel, (int)all,
                                           d->w_at + from, taps);
}

/* The tile's results are written in parts of lines. */
static void ask_for_out(const job *j, char *out, int64_t rows, int64_t n) {
  const int64_t end = (n - 1) * (int64_t)sizeof(float);
  for (int64_t row = 0; row < rows; row++, out += j->d->out_row)
    for (int c = 0; c < j->n; c++) __builtin_prefetch(out + c * j->d->out_channel + end, 1, 3);
}

/* What the tile asks for where x comes from far: the weights, if its turn is early enough to bring
 * some of them, a line a step; else what it can of the rows that are taken next. */
static void ask_for_x(const job *j, es_direct_tile *t, const int64_t *next_at, int64_t turn) {
  const int64_t done = turn * t->steps;
  t->pace = 0;
  if (j->ahead && done + t->steps <= j->d->ahead_lines + t->steps / 2) {
    t->ahead = j->ahead;
    t->fetch = j->d->ahead_at + done;
  } else {
    t->ahead = t->x + j->next_x;
    t->fetch = next_at;
  }
}

/* Its part of the lines to ask for, spread over its steps. */
static void ask_ahead(const job *j, es_direct_tile *t, const int64_t *next_at, int64_t tile,
                      int64_t rows) {
  const es_direct_plan *d = j->d;
  const int64_t all = j->rows * d->tiles, at = (j->row - j->first) * d->tiles + tile;
  if (j->next_x) {
    ask_for_x(j, t, next_at, at / rows);
    return;
  }
  t->ahead = j->packed;
  t->fetch = d->ahead_at;
  t->pace = 63;
  if (!j->ahead) return;
  const int64_t from = d->ahead_lines * at / all;
  const int64_t lines = d->ahead_lines * (at + rows) / all - from;
  if (!lines) return;
  t->ahead = j->ahead;
  t->fetch = d->ahead_at + from;
  for (t->pace = 0; (t->steps >> (t->pace + 1)) >= lines;) t->pace++;
}

/* The sums of rows of n outputs, height vectors each; rows may be neighbours, too. */
static void store(const job *j, char *out, const char *sum, int64_t rows, int64_t n,
                  int64_t height) {
  const es_direct_plan *d = j->d;
  const int64_t size = (int64_t)sizeof(float), width = j->vectors * d->roles.lanes;
  if (d->out_row == n * size && n == height * d->abreast) n *= rows, rows = 1;
  for (int64_t row = 0; row < rows; row++)
    d->kernels->direct->store(out + row * d->out_row, d->out_channel, j->n,
                              (const float *)sum + row * height * width, width, n, (int)d->abreast);
}

static es_direct_kernel kernel_of(const es_direct_plan *d, int vectors, int64_t rows,
                                  int64_t height) {
  const es_direct_kernels *k = d->kernels->direct;
  return d->abreast > 1 ? k->abreast[d->abreast - 2][rows - 1][height]
                        : k->tile[d->roles.step - 1][vectors - 1][rows - 1][height];
}

/* A few rows of a piece: i counts pieces. */
static void run_tiles(job *j, const es_window_piece *piece, int64_t i, const char *x, char *out,
                      int64_t rows) {
  const es_direct_plan *d = j->d;
  const int64_t before = es_direct_uses(d, i, j->block), after = es_direct_uses(d, i, j->block + 1);
  const bool last = j->block + 1 == d->blocks;
  const int64_t size = (int64_t)sizeof(float);
  for (int64_t tile = 0; tile < d->tiles; tile++) {
    const int64_t start = es_direct_start(d, tile), n = es_direct_start(d, tile + 1) - start,
                  height = es_ceil_div(n, d->abreast);
    const int64_t kind = d->kind[tile == 0 ? 0 : tile + 1 == d->tiles ? 2 : 1] * piece->taps;
    const int64_t slot = d->blocks > 1 ? (j->row - j->first) * d->tiles + tile * rows : 0;
    es_direct_tile t = {.x = x + start * d->roles.step * size,
                        .x_row = d->x_row,
                        .w = j->packed,
                        .steps = after - before,
                        .before = before,
                        .x_at = piece->x_at + before,
                        .w_at = piece->w_at + before,
                        .lanes = piece->lanes + kind + before,
                        .last = last,
                        .open = j->open + slot * d->slot_bytes,
                        .sum = j->sums + slot * d->slot_bytes};
    if (piece->ends) {
      t.stops = piece->stops + kind;
      t.ends = piece->ends + kind;
    }
    ask_ahead(j, &t, (d->next_at ? d->next_at[i] : piece->x_at) + before, tile, rows);
    if (last && d->far_out) ask_for_out(j, out + start * size, rows, n);
    if (!piece->taps)
      memset(t.sum, 0, (size_t)(rows * d->slot_bytes));
    else
      kernel_of(d, j->vectors, rows, height)(&t);
    if (last) store(j, out + start * size, t.sum, rows, n, height);
  }
}

/* Rows [from, to) of a group at one of its outer positions. */
static void run_rows(job *j, int group, const char *x, char *out, int64_t from, int64_t to) {
  const es_direct_plan *d = j->d;
  const es_window_group *g = &d->group[group];
  int64_t start = 0;
  for (int i = 0; i < g->n_pieces; i++) {
    const es_window_piece *piece = &g->piece[i];
    const int64_t end = start + piece->rows, last = end < to ? end : to;
    int64_t row = from > start ? from : start, some;
    for (; row < last; row += some, j->row += some) {
      some = last - row < d->tile_rows ? last - row : d->tile_rows;
      if (d->next_at) j->next_x = some * d->x_row;
      run_tiles(j, piece, d->first_piece[group] + i,
                x + piece->at[ES_WINDOW_X] + (row - start) * d->x_row,
                out + piece->at[ES_WINDOW_OUT] + (row - start) * d->out_row, some);
    }
    start = end;
  }
}

/* Bytes from the rows at a group's outer position to those at the next one, or, at the last, to
 * those of the next job. 0: they are not worth asking for. */
static int64_t next_x(const job *j, const es_window_group *g, int64_t position,
                      const es_cursor *c) {
  const int64_t size = (int64_t)sizeof(float), side = 1 + j->d->roles.x;
  if (!j->d->far_x) return 0;
  if (position + 1 == g->outer.count) return j->next_job ? j->next_job - c->at[side] * size : 0;
  es_cursor other = *c;
  es_cursor_move(&g->outer, &other, g->outer.n - 1, 1);
  return (other.at[side] - c->at[side]) * size;
}

/* All rows of the chunk, with a block of the panel. */
static void run_block(job *j) {
  const es_direct_plan *d = j->d;
  const int64_t size = (int64_t)sizeof(float), last = j->first + j->rows;
  int64_t before = 0;
  j->row = j->first;
  for (int i = 0; i < d->n_groups && j->row < last; i++) {
    const es_window_group *g = &d->group[i];
    const int64_t all = g->outer.count * g->rows;
    while (j->row < before + all && j->row < last) {
      int64_t from = (j->row - before) % g->rows, to = from + last - j->row;
      es_cursor c;
      es_cursor_seek(&g->outer, &c, (j->row - before) / g->rows);
      j->next_x = next_x(j, g, (j->row - before) / g->rows, &c);
      run_rows(j, i, j->x + c.at[1 + d->roles.x] * size, j->out + c.at[0] * size, from,
               to < g->rows ? to : g->rows);
    }
    before += all;
  }
}

/* Points at panel number i of all. */
static void point_at(job *j, const es_run_args *args, int64_t i) {
  const es_direct_plan *d = j->d;
  const es_problem *p = d->problem;
  const es_side *w = &p->in[d->roles.w];
  const int64_t size = (int64_t)sizeof(float), first = i % d->panels * d->width;
  es_cursor c;
  es_cursor_seek(&d->jobs, &c, i / d->panels);
  j->n = (int)(d->channels - first < d->width ? d->channels - first : d->width);
  j->vectors = j->n > d->roles.lanes ? 2 : 1;
  j->x = es_run_at(args, d->slot[ES_WINDOW_X], c.at[1 + d->roles.x] * size);
  j->out = es_run_at(args, d->slot[ES_WINDOW_OUT],
                     (c.at[0] + first * p->out.stride[d->roles.share]) * size);
  j->w = es_run_at(args, d->slot[ES_WINDOW_W],
                   (w->offset + c.at[1 + d->roles.w] + first * w->stride[d->roles.share]) * size);
}

/* What is packed, or read of what is packed for good, after this block. */
static const char *ahead_of(const job *j, bool packs) {
  const es_direct_plan *d = j->d;
  const int64_t next = j->block + 1;
  if (d->held)
    return next < d->blocks ? j->panel + es_direct_packed(d, es_direct_block(d, next)) : NULL;
  if (packs && next < d->blocks) return j->w + d->w_at[es_direct_block(d, next)];
  return j->first + j->rows < d->rows || next < d->blocks ? NULL : j->next_w;
}

/* Where the panel after this one begins. */
static void look_ahead(job *j, const es_run_args *args, int64_t panel) {
  const es_direct_plan *d = j->d;
  if (panel + 1 == d->jobs.count * d->panels) return;
  job other = *j;
  point_at(&other, args, panel + 1);
  j->next_w = other.w;
  j->next_job = d->far_x ? other.x - j->x : 0;
}

/* A chunk of rows with a panel; neighbouring units share the panel, which the worker keeps. */
static void unit(void *arg, int64_t index, int worker) {
  run_state *r = arg;
  const es_direct_plan *d = r->d;
  const int64_t panel = index / d->chunks, chunk = index % d->chunks;
  int64_t done = atomic_fetch_add_explicit(&r->done, 1, memory_order_relaxed);
  double part = (double)done / (double)(d->jobs.count * d->panels * d->chunks);
  if (es_step_pause(r->args, worker, part))
    atomic_store_explicit(&r->stop, true, memory_order_relaxed);
  if (atomic_load_explicit(&r->stop, memory_order_relaxed)) return;
  char *room = (char *)r->args->workspace + (uint64_t)worker * d->worker_bytes;
  int64_t *kept = (int64_t *)room;
  job j = {.d = d,
           .panel = d->held ? d->held + panel * d->panel_bytes : room + ES_ALIGN,
           .open = room + d->open_at,
           .sums = room + d->sums_at,
           .first = chunk * d->chunk};
  j.rows = d->rows - j.first < d->chunk ? d->rows - j.first : d->chunk;
  point_at(&j, r->args, panel);
  const bool packs = !d->held && (d->chunks == 1 || *kept != panel);
  look_ahead(&j, r->args, panel);
  for (j.block = 0; j.block < d->blocks; j.block++) {
    const bool whole = d->held || d->chunks > 1;
    j.packed = j.panel + (whole ? es_direct_packed(d, es_direct_block(d, j.block)) : 0);
    if (packs) pack(d, j.packed, j.w, j.n, j.block);
    j.ahead = ahead_of(&j, packs);
    run_block(&j);
  }
  *kept = panel;
}

static es_status run(const es_step *step, const es_run_args *args) {
  const es_direct_plan *d = step->data;
  run_state r = {.args = args, .d = d};
  for (int i = 0; i < d->threads; i++)
    *(int64_t *)((char *)args->workspace + (uint64_t)i * d->worker_bytes) = -1;
  es_pool_run_by(args->pool, d->threads, d->jobs.count * d->panels * d->chunks, unit, &r);
  return r.stop ? es_step_cancelled(args) : ES_OK;
}

static void print(const es_step *step, char *buf, size_t cap) {
  const es_direct_plan *d = step->data;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "direct f32, %lld rows of %lld outputs, %lld channels, over %lld taps",
                 (long long)(d->rows * d->jobs.count),
                 (long long)d->problem->extent[d->roles.along], (long long)d->channels,
                 (long long)d->taps);
  es_text_printf(&t, "; tiles of ");
  if (d->tile_rows > 1) es_text_printf(&t, "%lld rows of ", (long long)d->tile_rows);
  es_text_printf(&t, "%lld by %lld, weights packed%s, in blocks of %lld",
                 (long long)es_direct_start(d, 1), (long long)(d->width / d->abreast),
                 d->held ? " once" : "", (long long)es_direct_block(d, 1));
}

/* ---- choice ------------------------------------------------------------------------ */

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  es_direct_plan *d = es_direct_plan_make(p, env);
  if (!d) return ES_E_NOMEM;
  step->run = run;
  step->data = d;
  step->workspace = d->worker_bytes * (uint64_t)d->threads;
  int64_t bytes;
  if (p->in[d->roles.w].fixed)
    step->hold_bytes = es_mul_i64(d->jobs.count * d->panels, d->panel_bytes, &bytes) ? bytes
                                                                                     : INT64_MAX;
  return ES_OK;
}

static es_status hold(es_step *step, const es_plan_env *env, void *const *base) {
  if (!step->hold_bytes) return ES_OK;
  es_direct_plan *d = step->data;
  const es_run_args args = {.base = base};
  char *held = es_arena_aligned(env->arena, (uint64_t)step->hold_bytes);
  if (!held) return ES_E_NOMEM;
  for (int64_t panel = 0; panel < d->jobs.count * d->panels; panel++) {
    job j = {.d = d};
    point_at(&j, &args, panel);
    for (int64_t b = 0; b < d->blocks; b++)
      pack(d, held + panel * d->panel_bytes + es_direct_packed(d, es_direct_block(d, b)), j.w, j.n,
           b);
  }
  d->held = held;
  step->held = 1 + d->roles.w;
  return ES_OK;
}

const es_strategy es_strategy_direct = {.name = "direct",
                                        .applicable = es_direct_applicable,
                                        .cost = es_direct_cost,
                                        .make = make,
                                        .print = print,
                                        .hold = hold};
