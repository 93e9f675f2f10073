/* Windows: which axes are what, the columns where taps are missing, and the pieces. */
#include "base/checked.h"
#include "base/wide.h"
#include "engine/boxes.h"
#include "engine/kernels/direct.h"
#include "engine/strategies/gemm.h"
#include "engine/strategies/window.h"

/* ---- constraints ---------------------------------------------------------------- */

/* One that cuts columns speaks of that axis and of one reduced axis, which no constraint on
 * the rows mentions: the taps of a piece are then the same part of every column's. */
static bool separable(const es_problem *p, const es_window_roles *roles) {
  for (int i = 0; i < p->n_constraints; i++) {
    const es_constraint *c = &p->constraint[i];
    int reduced = 0;
    if (!es_window_cuts_columns(c, roles)) continue;
    for (int a = 0; a < p->rank; a++) {
      if (!c->coef[a] || a == roles->along) continue;
      if (a < p->n_out || ++reduced > 1) return false;
      for (int j = 0; j < p->n_constraints; j++)
        if (p->constraint[j].coef[a] && !es_window_cuts_columns(&p->constraint[j], roles))
          return false;
    }
  }
  return true;
}

/* The nest without the constraints that cut columns; it shares all else. */
static es_problem *without_columns(es_arena *arena, const es_problem *p,
                                   const es_window_roles *roles) {
  es_problem *q = ES_NEW(arena, es_problem);
  es_constraint *kept = ES_NEW_N(arena, es_constraint, p->n_constraints);
  if (!q || !kept) return NULL;
  *q = *p;
  q->constraint = kept;
  q->n_constraints = 0;
  for (int i = 0; i < p->n_constraints; i++)
    if (!es_window_cuts_columns(&p->constraint[i], roles))
      kept[q->n_constraints++] = p->constraint[i];
  return q;
}

/* Narrows [*from, *to) to the columns j with 0 <= base + c * j < extent. */
static void narrow(es_i128 base, es_i128 c, es_i128 extent, int64_t *from, int64_t *to) {
  if (c < 0) { /* mirrored: 0 <= extent - 1 - base + |c| j < extent */
    base = extent - 1 - base;
    c = -c;
  }
  es_i128 low = -es_i128_floor_div(base, c), high = es_i128_floor_div(extent - 1 - base, c) + 1;
  if (low > *from) *from = low < *to ? (int64_t)low : *to;
  if (high < *to) *to = high > *from ? (int64_t)high : *from;
}

/* Columns where no tap is absent. */
static void whole_columns(const es_problem *p, es_window_roles *roles) {
  roles->from = 0;
  roles->to = p->extent[roles->along];
  for (int i = 0; i < p->n_constraints; i++) {
    const es_constraint *c = &p->constraint[i];
    es_i128 reach = 0;
    if (!es_window_cuts_columns(c, roles)) continue;
    for (int a = p->n_out; a < p->rank; a++) reach += (es_i128)c->coef[a] * (p->extent[a] - 1);
    narrow(c->base, c->coef[roles->along], c->extent, &roles->from, &roles->to);
    narrow(c->base + reach, c->coef[roles->along], c->extent, &roles->from, &roles->to);
  }
}

static int64_t vectors(int64_t n, int64_t lanes) { return n / lanes + (n % lanes != 0); }

/* Edges from both ends until the columns between them have every tap; the rest is full
 * vectors, if it holds one. The last vector of anything reaches back. */
static bool cover(const es_problem *p, es_window_roles *roles) {
  int64_t n = p->extent[roles->along], lanes = roles->lanes, low = roles->from, high = roles->to;
  int64_t before = vectors(low, lanes), after = vectors(n - high, lanes);
  if (high - low < lanes) before = vectors(n, lanes), after = 0, high = n;
  if (before + after > ES_WINDOW_EDGES) return false;
  for (int64_t i = 0; i < before; i++) {
    int64_t at = i * lanes, end = at + lanes < n ? at + lanes : n;
    roles->edge[roles->n_edges++] = (es_window_edge){end > lanes ? end - lanes : 0,
                                                     end > lanes ? lanes : end};
  }
  for (int64_t i = 0; i < after; i++)
    roles->edge[roles->n_edges++] = (es_window_edge){n - (i + 1) * lanes, lanes};
  roles->from = before * lanes;
  roles->to = n - after * lanes;
  if (roles->from >= roles->to) {
    roles->from = roles->to = n;
  } else if (roles->to - roles->from < lanes) {
    if (roles->from > high - lanes) roles->from = high - lanes;
    roles->to = roles->from + lanes;
  }
  return true;
}

/* ---- roles ---------------------------------------------------------------------- */

static bool choose_op(const es_problem *p, es_window_roles *roles) {
  bool sum = p->reduce == ES_REDUCE_SUM || p->reduce == ES_REDUCE_MEAN;
  es_dtype type = p->in[0].dtype;
  if (type != ES_F32 && type != ES_F64) return false;
  if (p->compute != type || p->out.dtype != type || p->in[p->n_in - 1].dtype != type) return false;
  roles->type = type == ES_F32 ? ES_WINDOW_F32 : ES_WINDOW_F64;
  if (p->n_in == 2) {
    roles->op = p->in[roles->w].stride[roles->along] ? ES_WINDOW_PRODUCT : ES_WINDOW_SCALE;
    return sum && p->combine == ES_INNER_MUL;
  }
  roles->op = sum ? ES_WINDOW_SUM : p->reduce == ES_REDUCE_MAX ? ES_WINDOW_MAX : ES_WINDOW_MIN;
  if (p->combine == ES_INNER_AND || p->combine == ES_INNER_OR) return false; /* truth values */
  if (sum) roles->type = ES_WINDOW_WIDE; /* f32 is summed in f64 */
  return sum ? type == ES_F32 : p->reduce == ES_REDUCE_MAX || p->reduce == ES_REDUCE_MIN;
}

/* The weights are the operand that does not run along; where both do, the one that fewer
 * output axes move. */
static void choose_operands(const es_problem *p, es_window_roles *roles) {
  int moves[2] = {0, 0}, along[2] = {0, 0};
  roles->x = 0;
  roles->w = -1;
  if (p->n_in == 1) return;
  for (int i = 0; i < 2; i++) {
    along[i] = p->in[i].stride[roles->along] != 0;
    for (int a = 0; a < p->n_out; a++) moves[i] += p->in[i].stride[a] != 0;
  }
  roles->x = along[0] != along[1] ? along[1] : moves[1] > moves[0];
  roles->w = 1 - roles->x;
}

static bool is_cut(const es_problem *p, int axis) {
  for (int i = 0; i < p->n_constraints; i++)
    if (p->constraint[i].coef[axis]) return true;
  return false;
}

/* Where the weights go and x does not, a row of x is used again: few taps make a tile that
 * is as good as the contraction's, and needs no packing. All must see the same taps. */
static void choose_share(const es_problem *p, es_window_roles *roles) {
  roles->share = -1;
  for (int a = 0; a < p->n_out && roles->w >= 0; a++)
    if (a != roles->along && p->in[roles->w].stride[a] && !p->in[roles->x].stride[a] &&
        !is_cut(p, a))
      roles->share = a;
}

/* Rows are counted along the last axis that constraints cut, or that there is; their taps
 * have the same weights. */
static void choose_row(const es_problem *p, es_window_roles *roles) {
  int cut = -1, last = -1;
  for (int a = 0; a < p->n_out; a++) {
    if (a == roles->along) continue;
    if (is_cut(p, a)) cut = a;
    if (roles->w < 0 || !p->in[roles->w].stride[a]) last = a;
  }
  roles->row = cut < 0 ? last : roles->w < 0 || !p->in[roles->w].stride[cut] ? cut : -1;
}

/* Some reducers have no value for nothing, which is not for a run to find out. */
static bool every_column_has_taps(const es_problem *p, const es_window_roles *roles) {
  int64_t taps = (int64_t)es_problem_taps(p);
  for (int e = 0; e < roles->n_edges; e++) {
    const es_window_edge *edge = &roles->edge[e];
    int64_t tap[ES_MAX_RANK] = {0};
    uint64_t all = UINT64_MAX >> (64 - edge->n), found = 0;
    for (int64_t t = 0; t < taps && found != all; t++, es_window_next_tap(p, p->extent, tap))
      found |= es_window_lanes(p, roles, edge->start, edge->n, tap);
    if (found != all) return false;
  }
  return true;
}

bool es_window_rows_split(const es_problem *p, const es_plan_env *env, const es_window_roles *roles,
                          int boxes) {
  es_arena scratch;
  es_status status;
  es_problem **box = NULL;
  int n = 0;
  es_arena_init(&scratch, &env->arena->allocator);
  es_problem *q = without_columns(&scratch, p, roles);
  bool good = q && (!q->n_constraints || es_problem_boxes(&scratch, q, boxes, &n, &box, &status));
  if (p->reduce == ES_REDUCE_MAX || p->reduce == ES_REDUCE_MIN)
    for (int i = 0; good && i < n; i++) good = es_problem_taps(box[i]) > 0;
  es_arena_free(&scratch);
  return good;
}

bool es_window_axes(const es_problem *p, es_window_roles *roles) {
  *roles = (es_window_roles){.along = p->n_out - 1};
  if (p->rank == p->n_out || p->n_out < 1 || p->rank > ES_MAX_RANK || p->n_in > 2) return false;
  if (es_problem_taps(p) < 1 || es_problem_outputs(p) == 0) return false;
  if (p->alpha != 1 || p->beta != 0 || p->out.stride[roles->along] != 1) return false;
  if (p->reduce == ES_REDUCE_MEAN && !(p->mean_count >= 1 && p->mean_count <= 0x1p24)) return false;
  choose_operands(p, roles);
  choose_share(p, roles);
  roles->step = p->in[roles->x].stride[roles->along];
  if (roles->step < 1 || roles->step > 2 || !choose_op(p, roles)) return false;
  if (roles->w >= 0 && (p->in[roles->w].stride[roles->along] & ~(int64_t)1)) return false;
  if (roles->share >= 0 && roles->op != ES_WINDOW_SCALE) return false;
  /* A weight is read for taps that no output has, too. */
  if (roles->op == ES_WINDOW_SCALE && p->in[roles->w].stays) return false;
  choose_row(p, roles);
  if (!separable(p, roles)) return false;
  whole_columns(p, roles);
  return true;
}

bool es_window_read(const es_problem *p, const es_plan_env *env, es_window_roles *roles) {
  const es_window_kernels *k = env->kernels->window;
  double taps = es_problem_taps(p);
  if (taps > ES_WINDOW_SHARED || !es_window_axes(p, roles)) return false;
  if (!k->full[roles->type][roles->op][roles->step - 1]) return false;
  if (roles->share < 0 && taps > ES_WINDOW_TAPS) return false;
  if (roles->op == ES_WINDOW_PRODUCT && (double)es_gemm_chain((int64_t)taps) < taps) return false;
  roles->lanes = k->lanes[roles->type];
  if (!cover(p, roles) || (roles->n_edges && taps > ES_WINDOW_SHARED_CUT)) return false;
  bool ordered = roles->op == ES_WINDOW_MAX || roles->op == ES_WINDOW_MIN;
  return es_window_rows_split(p, env, roles, ES_WINDOW_BOXES) &&
         (!ordered || every_column_has_taps(p, roles));
}

/* ---- pieces --------------------------------------------------------------------- */

static const es_side *side_of(const es_problem *p, const es_window_roles *roles, int side) {
  return side == ES_WINDOW_OUT                  ? &p->out
         : side == ES_WINDOW_W && roles->w >= 0 ? &p->in[roles->w]
                                                : &p->in[roles->x];
}

bool es_window_piece_make(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                          const es_problem *box, es_window_piece *piece) {
  const int64_t size = (int64_t)es_dtype_size(p->out.dtype);
  const int reduced = p->rank - p->n_out;
  bool empty = box->rank != p->rank;
  piece->rows = roles->row < 0 ? 1 : box->extent[roles->row];
  piece->taps = empty ? 0 : (int64_t)es_problem_taps(box);
  piece->chain = es_gemm_chain(piece->taps);
  for (int s = 0; s < ES_WINDOW_SIDES; s++) piece->at[s] = es_side_begin(side_of(box, roles, s));
  piece->x_at = ES_NEW_N(arena, int64_t, piece->taps + ES_DIRECT_AHEAD);
  piece->w_at = ES_NEW_N(arena, int64_t, piece->taps);
  piece->lanes = ES_NEW_N(arena, uint64_t, piece->taps * roles->n_edges);
  if (!piece->x_at || !piece->w_at || !piece->lanes) return false;
  if (!empty) {
    const int64_t *extent = box->extent + p->n_out;
    int64_t *const at[] = {piece->x_at, piece->w_at};
    for (int i = 0; i < 2; i++) {
      const es_side *side = side_of(p, roles, i ? ES_WINDOW_W : ES_WINDOW_X);
      es_offsets_fill(reduced, extent, side->stride + p->n_out, size, at[i]);
    }
    for (int e = 0; e < roles->n_edges; e++)
      es_window_fill_lanes(p, roles, e, box->extent, piece->taps, piece->lanes + e * piece->taps);
  }
  return roles->op != ES_WINDOW_SCALE || es_window_end_chains(arena, p, roles, box->extent, piece);
}

static bool make_group(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                       es_problem *const *box, int n, es_window_group *group) {
  int list[ES_MAX_RANK], count = 0;
  group->n_pieces = n;
  group->piece = ES_NEW_N(arena, es_window_piece, n);
  for (int a = 0; a < p->n_out; a++)
    if (a != roles->along && a != roles->row && a != roles->share) list[count++] = a;
  es_problem shape = *p;
  shape.extent = box[0]->extent;
  if (!group->piece || !es_axes_make(arena, &shape, list, count, &group->outer)) return false;
  for (int i = 0; i < n; i++) {
    if (!es_window_piece_make(arena, p, roles, box[i], &group->piece[i])) return false;
    group->rows += group->piece[i].rows;
  }
  return true;
}

bool es_window_groups(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                      int *n_groups, es_window_group **groups) {
  es_status status;
  es_problem *q = without_columns(arena, p, roles), *whole[1] = {q}, **box = whole;
  int n = 1;
  if (!q) return false;
  if (q->n_constraints && !es_problem_boxes(arena, q, ES_WINDOW_BOXES, &n, &box, &status))
    return false;
  *n_groups = 0;
  if (!(*groups = ES_NEW_N(arena, es_window_group, n))) return false;
  /* The boxes follow each other along the row axis, the last one that is cut. */
  for (int i = 0, count; i < n; i += count) {
    int64_t rows = 0, all = roles->row < 0 ? 1 : p->extent[roles->row];
    for (count = 0; rows < all; count++)
      rows += roles->row < 0 ? 1 : box[i + count]->extent[roles->row];
    if (!make_group(arena, p, roles, box + i, count, &(*groups)[(*n_groups)++])) return false;
  }
  return true;
}
