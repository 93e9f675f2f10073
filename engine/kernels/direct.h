/* Kernels of direct convolution: a register tile of neighbouring outputs of a row of an image, or
 * of a few rows that see the same taps, by one or two vectors of channels. Where channels are few,
 * two or four outputs stand abreast in a vector: lane c * abreast + j is channel c of output j.
 * Each step multiplies one tap's vectors of packed weights with the elements of x that the outputs
 * see through the tap, read where they lie. Outputs at the ends of a row may miss taps, which are
 * then skipped: nothing absent is read or multiplied. */
#ifndef ES_ENGINE_KERNELS_DIRECT_H
#define ES_ENGINE_KERNELS_DIRECT_H

#include "engine/kernels/kernels.h"

enum {
  ES_DIRECT_LEAST = 7, /* outputs of a tile's row, counted as they stand abreast */
  ES_DIRECT_MOST = 14,
  ES_DIRECT_VECTORS = 2,
  ES_DIRECT_ABREAST = 4, /* at most: 1, 2 or 4; beside one vector of channels */
  ES_DIRECT_SUMS = 28,   /* vectors of a tile: all that the registers hold */
  ES_DIRECT_ROWS = ES_DIRECT_SUMS / ES_DIRECT_LEAST,
  ES_DIRECT_ENDS = 2, /* at either end of a row, that may miss taps; as LEAST */
  ES_DIRECT_STORED = 16,
  ES_DIRECT_AHEAD = 12 /* steps from where x is asked for to its use */
};

/* All distances in bytes. */
typedef struct es_direct_tile {
  const char *x; /* of the first output, without a tap's distance */
  int64_t x_row; /* from one row to the next */
  const char *w;
  /* Steps that are taken now, and how many came before them. */
  int64_t steps, before;
  const int64_t *x_at, *w_at; /* [steps]; of x so many AHEAD more can be read */
  const uint64_t *lanes;      /* [steps] outputs of a row that have the tap, as bits */
  /* Sums are taken in chains: with the step of a stop, counted from the very first step, the
   * chains of some outputs of a row end, and are added to their sums. The last step of all is a
   * stop, with which all chains have ended. */
  const int64_t *stops;
  const uint64_t *ends;
  bool last;        /* no steps come after these */
  char *open, *sum; /* [rows][LEAST to MOST][vectors] open chains between calls; sums */
  /* Lines wanted soon: step p asks for the one at fetch[p >> pace]. */
  const char *ahead;
  const int64_t *fetch;
  int pace;
} es_direct_tile;

typedef void (*es_direct_kernel)(const es_direct_tile *tile);

/* dst[t][c * abreast + j] = src[c][t]: whole vectors, of lanes in all, the rows of src channel
 * bytes apart, those of dst width elements; taps at least a vector. */
typedef void (*es_direct_pack)(float *dst, int64_t width, const char *src, int64_t channel,
                               int64_t lanes, int64_t taps, int abreast);

/* dst[c][i * abreast + j] = src[i][c * abreast + j]: n neighbouring outputs, the rows of dst
 * channel bytes apart, those of src width elements, whole vectors; of these STORED can be read,
 * however few are stored. */
typedef void (*es_direct_store)(char *dst, int64_t channel, int64_t channels, const float *src,
                                int64_t width, int64_t n, int abreast);

/* Empty where a vector has too few lanes, or there are too few registers. */
struct es_direct_kernels {
  int lanes; /* channels of a vector */
  /* By the distance of neighbouring outputs in x, 1 or 2 elements, less 1, by vectors less 1, by
   * rows less 1, and by outputs of a row. NULL: more sums than there may be. */
  es_direct_kernel tile[2][ES_DIRECT_VECTORS][ES_DIRECT_ROWS][ES_DIRECT_MOST + 1];
  /* Of outputs two or four abreast, at distance 1: by these, less 2, by rows less 1 and as above.
   */
  es_direct_kernel abreast[ES_DIRECT_ABREAST - 1][ES_DIRECT_ROWS][ES_DIRECT_MOST + 1];
  es_direct_pack pack;
  es_direct_store store;
};

#endif
