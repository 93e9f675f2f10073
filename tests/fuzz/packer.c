/* fuzz_pack join PACK FILES…   writes the files into a new pack
 * fuzz_pack split PACK FOLDER  writes its inputs as files 0, 1, … of the folder */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/pack.h"

static void put(const char *path, FILE *file, const void *bytes, size_t n) {
  if (file && fwrite(bytes, 1, n, file) == n) return;
  perror(path);
  exit(1);
}

static void close_file(const char *path, FILE *file) {
  if (fclose(file) == 0) return;
  perror(path);
  exit(1);
}

typedef struct target {
  const char *folder;
  long n;
} target;

static void write_input(void *user, const uint8_t *bytes, size_t len) {
  target *to = user;
  char path[4096];
  snprintf(path, sizeof path, "%s/%ld", to->folder, to->n++);
  FILE *file = fopen(path, "wb");
  put(path, file, bytes, len);
  close_file(path, file);
}

static void join(const char *pack, char **paths, int n) {
  FILE *file = fopen(pack, "wb");
  for (int i = 0; i < n; i++) {
    size_t len;
    uint8_t *bytes = pack_read_file(paths[i], &len);
    uint8_t head[4];
    for (int k = 0; k < 4; k++) head[k] = (uint8_t)(len >> 8 * k);
    put(pack, file, head, sizeof head);
    put(pack, file, bytes, len);
    free(bytes);
  }
  if (file) close_file(pack, file);
}

int main(int argc, char **argv) {
  if (argc >= 3 && !strcmp(argv[1], "join")) {
    join(argv[2], argv + 3, argc - 3);
    return 0;
  }
  if (argc == 4 && !strcmp(argv[1], "split")) {
    size_t len;
    uint8_t *pack = pack_read_file(argv[2], &len);
    pack_each(argv[2], pack, len, write_input, &(target){argv[3], 0});
    free(pack);
    return 0;
  }
  fputs("fuzz_pack join PACK FILES… | fuzz_pack split PACK FOLDER\n", stderr);
  return 2;
}
