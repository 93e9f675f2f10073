/* '.commands' and '?name' of the prompt. */
#include <stdlib.h>
#include <string.h>

#include "repl/functions.h"
#include "repl/run.h"

static const char help[] =
    "Expressions as in NumPy, JAX, PyTorch and MXNet notebooks; '= ' keeps a value, '_' is the\n"
    "last one, a trailing ';' silences. Loops and functions belong to C.\n"
    "\n"
    "  einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', x, w)     the whole notation\n"
    "  ?name                     a function or layer: formula, shape rule, example\n"
    "  .vars                     the variables\n"
    "  .plan 'pattern', x, w     the plan of a pattern; operands are tensors or shapes\n"
    "  .dump 'pattern', x, w     every stage: tokens, tree, axes, views, problem, plan\n"
    "  .time on|off              the time of each statement\n"
    "  .threads N  .isa NAME     threads; vector width: auto, v16, v32, v64\n"
    "  .functions                every name there is\n"
    "  .quit                     ends the session\n";

static void emit_text(const char *text) {
  sc_buffer out = {0};
  sc_puts(&out, text);
  sc_emit(&out);
  sc_buffer_free(&out);
}

/* ---- ?name ---------------------------------------------------------------------------- */

static void describe_layer(sc_buffer *out, const es_op *op) {
  sc_printf(out, "%s(", op->name);
  for (int i = 0; i < op->n_params; i++)
    sc_printf(out, "%s%s%s%s", i ? ", " : "", op->params[i].name,
              op->params[i].otherwise ? "=" : "",
              op->params[i].otherwise ? op->params[i].otherwise : "");
  sc_printf(out, ")\n  %s\n  expression  %s\n  shape       %s\n  example     %s\n", op->summary,
            op->expression, op->formula, op->example);
}

static const char *where_found(unsigned in) {
  if (in & SC_IN_BARE) return "";
  return in & SC_IN_METHOD   ? "x."
         : in & SC_IN_NUMPY  ? "np."
         : in & SC_IN_TORCH  ? "torch."
         : in & SC_IN_MXNET  ? "nd."
         : in & SC_IN_RANDOM ? "random."
         : in & SC_IN_EINOPS ? "einops."
         : in & SC_IN_SYMBOL ? "mx.sym."
                             : "";
}

static bool describe(sc_runner *r, const sc_source *source, const char *name) {
  sc_buffer out = {0};
  const sc_function *f;
  const char *dot = strrchr(name, '.');
  const char *last = dot ? dot + 1 : name;
  for (int i = 0; (f = sc_function_at(i)); i++)
    if (!strcmp(f->name, last))
      sc_printf(&out, "%s%s(%s)\n  %s\n", where_found(f->in), f->name, f->params, f->help);
  const es_op *op = es_op_find(last);
  if (op) describe_layer(&out, op);
  bool found = out.len > 0;
  if (found) {
    sc_emit(&out);
  } else {
    sc_nearest nearest = {last, NULL, 0};
    for (int i = 0; (f = sc_function_at(i)); i++) sc_offer(&nearest, f->name);
    for (int i = 0; i < es_op_count(); i++) sc_offer(&nearest, es_op_at(i)->name);
    sc_printf(&out, "there is no function '%.64s'", name);
    if (nearest.best) sc_printf(&out, "; did you mean '?%s'?", nearest.best);
    sc_report(r, source->name, ES_E_NAME, sc_text(&out));
  }
  sc_buffer_free(&out);
  return found;
}

/* ---- .commands --------------------------------------------------------------------------- */

static bool vars(sc_runner *r) {
  sc_buffer out = {0};
  const sc_session *s = &r->session;
  for (size_t i = 0; i < s->n_variables; i++) {
    const sc_value *v = s->variables[i].value;
    sc_printf(&out, "%s  ", s->variables[i].name);
    if (v->kind == SC_TENSOR) {
      sc_puts(&out, es_dtype_name(es_dtype_of(v->tensor)));
      sc_put_shape(&out, es_rank(v->tensor), es_shape(v->tensor));
    } else {
      sc_print_value(&out, s, v, true);
    }
    sc_puts(&out, "\n");
  }
  sc_emit(&out);
  sc_buffer_free(&out);
  return true;
}

static bool functions(void) {
  sc_buffer out = {0};
  const sc_function *f;
  for (int i = 0; (f = sc_function_at(i)); i++)
    sc_printf(&out, "%s%s\n", where_found(f->in), f->name);
  for (int i = 0; i < es_op_count(); i++) sc_printf(&out, "%s\n", es_op_at(i)->name);
  sc_emit(&out);
  sc_buffer_free(&out);
  return true;
}

/* .plan and .dump are explain with its stages named. */
static bool explain(sc_runner *r, const sc_source *source, const char *rest, const char *stages) {
  sc_buffer text = {0};
  if (!*rest) {
    sc_report(r, source->name, ES_E_SYNTAX,
              "a pattern is missing: .plan 'ij, jk -> ik', (3, 4), (4, 5)");
    return false;
  }
  bool alone = strchr("'\"", rest[strlen(rest) - 1]) != NULL; /* no operands */
  if (alone) stages = "ta";
  sc_printf(&text, "explain(%s, stages='%s')", rest, stages);
  sc_source made = {source->name, sc_text(&text), text.len, source->first_line};
  bool ok = sc_run(r, &made);
  sc_buffer_free(&text);
  return ok;
}

static bool settle(sc_runner *r, const sc_source *source, es_status status) {
  if (status == ES_OK) return true;
  const es_error *error = es_ctx_error(r->session.es);
  sc_report(r, source->name, status,
            error && error->status ? error->message : es_status_text(status));
  es_clear_error(r->session.es);
  return false;
}

static bool set_isa(sc_runner *r, const sc_source *source, const char *name) {
  int isa = !strcmp(name, "auto") ? 0 : *name == 'v' ? atoi(name + 1) : -1;
  if (isa == 0 || isa == 16 || isa == 32 || isa == 64)
    return settle(r, source, es_set_isa(r->session.es, (es_isa)isa));
  sc_report(r, source->name, ES_E_VALUE, "the vector widths are auto, v16, v32 and v64");
  return false;
}

static bool run_command(sc_runner *r, const sc_source *source, const char *name, char *rest) {
  sc_session *s = &r->session;
  if (!strcmp(name, "help")) return emit_text(help), true;
  if (!strcmp(name, "vars")) return vars(r);
  if (!strcmp(name, "functions")) return functions();
  if (!strcmp(name, "plan")) return explain(r, source, rest, "s");
  if (!strcmp(name, "dump")) return explain(r, source, rest, "taxvps");
  if (!strcmp(name, "time")) return r->timing = strcmp(rest, "off") != 0, true;
  if (!strcmp(name, "threads") && *rest)
    return settle(r, source, es_set_threads(s->es, atoi(rest)));
  if (!strcmp(name, "isa") && *rest) return set_isa(r, source, rest);
  if (!strcmp(name, "threads")) return printf("%d\n", es_threads(s->es)) > 0;
  if (!strcmp(name, "isa")) return printf("v%d\n", (int)es_isa_used(s->es)) > 0;
  if (!strcmp(name, "quit") || !strcmp(name, "exit")) return r->quit = true;
  sc_report(r, source->name, ES_E_NAME, "there is no such command; .help lists them");
  return false;
}

bool sc_command(sc_runner *r, const sc_source *source) {
  if (sc_first_bad_byte(source->text, source->len) < source->len) return sc_run(r, source);
  const char *start = source->text + strspn(source->text, " \t");
  size_t len = strlen(start);
  while (len && strchr(" \t\r\n", start[len - 1])) len--;
  char *text = sc_copy_text(start, len);
  bool ok;
  if (*text == '?') {
    ok = describe(r, source, text + 1 + strspn(text + 1, " "));
  } else {
    char *rest = text + strcspn(text, " \t");
    if (*rest) *rest++ = '\0';
    rest += strspn(rest, " \t");
    ok = run_command(r, source, text + 1, rest);
    fflush(stdout);
  }
  free(text);
  return ok;
}
