/* Elementwise nodes of a program. They stay pending until somebody needs their elements
 * in memory; what uses them once, elementwise and over the same shape, takes them in. */
#include "engine/program_pointwise.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/view.h"
#include "engine/pointwise.h"
#include "engine/program_names.h"
#include "engine/tensor/elementwise.h"

/* ---- types of a node ------------------------------------------------------------------ */

/* What an operation takes, does and gives, before it has rows. */
typedef struct meaning {
  es_pointwise_op op; /* unary or binary, taken, rows, out */
  es_dtype scalar;    /* type of operands that are numbers */
} meaning;

/* The common type of the arrays among the operands, and whether there is one. */
static bool common_type(const es_compiler *c, const es_value_node *n, int first, es_dtype *type,
                        bool *scalars, bool *integral) {
  bool any = false;
  *scalars = false;
  *integral = true;
  for (int i = first; i < n->n_in; i++) {
    const es_value_of *v = &c->value[n->in[i]];
    if (v->state == ES_VALUE_SCALAR) {
      *scalars = true;
      *integral = *integral && v->integral;
    } else {
      *type = any ? es_dtype_promote(*type, v->dtype) : v->dtype;
      any = true;
    }
  }
  return any;
}

static es_status no_rule(es_compiler *c, const es_value_node *n, es_dtype type) {
  return es_compiler_fail(c, n, ES_E_DTYPE, "%s has no rule for %s", es_value_name(n),
                          es_dtype_name(type));
}

static es_status mean(es_compiler *c, const es_value_node *n, meaning *m) {
  const es_elementwise_kernels *k = c->b->env.kernels->elementwise;
  bool choice = n->kind == ES_VALUE_FUNCTION && n->op == ES_FUNCTION_WHERE, scalars, integral;
  es_dtype type = ES_F32;
  *m = (meaning){.op = {.name = es_value_name(n), .side = -1, .n_in = n->n_in}};
  if (!common_type(c, n, choice, &type, &scalars, &integral))
    return es_compiler_fail(c, n, ES_E_DTYPE, "%s has only numbers to choose from",
                            es_value_name(n));
  m->scalar = type;
  if (scalars) {
    es_dtype array = type;
    es_scalar_types(array, integral, &type, &m->scalar);
  }
  es_signature s = {type, type, type};
  bool allowed = true;
  if (choice) {
    s.rows = es_dtype_compute(type);
    m->op.taken[0] = ES_BOOL;
  } else if (n->kind == ES_VALUE_BINARY) {
    allowed = es_binary_types((es_binary_op)n->op, type, &s);
    m->op.binary = k->binary[es_dtype_compute(s.in)][n->op];
  } else if (n->kind == ES_VALUE_UNARY) {
    allowed = es_unary_types((es_unary_op)n->op, type, &s);
    m->op.unary = k->unary[es_dtype_compute(s.in)][n->op];
  } else {
    static const es_activation activation[] = {ES_ACTIVATION_SIGMOID, ES_ACTIVATION_SILU,
                                               ES_ACTIVATION_GELU};
    s = es_activation_types(type);
    m->op.unary = k->activation[es_dtype_compute(s.in)][activation[n->op]];
  }
  if (!allowed || (!choice && !m->op.unary && !m->op.binary)) return no_rule(c, n, type);
  for (int i = choice; i < n->n_in; i++) m->op.taken[i] = es_dtype_compute(s.in);
  m->op.rows = s.rows;
  m->op.out = s.out;
  return ES_OK;
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* Arithmetic on numbers, which happens once: sqrt(d), 1 / d, -1. */
static es_status fold(es_compiler *c, const es_value_node *n, es_value_of *v) {
  double a = c->value[n->in[0]].number, b = n->n_in > 1 ? c->value[n->in[1]].number : 0;
  bool whole = true;
  for (int i = 0; i < n->n_in; i++) whole = whole && c->value[n->in[i]].integral;
  double result = 0;
  bool real = false, known = true;
  if (n->kind == ES_VALUE_BINARY) {
    switch ((es_binary_op)n->op) {
    case ES_ADD: result = a + b; break;
    case ES_SUB: result = a - b; break;
    case ES_MUL: result = a * b; break;
    case ES_DIV: result = a / b, real = true; break;
    case ES_POW: result = pow(a, b), real = b < 0; break;
    case ES_MAXIMUM: result = fmax(a, b); break;
    case ES_MINIMUM: result = fmin(a, b); break;
    default: known = false;
    }
  } else if (n->kind == ES_VALUE_UNARY) {
    switch ((es_unary_op)n->op) {
    case ES_NEG: result = -a; break;
    case ES_ABS: result = fabs(a); break;
    case ES_SQUARE: result = a * a; break;
    case ES_SQRT: result = sqrt(a), real = true; break;
    case ES_RSQRT: result = 1 / sqrt(a), real = true; break;
    case ES_RECIPROCAL: result = 1 / a, real = true; break;
    case ES_EXP: result = exp(a), real = true; break;
    case ES_LOG: result = log(a), real = true; break;
    default: known = false;
    }
  } else {
    known = false;
  }
  if (!known)
    return es_compiler_fail(c, n, ES_E_DTYPE, "%s of numbers alone is not computed in programs",
                            es_value_name(n));
  bool exact = whole && !real;
  if (exact && !(fabs(result) < 0x1p53))
    return es_compiler_fail(c, n, ES_E_OVERFLOW, "this whole number is not less than 2^53");
  *v = (es_value_of){.state = ES_VALUE_SCALAR, .number = result, .integral = exact};
  return ES_OK;
}

/* ---- shapes ------------------------------------------------------------------------------- */

static es_status broadcast(es_compiler *c, const es_value_node *n, int *rank, int64_t *shape) {
  es_array in[3];
  for (int i = 0; i < n->n_in; i++) {
    const es_value_of *v = &c->value[n->in[i]];
    in[i] = (es_array){NULL, v->dtype, v->state == ES_VALUE_SCALAR ? 0 : v->rank, v->shape, NULL};
  }
  es_status status = es_rows_broadcast(es_value_name(n), n->n_in, in, rank, shape, c->b->error);
  return es_compiler_blame(c, n, status);
}

static bool same_shape(const es_value_of *v, int rank, const int64_t *shape) {
  return v->rank == rank && (!rank || !memcmp(v->shape, shape, (size_t)rank * sizeof *shape));
}

/* Rows and operations that a step needs when it takes in what is pending below. */
static void weigh(const es_compiler *c, const es_value_node *n, es_value_of *v) {
  v->ops = 1;
  v->rows = n->n_in + 1;
  for (int i = 0; i < n->n_in; i++) {
    const es_value_of *x = &c->value[n->in[i]];
    bool pending = x->state == ES_VALUE_PENDING;
    v->ops += pending ? x->ops : 1;
    int rows = i + (pending ? x->rows : 1);
    if (rows > v->rows) v->rows = rows;
  }
}

/* Operands that cannot be taken in are computed: of another shape (their elements are
 * read many times), used elsewhere too, or too much for one step. */
static es_status settle(es_compiler *c, int32_t node, int rank, const int64_t *shape) {
  enum { MOST = ES_POINTWISE_OPS - 8 }; /* room for conversions of conditions */
  const es_value_node *n = &c->program->node[node];
  es_value_of *v = &c->value[node];
  for (int i = 0; i < n->n_in; i++) {
    const es_value_of *x = &c->value[n->in[i]];
    bool stays = c->program->node[n->in[i]].uses == 1 && same_shape(x, rank, shape);
    if (x->state == ES_VALUE_PENDING && !stays) ES_TRY(es_compile_pending(c, n->in[i]));
  }
  for (;;) {
    weigh(c, n, v);
    if (v->ops <= MOST && v->rows <= ES_POINTWISE_ROWS - 1) return ES_OK;
    int largest = 0, ops = 0;
    for (int i = 0; i < n->n_in; i++) {
      const es_value_of *x = &c->value[n->in[i]];
      if (x->state != ES_VALUE_PENDING || x->ops <= ops) continue;
      largest = i;
      ops = x->ops;
    }
    ES_TRY(es_compile_pending(c, n->in[largest]));
  }
}

es_status es_compile_pointwise(es_compiler *c, int32_t node) {
  const es_value_node *n = &c->program->node[node];
  es_value_of *v = &c->value[node];
  bool numbers = true;
  for (int i = 0; i < n->n_in; i++)
    numbers = numbers && c->value[n->in[i]].state == ES_VALUE_SCALAR;
  if (numbers) return fold(c, n, v);
  meaning m;
  int rank;
  int64_t shape[ES_MAX_RANK];
  ES_TRY(mean(c, n, &m));
  ES_TRY(broadcast(c, n, &rank, shape));
  if (c->live[node]) ES_TRY(settle(c, node, rank, shape));
  v->state = ES_VALUE_PENDING;
  v->slot = -1;
  ES_TRY(es_compiler_blame(c, n, es_compiler_describe(c, m.op.out, rank, shape, v)));
  for (int i = 0; i < n->n_in; i++)
    if (c->value[n->in[i]].state != ES_VALUE_SCALAR) es_compiler_tie(c, &c->value[n->in[i]], v);
  /* Taken in by another elementwise node, or computed here and now. */
  bool waits = n->uses == 1 && n->elementwise == 1 && c->result[node] < 0;
  return waits || !c->live[node] ? ES_OK : es_compile_pending(c, node);
}

/* ---- code ----------------------------------------------------------------------------------- */

typedef struct writer {
  es_compiler *c;
  es_pointwise *v;
  es_problem *problem;
  const es_value_of *to;
  unsigned busy; /* bits: buffers that hold a row */
} writer;

static int take_buffer(writer *w) {
  for (int i = 0; i < ES_POINTWISE_ROWS; i++)
    if (!(w->busy >> i & 1)) {
      w->busy |= 1u << i;
      return i;
    }
  return -1;
}

static es_status too_deep(const writer *w) {
  return es_fail(w->c->b->error, ES_E_INTERNAL, "", ES_NOWHERE,
                 "an elementwise expression needs more rows than were counted");
}

static es_status add_op(writer *w, const es_pointwise_op *op, int *index) {
  es_pointwise *v = w->v;
  int row = take_buffer(w);
  if (v->n == ES_POINTWISE_OPS || row < 0) return too_deep(w);
  for (int i = 0; i < op->n_in; i++) w->busy &= ~(1u << v->op[op->in[i]].row);
  w->busy |= 1u << row;
  *index = v->n++;
  v->op[*index] = *op;
  v->op[*index].row = row;
  return ES_OK;
}

/* Reads from a slot along these strides over the result's shape. */
static es_status add_side(writer *w, int slot, int64_t offset, es_dtype dtype,
                          const int64_t *strides, int *index) {
  es_pointwise *v = w->v;
  es_problem *p = w->problem;
  if (v->n_sides == ES_POINTWISE_SIDES) return too_deep(w);
  struct es_pointwise_side *s = &v->side[v->n_sides];
  s->slot = slot;
  s->offset = offset;
  es_rows_init(&s->rows, w->c->b->env.kernels, NULL, dtype, v->rank, v->shape, strides, dtype);
  es_side *side = &p->in[p->n_in++];
  side->slot = slot;
  side->dtype = dtype;
  side->offset = offset;
  for (int a = 0; a < v->rank; a++) side->stride[a] = strides[a];
  es_pointwise_op op = {.name = "", .side = v->n_sides++, .rows = dtype, .out = dtype};
  return add_op(w, &op, index);
}

static es_status add_number(writer *w, es_dtype dtype, double number, bool integral, int *index) {
  int slot;
  int64_t strides[ES_MAX_RANK] = {0};
  es_scalar value = integral ? (es_scalar){.cls = ES_CLASS_INT, .i = (int64_t)number}
                             : (es_scalar){.cls = ES_CLASS_FLOAT, .re = number};
  es_value_of touched = {.state = ES_VALUE_SCALAR, .dtype = dtype};
  ES_TRY(es_builder_constant(w->c->b, dtype, value, &slot));
  ES_TRY(es_compiler_touch(w->c, &touched));
  return add_side(w, slot, 0, dtype, strides, index);
}

static es_status add_array(writer *w, const es_value_of *x, int *index) {
  int64_t strides[ES_MAX_RANK];
  int lead = w->v->rank - x->rank;
  for (int a = 0; a < w->v->rank; a++)
    strides[a] = a < lead || x->shape[a - lead] == 1 ? 0 : x->strides[a - lead];
  ES_TRY(es_compiler_touch(w->c, x));
  return add_side(w, x->slot, x->offset, x->dtype, strides, index);
}

/* A condition of another type: whether it is not 0. */
static es_status add_truth(writer *w, es_dtype dtype, int *index) {
  const es_kernels *kernels = w->c->b->env.kernels;
  es_dtype compute = es_dtype_compute(dtype);
  es_pointwise_op op = {.name = "not_equal",
                        .side = -1,
                        .n_in = 2,
                        .in = {*index},
                        .binary = kernels->elementwise->binary[compute][ES_NE],
                        .taken = {compute, compute},
                        .rows = ES_BOOL,
                        .out = ES_BOOL};
  ES_TRY(add_number(w, compute, 0, true, &op.in[1]));
  if (dtype != compute) op.load[0] = kernels->elementwise->load[compute][dtype];
  return add_op(w, &op, index);
}

/* All operations of a node that is pending, its own last. At most ES_POINTWISE_OPS deep. */
static es_status add_node(writer *w, int32_t node, int *index) {
  es_compiler *c = w->c;
  const es_value_node *n = &c->program->node[node];
  const es_elementwise_kernels *k = c->b->env.kernels->elementwise;
  meaning m;
  ES_TRY(mean(c, n, &m));
  es_pointwise_op *op = &m.op;
  for (int i = 0; i < n->n_in; i++) {
    const es_value_of *x = &c->value[n->in[i]];
    es_dtype type = x->state == ES_VALUE_SCALAR ? m.scalar : x->dtype;
    if (op->binary && i == 1 && n->in[0] == n->in[1]) {
      op->in[i] = op->in[i - 1]; /* x * x */
    } else if (x->state == ES_VALUE_PENDING) {
      ES_TRY(add_node(w, n->in[i], &op->in[i]));
    } else if (x->state == ES_VALUE_SCALAR) {
      ES_TRY(add_number(w, type, x->number, x->integral, &op->in[i]));
    } else {
      ES_TRY(add_array(w, x, &op->in[i]));
    }
    if (op->taken[i] == ES_BOOL && type != ES_BOOL && !op->unary && !op->binary) {
      ES_TRY(add_truth(w, type, &op->in[i]));
      type = ES_BOOL;
    }
    if (op->taken[i] != type) op->load[i] = k->load[op->taken[i]][type];
  }
  if (op->rows != op->out) op->store = k->store[op->rows][op->out];
  return add_op(w, op, index);
}

es_status es_compile_pending(es_compiler *c, int32_t node) {
  es_builder *b = c->b;
  es_arena *arena = &b->plan->arena;
  const es_value_node *n = &c->program->node[node];
  es_value_of *v = &c->value[node], made = *v;
  es_status status = es_compiler_place(c, node, v->dtype, v->rank, v->shape, &made);
  if (status != ES_OK) return es_compiler_blame(c, n, status);
  made.axis = v->axis;
  es_pointwise *step = ES_NEW(arena, es_pointwise);
  es_problem *problem = es_problem_new(arena, v->rank, ES_POINTWISE_SIDES, 0);
  int64_t *shape = ES_NEW_N(arena, int64_t, v->rank);
  if (!step || !problem || !shape) return es_fail_nomem(b->error);
  if (v->rank) memcpy(shape, v->shape, (size_t)v->rank * sizeof *shape);
  step->rank = v->rank;
  step->shape = shape;
  problem->n_in = 0;
  problem->n_out = problem->out_rank = v->rank;
  problem->out_shape = shape;
  problem->alpha = problem->mean_count = 1;
  problem->compute = es_dtype_compute(v->dtype);
  problem->out.slot = made.slot;
  problem->out.dtype = v->dtype;
  for (int a = 0; a < v->rank; a++) {
    problem->extent[a] = shape[a];
    problem->out.stride[a] = made.strides[a];
  }
  problem->out_strides = problem->out.stride;
  step->count = b->plan->slot[made.slot].count;
  ES_TRY(es_compiler_group(c, n, (double)step->count));
  writer w = {.c = c, .v = step, .problem = problem, .to = &made};
  int last;
  ES_TRY(add_node(&w, node, &last));
  step->to.slot = made.slot;
  es_rows_init(&step->to.rows, b->env.kernels, NULL, v->dtype, v->rank, shape, made.strides,
               step->op[last].rows);
  es_step done;
  es_pointwise_step(step, problem, &done);
  if (es_dtype_class(v->dtype) == ES_CLASS_INT) b->plan->may_overflow = true;
  *v = made;
  ES_TRY(es_compiler_touch(c, v));
  return es_builder_step(b, &done);
}
