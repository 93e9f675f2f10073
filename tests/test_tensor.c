/* Making tensors: values, random numbers, the caller's memory; handles. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "engine/tensor/tensor.h"
#include "support/alloc.h"

static es_ctx *ctx;
static void setup(void) { ctx = es_ctx_create(&(es_config){.threads = 1}); }
static void teardown(void) { es_ctx_destroy(ctx); }
TestSuite(tensor, .init = setup, .fini = teardown);

static void check(const es_tensor *t, es_dtype dtype, int64_t n, const double *want, int line) {
  double got[256];
  cr_assert(t, "line %d: %s", line, es_error_text(ctx));
  cr_assert_eq(es_dtype_of(t), dtype);
  cr_assert_eq(es_size(t), n, "line %d: %lld elements", line, (long long)es_size(t));
  cr_assert_eq(es_read(ctx, t, ES_F64, got, n), ES_OK);
  for (int64_t i = 0; i < n; i++)
    cr_assert(got[i] == want[i], "line %d: element %lld is %g, not %g", line, (long long)i, got[i],
              want[i]);
}
#define CHECK(t, dtype, ...)                                                                       \
  check(t, dtype, (int64_t)(sizeof(double[]){__VA_ARGS__} / sizeof(double)),                       \
        (const double[]){__VA_ARGS__}, __LINE__)

static void check_fails(const es_tensor *t, es_status status, const char *message) {
  cr_assert_null(t);
  cr_assert_eq(es_ctx_error(ctx)->status, status, "%s", es_error_text(ctx));
  cr_assert_str_eq(es_ctx_error(ctx)->message, message);
  es_clear_error(ctx);
}

Test(tensor, what_it_is) {
  es_tensor *x = es_zeros(ctx, ES_I16, ES_SHAPE(2, 3));
  cr_assert_eq(es_dtype_of(x), ES_I16);
  cr_assert_eq(es_rank(x), 2);
  cr_assert(es_shape(x)[0] == 2 && es_shape(x)[1] == 3);
  cr_assert(es_strides(x)[0] == 3 && es_strides(x)[1] == 1);
  cr_assert_eq(es_size(x), 6);
  cr_assert(es_is_writable(x) && es_is_contiguous(x) && !es_is_view(x));
  cr_assert_eq((uintptr_t)es_data(x) % 64, 0, "storage is aligned to a cache line");
  cr_assert_eq(es_data(x), es_data_mut(x));
  es_tensor *scalar = es_zeros(ctx, ES_F32, 0, NULL);
  cr_assert(es_rank(scalar) == 0 && es_size(scalar) == 1 && es_is_contiguous(scalar));
  es_tensor *none = es_zeros(ctx, ES_F32, ES_SHAPE(3, 0, 2));
  cr_assert(es_size(none) == 0 && es_is_contiguous(none));
}

Test(tensor, every_type_can_be_made) {
  for (int d = 0; d < ES_DTYPE_COUNT; d++) {
    es_tensor *ramp = es_unary(ctx, ES_REAL, es_ramp(ctx, (es_dtype)d, ES_SHAPE(3)));
    CHECK(es_cast(ctx, ramp, ES_F64), ES_F64, 0, 1, d == ES_BOOL ? 1 : 2);
    es_tensor *z = es_zeros(ctx, (es_dtype)d, ES_SHAPE(7));
    const char *bytes = es_data(z);
    for (size_t i = 0; i < 7 * es_dtype_size((es_dtype)d); i++) cr_assert_eq(bytes[i], 0);
    es_tensor *one = es_unary(ctx, ES_NOT, es_full(ctx, (es_dtype)d, ES_SHAPE(2), 1));
    CHECK(one, ES_BOOL, 0, 0);
    es_tensor *eye = es_cast(ctx, es_unary(ctx, ES_NOT, es_eye(ctx, (es_dtype)d, 2, 3)), ES_F64);
    CHECK(eye, ES_F64, 0, 1, 1, 1, 0, 1);
  }
}

Test(tensor, full_and_ramp) {
  CHECK(es_full(ctx, ES_F32, ES_SHAPE(2, 2), 2.5), ES_F32, 2.5, 2.5, 2.5, 2.5);
  CHECK(es_full(ctx, ES_I32, ES_SHAPE(1), -2.9), ES_I32, -2); /* as es_cast: toward zero */
  CHECK(es_ramp(ctx, ES_F16, ES_SHAPE(2, 2)), ES_F16, 0, 1, 2, 3);
  CHECK(es_ramp(ctx, ES_F64, 0, NULL), ES_F64, 0);
  check_fails(es_full(ctx, ES_U8, ES_SHAPE(2), 256), ES_E_OVERFLOW,
              "es_full: the value at (0,) does not fit u8");
  check_fails(es_full(ctx, ES_I64, ES_SHAPE(2), NAN), ES_E_OVERFLOW,
              "es_full: the value at (0,) does not fit i64");
  check_fails(es_ramp(ctx, ES_I8, ES_SHAPE(2, 100)), ES_E_OVERFLOW,
              "es_ramp: the value at (1, 28) does not fit i8");
  cr_assert(es_ramp(ctx, ES_U8, ES_SHAPE(256)));
  es_tensor *big = es_ramp(ctx, ES_I32, ES_SHAPE(300, 1000));
  const int32_t *v = es_data(big);
  for (int i = 0; i < 300000; i++) cr_assert_eq(v[i], i);
}

Test(tensor, arange) {
  CHECK(es_arange(ctx, ES_F64, 0, 1, 0.25), ES_F64, 0, 0.25, 0.5, 0.75);
  CHECK(es_arange(ctx, ES_I32, 5, 0, -2), ES_I32, 5, 3, 1);
  CHECK(es_arange(ctx, ES_I64, 3, 4, 1), ES_I64, 3);
  cr_assert_eq(es_size(es_arange(ctx, ES_F32, 3, 3, 1)), 0);
  cr_assert_eq(es_size(es_arange(ctx, ES_F32, 3, 0, 1)), 0);
  /* Rounding must not let the end in: 0.1 * 3 > 0.3. */
  for (double step = 0.01; step < 1; step += 0.007)
    for (int n = 1; n < 40; n++) {
      es_scope_push(ctx);
      es_tensor *t = es_arange(ctx, ES_F64, 0, step * n, step);
      const double *v = es_data(t);
      cr_assert(es_size(t) == n || es_size(t) == n + 1);
      cr_assert(v[es_size(t) - 1] < step * n);
      es_scope_pop(ctx);
    }
  check_fails(es_arange(ctx, ES_F32, 0, 1, 0), ES_E_VALUE,
              "es_arange: start, stop and step must be finite and step not 0");
  check_fails(es_arange(ctx, ES_F32, 0, INFINITY, 1), ES_E_VALUE,
              "es_arange: start, stop and step must be finite and step not 0");
  check_fails(es_arange(ctx, ES_F32, 0, 1e300, 1e-300), ES_E_LIMIT,
              "es_arange: the range holds more than 2^62 numbers");
  cr_assert_null(es_arange(ctx, ES_F32, 0, 1e15, 1));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_LIMIT);
}

Test(tensor, linspace) {
  CHECK(es_linspace(ctx, ES_F64, 0, 1, 5), ES_F64, 0, 0.25, 0.5, 0.75, 1);
  CHECK(es_linspace(ctx, ES_F64, 2, 7, 1), ES_F64, 2);
  CHECK(es_linspace(ctx, ES_F32, 3, 3, 2), ES_F32, 3, 3);
  cr_assert_eq(es_size(es_linspace(ctx, ES_F64, 0, 1, 0)), 0);
  for (int n = 2; n < 2000; n += 7) {
    es_tensor *t = es_linspace(ctx, ES_F64, 0.1, 0.7, n);
    cr_assert(((const double *)es_data(t))[n - 1] == 0.7, "the end is met exactly");
  }
  check_fails(es_linspace(ctx, ES_F64, 0, 1, -1), ES_E_EXTENT,
              "axis 0 has size -1; a size is 0 or more");
}

Test(tensor, eye) {
  CHECK(es_eye(ctx, ES_I32, 3, 2), ES_I32, 1, 0, 0, 1, 0, 0);
  cr_assert_eq(es_size(es_eye(ctx, ES_F32, 0, 4)), 0);
  cr_assert_null(es_eye(ctx, ES_F32, -1, 4));
}

/* ---- random numbers ------------------------------------------------------------ */

/* Known answers of the Random123 distribution, kat_vectors, philox 4x32 10 rounds. */
Test(tensor, philox_gives_the_published_numbers) {
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } rows[] = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
              {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
               {0xffffffff, 0xffffffff},
               {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
              {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
               {0xa4093822, 0x299f31d0},
               {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (size_t i = 0; i < 3; i++) {
    uint32_t c[4];
    memcpy(c, rows[i].counter, sizeof c);
    es_random_philox(c, rows[i].key[0], rows[i].key[1]);
    cr_assert_eq(memcmp(c, rows[i].out, sizeof c), 0, "row %zu", i);
  }
}

/* The same bits on every machine: written down once. */
Test(tensor, random_numbers_are_pinned) {
  cr_assert_eq(es_random_uniform(0, 0, 53), 0x1.c2d38b1acc4fdp-1, "%a",
               es_random_uniform(0, 0, 53));
  cr_assert_eq(es_random_uniform(7, 1000001, 53), 0x1.8f950ee693173p-1, "%a",
               es_random_uniform(7, 1000001, 53));
  cr_assert_eq(es_random_normal(0, 0), -0x1.67918141f2851p-2, "%a", es_random_normal(0, 0));
  cr_assert_eq(es_random_normal(7, 1000001), 0x1.caff6052d1282p-5, "%a",
               es_random_normal(7, 1000001));
}

/* The generator's own log and cos against those of the C library, from the words
 * of the cipher on. */
Test(tensor, normals_follow_box_and_muller) {
  for (uint32_t block = 0; block < 20000; block++) {
    uint32_t c[4] = {block, 0, ES_RANDOM_NORMAL, 0};
    es_random_philox(c, 3, 0);
    uint64_t low = (uint64_t)c[1] << 32 | c[0], high = (uint64_t)c[3] << 32 | c[2];
    double u = (double)((low >> 11) + 1) * 0x1p-53, v = (double)(high >> 11) * 0x1p-53;
    double radius = sqrt(-2 * log(u)), angle = 6.283185307179586 * v;
    cr_assert(fabs(es_random_normal(3, 2 * block) - radius * cos(angle)) <= 4e-15 * radius);
    cr_assert(fabs(es_random_normal(3, 2 * block + 1) - radius * sin(angle)) <= 4e-15 * radius);
  }
}

static void moments(const es_tensor *t, double *mean, double *variance, double *fourth) {
  int64_t n = es_size(t);
  const double *v = es_data(t);
  *mean = *variance = *fourth = 0;
  for (int64_t i = 0; i < n; i++) *mean += v[i] / (double)n;
  for (int64_t i = 0; i < n; i++) {
    double d = (v[i] - *mean) * (v[i] - *mean);
    *variance += d / (double)n;
    *fourth += d * d / (double)n;
  }
}

/* 10^5 numbers: five standard deviations of each estimate. */
Test(tensor, random_distributions) {
  double mean, variance, fourth;
  moments(es_rand(ctx, ES_F64, ES_SHAPE(100000)), &mean, &variance, &fourth);
  cr_assert(fabs(mean - 0.5) < 5 * sqrt(1 / 12.0 / 1e5) &&
            fabs(variance - 1 / 12.0) < 5 * 0.0745 / sqrt(1e5));
  moments(es_randn(ctx, ES_F64, ES_SHAPE(100000)), &mean, &variance, &fourth);
  cr_assert(fabs(mean) < 5 / sqrt(1e5) && fabs(variance - 1) < 5 * sqrt(2 / 1e5) &&
            fabs(fourth - 3) < 5 * sqrt(96 / 1e5));
}

Test(tensor, uniform_numbers_stay_below_one) {
  static const es_dtype types[] = {ES_F16, ES_BF16, ES_F32, ES_F64};
  for (size_t d = 0; d < 4; d++) {
    es_tensor *t = es_rand(ctx, types[d], ES_SHAPE(100000));
    double *v = es_data_mut(es_cast(ctx, t, ES_F64)), highest = 0;
    for (int i = 0; i < 100000; i++) {
      cr_assert(v[i] >= 0 && v[i] < 1);
      if (v[i] > highest) highest = v[i];
    }
    cr_assert(highest > 0.99);
  }
}

Test(tensor, the_kth_number_depends_on_the_seed_alone) {
  es_ctx *other = es_ctx_create(&(es_config){.threads = 3});
  es_tensor *whole = es_rand(ctx, ES_F64, ES_SHAPE(300, 1001));
  es_rand(other, ES_F64, ES_SHAPE(17));
  es_tensor *rest = es_rand(other, ES_F64, ES_SHAPE(300 * 1001 - 17));
  cr_assert_eq(memcmp((const double *)es_data(whole) + 17, es_data(rest),
                      (300 * 1001 - 17) * sizeof(double)),
               0);
  es_ctx_destroy(other);
  other = es_ctx_create(&(es_config){.seed = 1});
  es_tensor *seeded = es_rand(other, ES_F64, ES_SHAPE(1000));
  const double *a = es_data(whole), *b = es_data(seeded);
  for (int i = 0; i < 1000; i++) cr_assert(a[i] != b[i]);
  es_ctx_destroy(other);
  check_fails(es_randn(ctx, ES_I32, ES_SHAPE(2)), ES_E_DTYPE,
              "es_randn: random numbers are real or complex, not i32; es_cast converts them");
  es_tensor *z = es_randn(ctx, ES_C128, ES_SHAPE(2)), *y = es_rand(ctx, ES_C64, ES_SHAPE(2));
  const double *parts = es_data(z);
  const float *units = es_data(y);
  for (int i = 0; i < 4; i++) cr_assert(parts[i] != 0 && units[i] >= 0 && units[i] < 1);
}

/* ---- memory of the caller -------------------------------------------------------- */

Test(tensor, from_data_copies) {
  float data[] = {1, 2, 3, 4};
  es_tensor *t = es_from_data(ctx, ES_F32, ES_SHAPE(2, 2), data);
  data[0] = 9;
  CHECK(t, ES_F32, 1, 2, 3, 4);
  check_fails(es_from_data(ctx, ES_F32, ES_SHAPE(2), NULL), ES_E_VALUE,
              "es_from_data: data is NULL");
  cr_assert(es_from_data(ctx, ES_F32, ES_SHAPE(0), NULL));
}

static int releases;
static void count_release(void *user) {
  releases++;
  if (user) *(int *)user = 1;
}

Test(tensor, wrapped_memory) {
  float data[] = {0, 1, 2, 3, 4, 5};
  int gone = 0;
  es_scope_push(ctx);
  es_tensor *t = es_wrap(ctx, ES_F32, data, 6, 4, 2, (const int64_t[]){2, 2},
                         (const int64_t[]){-3, 1}, true, count_release, &gone);
  CHECK(t, ES_F32, 4, 5, 1, 2);
  ((float *)es_data_mut(t))[0] = 40;
  cr_assert_eq(data[4], 40);
  es_tensor *view = es_retain(es_select(ctx, t, 0, 1));
  es_scope_pop(ctx);
  cr_assert_eq(gone, 0, "a view still holds the memory");
  es_release(view);
  cr_assert(gone == 1 && releases == 1);
  es_tensor *fixed = es_wrap(ctx, ES_F32, data, 6, 0, 1, (const int64_t[]){6}, NULL, false, NULL,
                             NULL);
  cr_assert(!es_is_writable(fixed) && es_data_mut(fixed) == NULL && es_data(fixed) == data);
  cr_assert(!es_is_writable(es_flip(ctx, fixed, 0)));
}

Test(tensor, wrapping_refuses_and_releases) {
  float data[6];
  const struct {
    es_dtype dtype;
    void *data;
    int64_t length, offset, extent, stride;
    es_status status;
  } rows[] = {
      {ES_F32, data, 6, 0, 7, 1, ES_E_RANGE},         {ES_F32, data, 6, 1, 6, 1, ES_E_RANGE},
      {ES_F32, data, 6, 0, 2, -1, ES_E_RANGE},        {ES_F32, data, 6, -1, 1, 1, ES_E_RANGE},
      {ES_F32, NULL, 6, 0, 2, 1, ES_E_VALUE},         {ES_F32, data, -1, 0, 0, 1, ES_E_VALUE},
      {ES_F32, data, 6, 0, -2, 1, ES_E_EXTENT},       {(es_dtype)77, data, 6, 0, 2, 1, ES_E_DTYPE},
      {ES_C128, data, INT64_MAX, 0, 2, 1, ES_E_VALUE}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    releases = 0;
    cr_assert_null(es_wrap(ctx, rows[i].dtype, rows[i].data, rows[i].length, rows[i].offset, 1,
                           &rows[i].extent, &rows[i].stride, true, count_release, NULL));
    cr_assert_eq(es_ctx_error(ctx)->status, rows[i].status, "row %zu: %s", i, es_error_text(ctx));
    cr_assert_eq(releases, 1, "row %zu", i);
    es_clear_error(ctx);
  }
  releases = 0;
  cr_assert_null(es_wrap(NULL, ES_F32, data, 6, 0, 0, NULL, NULL, true, count_release, NULL));
  cr_assert_eq(releases, 1);
  es_tensor *none = es_wrap(ctx, ES_F32, NULL, 0, 0, 1, (const int64_t[]){0}, NULL, true, NULL,
                            NULL);
  cr_assert(none && es_size(none) == 0);
}

Test(tensor, aliases_share) {
  es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(3)), *y = es_contiguous(ctx, x);
  cr_assert(y && y != x && es_data(y) == es_data(x) && es_is_view(x));
  es_tensor *copy = es_copy(ctx, x);
  cr_assert(es_data(copy) != es_data(x) && !es_is_view(copy));
  CHECK(es_contiguous(ctx, es_flip(ctx, x, 0)), ES_F32, 2, 1, 0);
}
