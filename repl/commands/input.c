#include "repl/commands/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "repl/commands/interrupt.h"
#include "repl/commands/run.h"
#include "repl/language/syntax.h"

static void fail_file(sc_runner *r, const char *path, const char *what, int error) {
  sc_buffer text = {0};
  sc_printf(&text, "the script cannot be %s: %s", what, strerror(error));
  sc_report(r, path, ES_E_IO, sc_text(&text));
  sc_buffer_free(&text);
}

bool sc_run_file(sc_runner *r, const char *path) {
  enum { DEEPEST = 16 };
  if (r->files == DEEPEST) {
    sc_report(r, path, ES_E_LIMIT, "scripts load scripts more than 16 deep: does one load itself?");
    return false;
  }
  FILE *file = fopen(path, "rb");
  if (!file) {
    fail_file(r, path, "opened", errno);
    return false;
  }
  sc_buffer text = {0};
  char block[65536];
  size_t n;
  while ((n = fread(block, 1, sizeof block, file)) > 0 && text.len + n <= SC_MAX_FILE)
    sc_put(&text, block, n);
  int failed = ferror(file) ? errno : 0;
  fclose(file);
  bool ok = false;
  if (failed) {
    fail_file(r, path, "read", failed);
  } else if (n > 0) {
    sc_report(r, path, ES_E_LIMIT, "the script is longer than 64 MiB; data belongs in .npy files");
  } else {
    sc_source source = {.name = path, .text = sc_text(&text), .len = text.len, .first_line = 1};
    r->files++;
    ok = sc_run(r, &source);
    r->files--;
  }
  sc_buffer_free(&text);
  return ok;
}

/* Appends one line with its end to text; false at the end of input. A line that
 * would exceed a statement is skipped, and *too_long set. */
static bool read_line(FILE *in, sc_buffer *text, bool *too_long) {
  int c = getc(in);
  if (c == EOF) return false;
  for (; c != EOF && c != '\n'; c = getc(in)) {
    char byte = (char)c;
    if (text->len < SC_MAX_STATEMENT)
      sc_put(text, &byte, 1);
    else
      *too_long = true;
  }
  if (c == '\n') sc_put(text, "\n", 1);
  return true;
}

/* The lines of one statement; false at the end of input. */
static bool read_statement(FILE *in, sc_buffer *text, size_t *lines, bool *too_long) {
  sc_open_text open = {0, 0};
  text->len = 0;
  *too_long = false;
  for (size_t start = *lines = 0; read_line(in, text, too_long); start = text->len) {
    size_t len = text->len - start;
    ++*lines;
    if (*too_long || sc_first_bad_byte(text->bytes + start, len) < len) return true;
    if (!sc_needs_more(&open, text->bytes, text->len)) return true;
  }
  return *lines > 0;
}

bool sc_run_stream(sc_runner *r, FILE *in) {
  sc_buffer text = {0};
  size_t first_line = 1, lines;
  bool ok = true, too_long, go_on = true;
  while (go_on && !r->quit && read_statement(in, &text, &lines, &too_long)) {
    sc_source source = {
        .name = "<stdin>", .text = text.bytes, .len = text.len, .first_line = first_line};
    if (too_long) {
      sc_span start = {0, 1};
      sc_fail(&r->session, ES_E_LIMIT, start,
              "this statement is longer than %d bytes; load data with load('file.npy')",
              SC_MAX_STATEMENT);
      sc_report_fault(r, &source, start);
      ok = false;
    } else {
      ok = sc_run(r, &source) && ok;
    }
    first_line += lines;
    go_on = ok || (r->keep_going && r->status != ES_E_CANCELLED);
  }
  sc_buffer_free(&text);
  return ok;
}
