/* The cursor of the parser: tokens, lists in the making, errors of the token at hand. */
#include "lexer/parser.h"

#include <string.h>

void *es_parser_push(es_parser *p, es_pile *s) {
  if (s->n == s->room) {
    int room = s->room ? s->room * 2 : 16;
    char *at = es_arena_array(p->arena, (size_t)room, s->size);
    if (!at) return NULL;
    if (s->n) memcpy(at, s->at, (size_t)s->n * s->size);
    s->at = at, s->room = room;
  }
  return memset((char *)s->at + (size_t)s->n++ * s->size, 0, s->size);
}

/* Pops all above base into an array of its own. */
void *es_parser_take(es_parser *p, es_pile *s, int base, int *n) {
  *n = s->n - base;
  s->n = base;
  void *array = es_arena_array(p->arena, (size_t)*n, s->size);
  if (array && *n) memcpy(array, (char *)s->at + (size_t)base * s->size, (size_t)*n * s->size);
  return array;
}

/* Not in the frames of the callers: they recurse. */
const char *es_parser_quote(es_parser *p, es_span span) {
  return es_parse_quote(&p->quotes[p->quoted++ % 3], p->pattern->text, span);
}

es_status es_parser_unexpected(es_parser *p, const char *expected) {
  return es_parse_unexpected(p->pattern->text, p->now, expected, p->error);
}

es_status es_parser_not_closed(es_parser *p) {
  es_span open = p->open[p->depth - 1];
  if (p->now.kind == ES_TOKEN_END)
    return es_fail(p->error, ES_E_SYNTAX, "L3", open,
                   "'(' is never closed: ')' is missing at the end of the text");
  return es_fail2(p->error, ES_E_SYNTAX, "L3", open, p->now.span,
                  "'(' is not closed: ')' is missing before %s", es_token_text(p->now.kind));
}
