/* What layers refuse: the status, and what the error says of it. */
#include <string.h>

#include "support/check.h"

static void refused(es_ctx *es, const es_tensor *y, es_status status, const char *says,
                    const char *call) {
  cr_assert_null(y, "%s gave a result", call);
  cr_assert(strstr(es_error_text(es), says), "%s: %s", call, es_error_text(es));
  cr_assert_eq(es_ctx_error(es)->status, status, "%s: %s", call, es_error_text(es));
  es_clear_error(es);
}
#define REFUSED(call, status, says) refused(es, call, status, says, #call)
#define ZEROS(...) es_zeros(es, ES_F32, ES_SHAPE(__VA_ARGS__))
#define WINDOW(...) (&(es_window){__VA_ARGS__})

Test(refused, convolutions) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = ZEROS(1, 4, 5, 5), *w = ZEROS(6, 2, 3, 3), *flat = ZEROS(4);
  REFUSED(es_conv2d(es, flat, w, NULL, NULL), ES_E_RANK, "input needs at least 3 axes, found 1");
  REFUSED(es_conv2d(es, x, flat, NULL, NULL), ES_E_RANK, "weight needs at least 4 axes, found 1");
  REFUSED(es_conv2d(es, x, w, NULL, WINDOW(.groups = -1)), ES_E_VALUE, "at least 1, found -1");
  /* two channels times so many groups is no int64 */
  REFUSED(es_conv2d(es, x, w, NULL, WINDOW(.groups = INT64_MAX)), ES_E_EXTENT,
          "the input has 4, groups is 9223372036854775807 and the weight has 2");
  REFUSED(es_conv2d(es, x, ZEROS(5, 2, 3, 3), NULL, WINDOW(.groups = 2)), ES_E_EXTENT,
          "5 output channels are not a multiple of groups = 2");
  REFUSED(es_conv2d(es, x, w, flat, WINDOW(.groups = 2)), ES_E_EXTENT,
          "the bias must have one axis of 6");
  REFUSED(es_conv2d(es, x, w, w, WINDOW(.groups = 2)), ES_E_EXTENT, "it has 4 axes of 108");
  int64_t far = (INT64_C(1) << 31) + 1;
  REFUSED(es_conv2d(es, x, w, NULL, WINDOW(.groups = 2, .stride = {far})), ES_E_VALUE,
          "stride 2147483649");
  REFUSED(es_conv2d(es, x, w, NULL, WINDOW(.groups = 2, .dilation = {1, far})), ES_E_VALUE,
          "spatial axis 1 needs");
  REFUSED(es_conv2d(es, x, w, NULL, WINDOW(.groups = 2, .padding = {-1})), ES_E_VALUE,
          "padding (-1, -1)");
  REFUSED(es_conv2d(es, ZEROS(0, 2, INT64_C(1) << 61, 1), w, NULL, NULL), ES_E_OVERFLOW,
          "spatial axis 0 is longer than an int64 holds");
  es_ctx_destroy(es);
}

Test(refused, transposed_convolutions) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = ZEROS(1, 4, 5, 5), *w = ZEROS(4, 2, 3, 3), *flat = ZEROS(4);
  REFUSED(es_conv_transpose2d(es, flat, w, NULL, NULL), ES_E_RANK, "input needs at least 3 axes");
  REFUSED(es_conv_transpose2d(es, x, flat, NULL, NULL), ES_E_RANK, "weight needs at least 4 axes");
  REFUSED(es_conv_transpose2d(es, x, ZEROS(3, 2, 3, 3), NULL, NULL), ES_E_EXTENT,
          "each of the 4 input channels");
  REFUSED(es_conv_transpose2d(es, x, w, NULL, WINDOW(.groups = 3)), ES_E_EXTENT,
          "multiple of groups = 3");
  REFUSED(es_conv_transpose2d(es, x, w, NULL, WINDOW(.groups = -1)), ES_E_EXTENT,
          "multiple of groups = -1");
  REFUSED(es_conv_transpose2d(es, x, w, NULL, WINDOW(.mode = ES_PAD_SAME)), ES_E_VALUE,
          "padding must be numbers");
  REFUSED(es_conv_transpose2d(es, x, w, NULL, WINDOW(.output_padding = {0, 2}, .stride = {2})),
          ES_E_VALUE, "on spatial axis 1 it is 2 with stride 2 and dilation 1");
  REFUSED(es_conv_transpose2d(es, x, w, NULL, WINDOW(.output_padding = {-1})), ES_E_VALUE, "is -1");
  REFUSED(es_conv_transpose2d(es, x, w, NULL, WINDOW(.padding = {4})), ES_E_EXTENT,
          "would have -1 elements");
  REFUSED(es_conv_transpose2d(es, ZEROS(1, 4, 5, 0), w, NULL, NULL), ES_E_EXTENT,
          "spatial axis 1 would have 0 elements");
  REFUSED(es_conv_transpose2d(es, ZEROS(0, 4, INT64_C(1) << 32, 1), w, NULL, NULL), ES_E_OVERFLOW,
          "of 4294967296 is too long");
  REFUSED(es_conv2d_weight(es, flat, (int64_t[]){3, 3}, x, NULL), ES_E_RANK, "input needs");
  REFUSED(es_conv2d_weight(es, x, (int64_t[]){3, 3}, flat, NULL), ES_E_RANK, "grad_output needs");
  REFUSED(es_conv2d_weight(es, x, (int64_t[]){0, 3}, x, NULL), ES_E_VALUE, "kernel 0");
  REFUSED(es_conv2d_input(es, es_shape(x), flat, x, NULL), ES_E_RANK, "weight needs");
  REFUSED(es_conv2d_input(es, es_shape(x), w, flat, NULL), ES_E_RANK, "grad_output needs");
  REFUSED(es_conv2d_input(es, (int64_t[]){1, 4, 2, 2}, w, x, NULL), ES_E_EXTENT,
          "longer than the padded input of 2");
  es_ctx_destroy(es);
}

Test(refused, factorised_convolutions_and_blocks) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = ZEROS(1, 4, 5, 5), *v1 = ZEROS(4), *v2 = ZEROS(4, 4), *v3 = ZEROS(4, 3, 3);
  REFUSED(es_depthwise_separable_conv2d(es, x, v1, v2, NULL), ES_E_RANK,
          "depthwise needs 3 axes, found 1");
  REFUSED(es_depthwise_separable_conv2d(es, x, v3, v1, NULL), ES_E_RANK, "pointwise needs 2 axes");
  REFUSED(es_depthwise_separable_conv2d(es, v1, v3, v2, NULL), ES_E_RANK, "input needs at least 3");
  REFUSED(es_depthwise_separable_conv2d(es, x, v3, v2, WINDOW(.dilation = {9})), ES_E_EXTENT,
          "longer than the padded input");
  REFUSED(es_spatially_separable_conv2d(es, x, v1, v3, NULL), ES_E_RANK, "vertical needs 3 axes");
  REFUSED(es_spatially_separable_conv2d(es, x, v3, v1, NULL), ES_E_RANK, "horizontal needs 3 axes");
  REFUSED(es_flattened_conv2d(es, x, v1, v2, v2, NULL), ES_E_RANK, "lateral needs 2 axes");
  REFUSED(es_flattened_conv2d(es, x, v2, v1, v2, NULL), ES_E_RANK, "vertical needs 2 axes");
  REFUSED(es_flattened_conv2d(es, x, v2, v2, v1, NULL), ES_E_RANK, "horizontal needs 2 axes");
  REFUSED(es_patch_embed(es, v1, x, NULL), ES_E_RANK, "input needs at least 3");
  REFUSED(es_patch_embed(es, x, v1, NULL), ES_E_RANK, "weight needs at least 4");
  REFUSED(es_patch_embed(es, x, ZEROS(4, 4, 0, 2), v1), ES_E_EXTENT, "patches of 0 x 2");
  REFUSED(es_unfold(es, v1, (int64_t[]){2, 2}, NULL), ES_E_RANK, "input needs at least 3");
  REFUSED(es_unfold(es, x, (int64_t[]){6, 2}, NULL), ES_E_EXTENT, "the window of 6");
  REFUSED(es_fold(es, v1, (int64_t[]){4, 4}, (int64_t[]){2, 2}, NULL), ES_E_RANK, "at least 2");
  REFUSED(es_fold(es, v2, (int64_t[]){1, 4}, (int64_t[]){2, 2}, NULL), ES_E_EXTENT, "window of 2");
  REFUSED(es_fold(es, v2, (int64_t[]){4, 4}, (int64_t[]){2, 2}, NULL), ES_E_EXTENT,
          "channels * 2 * 2 (kernel) and 3 * 3 (windows in an image of 4 x 4); they are 4 and 4");
  REFUSED(es_fold(es, ZEROS(3, 9), (int64_t[]){4, 4}, (int64_t[]){2, 2}, NULL), ES_E_EXTENT,
          "they are 3 and 9");
  /* windows whose number is no int64 */
  REFUSED(es_fold(es, v2, (int64_t[]){INT64_MAX / 4, INT64_MAX / 4}, (int64_t[]){2, 2}, NULL),
          ES_E_EXTENT, "2305843009213693950 * 2305843009213693950");
  int64_t ones[ES_MAX_RANK];
  for (int i = 0; i < ES_MAX_RANK; i++) ones[i] = 1;
  REFUSED(es_fold(es, es_zeros(es, ES_F32, ES_MAX_RANK, ones), (int64_t[]){1, 1}, (int64_t[]){1, 1},
                  NULL),
          ES_E_LIMIT, "would have 65 axes");
  es_ctx_destroy(es);
}

Test(refused, norms) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = ZEROS(2, 4, 3), *one = ZEROS(4), *two = ZEROS(2),
            *z = es_zeros(es, ES_C64, ES_SHAPE(2, 4));
  REFUSED(es_layer_norm(es, x, 0, NULL, NULL, 1), ES_E_RANK, "over 1 to 3 last axes, 0 were");
  REFUSED(es_layer_norm(es, x, 4, NULL, NULL, 1), ES_E_RANK, "4 were asked for");
  REFUSED(es_rms_norm(es, x, 0, NULL, 1), ES_E_RANK, "rms_norm: normalises over 1 to 3");
  REFUSED(es_layer_norm(es, z, 1, NULL, NULL, 1), ES_E_DTYPE, "layer_norm has no rule for c64");
  REFUSED(es_group_norm(es, one, 1, NULL, NULL, 1), ES_E_RANK, "input needs at least 2 axes");
  REFUSED(es_group_norm(es, x, 0, NULL, NULL, 1), ES_E_EXTENT, "multiple of num_groups = 0");
  REFUSED(es_group_norm(es, x, 2, two, NULL, 1), ES_E_EXTENT, "weight must hold one number");
  REFUSED(es_group_norm(es, x, 2, NULL, x, 1), ES_E_EXTENT, "bias must hold one number");
  REFUSED(es_batch_norm(es, one, one, one, NULL, NULL, 1), ES_E_RANK, "at least 2 axes");
  REFUSED(es_batch_norm(es, z, one, one, NULL, NULL, 1), ES_E_DTYPE, "no rule for c64");
  REFUSED(es_batch_norm(es, x, two, one, NULL, NULL, 1), ES_E_EXTENT, "running_mean must hold");
  REFUSED(es_batch_norm(es, x, one, two, NULL, NULL, 1), ES_E_EXTENT, "running_var must hold");
  REFUSED(es_batch_norm(es, x, one, one, two, NULL, 1), ES_E_EXTENT, "weight must hold");
  REFUSED(es_batch_norm(es, x, one, one, NULL, two, 1), ES_E_EXTENT,
          "bias must hold one number for each of the 4 channels");
  es_ctx_destroy(es);
}

Test(refused, pads) {
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = ZEROS(2, 3), *long_one = ZEROS(0, INT64_MAX - 1);
  REFUSED(es_pad(es, x, (int64_t[]){1, 1}, 2, "mirror", 0), ES_E_VALUE, "found 'mirror'");
  REFUSED(es_pad(es, x, (int64_t[]){1, 1, 1}, 3, "constant", 0), ES_E_VALUE, "found 3 numbers");
  REFUSED(es_pad(es, x, (int64_t[]){1, 1, 1, 1, 1, 1}, 6, "constant", 0), ES_E_VALUE,
          "at most 2 axes");
  REFUSED(es_pad(es, x, (int64_t[]){INT64_MAX / 2, 1}, 2, "constant", 0), ES_E_OVERFLOW,
          "is more than any tensor holds");
  REFUSED(es_pad(es, x, (int64_t[]){1, INT64_MIN}, 2, "constant", 0), ES_E_OVERFLOW,
          "is more than any tensor holds");
  REFUSED(es_pad(es, x, (int64_t[]){-2, -2}, 2, "constant", 0), ES_E_EXTENT,
          "axis 1 of 3 elements cannot lose 2 and 2");
  REFUSED(es_pad(es, x, (int64_t[]){-4, 2}, 2, "constant", 0), ES_E_EXTENT, "cannot lose 4 and 0");
  static const char *const modes[] = {"constant", "replicate", "reflect", "circular"};
  for (int i = 0; i < 4; i++) {
    REFUSED(es_pad(es, long_one, (int64_t[]){2, 0}, 2, modes[i], 0), ES_E_OVERFLOW,
            "axis 1 would be longer than an int64 holds");
    REFUSED(es_pad(es, long_one, (int64_t[]){1, 1}, 2, modes[i], 0), ES_E_OVERFLOW,
            "axis 1 would be longer than an int64 holds");
  }
  es_ctx_destroy(es);
}

/* Arguments by name, of other types than the table's. */
Test(refused, arguments_of_other_types) {
  static const struct {
    const char *layer, *says;
    int at;
  } rows[] = {
      {"conv2d", "'input' (a tensor) is missing", 0},
      {"max_pool2d", "'kernel_size' must be an integer or a tuple of them", 1},
      {"conv2d", "'padding' must be an integer, a tuple, pairs (low, high), 'same' or 'valid'", 4},
      {"pixel_shuffle", "'upscale_factor' must be an integer", 1},
      {"max_pool2d", "'ceil_mode' must be True or False", -1},
      {"layer_norm", "'eps' must be a number", 4},
      {"gelu", "'approximate' must be a string", 1},
  };
  es_ctx *es = es_ctx_create(NULL);
  es_tensor *x = ZEROS(1, 4, 4, 4);
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    const es_op *op = es_op_find(rows[r].layer);
    es_value args[16] = {{0}};
    int64_t two = 2;
    int at = rows[r].at < 0 ? op->n_params - 1 : rows[r].at;
    for (int p = 0; p < op->n_params; p++) {
      if (p == at) continue;
      if (op->params[p].type == ES_PARAM_TENSOR)
        args[p] = (es_value){.type = ES_PARAM_TENSOR, .tensor = x};
      if (op->params[p].type == ES_PARAM_INTS)
        args[p] = (es_value){.type = ES_PARAM_INTS, .n = 1, .ints = &two};
    }
    if (at) args[at] = (es_value){.type = ES_PARAM_TENSOR, .tensor = x};
    refused(es, es_op_call(es, op, args), ES_E_VALUE, rows[r].says, rows[r].layer);
  }
  es_value gelu[] = {{.type = ES_PARAM_TENSOR, .tensor = x},
                     {.type = ES_PARAM_TEXT, .text = "erf"}};
  REFUSED(es_op_call(es, es_op_find("gelu"), gelu), ES_E_VALUE, "found 'erf'");
  es_ctx_destroy(es);
}
