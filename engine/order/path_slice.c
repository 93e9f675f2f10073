/* A path whose intermediates fit a limit: where none does, labels are cut, and the path
 * runs once for every piece. */
#include <math.h>
#include <string.h>

#include "engine/order/path_cut.h"
#include "engine/order/path_known.h"

/* Bytes that no machine has, and multiply-adds that none will finish: what cannot be brought under
 * them is not worth the search, and fits nowhere. */
static const double HOPELESS = 0x1p60, ENDLESS = 0x1p80;

/* Whether the cuts that are left could make it worth while: each divides the bytes by the
 * largest extent at most. */
static bool within_reach(const es_slicer *s, double least, int made) {
  double extent = 2;
  for (int l = 0; l < s->net.n_labels; l++)
    if (s->rules.may_cut[l]) extent = fmax(extent, (double)s->kept[l]);
  return log2(fmax(least, 1) / HOPELESS) <= (s->rules.most - made) * log2(extent);
}

/* ---- other orders ------------------------------------------------------------------------- */

/* What an order costs if what it takes too much is cut away, at worst. */
static double outlook(const es_slicer *s, const es_room *r, double bytes) {
  return es_slicer_cost(s, r) * fmax(1, bytes / s->rules.limit);
}

/* Takes the order of s->spare->merge where it looks better. */
static es_status take_spare(es_slicer *s, double *least, es_error *error) {
  es_path *other;
  es_room *r = s->spare;
  ES_TRY(es_path_of(s->arena, &s->net, r->merge, &other, error));
  es_slicer_weigh(s, other, r);
  double bytes = es_slicer_peak(s, r, -1, 1);
  if (outlook(s, r, bytes) >= outlook(s, s->room, *least) * ES_LESS) return ES_OK;
  *least = bytes;
  s->spare = s->room;
  s->room = r;
  return ES_OK;
}

/* Splits that are looked at to fit an order into memory, at effort 1, and those that annealing it
 * takes less than all. */
static const double FIT_EACH = 1e4, FIT_MOST = 3.5e5, ANNEAL = 0.85;

/* What taking up another order takes, in splits for each operand. */
static const double TAKE = 100;

/* Once an order is fitted to the limit, how hot it is annealed anew. */
static const double COOLER = 0.5;

/* An intermediate takes this part of the limit at most, or it costs more: others live beside it. */
static const double ALONE = 0.5;

/* Looks for an order that fits better with the cuts there are, in a part of the work that is
 * left. */
static es_status refine(es_slicer *s, double part, double heat, double *least, es_error *error) {
  double span = part * (s->most - s->work), limit = s->work + span, cool = s->work + ANNEAL * span;
  if (span <= (s->work > 0 ? 3 * TAKE * s->net.n : 0) || !(s->rules.limit > 0)) return ES_OK;
  if (!s->mender && !(s->mender = es_mender_new(s->arena, &s->net))) return es_fail_nomem(error);
  s->net.room = fmax(1, ALONE * s->rules.limit / s->rules.element_bytes);
  es_mender_load(s->mender, s->room->merge);
  if (s->net.n > ES_PATH_ALL &&
      isfinite(es_mender_anneal(s->mender, heat, s->seed++, cool, s->spare->merge, &s->work)))
    es_mender_load(s->mender, s->spare->merge);
  es_mender_mend(s->mender, limit, &s->work);
  es_mender_store(s->mender, s->spare->merge);
  s->net.room = 0;
  s->work += TAKE * s->net.n;
  return take_spare(s, least, error);
}

/* Cuts what the order needs, and sets s->kept; where there is work to do between the cuts, the
 * order changes. *least: bytes that it then takes. */
static es_status slice(es_slicer *s, const es_network *net, double *least, es_error *error) {
  int made = 0;
  s->work = 0;
  if (within_reach(s, *least, made)) ES_TRY(refine(s, 0.4, 1, least, error));
  while (*least > s->rules.limit && made < s->rules.most && within_reach(s, *least, made) &&
         es_slicer_cut(s, *least)) {
    made++;
    *least = es_slicer_peak(s, s->room, -1, 1);
    double left = log2(fmax(2, *least / fmax(1, s->rules.limit)));
    ES_TRY(refine(s, 1 / (1 + left), COOLER, least, error));
  }
  if (*least <= s->rules.limit) ES_TRY(refine(s, 1, COOLER, least, error));
  es_slicer_give_back(s, net, least);
  return ES_OK;
}

static double pieces_of(const es_slicer *s, const es_network *net) {
  double pieces = 1;
  for (int l = 0; l < net->n_labels; l++) pieces *= (double)(net->extent[l] / s->kept[l]);
  return pieces;
}

static double cost_of(const es_slicer *s, const es_network *net) {
  return pieces_of(s, net) * es_slicer_cost(s, s->room);
}

/* The best order so far and its pieces. */
typedef struct choice {
  double limit; /* of bytes: of orders within it the cheapest is best, of others what takes least */
  double cost, least;
  es_path *path;
  es_merge *merge; /* [n - 1] */
  int64_t *kept;
} choice;

/* Takes what is at hand where it is better. */
static void consider(const es_slicer *s, const es_network *net, double least, choice *best) {
  double cost = cost_of(s, net);
  bool fits = least <= best->limit, did = best->least <= best->limit;
  if (best->path && (fits == did ? fits ? cost >= best->cost : least >= best->least : did)) return;
  memcpy(best->kept, s->kept, sizeof *s->kept * (size_t)net->n_labels);
  memcpy(best->merge, s->room->merge, sizeof *best->merge * (size_t)(net->n - 1));
  best->cost = cost;
  best->least = least;
  best->path = s->room->path;
}

/* Takes up a tree as it is. */
static es_status take_up(es_slicer *s, const es_network *net, const es_merge *merge, double *least,
                         es_error *error) {
  es_path *path;
  memcpy(s->kept, net->extent, sizeof *s->kept * (size_t)net->n_labels);
  memcpy(s->room->merge, merge, sizeof *merge * (size_t)(net->n - 1));
  ES_TRY(es_path_of(s->arena, net, merge, &path, error));
  es_slicer_weigh(s, path, s->room);
  *least = es_slicer_peak(s, s->room, -1, 1);
  return ES_OK;
}

/* A tree, in pieces where it does not fit, and as another one that is looked for from there, in so
 * many splits. *fits: it does as it is. */
static es_status try_tree(es_slicer *s, const es_network *net, const es_merge *merge, double most,
                          choice *best, bool *fits, es_error *error) {
  double least;
  ES_TRY(take_up(s, net, merge, &least, error));
  s->most = most;
  *fits = least <= s->rules.limit;
  if (!*fits) ES_TRY(slice(s, net, &least, error));
  if (!*fits && cost_of(s, net) > ENDLESS) ES_TRY(take_up(s, net, merge, &least, error));
  consider(s, net, least, best);
  return ES_OK;
}

static es_status try_whole(es_slicer *s, const es_network *net, const es_merge *merge, choice *best,
                           es_error *error) {
  double least;
  ES_TRY(take_up(s, net, merge, &least, error));
  if (least <= s->rules.limit) consider(s, net, least, best);
  return ES_OK;
}

/* Efforts with which orders are made to fit: this one and eight, sixty-four, … times it. */
static const double LEAST_EFFORT = 0x1p-3, NEXT_EFFORT = 8;

/* Times the limit, and of more operands than MANY; of the bytes that the first try took. */
static const double FAR = 256, FAR_OF_MANY = 2, NEARER = 0.25;

/* Of the orders found with an effort the last. */
static int found_with(const es_orders *found, double effort) {
  int last = 0;
  for (int i = 1; i < found->n; i++)
    if (found->order[i].effort <= effort) last = i;
  return last;
}

/* A tree is made to fit several times, from other random numbers, and at last the one that was
 * found before it: single tries under tight limits differed by a factor of up to 15. Of more
 * operands than FEW they would take too long. */
enum { STARTS = 3, FEW = 100, MANY = 200 };

/* Making the steps of more operands takes as long as another try: the next one is left to twice
 * the effort. */
enum { VERY_MANY = 500 };

static es_status try_starts(es_slicer *s, const es_network *net, const es_orders *found, int last,
                            double most, choice *best, es_error *error) {
  bool fits = false;
  const int starts = net->n <= FEW && !s->rules.again ? STARTS : 1;
  for (int i = 0; i < starts && !fits; i++) {
    int at = i > 0 && i + 1 == starts && last > 0 ? last - 1 : last;
    ES_TRY(try_tree(s, net, found->order[at].merge, most, best, &fits, error));
  }
  return ES_OK;
}

/* Whether to look no further: far above the limit, and not on the way to it since the first try. */
static bool hopeless(const es_slicer *s, double first, double least) {
  const double far = s->net.n > MANY ? FAR_OF_MANY : FAR;
  return least > far * s->rules.limit && least > NEARER * first;
}

/* Any more effort tries what less does, and more: so it never finds less. Orders that were found
 * between two efforts count where they fit as they are. */
static es_status try_all(es_slicer *s, const es_network *net, const es_orders *found, double effort,
                         choice *best, es_error *error) {
  double with = LEAST_EFFORT, most = fmin(FIT_MOST, FIT_EACH * net->n);
  bool fits;
  if (net->n > VERY_MANY) effort /= 2;
  if (s->rules.again && net->n > MANY) effort = fmin(effort, LEAST_EFFORT);
  ES_TRY(try_tree(s, net, found->order[0].merge, 0, best, &fits, error));
  const double plain = best->least;
  while (with <= effort && es_mender_takes(net)) {
    const int last = found_with(found, with);
    const bool later = with > LEAST_EFFORT;
    if (later && hopeless(s, plain, best->least)) break;
    if (later)
      ES_TRY(try_starts(s, net, found, last, with * most, best, error));
    else
      ES_TRY(try_tree(s, net, found->order[last].merge, with * most, best, &fits, error));
    with *= NEXT_EFFORT;
  }
  for (int i = found->n - 1; i >= 0; i--) {
    bool could_fit = s->rules.element_bytes * found->order[i].largest <= s->rules.limit;
    if (could_fit && (best->least > s->rules.limit || found->order[i].cost < best->cost))
      ES_TRY(try_whole(s, net, found->order[i].merge, best, error));
  }
  return ES_OK;
}

/* ---- the least memory ----------------------------------------------------------------------- */

/* How often less is aimed at, and which part of the least so far at first; where that is not to be
 * had, at more: AIM to the power of NEARBY. Of many operands once. */
static const double AIM = 1.0 / 16, AIM_OF_MANY = 0.5, NEARBY = 0.4;
enum { AIMS = 3, AIMS_OF_MANY = 1 };

/* Bytes above which nothing is aimed at with more operands than MANY. */
static const double LARGE = 0x1p32;

/* Cuts whatever frees memory, and goes on to orders that take less. What comes out depends on no
 * limit: so it is accepted wherever it fits. */
static es_status try_least(es_slicer *s, const es_network *net, const es_orders *found,
                           double effort, choice *best, es_error *error) {
  es_merge *from = ES_NEW_N(s->arena, es_merge, net->n);
  if (!from) return es_fail_nomem(error);
  bool fits;
  const int last = found->n - 1;
  for (int i = 0; i <= last; i += last > 0 ? last : 1)
    ES_TRY(try_tree(s, net, found->order[i].merge, 0, best, &fits, error));
  if (net->n > MANY && best->least > LARGE) return ES_OK;
  double part = net->n <= FEW ? AIM : AIM_OF_MANY,
         most = 0.7 * fmin(effort, 1) * fmin(FIT_MOST, FIT_EACH * net->n);
  const int aims = net->n <= FEW ? AIMS : AIMS_OF_MANY;
  for (int i = 0; i < aims && best->least > s->rules.enough && es_mender_takes(net); i++) {
    const double before = best->least;
    memcpy(from, best->merge, sizeof *from * (size_t)(net->n - 1));
    s->rules.limit = fmax(part * before, s->rules.enough);
    ES_TRY(try_tree(s, net, from, most, best, &fits, error));
    if (best->least > s->rules.limit) part = pow(part, NEARBY);
  }
  best->limit = s->rules.limit = fmax(best->least,
                                      s->rules.enough); /* no cut more than that takes */
  memcpy(from, best->merge, sizeof *from * (size_t)(net->n - 1));
  return try_tree(s, net, from, net->n <= FEW ? most : 0, best, &fits, error);
}

es_status es_path_within(es_arena *arena, const es_network *net, double effort,
                         const es_slicing_rules *rules, struct es_known *known, es_path **path,
                         int64_t *kept, double *least, es_error *error) {
  int64_t *own = ES_NEW_N(arena, int64_t, net->n_labels);
  const es_orders *found;
  choice best = {.limit = rules->limit, .kept = kept};
  es_slicer s = {.arena = arena, .net = *net, .kept = own, .rules = *rules, .seed = net->seed};
  s.net.extent = own;
  best.merge = ES_NEW_N(arena, es_merge, net->n);
  if (!own || !best.merge || !es_slicer_init(&s)) return es_fail_nomem(error);
  ES_TRY(es_known_orders(known, net, effort, &found, error));
  ES_TRY(rules->limit > 0 ? try_all(&s, net, found, effort, &best, error)
                          : try_least(&s, net, found, effort, &best, error));
  *path = best.path;
  *least = best.least;
  return ES_OK;
}
