/* Expressions of three to eight operands, against the oracle to the bit: repeated, batch,
 * affine and summed labels, in orders that the search picks; and in pieces, where memory
 * is short. EINSTRIDE_SEED and EINSTRIDE_CASES choose another run. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "engine/plan.h"
#include "tests/support/oracle.h"

enum { LABELS = 8, MOST = 8, AXES = 3, VALUES = 4096 };

typedef struct network {
  uint64_t state;
  char text[512];
  size_t len;
  int64_t size[LABELS];
  bool used[LABELS], plain[LABELS];
  int n;
  oracle_array in[MOST];
  double value[MOST][VALUES];
} network;

static int roll(network *w, int sides) {
  w->state = w->state * 6364136223846793005u + 1442695040888963407u;
  return (int)((w->state >> 33) % (uint64_t)sides);
}

static void put(network *w, const char *text) {
  w->len += (size_t)snprintf(w->text + w->len, sizeof w->text - w->len, "%s", text);
}

static void put_label(network *w, int l) {
  put(w, (char[]){(char)('a' + l), ' ', '\0'});
  w->used[l] = true;
}

/* An axis with one label, or now and then with the sum of two. Few labels go round, so
 * that they are shared, repeated in a term, and held by three operands and more. */
static int64_t put_axis(network *w, int reach) {
  int a = roll(w, reach), b = roll(w, reach);
  if (roll(w, 8) || a == b) {
    put_label(w, a);
    w->plain[a] = true;
    return w->size[a];
  }
  put(w, "(");
  put_label(w, a);
  put(w, "+ ");
  put_label(w, b);
  put(w, ") ");
  return w->size[a] + w->size[b] - 1;
}

static void make(network *w, uint64_t seed) {
  *w = (network){.state = seed * 0x9e3779b97f4a7c15u + 1};
  int reach = 3 + roll(w, LABELS - 2);
  for (int l = 0; l < LABELS; l++) w->size[l] = 1 + roll(w, 3);
  w->n = 3 + roll(w, MOST - 2);
  for (int i = 0; i < w->n; i++) {
    oracle_array *a = &w->in[i];
    if (i) put(w, ", ");
    int axes = roll(w, AXES + 1);
    int64_t count = 1;
    for (int k = 0; k < axes; k++) {
      a->shape[k] = put_axis(w, reach);
      count *= a->shape[k];
    }
    a->rank = axes;
    a->value = w->value[i];
    for (int64_t j = 0; j < count; j++) w->value[i][j] = roll(w, 5) - 2;
  }
  put(w, "-> ");
  for (int l = 0; l < LABELS; l++)
    if (w->used[l] && roll(w, 3) == 0) put_label(w, l);
}

/* Products of eight small numbers, summed: exact in f32 only while they are few. */
static es_dtype type_for(network *w) {
  static const es_dtype types[] = {ES_F64, ES_I64, ES_F32};
  double points = 256;
  for (int l = 0; l < LABELS; l++)
    if (w->used[l]) points *= (double)w->size[l];
  return types[roll(w, points < 0x1p24 ? 3 : 2)];
}

static es_options options_for(const network *w, es_axis_size *sizes) {
  static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
  int n = 0;
  for (int l = 0; l < LABELS; l++)
    if (w->used[l] && !w->plain[l]) sizes[n++] = (es_axis_size){names[l], w->size[l]};
  sizes[n] = (es_axis_size){NULL, 0};
  return (es_options){.reading = ES_READ_NAMES, .sizes = sizes};
}

static void check_values(const network *w, const oracle_array *want, const double *got,
                         int64_t count) {
  for (int64_t i = 0; i < count; i++)
    cr_assert(got[i] == want->value[i], "'%s': element %lld is %.17g, not %.17g", w->text,
              (long long)i, got[i], want->value[i]);
}

/* False: too large, or a read leaves an axis. */
static bool run_one(es_ctx *ctx, network *w) {
  static double result[VALUES], values[VALUES];
  es_arena arena;
  es_allocator allocator = es_allocator_default();
  es_arena_init(&arena, &allocator);
  es_pattern *p;
  es_error error;
  cr_assert_eq(es_parse(&arena, ES_KIND_EINSUM, w->text, w->len, ES_READ_NAMES, &p, &error), ES_OK,
               "'%s': %s", w->text, error.message);
  oracle_facts facts = {.ellipsis_rank = 0};
  for (int id = 0; id < p->n_names; id++) facts.size[id] = w->size[p->names[id][0] - 'a'];
  oracle_array want = {.value = result};
  int64_t count = 1;
  want.rank = oracle_shape(p, &facts, 0, want.shape);
  for (int i = 0; i < want.rank; i++) count *= want.shape[i];
  bool sound = count <= VALUES &&
               oracle_eval(p, &facts, ES_REDUCE_SUM, 0, w->in, &want) == ORACLE_OK;
  if (sound) {
    es_axis_size sizes[LABELS + 1];
    es_options options = options_for(w, sizes);
    es_dtype dtype = type_for(w);
    es_tensor *in[MOST];
    es_scope_push(ctx);
    for (int i = 0; i < w->n; i++) {
      in[i] = es_cast(ctx, es_from_data(ctx, ES_F64, w->in[i].rank, w->in[i].shape, w->value[i]),
                      dtype);
      cr_assert(in[i], "%s", es_error_text(ctx));
    }
    es_tensor *y = es_einsum_into(ctx, w->text, in, w->n, &options, NULL);
    cr_assert(y, "'%s': %s", w->text, es_error_text(ctx));
    cr_assert_eq(es_read(ctx, y, ES_F64, values, count), ES_OK);
    check_values(w, &want, values, count);
    es_scope_pop(ctx);
  }
  es_arena_free(&arena);
  return sound;
}

static long from_environment(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}

Test(networks, random_networks_agree_with_the_oracle) {
  static network w;
  long cases = from_environment("EINSTRIDE_CASES", 20000);
  uint64_t seed = (uint64_t)from_environment("EINSTRIDE_SEED", 1);
  es_ctx *ctx = es_ctx_create(NULL);
  for (long i = 0, compared = 0; compared < cases; i++) {
    make(&w, seed * 1000003 + (uint64_t)i);
    compared += run_one(ctx, &w);
  }
  es_ctx_destroy(ctx);
}

/* ---- memory ------------------------------------------------------------------------- */

enum { N = 48 };

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
    for (int a = 0; a < 3; a++) shape[i][a] = N;
    in[i] = (es_array){NULL, dtype, 3, shape[i], NULL};
  }
}

static void run(es_ctx *ctx, const es_plan *plan, const es_array *in, float *out) {
  es_error error;
  void *workspace = aligned_alloc(64, (plan->workspace + 64) / 64 * 64);
  es_array to = es_plan_array(plan, plan->n_in, out);
  for (int64_t i = 0; i < plan->slot[plan->n_in].count; i++) out[i] = (float)(i % 7);
  cr_assert_eq(es_run(ctx, plan, in, 4, &to, workspace, &error), ES_OK, "%s", error.message);
  free(workspace);
}

/* Small integers: the order of the sum does not matter. */
static void compare(const char *text, const es_options *options) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[4];
  int64_t shape[4][3];
  es_error error;
  describe(in, shape, ES_F32);
  for (int i = 0; i < 4; i++) {
    float *values = malloc(sizeof *values * N * N * N);
    for (int j = 0; j < N * N * N; j++) values[j] = (float)((j * (2 * i + 7) / 3) % 3 - 1);
    in[i].data = values;
  }
  es_plan *whole = plan_within(ctx, text, in, options, INT64_C(1) << 32, &error);
  cr_assert(whole, "%s", error.message);
  cr_assert_eq(whole->n_loops, 0);
  int64_t count = whole->slot[4].count;
  float *want = malloc(sizeof *want * (size_t)count), *got = malloc(sizeof *got * (size_t)count);
  run(ctx, whole, in, want);
  int sliced = 0;
  for (int64_t limit = 4 << 20; limit > 1 << 18; limit /= 2) {
    es_plan *pieces = plan_within(ctx, text, in, options, limit, &error);
    if (!pieces) {
      cr_assert_eq(error.status, ES_E_LIMIT, "%s", error.message);
      continue;
    }
    sliced += pieces->n_loops;
    cr_assert(pieces->workspace <= (size_t)limit, "%zu bytes", pieces->workspace);
    run(ctx, pieces, in, got);
    for (int64_t i = 0; i < count; i++)
      cr_assert(got[i] == want[i], "'%s' in %lld bytes: element %lld is %g, not %g", text,
                (long long)limit, (long long)i, got[i], want[i]);
    es_plan_release(pieces);
  }
  cr_assert(sliced > 0, "'%s' never ran in pieces", text);
  for (int i = 0; i < 4; i++) free(in[i].data);
  free(want);
  free(got);
  es_plan_release(whole);
  es_ctx_destroy(ctx);
}

Test(networks, labels_are_cut_where_memory_is_short) {
  compare(ring, NULL);                                  /* reduced labels */
  compare("a b x, b c y, c d x, d a y -> a c x", NULL); /* of the output too */
  compare("a b x, b c y, c d x, d a y -> (a c)",
          &(es_options){.has_scale = true, .alpha = 2, .beta = 3});
  compare("a b x, b c y, c d x, d a y -> a c y", &(es_options){.reducer = ES_REDUCE_SUM});
}

Test(networks, a_plan_says_what_it_cuts) {
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

Test(networks, what_no_cut_can_fit_is_refused_with_the_limit_that_would_do) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_array in[4];
  int64_t shape[4][3];
  es_error error;
  describe(in, shape, ES_I64); /* exact integers stay whole */
  es_plan *plan = plan_within(ctx, ring, in, NULL, 1 << 20, &error);
  cr_assert(!plan);
  cr_assert_eq(error.status, ES_E_LIMIT);
  cr_assert(strstr(error.message, "would do"), "%s", error.message);
  es_ctx_destroy(ctx);
}
