/* What binding a pattern to shapes yields: for each operand a view over the
 * labels of the whole expression. The last stage that knows names. */
#ifndef ES_ENGINE_BOUND_H
#define ES_ENGINE_BOUND_H

#include "base/arena.h"
#include "base/error.h"
#include "lexer/ast.h"

typedef enum es_role { ES_ROLE_OUT, ES_ROLE_REDUCED } es_role;

typedef struct es_label {
  const char *name; /* for print-outs; "3", "_", "...[0]" for nameless ones */
  int64_t extent;
  es_role role; /* OUT: an axis of some part's output */
} es_label;

/* A strided walk: offset + sum stride[i] * index(label[i]). Labels are distinct. */
typedef struct es_walk {
  int64_t offset;
  int n;
  int32_t *label;
  int64_t *stride;
} es_walk;

/* 0 <= base + sum coef[i] * index(label[i]) < extent, or the point is absent. */
typedef struct es_label_constraint {
  int64_t base, extent;
  int n;
  int32_t *label;
  int64_t *coef;
} es_label_constraint;

/* An operand that reads values outside its memory ('?5', '?edge', …): the plan
 * makes a padded copy first, C order, and the walk of the operand refers to it. */
typedef struct es_padded {
  int rank;
  int64_t *extent, *stride; /* of the source */
  int64_t *low, *high;      /* elements added on each side of each axis */
  es_fill *fill;            /* per axis */
} es_padded;

/* One disjoint piece of one output: a nest over all or some operands. Labels in
 * out are the output axes; all other labels of its operands are reduced. Every
 * label of a constraint stands in some walk. A label that a broadcast operand or
 * none reads stands there with stride 0: it counts its points. */
typedef struct es_part {
  int output; /* which output array */
  int n_in;
  int32_t *in;      /* indices of operands */
  es_walk *in_walk; /* [n_in] */
  es_walk out_walk;
  int n_constraints;
  es_label_constraint *constraint;
  double mean_count;
} es_part;

typedef struct es_output {
  int rank;
  int64_t *shape;
  const char **label; /* name of each axis, "" where it has none */
  es_span span;       /* of its term, to blame; length 0 when it was not written */
  es_dtype dtype;
  int64_t *strides; /* of the array to write: the caller's, or C order */
  /* The parts leave elements untouched (a written diagonal, an affine output
   * with gaps): fill with the reducer's identity first (0 for sum). */
  bool fill_first;
} es_output;

typedef struct es_bound {
  const es_pattern *pattern;
  int n_labels;
  es_label *label;
  int n_in;
  es_dtype *dtype;    /* [n_in] */
  es_padded **padded; /* [n_in], NULL for most */
  int n_out;
  es_output *out;
  int n_parts;
  es_part *part;
  es_reducer reduce;
  es_inner combine;
  es_dtype compute; /* type of the arithmetic: I64, F32, F64, C64, C128 */
  bool wrap;
  double alpha, beta;
  /* What the print-outs tell of the terms: engine/bind/axes.h, and the size of each of
   * its variables. */
  const struct es_axes *axes;
  const int64_t *size;
} es_bound;

/* The axis table ('x') and the views ('v') as text. Contract of es_error_render. */
size_t es_bound_print(const es_bound *bound, const char *letters, char *buf, size_t cap);

#endif
