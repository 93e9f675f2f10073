/* Every extent from 0 to 2 on every axis: the result is defined, into memory full of NaN too. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "support/check.h"

enum { LABELS = 4 };

static const char *const patterns[] = {"i j -> j i",
                                       "i j k l -> i k",
                                       "i j k l -> l j i k",
                                       "i j k l ->",
                                       "i j -> i j k l",
                                       "i, j -> i j",
                                       "i j, i j -> i j",
                                       "i k, k j -> i j",
                                       "k i, j k -> j i",
                                       "i k, k -> i",
                                       "k, k ->",
                                       "l i k, l k j -> l i j",
                                       "i j k l, k l -> i j",
                                       "i j, j k, k l -> i l",
                                       "i j, j k, k l ->",
                                       "i (j k) l -> k i l",
                                       "i j k -> (i j) k"};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

static const es_reducer reducers[] = {ES_REDUCE_SUM, ES_REDUCE_PROD, ES_REDUCE_MAX, ES_REDUCE_MIN,
                                      ES_REDUCE_MEAN};
enum { REDUCERS = sizeof reducers / sizeof *reducers };

/* The shape of the term from *at on, to the next ',' or the arrow or the end. */
static int shape_of(const char **at, const int64_t *extent, int64_t *shape, unsigned *seen) {
  int rank = 0, inside = -1;
  for (; **at && **at != ',' && **at != '>'; ++*at) {
    char c = **at;
    if (c == '(') shape[inside = rank++] = 1;
    if (c == ')') inside = -1;
    if (c < 'i' || c > 'l') continue;
    *seen |= 1u << (c - 'i');
    if (inside >= 0)
      shape[inside] *= extent[c - 'i'];
    else
      shape[rank++] = extent[c - 'i'];
  }
  if (**at) ++*at;
  return rank;
}

/* All operands are ones: a sum counts its terms, everything else is 1; of nothing the mean is NaN,
 * and there is no largest element. */
static void check(es_ctx *ctx, const char *text, const int64_t *extent, es_reducer reducer,
                  es_dtype dtype) {
  const char *at = text;
  es_tensor *in[3];
  int64_t shape[LABELS], n = 0, terms = 1;
  unsigned seen = 0, kept = 0;
  es_scope_push(ctx);
  for (bool arrow = false; !arrow; arrow = at[-1] == '>') {
    int rank = shape_of(&at, extent, shape, &seen);
    in[n++] = es_full(ctx, dtype, rank, shape, 1);
  }
  int rank = shape_of(&at, extent, shape, &kept);
  static const char *const names[LABELS] = {"i", "j", "k", "l"};
  es_axis_size sizes[LABELS + 1] = {{NULL, 0}};
  for (int l = 0, used = 0; l < LABELS; l++)
    if ((seen | kept) & 1u << l) sizes[used++] = (es_axis_size){names[l], extent[l]};
  es_tensor *out = es_full(ctx, dtype, rank, shape, (double)NAN);
  es_options options = {.sizes = sizes, .reducer = reducer};
  es_tensor *y = es_einsum_into(ctx, text, in, n, &options, out);
  for (int l = 0; l < LABELS; l++)
    if (seen & ~kept & 1u << l) terms *= extent[l];
  bool ordered = reducer == ES_REDUCE_MAX || reducer == ES_REDUCE_MIN;
  if (!y) {
    cr_assert(terms == 0 && ordered && es_ctx_error(ctx)->status == ES_E_EMPTY, "'%s' by %s: %s",
              text, es_reducer_name(reducer), es_error_text(ctx));
    es_clear_error(ctx);
  } else {
    double want = reducer == ES_REDUCE_SUM                  ? (double)terms
                  : reducer == ES_REDUCE_MEAN && terms == 0 ? (double)NAN
                                                            : 1;
    cr_assert(!ordered || terms > 0 || es_size(y) == 0, "'%s' by %s of nothing", text,
              es_reducer_name(reducer));
    double got[16];
    cr_assert_eq(es_read(ctx, y, ES_F64, got, es_size(y)), ES_OK, "%s", es_error_text(ctx));
    for (int64_t e = 0; e < es_size(y); e++)
      cr_assert(got[e] == want || (isnan(want) && isnan(got[e])),
                "'%s' of %lld %lld %lld %lld by %s: %g instead of %g", text, (long long)extent[0],
                (long long)extent[1], (long long)extent[2], (long long)extent[3],
                es_reducer_name(reducer), got[e], want);
  }
  es_scope_pop(ctx);
}

Test(extents, from_nothing_to_two) {
  static const es_isa isas[] = {ES_ISA_V16, ES_ISA_V32, ES_ISA_V64};
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 1});
  for (int v = 0; v < 3; v++) {
    if (es_set_isa(ctx, isas[v]) != ES_OK) es_clear_error(ctx);
    for (int p = 0; p < PATTERNS; p++)
      for (int code = 0; code < 81; code++) {
        const int64_t extent[LABELS] = {code % 3, code / 3 % 3, code / 9 % 3, code / 27};
        for (int r = 0; r < REDUCERS; r++)
          for (es_dtype d = ES_F32; d <= ES_F64; d++)
            check(ctx, patterns[p], extent, reducers[r], d);
      }
  }
  es_ctx_destroy(ctx);
}
