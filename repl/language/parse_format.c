/* f'{x} and {y:.3f}' is '{} and {:.3f}'.format(x, y): the call takes the place of the string. */
#include <stdlib.h>
#include <string.h>

#include "repl/language/literal.h"
#include "repl/language/parse.h"
#include "repl/text/buffer.h"

/* Where the expression that begins at text ends: at its '}', or at a ':' or '!' of its own. */
static size_t expression_length(const char *text, size_t len) {
  int depth = 0;
  char quote = 0;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      depth++;
    } else if (depth && (c == ')' || c == ']' || c == '}')) {
      depth--;
    } else if (!depth &&
               (c == '}' || c == ':' || (c == '!' && i + 1 < len && text[i + 1] != '='))) {
      return i;
    }
  }
  return len;
}

/* The expression at a place inside of the string. The lexer wants a text that ends there. */
static sc_node *inner(sc_parser *p, sc_span span) {
  sc_parser part = *p;
  char *text = sc_arena_alloc(p->arena, span.offset + span.length + 1);
  memcpy(text, p->lexer.text, span.offset + span.length);
  text[span.offset + span.length] = '\0';
  part.lexer = (sc_lexer){text, span.offset + span.length, span.offset, 1};
  sc_parse_advance(&part);
  sc_node *made = part.token.kind == SC_T_END ? NULL : sc_parse_expression(&part);
  if (!part.failed && (!made || part.token.kind != SC_T_END))
    sc_parse_fail(&part, span, "between { and } one expression stands");
  if (!part.failed) return made;
  p->limit |= part.limit;
  return sc_parse_fail(p, part.where, "%s", part.message);
}

static sc_node *call(sc_parser *p, sc_span span, const char *text, size_t len, sc_list *values) {
  sc_node *string = sc_parse_node(p, SC_N_STRING, span, 0, NULL);
  sc_parse_set_text(p, string, text, len);
  sc_node *method = string ? sc_parse_node(p, SC_N_ATTRIBUTE, span, 1, &string) : NULL;
  sc_parse_set_text(p, method, "format", strlen("format"));
  sc_list kids = {0};
  bool ok = sc_parse_push(p, &kids, method);
  for (int i = 0; i < values->n && ok; i++) ok = sc_parse_push(p, &kids, values->items[i]);
  return ok ? sc_parse_node(p, SC_N_CALL, span, kids.n, kids.items) : NULL;
}

/* Copies the string without its expressions; false after an error. */
static bool take_apart(sc_parser *p, sc_span inside, sc_buffer *out, sc_list *values) {
  const char *text = p->lexer.text;
  for (size_t at = inside.offset, end = at + inside.length; at < end;) {
    bool twice = at + 1 < end && text[at] == text[at + 1];
    if ((text[at] == '{' || text[at] == '}') && twice) {
      sc_put(out, text + at, 2);
      at += 2;
    } else if (text[at] == '}') {
      return sc_parse_fail(p, (sc_span){at, 1}, "a '}' without its '{'; write '}}' for the sign");
    } else if (text[at] == '{') {
      sc_span value = {at + 1, expression_length(text + at + 1, end - at - 1)};
      if (!sc_parse_push(p, values, inner(p, value))) return false;
      size_t rest = value.offset + value.length;
      const char *close = memchr(text + rest, '}', end - rest);
      if (!close) return sc_parse_fail(p, (sc_span){at, 1}, "this '{' is not closed");
      sc_puts(out, "{");
      sc_put(out, text + rest, (size_t)(close + 1 - (text + rest)));
      at = (size_t)(close + 1 - text);
    } else {
      sc_put(out, text + at++, 1);
    }
  }
  return true;
}

sc_node *sc_parse_format(sc_parser *p) {
  sc_span span = p->token.span;
  const char *text = p->lexer.text + span.offset + 1, *problem = NULL;
  size_t quotes = span.length > 6 && text[1] == text[0] && text[2] == text[0] ? 3 : 1;
  sc_span inside = {span.offset + 1 + quotes, span.length - 1 - 2 * quotes};
  sc_list values = {0};
  sc_buffer raw = {0};
  sc_node *made = NULL;
  if (inside.offset > SC_MAX_STATEMENT)
    return sc_parse_fail(p, span, "f-strings stand in the first MiB of a script");
  sc_put(&raw, text, quotes);
  if (sc_parse_enter(p) && take_apart(p, inside, &raw, &values)) {
    p->nesting--;
    sc_put(&raw, text, quotes);
    char *bytes = sc_alloc(raw.len + 1);
    size_t n = sc_literal_string(sc_text(&raw), raw.len, bytes, &problem);
    made = problem ? sc_parse_fail(p, span, "%s", problem) : call(p, span, bytes, n, &values);
    free(bytes);
  }
  sc_buffer_free(&raw);
  sc_parse_advance(p);
  return made;
}
