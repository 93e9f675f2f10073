/* The two searches behind es_path_pairwise: a binary tree over the operands. */
#ifndef ES_ENGINE_PATH_TREE_H
#define ES_ENGINE_PATH_TREE_H

#include "engine/path.h"

/* Merge k joins values a < b into value n + k; n - 1 merges make a tree. */
typedef struct es_merge {
  int a, b;
} es_merge;

/* The cheapest of all trees, outer products included; n <= ES_PATH_EXACT. */
es_status es_merge_exact(es_arena *arena, const es_network *net, es_merge *merge, es_error *error);
/* The best pair first, by two rules; near-linear in the labels held. */
es_status es_merge_greedy(es_arena *arena, const es_network *net, es_merge *merge, es_error *error);

/* Union of two label sets into out[a.n + b.n]; returns its size. */
int es_label_union(es_label_set a, es_label_set b, int32_t *out);
/* Product of extents, as a double: 4,096 labels cannot wrap it unnoticed. */
double es_label_points(const es_network *net, es_label_set set);

#endif
