/* Checked arithmetic on sizes. Every + and * on an extent, a stride or an offset
 * that comes from outside goes through here; true means that it fits. */
#ifndef ES_BASE_CHECKED_H
#define ES_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* The same three definitions for every integer type: the tests instantiate them
 * on int8_t, where all pairs can be tried. */
#define ES_CHECKED_DEFINE(type, suffix)                                                            \
  static inline bool es_add_##suffix(type a, type b, type *out) {                                  \
    return !__builtin_add_overflow(a, b, out);                                                     \
  }                                                                                                \
  static inline bool es_sub_##suffix(type a, type b, type *out) {                                  \
    return !__builtin_sub_overflow(a, b, out);                                                     \
  }                                                                                                \
  static inline bool es_mul_##suffix(type a, type b, type *out) {                                  \
    return !__builtin_mul_overflow(a, b, out);                                                     \
  }                                                                                                \
  /* acc + a * b */                                                                                \
  static inline bool es_mad_##suffix(type acc, type a, type b, type *out) {                        \
    type product;                                                                                  \
    return es_mul_##suffix(a, b, &product) && es_add_##suffix(acc, product, out);                  \
  }

ES_CHECKED_DEFINE(int64_t, i64)

/* Bytes of an array of elements of each bytes. A zero extent does not excuse the others: those
 * of the non-zero ones must fit, so that no stride computed from them can wrap. */
static inline bool es_bytes_i64(int n, const int64_t *extent, int64_t each, int64_t *out) {
  bool empty = false;
  for (int i = 0; i < n; i++) {
    if (extent[i] < 0) return false;
    if (extent[i] == 0)
      empty = true;
    else if (!es_mul_i64(each, extent[i], &each))
      return false;
  }
  *out = empty ? 0 : each;
  return true;
}

/* Product of n extents, likewise. */
static inline bool es_count_i64(int n, const int64_t *extent, int64_t *out) {
  return es_bytes_i64(n, extent, 1, out);
}

/* The greatest common divisor, for a, b >= 0; that of 0 and b is b. */
static inline int64_t es_gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* a / b, rounded up; a >= 0, b > 0. */
static inline int64_t es_ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/* Floor division and its remainder, for d > 0. */
static inline int64_t es_floor_div(int64_t a, int64_t d) {
  int64_t q = a / d;
  return a % d < 0 ? q - 1 : q;
}

#endif
