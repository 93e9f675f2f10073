/* Parts: one nest for each output and each choice of its '^' alternatives. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "engine/scatter.h"
#include "engine/walk.h"

/* A '^' of an output term. Inside an alternative of another one it only matters
 * where that alternative is taken. */
typedef struct choice {
  const es_node *node;
  int outer, alternative; /* index into the list, or -1 */
} choice;

typedef struct chooser {
  int n;
  choice *list;
  bool *conditional;        /* [labels] stands in an alternative of some '^' */
  int32_t *use_first, *use; /* operands that hold a label, ascending */
  int n_always;
  int32_t *always; /* operands without conditional labels */
  int32_t *kept;   /* [n_in] operands of the part being made */
  uint32_t *taken; /* [n_in] stamp: already in kept */
} chooser;

enum { MAX_PARTS = 1 << 16 };

es_status es_bind_add_part(es_binder *b, const es_part *part) {
  es_bound *r = b->bound;
  if (r->n_parts == b->part_room) {
    int room = b->part_room ? 2 * b->part_room : 4;
    es_part *list = room > 2 * MAX_PARTS ? NULL : ES_NEW_N(b->arena, es_part, room);
    if (!list) return es_fail_nomem(b->error);
    if (r->n_parts) memcpy(list, r->part, (size_t)r->n_parts * sizeof *list);
    r->part = list;
    b->part_room = room;
  }
  r->part[r->n_parts++] = *part;
  return ES_OK;
}

/* ---- labels of a term ------------------------------------------------------------ */

typedef void visit(void *context, int32_t label);

/* Every label of node; with choice, only of the alternatives taken. */
static void each_label(const es_node *node, const int32_t *taken, visit *f, void *context) {
  if (node->kind == ES_NODE_LABEL) f(context, node->var);
  if (node->kind == ES_NODE_AFFINE)
    for (int i = 0; i < node->affine->n; i++) f(context, node->affine->label[i]);
  if (node->kind == ES_NODE_CONCAT && taken) {
    each_label(&node->child[taken[node->var]], taken, f, context);
    return;
  }
  for (int i = 0; i < node->n; i++) each_label(&node->child[i], taken, f, context);
}

static void mark_conditional(void *context, int32_t label) { ((bool *)context)[label] = true; }

static void collect_choices(chooser *c, const es_node *node, int n, int outer, int alternative) {
  for (int i = 0; i < n; i++) {
    if (node[i].kind != ES_NODE_CONCAT) {
      collect_choices(c, node[i].child, node[i].n, outer, alternative);
      continue;
    }
    int at = c->n++;
    c->list[at] = (choice){&node[i], outer, alternative};
    for (int k = 0; k < node[i].n; k++) {
      each_label(&node[i].child[k], NULL, mark_conditional, c->conditional);
      collect_choices(c, &node[i].child[k], 1, at, k);
    }
  }
}

static int count_concats(const es_node *node, int n) {
  int count = 0;
  for (int i = 0; i < n; i++)
    count += (node[i].kind == ES_NODE_CONCAT) + count_concats(node[i].child, node[i].n);
  return count;
}

static void mark_input_alternatives(chooser *c, const es_node *node, int n) {
  for (int i = 0; i < n; i++) {
    if (node[i].kind == ES_NODE_CONCAT)
      each_label(&node[i], NULL, mark_conditional, c->conditional);
    else
      mark_input_alternatives(c, node[i].child, node[i].n);
  }
}

/* ---- which operands hold which label ---------------------------------------------- */

typedef struct counter {
  int32_t *count, *use; /* use NULL: count only */
  int32_t operand;
} counter;

static void count_use(void *context, int32_t label) {
  counter *c = context;
  if (c->use)
    c->use[c->count[label + 1]++] = c->operand;
  else
    c->count[label + 2]++;
}

static es_status index_operands(es_binder *b, chooser *c) {
  const es_axes *axes = b->axes;
  c->use_first = ES_NEW_N(b->arena, int32_t, axes->n_labels + 2);
  if (!c->use_first) return es_fail_nomem(b->error);
  counter count = {c->use_first, NULL, 0};
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < axes->n_in; i++) {
      count.operand = i;
      for (int k = 0; k < axes->in[i].n; k++)
        each_label(&axes->in[i].node[k], NULL, count_use, &count);
    }
    if (pass) break;
    for (int v = 2; v <= axes->n_labels + 1; v++) c->use_first[v] += c->use_first[v - 1];
    c->use = count.use = ES_NEW_N(b->arena, int32_t, c->use_first[axes->n_labels + 1]);
    if (!c->use) return es_fail_nomem(b->error);
  }
  return ES_OK;
}

static void see_conditional(void *context, int32_t label) {
  bool **p = context;
  if (p[0][label]) *p[1] = true;
}

static bool holds_conditional(const chooser *c, const es_axis_term *t) {
  bool found = false;
  bool *context[2] = {c->conditional, &found};
  for (int k = 0; k < t->n && !found; k++) each_label(&t->node[k], NULL, see_conditional, context);
  return found;
}

/* ---- one part ------------------------------------------------------------------------ */

static void mark_alive(void *context, int32_t label) {
  es_binder *b = context;
  b->alive[label] = b->stamp;
}

typedef struct probe {
  const es_binder *b;
  const chooser *c;
  bool alive, dead;
} probe;

static void probe_label(void *context, int32_t label) {
  probe *p = context;
  if (p->b->alive[label] == p->b->stamp)
    p->alive = true;
  else if (p->c->conditional[label])
    p->dead = true;
}

/* Takes the alternative of each input '^' that the output holds. *dead: the term
 * holds a label of an alternative not taken elsewhere: it is no part of this. */
static es_status choose_inputs(es_binder *b, const chooser *c, int operand, const es_node *node,
                               bool *dead) {
  probe p = {b, c, false, false};
  if (node->kind != ES_NODE_CONCAT) {
    if (node->kind != ES_NODE_GROUP) each_label(node, NULL, probe_label, &p);
    *dead |= p.dead;
    for (int i = 0; i < node->n && !*dead; i++)
      ES_TRY(choose_inputs(b, c, operand, &node->child[i], dead));
    return ES_OK;
  }
  int found = 0;
  for (int i = 0; i < node->n; i++) {
    p.alive = false;
    each_label(&node->child[i], NULL, probe_label, &p);
    if (p.alive) b->choice[node->var] = i;
    found += p.alive;
  }
  if (found == 1) return choose_inputs(b, c, operand, &node->child[b->choice[node->var]], dead);
  return es_blame(b->error, operand,
                  es_fail(b->error, ES_E_NAME, "S11", node->span,
                          "an output must hold the names of exactly one part of '%s', found %s",
                          es_words_span(es_bind_pattern(b), node->span).text,
                          found ? "several" : "none"));
}

static es_status keep_operand(es_binder *b, chooser *c, int operand, int *n) {
  if (c->taken[operand] == b->stamp) return ES_OK;
  c->taken[operand] = b->stamp;
  bool dead = false;
  const es_axis_term *t = &b->axes->in[operand];
  for (int i = 0; i < t->n && !dead; i++) ES_TRY(choose_inputs(b, c, operand, &t->node[i], &dead));
  if (!dead) c->kept[(*n)++] = operand;
  return ES_OK;
}

static int ascending(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

typedef struct candidates {
  es_binder *b;
  chooser *c;
  int n;
  es_status status;
} candidates;

static void keep_holders(void *context, int32_t label) {
  candidates *k = context;
  if (!k->c->conditional[label]) return;
  for (int32_t i = k->c->use_first[label]; i < k->c->use_first[label + 1] && !k->status; i++)
    k->status = keep_operand(k->b, k->c, k->c->use[i], &k->n);
}

/* The operands of the part whose alternatives stand in b->choice. */
static es_status choose_operands(es_binder *b, chooser *c, int output, int *n) {
  const es_axis_term *t = &b->axes->out[output];
  *n = c->n_always;
  memcpy(c->kept, c->always, (size_t)*n * sizeof *c->kept);
  if (c->n_always == b->axes->n_in) return ES_OK;
  b->stamp++;
  for (int i = 0; i < t->n; i++) each_label(&t->node[i], b->choice, mark_alive, b);
  candidates k = {b, c, *n, ES_OK};
  for (int i = 0; i < t->n; i++) each_label(&t->node[i], b->choice, keep_holders, &k);
  ES_TRY(k.status);
  *n = k.n;
  qsort(c->kept, (size_t)*n, sizeof *c->kept, ascending);
  return ES_OK;
}

static es_status part_without_operand(es_binder *b, const chooser *c, int output) {
  const es_node *concat = c->n ? c->list[0].node : NULL;
  es_span span = concat ? concat->child[b->choice[concat->var]].span : b->axes->out[output].span;
  if (!concat)
    return es_fail(b->error, ES_E_NAME, "S11", span,
                   "the output '%s' names no part of the '^' it comes from: write one of them",
                   es_words_span(es_bind_pattern(b), span).text);
  return es_fail(b->error, ES_E_NAME, "S11", span, "no operand holds the part '%s'",
                 es_words_span(es_bind_pattern(b), span).text);
}

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

static es_status make_part(es_binder *b, chooser *c, int output) {
  es_draft d = {.part = {.output = output}};
  int n;
  ES_TRY(choose_operands(b, c, output, &n));
  if (n == 0) return part_without_operand(b, c, output);
  es_part *p = &d.part;
  p->n_in = n;
  p->in = ES_NEW_N(b->arena, int32_t, n);
  p->in_walk = ES_NEW_N(b->arena, es_walk, n);
  if (!p->in || !p->in_walk) return es_fail_nomem(b->error);
  memcpy(p->in, c->kept, (size_t)n * sizeof *p->in);
  int room = 0;
  for (int i = 0; i < n; i++) {
    b->used[p->in[i]] = true;
    ES_TRY(es_bind_input_walk(b, p->in[i], &p->in_walk[i], p, &room));
  }
  bool repeats = false;
  ES_TRY(es_bind_output_walk(b, output, &d, &repeats));
  if (repeats) b->bound->out[output].fill_first = true;
  if (!d.n_scatter) return es_bind_add_part(b, p);
  if (b->bound->reduce == ES_REDUCE_MEAN)
    return es_fail(
        b->error, ES_E_VALUE, "", d.scatter[0].span,
        "a mean over '%s' would divide each element by another count: use sum, and divide "
        "by the sum of ones",
        es_words_span(es_bind_pattern(b), d.scatter[0].span).text);
  ES_TRY(add_unwalked(b, &d));
  bool gaps = false;
  ES_TRY(es_scatter_expand(b, &d, &gaps));
  if (gaps) b->bound->out[output].fill_first = true;
  return ES_OK;
}

/* ---- all parts of an output ------------------------------------------------------------ */

/* A choice inside an alternative that is not taken is kept at 0: counted once. */
static bool counts_once(const es_binder *b, const chooser *c) {
  for (int i = 0; i < c->n; i++) {
    const choice *x = &c->list[i];
    bool inside = x->outer < 0 || b->choice[c->list[x->outer].node->var] == x->alternative;
    if (!inside && b->choice[x->node->var]) return false;
  }
  return true;
}

static bool next_choice(es_binder *b, const chooser *c) {
  for (int i = c->n; i-- > 0;) {
    int32_t *at = &b->choice[c->list[i].node->var];
    if (++*at < c->list[i].node->n) return true;
    *at = 0;
  }
  return false;
}

static es_status check_number_of_parts(es_binder *b, const chooser *c) {
  int64_t parts = 1;
  for (int i = 0; i < c->n; i++) {
    if (es_mul_i64(parts, c->list[i].node->n, &parts) && parts <= MAX_PARTS) continue;
    return es_fail(b->error, ES_E_LIMIT, "M1", c->list[i].node->span,
                   "the concatenations of one output make over %d pieces", MAX_PARTS);
  }
  return ES_OK;
}

static es_status output_parts(es_binder *b, chooser *c, int output) {
  const es_axis_term *t = &b->axes->out[output];
  c->n = 0;
  int concats = count_concats(t->node, t->n);
  c->list = ES_NEW_N(b->arena, choice, concats);
  if (!c->list) return es_fail_nomem(b->error);
  collect_choices(c, t->node, t->n, -1, -1);
  ES_TRY(check_number_of_parts(b, c));
  if (output == 0 || concats) { /* else no label has become conditional */
    c->n_always = 0;
    for (int i = 0; i < b->axes->n_in; i++)
      if (!holds_conditional(c, &b->axes->in[i])) c->always[c->n_always++] = i;
  }
  for (int i = 0; i < c->n; i++) b->choice[c->list[i].node->var] = 0;
  do {
    if (counts_once(b, c)) ES_TRY(make_part(b, c, output));
  } while (next_choice(b, c));
  return ES_OK;
}

es_status es_bind_parts(es_binder *b) {
  const es_axes *axes = b->axes;
  chooser c = {0};
  c.conditional = ES_NEW_N(b->arena, bool, axes->n_labels);
  c.always = ES_NEW_N(b->arena, int32_t, axes->n_in);
  c.kept = ES_NEW_N(b->arena, int32_t, axes->n_in);
  c.taken = ES_NEW_N(b->arena, uint32_t, axes->n_in);
  if (!c.conditional || !c.always || !c.kept || !c.taken) return es_fail_nomem(b->error);
  for (int i = 0; i < axes->n_in; i++) mark_input_alternatives(&c, axes->in[i].node, axes->in[i].n);
  ES_TRY(index_operands(b, &c));
  for (int i = 0; i < axes->n_out; i++) ES_TRY(output_parts(b, &c, i));
  for (int i = 0; i < axes->n_in; i++)
    if (!b->used[i])
      return es_blame(b->error, i,
                      es_fail(b->error, ES_E_NAME, "S11", axes->in[i].span,
                              "operand %d takes part in no piece of the output", i));
  return ES_OK;
}
