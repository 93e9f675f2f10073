/* Axis names and their places in a text that may still be typed: tokens, no tree. */
#include <string.h>

#include "lexer/parser.h"

typedef struct places {
  const char *text;
  es_label_place *at;
  int64_t n, cap;
  int32_t names, term;
} places;

/* The number of the name, by comparison with the places before: texts are short. */
static int32_t number_of(places *p, es_span name) {
  for (int64_t i = 0; i < p->n && i < p->cap; i++)
    if (p->at[i].length == name.length &&
        !memcmp(p->text + p->at[i].offset, p->text + name.offset, (size_t)name.length))
      return p->at[i].name;
  return p->names++;
}

static void add(places *p, es_span name) {
  int32_t number = number_of(p, name);
  if (p->n < p->cap) p->at[p->n] = (es_label_place){name.offset, name.length, number, p->term};
  p->n++;
}

/* '_' is an axis without a name. */
static void name(places *p, es_span span) {
  if (span.length > 1 || p->text[span.offset] != '_') add(p, span);
}

static int64_t letter_bytes(const char *text) {
  unsigned char c = (unsigned char)*text;
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4; /* a name is UTF-8 */
}

int64_t es_text_labels(const char *text, size_t len, es_kind kind, es_reading reading,
                       es_label_place *at, int64_t cap) {
  if (!text) return 0;
  if (kind != ES_KIND_EINSUM) reading = ES_READ_NAMES;
  if (reading == ES_READ_AUTO) reading = es_parse_reading(text, len);
  es_lexer lexer = {text, len, 0};
  places p = {.text = text, .at = at, .cap = at ? cap : 0};
  bool fill = false; /* behind '?': edge, wrap, reflect */
  for (es_token t = es_lexer_next(&lexer); t.kind != ES_TOKEN_END && t.kind != ES_TOKEN_PIPE;
       t = es_lexer_next(&lexer)) {
    if (t.kind == ES_TOKEN_ARROW)
      p.term = -1;
    else if (t.kind == ES_TOKEN_COMMA)
      p.term += p.term < 0 ? -1 : 1;
    else if (t.kind == ES_TOKEN_NAME && !fill && reading == ES_READ_NAMES)
      name(&p, t.span);
    else if (t.kind == ES_TOKEN_NAME && !fill)
      for (int64_t i = 0, n; i < t.span.length; i += n) {
        n = letter_bytes(text + t.span.offset + i);
        add(&p, (es_span){t.span.offset + i, n});
      }
    fill = t.kind == ES_TOKEN_QUESTION;
  }
  return p.n;
}
