/* .npy: files that NumPy wrote, damage to each of their bytes, and round trips. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "einstride/io.h"
#include "support/files.h"

static es_ctx *es;
static void setup(void) { es = es_ctx_create(NULL); }
static void teardown(void) { es_ctx_destroy(es); }
TestSuite(npy, .init = setup, .fini = teardown);

#define EXPECT_ERROR(call, wanted, part)                                                           \
  do {                                                                                             \
    es_clear_error(es);                                                                            \
    cr_assert(!(call), "%s must fail", #call);                                                     \
    cr_assert_eq(es_ctx_error(es)->status, wanted, "%s: %s", #call, es_error_text(es));            \
    cr_assert(strstr(es_error_text(es), part), "no \"%s\" in: %s", part, es_error_text(es));       \
  } while (0)

/* The ramp of tests/data/make.py, as every file of a type holds it. */
static void expect_ramp(const es_tensor *x, const char *name) {
  cr_assert(x, "%s: %s", name, es_error_text(es));
  cr_assert_eq(es_rank(x), 2);
  cr_assert(es_shape(x)[0] == 2 && es_shape(x)[1] == 3, "%s: shape", name);
  double z[12];
  es_dtype d = es_dtype_of(x);
  bool complex = d == ES_C64 || d == ES_C128;
  cr_assert_eq(es_read(es, x, complex ? ES_C128 : ES_F64, z, 6), ES_OK, "%s", es_error_text(es));
  for (int i = 0; i < 6; i++) {
    double re = complex ? z[2 * i] : z[i];
    double half = complex || d == ES_F16 || d == ES_F32 || d == ES_F64 ? 0.5 : 0;
    double want = d == ES_BOOL ? (double)(i & 1) : (double)i + half;
    cr_assert_eq(re, want, "%s[%d]: %g, not %g", name, i, re, want);
    if (complex) cr_assert_eq(z[2 * i + 1], (double)-i, "%s[%d]: imaginary part", name, i);
  }
}

static const struct {
  const char *name;
  es_dtype dtype;
} codes[] = {{"b1", ES_BOOL}, {"i1", ES_I8},  {"u1", ES_U8},  {"i2", ES_I16},  {"i4", ES_I32},
             {"i8", ES_I64},  {"u2", ES_I32}, {"u4", ES_I64}, {"u8", ES_I64},  {"f2", ES_F16},
             {"f4", ES_F32},  {"f8", ES_F64}, {"c8", ES_C64}, {"c16", ES_C128}};
enum { CODES = sizeof codes / sizeof *codes };

Test(npy, reads_every_type_in_both_byte_orders) {
  for (int i = 0; i < CODES; i++)
    for (int big = 0; big < 2; big++) {
      char name[32];
      snprintf(name, sizeof name, "%s_%s.npy", big ? "be" : "le", codes[i].name);
      if (big && es_dtype_size(codes[i].dtype) == 1) continue;
      es_tensor *x = es_load(es, test_data(name));
      expect_ramp(x, name);
      cr_assert_eq(es_dtype_of(x), codes[i].dtype, "%s is %s", name, es_dtype_name(es_dtype_of(x)));
    }
}

Test(npy, reads_versions_fortran_order_scalars_and_nothing) {
  expect_ramp(es_load(es, test_data("version2.npy")), "version2");
  expect_ramp(es_load(es, test_data("version3.npy")), "version3");
  expect_ramp(es_load(es, test_data("fortran_f4.npy")), "fortran_f4");
  expect_ramp(es_load(es, test_data("fortran_u2.npy")), "fortran_u2");
  es_tensor *x = es_load(es, test_data("scalar.npy"));
  double value = 0;
  cr_assert(x && es_rank(x) == 0 && es_read(es, x, ES_F64, &value, 1) == ES_OK && value == 2.5);
  x = es_load(es, test_data("empty.npy"));
  cr_assert(x && es_rank(x) == 3 && es_shape(x)[1] == 0 && es_size(x) == 0);
  x = es_load(es, test_data("vector.npy"));
  cr_assert(x && es_rank(x) == 1 && es_shape(x)[0] == 5);
}

Test(npy, refuses_by_name_what_it_cannot_hold) {
  EXPECT_ERROR(es_load(es, test_data("object.npy")), ES_E_DTYPE, "'|O'");
  EXPECT_ERROR(es_load(es, test_data("text.npy")), ES_E_DTYPE, "'<U2'");
  EXPECT_ERROR(es_load(es, test_data("record.npy")), ES_E_DTYPE, "named fields");
  EXPECT_ERROR(es_load(es, test_data("date.npy")), ES_E_DTYPE, "'<M8[D]'");
  EXPECT_ERROR(es_load(es, test_data("longdouble.npy")), ES_E_DTYPE, "'<f16'");
  EXPECT_ERROR(es_load(es, test_data("too_large_u8.npy")), ES_E_OVERFLOW, "9223372036854775808");
  EXPECT_ERROR(es_load(es, test_data("absent.npy")), ES_E_IO, "No such file");
  EXPECT_ERROR(es_load(es, test_data("")), ES_E_IO, "a directory");
  EXPECT_ERROR(es_load(es, "/dev/zero"), ES_E_IO, "not a regular file");
  EXPECT_ERROR(es_load(es, test_data("make.py")), ES_E_FORMAT, "is a text; in Python");
  EXPECT_ERROR(es_load(es, test_data("stored.npz")), ES_E_FORMAT, "es_load_npz");
}

/* A version 1.0 file with a header of the test's own. */
static es_tensor *read_with(const char *dict, size_t data_bytes) {
  uint8_t bytes[4096] = "\x93NUMPY\1\0";
  size_t n = strlen(dict);
  bytes[8] = (uint8_t)n, bytes[9] = (uint8_t)(n >> 8);
  memcpy(bytes + 10, dict, n);
  return es_npy_read(es, bytes, 10 + n + data_bytes);
}

Test(npy, refuses_headers_that_lie) {
  /* 2^32 bytes asked for by a file of a few: nothing may be allocated. */
  es_memory_reset_peak(es);
  int64_t before = es_memory_peak(es);
  EXPECT_ERROR(read_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824,), }", 0),
               ES_E_FORMAT, "4294967296");
  EXPECT_ERROR(
      read_with("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0),
      ES_E_FORMAT, "no memory can hold");
  EXPECT_ERROR(
      read_with("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 9223372036854775807, 3), }",
                0),
      ES_E_FORMAT, "no memory can hold");
  EXPECT_ERROR(
      read_with("{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775808,), }", 0),
      ES_E_FORMAT, "below 2^63");
  cr_assert(es_memory_peak(es) - before < 65536, "a lying header cost memory");
  EXPECT_ERROR(es_npy_read(es, "\x93NUMPY\1\0\0\0\0\0", 12), ES_E_FORMAT, "expected '{'");
  EXPECT_ERROR(es_npy_read(es, "\x93NUMPY\2\0\xff\xff\xff\xff", 12), ES_E_FORMAT, "at most 10000");
  EXPECT_ERROR(es_npy_read(es, "\x93NUMPY\4\0\0\0", 10), ES_E_FORMAT, "version 4.0");
  EXPECT_ERROR(es_npy_read(es, "", 0), ES_E_FORMAT, "ends early");
}

Test(npy, refuses_headers_that_are_not_the_dict) {
  static const struct {
    const char *dict, *part;
  } bad[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "once"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "once"},
      {"{'descr': '<f4', 'fortran_order': False}", "all of"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "True or False"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", "only extent"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "0 or more"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", "','"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", "'}'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "only spaces"},
      {"{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}", "',' or '}'"},
      {"{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}", "expected"},
      {"{'descr': '|f4', 'fortran_order': False, 'shape': (1,)}", "byte order"},
      {"{'descr': '<f4\x1b[31m', 'fortran_order': False, 'shape': (1,)}", "\\x1b[31m"},
      {"{'descr': '<f3', 'fortran_order': False, 'shape': (1,)}", "'<f3'"},
      {"{'descr': '', 'fortran_order': False, 'shape': (1,)}", "''"},
      {"{'descr': '<V2', 'fortran_order': False, 'shape': (1,)}", "bfloat16"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    es_clear_error(es);
    cr_assert(!read_with(bad[i].dict, 4), "accepted: %s", bad[i].dict);
    cr_assert(strstr(es_error_text(es), bad[i].part), "%s -> %s", bad[i].dict, es_error_text(es));
  }
  es_clear_error(es);
  cr_assert(read_with("{\"shape\":(1L,),'fortran_order':True,\n'descr':'=f4'}", 4), "%s",
            es_error_text(es));
  cr_assert(read_with("{'descr': 'u1', 'fortran_order': False, 'shape': ( 2 , 2 , ), }  \n", 4),
            "%s", es_error_text(es));
}

/* A context keeps a few handles for the next tensors: two of them, here. */
static int64_t memory_at_rest(void) {
  es_scope_push(es);
  es_load(es, test_data("fortran_u2.npy"));
  es_scope_pop(es);
  return es_memory_now(es);
}

Test(npy, survives_damage_to_every_byte_and_every_length) {
  static const char *const seeds[] = {"le_b1.npy",      "be_i4.npy",    "le_u8.npy", "be_c16.npy",
                                      "fortran_u2.npy", "version2.npy", "empty.npy", "object.npy"};
  int64_t before = memory_at_rest();
  int cases = 0, refused = 0;
  for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++) {
    size_t len;
    uint8_t *bytes = test_read(test_data(seeds[s]), &len);
    for (size_t at = 0; at < len; at++)
      for (int bit = 0; bit < 9; bit++) {
        uint8_t kept = bytes[at];
        bytes[at] = bit < 8 ? (uint8_t)(kept ^ 1 << bit) : 0xff;
        es_scope_push(es);
        es_clear_error(es);
        es_tensor *x = es_npy_read(es, bytes, len);
        cr_assert((x == NULL) == (es_ctx_error(es)->status != ES_OK));
        cases++, refused += !x;
        es_scope_pop(es);
        bytes[at] = kept;
      }
    for (size_t n = 0; n < len; n++) {
      es_clear_error(es);
      uint8_t *cut = malloc(n ? n : 1); /* of exactly that size: sanitizers see a byte beyond */
      memcpy(cut, bytes, n);
      cr_assert(!es_npy_read(es, cut, n), "%s cut to %zu bytes was read", seeds[s], n);
      free(cut);
    }
    free(bytes);
  }
  es_clear_error(es);
  cr_assert_eq(es_memory_now(es), before, "%lld bytes stayed",
               (long long)(es_memory_now(es) - before));
  cr_assert(cases > 10000 && refused > cases / 4, "%d of %d", refused, cases);
}

static void expect_same(const es_tensor *x, const es_tensor *y, const char *what) {
  cr_assert(y, "%s: %s", what, es_error_text(es));
  cr_assert_eq(es_dtype_of(x), es_dtype_of(y), "%s", what);
  cr_assert_eq(es_rank(x), es_rank(y), "%s", what);
  for (int i = 0; i < es_rank(x); i++) cr_assert_eq(es_shape(x)[i], es_shape(y)[i], "%s", what);
  x = es_contiguous(es, x), y = es_contiguous(es, y);
  size_t bytes = (size_t)es_size(x) * es_dtype_size(es_dtype_of(x));
  cr_assert(!bytes || !memcmp(es_data(x), es_data(y), bytes), "%s: elements differ", what);
}

Test(npy, round_trips_every_type_and_layout) {
  static const int64_t shape[3] = {3, 4, 5};
  for (int d = 0; d < ES_DTYPE_COUNT; d++) {
    if (d == ES_BF16) continue;
    es_tensor *x = d == ES_BOOL ? es_zeros(es, ES_BOOL, 3, shape)
                                : es_ramp(es, (es_dtype)d, 3, shape);
    cr_assert(x, "%s", es_error_text(es));
    es_tensor *forms[] = {x, es_transpose(es, x, 0, 2), es_slice(es, x, 1, ES_ALL, ES_ALL, 2),
                          es_flip(es, x, 0),
                          es_select(es, es_select(es, es_select(es, x, 0, 1), 0, 1), 0, 1)};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
      const char *path = test_scratch("round.npy");
      cr_assert_eq(es_save(es, path, forms[f]), ES_OK, "%s", es_error_text(es));
      expect_same(forms[f], es_load(es, path), es_dtype_name((es_dtype)d));
    }
  }
  EXPECT_ERROR(es_save(es, test_scratch("bf16.npy"), es_zeros(es, ES_BF16, 1, shape)) == ES_OK,
               ES_E_DTYPE, "cast it to f32");
}

Test(npy, writes_the_bytes_numpy_writes) {
  static const char *const same[] = {"le_b1.npy",  "le_i4.npy", "le_f2.npy", "le_c16.npy",
                                     "scalar.npy", "empty.npy", "vector.npy"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    size_t len;
    uint8_t *bytes = test_read(test_data(same[i]), &len), out[512];
    es_tensor *x = es_load(es, test_data(same[i]));
    cr_assert_eq(es_npy_write(es, x, out, sizeof out), len, "%s", same[i]);
    cr_assert(!memcmp(out, bytes, len), "%s differs", same[i]);
    cr_assert_eq(es_npy_write(es, x, NULL, 0), len);
    memset(out, 0x5a, sizeof out);
    cr_assert_eq(es_npy_write(es, x, out, 70), len);
    cr_assert(!memcmp(out, bytes, 70) && out[70] == 0x5a, "wrote beyond cap");
    free(bytes);
  }
}

Test(npy, has_no_type_for_some) {
  EXPECT_ERROR(es_npy_write(es, es_zeros(es, ES_BF16, ES_SHAPE(2)), NULL, 0), ES_E_DTYPE, "bf16");
}

Test(npy, counts_what_a_broadcast_view_would_take) {
  int64_t one = 1, wide[2] = {INT64_MAX / 4, 2};
  es_tensor *x = es_broadcast_to(es, es_zeros(es, ES_F64, 1, &one), 2, wide);
  if (!x) return; /* refused earlier is as good */
  EXPECT_ERROR(es_npy_write(es, x, NULL, 0), ES_E_OVERFLOW, "2^63");
}

Test(npy, a_tensor_has_at_most_64_axes) {
  for (int rank = 64; rank <= 65; rank++) {
    char dict[400] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    for (int i = 0; i < rank; i++) strcat(dict, "1,");
    strcat(dict, ")}");
    es_tensor *x = read_with(dict, 4);
    cr_assert_eq(x != NULL, rank == 64, "%s", es_error_text(es));
    if (x) cr_assert_eq(es_rank(x), 64);
  }
  cr_assert(strstr(es_error_text(es), "a shape of at most 64 axes"), "%s", es_error_text(es));
  es_clear_error(es);
}

/* Nothing of what is missing is looked at. */
Test(npy, without_a_context_or_a_tensor) {
  char bytes[8] = "";
  es_tensor *x = es_zeros(es, ES_F32, ES_SHAPE(2)), *out[1] = {x};
  const char *names[1] = {"x"};
  cr_assert_null(es_npy_read(NULL, bytes, sizeof bytes));
  cr_assert_eq(es_npy_write(NULL, x, NULL, 0), 0);
  cr_assert_null(es_load(NULL, "x.npy"));
  cr_assert_eq(es_save(NULL, "x.npy", x), ES_E_VALUE);
  cr_assert_eq(es_load_npz(NULL, "x.npz", names, out, 1), -1);
  cr_assert_eq(es_save_npz(NULL, "x.npz", names, out, 1, false), ES_E_VALUE);
  cr_assert_eq(es_npy_write(es, NULL, NULL, 0), 0);
  cr_assert(strstr(es_error_text(es), "es_npy_write"), "%s", es_error_text(es));
  es_clear_error(es);
  out[0] = NULL;
  cr_assert_neq(es_save_npz(es, "x.npz", names, out, 1, false), ES_OK);
  cr_assert(strstr(es_error_text(es), "es_save_npz"), "%s", es_error_text(es));
  es_clear_error(es);
  cr_assert_neq(es_save(es, "x.npy", NULL), ES_OK);
  cr_assert(strstr(es_error_text(es), "es_save"), "%s", es_error_text(es));
  es_clear_error(es);
}
