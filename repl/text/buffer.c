#include "repl/text/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_leave(void *block) {
  if (!block) {
    fputs("einstride: out of memory\n", stderr);
    exit(5);
  }
  return block;
}

void *sc_alloc(uint64_t bytes) {
  return or_leave(bytes > PTRDIFF_MAX ? NULL : calloc(1, bytes ? (size_t)bytes : 1));
}

void *sc_grow(void *block, uint64_t bytes) {
  return or_leave(bytes > PTRDIFF_MAX ? NULL : realloc(block, bytes ? (size_t)bytes : 1));
}

char *sc_copy_text(const char *bytes, size_t len) {
  char *copy = sc_alloc(len + 1);
  if (len) memcpy(copy, bytes, len);
  return copy;
}

static void reserve(sc_buffer *b, size_t extra) {
  size_t need = b->len + extra + 1;
  if (need <= b->cap) return;
  b->cap = need < 2 * b->cap ? 2 * b->cap : need + 32;
  b->bytes = sc_grow(b->bytes, b->cap);
}

void sc_put(sc_buffer *b, const char *bytes, size_t len) {
  reserve(b, len);
  if (len) memcpy(b->bytes + b->len, bytes, len);
  b->len += len;
  b->bytes[b->len] = '\0';
}

void sc_puts(sc_buffer *b, const char *text) { sc_put(b, text, strlen(text)); }

void sc_fill(sc_buffer *b, char byte, size_t count) {
  reserve(b, count);
  memset(b->bytes + b->len, byte, count);
  b->len += count;
  b->bytes[b->len] = '\0';
}

void sc_printf(sc_buffer *b, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, fmt, args);
  if (len > 0) {
    reserve(b, (size_t)len);
    vsnprintf(b->bytes + b->len, (size_t)len + 1, fmt, again);
    b->len += (size_t)len;
  }
  va_end(again);
  va_end(args);
}

const char *sc_text(const sc_buffer *b) { return b->bytes ? b->bytes : ""; }

void sc_buffer_free(sc_buffer *b) {
  free(b->bytes);
  *b = (sc_buffer){0};
}

int sc_utf8(const char *text, size_t len, uint32_t *code_point) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  if (!len) return 0;
  const unsigned char *p = (const unsigned char *)text;
  int bytes = p[0] < 0x80             ? 1
              : (p[0] & 0xe0) == 0xc0 ? 2
              : (p[0] & 0xf0) == 0xe0 ? 3
              : (p[0] & 0xf8) == 0xf0 ? 4
                                      : 0;
  if (!bytes || (size_t)bytes > len) return 0;
  uint32_t c = bytes == 1 ? p[0] : p[0] & (0xffu >> (bytes + 1));
  for (int i = 1; i < bytes; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (p[i] & 0x3fu);
  }
  if (c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return 0;
  *code_point = c;
  return bytes;
}

size_t sc_columns(const char *text, size_t len) {
  size_t columns = 0;
  for (size_t i = 0; i < len;) {
    uint32_t c;
    int bytes = sc_utf8(text + i, len - i, &c);
    bool combining = bytes && c >= 0x300 && c <= 0x36f;
    bool wide = bytes && ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                          (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                          (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
                          (c >= 0x1f300 && c <= 0x1faff));
    columns += combining ? 0 : wide ? 2 : 1;
    i += bytes ? (size_t)bytes : 1;
  }
  return columns;
}

size_t sc_first_bad_byte(const char *text, size_t len) {
  size_t i = 0;
  while (i < len) {
    uint32_t c;
    int bytes = sc_utf8(text + i, len - i, &c);
    if (!bytes || !c) return i;
    i += (size_t)bytes;
  }
  return len;
}

void sc_put_escaped(sc_buffer *b, const char *bytes, size_t len) {
  for (size_t i = 0; i < len;) {
    uint32_t c;
    int n = sc_utf8(bytes + i, len - i, &c);
    if (n && c >= 0x20 && (c < 0x7f || c > 0x9f)) {
      sc_put(b, bytes + i, (size_t)n);
    } else {
      n = n ? n : 1;
      for (int j = 0; j < n; j++) sc_printf(b, "\\x%02x", (unsigned char)bytes[i + (size_t)j]);
    }
    i += (size_t)n;
  }
}

void sc_put_shape(sc_buffer *b, int rank, const int64_t *shape) {
  sc_puts(b, "(");
  for (int i = 0; i < rank; i++) sc_printf(b, i ? ", %lld" : "%lld", (long long)shape[i]);
  sc_puts(b, rank == 1 ? ",)" : ")");
}

/* Levenshtein's table with one row and transpositions left out: names are short. */
int sc_distance(const char *a, const char *b, int limit) {
  enum { LONGEST = 64 };
  size_t a_len = strlen(a), b_len = strlen(b);
  if (a_len > LONGEST || b_len > LONGEST) return limit + 1;
  int row[LONGEST + 1];
  for (size_t j = 0; j <= b_len; j++) row[j] = (int)j;
  for (size_t i = 1; i <= a_len; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= b_len; j++) {
      int change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      int step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = change < step ? change : step;
    }
  }
  return row[b_len] > limit ? limit + 1 : row[b_len];
}

void sc_offer(sc_nearest *n, const char *name) {
  size_t len = strlen(n->wanted);
  int limit = len < 3 ? 0 : len < 6 ? 1 : 2;
  if (n->best && n->distance <= limit) limit = n->distance - 1;
  int distance = sc_distance(n->wanted, name, limit);
  if (distance > limit) return;
  n->best = name;
  n->distance = distance;
}
