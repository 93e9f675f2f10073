#include "io/wire.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"

static const bool host_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

es_status es_wire_blame(const es_ctx *ctx, es_error *error) {
  *error = *es_ctx_error(ctx);
  return error->status == ES_OK ? es_fail_nomem(error) : error->status;
}

/* Reverses the bytes of each of count parts, a complex number having two. */
static void swap_bytes(uint8_t *at, int64_t count, int size) {
  for (int64_t i = 0; i < count; i++, at += size)
    for (int a = 0, b = size - 1; a < b; a++, b--) {
      uint8_t t = at[a];
      at[a] = at[b], at[b] = t;
    }
}

static es_status read_native(es_source *source, es_wire wire, uint8_t *out, int64_t count,
                             es_error *error) {
  ES_TRY(es_source_read(source, out, (size_t)count * (size_t)wire.size, error));
  bool complex = es_dtype_class(wire.dtype) == ES_CLASS_COMPLEX;
  if (wire.big_endian != host_big && wire.size > 1)
    swap_bytes(out, complex ? 2 * count : count, complex ? wire.size / 2 : wire.size);
  if (wire.dtype == ES_BOOL)
    for (int64_t i = 0; i < count; i++) out[i] = out[i] != 0;
  return ES_OK;
}

static uint64_t load_unsigned(const uint8_t *at, es_wire wire) {
  uint64_t value = 0;
  for (int k = 0; k < wire.size; k++)
    value |= (uint64_t)at[wire.big_endian ? wire.size - 1 - k : k] << (8 * k);
  return value;
}

static es_status read_unsigned(es_source *source, es_wire wire, void *out, int64_t count,
                               es_error *error) {
  uint8_t chunk[4096];
  const int64_t fit = (int64_t)sizeof chunk / wire.size;
  for (int64_t done = 0; done < count;) {
    int64_t n = count - done < fit ? count - done : fit;
    ES_TRY(es_source_read(source, chunk, (size_t)(n * wire.size), error));
    for (int64_t i = 0; i < n; i++, done++) {
      uint64_t value = load_unsigned(chunk + i * wire.size, wire);
      if (value > INT64_MAX)
        return es_fail(error, ES_E_OVERFLOW, "", ES_NOWHERE,
                       "'%s' holds %" PRIu64 " at element %" PRId64
                       " of its data: u64 is read as i64, which ends at %" PRId64
                       "; save it as float64 where rounding is fine",
                       source->name, value, done, INT64_MAX);
      if (wire.dtype == ES_I32)
        ((int32_t *)out)[done] = (int32_t)value;
      else
        ((int64_t *)out)[done] = (int64_t)value;
    }
  }
  return ES_OK;
}

static es_status count_elements(const es_source *source, es_wire wire, int rank,
                                const int64_t *shape, int64_t *count, es_error *error) {
  char text[256];
  es_text t = es_text_init(text, sizeof text);
  es_text_shape(&t, rank, shape);
  int64_t bytes;
  /* The wider of the two sizes must fit as well: it is what gets allocated. */
  int64_t width = (int64_t)es_dtype_size(wire.dtype);
  if (width < wire.size) width = wire.size;
  if (!es_count_i64(rank, shape, count) || !es_bytes_i64(rank, shape, width, &bytes))
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' asks for shape %s, which no memory can hold", source->name, text);
  return es_source_expect(source, (uint64_t)*count * (uint64_t)wire.size, error);
}

es_tensor *es_wire_read(es_ctx *ctx, es_source *source, es_wire wire, int rank,
                        const int64_t *shape, es_error *error) {
  int64_t count;
  if (count_elements(source, wire, rank, shape, &count, error) != ES_OK) return NULL;
  if (es_scope_push(ctx) != ES_OK) return es_wire_blame(ctx, error), NULL;
  es_tensor *x = es_empty(ctx, wire.dtype, rank, shape);
  es_status status = x ? ES_OK : es_wire_blame(ctx, error);
  bool has_elements = x && es_data_mut(x);
  if (status == ES_OK && count && has_elements)
    status = wire.is_unsigned ? read_unsigned(source, wire, es_data_mut(x), count, error)
                              : read_native(source, wire, es_data_mut(x), count, error);
  if (status == ES_OK && has_elements) status = es_source_finish(source, error);
  if (status == ES_OK) return es_scope_pop_keep(ctx, x);
  es_scope_pop(ctx);
  return NULL;
}
