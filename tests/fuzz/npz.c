/* Files: archives as they come, archives whose directory and check sums are made good
 * (which no mutation finds by itself), and what es_load reads by a file's first bytes. The
 * file lives in memory. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "einstride/io.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 1 << 20, ENTRIES = 4, ROOM = 1 << 16 };

/* ---- an archive from decisions ---------------------------------------------------------- */

typedef struct archive {
  uint8_t bytes[ROOM];
  size_t len;
} archive;

static void put(archive *a, const void *bytes, size_t n) {
  if (n > ROOM - a->len) return;
  memcpy(a->bytes + a->len, bytes, n);
  a->len += n;
}

static void put_number(archive *a, uint64_t value, int bytes) {
  for (; bytes > 0; bytes--, value >>= 8) put(a, &(uint8_t){(uint8_t)value}, 1);
}

typedef struct entry {
  char name[4];
  uint32_t crc, packed, size, at;
  bool deflated;
} entry;

/* From "needed version" to the length of the extra field: both headers share it. */
static void put_fields(archive *a, const entry *e) {
  put_number(a, 20, 2);
  put_number(a, 0, 2);
  put_number(a, e->deflated ? 8 : 0, 2);
  put_number(a, 0, 4);
  put_number(a, e->crc, 4);
  put_number(a, e->packed, 4);
  put_number(a, e->size, 4);
  put_number(a, strlen(e->name), 2);
  put_number(a, 0, 2);
}

static void put_entry(archive *a, entry *e, const uint8_t *bytes, size_t n) {
  static uint8_t packed[2 * ROOM];
  uLongf length = sizeof packed;
  z_stream z = {0};
  e->size = (uint32_t)n;
  e->at = (uint32_t)a->len;
  e->crc = (uint32_t)crc32(0, bytes, (uInt)n);
  if (e->deflated) {
    REQUIRE(deflateInit2(&z, 1, Z_DEFLATED, -MAX_WBITS, 1, Z_FIXED) == Z_OK, "zlib");
    z.next_in = (Bytef *)(uintptr_t)bytes, z.avail_in = (uInt)n;
    z.next_out = packed, z.avail_out = sizeof packed;
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END, "zlib");
    length = z.total_out;
    deflateEnd(&z);
    bytes = packed;
  } else {
    length = n;
  }
  e->packed = (uint32_t)length;
  put(a, "PK\3\4", 4);
  put_fields(a, e);
  put(a, e->name, strlen(e->name));
  put(a, bytes, length);
}

static void put_directory(archive *a, const entry *entries, int n) {
  size_t start = a->len;
  for (int i = 0; i < n; i++) {
    put(a, "PK\1\2\24\0", 6);
    put_fields(a, &entries[i]);
    put_number(a, 0, 2 + 2 + 2 + 4);
    put_number(a, entries[i].at, 4);
    put(a, entries[i].name, strlen(entries[i].name));
  }
  size_t end = a->len;
  put(a, "PK\5\6\0\0\0\0", 8);
  put_number(a, (uint64_t)n, 2);
  put_number(a, (uint64_t)n, 2);
  put_number(a, end - start, 4);
  put_number(a, start, 4);
  put_number(a, 0, 2);
}

/* Entries share the rest of the input; then up to three bytes are changed. */
static void make_archive(archive *a, fuzz_bytes *b) {
  entry entries[ENTRIES] = {0};
  int n = fuzz_below(b, ENTRIES + 1), changes = fuzz_below(b, 4);
  uint8_t places[4][3];
  for (int i = 0; i < changes; i++)
    for (int k = 0; k < 3; k++) places[i][k] = fuzz_byte(b);
  a->len = 0;
  for (int i = 0; i < n; i++) {
    int how = fuzz_byte(b);
    entries[i].deflated = how & 1;
    snprintf(entries[i].name, sizeof entries[i].name, "%c", how & 2 ? 'a' : 'b' + i);
    size_t share = b->left / (size_t)(n - i);
    put_entry(a, &entries[i], b->at, share);
    b->at += share;
    b->left -= share;
  }
  put_directory(a, entries, n);
  for (int i = 0; i < changes; i++) {
    size_t at = (size_t)(places[i][0] | places[i][1] << 8) % a->len;
    a->bytes[a->len - 1 - at] ^= places[i][2];
  }
}

/* ---- reading ------------------------------------------------------------------------------ */

/* A path of these bytes. */
static const char *file_of(const uint8_t *bytes, size_t len) {
  static int fd = -1;
  static char path[32];
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    REQUIRE(fd >= 0, "no memory for a file");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  REQUIRE(ftruncate(fd, (off_t)len) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len, "a file");
  return path;
}

static void load_archive(es_ctx *ctx, const char *path) {
  const char *names[ENTRIES];
  es_tensor *x[ENTRIES];
  int64_t n = es_load_npz(ctx, path, names, x, ENTRIES);
  REQUIRE((n < 0) == (es_ctx_error(ctx)->status != ES_OK), "%lld entries", (long long)n);
  for (int i = 0; i < ENTRIES; i++) {
    REQUIRE((x[i] != NULL) == (i < n) && (names[i] != NULL) == (i < n), "entry %d", i);
    if (x[i]) REQUIRE(es_size(x[i]) >= 0 && es_rank(x[i]) <= ES_MAX_RANK, "entry %d", i);
  }
}

static void load(es_ctx *ctx, const char *path, bool many) {
  if (many)
    load_archive(ctx, path);
  else
    REQUIRE(!es_load(ctx, path) == (es_ctx_error(ctx)->status != ES_OK), "a tensor or an error");
}

void fuzz_one(const uint8_t *bytes, size_t len) {
  static archive a;
  fuzz_bytes b = {bytes, len};
  fuzz_heap heap;
  fuzz_heap_open(&heap, 0);
  int door = fuzz_below(&b, 3);
  uint8_t failure = fuzz_byte(&b);
  es_ctx *ctx = fuzz_context(&heap, LIMIT, &b);
  if (b.left > ROOM / 2) b.left = ROOM / 2;
  const char *path;
  if (door == 0) {
    make_archive(&a, &b);
    path = file_of(a.bytes, a.len);
  } else {
    path = file_of(b.at, b.left);
  }
  fuzz_heap_fail(&heap, failure);
  load(ctx, path, door < 2);
  fuzz_heap_obey(&heap);
  if (es_ctx_error(ctx)->status == ES_E_NOMEM && heap.struck) {
    es_clear_error(ctx);
    load(ctx, path, door < 2);
  }
  if (es_ctx_error(ctx)->status != ES_OK) fuzz_check_error(es_ctx_error(ctx), NULL, 0);
  es_ctx_destroy(ctx);
  fuzz_heap_close(&heap);
}
