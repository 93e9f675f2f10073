/* Checked arithmetic: the definitions of base/checked.h on int8_t, where all pairs
 * can be tried, and the 64-bit ones at their edges; integers of 128 bits, base/wide.h. */
#include <criterion/criterion.h>

#include "base/checked.h"
#include "base/wide.h"

ES_CHECKED_DEFINE(int8_t, i8)

static bool fits(int v) { return v >= INT8_MIN && v <= INT8_MAX; }

Test(checked, all_pairs_of_int8) {
  for (int a = INT8_MIN; a <= INT8_MAX; a++)
    for (int b = INT8_MIN; b <= INT8_MAX; b++) {
      int8_t x = (int8_t)a, y = (int8_t)b, out = 0;
      cr_assert_eq(es_add_i8(x, y, &out), fits(a + b));
      if (fits(a + b)) cr_assert_eq(out, a + b);
      cr_assert_eq(es_sub_i8(x, y, &out), fits(a - b));
      if (fits(a - b)) cr_assert_eq(out, a - b);
      cr_assert_eq(es_mul_i8(x, y, &out), fits(a * b));
      if (fits(a * b)) cr_assert_eq(out, a * b);
    }
}

/* The product is checked on its own: a sum that comes back into range does not
 * excuse it. */
Test(checked, multiply_and_add) {
  for (int acc = INT8_MIN; acc <= INT8_MAX; acc += 3)
    for (int a = INT8_MIN; a <= INT8_MAX; a++)
      for (int b = INT8_MIN; b <= INT8_MAX; b++) {
        int8_t out = 0;
        bool want = fits(a * b) && fits(acc + a * b);
        if (es_mad_i8((int8_t)acc, (int8_t)a, (int8_t)b, &out) != want ||
            (want && out != acc + a * b))
          cr_assert_fail("%d + %d * %d", acc, a, b);
      }
}

Test(checked, edges_of_int64) {
  static const int64_t edge[] = {
      INT64_MIN, INT64_MIN + 1,    -((int64_t)1 << 32), -2,       -1, 0, 1,
      2,         (int64_t)1 << 32, INT64_MAX - 1,       INT64_MAX};
  for (size_t i = 0; i < sizeof edge / sizeof *edge; i++)
    for (size_t j = 0; j < sizeof edge / sizeof *edge; j++) {
      es_i128 a = edge[i], b = edge[j];
      int64_t out;
      cr_assert_eq(es_add_i64(edge[i], edge[j], &out), (es_i128)(int64_t)(a + b) == a + b);
      cr_assert_eq(es_sub_i64(edge[i], edge[j], &out), (es_i128)(int64_t)(a - b) == a - b);
      cr_assert_eq(es_mul_i64(edge[i], edge[j], &out), (es_i128)(int64_t)(a * b) == a * b);
    }
}

Test(checked, floor_division) {
  for (int64_t a = -50; a <= 50; a++)
    for (int64_t d = 1; d <= 7; d++) {
      int64_t q = es_floor_div(a, d);
      cr_assert(q * d <= a && a < (q + 1) * d, "%lld / %lld", (long long)a, (long long)d);
    }
  cr_assert_eq(es_floor_div(INT64_MIN, 1), INT64_MIN);
  cr_assert_eq(es_floor_div(INT64_MIN, INT64_MAX), -2);
}

Test(checked, wide_floor_division) {
  const es_i128 far = (es_i128)1 << 100;
  for (int64_t a = -50; a <= 50; a++)
    for (int64_t d = 1; d <= 7; d++) {
      cr_assert(es_i128_floor_div(a, d) == es_floor_div(a, d), "%lld / %lld", (long long)a,
                (long long)d);
      es_i128 n = far + a, q = es_i128_floor_div(n, d);
      cr_assert(q * d <= n && n < (q + 1) * d);
      n = -far + a, q = es_i128_floor_div(n, d);
      cr_assert(q * d <= n && n < (q + 1) * d);
    }
}

/* Numbers of every length, with few bits set and with few clear. */
static es_u128 sparse(int high, int low, bool inverted) {
  es_u128 x = ((es_u128)1 << high) + ((es_u128)1 << low) - 1;
  return inverted ? ~x : x;
}

Test(checked, wide_division) {
  for (int i = 0; i < 128; i++)
    for (int j = 0; j < 127; j++)
      for (int k = 0; k <= j; k += 1 + k / 3) {
        const es_u128 a = sparse(i, k, (i ^ j) & 1), d = sparse(j, k, false) & ~((es_u128)1 << 127);
        es_u128 rest, quotient = es_u128_divide(a, d, &rest), product, sum;
        if (d == 0) continue;
        bool wraps = __builtin_mul_overflow(quotient, d, &product) ||
                     __builtin_add_overflow(product, rest, &sum);
        cr_assert(!wraps && sum == a && rest < d, "2^%d, 2^%d, 2^%d", i, j, k);
      }
}

/* Of 2^shift and some units of the last place of a double, and of long double where that has 64
 * bits, in halves and next to them: what is nearest, or even. */
Test(checked, wide_integers_as_floating_point) {
  cr_assert(es_i128_double(0) == 0 && es_i128_double(-1) == -1 && es_u128_double(1) == 1);
  for (int shift = 0; shift < 127 - 53; shift++)
    for (int units = 0; units < 4; units++)
      for (int beside = -1; beside <= 1; beside++) {
        const es_i128 half = (es_i128)1 << shift;
        const es_i128 a = ((es_i128)1 << 52 | units) * 2 * half + half + (shift ? beside : 0);
        const int up = shift && beside ? beside > 0 : units & 1;
        const double want = ldexp((double)(((int64_t)1 << 52) + units + up), shift + 1);
        cr_assert(es_i128_double(a) == want && es_i128_double(-a) == -want, "%d, %d, %d", shift,
                  units, beside);
      }
  for (int bit = 0; bit < 127; bit++) {
    const es_i128 a = ((es_i128)1 << bit) | ((es_i128)1 << (bit > 52 ? bit - 52 : 0));
    const long double want = ldexpl(1, bit) + (bit ? ldexpl(1, bit > 52 ? bit - 52 : 0) : 0);
    cr_assert(es_i128_long_double(a) == want && es_i128_long_double(-a) == -want, "2^%d", bit);
  }
}

Test(checked, division_rounded_up) {
  for (int64_t a = 0; a <= 60; a++)
    for (int64_t b = 1; b <= 9; b++) {
      int64_t q = es_ceil_div(a, b);
      cr_assert(q * b >= a && (q - 1) * b < a, "%lld / %lld", (long long)a, (long long)b);
    }
  cr_assert_eq(es_ceil_div(INT64_MAX, 1), INT64_MAX);
  cr_assert_eq(es_ceil_div(INT64_MAX, 2), (int64_t)1 << 62);
}

Test(checked, greatest_common_divisor) {
  for (int64_t a = 0; a <= 40; a++)
    for (int64_t b = 0; b <= 40; b++) {
      int64_t most = a && b ? 1 : a + b;
      for (int64_t d = 1; a && b && d <= a && d <= b; d++)
        if (a % d == 0 && b % d == 0) most = d;
      cr_assert_eq(es_gcd(a, b), most, "%lld, %lld", (long long)a, (long long)b);
    }
}

Test(checked, counts_do_not_wrap_behind_a_zero) {
  int64_t count;
  cr_assert(es_count_i64(0, NULL, &count) && count == 1);
  int64_t wraps[] = {(int64_t)1 << 32, 0, (int64_t)1 << 32};
  cr_assert(!es_count_i64(3, wraps, &count));
  int64_t fine[] = {(int64_t)1 << 31, 0, (int64_t)1 << 31};
  cr_assert(es_count_i64(3, fine, &count) && count == 0);
  cr_assert(es_bytes_i64(3, fine, 1, &count) && count == 0);
  cr_assert(!es_bytes_i64(3, fine, 2, &count));
  int64_t negative[] = {0, -1};
  cr_assert(!es_count_i64(2, negative, &count));
}
