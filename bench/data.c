/* Operands and their comparison, in every element type. */
#include "bench/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static inline int small_integer(uint32_t i, uint32_t seed) {
  uint32_t h = (i + seed * 7919u) * 2654435761u;
  h ^= h >> 15;
  h *= 2246822519u;
  return (int)(h >> 20 & 7) - 3;
}

static uint16_t bf16_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)(bits >> 16); /* small integers have no more digits */
}

static float of_bf16(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void bench_fill(void *x, es_dtype type, int64_t n, int seed) {
  const uint32_t s = (uint32_t)seed;
  if (type == ES_C64 || type == ES_C128) { /* the parts lie like a real array twice as long */
    bench_fill(x, type == ES_C64 ? ES_F32 : ES_F64, 2 * n, seed);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    int value = small_integer((uint32_t)i, s);
    switch (type) {
    case ES_F32: ((float *)x)[i] = (float)value; break;
    case ES_F64: ((double *)x)[i] = value; break;
    case ES_BF16: ((uint16_t *)x)[i] = bf16_of((float)value); break;
    case ES_I8: ((int8_t *)x)[i] = (int8_t)value; break;
    case ES_U8: ((uint8_t *)x)[i] = (uint8_t)(value & 7); break;
    case ES_I16: ((int16_t *)x)[i] = (int16_t)value; break;
    case ES_I32: ((int32_t *)x)[i] = value; break;
    case ES_I64: ((int64_t *)x)[i] = value; break;
    default: return; /* bool and f16: no case has them */
    }
  }
}

double bench_element(const void *x, es_dtype type, int64_t i) {
  switch (type) {
  case ES_F32: return (double)((const float *)x)[i];
  case ES_F64: return ((const double *)x)[i];
  case ES_C64: return (double)((const float *)x)[2 * i];
  case ES_C128: return ((const double *)x)[2 * i];
  case ES_BF16: return (double)of_bf16(((const uint16_t *)x)[i]);
  case ES_BOOL:
  case ES_U8: return (double)((const uint8_t *)x)[i];
  case ES_I8: return (double)((const int8_t *)x)[i];
  case ES_I16: return (double)((const int16_t *)x)[i];
  case ES_I32: return (double)((const int32_t *)x)[i];
  case ES_I64: return (double)((const int64_t *)x)[i];
  default: return NAN;
  }
}

int64_t bench_compare(const void *x, const void *y, es_dtype type, int64_t n, double tolerance) {
  if (!memcmp(x, y, (size_t)n * es_dtype_size(type))) return -1;
  if (type == ES_C64 || type == ES_C128) {
    int64_t at = bench_compare(x, y, type == ES_C64 ? ES_F32 : ES_F64, 2 * n, tolerance);
    return at < 0 ? at : at / 2;
  }
  for (int64_t i = 0; i < n; i++) {
    double a = bench_element(x, type, i), b = bench_element(y, type, i);
    if (!(a == b || fabs(a - b) <= tolerance * (1 + fabs(b)))) return i;
  }
  return -1;
}

void *bench_alloc(size_t bytes) {
  const size_t huge = (size_t)2 << 20, align = bytes >= 2 * huge ? huge : 64;
  void *p = aligned_alloc(align, (bytes + align) / align * align);
#ifdef MADV_HUGEPAGE
  /* NumPy asks for them; without, ours would be the only operands in small pages. */
  if (p && align == huge) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

int64_t bench_elements(int rank, const int64_t *shape) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++) n *= shape[i];
  return n;
}
