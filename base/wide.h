/* Integers of 128 bits: exact sums and products of 64-bit ones, and places beyond 64 bits. 64-bit
 * targets have __int128. 32-bit ones have _BitInt(128) at best, and no runtime library that divides
 * it or makes a floating-point number of it: whoever needs that calls the functions here. */
#ifndef ES_BASE_WIDE_H
#define ES_BASE_WIDE_H

#include <math.h>
#include <stdint.h>

#if defined(__SIZEOF_INT128__)
typedef __int128 es_i128;
typedef unsigned __int128 es_u128;
#elif defined(__BITINT_MAXWIDTH__) && __BITINT_MAXWIDTH__ >= 128
typedef _BitInt(128) es_i128;
typedef unsigned _BitInt(128) es_u128;
#else
#error "integers of 128 bits are needed: __int128 (64-bit targets), or clang 14 for its _BitInt"
#endif

/* a / d and *rest = a % d, for 0 < d <= 2^127. */
static inline es_u128 es_u128_divide(es_u128 a, es_u128 d, es_u128 *rest) {
#if defined(__SIZEOF_INT128__)
  *rest = a % d;
  return a / d;
#else
  es_u128 quotient = 0, left = 0;
  if ((a | d) >> 64 == 0) {
    *rest = (uint64_t)a % (uint64_t)d;
    return (uint64_t)a / (uint64_t)d;
  }
  for (int bit = 127; bit >= 0; bit--) {
    left = left << 1 | (a >> bit & 1);
    quotient <<= 1;
    if (left >= d) left -= d, quotient |= 1;
  }
  *rest = left;
  return quotient;
#endif
}

/* a / d, rounded down, for d > 0. */
static inline es_i128 es_i128_floor_div(es_i128 a, es_i128 d) {
  es_u128 rest;
  if (d == 1) return a; /* nearly always; a division of 128 bits takes 30 ns */
  es_u128 quotient = es_u128_divide((es_u128)(a < 0 ? ~a : a), (es_u128)d, &rest);
  return a < 0 ? ~(es_i128)quotient : (es_i128)quotient;
}

/* The nearest double, even where two are equally near. */
static inline double es_u128_double(es_u128 a) {
#if defined(__SIZEOF_INT128__)
  return (double)a;
#else
  const uint64_t high = (uint64_t)(a >> 64);
  if (high == 0) return (double)(uint64_t)a;
  const int shift = 64 - __builtin_clzll(high);
  const uint64_t sticky = a << (128 - shift) != 0; /* whether any bit below the 64 kept is set */
  return ldexp((double)((uint64_t)(a >> shift) | sticky), shift);
#endif
}

static inline double es_i128_double(es_i128 a) {
  return a < 0 ? -es_u128_double(-(es_u128)a) : es_u128_double((es_u128)a);
}

/* Rounded once where a long double has 64 bits. */
static inline long double es_i128_long_double(es_i128 a) {
#if defined(__SIZEOF_INT128__)
  return (long double)a;
#else
  return (long double)(int64_t)(a >> 64) * 0x1p64L + (long double)(uint64_t)a;
#endif
}

#endif
