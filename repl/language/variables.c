#include "repl/language/variables.h"

#include <stdlib.h>
#include <string.h>

#include "repl/language/make.h"

static sc_variable *find(const sc_session *s, const char *name) {
  for (size_t i = 0; i < s->n_variables; i++)
    if (!strcmp(s->variables[i].name, name)) return &s->variables[i];
  return NULL;
}

/* A value of the session that s shadows, tensors by their shapes. NULL after an error. */
static sc_value *shadow_of(sc_session *s, sc_value *v) {
  if (v->kind == SC_TENSOR) {
    es_tensor *t = es_empty(s->es, es_dtype_of(v->tensor), es_rank(v->tensor), es_shape(v->tensor));
    sc_value *made = sc_result(s, (sc_span){0, 0}, t, v->flavour);
    if (made) sc_inherit_axes(made, v);
    return made;
  }
  if (!sc_is_sequence(v) && v->kind != SC_DICT) return v; /* it outlives the statement */
  enum { MOST = 1024 };
  if (v->n > MOST) return sc_fail(s, ES_E_UNSUPPORTED, (sc_span){0, 0}, "too long to be hinted at");
  sc_value **items = sc_scratch(s, (size_t)v->n * sizeof *items);
  for (int64_t i = 0; i < v->n; i++) /* depth is bounded */
    if (!(items[i] = shadow_of(s, v->items[i]))) return NULL;
  return sc_sequence(s, v->kind, v->n, items);
}

sc_value *sc_variable_get(sc_session *s, const char *name) {
  const sc_variable *variable = find(s, name);
  if (variable) return variable->value;
  variable = s->shadows ? find(s->shadows, name) : NULL;
  return variable ? shadow_of(s, variable->value) : NULL;
}

sc_value *sc_last_get(sc_session *s) {
  if (s->last || !s->shadows || !s->shadows->last) return s->last;
  return shadow_of(s, s->shadows->last);
}

void sc_variable_set(sc_session *s, const char *name, sc_value *v) {
  sc_variable *variable = find(s, name);
  if (!variable) {
    s->variables = sc_grow(s->variables, (s->n_variables + 1) * sizeof *s->variables);
    variable = &s->variables[s->n_variables++];
    *variable = (sc_variable){sc_copy_text(name, strlen(name)), NULL};
  }
  sc_value *before = variable->value;
  variable->value = sc_value_retain(v);
  sc_value_release(before);
}

bool sc_variable_drop(sc_session *s, const char *name) {
  sc_variable *variable = find(s, name);
  if (!variable) return false;
  free(variable->name);
  sc_value_release(variable->value);
  size_t after = (size_t)(s->variables + s->n_variables - variable) - 1;
  memmove(variable, variable + 1, after * sizeof *variable);
  s->n_variables--;
  return true;
}

/* ---- views ------------------------------------------------------------------------------ */

/* The bytes from the first to behind the last element. */
static void reach(const es_tensor *t, const char **first, const char **end) {
  size_t bytes = es_dtype_size(es_dtype_of(t));
  *first = es_data(t);
  *end = *first + bytes;
  for (int i = 0; i < es_rank(t); i++) {
    int64_t far = (es_shape(t)[i] - 1) * es_strides(t)[i] * (int64_t)bytes;
    *(far < 0 ? first : end) += far;
  }
}

static bool shares(const es_tensor *a, const es_tensor *b) {
  const char *first[2], *end[2];
  if (!es_size(b) || !es_data(b)) return false;
  reach(a, &first[0], &end[0]);
  reach(b, &first[1], &end[1]);
  return first[0] < end[1] && first[1] < end[0];
}

static bool is_view_of(const sc_value *v, const sc_value *other) { /* depth is bounded */
  if (!other) return false;
  for (int64_t i = 0; sc_is_sequence(other) && i < other->n; i++)
    if (is_view_of(v, other->items[i])) return true;
  return other->kind == SC_TENSOR && other->number < v->number && shares(v->tensor, other->tensor);
}

bool sc_is_view(const sc_session *s, const sc_value *v) {
  bool found = false;
  if (!es_is_view(v->tensor) || !es_size(v->tensor) || !es_data(v->tensor)) return false;
  for (size_t i = 0; i < s->n_variables && !found; i++)
    found = is_view_of(v, s->variables[i].value);
  for (size_t i = 0; i < s->n_pool && !found; i++) found = is_view_of(v, s->pool[i]);
  return found || is_view_of(v, s->last);
}
