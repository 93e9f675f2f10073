#include "base/random.h"

#include <math.h>

void es_random_philox(uint32_t c[4], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ key0, (uint32_t)p1,
                        (uint32_t)(p0 >> 32) ^ c[3] ^ key1, (uint32_t)p0};
    for (int i = 0; i < 4; i++) c[i] = next[i];
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

/* Two 64-bit words of block number block of a kind of numbers. */
static void draw(uint64_t seed, es_random_kind kind, uint64_t block, uint64_t word[2]) {
  uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)kind, 0};
  es_random_philox(c, (uint32_t)seed, (uint32_t)(seed >> 32));
  word[0] = (uint64_t)c[1] << 32 | c[0];
  word[1] = (uint64_t)c[3] << 32 | c[2];
}

double es_random_uniform(uint64_t seed, uint64_t k, int bits) {
  uint64_t word[2];
  draw(seed, ES_RANDOM_UNIFORM, k >> 1, word);
  return ldexp((double)(word[k & 1] >> (64 - bits)), -bits);
}

/* ln x for x in (0, 1]: x = m 2^e with m in [sqrt(1/2), sqrt 2), ln m = 2 atanh s,
 * s = (m-1)/(m+1), |s| < 0.172: the first term left out is below 2^-60. */
static double log_exactly_defined(double x) {
  int e;
  double m = frexp(x, &e);
  if (m < 0x1.6a09e667f3bcdp-1) {
    m *= 2;
    e--;
  }
  double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
  for (int n = 23; n >= 1; n -= 2) sum = sum * s2 + 1.0 / n;
  return 2 * s * sum + e * 0x1.62e42fefa39efp-1;
}

/* Taylor's series of sin x and cos x for |x| <= pi/4, to 2^-55. */
static double sin_series(double x) {
  double sum = 0;
  for (int n = 17; n >= 3; n -= 2) sum = (sum + 1) * (-x * x / (n * (n - 1)));
  return x * (1 + sum);
}
static double cos_series(double x) {
  double sum = 0;
  for (int n = 18; n >= 2; n -= 2) sum = (sum + 1) * (-x * x / (n * (n - 1)));
  return 1 + sum;
}

/* cos(2 pi u) for u in [0, 1), by quarter turns. */
static double cos_turns(double u) {
  int quarter = (int)(4 * u + 0.5);
  double x = (u - quarter * 0.25) * 0x1.921fb54442d18p+2;
  switch (quarter & 3) {
  case 0: return cos_series(x);
  case 1: return -sin_series(x);
  case 2: return -cos_series(x);
  default: return sin_series(x);
  }
}

/* Box and Muller (1958): numbers 2j and 2j+1 are the cosine and the sine of one
 * pair; sin(2 pi u) = cos(2 pi (u - 1/4)). */
double es_random_normal(uint64_t seed, uint64_t k) {
  uint64_t word[2];
  draw(seed, ES_RANDOM_NORMAL, k >> 1, word);
  double radius = ldexp((double)((word[0] >> 11) + 1), -53); /* (0, 1] */
  double turn = ldexp((double)(word[1] >> 11), -53);
  if (k & 1) turn = turn < 0.25 ? turn + 0.75 : turn - 0.25;
  return sqrt(-2 * log_exactly_defined(radius)) * cos_turns(turn);
}
