/* Seed 004: convolutions as einsum. The document reshapes (w, h) to (w//k, h//l, k, l),
 * which takes elements in row-major order and is no window extraction. Every case
 * runs as written, and as meant: the axis split (W k). */
#include <stdlib.h>

#include "support/check.h"

enum { B = 2, W = 6, H = 4, C = 4, K = 3, L = 2, O = 5 };

static es_tensor *input(es_ctx *es) { return es_ramp(es, ES_I64, ES_SHAPE(B, W, H, C)); }

/* y = einsum(written, x.reshape(...), theta) equals flat loops over the reshaped x. */
Test(seeds, seed_004_conv1d) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_I64, ES_SHAPE(W)), *t = es_ramp(es, ES_I64, ES_SHAPE(K));
  es_tensor *written = es_einsum(es, "Wk,k->W", ES_IN(es_reshape(es, x, ES_SHAPE(W / K, K)), t),
                                 NULL);
  CHECK_EQUAL(es, written, (2), 5, 14);
  CHECK_SAME(es, es_einsum(es, "(W k), k -> W", ES_IN(x, t), NULL), written);
  CHECK_EQUAL(es, es_einsum(es, "(W+k), k -> W", ES_IN(x, t), NULL), (4), 5, 8, 11, 14);
  es_ctx_destroy(es);
}

Test(seeds, seed_004_conv2d_as_written_is_no_window) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = es_ramp(es, ES_I64, ES_SHAPE(W, H)), *t = es_ramp(es, ES_I64, ES_SHAPE(K, L));
  es_tensor *written = es_einsum(es, "WHkl,kl->WH",
                                 ES_IN(es_reshape(es, x, ES_SHAPE(W / K, H / L, K, L)), t), NULL);
  /* Six consecutive elements a cell: sum of i * (6 cell + i), i = 0..5. */
  CHECK_EQUAL(es, written, (2, 2), 55, 145, 235, 325);
  es_tensor *meant = es_einsum(es, "(W k) (H l), k l -> W H", ES_IN(x, t), NULL);
  CHECK_EQUAL(es, meant, (2, 2), 0 * 0 + 1 * 1 + 2 * 4 + 3 * 5 + 4 * 8 + 5 * 9,
              0 * 2 + 1 * 3 + 2 * 6 + 3 * 7 + 4 * 10 + 5 * 11,
              0 * 12 + 1 * 13 + 2 * 16 + 3 * 17 + 4 * 20 + 5 * 21,
              0 * 14 + 1 * 15 + 2 * 18 + 3 * 19 + 4 * 22 + 5 * 23);
  es_ctx_destroy(es);
}

/* Loops over b W H and every output and reduced label; theta is read through
 * strides (0 where it lacks the label). */
typedef struct meant_case {
  const char *text;
  int theta_rank;
  int64_t theta_shape[4];
  int64_t tk, tl, tc, to; /* theta's strides over k l c C */
  int64_t o;              /* extent of C, 1 without */
  int out_rank;
} meant_case;

static const meant_case meant_cases[] = {
    {"b (W k) (H l) c, k l c -> b W H", 3, {K, L, C}, L *C, C, 1, 0, 1, 3},
    {"b (W k) (H l) c, k l c C -> b W H C", 4, {K, L, C, O}, L *C *O, C *O, O, 1, O, 4},
};

Test(seeds, seed_004_conv2d_channels) {
  es_ctx *es = es_ctx_create(NULL);
  for (size_t i = 0; i < 2; i++) {
    const meant_case *m = &meant_cases[i];
    es_tensor *x = input(es), *t = es_ramp(es, ES_I64, m->theta_rank, m->theta_shape);
    double expected[B * (W / K) * (H / L) * O], *at = expected;
    for (int64_t b = 0; b < B; b++)
      for (int64_t w = 0; w < W / K; w++)
        for (int64_t h = 0; h < H / L; h++)
          for (int64_t o = 0; o < m->o; o++, at++) {
            *at = 0;
            for (int64_t k = 0; k < K; k++)
              for (int64_t l = 0; l < L; l++)
                for (int64_t c = 0; c < C; c++)
                  *at += (double)((((b * W + w * K + k) * H + h * L + l) * C + c) *
                                  (k * m->tk + l * m->tl + c * m->tc + o * m->to));
          }
    check_equal(es, es_einsum(es, m->text, ES_IN(x, t), NULL), m->out_rank,
                (const int64_t[]){B, W / K, H / L, O}, expected, __FILE__, __LINE__);
  }
  es_ctx_destroy(es);
}

/* As written: the string on the reshaped input, against the same string with the
 * sums spelt out as multiply and reduce. */
static void check_as_written(es_ctx *es, const char *text, es_tensor *x, es_tensor *theta,
                             const char *x_names, const char *theta_names, const int *axes,
                             int n_axes) {
  es_tensor *y = es_einsum(es, text, ES_IN(x, theta), NULL);
  es_tensor *product = es_binary(es, ES_MUL, es_rearrange(es, x_names, x, NULL),
                                 es_rearrange(es, theta_names, theta, NULL));
  CHECK_OK(es, product);
  CHECK_SAME(es, y, es_reduce_axes(es, ES_REDUCE_SUM, product, axes, n_axes, false));
}

Test(seeds, seed_004_strings_as_written) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = input(es);
  es_tensor *klc = es_reshape(es, x, ES_SHAPE(B, W / K, H / L, K, L, C));
  check_as_written(es, "bWHklc,klcC->bWHC", klc, es_ramp(es, ES_I64, ES_SHAPE(K, L, C, O)),
                   "b W H k l c -> b W H k l c 1", "k l c C -> 1 1 1 k l c C", (int[]){3, 4, 5}, 3);
  es_tensor *klm = es_reshape(es, x, ES_SHAPE(B, W / K, H / L, C / 2, K, L, 2));
  check_as_written(es, "bWHCklm,klm->bWHC", klm, es_ramp(es, ES_I64, ES_SHAPE(K, L, 2)),
                   "b W H C k l m -> b W H C k l m", "k l m -> 1 1 1 1 k l m", (int[]){4, 5, 6}, 3);
  check_as_written(es, "bwhc,c->bwh", x, es_ramp(es, ES_I64, ES_SHAPE(C)), "b w h c -> b w h c",
                   "c -> 1 1 1 c", (int[]){3}, 1);
  check_as_written(es, "bwhc,cC->bwhC", x, es_ramp(es, ES_I64, ES_SHAPE(C, O)),
                   "b w h c -> b w h c 1", "c C -> 1 1 1 c C", (int[]){3}, 1);
  es_tensor *unit = es_reshape(es, x, ES_SHAPE(B, W, H, 1, 1, C));
  check_as_written(es, "bwhklc,klc->bwh", unit, es_ramp(es, ES_I64, ES_SHAPE(1, 1, C)),
                   "b w h k l c -> b w h k l c", "k l c -> 1 1 1 k l c", (int[]){3, 4, 5}, 3);
  es_tensor *line = es_ramp(es, ES_I64, ES_SHAPE(W));
  CHECK_SAME(
      es,
      es_einsum(es, "wk,k->w",
                ES_IN(es_reshape(es, line, ES_SHAPE(W, 1)), es_full(es, ES_I64, ES_SHAPE(1), 1)),
                NULL),
      line);
  es_ctx_destroy(es);
}

Test(seeds, seed_004_kernel_over_channels) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = input(es), *t = es_ramp(es, ES_I64, ES_SHAPE(K, L, 2));
  es_tensor *y = es_einsum(es, "b (W k) (H l) (C m), k l m -> b W H C", ES_IN(x, t), NULL);
  es_tensor *split = es_rearrange(es, "b (W k) (H l) (C m) -> b W H C k l m", x,
                                  ES_SIZES({"k", K}, {"l", L}, {"m", 2}));
  CHECK_SAME(es, y, es_einsum(es, "bWHCklm,klm->bWHC", ES_IN(split, t), NULL));
  es_ctx_destroy(es);
}

Test(seeds, seed_004_spatially_separable) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = input(es), *t1 = es_ramp(es, ES_I64, ES_SHAPE(K, C, O)),
            *t2 = es_ramp(es, ES_I64, ES_SHAPE(L, C, O));
  es_tensor *inter = es_einsum(es, "b (W k) h c, k c C -> b W h c C", ES_IN(x, t1), NULL);
  es_tensor *y = es_einsum(es, "b W (H l) c C, l c C -> b W H C", ES_IN(inter, t2), NULL);
  es_tensor *full = es_einsum(es, "k c C, l c C -> k l c C", ES_IN(t1, t2), NULL);
  CHECK_SAME(es, y, es_einsum(es, "b (W k) (H l) c, k l c C -> b W H C", ES_IN(x, full), NULL));
  CHECK_SAME(es, y,
             es_einsum(es, "b (W k) (H l) c, k c C, l c C -> b W H C", ES_IN(x, t1, t2), NULL));
  /* As written, with the reshapes of the document. */
  es_tensor *r1 = es_reshape(es, x, ES_SHAPE(B, W / K, H, K, C));
  es_tensor *i1 = es_einsum(es, "bWhkc,kcC->bWhcC", ES_IN(r1, t1), NULL);
  es_tensor *r2 = es_reshape(es, i1, ES_SHAPE(B, W / K, H / L, L, C, O));
  es_tensor *y1 = es_einsum(es, "bWHlcC,lcC->bWHC", ES_IN(r2, t2), NULL);
  CHECK_OK(es, y1);
  CHECK_SAME(es, y1, es_einsum(es, "b W (H l) c C, l c C -> b W H C", ES_IN(i1, t2), NULL));
  es_ctx_destroy(es);
}

Test(seeds, seed_004_depthwise_separable) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = input(es), *t1 = es_ramp(es, ES_I64, ES_SHAPE(K, L, C)),
            *t2 = es_ramp(es, ES_I64, ES_SHAPE(C, O));
  es_tensor *inter = es_einsum(es, "b (W k) (H l) c, k l c -> b W H c", ES_IN(x, t1), NULL);
  es_tensor *y = es_einsum(es, "bWHc,cC->bWHC", ES_IN(inter, t2), NULL);
  CHECK_SAME(es, es_einsum(es, "b (W k) (H l) c, k l c, c C -> b W H C", ES_IN(x, t1, t2), NULL),
             y);
  es_tensor *r = es_reshape(es, x, ES_SHAPE(B, W / K, H / L, K, L, C));
  es_tensor *w = es_einsum(es, "bWHc,cC->bWHC",
                           ES_IN(es_einsum(es, "bWHklc,klc->bWHc", ES_IN(r, t1), NULL), t2), NULL);
  CHECK_SAME(es, w, es_einsum(es, "bWHklc,klc,cC->bWHC", ES_IN(r, t1, t2), NULL));
  /* PyTorch's layer, one string of three operands. */
  es_tensor *image = check_data(es, ES_F32, ES_SHAPE(2, 3, 6, 7), 1);
  es_tensor *dw = check_data(es, ES_F32, ES_SHAPE(3, 3, 3), 2),
            *pw = check_data(es, ES_F32, ES_SHAPE(5, 3), 3);
  es_window window = {.padding = {1}};
  es_tensor *z = es_depthwise_separable_conv2d(es, image, dw, pw, &window);
  es_tensor *kernel = es_einsum(es, "c kh kw, o c -> o c kh kw", ES_IN(dw, pw), NULL);
  CHECK_SAME(es, z, es_conv2d(es, image, kernel, NULL, &window));
  es_ctx_destroy(es);
}

/* Full-mode vertical and horizontal filters: i has h + kh - 1 rows. */
Test(seeds, seed_004_flattened) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 3, 5, 6), 1),
            *lateral = check_data(es, ES_F32, ES_SHAPE(4, 3), 2);
  es_tensor *v = check_data(es, ES_F32, ES_SHAPE(4, 3), 3),
            *h = check_data(es, ES_F32, ES_SHAPE(4, 3), 4);
  es_tensor *one = es_einsum(es, "b c h w, o c -> b o h w", ES_IN(x, lateral), NULL);
  es_tensor *two = es_einsum(es, "b o (i+kh-2)?0 w, o kh -> b o i w", ES_IN(one, v), NULL);
  es_tensor *three = es_einsum(es, "b o h (j+kw-2)?0, o kw -> b o h j", ES_IN(two, h), NULL);
  CHECK_OK(es, three);
  cr_assert(es_shape(three)[2] == 7 && es_shape(three)[3] == 8);
  es_tensor *full = es_einsum(es, "b c (i+kh-2)?0 (j+kw-2)?0, o c, o kh, o kw -> b o i j",
                              ES_IN(x, lateral, v, h), NULL);
  CHECK_SAME(es, full, three);
  CHECK_SAME(es, es_flattened_conv2d(es, x, lateral, v, h, &(es_window){.padding = {2}}), three);
  es_ctx_destroy(es);
}

Test(seeds, seed_004_grouped) {
  es_ctx *es = es_ctx_create(NULL);
  enum { G = 2, S = C / G, SO = 3 };
  es_tensor *x = input(es), *t = es_ramp(es, ES_I64, ES_SHAPE(K, L, G, S, SO));
  es_tensor *r = es_reshape(es, x, ES_SHAPE(B, W / K, H / L, K, L, G, S));
  es_tensor *written = es_reshape(es, es_einsum(es, "bWHklgs,klgsS->bWHgS", ES_IN(r, t), NULL),
                                  ES_SHAPE(B, W / K, H / L, G * SO));
  CHECK_SAME(es,
             es_einsum(es, "b W H k l (g s), k l g s S -> b W H (g S)",
                       ES_IN(es_reshape(es, x, ES_SHAPE(B, W / K, H / L, K, L, C)), t), NULL),
             written);
  es_tensor *meant = es_einsum(es, "b (W k) (H l) (g s), k l g s S -> b W H (g S)", ES_IN(x, t),
                               NULL);
  es_tensor *split = es_rearrange(es, "b (W k) (H l) (g s) -> b W H k l g s", x,
                                  ES_SIZES({"k", K}, {"l", L}, {"g", G}));
  es_tensor *y = es_reshape(es, es_einsum(es, "bWHklgs,klgsS->bWHgS", ES_IN(split, t), NULL),
                            ES_SHAPE(B, W / K, H / L, G * SO));
  CHECK_SAME(es, meant, y);
  es_ctx_destroy(es);
}

Test(seeds, seed_004_shuffled_grouped) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = check_data(es, ES_F32, ES_SHAPE(2, 6, 3, 4), 1),
            *w = check_data(es, ES_F32, ES_SHAPE(9, 2), 2);
  const es_axis_size *g = ES_SIZES({"g", 3});
  es_tensor *grouped = es_einsum(es, "b (g c) h w, (g o) c -> b (g o) h w", ES_IN(x, w), g);
  es_tensor *shuffled = es_rearrange(es, "b (g k) h w -> b (k g) h w", grouped, g);
  CHECK_SAME(es, es_einsum(es, "b (g c) h w, (g o) c -> b (o g) h w", ES_IN(x, w), g), shuffled);
  CHECK_SAME(es, es_shuffled_pointwise_group_conv(es, x, w, 3), shuffled);
  CHECK_SAME(es, es_channel_shuffle(es, es_pointwise_group_conv(es, x, w, 3), 3), shuffled);
  es_ctx_destroy(es);
}

/* Factorised kernels equal the convolution with their product. */
Test(seeds, seed_004_cp_and_tucker) {
  es_ctx *es = es_ctx_create(NULL);
  es_window window = {.padding = {1}, .stride = {2}};
  es_tensor *x = check_data(es, ES_I64, ES_SHAPE(1, 3, 7, 7), 1),
            *fo = check_data(es, ES_I64, ES_SHAPE(4, 2), 2);
  es_tensor *fc = check_data(es, ES_I64, ES_SHAPE(3, 2), 3),
            *fh = check_data(es, ES_I64, ES_SHAPE(3, 2), 4);
  es_tensor *fw = check_data(es, ES_I64, ES_SHAPE(3, 2), 5),
            *core = check_data(es, ES_I64, ES_SHAPE(2, 2, 3, 3), 6);
  es_tensor *kernel = es_einsum(es, "o r, c r, kh r, kw r -> o c kh kw", ES_IN(fo, fc, fh, fw),
                                NULL);
  CHECK_SAME(es, es_cp_conv2d(es, x, fo, fc, fh, fw, &window),
             es_conv2d(es, x, kernel, NULL, &window));
  es_tensor *tucker = es_einsum(es, "p q kh kw, o p, c q -> o c kh kw", ES_IN(core, fo, fc), NULL);
  CHECK_SAME(es, es_tucker_conv2d(es, x, core, fo, fc, &window),
             es_conv2d(es, x, tucker, NULL, &window));
  es_ctx_destroy(es);
}
