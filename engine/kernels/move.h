/* Kernels that move elements as bits. Offsets and steps are in bytes; no address is
 * aligned but to what its element happens to be. Tables are indexed by log2 of the
 * element's bytes. */
#ifndef ES_ENGINE_KERNELS_MOVE_H
#define ES_ENGINE_KERNELS_MOVE_H

#include "engine/kernels/kernels.h"

enum { ES_MOVE_SIZES = 5 };

/* Bytes of a result from where on writing it past the caches was measured to pay. */
enum { ES_MOVE_PAST = 4 << 20 };

/* Bytes ahead of a run from memory that are asked for while it is moved past the caches: the
 * processor's own prefetch stops at the end of a page, and stores fill its queue. It alone reads at
 * a third to three quarters of the rate. */
enum { ES_MOVE_AHEAD = 4096 };

/* Asks for the lines of a run. Always inline, as are its callers that do nothing else: to gcc a
 * function that only prefetches does nothing, and calls of it go. */
static inline __attribute__((always_inline)) void es_move_ask(const char *at, int64_t bytes) {
  enum { LINE = 64 };
  for (int64_t b = 0; b < bytes; b += LINE) __builtin_prefetch(at + b);
}

/* A transposed block: out[row[i] + j * size] = in[column[j] + i * size] for i < m, j < n.
 * The lines at the distance `ahead` from those read are fetched. */
typedef void (*es_move_tiles)(char *out, const int64_t *row, const char *in, const int64_t *column,
                              int64_t m, int64_t n, int64_t ahead);
/* k columns side by side: out[(i * k + j) * size] = in[column[j] + i * size], i < m, j < k. */
typedef void (*es_move_zip)(char *out, const char *in, const int64_t *column, int k, int64_t m);
/* And apart: out[row[i] + j * size] = in[(j * k + i) * size], i < k, j < n. */
typedef void (*es_move_unzip)(char *out, const int64_t *row, const char *in, int k, int64_t n);
/* Neither side dense: out[i * out_i + j * out_j] = in[i * in_i + j * in_j]. */
typedef struct es_move_steps {
  int64_t out_i, out_j, in_i, in_j;
} es_move_steps;
typedef void (*es_move_points)(char *out, const char *in, const es_move_steps *steps, int64_t m,
                               int64_t n);

struct es_move_kernels {
  es_move_tiles tiles[ES_MOVE_SIZES];
  es_move_zip zip[ES_MOVE_SIZES]; /* both for k of 2, 3, 4, 8; NULL for 16 bytes */
  es_move_unzip unzip[ES_MOVE_SIZES];
  es_move_points points[ES_MOVE_SIZES];
  /* n rows of some bytes each, from in + column[j] to out + row[j]. */
  void (*rows)(char *out, const int64_t *row, const char *in, const int64_t *column, int64_t n,
               int64_t bytes);
  /* Whole lines of out past the caches; finish orders them before what follows. */
  void (*stream)(char *out, const char *in, int64_t bytes);
  void (*finish)(void);
};

#endif
