/* Parts: one nest for each output and each choice of its '^' alternatives. */
#include <string.h>

#include "engine/bind/scatter.h"
#include "engine/bind/walk.h"

/* A reduced label that no operand walks still counts its points: give it to the
 * first operand with stride 0. */
static es_status add_unwalked(es_binder *b, es_draft *d) {
  es_part *p = &d->part;
  int room = 0;
  for (int i = 0; i < d->n_scatter; i++) room += d->scatter[i].index.n;
  if (!room) return ES_OK;
  b->stamp++;
  for (int i = 0; i < p->n_in; i++)
    for (int k = 0; k < p->in_walk[i].n; k++) b->alive[p->in_walk[i].label[k]] = b->stamp;
  for (int k = 0; k < p->out_walk.n; k++) b->alive[p->out_walk.label[k]] = b->stamp;
  es_walk *w = &p->in_walk[0];
  if (!es_walk_copy(b->arena, w, room, w)) return es_fail_nomem(b->error);
  for (int i = 0; i < d->n_scatter; i++)
    for (int k = 0; k < d->scatter[i].index.n; k++) {
      int32_t label = d->scatter[i].index.label[k];
      if (b->alive[label] == b->stamp) continue;
      b->alive[label] = b->stamp;
      w->label[w->n] = label;
      w->stride[w->n++] = 0;
    }
  return ES_OK;
}

static es_status scatter(es_binder *b, es_draft *d) {
  es_span span = d->scatter[0].span;
  bool gaps = false;
  if (b->bound->reduce == ES_REDUCE_MEAN)
    return es_fail(b->error, ES_E_VALUE, "", span,
                   "a mean over '%s' would divide each element by another count: use sum, and "
                   "divide by the sum of ones",
                   es_words_span(es_bind_pattern(b), span).text);
  ES_TRY(add_unwalked(b, d));
  ES_TRY(es_scatter_expand(b, d, &gaps));
  if (gaps) b->bound->out[d->part.output].fill_first = true;
  return ES_OK;
}

static es_status make_part(es_binder *b, es_chooser *c, int output) {
  es_draft d = {.part = {.output = output}};
  es_part *p = &d.part;
  const int32_t *operands;
  ES_TRY(es_chooser_operands(c, &operands, &p->n_in));
  p->in = ES_NEW_N(b->arena, int32_t, p->n_in);
  p->in_walk = ES_NEW_N(b->arena, es_walk, p->n_in);
  if (!p->in || !p->in_walk) return es_fail_nomem(b->error);
  memcpy(p->in, operands, (size_t)p->n_in * sizeof *p->in);
  int room = 0;
  for (int i = 0; i < p->n_in; i++) {
    b->used[p->in[i]] = true;
    ES_TRY(es_bind_input_walk(b, p->in[i], &p->in_walk[i], p, &room));
  }
  bool repeats = false;
  ES_TRY(es_bind_output_walk(b, output, &d, &repeats));
  if (repeats) b->bound->out[output].fill_first = true;
  return d.n_scatter ? scatter(b, &d) : es_bind_add_part(b, p);
}

es_status es_bind_parts(es_binder *b) {
  const es_axes *axes = b->axes;
  es_chooser *c;
  ES_TRY(es_chooser_make(b, &c));
  for (int i = 0; i < axes->n_out; i++) {
    ES_TRY(es_chooser_output(c, i));
    do ES_TRY(make_part(b, c, i));
    while (es_chooser_next(c));
  }
  for (int i = 0; i < axes->n_in; i++)
    if (!b->used[i])
      return es_blame(b->error, i,
                      es_fail(b->error, ES_E_NAME, "S11", axes->in[i].span,
                              "operand %d takes part in no piece of the output", i));
  return ES_OK;
}
