/* Running of case rows: through the tensor door with the planner's choice and with
 * the plain loops, and through the plan door. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/cases.h"

/* ---- elements as text --------------------------------------------------------------- */

static void put_scalar(es_text *t, es_dtype dtype, es_scalar v) {
  char number[32];
  bool single = es_dtype_size(dtype) <= 4 || dtype == ES_C64;
  if (v.cls == ES_CLASS_BOOL || v.cls == ES_CLASS_INT) {
    es_text_printf(t, "%lld", (long long)v.i);
    return;
  }
  es_format_double(v.re, single, number);
  es_text_puts(t, number);
  if (v.cls != ES_CLASS_COMPLEX) return;
  es_format_double(v.im, single, number);
  es_text_printf(t, "%s%sj", v.im < 0 ? "" : "+", number);
}

/* Nested lists, one innermost list a line where there are several. */
static void put_list(es_text *t, const case_tensor *c, int axis, int64_t *next) {
  if (axis == c->rank) {
    put_scalar(t, c->dtype, c->values[(*next)++]);
    return;
  }
  es_text_puts(t, "[");
  for (int64_t i = 0; i < c->shape[axis]; i++) {
    if (i) es_text_puts(t, axis == c->rank - 1 ? ", " : ",");
    if (i && axis < c->rank - 1) es_text_printf(t, "\n%*s", axis + 1, "");
    put_list(t, c, axis + 1, next);
  }
  es_text_puts(t, "]");
}

size_t cases_print_values(const case_tensor *c, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  int64_t next = 0;
  if (c->count) put_list(&t, c, 0, &next);
  return t.len;
}

static void put_tensor(es_text *t, const case_tensor *c) {
  es_text_puts(t, "-> ");
  es_text_shape(t, c->rank, c->shape);
  es_text_printf(t, " %s\n", es_dtype_name(c->dtype));
  int64_t next = 0;
  if (c->count && c->values) put_list(t, c, 0, &next);
  es_text_puts(t, "\n");
}

/* ---- comparing ------------------------------------------------------------------------ */

static bool close_enough(double want, double got, double tolerance) {
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
  if (want == got) return !signbit(want) || signbit(got) || want != 0;
  return tolerance > 0 && isfinite(got) && fabs(got - want) <= tolerance * fmax(1, fabs(want));
}

static bool same_scalar(const case_tensor *want, es_scalar w, es_scalar g) {
  if (g.cls == ES_CLASS_BOOL || g.cls == ES_CLASS_INT) return w.cls == ES_CLASS_INT && w.i == g.i;
  double re = w.cls == ES_CLASS_INT ? (double)w.i : w.re;
  return close_enough(re, g.re, want->tolerance) &&
         (g.cls != ES_CLASS_COMPLEX || close_enough(w.im, g.im, want->tolerance));
}

static bool same_tensor(const case_tensor *want, const case_tensor *got) {
  if (want->dtype != got->dtype || want->rank != got->rank) return false;
  for (int i = 0; i < want->rank; i++)
    if (want->shape[i] != got->shape[i]) return false;
  for (int64_t i = 0; want->values && i < want->count; i++)
    if (!same_scalar(want, want->values[i], got->values[i])) return false;
  return true;
}

static void load_values(case_tensor *t, const void *data) {
  t->values = calloc((size_t)t->count + 1, sizeof *t->values);
  size_t size = es_dtype_size(t->dtype);
  for (int64_t i = 0; i < t->count; i++)
    t->values[i] = es_scalar_load(t->dtype, (const char *)data + (size_t)i * size);
}

static bool differs(const case_tensor *want, const case_tensor *got, const char *how, char *report,
                    size_t cap) {
  if (same_tensor(want, got)) return false;
  es_text t = es_text_init(report, cap);
  es_text_printf(&t, "%s gives\n", how);
  put_tensor(&t, got);
  es_text_puts(&t, "expected\n");
  put_tensor(&t, want);
  return true;
}

/* ---- operands ---------------------------------------------------------------------------- */

static es_tensor *make_operand(es_ctx *ctx, const case_tensor *c) {
  if (!c->values) return es_ramp(ctx, c->dtype, c->rank, c->shape);
  size_t size = es_dtype_size(c->dtype);
  char *data = calloc((size_t)c->count + 1, size);
  for (int64_t i = 0; i < c->count; i++)
    es_scalar_store(c->dtype, data + (size_t)i * size, c->values[i]);
  es_tensor *t = es_from_data(ctx, c->dtype, c->rank, c->shape, data);
  free(data);
  return t;
}

static bool fail_with(case_run *r, const char *what, const char *detail) {
  es_text t = es_text_init(r->report, r->cap);
  es_text_printf(&t, "%s%s", what, detail);
  return false;
}

/* ---- the tensor door ------------------------------------------------------------------------ */

static void call_einsum(case_run *r) {
  const case_row *row = r->row;
  es_options options = row->options;
  options.sizes = row->sizes;
  if (row->n_out > 1)
    es_split(r->ctx, row->text, r->in, row->n_in, row->sizes, r->out, row->n_out);
  else if (row->has_options)
    r->out[0] = es_einsum_into(r->ctx, row->text, r->in, row->n_in, &options, NULL);
  else
    r->out[0] = es_einsum(r->ctx, row->text, r->in, row->n_in, row->sizes);
}

static bool call_pack(case_run *r) {
  const case_row *row = r->row;
  int64_t *shapes = calloc(CASE_MAX_TENSORS * ES_MAX_RANK, sizeof *shapes);
  int ranks[CASE_MAX_TENSORS];
  r->out[0] = es_pack(r->ctx, row->text, r->in, row->n_in, shapes, ranks);
  bool same = true;
  for (int i = 0; r->out[0] && i < row->n_shapes; i++)
    same = same && ranks[i] == row->shapes[i].rank &&
           !memcmp(shapes + i * ES_MAX_RANK, row->shapes[i].shape, sizeof(int64_t) * ranks[i]);
  free(shapes);
  return same || fail_with(r, "the packed shapes differ", "");
}

static void call_unpack(case_run *r) {
  const case_row *row = r->row;
  int64_t *shapes = calloc(CASE_MAX_TENSORS * ES_MAX_RANK, sizeof *shapes);
  int ranks[CASE_MAX_TENSORS];
  for (int i = 0; i < row->n_shapes; i++) {
    ranks[i] = row->shapes[i].rank;
    memcpy(shapes + i * ES_MAX_RANK, row->shapes[i].shape, sizeof(int64_t) * ranks[i]);
  }
  es_unpack(r->ctx, row->text, r->in[0], shapes, ranks, row->n_shapes, r->out);
  free(shapes);
}

static bool call_shape(case_run *r) {
  const case_row *row = r->row;
  const char *names[CASE_MAX_SIZES];
  int64_t values[CASE_MAX_SIZES];
  int64_t n = es_parse_shape(r->ctx, row->text, r->in[0], names, values, CASE_MAX_SIZES);
  if (n < 0) return true;
  bool same = n == row->n_names;
  for (int i = 0; same && i < n; i++)
    same = !strcmp(names[i], row->names[i].name) && values[i] == row->names[i].size;
  return same || fail_with(r, "the names or sizes differ", "");
}

void cases_operands(case_run *r) {
  for (int i = 0; i < r->row->n_in; i++) r->in[i] = make_operand(r->ctx, &r->row->in[i]);
  memset(r->out, 0, sizeof r->out);
}

bool cases_call(case_run *r) {
  const case_row *row = r->row;
  switch (row->kind) {
  case ES_KIND_EINSUM: call_einsum(r); break;
  case ES_KIND_REARRANGE: r->out[0] = es_rearrange(r->ctx, row->text, r->in[0], row->sizes); break;
  case ES_KIND_REDUCE:
    r->out[0] = es_reduce(r->ctx, row->text, row->options.reducer, r->in[0], row->sizes);
    break;
  case ES_KIND_REPEAT: r->out[0] = es_repeat(r->ctx, row->text, r->in[0], row->sizes); break;
  case ES_KIND_PACK: return call_pack(r);
  case ES_KIND_UNPACK: call_unpack(r); break;
  case ES_KIND_PROGRAM: break; /* test_program.c */
  case ES_KIND_SHAPE: return call_shape(r);
  }
  return true;
}

static bool check_error(case_run *r, const es_error *e, const char *got) {
  const case_row *row = r->row;
  if (!strcmp(got, row->error ? row->error : "") && (!row->error || !strcmp(e->rule, row->rule)))
    return true;
  es_text t = es_text_init(r->report, r->cap);
  es_text_printf(&t, "gives\n");
  if (*got) es_text_printf(&t, "! %s %s", *e->rule ? e->rule : "-", got);
  es_text_printf(&t, "expected\n");
  if (row->error) es_text_printf(&t, "! %s %s", *row->rule ? row->rule : "-", row->error);
  return false;
}

static bool check_outputs(case_run *r, const char *how) {
  const case_row *row = r->row;
  for (int i = 0; i < row->n_out; i++) {
    const es_tensor *t = r->out[i];
    const case_tensor *want = &row->out[i];
    if (!t) return fail_with(r, how, ": no result and no error");
    if (want->view && !es_is_view(t)) return fail_with(r, how, ": the result is no view");
    if (want->copy && es_is_view(t)) return fail_with(r, how, ": the result is a view");
    case_tensor got = {.dtype = es_dtype_of(t), .rank = es_rank(t), .count = es_size(t)};
    memcpy(got.shape, es_shape(t), sizeof(int64_t) * (size_t)got.rank);
    char *data = calloc((size_t)got.count + 1, es_dtype_size(got.dtype));
    es_read(r->ctx, t, got.dtype, data, got.count);
    load_values(&got, data);
    bool wrong = differs(want, &got, how, r->report, r->cap);
    free(data);
    free(got.values);
    if (wrong) return false;
  }
  return true;
}

bool cases_judge(case_run *r, const char *how) {
  return check_error(r, es_ctx_error(r->ctx), es_error_text(r->ctx)) &&
         (r->row->error || check_outputs(r, how));
}

static bool run_tensors(case_run *r, const char *strategy, const char *how) {
  es_scope_push(r->ctx);
  es_set_strategy(r->ctx, strategy);
  cases_operands(r);
  bool good = cases_call(r) && cases_judge(r, how);
  es_set_strategy(r->ctx, NULL);
  es_clear_error(r->ctx);
  es_scope_pop(r->ctx);
  return good;
}

/* ---- the plan door ----------------------------------------------------------------------------
 */

es_array cases_described(const es_tensor *t) {
  return (es_array){(void *)(uintptr_t)es_data(t), es_dtype_of(t), es_rank(t), es_shape(t),
                    es_strides(t)};
}

static bool run_plan(case_run *r, const es_plan *plan, const es_array *in) {
  const case_row *row = r->row;
  case_tensor got = {.dtype = es_plan_dtype(plan), .rank = es_plan_rank(plan), .count = 1};
  for (int i = 0; i < got.rank; i++) got.count *= got.shape[i] = es_plan_shape(plan)[i];
  size_t size = es_dtype_size(got.dtype), work = es_plan_workspace(plan);
  char *data = calloc((size_t)got.count + 1, size);
  memset(data, 0xa5, (size_t)got.count * size);
  void *workspace = work ? aligned_alloc(64, (work + 63) / 64 * 64) : NULL;
  es_array out = {data, got.dtype, got.rank, got.shape, NULL};
  es_error error;
  bool good = es_run(r->ctx, plan, in, row->n_in, &out, workspace, &error) == ES_OK;
  if (!good) {
    fail_with(r, "the plan door: ", error.message);
  } else {
    load_values(&got, data);
    good = !differs(&row->out[0], &got, "the plan door", r->report, r->cap);
  }
  free(got.values);
  free(data);
  free(workspace);
  return good;
}

/* A failure of the plan door, which the row may want. */
static bool plan_error(case_run *r, const es_error *e) {
  char text[4096];
  if (!r->row->error) return fail_with(r, "the plan door: ", e->message);
  es_error_render(e, r->row->text, strlen(r->row->text), text, sizeof text);
  return check_error(r, e, text);
}

static bool run_plans(case_run *r) {
  const case_row *row = r->row;
  es_error error = {.message = ""};
  es_options options = row->options;
  options.sizes = row->sizes;
  es_expr *expr = es_expr_parse(r->ctx, row->kind, row->text, strlen(row->text),
                                row->options.reading, &error);
  if (!expr) return plan_error(r, &error);
  es_array in[CASE_MAX_TENSORS];
  es_scope_push(r->ctx);
  for (int i = 0; i < row->n_in; i++) in[i] = cases_described(make_operand(r->ctx, &row->in[i]));
  es_plan *plan = es_plan_make(r->ctx, expr, in, row->n_in, NULL, &options, &error);
  bool good = !plan        ? plan_error(r, &error)
              : row->error ? fail_with(r, "the plan door: ", "no error")
                           : run_plan(r, plan, in);
  es_plan_release(plan);
  es_expr_release(expr);
  es_scope_pop(r->ctx);
  return good;
}

bool cases_run(es_ctx *ctx, const case_row *row, char *report, size_t cap) {
  case_run r = {.ctx = ctx, .row = row, .report = report, .cap = cap};
  bool tensors = row->kind != ES_KIND_REARRANGE || row->n_in == 1; /* joins have no call */
  if (tensors && !run_tensors(&r, NULL, "the planner's choice")) return false;
  if (row->n_out > 1 || row->kind >= ES_KIND_PACK || (tensors && row->error)) return true;
  if (tensors && !row->out[0].view && !run_tensors(&r, "loops", "the strategy loops")) return false;
  return run_plans(&r);
}
