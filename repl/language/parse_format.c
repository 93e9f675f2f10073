#include "repl/language/parse_format.h"

#include <stdlib.h>
#include <string.h>

#include "repl/language/literal.h"

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

bool sc_format_begin(sc_parser *p, sc_format *f) {
  sc_span span = p->token.span;
  const char *text = p->lexer.text + span.offset + 1;
  size_t quotes = span.length > 6 && text[1] == text[0] && text[2] == text[0] ? 3 : 1;
  size_t first = span.offset + 1 + quotes;
  *f = (sc_format){.span = span, .quotes = quotes, .at = first};
  f->end = first + span.length - 1 - 2 * quotes;
  if (first > SC_MAX_STATEMENT)
    return sc_parse_fail(p, span, "f-strings stand in the first MiB of a script");
  sc_put(&f->text, text, quotes);
  return true;
}

bool sc_format_next(sc_parser *p, sc_format *f, sc_span *value) {
  const char *text = p->lexer.text;
  while (f->at < f->end) {
    size_t at = f->at;
    bool twice = at + 1 < f->end && text[at] == text[at + 1];
    if ((text[at] == '{' || text[at] == '}') && twice) {
      sc_put(&f->text, text + at, 2);
      f->at += 2;
    } else if (text[at] == '}') {
      return sc_parse_fail(p, (sc_span){at, 1}, "a '}' without its '{'; write '}}' for the sign");
    } else if (text[at] == '{') {
      *value = (sc_span){at + 1, expression_length(text + at + 1, f->end - at - 1)};
      return true;
    } else {
      sc_put(&f->text, text + f->at++, 1);
    }
  }
  return false;
}

bool sc_format_close(sc_parser *p, sc_format *f, sc_span value) {
  const char *text = p->lexer.text;
  size_t rest = value.offset + value.length;
  const char *close = memchr(text + rest, '}', f->end - rest);
  if (!close) return sc_parse_fail(p, (sc_span){f->at, 1}, "this '{' is not closed");
  sc_puts(&f->text, "{");
  sc_put(&f->text, text + rest, (size_t)(close + 1 - (text + rest)));
  f->at = (size_t)(close + 1 - text);
  return true;
}

sc_node *sc_format_end(sc_parser *p, sc_format *f, sc_list *values) {
  sc_node *made = NULL;
  if (!p->failed) {
    const char *problem = NULL;
    sc_put(&f->text, p->lexer.text + f->span.offset + 1, f->quotes);
    char *bytes = sc_alloc(f->text.len + 1);
    size_t n = sc_literal_string(sc_text(&f->text), f->text.len, bytes, &problem);
    made = problem ? sc_parse_fail(p, f->span, "%s", problem) : call(p, f->span, bytes, n, values);
    free(bytes);
  }
  sc_buffer_free(&f->text);
  sc_parse_advance(p);
  return made;
}
