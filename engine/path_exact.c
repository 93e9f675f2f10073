/* All binary trees over at most ES_PATH_EXACT operands, by dynamic programming
 * over subsets: 3^10 / 2 = 29,524 splits. Label sets are bit sets here. */
#include "engine/path_tree.h"

typedef struct search {
  const es_network *net;
  int words;         /* 64-bit words of a bit set */
  uint64_t *operand; /* [n][words], without the labels an operand alone holds */
  uint64_t *kept;    /* [2^n][words] labels of the subset's value */
  double *size;      /* [2^n] its elements */
  double *cost;      /* [2^n] of the best tree */
  int *split;        /* [2^n] one side of the last merge of that tree */
} search;

static void add(uint64_t *set, int label) { set[label >> 6] |= (uint64_t)1 << (label & 63); }

static double points(const search *s, const uint64_t *a, const uint64_t *b) {
  double product = 1;
  for (int w = 0; w < s->words; w++)
    for (uint64_t bits = a[w] | b[w]; bits; bits &= bits - 1)
      product *= (double)s->net->extent[w * 64 + __builtin_ctzll(bits)];
  return product;
}

static void fill_operands(search *s) {
  const es_network *net = s->net;
  for (int i = 0; i < net->n; i++)
    for (int j = 0; j < net->operand[i].n; j++) {
      int32_t label = net->operand[i].label[j];
      int holders = 0;
      for (int k = 0; k < net->n; k++)
        for (int l = 0; l < net->operand[k].n; l++) holders += net->operand[k].label[l] == label;
      for (int l = 0; l < net->out.n; l++) holders += net->out.label[l] == label;
      if (holders > 1) add(s->operand + i * s->words, label);
    }
}

/* Labels of the subset that the output or an operand outside it needs. */
static void fill_kept(search *s, int subset) {
  uint64_t *kept = s->kept + (size_t)subset * s->words;
  for (int w = 0; w < s->words; w++) {
    uint64_t inside = 0, outside = 0;
    for (int i = 0; i < s->net->n; i++) {
      uint64_t labels = s->operand[i * s->words + w];
      if (subset >> i & 1)
        inside |= labels;
      else
        outside |= labels;
    }
    kept[w] = inside & outside;
    for (int l = 0; l < s->net->out.n; l++) {
      int label = s->net->out.label[l];
      if (label >> 6 == w && inside >> (label & 63) & 1) add(kept, label);
    }
  }
  s->size[subset] = points(s, kept, kept);
}

static void best_split(search *s, int subset) {
  int lowest = subset & -subset;
  s->cost[subset] = __builtin_inf();
  for (int a = (subset - 1) & subset; a; a = (a - 1) & subset) {
    int b = subset ^ a;
    if (!(a & lowest)) continue;
    double cost = s->cost[a] + s->cost[b];
    if (cost >= s->cost[subset]) continue;
    cost += points(s, s->kept + (size_t)a * s->words, s->kept + (size_t)b * s->words) +
            s->net->element_bytes * (s->size[a] + s->size[b] + s->size[subset]);
    if (cost < s->cost[subset]) {
      s->cost[subset] = cost;
      s->split[subset] = a;
    }
  }
  if (!s->split[subset]) { /* every cost is infinite: any tree will do */
    s->split[subset] = lowest;
    s->cost[subset] = 1e300;
  }
}

/* Depth is at most n. Returns the number of the subset's value. */
static int write_merges(const search *s, int subset, es_merge *merge, int *n_merges) {
  if (!(subset & (subset - 1))) return __builtin_ctz(subset);
  int a = write_merges(s, s->split[subset], merge, n_merges);
  int b = write_merges(s, subset ^ s->split[subset], merge, n_merges);
  merge[*n_merges] = (es_merge){a < b ? a : b, a < b ? b : a};
  return s->net->n + (*n_merges)++;
}

es_status es_merge_exact(es_arena *arena, const es_network *net, es_merge *merge, es_error *error) {
  int subsets = 1 << net->n;
  search s = {.net = net, .words = (net->n_labels + 63) / 64};
  s.operand = ES_NEW_N(arena, uint64_t, net->n * s.words);
  s.kept = ES_NEW_N(arena, uint64_t, (size_t)subsets * s.words);
  s.size = ES_NEW_N(arena, double, subsets);
  s.cost = ES_NEW_N(arena, double, subsets);
  s.split = ES_NEW_N(arena, int, subsets);
  if (!s.operand || !s.kept || !s.size || !s.cost || !s.split) return es_fail_nomem(error);
  fill_operands(&s);
  for (int subset = 1; subset < subsets; subset++) {
    fill_kept(&s, subset);
    if (subset & (subset - 1)) best_split(&s, subset);
  }
  int n_merges = 0;
  write_merges(&s, subsets - 1, merge, &n_merges);
  return ES_OK;
}
