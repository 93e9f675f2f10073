/* Tokens: they tile the text, only white space lies between them, and every token can be
 * read again from a bookmark. Memory: the lexer asks for none. */
#include <string.h>

#include "lexer/ast.h"
#include "lexer/tokens.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *bytes, size_t len) {
  const char *text = (const char *)bytes;
  es_lexer lexer = {text, len, 0};
  int64_t at = 0;
  for (;;) {
    es_lexer bookmark = lexer;
    es_token t = es_lexer_next(&lexer);
    es_token again = es_lexer_next(&bookmark);
    REQUIRE(t.kind == again.kind && t.spaced == again.spaced && bookmark.at == lexer.at &&
                t.span.offset == again.span.offset && t.span.length == again.span.length,
            "another token from a bookmark at %lld", (long long)at);
    REQUIRE((unsigned)t.kind <= ES_TOKEN_BAD_BYTE && *es_token_text(t.kind), "kind %d", t.kind);
    REQUIRE(t.span.offset >= at && lexer.at <= len, "token at %lld", (long long)t.span.offset);
    REQUIRE(t.spaced == (t.span.offset > at || at == 0), "spaced at %lld", (long long)at);
    for (; at < t.span.offset; at++)
      REQUIRE(strchr(" \t\r\n", text[at]) && text[at], "byte %lld is skipped", (long long)at);
    if (t.kind == ES_TOKEN_END) break;
    REQUIRE(t.span.length > 0 && t.span.offset + t.span.length == (int64_t)lexer.at,
            "a token of no length at %lld", (long long)at);
    at = (int64_t)lexer.at;
  }
  REQUIRE(lexer.at == len, "the end stands at %zu of %zu", lexer.at, len);
  REQUIRE(es_lexer_next(&lexer).kind == ES_TOKEN_END, "something behind the end");
  if (len && bytes[0] == 't') FUZZ_CHECK_PRINT(es_tokens_dump(text, len, buf, cap));
}
