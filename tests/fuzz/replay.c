/* Runs a target over files, folders of files and packs (pack.c): the door of the fuzz
 * targets for compilers without libFuzzer, and for the test suite. */
#include <dirent.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pack.h"

static long runs;

static void run(void *user, const uint8_t *bytes, size_t len) {
  (void)user;
  fuzz_one(bytes, len);
  runs++;
}

static void run_file(const char *path) {
  size_t len, n = strlen(path);
  uint8_t *bytes = pack_read_file(path, &len);
  if (n > 5 && !strcmp(path + n - 5, ".pack"))
    pack_each(path, bytes, len, run, NULL);
  else
    run(NULL, bytes, len);
  free(bytes);
}

static void run_folder(const char *path, DIR *folder) {
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    char inside[4096];
    snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
    run_file(inside);
  }
}

/* Memory that is given back to the system after every input comes again as pages to be cleared,
 * which took nine tenths of the time. */
static void keep_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

int main(int argc, char **argv) {
  keep_memory();
  for (int i = 1; i < argc; i++) {
    DIR *folder = opendir(argv[i]);
    if (folder) {
      run_folder(argv[i], folder);
      closedir(folder);
    } else {
      run_file(argv[i]);
    }
  }
  fprintf(stderr, "%ld inputs\n", runs);
  return runs ? 0 : 1;
}
