#include "engine/pointwise.h"

#include <string.h>

#include "base/text.h"

/* Buffers of a task, which stay in the first-level cache beside the rows read in place. */
enum { ROOM = 32 << 10 };

typedef struct task_rows {
  const es_pointwise *v;
  const es_rows *side, *to;
  bool over;    /* the result takes the place of an operand: kernels write beside what they read */
  char *buffer; /* [ES_POINTWISE_ROWS][v->bytes], then four to convert */
  const void *row[ES_POINTWISE_OPS]; /* where the result of each operation is */
} task_rows;

static char *buffer(const task_rows *t, int index) { return t->buffer + index * t->v->bytes; }

/* Operand i of an operation, in the type it takes. */
static const void *operand(const task_rows *t, const es_pointwise_op *op, int i, int64_t n) {
  const void *row = t->row[op->in[i]];
  if (!op->load[i]) return row;
  char *out = buffer(t, ES_POINTWISE_ROWS + i);
  op->load[i](out, row, 1, n);
  return out;
}

static int64_t compute(const es_pointwise_op *op, const void *const *in, void *out, int64_t n) {
  if (op->unary) return op->unary(out, in[0], n);
  if (op->binary) return op->binary(out, in[0], in[1], n);
  es_rows_choose(es_dtype_size(op->rows), out, in[0], in[1], in[2], n);
  return n;
}

/* One row of the result. Returns n, or the place of the first element without one; *op
 * is then the operation to blame. */
static int64_t one_row(task_rows *t, int64_t first, int64_t n, int *at) {
  const es_pointwise *v = t->v;
  for (*at = 0; *at < v->n; ++*at) {
    const es_pointwise_op *op = &v->op[*at];
    bool last = *at + 1 == v->n;
    char *out = buffer(t, op->row);
    if (last && !t->over) out = es_rows_place(t->to, first, out);
    if (op->side >= 0) {
      t->row[*at] = es_rows_read(&t->side[op->side], first, n, out);
      continue;
    }
    const void *in[3];
    for (int i = 0; i < op->n_in; i++) in[i] = operand(t, op, i, n);
    char *made = op->store && !last ? buffer(t, ES_POINTWISE_ROWS + 3) : out;
    int64_t done = compute(op, in, made, n);
    if (last) {
      int64_t stored = es_rows_write(t->to, first, done, made);
      return stored < done ? stored : done;
    }
    if (op->store) {
      int64_t stored = op->store(out, 1, made, done);
      if (stored < done) return stored;
    }
    if (done < n) return done;
    t->row[*at] = out;
  }
  return n;
}

/* Elements from .. to. Returns the place of the first without a result, or to. */
static int64_t range(const es_pointwise *v, const es_run_args *args, int64_t from, int64_t to,
                     int *at) {
  _Alignas(ES_ALIGN) char room[ROOM];
  es_rows side[ES_POINTWISE_SIDES], target;
  for (int i = 0; i <= v->n_sides; i++) {
    const struct es_pointwise_side *s = i < v->n_sides ? &v->side[i] : &v->to;
    es_rows *rows = i < v->n_sides ? &side[i] : &target;
    *rows = s->rows;
    rows->data = (char *)args->base[s->slot] + s->offset * es_dtype_bytes(rows->dtype);
  }
  task_rows t = {.v = v, .side = side, .to = &target, .buffer = room};
  for (int i = 0; i < v->n_sides; i++)
    t.over |= args->base[v->side[i].slot] == args->base[v->to.slot];
  for (int64_t first = from; first < to; first += v->row) {
    int64_t n = to - first < v->row ? to - first : v->row;
    int64_t done = one_row(&t, first, n, at);
    if (done < n) return first + done;
  }
  return to;
}

/* ---- run, print ----------------------------------------------------------------------- */

/* Elements of a unit of work: whole rows, so that no task ends in the middle of one. */
static int64_t unit(const es_pointwise *v) { return 16 * v->row; }

static es_status task(const es_step *step, const es_run_args *args, int64_t from, int64_t to) {
  const es_pointwise *v = step->data;
  int64_t end = to * unit(v) < v->count ? to * unit(v) : v->count;
  int at;
  return range(v, args, from * unit(v), end, &at) == end ? ES_OK : ES_E_OVERFLOW;
}

/* Once more in order: the error names the first element, whatever the threads did. */
static es_status word_failure(const es_pointwise *v, const es_run_args *args) {
  char where[200];
  int at = 0;
  int64_t first = range(v, args, 0, v->count, &at);
  es_position_text(v->rank, v->shape, first, where, sizeof where);
  const es_pointwise_op *op = &v->op[at < v->n ? at : v->n - 1];
  bool divides = !strcmp(op->name, "floor_divide") || !strcmp(op->name, "remainder");
  return es_fail(args->error, ES_E_OVERFLOW, "", ES_NOWHERE,
                 "%s at %s has no value that fits %s%s; take wider integers or floating point",
                 op->name, where, es_dtype_name(op->out), divides ? " (a division by zero?)" : "");
}

static es_status run(const es_step *step, const es_run_args *args) {
  const es_pointwise *v = step->data;
  es_status status = es_step_split(step, args, (v->count + unit(v) - 1) / unit(v), task);
  return status == ES_E_OVERFLOW ? word_failure(v, args) : status;
}

static void print(const es_step *step, char *buf, size_t cap) {
  const es_pointwise *v = step->data;
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "elementwise %s, %lld at a time:", es_dtype_name(v->to.rows.dtype),
                 (long long)v->row);
  for (int i = 0; i < v->n; i++)
    if (v->op[i].side < 0) es_text_printf(&t, " %s", v->op[i].name);
}

static const es_strategy strategy = {.name = "elementwise", .print = print};

static size_t widest(const es_pointwise *v) {
  size_t size = es_dtype_size(v->to.rows.compute);
  for (int i = 0; i < v->n; i++) {
    const es_pointwise_op *op = &v->op[i];
    es_dtype types[5] = {op->rows, op->out, op->taken[0], op->taken[1], op->taken[2]};
    for (int k = 0; k < (op->side < 0 ? 2 + op->n_in : 2); k++)
      if (es_dtype_size(types[k]) > size) size = es_dtype_size(types[k]);
  }
  return size;
}

/* An error is worded from the operands, which must be there: integers have errors. */
static bool always_succeeds(const es_pointwise *v) {
  for (int i = 0; i < v->n; i++)
    if (v->op[i].side < 0 && es_dtype_class(v->op[i].out) == ES_CLASS_INT) return false;
  return true;
}

void es_pointwise_step(es_pointwise *v, const es_problem *problem, es_step *step) {
  int64_t size = (int64_t)widest(v), most = ROOM / (ES_POINTWISE_ROWS + 4) / size;
  v->row = most > ES_ROW ? ES_ROW : most / 64 * 64;
  v->bytes = v->row * size;
  double points = (double)v->count;
  /* Vectors of 16 bytes at 3 a nanosecond an operation; exp and its like take ten times that. */
  *step = (es_step){.strategy = &strategy, .run = run, .problem = problem, .data = v};
  step->predicted = 100e-9 + points * (double)size * (double)v->n * 0.1e-9;
  step->bytes = es_problem_bytes(problem);
  step->writes_over = always_succeeds(v);
}
