/* The public view functions against index arithmetic on the elements. */
#include <criterion/criterion.h>
#include <string.h>

#include "einstride.h"

static es_ctx *ctx;
static void setup(void) { ctx = es_ctx_create(&(es_config){.threads = 1}); }
static void teardown(void) { es_ctx_destroy(ctx); }
TestSuite(views, .init = setup, .fini = teardown);

enum { MOST = 4096 };

/* t has this shape, and its elements, in C order, are want. */
static void check(const es_tensor *t, int rank, const int64_t *shape, const int64_t *want,
                  int line) {
  int64_t got[MOST], count = 1;
  cr_assert(t, "line %d: %s", line, es_error_text(ctx));
  cr_assert_eq(es_rank(t), rank, "line %d: %d axes", line, es_rank(t));
  for (int i = 0; i < rank; i++) {
    cr_assert_eq(es_shape(t)[i], shape[i], "line %d: axis %d is %lld", line, i,
                 (long long)es_shape(t)[i]);
    count *= shape[i];
  }
  cr_assert_eq(es_read(ctx, t, ES_I64, got, count), ES_OK);
  for (int64_t i = 0; i < count; i++)
    cr_assert_eq(got[i], want[i], "line %d: element %lld is %lld, not %lld", line, (long long)i,
                 (long long)got[i], (long long)want[i]);
}
#define SHAPE(...) ((const int64_t[]){__VA_ARGS__})
#define CHECK(t, rank, shape, ...) check(t, rank, shape, (const int64_t[]){__VA_ARGS__}, __LINE__)

static void check_fails(const es_tensor *t, es_status status, const char *message) {
  cr_assert_null(t);
  cr_assert_eq(es_ctx_error(ctx)->status, status, "%s", es_error_text(ctx));
  cr_assert_str_eq(es_ctx_error(ctx)->message, message);
  es_clear_error(ctx);
}

static bool shares(const es_tensor *view, const es_tensor *x) {
  const char *low = es_data(x), *at = es_data(view);
  return at >= low && at < low + es_size(x) * (int64_t)es_dtype_size(es_dtype_of(x));
}

Test(views, permute_and_transpose) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 3, 2));
  es_tensor *y = es_permute(ctx, x, (int[]){2, 0, -2});
  CHECK(y, 3, SHAPE(2, 2, 3), 0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11);
  cr_assert(shares(y, x) && es_is_writable(y) && !es_is_contiguous(y) && es_is_view(y) &&
            es_is_view(x));
  CHECK(es_transpose(ctx, x, 0, -1), 3, SHAPE(2, 3, 2), 0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11);
  CHECK(es_transpose(ctx, x, 1, 1), 3, SHAPE(2, 3, 2), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  check_fails(es_permute(ctx, x, (int[]){0, 2, -1}), ES_E_VALUE,
              "es_permute: axis 2 is named twice, at places 1 and 2");
  check_fails(es_permute(ctx, x, (int[]){0, 1, 3}), ES_E_RANGE,
              "axis 3 is out of range for a tensor with 3 axes (-3 … 2)");
  check_fails(es_transpose(ctx, es_full(ctx, ES_F32, 0, NULL, 1), 0, 0), ES_E_RANGE,
              "axis 0 is out of range: a tensor with 0 axes has none");
}

Test(views, reshape) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 6));
  es_tensor *y = es_reshape(ctx, x, ES_SHAPE(3, -1));
  CHECK(y, 2, SHAPE(3, 4), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  cr_assert(shares(y, x));
  es_tensor *t = es_transpose(ctx, x, 0, 1);
  es_tensor *copy = es_reshape(ctx, t, ES_SHAPE(12));
  CHECK(copy, 1, SHAPE(12), 0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11);
  cr_assert(!shares(copy, x) && !es_is_view(copy) && es_is_writable(copy));
  es_tensor *split = es_reshape(ctx, t, ES_SHAPE(2, 3, 1, 2));
  cr_assert(shares(split, x), "splitting an axis needs no copy");
  CHECK(split, 4, SHAPE(2, 3, 1, 2), 0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11);
  CHECK(es_reshape(ctx, es_select(ctx, es_select(ctx, x, 0, 1), 0, 2), ES_SHAPE(1, 1)), 2,
        SHAPE(1, 1), 8);
  CHECK(es_reshape(ctx, es_reshape(ctx, es_select(ctx, es_select(ctx, x, 0, 1), 0, 2), ES_SHAPE(1)),
                   0, NULL),
        0, SHAPE(1), 8);
  es_tensor *none = es_zeros(ctx, ES_F32, ES_SHAPE(3, 0));
  CHECK(es_reshape(ctx, none, ES_SHAPE(0, 7)), 2, SHAPE(0, 7), 0);
  check_fails(es_reshape(ctx, x, ES_SHAPE(5, -1)), ES_E_EXTENT,
              "reshape of (2, 6) to (5, -1): 12 elements do not fill that shape");
  check_fails(es_reshape(ctx, x, ES_SHAPE(-1, -1)), ES_E_VALUE,
              "reshape to (-1, -1): only one size can be -1");
  check_fails(es_reshape(ctx, x, ES_SHAPE(-2)), ES_E_VALUE,
              "reshape to (-2,): a size is 0 or more, or -1 for the one to infer");
  check_fails(es_reshape(ctx, none, ES_SHAPE(0, -1)), ES_E_UNDETERMINED,
              "reshape of (3, 0) to (0, -1): beside a size of 0 the size -1 could be any");
  check_fails(es_reshape(ctx, x, ES_SHAPE((int64_t)1 << 62, 4)), ES_E_EXTENT,
              "reshape of (2, 6) to (4611686018427387904, 4): 12 elements do not fill that shape");
  check_fails(es_reshape(ctx, x, ES_SHAPE(0)), ES_E_EXTENT,
              "reshape of (2, 6) to (0,): 12 elements do not fill that shape");
}

Test(views, flatten) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 3, 2));
  CHECK(es_flatten(ctx, x, 0, -1), 1, SHAPE(12), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  CHECK(es_flatten(ctx, x, 1, 2), 2, SHAPE(2, 6), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  CHECK(es_flatten(ctx, x, 1, 1), 3, SHAPE(2, 3, 2), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
  CHECK(es_flatten(ctx, es_full(ctx, ES_F32, 0, NULL, 5), 0, -1), 1, SHAPE(1), 5);
  check_fails(es_flatten(ctx, x, 2, 0), ES_E_VALUE,
              "es_flatten: the first axis, 2, comes after the last, 0");
}

Test(views, unit_axes) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 2));
  CHECK(es_unsqueeze(ctx, x, 0), 3, SHAPE(1, 2, 2), 0, 1, 2, 3);
  CHECK(es_unsqueeze(ctx, x, -1), 3, SHAPE(2, 2, 1), 0, 1, 2, 3);
  es_tensor *u = es_unsqueeze(ctx, x, 1);
  CHECK(u, 3, SHAPE(2, 1, 2), 0, 1, 2, 3);
  cr_assert(es_is_contiguous(u) && es_is_writable(u));
  CHECK(es_squeeze(ctx, u, -2), 2, SHAPE(2, 2), 0, 1, 2, 3);
  CHECK(es_squeeze_all(ctx, es_unsqueeze(ctx, es_unsqueeze(ctx, u, 0), -1)), 2, SHAPE(2, 2), 0, 1,
        2, 3);
  check_fails(es_squeeze(ctx, u, 0), ES_E_EXTENT,
              "es_squeeze: axis 0 has size 2; only size 1 can be dropped");
  check_fails(es_unsqueeze(ctx, x, 3), ES_E_RANGE,
              "axis 3 is out of range for a tensor with 3 axes (-3 … 2)");
  int64_t ones[ES_MAX_RANK];
  for (int i = 0; i < ES_MAX_RANK; i++) ones[i] = 1;
  check_fails(es_unsqueeze(ctx, es_zeros(ctx, ES_U8, ES_MAX_RANK, ones), 0), ES_E_RANK,
              "a tensor has 0 … 64 axes, not 65");
}

/* Python's slice, from its definition: positions from start, step apart, before
 * stop, after bounds are counted from the end and clamped. */
static int64_t python_slice(int64_t n, int64_t start, int64_t stop, int64_t step, int64_t *out) {
  int64_t first = step > 0 ? 0 : n - 1, last = step > 0 ? n : -1, count = 0;
  if (start != ES_ALL) {
    first = start < 0 ? start + n : start;
    if (step > 0)
      first = first < 0 ? 0 : first > n ? n : first;
    else
      first = first < 0 ? -1 : first >= n ? n - 1 : first;
  }
  if (stop != ES_ALL) {
    last = stop < 0 ? stop + n : stop;
    if (step > 0)
      last = last < 0 ? 0 : last > n ? n : last;
    else
      last = last < 0 ? -1 : last >= n ? n - 1 : last;
  }
  for (int64_t i = first; step > 0 ? i < last : i > last; i += step) out[count++] = i;
  return count;
}

Test(views, slices_as_python) {
  static const int64_t bounds[] = {ES_ALL, -9, -4, -3,        -1,           0, 1, 2,
                                   3,      4,  9,  INT64_MAX, INT64_MIN + 1};
  enum { BOUNDS = sizeof bounds / sizeof *bounds };
  for (int64_t n = 0; n < 5; n++) {
    es_tensor *x = es_ramp(ctx, ES_I64, 1, &n);
    for (int a = 0; a < BOUNDS; a++)
      for (int b = 0; b < BOUNDS; b++)
        for (int64_t step = -3; step <= 3; step++) {
          int64_t want[8], count;
          if (!step) continue;
          es_scope_push(ctx);
          /* The oracle walks; huge bounds mean the same as 9 away from either end. */
          int64_t start = bounds[a] > 9                           ? 9
                          : bounds[a] < -9 && bounds[a] != ES_ALL ? -9
                                                                  : bounds[a];
          int64_t stop = bounds[b] > 9 ? 9 : bounds[b] < -9 && bounds[b] != ES_ALL ? -9 : bounds[b];
          count = python_slice(n, start, stop, step, want);
          check(es_slice(ctx, x, 0, bounds[a], bounds[b], step), 1, &count, want, __LINE__);
          es_scope_pop(ctx);
        }
  }
}

Test(views, slices_with_huge_steps) {
  es_tensor *x = es_ramp(ctx, ES_I64, ES_SHAPE(2, 3));
  CHECK(es_slice(ctx, x, 1, 1, ES_ALL, INT64_MAX), 2, SHAPE(2, 1), 1, 4);
  CHECK(es_slice(ctx, x, 1, ES_ALL, ES_ALL, INT64_MIN + 1), 2, SHAPE(2, 1), 2, 5);
  CHECK(es_slice(ctx, x, 0, ES_ALL, ES_ALL, ES_ALL), 2, SHAPE(2, 3), 0, 1, 2, 3, 4, 5);
  check_fails(es_slice(ctx, x, 1, 0, 1, 0), ES_E_VALUE, "es_slice: the step along axis 1 is 0");
  CHECK(es_flip(ctx, x, 1), 2, SHAPE(2, 3), 2, 1, 0, 5, 4, 3);
  CHECK(es_flip(ctx, es_flip(ctx, x, 0), 0), 2, SHAPE(2, 3), 0, 1, 2, 3, 4, 5);
}

Test(views, select) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 3));
  CHECK(es_select(ctx, x, 0, 1), 1, SHAPE(3), 3, 4, 5);
  CHECK(es_select(ctx, x, 1, -1), 1, SHAPE(2), 2, 5);
  check_fails(es_select(ctx, x, 1, 3), ES_E_RANGE,
              "index 3 is out of range for axis 1 of size 3 (-3 … 2)");
  check_fails(es_select(ctx, x, 1, INT64_MIN), ES_E_RANGE,
              "index -9223372036854775808 is out of range for axis 1 of size 3 (-3 … 2)");
  check_fails(es_select(ctx, es_zeros(ctx, ES_F32, ES_SHAPE(0)), 0, 0), ES_E_RANGE,
              "index 0 is out of range: axis 0 has size 0");
  CHECK(es_select(ctx, es_zeros(ctx, ES_F32, ES_SHAPE(0, 5)), 1, 4), 1, SHAPE(0), 0);
}

Test(views, diagonals_against_indices) {
  for (int64_t rows = 0; rows < 4; rows++)
    for (int64_t columns = 0; columns < 5; columns++)
      for (int64_t offset = -6; offset <= 6; offset++) {
        es_scope_push(ctx);
        es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(rows, columns));
        int64_t want[8], length = 0;
        for (int64_t i = 0; i < rows; i++)
          if (i + offset >= 0 && i + offset < columns) want[length++] = i * columns + i + offset;
        check(es_diagonal(ctx, x, offset, 0, 1), 1, &length, want, __LINE__);
        check(es_diagonal(ctx, es_transpose(ctx, x, 0, 1), -offset, 0, 1), 1, &length, want,
              __LINE__);
        es_scope_pop(ctx);
      }
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 3, 2));
  CHECK(es_diagonal(ctx, x, 0, 0, -1), 2, SHAPE(3, 2), 0, 7, 2, 9, 4, 11);
  CHECK(es_diagonal(ctx, x, INT64_MIN, 0, 1), 2, SHAPE(2, 0), 0);
  CHECK(es_diagonal(ctx, x, INT64_MAX, 0, 1), 2, SHAPE(2, 0), 0);
  check_fails(es_diagonal(ctx, x, 0, 1, -2), ES_E_VALUE,
              "es_diagonal: a diagonal needs two axes; both are 1");
}

Test(views, broadcast) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(2, 1));
  es_tensor *y = es_broadcast_to(ctx, x, ES_SHAPE(2, 2, 3));
  CHECK(y, 3, SHAPE(2, 2, 3), 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1);
  cr_assert(shares(y, x) && !es_is_writable(y) && es_data_mut(y) == NULL);
  cr_assert(!es_is_writable(es_select(ctx, es_select(ctx, y, 0, 0), 1, 0)),
            "once read-only, always");
  CHECK(es_broadcast_to(ctx, x, ES_SHAPE(2, 0)), 2, SHAPE(2, 0), 0);
  check_fails(es_broadcast_to(ctx, x, ES_SHAPE(3, 1)), ES_E_EXTENT,
              "shape (2, 1) cannot be broadcast to (3, 1): axis 0 of the latter is 3 where the "
              "former has 2");
  check_fails(es_broadcast_to(ctx, x, ES_SHAPE(2)), ES_E_RANK,
              "a tensor of shape (2, 1) cannot be broadcast to 1 axes (2 … 64)");
  check_fails(es_broadcast_to(ctx, x, ES_SHAPE(2, -4)), ES_E_EXTENT,
              "axis 1 has size -4; a size is 0 or more");
}

Test(views, unfold_against_indices) {
  for (int64_t n = 1; n < 8; n++)
    for (int64_t size = 1; size < 4; size++)
      for (int64_t step = 1; step < 4; step++)
        for (int64_t dilation = 1; dilation < 4; dilation++) {
          int64_t span = dilation * (size - 1), want[64], count = 0, k = 0;
          es_scope_push(ctx);
          es_tensor *x = es_ramp(ctx, ES_I32, 1, &n);
          for (int64_t at = 0; at + span < n; at += step, count++)
            for (int64_t i = 0; i < size; i++) want[k++] = at + i * dilation;
          es_tensor *y = es_unfold_axis(ctx, x, 0, size, step, dilation);
          cr_assert_eq(y == NULL, count == 0);
          if (y) check(y, 2, SHAPE(count, size), want, __LINE__);
          if (y) cr_assert(shares(y, x));
          es_clear_error(ctx);
          es_scope_pop(ctx);
        }
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(4, 2));
  CHECK(es_unfold_axis(ctx, x, 0, 2, 1, 2), 3, SHAPE(2, 2, 2), 0, 4, 1, 5, 2, 6, 3, 7);
  cr_assert(!es_is_writable(es_unfold_axis(ctx, x, 0, 2, 1, 1)), "windows overlap");
  cr_assert(es_is_writable(es_unfold_axis(ctx, x, 0, 2, 2, 1)), "windows lie side by side");
  check_fails(es_unfold_axis(ctx, x, 0, 3, 1, 2), ES_E_EXTENT,
              "a window of 3 elements, each 2 apart, does not fit axis 0 of size 4");
  check_fails(es_unfold_axis(ctx, x, 0, 0, 1, 1), ES_E_VALUE,
              "the window size along axis 0 must be at least 1, not 0");
  check_fails(es_unfold_axis(ctx, x, 1, 1, -1, 1), ES_E_VALUE,
              "the stride along axis 1 must be at least 1, not -1");
  check_fails(es_unfold_axis(ctx, x, 1, 1, 1, 0), ES_E_VALUE,
              "the dilation along axis 1 must be at least 1, not 0");
  CHECK(es_unfold_axis(ctx, x, 0, 1, INT64_MAX, INT64_MAX), 3, SHAPE(1, 2, 1), 0, 1);
  cr_assert_null(es_unfold_axis(ctx, x, 0, INT64_MAX, 1, INT64_MAX));
}

Test(views, as_strided) {
  es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(10));
  es_tensor *tail = es_slice(ctx, x, 0, 4, ES_ALL, 1);
  CHECK(es_as_strided(ctx, tail, 2, SHAPE(2, 2), SHAPE(-3, 1), 1), 2, SHAPE(2, 2), 5, 6, 2, 3);
  es_tensor *hankel = es_as_strided(ctx, x, 2, SHAPE(3, 4), SHAPE(1, 1), 0);
  CHECK(hankel, 2, SHAPE(3, 4), 0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5);
  cr_assert(!es_is_writable(hankel));
  cr_assert(es_is_writable(es_as_strided(ctx, x, 2, SHAPE(2, 5), SHAPE(1, 2), 0)));
  check_fails(es_as_strided(ctx, tail, 1, SHAPE(7), SHAPE(1), 0), ES_E_RANGE,
              "a view of shape (7,) with strides (1,) at offset 4 touches elements 4 … 10 of a "
              "storage of 10");
  check_fails(es_as_strided(ctx, tail, 0, NULL, NULL, INT64_MAX), ES_E_RANGE,
              "es_as_strided: an offset of 9223372036854775807 leaves the storage");
  check_fails(es_as_strided(ctx, tail, 0, NULL, NULL, -5), ES_E_RANGE,
              "a view of shape () with strides () at offset -1 touches elements -1 … -1 of a "
              "storage of 10");
}

/* Whatever views are stacked on each other, each element is one of the storage,
 * the one that index arithmetic names. */
static uint64_t state = 7;
static int64_t roll(int64_t n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (int64_t)(state % (uint64_t)n);
}

Test(views, random_chains_stay_sound) {
  for (int round = 0; round < 3000; round++) {
    es_scope_push(ctx);
    es_tensor *x = es_ramp(ctx, ES_I32, ES_SHAPE(3, 4, 5)), *t = x;
    for (int step = 0; step < 6; step++) {
      int rank = es_rank(t);
      int axis = rank ? (int)roll(rank) : 0;
      es_tensor *next = NULL;
      switch (roll(8)) {
      case 0: next = es_transpose(ctx, t, axis, rank ? (int)roll(rank) : 0); break;
      case 1: next = es_slice(ctx, t, axis, roll(9) - 4, roll(9) - 4, roll(5) - 2); break;
      case 2: next = es_flip(ctx, t, axis); break;
      case 3: next = es_unsqueeze(ctx, t, axis); break;
      case 4: next = es_diagonal(ctx, t, roll(5) - 2, axis, rank ? (int)roll(rank) : 0); break;
      case 5: next = es_unfold_axis(ctx, t, axis, roll(3) + 1, roll(3) + 1, roll(2) + 1); break;
      case 6: next = es_flatten(ctx, t, axis, -1); break;
      default: next = es_select(ctx, t, axis, roll(5) - 2); break;
      }
      es_clear_error(ctx);
      if (next && es_size(next) <= MOST) t = next;
    }
    int64_t values[MOST];
    int64_t n = es_size(t);
    cr_assert_eq(es_read(ctx, t, ES_I64, values, n), ES_OK, "%s", es_error_text(ctx));
    if (es_rank(t) && n && shares(t, x)) /* element by element, through its own strides */
      for (int64_t i = 0; i < n; i++) {
        int64_t at = 0, rest = i;
        for (int k = es_rank(t) - 1; k >= 0; k--) {
          at += rest % es_shape(t)[k] * es_strides(t)[k];
          rest /= es_shape(t)[k];
        }
        cr_assert_eq(((const int32_t *)es_data(t))[at], values[i]);
      }
    for (int64_t i = 0; i < n; i++) cr_assert(values[i] >= 0 && values[i] < 60);
    if (es_is_writable(t) && shares(t, x)) {
      bool seen[60] = {false};
      for (int64_t i = 0; i < n; i++) {
        cr_assert(!seen[values[i]], "round %d: a writable view visits an element twice", round);
        seen[values[i]] = true;
      }
    }
    es_scope_pop(ctx);
  }
}
