/* Elements as files hold them: byte orders, and unsigned types we widen. */
#ifndef ES_IO_WIRE_H
#define ES_IO_WIRE_H

#include "engine/ctx.h"
#include "io/source.h"

typedef struct es_wire {
  es_dtype dtype;   /* what the elements become */
  int size;         /* bytes of one element in the file */
  bool is_unsigned; /* u16, u32, u64: read as i32, i64, i64 */
  bool big_endian;
} es_wire;

/* Reads rank extents' worth of elements, in C order, into a new tensor of the
 * current scope. What is left in the source is checked before the allocation,
 * and that nothing follows after the read. u64 values over INT64_MAX are
 * ES_E_OVERFLOW. NULL: *error filled. */
es_tensor *es_wire_read(es_ctx *ctx, es_source *source, es_wire wire, int rank,
                        const int64_t *shape, es_error *error);

/* After a public function of the context returned NULL: its error, for *error. */
es_status es_wire_blame(const es_ctx *ctx, es_error *error);

#endif
