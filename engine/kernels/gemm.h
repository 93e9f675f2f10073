/* Contraction kernels: a register tile of C = X · Y, and the moves around it.
 *
 *   C[i][j] (+)= sum over p of X[i][p] * Y[p][j],   i < height, j < columns
 *
 * X is the broadcast side: one element at a time, wherever it lies, at
 * x + rows[i] + xk[p]. Y is the vector side: its columns lie side by side, packed
 * into a panel [k][columns] or, where memory allows, as they are.
 *
 * Every element of C is one chain of multiply-adds in the order of p, whatever the
 * height, the columns and the form of the rows: its bits do not depend on the tile
 * it falls into. All offsets and strides here are in bytes. */
#ifndef ES_ENGINE_KERNELS_GEMM_H
#define ES_ENGINE_KERNELS_GEMM_H

#include "engine/kernels/kernels.h"

/* Types a contraction is computed in. */
typedef enum es_gemm_kind {
  ES_GEMM_F32,
  ES_GEMM_F64,
  ES_GEMM_I64,  /* modulo 2^64 */
  ES_GEMM_I16,  /* 16-bit terms, sums modulo 2^32; where es_kernels.dot says so */
  ES_GEMM_I8,   /* signed 8-bit terms of X, unsigned ones of Y; likewise */
  ES_GEMM_BF16, /* pairs of terms, sums in f32; where es_kernels.pairs says so */
  ES_GEMM_C64,
  ES_GEMM_C128,
  ES_GEMM_KINDS
} es_gemm_kind;

/* Most rows, vectors, heights and columns of a register tile, over all ISAs and kinds. */
enum { ES_GEMM_ROWS = 14, ES_GEMM_VECTORS = 2, ES_GEMM_HEIGHTS = 8, ES_GEMM_COLUMNS = 32 };

/* In a table of k: no term there, a zero instead. For the packing of groups only. */
#define ES_GEMM_ABSENT INT64_MIN

typedef struct es_gemm_tile {
  int64_t k, chain; /* C is added to after every chain multiply-adds */
  const char *x;
  const int64_t *xk;   /* [k] */
  const int64_t *rows; /* [height]; not read by the unit-stride form */
  const char *y;
  const int64_t *yk; /* [k] */
  /* Of the even form, which reads of rows, xk and yk the first of a chain: how far apart rows and
   * steps are. Narrow: x_row 0 says that they are not even. */
  int64_t x_row, x_step, y_step;
  char *c;               /* complex: [height] of [columns] real, then [columns] imaginary parts */
  const int64_t *c_rows; /* [height] */
  bool add;              /* to what C holds, else C is only written */
  /* Of real kinds, not narrow: a chain that goes on from the call before, in which it had so many
   * steps (0: it begins here), and one that does not end here. It waits in open, [height] of
   * [columns]. */
  int64_t before;
  bool leave;
  char *open;
  /* Of real kinds, not narrow: tiles of so many panels (0: one), in Y and in C each so many bytes
   * after the one before. */
  int64_t panels, y_next, c_next;
  bool fetch_c;         /* C has left the nearer caches: ask for it first */
  const int32_t *start; /* [height] what sums of groups start from; else not read */
  /* Lines wanted soon; NULL: none. Step p asks for fetch[p >> pace]: in the unit-stride form,
   * which has registers left, one by one, else for those of a stretch of steps together. */
  const char *const *fetch;
  int pace;
} es_gemm_tile;

typedef void (*es_gemm_kernel)(const es_gemm_tile *tile);

typedef enum es_gemm_form {
  ES_GEMM_ANY_ROWS,
  ES_GEMM_UNIT_ROWS,     /* rows[i] is i elements: packed [k][height], or neighbours in memory */
  ES_GEMM_EXCHANGED = 2, /* a bit beside these, of complex kinds: X is the second operand */
  ES_GEMM_EVEN = 4,      /* of real kinds: rows, and all steps of k, are equally far apart */
  ES_GEMM_FORMS
} es_gemm_form;

typedef struct es_gemm_type {
  int lanes; /* columns of one vector */
  int n_heights;
  uint8_t height[ES_GEMM_HEIGHTS]; /* rising */
  /* [height][vectors - 1][form] */
  es_gemm_kernel kernel[ES_GEMM_HEIGHTS][ES_GEMM_VECTORS][ES_GEMM_FORMS];
} es_gemm_type;

/* A tile whose columns, at least one and at most two vectors of them, are neighbours in Y
 * and in C, where both lie. C is only written. No byte beside them is touched. */
typedef void (*es_gemm_narrow)(const es_gemm_tile *tile, int columns);

/* A tile of at most so many rows, packed [k] of at least these, by vectors of columns that begin
 * anywhere in Y. C is only written, as [rows][vectors] side by side. */
enum { ES_GEMM_FEW_ROWS = 4, ES_GEMM_FEW_VECTORS = 6 };
typedef struct es_gemm_few_tile {
  int64_t k, chain;
  const char *x, *y;
  const int64_t *xk, *yk; /* [k] */
  int64_t cols[ES_GEMM_FEW_VECTORS];
  const int64_t *next; /* [ES_GEMM_FEW_VECTORS] columns to ask for: a later tile's; or NULL */
  char *c;
} es_gemm_few_tile;
typedef void (*es_gemm_few)(const es_gemm_few_tile *tile);

/* Moves of elements of one size. pack: dst[p][j] = src[cols[j] + ks[p]] for j < n,
 * zero for n <= j < width; dst has room for a vector past its end. spread: count
 * panels, between elements apart, dst[u][p][j] = src[cols[j] + ks[p]][u]; width is a
 * multiple of the lanes, count at least the lanes; NULL where there are none. scatter:
 * dst[rows[i] + cols[j]] = src[i][j], src rows width elements apart. */
typedef struct es_gemm_moves {
  void (*pack)(void *dst, int width, const char *src, const int64_t *cols, int n, const int64_t *ks,
               int64_t k);
  void (*spread)(void *dst, int64_t between, int count, int width, const char *src,
                 const int64_t *cols, int n, const int64_t *ks, int64_t k);
  void (*scatter)(char *dst, const int64_t *rows, int m, const int64_t *cols, int n,
                  const void *src, int width);
} es_gemm_moves;

/* Terms of k that a step of a tile of the kind takes: they lie side by side in a packed
 * group of 32 bits, and k counts groups. Elsewhere one. */
static inline int es_gemm_group_terms(es_gemm_kind kind) {
  return kind == ES_GEMM_I8 ? 4 : kind == ES_GEMM_I16 || kind == ES_GEMM_BF16 ? 2 : 1;
}

/* Whether all of k is one chain: of groups of integers, whose sums are exact in any order. */
static inline bool es_gemm_is_dot(es_gemm_kind kind) {
  return kind == ES_GEMM_I16 || kind == ES_GEMM_I8;
}

/* Of one kind of groups. */
typedef struct es_gemm_groups {
  /* dst[p][j] = the terms src[cols[j] + ks[p * terms + t]] for t < terms; zeros beyond k,
   * for n <= j < width and where absent. From u8, i8 and, to 16 bits, any integers whose
   * values fit; of BF16 from that, and the first term has the high bits. dst has room for a
   * vector past its end. */
  void (*pack)(void *dst, int width, const char *src, es_dtype dtype, const int64_t *cols, int n,
               const int64_t *ks, int64_t k);
  /* I8: sums[i] += the terms of row i of a packed x [steps][height]; sums has 16. */
  void (*sum)(int32_t *sums, const char *x, int64_t steps, int height);
  /* I8: terms[0 .. bytes) from signed to unsigned, by adding 128; bytes is a multiple of
   * a vector. */
  void (*shift)(char *terms, int64_t bytes);
  /* BF16: the halves of so many groups change places. */
  void (*turn)(char *groups, int64_t count);
} es_gemm_groups;

struct es_gemm_kernels {
  es_gemm_type type[ES_GEMM_KINDS];
  es_gemm_narrow narrow[ES_GEMM_KINDS][ES_GEMM_HEIGHTS]; /* heights of the type; NULL: none */
  es_gemm_few few[ES_GEMM_KINDS][ES_GEMM_FEW_ROWS];      /* rows less 1; NULL: none */
  es_gemm_groups groups[3];                              /* I16, I8, BF16 */
  /* Lowers *least to the least of n > 0 values that are step elements apart, and raises *most to
   * the greatest, of integers; of BF16 the bits of magnitudes, zero less one being UINT16_MAX:
   * the least of them less one. */
  void (*extremes[ES_DTYPE_COUNT])(const char *src, int64_t step, int64_t n, int64_t *least,
                                   int64_t *most);
  es_gemm_moves moves[5]; /* elements of 1, 2, 4, 8, 16 bytes */
  /* Rows of columns complex numbers [k][columns][2] into planes [k][2][columns],
   * and back; 4- and 8-byte parts. */
  void (*split[2])(void *planes, const void *pairs, int64_t k, int columns);
  void (*join[2])(void *pairs, const void *planes, int64_t k, int columns);
};

#endif
