/* The cursor of the parser: tokens, nodes, errors of the token at hand. */
#include "repl/language/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "repl/text/buffer.h"

void *sc_parse_fail(sc_parser *p, sc_span where, const char *fmt, ...) {
  if (p->failed) return NULL;
  va_list args;
  va_start(args, fmt);
  vsnprintf(p->message, sizeof p->message, fmt, args);
  va_end(args);
  p->failed = true;
  p->where = where;
  return NULL;
}

/* What word processors and web pages make of a character; "" where that is not known. */
static const char *typed_instead(const char *text, size_t len) {
  static const char *const table[][2] = {
      {"\u2018", "'"},  {"\u2019", "'"},  {"\u201c", "\""}, {"\u201d", "\""}, {"\u2212", "-"},
      {"\u2013", "-"},  {"\u2014", "-"},  {"\u00d7", "*"},  {"\u00b7", "*"},  {"\u00f7", "/"},
      {"\u2264", "<="}, {"\u2265", ">="}, {"\u2260", "!="}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strlen(table[i][0]) == len && !memcmp(table[i][0], text, len)) return table[i][1];
  return "";
}

/* What is written instead of one of Python's words. */
static const char *in_place_of(const char *word, size_t len) {
  static const char *const table[][2] = {
      {"for", "the labels of a pattern take the place of loops over axes"},
      {"while", "the labels of a pattern take the place of loops over axes"},
      {"if", "where(condition, a, b) chooses for each element"},
      {"else", "where(condition, a, b) chooses for each element"},
      {"is", "write == or !="},
      {"del", "x = None lets go of what x holds"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strlen(table[i][0]) == len && !memcmp(table[i][0], word, len)) return table[i][1];
  return "write the steps one after the other, or call the library from a program";
}

void *sc_parse_fail_unexpected(sc_parser *p, const char *expected) {
  sc_token t = p->token;
  int len = t.span.length > 40 ? 40 : (int)t.span.length;
  const char *text = sc_parse_text(p, t.span);
  switch (t.kind) {
  case SC_T_KEYWORD:
    return sc_parse_fail(p, t.span,
                         "'%.*s' is not part of the script language: loops, conditions "
                         "and functions belong to C; %s",
                         len, text, in_place_of(text, t.span.length));
  case SC_T_BAD: {
    if (*text == '?' || *text == '!')
      return sc_parse_fail(p, t.span,
                           *text == '?' ? "'?' begins a line: ?name explains a name"
                                        : "'!' has no meaning here: commands begin with a dot, "
                                          ".help lists them");
    sc_buffer shown = {0};
    const char *instead = typed_instead(text, t.span.length);
    sc_put_escaped(&shown, text, t.span.length);
    sc_parse_fail(p, t.span, "the character '%s' has no meaning here%s%s", sc_text(&shown),
                  *instead ? ": write " : "", instead);
    sc_buffer_free(&shown);
    return NULL;
  }
  case SC_T_UNCLOSED: return sc_parse_fail(p, t.span, "this string is not closed");
  case SC_T_BAD_NUMBER:
    return sc_parse_fail(p, t.span, "'%.*s' is no number, and a name may not start with a digit",
                         len, text);
  case SC_T_NAME:
  case SC_T_INT:
  case SC_T_FLOAT:
    return sc_parse_fail(p, t.span, "expected %s, found '%.*s'", expected, len, text);
  case SC_T_PERCENT:
    if (t.span.offset == p->start)
      return sc_parse_fail(p, t.span,
                           "'%%' begins no line here; .time on shows the time of each statement, "
                           ".help lists the commands");
    /* fall through */
  default:
    return sc_parse_fail(p, t.span, "expected %s, found %s", expected, sc_token_text(t.kind));
  }
}

void sc_parse_advance(sc_parser *p) {
  p->token = sc_lex(&p->lexer);
  if (p->token.span.offset - p->start <= SC_MAX_STATEMENT || p->failed) return;
  p->limit = true;
  sc_parse_fail(p, (sc_span){p->start, 1},
                "this statement is longer than %d bytes; load data with "
                "load('file.npy')",
                SC_MAX_STATEMENT);
}

bool sc_parse_accept(sc_parser *p, sc_token_kind kind) {
  if (p->token.kind != kind) return false;
  sc_parse_advance(p);
  return true;
}

/* A node over the span of its first and last part. NULL kids of a slice are allowed. */
sc_node *sc_parse_node(sc_parser *p, sc_node_kind kind, sc_span span, int n, sc_node *const *kids) {
  if (p->failed) return NULL;
  sc_node *made = sc_arena_alloc(p->arena, sizeof *made);
  *made = (sc_node){.kind = kind, .span = span, .depth = 1, .n = n};
  if (n) {
    made->kids = sc_arena_alloc(p->arena, (size_t)n * sizeof *made->kids);
    memcpy(made->kids, kids, (size_t)n * sizeof *kids);
  }
  for (int i = 0; i < n; i++)
    if (kids[i] && kids[i]->depth >= made->depth) made->depth = kids[i]->depth + 1;
  if (made->depth > SC_MAX_DEPTH) {
    p->limit = true;
    return sc_parse_fail(p, span,
                         "this expression is more than %d operations deep; give its parts "
                         "names",
                         SC_MAX_DEPTH);
  }
  return made;
}

void sc_parse_set_text(sc_parser *p, sc_node *made, const char *bytes, size_t len) {
  if (!made) return;
  char *copy = sc_arena_alloc(p->arena, len + 1);
  if (len) memcpy(copy, bytes, len);
  copy[len] = '\0';
  made->text = copy;
  made->text_len = len;
}

bool sc_parse_enter(sc_parser *p) {
  if (++p->nesting <= SC_MAX_NESTING) return true;
  sc_parse_fail(p, p->token.span, "brackets and signs are nested more than %d deep",
                SC_MAX_NESTING);
  return false;
}

bool sc_parse_push(sc_parser *p, sc_list *l, sc_node *item) {
  if (!item) return false;
  if (l->n == l->cap) {
    int cap = l->cap ? 2 * l->cap : 8;
    sc_node **items = sc_arena_alloc(p->arena, (size_t)cap * sizeof *items);
    if (l->n) memcpy(items, l->items, (size_t)l->n * sizeof *items);
    l->items = items;
    l->cap = cap;
  }
  l->items[l->n++] = item;
  return true;
}
