/* NumPy's .npy format, versions 1.0 to 3.0:
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#ifndef ES_IO_NPY_H
#define ES_IO_NPY_H

#include "io/wire.h"

enum { ES_NPY_MAX_HEADER = 10000 };

typedef es_status (*es_npy_sink)(void *to, const void *bytes, size_t n, es_error *error);

/* A new tensor of the current scope; NULL: *error filled. */
es_tensor *es_npy_decode(es_ctx *ctx, es_source *source, es_error *error);
/* Bytes es_npy_encode will emit, or a DTYPE error. */
es_status es_npy_measure(const es_tensor *x, uint64_t *bytes, es_error *error);
/* Emits the file in pieces, elements in C order. */
es_status es_npy_encode(es_ctx *ctx, const es_tensor *x, es_npy_sink sink, void *to,
                        es_error *error);

#endif
