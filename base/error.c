#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void fill(es_error *error, es_status status, const char *rule, es_span where, es_span where2,
                 const char *fmt, va_list args) {
  if (!error) return;
  *error = (es_error){.status = status,
                      .operand = -1,
                      .offset = where.offset,
                      .length = where.length,
                      .offset2 = where2.offset,
                      .length2 = where2.length};
  snprintf(error->rule, sizeof error->rule, "%s", rule);
  int n = vsnprintf(error->message, sizeof error->message, fmt, args);
  if (n >= (int)sizeof error->message) {
    size_t end = sizeof error->message - 4;
    while (end && ((unsigned char)error->message[end] & 0xc0) == 0x80) end--;
    memcpy(error->message + end, "...", 4);
  }
}

es_status(es_fail)(es_error *error, es_status status, const char *rule, es_span where,
                   const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fill(error, status, rule, where, ES_NOWHERE, fmt, args);
  va_end(args);
  return status;
}

es_status(es_fail2)(es_error *error, es_status status, const char *rule, es_span where,
                    es_span where2, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  fill(error, status, rule, where, where2, fmt, args);
  va_end(args);
  return status;
}

es_status(es_fail_nomem)(es_error *error) {
  return es_fail(error, ES_E_NOMEM, "", ES_NOWHERE,
                 "out of memory: the allocator returned nothing");
}

const char *es_status_name(es_status status) {
  switch (status) {
#define ES_X(name, value, text)                                                                    \
  case ES_E_##name: return value ? "ES_E_" #name : "ES_OK";
    ES_STATUS_LIST(ES_X)
#undef ES_X
  }
  return "ES_E_UNKNOWN";
}

const char *es_status_text(es_status status) {
  switch (status) {
#define ES_X(name, value, text)                                                                    \
  case ES_E_##name: return text;
    ES_STATUS_LIST(ES_X)
#undef ES_X
  }
  return "not a status of this library";
}

/* ---- rendering: sentence, text, caret ----------------------------------- */

/* Columns shown of a long text; one line of most terminals. */
enum { WINDOW = 100, MARGIN = 30 };

typedef struct piece {
  const char *text;
  size_t begin, end; /* the part shown, at code point borders */
} piece;

/* Not below low. A code point has at most three bytes behind its first: longer runs of such
 * bytes are none, and are cut anywhere. */
static size_t back_to_border(const char *text, size_t at, size_t low) {
  size_t border = at;
  while (border > low && at - border < 3 && ((unsigned char)text[border] & 0xc0) == 0x80) border--;
  return ((unsigned char)text[border] & 0xc0) == 0x80 ? at : border;
}

/* Of a text of several lines the one at fault. */
static void find_line(const es_error *e, const char *text, size_t *begin, size_t *end) {
  size_t at = (size_t)e->offset, len = *end;
  *begin = at;
  while (*begin > 0 && text[*begin - 1] != '\n') --*begin;
  for (*end = at; *end < len && text[*end] != '\n';) ++*end;
}

static piece choose_window(const es_error *e, const char *text, size_t first, size_t len) {
  if (len - first <= WINDOW) return (piece){text, first, len};
  size_t from = (size_t)e->offset, to = from + (size_t)e->length;
  if (e->length2) {
    size_t from2 = (size_t)e->offset2;
    if (from2 >= first && from2 < from && to - from2 <= WINDOW) from = from2;
  }
  size_t begin = from - first > MARGIN ? back_to_border(text, from - MARGIN, first) : first;
  size_t end = begin + WINDOW < len ? back_to_border(text, begin + WINDOW, begin) : len;
  return (piece){text, begin, end};
}

/* Columns that text[from..to) takes when escaped. */
static size_t columns(const char *text, size_t from, size_t to) {
  size_t n = 0;
  while (from < to) {
    uint32_t cp;
    int bytes = es_utf8_decode(text + from, to - from, &cp);
    char escaped[64];
    es_text t = es_text_init(escaped, sizeof escaped);
    es_text_escape(&t, text + from, bytes ? (size_t)bytes : 1);
    n += bytes && t.len == (size_t)bytes ? (size_t)es_utf8_width(cp) : t.len;
    from += bytes ? (size_t)bytes : 1;
  }
  return n;
}

static size_t clamp(size_t at, size_t low, size_t high) {
  return at < low ? low : at > high ? high : at;
}

static void mark(const piece *p, int64_t offset, int64_t length, size_t lead, char *line,
                 size_t cap, char first, char rest) {
  if (length <= 0) return;
  size_t from = clamp((size_t)offset, p->begin, p->end);
  size_t to = clamp((size_t)(offset + length), from, p->end);
  if (from == p->end && (size_t)offset > p->end) return;
  if ((size_t)(offset + length) <= p->begin && p->begin) return;
  size_t col = lead + columns(p->text, p->begin, from), width = columns(p->text, from, to);
  for (size_t i = 0; i < (width ? width : 1) && col + i < cap; i++)
    line[col + i] = i ? rest : first;
}

size_t es_error_render(const es_error *error, const char *text, size_t len, char *buf, size_t cap) {
  es_text t = es_text_init(buf, cap);
  if (!error) return 0;
  es_text_printf(&t, "%s\n", error->message);
  bool placed = text && (error->length > 0 || error->length2 > 0) && error->offset >= 0 &&
                (size_t)error->offset <= len &&
                (size_t)error->length <= len - (size_t)error->offset;
  if (!placed) return t.len;
  size_t first, last = len;
  find_line(error, text, &first, &last);
  piece p = choose_window(error, text, first, last);
  size_t lead = 2 + (p.begin > first ? 3 : 0);
  es_text_printf(&t, "  %s", p.begin > first ? "..." : "");
  es_text_escape(&t, text + p.begin, p.end - p.begin);
  es_text_printf(&t, "%s\n", p.end < last ? "..." : "");
  /* Every byte may become \xNN, so a window takes at most four columns a byte. */
  char line[4 * (WINDOW + 8) + 16];
  memset(line, ' ', sizeof line);
  mark(&p, error->offset2, error->length2, lead, line, sizeof line, '^', '~');
  mark(&p, error->offset, error->length, lead, line, sizeof line, '^', '~');
  size_t end = sizeof line;
  while (end && line[end - 1] == ' ') end--;
  es_text_put(&t, line, end);
  es_text_puts(&t, "\n");
  return t.len;
}
