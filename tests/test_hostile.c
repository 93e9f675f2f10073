/* Callers who pass what no caller should: NULL, sizes and positions from the ends of their
 * types, values outside of enumerations. Each call is refused with words, and nothing else. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "einstride/io.h"
#include "einstride/layers.h"
#include "support/alloc.h"
#include "support/check.h"

/* The context says why, the next call works. */
static void worded(es_ctx *ctx, const char *call) {
  const es_error *e = es_ctx_error(ctx);
  cr_assert_neq(e->status, ES_OK, "no error: %s", call);
  cr_assert_neq(e->status, ES_E_INTERNAL, "%s: %s", call, e->message);
  cr_assert_gt(strlen(es_error_text(ctx)), 10, "%s", call);
  es_clear_error(ctx);
}
#define NO_TENSOR(call)                                                                            \
  do {                                                                                             \
    cr_assert_null(call, #call);                                                                   \
    worded(ctx, #call);                                                                            \
  } while (0)
#define NO(call)                                                                                   \
  do {                                                                                             \
    cr_assert_neq(call, ES_OK, #call);                                                             \
    worded(ctx, #call);                                                                            \
  } while (0)
/* Of functions that fill an es_error. */
#define REFUSED(call)                                                                              \
  do {                                                                                             \
    memset(&error, 0, sizeof error);                                                               \
    cr_assert(!(call), #call);                                                                     \
    cr_assert(error.status != ES_OK && *error.message, #call);                                     \
  } while (0)

static test_alloc heap;
static es_ctx *ctx;
static es_tensor *x;
static es_error error;
static const int64_t shape[] = {2, 3, 4}, huge[] = {INT64_MAX, INT64_MAX, 0};

static void open_context(void) {
  test_alloc_init(&heap);
  ctx = es_ctx_create(
      &(es_config){.allocator = test_alloc_hooks(&heap), .threads = 1, .max_bytes = 1 << 28});
  x = es_ramp(ctx, ES_F32, 2, shape);
}
static void close_context(void) {
  es_ctx_destroy(ctx);
  cr_assert_eq(heap.blocks, 0);
}
TestSuite(hostile, .init = open_context, .fini = close_context);

Test(hostile, without_a_context) {
  cr_assert_eq(es_error_render(NULL, "a", 1, NULL, 0), 0);
  cr_assert_eq(es_dtype_from_name(NULL), ES_DTYPE_AUTO);
  cr_assert_eq(es_formula_ratio(NULL, "a", NULL, 0), 0);
  cr_assert_eq(es_formula_ratio("a", NULL, NULL, 0), 0);
  cr_assert_eq(es_text_labels(NULL, 0, ES_KIND_EINSUM, ES_READ_AUTO, NULL, 0), 0);
  cr_assert_eq(es_text_labels("a b", 3, (es_kind)99, (es_reading)99, NULL, -5), 2);
  cr_assert_null(es_strategy_name(-1));
  cr_assert_null(es_strategy_name(1 << 30));
  char small[8];
  const es_error places[] = {
      {.message = "x", .offset = 5, .length = INT64_MAX},
      {.message = "x", .offset = 1, .length = -1, .offset2 = INT64_MAX, .length2 = INT64_MAX},
      {.message = "x", .offset = 0, .length = 1, .offset2 = INT64_MIN, .length2 = 1},
      {.message = "x", .offset = INT64_MIN, .length = INT64_MIN}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    cr_assert_lt(es_error_render(&places[i], "abc", 3, small, sizeof small), 40);
}

Test(hostile, a_plan_or_an_expression_that_is_null) {
  char text[8];
  double bytes = 1;
  cr_assert_eq(es_plan_dtype(NULL), ES_DTYPE_AUTO);
  cr_assert_eq(es_plan_rank(NULL), 0);
  cr_assert_null(es_plan_shape(NULL));
  cr_assert_eq(es_plan_outputs(NULL), 0);
  cr_assert_null(es_plan_output(NULL, 0).shape);
  cr_assert_eq(es_plan_workspace(NULL), 0);
  cr_assert(es_plan_flops(NULL) == 0 && es_plan_bytes(NULL) == 0);
  cr_assert_eq(es_plan_steps(NULL), 0);
#define EMPTY(call)                                                                                \
  do {                                                                                             \
    memset(text, 'x', sizeof text);                                                                \
    cr_assert(call == 0 && !*text, #call);                                                         \
  } while (0)
  EMPTY(es_plan_formula(NULL, text, sizeof text));
  EMPTY(es_plan_bytes_formula(NULL, text, sizeof text));
  EMPTY(es_plan_largest(NULL, &bytes, text, sizeof text));
  cr_assert_eq(bytes, 0);
  EMPTY(es_plan_peak(NULL, &bytes, text, sizeof text));
  EMPTY(es_plan_print(NULL, text, sizeof text));
  for (int format = ES_EXPLAIN_TEXT; format <= ES_EXPLAIN_SVG; format++)
    EMPTY(es_plan_explain(NULL, (es_explain_format)format, NULL, text, sizeof text));
  EMPTY(es_expr_print(NULL, text, sizeof text));
  cr_assert_eq(es_expr_inputs(NULL), 0);
  cr_assert_eq(es_expr_outputs(NULL), 0);
  cr_assert_null(es_expr_input(NULL, 0));
  cr_assert_null(es_expr_output(NULL, 0));
}

Test(hostile, files) {
  const char *names[1] = {NULL};
  es_tensor *none = NULL, *out[1];
  NO_TENSOR(es_load(ctx, NULL));
  NO(es_save(ctx, NULL, x));
  NO(es_save(ctx, "a.npy", NULL));
  NO_TENSOR(es_npy_read(ctx, NULL, 5));
  cr_assert_eq(es_npy_write(ctx, x, NULL, 5), 0);
  worded(ctx, "es_npy_write");
  NO(es_save_npz(ctx, NULL, names, &x, 1, false));
  NO(es_save_npz(ctx, "a.npz", NULL, &x, 1, false));
  NO(es_save_npz(ctx, "a.npz", names, &x, 1, false));
  NO(es_save_npz(ctx, "a.npz", names, NULL, 1, false));
  NO(es_save_npz(ctx, "a.npz", names, &none, 1, false));
  NO(es_save_npz(ctx, "a.npz", names, &x, -1, false));
  cr_assert_eq(es_load_npz(ctx, NULL, names, out, 1), -1);
  worded(ctx, "es_load_npz");
  cr_assert_eq(es_load_npz(ctx, "a.npz", NULL, out, 1), -1);
  worded(ctx, "es_load_npz");
  cr_assert_eq(es_load_npz(ctx, "a.npz", names, NULL, 1), -1);
  worded(ctx, "es_load_npz");
  cr_assert_eq(es_load_npz(NULL, "a.npz", NULL, NULL, 1), -1);
  cr_assert_eq(es_load_npz(ctx, "/nowhere/a.npz", NULL, NULL, 0),
               -1); /* counts, and fills nothing */
  worded(ctx, "es_load_npz");
  NO(es_save_npz(ctx, "/nowhere/a.npz", NULL, NULL, 0, false));
}

Test(hostile, layers) {
  es_tensor *image = es_ramp(ctx, ES_F32, 4, (const int64_t[]){1, 2, 5, 5});
  es_tensor *weight = es_ramp(ctx, ES_F32, 4, (const int64_t[]){2, 2, 3, 3});
  const int64_t kernel[2] = {3, 3}, negative[4] = {1, 2, INT64_MIN, 5}, low[1] = {1};
  NO_TENSOR(es_max_pool2d(ctx, image, NULL, NULL));
  NO_TENSOR(es_avg_pool2d(ctx, image, NULL, &(es_window){.stride = {1}}));
  NO_TENSOR(es_unfold(ctx, image, NULL, NULL));
  NO_TENSOR(es_fold(ctx, es_ramp(ctx, ES_F32, 3, (const int64_t[]){1, 9, 9}), NULL, kernel, NULL));
  NO_TENSOR(es_fold(ctx, es_ramp(ctx, ES_F32, 3, (const int64_t[]){1, 9, 9}), negative + 2, kernel,
                    NULL));
  NO_TENSOR(es_conv2d_weight(ctx, image, NULL, image, NULL));
  NO_TENSOR(es_conv2d_input(ctx, NULL, weight, image, NULL));
  NO_TENSOR(es_conv2d_input(ctx, negative, weight, image, NULL));
  NO_TENSOR(es_pad(ctx, x, low, 2, NULL, 0));
  NO_TENSOR(es_pad(ctx, x, NULL, 2, "constant", 0));
  NO_TENSOR(es_pad(ctx, x, low, -2, "constant", 0));
  CHECK_OK(ctx, es_pad(ctx, x, NULL, 0, "constant", 0));
  cr_assert_null(es_sigmoid(NULL, x));
  cr_assert_null(es_gelu(NULL, x, false));
  NO_TENSOR(es_silu(ctx, NULL));
  CHECK_OK(ctx, es_eye(ctx, ES_F32, 0, INT64_MAX));
}

/* Every layer of the table with arguments that are missing, NULL or beyond all sizes. */
Test(hostile, layers_of_the_table) {
  enum { PARAMS = 16 };
  static const int64_t wild[] = {INT64_MIN, -1, 0, 1, (int64_t)1 << 40, INT64_MAX};
  cr_assert_null(es_op_find(NULL));
  NO_TENSOR(es_op_call(ctx, NULL, NULL));
  NO_TENSOR(es_op_call(ctx, es_op_at(0), NULL));
  cr_assert_null(es_op_call(NULL, es_op_at(0), NULL));
  es_tensor *image = es_ramp(ctx, ES_F32, 4, (const int64_t[]){1, 2, 3, 3});
  for (int index = 0; index < es_op_count(); index++)
    for (int turn = 0; turn < 64; turn++) {
      es_value value[PARAMS];
      const es_op *op = es_op_at(index);
      cr_assert_leq(op->n_params, PARAMS);
      for (int i = 0; i < op->n_params; i++) {
        int64_t w = wild[(turn + i) % 6];
        bool given = turn % 3 || !op->params[i].otherwise;
        value[i] = (es_value){.type = given ? op->params[i].type : ES_PARAM_NONE,
                              .tensor = turn % 16 == i ? NULL : image,
                              .i = w,
                              .f = (double)w,
                              .text = turn % 2 ? "constant" : NULL,
                              .n = turn % 4 ? 1 + turn % 6 : -turn,
                              .ints = turn % 5 ? wild : NULL,
                              .high = turn % 7 ? NULL : wild};
      }
      es_scope_push(ctx);
      if (!es_op_call(ctx, op, value)) worded(ctx, op->name);
      es_scope_pop(ctx);
    }
}

Test(hostile, making) {
  NO_TENSOR(es_empty(ctx, ES_F32, 2, NULL));
  NO_TENSOR(es_empty(ctx, ES_F32, -1, shape));
  NO_TENSOR(es_empty(ctx, ES_F32, ES_MAX_RANK + 1, shape));
  NO_TENSOR(es_empty(ctx, ES_DTYPE_COUNT, 1, shape));
  NO_TENSOR(es_zeros(ctx, ES_DTYPE_AUTO, 1, shape));
  NO_TENSOR(es_rand(ctx, ES_I32, 1, shape));
  NO_TENSOR(es_arange(ctx, ES_F32, 0, (double)NAN, 1));
  NO_TENSOR(es_arange(ctx, ES_F32, -(double)INFINITY, (double)INFINITY, 1));
  NO_TENSOR(es_arange(ctx, ES_F64, 0, 1, 5e-324));
  NO_TENSOR(es_arange(ctx, ES_F64, 0, 1, 0));
  NO_TENSOR(es_linspace(ctx, ES_F32, 0, 1, -5));
  NO_TENSOR(es_eye(ctx, ES_F32, -1, 3));
  NO_TENSOR(es_eye(ctx, ES_F32, INT64_MAX, INT64_MAX));
  NO_TENSOR(es_from_data(ctx, ES_F32, 1, NULL, shape));
  NO_TENSOR(es_from_data(ctx, ES_F32, 1, shape, NULL));
}

static int released;
static void release(void *user) { released += user == &released; }

Test(hostile, memory_of_the_caller_is_given_back) {
  float data[8];
#define WRAP(data, length, offset, rank, shape, strides)                                           \
  NO_TENSOR(                                                                                       \
      es_wrap(ctx, ES_F32, data, length, offset, rank, shape, strides, true, release, &released))
  WRAP(data, -1, 0, 1, shape, NULL);
  WRAP(data, 1, 5, 0, NULL, NULL);
  WRAP(NULL, 1, 0, 0, NULL, NULL);
  WRAP(data, 2, 0, 1, NULL, NULL);
  WRAP(data, 2, INT64_MIN, 1, shape, shape);
  WRAP(data, 8, 7, 1, shape, (const int64_t[]){INT64_MIN});
  WRAP(data, 8, 1, 1, shape, (const int64_t[]){-2});
  WRAP(data, INT64_MAX, 0, 1, shape, NULL);
  WRAP(data, 8, 0, 3, huge, huge);
  cr_assert_eq(released, 9, "%d of 9", released);
}

Test(hostile, views) {
  cr_assert_null(es_flatten(NULL, x, 0, 1));
  NO_TENSOR(es_permute(ctx, x, NULL));
  CHECK_OK(ctx, es_permute(ctx, es_full(ctx, ES_F32, 0, NULL, 1), NULL));
  NO_TENSOR(es_permute(ctx, NULL, NULL));
  NO_TENSOR(es_squeeze(ctx, NULL, 0));
  NO_TENSOR(es_unfold_axis(ctx, NULL, 0, 1, 1, 1));
  const int64_t many[ES_MAX_RANK + 1] = {1};
  NO_TENSOR(es_reshape(ctx, x, ES_MAX_RANK + 1, many));
  NO_TENSOR(es_broadcast_to(ctx, x, ES_MAX_RANK + 1, many));
  NO_TENSOR(es_permute(ctx, x, (const int[]){0, 0}));
  NO_TENSOR(es_permute(ctx, x, (const int[]){INT32_MIN, 5}));
  NO_TENSOR(es_transpose(ctx, x, INT32_MIN, INT32_MAX));
  NO_TENSOR(es_reshape(ctx, x, 3, NULL));
  NO_TENSOR(es_reshape(ctx, x, -3, shape));
  NO_TENSOR(es_reshape(ctx, x, 2, (const int64_t[]){-1, -1}));
  NO_TENSOR(es_reshape(ctx, x, 2, (const int64_t[]){-1, 0}));
  NO_TENSOR(es_reshape(ctx, x, 3, huge));
  NO_TENSOR(es_flatten(ctx, x, 5, -9));
  NO_TENSOR(es_slice(ctx, x, 0, ES_ALL, ES_ALL, 0));
  NO_TENSOR(es_slice(ctx, x, 9, 0, 1, 1));
  NO_TENSOR(es_select(ctx, x, 0, INT64_MIN));
  NO_TENSOR(es_select(ctx, x, 0, INT64_MAX));
  NO_TENSOR(es_unsqueeze(ctx, x, INT32_MIN));
  NO_TENSOR(es_squeeze(ctx, x, INT32_MAX));
  NO_TENSOR(es_diagonal(ctx, x, 0, 0, 0));
  NO_TENSOR(es_broadcast_to(ctx, x, 1, shape));
  NO_TENSOR(es_broadcast_to(ctx, x, 2, NULL));
  NO_TENSOR(es_broadcast_to(ctx, x, -2, shape));
  NO_TENSOR(es_unfold_axis(ctx, x, 0, INT64_MAX, INT64_MAX, INT64_MAX));
  NO_TENSOR(es_unfold_axis(ctx, x, 0, 0, 0, 0));
  NO_TENSOR(es_unfold_axis(ctx, x, 0, 2, INT64_MIN, 1));
  NO_TENSOR(es_flip(ctx, x, 99));
  NO_TENSOR(es_as_strided(ctx, x, 2, NULL, NULL, 0));
  NO_TENSOR(es_as_strided(ctx, x, 2, shape, shape, INT64_MIN));
  NO_TENSOR(es_as_strided(ctx, x, 2, (const int64_t[]){INT64_MAX, INT64_MAX},
                          (const int64_t[]){0, 0}, 0));
  cr_assert_eq(es_size(es_diagonal(ctx, x, INT64_MAX, 0, 1)), 0);
  es_clear_error(ctx);
  CHECK_OK(ctx, es_slice(ctx, x, 0, INT64_MIN + 1, INT64_MAX, INT64_MAX));
}

Test(hostile, operations) {
  es_tensor *none = NULL, *whole = es_cast(ctx, x, ES_I32);
  NO_TENSOR(es_cast(ctx, x, ES_DTYPE_AUTO));
  NO_TENSOR(es_cast(ctx, x, (es_dtype)77));
  NO(es_assign(ctx, NULL, x));
  NO(es_assign(ctx, x, NULL));
  NO_TENSOR(es_unary(ctx, (es_unary_op)-1, x));
  NO_TENSOR(es_unary(ctx, ES_UNARY_COUNT, x));
  NO_TENSOR(es_binary(ctx, (es_binary_op)-1, x, x));
  NO_TENSOR(es_binary(ctx, ES_ADD, x, NULL));
  NO_TENSOR(es_binary_scalar(ctx, (es_binary_op)500, x, 1, true, true));
  NO_TENSOR(es_binary_scalar(ctx, ES_ADD, whole, (double)NAN, true, false));
  NO_TENSOR(es_binary_scalar(ctx, ES_ADD, whole, 1e300, true, false));
  NO_TENSOR(es_where(ctx, x, NULL, x));
  NO_TENSOR(es_reduce_axes(ctx, (es_reducer)-1, x, NULL, 0, false));
  NO_TENSOR(es_reduce_axes(ctx, ES_REDUCER_COUNT, x, NULL, 0, false));
  NO_TENSOR(es_reduce_axes(ctx, ES_REDUCE_SUM, x, NULL, 5, false));
  NO_TENSOR(es_reduce_axes(ctx, ES_REDUCE_SUM, x, (const int[]){0}, -5, false));
  NO_TENSOR(es_reduce_axes(ctx, ES_REDUCE_SUM, x, (const int[]){0, 0}, 2, false));
  NO_TENSOR(es_argmax(ctx, x, 77, false));
  NO_TENSOR(es_argmin(ctx, NULL, 0, false));
  NO_TENSOR(es_concat(ctx, NULL, 3, 0));
  NO_TENSOR(es_concat(ctx, &x, -1, 0));
  NO_TENSOR(es_concat(ctx, &none, 1, 0));
  NO_TENSOR(es_stack(ctx, NULL, 1, 0));
  NO_TENSOR(es_stack(ctx, &x, INT64_MIN, 0));
  float out[6];
  NO(es_read(ctx, x, ES_F32, NULL, 6));
  NO(es_read(ctx, x, ES_F32, out, 5));
  NO(es_read(ctx, x, (es_dtype)60, out, 6));
  NO(es_read(ctx, NULL, ES_F32, out, 6));
}

Test(hostile, notation) {
  es_tensor *none = NULL, *out[3];
  int64_t shapes[2 * ES_MAX_RANK];
  int ranks[2] = {1, -7};
  NO_TENSOR(es_einsum(ctx, NULL, &x, 1, NULL));
  NO_TENSOR(es_einsum(ctx, "i j -> j", NULL, 1, NULL));
  NO_TENSOR(es_einsum(ctx, "i j -> j", &x, -1, NULL));
  NO_TENSOR(es_einsum(ctx, "i j -> j", &none, 1, NULL));
  NO_TENSOR(es_einsum(ctx, "i j -> j", &x, INT64_MAX, NULL));
  cr_assert_null(es_einsum(ctx, "i j -> j", &x, 10, NULL)); /* none of them is looked at */
  cr_assert(strstr(es_error_text(ctx), "10 operands were given, more than a text of 8 bytes"), "%s",
            es_error_text(ctx));
  es_clear_error(ctx);
  NO_TENSOR(es_einsum(ctx, "i j -> j", &x, 1, (const es_axis_size[]){{"i", -5}, {NULL, 0}}));
  NO_TENSOR(es_einsum(ctx, "i j -> j", &x, 1, (const es_axis_size[]){{"\xff", 5}, {NULL, 0}}));
  const es_options options[] = {{.reducer = (es_reducer)99},
                                {.reducer = (es_reducer)-4},
                                {.out_rank = 99, .out_shape = shape},
                                {.out_rank = -9, .out_shape = shape},
                                {.has_out_dtype = true, .out_dtype = (es_dtype)88},
                                {.strategy = "nope"}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    NO_TENSOR(es_einsum_into(ctx, "i j -> j", &x, 1, &options[i], NULL));
  NO_TENSOR(es_einsum_into(ctx, "i (a ^ b) -> i a, i b", &x, 1, NULL,
                           es_zeros(ctx, ES_F32, 2, (const int64_t[]){2, 1})));
  NO_TENSOR(es_rearrange(ctx, NULL, x, NULL));
  NO_TENSOR(es_rearrange(ctx, "i j -> j i", NULL, NULL));
  NO_TENSOR(es_reduce(ctx, "i j -> i", ES_REDUCE_NONE, x, NULL));
  NO(es_split(ctx, "i (a ^ b) -> i a, i b", &x, 1, NULL, NULL, 2));
  NO(es_split(ctx, "i (a ^ b) -> i a, i b", &x, 1, NULL, out, 3));
  NO(es_split(ctx, "i (a ^ b) -> i a, i b", &x, 1, NULL, out, -1));
  NO_TENSOR(es_pack(ctx, "i *", &x, 1, NULL, ranks));
  NO_TENSOR(es_pack(ctx, "i *", &none, 1, shapes, ranks));
  NO_TENSOR(es_pack(ctx, "i *", NULL, 1, shapes, ranks));
  memset(shapes, 0x80, sizeof shapes);
  NO(es_unpack(ctx, "i *", x, shapes, ranks, 1, out));
  NO(es_unpack(ctx, "i *", x, shapes, ranks + 1, 1, out));
  NO(es_unpack(ctx, "i *", x, NULL, ranks, 1, out));
  NO(es_unpack(ctx, "i *", x, shapes, ranks, -2, out));
  cr_assert_lt(es_parse_shape(ctx, NULL, x, NULL, NULL, 0), 0);
  worded(ctx, "es_parse_shape");
  NO(es_program(ctx, NULL, NULL, &x, 1, NULL, out, 1));
  NO(es_program(ctx, "y = x", NULL, NULL, 1, NULL, out, 1));
  NO(es_program(ctx, "y = x", NULL, &x, -1, NULL, out, 1));
  NO(es_program(ctx, "y = x", NULL, &x, 1, NULL, NULL, 1));
  NO(es_program(ctx, "y = x", NULL, &x, 1, NULL, out, 3));
  NO(es_program(ctx, "y = x", (const char *const[]){NULL}, &x, 1, NULL, out, 1));
  NO(es_program(ctx, "y = x", NULL, &none, 1, NULL, out, 1));
}

static es_array described(const int64_t *extents, const int64_t *strides, void *data) {
  return (es_array){data, ES_F32, 2, extents, strides};
}

Test(hostile, planning) {
  const int64_t right[] = {3, 5}, result[] = {2, 5}, negative[] = {-1, 3};
  REFUSED(es_expr_parse(NULL, ES_KIND_EINSUM, "i", 1, ES_READ_AUTO, &error));
  REFUSED(es_expr_parse(ctx, ES_KIND_EINSUM, NULL, 1, ES_READ_AUTO, &error));
  REFUSED(es_expr_parse(ctx, (es_kind)-1, "i", 1, ES_READ_AUTO, &error));
  REFUSED(es_expr_parse(ctx, (es_kind)44, "i", 1, ES_READ_AUTO, &error));
  REFUSED(es_expr_parse(ctx, ES_KIND_EINSUM, "i", SIZE_MAX, ES_READ_AUTO, &error));
  cr_assert_null(es_expr_parse(ctx, ES_KIND_EINSUM, "i ((", 4, ES_READ_AUTO, NULL));
  es_expr *e = es_expr_parse(ctx, ES_KIND_EINSUM, "i k, k j -> i j", 15, ES_READ_AUTO, &error);
  es_array in[] = {described(shape, NULL, NULL), described(right, NULL, NULL)}, bad[2], out;
  REFUSED(es_plan_make(ctx, e, NULL, 2, NULL, NULL, &error));
  REFUSED(es_plan_make(ctx, NULL, in, 2, NULL, NULL, &error));
  REFUSED(es_plan_make(NULL, e, in, 2, NULL, NULL, &error));
  REFUSED(es_plan_make(ctx, e, in, -1, NULL, NULL, &error));
  cr_assert_null(es_plan_make(ctx, e, in, 1, NULL, NULL, NULL));
#define WITH(field, value)                                                                         \
  do {                                                                                             \
    memcpy(bad, in, sizeof in);                                                                    \
    bad[0].field = value;                                                                          \
    REFUSED(es_plan_make(ctx, e, bad, 2, NULL, NULL, &error));                                     \
    cr_assert_eq(error.operand, 0, "%s", error.message);                                           \
  } while (0)
  WITH(shape, NULL);
  WITH(shape, negative);
  WITH(rank, -5);
  WITH(rank, ES_MAX_RANK + 1);
  WITH(dtype, (es_dtype)90);
  WITH(strides, ((const int64_t[]){INT64_MAX, INT64_MIN}));
#define WITH_OUT(field, value)                                                                     \
  do {                                                                                             \
    out = described(result, NULL, NULL);                                                           \
    out.field = value;                                                                             \
    REFUSED(es_plan_make(ctx, e, in, 2, &out, NULL, &error));                                      \
  } while (0)
  WITH_OUT(shape, NULL);
  WITH_OUT(shape, negative);
  WITH_OUT(rank, -4);
  WITH_OUT(dtype, (es_dtype)99);
  WITH_OUT(strides, ((const int64_t[]){0, 0}));
  WITH_OUT(strides, ((const int64_t[]){1, 1}));
  REFUSED(es_outline_make(ctx, ES_KIND_EINSUM, NULL, NULL, 0, NULL, &error));
  for (int i = 0; i < 3; i++) {
    memcpy(bad, in, sizeof in);
    if (i == 0) bad[1].shape = NULL;
    if (i == 1) bad[1].rank = -1;
    if (i == 2) bad[1].shape = negative;
    REFUSED(es_outline_make(ctx, ES_KIND_EINSUM, "i k, k j -> i j", bad, 2, NULL, &error));
    cr_assert_eq(error.operand, 1);
    cr_assert_null(es_outline_make(ctx, ES_KIND_EINSUM, "i k, k j -> i j", bad, 2, NULL, NULL));
  }
  REFUSED(es_outline_make(ctx, (es_kind)99, "i", NULL, 0, NULL, &error));
  REFUSED(es_dump(ctx, ES_KIND_EINSUM, NULL, NULL, 0, NULL, NULL, NULL, 0, &error));
  es_expr_release(e);
}

/* One field of a call that fits is wrong. */
Test(hostile, running) {
  const int64_t right[] = {3, 5}, result[] = {2, 5};
  float a[7] = {1, 2, 3, 4, 5, 6}, b[15] = {1}, c[10];
  es_expr *e = es_expr_parse(ctx, ES_KIND_EINSUM, "i k, k j -> i j", 15, ES_READ_AUTO, &error);
  es_array in[] = {described(shape, NULL, a), described(right, NULL, b)}, bad[2];
  es_array out = described(result, NULL, c), to;
  es_plan *p = es_plan_make(ctx, e, in, 2, NULL, NULL, &error);
  cr_assert(p, "%s", error.message);
  size_t bytes = es_plan_workspace(p);
  void *space = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
  cr_assert_eq(es_run(ctx, p, in, 2, &out, space, &error), ES_OK, "%s", error.message);
  REFUSED(es_run(ctx, NULL, in, 2, &out, space, &error) == ES_OK);
  REFUSED(es_run(ctx, p, NULL, 2, &out, space, &error) == ES_OK);
  REFUSED(es_run(ctx, p, in, 2, NULL, space, &error) == ES_OK);
  REFUSED(es_run(ctx, p, in, 1, &out, space, &error) == ES_OK);
  REFUSED(es_run(ctx, p, in, -1, &out, space, &error) == ES_OK);
  REFUSED(es_run_all(ctx, p, in, 2, &out, -1, space, &error) == ES_OK);
  REFUSED(es_run_all(ctx, p, in, 2, &out, 7, space, &error) == ES_OK);
  if (bytes) REFUSED(es_run(ctx, p, in, 2, &out, NULL, &error) == ES_OK);
  if (bytes) REFUSED(es_run(ctx, p, in, 2, &out, (char *)space + 1, &error) == ES_OK);
#define RUN_WITH(field, value)                                                                     \
  do {                                                                                             \
    memcpy(bad, in, sizeof in);                                                                    \
    bad[0].field = value;                                                                          \
    REFUSED(es_run(ctx, p, bad, 2, &out, space, &error) == ES_OK);                                 \
    to = out;                                                                                      \
    to.field = value;                                                                              \
    REFUSED(es_run(ctx, p, in, 2, &to, space, &error) == ES_OK);                                   \
    cr_assert_neq(es_run(NULL, p, in, 2, &to, space, NULL), ES_OK);                                \
  } while (0)
  RUN_WITH(data, NULL);
  RUN_WITH(data, (char *)a + 1);
  RUN_WITH(shape, NULL);
  RUN_WITH(shape, right);
  RUN_WITH(rank, -1);
  RUN_WITH(rank, 3);
  RUN_WITH(dtype, ES_F64);
  RUN_WITH(strides, ((const int64_t[]){-3, 1}));
  free(space);
  es_plan_release(p);
  es_expr_release(e);
}

Test(hostile, settings) {
  NO(es_set_strategy(ctx, ""));
  NO(es_set_threads(ctx, 0));
  NO(es_set_threads(ctx, INT32_MAX));
  NO(es_set_isa(ctx, (es_isa)5));
  NO(es_set_max_bytes(ctx, -1));
  cr_assert_eq(es_set_max_bytes(ctx, 1), ES_OK);
  NO_TENSOR(es_zeros(ctx, ES_F32, 1, shape));
}

/* Plans and tensors outlive their context, and serve others. */
Test(hostile, what_outlives_its_context) {
  const int64_t right[] = {3, 5}, result[] = {2, 5};
  float a[6] = {1, 2, 3, 4, 5, 6}, b[15] = {[0] = 1, [5] = 2, [10] = 3}, c[10];
  es_ctx *old = es_ctx_create(NULL), *other = es_ctx_create(NULL);
  es_expr *e = es_expr_parse(old, ES_KIND_EINSUM, "i k, k j -> i j", 15, ES_READ_AUTO, &error);
  es_array in[] = {described(shape, NULL, a), described(right, NULL, b)};
  es_array out = described(result, NULL, c);
  es_plan *p = es_plan_make(old, e, in, 2, NULL, NULL, &error);
  es_tensor *t = es_retain(es_ramp(old, ES_F32, 2, shape));
  es_ctx_destroy(old);
  size_t bytes = es_plan_workspace(p);
  void *space = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
  cr_assert_eq(es_run(other, p, in, 2, &out, space, &error), ES_OK, "%s", error.message);
  cr_assert(c[0] == 14 && c[5] == 32, "%g %g", (double)c[0], (double)c[5]);
  cr_assert_eq(es_run(NULL, p, in, 2, &out, space, NULL), ES_OK);
  es_tensor *sum = es_einsum(other, "i j ->", &t, 1, NULL);
  CHECK_OK(other, sum);
  cr_assert_eq(*(const float *)es_data(sum), 15);
  CHECK_OK(other, es_copy(other, t));
  es_plan *again = es_plan_make(other, e, in, 2, NULL, NULL, &error);
  cr_assert(again, "%s", error.message);
  es_plan_release(again);
  es_release(t);
  es_plan_release(p);
  es_expr_release(e);
  es_ctx_destroy(other);
  free(space);
}
