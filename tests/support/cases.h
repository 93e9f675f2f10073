/* Cases as text: tests/cases/X.test, and the ```einstride blocks of the manual.
 *
 * Rows are separated by blank lines; '#' at the start of a line is a comment.
 *
 *   reduce max: b (h 2) -> b h          what reads the text, and the text
 *   in (2, 4) f64                       an operand: shape, type; data 0, 1, 2, …
 *   in [[1, 2], [3, 4]]                 or its elements; the type is i32 unless given
 *   with h=2                            sizes, and the options listed below
 *   -> (2, 2) f64                       shape and type of the result
 *   [[1, 3], [5, 7]]                    its elements, on as many lines as are handy
 *
 * Kinds: einsum (may be left out), rearrange, reduce REDUCER, repeat, pack, unpack,
 * parse_shape; 'letters' or 'names' behind the kind gives the reading. In the text
 * \t \n \r \\ and \xNN are escapes. Options of 'with': broadcast=strict or stretch,
 * dtype=T, wrap, alpha=X, beta=X, out=(2, 3).
 *
 * Several '->' lines are several outputs. Behind the type may stand 'view' (the
 * result shares storage), 'copy' (it does not), '~1e-6' (relative bound for floats).
 * pack takes 'packed (2,) ()' behind the result, unpack 'shapes (2,) (-1,)' before
 * it, parse_shape has 'names b=2 c=3' for a result.
 *
 * An error is the rule ('-' for none) and the rendered text, to the letter:
 *
 *   ! S7 the sentence
 *     i j, j k -> i k
 *       ^  ^
 */
#ifndef TESTS_SUPPORT_CASES_H
#define TESTS_SUPPORT_CASES_H

#include "base/arena.h"
#include "base/dtype.h"
#include "einstride.h"

enum { CASE_MAX_TENSORS = 16, CASE_MAX_SIZES = 16 };

typedef struct case_tensor {
  es_dtype dtype;
  int rank;
  int64_t shape[ES_MAX_RANK];
  int64_t count;
  es_scalar *values; /* NULL: 0, 1, 2, … */
  bool view, copy;
  double tolerance;
} case_tensor;

typedef struct case_row {
  const char *file;
  int line;
  es_kind kind;
  char *text;
  int n_in, n_out, n_sizes, n_shapes;
  case_tensor in[CASE_MAX_TENSORS], out[CASE_MAX_TENSORS];
  es_axis_size sizes[CASE_MAX_SIZES + 1];
  es_options options; /* sizes not set; the reducer of reduce is here */
  bool has_options;   /* beyond the reducer */
  int64_t out_shape[ES_MAX_RANK];
  case_tensor shapes[CASE_MAX_TENSORS]; /* pack, unpack; only rank and shape */
  es_axis_size names[CASE_MAX_SIZES + 1];
  int n_names;
  char rule[8];
  char *error; /* NULL: succeeds */
} case_row;

typedef struct case_file {
  es_arena arena;
  case_row *rows;
  int n;
} case_file;

/* Reads a .test file, or the fenced blocks of a .md file. False after printing
 * file:line and what is wrong to stderr. Freed by es_arena_free(&file->arena). */
bool cases_read(const char *path, case_file *file);
/* The elements of a tensor as the case format writes them. */
size_t cases_print_values(const case_tensor *t, char *buf, size_t cap);
/* A row, step by step. */
typedef struct case_run {
  es_ctx *ctx;
  const case_row *row;
  es_tensor *in[CASE_MAX_TENSORS], *out[CASE_MAX_TENSORS];
  char *report; /* of what was wrong */
  size_t cap;
} case_run;
void cases_operands(case_run *r); /* in the current scope */
/* Through the tensor door. False: shapes or names that pack and parse_shape tell are wrong. */
bool cases_call(case_run *r);
/* Whether the error that sticks, or the result, is that of the row. */
bool cases_judge(case_run *r, const char *how);
es_array cases_described(const es_tensor *t);
/* Runs a row; false when the outcome differs, which *report then explains in
 * lines that could stand in the file. */
bool cases_run(es_ctx *ctx, const case_row *row, char *report, size_t cap);

#endif
