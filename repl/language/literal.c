#include "repl/language/literal.h"

#include <stdlib.h>
#include <string.h>

static int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool sc_literal_int(const char *text, size_t len, int64_t *value) {
  int base = len > 2 && text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10;
  int64_t total = 0;
  for (size_t i = base == 16 ? 2 : 0; i < len; i++) {
    if (text[i] == '_') continue;
    if (__builtin_mul_overflow(total, base, &total) ||
        __builtin_add_overflow(total, digit_value(text[i]), &total))
      return false;
  }
  *value = total;
  return true;
}

/* strtod reads the C locale's point: the program never sets LC_NUMERIC. */
double sc_literal_float(const char *text, size_t len) {
  char digits[400];
  size_t n = 0;
  for (size_t i = 0; i < len && n + 1 < sizeof digits; i++)
    if (text[i] != '_') digits[n++] = text[i];
  digits[n] = '\0';
  return strtod(digits, NULL);
}

static size_t put_utf8(char *out, uint32_t c) {
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  int bytes = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (int i = bytes - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)((0xf00u >> bytes) | c);
  return (size_t)bytes;
}

/* The escape after a backslash at *at; what it writes is never longer than it. */
static size_t escape(const char *text, size_t end, size_t *at, char *out, const char **problem) {
  static const char plain[] = "n\nt\tr\r0\0\\\\'\'\"\"a\ab\bf\fv\v";
  char c = text[(*at)++];
  if (c == '\n') return 0;
  for (size_t i = 0; i + 1 < sizeof plain; i += 2)
    if (plain[i] == c) {
      out[0] = plain[i + 1];
      return 1;
    }
  int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (!digits) { /* as Python: an unknown escape keeps its backslash */
    out[0] = '\\';
    out[1] = c;
    return 2;
  }
  uint32_t code = 0;
  for (int i = 0; i < digits; i++) {
    int value = *at < end ? digit_value(text[*at]) : -1;
    if (value < 0) {
      *problem = "an escape \\x, \\u or \\U needs 2, 4 or 8 hexadecimal digits";
      return 0;
    }
    code = code << 4 | (uint32_t)value;
    (*at)++;
  }
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    *problem = "this escape names no character";
    return 0;
  }
  return put_utf8(out, code);
}

size_t sc_literal_string(const char *text, size_t len, char *out, const char **problem) {
  size_t at = 0, n = 0;
  bool raw = false;
  *problem = NULL;
  while (text[at] != '\'' && text[at] != '"') raw |= (text[at++] | 0x20) == 'r';
  size_t quotes = len - at >= 6 && text[at + 1] == text[at] && text[at + 2] == text[at] ? 3 : 1;
  size_t end = len - quotes;
  at += quotes;
  while (at < end && !*problem) {
    if (text[at] == '\\' && !raw && at + 1 < end) {
      at++;
      n += escape(text, end, &at, out + n, problem);
    } else {
      out[n++] = text[at++];
    }
  }
  out[n] = '\0';
  return n;
}
