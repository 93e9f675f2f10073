/* A path whose intermediates fit a limit: where none does, labels are cut, and the path
 * runs once for every piece. */
#include <math.h>
#include <string.h>

#include "engine/order/path.h"
#include "engine/order/path_tree.h"

typedef struct slicer {
  es_arena *arena;
  es_network net; /* with the extents that are kept */
  int64_t *kept;
  const es_slicing_rules *rules;
  es_path *path;
  struct room *room;
} slicer;

/* ---- memory and work of a path ------------------------------------------------------- */

/* Of each step of a path: bytes that it keeps, points that it walks, and the labels of both. */
typedef struct room {
  double *size, *work, *now; /* now: size while a cut is tried */
  uint64_t *keeps, *walks;   /* [n_steps][words] */
  int words;
  es_label_set *value;
  int32_t *labels;
  bool *held; /* [n_labels] by a value that lives at the peak */
  bool *out;  /* [n_labels] by the output */
} room;

static bool room_init(const slicer *s, room *r) {
  size_t steps = 2 * (size_t)s->net.n;
  r->words = (s->net.n_labels + 63) / 64;
  r->size = ES_NEW_N(s->arena, double, steps);
  r->work = ES_NEW_N(s->arena, double, steps);
  r->now = ES_NEW_N(s->arena, double, steps);
  r->keeps = es_arena_array(s->arena, steps * (size_t)r->words, sizeof *r->keeps);
  r->walks = es_arena_array(s->arena, steps * (size_t)r->words, sizeof *r->walks);
  r->value = ES_NEW_N(s->arena, es_label_set, 3 * (size_t)s->net.n);
  r->labels = ES_NEW_N(s->arena, int32_t, 2 * (size_t)s->net.n_labels);
  r->held = ES_NEW_N(s->arena, bool, s->net.n_labels);
  r->out = ES_NEW_N(s->arena, bool, s->net.n_labels);
  for (int i = 0; r->out && i < s->net.out.n; i++) r->out[s->net.out.label[i]] = true;
  return r->size && r->work && r->now && r->keeps && r->walks && r->value && r->labels && r->held &&
         r->out;
}

static bool contains(const uint64_t *set, int label) { return set[label / 64] >> label % 64 & 1; }

static void set_bits(uint64_t *set, int words, es_label_set labels) {
  memset(set, 0, (size_t)words * sizeof *set);
  for (int i = 0; i < labels.n; i++)
    set[labels.label[i] / 64] |= (uint64_t)1 << labels.label[i] % 64;
}

static void weigh(const slicer *s, const es_path *path, room *r) {
  memcpy(r->value, s->net.operand, sizeof *r->value * (size_t)s->net.n);
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    es_label_set a = r->value[step->in[0]], b = r->value[step->in[step->n_in - 1]];
    es_label_set all = {es_label_union(a, b, r->labels), r->labels};
    bool last = k == path->n_steps - 1;
    r->size[k] = last ? 0 : s->rules->element_bytes * es_label_points(&s->net, step->keep);
    r->work[k] = es_label_points(&s->net, all);
    set_bits(r->keeps + (size_t)k * (size_t)r->words, r->words, step->keep);
    set_bits(r->walks + (size_t)k * (size_t)r->words, r->words, all);
    r->value[s->net.n + k] = step->keep;
  }
}

/* Bytes of the intermediates that live at the same time, at most, with a label cut into
 * pieces (-1: none). *crowd (may be NULL): the same as a norm over all steps, in units of scale;
 * lattices have many peaks of one height, and a label crosses some of them. */
static double peak(const slicer *s, const es_path *path, const room *r, int label, double pieces,
                   double scale, double *crowd) {
  double live = 0, most = 0, sum = 0;
  const uint64_t *keeps = r->keeps;
  double *now = r->now;
  for (int k = 0; k < path->n_steps; k++, keeps += r->words) {
    const es_path_step *step = &path->step[k];
    now[k] = label >= 0 && contains(keeps, label) ? r->size[k] / pieces : r->size[k];
    live += now[k];
    most = fmax(most, live);
    double square = live / scale * (live / scale);
    sum += square * square;
    for (int i = 0; i < step->n_in; i++)
      if (step->in[i] >= s->net.n) live -= now[step->in[i] - s->net.n];
  }
  if (crowd) *crowd = sqrt(sqrt(sum));
  return most;
}

static double points(const es_path *path, const room *r, int label, double pieces) {
  double sum = 0;
  const uint64_t *walks = r->walks;
  for (int k = 0; k < path->n_steps; k++, walks += r->words)
    sum += label >= 0 && contains(walks, label) ? r->work[k] / pieces : r->work[k];
  return sum;
}

/* ---- the label to cut --------------------------------------------------------------------- */

/* Marks the labels of the values that live when most memory is taken. */
static void mark_at_peak(const slicer *s, room *r, double most) {
  double live = 0;
  int end = 0;
  memset(r->held, 0, sizeof *r->held * (size_t)s->net.n_labels);
  while (end < s->path->n_steps) {
    const es_path_step *step = &s->path->step[end];
    live += r->size[end++];
    if (live >= most) break;
    for (int i = 0; i < step->n_in; i++)
      if (step->in[i] >= s->net.n) live -= r->size[step->in[i] - s->net.n];
  }
  for (int k = 0; k < end; k++) {
    bool alive = true; /* unless a step before the last of these has read it */
    for (int reader = k + 1; reader + 1 < end && alive; reader++)
      for (int i = 0; i < s->path->step[reader].n_in; i++)
        alive &= s->path->step[reader].in[i] != s->net.n + k;
    for (int j = 0; alive && j < s->path->step[k].keep.n; j++)
      r->held[s->path->step[k].keep.label[j]] = true;
  }
}

/* The largest proper part of an extent that divides it and brings the peak under the
 * limit; 1 if none does. */
static int64_t part_that_fits(const slicer *s, int label, const room *r) {
  int64_t extent = s->kept[label];
  for (int64_t pieces = 2; pieces * pieces <= extent || pieces == 2; pieces++)
    if (extent % pieces == 0 &&
        peak(s, s->path, r, label, (double)pieces, 1, NULL) <= s->rules->limit)
      return extent / pieces;
  return 1;
}

/* Pieces of the output have the bits of the whole, those of a sum add up in another order:
 * worth eight times the work, as a logarithm. */
static const double ADDS = 3;

/* Cuts the label that costs least in repeated work: of those that bring the peak under the
 * limit, else for what it frees. So the limit decides nothing before one is found that does, and
 * a larger one would not have failed elsewhere. False: none frees anything. */
static bool cut_one(slicer *s, room *r, double before) {
  double best = INFINITY, work = points(s->path, r, -1, 1);
  int chosen = -1;
  bool fits = false;
  double crowd, after_crowd;
  peak(s, s->path, r, -1, 1, before, &crowd);
  mark_at_peak(s, r, before);
  for (int l = 0; l < s->net.n_labels; l++) {
    double extent = (double)s->kept[l];
    if (!r->held[l] || extent < 2 || !s->rules->may_cut[l]) continue;
    double after = peak(s, s->path, r, l, extent, before, &after_crowd);
    double repeated = extent * points(s->path, r, l, extent) / work;
    bool does = after <= s->rules->limit;
    if (after_crowd >= crowd || (fits && !does)) continue;
    double score = log2(repeated) + (does ? 0 : log2(after_crowd)) + (r->out[l] ? 0 : ADDS);
    if (score >= best && does == fits) continue;
    fits = does;
    best = score;
    chosen = l;
  }
  if (chosen >= 0) s->kept[chosen] = part_that_fits(s, chosen, r);
  return chosen >= 0;
}

/* Bytes that no machine has: what cannot be brought under them is not worth the search. */
static const double HOPELESS = 0x1p60;

/* Whether the cuts that are left could make it worth while: each divides the bytes by the
 * largest extent at most. */
static bool within_reach(const slicer *s, double least, int cut) {
  double extent = 2;
  for (int l = 0; l < s->net.n_labels; l++)
    if (s->rules->may_cut[l]) extent = fmax(extent, (double)s->kept[l]);
  return log2(fmax(least, 1) / HOPELESS) <= (s->rules->most - cut) * log2(extent);
}

/* Cuts what s->path needs, and sets s->kept. *least: bytes that it then takes. */
static es_status slice(slicer *s, double effort, double *least, es_error *error) {
  room *r = s->room;
  int cut = 0;
  weigh(s, s->path, r);
  *least = peak(s, s->path, r, -1, 1, 1, NULL);
  while (*least > s->rules->limit && cut < s->rules->most && within_reach(s, *least, cut) &&
         cut_one(s, r, *least)) {
    cut++;
    weigh(s, s->path, r);
    *least = peak(s, s->path, r, -1, 1, 1, NULL);
    if (cut != 1 && cut != 6) continue; /* a search for another order takes long */
    es_path *other;
    ES_TRY(es_path_pairwise(s->arena, &s->net, effort / (4 * cut), &other, error));
    weigh(s, other, r);
    double bytes = peak(s, other, r, -1, 1, 1, NULL);
    if (bytes <= fmax(*least, s->rules->limit)) {
      *least = bytes;
      s->path = other;
    } else {
      weigh(s, s->path, r);
    }
  }
  return ES_OK;
}

/* Multiply-adds of all pieces, and the bytes that they touch. */
static double cost_of(const slicer *s, const es_network *net) {
  double pieces = 1;
  for (int l = 0; l < net->n_labels; l++) pieces *= (double)(net->extent[l] / s->kept[l]);
  double sum = 0;
  memcpy(s->room->value, net->operand, sizeof *s->room->value * (size_t)net->n);
  for (int k = 0; k < s->path->n_steps; k++) {
    const es_path_step *step = &s->path->step[k];
    double elements = es_label_points(&s->net, step->keep);
    for (int i = 0; i < step->n_in; i++)
      elements += es_label_points(&s->net, s->room->value[step->in[i]]);
    sum += s->room->work[k] + net->element_bytes * elements;
    s->room->value[net->n + k] = step->keep;
  }
  return pieces * sum;
}

/* The best order so far and its pieces. */
typedef struct choice {
  double cost, least;
  es_path *path;
  int64_t *kept;
} choice;

/* Takes an order where it is better: one that fits, then a cheap one; if none does, one that
 * takes little. *whole: it fits in one piece. */
static es_status try_order(slicer *s, const es_network *net, const es_merge *merge, double effort,
                           choice *best, bool *whole, es_error *error) {
  size_t bytes = sizeof *s->kept * (size_t)net->n_labels;
  double least, limit = s->rules->limit;
  memcpy(s->kept, net->extent, bytes);
  ES_TRY(es_path_of(s->arena, net, merge, &s->path, error));
  ES_TRY(slice(s, effort, &least, error));
  double cost = cost_of(s, net);
  *whole = !memcmp(s->kept, net->extent, bytes);
  bool fits = least <= limit, did = best->least <= limit;
  if (best->path && (fits == did ? fits ? cost >= best->cost : least >= best->least : did))
    return ES_OK;
  memcpy(best->kept, s->kept, bytes);
  *best = (choice){cost, least, s->path, best->kept};
  return ES_OK;
}

es_status es_path_within(es_arena *arena, const es_network *net, double effort,
                         const es_slicing_rules *rules, es_path **path, int64_t *kept,
                         double *least, es_error *error) {
  int64_t *own = ES_NEW_N(arena, int64_t, net->n_labels);
  es_orders found = {0};
  choice best = {.kept = kept};
  room r;
  slicer s = {.arena = arena, .net = *net, .kept = own, .rules = rules, .room = &r};
  s.net.extent = own;
  if (!own || !room_init(&s, &r)) return es_fail_nomem(error);
  ES_TRY(es_orders_find(arena, net, effort, &found, error));
  for (int i = 0; i < found.n; i++) {
    bool whole;
    double with = found.order[i].effort;
    ES_TRY(try_order(&s, net, found.order[i].merge, with, &best, &whole, error));
    if (!whole && found.order[i].dearer)
      ES_TRY(try_order(&s, net, found.order[i].dearer, with, &best, &whole, error));
  }
  *path = best.path;
  *least = best.least;
  return ES_OK;
}
