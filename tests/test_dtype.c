/* Element types: names, promotion, 16-bit floats, conversion of single elements. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <math.h>

#include "base/dtype.h"

Test(dtype, names_and_sizes) {
  static const struct {
    const char *name;
    es_dtype dtype;
    size_t size;
  } rows[] = {{"bool", ES_BOOL, 1}, {"u8", ES_U8, 1},   {"i8", ES_I8, 1},   {"i16", ES_I16, 2},
              {"i32", ES_I32, 4},   {"i64", ES_I64, 8}, {"f16", ES_F16, 2}, {"bf16", ES_BF16, 2},
              {"f32", ES_F32, 4},   {"f64", ES_F64, 8}, {"c64", ES_C64, 8}, {"c128", ES_C128, 16}};
  cr_assert_eq(sizeof rows / sizeof *rows, ES_DTYPE_COUNT);
  for (size_t i = 0; i < ES_DTYPE_COUNT; i++) {
    cr_assert_str_eq(es_dtype_name(rows[i].dtype), rows[i].name);
    cr_assert_eq(es_dtype_size(rows[i].dtype), rows[i].size);
    cr_assert_eq(es_dtype_from_name(rows[i].name), rows[i].dtype);
  }
  static const struct {
    const char *name;
    es_dtype dtype;
  } aliases[] = {{"float32", ES_F32},   {"float", ES_F32},       {"double", ES_F64},
                 {"float64", ES_F64},   {"half", ES_F16},        {"bfloat16", ES_BF16},
                 {"complex64", ES_C64}, {"complex128", ES_C128}, {"int64", ES_I64},
                 {"long", ES_I64},      {"int32", ES_I32},       {"int16", ES_I16},
                 {"int8", ES_I8},       {"uint8", ES_U8},        {"cfloat", ES_C64}};
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    cr_assert_eq(es_dtype_from_name(aliases[i].name), aliases[i].dtype, "%s", aliases[i].name);
  cr_assert_eq(es_dtype_from_name("float8"), ES_DTYPE_AUTO);
  cr_assert_eq(es_dtype_from_name(""), ES_DTYPE_AUTO);
  cr_assert_str_eq(es_dtype_name((es_dtype)12), "?");
  cr_assert_str_eq(es_dtype_name(ES_DTYPE_AUTO), "?");
  cr_assert_eq(es_dtype_size((es_dtype)-3), 0);
}

/* NumPy's rule from its own description, not from a table: the smallest type that
 * holds every value of both, where a float of p bits holds an integer type whose
 * values need at most p bits, and i32 and i64 count as fitting f64. */
typedef struct facts {
  int kind; /* 0 bool, 1 integer, 2 float, 3 complex */
  int bits; /* integers: of the magnitude; floats: of the significand */
  bool signs;
} facts;

static facts facts_of(es_dtype d) {
  static const facts all[] = {{0, 1, false}, {1, 8, false}, {1, 7, true},  {1, 15, true},
                              {1, 31, true}, {1, 63, true}, {2, 11, true}, {2, 8, true},
                              {2, 24, true}, {2, 53, true}, {3, 24, true}, {3, 53, true}};
  return all[d];
}

static bool holds(es_dtype wide, es_dtype d) {
  facts w = facts_of(wide), x = facts_of(d);
  if (d == wide || x.kind == 0) return true;
  if (w.kind < x.kind) return false;
  if (w.kind == 1) return w.bits >= x.bits && (w.signs || !x.signs);
  int bits = x.kind == 1 && x.bits > 53 ? 53 : x.bits; /* i64 counts as fitting f64 */
  return w.bits >= bits;
}

Test(dtype, promotion_follows_numpy) {
  static const es_dtype by_size[] = {ES_BOOL, ES_U8,  ES_I8,  ES_I16, ES_I32, ES_I64,
                                     ES_F16,  ES_F32, ES_F64, ES_C64, ES_C128};
  for (int a = 0; a < ES_DTYPE_COUNT; a++)
    for (int b = 0; b < ES_DTYPE_COUNT; b++) {
      es_dtype got = es_dtype_promote((es_dtype)a, (es_dtype)b);
      cr_assert_eq(got, es_dtype_promote((es_dtype)b, (es_dtype)a));
      if (a == ES_BF16 || b == ES_BF16) continue;
      es_dtype want = ES_DTYPE_AUTO;
      for (size_t i = 0; i < sizeof by_size / sizeof *by_size && want == ES_DTYPE_AUTO; i++)
        if (holds(by_size[i], (es_dtype)a) && holds(by_size[i], (es_dtype)b)) want = by_size[i];
      cr_assert_eq(got, want, "%s and %s: %s, not %s", es_dtype_name((es_dtype)a),
                   es_dtype_name((es_dtype)b), es_dtype_name(got), es_dtype_name(want));
    }
  cr_assert_eq(es_dtype_promote(ES_BF16, ES_I64), ES_BF16);
  cr_assert_eq(es_dtype_promote(ES_BF16, ES_F16), ES_F32);
  cr_assert_eq(es_dtype_promote(ES_BF16, ES_F32), ES_F32);
  cr_assert_eq(es_dtype_promote(ES_BF16, ES_C64), ES_C64);
  cr_assert_eq(es_dtype_promote(ES_F32, (es_dtype)40), ES_DTYPE_AUTO);
}

/* ---- 16-bit floats -------------------------------------------------------------- */

/* The value of f16 bits from the definition of the format. */
static double f16_value(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                     : exponent == 0 ? ldexp(fraction, -24)
                                     : ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static double bf16_value(uint16_t bits) {
  int exponent = bits >> 7 & 255, fraction = bits & 127;
  double magnitude = exponent == 255 ? (fraction ? NAN : INFINITY)
                     : exponent == 0 ? ldexp(fraction, -133)
                                     : ldexp(128 + fraction, exponent - 134);
  return bits & 0x8000 ? -magnitude : magnitude;
}

Test(dtype, every_f16_round_trips) {
  for (uint32_t b = 0; b < 65536; b++) {
    uint16_t bits = (uint16_t)b;
    double value = f16_value(bits);
    float single = es_f16_to_f32(bits);
    if (isnan(value)) {
      cr_assert(isnan(single));
      cr_assert(isnan(f16_value(es_f32_to_f16(single))));
      cr_assert(isnan(f16_value(es_f64_to_f16((double)single))));
      continue;
    }
    cr_assert(single == (float)value && !signbit(single) == !signbit(value));
    cr_assert_eq(es_f32_to_f16(single), bits);
    cr_assert_eq(es_f64_to_f16(value), bits);
  }
}

Test(dtype, every_bf16_round_trips) {
  for (uint32_t b = 0; b < 65536; b++) {
    uint16_t bits = (uint16_t)b;
    double value = bf16_value(bits);
    float single = es_bf16_to_f32(bits);
    if (isnan(value)) {
      cr_assert(isnan(single));
      cr_assert(isnan(bf16_value(es_f32_to_bf16(single))));
      cr_assert(isnan(bf16_value(es_f64_to_bf16((double)single))));
      continue;
    }
    cr_assert(single == (float)value && !signbit(single) == !signbit(value));
    cr_assert_eq(es_f32_to_bf16(single), bits);
    cr_assert_eq(es_f64_to_bf16(value), bits);
  }
}

/* Between two neighbours of the format: the nearer, at the middle the even one. */
static void check_rounding(uint16_t low, double (*value)(uint16_t), uint16_t (*from64)(double),
                           uint16_t (*from32)(float)) {
  uint16_t high = (uint16_t)(low + 1), even = low & 1 ? high : low;
  double a = value(low), b = value(high), middle = a + (b - a) / 2;
  if (isinf(b)) middle = a + (a - value((uint16_t)(low - 1))) / 2;
  const struct {
    double at;
    uint16_t want;
  } rows[] = {{a, low},
              {nextafter(middle, a), low},
              {middle, even},
              {nextafter(middle, INFINITY), high},
              {isinf(b) ? 1e300 : b, high}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    cr_assert_eq(from64(rows[i].at), rows[i].want, "%a", rows[i].at);
    cr_assert_eq(from64(-rows[i].at), rows[i].want | 0x8000, "%a", -rows[i].at);
    if ((double)(float)rows[i].at == rows[i].at)
      cr_assert_eq(from32((float)rows[i].at), rows[i].want, "%a", rows[i].at);
  }
}

/* nextafter(middle) is nearer to the middle than float can tell: going through
 * float would round twice, to the wrong side. */
Test(dtype, double_rounds_once) {
  for (uint16_t low = 0; low < 0x7c00; low++)
    check_rounding(low, f16_value, es_f64_to_f16, es_f32_to_f16);
  for (uint16_t low = 0; low < 0x7f80; low++)
    check_rounding(low, bf16_value, es_f64_to_bf16, es_f32_to_bf16);
}

Test(dtype, narrowing_ignores_the_rounding_mode) {
  static const int modes[] = {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
  for (size_t m = 0; m < 3; m++)
    for (uint16_t low = 0; low < 0x7c00; low = (uint16_t)(low + 7)) {
      double a = f16_value(low), b = f16_value((uint16_t)(low + 1));
      if (isinf(b)) continue;
      double third = a + (b - a) / 3;
      fesetround(modes[m]);
      uint16_t got = es_f64_to_f16(third), bf = es_f64_to_bf16(third);
      fesetround(FE_TONEAREST);
      cr_assert_eq(got, low);
      cr_assert_eq(bf, es_f64_to_bf16(third));
    }
}

Test(dtype, integers_to_bf16_round_once) {
  for (int shift = 10; shift < 63; shift++)
    for (int low = 128; low < 256; low++) {
      int64_t a, step = (int64_t)1 << (shift - 7);
      a = (int64_t)low * step;
      if (shift < 8 || a < 0) continue;
      uint16_t below = es_i64_to_bf16(a), even = low & 1 ? (uint16_t)(below + 1) : below;
      cr_assert_eq(bf16_value(below), (double)a);
      cr_assert_eq(es_i64_to_bf16(a + step / 2), even);
      cr_assert_eq(es_i64_to_bf16(a + step / 2 - 1), below);
      cr_assert_eq(es_i64_to_bf16(a + step / 2 + 1), step > 2 ? below + 1 : es_i64_to_bf16(a + 2));
      cr_assert_eq(es_i64_to_bf16(-a - step / 2 - 1), es_i64_to_bf16(a + step / 2 + 1) | 0x8000);
    }
  cr_assert_eq(bf16_value(es_i64_to_bf16(INT64_MIN)), -0x1p63);
  cr_assert_eq(bf16_value(es_i64_to_bf16(INT64_MAX)), 0x1p63);
}

/* ---- single elements --------------------------------------------------------------- */

Test(dtype, scalars_fit_or_are_refused) {
  for (int d = ES_U8; d <= ES_I64; d++) {
    int64_t low, high, stored = 77;
    es_dtype_int_range((es_dtype)d, &low, &high);
    int64_t probe[] = {low, high, 0, 1};
    for (size_t i = 0; i < 4; i++) {
      cr_assert(
          es_scalar_store((es_dtype)d, &stored, (es_scalar){.cls = ES_CLASS_INT, .i = probe[i]}));
      cr_assert_eq(es_scalar_load((es_dtype)d, &stored).i, probe[i]);
    }
    stored = 77;
    if (d != ES_I64) {
      cr_assert(
          !es_scalar_store((es_dtype)d, &stored, (es_scalar){.cls = ES_CLASS_INT, .i = high + 1}));
      cr_assert(
          !es_scalar_store((es_dtype)d, &stored, (es_scalar){.cls = ES_CLASS_INT, .i = low - 1}));
      cr_assert(es_scalar_store((es_dtype)d, &stored,
                                (es_scalar){.cls = ES_CLASS_FLOAT, .re = (double)high + 0.9}));
      cr_assert_eq(es_scalar_load((es_dtype)d, &stored).i, high);
    }
    stored = 77;
    static const double outside[] = {NAN, INFINITY, -INFINITY, 0x1p63, -0x1.1p63, 1e300};
    for (size_t i = 0; i < 6; i++)
      cr_assert(!es_scalar_store((es_dtype)d, &stored,
                                 (es_scalar){.cls = ES_CLASS_FLOAT, .re = outside[i]}));
    cr_assert(
        !es_scalar_store((es_dtype)d, &stored, (es_scalar){.cls = ES_CLASS_COMPLEX, .re = 1}));
    cr_assert_eq(stored, 77, "a refused value was written");
  }
}

Test(dtype, classes_and_compute_types) {
  static const es_dtype compute[] = {ES_I64, ES_I64, ES_I64, ES_I64, ES_I64, ES_I64,
                                     ES_F32, ES_F32, ES_F32, ES_F64, ES_C64, ES_C128};
  static const es_class classes[] = {ES_CLASS_BOOL,  ES_CLASS_INT,     ES_CLASS_INT,
                                     ES_CLASS_INT,   ES_CLASS_INT,     ES_CLASS_INT,
                                     ES_CLASS_FLOAT, ES_CLASS_FLOAT,   ES_CLASS_FLOAT,
                                     ES_CLASS_FLOAT, ES_CLASS_COMPLEX, ES_CLASS_COMPLEX};
  for (int d = 0; d < ES_DTYPE_COUNT; d++) {
    cr_assert_eq(es_dtype_compute((es_dtype)d), compute[d]);
    cr_assert_eq(es_dtype_class((es_dtype)d), classes[d]);
  }
}
