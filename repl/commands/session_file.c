/* The entry of text is a script over the entries of the archive:
 *
 *   n = 3                                 a variable
 *   pair = (_0, 'a')                      _0: a tensor inside, an entry of its own
 *   #: x 1 b<tab>h                        x: its flavour, the names of its axes
 *
 * Saved are values: functions, layers and name spaces are noted and left out. */
#include "repl/commands/session_file.h"

#include <stdlib.h>
#include <string.h>

#include "einstride/io.h"
#include "repl/commands/input.h"
#include "repl/commands/run.h"
#include "repl/language/functions.h"
#include "repl/language/variables.h"
#include "repl/print/print.h"

#define TEXT_ENTRY "einstride.session"
enum { MOST = 4096 };

typedef struct archive {
  sc_session *s;
  sc_buffer text;
  char *name[MOST];
  es_tensor *tensor[MOST];
  int64_t n;
  int inner;           /* tensors inside of tuples so far */
  const char *skipped; /* kind of a value that cannot be saved; NULL */
  bool full;
} archive;

static void add_tensor(archive *a, const char *name, const sc_value *v) {
  a->full |= a->n + 1 >= MOST;
  if (a->full) return;
  a->name[a->n] = sc_copy_text(name, strlen(name));
  a->tensor[a->n++] = v->tensor;
  sc_printf(&a->text, "#: %s %d %s\n", name, (int)v->flavour, v->axes ? v->axes : "");
}

/* Tensors inside v become entries, before the line that names them. */
static void add_inner(archive *a, const sc_value *v, sc_buffer *line) {
  char name[32];
  if (v->kind == SC_TENSOR) {
    snprintf(name, sizeof name, "_%d", a->inner++);
    add_tensor(a, name, v);
    sc_puts(line, name);
  } else if (sc_is_sequence(v) || v->kind == SC_DICT) { /* depth is bounded */
    sc_puts(line, v->kind == SC_TUPLE ? "(" : v->kind == SC_LIST ? "[" : "{");
    for (int64_t i = 0; i < v->n; i++) {
      add_inner(a, v->items[i], line);
      sc_puts(line, v->kind == SC_DICT && i % 2 == 0 ? ": " : ", ");
    }
    sc_puts(line, v->kind == SC_TUPLE ? ")" : v->kind == SC_LIST ? "]" : "}");
  } else if (v->kind == SC_DTYPE) {
    sc_puts(line, es_dtype_name(v->dtype));
  } else if (v->kind == SC_ELLIPSIS) {
    sc_puts(line, "...");
  } else if (v->kind >= SC_SPACE || v->kind == SC_SLICE) {
    a->skipped = sc_kind_name(v->kind);
  } else {
    sc_print_value(line, a->s, v, true);
  }
}

static void add_variable(archive *a, const char *name, const sc_value *v) {
  sc_buffer line = {0};
  a->skipped = NULL;
  if (v->kind == SC_TENSOR) {
    add_tensor(a, name, v);
  } else {
    add_inner(a, v, &line);
    if (a->skipped)
      fprintf(stderr, "note: '%s' is left out: %s is no value that can be saved\n", name,
              a->skipped);
    else
      sc_printf(&a->text, "%s = %s\n", name, sc_text(&line));
  }
  sc_buffer_free(&line);
}

/* The engine's error, or an own one. */
static bool fail(sc_runner *r, const sc_source *source, es_status status, const char *message) {
  const es_error *error = es_ctx_error(r->session.es);
  bool engine = error && error->status;
  char text[sizeof error->message];
  es_status found = engine ? error->status : status;
  snprintf(text, sizeof text, "%s", engine ? error->message : message);
  es_clear_error(r->session.es);
  return sc_fail_command(r, source, found, text);
}

static bool write_archive(archive *a, const char *path) {
  es_ctx *es = a->s->es;
  int64_t len = (int64_t)a->text.len;
  es_tensor *text = es_from_data(es, ES_U8, 1, &len, sc_text(&a->text));
  if (!text) return false;
  a->name[a->n] = sc_copy_text(TEXT_ENTRY, strlen(TEXT_ENTRY));
  a->tensor[a->n++] = text;
  return es_save_npz(es, path, (const char *const *)a->name, a->tensor, a->n, true) == ES_OK;
}

bool sc_session_save(sc_runner *r, const sc_source *source, const char *path) {
  archive *a = sc_alloc(sizeof *a);
  a->s = &r->session;
  for (size_t i = 0; i < a->s->n_variables; i++)
    add_variable(a, a->s->variables[i].name, a->s->variables[i].value);
  bool ok = !a->full && sc_statement_begin(a->s);
  if (ok) {
    ok = write_archive(a, path);
    sc_statement_end(a->s);
  }
  if (!ok) fail(r, source, ES_E_LIMIT, "a session file holds at most 4095 tensors");
  for (int64_t i = 0; i < a->n; i++) free(a->name[i]);
  sc_buffer_free(&a->text);
  free(a);
  return ok;
}

/* ---- loading -------------------------------------------------------------------------- */

static bool is_name(const char *text) {
  sc_lexer lexer = {text, strlen(text), 0, 0};
  sc_token token = sc_lex(&lexer);
  return token.kind == SC_T_NAME && token.span.length == lexer.len;
}

/* A "#: name flavour axes" line, to the variable of that name. */
static void dress(sc_session *s, char *line) {
  char *name = line + 3, *flavour = strchr(name, ' ');
  char *axes = flavour ? strchr(flavour + 1, ' ') : NULL;
  if (!axes) return;
  *flavour++ = '\0';
  *axes++ = '\0';
  sc_value *v = sc_variable_get(s, name);
  int index = atoi(flavour);
  if (!v || v->kind != SC_TENSOR || index < SC_PLAIN || index > SC_MXNET) return;
  v->flavour = (sc_flavour)index;
  int names = 1;
  for (char *p = axes; *p; p++) names += *p == '\t';
  if (*axes && !v->axes && names == es_rank(v->tensor) &&
      sc_first_bad_byte(axes, strlen(axes)) == strlen(axes))
    v->axes = sc_copy_text(axes, strlen(axes));
  if (v->axes) sc_palette_keep(&s->palette, v->axes, strlen(v->axes));
}

/* Depth is bounded by the parser. */
static bool calls_nothing(const sc_node *node) {
  for (int i = 0; i < node->n; i++)
    if (node->kids[i] && !calls_nothing(node->kids[i])) return false;
  return node->kind != SC_N_CALL;
}

/* A file from elsewhere must not do more than make values. */
static bool only_assigns(const char *text, size_t len) {
  sc_parser parser;
  sc_arena arena = {0};
  bool ok = sc_first_bad_byte(text, len) == len;
  if (ok) sc_parser_start(&parser, &arena, text, len);
  for (sc_node *node; ok && (node = sc_parse_statement(&parser)) != NULL;)
    ok = node->kind == SC_N_ASSIGN && node->kids[0]->kind == SC_N_NAME && calls_nothing(node);
  ok = ok && !parser.failed;
  sc_arena_free(&arena);
  return ok;
}

static bool run_text(sc_runner *r, const char *path, const es_tensor *text) {
  sc_buffer script = {0};
  int64_t len = es_size(text);
  char *bytes = sc_alloc((uint64_t)len + 1);
  bool ok = es_read(r->session.es, text, ES_U8, bytes, len) == ES_OK;
  sc_put(&script, bytes, (size_t)len);
  for (char *line = bytes, *end; ok && (end = strchr(line, '\n')) != NULL; line = end + 1) {
    *end = '\0';
    if (!strncmp(line, "#: ", 3)) dress(&r->session, line);
  }
  sc_source source = {.name = path, .text = sc_text(&script), .len = script.len, .first_line = 1};
  if (ok && !only_assigns(source.text, source.len)) {
    sc_report(r, path, ES_E_FORMAT, "the entry '" TEXT_ENTRY "' is not what .save writes");
    ok = false;
  }
  ok = ok && sc_run(r, &source);
  sc_buffer_free(&script);
  free(bytes);
  return ok;
}

static bool ends_with(const char *text, const char *ending) {
  size_t n = strlen(text), m = strlen(ending);
  return n >= m && !strcmp(text + n - m, ending);
}

static void set_variables(sc_session *s, const char *const *names, es_tensor *const *tensors,
                          int64_t n, es_tensor **text) {
  for (int64_t i = 0; i < n; i++) {
    if (!strcmp(names[i], TEXT_ENTRY) && es_dtype_of(tensors[i]) == ES_U8)
      *text = es_retain(tensors[i]);
    else if (is_name(names[i]))
      sc_variable_set(s, names[i], sc_tensor(s, tensors[i], SC_PLAIN));
    else
      fprintf(stderr, "note: the array '%s' has no name a variable can have\n", names[i]);
  }
}

bool sc_session_load(sc_runner *r, const sc_source *source, const char *path) {
  if (ends_with(path, ".es")) return sc_run_file(r, path);
  sc_session *s = &r->session;
  const char **names = sc_alloc(MOST * sizeof *names);
  es_tensor **tensors = sc_alloc(MOST * sizeof *tensors), *text = NULL;
  bool ok = sc_statement_begin(s);
  if (ok) {
    int64_t n = es_load_npz(s->es, path, names, tensors, MOST);
    ok = n >= 0 && n <= MOST;
    if (ok) set_variables(s, names, tensors, n, &text);
    sc_statement_end(s);
  }
  if (!ok) fail(r, source, ES_E_LIMIT, "the archive has more entries than a session can have");
  if (text) {
    ok = run_text(r, path, text);
    for (int i = 0; i < MOST && ok; i++) { /* tensors of tuples have their places now */
      char name[32];
      snprintf(name, sizeof name, "_%d", i);
      if (!sc_variable_drop(s, name)) break;
    }
  }
  es_release(text);
  free(tensors);
  free(names);
  return ok;
}
