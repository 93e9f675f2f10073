#include "engine/order/path.h"

#include <string.h>

#include "engine/order/path_tree.h"

/* ---- From a tree to steps ------------------------------------------------ */

typedef struct value { /* an operand, or the result of a merge */
  es_label_set set;
  int id; /* as es_path_step numbers it */
} value;

typedef struct emitter {
  es_arena *arena;
  const es_network *net;
  int *holders; /* [n_labels] values alive that hold the label, +1 if the output does */
  value *value; /* [2n - 1] by merge numbering */
  es_path *path;
} emitter;

/* The labels of an operand that something else needs. */
static bool shared_labels(const emitter *e, es_label_set set, es_label_set *shared) {
  int32_t *label = ES_NEW_N(e->arena, int32_t, set.n);
  if (!label) return false;
  int n = 0;
  for (int i = 0; i < set.n; i++)
    if (e->holders[set.label[i]] > 1) label[n++] = set.label[i];
  *shared = (es_label_set){n, label};
  return true;
}

static bool emit(emitter *e, int n_in, const int *in, es_label_set keep) {
  int *copy = ES_NEW_N(e->arena, int, n_in);
  if (!copy) return false;
  memcpy(copy, in, sizeof *in * (size_t)n_in);
  e->path->step[e->path->n_steps++] = (es_path_step){n_in, copy, keep};
  return true;
}

/* Reduces the labels that v alone holds, in a step of its own. */
static bool emit_alone(emitter *e, value *v, es_label_set keep) {
  if (!emit(e, 1, &v->id, keep)) return false;
  e->path->points += es_label_points(e->net, v->set);
  *v = (value){keep, e->net->n + e->path->n_steps - 1};
  return true;
}

static es_extents extents_of(const es_network *net, es_label_set full, es_label_set less) {
  double size = es_label_points(net, less);
  return (es_extents){size, less.n < full.n ? es_label_points(net, full) / size : 1};
}

static void leave(emitter *e, es_label_set set) {
  for (int i = 0; i < set.n; i++) e->holders[set.label[i]]--;
}

static bool emit_pair(emitter *e, value *a, value *b, value *out) {
  int32_t *both = ES_NEW_N(e->arena, int32_t, a->set.n + b->set.n);
  es_label_set a_less, b_less, keep;
  if (!both || !shared_labels(e, a->set, &a_less) || !shared_labels(e, b->set, &b_less))
    return false;
  es_label_set a_full = a->set, b_full = b->set;
  double points = es_label_points(e->net,
                                  (es_label_set){es_label_union(a_less, b_less, both), both});
  es_pair pair = es_pair_of(e->net, points, extents_of(e->net, a_full, a_less),
                            extents_of(e->net, b_full, b_less), 0);
  if (pair.sums_a && !emit_alone(e, a, a_less)) return false;
  if (pair.sums_b && !emit_alone(e, b, b_less)) return false;
  es_label_set all = {es_label_union(a->set, b->set, both), both};
  int32_t *label = ES_NEW_N(e->arena, int32_t, all.n);
  if (!label) return false;
  leave(e, a_full);
  leave(e, b_full);
  int n = 0;
  for (int i = 0; i < all.n; i++)
    if (e->holders[all.label[i]] > 0) label[n++] = all.label[i];
  keep = (es_label_set){n, label};
  int in[2] = {a->id < b->id ? a->id : b->id, a->id < b->id ? b->id : a->id};
  if (!emit(e, 2, in, keep)) return false;
  e->path->points += es_label_points(e->net, all);
  for (int i = 0; i < n; i++) e->holders[label[i]]++;
  *out = (value){keep, e->net->n + e->path->n_steps - 1};
  return true;
}

/* Post-order over the tree without recursion: it may be as deep as n. */
static bool emit_tree(emitter *e, const es_merge *merge) {
  int n = e->net->n;
  int *stack = ES_NEW_N(e->arena, int, 2 * n);
  bool *open = ES_NEW_N(e->arena, bool, 2 * n);
  if (!stack || !open) return false;
  int top = 0;
  stack[top++] = 2 * n - 2;
  while (top) {
    int v = stack[top - 1];
    if (v >= n && !open[v]) {
      open[v] = true;
      stack[top++] = merge[v - n].b;
      stack[top++] = merge[v - n].a;
      continue;
    }
    top--;
    if (v < n) continue;
    const es_merge *m = &merge[v - n];
    if (!emit_pair(e, &e->value[m->a], &e->value[m->b], &e->value[v])) return false;
  }
  return true;
}

static es_path *path_new(es_arena *arena, int n_steps) {
  es_path *path = ES_NEW(arena, es_path);
  if (path) path->step = ES_NEW_N(arena, es_path_step, n_steps);
  return path && path->step ? path : NULL;
}

static bool emit_all(es_arena *arena, const es_network *net, const es_merge *merge, es_path **out) {
  emitter e = {.arena = arena, .net = net};
  e.path = path_new(arena, 2 * net->n); /* a pair each, and a step alone for each operand */
  e.holders = ES_NEW_N(arena, int, net->n_labels);
  e.value = ES_NEW_N(arena, value, 2 * net->n);
  if (!e.path || !e.holders || !e.value) return false;
  for (int i = 0; i < net->n; i++) {
    e.value[i] = (value){net->operand[i], i};
    for (int j = 0; j < net->operand[i].n; j++) e.holders[net->operand[i].label[j]]++;
  }
  for (int j = 0; j < net->out.n; j++) e.holders[net->out.label[j]]++;
  *out = e.path;
  return emit_tree(&e, merge);
}

/* Whether the pairs of a path gain nothing over one nest: no step uses an element
 * twice (each moves along all labels of one operand), none is smaller than the nest,
 * and the intermediates between them are of its size. "i, i, i -> i" is such. */
static bool better_whole(es_arena *arena, const es_network *net, const es_path *path) {
  if (net->n < 3 || net->n > ES_PATH_FUSE) return false;
  es_label_set held[3 * ES_PATH_FUSE], all = {0, NULL};
  double largest = 0, between = 0;
  memcpy(held, net->operand, sizeof *held * (size_t)net->n);
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    es_label_set a = held[step->in[0]], b = held[step->in[step->n_in - 1]];
    int32_t *both = ES_NEW_N(arena, int32_t, a.n + b.n),
            *more = ES_NEW_N(arena, int32_t, all.n + a.n + b.n);
    if (!both || !more) return false;
    es_label_set touched = {es_label_union(a, b, both), both};
    if (touched.n > a.n && touched.n > b.n) return false;
    all = (es_label_set){es_label_union(all, touched, more), more};
    double points = es_label_points(net, touched);
    if (points > largest) largest = points;
    if (k < path->n_steps - 1) between += es_label_points(net, step->keep);
    held[net->n + k] = step->keep;
  }
  double whole = es_label_points(net, all);
  return whole <= largest && 2 * between > whole;
}

es_status es_path_of(es_arena *arena, const es_network *net, const es_merge *merge, es_path **path,
                     es_error *error) {
  if (!emit_all(arena, net, merge, path)) return es_fail_nomem(error);
  return better_whole(arena, net, *path) ? es_path_whole(arena, net, path, error) : ES_OK;
}

es_status es_path_pairwise(es_arena *arena, const es_network *net, double effort, es_path **path,
                           es_error *error) {
  if (net->n < 2) return es_path_whole(arena, net, path, error);
  es_orders found = {0};
  ES_TRY(es_orders_find(arena, net, effort, &found, error));
  return es_path_of(arena, net, found.order[es_orders_best(&found)].merge, path, error);
}

es_status es_path_whole(es_arena *arena, const es_network *net, es_path **path, es_error *error) {
  es_path *p = path_new(arena, 1);
  int *in = ES_NEW_N(arena, int, net->n);
  bool *seen = ES_NEW_N(arena, bool, net->n_labels);
  if (!p || !in || !seen) return es_fail_nomem(error);
  p->points = 1;
  for (int i = 0; i < net->n; i++) {
    in[i] = i;
    for (int j = 0; j < net->operand[i].n; j++) {
      int32_t l = net->operand[i].label[j];
      if (!seen[l]) p->points *= (double)net->extent[l];
      seen[l] = true;
    }
  }
  p->step[p->n_steps++] = (es_path_step){net->n, in, net->out};
  *path = p;
  return ES_OK;
}
