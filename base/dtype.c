#include "base/dtype.h"

#include <math.h>

#include "base/fpenv.h"

const char *es_dtype_name(es_dtype dtype) {
  switch ((int)dtype) {
#define ES_X(name, value, text, bytes)                                                             \
  case value: return text;
    ES_DTYPE_LIST(ES_X)
#undef ES_X
  }
  return "?";
}

size_t es_dtype_size(es_dtype dtype) {
  switch ((int)dtype) {
#define ES_X(name, value, text, bytes)                                                             \
  case value: return bytes;
    ES_DTYPE_LIST(ES_X)
#undef ES_X
  }
  return 0;
}

es_dtype es_dtype_from_name(const char *name) {
  static const struct {
    char name[12];
    es_dtype dtype;
  } names[] = {
#define ES_X(name, value, text, bytes) {text, ES_##name},
      ES_DTYPE_LIST(ES_X)
#undef ES_X
          {"uint8", ES_U8},
      {"int8", ES_I8},
      {"int16", ES_I16},
      {"short", ES_I16},
      {"int32", ES_I32},
      {"int64", ES_I64},
      {"int", ES_I64},
      {"long", ES_I64},
      {"float16", ES_F16},
      {"half", ES_F16},
      {"bfloat16", ES_BF16},
      {"float32", ES_F32},
      {"float", ES_F32},
      {"float64", ES_F64},
      {"double", ES_F64},
      {"complex64", ES_C64},
      {"cfloat", ES_C64},
      {"complex128", ES_C128},
      {"complex", ES_C128},
      {"bool_", ES_BOOL},
  };
  for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
    if (!strcmp(names[i].name, name)) return names[i].dtype;
  return ES_DTYPE_AUTO;
}

es_class es_dtype_class(es_dtype d) {
  return d == ES_BOOL  ? ES_CLASS_BOOL
         : d <= ES_I64 ? ES_CLASS_INT
         : d <= ES_F64 ? ES_CLASS_FLOAT
                       : ES_CLASS_COMPLEX;
}

void es_dtype_int_range(es_dtype d, int64_t *low, int64_t *high) {
  switch (d) {
  case ES_BOOL: *low = 0, *high = 1; break;
  case ES_U8: *low = 0, *high = UINT8_MAX; break;
  case ES_I8: *low = INT8_MIN, *high = INT8_MAX; break;
  case ES_I16: *low = INT16_MIN, *high = INT16_MAX; break;
  case ES_I32: *low = INT32_MIN, *high = INT32_MAX; break;
  default: *low = INT64_MIN, *high = INT64_MAX; break;
  }
}

es_dtype es_dtype_compute(es_dtype d) {
  return d <= ES_I64 ? ES_I64 : d == ES_F16 || d == ES_BF16 ? ES_F32 : d;
}

/* NumPy 2 on pairs of array types. bf16 is PyTorch's: it wins over integers and
 * meets f16 in f32. */
es_dtype es_dtype_promote(es_dtype a, es_dtype b) {
  enum {
    B = ES_BOOL,
    U8 = ES_U8,
    I8 = ES_I8,
    I16 = ES_I16,
    I32 = ES_I32,
    I64 = ES_I64,
    F16 = ES_F16,
    BF = ES_BF16,
    F32 = ES_F32,
    F64 = ES_F64,
    C64 = ES_C64,
    C128 = ES_C128
  };
  static const signed char table[ES_DTYPE_COUNT][ES_DTYPE_COUNT] = {
      /*         bool  u8    i8    i16   i32   i64   f16   bf16  f32   f64   c64   c128 */
      /* bool */ {B, U8, I8, I16, I32, I64, F16, BF, F32, F64, C64, C128},
      /* u8   */ {U8, U8, I16, I16, I32, I64, F16, BF, F32, F64, C64, C128},
      /* i8   */ {I8, I16, I8, I16, I32, I64, F16, BF, F32, F64, C64, C128},
      /* i16  */ {I16, I16, I16, I16, I32, I64, F32, BF, F32, F64, C64, C128},
      /* i32  */ {I32, I32, I32, I32, I32, I64, F64, BF, F64, F64, C128, C128},
      /* i64  */ {I64, I64, I64, I64, I64, I64, F64, BF, F64, F64, C128, C128},
      /* f16  */ {F16, F16, F16, F32, F64, F64, F16, F32, F32, F64, C64, C128},
      /* bf16 */ {BF, BF, BF, BF, BF, BF, F32, BF, F32, F64, C64, C128},
      /* f32  */ {F32, F32, F32, F32, F64, F64, F32, F32, F32, F64, C64, C128},
      /* f64  */ {F64, F64, F64, F64, F64, F64, F64, F64, F64, F64, C128, C128},
      /* c64  */ {C64, C64, C64, C64, C128, C128, C64, C64, C64, C128, C64, C128},
      /* c128 */ {C128, C128, C128, C128, C128, C128, C128, C128, C128, C128, C128, C128},
  };
  if (!es_dtype_valid(a) || !es_dtype_valid(b)) return ES_DTYPE_AUTO;
  return (es_dtype)table[a][b];
}

uint16_t es_f64_to_f16(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 48 & 0x8000);
  uint64_t magnitude = bits & INT64_MAX;
  if (magnitude > 0x7ff0000000000000u) return sign | 0x7e00;
  if (magnitude >= 0x40effe0000000000u) return sign | 0x7c00; /* >= 65520 rounds to inf */
  if (magnitude >= 0x3f10000000000000u) {                     /* normal: >= 2^-14 */
    uint64_t rebased = magnitude - ((uint64_t)(1023 - 15) << 52);
    uint64_t rounded = rebased + (((uint64_t)1 << 41) - 1) + (rebased >> 42 & 1);
    return (uint16_t)(sign | rounded >> 42);
  }
  /* Subnormal: the fraction counts 2^-24. Integers do not ask the rounding mode. */
  int shift = 1051 - (int)(magnitude >> 52);
  if (shift > 54) return sign; /* below a quarter of 2^-24 */
  uint64_t significand = (magnitude & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
  uint64_t half = (uint64_t)1 << (shift - 1), odd = significand >> shift & 1;
  return (uint16_t)(sign | (significand + half - 1 + odd) >> shift);
}

uint16_t es_f64_to_bf16(double value) {
  if (isnan(value)) return es_f32_to_bf16((float)value);
  /* Round to odd in float keeps the bit that a second rounding needs. */
  float near = (float)value;
  if (isfinite(near) && (double)near != value) {
    uint32_t bits;
    memcpy(&bits, &near, sizeof bits);
    if (fabs((double)near) > fabs(value)) bits--;
    bits |= 1;
    memcpy(&near, &bits, sizeof near);
  }
  return es_f32_to_bf16(near);
}

/* Above 2^53 the way through double rounds twice. Eleven low bits, folded into one
 * sticky bit, leave a number that double holds exactly. */
uint16_t es_i64_to_bf16(int64_t value) {
  uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
  if (magnitude >> 53) magnitude = (magnitude | ((magnitude & 2047) + 2047)) & ~(uint64_t)2047;
  double exact = (double)magnitude;
  return es_f64_to_bf16(value < 0 ? -exact : exact);
}

es_scalar es_scalar_load(es_dtype dtype, const void *at) {
  es_scalar v = {.cls = es_dtype_class(dtype)};
  switch (dtype) {
  case ES_BOOL: v.i = *(const uint8_t *)at != 0; break;
  case ES_U8: v.i = *(const uint8_t *)at; break;
  case ES_I8: v.i = *(const int8_t *)at; break;
  case ES_I16: v.i = *(const int16_t *)at; break;
  case ES_I32: v.i = *(const int32_t *)at; break;
  case ES_I64: v.i = *(const int64_t *)at; break;
  case ES_F16: v.re = (double)es_f16_to_f32(*(const uint16_t *)at); break;
  case ES_BF16: v.re = (double)es_bf16_to_f32(*(const uint16_t *)at); break;
  case ES_F32: v.re = (double)*(const float *)at; break;
  case ES_F64: v.re = *(const double *)at; break;
  case ES_C64: v.re = (double)((const float *)at)[0], v.im = (double)((const float *)at)[1]; break;
  case ES_C128: v.re = ((const double *)at)[0], v.im = ((const double *)at)[1]; break;
  default: break;
  }
  return v;
}

static bool store_int(es_dtype dtype, void *at, int64_t i) {
  int64_t low, high;
  es_dtype_int_range(dtype, &low, &high);
  if (i < low || i > high) return false;
  switch (dtype) {
  case ES_U8: *(uint8_t *)at = (uint8_t)i; break;
  case ES_I8: *(int8_t *)at = (int8_t)i; break;
  case ES_I16: *(int16_t *)at = (int16_t)i; break;
  case ES_I32: *(int32_t *)at = (int32_t)i; break;
  default: *(int64_t *)at = i; break;
  }
  return true;
}

static bool store_scalar(es_dtype dtype, void *at, es_scalar v) {
  bool integral = v.cls == ES_CLASS_BOOL || v.cls == ES_CLASS_INT;
  es_class to = es_dtype_class(dtype);
  if (to == ES_CLASS_BOOL) {
    *(uint8_t *)at = integral ? v.i != 0 : v.re != 0 || v.im != 0;
    return true;
  }
  if (v.cls == ES_CLASS_COMPLEX && to != ES_CLASS_COMPLEX) return false;
  if (to == ES_CLASS_INT) {
    if (integral) return store_int(dtype, at, v.i);
    double t = trunc(v.re);
    if (!(t >= -0x1p63 && t < 0x1p63)) return false;
    return store_int(dtype, at, (int64_t)t);
  }
  double re = integral ? (double)v.i : v.re;
  switch (dtype) {
  case ES_F16: *(uint16_t *)at = es_f64_to_f16(re); break;
  case ES_BF16: *(uint16_t *)at = integral ? es_i64_to_bf16(v.i) : es_f64_to_bf16(re); break;
  case ES_F32: *(float *)at = integral ? (float)v.i : (float)re; break;
  case ES_F64: *(double *)at = re; break;
  case ES_C64:
    ((float *)at)[0] = integral ? (float)v.i : (float)re, ((float *)at)[1] = (float)v.im;
    break;
  case ES_C128: ((double *)at)[0] = re, ((double *)at)[1] = v.im; break;
  default: break;
  }
  return true;
}

/* Numbers of the caller's round to nearest too, whatever his mode is. */
bool es_scalar_store(es_dtype dtype, void *at, es_scalar v) {
  es_fpenv environment = es_fpenv_enter();
  bool fits = store_scalar(dtype, at, v);
  es_fpenv_leave(environment);
  return fits;
}
