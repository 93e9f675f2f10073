/* Seed 000, a JAX notebook on the offsets of grouped deformable filters: arange,
 * reshape, flatten, tile, transpose and sum, all int32. */
#include "support/check.h"

static es_tensor *grid(es_ctx *es) { return es_ramp(es, ES_I32, ES_SHAPE(10, 2)); }

Test(seeds, seed_000_arange_reshape) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *d = es_reshape(es, es_arange(es, ES_I32, 0, 20, 1), ES_SHAPE(10, 2));
  CHECK_EQUAL(es, d, (10, 2), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
  cr_assert_eq(es_dtype_of(d), ES_I32);
  es_ctx_destroy(es);
}

Test(seeds, seed_000_flatten_rows_first) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *d = grid(es), *ramp = es_ramp(es, ES_I32, ES_SHAPE(20));
  CHECK_SAME(es, es_flatten(es, d, 0, -1), ramp);
  CHECK_SAME(es, es_reshape(es, d, ES_SHAPE(20)), ramp);
  CHECK_SAME(es, es_rearrange(es, "c g -> (c g)", d, NULL), ramp);
  es_ctx_destroy(es);
}

/* tile is a repeat; (f g) gives offset_1, offset_2, offset_1, offset_2. */
Test(seeds, seed_000_tile) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *d = grid(es);
  es_tensor *tiled = es_repeat(es, "c g -> c (f g)", d, ES_SIZES({"f", 2}));
  CHECK_EQUAL(es, tiled, (10, 4), 0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10,
              11, 10, 11, 12, 13, 12, 13, 14, 15, 14, 15, 16, 17, 16, 17, 18, 19, 18, 19);
  es_tensor *repeated = es_repeat(es, "c g -> c (g f)", d, ES_SIZES({"f", 2}));
  es_tensor *row = es_slice(es, repeated, 0, 0, 1, 1);
  CHECK_EQUAL(es, row, (1, 4), 0, 0, 1, 1);
  es_ctx_destroy(es);
}

static es_tensor *flat_d(es_ctx *es) {
  es_tensor *tiled = es_repeat(es, "c g -> c (f g)", grid(es), ES_SIZES({"f", 2}));
  return es_reshape(es, tiled, ES_SHAPE(-1));
}

Test(seeds, seed_000_flat_d) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *flat = flat_d(es);
  CHECK_EQUAL(es, flat, (40), 0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10, 11,
              10, 11, 12, 13, 12, 13, 14, 15, 14, 15, 16, 17, 16, 17, 18, 19, 18, 19);
  cr_assert_eq(es_shape(flat)[0], 40);
  es_ctx_destroy(es);
}

Test(seeds, seed_000_transpose_negative_axes) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *final = es_reshape(es, flat_d(es), ES_SHAPE(10, 4));
  CHECK_EQUAL(es, es_permute(es, final, (int[]){-1, -2}), (4, 10), 0, 2, 4, 6, 8, 10, 12, 14, 16,
              18, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 1, 3, 5, 7,
              9, 11, 13, 15, 17, 19);
  es_ctx_destroy(es);
}

/* The printed Out[43] comes from an earlier `final` of three axes; this is the one
 * that gives it: (2, 2, 10), as transpose((0, 2, 1)) shows. */
Test(seeds, seed_000_printed_out_43) {
  es_ctx *es = es_ctx_create(NULL);
  const double printed[] = {0,  4,  1,  5,  0,  6,  1,  7,  2,  6,  3,  7,  2,  8,
                            3,  9,  4,  8,  5,  9,  10, 14, 11, 15, 10, 16, 11, 17,
                            12, 16, 13, 17, 12, 18, 13, 19, 14, 18, 15, 19};
  es_tensor *final = es_reshape(es, flat_d(es), ES_SHAPE(2, 2, 10));
  es_tensor *moved = es_permute(es, final, (int[]){0, 2, 1});
  es_tensor *y = es_reshape(es, moved, ES_SHAPE(4, 10));
  check_equal(es, y, 2, (const int64_t[]){4, 10}, printed, __FILE__, __LINE__);
  es_ctx_destroy(es);
}

/* The printed sums (21, 69, 121, 169) are those of the rows of flat_d as (4, 10). */
Test(seeds, seed_000_sum_over_last_axis) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *rows = es_reshape(es, flat_d(es), ES_SHAPE(4, 10));
  es_tensor *sum = es_reduce_axes(es, ES_REDUCE_SUM, rows, (int[]){-1}, 1, false);
  CHECK_EQUAL(es, sum, (4), 21, 69, 121, 169);
  CHECK_EQUAL(es, es_einsum(es, "n c -> n", ES_IN(rows), NULL), (4), 21, 69, 121, 169);
  es_ctx_destroy(es);
}
