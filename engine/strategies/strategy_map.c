/* No reduction: outer and elementwise products, broadcasts, conversions. Rows run
 * along the output's densest axis. */
#include <stdlib.h>

#include "base/text.h"
#include "engine/ctx.h"
#include "engine/kernels/move.h"
#include "engine/strategies/strategies.h"
#include "engine/strategies/stream.h"

typedef struct map {
  es_stream s;
  es_axes outer;
  int64_t n, piece, pieces; /* length of a row; of the parts it is cut into; how many */
  bool down;                /* all rows of a part, then the next part */
  bool in_place;            /* results are computed where they belong */
  bool past;                /* the output outgrows the caches: it is written past them */
} map;

/* Asks for what is read next of operands that lie along the row. */
static inline __attribute__((always_inline)) void
ask_ahead(const es_stream *s, const es_run_args *args, const int64_t *at, int64_t n) {
  for (int i = 0; i < s->n_in; i++) {
    const es_stream_side *side = &s->in[i];
    const char *base = args->base[side->slot];
    if (side->step == 1)
      es_move_ask(base + (side->offset + at[i]) * side->size + ES_MOVE_AHEAD, n * side->size);
  }
}

/* Unit i is piece i % pieces of row i / pieces, or, down, piece i / rows of row i % rows. */
static es_status task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  const map *m = step->data;
  const es_stream *s = &m->s;
  es_stream_row row, spare[2];
  es_cursor c;
  int64_t steps[ES_CURSOR_SIDES], at[ES_CURSOR_SIDES], rows = m->outer.count;
  int64_t piece = m->down ? from / rows : from % m->pieces;
  for (int i = 0; i < s->n_in; i++) steps[i] = s->in[i].step;
  es_cursor_seek(&m->outer, &c, m->down ? from % rows : from / m->pieces);
  for (int64_t unit = from; unit < to; unit++) {
    int64_t start = piece * m->piece, n = m->n - start < m->piece ? m->n - start : m->piece;
    int64_t out_at = c.at[0] + start * s->out.step;
    for (int i = 0; i < s->n_in; i++) at[i] = c.at[1 + i] + start * steps[i];
    char *to_row = (char *)args->base[s->out.slot] + (s->out.offset + out_at) * s->out.size;
    void *dst = m->in_place ? to_row : row.bytes;
    if (m->past) ask_ahead(s, args, at, n);
    const void *x = es_stream_combine(s, args, at, steps, n, dst, spare);
    if (m->past)
      s->kernels->move->stream(to_row, x, n * s->size);
    else if (x != dst)
      memcpy(dst, x, (size_t)(n * s->size));
    if (!m->in_place && !m->past && !es_stream_finish(s, step->problem, args, dst, out_at, n))
      return ES_E_OVERFLOW;
    if (m->down) {
      piece = (unit + 1) / rows;
      es_cursor_next(&m->outer, &c);
    } else if (++piece == m->pieces) {
      piece = 0;
      es_cursor_next(&m->outer, &c);
    }
  }
  if (m->past) s->kernels->move->finish();
  return ES_OK;
}

static es_status run(const es_step *step, const es_run_args *args) {
  const map *m = step->data;
  if (m->s.scan && !es_stream_exact_by_value(step->problem, m->s.kernels, args))
    return es_loops_run(step, args);
  es_status status = es_step_split(step, args, m->outer.count * m->pieces, task);
  return status == ES_E_OVERFLOW ? es_loops_run(step, args) : status;
}

static void print(const es_step *step, char *buf, size_t cap) {
  const map *m = step->data;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "map %lld rows of %lld, %s%s", (long long)m->outer.count, (long long)m->n,
                 es_dtype_name(m->s.type),
                 m->past       ? " past the caches"
                 : m->in_place ? " in place"
                               : "");
}

static bool applicable(const es_problem *p, const es_plan_env *env) {
  return p->rank == p->n_out && es_stream_applicable(p, env->kernels);
}

/* The axis rows run along: the output's densest, unless it is short and another is
 * much longer, whose elements then go through memory one by one. -1: one point. */
static int row_axis(const es_problem *p) {
  int best = p->rank - 1;
  if (best < 0 || p->extent[best] >= 16) return best;
  for (int a = 0; a < p->rank; a++)
    if (p->extent[a] / 8 > p->extent[best]) best = a;
  return best;
}

/* Cost of moving n elements of a side along a row: dense rows stream, others pay by
 * the element. Seconds. */
static double side_cost(const es_side *side, int axis, double n) {
  if (axis < 0 || side->stride[axis] == 0) return 0;
  return n * (side->stride[axis] == 1 ? (double)es_dtype_size(side->dtype) * 0.05e-9 : 1.5e-9);
}

static double cost(const es_problem *p, const es_plan_env *env) {
  (void)env;
  int axis = row_axis(p);
  double points = es_problem_points(p), n = axis < 0 ? 1 : (double)p->extent[axis];
  double seconds = 50e-9 + (n > 0 ? points / n * 15e-9 : 0) + side_cost(&p->out, axis, points);
  for (int i = 0; i < p->n_in; i++) seconds += side_cost(&p->in[i], axis, points);
  if (es_stream_type(p) != p->out.dtype) seconds += points * 0.5e-9;
  return seconds;
}

/* Whether rows run across the lines of an operand: every element then brings in a line, of
 * which the next rows want the rest while it is still in the cache. */
enum { CROSSED = 256 };
static bool rows_cross(const es_problem *p, int axis) {
  for (int i = 0; i < p->n_in && axis >= 0; i++)
    if (llabs(p->in[i].stride[axis]) * (int64_t)es_dtype_size(p->in[i].dtype) >= ES_ALIGN)
      return true;
  return false;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  map *m = ES_NEW(env->arena, map);
  if (!m) return ES_E_NOMEM;
  int axis = row_axis(p);
  if (!es_axes_between(env->arena, p, 0, p->rank, axis, &m->outer)) return ES_E_NOMEM;
  es_stream_init(&m->s, p, env->kernels, axis);
  m->n = axis < 0 ? 1 : p->extent[axis];
  m->down = rows_cross(p, axis);
  m->piece = m->down ? CROSSED : ES_ROW;
  m->pieces = (m->n + m->piece - 1) / m->piece;
  m->in_place = m->s.plain && p->out.dtype == m->s.type && m->s.out.step == 1;
  m->past = m->in_place && es_problem_outgrows_caches(p);
  m->in_place &= !m->past;
  step->run = run;
  step->data = m;
  step->workspace = es_loops_workspace(p);
  return ES_OK;
}

const es_strategy es_strategy_map = {
    .name = "map", .applicable = applicable, .cost = cost, .make = make, .print = print};
