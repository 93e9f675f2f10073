#include "repl/commands/run.h"

#include <string.h>
#include <time.h>

#include "repl/commands/command.h"
#include "repl/language/eval.h"
#include "repl/print/json.h"
#include "repl/print/print.h"
#include "repl/text/terminal.h"

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* On a terminal a value takes what its line, the head and the next prompt leave. */
static void fit(sc_session *s) {
  enum { OTHERS = 3, NARROWEST = 20, LEAST = 4 };
  int columns, rows;
  if (!sc_terminal_size(&columns, &rows)) return;
  s->width = (size_t)(columns > NARROWEST ? columns - 1 : NARROWEST);
  s->height = (size_t)(rows > OTHERS + LEAST ? rows - OTHERS : LEAST);
}

/* ---- statements ----------------------------------------------------------------------- */

static void show(sc_runner *r, const sc_outcome *outcome, double seconds) {
  sc_buffer out = {0};
  if (outcome->value && !outcome->silent) {
    if (r->json)
      sc_json_value(&out, &r->session, outcome->value, seconds);
    else
      sc_show(&out, &r->session, outcome->value);
  }
  if (out.len && !r->session.fault.set) sc_emit(&out);
  sc_buffer_free(&out);
}

static bool run_statement(sc_runner *r, const sc_source *source, const sc_node *node) {
  if (node->kind == SC_N_COMMAND) return sc_run_command(r, source, node->span);
  sc_session *s = &r->session;
  sc_outcome outcome;
  double start = seconds_now();
  bool ok = sc_statement_begin(s);
  if (ok) {
    sc_progress_begin(&r->progress);
    fit(s);
    ok = sc_run_statement(s, node, &outcome);
    sc_progress_end(&r->progress);
    double seconds = seconds_now() - start;
    if (ok) show(r, &outcome, seconds);
    if (ok)
      sc_runner_log(r, source->text + node->span.offset, node->span.length,
                    sc_line_number(source, node->span.offset), node->flag);
    if (ok && r->timing) fprintf(stderr, "%.3f ms\n", 1e3 * seconds);
  }
  if (s->fault.set) {
    ok = false;
    sc_report_fault(r, source, node->span);
  }
  sc_statement_end(s);
  fflush(stdout);
  return ok;
}

/* The text must be UTF-8 without NUL. */
static bool check_bytes(sc_runner *r, const sc_source *source) {
  size_t bad = sc_first_bad_byte(source->text, source->len);
  if (bad == source->len) return true;
  unsigned char byte = (unsigned char)source->text[bad];
  sc_span where = {bad, 1};
  sc_fail(&r->session, ES_E_SYNTAX, where,
          byte ? "the byte \\x%02x is no UTF-8; save the script as UTF-8"
               : "a NUL byte (\\x%02x) has no place in a script",
          byte);
  sc_report_fault(r, source, where);
  return false;
}

bool sc_run(sc_runner *r, const sc_source *source) {
  sc_parser parser;
  bool ok = check_bytes(r, source), more = ok;
  sc_arena arena = {0};
  if (ok) sc_parser_start(&parser, &arena, source->text, source->len);
  while (more) {
    sc_node *node = sc_parse_statement(&parser);
    if (parser.failed) {
      sc_fail(&r->session, parser.limit ? ES_E_LIMIT : ES_E_SYNTAX, parser.where, "%s",
              parser.message);
      sc_report_fault(r, source, parser.where);
      ok = false;
      sc_parser_skip_line(&parser);
    } else if (!node) {
      break;
    } else {
      ok = run_statement(r, source, node) && ok;
    }
    sc_arena_free(&arena);
    more = (ok || r->keep_going) && !r->quit && r->status != ES_E_CANCELLED;
  }
  sc_arena_free(&arena);
  return ok || (r->keep_going && r->status != ES_E_CANCELLED);
}

bool sc_run_around(sc_runner *r, const sc_source *command, const char *before, size_t len,
                   const char *after) {
  sc_buffer text = {0};
  sc_puts(&text, before);
  sc_put(&text, command->text + command->rest.offset, len);
  sc_puts(&text, after);
  sc_source made = {.name = command->name,
                    .text = sc_text(&text),
                    .len = text.len,
                    .first_line = 1,
                    .typed = command,
                    .quoted = strlen(before)};
  bool ok = sc_run(r, &made);
  sc_buffer_free(&text);
  return ok;
}
