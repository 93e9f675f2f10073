/* Contraction: which axes are what, which side is the vector side, what is packed,
 * and how it is blocked for the caches. */
#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "engine/gemm.h"

enum {
  TABLE_POINTS = 4096,     /* axes with more points have their offsets filled in per block */
  Y_BLOCK = 1 << 20,       /* bytes of Y that stay in the second-level cache: half of it */
  KC_DIRECT = 1024,        /* longest block of k */
  KC_PACKED = 512,         /* the same when X is packed: a wider Y block pays for packing */
  MB_MOST = 4096,          /* rows of one task */
  TASK_POINTS = 1 << 20    /* multiply-adds below which a task is not split for threads */
};

/* ---- axes ------------------------------------------------------------------- */

static es_gemm_axes *group_of(es_gemm_plan *g, const es_problem *p, int axis) {
  if (axis >= p->n_out) return &g->k;
  bool in_x = p->in[g->x.in].stride[axis] != 0, in_y = p->in[g->y.in].stride[axis] != 0;
  return in_x && in_y ? &g->batch : in_y ? &g->n : &g->m;
}

static void count_axes(es_gemm_plan *g, const es_problem *p) {
  es_gemm_axes *all[] = {&g->batch, &g->m, &g->n, &g->k};
  for (int i = 0; i < 4; i++) *all[i] = (es_gemm_axes){.count = 1};
  for (int a = 0; a < p->rank; a++) {
    es_gemm_axes *group = group_of(g, p, a);
    group->n++;
    group->count *= p->extent[a]; /* fits: the problem's sizes were checked */
  }
}

static bool new_axes(es_arena *arena, es_gemm_axes *axes) {
  if (!(axes->extent = ES_NEW_N(arena, int64_t, axes->n))) return false;
  for (int s = 0; s < ES_GEMM_SIDES; s++)
    if (!(axes->stride[s] = ES_NEW_N(arena, int64_t, axes->n))) return false;
  axes->n = 0;
  return true;
}

static bool fill_table(es_arena *arena, es_gemm_axes *axes) {
  if (axes->count > TABLE_POINTS) return true;
  for (int s = 0; s < ES_GEMM_SIDES; s++) {
    if (!(axes->table[s] = ES_NEW_N(arena, int64_t, axes->count))) return false;
    es_gemm_offsets(axes, (es_gemm_side)s, 0, axes->count, axes->table[s]);
  }
  return true;
}

static bool collect_axes(es_arena *arena, es_gemm_plan *g, const es_problem *p) {
  es_gemm_axes *all[] = {&g->batch, &g->m, &g->n, &g->k};
  const es_side *side[ES_GEMM_SIDES] = {&p->in[g->x.in], &p->in[g->y.in], &p->out};
  for (int i = 0; i < 4; i++)
    if (!new_axes(arena, all[i])) return false;
  for (int a = 0; a < p->rank; a++) {
    es_gemm_axes *group = group_of(g, p, a);
    group->extent[group->n] = p->extent[a];
    for (int s = 0; s < ES_GEMM_SIDES; s++)
      group->stride[s][group->n] =
          side[s]->stride[a] * (int64_t)es_dtype_size(side[s]->dtype);
    group->n++;
  }
  for (int i = 0; i < 4; i++)
    if (!fill_table(arena, all[i])) return false;
  return true;
}

void es_gemm_offsets(const es_gemm_axes *axes, es_gemm_side side, int64_t from, int64_t count,
                     int64_t *out) {
  int64_t index[ES_GEMM_MAX_AXES], base = 0;
  const int64_t *stride = axes->stride[side];
  if (axes->n == 0) {
    for (int64_t i = 0; i < count; i++) out[i] = 0;
    return;
  }
  for (int a = axes->n - 1; a >= 0; a--) {
    index[a] = axes->extent[a] ? from % axes->extent[a] : 0;
    from = axes->extent[a] ? from / axes->extent[a] : 0;
    base += index[a] * stride[a];
  }
  int last = axes->n - 1;
  for (int64_t i = 0; i < count;) {
    int64_t run = axes->extent[last] - index[last];
    if (run > count - i) run = count - i;
    for (int64_t r = 0; r < run; r++) out[i + r] = base + r * stride[last];
    i += run;
    index[last] += run;
    base += run * stride[last];
    for (int a = last; a > 0 && index[a] == axes->extent[a]; a--) {
      base += stride[a - 1] - index[a] * stride[a];
      index[a] = 0;
      index[a - 1]++;
    }
  }
}

/* ---- what a choice costs -------------------------------------------------------- */

/* How a side is walked along a group of axes. */
typedef struct walk {
  bool unit;   /* neighbours in memory lie along this group, for a vector's length */
  bool single; /* one axis at most: offsets are equally spaced */
} walk;

static walk walk_of(const es_problem *p, const es_side *side, const es_side *other, int from,
                    int to) {
  walk w = {false, true};
  int last = -1;
  for (int a = from; a < to; a++) {
    if (other && (side->stride[a] == 0 || other->stride[a] != 0)) continue;
    w.single = last < 0;
    last = a;
  }
  w.unit = last >= 0 && side->stride[last] == 1 && p->extent[last] >= 4;
  return w;
}

/* Cycles a multiply-add step of a tile takes: two vector multiply-adds, two loads a
 * cycle, and a latency of four that few accumulators do not hide. */
static double step_cycles(int height, int vectors) {
  return fmax(fmax(height * vectors / 2.0, (height + vectors) / 2.0), 4);
}

static int height_for(const es_gemm_type *type, int64_t rows) {
  int i = 0;
  while (i + 1 < type->n_heights && type->height[i] < rows) i++;
  return type->height[i];
}

static double compute_cycles(const es_gemm_plan *g, double m, double n, double k) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int most = type->height[type->n_heights - 1];
  double tiles = ceil(m / most);
  int height = height_for(type, (int64_t)ceil(m / tiles));
  double full = floor(n / g->nr), rest = n - full * g->nr;
  double step = full * step_cycles(height, 2);
  if (rest > 0) step += step_cycles(height, rest > type->lanes ? 2 : 1);
  double parts = g->kind >= ES_GEMM_C64 ? 4 : g->kind == ES_GEMM_I64 ? 6 : 1;
  return tiles * (k * step * parts + 30 * (full + 1));
}

/* Cycles an element takes to be packed: contiguous runs, blocks transposed in
 * registers, or one by one. */
static double pack_cycles(walk across, walk along, bool native) {
  double c = across.unit ? 0.25 : along.unit ? 0.5 : 1.5;
  return native ? c : c + 0.75;
}

static double store_cycles(const es_gemm_plan *g, walk rows, walk cols) {
  double c = cols.unit ? 0.1 : rows.unit ? 0.5 : 1.5;
  return g->plain_store ? c : c + 1;
}

/* At 3 GHz; an estimate for choosing, not a promise. */
static double predict(const es_gemm_plan *g, const es_problem *p) {
  const es_side *x = &p->in[g->x.in], *y = &p->in[g->y.in];
  double m = (double)g->m.count, n = (double)g->n.count, k = (double)g->k.count;
  double batch = (double)g->batch.count;
  walk xm = walk_of(p, x, y, 0, p->n_out), xk = walk_of(p, x, NULL, p->n_out, p->rank);
  walk yn = walk_of(p, y, x, 0, p->n_out), yk = walk_of(p, y, NULL, p->n_out, p->rank);
  walk cm = walk_of(p, &p->out, y, 0, p->n_out), cn = walk_of(p, &p->out, x, 0, p->n_out);
  double cycles = compute_cycles(g, m, n, k) + m * n * store_cycles(g, cm, cn);
  double n_blocks = (double)g->n_nb, repeat = g->n_kb > 1 ? (double)g->n_mb : 1;
  if (g->x_packed)
    cycles += m * k * pack_cycles(xm, xk, g->x.native) * n_blocks;
  else if (!xk.unit && !xm.unit)
    cycles += m * k * 2; /* a cache line for every element */
  else if (!xk.unit)
    cycles += m * k * 0.2;
  if (g->y_direct)
    cycles += n * k * 0.05 * ceil(m / ES_GEMM_ROWS);
  else
    cycles += n * k * pack_cycles(yn, yk, g->y.native) * repeat;
  double bytes = es_problem_side_bytes(p, x) + es_problem_side_bytes(p, y) +
                 2 * es_problem_side_bytes(p, &p->out);
  double threads = fmin(g->threads, fmax(1, batch * (double)(g->n_nb * g->n_mb)));
  return 2e-8 + fmax(batch * (cycles + 100) / 3e9 / threads, bytes / 2e10);
}

/* ---- blocks ------------------------------------------------------------------- */

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }
static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

/* Equal blocks of at most most each, in whole units. */
static int64_t block(int64_t count, int64_t most, int64_t unit, int64_t *n_blocks) {
  *n_blocks = at_least(ceil_div(count, at_least(most, unit)), 1);
  int64_t each = ceil_div(ceil_div(count, *n_blocks), unit) * unit;
  each = at_least(each, unit);
  *n_blocks = at_least(ceil_div(count, each), 1);
  return each;
}

static size_t element_bytes(const es_gemm_plan *g) { return es_dtype_size(g->compute); }

/* Cuts blocks until every thread has several, as long as they are worth it. Columns
 * first: X is then read again, but Y is not packed again. */
static void share_out(es_gemm_plan *g, int most) {
  double points = (double)g->m.count * (double)g->n.count * (double)g->k.count;
  double tasks = fmin(4 * g->threads, points * (double)g->batch.count / TASK_POINTS);
  while ((double)(g->batch.count * g->n_nb * g->n_mb) < tasks) {
    int64_t before = g->n_nb * g->n_mb;
    if (g->nb > 4 * g->nr || (g->nb > g->nr && g->mb <= 4 * most))
      g->nb = block(g->n.count, g->nb / 2, g->nr, &g->n_nb);
    else if (g->mb > most)
      g->mb = block(g->m.count, g->mb / 2, most, &g->n_mb);
    if (g->n_nb * g->n_mb == before) return;
  }
}

static void choose_blocks(es_gemm_plan *g) {
  const es_gemm_type *type = &g->kernels->gemm->type[g->kind];
  int most = type->height[type->n_heights - 1];
  int64_t k = g->k.count, chains = at_least(ceil_div(k, ES_GEMM_CHAIN), 1);
  g->chain = at_least(ceil_div(k, chains), 1);
  g->kc = block(k, g->x_packed ? KC_PACKED : KC_DIRECT, g->chain, &g->n_kb);
  int64_t wide = Y_BLOCK / (int64_t)element_bytes(g) / g->kc / g->nr * g->nr;
  g->nb = block(g->n.count, wide, g->nr, &g->n_nb);
  g->mb = block(g->m.count, MB_MOST, most, &g->n_mb);
  if (g->threads > 1) share_out(g, most);
}

/* ---- the choice --------------------------------------------------------------- */

es_gemm_kind es_gemm_kind_of(es_dtype compute) {
  switch (compute) {
  case ES_F32: return ES_GEMM_F32;
  case ES_F64: return ES_GEMM_F64;
  case ES_C64: return ES_GEMM_C64;
  case ES_C128: return ES_GEMM_C128;
  default: return ES_GEMM_I64;
  }
}

static es_dtype dtype_of(es_gemm_kind kind) {
  static const es_dtype dtype[ES_GEMM_KINDS] = {ES_F32, ES_F64, ES_I64, ES_C64, ES_C128};
  return dtype[kind];
}

static es_gemm_plan candidate(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                              int x, bool x_packed, bool y_direct) {
  es_gemm_plan g = {.problem = p,
                    .kernels = env->kernels,
                    .kind = kind,
                    .compute = dtype_of(kind),
                    .x_packed = x_packed,
                    .y_direct = y_direct,
                    .threads = env->threads};
  g.x = (es_gemm_operand){x, p->in[x].dtype, p->in[x].dtype == g.compute};
  g.y = (es_gemm_operand){1 - x, p->in[1 - x].dtype, p->in[1 - x].dtype == g.compute};
  g.nr = ES_GEMM_VECTORS * env->kernels->gemm->type[kind].lanes;
  g.plain_store = p->out.dtype == g.compute && p->alpha == 1 && p->beta == 0 &&
                  p->reduce != ES_REDUCE_MEAN;
  bool in_rows = walk_of(p, &p->out, &p->in[x], 0, p->n_out).unit;
  g.group = g.plain_store && in_rows ? 1 : ES_GEMM_GROUP;
  count_axes(&g, p);
  choose_blocks(&g);
  return g;
}

static bool possible(const es_gemm_plan *g) {
  const es_problem *p = g->problem;
  if (!g->x.native && !g->x_packed) return false;
  if (!g->y_direct) return true;
  const es_side *x = &p->in[g->x.in], *y = &p->in[g->y.in];
  return g->y.native && g->kind < ES_GEMM_C64 && walk_of(p, y, x, 0, p->n_out).unit &&
         walk_of(p, y, NULL, p->n_out, p->rank).single;
}

static size_t place(es_gemm_room *room, size_t bytes) {
  size_t at = room->total;
  room->total += (bytes + ES_ALIGN - 1) / ES_ALIGN * ES_ALIGN;
  return at;
}

/* A packed block ends with room for the vector that its last row may run over. */
static void set_room(es_gemm_plan *g) {
  size_t each = es_dtype_size(g->compute), kc = (size_t)g->kc, mb = (size_t)g->mb,
         nb = (size_t)g->nb, nr = (size_t)g->nr, index = sizeof(int64_t);
  size_t group_rows = (size_t)g->group * ES_GEMM_ROWS;
  es_gemm_room *room = &g->room;
  room->total = ES_ALIGN; /* which Y block the worker holds */
  room->y_block = place(room, kc * nb * each + ES_ALIGN);
  room->x_tiles = place(room, g->x_packed ? kc * group_rows * each + ES_ALIGN : 0);
  room->c_tiles = place(room, (g->n_kb > 1 ? (mb + group_rows) * nb : group_rows * nr) * each);
  room->convert = place(room, nr * ES_GEMM_CONVERT * each);
  room->in_place = place(room, nb / nr);
  room->x_rows = place(room, mb * index);
  room->c_rows = place(room, mb * index);
  room->y_cols = place(room, nb * index);
  room->c_cols = place(room, nb * index);
  room->x_k = place(room, kc * index);
  room->y_k = place(room, kc * index);
  room->x_steps = place(room, g->x_packed ? 2 * kc * index : 0);
}

bool es_gemm_plan_variant(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                          int variant, es_gemm_plan *plan) {
  es_gemm_plan g = candidate(p, env, kind, variant & 1, variant & 2, variant & 4);
  if (!possible(&g)) return false;
  g.seconds = predict(&g, p);
  set_room(&g);
  *plan = g;
  return true;
}

void es_gemm_plan_choose(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                         es_gemm_plan *plan) {
  bool found = false;
  for (int i = 0; i < ES_GEMM_VARIANTS; i++) {
    es_gemm_plan g;
    if (!es_gemm_plan_variant(p, env, kind, i, &g)) continue;
    if (found && g.seconds >= plan->seconds) continue;
    *plan = g;
    found = true;
  }
}

bool es_gemm_plan_finish(es_arena *arena, es_gemm_plan *plan) {
  return collect_axes(arena, plan, plan->problem);
}

size_t es_gemm_plan_workspace(const es_gemm_plan *plan) {
  return plan->room.total * (size_t)plan->threads;
}
