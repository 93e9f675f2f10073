/* The grammar of scripts: Python's expressions, assignments and imports.
 *
 *   statement  := command | import | values { '=' values } | target op'=' values
 *   values     := star { ',' star } [',']
 *   expression := operators by precedence over unary over power over postfix over atom
 *
 * A failed parse returns NULL all the way up; message and place are the parser's.
 * Expressions are in parse_expression.c, their atoms and calls in parse_atom.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repl/language/parse.h"
#include "repl/text/buffer.h"

/* ---- the arena ------------------------------------------------------------- */

typedef struct sc_chunk {
  struct sc_chunk *next;
  size_t used, size;
  max_align_t bytes[];
} sc_chunk;

void *sc_arena_alloc(sc_arena *arena, size_t bytes) {
  bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  sc_chunk *chunk = arena->chunks;
  if (!chunk || chunk->size - chunk->used < bytes) {
    size_t size = bytes > 4096 ? bytes : 4096;
    chunk = sc_alloc(sizeof *chunk + size);
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
  }
  void *block = (char *)chunk->bytes + chunk->used;
  chunk->used += bytes;
  return block;
}

void sc_arena_free(sc_arena *arena) {
  while (arena->chunks) {
    sc_chunk *next = arena->chunks->next;
    free(arena->chunks);
    arena->chunks = next;
  }
}

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

static const char *text_at(const sc_parser *p, sc_span span) { return p->lexer.text + span.offset; }

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

void *sc_parse_fail_unexpected(sc_parser *p, const char *expected) {
  sc_token t = p->token;
  int len = t.span.length > 40 ? 40 : (int)t.span.length;
  const char *text = text_at(p, t.span);
  switch (t.kind) {
  case SC_T_KEYWORD:
    return sc_parse_fail(p, t.span,
                         "'%.*s' is not part of the script language: loops, conditions "
                         "and functions belong to C; write the steps one after the other, or "
                         "call the library from a program",
                         len, text);
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

/* ---- statements --------------------------------------------------------------------------- */

static sc_node *values(sc_parser *p) {
  sc_list items = {0};
  bool comma = false;
  sc_span start = p->token.span;
  do {
    if (!sc_parse_push(p, &items, sc_parse_star_expression(p))) return NULL;
    comma = sc_parse_accept(p, SC_T_COMMA);
  } while (comma && p->token.kind != SC_T_NEWLINE && p->token.kind != SC_T_SEMICOLON &&
           p->token.kind != SC_T_END && p->token.kind != SC_T_ASSIGN);
  sc_node *last = items.items[items.n - 1];
  if (items.n == 1 && !comma && last->kind != SC_N_STAR) return last;
  return sc_parse_node(p, SC_N_TUPLE, sc_span_join(start, last->span), items.n, items.items);
}

static bool may_be_assigned(const sc_node *target) {
  if (target->kind == SC_N_NAME || target->kind == SC_N_SUBSCRIPT) return true;
  if (target->kind != SC_N_TUPLE && target->kind != SC_N_LIST) return false;
  for (int i = 0; i < target->n; i++)
    if (!may_be_assigned(target->kids[i])) return false; /* depth: bounded by the nesting */
  return target->n > 0;
}

static sc_node *augmented(sc_parser *p, sc_node *target) {
  static const struct {
    const char *text;
    sc_token_kind op;
  } table[] = {{"+=", SC_T_PLUS},    {"-=", SC_T_MINUS},   {"*=", SC_T_STAR},    {"/=", SC_T_SLASH},
               {"//=", SC_T_FLOOR},  {"%=", SC_T_PERCENT}, {"**=", SC_T_POWER},  {"@=", SC_T_AT},
               {"&=", SC_T_BIT_AND}, {"|=", SC_T_BIT_OR},  {"^=", SC_T_BIT_XOR}, {"<<=", SC_T_LEFT},
               {">>=", SC_T_RIGHT}};
  sc_span op = p->token.span;
  sc_parse_advance(p);
  sc_node *value = values(p);
  if (!value) return NULL;
  sc_node *made = sc_parse_node(p, SC_N_AUGMENT, sc_span_join(target->span, value->span), 2,
                                (sc_node *[]){target, value});
  for (size_t i = 0; made && i < sizeof table / sizeof *table; i++)
    if (strlen(table[i].text) == op.length && !memcmp(table[i].text, text_at(p, op), op.length))
      made->op = table[i].op;
  return made;
}

static sc_node *simple_statement(sc_parser *p) {
  sc_list parts = {0};
  sc_node *first = values(p);
  if (!sc_parse_push(p, &parts, first)) return NULL;
  if (p->token.kind == SC_T_AUGMENT) {
    if (first->kind != SC_N_NAME)
      return sc_parse_fail(p, first->span, "only a name can stand before %.*s",
                           (int)p->token.span.length, text_at(p, p->token.span));
    return augmented(p, first);
  }
  while (sc_parse_accept(p, SC_T_ASSIGN))
    if (!sc_parse_push(p, &parts, values(p))) return NULL;
  sc_node *last = parts.items[parts.n - 1];
  for (int i = 0; i + 1 < parts.n; i++)
    if (!may_be_assigned(parts.items[i]))
      return sc_parse_fail(p, parts.items[i]->span,
                           "only names, tuples of names and indexed tensors can be assigned to");
  return sc_parse_node(p, parts.n > 1 ? SC_N_ASSIGN : SC_N_EXPRESSION,
                       sc_span_join(first->span, last->span), parts.n, parts.items);
}

/* A line of the desk: ".name …", with the lines of its brackets, or "?name", whose name may be one.
 */
static bool at_command(const sc_parser *p) {
  const char *text = text_at(p, p->token.span);
  if (p->token.kind == SC_T_BAD) return *text == '?';
  return p->token.kind == SC_T_DOT && (text[1] | 0x20) >= 'a' && (text[1] | 0x20) <= 'z';
}

static sc_node *command(sc_parser *p) {
  sc_span span = p->token.span;
  const char *text = text_at(p, span), *end = p->lexer.text + p->lexer.len;
  if (*text == '?') {
    const char *line = memchr(text, '\n', (size_t)(end - text));
    span.length = (size_t)((line ? line : end) - text);
    p->lexer.at = span.offset + span.length;
    sc_parse_advance(p);
  }
  for (; p->token.kind != SC_T_NEWLINE && p->token.kind != SC_T_END; sc_parse_advance(p))
    span = sc_span_join(span, p->token.span);
  return sc_parse_node(p, SC_N_COMMAND, span, 0, NULL);
}

void sc_parser_start(sc_parser *p, sc_arena *arena, const char *text, size_t len) {
  *p = (sc_parser){.lexer = {text, len, 0, 0}, .arena = arena, .line_starts = true};
  sc_parse_advance(p);
}

sc_node *sc_parse_statement(sc_parser *p) {
  while (p->token.kind == SC_T_NEWLINE || p->token.kind == SC_T_SEMICOLON) {
    p->line_starts = p->token.kind == SC_T_NEWLINE;
    p->start = p->lexer.at;
    sc_parse_advance(p);
  }
  if (p->token.kind == SC_T_END) return NULL;
  bool import = p->token.kind == SC_T_IMPORT || p->token.kind == SC_T_FROM;
  p->nesting = 0;
  p->start = p->token.span.offset;
  if (p->line_starts && at_command(p)) return command(p);
  p->line_starts = false;
  sc_node *made = import ? sc_parse_import(p) : simple_statement(p);
  if (!made) return NULL;
  if (p->token.kind == SC_T_SEMICOLON)
    made->flag = true;
  else if (p->token.kind != SC_T_NEWLINE && p->token.kind != SC_T_END)
    return sc_parse_fail_unexpected(p, "an operator or the end of the line");
  return made;
}

void sc_parser_skip_line(sc_parser *p) {
  p->failed = p->limit = false;
  const char *text = p->lexer.text;
  size_t at = p->where.offset < p->lexer.len ? p->where.offset : p->lexer.len;
  while (at < p->lexer.len && text[at] != '\n') at++;
  p->lexer.at = p->start = at;
  p->lexer.brackets = 0;
  sc_parse_advance(p);
  while (p->token.kind != SC_T_NEWLINE && p->token.kind != SC_T_END && !p->failed)
    sc_parse_advance(p);
}
