#include "engine/lower/loop.h"

#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/bind/walk.h"

static bool in_output(const es_part *part, int32_t label) {
  return es_walk_find(&part->out_walk, label) >= 0;
}

/* Labels that are cut, those of the output first. Returns how many; *outer of them are
 * the output's. */
static int list_cut(const es_builder *b, const es_part *part, int32_t *label, int *outer) {
  int n = 0;
  for (int inside = 1; inside >= 0; inside--) {
    for (int32_t l = 0; l < b->bound->n_labels; l++)
      if (b->extent[l] != b->bound->label[l].extent && in_output(part, l) == inside) label[n++] = l;
    if (inside) *outer = n;
  }
  return n;
}

static const char *describe(es_builder *b, const es_plan_loop *loop, const int32_t *label) {
  char text[512];
  es_text t = es_text_init(text, sizeof text);
  for (int i = 0; i < loop->n; i++)
    es_text_printf(&t, "%s%s in %lld pieces", i ? ", " : "", b->bound->label[label[i]].name,
                   (long long)loop->pieces[i]);
  return es_arena_copy_text(&b->plan->arena, text, strlen(text));
}

static void set_steps(const es_builder *b, const es_part *part, const int32_t *label,
                      es_plan_loop *loop) {
  loop->n_slots = part->n_in + 1;
  for (int k = 0; k <= part->n_in; k++) {
    const es_walk *walk = k < part->n_in ? &part->in_walk[k] : &part->out_walk;
    int slot = k < part->n_in ? b->operand_slot[part->in[k]] : b->output_slot[part->output];
    int64_t size = (int64_t)es_dtype_size(b->plan->slot[slot].dtype);
    bool moved = false; /* with an operand before */
    for (int i = 0; i < k; i++) moved |= loop->slot[i] == slot;
    loop->slot[k] = slot;
    for (int i = 0; i < loop->n && !moved; i++)
      loop->step[i * loop->n_slots + k] = es_walk_stride(walk, label[i]) * b->extent[label[i]] *
                                          size;
  }
}

es_status es_builder_loop(es_builder *b, const es_part *part, int begin, int last, int again) {
  es_plan *plan = b->plan;
  es_plan_loop loop = {.begin = begin,
                       .last = last,
                       .again = again,
                       .end = plan->n_steps,
                       .inner = 1,
                       .near = b->rounds};
  int32_t label[ES_PLAN_MOST_CUT];
  int outer = 0;
  loop.n = list_cut(b, part, label, &outer);
  if (!loop.n) return ES_OK;
  loop.pieces = ES_NEW_N(&plan->arena, int64_t, loop.n);
  loop.slot = ES_NEW_N(&plan->arena, int, part->n_in + 1);
  loop.step = ES_NEW_N(&plan->arena, int64_t, loop.n * (part->n_in + 1));
  es_plan_loop *loops = es_arena_grow(&plan->arena, plan->loop, plan->n_loops, &b->cap_loops,
                                      sizeof *loops);
  if (!loop.pieces || !loop.slot || !loop.step || !loops) return es_fail_nomem(b->error);
  for (int i = 0; i < loop.n; i++) {
    loop.pieces[i] = b->bound->label[label[i]].extent / b->extent[label[i]];
    /* More pieces than 64 bits count are never all run. */
    if (i >= outer && !es_mul_i64(loop.inner, loop.pieces[i], &loop.inner)) loop.inner = INT64_MAX;
  }
  set_steps(b, part, label, &loop);
  loop.text = describe(b, &loop, label);
  if (!loop.text) return es_fail_nomem(b->error);
  plan->loop = loops;
  plan->loop[plan->n_loops++] = loop;
  for (int i = 0; i < loop.n; i++) b->extent[label[i]] = b->bound->label[label[i]].extent;
  return ES_OK;
}
