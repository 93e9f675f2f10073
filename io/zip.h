/* The part of the zip format that .npz needs: APPNOTE.TXT 6.3, stored and deflated
 * entries, zip64. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
#ifndef ES_IO_ZIP_H
#define ES_IO_ZIP_H

#include "base/arena.h"
#include "io/file.h"

typedef struct es_zip_entry {
  const char *name; /* printable UTF-8 */
  bool deflated;
  uint32_t crc;
  uint64_t packed, size; /* bytes in the archive, bytes of the entry */
  uint64_t header, data; /* offsets of the local header and of the bytes */
} es_zip_entry;

/* The directory of an archive, in its own order. Every range was checked to lie in
 * the file, before the directory, and apart from all others; names are unique. */
es_status es_zip_read(const es_file *file, es_arena *arena, es_zip_entry **entries, int64_t *count,
                      es_error *error);

/* Names are 1 to ES_ZIP_MAX_NAME bytes of printable UTF-8, each different. archive is
 * for errors. */
enum { ES_ZIP_MAX_NAME = 4096 };
es_status es_zip_check_names(const char *archive, const es_zip_entry *entries, int64_t count,
                             es_arena *arena, es_error *error);
/* Appends the local header of an entry whose crc and packed are not known yet. */
es_status es_zip_write_header(es_save_file *save, es_zip_entry *entry, es_error *error);
/* Fills them in. */
es_status es_zip_patch_header(es_save_file *save, const es_zip_entry *entry, es_error *error);
es_status es_zip_write_directory(es_save_file *save, const es_zip_entry *entries, int64_t count,
                                 es_error *error);

#endif
