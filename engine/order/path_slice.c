/* A path whose intermediates fit a limit: where none does, labels are cut, and the path
 * runs once for every piece. */
#include <math.h>
#include <string.h>

#include "engine/order/path.h"
#include "engine/order/path_known.h"

/* An order, and of each of its steps: bytes that it keeps, points that it walks, and the labels
 * of both. */
typedef struct room {
  es_path *path;
  es_merge *merge; /* [n - 1] */
  double *size, *work;
  uint64_t *keeps, *walks; /* [n_steps][words] */
} room;

typedef struct slicer {
  es_arena *arena;
  es_network net; /* with the extents that are kept */
  int64_t *kept;
  const es_slicing_rules *rules;
  room *room, *spare;  /* of the order at hand, and of another */
  es_mender *mender;   /* made when it is needed */
  double mended, most; /* splits looked at since an order was taken up, and how many may be */
  double volume;       /* labels that all steps walk */
  int words;
  double *now; /* [steps] sizes while a cut is tried */
  es_label_set *value;
  int32_t *labels;
  bool *held; /* [n_labels] by a value that lives at the peak */
  bool *out;  /* [n_labels] by the output */
} slicer;

/* ---- memory and work of a path ------------------------------------------------------- */

static room *room_new(const slicer *s) {
  size_t steps = 2 * (size_t)s->net.n;
  room *r = ES_NEW(s->arena, room);
  if (!r) return NULL;
  r->merge = ES_NEW_N(s->arena, es_merge, s->net.n);
  r->size = ES_NEW_N(s->arena, double, steps);
  r->work = ES_NEW_N(s->arena, double, steps);
  r->keeps = es_arena_array(s->arena, steps * (size_t)s->words, sizeof *r->keeps);
  r->walks = es_arena_array(s->arena, steps * (size_t)s->words, sizeof *r->walks);
  return r->merge && r->size && r->work && r->keeps && r->walks ? r : NULL;
}

static bool slicer_init(slicer *s) {
  const es_network *net = &s->net;
  s->words = (net->n_labels + 63) / 64;
  s->room = room_new(s);
  s->spare = room_new(s);
  s->now = ES_NEW_N(s->arena, double, 2 * (size_t)net->n);
  s->value = ES_NEW_N(s->arena, es_label_set, 3 * (size_t)net->n);
  s->labels = ES_NEW_N(s->arena, int32_t, 2 * (size_t)net->n_labels);
  s->held = ES_NEW_N(s->arena, bool, net->n_labels);
  s->out = ES_NEW_N(s->arena, bool, net->n_labels);
  for (int i = 0; s->out && i < net->out.n; i++) s->out[net->out.label[i]] = true;
  return s->room && s->spare && s->now && s->value && s->labels && s->held && s->out;
}

static bool contains(const uint64_t *set, int label) { return set[label / 64] >> label % 64 & 1; }

static void set_bits(uint64_t *set, int words, es_label_set labels) {
  memset(set, 0, (size_t)words * sizeof *set);
  for (int i = 0; i < labels.n; i++)
    set[labels.label[i] / 64] |= (uint64_t)1 << labels.label[i] % 64;
}

static void weigh(slicer *s, es_path *path, room *r) {
  r->path = path;
  s->volume = 0;
  memcpy(s->value, s->net.operand, sizeof *s->value * (size_t)s->net.n);
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    es_label_set a = s->value[step->in[0]], b = s->value[step->in[step->n_in - 1]];
    es_label_set all = {es_label_union(a, b, s->labels), s->labels};
    bool last = k == path->n_steps - 1;
    r->size[k] = last ? 0 : s->rules->element_bytes * es_label_points(&s->net, step->keep);
    r->work[k] = es_label_points(&s->net, all);
    s->volume += all.n;
    set_bits(r->keeps + (size_t)k * (size_t)s->words, s->words, step->keep);
    set_bits(r->walks + (size_t)k * (size_t)s->words, s->words, all);
    s->value[s->net.n + k] = step->keep;
  }
}

/* The same, once a label is cut. */
static void scale(const slicer *s, int label, double pieces) {
  const room *r = s->room;
  const uint64_t *keeps = r->keeps, *walks = r->walks;
  for (int k = 0; k < r->path->n_steps; k++, keeps += s->words, walks += s->words) {
    if (contains(keeps, label)) r->size[k] /= pieces;
    if (contains(walks, label)) r->work[k] /= pieces;
  }
}

/* Bytes of the intermediates that live at the same time, at most, with a label cut into
 * pieces (-1: none). *crowd (may be NULL): the same as a norm over all steps, in units of scale;
 * lattices have many peaks of one height, and a label crosses some of them. */
static double peak(const slicer *s, const room *r, int label, double pieces, double scale,
                   double *crowd) {
  double live = 0, most = 0, sum = 0;
  const uint64_t *keeps = r->keeps;
  double *now = s->now;
  for (int k = 0; k < r->path->n_steps; k++, keeps += s->words) {
    const es_path_step *step = &r->path->step[k];
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

static double points(const slicer *s, const room *r, int label, double pieces) {
  double sum = 0;
  const uint64_t *walks = r->walks;
  for (int k = 0; k < r->path->n_steps; k++, walks += s->words)
    sum += label >= 0 && contains(walks, label) ? r->work[k] / pieces : r->work[k];
  return sum;
}

/* ---- the label to cut --------------------------------------------------------------------- */

/* Marks the labels of the values that live when most memory is taken. */
static void mark_at_peak(const slicer *s, double most) {
  const room *r = s->room;
  const es_path *path = r->path;
  double live = 0;
  int end = 0;
  memset(s->held, 0, sizeof *s->held * (size_t)s->net.n_labels);
  while (end < path->n_steps) {
    const es_path_step *step = &path->step[end];
    live += r->size[end++];
    if (live >= most) break;
    for (int i = 0; i < step->n_in; i++)
      if (step->in[i] >= s->net.n) live -= r->size[step->in[i] - s->net.n];
  }
  for (int k = 0; k < end; k++) {
    bool alive = true; /* unless a step before the last of these has read it */
    for (int reader = k + 1; reader + 1 < end && alive; reader++)
      for (int i = 0; i < path->step[reader].n_in; i++)
        alive &= path->step[reader].in[i] != s->net.n + k;
    for (int j = 0; alive && j < path->step[k].keep.n; j++)
      s->held[path->step[k].keep.label[j]] = true;
  }
}

/* The largest proper part of an extent that divides it and brings the peak under the
 * limit; 1 if none does. */
static int64_t part_that_fits(const slicer *s, int label) {
  int64_t extent = s->kept[label];
  for (int64_t pieces = 2; pieces * pieces <= extent || pieces == 2; pieces++)
    if (extent % pieces == 0 && peak(s, s->room, label, (double)pieces, 1, NULL) <= s->rules->limit)
      return extent / pieces;
  return 1;
}

/* Pieces of the output have the bits of the whole, those of a sum add up in another order:
 * worth eight times the work, as a logarithm. */
static const double ADDS = 3;

/* Cuts the label that costs least in repeated work: of those that bring the peak under the
 * limit, else for what it frees. So the limit decides nothing before one is found that does, and
 * a larger one would not have failed elsewhere. False: none frees anything. */
static bool cut_one(slicer *s, double before) {
  double best = INFINITY, work = points(s, s->room, -1, 1);
  int chosen = -1;
  bool fits = false;
  double crowd, after_crowd;
  peak(s, s->room, -1, 1, before, &crowd);
  mark_at_peak(s, before);
  for (int l = 0; l < s->net.n_labels; l++) {
    double extent = (double)s->kept[l];
    if (!s->held[l] || extent < 2 || !s->rules->may_cut[l]) continue;
    double after = peak(s, s->room, l, extent, before, &after_crowd);
    double repeated = extent * points(s, s->room, l, extent) / work;
    bool does = after <= s->rules->limit;
    if (after_crowd >= crowd || (fits && !does)) continue;
    double score = log2(repeated) + (does ? 0 : log2(after_crowd)) + (s->out[l] ? 0 : ADDS);
    if (score >= best && does == fits) continue;
    fits = does;
    best = score;
    chosen = l;
  }
  if (chosen < 0) return false;
  double extent = (double)s->kept[chosen];
  s->kept[chosen] = part_that_fits(s, chosen);
  scale(s, chosen, extent / (double)s->kept[chosen]);
  return true;
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

/* Takes the order of s->spare->merge, unless it needs more memory, and more than there is. */
static es_status take_spare(slicer *s, double *least, es_error *error) {
  es_path *other;
  room *r = s->spare;
  ES_TRY(es_path_of(s->arena, &s->net, r->merge, &other, error));
  weigh(s, other, r);
  double bytes = peak(s, r, -1, 1, 1, NULL);
  if (bytes > fmax(*least, s->rules->limit)) return ES_OK;
  *least = bytes;
  s->spare = s->room;
  s->room = r;
  return ES_OK;
}

/* Operands of which more than one way to cut is tried. */
enum { FEW = 200 };

/* What taking up an order costs, in splits, for every label that its steps walk. */
static const double TAKE = 3;

/* What has been cut may make a piece of the order better another way. */
static es_status mend(slicer *s, double *least, es_error *error) {
  if (s->mended >= s->most) return ES_OK;
  if (!s->mender && !(s->mender = es_mender_new(s->arena, &s->net))) return es_fail_nomem(error);
  es_mender_load(s->mender, s->room->merge);
  es_mender_mend(s->mender, s->most, &s->mended);
  es_mender_store(s->mender, s->spare->merge);
  s->mended += TAKE * s->volume;
  return take_spare(s, least, error);
}

/* Or the whole, with this part of the effort: a search takes long, so it is done once. */
static const double SEARCH = 0.1;

static es_status search(slicer *s, double effort, double *least, es_error *error) {
  es_orders found = {0};
  ES_TRY(es_orders_find(s->arena, &s->net, SEARCH * effort, &found, error));
  const es_merge *best = found.order[es_orders_best(&found)].merge;
  memcpy(s->spare->merge, best, sizeof *best * (size_t)(s->net.n - 1));
  return take_spare(s, least, error);
}

/* Cuts what the order needs, and sets s->kept; with an effort above 0 the order is mended between
 * the cuts. *least: bytes that it then takes. */
static es_status slice(slicer *s, double effort, double *least, es_error *error) {
  int cut = 0;
  s->mended = 0;
  *least = peak(s, s->room, -1, 1, 1, NULL);
  while (*least > s->rules->limit && cut < s->rules->most && within_reach(s, *least, cut) &&
         cut_one(s, *least)) {
    cut++;
    *least = peak(s, s->room, -1, 1, 1, NULL);
    if (cut == 1 && effort > 0 && s->net.n <= FEW) ES_TRY(search(s, effort, least, error));
    ES_TRY(mend(s, least, error));
  }
  return ES_OK;
}

/* Multiply-adds of all pieces, and the bytes that they touch. */
static double cost_of(const slicer *s, const es_network *net) {
  double pieces = 1;
  for (int l = 0; l < net->n_labels; l++) pieces *= (double)(net->extent[l] / s->kept[l]);
  double sum = 0;
  const es_path *path = s->room->path;
  memcpy(s->value, net->operand, sizeof *s->value * (size_t)net->n);
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    double elements = es_label_points(&s->net, step->keep);
    for (int i = 0; i < step->n_in; i++)
      elements += es_label_points(&s->net, s->value[step->in[i]]);
    sum += s->room->work[k] + net->element_bytes * elements;
    s->value[net->n + k] = step->keep;
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
  es_path *path;
  memcpy(s->kept, net->extent, bytes);
  memcpy(s->room->merge, merge, sizeof *merge * (size_t)(net->n - 1));
  ES_TRY(es_path_of(s->arena, net, merge, &path, error));
  weigh(s, path, s->room);
  ES_TRY(slice(s, effort, &least, error));
  double cost = cost_of(s, net);
  *whole = !memcmp(s->kept, net->extent, bytes);
  bool fits = least <= limit, did = best->least <= limit;
  if (best->path && (fits == did ? fits ? cost >= best->cost : least >= best->least : did))
    return ES_OK;
  memcpy(best->kept, s->kept, bytes);
  *best = (choice){cost, least, s->room->path, best->kept};
  return ES_OK;
}

/* Splits that are looked at to mend an order between cuts, at effort 1. */
static const double MEND_EACH = 300, MEND_LEAST = 1.5e5;

/* A tree, cut as it is, and mended from cut to cut: the better of the two. Mending finds cheaper
 * orders as a rule, but now and then one that takes many cuts more. */
static es_status try_both(slicer *s, const es_network *net, const es_merge *merge, double effort,
                          choice *best, bool *whole, es_error *error) {
  bool mends = es_mender_takes(net);
  s->most = 0;
  if (!mends || net->n <= FEW) ES_TRY(try_order(s, net, merge, 0, best, whole, error));
  if (!mends || (net->n <= FEW && *whole)) return ES_OK;
  s->most = effort * fmax(MEND_LEAST, MEND_EACH * net->n);
  return try_order(s, net, merge, effort, best, whole, error);
}

es_status es_path_within(es_arena *arena, const es_network *net, double effort,
                         const es_slicing_rules *rules, struct es_known *known, es_path **path,
                         int64_t *kept, double *least, es_error *error) {
  int64_t *own = ES_NEW_N(arena, int64_t, net->n_labels);
  const es_orders *found;
  choice best = {.kept = kept};
  slicer s = {.arena = arena, .net = *net, .kept = own, .rules = rules};
  s.net.extent = own;
  if (!own || !slicer_init(&s)) return es_fail_nomem(error);
  ES_TRY(es_known_orders(known, net, effort, &found, error));
  for (int i = 0; i < found->n; i++) {
    bool whole;
    double with = found->order[i].effort;
    ES_TRY(try_both(&s, net, found->order[i].merge, with, &best, &whole, error));
    if (!whole && found->order[i].dearer)
      ES_TRY(try_both(&s, net, found->order[i].dearer, with, &best, &whole, error));
  }
  *path = best.path;
  *least = best.least;
  return ES_OK;
}
