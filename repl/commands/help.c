#include "repl/commands/help.h"

#include <stdlib.h>
#include <string.h>

#include "repl/commands/help_text.h"
#include "repl/commands/signature.h"
#include "repl/language/functions.h"
#include "repl/text/terminal.h"

/* ---- ?name ------------------------------------------------------------------------------ */

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

/* Sentences of a table, indented and broken before the 78th column. */
static void put_wrapped(sc_buffer *out, const char *head, const char *text) {
  size_t indent = 2 + strlen(head), column = indent;
  sc_printf(out, "  %s", head);
  while (*text) {
    size_t n = strcspn(text, " "), columns = sc_columns(text, n);
    if (column > indent && column + 1 + columns > 78) {
      sc_puts(out, "\n");
      sc_fill(out, ' ', indent);
      column = indent;
    } else if (column > indent) {
      sc_puts(out, " ");
      column++;
    }
    sc_put(out, text, n);
    column += columns;
    text += n + (text[n] == ' ');
  }
  sc_puts(out, "\n");
}

static void put_layer(sc_buffer *out, const es_op *op) {
  sc_put_layer_signature(out, op);
  sc_puts(out, "\n");
  put_wrapped(out, "", op->summary);
  put_wrapped(out, "expression  ", op->expression);
  put_wrapped(out, "shape       ", op->formula);
  sc_help_entry entry;
  if (sc_help_find(op->name, &entry) && memmem(entry.text, entry.text_len, ">>> ", 4))
    return; /* a function of the same name has the example */
  for (const char *line = op->example; *line;) {
    const char *end = strstr(line, "; ");
    size_t len = end ? (size_t)(end - line) : strlen(line);
    sc_printf(out, ">>> %.*s\n", (int)len, line);
    line += len + (end ? 2 : 0);
  }
}

/* Of a method x stands before the point. */
static void put_signature(sc_buffer *out, const sc_function *f) {
  sc_buffer whole = {0};
  const char *where = where_found(f->in);
  sc_put_row_signature(&whole, f);
  size_t head = strlen(f->name) + 1, first = strcspn(sc_text(&whole) + head, ",)");
  bool method = !strcmp(where, "x.");
  if (method && whole.bytes[head + first] == ',') first += 2;
  sc_printf(out, "%s%.*s%s\n", where, (int)head, sc_text(&whole),
            sc_text(&whole) + head + (method ? first : 0));
  sc_buffer_free(&whole);
}

static void put_tables(sc_buffer *out, const sc_runner *r, const char *name) {
  const sc_function *f;
  const char *dot = strrchr(name, '.'), *last = dot && dot[1] ? dot + 1 : name;
  for (int i = 0; (f = sc_function_at(&r->session, i)); i++) {
    if (strcmp(f->name, last) != 0) continue;
    put_signature(out, f);
    put_wrapped(out, "", f->help);
  }
  const es_op *op = es_op_find(last);
  if (op) put_layer(out, op);
  for (const sc_command *c = r->commands; name[0] == '.' && c->name; c++)
    if (!strcmp(c->name, name + 1)) {
      sc_printf(out, ".%s%s%s\n", c->name, *c->arguments ? " " : "", c->arguments);
      put_wrapped(out, "", c->help);
    }
}

static void report_unknown(sc_runner *r, const sc_source *source, const char *name) {
  sc_buffer text = {0};
  sc_nearest nearest = {name, NULL, 0};
  const sc_function *f;
  for (int i = 0; (f = sc_function_at(&r->session, i)); i++) sc_offer(&nearest, f->name);
  for (int i = 0; i < es_op_count(); i++) sc_offer(&nearest, es_op_at(i)->name);
  sc_printf(&text, "there is no help for '%.64s'; ", name);
  if (nearest.best)
    sc_printf(&text, "did you mean '?%s'?", nearest.best);
  else
    sc_puts(&text, ".help says where to begin, .functions lists every name");
  sc_fail_command(r, source, ES_E_NAME, sc_text(&text));
  sc_buffer_free(&text);
}

/* "conv2d(x" is about conv2d, "??0" about '??'. */
static char *asked_for(const char *text) {
  char *name = sc_copy_text(text, strlen(text));
  unsigned char first = (unsigned char)name[0] | 0x20;
  if ((first >= 'a' && first <= 'z') || first == '.') name[strcspn(name, "( ")] = '\0';
  return name;
}

static void put_entry(sc_buffer *out, const sc_help_entry *entry) {
  sc_put(out, entry->text, entry->text_len);
  while (out->len > 1 && out->bytes[out->len - 2] == '\n') out->bytes[--out->len] = '\0';
}

bool sc_describe(sc_runner *r, const sc_source *source, const char *text) {
  sc_buffer out = {0};
  sc_help_entry entry;
  if (!*text) return sc_describe(r, source, "help");
  char *name = asked_for(text);
  const char *dot = name[0] == '.' ? NULL : strrchr(name, '.');
  put_tables(&out, r, name);
  if (sc_help_find(name, &entry) || (dot && sc_help_find(dot + 1, &entry))) put_entry(&out, &entry);
  bool found = out.len > 0;
  if (found)
    sc_tell(r, &out);
  else
    report_unknown(r, source, name);
  sc_buffer_free(&out);
  free(name);
  return found;
}

/* ---- commands ------------------------------------------------------------------------------ */

bool sc_command_help(sc_runner *r, const sc_source *source, char *rest) {
  if (strcmp(rest, "commands") != 0) return sc_describe(r, source, *rest ? rest : "help");
  sc_buffer out = {0};
  for (const sc_command *c = r->commands; c->name; c++) {
    size_t start = out.len;
    sc_printf(&out, ".%s%s%s", c->name, *c->arguments ? " " : "", c->arguments);
    size_t used = out.len - start;
    sc_fill(&out, ' ', used < 25 ? 26 - used : 1);
    sc_printf(&out, "%s\n", c->help);
  }
  sc_tell(r, &out);
  sc_buffer_free(&out);
  return true;
}

/* A name a line, as programs read it; on a terminal in as many columns as it holds. */
static void put_columns(sc_buffer *out, const char *names, int room) {
  int widest = 0, column = 0;
  for (const char *at = names; *at; at += strcspn(at, "\n") + 1)
    if ((int)strcspn(at, "\n") > widest) widest = (int)strcspn(at, "\n");
  for (const char *at = names; *at; at += strcspn(at, "\n") + 1) {
    int len = (int)strcspn(at, "\n");
    bool last = column + 2 * (widest + 2) > room;
    sc_printf(out, "%.*s%*s", len, at, last ? 0 : widest + 2 - len, "");
    column = last ? 0 : column + widest + 2;
    if (last || !at[len + 1]) sc_puts(out, "\n");
  }
}

bool sc_command_functions(sc_runner *r, const sc_source *source, char *rest) {
  sc_buffer names = {0}, out = {0};
  const sc_function *f;
  int columns, rows;
  (void)source, (void)rest;
  for (int i = 0; (f = sc_function_at(&r->session, i)); i++)
    sc_printf(&names, "%s%s\n", where_found(f->in), f->name);
  for (int i = 0; i < es_op_count(); i++) sc_printf(&names, "%s\n", es_op_at(i)->name);
  if (!r->json && sc_terminal_size(&columns, &rows)) put_columns(&out, sc_text(&names), columns);
  sc_tell(r, out.len ? &out : &names);
  sc_buffer_free(&names);
  sc_buffer_free(&out);
  return true;
}
