/* The contraction as a plan of its own: C[m, n] = sum over k of X[m, k] · Y[k, n]
 * for every batch index, where m, n, k and batch may each be several axes with any
 * strides. Immutable once made; what a run changes lies in the workspace. */
#ifndef ES_ENGINE_GEMM_H
#define ES_ENGINE_GEMM_H

#include "base/checked.h"
#include "engine/kernels/elementwise.h"
#include "engine/kernels/gemm.h"
#include "engine/strategy.h"

enum {
  ES_GEMM_MAX_AXES = 128,      /* of one nest; more are left to the loops */
  ES_GEMM_CHAIN = 1024,        /* no summation chain is longer */
  ES_GEMM_Y_BLOCK = 640 << 10, /* bytes of Y that stay in a second-level cache of 1 MiB and more */
  ES_GEMM_PANEL = 1 << 20, /* of a panel of it at most that holds all of k, for boxes: likewise */
  ES_GEMM_VARIANTS = 8,
  ES_GEMM_BOXES = 256,  /* most of a plan */
  ES_GEMM_GROUP = 24,   /* most tiles of a group */
  ES_GEMM_ACROSS = 4,   /* tiles of a group that is stored across */
  ES_GEMM_TURNED = 128, /* runs at most whose results are turned over together */
  ES_GEMM_SMALL = 128,  /* rows, and columns, of a small plan at most */
  ES_GEMM_SMALL_K = 192,
  ES_GEMM_STREAM_TILES = 8, /* tiles of rows at most that use a panel of Y up at once */
  ES_GEMM_CONVERT = 64,     /* rows of k converted from another type at a time */
};

typedef enum es_gemm_side {
  ES_GEMM_X,
  ES_GEMM_Y,
  ES_GEMM_C,
  ES_GEMM_SIDES,
  ES_GEMM_PACKED = ES_GEMM_C /* of k, which C does not see: rows of a packed panel of Y */
} es_gemm_side;

/* The axes that make up one of batch, m, n, k, the last one fastest. */
typedef struct es_gemm_axes {
  int n;
  int64_t count;                  /* points: the product of the extents */
  int64_t *extent;                /* [n] */
  int64_t *stride[ES_GEMM_SIDES]; /* [n] bytes */
  int64_t *table[ES_GEMM_SIDES];  /* offsets of all points, bytes; NULL: too many */
} es_gemm_axes;

/* Rows that see the same k: all of them, unless constraints cut windows off at a
 * border. */
typedef struct es_gemm_box {
  es_gemm_axes m, k;
  int64_t base[ES_GEMM_SIDES]; /* of its first row and first k, bytes */
  int64_t packed;              /* of its first k in a packed panel, bytes */
  int64_t *narrow;             /* [k.count] the PACKED offsets in a panel of one vector, or NULL */
  int64_t chain;               /* length of a summation chain */
  int64_t *before;             /* [n_kb + 1] of a plan in_turn: its k before each block of all k */
  int64_t n_mb;                /* blocks of rows */
  int height, last_height;     /* of tiles: in a full block of rows, in the last one */
} es_gemm_box;

typedef struct es_gemm_operand {
  int in;         /* which operand of the problem */
  es_dtype dtype; /* in memory */
  bool native;    /* that is the type of the arithmetic */
} es_gemm_operand;

/* Where a worker's part of the workspace keeps what, in bytes from its start. */
typedef struct es_gemm_room {
  uint64_t y_block, x_tiles, c_tiles, open, convert;
  uint64_t x_rows, c_rows, y_cols, c_cols, x_k, y_k, y_packed, y_narrow, x_steps;
  uint64_t total;
} es_gemm_room;

typedef struct es_gemm_narrow_tiles es_gemm_narrow_tiles;

typedef struct es_gemm_plan {
  const es_problem *problem;
  const es_kernels *kernels;
  es_gemm_kind kind;
  es_dtype compute;             /* the kind as an element type */
  es_gemm_operand x, y;         /* broadcast side, vector side */
  size_t each;                  /* bytes of an element of it; complex: of a pair */
  int terms;                    /* of k in each packed element: see es_gemm_group_terms */
  bool shifted;                 /* terms of Y are packed with 128 added */
  int64_t first[ES_GEMM_SIDES]; /* where the walks begin, bytes */
  double bytes[ES_GEMM_SIDES];  /* of the distinct elements they see */
  es_gemm_axes batch, n, k;     /* k as the packed panels hold it */
  int64_t m_count;
  int n_boxes;
  es_gemm_box *box;
  bool x_packed, y_direct; /* else X is read where it lies, and Y is packed */
  bool few;                /* rows: see gemm_few.c */
  uint8_t *in_place;       /* per panel of n: ES_GEMM_Y_HERE, ES_GEMM_C_HERE; NULL: too many */
  bool plain_store;        /* C has the compute type, alpha 1, beta 0, no mean */
  bool stream_c;           /* C is large and written whole line by line, past the caches */
  bool stream_y;           /* Y is large and used once: packed just before it is used */
  bool fetch_x, fetch_c;   /* large enough to be asked for ahead */
  bool hold_y;             /* Y is fixed: it is packed once, when the plan is made */
  char *held;              /* then: all its blocks, [batch][n_nb][n_kb][held_block] bytes */
  int64_t held_block;
  int nr;                  /* columns of a full panel */
  bool overlap;            /* panels that would pass the end of a run begin before it */
  bool along_c;            /* C runs along n: the tiles' rows are its rows */
  int m_last, n_last, u;   /* axes, -1 for none: see es_gemm_order */
  int64_t n_part, u_part;  /* what of n_last and u is kept together */
  int v;                   /* axis along which results are turned over, or -1 */
  int64_t v_part;          /* runs, neighbours along v, that are stored together */
  int group;               /* tiles of rows computed before their panel is stored */
  int64_t run, run_panels; /* columns of a run, and the panels that cut it */
  int64_t y_here, c_here;  /* columns that follow each other; 0: none are used where they lie */
  int64_t n_panels;
  int64_t kc, mb, pb;       /* blocks of k, rows and panels */
  int64_t stretch;          /* panels of a block that are packed and used up together */
  bool keep_x;              /* X is packed for the first stretch and kept for the others */
  bool add_c;               /* C holds the sums between blocks of k */
  bool in_turn;             /* all boxes take from a block of k before the next is packed */
  int64_t lots;             /* then: tasks that share out the boxes' rows */
  int64_t ahead;            /* blocks of k of which Y is packed together */
  int64_t y_run, y_inner;   /* k is [..., y_run, y_inner], and Y runs along y_run; or y_inner 0 */
  int64_t n_kb, n_mb, n_nb; /* how many of them; n_mb over all boxes */
  int threads;
  es_gemm_room room;            /* for each thread */
  es_gemm_narrow_tiles *narrow; /* of a small plan; NULL: its panel is packed */
  double seconds;               /* predicted */
} es_gemm_plan;

/* Panels that are full and whose columns are neighbours: Y is then read, or C written,
 * where it lies. */
enum { ES_GEMM_Y_HERE = 1, ES_GEMM_C_HERE = 2 };

/* Length of a summation chain. The sum of k terms is taken in chains, each from zero, added up in
 * order: all as long as this but the last. With n chains of length l, terms of one sign err like
 * sqrt(n + l / n). One chain of 32 errs by 1.4 units of rounding in the mean square, and by more
 * than 8 once in ten million sums, one of 64 fifty times in a million; a length of sqrt(32 k) keeps
 * to that, but a large term that comes first takes the low bits of all that follow in its chain:
 * hence sqrt(16 k) above 96. That errs by 1.6 and less up to 8,192 terms; after 16,384, where n
 * counts more than l, by 1.9 to 2.1, and by more than 8 up to twenty times in 100,000 sums.
 * Measured: two chains cost 2 % at 64 terms, 5 % at 40. Several chains are whole cache lines (of
 * f32), so that vectors along them are whole, short ones half lines, which are more alike; long
 * ones an odd number: a dot product runs several chains side by side, and a multiple of 2 KiB apart
 * their lines would drive each other out of the first-level cache. A function of k alone: no
 * blocking changes a bit. */
static inline int64_t es_gemm_chain(int64_t k) {
  const int64_t line = 16, unit = k <= 4 * line ? line / 2 : line;
  int64_t most = 2 * line, next = 3 * line;
  while (most < ES_GEMM_CHAIN && next * next / (next <= 6 * line ? 32 : 16) <= k) {
    most = next;
    next += line;
  }
  const bool odd = most >= 512;
  if (odd) most -= line;
  if (k <= most) return k > 0 ? k : 1;
  const int64_t chains = (k + most - 1) / most, units = (k + chains * unit - 1) / (chains * unit);
  return (odd ? units | 1 : units) * unit;
}

/* Packed elements that hold k terms. */
static inline int64_t es_gemm_steps(const es_gemm_plan *g, int64_t k) {
  return g->terms == 1 ? k : es_ceil_div(k, g->terms);
}

/* Panels that are packed together, or write the same columns, stay together. */
static inline int64_t es_gemm_unit(const es_gemm_plan *g) {
  if (g->v >= 0) return g->v_part * g->run_panels;
  if (g->overlap) return g->run_panels;
  return g->u < 0 ? 1 : g->u_part * g->run_panels;
}

/* Panels that are in their packed form at a time, but of a Y that is held. */
static inline int64_t es_gemm_in_use(const es_gemm_plan *g) {
  return g->stream_y ? es_gemm_unit(g) : g->ahead > 1 ? g->pb : g->stretch;
}

/* Panels that there is room for in their packed form. Of a Y that is read in place, in one run of
 * columns, only the last one is ever packed: it may not be full. */
static inline int64_t es_gemm_kept(const es_gemm_plan *g) {
  bool last = g->y_here && g->y_here == g->n.count && g->n_panels == g->run_panels;
  return last ? 1 : es_gemm_in_use(g);
}

/* Columns a panel of n is computed with. */
static inline int es_gemm_width(const es_gemm_plan *g, int64_t n) {
  int lanes = g->kernels->gemm->type[g->kind].lanes;
  return n > lanes ? g->nr : lanes;
}

/* Panels cut runs of columns: all of n, or stretches of its last axis. Where they overlap
 * all are whole: the last one of a run ends with it. */
static inline int64_t es_gemm_panel_columns(const es_gemm_plan *g, int64_t panel) {
  int64_t at = g->n_panels == g->run_panels ? panel : panel % g->run_panels;
  int64_t n = g->run - at * g->nr < g->nr ? g->run - at * g->nr : g->nr;
  return g->overlap ? es_gemm_width(g, n) : n;
}
static inline int64_t es_gemm_panel_start(const es_gemm_plan *g, int64_t panel) {
  if (g->n_panels == g->run_panels) return panel * g->nr;
  int64_t at = panel % g->run_panels * g->nr;
  if (g->overlap && at + g->nr > g->run) at = g->run - es_gemm_panel_columns(g, panel);
  return panel / g->run_panels * g->run + at;
}

/* ES_GEMM_Y_HERE, ES_GEMM_C_HERE. */
static inline uint8_t es_gemm_in_place(const es_gemm_plan *g, int64_t panel) {
  if (g->in_place) return g->in_place[panel];
  int64_t n = es_gemm_panel_columns(g, panel), from = es_gemm_panel_start(g, panel);
  int64_t y = g->y_here, c = g->c_here;
  if (n != es_gemm_width(g, n)) return 0;
  return (uint8_t)((y && from % y + n <= y ? ES_GEMM_Y_HERE : 0) |
                   (c && from % c + n <= c ? ES_GEMM_C_HERE : 0));
}

/* Tasks that share out the rows. */
static inline int64_t es_gemm_lots(const es_gemm_plan *g) {
  return g->in_turn && g->lots < g->n_mb ? g->lots : g->n_mb;
}

/* The lowest of a type's heights that holds m rows; else the highest. */
static inline int es_gemm_height_index(const es_gemm_type *type, int64_t m) {
  int i = 0;
  while (i + 1 < type->n_heights && type->height[i] < m) i++;
  return i;
}

/* The kernel's form, for rows of the given one. */
static inline int es_gemm_form_of(const es_gemm_plan *g, es_gemm_form rows) {
  return rows | (g->kind >= ES_GEMM_C64 && g->x.in ? ES_GEMM_EXCHANGED : 0);
}

/* The common distance of n offsets, in elements of size bytes; 0 if there is none. Modulo 2^64:
 * some may be ES_GEMM_ABSENT, which is packed and never stepped over. */
static inline int64_t es_gemm_spacing(const int64_t *offset, int64_t n, size_t size) {
  if (n < 2) return 1;
  const uint64_t step = (uint64_t)offset[1] - (uint64_t)offset[0];
  for (int64_t i = 2; i < n; i++)
    if ((uint64_t)offset[i] - (uint64_t)offset[i - 1] != step) return 0;
  return (int64_t)step / (int64_t)size;
}

/* ---- gemm_axes.c ---- */

/* Which of x (an operand's number), the other operand and C an axis belongs to. */
typedef enum es_gemm_group {
  ES_GEMM_BATCH, /* both operands, and C */
  ES_GEMM_M,     /* C, and x or none */
  ES_GEMM_N,     /* C and the other operand */
  ES_GEMM_K,     /* reduced, whoever sees it */
  ES_GEMM_GROUPS
} es_gemm_group;

es_gemm_group es_gemm_group_of(const es_problem *p, int x, int axis);
/* The last axis of a group; -1: it has none. */
int es_gemm_last_axis(const es_problem *p, int x, es_gemm_group group);
/* count[ES_GEMM_GROUPS]: points of each group. */
void es_gemm_counts(const es_problem *p, int x, int64_t *count);
/* Whether neighbours in memory lie along a group of axes, for a vector's length. */
bool es_gemm_runs_along(const es_problem *p, int x, const es_side *side, es_gemm_group group);
/* Distance of the rows of a tile in X or C, in elements. */
int64_t es_gemm_row_step(const es_gemm_plan *plan, const es_side *side);
/* Into how many boxes the constraints cut the rows of x; 0 where they cut more than that, or
 * into too many. 1 without constraints. NOMEM through *status. */
int es_gemm_count_boxes(const es_allocator *allocator, const es_problem *p, int x,
                        es_status *status);
/* Fills in the axes and boxes of a chosen plan, and its workspace. False: out of memory. */
bool es_gemm_axes_make(es_arena *arena, es_gemm_plan *plan);
/* out[i] = offset of point from + i, i < count. */
void es_gemm_offsets(const es_gemm_axes *axes, es_gemm_side side, int64_t from, int64_t count,
                     int64_t *out);

/* ---- gemm_order.c ---- */

/* The order of axes within m and n. Rows go along m_last. Columns go along n_last;
 * where Y runs along another axis u of n, a stretch of u stands just outside a stretch
 * of n_last, so that the lines of Y that one panel touches serve the next ones too:
 * … u/u_part, n_last/n_part, u_part, n_part. Where results are turned over, v stands just outside
 * a run of n_last: … n_last/run, v, run. */
void es_gemm_order(es_gemm_plan *plan);

/* ---- gemm_cut.c ---- */

/* Blocks of k, rows and panels, and their order, of a plan that knows its sides and counts. */
void es_gemm_cut(es_gemm_plan *plan);
/* Fewer rows a block, where packed X is kept for all stretches of Y; most: rows of a tile. */
void es_gemm_keep_rows(es_gemm_plan *plan, int most);
int es_gemm_group_size(const es_gemm_plan *plan, int most);

/* ---- gemm_cost.c ---- */

/* Cycles for one batch and bytes for all, of every way to treat the two sides. */
typedef struct es_gemm_outlook {
  double common, x[2], y[2]; /* x: in place, packed; y: packed, in place */
  double few;                /* instead of compute and y, for few rows against a Y in place */
  double compute;            /* of common */
  double bytes, batch;
} es_gemm_outlook;

/* Leaves the plan with its sides treated one of these ways. */
es_gemm_outlook es_gemm_look(es_gemm_plan *plan);
/* Seconds. */
double es_gemm_predict(const es_gemm_plan *plan, const es_gemm_outlook *outlook);

/* ---- gemm_few.c ---- */

/* Whether few rows against a Y in place are taken with more columns than a tile has. */
bool es_gemm_takes_few(const es_gemm_plan *plan);

/* ---- gemm_plan.c ---- */

/* The kind whose arithmetic that of the problem is; integers: I64. */
es_gemm_kind es_gemm_kind_of(es_dtype compute);
/* One way to run the nest: bit 0 of variant exchanges the sides, bit 1 packs X, bit 2
 * reads Y where it lies. False where that is not possible. Blocks and predicted seconds are set;
 * axes and workspace are not. */
bool es_gemm_plan_variant(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                          int variant, es_gemm_plan *plan);
/* The variant predicted to be fastest. False: none is possible. */
bool es_gemm_plan_choose(const es_problem *p, const es_plan_env *env, es_gemm_kind kind,
                         es_gemm_plan *plan);

/* ---- gemm_room.c ---- */

/* What each worker needs, of a plan whose axes are made. */
void es_gemm_set_room(es_gemm_plan *plan);
uint64_t es_gemm_plan_workspace(const es_gemm_plan *plan);

/* ---- gemm_hold.c ---- */

/* What packing Y takes, with the scratch memory it needs meanwhile. */
int64_t es_gemm_hold_bytes(const es_gemm_plan *plan);
/* Packs Y, whose walk begins at y, into the arena. plan->hold_y. */
es_status es_gemm_hold(es_arena *arena, es_gemm_plan *plan, const char *y);

/* ---- gemm_run.c ---- */

/* OK, CANCELLED, or OVERFLOW without a message: some value did not fit the type of
 * the output, which then holds unspecified values. */
es_status es_gemm_plan_run(const es_gemm_plan *plan, const es_run_args *args);

/* ---- gemm_small.c ---- */

/* Where the columns of a small plan are neighbours in Y and C: tiles that take them where
 * they lie. Rows past the last whole tile are one of their own, which repeats the last row. */
struct es_gemm_narrow_tiles {
  es_gemm_tile whole;                       /* but for the addresses */
  const int64_t *rest_x_rows, *rest_c_rows; /* [height of rest_kernel] */
  es_gemm_narrow kernel, rest_kernel;
  int height;
  bool rest_even; /* their rows do not repeat */
};

/* Whether the plan, whose axes are made, is so small that es_gemm_run_small() runs it, with
 * the same bits; sets plan->narrow. False with *status OK: it is not. */
bool es_gemm_small_make(es_arena *arena, es_gemm_plan *plan, es_status *status);
/* OK or CANCELLED. */
es_status es_gemm_run_small(const es_gemm_plan *plan, const es_run_args *args);

#endif
