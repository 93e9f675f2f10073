#include "engine/lower/find_view.h"

#include "base/checked.h"

/* The stride along output axis `axis` in the input: the labels that make up the
 * axis, innermost first, must also nest in the input. False where only a copy can. */
static bool axis_stride(const es_bound *bound, const es_part *part, int axis,
                        const int64_t *input_stride, int64_t *stride) {
  const es_output *out = &bound->out[part->output];
  int64_t covered = 1, step = 0;
  *stride = out->strides[axis];
  while (covered < out->shape[axis]) {
    int found = -1;
    for (int i = 0; i < part->out_walk.n; i++)
      if (bound->label[part->out_walk.label[i]].extent > 1 &&
          part->out_walk.stride[i] == covered * out->strides[axis])
        found = i;
    if (found < 0) return false;
    if (covered == 1)
      *stride = step = input_stride[found];
    else if (input_stride[found] != step)
      return false;
    int64_t extent = bound->label[part->out_walk.label[found]].extent;
    covered *= extent;
    if (!es_mul_i64(step, extent, &step)) return false;
  }
  return covered == out->shape[axis];
}

/* The one part of an output that only moves elements; NULL otherwise. */
static const es_part *pure_move(const es_bound *bound, int output) {
  const es_part *part = NULL;
  for (int i = 0; i < bound->n_parts; i++) {
    if (bound->part[i].output != output) continue;
    if (part) return NULL;
    part = &bound->part[i];
  }
  if (!part || part->n_in != 1 || part->n_constraints || part->out_walk.offset) return NULL;
  const es_output *out = &bound->out[output];
  bool same = out->dtype == bound->dtype[part->in[0]] && bound->alpha == 1 && bound->beta == 0;
  if (!same || out->fill_first || bound->padded[part->in[0]]) return NULL;
  /* 'and' and 'or' of one operand are its truth. */
  bool logical = bound->combine == ES_INNER_AND || bound->combine == ES_INNER_OR;
  if (logical && out->dtype != ES_BOOL) return NULL;
  return bound->reduce != ES_REDUCE_MEAN || part->mean_count == 1 ? part : NULL;
}

/* [out_walk.n] strides of the output's labels in the input. False when a label with
 * more than one value is reduced. */
static bool input_strides(const es_bound *bound, const es_part *part, int64_t *stride) {
  const es_walk *from = &part->in_walk[0], *to = &part->out_walk;
  for (int j = 0; j < from->n; j++) {
    int at = 0;
    while (at < to->n && to->label[at] != from->label[j]) at++;
    if (at < to->n)
      stride[at] = from->stride[j];
    else if (bound->label[from->label[j]].extent != 1)
      return false;
  }
  return true;
}

/* An empty output is no view: it has no element to share. */
bool es_plan_find_view(es_arena *scratch, const es_bound *bound, int output, es_plan_view *view) {
  const es_part *part = pure_move(bound, output);
  const es_output *out = &bound->out[output];
  int64_t points = 1, count;
  if (!part) return false;
  for (int i = 0; i < part->out_walk.n; i++)
    if (!es_mul_i64(points, bound->label[part->out_walk.label[i]].extent, &points)) return false;
  if (!es_count_i64(out->rank, out->shape, &count) || count == 0 || count != points) return false;
  int64_t *in_stride = ES_NEW_N(scratch, int64_t, part->out_walk.n);
  if (!in_stride || !input_strides(bound, part, in_stride)) return false;
  for (int a = 0; a < out->rank; a++)
    if (!axis_stride(bound, part, a, in_stride, &view->strides[a])) return false;
  view->operand = part->in[0];
  view->offset = part->in_walk[0].offset;
  return true;
}
