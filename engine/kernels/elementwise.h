/* Rows of elements: loading from any type into a compute type, arithmetic there,
 * and storing back. A row is at most a chunk long and lies in the first-level
 * cache; rows of a compute type are contiguous and 64-aligned. */
#ifndef ES_ENGINE_KERNELS_ELEMENTWISE_H
#define ES_ENGINE_KERNELS_ELEMENTWISE_H

#include "engine/kernels/kernels.h"

/* Longest row. 512 complex doubles are 8 KiB: three such rows fit 32 KiB. */
enum { ES_ROW = 512 };

/* out[i] = in[i * stride], widened from the storage type to the compute type. Only
 * upward: the compute type holds every value, but i64 to floating point and i32 to
 * f32 round once. */
typedef void (*es_load_row)(void *out, const void *in, int64_t stride, int64_t n);
/* out[i * stride] = in[i]. Returns n, or the position of the first value that the
 * storage type cannot hold; then nothing is written. Floating point rounds once,
 * to integers it truncates; to bool it compares with zero. */
typedef int64_t (*es_store_row)(void *out, int64_t stride, const void *in, int64_t n);
/* Rows of compute type in, rows of compute type (of bool for predicates and
 * comparisons, of the part type for abs, real and imag of complex numbers) out, which
 * overlaps neither a nor b. Returns n, or the first position without a
 * result: an integer that does not fit i64, a division by zero. */
typedef int64_t (*es_unary_row)(void *out, const void *a, int64_t n);
typedef int64_t (*es_binary_row)(void *out, const void *a, const void *b, int64_t n);

/* Operations that layers add to es_unary_op. */
typedef enum es_activation {
  ES_ACTIVATION_SIGMOID,   /* 1 / (1 + exp(-x)) */
  ES_ACTIVATION_SILU,      /* x sigmoid(x) */
  ES_ACTIVATION_GELU,      /* x (1 + erf(x / sqrt 2)) / 2 */
  ES_ACTIVATION_GELU_TANH, /* its approximation by tanh */
  ES_ACTIVATIONS
} es_activation;

struct es_elementwise_kernels {
  es_load_row load[ES_DTYPE_COUNT][ES_DTYPE_COUNT];   /* [compute][storage] */
  es_store_row store[ES_DTYPE_COUNT][ES_DTYPE_COUNT]; /* [compute][storage] */
  /* [compute][operation]; NULL where the type has no rule for the operation. */
  es_unary_row unary[ES_DTYPE_COUNT][ES_UNARY_COUNT];
  es_unary_row activation[ES_DTYPE_COUNT][ES_ACTIVATIONS];
  es_binary_row binary[ES_DTYPE_COUNT][ES_BINARY_COUNT];
};

#endif
