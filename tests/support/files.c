#include "support/files.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATHS = 4, PATH_BYTES = 512 };

static char *next_path(void) {
  static char paths[PATHS][PATH_BYTES];
  static int turn;
  return paths[turn++ % PATHS];
}

const char *test_data(const char *name) {
  char *path = next_path();
  snprintf(path, PATH_BYTES, "%s/tests/data/%s", ES_SOURCE_DIR, name);
  return path;
}

static char scratch_dir[64];
static pid_t scratch_owner;

static void remove_scratch(void) {
  if (getpid() != scratch_owner) return;
  DIR *dir = opendir(scratch_dir);
  for (struct dirent *e; dir && (e = readdir(dir));) unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  rmdir(scratch_dir);
}

/* Criterion runs every test in a process of its own. */
const char *test_scratch_dir(void) {
  if (scratch_owner == getpid()) return scratch_dir;
  /* In memory where there is such a place: on a disk every save waits for it. */
  const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(scratch_dir, sizeof scratch_dir, "%s/einstride-test-XXXXXX", place);
  cr_assert(mkdtemp(scratch_dir), "no folder for scratch files");
  scratch_owner = getpid();
  atexit(remove_scratch);
  return scratch_dir;
}

const char *test_scratch(const char *name) {
  const char *dir = test_scratch_dir();
  char *path = next_path();
  snprintf(path, PATH_BYTES, "%s/%s", dir, name);
  return path;
}

uint8_t *test_read(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  cr_assert(f, "cannot open %s", path);
  fseek(f, 0, SEEK_END);
  *len = (size_t)ftell(f);
  rewind(f);
  uint8_t *bytes = malloc(*len + 1);
  cr_assert(bytes && fread(bytes, 1, *len, f) == *len, "cannot read %s", path);
  fclose(f);
  return bytes;
}

void test_write(const char *path, const void *bytes, size_t len) {
  FILE *f = fopen(path, "wb");
  cr_assert(f && fwrite(bytes, 1, len, f) == len && fclose(f) == 0, "cannot write %s", path);
}

int test_count_entries(const char *path) {
  DIR *dir = opendir(path);
  cr_assert(dir, "no folder %s", path);
  int n = -2;
  while (readdir(dir)) n++;
  closedir(dir);
  return n;
}
