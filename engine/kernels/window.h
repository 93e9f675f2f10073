/* Kernels of windows: each output is a fold over a few taps, elements of an operand at
 * fixed distances from the output's own place. Outputs neighbour each other in memory;
 * their taps lie next to each other or every other element. */
#ifndef ES_ENGINE_KERNELS_WINDOW_H
#define ES_ENGINE_KERNELS_WINDOW_H

#include "engine/kernels/kernels.h"

typedef enum es_window_op {
  ES_WINDOW_SCALE,   /* += x * w, one w a tap */
  ES_WINDOW_PRODUCT, /* += x * w, w runs along with the outputs */
  ES_WINDOW_SUM,
  ES_WINDOW_MAX, /* NaN wins, -0 < +0 */
  ES_WINDOW_MIN,
  ES_WINDOW_OPS
} es_window_op;

/* F32 and F64, and f32 elements that are folded in f64. */
typedef enum es_window_type {
  ES_WINDOW_F32,
  ES_WINDOW_F64,
  ES_WINDOW_WIDE,
  ES_WINDOW_TYPES
} es_window_type;

/* Bytes of a chain's x that stay in the first-level cache for all that share it. */
enum { ES_WINDOW_SHARED_BYTES = 32 << 10 };
/* Of a chain's x that the first of them leave together for the others, of blocks of five vectors.
 */
enum { ES_WINDOW_KEPT_BYTES = ES_WINDOW_SHARED_BYTES / 4 * 5 };

/* Rows of outputs that see the same taps. All distances in bytes. */
typedef struct es_window_tile {
  const char *x, *w; /* of the first output, without a tap's distance */
  char *out;
  int64_t rows, x_row, out_row;
  int64_t shares, w_share, out_share; /* outputs that see the same x, each with weights of its own:
                                         of SCALE; elsewhere 1 */
  int64_t n; /* outputs of a row: at least a vector; of an edge at most one */
  int64_t taps;
  const int64_t *x_at, *w_at; /* [taps], in the order of summation */
  const uint64_t *lanes;      /* [taps] of an edge: the outputs that have the tap, as bits */
  /* Of SCALE: the sum is taken in chains of so many taps, which are added up in order. */
  int64_t chain;
  const int64_t
      *stops; /* of an edge: taps that end chains, rising, the last one of all among them */
  const uint64_t *ends; /* of which outputs they do; NULL: there is one chain */
  double count;         /* the result is divided by this */
} es_window_tile;

/* After this tap of this row of x chains of the sums of an output row end. */
typedef struct es_window_end {
  int64_t row, tap, out;
  uint64_t lanes; /* of which outputs of the row, as bits */
  uint64_t taps;  /* of the first end of this row of x: the taps of all of them, as bits */
} es_window_end;

/* Planes of rows of outputs that are the next one's a row of x further down, and so are
 * their taps: input rows are read once, and weigh in all outputs that see them. */
typedef struct es_window_fall {
  const char *x, *w; /* of the first row that is read; of the first row of taps */
  char *out;         /* of the first output */
  int64_t planes, x_plane, w_plane, out_plane;
  int64_t rows, x_row, w_row, out_row; /* rows of outputs; w_row between rows of taps */
  int64_t reads, lead; /* rows of x; how many come before the last one of the first output */
  int64_t n;
  int64_t taps; /* of a row of taps */
  const int64_t *x_at, *w_at;
  const uint64_t *lanes;
  /* In order, the last one of a row that never comes; NULL: all sums are one chain. Their rows are
   * counted on from first_read, the first one that is read here, and from first_out. */
  const es_window_end *ends;
  int64_t first_read, first_out;
  double count;
  /* Of a strip: which lanes of two vectors hold what its taps see of a row of x, and the lanes
   * that each tap picks from them, [taps][lanes of a vector]. */
  uint64_t loads[2];
  const uint8_t *pick;
  int64_t whole; /* planes, from the first on, of which all lanes can be read */
  bool w_dense;  /* the taps of a plane lie next to each other */
  bool far;      /* x comes from memory */
  bool pair;     /* the second vector is of the next plane, whose outputs are the upper lanes;
                    else it follows the first one in memory */
} es_window_fall;

typedef void (*es_window_kernel)(const es_window_tile *tile);
typedef void (*es_window_fall_kernel)(const es_window_fall *fall);

/* Rows of taps that there are fall kernels for: 2 up to this. */
enum { ES_WINDOW_FALL = 7 };

/* Taps of a row that there are strips for, at most. */
enum { ES_WINDOW_STRIP = 8 };

struct es_window_kernels {
  int lanes[ES_WINDOW_TYPES]; /* outputs of a vector */
  /* By the distance of neighbouring outputs in x, 1 or 2 elements, less 1. NULL where there
   * is no such operation. Nothing but present taps is read, nothing else weighs in. */
  es_window_kernel full[ES_WINDOW_TYPES][ES_WINDOW_OPS][2];
  es_window_kernel edge[ES_WINDOW_TYPES][ES_WINDOW_OPS][2];
  /* Of SCALE at distance 1, by the rows of taps. */
  es_window_fall_kernel full_fall[ES_WINDOW_TYPES][ES_WINDOW_FALL + 1];
  es_window_fall_kernel edge_fall[ES_WINDOW_TYPES][ES_WINDOW_FALL + 1];
  /* Of SCALE at any distance, by the rows of x from one row of outputs to the next, 1 or 2,
   * less 1, and by the rows of taps. */
  es_window_fall_kernel strip[ES_WINDOW_TYPES][2][ES_WINDOW_FALL + 1];
};

#endif
