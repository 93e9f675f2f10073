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
