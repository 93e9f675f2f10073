/* Contraction: which axes are what, their offsets, and the boxes of constraints. */
#include "engine/boxes.h"
#include "engine/cursor.h"
#include "engine/strategies/gemm.h"

enum {
  /* Axes with more points have their offsets filled in per block; k, of which a block may do
   * little work, is given more. */
  TABLE_POINTS = 4096,
  TABLE_K = 32768,
};

es_gemm_group es_gemm_group_of(const es_problem *p, int x, int axis) {
  if (axis >= p->n_out) return ES_GEMM_K;
  bool in_x = p->in[x].stride[axis] != 0, in_y = p->in[1 - x].stride[axis] != 0;
  return in_x && in_y ? ES_GEMM_BATCH : in_y ? ES_GEMM_N : ES_GEMM_M;
}

int es_gemm_last_axis(const es_problem *p, int x, es_gemm_group group) {
  int a = p->rank - 1;
  while (a >= 0 && es_gemm_group_of(p, x, a) != group) a--;
  return a;
}

void es_gemm_counts(const es_problem *p, int x, int64_t *count) {
  for (int g = 0; g < ES_GEMM_GROUPS; g++) count[g] = 1;
  for (int a = 0; a < p->rank; a++) /* no overflow: applicable() multiplied all extents */
    count[es_gemm_group_of(p, x, a)] *= p->extent[a];
}

bool es_gemm_runs_along(const es_problem *p, int x, const es_side *side, es_gemm_group group) {
  for (int a = p->rank - 1; a >= 0; a--)
    if (es_gemm_group_of(p, x, a) == group && (side->stride[a] != 0 || group != ES_GEMM_K))
      return side->stride[a] == 1 && p->extent[a] >= 4;
  return false;
}

int64_t es_gemm_row_step(const es_gemm_plan *g, const es_side *side) {
  int a = g->m_last < 0 ? es_gemm_last_axis(g->problem, g->x.in, ES_GEMM_M) : g->m_last;
  return a < 0 ? 0 : side->stride[a];
}

/* ---- offsets ------------------------------------------------------------------ */

void es_gemm_offsets(const es_gemm_axes *axes, es_gemm_side side, int64_t from, int64_t count,
                     int64_t *out) {
  int64_t index[ES_GEMM_MAX_AXES + 2];
  uint64_t base = 0, stride[ES_GEMM_MAX_AXES + 2]; /* modulo 2^64, as es_side_begin() */
  int last = axes->n - 1;
  if (last < 0) {
    for (int64_t i = 0; i < count; i++) out[i] = 0;
    return;
  }
  for (int a = last; a >= 0; a--) {
    stride[a] = (uint64_t)axes->stride[side][a];
    index[a] = axes->extent[a] ? from % axes->extent[a] : 0;
    from = axes->extent[a] ? from / axes->extent[a] : 0;
    base += (uint64_t)index[a] * stride[a];
  }
  for (int64_t i = 0; i < count;) {
    int64_t run = axes->extent[last] - index[last];
    if (run > count - i) run = count - i;
    for (int64_t r = 0; r < run; r++) out[i + r] = (int64_t)(base + (uint64_t)r * stride[last]);
    i += run;
    index[last] += run;
    base += (uint64_t)run * stride[last];
    for (int a = last; a > 0 && index[a] == axes->extent[a]; a--) {
      base += stride[a - 1] - (uint64_t)index[a] * stride[a];
      index[a] = 0;
      index[a - 1]++;
    }
  }
}

/* Sets of sides. */
enum { X = 1 << ES_GEMM_X, Y = 1 << ES_GEMM_Y, C = 1 << ES_GEMM_C, PACKED = 1 << ES_GEMM_PACKED };

static bool fill_tables(es_arena *arena, es_gemm_axes *axes, int64_t most, int sides) {
  if (axes->count > most) return true;
  for (int s = 0; s < ES_GEMM_SIDES; s++) {
    if (!(sides >> s & 1)) continue;
    if (!(axes->table[s] = ES_ROOM_N(arena, int64_t, axes->count))) return false;
    es_offsets_fill(axes->n, axes->extent, axes->stride[s], 1, axes->table[s]);
  }
  return true;
}

/* ---- making them ---------------------------------------------------------------- */

/* An axis, or a part of it: every times-th index. */
typedef struct piece {
  int axis;
  int64_t extent, times;
} piece;

static int list_pieces(const es_gemm_plan *g, es_gemm_group group, const es_problem *box,
                       piece *list) {
  int n = 0, last = group == ES_GEMM_M ? g->m_last : group == ES_GEMM_N ? g->n_last : -1;
  int u = group == ES_GEMM_N ? g->u : -1, v = group == ES_GEMM_N ? g->v : -1;
  for (int a = 0; a < g->problem->rank; a++)
    if (a != last && a != u && a != v && es_gemm_group_of(g->problem, g->x.in, a) == group)
      list[n++] = (piece){a, box->extent[a], 1};
  if (u >= 0) {
    list[n++] = (piece){u, box->extent[u] / g->u_part, g->u_part};
    list[n++] = (piece){last, box->extent[last] / g->n_part, g->n_part};
    list[n++] = (piece){u, g->u_part, 1};
    list[n++] = (piece){last, g->n_part, 1};
  } else if (v >= 0) {
    list[n++] = (piece){last, box->extent[last] / g->run, g->run};
    list[n++] = (piece){v, box->extent[v], 1};
    list[n++] = (piece){last, g->run, 1};
  } else if (last >= 0) {
    list[n++] = (piece){last, box->extent[last], 1};
  }
  return n;
}

/* The axes of one group, with extents from box and strides from p; side[s] is the
 * problem's side for each of X, Y, C; tables for those of `sides`. */
static bool make_axes(es_arena *arena, const es_gemm_plan *g, es_gemm_group group,
                      const es_problem *box, const es_side *const side[ES_GEMM_SIDES], int sides,
                      es_gemm_axes *axes) {
  piece list[ES_GEMM_MAX_AXES + 2];
  *axes = (es_gemm_axes){.count = 1, .n = list_pieces(g, group, box, list)};
  if (!(axes->extent = ES_NEW_N(arena, int64_t, (1 + ES_GEMM_SIDES) * axes->n))) return false;
  for (int s = 0; s < ES_GEMM_SIDES; s++) axes->stride[s] = axes->extent + (1 + s) * axes->n;
  for (int i = 0; i < axes->n; i++) {
    axes->extent[i] = list[i].extent;
    axes->count *= list[i].extent;
    for (int s = 0; s < ES_GEMM_SIDES; s++)
      axes->stride[s][i] = (int64_t)((uint64_t)side[s]->stride[list[i].axis] *
                                     (uint64_t)list[i].times * es_dtype_size(side[s]->dtype));
  }
  return fill_tables(arena, axes, group == ES_GEMM_K ? TABLE_K : TABLE_POINTS, sides);
}

/* ---- boxes -------------------------------------------------------------------- */

/* Boxes tell where they begin only through the offsets of the sides. So the problem
 * is split with one side more, which walks the rows of a packed panel. */
static es_problem *with_packed_side(es_arena *arena, const es_problem *p) {
  es_problem *q = es_problem_new(arena, p->rank, 3, p->n_constraints);
  if (!q) return NULL;
  es_problem fresh = *q;
  *q = *p;
  q->n_in = 3;
  q->in = fresh.in;
  q->in[0] = p->in[0];
  q->in[1] = p->in[1];
  q->in[2] = (es_side){.dtype = ES_U8, .stride = fresh.in[2].stride};
  int64_t rows = 1;
  for (int a = p->rank - 1; a >= p->n_out; a--) {
    q->in[2].stride[a] = rows;
    rows *= p->extent[a];
  }
  return q;
}

/* q: with its packed side. */
static es_problem **split(es_arena *arena, es_problem *q, int *n, es_status *status) {
  es_problem **boxes = NULL;
  if (q->n_constraints)
    return es_problem_boxes(arena, q, ES_GEMM_BOXES, n, &boxes, status) ? boxes : NULL;
  if (!(boxes = ES_NEW(arena, es_problem *))) return *status = ES_E_NOMEM, NULL;
  boxes[0] = q;
  *n = 1;
  return boxes;
}

/* Whether only X can lie outside where the constraint fails. Y is packed for all of k at
 * once, so a constraint that depends on no row of X may be one of Y. */
static bool is_about_x(const es_problem *p, const es_constraint *constraint, int x) {
  bool about = false;
  if (p->in[1 - x].stays) return false;
  for (int a = 0; a < p->n_out; a++) {
    if (!constraint->coef[a]) continue;
    if (es_gemm_group_of(p, x, a) != ES_GEMM_M) return false;
    about = true;
  }
  return about;
}

int es_gemm_count_boxes(const es_allocator *allocator, const es_problem *p, int x,
                        es_status *status) {
  *status = ES_OK;
  for (int c = 0; c < p->n_constraints; c++)
    if (!is_about_x(p, &p->constraint[c], x)) return 0;
  return p->n_constraints ? es_problem_count_boxes(allocator, p, ES_GEMM_BOXES, status) : 1;
}

/* A k that is nothing but tables, of X and of the packed rows. */
static bool tables_alone(es_arena *arena, int64_t count, es_gemm_box *box) {
  box->k = (es_gemm_axes){.count = count};
  box->packed = 0;
  box->k.table[ES_GEMM_X] = ES_NEW_N(arena, int64_t, count);
  box->k.table[ES_GEMM_PACKED] = ES_NEW_N(arena, int64_t, count);
  return box->k.table[ES_GEMM_X] && box->k.table[ES_GEMM_PACKED];
}

/* A term that a box sees: where it is in X, and its row of k, which is one of its group. */
typedef struct term {
  int64_t x, row;
} term;

/* All of them, in the order of k. */
static term *list_terms(es_arena *arena, const es_gemm_box *box) {
  int64_t from[64], to[64];
  term *list = ES_NEW_N(arena, term, box->k.count);
  for (int64_t i = 0; list && i < box->k.count; i += 64) {
    int64_t some = box->k.count - i < 64 ? box->k.count - i : 64;
    es_gemm_offsets(&box->k, ES_GEMM_X, i, some, from);
    es_gemm_offsets(&box->k, ES_GEMM_PACKED, i, some, to);
    for (int64_t j = 0; j < some; j++) list[i + j] = (term){from[j], box->packed + to[j]};
  }
  return list;
}

/* Groups of integers cut k alike for all boxes: each takes all of k, and marks what it does
 * not see. */
static bool whole_k(es_arena *arena, const es_gemm_plan *g, const term *list, es_gemm_box *box) {
  const int64_t n = box->k.count;
  if (!tables_alone(arena, g->k.count, box)) return false;
  for (int64_t p = 0; p < g->k.count; p++) {
    box->k.table[ES_GEMM_X][p] = ES_GEMM_ABSENT;
    box->k.table[ES_GEMM_PACKED][p] = p;
  }
  for (int64_t i = 0; i < n; i++) box->k.table[ES_GEMM_X][list[i].row] = list[i].x;
  return true;
}

static int64_t count_pairs(const term *list, int64_t n) {
  int64_t pairs = 0;
  for (int64_t i = 0; i < n; i++) pairs += i == 0 || list[i].row / 2 != list[i - 1].row / 2;
  return pairs;
}

/* Pairs of bf16 are those of the packed rows, and chains are counted in the terms that the box
 * sees, as the sums of f32 are: a pair that is cut by the end of a chain is taken twice, each time
 * with the other term absent. Pairs of two absent terms make the chains equally long. */
static bool paired_k(es_arena *arena, const term *list, es_gemm_box *box) {
  const int64_t n = box->k.count, chain = box->chain;
  int64_t longest = 0, last = 0, chains = 0;
  for (int64_t from = 0; from < n; from += chain, chains++) {
    last = count_pairs(list + from, n - from < chain ? n - from : chain);
    longest = last > longest ? last : longest;
  }
  const int64_t pairs = chains > 0 ? (chains - 1) * longest + last : 0;
  if (!tables_alone(arena, 2 * pairs, box)) return false;
  if (chains > 0) box->chain = 2 * longest;
  int64_t *x = box->k.table[ES_GEMM_X], *packed = box->k.table[ES_GEMM_PACKED], at = 0;
  for (int64_t p = 0; p < 2 * pairs; p++) x[p] = ES_GEMM_ABSENT;
  for (int64_t i = 0; i < n; i++) {
    if (i % chain == 0)
      at = i / chain * longest;
    else
      at += list[i].row / 2 != list[i - 1].row / 2;
    x[2 * at + list[i].row % 2] = list[i].x;
    packed[at] = list[i].row / 2;
  }
  return true;
}

/* What a box sees of k, in groups of terms. box->packed and the PACKED offsets count rows here. */
static bool group_k(es_arena *arena, const es_gemm_plan *g, es_gemm_box *box) {
  es_arena scratch;
  es_arena_init(&scratch, &arena->allocator);
  const term *list = list_terms(&scratch, box);
  bool done = list &&
              (es_gemm_is_dot(g->kind) ? whole_k(arena, g, list, box) : paired_k(arena, list, box));
  es_arena_free(&scratch);
  return done;
}

/* In a packed panel a row is nr elements, in one of a single vector half of them. */
static bool scale_packed(es_arena *arena, es_gemm_box *box, int64_t row) {
  int64_t *table = box->k.table[ES_GEMM_PACKED];
  box->packed *= row;
  for (int a = 0; a < box->k.n; a++) box->k.stride[ES_GEMM_PACKED][a] *= row;
  if (!table) return true;
  if (!(box->narrow = ES_ROOM_N(arena, int64_t, box->k.count))) return false;
  for (int64_t i = 0; i < box->k.count; i++) {
    table[i] *= row;
    box->narrow[i] = table[i] / 2;
  }
  return true;
}

/* As few tiles as can be, of equal height. */
static int even_height(const es_gemm_type *type, int64_t m) {
  int64_t most = type->height[type->n_heights - 1];
  int64_t tiles = (m + most - 1) / most;
  return type->height[es_gemm_height_index(type, tiles ? (m + tiles - 1) / tiles : 1)];
}

static void cut_rows(const es_gemm_plan *g, es_gemm_box *box) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int64_t m = box->m.count;
  box->n_mb = (m + g->mb - 1) / g->mb;
  box->height = even_height(type, m < g->mb ? m : g->mb);
  box->last_height = even_height(type, m - (box->n_mb - 1) * g->mb);
}

/* How many columns follow each other in memory before the walk jumps; 1 where each does. */
static int64_t unbroken(const es_gemm_plan *g, es_gemm_side side) {
  const es_gemm_axes *n = &g->n;
  int64_t run = 1;
  for (int a = n->n - 1; a >= 0 && n->stride[side][a] == run * (int64_t)g->each; a--)
    run *= n->extent[a];
  return run;
}

/* Which sides of each panel's columns are read and written where they lie. Of many panels it is
 * worked out when they are met: the plan stays small whatever n is. */
static bool find_in_place(es_arena *arena, es_gemm_plan *g) {
  bool c_may = g->plain_store && !g->stream_c && (g->n_kb == 1 || g->add_c) &&
               g->kind < ES_GEMM_C64;
  g->y_here = g->y_direct ? unbroken(g, ES_GEMM_Y) : 0;
  g->c_here = c_may ? unbroken(g, ES_GEMM_C) : 0;
  if (g->n_panels > TABLE_POINTS) return true;
  uint8_t *table = ES_NEW_N(arena, uint8_t, g->n_panels);
  for (int64_t q = 0; table && q < g->n_panels; q++) table[q] = es_gemm_in_place(g, q);
  g->in_place = table;
  return table;
}

/* How many of a box's k come before a row of a packed panel. The last axes move the rows least, so
 * that the digits of the row, by the axes' steps, tell. */
static int64_t k_before(const es_gemm_box *box, int64_t row) {
  const es_gemm_axes *k = &box->k;
  int64_t left = row - box->packed, points = k->count, n = 0;
  for (int a = 0; a < k->n && left > 0; a++) {
    points /= k->extent[a];
    int64_t step = k->stride[ES_GEMM_PACKED][a], whole = left / step;
    if (whole >= k->extent[a]) return n + k->extent[a] * points;
    n += whole * points;
    left -= whole * step;
  }
  return n + (left > 0);
}

/* The sums of a box stay open between blocks of k, wherever these cut them. */
static bool cut_k(es_arena *arena, const es_gemm_plan *g, es_gemm_box *box) {
  if (!g->in_turn) return true;
  if (!(box->before = ES_NEW_N(arena, int64_t, g->n_kb + 1))) return false;
  for (int64_t i = 0; i <= g->n_kb && box->k.count; i++) box->before[i] = k_before(box, i * g->kc);
  return true;
}

static bool make_box(es_arena *arena, es_gemm_plan *g, const es_problem *q, const es_problem *part,
                     es_gemm_box *box) {
  const es_problem *p = g->problem;
  int x = g->x.in, y = g->y.in;
  const es_side *m_side[] = {&p->in[x], &p->in[y], &p->out};
  const es_side *k_side[] = {&p->in[x], &p->in[y], &q->in[2]};
  static const es_gemm_axes nothing;
  if (!make_axes(arena, g, ES_GEMM_M, part, m_side, X | C, &box->m)) return false;
  box->k = nothing;
  if (part->rank == p->rank &&
      !make_axes(arena, g, ES_GEMM_K, part, k_side, X | Y | PACKED, &box->k))
    return false;
  for (int s = 0; s < ES_GEMM_SIDES; s++) {
    const es_side *from = s == ES_GEMM_C ? &part->out : &part->in[s == ES_GEMM_X ? x : y];
    box->base[s] = (int64_t)((uint64_t)es_side_begin(from) - (uint64_t)es_side_begin(m_side[s]));
  }
  box->packed = part->in[2].offset;
  box->chain = es_gemm_is_dot(g->kind) ? g->k.count : es_gemm_chain(box->k.count);
  if (g->terms > 1 && p->n_constraints && !group_k(arena, g, box)) return false;
  cut_rows(g, box);
  return cut_k(arena, g, box);
}

bool es_gemm_axes_make(es_arena *arena, es_gemm_plan *g) {
  const es_problem *p = g->problem;
  const es_side *side[] = {&p->in[g->x.in], &p->in[g->y.in], &p->out};
  if (!make_axes(arena, g, ES_GEMM_BATCH, p, side, X | Y | C, &g->batch) ||
      !make_axes(arena, g, ES_GEMM_N, p, side, Y | C, &g->n) ||
      !make_axes(arena, g, ES_GEMM_K, p, side, Y, &g->k) || !find_in_place(arena, g))
    return false;
  for (int s = 0; s < ES_GEMM_SIDES; s++) g->first[s] = es_side_begin(side[s]);
  es_arena scratch;
  es_status status;
  es_arena_init(&scratch, &arena->allocator);
  es_problem *q = with_packed_side(&scratch, p);
  es_problem **part = q ? split(&scratch, q, &g->n_boxes, &status) : NULL;
  g->box = ES_NEW_N(arena, es_gemm_box, g->n_boxes);
  bool done = part && g->box;
  g->n_mb = 0;
  for (int i = 0; done && i < g->n_boxes; i++) {
    done = make_box(arena, g, q, part[i], &g->box[i]) &&
           scale_packed(arena, &g->box[i], g->nr * (int64_t)g->each);
    g->n_mb += g->box[i].n_mb;
    if (g->n_kb == 1 && g->box[i].k.count > g->kc) g->kc = g->box[i].k.count; /* of paired_k() */
  }
  es_gemm_set_room(g);
  es_arena_free(&scratch);
  return done;
}
