/* Windows as a plan of their own: out[j] = fold over taps t of x[at(t) + step·j] (times
 * w[t]), where the outputs j of a row lie next to each other in memory. Rows that see
 * the same taps are a piece; the columns of a row where taps may be absent are covered
 * by edges, vectors of their own with a mask for every tap. */
#ifndef ES_ENGINE_WINDOW_H
#define ES_ENGINE_WINDOW_H

#include "engine/cursor.h"
#include "engine/kernels/window.h"
#include "engine/strategy.h"

enum {
  ES_WINDOW_TAPS = 128, /* the most of outputs that share no x */
  /* Of outputs that share rows of x, which are summed in chains; and where columns are cut. */
  ES_WINDOW_SHARED = 2048,
  ES_WINDOW_SHARED_CUT = 256,
  ES_WINDOW_AT_ONCE = 4,       /* of these a kernel sums together */
  ES_WINDOW_APART_SHARES = 16, /* outputs that make it worth it to take rows of x apart */
  ES_WINDOW_EDGES = 32,        /* vectors with masks, of a row */
  ES_WINDOW_BOXES = 256
};

/* Bytes of x above which it comes from memory. */
enum { ES_WINDOW_FAR = 8 << 20 };

typedef enum es_window_side {
  ES_WINDOW_OUT,
  ES_WINDOW_X,
  ES_WINDOW_W,
  ES_WINDOW_SIDES
} es_window_side;

typedef struct es_window_edge {
  int64_t start, n; /* outputs; n at most a vector */
} es_window_edge;

/* What the axes of a nest are. */
typedef struct es_window_roles {
  es_window_type type;
  es_window_op op;
  int x, w;       /* operands; w -1: none */
  int along, row; /* output axes: outputs of a row neighbour each other along the first;
                     rows are counted along the second, -1: a row at a time */
  int share;      /* output axis that the weights see and x does not; -1: none */
  int64_t step;   /* of x along a row */
  int64_t lanes;
  /* Columns with every tap, a vector at least or none, and the edges around them. */
  int64_t from, to;
  int n_edges;
  es_window_edge edge[ES_WINDOW_EDGES];
} es_window_roles;

/* Where outputs step over every other element of x: its rows taken apart, as a row of outputs
 * sees them. All offsets in bytes. */
typedef struct es_window_apart_row {
  int64_t x, n;  /* n elements from x on */
  int64_t at[2]; /* where the first ones of either half go */
} es_window_apart_row;
typedef struct es_window_apart {
  int64_t rows, bytes; /* bytes of all of them */
  es_window_apart_row *row;
  int64_t *x_at; /* [taps] there */
} es_window_apart;

/* Rows that see the same taps. All offsets in bytes. */
typedef struct es_window_piece {
  int64_t at[ES_WINDOW_SIDES]; /* of the first output and its first tap */
  int64_t rows, taps, chain;
  int64_t *x_at, *w_at;  /* [taps] */
  uint64_t *lanes;       /* [edges][taps] */
  int64_t *stops;        /* [edges][taps]: see es_window_tile */
  uint64_t *ends;        /* [edges][taps]; NULL: there is one chain */
  es_window_apart apart; /* bytes 0: x is read where it lies */
} es_window_piece;

/* Pieces one below the other, which the outer axes repeat. */
typedef struct es_window_group {
  es_axes outer; /* output axes but along, row and share; sides as in the nest, elements */
  int64_t rows, blocks, block;
  int n_pieces;
  es_window_piece *piece;
} es_window_group;

/* Where chains end, in order, and after these one in a row that never comes; none: sums are one
 * chain. */
typedef struct es_window_ends {
  int64_t count;
  const es_window_end *end;
} es_window_ends;

/* Neighbouring outputs of a row, or of the same row of two planes, whose taps see no more of
 * a row of x than two vectors hold: what kernels/window.h says of strips. */
typedef struct es_window_strip {
  int64_t start, n;  /* outputs */
  int64_t x;         /* the first element that is read, from the first output's of the row */
  uint64_t loads[2]; /* present elements */
  uint8_t *pick;     /* [taps][lanes] */
  uint64_t *lanes;   /* [taps] */
  es_window_ends ends;
} es_window_strip;

/* Windows whose outermost taps go down the rows as the outputs do, so that a row of x can be
 * read once for all outputs that see it. Tap row i of output row h is row down * h + i + base
 * of x, which has extent rows. */
typedef struct es_window_fall_plan {
  int64_t down, tap_rows, base, extent;
  int64_t x_row, w_row; /* bytes, of a row of x and of taps */
  es_window_piece row;  /* the first row of taps */
  bool w_dense;         /* the taps of a plane lie next to each other */
  bool pair;            /* strips are of two planes */
  bool far;             /* x comes from memory */
  /* Whole vectors of x reach into so many planes after their own; INT64_MAX: nobody knows what
   * they would reach. */
  int64_t beyond;
  int64_t n_strips; /* 0: full vectors and edges instead */
  es_window_strip *strip;
  es_window_ends ends, *edge_ends; /* else: of full vectors, and [edges] */
} es_window_fall_plan;

/* All roles but lanes and edges; from and to as they are without them. False: no window. */
bool es_window_axes(const es_problem *p, es_window_roles *roles);
/* Whether the constraints on the rows are such that pieces can be made, of so many boxes at most.
 */
bool es_window_rows_split(const es_problem *p, const es_plan_env *env, const es_window_roles *roles,
                          int boxes);
/* False: no window, or one that the kernels do not take. */
bool es_window_read(const es_problem *p, const es_plan_env *env, es_window_roles *roles);
/* Predicted seconds. */
double es_window_cost(const es_problem *p, const es_plan_env *env);
/* False: out of memory. */
bool es_window_groups(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                      int *n_groups, es_window_group **groups);

/* A piece: the rows of outputs of a box of the nest. False: out of memory. */
bool es_window_piece_make(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                          const es_problem *box, es_window_piece *piece);
/* Fills in apart, where the step is 2. False: out of memory. */
bool es_window_apart_make(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                          es_window_piece *piece);
/* Takes rows apart, elements of size bytes, for a row of outputs whose first tap is at x. */
void es_window_apart_run(const es_window_apart *apart, const es_kernels *kernels, size_t size,
                         const char *x, char *to);

/* Whether the constraint cuts columns: it moves with the outputs of a row. */
static inline bool es_window_cuts_columns(const es_constraint *c, const es_window_roles *roles) {
  return c->coef[roles->along] != 0;
}
/* Which of n <= 64 columns from start on have the tap: bit by bit, the first the lowest. */
uint64_t es_window_lanes(const es_problem *p, const es_window_roles *roles, int64_t start,
                         int64_t n, const int64_t *tap);
/* The next point of the reduced axes, with these extents. */
void es_window_next_tap(const es_problem *p, const int64_t *extent, int64_t *tap);
/* lanes[taps]: those of edge e for each tap of reduced axes with these extents. */
void es_window_fill_lanes(const es_problem *p, const es_window_roles *roles, int e,
                          const int64_t *extent, int64_t taps, uint64_t *lanes);
/* Fills in where the chains of the piece's edges end, whose lanes are there. False: out of memory.
 */
bool es_window_end_chains(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                          const int64_t *extent, es_window_piece *piece);

/* Whether they fall. Fills in all but row and strips. */
bool es_window_falls(const es_problem *p, const es_window_roles *roles, es_window_fall_plan *fall);
/* False: out of memory. */
bool es_window_fall_row(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                        es_window_fall_plan *fall);
/* What fall->beyond says, of strips. Rows of x, and planes, that lie next to each other and of
 * which all elements are read are nothing but elements of x; planes are x_plane bytes apart. */
int64_t es_window_beyond(const es_problem *p, const es_window_roles *roles,
                         const es_window_fall_plan *fall, int64_t x_plane);
/* Of a strip, an edge or a full vector of n outputs of so many rows, of which lanes[taps of a row]
 * have the taps; twice: and again for those of a second plane, so many lanes further up. False: out
 * of memory. */
bool es_window_fall_ends(es_arena *arena, const es_window_fall_plan *fall, int64_t rows,
                         const uint64_t *lanes, int64_t n, int twice, es_window_ends *ends);
/* Cuts rows in as few strips as hold them, all of them of the planes that fall->pair says; in
 * none where their taps are too far apart. False: out of memory. */
bool es_window_strips(es_arena *arena, const es_problem *p, const es_window_roles *roles,
                      es_window_fall_plan *fall);

#endif
