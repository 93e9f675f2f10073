/* Bytes to decode: from a file, from memory, or through inflate. A decoder asks a
 * source how much is there before it allocates anything. */
#ifndef ES_IO_SOURCE_H
#define ES_IO_SOURCE_H

#include "base/error.h"
#include "base/text.h"

typedef struct es_source es_source;
struct es_source {
  /* Exactly n bytes; n is never more than left. */
  es_status (*read)(es_source *source, void *out, size_t n, es_error *error);
  /* Checks that the end was reached, and whatever check sum is there. */
  es_status (*finish)(es_source *source, es_error *error);
  const char *name; /* for errors: escaped, without quotes */
  uint64_t left;    /* bytes not read yet; an upper bound unless exact */
  bool exact;
};

/* Exactly n bytes, or ES_E_FORMAT: the source ends early. */
es_status es_source_read(es_source *source, void *out, size_t n, es_error *error);
/* Fails unless count bytes can be what is left. Call it before allocating them. */
es_status es_source_expect(const es_source *source, uint64_t count, es_error *error);
es_status es_source_finish(es_source *source, es_error *error);

typedef struct es_memory_source {
  es_source source;
  const uint8_t *at;
} es_memory_source;
void es_memory_open(es_memory_source *memory, const char *name, const void *bytes, size_t len);

/* A path or an entry's name as errors show it: escaped, and of a long one the end. */
enum { ES_SHOWN_NAME = 200 };
void es_show_name(const char *name, size_t len, char shown[ES_SHOWN_NAME]);

static inline uint16_t es_le16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t es_le32(const uint8_t *p) {
  return es_le16(p) | (uint32_t)es_le16(p + 2) << 16;
}
static inline uint64_t es_le64(const uint8_t *p) {
  return es_le32(p) | (uint64_t)es_le32(p + 4) << 32;
}
static inline void es_put_le16(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8);
}
static inline void es_put_le32(uint8_t *p, uint32_t v) {
  es_put_le16(p, v), es_put_le16(p + 2, v >> 16);
}
static inline void es_put_le64(uint8_t *p, uint64_t v) {
  es_put_le32(p, (uint32_t)v), es_put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
