/* Layers: named expressions with PyTorch's parameter names.
 *
 * Every layer stands once in a table (ops/NAME.def): its name, its expression, its
 * parameters, one sentence, a formula and a runnable example. The C functions
 * below, the script functions of the same names, ?name at the prompt and the
 * manual are made from that table. The rules of einstride.h hold. */
#ifndef EINSTRIDE_LAYERS_H
#define EINSTRIDE_LAYERS_H

#include "einstride.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The table, for programs that call layers by name -------------------- */

typedef enum es_param_type {
  ES_PARAM_NONE = 0,
  ES_PARAM_TENSOR,
  ES_PARAM_INT,
  ES_PARAM_INTS, /* one integer for all spatial axes, or one for each */
  ES_PARAM_FLOAT,
  ES_PARAM_BOOL,
  ES_PARAM_PADDING, /* an integer, one an axis, 'same', 'valid', or (low, high) pairs */
  ES_PARAM_TEXT
} es_param_type;

typedef struct es_param {
  const char *name; /* PyTorch's */
  es_param_type type;
  const char *otherwise; /* the default as a script writes it; NULL: required */
} es_param;

typedef struct es_op {
  const char *name;
  const char *expression; /* the pattern or patterns, ';' between */
  const char *summary;    /* one sentence */
  const char *formula;    /* shape rule and source */
  const char *example;    /* script lines that run as they are */
  int n_params;
  const es_param *params;
} es_op;

ES_API int es_op_count(void);
ES_API const es_op *es_op_at(int index);          /* NULL outside */
ES_API const es_op *es_op_find(const char *name); /* NULL if unknown */

/* Padding of spatial axes. Zeros: no padding. */
typedef enum es_padding_mode { ES_PAD_NUMBERS = 0, ES_PAD_SAME, ES_PAD_VALID } es_padding_mode;

/* An argument. type ES_PARAM_NONE: not given. */
typedef struct es_value {
  es_param_type type;
  es_tensor *tensor;
  int64_t i;            /* INT, BOOL */
  double f;             /* FLOAT */
  const char *text;     /* TEXT */
  int n;                /* INTS: count; PADDING by numbers: count of low (and of high) */
  const int64_t *ints;  /* INTS: values; PADDING: low side */
  const int64_t *high;  /* PADDING: high side; NULL: as low */
  es_padding_mode mode; /* PADDING */
} es_value;

/* args[i] belongs to op->params[i]. */
ES_API es_tensor *es_op_call(es_ctx *ctx, const es_op *op, const es_value *args);

/* ---- One C function a layer ----------------------------------------------- */
/*
 * Shapes are PyTorch's: images b c h w, weights o c kh kw, with any number of
 * batch axes, also none, where b stands. bias may be NULL. A NULL options pointer
 * means all defaults. The result is in the promoted type of the operands. */

/* Windows. Zero means the default: stride 1 (pooling: the kernel), dilation 1,
 * groups 1, padding 0. An axis whose entry is 0 takes that of the first axis, so
 * that {.stride = {2}} strides all of them. Axes are in the order of the shape. */
typedef struct es_window {
  int64_t stride[3];
  int64_t dilation[3];
  int64_t padding[3]; /* low side; and high side unless has_high */
  int64_t padding_high[3];
  bool padding_each; /* padding[] (and high) hold one entry an axis, zeros too */
  bool has_high;
  es_padding_mode mode;
  int64_t groups;
  int64_t output_padding[3]; /* transposed convolution */
  bool ceil_mode;            /* pooling: round the output size up */
  bool exclude_padding;      /* avg_pool: divide by the elements inside */
} es_window;

/* Convolution as deep learning writes it (cross-correlation).
 * n_out = floor((n + low + high - d(k-1) - 1) / s) + 1 along each axis. */
ES_API es_tensor *es_conv1d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                            const es_tensor *bias, const es_window *window);
ES_API es_tensor *es_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                            const es_tensor *bias, const es_window *window);
ES_API es_tensor *es_conv3d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                            const es_tensor *bias, const es_window *window);
/* weight (in, out/groups, k...); n_out = (n-1)s - 2p + d(k-1) + output_padding + 1. */
ES_API es_tensor *es_conv_transpose1d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                                      const es_tensor *bias, const es_window *window);
ES_API es_tensor *es_conv_transpose2d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                                      const es_tensor *bias, const es_window *window);
ES_API es_tensor *es_conv_transpose3d(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                                      const es_tensor *bias, const es_window *window);
/* Gradients of conv2d: of the weight (kernel size kh, kw), and of the input
 * (input_shape has 4 entries). */
ES_API es_tensor *es_conv2d_weight(es_ctx *ctx, const es_tensor *input,
                                   const int64_t kernel_size[2], const es_tensor *grad_output,
                                   const es_window *window);
ES_API es_tensor *es_conv2d_input(es_ctx *ctx, const int64_t *input_shape, const es_tensor *weight,
                                  const es_tensor *grad_output, const es_window *window);

/* im2col (b, c kh kw, ho wo), and its adjoint col2im, which sums overlaps. */
ES_API es_tensor *es_unfold(es_ctx *ctx, const es_tensor *input, const int64_t kernel_size[2],
                            const es_window *window);
ES_API es_tensor *es_fold(es_ctx *ctx, const es_tensor *input, const int64_t output_size[2],
                          const int64_t kernel_size[2], const es_window *window);

ES_API es_tensor *es_max_pool1d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                                const es_window *window);
ES_API es_tensor *es_max_pool2d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                                const es_window *window);
ES_API es_tensor *es_max_pool3d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                                const es_window *window);
ES_API es_tensor *es_avg_pool1d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                                const es_window *window);
ES_API es_tensor *es_avg_pool2d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                                const es_window *window);
ES_API es_tensor *es_avg_pool3d(es_ctx *ctx, const es_tensor *input, const int64_t *kernel_size,
                                const es_window *window);
ES_API es_tensor *es_global_avg_pool2d(es_ctx *ctx, const es_tensor *input);
ES_API es_tensor *es_global_max_pool2d(es_ctx *ctx, const es_tensor *input);

/* weight (out, in); bilinear weight (out, in1, in2). */
ES_API es_tensor *es_linear(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                            const es_tensor *bias);
ES_API es_tensor *es_bilinear(es_ctx *ctx, const es_tensor *input1, const es_tensor *input2,
                              const es_tensor *weight, const es_tensor *bias);
ES_API es_tensor *es_matmul(es_ctx *ctx, const es_tensor *a, const es_tensor *b);
ES_API es_tensor *es_mm(es_ctx *ctx, const es_tensor *a, const es_tensor *b);
ES_API es_tensor *es_bmm(es_ctx *ctx, const es_tensor *a, const es_tensor *b);
ES_API es_tensor *es_dot(es_ctx *ctx, const es_tensor *a, const es_tensor *b);
ES_API es_tensor *es_outer(es_ctx *ctx, const es_tensor *a, const es_tensor *b);
ES_API es_tensor *es_trace(es_ctx *ctx, const es_tensor *input);

/* Layout. */
ES_API es_tensor *es_pixel_shuffle(es_ctx *ctx, const es_tensor *input, int64_t upscale_factor);
ES_API es_tensor *es_pixel_unshuffle(es_ctx *ctx, const es_tensor *input, int64_t downscale_factor);
ES_API es_tensor *es_channel_shuffle(es_ctx *ctx, const es_tensor *input, int64_t groups);
ES_API es_tensor *es_upsample_nearest2d(es_ctx *ctx, const es_tensor *input, int64_t scale_factor);
ES_API es_tensor *es_space_to_depth(es_ctx *ctx, const es_tensor *input, int64_t block);
ES_API es_tensor *es_depth_to_space(es_ctx *ctx, const es_tensor *input, int64_t block);
/* Images to tokens: weight (o, c, p, p), result (b, h w, o). */
ES_API es_tensor *es_patch_embed(es_ctx *ctx, const es_tensor *input, const es_tensor *weight,
                                 const es_tensor *bias);
/* PyTorch's order: pads of the last axis first, (low, high) pairs, n_pad entries.
 * mode "constant", "reflect", "replicate" or "circular". Negative pads crop. */
ES_API es_tensor *es_pad(es_ctx *ctx, const es_tensor *input, const int64_t *pad, int n_pad,
                         const char *mode, double value);

/* Activations and norms. */
ES_API es_tensor *es_relu(es_ctx *ctx, const es_tensor *input);
ES_API es_tensor *es_leaky_relu(es_ctx *ctx, const es_tensor *input, double negative_slope);
ES_API es_tensor *es_elu(es_ctx *ctx, const es_tensor *input, double alpha);
ES_API es_tensor *es_gelu(es_ctx *ctx, const es_tensor *input, bool tanh_approximation);
ES_API es_tensor *es_sigmoid(es_ctx *ctx, const es_tensor *input);
ES_API es_tensor *es_silu(es_ctx *ctx, const es_tensor *input);
ES_API es_tensor *es_softplus(es_ctx *ctx, const es_tensor *input);
/* A row of -inf gives zeros in attention; softmax itself gives NaN, as PyTorch. */
ES_API es_tensor *es_softmax(es_ctx *ctx, const es_tensor *input, int dim);
ES_API es_tensor *es_log_softmax(es_ctx *ctx, const es_tensor *input, int dim);
/* Over the last n_axes axes. weight and bias may be NULL. */
ES_API es_tensor *es_layer_norm(es_ctx *ctx, const es_tensor *input, int n_axes,
                                const es_tensor *weight, const es_tensor *bias, double eps);
ES_API es_tensor *es_rms_norm(es_ctx *ctx, const es_tensor *input, int n_axes,
                              const es_tensor *weight, double eps);
ES_API es_tensor *es_group_norm(es_ctx *ctx, const es_tensor *input, int64_t num_groups,
                                const es_tensor *weight, const es_tensor *bias, double eps);
/* With running statistics, as at inference. Channels are axis 1. */
ES_API es_tensor *es_batch_norm(es_ctx *ctx, const es_tensor *input, const es_tensor *running_mean,
                                const es_tensor *running_var, const es_tensor *weight,
                                const es_tensor *bias, double eps);

/* Attention. query (..., i, d), key (..., j, d), value (..., j, e). attn_mask NULL,
 * bool (true: may attend) or added to the scores. scale 0: 1/sqrt(d). Scores never
 * stand in memory beyond a block, so that memory grows with the tokens only. With
 * enable_gqa the head axis (third from the end) of query is a multiple of key's. */
ES_API es_tensor *es_scaled_dot_product_attention(es_ctx *ctx, const es_tensor *query,
                                                  const es_tensor *key, const es_tensor *value,
                                                  const es_tensor *attn_mask, bool is_causal,
                                                  double scale, bool enable_gqa);
/* input (b, t, c); in_proj_weight (3 num_heads d, c), out_proj_weight (o, num_heads d). */
ES_API es_tensor *es_multi_head_attention(es_ctx *ctx, const es_tensor *input, int64_t num_heads,
                                          const es_tensor *in_proj_weight,
                                          const es_tensor *in_proj_bias,
                                          const es_tensor *out_proj_weight,
                                          const es_tensor *out_proj_bias,
                                          const es_tensor *attn_mask, bool is_causal);

/* Factorised convolutions of the literature; each is one string. */
/* depthwise (c, kh, kw), pointwise (o, c). */
ES_API es_tensor *es_depthwise_separable_conv2d(es_ctx *ctx, const es_tensor *input,
                                                const es_tensor *depthwise,
                                                const es_tensor *pointwise,
                                                const es_window *window);
/* vertical (o, c, kh), horizontal (o, c, kw): the kernel is their outer product. */
ES_API es_tensor *es_spatially_separable_conv2d(es_ctx *ctx, const es_tensor *input,
                                                const es_tensor *vertical,
                                                const es_tensor *horizontal,
                                                const es_window *window);
/* lateral (o, c), vertical (o, kh), horizontal (o, kw). Jin, Dundar, Culurciello,
 * "Flattened convolutional neural networks for feedforward acceleration", 2014. */
ES_API es_tensor *es_flattened_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *lateral,
                                      const es_tensor *vertical, const es_tensor *horizontal,
                                      const es_window *window);
/* Rank-r CP factors o (o, r), c (c, r), kh (kh, r), kw (kw, r). Lebedev et al. 2015. */
ES_API es_tensor *es_cp_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *factor_o,
                               const es_tensor *factor_c, const es_tensor *factor_h,
                               const es_tensor *factor_w, const es_window *window);
/* core (p, q, kh, kw), factors o (o, p), c (c, q). Kim et al. 2016. */
ES_API es_tensor *es_tucker_conv2d(es_ctx *ctx, const es_tensor *input, const es_tensor *core,
                                   const es_tensor *factor_o, const es_tensor *factor_c,
                                   const es_window *window);
/* Grouped 1x1 convolution, and the same with the shuffle for free. weight (g o, c). */
ES_API es_tensor *es_pointwise_group_conv(es_ctx *ctx, const es_tensor *input,
                                          const es_tensor *weight, int64_t groups);
ES_API es_tensor *es_shuffled_pointwise_group_conv(es_ctx *ctx, const es_tensor *input,
                                                   const es_tensor *weight, int64_t groups);
/* Channel gate: pooled, w1 (r, c), relu, w2 (c, r), sigmoid. Hu et al. 2018. */
ES_API es_tensor *es_squeeze_excite(es_ctx *ctx, const es_tensor *input, const es_tensor *w1,
                                    const es_tensor *w2);

#ifdef __cplusplus
}
#endif

#endif
