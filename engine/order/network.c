#include "engine/order/network.h"

int es_label_union(es_label_set a, es_label_set b, int32_t *out) {
  int i = 0, j = 0, n = 0;
  while (i < a.n && j < b.n) {
    int32_t x = a.label[i], y = b.label[j];
    out[n++] = x < y ? x : y;
    i += x <= y;
    j += y <= x;
  }
  while (i < a.n) out[n++] = a.label[i++];
  while (j < b.n) out[n++] = b.label[j++];
  return n;
}

double es_label_points(const es_network *net, es_label_set set) {
  double points = 1;
  for (int i = 0; i < set.n; i++) points *= (double)net->extent[set.label[i]];
  return points;
}
