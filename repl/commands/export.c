/* The statements of the session run again in a session of shapes, and every call of
 * the library that makes a tensor is written as C (repl/language/trace.h). What needs values to
 * know its own calls (x.item() as a size) cannot be written so: its statement becomes a
 * comment, and so does what reads its results. */
#include "repl/commands/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "repl/language/eval.h"
#include "repl/language/functions.h"
#include "repl/language/variables.h"
#include "repl/print/print.h"

static const char head[] =
    "#include <einstride.h>\n"
    "#include <einstride/io.h>\n"
    "#include <einstride/layers.h>\n"
    "#include <math.h>\n"
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "\n"
    "/* Type and shape, then the elements in C order; of complex ones both parts. */\n"
    "static void show(es_ctx *es, const es_tensor *x) {\n"
    "  if (!x) return;\n"
    "  es_dtype dtype = es_dtype_of(x);\n"
    "  int64_t n = es_size(x);\n"
    "  double *values = malloc(((size_t)n + 1) * 2 * sizeof *values);\n"
    "  printf(\"%s[\", es_dtype_name(dtype));\n"
    "  for (int i = 0; i < es_rank(x); i++) printf(i ? \" %lld\" : \"%lld\", (long "
    "long)es_shape(x)[i]);\n"
    "  printf(\"]\");\n"
    "  if (values && dtype <= ES_I64 && !es_read(es, x, ES_I64, values, n))\n"
    "    for (int64_t i = 0; i < n; i++) printf(\" %lld\", (long long)((int64_t *)values)[i]);\n"
    "  else if (values && dtype < ES_C64 && !es_read(es, x, ES_F64, values, n))\n"
    "    for (int64_t i = 0; i < n; i++) printf(\" %.17g\", values[i]);\n"
    "  else if (values && !es_read(es, x, ES_C128, values, n))\n"
    "    for (int64_t i = 0; i < 2 * n; i++) printf(\" %.17g\", values[i]);\n"
    "  printf(\"\\n\");\n"
    "  free(values);\n"
    "}\n"
    "\n"
    "int main(void) {\n";

static const char tail[] = "  const char *error = es_error_text(es);\n"
                           "  fputs(error, stderr);\n"
                           "  int failed = *error != '\\0';\n"
                           "  es_ctx_destroy(es);\n"
                           "  return failed;\n"
                           "}\n";

typedef struct exporter {
  sc_session session;
  sc_trace trace;
  sc_buffer body;
  char **declared; /* names of C variables */
  size_t n_declared;
  int left_out;
  sc_buffer first; /* why the first statement that was left out was */
} exporter;

/* ---- names -------------------------------------------------------------------------------- */

static bool taken(const exporter *e, const char *name) {
  static const char *const words[] = {
      "auto",   "break",  "case",     "char",   "const",    "continue", "default", "do",
      "double", "else",   "enum",     "extern", "float",    "for",      "goto",    "if",
      "inline", "int",    "long",     "main",   "register", "restrict", "return",  "short",
      "signed", "sizeof", "static",   "struct", "switch",   "typedef",  "union",   "unsigned",
      "void",   "while",  "volatile", "bool",   "true",     "false",    "es",      "show",
      "error",  "failed", "malloc",   "free",   "printf",   "puts",     "stdin",   "NULL"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strcmp(words[i], name)) return true;
  for (size_t i = 0; i < e->n_declared; i++)
    if (!strcmp(e->declared[i], name)) return true;
  return (*name == 't' && name[1 + strspn(name + 1, "0123456789")] == '\0') ||
         !strncmp(name, "es_", 3) || !strncmp(name, "ES_", 3);
}

/* A variable that is assigned again is another one in C: what holds the old value keeps
 * its name. */
static const char *declare(exporter *e, const char *name) {
  sc_buffer made = {0};
  sc_puts(&made, name);
  for (int version = 2; taken(e, made.bytes); version++) {
    made.len = 0;
    sc_printf(&made, "%s_%d", name, version);
  }
  e->declared = sc_grow(e->declared, (e->n_declared + 1) * sizeof *e->declared);
  e->declared[e->n_declared++] = made.bytes;
  return made.bytes;
}

/* The tensor of a variable: its last call makes it under its name, or the name is
 * another one of it. */
static void assign_name(exporter *e, const char *variable, const es_tensor *t) {
  const char *old = sc_trace_name(&e->trace, t);
  if (!old) return;
  const char *name = declare(e, variable);
  sc_buffer pattern = {0};
  sc_printf(&pattern, "  es_tensor *%s = ", old);
  char *found = e->trace.lines.bytes ? strstr(e->trace.lines.bytes, pattern.bytes) : NULL;
  bool last = found && !strchr(strchr(found, '\n') + 1, '\n');
  if (last) {
    char *rest = sc_copy_text(found + pattern.len, strlen(found + pattern.len));
    e->trace.lines.len = (size_t)(found - e->trace.lines.bytes);
    sc_printf(&e->trace.lines, "  es_tensor *%s = %s", name, rest);
    free(rest);
    struct sc_traced *made = &e->trace.made[e->trace.n - 1];
    free(made->name);
    made->name = sc_copy_text(name, strlen(name));
  } else {
    sc_printf(&e->trace.lines, "  es_tensor *%s = %s;\n", name, old);
  }
  sc_buffer_free(&pattern);
}

/* ---- statements ------------------------------------------------------------------------------ */

static void put_shown(exporter *e, const sc_value *v) {
  bool tensors = false;
  if (v->kind == SC_TENSOR) {
    sc_trace_show(&e->trace, v->tensor);
    return;
  }
  for (int64_t i = 0; sc_is_sequence(v) && i < v->n; i++) tensors |= v->items[i]->kind == SC_TENSOR;
  if (tensors) {
    for (int64_t i = 0; i < v->n; i++) put_shown(e, v->items[i]);
  } else if (v->kind != SC_NONE) {
    sc_buffer text = {0};
    sc_print_value(&text, &e->session, v, true);
    sc_puts(&e->trace.lines, "  puts(");
    sc_put_c_string(&e->trace.lines, sc_text(&text), text.len);
    sc_puts(&e->trace.lines, ");\n");
    sc_buffer_free(&text);
  }
}

static void put_targets(exporter *e, const sc_node *target) { /* depth: bounded by the parser */
  if (target->kind == SC_N_SUBSCRIPT) return;                 /* written where it ran */
  for (int i = 0; target->kind != SC_N_NAME && i < target->n; i++) put_targets(e, target->kids[i]);
  if (target->kind != SC_N_NAME) return;
  const sc_value *v = sc_variable_get(&e->session, target->text);
  if (v && v->kind == SC_TENSOR) assign_name(e, target->text, v->tensor);
}

/* What a statement without a C form would have written into: x of x[0] = v. */
static void lose_target(exporter *e, const sc_node *target) { /* depth: bounded by the parser */
  const sc_node *node = target;
  while (node->kind == SC_N_SUBSCRIPT) node = node->kids[0];
  if (node != target && node->kind == SC_N_NAME) {
    const sc_value *v = sc_variable_get(&e->session, node->text);
    if (v && v->kind == SC_TENSOR) sc_trace_lose(&e->trace, v->tensor);
  }
  for (int i = 0; node == target && i < node->n; i++) lose_target(e, node->kids[i]);
}

/* As a comment: no end of one inside, and on one line. */
static void put_comment(sc_buffer *out, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    sc_put(out, text[i] == '\n' || (i && text[i] == '/' && text[i - 1] == '*') ? " " : text + i, 1);
}

static void leave_out(exporter *e, const sc_logged *logged, const char *why) {
  sc_printf(&e->body, "  /* line %zu is left out: ", logged->line);
  put_comment(&e->body, why, strlen(why));
  sc_puts(&e->body, " */\n");
  if (!e->left_out++) sc_printf(&e->first, "line %zu has no C form: %s", logged->line, why);
}

static void export_statement(exporter *e, const sc_logged *logged) {
  sc_session *s = &e->session;
  sc_arena arena = {0};
  sc_parser parser;
  sc_outcome outcome = {0};
  size_t len = strlen(logged->text), before = e->trace.n;
  sc_buffer_free(&e->trace.lines);
  e->trace.failed = false;
  sc_parser_start(&parser, &arena, logged->text, len);
  sc_node *node = sc_parse_statement(&parser);
  sc_trace_on = &e->trace;
  bool ok = node && sc_statement_begin(s);
  if (ok && sc_run_statement(s, node, &outcome)) {
    for (int i = 0; node->kind == SC_N_ASSIGN && i + 1 < node->n; i++)
      put_targets(e, node->kids[i]);
    if (node->kind == SC_N_AUGMENT) put_targets(e, node->kids[0]);
    if (outcome.value && !logged->silent) put_shown(e, outcome.value);
  }
  sc_trace_on = NULL;
  sc_printf(&e->body, "%s  /* ", e->body.len ? "\n" : "");
  put_comment(&e->body, logged->text, len);
  sc_puts(&e->body, " */\n");
  if (s->fault.set)
    leave_out(e, logged, s->fault.error.message);
  else if (e->trace.failed)
    leave_out(e, logged, e->trace.message);
  else
    sc_put(&e->body, sc_text(&e->trace.lines), e->trace.lines.len);
  if (s->fault.set || e->trace.failed) {
    sc_trace_forget(&e->trace, before);
    bool assigns = node && (node->kind == SC_N_ASSIGN || node->kind == SC_N_AUGMENT);
    for (int i = 0; assigns && i + 1 < node->n; i++) lose_target(e, node->kids[i]);
  }
  sc_fault_clear(s);
  es_clear_error(s->es);
  if (ok) sc_statement_end(s);
  sc_arena_free(&arena);
}

/* ---- the program
 * --------------------------------------------------------------------------------- */

static bool write_program(sc_runner *r, const sc_source *source, const char *path,
                          const sc_buffer *program) {
  if (!*path) return sc_tell(r, program), true;
  FILE *file = fopen(path, "w");
  bool ok = file && fwrite(program->bytes, 1, program->len, file) == program->len;
  if (file && fclose(file) != 0) ok = false;
  if (ok) return true;
  sc_buffer text = {0};
  sc_printf(&text, "'%s' cannot be written: %s", path, strerror(errno));
  sc_fail_command(r, source, ES_E_IO, sc_text(&text));
  sc_buffer_free(&text);
  return false;
}

static void put_program(const exporter *e, const sc_runner *r, sc_buffer *out) {
  sc_puts(out, "/* Written by .export c of einstride " ES_VERSION_STRING
               ".\n * cc FILE $(pkg-config --cflags --libs einstride) */\n");
  sc_puts(out, head);
  sc_printf(out, "  es_ctx *es = es_ctx_create(&(es_config){.seed = %llu});\n\n",
            (unsigned long long)r->seed);
  sc_put(out, sc_text(&e->body), e->body.len);
  sc_puts(out, "\n");
  sc_puts(out, tail);
}

static void close_exporter(exporter *e) {
  sc_trace_forget(&e->trace, 0);
  sc_session_close(&e->session);
  for (size_t i = 0; i < e->n_declared; i++) free(e->declared[i]);
  free(e->trace.made);
  free(e->declared);
  sc_buffer_free(&e->trace.lines);
  sc_buffer_free(&e->body);
  sc_buffer_free(&e->first);
}

bool sc_export(sc_runner *r, const sc_source *source, char *rest) {
  char *path = rest + strcspn(rest, " ");
  path += strspn(path, " ");
  if (*rest != 'c' || (rest[1] && rest[1] != ' ')) {
    return sc_fail_command(r, source, ES_E_SYNTAX, "write .export c, or .export c FILE");
  }
  exporter e = {0};
  es_config config = {.threads = 1, .shapes_only = true, .max_bytes = es_max_bytes(r->session.es)};
  if (!sc_session_open(&e.session, r->session.functions, &config)) return false;
  e.session.shapes_only = true;
  e.session.effort = r->session.effort;
  e.session.order_seed = r->session.order_seed;
  e.session.precise = r->session.precise;
  for (size_t i = 0; i < r->n_logged; i++) export_statement(&e, &r->logged[i]);
  sc_buffer program = {0};
  put_program(&e, r, &program);
  bool ok = write_program(r, source, path, &program);
  if (ok && e.left_out) {
    sc_fail_command(r, source, ES_E_UNSUPPORTED, sc_text(&e.first));
    ok = false;
  }
  close_exporter(&e);
  sc_buffer_free(&program);
  return ok;
}
