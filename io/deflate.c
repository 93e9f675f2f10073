#ifdef ES_HAVE_ZLIB

#include "io/deflate.h"

#include "io/sized.h"

void *es_zlib_alloc(void *allocator, unsigned items, unsigned size) {
  return es_sized_alloc(allocator, (size_t)items * size);
}

void es_zlib_free(void *allocator, void *ptr) { es_sized_free(allocator, ptr); }

enum { PIECE = 1 << 30 }; /* zlib counts in 32 bits */

uint32_t es_crc32(uint32_t crc, const void *bytes, size_t n) {
  const uint8_t *at = bytes;
  for (; n;) {
    uInt piece = n < PIECE ? (uInt)n : PIECE;
    crc = (uint32_t)crc32(crc, at, piece);
    at += piece, n -= piece;
  }
  return crc;
}

static es_status refill(es_inflate *z, es_error *error) {
  size_t n = z->from->left < sizeof z->in ? (size_t)z->from->left : sizeof z->in;
  ES_TRY(es_source_read(z->from, z->in, n, error));
  z->stream.next_in = z->in;
  z->stream.avail_in = (uInt)n;
  return ES_OK;
}

/* One call of inflate() into out[0..n); *got says how much it gave. */
static es_status step(es_inflate *z, uint8_t *out, size_t n, size_t *got, es_error *error) {
  if (!z->stream.avail_in && z->from->left) ES_TRY(refill(z, error));
  z->stream.next_out = out;
  z->stream.avail_out = n < PIECE ? (uInt)n : PIECE;
  uInt asked = z->stream.avail_out;
  int code = inflate(&z->stream, Z_NO_FLUSH);
  *got = asked - z->stream.avail_out;
  z->ended = code == Z_STREAM_END;
  if (code == Z_MEM_ERROR) return es_fail_nomem(error);
  if (code == Z_BUF_ERROR || (code == Z_OK && !*got && !z->stream.avail_in && !z->from->left))
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s': its compressed data end early",
                   z->source.name);
  if (code != Z_OK && code != Z_STREAM_END)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s': its compressed data are damaged (%s)",
                   z->source.name, z->stream.msg ? z->stream.msg : "not a deflate stream");
  return ES_OK;
}

static es_status inflate_read(es_source *source, void *out, size_t n, es_error *error) {
  es_inflate *z = (es_inflate *)source;
  uint8_t *at = out;
  for (size_t left = n; left;) {
    size_t got;
    if (z->ended)
      return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                     "'%s': its compressed data hold %zu bytes less than its header asks for",
                     source->name, left);
    ES_TRY(step(z, at, left, &got, error));
    at += got, left -= got;
  }
  z->crc = es_crc32(z->crc, out, n);
  return ES_OK;
}

static es_status inflate_finish(es_source *source, es_error *error) {
  es_inflate *z = (es_inflate *)source;
  uint8_t extra;
  size_t got = 0;
  while (!z->ended && !got) ES_TRY(step(z, &extra, 1, &got, error));
  if (got || z->stream.avail_in || z->from->left)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s' has bytes after its data",
                   source->name);
  return ES_OK;
}

es_status es_inflate_open(es_inflate *z, es_source *from, es_deflate_format format, uint64_t size,
                          const es_allocator *allocator, es_error *error) {
  uint64_t most = from->left < UINT64_MAX / ES_DEFLATE_MAX_RATIO ? from->left * ES_DEFLATE_MAX_RATIO
                                                                 : UINT64_MAX - 1;
  bool exact = size != UINT64_MAX;
  if (exact && size > most)
    return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE,
                   "'%s' claims more data than its compressed bytes can hold", from->name);
  z->source = (es_source){.read = inflate_read,
                          .finish = inflate_finish,
                          .name = from->name,
                          .left = exact ? size : most,
                          .exact = exact};
  z->from = from;
  z->allocator = allocator;
  z->ended = false;
  z->crc = 0;
  z->stream = (z_stream){
      .zalloc = es_zlib_alloc, .zfree = es_zlib_free, .opaque = (void *)(uintptr_t)allocator};
  return inflateInit2(&z->stream, (int)format) == Z_OK ? ES_OK : es_fail_nomem(error);
}

void es_inflate_close(es_inflate *z) { inflateEnd(&z->stream); }

#else
typedef int es_no_zlib; /* an empty file is not C */
#endif
