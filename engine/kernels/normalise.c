/* The normalising kernels of one vector width, on top of math.inc.h. */
#include <math.h>

#include "engine/kernels/normalise.h"
#include "engine/kernels/width.h"

#include "engine/kernels/math.inc.h"

#if MATH_AVX512
ES_INLINE __m512 wide_max_f32(vf a, vf b) { return _mm512_max_ps((__m512)a, (__m512)b); }
ES_INLINE __m512d wide_max_f64(vd a, vd b) { return _mm512_max_pd((__m512d)a, (__m512d)b); }
ES_INLINE float wide_most_f32(vf x) { return _mm512_reduce_max_ps((__m512)x); }
ES_INLINE double wide_most_f64(vd x) { return _mm512_reduce_max_pd((__m512d)x); }
#endif

/* Sums in f64 of vectors of f32 or f64. */
typedef struct math_sums {
  vd part[2];
} math_sums;

ES_INLINE void math_widen(vf x, vd *part) {
#if MATH_AVX512
  part[0] = (vd)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)x));
  part[1] = (vd)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)x, 1));
#else
  for (int i = 0; i < MATH_LANES; i++) part[i / MATH_LANES64][i % MATH_LANES64] = (double)x[i];
#endif
}
ES_INLINE void math_add_f32(math_sums *sums, vf x) {
  vd part[2];
  math_widen(x, part);
  sums->part[0] += part[0];
  sums->part[1] += part[1];
}
ES_INLINE void math_add_square_f32(math_sums *sums, vf x) {
  vd part[2];
  math_widen(x, part);
  sums->part[0] += part[0] * part[0];
  sums->part[1] += part[1] * part[1];
}
ES_INLINE void math_add_f64(math_sums *sums, vd x) { sums->part[0] += x; }
ES_INLINE void math_add_square_f64(math_sums *sums, vd x) { sums->part[0] += x * x; }
ES_INLINE double math_total(const math_sums *sums) {
  vd sum = sums->part[0] + sums->part[1];
#if MATH_AVX512
  return _mm512_reduce_add_pd((__m512d)sum);
#else
  double total = sum[0];
  for (int l = 1; l < MATH_LANES64; l++) total += sum[l];
  return total;
#endif
}

/* The sums of the lanes themselves, rounded, through f. */
ES_INLINE vf math_lanes_f32(const math_sums *sums, double (*f)(double)) {
  double lanes[MATH_LANES];
  float out[MATH_LANES];
  math_store_f64(lanes, sums->part[0]);
  math_store_f64(lanes + MATH_LANES64, sums->part[1]);
  for (int i = 0; i < MATH_LANES; i++) out[i] = (float)f(lanes[i]);
  return math_load_f32(out);
}
ES_INLINE vd math_lanes_f64(const math_sums *sums, double (*f)(double)) {
  double lanes[MATH_LANES64];
  math_store_f64(lanes, sums->part[0]);
  for (int i = 0; i < MATH_LANES64; i++) lanes[i] = f(lanes[i]);
  return math_load_f64(lanes);
}
ES_INLINE double math_inverse(double x) { return 1 / x; }
ES_INLINE double math_itself(double x) { return x; }
ES_INLINE double math_inverse_root(double x) { return 1 / sqrt(x); }

#define N f32
#define N_T float
#define N_V vf
#define N_LANES MATH_LANES
#include "engine/kernels/normalise_rows.inc.h"

#define N f64
#define N_T double
#define N_V vd
#define N_LANES MATH_LANES64
#include "engine/kernels/normalise_rows.inc.h"

#define ROWS(name)                                                                                 \
  { [ES_F32] = normalise_##name##_f32, [ES_F64] = normalise_##name##_f64 }
extern const es_normalise_kernels ES_WIDE(es_normalise_kernels);
const es_normalise_kernels ES_WIDE(es_normalise_kernels) = {
    .row = {ROWS(softmax), ROWS(log_softmax), ROWS(moments), ROWS(rms), ROWS(affine)},
    .columns = {ROWS(columns_softmax), ROWS(columns_log_softmax), ROWS(columns_moments),
                ROWS(columns_rms)},
};
#undef ROWS
