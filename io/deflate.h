/* zlib behind the library's allocator and errors. Only for builds with ES_HAVE_ZLIB. */
#ifndef ES_IO_DEFLATE_H
#define ES_IO_DEFLATE_H

#include <zlib.h>

#include "base/alloc.h"
#include "io/source.h"

/* Deflate cannot expand one byte to more than this many: a stream that claims more
 * is refused before memory is asked for. https://zlib.net/zlib_tech.html */
enum { ES_DEFLATE_MAX_RATIO = 1032 };

typedef enum es_deflate_format {
  ES_DEFLATE_RAW = -15,
  ES_DEFLATE_GZIP = 15 + 16
} es_deflate_format;

/* Inflates what another source holds. Finishing checks that the stream ends
 * exactly there, and gzip's own check sum. */
typedef struct es_inflate {
  es_source source;
  es_source *from;
  const es_allocator *allocator;
  z_stream stream;
  bool ended;
  uint32_t crc; /* of all bytes given out so far */
  uint8_t in[16384];
} es_inflate;

/* size: bytes of the inflated whole, or UINT64_MAX where only the ratio bounds it. */
es_status es_inflate_open(es_inflate *inflater, es_source *from, es_deflate_format format,
                          uint64_t size, const es_allocator *allocator, es_error *error);
void es_inflate_close(es_inflate *inflater);

/* CRC-32 of more bytes than zlib's 32-bit count allows. Starts from 0. */
uint32_t es_crc32(uint32_t crc, const void *bytes, size_t n);
void *es_zlib_alloc(void *allocator, unsigned items, unsigned size);
void es_zlib_free(void *allocator, void *ptr);

#endif
