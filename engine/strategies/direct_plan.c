/* Direct convolution: which layers, how they are cut, and the tables of a plan. */
#include "engine/strategies/direct.h"

#include <math.h>

#include "base/checked.h"
#include "engine/strategies/gemm.h"

enum {
  BLOCK_TAPS = 256,        /* of a panel, 32 KiB: in the first-level cache until used up */
  STATE_BYTES = 512 << 10, /* open chains and sums of the rows of a chunk */
  MOST_TAPS = 1 << 15,
  MOST_TABLE = 1 << 19,  /* taps of all pieces: what tables hold */
  UNIT_POINTS = 1 << 27, /* multiply-adds between two looks at cancel: milliseconds */
  TASK_POINTS = 1 << 20, /* multiply-adds below which chunks are not cut for threads */
  CHANNELS_OF_BOXES = 4, /* fewer are better served box by box */
  LINE = 64,
  NEAR_X = 1 << 20, /* bytes of x that stay in the second-level cache */
  TILE_BEGINS = 60, /* cycles, for each block of taps */
  TILE_STORED = 20,
  TAP_LOADS = 6, /* of a tap beside x and weights: where these are, and what is asked for */
  JOB_BEGINS = 300,
  ASKED_TAPS = 128 /* while which lines of results come: fewer were measured to be held up */
};

/* ---- which ----------------------------------------------------------------------- */

static bool moved(const es_problem *p, const es_window_roles *roles, int axis) {
  return p->in[roles->w].stride[axis] != 0;
}

/* Rows that constraints cut share their weights. */
static bool weights_stay(const es_problem *p, const es_window_roles *roles) {
  for (int i = 0; i < p->n_constraints; i++)
    for (int a = 0; a < p->n_out; a++)
      if (p->constraint[i].coef[a] && moved(p, roles, a)) return false;
  return true;
}

/* As many outputs as their channels leave lanes for, which make a tile nevertheless. */
static int64_t abreast_of(const es_problem *p, const es_window_roles *roles) {
  const int64_t channels = p->extent[roles->share], columns = p->extent[roles->along];
  for (int64_t n = roles->step == 1 ? ES_DIRECT_ABREAST : 1; n > 1; n /= 2)
    if (channels <= roles->lanes / n && columns >= (ES_DIRECT_LEAST - 1) * n + 1) return n;
  return 1;
}

/* Taps may be absent for the outputs at the ends of a row that the kernels ask. */
static bool read(const es_problem *p, const es_plan_env *env, es_window_roles *roles) {
  const es_direct_kernels *k = env->kernels->direct;
  if (!k->lanes || p->n_in != 2 || p->reduce != ES_REDUCE_SUM || !es_window_axes(p, roles))
    return false;
  const int64_t columns = p->extent[roles->along];
  roles->lanes = k->lanes;
  if (roles->type != ES_WINDOW_F32 || roles->op != ES_WINDOW_SCALE || roles->share < 0)
    return false;
  if (p->n_constraints && p->extent[roles->share] < CHANNELS_OF_BOXES) return false;
  const int64_t n = abreast_of(p, roles), last = es_ceil_div(columns, n) - ES_DIRECT_ENDS;
  return !moved(p, roles, roles->along) && es_problem_taps(p) <= MOST_TAPS &&
         columns >= ES_DIRECT_LEAST && roles->from < roles->to &&
         roles->from <= ES_DIRECT_ENDS * n && roles->to >= last * n && weights_stay(p, roles);
}

bool es_direct_applicable(const es_problem *p, const es_plan_env *env) {
  es_window_roles roles;
  const int boxes = (int)fmin(ES_WINDOW_BOXES, MOST_TABLE / fmax(1, es_problem_taps(p)));
  return read(p, env, &roles) && es_window_rows_split(p, env, &roles, boxes);
}

/* Vectors of outputs of a row, abreast. */
static int64_t height_of(const es_problem *p, const es_window_roles *roles) {
  return es_ceil_div(p->extent[roles->along], abreast_of(p, roles));
}

static int64_t tiles_of(int64_t height) { return es_ceil_div(height, ES_DIRECT_MOST); }

static int64_t width_of(int64_t channels, int64_t lanes) {
  return channels <= lanes ? lanes : ES_DIRECT_VECTORS * lanes;
}

/* As many as there are registers for. */
static int64_t tile_rows(const es_problem *p, const es_window_roles *roles) {
  if (roles->row < 0) return 1;
  const int64_t row = height_of(p, roles), height = es_ceil_div(row, tiles_of(row));
  const int64_t vectors = width_of(p->extent[roles->share], roles->lanes) / roles->lanes;
  const int64_t most = ES_DIRECT_SUMS / (height * vectors), rows = p->extent[roles->row];
  return rows < most ? rows : most;
}

/* The part of all taps that is not absent: of a constraint on one output and one reduced axis. */
static double present(const es_problem *p, const es_constraint *c) {
  int out = -1, reduced = -1;
  double all = 0;
  for (int a = 0; a < p->rank; a++)
    if (c->coef[a]) *(a < p->n_out ? &out : &reduced) = a;
  if (out < 0 || reduced < 0 || c->coef[out] < 1) return 1;
  const double step = (double)c->coef[out], most = (double)p->extent[out] - 1;
  for (int64_t r = 0; r < p->extent[reduced]; r++) {
    const double at = (double)c->base + (double)c->coef[reduced] * (double)r;
    all += fmax(0, fmin(most, floor(((double)c->extent - 1 - at) / step)) -
                       fmax(0, ceil(-at / step)) + 1);
  }
  return all / ((double)p->extent[reduced] * (most + 1));
}

static int64_t blocks_of(const es_problem *p) {
  return es_ceil_div((int64_t)es_problem_taps(p), BLOCK_TAPS + BLOCK_TAPS / 4);
}

/* Whether outputs in steps of two pass over elements of x that no other one sees. */
static bool passes_over(const es_problem *p, const es_window_roles *roles) {
  for (int a = p->n_out; a < p->rank; a++)
    if (p->in[roles->x].stride[a] == 1) return false;
  return roles->step > 1;
}

/* Seconds until the lines of x have come for every panel, beyond what is hidden: the next ones are
 * asked for, a line a step, which is too few for steps of two. */
static double x_seconds(const es_problem *p, const es_window_roles *roles, double panels) {
  const double bytes = es_problem_side_bytes(p, &p->in[roles->x]) * (passes_over(p, roles) ? 2 : 1);
  return bytes > (roles->step == 1 ? ES_WINDOW_FAR : NEAR_X) ? bytes / LINE * panels * 2e-9 : 0;
}

/* Panels of weights, each of which is used for all rows. */
static double jobs_of(const es_problem *p, const es_window_roles *roles, double panels) {
  double jobs = panels;
  for (int a = 0; a < p->n_out; a++)
    if (a != roles->share && moved(p, roles, a)) jobs *= (double)p->extent[a];
  return jobs;
}

/* Cycles: of two multiply-adds and two loads each, with a latency of four to hide; at 3 GHz, as
 * the contraction counts. */
double es_direct_cost(const es_problem *p, const es_plan_env *env) {
  es_window_roles roles;
  if (!read(p, env, &roles)) return INFINITY;
  const double taps = es_problem_taps(p), outputs = es_problem_outputs(p);
  const double columns = (double)p->extent[roles.along], channels = (double)p->extent[roles.share];
  const double width = (double)width_of(p->extent[roles.share], roles.lanes);
  const int64_t row = height_of(p, &roles);
  const double tiles = (double)tiles_of(row) / (double)tile_rows(p, &roles);
  const double vectors = width / (double)roles.lanes, panels = ceil(channels / width);
  const double height = (double)row / tiles, calls = outputs / columns / channels * panels * tiles;
  const double step = fmax(fmax(height * vectors, height + vectors + TAP_LOADS) / 2, 4);
  const double jobs = jobs_of(p, &roles, panels);
  const double rows = outputs / columns / channels / (jobs / panels);
  double part = 1;
  for (int i = 0; i < p->n_constraints; i++) part *= present(p, &p->constraint[i]);
  double cycles = calls *
                      (taps * part * step + TILE_BEGINS * ceil(taps / BLOCK_TAPS) + TILE_STORED) +
                  jobs * JOB_BEGINS + outputs * 0.4;
  double elements = es_problem_side_bytes(p, &p->in[roles.w]) / sizeof(float);
  if (!p->in[roles.w].fixed) cycles += elements * 0.35;
  double bytes = es_problem_side_bytes(p, &p->in[0]) + es_problem_side_bytes(p, &p->in[1]) +
                 2 * es_problem_side_bytes(p, &p->out);
  const double threads = fmin(env->threads, jobs * fmax(1, ceil(rows)));
  double compute = (cycles / 3e9 + x_seconds(p, &roles, panels)) / threads;
  double memory = bytes / 2e10;
  return 2e-7 + fmax(compute, memory) + fmin(compute, memory) / 4;
}

/* ---- kinds of tiles ---------------------------------------------------------------- */

/* Tiles at the ends of a row may miss taps, those between them do not; each kind is an edge, and
 * has its tables. */
static int add_kind(es_direct_plan *d, int64_t start, int64_t n) {
  d->roles.edge[d->roles.n_edges] = (es_window_edge){start, n};
  return d->roles.n_edges++;
}

static void choose_kinds(es_direct_plan *d) {
  es_window_roles *r = &d->roles;
  const int64_t columns = d->problem->extent[r->along], last = es_direct_start(d, d->tiles - 1);
  const bool starts = r->from > 0, ends = r->to < columns || columns % d->abreast;
  r->n_edges = 0;
  if (d->tiles > 2 || !starts || !ends)
    d->kind[1] = add_kind(d, r->from, ES_DIRECT_MOST * d->abreast);
  d->kind[0] = starts ? add_kind(d, 0, es_direct_start(d, 1)) : d->kind[1];
  d->kind[2] = ends ? add_kind(d, last, columns - last) : d->kind[1];
  if (d->tiles == 1) d->kind[0] = starts ? d->kind[0] : d->kind[2];
}

/* ---- tables ----------------------------------------------------------------------- */

/* The nest as pieces see it: without the axes of jobs, and with the weights as they are packed. */
static es_problem *packed_nest(es_arena *arena, const es_direct_plan *d) {
  es_problem *q = es_problem_copy(arena, d->problem);
  if (!q) return NULL;
  es_side *w = &q->in[d->roles.w];
  int64_t stride = d->width;
  w->offset = 0;
  for (int a = q->rank - 1; a >= 0; a--) {
    if (a < q->n_out && a != d->roles.share && w->stride[a]) q->extent[a] = 1;
    w->stride[a] = a < q->n_out ? 0 : stride;
    if (a >= q->n_out) stride *= q->extent[a];
  }
  return q;
}

/* Steps of a piece before each block of taps; both rise. Weights count from the block's first. */
static void cut_steps(const es_direct_plan *d, es_window_piece *piece, int64_t *uses) {
  int64_t step = 0;
  for (int64_t b = 0; b < d->blocks; b++) {
    const int64_t start = es_direct_packed(d, es_direct_block(d, b));
    const int64_t end = es_direct_packed(d, es_direct_block(d, b + 1));
    for (uses[b] = step; step < piece->taps; step++) {
      const int64_t at = piece->at[ES_WINDOW_W] + piece->w_at[step];
      if (at >= end) break;
      piece->w_at[step] = at - start;
    }
  }
  uses[d->blocks] = piece->taps;
}

/* Lines of x that the tile of the next rows reads and the tile at hand does not, counted as x_at
 * is, from these rows on. At most one a step: where that brings none, the last one again. */
static int64_t *next_lines(es_arena *arena, const es_direct_plan *d, const es_window_piece *piece) {
  const int64_t *x_at = piece->x_at, next = d->tile_rows * d->x_row;
  const int64_t adjoin = d->x_row <= 2 * LINE ? next - d->x_row : 0; /* rows of the tile */
  const int64_t row = es_direct_start(d, 1) * d->roles.step * (int64_t)sizeof(float);
  int64_t *at = ES_NEW_N(arena, int64_t, piece->taps + 1), line = -LINE, same = 0;
  for (int64_t i = 0; at && i < piece->taps; at[i++] = line) {
    while (same < piece->taps && x_at[same] < x_at[i] + next) same++;
    if (same < piece->taps && x_at[same] == x_at[i] + next) continue; /* of the tile at hand */
    const int64_t end = x_at[i] + adjoin + row;
    if (line + LINE <= x_at[i] || line >= end)
      line = x_at[i];
    else if (line + LINE < end)
      line += LINE;
  }
  return at;
}

static bool make_groups(es_arena *arena, es_direct_plan *d, bool after) {
  es_problem *q = packed_nest(arena, d);
  if (!q || !es_window_groups(arena, q, &d->roles, &d->n_groups, &d->group)) return false;
  int64_t pieces = 0;
  d->first_piece = ES_NEW_N(arena, int64_t, d->n_groups);
  if (!d->first_piece) return false;
  for (int i = 0; i < d->n_groups; i++) {
    d->first_piece[i] = pieces;
    pieces += d->group[i].n_pieces;
    d->rows += d->group[i].outer.count * d->group[i].rows;
  }
  d->uses = ES_NEW_N(arena, int64_t, pieces * (d->blocks + 1));
  d->next_at = after ? ES_NEW_N(arena, int64_t *, pieces) : NULL;
  if (!d->uses || (after && !d->next_at)) return false;
  for (int i = 0; i < d->n_groups; i++)
    for (int j = 0; j < d->group[i].n_pieces; j++) {
      const int64_t number = d->first_piece[i] + j;
      es_window_piece *piece = &d->group[i].piece[j];
      cut_steps(d, piece, d->uses + number * (d->blocks + 1));
      if (!after) continue;
      d->next_at[number] = next_lines(arena, d, piece);
      if (!d->next_at[number]) return false;
    }
  return true;
}

static bool make_weights(es_arena *arena, const es_problem *p, es_direct_plan *d) {
  const int64_t size = (int64_t)sizeof(float);
  const es_side *w = &p->in[d->roles.w];
  int list[ES_MAX_RANK], n = 0;
  for (int a = 0; a < p->n_out; a++)
    if (a != d->roles.share && moved(p, &d->roles, a)) list[n++] = a;
  d->w_at = ES_NEW_N(arena, int64_t, d->taps);
  d->w_channel = ES_NEW_N(arena, int64_t, d->width);
  if (!es_axes_make(arena, p, list, n, &d->jobs)) return false;
  if (!d->w_at || !d->w_channel) return false;
  d->along = true;
  es_offsets_fill(p->rank - p->n_out, p->extent + p->n_out, w->stride + p->n_out, size, d->w_at);
  for (int64_t t = 1; t < d->taps; t++) d->along &= d->w_at[t] - d->w_at[t - 1] == size;
  for (int64_t c = 0; c < d->width; c++)
    d->w_channel[c] = c / d->abreast * w->stride[d->roles.share] * size;
  return true;
}

/* What the next block of weights takes: a few lines of each channel, or of the panel that is
 * packed for good. Tiles may ask for a few more. */
static bool make_ahead(es_arena *arena, es_direct_plan *d, bool held) {
  const int64_t size = (int64_t)sizeof(float), taps = es_ceil_div(d->taps, d->blocks);
  const int64_t bytes = taps * (held ? d->width : 1) * size,
                lines = es_ceil_div(bytes, LINE) + !held;
  const int64_t channels = held ? 1 : d->channels < d->width ? d->channels : d->width;
  d->ahead_lines = held || d->along ? lines * channels : 0;
  d->ahead_at = ES_NEW_N(arena, int64_t, d->ahead_lines + taps + 1);
  if (!d->ahead_at) return false;
  for (int64_t i = 0; i < d->ahead_lines; i++)
    d->ahead_at[i] = (held ? 0 : d->w_channel[i / lines * d->abreast]) + i % lines * LINE;
  for (int64_t i = d->ahead_lines; d->ahead_lines && i < d->ahead_lines + taps + 1; i++)
    d->ahead_at[i] = d->ahead_at[d->ahead_lines - 1];
  return true;
}

/* ---- cuts ------------------------------------------------------------------------ */

/* Rows of a chunk, where there are so many: whole tiles of rows. */
static int64_t chunk_rows(const es_direct_plan *d, int64_t chunks) {
  return es_ceil_div(es_ceil_div(d->rows, chunks), d->tile_rows) * d->tile_rows;
}

/* Of least to most chunks the number, the largest of equals, that leaves the fewest rows to the
 * thread that has most of them. */
static int64_t fairest(const es_direct_plan *d, int64_t jobs, int64_t least, int64_t most) {
  int64_t best = most, fewest = INT64_MAX;
  for (int64_t chunks = most; chunks >= least; chunks--) {
    const int64_t rows = chunk_rows(d, chunks), tasks = jobs * es_ceil_div(d->rows, rows);
    const int64_t load = es_ceil_div(tasks, d->threads) * rows;
    if (load < fewest) fewest = load, best = chunks;
  }
  return best;
}

/* Rows are cut until their sums stay near, and every thread has some. */
static void cut_chunks(es_direct_plan *d) {
  const int64_t state = 2 * d->tiles * d->slot_bytes, jobs = d->jobs.count * d->panels;
  double points = es_problem_points(d->problem), tasks = fmin(4 * d->threads, points / TASK_POINTS);
  int64_t most = d->blocks > 1 ? STATE_BYTES / state : d->rows,
          columns = d->problem->extent[d->roles.along];
  most = (int64_t)fmax(
      2, fmin((double)most, UNIT_POINTS / ((double)columns * (double)d->width * (double)d->taps)));
  d->chunks = es_ceil_div(d->rows, most);
  if (d->threads > 1 && (double)jobs < tasks) {
    const int64_t wanted = (int64_t)fmin(ceil(tasks / (double)jobs), (double)d->rows);
    if (wanted > d->chunks) d->chunks = fairest(d, jobs, d->chunks, wanted);
  }
  d->chunk = chunk_rows(d, d->chunks);
  d->chunks = es_ceil_div(d->rows, d->chunk);
}

/* A panel that is used once is packed block by block into the same place. */
static void set_room(es_direct_plan *d, bool held) {
  const int64_t slots = d->blocks > 1 ? d->chunk * d->tiles : d->tile_rows;
  const int64_t taps = d->chunks > 1 || held ? d->taps : es_ceil_div(d->taps, d->blocks);
  const int64_t beyond = ES_DIRECT_STORED * d->width * (int64_t)sizeof(float); /* the last sums */
  d->panel_bytes = (es_direct_packed(d, taps) + 2 * ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN;
  d->sums_at = ES_ALIGN + (held ? 0 : (uint64_t)d->panel_bytes);
  d->open_at = d->sums_at + (uint64_t)(slots * d->slot_bytes + beyond);
  d->worker_bytes = d->open_at + (uint64_t)(slots * d->slot_bytes);
}

es_direct_plan *es_direct_plan_make(const es_problem *p, const es_plan_env *env) {
  const int64_t size = (int64_t)sizeof(float);
  es_direct_plan *d = ES_NEW(env->arena, es_direct_plan);
  if (!d || !read(p, env, &d->roles)) return NULL;
  const es_window_roles *r = &d->roles;
  d->problem = p;
  d->kernels = env->kernels;
  d->threads = env->threads;
  d->slot[ES_WINDOW_OUT] = p->out.slot;
  d->slot[ES_WINDOW_X] = p->in[r->x].slot;
  d->slot[ES_WINDOW_W] = p->in[r->w].slot;
  d->x_row = r->row < 0 ? 0 : p->in[r->x].stride[r->row] * size;
  d->out_row = r->row < 0 ? 0 : p->out.stride[r->row] * size;
  d->out_channel = p->out.stride[r->share] * size;
  d->abreast = abreast_of(p, r);
  d->tiles = tiles_of(height_of(p, r));
  d->tile_rows = tile_rows(p, r);
  d->channels = p->extent[r->share];
  d->width = width_of(d->channels, r->lanes);
  d->panels = es_ceil_div(d->channels, d->width);
  d->taps = (int64_t)es_problem_taps(p);
  d->blocks = blocks_of(p);
  d->slot_bytes = es_ceil_div(height_of(p, r), d->tiles) * d->width * size;
  d->far_out = d->taps >= ASKED_TAPS && es_problem_side_bytes(p, &p->out) > ES_GEMM_Y_BLOCK;
  choose_kinds(d);
  if (!make_weights(env->arena, p, d)) return NULL;
  const bool far = es_problem_side_bytes(p, &p->in[r->x]) > ES_GEMM_Y_BLOCK;
  const bool after = far && d->x_row && d->jobs.count == 1;
  d->far_x = far && !after && d->blocks == 1;
  if (!make_groups(env->arena, d, after)) return NULL;
  if (!make_ahead(env->arena, d, p->in[r->w].fixed)) return NULL;
  cut_chunks(d);
  set_room(d, p->in[r->w].fixed);
  return d;
}
