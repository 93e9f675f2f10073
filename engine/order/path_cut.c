#include "engine/order/path_cut.h"

#include <math.h>
#include <string.h>

/* ---- memory and work of a path ------------------------------------------------------- */

static es_room *room_new(const es_slicer *s) {
  size_t steps = 2 * (size_t)s->net.n;
  es_room *r = ES_NEW(s->arena, es_room);
  if (!r) return NULL;
  r->merge = ES_NEW_N(s->arena, es_merge, s->net.n);
  r->size = ES_NEW_N(s->arena, double, steps);
  r->work = ES_NEW_N(s->arena, double, steps);
  r->keeps = es_arena_array(s->arena, steps * (size_t)s->words, sizeof *r->keeps);
  r->walks = es_arena_array(s->arena, steps * (size_t)s->words, sizeof *r->walks);
  return r->merge && r->size && r->work && r->keeps && r->walks ? r : NULL;
}

static bool cuts_init(es_arena *arena, int n, es_cuts *c) {
  *c = (es_cuts){.label = ES_NEW_N(arena, int, n),
                 .part = ES_NEW_N(arena, double, n),
                 .live = ES_NEW_N(arena, double, n),
                 .peak = ES_NEW_N(arena, double, n),
                 .crowd = ES_NEW_N(arena, double, n),
                 .walks = ES_NEW_N(arena, double, n)};
  return c->label && c->part && c->live && c->peak && c->crowd && c->walks;
}

bool es_slicer_init(es_slicer *s) {
  const es_network *net = &s->net;
  s->words = (net->n_labels + 63) / 64;
  s->room = room_new(s);
  s->spare = room_new(s);
  s->now = ES_NEW_N(s->arena, double, 2 * (size_t)net->n);
  s->value = ES_NEW_N(s->arena, es_label_set, 3 * (size_t)net->n);
  s->labels = ES_NEW_N(s->arena, int32_t, 2 * (size_t)net->n_labels);
  bool cuts = cuts_init(s->arena, net->n_labels, &s->cuts);
  s->cut_of = ES_NEW_N(s->arena, int, net->n_labels);
  s->listed = ES_NEW_N(s->arena, uint64_t, s->words);
  s->out = ES_NEW_N(s->arena, bool, net->n_labels);
  s->alive = ES_NEW_N(s->arena, bool, 2 * (size_t)net->n);
  for (int i = 0; s->out && i < net->out.n; i++) s->out[net->out.label[i]] = true;
  return s->room && s->spare && s->now && s->value && s->labels && cuts && s->cut_of && s->listed &&
         s->out && s->alive;
}

static bool contains(const uint64_t *set, int label) { return set[label / 64] >> label % 64 & 1; }

static void set_bits(uint64_t *set, int words, es_label_set labels) {
  memset(set, 0, (size_t)words * sizeof *set);
  for (int i = 0; i < labels.n; i++)
    set[labels.label[i] / 64] |= (uint64_t)1 << labels.label[i] % 64;
}

void es_slicer_weigh(es_slicer *s, es_path *path, es_room *r) {
  r->path = path;
  memcpy(s->value, s->net.operand, sizeof *s->value * (size_t)s->net.n);
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    es_label_set a = s->value[step->in[0]], b = s->value[step->in[step->n_in - 1]];
    es_label_set all = {es_label_union(a, b, s->labels), s->labels};
    bool last = k == path->n_steps - 1;
    r->size[k] = last ? 0 : s->rules.element_bytes * es_label_points(&s->net, step->keep);
    r->work[k] = es_label_points(&s->net, all);
    set_bits(r->keeps + (size_t)k * (size_t)s->words, s->words, step->keep);
    set_bits(r->walks + (size_t)k * (size_t)s->words, s->words, all);
    s->value[s->net.n + k] = step->keep;
  }
}

/* The same, once a label is cut. */
static void scale(const es_slicer *s, int label, double pieces) {
  const es_room *r = s->room;
  const uint64_t *keeps = r->keeps, *walks = r->walks;
  for (int k = 0; k < r->path->n_steps; k++, keeps += s->words, walks += s->words) {
    if (contains(keeps, label)) r->size[k] /= pieces;
    if (contains(walks, label)) r->work[k] /= pieces;
  }
}

double es_slicer_peak(const es_slicer *s, const es_room *r, int label, double pieces) {
  double live = 0, most = 0;
  const uint64_t *keeps = r->keeps;
  double *now = s->now;
  for (int k = 0; k < r->path->n_steps; k++, keeps += s->words) {
    const es_path_step *step = &r->path->step[k];
    now[k] = label >= 0 && contains(keeps, label) ? r->size[k] / pieces : r->size[k];
    live += now[k];
    most = fmax(most, live);
    for (int i = 0; i < step->n_in; i++)
      if (step->in[i] >= s->net.n) live -= now[step->in[i] - s->net.n];
  }
  return most;
}

double es_slicer_cost(const es_slicer *s, const es_room *r) {
  double sum = 0;
  const es_path *path = r->path;
  memcpy(s->value, s->net.operand, sizeof *s->value * (size_t)s->net.n);
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    double elements = es_label_points(&s->net, step->keep), size[2] = {0};
    for (int i = 0; i < step->n_in; i++)
      elements += size[i & 1] = es_label_points(&s->net, s->value[step->in[i]]);
    if (step->n_in == 2) elements += es_packed_elements(r->work[k], size[0], size[1]);
    sum += r->work[k] + s->net.element_bytes * elements;
    s->value[s->net.n + k] = step->keep;
  }
  return sum;
}

/* ---- the label to cut --------------------------------------------------------------------- */

/* A value of less than one part in so many makes no peak: there are 1,000 at most. */
static const double SMALL = 1024;

static void add_cut(es_slicer *s, int label) {
  es_cuts *c = &s->cuts;
  if (s->cut_of[label] >= 0 || s->kept[label] < 2 || !s->rules.may_cut[label]) return;
  s->cut_of[label] = c->n;
  s->listed[label / 64] |= (uint64_t)1 << label % 64;
  c->label[c->n] = label;
  c->part[c->n] = 1 - 1 / (double)s->kept[label];
  c->live[c->n] = c->peak[c->n] = c->crowd[c->n] = c->walks[c->n] = 0;
  c->n++;
}

/* Lists the labels of the values that live when most memory is taken. */
static void list_cuts(es_slicer *s, double most) {
  const es_room *r = s->room;
  double live = 0;
  bool *alive = s->alive;
  s->cuts.n = 0;
  for (int l = 0; l < s->net.n_labels; l++) s->cut_of[l] = -1;
  memset(s->listed, 0, (size_t)s->words * sizeof *s->listed);
  memset(alive, 0, (size_t)r->path->n_steps);
  for (int k = 0; k < r->path->n_steps; k++) {
    const es_path_step *step = &r->path->step[k];
    live += r->size[k];
    alive[k] = true;
    if (live >= most) break;
    for (int i = 0; i < step->n_in; i++) {
      int made = step->in[i] - s->net.n;
      if (made >= 0) live -= r->size[made], alive[made] = false;
    }
  }
  for (int k = 0; k < r->path->n_steps; k++)
    for (int j = 0; alive[k] && r->size[k] * SMALL > most && j < r->path->step[k].keep.n; j++)
      add_cut(s, r->path->step[k].keep.label[j]);
}

static void add_live(es_slicer *s, int step, double bytes) {
  const es_label_set *keep = &s->room->path->step[step].keep;
  for (int j = 0; j < keep->n; j++) {
    int c = s->cut_of[keep->label[j]];
    if (c >= 0) s->cuts.live[c] += bytes;
  }
}

static void rate_step(es_cuts *c, double live, double part_of_most) {
  const double *restrict part = c->part, *restrict held = c->live;
  double *restrict peak = c->peak, *restrict crowd = c->crowd;
  for (int i = 0; i < c->n; i++) {
    double left = live - part[i] * held[i], ratio = left * part_of_most;
    peak[i] = left > peak[i] ? left : peak[i];
    crowd[i] += ratio * ratio * (ratio * ratio);
  }
}

/* What each of them would do, in one pass over the steps. Returns the norm as it is. */
static double rate_cuts(es_slicer *s, double most) {
  const es_room *r = s->room;
  const uint64_t *walks = r->walks;
  const double part_of_most = 1 / most;
  double live = 0, sum = 0;
  for (int k = 0; k < r->path->n_steps; k++, walks += s->words) {
    const es_path_step *step = &r->path->step[k];
    live += r->size[k];
    add_live(s, k, r->size[k]);
    if (r->size[k] * SMALL > most) {
      double ratio = live / most;
      sum += ratio * ratio * (ratio * ratio);
      rate_step(&s->cuts, live, part_of_most);
    }
    for (int w = 0; w < s->words; w++)
      for (uint64_t bits = walks[w] & s->listed[w]; bits; bits &= bits - 1)
        s->cuts.walks[s->cut_of[w * 64 + __builtin_ctzll(bits)]] += r->work[k];
    for (int i = 0; i < step->n_in; i++) {
      int made = step->in[i] - s->net.n;
      if (made >= 0) live -= r->size[made], add_live(s, made, -r->size[made]);
    }
  }
  for (int i = 0; i < s->cuts.n; i++) s->cuts.crowd[i] = sqrt(sqrt(s->cuts.crowd[i]));
  return sqrt(sqrt(sum));
}

/* The largest proper part of an extent that divides it and brings the peak under the
 * limit; 1 if none does. */
static int64_t part_that_fits(const es_slicer *s, int label) {
  int64_t extent = s->kept[label];
  for (int64_t pieces = 2; pieces * pieces <= extent || pieces == 2; pieces++)
    if (extent % pieces == 0 && es_slicer_peak(s, s->room, label, (double)pieces) <= s->rules.limit)
      return extent / pieces;
  return 1;
}

/* Pieces of the output have the bits of the whole, those of a sum add up in another order:
 * worth eight times the work, as a logarithm. */
static const double ADDS = 3;

bool es_slicer_cut(es_slicer *s, double before) {
  double best = INFINITY, work = 0;
  int chosen = -1;
  bool fits = false;
  for (int k = 0; k < s->room->path->n_steps; k++) work += s->room->work[k];
  list_cuts(s, before);
  double crowd = rate_cuts(s, before);
  const es_cuts *c = &s->cuts;
  for (int i = 0; i < c->n; i++) {
    double extent = (double)s->kept[c->label[i]];
    bool does = c->peak[i] <= s->rules.limit;
    if (c->crowd[i] >= crowd * ES_LESS || (fits && !does)) continue;
    double score = log2(extent * (work - c->part[i] * c->walks[i]) / work) +
                   (does ? 0 : log2(c->crowd[i])) + (s->out[c->label[i]] ? 0 : ADDS);
    if (score >= best && does == fits) continue;
    fits = does;
    best = score;
    chosen = c->label[i];
  }
  if (chosen < 0) return false;
  double extent = (double)s->kept[chosen];
  s->kept[chosen] = part_that_fits(s, chosen);
  scale(s, chosen, extent / (double)s->kept[chosen]);
  return true;
}

void es_slicer_give_back(es_slicer *s, const es_network *net, double *least) {
  for (int l = 0; l < net->n_labels && *least <= s->rules.limit; l++) {
    double pieces = (double)(net->extent[l] / s->kept[l]), bytes;
    if (pieces == 1 || (bytes = es_slicer_peak(s, s->room, l, 1 / pieces)) > s->rules.limit)
      continue;
    s->kept[l] = net->extent[l];
    scale(s, l, 1 / pieces);
    *least = bytes;
  }
}
