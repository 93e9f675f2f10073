/* The order of the loops around the blocks of a move. */
#include <stdlib.h>

#include "engine/strategies/move.h"

/* Address translation keeps some 2000 pages of 4 KiB at hand; strides that are nearly
 * powers of two leave about half of them usable. */
enum { PAGE = 4096, PAGES = 1024, MOST_LOOPS = 6 };

/* ---- pages ------------------------------------------------------------------------- */

typedef struct extent {
  int64_t count, stride;
} extent;

/* Pages of a walk over n axes from runs of some bytes: axes that step no farther than to
 * the next page make the runs longer, others make more of them. */
static double pages(extent *axis, int n, int64_t run) {
  double reach = (double)run, runs = 1;
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && axis[j - 1].stride > axis[j].stride; j--) {
      extent t = axis[j];
      axis[j] = axis[j - 1], axis[j - 1] = t;
    }
  for (int i = 0; i < n; i++)
    if ((double)axis[i].stride <= reach + PAGE)
      reach += (double)axis[i].stride * (double)(axis[i].count - 1);
    else
      runs *= (double)axis[i].count;
  return runs * (1 + reach / PAGE);
}

static int64_t stride_of(const int64_t *at, int64_t n) { return n > 1 ? llabs(at[1] - at[0]) : 0; }

/* Pages of the blocks within the first n loops of an order, of both sides. */
static double live(const es_move *v, const int *order, int n) {
  extent in[MOST_LOOPS + 1], out[MOST_LOOPS + 1];
  in[0] = (extent){v->n.n, stride_of(v->n.in, v->n.n)};
  out[0] = (extent){v->m.n, stride_of(v->m.out, v->m.n)};
  for (int i = 0; i < n; i++) {
    const es_move_loop *l = &v->loop[order[i]];
    in[i + 1] = (extent){l->count, llabs(l->in)};
    out[i + 1] = (extent){l->count, llabs(l->out)};
  }
  return pages(in, n + 1, v->m.n * v->size) + pages(out, n + 1, v->n.n * v->size);
}

/* Pages entered over the whole walk: what was entered in a round of a loop is still at
 * hand in the next one if it was not too much. */
static double entered(const es_move *v, const int *order, int n) {
  double sum = live(v, order, 0), before = sum;
  for (int i = 0; i < n; i++) {
    double now = live(v, order, i + 1);
    sum = before <= PAGES ? now : sum * (double)v->loop[order[i]].count;
    before = now;
  }
  return sum;
}

/* ---- the search ------------------------------------------------------------------------ */

typedef struct search {
  const es_move *move;
  int n, order[MOST_LOOPS], best[MOST_LOOPS];
  double least;
} search;

/* Every order, the given one first: it stands unless another is clearly better. */
static void permute(search *s, int from) {
  if (from == s->n) {
    double sum = entered(s->move, s->order, s->n);
    if (s->least >= 0 && sum > 0.95 * s->least) return;
    s->least = sum;
    for (int i = 0; i < s->n; i++) s->best[i] = s->order[i];
    return;
  }
  for (int i = from; i < s->n; i++) {
    int picked = s->order[i];
    for (int j = i; j > from; j--) s->order[j] = s->order[j - 1];
    s->order[from] = picked;
    permute(s, from + 1);
    for (int j = from; j < i; j++) s->order[j] = s->order[j + 1];
    s->order[i] = picked;
  }
}

/* loop[i] becomes what loop[order[i]] was. */
static void reorder(es_move *v, const int *order, int n) {
  es_move_loop loop[MOST_LOOPS];
  es_move_side *side[] = {&v->m, &v->n};
  int place[MOST_LOOPS];
  for (int i = 0; i < n; i++) loop[i] = v->loop[order[i]], place[order[i]] = i;
  for (int i = 0; i < n; i++) v->loop[i] = loop[i];
  for (int s = 0; s < 2; s++) {
    if (side[s]->loop >= 0 && side[s]->loop < n) side[s]->loop = place[side[s]->loop];
    if (side[s]->outer >= 0 && side[s]->outer < n) side[s]->outer = place[side[s]->outer];
  }
}

/* A loop whose rounds enter too many pages for one more sweep across them is cut in two. */
static void split(es_move *v, es_move_side *s, int64_t stride) {
  if (s->loop < 0 || stride == 0 || stride <= (PAGE - 1) / s->n) return;
  es_move_loop *l = &v->loop[s->loop];
  int64_t per_page = stride < PAGE ? PAGE / stride : 1, most = PAGES / 2 * per_page / s->n;
  if (most < 1) most = 1;
  if (l->count < 2 * most) return;
  int64_t rounds = (l->count + most - 1) / most, inner = (l->count + rounds - 1) / rounds;
  s->outer = v->n_loops++;
  v->loop[s->outer] = (es_move_loop){rounds, l->out * inner, l->in * inner};
  l->count = inner;
}

static int64_t key_of(const es_move_loop *l, bool by_out) { return llabs(by_out ? l->out : l->in); }

static void swap(es_move *v, int i, int j) {
  es_move_side *side[] = {&v->m, &v->n};
  es_move_loop t = v->loop[i];
  v->loop[i] = v->loop[j], v->loop[j] = t;
  for (int s = 0; s < 2; s++) {
    int *at[] = {&side[s]->loop, &side[s]->outer};
    for (int k = 0; k < 2; k++) *at[k] = *at[k] == i ? j : *at[k] == j ? i : *at[k];
  }
}

static void sort(es_move *v, bool by_out) {
  for (int i = 1; i < v->n_loops; i++)
    for (int j = i; j > 0 && key_of(&v->loop[j - 1], by_out) > key_of(&v->loop[j], by_out); j--)
      swap(v, j - 1, j);
}

/* A short loop that steps less along the input than the innermost one goes first, so that
 * lines are read one after the other; each of its rounds then has rows of its own. */
static void fan_out(es_move *v) {
  v->fan = 1;
  for (int i = 1; i < v->n_loops && v->fan == 1; i++) {
    const es_move_loop *l = &v->loop[i];
    if (llabs(l->in) >= llabs(v->loop[0].in) || l->count * v->m.n > ES_MOVE_FEW) continue;
    v->fan = (int)l->count;
    for (int j = i; j > 0; j--) swap(v, j - 1, j);
  }
}

/* What is put together as runs goes along the output. Tiles are read line after line and
 * written wherever they belong, unless that enters too many pages. */
void es_move_order(es_move *v) {
  bool tiles = v->way == ES_MOVE_TILES && !v->dense;
  if (tiles && v->past) {
    split(v, &v->m, stride_of(v->m.out, v->m.n));
    split(v, &v->n, stride_of(v->n.in, v->n.n));
  }
  sort(v, !tiles);
  if (v->way == ES_MOVE_UNZIP) fan_out(v);
  if (!tiles || !v->past) return;
  search s = {.move = v, .n = v->n_loops < MOST_LOOPS ? v->n_loops : MOST_LOOPS, .least = -1};
  for (int i = 0; i < s.n; i++) s.order[i] = i;
  permute(&s, 0);
  reorder(v, s.best, s.n);
}
