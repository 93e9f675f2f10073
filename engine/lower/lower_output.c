#include "engine/lower/lower_output.h"

#include <math.h>
#include <stdlib.h>

#include "engine/bind/walk.h"
#include "engine/lower/loop.h"
#include "engine/lower/nest.h"

static es_scalar identity(es_reducer reduce) {
  switch (reduce) {
  case ES_REDUCE_PROD:
  case ES_REDUCE_ALL: return (es_scalar){.cls = ES_CLASS_INT, .i = 1};
  case ES_REDUCE_MEAN: return (es_scalar){.cls = ES_CLASS_FLOAT, .re = NAN};
  case ES_REDUCE_LOGSUMEXP: return (es_scalar){.cls = ES_CLASS_FLOAT, .re = -INFINITY};
  default: return (es_scalar){.cls = ES_CLASS_INT};
  }
}

es_status es_builder_map(es_builder *b, const es_side *from, int to, double alpha, double beta,
                         bool wrap) {
  const es_plan_slot *out_slot = &b->plan->slot[to];
  es_problem *p = es_problem_new(b->scratch, out_slot->rank, 1, 0);
  if (!p) return es_fail_nomem(b->error);
  for (int a = 0; a < out_slot->rank; a++) {
    p->extent[a] = out_slot->shape[a];
    p->in[0].stride[a] = from->stride ? from->stride[a] : 0;
    p->out.stride[a] = out_slot->strides[a];
  }
  p->in[0].slot = from->slot;
  p->in[0].dtype = from->dtype;
  p->in[0].offset = from->offset;
  p->out.slot = to;
  p->out.dtype = out_slot->dtype;
  p->compute = es_dtype_compute(out_slot->dtype);
  p->wrap = wrap;
  p->mean_count = 1;
  p->alpha = alpha;
  p->beta = beta;
  p->out_rank = out_slot->rank;
  p->out_shape = out_slot->shape;
  p->out_strides = out_slot->strides;
  b->auxiliary = true;
  es_status status = es_builder_nest(b, p);
  b->auxiliary = false;
  return status;
}

static es_status add_map(es_builder *b, int from, int to, double alpha, double beta) {
  const es_plan_slot *slot = &b->plan->slot[from];
  es_side side = {
      .slot = from, .dtype = slot->dtype, .stride = slot->constant ? NULL : slot->strides};
  return es_builder_map(b, &side, to, alpha, beta, b->bound->wrap);
}

/* ---- parts in rounds ------------------------------------------------------------------ */

/* A sum into an affine axis has a part for each residue, all of which read the same operands: an
 * image that is in the caches should be read by all of them before the next one. */

enum {
  FAR_BYTES = 8 << 20,  /* of an operand, that later parts would fetch from memory again */
  NEAR_BYTES = 4 << 20, /* of its piece */
  LEAST_USES = 256      /* of an element of the other operand in a piece, which packs it anew */
};

/* Whether the part walks its output and its operand `at`, and nothing else, along the label as
 * the first part does. */
static bool walks_alike(const es_part *part, const es_part *first, int at, int32_t label) {
  const int64_t out = es_walk_stride(&first->out_walk, label),
                in = es_walk_stride(&first->in_walk[at], label);
  return part->n_in == 2 && part->in[0] == first->in[0] && part->in[1] == first->in[1] &&
         !es_part_constrains(part, label) && out && es_walk_stride(&part->out_walk, label) == out &&
         in && es_walk_stride(&part->in_walk[at], label) == in &&
         es_walk_find(&part->in_walk[1 - at], label) < 0;
}

/* How often the part uses each element of operand `at`. */
static double uses(const es_bound *bound, const es_part *part, int at) {
  double n = 1;
  for (int i = 0; i < part->out_walk.n; i++)
    if (es_walk_find(&part->in_walk[at], part->out_walk.label[i]) < 0)
      n *= (double)bound->label[part->out_walk.label[i]].extent;
  return n;
}

/* The number of equal pieces, or few more, that are no larger; 1: there is none. */
static int64_t equal_pieces(int64_t extent, double bytes) {
  const int64_t least = (int64_t)fmax(1, fmin(ceil(bytes / NEAR_BYTES), (double)extent));
  for (int64_t n = least; n <= 4 * least && n <= extent; n++)
    if (extent % n == 0) return n;
  return 1;
}

/* Into how many pieces the label is cut for the parts of an output that are listed; 1: it is not.
 */
static int64_t pieces_of(const es_builder *b, const es_part *const *part, int n, int at,
                         int32_t label) {
  const es_plan_slot *slot = &b->plan->slot[b->operand_slot[part[0]->in[at]]];
  const double bytes = es_plan_slot_bytes(slot);
  double least = INFINITY;
  if (bytes <= FAR_BYTES) return 1;
  for (int i = 0; i < n; i++) {
    if (!walks_alike(part[i], part[0], at, label)) return 1;
    least = fmin(least, uses(b->bound, part[i], 1 - at));
  }
  const int64_t pieces = equal_pieces(b->bound->label[label].extent, bytes);
  return least < LEAST_USES * (double)pieces ? 1 : pieces;
}

/* The outermost such label, of which b->extent then has a piece. */
static bool cut_for_caches(es_builder *b, const es_part *const *part, int n) {
  if (n < 2 || part[0]->n_in != 2 ||
      b->operand_slot[part[0]->in[0]] == b->operand_slot[part[0]->in[1]])
    return false;
  int64_t pieces = 1, furthest = 0;
  int32_t label = 0;
  for (int at = 0; at < 2 && pieces == 1; at++) {
    const es_walk *walk = &part[0]->in_walk[at];
    for (int i = 0; i < walk->n; i++) {
      const int64_t some = pieces_of(b, part, n, at, walk->label[i]);
      if (some == 1 || llabs(walk->stride[i]) <= furthest) continue;
      pieces = some, furthest = llabs(walk->stride[i]), label = walk->label[i];
    }
  }
  if (pieces > 1) b->extent[label] /= pieces;
  return pieces > 1;
}

static es_status add_parts(es_builder *b, int output) {
  const es_bound *bound = b->bound;
  const es_part **part = es_arena_array(b->scratch, (size_t)bound->n_parts, sizeof *part);
  int n = 0, begin = b->plan->n_steps;
  if (!part) return es_fail_nomem(b->error);
  for (int i = 0; i < bound->n_parts; i++)
    if (bound->part[i].output == output) part[n++] = &bound->part[i];
  b->rounds = cut_for_caches(b, part, n);
  for (int i = 0; i < n; i++) ES_TRY(es_builder_part(b, part[i]));
  if (!b->rounds) return ES_OK;
  const es_status status = es_builder_loop(b, part[0], begin, b->plan->n_steps, b->plan->n_steps);
  b->rounds = false;
  return status;
}

es_status es_builder_output(es_builder *b, int output) {
  const es_bound *bound = b->bound;
  const es_output *out = &bound->out[output];
  int slot = b->output_slot[output], saved = -1;
  double points = (double)b->plan->slot[slot].count;
  /* Gaps and parts would need different betas: keep beta * out aside. */
  if (out->fill_first && bound->beta != 0) {
    es_dtype dtype = es_dtype_compute(out->dtype);
    ES_TRY(es_builder_intermediate(b, dtype, out->rank, out->shape, &saved));
    ES_TRY(es_builder_group(b, "beta out, set aside", NULL, points));
    ES_TRY(add_map(b, slot, saved, bound->beta, 0));
  }
  if (out->fill_first) {
    int constant;
    ES_TRY(es_builder_constant(b, out->dtype, identity(bound->reduce), &constant));
    ES_TRY(es_builder_group(b, "fill", NULL, points));
    ES_TRY(add_map(b, constant, slot, bound->alpha, 0));
  }
  ES_TRY(add_parts(b, output));
  if (saved < 0) return ES_OK;
  ES_TRY(es_builder_group(b, "+ beta out", NULL, points));
  return add_map(b, saved, slot, 1, 1);
}
