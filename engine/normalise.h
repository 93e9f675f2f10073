/* Layers that normalise rows of a tensor as a whole: every element is read once from
 * memory and written once. */
#ifndef ES_ENGINE_NORMALISE_H
#define ES_ENGINE_NORMALISE_H

#include "engine/ctx.h"
#include "engine/kernels/normalise.h"
#include "engine/strategy.h"
#include "engine/tensor/tensor.h"

/* Rows run over n_axes >= 1 neighbouring axes of x from axis on, which is f32 or f64.
 * weight, bias: NULL, or C order, x's type, as many elements as a row. A new tensor of
 * x's shape; NULL: the context has the error. */
es_tensor *es_normalise_axes(es_ctx *ctx, es_normalise op, const es_tensor *x, int axis, int n_axes,
                             const es_tensor *weight, const es_tensor *bias, double eps);
/* (x - shift) * scale + bias, a number of each for every channel, which is axis 1; shift
 * and bias may be NULL. All of x's type, C order. */
es_tensor *es_normalise_channels(es_ctx *ctx, const es_tensor *x, const es_tensor *shift,
                                 const es_tensor *scale, const es_tensor *bias);

/* An operand of a step; slot -1: there is none. */
typedef struct es_normalise_operand {
  int slot;
  int64_t offset; /* elements */
} es_normalise_operand;
/* A step that does the same along one axis of x, not empty, which is in C order or, where
 * the axis is the last one, of any strides. operand: x, weight, bias (C order, [extent of the
 * axis]). The result, problem->out, is in C order. */
es_status es_normalise_step(const es_plan_env *env, es_normalise op, const es_view *x, int axis,
                            const es_normalise_operand operand[3], double eps,
                            const es_problem *problem, es_step *step);

#endif
