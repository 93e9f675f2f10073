/* Sums into affine axes whose parts take image after image: the bits of each image alone. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"
#include "engine/plan_make.h"

enum { B = 4, C = 16, SIDE = 184, O = 3 }; /* 8.7 MB of images */

static es_plan *plan_of(es_ctx *ctx, const char *text, int64_t batch, int64_t taps, float *x,
                        float *w, const es_options *options) {
  const int64_t images[] = {batch, C, SIDE, SIDE}, weights[] = {C, O, taps, taps};
  const es_array in[] = {{x, ES_F32, 4, images, NULL}, {w, ES_F32, 4, weights, NULL}};
  es_plan *plan = NULL;
  es_error error;
  es_plan_from_text(ctx, ES_KIND_EINSUM, text, strlen(text), in, 2, NULL, options, &plan, &error);
  cr_assert(plan, "%s", error.message);
  return plan;
}

static void run(es_ctx *ctx, const es_plan *plan, float *x, float *w, float *out) {
  const es_array in[] = {es_plan_array(plan, 0, x), es_plan_array(plan, 1, w)};
  const es_array to = es_plan_array(plan, 2, out);
  void *workspace = aligned_alloc(64, (plan->workspace + 64) / 64 * 64);
  es_error error;
  cr_assert_eq(es_run(ctx, plan, in, 2, &to, workspace, &error), ES_OK, "%s", error.message);
  free(workspace);
}

static float *numbers(int64_t n, int64_t step) {
  float *data = malloc((size_t)n * sizeof *data);
  for (int64_t i = 0; i < n; i++) data[i] = (float)(i * step % 1009) / 1009 - 0.5f;
  return data;
}

static void compare(const char *text, int64_t taps, int64_t loops, const es_options *options) {
  es_ctx *ctx = es_ctx_create(&(es_config){.threads = 2});
  const int64_t image = (int64_t)C * SIDE * SIDE;
  float *x = numbers(B * image, 37), *w = numbers(C * O * taps * taps, 101);
  es_options moving = options ? *options : (es_options){0};
  moving.constant = NULL;
  es_plan *all = plan_of(ctx, text, B, taps, x, w, options),
          *one = plan_of(ctx, text, 1, taps, x, w, &moving);
  cr_assert_eq(all->n_loops, loops, "'%s': %d loops", text, all->n_loops);
  cr_assert_eq(one->n_loops, 0);
  const int64_t result = one->slot[2].count;
  cr_assert_eq(all->slot[2].count, B * result);
  float *got = numbers(B * result, 7), *want = numbers(B * result, 7);
  run(ctx, all, x, w, got);
  for (int64_t b = 0; b < B; b++) run(ctx, one, x + b * image, w, want + b * result);
  cr_assert_eq(memcmp(got, want, (size_t)(B * result) * sizeof *got), 0, "'%s'", text);
  free(x), free(w), free(got), free(want);
  es_plan_release(all);
  es_plan_release(one);
  es_ctx_destroy(ctx);
}

Test(rounds, parts_of_large_batches_take_image_after_image) {
  const char *text = "b c h w, c o kh kw -> b o (2*h+kh) (2*w+kw)";
  compare(text, 4, 1, NULL);
  compare(text, 3, 1, &(es_options){.has_scale = true, .alpha = 2, .beta = 3});
  compare("b c h w, c o kh kw -> b o (3*h+kh) (3*w+kw)", 2, 1, NULL); /* gaps are filled before */
  compare(text, 4, 1, &(es_options){.constant = (bool[]){true, true}});
}

Test(rounds, a_single_part_is_not_cut) {
  compare("b c h w, c o kh kw -> b o (h+kh) (w+kw)", 3, 0, NULL);
}
