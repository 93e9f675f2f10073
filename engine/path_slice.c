/* A path whose intermediates fit a limit: where none does, labels are cut, and the path
 * runs once for every piece. */
#include <math.h>
#include <string.h>

#include "engine/path_tree.h"

typedef struct slicer {
  es_arena *arena;
  es_network net; /* with the extents that are kept */
  int64_t *kept;
  const es_slicing_rules *rules;
  es_path *path;
} slicer;

/* ---- memory of a path --------------------------------------------------------------- */

/* Bytes of the intermediates that live at the same time, at most. */
static double peak(const slicer *s, const es_path *path, double *size) {
  double live = 0, most = 0;
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    bool last = k == path->n_steps - 1;
    size[k] = last ? 0 : s->rules->element_bytes * es_label_points(&s->net, step->keep);
    live += size[k];
    most = fmax(most, live);
    for (int i = 0; i < step->n_in; i++)
      if (step->in[i] >= s->net.n) live -= size[step->in[i] - s->net.n];
  }
  return most;
}

static double points(const slicer *s, const es_path *path, es_label_set *value, int32_t *scratch) {
  double sum = 0;
  memcpy(value, s->net.operand, sizeof *value * (size_t)s->net.n);
  for (int k = 0; k < path->n_steps; k++) {
    const es_path_step *step = &path->step[k];
    es_label_set a = value[step->in[0]], b = value[step->in[step->n_in - 1]];
    sum += es_label_points(&s->net, (es_label_set){es_label_union(a, b, scratch), scratch});
    value[s->net.n + k] = step->keep;
  }
  return sum;
}

/* ---- the label to cut --------------------------------------------------------------------- */

typedef struct room { /* for one look at all labels */
  double *size;
  es_label_set *value;
  int32_t *labels;
  bool *held; /* [n_labels] by a value that lives at the peak */
} room;

static bool room_init(const slicer *s, room *r) {
  size_t steps = 2 * (size_t)s->net.n;
  r->size = ES_NEW_N(s->arena, double, steps);
  r->value = ES_NEW_N(s->arena, es_label_set, 3 * (size_t)s->net.n);
  r->labels = ES_NEW_N(s->arena, int32_t, 2 * (size_t)s->net.n_labels);
  r->held = ES_NEW_N(s->arena, bool, s->net.n_labels);
  return r->size && r->value && r->labels && r->held;
}

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
static int64_t part_that_fits(slicer *s, int label, const room *r) {
  int64_t extent = s->kept[label], best = 1;
  for (int64_t pieces = 2; pieces * pieces <= extent || pieces == 2; pieces++) {
    if (extent % pieces) continue;
    s->kept[label] = extent / pieces;
    if (peak(s, s->path, r->size) <= s->rules->limit) {
      best = extent / pieces;
      break;
    }
  }
  s->kept[label] = extent;
  return best;
}

/* Cuts the label that costs least in repeated work for what it frees. False: none frees
 * anything. */
static bool cut_one(slicer *s, room *r, double before) {
  double best = INFINITY, work = points(s, s->path, r->value, r->labels);
  int chosen = -1;
  peak(s, s->path, r->size);
  mark_at_peak(s, r, before);
  for (int l = 0; l < s->net.n_labels; l++) {
    int64_t extent = s->kept[l];
    if (!r->held[l] || extent < 2 || !s->rules->may_cut[l]) continue;
    s->kept[l] = 1;
    double after = peak(s, s->path, r->size);
    double repeated = (double)extent * points(s, s->path, r->value, r->labels) / work;
    s->kept[l] = extent;
    if (after >= before) continue;
    double score = log2(repeated) + log2(fmax(after / s->rules->limit, 1));
    if (score >= best) continue;
    best = score;
    chosen = l;
  }
  if (chosen >= 0) s->kept[chosen] = part_that_fits(s, chosen, r);
  return chosen >= 0;
}

es_status es_path_within(es_arena *arena, const es_network *net, double effort,
                         const es_slicing_rules *rules, es_path **path, int64_t *kept,
                         double *least, es_error *error) {
  slicer s = {.arena = arena, .net = *net, .kept = kept, .rules = rules};
  room r;
  int cut = 0;
  memcpy(kept, net->extent, sizeof *kept * (size_t)net->n_labels);
  s.net.extent = kept;
  if (!room_init(&s, &r)) return es_fail_nomem(error);
  ES_TRY(es_path_pairwise(arena, &s.net, effort, &s.path, error));
  *least = peak(&s, s.path, r.size);
  while (*least > rules->limit && cut < rules->most && cut_one(&s, &r, *least)) {
    cut++;
    es_path *other;
    *least = peak(&s, s.path, r.size);
    ES_TRY(es_path_pairwise(arena, &s.net, effort / (4 * cut), &other, error));
    double bytes = peak(&s, other, r.size);
    if (bytes > fmax(*least, rules->limit)) continue;
    *least = bytes;
    s.path = other;
  }
  *path = s.path;
  return ES_OK;
}
