#include "bench/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const unary_names[] = {
#define ES_X(name, text) text,
    ES_UNARY_LIST(ES_X)
#undef ES_X
};
static const char *const binary_names[] = {
#define ES_X(name, text) text,
    ES_BINARY_LIST(ES_X)
#undef ES_X
};

static int find(const char *name, const char *const *names, int n) {
  for (int i = 0; i < n; i++)
    if (!strcmp(name, names[i])) return i;
  return -1;
}

/* "3,3" or "3" */
static int read_ints(char *value, int64_t *to, int cap) {
  int n = 0;
  char *rest = value;
  for (char *one; n < cap && (one = strsep(&rest, ","));) to[n++] = strtoll(one, NULL, 10);
  return n;
}

static bool read_argument(bench_call *call, char *word) {
  char *equals = strchr(word, '=');
  if (!equals) return false;
  *equals = 0;
  char *value = equals + 1;
  for (int i = 0; i < call->layer->n_params && i < 16; i++) {
    const es_param *p = &call->layer->params[i];
    if (strcmp(p->name, word)) continue;
    es_value *v = &call->args[i];
    v->type = p->type;
    v->text = value;
    v->f = strtod(value, NULL);
    v->i = p->type == ES_PARAM_BOOL ? !strcmp(value, "True") : strtoll(value, NULL, 10);
    v->n = read_ints(value, call->ints[i], 4);
    v->ints = call->ints[i];
    return p->type != ES_PARAM_TENSOR;
  }
  return false;
}

static bool read_layer(bench_call *call, const char *name, char *rest) {
  call->kind = CALL_LAYER;
  call->layer = es_op_find(name);
  if (!call->layer) return false;
  call->args = calloc((size_t)call->layer->n_params, sizeof *call->args);
  bool good = call->args != NULL;
  for (char *word; good && (word = strsep(&rest, " "));) good = !*word || read_argument(call, word);
  return good;
}

bool bench_call_read(const char *text, int n, bench_call *call) {
  *call = (bench_call){.n_operands = n};
  snprintf(call->text, sizeof call->text, "%s", text);
  char *rest = call->text;
  const char *name = strsep(&rest, " ");
  if ((call->op = find(name, unary_names, ES_UNARY_COUNT)) >= 0)
    return call->kind = CALL_UNARY, true;
  if ((call->op = find(name, binary_names, ES_BINARY_COUNT)) >= 0)
    return call->kind = CALL_BINARY, n == 2;
  if (!strcmp(name, "copy")) return call->kind = CALL_COPY, true;
  if (!strcmp(name, "cast") && rest)
    return call->kind = CALL_CAST, (call->type = es_dtype_from_name(rest)) != ES_DTYPE_AUTO;
  if (read_layer(call, name, rest)) return true;
  fprintf(stderr, "no call: %s\n", text);
  return false;
}

static es_tensor *run_layer(es_ctx *ctx, bench_call *call, es_tensor *const *operand) {
  int next = 0;
  for (int i = 0; i < call->layer->n_params && next < call->n_operands; i++)
    if (call->layer->params[i].type == ES_PARAM_TENSOR)
      call->args[i] = (es_value){.type = ES_PARAM_TENSOR, .tensor = operand[next++]};
  return es_op_call(ctx, call->layer, call->args);
}

es_tensor *bench_call_run(es_ctx *ctx, bench_call *call, es_tensor *const *operand) {
  switch (call->kind) {
  case CALL_UNARY: return es_unary(ctx, (es_unary_op)call->op, operand[0]);
  case CALL_BINARY: return es_binary(ctx, (es_binary_op)call->op, operand[0], operand[1]);
  case CALL_CAST: return es_cast(ctx, operand[0], call->type);
  case CALL_COPY: return es_copy(ctx, operand[0]);
  case CALL_LAYER: break;
  }
  return run_layer(ctx, call, operand);
}

void bench_call_free(bench_call *call) {
  free(call->args);
  call->args = NULL;
}
