/* Elementary functions of vectors of f32, and exp of f64. Every lane is computed alike, so
 * that the bits of an element do not depend on its place in a row. The largest errors, in
 * units in the last place, were measured with fused multiply-add: of exp and log over all
 * 2^32 arguments, of tanh and erf over all from 2^-13 to 10; without it erf reaches 1.29,
 * the others stay below 1. Arguments are reduced as in Cody & Waite, Software Manual for the
 * Elementary Functions (1980); coefficients are weighted minimax fits (Lawson's iteration,
 * 1961) rounded one after the other, lowest first. */
#if ES_V == 64 && defined(__AVX512DQ__)
#include <immintrin.h>
#define MATH_AVX512 1
#endif

enum { MATH_LANES = ES_V / 4, MATH_LANES64 = ES_V / 8 };
typedef float vf __attribute__((vector_size(ES_V)));
typedef int32_t vi __attribute__((vector_size(ES_V)));
typedef uint32_t vu __attribute__((vector_size(ES_V)));
typedef double vd __attribute__((vector_size(ES_V)));
typedef int64_t vl __attribute__((vector_size(ES_V)));
typedef float vf_loose __attribute__((vector_size(ES_V), aligned(4), may_alias));
typedef double vd_loose __attribute__((vector_size(ES_V), aligned(8), may_alias));

ES_INLINE vf math_splat_f32(float x) { return x - (vf){0}; }
ES_INLINE vd math_splat_f64(double x) { return x - (vd){0}; }
ES_INLINE vf math_select_f32(vi mask, vf yes, vf no) {
  return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}
ES_INLINE vd math_select_f64(vl mask, vd yes, vd no) {
  return (vd)((mask & (vl)yes) | (~mask & (vl)no));
}
/* high where x is above; NaN stays. */
ES_INLINE vf math_at_most_f32(vf x, float high) {
#if MATH_AVX512
  return (vf)_mm512_min_ps(_mm512_set1_ps(high), (__m512)x);
#else
  return math_select_f32(x > high, math_splat_f32(high), x);
#endif
}
ES_INLINE vd math_at_most_f64(vd x, double high) {
#if MATH_AVX512
  return (vd)_mm512_min_pd(_mm512_set1_pd(high), (__m512d)x);
#else
  return math_select_f64(x > high, math_splat_f64(high), x);
#endif
}
ES_INLINE vf math_abs_f32(vf x) { return (vf)((vi)x & 0x7fffffff); }
ES_INLINE vf math_with_sign_f32(vf x, vf sign) { return (vf)((vi)x | ((vi)sign & INT32_MIN)); }

/* p * 2^n for |n| <= 252, rounded once. Both as they come out of the reduction. */
ES_INLINE vf math_scale_f32(vf p, vi n, vf n_real) {
#if MATH_AVX512
  (void)n;
  return (vf)_mm512_scalef_ps((__m512)p, (__m512)n_real);
#else
  (void)n_real;
  vi half = n >> 1;
  return p * (vf)((half + 127) << 23) * (vf)((n - half + 127) << 23);
#endif
}

/* ---- exp: 0.80 ---------------------------------------------------------------------- */

/* exp(x) = 2^n exp(r) with |r| <= ln(2)/2, for |x| <= 174. Adding 1.5 * 2^23 rounds to an
 * integer. */
ES_INLINE vf math_exp_core_f32(vf x) {
  const float shift = 0x1.8p23f;
  vf t = x * 0x1.715476p0f + shift, n = t - shift;
  vf r = x - n * 0x1.63p-1f; /* 355/512: the product is exact */
  r = r - n * -0x1.bd0106p-13f;
  vf q = 0x1.6a4154p-10f * r + 0x1.1239c6p-7f;
  q = q * r + 0x1.5558bcp-5f;
  q = q * r + 0x1.555492p-3f;
  q = q * r + 0x1.fffffcp-2f;
  vf head = 1 + r, tail = (1 - head) + r; /* 1 + r without error */
  vf p = head + (r * r * q + tail);
  return math_scale_f32(p, (vi)t - (vi)math_splat_f32(shift), n);
}

/* Lanes whose result is 0 are taken out, lest the processor stumble over their underflow. */
ES_INLINE vf math_exp_f32(vf x) {
  vi zero = x < -104;
  return (vf)((vi)math_exp_core_f32(math_at_most_f32((vf)((vi)x & ~zero), 89)) & ~zero);
}

/* f64: 1 */
ES_INLINE vd math_exp_f64(vd x) {
  const double shift = 0x1.8p52;
  vl zero = x < -746;
  x = math_at_most_f64((vd)((vl)x & ~zero), 710);
  vd t = x * 0x1.71547652b82fep0 + shift, n = t - shift;
  vd r = x - n * 0x1.62e42feep-1; /* 32 bits: the product is exact */
  r = r - n * 0x1.a39ef35793c76p-33;
  vd q = 0x1.adaa5d7b340f2p-26 * r + 0x1.28ae0b289bbd1p-22;
  q = q * r + 0x1.71df093a61c58p-19;
  q = q * r + 0x1.a019995382564p-16;
  q = q * r + 0x1.a01a013783638p-13;
  q = q * r + 0x1.6c16c18479ab5p-10;
  q = q * r + 0x1.1111111125286p-7;
  q = q * r + 0x1.55555555506b7p-5;
  q = q * r + 0x1.5555555555505p-3;
  q = q * r + 0x1.000000000000ap-1;
  vd p = (r * r * q + r) + 1;
#if MATH_AVX512
  vd y = (vd)_mm512_scalef_pd((__m512d)p, (__m512d)n);
#else
  vl e = (vl)t - (vl)math_splat_f64(shift), half = e >> 1;
  vd y = p * (vd)((half + 1023) << 52) * (vd)((e - half + 1023) << 52);
#endif
  return (vd)((vl)y & ~zero);
}

/* ---- log: 0.81 ---------------------------------------------------------------------- */

/* x = 2^e (1 + f), 1 + f from sqrt(1/2) on, below sqrt(2). */
ES_INLINE vf math_log_f32(vf x) {
  const float infinity = (float)INFINITY;
  vi tiny = x < 0x1p-126f;
  vf scaled = math_select_f32(tiny, x * 0x1p23f, x);
  vi bits = (vi)((vu)scaled - 0x3f3504f3u); /* a NaN's bits may wrap */
  vf e = __builtin_convertvector((bits >> 23) - (tiny & 23), vf);
  vf f = (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1, s = f * f;
  vf p = 0x1.14760ap-4f * f - 0x1.de02c0p-4f;
  p = p * f + 0x1.e6bf3cp-4f;
  p = p * f - 0x1.fc2886p-4f;
  p = p * f + 0x1.233ba8p-3f;
  p = p * f - 0x1.555c46p-3f;
  p = p * f + 0x1.99a476p-3f;
  p = p * f - 0x1.000006p-2f;
  p = p * f + 0x1.555548p-2f;
  vf tail = s * f * p + e * -0x1.bd0106p-13f;
  vf y = (tail - 0.5f * s + f) + e * 0x1.63p-1f;
  y = math_select_f32(x < infinity, y, x);
  y = math_select_f32(x < 0, math_splat_f32((float)NAN), y);
  return math_select_f32(x == 0, math_splat_f32(-infinity), y);
}

/* ---- tanh: 0.96 ------------------------------------------------------------------------ */

ES_INLINE vf math_tanh_f32(vf x) {
  vf a = math_abs_f32(x), s = a * a;
  vf p = -0x1.7807f8p-12f * s + 0x1.2db7f2p-9f;
  p = p * s - 0x1.046760p-7f;
  p = p * s + 0x1.600bd8p-6f;
  p = p * s - 0x1.b96288p-5f;
  p = p * s + 0x1.110be6p-3f;
  p = p * s - 0x1.55553cp-2f;
  vf near = s * a * p + a;
  vf far = 1 - 2 / (math_exp_core_f32(math_at_most_f32(a + a, 40)) + 1);
  return math_with_sign_f32(math_select_f32(a < 1, near, far), x);
}

/* ---- erf: 0.99 --------------------------------------------------------------------------- */

/* Up to 1 a polynomial, then 1 - exp(log erfc(x)), which is 1 from 4 on. The logarithm is
 * a polynomial about 1, where its rounding counts most. */
ES_INLINE vf math_erf_f32(vf x) {
  vf a = math_abs_f32(x), s = a * a;
  vf q = 0x1.4771fep-14f * s - 0x1.a3515ep-11f;
  q = q * s + 0x1.53f224p-8f;
  q = q * s - 0x1.b7f71ap-6f;
  q = q * s + 0x1.ce2ce6p-4f;
  q = q * s - 0x1.81273ep-2f;
  q = q * s + 0x1.06eba8p-3f;
  vf near = a * q + a, t = math_at_most_f32(a, 4) - 1;
  vf p = -0x1.6d20d2p-16f * t + 0x1.2fe0a8p-12f;
  p = p * t - 0x1.07bf0cp-9f;
  p = p * t + 0x1.4933c8p-7f;
  p = p * t - 0x1.547cc6p-5f;
  p = p * t - 0x1.afabbcp-1f;
  p = p * t - 0x1.51c9b0p1f;
  p = (p * t + 0x1.b0abacp-25f) - 0x1.d97fc0p0f; /* log erfc(1) in two parts */
  vf far = 1 - math_exp_core_f32(p);
  return math_with_sign_f32(math_select_f32(a < 1, near, far), x);
}

/* ---- activations --------------------------------------------------------------------------- */

/* 1 / (1 + exp(-x)) by the exponential that does not overflow: 2. */
ES_INLINE vf math_sigmoid_f32(vf x) {
  vf e = math_exp_f32((vf)((vi)x | INT32_MIN));
  return math_select_f32((vi)x < 0, e, math_splat_f32(1)) / (1 + e);
}
ES_INLINE vf math_silu_f32(vf x) { return x * math_sigmoid_f32(x); }
/* x (1 + erf(x / sqrt 2)) / 2 = max(x, 0) - |x| P(|x|), P(a) = erfc(a / sqrt 2) / 2 the tail of
 * the normal distribution, exp(-a^2 / 2) times a factor whose logarithm hardly changes: a
 * polynomial up to 5.5, then a constant. Nothing cancels, so that the small results of
 * negative arguments keep their digits: 4 from -1 on, 10 from -2 on, 300 from -5.5 on. */
ES_INLINE vf math_gelu_f32(vf x) {
  vf a = math_at_most_f32(math_abs_f32(x), 16), t = math_at_most_f32(a, 5.5f); /* P(16) is 0 */
  vf s = t * t, s2 = s * s; /* in pairs: a chain of ten would keep the units waiting */
  vf low = (0x1.742b5cp-3f - 0x1.2aa052p-5f * t) * s + (-0x1.62e42ep-1f - 0x1.9884c8p-1f * t);
  vf high = (-0x1.df6988p-14f + 0x1.d356f0p-16f * t) * s + (0x1.46a3c2p-8f - 0x1.3d2aa8p-13f * t);
  vf q = ((0x1.0591c2p-23f * t - 0x1.87836cp-19f) * s2 + high) * s2 + low;
  vf tail = math_exp_core_f32(q - 0.5f * a * a);
  return (vf)((vi)x & ~((vi)x >> 31)) - a * tail;
}
/* x (1 + tanh u) / 2 = x sigmoid(2 u), u = sqrt(2/pi) (x + 0.044715 x^3) */
ES_INLINE vf math_gelu_tanh_f32(vf x) {
  vf u = (0.071354816f * x * x + 0x1.988454p0f) * x;
  return x * math_sigmoid_f32(u);
}

/* ---- rows ---------------------------------------------------------------------------------- */

ES_INLINE vf math_load_f32(const float *at) { return *(const vf_loose *)at; }
ES_INLINE void math_store_f32(float *at, vf x) { *(vf_loose *)at = x; }
ES_INLINE vd math_load_f64(const double *at) { return *(const vd_loose *)at; }
ES_INLINE void math_store_f64(double *at, vd x) { *(vd_loose *)at = x; }

/* The first n lanes, the others fill. */
ES_INLINE vf math_load_part_f32(const float *at, int64_t n, float fill) {
#if MATH_AVX512
  return (vf)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16)((1u << n) - 1), at);
#else
  float lanes[MATH_LANES];
  for (int64_t i = 0; i < MATH_LANES; i++) lanes[i] = i < n ? at[i] : fill;
  return math_load_f32(lanes);
#endif
}
ES_INLINE void math_store_part_f32(float *at, int64_t n, vf x) {
#if MATH_AVX512
  _mm512_mask_storeu_ps(at, (__mmask16)((1u << n) - 1), (__m512)x);
#else
  float lanes[MATH_LANES];
  math_store_f32(lanes, x);
  for (int64_t i = 0; i < n; i++) at[i] = lanes[i];
#endif
}

ES_INLINE vd math_load_part_f64(const double *at, int64_t n, double fill) {
#if MATH_AVX512
  return (vd)_mm512_mask_loadu_pd(_mm512_set1_pd(fill), (__mmask8)((1u << n) - 1), at);
#else
  double lanes[MATH_LANES64];
  for (int64_t i = 0; i < MATH_LANES64; i++) lanes[i] = i < n ? at[i] : fill;
  return math_load_f64(lanes);
#endif
}
ES_INLINE void math_store_part_f64(double *at, int64_t n, vd x) {
#if MATH_AVX512
  _mm512_mask_storeu_pd(at, (__mmask8)((1u << n) - 1), (__m512d)x);
#else
  double lanes[MATH_LANES64];
  math_store_f64(lanes, x);
  for (int64_t i = 0; i < n; i++) at[i] = lanes[i];
#endif
}

ES_INLINE int64_t vector1_f32(void *out, const void *a, int64_t n, vf (*op)(vf)) {
  float *restrict o = out;
  const float *x = a;
  int64_t i = 0;
  for (; i + MATH_LANES <= n; i += MATH_LANES) math_store_f32(o + i, op(math_load_f32(x + i)));
  if (i < n) math_store_part_f32(o + i, n - i, op(math_load_part_f32(x + i, n - i, 0)));
  return n;
}
ES_INLINE int64_t vector1_f64(void *out, const void *a, int64_t n, vd (*op)(vd)) {
  double *restrict o = out;
  const double *x = a;
  int64_t i = 0;
  for (; i + MATH_LANES64 <= n; i += MATH_LANES64) math_store_f64(o + i, op(math_load_f64(x + i)));
  if (i < n) math_store_part_f64(o + i, n - i, op(math_load_part_f64(x + i, n - i, 0)));
  return n;
}
