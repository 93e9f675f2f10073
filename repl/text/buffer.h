/* Text that grows. The script's own small memory: when there is none left, the
 * program ends with exit code 5; tensors go through the library's allocator and
 * fail as errors. */
#ifndef SC_BUFFER_H
#define SC_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "einstride.h"

typedef struct sc_buffer {
  char *bytes; /* NUL-terminated once anything was put */
  size_t len, cap;
} sc_buffer;

/* Zeroed; never NULL. Bytes have 64 bits where addresses have 32, too: a view may have any number
 * of elements. */
void *sc_alloc(uint64_t bytes);
void *sc_grow(void *block, uint64_t bytes);
char *sc_copy_text(const char *bytes, size_t len); /* NUL-terminated */

void sc_put(sc_buffer *b, const char *bytes, size_t len);
void sc_puts(sc_buffer *b, const char *text);
void sc_printf(sc_buffer *b, const char *fmt, ...) ES_PRINTF(2, 3);
void sc_fill(sc_buffer *b, char byte, size_t count);
/* Control and bad bytes as \xNN, the rest as it is. */
void sc_put_escaped(sc_buffer *b, const char *bytes, size_t len);
void sc_put_shape(sc_buffer *b, int rank, const int64_t *shape); /* (2, 3), (2,), () */
const char *sc_text(const sc_buffer *b);                         /* never NULL */
void sc_buffer_free(sc_buffer *b);

/* Bytes of the code point at text[0..len), 0 when the sequence is not UTF-8. */
int sc_utf8(const char *text, size_t len, uint32_t *code_point);
/* Columns of text on a terminal, tabs counted as one. */
size_t sc_columns(const char *text, size_t len);
/* The first byte of text[0..len) that is NUL or no UTF-8; len when there is none. */
size_t sc_first_bad_byte(const char *text, size_t len);

/* Edits between two names, at most limit + 1. */
int sc_distance(const char *a, const char *b, int limit);

/* The name nearest to wanted among those offered; best is NULL at first and stays
 * so when nothing is near. */
typedef struct sc_nearest {
  const char *wanted, *best;
  int distance;
} sc_nearest;
void sc_offer(sc_nearest *n, const char *name);

#endif
