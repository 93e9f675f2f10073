/* program('''…'''): several statements, planned and run as one. */
#include <string.h>

#include "repl/functions/tables.h"
#include "repl/language/variables.h"

#include "repl/functions/program.h"

bool sc_is_program(const char *text) { return strpbrk(text, ":=") != NULL; }

es_expr *sc_program_parse(sc_session *s, sc_span where, const char *text) {
  es_error error = {0};
  s->pattern = text;
  s->pattern_len = strlen(text);
  es_expr *program = es_expr_parse(s->es, ES_KIND_PROGRAM, text, s->pattern_len, ES_READ_AUTO,
                                   &error);
  if (!program) sc_fail_error(s, where, &error);
  return program;
}

static int64_t keyword(const sc_args *a, const char *name) {
  for (int64_t i = 0; i < a->n_extra; i++)
    if (!strcmp(a->extra_names[i], name)) return i;
  return -1;
}

sc_value *sc_program_input(sc_args *a, const es_expr *program, int64_t i, sc_span *where) {
  const char *name = es_expr_input(program, i);
  int64_t k = keyword(a, name);
  *where = k < 0 ? a->span : a->extra_at[k];
  sc_value *v = k < 0 ? sc_variable_get(a->s, name) : a->extra[k];
  if (v) return v;
  return sc_fail(a->s, ES_E_NAME, a->span,
                 "'%.64s' is an input of the program: no statement before gives it a value, and "
                 "there is no variable of that name; give %.64s=…",
                 name, name);
}

es_axis_size *sc_program_sizes(sc_args *a, const es_expr *program) {
  es_axis_size *sizes = sc_scratch(a->s, (size_t)(a->n_extra + 1) * sizeof *sizes);
  int64_t n = 0;
  for (int64_t k = 0; k < a->n_extra; k++) {
    bool input = false;
    for (int64_t i = 0; i < es_expr_inputs(program); i++)
      input = input || !strcmp(es_expr_input(program, i), a->extra_names[k]);
    if (input) continue;
    sizes[n].name = a->extra_names[k];
    if (!sc_to_int(a->s, a->extra_at[k], a->extra[k], "the size of an axis", &sizes[n++].size))
      return NULL;
  }
  return sizes;
}

static sc_value *run(sc_args *a, const es_expr *program, const char *text) {
  int64_t n = es_expr_inputs(program), n_out = es_expr_outputs(program);
  es_tensor **in = sc_scratch(a->s, (size_t)(n + 1) * sizeof *in);
  es_tensor **out = sc_scratch(a->s, (size_t)n_out * sizeof *out);
  sc_value **items = sc_scratch(a->s, (size_t)n_out * sizeof *items);
  for (int64_t i = 0; i < n; i++) {
    sc_span where;
    sc_value *v = sc_program_input(a, program, i, &where);
    in[i] = v ? sc_to_tensor(a->s, where, v, a->flavour, ES_DTYPE_AUTO) : NULL;
    if (!in[i]) return NULL;
  }
  const es_axis_size *sizes = sc_program_sizes(a, program);
  if (!sizes) return NULL;
  if (es_program(a->s->es, text, NULL, in, n, sizes, out, n_out) != ES_OK)
    return sc_return(a, NULL);
  for (int64_t i = 0; i < n_out; i++)
    if (!(items[i] = sc_return(a, out[i]))) return NULL;
  return n_out == 1 ? items[0] : sc_sequence(a->s, SC_TUPLE, n_out, items);
}

static sc_value *program(sc_args *a) {
  const char *text;
  if (!sc_arg_text(a, 0, &text)) return NULL;
  es_expr *parsed = sc_program_parse(a->s, a->span, text);
  if (!parsed) return NULL;
  sc_value *result = run(a, parsed, text);
  es_expr_release(parsed);
  return result;
}

const sc_function sc_functions_program[] = {
    {"program", SC_IN_BARE, "text **", program, 0,
     "program('h = relu([x: b c, w: o c -> b o])\\ny = h: b o -> b | max', x=…, w=…): statements "
     "planned as one, their operands named; inputs are keywords or variables, other keywords "
     "sizes."},
    {NULL, 0, NULL, NULL, 0, NULL}};
