/* What messages about a text share: quotes of it, columns, tokens that fit nowhere. */
#ifndef ES_LEXER_WORDING_H
#define ES_LEXER_WORDING_H

#include "lexer/tokens.h"

/* A piece of the user's text as a message shows it: escaped, cut when long. */
typedef struct es_quote {
  char text[200];
} es_quote;

const char *es_parse_quote(es_quote *quote, const char *text, es_span span);
/* One-based, in code points; a bad byte counts as one. */
int64_t es_parse_column(const char *text, int64_t offset);

/* Words an error for a token that fits nowhere: the BAD_ kinds by their own rules
 * (L1, L2), others as "expected …, found …". */
es_status es_parse_unexpected(const char *text, es_token token, const char *expected,
                              es_error *error);
/* es_parse_unexpected for the LETTERS reading, whose alphabet is smaller. at is
 * the offending code point. */
es_status es_parse_not_a_letter(const char *text, es_span at, es_error *error);

#endif
