/* Files: reading at a place, and saving whole or not at all. */
#ifndef ES_IO_FILE_H
#define ES_IO_FILE_H

#include <limits.h>

#include "io/source.h"

/* An open regular file, and a source that reads it from source_offset on. */
typedef struct es_file {
  es_source source;
  int fd;
  uint64_t size;
  uint64_t source_offset;
  char shown[ES_SHOWN_NAME];
} es_file;

es_status es_file_open(es_file *file, const char *path, es_error *error);
void es_file_close(es_file *file);
/* Bytes [offset, offset + n), which must lie in the file. Does not move the source. */
es_status es_file_read_at(const es_file *file, uint64_t offset, void *out, size_t n,
                          es_error *error);
/* Makes the source yield bytes [offset, offset + n), which must lie in the file. */
void es_file_seek(es_file *file, uint64_t offset, uint64_t n);

/* A file being written under another name in the same directory. es_save_end puts
 * it in the place of the target when status is ES_OK, and removes it otherwise:
 * whoever reads the target sees the old file or the whole new one, also after a
 * crash. A target that is a link is followed; the mode of an old file is kept. */
typedef struct es_save_file {
  int fd;
  int dir;
  bool temp_exists;
  uint64_t written;
  const char *base; /* name of the target inside dir; points into path */
  char path[PATH_MAX];
  char temp[64];
  char shown[ES_SHOWN_NAME];
} es_save_file;

es_status es_save_begin(es_save_file *save, const char *path, es_error *error);
es_status es_save_write(es_save_file *save, const void *bytes, size_t n, es_error *error);
/* Overwrites bytes that were written before. */
es_status es_save_patch(es_save_file *save, uint64_t offset, const void *bytes, size_t n,
                        es_error *error);
/* Returns status, or the failure to put the file in place. */
es_status es_save_end(es_save_file *save, es_status status, es_error *error);

#endif
