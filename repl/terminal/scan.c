#include "repl/terminal/scan.h"

#include <stdlib.h>
#include <string.h>

static sc_scan_token *add(sc_scan *s, sc_token token) {
  if (s->n == s->cap) {
    s->cap = s->cap ? 2 * s->cap : 64;
    s->token = sc_grow(s->token, (size_t)s->cap * sizeof *s->token);
  }
  sc_scan_token *made = &s->token[s->n++];
  *made = (sc_scan_token){token.kind, token.span, -1, s->open};
  return made;
}

static bool opens(sc_token_kind kind) {
  return kind == SC_T_OPEN || kind == SC_T_OPEN_LIST || kind == SC_T_OPEN_DICT;
}

static bool closes(sc_token_kind kind, sc_token_kind open) {
  return (kind == SC_T_CLOSE && open == SC_T_OPEN) ||
         (kind == SC_T_CLOSE_LIST && open == SC_T_OPEN_LIST) ||
         (kind == SC_T_CLOSE_DICT && open == SC_T_OPEN_DICT);
}

static void close_bracket(sc_scan *s, int at) {
  int open = s->open;
  if (open < 0 || !closes(s->token[at].kind, s->token[open].kind)) return;
  s->token[open].partner = at;
  s->token[at].partner = open;
  s->token[at].parent = s->open = s->token[open].parent;
}

/* A string without its end goes on to the end of its line, or of the text. */
static void open_string(sc_scan *s, sc_lexer *lexer, sc_scan_token *token) {
  size_t start = token->span.offset, prefix = strcspn(lexer->text + start, "'\"");
  s->quotes = token->span.length - prefix >= 3 ? 3 : 1;
  size_t rest = s->quotes == 3 ? lexer->len - start : strcspn(lexer->text + start, "\n");
  token->kind = SC_T_STRING;
  token->span.length = rest;
  lexer->at = start + rest;
  s->in_string = lexer->at == lexer->len;
}

/* Comments leave no token: one reaches to the end if a '#' stands behind the last token. */
static bool ends_in_comment(const sc_scan *s, const char *text, size_t len) {
  size_t at = s->n ? s->token[s->n - 1].span.offset + s->token[s->n - 1].span.length : 0;
  const char *line = text + len;
  while (line > text + at && line[-1] != '\n') line--;
  return !s->in_string && memchr(line, '#', len - (size_t)(line - text)) != NULL;
}

void sc_scan_text(sc_scan *s, const char *text, size_t len) {
  *s = (sc_scan){.open = -1};
  s->broken = sc_first_bad_byte(text, len) < len;
  if (s->broken) return;
  sc_lexer lexer = {text, len, 0, 0};
  for (sc_token t = sc_lex(&lexer); t.kind != SC_T_END; t = sc_lex(&lexer)) {
    sc_scan_token *token = add(s, t);
    if (t.kind == SC_T_UNCLOSED) open_string(s, &lexer, token);
    if (opens(t.kind)) s->open = s->n - 1;
    if (t.kind == SC_T_CLOSE || t.kind == SC_T_CLOSE_LIST || t.kind == SC_T_CLOSE_DICT)
      close_bracket(s, s->n - 1);
  }
  s->in_comment = ends_in_comment(s, text, len);
}

void sc_scan_free(sc_scan *s) {
  free(s->token);
  *s = (sc_scan){.open = -1};
}

int sc_scan_at(const sc_scan *s, size_t offset) {
  for (int i = s->n - 1; i >= 0; i--) {
    sc_span span = s->token[i].span;
    if (span.offset < offset) return offset <= span.offset + span.length ? i : -1;
  }
  return -1;
}

bool sc_scan_callee(const sc_scan *s, int bracket, sc_span *out) {
  int i = bracket - 1;
  if (bracket < 0 || s->token[bracket].kind != SC_T_OPEN || i < 0 || s->token[i].kind != SC_T_NAME)
    return false;
  while (i >= 2 && s->token[i - 1].kind == SC_T_DOT && s->token[i - 2].kind == SC_T_NAME) i -= 2;
  size_t start = s->token[i].span.offset;
  sc_span last = s->token[bracket - 1].span;
  *out = (sc_span){start, last.offset + last.length - start};
  return true;
}

int sc_scan_place(const sc_scan *s, int token) {
  int parent = s->token[token].parent, place = 0;
  for (int i = parent + 1; i < token; i++)
    place += s->token[i].parent == parent && s->token[i].kind == SC_T_COMMA;
  return place;
}

void sc_scan_closing(const sc_scan *s, const char *text, sc_buffer *out) {
  if (s->in_string) {
    const sc_scan_token *last = &s->token[s->n - 1];
    const char *quote = text + last->span.offset + strcspn(text + last->span.offset, "'\"");
    sc_fill(out, *quote, s->quotes);
  }
  for (int i = s->open; i >= 0; i = s->token[i].parent)
    sc_puts(out, s->token[i].kind == SC_T_OPEN        ? ")"
                 : s->token[i].kind == SC_T_OPEN_LIST ? "]"
                                                      : "}");
}

sc_span sc_scan_inside(const sc_scan *s, const char *text, int token) {
  sc_span span = s->token[token].span;
  const char *start = text + span.offset, *quote = start + strcspn(start, "'\"");
  bool open = s->in_string && token == s->n - 1;
  size_t before = (size_t)(quote - start), left = span.length - before;
  size_t quotes = left >= 3 && quote[1] == *quote && quote[2] == *quote ? 3 : 1;
  if (open) quotes = s->quotes;
  bool closed = !open && left >= 2 * quotes && start[span.length - 1] == *quote;
  return (sc_span){span.offset + before + quotes, left - quotes - (closed ? quotes : 0)};
}
