/* x.shape and the like: attributes without a call. */
#include <stdio.h>
#include <string.h>

#include "repl/language/functions.h"

static es_tensor *transposed(sc_session *s, es_tensor *t) {
  int axes[ES_MAX_RANK], rank = es_rank(t);
  for (int i = 0; i < rank; i++) axes[i] = rank - 1 - i;
  return es_permute(s->es, t, axes);
}

static sc_value *tensor_attribute(sc_session *s, sc_value *v, const char *name, sc_span where) {
  es_tensor *t = v->tensor;
  int rank = es_rank(t);
  if (!strcmp(name, "shape")) return sc_shape_tuple(s, rank, es_shape(t));
  if (!strcmp(name, "strides")) return sc_shape_tuple(s, rank, es_strides(t));
  if (!strcmp(name, "ndim")) return sc_int(s, rank);
  if (!strcmp(name, "size")) return sc_int(s, es_size(t));
  if (!strcmp(name, "dtype")) return sc_dtype(s, es_dtype_of(t));
  if (!strcmp(name, "itemsize")) return sc_int(s, (int64_t)es_dtype_size(es_dtype_of(t)));
  if (!strcmp(name, "nbytes"))
    return sc_int(s, es_size(t) * (int64_t)es_dtype_size(es_dtype_of(t)));
  if (!strcmp(name, "T")) return sc_result(s, where, transposed(s, t), v->flavour);
  if (!strcmp(name, "mT")) return sc_result(s, where, es_transpose(s->es, t, -2, -1), v->flavour);
  if (!strcmp(name, "real") || !strcmp(name, "imag"))
    return sc_result(s, where, es_unary(s->es, *name == 'r' ? ES_REAL : ES_IMAG, t), v->flavour);
  if (sc_function_find(s, name, SC_IN_METHOD) || es_op_find(name))
    return sc_fail(s, ES_E_SYNTAX, where, "'%s' is a method: write .%s(…)", name, name);
  sc_nearest nearest = {name, NULL, 0};
  static const char *const names[] = {"shape", "strides", "ndim", "size", "dtype", "T"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) sc_offer(&nearest, names[i]);
  char sentence[160];
  snprintf(sentence, sizeof sentence,
           nearest.best ? "a tensor has no attribute '%.64s'"
                        : "a tensor has no attribute '%.64s'; it has shape, strides, ndim, size, "
                          "dtype, itemsize, nbytes, T, mT, real, imag",
           name);
  return sc_fail_unknown(s, where, sentence, &nearest);
}

sc_value *sc_attribute(sc_session *s, sc_value *object, const char *name, sc_span where) {
  if (object->kind == SC_TENSOR) return tensor_attribute(s, object, name, where);
  if (object->kind == SC_SPACE) {
    sc_value *member = sc_space_member(s, object->space, name);
    return member ? member : sc_fail_no_member(s, where, object->space, name);
  }
  return sc_fail(s, ES_E_NAME, where, "%s has no attribute '%.64s'", sc_kind_name(object->kind),
                 name);
}
