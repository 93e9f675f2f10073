/* What the files of the parser share: the cursor, and what each of them reads. */
#ifndef ES_LEXER_PARSER_H
#define ES_LEXER_PARSER_H

#include "lexer/ast.h"
#include "lexer/names.h"
#include "lexer/tokens.h"
#include "lexer/wording.h"

/* Elements of a list whose length is not known yet: children are pushed, then
 * taken as one array. Inner lists are taken before outer ones go on. */
typedef struct es_pile {
  void *at;
  int n, room;
  size_t size;
} es_pile;

typedef struct es_parser {
  es_pattern *pattern;
  es_arena *arena;
  es_error *error;
  es_lexer lexer;
  es_token now, next;
  es_names names;
  es_pile items, products, terms;
  es_span ellipsis;             /* the anonymous one of this term; length 0: none yet */
  es_span open[ES_MAX_NESTING]; /* the '(' around here */
  int depth;
  bool output;
  es_quote quotes[3]; /* as many as one message takes */
  unsigned quoted;
} es_parser;

/* ---- parser.c: the cursor ------------------------------------------------------------- */

/* The next token. */
static inline void es_parser_advance(es_parser *p) {
  p->now = p->next;
  p->next = es_lexer_next(&p->lexer);
}
/* A zeroed element on top; NULL when out of memory. */
void *es_parser_push(es_parser *p, es_pile *s);
/* Pops all above base into an array of its own. */
void *es_parser_take(es_parser *p, es_pile *s, int base, int *n);
/* es_parse_quote into the parser, not into the frame of a recursive caller. */
const char *es_parser_quote(es_parser *p, es_span span);
/* "expected …, found …" for the token at hand. */
es_status es_parser_unexpected(es_parser *p, const char *expected);
/* The innermost '(' has no ')'. */
es_status es_parser_not_closed(es_parser *p);
static inline bool es_parser_ends_term(es_token_kind kind) {
  return kind == ES_TOKEN_COMMA || kind == ES_TOKEN_ARROW || kind == ES_TOKEN_PIPE ||
         kind == ES_TOKEN_END;
}
static inline bool es_parser_is_operator(es_token_kind kind) {
  return kind == ES_TOKEN_PLUS || kind == ES_TOKEN_MINUS || kind == ES_TOKEN_STAR;
}

/* ---- parse_word.c ---------------------------------------------------------------------- */

/* The id of this piece of the text; L6. */
es_status es_parser_intern(es_parser *p, es_span span, es_name_id *id);
/* The token as a NAME; L4, L6. Does not advance. */
es_status es_parser_name(es_parser *p, es_token t, es_name_id *id);
bool es_parser_is_any(const es_parser *p, es_token t); /* '_' alone */
/* The INT at hand; L4, L6. Does not advance. */
es_status es_parser_whole_number(es_parser *p, int64_t *value);
/* L4 when a name is glued to the number at hand. */
es_status es_parser_no_glued_name(es_parser *p);
/* A NUMBER where a whole one is needed; always fails. */
es_status es_parser_fraction(es_parser *p);

/* ---- parse_axis.c, parse_index.c, parse_reducer.c, check.c, parse.c -------------------- */

/* One axis onto p->items (several letters in the reading LETTERS). */
es_status es_parser_axis(es_parser *p);
/* lin, up to ')'. */
es_status es_parser_affine(es_parser *p, es_item *item);
/* '?' fill, behind the parenthesis item. */
es_status es_parser_fill(es_parser *p, es_item *item);
/* '|' reducer, to the end of the text. */
es_status es_parser_reducer(es_parser *p);

/* The rules that depend on the kind: arrows, number of terms, which items. */
es_status es_parse_check(const es_pattern *pattern, es_error *error);

/* LETTERS or NAMES, by the text alone. */
es_reading es_parse_reading(const char *text, size_t len);

#endif
