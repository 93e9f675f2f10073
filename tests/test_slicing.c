/* Expressions in pieces, where memory is short: the same results, within the limit, or an error
 * with the least limit that would do. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"
#include "engine/plan_make.h"

enum { N = 48, FEW = 20 }; /* FEW: of integers, which take longer */

static es_plan *plan_within(es_ctx *ctx, const char *text, const es_array *in,
                            const es_options *options, int64_t bytes, es_error *error) {
  es_plan *plan = NULL;
  cr_assert_eq(es_set_max_bytes(ctx, es_memory_now(ctx) + bytes), ES_OK);
  es_plan_from_text(ctx, ES_KIND_EINSUM, text, strlen(text), in, 4, NULL, options, &plan, error);
  cr_assert_eq(es_set_max_bytes(ctx, 0), ES_OK);
  return plan;
}

/* Four operands in a ring: any order keeps a value with three labels and more. */
static const char ring[] = "a b x, b c y, c d x, d a y -> a c";

static void describe(es_array *in, int64_t shape[][3], es_dtype dtype) {
  for (int i = 0; i < 4; i++) {
    for (int a = 0; a < 3; a++) shape[i][a] = dtype == ES_I64 ? FEW : N;
    in[i] = (es_array){NULL, dtype, 3, shape[i], NULL};
  }
}

static void set(es_dtype dtype, void *data, int64_t i, int64_t value) {
  if (dtype == ES_I64)
    ((int64_t *)data)[i] = value;
  else
    ((float *)data)[i] = (float)value;
}

static double get(es_dtype dtype, const void *data, int64_t i) {
  return dtype == ES_I64 ? (double)((const int64_t *)data)[i] : (double)((const float *)data)[i];
}

static void run(es_ctx *ctx, const es_plan *plan, const es_array *in, void *out) {
  es_error error;
  void *workspace = aligned_alloc(64, (plan->workspace + 64) / 64 * 64);
  es_array to = es_plan_array(plan, plan->n_in, out);
  for (int64_t i = 0; i < plan->slot[plan->n_in].count; i++) set(to.dtype, out, i, i % 7);
  cr_assert_eq(es_run(ctx, plan, in, 4, &to, workspace, &error), ES_OK, "%s", error.message);
  free(workspace);
}

/* Small integers: the order of the sum does not matter. */
static void compare(const char *text, const es_options *options, es_dtype dtype) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[4];
  int64_t shape[4][3];
  es_error error;
  describe(in, shape, dtype);
  for (int i = 0; i < 4; i++) {
    in[i].data = malloc(sizeof(int64_t) * N * N * N);
    for (int j = 0; j < N * N * N; j++) set(dtype, in[i].data, j, j * (2 * i + 7) / 3 % 3 - 1);
  }
  es_plan *whole = plan_within(ctx, text, in, options, INT64_C(1) << 32, &error);
  cr_assert(whole, "%s", error.message);
  cr_assert_eq(whole->n_loops, 0);
  int64_t count = whole->slot[4].count;
  void *want = malloc(sizeof(int64_t) * (size_t)count),
       *got = malloc(sizeof(int64_t) * (size_t)count);
  run(ctx, whole, in, want);
  int sliced = 0;
  int64_t size = (int64_t)es_dtype_bytes(dtype);
  for (int64_t limit = size << 20; limit > (dtype == ES_I64 ? 1 << 17 : 1 << 18); limit /= 2) {
    es_plan *pieces = plan_within(ctx, text, in, options, limit, &error);
    if (!pieces) {
      cr_assert_eq(error.status, ES_E_LIMIT, "%s", error.message);
      continue;
    }
    sliced += pieces->n_loops;
    cr_assert(pieces->workspace <= (size_t)limit, "%zu bytes", pieces->workspace);
    run(ctx, pieces, in, got);
    for (int64_t i = 0; i < count; i++)
      cr_assert(get(dtype, got, i) == get(dtype, want, i),
                "'%s' in %lld bytes: element %lld is %g, not %g", text, (long long)limit,
                (long long)i, get(dtype, got, i), get(dtype, want, i));
    es_plan_release(pieces);
  }
  cr_assert(sliced > 0, "'%s' never ran in pieces", text);
  for (int i = 0; i < 4; i++) free(in[i].data);
  free(want);
  free(got);
  es_plan_release(whole);
  es_ctx_destroy(ctx);
}

Test(slicing, labels_are_cut_where_memory_is_short) {
  compare(ring, NULL, ES_F32);                                  /* reduced labels */
  compare("a b x, b c y, c d x, d a y -> a c x", NULL, ES_F32); /* of the output too */
  compare("a b x, b c y, c d x, d a y -> (a c)",
          &(es_options){.has_scale = true, .alpha = 2, .beta = 3}, ES_F32);
  compare("a b x, b c y, c d x, d a y -> a c y", &(es_options){.reducer = ES_REDUCE_SUM}, ES_F32);
}

Test(slicing, labels_of_integers_are_cut_too) {
  compare(ring, NULL, ES_I64);
  compare("a b x, b c y, c d x, d a y -> a c x", NULL, ES_I64);
  compare("a b x, b c y, c d x, d a y -> (a c)", &(es_options){.wrap = true}, ES_I64);
}

Test(slicing, a_plan_says_what_it_cuts) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[4];
  int64_t shape[4][3];
  es_error error;
  describe(in, shape, ES_F32);
  es_plan *pieces = plan_within(ctx, ring, in, NULL, 1 << 20, &error);
  cr_assert(pieces, "%s", error.message);
  char text[4096];
  es_plan_print(pieces, text, sizeof text);
  cr_assert(strstr(text, "pieces"), "%s", text);
  es_plan *whole = plan_within(ctx, ring, in, NULL, INT64_C(1) << 32, &error);
  cr_assert(es_plan_flops(pieces) >= es_plan_flops(whole));
  es_plan_release(pieces);
  es_plan_release(whole);
  es_ctx_destroy(ctx);
}

/* What is refused tells a limit that works, and with one byte less does not. */
static void find_least(es_ctx *ctx, const char *text, es_dtype dtype) {
  es_array in[4];
  int64_t shape[4][3];
  es_error error;
  describe(in, shape, dtype);
  cr_assert(!plan_within(ctx, text, in, NULL, 1 << 10, &error));
  cr_assert_eq(error.status, ES_E_LIMIT);
  const char *said = strstr(error.message, "limit of ");
  cr_assert(said, "%s", error.message);
  int64_t least = strtoll(said + strlen("limit of "), NULL, 10), now = es_memory_now(ctx);
  cr_assert(least > now, "%s", error.message);
  es_plan *plan = plan_within(ctx, text, in, NULL, least - now, &error);
  cr_assert(plan, "%s", error.message);
  es_plan_release(plan);
  cr_assert(!plan_within(ctx, text, in, NULL, least - now - 1, &error), "'%s': %lld", text,
            (long long)least);
}

Test(slicing, what_no_cut_can_fit_is_refused_with_the_least_limit_that_would_do) {
  static const es_dtype types[] = {ES_F32, ES_I64, ES_F64};
  es_ctx *ctx = es_ctx_create(NULL);
  for (int i = 0; i < 3; i++) {
    find_least(ctx, ring, types[i]);
    find_least(ctx, "a b x, b c y, c d x, d a y -> a c x", types[i]);
    find_least(ctx, "a b x, b c y, c d x, d a y -> a", types[i]);
  }
  es_ctx_destroy(ctx);
}

/* In a program one array may be several operands of a pattern: a piece of it is another piece
 * for each of them. */
/* Cutting the labels of a long chain down to a few bits would let it fit; but no machine would
 * finish those pieces. */
Test(slicing, pieces_that_nobody_would_finish_do_not_fit) {
  enum { LONG = 1000 };
  static es_array in[LONG];
  static int64_t shape[LONG][2];
  static char text[16 * LONG];
  int length = 0;
  for (int i = 0; i < LONG; i++) {
    in[i] = (es_array){.dtype = ES_F32, .rank = 2, .shape = shape[i]};
    for (int a = 0; a < 2; a++) shape[i][a] = 3 + (i + a) * 37 % 58;
    length += snprintf(text + length, sizeof text - (size_t)length, "%sx%d x%d", i ? ", " : "", i,
                       i + 1);
  }
  length += snprintf(text + length, sizeof text - (size_t)length, " -> x0 x%d", LONG);
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
  const int64_t limit[] = {5 << 20, 6 << 20, 7 << 20, 8 << 20, 9 << 20, 10 << 20, 16 << 20};
  for (int i = 0; i < (int)(sizeof limit / sizeof *limit); i++) {
    es_plan *plan = NULL;
    es_error error;
    cr_assert_eq(es_set_max_bytes(ctx, limit[i]), ES_OK);
    es_status status = es_plan_from_text(ctx, ES_KIND_EINSUM, text, (size_t)length, in, LONG, NULL,
                                         NULL, &plan, &error);
    if (status == ES_OK)
      cr_assert_lt(es_plan_flops(plan), 1e9, "under %lld bytes", (long long)limit[i]);
    else
      cr_assert(strstr(error.message, "would do"), "%s", error.message);
    es_plan_release(plan);
  }
  es_ctx_destroy(ctx);
}

Test(slicing, a_value_that_is_several_operands_is_cut_where_it_moves_alike) {
  const char text[] = "x: n a b, x: n b c, y: n c d, x: n d a -> n";
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[2];
  int64_t shape[4][3];
  es_array four[4];
  es_error error;
  describe(four, shape, ES_F32);
  for (int i = 0; i < 2; i++) {
    in[i] = four[i];
    in[i].data = malloc(sizeof(float) * N * N * N);
    for (int j = 0; j < N * N * N; j++) set(ES_F32, in[i].data, j, j * (2 * i + 7) / 3 % 3 - 1);
  }
  static float want[N], got[N];
  int compared = 0;
  for (int64_t limit = INT64_C(1) << 26; limit > 1 << 14; limit /= 2) {
    es_plan *plan = NULL;
    cr_assert_eq(es_set_max_bytes(ctx, es_memory_now(ctx) + limit), ES_OK);
    es_plan_from_text(ctx, ES_KIND_PROGRAM, text, strlen(text), in, 2, NULL, NULL, &plan, &error);
    cr_assert_eq(es_set_max_bytes(ctx, 0), ES_OK);
    if (!plan) continue;
    void *workspace = aligned_alloc(64, (plan->workspace + 64) / 64 * 64);
    es_array to = es_plan_array(plan, 2, limit == INT64_C(1) << 26 ? want : got);
    cr_assert_eq(es_run(ctx, plan, in, 2, &to, workspace, &error), ES_OK, "%s", error.message);
    if (to.data == got) cr_assert(!memcmp(want, got, sizeof got), "%lld bytes", (long long)limit);
    compared += to.data == got && plan->n_loops;
    free(workspace);
    es_plan_release(plan);
  }
  cr_assert(compared > 0);
  for (int i = 0; i < 2; i++) free(in[i].data);
  es_ctx_destroy(ctx);
}

/* Pieces of a sum may leave 64 bits where the sum does not; what does is named by its place. */
Test(slicing, integers_in_pieces_are_exact_or_an_error) {
  enum { SIZE = 12 };
  const char text[] = "a b x, b c y, c d x, d a y -> a c";
  es_ctx *ctx = es_ctx_create(NULL);
  static int64_t data[4][SIZE * SIZE * SIZE], out[SIZE * SIZE], whole[SIZE * SIZE];
  int64_t shape[3] = {SIZE, SIZE, SIZE};
  char said[2][sizeof((es_error){0}.message)];
  es_array in[4];
  for (int large = 0; large < 2; large++) {
    for (int i = 0; i < 4; i++) {
      in[i] = (es_array){data[i], ES_I64, 3, shape, NULL};
      for (int j = 0; j < SIZE * SIZE * SIZE; j++)
        data[i][j] = i == 0 ? INT64_C(3) << 57 : i == 1 ? (j / SIZE / SIZE % 2 ? 1 : -1) : 1;
    }
    if (large) data[1][5 * SIZE] = 2; /* one term more than its opposite */
    for (int cut = 0; cut < 2; cut++) {
      es_error error = {0};
      es_plan *plan = plan_within(ctx, text, in, NULL, cut ? 1 << 17 : 1 << 28, &error);
      cr_assert(plan, "%s", error.message);
      cr_assert_eq(plan->n_loops > 0, cut);
      void *workspace = aligned_alloc(64, (plan->workspace + 64) / 64 * 64);
      es_array to = es_plan_array(plan, 4, cut ? out : whole);
      es_status status = es_run(ctx, plan, in, 4, &to, workspace, &error);
      cr_assert_eq(status, large ? ES_E_OVERFLOW : ES_OK, "%s", error.message);
      memcpy(said[cut], error.message, sizeof error.message);
      free(workspace);
      es_plan_release(plan);
    }
    if (large)
      cr_assert_str_eq(said[0], said[1]);
    else
      cr_assert(!memcmp(out, whole, sizeof out));
  }
  es_ctx_destroy(ctx);
}

/* ---- the limit that is told ------------------------------------------------------------- */

enum { MANY = 10, WIDE = 26 };

typedef struct ring_of {
  char text[512];
  int n;
  es_tensor *in[MANY];
  es_array array[MANY];
} ring_of;

/* Operands in a ring with chords, a few labels in the result. */
static void make_ring(es_ctx *ctx, uint64_t seed, bool data, ring_of *w) {
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
#define ROLL(sides) ((state = state * 6364136223846793005u + 1442695040888963407u) >> 33) % (sides)
  static int64_t shape[MANY][4];
  size_t len = 0;
  w->n = 3 + (int)(ROLL(MANY - 2));
  int64_t extent[WIDE + 2];
  for (int l = 0; l < WIDE; l++) extent[l] = 2 + (int64_t)(ROLL(w->n < 6 ? 3u : 2u));
  for (int i = 0; i < w->n; i++) {
    int label[3] = {i % WIDE, (i + 1) % w->n % WIDE, w->n + (int)(ROLL(6u))};
    len += (size_t)snprintf(w->text + len, sizeof w->text - len, "%s%c%c%c", i ? "," : "",
                            'a' + label[0], 'a' + label[1], 'a' + label[2]);
    for (int k = 0; k < 3; k++) shape[i][k] = extent[label[k]];
    if (data) w->in[i] = es_rand(ctx, ES_F32, 3, shape[i]);
    w->array[i] = (es_array){NULL, ES_F32, 3, shape[i], NULL};
  }
  snprintf(w->text + len, sizeof w->text - len, "->%s", ROLL(2u) ? "ac" : "a");
#undef ROLL
}

/* A ring of many operands with two chords each, from one to another of the same NEAR; extents of 2
 * and 3, or so many more. */
enum { LARGE = 300, NEAR = 40 };

typedef struct wide_ring {
  char text[32 * LARGE];
  es_array in[LARGE];
  int64_t shape[LARGE][4];
} wide_ring;

static void make_wide_ring(wide_ring *w, int n, uint64_t seed, int64_t more) {
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
#define ROLL(sides) ((state = state * 6364136223846793005u + 1442695040888963407u) >> 33) % (sides)
  static int other[LARGE];
  for (int i = 0; i < n; i++) other[i] = i;
  for (int i = n - 1; i > 0; i--) {
    int first = i / NEAR * NEAR, j = first + (int)(ROLL((uint64_t)(i - first) + 1)), old = other[i];
    other[i] = other[j], other[j] = old;
  }
  size_t len = 0;
  for (int i = 0; i < n; i++) { /* chord i of this one, and of the one that comes before it */
    int label[4] = {i, (i + 1) % n, n + i, n + other[i]}, rank = 0;
    len += (size_t)snprintf(w->text + len, sizeof w->text - len, i ? ", " : "");
    for (int k = 0; k < 4; k++) {
      if (k == 3 && label[3] == label[2]) continue;
      w->shape[i][rank++] = 2 + label[k] * 7 % 3 + more;
      len += (size_t)snprintf(w->text + len, sizeof w->text - len, "x%d ", label[k]);
    }
    w->in[i] = (es_array){.dtype = ES_F32, .rank = rank, .shape = w->shape[i]};
  }
  snprintf(w->text + len, sizeof w->text - len, "-> x0");
#undef ROLL
}

static bool fits(es_ctx *ctx, const wide_ring *w, int n, int64_t limit, es_error *error) {
  es_plan *plan = NULL;
  cr_assert_eq(es_set_max_bytes(ctx, limit), ES_OK);
  es_status status = es_plan_from_text(ctx, ES_KIND_EINSUM, w->text, strlen(w->text), w->in, n,
                                       NULL, NULL, &plan, error);
  cr_assert_eq(es_set_max_bytes(ctx, 0), ES_OK);
  cr_assert(status == ES_OK || status == ES_E_LIMIT, "%s", error->message);
  es_plan_release(plan);
  return status == ES_OK;
}

static int64_t told_limit(const es_error *error) {
  const char *said = strstr(error->message, "a limit of ");
  cr_assert(said && !strstr(said, "maybe less"), "%s", error->message);
  return strtoll(said + strlen("a limit of "), NULL, 10);
}

static int64_t check_told_limit(int n, uint64_t seed, int64_t more) {
  static wide_ring w;
  es_error error;
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
  make_wide_ring(&w, n, seed, more);
  const int64_t now = es_memory_now(ctx);
  cr_assert(!fits(ctx, &w, n, now + 1, &error));
  const int64_t told = told_limit(&error);
  cr_assert(told > now, "%s", error.message);
  cr_assert(fits(ctx, &w, n, told, &error), "%d operands: %s", n, error.message);
  cr_assert(!fits(ctx, &w, n, told - 1, &error), "%d operands, one byte less", n);
  cr_assert(!fits(ctx, &w, n, told - (told - now) / 100, &error), "%d operands", n);
  es_ctx_destroy(ctx);
  return told;
}

/* Of many operands the limit that is told does, too; with one byte less, or one part in a hundred,
 * there is no plan. */
Test(slicing, the_limit_that_is_told_is_the_least_that_does) {
  static const int sizes[] = {10, 12, 16, 24, 40, 70, 100, 160, 300};
  for (int i = 0; i < (int)(sizeof sizes / sizeof *sizes); i++)
    for (uint64_t seed = 0; seed < (sizes[i] > 100 ? 1 : 2); seed++)
      check_told_limit(sizes[i], seed, 0);
}

/* Also where intermediates take gigabytes. */
Test(slicing, the_limit_that_is_told_does_where_it_is_large) {
  if (sizeof(void *) < 8) cr_skip_test("addresses have 32 bits");
  for (int64_t more = 4; more <= 8; more *= 2)
    cr_assert_gt(check_told_limit(40, 3, more), (int64_t)1 << 32);
}

/* With the limit that an error tells, the same call works: of es_einsum with all that it takes. */
Test(slicing, a_call_works_with_the_limit_that_its_error_tells) {
  int refused = 0;
  for (uint64_t seed = 0; seed < 80; seed++) {
    es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
    ring_of w = {0};
    make_ring(ctx, seed, true, &w);
    cr_assert_eq(es_set_max_bytes(ctx, es_memory_now(ctx) + (int64_t)(seed % 5) * 1024), ES_OK);
    es_options options = {.effort = 0.05};
    if (!es_einsum_into(ctx, w.text, w.in, w.n, &options, NULL)) {
      const char *said = strstr(es_error_text(ctx), "a limit of ");
      cr_assert(said, "%s", es_error_text(ctx));
      said += strlen("a limit of ");
      int64_t limit = strtoll(said, NULL, 10);
      es_clear_error(ctx);
      cr_assert_eq(es_set_max_bytes(ctx, limit), ES_OK);
      cr_assert(es_einsum_into(ctx, w.text, w.in, w.n, &options, NULL), "'%s' (%d): %s", w.text,
                (int)seed, es_error_text(ctx));
      refused++;
    }
    es_ctx_destroy(ctx);
  }
  cr_assert(refused > 20, "%d", refused);
}
