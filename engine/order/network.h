/* What is to be contracted: sets of labels, and how large they are. */
#ifndef ES_ENGINE_NETWORK_H
#define ES_ENGINE_NETWORK_H

#include "base/arena.h"
#include "base/error.h"

/* Distinct labels, ascending. */
typedef struct es_label_set {
  int n;
  const int32_t *label;
} es_label_set;

/* A hypergraph: a label may be held by any number of operands, and by the output. */
typedef struct es_network {
  int n_labels;
  const int64_t *extent;       /* [n_labels], >= 2 each: smaller ones decide nothing */
  int n;                       /* operands */
  const es_label_set *operand; /* [n] */
  es_label_set out;
  double element_bytes; /* of an intermediate, what a touched element costs */
  double room;          /* elements of an intermediate: a larger one would be made in pieces, and
                           costs as many times more; 0: no matter */
  uint64_t seed;        /* of trees drawn at random */
} es_network;

/* Union of two label sets into out[a.n + b.n]; returns its size. */
int es_label_union(es_label_set a, es_label_set b, int32_t *out);
/* Points of the union of two sets of labels in words of 64 bits, extents by bit. */
static inline double es_set_points(int words, const double *extent, const uint64_t *a,
                                   const uint64_t *b) {
  double product = 1;
  for (int w = 0; w < words; w++)
    for (uint64_t bits = a[w] | b[w]; bits; bits &= bits - 1)
      product *= extent[w * 64 + __builtin_ctzll(bits)];
  return product;
}
/* Product of extents, as a double: 4,096 labels cannot wrap it unnoticed. */
double es_label_points(const es_network *net, es_label_set set);

#endif
