/* Layers that normalise rows, at every vector width, along any axis, by threads. */
#include <criterion/criterion.h>
#include <math.h>

#include "einstride/layers.h"

static const es_isa widths[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
enum { WIDTHS = sizeof widths / sizeof *widths };

static void put(es_dtype type, void *at, int64_t i, double x) {
  if (type == ES_F32)
    ((float *)at)[i] = (float)x;
  else
    ((double *)at)[i] = x;
}
static double get(es_dtype type, const void *at, int64_t i) {
  return type == ES_F32 ? (double)((const float *)at)[i] : ((const double *)at)[i];
}

static double element(int64_t i) { return (double)((i * 7919) % 1009) / 97 - 5; }

Test(normalise, softmax_along_any_axis_has_the_same_bits) {
  static const int64_t lengths[] = {1, 3, 8, 17, 64, 65, 130, 1000};
  for (int w = 0; w < WIDTHS; w++)
    for (int threads = 1; threads <= 3; threads++) {
      es_ctx *es = es_ctx_create(&(es_config){.threads = threads});
      if (es_set_isa(es, widths[w]) != ES_OK) {
        es_ctx_destroy(es);
        continue;
      }
      for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (int wide = 0; wide < 2; wide++) {
          int64_t n = lengths[l], rows = l % 3 ? 37 : 141;
          es_scope_push(es);
          es_tensor *x = es_empty(es, wide ? ES_F64 : ES_F32, ES_SHAPE(2, rows, n));
          for (int64_t i = 0; i < es_size(x); i++)
            put(wide ? ES_F64 : ES_F32, es_data_mut(x), i, element(i));
          es_tensor *y = es_softmax(es, x, -1), *log_y = es_log_softmax(es, x, 2);
          const void *p = es_data(y), *q = es_data(log_y);
          es_dtype type = es_dtype_of(y);
          size_t size = wide ? 8 : 4;
          double u = wide ? 0x1p-52 : 0x1p-23;
          for (int64_t r = 0; r < 2 * rows; r++) {
            double sum = 0, most = -INFINITY;
            for (int64_t i = 0; i < n; i++) most = fmax(most, get(type, es_data(x), r * n + i));
            for (int64_t i = 0; i < n; i++) sum += exp(get(type, es_data(x), r * n + i) - most);
            for (int64_t i = 0; i < n; i++) {
              double shifted = get(type, es_data(x), r * n + i) - most;
              double want = exp(shifted) / sum, log_want = shifted - log(sum);
              /* x - max, 11 at most, is rounded, which exp multiplies by its size. */
              cr_assert_float_eq(get(type, p, r * n + i), want, 32 * u * want, "%g of %d", want,
                                 (int)n);
              cr_assert_float_eq(get(type, q, r * n + i), log_want, 2 * u * (1 + fabs(log_want)));
            }
          }
          es_tensor *columns = es_contiguous(es, es_transpose(es, x, 1, 2));
          es_tensor *z = es_contiguous(es, es_transpose(es, es_softmax(es, columns, 1), 1, 2));
          cr_assert_not_null(z, "%s", es_error_text(es));
          cr_assert_arr_eq(es_data(z), p, (size_t)es_size(z) * size);
          es_tensor *view = es_softmax(es, es_transpose(es, columns, 1, 2), -1);
          cr_assert_arr_eq(es_data(view), p, (size_t)es_size(z) * size);
          es_scope_pop(es);
        }
      es_ctx_destroy(es);
    }
}

Test(normalise, softmax_of_infinities) {
  es_ctx *es = es_ctx_create(&(es_config){.threads = 1});
  enum { N = 70 };
  for (int at = 0; at < N; at += 3) {
    es_tensor *x = es_zeros(es, ES_F32, ES_SHAPE(N));
    float *v = es_data_mut(x);
    for (int i = 0; i < N; i++) v[i] = i == at ? 3 : -INFINITY; /* masked but for one */
    const float *y = es_data(es_softmax(es, x, 0));
    for (int i = 0; i < N; i++) cr_assert_eq(y[i], i == at ? 1.0f : 0.0f);
    v[at] = NAN;
    y = es_data(es_softmax(es, x, 0));
    for (int i = 0; i < N; i++) cr_assert(isnan(y[i]));
  }
  es_ctx_destroy(es);
}

Test(normalise, layer_norm_of_every_length) {
  for (int w = 0; w < WIDTHS; w++) {
    es_ctx *es = es_ctx_create(&(es_config){.threads = 2});
    for (int64_t n = 1; n < 200 && es_set_isa(es, widths[w]) == ES_OK; n += n < 40 ? 1 : 29)
      for (int kind = 0; kind < 4; kind++) {
        enum { ROWS = 19 };
        es_scope_push(es);
        es_tensor *x = es_empty(es, ES_F32, ES_SHAPE(ROWS, n));
        es_tensor *weight = es_empty(es, ES_F32, ES_SHAPE(n));
        es_tensor *bias = es_empty(es, ES_F32, ES_SHAPE(n));
        float *v = es_data_mut(x), *a = es_data_mut(weight), *b = es_data_mut(bias);
        for (int64_t i = 0; i < ROWS * n; i++) v[i] = (float)element(i) + 100;
        for (int64_t i = 0; i < n; i++) a[i] = (float)(i % 5) - 2, b[i] = (float)(i % 3);
        bool scaled = kind % 2, rms = kind > 1;
        es_tensor *y = rms ? es_rms_norm(es, x, 1, scaled ? weight : NULL, 1e-5)
                           : es_layer_norm(es, x, 1, scaled ? weight : NULL, scaled ? bias : NULL,
                                           1e-5);
        const float *got = es_data(y);
        for (int64_t r = 0; r < ROWS; r++) {
          double mean = 0, var = 0;
          for (int64_t i = 0; i < n && !rms; i++) mean += (double)v[r * n + i] / (double)n;
          for (int64_t i = 0; i < n; i++)
            var += ((double)v[r * n + i] - mean) * ((double)v[r * n + i] - mean) / (double)n;
          for (int64_t i = 0; i < n; i++) {
            double want = ((double)v[r * n + i] - mean) / sqrt(var + 1e-5);
            if (scaled) want = want * (double)a[i] + (rms ? 0 : (double)b[i]);
            /* The mean, near 100, is rounded to f32 before it is subtracted. */
            double bound = 8 * 0x1p-24 * (1 + fabs(want)) + 3 * 0x1p-18 / sqrt(var + 1e-5);
            cr_assert_float_eq((double)got[r * n + i], want, bound, "n %d kind %d", (int)n, kind);
          }
        }
        es_scope_pop(es);
      }
    es_ctx_destroy(es);
  }
}

Test(normalise, batch_norm_by_channel) {
  es_ctx *es = es_ctx_create(&(es_config){.threads = 2});
  enum { B = 3, C = 5 };
  for (int64_t n = 1; n < 60; n += 7) {
    es_tensor *x = es_empty(es, ES_F32, ES_SHAPE(B, C, n)), *t[4];
    for (int k = 0; k < 4; k++) {
      t[k] = es_empty(es, ES_F32, ES_SHAPE(C));
      for (int c = 0; c < C; c++)
        ((float *)es_data_mut(t[k]))[c] = (float)(c + k) / (k == 1 ? 4 : 8) + (k == 1);
    }
    for (int64_t i = 0; i < es_size(x); i++) ((float *)es_data_mut(x))[i] = (float)element(i);
    const float *y = es_data(es_batch_norm(es, x, t[0], t[1], t[2], t[3], 1e-5)), *v = es_data(x);
    for (int64_t i = 0; i < es_size(x); i++) {
      int64_t c = i / n % C;
      double p[4];
      for (int k = 0; k < 4; k++) p[k] = (double)((const float *)es_data(t[k]))[c];
      double want = ((double)v[i] - p[0]) / sqrt(p[1] + 1e-5) * p[2] + p[3];
      cr_assert_float_eq((double)y[i], want, 8 * 0x1p-24 * (10 + fabs(want)));
    }
  }
  es_ctx_destroy(es);
}
