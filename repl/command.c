/* '.commands' and '?name' of the prompt. */
#include <stdlib.h>
#include <string.h>

#include "repl/command.h"
#include "repl/functions.h"
#include "repl/signature.h"

/* ---- ?name ---------------------------------------------------------------------------- */

static void describe_layer(sc_buffer *out, const es_op *op) {
  sc_put_layer_signature(out, op);
  sc_printf(out, "\n  %s\n  expression  %s\n  shape       %s\n  example     %s\n", op->summary,
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

/* ---- .commands ---------------------------------------------------------------------- */

static bool vars(sc_runner *r, const sc_source *source, char *rest) {
  sc_buffer out = {0};
  const sc_session *s = &r->session;
  (void)source, (void)rest;
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

static bool functions(sc_runner *r, const sc_source *source, char *rest) {
  sc_buffer out = {0};
  const sc_function *f;
  (void)r, (void)source, (void)rest;
  for (int i = 0; (f = sc_function_at(i)); i++)
    sc_printf(&out, "%s%s\n", where_found(f->in), f->name);
  for (int i = 0; i < es_op_count(); i++) sc_printf(&out, "%s\n", es_op_at(i)->name);
  sc_emit(&out);
  sc_buffer_free(&out);
  return true;
}

/* .plan and .dump are explain with its stages named. */
static bool stages(sc_runner *r, const sc_source *source, const char *rest, const char *letters) {
  sc_buffer text = {0};
  if (!*rest) {
    sc_report(r, source->name, ES_E_SYNTAX,
              "a pattern is missing: .plan 'ij, jk -> ik', (3, 4), (4, 5)");
    return false;
  }
  bool alone = strchr("'\"", rest[strlen(rest) - 1]) != NULL; /* no operands */
  sc_printf(&text, "explain(%s, stages='%s')", rest, alone ? "ta" : letters);
  sc_source made = {source->name, sc_text(&text), text.len, source->first_line};
  bool ok = sc_run(r, &made);
  sc_buffer_free(&text);
  return ok;
}

static bool plan(sc_runner *r, const sc_source *source, char *rest) {
  return stages(r, source, rest, "s");
}

static bool dump(sc_runner *r, const sc_source *source, char *rest) {
  return stages(r, source, rest, "taxvps");
}

static bool settle(sc_runner *r, const sc_source *source, es_status status) {
  if (status == ES_OK) return true;
  const es_error *error = es_ctx_error(r->session.es);
  sc_report(r, source->name, status,
            error && error->status ? error->message : es_status_text(status));
  es_clear_error(r->session.es);
  return false;
}

static bool timing(sc_runner *r, const sc_source *source, char *rest) {
  (void)source;
  r->timing = strcmp(rest, "off") != 0;
  return true;
}

static bool threads(sc_runner *r, const sc_source *source, char *rest) {
  if (!*rest) return printf("%d\n", es_threads(r->session.es)) > 0;
  return settle(r, source, es_set_threads(r->session.es, atoi(rest)));
}

static bool isa(sc_runner *r, const sc_source *source, char *rest) {
  if (!*rest) return printf("v%d\n", (int)es_isa_used(r->session.es)) > 0;
  int width = !strcmp(rest, "auto") ? 0 : *rest == 'v' ? atoi(rest + 1) : -1;
  if (width == 0 || width == 16 || width == 32 || width == 64)
    return settle(r, source, es_set_isa(r->session.es, (es_isa)width));
  sc_report(r, source->name, ES_E_VALUE, "the vector widths are auto, v16, v32 and v64");
  return false;
}

static bool quit(sc_runner *r, const sc_source *source, char *rest) {
  (void)source, (void)rest;
  return r->quit = true;
}

static bool help(sc_runner *r, const sc_source *source, char *rest);

static const sc_command commands[] = {
    {"help", "", "what the prompt understands", help},
    {"vars", "", "the variables", vars},
    {"functions", "", "every name there is", functions},
    {"plan", "'pattern', x, w", "the plan of a pattern; operands are tensors or shapes", plan},
    {"dump", "'pattern', x, w", "every stage: tokens, tree, axes, views, problem, plan", dump},
    {"time", "on|off", "the time of each statement", timing},
    {"threads", "[N]", "threads of the engine", threads},
    {"isa", "[NAME]", "vector width: auto, v16, v32, v64", isa},
    {"quit", "", "ends the session", quit},
};

const sc_command *sc_command_at(int index) {
  return index < (int)(sizeof commands / sizeof *commands) ? &commands[index] : NULL;
}

static bool help(sc_runner *r, const sc_source *source, char *rest) {
  sc_buffer out = {0};
  const sc_command *c;
  (void)r, (void)source, (void)rest;
  sc_puts(&out,
          "Expressions as in NumPy, JAX, PyTorch and MXNet notebooks; '=' keeps a value, '_' is "
          "the\nlast one, a trailing ';' silences. Loops and functions belong to C.\n\n"
          "  einsum('b c (h+kh) (w+kw), o c kh kw -> b o h w', x, w)     the whole notation\n"
          "  ?name                     a function or layer: formula, shape rule, example\n");
  for (int i = 0; (c = sc_command_at(i)); i++) {
    size_t start = out.len;
    sc_printf(&out, "  .%s%s%s", c->name, *c->arguments ? " " : "", c->arguments);
    size_t used = out.len - start;
    sc_fill(&out, ' ', used < 27 ? 28 - used : 1);
    sc_printf(&out, "%s\n", c->help);
  }
  sc_emit(&out);
  sc_buffer_free(&out);
  return true;
}

static bool run_command(sc_runner *r, const sc_source *source, const char *name, char *rest) {
  const sc_command *c;
  sc_nearest nearest = {name, NULL, 0};
  for (int i = 0; (c = sc_command_at(i)); i++) {
    if (!strcmp(c->name, name)) return c->run(r, source, rest);
    sc_offer(&nearest, c->name);
  }
  sc_buffer text = {0};
  sc_printf(&text, "there is no command '.%.40s'; ", name);
  if (nearest.best)
    sc_printf(&text, "did you mean '.%s'?", nearest.best);
  else
    sc_puts(&text, ".help lists them");
  sc_report(r, source->name, ES_E_NAME, sc_text(&text));
  sc_buffer_free(&text);
  return false;
}

bool sc_run_command(sc_runner *r, const sc_source *source) {
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
