#include "repl/terminal/highlight.h"

#include <string.h>

#include "repl/terminal/screen.h"

bool sc_is_pattern(const sc_scan *s, const char *text, int token, es_kind *kind,
                   es_reading *reading) {
  static const struct {
    const char *name;
    es_kind kind;
  } functions[] = {{"einsum", ES_KIND_EINSUM},      {"rearrange", ES_KIND_REARRANGE},
                   {"reduce", ES_KIND_REDUCE},      {"repeat", ES_KIND_REPEAT},
                   {"pack", ES_KIND_PACK},          {"unpack", ES_KIND_UNPACK},
                   {"parse_shape", ES_KIND_SHAPE},  {"cost", ES_KIND_EINSUM},
                   {"infer_shape", ES_KIND_EINSUM}, {"explain", ES_KIND_EINSUM}};
  sc_span inside = sc_scan_inside(s, text, token), callee;
  *kind = ES_KIND_EINSUM;
  *reading = ES_READ_AUTO;
  if (*text == '.') return s->token[token].parent < 0; /* .plan 'pattern', … */
  if (!sc_scan_callee(s, s->token[token].parent, &callee)) return false;
  const char *name = text + callee.offset, *dot = memrchr(name, '.', callee.length);
  size_t len = callee.length;
  if (dot) {
    len -= (size_t)(dot + 1 - name);
    if (!strncmp(name, "einops.", strlen("einops."))) *reading = ES_READ_NAMES;
    name = dot + 1;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strlen(functions[i].name) == len && !memcmp(functions[i].name, name, len)) {
      *kind = functions[i].kind;
      /* 'mean' is no pattern, and behind '=' stands an option */
      bool option = token > 0 && s->token[token - 1].kind == SC_T_ASSIGN;
      bool word = *kind == ES_KIND_REDUCE && sc_scan_place(s, token) > 1;
      return inside.length && !option && !word;
    }
  return false;
}

enum { MOST = 1024 };

static void color_labels(const sc_palette *p, const char *text, sc_span inside, es_kind kind,
                         es_reading reading, unsigned char *style) {
  es_label_place places[MOST];
  int color[MOST], fresh = 0;
  const char *at = text + inside.offset;
  int64_t n = es_text_labels(at, inside.length, kind, reading, places, MOST);
  for (int64_t i = 0; i < n && i < MOST; i++) {
    int number = places[i].name; /* a first place defines the colour of its number */
    bool first = true;
    for (int64_t k = 0; k < i && first; k++) first = places[k].name != number;
    if (first) {
      int place = sc_palette_find(p, at + places[i].offset, (size_t)places[i].length);
      color[number] = place < p->n ? place : p->n + fresh++;
    }
    memset(style + inside.offset + places[i].offset,
           SC_STYLE_LABEL + color[number] % SC_PALETTE_COLORS, (size_t)places[i].length);
  }
}

/* The bracket at the cursor, else the one before it. */
static void mark_partner(const sc_scan *s, size_t point, unsigned char *style) {
  for (int back = 0; back < 2; back++)
    for (int i = 0; i < s->n; i++)
      if (s->token[i].partner >= 0 && s->token[i].span.offset + (size_t)back == point) {
        style[s->token[s->token[i].partner].span.offset] |= SC_STYLE_PARTNER;
        return;
      }
}

/* What lies between tokens and is not blank is a comment. */
static void mark_comments(const sc_scan *s, const char *text, size_t len, unsigned char *style) {
  size_t at = 0;
  for (int i = 0; i <= s->n; i++) {
    size_t end = i < s->n ? s->token[i].span.offset : len;
    const char *hash = end > at ? memchr(text + at, '#', end - at) : NULL;
    while (hash) {
      size_t from = (size_t)(hash - text), n = strcspn(hash, "\n");
      memset(style + from, SC_STYLE_COMMENT, from + n > end ? end - from : n);
      hash = from + n < end ? memchr(hash + n, '#', end - from - n) : NULL;
    }
    if (i < s->n) at = end + s->token[i].span.length;
  }
}

void sc_highlight(const sc_palette *p, const char *text, size_t len, size_t point,
                  unsigned char *style) {
  sc_scan s;
  memset(style, SC_STYLE_PLAIN, len);
  sc_scan_text(&s, text, len);
  for (int i = 0; i < s.n; i++) {
    es_kind kind;
    es_reading reading;
    if (s.token[i].kind != SC_T_STRING) continue;
    if (sc_is_pattern(&s, text, i, &kind, &reading))
      color_labels(p, text, sc_scan_inside(&s, text, i), kind, reading, style);
    else
      memset(style + s.token[i].span.offset, SC_STYLE_STRING, s.token[i].span.length);
  }
  if (!s.broken) mark_comments(&s, text, len, style);
  mark_partner(&s, point, style);
  sc_scan_free(&s);
}
