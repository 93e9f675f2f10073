/* Calls: of rows, of layers by their table, of modules that hold parameters. */
#include <stdio.h>
#include <string.h>

#include "repl/language/functions.h"

/* Notes which function failed; the innermost comes first. */
static sc_value *failed(sc_session *s, const char *name) {
  if (s->fault.set && !s->fault.callee) s->fault.callee = name;
  return NULL;
}

sc_value *sc_function_call(sc_session *s, const sc_function *f, sc_flavour flavour,
                           const sc_call *call) {
  sc_args args = {.s = s, .function = f, .call = call, .span = call->span, .flavour = flavour};
  if (!sc_bind(&args, f->params, f->name)) return failed(s, f->name);
  sc_value *result = f->run(&args);
  s->pattern = NULL;
  if (!result && !s->fault.set)
    sc_fail(s, ES_E_INTERNAL, call->span, "%s returned nothing and named no error", f->name);
  return result ? result : failed(s, f->name);
}

/* ---- layers ------------------------------------------------------------------- */

/* Other libraries' names of PyTorch's parameters. */
static const char *param_alias(const char *name) {
  static const char *const pairs[][2] = {
      {"dim", "axis"}, {"keepdim", "keepdims"}, {"input", "x"}, {"kernel_size", "kernel"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (!strcmp(pairs[i][0], name)) return pairs[i][1];
  return NULL;
}

/* The parameters in the grammar of sc_function.params. */
static const char *layer_params(sc_session *s, const es_op *op) {
  sc_buffer text = {0};
  for (int i = 0; i < op->n_params; i++) {
    const es_param *p = &op->params[i];
    const char *alias = param_alias(p->name);
    sc_printf(&text, "%s%s%s%s%s", i ? " " : "", p->name, alias ? "|" : "", alias ? alias : "",
              p->otherwise ? "?" : "");
  }
  char *kept = sc_scratch(s, text.len + 1);
  memcpy(kept, sc_text(&text), text.len);
  sc_buffer_free(&text);
  return kept;
}

/* ((low, high), …) into two arrays. */
static bool padding_pairs(sc_args *a, int i, es_value *out) {
  const sc_value *v = a->value[i];
  int64_t *low = sc_scratch(a->s, (size_t)v->n * sizeof *low);
  int64_t *high = sc_scratch(a->s, (size_t)v->n * sizeof *high);
  for (int64_t k = 0; k < v->n; k++) {
    int64_t pair[ES_MAX_RANK];
    int n;
    if (!sc_to_sizes(a->s, a->at[i], v->items[k], "padding", pair, &n)) return false;
    if (n > 2) {
      sc_fail(a->s, ES_E_VALUE, a->at[i],
              "padding of an axis is a pair (low, high), found %d "
              "numbers",
              n);
      return false;
    }
    low[k] = pair[0];
    high[k] = n == 2 ? pair[1] : pair[0];
  }
  out->n = (int)v->n;
  out->ints = low;
  out->high = high;
  return true;
}

static bool layer_padding(sc_args *a, int i, es_value *out) {
  const sc_value *v = a->value[i];
  if (v->kind == SC_STRING) {
    if (sc_text_is(v, "same"))
      out->mode = ES_PAD_SAME;
    else if (sc_text_is(v, "valid"))
      out->mode = ES_PAD_VALID;
    else {
      sc_fail(a->s, ES_E_VALUE, a->at[i],
              "padding may be 'same', 'valid', a number, one number "
              "an axis, or pairs (low, high), found '%.40s'",
              v->text);
      return false;
    }
    return true;
  }
  if (sc_is_sequence(v) && v->n && v->n <= ES_MAX_RANK && sc_is_sequence(v->items[0]))
    return padding_pairs(a, i, out);
  int64_t *low = sc_scratch(a->s, ES_MAX_RANK * sizeof *low);
  out->ints = low;
  return sc_to_sizes(a->s, a->at[i], v, "padding", low, &out->n);
}

static bool layer_value(sc_args *a, int i, es_param_type type, es_value *out) {
  char name[64] = "";
  sc_param_name(a->function->params, i, name, sizeof name);
  out->type = type;
  switch (type) {
  case ES_PARAM_TENSOR: return (out->tensor = sc_arg_tensor(a, i)) != NULL;
  case ES_PARAM_INT: return sc_to_int(a->s, a->at[i], a->value[i], name, &out->i);
  case ES_PARAM_FLOAT: return sc_arg_float(a, i, 0, &out->f);
  case ES_PARAM_TEXT: return sc_arg_text(a, i, &out->text);
  case ES_PARAM_PADDING: return layer_padding(a, i, out);
  case ES_PARAM_BOOL: {
    bool b;
    bool ok = sc_truth(a->s, a->value[i], a->at[i], &b);
    out->i = ok && b;
    return ok;
  }
  case ES_PARAM_INTS: {
    int64_t *ints = sc_scratch(a->s, ES_MAX_RANK * sizeof *ints);
    out->ints = ints;
    return sc_to_sizes(a->s, a->at[i], a->value[i], name, ints, &out->n);
  }
  case ES_PARAM_NONE: break;
  }
  return true;
}

static sc_value *layer_call(sc_session *s, const es_op *op, sc_flavour flavour,
                            const sc_call *call) {
  const char *params = layer_params(s, op);
  sc_function row = {.name = op->name, .params = params};
  sc_args a = {.s = s, .function = &row, .call = call, .span = call->span, .flavour = flavour};
  es_value values[SC_MAX_PARAMS] = {0};
  if (op->n_params > SC_MAX_PARAMS)
    return sc_fail(s, ES_E_UNSUPPORTED, call->span, "%s has more parameters than a script can give",
                   op->name);
  if (!sc_bind(&a, params, op->name)) return NULL;
  for (int i = 0; i < op->n_params; i++) {
    if (!a.value[i] || a.value[i]->kind == SC_NONE) continue; /* values[i] says: not given */
    if (!layer_value(&a, i, op->params[i].type, &values[i])) return NULL;
  }
  sc_value *v = sc_return(&a, es_op_call(s->es, op, values));
  if (v) v->axes = sc_layer_axes(s->es, op->expression, es_rank(v->tensor));
  if (v && v->axes && !s->shapes_only) sc_palette_keep(&s->palette, v->axes, strlen(v->axes));
  if (v && !v->axes && a.value[0]) sc_inherit_axes(v, a.value[0]);
  return v;
}

sc_value *sc_layer_call(sc_session *s, const es_op *op, sc_flavour flavour, const sc_call *call) {
  sc_value *v = layer_call(s, op, flavour, call);
  return v ? v : failed(s, op->name);
}

/* ---- modules --------------------------------------------------------------------- */

/* torch.nn.Fold(output_size=…, kernel_size=…): parameters now, the tensor later. */
static sc_value *module_make(sc_session *s, const sc_value *module, const sc_call *call) {
  const es_op *op = module->op;
  for (int i = 1; i < op->n_params; i++)
    if (op->params[i].type == ES_PARAM_TENSOR && !op->params[i].otherwise)
      return sc_fail(s, ES_E_UNSUPPORTED, call->span,
                     "a module with weights of its own does not "
                     "exist here; call %s(x, %s, …) with the tensors",
                     op->name, op->params[i].name);
  sc_value **pairs = sc_scratch(s, (size_t)call->n_named * 2 * sizeof *pairs);
  for (int64_t i = 0; i < call->n_named; i++) {
    pairs[2 * i] = sc_string(s, call->names[i], strlen(call->names[i]));
    pairs[2 * i + 1] = call->named[i];
  }
  sc_value *v = sc_plain(s, SC_PARTIAL);
  v->op = op;
  v->flavour = module->flavour;
  sc_value *bound = sc_sequence(s, SC_TUPLE, call->n, call->values);
  sc_value *keywords = sc_sequence(s, SC_DICT, 2 * call->n_named, pairs);
  if (!bound || !keywords) return NULL;
  v->bound = sc_value_retain(bound);
  v->keywords = sc_value_retain(keywords);
  v->depth = (bound->depth > keywords->depth ? bound->depth : keywords->depth) + 1;
  return v;
}

/* The module's tensor, its positional parameters, its keywords. */
static sc_value *module_call(sc_session *s, const sc_value *module, const sc_call *call) {
  if (call->n != 1 || call->n_named)
    return sc_fail(s, ES_E_COUNT, call->span, "this layer takes one tensor, found %lld arguments",
                   (long long)(call->n + call->n_named));
  int64_t n = 1 + module->bound->n, named = module->keywords->n / 2;
  sc_call full = {.span = call->span, .n = n, .n_named = named};
  full.values = sc_scratch(s, (size_t)n * sizeof *full.values);
  full.spans = sc_scratch(s, (size_t)n * sizeof *full.spans);
  full.names = sc_scratch(s, (size_t)named * sizeof *full.names);
  full.named = sc_scratch(s, (size_t)named * sizeof *full.named);
  full.named_spans = sc_scratch(s, (size_t)named * sizeof *full.named_spans);
  full.values[0] = call->values[0];
  for (int64_t i = 0; i < n; i++) full.spans[i] = call->span;
  for (int64_t i = 1; i < n; i++) full.values[i] = module->bound->items[i - 1];
  for (int64_t i = 0; i < named; i++) {
    full.names[i] = module->keywords->items[2 * i]->text;
    full.named[i] = module->keywords->items[2 * i + 1];
    full.named_spans[i] = call->span;
  }
  return sc_layer_call(s, module->op, module->flavour, &full);
}

sc_value *sc_value_call(sc_session *s, sc_value *callee, const sc_call *call) {
  switch (callee->kind) {
  case SC_FUNCTION:
    return callee->function ? sc_function_call(s, callee->function, callee->flavour, call)
                            : sc_layer_call(s, callee->op, callee->flavour, call);
  case SC_PARTIAL:
    if (!callee->bound) return module_make(s, callee, call);
    if (callee->op) return module_call(s, callee, call);
    break;
  case SC_DTYPE: { /* np.float32(3), torch.int64(x) */
    if (call->n != 1) break;
    es_tensor *t = sc_to_tensor(s, call->span, call->values[0], SC_PLAIN, callee->dtype);
    return t ? sc_result(s, call->span, t, SC_PLAIN) : NULL;
  }
  default: break;
  }
  return sc_fail(s, ES_E_DTYPE, call->span, "%s cannot be called", sc_kind_name(callee->kind));
}

/* ---- methods ------------------------------------------------------------------------ */

static void *fail_method(sc_session *s, sc_span where, const sc_value *object, const char *name) {
  sc_nearest nearest = {name, NULL, 0};
  const sc_function *f;
  for (int i = 0; object->kind == SC_TENSOR && (f = sc_function_at(s, i)); i++)
    if (f->in & SC_IN_METHOD) sc_offer(&nearest, f->name);
  char sentence[160];
  snprintf(sentence, sizeof sentence, "%s has no method '%.64s'", sc_kind_name(object->kind), name);
  return sc_fail_unknown(s, where, sentence, &nearest);
}

sc_value *sc_method_call(sc_session *s, sc_value *object, const char *name, const sc_call *call) {
  unsigned in = object->kind == SC_TENSOR    ? SC_IN_METHOD
                : object->kind == SC_STRING  ? SC_IN_TEXT
                : object->kind == SC_DICT    ? SC_IN_DICT
                : object->kind == SC_PARTIAL ? SC_IN_PARTIAL
                                             : 0;
  const sc_function *f = in ? sc_function_find(s, name, in) : NULL;
  const es_op *op = !f && in == SC_IN_METHOD ? es_op_find(name) : NULL;
  if (!f && !(op && op->n_params && op->params[0].type == ES_PARAM_TENSOR))
    return fail_method(s, call->span, object, name);
  sc_call with_self = *call;
  with_self.n = call->n + 1;
  with_self.values = sc_scratch(s, (size_t)with_self.n * sizeof *with_self.values);
  with_self.spans = sc_scratch(s, (size_t)with_self.n * sizeof *with_self.spans);
  with_self.values[0] = object;
  with_self.spans[0] = call->span;
  for (int64_t i = 0; i < call->n; i++) {
    with_self.values[i + 1] = call->values[i];
    with_self.spans[i + 1] = call->spans[i];
  }
  return f ? sc_function_call(s, f, SC_PLAIN, &with_self)
           : sc_layer_call(s, op, SC_PLAIN, &with_self);
}
