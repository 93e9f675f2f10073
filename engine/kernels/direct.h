/* Kernels of direct convolution: a register tile of neighbouring outputs of a row of an image
 * by one or two vectors of channels. Each step multiplies one tap's vectors of packed weights
 * with the elements of x that the outputs see through the tap, read where they lie. Outputs at
 * the ends of a row may miss taps, which are then skipped: nothing absent is read or multiplied. */
#ifndef ES_ENGINE_KERNELS_DIRECT_H
#define ES_ENGINE_KERNELS_DIRECT_H

#include "engine/kernels/kernels.h"

enum {
  ES_DIRECT_LEAST = 7, /* outputs of a tile; two rows of these make one tile, too */
  ES_DIRECT_MOST = 14,
  ES_DIRECT_VECTORS = 2,
  /* Outputs at either end of a tile that may miss taps; of either row, where there are two. */
  ES_DIRECT_ENDS = 2,
  ES_DIRECT_PAIR_ENDS = 1,
  ES_DIRECT_AHEAD = 12 /* steps from where x is asked for to its use */
};

/* All distances in bytes. */
typedef struct es_direct_tile {
  const char *x; /* of the first output, without a tap's distance */
  int64_t x_row; /* of two rows: from one to the other */
  const char *w;
  /* Steps that are taken now, and how many came before them. */
  int64_t steps, before;
  const int64_t *x_at, *w_at; /* [steps]; of x so many AHEAD more can be read */
  const uint64_t *lanes;      /* [steps] outputs that have the tap, as bits */
  /* Sums are taken in chains: with the step of a stop, counted from the very first step, the
   * chains of some outputs end, and are added to their sums. The last step of all is a stop, with
   * which all chains have ended. */
  const int64_t *stops;
  const uint64_t *ends;
  bool last;        /* no steps come after these */
  char *open, *sum; /* [outputs][vectors] open chains between calls; sums */
  /* Lines wanted soon: step p asks for the one at fetch[p >> pace]. */
  const char *ahead;
  const int64_t *fetch;
  int pace;
} es_direct_tile;

typedef void (*es_direct_kernel)(const es_direct_tile *tile);

/* dst[t][c] = src[c][t]: whole vectors of channels, the rows of src channel bytes apart, those of
 * dst width elements; taps at least a vector. */
typedef void (*es_direct_pack)(float *dst, int64_t width, const char *src, int64_t channel,
                               int64_t channels, int64_t taps);

/* Empty where a vector has too few lanes, or there are too few registers. */
struct es_direct_kernels {
  int lanes; /* channels of a vector */
  /* By the distance of neighbouring outputs in x, 1 or 2 elements, less 1, by vectors less 1,
   * and by outputs. */
  es_direct_kernel tile[2][ES_DIRECT_VECTORS][ES_DIRECT_MOST + 1];
  es_direct_kernel pair[2][ES_DIRECT_VECTORS]; /* two rows of the fewest outputs */
  es_direct_pack pack;
};

#endif
