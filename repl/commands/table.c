/* Every command there is, and those that take a few lines. */
#include "repl/commands/table.h"

#include <string.h>

#include "repl/commands/command_draw.h"
#include "repl/commands/export.h"
#include "repl/commands/help.h"
#include "repl/commands/run.h"
#include "repl/commands/session_file.h"
#include "repl/commands/settings.h"
#include "repl/commands/tour.h"
#include "repl/language/variables.h"
#include "repl/print/print.h"

static bool vars(sc_runner *r, const sc_source *source, char *rest) {
  sc_buffer out = {0};
  const sc_session *s = &r->session;
  (void)source, (void)rest;
  size_t widest = 4, tensors = 0;
  if (!s->n_variables) sc_puts(&out, "no variables\n");
  for (size_t i = 0; i < s->n_variables; i++) {
    size_t columns = sc_columns(s->variables[i].name, strlen(s->variables[i].name));
    if (columns > widest && columns <= 24) widest = columns;
  }
  for (size_t i = 0; i < s->n_variables; i++) {
    const char *name = s->variables[i].name;
    const sc_value *v = s->variables[i].value;
    size_t columns = sc_columns(name, strlen(name));
    sc_puts(&out, name);
    sc_fill(&out, ' ', columns < widest ? widest - columns + 2 : 2);
    if (v->kind == SC_TENSOR) {
      tensors++;
      sc_put_type(&out, s->color ? &s->palette : NULL, v);
      sc_puts(&out, "  ");
      sc_put_bytes(&out,
                   (double)es_size(v->tensor) * (double)es_dtype_size(es_dtype_of(v->tensor)));
      if (sc_is_view(s, v)) sc_puts(&out, " view");
    } else {
      sc_put_brief(&out, s, v);
    }
    sc_puts(&out, "\n");
  }
  if (tensors) {
    sc_put_bytes(&out, (double)es_memory_now(s->es));
    sc_puts(&out, " in use, at most ");
    sc_put_bytes(&out, (double)es_memory_peak(s->es));
    sc_puts(&out, " so far, limit ");
    sc_put_bytes(&out, (double)es_max_bytes(s->es));
    sc_puts(&out, "\n");
  }
  sc_tell(r, &out);
  sc_buffer_free(&out);
  return true;
}

/* .plan and .dump are explain with its stages named. */
static bool stages(sc_runner *r, const sc_source *source, const char *rest, const char *letters) {
  if (!*rest)
    return sc_fail_command(r, source, ES_E_SYNTAX,
                           "a pattern is missing: .plan 'ij, jk -> ik', (3, 4), (4, 5)");
  bool alone = strchr("'\"", rest[strlen(rest) - 1]) != NULL; /* no operands */
  sc_buffer after = {0};
  sc_printf(&after, ", stages='%s')", alone ? "ta" : letters);
  bool ok = sc_run_around(r, source, "explain(", strlen(rest), sc_text(&after));
  sc_buffer_free(&after);
  return ok;
}

static bool plan(sc_runner *r, const sc_source *source, char *rest) {
  return stages(r, source, rest, "s");
}

static bool dump(sc_runner *r, const sc_source *source, char *rest) {
  return stages(r, source, rest, "taxvps");
}

static bool cost(sc_runner *r, const sc_source *source, char *rest) {
  return sc_run_around(r, source, "cost(", strlen(rest), ")");
}

static bool timing(sc_runner *r, const sc_source *source, char *rest) {
  return sc_settings_one(r, source, "time", rest);
}

static bool threads(sc_runner *r, const sc_source *source, char *rest) {
  return sc_settings_one(r, source, "threads", rest);
}

static bool isa(sc_runner *r, const sc_source *source, char *rest) {
  return sc_settings_one(r, source, "isa", rest);
}

static bool save(sc_runner *r, const sc_source *source, char *rest) {
  char *path = rest + strcspn(rest, " ");
  if (strncmp(rest, "session", 7) || path != rest + 7 || !*(path += strspn(path, " ")))
    return sc_fail_command(r, source, ES_E_SYNTAX,
                           "write .save session FILE, or save('x.npy', x) for one tensor");
  return sc_session_save(r, source, path);
}

static bool load(sc_runner *r, const sc_source *source, char *rest) {
  if (!*rest)
    return sc_fail_command(r, source, ES_E_SYNTAX,
                           "write .load FILE: a saved session, an archive or a script");
  return sc_session_load(r, source, rest);
}

static bool quit(sc_runner *r, const sc_source *source, char *rest) {
  (void)source, (void)rest;
  return r->quit = true;
}

const sc_command sc_all_commands[] = {
    {"help", "[NAME|commands]", "where to begin; as ?NAME; every command", sc_command_help,
     "commands"},
    {"vars", "", "the variables", vars, NULL},
    {"functions", "", "every name there is", sc_command_functions, NULL},
    {"plan", "'pattern', x, w", "the plan of a pattern; operands are tensors or shapes", plan,
     NULL},
    {"dump", "'pattern', x, w", "every stage: tokens, tree, axes, views, problem, plan", dump,
     NULL},
    {"cost", "'pattern', x, w", "multiply-adds, bytes and workspace of a pattern", cost, NULL},
    {"show", "x [--png FILE]", "a heat map; also --svg FILE", sc_command_show, "--svg --png"},
    {"diagram", "'pattern', x, w", "a picture of a pattern; also --svg FILE", sc_command_diagram,
     "--svg"},
    {"explain", "'pattern', x, w", "its whole way; also --svg FILE, --dot, --json",
     sc_command_explain, "--svg --dot --json"},
    {"time", "[on|off]", "the time of each statement", timing, "on off"},
    {"threads", "[N]", "threads of the engine", threads, NULL},
    {"isa", "[NAME]", "vector width: auto, v16, v32, v64", isa, "auto v16 v32 v64"},
    {"set", "[NAME [VALUE]]", "limits, threads, seed, precise, colours, hints", sc_settings_command,
     NULL},
    {"save", "session FILE", "all variables, as an archive that NumPy reads too", save, "session"},
    {"load", "FILE", "a saved session, the arrays of an archive, or a script", load, NULL},
    {"export", "c [FILE]", "the statements so far as a C program", sc_export, "c"},
    {"tour", "[STEP]", "sixteen short steps, from a product to attention", sc_command_tour, NULL},
    {"quit", "", "ends the session", quit, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
