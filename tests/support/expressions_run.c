/* Random expressions, run by the engine and held against the oracle. */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/dtype.h"
#include "tests/support/expressions.h"

static void state_facts(const expr_maker *m, const es_pattern *p, oracle_facts *facts) {
  memset(facts, 0, sizeof *facts);
  facts->ellipsis_rank = m->ellipsis_rank;
  memcpy(facts->ellipsis, m->ellipsis, sizeof m->ellipsis);
  for (int id = 0; id < p->n_names; id++) {
    char c = p->names[id][0];
    facts->param[id] = c == 's' || c == 'p';
    facts->size[id] = c == 's' ? 2 : c == 'p' ? 1 : m->label[c - 'a'].size;
  }
}

/* The widest size an ellipsis axis has among the operands is the one it has: an axis
 * that is 1 everywhere is 1. So the facts come from the shapes. */
static void settle_ellipsis(expr_maker *m, const es_pattern *p) {
  int rank = 0;
  int64_t size[ORACLE_ELLIPSIS] = {1, 1, 1, 1};
  for (int i = 0; i < p->n_in; i++)
    for (int k = 0; k < p->in[i].n; k++)
      if (p->in[i].items[k].kind == ES_ITEM_ELLIPSIS) {
        int n = m->in[i].rank - (p->in[i].n - 1);
        if (n > rank) rank = n;
        for (int j = 0; j < n; j++) { /* from the right */
          int64_t x = m->in[i].shape[k + n - 1 - j];
          if (x != 1) size[j] = x;
        }
      }
  m->ellipsis_rank = rank;
  for (int j = 0; j < rank; j++) m->ellipsis[j] = size[rank - 1 - j];
}

static es_dtype result_type(const expr_maker *m, const es_pattern *p) {
  es_dtype t = m->dtype[0];
  for (int i = 1; i < m->n_in; i++) t = es_dtype_promote(t, m->dtype[i]);
  bool whole = es_dtype_class(t) == ES_CLASS_INT;
  if (p->reducer == ES_REDUCE_ANY || p->reducer == ES_REDUCE_ALL) return ES_BOOL;
  return p->reducer == ES_REDUCE_MEAN && whole ? ES_F64 : t;
}

/* Beyond these the doubles of the oracle, or the type of the result, are not exact. */
static double limit_of(es_dtype dtype) {
  switch (dtype) {
  case ES_I8: return 127;
  case ES_I16: return 32767;
  case ES_I32: return 2147483647;
  case ES_BF16: return 256;
  case ES_F16: return 2048;
  case ES_F32: return 16777216;
  default: return 9007199254740992;
  }
}

static bool differ(expr_tally *t, const expr_maker *m, const char *fmt, ...) ES_PRINTF(3, 4);
static bool differ(expr_tally *t, const expr_maker *m, const char *fmt, ...) {
  size_t n = (size_t)snprintf(t->why, sizeof t->why, "'%.300s' (first type %s): ", m->text,
                              es_dtype_name(m->dtype[0]));
  va_list args;
  va_start(args, fmt);
  vsnprintf(t->why + n, sizeof t->why - n, fmt, args);
  va_end(args);
  return false;
}

/* ---- the oracle ------------------------------------------------------------------------- */

/* Elements that nothing writes exist, and the reducer says nothing about them; or the type
 * is too narrow for the one rounding of a mean. */
static bool undefined(const expr_maker *m, const expr_meaning *e) {
  es_reducer r = e->pattern->reducer;
  bool gaps = m->diagonal_gaps || m->output_index;
  bool narrow = e->dtype == ES_F16 || e->dtype == ES_BF16;
  return (gaps && r != ES_REDUCE_NONE && r != ES_REDUCE_SUM) || (narrow && r == ES_REDUCE_MEAN);
}

bool expr_understand(expr_maker *m, double max_points, expr_meaning *e, expr_tally *t) {
  es_allocator allocator = es_allocator_default();
  es_arena_init(&e->arena, &allocator);
  es_error error;
  es_reading reading = m->letters ? ES_READ_LETTERS : ES_READ_NAMES;
  if (es_parse(&e->arena, ES_KIND_EINSUM, m->text, m->n, reading, &e->pattern, &error) != ES_OK)
    return differ(t, m, "%s", error.message);
  settle_ellipsis(m, e->pattern);
  oracle_facts facts;
  state_facts(m, e->pattern, &facts);
  e->dtype = result_type(m, e->pattern);
  e->want = (oracle_array){.value = e->values};
  int64_t shape[ORACLE_RANK];
  e->count = 1;
  int rank = oracle_shape(e->pattern, &facts, 0, shape);
  for (int i = 0; i < rank; i++) e->count *= shape[i];
  if (e->count > expr_most(m) || expr_points(m, 1) > max_points || undefined(m, e)) {
    t->skipped++;
    return false;
  }
  e->result = oracle_eval(e->pattern, &facts, ES_REDUCE_SUM, 0, m->in, &e->want);
  double high = limit_of(e->dtype);
  double low = es_dtype_class(e->dtype) == ES_CLASS_INT ? -high - 1 : -high;
  bool mean = e->pattern->reducer == ES_REDUCE_MEAN; /* of nothing is NaN */
  e->exact = true;
  for (int64_t i = 0; e->result == ORACLE_OK && i < e->count; i++) {
    double v = e->values[i];
    e->exact = e->exact && ((v >= low && v <= high) || (mean && isnan(v)));
  }
  return true;
}

void expr_forget(expr_meaning *e) { es_arena_free(&e->arena); }

/* ---- the engine --------------------------------------------------------------------------- */

static es_tensor *make_tensor(es_ctx *ctx, const expr_maker *m, int i) {
  const oracle_array *a = &m->in[i];
  void *values = (void *)(uintptr_t)m->values[i]; /* read-only there */
  es_tensor *wrapped = es_wrap(ctx, ES_F64, values, EXPR_VALUES, 0, a->rank, a->shape, NULL, false,
                               NULL, NULL);
  es_tensor *t = es_cast(ctx, wrapped, m->dtype[i]);
  /* A turned copy of the same values: strides must not matter. */
  return a->rank > 1 && m->n % 3 == 0
             ? es_transpose(ctx, es_copy(ctx, es_transpose(ctx, t, 0, 1)), 0, 1)
             : t;
}

void expr_operands(es_ctx *ctx, const expr_maker *m, es_tensor **in) {
  for (int i = 0; i < m->n_in; i++) in[i] = make_tensor(ctx, m, i);
}

es_tensor *expr_run(es_ctx *ctx, const expr_maker *m, es_tensor *const *in) {
  es_options options = {.reading = m->letters ? ES_READ_LETTERS : ES_READ_NAMES,
                        .sizes = m->sizes,
                        .strategy = m->strategy};
  return es_einsum_into(ctx, m->text, in, m->n_in, &options, NULL);
}

es_tensor *expr_compute(es_ctx *ctx, const expr_maker *m) {
  es_tensor *in[EXPR_OPERANDS];
  expr_operands(ctx, m, in);
  return expr_run(ctx, m, in);
}

/* ---- one against the other ----------------------------------------------------------------- */

/* A running product of floats may pass their largest number before a zero comes, which makes a NaN
 * of infinity. No value is larger than 3. */
static bool may_overflow(const expr_maker *m, const expr_meaning *e) {
  const double factors = m->n_in * expr_points(m, 1) / (e->count > 0 ? (double)e->count : 1);
  const int largest = e->dtype == ES_F64 ? DBL_MAX_EXP : FLT_MAX_EXP;
  return e->pattern->reducer == ES_REDUCE_PROD && factors * log2(3) >= largest;
}

static bool same_values(es_ctx *ctx, const expr_maker *m, const expr_meaning *e,
                        const es_tensor *got, expr_tally *t) {
  const oracle_array *want = &e->want;
  if (!got) return differ(t, m, "%s", es_error_text(ctx));
  if (es_dtype_of(got) != e->dtype) return differ(t, m, "type %s", es_dtype_name(es_dtype_of(got)));
  if (es_rank(got) != want->rank) return differ(t, m, "rank %d", es_rank(got));
  for (int i = 0; i < want->rank; i++)
    if (es_shape(got)[i] != want->shape[i])
      return differ(t, m, "axis %d is %d, not %d", i, (int)es_shape(got)[i], (int)want->shape[i]);
  static double values[EXPR_VALUES];
  if (es_read(ctx, got, ES_F64, values, es_size(got)) != ES_OK)
    return differ(t, m, "%s", es_error_text(ctx));
  for (int64_t i = 0; i < es_size(got); i++) {
    double w = e->dtype == ES_F32 ? (double)(float)want->value[i] : want->value[i];
    bool nan = isnan(values[i]) && (isnan(w) || (w == 0 && may_overflow(m, e)));
    if (w != values[i] && !nan)
      return differ(t, m, "element %d is %.17g, not %.17g", (int)i, values[i], w);
  }
  t->elements += (int)es_size(got);
  t->compared++;
  return true;
}

static bool fails_with(es_ctx *ctx, const expr_maker *m, es_status status, expr_tally *t) {
  es_status found = es_ctx_error(ctx)->status;
  return found == status || differ(t, m, "%s instead of %s %s", es_status_name(found),
                                   es_status_name(status), es_error_text(ctx));
}

bool expr_judge(es_ctx *ctx, const expr_maker *m, const expr_meaning *e, const es_tensor *got,
                expr_tally *t) {
  es_status status = es_ctx_error(ctx)->status;
  /* An index is refused for what it could read, also where an empty axis of another
   * operand leaves nothing to do. */
  if (e->result == ORACLE_LEAVES || (status == ES_E_RANGE && expr_points(m, 0) == 0)) {
    t->leaves++;
    return fails_with(ctx, m, ES_E_RANGE, t);
  }
  if (e->result == ORACLE_EMPTY) {
    t->empty++;
    return fails_with(ctx, m, ES_E_EMPTY, t);
  }
  /* A running product of integers may leave 128 bits before a zero comes. */
  bool exact = e->exact && !(status == ES_E_OVERFLOW && e->pattern->reducer == ES_REDUCE_PROD);
  if (exact) return same_values(ctx, m, e, got, t);
  t->overflow++;
  bool counted = e->dtype == ES_I8 || e->dtype == ES_I16 || e->dtype == ES_I32;
  return !counted || fails_with(ctx, m, ES_E_OVERFLOW, t);
}

bool expr_compare(es_ctx *ctx, expr_maker *m, double max_points, expr_tally *t) {
  static expr_meaning e;
  es_scope_push(ctx);
  t->why[0] = 0;
  bool same = expr_understand(m, max_points, &e, t)
                  ? expr_judge(ctx, m, &e, expr_compute(ctx, m), t)
                  : !t->why[0];
  expr_forget(&e);
  es_clear_error(ctx);
  es_scope_pop(ctx);
  return same;
}
