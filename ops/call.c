/* Calling a layer by its row, with the arguments of a script. */
#include <string.h>

#include "base/text.h"
#include "engine/ctx.h"
#include "ops/calls.h"

#define ES_OP(name, expression, summary, formula, example, call, ...)                              \
  static es_tensor *call_##name(es_ctx *ctx, const es_value *a) { return call; }
#include "ops/all.def"
#undef ES_OP

typedef es_tensor *(*op_call)(es_ctx *ctx, const es_value *a);
static const op_call calls[ES_OP_COUNT] = {
#define ES_OP(name, ...) call_##name,
#include "ops/all.def"
#undef ES_OP
};

enum { MAX_PARAMS = 16 };

/* The default of a parameter, as the table writes it. */
static es_value otherwise(const es_param *p, int64_t *one) {
  es_value v = {.type = p->type};
  const char *text = p->otherwise;
  if (!strcmp(text, "None")) return (es_value){.type = ES_PARAM_NONE};
  if (p->type == ES_PARAM_BOOL) {
    v.i = !strcmp(text, "True");
  } else if (p->type == ES_PARAM_TEXT) {
    v.text = text;
  } else {
    es_parse_double(text, strlen(text), &v.f);
    v.i = *one = (int64_t)v.f;
    v.n = 1;
    v.ints = one;
  }
  return v;
}

static const char *type_name(es_param_type type) {
  switch (type) {
  case ES_PARAM_TENSOR: return "a tensor";
  case ES_PARAM_INT: return "an integer";
  case ES_PARAM_INTS: return "an integer or a tuple of them";
  case ES_PARAM_FLOAT: return "a number";
  case ES_PARAM_BOOL: return "True or False";
  case ES_PARAM_PADDING: return "an integer, a tuple, pairs (low, high), 'same' or 'valid'";
  case ES_PARAM_TEXT: return "a string";
  case ES_PARAM_NONE: break;
  }
  return "None";
}

static bool is_one_of(const char *name, const char *const *names) {
  for (; *names; names++)
    if (!strcmp(name, *names)) return true;
  return false;
}

/* Spatial axes that a windowed layer slides over: the digit of conv2d; 2 for fold
 * and unfold. */
static int window_axes(const es_op *op) {
  size_t len = strlen(op->name);
  bool digit = len > 2 && op->name[len - 1] == 'd' && op->name[len - 2] >= '1' &&
               op->name[len - 2] <= '3';
  return digit ? op->name[len - 2] - '0' : 2;
}

/* Counts and lower bounds of window arguments, while their values as written are
 * still known (a zero in es_window means the default). */
static es_status check_window_argument(es_ctx *ctx, const es_op *op, const es_param *p,
                                       const es_value *v) {
  static const char *const positive[] = {"kernel_size", "stride", "dilation", NULL};
  static const char *const natural[] = {"padding", "output_padding", "output_size", NULL};
  int64_t least = is_one_of(p->name, positive) ? 1 : 0;
  if (!least && !is_one_of(p->name, natural)) return ES_OK;
  int axes = window_axes(op);
  if (v->n != 1 && v->n != axes && v->mode == ES_PAD_NUMBERS)
    return es_ops_fail(ctx, ES_E_VALUE, "%s: %s takes one number or %d, %d were given", op->name,
                       p->name, axes, v->n);
  for (int i = 0; i < v->n; i++) {
    int64_t low = v->ints[i], high = v->high ? v->high[i] : low;
    if (low < least || high < least)
      return es_ops_fail(ctx, ES_E_VALUE, "%s: %s must be at least %lld, found %lld", op->name,
                         p->name, (long long)least, (long long)(low < least ? low : high));
  }
  return ES_OK;
}

es_tensor *es_op_call(es_ctx *ctx, const es_op *op, const es_value *args) {
  es_value full[MAX_PARAMS];
  int64_t ones[MAX_PARAMS];
  if (!op || !args)
    return es_ops_fail(ctx, ES_E_VALUE, "es_op_call: the %s NULL",
                       op ? "arguments are" : "operation is"),
           NULL;
  for (int i = 0; i < op->n_params; i++) {
    const es_param *p = &op->params[i];
    full[i] = args[i];
    bool given = args[i].type != ES_PARAM_NONE;
    if (!given && !p->otherwise)
      return es_ops_fail(ctx, ES_E_VALUE, "%s: the argument '%s' (%s) is missing", op->name,
                         p->name, type_name(p->type)),
             NULL;
    if (!given) full[i] = otherwise(p, &ones[i]);
    if (given && args[i].type != p->type)
      return es_ops_fail(ctx, ES_E_VALUE, "%s: the argument '%s' must be %s, found %s", op->name,
                         p->name, type_name(p->type), type_name(args[i].type)),
             NULL;
    if (full[i].type == ES_PARAM_TENSOR && !full[i].tensor)
      return es_ctx_fail_null(ctx, op->name), NULL;
    if (full[i].type == ES_PARAM_TEXT && !full[i].text)
      return es_ops_fail(ctx, ES_E_VALUE, "%s: the text of '%s' is NULL", op->name, p->name), NULL;
    bool windowed = full[i].type == ES_PARAM_INTS || full[i].type == ES_PARAM_PADDING;
    if (windowed && (full[i].n < 0 || (full[i].n > 0 && !full[i].ints)))
      return es_ops_fail(ctx, ES_E_VALUE, "%s: %s holds %d numbers%s", op->name, p->name, full[i].n,
                         full[i].n > 0 ? ", but they are NULL" : ""),
             NULL;
    if (windowed && check_window_argument(ctx, op, p, &full[i])) return NULL;
  }
  return calls[op - es_op_at(0)](ctx, full);
}
