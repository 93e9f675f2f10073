/* Expressions of three to eight operands, against the oracle to the bit: repeated, batch,
 * affine and summed labels, operands given twice, in orders that the search picks.
 * EINSTRIDE_SEED and EINSTRIDE_CASES choose another run. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "engine/plan.h"
#include "engine/plan_make.h"
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
  int same[MOST]; /* the first operand with this array */
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

/* An operand that was given before, under labels of the same sizes. */
static bool repeat_operand(network *w, int i, int reach) {
  int from = w->same[roll(w, i)], label[AXES];
  for (int k = 0; k < w->in[from].rank; k++) {
    int first = roll(w, reach), l = first;
    while (w->size[l] != w->in[from].shape[k])
      if ((l = (l + 1) % reach) == first) return false;
    label[k] = l;
  }
  w->in[i] = w->in[from];
  w->same[i] = from;
  for (int k = 0; k < w->in[i].rank; k++) {
    put_label(w, label[k]);
    w->plain[label[k]] = true;
  }
  return true;
}

static void make(network *w, uint64_t seed) {
  *w = (network){.state = seed * 0x9e3779b97f4a7c15u + 1};
  int reach = 3 + roll(w, LABELS - 2);
  for (int l = 0; l < LABELS; l++) w->size[l] = 1 + roll(w, 3);
  w->n = 3 + roll(w, MOST - 2);
  for (int i = 0; i < w->n; i++) {
    oracle_array *a = &w->in[i];
    if (i) put(w, ", ");
    w->same[i] = i;
    if (i && !roll(w, 2) && repeat_operand(w, i, reach)) continue;
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
      in[i] = in[w->same[i]];
      if (w->same[i] < i) continue;
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

/* ---- operands given more than once ---------------------------------------------------- */

static int64_t shared_steps(es_ctx *ctx, const char *text, int64_t n, const int64_t *same,
                            int64_t size) {
  es_array in[MOST];
  int64_t shape[2] = {size, size};
  es_error error;
  es_plan *plan = NULL;
  for (int64_t i = 0; i < n; i++) in[i] = (es_array){NULL, ES_F32, 2, shape, NULL};
  es_options options = {.same = same};
  es_plan_from_text(ctx, ES_KIND_EINSUM, text, strlen(text), in, n, NULL, &options, &plan, &error);
  cr_assert(plan, "'%s': %s", text, error.message);
  int64_t steps = (int64_t)es_plan_steps(plan);
  es_plan_release(plan);
  return steps;
}

Test(networks, equal_parts_are_computed_once) {
  static const struct {
    const char *text;
    int64_t n, same[MOST], steps;
  } row[] = {
      {"ij,jk,kl,lm->im", 4, {0, 1, 2, 3}, 3},
      {"ij,jk,kl,lm->im", 4, {0, 1, 0, 1}, 2},
      {"ij,jk,kl,lm->im", 4, {0, 1, 1, 0}, 3},
      {"ij,jk,kl,lm->im", 4, {0, 0, 0, 0}, 2},
      {"ij,jk,kl,lm,mn,no,op,pq->iq", 8, {0}, 3},
      {"ij,kj,kl,ml->im", 4, {0, 0, 0, 0}, 2}, /* x xT x xT */
      {"ij,jk,ml,lk->im", 4, {0, 1, 0, 1}, 2}, /* (x y)(x y)T */
      {"ij,jk,ij,jk->ik", 4, {0, 1, 0, 1}, 3}, /* x * x, y * y: nothing in common */
      {"ai,ai,bi,bi->ab", 4, {0, 0, 0, 0}, 2}, /* the same square on both sides */
  };
  es_ctx *ctx = es_ctx_create(NULL);
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    int64_t steps = shared_steps(ctx, row[i].text, row[i].n, row[i].same, 32);
    cr_assert_eq(steps, row[i].steps, "'%s' (%zu) takes %lld steps", row[i].text, i,
                 (long long)steps);
  }
  es_ctx_destroy(ctx);
}

static void read_bits(es_ctx *ctx, const es_tensor *t, float *to, int64_t n) {
  cr_assert(t, "%s", es_error_text(ctx));
  cr_assert_eq(es_read(ctx, t, ES_F32, to, n), ES_OK);
}

Test(networks, sharing_changes_no_bit) {
  enum { SIZE = 37 };
  static const char *const text[] = {"ij,jk,kl,lm->im", "ij,kj,kl,ml->im", "ij,jk,ml,lk->im",
                                     "ai,ib,bj,jc->ac", "ai,ai,bi,bi->ab", "ij,jk,ij,jk->ik"};
  float first[SIZE * SIZE], second[SIZE * SIZE];
  es_ctx *ctx = es_ctx_create(NULL);
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
    es_tensor *x = es_randn(ctx, ES_F32, ES_SHAPE(SIZE, SIZE)),
              *y = es_randn(ctx, ES_F32, ES_SHAPE(SIZE, SIZE));
    es_tensor *apart = es_einsum(ctx, text[i], ES_IN(x, y, es_copy(ctx, x), es_copy(ctx, y)), NULL);
    es_tensor *shared = es_einsum(ctx, text[i], ES_IN(x, y, x, y), NULL);
    read_bits(ctx, apart, first, SIZE * SIZE);
    read_bits(ctx, shared, second, SIZE * SIZE);
    cr_assert(!memcmp(first, second, sizeof first), "'%s'", text[i]);
    /* Programs know by the names what is the same. */
    es_tensor *out[1];
    const char program[] = "x: i j, y: j k, x: k l, y: l m -> i m";
    cr_assert_eq(es_program(ctx, program, NULL, (es_tensor *[]){x, y}, 2, NULL, out, 1), ES_OK);
    read_bits(ctx, es_einsum(ctx, "ij,jk,kl,lm->im", ES_IN(x, y, x, y), NULL), first, SIZE * SIZE);
    read_bits(ctx, out[0], second, SIZE * SIZE);
    cr_assert(!memcmp(first, second, sizeof first));
  }
  es_ctx_destroy(ctx);
}

Test(networks, a_plan_for_one_array_given_twice_takes_no_other) {
  es_ctx *ctx = es_ctx_create(NULL);
  const char text[] = "ij,jk,kl,lm->im";
  float x[4] = {1, 2, 3, 4}, y[4] = {5, 6, 7, 8}, z[4];
  int64_t shape[2] = {2, 2}, other[2] = {1, 4};
  es_array in[4], out = {z, ES_F32, 2, shape, NULL};
  es_error error;
  for (int i = 0; i < 4; i++) in[i] = (es_array){i % 2 ? y : x, ES_F32, 2, shape, NULL};
  es_expr *expr = es_expr_parse(ctx, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  es_options options = {.same = (const int64_t[]){0, 1, 0, 1}};
  es_plan *plan = es_plan_make(ctx, expr, in, 4, NULL, &options, &error);
  cr_assert(plan, "%s", error.message);
  void *workspace = aligned_alloc(64, (es_plan_workspace(plan) + 64) / 64 * 64);
  cr_assert_eq(es_run(ctx, plan, in, 4, &out, workspace, &error), ES_OK);
  cr_assert_float_eq(z[0], 19 * 19 + 22 * 43, 0);
  in[2].data = y;
  cr_assert_eq(es_run(ctx, plan, in, 4, &out, workspace, &error), ES_E_VALUE);
  cr_assert_eq(error.operand, 2);
  cr_assert(!es_plan_make(ctx, expr, in, 4, NULL, &options, &error), "other data");
  in[2].data = x;
  static const int64_t wrong[][4] = {{0, 1, 0, 2}, {0, 1, 3, 3}, {0, 1, -1, 1}, {1, 1, 2, 3}};
  for (int i = 0; i < 4; i++) {
    options.same = wrong[i];
    cr_assert(!es_plan_make(ctx, expr, in, 4, NULL, &options, &error), "row %d", i);
    cr_assert_eq(error.status, ES_E_VALUE);
    cr_assert(strstr(error.message, "es_options.same"), "%s", error.message);
  }
  in[3].shape = other;
  options.same = (const int64_t[]){0, 1, 0, 1};
  cr_assert(!es_plan_make(ctx, expr, in, 4, NULL, &options, &error));
  free(workspace);
  es_plan_release(plan);
  es_expr_release(expr);
  es_ctx_destroy(ctx);
}

/* ---- options of the search ------------------------------------------------------------- */

enum { RING = 40 };

/* A ring of matrices with as many chords across it, all of extent 2. */
static char *plan_ring(es_ctx *ctx, const es_options *options, double *points) {
  static char text[RING * 24], plan[1 << 16];
  int64_t shape[4] = {2, 2, 2, 2};
  es_array in[RING];
  es_plan *made = NULL;
  es_error error;
  size_t len = 0;
  for (int i = 0; i < RING; i++) {
    int a = i, b = (i + 1) % RING, c = RING + i, d = RING + (i * 7 + 11) % RING;
    in[i] = (es_array){NULL, ES_F32, 4, shape, NULL};
    len += (size_t)snprintf(text + len, sizeof text - len, "%sx%d x%d x%d x%d", i ? ", " : "", a, b,
                            c, d);
  }
  len += (size_t)snprintf(text + len, sizeof text - len, " ->");
  es_plan_from_text(ctx, ES_KIND_EINSUM, text, len, in, RING, NULL, options, &made, &error);
  cr_assert(made, "%s", error.message);
  es_plan_print(made, plan, sizeof plan);
  *points = es_plan_flops(made);
  es_plan_release(made);
  return strdup(plan);
}

Test(networks, order_seed_draws_other_orders_and_the_same_one_the_same) {
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
  bool other = false;
  double points[2], first;
  for (uint64_t seed = 0; seed < 6; seed++) {
    es_options options = {.reading = ES_READ_NAMES, .effort = 0.1, .order_seed = seed};
    char *once = plan_ring(ctx, &options, &points[0]),
         *again = plan_ring(ctx, &options, &points[1]);
    cr_assert_str_eq(once, again, "seed %d", (int)seed);
    if (!seed) first = points[0];
    other |= points[0] != first;
    free(once);
    free(again);
  }
  cr_assert(other, "all seeds find the same order");
  es_ctx_destroy(ctx);
}
