/* The tokens of a pattern: kinds and places, no copies. */
#ifndef ES_LEXER_TOKENS_H
#define ES_LEXER_TOKENS_H

#include "base/error.h"

/* X(NAME, how a message calls it); those of no reading stand last, from BAD_DOTS on */
#define ES_TOKEN_LIST(X)                                                                           \
  X(END, "the end of the text")                                                                    \
  X(NAME, "a name")                                                                                \
  X(INT, "a whole number")                                                                         \
  X(NUMBER, "a number")                                                                            \
  X(ELLIPSIS, "'...'")                                                                             \
  X(ARROW, "'->'")                                                                                 \
  X(COMMA, "','")                                                                                  \
  X(OPEN, "'('")                                                                                   \
  X(CLOSE, "')'")                                                                                  \
  X(PLUS, "'+'")                                                                                   \
  X(MINUS, "'-'")                                                                                  \
  X(STAR, "'*'")                                                                                   \
  X(CARET, "'^'")                                                                                  \
  X(QUESTION, "'?'")                                                                               \
  X(PIPE, "'|'")                                                                                   \
  X(BAD_DOTS, "dots that are no ellipsis")                                                         \
  X(BAD_CHARACTER, "a character outside the grammar")                                              \
  X(BAD_BYTE, "a byte that is not UTF-8")

typedef enum es_token_kind {
#define ES_X(name, text) ES_TOKEN_##name,
  ES_TOKEN_LIST(ES_X)
#undef ES_X
} es_token_kind;

typedef struct es_token {
  es_token_kind kind;
  bool spaced; /* white space, or the start of the text, stands before it */
  es_span span;
} es_token;

/* Restartable: a copy is a bookmark. */
typedef struct es_lexer {
  const char *text;
  size_t len, at;
} es_lexer;

/* The token at lexer->at, and a step beyond it. At the end ES_TOKEN_END, any number
 * of times. text needs no NUL at its end; one inside it is a BAD_CHARACTER. */
es_token es_lexer_next(es_lexer *lexer);

/* How a message calls the kind: "'->'", "a name". */
const char *es_token_text(es_token_kind kind);

#endif
