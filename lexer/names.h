/* Interning: equal names get equal ids, in order of first appearance. */
#ifndef ES_LEXER_NAMES_H
#define ES_LEXER_NAMES_H

#include "base/arena.h"
#include "lexer/ast.h"

typedef struct es_names {
  es_arena *arena;
  int32_t n, room;
  const char **text; /* [n], NUL-terminated */
  es_span *first;    /* [n] */
  uint32_t *hash;    /* [n] */
  int32_t *slot;     /* open addressing: id + 1, or 0; 2 * room slots */
} es_names;

/* The id of text[0..len), first seen at span; ES_NO_NAME when out of memory. */
es_name_id es_names_intern(es_names *names, const char *text, size_t len, es_span span);

#endif
