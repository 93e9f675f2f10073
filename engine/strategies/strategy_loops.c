/* The plain reference: one odometer over the output, one over the reduction, one
 * element at a time. Runs every problem; the other strategies are held against it
 * and hand over to it where they cannot be exact. */
#include <math.h>

#include "base/text.h"
#include "engine/ctx.h"
#include "engine/strategies/strategies.h"
#include "engine/strategies/stream.h"

/* Wide enough that the order of a sum does not show in a double: f32 and f64 are
 * added in it, and rounded once at the store. */
typedef long double real;

typedef struct value { /* i of an integer problem, else re and im */
  es_i128 i;
  real re, im;
} value;

typedef enum family { INTEGER, REAL, COMPLEX } family;

/* The mutable state of a run, in the step's workspace: index[rank], then the
 * element offset of each operand. */
typedef struct nest {
  const es_problem *p;
  const es_run_args *args;
  family family;
  int64_t *index;
  int64_t *at; /* [n_in] */
  int64_t out_at;
  bool overflow; /* the running value left 128 bits */
  int64_t since; /* points visited since cancel was asked for */
  bool cancelled;
} nest;

static family family_of(const es_problem *p) {
  if (es_dtype_class(p->compute) == ES_CLASS_COMPLEX) return COMPLEX;
  return p->compute == ES_I64 && p->reduce != ES_REDUCE_LOGSUMEXP ? INTEGER : REAL;
}

/* Next point of axes [from, to), last axis fastest; false after the last. */
static bool advance(nest *n, int from, int to) {
  const es_problem *p = n->p;
  for (int a = to - 1; a >= from; a--) {
    bool carry = ++n->index[a] == p->extent[a];
    int64_t steps = carry ? 1 - p->extent[a] : 1;
    if (carry) n->index[a] = 0;
    n->out_at += steps * p->out.stride[a];
    for (int i = 0; i < p->n_in; i++) n->at[i] += steps * p->in[i].stride[a];
    if (!carry) return true;
  }
  return false;
}

/* True every now and then, some milliseconds apart, when the run is to stop. */
static bool stops(nest *n) {
  if (++n->since < 1 << 17) return false;
  n->since = 0;
  return n->cancelled = es_step_stops(n->args);
}

static bool present(const nest *n) {
  for (int c = 0; c < n->p->n_constraints; c++) {
    const es_constraint *k = &n->p->constraint[c];
    int64_t position = k->base;
    for (int a = 0; a < n->p->rank; a++) position += k->coef[a] * n->index[a];
    if (position < 0 || position >= k->extent) return false;
  }
  return true;
}

static value load(const nest *n, const es_side *side, int64_t at) {
  const char *base = n->args->base[side->slot];
  es_scalar s = es_scalar_load(side->dtype, base + at * (int64_t)es_dtype_size(side->dtype));
  bool whole = s.cls == ES_CLASS_BOOL || s.cls == ES_CLASS_INT;
  return (value){s.i, whole ? (real)s.i : (real)s.re, (real)s.im};
}

static bool truth(const nest *n, value v) {
  return n->family == INTEGER ? v.i != 0 : v.re != 0 || v.im != 0;
}
static value from_truth(bool b) { return (value){b, b, 0}; }

static value add(nest *n, value a, value b) {
  if (n->family != INTEGER) return (value){.re = a.re + b.re, .im = a.im + b.im};
  bool wide = __builtin_add_overflow(a.i, b.i, &a.i);
  n->overflow |= wide && !n->p->wrap;
  return a;
}

static value multiply(nest *n, value a, value b) {
  if (n->family == COMPLEX)
    return (value){.re = a.re * b.re - a.im * b.im, .im = a.re * b.im + a.im * b.re};
  if (n->family == REAL) return (value){.re = a.re * b.re};
  bool wide = __builtin_mul_overflow(a.i, b.i, &a.i);
  n->overflow |= wide && !n->p->wrap;
  return a;
}

/* NaN wins over everything, -0 is below +0. */
static bool greater(const nest *n, value a, value b) {
  if (n->family == INTEGER) return a.i > b.i;
  if (isnan(a.re) || isnan(b.re)) return isnan(a.re);
  return a.re > b.re || (a.re == b.re && signbit(b.re) && !signbit(a.re));
}
static value larger(const nest *n, value a, value b) { return greater(n, b, a) ? b : a; }
static value smaller(const nest *n, value a, value b) {
  if (n->family != INTEGER && isnan(a.re)) return a;
  if (n->family != INTEGER && isnan(b.re)) return b;
  return greater(n, a, b) ? b : a;
}

static value combine(nest *n, value a, value b) {
  switch (n->p->combine) {
  case ES_INNER_MUL: return multiply(n, a, b);
  case ES_INNER_ADD: return add(n, a, b);
  case ES_INNER_MAX: return larger(n, a, b);
  case ES_INNER_MIN: return smaller(n, a, b);
  case ES_INNER_AND: return from_truth(truth(n, a) && truth(n, b));
  case ES_INNER_OR: return from_truth(truth(n, a) || truth(n, b));
  }
  return a;
}

static value at_point(nest *n) {
  const es_problem *p = n->p;
  value v = load(n, &p->in[0], n->at[0]);
  bool logical = p->combine == ES_INNER_AND || p->combine == ES_INNER_OR;
  if (logical) v = from_truth(truth(n, v));
  for (int i = 1; i < p->n_in; i++) v = combine(n, v, load(n, &p->in[i], n->at[i]));
  if (p->wrap) v.i = (int64_t)v.i;
  return v;
}

static value fold(nest *n, value acc, value v) {
  switch (n->p->reduce) {
  case ES_REDUCE_NONE: return v;
  case ES_REDUCE_PROD: return multiply(n, acc, v);
  case ES_REDUCE_MAX: return larger(n, acc, v);
  case ES_REDUCE_MIN: return smaller(n, acc, v);
  case ES_REDUCE_ANY: return from_truth(truth(n, acc) || truth(n, v));
  case ES_REDUCE_ALL: return from_truth(truth(n, acc) && truth(n, v));
  default: return add(n, acc, v);
  }
}

/* Folds the present points behind the current output element; count of them in
 * *points. shift: subtract it and take exp first (the second pass of logsumexp). */
static value reduce_points(nest *n, const real *shift, bool find_largest, int64_t *points) {
  const es_problem *p = n->p;
  value acc = from_truth(p->reduce == ES_REDUCE_PROD || p->reduce == ES_REDUCE_ALL);
  *points = 0;
  if (es_problem_taps(p) == 0) return acc;
  bool ordered = find_largest || p->reduce == ES_REDUCE_MAX || p->reduce == ES_REDUCE_MIN;
  do {
    if (stops(n)) break;
    if (!present(n)) continue;
    value v = at_point(n);
    if (shift) v.re = expl(v.re - *shift);
    if (ordered && *points == 0)
      acc = v;
    else
      acc = find_largest ? larger(n, acc, v) : fold(n, acc, v);
    ++*points;
  } while (advance(n, p->n_out, p->rank));
  return acc;
}

/* log sum exp = m + log sum exp(x - m) with m the largest: nothing overflows. */
static value log_sum_exp(nest *n) {
  int64_t points;
  value m = reduce_points(n, NULL, true, &points);
  if (points == 0) return (value){.re = -INFINITY};
  if (!isfinite(m.re)) return m; /* NaN, inf, or all terms -inf */
  real shift = m.re;
  return (value){.re = shift + logl(reduce_points(n, &shift, false, &points).re)};
}

static bool whole(double x) { return x == floor(x) && fabs(x) < 0x1p63; }

/* alpha * v + beta * out; exact while everything is an integer, else *is_real. */
static value scale(nest *n, value v, bool *is_real) {
  const es_problem *p = n->p;
  if (p->alpha == 1 && p->beta == 0) return v;
  value old = {0};
  if (p->beta != 0)
    old = load(n, &(es_side){.dtype = p->out.dtype, .slot = p->out.slot}, n->out_at);
  if (!*is_real && whole(p->alpha) && whole(p->beta)) {
    value a = {.i = (int64_t)p->alpha}, b = {.i = (int64_t)p->beta};
    return add(n, multiply(n, a, v), multiply(n, b, old));
  }
  if (!*is_real) v.re = es_i128_long_double(v.i);
  *is_real = true;
  v.re *= (real)p->alpha, v.im *= (real)p->alpha;
  if (p->beta != 0) v.re += (real)p->beta * old.re, v.im += (real)p->beta * old.im;
  return v;
}

/* The low bits, as the type reads them. */
static int64_t wrapped(es_dtype dtype, es_i128 v) {
  uint64_t bits = (uint64_t)v;
  switch (dtype) {
  case ES_U8: return (uint8_t)bits;
  case ES_I8: return (int8_t)bits;
  case ES_I16: return (int16_t)bits;
  case ES_I32: return (int32_t)bits;
  default: return (int64_t)bits;
  }
}

/* The element that is written, from the start of the whole output: a run in pieces moves it. */
static int64_t place(const nest *n) {
  return n->out_at + n->args->moved / (int64_t)es_dtype_size(n->p->out.dtype);
}

static es_status store_integer(nest *n, es_i128 v, void *to) {
  const es_problem *p = n->p;
  es_class cls = es_dtype_class(p->out.dtype);
  es_scalar s = {.cls = ES_CLASS_INT, .i = (int64_t)v};
  if (cls == ES_CLASS_INT && p->wrap)
    s.i = wrapped(p->out.dtype, v);
  else if (v != (int64_t)v && cls == ES_CLASS_INT)
    return es_step_overflow(p, place(n), v, n->args->error);
  else if (v != (int64_t)v)
    s = (es_scalar){.cls = ES_CLASS_FLOAT, .re = es_i128_double(v)};
  if (es_scalar_store(p->out.dtype, to, s)) return ES_OK;
  return es_step_overflow(p, place(n), v, n->args->error);
}

static es_status store(nest *n, value v) {
  const es_problem *p = n->p;
  char *to = (char *)n->args->base[p->out.slot] + n->out_at * (int64_t)es_dtype_size(p->out.dtype);
  bool is_real = n->family != INTEGER;
  if (p->reduce == ES_REDUCE_MEAN) {
    v.re = is_real ? v.re / (real)p->mean_count : (real)es_mean_of_integers(v.i, p->mean_count);
    v.im /= (real)p->mean_count;
    is_real = true;
  }
  v = scale(n, v, &is_real);
  if (n->overflow) return es_step_overflow_wide(p, place(n), n->args->error);
  if (!is_real) return store_integer(n, v.i, to);
  es_scalar s = {.cls = n->family == COMPLEX ? ES_CLASS_COMPLEX : ES_CLASS_FLOAT,
                 .re = (double)v.re,
                 .im = (double)v.im};
  if (es_scalar_store(p->out.dtype, to, s)) return ES_OK;
  return es_step_overflow_real(p, place(n), s.re, n->args->error);
}

static es_status one_output(nest *n) {
  const es_problem *p = n->p;
  bool ordered = p->reduce == ES_REDUCE_MAX || p->reduce == ES_REDUCE_MIN;
  int64_t points = 1;
  n->overflow = false;
  value v = p->reduce == ES_REDUCE_LOGSUMEXP ? log_sum_exp(n)
                                             : reduce_points(n, NULL, false, &points);
  if (n->cancelled || stops(n)) return es_step_cancelled(n->args);
  if (!points && ordered) return es_step_empty(p, place(n), n->args->error);
  return store(n, v);
}

es_status es_loops_run(const es_step *step, const es_run_args *args) {
  const es_problem *p = step->problem;
  int64_t *state = args->workspace;
  nest n = {.p = p,
            .args = args,
            .family = family_of(p),
            .index = state,
            .at = state + p->rank,
            .out_at = p->out.offset};
  if (es_problem_outputs(p) == 0) return ES_OK;
  for (int a = 0; a < p->rank; a++) n.index[a] = 0;
  for (int i = 0; i < p->n_in; i++) n.at[i] = p->in[i].offset;
  do ES_TRY(one_output(&n));
  while (advance(&n, 0, p->n_out));
  return ES_OK;
}

uint64_t es_loops_workspace(const es_problem *p) {
  return (uint64_t)(p->rank + p->n_in) * sizeof(int64_t);
}

static void print(const es_step *step, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  es_text_printf(&t, "loops %dd over %d operands", step->problem->rank, step->problem->n_in);
}

static bool applicable(const es_problem *p, const es_plan_env *env) {
  (void)p, (void)env;
  return true;
}

/* Measured: some 10 ns an operand and point. The rest keeps loops the last choice
 * also for tiny nests, so that a result never depends on how many neighbours it has. */
static double cost(const es_problem *p, const es_plan_env *env) {
  (void)env;
  return 1e-4 +
         (es_problem_points(p) * (p->n_in + p->n_constraints) + es_problem_outputs(p)) * 1e-8;
}

static es_status make(const es_problem *p, const es_plan_env *env, es_step *step) {
  (void)env;
  step->run = es_loops_run;
  step->workspace = es_loops_workspace(p);
  return ES_OK;
}

const es_strategy es_strategy_loops = {
    .name = "loops", .applicable = applicable, .cost = cost, .make = make, .print = print};
