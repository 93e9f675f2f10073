/* From nodes to values. Recursion is bounded by the depth of the tree. */
#include "repl/language/eval.h"

#include <string.h>

#include "repl/language/functions.h"
#include "repl/language/variables.h"

/* ---- names -------------------------------------------------------------------- */

static sc_value *name(sc_session *s, const sc_node *node) {
  sc_value *v = sc_variable_get(s, node->text);
  if (!v && !strcmp(node->text, "_")) v = sc_last_get(s);
  if (!v && !s->fault.set) v = sc_name_lookup(s, node->text);
  return v ? v : sc_fail_no_member(s, node->span, NULL, node->text);
}

/* ---- sequences ------------------------------------------------------------------ */

typedef struct items {
  sc_session *s;
  sc_value **values;
  sc_span *spans;
  int64_t n, cap;
} items;

static void add(items *l, sc_value *v, sc_span where) {
  if (l->n == l->cap) {
    int64_t cap = l->cap ? 2 * l->cap : 8;
    sc_value **values = sc_scratch(l->s, (size_t)cap * sizeof *values);
    sc_span *spans = sc_scratch(l->s, (size_t)cap * sizeof *spans);
    if (l->n) {
      memcpy(values, l->values, (size_t)l->n * sizeof *values);
      memcpy(spans, l->spans, (size_t)l->n * sizeof *spans);
    }
    l->values = values;
    l->spans = spans;
    l->cap = cap;
  }
  l->values[l->n] = v;
  l->spans[l->n++] = where;
}

/* *v: the items of a sequence, or a tensor along its first axis. */
static bool add_spread(items *l, sc_value *v, sc_span where) {
  if (sc_is_sequence(v)) {
    for (int64_t i = 0; i < v->n; i++) add(l, v->items[i], where);
    return true;
  }
  if (v->kind == SC_TENSOR && es_rank(v->tensor)) {
    for (int64_t i = 0; i < es_shape(v->tensor)[0]; i++) {
      es_tensor *part = es_select(l->s->es, v->tensor, 0, i);
      if (!part) {
        sc_fail_engine(l->s, where);
        return false;
      }
      add(l, sc_tensor(l->s, part, v->flavour), where);
    }
    return true;
  }
  sc_fail(l->s, ES_E_DTYPE, where, "'*' needs a tuple, a list or a tensor with axes, found %s",
          sc_kind_name(v->kind));
  return false;
}

static bool add_node(items *l, const sc_node *node) {
  bool spread = node->kind == SC_N_STAR;
  sc_value *v = sc_eval(l->s, spread ? node->kids[0] : node);
  if (!v) return false;
  if (spread) return add_spread(l, v, node->span);
  add(l, v, node->span);
  return true;
}

static sc_value *sequence(sc_session *s, const sc_node *node) {
  items l = {.s = s};
  for (int i = 0; i < node->n; i++)
    if (!add_node(&l, node->kids[i])) return NULL;
  sc_kind kind = node->kind == SC_N_LIST ? SC_LIST : node->kind == SC_N_DICT ? SC_DICT : SC_TUPLE;
  for (int64_t i = 0; kind == SC_DICT && i < l.n; i += 2)
    if (l.values[i]->kind != SC_STRING)
      return sc_fail(s, ES_E_UNSUPPORTED, l.spans[i], "the keys of a dict are strings, found %s",
                     sc_kind_name(l.values[i]->kind));
  return sc_sequence(s, kind, l.n, l.values);
}

static sc_value *slice(sc_session *s, const sc_node *node) {
  sc_value *bounds[3];
  for (int i = 0; i < 3; i++) {
    bounds[i] = node->kids[i] ? sc_eval(s, node->kids[i]) : sc_none(s);
    if (!bounds[i]) return NULL;
  }
  return sc_sequence(s, SC_SLICE, 3, bounds);
}

/* ---- calls ------------------------------------------------------------------------ */

static bool add_named(items *l, const char **names, const char *key, sc_value *v, sc_span where) {
  for (int64_t i = 0; i < l->n; i++)
    if (!strcmp(names[i], key)) {
      sc_fail(l->s, ES_E_COUNT, where, "the argument '%.64s' is given twice", key);
      return false;
    }
  names[l->n] = key;
  add(l, v, where);
  return true;
}

static int64_t keyword_capacity(const sc_node *node) {
  int64_t n = 0;
  for (int i = 1; i < node->n; i++) n += node->kids[i]->kind == SC_N_KEYWORD;
  return n + 256; /* and the entries of **dicts */
}

static bool arguments(sc_session *s, const sc_node *node, sc_call *call) {
  items positional = {.s = s}, named = {.s = s};
  int64_t capacity = keyword_capacity(node);
  const char **names = sc_scratch(s, (size_t)capacity * sizeof *names);
  for (int i = 1; i < node->n; i++) {
    const sc_node *arg = node->kids[i];
    if (arg->kind == SC_N_KEYWORD) {
      sc_value *v = sc_eval(s, arg->kids[0]);
      if (!v || !add_named(&named, names, arg->text, v, arg->span)) return false;
    } else if (arg->kind == SC_N_DOUBLE_STAR) {
      sc_value *dict = sc_eval(s, arg->kids[0]);
      if (dict && (dict->kind != SC_DICT || dict->n / 2 > capacity - named.n))
        dict = sc_fail(s, ES_E_DTYPE, arg->span,
                       "'**' needs a dict of at most %lld names, found %s",
                       (long long)(capacity - named.n), sc_kind_name(dict->kind));
      for (int64_t k = 0; dict && k < dict->n; k += 2)
        if (!add_named(&named, names, dict->items[k]->text, dict->items[k + 1], arg->span))
          return false;
      if (!dict) return false;
    } else {
      if (named.n) {
        sc_fail(s, ES_E_SYNTAX, arg->span, "a positional argument follows a keyword argument");
        return false;
      }
      if (!add_node(&positional, arg)) return false;
    }
  }
  *call = (sc_call){.span = node->span,
                    .n = positional.n,
                    .values = positional.values,
                    .spans = positional.spans,
                    .n_named = named.n,
                    .names = names,
                    .named = named.values,
                    .named_spans = named.spans};
  return true;
}

static sc_value *call(sc_session *s, const sc_node *node) {
  const sc_node *callee = node->kids[0];
  bool dotted = callee->kind == SC_N_ATTRIBUTE;
  sc_value *object = sc_eval(s, dotted ? callee->kids[0] : callee);
  sc_call made;
  if (!object) return NULL;
  if (dotted && object->kind == SC_SPACE) {
    object = sc_attribute(s, object, callee->text, callee->span);
    dotted = false;
  }
  if (!object || !arguments(s, node, &made)) return NULL;
  return dotted ? sc_method_call(s, object, callee->text, &made) : sc_value_call(s, object, &made);
}

/* ---- operators ---------------------------------------------------------------------- */

static sc_value *logic(sc_session *s, const sc_node *node) {
  bool truth;
  sc_value *left = sc_eval(s, node->kids[0]);
  if (!left || !sc_truth(s, left, node->kids[0]->span, &truth)) return NULL;
  return truth == (node->kind == SC_N_AND) ? sc_eval(s, node->kids[1]) : left;
}

static sc_value *unary(sc_session *s, const sc_node *node) {
  sc_value *v = sc_eval(s, node->kids[0]);
  bool truth;
  if (!v) return NULL;
  if (node->kind == SC_N_NEGATIVE) return sc_negative(s, v, node->span);
  if (node->kind == SC_N_INVERT) return sc_invert(s, v, node->span);
  if (node->kind == SC_N_POSITIVE) {
    if (v->kind == SC_TENSOR || sc_is_number(v)) return v;
    return sc_fail(s, ES_E_DTYPE, node->span, "'+' needs a number or a tensor, found %s",
                   sc_kind_name(v->kind));
  }
  return sc_truth(s, v, node->span, &truth) ? sc_bool(s, !truth) : NULL;
}

static sc_value *binary(sc_session *s, const sc_node *node) {
  sc_value *a = sc_eval(s, node->kids[0]);
  sc_value *b = a ? sc_eval(s, node->kids[1]) : NULL;
  return b ? sc_binary(s, node->op, a, b, node->span) : NULL;
}

/* a op b, and 'not in'. */
static sc_value *compare(sc_session *s, sc_token_kind op, sc_value *a, sc_value *b, sc_span where) {
  if (op != SC_T_NOT) return sc_binary(s, op, a, b, where);
  sc_value *found = sc_binary(s, SC_T_IN, a, b, where);
  return found ? sc_bool(s, !found->i) : NULL;
}

/* a < b < c is a < b and b < c, b evaluated once. */
static sc_value *comparisons(sc_session *s, const sc_node *node) {
  sc_value *left = sc_eval(s, node->kids[0]), *result = NULL;
  for (int i = 1; left && i < node->n; i++) {
    bool truth = true;
    sc_span where = {node->kids[i - 1]->span.offset, 0};
    where.length = node->kids[i]->span.offset + node->kids[i]->span.length - where.offset;
    if (result && !sc_truth(s, result, where, &truth)) return NULL;
    if (!truth) return result;
    sc_value *right = sc_eval(s, node->kids[i]);
    result = right ? compare(s, (sc_token_kind)node->text[i - 1], left, right, where) : NULL;
    if (!result) return NULL;
    left = right;
  }
  return left ? result : NULL;
}

static sc_value *subscript(sc_session *s, const sc_node *node) {
  sc_value *object = sc_eval(s, node->kids[0]);
  sc_value *index = object ? sc_eval(s, node->kids[1]) : NULL;
  return index ? sc_index(s, object, index, node->span) : NULL;
}

sc_value *sc_eval(sc_session *s, const sc_node *node) {
  if (s->interrupted && *s->interrupted)
    return sc_fail(s, ES_E_CANCELLED, node->span, "interrupted");
  switch (node->kind) {
  case SC_N_NONE: return sc_none(s);
  case SC_N_BOOL: return sc_bool(s, node->i != 0);
  case SC_N_INT: return sc_int(s, node->i);
  case SC_N_FLOAT: return sc_float(s, node->f);
  case SC_N_STRING: return sc_string(s, node->text, node->text_len);
  case SC_N_ELLIPSIS: return sc_plain(s, SC_ELLIPSIS);
  case SC_N_NAME: return name(s, node);
  case SC_N_TUPLE:
  case SC_N_LIST:
  case SC_N_DICT: return sequence(s, node);
  case SC_N_NEGATIVE:
  case SC_N_POSITIVE:
  case SC_N_INVERT:
  case SC_N_NOT: return unary(s, node);
  case SC_N_COMPARE: return comparisons(s, node);
  case SC_N_AND:
  case SC_N_OR: return logic(s, node);
  case SC_N_BINARY: return binary(s, node);
  case SC_N_SUBSCRIPT: return subscript(s, node);
  case SC_N_SLICE: return slice(s, node);
  case SC_N_CALL: return call(s, node);
  case SC_N_ATTRIBUTE: {
    sc_value *object = sc_eval(s, node->kids[0]);
    return object ? sc_attribute(s, object, node->text, node->span) : NULL;
  }
  default: return sc_fail(s, ES_E_SYNTAX, node->span, "this has no value of its own");
  }
}

/* ---- statements ------------------------------------------------------------------------ */

static bool assign(sc_session *s, const sc_node *target, sc_value *v);

static bool unpack(sc_session *s, const sc_node *target, sc_value *v) {
  items l = {.s = s};
  if (!sc_is_sequence(v) && v->kind != SC_TENSOR) {
    sc_fail(s, ES_E_DTYPE, target->span, "expected %d values to unpack, found %s", target->n,
            sc_kind_name(v->kind));
    return false;
  }
  if (!add_spread(&l, v, target->span)) return false;
  if (l.n != target->n) {
    sc_fail(s, ES_E_COUNT, target->span, "expected %d values to unpack, found %lld", target->n,
            (long long)l.n);
    return false;
  }
  for (int i = 0; i < target->n; i++)
    if (!assign(s, target->kids[i], l.values[i])) return false;
  return true;
}

static bool assign(sc_session *s, const sc_node *target, sc_value *v) {
  if (target->kind == SC_N_NAME) {
    sc_variable_set(s, target->text, v);
    return true;
  }
  if (target->kind != SC_N_SUBSCRIPT) return unpack(s, target, v);
  sc_value *object = sc_eval(s, target->kids[0]);
  sc_value *index = object ? sc_eval(s, target->kids[1]) : NULL;
  return index && sc_index_assign(s, object, index, v, target->span);
}

/* x += v gives x the sum; x[…] += v writes the sum where it was read, each place once. */
static bool augment(sc_session *s, const sc_node *node) {
  const sc_node *target = node->kids[0];
  if (target->kind == SC_N_NAME) {
    sc_value *v = binary(s, node);
    if (v) sc_variable_set(s, target->text, v);
    return v != NULL;
  }
  sc_value *object = sc_eval(s, target->kids[0]);
  sc_value *index = object ? sc_eval(s, target->kids[1]) : NULL;
  sc_value *part = index ? sc_index(s, object, index, target->span) : NULL;
  sc_value *v = part ? sc_eval(s, node->kids[1]) : NULL;
  sc_value *sum = v ? sc_binary(s, node->op, part, v, node->span) : NULL;
  return sum && sc_index_assign(s, object, index, sum, target->span);
}

/* Everything is there from the start: an import at most gives a thing a new name. */
static bool import(sc_session *s, const sc_node *node) {
  for (int i = 0; i < node->n; i++) {
    const char *bound = node->kids[i]->text, *path = node->kids[i]->kids[0]->text;
    const char *dot = strrchr(path, '.');
    const sc_space *space = sc_space_find(path);
    sc_value *v = NULL;
    if (space) {
      v = sc_plain(s, SC_SPACE);
      v->space = space;
    } else if (dot) {
      char *parent = sc_scratch(s, strlen(path) + 1);
      memcpy(parent, path, (size_t)(dot - path));
      const sc_space *from = sc_space_find(parent);
      v = from ? sc_space_member(s, from, dot + 1) : sc_name_lookup(s, dot + 1);
    }
    if (!v && !s->shapes_only)
      fprintf(stderr, "note: '%s' is not part of einstride; the import is ignored\n", path);
    else if (v && *bound && !(v->kind == SC_SPACE && sc_space_find(bound) == v->space))
      sc_variable_set(s, bound, v);
    else if (!s->shapes_only)
      fprintf(stderr, "note: '%s' is here already; the import is ignored\n", path);
  }
  return true;
}

bool sc_run_statement(sc_session *s, const sc_node *node, sc_outcome *out) {
  *out = (sc_outcome){NULL, node->flag};
  if (node->kind == SC_N_IMPORT) return import(s, node);
  if (node->kind == SC_N_EXPRESSION) {
    out->value = sc_eval(s, node->kids[0]);
    if (!out->value) return false;
    if (out->value->kind != SC_NONE && out->value != s->last) {
      sc_value *before = s->last;
      s->last = sc_value_retain(out->value);
      sc_value_release(before);
    }
    return true;
  }
  if (node->kind == SC_N_AUGMENT) return augment(s, node);
  sc_value *v = sc_eval(s, node->kids[node->n - 1]);
  if (!v) return false;
  for (int i = 0; i + 1 < node->n; i++)
    if (!assign(s, node->kids[i], v)) return false;
  return true;
}
