/* The IDX format of MNIST and its successors: http://yann.lecun.com/exdb/mnist */
#ifndef ES_IO_IDX_H
#define ES_IO_IDX_H

#include "io/wire.h"

/* A new tensor of the current scope; NULL: *error filled. */
es_tensor *es_idx_decode(es_ctx *ctx, es_source *source, es_error *error);
/* Whether a file that starts with these four bytes is one. */
bool es_idx_detect(const uint8_t first[4]);

#endif
