/* A padded copy of an operand, for reads that '?' with a value other than 0 sends
 * outside: the source in the middle, then the sides axis by axis, each a plain copy
 * out of what is already filled. Where two axes leave the source at once, the later
 * axis decides, as in numpy.pad. */
#include "engine/lower/pad.h"

#include "base/checked.h"

typedef struct pad {
  es_builder *b;
  const es_padded *from;
  es_dtype dtype;
  int slot;            /* of the padded copy */
  int64_t *filled_low; /* [rank] the box filled so far: [low, high) */
  int64_t *filled_high;
} pad;

/* to[o] = from[o] over a box, both walks given by offset and strides. */
static es_status copy_box(const pad *p, const int64_t *extent, es_side from, int64_t out_offset,
                          const int64_t *out_stride) {
  const es_plan_slot *slot = &p->b->plan->slot[p->slot];
  int rank = p->from->rank;
  es_problem *q = es_problem_new(p->b->scratch, rank, 1, 0);
  if (!q) return es_fail_nomem(p->b->error);
  for (int a = 0; a < rank; a++) {
    q->extent[a] = extent[a];
    q->in[0].stride[a] = from.stride ? from.stride[a] : 0;
    q->out.stride[a] = out_stride[a];
  }
  q->in[0].dtype = q->out.dtype = p->dtype;
  q->in[0].slot = from.slot;
  q->in[0].offset = from.offset;
  q->out.slot = p->slot;
  q->out.offset = out_offset;
  q->compute = es_dtype_compute(p->dtype);
  q->mean_count = q->alpha = 1;
  q->out_rank = slot->rank;
  q->out_shape = slot->shape;
  q->out_strides = slot->strides;
  return es_builder_nest(p->b, q);
}

/* Positions [low, high) of the axis, over what is filled of the other axes, from
 * positions source, source + step, … of the same copy (constant < 0) or from a
 * constant. */
static es_status fill_side(pad *p, int axis, int64_t low, int64_t high, int64_t source,
                           int64_t step, int constant) {
  const es_plan_slot *slot = &p->b->plan->slot[p->slot];
  int rank = p->from->rank;
  int64_t *extent = ES_NEW_N(p->b->scratch, int64_t, rank);
  int64_t *stride = ES_NEW_N(p->b->scratch, int64_t, rank);
  if (!extent || !stride) return es_fail_nomem(p->b->error);
  es_side from = {.slot = constant >= 0 ? constant : p->slot};
  int64_t offset = 0;
  for (int a = 0; a < rank; a++) {
    extent[a] = p->filled_high[a] - p->filled_low[a];
    stride[a] = slot->strides[a];
    if (a != axis) offset += p->filled_low[a] * slot->strides[a];
  }
  extent[axis] = high - low;
  if (constant < 0) {
    from.stride = stride;
    from.offset = offset + source * slot->strides[axis];
    stride[axis] = step * slot->strides[axis];
  }
  ES_TRY(copy_box(p, extent, from, offset + low * slot->strides[axis], slot->strides));
  if (low < p->filled_low[axis]) p->filled_low[axis] = low;
  if (high > p->filled_high[axis]) p->filled_high[axis] = high;
  return ES_OK;
}

/* The larger part of what the filled stretch can give without a second look:
 * whole periods where it holds one, else the mirror image. Logarithmically many
 * copies fill any side. */
static es_status extend_low(pad *p, int axis, int64_t period, int64_t mirror) {
  while (p->filled_low[axis] > 0) {
    int64_t low = p->filled_low[axis], have = p->filled_high[axis] - low;
    bool whole = have >= period;
    int64_t back = whole ? have / period * period : 0;
    int64_t most = whole ? back : p->filled_high[axis] - 1 - mirror;
    int64_t n = most < low ? most : low;
    int64_t source = whole ? low - n + back : 2 * mirror - (low - n);
    ES_TRY(fill_side(p, axis, low - n, low, source, whole ? 1 : -1, -1));
  }
  return ES_OK;
}

static es_status extend_high(pad *p, int axis, int64_t end, int64_t period, int64_t mirror) {
  while (p->filled_high[axis] < end) {
    int64_t high = p->filled_high[axis], have = high - p->filled_low[axis];
    bool whole = have >= period;
    int64_t back = whole ? have / period * period : 0;
    int64_t most = whole ? back : mirror - p->filled_low[axis];
    int64_t n = most < end - high ? most : end - high;
    ES_TRY(fill_side(p, axis, high, high + n, whole ? high - back : 2 * mirror - high,
                     whole ? 1 : -1, -1));
  }
  return ES_OK;
}

static es_status fill_number(pad *p, int axis, int64_t begin, int64_t stop, int64_t end,
                             double value) {
  es_scalar number = {.cls = ES_CLASS_FLOAT, .re = value};
  if (es_dtype_class(p->dtype) != ES_CLASS_FLOAT && es_dtype_class(p->dtype) != ES_CLASS_COMPLEX &&
      value >= -0x1p63 && value < 0x1p63 && value == (double)(int64_t)value)
    number = (es_scalar){.cls = ES_CLASS_INT, .i = (int64_t)value};
  int constant;
  ES_TRY(es_builder_constant(p->b, p->dtype, number, &constant));
  if (begin > 0) ES_TRY(fill_side(p, axis, 0, begin, 0, 0, constant));
  if (stop < end) ES_TRY(fill_side(p, axis, stop, end, 0, 0, constant));
  return ES_OK;
}

/* [begin, stop) of the axis holds the source, [0, end) is wanted. */
static es_status fill_axis(pad *p, int axis) {
  const es_fill *fill = &p->from->fill[axis];
  int64_t n = p->from->extent[axis], begin = p->from->low[axis], stop = begin + n;
  int64_t end = stop + p->from->high[axis];
  if (begin == 0 && stop == end) return ES_OK;
  if (fill->kind == ES_FILL_NUMBER) return fill_number(p, axis, begin, stop, end, fill->value);
  if (n == 0)
    return es_fail(p->b->error, ES_E_EMPTY, "", fill->span,
                   "edge, wrap and reflect repeat elements of the axis, but it has none");
  if (fill->kind == ES_FILL_EDGE || n == 1) {
    if (begin > 0) ES_TRY(fill_side(p, axis, 0, begin, begin, 0, -1));
    if (stop < end) ES_TRY(fill_side(p, axis, stop, end, stop - 1, 0, -1));
    return ES_OK;
  }
  /* Reflection repeats after going there and back without the two ends. */
  int64_t period = fill->kind == ES_FILL_WRAP ? n : 2 * (n - 1);
  ES_TRY(extend_high(p, axis, end, period, stop - 1));
  return extend_low(p, axis, period, begin);
}

static es_status copy_source(pad *p, int operand) {
  const es_plan_slot *slot = &p->b->plan->slot[p->slot];
  es_side from = {.slot = p->b->operand_slot[operand],
                  .stride = p->from->stride,
                  .offset = p->b->operand_offset[operand]};
  int64_t offset = 0;
  for (int a = 0; a < p->from->rank; a++) {
    offset += p->from->low[a] * slot->strides[a];
    p->filled_low[a] = p->from->low[a];
    p->filled_high[a] = p->from->low[a] + p->from->extent[a];
  }
  return copy_box(p, p->from->extent, from, offset, slot->strides);
}

es_status es_builder_pad(es_builder *b, int operand) {
  pad p = {.b = b, .from = b->bound->padded[operand], .dtype = b->bound->dtype[operand]};
  int rank = p.from->rank;
  int64_t *shape = ES_NEW_N(b->scratch, int64_t, rank);
  p.filled_low = ES_NEW_N(b->scratch, int64_t, rank);
  p.filled_high = ES_NEW_N(b->scratch, int64_t, rank);
  if (!shape || !p.filled_low || !p.filled_high) return es_fail_nomem(b->error);
  for (int a = 0; a < rank; a++)
    if (!es_add_i64(p.from->extent[a], p.from->low[a], &shape[a]) ||
        !es_add_i64(shape[a], p.from->high[a], &shape[a]))
      return es_fail(b->error, ES_E_LIMIT, "M1", p.from->fill[a].span,
                     "the padded axis is longer than 2^63 - 1 elements");
  ES_TRY(es_builder_intermediate(b, p.dtype, rank, shape, &p.slot));
  ES_TRY(es_builder_group(b, "pad", NULL, (double)b->plan->slot[p.slot].count));
  ES_TRY(copy_source(&p, operand));
  for (int a = 0; a < rank; a++) ES_TRY(fill_axis(&p, a));
  b->operand_slot[operand] = p.slot;
  b->operand_offset[operand] = 0;
  return ES_OK;
}
