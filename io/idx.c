#include "io/idx.h"

/* Two zero bytes, type, rank; then the extents and the elements, big-endian. */
static const struct {
  uint8_t code;
  es_dtype dtype;
} types[] = {{0x08, ES_U8},  {0x09, ES_I8},  {0x0b, ES_I16},
             {0x0c, ES_I32}, {0x0d, ES_F32}, {0x0e, ES_F64}};
enum { TYPES = sizeof types / sizeof *types };

static es_dtype find_type(uint8_t code) {
  for (int i = 0; i < TYPES; i++)
    if (types[i].code == code) return types[i].dtype;
  return ES_DTYPE_AUTO;
}

bool es_idx_detect(const uint8_t first[4]) {
  return !first[0] && !first[1] && find_type(first[2]) != ES_DTYPE_AUTO && first[3] <= ES_MAX_RANK;
}

es_tensor *es_idx_decode(es_ctx *ctx, es_source *source, es_error *error) {
  uint8_t magic[4], extent[4];
  int64_t shape[ES_MAX_RANK];
  if (es_source_read(source, magic, sizeof magic, error) != ES_OK) return NULL;
  if (!es_idx_detect(magic)) {
    es_fail(
        error, ES_E_FORMAT, "", ES_NOWHERE,
        "'%s' is not an IDX file: it starts with the bytes %02x %02x %02x %02x, expected 00 00, "
        "a type from 08 to 0e and a rank of at most %d",
        source->name, magic[0], magic[1], magic[2], magic[3], ES_MAX_RANK);
    return NULL;
  }
  int rank = magic[3];
  for (int i = 0; i < rank; i++) {
    if (es_source_read(source, extent, sizeof extent, error) != ES_OK) return NULL;
    shape[i] = (int64_t)extent[0] << 24 | extent[1] << 16 | extent[2] << 8 | extent[3];
  }
  es_dtype dtype = find_type(magic[2]);
  es_wire wire = {.dtype = dtype, .size = (int)es_dtype_size(dtype), .big_endian = true};
  return es_wire_read(ctx, source, wire, rank, shape, error);
}
