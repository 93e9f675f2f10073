/* What a save replaces, and what it refuses to. That it is whole or not at all, whatever
 * fails: tests/suites/system.c. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "einstride/io.h"
#include "support/files.h"

static es_ctx *es;
static void setup(void) { es = es_ctx_create(NULL); }
static void teardown(void) { es_ctx_destroy(es); }
TestSuite(save, .init = setup, .fini = teardown);

static es_status save_as(const char *name, es_tensor *x) {
  const char *ending = strrchr(name, '.'), *entry = "x";
  if (strcmp(ending, ".npz")) return es_save(es, test_scratch(name), x);
  return es_save_npz(es, test_scratch(name), &entry, &x, 1, true);
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
