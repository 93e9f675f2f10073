/* The library as the script language calls it: each function that makes a tensor, and
 * writes the same call as C where a trace is on. What runs is what is exported.
 * Only files of the language include this, behind the public headers. */
#ifndef SC_TRACE_H
#define SC_TRACE_H

#include "einstride/io.h"
#include "einstride/layers.h"
#include "repl/text/buffer.h"

typedef struct sc_trace {
  sc_buffer lines; /* of the running statement */
  struct sc_traced {
    es_tensor *tensor; /* held: no other can have its address */
    char *name;
  } * made;
  size_t n, cap;
  int temporaries;
  bool failed;
  char message[200]; /* why the statement has no C form */
} sc_trace;

/* The trace that is on, or NULL. */
extern sc_trace *sc_trace_on;

/* Writes a call after it was made. format: a letter for each argument behind ctx
 * (trace.c). Anything made without a trace has no name; a call that reads it fails the
 * statement. */
void sc_trace_call(es_tensor *made, const char *function, const char *format, es_ctx *es, ...);
/* The C name of a tensor; NULL after failing the statement. */
const char *sc_trace_name(sc_trace *trace, const es_tensor *t);
void sc_trace_print(sc_trace *trace, const char *text, size_t len);
void sc_trace_show(sc_trace *trace, const es_tensor *t); /* type, shape, elements */
void sc_put_c_string(sc_buffer *out, const char *text, size_t len);
void sc_trace_seed(sc_trace *trace, uint64_t seed);
void sc_trace_assign(sc_trace *trace, const es_tensor *to, const es_tensor *from);
bool sc_trace_plain(const es_options *options); /* sizes at most */
/* Forgets the tensors made since there were n. */
void sc_trace_forget(sc_trace *trace, size_t n);
/* A tensor whose elements no C form accounts for any more. */
void sc_trace_lose(sc_trace *trace, const es_tensor *t);
void sc_trace_fail(sc_trace *trace, const char *message);

/* clang-format off */
#define SC_TRACE(name, format, parameters, ...) \
  static inline es_tensor *sc_traced_##name parameters { \
    es_tensor *made = es_##name(__VA_ARGS__); \
    if (sc_trace_on) sc_trace_call(made, "es_" #name, format, __VA_ARGS__); \
    return made; \
  }

SC_TRACE(empty, "dS", (es_ctx *es, es_dtype d, int rank, const int64_t *shape), es, d, rank, shape)
SC_TRACE(zeros, "dS", (es_ctx *es, es_dtype d, int rank, const int64_t *shape), es, d, rank, shape)
SC_TRACE(full, "dSf", (es_ctx *es, es_dtype d, int rank, const int64_t *shape, double v), es, d, rank, shape, v)
SC_TRACE(ramp, "dS", (es_ctx *es, es_dtype d, int rank, const int64_t *shape), es, d, rank, shape)
SC_TRACE(arange, "dfff", (es_ctx *es, es_dtype d, double a, double b, double c), es, d, a, b, c)
SC_TRACE(linspace, "dffl", (es_ctx *es, es_dtype d, double a, double b, int64_t n), es, d, a, b, n)
SC_TRACE(eye, "dll", (es_ctx *es, es_dtype d, int64_t m, int64_t n), es, d, m, n)
SC_TRACE(rand, "dS", (es_ctx *es, es_dtype d, int rank, const int64_t *shape), es, d, rank, shape)
SC_TRACE(randn, "dS", (es_ctx *es, es_dtype d, int rank, const int64_t *shape), es, d, rank, shape)
SC_TRACE(from_data, "E", (es_ctx *es, es_dtype d, int rank, const int64_t *shape, const void *data), es, d, rank, shape, data)
SC_TRACE(copy, "t", (es_ctx *es, const es_tensor *x), es, x)
SC_TRACE(contiguous, "t", (es_ctx *es, const es_tensor *x), es, x)
SC_TRACE(cast, "td", (es_ctx *es, const es_tensor *x, es_dtype d), es, x, d)
SC_TRACE(permute, "tP", (es_ctx *es, const es_tensor *x, const int *axes), es, x, axes)
SC_TRACE(transpose, "tii", (es_ctx *es, const es_tensor *x, int a, int b), es, x, a, b)
SC_TRACE(reshape, "tS", (es_ctx *es, const es_tensor *x, int rank, const int64_t *shape), es, x, rank, shape)
SC_TRACE(flatten, "tii", (es_ctx *es, const es_tensor *x, int a, int b), es, x, a, b)
SC_TRACE(slice, "tilll", (es_ctx *es, const es_tensor *x, int axis, int64_t a, int64_t b, int64_t c), es, x, axis, a, b, c)
SC_TRACE(select, "til", (es_ctx *es, const es_tensor *x, int axis, int64_t at), es, x, axis, at)
SC_TRACE(unsqueeze, "ti", (es_ctx *es, const es_tensor *x, int axis), es, x, axis)
SC_TRACE(squeeze, "ti", (es_ctx *es, const es_tensor *x, int axis), es, x, axis)
SC_TRACE(squeeze_all, "t", (es_ctx *es, const es_tensor *x), es, x)
SC_TRACE(diagonal, "tlii", (es_ctx *es, const es_tensor *x, int64_t offset, int a, int b), es, x, offset, a, b)
SC_TRACE(broadcast_to, "tS", (es_ctx *es, const es_tensor *x, int rank, const int64_t *shape), es, x, rank, shape)
SC_TRACE(unfold_axis, "tilll", (es_ctx *es, const es_tensor *x, int axis, int64_t a, int64_t b, int64_t c), es, x, axis, a, b, c)
SC_TRACE(flip, "ti", (es_ctx *es, const es_tensor *x, int axis), es, x, axis)
SC_TRACE(unary, "ut", (es_ctx *es, es_unary_op op, const es_tensor *x), es, op, x)
SC_TRACE(binary, "btt", (es_ctx *es, es_binary_op op, const es_tensor *x, const es_tensor *y), es, op, x, y)
SC_TRACE(binary_scalar, "btfoo", (es_ctx *es, es_binary_op op, const es_tensor *x, double y, bool whole, bool first), es, op, x, y, whole, first)
SC_TRACE(where, "ttt", (es_ctx *es, const es_tensor *c, const es_tensor *x, const es_tensor *y), es, c, x, y)
SC_TRACE(reduce_axes, "rtAo", (es_ctx *es, es_reducer r, const es_tensor *x, const int *axes, int n, bool keep), es, r, x, axes, n, keep)
SC_TRACE(argmax, "tio", (es_ctx *es, const es_tensor *x, int axis, bool keep), es, x, axis, keep)
SC_TRACE(argmin, "tio", (es_ctx *es, const es_tensor *x, int axis, bool keep), es, x, axis, keep)
SC_TRACE(concat, "Ii", (es_ctx *es, es_tensor *const *xs, int64_t n, int axis), es, xs, n, axis)
SC_TRACE(stack, "Ii", (es_ctx *es, es_tensor *const *xs, int64_t n, int axis), es, xs, n, axis)
SC_TRACE(einsum, "sIz", (es_ctx *es, const char *text, es_tensor *const *xs, int64_t n, const es_axis_size *sizes), es, text, xs, n, sizes)
SC_TRACE(rearrange, "stz", (es_ctx *es, const char *text, const es_tensor *x, const es_axis_size *sizes), es, text, x, sizes)
SC_TRACE(reduce, "srtz", (es_ctx *es, const char *text, es_reducer r, const es_tensor *x, const es_axis_size *sizes), es, text, r, x, sizes)
SC_TRACE(repeat, "stz", (es_ctx *es, const char *text, const es_tensor *x, const es_axis_size *sizes), es, text, x, sizes)
SC_TRACE(op_call, "V", (es_ctx *es, const es_op *op, const es_value *values), es, op, values)
SC_TRACE(load, "s", (es_ctx *es, const char *path), es, path)

/* Without options beside sizes it is es_einsum. */
static inline es_tensor *sc_traced_einsum_into(es_ctx *es, const char *text, es_tensor *const *xs, int64_t n, const es_options *o, es_tensor *out) {
  es_tensor *made = es_einsum_into(es, text, xs, n, o, out);
  if (sc_trace_on && sc_trace_plain(o)) sc_trace_call(made, "es_einsum", "sIz", es, text, xs, n, o->sizes);
  else if (sc_trace_on) sc_trace_call(made, "es_einsum_into", "sIO", es, text, xs, n, o);
  return made;
}
static inline void sc_traced_set_seed(es_ctx *es, uint64_t seed) {
  es_set_seed(es, seed);
  if (sc_trace_on) sc_trace_seed(sc_trace_on, seed);
}
static inline es_status sc_traced_assign(es_ctx *es, es_tensor *to, const es_tensor *from) {
  es_status status = es_assign(es, to, from);
  if (sc_trace_on && status == ES_OK) sc_trace_assign(sc_trace_on, to, from);
  return status;
}

#define es_empty sc_traced_empty
#define es_zeros sc_traced_zeros
#define es_full sc_traced_full
#define es_ramp sc_traced_ramp
#define es_arange sc_traced_arange
#define es_linspace sc_traced_linspace
#define es_eye sc_traced_eye
#define es_rand sc_traced_rand
#define es_randn sc_traced_randn
#define es_from_data sc_traced_from_data
#define es_copy sc_traced_copy
#define es_contiguous sc_traced_contiguous
#define es_cast sc_traced_cast
#define es_permute sc_traced_permute
#define es_transpose sc_traced_transpose
#define es_reshape sc_traced_reshape
#define es_flatten sc_traced_flatten
#define es_slice sc_traced_slice
#define es_select sc_traced_select
#define es_unsqueeze sc_traced_unsqueeze
#define es_squeeze sc_traced_squeeze
#define es_squeeze_all sc_traced_squeeze_all
#define es_diagonal sc_traced_diagonal
#define es_broadcast_to sc_traced_broadcast_to
#define es_unfold_axis sc_traced_unfold_axis
#define es_flip sc_traced_flip
#define es_unary sc_traced_unary
#define es_binary sc_traced_binary
#define es_binary_scalar sc_traced_binary_scalar
#define es_where sc_traced_where
#define es_reduce_axes sc_traced_reduce_axes
#define es_argmax sc_traced_argmax
#define es_argmin sc_traced_argmin
#define es_concat sc_traced_concat
#define es_stack sc_traced_stack
#define es_einsum sc_traced_einsum
#define es_einsum_into sc_traced_einsum_into
#define es_rearrange sc_traced_rearrange
#define es_reduce sc_traced_reduce
#define es_repeat sc_traced_repeat
#define es_op_call sc_traced_op_call
#define es_load sc_traced_load
#define es_set_seed sc_traced_set_seed
#define es_assign sc_traced_assign
/* clang-format on */

#endif
