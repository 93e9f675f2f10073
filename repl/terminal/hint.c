#include "repl/terminal/hint.h"

#include <string.h>

#include "repl/commands/help_text.h"
#include "repl/commands/settings.h"
#include "repl/commands/signature.h"
#include "repl/commands/table.h"
#include "repl/language/eval.h"
#include "repl/language/functions.h"
#include "repl/language/variables.h"
#include "repl/print/print.h"
#include "repl/terminal/scan.h"

/* Longer texts are data, pasted or written out: what they give shows when they run. */
enum { LONGEST = 4096 };
/* Shapes do not depend on the order of contraction: no time is spent on a good one. */
static const double LEAST_EFFORT = 1e-9;

static bool ready(sc_hint *h, const sc_session *of) {
  int64_t limit = es_max_bytes(of->es);
  if (!h->open) {
    es_config config = {.threads = 1, .shapes_only = true, .max_bytes = limit};
    if (!sc_session_open(&h->session, of->functions, &config)) return false;
    h->open = true;
  }
  if (es_max_bytes(h->session.es) != limit) es_set_max_bytes(h->session.es, limit);
  h->session.shadows = of;
  h->session.shapes_only = true;
  h->session.effort = LEAST_EFFORT;
  return true;
}

void sc_hint_close(sc_hint *h) {
  if (h->open) sc_session_close(&h->session);
  h->open = false;
}

/* ---- words ------------------------------------------------------------------------------ */

/* What a number or tuple of numbers already says is no hint. */
static bool says_the_same(const char *text, size_t len, const sc_buffer *hint) {
  while (len && strchr(" \n;", text[len - 1])) len--;
  while (len && *text == ' ') text++, len--;
  return len == hint->len && !memcmp(text, hint->bytes, len);
}

/* ---- the line ---------------------------------------------------------------------------- */

/* The value that the last statement gives or assigns; NULL after an error or for none. */
static sc_value *last_value(sc_session *s, const char *text, size_t len, size_t *failed_at) {
  sc_parser parser;
  sc_arena arena = {0};
  sc_value *v = NULL;
  sc_node *node;
  sc_parser_start(&parser, &arena, text, len);
  while ((node = sc_parse_statement(&parser)) != NULL && !s->fault.set) {
    sc_outcome outcome;
    if (node->kind == SC_N_COMMAND) continue;
    bool ok = sc_run_statement(s, node, &outcome);
    v = ok ? outcome.value : NULL;
    if (ok && node->kind == SC_N_ASSIGN && node->kids[0]->kind == SC_N_NAME)
      v = sc_variable_get(s, node->kids[0]->text);
    if (ok && node->kind == SC_N_AUGMENT && node->kids[0]->kind == SC_N_NAME)
      v = sc_variable_get(s, node->kids[0]->text);
  }
  if (parser.failed) sc_fail(s, ES_E_SYNTAX, parser.where, "%s", parser.message);
  *failed_at = s->fault.where.offset + s->fault.where.length;
  sc_arena_free(&arena);
  return s->fault.set ? NULL : v;
}

/* An error that more typing may mend is none yet. */
static bool settled(const sc_session *s, size_t failed_at, size_t len, bool open) {
  es_status status = s->fault.error.status;
  if (open || status == ES_E_UNSUPPORTED || status == ES_E_CANCELLED) return false;
  return (status != ES_E_SYNTAX && status != ES_E_NAME) || failed_at < len;
}

static void put_callee(sc_buffer *out, sc_session *s, const sc_scan *scan, const char *text) {
  sc_span callee;
  for (int i = scan->open; i >= 0; i = scan->token[i].parent) {
    if (!sc_scan_callee(scan, i, &callee)) continue;
    char *name = sc_scratch(s, callee.length + 1);
    memcpy(name, text + callee.offset, callee.length);
    sc_put_signature_of(out, s, name);
    return;
  }
}

/* ".set precise o": what the setting is. */
static bool hint_setting(sc_buffer *out, const char *text) {
  if (strncmp(text, ".set ", 5) != 0) return false;
  const char *name = text + 5 + strspn(text + 5, " ");
  sc_put_setting(out, name, strcspn(name, " ="));
  return out->len > 0;
}

static void hint_command(sc_buffer *out, const char *text, size_t len) {
  size_t name = strcspn(text + 1, " ");
  if (hint_setting(out, text)) return;
  for (const sc_command *c = sc_all_commands; c->name; c++)
    if (strlen(c->name) == name && !strncmp(c->name, text + 1, name))
      sc_printf(out, "%s%s%s", name + 1 < len ? "" : c->arguments,
                name + 1 < len || !*c->arguments ? "" : "  ", c->help);
}

/* What to write for a name that other libraries have, else what is wrong. */
static void put_fault(sc_buffer *out, const sc_fault *fault) {
  size_t len;
  const char *instead = sc_help_instead(fault, &len);
  sc_put_escaped(out, instead ? instead : fault->error.message,
                 instead ? len : strlen(fault->error.message));
}

static bool hint_text(sc_session *s, const sc_scan *scan, const char *text, size_t len,
                      sc_buffer *out) {
  sc_buffer whole = {0};
  size_t failed_at;
  bool error = false, open = scan->in_string || scan->open >= 0;
  sc_put(&whole, text, len);
  sc_scan_closing(scan, text, &whole);
  sc_value *v = last_value(s, sc_text(&whole), whole.len, &failed_at);
  if (v && v->kind == SC_FUNCTION)
    sc_put_signature(out, v);
  else if (v && v->kind != SC_STRING && v->kind != SC_NONE && v->kind != SC_SPACE)
    sc_put_brief(out, s, v);
  else if (s->fault.set && (error = settled(s, failed_at, len, open)))
    put_fault(out, &s->fault);
  if (!error && says_the_same(text, len, out)) sc_buffer_free(out);
  sc_fault_clear(s);
  es_clear_error(s->es);
  if (!out->len && open) put_callee(out, s, scan, text);
  sc_buffer_free(&whole);
  return error;
}

bool sc_hint_of(sc_hint *h, const sc_session *of, const char *text, size_t len, sc_buffer *out) {
  bool error = false;
  if (!len || len > LONGEST) return false;
  if (*text == '.' || *text == '?') {
    if (*text == '.') hint_command(out, text, len);
    return false;
  }
  sc_scan scan;
  sc_scan_text(&scan, text, len);
  if (scan.n && !scan.in_comment && ready(h, of) && sc_statement_begin(&h->session)) {
    error = hint_text(&h->session, &scan, text, len, out);
    sc_statement_end(&h->session);
    sc_session_forget(&h->session);
  }
  sc_scan_free(&scan);
  return error;
}
