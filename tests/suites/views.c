/* Random shapes, strides and offsets over a small storage: the one constructor of views lets
 * through exactly those whose every index stays inside, and lets write only through those
 * that meet no element twice, both found by counting.
 *
 *   views [COUNT]   a hundred million is the whole */
#include "base/view.h"
#include "tests/suites/suite.h"

enum { AXES = 4, MOST = 64, EXTENT = 5, STRIDE = 9, REACH = 48 };

static uint64_t state = 88172645463325252u;
static unsigned roll(unsigned sides) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (unsigned)(((state >> 32) * sides) >> 32);
}

typedef struct shape {
  int rank;
  int64_t extent[AXES], stride[AXES], offset, length;
} shape;

/* Extents of 1 and 2 are common, so that four axes fit; strides often continue the axes
 * behind them, as those of real tensors do. */
static void choose(shape *s) {
  s->rank = (int)roll(AXES + 1);
  int64_t dense = 1;
  for (int a = s->rank - 1; a >= 0; a--) {
    s->extent[a] = roll(20) ? 1 + (int64_t)roll(roll(2) ? 2 : EXTENT) : 0;
    s->stride[a] = roll(3) ? (int64_t)roll(2 * STRIDE + 1) - STRIDE : dense;
    if (!roll(6)) s->stride[a] = -s->stride[a];
    dense *= s->extent[a];
  }
  s->offset = (int64_t)roll(REACH) - 4;
  s->length = (int64_t)roll(REACH);
}

typedef struct facts {
  bool inside, once, empty;
} facts;

/* Bit 128 + i of a map of 512 is element offset + i; no index goes further than 4 axes of
 * 4 steps of 9 and what dense strides reach. */
static facts enumerate(const shape *s) {
  enum { HALF = 4096 };
  static uint64_t seen[2 * HALF / 64];
  facts f = {true, true, false};
  int64_t index[AXES] = {0}, low = 0, high = 0;
  for (int a = 0; a < s->rank; a++) f.empty |= s->extent[a] == 0;
  if (f.empty) return f;
  for (;;) {
    int64_t at = 0;
    for (int a = 0; a < s->rank; a++) at += index[a] * s->stride[a];
    f.inside &= s->offset + at >= 0 && s->offset + at < s->length;
    uint64_t *word = &seen[(HALF + at) / 64], bit = (uint64_t)1 << ((HALF + at) % 64);
    f.once &= !(*word & bit);
    *word |= bit;
    low = at < low ? at : low, high = at > high ? at : high;
    int a = s->rank;
    while (a-- > 0 && ++index[a] == s->extent[a]) index[a] = 0;
    if (a < 0) break;
  }
  for (int64_t w = (HALF + low) / 64; w <= (HALF + high) / 64; w++) seen[w] = 0;
  return f;
}

static void describe(const shape *s, char *text, size_t cap) {
  size_t n = (size_t)snprintf(text, cap, "length %lld, offset %lld,", (long long)s->length,
                              (long long)s->offset);
  for (int a = 0; a < s->rank; a++)
    n += (size_t)snprintf(text + n, cap - n, " %lld:%lld", (long long)s->extent[a],
                          (long long)s->stride[a]);
}

int main(int argc, char **argv) {
  long long count = suite_count(argc, argv, 1, 2000000), made = 0, injective = 0;
  double start = suite_seconds();
  char text[256];
  for (long long i = 0; i < count; i++) {
    shape s;
    choose(&s);
    facts f = enumerate(&s);
    es_view v;
    es_error error;
    bool ok = es_view_make(ES_U8, s.length, s.offset, s.rank, s.extent, s.stride, true, &v,
                           &error) == ES_OK;
    describe(&s, text, sizeof text);
    REQUIRE(ok == (f.inside || f.empty), "%s: %s", text, ok ? "leaves its storage" : error.message);
    if (!ok) continue;
    /* These are small enough for the exact test: no false refusal either. */
    REQUIRE(v.writable == (f.once || f.empty), "%s: writable %d", text, v.writable);
    made++, injective += v.writable;
  }
  printf("%lld views, %lld inside, %lld of them injective; %.0f s\n", count, made, injective,
         suite_seconds() - start);
  return 0;
}
