/* No reduction: outer and elementwise products, broadcasts, conversions. Rows run
 * along the output's densest axis. */
#include <stdlib.h>

#include "base/text.h"
#include "engine/ctx.h"
#include "engine/kernels/move.h"
#include "engine/strategies/strategies.h"
#include "engine/strategies/stream.h"

/* Operands that are turned over: at most, and bytes of the rows that a line of one makes. */
enum { TURNED = 2, TURNED_BYTES = ES_ROW * ES_ALIGN };

typedef struct map {
  es_stream s;
  es_axes outer;
  int64_t n, piece, pieces;     /* length of a row; of the parts it is cut into; how many */
  bool down;                    /* all rows of a part, then the next part */
  bool in_place;                /* results are computed where they belong */
  bool past;                    /* the output outgrows the caches: it is written past them */
  int n_turned, turned[TURNED]; /* operands that rows cross, and along which the next rows follow */
  int64_t turned_rows;          /* as many rows as a line holds elements */
  int64_t *column[TURNED];      /* [ES_ROW] offsets of the elements of a row, bytes */
  int64_t *row[TURNED];         /* [turned_rows] of the rows that they make */
} map;

/* Rows of operands that were turned over, and the stream that reads them there. */
typedef struct turned {
  es_stream s;
  es_run_args args;
  void *base[ES_CURSOR_SIDES];
  int64_t row, rows; /* the one that is read next; how many there are */
  _Alignas(ES_ALIGN) char bytes[TURNED][TURNED_BYTES];
} turned;

static void turned_init(const map *m, const es_run_args *args, turned *t) {
  t->s = m->s;
  t->args = *args;
  t->args.base = t->base;
  t->row = t->rows = 0;
  for (int i = 0; i < m->s.n_in; i++) {
    t->base[i] = args->base[m->s.in[i].slot];
    t->s.in[i].slot = i;
  }
  t->base[m->s.n_in] = args->base[m->s.out.slot];
  t->s.out.slot = m->s.n_in;
  for (int k = 0; k < m->n_turned; k++) {
    es_stream_side *side = &t->s.in[m->turned[k]];
    t->base[m->turned[k]] = t->bytes[k];
    side->offset = 0;
    side->step = 1;
  }
}

/* Sets at[] of the turned operands to where the row at the cursor lies, which is turned over with
 * those after it if it is not yet. left: rows of this part from it on. */
static void turn(const map *m, const es_run_args *args, const es_cursor *c, int64_t left, int64_t n,
                 int64_t *at, turned *t) {
  const int last = m->outer.n - 1;
  const bool turns = t->row == t->rows;
  if (turns) {
    int64_t rows = m->outer.extent[last] - c->index[last];
    if (rows > left) rows = left;
    t->rows = rows < m->turned_rows ? rows : m->turned_rows;
    t->row = 0;
  }
  for (int k = 0; k < m->n_turned; k++) {
    const int i = m->turned[k];
    const es_stream_side *side = &m->s.in[i];
    const char *from = (const char *)args->base[side->slot] + (side->offset + at[i]) * side->size;
    if (turns)
      m->s.kernels->move->tiles[__builtin_ctzll((uint64_t)side->size)](
          t->bytes[k], m->row[k], from, m->column[k], t->rows, n, m->past ? ES_ALIGN : 0);
    at[i] = t->row * ES_ROW;
  }
  t->row++;
}

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
static es_status run_units(const es_step *step, const es_run_args *args, int64_t from, int64_t to,
                           turned *t) {
  const map *m = step->data;
  const es_stream *s = t ? &t->s : &m->s;
  es_stream_row row, spare[2];
  es_cursor c;
  int64_t steps[ES_CURSOR_SIDES], at[ES_CURSOR_SIDES], rows = m->outer.count;
  int64_t piece = m->down ? from / rows : from % m->pieces;
  for (int i = 0; i < s->n_in; i++) steps[i] = s->in[i].step;
  es_cursor_seek(&m->outer, &c, m->down ? from % rows : from / m->pieces);
  for (int64_t unit = from; unit < to; unit++) {
    int64_t start = piece * m->piece, n = m->n - start < m->piece ? m->n - start : m->piece;
    int64_t out_at = c.at[0] + start * s->out.step;
    for (int i = 0; i < s->n_in; i++) at[i] = c.at[1 + i] + start * m->s.in[i].step;
    char *to_row = (char *)args->base[m->s.out.slot] + (s->out.offset + out_at) * s->out.size;
    void *dst = m->in_place ? to_row : row.bytes;
    if (m->past) ask_ahead(&m->s, args, at, n);
    if (t) {
      const int64_t ends = (piece + 1) * rows;
      turn(m, args, &c, (to < ends ? to : ends) - unit, n, at, t);
    }
    const void *x = es_stream_combine(s, t ? &t->args : args, at, steps, n, dst, spare);
    if (m->past)
      s->kernels->move->stream(to_row, x, n * s->size);
    else if (x != dst)
      memcpy(dst, x, (size_t)(n * s->size));
    if (!m->in_place && !m->past && !es_stream_finish(&m->s, step->problem, args, dst, out_at, n))
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

/* In a frame of its own: what it keeps is large. */
static es_status turned_task(const es_step *step, const es_run_args *args, int64_t from,
                             int64_t to) {
  turned t;
  turned_init(step->data, args, &t);
  return run_units(step, args, from, to, &t);
}

static es_status task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  return run_units(step, args, from, to, NULL);
}

static es_status run(const es_step *step, const es_run_args *args) {
  const map *m = step->data;
  if (m->s.scan && !es_stream_exact_by_value(step->problem, m->s.kernels, args))
    return es_loops_run(step, args);
  es_status status = es_step_split(step, args, m->outer.count * m->pieces,
                                   m->n_turned ? turned_task : task);
  return status == ES_E_OVERFLOW ? es_loops_run(step, args) : status;
}

static void print(const es_step *step, char *buf, size_t cap) {
  const map *m = step->data;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "map %lld rows of %lld, %s%s%s", (long long)m->outer.count, (long long)m->n,
                 es_dtype_name(m->s.type), m->n_turned ? " turned over" : "",
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

/* Whether rows along axis cross the lines of an operand, and the next rows go along them. */
static bool may_turn(const es_problem *p, int axis, const es_side *side) {
  const int next = axis == p->rank - 1 ? axis - 1 : p->rank - 1;
  const int64_t size = (int64_t)es_dtype_size(side->dtype);
  return axis >= 0 && next >= 0 && side->stride[next] == 1 && p->extent[next] >= 4 &&
         llabs(side->stride[axis]) * size >= ES_ALIGN;
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
  for (int i = 0; i < p->n_in; i++)
    seconds += may_turn(p, axis, &p->in[i]) ? points * 0.4e-9 : side_cost(&p->in[i], axis, points);
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

/* False: memory is out. */
static bool find_turned(const es_problem *p, es_arena *arena, int axis, map *m) {
  int64_t size = 1;
  for (int i = 0; i < p->n_in && m->n_turned < TURNED; i++) {
    if (!may_turn(p, axis, &p->in[i])) continue;
    m->turned[m->n_turned++] = i;
    if (m->s.in[i].size > size) size = m->s.in[i].size;
  }
  m->turned_rows = ES_ALIGN / size;
  for (int k = 0; k < m->n_turned; k++) {
    const es_stream_side *side = &m->s.in[m->turned[k]];
    m->column[k] = ES_NEW_N(arena, int64_t, ES_ROW);
    m->row[k] = ES_NEW_N(arena, int64_t, m->turned_rows);
    if (!m->column[k] || !m->row[k]) return false;
    for (int64_t j = 0; j < ES_ROW && j < m->n; j++) m->column[k][j] = j * side->step * side->size;
    for (int64_t j = 0; j < m->turned_rows; j++) m->row[k][j] = j * ES_ROW * side->size;
  }
  return true;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  map *m = ES_NEW(env->arena, map);
  if (!m) return ES_E_NOMEM;
  int axis = row_axis(p);
  if (!es_axes_between(env->arena, p, 0, p->rank, axis, &m->outer)) return ES_E_NOMEM;
  es_stream_init(&m->s, p, env->kernels, axis);
  m->n = axis < 0 ? 1 : p->extent[axis];
  m->down = rows_cross(p, axis);
  if (!find_turned(p, env->arena, axis, m)) return ES_E_NOMEM;
  m->piece = m->down && !m->n_turned ? CROSSED : ES_ROW;
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
