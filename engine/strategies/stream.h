/* What map and reduce share: operands fetched a row at a time into the type the
 * arithmetic happens in, and rows of results finished and stored. */
#ifndef ES_ENGINE_STREAM_H
#define ES_ENGINE_STREAM_H

#include "engine/cursor.h"
#include "engine/kernels/elementwise.h"
#include "engine/kernels/stream.h"
#include "engine/strategy.h"

typedef struct es_stream_side {
  es_dtype dtype;
  int slot;
  int64_t offset, step; /* of element 0; along the row */
  int64_t size;         /* bytes of an element */
  es_load_row load;     /* into the arithmetic type */
  es_gather_row gather; /* strided elements side by side */
} es_stream_side;

typedef struct es_stream {
  const es_kernels *kernels;
  es_dtype type; /* of the arithmetic */
  int64_t size;
  int n_in;
  es_stream_side in[ES_CURSOR_SIDES - 1], out;
  es_store_row store;
  es_inner combine;
  bool truth; /* operands count as true or false */
  bool plain; /* a finished row is what was computed: nothing to scale or cut */
  bool scan;  /* integers: the operands' range must show that 64 bits hold */
} es_stream;

/* Room for a row of any type. */
typedef union es_stream_row {
  _Alignas(ES_ALIGN) char bytes[ES_ROW * 16];
  int64_t i64[ES_ROW];
  float f32[2 * ES_ROW]; /* complex: pairs */
  double f64[2 * ES_ROW];
} es_stream_row;

/* The type p is computed in: F64 (C128) also for f32 (c64) where a long fold would
 * lose digits; but two operands multiplied and summed stay in their own type, in
 * the order of the matrix product. */
es_dtype es_stream_type(const es_problem *p);
/* No constraints, few enough operands and axes, and all rows can be loaded, combined
 * and stored. */
bool es_stream_applicable(const es_problem *p, const es_kernels *kernels);
/* Rows run along axis (-1: rows of one element). */
void es_stream_init(es_stream *s, const es_problem *p, const es_kernels *kernels, int axis);
/* n elements of operand i from element offset at on, step apart. Unit steps in the
 * right type stay in place, others are loaded into row. */
const void *es_stream_fetch(const es_stream *s, const es_run_args *args, int i, int64_t at,
                            int64_t step, int64_t n, void *row);
/* The operands at the offsets at[1..], combined: n elements, in row or in place. Steps
 * along the row by operand. dst: where the result may be put, row or other memory. */
const void *es_stream_combine(const es_stream *s, const es_run_args *args, const int64_t *at,
                              const int64_t *step, int64_t n, void *dst, es_stream_row *spare);
/* Divides, scales, cuts and stores a row of results (of s->type, clobbered) at element
 * offset at of the output. False when a value does not fit. */
bool es_stream_finish(const es_stream *s, const es_problem *p, const es_run_args *args, void *row,
                      int64_t at, int64_t n);
/* sum / count, correctly rounded. */
double es_mean_of_integers(es_i128 sum, double count);
/* Whether every intermediate value of an integer nest fits 64 bits, from the values that
 * the operands hold. */
bool es_stream_exact_by_value(const es_problem *p, const es_kernels *kernels,
                              const es_run_args *args);

#endif
