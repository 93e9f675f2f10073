/* import a.b as c, …  and  from a.b import c as d, … : each item is a NAME node with
 * the name it binds ("" for none) over a NAME node with the dotted path. */
#include <string.h>

#include "repl/language/parser.h"
#include "repl/text/buffer.h"

/* Appends NAME { '.' NAME } to path. */
static bool dotted(sc_parser *p, sc_buffer *path) {
  for (;;) {
    if (p->token.kind != SC_T_NAME) {
      sc_parse_fail_unexpected(p, "the name of a module");
      return false;
    }
    sc_put(path, sc_parse_text(p, p->token.span), p->token.span.length);
    sc_parse_advance(p);
    if (p->token.kind != SC_T_DOT) return true;
    sc_parse_advance(p);
    sc_puts(path, ".");
  }
}

/* path [as NAME]; module is what 'from' named, or "". */
static sc_node *item(sc_parser *p, const char *module) {
  sc_buffer path = {0};
  sc_span start = p->token.span;
  if (*module) sc_printf(&path, "%s.", module);
  sc_node *bound = sc_parse_node(p, SC_N_NAME, start, 0, NULL);
  sc_node *whole = NULL;
  if (bound && *module && p->token.kind == SC_T_STAR) {
    sc_parse_advance(p);
    path.len--; /* the dot: everything of the module, which is there anyway */
    sc_parse_set_text(p, bound, "", 0);
  } else if (bound) {
    sc_parse_set_text(p, bound, *module ? sc_parse_text(p, p->token.span) : "",
                      *module ? p->token.span.length : 0);
    if (!dotted(p, &path)) bound = NULL;
  }
  if (bound && sc_parse_accept(p, SC_T_AS)) {
    sc_parse_set_text(p, bound, sc_parse_text(p, p->token.span), p->token.span.length);
    if (!sc_parse_accept(p, SC_T_NAME)) bound = sc_parse_fail_unexpected(p, "a name after 'as'");
  }
  if (bound) {
    sc_parse_set_text(p, bound, bound->text, bound->text_len);
    sc_node *target = sc_parse_node(p, SC_N_NAME, start, 0, NULL);
    sc_parse_set_text(p, target, sc_text(&path), path.len);
    whole = target ? sc_parse_node(p, SC_N_NAME, start, 1, &target) : NULL;
    sc_parse_set_text(p, whole, bound->text, bound->text_len);
  }
  sc_buffer_free(&path);
  return whole;
}

sc_node *sc_parse_import(sc_parser *p) {
  sc_list items = {0};
  sc_buffer module = {0};
  sc_span start = p->token.span;
  bool from = p->token.kind == SC_T_FROM, ok = true, bracket = false;
  sc_parse_advance(p);
  if (from) {
    ok = dotted(p, &module);
    if (ok && !sc_parse_accept(p, SC_T_IMPORT)) {
      sc_parse_fail_unexpected(p, "'import'");
      ok = false;
    }
    bracket = ok && sc_parse_accept(p, SC_T_OPEN);
  }
  while (ok) {
    ok = sc_parse_push(p, &items, item(p, sc_text(&module)));
    if (!ok || !sc_parse_accept(p, SC_T_COMMA) || (bracket && p->token.kind == SC_T_CLOSE)) break;
  }
  if (ok && bracket && !sc_parse_accept(p, SC_T_CLOSE)) {
    sc_parse_fail_unexpected(p, "')'");
    ok = false;
  }
  sc_buffer_free(&module);
  return ok ? sc_parse_node(p, SC_N_IMPORT, start, items.n, items.items) : NULL;
}
