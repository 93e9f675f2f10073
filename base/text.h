/* Text that grows into a fixed buffer, and the few facts about UTF-8 we need. */
#ifndef ES_BASE_TEXT_H
#define ES_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "einstride.h"

/* Writes at most cap bytes, counts what the whole would take: the contract of
 * every public print function. Always NUL-terminated when cap > 0. */
typedef struct es_text {
  char *buf;
  size_t cap;
  size_t len; /* of the whole text, without the NUL */
} es_text;

es_text es_text_init(char *buf, size_t cap);
void es_text_put(es_text *t, const char *bytes, size_t len);
void es_text_puts(es_text *t, const char *text);
void es_text_printf(es_text *t, const char *fmt, ...) ES_PRINTF(2, 3);
void es_text_vprintf(es_text *t, const char *fmt, va_list args);
/* Printable bytes and UTF-8 as they are, control and bad bytes as \xNN. */
void es_text_escape(es_text *t, const char *bytes, size_t len);
/* (2, 3), (2,), (): a shape as Python prints it. */
void es_text_shape(es_text *t, int rank, const int64_t *shape);

/* Decodes one code point of text[0..len), len > 0. Returns its bytes, 0 for an
 * invalid sequence (overlong, surrogate, truncated, above U+10FFFF). */
int es_utf8_decode(const char *text, size_t len, uint32_t *code_point);
/* Where the code point starts whose byte is text[at]: there or before. */
size_t es_utf8_start(const char *text, size_t at);
/* Columns a terminal gives to the code point: 0 (combining), 1 or 2. */
int es_utf8_width(uint32_t code_point);

/* Edits (insert, delete, replace, swap) between two names; stops at limit. */
int es_text_distance(const char *a, size_t a_len, const char *b, size_t b_len, int limit);

/* Locale-free numbers. Parses the whole of text[0..len), a decimal number with
 * optional sign, fraction and exponent, or inf / nan; false otherwise. */
bool es_parse_double(const char *text, size_t len, double *out);
/* The shortest decimal that reads back as the same double (or float when single),
 * without an exponent from 1e-4 up to 1e16; "inf", "-inf", "nan". buf holds at
 * least 32 bytes. */
void es_format_double(double value, bool single, char *buf);

#endif
