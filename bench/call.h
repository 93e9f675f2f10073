/* Functions by name, as a case writes them: "softmax dim=-1", "cast bf16", "exp". */
#ifndef EINSTRIDE_BENCH_CALL_H
#define EINSTRIDE_BENCH_CALL_H

#include "einstride/layers.h"

typedef struct bench_call {
  enum { CALL_LAYER, CALL_UNARY, CALL_BINARY, CALL_CAST, CALL_COPY } kind;
  int op; /* es_unary_op or es_binary_op */
  es_dtype type;
  const es_op *layer;
  es_value *args; /* [layer->n_params] */
  int n_operands;
  int64_t ints[16][4]; /* behind args */
  char text[128];      /* behind args */
} bench_call;

/* False after a message on stderr. The n operands go to the tensor parameters in order. */
bool bench_call_read(const char *text, int n, bench_call *call);
es_tensor *bench_call_run(es_ctx *ctx, bench_call *call, es_tensor *const *operand);
void bench_call_free(bench_call *call);

#endif
