#include "engine/strategies/reduce.h"

#include <math.h>

void es_reduce_set(es_dtype type, void *row, double value, int64_t n) {
  int64_t whole = value >= 0x1p63 ? INT64_MAX : value < -0x1p63 ? INT64_MIN : (int64_t)value;
  int64_t *i64 = row;
  float *f32 = row;
  double *f64 = row;
  switch (type) {
  case ES_I64:
    for (int64_t i = 0; i < n; i++) i64[i] = whole;
    break;
  case ES_F32:
    for (int64_t i = 0; i < n; i++) f32[i] = (float)value;
    break;
  case ES_F64:
    for (int64_t i = 0; i < n; i++) f64[i] = value;
    break;
  case ES_C64:
    for (int64_t i = 0; i < n; i++) f32[2 * i] = (float)value, f32[2 * i + 1] = 0;
    break;
  default:
    for (int64_t i = 0; i < n; i++) f64[2 * i] = value, f64[2 * i + 1] = 0;
  }
}

static double neutral(es_fold fold) {
  switch (fold) {
  case ES_FOLD_PROD: return 1;
  case ES_FOLD_MAX: return -INFINITY;
  case ES_FOLD_MIN: return INFINITY;
  default: return 0;
  }
}

void es_reduce_neutral(const es_reduction *r, es_fold fold, void *acc, void *low, int64_t n) {
  es_reduce_set(r->s.type, acc, neutral(fold), n);
  if (fold == ES_FOLD_SUM2) es_reduce_set(r->s.type, low, 0, n);
}
