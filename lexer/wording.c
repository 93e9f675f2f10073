/* The words of the notation, and the sentences for tokens that fit nowhere. */
#include "lexer/wording.h"

#include "base/text.h"

const char *es_token_text(es_token_kind kind) {
  static const char *const text[] = {
#define ES_X(name, words) words,
      ES_TOKEN_LIST(ES_X)
#undef ES_X
  };
  return text[kind];
}

const char *es_reducer_name(es_reducer r) {
  static const char *const names[ES_REDUCER_COUNT] = {"none", "sum", "prod", "max",      "min",
                                                      "mean", "any", "all",  "logsumexp"};
  return (int)r >= 0 && r < ES_REDUCER_COUNT ? names[r] : "?";
}

const char *es_parse_quote(es_quote *quote, const char *text, es_span span) {
  enum { SHOWN = 40 };
  es_text t = es_text_init(quote->text, sizeof quote->text);
  size_t len = (size_t)span.length;
  bool cut = len > SHOWN;
  if (cut) len = es_utf8_start(text + span.offset, SHOWN);
  es_text_escape(&t, text + span.offset, len);
  if (cut) es_text_puts(&t, "...");
  return quote->text;
}

int64_t es_parse_column(const char *text, int64_t offset) {
  int64_t column = 1;
  for (int64_t at = 0; at < offset; column++) {
    uint32_t cp;
    int n = es_utf8_decode(text + at, (size_t)(offset - at), &cp);
    at += n ? n : 1;
  }
  return column;
}

/* What the writer of a character outside the grammar probably meant. */
static const char *hint(uint32_t cp) {
  static const struct {
    uint32_t cp;
    const char *text;
  } table[] = {
      {'>', "; the arrow is '->', without a blank inside"},
      {'=', "; sizes are given beside the text, and the arrow is '->'"},
      {'[', "; parentheses are round"},
      {']', "; parentheses are round"},
      {'{', "; parentheses are round"},
      {'}', "; parentheses are round"},
      {';', "; terms are separated by ','"},
      {0xa0, " (a no-break space); write an ordinary one"},
      {0xb7, "; a factor is written with '*'"},
      {0xd7, "; a factor is written with '*'"},
      {0x2009, " (a thin space); write an ordinary one"},
      {0x200b, " (a space without width); delete it"},
      {0x2013, "; the minus sign is '-'"},
      {0x202f, " (a narrow no-break space); write an ordinary one"},
      {0x21d2, "; the arrow is '->'"},
      {0x2212, "; the minus sign is '-'"},
      {0x2295, "; joined axes are written (x ^ y)"},
      {0x22c5, "; a factor is written with '*'"},
      {0x27f6, "; the arrow is '->'"},
      {0x3000, " (an ideographic space); write an ordinary one"},
      {0xfeff, " (a byte-order mark); delete it"},
  };
  if (cp >= 0x300 && cp < 0x370) return " (a combining accent); write the letter as one code point";
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].cp == cp) return table[i].text;
  return "";
}

static es_status bad_character(const char *text, es_span at, es_error *error) {
  uint32_t cp = 0;
  es_quote q;
  es_utf8_decode(text + at.offset, (size_t)at.length, &cp);
  return es_fail(
      error, ES_E_SYNTAX, "L1", at, "'%s' at column %lld is not a character of the notation%s",
      es_parse_quote(&q, text, at), (long long)es_parse_column(text, at.offset), hint(cp));
}

es_status es_parse_not_a_letter(const char *text, es_span at, es_error *error) {
  es_quote q;
  return es_fail(
      error, ES_E_SYNTAX, "L1", at,
      "'%s' at column %lld: the reading LETTERS knows letters, ',', '->' and '...' only; ask "
      "for the reading NAMES",
      es_parse_quote(&q, text, at), (long long)es_parse_column(text, at.offset));
}

es_status es_parse_unexpected(const char *text, es_token token, const char *expected,
                              es_error *error) {
  es_quote q;
  switch (token.kind) {
  case ES_TOKEN_BAD_CHARACTER: return bad_character(text, token.span, error);
  case ES_TOKEN_BAD_BYTE:
    return es_fail(error, ES_E_SYNTAX, "L1", token.span, "the byte %s at column %lld is not UTF-8",
                   es_parse_quote(&q, text, token.span),
                   (long long)es_parse_column(text, token.span.offset));
  case ES_TOKEN_BAD_DOTS:
    return es_fail(error, ES_E_SYNTAX, "L2", token.span,
                   "'%s' is no ellipsis: an ellipsis has three dots",
                   es_parse_quote(&q, text, token.span));
  case ES_TOKEN_END:
    /* The caret stands under the last byte, for nothing comes after it; an empty text is a term. */
    token.span = (es_span){token.span.offset - 1, 1};
    return es_fail(error, ES_E_SYNTAX, "L7", token.span, "expected %s, found the end of the text",
                   expected);
  default:
    return es_fail(error, ES_E_SYNTAX, "L7", token.span, "expected %s, found '%s'", expected,
                   es_parse_quote(&q, text, token.span));
  }
}
