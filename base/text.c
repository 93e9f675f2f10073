#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

es_text es_text_init(char *buf, size_t cap) {
  if (cap) buf[0] = 0;
  return (es_text){buf, cap, 0};
}

void es_text_put(es_text *t, const char *bytes, size_t len) {
  if (t->len + 1 < t->cap) {
    size_t room = t->cap - 1 - t->len, n = len < room ? len : room;
    memcpy(t->buf + t->len, bytes, n);
    t->buf[t->len + n] = 0;
  }
  t->len += len;
}

void es_text_puts(es_text *t, const char *text) { es_text_put(t, text, strlen(text)); }

void es_text_vprintf(es_text *t, const char *fmt, va_list args) {
  size_t room = t->len < t->cap ? t->cap - t->len : 0;
  int n = vsnprintf(room ? t->buf + t->len : NULL, room, fmt, args);
  if (n > 0) t->len += (size_t)n;
}

void es_text_printf(es_text *t, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  es_text_vprintf(t, fmt, args);
  va_end(args);
}

static void put_hex(es_text *t, unsigned char byte) {
  static const char digits[] = "0123456789abcdef";
  es_text_put(t, (char[]){'\\', 'x', digits[byte >> 4], digits[byte & 15]}, 4);
}

void es_text_escape(es_text *t, const char *bytes, size_t len) {
  for (size_t i = 0; i < len;) {
    uint32_t cp;
    int n = es_utf8_decode(bytes + i, len - i, &cp);
    /* C1 controls and the byte-order overrides can change what a terminal shows. */
    bool bad = n == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) ||
               (cp >= 0x2066 && cp <= 0x2069);
    if (!bad) {
      es_text_put(t, bytes + i, (size_t)n);
      i += (size_t)n;
    } else {
      for (int k = 0; k < (n ? n : 1); k++) put_hex(t, (unsigned char)bytes[i + (size_t)k]);
      i += n ? (size_t)n : 1;
    }
  }
}

void es_text_shape(es_text *t, int rank, const int64_t *shape) {
  es_text_puts(t, "(");
  for (int i = 0; i < rank; i++) es_text_printf(t, i ? ", %lld" : "%lld", (long long)shape[i]);
  es_text_puts(t, rank == 1 ? ",)" : ")");
}

int es_utf8_decode(const char *text, size_t len, uint32_t *code_point) {
  const unsigned char *s = (const unsigned char *)text;
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  int n = s[0] < 0x80   ? 1
          : s[0] < 0xc2 ? 0
          : s[0] < 0xe0 ? 2
          : s[0] < 0xf0 ? 3
          : s[0] < 0xf5 ? 4
                        : 0;
  if (!n || (size_t)n > len) return 0;
  uint32_t cp = n == 1 ? s[0] : s[0] & (0x7fu >> n);
  for (int i = 1; i < n; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    cp = cp << 6 | (s[i] & 0x3fu);
  }
  if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff)) return 0;
  *code_point = cp;
  return n;
}

size_t es_utf8_start(const char *text, size_t at) {
  while (at && ((unsigned char)text[at] & 0xc0) == 0x80) at--;
  return at;
}

int es_utf8_width(uint32_t cp) {
  if ((cp >= 0x300 && cp <= 0x36f) || (cp >= 0x200b && cp <= 0x200f) || cp == 0xfeff) return 0;
  if ((cp >= 0x1100 && cp <= 0x115f) || (cp >= 0x2e80 && cp <= 0xa4cf) ||
      (cp >= 0xac00 && cp <= 0xd7a3) || (cp >= 0xf900 && cp <= 0xfaff) ||
      (cp >= 0xfe30 && cp <= 0xfe6f) || (cp >= 0xff00 && cp <= 0xff60) ||
      (cp >= 0xffe0 && cp <= 0xffe6) || (cp >= 0x1f300 && cp <= 0x1faff) ||
      (cp >= 0x20000 && cp <= 0x3fffd))
    return 2;
  return 1;
}

int es_text_distance(const char *a, size_t a_len, const char *b, size_t b_len, int limit) {
  /* Damerau-Levenshtein with adjacent swaps over three rows; names are short. */
  enum { MAX = ES_MAX_NAME + 1 };
  if (a_len >= MAX || b_len >= MAX) return limit;
  int rows[3][MAX];
  int *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= b_len; j++) last[j] = (int)j;
  for (size_t i = 1; i <= a_len; i++) {
    now[0] = (int)i;
    for (size_t j = 1; j <= b_len; j++) {
      int best = last[j - 1] + (a[i - 1] != b[j - 1]);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          before[j - 2] + 1 < best)
        best = before[j - 2] + 1;
      now[j] = best;
    }
    int *spare = before;
    before = last, last = now, now = spare;
  }
  return last[b_len] < limit ? last[b_len] : limit;
}

/* The C library reads and writes numbers in the caller's locale, whose decimal
 * point may be a comma or several bytes; this finds it without touching it. */
static size_t locale_point(char point[16]) {
  char half[32];
  int n = snprintf(half, sizeof half, "%.1f", 0.5);
  size_t len = n > 2 && n < 18 ? (size_t)n - 2 : 0;
  memcpy(point, half + 1, len);
  return len;
}

static bool decimal_syntax(const char *s, size_t len) {
  size_t i = 0, digits = 0;
  if (i < len && (s[i] == '-' || s[i] == '+')) i++;
  for (; i < len && s[i] >= '0' && s[i] <= '9'; i++) digits++;
  if (i < len && s[i] == '.')
    for (i++; i < len && s[i] >= '0' && s[i] <= '9'; i++) digits++;
  if (!digits) return false;
  if (i < len && (s[i] == 'e' || s[i] == 'E')) {
    i++;
    if (i < len && (s[i] == '-' || s[i] == '+')) i++;
    if (i == len) return false;
    while (i < len && s[i] >= '0' && s[i] <= '9') i++;
  }
  return i == len;
}

bool es_parse_double(const char *text, size_t len, double *out) {
  bool negative = len && text[0] == '-';
  const char *word = text + (len && (text[0] == '-' || text[0] == '+'));
  size_t word_len = len - (size_t)(word - text);
  if (word_len == 3 && !memcmp(word, "inf", 3)) return *out = negative ? -INFINITY : INFINITY, true;
  if (word_len == 3 && !memcmp(word, "nan", 3)) return *out = (double)NAN, true;
  if (!decimal_syntax(text, len) || len > 512) return false;
  char point[16], buf[600];
  size_t point_len = locale_point(point), n = 0;
  for (size_t i = 0; i < len; i++) {
    if (text[i] != '.') {
      buf[n++] = text[i];
    } else {
      memcpy(buf + n, point, point_len);
      n += point_len;
    }
  }
  buf[n] = 0;
  *out = strtod(buf, NULL);
  return true;
}

void es_format_double(double value, bool single, char *buf) {
  if (isnan(value)) {
    strcpy(buf, "nan");
    return;
  }
  if (isinf(value)) {
    strcpy(buf, value < 0 ? "-inf" : "inf");
    return;
  }
  char tmp[64];
  int digits = 1, exponent = 0;
  for (; digits <= 17; digits++) {
    snprintf(tmp, sizeof tmp, "%.*e", digits - 1, value);
    double back = strtod(tmp, NULL);
    if (single ? (float)back == (float)value : back == value) break;
  }
  exponent = atoi(strchr(tmp, 'e') + 1);
  /* Python's repr: plain from 1e-4 up to, not including, 1e16. */
  if (exponent >= -4 && exponent < 16)
    snprintf(tmp, sizeof tmp, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, value);
  char point[16];
  size_t point_len = locale_point(point), n = 0;
  for (char *s = tmp; *s;) {
    if (point_len && !strncmp(s, point, point_len)) {
      buf[n++] = '.';
      s += point_len;
    } else {
      buf[n++] = *s++;
    }
  }
  buf[n] = 0;
}
