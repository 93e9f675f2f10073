#include "repl/language/value.h"

#include <stdlib.h>
#include <string.h>

void sc_inherit_axes(sc_value *v, const sc_value *operand) {
  if (v->axes || operand->kind != SC_TENSOR || !operand->axes) return;
  int rank = es_rank(v->tensor);
  if (es_rank(operand->tensor) != rank) return;
  for (int i = 0; i < rank; i++)
    if (es_shape(v->tensor)[i] != es_shape(operand->tensor)[i]) return;
  v->axes = sc_copy_text(operand->axes, strlen(operand->axes));
}

sc_value *sc_value_retain(sc_value *v) {
  v->refs++;
  return v;
}

/* Recursion is bounded by SC_MAX_VALUE_DEPTH. */
void sc_value_release(sc_value *v) {
  if (!v || --v->refs > 0) return;
  switch (v->kind) {
  case SC_STRING: free(v->text); break;
  case SC_TENSOR:
    es_release(v->tensor);
    free(v->axes);
    break;
  case SC_TUPLE:
  case SC_LIST:
  case SC_DICT:
  case SC_SLICE:
    for (int64_t i = 0; i < v->n; i++) sc_value_release(v->items[i]);
    free(v->items);
    break;
  case SC_PARTIAL:
    sc_value_release(v->bound);
    sc_value_release(v->keywords);
    break;
  default: break;
  }
  free(v);
}

const char *sc_kind_name(sc_kind kind) {
  static const char *const names[] = {"None",         "a boolean",  "an integer", "a float",
                                      "a string",     "...",        "a slice",    "a tuple",
                                      "a list",       "a dict",     "a dtype",    "a tensor",
                                      "a name space", "a function", "a layer"};
  return names[kind];
}

bool sc_holds_tensor(const sc_value *v) { /* depth is bounded */
  if (v->kind == SC_TENSOR) return true;
  for (int64_t i = 0; (sc_is_sequence(v) || v->kind == SC_DICT) && i < v->n; i++)
    if (sc_holds_tensor(v->items[i])) return true;
  return false;
}

bool sc_text_is(const sc_value *v, const char *text) {
  return v->kind == SC_STRING && v->len == strlen(text) && !memcmp(v->text, text, v->len);
}

sc_value *sc_dict_get(const sc_value *dict, const char *key) {
  for (int64_t i = 0; i < dict->n; i += 2)
    if (sc_text_is(dict->items[i], key)) return dict->items[i + 1];
  return NULL;
}
