#include "engine/bind/sizes.h"

#include "base/checked.h"
#include "base/text.h"
#include "engine/bind/affine.h"
#include "engine/bind/axis_words.h"

/* size[total] = product (GROUP) or sum (CONCAT) of the children's sizes, or length
 * of the axis an affine index reads. */
typedef struct equation {
  const es_node *node;
  int operand, axis;
  int unknown; /* variables not yet known, repeats counted */
} equation;

typedef struct solver {
  es_arena *arena;
  const es_axes *axes;
  const es_array *in;
  es_sizes *sizes;
  bool stretch;
  int n_equations;
  equation *equation;
  int32_t *use_first, *use; /* variable v stands in use[use_first[v] .. use_first[v+1]) */
  int32_t *queue[2];        /* equations with one unknown: exact ones, affine ones */
  int head[2], tail[2];
  es_error *error;
} solver;

static const char *label_name(const solver *s, int32_t var) { return s->axes->label[var].name; }

/* ---- plain names ------------------------------------------------------------------ */

typedef struct seen { /* where a label stood last, for diagonals */
  int operand, axis;
  int64_t size;
  es_span span;
} seen;

static es_status unequal_diagonal(const solver *s, const seen *before, const seen *now,
                                  int32_t label) {
  return es_blame(s->error, now->operand,
                  es_fail2(s->error, ES_E_EXTENT, "S12", now->span, before->span,
                           "the diagonal '%s' of operand %d needs equal axes: axis %d has %lld, "
                           "axis %d has %lld",
                           label_name(s, label), now->operand, before->axis,
                           (long long)before->size, now->axis, (long long)now->size));
}

static es_status plain_clash(const solver *s, int32_t label, const seen *now) {
  const es_size_origin *from = &s->sizes->origin[label];
  long long had = s->sizes->extent[label], has = now->size;
  const char *name = label_name(s, label);
  es_status status;
  if (from->source == ES_SIZE_TEXT)
    status = es_fail(s->error, ES_E_EXTENT, "S7", now->span,
                     "the text says %lld, axis %d of operand %d has %lld", had, now->axis,
                     now->operand, has);
  else if (from->source == ES_SIZE_GIVEN)
    status = es_fail2(s->error, ES_E_EXTENT, "S10", now->span, from->span,
                      "%s=%lld was given, but '%s' is %lld at axis %d of operand %d", name, had,
                      name, has, now->axis, now->operand);
  else
    status = es_fail2(s->error, ES_E_EXTENT, "S7", now->span, from->span,
                      "'%s' is %lld at axis %d of operand %d, and %lld at axis %d of operand %d%s",
                      name, had, from->axis, from->operand, has, now->axis, now->operand,
                      had == 1 || has == 1 /* where sizes of 1 stretch they do not clash */
                          ? ": size 1 stretches where the pattern says '1' or '...'"
                          : "");
  return es_blame(s->error, now->operand, status);
}

static es_status take_plain(solver *s, int32_t label, seen *before, seen now) {
  int64_t *extent = &s->sizes->extent[label];
  es_size_origin *from = &s->sizes->origin[label];
  if (before->operand == now.operand && before->size != now.size)
    return unequal_diagonal(s, before, &now, label);
  *before = now;
  bool stretch = (s->stretch && from->source != ES_SIZE_TEXT) || s->axes->label[label].stretches;
  if (*extent < 0 || (stretch && *extent == 1 && from->source == ES_SIZE_AXIS)) {
    *extent = now.size;
    *from = (es_size_origin){ES_SIZE_AXIS, now.operand, now.axis, now.span};
    return ES_OK;
  }
  if (*extent == now.size || (stretch && now.size == 1)) return ES_OK;
  return plain_clash(s, label, &now);
}

static es_status plain_names(solver *s) {
  const es_axes *axes = s->axes;
  seen *before = ES_NEW_N(s->arena, seen, axes->n_labels);
  if (!before) return es_fail_nomem(s->error);
  for (int i = 0; i < axes->n_labels; i++) before[i].operand = -1;
  for (int i = 0; i < axes->n_in; i++)
    for (int k = 0; k < axes->in[i].n; k++) {
      const es_node *node = &axes->in[i].node[k];
      seen now = {i, k, s->in[i].shape[k], node->span};
      if (node->kind == ES_NODE_LABEL) ES_TRY(take_plain(s, node->var, &before[node->var], now));
    }
  return ES_OK;
}

static void given_sizes(solver *s) {
  const es_axes *axes = s->axes;
  for (int i = 0; i < axes->n_vars; i++) s->sizes->extent[i] = -1;
  for (int i = 0; i < axes->n_labels; i++) {
    const es_axis_label *label = &axes->label[i];
    es_size_source source = label->fixed >= 0 ? ES_SIZE_TEXT : ES_SIZE_GIVEN;
    int64_t size = label->fixed >= 0 ? label->fixed : label->given;
    if (size < 0) continue;
    s->sizes->extent[i] = size;
    s->sizes->origin[i] = (es_size_origin){source, -1, -1, label->span};
  }
}

/* ---- equations --------------------------------------------------------------------- */

static int count_equations(const es_node *node, int n) {
  int count = 0;
  for (int i = 0; i < n; i++)
    if (node[i].kind != ES_NODE_LABEL) count += 1 + count_equations(node[i].child, node[i].n);
  return count;
}

static void collect(solver *s, const es_node *node, int n, int operand, int axis) {
  for (int i = 0; i < n; i++) {
    if (node[i].kind == ES_NODE_LABEL) continue;
    int at = axis < 0 ? i : axis;
    s->equation[s->n_equations++] = (equation){&node[i], operand, at, 0};
    if (axis < 0) {
      s->sizes->extent[node[i].var] = s->in[operand].shape[i];
      s->sizes->origin[node[i].var] = (es_size_origin){ES_SIZE_AXIS, operand, i, node[i].span};
    }
    collect(s, node[i].child, node[i].n, operand, at);
  }
}

static int variables(const equation *e) {
  return 1 + (e->node->kind == ES_NODE_AFFINE ? e->node->affine->n : e->node->n);
}

/* Variable 0 is the total. */
static int32_t variable(const equation *e, int i) {
  if (i == 0) return e->node->var;
  return e->node->kind == ES_NODE_AFFINE ? e->node->affine->label[i - 1]
                                         : e->node->child[i - 1].var;
}

static es_status index_equations(solver *s) {
  int n_vars = s->axes->n_vars;
  s->use_first = ES_NEW_N(s->arena, int32_t, n_vars + 2);
  if (!s->use_first) return es_fail_nomem(s->error);
  /* Counts go two places up, so that filling leaves each start where it belongs. */
  for (int i = 0; i < s->n_equations; i++)
    for (int k = 0; k < variables(&s->equation[i]); k++)
      s->use_first[variable(&s->equation[i], k) + 2]++;
  for (int v = 2; v <= n_vars + 1; v++) s->use_first[v] += s->use_first[v - 1];
  s->use = ES_NEW_N(s->arena, int32_t, s->use_first[n_vars + 1]);
  for (int i = 0; i < 2; i++) s->queue[i] = ES_NEW_N(s->arena, int32_t, s->n_equations);
  if (!s->use || !s->queue[0] || !s->queue[1]) return es_fail_nomem(s->error);
  for (int i = 0; i < s->n_equations; i++)
    for (int k = 0; k < variables(&s->equation[i]); k++) {
      int32_t v = variable(&s->equation[i], k);
      s->use[s->use_first[v + 1]++] = i;
      s->equation[i].unknown += s->sizes->extent[v] < 0;
    }
  return ES_OK;
}

static void enqueue(solver *s, int32_t at) {
  int q = s->equation[at].node->kind == ES_NODE_AFFINE;
  s->queue[q][s->tail[q]++] = at;
}

static void settle(solver *s, const equation *by, int32_t var, int64_t size) {
  s->sizes->extent[var] = size;
  s->sizes->origin[var] = (es_size_origin){ES_SIZE_SOLVED, by->operand, by->axis, by->node->span};
  for (int32_t i = s->use_first[var]; i < s->use_first[var + 1]; i++)
    if (--s->equation[s->use[i]].unknown == 1) enqueue(s, s->use[i]);
}

static es_status wide(const solver *s, const equation *e) {
  return es_blame(s->error, e->operand,
                  es_fail(s->error, ES_E_OVERFLOW, "M1", e->node->span,
                          "the size of '%s' does not fit 64 bits",
                          es_words_span(s->axes->pattern, e->node->span).text));
}

/* Folds the known children; *unknown is the child that is not, or -1. A zero among
 * them does not excuse the others: their product must fit. */
static bool fold(const solver *s, const equation *e, int64_t *value, int32_t *unknown) {
  bool product = e->node->kind == ES_NODE_GROUP, zero = false;
  *value = product;
  *unknown = -1;
  for (int i = 1; i < variables(e); i++) {
    int64_t x = s->sizes->extent[variable(e, i)];
    if (x < 0)
      *unknown = variable(e, i);
    else if (product && x == 0)
      zero = true;
    else if (product ? !es_mul_i64(*value, x, value) : !es_add_i64(*value, x, value))
      return false;
  }
  if (zero) *value = 0;
  return true;
}

static es_status not_a_multiple(const solver *s, const equation *e, int64_t total, int64_t known) {
  const es_pattern *p = s->axes->pattern;
  return es_blame(
      s->error, e->operand,
      known
          ? es_fail(s->error, ES_E_EXTENT, "S8", e->node->span,
                    "axis %d of operand %d cannot be split as '%s': %lld is not a multiple of %lld",
                    e->axis, e->operand, es_words_span(p, e->node->span).text, (long long)total,
                    (long long)known)
          : es_fail(s->error, ES_E_EXTENT, "S8", e->node->span,
                    "axis %d of operand %d has %lld elements, and '%s' would split it by zero",
                    e->axis, e->operand, (long long)total, es_words_span(p, e->node->span).text));
}

/* One unknown: solve, or leave it where the equation says nothing about it. */
static es_status solve_one(solver *s, const equation *e) {
  int64_t total = s->sizes->extent[e->node->var], value;
  int32_t unknown;
  if (e->node->kind == ES_NODE_AFFINE) {
    if (total < 0) return ES_OK; /* elements may lie unused behind the last read */
    ES_TRY(es_affine_solve(s->axes, s->sizes->extent, e->node, total, e->operand, e->axis, &unknown,
                           &value, s->error));
    if (unknown >= 0) settle(s, e, unknown, value);
    return ES_OK;
  }
  if (!fold(s, e, &value, &unknown)) return wide(s, e);
  if (unknown < 0) {
    settle(s, e, e->node->var, value);
  } else if (e->node->kind == ES_NODE_CONCAT) {
    if (value <= total) settle(s, e, unknown, total - value);
  } else if (value == 0) {
    if (total != 0) return not_a_multiple(s, e, total, 0);
  } else {
    if (total % value) return not_a_multiple(s, e, total, value);
    settle(s, e, unknown, total / value);
  }
  return ES_OK;
}

static es_status run_queues(solver *s) {
  for (int i = 0; i < s->n_equations; i++)
    if (s->equation[i].unknown == 1) enqueue(s, i);
  for (;;) {
    int q = s->head[0] < s->tail[0] ? 0 : 1;
    if (s->head[q] == s->tail[q]) return ES_OK;
    const equation *e = &s->equation[s->queue[q][s->head[q]++]];
    if (e->unknown == 1) ES_TRY(solve_one(s, e));
  }
}

/* ---- checks -------------------------------------------------------------------------- */

static es_status parts_clash(const solver *s, const equation *e, int64_t value) {
  const es_pattern *p = s->axes->pattern;
  bool product = e->node->kind == ES_NODE_GROUP, given = false, open = false;
  es_span other = ES_NOWHERE;
  char parts[128];
  es_text t = es_text_init(parts, sizeof parts);
  for (int i = 1; i < variables(e); i++) {
    int32_t v = variable(e, i);
    es_size_origin from = s->sizes->origin[v];
    given |= from.source == ES_SIZE_GIVEN;
    open |= s->sizes->extent[v] < 0; /* a part of '^' for which nothing is left */
    if (from.operand >= 0 && from.operand != e->operand) other = from.span;
    es_text_printf(&t, "%s%lld", i == 1 ? "" : product ? "*" : "+", (long long)s->sizes->extent[v]);
  }
  if (open) {
    t = es_text_init(parts, sizeof parts);
    es_text_puts(&t, "at least ");
  } else if (t.len + 3 >= sizeof parts) {
    t = es_text_init(parts, 1);
  } else if (t.len) { /* () has none */
    es_text_puts(&t, " = ");
  }
  return es_blame(s->error, e->operand,
                  es_fail2(s->error, ES_E_EXTENT, given ? "S10" : "S7", e->node->span, other,
                           "'%s' is %s%lld%s, but axis %d of operand %d has %lld",
                           es_words_span(p, e->node->span).text, parts, (long long)value,
                           given ? " by the sizes given" : " by its parts", e->axis, e->operand,
                           (long long)s->sizes->extent[e->node->var]));
}

static es_status check_equations(const solver *s) {
  for (int i = 0; i < s->n_equations; i++) {
    const equation *e = &s->equation[i];
    int64_t value;
    int32_t unknown;
    if (e->node->kind == ES_NODE_AFFINE) continue;
    if (!fold(s, e, &value, &unknown)) return wide(s, e);
    int64_t total = s->sizes->extent[e->node->var];
    if (unknown < 0 && value != total) return parts_clash(s, e, value);
    if (unknown >= 0 && e->node->kind == ES_NODE_CONCAT && total >= 0 && value > total)
      return parts_clash(s, e, value);
  }
  return ES_OK;
}

/* Adds e as the user wrote it, with what is known of it. */
static void print_equation(const solver *s, es_text *t, const equation *e) {
  int64_t total = s->sizes->extent[e->node->var];
  es_text_printf(t, "%s'%s'", t->len ? ", " : "",
                 es_words_span(s->axes->pattern, e->node->span).text);
  if (total >= 0)
    es_text_printf(t, e->node->kind == ES_NODE_AFFINE ? " over %lld" : " = %lld", (long long)total);
}

static es_status undetermined(const solver *s, int32_t first) {
  char names[128], equations[320];
  es_text n = es_text_init(names, sizeof names), q = es_text_init(equations, sizeof equations);
  int listed_names = 0, listed = 0;
  for (int i = 0; i < s->axes->n_labels && listed_names < 4; i++)
    if (s->sizes->extent[i] < 0)
      es_text_printf(&n, "%s'%s'", listed_names++ ? ", " : "", label_name(s, i));
  es_span where = ES_NOWHERE;
  int operand = -1;
  for (int i = 0; i < s->n_equations && listed < 3; i++) {
    const equation *e = &s->equation[i];
    bool open = false;
    for (int k = 0; k < variables(e); k++) open |= s->sizes->extent[variable(e, k)] < 0;
    if (!open) continue;
    if (!listed++) where = e->node->span, operand = e->operand;
    print_equation(s, &q, e);
  }
  es_status status = es_fail(s->error, ES_E_UNDETERMINED, "S9", where,
                             "%s %s not follow from what is known: %s. Give %s=...", names,
                             listed_names > 1 ? "do" : "does", equations, label_name(s, first));
  return es_blame(s->error, operand, status);
}

/* With all labels known, only an affine index beside an empty part of its group has
 * no size, and what holds it: nothing is read, any length that fits the index will
 * do. Inner nodes come after those that hold them. */
static es_status check_known(const solver *s) {
  for (int32_t i = 0; i < s->axes->n_labels; i++)
    if (s->sizes->extent[i] < 0) return undetermined(s, i);
  for (int i = s->n_equations; i-- > 0;) {
    const equation *e = &s->equation[i];
    int64_t *size = &s->sizes->extent[e->node->var];
    int32_t unknown;
    if (*size >= 0) continue;
    bool fits = e->node->kind == ES_NODE_AFFINE
                    ? es_affine_target(e->node->affine, s->sizes->extent, size)
                    : fold(s, e, size, &unknown);
    if (!fits) return wide(s, e);
  }
  return ES_OK;
}

/* ---- outputs --------------------------------------------------------------------------- */

static es_status output_node(solver *s, const es_node *node, int64_t wanted) {
  if (node->kind == ES_NODE_LABEL) return ES_OK;
  for (int i = 0; i < node->n; i++) ES_TRY(output_node(s, &node->child[i], -1));
  int64_t *size = &s->sizes->extent[node->var];
  int32_t unknown;
  equation e = {node, -1, -1, 0};
  s->sizes->origin[node->var] = (es_size_origin){ES_SIZE_SOLVED, -1, -1, node->span};
  if (node->kind != ES_NODE_AFFINE) return fold(s, &e, size, &unknown) ? ES_OK : wide(s, &e);
  if (wanted >= 0) {
    *size = wanted;
    return ES_OK;
  }
  return es_affine_target(node->affine, s->sizes->extent, size) ? ES_OK : wide(s, &e);
}

es_status es_sizes_solve(es_arena *arena, const es_axes *axes, const es_array *in, bool stretch,
                         const int64_t *const *out_shape, es_sizes *sizes, es_error *error) {
  solver s = {
      .arena = arena, .axes = axes, .in = in, .sizes = sizes, .stretch = stretch, .error = error};
  sizes->extent = ES_NEW_N(arena, int64_t, axes->n_vars);
  sizes->origin = ES_NEW_N(arena, es_size_origin, axes->n_vars);
  int n = 0;
  for (int i = 0; i < axes->n_in; i++) n += count_equations(axes->in[i].node, axes->in[i].n);
  s.equation = ES_NEW_N(arena, equation, n);
  if (!sizes->extent || !sizes->origin || !s.equation) return es_fail_nomem(error);
  given_sizes(&s);
  ES_TRY(plain_names(&s));
  for (int i = 0; i < axes->n_in; i++) collect(&s, axes->in[i].node, axes->in[i].n, i, -1);
  ES_TRY(index_equations(&s));
  ES_TRY(run_queues(&s));
  ES_TRY(check_equations(&s));
  ES_TRY(check_known(&s));
  for (int i = 0; i < axes->n_out; i++)
    for (int k = 0; k < axes->out[i].n; k++)
      ES_TRY(output_node(&s, &axes->out[i].node[k], out_shape[i] ? out_shape[i][k] : -1));
  return ES_OK;
}
