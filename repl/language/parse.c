/* The grammar of scripts: Python's expressions, assignments and imports.
 *
 *   statement  := command | import | values { '=' values } | target op'=' values
 *   values     := star { ',' star } [',']
 *   expression := operators by precedence over unary over power over postfix over atom
 *
 * A failed parse returns NULL all the way up; message and place are the parser's.
 * Expressions are in parse_expression.c. */
#include <string.h>

#include "repl/language/parser.h"

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
    if (strlen(table[i].text) == op.length &&
        !memcmp(table[i].text, sc_parse_text(p, op), op.length))
      made->op = table[i].op;
  return made;
}

static sc_node *simple_statement(sc_parser *p) {
  sc_list parts = {0};
  sc_node *first = values(p);
  if (!sc_parse_push(p, &parts, first)) return NULL;
  if (p->token.kind == SC_T_AUGMENT) {
    if (first->kind != SC_N_NAME && first->kind != SC_N_SUBSCRIPT)
      return sc_parse_fail(p, first->span, "only a name or x[…] can stand before %.*s",
                           (int)p->token.span.length, sc_parse_text(p, p->token.span));
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

/* "np.einsum?" and nothing behind it. */
static bool asks(const sc_parser *p) {
  const char *text = sc_parse_text(p, p->token.span), *end = p->lexer.text + p->lexer.len;
  const char *line = memchr(text, '\n', (size_t)(end - text));
  if (line) end = line;
  while (end > text && (end[-1] == ' ' || end[-1] == '\r')) end--;
  if (end - text < 2 || *--end != '?') return false;
  for (; text < end; text++) {
    bool digit = *text >= '0' && *text <= '9',
         letter = (*text | 0x20) >= 'a' && (*text | 0x20) <= 'z';
    if (!digit && !letter && *text != '_' && *text != '.') return false;
  }
  return true;
}

/* A line of the desk: ".name …", with the lines of its brackets; "?name", whose name may be one; or
 * "name?". */
static bool at_command(const sc_parser *p) {
  const char *text = sc_parse_text(p, p->token.span);
  if (p->token.kind == SC_T_BAD) return *text == '?';
  if (p->token.kind == SC_T_NAME) return asks(p);
  return p->token.kind == SC_T_DOT && (text[1] | 0x20) >= 'a' && (text[1] | 0x20) <= 'z';
}

static sc_node *command(sc_parser *p) {
  sc_span span = p->token.span;
  const char *text = sc_parse_text(p, span), *end = p->lexer.text + p->lexer.len;
  if (*text != '.') {
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
