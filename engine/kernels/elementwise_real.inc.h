/* Arithmetic on rows of real numbers. Set before including, unset afterwards:
 *   R      f32 or f64
 *   R_T    float or double
 *   R_BITS the unsigned integer of that size
 *   R_FN(f) the function of math.h for that type */

/* One operation on one element. NumPy's meaning throughout. */
#define OP1(name) static inline R_T ES_JOIN3(name, _, R)(R_T a)
#define OP2(name) static inline R_T ES_JOIN3(name, _, R)(R_T a, R_T b)
#define TEST1(name) static inline bool ES_JOIN3(name, _, R)(R_T a)
#define TEST2(name) static inline bool ES_JOIN3(name, _, R)(R_T a, R_T b)

OP1(NEG) { return -a; }
OP1(ABS) { return R_FN(fabs)(a); }
OP1(SIGN) { return a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a; }
OP1(SQUARE) { return a * a; }
OP1(SQRT) { return R_FN(sqrt)(a); }
OP1(RSQRT) { return 1 / R_FN(sqrt)(a); }
OP1(RECIPROCAL) { return 1 / a; }
OP1(EXP) { return R_FN(exp)(a); }
OP1(EXPM1) { return R_FN(expm1)(a); }
OP1(LOG) { return R_FN(log)(a); }
OP1(LOG1P) { return R_FN(log1p)(a); }
OP1(LOG2) { return R_FN(log2)(a); }
OP1(LOG10) { return R_FN(log10)(a); }
OP1(SIN) { return R_FN(sin)(a); }
OP1(COS) { return R_FN(cos)(a); }
OP1(TAN) { return R_FN(tan)(a); }
OP1(TANH) { return R_FN(tanh)(a); }
OP1(ERF) { return R_FN(erf)(a); }
/* By the exponential that does not overflow. */
OP1(SIGMOID) {
  R_T e = R_FN(exp)(-R_FN(fabs)(a));
  return (a < 0 ? e : 1) / (1 + e);
}
OP1(SILU) { return a * ES_JOIN3(SIGMOID, _, R)(a); }
OP1(GELU) { return (R_T)0.5 * a * (1 + R_FN(erf)(a * (R_T)0.70710678118654752440)); }
/* x (1 + tanh u) / 2 = x sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3) */
OP1(GELU_TANH) {
  R_T u = (R_T)1.59576912160573071176 * (a + (R_T)0.044715 * a * a * a);
  return a * ES_JOIN3(SIGMOID, _, R)(u);
}
OP1(FLOOR) { return R_FN(floor)(a); }
OP1(CEIL) { return R_FN(ceil)(a); }
OP1(ROUND) { return R_FN(rint)(a); } /* half to even */
OP1(TRUNC) { return R_FN(trunc)(a); }
OP1(CONJ) { return a; }
OP1(REAL) { return a; }
OP1(IMAG) {
  (void)a;
  return 0;
}

TEST1(NOT) { return a == 0; }
TEST1(ISNAN) { return a != a; }
TEST1(ISINF) { return R_FN(fabs)(a) == (R_T)INFINITY; }
TEST1(ISFINITE) { return R_FN(fabs)(a) < (R_T)INFINITY; }

OP2(ADD) { return a + b; }
OP2(SUB) { return a - b; }
OP2(MUL) { return a * b; }
OP2(DIV) { return a / b; }
OP2(POW) { return b == 2 ? a * a : R_FN(pow)(a, b); }
OP2(ATAN2) { return R_FN(atan2)(a, b); }

/* Python's pair: the remainder has the sign of the divisor, and
 * floor_divide * b + remainder is a up to rounding. (CPython, float_divmod.) */
OP2(MOD) {
  R_T mod = R_FN(fmod)(a, b);
  if (b == 0 || mod != mod) return mod;
  if (mod == 0) return R_FN(copysign)(0, b);
  return (b < 0) != (mod < 0) ? mod + b : mod;
}
OP2(FLOORDIV) {
  if (b == 0) return a / b;
  R_T mod = R_FN(fmod)(a, b), quotient = (a - mod) / b;
  if (mod != 0 && (b < 0) != (mod < 0)) quotient -= 1;
  if (quotient == 0) return R_FN(copysign)(0, a / b);
  R_T whole = R_FN(floor)(quotient);
  return quotient - whole > (R_T)0.5 ? whole + 1 : whole;
}

/* NaN wins; equal numbers differ in bits only as -0 and +0 do, where the larger
 * has the sign bit of both and the smaller that of either. */
static inline R_T ES_JOIN3(choose, _, R)(R_T a, R_T b, bool take_a, bool both) {
  R_BITS x, y, z;
  memcpy(&x, &a, sizeof x);
  memcpy(&y, &b, sizeof y);
  z = a == b ? (both ? x & y : x | y) : take_a ? x : y;
  z = b != b ? y : z;
  z = a != a ? x : z;
  memcpy(&a, &z, sizeof a);
  return a;
}
OP2(MAXIMUM) { return ES_JOIN3(choose, _, R)(a, b, a > b, true); }
OP2(MINIMUM) { return ES_JOIN3(choose, _, R)(a, b, a < b, false); }

TEST2(EQ) { return a == b; }
TEST2(NE) { return a != b; }
TEST2(LT) { return a < b; }
TEST2(LE) { return a <= b; }
TEST2(GT) { return a > b; }
TEST2(GE) { return a >= b; }
TEST2(AND) { return (a != 0) & (b != 0); }
TEST2(OR) { return (a != 0) | (b != 0); }
TEST2(XOR) { return (a != 0) ^ (b != 0); }

#undef OP1
#undef OP2
#undef TEST1
#undef TEST2

/* ---- rows ------------------------------------------------------------------ */

ES_INLINE int64_t ES_JOIN3(map1, _, R)(void *out, const void *a, int64_t n, R_T (*op)(R_T)) {
  R_T *restrict o = out;
  const R_T *x = a;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i]);
  return n;
}
ES_INLINE int64_t ES_JOIN3(test1, _, R)(void *out, const void *a, int64_t n, bool (*op)(R_T)) {
  uint8_t *restrict o = out;
  const R_T *x = a;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i]);
  return n;
}
ES_INLINE int64_t ES_JOIN3(map2, _, R)(void *out, const void *a, const void *b, int64_t n,
                                       R_T (*op)(R_T, R_T)) {
  R_T *restrict o = out;
  const R_T *x = a, *y = b;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i], y[i]);
  return n;
}
ES_INLINE int64_t ES_JOIN3(test2, _, R)(void *out, const void *a, const void *b, int64_t n,
                                        bool (*op)(R_T, R_T)) {
  uint8_t *restrict o = out;
  const R_T *x = a, *y = b;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i], y[i]);
  return n;
}

#undef R
#undef R_T
#undef R_BITS
#undef R_FN
