/* What is known of element types without knowing tensors. */
#ifndef ES_BASE_DTYPE_H
#define ES_BASE_DTYPE_H

#include <string.h>

#include "einstride.h"

typedef enum es_class { ES_CLASS_BOOL, ES_CLASS_INT, ES_CLASS_FLOAT, ES_CLASS_COMPLEX } es_class;

static inline bool es_dtype_valid(es_dtype d) { return d >= 0 && d < ES_DTYPE_COUNT; }
/* es_dtype_size of a valid type, where a call would cost more than what it is for. */
static inline int64_t es_dtype_bytes(es_dtype d) {
  static const uint8_t bytes[ES_DTYPE_COUNT] = {
#define ES_X(name, value, text, bytes) [value] = bytes,
      ES_DTYPE_LIST(ES_X)
#undef ES_X
  };
  return bytes[d];
}
es_class es_dtype_class(es_dtype dtype);
/* Range of an integer type (bool: 0..1). */
void es_dtype_int_range(es_dtype dtype, int64_t *low, int64_t *high);
/* The type arithmetic happens in: f16, bf16 -> f32; bool and integers -> i64;
 * others themselves. */
es_dtype es_dtype_compute(es_dtype dtype);

/* 16-bit floats are stored as bits; arithmetic happens in float. Narrowing
 * rounds to nearest even, NaN stays NaN. */
static inline float es_bf16_to_f32(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}
static inline uint16_t es_f32_to_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}
/* Masks instead of branches, and integers wherever a rounding mode or a flush of
 * subnormals could interfere: loops of these vectorise. */
static inline uint32_t es_mask_if(bool condition) { return -(uint32_t)condition; }
static inline float es_f16_to_f32(uint16_t bits) {
  uint32_t magnitude = bits & 0x7fffu, sign = (uint32_t)(bits & 0x8000u) << 16;
  float small = (float)(int32_t)magnitude * 0x1p-24f; /* exact: the subnormals */
  uint32_t small_bits, wide = (magnitude << 13) + (112u << 23);
  memcpy(&small_bits, &small, sizeof small_bits);
  wide += es_mask_if(magnitude >= 0x7c00) & (112u << 23); /* inf and NaN */
  uint32_t is_small = es_mask_if(magnitude < 0x400);
  wide = (small_bits & is_small) | (wide & ~is_small) | sign;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}
static inline uint16_t es_f32_to_f16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  uint32_t rebased = magnitude - (112u << 23);
  uint32_t normal = (rebased + 0xfffu + (rebased >> 13 & 1)) >> 13;
  /* Subnormal results count 2^-24: the significand, shifted and rounded. */
  uint32_t shift = 126u - (magnitude >> 23), significand = (magnitude & 0x7fffffu) | 0x800000u;
  uint32_t too_far = es_mask_if(shift > 31);
  shift = (shift & ~too_far & 31) | (too_far & 31);
  uint32_t small = (significand + (1u << ((shift - 1) & 31)) - 1 + (significand >> shift & 1)) >>
                   shift;
  uint32_t is_small = es_mask_if(magnitude < 0x38800000u);
  uint32_t is_big = es_mask_if(magnitude >= 0x477ff000u); /* >= 65520 rounds to inf */
  uint32_t half = (small & is_small) | (normal & ~is_small);
  half = (half & ~is_big) | (0x7c00u & is_big) | (0x0200u & es_mask_if(magnitude > 0x7f800000u));
  return (uint16_t)(half | sign);
}
/* Rounds once, straight from double: going through float would round twice. */
uint16_t es_f64_to_f16(double value);
uint16_t es_f64_to_bf16(double value);
uint16_t es_i64_to_bf16(int64_t value);

/* One element of any type. Complex values use re and im; real ones re; bool and
 * integers i. */
typedef struct es_scalar {
  es_class cls;
  int64_t i;
  double re, im;
} es_scalar;

es_scalar es_scalar_load(es_dtype dtype, const void *at);
/* Converts as es_cast does; false where the value does not fit the type
 * (nothing is written), or where complex would become real. */
bool es_scalar_store(es_dtype dtype, void *at, es_scalar value);

#endif
