/* Attention a block at a time: of the scores only one block a thread ever exists. */
#ifndef ES_OPS_ATTENTION_BLOCKS_H
#define ES_OPS_ATTENTION_BLOCKS_H

#include "einstride.h"

/* All of the same batch axes, real and of one compute type but for the mask, which may
 * be bool (true: may attend); else it is added to the scores. */
typedef struct es_attention {
  const es_tensor *query; /* (…, i, d) */
  const es_tensor *key;   /* (…, j, d) */
  const es_tensor *value; /* (…, j, e) */
  const es_tensor *mask;  /* (…, i, j) or NULL */
  es_tensor *out;         /* (…, i, e), is written */
  bool is_causal;         /* token i sees j <= i */
  double scale;           /* of the queries */
} es_attention;

/* softmax(query key^T scale + mask) value; zeros where a row sees nothing. The bits of
 * a row depend on its own query, its mask and all keys and values: not on the number of
 * threads, nor on the other rows. On failure the context has the error. */
es_status es_attention_run(es_ctx *ctx, const es_attention *attention);

#endif
