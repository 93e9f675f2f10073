/* Windows: folds over a few taps beside the output: depthwise convolution, pooling, filters of
 * images; and contractions whose outputs share rows of x that need no packing: 1x1 and grouped
 * convolutions, the first one of a network, products of rows. */
#include "base/checked.h"
#include "base/text.h"
#include "engine/strategies/strategies.h"
#include "engine/strategies/window.h"

enum { APART_BYTES = 32 << 10 }; /* rows of x taken apart, for a row of outputs */

/* What kernels take at once. */
enum { BLOCK_VECTORS = 4 };

typedef struct window {
  const es_kernels *kernels;
  es_window_roles roles;
  es_window_kernel full, edge, full_apart, edge_apart;
  es_window_fall_kernel full_fall, edge_fall, strip; /* strip NULL: the others */
  bool falls;                                        /* or the pieces are run one by one */
  es_window_fall_plan fall;
  int64_t planes; /* at most, to fall in one go */
  int slot[ES_WINDOW_SIDES];
  int64_t size, x_row, out_row; /* bytes */
  int64_t shares, w_share, out_share;
  /* Into how many parts a block of rows is cut: columns, at multiples of so many, or else shares,
   * so many each. */
  int64_t parts, part;
  bool by_columns;
  double count;
  int64_t units;
  int n_groups;
  es_window_group *group;
} window;

/* ---- running -------------------------------------------------------------------- */

/* What of a block of rows is computed: some shares, of some of the columns with every tap. */
typedef struct portion {
  int64_t share, shares, from, to;
  bool edges;
} portion;

/* Where part i of the columns begins: where it makes the parts most alike. */
static int64_t part_start(const window *w, int64_t i) {
  const int64_t columns = w->roles.to - w->roles.from, cut = w->part;
  const int64_t at = (columns * i / w->parts + cut / 2) / cut * cut;
  return w->roles.from + (i < w->parts ? at : columns);
}

static portion portion_of(const window *w, int64_t i) {
  if (!w->by_columns) {
    int64_t share = i * w->part, left = w->shares - share;
    return (portion){share, left < w->part ? left : w->part, w->roles.from, w->roles.to, true};
  }
  return (portion){
      .shares = w->shares, .from = part_start(w, i), .to = part_start(w, i + 1), .edges = i == 0};
}

/* The columns of some rows: t but for what moves along them. */
static void run_columns(const window *w, const es_window_piece *piece, const portion *some,
                        es_window_tile t, const es_window_kernel full, const es_window_kernel edge,
                        int64_t step) {
  const char *x = t.x, *by = t.w;
  char *out = t.out;
  int64_t by_step = w->roles.op == ES_WINDOW_PRODUCT ? w->size : 0;
  for (int e = 0; some->edges && e < w->roles.n_edges; e++) {
    const es_window_edge *at = &w->roles.edge[e];
    t.x = x + at->start * step * w->size;
    t.w = by + at->start * by_step;
    t.out = out + at->start * w->size;
    t.n = at->n;
    t.lanes = piece->lanes + e * piece->taps;
    if (piece->ends) {
      t.stops = piece->stops + e * piece->taps;
      t.ends = piece->ends + e * piece->taps;
    }
    edge(&t);
  }
  if (some->from == some->to) return;
  t.x = x + some->from * step * w->size;
  t.w = by + some->from * by_step;
  t.out = out + some->from * w->size;
  t.n = some->to - some->from;
  full(&t);
}

/* Row by row, with the rows of x that each sees taken apart. */
static void run_apart(const window *w, const es_window_piece *piece, const portion *some,
                      es_window_tile t) {
  _Alignas(ES_ALIGN) char apart[APART_BYTES];
  const char *x = t.x;
  const int64_t rows = t.rows;
  t.x = apart;
  t.x_at = piece->apart.x_at;
  t.rows = 1;
  for (int64_t row = 0; row < rows; row++, x += w->x_row, t.out += w->out_row) {
    es_window_apart_run(&piece->apart, w->kernels, (size_t)w->size, x, apart);
    run_columns(w, piece, some, t, w->full_apart, w->edge_apart, 1);
  }
}

/* Rows [from, from + rows) of a piece that begins at these addresses. */
static void run_piece(const window *w, const es_window_piece *piece, const portion *some,
                      char *const *at, int64_t from, int64_t rows) {
  es_window_tile t = {.x = at[ES_WINDOW_X] + piece->at[ES_WINDOW_X] + from * w->x_row,
                      .w = at[ES_WINDOW_W] + piece->at[ES_WINDOW_W],
                      .out = at[ES_WINDOW_OUT] + piece->at[ES_WINDOW_OUT] + from * w->out_row,
                      .x_row = w->x_row,
                      .out_row = w->out_row,
                      .rows = rows,
                      .shares = some->shares,
                      .w_share = w->w_share,
                      .out_share = w->out_share,
                      .taps = piece->taps,
                      .x_at = piece->x_at,
                      .w_at = piece->w_at,
                      .chain = piece->chain,
                      .count = w->count};
  if (piece->apart.bytes)
    run_apart(w, piece, some, t);
  else
    run_columns(w, piece, some, t, w->full, w->edge, w->roles.step);
}

/* A block of rows, which the pieces of the group share among them. */
static void run_block(const window *w, const es_window_group *g, const portion *some,
                      char *const *at, int64_t from, int64_t to) {
  int64_t start = 0;
  for (int i = 0; i < g->n_pieces; i++) {
    int64_t end = start + g->piece[i].rows;
    int64_t low = from > start ? from : start, high = to < end ? to : end;
    if (low < high) run_piece(w, &g->piece[i], some, at, low - start, high - low);
    start = end;
  }
}

/* The first row of x that outputs from row from on see. */
static int64_t first_read(const es_window_fall_plan *f, int64_t from) {
  int64_t top = f->down * from + f->base;
  return top > 0 ? top : 0;
}

/* What all vectors of the same rows of some planes share, after which left - planes more come. */
static es_window_fall fall_of(const window *w, const es_window_group *g, int64_t from, int64_t to,
                              int64_t planes, int64_t left) {
  const es_window_fall_plan *f = &w->fall;
  const int64_t *plane = g->outer.stride + (g->outer.n - 1) * g->outer.n_sides;
  int64_t first = first_read(f, from), end = f->down * (to - 1) + f->base + f->tap_rows;
  es_window_fall t = {.planes = planes,
                      .rows = to - from,
                      .x_row = f->x_row,
                      .w_row = f->w_row,
                      .out_row = w->out_row,
                      .reads = (end < f->extent ? end : f->extent) - first,
                      .lead = f->down * from + f->base + f->tap_rows - 1 - first,
                      .taps = f->row.taps,
                      .x_at = f->row.x_at,
                      .w_at = f->row.w_at,
                      .first_read = first,
                      .first_out = from,
                      .count = w->count,
                      .whole = left > f->beyond ? left - f->beyond : 0,
                      .w_dense = f->w_dense,
                      .far = f->far,
                      .pair = f->pair};
  if (g->outer.n > 0) { /* of one plane, too: the next one is asked for ahead */
    t.x_plane = plane[1 + w->roles.x] * w->size;
    t.w_plane = plane[1 + w->roles.w] * w->size;
    t.out_plane = plane[0] * w->size;
  }
  return t;
}

/* Those from this row of x on. */
static const es_window_end *ends_from(const es_window_ends *ends, int64_t row) {
  int64_t low = 0, high = ends->count;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (ends->end[middle].row < row)
      low = middle + 1;
    else
      high = middle;
  }
  return ends->count ? ends->end + low : NULL;
}

static void run_strips(const window *w, es_window_fall *t, const char *x, char *out) {
  for (int64_t i = 0; i < w->fall.n_strips; i++) {
    const es_window_strip *strip = &w->fall.strip[i];
    t->x = x + strip->x * w->size;
    t->out = out + strip->start * w->size;
    t->n = strip->n;
    t->lanes = strip->lanes;
    t->pick = strip->pick;
    t->ends = ends_from(&strip->ends, t->first_read);
    t->loads[0] = strip->loads[0];
    t->loads[1] = strip->loads[1];
    w->strip(t);
  }
}

/* The same rows of some planes. */
static void run_fall(const window *w, const es_window_group *g, char *const *at, int64_t from,
                     int64_t to, int64_t planes, int64_t left) {
  const es_window_fall_plan *f = &w->fall;
  const es_window_roles *roles = &w->roles;
  if (to > g->rows) to = g->rows;
  es_window_fall t = fall_of(w, g, from, to, planes, left);
  char *x = at[ES_WINDOW_X] + f->row.at[ES_WINDOW_X] + (first_read(f, from) - f->base) * f->x_row;
  char *out = at[ES_WINDOW_OUT] + f->row.at[ES_WINDOW_OUT] + from * w->out_row;
  t.w = at[ES_WINDOW_W] + f->row.at[ES_WINDOW_W];
  if (w->strip) {
    run_strips(w, &t, x, out);
    return;
  }
  for (int e = 0; e < roles->n_edges; e++) {
    t.x = x + roles->edge[e].start * w->size;
    t.out = out + roles->edge[e].start * w->size;
    t.n = roles->edge[e].n;
    t.lanes = f->row.lanes + e * t.taps;
    t.ends = ends_from(&f->edge_ends[e], t.first_read);
    w->edge_fall(&t);
  }
  if (roles->from == roles->to) return;
  t.x = x + roles->from * w->size;
  t.out = out + roles->from * w->size;
  t.n = roles->to - roles->from;
  t.ends = ends_from(&f->ends, t.first_read);
  w->full_fall(&t);
}

/* Planes one step apart, from the cursor on. */
static int64_t planes_left(const es_window_group *g, const es_cursor *c) {
  const int axis = g->outer.n - 1;
  return axis < 0 ? 1 : g->outer.extent[axis] - c->index[axis];
}

/* How many of these to take at once, of as many units. */
static int64_t run_of_planes(const window *w, const es_window_group *g, int64_t left,
                             int64_t units) {
  if (!w->falls || g->blocks > 1) return 1;
  const int64_t run = left < w->planes ? left : w->planes;
  return run < units ? run : units;
}

static void run_units(const window *w, const es_window_group *g, char *const *base, int64_t from,
                      int64_t to) {
  es_cursor c;
  char *at[ES_WINDOW_SIDES];
  int64_t blocks = g->blocks * w->parts, block = from % blocks;
  es_cursor_seek(&g->outer, &c, from / blocks);
  for (int64_t unit = from, some; unit < to; unit += some) {
    at[ES_WINDOW_OUT] = base[ES_WINDOW_OUT] + c.at[0] * w->size;
    at[ES_WINDOW_X] = base[ES_WINDOW_X] + c.at[1 + w->roles.x] * w->size;
    at[ES_WINDOW_W] = w->roles.w < 0 ? at[ES_WINDOW_X]
                                     : base[ES_WINDOW_W] + c.at[1 + w->roles.w] * w->size;
    const int64_t row = block / w->parts * g->block;
    const portion part = portion_of(w, block % w->parts);
    at[ES_WINDOW_W] += part.share * w->w_share;
    at[ES_WINDOW_OUT] += part.share * w->out_share;
    const int64_t left = planes_left(g, &c);
    some = run_of_planes(w, g, left, to - unit);
    if (w->falls)
      run_fall(w, g, at, row, row + g->block, some, left);
    else
      run_block(w, g, &part, at, row, row + g->block);
    if (++block < blocks) continue;
    block = 0;
    es_cursor_move(&g->outer, &c, g->outer.n - 1, some);
  }
}

static es_status task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  const window *w = step->data;
  char *base[ES_WINDOW_SIDES];
  for (int s = 0; s < ES_WINDOW_SIDES; s++) base[s] = args->base[w->slot[s]];
  int64_t start = 0;
  for (int i = 0; i < w->n_groups; i++) {
    int64_t end = start + w->group[i].outer.count * w->group[i].blocks * w->parts;
    int64_t low = from > start ? from : start, high = to < end ? to : end;
    if (low < high) run_units(w, &w->group[i], base, low - start, high - start);
    start = end;
  }
  return ES_OK;
}

static es_status run(const es_step *step, const es_run_args *args) {
  const window *w = step->data;
  return es_step_split(step, args, w->units, task);
}

static void print(const es_step *step, char *buf, size_t cap) {
  static const char *const type[] = {"f32", "f64", "f32 in f64"};
  const window *w = step->data;
  const es_problem *p = step->problem;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "window %s, %.6g outputs in rows of %lld over %lld taps", type[w->roles.type],
                 es_problem_outputs(p), (long long)p->extent[w->roles.along],
                 (long long)es_problem_taps(p));
  if (w->roles.share >= 0) es_text_printf(&t, ", %lld of the same x", (long long)w->shares);
  if (w->falls) es_text_puts(&t, ", down the rows");
  if (w->strip)
    es_text_printf(&t, "; strips: %lld%s", (long long)w->fall.n_strips,
                   w->fall.pair ? ", of two planes" : "");
  else if (w->roles.n_edges)
    es_text_printf(&t, "; edges: %d", w->roles.n_edges);
}

/* ---- choice --------------------------------------------------------------------- */

static bool applicable(const es_problem *p, const es_plan_env *env) {
  es_window_roles roles;
  return es_window_read(p, env, &roles);
}

/* Rows of x that stay in the first-level cache while their outputs are computed; but a
 * block computes the rows of taps at its ends for nothing. */
enum { BLOCK_BYTES = 16 << 10, BLOCK_ROWS = 32, SHARED_ROWS = 8 };

/* Whether taps lead from one row to the x of another. */
static bool rows_meet(const es_problem *p, const es_window_roles *roles) {
  const int64_t *stride = p->in[roles->x].stride;
  for (int a = p->n_out; a < p->rank; a++)
    if (stride[a] == stride[roles->row]) return true;
  return false;
}

/* Rows, each of its own x, of which that of one chain stays in the first-level cache for all
 * shares; but at least as many as the kernel takes at once. */
static int64_t shared_rows(const es_problem *p, const window *w, const es_window_group *g) {
  const int64_t lanes = w->roles.lanes;
  const int64_t vectors = es_ceil_div(p->extent[w->roles.along], lanes);
  int64_t most = 1; /* a piece that only a fill reaches has no taps */
  for (int i = 0; i < g->n_pieces; i++) {
    const es_window_piece *piece = &g->piece[i];
    const int64_t taps = piece->taps < piece->chain ? piece->taps : piece->chain;
    if (taps > most) most = taps;
  }
  const int64_t least = vectors > 2 ? 1 : 4 / vectors,
                fit = ES_WINDOW_SHARED_BYTES / (most * vectors * lanes * w->size);
  return fit > least ? fit : least;
}

static void cut_blocks(const es_problem *p, const es_plan_env *env, window *w) {
  int64_t row = p->extent[w->roles.along] * w->roles.step * w->size;
  for (int i = 0; i < w->n_groups; i++) {
    es_window_group *g = &w->group[i];
    g->block = BLOCK_BYTES / row > BLOCK_ROWS ? BLOCK_BYTES / row : BLOCK_ROWS;
    if (w->roles.share >= 0 && w->roles.step == 2) g->block = SHARED_ROWS;
    if (w->roles.step == 1 && w->shares > ES_WINDOW_AT_ONCE && w->roles.row >= 0 &&
        !rows_meet(p, &w->roles))
      g->block = shared_rows(p, w, g);
    if (g->block > g->rows) g->block = g->rows;
    while (g->block > 1 && g->outer.count * ((g->rows + g->block - 1) / g->block) < env->threads)
      g->block /= 2;
    g->blocks = (g->rows + g->block - 1) / g->block;
    w->units += g->outer.count * g->blocks;
  }
}

/* The fewest outputs that share a part of x which is cut only to ask for cancel; and of these, and
 * of a part beyond one for each thread, whose first outputs read x where the others find it kept.
 */
enum { ASK_SHARES = 64, LONG_SHARES = 96 };

/* Into how many parts threads want rows that are too few for them to be cut, of which there are so
 * many blocks of columns: by columns, where each thread has some. */
static int64_t parts_wanted(const window *w, int64_t blocks, int64_t threads) {
  const int64_t by_columns = blocks / 2 / threads * threads, by_shares = w->shares / LONG_SHARES;
  if (threads == 1 || w->units >= 4 * threads) return 1;
  const int64_t most = 4 * threads / w->units;
  if (by_columns && most > by_columns) return by_columns;
  if (most <= threads || most <= by_shares) return most;
  return by_shares > threads ? by_shares : threads;
}

/* Where rows are too few for all threads, or a product is too long to be asked only once: by
 * columns, since a part then reads its part of x alone; else by shares, a multiple of what a kernel
 * takes at once. */
static void cut_parts(const es_plan_env *env, const es_problem *p, window *w) {
  const bool shared = w->roles.share >= 0;
  const int64_t blocks = (w->roles.to - w->roles.from) / (BLOCK_VECTORS * w->roles.lanes);
  int64_t wanted = parts_wanted(w, blocks, env->threads);
  int64_t asked = 1;
  if (shared && w->roles.row < 0)
    asked = (int64_t)(es_problem_points(p) / (double)w->units / ES_STEP_ASK) + 1;
  w->by_columns = shared && (wanted > 1 ? blocks >= 2 * wanted : asked > 1 && blocks > 1);
  const int64_t most = w->by_columns ? blocks : w->shares / ASK_SHARES;
  if (asked > 1) asked = es_ceil_div(asked, env->threads) * env->threads;
  if (asked > most) asked = most;
  if (wanted < asked) wanted = asked;
  w->part = (w->shares + wanted - 1) / wanted;
  w->part += (ES_WINDOW_AT_ONCE - w->part % ES_WINDOW_AT_ONCE) % ES_WINDOW_AT_ONCE;
  w->parts = (w->shares + w->part - 1) / w->part;
  if (w->by_columns) {
    const int vectors = wanted > env->threads ? BLOCK_VECTORS : BLOCK_VECTORS / 2;
    w->part = vectors * w->roles.lanes;
    w->parts = wanted;
  }
  w->units *= w->parts;
}

/* Strips, of two planes where these share a vector; but where vectors are full and taps few,
 * loading these anew costs less than picking them. */
static es_status choose_strips(const es_problem *p, const es_plan_env *env, window *w) {
  es_window_fall_plan *f = &w->fall;
  es_window_fall_kernel strip =
      env->kernels->window->strip[w->roles.type][f->down - 1][f->tap_rows];
  if (!strip) return ES_OK;
  f->pair = true;
  if (!es_window_strips(env->arena, p, &w->roles, f)) return ES_E_NOMEM;
  if (!f->n_strips) {
    f->pair = false;
    bool few = f->row.taps * f->tap_rows <= 9 && w->roles.from < w->roles.to;
    if (few && f->down == 1 && w->roles.step == 1) return ES_OK;
    if (!es_window_strips(env->arena, p, &w->roles, f)) return ES_E_NOMEM;
  }
  if (!f->n_strips) return ES_OK;
  w->strip = strip;
  const es_axes *outer = &w->group->outer;
  const int64_t x_plane =
      outer->n ? outer->stride[(outer->n - 1) * outer->n_sides + 1 + w->roles.x] * w->size : 0;
  f->beyond = es_window_beyond(p, &w->roles, f, x_plane);
  return ES_OK;
}

static es_status make_fall(const es_problem *p, const es_plan_env *env, window *w) {
  const es_window_kernels *k = env->kernels->window;
  const es_window_roles *r = &w->roles;
  if (r->share >= 0 || !es_window_falls(p, r, &w->fall)) return ES_OK;
  if (w->fall.tap_rows < 2 || w->fall.tap_rows > ES_WINDOW_FALL) return ES_OK;
  if (!es_window_fall_row(env->arena, p, r, &w->fall)) return ES_E_NOMEM;
  w->fall.far = es_problem_side_bytes(p, &p->in[r->x]) > ES_WINDOW_FAR;
  ES_TRY(choose_strips(p, env, w));
  if (w->fall.down == 1 && r->step == 1) {
    w->full_fall = k->full_fall[r->type][w->fall.tap_rows];
    w->edge_fall = k->edge_fall[r->type][w->fall.tap_rows];
  }
  w->falls = w->strip || w->full_fall;
  int64_t bytes = p->extent[r->row] * w->fall.down * p->extent[r->along] * r->step * w->size;
  bool once = w->strip ? w->fall.n_strips == 1 : r->n_edges + (r->from < r->to) == 1;
  w->planes = once ? INT64_MAX : bytes < BLOCK_BYTES ? BLOCK_BYTES / bytes : 1;
  return ES_OK;
}

/* Where many outputs share a row of x, and it fits. */
static es_status take_apart(const es_problem *p, const es_plan_env *env, window *w) {
  const es_window_kernels *k = env->kernels->window;
  const int64_t shares = w->by_columns ? w->shares : w->part;
  if (w->roles.step != 2 || shares < ES_WINDOW_APART_SHARES) return ES_OK;
  w->full_apart = k->full[w->roles.type][w->roles.op][0];
  w->edge_apart = k->edge[w->roles.type][w->roles.op][0];
  for (int i = 0; i < w->n_groups; i++)
    for (int j = 0; j < w->group[i].n_pieces; j++) {
      es_window_piece *piece = &w->group[i].piece[j];
      if (!es_window_apart_make(env->arena, p, &w->roles, piece)) return ES_E_NOMEM;
      if (piece->apart.bytes > APART_BYTES) piece->apart.bytes = 0;
    }
  return ES_OK;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  window *w = ES_NEW(env->arena, window);
  if (!w) return ES_E_NOMEM;
  w->kernels = env->kernels;
  es_window_read(p, env, &w->roles);
  if (!es_window_groups(env->arena, p, &w->roles, &w->n_groups, &w->group)) return ES_E_NOMEM;
  const es_window_roles *r = &w->roles;
  const es_window_kernels *k = env->kernels->window;
  w->full = k->full[r->type][r->op][r->step - 1];
  w->edge = k->edge[r->type][r->op][r->step - 1];
  w->size = (int64_t)es_dtype_size(p->out.dtype);
  w->slot[ES_WINDOW_OUT] = p->out.slot;
  w->slot[ES_WINDOW_X] = p->in[r->x].slot;
  w->slot[ES_WINDOW_W] = p->in[r->w < 0 ? r->x : r->w].slot;
  w->x_row = r->row < 0 ? 0 : p->in[r->x].stride[r->row] * w->size;
  w->out_row = r->row < 0 ? 0 : p->out.stride[r->row] * w->size;
  w->shares = r->share < 0 ? 1 : p->extent[r->share];
  w->w_share = r->share < 0 ? 0 : p->in[r->w].stride[r->share] * w->size;
  w->out_share = r->share < 0 ? 0 : p->out.stride[r->share] * w->size;
  w->count = p->reduce == ES_REDUCE_MEAN ? p->mean_count : 1;
  cut_blocks(p, env, w);
  cut_parts(env, p, w);
  ES_TRY(take_apart(p, env, w));
  ES_TRY(make_fall(p, env, w));
  step->run = run;
  step->data = w;
  return ES_OK;
}

const es_strategy es_strategy_window = {.name = "window",
                                        .applicable = applicable,
                                        .cost = es_window_cost,
                                        .make = make,
                                        .print = print};
