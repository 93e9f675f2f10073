#include "engine/problem.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/text.h"
#include "engine/kernels/move.h"

es_problem *es_problem_new(es_arena *arena, int rank, int n_in, int n_constraints) {
  es_problem *p = ES_NEW(arena, es_problem);
  if (!p) return NULL;
  p->rank = p->n_out = rank;
  p->n_in = n_in;
  p->n_constraints = n_constraints;
  p->alpha = 1;
  p->in = ES_NEW_N(arena, es_side, n_in);
  p->constraint = ES_NEW_N(arena, es_constraint, n_constraints);
  size_t rows = 2 + (size_t)n_in + (size_t)n_constraints, each = (size_t)rank;
  int64_t *row = es_arena_array(arena, rows, each * sizeof *row);
  if (!p->in || !p->constraint || !row) return NULL;
  p->extent = row;
  p->out.stride = row += each;
  for (int i = 0; i < n_in; i++) p->in[i].stride = row += each;
  for (int i = 0; i < n_constraints; i++) p->constraint[i].coef = row += each;
  return p;
}

static void copy_side(es_side *to, const es_side *from, int rank) {
  int64_t *stride = to->stride;
  *to = *from;
  to->stride = stride;
  if (rank) memcpy(stride, from->stride, (size_t)rank * sizeof *stride);
}

es_problem *es_problem_copy(es_arena *arena, const es_problem *p) {
  es_problem *copy = es_problem_new(arena, p->rank, p->n_in, p->n_constraints);
  int64_t *shape = ES_NEW_N(arena, int64_t, p->out_rank);
  int64_t *strides = ES_NEW_N(arena, int64_t, p->out_rank);
  if (!copy || !shape || !strides) return NULL;
  es_problem fresh = *copy;
  *copy = *p;
  copy->extent = fresh.extent;
  copy->in = fresh.in;
  copy->out = fresh.out;
  copy->constraint = fresh.constraint;
  if (p->rank) memcpy(copy->extent, p->extent, (size_t)p->rank * sizeof *p->extent);
  for (int i = 0; i < p->n_in; i++) copy_side(&copy->in[i], &p->in[i], p->rank);
  copy_side(&copy->out, &p->out, p->rank);
  for (int i = 0; i < p->n_constraints; i++) {
    int64_t *coef = copy->constraint[i].coef;
    copy->constraint[i] = p->constraint[i];
    copy->constraint[i].coef = coef;
    if (p->rank) memcpy(coef, p->constraint[i].coef, (size_t)p->rank * sizeof *coef);
  }
  if (p->out_rank) {
    memcpy(shape, p->out_shape, (size_t)p->out_rank * sizeof *shape);
    memcpy(strides, p->out_strides, (size_t)p->out_rank * sizeof *strides);
  }
  copy->out_shape = shape;
  copy->out_strides = strides;
  return copy;
}

/* ---- canonical form ------------------------------------------------------ */

/* Every per-axis number of the problem, row by row: the output's strides first,
 * then the operands', then the constraints'. NULL past the last. */
static int64_t *row(const es_problem *p, int i) {
  if (i == 0) return p->out.stride;
  if (i <= p->n_in) return p->in[i - 1].stride;
  return i <= p->n_in + p->n_constraints ? p->constraint[i - 1 - p->n_in].coef : NULL;
}

static void drop_axis(es_problem *p, int axis) {
  size_t tail = (size_t)(p->rank - axis - 1) * sizeof(int64_t);
  memmove(p->extent + axis, p->extent + axis + 1, tail);
  for (int i = 0; row(p, i); i++) memmove(row(p, i) + axis, row(p, i) + axis + 1, tail);
  p->rank--;
  if (axis < p->n_out) p->n_out--;
}

static void swap(int64_t *a, int64_t *b) {
  int64_t t = *a;
  *a = *b, *b = t;
}

static void swap_axes(es_problem *p, int a, int b) {
  swap(&p->extent[a], &p->extent[b]);
  for (int i = 0; row(p, i); i++) swap(&row(p, i)[a], &row(p, i)[b]);
}

/* Walks an output axis from its other end. */
static void flip_axis(es_problem *p, int axis) {
  int64_t last = p->extent[axis] - 1;
  p->out.offset += last * p->out.stride[axis];
  for (int i = 0; i < p->n_in; i++) p->in[i].offset += last * p->in[i].stride[axis];
  for (int i = 0; i < p->n_constraints; i++)
    p->constraint[i].base += last * p->constraint[i].coef[axis];
  for (int i = 0; row(p, i); i++) row(p, i)[axis] = -row(p, i)[axis];
}

/* Insertion sort, stable: |key| descending over axes [from, to). */
static void sort_axes(es_problem *p, int from, int to, const int64_t *key) {
  for (int i = from + 1; i < to; i++)
    for (int j = i; j > from && llabs(key[j - 1]) < llabs(key[j]); j--) swap_axes(p, j - 1, j);
}

static bool mergeable(const es_problem *p, int axis) {
  for (int i = 0; row(p, i); i++) {
    int64_t whole;
    if (!es_mul_i64(row(p, i)[axis + 1], p->extent[axis + 1], &whole)) return false;
    if (whole != row(p, i)[axis]) return false;
  }
  return true;
}

bool es_problem_any_order(const es_problem *p) {
  if (p->reduce == ES_REDUCE_LOGSUMEXP) return false;
  return p->compute == ES_I64 || p->reduce == ES_REDUCE_MAX || p->reduce == ES_REDUCE_MIN ||
         p->reduce == ES_REDUCE_ANY || p->reduce == ES_REDUCE_ALL;
}

void es_problem_canonicalise(es_problem *p) {
  for (int a = p->rank - 1; a >= 0; a--)
    if (p->extent[a] == 1) drop_axis(p, a);
  for (int a = 0; a < p->n_out; a++)
    if (p->out.stride[a] < 0 && p->extent[a] > 0) flip_axis(p, a);
  sort_axes(p, 0, p->n_out, p->out.stride);
  if (p->n_in > 0 && es_problem_any_order(p)) sort_axes(p, p->n_out, p->rank, p->in[0].stride);
  for (int a = p->rank - 2; a >= 0; a--) {
    if (a == p->n_out - 1 || !mergeable(p, a)) continue;
    int64_t both;
    if (!es_mul_i64(p->extent[a], p->extent[a + 1], &both)) continue;
    p->extent[a + 1] = both;
    drop_axis(p, a);
  }
}

/* ---- sizes ------------------------------------------------------------------ */

static double product(const int64_t *extent, int from, int to) {
  double n = 1;
  for (int a = from; a < to; a++) n *= (double)extent[a];
  return n;
}

double es_problem_points(const es_problem *p) { return product(p->extent, 0, p->rank); }
double es_problem_outputs(const es_problem *p) { return product(p->extent, 0, p->n_out); }
double es_problem_taps(const es_problem *p) { return product(p->extent, p->n_out, p->rank); }

/* Windows overlap: no more elements than lie between the first and the last. */
double es_problem_side_bytes(const es_problem *p, const es_side *side) {
  double walked = 1, reach = 1;
  for (int a = 0; a < p->rank; a++) {
    if (p->extent[a] == 0) return 0;
    if (side->stride[a] == 0) continue;
    walked *= (double)p->extent[a];
    reach += fabs((double)side->stride[a]) * (double)(p->extent[a] - 1);
  }
  return fmin(walked, reach) * (double)es_dtype_size(side->dtype);
}

double es_problem_bytes(const es_problem *p) {
  double bytes = es_problem_side_bytes(p, &p->out);
  for (int i = 0; i < p->n_in; i++) bytes += es_problem_side_bytes(p, &p->in[i]);
  return bytes;
}

bool es_problem_outgrows_caches(const es_problem *p) {
  return es_problem_side_bytes(p, &p->out) >= ES_MOVE_PAST;
}

/* ---- invariants and print-out ------------------------------------------------- */

const char *es_problem_check(const es_problem *p) {
  if (p->n_out < 0 || p->n_out > p->rank) return "the output has more axes than the nest";
  if (p->n_in < 1) return "a nest needs an operand";
  for (int a = 0; a < p->rank; a++) {
    if (p->extent[a] < 0) return "an extent is negative";
    if (a >= p->n_out && p->out.stride[a]) return "the output moves along a reduced axis";
    if (a < p->n_out && p->extent[a] > 1 && !p->out.stride[a] && es_problem_outputs(p) > 0)
      return "two points write one output element";
  }
  for (int i = 0; i < p->n_in; i++)
    if (!es_dtype_valid(p->in[i].dtype)) return "an operand has no element type";
  if (!es_dtype_valid(p->out.dtype)) return "the output has no element type";
  if (p->reduce == ES_REDUCE_NONE && p->rank > p->n_out) return "reduced axes without a reducer";
  if (p->compute != ES_I64 && p->compute < ES_F32) return "no arithmetic happens in that type";
  if (es_dtype_class(p->compute) == ES_CLASS_COMPLEX &&
      (p->reduce == ES_REDUCE_MAX || p->reduce == ES_REDUCE_MIN ||
       p->reduce == ES_REDUCE_LOGSUMEXP))
    return "complex numbers have no order";
  for (int i = 0; i < p->n_constraints; i++)
    if (p->constraint[i].extent < 0) return "a constraint has a negative extent";
  return NULL;
}

static const char *const inner_name[] = {"*", "+", "max", "min", "and", "or"};

static void put_row(es_text *t, const es_problem *p, const int64_t *values) {
  for (int a = 0; a < p->rank; a++)
    es_text_printf(t, "%s %lld", a == p->n_out ? " |" : "", (long long)values[a]);
  es_text_puts(t, p->rank == p->n_out ? " |\n" : "\n");
}

static void put_side(es_text *t, const es_problem *p, const char *name, const es_side *side) {
  es_text_printf(t, "  %s %s [%d]+%lld:", name, es_dtype_name(side->dtype), side->slot,
                 (long long)side->offset);
  put_row(t, p, side->stride);
}

size_t es_problem_print(const es_problem *p, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "nest %s", p->reduce ? es_reducer_name(p->reduce) : "map");
  if (p->n_in > 1) es_text_printf(&t, " of %s", inner_name[p->combine]);
  es_text_printf(&t, " in %s%s, %.6g points\n", es_dtype_name(p->compute), p->wrap ? " wrap" : "",
                 es_problem_points(p));
  es_text_puts(&t, "  extent:");
  put_row(&t, p, p->extent);
  put_side(&t, p, "out", &p->out);
  for (int i = 0; i < p->n_in; i++) put_side(&t, p, "in", &p->in[i]);
  for (int i = 0; i < p->n_constraints; i++) {
    const es_constraint *c = &p->constraint[i];
    es_text_printf(&t, "  within 0..%lld of %lld +", (long long)c->extent, (long long)c->base);
    put_row(&t, p, c->coef);
  }
  if (p->reduce == ES_REDUCE_MEAN) es_text_printf(&t, "  mean over %.17g\n", p->mean_count);
  if (p->alpha != 1 || p->beta != 0) es_text_printf(&t, "  alpha %g beta %g\n", p->alpha, p->beta);
  return t.len;
}

/* ---- naming a position -------------------------------------------------------- */

/* Axes from the largest stride down, each takes what fits: right for every array
 * whose axes nest, which is what the check for injectivity admits. */
void es_problem_position(const es_problem *p, int64_t offset, char *buf, size_t cap) {
  int64_t index[ES_MAX_RANK] = {0};
  bool done[ES_MAX_RANK] = {false};
  int64_t low = 0;
  for (int a = 0; a < p->out_rank; a++)
    if (p->out_strides[a] < 0) low += (p->out_shape[a] - 1) * p->out_strides[a];
  int64_t rest = offset - low;
  for (int step = 0; step < p->out_rank; step++) {
    int best = 0;
    while (done[best]) best++;
    for (int a = best + 1; a < p->out_rank; a++)
      if (!done[a] && llabs(p->out_strides[a]) > llabs(p->out_strides[best])) best = a;
    done[best] = true;
    int64_t stride = llabs(p->out_strides[best]), last = p->out_shape[best] - 1;
    if (stride == 0 || last <= 0) continue;
    int64_t i = rest / stride < last ? rest / stride : last;
    rest -= i * stride;
    index[best] = p->out_strides[best] < 0 ? last - i : i;
  }
  es_text t = es_text_init(buf, cap);
  es_text_shape(&t, p->out_rank, index);
}
