/* What a pattern would do: its result's shape, its cost, its way through the
 * engine. Operands are tensors, or shapes as tuples; nothing is computed. */
#include <stdio.h>
#include <string.h>

#include "repl/functions/plan.h"
#include "repl/functions/program.h"
#include "repl/functions/tables.h"
#include "repl/language/functions.h"

static bool describe(sc_session *s, sc_span where, const sc_value *v, es_array *out,
                     bool *constant) {
  *constant = v->kind == SC_TENSOR && es_is_constant(v->tensor);
  if (v->kind == SC_TENSOR) {
    *out = (es_array){(void *)(uintptr_t)es_data(v->tensor), es_dtype_of(v->tensor),
                      es_rank(v->tensor), es_shape(v->tensor), es_strides(v->tensor)};
    return true;
  }
  if (!sc_is_sequence(v)) {
    sc_fail(s, ES_E_DTYPE, where, "expected a tensor or a shape, found %s", sc_kind_name(v->kind));
    return false;
  }
  int64_t *shape = sc_scratch(s, ES_MAX_RANK * sizeof *shape);
  *out = (es_array){NULL, ES_F32, 0, shape, NULL};
  return sc_to_sizes(s, where, v, "a size", shape, &out->rank);
}

static bool same_ints(int n, const int64_t *x, const int64_t *y) {
  return n == 0 || !memcmp(x, y, (size_t)n * sizeof *x);
}

/* es_options.same, as einsum finds it out: shapes alone are no arrays. */
static const int64_t *same_arrays(sc_session *s, const es_array *in, int64_t n) {
  int64_t *same = sc_scratch(s, (size_t)(n + 1) * sizeof *same);
  for (int64_t i = 0; i < n; i++)
    for (same[i] = 0; same[i] < i; same[i]++) {
      const es_array *a = &in[same[i]], *b = &in[i];
      if (a->data && a->data == b->data && a->dtype == b->dtype && a->rank == b->rank &&
          same_ints(a->rank, a->shape, b->shape) && same_ints(a->rank, a->strides, b->strides))
        break;
    }
  return same;
}

/* As einsum: what it computes of constants must fit, or is computed in every run. */
static es_plan *plan_as(const sc_session *s, const es_expr *expr, const sc_question *q,
                        es_options *options, es_error *error) {
  es_plan *plan = es_plan_make(s->es, expr, q->in, q->n, NULL, options, error);
  if (plan || !options->constant || error->status != ES_E_LIMIT) return plan;
  options->constant = NULL;
  return es_plan_make(s->es, expr, q->in, q->n, NULL, options, error);
}

es_plan *sc_plan_make(sc_session *s, sc_span where, const sc_question *q) {
  es_error error = {0};
  es_options options = {
      .sizes = q->sizes, .effort = s->effort, .order_seed = s->order_seed, .precise = s->precise};
  for (int64_t i = 0; i < q->n && q->constant; i++)
    if (q->constant[i]) options.constant = q->constant;
  if (!sc_is_program(q->text)) options.same = same_arrays(s, q->in, q->n);
  s->pattern = q->text;
  s->pattern_len = strlen(q->text);
  es_expr *expr = es_expr_parse(s->es, sc_is_program(q->text) ? ES_KIND_PROGRAM : ES_KIND_EINSUM,
                                q->text, s->pattern_len, ES_READ_AUTO, &error);
  es_plan *plan = expr ? plan_as(s, expr, q, &options, &error) : NULL;
  es_expr_release(expr);
  if (!plan) sc_fail_error(s, where, &error);
  s->pattern = NULL;
  return plan;
}

/* Inputs of a program by name: tensors or shapes. */
static bool read_program(sc_args *a, sc_question *q) {
  es_expr *program = sc_program_parse(a->s, a->span, q->text);
  if (!program) return false;
  q->n = es_expr_inputs(program);
  q->in = sc_scratch(a->s, (size_t)(q->n + 1) * sizeof *q->in);
  q->constant = sc_scratch(a->s, (size_t)(q->n + 1) * sizeof *q->constant);
  q->sizes = sc_program_sizes(a, program);
  q->n_sizes = 0;
  while (q->sizes && q->sizes[q->n_sizes].name) q->n_sizes++;
  bool ok = q->sizes != NULL;
  for (int64_t i = 0; i < q->n && ok; i++) {
    sc_span where;
    const sc_value *v = sc_program_input(a, program, i, &where);
    ok = v && describe(a->s, where, v, &q->in[i], &q->constant[i]);
  }
  es_expr_release(program);
  return ok;
}

bool sc_read_question(sc_args *a, sc_question *q) {
  if (!sc_arg_text(a, 0, &q->text)) return false;
  if (q->text && sc_is_program(q->text)) return read_program(a, q);
  q->n = a->n_rest;
  q->n_sizes = a->n_extra;
  q->in = sc_scratch(a->s, (size_t)q->n * sizeof *q->in);
  q->constant = sc_scratch(a->s, (size_t)q->n * sizeof *q->constant);
  for (int64_t i = 0; i < q->n; i++)
    if (!describe(a->s, a->rest_at[i], a->rest[i], &q->in[i], &q->constant[i])) return false;
  q->sizes = sc_scratch(a->s, (size_t)(a->n_extra + 1) * sizeof *q->sizes);
  for (int64_t i = 0; i < a->n_extra; i++) {
    q->sizes[i].name = a->extra_names[i];
    if (!sc_to_int(a->s, a->extra_at[i], a->extra[i], "the size of an axis", &q->sizes[i].size))
      return false;
  }
  return true;
}

static es_plan *plan_of(sc_args *a) {
  sc_question q;
  if (!sc_read_question(a, &q)) return NULL;
  return sc_plan_make(a->s, a->span, &q);
}

static sc_value *infer_shape(sc_args *a) {
  es_plan *plan = plan_of(a);
  if (!plan) return NULL;
  sc_value *shape = sc_shape_tuple(a->s, es_plan_rank(plan), es_plan_shape(plan));
  es_plan_release(plan);
  return shape;
}

/* What print writes of the plan: es_plan_formula and its like. */
static sc_value *formula_of(sc_session *s, const es_plan *plan,
                            size_t (*print)(const es_plan *plan, char *buf, size_t cap)) {
  size_t len = print(plan, NULL, 0);
  char *text = sc_scratch(s, len + 1);
  print(plan, text, len + 1);
  return sc_string(s, text, len);
}

static size_t largest(const es_plan *plan, char *buf, size_t cap) {
  return es_plan_largest(plan, NULL, buf, cap);
}

static size_t peak(const es_plan *plan, char *buf, size_t cap) {
  return es_plan_peak(plan, NULL, buf, cap);
}

/* A count as an integer, where it is one that fits. */
static sc_value *count(sc_session *s, double value) {
  return value < 0x1p63 ? sc_int(s, (int64_t)value) : sc_float(s, value);
}

static sc_value *cost(sc_args *a) {
  es_plan *plan = plan_of(a);
  if (!plan) return NULL;
  double largest_bytes, peak_bytes;
  es_plan_largest(plan, &largest_bytes, NULL, 0);
  es_plan_peak(plan, &peak_bytes, NULL, 0);
  const struct {
    const char *name;
    sc_value *value;
  } entry[] = {{"formula", formula_of(a->s, plan, es_plan_formula)},
               {"multiply_adds", count(a->s, es_plan_flops(plan))},
               {"bytes_formula", formula_of(a->s, plan, es_plan_bytes_formula)},
               {"bytes", count(a->s, es_plan_bytes(plan))},
               {"workspace", sc_int(a->s, (int64_t)es_plan_workspace(plan))},
               {"largest", formula_of(a->s, plan, largest)},
               {"largest_bytes", count(a->s, largest_bytes)},
               {"peak", formula_of(a->s, plan, peak)},
               {"peak_bytes", count(a->s, peak_bytes)}};
  enum { ALL = sizeof entry / sizeof *entry, WITHOUT_INTERMEDIATES = 5 };
  int n = largest_bytes > 0 ? ALL : WITHOUT_INTERMEDIATES;
  sc_value *items[2 * ALL];
  for (int i = 0; i < n; i++) {
    items[2 * i] = sc_string(a->s, entry[i].name, strlen(entry[i].name));
    items[2 * i + 1] = entry[i].value;
  }
  es_plan_release(plan);
  return sc_sequence(a->s, SC_DICT, 2 * n, items);
}

sc_value *sc_dump(sc_session *s, sc_span where, const char *text, const es_array *in, int64_t n,
                  const es_axis_size *sizes, const char *letters) {
  es_error error = {0};
  es_options options = {
      .sizes = sizes, .effort = s->effort, .order_seed = s->order_seed, .precise = s->precise};
  size_t need = es_dump(s->es, sc_is_program(text) ? ES_KIND_PROGRAM : ES_KIND_EINSUM, text, in, n,
                        &options, letters, NULL, 0, &error);
  s->pattern = text;
  s->pattern_len = strlen(text);
  if (!need && error.status != ES_OK) return sc_fail_error(s, where, &error);
  char *buf = sc_scratch(s, need + 1);
  es_dump(s->es, sc_is_program(text) ? ES_KIND_PROGRAM : ES_KIND_EINSUM, text, in, n, &options,
          letters, buf, need + 1, &error);
  s->pattern = NULL;
  return sc_string(s, buf, strlen(buf));
}

/* What a ratio is taken of: two entries of a cost. */
typedef struct measure {
  const char *name, *formula, *count;
} measure;

static const measure measures[] = {{"multiply_adds", "formula", "multiply_adds"},
                                   {"bytes", "bytes_formula", "bytes"}};

static const measure *read_measure(sc_args *a, int index) {
  const char *name = NULL;
  if (!sc_arg_text(a, index, &name)) return NULL;
  for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
    if (!name || !strcmp(name, measures[i].name)) return &measures[i];
  return sc_fail(a->s, ES_E_VALUE, a->at[index], "of is 'multiply_adds' or 'bytes', found '%.40s'",
                 name);
}

/* Appends a cost's formula to text, or those of a sequence, which is run one after
 * the other; adds up the counts. */
static bool add_costs(sc_args *a, int index, const measure *of, char **text, double *sum) {
  const sc_value *v = a->value[index];
  bool one = !sc_is_sequence(v);
  for (int64_t i = 0; i < (one ? 1 : v->n); i++) {
    const sc_value *c = one ? v : v->items[i];
    const sc_value *formula = c->kind == SC_DICT ? sc_dict_get(c, of->formula) : NULL;
    const sc_value *value = formula ? sc_dict_get(c, of->count) : NULL;
    if (!value || formula->kind != SC_STRING ||
        (value->kind != SC_INT && value->kind != SC_FLOAT)) {
      sc_fail(a->s, ES_E_DTYPE, a->at[index], "expected a cost(…) or a tuple of them, found %s",
              sc_kind_name(c->kind));
      return false;
    }
    size_t old = *text ? strlen(*text) : 0, size = old + formula->len + 4;
    char *longer = sc_scratch(a->s, size);
    snprintf(longer, size, "%s%s%s", old ? *text : "", old ? " + " : "", formula->text);
    *text = longer;
    *sum += value->kind == SC_INT ? (double)value->i : value->f;
  }
  return true;
}

static sc_value *ratio(sc_args *a) {
  char *over = NULL, *under = NULL;
  double first = 0, second = 0;
  const measure *of = read_measure(a, 2);
  if (!of || !add_costs(a, 0, of, &over, &first) || !add_costs(a, 1, of, &under, &second))
    return NULL;
  size_t len = over && under ? es_formula_ratio(over, under, NULL, 0) : 0;
  if (!len || second == 0)
    return sc_fail(a->s, ES_E_VALUE, a->span,
                   "these costs have no ratio: one is empty or too long");
  char *text = sc_scratch(a->s, len + 1);
  es_formula_ratio(over, under, text, len + 1);
  sc_value *items[] = {sc_string(a->s, "formula", 7), sc_string(a->s, text, len),
                       sc_string(a->s, "value", 5), sc_float(a->s, first / second)};
  return sc_sequence(a->s, SC_DICT, 4, items);
}

const sc_function sc_functions_plan[] = {
    {"infer_shape", SC_IN_BARE, "pattern operands* **", infer_shape, 0,
     "infer_shape('b c h w, o c -> b o h w', (1, 3, 8, 8), (4, 3)): the result's shape; nothing is "
     "computed."},
    {"cost", SC_IN_BARE, "pattern operands* **", cost, 0,
     "Multiply-adds, bytes read and written, the largest intermediate and the peak of all that are "
     "alive together (as formulas in the names, and counted), and the workspace, of a pattern or "
     "program over tensors or shapes."},
    {"ratio", SC_IN_BARE, "cost regular of?", ratio, 0,
     "ratio(cost(…), cost(…)): the quotient of two costs, simplified, in multiply-adds, or with "
     "of='bytes' in bytes. A tuple of costs is a sequence: they add up."},
    {NULL, 0, NULL, NULL, 0, NULL}};
