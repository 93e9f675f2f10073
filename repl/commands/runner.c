#include "repl/commands/runner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "repl/commands/help_text.h"
#include "repl/print/json.h"

int sc_exit_code(es_status status) {
  switch (status) {
  case ES_OK: return 0;
  case ES_E_SYNTAX: return 3;
  case ES_E_NAME:
  case ES_E_RANK:
  case ES_E_EXTENT:
  case ES_E_UNDETERMINED:
  case ES_E_COUNT:
  case ES_E_RANGE:
  case ES_E_EMPTY:
  case ES_E_DTYPE:
  case ES_E_VALUE: return 4;
  case ES_E_NOMEM:
  case ES_E_LIMIT: return 5;
  case ES_E_CANCELLED: return 130;
  default: return 1;
  }
}

void sc_emit(const sc_buffer *text) {
  if (fwrite(sc_text(text), 1, text->len, stdout) == text->len && fflush(stdout) == 0) return;
  int error = errno;
  if (error != EPIPE) fprintf(stderr, "einstride: cannot write the output: %s\n", strerror(error));
  _Exit(error == EPIPE ? 0 : 1);
}

void sc_tell(const sc_runner *r, const sc_buffer *text) {
  sc_buffer object = {0};
  if (r->json) sc_json_text(&object, sc_text(text), text->len);
  sc_emit(r->json ? &object : text);
  sc_buffer_free(&object);
}

void sc_runner_log(sc_runner *r, const char *text, size_t len, size_t number, bool silent) {
  enum { MOST = 100000 };
  if (r->n_logged == MOST) return;
  if (r->n_logged == r->logged_cap) {
    r->logged_cap = r->logged_cap ? 2 * r->logged_cap : 64;
    r->logged = sc_grow(r->logged, r->logged_cap * sizeof *r->logged);
  }
  r->logged[r->n_logged++] = (sc_logged){sc_copy_text(text, len), number, silent};
}

void sc_runner_close(sc_runner *r) {
  for (size_t i = 0; i < r->n_logged; i++) free(r->logged[i].text);
  free(r->logged);
  sc_session_close(&r->session);
}

/* ---- errors ------------------------------------------------------------------------ */

/* The line that holds a byte of the text. */
typedef struct line {
  size_t number, start, end;
} line;

static line line_at(const sc_source *source, size_t offset) {
  line l = {source->first_line, 0, source->len};
  if (offset > source->len) offset = source->len;
  for (size_t i = 0; i < offset; i++)
    if (source->text[i] == '\n') {
      l.number++;
      l.start = i + 1;
    }
  const char *end = memchr(source->text + l.start, '\n', source->len - l.start);
  if (end) l.end = (size_t)(end - source->text);
  return l;
}

size_t sc_line_number(const sc_source *source, size_t offset) {
  return line_at(source, offset).number;
}

/* The line and the carets below it; of a long line the part around them. */
static void put_excerpt(sc_buffer *out, const sc_source *source, line l, sc_span where) {
  enum { WINDOW = 100 };
  size_t at = where.offset - l.start, start = l.start, end = l.end;
  size_t length = where.offset + where.length > l.end ? l.end - where.offset : where.length;
  if (at > WINDOW / 2 && end - start > WINDOW) {
    start = where.offset - WINDOW / 2;
    while (((unsigned char)source->text[start] & 0xc0) == 0x80) start++; /* whole characters */
  }
  if (end - start > WINDOW) {
    end = start + WINDOW;
    while (((unsigned char)source->text[end] & 0xc0) == 0x80) end++;
  }
  if (where.offset + length > end) length = end > where.offset ? end - where.offset : 0;
  sc_buffer before = {0}, marked = {0};
  sc_put_escaped(&before, source->text + start, where.offset - start);
  sc_put_escaped(&marked, source->text + where.offset, length);
  size_t columns = sc_columns(sc_text(&before), before.len);
  size_t carets = sc_columns(sc_text(&marked), marked.len);
  sc_puts(out, "  ");
  sc_put(out, sc_text(&before), before.len);
  sc_put(out, sc_text(&marked), marked.len);
  sc_put_escaped(out, source->text + where.offset + length, end - where.offset - length);
  sc_puts(out, "\n  ");
  sc_fill(out, ' ', columns);
  sc_fill(out, '^', carets ? carets : 1);
  sc_puts(out, "\n");
  sc_buffer_free(&before);
  sc_buffer_free(&marked);
}

/* The engine's drawing of the pattern, without its sentence. */
static void put_pattern(sc_buffer *out, const char *shown) {
  const char *next = strchr(shown, '\n');
  while (next && next[1]) {
    const char *start = next + 1;
    next = strchr(start, '\n');
    size_t len = next ? (size_t)(next - start) : strlen(start);
    sc_puts(out, "    ");
    sc_put(out, start, len);
    sc_puts(out, "\n");
  }
}

/* The place that a person typed, for one in a text that a command made of it. */
static sc_span typed_place(const sc_source *made, sc_span where) {
  const sc_source *typed = made->typed;
  size_t end = made->quoted + typed->rest.length;
  if (where.offset < made->quoted || where.offset + where.length > end) return typed->command;
  return (sc_span){where.offset - made->quoted + typed->rest.offset, where.length};
}

/* The error for people: its sentence, the line, the pattern, where to read on. */
static void put_fault(sc_buffer *out, const sc_runner *r, const sc_source *source, line l,
                      sc_span where) {
  const sc_fault *fault = &r->session.fault;
  bool stopped = fault->error.status == ES_E_CANCELLED; /* the reader did that */
  size_t column = sc_columns(source->text + l.start, where.offset - l.start) + 1;
  sc_printf(out, "%s:%zu:%zu: %serror:%s ", source->name, l.number, column,
            r->color ? "\033[31m" : "", r->color ? "\033[0m" : "");
  size_t len = 0;
  const char *instead = sc_help_instead(fault, &len), *message = fault->error.message;
  if (stopped) message = "interrupted";
  sc_put(out, message, instead && fault->sentence ? fault->sentence : strlen(message));
  sc_printf(out, " [%s%s%s]\n", es_status_name(fault->error.status),
            fault->error.rule[0] ? " " : "", fault->error.rule);
  if (stopped) return;
  put_excerpt(out, source, l, where);
  if (fault->shown) put_pattern(out, fault->shown);
  const char *topic = sc_help_topic(fault);
  if (instead) sc_printf(out, "  %.*s\n", (int)len, instead);
  if (topic) sc_printf(out, "  see ?%s\n", topic);
}

void sc_report_fault(sc_runner *r, const sc_source *source, sc_span statement) {
  sc_fault *fault = &r->session.fault;
  sc_buffer out = {0};
  sc_span where = fault->where.length ? fault->where : statement;
  for (; source->typed; source = source->typed) where = typed_place(source, where);
  line l = line_at(source, where.offset);
  if (r->status == ES_OK) r->status = fault->error.status;
  if (r->json && fault->pattern)
    sc_json_fault(&out, &fault->error, fault->pattern, fault->pattern_len, fault->error.offset,
                  fault->error.length);
  else if (r->json)
    sc_json_fault(&out, &fault->error, source->text + l.start, l.end - l.start,
                  (int64_t)(where.offset - l.start), (int64_t)where.length);
  else
    put_fault(&out, r, source, l, where);
  if (r->json)
    sc_emit(&out);
  else
    fwrite(sc_text(&out), 1, out.len, stderr);
  sc_buffer_free(&out);
  sc_fault_clear(&r->session);
}

void sc_report(sc_runner *r, const char *name, es_status status, const char *message) {
  sc_buffer text = {0};
  es_error error = {.status = status, .operand = -1};
  snprintf(error.message, sizeof error.message, "%s", message);
  if (r->status == ES_OK) r->status = status;
  if (r->json) {
    sc_json_fault(&text, &error, "", 0, 0, 0);
    sc_emit(&text);
  } else {
    fprintf(stderr, "%s: error: %s [%s]\n", name, message, es_status_name(status));
  }
  sc_buffer_free(&text);
}

bool sc_fail_command(sc_runner *r, const sc_source *command, es_status status,
                     const char *message) {
  sc_fail(&r->session, status, command->command, "%s", message);
  sc_report_fault(r, command, command->command);
  return false;
}
