/* PNG: every colour type, round trips, damage. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "einstride/io.h"
#include "support/files.h"

static es_ctx *es;
static void setup(void) { es = es_ctx_create(NULL); }
static void teardown(void) { es_ctx_destroy(es); }
TestSuite(image, .init = setup, .fini = teardown);

/* The picture of tests/data/make.py: 4 high, 5 wide. */
static int red(int y, int x) { return (void)y, 40 * x; }
static int green(int y, int x) { return (void)x, 60 * y; }
static int blue(int y, int x) { return 10 * (x + y); }
static int alpha(int y, int x) { return (void)y, 255 - 20 * x; }
static int bits(int y, int x) { return (void)y, 40 * x > 70 ? 255 : 0; }
static int red_green(int y, int x) { return red(y, x) + green(y, x); }

static const struct {
  const char *name;
  int channels;
  int (*value[4])(int y, int x);
} pictures[] = {
    {"grey.png", 1, {red}},
    {"grey_alpha.png", 2, {red, alpha}},
    {"rgb.png", 3, {red, green, blue}},
    {"rgba.png", 4, {red, green, blue, alpha}},
    {"palette.png", 3, {red, green, blue}},
    {"bits1.png", 1, {bits}},
    {"interlaced.png", 1, {red_green}},
};

static bool matches(const es_tensor *x, size_t p) {
  int c = pictures[p].channels;
  if (es_dtype_of(x) != ES_U8 || es_rank(x) != (c == 1 ? 2 : 3)) return false;
  if (es_shape(x)[0] != 4 || es_shape(x)[1] != 5 || (c > 1 && es_shape(x)[2] != c)) return false;
  const uint8_t *at = es_data(x);
  for (int y = 0; y < 4; y++)
    for (int i = 0; i < 5; i++)
      for (int k = 0; k < c; k++)
        if (*at++ != (uint8_t)pictures[p].value[k](y, i)) return false;
  return true;
}

Test(image, reads_every_colour_type) {
  for (size_t p = 0; p < sizeof pictures / sizeof *pictures; p++) {
    es_tensor *x = es_load(es, test_data(pictures[p].name));
    cr_assert(x, "%s", es_error_text(es));
    cr_assert(matches(x, p), "%s: wrong pixels", pictures[p].name);
  }
  cr_assert(!es_load(es, test_data("bits16.png")));
  cr_assert_eq(es_ctx_error(es)->status, ES_E_UNSUPPORTED);
  cr_assert(strstr(es_error_text(es), "16 bits a sample"), "%s", es_error_text(es));
}

Test(image, round_trips) {
  for (int c = 0; c <= 4; c++) {
    int64_t shape[3] = {6, 7, c};
    es_tensor *x = es_ramp(es, ES_U8, c ? 3 : 2, shape);
    es_tensor *forms[2] = {x, es_flip(es, x, 0)};
    for (int f = 0; f < 2; f++) {
      const char *path = test_scratch("round.png");
      cr_assert_eq(es_save(es, path, forms[f]), ES_OK, "%s", es_error_text(es));
      es_tensor *y = es_load(es, path), *want = es_contiguous(es, forms[f]);
      cr_assert(y, "%s", es_error_text(es));
      cr_assert_eq(es_rank(y), c > 1 ? 3 : 2);
      cr_assert(es_size(y) == es_size(want) &&
                !memcmp(es_data(y), es_data(want), (size_t)es_size(y)));
    }
  }
}

Test(image, says_what_a_picture_is) {
  static const struct {
    es_dtype dtype;
    int rank;
    int64_t shape[3];
    es_status status;
    const char *part;
  } bad[] = {{ES_F32, 2, {4, 4}, ES_E_DTYPE, "cast it to u8"},
             {ES_U8, 1, {4}, ES_E_RANK, "(4,)"},
             {ES_U8, 3, {4, 4, 5}, ES_E_RANK, "(4, 4, 5)"},
             {ES_U8, 2, {4, 0}, ES_E_VALUE, "(4, 0)"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    es_clear_error(es);
    es_tensor *x = es_zeros(es, bad[i].dtype, bad[i].rank, bad[i].shape);
    cr_assert_eq(es_save(es, test_scratch("bad.png"), x), bad[i].status);
    cr_assert(strstr(es_error_text(es), bad[i].part), "%s", es_error_text(es));
    cr_assert_eq(test_count_entries(test_scratch_dir()), 0, "a failed save left a file");
  }
  es_clear_error(es);
  cr_assert_eq(es_save(es, test_scratch("picture.jpg"), es_zeros(es, ES_U8, 2, bad[0].shape)),
               ES_E_VALUE);
}

Test(image, survives_damage_to_every_byte_and_every_length) {
  char path[512];
  strcpy(path, test_scratch("damaged.png"));
  es_scope_push(es);
  es_load(es, test_data("grey.png")); /* a context keeps a handle for the next tensor */
  es_scope_pop(es);
  int64_t before = es_memory_now(es);
  for (size_t p = 0; p < sizeof pictures / sizeof *pictures; p++) {
    size_t len;
    uint8_t *bytes = test_read(test_data(pictures[p].name), &len);
    for (size_t at = 0; at < len; at++)
      for (int k = 0; k < 3; k++) {
        static const uint8_t masks[3] = {1, 0x20, 0xff};
        bytes[at] ^= masks[k];
        test_write(path, bytes, len);
        es_scope_push(es);
        es_clear_error(es);
        es_tensor *x = es_load(es, path);
        cr_assert(!x || matches(x, p), "%s: byte %zu changed the picture", pictures[p].name, at);
        es_scope_pop(es);
        bytes[at] ^= masks[k];
      }
    for (size_t n = 0; n < len; n++) {
      test_write(path, bytes, n);
      es_clear_error(es);
      cr_assert(!es_load(es, path), "%s cut to %zu bytes was read", pictures[p].name, n);
    }
    free(bytes);
  }
  es_clear_error(es);
  cr_assert_eq(es_memory_now(es), before);
}

/* A header alone may claim 2^31 x 2^31 pixels. */
Test(image, refuses_sizes_the_file_cannot_hold) {
  static const uint8_t huge[] =
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\0\0\0\0"
      "\x31\xa2\x54\xba\0\0\0\0IDAT\x35\xaf\x06\x1e";
  test_write(test_scratch("huge.png"), huge, sizeof huge - 1);
  es_memory_reset_peak(es);
  int64_t before = es_memory_peak(es);
  cr_assert(!es_load(es, test_scratch("huge.png")));
  cr_assert(es_memory_peak(es) - before < 1 << 20);
}
