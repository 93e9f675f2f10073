/* Direct convolution as a plan of its own: out[o, h, w] = sum over taps of x[at(h, w, tap)] *
 * w[o, tap], for layers whose outputs of a row are neighbours in memory. Tiles are stretches of
 * such a row, or of a few rows, by one or two vectors of channels o. Weights are packed by panels
 * of that many channels, a block of taps at a time, which all tiles use while it is in the nearer
 * caches; what lies between a tile's blocks are its open chains. Rows that see the same taps are
 * pieces of window.h, whose edges are kinds of tiles here. */
#ifndef ES_ENGINE_DIRECT_H
#define ES_ENGINE_DIRECT_H

#include "engine/kernels/direct.h"
#include "engine/strategies/window.h"

typedef struct es_direct_plan {
  const es_problem *problem;
  const es_kernels *kernels;
  es_window_roles roles; /* edges: the kinds of tiles, first, middle and last */
  int kind[3];           /* which edge is which */
  int slot[ES_WINDOW_SIDES];
  int threads;
  int64_t x_row, out_row; /* bytes */
  int64_t out_channel;
  int64_t abreast;   /* outputs that share a vector */
  int64_t tiles;     /* of a row */
  int64_t tile_rows; /* of a tile, at most */
  int64_t rows;      /* of all groups */
  int n_groups;
  es_window_group *group;
  int64_t *first_piece; /* [groups] the number of a group's first piece, counted through all */
  int64_t *uses;        /* [pieces][blocks + 1]: see es_direct_uses */
  es_axes jobs; /* output axes that move the weights, but the channels; sides as in the nest */
  /* Channels of a panel, how many panels, and all that there are. */
  int64_t width, panels, channels;
  int64_t taps, blocks;  /* of a panel; what is packed at once */
  int64_t *w_at;         /* [taps] in the weights, bytes */
  int64_t *w_channel;    /* [width] likewise, of a panel's lanes */
  int64_t chunk, chunks; /* rows that a panel is used for in one go */
  int64_t ahead_lines;   /* of a block of weights, that are asked for while one is used */
  int64_t *ahead_at;     /* [lines and more] from its first element */
  bool along;            /* taps are neighbours in memory */
  /* Where x comes from beyond the second-level cache, what is asked for: of the rows after those at
   * hand the lines next_at[pieces][taps], from these rows on; or else those of a later row, as x_at
   * has them. */
  int64_t **next_at;
  bool far_x;
  bool far_out;              /* results come from there, too */
  int64_t panel_bytes;       /* packed */
  int64_t slot_bytes;        /* open chains, or sums, of a tile's row */
  char *held;                /* all panels, packed once: weights never change */
  uint64_t open_at, sums_at; /* in a worker's part of the workspace */
  uint64_t worker_bytes;
} es_direct_plan;

/* The steps of piece number i, counted through all groups, before block b. */
static inline int64_t es_direct_uses(const es_direct_plan *d, int64_t i, int64_t b) {
  return d->uses[i * (d->blocks + 1) + b];
}

/* First tap of a block. */
static inline int64_t es_direct_block(const es_direct_plan *d, int64_t b) {
  return d->taps * b / d->blocks;
}

/* Bytes of packed taps. */
static inline int64_t es_direct_packed(const es_direct_plan *d, int64_t taps) {
  return taps * d->width * (int64_t)sizeof(float);
}

/* First output of a tile of a row; all but the last one hold whole vectors. */
static inline int64_t es_direct_start(const es_direct_plan *d, int64_t tile) {
  const int64_t columns = d->problem->extent[d->roles.along];
  if (tile == d->tiles) return columns;
  return (columns + d->abreast - 1) / d->abreast * tile / d->tiles * d->abreast;
}

bool es_direct_applicable(const es_problem *p, const es_plan_env *env);
double es_direct_cost(const es_problem *p, const es_plan_env *env);
/* NULL: out of memory. */
es_direct_plan *es_direct_plan_make(const es_problem *p, const es_plan_env *env);

#endif
