/* Arithmetic on rows of 64-bit integers, which hold every narrower type too: the
 * exact result, and a negative number where i64 does not hold it. Loops gather the
 * signs instead of stopping at a bad element, so that compilers vectorise them; the
 * first one is sought afterwards. */

#define OP1(name) static inline int64_t name##_i64(int64_t a, int64_t *o)
#define OP2(name) static inline int64_t name##_i64(int64_t a, int64_t b, int64_t *o)
#define TEST1(name) static inline bool name##_i64(int64_t a)
#define TEST2(name) static inline bool name##_i64(int64_t a, int64_t b)

OP1(NEG) {
  *o = (int64_t) - (uint64_t)a;
  return -(int64_t)(a == INT64_MIN);
}
OP1(ABS) {
  *o = a < 0 ? (int64_t) - (uint64_t)a : a;
  return -(int64_t)(a == INT64_MIN);
}
OP1(SIGN) {
  *o = (a > 0) - (a < 0);
  return 0;
}
OP1(SQUARE) { return -(int64_t)__builtin_mul_overflow(a, a, o); }
OP1(same) {
  *o = a;
  return 0;
}
OP1(IMAG) {
  *o = 0 * a;
  return 0;
}

TEST1(NOT) { return a == 0; }
static inline bool never_i64(int64_t a) { return (void)a, false; }
static inline bool always_i64(int64_t a) { return (void)a, true; }

/* Two's complement: the sum wrapped if both operands differ from it in sign. */
OP2(ADD) {
  *o = (int64_t)((uint64_t)a + (uint64_t)b);
  return (a ^ *o) & (b ^ *o);
}
OP2(SUB) {
  *o = (int64_t)((uint64_t)a - (uint64_t)b);
  return (a ^ b) & (a ^ *o);
}
OP2(MUL) { return -(int64_t)__builtin_mul_overflow(a, b, o); }
/* Toward minus infinity; MIN / -1 = 2^63 does not fit. */
OP2(FLOORDIV) {
  *o = 0;
  if (b == 0 || (a == INT64_MIN && b == -1)) return -1;
  *o = a / b - (a % b != 0 && (a < 0) != (b < 0));
  return 0;
}
/* The sign of the divisor; anything modulo -1 is 0, MIN too. */
OP2(MOD) {
  *o = 0;
  if (b == 0) return -1;
  int64_t mod = b == -1 ? 0 : a % b;
  *o = mod != 0 && (mod < 0) != (b < 0) ? mod + b : mod;
  return 0;
}
/* By squaring; a negative power of an integer is no integer. */
OP2(POW) {
  int64_t power = 1;
  bool fits = b >= 0;
  for (; b > 0 && fits; b >>= 1) {
    if (b & 1) fits = !__builtin_mul_overflow(power, a, &power);
    if (b > 1) fits = !__builtin_mul_overflow(a, a, &a) && fits;
  }
  *o = power;
  return -(int64_t)!fits;
}
OP2(MAXIMUM) {
  *o = a > b ? a : b;
  return 0;
}
OP2(MINIMUM) {
  *o = a < b ? a : b;
  return 0;
}

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

/* out must not be an operand: the search for the first bad element reads them. */
ES_INLINE int64_t map1_i64(void *out, const void *a, int64_t n, int64_t (*op)(int64_t, int64_t *)) {
  int64_t *restrict o = out;
  const int64_t *x = a;
  int64_t bad = 0;
  for (int64_t i = 0; i < n; i++) bad |= op(x[i], &o[i]);
  if (bad < 0)
    for (int64_t i = 0; i < n; i++)
      if (op(x[i], &o[i]) < 0) return i;
  return n;
}
ES_INLINE int64_t test1_i64(void *out, const void *a, int64_t n, bool (*op)(int64_t)) {
  uint8_t *restrict o = out;
  const int64_t *x = a;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i]);
  return n;
}
ES_INLINE int64_t map2_i64(void *out, const void *a, const void *b, int64_t n,
                           int64_t (*op)(int64_t, int64_t, int64_t *)) {
  int64_t *restrict o = out;
  const int64_t *x = a, *y = b;
  int64_t bad = 0;
  for (int64_t i = 0; i < n; i++) bad |= op(x[i], y[i], &o[i]);
  if (bad < 0)
    for (int64_t i = 0; i < n; i++)
      if (op(x[i], y[i], &o[i]) < 0) return i;
  return n;
}
ES_INLINE int64_t test2_i64(void *out, const void *a, const void *b, int64_t n,
                            bool (*op)(int64_t, int64_t)) {
  uint8_t *restrict o = out;
  const int64_t *x = a, *y = b;
  for (int64_t i = 0; i < n; i++) o[i] = op(x[i], y[i]);
  return n;
}
