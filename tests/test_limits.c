/* What a context allows: absurd requests are refused at once and by numbers, time runs out,
 * and the context works on. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "einstride/layers.h"
#include "support/alloc.h"
#include "support/check.h"

static const int64_t million = 1000000;

enum { KINDS = 12, REQUESTS = 100 * KINDS };
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || defined __SANITIZE_MEMORY__
#define MOST_SECONDS 0.02
enum { RESIDENT = 1 << 28 }; /* freed memory is kept aside */
#else
#define MOST_SECONDS 0.001
enum { RESIDENT = 1 << 20 };
#endif

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int64_t resident_bytes(void) {
  long long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%*d %lld", &pages) != 1) pages = 0;
  if (f) fclose(f);
  return pages * sysconf(_SC_PAGE_SIZE);
}

/* A view of one element: as long as one likes, without memory. */
static es_tensor *wide(es_ctx *ctx) {
  float one = 1;
  return es_broadcast_to(ctx, es_from_data(ctx, ES_F32, 0, NULL, &one), 1, &million);
}

/* Request number i of a kind; NULL and an error are what is right. */
static es_tensor *absurd(es_ctx *ctx, int i, es_tensor *x) {
  const int64_t shape[] = {million + i, million, million};
  es_tensor *in[] = {x, x, x};
  switch (i % KINDS) {
  case 0: return es_einsum(ctx, "i, j, k -> i j k", in, 3, NULL);
  case 1: return es_einsum(ctx, "i, j -> (i j) 1000000", in, 2, NULL);
  case 2: return es_repeat(ctx, "i -> i r s | max", x, ES_SIZES({"r", million}, {"s", 4}));
  case 3: return es_repeat(ctx, "i -> i r s", x, ES_SIZES({"r", million + i}, {"s", million}));
  case 4: return es_einsum(ctx, "(i-1000000000000)?0 -> i", in, 1, NULL);
  case 5: return es_copy(ctx, es_broadcast_to(ctx, es_unsqueeze(ctx, x, 0), 2, shape));
  case 6: return es_arange(ctx, ES_I64, 0, 1e15 + i, 1);
  case 7: return es_linspace(ctx, ES_F64, 0, 1, ((int64_t)1 << 60) + i);
  case 8: return es_eye(ctx, ES_F32, million + i, million);
  case 9: return es_ramp(ctx, ES_C128, 3, shape);
  case 10: return es_binary(ctx, ES_ADD, es_unsqueeze(ctx, x, 0), es_unsqueeze(ctx, x, 1));
  default: return es_pad(ctx, x, (const int64_t[]){million * million + i, 2}, 2, "constant", 0);
  }
}

Test(limits, absurd_requests_are_refused_at_once) {
  test_alloc a;
  test_alloc_init(&a);
  es_ctx *ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&a),
                                           .threads = 1,
                                           .max_cached_plans = -1,
                                           .max_bytes = 1 << 28});
  es_tensor *x = wide(ctx);
  double took[REQUESTS];
  int64_t most = 0, resident = resident_bytes();
  for (int i = 0; i < REQUESTS; i++) {
    es_scope_push(ctx);
    int64_t before = a.bytes;
    es_memory_reset_peak(ctx);
    double start = es_clock_seconds();
    es_tensor *y = absurd(ctx, i, x);
    took[i] = es_clock_seconds() - start;
    cr_assert_null(y, "request %d was granted", i % 12);
    const es_error *e = es_ctx_error(ctx);
    cr_assert(e->status == ES_E_LIMIT || e->status == ES_E_NAME || e->status == ES_E_OVERFLOW ||
                  e->status == ES_E_SYNTAX,
              "%d: %s", i % 12, es_error_text(ctx));
    if (e->status == ES_E_LIMIT)
      cr_assert(strstr(e->message, "268435456"), "%d: %s", i % 12, e->message);
    int64_t peak = es_memory_peak(ctx) - es_memory_now(ctx);
    if (peak > most) most = peak;
    es_clear_error(ctx);
    es_scope_pop(ctx);
    cr_assert_leq(a.bytes, before + (1 << 16), "request %d left memory behind", i % 12);
  }
  /* Of each kind the median: other programs may hold up a single one. */
  for (int kind = 0; kind < KINDS; kind++) {
    double own[REQUESTS / KINDS];
    for (int i = 0; i < REQUESTS / KINDS; i++) own[i] = took[i * KINDS + kind];
    qsort(own, REQUESTS / KINDS, sizeof *own, by_size);
    double median = own[REQUESTS / KINDS / 2];
    cr_assert_lt(median, MOST_SECONDS, "request %d: %g s", kind, median);
  }
  cr_assert_lt(resident_bytes() - resident, RESIDENT, "refusals left pages behind");
  cr_assert_lt(most, 1 << 20, "%lld bytes were taken before a refusal", (long long)most);
  es_ctx_destroy(ctx);
  cr_assert_eq(a.blocks, 0);
}

Test(limits, a_refusal_names_shape_bytes_limit_and_place) {
  es_ctx *ctx = es_ctx_create(&(es_config){.max_bytes = 1 << 28});
  es_tensor *x = wide(ctx);
  cr_assert_null(es_einsum(ctx, "i, j -> i j", ES_IN(x, x), NULL));
  const es_error *e = es_ctx_error(ctx);
  cr_assert_eq(e->status, ES_E_LIMIT);
  cr_assert_str_eq(e->rule, "M1");
  cr_assert(strstr(e->message, "(1000000, 1000000)") && strstr(e->message, "4000000000000") &&
                strstr(e->message, "268435456"),
            "%s", e->message);
  cr_assert_gt(e->length, 0, "no place in the text: %s", es_error_text(ctx));
  es_ctx_destroy(ctx);
}

Test(limits, operations_are_counted_before_they_run) {
  es_ctx *ctx = es_ctx_create(&(es_config){.max_operations = 1e6});
  es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(101, 101));
  cr_assert_null(es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL));
  const es_error *e = es_ctx_error(ctx);
  cr_assert_eq(e->status, ES_E_LIMIT);
  cr_assert(strstr(e->message, "1.03e+06") && strstr(e->message, "1e+06"), "%s", e->message);
  es_clear_error(ctx);
  es_tensor *y = es_slice(ctx, x, 0, 0, 90, 1);
  CHECK_OK(ctx, es_einsum(ctx, "i k, k j -> i j", ES_IN(y, x), NULL));
  cr_assert_eq(es_set_max_operations(ctx, 0), ES_OK);
  CHECK_OK(ctx, es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL));
  cr_assert_eq(es_set_max_operations(ctx, 1e6), ES_OK);
  cr_assert_null(es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL), "a plan was kept");
  es_clear_error(ctx);
  es_clear_error(ctx);
  es_tensor *two = es_broadcast_to(ctx, wide(ctx), 2, (const int64_t[]){2, million});
  cr_assert_null(es_argmax(ctx, two, ES_NO_AXIS, false), "two million numbers were looked at");
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_LIMIT, "%s", es_error_text(ctx));
  es_clear_error(ctx);
  CHECK_OK(ctx, es_argmax(ctx, x, ES_NO_AXIS, false));
  cr_assert_eq(es_set_max_operations(ctx, -1), ES_E_VALUE);
  es_clear_error(ctx);
  cr_assert_eq(es_set_max_operations(ctx, (double)NAN), ES_E_VALUE);
  es_ctx_destroy(ctx);
}

/* Every kind of work hears that time is up. */
static es_tensor *work(es_ctx *ctx, int which, es_tensor *x) {
  switch (which) {
  case 0: return es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL);
  case 1: return es_reduce(ctx, "i j -> j", ES_REDUCE_MAX, x, NULL);
  case 2: return es_unary(ctx, ES_EXP, x);
  case 3: return es_softmax(ctx, x, -1);
  case 4: return es_cast(ctx, x, ES_F64);
  case 5: return es_argmax(ctx, x, 1, false);
  case 6: return es_randn(ctx, ES_F32, ES_SHAPE(2000, 2000));
  case 7: return es_scaled_dot_product_attention(ctx, x, x, x, NULL, false, 0, false);
  default: return es_copy(ctx, es_transpose(ctx, x, 0, 1));
  }
}

Test(limits, time_runs_out) {
  for (int threads = 1; threads < 4; threads += 2)
    for (int which = 0; which < 9; which++) {
      es_ctx *ctx = es_ctx_create(&(es_config){.threads = threads});
      es_tensor *x = es_randn(ctx, ES_F32, ES_SHAPE(1000, 1000));
      CHECK_OK(ctx, x);
      cr_assert_eq(es_set_max_seconds(ctx, 1e-9), ES_OK);
      double start = es_clock_seconds();
      cr_assert_null(work(ctx, which, x), "work %d went on", which);
      cr_assert_lt(es_clock_seconds() - start, 1.0);
      cr_assert_eq(es_ctx_error(ctx)->status, ES_E_LIMIT, "%d: %s", which, es_error_text(ctx));
      cr_assert(strstr(es_error_text(ctx), "1e-09 seconds"), "%s", es_error_text(ctx));
      es_clear_error(ctx);
      cr_assert_eq(es_set_max_seconds(ctx, 0), ES_OK);
      CHECK_OK(ctx, work(ctx, which, x));
      es_ctx_destroy(ctx);
    }
}

Test(limits, a_budget_of_time_from_the_start) {
  es_ctx *ctx = es_ctx_create(&(es_config){.max_seconds = 1e-9});
  cr_assert_null(es_randn(ctx, ES_F32, ES_SHAPE(1000, 1000)));
  cr_assert_eq(es_ctx_error(ctx)->status, ES_E_LIMIT);
  es_clear_error(ctx);
  cr_assert_eq(es_set_max_seconds(ctx, 3600), ES_OK);
  CHECK_OK(ctx, es_randn(ctx, ES_F32, ES_SHAPE(1000, 1000)));
  cr_assert_eq(es_set_max_seconds(ctx, -1), ES_E_VALUE);
  es_ctx_destroy(ctx);
}

/* ---- less of the language than there is -------------------------------------------------- */

static void refused(es_ctx *ctx, const void *made, const char *says, int64_t column) {
  const es_error *e = es_ctx_error(ctx);
  cr_assert_null(made, "granted, though %s", says);
  cr_assert_eq(e->status, ES_E_LIMIT, "%s", es_error_text(ctx));
  cr_assert(strstr(e->message, says), "'%s' in: %s", says, e->message);
  if (column >= 0) cr_assert(e->length > 0 && e->offset == column, "%s", es_error_text(ctx));
  es_clear_error(ctx);
}

Test(limits, texts_of_a_context) {
  es_ctx *ctx =
      es_ctx_create(&(es_config){.limits = {.text = 20, .nesting = 2, .operands = 2, .rank = 3}});
  es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(2, 2));
  es_tensor *in[] = {x, x, x}, *out;
  CHECK_OK(ctx, es_einsum(ctx, "i k, k j -> i j     ", in, 2, NULL));
  refused(ctx, es_einsum(ctx, "i k, k j -> i j      ", in, 2, NULL), "limit is 20 bytes", 20);
  CHECK_OK(ctx, es_rearrange(ctx, "i j -> ((i) j)", x, NULL));
  refused(ctx, es_rearrange(ctx, "i j -> (((i)) j)", x, NULL), "2 deep", 9);
  refused(ctx, es_einsum(ctx, "ij,jk,kl->il", in, 3, NULL), "3 operands", 6);
  es_program(ctx, "y = (((x)))", NULL, in, 1, NULL, &out, 1);
  refused(ctx, out, "2 deep", 6);
  es_program(ctx, "y = ij,jk,kl->i", NULL, in, 3, NULL, &out, 1);
  cr_assert_null(out);
  es_clear_error(ctx);
  CHECK_OK(ctx, (es_program(ctx, "y=x #(((", NULL, in, 1, NULL, &out, 1), out));
  es_error error;
  cr_assert_null(es_expr_parse(ctx, ES_KIND_EINSUM, "a b c d e f g h i j k", 21, 0, &error));
  cr_assert_eq(error.status, ES_E_LIMIT);
  es_ctx_destroy(ctx);
}

Test(limits, axes_of_a_context) {
  es_ctx *ctx = es_ctx_create(&(es_config){.limits.rank = 2});
  float one[4] = {1, 2, 3, 4};
  es_tensor *x = es_from_data(ctx, ES_F32, ES_SHAPE(2, 2), one);
  CHECK_OK(ctx, x);
  const int64_t shape[] = {2, 2, 1}, strides[] = {2, 1, 1};
  refused(ctx, es_zeros(ctx, ES_F32, 3, shape), "3 axes", -1);
  refused(ctx, es_unsqueeze(ctx, x, 0), "limit of this context is 2", -1);
  refused(ctx, es_wrap(ctx, ES_F32, one, 4, 0, 3, shape, strides, true, NULL, NULL), "3 axes", -1);
  refused(ctx, es_einsum(ctx, "i j, k -> i j k", ES_IN(x, es_reshape(ctx, x, ES_SHAPE(4))), NULL),
          "3 axes", -1);
  es_error error;
  es_expr *e = es_expr_parse(ctx, ES_KIND_EINSUM, "a b c -> a", 10, 0, &error);
  es_array in = {.dtype = ES_F32, .rank = 3, .shape = shape};
  cr_assert_null(es_plan_make(ctx, e, &in, 1, NULL, NULL, &error));
  cr_assert_eq(error.status, ES_E_LIMIT, "%s", error.message);
  cr_assert_eq(es_set_limits(ctx, NULL), ES_OK);
  es_plan *plan = es_plan_make(ctx, e, &in, 1, NULL, NULL, &error);
  cr_assert(plan, "%s", error.message);
  es_plan_release(plan);
  es_expr_release(e);
  es_ctx_destroy(ctx);
}

/* A plan that was made, and kept, under wider limits is no way around narrower ones. */
Test(limits, change_at_any_time) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_tensor *x = es_ramp(ctx, ES_F32, ES_SHAPE(2, 2));
  CHECK_OK(ctx, es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL));
  cr_assert_eq(es_set_limits(ctx, &(es_limits){.operands = 1}), ES_OK);
  refused(ctx, es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL), "2 operands", 5);
  const es_limits beyond[] = {{.text = ES_MAX_TEXT + 1},         {.text = -1},
                              {.nesting = ES_MAX_NESTING + 1},   {.nesting = -1},
                              {.operands = ES_MAX_OPERANDS + 1}, {.operands = -1},
                              {.rank = ES_MAX_RANK + 1},         {.rank = -1}};
  for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
    cr_assert_eq(es_set_limits(ctx, &beyond[i]), ES_E_VALUE);
    es_clear_error(ctx);
    refused(ctx, es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL), "2 operands", 5);
  }
  cr_assert_eq(es_set_limits(ctx, &(es_limits){0}), ES_OK);
  CHECK_OK(ctx, es_einsum(ctx, "i k, k j -> i j", ES_IN(x, x), NULL));
  cr_assert_eq(es_set_limits(NULL, NULL), ES_E_VALUE);
  es_ctx_destroy(ctx);
}

/* As numbers of 32 bits all of these sizes are a few bytes. */
Test(limits, what_addresses_cannot_reach) {
  if (sizeof(void *) > 4) cr_skip_test("addresses have 64 bits");
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 2, .max_bytes = INT64_MAX});
  const int64_t large = ((int64_t)1 << 32) + 1, half = ((int64_t)1 << 31) + 1, side = 1 << 16;
  cr_assert_eq(es_max_bytes(ctx), INT32_MAX);
  uint8_t bytes[4] = {0};
  float floats[16] = {0};
  es_tensor *x = es_from_data(ctx, ES_U8, 0, NULL, bytes);
  es_tensor *row = es_broadcast_to(ctx, es_from_data(ctx, ES_F32, 0, NULL, floats), 1, &side);
  es_tensor *wide = es_broadcast_to(ctx, x, 1, &large);
  cr_assert(row && wide, "%s", es_error_text(ctx));
  for (int i = 0; i < 12; i++) {
    es_tensor *y = NULL;
    switch (i) {
    case 0: y = es_empty(ctx, ES_U8, 1, &large); break;
    case 1: y = es_zeros(ctx, ES_F64, ES_SHAPE(side, side / 8, 1)); break;
    case 2: y = es_full(ctx, ES_I16, 1, &half, 1); break;
    case 3: y = es_copy(ctx, wide); break;
    case 4: y = es_cast(ctx, wide, ES_C128); break;
    case 5: y = es_unary(ctx, ES_NEG, es_broadcast_to(ctx, x, 1, &half)); break;
    case 6: y = es_einsum(ctx, "i, j -> i j", ES_IN(row, row), NULL); break;
    case 7: y = es_rearrange(ctx, "i -> (i 1) 1", wide, NULL); break;
    case 8: y = es_repeat(ctx, "-> i", x, ES_SIZES({"i", large})); break;
    case 9: y = es_softmax(ctx, es_broadcast_to(ctx, row, ES_SHAPE(side, side)), 0); break;
    case 10: y = es_arange(ctx, ES_U8, 0, (double)large, 1); break;
    case 11: y = es_wrap(ctx, ES_U8, bytes, large, 0, 1, &large, NULL, true, NULL, NULL); break;
    }
    const es_status want = i == 11 ? ES_E_VALUE : ES_E_LIMIT, status = es_ctx_error(ctx)->status;
    const bool is_view = y && es_is_view(y); /* which takes no memory */
    cr_assert(is_view || (!y && status == want), "request %d: %s", i, es_error_text(ctx));
    es_clear_error(ctx);
  }
  cr_assert_null(es_zeros(ctx, ES_F32, ES_SHAPE(side, side / 2)));
  const char *text = es_ctx_error(ctx)->message, *rest = strstr(text, "are in use and");
  cr_assert(
      !strncmp(text, "a tensor of shape (65536, 32768) and type f32 needs 8589934592 bytes; ", 70));
  cr_assert_str_eq(
      rest, "are in use and the memory limit is 2147483647 bytes (addresses reach no further)");
  es_clear_error(ctx);
  es_ctx_destroy(ctx);
}
