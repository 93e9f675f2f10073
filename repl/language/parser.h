/* What the parts of the parser share: its cursor, and what each of them reads. */
#ifndef SC_PARSER_H
#define SC_PARSER_H

#include "repl/language/syntax.h"

#include "einstride.h"

/* Keeps the first message. Returns NULL. */
void *sc_parse_fail(sc_parser *p, sc_span where, const char *fmt, ...) ES_PRINTF(3, 4);
void *sc_parse_fail_unexpected(sc_parser *p, const char *expected);
void sc_parse_advance(sc_parser *p);
bool sc_parse_accept(sc_parser *p, sc_token_kind kind);
sc_node *sc_parse_node(sc_parser *p, sc_node_kind kind, sc_span span, int n, sc_node *const *kids);
void sc_parse_set_text(sc_parser *p, sc_node *node, const char *bytes, size_t len);
static inline sc_span sc_span_join(sc_span a, sc_span b) {
  return (sc_span){a.offset, b.offset + b.length - a.offset};
}

static inline const char *sc_parse_text(const sc_parser *p, sc_span span) {
  return p->lexer.text + span.offset;
}

/* Lists that grow in the arena. */
typedef struct sc_list {
  sc_node **items;
  int n, cap;
} sc_list;
bool sc_parse_push(sc_parser *p, sc_list *list, sc_node *item); /* false for NULL */

bool sc_parse_enter(sc_parser *p); /* one nesting level; nesting-- leaves it */

sc_node *sc_parse_expression(sc_parser *p);      /* parse_expression.c */
sc_node *sc_parse_star_expression(sc_parser *p); /* expression or *expression */
sc_node *sc_parse_import(sc_parser *p);          /* parse_import.c */

#endif
