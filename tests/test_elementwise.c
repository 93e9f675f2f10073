/* Elementwise operations: every int8 pair, NumPy's result types, NaN and signed
 * zeros, broadcasting, errors that name the place. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/dtype.h"
#include "base/wide.h"
#include "einstride.h"

static es_ctx *ctx;
static void setup(void) { ctx = es_ctx_create(&(es_config){.threads = 1}); }
static void teardown(void) { es_ctx_destroy(ctx); }
TestSuite(elementwise, .init = setup, .fini = teardown);

static void check_error(const es_tensor *t, es_status status, const char *message) {
  cr_assert_null(t);
  cr_assert_eq(es_ctx_error(ctx)->status, status, "%s", es_error_text(ctx));
  cr_assert_str_eq(es_ctx_error(ctx)->message, message);
  es_clear_error(ctx);
}

/* ---- integers: exact, or an error ---------------------------------------------------- */

/* Python's result in unlimited integers; false where there is none. */
static bool exact(es_binary_op op, int a, int b, int64_t *out) {
  int64_t x = a, y = b, q;
  switch (op) {
  case ES_ADD: *out = x + y; return true;
  case ES_SUB: *out = x - y; return true;
  case ES_MUL: *out = x * y; return true;
  case ES_FLOORDIV:
    if (!y) return false;
    q = x / y;
    *out = q * y == x || (x < 0) == (y < 0) ? q : q - 1;
    return true;
  case ES_MOD:
    if (!y) return false;
    q = x % y;
    *out = q && (q < 0) != (y < 0) ? q + y : q;
    return true;
  case ES_POW:
    if (y < 0) return false;
    for (*out = 1; y > 0; y--) {
      *out *= x;
      if (*out > 1 << 20 || *out < -(1 << 20)) return true; /* out of range for good */
    }
    return true;
  case ES_MAXIMUM: *out = x > y ? x : y; return true;
  case ES_MINIMUM: *out = x < y ? x : y; return true;
  case ES_EQ: *out = x == y; return true;
  case ES_NE: *out = x != y; return true;
  case ES_LT: *out = x < y; return true;
  case ES_LE: *out = x <= y; return true;
  case ES_GT: *out = x > y; return true;
  case ES_GE: *out = x >= y; return true;
  case ES_AND: *out = x && y; return true;
  case ES_OR: *out = x || y; return true;
  default: *out = !x != !y; return true;
  }
}

Test(elementwise, all_pairs_of_int8) {
  static const es_isa widths[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  int64_t one = 1;
  for (int w = 0; w < 3; w++) {
    if (es_set_isa(ctx, widths[w]) != ES_OK) continue;
    for (int o = 0; o < ES_BINARY_COUNT; o++) {
      es_binary_op op = (es_binary_op)o;
      if (op == ES_DIV || op == ES_ATAN2) continue;
      for (int a = -128; a < 128; a++) {
        /* The b that have a result are computed in one call, the others one by one. */
        int8_t bs[256], want[256];
        int n = 0;
        es_scope_push(ctx);
        es_tensor *x = es_full(ctx, ES_I8, 1, &one, a);
        for (int b = -128; b < 128; b++) {
          int64_t r;
          bool has = exact(op, a, b, &r), fits = has && r >= -128 && r < 128;
          if (fits) {
            want[n] = (int8_t)r;
            bs[n++] = (int8_t)b;
          } else if (w == 0) {
            es_scope_push(ctx);
            cr_assert_null(es_binary(ctx, op, x, es_full(ctx, ES_I8, 1, &one, b)), "%d: %d, %d", o,
                           a, b);
            cr_assert_eq(es_ctx_error(ctx)->status, has ? ES_E_OVERFLOW : ES_E_VALUE);
            es_clear_error(ctx);
            es_scope_pop(ctx);
          }
        }
        es_tensor *y = es_binary(ctx, op, x, es_from_data(ctx, ES_I8, ES_SHAPE(n), bs));
        cr_assert(y, "%d: %d: %s", o, a, es_error_text(ctx));
        cr_assert_eq(es_dtype_of(y), o >= ES_EQ ? ES_BOOL : ES_I8);
        for (int i = 0; i < n; i++)
          cr_assert_eq(((const int8_t *)es_data(y))[i], want[i], "%d: %d, %d", o, a, bs[i]);
        es_scope_pop(ctx);
      }
    }
  }
}

Test(elementwise, all_int8_through_unary_operations) {
  for (int a = -128; a < 128; a++) {
    const struct {
      es_unary_op op;
      int want;
      es_dtype dtype;
    } rows[] = {{ES_NEG, -a, ES_I8},
                {ES_ABS, a < 0 ? -a : a, ES_I8},
                {ES_SIGN, (a > 0) - (a < 0), ES_I8},
                {ES_SQUARE, a * a, ES_I8},
                {ES_FLOOR, a, ES_I8},
                {ES_CEIL, a, ES_I8},
                {ES_ROUND, a, ES_I8},
                {ES_TRUNC, a, ES_I8},
                {ES_NOT, !a, ES_BOOL},
                {ES_ISNAN, 0, ES_BOOL},
                {ES_ISINF, 0, ES_BOOL},
                {ES_ISFINITE, 1, ES_BOOL},
                {ES_CONJ, a, ES_I8},
                {ES_REAL, a, ES_I8},
                {ES_IMAG, 0, ES_I8}};
    es_scope_push(ctx);
    es_tensor *x = es_full(ctx, ES_I8, ES_SHAPE(3), a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      es_tensor *y = es_unary(ctx, rows[i].op, x);
      bool fits = rows[i].want >= -128 && rows[i].want < 128;
      cr_assert_eq(y != NULL, fits, "row %zu, %d", i, a);
      if (!fits) cr_assert_eq(es_ctx_error(ctx)->status, ES_E_OVERFLOW);
      es_clear_error(ctx);
      if (!y) continue;
      cr_assert_eq(es_dtype_of(y), rows[i].dtype);
      cr_assert_eq(((const int8_t *)es_data(y))[2], rows[i].want);
    }
    es_scope_pop(ctx);
  }
}

static const int64_t edges[] = {INT64_MIN,
                                INT64_MIN + 1,
                                -((int64_t)1 << 32),
                                -3037000500,
                                -2,
                                -1,
                                0,
                                1,
                                2,
                                62,
                                63,
                                64,
                                3037000499,
                                3037000500,
                                (int64_t)1 << 32,
                                INT64_MAX - 1,
                                INT64_MAX};
enum { EDGES = sizeof edges / sizeof *edges };

Test(elementwise, edges_of_int64) {
  static const es_binary_op ops[] = {ES_ADD, ES_SUB,     ES_MUL, ES_FLOORDIV,
                                     ES_MOD, ES_MAXIMUM, ES_LT};
  for (size_t o = 0; o < sizeof ops / sizeof *ops; o++)
    for (int i = 0; i < EDGES; i++)
      for (int j = 0; j < EDGES; j++) {
        es_i128 a = edges[i], b = edges[j], want;
        bool has = true;
        switch (ops[o]) {
        case ES_ADD: want = a + b; break;
        case ES_SUB: want = a - b; break;
        case ES_MUL: want = a * b; break;
        case ES_MAXIMUM: want = a > b ? a : b; break;
        case ES_LT: want = a < b; break;
        default:
          has = b != 0;
          want = !has ? 0 : b > 0 ? es_i128_floor_div(a, b) : es_i128_floor_div(-a, -b);
          if (ops[o] == ES_MOD && has) want = a - want * b;
        }
        bool fits = has && want >= INT64_MIN && want <= INT64_MAX;
        es_scope_push(ctx);
        es_tensor *y = es_binary(ctx, ops[o], es_from_data(ctx, ES_I64, ES_SHAPE(1), &edges[i]),
                                 es_from_data(ctx, ES_I64, ES_SHAPE(1), &edges[j]));
        cr_assert_eq(y != NULL, fits, "op %zu: %lld, %lld", o, (long long)edges[i],
                     (long long)edges[j]);
        if (y && ops[o] != ES_LT) cr_assert_eq(*(const int64_t *)es_data(y), (int64_t)want);
        es_clear_error(ctx);
        es_scope_pop(ctx);
      }
}

Test(elementwise, powers_of_int64) {
  for (int i = 0; i < EDGES; i++)
    for (int64_t e = 0; e < 70; e++) {
      es_i128 want = 1;
      bool fits = true;
      for (int64_t k = 0; k < e && fits; k++) {
        want *= edges[i];
        fits = want >= INT64_MIN && want <= INT64_MAX;
        if (edges[i] == 0 || edges[i] == 1 || edges[i] == -1) continue;
      }
      es_scope_push(ctx);
      es_tensor *y = es_binary_scalar(
          ctx, ES_POW, es_from_data(ctx, ES_I64, ES_SHAPE(1), &edges[i]), (double)e, true, false);
      cr_assert_eq(y != NULL, fits, "%lld ** %lld", (long long)edges[i], (long long)e);
      if (y) cr_assert_eq(*(const int64_t *)es_data(y), (int64_t)want);
      es_clear_error(ctx);
      es_scope_pop(ctx);
    }
}

Test(elementwise, errors_name_values_and_place) {
  es_tensor *x = es_full(ctx, ES_I8, ES_SHAPE(4, 1, 8), 100),
            *y = es_ramp(ctx, ES_I8, ES_SHAPE(3, 8));
  check_error(es_binary(ctx, ES_ADD, x, es_binary_scalar(ctx, ES_MUL, y, 2, true, false)),
              ES_E_OVERFLOW, "add(100, 28) at (0, 1, 6) does not fit i8; cast to i16 first");
  check_error(es_binary(ctx, ES_FLOORDIV, x, y), ES_E_VALUE,
              "floor_divide(100, 0) at (0, 0, 0): an integer divided by zero has no value");
  check_error(es_binary_scalar(ctx, ES_MOD, y, 0, true, false), ES_E_VALUE,
              "remainder(0, 0) at (0, 0): an integer divided by zero has no value");
  check_error(es_binary_scalar(ctx, ES_POW, x, -1, true, false), ES_E_VALUE,
              "power(100, -1) at (0, 0, 0): a negative power of an integer is not an integer; cast "
              "to f64 first");
  check_error(es_unary(ctx, ES_NEG, es_full(ctx, ES_I64, ES_SHAPE(2), -0x1p63)), ES_E_OVERFLOW,
              "negative(-9223372036854775808) at (0,) does not fit i64; cast to f64 first");
  check_error(es_binary(ctx, ES_ADD, x, es_ramp(ctx, ES_F32, ES_SHAPE(4, 7))), ES_E_EXTENT,
              "add: shapes (4, 1, 8) and (4, 7) do not broadcast: axis -1 has 8 in operand 0 and 7 "
              "in operand 1");
  es_tensor *b = es_zeros(ctx, ES_BOOL, ES_SHAPE(2));
  check_error(es_binary(ctx, ES_SUB, b, b), ES_E_DTYPE,
              "subtract has no rule for bool and bool; use a logical operation or cast first");
  check_error(es_unary(ctx, ES_NEG, b), ES_E_DTYPE,
              "negative has no rule for bool; use a logical operation or cast first");
  es_tensor *z = es_zeros(ctx, ES_C64, ES_SHAPE(2));
  check_error(es_binary(ctx, ES_LT, z, b), ES_E_DTYPE, "less has no rule for c64 and bool");
  check_error(es_binary(ctx, ES_MAXIMUM, z, z), ES_E_DTYPE, "maximum has no rule for c64 and c64");
  check_error(es_unary(ctx, ES_ERF, z), ES_E_DTYPE, "erf has no rule for c64");
  check_error(es_unary(ctx, (es_unary_op)99, z), ES_E_VALUE, "es_unary: there is no operation 99");
  check_error(es_binary(ctx, (es_binary_op)-1, z, z), ES_E_VALUE,
              "es_binary: there is no operation -1");
  check_error(es_binary_scalar(ctx, ES_ADD, y, 0.5, true, false), ES_E_VALUE,
              "add: the integer scalar is not an integer of 64 bits");
  check_error(es_binary_scalar(ctx, ES_ADD, y, 1e19, true, false), ES_E_VALUE,
              "add: the integer scalar is not an integer of 64 bits");
}

/* ---- result types ----------------------------------------------------------------------- */

static void check_type(const es_tensor *t, es_dtype want, const char *what, es_dtype a,
                       es_dtype b) {
  cr_assert(t, "%s of %s and %s: %s", what, es_dtype_name(a), es_dtype_name(b), es_error_text(ctx));
  cr_assert_eq(es_dtype_of(t), want, "%s of %s and %s gives %s, not %s", what, es_dtype_name(a),
               es_dtype_name(b), es_dtype_name(es_dtype_of(t)), es_dtype_name(want));
}

Test(elementwise, result_types_of_pairs) {
  for (int i = 0; i < ES_DTYPE_COUNT; i++)
    for (int j = 0; j < ES_DTYPE_COUNT; j++) {
      es_dtype a = (es_dtype)i, b = (es_dtype)j, t = es_dtype_promote(a, b);
      bool integral = t <= ES_I64, complex_t = t >= ES_C64;
      es_scope_push(ctx);
      es_tensor *x = es_full(ctx, a, ES_SHAPE(2), 1), *y = es_full(ctx, b, ES_SHAPE(2), 1);
      check_type(es_binary(ctx, ES_MUL, x, y), t, "multiply", a, b);
      check_type(es_binary(ctx, ES_DIV, x, y), integral ? ES_F64 : t, "divide", a, b);
      check_type(es_binary(ctx, ES_EQ, x, y), ES_BOOL, "equal", a, b);
      check_type(es_binary(ctx, ES_AND, x, y), ES_BOOL, "logical_and", a, b);
      check_type(es_binary(ctx, ES_POW, x, y), t == ES_BOOL ? ES_I8 : t, "power", a, b);
      check_type(es_where(ctx, x, x, y), t, "where", a, b);
      if (!complex_t) {
        check_type(es_binary(ctx, ES_MAXIMUM, x, y), t, "maximum", a, b);
        check_type(es_binary(ctx, ES_FLOORDIV, x, y), t == ES_BOOL ? ES_I8 : t, "floor_divide", a,
                   b);
        check_type(es_binary(ctx, ES_ATAN2, x, y),
                   t <= ES_I16 ? ES_F32
                   : integral  ? ES_F64
                               : t,
                   "arctan2", a, b);
      }
      es_scope_pop(ctx);
    }
}

Test(elementwise, result_types_of_one) {
  for (int i = 0; i < ES_DTYPE_COUNT; i++) {
    es_dtype d = (es_dtype)i, part = d == ES_C64 ? ES_F32 : d == ES_C128 ? ES_F64 : d;
    es_dtype real = d <= ES_I16 ? ES_F32 : d <= ES_I64 ? ES_F64 : d;
    es_tensor *x = es_full(ctx, d, ES_SHAPE(2), 1);
    check_type(es_unary(ctx, ES_EXP, x), real, "exp", d, d);
    check_type(es_unary(ctx, ES_RECIPROCAL, x), real, "reciprocal", d, d);
    check_type(es_unary(ctx, ES_ABS, x), part, "abs", d, d);
    check_type(es_unary(ctx, ES_REAL, x), part, "real", d, d);
    check_type(es_unary(ctx, ES_IMAG, x), part, "imag", d, d);
    check_type(es_unary(ctx, ES_CONJ, x), d, "conj", d, d);
    check_type(es_unary(ctx, ES_SQUARE, x), d == ES_BOOL ? ES_I8 : d, "square", d, d);
    check_type(es_unary(ctx, ES_ISNAN, x), ES_BOOL, "isnan", d, d);
    /* NumPy 2's scalars: the kind may rise, the size within a kind does not. */
    check_type(es_binary_scalar(ctx, ES_ADD, x, 1, true, false), d == ES_BOOL ? ES_I64 : d, "+ 1",
               d, d);
    check_type(es_binary_scalar(ctx, ES_ADD, x, 0.5, false, true), d <= ES_I64 ? ES_F64 : d,
               "0.5 +", d, d);
    if (d < ES_C64)
      check_type(es_binary_scalar(ctx, ES_LT, x, 300, true, false), ES_BOOL, "< 300", d, d);
  }
}

Test(elementwise, booleans_as_numpy) {
  const uint8_t p[] = {0, 0, 1, 1}, q[] = {0, 1, 0, 1};
  es_tensor *a = es_from_data(ctx, ES_BOOL, ES_SHAPE(4), p),
            *b = es_from_data(ctx, ES_BOOL, ES_SHAPE(4), q);
  const struct {
    es_binary_op op;
    uint8_t want[4];
  } rows[] = {{ES_ADD, {0, 1, 1, 1}},     {ES_MUL, {0, 0, 0, 1}}, {ES_MAXIMUM, {0, 1, 1, 1}},
              {ES_MINIMUM, {0, 0, 0, 1}}, {ES_XOR, {0, 1, 1, 0}}, {ES_EQ, {1, 0, 0, 1}},
              {ES_POW, {1, 0, 1, 1}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    cr_assert_eq(memcmp(es_data(es_binary(ctx, rows[i].op, a, b)), rows[i].want, 4), 0, "row %zu",
                 i);
}

/* ---- real numbers -------------------------------------------------------------------------- */

static const double specials[] = {0.0,      -0.0,      1,   -1,   0.5,    -2.5, 3,
                                  INFINITY, -INFINITY, NAN, 1e30, -1e-30, 7,    -7};
enum { SPECIALS = sizeof specials / sizeof *specials };

static bool same(double a, double b) {
  return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

/* Python's // and %, from CPython's float_divmod. */
static void divmod(double a, double b, double *q, double *r) {
  if (b == 0) {
    *q = a / b;
    *r = NAN;
    return;
  }
  *r = fmod(a, b);
  double div = (a - *r) / b;
  if (*r != 0) {
    if ((b < 0) != (*r < 0)) {
      *r += b;
      div -= 1;
    }
  } else {
    *r = copysign(0, b);
  }
  if (div != 0) {
    *q = floor(div);
    if (div - *q > 0.5) *q += 1;
  } else {
    *q = copysign(0, a / b);
  }
}

static double real_op(es_binary_op op, double a, double b) {
  double q, r;
  switch (op) {
  case ES_ADD: return a + b;
  case ES_SUB: return a - b;
  case ES_MUL: return a * b;
  case ES_DIV: return a / b;
  case ES_POW: return pow(a, b);
  case ES_ATAN2: return atan2(a, b);
  case ES_FLOORDIV: return divmod(a, b, &q, &r), q;
  case ES_MOD: return divmod(a, b, &q, &r), r;
  case ES_MAXIMUM:
    if (isnan(a) || isnan(b)) return NAN;
    return a == b ? (signbit(a) ? b : a) : a > b ? a : b;
  case ES_MINIMUM:
    if (isnan(a) || isnan(b)) return NAN;
    return a == b ? (signbit(a) ? a : b) : a < b ? a : b;
  case ES_EQ: return a == b;
  case ES_NE: return a != b;
  case ES_LT: return a < b;
  case ES_LE: return a <= b;
  case ES_GT: return a > b;
  case ES_GE: return a >= b;
  case ES_AND: return a != 0 && b != 0;
  case ES_OR: return a != 0 || b != 0;
  default: return (a != 0) != (b != 0);
  }
}

/* Every pair of special values at every place of a vector, every width, f32 and f64. */
Test(elementwise, special_values) {
  static const es_isa widths[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  enum { N = SPECIALS * SPECIALS };
  double a[N], b[N], got[N];
  for (int i = 0; i < N; i++) a[i] = specials[i / SPECIALS], b[i] = specials[i % SPECIALS];
  for (int w = 0; w < 3; w++) {
    if (es_set_isa(ctx, widths[w]) != ES_OK) continue;
    for (int single = 0; single < 2; single++)
      for (int o = 0; o < ES_BINARY_COUNT; o++) {
        es_dtype type = single ? ES_F32 : ES_F64;
        es_scope_push(ctx);
        es_tensor *x = es_cast(ctx, es_from_data(ctx, ES_F64, ES_SHAPE(N), a), type);
        es_tensor *y = es_cast(ctx, es_from_data(ctx, ES_F64, ES_SHAPE(N), b), type);
        es_tensor *z = es_binary(ctx, (es_binary_op)o, x, y);
        cr_assert_eq(es_read(ctx, z, ES_F64, got, N), ES_OK);
        for (int i = 0; i < N; i++) {
          double p = single ? (double)(float)a[i] : a[i], q = single ? (double)(float)b[i] : b[i];
          double want = real_op((es_binary_op)o, p, q);
          if (single) want = (double)(float)want;
          bool close = fabs(got[i] - want) <= 3e-7 * fabs(want); /* pow, atan2: libm's ulp */
          bool loose = o == ES_POW || o == ES_ATAN2 ||
                       (single && (o == ES_FLOORDIV || o == ES_MOD));
          cr_assert(same(got[i], want) || (loose && close), "op %d (%g, %g): %g, not %g", o, p, q,
                    got[i], want);
        }
        es_scope_pop(ctx);
      }
  }
}

Test(elementwise, nan_wins_wherever_it_stands) {
  for (int n = 1; n < 70; n++)
    for (int at = 0; at < n; at++) {
      es_scope_push(ctx);
      es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(n)), *y = es_full(ctx, ES_F32, ES_SHAPE(n), 3);
      ((float *)es_data_mut(at % 2 ? x : y))[at] = NAN;
      const float *high = es_data(es_binary(ctx, ES_MAXIMUM, x, y)),
                  *low = es_data(es_binary(ctx, ES_MINIMUM, x, y));
      for (int i = 0; i < n; i++) {
        cr_assert_eq(isnan(high[i]) != 0, i == at);
        cr_assert_eq(isnan(low[i]) != 0, i == at);
      }
      es_scope_pop(ctx);
    }
}

/* Against the C library in double; bound: two ulps of the type, and for f16 and
 * bf16 the one rounding of the store. */
Test(elementwise, functions_of_one_real) {
  static const struct {
    es_unary_op op;
    double (*f)(double);
    double low, high;
  } rows[] = {{ES_SQRT, sqrt, 0, 100},    {ES_EXP, exp, -20, 10},     {ES_EXPM1, expm1, -1, 1},
              {ES_LOG, log, 1e-3, 50},    {ES_LOG1P, log1p, -0.9, 5}, {ES_LOG2, log2, 0.1, 50},
              {ES_LOG10, log10, 0.1, 50}, {ES_SIN, sin, -7, 7},       {ES_COS, cos, -7, 7},
              {ES_TAN, tan, -1.5, 1.5},   {ES_TANH, tanh, -5, 5},     {ES_ERF, erf, -4, 4},
              {ES_FLOOR, floor, -5, 5},   {ES_CEIL, ceil, -5, 5},     {ES_ROUND, nearbyint, -5, 5},
              {ES_TRUNC, trunc, -5, 5},   {ES_ABS, fabs, -5, 5}};
  static const struct {
    es_dtype dtype;
    double ulp;
  } types[] = {{ES_F64, 0x1p-52}, {ES_F32, 0x1p-23}, {ES_F16, 0x1p-11}, {ES_BF16, 0x1p-8}};
  enum { N = 1001 };
  double in[N], out[N];
  for (size_t d = 0; d < 4; d++)
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
      es_scope_push(ctx);
      es_tensor *x = es_cast(ctx, es_linspace(ctx, ES_F64, rows[r].low, rows[r].high, N),
                             types[d].dtype);
      cr_assert_eq(es_read(ctx, x, ES_F64, in, N), ES_OK);
      cr_assert_eq(es_read(ctx, es_unary(ctx, rows[r].op, x), ES_F64, out, N), ES_OK);
      for (int i = 0; i < N; i++) {
        double want = rows[r].f(in[i]);
        cr_assert(fabs(out[i] - want) <=
                      2 * types[d].ulp * fabs(want) + 0x1p-24 * (types[d].dtype == ES_F16),
                  "row %zu, type %zu at %.17g: %.17g, not %.17g", r, d, in[i], out[i], want);
      }
      es_scope_pop(ctx);
    }
}

Test(elementwise, special_values_of_one_real) {
  static const struct {
    es_unary_op op;
    double in, out;
  } rows[] = {{ES_SIGN, -0.0, 0.0},
              {ES_SIGN, NAN, NAN},
              {ES_SIGN, -3, -1},
              {ES_ABS, -0.0, 0.0},
              {ES_NEG, 0.0, -0.0},
              {ES_SQRT, -1, NAN},
              {ES_LOG, 0, -INFINITY},
              {ES_LOG, -1, NAN},
              {ES_EXP, -INFINITY, 0},
              {ES_EXP, 800, INFINITY},
              {ES_RECIPROCAL, -0.0, -INFINITY},
              {ES_RSQRT, 4, 0.5},
              {ES_RSQRT, 0, INFINITY},
              {ES_ROUND, 2.5, 2},
              {ES_ROUND, -0.4, -0.0},
              {ES_ROUND, 3.5, 4},
              {ES_TANH, INFINITY, 1},
              {ES_ERF, -INFINITY, -1},
              {ES_ISNAN, NAN, 1},
              {ES_ISNAN, INFINITY, 0},
              {ES_ISINF, -INFINITY, 1},
              {ES_ISINF, NAN, 0},
              {ES_ISFINITE, 1e308, 1},
              {ES_ISFINITE, NAN, 0},
              {ES_NOT, -0.0, 1},
              {ES_NOT, NAN, 0},
              {ES_CONJ, -2, -2},
              {ES_REAL, -2, -2},
              {ES_IMAG, -2, 0},
              {ES_LOG1P, -1, -INFINITY},
              {ES_SQUARE, -3, 9}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    double got;
    es_tensor *y = es_unary(ctx, rows[r].op, es_full(ctx, ES_F64, ES_SHAPE(1), rows[r].in));
    cr_assert_eq(es_read(ctx, y, ES_F64, &got, 1), ES_OK);
    cr_assert(same(got, rows[r].out), "row %zu: %g", r, got);
  }
}

/* ---- complex numbers --------------------------------------------------------------------- */

Test(elementwise, complex_numbers) {
  static const double re[] = {0, 1, -1, 0.5, -2, 3}, im[] = {0, 2, -0.5, 1, -3, 0.25};
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) {
      double complex a = re[i] + im[i] * I, b = re[j] + im[j] * I;
      es_scope_push(ctx);
      es_tensor *x = es_from_data(ctx, ES_C128, ES_SHAPE(1), &a),
                *y = es_from_data(ctx, ES_C128, ES_SHAPE(1), &b);
#define GOT(t) (*(const double complex *)es_data(t))
#define NEAR(t, want) cr_assert(cabs(GOT(t) - (want)) <= 1e-14 * (1 + cabs(want)), "%d, %d", i, j)
      NEAR(es_binary(ctx, ES_ADD, x, y), a + b);
      NEAR(es_binary(ctx, ES_SUB, x, y), a - b);
      NEAR(es_binary(ctx, ES_MUL, x, y), a * b);
      if (b != 0) NEAR(es_binary(ctx, ES_DIV, x, y), a / b);
      if (a != 0) NEAR(es_binary(ctx, ES_POW, x, y), cpow(a, b));
      NEAR(es_unary(ctx, ES_EXP, x), cexp(a));
      NEAR(es_unary(ctx, ES_EXPM1, x), cexp(a) - 1);
      NEAR(es_unary(ctx, ES_SQRT, x), csqrt(a));
      NEAR(es_unary(ctx, ES_SIN, x), csin(a));
      NEAR(es_unary(ctx, ES_COS, x), ccos(a));
      NEAR(es_unary(ctx, ES_TANH, x), ctanh(a));
      NEAR(es_unary(ctx, ES_CONJ, x), conj(a));
      NEAR(es_unary(ctx, ES_NEG, x), -a);
      NEAR(es_unary(ctx, ES_SQUARE, x), a * a);
      if (a != 0) {
        NEAR(es_unary(ctx, ES_LOG, x), clog(a));
        NEAR(es_unary(ctx, ES_LOG2, x), clog(a) / log(2));
        NEAR(es_unary(ctx, ES_LOG10, x), clog(a) / log(10));
        NEAR(es_unary(ctx, ES_RECIPROCAL, x), 1 / a);
        NEAR(es_unary(ctx, ES_RSQRT, x), 1 / csqrt(a));
        NEAR(es_unary(ctx, ES_SIGN, x), a / cabs(a));
      }
      cr_assert(fabs(*(const double *)es_data(es_unary(ctx, ES_ABS, x)) - cabs(a)) <
                1e-15 * (1 + cabs(a)));
      cr_assert_eq(*(const double *)es_data(es_unary(ctx, ES_REAL, x)), re[i]);
      cr_assert_eq(*(const double *)es_data(es_unary(ctx, ES_IMAG, x)), im[i]);
      cr_assert_eq(*(const bool *)es_data(es_binary(ctx, ES_EQ, x, y)), a == b);
      cr_assert_eq(*(const bool *)es_data(es_binary(ctx, ES_XOR, x, y)), (a != 0) != (b != 0));
      cr_assert_eq(*(const bool *)es_data(es_unary(ctx, ES_NOT, x)), a == 0);
      float complex single = (float complex)a;
      es_tensor *s = es_binary(ctx, ES_MUL, es_from_data(ctx, ES_C64, ES_SHAPE(1), &single),
                               es_full(ctx, ES_F32, ES_SHAPE(1), 2));
      cr_assert(es_dtype_of(s) == ES_C64 && *(const float complex *)es_data(s) == 2 * single);
      es_scope_pop(ctx);
    }
}

/* ---- broadcasting and layouts ---------------------------------------------------------------- */

Test(elementwise, broadcasting_against_indices) {
  static const int64_t sides[] = {1, 2, 3, 0};
  for (int code = 0; code < 4096; code++) {
    int64_t a[3], b[3], out[3], got[27];
    int ra = code >> 10 & 3, rb = 3 - (code >> 11 & 1);
    bool fits = true;
    for (int i = 0, rest = code; i < 3; i++, rest >>= 1) {
      a[i] = sides[(rest ^ code >> 5) & 3];
      b[i] = sides[(rest >> 3) & 3];
    }
    int rank = ra > rb ? ra : rb;
    for (int i = 0; i < rank; i++) {
      int64_t p = i < rank - ra ? 1 : a[i - (rank - ra)],
              q = i < rank - rb ? 1 : b[i - (rank - rb)];
      fits &= p == q || p == 1 || q == 1;
      out[i] = p == 1 ? q : p;
    }
    es_scope_push(ctx);
    es_tensor *x = es_ramp(ctx, ES_I64, ra, a), *y = es_ramp(ctx, ES_I64, rb, b);
    es_tensor *z = es_binary(ctx, ES_ADD, x, es_binary_scalar(ctx, ES_MUL, y, 100, true, false));
    cr_assert_eq(z != NULL, fits, "code %d", code);
    es_clear_error(ctx);
    if (z) {
      cr_assert_eq(es_rank(z), rank);
      for (int i = 0; i < rank; i++) cr_assert_eq(es_shape(z)[i], out[i]);
      es_read(ctx, z, ES_I64, got, es_size(z));
      for (int64_t k = 0; k < es_size(z); k++) {
        int64_t rest = k, p = 0, q = 0, pa = 1, pb = 1;
        for (int i = rank - 1; i >= 0; i--) {
          int64_t index = rest % out[i];
          rest /= out[i];
          int ia = i - (rank - ra), ib = i - (rank - rb);
          if (ia >= 0) p += (a[ia] == 1 ? 0 : index) * pa, pa *= a[ia];
          if (ib >= 0) q += (b[ib] == 1 ? 0 : index) * pb, pb *= b[ib];
        }
        cr_assert_eq(got[k], p + 100 * q, "code %d", code);
      }
    }
    es_scope_pop(ctx);
  }
}

Test(elementwise, any_layout_gives_the_same_bits) {
  es_tensor *x = es_randn(ctx, ES_F32, ES_SHAPE(37, 61)),
            *y = es_randn(ctx, ES_F32, ES_SHAPE(37, 61));
  es_tensor *plain = es_binary(ctx, ES_POW, es_unary(ctx, ES_ABS, x), y);
  es_tensor *turned =
      es_transpose(ctx, es_copy(ctx, es_transpose(ctx, es_unary(ctx, ES_ABS, x), 0, 1)), 0, 1);
  es_tensor *flipped = es_flip(ctx, es_copy(ctx, es_flip(ctx, y, 1)), 1);
  es_tensor *other = es_binary(ctx, ES_POW, turned, flipped);
  cr_assert_eq(memcmp(es_data(plain), es_data(other), 37 * 61 * sizeof(float)), 0);
}

Test(elementwise, scalars) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(4));
  const double *half = es_data(es_binary_scalar(ctx, ES_MUL, x, 0.5, false, false));
  cr_assert(half[3] == 1.5);
  const int32_t *less = es_data(es_binary_scalar(ctx, ES_SUB, x, 10, true, true));
  cr_assert_eq(less[3], 7);
  /* f16 keeps its type, the scalar is rounded to it first, as NumPy does. */
  es_tensor *h = es_binary_scalar(ctx, ES_MUL, es_full(ctx, ES_F16, ES_SHAPE(1), 3), 0.1, false,
                                  false);
  cr_assert(es_f16_to_f32(*(const uint16_t *)es_data(h)) ==
            es_f16_to_f32(es_f64_to_f16(3 * (double)es_f16_to_f32(es_f64_to_f16(0.1)))));
  cr_assert(*(const bool *)es_data(
      es_binary_scalar(ctx, ES_LT, es_full(ctx, ES_U8, ES_SHAPE(1), 255), 300, true, false)));
  es_tensor *inf = es_binary_scalar(ctx, ES_ADD, es_zeros(ctx, ES_F16, ES_SHAPE(1)), 1e10, false,
                                    false);
  cr_assert(isinf(es_f16_to_f32(*(const uint16_t *)es_data(inf))));
}

Test(elementwise, where) {
  const uint8_t c[] = {1, 0, 0, 1, 1, 0};
  for (int d = 0; d < ES_DTYPE_COUNT; d++) {
    es_tensor *condition = es_from_data(ctx, ES_BOOL, ES_SHAPE(2, 3), c);
    es_tensor *a = es_full(ctx, (es_dtype)d, ES_SHAPE(3), 1),
              *b = es_zeros(ctx, (es_dtype)d, ES_SHAPE(2, 1));
    es_tensor *y = es_where(ctx, condition, a, b);
    cr_assert_eq(es_dtype_of(y), (es_dtype)d);
    double got[6];
    es_read(ctx, es_unary(ctx, ES_REAL, y), ES_F64, got, 6);
    for (int i = 0; i < 6; i++) cr_assert(got[i] == c[i]);
    /* Any type is a condition: what is not zero. */
    es_read(ctx, es_unary(ctx, ES_REAL, es_where(ctx, es_cast(ctx, condition, ES_C64), a, b)),
            ES_F64, got, 6);
    for (int i = 0; i < 6; i++) cr_assert(got[i] == c[i]);
  }
  es_tensor *mixed = es_where(ctx, es_full(ctx, ES_F32, 0, NULL, NAN),
                              es_ramp(ctx, ES_I32, ES_SHAPE(2)), es_zeros(ctx, ES_F32, 0, NULL));
  cr_assert(es_dtype_of(mixed) == ES_F64 && ((const double *)es_data(mixed))[1] == 1);
  check_error(
      es_where(ctx, es_zeros(ctx, ES_BOOL, ES_SHAPE(2)), es_zeros(ctx, ES_F32, ES_SHAPE(3)), mixed),
      ES_E_EXTENT,
      "where: shapes (2,) and (3,) do not broadcast: axis -1 has 2 in operand 0 and 3 in operand "
      "1");
}

Test(elementwise, empty_tensors) {
  es_tensor *none = es_zeros(ctx, ES_I32, ES_SHAPE(3, 0));
  cr_assert_eq(es_size(es_unary(ctx, ES_EXP, none)), 0);
  cr_assert_eq(es_size(es_binary(ctx, ES_FLOORDIV, none, es_zeros(ctx, ES_I32, ES_SHAPE(1)))), 0);
  cr_assert_eq(es_shape(es_binary(ctx, ES_ADD, none, es_zeros(ctx, ES_I32, ES_SHAPE(3, 1))))[1], 0);
}
