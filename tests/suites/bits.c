/* The same bits: floating-point results do not depend on the number of threads, on where and
 * how operands lie in memory, on what else is in the batch, or on the compiler; nor from
 * version to version unnoticed: a hash of each result lies in a file. Prints a digest of all
 * results for each vector width.
 *
 *   bits [COUNT [HASHES | --write HASHES]]   ten thousand is the whole */
#include "base/dtype.h"
#include "einstride/layers.h"
#include "tests/suites/suite.h"

enum { ISAS = 3, THREADS = 4, OPERANDS = 2 };
static const es_isa isas[ISAS] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
static const int threads[THREADS] = {1, 2, 3, 7};
static es_ctx *contexts[ISAS][THREADS];

static uint64_t state = 88172645463325252u;
static int64_t roll(int64_t low, int64_t high) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return low + (int64_t)((state >> 33) % (uint64_t)(high - low + 1));
}

/* m, n and k vary; batched: the text with a batch in front, of the first operand alone. */
enum { M = -1, N = -2, K = -3 };
enum { TEXT, SOFTMAX, LAYER_NORM, ATTENTION, TANH };
typedef struct work {
  int function;
  const char *text, *batched;
  int n, rank[OPERANDS];
  int64_t shape[OPERANDS][4];
  es_reducer reducer;
} work;
static const work works[] = {
    {TEXT, "i k, k j -> i j", "b i k, k j -> b i j", 2, {2, 2}, {{M, K}, {K, N}}, 0},
    {TEXT, "i k, j k -> i j", "b i k, j k -> b i j", 2, {2, 2}, {{M, K}, {N, K}}, 0},
    {TEXT, "k i, k j -> i j", "b k i, k j -> b i j", 2, {2, 2}, {{K, M}, {K, N}}, 0},
    {TEXT, "i k, k -> i", "b i k, k -> b i", 2, {2, 1}, {{M, K}, {K}}, 0},
    {TEXT, "k i, k -> i", "b k i, k -> b i", 2, {2, 1}, {{K, M}, {K}}, 0},
    {TEXT, "k, k ->", "b k, k -> b", 2, {1, 1}, {{K}, {K}}, 0},
    {TEXT,
     "c (h+a-1)?0 (w+e-1)?0, o c a e -> o h w",
     "b c (h+a-1)?0 (w+e-1)?0, o c a e -> b o h w",
     2,
     {3, 4},
     {{3, M, N}, {5, 3, 3, 3}},
     0},
    {TEXT,
     "c (h+a-1)?0 (w+e-1)?0, c a e -> c h w",
     "b c (h+a-1)?0 (w+e-1)?0, c a e -> b c h w",
     2,
     {3, 3},
     {{3, M, N}, {3, 3, 3}},
     0},
    {TEXT, "i k -> i", "b i k -> b i", 1, {2}, {{M, K}}, ES_REDUCE_SUM},
    {TEXT, "k i -> i", "b k i -> b i", 1, {2}, {{K, M}}, ES_REDUCE_SUM},
    {TEXT, "i k -> i", "b i k -> b i", 1, {2}, {{M, K}}, ES_REDUCE_MEAN},
    {SOFTMAX, "softmax", "", 1, {2}, {{M, K}}, 0},
    {LAYER_NORM, "layer norm", "", 1, {2}, {{M, K}}, 0},
    {ATTENTION, "attention", NULL, 2, {2, 2}, {{M, 19}, {N, 19}}, 0},
    {TANH, "tanh", "", 1, {2}, {{M, K}}, 0},
};
enum { WORKS = sizeof works / sizeof *works };

static es_tensor *run(es_ctx *ctx, const work *w, const char *text, es_tensor *const *in) {
  es_options options = {.reducer = w->reducer};
  switch (w->function) {
  case TEXT: return es_einsum_into(ctx, text, in, w->n, &options, NULL);
  case SOFTMAX: return es_softmax(ctx, in[0], -1);
  case LAYER_NORM: return es_layer_norm(ctx, in[0], 1, NULL, NULL, 1e-5);
  case ATTENTION:
    return es_scaled_dot_product_attention(ctx, in[0], in[1], in[1], NULL, false, 0, false);
  default: return es_unary(ctx, ES_TANH, in[0]);
  }
}

/* The same values: turned in memory, with gaps, or one element away from where they were. */
enum { PLAIN, TURNED, GAPS, SHIFTED, LAYOUTS };
static es_tensor *laid_out(es_ctx *ctx, es_tensor *x, int layout) {
  int rank = es_rank(x), last = rank - 1;
  if (layout == TURNED && rank > 1)
    return es_transpose(ctx, es_copy(ctx, es_transpose(ctx, x, 0, last)), 0, last);
  if (layout == PLAIN || layout == TURNED) return x;
  int64_t larger[ES_MAX_RANK];
  for (int a = 0; a < rank; a++)
    larger[a] = es_shape(x)[a] * (layout == GAPS ? 2 : 1) + (a == last);
  es_tensor *view = es_zeros(ctx, es_dtype_of(x), rank, larger);
  for (int a = 0; a < rank; a++)
    view = es_slice(ctx, view, a, a == last, larger[a], layout == GAPS ? 2 : 1);
  REQUIRE(es_assign(ctx, view, x) == ES_OK, "%s", es_error_text(ctx));
  return view;
}

static bool same(es_ctx *ctx, const es_tensor *a, const es_tensor *b) {
  REQUIRE(a && b, "%s", es_error_text(ctx));
  b = es_contiguous(ctx, b);
  return es_size(a) == es_size(b) &&
         !memcmp(es_data(a), es_data(b), (size_t)es_size(a) * es_dtype_size(es_dtype_of(a)));
}

static long long compared;

static void check(es_ctx *ctx, const work *w, const es_tensor *want, const es_tensor *got,
                  const char *how, int number) {
  REQUIRE(same(ctx, want, got), "'%s' of %s, width %d, %d threads: other bits %s %d", w->text,
          es_dtype_name(es_dtype_of(want)), (int)es_isa_used(ctx), es_threads(ctx), how, number);
  compared++;
}

/* Operand 0 in the middle of a batch of others. */
static void in_a_batch(es_ctx *ctx, const work *w, es_tensor *const *in, const es_tensor *want) {
  es_tensor *other = es_unary(ctx, ES_NEG, in[0]);
  int64_t n = 2 + compared % 4, at = compared % n; /* widths that are absent roll no dice */
  es_tensor *parts[5], *batch[OPERANDS] = {NULL, in[1]};
  for (int64_t i = 0; i < n; i++) parts[i] = i == at ? in[0] : other;
  batch[0] = es_stack(ctx, parts, n, 0);
  es_tensor *all = run(ctx, w, w->batched, batch);
  check(ctx, w, want, es_select(ctx, all, 0, at), "at place", (int)at);
}

static es_tensor *result(int isa, const work *w, es_tensor *const *in) {
  es_ctx *ctx = contexts[isa][0];
  es_tensor *want = run(ctx, w, w->text, in);
  REQUIRE(want, "'%s': %s", w->text, es_error_text(ctx));
  want = es_contiguous(ctx, want);
  for (int t = 1; t < THREADS; t++) {
    es_scope_push(contexts[isa][t]);
    check(contexts[isa][t], w, want, run(contexts[isa][t], w, w->text, in),
          "with threads:", threads[t]);
    es_scope_pop(contexts[isa][t]);
  }
  for (int layout = 1; layout < LAYOUTS; layout++) {
    es_tensor *other[OPERANDS] = {NULL};
    for (int i = 0; i < w->n; i++) other[i] = laid_out(ctx, in[i], layout);
    check(ctx, w, want, run(ctx, w, w->text, other), "in layout", layout);
  }
  if (w->batched) in_a_batch(ctx, w, in, want);
  return want;
}

/* ---- hashes of results -------------------------------------------------------------------- */

enum { MOST = 10000, HASH_BYTES = 2 }; /* two bytes, low first, for each result and width */
static unsigned char hashes[MOST][ISAS][HASH_BYTES];

static uint64_t hash(const es_tensor *y) {
  const unsigned char *bytes = es_data(y);
  uint64_t h = 1469598103934665603u; /* FNV-1a */
  for (size_t b = 0; b < (size_t)es_size(y) * es_dtype_size(es_dtype_of(y)); b++)
    h = (h ^ bytes[b]) * 1099511628211u;
  return h;
}

static void read_hashes(const char *path) {
  FILE *f = fopen(path, "rb");
  REQUIRE(f && fread(hashes, 1, sizeof hashes, f) == sizeof hashes, "no hashes in %s", path);
  fclose(f);
}

static void write_hashes(const char *path) {
  FILE *f = fopen(path, "wb");
  REQUIRE(f && fwrite(hashes, 1, sizeof hashes, f) == sizeof hashes && fclose(f) == 0, "%s", path);
}

/* tanh of doubles is the C library's, which rounds some of them otherwise on 32-bit x86. */
static bool is_as_in_file(const work *w, es_dtype dtype) {
#if defined(__i386__)
  const bool other = true;
#else
  const bool other = false;
#endif
  return !other || w->function != TANH || dtype != ES_F64;
}

/* As it is in the file; or into what will be the file. */
static void compare_hash(long long c, int isa, const work *w, uint64_t h, bool writes) {
  const unsigned char short_hash[HASH_BYTES] = {(unsigned char)(h >> 32), (unsigned char)(h >> 40)};
  if (writes)
    memcpy(hashes[c][isa], short_hash, HASH_BYTES);
  else
    REQUIRE(!memcmp(hashes[c][isa], short_hash, HASH_BYTES),
            "result %lld, '%s', width %d: other bits than in the file of hashes (written anew by "
            "--write where that is meant)",
            c, w->text, (int)isas[isa]);
}

int main(int argc, char **argv) {
  long long count = suite_count(argc, argv, 1, MOST);
  bool writes = argc > 3 && !strcmp(argv[2], "--write");
  const char *path = argc > 2 ? argv[argc - 1] : NULL;
  REQUIRE(count <= MOST && (!writes || count == MOST), "the file holds %d hashes", MOST);
  if (path && !writes) read_hashes(path);
  double start = suite_seconds();
  uint64_t digest[ISAS];
  for (int i = 0; i < ISAS; i++)
    for (int t = 0; t < THREADS; t++) {
      digest[i] = 0;
      contexts[i][t] = es_ctx_create(&(es_config){.threads = threads[t], .seed = 5});
      REQUIRE(contexts[i][t], "no memory for a context");
      if (es_set_isa(contexts[i][t], isas[i]) == ES_OK) continue;
      es_ctx_destroy(contexts[i][t]);
      contexts[i][t] = NULL;
    }
  for (long long c = 0; c < count; c++) {
    const work *w = &works[c % WORKS];
    bool large = roll(0, 19) == 0;
    int64_t size[] = {0, roll(1, large ? 150 : 20), roll(1, large ? 150 : 20),
                      roll(1, large ? 3000 : 200)};
    es_dtype dtype = roll(0, 2) ? ES_F32 : ES_F64;
    for (int i = 0; i < ISAS; i++) es_scope_push(contexts[i][0]);
    es_tensor *in[OPERANDS] = {NULL};
    for (int i = 0; i < w->n; i++) {
      int64_t shape[4];
      for (int a = 0; a < w->rank[i]; a++)
        shape[a] = w->shape[i][a] < 0 ? size[-w->shape[i][a]] : w->shape[i][a];
      in[i] = es_randn(contexts[0][0], dtype, w->rank[i], shape);
    }
    for (int i = 0; i < ISAS && contexts[i][0]; i++) {
      const es_tensor *y = result(i, w, in);
      const uint64_t h = hash(y);
      digest[i] = (digest[i] ^ h) * 1099511628211u;
      if (path && (writes || is_as_in_file(w, dtype))) compare_hash(c, i, w, h, writes);
    }
    for (int i = 0; i < ISAS; i++) es_scope_pop(contexts[i][0]);
  }
  if (writes) write_hashes(path);
  printf("%lld results, %lld comparisons; %.0f s\n", count, compared, suite_seconds() - start);
  for (int i = 0; i < ISAS && contexts[i][0]; i++)
    printf("width %d: %016llx\n", (int)isas[i], (unsigned long long)digest[i]);
  for (int i = 0; i < ISAS; i++)
    for (int t = 0; t < THREADS; t++) es_ctx_destroy(contexts[i][t]);
  return 0;
}
