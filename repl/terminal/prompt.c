/* The prompt: a statement, its value, the next. */
#include "repl/terminal/prompt.h"

#include <errno.h>

#include "repl/commands/input.h"
#include "repl/commands/interrupt.h"
#include "repl/commands/run.h"
#include "repl/terminal/editor.h"

/* A line from a terminal that cannot be drawn on. */
static bool next_line(const char *prompt, sc_buffer *text) {
  char block[4096];
  fputs(prompt, stderr);
  size_t before = text->len;
  while (fgets(block, sizeof block, stdin)) {
    sc_puts(text, block);
    if (text->bytes[text->len - 1] == '\n') return true;
  }
  if (ferror(stdin) && errno == EINTR) { /* Ctrl-C: an empty line */
    clearerr(stdin);
    text->len = before;
    sc_puts(text, "\n");
    return true;
  }
  return text->len > before;
}

/* The lines of one statement, asked for while a bracket is open. */
static bool read_lines(sc_buffer *text) {
  sc_open_text open = {0, 0};
  text->len = 0;
  sc_interrupted = 0;
  for (bool first = true;; first = false) {
    if (!next_line(first ? ">>> " : "... ", text)) return false;
    if (sc_interrupted) { /* a cleared line drops the statement it belonged to */
      sc_interrupted = 0;
      text->len = 0;
      return true;
    }
    if (!sc_needs_more(&open, sc_text(text), text->len)) return true;
  }
}

void sc_run_prompt(sc_runner *r) {
  sc_buffer text = {0};
  bool drawn = sc_editor_open(r);
  fprintf(stderr, "einstride %s: expressions as strings over stride views. .help, ?name, .quit\n",
          es_version());
  while (!r->quit && (drawn ? sc_editor_read(&text) : read_lines(&text))) {
    sc_source source = {
        .name = "<prompt>", .text = sc_text(&text), .len = text.len, .first_line = 1};
    if (!text.len) continue;
    sc_run(r, &source);
    r->status = ES_OK; /* a session does not end in its errors */
    sc_interrupted = 0;
  }
  if (!r->quit) fputc('\n', stderr);
  if (drawn) sc_editor_close();
  sc_buffer_free(&text);
}
