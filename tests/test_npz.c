/* .npz: archives that NumPy wrote, archives that lie, and round trips. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "einstride/io.h"
#include "support/alloc.h"
#include "support/files.h"

static es_ctx *es;
static const char *names[8];
static es_tensor *xs[8];
static void setup(void) { es = es_ctx_create(NULL); }
static void teardown(void) { es_ctx_destroy(es); }
TestSuite(npz, .init = setup, .fini = teardown);

static int64_t load(const char *path) { return es_load_npz(es, path, names, xs, 8); }

static void expect_refused(const char *file, es_status status, const char *part) {
  es_clear_error(es);
  cr_assert_eq(load(test_data(file)), -1, "%s was read", file);
  cr_assert_eq(es_ctx_error(es)->status, status, "%s", es_error_text(es));
  cr_assert(strstr(es_error_text(es), part), "no \"%s\" in: %s", part, es_error_text(es));
  for (int i = 0; i < 8; i++) cr_assert(!names[i] && !xs[i]);
}

/* a: f4, value + 0.5; b: i8; both the ramp of tests/data/make.py. */
static bool is_ramp(const es_tensor *x, double half) {
  double v[6];
  if (es_size(x) != 6 || es_read(es, x, ES_F64, v, 6) != ES_OK) return false;
  for (int i = 0; i < 6; i++)
    if (v[i] != i + half) return false;
  return true;
}

Test(npz, reads_what_numpy_wrote) {
  static const char *const files[] = {"stored.npz", "deflated.npz"};
  for (int f = 0; f < 2; f++) {
    cr_assert_eq(load(test_data(files[f])), 2, "%s", es_error_text(es));
    cr_assert_str_eq(names[0], "a");
    cr_assert_str_eq(names[1], "b");
    cr_assert(es_dtype_of(xs[0]) == ES_F32 && is_ramp(xs[0], 0.5));
    cr_assert(es_dtype_of(xs[1]) == ES_I64 && is_ramp(xs[1], 0));
  }
  cr_assert_eq(load(test_data("zip64.npz")), 1, "%s", es_error_text(es));
  cr_assert(is_ramp(xs[0], 0));
  cr_assert_eq(load(test_data("empty.npz")), 0, "%s", es_error_text(es));
  xs[1] = NULL;
  cr_assert_eq(es_load_npz(es, test_data("stored.npz"), names, xs, 1), 2);
  cr_assert(is_ramp(xs[0], 0.5) && !xs[1]);
}

Test(npz, refuses_archives_that_lie) {
  expect_refused("overlap.npz", ES_E_FORMAT, "overlap");
  expect_refused("nested.npz", ES_E_FORMAT, "overlap");
  expect_refused("twice.npz", ES_E_FORMAT, "two entries named 'a.npy'");
  expect_refused("not_npy.npz", ES_E_FORMAT, "readme.txt");
  expect_refused("escape.npz", ES_E_FORMAT, "\\x1b[31mred.npy");
  expect_refused("vector.npy", ES_E_FORMAT, "end record");
  expect_refused("absent.npz", ES_E_IO, "No such file");
}

Test(npz, survives_damage_to_every_byte_and_every_length) {
  static const char *const seeds[] = {"stored.npz", "deflated.npz", "zip64.npz"};
  const char *path = test_scratch("damaged.npz");
  char kept_path[512];
  strcpy(kept_path, path);
  int64_t before = 0;
  for (int s = 0; s < 3; s++) {
    size_t len;
    uint8_t *bytes = test_read(test_data(seeds[s]), &len);
    for (size_t at = 0; at < len; at++)
      for (int k = 0; k < 3; k++) {
        static const uint8_t masks[3] = {1, 0x80, 0xff};
        bytes[at] ^= masks[k];
        test_write(kept_path, bytes, len);
        es_scope_push(es);
        es_clear_error(es);
        /* The check sums see every change of the data. */
        int64_t n = load(kept_path);
        if (n > 0)
          cr_assert(is_ramp(xs[0], s == 2 ? 0 : 0.5) && (n == 1 || is_ramp(xs[1], 0)),
                    "%s: byte %zu changed the data", seeds[s], at);
        else
          cr_assert_neq(es_ctx_error(es)->status, ES_OK, "%s: byte %zu emptied it", seeds[s], at);
        es_scope_pop(es);
        bytes[at] ^= masks[k];
      }
    for (size_t n = 0; n < len; n++) {
      test_write(kept_path, bytes, n);
      es_clear_error(es);
      cr_assert_eq(load(kept_path), -1, "%s cut to %zu bytes was read", seeds[s], n);
    }
    free(bytes);
    es_clear_error(es);
    if (!s) before = es_memory_now(es); /* the names' buffer stays with the context */
    cr_assert_leq(es_memory_now(es), before);
  }
}

/* A deflated entry whose directory asks for size bytes: only sizes are patched. */
static void claim(const char *path, uint32_t size) {
  size_t len;
  uint8_t *bytes = test_read(test_data("deflated.npz"), &len);
  for (size_t i = 0; i + 28 < len; i++)
    if (!memcmp(bytes + i, "PK\1\2", 4)) memcpy(bytes + i + 24, &size, 4);
  test_write(path, bytes, len);
  free(bytes);
}

Test(npz, inflates_no_more_than_was_declared) {
  es_memory_reset_peak(es);
  int64_t before = es_memory_peak(es);
  claim(test_scratch("bomb.npz"), 0xfffffff0u);
  cr_assert_eq(load(test_scratch("bomb.npz")), -1);
  cr_assert(strstr(es_error_text(es), "claims more data"), "%s", es_error_text(es));
  es_clear_error(es);
  claim(test_scratch("bomb.npz"), 153);
  cr_assert_eq(load(test_scratch("bomb.npz")), -1);
  cr_assert(es_memory_peak(es) - before < 200000, "%lld bytes",
            (long long)(es_memory_peak(es) - before));

  /* 64 MiB of zeros in 64 KiB: honest, but over the limit of the context. */
  es_clear_error(es);
  int64_t n = 64 << 20;
  es_tensor *zeros = es_broadcast_to(es, es_zeros(es, ES_U8, 0, NULL), 1, &n);
  const char *name = "zeros";
  es_scope_push(es);
  cr_assert_eq(es_save_npz(es, test_scratch("big.npz"), &name, &zeros, 1, true), ES_OK, "%s",
               es_error_text(es));
  es_scope_pop(es);
  es_set_max_bytes(es, 32 << 20);
  cr_assert_eq(load(test_scratch("big.npz")), -1);
  cr_assert_eq(es_ctx_error(es)->status, ES_E_LIMIT, "%s", es_error_text(es));
  es_clear_error(es);
  es_set_max_bytes(es, 0);
  cr_assert_eq(load(test_scratch("big.npz")), 1, "%s", es_error_text(es));
  cr_assert_eq(es_size(xs[0]), n);
}

Test(npz, round_trips) {
  static const int64_t shape[2] = {7, 11};
  es_tensor *in[3] = {es_ramp(es, ES_F32, 2, shape),
                      es_transpose(es, es_ramp(es, ES_I16, 2, shape), 0, 1),
                      es_zeros(es, ES_C64, 0, NULL)};
  const char *const in_names[3] = {"x", "größe", "folder/z"};
  for (int compress = 0; compress < 2; compress++) {
    const char *path = test_scratch("round.npz");
    cr_assert_eq(es_save_npz(es, path, in_names, in, 3, compress), ES_OK, "%s", es_error_text(es));
    cr_assert_eq(load(path), 3, "%s", es_error_text(es));
    for (int i = 0; i < 3; i++) {
      cr_assert_str_eq(names[i], in_names[i]);
      cr_assert_eq(es_dtype_of(xs[i]), es_dtype_of(in[i]));
      es_tensor *a = es_contiguous(es, in[i]);
      cr_assert_eq(es_size(xs[i]), es_size(a));
      cr_assert(
          !memcmp(es_data(xs[i]), es_data(a), (size_t)es_size(a) * es_dtype_size(es_dtype_of(a))));
    }
  }
  const char *const twice[3] = {"x", "y", "x"};
  cr_assert_neq(es_save_npz(es, test_scratch("no.npz"), twice, in, 3, false), ES_OK);
  cr_assert(strstr(es_error_text(es), "two entries named 'x.npy'"), "%s", es_error_text(es));
}

/* The first that cannot be written ends the saving; the archive that was there stays. */
Test(npz, saves_all_or_nothing) {
  es_tensor *in[2] = {es_zeros(es, ES_BF16, ES_SHAPE(2)), es_zeros(es, ES_F32, ES_SHAPE(2))};
  const char *const in_names[2] = {"a", "b"}, *path = test_scratch("whole.npz");
  cr_assert_eq(es_save_npz(es, path, in_names + 1, in + 1, 1, true), ES_OK);
  cr_assert_eq(es_save_npz(es, path, in_names, in, 2, true), ES_E_DTYPE);
  cr_assert(strstr(es_error_text(es), "no type for bf16"), "%s", es_error_text(es));
  cr_assert_eq(load(path), 1, "%s", es_error_text(es));
  cr_assert_str_eq(names[0], "b");
}

/* zlib gets them in pieces. */
Test(npz, large_entries) {
  const int64_t shape[1] = {700000};
  es_tensor *in[1] = {es_ramp(es, ES_I32, 1, shape)};
  const char *const in_names[1] = {"x"}, *path = test_scratch("large.npz");
  cr_assert_eq(es_save_npz(es, path, in_names, in, 1, true), ES_OK, "%s", es_error_text(es));
  cr_assert_eq(load(path), 1, "%s", es_error_text(es));
  cr_assert(es_size(xs[0]) == 700000 && !memcmp(es_data(xs[0]), es_data(in[0]), 4 * 700000));
}

/* Names so long that memory is asked for them. */
Test(npz, names_that_need_memory) {
  enum { N = 8, LONG = 1000 };
  char text[N][LONG + 1];
  const char *in_names[N];
  es_tensor *in[N];
  test_alloc heap;
  test_alloc_init(&heap);
  es_ctx *ctx = es_ctx_create(&(es_config){.allocator = test_alloc_hooks(&heap), .threads = 1});
  for (int i = 0; i < N; i++) {
    memset(text[i], 'a' + i, LONG);
    text[i][LONG] = '\0';
    in_names[i] = text[i];
    in[i] = es_zeros(ctx, ES_U8, ES_SHAPE(3));
  }
  const char *path = test_scratch("long.npz");
  es_status status = ES_E_NOMEM;
  for (int64_t k = 1; status == ES_E_NOMEM; k++) {
    cr_assert_lt(k, 100);
    test_alloc_fail(&heap, k, false);
    status = es_save_npz(ctx, path, in_names, in, N, false);
    test_alloc_obey(&heap);
  }
  cr_assert_eq(status, ES_OK, "%s", es_error_text(ctx));
  es_ctx_destroy(ctx);
  cr_assert_eq(heap.blocks, 0);
  cr_assert_eq(load(path), N, "%s", es_error_text(es));
  cr_assert_str_eq(names[N - 1], in_names[N - 1]);
}

/* Beyond 65,535 entries the counts move to the zip64 records. */
Test(npz, counts_in_64_bits) {
  enum { N = 66000 };
  es_tensor **in = calloc(N, sizeof *in), *one = es_zeros(es, ES_U8, 0, NULL);
  const char **in_names = calloc(N, sizeof *in_names);
  char *text = calloc(N, 8);
  cr_assert(in && in_names && text);
  for (int i = 0; i < N; i++) {
    in[i] = one;
    in_names[i] = text + 8 * i;
    snprintf(text + 8 * i, 8, "%d", i);
  }
  const char *path = test_scratch("many.npz");
  cr_assert_eq(es_save_npz(es, path, in_names, in, N, false), ES_OK, "%s", es_error_text(es));
  cr_assert_eq(es_load_npz(es, path, names, xs, 2), N, "%s", es_error_text(es));
  cr_assert_str_eq(names[1], "1");
  free(in), free(in_names), free(text);
}
