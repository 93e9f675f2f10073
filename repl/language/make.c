#include "repl/language/make.h"

#include <string.h>

sc_value *sc_plain(sc_session *s, sc_kind kind) {
  sc_value *v = sc_alloc(sizeof *v);
  v->kind = kind;
  v->refs = 1;
  v->number = s->n_made++;
  if (s->n_pool == s->pool_cap) {
    s->pool_cap = s->pool_cap ? 2 * s->pool_cap : 256;
    s->pool = sc_grow(s->pool, s->pool_cap * sizeof *s->pool);
  }
  s->pool[s->n_pool++] = v;
  return v;
}

sc_value *sc_none(sc_session *s) { return sc_plain(s, SC_NONE); }

static sc_value *integer(sc_session *s, sc_kind kind, int64_t i) {
  sc_value *v = sc_plain(s, kind);
  v->i = i;
  return v;
}

sc_value *sc_bool(sc_session *s, bool b) { return integer(s, SC_BOOL, b); }
sc_value *sc_int(sc_session *s, int64_t i) { return integer(s, SC_INT, i); }

sc_value *sc_float(sc_session *s, double f) {
  sc_value *v = sc_plain(s, SC_FLOAT);
  v->f = f;
  return v;
}

sc_value *sc_string(sc_session *s, const char *text, size_t len) {
  sc_value *v = sc_plain(s, SC_STRING);
  v->text = sc_copy_text(text, len);
  v->len = len;
  return v;
}

sc_value *sc_dtype(sc_session *s, es_dtype dtype) {
  sc_value *v = sc_plain(s, SC_DTYPE);
  v->dtype = dtype;
  return v;
}

sc_value *sc_sequence(sc_session *s, sc_kind kind, int64_t n, sc_value *const *items) {
  int depth = 1;
  for (int64_t i = 0; i < n; i++)
    if (items[i]->depth >= depth) depth = items[i]->depth + 1;
  if (depth > SC_MAX_VALUE_DEPTH)
    return sc_fail(s, ES_E_LIMIT, (sc_span){0, 0}, "tuples and lists are nested more than %d deep",
                   SC_MAX_VALUE_DEPTH);
  sc_value *v = sc_plain(s, kind);
  v->depth = depth;
  v->n = n;
  v->items = sc_alloc((size_t)n * sizeof *v->items);
  for (int64_t i = 0; i < n; i++) v->items[i] = sc_value_retain(items[i]);
  return v;
}

sc_value *sc_shape_tuple(sc_session *s, int rank, const int64_t *shape) {
  sc_value *items[ES_MAX_RANK];
  for (int i = 0; i < rank; i++) items[i] = sc_int(s, shape[i]);
  return sc_sequence(s, SC_TUPLE, rank, items);
}

sc_value *sc_tensor(sc_session *s, es_tensor *tensor, sc_flavour flavour) {
  sc_value *v = sc_plain(s, SC_TENSOR);
  v->tensor = es_retain(tensor);
  v->flavour = flavour;
  return v;
}

sc_value *sc_result(sc_session *s, sc_span where, es_tensor *tensor, sc_flavour flavour) {
  return tensor ? sc_tensor(s, tensor, flavour) : sc_fail_engine(s, where);
}
