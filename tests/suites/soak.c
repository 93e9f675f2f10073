/* Mixed work without an end: random expressions, layers, files in memory, errors, runs that
 * are cancelled at any question. Every result is compared, every cancelled run leaves the
 * context as it was, and memory does not grow.
 *
 *   soak [SECONDS] [CANCELLED RUNS AT LEAST]   ten minutes and 10,000 are the whole */
#include <math.h>

#include "einstride/io.h"
#include "einstride/layers.h"
#include "tests/suites/suite.h"
#include "tests/support/expressions.h"

enum { CONTEXTS = 3 };

/* Bytes by which resident memory may grow. */
#ifdef __SANITIZE_ADDRESS__
enum { GROWTH = 320 << 20 }; /* 256 MiB of freed memory are kept aside */
#else
enum { GROWTH = 16 << 20 };
#endif

typedef struct watch {
  _Atomic long long asked, stop_at; /* the question that is answered with yes; 0: none */
} watch;

static bool ask(void *user) {
  watch *w = user;
  long long n = ++w->asked, stop_at = w->stop_at;
  return stop_at && n >= stop_at;
}

static es_ctx *contexts[CONTEXTS];
static watch watches[CONTEXTS];
static expr_maker maker;
static long long done, cancelled, finished;

static unsigned roll(unsigned sides) { return expr_roll(&maker, sides); }

static void expressions(es_ctx *ctx) {
  static expr_tally t;
  for (int i = 0; i < 20; i++) {
    while (!expr_make(&maker)) continue;
    REQUIRE(expr_compare(ctx, &maker, 4000, &t), "%s", t.why);
  }
}

/* ---- runs that are cancelled
 * --------------------------------------------------------------------- */

enum { MATMUL, CONVOLUTION, REDUCTION, SOFTMAX, ATTENTION, ELEMENTWISE, TURN, CAST, WORKS };

static es_tensor *large(es_ctx *ctx, int64_t rows, int64_t columns) {
  const int64_t shape[] = {rows, columns};
  return es_ramp(ctx, ES_F32, 2, shape);
}

static es_tensor *work(es_ctx *ctx, int which, es_tensor *x) {
  switch (which) {
  case MATMUL: return es_einsum(ctx, "i k, j k -> i j", ES_IN(x, x), NULL);
  case CONVOLUTION:
    return es_einsum(ctx, "(h+a-1)?0 (w+b-1)?0, (a b) w -> h w",
                     ES_IN(x, es_slice(ctx, x, 0, 0, 9, 1)), ES_SIZES({"a", 3}, {"b", 3}));
  case REDUCTION: return es_reduce(ctx, "i j -> j", ES_REDUCE_SUM, x, NULL);
  case SOFTMAX: return es_softmax(ctx, x, -1);
  case ATTENTION: return es_scaled_dot_product_attention(ctx, x, x, x, NULL, true, 0, false);
  case ELEMENTWISE: return es_unary(ctx, ES_TANH, x);
  case TURN: return es_copy(ctx, es_transpose(ctx, x, 0, 1));
  default: return es_cast(ctx, x, ES_F64);
  }
}

static bool same(const es_tensor *a, const es_tensor *b) {
  size_t bytes = (size_t)es_size(a) * es_dtype_size(es_dtype_of(a));
  return es_size(a) == es_size(b) && !memcmp(es_data(a), es_data(b), bytes);
}

/* Once to the end, counting questions; then stopped at one of them; then to the end again. */
static void cancel(es_ctx *ctx, watch *w) {
  int which = (int)roll(WORKS);
  es_scope_push(ctx);
  es_tensor *x = large(ctx, 100 + roll(150), 100 + roll(150));
  *w = (watch){0};
  es_tensor *want = work(ctx, which, x);
  REQUIRE(want, "work %d: %s", which, es_error_text(ctx));
  for (long long asked = w->asked, times = 0; asked > 0 && times < 5; times++) {
    es_scope_push(ctx);
    int64_t before = es_memory_now(ctx);
    *w = (watch){.stop_at = 1 + roll((unsigned)asked)};
    es_tensor *y = work(ctx, which, x);
    *w = (watch){0};
    if (y) {
      finished++; /* with threads, the question may not have come */
      REQUIRE(same(y, want), "work %d: other bits", which);
    } else {
      cancelled++;
      REQUIRE(es_ctx_error(ctx)->status == ES_E_CANCELLED, "work %d: %s", which,
              es_error_text(ctx));
      es_clear_error(ctx);
      es_scope_pop(ctx);
      es_scope_push(ctx);
      /* Plans and workspace may stay. */
      REQUIRE(es_memory_now(ctx) <= before + (1 << 20), "work %d: %lld bytes were not given back",
              which, (long long)(es_memory_now(ctx) - before));
    }
    es_scope_pop(ctx);
  }
  es_tensor *again = work(ctx, which, x);
  REQUIRE(again && same(again, want), "work %d after a cancelled one: %s", which,
          es_error_text(ctx));
  es_scope_pop(ctx);
}

/* ---- the rest
 * --------------------------------------------------------------------------------------- */

static void files(es_ctx *ctx) {
  static char bytes[1 << 18];
  es_scope_push(ctx);
  es_tensor *x = large(ctx, 1 + roll(100), 1 + roll(100));
  size_t n = es_npy_write(ctx, x, bytes, sizeof bytes);
  es_tensor *y = es_npy_read(ctx, bytes, n);
  REQUIRE(y && same(x, y), "%s", es_error_text(ctx));
  bytes[roll((unsigned)n)] ^= (char)(1u << roll(8));
  es_npy_read(ctx, bytes, n);
  es_clear_error(ctx);
  es_scope_pop(ctx);
}

static void errors(es_ctx *ctx) {
  static const char *const texts[] = {"i j, j k -> i z", "i j -> j i k",       "((((",
                                      "i (j+k) -> i",    "i j -> i | nothing", "i, i j k -> j",
                                      "(i j)?0 -> i"};
  static const int64_t huge[] = {1 << 20, 1 << 20, 1 << 20};
  es_scope_push(ctx);
  es_tensor *x = large(ctx, 3, 4);
  REQUIRE(!es_einsum(ctx, texts[roll(7)], ES_IN(x, x), NULL), "an error is missing");
  REQUIRE(*es_error_text(ctx), "an error without a text");
  es_clear_error(ctx);
  REQUIRE(!es_zeros(ctx, ES_F64, 3, huge), "a tensor of 2^63 bytes");
  es_clear_error(ctx);
  es_scope_pop(ctx);
}

static void some_work(void) {
  int i = (int)roll(CONTEXTS);
  es_ctx *ctx = contexts[i];
  switch (roll(4)) {
  case 0: cancel(ctx, &watches[i]); break;
  case 1: files(ctx); break;
  case 2: errors(ctx); break;
  default: expressions(ctx);
  }
  done++;
}

static void open_contexts(void) {
  for (int i = 0; i < CONTEXTS; i++) {
    contexts[i] = es_ctx_create(&(es_config){.threads = 1 + i,
                                             .max_bytes = 1 << 28,
                                             .max_cached_plans = 64,
                                             .cancel = ask,
                                             .user = &watches[i]});
    REQUIRE(contexts[i], "no memory for a context");
  }
}
static void close_contexts(void) {
  for (int i = 0; i < CONTEXTS; i++) es_ctx_destroy(contexts[i]);
}

int main(int argc, char **argv) {
  double seconds = (double)suite_count(argc, argv, 1, 2), start = suite_seconds();
  long long least = suite_count(argc, argv, 2, 300), settled = 0, highest = 0;
  maker.state = 11;
  open_contexts();
  for (;;) {
    double passed = suite_seconds() - start;
    if (passed > seconds && cancelled >= least) break;
    some_work();
    /* The heap has found its size when a fifth of the time, at most a minute, is over. */
    long long resident = suite_resident();
    if (passed < seconds / 5 && passed < 60) settled = resident > settled ? resident : settled;
    if (resident > highest) highest = resident;
    if (settled)
      REQUIRE(resident < settled + GROWTH, "memory grew from %lld to %lld bytes after %.0f s",
              settled, resident, passed);
    if (!roll(2000)) close_contexts(), open_contexts();
  }
  close_contexts();
  printf("%lld pieces of work, %lld runs cancelled, %lld too quick for it; memory %.1f MB, at most "
         "%.1f MB; %.0f s\n",
         done, cancelled, finished, (double)settled / 1e6, (double)highest / 1e6,
         suite_seconds() - start);
  return 0;
}
