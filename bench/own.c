/* einstride as a contender, through each of its doors. */
#include "bench/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/call.h"
#include "bench/data.h"
#include "bench/machine.h"

struct bench_own {
  const bench_case *c;
  es_ctx *ctx;
  es_expr *expr;
  es_plan *plan; /* NULL for calls */
  bench_call call;
  es_array in[MAX_OPERANDS], out;
  void *data[MAX_OPERANDS];
  es_tensor *tensor[MAX_OPERANDS]; /* over data; for the doors that take tensors */
  void *result, *workspace;
  int64_t elements;
  es_axis_size sizes[8];
  char size_text[64];
  es_options options;
  double flops;
};

/* "g=2 k=3" into names and sizes; the text is cut up in place. */
static void read_sizes(bench_own *o, const char *text) {
  snprintf(o->size_text, sizeof o->size_text, "%s", text);
  int n = 0;
  char *rest = o->size_text;
  for (char *one; n < 7 && (one = strsep(&rest, " "));) {
    char *equals = strchr(one, '=');
    if (!equals) continue;
    *equals = 0;
    o->sizes[n++] = (es_axis_size){one, strtoll(equals + 1, NULL, 10)};
  }
  o->sizes[n] = (es_axis_size){NULL, 0};
}

static bool make_operands(bench_own *o) {
  const bench_case *c = o->c;
  for (int i = 0; i < c->n; i++) {
    int64_t n = bench_elements(c->rank[i], c->shape[i]);
    if (!(o->data[i] = bench_alloc((size_t)n * es_dtype_size(c->type[i])))) return false;
    bench_fill(o->data[i], c->type[i], n, i + 1);
    o->in[i] = (es_array){o->data[i], c->type[i], c->rank[i], c->shape[i], NULL};
    o->tensor[i] = es_wrap(o->ctx, c->type[i], o->data[i], n, 0, c->rank[i], c->shape[i], NULL,
                           false, NULL, NULL);
  }
  return true;
}

static bool make_plan(bench_own *o, es_error *error) {
  const char *text = o->c->text;
  o->expr = es_expr_parse(o->ctx, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, error);
  if (o->expr) o->plan = es_plan_make(o->ctx, o->expr, o->in, o->c->n, NULL, &o->options, error);
  if (!o->plan) return false;
  o->elements = bench_elements(es_plan_rank(o->plan), es_plan_shape(o->plan));
  size_t bytes = (size_t)o->elements * es_dtype_size(es_plan_dtype(o->plan));
  size_t workspace = es_plan_workspace(o->plan);
  o->result = bench_alloc(bytes);
  o->workspace = workspace ? bench_alloc(workspace) : NULL;
  if (!o->result || (workspace && !o->workspace)) return false;
  memset(o->result, 0, bytes);
  o->out = (es_array){o->result, es_plan_dtype(o->plan), es_plan_rank(o->plan),
                      es_plan_shape(o->plan), NULL};
  return true;
}

static es_tensor *by_name(bench_own *o) {
  if (o->c->door == DOOR_CALL) return bench_call_run(o->ctx, &o->call, o->tensor);
  return es_einsum(o->ctx, o->c->text, o->tensor, o->c->n, o->sizes[0].name ? o->sizes : NULL);
}

static bool make_call(bench_own *o) {
  if (!bench_call_read(o->c->call, o->c->n, &o->call)) return false;
  es_scope_push(o->ctx);
  es_tensor *t = by_name(o);
  if (t) {
    o->elements = es_size(t);
    o->result = bench_alloc((size_t)o->elements * es_dtype_size(es_dtype_of(t)));
  }
  es_scope_pop(o->ctx);
  return o->result != NULL;
}

/* Real operations of a multiply-add of this type. */
static double operations(es_dtype type) { return type == ES_C64 || type == ES_C128 ? 8 : 2; }

static bool prepare(bench_own *o, int threads, const bench_force *force, es_error *error) {
  const bench_case *c = o->c;
  es_config config = {.threads = threads, .isa = force->isa};
  if (!(o->ctx = es_ctx_create(&config))) return false;
  if (force->strategy) es_set_strategy(o->ctx, force->strategy);
  if (!make_operands(o)) return false;
  read_sizes(o, c->sizes);
  o->options =
      (es_options){.sizes = o->sizes, .strategy = force->strategy, .constant = c->constant};
  if (c->out != ES_DTYPE_AUTO) o->options.has_out_dtype = true, o->options.out_dtype = c->out;
  if (c->door == DOOR_CALL ? !make_call(o) : !make_plan(o, error)) return false;
  o->flops = c->flops;
  if (c->flops == 0 && o->plan)
    o->flops = operations(es_plan_dtype(o->plan)) * es_plan_flops(o->plan);
  return true;
}

bench_own *bench_own_prepare(const bench_case *c, int threads, const bench_force *force) {
  bench_own *o = calloc(1, sizeof *o);
  es_error error = {0};
  if (!o) return NULL;
  o->c = c;
  if (prepare(o, threads, force, &error)) return o;
  char text[1024] = "";
  if (force->quiet) return bench_own_finish(o), NULL;
  if (error.status)
    es_error_render(&error, c->text, strlen(c->text), text, sizeof text);
  else if (o->ctx)
    snprintf(text, sizeof text, "%s\n", es_error_text(o->ctx));
  fprintf(stderr, "%s: %s", c->name, *text ? text : "cannot be run\n");
  return bench_own_finish(o), NULL;
}

static double run_plan(bench_own *o, int times) {
  es_error error;
  double t = bench_now();
  for (int i = 0; i < times; i++)
    if (es_run(o->ctx, o->plan, o->in, o->c->n, &o->out, o->workspace, &error))
      return fprintf(stderr, "%s: %s\n", o->c->name, error.message), 1e30;
  return bench_now() - t;
}

static double run_first(bench_own *o, int times) {
  const char *text = o->c->text;
  es_error error;
  double t = bench_now();
  for (int i = 0; i < times; i++) {
    es_expr *expr = es_expr_parse(o->ctx, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
    es_plan *plan = es_plan_make(o->ctx, expr, o->in, o->c->n, NULL, &o->options, &error);
    es_plan_release(plan);
    es_expr_release(expr);
  }
  return bench_now() - t;
}

static double run_by_name(bench_own *o, int times) {
  double t = bench_now();
  for (int i = 0; i < times; i++) {
    es_scope_push(o->ctx);
    es_tensor *made = by_name(o);
    es_scope_pop(o->ctx);
    if (!made) return fprintf(stderr, "%s: %s\n", o->c->name, es_error_text(o->ctx)), 1e30;
  }
  return bench_now() - t;
}

double bench_own_run(bench_own *o, int times) {
  switch (o->c->door) {
  case DOOR_PLAN: return run_plan(o, times);
  case DOOR_FIRST: return run_first(o, times);
  case DOOR_STRING:
  case DOOR_CALL: break;
  }
  return run_by_name(o, times);
}

const void *bench_own_result(bench_own *o) {
  if (o->c->door == DOOR_PLAN || o->c->door == DOOR_FIRST) {
    run_plan(o, 1);
    return o->result;
  }
  es_scope_push(o->ctx);
  es_tensor *t = by_name(o);
  if (t) es_read(o->ctx, t, es_dtype_of(t), o->result, o->elements);
  es_scope_pop(o->ctx);
  return t ? o->result : NULL;
}

void *const *bench_own_inputs(const bench_own *o) { return o->data; }
int64_t bench_own_elements(const bench_own *o) { return o->elements; }
double bench_own_flops(const bench_own *o) { return o->flops; }
const es_plan *bench_own_plan(const bench_own *o) { return o->plan; }

/* What each step took in the fastest of a few runs. */
static void time_steps(const bench_own *o, int steps, double *best) {
  es_error error;
  double *seconds = calloc((size_t)steps, sizeof *seconds), least = 0;
  for (int run = 0; seconds && run < 10; run++) {
    double sum = 0;
    memset(seconds, 0, (size_t)steps * sizeof *seconds);
    if (es_run_timed(o->ctx, o->plan, o->in, o->c->n, &o->out, 1, o->workspace, seconds, &error))
      break;
    for (int i = 0; i < steps; i++) sum += seconds[i];
    if (run > 0 && sum >= least) continue;
    least = sum;
    memcpy(best, seconds, (size_t)steps * sizeof *seconds);
  }
  free(seconds);
}

void bench_own_costs(const bench_own *o, char *buf, size_t cap) {
  es_error error;
  int steps = es_plan_steps(o->plan);
  double *seconds = calloc((size_t)steps + 1, sizeof *seconds);
  if (seconds) time_steps(o, steps, seconds);
  size_t n = es_plan_explain(o->plan, ES_EXPLAIN_TEXT, seconds, buf, cap);
  free(seconds);
  if (n < cap)
    es_dump(o->ctx, ES_KIND_EINSUM, o->c->text, o->in, o->c->n, &o->options, "c", buf + n, cap - n,
            &error);
}

void bench_own_finish(bench_own *o) {
  if (o->ctx) {
    bench_call_free(&o->call);
    es_plan_release(o->plan);
    es_expr_release(o->expr);
    es_ctx_destroy(o->ctx);
  }
  for (int i = 0; i < MAX_OPERANDS; i++) free(o->data[i]);
  free(o->result);
  free(o->workspace);
  free(o);
}
