#include "tests/fuzz/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

uint8_t *pack_read_file(const char *path, size_t *len) {
  struct stat s;
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = NULL;
  if (file && fstat(fileno(file), &s) == 0) {
    *len = (size_t)s.st_size;
    bytes = malloc(*len + !*len);
  }
  if (!bytes || fread(bytes, 1, *len, file) != *len) {
    perror(path);
    exit(1);
  }
  fclose(file);
  return bytes;
}

void pack_each(const char *path, const uint8_t *pack, size_t len,
               void (*f)(void *user, const uint8_t *bytes, size_t len), void *user) {
  for (size_t at = 0; at < len;) {
    size_t n = 0;
    for (int i = 3; i >= 0 && len - at >= 4; i--) n = n << 8 | pack[at + (size_t)i];
    if (len - at < 4 || n > len - at - 4) {
      fprintf(stderr, "%s: not a pack: it ends inside an input\n", path);
      exit(1);
    }
    uint8_t *copy = malloc(n + !n);
    if (!copy) exit(1);
    memcpy(copy, pack + at + 4, n);
    f(user, copy, n);
    free(copy);
    at += 4 + n;
  }
}
