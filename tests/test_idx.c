/* IDX, plain and gzip. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "einstride/io.h"
#include "support/files.h"

static es_ctx *es;
static void setup(void) { es = es_ctx_create(NULL); }
static void teardown(void) { es_ctx_destroy(es); }
TestSuite(idx, .init = setup, .fini = teardown);

static const struct {
  const char *name;
  es_dtype dtype;
  double half;
} files[] = {
    {"u1.idx", ES_U8, 0}, {"u1.idx.gz", ES_U8, 0}, {"i2.idx", ES_I16, 0}, {"f4.idx", ES_F32, 0.5}};
enum { FILES = sizeof files / sizeof *files };

static bool is_ramp(const es_tensor *x, double half) {
  double v[6];
  if (es_size(x) != 6 || es_read(es, x, ES_F64, v, 6) != ES_OK) return false;
  for (int i = 0; i < 6; i++)
    if (v[i] != i + half) return false;
  return true;
}

Test(idx, reads) {
  for (int f = 0; f < FILES; f++) {
    es_tensor *x = es_load(es, test_data(files[f].name));
    cr_assert(x, "%s", es_error_text(es));
    cr_assert(es_dtype_of(x) == files[f].dtype && es_rank(x) == 2, "%s", files[f].name);
    cr_assert(es_shape(x)[0] == 2 && es_shape(x)[1] == 3 && is_ramp(x, files[f].half), "%s",
              files[f].name);
  }
}

Test(idx, survives_damage_to_every_byte_and_every_length) {
  char path[512];
  strcpy(path, test_scratch("damaged.idx"));
  es_scope_push(es);
  es_load(es, test_data("u1.idx")); /* a context keeps a handle for the next tensor */
  es_scope_pop(es);
  int64_t before = es_memory_now(es);
  for (int f = 0; f < FILES; f++) {
    size_t len;
    uint8_t *bytes = test_read(test_data(files[f].name), &len);
    bool gzip = bytes[0] == 0x1f;
    for (size_t at = 0; at < len; at++)
      for (int bit = 0; bit < 8; bit++) {
        bytes[at] ^= (uint8_t)(1 << bit);
        test_write(path, bytes, len);
        es_scope_push(es);
        es_clear_error(es);
        es_tensor *x = es_load(es, path);
        cr_assert((x == NULL) == (es_ctx_error(es)->status != ES_OK));
        /* gzip's check sum sees every change of the data. */
        cr_assert(!x || !gzip || is_ramp(x, files[f].half), "%s: byte %zu", files[f].name, at);
        es_scope_pop(es);
        bytes[at] ^= (uint8_t)(1 << bit);
      }
    for (size_t n = 0; n < len; n++) {
      test_write(path, bytes, n);
      es_clear_error(es);
      cr_assert(!es_load(es, path), "%s cut to %zu bytes was read", files[f].name, n);
    }
    test_write(path, bytes, len + 1); /* test_read leaves room for one byte */
    es_clear_error(es);
    cr_assert(!es_load(es, path), "%s with a byte more was read", files[f].name);
    free(bytes);
  }
  es_clear_error(es);
  cr_assert_eq(es_memory_now(es), before);
}

Test(idx, asks_for_no_memory_that_cannot_be_filled) {
  static const uint8_t huge[12] = {0, 0, 8, 2, 0, 1, 0, 0, 0, 1, 0, 0}; /* 65536 x 65536 */
  test_write(test_scratch("huge.idx"), huge, sizeof huge);
  es_memory_reset_peak(es);
  int64_t before = es_memory_peak(es);
  cr_assert(!es_load(es, test_scratch("huge.idx")));
  cr_assert(strstr(es_error_text(es), "4294967296 bytes"), "%s", es_error_text(es));
  cr_assert(es_memory_peak(es) - before < 65536);
}
