#include "base/checked.h"
#include "base/error.h"
#include "ops/calls.h"

es_tensor *es_unfold(es_ctx *ctx, const es_tensor *input, const int64_t kernel_size[2],
                     const es_window *window) {
  if (!es_ops_rank_at_least(ctx, "unfold", "input", input, 3)) return NULL;
  es_ops_axis axes[2];
  if (es_ops_window(ctx, "unfold", window, 2, es_shape(input) + es_rank(input) - 2, kernel_size,
                    axes))
    return NULL;
  es_ops_sizes sizes = {0};
  es_ops_put_window(&sizes, 2, axes);
  es_ops_put_outputs(&sizes, 2, axes);
  es_ops_put_kernels(&sizes, 2, axes);
  es_tensor *in[] = {(es_tensor *)input};
  return es_einsum(ctx, es_ops_expression(ES_OP_unfold), in, 1, sizes.item);
}

es_tensor *es_fold(es_ctx *ctx, const es_tensor *input, const int64_t output_size[2],
                   const int64_t kernel_size[2], const es_window *window) {
  if (!es_ops_rank_at_least(ctx, "fold", "input", input, 2)) return NULL;
  es_ops_axis axes[2];
  if (es_ops_window(ctx, "fold", window, 2, output_size, kernel_size, axes)) return NULL;
  int rank = es_rank(input);
  const int64_t *shape = es_shape(input);
  int64_t taps, windows;
  if (!es_mul_i64(axes[0].k, axes[1].k, &taps) || !es_mul_i64(axes[0].out, axes[1].out, &windows) ||
      shape[rank - 2] % taps || shape[rank - 1] != windows) {
    es_ops_fail(ctx, ES_E_EXTENT,
                "fold: the last two axes of the input must be channels * %lld * %lld (kernel) and "
                "%lld * %lld (windows in an image of %lld x %lld); they are %lld and %lld",
                (long long)axes[0].k, (long long)axes[1].k, (long long)axes[0].out,
                (long long)axes[1].out, (long long)output_size[0], (long long)output_size[1],
                (long long)shape[rank - 2], (long long)shape[rank - 1]);
    return NULL;
  }
  es_ops_sizes sizes = {0};
  es_ops_put_window(&sizes, 2, axes);
  es_ops_put_outputs(&sizes, 2, axes);
  es_ops_put_kernels(&sizes, 2, axes);
  int64_t out_shape[ES_MAX_RANK];
  if (rank + 1 > ES_MAX_RANK) {
    es_ops_fail(ctx, ES_E_LIMIT, "fold: the result would have %d axes, more than %d", rank + 1,
                ES_MAX_RANK);
    return NULL;
  }
  for (int i = 0; i < rank - 2; i++) out_shape[i] = shape[i];
  out_shape[rank - 2] = shape[rank - 2] / taps;
  out_shape[rank - 1] = output_size[0];
  out_shape[rank] = output_size[1];
  es_tensor *in[] = {(es_tensor *)input};
  return es_ops_einsum_bias(ctx, ES_OP_fold, in, 1, &sizes, NULL, rank + 1, out_shape, 0);
}

es_tensor *es_ops_call_unfold(es_ctx *ctx, const es_value *a) {
  int64_t kernel[2];
  es_ops_spread(&a[1], 2, kernel);
  es_window w = es_ops_window_of(&a[4], &a[3], &a[2], NULL);
  return es_unfold(ctx, a[0].tensor, kernel, &w);
}

es_tensor *es_ops_call_fold(es_ctx *ctx, const es_value *a) {
  int64_t output[2], kernel[2];
  es_ops_spread(&a[1], 2, output);
  es_ops_spread(&a[2], 2, kernel);
  es_window w = es_ops_window_of(&a[5], &a[4], &a[3], NULL);
  return es_fold(ctx, a[0].tensor, output, kernel, &w);
}
