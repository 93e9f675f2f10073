/* Saving is atomic: whatever fails, the old file stays whole and nothing is left
 * beside it. The linker sends the system calls of io/file.c through here. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "einstride/io.h"
#include "support/files.h"

/* ---- faults ------------------------------------------------------------------------- */

enum { NONE, OPEN, WRITE, SHORT_WRITE, INTERRUPT, FSYNC, CLOSE, RENAME };
static int fault, countdown; /* which call fails, and at which time (0: the next) */

static bool strikes(int call) { return fault == call && countdown-- == 0; }

int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode) {
  if (strikes(OPEN)) return errno = EACCES, -1;
  return __real_openat(dir, path, flags, mode);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t at) {
  if (strikes(WRITE)) return errno = ENOSPC, -1;
  if (strikes(INTERRUPT)) return errno = EINTR, -1;
  if (fault == SHORT_WRITE && n > 3) n = 3;
  return __real_pwrite(fd, bytes, n, at);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) { return strikes(FSYNC) ? (errno = EIO, -1) : __real_fsync(fd); }

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  if (!strikes(CLOSE)) return __real_close(fd);
  __real_close(fd);
  return errno = EIO, -1;
}

int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to) {
  if (strikes(RENAME)) return errno = EACCES, -1;
  return __real_renameat(from_dir, from, to_dir, to);
}

/* ---- saves ---------------------------------------------------------------------------- */

static es_ctx *es;
static void setup(void) { es = es_ctx_create(NULL); }
static void teardown(void) { es_ctx_destroy(es); }
TestSuite(save, .init = setup, .fini = teardown);

static es_status save_as(const char *name, es_tensor *x) {
  const char *ending = strrchr(name, '.'), *entry = "x";
  if (strcmp(ending, ".npz")) return es_save(es, test_scratch(name), x);
  return es_save_npz(es, test_scratch(name), &entry, &x, 1, true);
}

static const char *const names[] = {"x.npy", "x.npz", "x.png"};

/* Fails the call at its 1st, 2nd, … time until a save goes through. */
static int fail_each(const char *name, int call, es_tensor *old_x, es_tensor *new_x) {
  size_t old_len, len;
  fault = NONE;
  cr_assert_eq(save_as(name, old_x), ES_OK, "%s", es_error_text(es));
  uint8_t *old_bytes = test_read(test_scratch(name), &old_len);
  int failures = 0;
  for (;; failures++) {
    cr_assert_lt(failures, 100);
    es_clear_error(es);
    fault = call, countdown = failures;
    es_status status = save_as(name, new_x);
    bool struck = countdown < 0;
    fault = NONE;
    cr_assert_eq(test_count_entries(test_scratch_dir()), 1, "%s: a temporary file stayed", name);
    if (!struck) {
      cr_assert_eq(status, ES_OK, "%s", es_error_text(es));
      break;
    }
    uint8_t *bytes = test_read(test_scratch(name), &len);
    bool is_old = len == old_len && !memcmp(bytes, old_bytes, len);
    free(bytes);
    if (call == INTERRUPT) {
      cr_assert_eq(status, ES_OK, "%s", es_error_text(es));
    } else if (status != ES_OK) {
      cr_assert_eq(es_ctx_error(es)->status, ES_E_IO);
      cr_assert(strstr(es_error_text(es), name), "%s", es_error_text(es));
      /* Only the last fsync, of the directory, comes after the file is in place. */
      cr_assert(is_old || (call == FSYNC && failures == 1), "%s: the old file was touched", name);
    } else {
      cr_assert(call == CLOSE && failures > 0, "%s: fault %d went unnoticed", name, call);
    }
    cr_assert_eq(save_as(name, old_x), ES_OK);
  }
  free(old_bytes);
  unlink(test_scratch(name));
  return failures;
}

Test(save, is_whole_or_not_at_all_whatever_fails) {
  static const int64_t small[2] = {3, 4}, large[2] = {60, 50};
  es_tensor *old_x = es_ramp(es, ES_U8, 2, small), *new_x = es_zeros(es, ES_U8, 2, large);
  static const int calls[] = {OPEN, WRITE, INTERRUPT, FSYNC, CLOSE, RENAME};
  for (int n = 0; n < 3; n++)
    for (size_t c = 0; c < sizeof calls / sizeof *calls; c++)
      cr_assert_gt(fail_each(names[n], calls[c], old_x, new_x), 0, "%s never made call %d",
                   names[n], calls[c]);
}

Test(save, copes_with_short_writes) {
  static const int64_t shape[2] = {9, 9};
  es_tensor *x = es_ramp(es, ES_U8, 2, shape);
  fault = SHORT_WRITE;
  cr_assert_eq(save_as("x.npy", x), ES_OK, "%s", es_error_text(es));
  cr_assert_eq(save_as("x.png", x), ES_OK, "%s", es_error_text(es));
  fault = NONE;
  es_tensor *a = es_load(es, test_scratch("x.npy")), *b = es_load(es, test_scratch("x.png"));
  cr_assert(a && b && !memcmp(es_data(a), es_data(x), 81) && !memcmp(es_data(b), es_data(x), 81));
}

static void expect_refused(const char *path, const char *part) {
  int64_t n = 3;
  es_clear_error(es);
  cr_assert_eq(es_save(es, path, es_zeros(es, ES_U8, 1, &n)), ES_E_IO, "%s", path);
  cr_assert(strstr(es_error_text(es), part), "%s", es_error_text(es));
}

Test(save, refuses_what_is_no_place_for_a_file) {
  char path[512];
  expect_refused(test_scratch("absent/x.npy"), "No such file or directory");
  snprintf(path, sizeof path, "%s/folder.npy", test_scratch_dir());
  cr_assert_eq(mkdir(path, 0700), 0);
  expect_refused(path, "is a directory");
  rmdir(path);
  cr_assert_eq(symlink("/dev/full", test_scratch("full.npy")), 0);
  expect_refused(test_scratch("full.npy"), "device or a pipe");
  if (geteuid() == 0) return; /* root may write everywhere */
  cr_assert_eq(chmod(test_scratch_dir(), 0500), 0);
  expect_refused(test_scratch("x.npy"), "Permission denied");
  cr_assert_eq(chmod(test_scratch_dir(), 0700), 0);
}

Test(save, follows_links_and_keeps_the_mode) {
  int64_t n = 3;
  es_tensor *x = es_ramp(es, ES_U8, 1, &n);
  struct stat st;
  cr_assert_eq(save_as("target.npy", x), ES_OK);
  cr_assert_eq(chmod(test_scratch("target.npy"), 0640), 0);
  cr_assert_eq(symlink("target.npy", test_scratch("link.npy")), 0);
  cr_assert_eq(save_as("link.npy", es_zeros(es, ES_U8, 1, &n)), ES_OK, "%s", es_error_text(es));
  cr_assert(lstat(test_scratch("link.npy"), &st) == 0 && S_ISLNK(st.st_mode), "the link is gone");
  cr_assert(stat(test_scratch("target.npy"), &st) == 0 && (st.st_mode & 0777) == 0640, "mode");
  es_tensor *y = es_load(es, test_scratch("target.npy"));
  cr_assert(y && ((const uint8_t *)es_data(y))[2] == 0);
}
