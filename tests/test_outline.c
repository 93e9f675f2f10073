/* Outlines: the axes of a text as sums over labels, with and without operands. */
#include <stdio.h>
#include <string.h>

#include "support/alloc.h"
#include "support/check.h"

static void check_axis(const es_outline *o, const es_outline_axis *a, int64_t size,
                       const char *expected) {
  char text[256] = "", piece[80];
  for (int i = 0; i < a->n; i++) {
    snprintf(piece, sizeof piece, "%+lld*%s", (long long)a->coef[i], o->label[a->label[i]].name);
    strcat(text, piece);
  }
  if (a->constant) {
    snprintf(piece, sizeof piece, "%+lld", (long long)a->constant);
    strcat(text, piece);
  }
  if (a->fill) strcat(text, a->fill);
  cr_assert_str_eq(text, expected);
  cr_assert_eq(a->size, size, "%s: size %lld instead of %lld", text, (long long)a->size,
               (long long)size);
}

static const es_outline *outline(es_ctx *ctx, es_kind kind, const char *text, const es_array *in,
                                 int64_t n, const es_axis_size *sizes) {
  es_error error;
  const es_outline *o = es_outline_make(ctx, kind, text, in, n, sizes, &error);
  cr_assert(o, "'%s': %s", text, error.message);
  return o;
}

Test(outline, windows_and_groups_with_operands) {
  es_ctx *ctx = es_ctx_create(NULL);
  const int64_t x[] = {2, 6, 7}, w[] = {4, 3, 3};
  es_array in[] = {{NULL, ES_F32, 3, x, NULL}, {NULL, ES_F32, 3, w, NULL}};
  const es_outline *o = outline(ctx, ES_KIND_EINSUM,
                                "b (g c) (2*h+kh-1)?0, (g o) c kh -> b (g o) h", in, 2, NULL);
  cr_assert_eq(o->n_in, 2);
  cr_assert_eq(o->n_out, 1);
  cr_assert_eq(o->term[0].rank, 3);
  check_axis(o, &o->term[0].axis[0], 2, "+1*b");
  check_axis(o, &o->term[0].axis[1], 6, "+3*g+1*c");
  check_axis(o, &o->term[0].axis[2], 7, "+2*h+1*kh-1?0");
  check_axis(o, &o->term[1].axis[0], 4, "+2*g+1*o");
  check_axis(o, &o->term[2].axis[1], 4, "+2*g+1*o");
  check_axis(o, &o->term[2].axis[2], 4, "+1*h");
  for (int i = 0; i < o->n_labels; i++) {
    bool reduced = !strcmp(o->label[i].name, "c") || !strcmp(o->label[i].name, "kh");
    cr_assert_eq(o->label[i].reduced, reduced, "%s", o->label[i].name);
  }
  es_outline_free(o);
  es_ctx_destroy(ctx);
}

Test(outline, of_the_text_alone) {
  es_ctx *ctx = es_ctx_create(NULL);
  const es_outline *o = outline(ctx, ES_KIND_REARRANGE, "(h w) c -> c (w h)", NULL, 0,
                                ES_SIZES({"h", 2}, {"w", 3}));
  check_axis(o, &o->term[0].axis[0], 6, "+3*h+1*w");
  check_axis(o, &o->term[0].axis[1], -1, "+1*c");
  check_axis(o, &o->term[1].axis[1], 6, "+2*w+1*h");
  es_outline_free(o);

  o = outline(ctx, ES_KIND_EINSUM, "... (a b) 3 -> ... a", NULL, 0, NULL);
  check_axis(o, &o->term[0].axis[0], -1, "+1*...[0]");
  check_axis(o, &o->term[0].axis[1], -1, "+0*a+1*b");
  check_axis(o, &o->term[0].axis[2], 3, "+1*3");
  es_outline_free(o);

  /* The length of the axis is the shortest that gives these sizes. */
  o = outline(ctx, ES_KIND_EINSUM, "(2*h+k-1)?0, k -> h", NULL, 0, ES_SIZES({"h", 4}, {"k", 3}));
  check_axis(o, &o->term[0].axis[0], 7, "+2*h+1*k-1?0");
  es_outline_free(o);
  es_ctx_destroy(ctx);
}

Test(outline, parts_lie_one_after_the_other) {
  es_ctx *ctx = es_ctx_create(NULL);
  const es_outline *o = outline(ctx, ES_KIND_EINSUM, "b x, b y -> b (x ^ y)", NULL, 0,
                                ES_SIZES({"x", 2}, {"y", 5}));
  const es_outline_axis *joined = &o->term[2].axis[1];
  cr_assert_eq(joined->n_parts, 2);
  cr_assert_eq(joined->n, 0);
  cr_assert_eq(joined->size, 7);
  check_axis(o, &joined->part[1], 5, "+1*y");
  es_outline_free(o);
  es_ctx_destroy(ctx);
}

Test(outline, failures_are_told) {
  es_ctx *ctx = es_ctx_create(NULL);
  es_error error;
  const int64_t shape[] = {2, 3};
  es_array in = {NULL, ES_F32, 2, shape, NULL};
  cr_assert_null(es_outline_make(ctx, ES_KIND_EINSUM, "a b", NULL, 1, NULL, &error));
  cr_assert_eq(error.status, ES_E_VALUE);
  cr_assert_null(es_outline_make(ctx, ES_KIND_EINSUM, "(a b", NULL, 0, NULL, &error));
  cr_assert_eq(error.status, ES_E_SYNTAX);
  cr_assert_null(es_outline_make(ctx, ES_KIND_REARRANGE, "a b c -> a b c", &in, 1, NULL, &error));
  cr_assert_eq(error.status, ES_E_RANK);
  cr_assert_null(es_outline_make(ctx, ES_KIND_PACK, "a *", &in, 1, NULL, &error));
  cr_assert_eq(error.status, ES_E_UNSUPPORTED);
  es_outline_free(NULL);
  es_ctx_destroy(ctx);
}

Test(outline, every_allocation_may_fail) {
  for (int bare = 0; bare < 2; bare++) {
    bool made = false;
    for (int64_t k = 1; !made; k++) {
      const int64_t shape[] = {6, 7};
      es_array in = {NULL, ES_F32, 2, shape, NULL};
      es_error error;
      test_alloc alloc;
      test_alloc_init(&alloc);
      es_config config = {.allocator = test_alloc_hooks(&alloc), .threads = 1};
      es_ctx *ctx = es_ctx_create(&config);
      test_alloc_fail(&alloc, k, false);
      const es_outline *o = es_outline_make(ctx, ES_KIND_EINSUM, "(a b) (2*h+k-1)?0 -> (a ^ b) h",
                                            bare ? NULL : &in, bare ? 0 : 1,
                                            ES_SIZES({"a", 2}, {"k", 3}), &error);
      made = o != NULL;
      cr_assert(made || error.status == ES_E_NOMEM, "%s", made ? "" : error.message);
      test_alloc_obey(&alloc);
      es_outline_free(o);
      es_ctx_destroy(ctx);
      cr_assert_eq(alloc.blocks, 0);
      cr_assert_eq(alloc.defects, 0);
    }
  }
}
