/* Loops of a plan: labels that were cut to keep within the limit of memory. */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "engine/bind/walk.h"
#include "engine/lower/builder.h"

/* Room that steps need for themselves, packed panels above all, and for the gaps between
 * intermediates. */
static const double STEP_SHARE = 1.0 / 8;

static double results_of(const es_plan *plan) {
  double results = 0;
  for (int i = plan->n_in; i < plan->n_in + plan->n_out; i++)
    results += es_plan_slot_bytes(&plan->slot[i]);
  return results;
}

double es_builder_room(const es_builder *b) {
  const es_plan *plan = b->plan;
  double room = (double)b->fit->limit - (double)es_memory_now(b->ctx), results = results_of(plan);
  if (results < room || b->fit->whole) room -= results;
  room -= b->live;
  for (int i = b->first_slot; i < plan->n_slots; i++)
    if (i >= plan->n_in + plan->n_out && !plan->slot[i].constant)
      room -= es_plan_slot_bytes(&plan->slot[i]);
  return room > 0 ? room * (1 - STEP_SHARE) * b->fit->share : 0;
}

/* ---- whether it fits --------------------------------------------------------------------- */

/* Cutting a little less each time keeps fast kernels, which need room of their own; of many
 * operands the search takes long. */
static const double LEAST_SHARE = 1.0 / 1024;

static double next_share(const es_fit *fit, double room, double bytes) {
  double share = fmin(fit->share / 4, 0.9 * room / bytes);
  if (fit->over || fit->share == 0) return -1;
  return share < LEAST_SHARE || fit->operands > ES_FIT_FEW ? 0 : share;
}

es_status es_fit_refuse(const es_fit *fit, int64_t now, int64_t limit, es_error *error) {
  return es_fail(error, ES_E_LIMIT, "M1", ES_NOWHERE,
                 "the intermediates and results of this expression need %lld bytes, in the order "
                 "and the pieces that take least; %lld are in use and the memory limit is %lld "
                 "bytes; a limit of %lld would do (es_set_max_bytes)",
                 (long long)(fit->least - now), (long long)now, (long long)limit,
                 (long long)fit->least);
}

es_status es_builder_admit(es_builder *b, size_t high) {
  es_fit *fit = b->fit;
  int64_t bytes = high > INT64_MAX ? INT64_MAX : (int64_t)high, now = es_memory_now(b->ctx);
  if (!fit->operands)
    return es_ctx_admit_bytes(b->ctx, bytes, "the workspace of this expression", b->error);
  double results = results_of(b->plan), room = (double)fit->limit - (double)now;
  bool counts = results < room || fit->whole;
  int64_t need;
  if (results > 0x1p62 || !es_add_i64(bytes, (int64_t)results, &need) ||
      !es_add_i64(need, now, &fit->least))
    fit->least = INT64_MAX;
  if (counts ? fit->least <= fit->limit : (double)bytes <= room) return fit->least = 0, ES_OK;
  fit->share = next_share(fit, room - (counts ? results : 0), (double)bytes);
  return es_fit_refuse(fit, now, fit->limit, b->error);
}

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
  es_plan_loop loop = {
      .begin = begin, .last = last, .again = again, .end = plan->n_steps, .inner = 1};
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
    if (i >= outer) loop.inner *= loop.pieces[i];
  }
  set_steps(b, part, label, &loop);
  loop.text = describe(b, &loop, label);
  if (!loop.text) return es_fail_nomem(b->error);
  plan->loop = loops;
  plan->loop[plan->n_loops++] = loop;
  for (int i = 0; i < loop.n; i++) b->extent[label[i]] = b->bound->label[label[i]].extent;
  return ES_OK;
}
