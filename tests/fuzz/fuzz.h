/* What the fuzz targets share: bytes read as decisions, an allocator that fails where
 * the input says, and REQUIRE. A target is one file that defines fuzz_one; it keeps no
 * state from input to input that could change what it does. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "einstride.h"

/* One input. Ends the process when the library is wrong. */
void fuzz_one(const uint8_t *bytes, size_t len);

/* ---- bytes as decisions -------------------------------------------------------- */

/* Behind the end all bytes are 0. */
typedef struct fuzz_bytes {
  const uint8_t *at;
  size_t left;
} fuzz_bytes;

uint8_t fuzz_byte(fuzz_bytes *b);
/* 0 … n - 1; one byte, n <= 256. */
int fuzz_below(fuzz_bytes *b, int n);
int64_t fuzz_word(fuzz_bytes *b); /* eight bytes, any value */
/* A size: small ones, those around powers of two up to 2^63 - 1, or any word. */
int64_t fuzz_size(fuzz_bytes *b);

/* ---- memory ---------------------------------------------------------------------- */

typedef struct fuzz_heap {
  int64_t calls, fail_at; /* fail_at 0: none */
  bool fail_after;        /* and all later ones */
  bool struck;            /* one has failed */
  int64_t blocks;         /* alive */
} fuzz_heap;

/* decision 0: nothing fails; else allocation number (decision & 127) does, and all later
 * ones too from 128 on. */
void fuzz_heap_open(fuzz_heap *heap, uint8_t decision);
void fuzz_heap_fail(fuzz_heap *heap, uint8_t decision); /* counted from here on */
void fuzz_heap_obey(fuzz_heap *heap);                   /* nothing fails any more */
void fuzz_heap_close(fuzz_heap *heap);                  /* requires that nothing is left */
es_allocator fuzz_heap_hooks(fuzz_heap *heap);

/* For es_config.cancel: no input may run for long. user: an int, 0 at first. */
bool fuzz_enough(void *user);
/* One thread, limit bytes, fuzz_enough; vector width and cache by a byte. */
es_ctx *fuzz_context(fuzz_heap *heap, int64_t limit, fuzz_bytes *decisions);

/* ---- requirements ------------------------------------------------------------------ */

#define REQUIRE(condition, ...)                                                                    \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #condition);                \
      fprintf(stderr, __VA_ARGS__);                                                                \
      fputc('\n', stderr);                                                                         \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

/* An error as the header promises it: a status with a name, a sentence, places inside
 * text[0..len), and a rendering that keeps to its room. */
void fuzz_check_error(const es_error *error, const char *text, size_t len);
/* f(…, buf, cap) that prints: the same length for every cap, and a NUL in its place. */
#define FUZZ_CHECK_PRINT(call)                                                                     \
  do {                                                                                             \
    char fuzz_large[4096], fuzz_small[16];                                                         \
    char *buf = fuzz_large;                                                                        \
    size_t cap = sizeof fuzz_large;                                                                \
    size_t fuzz_need = call;                                                                       \
    buf = fuzz_small, cap = sizeof fuzz_small;                                                     \
    REQUIRE(call == fuzz_need, #call);                                                             \
    REQUIRE(memchr(fuzz_small, 0, cap) && memchr(fuzz_large, 0, sizeof fuzz_large), #call);        \
  } while (0)

#endif
