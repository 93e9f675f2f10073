/* The table of layers: what each is called, computes and takes. */
#include <string.h>

#include "ops/ops.h"

#define T(name)                                                                                    \
  { name, ES_PARAM_TENSOR, NULL }
#define O(name)                                                                                    \
  { name, ES_PARAM_TENSOR, "None" }
#define P(type, name, otherwise)                                                                   \
  { name, ES_PARAM_##type, otherwise }

#define ES_OP(name, expression, summary, formula, example, call, ...)                              \
  static const es_param params_##name[] = {__VA_ARGS__};
#include "ops/all.def"
#undef ES_OP
#undef T
#undef O
#undef P

static const es_op rows[ES_OP_COUNT] = {
#define ES_OP(name, expression, summary, formula, example, call, ...)                              \
  {#name,        expression, summary,                                                              \
   formula,      example,    sizeof params_##name / sizeof *params_##name,                         \
   params_##name},
#include "ops/all.def"
#undef ES_OP
};

const char *es_ops_expression(es_op_id id) { return rows[id].expression; }

int es_op_count(void) { return ES_OP_COUNT; }

const es_op *es_op_at(int index) { return index >= 0 && index < ES_OP_COUNT ? &rows[index] : NULL; }

const es_op *es_op_find(const char *name) {
  for (int i = 0; name && i < ES_OP_COUNT; i++)
    if (!strcmp(rows[i].name, name)) return &rows[i];
  return NULL;
}
