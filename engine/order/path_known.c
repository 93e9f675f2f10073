#include "engine/order/path_known.h"

#include <string.h>

typedef struct known_network known_network;
struct known_network {
  known_network *next;
  es_network net;
  double effort;
  es_orders found;
};

struct es_known {
  es_arena arena;
  known_network *first;
};

static bool same_set(es_label_set a, es_label_set b) {
  return a.n == b.n && (!a.n || !memcmp(a.label, b.label, sizeof *a.label * (size_t)a.n));
}

static bool same_network(const es_network *a, const es_network *b) {
  if (a->n != b->n || a->n_labels != b->n_labels || a->seed != b->seed ||
      a->element_bytes != b->element_bytes || !same_set(a->out, b->out))
    return false;
  if (a->n_labels && memcmp(a->extent, b->extent, sizeof *a->extent * (size_t)a->n_labels))
    return false;
  for (int i = 0; i < a->n; i++)
    if (!same_set(a->operand[i], b->operand[i])) return false;
  return true;
}

static bool copy_set(es_arena *arena, es_label_set *set) {
  int32_t *label = ES_NEW_N(arena, int32_t, set->n);
  if (label && set->n) memcpy(label, set->label, sizeof *label * (size_t)set->n);
  set->label = label;
  return label;
}

static known_network *remember(es_arena *arena, const es_network *net, double effort) {
  known_network *k = ES_NEW(arena, known_network);
  int64_t *extent = ES_NEW_N(arena, int64_t, net->n_labels);
  es_label_set *sets = ES_NEW_N(arena, es_label_set, net->n);
  if (!k || !extent || !sets) return NULL;
  *k = (known_network){.net = *net, .effort = effort};
  if (net->n_labels) memcpy(extent, net->extent, sizeof *extent * (size_t)net->n_labels);
  memcpy(sets, net->operand, sizeof *sets * (size_t)net->n);
  k->net.extent = extent;
  k->net.operand = sets;
  bool ok = copy_set(arena, &k->net.out);
  for (int i = 0; i < net->n; i++) ok = ok && copy_set(arena, &sets[i]);
  return ok ? k : NULL;
}

es_status es_known_orders(es_known *known, const es_network *net, double effort,
                          const es_orders **found, es_error *error) {
  for (const known_network *k = known->first; k; k = k->next)
    if (k->effort == effort && same_network(&k->net, net)) return *found = &k->found, ES_OK;
  known_network *k = remember(&known->arena, net, effort);
  if (!k) return es_fail_nomem(error);
  ES_TRY(es_orders_find(&known->arena, net, effort, &k->found, error));
  k->next = known->first;
  known->first = k;
  *found = &k->found;
  return ES_OK;
}

es_known *es_known_new(const es_allocator *allocator) {
  es_known *known = es_alloc(allocator, sizeof *known);
  if (!known) return NULL;
  es_arena_init(&known->arena, allocator);
  known->first = NULL;
  return known;
}

void es_known_free(es_known *known) {
  if (!known) return;
  const es_allocator allocator = known->arena.allocator;
  es_arena_free(&known->arena);
  es_free(&allocator, known, sizeof *known);
}
