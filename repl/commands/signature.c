#include "repl/commands/signature.h"

#include <string.h>

#include "repl/language/variables.h"

void sc_put_layer_signature(sc_buffer *out, const es_op *op) {
  sc_printf(out, "%s(", op->name);
  for (int i = 0; i < op->n_params; i++) {
    const es_param *p = &op->params[i];
    sc_printf(out, "%s%s", i ? ", " : "", p->name);
    if (p->otherwise) sc_printf(out, "=%s", p->otherwise);
  }
  sc_puts(out, ")");
}

void sc_put_row_signature(sc_buffer *out, const sc_function *f) {
  sc_printf(out, "%s(", f->name);
  sc_put_params(out, f->params);
  sc_puts(out, ")");
}

static void put(sc_buffer *out, const sc_function *f, const es_op *op) {
  if (f)
    sc_put_row_signature(out, f);
  else if (op)
    sc_put_layer_signature(out, op);
}

void sc_put_signature(sc_buffer *out, const sc_value *v) {
  if (v->kind == SC_FUNCTION) put(out, v->function, v->op);
}

bool sc_callee_find(sc_session *s, const char *name, const sc_function **f, const es_op **op) {
  const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
  *f = NULL;
  *op = NULL;
  if (!dot) {
    *f = sc_function_find(s, name, SC_IN_BARE);
    *op = es_op_find(name);
  } else {
    char path[128];
    size_t len = (size_t)(dot - name);
    if (len >= sizeof path) return false;
    memcpy(path, name, len);
    path[len] = '\0';
    const sc_space *space = sc_variable_get(s, path) ? NULL : sc_space_find(path);
    *f = sc_function_find(s, last, space ? space->in : SC_IN_METHOD);
    *op = es_op_find(last);
  }
  return *f || *op;
}

void sc_put_signature_of(sc_buffer *out, sc_session *s, const char *name) {
  const sc_function *f;
  const es_op *op;
  if (sc_callee_find(s, name, &f, &op)) put(out, f, op);
}
