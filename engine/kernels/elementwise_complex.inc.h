/* Arithmetic on rows of complex numbers. Set before including, unset afterwards:
 *   R        c64 or c128
 *   R_T      float or double, the type of a part
 *   R_FN(f)  the function of math.h or complex.h for that type */

#define Z_T R_T _Complex
#define OP1(name) static inline Z_T ES_JOIN3(name, _, R)(Z_T a)
#define OP2(name) static inline Z_T ES_JOIN3(name, _, R)(Z_T a, Z_T b)
#define PART1(name) static inline R_T ES_JOIN3(name, _, R)(Z_T a)
#define TEST1(name) static inline bool ES_JOIN3(name, _, R)(Z_T a)
#define TEST2(name) static inline bool ES_JOIN3(name, _, R)(Z_T a, Z_T b)

/* re + im i without the arithmetic that would turn an infinite part into NaN. */
static inline Z_T ES_JOIN3(pair, _, R)(R_T re, R_T im) {
  R_T parts[2] = {re, im};
  Z_T z;
  memcpy(&z, parts, sizeof z);
  return z;
}
#define PAIR ES_JOIN3(pair, _, R)

PART1(REAL) { return R_FN(creal)(a); }
PART1(IMAG) { return R_FN(cimag)(a); }
PART1(ABS) { return R_FN(hypot)(R_FN(creal)(a), R_FN(cimag)(a)); }

OP1(NEG) { return -a; }
OP1(CONJ) { return PAIR(R_FN(creal)(a), -R_FN(cimag)(a)); }
/* z / |z|, and 0 for 0: NumPy 2. */
OP1(SIGN) {
  R_T size = R_FN(hypot)(R_FN(creal)(a), R_FN(cimag)(a));
  return size == 0 ? PAIR(0, 0) : PAIR(R_FN(creal)(a) / size, R_FN(cimag)(a) / size);
}
OP1(SQUARE) { return a * a; }
OP1(SQRT) { return R_FN(csqrt)(a); }
OP1(RSQRT) { return 1 / R_FN(csqrt)(a); }
OP1(RECIPROCAL) { return 1 / a; }
OP1(EXP) { return R_FN(cexp)(a); }
/* e^x cos y - 1 = expm1(x) cos y - 2 sin^2(y/2), which does not cancel. */
OP1(EXPM1) {
  R_T x = R_FN(creal)(a), y = R_FN(cimag)(a), s = R_FN(sin)(y / 2);
  return PAIR(R_FN(expm1)(x) * R_FN(cos)(y) - 2 * s * s, R_FN(exp)(x) * R_FN(sin)(y));
}
OP1(SIGMOID) { return 1 / (1 + R_FN(cexp)(-a)); }
OP1(SILU) { return a / (1 + R_FN(cexp)(-a)); }
OP1(LOG) { return R_FN(clog)(a); }
OP1(LOG1P) { return R_FN(clog)(PAIR(1 + R_FN(creal)(a), R_FN(cimag)(a))); }
OP1(LOG2) {
  Z_T z = R_FN(clog)(a);
  return PAIR(R_FN(creal)(z) * (R_T)M_LOG2E, R_FN(cimag)(z) * (R_T)M_LOG2E);
}
OP1(LOG10) {
  Z_T z = R_FN(clog)(a);
  return PAIR(R_FN(creal)(z) * (R_T)M_LOG10E, R_FN(cimag)(z) * (R_T)M_LOG10E);
}
OP1(SIN) { return R_FN(csin)(a); }
OP1(COS) { return R_FN(ccos)(a); }
OP1(TAN) { return R_FN(ctan)(a); }
OP1(TANH) { return R_FN(ctanh)(a); }

TEST1(NOT) { return a == 0; }
TEST1(ISNAN) { return a != a; }
TEST1(ISINF) {
  return (R_FN(fabs)(R_FN(creal)(a)) == (R_T)INFINITY) |
         (R_FN(fabs)(R_FN(cimag)(a)) == (R_T)INFINITY);
}
TEST1(ISFINITE) {
  return (R_FN(fabs)(R_FN(creal)(a)) < (R_T)INFINITY) &
         (R_FN(fabs)(R_FN(cimag)(a)) < (R_T)INFINITY);
}

OP2(ADD) { return a + b; }
OP2(SUB) { return a - b; }
OP2(MUL) { return a * b; }
OP2(DIV) { return a / b; }
OP2(POW) { return b == 2 ? a * a : b == 0 ? 1 : R_FN(cpow)(a, b); }
TEST2(EQ) { return a == b; }
TEST2(NE) { return a != b; }
TEST2(AND) { return (a != 0) & (b != 0); }
TEST2(OR) { return (a != 0) | (b != 0); }
TEST2(XOR) { return (a != 0) ^ (b != 0); }

#undef OP1
#undef OP2
#undef PART1
#undef TEST1
#undef TEST2
#undef PAIR

/* ---- rows ------------------------------------------------------------------ */

ES_INLINE int64_t ES_JOIN3(map1, _, R)(void *out, const void *a, int64_t n, Z_T (*op)(Z_T)) {
  Z_T *restrict o = out;
  const Z_T *x = a;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i]);
  return n;
}
ES_INLINE int64_t ES_JOIN3(part1, _, R)(void *out, const void *a, int64_t n, R_T (*op)(Z_T)) {
  R_T *restrict o = out;
  const Z_T *x = a;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i]);
  return n;
}
ES_INLINE int64_t ES_JOIN3(test1, _, R)(void *out, const void *a, int64_t n, bool (*op)(Z_T)) {
  uint8_t *restrict o = out;
  const Z_T *x = a;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i]);
  return n;
}
ES_INLINE int64_t ES_JOIN3(map2, _, R)(void *out, const void *a, const void *b, int64_t n,
                                       Z_T (*op)(Z_T, Z_T)) {
  Z_T *restrict o = out;
  const Z_T *x = a, *y = b;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i], y[i]);
  return n;
}
ES_INLINE int64_t ES_JOIN3(test2, _, R)(void *out, const void *a, const void *b, int64_t n,
                                        bool (*op)(Z_T, Z_T)) {
  uint8_t *restrict o = out;
  const Z_T *x = a, *y = b;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i], y[i]);
  return n;
}

#undef Z_T
#undef R
#undef R_T
#undef R_FN
