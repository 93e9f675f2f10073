/* Seed 003, an MXNet notebook: standard and grouped convolution, shape inference. */
#include <string.h>

#include "support/check.h"

Test(seeds, seed_003_standard_convolution_as_printed) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *data = es_ramp(es, ES_F32, ES_SHAPE(1, 3, 2, 2)),
            *weight = es_ramp(es, ES_F32, ES_SHAPE(2, 3, 1, 1));
  es_tensor *y = es_conv2d(es, data, weight, es_zeros(es, ES_F32, ES_SHAPE(2)), NULL);
  CHECK_EQUAL(es, y, (1, 2, 2, 2), 20, 23, 26, 29, 56, 68, 80, 92);
  es_ctx_destroy(es);
}

/* weight.reshape((-1, 1, 0, 0)): MXNet's 0 keeps the axis, -1 infers. */
Test(seeds, seed_003_group_convolution_as_printed) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *data = es_ramp(es, ES_F32, ES_SHAPE(1, 3, 2, 2)),
            *weight = es_ramp(es, ES_F32, ES_SHAPE(2, 3, 1, 1));
  es_tensor *weight0 = es_reshape(es, weight, ES_SHAPE(-1, 1, 1, 1));
  es_tensor *y = es_conv2d(es, data, weight0, es_zeros(es, ES_F32, ES_SHAPE(6)),
                           &(es_window){.groups = 3});
  CHECK_EQUAL(es, y, (1, 6, 2, 2), 0, 0, 0, 0, 0, 1, 2, 3, 8, 10, 12, 14, 12, 15, 18, 21, 32, 36,
              40, 44, 40, 45, 50, 55);
  es_ctx_destroy(es);
}

/* num_group 1, 2, 3, 6 on (1, 6, 256, 256) with 24 3x3 filters: planned, no data. */
Test(seeds, seed_003_shapes_without_data) {
  es_ctx *es = es_ctx_create(NULL);
  const char *text = "b (g c) (h+kh) (w+kw), (g o) c kh kw -> b (g o) h w";
  es_error error = {0};
  es_expr *expr = es_expr_parse(es, ES_KIND_EINSUM, text, strlen(text), ES_READ_AUTO, &error);
  cr_assert(expr != NULL, "%s", error.message);
  const int64_t groups[] = {1, 2, 3, 6}, weight_channels[] = {6, 3, 2, 1};
  for (int i = 0; i < 4; i++) {
    const int64_t data[] = {1, 6, 256, 256}, weight[] = {24, weight_channels[i], 3, 3};
    const es_array in[] = {{NULL, ES_F32, 4, data, NULL}, {NULL, ES_F32, 4, weight, NULL}};
    es_plan *plan = es_plan_make(es, expr, in, 2, NULL,
                                 &(es_options){.sizes = ES_SIZES({"g", groups[i]})}, &error);
    cr_assert(plan != NULL, "%s", error.message);
    const int64_t expected[] = {1, 24, 254, 254};
    cr_assert_eq(es_plan_rank(plan), 4);
    cr_assert(!memcmp(es_plan_shape(plan), expected, sizeof expected));
    es_plan_release(plan);
  }
  es_expr_release(expr);
  es_ctx_destroy(es);
}

Test(seeds, seed_003_input_channels_are_checked) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *data = es_ramp(es, ES_F32, ES_SHAPE(1, 6, 8, 8)),
            *weight = es_ramp(es, ES_F32, ES_SHAPE(24, 4, 3, 3));
  cr_assert(es_conv2d(es, data, weight, NULL, &(es_window){.groups = 2}) == NULL);
  cr_assert_eq(es_ctx_error(es)->status, ES_E_EXTENT);
  cr_assert(strstr(es_error_text(es), "has 6") && strstr(es_error_text(es), "asks for 8"), "%s",
            es_error_text(es));
  es_ctx_destroy(es);
}
