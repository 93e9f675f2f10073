/* Stages of an expression as text, for people. */
#include <string.h>

#include "base/text.h"
#include "engine/bind/bind.h"
#include "engine/ctx.h"
#include "engine/limits.h"
#include "engine/plan.h"
#include "engine/plan_make.h"
#include "engine/planner.h"
#include "engine/program.h"

size_t es_plan_print(const es_plan *plan, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  if (!plan) return t.len;
  const es_plan_slot *out = &plan->slot[plan->n_in];
  es_text_printf(&t, "(plan %s ", es_dtype_name(out->dtype));
  es_text_shape(&t, out->rank, out->shape);
  es_text_printf(&t, ", %.4g multiply-adds, %.4g bytes, workspace %zu%s", plan->flops, plan->bytes,
                 plan->workspace, plan->is_view ? ", a view" : "");
  for (int l = 0; l < plan->n_loops; l++)
    es_text_printf(&t, "\n  (steps %d to %d for each part of %s)", plan->loop[l].begin + 1,
                   plan->loop[l].end, plan->loop[l].text);
  const es_step *step = plan->step;
  for (int g = 0; g < plan->n_groups; g++) {
    const es_plan_group *group = &plan->group[g];
    es_text_printf(&t, "\n  (%s%s, %.4g points", group->alternative ? "where that overflows: " : "",
                   group->text, group->points);
    for (int s = 0; s < group->n_steps; s++, step++) {
      char line[512];
      step->strategy->print(step, line, sizeof line);
      es_text_printf(&t, "\n    (%s)", line);
    }
    es_text_puts(&t, ")");
  }
  es_text_puts(&t, ")\n");
  return t.len;
}

/* Where the next print function of the same contract may write. */
static char *rest(const es_text *t, size_t *cap) {
  *cap = t->len < t->cap ? t->cap - t->len : 0;
  return *cap ? t->buf + t->len : NULL;
}

static void put_problems(es_text *t, const es_plan *plan) {
  for (int s = 0; s < plan->n_steps; s++) {
    size_t cap;
    char *buf = rest(t, &cap);
    t->len += es_problem_print(plan->step[s].problem, buf, cap);
  }
}

static void put_plan(es_text *t, const es_plan *plan) {
  size_t cap;
  char *buf = rest(t, &cap);
  t->len += es_plan_print(plan, buf, cap);
}

/* Predicted seconds of each step, by each strategy that applies; the chosen one first. */
static void put_costs(es_text *t, const es_plan *plan, const es_plan_env *env) {
  for (int n = 0; n < plan->n_steps; n++) {
    const es_step *step = &plan->step[n];
    es_text_printf(t, "step %d predicted %.4g s (%s)", n, step->predicted, step->strategy->name);
    for (int i = 0; es_strategies[i]; i++) {
      const es_strategy *s = es_strategies[i];
      if (s != step->strategy && s->applicable(step->problem, env))
        es_text_printf(t, ", %s %.4g", s->name, s->cost(step->problem, env));
    }
    es_text_puts(t, "\n");
  }
}

/* The stages that need shapes. */
static es_status put_bound_stages(es_text *t, es_ctx *ctx, es_arena *arena,
                                  const es_pattern *pattern, const es_array *in, int64_t n,
                                  const es_options *options, const char *letters, es_error *error) {
  es_bound *bound;
  es_plan *plan;
  ES_TRY(es_bind(arena, pattern, in, n, NULL, options, &bound, error));
  size_t cap;
  char *buf = rest(t, &cap);
  if (strpbrk(letters, "xv")) t->len += es_bound_print(bound, letters, buf, cap);
  if (!strpbrk(letters, "psc")) return ES_OK;
  ES_TRY(es_plan_build(ctx, bound, in, options, &plan, error));
  if (strchr(letters, 'p')) put_problems(t, plan);
  if (strchr(letters, 's')) put_plan(t, plan);
  if (strchr(letters, 'c'))
    put_costs(t, plan, &(es_plan_env){arena, ctx->kernels, ctx->config.threads});
  es_plan_release(plan);
  return ES_OK;
}

/* The graph of a program, and the plan of all its statements. */
static es_status dump_program(es_text *t, es_ctx *ctx, es_arena *arena, const char *text,
                              const es_array *in, int64_t n, const es_options *options,
                              const char *letters, es_error *error) {
  es_graph *program;
  es_plan *plan;
  size_t cap;
  es_reading reading = options ? options->reading : ES_READ_AUTO;
  ES_TRY(es_ctx_parse_program(ctx, arena, text, strlen(text), reading, &program, error));
  char *buf = rest(t, &cap);
  if (strchr(letters, 'a')) t->len += es_program_print(program, buf, cap);
  if (!strpbrk(letters, "ps")) return ES_OK;
  ES_TRY(es_program_plan(ctx, program, in, n, options, &plan, error));
  if (strchr(letters, 'p')) put_problems(t, plan);
  if (strchr(letters, 's')) put_plan(t, plan);
  es_plan_release(plan);
  return ES_OK;
}

static es_status dump(es_text *t, es_ctx *ctx, es_arena *arena, es_kind kind, const char *text,
                      const es_array *in, int64_t n, const es_options *options, const char *letters,
                      es_error *error) {
  size_t len = strlen(text), cap;
  es_pattern *pattern;
  char *buf = rest(t, &cap);
  if (kind == ES_KIND_PROGRAM)
    return dump_program(t, ctx, arena, text, in, n, options, letters, error);
  if (strchr(letters, 't')) t->len += es_tokens_dump(text, len, buf, cap);
  es_reading reading = options ? options->reading : ES_READ_AUTO;
  ES_TRY(es_ctx_parse(ctx, arena, kind, text, len, reading, &pattern, error));
  buf = rest(t, &cap);
  if (strchr(letters, 'a')) t->len += es_pattern_dump(pattern, buf, cap);
  if (!strpbrk(letters, "xvpsc")) return ES_OK;
  return put_bound_stages(t, ctx, arena, pattern, in, n, options, letters, error);
}

size_t es_dump(es_ctx *ctx, es_kind kind, const char *text, const es_array *in, int64_t n,
               const es_options *options, const char *letters, char *buf, size_t cap,
               es_error *error) {
  es_text t = es_text_init(buf, cap);
  if (!ctx || !text || (n > 0 && !in)) {
    es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
            "es_dump needs a context, a text and as many operands as it is told of, got NULL");
    return 0;
  }
  if (!letters) letters = in ? "taxvps" : "ta";
  size_t unknown = strspn(letters, "taxvpsc");
  if (letters[unknown]) {
    es_fail(error, ES_E_VALUE, "", ES_NOWHERE,
            "the stages of es_dump are t, a, x, v, p, s and c; '%c' is none", letters[unknown]);
    return 0;
  }
  es_arena arena;
  es_arena_init(&arena, &ctx->allocator);
  es_status status = dump(&t, ctx, &arena, kind, text, in, n, options, letters, error);
  es_arena_free(&arena);
  return status == ES_OK ? t.len : 0;
}
