#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of 32-bit systems: _FILE_OFFSET_BITS=64, or files of 2 GiB could not be read. */
_Static_assert(sizeof(off_t) == 8, "positions in files have 64 bits");

/* "cannot WHAT 'NAME': REASON". Untranslated reasons: errors are English. */
static es_status refused(es_error *error, const char *what, const char *shown, int code) {
  const char *reason = strerrordesc_np(code);
  return es_fail(error, ES_E_IO, "", ES_NOWHERE, "cannot %s '%s': %s", what, shown,
                 reason ? reason : "unknown error");
}

/* An interrupted call is made again: whoever has signal handlers wants the file all the same. */
#define PATIENTLY(call) ((int)TEMP_FAILURE_RETRY(call))

static es_status source_read(es_source *source, void *out, size_t n, es_error *error) {
  es_file *file = (es_file *)source;
  ES_TRY(es_file_read_at(file, file->source_offset, out, n, error));
  file->source_offset += n;
  return ES_OK;
}

es_status es_file_open(es_file *file, const char *path, es_error *error) {
  *file = (es_file){.fd = -1};
  es_show_name(path, strlen(path), file->shown);
  /* O_NONBLOCK: a FIFO must be refused, not waited for. */
  file->fd = PATIENTLY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file->fd < 0) return refused(error, "open", file->shown, errno);
  struct stat st;
  if (fstat(file->fd, &st) != 0) {
    int code = errno;
    es_file_close(file);
    return refused(error, "examine", file->shown, code);
  }
  if (!S_ISREG(st.st_mode)) {
    es_file_close(file);
    return es_fail(error, ES_E_IO, "", ES_NOWHERE, "'%s' is %s, not a regular file", file->shown,
                   S_ISDIR(st.st_mode) ? "a directory" : "a device or a pipe");
  }
  file->size = (uint64_t)st.st_size;
  file->source = (es_source){.read = source_read, .name = file->shown, .exact = true};
  es_file_seek(file, 0, file->size);
  return ES_OK;
}

void es_file_close(es_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}

es_status es_file_read_at(const es_file *file, uint64_t offset, void *out, size_t n,
                          es_error *error) {
  for (size_t done = 0; done < n;) {
    ssize_t got = pread(file->fd, (char *)out + done, n - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refused(error, "read", file->shown, errno);
    if (got == 0)
      return es_fail(error, ES_E_FORMAT, "", ES_NOWHERE, "'%s' shrank while it was read",
                     file->shown);
    done += (size_t)got;
  }
  return ES_OK;
}

void es_file_seek(es_file *file, uint64_t offset, uint64_t n) {
  file->source_offset = offset;
  file->source.left = n;
}

/* ---- saving --------------------------------------------------------------- */

/* Finds the directory and the name to replace; mode is the old file's, 0 if new. */
static es_status resolve(es_save_file *save, const char *path, mode_t *mode, es_error *error) {
  struct stat st;
  bool exists = stat(path, &st) == 0;
  if (!exists && errno != ENOENT) return refused(error, "examine", save->shown, errno);
  if (exists && !S_ISREG(st.st_mode))
    return es_fail(error, ES_E_IO, "", ES_NOWHERE, "'%s' is %s; saving replaces regular files only",
                   save->shown, S_ISDIR(st.st_mode) ? "a directory" : "a device or a pipe");
  *mode = exists ? st.st_mode & 0777 : 0;
  if (exists) {
    if (!realpath(path, save->path)) return refused(error, "resolve", save->shown, errno);
  } else {
    size_t len = strlen(path);
    if (len >= sizeof save->path) return refused(error, "save", save->shown, ENAMETOOLONG);
    memcpy(save->path, path, len + 1);
  }
  char *slash = strrchr(save->path, '/');
  save->base = slash ? slash + 1 : save->path;
  if (!*save->base)
    return es_fail(error, ES_E_IO, "", ES_NOWHERE, "'%s' names no file", save->shown);
  const char *folder = !slash ? "." : slash == save->path ? "/" : save->path;
  if (slash) *slash = 0;
  save->dir = PATIENTLY(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return save->dir < 0 ? refused(error, "open the directory of", save->shown, errno) : ES_OK;
}

static es_status create_temp(es_save_file *save, mode_t mode, es_error *error) {
  enum { TRIES = 1000 };
  for (int i = 0; i < TRIES && save->fd < 0; i++) {
    snprintf(save->temp, sizeof save->temp, ".einstride-%ld-%d.tmp", (long)getpid(), i);
    save->fd =
        PATIENTLY(openat(save->dir, save->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (save->fd < 0 && errno != EEXIST) break;
  }
  if (save->fd < 0) return refused(error, "create a file beside", save->shown, errno);
  save->temp_exists = true;
  if (mode && fchmod(save->fd, mode) != 0)
    return refused(error, "set the mode of", save->shown, errno);
  return ES_OK;
}

es_status es_save_begin(es_save_file *save, const char *path, es_error *error) {
  save->fd = save->dir = -1;
  save->written = 0;
  save->temp_exists = false;
  es_show_name(path, strlen(path), save->shown);
  mode_t mode = 0;
  es_status status = resolve(save, path, &mode, error);
  if (status == ES_OK) status = create_temp(save, mode, error);
  return status == ES_OK ? ES_OK : es_save_end(save, status, error);
}

static es_status write_at(es_save_file *save, uint64_t offset, const void *bytes, size_t n,
                          es_error *error) {
  for (size_t done = 0; done < n;) {
    ssize_t put = pwrite(save->fd, (const char *)bytes + done, n - done, (off_t)(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return refused(error, "write", save->shown, put ? errno : ENOSPC);
    done += (size_t)put;
  }
  return ES_OK;
}

es_status es_save_write(es_save_file *save, const void *bytes, size_t n, es_error *error) {
  ES_TRY(write_at(save, save->written, bytes, n, error));
  save->written += n;
  return ES_OK;
}

es_status es_save_patch(es_save_file *save, uint64_t offset, const void *bytes, size_t n,
                        es_error *error) {
  return write_at(save, offset, bytes, n, error);
}

static es_status put_in_place(es_save_file *save, es_error *error) {
  if (PATIENTLY(fsync(save->fd)) != 0) return refused(error, "write", save->shown, errno);
  int closed = close(save->fd);
  save->fd = -1;
  if (closed != 0 && errno != EINTR) return refused(error, "write", save->shown, errno);
  if (renameat(save->dir, save->temp, save->dir, save->base) != 0)
    return refused(error, "replace", save->shown, errno);
  save->temp_exists = false;
  /* Without this a power cut may bring the old file back. Some file systems cannot. */
  if (PATIENTLY(fsync(save->dir)) != 0 && errno != EINVAL && errno != ENOTSUP)
    return refused(error, "make durable", save->shown, errno);
  return ES_OK;
}

es_status es_save_end(es_save_file *save, es_status status, es_error *error) {
  if (status == ES_OK) status = put_in_place(save, error);
  if (save->fd >= 0) close(save->fd);
  if (save->temp_exists) unlinkat(save->dir, save->temp, 0);
  if (save->dir >= 0) close(save->dir);
  save->fd = save->dir = -1;
  return status;
}
