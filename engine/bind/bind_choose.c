/* '^': which alternatives make a part, and which operands take part in it.
 *
 * A label that stands in an alternative is conditional: it is alive in a part only
 * where that part's output holds it. Of an input '^' the alternative with an alive
 * label is read; an operand that holds a conditional label that is not alive, other
 * than in an alternative not read, is left out of the part. All lists go by label,
 * so that a thousand operands joined on one axis cost a thousand look-ups. */
#include <stdlib.h>
#include <string.h>

#include "engine/bind/binder.h"

/* A '^' of an output term. Inside an alternative of another one it only matters
 * where that alternative is taken. */
typedef struct choice {
  const es_node *node;
  int outer, alternative; /* index into the list, or -1 */
} choice;

typedef struct alternative { /* of an input '^' */
  int32_t concat;            /* variable of the node */
  int32_t index;
} alternative;

typedef struct selection { /* of an input '^', in the part with the stamp */
  uint32_t stamp;
  int32_t index;
  bool several;
} selection;

typedef struct label_lists { /* item[first[v] .. first[v+1]) belong to label v */
  int32_t *first, *item;
} label_lists;

struct es_chooser {
  es_binder *b;
  int output;
  int n;
  choice *list;        /* of the output */
  bool *conditional;   /* [labels] */
  label_lists holders; /* operands that hold a label, ascending */
  label_lists selects; /* alternatives of inputs that hold a label */
  alternative *alternative;
  selection *selected; /* [n_vars] */
  int n_always;
  int32_t *always; /* operands without conditional labels */
  int n_kept;
  int32_t *kept;    /* [n_in] operands of the part being made */
  uint32_t *taken;  /* [n_in] stamp: looked at */
  es_status status; /* of a walk over labels */
};

enum { MAX_PARTS = 1 << 16 };

/* ---- labels of nodes --------------------------------------------------------------- */

typedef void visit(void *context, int32_t label);

/* Every label of node; with taken, only those of the alternatives taken. */
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

typedef struct flags {
  const bool *flag;
  bool any;
} flags;

static void see_flag(void *context, int32_t label) {
  flags *f = context;
  f->any |= f->flag[label];
}

static bool holds_conditional(const es_chooser *c, const es_axis_term *t) {
  flags f = {c->conditional, false};
  for (int k = 0; k < t->n && !f.any; k++) each_label(&t->node[k], NULL, see_flag, &f);
  return f.any;
}

static int count_concats(const es_node *node, int n) {
  int count = 0;
  for (int i = 0; i < n; i++)
    count += (node[i].kind == ES_NODE_CONCAT) + count_concats(node[i].child, node[i].n);
  return count;
}

static int count_alternatives(const es_node *node, int n) {
  int count = 0;
  for (int i = 0; i < n; i++)
    count += (node[i].kind == ES_NODE_CONCAT ? node[i].n : 0) +
             count_alternatives(node[i].child, node[i].n);
  return count;
}

/* ---- lists by label ------------------------------------------------------------------ */

/* Filled in two passes: the first counts, two places up, so that the second leaves
 * each start where it belongs. */
typedef struct sink {
  label_lists *lists;
  int32_t value;
  bool counting;
} sink;

static void pour(void *context, int32_t label) {
  sink *s = context;
  if (s->counting)
    s->lists->first[label + 2]++;
  else
    s->lists->item[s->lists->first[label + 1]++] = s->value;
}

static void pour_alternatives(es_chooser *c, const es_node *node, int n, sink *s) {
  for (int i = 0; i < n; i++) {
    bool concat = node[i].kind == ES_NODE_CONCAT;
    for (int k = 0; concat && k < node[i].n; k++) {
      c->alternative[s->value] = (alternative){node[i].var, k};
      each_label(&node[i].child[k], NULL, pour, s);
      each_label(&node[i].child[k], NULL, mark_conditional, c->conditional);
      s->value++;
    }
    pour_alternatives(c, node[i].child, node[i].n, s);
  }
}

static void pour_operand(es_chooser *c, int operand, sink *holders, sink *selects) {
  const es_axis_term *t = &c->b->axes->in[operand];
  holders->value = operand;
  for (int k = 0; k < t->n; k++) each_label(&t->node[k], NULL, pour, holders);
  pour_alternatives(c, t->node, t->n, selects);
}

static bool make_lists(es_chooser *c) {
  const es_axes *axes = c->b->axes;
  es_arena *arena = c->b->arena;
  int labels = axes->n_labels, alternatives = 0;
  for (int i = 0; i < axes->n_in; i++)
    alternatives += count_alternatives(axes->in[i].node, axes->in[i].n);
  c->alternative = ES_NEW_N(arena, alternative, alternatives);
  c->holders.first = ES_NEW_N(arena, int32_t, labels + 2);
  c->selects.first = ES_NEW_N(arena, int32_t, labels + 2);
  if (!c->alternative || !c->holders.first || !c->selects.first) return false;
  for (int pass = 0;; pass++) {
    sink holders = {&c->holders, 0, pass == 0}, selects = {&c->selects, 0, pass == 0};
    for (int i = 0; i < axes->n_in; i++) pour_operand(c, i, &holders, &selects);
    if (pass) return true;
    for (int v = 2; v <= labels + 1; v++) {
      c->holders.first[v] += c->holders.first[v - 1];
      c->selects.first[v] += c->selects.first[v - 1];
    }
    c->holders.item = ES_NEW_N(arena, int32_t, c->holders.first[labels + 1]);
    c->selects.item = ES_NEW_N(arena, int32_t, c->selects.first[labels + 1]);
    if (!c->holders.item || !c->selects.item) return false;
  }
}

es_status es_chooser_make(es_binder *b, es_chooser **out) {
  const es_axes *axes = b->axes;
  es_chooser *c = *out = ES_NEW(b->arena, es_chooser);
  if (!c) return es_fail_nomem(b->error);
  c->b = b;
  c->conditional = ES_NEW_N(b->arena, bool, axes->n_labels);
  c->selected = ES_NEW_N(b->arena, selection, axes->n_vars);
  c->always = ES_NEW_N(b->arena, int32_t, axes->n_in);
  c->kept = ES_NEW_N(b->arena, int32_t, axes->n_in);
  c->taken = ES_NEW_N(b->arena, uint32_t, axes->n_in);
  bool made = c->conditional && c->selected && c->always && c->kept && c->taken && make_lists(c);
  return made ? ES_OK : es_fail_nomem(b->error);
}

/* ---- choices of an output ---------------------------------------------------------------- */

static void collect_choices(es_chooser *c, const es_node *node, int n, int outer, int within) {
  for (int i = 0; i < n; i++) {
    if (node[i].kind != ES_NODE_CONCAT) {
      collect_choices(c, node[i].child, node[i].n, outer, within);
      continue;
    }
    int at = c->n++;
    c->list[at] = (choice){&node[i], outer, within};
    for (int k = 0; k < node[i].n; k++) {
      each_label(&node[i].child[k], NULL, mark_conditional, c->conditional);
      collect_choices(c, &node[i].child[k], 1, at, k);
    }
  }
}

es_status es_chooser_output(es_chooser *c, int output) {
  es_binder *b = c->b;
  const es_axis_term *t = &b->axes->out[output];
  int concats = count_concats(t->node, t->n);
  c->output = output;
  c->n = 0;
  c->list = ES_NEW_N(b->arena, choice, concats);
  if (!c->list) return es_fail_nomem(b->error);
  collect_choices(c, t->node, t->n, -1, -1);
  int64_t parts = 1;
  for (int i = 0; i < c->n; i++) {
    b->choice[c->list[i].node->var] = 0;
    parts *= c->list[i].node->n; /* fits: an int times MAX_PARTS at most */
    if (parts <= MAX_PARTS) continue;
    return es_fail(b->error, ES_E_LIMIT, "M1", c->list[i].node->span,
                   "the '^' of one output make over %d pieces", MAX_PARTS);
  }
  if (output > 0 && !concats) return ES_OK; /* no label has become conditional */
  c->n_always = 0;
  for (int i = 0; i < b->axes->n_in; i++)
    if (!holds_conditional(c, &b->axes->in[i])) c->always[c->n_always++] = i;
  return ES_OK;
}

/* A choice inside an alternative that is not taken stays at 0: counted once. */
static bool counts_once(const es_chooser *c) {
  const int32_t *taken = c->b->choice;
  for (int i = 0; i < c->n; i++) {
    const choice *x = &c->list[i];
    bool inside = x->outer < 0 || taken[c->list[x->outer].node->var] == x->alternative;
    if (!inside && taken[x->node->var]) return false;
  }
  return true;
}

static bool advance(es_chooser *c) {
  for (int i = c->n; i-- > 0;) {
    int32_t *at = &c->b->choice[c->list[i].node->var];
    if (++*at < c->list[i].node->n) return true;
    *at = 0;
  }
  return false;
}

bool es_chooser_next(es_chooser *c) {
  while (advance(c))
    if (counts_once(c)) return true;
  return false;
}

/* ---- the operands of a part ------------------------------------------------------------------ */

static void make_alive(void *context, int32_t label) {
  es_chooser *c = context;
  c->b->alive[label] = c->b->stamp;
  for (int32_t i = c->selects.first[label]; i < c->selects.first[label + 1]; i++) {
    const alternative *a = &c->alternative[c->selects.item[i]];
    selection *s = &c->selected[a->concat];
    bool other = s->stamp == c->b->stamp && (s->several || s->index != a->index);
    *s = (selection){c->b->stamp, a->index, other};
  }
}

typedef struct probe {
  const es_chooser *c;
  bool dead;
} probe;

static void probe_label(void *context, int32_t label) {
  probe *p = context;
  const es_binder *b = p->c->b;
  p->dead |= b->alive[label] != b->stamp && p->c->conditional[label];
}

/* Takes the alternative of each '^' of the node that the output holds. *dead: the
 * node holds a label that rules its operand out. */
static es_status choose_inside(es_chooser *c, int operand, const es_node *node, bool *dead) {
  es_binder *b = c->b;
  if (node->kind == ES_NODE_CONCAT) {
    const selection *s = &c->selected[node->var];
    bool none = s->stamp != b->stamp;
    if (none || s->several)
      return es_blame(b->error, operand,
                      es_fail(b->error, ES_E_NAME, "S11", node->span,
                              "an output must hold the names of exactly one part of '%s', found %s",
                              es_words_span(es_bind_pattern(b), node->span).text,
                              none ? "none" : "several"));
    b->choice[node->var] = s->index;
    return choose_inside(c, operand, &node->child[s->index], dead);
  }
  if (node->kind != ES_NODE_GROUP) {
    probe p = {c, false};
    each_label(node, NULL, probe_label, &p);
    *dead |= p.dead;
  }
  for (int i = 0; i < node->n && !*dead; i++)
    ES_TRY(choose_inside(c, operand, &node->child[i], dead));
  return ES_OK;
}

static es_status look_at(es_chooser *c, int operand) {
  if (c->taken[operand] == c->b->stamp) return ES_OK;
  c->taken[operand] = c->b->stamp;
  bool dead = false;
  const es_axis_term *t = &c->b->axes->in[operand];
  for (int i = 0; i < t->n && !dead; i++) ES_TRY(choose_inside(c, operand, &t->node[i], &dead));
  if (!dead) c->kept[c->n_kept++] = operand;
  return ES_OK;
}

static void look_at_holders(void *context, int32_t label) {
  es_chooser *c = context;
  if (!c->conditional[label]) return;
  for (int32_t i = c->holders.first[label]; i < c->holders.first[label + 1] && !c->status; i++)
    c->status = look_at(c, c->holders.item[i]);
}

static int ascending(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static es_status nothing_left(const es_chooser *c) {
  es_binder *b = c->b;
  const es_node *concat = c->n ? c->list[0].node : NULL;
  es_span span = concat ? concat->child[b->choice[concat->var]].span : b->axes->out[c->output].span;
  return es_fail(b->error, ES_E_NAME, "S11", span,
                 concat
                     ? "no operand holds the part '%s'"
                     : "the output '%s' names no part of the '^' it comes from: write one of them",
                 es_words_span(es_bind_pattern(b), span).text);
}

es_status es_chooser_operands(es_chooser *c, const int32_t **operands, int *n) {
  const es_axis_term *t = &c->b->axes->out[c->output];
  c->n_kept = c->n_always;
  memcpy(c->kept, c->always, (size_t)c->n_always * sizeof *c->kept);
  if (c->n_always < c->b->axes->n_in) {
    c->b->stamp++;
    c->status = ES_OK;
    for (int i = 0; i < t->n; i++) each_label(&t->node[i], c->b->choice, make_alive, c);
    for (int i = 0; i < t->n; i++) each_label(&t->node[i], c->b->choice, look_at_holders, c);
    ES_TRY(c->status);
    qsort(c->kept, (size_t)c->n_kept, sizeof *c->kept, ascending);
  }
  *operands = c->kept;
  *n = c->n_kept;
  return c->n_kept ? ES_OK : nothing_left(c);
}
